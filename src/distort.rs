//! Distorts images for training: each time another handwriting of the same digit, in integers, the same on every machine.
//!
//! Simard, Steinkraus and Platt (2003, "Best Practices for Convolutional Neural Networks") move every pixel by a smooth
//! random field; a random affine map comes on top. An image of 28 × 28 takes some 40 000 operations.

use crate::error::SizeError;
use core::num::NonZeroUsize;
use rand_xoshiro::Xoshiro128PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// How far images are distorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distortion {
    /// In percent of the usual: displacements up to 36 pixels before they are smoothed (1.1 pixels afterwards, as a standard
    /// deviation), turns up to 0.25 radians, scales up to 15 % on each axis, shear up to 0.2, shifts up to a pixel. At most 400.
    pub percent: u16,
}

/// Fractional bits of places and of the affine map.
const FRACTION: u32 = 16;
/// Pixels of the smoothing box to each side of its middle: three passes with 11 are a Gaussian of 5.5 pixels.
const REACH: usize = 5;
/// What three passes of sums of 11 multiply numbers by.
const GAIN: i32 = 11 * 11 * 11;
/// The largest displacement before smoothing, in pixels.
const ELASTIC: i32 = 36;

impl Distortion {
    /// The largest [`percent`](Self::percent).
    pub const MAX_PERCENT: u16 = 400;

    /// The scratch that [`apply`](Self::apply) needs, in numbers.
    #[must_use]
    pub const fn scratch_len(width: usize, height: usize) -> usize {
        let longer = if width > height { width } else { height };
        width.saturating_mul(height).saturating_mul(3).saturating_add(longer)
    }

    /// Writes a distorted copy of an image of `width` columns: pixels move, background (0) comes in at the edges. Each `seed`
    /// stands for a distortion of its own. `scratch` may hold anything. Sides may have up to 16,384 pixels.
    ///
    /// # Errors
    ///
    /// [`SizeError`] when `image` is not whole rows, `distorted` is not as long as it, or `scratch` is shorter than
    /// [`scratch_len`](Self::scratch_len).
    pub fn apply(
        self,
        image: &[u8],
        width: NonZeroUsize,
        seed: u64,
        scratch: &mut [i32],
        distorted: &mut [u8],
    ) -> Result<(), SizeError> {
        let height = image.len() / width;
        let (found, expected) = (image.len(), height * width.get());
        if found != expected {
            return Err(SizeError::Pixels { found, expected });
        }
        let (found, expected) = (distorted.len(), image.len());
        if found != expected {
            return Err(SizeError::Results { found, expected });
        }
        let Some(height) = NonZeroUsize::new(height) else { return Ok(()) };
        let (found, expected) = (scratch.len(), Self::scratch_len(width.get(), height.get()));
        let short = SizeError::Scratch { found, expected };
        let (across, rest) = scratch.split_at_mut_checked(image.len()).ok_or(short)?;
        let (down, rest) = rest.split_at_mut_checked(image.len()).ok_or(short)?;
        let (free, line) = rest.split_at_mut_checked(image.len()).ok_or(short)?;
        let line = line.get_mut(..width.get().max(height.get())).ok_or(short)?;

        let percent = i32::from(self.percent.min(Self::MAX_PERCENT));
        let mut dice = Dice(Xoshiro128PlusPlus::seed_from_u64(seed));
        let affine = Affine::random(&mut dice, percent);
        for field in [&mut *across, &mut *down] {
            dice.fill(field);
            // At most 2¹⁵ · 11³ < 2²⁶.
            smooth_columns(field, free, width, line);
            // Back to 2¹⁵, in columns what was in rows.
            let columns = (0..width.get()).flat_map(|x| free.iter().skip(x).step_by(width.get()));
            for (to, sum) in field.iter_mut().zip(columns) {
                *to = ((sum >> 10) * ((1 << 20) / GAIN)) >> 10;
            }
            smooth_columns(field, free, height, line);
            field.copy_from_slice(free);
        }
        // From 2¹⁵ · 11³ for the largest displacement to a 2¹⁶th of a pixel, by way of 2¹⁶ and a factor below 2¹².
        let factor = ((2 * ELASTIC * percent) << 14) / (100 * GAIN);
        let moved = |sum: i32| ((sum >> 10) * factor) >> 4;
        let source = Source { pixels: image, width: width.get() };
        for (y, row) in distorted.chunks_exact_mut(width.get()).enumerate() {
            let [mut u, mut v] = affine.place(y, [width.get(), height.get()]);
            // The fields lie in columns.
            let fields = across.iter().skip(y).step_by(height.get()).zip(down.iter().skip(y).step_by(height.get()));
            for (pixel, (&across, &down)) in row.iter_mut().zip(fields) {
                *pixel = source.at(u.wrapping_add(moved(across)), v.wrapping_add(moved(down)));
                u = u.wrapping_add(affine.matrix[0][0]);
                v = v.wrapping_add(affine.matrix[1][0]);
            }
        }
        Ok(())
    }
}

