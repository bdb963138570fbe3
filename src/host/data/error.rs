//! What can go wrong with data sets: finding them, fetching them, and what is in their files.

use super::SourceError;
#[cfg(feature = "download")]
use super::fetch::{Refusal, redact_url};
#[cfg(feature = "download")]
use super::name::Name;
use crate::host::files::{FileError, printable};
use crate::image::idx::IdxError;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Why a data set cannot be opened, written or fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum DataError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The path of the data set does not exist, or it is no directory.
    #[error("{} {}", printable(path), if *exists { "is not a directory" } else { "does not exist" })]
    NoDirectory { path: PathBuf, exists: bool },
    /// The directory in an environment variable cannot be used.
    #[error("{variable} is set, but {error}\nCorrect {variable}, or unset it")]
    Environment { variable: &'static str, error: Box<Self> },
    /// A file of the data set is missing from its directory, where there may be a `similar` file that is the missing one.
    #[error(
        "{} has no {name} (nor {name}.gz): it should hold the four MNIST files, train-images-idx3-ubyte, \
         train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte{}",
        printable(directory),
        similar.as_ref().map_or(String::new(), |it| format!(". Is it {}? Then rename it", printable(it)))
    )]
    Missing { directory: PathBuf, name: String, similar: Option<OsString> },
    /// A compressed file cannot be decompressed.
    #[error("cannot decompress {}: {error}; the file is damaged or truncated: download it again", printable(path))]
    Gzip { path: PathBuf, error: io::Error },
    /// More built-in digits were asked for than there are: 2³² − 1.
    #[error("cannot generate {train} training and {test} test images: at most {} in all", u32::MAX)]
    Digits { train: u32, test: u32 },
    /// The system has no cache directory.
    #[error("no cache directory: set XDG_CACHE_HOME to an absolute path")]
    NoCache,
    /// The contents of the files are wrong, or do not belong together.
    #[error(transparent)]
    Set(#[from] SetError),
    /// Class folders, a CSV or an `.npz` file cannot be read, or it is not clear which of several sets is meant.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The data set cannot be fetched.
    #[cfg(feature = "download")]
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

/// Why a data set cannot be fetched.
#[cfg(feature = "download")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum FetchError {
    /// No mirror provided the data set, which is not in its directory in the cache either: why each mirror failed.
    #[error("cannot fetch {}, which is not in {}: {}", name.title(), printable(directory), list(refusals))]
    Refused { name: Name, directory: PathBuf, refusals: Vec<Refusal> },
    /// A mirror is not the URL of a directory.
    #[error("{} has a query or a fragment (? or #): a mirror is the URL of a directory", redact_url(url))]
    Mirror { url: String },
}

/// Why images and labels cannot be used: by themselves, together, or with a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum SetError {
    /// A file is not a valid IDX file of the expected kind.
    #[error("{}: {error}", printable(path))]
    Idx { path: PathBuf, error: IdxError },
    /// The numbers of images and labels differ.
    #[error("{} has {images} images, but {} has {labels} labels", printable(images_path), printable(labels_path))]
    Counts { images_path: PathBuf, images: usize, labels_path: PathBuf, labels: usize },
    /// A file has no images.
    #[error("{} has no images", printable(path))]
    Empty { path: PathBuf },
    /// The images have the wrong size, in pixels per image. `whose` tells where the right one comes from: the network or the
    /// training set.
    #[error("{} has images of {found} pixels; expected {expected}, to match {whose}", printable(path))]
    Pixels { path: PathBuf, found: usize, expected: usize, whose: &'static str },
    /// A label is out of range. Samples are counted from 0; `whose` tells where the number of classes comes from: the network or
    /// the training labels.
    #[error("{} has label {found} for image {sample}; {whose} are 0 to {}", printable(path), classes - 1)]
    Label { path: PathBuf, sample: usize, found: u8, classes: usize, whose: &'static str },
    /// All training images were to be held out for the test, or none, or more than there are.
    #[error("cannot hold out {found} of {images} training images: expected 1 to {}", images - 1)]
    HoldOut { found: usize, images: usize },
    /// Images as many pixels, of another width and height.
    #[error(
        "{} has images of {} × {} pixels; expected {} × {}, as the other images have",
        printable(path), found[0], found[1], expected[0], expected[1]
    )]
    Turned { path: PathBuf, found: [u16; 2], expected: [u16; 2] },
    /// Images of so many pixels, whose width and height are not known, cannot be transposed.
    #[error("{} has images of {pixels} pixels, whose width is not known: they cannot be transposed", printable(path))]
    Transpose { path: PathBuf, pixels: usize },
}

/// The reasons of all mirrors, as one line.
#[cfg(feature = "download")]
fn list(refusals: &[Refusal]) -> String {
    let each: Vec<_> = refusals.iter().map(ToString::to_string).collect();
    each.join("; ")
}
