//! The header of a model file, read and written. The [module's page](super) has it as a table.

use super::{Details, HeaderError, Kind, MAX_TEXT, ModelError};
use crate::base::{crc32, crc32_of_both};
use crate::net::Shape;

/// The length of a model file's header in bytes, and so where the payload begins.
pub const HEADER_LEN: usize = 64;

const MAGIC: [u8; 8] = *b"TWOLAYER";
/// The newest version, and so the number of versions.
pub(super) const VERSION: u16 = 2;

/// What a header says of what follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    /// The payload's length in bytes.
    pub(super) payload_len: usize,
}

impl Header {
    /// Reads and checks a header that so many bytes follow. While the program is compiled, too: for `include_model!`.
    #[inline(always)] // an image has one call
    pub(super) const fn parse(header: &[u8; HEADER_LEN], behind: usize) -> Result<Self, ModelError> {
        let payload_len = payload_len(header, behind);
        let shape = match checked_shape(header, payload_len) {
            Ok(shape) => shape,
            Err(error) => return Err(error),
        };
        match Kind::from_code(kind(header)) {
            Some(kind) => Ok(Self { kind, shape, payload_len }),
            None => Err(ModelError::Header(HeaderError::Kind { found: kind(header) })),
        }
    }
}

/// The shape in a header, of which all is checked but the kind.
#[inline(never)] // so that it gives little more than an error
const fn checked_shape(header: &[u8; HEADER_LEN], payload_len: usize) -> Result<Shape, ModelError> {
    let magic = two_words(header, 0);
    if magic != u64::from_le_bytes(MAGIC) {
        return Err(ModelError::Header(HeaderError::Magic { found: magic.to_le_bytes() }));
    }
    let [version, _] = halves(word(header, 2));
    if version == 0 || version > VERSION {
        return Err(ModelError::Header(HeaderError::Version { found: version }));
    }
    let (found, expected) = (word(header, 15), header_crc(header));
    if found != expected {
        return Err(ModelError::Header(HeaderError::Checksum { found, expected }));
    }
    let mut at = if version == 1 { 40 } else { 52 };
    while at < 56 {
        if header[at] != 0 {
            return Err(ModelError::Header(HeaderError::Reserved { at }));
        }
        at += 1;
    }
    let sizes = Shape::new(word(header, 3) as usize, word(header, 4) as usize, word(header, 5) as usize);
    let mut shape = match sizes {
        Ok(shape) => shape,
        Err(error) => return Err(ModelError::Size(error)),
    };
    let flags = word(header, 11);
    if flags > (Shape::BIASES | Shape::HALVES | Shape::DESLANTS) as u32 {
        return Err(ModelError::Header(HeaderError::Flags { found: flags }));
    }
    let [flags, ..] = flags.to_le_bytes();
    if flags & Shape::BIASES != 0 {
        shape = shape.with_biases();
    }
    if flags & (Shape::HALVES | Shape::DESLANTS) != 0 {
        shape = match shape.with_images(image(header), flags) {
            Ok(shape) => shape,
            Err(error) => return Err(ModelError::Size(error)),
        };
    }
    let offset = two_words(header, 6);
    if offset != HEADER_LEN as u64 {
        return Err(ModelError::Header(HeaderError::Offset { found: offset }));
    }
    let expected = two_words(header, 8);
    if payload_len as u64 != expected {
        return Err(ModelError::Length { expected, found: payload_len as u64 });
    }
    Ok(shape)
}

/// Checks that a text is not too long, and that width and height of an image are those of the network's, or both zero.
pub(super) const fn check_details([width, height]: [u16; 2], text: usize, shape: Shape) -> Result<(), HeaderError> {
    if text > MAX_TEXT {
        return Err(HeaderError::Text { found: text });
    }
    let fits = match shape.prepared_image() {
        Some([columns, rows]) => width == columns && height == rows,
        None => width as usize * height as usize == shape.pixels(),
    };
    if fits || width | height == 0 { Ok(()) } else { Err(HeaderError::Image { width, height, pixels: shape.pixels() }) }
}

