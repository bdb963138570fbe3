//! Atomic file writes: to a temporary file, which is synced and then renamed.
//!
//! A process locks its temporary files. The system drops the locks when the process ends, however it ends: so a file that
//! another process can lock is abandoned, and whoever next creates one in the same directory removes it.

use super::{Action, FileError};
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"))]
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Seek, Write as _};
use std::path::{Path, PathBuf, is_separator};
use tempfile::{Builder, NamedTempFile};

/// How the names of temporary files begin and end; between them are random characters.
const PREFIX: &str = ".twolayer-";
const SUFFIX: &str = ".tmp";

/// A directory to write files to. Directories that were created for it are removed on drop if they are still empty.
#[derive(Debug)]
pub(crate) struct OutputDirectory {
    pub(crate) path: PathBuf,
    /// The directories that were created, each after those that it is in.
    created: Vec<PathBuf>,
}

impl OutputDirectory {
    /// Opens a directory, creating it and its parents if need be.
    pub(crate) fn create(path: &Path) -> Result<Self, FileError> {
        let mut directory = Self { path: path.to_owned(), created: Vec::new() };
        directory.add(path)?;
        Ok(directory)
    }

    /// Creates a directory and its parents if need be. It is removed with this one if it is still empty.
    pub(crate) fn add(&mut self, path: &Path) -> Result<(), FileError> {
        let missing = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let mut missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        missing.reverse();
        self.created.append(&mut missing);
        fs::create_dir_all(path).map_err(FileError::io(Action::Create, path))
    }

    /// Refuses the file `found` if it is in the way of a new file of `len` bytes at `path`. A file of that path and length may be
    /// from an earlier run that was killed: [`persist_new`](Self::persist_new) compares its contents.
    pub(crate) fn refuse_other(found: PathBuf, path: &Path, len: u64) -> Result<(), FileError> {
        let may_be_same = found == path && found.metadata().is_ok_and(|meta| meta.is_file() && meta.len() == len);
        if may_be_same { Ok(()) } else { Err(FileError::Exists { path: found }) }
    }

    /// Creates a temporary file, to be renamed to `name` later.
    pub(crate) fn create_temporary(&self, name: &str) -> Result<NamedTempFile, FileError> {
        let path = self.path.join(name);
        let mut created = create_temporary(&path);
        // Another process may just have removed this directory because it was still empty.
        for _ in 0..10 {
            if created.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
                fs::create_dir_all(&self.path).map_err(FileError::io(Action::Create, &self.path))?;
                created = create_temporary(&path);
            }
        }
        created.map_err(FileError::io(Action::Write, &path))
    }

    /// Syncs a temporary file and renames it to `name`, replacing any file of that name.
    pub(crate) fn persist(&self, file: NamedTempFile, name: &str) -> Result<(), FileError> {
        let path = self.path.join(name);
        persist(file, &path).map_err(FileError::io(Action::Write, &path))
    }

    /// Syncs temporary files and renames them. A file that exists already is kept if it has the same contents, as that of
    /// an earlier run that was killed has; if it has others, none is renamed. If several processes write different contents
    /// to the same names, all but one fail at the first file.
    pub(crate) fn persist_new(&self, files: Vec<(&str, NamedTempFile)>) -> Result<(), FileError> {
        let files: Vec<_> = files.into_iter().map(|(name, file)| (self.path.join(name), file)).collect();
        for (path, file) in &files {
            file.as_file().sync_all().map_err(FileError::io(Action::Write, &self.path))?;
            if path.symlink_metadata().is_ok() && !has_contents_of(path, file.as_file()) {
                return Err(FileError::Exists { path: path.clone() });
            }
        }
        for (path, file) in files {
            match file.persist_noclobber(&path) {
                Ok(_) => sync_directory(&path),
                Err(refused) if refused.error.kind() != ErrorKind::AlreadyExists => {
                    return Err(FileError::io(Action::Write, &path)(refused.error));
                }
                Err(refused) if has_contents_of(&path, refused.file.as_file()) => {}
                Err(_) => return Err(FileError::Exists { path }),
            }
        }
        Ok(())
    }
}

