//! The built-in digits as IDX files: the default set in the cache, or any number of digits in any directory.

use super::digits_idx::{threads, write_idx};
use super::write::refuse_others;
use super::{DataError, FILES, Name, Progress, file_lengths};
use crate::host::files::{Action, Bytes, FileError, OutputDirectory};
use crate::image::SIDE;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The name of their directory in the cache. Change it whenever the generator changes.
pub(crate) const DIRECTORY: &str = "digits-v1-seed1";

/// The SHA-256 of each file in [`DIRECTORY`], in hexadecimal.
pub(crate) const SHA256: [&str; 4] = [
    "ee35ce0d3a49f6a834ab87ea79e3a1be6493afef27864512ed5e3a2693425606",
    "fa467d2a75b23146ce7a506905ed0bfaa340c3d7afa567c3278d3c14331a39cd",
    "9982e1ba726cdf05910a9a748514ea1f9dde35adc05501328e6336b29e9f70cd",
    "23f818036dfbb2ddf647e2b71db52f9ad360d72d934710bc38a7e195336fff0a",
];

/// Which digits to generate: the sequence of `seed` begins with the training images, and the test images follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digits {
    /// The seed of the generator.
    pub seed: u64,
    /// The number of training images.
    pub train: u32,
    /// The number of test images.
    pub test: u32,
}

impl Default for Digits {
    /// The built-in data set: seed 1, 60,000 training and 10,000 test images, as in MNIST.
    fn default() -> Self {
        Self { seed: 1, train: 60_000, test: 10_000 }
    }
}

impl Digits {
    /// Generates the digits and writes them to four IDX files in `directory`, which is created if need be. The files
    /// are renamed to their final names once all of them are written; those of them that an earlier call, whose process was
    /// killed, has renamed already are kept. Memory use is constant.
    ///
    /// # Errors
    ///
    /// [`DataError::Digits`] if there are fewer digits than asked for, [`DataError::File`] if a file of one of these names exists
    /// already with other contents, or a file cannot be written.
    pub fn write(self, directory: &Path, report: &mut dyn FnMut(Progress<'_>)) -> Result<(), DataError> {
        self.check()?;
        let lengths = file_lengths([self.train.into(), self.test.into()], SIDE * SIDE);
        refuse_others(directory, lengths)?;
        let output = OutputDirectory::create(directory)?;
        Ok(output.persist_new(self.write_temporary(&output, report)?.into())?)
    }

    /// Checks that the sequence is long enough.
    fn check(self) -> Result<(), DataError> {
        let Self { train, test, .. } = self;
        train.checked_add(test).map(drop).ok_or(DataError::Digits { train, test })
    }

    /// Writes the four files under temporary names.
    fn write_temporary(
        self,
        output: &OutputDirectory,
        report: &mut dyn FnMut(Progress<'_>),
    ) -> Result<[(&'static str, NamedTempFile); 4], DataError> {
        let files = FILES.map(|name| output.create_temporary(name).map(|file| (name, file)));
        let [train_images, train_labels, test_images, test_labels] = files;
        let files = [train_images?, train_labels?, test_images?, test_labels?];
        let writers = files.each_ref().map(|(_, file)| file.as_file());
        self.write_to(writers, report).map_err(FileError::io(Action::Write, &output.path))?;
        Ok(files)
    }

    fn write_to<W: Write>(self, writers: [W; 4], report: &mut dyn FnMut(Progress<'_>)) -> io::Result<()> {
        let Self { seed, train, test } = self;
        let (mut done, total, pool) = (0, (u64::from(train) + u64::from(test)) * (SIDE * SIDE) as u64, threads());
        let [train_images, train_labels, test_images, test_labels] = writers;
        let sets = [(0..train, train_images, train_labels), (train..train + test, test_images, test_labels)];
        for (digits, mut images, mut labels) in sets {
            write_idx(pool.as_ref(), seed, digits, &mut images, &mut labels, &mut |bytes| {
                done += bytes as u64;
                report(Progress::Bytes { done, total });
            })?;
        }
        Ok(())
    }

    /// The four files in memory, in the order of [`FILES`].
    pub(crate) fn in_memory(self, report: &mut dyn FnMut(Progress<'_>)) -> Result<[Bytes; 4], DataError> {
        self.check()?;
        let mut files: [Vec<u8>; 4] = Default::default();
        // Writing to memory does not fail.
        let written = self.write_to(files.each_mut(), report);
        debug_assert!(written.is_ok(), "{written:?}");
        Ok(files.map(Bytes::Read))
    }
}

/// The directory of the built-in data set in the cache; generates the files if they are missing.
pub(crate) fn ensure_cached(report: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, DataError> {
    Name::Digits.locate()?.map_or_else(|| generate_in_cache(report), Ok)
}

/// Generates the built-in data set in the cache, replacing any files there, and returns its directory.
pub(crate) fn generate_in_cache(report: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, DataError> {
    let directory = Name::Digits.cache_directory()?;
    let output = OutputDirectory::create(&directory)?;
    let files = Digits::default().write_temporary(&output, report)?;
    files.into_iter().try_for_each(|(name, file)| output.persist(file, name))?;
    Ok(directory)
}
