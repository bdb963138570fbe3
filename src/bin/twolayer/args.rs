//! Command-line arguments.

use crate::error::Error;
use crate::json;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Arg, Args, Parser, Subcommand};
use clap_complete::Shell;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::path::PathBuf;
use twolayer::host::dataset::{Digits, Fetch, Name, Source};
use twolayer::host::tensors::{ExportFormat, Input, Layout};
use twolayer::host::training::{Init, Recipe};
use twolayer::host::{FileAccess, QUANTIZE_IMAGES, Tuning};
use twolayer::picture::Ink;
use twolayer::{Backend, Bits, Distortion, INIT_SCALE, LossFunction, Shape, TrainOptions};

/// Trains and runs a two-layer MNIST network: 784 → 1000 (ReLU) → 10, plain per-sample SGD.
///
/// Without a command: `train`, with the article's settings.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) train: TrainArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network, test it after every epoch, and write it to a file
    Train(TrainArgs),
    /// Test a trained network: accuracy by class, confusion matrix, and accuracy of the surest answers
    Eval(EvalArgs),
    /// Say what digit is in a picture
    Predict(PredictArgs),
    /// Quantise a trained network to integers, for microcontrollers, and show the change in accuracy
    Quantize(QuantizeArgs),
    /// Make a model of a network trained with PyTorch (safetensors), NumPy or Keras (.npz, .npy)
    Import(ImportArgs),
    /// Write a model's weights for PyTorch (safetensors) or NumPy (.npz), or a quantised model as C
    Export(ExportArgs),
    /// Describe a model file and check that it is undamaged
    Info(InfoArgs),
    /// Fetch, verify, list or generate data sets, or clean the cache
    #[command(subcommand)]
    Data(DataCommand),
    /// Print what completes commands and options in a shell: for bash, to a file of this name in
    /// ~/.local/share/bash-completion/completions
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, with all commands: twolayer man | man -l -
    Man,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Fetch the missing or changed files of a data set into the cache directory
    Fetch {
        /// mnist, fashion or digits
        #[arg(value_name = "NAME", value_parser = data_set_name)]
        name: Name,
        #[command(flatten)]
        fetch: FetchArgs,
    },
    /// Check the SHA-256 of a data set's files
    Verify {
        /// mnist, fashion, digits, or a directory with the files of MNIST or Fashion-MNIST
        #[arg(value_name = "NAME|DIR", default_value = "mnist", value_parser = source())]
        source: Source,
    },
    /// List the data sets and where they are
    List,
    /// Remove the expanded copies of .gz files from the cache directory; they are made again when they are needed
    Clean,
    /// Generate digits and write them to four IDX files
    Digits {
        /// Directory to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Seed of the generator
        #[arg(long, value_name = "N", default_value_t = Digits::default().seed)]
        seed: u64,
        /// Number of training images
        #[arg(long, value_name = "N", default_value_t = Digits::default().train, value_parser = digit_count())]
        train: u32,
        /// Number of test images
        #[arg(long, value_name = "N", default_value_t = Digits::default().test, value_parser = digit_count())]
        test: u32,
    },
}

/// The options for data sets.
#[derive(Args, Debug)]
pub(crate) struct DataArgs {
    /// mnist (from `$MNIST_DIR`, the cache or a mirror), fashion, digits (built-in), or a directory of four IDX files
    /// (plain or .gz) with images of any size [default: mnist]
    #[arg(long, value_name = "NAME|DIR", value_parser = source())]
    pub(crate) data: Option<Source>,
    /// Train without the last N training images, and test on them instead of the test set: for choosing settings
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) hold_out: Option<usize>,
    #[command(flatten)]
    pub(crate) fetch: FetchArgs,
    #[command(flatten)]
    pub(crate) file: FileArgs,
}

/// The option for data sets of dark ink on light.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct InvertArgs {
    /// The images are dark ink on light, or were so when the network was trained: take 255 − p of every pixel p
    #[arg(long)]
    pub(crate) invert: bool,
}

