//! What can go wrong on a host: the core's errors with the path they concern, and those of the system.

use crate::int8::PayloadError;
use crate::int8::quantize::QuantizeError;
use crate::model::Kind;
use crate::{IdxError, ModelError, NetworkError, ShapeError, TrainError};
use std::io;
use std::path::{Path, PathBuf};

/// Why a command cannot go on; its text says what to do. Nothing half-written is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused a file.
    #[error("cannot {action} {}: {source}{}", path.display(), remedy(action, source.kind()))]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A data set's directory is none.
    #[error("{} {why}: --data takes mnist, fashion, digits or a directory of four IDX files", path.display())]
    NoDirectory {
        /// What was taken for a directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A directory that an environment variable names cannot be used.
    #[error("{variable} is set, but {source}\nCorrect {variable}, or unset it")]
    Environment {
        /// The variable.
        variable: &'static str,
        /// What is wrong with the directory.
        source: Box<Self>,
    },
    /// No mirror gave a data set.
    #[cfg(feature = "download")]
    #[error(
        "cannot fetch {}: {}\nGet the four files elsewhere and name their directory by --data{}, or name another server \
         by --mirror, or use --data digits", name.title(), list(refusals),
        if *name == super::dataset::Name::Mnist { " or MNIST_DIR" } else { "" }
    )]
    Fetch {
        /// The data set.
        name: super::dataset::Name,
        /// What each mirror did.
        refusals: Vec<super::dataset::Refusal>,
    },
    /// An address that files cannot be fetched from.
    #[error(
        "TWOLAYER_MIRROR: {} is no address in UTF-8 that begins with http:// or https://; a directory is named by \
         --data",
        without_user(url)
    )]
    Mirror {
        /// The address.
        url: String,
    },
    /// No model was named, and there is none.
    #[error("no *.twolayer file here: train a network first (twolayer train), or name its file by --model")]
    NoModel,
    /// Files that are not what they should be.
    #[error(
        "{wrong} of the 4 files of {name} are missing or changed; `twolayer data fetch {name}` has them in the cache{}",
        if *overridden { "; and unset MNIST_DIR, which comes first" } else { "" }
    )]
    NotVerified {
        /// How many.
        wrong: usize,
        /// The data set.
        name: &'static str,
        /// Does `MNIST_DIR` name another directory than the cache?
        overridden: bool,
    },
    /// A file that was not to be overwritten.
    #[error("{} is there already: name another directory, or remove it first", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A data set lacks a file.
    #[error(
        "{} has no {name} (nor {name}.gz): it should hold the four MNIST files, train-images-idx3-ubyte, \
         train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte", directory.display()
    )]
    Missing {
        /// Where it was looked for.
        directory: PathBuf,
        /// The file's name.
        name: &'static str,
    },
    /// A file is not the IDX file that it should be.
    #[error("{}: {source}", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: IdxError,
    },
    /// Images and labels that do not belong together.
    #[error("{} has {images} images, but {} has {labels} labels", images_path.display(), labels_path.display())]
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
    /// A file of no images.
    #[error("{} has no images", path.display())]
    Empty {
        /// The file of images.
        path: PathBuf,
    },
    /// Images of another size than expected.
    #[error("{} has images of {found} pixels; {expected} are expected, as {whose} has", path.display())]
    Pixels {
        /// The file of images.
        path: PathBuf,
        /// The pixels of its images.
        found: usize,
        /// The pixels expected.
        expected: usize,
        /// What expects them.
        whose: &'static str,
    },
    /// A label beyond the classes.
    #[error("{} says {found} for image {sample}; {whose} are 0 to {}", path.display(), classes - 1)]
    Label {
        /// The file of labels.
        path: PathBuf,
        /// The sample, counted from 0.
        sample: usize,
        /// The label.
        found: u8,
        /// The number of classes.
        classes: usize,
        /// What has so many.
        whose: &'static str,
    },
    /// A file is not the model that it should be.
    #[error("{}: {source}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ModelError,
    },
    /// Sizes that no network has.
    #[error("{0}")]
    Shape(#[from] ShapeError),
    /// Options or samples that cannot be trained with.
    #[error("{0}")]
    Train(#[from] TrainError),
    /// Images that a network cannot take.
    #[error("{0}")]
    Network(#[from] NetworkError),
    /// A network that cannot be quantised.
    #[error("cannot quantise: {0}")]
    Quantize(#[from] QuantizeError),
    /// An integer network that is none.
    #[error("{0}")]
    Payload(#[from] PayloadError),
    /// A model that was quantised already.
    #[error("{} has {kind} weights already: name a model of f32 weights by --model", path.display())]
    Quantized {
        /// The file.
        path: PathBuf,
        /// What its weights are.
        kind: Kind,
    },
    /// A result that would take the place of what it is made from.
    #[error("{} is the model itself: name another file by --out", path.display())]
    Overwrite {
        /// The file.
        path: PathBuf,
    },
    /// The weights have left the range of numbers.
    #[error(
        "training diverged in epoch {epoch}, before sample {sample}: the error is no longer a finite number. \
         Choose a smaller --alpha than {alpha:e} or a smaller --init-scale; no model was written"
    )]
    Diverged {
        /// The epoch, counted from 1.
        epoch: u32,
        /// Samples of this epoch until it was noticed.
        sample: usize,
        /// The learning rate.
        alpha: f32,
    },
    /// Not enough memory.
    #[error("cannot have {bytes} bytes of memory: {source}. Choose fewer --hidden units or a smaller --block")]
    Memory {
        /// The bytes asked for.
        bytes: usize,
        /// The system's answer.
        source: io::Error,
    },
    /// There is no place for what is kept between runs.
    #[error("no cache directory: set XDG_CACHE_HOME to the full path of one")]
    NoCache,
}

impl Error {
    /// Adds what was tried on which file to the system's answer.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// What to do about a file that the system refused, where that is known.
fn remedy(action: &str, kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound if action == "write" => "; make its directory first",
        io::ErrorKind::PermissionDenied => "; look at the permissions of the file and its directory",
        io::ErrorKind::IsADirectory => "; name a file",
        io::ErrorKind::NotADirectory => "; a part of its path is a file",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room there, or choose another disk",
        io::ErrorKind::ReadOnlyFilesystem => "; choose another disk",
        _ if action == "expand" => "; the archive is damaged or cut: get it again",
        _ => "",
    }
}

/// An address as it may be shown: without the name and the password that may stand before its host.
pub(crate) fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}{host}{path}")
}

/// What each mirror did.
#[cfg(feature = "download")]
fn list(refusals: &[super::dataset::Refusal]) -> String {
    let each: Vec<_> = refusals.iter().map(ToString::to_string).collect();
    each.join("; ")
}
