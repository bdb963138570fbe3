//! The model file: the same for laptops and for flash, read in place.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | the ASCII letters `TWOLAYER` |
//! | 8..10 | version, 1 or 2 |
//! | 10..12 | kind: 1 = f32, 2 = int8, 3 = int4 |
//! | 12..24 | inputs, hidden units, outputs, u32 each |
//! | 24..32 | where the payload begins: 64 |
//! | 32..40 | the payload's length in bytes |
//! | 40..56 | version 1: zeros; version 2: see below |
//! | 56..60 | CRC-32 of all that follows the header |
//! | 60..64 | CRC-32 of bytes 0..60 |
//! | 64.. | the payload, then the text; nothing follows it |
//!
//! Version 2 says more. What needs none of it is written as version 1, whose text is empty.
//!
//! | bytes | what |
//! |---|---|
//! | 40..44 | width and height of an image, u16 each, whose product is the number of pixels; 0, 0 if they are not known |
//! | 44..46 | flags: bit 0, the network has biases; bit 1, images are halved before the first layer; bit 2, they are deslanted before that |
//! | 46..48 | zeros |
//! | 48..52 | the text's length in bytes, up to 4096 |
//! | 52..56 | zeros |
//!
//! All numbers are little-endian; the CRC is that of IEEE 802.3 (zlib's). The payload of kind 1 is the weights as
//! [`Shape`] says: W1 as `[panel][inputs][width]`, then W2 as `[panel][outputs][width]`. A panel is 128 hidden units
//! wide; the last one is the rest, rounded up to 16, 32, 64 or 128, and the numbers that only round it up are zero. Biases
//! follow: of the hidden units, rounded up alike, then of the outputs.
//!
//! The payloads of kinds 2 and 3 are described in [`crate::int`].
//!
//! The text, in UTF-8, is for people: where the weights come from, how they were trained. A line `classes: a | b | c` names the
//! classes: [`Details::class_name`]. A line `confidence: 0 50 | 300 90` says how likely answers are right: [`Model::confidence`].
//!
//! Opening costs one pass over the file for the checksum, and no memory.

use crate::base::{Always, crc32};
use crate::int::{Bits, QuantizedNetwork};
use crate::net::{Network, Shape, SizeError, Weights};
use crate::simd::Backend;
use header::Header;

mod any;
mod classes;
mod confidence;
mod error;
mod header;
mod include;
mod kind;

pub use any::{AnyNetwork, AnyOutputs};
#[cfg(feature = "std")]
pub use classes::classes_line;
#[cfg(feature = "std")]
pub use confidence::confidence_line;
pub use error::{HeaderError, ModelError};
pub use header::{HEADER_LEN, header};
#[doc(hidden)]
pub use include::Takes;
pub use kind::Kind;

#[cfg(target_endian = "big")]
compile_error!("model files are little-endian and are read in place: big-endian targets are not supported");

#[cfg(target_pointer_width = "16")]
compile_error!(
    "weights are one slice, which 16-bit targets cannot address: `twolayer export --format c99` writes C for such machines"
);

/// The most bytes of the text.
pub(crate) const MAX_TEXT: usize = 4096;

/// What a model file may say beside its weights. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Details<'a> {
    /// Width and height of an image, where they are known; their product is [`Shape::pixels`].
    pub image: Option<[u16; 2]>,
    /// Where the weights come from, how they were trained: up to 4096 bytes.
    pub text: &'a str,
}

