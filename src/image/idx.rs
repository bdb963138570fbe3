//! The IDX format of the MNIST files, read in place.
//!
//! A file is two zero bytes, the element type, the number of dimensions, each dimension as a big-endian u32, and the
//! elements, last dimension fastest. See <http://yann.lecun.com/exdb/mnist/>. Parsing reads the header only.

use crate::base::messages;
use core::slice::ChunksExact;

/// The six element types that the format knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Element {
    /// Unsigned bytes: pixels and labels.
    U8 = 0x08,
    /// Signed bytes.
    I8 = 0x09,
    /// Big-endian 16-bit integers.
    I16 = 0x0B,
    /// Big-endian 32-bit integers.
    I32 = 0x0C,
    /// Big-endian single precision.
    F32 = 0x0D,
    /// Big-endian double precision.
    F64 = 0x0E,
}

impl Element {
    const ALL: [Self; 6] = [Self::U8, Self::I8, Self::I16, Self::I32, Self::F32, Self::F64];

    /// The element type that a file's third byte stands for.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|element| *element as u8 == code)
    }

    /// Bytes of one element.
    #[must_use]
    pub const fn size(self) -> u32 {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

messages! { Element:
    Self::U8 => "u8";
    Self::I8 => "i8";
    Self::I16 => "i16";
    Self::I32 => "i32";
    Self::F32 => "f32";
    Self::F64 => "f64";
}

/// One IDX file over borrowed bytes: a header that was checked, and exactly as many bytes as it announces.
///
/// ```
/// # fn main() -> Result<(), twolayer::IdxError> {
/// let file = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
/// let idx = twolayer::Idx::parse(&file)?;
/// assert!(idx.dimensions().eq([2, 3]));
/// assert_eq!(idx.data(), [1, 2, 3, 4, 5, 6]);
/// assert!(idx.images()?.eq([[1, 2, 3], [4, 5, 6]]));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Idx<'a> {
    element: Element,
    dimensions: &'a [[u8; 4]],
    data: &'a [u8],
}

impl<'a> Idx<'a> {
    /// The longest header: of 255 dimensions.
    #[cfg(feature = "std")]
    pub(crate) const MAX_HEADER_LEN: usize = 4 + 255 * 4;

    /// Reads the header of a whole file.
    ///
    /// # Errors
    ///
    /// - [`IdxError::Header`], [`IdxError::Magic`], [`IdxError::Element`]: the bytes do not begin as an IDX file does;
    /// - [`IdxError::TooLarge`], [`IdxError::Length`]: they are more or fewer than the header announces.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, IdxError> {
        let (idx, expected) = Self::parse_header(bytes)?;
        match idx.data.len() as u64 {
            found if found == expected => Ok(idx),
            found => Err(IdxError::Length { expected, found }),
        }
    }

    /// The length in bytes that the header at the start of a file announces for the whole.
    #[cfg(feature = "std")]
    pub(crate) fn file_len(start: &[u8]) -> Result<u64, IdxError> {
        let (idx, elements) = Idx::parse_header(start)?;
        elements.checked_add((start.len() - idx.data.len()) as u64).ok_or(IdxError::TooLarge)
    }

    /// A header and all that follows it, and how many bytes of elements it announces.
    fn parse_header(bytes: &'a [u8]) -> Result<(Self, u64), IdxError> {
        let too_short = IdxError::Header { found: bytes.len() };
        let (magic, rest) = bytes.split_first_chunk::<4>().ok_or(too_short)?;
        let &[0, 0, code, rank] = magic else {
            return Err(IdxError::Magic { found: *magic });
        };
        let element = Element::from_code(code).ok_or(IdxError::Element { found: code })?;
        let (dimensions, data) = rest.split_at_checked(usize::from(rank) * 4).ok_or(too_short)?;
        let idx = Self { element, dimensions: dimensions.as_chunks().0, data };
        let expected = product(idx.dimensions).and_then(|count| count.checked_mul(element.size().into()));
        Ok((idx, expected.ok_or(IdxError::TooLarge)?))
    }

    /// The type of the elements.
    #[must_use]
    pub const fn element(&self) -> Element {
        self.element
    }

    /// The dimensions, slowest first.
    #[must_use]
    pub fn dimensions(&self) -> impl ExactSizeIterator<Item = u32> {
        self.dimensions.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// All elements, as they lie in the file.
    #[must_use]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The file as images, one after the other: u8 elements; the first dimension counts images, all others together make an image's
    /// pixels, of which there is at least one.
    ///
    /// # Errors
    ///
    /// [`IdxError::NotImages`] when the elements are not u8, there are fewer than two dimensions, or an image has no pixels;
    /// [`IdxError::TooLarge`] when an image has more pixels than this machine can address.
    pub fn images(&self) -> Result<ChunksExact<'a, u8>, IdxError> {
        let wrong = IdxError::NotImages { element: self.element, rank: self.dimensions.len() };
        let (Element::U8, [_, sides @ ..]) = (self.element, self.dimensions) else { return Err(wrong) };
        if sides.is_empty() {
            return Err(wrong);
        }
        // At most the file's length if there are images at all; checked for a file that announces none.
        let pixels = product(sides).and_then(|pixels| u32::try_from(pixels).ok());
        let pixels = usize::try_from(pixels.ok_or(IdxError::TooLarge)?).map_err(|_| IdxError::TooLarge)?;
        if pixels == 0 { Err(wrong) } else { Ok(self.data.chunks_exact(pixels)) }
    }

    /// The file as labels: u8 elements in one dimension.
    ///
    /// # Errors
    ///
    /// [`IdxError::NotLabels`] when the elements are not u8 or there is not exactly one dimension.
    pub fn labels(&self) -> Result<&'a [u8], IdxError> {
        match (self.element, self.dimensions.len()) {
            (Element::U8, 1) => Ok(self.data),
            (element, rank) => Err(IdxError::NotLabels { element, rank }),
        }
    }
}

