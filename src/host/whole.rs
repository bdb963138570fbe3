//! Files that come into being whole or not at all.

use super::Error;
use core::time::Duration;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::{Builder, NamedTempFile};

/// How names of temporary files begin.
const PREFIX: &str = ".twolayer-";

/// A temporary file that was not written to for so long belongs to nobody: its process was killed.
const STALE: Duration = Duration::from_secs(60 * 60);

/// A directory that files are written to. If it had to be made and no file came into it, it is gone in the end.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// The directories that were made, the outermost first.
    made: Vec<PathBuf>,
}

impl Place {
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        let missing = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let mut made: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        made.reverse();
        let place = Self { path: path.to_owned(), made };
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        Ok(place)
    }

    /// As [`new`](Self::new), and removes what killed processes left there.
    pub(crate) fn swept(path: &Path) -> Result<Self, Error> {
        let place = Self::new(path)?;
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            let ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
            if ours && entry.metadata().and_then(|meta| meta.modified()).is_ok_and(is_stale) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(place)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A temporary file that is to have that name.
    pub(crate) fn temporary(&self, name: &str) -> Result<NamedTempFile, Error> {
        let path = self.path.join(name);
        // Another process may just have removed the directory that it had made in vain.
        for _ in 0..10 {
            match temporary(&path) {
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(&self.path).map_err(Error::io("create", &self.path))?;
                }
                made_or_not => return made_or_not,
            }
        }
        temporary(&path)
    }

    /// Syncs a temporary file and gives it its name. Another process may have done the same a moment earlier.
    pub(crate) fn finish(&self, file: NamedTempFile, name: &str) -> Result<(), Error> {
        finish(file, &self.path.join(name))
    }

    /// Gives temporary files their names, which must be new. Of several processes that write the same names only one gets
    /// beyond the first.
    pub(crate) fn finish_new(&self, files: [(&str, NamedTempFile); 4]) -> Result<(), Error> {
        for (_, file) in &files {
            file.as_file().sync_all().map_err(Error::io("write", &self.path))?;
        }
        for (name, file) in files {
            let path = self.path.join(name);
            match file.persist_noclobber(&path) {
                Ok(_) => sync_directory(&path),
                Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(Error::Exists { path });
                }
                Err(refused) => return Err(Error::io("write", &path)(refused.error)),
            }
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for directory in self.made.iter().rev() {
            // Refused if anything is in it.
            let _ = fs::remove_dir(directory);
        }
    }
}

fn is_stale(changed: SystemTime) -> bool {
    changed.elapsed().is_ok_and(|age| age > STALE)
}

/// A temporary file in the directory where `path` is to be.
pub(crate) fn temporary(path: &Path) -> Result<NamedTempFile, Error> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    // As the system's umask has it, not for the owner alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // `tempfile` adds the temporary file's path, which tells nobody anything.
    builder.tempfile_in(directory(path)).map_err(|error| Error::io("write", path)(error.kind().into()))
}

/// Syncs a temporary file and gives it its name.
pub(crate) fn finish(file: NamedTempFile, path: &Path) -> Result<(), Error> {
    file.as_file().sync_all().map_err(Error::io("write", path))?;
    file.persist(path).map_err(|e| Error::io("write", path)(e.error))?;
    sync_directory(path);
    Ok(())
}

/// The directory that a file is in.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a file's new name outlast a loss of power, where the system can do that; the file is there in any case.
fn sync_directory(path: &Path) {
    #[cfg(unix)]
    let _ = fs::File::open(directory(path)).and_then(|directory| directory.sync_all());
    #[cfg(not(unix))]
    let _ = path;
}
