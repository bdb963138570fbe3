//! What may stand on the command line.

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Arg, Args, Parser, Subcommand};
use core::num::NonZeroUsize;
use core::time::Duration;
use std::path::PathBuf;
use twolayer::host::dataset::{Digits, Fetch, Name, Source};
use twolayer::host::training::Recipe;
use twolayer::host::{Error, Quantized};
use twolayer::{Backend, INIT_SCALE, Options, Shape};

/// Trains and runs the two-layer MNIST network, 784 → 1000 (ReLU) → 10, one sample at a time.
///
/// Without a command: `train`, by the article's recipe.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) train: TrainOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network, test it after every epoch, write it to a file
    Train(TrainOptions),
    /// Test a trained network: accuracy by class and confusion matrix
    Eval(EvalOptions),
    /// Turn a trained network into one of integers, for microcontrollers, and say what that costs in accuracy
    Quantize(QuantizeOptions),
    /// Say what a model file holds, and whether it is undamaged
    Info(InfoOptions),
    /// Fetch, check, list or make data sets
    #[command(subcommand)]
    Data(DataCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Have a data set in the cache directory: what is missing or changed is fetched
    Fetch {
        /// mnist, fashion or digits
        #[arg(value_name = "NAME", value_parser = name)]
        name: Name,
        #[command(flatten)]
        fetch: FetchOptions,
    },
    /// Compare a data set's files with their SHA-256
    Verify {
        /// mnist, fashion, digits, or a directory of MNIST's or Fashion-MNIST's files
        #[arg(value_name = "NAME|DIR", default_value = "mnist", value_parser = source())]
        source: Source,
    },
    /// Say which data sets are here, and where
    List,
    /// Make digits and write them to four IDX files
    Digits {
        /// Directory to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Another seed, other digits
        #[arg(long, value_name = "N", default_value_t = Digits::default().seed)]
        seed: u64,
        /// How many to train on
        #[arg(long, value_name = "N", default_value_t = Digits::default().train, value_parser = many())]
        train: u32,
        /// How many to test with
        #[arg(long, value_name = "N", default_value_t = Digits::default().test, value_parser = many())]
        test: u32,
    },
}

/// Where the images come from.
#[derive(Args, Debug)]
pub(crate) struct DataOptions {
    /// mnist (from `$MNIST_DIR`, the cache or a mirror), fashion, digits (made here), or a directory of four IDX files (or
    /// .gz) with images of any size [default: mnist]
    #[arg(long, value_name = "NAME|DIR", value_parser = source())]
    pub(crate) data: Option<Source>,
    #[command(flatten)]
    pub(crate) fetch: FetchOptions,
    /// Read files instead of memory-mapping them (for files that others may write to)
    #[arg(long)]
    pub(crate) no_mmap: bool,
}

/// The help of `--data` where there is a model to ask.
fn after_the_model(data: Arg) -> Arg {
    let help = data.get_help().map(ToString::to_string).unwrap_or_default();
    data.help(help.replace("[default: mnist]", "[default: the data that the model is named after, or else mnist]"))
}

/// How files are fetched.
#[derive(Args, Debug)]
pub(crate) struct FetchOptions {
    /// Address of a directory to fetch files from; may be given again, for the case that it fails [default:
    /// `$TWOLAYER_MIRROR`, or the public mirrors]
    #[arg(long, value_name = "URL", value_parser = mirror)]
    pub(crate) mirror: Vec<String>,
    /// Seconds that a server may be silent
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

impl FetchOptions {
    pub(crate) fn settings(&self) -> Result<Fetch, Error> {
        let mut mirrors = self.mirror.clone();
        if mirrors.is_empty() {
            let variable = std::env::var_os("TWOLAYER_MIRROR").unwrap_or_default();
            let variable = variable.into_string().map_err(|it| Error::Mirror { url: it.to_string_lossy().into() })?;
            for url in variable.split_whitespace() {
                mirrors.push(mirror(url).map_err(|_| Error::Mirror { url: url.into() })?);
            }
        }
        Ok(Fetch { mirrors, timeout: self.timeout, ..Fetch::default() })
    }
}

#[derive(Args, Debug)]
pub(crate) struct TrainOptions {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Passes over the training images
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) epochs: u32,
    /// Hidden units
    #[arg(long, value_name = "N", default_value_t = Shape::MNIST.hidden(), value_parser = at_least_one)]
    pub(crate) hidden: usize,
    /// Learning rate
    #[arg(long, value_name = "RATE", default_value_t = Exponent(Options::ALPHA), value_parser = positive)]
    pub(crate) alpha: Exponent,
    /// Seed of the initial weights
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Initial weights are uniform from 0 to this
    #[arg(long, value_name = "W", default_value_t = Exponent(INIT_SCALE), value_parser = positive)]
    pub(crate) init_scale: Exponent,
    /// Samples computed together; each still sees the weights that the one before left
    #[arg(long, value_name = "N", default_value_t = Options::BLOCK, value_parser = block)]
    pub(crate) block: usize,
    /// SIMD instructions: portable, avx2 or avx512; the result is the same [default: the best this machine has]
    #[arg(long, value_name = "TIER", value_parser = backend)]
    pub(crate) backend: Option<Backend>,
    /// Threads that share the work; the result is the same [default: all cores]
    #[arg(long, value_name = "N", value_parser = not_zero)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// File to write the trained network to [default: mnist.twolayer, or after the data's name]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Train on the first N images only
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) limit: Option<usize>,
    /// Print the final accuracy only
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl TrainOptions {
    pub(crate) fn recipe(&self) -> Recipe {
        let defaults = Recipe::default();
        Recipe {
            epochs: self.epochs,
            hidden: self.hidden,
            seed: self.seed,
            init_scale: self.init_scale.0,
            limit: self.limit.unwrap_or(usize::MAX),
            options: Options {
                alpha: self.alpha.0,
                block: self.block,
                backend: self.backend.unwrap_or_else(Backend::detect),
            },
            threads: self.threads.unwrap_or(defaults.threads),
        }
    }
}

