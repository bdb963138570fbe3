//! The model file: one for the laptop and the flash, read where it lies.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | the ASCII letters `TWOLAYER` |
//! | 8..10 | version, 1 |
//! | 10..12 | kind: 1 = f32, 2 = int8, 3 = int4 |
//! | 12..24 | inputs, hidden units, outputs, u32 each |
//! | 24..32 | where the payload begins: 64 |
//! | 32..40 | the payload's length in bytes |
//! | 40..56 | zeros |
//! | 56..60 | CRC-32 of the payload |
//! | 60..64 | CRC-32 of bytes 0..60 |
//! | 64.. | the payload; nothing follows it |
//!
//! All numbers are little-endian; the CRC is that of IEEE 802.3 (zlib's). The payload of kind 1 is the weights as
//! [`Shape`] says: W1 as `[panel][inputs][width]`, then W2 as `[panel][outputs][width]`. A panel is 128 hidden units
//! wide, the last one what is left, rounded up to 16, 32, 64 or 128; what only rounds up is zero.
//!
//! The payloads of kinds 2 and 3 are described in [`crate::int8`].
//!
//! Opening costs one pass over the file for the checksum, and no memory.

use crate::int8::{Bits, PayloadError, QuantizedNetwork};
use crate::network::{Network, NetworkError};
use crate::shape::{Shape, ShapeError};
use crate::simd::Backend;
use core::fmt;

#[cfg(target_endian = "big")]
compile_error!("model files are little-endian and are read in place: big-endian targets are not supported");

const MAGIC: [u8; 8] = *b"TWOLAYER";
const VERSION: u16 = 1;
/// The bytes that version 1 has no use for.
const RESERVED: core::ops::Range<usize> = 40..56;

/// The length of a model file's header in bytes, and so where the payload begins.
pub const HEADER_LEN: usize = 64;

/// What a model file's weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u16)]
pub enum Kind {
    /// f32 weights, for [`Network`].
    F32 = 1,
    /// 8-bit weights, for [`QuantizedNetwork`].
    Int8 = 2,
    /// 4-bit weights in the first layer, for [`QuantizedNetwork`].
    Int4 = 3,
}

impl Kind {
    const fn from_code(code: u16) -> Option<Self> {
        match code {
            1 => Some(Self::F32),
            2 => Some(Self::Int8),
            3 => Some(Self::Int4),
            _ => None,
        }
    }
}

impl From<Bits> for Kind {
    fn from(bits: Bits) -> Self {
        match bits {
            Bits::Eight => Self::Int8,
            Bits::Four => Self::Int4,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
        })
    }
}

/// A model file over borrowed bytes, checked: every bit of it is as it was written.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    kind: Kind,
    shape: Shape,
    payload: &'a [u8],
}

