//! Where this program keeps what it can get or make again.

use super::super::Error;
use std::path::PathBuf;

/// `twolayer` in `$XDG_CACHE_HOME`, or else in the platform's cache directory (`~/.cache` on Linux).
pub(crate) fn directory() -> Result<PathBuf, Error> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    Ok(named.or_else(dirs::cache_dir).ok_or(Error::NoCache)?.join("twolayer"))
}
