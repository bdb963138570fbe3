//! Why bytes are not the payload of a quantised network.

use crate::base::messages;
use crate::net::SizeError;

/// Why bytes are not the payload of a quantised network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum PayloadError {
    /// The shape has biases, or deslants or halves its images, where a plain network is asked for.
    NotPlain,
    /// The sizes are not those of a quantised network.
    Size(SizeError),
    /// The payload is not as long as the shape asks for, in bytes.
    Length { found: usize, expected: usize },
    /// The payload starts at an address from which weights cannot be read: not at a multiple of `expected`.
    Misaligned { expected: usize },
    /// The shift, byte 0 of the payload, is not 1 to 24.
    Shift { found: u8 },
    /// Bytes 1 to 15 of the payload are not all zero.
    Prologue,
    /// A bias is beyond ±2²³. Its index is the place among the biases: hidden units in whole tiles, then outputs.
    Bias { index: usize, found: i32 },
}

messages! { PayloadError:
    Self::NotPlain => "the network has biases, or deslants or halves its images: open it as a general one";
    Self::Size(error) => "{error}";
    Self::Length { found, expected } => "{found} bytes of weights; expected {expected}";
    Self::Misaligned { expected } => "the weights do not start at a multiple of {expected} bytes: align them";
    Self::Shift { found } => "byte 0 of the payload, the shift, is {found}; expected 1 to 24";
    Self::Prologue => "bytes 1 to 15 of the payload are not all zero";
    Self::Bias { index, found } => "bias {index} is {found}; expected −8388608 to 8388608";
}

impl core::error::Error for PayloadError {}