impl<'a> Model<'a> {
    /// Reads a whole model file.
    ///
    /// # Errors
    ///
    /// When the bytes are not a model file of this version, or any bit of one was changed, lost or added.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let (header, payload) = bytes.split_first_chunk().ok_or(ModelError::Header { found: bytes.len() })?;
        let magic = two_words(header, 0).to_le_bytes();
        if magic != MAGIC {
            return Err(ModelError::Magic { found: magic });
        }
        let [version, kind] = bytemuck::cast::<u32, [u16; 2]>(word(header, 2));
        if version != VERSION {
            return Err(ModelError::Version { found: version });
        }
        let (found, expected) = (word(header, 15), header_crc(header));
        if found != expected {
            return Err(ModelError::HeaderChecksum { found, expected });
        }
        if let Some(unused) = header.get(RESERVED)
            && let Some(at) = unused.iter().position(|&byte| byte != 0)
        {
            return Err(ModelError::Reserved { at: RESERVED.start + at });
        }
        let kind = Kind::from_code(kind).ok_or(ModelError::Kind { found: kind })?;
        let size = |number| usize::try_from(word(header, number)).unwrap_or(usize::MAX);
        let shape = Shape::new(size(3), size(4), size(5)).map_err(ModelError::Shape)?;
        let offset = two_words(header, 6);
        if offset != HEADER_LEN as u64 {
            return Err(ModelError::Offset { found: offset });
        }
        let found = payload.len() as u64;
        let announced = two_words(header, 8);
        if announced != found {
            return Err(ModelError::Length { expected: announced, found });
        }
        let needed = payload_len(kind, shape)?;
        if payload.len() != needed {
            return Err(ModelError::Length { expected: needed as u64, found });
        }
        let (found, expected) = (word(header, 14), crc32(payload));
        if found != expected {
            return Err(ModelError::PayloadChecksum { found, expected });
        }
        Ok(Self { kind, shape, payload })
    }

    /// A model whose file was checked when it was opened.
    #[cfg(feature = "std")]
    pub(crate) const fn checked_before(kind: Kind, shape: Shape, payload: &'a [u8]) -> Self {
        Self { kind, shape, payload }
    }

    /// What the weights are.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The weights, as their kind lays them out.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The weights of an f32 model, over the same bytes.
    ///
    /// # Errors
    ///
    /// When the weights are of another kind, lie at an address that is not a multiple of 4, or are not all finite.
    pub fn weights(&self) -> Result<&'a [f32], ModelError> {
        if self.kind != Kind::F32 {
            return Err(ModelError::WrongKind { found: self.kind });
        }
        let weights: &[f32] =
            bytemuck::try_cast_slice(self.payload).map_err(|_| ModelError::Misaligned { expected: 4 })?;
        if let Some(index) = weights.iter().position(|w| !w.is_finite()) {
            return Err(ModelError::NotFinite { index });
        }
        if let Some(index) = self.shape.fillers().find(|&index| weights.get(index).is_some_and(|w| *w != 0.0)) {
            return Err(ModelError::Filler { index });
        }
        Ok(weights)
    }

    /// The network of an f32 model, over the same bytes.
    ///
    /// # Errors
    ///
    /// As [`weights`](Self::weights).
    pub fn network(&self, backend: Backend) -> Result<Network<'a>, ModelError> {
        Network::new(self.shape, self.weights()?, backend).map_err(ModelError::Network)
    }

    /// The network of an int8 or int4 model, over the same bytes.
    ///
    /// # Errors
    ///
    /// When the weights are of another kind, or the payload is not as [`crate::int8`] says.
    pub fn quantized(&self) -> Result<QuantizedNetwork<'a>, ModelError> {
        let bits = match self.kind {
            Kind::Int8 => Bits::Eight,
            Kind::Int4 => Bits::Four,
            Kind::F32 => return Err(ModelError::WrongKind { found: self.kind }),
        };
        QuantizedNetwork::new(self.shape, bits, self.payload).map_err(ModelError::Payload)
    }
}

/// The header for a payload: a model file is these bytes and the payload.
///
/// # Errors
///
/// When the payload is not as long as its kind and shape say.
pub fn header(kind: Kind, shape: Shape, payload: &[u8]) -> Result<[u8; HEADER_LEN], ModelError> {
    let (expected, found) = (payload_len(kind, shape)? as u64, payload.len() as u64);
    if found != expected {
        return Err(ModelError::Length { expected, found });
    }
    // A shape's sizes are far below 2³².
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let [magic, magic_end] = bytemuck::cast(MAGIC);
    let [len, len_end] = bytemuck::cast(found);
    let words: [u32; HEADER_LEN / 4] = [
        magic,
        magic_end,
        bytemuck::cast([VERSION, kind as u16]),
        size(shape.inputs()),
        size(shape.hidden()),
        size(shape.outputs()),
        size(HEADER_LEN),
        0,
        len,
        len_end,
        0,
        0,
        0,
        0,
        crc32(payload),
        0,
    ];
    let mut bytes: [u8; HEADER_LEN] = bytemuck::cast(words);
    let crc = header_crc(&bytes).to_le_bytes();
    bytes[HEADER_LEN - crc.len()..].copy_from_slice(&crc);
    Ok(bytes)
}

/// The length of a payload in bytes.
#[inline(always)] // where a model is opened, once
fn payload_len(kind: Kind, shape: Shape) -> Result<usize, ModelError> {
    let bits = match kind {
        Kind::F32 => return Ok(size_of::<f32>() * shape.weights_len()),
        Kind::Int8 => Bits::Eight,
        Kind::Int4 => Bits::Four,
    };
    bits.payload_len(shape).ok_or(ModelError::Payload(PayloadError::TooLarge))
}

/// One of the header's sixteen words.
fn word(header: &[u8; HEADER_LEN], number: usize) -> u32 {
    header.as_chunks().0.get(number).map_or(0, |&word| u32::from_le_bytes(word))
}

fn two_words(header: &[u8; HEADER_LEN], first: usize) -> u64 {
    u64::from(word(header, first)) | u64::from(word(header, first + 1)) << 32
}