impl Drop for OutputDirectory {
    fn drop(&mut self) {
        for directory in self.created.iter().rev() {
            // Fails if the directory is not empty.
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Whether the file at `path` has the same contents as an open one.
fn has_contents_of(path: &Path, mut open: &File) -> bool {
    let mut compare = || -> io::Result<bool> {
        open.rewind()?;
        let (mut a, mut b) = (BufReader::new(open), BufReader::new(File::open(path)?));
        loop {
            let (left, right) = (a.fill_buf()?, b.fill_buf()?);
            let len = left.len().min(right.len());
            if left.get(..len) != right.get(..len) || len == 0 {
                return Ok(left.is_empty() && right.is_empty());
            }
            a.consume(len);
            b.consume(len);
        }
    };
    path.is_file() && compare().unwrap_or(false)
}

/// Whether a file of that name is a temporary one.
fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes())
}

/// Removes the temporary files of killed processes from a directory.
fn remove_abandoned(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if is_temporary(&entry.file_name())
            && entry.file_type().is_ok_and(|it| it.is_file())
            && let Ok(file) = OpenOptions::new().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Writes a file atomically: to a temporary file beside `path`, which is synced and renamed. A device or a pipe is written
/// to directly.
pub(crate) fn write_atomically(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> Result<(), FileError> {
    stage(path, write)?.map_or(Ok(()), |replace| replace())
}

/// Writes several files like [`write_atomically`]; all of them are complete before the first is renamed.
pub(crate) fn write_all_atomically(files: &[(&Path, &[u8])]) -> Result<(), FileError> {
    let staged: Result<Vec<_>, _> =
        files.iter().map(|(path, bytes)| stage(path, |mut file| file.write_all(bytes))).collect();
    staged?.into_iter().flatten().try_for_each(|replace| replace())
}

/// Writes a temporary file beside `path`; what is returned renames it. `None` after writing to a device or a pipe.
fn stage(
    path: &Path,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> Result<Option<impl FnOnce() -> Result<(), FileError>>, FileError> {
    let Some(target) = resolve_target(path)? else {
        let opened = OpenOptions::new().write(true).open(path);
        return opened.and_then(|file| write(&file)).map(|()| None).map_err(FileError::io(Action::Write, path));
    };
    let file = create_temporary(&target).map_err(FileError::io(Action::Write, path))?;
    if let Ok(replaced) = target.metadata() {
        file.as_file().set_permissions(replaced.permissions()).map_err(FileError::io(Action::Write, path))?;
    }
    write(file.as_file()).map_err(FileError::io(Action::Write, path))?;
    Ok(Some(move || persist(file, &target).map_err(FileError::io(Action::Write, path))))
}

/// Space on a disk for a file that is written later. Dropping it frees the space, and so does the end of the process.
#[derive(Debug)]
#[must_use = "the space is freed when this is dropped"]
pub struct Reservation(#[expect(dead_code, reason = "only kept open")] Option<File>);

/// Checks that a file of `len` bytes can be written to `path`, and allocates the space for it.
pub(crate) fn reserve(path: &Path, len: u64) -> Result<Reservation, FileError> {
    let Some(target) = resolve_target(path)? else {
        return Ok(Reservation(None));
    };
    let room = create_temporary(&target).map(drop).and_then(|()| {
        // A file without a name, so that nothing is left of it.
        let file = tempfile::tempfile_in(parent_directory(&target))?;
        allocate(&file, len).map(|()| file)
    });
    Ok(Reservation(Some(room.map_err(FileError::io(Action::Write, path))?)))
}

/// Allocates the space of a file of `len` bytes. Where the file system cannot (NFS before 4.2, FAT on Linux), a full disk is
/// noticed when the file is written.
fn allocate(file: &File, len: u64) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"))]
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, len) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        result => Ok(result?),
    }
    // On Windows, this allocates the space too.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple")))]
    file.set_len(len)
}

/// The file to replace or create, with symbolic links followed; `None` if `path` is a device or a pipe, which is
/// written to directly.
fn resolve_target(path: &Path) -> Result<Option<PathBuf>, FileError> {
    let refused = |kind: ErrorKind| Err(FileError::io(Action::Write, path)(kind.into()));
    let slash = path.as_os_str().as_encoded_bytes().last().is_some_and(|&byte| is_separator(byte.into()));
    match path.metadata() {
        Ok(meta) if meta.is_dir() => refused(ErrorKind::IsADirectory),
        Ok(meta) if !meta.is_file() => Ok(None),
        Ok(meta) if meta.permissions().readonly() => refused(ErrorKind::PermissionDenied),
        Ok(_) => path.canonicalize().map(Some).map_err(FileError::io(Action::Write, path)),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(FileError::io(Action::Write, path)(error)),
        Err(_) if slash || path.file_name().is_none() => refused(ErrorKind::IsADirectory),
        // The target of a symbolic link need not exist yet.
        Err(_) => match path.read_link() {
            Ok(link) => resolve_target(&path.with_file_name(link)),
            Err(_) => Ok(Some(path.to_owned())),
        },
    }
}

/// Creates a temporary file in the parent directory of `path`, and removes those that killed processes left there.
fn create_temporary(path: &Path) -> io::Result<NamedTempFile> {
    let directory = parent_directory(path);
    remove_abandoned(directory);
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    loop {
        // Not by `tempfile_in`, whose files are for their owner alone and whose errors are not the system's.
        let create = |path: &Path| OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = builder.make_in(directory, create)?;
        // On a file system without locks, files are never taken for abandoned.
        let _ = file.as_file().lock();
        // Another process may have locked and removed it first.
        if file.path().exists() {
            return Ok(file);
        }
    }
}

/// Syncs a temporary file and renames it to `path`.
fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_directory(path);
    Ok(())
}

/// The parent directory of a path, `.` for a bare file name.
fn parent_directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs the parent directory, so that a rename survives a power failure. Errors are ignored.
fn sync_directory(path: &Path) {
    #[cfg(unix)]
    let _ = File::open(parent_directory(path)).and_then(|directory| directory.sync_all());
    #[cfg(not(unix))]
    let _ = path;
}
