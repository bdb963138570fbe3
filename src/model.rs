//! The model file: the same for laptops and for flash, read in place.
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
//! wide; the last one is the rest, rounded up to 16, 32, 64 or 128, and the numbers that only round it up are zero.
//!
//! The payloads of kinds 2 and 3 are described in [`crate::quantized`].
//!
//! Opening costs one pass over the file for the checksum, and no memory.

use crate::crc32::crc32;
use crate::error::ModelError;
use crate::kind::Kind;
use crate::network::Network;
use crate::quantized::QuantizedNetwork;
use crate::shape::Shape;
use crate::simd::Backend;
use crate::weights::Weights;

#[cfg(target_endian = "big")]
compile_error!("model files are little-endian and are read in place: big-endian targets are not supported");

const MAGIC: [u8; 8] = *b"TWOLAYER";
pub(crate) const VERSION: u16 = 1;
/// Zero in version 1.
const RESERVED: core::ops::Range<usize> = 40..56;

/// The length of a model file's header in bytes, and so where the payload begins.
pub const HEADER_LEN: usize = 64;

/// A model file over borrowed bytes, checked: every bit of it is as it was written.
///
/// ```
/// use twolayer::{Backend, INIT_SCALE, Kind, Model, Shape, WeightsMut, fill_initial, model};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shape = Shape::new(4, 3, 2)?;
/// let mut numbers = vec![0.0; shape.weights_len()];
/// fill_initial(&mut WeightsMut::new(shape, &mut numbers)?, 1, INIT_SCALE);
/// let header = model::header(Kind::F32, shape, bytemuck::cast_slice(&numbers))?;
///
/// // As f32 numbers, so that the bytes are aligned; a memory map and an aligned `static` are, too.
/// let file = [bytemuck::cast_slice(&header), &numbers].concat();
/// let model = Model::from_bytes(bytemuck::cast_slice(&file))?;
/// assert_eq!((model.kind(), model.shape()), (Kind::F32, shape));
/// assert_eq!(model.network(Backend::detect())?.shape(), shape);
/// # Ok(()) }
/// ```
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
        let shape = Shape::new(size(3), size(4), size(5)).map_err(ModelError::Size)?;
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
    /// When the weights are of another kind, lie at an address that is not a multiple of 4, are not all finite, or are not
    /// zero where they only fill up the last panel.
    pub fn weights(&self) -> Result<Weights<'a>, ModelError> {
        if self.kind != Kind::F32 {
            return Err(ModelError::WrongKind { found: self.kind });
        }
        let numbers = bytemuck::try_cast_slice(self.payload)
            .map_err(|_| ModelError::Misaligned { expected: align_of::<f32>() })?;
        let weights = Weights::new(self.shape, numbers).map_err(ModelError::Size)?;
        if let Some(index) = weights.not_finite() {
            return Err(ModelError::NotFinite { index });
        }
        if let Some(index) = weights.stray_filler() {
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
        Ok(Network::new(self.weights()?, backend))
    }

    /// The network of a quantised model, over the same bytes.
    ///
    /// # Errors
    ///
    /// When the weights are f32, or as [`QuantizedNetwork::new`].
    pub fn quantized(&self) -> Result<QuantizedNetwork<'a>, ModelError> {
        match self.kind {
            Kind::Quantized(bits) => QuantizedNetwork::with_checked_len(self.shape, bits, self.payload),
            Kind::F32 => Err(ModelError::WrongKind { found: self.kind }),
        }
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
        bytemuck::cast([VERSION, kind.code()]),
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
    match kind {
        Kind::F32 => Ok(size_of::<f32>() * shape.weights_len()),
        Kind::Quantized(bits) => QuantizedNetwork::payload_len(shape, bits).map_err(ModelError::Size),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SizeError;
    use crate::kind::Bits;

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
        use Kind::F32;
        const INT8: Kind = Kind::Quantized(Bits::Eight);
        const INT4: Kind = Kind::Quantized(Bits::Four);
        let sound = |kind: Kind| {
            let payload = vec![0; payload_len(kind, SHAPE).unwrap()];
            [&header(kind, SHAPE, &payload).unwrap()[..], &payload].concat()
        };
        let inputs = |found| ModelError::Size(SizeError::Inputs { found });
        let hidden = |found| ModelError::Size(SizeError::Hidden { found, most: 76_695_808 });
        let outputs = |found| ModelError::Size(SizeError::Outputs { found });
        let length = |expected, found| ModelError::Length { expected, found };
        let too_large = ModelError::Size(SizeError::Quantized { found: 65_536, most: 65_535 });
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
            (INT8, 10, &[1, 0], length(448, 102), "102 bytes of weights, 448", "Length"),
            (INT8, 12, &[4, 0, 0, 0], length(86, 102), "102 bytes of weights; 86", "Length"),
            // A shape that f32 weights may have.
            (INT8, 12, &[0, 0, 1, 0], too_large, "at most 65535", "Payload"),
            (INT8, 16, &[0, 0, 1, 0], too_large, "at most 65535", "Payload"),
            (INT4, 12, &[0, 0, 1, 0], too_large, "at most 65535", "Payload"),
            (INT4, 16, &[0, 0, 1, 0], too_large, "at most 65535", "Payload"),
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
        let place = SHAPE.w1_index(1, 0).unwrap();
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
            let used: Vec<usize> = shape.places().collect();
            for index in 0..shape.weights_len() {
                let mut weights = vec![0.0_f32; shape.weights_len()];
                weights[index] = 1.0;
                let model = Model { kind: Kind::F32, shape, payload: bytemuck::cast_slice(&weights) };
                let expected = if used.contains(&index) { Ok(&weights[..]) } else { Err(ModelError::Filler { index }) };
                assert_eq!(model.weights().map(Weights::numbers), expected, "{shape}");
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
}
