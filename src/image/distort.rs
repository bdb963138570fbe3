//! Distorts images for training: each time another handwriting of the same digit, in integers, the same on every machine.
//!
//! Simard, Steinkraus and Platt (2003, "Best Practices for Convolutional Neural Networks") move every pixel by a smooth
//! random field; a random affine map comes on top. The field is so smooth that it is drawn at every fourth pixel of every
//! fourth row only, and is linear in between. An image of 28 × 28 takes some 25,000 operations.

use super::pen;
use crate::base::{Always, PlusPlus};
use crate::net::SizeError;
use crate::simd::{Backend, Isa, TierFn};
use core::num::NonZeroUsize;
use core::{fmt, mem};
use wide::{i32x4, i32x8};

/// How far images are distorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distortion {
    /// In percent of the usual: displacements of 1.1 pixels as a standard deviation, smooth over some 6 pixels, turns up to
    /// 0.25 radians, scales up to 15 % on each axis, shear up to 0.2, shifts up to a pixel. More than
    /// [`MAX_PERCENT`](Self::MAX_PERCENT) counts as that.
    pub percent: u16,
    /// What hands and pens other than those of the images would do, in percent of the usual: strokes up to half a pixel thicker on
    /// each side, or half as much thinner, one in seven images with a broken stroke, slant up to 0.25 and widths up to 20 % beside
    /// those above. And 15 % of the images [are redrawn](Self::redraws), if they are digits. More than [`MAX_PERCENT`](Self::MAX_PERCENT) counts as that.
    pub hands: u16,
}

impl fmt::Display for Distortion {
    /// Such as `distorted by 80 %, other hands by 100 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { percent, hands } = self;
        write!(f, "distorted by {percent} %")?;
        if *hands > 0 { write!(f, ", other hands by {hands} %") } else { Ok(()) }
    }
}

/// Fractional bits of places and of the affine map.
const FRACTION: u32 = 16;
/// Pixels from one point of the field to the next: pixels are moved by cells of so many rows and columns.
const CELL: usize = 4;
/// Pixels of a cell.
const PIXELS: usize = CELL * CELL;
/// The largest displacement at a point before the field is smoothed, in pixels.
const ELASTIC: i64 = 10;
/// Bits of the random numbers that the field is made of.
const NOISE: u32 = 12;
/// What numbers are multiplied by: three sums of 3 along rows and three along columns, which are near a Gaussian of 1.4 points,
/// and four parts of two rows between them.
const GAIN: i64 = 27 * 27 * 4;
/// Levels that are left out: what interpolation spreads around strokes. MNIST has hardly any ink so faint.
const FAINT: u8 = 32;
/// Keeps the distortions of one run from those of the next.
const RUN: u64 = 0x9E37_79B9_7F4A_7C15;
/// Keeps what pens do from depending on the same random numbers as places.
const HANDS: u64 = 0x4F74_6865_7248_616E;

impl Distortion {
    /// The largest [`percent`](Self::percent).
    pub const MAX_PERCENT: u16 = 400;

    /// The scratch that [`apply`](Self::apply) needs, in numbers.
    #[must_use]
    pub const fn scratch_len(width: usize, height: usize) -> usize {
        let [field, frame, pen] = Self::parts(width, height);
        field.saturating_add(frame).saturating_add(pen).saturating_mul(2).saturating_add(frame)
    }

    /// The numbers of scratch for a field, for the bytes of an image in its frame, and for those of an image that is written on.
    const fn parts(width: usize, height: usize) -> [usize; 3] {
        let field = row_len(width).saturating_mul(points(height));
        let frame = stride(width).saturating_mul(height.saturating_add(3)).div_ceil(4);
        [field, frame, width.saturating_mul(height).div_ceil(4)]
    }

    /// The seed of an image's distortion: by the run's seed, the epoch, counted from 1, and the image's number below 2³².
    #[must_use]
    pub const fn seed(run: u64, epoch: u32, number: u64) -> u64 {
        run.wrapping_mul(RUN) ^ ((epoch as u64) << 32 | number)
    }

