//! A file's bytes: memory-mapped where that can be had, read otherwise.

use super::Error;
use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Files below this many bytes are read: a map would cost more.
const SMALL: u64 = 16 << 10;

/// The bytes of one file. They stay within the crate: see [`map`].
#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl Bytes {
    /// Opens a file; `mmap` says whether it may be mapped.
    pub(crate) fn open(path: &Path, mmap: bool) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(Error::io("open", path))?;
        let meta = file.metadata().map_err(Error::io("open", path))?;
        if meta.is_dir() {
            return Err(Error::io("read", path)(std::io::ErrorKind::IsADirectory.into()));
        }
        if mmap
            && meta.is_file()
            && meta.len() >= SMALL
            && let Ok(map) = map(&file)
        {
            return Ok(Self::Mapped(map));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        Ok(Self::Read(bytes))
    }

    pub(crate) fn get(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Read(bytes) => bytes,
        }
    }

    /// Is the file mapped?
    pub(crate) const fn is_mapped(&self) -> bool {
        matches!(self, Self::Mapped(_))
    }
}

/// Maps a whole file.
///
/// Where the system can promise that nobody changes the file (sealed or fs-verity files) the map is safe. Elsewhere
/// another process may write to it, and the bytes of a `&[u8]` may then change while it is borrowed; or it may cut the
/// file, and reading beyond the cut kills this process (SIGBUS). What limits the harm: the slice never leaves this
/// crate; every index into it is checked against the map's own length; a pixel or label is read as a number that
/// cannot index anything unchecked. `--no-mmap` is for files that others write to.
#[expect(unsafe_code, reason = "a memory map is unsafe whatever one does; see above")]
fn map(file: &File) -> std::io::Result<Mmap> {
    let options = MmapOptions::new();
    if let Ok(map) = options.map_if_safe(file) {
        return Ok(map);
    }
    // SAFETY: as above: files of a data set or a model are not written to while they are read; where they are, the
    // user is told to read them instead.
    unsafe { options.map(file) }
}
