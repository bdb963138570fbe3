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
    /// The network's inputs are not a square that a picture can become.
    #[error(
        "{} takes images of {}, but a picture becomes a square of 8 × 8 to 256 × 256 pixels; for images of a data set, use --index",
        printable(path),
        image.map_or_else(|| format!("{pixels} pixels"), |[width, height]| format!("{width} × {height} pixels"))
    )]
    NotSquare {
        path: PathBuf,
        pixels: usize,
        /// Width and height of the images that it was trained on.
        image: Option<[u16; 2]>,
    },
    /// `--index` is beyond the test set.
    #[error("{} has {len} images: --index must be from 0 to {}, not {index}", printable(path), len - 1)]
    Index { path: PathBuf, index: usize, len: usize },
    /// Several pictures are to be saved to one file.
    #[error("--save-seen {}: not a directory; {pictures} pictures need a directory that exists", printable(path))]
    OneFile { path: PathBuf, pictures: usize },
    /// Some pictures have no answer; their errors were printed.
    #[error("{failed} of {pictures} pictures could not be classified, for the reasons above")]
    NoAnswer { failed: usize, pictures: usize },
    /// An output would overwrite an input.
    #[error("{} is already used by this command: give another file with {option}", printable(path))]
    Overwrite { path: PathBuf, option: &'static str },
    /// A quantised model cannot be exported.
    #[error(
        "{} has {kind} weights, which other programs cannot read: give the f32 model that it was made from with --model, or \
         choose --format c99",
        printable(path)
    )]
    ExportQuantized { path: PathBuf, kind: Kind },
    /// A model with f32 weights cannot be exported as C.
    #[error(
        "{} has f32 weights, but C code needs a quantised model: run `twolayer quantize`, and give its output with --model",
        printable(path)
    )]
    ExportF32 { path: PathBuf },
    /// `--name` without C.
    #[error("--name is for C only: choose --format c99, or leave --name out")]
    NameWithoutC,
    /// The default output exists.
    #[error("{} already exists: to replace it, give it with --out; or give another file", printable(path))]
    ExportExists { path: PathBuf },
    /// The format of an output cannot be inferred from its extension.
    #[error(
        "{} does not have the extension of a known format: name it *.safetensors, *.npz or *.c, or choose a --format",
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
            ". Is it the right picture? If so, take it again with more light; --invert auto finds dark and light ink"
        }
        _ => "",
    }
}