    /// Does this seed stand for another digit of the same label, [drawn](crate::redraw) from nothing, in the place of an image? With
    /// `hands` of 100 %, 15 % do.
    #[must_use]
    pub const fn redraws(self, seed: u64) -> bool {
        // The seeds of neighbours differ in few bits.
        let mixed = (seed ^ (seed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 32;
        let percent = if self.hands < Self::MAX_PERCENT { self.hands } else { Self::MAX_PERCENT };
        mixed % 2000 < 3 * percent as u64
    }

    /// Writes a distorted copy of an image of `width` columns: pixels move, background (0) comes in at the edges. The same
    /// `seed` gives the same distortion. `scratch` may hold anything. Sides may have up to 16,384 pixels.
    ///
    /// # Errors
    ///
    /// [`SizeError::Pixels`] when `image` is not whole rows, [`SizeError::Results`] when `distorted` is not as long as it,
    /// [`SizeError::Scratch`] when `scratch` is shorter than [`scratch_len`](Self::scratch_len).
    ///
    /// ```
    /// use core::num::NonZeroUsize;
    /// use twolayer::{Distortion, digit};
    /// # fn main() -> Result<(), twolayer::SizeError> {
    /// let (image, _) = digit(1, 0);
    /// let width = NonZeroUsize::new(28).unwrap();
    /// let mut scratch = vec![0; Distortion::scratch_len(28, 28)];
    /// let mut distorted = [0; 28 * 28];
    /// Distortion { percent: 100, hands: 0 }.apply(&image, width, 7, &mut scratch, &mut distorted)?;
    /// assert_ne!(distorted, image);
    /// # Ok(()) }
    /// ```
    pub fn apply(
        self,
        image: &[u8],
        width: NonZeroUsize,
        seed: u64,
        scratch: &mut [i32],
        distorted: &mut [u8],
    ) -> Result<(), SizeError> {
        self.apply_on(Backend::detect(), image, width, seed, scratch, distorted)
    }

    /// [`apply`](Self::apply), with the instructions of a tier.
    pub(crate) fn apply_on(
        self,
        backend: Backend,
        image: &[u8],
        width: NonZeroUsize,
        seed: u64,
        scratch: &mut [i32],
        distorted: &mut [u8],
    ) -> Result<(), SizeError> {
        let height = image.len() / width;
        SizeError::check_pixels(image.len(), height * width.get())?;
        SizeError::check_results(distorted.len(), image.len())?;
        let Some(height) = NonZeroUsize::new(height) else { return Ok(()) };
        let size = [width.get(), height.get()];
        SizeError::check_scratch(scratch.len(), Self::scratch_len(size[0], size[1]))?;
        let [field, frame, pen] = Self::parts(size[0], size[1]);
        let mut scratch = scratch;
        let mut take = |len: usize| {
            let (part, rest) =
                mem::take(&mut scratch).split_at_mut_checked(len).always("the length of the scratch was checked");
            scratch = rest;
            part
        };
        let [across, down, bytes, pairs, written, copy] =
            [take(field), take(field), take(frame), take(2 * frame), take(pen), take(pen)];
        let frame = Frame { bytes: bytemuck::cast_slice_mut(bytes), pairs: bytemuck::cast_slice_mut(pairs) };

        let percent = self.percent.min(Self::MAX_PERCENT);
        let mut random = PlusPlus::new(seed);
        let mut affine = Affine::random(&mut random, percent.into());
        fill(&mut random, across, points(size[0]));
        fill(&mut random, down, points(size[0]));
        // From 2¹¹ · GAIN for the largest displacement to a 2¹⁶th of a pixel.
        let factor = ((ELASTIC * i64::from(percent)) << (FRACTION + 16)) / ((100 * GAIN) << (NOISE - 1));
        let factor = i32::try_from(factor).always("at most 28,764, for 400 %");
        let hands = i32::from(self.hands.min(Self::MAX_PERCENT));
        let mut image = image;
        if hands > 0 {
            let [written, copy] = [written, copy].map(|part| {
                bytemuck::cast_slice_mut(part).get_mut(..image.len()).always("there is room for the image")
            });
            written.copy_from_slice(image);
            let mut random = PlusPlus::new(seed ^ HANDS);
            pen::change(written, copy, size[0], hands, &mut random);
            affine.slant(&mut random, hands);
            image = written;
        }
        backend.run(Warp { image, frame, size, affine, fields: [across, down], factor, distorted });
        Ok(())
    }
}

/// Moves pixels. These are integers, so that a tier's instructions only make it faster.
struct Warp<'a> {
    image: &'a [u8],
    frame: Frame<'a>,
    size: [usize; 2],
    affine: Affine,
    /// Displacements across and down, as random numbers.
    fields: [&'a mut [i32]; 2],
    /// What smoothed displacements are multiplied by, for 2³²ths of a pixel.
    factor: i32,
    distorted: &'a mut [u8],
}

impl TierFn for Warp<'_> {
    type Out = ();

    #[inline(always)]
    fn call<I: Isa>(self, _isa: I) {
        let Self { image, frame, size, affine, fields: [across, down], factor, distorted } = self;
        let [width, _] = size;
        let columns = points(width);
        smooth(across, columns);
        smooth(down, columns);
        let source = Source::new(image, size, frame);
        distorted.fill(0);
        let [[du, _], [dv, _]] = affine.matrix;
        let strips = distorted.chunks_mut(CELL * width).enumerate();
        for ((strip, rows), (across, down)) in strips.zip(rows_of(across, columns).zip(rows_of(down, columns))) {
            let [mut u, mut v] = affine.places(CELL * strip, size);
            let mut across = across.map(|points| between(points, factor));
            let mut down = down.map(|points| between(points, factor));
            let (Some(mut right), Some(mut below)) = (across.next(), down.next()) else { break };
            for (cell, (next_right, next_below)) in across.zip(down).enumerate() {
                // The first pixel of each row of the cell, and from one pixel to the next.
                let places = [u + right, v + below];
                let steps =
                    [i32x4::splat(du) + ((next_right - right) >> 2), i32x4::splat(dv) + ((next_below - below) >> 2)];
                (right, below) = (next_right, next_below);
                u += i32x4::splat(du << 2);
                v += i32x4::splat(dv << 2);
                if source.is_seen(places, steps) {
                    write(source.cell(places, steps), cell, width, rows);
                }
            }
        }
    }
}

/// Writes a cell, given column by column, to the rows of its strip.
#[inline(always)]
fn write([first, second, third, fourth]: [[u8; CELL]; CELL], cell: usize, width: usize, strip: &mut [u8]) {
    let rows = first.into_iter().zip(second).zip(third.into_iter().zip(fourth));
    let (mut at, columns) = (CELL * cell, width - CELL * cell);
    for ((a, b), (c, d)) in rows {
        let row = [a, b, c, d];
        let Some(pixels) = strip.get_mut(at..) else { break };
        match pixels.first_chunk_mut() {
            Some(pixels) if columns >= CELL => *pixels = row,
            _ => pixels.iter_mut().zip(row).take(columns).for_each(|(pixel, level)| *pixel = level),
        }
        at += width;
    }
}

/// Points of the field along a side: every fourth pixel, and one beyond the last.
const fn points(side: usize) -> usize {
    side.div_ceil(CELL) + 1
}

/// The numbers of a row of the field: whole chunks.
const fn row_len(width: usize) -> usize {
    points(width).next_multiple_of(POINTS)
}

/// Numbers from −2¹¹ to 2¹¹ − 1, two of each 32 random bits, in rows of whole chunks.
fn fill(random: &mut PlusPlus, field: &mut [i32], columns: usize) {
    let mut left = None;
    for row in field.chunks_exact_mut(columns.next_multiple_of(POINTS)) {
        row.fill(0);
        for number in row.iter_mut().take(columns) {
            let drawn = left.take().unwrap_or_else(|| {
                let [first, second] = bytemuck::cast::<u32, [i16; 2]>(random.bits().to_le());
                left = Some(second);
                first
            });
            *number = i32::from(drawn) >> (16 - NOISE);
        }
    }
}

/// Points of a field that are summed at once.
const POINTS: usize = 8;

/// Three times along rows and three times along columns, each number becomes the sum of the three around it; beyond the
/// edges are zeros. Rows have whole chunks, with zeros behind their points.
#[inline(always)]
fn smooth(field: &mut [i32], columns: usize) {
    let chunks = columns.div_ceil(POINTS);
    let field = field.as_chunks_mut::<POINTS>().0;
    // Zeros where there are no points.
    let mut points = [0; POINTS];
    for (point, number) in points.iter_mut().zip((chunks - 1) * POINTS..) {
        *point = if number < columns { -1 } else { 0 };
    }
    for row in field.chunks_exact_mut(chunks) {
        for _ in 0..3 {
            let mut before = 0;
            let mut rest = &mut *row;
            while let Some((chunk, next)) = rest.split_first_mut() {
                let [a, b, c, d, e, f, g, h] = *chunk;
                let after = next.first().map_or(0, |[first, ..]| *first);
                let (left, right) =
                    (i32x8::new([before, a, b, c, d, e, f, g]), i32x8::new([b, c, d, e, f, g, h, after]));
                *chunk = (left + i32x8::new(*chunk) + right).to_array();
                (before, rest) = (h, next);
            }
            if let Some(last) = row.last_mut() {
                *last = (i32x8::new(*last) & i32x8::new(points)).to_array();
            }
        }
    }
    for column in 0..chunks {
        for _ in 0..3 {
            let mut before = i32x8::ZERO;
            let mut rows = field.iter_mut().skip(column).step_by(chunks).peekable();
            while let Some(row) = rows.next() {
                let own = i32x8::new(*row);
                let after = rows.peek().map_or(i32x8::ZERO, |next| i32x8::new(**next));
                *row = (before + own + after).to_array();
                before = own;
            }
        }
    }
}

/// The points of a field, each with the one below it, row after row.
#[inline(always)]
fn rows_of(field: &[i32], columns: usize) -> impl Iterator<Item = impl Iterator<Item = [i32; 2]>> {
    let rows = field.chunks_exact(columns.next_multiple_of(POINTS));
    rows.clone()
        .zip(rows.skip(1))
        .map(move |(above, below)| above.iter().zip(below).take(columns).map(|(&above, &below)| [above, below]))
}

/// The displacements in the rows of pixels from a point to the one below it, in 2¹⁶ths of a pixel.
#[inline(always)]
fn between([above, below]: [i32; 2], factor: i32) -> i32x4 {
    let sum = i32x4::splat(above << 2) + i32x4::new([0, 1, 2, 3]) * i32x4::splat(below - above);
    // The product has up to 38 bits, of which the upper ones are wanted.
    let factor = i32x4::splat(factor);
    (sum >> 16) * factor + (((sum & i32x4::splat(0xFFFF)) * factor) >> 16)
}

/// Up to so many hundredths of what is usual, more or less.
fn part(random: &mut PlusPlus, usual: i32, percent: i32) -> i64 {
    i64::from(random.signed(1 << 15)) * i64::from(usual) * i64::from(percent) / (100 << 15)
}

/// A random affine map from places in the distorted image to places in the original, about their middles.
struct Affine {
    matrix: [[i32; 2]; 2],
    shift: [i32; 2],
}

impl Affine {
    fn random(random: &mut PlusPlus, percent: i32) -> Self {
        let one = 1 << FRACTION;
        let mut part = |usual: i32| part(random, usual, percent);
        let turn = part(one / 4);
        let scales = [part(one * 15 / 100), part(one * 15 / 100)].map(|scale| i64::from(one) + scale);
        let shear = part(one / 5);
        let shift = [part(one), part(one)].map(|shift| i32::try_from(shift).always("shifts are of a few pixels"));
        // Taylor's series: turns are at most a radian, and what is left out is below a 720th.
        let times = |a: i64, b: i64| (a * b) >> FRACTION;
        let square = times(turn, turn);
        let sin = turn - times(turn, square) / 6 + times(times(turn, square), square) / 120;
        let cos = i64::from(one) - square / 2 + times(square, square) / 24;
        // Turn × scale × shear.
        let row = |a: i64, b: i64| {
            let (a, b) = (times(a, scales[0]), times(b, scales[1]));
            [a, b + times(a, shear)].map(|entry| i32::try_from(entry).always("entries are near 1 or 0"))
        };
        Self { matrix: [row(cos, -sin), row(sin, cos)], shift }
    }

