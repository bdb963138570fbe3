//! Pictures to digits: from a grey picture of any size to the network's input, as MNIST was made.
//!
//! A network knows what it was trained on: light ink on black, one digit, its longer side 20 of 28 pixels, its centre of
//! mass in the middle. [`Picture::normalize`] makes that of a camera's frame, a scan, a photograph of a sheet of paper or
//! a drawing. It works in integers, in memory that the caller lends, and gives the same bytes on every machine.
//!
//! # What is done
//!
//! 1. The background is taken off: a constant where the picture's border is even; else a smooth surface through the
//!    paper, so that a gradient of light or a soft shadow goes; else, where ink or something else is at the border, the level
//!    of the paper.
//! 2. On each side of the background, Otsu's threshold parts ink from paper, and connected blobs of ink are found. What lies
//!    along the picture's edge, and a frame around other ink, are surroundings if there is something within that could be a
//!    digit: a desk, a shadow, the lines of a table. The levels are then found again without them.
//!    A straight line that joins several blobs is taken out.
//! 3. A large filled blob with straight sides is a sheet of paper or a plate. The digit is looked for on it first.
//! 4. The digit is the blob with the most ink, weighed by its contrast, its distance from the middle and whether it is free
//!    of the edge, with all blobs near it: a 5 may have a loose bar. What runs off the picture belongs to it only if it does so
//!    too. It may be dark or light.
//! 5. A floor, low enough for the grey pixels along a stroke's edge and high enough for noise, says which pixels count. No
//!    pixel above the floor is changed. Ink in the digit's box that belongs to something else does not count.
//! 6. The box becomes the input by the five steps that MNIST was made by, see [`Picture::normalize`].
//!
//! # What it costs
//!
//! The picture is read three times where it is clean, and twice for each of a surface, surroundings and a sheet of paper;
//! all else works on maps of a bit a pixel. It is never copied. The scratch is [`Picture::scratch_len`] words: two bits a
//! pixel, and 3.8 kB for 28 × 28 pixels from a picture of up to 328 columns, 10 bytes a column from there on. On a
//! Cortex-M4F a clean 160 × 120 takes 1.2 million instructions and a photograph 3.2 million in the mean, a 64 × 64 takes 0.6
//! and 1.3 million; 2.3 kB of stack. Six digits in a picture of 160 × 120 take 8.2 million, and 3.5 kB; [`Picture::digits_scratch_len`]
//! is a bit a pixel and 1 kB more.
//!
//! # What it does not do
//!
//! It turns nothing. An upright line, or a frame, that touches a digit is part of it. Of a sheet with several digits [`Picture::normalize`] takes the
//! one with the most ink; [`Picture::digits`] gives all of them.

mod area;
mod background;
mod blob;
mod edges;
mod error;
mod histogram;
mod levels;
mod lines;
mod map;
mod number;
mod outline;
mod resample;
mod rule;
mod scene;

use crate::base::Always;
use area::Area;
use background::Background;
use blob::Blobs;
use edges::Edges;
pub use error::{NoDigit, PictureError};
use levels::Levels;
use map::{Map, View};
pub use number::{Digit, Digits};
use resample::{Cells, inner};
use scene::{Memory, Sight, Sizes};

/// A grey picture in memory that the caller owns: rows of bytes, the first row at the top.
///
/// ```
/// use twolayer::picture::{Ink, Picture};
///
/// # fn main() -> Result<(), twolayer::picture::PictureError> {
/// // A dark 7 on light paper, 16 × 16.
/// let mut pixels = [230; 16 * 16];
/// for i in 0..10 {
///     pixels[16 * 3 + 3 + i] = 20;
///     pixels[16 * (3 + i) + 12 - i / 2] = 20;
/// }
/// let picture = Picture::new(&pixels, 16, 16, 16)?;
/// let mut scratch = [0; Picture::scratch_len(16, 16, 28)];
/// let mut input = [0; 28 * 28];
/// let seen = picture.normalize(Ink::Auto, &mut scratch, &mut input)?;
/// assert_eq!((seen.ink, seen.background), (Ink::Dark, 230));
/// assert_eq!((seen.left, seen.top, seen.width, seen.height), (3, 3, 10, 10));
/// assert_eq!(input.iter().max(), Some(&255));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    pixels: &'a [u8],
    width: u32,
    height: u32,
    stride: u32,
}

/// What is darker, the ink or what it is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ink {
    /// Found out: what stands out more from the background, the darker or the lighter pixels, by the sum of the squares
    /// of their differences from it.
    #[default]
    Auto,
    /// Dark ink on light paper.
    Dark,
    /// Light ink on a dark ground, as in MNIST.
    Light,
}

/// The surface's tiles and their histogram have room where the levels are counted.
const _: () = assert!(Background::SCRATCH <= Levels::SCRATCH);

