//! Command-line arguments. Short help (`-h`) fits a screen: one line for each option that is often used; `--help` has the rest.

use crate::cost::Board;
use crate::values;
use clap::builder::RangedU64ValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueHint, value_parser};
use clap_complete::Shell;
use core::num::NonZeroUsize;
use core::ops::RangeInclusive;
use core::time::Duration;
use std::path::PathBuf;
use twolayer::host::dataset::{DataSource as Source, Digits, HoldOut, LabelColumn, Name, Reading};
use twolayer::host::tensors::{Input, Layout};
use twolayer::host::training::{Init, Recipe};
use twolayer::host::{FileAccess, Framework, QUANTIZE_IMAGES, Threads, Tuning, printable};
use twolayer::picture::Ink;
use twolayer::{Backend, Bits, Distortion, LossFunction, Shape, TrainOptions};
use values::{Format, Rates};

const WITHOUT_COMMAND: &str = "Without a command, twolayer trains, and takes the options of `twolayer train`.";

const AFTER_LONG_HELP: &str = "Without a command, twolayer trains, and takes the options of `twolayer train`.

Exit codes:
  0  done
  1  something failed, and standard error says what; other pictures of the same command are answered
  2  the arguments are wrong, and nothing was done";

/// Headings of the help.
const TRAINING: &str = "Training";
const TUNING: &str = "Fine-tuning";
const DATA: &str = "Data";
const SPEED: &str = "Speed";

const MAX_DISTORTION: i64 = Distortion::MAX_PERCENT as i64;
const MAX_BLOCK: u64 = TrainOptions::MAX_BLOCK as u64;

/// Trains and runs two-layer neural networks, such as 784 → 1000 (ReLU) → 10 for MNIST's digits
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = WITHOUT_COMMAND,
    after_long_help = AFTER_LONG_HELP,
    // The options of `train` are in its own help.
    mut_args(|arg| arg.hide_short_help(true).hide_long_help(true))
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) train: TrainArgs,
}