/// The product of dimensions, in u64 so that 32-bit targets see the same sizes; `None` where it is beyond that. A dimension
/// of 0 makes it 0, wherever it stands.
fn product(dimensions: &[[u8; 4]]) -> Option<u64> {
    if dimensions.contains(&[0; 4]) {
        return Some(0);
    }
    dimensions.iter().try_fold(1_u64, |product, bytes| product.checked_mul(u32::from_be_bytes(*bytes).into()))
}

/// Why bytes are not the IDX file that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum IdxError {
    /// The file ends within its header: it has `found` bytes.
    Header { found: usize },
    /// The first two of the first four bytes are not zero.
    Magic { found: [u8; 4] },
    /// The third byte is not an element type.
    Element { found: u8 },
    /// The dimensions announce more bytes than any file holds.
    TooLarge,
    /// More or fewer bytes of elements than the header announces.
    Length { expected: u64, found: u64 },
    /// Not images: elements of another type, or in `rank` dimensions.
    NotImages { element: Element, rank: usize },
    /// Not labels: elements of another type, or in `rank` dimensions.
    NotLabels { element: Element, rank: usize },
}

messages! { IdxError:
    Self::Header { found } => "the file ends after {found} bytes, within the IDX header";
    Self::Magic { found: [0x1f, 0x8b, ..] } => "not an IDX file but a gzip archive (bytes 1f 8b): expand it";
    Self::Magic { found: [b'<', ..] } =>
        "not an IDX file but an HTML page, such as a server sends instead of a file: fetch it again";
    Self::Magic { found: [b'v', b'e', b'r', b's'] } =>
        "not an IDX file but a git-lfs pointer, or other text: fetch the file itself (git lfs pull)";
    Self::Magic { found: [a, b, c, d] } =>
        "not an IDX file: it begins with the bytes {a:02x} {b:02x} {c:02x} {d:02x}, not 00 00 08";
    Self::Element { found } => "IDX element type {found:#04x} at byte 2; there are 0x08, 0x09 and 0x0b to 0x0e";
    Self::TooLarge => "the IDX header's dimensions announce more than a file can hold";
    Self::Length { expected, found } if found < expected =>
        "truncated file: the IDX header announces {expected} bytes of elements, {found} follow";
    Self::Length { expected, found } => "the IDX header announces {expected} bytes of elements, but {found} follow";
    Self::NotImages { element, rank } =>
        "IDX elements of {element} in {rank} dimensions; images are u8 in 2 or more, none of them 0";
    Self::NotLabels { element, rank } => "IDX elements of {element} in {rank} dimensions; labels are u8 in 1";
}

