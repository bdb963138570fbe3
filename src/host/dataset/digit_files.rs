//! The built-in digits as files: in the cache for `--data digits`, or anywhere, in any number.

use super::super::Error;
use super::super::bytes::Bytes;
use super::super::whole::Place;
use super::digits::{SIDE, write_idx};
use super::{FILES, Name, Progress, existing};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The cache's directory for them: another one when the generator is changed.
pub(crate) const DIRECTORY: &str = "digits-v1-seed1";

/// The SHA-256 of the files in it.
pub(crate) const SHA256: [&str; 4] = [
    "ee35ce0d3a49f6a834ab87ea79e3a1be6493afef27864512ed5e3a2693425606",
    "fa467d2a75b23146ce7a506905ed0bfaa340c3d7afa567c3278d3c14331a39cd",
    "9982e1ba726cdf05910a9a748514ea1f9dde35adc05501328e6336b29e9f70cd",
    "23f818036dfbb2ddf647e2b71db52f9ad360d72d934710bc38a7e195336fff0a",
];

/// Which digits: the training images are the first of the seed's sequence, the test images those that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digits {
    /// Another seed, other digits.
    pub seed: u64,
    /// How many to train on.
    pub train: u32,
    /// How many to test with.
    pub test: u32,
}

impl Default for Digits {
    /// As many as MNIST has, and the seed of the built-in data set.
    fn default() -> Self {
        Self { seed: 1, train: 60_000, test: 10_000 }
    }
}

impl Digits {
    /// Writes them to four IDX files in `directory`, which is made if need be. They take their names when all of them
    /// are written; memory stays flat, whatever their number.
    ///
    /// # Errors
    ///
    /// When a file of one of these names is there already, or the system refuses to write.
    pub fn write(self, directory: &Path, report: &mut dyn FnMut(Progress<'_>)) -> Result<(), Error> {
        for name in FILES {
            if let Some(path) = existing(directory, name)? {
                return Err(Error::Exists { path });
            }
        }
        let place = Place::new(directory)?;
        place.finish_new(self.temporary(&place, report)?)
    }

    /// The four files, without their names as yet.
    fn temporary(
        self,
        place: &Place,
        report: &mut dyn FnMut(Progress<'_>),
    ) -> Result<[(&'static str, NamedTempFile); 4], Error> {
        let files = FILES.map(|name| place.temporary(name).map(|file| (name, file)));
        let [train_images, train_labels, test_images, test_labels] = files;
        let files = [train_images?, train_labels?, test_images?, test_labels?];
        let sinks = files.each_ref().map(|(_, file)| file.as_file());
        self.pour(sinks, report).map_err(Error::io("write", place.path()))?;
        Ok(files)
    }

    /// Writes the four files to four sinks.
    fn pour<W: Write>(self, sinks: [W; 4], report: &mut dyn FnMut(Progress<'_>)) -> io::Result<()> {
        let total = (u64::from(self.train) + u64::from(self.test)) * (SIDE * SIDE) as u64;
        let mut done = 0;
        let mut count = |bytes: u64| {
            done += bytes;
            report(Progress::Bytes { done, total });
        };
        let [train_images, mut train_labels, test_images, mut test_labels] = sinks;
        write_idx(self.seed, 0, self.train, &mut Counted(train_images, &mut count), &mut train_labels)?;
        write_idx(self.seed, self.train, self.test, &mut Counted(test_images, &mut count), &mut test_labels)
    }

    /// The four files in memory: the images of a set, then its labels.
    pub(crate) fn in_memory(self, report: &mut dyn FnMut(Progress<'_>)) -> Result<[Bytes; 4], Error> {
        let mut files: [Vec<u8>; 4] = Default::default();
        self.pour(files.each_mut(), report).map_err(Error::io("make", Path::new(Name::Digits.title())))?;
        Ok(files.map(Bytes::Read))
    }
}

/// The directory of the built-in data set in the cache, made if it is not there.
pub(crate) fn cached(report: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, Error> {
    Name::Digits.locate()?.map_or_else(|| make(report), Ok)
}

/// Makes the built-in data set in the cache.
pub(crate) fn make(report: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, Error> {
    let directory = Name::Digits.cache()?;
    let place = Place::swept(&directory)?;
    let files = Digits::default().temporary(&place, report)?;
    files.into_iter().try_for_each(|(name, file)| place.finish(file, name))?;
    Ok(directory)
}

/// A sink that tells how many bytes go in.
struct Counted<'a, W>(W, &'a mut dyn FnMut(u64));

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        (self.1)(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