impl Arguments {
    /// Checks how many models `eval` is given, which depends on what is to be done with them, and finds the model among the files of
    /// `predict`.
    pub(crate) fn checked(mut self) -> Result<Self, clap::Error> {
        let refuse = |kind, what: String| Err(Self::command().error(kind, what));
        if let Some(Command::Predict(args)) = &mut self.command {
            return match args.take_model() {
                Ok(()) => Ok(self),
                Err((kind, what)) => refuse(kind, what),
            };
        }
        let Some(Command::Eval(EvalArgs { models, ensemble, .. })) = &self.command else { return Ok(self) };
        match (&models[..], ensemble) {
            ([_, _, third, ..], false) => refuse(
                ErrorKind::TooManyValues,
                format!(
                    "two models are compared, and '{}' is one more: --ensemble tests all of them together",
                    third.display()
                ),
            ),
            ([_], true) => refuse(ErrorKind::TooFewValues, "--ensemble takes two models or more".into()),
            _ => Ok(self),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network, test it after every epoch, and write it to a file
    Train(TrainArgs),
    /// Test a network, compare two, or ask several together
    Eval(EvalArgs),
    /// Classify pictures
    ///
    /// A picture is a scan, a photograph or a drawing of any size, with one digit or lines of them: all are read, line by line. A bad
    /// picture does not stop the others: its error is printed, and the exit code is 1 at the end.
    Predict(PredictArgs),
    /// Quantise a network to 8 or 4 bits, for microcontrollers, and compare accuracies
    Quantize(QuantizeArgs),
    /// Import a network from PyTorch (safetensors), NumPy or Keras (.npz, .npy)
    Import(ImportArgs),
    /// Export a network to PyTorch (safetensors), NumPy (.npz) or, if quantised, C
    Export(ExportArgs),
    /// Describe a model file and check that it is undamaged
    Info(InfoArgs),
    /// Find out how likely a network's answers are right, and keep that in its model
    ///
    /// The table is made of every second image of the test set, beginning with the first, and it is printed how often answers to the others are
    /// right. `train` and `quantize` do the same, except for networks of the article's method, whose files are to stay as they are.
    Calibrate(CalibrateArgs),
    /// Train a model again, and check that it has the weights that its recipe gives
    ///
    /// The recipe is in the model's text, and so is a hash of the training data. A network of the article's method has no text: give the
    /// options that differ from the article's. The exit code is 1 where the weights are others.
    Verify(VerifyArgs),
    /// Fetch, verify, list and generate data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// Print a completion script for a shell
    ///
    /// For bash, write it to ~/.local/share/bash-completion/completions/twolayer.
    Completions {
        /// Shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Fetch the missing or changed files of a data set into the cache directory
    Fetch {
        /// Data set
        #[arg(value_name = "NAME", value_parser = values::one_of(Name::ALL.map(|name| (name.id(), name))))]
        name: Name,
        #[command(flatten)]
        fetch: FetchArgs,
    },
    /// Check the SHA-256 of a data set's files
    Verify {
        /// mnist, fashion, digits, or a directory with the files of one of them
        #[arg(value_name = "NAME|DIR", default_value = "mnist", value_parser = values::source(), value_hint = ValueHint::DirPath)]
        source: Source,
    },
    /// List the data sets and where they are
    List,
    /// Write a data set of any form as four IDX files
    ///
    /// Names of classes are written to classes.txt beside them, and read from there again.
    Convert(ConvertArgs),
    /// Generate digits and write them to four IDX files
    Digits {
        /// Directory to write to
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        out: PathBuf,
        #[command(flatten)]
        force: ForceArgs,
        /// Seed of the generator
        #[arg(long, value_name = "N", default_value_t = Digits::default().seed)]
        seed: u64,
        /// Number of training images
        // The sum of two such numbers is below 2³².
        #[arg(long, value_name = "N", default_value_t = Digits::default().train, value_parser = value_parser!(u32).range(1..=i32::MAX.into()))]
        train: u32,
        /// Number of test images
        #[arg(long, value_name = "N", default_value_t = Digits::default().test, value_parser = value_parser!(u32).range(1..=i32::MAX.into()))]
        test: u32,
    },
}

#[derive(Args, Debug)]
#[command(mut_arg("data", |data| data.hide(true)))]
pub(crate) struct ConvertArgs {
    /// Directory to write to
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) force: ForceArgs,
    /// Data set, as for --data of `train`; several are joined
    #[arg(value_name = "SOURCE", required = true, value_parser = values::source(), value_hint = ValueHint::AnyPath)]
    pub(crate) sources: Vec<Source>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) invert: InvertArgs,
}

/// The options for data sets.
#[derive(Args, Debug)]
pub(crate) struct DataArgs {
    /// Data set: mnist, fashion, digits; IDX, CSV, .npz or class folders
    ///
    /// mnist comes from `$MNIST_DIR`, the cache or a mirror, fashion from the cache or a mirror; digits are built in. A path is a
    /// directory of four IDX files (plain or .gz, of any size), also as torchvision, Kaggle and EMNIST have them; a directory of
    /// class folders of pictures, CLASS/*.png, or of train and test with class folders in them; a CSV file with a label and pixels
    /// in each line, or a directory of two; an .npz file of Keras or `MedMNIST`. Repeated, the sets are joined. The default is mnist
    /// or, where a model is used, the data set that the model is named after.
    #[arg(long, value_name = "NAME|PATH", value_parser = values::source(), value_hint = ValueHint::AnyPath)]
    pub(crate) data: Vec<Source>,
    /// Hold out the last N training images, or P% of each class, and test on them
    ///
    /// They take the place of the test set, for choosing settings or where there is none: a network is trained without them. With
    /// `eval`, 100% tests a network on all of a set.
    #[arg(long, value_name = "N|P%", value_parser = values::hold_out, help_heading = DATA, hide_short_help = true)]
    pub(crate) hold_out: Option<HoldOut>,
    /// Take pictures of class folders as they are: of the network's size, light on dark
    ///
    /// Without it, they are scans, photographs or drawings of one digit or letter each, as for `predict --one`.
    #[arg(long, help_heading = DATA, hide_short_help = true)]
    pub(crate) as_is: bool,
    /// Transpose images, such as those of EMNIST
    #[arg(long, help_heading = DATA, hide_short_help = true)]
    pub(crate) transpose: bool,
    /// Column of labels in CSV files [default: found by the header or the values]
    #[arg(long, value_name = "COLUMN", value_parser = values::label_column(), help_heading = DATA, hide_short_help = true)]
    pub(crate) label_column: Option<LabelColumn>,
    #[command(flatten)]
    pub(crate) fetch: FetchArgs,
    #[command(flatten)]
    pub(crate) file: FileArgs,
}

impl DataArgs {
    /// Chooses a data set where none is given.
    pub(crate) fn default_to(&mut self, source: Option<Source>) {
        if self.data.is_empty() {
            self.data.extend(source);
        }
    }

