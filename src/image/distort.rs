//! Distorts images for training: each time another handwriting of the same digit, in integers, the same on every machine.
//!
//! Simard, Steinkraus and Platt (2003, "Best Practices for Convolutional Neural Networks") move every pixel by a smooth
//! random field; a random affine map comes on top. The field is so smooth that it is drawn at every fourth pixel of every
//! fourth row only, and is linear in between. An image of 28 × 28 takes some 20 000 operations.

use crate::base::{Always, PlusPlus};
use crate::net::SizeError;
use crate::simd::{Backend, Isa, TierFn};
use core::num::NonZeroUsize;
use wide::i32x4;

/// How far images are distorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distortion {
    /// In percent of the usual: displacements of 1.1 pixels as a standard deviation, smooth over some 6 pixels, turns up to
    /// 0.25 radians, scales up to 15 % on each axis, shear up to 0.2, shifts up to a pixel. More than
    /// [`MAX_PERCENT`](Self::MAX_PERCENT) counts as that.
    pub percent: u16,
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

impl Distortion {
    /// The largest [`percent`](Self::percent).
    pub const MAX_PERCENT: u16 = 400;

    /// The scratch that [`apply`](Self::apply) needs, in numbers.
    #[must_use]
    pub const fn scratch_len(width: usize, height: usize) -> usize {
        let [columns, rows] = [points(width), points(height)];
        let framed = Source::framed_len(width, height).div_ceil(2);
        columns.saturating_mul(rows).saturating_mul(2).saturating_add(columns).saturating_add(framed)
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
    /// Distortion { percent: 100 }.apply(&image, width, 7, &mut scratch, &mut distorted)?;
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
        let (columns, rows) = (points(size[0]), points(size[1]));
        let (fields, scratch) =
            scratch.split_at_mut_checked(2 * columns * rows).always("the length of the scratch was checked");
        let (line, framed) = scratch.split_at_mut_checked(columns).always("the length of the scratch was checked");
        let framed = bytemuck::cast_slice_mut(framed);
        let framed = framed.get_mut(..Source::framed_len(size[0], size[1])).always("the length of the scratch was checked");

        let percent = self.percent.min(Self::MAX_PERCENT);
        let mut random = PlusPlus::new(seed);
        let affine = Affine::random(&mut random, percent.into());
        let (across, down) = fields.split_at_mut_checked(columns * rows).always("there are two fields");
        fill(&mut random, across);
        fill(&mut random, down);
        // From 2¹¹ · GAIN for the largest displacement to a 2¹⁶th of a pixel.
        let factor = ((ELASTIC * i64::from(percent)) << (FRACTION + 16)) / ((100 * GAIN) << (NOISE - 1));
        let factor = i32::try_from(factor).always("at most 28,764, for 400 %");
        backend.run(Warp { image, framed, size, affine, fields: [across, down], factor, line, distorted });
        Ok(())
    }
}

/// Moves pixels. These are integers, so that a tier's instructions only make it faster.
struct Warp<'a> {
    image: &'a [u8],
    framed: &'a mut [u16],
    size: [usize; 2],
    affine: Affine,
    /// Displacements across and down, as random numbers.
    fields: [&'a mut [i32]; 2],
    /// What smoothed displacements are multiplied by, for 2³²ths of a pixel.
    factor: i32,
    /// Room for a row of points.
    line: &'a mut [i32],
    distorted: &'a mut [u8],
}

