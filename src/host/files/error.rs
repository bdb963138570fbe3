//! What can go wrong with a file or with memory, and how text from outside appears in messages.

use crate::base::messages;
use crate::model::ModelError;
use crate::net::SizeError;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// A path, or any text from outside, for messages. Control characters, which a terminal would obey, are escaped, and so are the
/// separators and marks that would break a line or turn its order.
pub fn printable(text: impl AsRef<OsStr>) -> String {
    let mut printable = String::new();
    for letter in text.as_ref().to_string_lossy().chars() {
        if is_obeyed(letter) { printable.extend(letter.escape_default()) } else { printable.push(letter) }
    }
    printable
}

/// Whether a character does something instead of being shown.
#[must_use]
pub fn is_obeyed(letter: char) -> bool {
    // Separators of lines and paragraphs; marks, embeddings, overrides and isolates of direction; the mark of byte order.
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Why a file cannot be read or written, or memory cannot be allocated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum FileError {
    /// The system refused to read or write a file or a directory.
    #[error("cannot {action} {}: {error}{}", printable(path), remedy(*action, error.kind()))]
    Io { action: Action, path: PathBuf, error: io::Error },
    /// A file is not a valid model, or not one of the expected kind.
    #[error("{}: {error}", printable(path))]
    Model { path: PathBuf, error: ModelError },
    /// A file already exists and would be overwritten.
    #[error("{} already exists: choose another directory, or remove it first", printable(path))]
    Exists { path: PathBuf },
    /// The system refused so many bytes of memory.
    #[error("cannot allocate {bytes} bytes of memory: {error}")]
    Memory { bytes: usize, error: io::Error },
    /// No model has this size.
    #[error(transparent)]
    Size(#[from] SizeError),
}

impl FileError {
    /// Adds the action and the path to an error of the system.
    pub fn io(action: Action, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { action, path: path.to_owned(), error }
    }

    /// Adds the path to an error of a model.
    pub(super) fn model(path: &Path) -> impl Fn(ModelError) -> Self {
        |error| Self::Model { path: path.to_owned(), error }
    }
}

/// An action on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names explain themselves")]
pub enum Action {
    Open,
    Read,
    Write,
    Create,
}

messages! { Action:
    Self::Open => "open";
    Self::Read => "read";
    Self::Write => "write";
    Self::Create => "create";
}

/// A hint about what to do after an error of the system, where there is one.
const fn remedy(action: Action, kind: io::ErrorKind) -> &'static str {
    match (action, kind) {
        (Action::Write, io::ErrorKind::NotFound) => "; create its directory first",
        (_, io::ErrorKind::PermissionDenied) => "; check the permissions of the file and its directory",
        (_, io::ErrorKind::IsADirectory) => "; choose a file",
        (_, io::ErrorKind::NotADirectory) => "; a part of its path is a file, not a directory",
        (_, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => "; free some space, or choose another disk",
        (_, io::ErrorKind::ReadOnlyFilesystem) => "; choose another disk",
        _ => "",
    }
}