#[derive(Args, Debug)]
#[command(mut_arg("data", after_the_model))]
pub(crate) struct EvalOptions {
    /// Model file, as `train` writes it [default: after the name of `--data`, or else the newest *.twolayer here]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// SIMD instructions: portable, avx2 or avx512; the result is the same [default: the best this machine has]
    #[arg(long, value_name = "TIER", value_parser = backend)]
    pub(crate) backend: Option<Backend>,
}

#[derive(Args, Debug)]
#[command(mut_arg("data", after_the_model))]
pub(crate) struct QuantizeOptions {
    /// Model file, as `train` writes it [default: after the name of `--data`, or else the newest *.twolayer here of f32
    /// weights]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Bits of a weight of the first layer: 8 or 4
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = bits)]
    pub(crate) bits: u8,
    /// File to write the integer network to [default: after the model, mnist.int8.twolayer]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Choose scales by the first N training images
    #[arg(long, value_name = "N", default_value_t = Quantized::IMAGES, value_parser = at_least_one)]
    pub(crate) images: usize,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// SIMD instructions: portable, avx2 or avx512; the result is the same [default: the best this machine has]
    #[arg(long, value_name = "TIER", value_parser = backend)]
    pub(crate) backend: Option<Backend>,
}

#[derive(Args, Debug)]
pub(crate) struct InfoOptions {
    /// Model file, as `train` or `quantize` writes it [default: the newest *.twolayer here]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Read the file instead of memory-mapping it (if others may write to it)
    #[arg(long)]
    pub(crate) no_mmap: bool,
}

/// A number that is printed as 1e-5.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exponent(pub(crate) f32);

impl core::fmt::Display for Exponent {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:e}", self.0)
    }
}

fn positive(text: &str) -> Result<Exponent, String> {
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(Exponent(number)),
        _ => Err("a finite number above 0 is expected, such as 1e-5".into()),
    }
}

/// What `--data` takes.
fn source() -> impl TypedValueParser<Value = Source> {
    OsStringValueParser::new().map(Source::from)
}

fn name(text: &str) -> Result<Name, String> {
    match Source::from(text) {
        Source::Named(name) => Ok(name),
        Source::Directory(_) => Err("mnist, fashion or digits is expected".into()),
    }
}

fn mirror(text: &str) -> Result<String, String> {
    match text.split_once("://") {
        Some(("http" | "https", rest)) if !rest.is_empty() => Ok(text.into()),
        _ => Err("an address that begins with http:// or https:// is expected; a directory is named by --data".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // A day: no clock is near its end then.
    seconds
        .filter(|seconds| !seconds.is_zero() && *seconds <= Duration::from_secs(86_400))
        .ok_or_else(|| "a number above 0 and up to 86400 is expected, such as 30 or 0.5".into())
}

/// A number of digits: two of them are still below 2³².
fn many() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(i32::MAX))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    not_zero(text).map(NonZeroUsize::get)
}

fn not_zero(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "a whole number of 1 or more is expected".into())
}

fn bits(text: &str) -> Result<u8, String> {
    match text {
        "8" => Ok(8),
        "4" => Ok(4),
        _ => Err("8 or 4 is expected".into()),
    }
}

fn block(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=Options::MAX_BLOCK) => Ok(number),
        _ => Err(format!("a whole number from 1 to {} is expected", Options::MAX_BLOCK)),
    }
}

fn backend(text: &str) -> Result<Backend, String> {
    Backend::named(text).ok_or_else(|| {
        let names: Vec<_> = Backend::available().map(Backend::name).collect();
        format!("this machine has: {}", names.join(", "))
    })
}
