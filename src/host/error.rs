//! Errors on a host: those of the operating system, and those of the core with the path of the file.
//!
//! Each message includes its cause, so `source` returns `None`. The program adds hints about options.

use crate::image::idx::IdxError;
use crate::model::ModelError;
use crate::net::{SizeError, TrainError};
use core::fmt;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// A path, or any text from outside, for messages: its control characters, which a terminal would obey, are escaped.
pub fn shown(text: impl AsRef<OsStr>) -> String {
    let mut shown = String::new();
    for letter in text.as_ref().to_string_lossy().chars() {
        if letter.is_control() { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    shown
}

/// An error of a host function. Such a function leaves no partly written files behind. A process that is killed may leave
/// a temporary file, `.twolayer-*.tmp`; the next that writes to the same directory removes it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input or output error.
    #[error("cannot {action} {}: {error}{}", shown(path), remedy(*action, error.kind()))]
    Io {
        /// What was attempted.
        action: Action,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A data set's directory does not exist.
    #[error("{} does not exist", shown(path))]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The path of a data set is not a directory.
    #[error("{} is not a directory", shown(path))]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// The directory in an environment variable cannot be used.
    #[error("{variable} is set, but {error}\nCorrect {variable}, or unset it")]
    Environment {
        /// The variable.
        variable: &'static str,
        /// What is wrong with the directory.
        error: Box<Self>,
    },
    /// No mirror provided the data set.
    #[cfg(feature = "download")]
    #[error("cannot fetch {}, which is not in {}: {}", name.title(), shown(directory), list(refusals))]
    Fetch {
        /// The data set.
        name: super::dataset::Name,
        /// Its directory in the cache.
        directory: PathBuf,
        /// Why each mirror failed.
        refusals: Vec<super::dataset::Refusal>,
    },
    /// A mirror is not the URL of a directory.
    #[cfg(feature = "download")]
    #[error(
        "{} is followed by a query or a fragment (? or #): a mirror is the URL of a directory",
        super::dataset::without_user(url)
    )]
    Mirror {
        /// The URL.
        url: String,
    },
    /// A file already exists and would be overwritten.
    #[error("{} already exists: choose another directory, or remove it first", shown(path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file of a data set is missing.
    #[error(
        "{} has no {name} (nor {name}.gz): it should hold the four MNIST files, train-images-idx3-ubyte, \
         train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte{}",
        shown(directory), similar.as_ref().map_or(String::new(), |it| format!(". Is it {}? Then rename it", shown(it)))
    )]
    Missing {
        /// The data set's directory.
        directory: PathBuf,
        /// The file's name.
        name: &'static str,
        /// The name of a file that may be the missing one.
        similar: Option<OsString>,
    },
    /// A file is not a valid IDX file of the expected kind.
    #[error("{}: {error}", shown(path))]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: IdxError,
    },
    /// The numbers of images and labels differ.
    #[error("{} has {images} images, but {} has {labels} labels", shown(images_path), shown(labels_path))]
    Counts {
        /// The file of images.
        images_path: PathBuf,
        /// The number of images.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// The number of labels.
        labels: usize,
    },
    /// A file without images.
    #[error("{} has no images", shown(path))]
    Empty {
        /// The file of images.
        path: PathBuf,
    },
    /// The images have the wrong size.
    #[error("{} has images of {found} pixels; expected {expected}, to match {whose}", shown(path))]
    Pixels {
        /// The file of images.
        path: PathBuf,
        /// The pixels per image.
        found: usize,
        /// The expected pixels per image.
        expected: usize,
        /// Where the expected number comes from: the network or the training set.
        whose: &'static str,
    },
    /// A label is out of range.
    #[error("{} has label {found} for image {sample}; {whose} are 0 to {}", shown(path), classes - 1)]
    Label {
        /// The file of labels.
        path: PathBuf,
        /// The sample, counted from 0.
        sample: usize,
        /// The label.
        found: u8,
        /// The number of classes.
        classes: usize,
        /// Where the number of classes comes from: the network or the training labels.
        whose: &'static str,
    },
    /// A file is not a valid model of the expected kind.
    #[error("{}: {error}", shown(path))]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: ModelError,
    },
    /// A file of tensors cannot be used as a network.
    #[cfg(feature = "convert")]
    #[error("{path}: {}", shown(error.to_string()))]
    Tensors {
        /// The file, or files.
        path: String,
        /// What is wrong with it.
        error: super::tensors::TensorError,
    },
    /// Names in C cannot begin like this.
    #[error("names in C cannot begin with {found:?}: expected a letter, then letters, digits and underscores")]
    CName {
        /// How they were to begin.
        found: String,
    },
    /// As many training images were to be held out for the test as there are, or none.
    #[error("{found} of {images} training images cannot be held out: 1 to {} can", images - 1)]
    HoldOut {
        /// The number of images to be held out.
        found: usize,
        /// The number of training images.
        images: usize,
    },
    /// The size of a network is out of range, or a buffer has the wrong length.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// A network cannot be trained or quantised.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Training diverged: the loss or a weight is infinite or NaN.
    #[error("training diverged in epoch {epoch}, before sample {sample}: the loss is no longer a finite number")]
    Diverged {
        /// The epoch, counted from 1.
        epoch: u32,
        /// The number of samples of this epoch after which it was detected.
        sample: usize,
        /// The learning rate.
        alpha: f32,
    },
    /// No hidden unit is active any more, for any test image: the network has nothing to learn with.
    #[error("training came to nothing in epoch {epoch}: no hidden unit is active for any test image")]
    Dead {
        /// The epoch, counted from 1.
        epoch: u32,
        /// The learning rate.
        alpha: f32,
    },
    /// Out of memory.
    #[error("cannot allocate {bytes} bytes of memory: {error}")]
    Memory {
        /// The number of bytes requested.
        bytes: usize,
        /// The system's error.
        error: io::Error,
    },
    /// A file is not a picture, or too large.
    #[cfg(feature = "pictures")]
    #[error("{}: {error}", shown(path))]
    PictureFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: super::PictureFileError,
    },
    /// A picture has no digit in it.
    #[cfg(feature = "pictures")]
    #[error("{}: {error}", shown(path))]
    NoDigit {
        /// The file.
        path: PathBuf,
        /// What is in it.
        error: crate::image::picture::PictureError,
    },
    /// The system has no cache directory.
    #[error("no cache directory: set XDG_CACHE_HOME to an absolute path")]
    NoCache,
}

