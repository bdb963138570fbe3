//! What can go wrong when networks are exchanged with other programs.

use crate::host::files::{FileError, printable};
use std::path::PathBuf;

/// Why a network cannot be imported or exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum ConvertError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Identifiers in C cannot begin with this prefix.
    #[error("names in C cannot begin with {found:?}: expected a letter, then letters, digits and underscores")]
    CName { found: String },
    /// A C file cannot have this name: it is that of the header, or one that C cannot include.
    #[error(
        "{} cannot be the name of a C file: expected an extension other than .h, and UTF-8 without quotes, backslashes, control \
         characters or ??",
        printable(path)
    )]
    CFile { path: PathBuf },
    /// A file of tensors, or several, cannot be used as a network.
    #[cfg(feature = "convert")]
    #[error("{path}: {}", shown(error))]
    Tensors { path: String, error: super::tensors::TensorError },
}

/// The message without control characters, but for the line feeds of a recipe, which is text of this crate.
#[cfg(feature = "convert")]
fn shown(error: &super::tensors::TensorError) -> String {
    match error {
        super::tensors::TensorError::Foreign { .. } => error.to_string(),
        other => printable(other.to_string()),
    }
}