/// A model file over borrowed bytes, checked: every bit of it is as it was written.
///
/// ```
/// use twolayer::{Backend, INIT_SCALE, Kind, Model, Shape, WeightsMut, fill_initial, model};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shape = Shape::new(4, 3, 2)?;
/// let mut numbers = vec![0.0; shape.weights_len()];
/// fill_initial(&mut WeightsMut::new(shape, &mut numbers)?, 1, INIT_SCALE);
/// let header = model::header(Kind::F32, shape, model::Details::default(), bytemuck::cast_slice(&numbers))?;
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
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    pub(crate) payload: &'a [u8],
    /// The whole file, or nothing if it was checked whole before.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Model<'a> {
    /// Reads a whole model file.
    ///
    /// # Errors
    ///
    /// When the bytes are not a model file of a version that this program knows, or any bit of one was changed, lost or added.
    /// Whether the weights are as many as the shape has is looked at when they are asked for.
    #[inline] // an image has one call
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let model = Self::from_bytes_unverified(bytes)?;
        model.verify()?;
        Ok(model)
    }

    /// Reads a model file, and checks its header but not the checksum of what follows: some thousand instructions, however
    /// long the file is. [`verify`](Self::verify) makes up for it.
    ///
    /// Weights that were damaged make wrong answers, and nothing worse.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes), without [`ModelError::Checksum`].
    #[inline] // an image has one call
    pub fn from_bytes_unverified(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let (header, behind) = bytes.split_first_chunk().ok_or(HeaderError::Truncated { found: bytes.len() })?;
        let Header { kind, shape, payload_len } = Header::parse(header, behind.len())?;
        let payload = behind.get(..payload_len).always("the length of the payload was checked");
        Ok(Self { kind, shape, payload, bytes })
    }

    /// Reads the model file at the beginning of a region that may be longer: a part of flash that is kept for models, and is erased and
    /// written apart from the program. What lies behind the model is not looked at. [`bytes`](Self::bytes) is the file alone.
    ///
    /// An update that was torn is found, whatever was written before: the model's checksums are wrong. A program that writes the
    /// header last has no model in the meantime, and never half of one.
    ///
    /// ```
    /// # use twolayer::{Model, ModelError, include_model, model::HeaderError};
    /// # const FILE: Model<'_> = include_model!("../../tests/models/int8");
    /// let mut flash = [u32::MAX; 256]; // as it is when erased
    /// let region = bytemuck::cast_slice_mut::<_, u8>(&mut flash);
    /// assert!(matches!(Model::from_region(region), Err(ModelError::Header(HeaderError::Magic { .. }))));
    /// region[..FILE.bytes().len()].copy_from_slice(FILE.bytes());
    /// assert_eq!(Model::from_region(region)?.bytes(), FILE.bytes());
    /// # Ok::<(), ModelError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes); [`ModelError::Length`] if the region ends before the model does.
    #[inline] // an image has one call
    pub fn from_region(region: &'a [u8]) -> Result<Self, ModelError> {
        let len = region.first_chunk().map_or(0, header::file_len);
        Self::from_bytes(region.get(..len).unwrap_or(region))
    }

    /// Compares what follows the header with its checksum: one pass over the file.
    ///
    /// # Errors
    ///
    /// [`ModelError::Checksum`] when any bit of it was changed since it was written.
    pub fn verify(&self) -> Result<(), ModelError> {
        let Some((header, behind)) = self.bytes.split_first_chunk() else { return Ok(()) };
        let (found, expected) = (header::checksum(header), crc32(behind));
        if found == expected { Ok(()) } else { Err(ModelError::Checksum { found, expected }) }
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

    /// The whole file, header included. That of [`include_model!`](crate::include_model) begins at a multiple of 16.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The scratch that [`network`](Self::network) (f32 numbers) or [`quantized`](Self::quantized) (words) needs for one image.
    #[must_use]
    pub const fn scratch_len(&self) -> usize {
        match self.kind {
            Kind::F32 => Network::scratch_len(self.shape),
            Kind::Quantized(_) => QuantizedNetwork::scratch_len(self.shape),
        }
    }

    /// What the file says beside its weights.
    ///
    /// # Errors
    ///
    /// When the text is too long or not UTF-8, or an image's width and height are not those of the inputs. This is looked at here only:
    /// firmware that asks for no details has no room for it. The host asks whenever it opens a file, and so does `twolayer_verify` in C.
    pub fn details(&self) -> Result<Details<'a>, ModelError> {
        let Some((header, behind)) = self.bytes.split_first_chunk() else { return Ok(Details::default()) };
        let text = behind.get(self.payload.len()..).always("the payload is part of the bytes");
        header::check_details(header::image(header), text.len(), self.shape)?;
        let text = core::str::from_utf8(text).map_err(|error| ModelError::Text { at: error.valid_up_to() })?;
        let image = header::image(header);
        Ok(Details { image: Some(image).filter(|image| *image != [0; 2]), text })
    }

    /// The weights of an f32 model, over the same bytes.
    ///
    /// # Errors
    ///
    /// When the weights are of another kind, are not as many as the shape has, lie at an address that is not a multiple of 4,
    /// are not all finite, or are not zero where they only fill up the last panel.
    pub fn weights(&self) -> Result<Weights<'a>, ModelError> {
        if self.kind != Kind::F32 {
            return Err(ModelError::WrongKind { found: self.kind });
        }
        let (found, expected) = (self.payload.len(), size_of::<f32>() * self.shape.weights_len());
        if found != expected {
            return Err(ModelError::Length { found: found as u64, expected: expected as u64 });
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

    /// The network of a plain quantised model, without biases, for images as they are, over the same bytes.
    ///
    /// # Errors
    ///
    /// When the weights are f32, or as [`QuantizedNetwork::new`].
    #[inline] // an image has one call
    pub fn quantized(&self) -> Result<QuantizedNetwork<'a>, ModelError> {
        Ok(QuantizedNetwork::new(self.shape, self.bits()?, self.payload)?)
    }

    /// The network of any quantised model, over the same bytes.
    ///
    /// # Errors
    ///
    /// As [`quantized`](Self::quantized).
    pub fn quantized_any(&self) -> Result<QuantizedNetwork<'a, true>, ModelError> {
        Ok(QuantizedNetwork::any(self.shape, self.bits()?, self.payload)?)
    }

    pub(crate) fn bits(&self) -> Result<Bits, ModelError> {
        match self.kind {
            Kind::Quantized(bits) => Ok(bits),
            Kind::F32 => Err(ModelError::WrongKind { found: self.kind }),
        }
    }
}

