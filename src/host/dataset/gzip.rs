//! Compressed files, expanded once into the cache directory; or into memory, where there is no such directory.

use super::super::Error;
use super::super::bytes::Bytes;
use super::super::whole::Place;
use super::cache;
use crate::model::crc32;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Bytes copied at a time.
const CHUNK: usize = 1 << 16;

/// The two ends of a copy fail for different reasons.
#[derive(Debug)]
pub(crate) enum CopyError {
    From(io::Error),
    To(
        #[cfg_attr(not(feature = "download"), expect(dead_code, reason = "a cache that fails is done without"))]
        io::Error,
    ),
}

/// Copies everything, and shows each piece to `each`.
pub(crate) fn copy(from: &mut dyn Read, to: &mut dyn Write, mut each: impl FnMut(&[u8])) -> Result<u64, CopyError> {
    let mut buffer = vec![0; CHUNK];
    let mut copied = 0;
    loop {
        let piece = match from.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(len) => buffer.get(..len).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::From(error)),
        };
        to.write_all(piece).map_err(CopyError::To)?;
        each(piece);
        copied += piece.len() as u64;
    }
}

/// A file's contents: as they are, or expanded if its name ends in `.gz`. Nothing is kept.
pub(crate) fn reader(path: &Path) -> Result<Box<dyn Read>, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    Ok(if is_gzip(path) { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

pub(crate) fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// The expanded form of a `.gz` file: from the cache if it is there, made if not. A changed file is another one.
pub(crate) fn expanded(path: &Path, mmap: bool) -> Result<Bytes, Error> {
    match in_cache(path, mmap) {
        Err(CacheError::Cache) => {
            let mut bytes = Vec::new();
            reader(path)?.read_to_end(&mut bytes).map_err(Error::io("expand", path))?;
            Ok(Bytes::Read(bytes))
        }
        Err(CacheError::Archive(error)) => Err(error),
        Ok(bytes) => Ok(bytes),
    }
}

enum CacheError {
    /// There is no cache to write to.
    Cache,
    /// The archive cannot be expanded.
    Archive(Error),
}

fn in_cache(path: &Path, mmap: bool) -> Result<Bytes, CacheError> {
    let name = identity(path).map_err(CacheError::Archive)?;
    let directory = cache::directory().map_err(|_| CacheError::Cache)?.join("expanded");
    let target = directory.join(&name);
    if let Ok(bytes) = Bytes::open(&target, mmap) {
        return Ok(bytes);
    }
    let mut source = reader(path).map_err(CacheError::Archive)?;
    let place = Place::swept(&directory).map_err(|_| CacheError::Cache)?;
    let file = place.temporary(&name).map_err(|_| CacheError::Cache)?;
    // The decoder checks the archive's own CRC and length.
    copy(&mut source, &mut file.as_file(), |_| ()).map_err(|error| match error {
        CopyError::From(error) => CacheError::Archive(Error::io("expand", path)(error)),
        CopyError::To(_) => CacheError::Cache,
    })?;
    place.finish(file, &name).map_err(|_| CacheError::Cache)?;
    Bytes::open(&target, mmap).map_err(|_| CacheError::Cache)
}

/// A name for this state of a file: its full path, length and time of change, and what it is called.
fn identity(path: &Path) -> Result<String, Error> {
    let full = path.canonicalize().map_err(Error::io("open", path))?;
    let meta = full.metadata().map_err(Error::io("open", path))?;
    let changed = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let place = crc32(full.as_os_str().as_encoded_bytes());
    let called = full.file_stem().unwrap_or_default().to_string_lossy();
    Ok(format!("{place:08x}-{}-{}-{called}", meta.len(), changed.as_nanos()))
}