/// The options for reading files.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct FileArgs {
    /// Read files instead of memory-mapping them, for files that other processes may change: one that is cut short while it is
    /// mapped ends the program with a bus error
    #[arg(long)]
    no_mmap: bool,
}

impl FileArgs {
    pub(crate) const fn access(self) -> FileAccess {
        if self.no_mmap { FileAccess::Read } else { FileAccess::Map }
    }
}

/// Adapts the help of `--data` for commands that take a model.
fn with_default_from_model(data: Arg) -> Arg {
    let help = data.get_help().map(ToString::to_string).unwrap_or_default();
    data.help(help.replace("[default: mnist]", "[default: the data set that the model is named after, or mnist]"))
}

/// The options for fetching data sets.
#[derive(Args, Debug)]
pub(crate) struct FetchArgs {
    /// URL of a directory to fetch files from; repeat for fallbacks [default: `$TWOLAYER_MIRROR`, or public mirrors]
    #[arg(long, value_name = "URL", value_parser = mirror)]
    pub(crate) mirror: Vec<String>,
    /// Seconds to wait for a server that sends nothing
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

impl FetchArgs {
    pub(crate) fn settings(&self) -> Result<Fetch, Error> {
        let mut mirrors = self.mirror.clone();
        if mirrors.is_empty() {
            let variable = std::env::var_os("TWOLAYER_MIRROR").unwrap_or_default();
            let variable = variable.into_string().map_err(|it| Error::Mirror { url: it.to_string_lossy().into() })?;
            for url in variable.split_whitespace() {
                mirrors.push(mirror(url).map_err(|_| Error::Mirror { url: url.into() })?);
            }
        }
        let fetch = Fetch { mirrors, timeout: self.timeout, ..Fetch::default() };
        fetch.check()?;
        Ok(fetch)
    }
}

#[derive(Args, Debug)]
#[command(after_long_help = json::TRAIN_HELP)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) invert: InvertArgs,
    /// How to train, where the options below do not say otherwise: article (squared error, file order, constant learning
    /// rate), fast (cross-entropy, shuffled, falling learning rate) or best (as fast, on distorted images, 500 epochs)
    #[arg(long, value_name = "NAME", default_value = "article", value_parser = recipe)]
    pub(crate) recipe: Recipe,
    /// Number of passes over the training images [default: the recipe's: 5, or 500 for best]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) epochs: Option<u32>,
    /// What training makes small: squared (Σ (y − t)²) or cross-entropy (of the softmax of the outputs) [default: the
    /// recipe's]
    #[arg(long, value_name = "LOSS", value_parser = loss)]
    pub(crate) loss: Option<LossFunction>,
    /// Whether the images of each epoch come in an order of their own: yes or no [default: the recipe's]
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, require_equals = true, default_missing_value = "yes", value_parser = yes_or_no)]
    pub(crate) shuffle: Option<bool>,
    /// Number of hidden units
    #[arg(long, value_name = "N", default_value_t = Shape::MNIST.hidden(), value_parser = at_least_one)]
    pub(crate) hidden: usize,
    /// Halve images before the network sees them: 28 × 28 pixels become 14 × 14, and a quarter of the weights is enough. The
    /// model says so, and takes images of 28 × 28 as before
    #[arg(long)]
    pub(crate) halve: bool,
    /// How far each image is distorted, another way in each epoch: 100 is usual, 0 is not at all [default: the recipe's]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u16).range(0..=i64::from(Distortion::MAX_PERCENT)))]
    pub(crate) distort: Option<u16>,
    /// Learning rate, such as 1e-5, or such as 7.8e-5..2e-6 if it is to fall evenly over the run [default: the recipe's]
    #[arg(long, value_name = "FROM[..TO]", value_parser = rates)]
    pub(crate) alpha: Option<Rates>,
    /// Seed of the initial weights and of the order of images
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Initial weights: uniform (from 0 to --init-scale) or scaled (around zero, by the sizes of the layers) [default: the
    /// recipe's, or uniform if --init-scale is given]
    #[arg(long, value_name = "INIT", value_parser = init)]
    pub(crate) init: Option<Init>,
    /// Uniform initial weights are from 0 to this [default: 1e-4]
    #[arg(long, value_name = "W", value_parser = positive)]
    pub(crate) init_scale: Option<Exponent>,
    /// Samples per block; each step still starts from the weights after the previous step
    #[arg(long, value_name = "N", default_value_t = TrainOptions::BLOCK, value_parser = block)]
    pub(crate) block: usize,
    /// SIMD instructions: portable, avx2 or avx512; does not change the result [default: the best available]
    #[arg(long, value_name = "TIER", value_parser = backend)]
    pub(crate) backend: Option<Backend>,
    /// Number of threads; does not change the result [default: all cores]
    #[arg(long, value_name = "N", value_parser = nonzero)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// File to write the trained network to [default: named after the data, such as mnist.twolayer]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Train on the first N images only
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) limit: Option<usize>,
    /// Print the final accuracy only
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print JSON instead: an object after each epoch and one at the end, which is all with --quiet
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write the run to this HTML file, as plots, tables and pictures: one page, which needs no network
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

