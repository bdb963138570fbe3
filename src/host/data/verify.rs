//! Verifies the files of a data set by their SHA-256.

use super::gzip::{Decompressed, is_compressed};
use super::name::{File, Name};
use super::{DataError, check_directory, find_file};
use crate::host::files::{Action, FileError};
use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// The result of verifying one file of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The file's standard name.
    pub name: &'static str,
    /// The state of the file.
    pub state: State,
}

/// The state of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum State {
    /// The SHA-256 is right.
    Intact,
    /// The SHA-256 of the contents (decompressed), in hexadecimal, is wrong.
    Changed { path: PathBuf, found: String, expected: &'static str },
    /// The file is compressed and cannot be decompressed.
    Damaged { path: PathBuf, reason: String },
    /// The file does not exist.
    Missing,
}

/// Compares the files in a directory, plain or compressed, with those of a data set.
///
/// # Errors
///
/// If a file exists but cannot be read.
pub fn verify(directory: &Path, name: Name) -> Result<[Checked; 4], FileError> {
    let check = |file: File| -> Result<Checked, FileError> {
        let state = match find_file(directory, file.name)? {
            None => State::Missing,
            Some(path) => match sha256(&path)? {
                Ok(found) if found == file.sha256 => State::Intact,
                Ok(found) => State::Changed { path, found, expected: file.sha256 },
                Err(error) => State::Damaged { path, reason: error.to_string() },
            },
        };
        Ok(Checked { name: file.name, state })
    };
    let [a, b, c, d] = name.files().map(check);
    Ok([a?, b?, c?, d?])
}

/// Verifies a directory against every named data set: the one that most of its files belong to, and what [`verify`] says of them.
///
/// # Errors
///
/// If there is no such directory, or a file exists but cannot be read.
pub fn identify(directory: &Path) -> Result<(Name, [Checked; 4]), DataError> {
    check_directory(directory)?;
    let (first, rest) = (Name::ALL[0], &Name::ALL[1..]);
    let mut best = (first, verify(directory, first)?);
    for &name in rest {
        let intact = |checked: &[Checked]| checked.iter().filter(|file| file.state == State::Intact).count();
        let checked = verify(directory, name)?;
        if intact(&checked) > intact(&best.1) {
            best = (name, checked);
        }
    }
    Ok(best)
}

/// Whether the file in the directory, plain or compressed, has the expected SHA-256.
pub(crate) fn sha256_matches(directory: &Path, file: &File) -> Result<bool, FileError> {
    let found = find_file(directory, file.name)?.map(|path| sha256(&path)).transpose()?;
    Ok(found.is_some_and(|found| found.is_ok_and(|found| found == file.sha256)))
}

/// The SHA-256 of a file's contents, or the inner error if they cannot be decompressed.
fn sha256(path: &Path) -> Result<io::Result<String>, FileError> {
    let mut digest = Digest::default();
    match io::copy(&mut open_reader(path)?, &mut digest) {
        Ok(_) => Ok(Ok(digest.hex())),
        Err(error) if error.raw_os_error().is_none() => Ok(Err(error)),
        Err(error) => Err(FileError::io(Action::Read, path)(error)),
    }
}

/// Opens a file to read its contents, which are decompressed on the fly if it is compressed.
fn open_reader(path: &Path) -> Result<Box<dyn Read>, FileError> {
    let file = BufReader::new(fs::File::open(path).map_err(FileError::io(Action::Open, path))?);
    Ok(if is_compressed(path)? { Box::new(Decompressed::new(file)) } else { Box::new(file) })
}

/// Computes a SHA-256.
#[derive(Clone, Default)]
pub(crate) struct Digest(sha2::Sha256);

impl io::Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Digest {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        sha2::Digest::update(&mut self.0, bytes);
    }
    pub(crate) fn hex(self) -> String {
        let bytes: Vec<_> = sha2::Digest::finalize(self.0).iter().map(|byte| format!("{byte:02x}")).collect();
        bytes.concat()
    }
}
