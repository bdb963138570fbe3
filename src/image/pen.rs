//! What other pens do to strokes: they are thicker or thinner, or broken.
//!
//! In integers, so that the bytes are the same on every machine.

use crate::base::PlusPlus;

/// The weight of a change of strokes of 100 %: up to half of the way to the largest of a pixel and its neighbours.
const THICKER: i32 = 128;
/// Strokes get thinner by a fraction of what they get thicker: many are but two pixels wide.
const THINNER: i32 = 2;
/// One in so many images has a broken stroke.
const BROKEN: u64 = 7;
/// What counts as part of a stroke.
const INK: u8 = 128;

/// Changes strokes at random, by a strength in percent. `copy` is of the image's size and may hold anything.
pub(super) fn change(image: &mut [u8], copy: &mut [u8], width: usize, percent: i32, random: &mut PlusPlus) {
    let weight = random.signed(THICKER) * percent / 100;
    change_width(image, copy, width, if weight < 0 { weight / THINNER } else { weight });
    if random.below(BROKEN * 100) < u64::from(percent.unsigned_abs()) {
        let radius = 2 + random.bits() % 2;
        if let Some(at) = some_ink(image, random) {
            erase(image, width, at, radius);
        }
    }
}

/// Thicker strokes for a weight up to 256, thinner ones down to −256, and no more beyond: pixels move so many 256ths of the way to
/// the largest, or to the least, of them and their four neighbours.
fn change_width(image: &mut [u8], copy: &mut [u8], width: usize, weight: i32) {
    copy.copy_from_slice(image);
    let way = u16::try_from(weight.unsigned_abs().min(256)).unwrap_or(256);
    let part = |difference: u8| (u16::from(difference) * way).to_be_bytes()[0];
    if weight > 0 {
        for_neighbours(image, copy, width, u8::max, |own, largest| own + part(largest - own));
    } else {
        for_neighbours(image, copy, width, u8::min, |own, least| own - part(own - least));
    }
}

/// Sets each pixel to `moved` of it and the extreme of it and its four neighbours. These are those in memory: beyond the side of a row
/// is the other side of the next one, which is background as well.
#[inline(always)]
fn for_neighbours(
    image: &mut [u8],
    copy: &[u8],
    width: usize,
    extreme: impl Fn(u8, u8) -> u8,
    moved: impl Fn(u8, u8) -> u8,
) {
    for distance in [1, width] {
        let behind = copy.get(distance..).unwrap_or_default();
        for (pixel, other) in image.iter_mut().zip(behind) {
            *pixel = extreme(*pixel, *other);
        }
        for (pixel, other) in image.iter_mut().skip(distance).zip(copy) {
            *pixel = extreme(*pixel, *other);
        }
    }
    for (pixel, own) in image.iter_mut().zip(copy) {
        *pixel = moved(*own, *pixel);
    }
}

/// The place of a random pixel of a stroke.
fn some_ink(image: &[u8], random: &mut PlusPlus) -> Option<usize> {
    let first = usize::try_from(random.below(image.len() as u64)).ok()?;
    let (before, behind) = image.split_at_checked(first)?;
    let ink = |part: &[u8]| part.iter().position(|pixel| *pixel >= INK);
    ink(behind).map(|at| first + at).or_else(|| ink(before))
}

/// Erases a disc about a pixel, of a radius of one or one and a half pixels, and half of the ink in the half pixel around it.
fn erase(image: &mut [u8], width: usize, at: usize, radius: u32) {
    const REACH: usize = 2;
    let (left, top) = ((at % width).saturating_sub(REACH), (at / width).saturating_sub(REACH));
    for (y, row) in (top..).zip(image.chunks_exact_mut(width).skip(top)).take(2 * REACH + 1) {
        for (x, pixel) in (left..).zip(row.iter_mut().skip(left)).take(2 * REACH + 1) {
            let (dx, dy) = (x.abs_diff(at % width), y.abs_diff(at / width));
            let square = 4 * (dx * dx + dy * dy) as u64;
            let [inner, outer] = [radius, radius + 1].map(|radius| u64::from(radius * radius));
            if square <= outer {
                *pixel = if square <= inner { 0 } else { *pixel / 2 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// A bar, two pixels wide, in an image of 9 × 7.
    fn bar() -> Vec<u8> {
        (0..63).map(|at| if (3..5).contains(&(at % 9)) { 200 } else { 0 }).collect()
    }

    /// The same by places, in floating point.
    fn oracle(image: &[u8], width: usize, weight: i32) -> Vec<f64> {
        let moved = |place: usize| {
            let own = f64::from(image[place]);
            let near = [place.checked_sub(1), Some(place + 1), place.checked_sub(width), Some(place + width)];
            let near = near.into_iter().flatten().filter_map(|place| image.get(place)).copied().map(f64::from);
            let extreme = near.fold(own, |a, b| if weight > 0 { a.max(b) } else { a.min(b) });
            own + (extreme - own) * f64::from(weight.abs()) / 256.0
        };
        (0..image.len()).map(moved).collect()
    }

    #[test]
    fn strokes_become_wider_and_thinner() {
        for (weight, beside, within) in [(256, 200, 200), (128, 100, 200), (0, 0, 200), (-128, 0, 100), (-256, 0, 0)] {
            let (mut image, mut copy) = (bar(), vec![9; 63]);
            change_width(&mut image, &mut copy, 9, weight);
            for row in image.chunks(9) {
                assert_eq!(row, [0, 0, beside, within, within, beside, 0, 0, 0], "{weight}");
            }
        }
        let mut random = PlusPlus::new(5);
        for (width, height) in [(1, 1), (1, 9), (9, 1), (7, 5), (28, 28)] {
            let image: Vec<u8> = (0..width * height).map(|_| random.bits().to_le_bytes()[0]).collect();
            for weight in [-256, -77, 0, 99, 256] {
                let (mut found, mut copy) = (image.clone(), image.clone());
                change_width(&mut found, &mut copy, width, weight);
                for (found, expected) in found.iter().zip(oracle(&image, width, weight)) {
                    assert!((f64::from(*found) - expected).abs() <= 1.0, "{width} × {height}, {weight}");
                }
            }
        }
    }

    #[test]
    fn strokes_break() {
        let mut random = PlusPlus::new(1);
        let broken = |random: &mut PlusPlus| {
            let (mut image, mut copy) = (bar(), vec![9; 63]);
            change(&mut image, &mut copy, 9, 100, random);
            image.chunks(9).any(|row| row[3..5] == [0, 0])
        };
        let count = (0..7000).filter(|_| broken(&mut random)).count();
        assert!((800..1200).contains(&count), "{count} of 7000");
        // Nothing to break.
        for mut blank in [vec![], vec![0; 63], vec![127; 63]] {
            assert_eq!(some_ink(&blank, &mut random), None);
            let before = blank.clone();
            let mut copy = blank.clone();
            change(&mut blank, &mut copy, 9, 400, &mut random);
            assert_eq!(blank, before);
        }
    }
}