/// The checksum of all but the header's last word.
fn header_crc(header: &[u8; HEADER_LEN]) -> u32 {
    crc32(header.split_last_chunk::<4>().map_or(&[], |(covered, _)| covered))
}

/// CRC-32 of IEEE 802.3 (reflected polynomial `0xEDB88320`), four bits a step: a table of 64 bytes suits a flash.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    static TABLE: [u32; 16] = {
        let mut table = [0; 16];
        let mut index = 0_u32;
        while index < 16 {
            let mut rest = index;
            let mut bit = 0;
            while bit < 4 {
                rest = if rest & 1 == 1 { rest >> 1 ^ 0xEDB8_8320 } else { rest >> 1 };
                bit += 1;
            }
            table[index as usize] = rest;
            index += 1;
        }
        table
    };
    let step = |crc: u32, bits: u8| crc >> 4 ^ TABLE[(crc ^ u32::from(bits)) as usize & 15];
    !bytes.iter().fold(!0, |crc, &byte| step(step(crc, byte), byte >> 4))
}

/// Why bytes are not a model file that can be used.
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
    /// Written by a version of the format that this program does not know.
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
    /// An integer payload that is not as its format says.
    Payload(PayloadError),
    /// Sizes that no network has.
    Shape(ShapeError),
    /// The payload does not begin at byte 64.
    Offset {
        /// Where the header says that it begins.
        found: u64,
    },
    /// A payload that is not as long as it should be.
    Length {
        /// Its length by the header or by the shape, in bytes.
        expected: u64,
        /// The length found.
        found: u64,
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
    /// A weight that is not a number, or infinite.
    NotFinite {
        /// Its place among the weights.
        index: usize,
    },
    /// A weight that only fills up the last panel and is not zero.
    Filler {
        /// Its place among the weights.
        index: usize,
    },
    /// The weights do not make a network.
    Network(NetworkError),
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
                write!(f, "not a model file: it begins with \"{}\", not \"TWOLAYER\"", found.escape_ascii())
            }
            Self::Version { found } => {
                write!(f, "a model file of version {found}; this program reads version {VERSION}")
            }
            Self::HeaderChecksum { found, expected } => {
                write!(f, "the header is damaged: its checksum is {expected:08x}, the file says {found:08x}")
            }
            Self::Reserved { at } => write!(f, "byte {at} of the header is not zero, as version {VERSION} has it"),
            Self::Kind { found } => write!(f, "weights of kind {found}, which this program does not know"),
            Self::WrongKind { found } => write!(f, "{found} weights are not what is asked for here"),
            Self::Payload(error) => write!(f, "{error}"),
            Self::Shape(error) => write!(f, "{error}"),
            Self::Offset { found } => write!(f, "weights at byte {found}; they begin at byte {HEADER_LEN}"),
            Self::Length { expected, found } if found < expected => {
                write!(f, "the model is cut: {found} bytes of weights, {expected} are expected")
            }
            Self::Length { expected, found } => write!(f, "{found} bytes of weights; {expected} are expected"),
            Self::PayloadChecksum { found, expected } => {
                write!(f, "the weights are damaged: their checksum is {expected:08x}, the header says {found:08x}")
            }
            Self::Misaligned { expected } => {
                write!(f, "the model's address is not a multiple of {expected}: align it")
            }
            Self::NotFinite { index } => write!(f, "weight {index} is not a finite number"),
            Self::Filler { index } => write!(f, "weight {index} belongs to no hidden unit and is not zero"),
            Self::Network(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for ModelError {}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = match Shape::new(5, 3, 2) {
        Ok(shape) => shape,
        Err(_) => panic!("a valid shape"),
    };

    /// A model file, 4-byte aligned behind its header as in a map.
    fn file() -> Vec<u8> {
        let weights: Vec<f32> = (0..u16::try_from(SHAPE.weights_len()).unwrap()).map(f32::from).collect();
        let payload = bytemuck::cast_slice(&weights);
        let header = header(Kind::F32, SHAPE, payload).unwrap();
        [&header[..], payload].concat()
    }

    #[test]
    fn a_model_gives_back_what_was_written() {
        let file = file();
        let model = Model::from_bytes(&file).unwrap();
        assert_eq!((model.kind(), model.shape()), (Kind::F32, SHAPE));
        assert_eq!(model.payload(), &file[HEADER_LEN..]);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let file = file();
        for bit in 0..file.len() * 8 {
            let mut file = file.clone();
            file[bit / 8] ^= 1 << (bit % 8);
            assert!(Model::from_bytes(&file).is_err(), "bit {bit}");
        }
    }

    /// The checksum tells of damage, not of what another program wrote.
    #[test]
    fn bytes_without_a_meaning_must_be_zero() {
        for at in 40..56 {
            let mut file = file();
            file[at] = 1;
            let crc = crc32(&file[..60]);
            file[60..64].copy_from_slice(&crc.to_le_bytes());
            assert_eq!(Model::from_bytes(&file).unwrap_err(), ModelError::Reserved { at });
        }
    }

    /// One field of a sound header changed, and the checksum put right: the error, what its text must name, and the status
    /// that it is in C.
    #[test]
    fn a_field_out_of_range_has_an_error_of_its_own() {
        use Kind::{F32, Int4, Int8};
        let sound = |kind: Kind| {
            let payload = vec![0; payload_len(kind, SHAPE).unwrap()];
            [&header(kind, SHAPE, &payload).unwrap()[..], &payload].concat()
        };
        let inputs = |found| ModelError::Shape(ShapeError::Inputs { found });
        let hidden = |found| ModelError::Shape(ShapeError::Hidden { found, most: 76_695_808 });
        let outputs = |found| ModelError::Shape(ShapeError::Outputs { found });
        let length = |expected, found| ModelError::Length { expected, found };
        let too_large = ModelError::Payload(PayloadError::TooLarge);
        let (header_crc, payload_crc) = (crc32(&sound(F32)[..60]), crc32(&[0; 448]));
        let most = u32::MAX as usize;
        for (kind, at, field, error, text, status) in [
            (F32, 0, &b"twolayer"[..], ModelError::Magic { found: *b"twolayer" }, "\"twolayer\"", "Magic"),
            (F32, 8, &[0, 0], ModelError::Version { found: 0 }, "version 0;", "Header"),
            (F32, 8, &[2, 0], ModelError::Version { found: 2 }, "version 2;", "Header"),
            (F32, 8, &[1, 1], ModelError::Version { found: 257 }, "version 257;", "Header"),
            (F32, 10, &[0, 0], ModelError::Kind { found: 0 }, "kind 0,", "Header"),
            (F32, 10, &[4, 0], ModelError::Kind { found: 4 }, "kind 4,", "Header"),
            (F32, 10, &[1, 1], ModelError::Kind { found: 257 }, "kind 257,", "Header"),
            (F32, 10, &[2, 0], length(102, 448), "448 bytes of weights; 102", "Length"),
            (F32, 12, &[0; 4], inputs(0), "0 inputs;", "Header"),
            (F32, 12, &[1, 0, 1, 0], inputs(65_537), "65537 inputs;", "Header"),
            (F32, 12, &[255; 4], inputs(most), "4294967295 inputs;", "Header"),
            (F32, 12, &[6, 0, 0, 0], length(512, 448), "448 bytes of weights, 512", "Length"),
            (F32, 16, &[0; 4], hidden(0), "0 hidden units;", "Header"),
            (F32, 16, &[255; 4], hidden(most), "4294967295 hidden units;", "Header"),
            (F32, 16, &[17, 0, 0, 0], length(896, 448), "448 bytes of weights, 896", "Length"),
            (F32, 20, &[0; 4], outputs(0), "0 outputs;", "Header"),
            (F32, 20, &[1, 1, 0, 0], outputs(257), "257 outputs;", "Header"),
            (F32, 20, &[255; 4], outputs(most), "4294967295 outputs;", "Header"),
            (F32, 20, &[1, 0, 0, 0], length(384, 448), "448 bytes of weights; 384", "Length"),
            (F32, 24, &[0], ModelError::Offset { found: 0 }, "at byte 0;", "Header"),
            (F32, 24, &[65], ModelError::Offset { found: 65 }, "at byte 65;", "Header"),
            (F32, 28, &[1], ModelError::Offset { found: (1 << 32) + 64 }, "at byte 4294967360;", "Header"),
            (F32, 32, &[191], length(447, 448), "448 bytes of weights; 447", "Length"),
            (F32, 32, &[193], length(449, 448), "448 bytes of weights, 449", "Length"),
            (F32, 36, &[1], length((1 << 32) + 448, 448), "448 bytes of weights, 4294967744", "Length"),
            (F32, 40, &[1], ModelError::Reserved { at: 40 }, "byte 40 ", "Header"),
            (F32, 55, &[255], ModelError::Reserved { at: 55 }, "byte 55 ", "Header"),
            (
                F32,
                56,
                &[1, 0, 0, 0],
                ModelError::PayloadChecksum { found: 1, expected: payload_crc },
                "says 00000001",
                "Checksum",
            ),
            (
                F32,
                60,
                &[1, 0, 0, 0],
                ModelError::HeaderChecksum { found: 1, expected: header_crc },
                "says 00000001",
                "Checksum",
            ),
            (Int8, 10, &[1, 0], length(448, 102), "102 bytes of weights, 448", "Length"),
            (Int8, 12, &[4, 0, 0, 0], length(86, 102), "102 bytes of weights; 86", "Length"),
            // A shape that f32 weights may have.
            (Int8, 12, &[0, 0, 1, 0], too_large, "at most 65535", "Payload"),
            (Int8, 16, &[0, 0, 1, 0], too_large, "at most 65535", "Payload"),
            (Int4, 12, &[0, 0, 1, 0], too_large, "at most 65535", "Payload"),
            (Int4, 16, &[0, 0, 1, 0], too_large, "at most 65535", "Payload"),
        ] {
            let mut file = sound(kind);
            file[at..][..field.len()].copy_from_slice(field);
            if at < 60 {
                let crc = crc32(&file[..60]);
                file[60..64].copy_from_slice(&crc.to_le_bytes());
            }
            let found = Model::from_bytes(&file).unwrap_err();
            assert_eq!(found, error, "{kind}, byte {at}: {field:?}");
            assert!(found.to_string().contains(text), "{kind}, byte {at}: {found}");
            #[cfg(feature = "ffi")]
            assert_eq!(format!("{:?}", crate::ffi::Status::from(found)), status, "{kind}, byte {at}: {field:?}");
            #[cfg(not(feature = "ffi"))]
            let _ = status;
        }
    }

    #[test]
    fn a_model_cut_anywhere_or_longer_is_refused() {
        let mut file = file();
        for len in 0..file.len() {
            assert!(Model::from_bytes(&file[..len]).is_err(), "cut to {len} bytes");
        }
        file.push(0);
        let len = (SHAPE.weights_len() * 4) as u64;
        assert_eq!(Model::from_bytes(&file).unwrap_err(), ModelError::Length { expected: len, found: len + 1 });
    }

    #[test]
    fn weights_that_are_not_numbers_are_refused() {
        let mut weights = vec![0.0_f32; SHAPE.weights_len()];
        let place = SHAPE.w1_index(1, 0);
        weights[place] = f32::NAN;
        let payload = bytemuck::cast_slice(&weights);
        let header = header(Kind::F32, SHAPE, payload).unwrap();
        let model = Model::from_bytes(&[&header[..], payload].concat()).map(|m| m.shape());
        assert_eq!(model, Ok(SHAPE));
        let model = Model { kind: Kind::F32, shape: SHAPE, payload };
        assert_eq!(model.network(Backend::baseline()).unwrap_err(), ModelError::NotFinite { index: place });
    }

    #[test]
    fn weights_of_no_unit_are_zero() {
        for shape in
            [SHAPE, Shape::new(3, 16, 2).unwrap(), Shape::new(2, 131, 3).unwrap(), Shape::new(2, 256, 1).unwrap()]
        {
            let (inputs, hidden, outputs) = (shape.inputs(), shape.hidden(), shape.outputs());
            let first = (0..inputs).flat_map(|i| (0..hidden).map(move |j| shape.w1_index(i, j)));
            let second = (0..hidden).flat_map(|j| (0..outputs).map(move |k| shape.w2_index(j, k)));
            let used: Vec<usize> = first.chain(second).collect();
            for index in 0..shape.weights_len() {
                let mut weights = vec![0.0_f32; shape.weights_len()];
                weights[index] = 1.0;
                let model = Model { kind: Kind::F32, shape, payload: bytemuck::cast_slice(&weights) };
                let expected = if used.contains(&index) { Ok(&weights[..]) } else { Err(ModelError::Filler { index }) };
                assert_eq!(model.weights(), expected, "{shape}");
            }
        }
    }

    #[test]
    fn a_misaligned_model_is_an_error() {
        let weights = vec![0.0_f32; SHAPE.weights_len() + 1];
        let payload = &bytemuck::cast_slice(&weights)[1..=SHAPE.weights_len() * 4];
        let model = Model { kind: Kind::F32, shape: SHAPE, payload };
        assert_eq!(model.network(Backend::baseline()).unwrap_err(), ModelError::Misaligned { expected: 4 });
    }

    #[test]
    fn the_checksum_is_the_common_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