    /// More slant and other widths.
    fn slant(&mut self, random: &mut PlusPlus, percent: i32) {
        let one = 1 << FRACTION;
        let shear = part(random, one / 4, percent);
        let width = part(random, one / 5, percent);
        for [across, down] in &mut self.matrix {
            let across_before = i64::from(*across);
            let add =
                |to: i32, times: i64| to.wrapping_add(i32::try_from((across_before * times) >> FRACTION).unwrap_or(0));
            (*down, *across) = (add(*down, shear), add(*across, width));
        }
    }

    /// The original places, in 2¹⁶ths of a pixel, of the first pixels of four rows of the distorted image.
    fn places(&self, first: usize, size: [usize; 2]) -> [i32x4; 2] {
        let [a, b, c, d] = [0, 1, 2, 3].map(|row| self.place(first + row, size));
        [i32x4::new([a[0], b[0], c[0], d[0]]), i32x4::new([a[1], b[1], c[1], d[1]])]
    }

    /// That of a row. The next pixels' are the matrix's first column further on.
    fn place(&self, y: usize, [width, height]: [usize; 2]) -> [i32; 2] {
        let [width, height, y] = [width, height, y].map(|number| (number as u64).cast_signed());
        // Twice the distance from the middle.
        let (dx, dy) = (1 - width, 2 * y + 1 - height);
        let mut places = [0; 2];
        for (place, ((row, shift), side)) in
            places.iter_mut().zip(self.matrix.iter().zip(self.shift).zip([width, height]))
        {
            let moved = i64::from(row[0]) * dx + i64::from(row[1]) * dy + ((side - 1) << FRACTION);
            *place = i32::try_from((moved >> 1) + i64::from(shift)).unwrap_or(i32::MIN);
        }
        places
    }
}

/// Room for an image with background around it: a pixel before each row, and some behind it.
struct Frame<'a> {
    bytes: &'a mut [u8],
    pairs: &'a mut [u16],
}