/// What was found in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// [`Ink::Dark`] or [`Ink::Light`].
    pub ink: Ink,
    /// The level of the background, 0 to 255: the median of the border, or that of the paper where the border is none.
    pub background: u8,
    /// The background was taken for the same everywhere; else a surface was taken off.
    pub even: bool,
    /// Nothing else is in the box: all pixels in it that are above the floor are the digit's.
    pub alone: bool,
    /// The mean difference of ink from the background, in levels.
    pub contrast: u8,
    /// Otsu's threshold: what differs more from the background, in levels, is ink.
    pub threshold: u8,
    /// What differs no more from the background, in levels, is taken for background.
    pub floor: u8,
    /// The first column of the digit's box, which is that of all pixels above the floor.
    pub left: u32,
    /// The first row of the digit's box.
    pub top: u32,
    /// The columns of the digit's box.
    pub width: u32,
    /// The rows of the digit's box.
    pub height: u32,
}

impl<'a> Picture<'a> {
    /// The most columns and the most rows of a picture.
    pub const MAX_SIDE: u32 = 1 << 14;
    /// The fewest columns and rows of the input that is made.
    pub const MIN_INPUT_SIDE: u32 = 8;
    /// The most columns and rows of the input that is made: as many as the largest [`Shape`](crate::Shape) takes.
    pub const MAX_INPUT_SIDE: u32 = 256;
    /// The least [`contrast`](Seen::contrast) of a digit, in levels.
    pub const MIN_CONTRAST: u8 = 24;
    /// The least length of the longer side of a digit's box, in pixels.
    pub const MIN_DIGIT: u32 = 5;

    /// A picture of `width × height` pixels, whose rows start every `stride` bytes; the last row may end with the picture.
    ///
    /// # Errors
    ///
    /// - [`Size`](PictureError::Size): the picture has no pixels or a side longer than [`MAX_SIDE`](Self::MAX_SIDE);
    /// - [`Stride`](PictureError::Stride): the stride is less than the width;
    /// - [`Pixels`](PictureError::Pixels): there are fewer bytes than `(height − 1) · stride + width`.
    pub const fn new(pixels: &'a [u8], width: u32, height: u32, stride: u32) -> Result<Self, PictureError> {
        if width == 0 || height == 0 || width > Self::MAX_SIDE || height > Self::MAX_SIDE {
            return Err(PictureError::Size { width, height });
        }
        if stride < width {
            return Err(PictureError::Stride { found: stride, expected: width });
        }
        let (found, expected) = (pixels.len() as u64, (height as u64 - 1) * stride as u64 + width as u64);
        if found < expected {
            return Err(PictureError::Pixels { found, expected });
        }
        Ok(Self { pixels, width, height, stride })
    }

    /// The columns.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// The rows.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// The scratch that [`normalize`](Self::normalize) needs for pictures of up to `width` columns and `height` rows
    /// and an input of `side × side` pixels, in words.
    #[must_use]
    pub const fn scratch_len(width: u32, height: u32, side: u32) -> usize {
        Memory::scratch_len(width, height, false) + Self::rest_len(width, side)
    }

    /// What is used in turns.
    const fn rest_len(width: u32, side: u32) -> usize {
        let (blobs, cells) = (Blobs::scratch_len(width), Cells::scratch_len(side));
        let most = if blobs > cells { blobs } else { cells };
        if most > Levels::SCRATCH { most } else { Levels::SCRATCH }
    }

