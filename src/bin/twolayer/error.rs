//! The errors of the program: those of the library, with hints about command-line options, and its own.

use std::path::PathBuf;
use twolayer::host::dataset::{DataError, FetchError, Name, redact_url};
use twolayer::host::tensors::TensorError;
use twolayer::host::{ConvertError, FileError, GreyPictureError, TrainingError, printable};
use twolayer::picture::PictureError;
use twolayer::{Kind, host};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// An error of the library.
    #[error("{}{}", .0, hint(.0))]
    Host(host::Error),
    /// `TWOLAYER_MIRROR` is not an HTTP URL.
    #[error(
        "TWOLAYER_MIRROR: {} is not a URL in UTF-8 that begins with http:// or https://; for a directory use --data",
        redact_url(url)
    )]
    Mirror { url: String },
    /// No model was given, and there is none in the working directory.
    #[error("no *.twolayer file here: train a network first (twolayer train), or give a model file with --model")]
    NoModel,
    /// Some files of a data set are missing or changed.
    #[error(
        "{bad} of the 4 files of {0} {2} missing or changed; run `twolayer data fetch {0}` to restore them in the cache{1}",
        name.id(), if name.environment_directory().is_some() { " and unset MNIST_DIR, which takes precedence" } else { "" },
        if *bad == 1 { "is" } else { "are" }
    )]
    VerificationFailed {
        /// The number of these files.
        bad: usize,
        name: Name,
    },
    /// The model is quantised already.
    #[error("{} already has {kind} weights: give a model with f32 weights with --model", printable(path))]
    AlreadyQuantized { path: PathBuf, kind: Kind },
    /// The network's inputs are no square that pictures are made to.
    #[error(
        "{} takes images of {pixels} pixels{1}: a picture becomes a square of 8 to 256 pixels a side; --index takes images of a data set \
         of any shape", printable(path), image.map_or(String::new(), |[width, height]| format!(", {width} × {height} pixels"))
    )]
    NotSquare {
        path: PathBuf,
        pixels: usize,
        /// Width and height of the images that it was trained on.
        image: Option<[u16; 2]>,
    },
    /// `--index` is beyond the test set.
    #[error("{} has {len} images: --index takes 0 to {}, not {index}", printable(path), len - 1)]
    Index { path: PathBuf, index: usize, len: usize },
    /// Several pictures are to be saved to one file.
    #[error("--save-seen {}: {pictures} pictures take a directory that exists, not one file", printable(path))]
    OneFile { path: PathBuf, pictures: usize },
    /// Some pictures have no answer; their errors were printed.
    #[error("{failed} of {pictures} pictures have no answer, for the reasons above")]
    NoAnswer { failed: usize, pictures: usize },
    /// An output would overwrite an input.
    #[error("{} is already used by this command: give another file with {option}", printable(path))]
    Overwrite { path: PathBuf, option: &'static str },
    /// A quantised model cannot be exported.
    #[error(
        "{} has {kind} weights, which no other program reads: give the f32 model that it was made of with --model, or choose \
         --format c99",
        printable(path)
    )]
    ExportQuantized { path: PathBuf, kind: Kind },
    /// A model with f32 weights cannot be exported as C.
    #[error(
        "{} has f32 weights, and the C is for integers: quantise it with `twolayer quantize`, and give the result with --model",
        printable(path)
    )]
    ExportF32 { path: PathBuf },
    /// `--name` without C.
    #[error("--name is for C: choose --format c99, or leave it out")]
    NameWithoutC,
    /// The default output exists.
    #[error("{} already exists: give it with --out to replace it, or another file", printable(path))]
    ExportExists { path: PathBuf },
    /// The format of an output cannot be told.
    #[error(
        "{} has the extension of no known format: name it *.safetensors, *.npz or *.c, or choose with --format",
        printable(path)
    )]
    UnknownFormat { path: PathBuf },
}

impl<E: Into<host::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Host(error.into())
    }
}

/// A hint about the options that may help.
fn hint(error: &host::Error) -> String {
    match error {
        host::Error::File(FileError::Memory { .. }) => ". Choose fewer --hidden units or a smaller --block".into(),
        host::Error::Data(error) => data_hint(error),
        host::Error::Training(TrainingError::Diverged { alpha, .. }) => {
            format!(". Choose a smaller --alpha than {alpha:e} or a smaller --init-scale; no model was written")
        }
        host::Error::Training(TrainingError::Dead { alpha, .. }) => format!(
            ". Choose a smaller --alpha than {alpha:e}, or --invert if the images are dark ink on light; no model was written"
        ),
        host::Error::Convert(ConvertError::CName { .. }) => ". Choose another --name".into(),
        host::Error::Convert(ConvertError::CFile { .. }) => ". Choose another --out".into(),
        host::Error::Convert(ConvertError::Tensors { error, .. }) => tensors_hint(error).into(),
        host::Error::Picture(GreyPictureError::NoDigit { error, .. }) => digit_hint(error).into(),
        _ => String::new(),
    }
}

/// A hint about the options that choose a data set.
fn data_hint(error: &DataError) -> String {
    match error {
        DataError::NoDirectory { path } | DataError::NotADirectory { path } => {
            let meant = Name::ALL.into_iter().find(|name| path.as_os_str().eq_ignore_ascii_case(name.id()));
            let meant = meant.map_or(String::new(), |name| format!(". Did you mean {}?", name.id()));
            format!(": --data takes {} or a directory of four IDX files{meant}", Name::ALL.map(Name::id).join(", "))
        }
        DataError::Fetch(FetchError::Refused { name, .. }) => format!(
            "\nDownload the four files elsewhere and give their directory with --data{}, or another server with --mirror, \
             or use --data digits",
            if *name == Name::Mnist { " or MNIST_DIR" } else { "" }
        ),
        _ => String::new(),
    }
}

/// A hint about the options of `import`.
const fn tensors_hint(error: &TensorError) -> &'static str {
    match error {
        TensorError::Unnamed { .. } => ". Name them with --w1 and --w2, and any biases with --b1 and --b2",
        TensorError::NoFit { .. } => {
            ". If some are not the network's, name those that are with --w1, --b1, --w2 and --b2"
        }
        TensorError::Ambiguous { .. } => ". Choose with --layout, or name the tensors with --w1, --b1, --w2 and --b2",
        TensorError::NotFinite { .. } => "; no model was written",
        _ => "",
    }
}

/// A hint about what may help where no digit was found.
const fn digit_hint(error: &PictureError) -> &'static str {
    match error {
        PictureError::Blank { .. } => {
            ". Is the picture the right one? If it is, take one with more light; --invert auto finds ink of either kind"
        }
        _ => "",
    }
}
