//! Data sets in any form: finds out what a path holds, and opens it.

use super::locate::{Place, locate, subdirectories};
use super::{DataError, Dataset, HoldOut, Name, Set, SetError, SourceError, classes, csv};
use crate::host::files::{Action, FileAccess, FileError, printable};
use core::fmt::Write;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A data set by name or by path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// A named data set.
    Named(Name),
    /// A directory or a file. [`open`](Self::open) says what it may hold.
    Path(PathBuf),
}

/// How a source is read. The default is as for a new network: a training set and a test set, as they are.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Reading {
    /// How IDX files are accessed.
    pub access: FileAccess,
    /// The part of the training images that is the test set. A test set of the source is not read then.
    pub hold_out: Option<HoldOut>,
    /// Pictures in class folders all have the network's size and are light on dark: their pixels are taken as they are, and not
    /// searched for a digit.
    pub as_is: bool,
    /// Dark ink on light. Every pixel `p` becomes `255 − p`; pictures that are searched for a digit are searched for a dark one.
    pub invert: bool,
    /// Rows of pixels become columns.
    pub transpose: bool,
    /// The side of the square that pictures become, in pixels.
    pub side: u32,
    /// Where the labels of CSV files are, if it is known.
    pub label_column: Option<LabelColumn>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            access: FileAccess::Map,
            hold_out: None,
            as_is: false,
            invert: false,
            transpose: false,
            side: 28,
            label_column: None,
        }
    }
}

impl Reading {
    /// Does with a data set that is open what is done with one that is read: holds out, transposes and inverts.
    ///
    /// # Errors
    ///
    /// As those of [`Dataset::held_out`] and [`Dataset::transposed`].
    pub fn applied(&self, dataset: Dataset) -> Result<Dataset, SetError> {
        let dataset = match self.hold_out {
            Some(part) => dataset.held_out(part)?,
            None => dataset,
        };
        let dataset = if self.transpose { dataset.transposed()? } else { dataset };
        Ok(if self.invert { dataset.inverted() } else { dataset })
    }
}

/// The column of a CSV file that has the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelColumn {
    /// The first.
    First,
    /// The last.
    Last,
}

/// An open data set, or its test set only.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened<T = Dataset> {
    /// The images and labels.
    pub dataset: T,
    /// The path that was read.
    pub path: PathBuf,
    /// What was found and decided, such as `class folders, 10 classes`; nothing for four IDX files just where they were said to be.
    pub found: Option<String>,
}

/// Which sets are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Both,
    /// The training set, a part of which is tested on.
    Train,
    Test,
}

impl Need {
    pub(super) fn train(self) -> bool {
        self != Self::Test
    }

    pub(super) fn test(self) -> bool {
        self != Self::Train
    }
}

/// What a source gave.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) train: Option<Set>,
    pub(super) test: Option<Set>,
    /// What kind of source it is, and what was decided; empty where that goes without saying.
    pub(super) what: String,
    /// What the source has besides.
    pub(super) unused: Option<PathBuf>,
    /// Inversion is done.
    pub(super) inverted: bool,
}

impl DataSource {
    /// Parses the name of a data set (`mnist`, `fashion` or `digits`); any other text is taken as a path. For a directory called
    /// `mnist`, write `./mnist`.
    pub fn parse(text: impl AsRef<OsStr>) -> Self {
        let text = text.as_ref();
        Name::ALL.into_iter().find(|name| text == name.id()).map_or_else(|| Self::Path(text.into()), Self::Named)
    }

