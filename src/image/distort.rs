//! Distorts images for training: each time another handwriting of the same digit, in integers, the same on every machine.
//!
//! Simard, Steinkraus and Platt (2003, "Best Practices for Convolutional Neural Networks") move every pixel by a smooth
//! random field; a random affine map comes on top. The field is so smooth that it is drawn at every fourth pixel of every
//! fourth row only, and is linear in between. An image of 28 × 28 takes some 20 000 operations.

use crate::base::{Always, PlusPlus, violated};
use crate::net::SizeError;
use core::num::NonZeroUsize;

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
/// Pixels from one point of the field to the next.
const CELL: usize = 4;
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
        let places = width.saturating_add(1).saturating_mul(height.saturating_add(1));
        let fields = points(width).saturating_mul(points(height).saturating_add(1)).saturating_mul(2);
        places.saturating_add(fields)
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
        let height = image.len() / width;
        SizeError::check_pixels(image.len(), height * width.get())?;
        SizeError::check_results(distorted.len(), image.len())?;
        let Some(height) = NonZeroUsize::new(height) else { return Ok(()) };
        SizeError::check_scratch(scratch.len(), Self::scratch_len(width.get(), height.get()))?;
        let (width, height) = (width.get(), height.get());
        let (columns, rows) = (points(width), points(height));
        let (fields, scratch) =
            scratch.split_at_mut_checked(2 * columns * rows).always("the length of the scratch was checked");
        let (lines, fours) = scratch.split_at_mut_checked(2 * columns).always("the length of the scratch was checked");
        let source = Source::new(image, width, fours);

        let percent = self.percent.min(Self::MAX_PERCENT);
        let mut random = PlusPlus::new(seed);
        let affine = Affine::random(&mut random, percent.into());
        let (across, down) = fields.split_at_mut_checked(columns * rows).always("there are two fields");
        for field in [&mut *across, &mut *down] {
            fill(&mut random, field);
            smooth(field, columns);
        }
        // From 2¹¹ · GAIN for the largest displacement to a 2¹⁶th of a pixel.
        let factor = ((ELASTIC * i64::from(percent)) << (FRACTION + 16)) / ((100 * GAIN) << (NOISE - 1));
        let (line_across, line_down) = lines.split_at_mut_checked(columns).always("there are two lines");
        for (y, row) in distorted.chunks_exact_mut(width).enumerate() {
            for (field, line) in [(&*across, &mut *line_across), (&*down, &mut *line_down)] {
                interpolate(field, y, factor, line);
            }
            let [mut u, mut v] = affine.place(y, [width, height]);
            let [[du, _], [dv, _]] = affine.matrix;
            for ((pixels, across), down) in row.chunks_mut(CELL).zip(line_across.windows(2)).zip(line_down.windows(2)) {
                let (&[across, next_across], &[down, next_down]) = (across, down) else {
                    violated!("windows are of two", continue)
                };
                let (mut right, mut below) = (u.wrapping_add(across), v.wrapping_add(down));
                let (step, step_down) = (du + ((next_across - across) >> 2), dv + ((next_down - down) >> 2));
                for pixel in pixels {
                    *pixel = source.at(right, below);
                    right = right.wrapping_add(step);
                    below = below.wrapping_add(step_down);
                }
                u = u.wrapping_add(du << 2);
                v = v.wrapping_add(dv << 2);
            }
        }
        Ok(())
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
/// edges are zeros.
fn smooth(field: &mut [i32], columns: usize) {
    for row in field.chunks_exact_mut(columns) {
        for _ in 0..3 {
            sum_neighbours(row.iter_mut());
        }
    }
    for column in 0..columns {
        for _ in 0..3 {
            sum_neighbours(field.iter_mut().skip(column).step_by(columns));
        }
    }
}

fn sum_neighbours<'f>(line: impl Iterator<Item = &'f mut i32>) {
    let mut line = line.peekable();
    let mut before = 0;
    while let Some(number) = line.next() {
        let sum = before + *number + line.peek().map_or(0, |next| **next);
        before = *number;
        *number = sum;
    }
}

/// The displacements at the points of one row of pixels, in 2¹⁶ths of a pixel.
fn interpolate(field: &[i32], y: usize, factor: i64, line: &mut [i32]) {
    let columns = line.len();
    let (above, weight) = (y / CELL * columns, i32::try_from(y % CELL).always("a cell is small"));
    let field = field.get(above..).always("the field goes on below the last row of pixels");
    let (above, below) = field.split_at_checked(columns).always("the field has a row of points below the last");
    for ((place, above), below) in line.iter_mut().zip(above).zip(below) {
        let sum = (4 - weight) * above + weight * below;
        *place = i32::try_from((i64::from(sum) * factor) >> 16).always("displacements are of a few pixels");
    }
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

    /// The original place, in 2¹⁶ths of a pixel, of the first pixel of a row of the distorted image. The next pixels' are the
    /// matrix's first column further on.
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
    /// For every place between four pixels, those four: left and right, above, then below. Beyond the edges is background.
    fours: &'a [i32],
    /// Places between pixels along a side: one more than there are pixels.
    width: u32,
    height: u32,
}

impl<'a> Source<'a> {
    /// `fours` has as many numbers as there are places.
    fn new(image: &[u8], width: usize, fours: &'a mut [i32]) -> Self {
        fours.fill(0);
        for (y, row) in image.chunks_exact(width).enumerate() {
            let fours = fours.get_mut(y * (width + 1)..).always("there are places above and below every row");
            let (above, below) =
                fours.split_at_mut_checked(width + 1).always("there are places above and below every row");
            // This row is below the places above it, and above those below it.
            for (places, shift) in [(above, 16), (below, 0)] {
                for (place, &pixel) in places.iter_mut().zip(row) {
                    *place |= i32::from(pixel) << (shift + 8);
                }
                for (place, &pixel) in places.iter_mut().skip(1).zip(row) {
                    *place |= i32::from(pixel) << shift;
                }
            }
        }
        // Sides are at most 2¹⁴.
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        Self { fours, width: side(width + 1), height: side(image.len() / width.max(1) + 1) }
    }

    /// The level at a place in 2¹⁶ths of a pixel, between four pixels, rounded.
    #[inline]
    fn at(&self, u: i32, v: i32) -> u8 {
        // Negative numbers become large ones.
        let [x, y] = [u, v].map(|place| place.wrapping_add(1 << FRACTION).cast_unsigned() >> FRACTION);
        if x >= self.width || y >= self.height {
            return 0;
        }
        let four =
            self.fours.get((y * self.width + x) as usize).copied().always("every place has its four").cast_unsigned();
        if four == 0 {
            return 0;
        }
        let [fx, fy] = [u, v].map(|place| (place.cast_unsigned() >> 8) & 255);
        // Two pixels at a time, in lanes of 16 bits.
        let (left, right) = (four & 0x00FF_00FF, (four >> 8) & 0x00FF_00FF);
        let both = left * (256 - fx) + right * fx;
        let sum = (both & 0xFFFF) * (256 - fy) + (both >> 16) * fy;
        let level = u8::try_from((sum + (1 << 15)) >> 16).always("a mean of levels is a level");
        if level < FAINT { 0 } else { level }
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