    /// How sources are read; pictures become squares of this side.
    pub(crate) fn reading(&self, invert: InvertArgs, side: Option<u32>) -> Reading {
        let mut reading = Reading::default();
        reading.access = self.file.access();
        reading.hold_out = self.hold_out;
        reading.as_is = self.as_is;
        reading.invert = invert.invert;
        reading.transpose = self.transpose;
        reading.side = side.unwrap_or(reading.side);
        reading.label_column = self.label_column;
        reading
    }
}

/// The option for data sets that are trained on beside a larger one.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct RepeatArgs {
    /// Train on the images of every --data but the first N times an epoch
    ///
    /// [default: so often that they are a tenth as many as those of the first]
    #[arg(long, value_name = "N", value_parser = values::number("an integer of 1 or more", |_: &NonZeroUsize| true), help_heading = DATA, hide_short_help = true)]
    pub(crate) repeat: Option<NonZeroUsize>,
}

/// The option for data sets of dark ink on light.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct InvertArgs {
    /// Invert pixels (dark ink on light paper)
    ///
    /// Every pixel p becomes 255 − p. Pictures of class folders are taken to have dark ink, unless --as-is. A network that was trained with it needs it for every test.
    #[arg(long, help_heading = DATA, hide_short_help = true)]
    pub(crate) invert: bool,
}

/// The options for reading files.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct FileArgs {
    /// Read files instead of memory-mapping them
    ///
    /// For files that other processes may change: if one is truncated while it is mapped, the program ends with a bus error.
    #[arg(long, help_heading = DATA, hide_short_help = true)]
    no_mmap: bool,
}

impl FileArgs {
    pub(crate) const fn access(self) -> FileAccess {
        if self.no_mmap { FileAccess::Read } else { FileAccess::Map }
    }
}

/// The option for files that exist.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ForceArgs {
    /// Replace files that exist
    ///
    /// Without it, only these are replaced: under a default name, a model of the same shape and recipe, whatever its seed; the
    /// checkpoint of --resume; what --save-seen wrote into a directory; empty files. Devices and pipes are written to.
    #[arg(long, hide_short_help = true)]
    pub(crate) force: bool,
}

/// The options for fetching data sets.
#[derive(Args, Debug)]
pub(crate) struct FetchArgs {
    /// URL of a directory to fetch files from; repeat for fallbacks
    ///
    /// [default: `$TWOLAYER_MIRROR`, or public mirrors]
    #[arg(long, value_name = "URL", value_parser = values::mirror, value_hint = ValueHint::Url, help_heading = DATA, hide_short_help = true)]
    pub(crate) mirror: Vec<String>,
    /// Seconds to wait for a server that sends nothing
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = values::seconds(), help_heading = DATA, hide_short_help = true)]
    pub(crate) timeout: Duration,
}

/// The option for the instructions to use.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct BackendArgs {
    /// SIMD instructions, of those this machine has; the result is the same [default: the best]
    #[arg(long, value_name = "TIER", value_parser = values::one_of(Backend::available().map(|backend| (backend.name(), backend))), help_heading = SPEED, hide_short_help = true)]
    pub(crate) backend: Option<Backend>,
}

impl BackendArgs {
    pub(crate) fn get(self) -> Backend {
        self.backend.unwrap_or_else(Backend::detect)
    }
}

#[derive(Args, Debug)]
#[command(after_long_help = include_str!("json/train.txt"))]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    /// File to write the network to [default: such as mnist-64-fast.twolayer]
    ///
    /// The default name tells the data, the hidden units, unless they are 1000, and the recipe, unless it is the article's: fast, good, best, further or,
    /// where single options differ, own.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) force: ForceArgs,
    /// Also write an HTML report: one page with plots, tables and pictures
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Print JSON: an object after each epoch, and one at the end
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the final accuracy only or, with --json, the last object
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Go on training this network
    ///
    /// It may be an imported one; biases are trained too.
    /// If the data have other classes than the network, its first layer stays, and the second begins anew.
    #[arg(long, value_name = "MODEL", help_heading = TRAINING, conflicts_with_all = ["hidden", "halve", "deslant", "init", "init_scale"])]
    pub(crate) from: Option<PathBuf>,
    /// Write the network to FILE after every epoch, with what --resume needs
    ///
    /// It is a model like others.
    #[arg(long, value_name = "FILE", help_heading = TRAINING, hide_short_help = true)]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Go on with the run that wrote the checkpoint FILE, to the same end as if it had not been stopped
    ///
    /// The recipe is in the file, which is written after every epoch as before.
    #[arg(long, value_name = "FILE", help_heading = TRAINING, hide_short_help = true, conflicts_with_all = ["from", "checkpoint"])]
    pub(crate) resume: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl TrainArgs {
    /// The recipe; the preset for networks that go on is chosen where none is.
    pub(crate) fn recipe(&mut self) -> Recipe {
        if self.from.is_some() {
            self.training.recipe.recipe.get_or_insert_with(Recipe::further);
        }
        self.run.apply(Recipe { tests_within_first: self.report.is_some(), ..self.training.recipe.recipe() })
    }
}

