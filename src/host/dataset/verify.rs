//! Are files what they should be? Their SHA-256 tells.

use super::super::Error;
use super::existing;
use super::gzip::{CopyError, copy, reader};
use super::name::{File, Name};
use core::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

/// What one file of a data set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The name it should have.
    pub name: &'static str,
    /// What was found.
    pub state: State,
}

/// What was found in a file's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The file as it should be.
    Right,
    /// Another file.
    Changed {
        /// The file.
        path: PathBuf,
        /// The SHA-256 of its contents, expanded if it is compressed.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A compressed file that cannot be expanded.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing.
    Missing,
}

/// Compares the files of a directory, plain or compressed, with a data set's.
///
/// # Errors
///
/// When a file is there and cannot be read.
pub fn verify(directory: &Path, name: Name) -> Result<[Checked; 4], Error> {
    let check = |file: File| -> Result<Checked, Error> {
        let state = match existing(directory, file.name)? {
            None => State::Missing,
            Some(path) => match hash(&path)? {
                Ok(found) if found == file.sha256 => State::Right,
                Ok(found) => State::Changed { path, found, expected: file.sha256 },
                Err(error) => State::Damaged { path, why: error.to_string() },
            },
        };
        Ok(Checked { name: file.name, state })
    };
    let [a, b, c, d] = name.files().map(check);
    Ok([a?, b?, c?, d?])
}

/// Is a file of that name there and as it should be?
pub(crate) fn is_right(directory: &Path, file: &File) -> Result<bool, Error> {
    Ok(hash(&directory.join(file.name))?.is_ok_and(|found| found == file.sha256))
}

/// The SHA-256 of a file's contents, or why they cannot be expanded.
fn hash(path: &Path) -> Result<io::Result<String>, Error> {
    let mut digest = Digest::default();
    match copy(&mut reader(path)?, &mut io::sink(), |piece| digest.add(piece)) {
        Ok(_) => Ok(Ok(digest.hex())),
        Err(CopyError::From(error) | CopyError::To(error)) if error.raw_os_error().is_none() => Ok(Err(error)),
        Err(CopyError::From(error) | CopyError::To(error)) => Err(Error::io("read", path)(error)),
    }
}

/// A SHA-256 in the making.
#[derive(Clone, Default)]
pub(crate) struct Digest(sha2::Sha256);

impl Digest {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        sha2::Digest::update(&mut self.0, bytes);
    }

    pub(crate) fn hex(self) -> String {
        sha2::Digest::finalize(self.0).iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