    /// Opens a training set and a test set:
    /// - of a name: its files in `$MNIST_DIR` or the cache, or generated;
    /// - of a directory: four IDX files in it, or below it where torchvision and Kaggle put them; `train.csv` and
    ///   `test.csv`, or with the same before both, as `mnist_train.csv`; folders `train` and `test` of class folders, or class folders; with
    ///   pictures in them;
    /// - of a file: one of four IDX files; CSV with a label and pixels in each line; an `.npz` of Keras or `MedMNIST`;
    /// - of a prefix, `DIR/emnist-letters`: four IDX files whose names begin with it.
    ///
    /// Nothing is left out: what cannot be read is an error, which names it.
    ///
    /// ```
    /// use twolayer::host::dataset::{DataSource, HoldOut, Reading};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("mine.csv");
    /// std::fs::write(&path, "label,a,b,c,d\n0,1,2,3,4\n1,5,6,7,8\n0,1,2,3,4\n1,5,6,7,8\n")?;
    /// let mut how = Reading::default();
    /// how.hold_out = Some(HoldOut::Percent(50));
    /// let opened = DataSource::parse(&path).open(&how)?;
    /// assert_eq!((opened.dataset.train.len(), opened.dataset.test.len()), (2, 2));
    /// let found = "CSV with the label in the first column (by the header), 2 classes";
    /// assert_eq!(opened.found.as_deref(), Some(found));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`DataError::Source`] if the path holds nothing of these, or what it holds is wrong; [`SourceError::NoTest`] if there is no
    /// test set and `how.hold_out` says nothing; else as [`Dataset::open`].
    pub fn open(&self, how: &Reading) -> Result<Opened, DataError> {
        let need = if how.hold_out.is_some() { Need::Train } else { Need::Both };
        let (parts, path) = self.parts(how, need)?;
        let found = parts.found(&path);
        let Parts { train: Some(train), test, inverted, .. } = parts else { return Err(nothing(&path)) };
        let dataset = match (how.hold_out, test) {
            (Some(part), _) => part.split(&train).and_then(|(train, test)| Dataset::of(train, test))?,
            (None, Some(test)) => Dataset::of(train, test)?,
            (None, None) => return Err(nothing(&path)),
        };
        let how = Reading { hold_out: None, invert: how.invert && !inverted, ..*how };
        Ok(Opened { dataset: how.applied(dataset)?, path, found })
    }

    /// Opens the test set only, or what is held out in its place; the training set need not be there. To test on all of a source
    /// without a test set, hold out 100 percent.
    ///
    /// # Errors
    ///
    /// As those of [`open`](Self::open).
    pub fn open_test(&self, how: &Reading) -> Result<Opened<Set>, DataError> {
        let need = if how.hold_out.is_some() { Need::Train } else { Need::Test };
        let (parts, path) = self.parts(how, need)?;
        let found = parts.found(&path);
        let set = match (how.hold_out, parts.train, parts.test) {
            (Some(part), Some(train), _) => part.test_of(train)?,
            (None, _, Some(test)) => test,
            _ => return Err(nothing(&path)),
        };
        let set = if how.transpose { set.transposed()? } else { set };
        let dataset = if how.invert && !parts.inverted { set.inverted() } else { set };
        Ok(Opened { dataset, path, found })
    }

    fn parts(&self, how: &Reading, need: Need) -> Result<(Parts, PathBuf), DataError> {
        let path = match self {
            Self::Path(path) => path.clone(),
            Self::Named(name) => {
                let directory = if need == Need::Test { name.locate_test()? } else { name.locate()? };
                match directory {
                    Some(directory) => directory,
                    None if *name == Name::Digits => {
                        let Dataset { train, test } = Dataset::digits(how.access, &mut |_| ())?;
                        let parts = Parts { train: Some(train), test: Some(test), ..Parts::default() };
                        return Ok((parts, name.id().into()));
                    }
                    None => {
                        let what = format!("{} is not in the cache: fetch it first", name.title());
                        return Err(SourceError::Contents { path: name.id().into(), what }.into());
                    }
                }
            }
        };
        Ok((read(&path, how, need)?, path))
    }
}

/// A reader that gave less than it was asked for, which none does.
fn nothing(path: &Path) -> DataError {
    SourceError::NoTest { path: path.to_owned(), instead: None }.into()
}