/// The options that weights depend on, beside `--from`: what the recipe of a model says.
#[derive(Args, Debug)]
pub(crate) struct TrainingArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) invert: InvertArgs,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
    /// Also learn from this network's outputs; repeat for the mean of several
    ///
    /// A model of f32 weights that was trained with cross-entropy, for the same images and classes; it may be larger, or an imported one.
    #[arg(long, value_name = "MODEL", help_heading = TRAINING, hide_short_help = true, value_hint = ValueHint::FilePath)]
    pub(crate) teacher: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) recipe: RecipeArgs,
}

impl TrainingArgs {
    /// Whether nothing is said but where the data and the teachers are, or only what is the default anyway.
    pub(crate) fn is_default(&self) -> bool {
        self.takes_data_as_usual() && self.recipe.recipe() == Recipe::default()
    }

    /// Whether no option says how the data are to be taken.
    pub(crate) fn takes_data_as_usual(&self) -> bool {
        let Self { data, invert, repeat, teacher: _, recipe: _ } = self;
        let of_data = data.hold_out.is_none() && !data.as_is && !data.transpose && data.label_column.is_none();
        of_data && !invert.invert && repeat.repeat.is_none()
    }

    /// Takes the options of another, but keeps where the teachers are and where the data are, if that is said here, and how they are
    /// fetched and read.
    pub(crate) fn take(&mut self, other: Self) {
        let data = &mut self.data;
        if data.data.is_empty() {
            data.data = other.data.data;
        }
        (data.hold_out, data.as_is) = (other.data.hold_out, other.data.as_is);
        (data.transpose, data.label_column) = (other.data.transpose, other.data.label_column);
        (self.invert, self.repeat, self.recipe) = (other.invert, other.repeat, other.recipe);
    }
}

/// The options that weights depend on, beside the data.
#[derive(Args, Debug)]
pub(crate) struct RecipeArgs {
    /// Preset for the options below [default: article; further with --from]
    ///
    /// An option that is given overrides it.
    #[arg(long, value_name = "NAME", value_parser = values::recipe(), help_heading = TRAINING)]
    pub(crate) recipe: Option<Recipe>,
    /// Number of passes over the training images [default: the preset's]
    ///
    /// 5 with article and fast, 9 with good, 500 with best, 2 with further.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..), help_heading = TRAINING)]
    pub(crate) epochs: Option<u32>,
    /// Number of hidden units
    #[arg(long, value_name = "N", default_value_t = Shape::MNIST.hidden(), value_parser = values::at_least_one(), help_heading = TRAINING)]
    pub(crate) hidden: usize,
    /// Loss function
    #[arg(long, value_name = "LOSS", value_parser = values::loss(), help_heading = TRAINING)]
    pub(crate) loss: Option<LossFunction>,
    /// Learning rate, such as 1e-5; 7.8e-5..2e-6 falls linearly
    #[arg(long, value_name = "FROM[..TO]", value_parser = values::rates, help_heading = TRAINING)]
    pub(crate) alpha: Option<Rates>,
    /// Shuffle every epoch
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, require_equals = true, default_missing_value = "yes", value_parser = values::one_of([("yes", true), ("no", false)]), help_heading = TRAINING)]
    pub(crate) shuffle: Option<bool>,
    /// Distortion in percent (0 = off), redrawn every epoch
    ///
    /// 100 is usual.
    #[arg(long, value_name = "PERCENT", value_parser = value_parser!(u16).range(0..=MAX_DISTORTION), help_heading = TRAINING)]
    pub(crate) distort: Option<u16>,
    /// What other hands and pens do, in percent (0 = off)
    ///
    /// Strokes get thicker, thinner or broken, digits slanted, narrow or wide, and some are redrawn: ones with a flag, crossed sevens
    /// and the like, where there are ten classes, without names or called 0 to 9. 100 is usual, and the default of good and best for
    /// mnist, digits and class folders 0 to 9.
    #[arg(long, value_name = "PERCENT", value_parser = value_parser!(u16).range(0..=MAX_DISTORTION), help_heading = TRAINING, hide_short_help = true)]
    pub(crate) hands: Option<u16>,
    /// Deslant images, before all else
    ///
    /// Rows move sideways until a digit stands upright. The model file says so, and the network takes images as they are, as before.
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, require_equals = true, default_missing_value = "yes", value_parser = values::one_of([("yes", true), ("no", false)]), help_heading = TRAINING, hide_short_help = true)]
    pub(crate) deslant: Option<bool>,
    /// Halve images in width and height: a quarter of the weights
    ///
    /// 28 × 28 pixels become 14 × 14. The model file says so, and the network takes images of 28 × 28 as before.
    #[arg(long, help_heading = TRAINING)]
    pub(crate) halve: bool,
    /// Seed of initial weights, order and distortions
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = TRAINING)]
    pub(crate) seed: u64,
    /// Initial weights [default: the recipe's, or uniform with --init-scale]
    #[arg(long, value_name = "INIT", value_parser = values::init(), help_heading = TRAINING, hide_short_help = true)]
    pub(crate) init: Option<Init>,
    /// Largest uniform initial weight [default: 1e-4]
    #[arg(long, value_name = "W", value_parser = values::positive::<f32>("a finite number above 0, such as 1e-4"), help_heading = TRAINING, hide_short_help = true)]
    pub(crate) init_scale: Option<f32>,
    /// Train on the first N images only
    #[arg(long, value_name = "N", value_parser = values::at_least_one(), help_heading = DATA, hide_short_help = true)]
    pub(crate) limit: Option<usize>,
    /// Samples per block; the result differs by rounding only
    ///
    /// Whatever the block, each step starts from the weights of the step before.
    #[arg(long, value_name = "N", default_value_t = TrainOptions::BLOCK, value_parser = RangedU64ValueParser::<usize>::from(1..=MAX_BLOCK), help_heading = SPEED, hide_short_help = true)]
    pub(crate) block: usize,
}

