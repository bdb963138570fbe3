//! A data set: training and test images with their labels, in four IDX files of one directory.

mod cache;
mod digit_files;
mod digits;
#[cfg(feature = "download")]
mod fetch;
mod gzip;
mod name;
#[cfg(feature = "download")]
mod verify;

pub use digit_files::Digits;
pub use digits::{digit, write_idx};
#[cfg(feature = "download")]
pub use fetch::{Fetch, Refusal};
pub use name::{Name, Source};
#[cfg(feature = "download")]
pub use verify::{Checked, State, verify};

use super::Error;
use super::bytes::Bytes;
use crate::idx::{Idx, IdxError, Images};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The names of the four files: images and labels to train on, images and labels to test with.
const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// What happens while files are fetched or made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A mirror is asked for a file.
    Asked {
        /// The file's address, without name and password.
        url: &'a str,
    },
    /// A mirror did not give a file; the next one is asked, if there is one.
    Refused {
        /// The file's address, without name and password.
        url: &'a str,
        /// What was wrong.
        reason: &'a str,
    },
    /// Bytes of the data set were written.
    Bytes {
        /// So many are there.
        done: u64,
        /// So many there will be.
        total: u64,
    },
}

/// Images to train on and images to test with.
#[derive(Debug)]
pub struct Dataset {
    /// What the weights are learnt from.
    pub train: Set,
    /// What the network is tested with, and never trained on.
    pub test: Set,
}

impl Dataset {
    /// Opens the four files of a directory: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and the same with
    /// `t10k`; a dot may stand for the second hyphen. Files that end in `.gz` are expanded into the cache directory,
    /// once; where that cannot be written to, into memory. `mmap` says whether files may be memory-mapped.
    ///
    /// # Errors
    ///
    /// When a file is missing, unreadable, not IDX, or the four do not belong together.
    pub fn open(directory: &Path, mmap: bool) -> Result<Self, Error> {
        check_directory(directory)?;
        let [a, b, c, d] = FILES.map(|name| Content::open(directory, name, mmap));
        Self::new([a?, b?, c?, d?])
    }

    /// Opens the test set alone, as [`open`](Self::open) does; the other two files need not be there.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), for two files.
    pub fn open_test(directory: &Path, mmap: bool) -> Result<Set, Error> {
        check_directory(directory)?;
        let [_, _, images, labels] = FILES;
        Set::new(Content::open(directory, images, mmap)?, Content::open(directory, labels, mmap)?)
    }

