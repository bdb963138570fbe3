//! Compressed files: decompressed once into the cache directory, or into memory if the cache cannot be written.

use super::super::atomic_write::OutputDirectory;
use super::super::bytes::{Bytes, FileAccess};
use super::super::{Action, Error};
use super::cache;
use crate::crc32;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// The number of bytes copied at a time.
const CHUNK: usize = 1 << 16;

/// Which end of a copy failed.
#[derive(Debug)]
pub(crate) enum CopyError {
    Read(io::Error),
    Write(
        #[cfg_attr(
            not(feature = "download"),
            expect(dead_code, reason = "if the cache cannot be written, it is not used")
        )]
        io::Error,
    ),
}

/// Copies all bytes, passes each piece to `inspect` once it is written, and returns the number of bytes.
pub(crate) fn copy(from: &mut dyn Read, to: &mut dyn Write, mut inspect: impl FnMut(&[u8])) -> Result<u64, CopyError> {
    let mut buffer = vec![0; CHUNK];
    let mut copied = 0;
    loop {
        let piece = match from.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(len) => buffer.get(..len).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        to.write_all(piece).map_err(CopyError::Write)?;
        inspect(piece);
        copied += piece.len() as u64;
    }
}

/// Opens a file to read its contents, which are decompressed on the fly if the name ends in `.gz`.
pub(crate) fn open_reader(path: &Path) -> Result<Box<dyn Read>, Error> {
    let file = File::open(path).map_err(Error::io(Action::Open, path))?;
    Ok(if is_gzip(path) { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

pub(crate) fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// Opens a `.gz` file decompressed: from the cache, where it is put first if it is not there. If the file changes, its
/// copy in the cache is not used any more.
pub(crate) fn open_decompressed(path: &Path, access: FileAccess) -> Result<Bytes, Error> {
    match open_cached(path, access) {
        Err(CacheError::Unavailable) => {
            let mut bytes = Vec::new();
            open_reader(path)?.read_to_end(&mut bytes).map_err(Error::io(Action::Decompress, path))?;
            Ok(Bytes::Read(bytes))
        }
        Err(CacheError::Archive(error)) => Err(error),
        Ok(bytes) => Ok(bytes),
    }
}

enum CacheError {
    /// There is no cache directory, or it cannot be written.
    Unavailable,
    /// The archive cannot be decompressed.
    Archive(Error),
}

fn open_cached(path: &Path, access: FileAccess) -> Result<Bytes, CacheError> {
    let name = cache_name(path).map_err(CacheError::Archive)?;
    let directory = cache::directory().map_err(|_| CacheError::Unavailable)?.join("expanded");
    let target = directory.join(&name);
    if let Ok(bytes) = Bytes::open(&target, access) {
        return Ok(bytes);
    }
    let mut source = open_reader(path).map_err(CacheError::Archive)?;
    let output = OutputDirectory::create(&directory).map_err(|_| CacheError::Unavailable)?;
    let file = output.create_temporary(&name).map_err(|_| CacheError::Unavailable)?;
    // The decoder checks the archive's own CRC and length.
    copy(&mut source, &mut file.as_file(), |_| ()).map_err(|error| match error {
        CopyError::Read(error) => CacheError::Archive(Error::io(Action::Decompress, path)(error)),
        CopyError::Write(_) => CacheError::Unavailable,
    })?;
    output.persist(file, &name).map_err(|_| CacheError::Unavailable)?;
    Bytes::open(&target, access).map_err(|_| CacheError::Unavailable)
}

/// The name of a file's decompressed copy in the cache, made from its path, length and modification time.
fn cache_name(path: &Path) -> Result<String, Error> {
    let full = path.canonicalize().map_err(Error::io(Action::Open, path))?;
    let meta = full.metadata().map_err(Error::io(Action::Open, path))?;
    let modified = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let path_crc = crc32(full.as_os_str().as_encoded_bytes());
    let stem = full.file_stem().unwrap_or_default().to_string_lossy();
    Ok(format!("{path_crc:08x}-{}-{}-{stem}", meta.len(), modified.as_nanos()))
}
