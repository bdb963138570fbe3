//! What can go wrong with pictures: their files, and what is in them.

use super::{MAX_FILE_LEN, MAX_PIXELS};
use crate::host::files::{FileError, printable};
use crate::image::picture::{Picture, PictureError};
use std::path::PathBuf;

/// The longest text of a decoder in an error.
const MAX_REASON: usize = 100;

/// The formats that are read.
const FORMATS: &str = "PNG, JPEG, WebP, BMP, GIF, PGM or PPM";

/// Why there is no input for a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum GreyPictureError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not a picture, is damaged, or is too large.
    #[error("{}: {error}", printable(path))]
    Decode { path: PathBuf, error: PictureFileError },
    /// The picture has no digit in it, or has a wrong size.
    #[error("{}: {error}", printable(path))]
    NoDigit { path: PathBuf, error: PictureError },
}

/// Why a file cannot be decoded. Its path stands in [`GreyPictureError::Decode`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum PictureFileError {
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// The file is in a format that is not read here, and that a command converts.
    #[error("this is a {format} file; expected {FORMATS}: convert it first, for example with `{command}`")]
    Foreign { format: &'static str, command: &'static str },
    /// The file is in none of the formats. It begins with these bytes, up to 8.
    #[error(
        "unknown picture format: the file begins with \"{}\"; expected {FORMATS}: convert it first",
        found.escape_ascii()
    )]
    Unknown { found: Vec<u8> },
    /// The file has more than 2²⁸ bytes.
    #[error("the file is longer than {} MiB: make the picture smaller", MAX_FILE_LEN >> 20)]
    Long,
    /// A side is not 1 to [`Picture::MAX_SIDE`], or there are more than 2²⁶ pixels.
    #[error(
        "a picture of {width} × {height} pixels; expected sides of 1 to {} and at most {MAX_PIXELS} pixels: make it smaller, or \
         crop it",
        Picture::MAX_SIDE
    )]
    Size { width: u32, height: u32 },
    /// The file is truncated, or a part of it violates its format, PNG, JPEG, WebP, BMP, GIF or PNM, as the decoder says.
    #[error("the {format} file is damaged or truncated: {reason}; save or copy it again")]
    Damaged { format: &'static str, reason: String },
    /// Out of memory: so many bytes were asked for.
    #[error("cannot allocate {bytes} bytes of memory: make the picture smaller")]
    Memory { bytes: usize },
}

impl PictureFileError {
    /// What a decoder says, in one line.
    #[expect(clippy::needless_pass_by_value, reason = "for `map_err` and `format!`")]
    pub(super) fn damaged(format: &'static str, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        let line: String = reason.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_REASON).collect();
        Self::Damaged { format, reason: line.trim_end_matches('.').to_owned() }
    }
}
