//! A file's bytes: memory-mapped where possible, read into memory otherwise.

use super::{Action, FileError};
use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The least file length in bytes that is worth a memory map.
const MIN_MAPPED_LEN: u64 = 16 << 10;

/// The first bytes that tell how long a file is.
const START_LEN: u64 = 1024;

/// How to access a file's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileAccess {
    /// Memory-mapped where possible, read into memory otherwise.
    #[default]
    Map,
    /// Read into memory: for files that other processes may change during use. (One that is cut short while it is mapped ends
    /// the process: SIGBUS.)
    Read,
}

/// The bytes of one file. They must not leave the crate: see [`map`].
#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl Bytes {
    /// Opens a file. What is not a regular file, such as a pipe, may never end: of that, no more is read than `announced` says
    /// after its first bytes, [`START_LEN`] at most, and one more.
    pub(crate) fn open(path: &Path, access: FileAccess, announced: impl Fn(&[u8]) -> u64) -> Result<Self, FileError> {
        let mut file = File::open(path).map_err(FileError::io(Action::Open, path))?;
        let meta = file.metadata().map_err(FileError::io(Action::Open, path))?;
        if meta.is_dir() {
            return Err(FileError::io(Action::Read, path)(std::io::ErrorKind::IsADirectory.into()));
        }
        if access == FileAccess::Map
            && meta.is_file()
            && meta.len() >= MIN_MAPPED_LEN
            && let Ok(map) = map(&file)
        {
            return Ok(Self::Mapped(map));
        }
        let (mut bytes, start) = (Vec::new(), if meta.is_file() { u64::MAX } else { START_LEN });
        file.by_ref().take(start).read_to_end(&mut bytes).map_err(FileError::io(Action::Read, path))?;
        if !meta.is_file() {
            let rest = announced(&bytes).saturating_add(1).saturating_sub(START_LEN);
            file.take(rest).read_to_end(&mut bytes).map_err(FileError::io(Action::Read, path))?;
        }
        Ok(Self::Read(bytes))
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Read(bytes) => bytes,
        }
    }
}

/// Maps a whole file.
///
/// The map is safe if the system guarantees that the file does not change (sealed or fs-verity files). Otherwise
/// another process may write to the file, which changes the bytes of a borrowed `&[u8]`, or truncate it, and then
/// reading past the new end kills this process (SIGBUS). To limit the harm, the slice never leaves this crate, every
/// index into it is checked against the length of the map, and a pixel or label never serves as an unchecked index. For
/// files that other processes write to there is [`FileAccess::Read`].
#[expect(unsafe_code, reason = "mapping a file is unsafe; see above")]
fn map(file: &File) -> std::io::Result<Mmap> {
    let options = MmapOptions::new();
    if let Ok(map) = options.map_if_safe(file) {
        return Ok(map);
    }
    // SAFETY: data sets and models are not expected to change during use; where they may, the documentation of
    // `FileAccess` tells the caller to choose `Read`.
    unsafe { options.map(file) }
}