impl core::error::Error for IdxError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of that header; elements follow as announced, counting up.
    fn file(code: u8, dimensions: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0, 0, code, u8::try_from(dimensions.len()).unwrap()];
        bytes.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
        let size = [1, 1, 1, 2, 4, 4, 8][usize::from(code - 0x08)];
        let len = dimensions.iter().product::<u32>() * size;
        bytes.extend((0..len).map(|i| i.to_le_bytes()[0]));
        bytes
    }

    #[test]
    fn every_element_type_and_rank_is_read() {
        for (code, size, name) in
            [(0x08, 1, "u8"), (0x09, 1, "i8"), (0x0B, 2, "i16"), (0x0C, 4, "i32"), (0x0D, 4, "f32"), (0x0E, 8, "f64")]
        {
            for dimensions in [&[][..], &[3], &[2, 3], &[2, 3, 4], &[1, 2, 3, 4, 5], &[0], &[0, 7, 7]] {
                let bytes = file(code, dimensions);
                let idx = Idx::parse(&bytes).unwrap();
                assert_eq!((idx.element() as u8, idx.element().to_string().as_str()), (code, name));
                assert_eq!(idx.data().len(), size * dimensions.iter().product::<u32>() as usize);
                assert!(idx.dimensions().eq(dimensions.iter().copied()));
                assert_eq!(idx.images().is_ok(), code == 0x08 && dimensions.len() > 1);
                assert_eq!(idx.labels().is_ok(), code == 0x08 && dimensions.len() == 1);
            }
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn the_longest_header_tells_the_length_of_its_file() {
        let bytes = file(0x0E, &[1; 255]);
        assert_eq!(bytes.len(), Idx::MAX_HEADER_LEN + 8);
        for start in [Idx::MAX_HEADER_LEN, Idx::MAX_HEADER_LEN + 3] {
            assert_eq!(Idx::file_len(&bytes[..start]), Ok(bytes.len() as u64));
        }
        let found = Idx::MAX_HEADER_LEN - 1;
        assert_eq!(Idx::file_len(&bytes[..found]), Err(IdxError::Header { found }));
        let endless = [&[0, 0, 8, 2][..], &[0xFF; 8]].concat();
        assert_eq!(Idx::file_len(&endless), Ok(12 + 0xFFFF_FFFF * 0xFFFF_FFFF));
        // 2⁶⁴ − 1 elements, and the header.
        let beyond = [0xFFFF_FFFF_u32, 641, 6_700_417].map(u32::to_be_bytes);
        assert_eq!(Idx::file_len(&[&[0, 0, 8, 3], beyond.as_flattened()].concat()), Err(IdxError::TooLarge));
    }

    #[test]
    fn images_keep_their_pixels() {
        let bytes = file(8, &[3, 2, 2]);
        let images = Idx::parse(&bytes).unwrap().images().unwrap();
        assert!(images.eq([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]));
    }

    #[test]
    fn a_file_cut_anywhere_or_longer_is_refused() {
        let mut bytes = file(8, &[3, 2, 2]);
        for len in 0..bytes.len() {
            assert!(Idx::parse(&bytes[..len]).is_err(), "cut to {len} bytes");
        }
        bytes.push(0);
        assert_eq!(Idx::parse(&bytes).unwrap_err(), IdxError::Length { expected: 12, found: 13 });
    }

    #[test]
    fn every_flipped_header_bit_is_noticed() {
        let bytes = file(8, &[3, 2, 2]);
        for bit in 0..16 * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Idx::parse(&bytes).and_then(|idx| idx.images()).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn sizes_beyond_64_bits_are_refused() {
        let mut bytes = vec![0, 0, 8, 3];
        bytes.extend([0xff; 12]);
        assert_eq!(Idx::parse(&bytes).unwrap_err(), IdxError::TooLarge);
        let empty = [0, 0, 8, 3, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(Idx::parse(&empty).unwrap().images().unwrap_err(), IdxError::TooLarge);
    }

    #[test]
    fn errors_say_what_is_there_instead() {
        for (error, text) in [
            (IdxError::Header { found: 7 }, "ends after 7 bytes"),
            (IdxError::Magic { found: [0x1f, 0x8b, 8, 0] }, "a gzip archive"),
            (IdxError::Magic { found: *b"<!DO" }, "an HTML page"),
            (IdxError::Magic { found: *b"vers" }, "a git-lfs pointer"),
            (IdxError::Magic { found: [1, 2, 3, 4] }, "begins with the bytes 01 02 03 04"),
            (IdxError::Element { found: 10 }, "type 0x0a at byte 2"),
            (IdxError::TooLarge, "more than a file can hold"),
            (
                IdxError::Length { expected: 5, found: 4 },
                "truncated file: the IDX header announces 5 bytes of elements, 4 follow",
            ),
            (IdxError::Length { expected: 5, found: 6 }, "announces 5 bytes of elements, but 6 follow"),
            (IdxError::NotImages { element: Element::I16, rank: 2 }, "of i16 in 2 dimensions; images are"),
            (IdxError::NotLabels { element: Element::U8, rank: 3 }, "of u8 in 3 dimensions; labels are"),
        ] {
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    /// Sizes that overflow, and a 0 before, between or behind them: nothing is announced.
    #[test]
    fn a_dimension_of_0_counts_wherever_it_stands() {
        let (no_images, no_pixels) = (IdxError::TooLarge, IdxError::NotImages { element: Element::U8, rank: 4 });
        for (zero, verdict) in [no_images, no_pixels, no_pixels, no_pixels].into_iter().enumerate() {
            let mut bytes = vec![0, 0, 8, 4];
            bytes.extend((0..4).flat_map(|n| if n == zero { [0; 4] } else { [0xff; 4] }));
            let idx = Idx::parse(&bytes).unwrap();
            assert_eq!((idx.data(), idx.images().unwrap_err()), (&[][..], verdict), "dimension {zero} is 0");
        }
    }
}
