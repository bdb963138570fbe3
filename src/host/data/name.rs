//! The named data sets and their directories.

use super::{DataError, FILES, SetError, check_pixels, digit_files, file_lengths, find_file, gzip, require_file};
use crate::net::Shape;
use core::array;
use std::env;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// The environment variable with the path of a directory that holds MNIST.
const MNIST_DIR: &str = "MNIST_DIR";

/// A named data set. To add one, add a variant here, to [`ALL`](Self::ALL) and to `description` below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Name {
    /// MNIST: handwritten digits, by Y. LeCun, C. Cortes and C. Burges.
    Mnist,
    /// Fashion-MNIST: images of clothes, by Zalando.
    Fashion,
    /// The built-in digits, which this crate generates: see [`digit`](crate::digit).
    Digits,
}

/// The expected properties of one file of a named data set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    /// Its length in bytes.
    pub(crate) len: u64,
    /// Its SHA-256, in hexadecimal.
    #[cfg_attr(not(feature = "download"), expect(dead_code, reason = "only used with sha2"))]
    pub(crate) sha256: &'static str,
}

/// What is known of a named data set.
pub(super) struct Description {
    id: &'static str,
    title: &'static str,
    /// Training and test images.
    images: [u64; 2],
    /// Pixels of an image.
    pixels: usize,
    /// Of the four files, in the order of [`FILES`].
    sha256: [&'static str; 4],
    /// The public mirrors that PyTorch and TensorFlow use: URLs of directories.
    #[cfg_attr(not(feature = "download"), expect(dead_code, reason = "only used to download"))]
    pub(super) mirrors: &'static [&'static str],
}

impl Name {
    /// All named data sets, the default first.
    pub const ALL: [Self; 3] = [Self::Mnist, Self::Fashion, Self::Digits];

    pub(super) const fn description(self) -> Description {
        match self {
            Self::Mnist => Description {
                id: "mnist",
                title: "MNIST",
                images: [60_000, 10_000],
                pixels: 28 * 28,
                sha256: [
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ],
                mirrors: &[
                    "https://ossci-datasets.s3.amazonaws.com/mnist",
                    "https://storage.googleapis.com/cvdf-datasets/mnist",
                ],
            },
            Self::Fashion => Description {
                id: "fashion",
                title: "Fashion-MNIST",
                sha256: [
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                ],
                mirrors: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
                    "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
                ],
                // Of as many images and pixels.
                ..Self::Mnist.description()
            },
            Self::Digits => Description {
                id: "digits",
                title: "the built-in digits",
                sha256: digit_files::SHA256,
                mirrors: &[],
                // Of as many images and pixels.
                ..Self::Mnist.description()
            },
        }
    }

    /// The name on the command line and in the cache: `mnist`, `fashion` or `digits`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.description().id
    }

    /// The name to show to users, such as `Fashion-MNIST`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.description().title
    }

    /// Checks that the images have as many pixels as a network takes: possible before the data set is fetched.
    ///
    /// # Errors
    ///
    /// [`SetError::Pixels`] if they have not.
    pub fn check_pixels(self, shape: Shape) -> Result<(), SetError> {
        check_pixels(Path::new(self.id()), self.description().pixels, shape.pixels(), "the network")
    }

    /// The total length of the four files, uncompressed, in bytes.
    #[must_use]
    pub fn total_bytes(self) -> u64 {
        self.files().iter().map(|file| file.len).sum()
    }

    /// The four files, in the order of [`FILES`].
    pub(crate) fn files(self) -> [File; 4] {
        let Description { images, pixels, sha256, .. } = self.description();
        let lengths = file_lengths(images, pixels);
        array::from_fn(|index| File { name: FILES[index], len: lengths[index], sha256: sha256[index] })
    }

    /// The data set's directory in the cache. It need not exist.
    ///
    /// # Errors
    ///
    /// If the system has no cache directory.
    pub fn cache_directory(self) -> Result<PathBuf, DataError> {
        let directory = match self {
            Self::Digits => digit_files::DIRECTORY,
            name => name.id(),
        };
        // `twolayer` in $XDG_CACHE_HOME, or else in the platform's cache directory (`~/.cache` on Linux).
        let from_environment = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = from_environment.or_else(dirs::cache_dir).ok_or(DataError::NoCache)?;
        Ok(cache.join("twolayer").join(directory))
    }

    /// The directory in `$MNIST_DIR`, for MNIST only. It takes precedence over the cache, even if it is incomplete.
    #[must_use]
    pub fn environment_directory(self) -> Option<PathBuf> {
        let directory = (self == Self::Mnist).then(|| env::var_os(MNIST_DIR)).flatten();
        directory.filter(|directory| !directory.is_empty()).map(PathBuf::from)
    }

    /// The directory that holds all four files, or `None` if they must be fetched first: `$MNIST_DIR` (for MNIST), or
    /// else the cache, plain or compressed. Files in the cache were verified when they were written, so only their lengths are
    /// checked.
    ///
    /// # Errors
    ///
    /// If `$MNIST_DIR` is set and a file is missing there.
    pub fn locate(self) -> Result<Option<PathBuf>, DataError> {
        self.locate_from(0)
    }

    /// Like [`locate`](Self::locate), for the two files of the test set only.
    ///
    /// # Errors
    ///
    /// If `$MNIST_DIR` is set and a file of the test set is missing there.
    pub fn locate_test(self) -> Result<Option<PathBuf>, DataError> {
        self.locate_from(2)
    }

    /// Like [`locate`](Self::locate), without the files before index `first`.
    fn locate_from(self, first: usize) -> Result<Option<PathBuf>, DataError> {
        if let Some(directory) = self.environment_directory() {
            let complete = FILES.into_iter().skip(first).try_for_each(|name| require_file(&directory, name).map(drop));
            return match complete {
                Ok(()) => Ok(Some(directory)),
                Err(error) => Err(DataError::Environment { variable: MNIST_DIR, error: Box::new(error) }),
            };
        }
        Ok(self
            .cache_directory()
            .ok()
            .filter(|directory| self.files().iter().skip(first).all(|file| file.is_in(directory))))
    }
}

impl File {
    /// Whether the directory has the file: of its length, or compressed.
    pub(crate) fn is_in(&self, directory: &Path) -> bool {
        let found = find_file(directory, self.name).ok().flatten();
        let meta = found.as_ref().and_then(|path| path.metadata().ok()).filter(Metadata::is_file);
        meta.is_some_and(|meta| meta.len() == self.len || found.is_some_and(|path| gzip::is_named_gz(&path)))
    }
}