impl TrainArgs {
    pub(crate) fn recipe(&self) -> Recipe {
        let recipe = self.recipe;
        let (alpha, alpha_to) =
            self.alpha.map_or((recipe.options.alpha, recipe.alpha_to), |rates| (rates.from, rates.to));
        Recipe {
            epochs: self.epochs.unwrap_or(recipe.epochs),
            hidden: self.hidden,
            seed: self.seed,
            init: match (self.init, self.init_scale) {
                (Some(Init::Uniform(_)) | None, Some(Exponent(scale))) => Init::Uniform(scale),
                (init, _) => init.unwrap_or(recipe.init),
            },
            shuffle: self.shuffle.unwrap_or(recipe.shuffle),
            halve: self.halve,
            distortion: self.distort.map_or(recipe.distortion, distortion),
            alpha_to,
            limit: self.limit,
            options: TrainOptions {
                alpha,
                block: self.block,
                backend: self.backend.unwrap_or_else(Backend::detect),
                loss: self.loss.unwrap_or(recipe.options.loss),
            },
            threads: self.threads.unwrap_or(recipe.threads),
            tests_within_first: self.report.is_some(),
        }
    }
}

#[derive(Args, Debug)]
#[command(mut_arg("data", with_default_from_model), after_long_help = json::EVAL_HELP)]
pub(crate) struct EvalArgs {
    /// Model file, as written by `train` or `quantize` [default: named after `--data`, or the newest *.twolayer here]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) invert: InvertArgs,
    /// SIMD instructions: portable, avx2 or avx512; does not change the result [default: the best available]
    #[arg(long, value_name = "TIER", value_parser = backend)]
    pub(crate) backend: Option<Backend>,
    /// Print one JSON object instead
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write what was found to this HTML file, as plots, tables and pictures: one page, which needs no network
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// Says what digit is in a picture: a scan, a photograph, a drawing, of any size.
///
/// One bad picture does not stop the others: its error is printed, and the exit code is 1 at the end.
#[derive(Args, Debug)]
#[command(mut_arg("data", with_default_from_model), after_long_help = JSON_HELP)]
pub(crate) struct PredictArgs {
    /// PNG, JPEG, PGM or PPM files; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "index", conflicts_with = "index")]
    pub(crate) files: Vec<PathBuf>,
    /// Instead of files: image number N, counted from 0, of the test set of `--data`, as it is; repeat it, or give a list
    /// such as 3,5,7
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub(crate) index: Vec<usize>,
    /// Model file, as written by `train` or `quantize` [default: named after `--data`, or the newest *.twolayer here]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Whether the picture is inverted first, which dark ink on light paper needs: auto (for --index no), yes or no
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = invert)]
    pub(crate) invert: Ink,
    /// Answer `?` where the largest output exceeds the second by less than this. An integer network's margins are in its own
    /// unit, the same for all pictures: look at some before you choose
    #[arg(long, value_name = "M", default_value_t = 0.0, value_parser = margin)]
    pub(crate) min_margin: f64,
    /// Print one JSON object per picture instead
    #[arg(long)]
    pub(crate) json: bool,
    /// Write what the network saw to this PNG file; or, if it is a directory, to 1.png, 2.png and so on in it, one for each
    /// picture in the order given
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) save_seen: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// SIMD instructions: portable, avx2 or avx512; does not change the result [default: the best available]
    #[arg(long, value_name = "TIER", value_parser = backend)]
    pub(crate) backend: Option<Backend>,
}