/// From a row of a frame to the next: whole words.
const fn stride(width: usize) -> usize {
    width.saturating_add(3).next_multiple_of(8)
}

/// The image that pixels are taken from.
struct Source<'a> {
    /// The image in its frame, each pixel with the one below it.
    pairs: &'a [u16],
    /// From a row of places to the next.
    stride: i32,
    /// The places that see background only, left and right, above and below, in 2¹⁶ths of a pixel.
    outside: [[i32; 2]; 2],
    /// The places around ink: from the first to before the last.
    ink: [[i32; 2]; 2],
}

impl<'a> Source<'a> {
    #[inline(always)]
    fn new(image: &[u8], [width, height]: [usize; 2], Frame { bytes, pairs }: Frame<'a>) -> Self {
        let stride = stride(width);
        bytes.fill(0);
        // The first row's frame takes down which columns have ink, until the end.
        let (columns, rows) = bytes.split_at_mut_checked(stride).always("a frame has rows");
        let mut inked = [usize::MAX, 0];
        for (y, (row, framed)) in image.chunks_exact(width).zip(rows.chunks_exact_mut(stride)).enumerate() {
            let to = framed.get_mut(1..=width).always("a frame is wider");
            to.copy_from_slice(row);
            let mut all = 0;
            for (columns, word) in columns.as_chunks_mut::<8>().0.iter_mut().zip(framed.as_chunks().0) {
                let word = u64::from_ne_bytes(*word);
                *columns = (u64::from_ne_bytes(*columns) | word).to_ne_bytes();
                all |= word;
            }
            if all != 0 {
                inked = [inked[0].min(y), y];
            }
        }
        let sides = [columns.iter().position(|inked| *inked != 0), columns.iter().rposition(|inked| *inked != 0)];
        columns.fill(0);
        let below = bytes.get(stride..).always("a frame has rows");
        for (pair, (own, below)) in pairs.iter_mut().zip(bytes.iter().zip(below)) {
            *pair = u16::from(*own) | u16::from(*below) << 8;
        }
        // Sides are at most 2¹⁴.
        let place = |side: usize| i32::try_from(side).unwrap_or(i32::MAX >> FRACTION) << FRACTION;
        let one = 1 << FRACTION;
        let ink = match sides {
            [Some(first), Some(last)] => {
                [[place(first) - 2 * one, place(last)], [place(inked[0]) - one, place(inked[1]) + one]]
            }
            _ => [[0; 2]; 2],
        };
        let outside = [width, height].map(|side| [-one, place(side)]);
        Self { pairs, stride: place(stride) >> FRACTION, outside, ink }
    }

