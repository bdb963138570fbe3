//! The cache directory, for files that can be fetched or generated again.

use super::super::Error;
use std::path::PathBuf;

/// `twolayer` in `$XDG_CACHE_HOME`, or else in the platform's cache directory (`~/.cache` on Linux).
pub(crate) fn directory() -> Result<PathBuf, Error> {
    let from_environment = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    Ok(from_environment.or_else(dirs::cache_dir).ok_or(Error::NoCache)?.join("twolayer"))
}
