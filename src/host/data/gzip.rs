//! Compressed files: decompressed once into the cache directory, or into memory if the cache cannot be written.
//!
//! A copy in the cache belongs to an archive of one path and one contents: when either changes, it is not used. Only IDX files
//! are kept, and only as much is decompressed as their header announces. Finding a copy costs one pass over the archive.

use super::{DataError, SetError, announced, cache};
use crate::host::files::{Action, Bytes, FileAccess, FileError, OutputDirectory};
use crate::image::idx::Idx;
use core::hash::Hasher;
use flate2::bufread::GzDecoder;
use std::fs::{self, File};
use std::hash::DefaultHasher;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, Write};
use std::path::Path;

/// The first bytes of every archive.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The number of bytes copied at a time.
const CHUNK: usize = 1 << 16;

/// Which end of a copy failed.
#[derive(Debug)]
pub(crate) enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// Copies all bytes, passes each piece to `inspect` once it is written, and returns the number of bytes.
pub(crate) fn copy(from: &mut dyn Read, to: &mut dyn Write, mut inspect: impl FnMut(&[u8])) -> Result<u64, CopyError> {
    let mut buffer = vec![0; CHUNK];
    let mut copied = 0;
    loop {
        let piece = match from.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(len) => buffer.get(..len).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        to.write_all(piece).map_err(CopyError::Write)?;
        inspect(piece);
        copied += piece.len() as u64;
    }
}

/// The contents of an archive, of all its members; zeros may follow them, as on a tape. The archive's own checksums and lengths
/// are checked.
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

/// Opens a compressed file decompressed: from the cache, where it is put first if it is not there.
pub(crate) fn open_decompressed(path: &Path, access: FileAccess) -> Result<Bytes, DataError> {
    let mut archive = File::open(path).map_err(FileError::io(Action::Open, path))?;
    let in_memory = |archive: &File| {
        let mut bytes = Vec::new();
        expand(path, archive, &mut bytes).map(|()| Bytes::Read(bytes))
    };
    let opened = open_cached(path, &archive, access).or_else(|error| match error {
        ExpandError::Write => {
            archive.rewind().map_err(|error| ExpandError::Archive(FileError::io(Action::Read, path)(error).into()))?;
            in_memory(&archive)
        }
        error @ ExpandError::Archive(_) => Err(error),
    });
    opened.map_err(|error| error.told(path))
}

enum ExpandError {
    /// The archive cannot be read, or is not that of an IDX file.
    Archive(DataError),
    /// There is no cache directory, or it cannot be written.
    Write,
}

impl ExpandError {
    /// The error of an archive that nothing could be done about.
    fn told(self, path: &Path) -> DataError {
        match self {
            Self::Archive(error) => error,
            Self::Write => DataError::Gzip { path: path.to_owned(), error: ErrorKind::OutOfMemory.into() },
        }
    }
}

fn open_cached(path: &Path, mut archive: &File, access: FileAccess) -> Result<Bytes, ExpandError> {
    let directory = cache::expanded().map_err(|_| ExpandError::Write)?;
    let [owner, contents] = cache_name(path, archive).map_err(ExpandError::Archive)?;
    let name = format!("{owner}{contents}");
    let target = directory.join(&name);
    if let Ok(bytes) = Bytes::open(&target, access, announced) {
        return Ok(bytes);
    }
    archive.rewind().map_err(|error| ExpandError::Archive(FileError::io(Action::Read, path)(error).into()))?;
    let output = OutputDirectory::create(&directory).map_err(|_| ExpandError::Write)?;
    let file = output.create_temporary(&name).map_err(|_| ExpandError::Write)?;
    expand(path, archive, &mut file.as_file())?;
    output.persist(file, &name).map_err(|_| ExpandError::Write)?;
    // What the archive held before is not needed any more.
    for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
        let found = entry.file_name();
        if found != name.as_str() && found.as_encoded_bytes().starts_with(owner.as_bytes()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Bytes::open(&target, access, announced).map_err(|_| ExpandError::Write)
}

/// Expands an archive in memory as if it were the file of a data set: for fuzzing.
///
/// # Errors
///
/// What is wrong with it.
#[doc(hidden)]
pub fn expand_bytes(archive: &[u8]) -> Result<Vec<u8>, DataError> {
    let (path, mut bytes) = (Path::new("bytes.gz"), Vec::new());
    expand(path, archive, &mut bytes).map_err(|error| error.told(path))?;
    Ok(bytes)
}

/// Decompresses an archive of an IDX file, and no more of it than its header announces.
fn expand(path: &Path, archive: impl Read, to: &mut dyn Write) -> Result<(), ExpandError> {
    let failed = |error| ExpandError::Archive(DataError::Gzip { path: path.to_owned(), error });
    let mut contents = Decompressed::new(BufReader::with_capacity(CHUNK, archive));
    let mut start = Vec::new();
    contents.by_ref().take(Idx::MAX_HEADER_LEN as u64).read_to_end(&mut start).map_err(failed)?;
    let idx_error = |error| ExpandError::Archive(SetError::Idx { path: path.to_owned(), error }.into());
    let announced = Idx::file_len(&start).map_err(idx_error)?;
    // One more byte tells that there are too many.
    let mut contents = start.as_slice().chain(contents).take(announced.saturating_add(1));
    let found = copy(&mut contents, to, |_| ()).map_err(|error| match error {
        CopyError::Read(error) => failed(error),
        CopyError::Write(_) => ExpandError::Write,
    })?;
    if found == announced {
        return Ok(());
    }
    let found = if found < announced { found.to_string() } else { "more".into() };
    let text = format!("its IDX header announces {announced} bytes, but there are {found}");
    Err(failed(io::Error::new(ErrorKind::InvalidData, text)))
}

/// The name of an archive's copy in the cache: what depends on its path, and what depends on its contents. (A CRC would not do:
/// that of an archive which holds its contents uncompressed, followed by their own CRC, is the same whatever they are.)
fn cache_name(path: &Path, mut archive: &File) -> Result<[String; 2], DataError> {
    let full = path.canonicalize().map_err(FileError::io(Action::Open, path))?;
    let [mut owner, mut contents] = [DefaultHasher::new(), DefaultHasher::new()];
    owner.write(full.as_os_str().as_encoded_bytes());
    copy(&mut archive, &mut io::sink(), |piece| contents.write(piece)).map_err(|error| match error {
        CopyError::Read(error) | CopyError::Write(error) => FileError::io(Action::Read, path)(error),
    })?;
    let stem = full.file_stem().unwrap_or_default().to_string_lossy();
    Ok([format!("{:016x}-", owner.finish()), format!("{:016x}-{stem}", contents.finish())])
}