    /// Makes the network's input of the one digit in the picture: `input` is `[side][side]`, 28 × 28 for MNIST's network
    /// or any other square. What was found, and where, is the result.
    ///
    /// The steps are those that MNIST was made by, as the authors of QMNIST found out (Yadav & Bottou 2019, "Cold Case:
    /// The Lost MNIST Digits"):
    ///
    /// 1. crop to the ink's box and lengthen the shorter side to a square of at least 10 × 10 pixels;
    /// 2. double every pixel while the side is shorter than 20;
    /// 3. average by area to 20 × 20, each source pixel being 0.99 of its width wide if it lies on an edge between two;
    /// 4. scale so that the brightest pixel is 255, round half up;
    /// 5. shift by whole pixels into 28 × 28, so that the centre of mass lies in [14, 15) in both directions; less far
    ///    where ink would be lost.
    ///
    /// Three things are not as MNIST's were, since its scans were black and white. The box ends, to an eighth of a pixel, at
    /// half of the level of blurred edges; what their width shows to have spread to the next cells is taken off after
    /// step 3; and the shorter side starts where a cell does: otherwise an enlarged MNIST image would be averaged to
    /// cells half a pixel off.
    ///
    /// For other sides, 20 is 5/7 of the side and 14 half of it, both rounded down. An MNIST image comes back as it was, but
    /// for what was scaled to 254 and becomes 255, and for specks that are no part of the digit.
    ///
    /// # Errors
    ///
    /// - [`Input`](PictureError::Input), [`Scratch`](PictureError::Scratch): a buffer is not as long as it must be;
    /// - [`Blank`](PictureError::Blank): ink differs from paper by less than [`MIN_CONTRAST`](Self::MIN_CONTRAST) levels;
    /// - [`NoDigit`](PictureError::NoDigit) of [`Noise`](NoDigit::Noise): or by less than three times the noise, which is the median
    ///   difference of all else from the background;
    /// - [`NoDigit`](PictureError::NoDigit) of [`Texture`](NoDigit::Texture): a quarter as many runs of ink in rows as pixels, or more;
    /// - [`NoDigit`](PictureError::NoDigit) of [`Scattered`](NoDigit::Scattered): the largest blob has less than a tenth of all ink;
    /// - [`NoDigit`](PictureError::NoDigit) of [`Filled`](NoDigit::Filled): the blob fills its box, and is no narrow 1;
    /// - [`NoDigit`](PictureError::NoDigit) of [`Small`](NoDigit::Small): the longer side of the digit is shorter than [`MIN_DIGIT`](Self::MIN_DIGIT).
    ///
    /// On an error `input` is as it was.
    pub fn normalize(&self, ink: Ink, scratch: &mut [u32], input: &mut [u8]) -> Result<Seen, PictureError> {
        let side = side_of(input.len())?;
        let scratch = Self::checked(scratch, Self::scratch_len(self.width, self.height, side))?;
        let mut memory = Memory::new(self.width, self.height, false, scratch);
        let sight = scene::look(*self, ink.allowed(), Sizes::ONE, &mut memory)?;
        let (area, mask) = outline::find(&sight, &mut memory);
        Ok(sight.place(area, mask, &mut memory, side, input))
    }

    /// The scratch that [`digits`](Self::digits) needs for pictures of up to `width` columns and `height` rows and an input of
    /// `side × side` pixels, in words.
    #[must_use]
    pub const fn digits_scratch_len(width: u32, height: u32, side: u32) -> usize {
        Memory::scratch_len(width, height, true) + Self::rest_len(width, side)
    }

    /// Finds all digits in the picture: a number, a date, a form, line by line from left to right. [`Digits::next`] gives the
    /// network's input of one after the other.
    ///
    /// Digits are blobs of ink of about the same height. Smaller ones near them are their parts; lines, frames and what is beside
    /// the paper are none. What is wide, and what is so near that it may be a part of the same digit, is cut and joined in
    /// all ways that there are, and the network tells which is right, as cheques were read (LeCun et al. 1998, "Gradient-Based
    /// Learning Applied to Document Recognition", section V). Where it is not sure of any, the digit is
    /// [`doubtful`](Digit::doubtful).
    ///
    /// ```
    /// use twolayer::Answer;
    /// use twolayer::picture::{Ink, Picture};
    /// # use twolayer::{Network, SizeError};
    /// # fn read(network: &Network<'_>, memory: &mut [f32], pixels: &[u8]) -> Result<(), Box<dyn core::error::Error>> {
    /// let picture = Picture::new(pixels, 160, 120, 160)?;
    /// let mut scratch = [0; Picture::digits_scratch_len(160, 120, 28)];
    /// let mut input = [0; 28 * 28];
    /// let mut digits = picture.digits(Ink::Auto, &mut scratch, &mut input)?;
    /// while let Some(digit) = digits.next(|input| network.outputs(input, memory).map_or(0, Answer::sureness)) {
    ///     let answer = Answer::of(network.outputs(digit.input, memory)?);
    ///     println!("line {}, column {}: {}", digit.line, digit.seen.left, answer.class);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As those of [`normalize`](Self::normalize), but for [`Scattered`](NoDigit::Scattered): many digits may be small.
    pub fn digits<'s>(
        &self,
        ink: Ink,
        scratch: &'s mut [u32],
        input: &'s mut [u8],
    ) -> Result<Digits<'a, 's>, PictureError> {
        let side = side_of(input.len())?;
        let scratch = Self::checked(scratch, Self::digits_scratch_len(self.width, self.height, side))?;
        Digits::new(*self, ink, Memory::new(self.width, self.height, true, scratch), input, side)
    }

    fn checked(scratch: &mut [u32], expected: usize) -> Result<&mut [u32], PictureError> {
        let found = scratch.len();
        if found < expected { Err(PictureError::Scratch { found, expected }) } else { Ok(scratch) }
    }

    /// All of it.
    fn all(&self) -> Area {
        Area::of(0, self.width.saturating_sub(1), 0, self.height.saturating_sub(1))
    }

    /// A part of the picture: where a digit always is, as on a form or a meter.
    ///
    /// # Errors
    ///
    /// [`Size`](PictureError::Size): it has no pixels, or does not lie within the picture.
    pub const fn crop(&self, left: u32, top: u32, width: u32, height: u32) -> Result<Self, PictureError> {
        if left as u64 + width as u64 > self.width as u64 || top as u64 + height as u64 > self.height as u64 {
            return Err(PictureError::Size { width, height });
        }
        // Within the pixels, so below what addresses reach; an area without rows is refused for its size.
        let start = (top as usize).wrapping_mul(self.stride as usize).wrapping_add(left as usize);
        match self.pixels.split_at_checked(start) {
            Some((_, pixels)) => Self::new(pixels, width, height, self.stride),
            None => Err(PictureError::Size { width, height }),
        }
    }

    /// A part of the picture.
    fn part(&self, area: Area) -> Self {
        let start = (u32::from(area.top) as usize).wrapping_mul(self.stride as usize).wrapping_add(area.left.into());
        let pixels = self.pixels.get(start..).always("areas are within the picture");
        Self { pixels, width: area.width(), height: area.height(), stride: self.stride }
    }

    /// The pixels of a row.
    fn row(&self, y: u32) -> &'a [u8] {
        let start = (y as usize).wrapping_mul(self.stride as usize);
        self.pixels.get(start..).and_then(|rest| rest.get(..self.width as usize)).always("rows are within the picture")
    }

    /// All pixels, counted.
    const fn area(&self) -> u32 {
        self.width * self.height
    }
}