impl Error {
    /// Adds the action and the path to an error of the system.
    pub(crate) fn io(action: Action, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { action, path: path.to_owned(), error }
    }
}

/// An action on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names explain themselves")]
pub enum Action {
    Open,
    Read,
    Write,
    Create,
    Remove,
    Decompress,
    Generate,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Create => "create",
            Self::Remove => "remove",
            Self::Decompress => "decompress",
            Self::Generate => "generate",
        })
    }
}

/// A hint about what to do after an error of the system, where there is one.
const fn remedy(action: Action, kind: io::ErrorKind) -> &'static str {
    match (action, kind) {
        (Action::Write, io::ErrorKind::NotFound) => "; create its directory first",
        (_, io::ErrorKind::PermissionDenied) => "; check the permissions of the file and its directory",
        (_, io::ErrorKind::IsADirectory) => "; choose a file",
        (_, io::ErrorKind::NotADirectory) => "; a part of its path is a file, not a directory",
        (_, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => "; free some space, or choose another disk",
        (_, io::ErrorKind::ReadOnlyFilesystem) => "; choose another disk",
        (Action::Decompress, _) => "; the file is damaged or truncated: download it again",
        _ => "",
    }
}

/// The reasons of all mirrors, as one line.
#[cfg(feature = "download")]
fn list(refusals: &[super::dataset::Refusal]) -> String {
    let each: Vec<_> = refusals.iter().map(ToString::to_string).collect();
    each.join("; ")
}