/// Random numbers.
struct Dice(Xoshiro128PlusPlus);

impl Dice {
    /// A number from `−most` to `most − 1`, for `most` of up to 2¹⁶.
    fn signed(&mut self, most: i32) -> i32 {
        let upper = (self.0.next_u32() >> 16).cast_signed();
        ((upper - (1 << 15)) * (most >> 1)) >> 14
    }

    /// Numbers from −2¹⁵ to 2¹⁵ − 1, two of each 32 random bits.
    fn fill(&mut self, field: &mut [i32]) {
        for pair in field.chunks_mut(2) {
            let [first, second] = bytemuck::cast::<u32, [i16; 2]>(self.0.next_u32().to_le());
            for (number, drawn) in pair.iter_mut().zip([first, second]) {
                *number = drawn.into();
            }
        }
    }
}

/// A random affine map from places in the distorted image to places in the original, about their middles.
struct Affine {
    matrix: [[i32; 2]; 2],
    shift: [i32; 2],
}

impl Affine {
    fn random(dice: &mut Dice, percent: i32) -> Self {
        let one = 1 << FRACTION;
        // Hundredths of what is usual, of 2¹⁶ths; 400 % of a quarter is the largest.
        let mut part =
            |usual: i32| i64::from(dice.signed(1 << 15)) * i64::from(usual) * i64::from(percent) / (100 << 15);
        let turn = part(one / 4);
        let scales = [part(one * 15 / 100), part(one * 15 / 100)].map(|scale| i64::from(one) + scale);
        let shear = part(one / 5);
        let shift = [part(one), part(one)].map(|shift| i32::try_from(shift).unwrap_or_default());
        // Taylor's series: turns are at most a radian, and what is left out is below a 720th.
        let times = |a: i64, b: i64| (a * b) >> FRACTION;
        let square = times(turn, turn);
        let sin = turn - times(turn, square) / 6 + times(times(turn, square), square) / 120;
        let cos = i64::from(one) - square / 2 + times(square, square) / 24;
        // Turn × scale × shear.
        let row = |a: i64, b: i64| {
            let (a, b) = (times(a, scales[0]), times(b, scales[1]));
            [a, b + times(a, shear)].map(|entry| i32::try_from(entry).unwrap_or_default())
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
    pixels: &'a [u8],
    width: usize,
}

impl Source<'_> {
    /// The level at a place in 2¹⁶ths of a pixel, between four pixels, rounded.
    #[inline]
    fn at(&self, u: i32, v: i32) -> u8 {
        let ([x, y], [fx, fy]) = ([u, v].map(|place| place >> FRACTION), [u, v].map(|place| (place >> 8) & 255));
        // Where x is 2¹⁶ or more, or negative, there is no such column.
        let column = |x: i32| usize::try_from(x).ok().filter(|x| *x < self.width);
        let columns = [column(x), column(x + 1)];
        let row = |y: i32| {
            let start = usize::try_from(y).ok().and_then(|y| y.checked_mul(self.width));
            let row = start.and_then(|start| self.pixels.get(start..)).unwrap_or_default();
            let [left, right] = columns.map(|x| x.and_then(|x| row.get(x)).copied().map_or(0, i32::from));
            left * (256 - fx) + right * fx
        };
        let sum = row(y) * (256 - fy) + row(y + 1) * fy;
        u8::try_from((sum + (1 << 15)) >> 16).unwrap_or(u8::MAX)
    }
}

/// Three times, each number becomes the sum of the eleven around it in its column; beyond the edges are zeros. From `field`,
/// which is overwritten, to `sums`.
fn smooth_columns(field: &mut [i32], sums: &mut [i32], width: NonZeroUsize, line: &mut [i32]) {
    sum_columns(field, sums, width, line);
    sum_columns(sums, field, width, line);
    sum_columns(field, sums, width, line);
}

/// One time.
fn sum_columns(from: &[i32], to: &mut [i32], width: NonZeroUsize, line: &mut [i32]) {
    let width = width.get();
    let running = line.get_mut(..width).unwrap_or_default();
    let row = |y: usize| from.get(y * width..).and_then(|rest| rest.get(..width)).unwrap_or_default();
    running.fill(0);
    for y in 0..REACH {
        running.iter_mut().zip(row(y)).for_each(|(sum, number)| *sum += number);
    }
    for (y, sums) in to.chunks_exact_mut(width).enumerate() {
        running.iter_mut().zip(row(y + REACH)).for_each(|(sum, number)| *sum += number);
        sums.copy_from_slice(running);
        if let Some(y) = y.checked_sub(REACH) {
            running.iter_mut().zip(row(y)).for_each(|(sum, number)| *sum -= number);
        }
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

    /// The same in floating point: fields smoothed by a Gaussian's three boxes, and the affine map.
    fn oracle(percent: u16, image: &[u8], seed: u64) -> Vec<f64> {
        let strength = f64::from(percent) / 100.0;
        let mut dice = Dice(Xoshiro128PlusPlus::seed_from_u64(seed));
        let mut part = |usual: f64| f64::from(dice.signed(1 << 15)) / 32_768.0 * usual * strength;
        let (turn, sx, sy, shear) = (part(0.25), 1.0 + part(0.15), 1.0 + part(0.15), part(0.2));
        let shift = [part(1.0), part(1.0)];
        let mut fields = [(); 2].map(|()| {
            let mut field = vec![0; 784];
            dice.fill(&mut field);
            field.iter().map(|&drawn| f64::from(drawn) / 32_768.0 * 36.0 * strength).collect::<Vec<f64>>()
        });
        for field in &mut fields {
            for _ in 0..3 {
                for step in [(1, 28), (28, 1)] {
                    let old = field.clone();
                    for line in 0..28_usize {
                        for at in 0..28_usize {
                            let near = at.saturating_sub(5)..(at + 6).min(28);
                            let sum: f64 = near.map(|n| old[line * step.1 + n * step.0]).sum();
                            field[line * step.1 + at * step.0] = sum / 11.0;
                        }
                    }
                }
            }
        }
        let level = |x: f64, y: f64| {
            let inside = |place: f64| (0..28_u8).find(|&n| (f64::from(n) - place).abs() < 0.25).map(usize::from);
            inside(x).zip(inside(y)).map_or(0.0, |(x, y)| f64::from(image[y * 28 + x]))
        };
        let (sin, cos) = turn.sin_cos();
        let mut levels = Vec::new();
        for (y, x) in (0..28_u8).flat_map(|y| (0..28_u8).map(move |x| (y, x))) {
            let place = usize::from(y) * 28 + usize::from(x);
            let (dx, dy) = (f64::from(x) - 13.5, f64::from(y) - 13.5);
            let sheared = dx + shear * dy;
            let u = cos * sx * sheared - sin * sy * dy + 13.5 + shift[0] + fields[0][place];
            let v = sin * sx * sheared + cos * sy * dy + 13.5 + shift[1] + fields[1][place];
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
                    worst = worst.max((f64::from(*found) - expected).abs());
                    moved += (expected - f64::from(before)).abs();
                    count += 1.0;
                }
            }
            // Places are rounded to 256ths of a pixel, and six passes of smoothing round a little each: some levels of 255.
            assert!(worst <= 0.5 + 5.0 * f64::from(percent) / 100.0, "{percent} %: {worst}");
            // And images are distorted in earnest, unless they are not to be.
            assert_eq!(moved / count > 8.0, percent > 0, "{percent} %: {}", moved / count);
        }
    }

    #[test]
    fn nothing_is_distorted_by_0_percent() {
        assert_eq!(distorted(0, &ring(), WIDTH, 9), ring());
        for (width, height) in [(1, 1), (1, 40), (40, 1), (3, 5), (300, 200)] {
            let image: Vec<u8> = (0..width * height).map(|n| u8::try_from(n % 251).unwrap()).collect();
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
        assert_eq!([hash(1), hash(2)], [0x1500_EE71_6A4E_B1BF, 0x56FB_AB46_D95D_8B7B], "{:#x} {:#x}", hash(1), hash(2));
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