    /// Is there ink at one of a cell's pixels? Along a row, places lie between those of its ends.
    #[inline(always)]
    fn is_seen(&self, places: [i32x4; 2], steps: [i32x4; 2]) -> bool {
        let mut seen = i32x4::splat(-1);
        for ((start, step), [first, end]) in places.into_iter().zip(steps).zip(self.ink) {
            let last = start + step + step + step;
            seen &= start.max(last).simd_gt(i32x4::splat(first)) & start.min(last).simd_lt(i32x4::splat(end));
        }
        seen.any()
    }

    /// The levels of a cell's pixels, each between four pixels, rounded: column by column.
    #[inline(always)]
    fn cell(&self, [u, v]: [i32x4; 2], [du, dv]: [i32x4; 2]) -> [[u8; CELL]; CELL] {
        let inside = |place: i32x4, [first, last]: [i32; 2]| place.max(i32x4::splat(first)).min(i32x4::splat(last));
        let ([across, down], stride) = (self.outside, i32x4::splat(self.stride));
        let first = stride + i32x4::splat(1);
        let (mut us, mut vs, mut fours) = ([[0; CELL]; CELL], [[0; CELL]; CELL], [[0; CELL]; CELL]);
        let (mut u_next, mut v_next) = (u, v);
        for ((us, vs), fours) in us.iter_mut().zip(&mut vs).zip(&mut fours) {
            let (u, v) = (inside(u_next, across), inside(v_next, down));
            (u_next, v_next) = (u_next + du, v_next + dv);
            let index: i32x4 = (v >> FRACTION) * stride + (u >> FRACTION) + first;
            for (four, index) in fours.iter_mut().zip(index.to_array()) {
                // Unsigned, so that one comparison checks both ends.
                let at = index.cast_unsigned() as usize;
                if let Some(&[left, right]) = self.pairs.get(at..at + 2) {
                    *four = u32::from(left) | u32::from(right) << 16;
                }
            }
            (*us, *vs) = (u.to_array(), v.to_array());
        }
        let (u, v, fours): ([i32; PIXELS], [i32; PIXELS], [u32; PIXELS]) =
            (bytemuck::cast(us), bytemuck::cast(vs), bytemuck::cast(fours));
        let mut levels = [0; PIXELS];
        for (level, (four, (u, v))) in levels.iter_mut().zip(fours.into_iter().zip(u.into_iter().zip(v))) {
            let [fx, fy] = [u, v].map(|place| (place.cast_unsigned() >> 8) & 255);
            // Two pixels at a time, left and right, in lanes of 16 bits.
            let both = (four & 0x00FF_00FF) * (256 - fy) + ((four >> 8) & 0x00FF_00FF) * fy;
            let sum = (both & 0xFFFF) * (256 - fx) + (both >> 16) * fx;
            // A mean of levels is a level.
            let [_, _, mean, _] = (sum + (1 << 15)).to_le_bytes();
            *level = if mean < FAINT { 0 } else { mean };
        }
        bytemuck::cast(levels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::fnv;
    use std::vec;
    use std::vec::Vec;

    const WIDTH: NonZeroUsize = NonZeroUsize::new(28).unwrap();

    /// A ring, whose middle is the image's.
    fn ring() -> Vec<u8> {
        let square = |place: i32| (2 * place - 27) * (2 * place - 27);
        let level = |x, y| if (150..420).contains(&(square(x) + square(y))) { 255 } else { 0 };
        (0..28).flat_map(|y| (0..28).map(move |x| level(x, y))).collect()
    }

    /// The same on every tier.
    fn distorted(by: Distortion, image: &[u8], width: NonZeroUsize, seed: u64) -> Vec<u8> {
        let on = |backend| {
            let mut scratch = vec![i32::MIN; Distortion::scratch_len(width.get(), image.len() / width)];
            let mut found = vec![7; image.len()];
            by.apply_on(backend, image, width, seed, &mut scratch, &mut found).unwrap();
            found
        };
        let found = on(Backend::detect());
        for backend in Backend::available() {
            assert!(on(backend) == found, "{by} on {backend}, seed {seed}");
        }
        found
    }

    fn by(percent: u16) -> Distortion {
        Distortion { percent, hands: 0 }
    }

    /// The same in floating point: points of a field smoothed by three boxes, linear in between, and the affine map.
    fn oracle(by: Distortion, image: &[u8], seed: u64) -> Vec<f64> {
        let strength = f64::from(by.percent) / 100.0;
        let mut random = PlusPlus::new(seed);
        let mut part = |usual: f64| f64::from(random.signed(1 << 15)) / 32_768.0 * usual * strength;
        let (turn, sx, sy, shear) = (part(0.25), 1.0 + part(0.15), 1.0 + part(0.15), part(0.2));
        let shift = [part(1.0), part(1.0)];
        let mut written = image.to_vec();
        let mut hands = [0.0; 2];
        if by.hands > 0 {
            let (mut random, mut copy) = (PlusPlus::new(seed ^ HANDS), image.to_vec());
            pen::change(&mut written, &mut copy, 28, by.hands.into(), &mut random);
            hands = [0.25, 0.2]
                .map(|usual| f64::from(random.signed(1 << 15)) / 32_768.0 * usual * f64::from(by.hands) / 100.0);
        }
        let mut fields = [(); 2].map(|()| {
            let mut field = vec![0; POINTS * POINTS];
            fill(&mut random, &mut field, POINTS);
            field.iter().map(|&drawn| f64::from(drawn) / 2048.0 * 10.0 * strength).collect::<Vec<f64>>()
        });
        for field in &mut fields {
            for _ in 0..3 {
                for step in [(1, POINTS), (POINTS, 1)] {
                    let old = field.clone();
                    for line in 0..POINTS {
                        for at in 0..POINTS {
                            let near = at.saturating_sub(1)..(at + 2).min(POINTS);
                            let sum: f64 = near.map(|n| old[line * step.1 + n * step.0]).sum();
                            field[line * step.1 + at * step.0] = sum / 3.0;
                        }
                    }
                }
            }
        }
        let between = |field: &[f64], x: u8, y: u8| {
            let ([x, y], [fx, fy]) = ([x, y].map(|n| usize::from(n / 4)), [x, y].map(|n| f64::from(n % 4) / 4.0));
            let row = |y: usize| field[y * POINTS + x] * (1.0 - fx) + field[y * POINTS + x + 1] * fx;
            row(y) * (1.0 - fy) + row(y + 1) * fy
        };
        let level = |x: f64, y: f64| {
            let inside = |place: f64| (0..28_u8).find(|&n| (f64::from(n) - place).abs() < 0.25).map(usize::from);
            inside(x).zip(inside(y)).map_or(0.0, |(x, y)| f64::from(written[y * 28 + x]))
        };
        let (sin, cos) = turn.sin_cos();
        let mut levels = Vec::new();
        for (y, x) in (0..28_u8).flat_map(|y| (0..28_u8).map(move |x| (y, x))) {
            let (dx, dy) = (f64::from(x) - 13.5, f64::from(y) - 13.5);
            let sheared = dx + shear * dy;
            // The other hand's slant and width come on top.
            let other = hands[0] * dy + hands[1] * dx;
            let u = cos * sx * (sheared + other) - sin * sy * dy + 13.5 + shift[0] + between(&fields[0], x, y);
            let v = sin * sx * (sheared + other) + cos * sy * dy + 13.5 + shift[1] + between(&fields[1], x, y);
            let (fx, fy) = (u - u.floor(), v - v.floor());
            let (x, y) = (u.floor(), v.floor());
            let above = level(x, y) * (1.0 - fx) + level(x + 1.0, y) * fx;
            let below = level(x, y + 1.0) * (1.0 - fx) + level(x + 1.0, y + 1.0) * fx;
            levels.push(above * (1.0 - fy) + below * fy);
        }
        levels
    }

    #[test]
    fn pixels_are_those_of_floating_point() {
        for (percent, hands) in [(0, 0), (50, 0), (100, 0), (250, 0), (0, 100), (80, 100), (50, 400)] {
            let by = Distortion { percent, hands };
            let (mut worst, mut moved, mut count) = (0.0_f64, 0.0, 0.0);
            for seed in 0..60 {
                let found = distorted(by, &ring(), WIDTH, seed);
                for ((found, expected), before) in found.iter().zip(oracle(by, &ring(), seed)).zip(ring()) {
                    let off = (f64::from(*found) - expected).abs();
                    // What is faint is left out.
                    worst = worst.max(if *found == 0 { off - f64::from(FAINT) } else { off });
                    moved += (expected - f64::from(before)).abs();
                    count += 1.0;
                }
            }
            // Places are rounded to 256ths of a pixel: some levels of 255.
            assert!(worst <= 0.5 + 5.0 * f64::from(percent + hands) / 100.0, "{by}: {worst}");
            // And images are distorted in earnest, unless they are not to be.
            assert_eq!(moved / count > 8.0, percent + hands > 0, "{by}: {}", moved / count);
        }
    }

    #[test]
    fn nothing_is_distorted_by_0_percent() {
        assert_eq!(distorted(by(0), &ring(), WIDTH, 9), ring());
        for (width, height) in [(1, 1), (1, 40), (40, 1), (3, 5), (300, 200)] {
            let image: Vec<u8> = (0..width * height).map(|n| FAINT + u8::try_from(n % 211).unwrap()).collect();
            let width = NonZeroUsize::new(width).unwrap();
            assert_eq!(distorted(by(0), &image, width, 1), image);
            // The largest there is does not overflow.
            for seed in 0..3 {
                distorted(Distortion { percent: u16::MAX, hands: u16::MAX }, &image, width, seed);
            }
        }
    }

    /// Pinned: the same on every machine, for every seed another.
    #[test]
    fn a_seed_stands_for_a_distortion() {
        let hash = |seed| fnv(distorted(by(100), &ring(), WIDTH, seed).into_iter());
        assert_eq!(hash(1), hash(1));
        assert_eq!([hash(1), hash(2)], [0x997C_1125_DCF5_92C3, 0x721C_8EC2_38F4_4A40], "{:#x} {:#x}", hash(1), hash(2));
        let hands = Distortion { percent: 80, hands: 100 };
        let hash = fnv((0..50).flat_map(|seed| distorted(hands, &ring(), WIDTH, seed)));
        assert_eq!(hash, 0x144a_eff0_d1d2_bdff, "{hash:#x}");
    }

    #[test]
    fn a_share_of_images_is_redrawn() {
        for (hands, expected) in [(0, 0), (50, 75), (100, 150), (400, 600), (u16::MAX, 600)] {
            let by = Distortion { percent: 0, hands };
            // Such seeds as training has.
            let seeds = (0..100_000).map(|number| 0x9E37_79B9_7F4A_7C15 ^ (3 << 32 | number));
            let redrawn = seeds.filter(|seed| by.redraws(*seed)).count();
            assert!(redrawn.abs_diff(100 * expected) <= 400, "{hands} %: {redrawn} of 100,000");
        }
    }

    #[test]
    fn wrong_lengths_are_errors() {
        let image = ring();
        let expected = Distortion::scratch_len(28, 28);
        let (mut scratch, mut out) = (vec![0; expected], vec![3; 784]);
        let by = by(100);
        let run = |image: &[u8], scratch: &mut [i32], out: &mut [u8]| by.apply(image, WIDTH, 1, scratch, out);
        let pixels = SizeError::Pixels { found: 783, expected: 756 };
        assert_eq!(run(&image[1..], &mut scratch, &mut out), Err(pixels));
        let results = SizeError::Results { found: 783, expected: 784 };
        assert_eq!(run(&image, &mut scratch, &mut out[1..]), Err(results));
        let short = SizeError::Scratch { found: expected - 1, expected };
        assert_eq!(run(&image, &mut scratch[1..], &mut out), Err(short));
        assert!(out.iter().all(|pixel| *pixel == 3));
    }
}
