//! The errors of sizes and of model files. Those of IDX files and of training stand beside what they are about.

use crate::kind::Kind;
use crate::model::{HEADER_LEN, VERSION};
use crate::shape::Shape;
use core::fmt::{self, Write as _};

/// A size that no network has, or a buffer of the wrong length.
///
/// Nothing was read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SizeError {
    /// Not 1 to 65,536 inputs.
    Inputs {
        /// The number asked for.
        found: usize,
    },
    /// No hidden units, or too many beside these inputs and outputs.
    Hidden {
        /// The number asked for.
        found: usize,
        /// The most there may be.
        most: usize,
    },
    /// Not 1 to 256 outputs.
    Outputs {
        /// The number asked for.
        found: usize,
    },
    /// More inputs or hidden units than a quantised network may have.
    Quantized {
        /// The larger of the two.
        found: usize,
        /// The most there may be.
        most: usize,
    },
    /// Images that cannot be halved to as many pixels as there are inputs: a side is odd, or they are of another size.
    Halves {
        /// The columns of an image.
        width: u16,
        /// The pixels of an image.
        pixels: usize,
    },
    /// Not as many weights as the shape has.
    Weights {
        /// The number of weights.
        found: usize,
        /// [`Shape::weights_len`].
        expected: usize,
    },
    /// Not one image, or not a whole number of images.
    Pixels {
        /// The number of pixels.
        found: usize,
        /// The pixels of one image.
        expected: usize,
    },
    /// Room for more or fewer outputs (or classes) than there are.
    Results {
        /// The room found.
        found: usize,
        /// The number of outputs (or classes).
        expected: usize,
    },
    /// Too little scratch.
    Scratch {
        /// The length found, in words of 32 bits.
        found: usize,
        /// The least that is needed: `scratch_len`.
        expected: usize,
    },
    /// Too little memory to lay the weights out in.
    Memory {
        /// The length found, in words of 32 bits.
        found: usize,
        /// The least that is needed: `memory_len`.
        expected: usize,
    },
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Inputs { found } => write!(f, "{found} inputs; a network takes 1 to {}", Shape::MAX_INPUTS),
            Self::Hidden { found, most } => write!(f, "{found} hidden units; this network takes 1 to {most}"),
            Self::Outputs { found } => write!(f, "{found} outputs; a network takes 1 to {}", Shape::MAX_OUTPUTS),
            Self::Quantized { found, most } => {
                write!(f, "a layer of {found} units; a quantised network takes at most {most}")
            }
            Self::Halves { width, pixels } => {
                write!(f, "{pixels} pixels in rows of {width} cannot be halved to the inputs: both sides must be even")
            }
            Self::Weights { found, expected } => write!(f, "{found} weights; the shape has {expected}"),
            Self::Pixels { found, expected } => write!(f, "{found} pixels; one image has {expected}"),
            Self::Results { found, expected } => write!(f, "room for {found} results; there are {expected}"),
            Self::Scratch { found, expected } => write!(f, "{found} words of scratch; at least {expected} are needed"),
            Self::Memory { found, expected } => {
                write!(f, "{found} words of memory for the weights; at least {expected} are needed")
            }
        }
    }
}

impl core::error::Error for SizeError {}