/// What `predict --json` prints.
const JSON_HELP: &str = "\
JSON: one object per line and picture, always with all of these keys
  file     the picture, as given; null with --index
  index    the number of the image; null for a file
  label    the image's label; null for a file
  class    the answer; null if unsure (--min-margin) or on an error
  margin   the largest output less the second; null on an error
  outputs  all outputs, by class; null on an error
  seen     what was found in the picture; null with --index or on an error:
           ink (\"dark\" or \"light\"), background, even, contrast, threshold, floor,
           box [left, top, width, height] in pixels of the picture
  error    what is wrong with the picture; null if nothing is
An output that is not a finite number is null, too.";

#[derive(Args, Debug)]
#[command(mut_arg("data", with_default_from_model), after_long_help = json::QUANTIZE_HELP)]
pub(crate) struct QuantizeArgs {
    /// Model file, as written by `train` [default: named after `--data`, or the newest *.twolayer here with f32
    /// weights]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Bits per weight of the first layer: 8 or 4
    #[arg(long, value_name = "BITS", default_value = "8", value_parser = bits)]
    pub(crate) bits: Bits,
    /// File to write the integer network to [default: named after the model, such as mnist.int8.twolayer]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Calibrate with the first N training images
    #[arg(long, value_name = "N", default_value_t = QUANTIZE_IMAGES, value_parser = at_least_one)]
    pub(crate) images: usize,
    /// Train the integer network further, N passes over all training images, through the rounding of its weights
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tune: Option<u32>,
    /// With --tune: how far each image is distorted; 0 is not at all [default: 60]
    #[arg(long, value_name = "PERCENT", requires = "tune", value_parser = clap::value_parser!(u16).range(0..=i64::from(Distortion::MAX_PERCENT)))]
    distort: Option<u16>,
    /// With --tune: learning rate, which falls evenly over the run [default: 2e-5..4e-7]
    #[arg(long, value_name = "FROM[..TO]", requires = "tune", value_parser = rates)]
    alpha: Option<Rates>,
    /// With --tune: seed of the order of images and of the distortions [default: 1]
    #[arg(long, value_name = "N", requires = "tune")]
    seed: Option<u64>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) invert: InvertArgs,
    /// SIMD instructions: portable, avx2 or avx512; does not change the result [default: the best available]
    #[arg(long, value_name = "TIER", value_parser = backend)]
    pub(crate) backend: Option<Backend>,
    /// Print JSON instead: one object at the end, and with --tune one after each epoch
    #[arg(long)]
    pub(crate) json: bool,
}

impl QuantizeArgs {
    /// How the network is to be trained further.
    pub(crate) fn tuning(&self) -> Option<Tuning> {
        let usual = Tuning::new(self.tune?);
        Some(Tuning {
            distortion: self.distort.map_or(usual.distortion, distortion),
            alphas: self.alpha.map_or(usual.alphas, |Rates { from, to }| [from, to.unwrap_or(from)]),
            seed: self.seed.unwrap_or(usual.seed),
            backend: self.backend.unwrap_or(usual.backend),
            ..usual
        })
    }
}

/// A distortion, unless it is by 0 percent.
fn distortion(percent: u16) -> Option<Distortion> {
    Some(Distortion { percent }).filter(|_| percent > 0)
}