    /// The built-in digits, as many as MNIST has: 60,000 to train on, 10,000 to test with. They are made once and kept in the
    /// cache directory; where that cannot be written to, they are made in memory.
    ///
    /// # Errors
    ///
    /// When the cache holds something else under their name.
    pub fn digits(mmap: bool, report: &mut dyn FnMut(Progress<'_>)) -> Result<Self, Error> {
        match digit_files::cached(report) {
            Ok(directory) => Self::open(&directory, mmap),
            Err(_) => Self::made(Digits::default(), report),
        }
    }

    /// Built-in digits, made in memory.
    ///
    /// # Errors
    ///
    /// When none are asked for.
    pub fn made(digits: Digits, report: &mut dyn FnMut(Progress<'_>)) -> Result<Self, Error> {
        let mut names = FILES.into_iter().map(|name| PathBuf::from("built-in digits").join(name));
        let files = digits.in_memory(report)?;
        Self::new(files.map(|bytes| Content { path: names.next().unwrap_or_default(), bytes }))
    }

    fn new([train_images, train_labels, test_images, test_labels]: [Content; 4]) -> Result<Self, Error> {
        let train = Set::new(train_images, train_labels)?;
        let test = Set::new(test_images, test_labels)?;
        if test.pixels() != train.pixels() {
            return Err(Error::Pixels {
                path: test.images.path,
                found: test.pixels,
                expected: train.pixels,
                whose: "the training set",
            });
        }
        test.check_labels(train.classes(), "the training labels")?;
        Ok(Self { train, test })
    }
}

/// A file's path, as the user knows it, and its bytes, expanded.
#[derive(Debug)]
struct Content {
    path: PathBuf,
    bytes: Bytes,
}

impl Content {
    fn open(directory: &Path, name: &'static str, mmap: bool) -> Result<Self, Error> {
        let path = find(directory, name)?;
        let bytes = if gzip::is_gzip(&path) { gzip::expanded(&path, mmap)? } else { Bytes::open(&path, mmap)? };
        Ok(Self { path, bytes })
    }

    fn read<'a, T>(&'a self, view: impl FnOnce(&Idx<'a>) -> Result<T, IdxError>) -> Result<T, Error> {
        let view = Idx::parse(self.bytes.get()).and_then(|idx| view(&idx));
        view.map_err(|source| Error::Idx { path: self.path.clone(), source })
    }
}

/// Images and their labels.
#[derive(Debug)]
pub struct Set {
    images: Content,
    labels: Content,
    /// Pixels of one image.
    pixels: usize,
}

impl Set {
    fn new(images: Content, labels: Content) -> Result<Self, Error> {
        let (count, pixels) = images.read(Idx::images).map(|images| (images.count() as usize, images.pixels()))?;
        let labelled = labels.read(Idx::labels)?.len();
        if count != labelled {
            return Err(Error::Counts {
                images_path: images.path,
                images: count,
                labels_path: labels.path,
                labels: labelled,
            });
        }
        if count == 0 {
            return Err(Error::Empty { path: images.path });
        }
        Ok(Self { images, labels, pixels })
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels().len()
    }

    /// Never: a set of no images is an error.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixels of one image.
    #[must_use]
    pub const fn pixels(&self) -> usize {
        self.pixels
    }

    /// The file of images.
    #[must_use]
    pub fn images_path(&self) -> &Path {
        &self.images.path
    }

    /// Are the images memory-mapped?
    #[must_use]
    pub const fn is_mapped(&self) -> bool {
        self.images.bytes.is_mapped()
    }

    /// The classes that the labels show: the largest label and one more, at least 2.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.labels().iter().max().map_or(2, |&largest| usize::from(largest) + 1).max(2)
    }

    /// Do the images have `pixels` pixels, and are all labels below `classes`?
    pub(crate) fn check(&self, pixels: usize, classes: usize) -> Result<(), Error> {
        if self.pixels != pixels {
            let (path, found) = (self.images.path.clone(), self.pixels);
            return Err(Error::Pixels { path, found, expected: pixels, whose: "the network" });
        }
        self.check_labels(classes, "the network's classes")
    }

    /// Are all labels below `classes`, as it is with `whose`?
    fn check_labels(&self, classes: usize, whose: &'static str) -> Result<(), Error> {
        match self.labels().iter().enumerate().find(|&(_, &label)| usize::from(label) >= classes) {
            Some((sample, &found)) => {
                Err(Error::Label { path: self.labels.path.clone(), sample, found, classes, whose })
            }
            None => Ok(()),
        }
    }

    /// All pixels: `[images][pixels]`. Not for users of the crate: the bytes may be a map's.
    pub(crate) fn images(&self) -> &[u8] {
        Idx::parse(self.images.bytes.get()).and_then(|idx| idx.images()).map_or(&[], |images: Images<'_>| images.data())
    }

    /// One label for each image. Not for users of the crate: the bytes may be a map's.
    pub(crate) fn labels(&self) -> &[u8] {
        Idx::parse(self.labels.bytes.get()).and_then(|idx| idx.labels()).unwrap_or(&[])
    }
}

fn check_directory(directory: &Path) -> Result<(), Error> {
    match directory.metadata() {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => Err(Error::NoDirectory { path: directory.to_owned(), why: "is not a directory" }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Error::NoDirectory { path: directory.to_owned(), why: "does not exist" })
        }
        Err(error) => Err(Error::io("open", directory)(error)),
    }
}

/// The file of that name in one of its usual spellings, if there is one.
fn existing(directory: &Path, name: &str) -> Result<Option<PathBuf>, Error> {
    // Some archives spell it train-images.idx3-ubyte.
    let dotted = name.replacen("-idx", ".idx", 1);
    for name in [name, &dotted] {
        for path in [directory.join(name), directory.join(format!("{name}.gz"))] {
            if path.try_exists().map_err(Error::io("open", &path))? {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

/// The file of that name, which must be there.
fn find(directory: &Path, name: &'static str) -> Result<PathBuf, Error> {
    existing(directory, name)?.ok_or_else(|| Error::Missing { directory: directory.to_owned(), name })
}