/// Finds out what a path holds, and reads it.
fn read(path: &Path, how: &Reading, need: Need) -> Result<Parts, DataError> {
    if let Some(place) = locate(path)? {
        return read_idx(&place, path, how, need);
    }
    let meta = match path.metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(DataError::NoDirectory { path: path.to_owned(), exists: false });
        }
        Err(error) => return Err(FileError::io(Action::Open, path)(error).into()),
    };
    if meta.is_dir() {
        if let Some(pair) = csv::pair(path) {
            return csv::read_pair(pair, how, need);
        }
        if !subdirectories(path)?.is_empty() {
            return read_folders(path, how, need);
        }
        if let Some(what) = lying_open(path)? {
            return Err(SourceError::Unknown { path: path.to_owned(), what }.into());
        }
        // What MNIST's users expect.
        return Err(super::missing(path, "", super::FILES[if need.train() { 0 } else { 2 }]));
    }
    if csv::is_csv(path) {
        return csv::read_file(path, how, need);
    }
    let mut start = Vec::new();
    let file = File::open(path).map_err(FileError::io(Action::Open, path))?;
    // Not of a pipe, which may give nothing.
    if meta.is_file() {
        file.take(4).read_to_end(&mut start).map_err(FileError::io(Action::Read, path))?;
    }
    if start == *b"PK\x03\x04" || path.extension().is_some_and(|it| it.eq_ignore_ascii_case("npz")) {
        return read_npz(path, need);
    }
    let what = format!("it begins with \"{}\"", start.escape_ascii());
    Err(SourceError::Unknown { path: path.to_owned(), what }.into())
}

/// What lies in a directory that could be a data set, but in another order.
fn lying_open(directory: &Path) -> Result<Option<String>, FileError> {
    let entries = std::fs::read_dir(directory).map_err(FileError::io(Action::Open, directory))?;
    let names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let has = |ends: &[&str]| names.iter().any(|name| ends.iter().any(|end| name.to_lowercase().ends_with(end)));
    Ok(if has(&[".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".pgm", ".ppm"]) {
        Some("it has pictures, but they are in no folders named after their classes".into())
    } else if has(&[".csv", ".csv.gz", ".npz"]) {
        Some("it has .csv or .npz files, of which none is named train.csv or test.csv: give the path of one".into())
    } else {
        None
    })
}

fn read_idx(place: &Place, path: &Path, how: &Reading, need: Need) -> Result<Parts, DataError> {
    let mut parts = Parts::default();
    let names = classes::beside(place)?;
    if need.train() {
        parts.train = Some(Set::open(place, 0, how.access)?.named(names.clone())?);
    }
    if need.test() {
        parts.test = Some(Set::open(place, 2, how.access)?.named(names)?);
    }
    if place.is_elsewhere(path) {
        parts.what = "IDX files".into();
    }
    if place.prefix.starts_with("emnist") {
        parts.what += if how.transpose { " of EMNIST" } else { " of EMNIST, transposed as they are published" };
    }
    Ok(parts)
}

#[cfg(feature = "pictures")]
fn read_folders(path: &Path, how: &Reading, need: Need) -> Result<Parts, DataError> {
    super::folders::read(path, how, need)
}

#[cfg(not(feature = "pictures"))]
fn read_folders(path: &Path, _: &Reading, _: Need) -> Result<Parts, DataError> {
    let what = "class folders need the feature `pictures`, which this program was built without".into();
    Err(SourceError::Contents { path: path.to_owned(), what }.into())
}

#[cfg(feature = "convert")]
fn read_npz(path: &Path, need: Need) -> Result<Parts, DataError> {
    super::npz::read(path, need)
}

#[cfg(not(feature = "convert"))]
fn read_npz(path: &Path, _: Need) -> Result<Parts, DataError> {
    let what = ".npz files need the feature `convert`, which this program was built without".into();
    Err(SourceError::Contents { path: path.to_owned(), what }.into())
}

impl Parts {
    /// What was found, in words.
    fn found(&self, path: &Path) -> Option<String> {
        if self.what.is_empty() {
            return None;
        }
        let mut text = self.what.clone();
        if let Some(set) = self.train.as_ref().or(self.test.as_ref()) {
            let _ = write!(text, ", {} classes", set.classes() - set.absent_classes().len());
        }
        if let Some(unused) = &self.unused {
            let unused = unused.strip_prefix(path).unwrap_or(unused);
            let _ = write!(text, "; {} is not used", printable(unused));
        }
        Some(text)
    }
}
