//! What can go wrong when networks are exchanged with other programs.

use crate::host::files::FileError;
#[cfg(feature = "convert")]
use crate::host::files::printable;

/// Why a network cannot be imported or exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Identifiers in C cannot begin with this prefix.
    #[error("names in C cannot begin with {found:?}: expected a letter, then letters, digits and underscores")]
    CName {
        /// The prefix.
        found: String,
    },
    /// A file of tensors cannot be used as a network.
    #[cfg(feature = "convert")]
    #[error("{path}: {}", printable(error.to_string()))]
    Tensors {
        /// The file, or files.
        path: String,
        /// What is wrong with it.
        error: super::tensors::TensorError,
    },
}
