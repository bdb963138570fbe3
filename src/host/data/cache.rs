//! The cache directory, for files that can be fetched or generated again: a directory for each named data set, and one for
//! expanded copies of `.gz` files.

use super::DataError;
use crate::host::files::{Action, FileError, is_temporary, remove_abandoned};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// `twolayer` in `$XDG_CACHE_HOME`, or else in the platform's cache directory (`~/.cache` on Linux).
pub(crate) fn directory() -> Result<PathBuf, DataError> {
    let from_environment = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    Ok(from_environment.or_else(dirs::cache_dir).ok_or(DataError::NoCache)?.join("twolayer"))
}

/// The expanded copies of `.gz` files that opening data sets has left in the cache: one of each file, the latest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpandedCopies {
    /// Their directory. It need not exist.
    pub directory: PathBuf,
    /// Their number.
    pub files: usize,
    /// Their length in all, in bytes.
    pub bytes: u64,
}

impl ExpandedCopies {
    /// Counts the copies.
    ///
    /// # Errors
    ///
    /// If there is no cache directory, or it cannot be read.
    pub fn find() -> Result<Self, DataError> {
        Self::visit(|_| Ok(()))
    }

    /// Removes the copies and returns what they were. They are made again when they are needed.
    ///
    /// # Errors
    ///
    /// If there is no cache directory, or a copy cannot be removed.
    pub fn remove() -> Result<Self, DataError> {
        remove_abandoned(&expanded()?);
        Self::visit(|entry| fs::remove_file(entry.path()))
    }

    fn visit(visit: impl Fn(&fs::DirEntry) -> std::io::Result<()>) -> Result<Self, DataError> {
        let mut copies = Self { directory: expanded()?, files: 0, bytes: 0 };
        let entries = match fs::read_dir(&copies.directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(copies),
            entries => entries.map_err(FileError::io(Action::Read, &copies.directory))?,
        };
        for entry in entries.flatten().filter(|entry| !is_temporary(&entry.file_name())) {
            copies.bytes += entry.metadata().map_or(0, |meta| meta.len());
            visit(&entry).map_err(FileError::io(Action::Remove, &entry.path()))?;
            copies.files += 1;
        }
        Ok(copies)
    }
}

/// The directory of expanded copies.
pub(crate) fn expanded() -> Result<PathBuf, DataError> {
    Ok(directory()?.join("expanded"))
}