/// Why bytes are not a model that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// The file ends within its header.
    Header {
        /// The file's length in bytes.
        found: usize,
    },
    /// The first eight bytes are not `TWOLAYER`.
    Magic {
        /// The first eight bytes.
        found: [u8; 8],
    },
    /// A version of the format that this program does not know.
    Version {
        /// The version.
        found: u16,
    },
    /// The header was changed since it was written.
    HeaderChecksum {
        /// The checksum in the file.
        found: u32,
        /// The checksum of what the file holds.
        expected: u32,
    },
    /// A byte of the header that should be zero is not.
    Reserved {
        /// Its place in the file.
        at: usize,
    },
    /// Weights of a kind that this program does not know.
    Kind {
        /// The code of the kind.
        found: u16,
    },
    /// Weights of another kind than asked for.
    WrongKind {
        /// The kind found.
        found: Kind,
    },
    /// Flags that this program does not know.
    Flags {
        /// The flags.
        found: u32,
    },
    /// An image's width and height that are not those of the inputs.
    Image {
        /// The width.
        width: u16,
        /// The height.
        height: u16,
        /// The pixels that an image should have.
        pixels: usize,
    },
    /// A text that is too long.
    Text {
        /// Its length in bytes.
        found: usize,
        /// The most there may be.
        most: usize,
    },
    /// A text that is not UTF-8.
    TextEncoding {
        /// The byte of the text, counted from 0, that is not.
        at: usize,
    },
    /// A quantised network with biases or for halved images, where a plain one is asked for.
    NotPlain,
    /// A bias of a quantised network that is beyond ±2²³.
    Bias {
        /// Its place among the biases: hidden units in whole tiles, then outputs.
        index: usize,
        /// Its value.
        found: i32,
    },
    /// Sizes that no network of this kind has.
    Size(SizeError),
    /// The payload does not begin at byte 64.
    Offset {
        /// Where the header says that it begins.
        found: u64,
    },
    /// A payload that is not as long as it should be.
    Length {
        /// The length found, in bytes.
        found: u64,
        /// Its length by the header or by the shape, in bytes.
        expected: u64,
    },
    /// The weights were changed since they were written.
    PayloadChecksum {
        /// The checksum in the file.
        found: u32,
        /// The checksum of what the file holds.
        expected: u32,
    },
    /// The bytes begin at an address that the weights cannot be read from.
    Misaligned {
        /// What the address must be a multiple of.
        expected: usize,
    },
    /// An f32 weight that is infinite or not a number.
    NotFinite {
        /// Its place among the weights.
        index: usize,
    },
    /// An f32 weight that only fills up the last panel and is not zero.
    Filler {
        /// Its place among the weights.
        index: usize,
    },
    /// The shift of a quantised network, byte 0 of its payload, is not 1 to 24.
    Shift {
        /// The byte found.
        found: u8,
    },
    /// Bytes 1 to 15 of a quantised network's payload are not all zero.
    Prologue,
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Header { found } => {
                write!(
                    f,
                    "the file ends after {found} bytes, within the header of {HEADER_LEN} that a model begins with"
                )
            }
            Self::Magic { found } => {
                f.write_str("not a model file: it begins with \"")?;
                // Not `escape_ascii`, which can panic for all that a linker knows.
                for byte in found {
                    match byte {
                        b' '..=b'~' if !matches!(byte, b'"' | b'\\') => f.write_char(char::from(byte))?,
                        _ => write!(f, "\\x{byte:02x}")?,
                    }
                }
                f.write_str("\", not \"TWOLAYER\"")
            }
            Self::Version { found } => {
                write!(f, "a model file of version {found}; this program reads versions 1 to {VERSION}")
            }
            Self::HeaderChecksum { found, expected } => {
                write!(f, "the header is damaged: its checksum is {expected:08x}, the file says {found:08x}")
            }
            Self::Reserved { at } => write!(f, "byte {at} of the header is not zero, as its version has it"),
            Self::Flags { found } => {
                write!(f, "flags {found:#x} in the header; this program knows 0x1 and 0x2 only: use a newer one")
            }
            Self::Image { width, height, pixels } => {
                write!(f, "images of {width} × {height} pixels for a network that takes {pixels} pixels")
            }
            Self::Text { found, most } => write!(f, "a text of {found} bytes; a model takes at most {most}"),
            Self::TextEncoding { at } => write!(f, "the text is not UTF-8 at its byte {at}"),
            Self::NotPlain => f.write_str("the network has biases or halves its images: open it as one that may"),
            Self::Bias { index, found } => write!(f, "bias {index} is {found}; expected −8388608 to 8388608"),
            Self::Kind { found } => write!(f, "weights of kind {found}, which this program does not know"),
            Self::WrongKind { found } => write!(f, "{found} weights are not what is asked for here"),
            Self::Size(error) => error.fmt(f),
            Self::Offset { found } => write!(f, "weights at byte {}; they begin at byte {HEADER_LEN}", Bytes(found)),
            Self::Length { expected, found } if found < expected => {
                let (found, expected) = (Bytes(found), Bytes(expected));
                write!(f, "the model is cut: {found} bytes of weights, {expected} are expected")
            }
            Self::Length { expected, found } => {
                write!(f, "{} bytes of weights; {} are expected", Bytes(found), Bytes(expected))
            }
            Self::PayloadChecksum { found, expected } => {
                write!(f, "the weights are damaged: their checksum is {expected:08x}, the header says {found:08x}")
            }
            Self::Misaligned { expected } => {
                write!(f, "the model's address is not a multiple of {expected}: align it")
            }
            Self::NotFinite { index } => write!(f, "weight {index} is not a finite number"),
            Self::Filler { index } => write!(f, "weight {index} belongs to no hidden unit and is not zero"),
            Self::Shift { found } => write!(f, "byte 0 of the payload, the shift, is {found}; expected 1 to 24"),
            Self::Prologue => f.write_str("bytes 1 to 15 of the payload are not all zero"),
        }
    }
}

impl core::error::Error for ModelError {}

/// A number of bytes: as usual up to 32 bits, and else in hexadecimal, so that firmware need not divide 64 bits.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(few) = u32::try_from(self.0) {
            return few.fmt(f);
        }
        let [low, high]: [u32; 2] = bytemuck::cast(self.0.to_le());
        write!(f, "{high:#x}{low:08x}")
    }
}
