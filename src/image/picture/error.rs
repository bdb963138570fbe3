//! Why there is no picture, or no digit in it.

use super::Picture;
use crate::base::messages;

/// Why there is no picture, or no digit in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum PictureError {
    /// No pixels, or a side longer than [`Picture::MAX_SIDE`]: so many columns and rows.
    Size { width: u32, height: u32 },
    /// Rows that overlap: they start every `found` bytes, and have `expected` columns.
    Stride { found: u32, expected: u32 },
    /// Fewer bytes than the `expected` that the picture has pixels.
    Pixels { found: u64, expected: u64 },
    /// An input of so many numbers, which is no square of [`Picture::MIN_INPUT_SIDE`] to [`Picture::MAX_INPUT_SIDE`] pixels a
    /// side.
    Input { found: usize },
    /// Too little scratch, in words of 32 bits. [`Picture::scratch_len`] or [`Picture::digits_scratch_len`] tells the least.
    Scratch { found: usize, expected: usize },
    /// Nothing that stands out from the background: a contrast of so many levels, less than [`Picture::MIN_CONTRAST`].
    Blank { found: u8, expected: u8 },
    /// Something is in the picture, but no digit.
    NoDigit(NoDigit),
}

/// What is in a picture in place of a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum NoDigit {
    /// Noise, from which nothing stands out: a contrast of `found` levels, where it asks for `expected`, more than 255 where none
    /// will do.
    Noise { found: u8, expected: u16 },
    /// A filled shape, which no digit is: of 100 pixels of its box, `found` are ink, and `expected` at most.
    Filled { found: u8, expected: u8 },
    /// Ink that comes and goes with every few pixels, a screen or a checkerboard: `found` runs of ink in rows, of 100 pixels;
    /// `expected` are too many.
    Texture { found: u8, expected: u8 },
    /// Many things and none of them the digit: of 100 pixels of ink, `found` are in the largest blob, and `expected` at least.
    Scattered { found: u8, expected: u8 },
    /// A speck: the longer side of its box has `found` pixels, fewer than [`Picture::MIN_DIGIT`].
    Small { found: u32, expected: u32 },
}

messages! { PictureError:
    Self::Size { width, height } =>
        "a picture of {width} × {height} pixels; each side takes 1 to {}", Picture::MAX_SIDE;
    Self::Stride { found, expected } => "rows of {expected} pixels start every {found} bytes: they overlap";
    Self::Pixels { found, expected } => "pixel buffer has {found} bytes; expected at least {expected}";
    Self::Input { found } => "input buffer has {found} elements; expected the square of a side of {} to {}",
        Picture::MIN_INPUT_SIDE, Picture::MAX_INPUT_SIDE;
    Self::Scratch { found, expected } => "scratch has {found} words of 32 bits; expected at least {expected}";
    Self::Blank { found, expected } =>
        "the picture is blank: a contrast of {found} levels; a digit has {expected} or more";
    Self::NoDigit(reason) => "no digit found: {reason}";
}

messages! { NoDigit:
    Self::Noise { found, expected } =>
        "nothing stands out from the noise: a contrast of {found} levels, of at least {expected}; take a picture that is sharper or \
         has more light";
    Self::Filled { found, expected } =>
        "the ink is a filled shape, {found} % of its box, of at most {expected} %; show a digit and some of the paper around it";
    Self::Texture { found, expected } =>
        "the picture is a texture, with {found} runs of ink in 100 pixels where a digit has fewer than {expected}; take a picture of \
         plain paper, not of a screen or a pattern";
    Self::Scattered { found, expected } =>
        "the ink is scattered, and the largest blob has {found} % of it, of at least {expected} %; cut the picture so that it shows \
         one digit and some of the paper around it";
    Self::Small { found, expected } =>
        "the largest blob is a speck of {found} pixels, of at least {expected}; take a picture from nearer";
}

impl core::error::Error for PictureError {}

impl From<NoDigit> for PictureError {
    fn from(reason: NoDigit) -> Self {
        Self::NoDigit(reason)
    }
}