/// The number of the kind.
const fn kind(header: &[u8; HEADER_LEN]) -> u16 {
    halves(word(header, 2))[1]
}

/// The length of the payload, of so many bytes behind the header. A text longer than the file leaves none, which no network has.
const fn payload_len(header: &[u8; HEADER_LEN], behind: usize) -> usize {
    behind.saturating_sub(word(header, 12) as usize)
}

/// The length of the file that begins with this header, if it is one.
pub(super) const fn file_len(header: &[u8; HEADER_LEN]) -> usize {
    let payload = two_words(header, 8);
    #[expect(clippy::cast_possible_truncation, reason = "at most what a usize holds")]
    let payload = if payload > usize::MAX as u64 { usize::MAX } else { payload as usize };
    HEADER_LEN.saturating_add(payload).saturating_add(word(header, 12) as usize)
}

/// An image's width and height; zeros where they are not known.
pub(super) const fn image(header: &[u8; HEADER_LEN]) -> [u16; 2] {
    halves(word(header, 10))
}

/// The checksum of all that follows the header.
pub(super) const fn checksum(header: &[u8; HEADER_LEN]) -> u32 {
    word(header, 14)
}

/// The header for a payload: a model file is these bytes, the payload and the text of `details`.
///
/// # Errors
///
/// [`ModelError::Length`] when the payload is not as long as its kind and shape say, [`ModelError::Size`] when the shape is none
/// of its kind, [`HeaderError::Text`] when the text is too long, [`HeaderError::Image`] when an image's width and height are not
/// those of its inputs.
pub fn header(kind: Kind, shape: Shape, details: Details<'_>, payload: &[u8]) -> Result<[u8; HEADER_LEN], ModelError> {
    let (expected, found) = (super::payload_len(kind, shape)? as u64, payload.len() as u64);
    if found != expected {
        return Err(ModelError::Length { expected, found });
    }
    let text = details.text.as_bytes();
    let image = details.image.or(shape.prepared_image()).unwrap_or_default();
    check_details(image, text.len(), shape)?;
    let flags = shape.flags();
    let version = if flags == 0 && details == Details::default() { 1 } else { VERSION };
    // A shape's sizes, and the text's length, are far below 2³².
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let [magic, magic_end] = bytemuck::cast(MAGIC);
    let [len, len_end] = bytemuck::cast(found);
    let words: [u32; HEADER_LEN / 4] = [
        magic,
        magic_end,
        bytemuck::cast([version, kind.code()]),
        size(shape.inputs()),
        size(shape.hidden()),
        size(shape.outputs()),
        size(HEADER_LEN),
        0,
        len,
        len_end,
        bytemuck::cast(image),
        flags.into(),
        size(text.len()),
        0,
        crc32_of_both(payload, text),
        0,
    ];
    let mut bytes: [u8; HEADER_LEN] = bytemuck::cast(words);
    let crc = header_crc(&bytes).to_le_bytes();
    bytes[HEADER_LEN - crc.len()..].copy_from_slice(&crc);
    Ok(bytes)
}

/// One of the header's sixteen words.
const fn word(header: &[u8; HEADER_LEN], number: usize) -> u32 {
    let (words, _) = header.as_chunks();
    // Asked, so that no panic is linked where this is not inlined.
    if number < words.len() { u32::from_le_bytes(words[number]) } else { 0 }
}

const fn two_words(header: &[u8; HEADER_LEN], first: usize) -> u64 {
    word(header, first) as u64 | (word(header, first + 1) as u64) << 32
}

/// The halves of a word, low before high.
const fn halves(word: u32) -> [u16; 2] {
    let [a, b, c, d] = word.to_le_bytes();
    [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])]
}

/// The checksum of all but the header's last word.
const fn header_crc(header: &[u8; HEADER_LEN]) -> u32 {
    match header.split_last_chunk::<4>() {
        Some((covered, _)) => crc32(covered),
        None => 0,
    }
}