#[derive(Args, Debug)]
#[command(mut_arg("data", |data| data.help("Also test the network: mnist, fashion, digits, or a directory of four IDX files")))]
pub(crate) struct ImportArgs {
    /// A .safetensors or .npz file, or .npy files with a tensor each (whose names are these paths)
    #[arg(value_name = "FILE", required = true, num_args = 1..=4)]
    pub(crate) files: Vec<PathBuf>,
    /// File to write the model to [default: named after the first file, such as net.twolayer for net.safetensors]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Name of the tensor with the weights from the inputs to the hidden units [default: told by the shapes]
    #[arg(long, value_name = "NAME")]
    pub(crate) w1: Option<String>,
    /// Name of the tensor with the biases of the hidden units [default: told by the shapes; none if --w1 and --w2 are given]
    #[arg(long, value_name = "NAME")]
    pub(crate) b1: Option<String>,
    /// Name of the tensor with the weights from the hidden units to the outputs [default: told by the shapes]
    #[arg(long, value_name = "NAME")]
    pub(crate) w2: Option<String>,
    /// Name of the tensor with the biases of the outputs [default: told by the shapes; none if --w1 and --w2 are given]
    #[arg(long, value_name = "NAME")]
    pub(crate) b2: Option<String>,
    /// How matrices lie: out-in (PyTorch) or in-out (NumPy, Keras) [default: told by the shapes]
    #[arg(long, value_name = "LAYOUT", value_parser = layout)]
    pub(crate) layout: Option<Layout>,
    /// The network was trained on pixels (0 to 255) divided by this: 255 for `ToTensor`
    #[arg(long, value_name = "S", default_value_t = Input::RAW.scale, value_parser = positive_f64, allow_negative_numbers = true)]
    pub(crate) input_scale: f64,
    /// Then less this: 0.1307 for `Normalize(0.1307, 0.3081)`
    #[arg(long, value_name = "M", default_value_t = Input::RAW.mean, value_parser = finite, allow_negative_numbers = true)]
    pub(crate) input_mean: f64,
    /// Then divided by this: 0.3081 for `Normalize(0.1307, 0.3081)`
    #[arg(long, value_name = "D", default_value_t = Input::RAW.deviation, value_parser = positive_f64, allow_negative_numbers = true)]
    pub(crate) input_std: f64,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Model file: with f32 weights, as written by `train` or `import`, or for C a quantised one [default: the newest
    /// *.twolayer here of that kind]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// File to write [default: named after the model, such as mnist.safetensors, if there is none yet]; the header of a C file
    /// is written beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// safetensors (for PyTorch), npz (for NumPy) or c99 (for firmware) [default: by the extension of --out, or safetensors]
    #[arg(long, value_name = "FORMAT", value_parser = export_format)]
    pub(crate) format: Option<Format>,
    /// What names in C begin with [default: the name of the C file]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) file: FileArgs,
}

/// A format that `export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The weights, for other programs.
    Tensors(ExportFormat),
    /// A quantised network's data and code.
    C99,
}

impl Format {
    /// The extension of files.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Tensors(format) => format.name(),
            Self::C99 => "c",
        }
    }
}

#[derive(Args, Debug)]
#[command(after_long_help = json::INFO_HELP)]
pub(crate) struct InfoArgs {
    /// Model file, as written by `train` or `quantize` [default: the newest *.twolayer here]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Print one JSON object instead
    #[arg(long)]
    pub(crate) json: bool,
}

/// A number that is printed in scientific notation, such as 1e-5.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exponent(pub(crate) f32);

impl core::fmt::Display for Exponent {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:e}", self.0)
    }
}

/// Learning rates: the first, and the last if there is another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    from: f32,
    to: Option<f32>,
}

fn rates(text: &str) -> Result<Rates, String> {
    let expected = |_| "expected a finite number above 0, such as 1e-5, or two, such as 7.8e-5..2e-6".to_owned();
    let (from, to) = text.split_once("..").map_or((text, None), |(from, to)| (from, Some(to)));
    let to = to.map(positive).transpose().map_err(expected)?;
    Ok(Rates { from: positive(from).map_err(expected)?.0, to: to.map(|to| to.0) })
}

fn recipe(text: &str) -> Result<Recipe, String> {
    match text {
        "article" => Ok(Recipe::default()),
        "fast" => Ok(Recipe::fast()),
        "best" => Ok(Recipe::best()),
        _ => Err("expected article, fast or best".into()),
    }
}