/// The length of a payload in bytes.
pub(crate) const fn payload_len(kind: Kind, shape: Shape) -> Result<usize, SizeError> {
    match kind {
        Kind::F32 => Ok(size_of::<f32>() * shape.weights_len()),
        Kind::Quantized(bits) => QuantizedNetwork::payload_len(shape, bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::int::PayloadError;

    const SHAPE: Shape = match Shape::new(5, 3, 2) {
        Ok(shape) => shape,
        Err(_) => panic!("a valid shape"),
    };

    /// A model file, 4-byte aligned behind its header as in a map.
    fn file() -> Vec<u8> {
        let weights: Vec<f32> = (0..u16::try_from(SHAPE.weights_len()).unwrap()).map(f32::from).collect();
        let payload = bytemuck::cast_slice(&weights);
        let header = header(Kind::F32, SHAPE, Details::default(), payload).unwrap();
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

    /// A new model is written over an old one, or over erased flash, in pages of any order: until all of it is there, there is none.
    #[test]
    fn every_torn_update_is_found() {
        let (new, mut old) = (file(), file());
        old[HEADER_LEN] ^= 0x40;
        let crc = crc32(&old[HEADER_LEN..]);
        old[56..60].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32(&old[..60]);
        old[60..64].copy_from_slice(&crc.to_le_bytes());
        let behind = [0xA5; 40];
        let whole = |bytes: &[u8]| [bytes, &behind].concat();
        for before in [whole(&old), vec![0xFF; new.len() + behind.len()]] {
            for written in 0..new.len() {
                let mut header_first = before.clone();
                header_first[..written].copy_from_slice(&new[..written]);
                let mut header_last = before.clone();
                header_last[written..new.len()].copy_from_slice(&new[written..]);
                for region in [header_first, header_last] {
                    let found = Model::from_region(&region).map(|model| model.bytes().to_vec());
                    let untouched = region == before && before[0] != 0xFF;
                    let complete = region[..new.len()] == new;
                    match found {
                        Ok(found) => assert!(complete && found == new || untouched && found == old, "{written}"),
                        Err(_) => assert!(!complete && !untouched, "{written}"),
                    }
                }
            }
        }
        for len in 0..new.len() {
            assert!(Model::from_region(&new[..len]).is_err(), "a region of {len} bytes");
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
            assert_eq!(Model::from_bytes(&file).unwrap_err(), ModelError::Header(HeaderError::Reserved { at }));
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
            [&header(kind, SHAPE, Details::default(), &payload).unwrap()[..], &payload].concat()
        };
        let inputs = |found| ModelError::Size(SizeError::Inputs { found });
        let hidden = |found| ModelError::Size(SizeError::Hidden { found, most: 67_108_736 });
        let outputs = |found| ModelError::Size(SizeError::Outputs { found });
        let length = |expected, found| ModelError::Length { expected, found };
        let payload_length = |expected, found| ModelError::Payload(PayloadError::Length { expected, found });
        let too_large = PayloadError::Size(SizeError::Quantized { found: 65_536, most: 65_535 }).into();
        let (header_crc, payload_crc) = (crc32(&sound(F32)[..60]), crc32(&[0; 448]));
        let most = u32::MAX as usize;
        for (kind, at, field, error, text, status) in [
            (
                F32,
                0,
                &b"twolayer"[..],
                ModelError::Header(HeaderError::Magic { found: *b"twolayer" }),
                "\"twolayer\"",
                "Magic",
            ),
            (F32, 8, &[0, 0], ModelError::Header(HeaderError::Version { found: 0 }), "version 0;", "Header"),
            (F32, 8, &[3, 0], ModelError::Header(HeaderError::Version { found: 3 }), "version 3;", "Header"),
            (F32, 8, &[1, 1], ModelError::Header(HeaderError::Version { found: 257 }), "version 257;", "Header"),
            (F32, 10, &[0, 0], ModelError::Header(HeaderError::Kind { found: 0 }), "kind 0,", "Header"),
            (F32, 10, &[4, 0], ModelError::Header(HeaderError::Kind { found: 4 }), "kind 4,", "Header"),
            (F32, 10, &[1, 1], ModelError::Header(HeaderError::Kind { found: 257 }), "kind 257,", "Header"),
            (F32, 10, &[2, 0], payload_length(102, 448), "448 bytes of weights; expected 102", "Length"),
            (F32, 12, &[0; 4], inputs(0), "0 inputs;", "Header"),
            (F32, 12, &[1, 0, 1, 0], inputs(65_537), "65537 inputs;", "Header"),
            (F32, 12, &[255; 4], inputs(most), "4294967295 inputs;", "Header"),
            (F32, 12, &[6, 0, 0, 0], length(512, 448), "448 bytes of weights; expected 512", "Length"),
            (F32, 16, &[0; 4], hidden(0), "0 hidden units;", "Header"),
            (F32, 16, &[255; 4], hidden(most), "4294967295 hidden units;", "Header"),
            (F32, 16, &[17, 0, 0, 0], length(896, 448), "448 bytes of weights; expected 896", "Length"),
            (F32, 20, &[0; 4], outputs(0), "0 outputs;", "Header"),
            (F32, 20, &[1, 1, 0, 0], outputs(257), "257 outputs;", "Header"),
            (F32, 20, &[255; 4], outputs(most), "4294967295 outputs;", "Header"),
            (F32, 20, &[1, 0, 0, 0], length(384, 448), "448 bytes of weights; expected 384", "Length"),
            (F32, 24, &[0], ModelError::Header(HeaderError::Offset { found: 0 }), "at byte 0;", "Header"),
            (F32, 24, &[65], ModelError::Header(HeaderError::Offset { found: 65 }), "at byte 65;", "Header"),
            (
                F32,
                28,
                &[1],
                ModelError::Header(HeaderError::Offset { found: (1 << 32) + 64 }),
                "at byte 0x100000040;",
                "Header",
            ),
            (F32, 32, &[191], length(447, 448), "448 bytes of weights; expected 447", "Length"),
            (F32, 32, &[193], length(449, 448), "448 bytes of weights; expected 449", "Length"),
            (F32, 36, &[1], length((1 << 32) + 448, 448), "448 bytes of weights; expected 0x1000001c0", "Length"),
            (F32, 40, &[1], ModelError::Header(HeaderError::Reserved { at: 40 }), "byte 40 ", "Header"),
            (F32, 55, &[255], ModelError::Header(HeaderError::Reserved { at: 55 }), "byte 55 ", "Header"),
            (
                F32,
                56,
                &[1, 0, 0, 0],
                ModelError::Checksum { found: 1, expected: payload_crc },
                "says 00000001",
                "Checksum",
            ),
            (
                F32,
                60,
                &[1, 0, 0, 0],
                ModelError::Header(HeaderError::Checksum { found: 1, expected: header_crc }),
                "says 00000001",
                "Checksum",
            ),
            (INT8, 10, &[1, 0], length(448, 102), "102 bytes of weights; expected 448", "Length"),
            (INT8, 12, &[4, 0, 0, 0], payload_length(86, 102), "102 bytes of weights; expected 86", "Length"),
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
            let network = Model::from_bytes(&file).and_then(|model| match model.kind() {
                F32 => model.weights().map(|_| ()),
                Kind::Quantized(_) => model.quantized().map(|_| ()),
            });
            let found = network.unwrap_err();
            assert_eq!(found, error, "{kind}, byte {at}: {field:?}");
            assert!(found.to_string().contains(text), "{kind}, byte {at}: {found}");
            #[cfg(feature = "ffi")]
            assert_eq!(format!("{:?}", crate::ffi::Status::from(found)), status, "{kind}, byte {at}: {field:?}");
            #[cfg(not(feature = "ffi"))]
            let _ = status;
        }
    }

    /// A model of version 2.
    fn second_file() -> Vec<u8> {
        let shape = SHAPE.with_biases();
        let mut weights = vec![0.0; shape.weights_len()];
        let mut next = 0.0;
        crate::net::WeightsMut::new(shape, &mut weights).unwrap().fill_with(|| {
            next += 1.0;
            next
        });
        let payload = bytemuck::cast_slice(&weights);
        let details = Details { image: Some([5, 1]), text: "a → b" };
        [&header(Kind::F32, shape, details, payload).unwrap()[..], payload, details.text.as_bytes()].concat()
    }

    #[test]
    fn version_2_says_more() {
        let file = second_file();
        let model = Model::from_bytes(&file).unwrap();
        assert_eq!((file[8], model.shape()), (2, SHAPE.with_biases()));
        assert_eq!(model.details(), Ok(Details { image: Some([5, 1]), text: "a → b" }));
        assert_eq!(model.payload().len(), SHAPE.with_biases().weights_len() * 4);
        for bit in 0..file.len() * 8 {
            let mut file = file.clone();
            file[bit / 8] ^= 1 << (bit % 8);
            assert!(Model::from_bytes(&file).is_err(), "bit {bit}");
        }
        for len in 0..file.len() {
            assert!(Model::from_bytes(&file[..len]).is_err(), "cut to {len} bytes");
        }
        assert!(Model::from_bytes(&[&file[..], &[0]].concat()).is_err());
    }

    /// What needs nothing of version 2 is version 1, and each thing that does is version 2.
    #[test]
    fn the_version_is_the_oldest_that_can_say_it() {
        let payload = vec![0; SHAPE.with_biases().weights_len() * 4];
        let version =
            |shape: Shape, details| header(Kind::F32, shape, details, &payload[..shape.weights_len() * 4]).unwrap()[8];
        let nothing = Details::default();
        assert_eq!(version(SHAPE, nothing), 1);
        assert_eq!(version(SHAPE.with_biases(), nothing), 2);
        assert_eq!(version(SHAPE, Details { image: Some([1, 5]), ..nothing }), 2);
        assert_eq!(version(SHAPE, Details { text: "x", ..nothing }), 2);
    }

    /// Halved images with biases and without, and the longest text.
    #[test]
    fn version_2_says_all_at_once() {
        let shape = Shape::new(6, 3, 2).unwrap();
        let text = "é".repeat(MAX_TEXT / 2);
        for shape in [shape, shape.with_biases()].map(|shape| shape.with_halved_images([4, 6]).unwrap()) {
            let payload = vec![0; payload_len(Kind::F32, shape).unwrap()];
            for image in [None, Some([4, 6])] {
                let header = header(Kind::F32, shape, Details { image, text: &text }, &payload).unwrap();
                let file = [&header[..], &payload, text.as_bytes()].concat();
                let model = Model::from_bytes(&file).unwrap();
                assert_eq!((model.shape(), model.bytes()), (shape, &file[..]));
                assert_eq!(model.details(), Ok(Details { image: Some([4, 6]), text: &text }));
            }
            // As many pixels, but other columns.
            let details = Details { image: Some([6, 4]), text: "" };
            let refused = Err(ModelError::Header(HeaderError::Image { width: 6, height: 4, pixels: 24 }));
            assert_eq!(header(Kind::F32, shape, details, &payload), refused);
        }
    }

    #[test]
    fn what_version_2_says_is_checked() {
        type Found = Result<(), ModelError>;
        let open = |change: &dyn Fn(&mut Vec<u8>)| -> Found {
            let mut file = second_file();
            change(&mut file);
            let crc = crc32(&file[HEADER_LEN..]);
            file[56..60].copy_from_slice(&crc.to_le_bytes());
            let crc = crc32(&file[..60]);
            file[60..64].copy_from_slice(&crc.to_le_bytes());
            let model = Model::from_bytes(&file)?;
            model.details()?;
            model.weights().map(|_| ())
        };
        assert_eq!(open(&|_| ()), Ok(()));
        let image = |width, height| Err(ModelError::Header(HeaderError::Image { width, height, pixels: 5 }));
        assert_eq!(open(&|file| file[40] = 4), image(4, 1));
        assert_eq!(open(&|file| file[42] = 0), image(5, 0));
        assert_eq!(open(&|file| file[44] = 8), Err(ModelError::Header(HeaderError::Flags { found: 8 })));
        // Deslanted images have as many pixels as there are inputs, too.
        let sides = |file: &mut Vec<u8>| (file[44], file[40], file[42]) = (5, 1, 6);
        assert_eq!(open(&sides), Err(ModelError::Size(SizeError::Deslants { width: 1, height: 6, pixels: 5 })));
        assert_eq!(open(&|file| file[46] = 1), Err(ModelError::Header(HeaderError::Flags { found: 0x1_0001 })));
        assert_eq!(open(&|file| file[52] = 1), Err(ModelError::Header(HeaderError::Reserved { at: 52 })));
        let len = SHAPE.with_biases().weights_len() as u64 * 4;
        let length = |expected, found| Err(ModelError::Length { expected, found });
        // Without the flag of the biases, they are too many.
        assert_eq!(open(&|file| file[44] = 0), length(SHAPE.weights_len() as u64 * 4, len));
        assert_eq!(open(&|file| file[48] -= 1), length(len, len + 1));
        assert_eq!(open(&|file| file[51] = 1), length(len, 0));
        let text_at = HEADER_LEN + usize::try_from(len).unwrap();
        assert_eq!(open(&|file| file[text_at + 2] = 0xFF), Err(ModelError::Text { at: 2 }));
        let long = |file: &mut Vec<u8>| {
            file.resize(text_at + MAX_TEXT + 1, b' ');
            file[48..50].copy_from_slice(&[1, 0x10]);
        };
        assert_eq!(open(&long), Err(ModelError::Header(HeaderError::Text { found: MAX_TEXT + 1 })));
        let text = " ".repeat(MAX_TEXT + 1);
        let payload = vec![0; SHAPE.weights_len() * 4];
        let refused = |details| header(Kind::F32, SHAPE, details, &payload).unwrap_err();
        assert_eq!(
            refused(Details { image: None, text: &text }),
            ModelError::Header(HeaderError::Text { found: MAX_TEXT + 1 })
        );
        let refused = refused(Details { image: Some([2, 2]), text: "" });
        assert_eq!(refused.to_string(), "images of 2 × 2 pixels for a network that takes 5 pixels");
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
        let header = header(Kind::F32, SHAPE, Details::default(), payload).unwrap();
        let model = Model::from_bytes(&[&header[..], payload].concat()).map(|m| m.shape());
        assert_eq!(model, Ok(SHAPE));
        let model = Model { kind: Kind::F32, shape: SHAPE, payload, bytes: &[] };
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
                let model = Model { kind: Kind::F32, shape, payload: bytemuck::cast_slice(&weights), bytes: &[] };
                let expected = if used.contains(&index) { Ok(&weights[..]) } else { Err(ModelError::Filler { index }) };
                assert_eq!(model.weights().map(Weights::numbers), expected, "{shape}");
            }
        }
    }

    #[test]
    fn a_misaligned_model_is_an_error() {
        let weights = vec![0.0_f32; SHAPE.weights_len() + 1];
        let payload = &bytemuck::cast_slice(&weights)[1..=SHAPE.weights_len() * 4];
        let model = Model { kind: Kind::F32, shape: SHAPE, payload, bytes: &[] };
        assert_eq!(model.network(Backend::baseline()).unwrap_err(), ModelError::Misaligned { expected: 4 });
    }
}