impl TierFn for Warp<'_> {
    type Out = ();

    #[inline(always)]
    fn call<I: Isa>(self, _isa: I) {
        let Self { image, framed, size, affine, fields: [across, down], factor, line, distorted } = self;
        let [width, _] = size;
        let columns = points(width);
        smooth(across, columns, line);
        smooth(down, columns, line);
        let source = Source::new(image, width, bytemuck::cast_slice_mut(line), framed);
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
                let steps = [i32x4::splat(du) + ((next_right - right) >> 2), i32x4::splat(dv) + ((next_below - below) >> 2)];
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

/// A number from `−most` to `most − 1`, for `most` of up to 2¹⁶.
fn signed(random: &mut PlusPlus, most: i32) -> i32 {
    let upper = (random.bits() >> 16).cast_signed();
    ((upper - (1 << 15)) * (most >> 1)) >> 14
}

/// Numbers from −2¹¹ to 2¹¹ − 1, two of each 32 random bits.
fn fill(random: &mut PlusPlus, field: &mut [i32]) {
    for pair in field.chunks_mut(2) {
        let [first, second] = bytemuck::cast::<u32, [i16; 2]>(random.bits().to_le());
        for (number, drawn) in pair.iter_mut().zip([first, second]) {
            *number = i32::from(drawn) >> (16 - NOISE);
        }
    }
}

/// Three times along rows and three times along columns, each number becomes the sum of the three around it; beyond the
/// edges are zeros. `line` has room for a row.
#[inline(always)]
fn smooth(field: &mut [i32], columns: usize, line: &mut [i32]) {
    for row in field.chunks_exact_mut(columns) {
        for _ in 0..3 {
            line.copy_from_slice(row);
            for (number, left) in row.iter_mut().skip(1).zip(&*line) {
                *number += left;
            }
            for (number, right) in row.iter_mut().zip(line.iter().skip(1)) {
                *number += right;
            }
        }
    }
    for _ in 0..3 {
        // The sum of the row above and this one, before they changed.
        line.fill(0);
        let mut rest = &mut *field;
        while let Some((row, below)) = rest.split_at_mut_checked(columns) {
            for (sum, number) in line.iter_mut().zip(&mut *row) {
                let own = *number;
                *number += *sum;
                *sum = own;
            }
            for (number, next) in row.iter_mut().zip(&*below) {
                *number += next;
            }
            rest = below;
        }
    }
}

/// The points of a field, each with the one below it, row after row.
#[inline(always)]
fn rows_of(field: &[i32], columns: usize) -> impl Iterator<Item = impl Iterator<Item = [i32; 2]>> {
    let rows = field.chunks_exact(columns);
    rows.clone().zip(rows.skip(1)).map(|(above, below)| above.iter().zip(below).map(|(&above, &below)| [above, below]))
}

/// The displacements in the rows of pixels from a point to the one below it, in 2¹⁶ths of a pixel.
#[inline(always)]
fn between([above, below]: [i32; 2], factor: i32) -> i32x4 {
    let sum = i32x4::splat(above << 2) + i32x4::new([0, 1, 2, 3]) * i32x4::splat(below - above);
    // The product has up to 38 bits, of which the upper ones are wanted.
    let factor = i32x4::splat(factor);
    (sum >> 16) * factor + (((sum & i32x4::splat(0xFFFF)) * factor) >> 16)
}

/// A random affine map from places in the distorted image to places in the original, about their middles.
struct Affine {
    matrix: [[i32; 2]; 2],
    shift: [i32; 2],
}

impl Affine {
    fn random(random: &mut PlusPlus, percent: i32) -> Self {
        let one = 1 << FRACTION;
        // Hundredths of what is usual, of 2¹⁶ths; 400 % of a quarter is the largest.
        let mut part =
            |usual: i32| i64::from(signed(random, 1 << 15)) * i64::from(usual) * i64::from(percent) / (100 << 15);
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

/// The image that pixels are taken from.
struct Source<'a> {
    /// The image in a frame of background, each pixel followed by the one below it.
    pairs: &'a [u16],
    /// From a row of places to the next.
    stride: i32,
    /// The places that see background only, left and right, above and below, in 2¹⁶ths of a pixel.
    outside: [[i32; 2]; 2],
    /// The places around ink: from the first to before the last.
    ink: [[i32; 2]; 2],
}

impl<'a> Source<'a> {
    /// The numbers of the frame: a pixel before the image, and two behind it, along each side.
    const fn framed_len(width: usize, height: usize) -> usize {
        width.saturating_add(3).saturating_mul(height.saturating_add(2))
    }

    /// `framed` has room for the frame, `line` for a row of pixels.
    #[inline(always)]
    fn new(image: &[u8], width: usize, line: &mut [u8], framed: &'a mut [u16]) -> Self {
        line.fill(0);
        let stride = width + 3;
        let mut inked = [usize::MAX, 0];
        let mut above = &[][..];
        let mut rows = image.chunks_exact(width);
        for (y, pairs) in framed.chunks_exact_mut(stride).enumerate() {
            let row = rows.next().unwrap_or_default();
            pairs.fill(0);
            for (pair, below) in pairs.iter_mut().skip(1).zip(row) {
                *pair = u16::from(*below) << 8;
            }
            for (pair, own) in pairs.iter_mut().skip(1).zip(above) {
                *pair |= u16::from(*own);
            }
            for (inked, pixel) in line.iter_mut().zip(row) {
                *inked |= pixel;
            }
            if row.iter().fold(0, |all, pixel| all | pixel) != 0 {
                inked = [inked[0].min(y), y];
            }
            above = row;
        }
        let columns = [line.iter().position(|inked| *inked != 0), line.iter().rposition(|inked| *inked != 0)];
        // Sides are at most 2¹⁴.
        let place = |side: usize| i32::try_from(side).unwrap_or(i32::MAX >> FRACTION) << FRACTION;
        let around = |[first, last]: [usize; 2]| [place(first) - (1 << FRACTION), place(last) + (1 << FRACTION)];
        let ink = match columns {
            [Some(first), Some(last)] => [around([first, last]), around(inked)],
            _ => [[0; 2]; 2],
        };
        let outside = [width, image.len() / width.max(1)].map(|side| [-1 << FRACTION, place(side)]);
        Self { pairs: framed, stride: place(stride) >> FRACTION, outside, ink }
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
        let (u, v, fours): ([i32; PIXELS], [i32; PIXELS], [u32; PIXELS]) = (bytemuck::cast(us), bytemuck::cast(vs), bytemuck::cast(fours));
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

    fn distorted(percent: u16, image: &[u8], width: NonZeroUsize, seed: u64) -> Vec<u8> {
        let mut scratch = vec![i32::MIN; Distortion::scratch_len(width.get(), image.len() / width)];
        let mut found = vec![7; image.len()];
        Distortion { percent }.apply(image, width, seed, &mut scratch, &mut found).unwrap();
        found
    }

    /// The same in floating point: points of a field smoothed by three boxes, linear in between, and the affine map.
    fn oracle(percent: u16, image: &[u8], seed: u64) -> Vec<f64> {
        const POINTS: usize = 8;
        let strength = f64::from(percent) / 100.0;
        let mut random = PlusPlus::new(seed);
        let mut part = |usual: f64| f64::from(signed(&mut random, 1 << 15)) / 32_768.0 * usual * strength;
        let (turn, sx, sy, shear) = (part(0.25), 1.0 + part(0.15), 1.0 + part(0.15), part(0.2));
        let shift = [part(1.0), part(1.0)];
        let mut fields = [(); 2].map(|()| {
            let mut field = vec![0; POINTS * POINTS];
            fill(&mut random, &mut field);
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
            inside(x).zip(inside(y)).map_or(0.0, |(x, y)| f64::from(image[y * 28 + x]))
        };
        let (sin, cos) = turn.sin_cos();
        let mut levels = Vec::new();
        for (y, x) in (0..28_u8).flat_map(|y| (0..28_u8).map(move |x| (y, x))) {
            let (dx, dy) = (f64::from(x) - 13.5, f64::from(y) - 13.5);
            let sheared = dx + shear * dy;
            let u = cos * sx * sheared - sin * sy * dy + 13.5 + shift[0] + between(&fields[0], x, y);
            let v = sin * sx * sheared + cos * sy * dy + 13.5 + shift[1] + between(&fields[1], x, y);
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
        for percent in [0, 50, 100, 250] {
            let (mut worst, mut moved, mut count) = (0.0_f64, 0.0, 0.0);
            for seed in 0..60 {
                let found = distorted(percent, &ring(), WIDTH, seed);
                for ((found, expected), before) in found.iter().zip(oracle(percent, &ring(), seed)).zip(ring()) {
                    let off = (f64::from(*found) - expected).abs();
                    // What is faint is left out.
                    worst = worst.max(if *found == 0 { off - f64::from(FAINT) } else { off });
                    moved += (expected - f64::from(before)).abs();
                    count += 1.0;
                }
            }
            // Places are rounded to 256ths of a pixel: some levels of 255.
            assert!(worst <= 0.5 + 5.0 * f64::from(percent) / 100.0, "{percent} %: {worst}");
            // And images are distorted in earnest, unless they are not to be.
            assert_eq!(moved / count > 8.0, percent > 0, "{percent} %: {}", moved / count);
        }
    }

    #[test]
    fn nothing_is_distorted_by_0_percent() {
        assert_eq!(distorted(0, &ring(), WIDTH, 9), ring());
        for (width, height) in [(1, 1), (1, 40), (40, 1), (3, 5), (300, 200)] {
            let image: Vec<u8> = (0..width * height).map(|n| FAINT + u8::try_from(n % 211).unwrap()).collect();
            let width = NonZeroUsize::new(width).unwrap();
            assert_eq!(distorted(0, &image, width, 1), image);
            // The largest there is does not overflow.
            for seed in 0..3 {
                distorted(u16::MAX, &image, width, seed);
            }
        }
    }

    /// Pinned: the same on every machine, for every seed another.
    #[test]
    fn a_seed_stands_for_a_distortion() {
        let hash = |seed| fnv(distorted(100, &ring(), WIDTH, seed).into_iter());
        assert_eq!(hash(1), hash(1));
        assert_eq!([hash(1), hash(2)], [0x997C_1125_DCF5_92C3, 0x721C_8EC2_38F4_4A40], "{:#x} {:#x}", hash(1), hash(2));
    }

    #[test]
    fn wrong_lengths_are_errors() {
        let image = ring();
        let expected = Distortion::scratch_len(28, 28);
        let (mut scratch, mut out) = (vec![0; expected], vec![3; 784]);
        let by = Distortion { percent: 100 };
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
