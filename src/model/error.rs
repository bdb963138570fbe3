//! Why bytes are not a model: what the header says, and what follows it.

use super::header::VERSION;
use super::{HEADER_LEN, Kind, MAX_TEXT};
use crate::base::{from, messages};
use crate::int::PayloadError;
use crate::net::SizeError;
use core::fmt::{self, Write as _};

/// Why bytes are not a model that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u32)]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum ModelError {
    /// The header is damaged, or not of this format.
    Header(HeaderError),
    /// Sizes that no network of this kind has.
    Size(SizeError),
    /// The file is truncated, or longer than it should be: the length of the weights, in bytes, is not that by the header or by
    /// the shape.
    Length { found: u64, expected: u64 },
    /// The weights or the text were changed since they were written: the checksum found in the header is not that expected, of
    /// what the file holds.
    Checksum { found: u32, expected: u32 },
    /// A text that is not UTF-8 at one of its bytes, counted from 0.
    Text { at: usize },
    /// Weights of another kind than asked for.
    WrongKind { found: Kind },
    /// The bytes start at an address from which the weights cannot be read: not at a multiple of `expected`.
    Misaligned { expected: usize },
    /// An f32 weight that is infinite or not a number, by its place among the weights.
    NotFinite { index: usize },
    /// An f32 weight that only fills up the last panel and is not zero, by its place among the weights.
    Filler { index: usize },
    /// Integer weights that are not as their format says.
    Payload(PayloadError),
}

/// What is wrong with a model's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u32)]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum HeaderError {
    /// The file ends within its header: it has `found` bytes.
    Truncated { found: usize },
    /// The first eight bytes are not `TWOLAYER`.
    Magic { found: [u8; 8] },
    /// A version of the format that this program does not know.
    Version { found: u16 },
    /// The header was changed since it was written: the checksum found in the file is not that expected, of what it holds.
    Checksum { found: u32, expected: u32 },
    /// A byte that should be zero is not, by its place in the file.
    Reserved { at: usize },
    /// The code of a kind of weights that this program does not know.
    Kind { found: u16 },
    /// Flags that this program does not know.
    Flags { found: u32 },
    /// An image's width and height that are not those of the inputs: an image should have `pixels` pixels.
    Image { width: u16, height: u16, pixels: usize },
    /// A text of more than 4096 bytes.
    Text { found: usize },
    /// The payload does not begin at byte 64, by the header.
    Offset { found: u64 },
}

from! { ModelError:
    HeaderError: |error| Self::Header(error);
    PayloadError: |error| Self::Payload(error);
    SizeError: |error| Self::Size(error);
}

messages! { ModelError:
    Self::Header(error) => "{error}";
    Self::Size(error) => "{error}";
    Self::Length { expected, found } if found < expected =>
        "truncated model: {} bytes of weights; expected {}", Bytes(found), Bytes(expected);
    Self::Length { expected, found } => "{} bytes of weights; expected {}", Bytes(found), Bytes(expected);
    Self::Checksum { found, expected } =>
        "the weights are damaged: their checksum is {expected:08x}, the header says {found:08x}";
    Self::Text { at } => "the text is not UTF-8 at its byte {at}";
    Self::WrongKind { found } => "{found} weights; expected another kind";
    Self::Misaligned { expected } => "the model does not start at a multiple of {expected} bytes: align it";
    Self::NotFinite { index } => "weight {index} is not a finite number";
    Self::Filler { index } => "weight {index} belongs to no hidden unit and is not zero";
    Self::Payload(error) => "{error}";
}

messages! { HeaderError:
    Self::Truncated { found } => "truncated model: {found} bytes, where the header alone has {HEADER_LEN}";
    Self::Magic { found } => "not a model file: it begins with \"{}\", not \"TWOLAYER\"", Escaped(found);
    Self::Version { found } => "a model file of version {found}; this program reads versions 1 to {VERSION}";
    Self::Checksum { found, expected } =>
        "the header is damaged: its checksum is {expected:08x}, the file says {found:08x}";
    Self::Reserved { at } => "byte {at} of the header is not zero, as its version has it";
    Self::Kind { found } => "weights of kind {found}, which this program does not know";
    Self::Flags { found } =>
        "flags {found:#x} in the header; this program knows 0x1 and 0x2 only: use a newer one";
    Self::Image { width, height, pixels } =>
        "images of {width} × {height} pixels for a network that takes {pixels} pixels";
    Self::Text { found } => "a text of {found} bytes; a model takes at most {MAX_TEXT}";
    Self::Offset { found } => "weights at byte {}; they begin at byte {HEADER_LEN}", Bytes(found);
}

impl core::error::Error for ModelError {}
impl core::error::Error for HeaderError {}

/// Bytes as text. Not `escape_ascii`, which can panic for all that a linker knows.
struct Escaped([u8; 8]);

impl fmt::Display for Escaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| match byte {
            b' '..=b'~' if !matches!(byte, b'"' | b'\\') => f.write_char(char::from(*byte)),
            _ => write!(f, "\\x{byte:02x}"),
        })
    }
}

/// A number of bytes: as usual up to 32 bits, and else in hexadecimal, so that firmware need not divide 64 bits.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high]: [u32; 2] = bytemuck::cast(self.0.to_le());
        if high == 0 { low.fmt(f) } else { write!(f, "{high:#x}{low:08x}") }
    }
}
