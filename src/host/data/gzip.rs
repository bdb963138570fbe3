//! Compressed files, which are decompressed into memory. Only as much is decompressed as the IDX header announces.

use super::{DataError, SetError};
use crate::host::files::{Action, FileError};
use crate::image::idx::Idx;
use flate2::bufread::GzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

/// The first bytes of every archive.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The contents of an archive, of all its members. Zeros may follow them, as on a tape: for `flate2::MultiGzDecoder` they are an
/// error. The archive's own checksums and lengths are checked.
pub(crate) struct Decompressed<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Decompressed<R> {
    pub(crate) fn new(archive: R) -> Self {
        Self(Some(GzDecoder::new(archive)))
    }
}

impl<R: BufRead> Read for Decompressed<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let read = member.read(to)?;
            if read > 0 || to.is_empty() {
                return Ok(read);
            }
            let behind = member.get_mut();
            while let zeros @ 1.. = behind.fill_buf()?.iter().take_while(|&&byte| byte == 0).count() {
                behind.consume(zeros);
            }
            if behind.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.0 = self.0.take().map(|member| GzDecoder::new(member.into_inner()));
        }
        Ok(0)
    }
}

/// Whether a file is compressed: its name ends in `.gz`, and it does not begin as something else. (Some programs expand a file
/// that they fetch but keep its name.)
pub(crate) fn is_compressed(path: &Path) -> Result<bool, FileError> {
    if !is_named_gz(path) {
        return Ok(false);
    }
    let mut start = Vec::new();
    let file = File::open(path).map_err(FileError::io(Action::Open, path))?;
    file.take(MAGIC.len() as u64).read_to_end(&mut start).map_err(FileError::io(Action::Read, path))?;
    Ok(start.len() < MAGIC.len() || start == MAGIC)
}

pub(crate) fn is_named_gz(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// Reads the file of a data set from an archive.
pub(crate) fn open_decompressed(path: &Path) -> Result<Vec<u8>, DataError> {
    expand(path, File::open(path).map_err(FileError::io(Action::Open, path))?)
}

/// Expands an archive as if it were the file of a data set: for fuzzing.
///
/// # Errors
///
/// What is wrong with it.
#[doc(hidden)]
pub fn expand_bytes(archive: &[u8]) -> Result<Vec<u8>, DataError> {
    expand(Path::new("bytes.gz"), archive)
}

/// Decompresses an archive of an IDX file, and no more of it than its header announces.
fn expand(path: &Path, archive: impl Read) -> Result<Vec<u8>, DataError> {
    let failed = |error| DataError::Gzip { path: path.to_owned(), error };
    let mut contents = Decompressed::new(BufReader::with_capacity(1 << 16, archive));
    let mut bytes = Vec::new();
    contents.by_ref().take(Idx::MAX_HEADER_LEN as u64).read_to_end(&mut bytes).map_err(failed)?;
    let announced = Idx::file_len(&bytes).map_err(|error| SetError::Idx { path: path.to_owned(), error })?;
    // One more byte tells that there are too many.
    let rest = announced.saturating_add(1).saturating_sub(bytes.len() as u64);
    contents.take(rest).read_to_end(&mut bytes).map_err(|error| match error.kind() {
        ErrorKind::OutOfMemory => {
            FileError::Memory { bytes: usize::try_from(announced).unwrap_or(usize::MAX), error }.into()
        }
        _ => failed(error),
    })?;
    let found = bytes.len() as u64;
    if found == announced {
        return Ok(bytes);
    }
    let found = if found < announced { found.to_string() } else { "more".into() };
    let text = format!("its IDX header announces {announced} bytes, but there are {found}");
    Err(failed(io::Error::new(ErrorKind::InvalidData, text)))
}