fn loss(text: &str) -> Result<LossFunction, String> {
    match text {
        "squared" => Ok(LossFunction::Squared),
        "cross-entropy" => Ok(LossFunction::CrossEntropy),
        _ => Err("expected squared or cross-entropy".into()),
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("expected yes or no".into()),
    }
}

fn init(text: &str) -> Result<Init, String> {
    match text {
        "uniform" => Ok(Init::Uniform(INIT_SCALE)),
        "scaled" => Ok(Init::Scaled),
        _ => Err("expected uniform or scaled".into()),
    }
}

fn positive(text: &str) -> Result<Exponent, String> {
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(Exponent(number)),
        _ => Err("expected a finite number above 0, such as 1e-5".into()),
    }
}

fn finite(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|it: &f64| it.is_finite()).ok_or_else(|| "expected a finite number, such as 0.1307".into())
}

fn positive_f64(text: &str) -> Result<f64, String> {
    finite(text).ok().filter(|it| *it > 0.0).ok_or_else(|| "expected a finite number above 0, such as 255".into())
}

fn layout(text: &str) -> Result<Layout, String> {
    match text {
        "out-in" => Ok(Layout::OutIn),
        "in-out" => Ok(Layout::InOut),
        _ => Err("expected out-in (PyTorch) or in-out (NumPy, Keras)".into()),
    }
}

fn export_format(text: &str) -> Result<Format, String> {
    match text {
        "c99" => Ok(Format::C99),
        name => ExportFormat::named(name)
            .map(Format::Tensors)
            .ok_or_else(|| format!("expected {} or c99", ExportFormat::ALL.map(ExportFormat::name).join(", "))),
    }
}

/// The parser of `--data`.
fn source() -> impl TypedValueParser<Value = Source> {
    OsStringValueParser::new().try_map(|text| {
        if text.is_empty() {
            Err(format!("expected {} or a directory of four IDX files", Name::ALL.map(Name::id).join(", ")))
        } else {
            Ok(Source::parse(text))
        }
    })
}

fn data_set_name(text: &str) -> Result<Name, String> {
    match Source::parse(text) {
        Source::Named(name) => Ok(name),
        Source::Directory(_) => Err(format!("expected one of {}", Name::ALL.map(Name::id).join(", "))),
    }
}

fn mirror(text: &str) -> Result<String, String> {
    match text.split_once("://") {
        Some(("http" | "https", rest)) if !rest.is_empty() => Ok(text.into()),
        _ => Err("expected a URL that begins with http:// or https://; for a directory use --data".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // At most a day, so that adding it to a clock cannot overflow.
    seconds
        .filter(|seconds| !seconds.is_zero() && *seconds <= Duration::from_secs(86_400))
        .ok_or_else(|| "expected a number above 0 and up to 86400, such as 30 or 0.5".into())
}

/// The parser of a number of digits. The sum of two such numbers is below 2³².
fn digit_count() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(i32::MAX))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    nonzero(text).map(NonZeroUsize::get)
}

fn nonzero(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected an integer of 1 or more".into())
}

fn invert(text: &str) -> Result<Ink, String> {
    match text {
        "auto" => Ok(Ink::Auto),
        "yes" => Ok(Ink::Dark),
        "no" => Ok(Ink::Light),
        _ => Err("expected auto, yes or no".into()),
    }
}

fn margin(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) && number >= 0.0 => Ok(number),
        _ => Err("expected a number of 0 or more, such as 0.1".into()),
    }
}

fn bits(text: &str) -> Result<Bits, String> {
    match text {
        "8" => Ok(Bits::Eight),
        "4" => Ok(Bits::Four),
        _ => Err("expected 8 or 4".into()),
    }
}

fn block(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=TrainOptions::MAX_BLOCK) => Ok(number),
        _ => Err(format!("expected an integer from 1 to {}", TrainOptions::MAX_BLOCK)),
    }
}

fn backend(text: &str) -> Result<Backend, String> {
    Backend::named(text).ok_or_else(|| {
        let names: Vec<_> = Backend::available().map(Backend::name).collect();
        format!("this machine supports: {}", names.join(", "))
    })
}