impl RecipeArgs {
    /// The recipe, to be computed in whatever way.
    pub(crate) fn recipe(&self) -> Recipe {
        let recipe = self.recipe.unwrap_or_default();
        let (alpha, alpha_to) = self.alpha.unwrap_or((recipe.options.alpha, recipe.alpha_to));
        Recipe {
            epochs: self.epochs.unwrap_or(recipe.epochs),
            hidden: self.hidden,
            seed: self.seed,
            init: match (self.init, self.init_scale) {
                (Some(Init::Uniform(_)) | None, Some(scale)) => Init::Uniform(scale),
                (init, _) => init.unwrap_or(recipe.init),
            },
            shuffle: self.shuffle.unwrap_or(recipe.shuffle),
            halve: self.halve,
            deslant: self.deslant.unwrap_or(recipe.deslant),
            distortion: distortion(self.distort, self.hands, recipe.distortion),
            alpha_to,
            limit: self.limit,
            options: TrainOptions {
                alpha,
                block: self.block,
                loss: self.loss.unwrap_or(recipe.options.loss),
                ..recipe.options
            },
            ..recipe
        }
    }
}

/// The options for how a run is computed, which does not change the result.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    backend: BackendArgs,
    /// Number of threads, as many as cores at most; the result is the same [default: all cores]
    #[arg(long, value_name = "N", value_parser = values::number("an integer of 1 or more", |_: &NonZeroUsize| true), help_heading = SPEED, hide_short_help = true)]
    threads: Option<NonZeroUsize>,
}

impl RunArgs {
    /// The same recipe, computed in this way.
    pub(crate) fn apply(self, recipe: Recipe) -> Recipe {
        Recipe {
            options: TrainOptions { backend: self.backend.get(), ..recipe.options },
            threads: self.threads.map_or(recipe.threads, |threads| threads.min(Threads::available())),
            ..recipe
        }
    }

    /// What is to be said of threads that are asked for and would only wait for each other.
    pub(crate) fn useless_threads(self) -> Option<String> {
        let (asked, cores) = (self.threads?, Threads::available());
        let used = if cores.get() == 1 { "1 core".into() } else { format!("{cores} cores") };
        let why = format!(
            "--threads {asked}: this process may use {used}, and more threads would only be slower: {cores} used"
        );
        (asked > cores).then_some(why)
    }
}

