//! Atomic file writes: to a temporary file, which is synced and then renamed.

use super::{Action, Error};
use core::time::Duration;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf, is_separator};
use std::time::SystemTime;
use tempfile::{Builder, NamedTempFile};

/// The prefix of the names of temporary files.
const PREFIX: &str = ".twolayer-";

/// The age after which a temporary file is taken for the remains of a killed process.
const STALE_AFTER: Duration = Duration::from_secs(60 * 60);

/// A directory to write files to. Directories that were created for it are removed on drop if they are still empty.
#[derive(Debug)]
pub(crate) struct OutputDirectory {
    path: PathBuf,
    /// The directories that were created, outermost first.
    created: Vec<PathBuf>,
}

impl OutputDirectory {
    /// Opens a directory, creating it and its parents if need be.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let missing = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let mut created: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        created.reverse();
        let directory = Self { path: path.to_owned(), created };
        fs::create_dir_all(path).map_err(Error::io(Action::Create, path))?;
        Ok(directory)
    }

    /// Like [`create`](Self::create); also removes the temporary files of killed processes.
    pub(crate) fn create_and_clean(path: &Path) -> Result<Self, Error> {
        let directory = Self::create(path)?;
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            let ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
            if ours && entry.metadata().and_then(|meta| meta.modified()).is_ok_and(is_stale) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates a temporary file, to be renamed to `name` later.
    pub(crate) fn create_temporary(&self, name: &str) -> Result<NamedTempFile, Error> {
        let path = self.path.join(name);
        // Another process may just have removed this directory because it was still empty.
        for _ in 0..10 {
            match create_temporary(&path) {
                Err(Error::Io { error, .. }) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir_all(&self.path).map_err(Error::io(Action::Create, &self.path))?;
                }
                result => return result,
            }
        }
        create_temporary(&path)
    }

    /// Syncs a temporary file and renames it to `name`, replacing any file of that name.
    pub(crate) fn persist(&self, file: NamedTempFile, name: &str) -> Result<(), Error> {
        persist(file, &self.path.join(name))
    }

    /// Syncs temporary files and renames them; fails if a name is taken. If several processes write the same names, all
    /// but one fail at the first file.
    pub(crate) fn persist_new(&self, files: [(&str, NamedTempFile); 4]) -> Result<(), Error> {
        for (_, file) in &files {
            file.as_file().sync_all().map_err(Error::io(Action::Write, &self.path))?;
        }
        for (name, file) in files {
            let path = self.path.join(name);
            match file.persist_noclobber(&path) {
                Ok(_) => sync_directory(&path),
                Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                    return Err(Error::Exists { path });
                }
                Err(error) => return Err(Error::io(Action::Write, &path)(error.error)),
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

fn is_stale(modified: SystemTime) -> bool {
    modified.elapsed().is_ok_and(|age| age > STALE_AFTER)
}

/// Writes a file atomically: to a temporary file beside `path`, which is synced and renamed. A device or a pipe is written
/// to directly.
pub(crate) fn write_atomically(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> Result<(), Error> {
    stage(path, write)?.map_or(Ok(()), Staged::persist)
}

/// Writes several files like [`write_atomically`]; all of them are complete before the first is renamed.
pub(crate) fn write_all_atomically(files: &[(&Path, &[u8])]) -> Result<(), Error> {
    let staged: Result<Vec<_>, _> =
        files.iter().map(|(path, bytes)| stage(path, |mut file| file.write_all(bytes))).collect();
    staged?.into_iter().flatten().try_for_each(Staged::persist)
}

/// A complete temporary file.
struct Staged<'a> {
    file: NamedTempFile,
    target: PathBuf,
    /// The target as the caller named it.
    path: &'a Path,
}

impl Staged<'_> {
    /// Replaces the target.
    fn persist(self) -> Result<(), Error> {
        persist(self.file, &self.target).map_err(with_path(self.path))
    }
}

/// Writes a temporary file beside `path`; `None` after writing to a device or a pipe.
fn stage(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> Result<Option<Staged<'_>>, Error> {
    let Some(target) = resolve_target(path)? else {
        let opened = OpenOptions::new().write(true).open(path);
        return opened.and_then(|file| write(&file)).map(|()| None).map_err(Error::io(Action::Write, path));
    };
    let file = create_temporary(&target).map_err(with_path(path))?;
    if let Ok(replaced) = target.metadata() {
        file.as_file().set_permissions(replaced.permissions()).map_err(Error::io(Action::Write, path))?;
    }
    write(file.as_file()).map_err(Error::io(Action::Write, path))?;
    Ok(Some(Staged { file, target, path }))
}

/// Checks that a file can be written to `path`, by creating a temporary file.
pub(crate) fn check_writable(path: &Path) -> Result<(), Error> {
    match resolve_target(path)? {
        Some(target) => create_temporary(&target).map(drop).map_err(with_path(path)),
        None => Ok(()),
    }
}

/// The file to replace or create, with symbolic links followed; `None` if `path` is a device or a pipe, which is
/// written to directly.
fn resolve_target(path: &Path) -> Result<Option<PathBuf>, Error> {
    let refused = |kind: ErrorKind| Err(Error::io(Action::Write, path)(kind.into()));
    let slash = path.as_os_str().as_encoded_bytes().last().is_some_and(|&byte| is_separator(byte.into()));
    match path.metadata() {
        Ok(meta) if meta.is_dir() => refused(ErrorKind::IsADirectory),
        Ok(meta) if !meta.is_file() => Ok(None),
        Ok(meta) if meta.permissions().readonly() => refused(ErrorKind::PermissionDenied),
        Ok(_) => path.canonicalize().map(Some).map_err(Error::io(Action::Write, path)),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(Action::Write, path)(error)),
        Err(_) if slash || path.file_name().is_none() => refused(ErrorKind::IsADirectory),
        // The target of a symbolic link need not exist yet.
        Err(_) => match path.read_link() {
            Ok(link) => resolve_target(&path.with_file_name(link)),
            Err(_) => Ok(Some(path.to_owned())),
        },
    }
}

/// Replaces the path in an error by the one that the caller gave.
fn with_path(path: &Path) -> impl FnOnce(Error) -> Error {
    |error| match error {
        Error::Io { action, error, .. } => Error::io(action, path)(error),
        other => other,
    }
}

/// Creates a temporary file in the parent directory of `path`.
pub(crate) fn create_temporary(path: &Path) -> Result<NamedTempFile, Error> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    // Permissions by the umask; the default of `tempfile` is the owner alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // Drops the path of the temporary file, which `tempfile` adds to the error.
    builder.tempfile_in(parent_directory(path)).map_err(|error| Error::io(Action::Write, path)(error.kind().into()))
}

/// Syncs a temporary file and renames it to `path`.
pub(crate) fn persist(file: NamedTempFile, path: &Path) -> Result<(), Error> {
    file.as_file().sync_all().map_err(Error::io(Action::Write, path))?;
    file.persist(path).map_err(|e| Error::io(Action::Write, path)(e.error))?;
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
