//! The data sets that have a name, and where they are found.

use super::super::Error;
use super::{FILES, cache, digit_files, find};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The environment variable that names a directory of MNIST's files.
const MNIST_DIR: &str = "MNIST_DIR";

/// What data to work with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A data set that has a name.
    Named(Name),
    /// The four IDX files of a directory.
    Directory(PathBuf),
}

impl<T: AsRef<OsStr>> From<T> for Source {
    /// A name, if it is one; else a directory. A directory called `mnist` is `./mnist`.
    fn from(text: T) -> Self {
        let text = text.as_ref();
        Name::ALL.into_iter().find(|name| text == name.word()).map_or_else(|| Self::Directory(text.into()), Self::Named)
    }
}

/// A data set that has a name: 60,000 training and 10,000 test images of 28 × 28 pixels, in ten classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Name {
    /// Handwritten digits, by Y. LeCun, C. Cortes and C. Burges.
    Mnist,
    /// Pictures of clothes, by Zalando.
    Fashion,
    /// Digits that this program makes itself: see [`digit`](super::digit).
    Digits,
}

/// One file of a named data set as it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    /// Its length in bytes.
    pub(crate) len: u64,
    /// Its SHA-256, in hexadecimal.
    #[cfg_attr(not(feature = "download"), expect(dead_code, reason = "nothing is checked without sha2"))]
    pub(crate) sha256: &'static str,
}

impl Name {
    /// Every data set that has a name, the default one first.
    pub const ALL: [Self; 3] = [Self::Mnist, Self::Fashion, Self::Digits];

    /// The name, in one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::Fashion => "fashion",
            Self::Digits => "digits",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Mnist => "MNIST",
            Self::Fashion => "Fashion-MNIST",
            Self::Digits => "the built-in digits",
        }
    }

    /// The length of the four files together, in bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.files().iter().map(|file| file.len).sum()
    }

    /// The four files.
    pub(crate) const fn files(self) -> [File; 4] {
        let [train_images, train_labels, test_images, test_labels] = match self {
            Self::Mnist => [
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ],
            Self::Fashion => [
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ],
            Self::Digits => digit_files::SHA256,
        };
        [
            File { name: FILES[0], len: 16 + 60_000 * 784, sha256: train_images },
            File { name: FILES[1], len: 8 + 60_000, sha256: train_labels },
            File { name: FILES[2], len: 16 + 10_000 * 784, sha256: test_images },
            File { name: FILES[3], len: 8 + 10_000, sha256: test_labels },
        ]
    }

    /// Where it is kept: its directory in the cache.
    ///
    /// # Errors
    ///
    /// When there is no cache directory.
    pub fn cache(self) -> Result<PathBuf, Error> {
        let directory = match self {
            Self::Digits => digit_files::DIRECTORY,
            named => named.word(),
        };
        Ok(cache::directory()?.join(directory))
    }

    /// The directory that `$MNIST_DIR` names for MNIST: it comes before the cache, whatever is in it.
    #[must_use]
    pub fn named_directory(self) -> Option<PathBuf> {
        let directory = (self == Self::Mnist).then(|| std::env::var_os(MNIST_DIR)).flatten();
        directory.filter(|directory| !directory.is_empty()).map(PathBuf::from)
    }

    /// The directory where its files are, if they are there: for MNIST `$MNIST_DIR`, then the cache. What is in the
    /// cache was checked when it came there, so only the lengths are looked at.
    ///
    /// # Errors
    ///
    /// When `$MNIST_DIR` is set and lacks a file.
    pub fn locate(self) -> Result<Option<PathBuf>, Error> {
        self.locate_from(0)
    }

    /// [`locate`](Self::locate) for the test set alone.
    ///
    /// # Errors
    ///
    /// When `$MNIST_DIR` is set and lacks a file of the test set.
    pub fn locate_test(self) -> Result<Option<PathBuf>, Error> {
        self.locate_from(2)
    }

    /// Where the files are from the `first` on.
    fn locate_from(self, first: usize) -> Result<Option<PathBuf>, Error> {
        if let Some(directory) = self.named_directory() {
            let complete = FILES.into_iter().skip(first).try_for_each(|name| find(&directory, name).map(drop));
            return match complete {
                Ok(()) => Ok(Some(directory)),
                Err(source) => Err(Error::Environment { variable: MNIST_DIR, source: Box::new(source) }),
            };
        }
        Ok(self.cache().ok().filter(|directory| self.files().iter().skip(first).all(|file| file.is_in(directory))))
    }
}

impl File {
    /// Is there a file of that name and length?
    pub(crate) fn is_in(&self, directory: &Path) -> bool {
        directory.join(self.name).metadata().is_ok_and(|meta| meta.is_file() && meta.len() == self.len)
    }
}