#[derive(Args, Debug)]
#[command(after_long_help = include_str!("json/verify.txt"))]
pub(crate) struct VerifyArgs {
    /// Model file, of f32 weights
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    /// The network that the model was trained from
    #[arg(long, value_name = "MODEL")]
    pub(crate) from: Option<PathBuf>,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Args, Debug)]
#[command(after_long_help = include_str!("json/eval.txt"))]
pub(crate) struct EvalArgs {
    /// Model file, or two to compare [default: the newest of --data, or the newest here]
    #[arg(value_name = "MODEL", num_args = 0.., conflicts_with = "model", value_hint = ValueHint::FilePath)]
    pub(crate) models: Vec<PathBuf>,
    /// Test two models or more together: the mean of their answers
    ///
    /// Of f32 weights, for the same images and classes. What each says of the classes is the softmax of its outputs or, where it was
    /// trained with squared error, its outputs as they are.
    #[arg(long, requires = "models", conflicts_with = "report")]
    pub(crate) ensemble: bool,
    /// Model file: another way to name one
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) invert: InvertArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
    /// Also write an HTML report: one page with plots, tables and pictures
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) force: ForceArgs,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_long_help = include_str!("json/predict.txt"))]
pub(crate) struct PredictArgs {
    /// PNG, JPEG, WebP, BMP, GIF, PGM or PPM files, or folders of them; `-` is standard input
    ///
    /// A model file among them is the model.
    #[arg(value_name = "FILE", required_unless_present = "index")]
    pub(crate) files: Vec<PathBuf>,
    /// Classify image N of the test set, from 0, instead of files
    ///
    /// The image is taken as it is. Repeat the option, or give a range or a list such as 0-9,12.
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = values::indices)]
    pub(crate) index: Vec<RangeInclusive<usize>>,
    /// Model file [default: the newest of --data, or the newest here]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) force: ForceArgs,
    /// Invert pixels (dark ink on light paper)
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = values::ink())]
    pub(crate) invert: Ink,
    /// Take each picture for one digit, not for a number
    #[arg(long, conflicts_with_all = ["index", "cells", "grid"])]
    pub(crate) one: bool,
    /// Cut each picture into N cells side by side, with one digit or none in each: forms, meters
    ///
    /// An empty cell is printed as `.`.
    #[arg(long, value_name = "N", conflicts_with_all = ["index", "labels", "grid"], value_parser = value_parser!(u16).range(1..=256))]
    pub(crate) cells: Option<u16>,
    /// Cut each picture into so many rows and columns of cells, such as 9x9
    #[arg(long, value_name = "ROWSxCOLUMNS", conflicts_with_all = ["index", "labels"], value_parser = values::grid)]
    pub(crate) grid: Option<[u16; 2]>,
    /// Answer ? if the largest output exceeds the second by less
    ///
    /// The margins of an integer network have a unit of their own, the same for all pictures: look at some before you choose.
    #[arg(long, value_name = "M", default_value_t = 0.0, value_parser = values::number("a number of 0 or more, such as 0.1", |it: &f64| it.is_finite() && *it >= 0.0))]
    pub(crate) min_margin: f64,
    /// Answer ? if the answer is right with less confidence
    ///
    /// It is the share of right answers, in per cent, among answers of such a margin to images that the network was not trained on, and
    /// the models of `train` and `quantize` have a table of it, but those of the article's recipe: see `twolayer calibrate`. Pictures that are
    /// unlike these images have fewer right ones.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = value_parser!(u8).range(0..=99), hide_short_help = true)]
    pub(crate) min_confidence: u8,
    /// Save what the network sees as a PNG file, and the picture with the answers
    ///
    /// The picture is beside it, as `FILE.boxes.png`, with a box and the answer for each digit. In a directory, the files are 1.png, 2.png and so on, one for each picture in the order given. Those of a picture found in
    /// a folder have its name behind the number, such as 3-abc.png.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) save_seen: Option<PathBuf>,
    /// Count right, refused and wrong answers, by labels in names
    ///
    /// A picture is in a folder named by its class, such as `7/abc.png`, or its name begins with it, such as `7_abc.png`. Refused
    /// are pictures without an answer, for lack of a digit or of margin; they do not change the exit code.
    #[arg(long, conflicts_with = "index")]
    pub(crate) labels: bool,
    /// Also write an HTML report: one page with the wrong pictures
    #[arg(long, value_name = "FILE", requires = "labels", hide_short_help = true)]
    pub(crate) report: Option<PathBuf>,
    /// Print a JSON object for each picture and, with --labels, one at the end
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