impl Ink {
    /// Whether it may be dark, and whether light.
    const fn allowed(self) -> [bool; 2] {
        match self {
            Self::Auto => [true, true],
            Self::Dark => [true, false],
            Self::Light => [false, true],
        }
    }
}

impl Sight<'_> {
    /// The ink in a box as a network's input: all of it above the floor, or what a map has.
    #[inline(never)]
    fn place(&self, area: Area, mask: Option<usize>, memory: &mut Memory<'_>, side: u32, input: &mut [u8]) -> Seen {
        let Self { picture, at: [left, top], background, levels, .. } = self;
        let map = mask.and_then(|n| memory.maps.get(n)).map(|words| Map::new(picture.width, picture.height, &**words));
        let inked = Inked { picture, background: *background, light: levels.light, mask: map };
        let edges = Edges::find(&inked, area, levels.contrast, inner(side));
        let cells = Cells::average(&inked, levels.floor, edges, inner(side), memory.rest);
        cells.place(side, input);
        Seen {
            ink: if levels.light { Ink::Light } else { Ink::Dark },
            background: background.level(),
            even: background.is_even(),
            alone: mask.is_none(),
            contrast: levels.contrast,
            threshold: levels.threshold,
            floor: levels.floor,
            left: left + u32::from(area.left),
            top: top + u32::from(area.top),
            width: area.width(),
            height: area.height(),
        }
    }
}

/// The side of a square input.
fn side_of(len: usize) -> Result<u32, PictureError> {
    let side = u32::try_from(len.isqrt()).always("a root has half of the bits");
    let square = u64::from(side) * u64::from(side) == len as u64;
    if square && (Picture::MIN_INPUT_SIDE..=Picture::MAX_INPUT_SIDE).contains(&side) {
        Ok(side)
    } else {
        Err(PictureError::Input { found: len })
    }
}

/// A picture as ink on nothing: how far each pixel differs from the background, towards the ink.
#[derive(Clone, Copy, Debug)]
struct Inked<'p, 'a> {
    picture: &'p Picture<'a>,
    background: Background,
    light: bool,
    /// The pixels that count; all if there is none.
    mask: Option<View<'p>>,
}

impl<'p> Inked<'p, '_> {
    /// The ink in the columns from `left` to `right − 1` of a row, in levels.
    fn row(&self, y: u32, left: u32, right: u32) -> impl Iterator<Item = u8> {
        let mask = self.mask;
        self.levels(y, left, right).zip(left..).map(
            move |(level, x)| {
                if mask.is_none_or(|mask| mask.is_set(x, y)) { level } else { 0 }
            },
        )
    }

    /// The same without the mask.
    fn levels(&self, y: u32, left: u32, right: u32) -> impl Iterator<Item = u8> + use<'p> {
        let pixels = self.picture.row(y).get(left as usize..right as usize).always("columns are within the picture");
        let (background, light) = (self.background.row(y), self.light);
        pixels.iter().zip(left..).map(move |(&pixel, x)| {
            let above = i32::from(pixel) - background.at(x);
            u8::try_from(if light { above } else { -above }.clamp(0, 255)).always("clamped to 0 to 255")
        })
    }
}

#[cfg(test)]
mod tests;