impl PredictArgs {
    /// Takes the model from among the files.
    fn take_model(&mut self) -> Result<(), (ErrorKind, String)> {
        let files = core::mem::take(&mut self.files);
        let (models, files): (Vec<_>, _) = files.into_iter().partition(|file| values::is_model(file));
        self.files = files;
        for model in models {
            if let Some(other) = self.model.replace(model) {
                let (other, model) = (printable(other), self.model.as_ref().map(printable).unwrap_or_default());
                return Err((
                    ErrorKind::ArgumentConflict,
                    format!("two models are given, {other} and {model}: give one"),
                ));
            }
        }
        match (self.files.is_empty(), self.index.is_empty()) {
            (true, true) => Err((
                ErrorKind::MissingRequiredArgument,
                "no picture is given: name files or folders, or images of the test set with --index".into(),
            )),
            (false, false) => {
                Err((ErrorKind::ArgumentConflict, "files and --index are given: give one of them".into()))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Args, Debug)]
#[command(after_long_help = include_str!("json/quantize.txt"))]
pub(crate) struct QuantizeArgs {
    /// Model file with f32 weights [default: the newest of --data, or the newest]
    #[arg(value_name = "MODEL", conflicts_with = "model", value_hint = ValueHint::FilePath)]
    pub(crate) model_file: Option<PathBuf>,
    /// Model file: another way to name one
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) force: ForceArgs,
    /// File to write [default: named after the model, such as mnist.int8.twolayer]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Bits per weight of the first layer
    #[arg(long, value_name = "BITS", default_value = "8", value_parser = values::one_of([("8", Bits::Eight), ("4", Bits::Four)]))]
    pub(crate) bits: Bits,
    /// Number of training images to calibrate with
    #[arg(long, value_name = "N", default_value_t = QUANTIZE_IMAGES, value_parser = values::at_least_one())]
    pub(crate) images: usize,
    /// Print JSON: an object at the end and, with --tune, after each epoch
    #[arg(long)]
    pub(crate) json: bool,
    /// Train N more epochs with rounded weights (quantisation-aware training)
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..), help_heading = TUNING)]
    tune: Option<u32>,
    /// Distortion in percent (0 = off), redrawn every epoch [default: 60]
    #[arg(long, value_name = "PERCENT", requires = "tune", value_parser = value_parser!(u16).range(0..=MAX_DISTORTION), help_heading = TUNING)]
    distort: Option<u16>,
    /// What other hands and pens do, in percent [default: 0]
    #[arg(long, value_name = "PERCENT", requires = "tune", value_parser = value_parser!(u16).range(0..=MAX_DISTORTION), help_heading = TUNING)]
    hands: Option<u16>,
    /// Learning rate, which falls linearly [default: 2e-5..4e-7]
    #[arg(long, value_name = "FROM[..TO]", requires = "tune", value_parser = values::rates, help_heading = TUNING)]
    alpha: Option<Rates>,
    /// Seed of the order of images and of distortions [default: 1]
    #[arg(long, value_name = "N", requires = "tune", help_heading = TUNING)]
    seed: Option<u64>,
    /// Also learn from this network's outputs; repeat for the mean of several
    ///
    /// As for `train`. It may be the model itself.
    #[arg(long, value_name = "MODEL", requires = "tune", help_heading = TUNING, value_hint = ValueHint::FilePath)]
    pub(crate) teacher: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) invert: InvertArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

impl QuantizeArgs {
    /// How the network is to be trained further.
    pub(crate) fn tuning(&self) -> Option<Tuning> {
        let usual = Tuning::new(self.tune?);
        Some(Tuning {
            distortion: distortion(self.distort, self.hands, usual.distortion),
            alphas: self.alpha.map_or(usual.alphas, |(from, to)| [from, to.unwrap_or(from)]),
            seed: self.seed.unwrap_or(usual.seed),
            backend: self.backend.get(),
            ..usual
        })
    }
}

/// A distortion by what is given, or else by what is usual; none by 0 percent.
fn distortion(percent: Option<u16>, hands: Option<u16>, usual: Option<Distortion>) -> Option<Distortion> {
    let Distortion { percent: usual_percent, hands: usual_hands } = usual.unwrap_or_default();
    // Without distortion there are no other hands, unless they are asked for.
    let usual_hands = if percent == Some(0) { 0 } else { usual_hands };
    let found = Distortion { percent: percent.unwrap_or(usual_percent), hands: hands.unwrap_or(usual_hands) };
    Some(found).filter(|found| *found != Distortion::default())
}

#[derive(Args, Debug)]
#[command(mut_arg("data", |data| {
    data.help("Also test it on mnist, fashion, digits, or a path: see train").long_help(None)
}))]
pub(crate) struct ImportArgs {
    /// One .safetensors or .npz file, or .npy files with a tensor each, called by its path
    #[arg(value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) force: ForceArgs,
    /// File to write [default: named after the first file, such as net.twolayer]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Weights from inputs to hidden units [default: inferred from the shapes]
    #[arg(long, value_name = "NAME", help_heading = "Tensors")]
    pub(crate) w1: Option<String>,
    /// Biases of hidden units [default: inferred; none with --w1 and --w2]
    #[arg(long, value_name = "NAME", help_heading = "Tensors")]
    pub(crate) b1: Option<String>,
    /// Weights from hidden units to outputs [default: inferred]
    #[arg(long, value_name = "NAME", help_heading = "Tensors")]
    pub(crate) w2: Option<String>,
    /// Biases of outputs [default: inferred; none with --w1 and --w2]
    #[arg(long, value_name = "NAME", help_heading = "Tensors")]
    pub(crate) b2: Option<String>,
    /// Order of dimensions [default: inferred]
    #[arg(long, value_name = "LAYOUT", value_parser = values::layout(), help_heading = "Tensors")]
    pub(crate) layout: Option<Layout>,
    /// Divisor of pixels (0 to 255) in training: 255 for `ToTensor`
    #[arg(long, value_name = "S", default_value_t = Input::RAW.scale, value_parser = values::positive::<f64>("a finite number above 0, such as 255"), allow_negative_numbers = true, help_heading = "Input")]
    pub(crate) input_scale: f64,
    /// Then subtracted: 0.1307 for `Normalize(0.1307, 0.3081)`
    #[arg(long, value_name = "M", default_value_t = Input::RAW.mean, value_parser = values::number("a finite number, such as 0.1307", |it: &f64| it.is_finite()), allow_negative_numbers = true, help_heading = "Input")]
    pub(crate) input_mean: f64,
    /// Then the divisor: 0.3081 for `Normalize(0.1307, 0.3081)`
    #[arg(long, value_name = "D", default_value_t = Input::RAW.deviation, value_parser = values::positive::<f64>("a finite number above 0, such as 0.3081"), allow_negative_numbers = true, help_heading = "Input")]
    pub(crate) input_std: f64,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Model file [default: the newest *.twolayer here with f32 weights or, for C, a quantised one]
    #[arg(value_name = "MODEL", conflicts_with = "model", value_hint = ValueHint::FilePath)]
    pub(crate) model_file: Option<PathBuf>,
    /// Model file: another way to name one
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) force: ForceArgs,
    /// File to write [default: named after the model]
    ///
    /// The header of a C file is written beside it. With --layout it is a directory, new or empty.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Format [default: by the extension of --out, or safetensors]
    #[arg(long, value_name = "FORMAT", value_parser = values::format())]
    pub(crate) format: Option<Format>,
    /// Write C as the library that a framework takes: a directory with a manifest and an example
    #[arg(long, value_name = "FRAMEWORK", value_parser = values::framework())]
    pub(crate) layout: Option<Framework>,
    /// Prefix of names in C [default: the name of the C file or of the directory]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) file: FileArgs,
}

#[derive(Args, Debug)]
pub(crate) struct CalibrateArgs {
    /// Model file [default: the newest of --data, or the newest here]
    #[arg(value_name = "MODEL", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,
    /// File to write [default: the model itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) force: ForceArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) invert: InvertArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Args, Debug)]
#[command(after_long_help = include_str!("json/info.txt"))]
pub(crate) struct InfoArgs {
    /// Model file [default: the newest *.twolayer here]
    #[arg(value_name = "MODEL", conflicts_with = "model", value_hint = ValueHint::FilePath)]
    pub(crate) model_file: Option<PathBuf>,
    /// Model file: another way to name one
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) model: Option<PathBuf>,
    /// What the integer network costs on a microcontroller: flash, RAM, instructions, modelled cycles
    ///
    /// For the Rust core, built for size. Instructions are fitted to counts in an emulator: for a blank image, the mean of MNIST's
    /// digits, and the worst that there is; the mean is met to two per cent, the others to fifteen. Cycles are those of Arm's tables,
    /// with memory that never makes the core wait, for cores that have such tables.
    #[arg(long, value_name = "BOARD", value_parser = values::one_of(Board::named()))]
    pub(crate) board: Option<Board>,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) file: FileArgs,
}
