//! Deslants images: the rows of a digit move sideways until it stands upright in the middle, so that a network need not learn every
//! slant.
//!
//! The slant is that of the line through the ink, by its second moments (Y. LeCun, L. Bottou, Y. Bengio and P. Haffner,
//! *Gradient-based learning applied to document recognition*, 1998, deslanted digits so):
//!
//! ```text
//! slant = Σ p (x − x₀) (y − y₀) / Σ p (y − y₀)²        x₀, y₀: the ink's centre of gravity, in whole pixels
//! ```
//!
//! In integers of 32 bits, with three divisions, the same on every machine. Costs some ten operations for each pixel of the image.

use crate::net::SizeError;

/// The longest side of an image that is deslanted: its moments fit 32 bits.
pub(crate) const MAX_SIDE: u16 = 64;
/// Bits of the fractions of a pixel by which rows move.
const FRACTION: u32 = 8;
const ONE: i32 = 1 << FRACTION;
/// Bits of the fractions of the centre of gravity.
const CENTRE: u32 = 6;
/// Pixels that are added to where a row begins, so that it is not negative: it moves by less.
const AHEAD: i32 = 2 * MAX_SIDE as i32;

/// Writes an upright copy of an image of `width` columns, both of whose sides have at most 64 pixels. Each row moves by its distance from the
/// centre of gravity times the slant, which is at most one pixel a row, and all of them by as much as brings that centre to the middle
/// column; levels between two pixels are interpolated, and background (0) comes in at the ends.
///
/// # Errors
///
/// [`SizeError::Deslants`] when `image` is not whole rows of `width`, or a side is longer than 64 pixels; [`SizeError::Pixels`] when
/// `upright` is not as long as `image`.
///
/// ```
/// let mut upright = [9; 9];
/// twolayer::deslant(&[0, 0, 255, 0, 255, 0, 255, 0, 0], 3, &mut upright)?;
/// assert_eq!(upright, [0, 254, 1, 0, 255, 0, 1, 254, 0]);
/// # Ok::<(), twolayer::SizeError>(())
/// ```
pub fn deslant(image: &[u8], width: u16, upright: &mut [u8]) -> Result<(), SizeError> {
    let (columns, pixels) = (usize::from(width), image.len());
    let height = pixels.checked_div(columns).and_then(|height| u16::try_from(height).ok()).unwrap_or(u16::MAX);
    if width > MAX_SIDE || height > MAX_SIDE || columns * usize::from(height) != pixels {
        return Err(SizeError::Deslants { width, height, pixels });
    }
    SizeError::check_pixels(upright.len(), pixels)?;
    Slant::of(image, columns).straighten(image, 0, upright);
    Ok(())
}

/// How a digit leans.
#[derive(Clone, Copy)]
pub(super) struct Slant {
    columns: usize,
    /// What all rows move by, in 256ths of a pixel.
    across: i32,
    /// The centre of gravity's row, in 64ths.
    middle: i32,
    /// What a row moves by to the right for each row that it is lower, in 256ths of a pixel.
    slant: i32,
}

impl Slant {
    /// That of an image whose sides have at most [`MAX_SIDE`] pixels.
    #[inline(never)] // its stack is not there while rows move
    pub(super) fn of(mut image: &[u8], columns: usize) -> Self {
        // Of zeroth, first and second order. What overflows becomes right again where moments become those about the centre.
        let [mut ink, mut x, mut y, mut xy, mut yy] = [0_u32; 5];
        let mut row_number = 0_u32;
        while let Some(row) = image.split_off(..columns)
            && !row.is_empty()
        {
            let [mut of_row, mut x_of_row, mut column] = [0_u32; 3];
            let mut add = |word: u32| {
                if word != 0 {
                    // Of pixels a, b, c, d: two sums at once, a + b and c + d.
                    let odd = (word >> 8) & 0xFF_00FF;
                    let pairs = (word & 0xFF_00FF) + odd;
                    let sum = (pairs & 0xFFFF) + (pairs >> 16);
                    of_row += sum;
                    x_of_row += column * sum + (odd & 0xFFFF) + (odd >> 16) + 2 * (pairs >> 16);
                }
                column += 4;
            };
            let (words, rest) = row.as_chunks();
            for &word in words {
                add(u32::from_le_bytes(word));
            }
            if !rest.is_empty() {
                add(rest.iter().rev().fold(0, |word, &pixel| word << 8 | u32::from(pixel)));
            }
            ink += of_row;
            x += x_of_row;
            y += row_number * of_row;
            xy += row_number * x_of_row;
            yy += row_number * row_number * of_row;
            row_number += 1;
        }
        let centre = |moment: u32| ((moment << CENTRE) + ink / 2).checked_div(ink).unwrap_or(0);
        let (middle_x, middle_y) = (centre(x), centre(y));
        let whole = |place: u32| (place + (1 << CENTRE) / 2) >> CENTRE;
        let (x0, y0) = (whole(middle_x), whole(middle_y));
        let covariance = xy.wrapping_sub(x0 * y).wrapping_sub(y0 * x).wrapping_add(x0 * (y0 * ink)).cast_signed();
        let variance = yy.wrapping_sub(y0 * y).wrapping_sub(y0 * y).wrapping_add(y0 * (y0 * ink));
        // One more, for an image of one row: little beside the variance of a digit.
        let slant = covariance / ((variance >> FRACTION) + 1).cast_signed();
        let column = (middle_x << (FRACTION - CENTRE)).cast_signed();
        // A side has at most 64 pixels.
        let across = column - (i32::from(columns.to_le_bytes()[0] / 2) << FRACTION);
        Self { columns, across, middle: middle_y.cast_signed(), slant: slant.clamp(-ONE, ONE) }
    }

    /// Moves rows of the image, of which `first` is the number of the first.
    pub(super) fn straighten(self, mut rows: &[u8], first: u16, mut upright: &mut [u8]) {
        upright.fill(0);
        let mut below = (i32::from(first) << CENTRE) - self.middle;
        while let Some(row) = rows.split_off(..self.columns)
            && let Some(moved) = upright.split_off_mut(..self.columns)
            && !row.is_empty()
        {
            let place = ((self.slant * below) >> CENTRE) + self.across;
            move_row(row, (place + (AHEAD << FRACTION)).cast_unsigned(), moved);
            below += 1 << CENTRE;
        }
    }
}

/// Writes to a blank row what begins at a place of another one: so many 256ths of a pixel, from [`AHEAD`] pixels before its first one on.
fn move_row(row: &[u8], place: u32, moved: &mut [u8]) {
    // Where there is ink, in whole words.
    let (words, rest) = row.as_chunks();
    let is_inked = |word: &[u8; 4]| !is_blank(*word);
    let first = 4 * words.iter().position(is_inked).unwrap_or(words.len());
    let last =
        if rest.is_empty() { 4 * words.iter().rposition(is_inked).map_or(0, |word| word + 1) } else { row.len() };
    if first >= last {
        return;
    }
    // Each pixel gets what is between one of the row and the next, which is so many further on.
    let (whole, part) = ((place >> FRACTION) as usize, place & (ONE.cast_unsigned() - 1));
    let (ahead, next) = (AHEAD.unsigned_abs() as usize, whole + 1);
    let (from, to) = (first.max(next.saturating_sub(ahead)), (first + ahead).saturating_sub(next));
    let (Some(inked), Some(moved)) = (row.get(from..last), moved.get_mut(to..)) else { return };
    let left = row.get(from.wrapping_sub(1)).map_or(0, |&pixel| u32::from(pixel));
    let left = blend(left, inked, part, moved);
    if let Some(after) = moved.get_mut(inked.len()..=inked.len()) {
        blend(left, &[0], part, after);
    }
}

/// Whether four pixels are background, as most are.
fn is_blank(word: [u8; 4]) -> bool {
    u32::from_ne_bytes(word) == 0
}

/// Writes what is `part` 256ths of the way from each pixel to the next: from `left` to the first of `pixels`, and so on. Returns the last.
#[inline(never)] // a row has two calls
fn blend(mut left: u32, pixels: &[u8], part: u32, blended: &mut [u8]) -> u32 {
    for (blended, &right) in blended.iter_mut().zip(pixels) {
        let right = u32::from(right);
        let sum = (left << FRACTION).wrapping_add(right.wrapping_sub(left).wrapping_mul(part));
        *blended = ((sum + ONE.cast_unsigned() / 2) >> FRACTION).to_le_bytes()[0];
        left = right;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::digit;
    use std::vec;
    use std::vec::Vec;

    /// The same in floating point.
    fn oracle(image: &[u8], columns: u8) -> Vec<f64> {
        let rows = || (0_u8..).zip(image.chunks(columns.into()));
        let pixels = || rows().flat_map(|(y, row)| (0_u8..).zip(row).map(move |(x, p)| [*p, x, y].map(f64::from)));
        let ink: f64 = pixels().map(|[p, ..]| p).sum();
        if ink == 0.0 {
            return vec![0.0; image.len()];
        }
        let centre = |sum: f64| (64.0 * sum / ink + 0.5).floor() / 64.0;
        let middle = [centre(pixels().map(|[p, x, _]| p * x).sum()), centre(pixels().map(|[p, _, y]| p * y).sum())];
        let [x0, y0] = middle.map(|place| (place + 0.5).floor());
        let covariance: f64 = pixels().map(|[p, x, y]| p * (x - x0) * (y - y0)).sum();
        let variance: f64 = pixels().map(|[p, _, y]| p * (y - y0) * (y - y0)).sum();
        let slant = (covariance / ((variance / 256.0).floor() + 1.0)).trunc().clamp(-256.0, 256.0) / 256.0;
        let moved = |(y, row): (u8, &[u8])| {
            let level = |place: f64| {
                let pixel = (0_u8..).zip(row).find(|(x, _)| (f64::from(*x) - place).abs() < 0.5);
                pixel.map_or(0.0, |(_, pixel)| f64::from(*pixel))
            };
            let by = (256.0 * slant * (f64::from(y) - middle[1])).floor() / 256.0 + middle[0] - f64::from(columns / 2);
            let places = (0..columns).map(|x| f64::from(x) + by);
            let between = |x: f64| {
                let part = x - x.floor();
                level(x.floor()) * (1.0 - part) + level(x.floor() + 1.0) * part
            };
            places.map(|place| (between(place) + 0.5).floor()).collect::<Vec<_>>()
        };
        rows().flat_map(moved).collect()
    }

    fn deslanted(image: &[u8], columns: u8) -> Vec<f64> {
        let mut upright = vec![7; image.len()];
        deslant(image, columns.into(), &mut upright).unwrap();
        upright.into_iter().map(f64::from).collect()
    }

    #[test]
    fn pixels_are_those_of_floating_point() {
        let mut images: Vec<(Vec<u8>, u8)> = (0..50).map(|seed| (digit(seed, 0).0.to_vec(), 28)).collect();
        // Full of ink, with ink at one end only, and leaning as far as can be; blank ones too.
        for (columns, rows) in [(1, 1), (1, 64), (64, 1), (64, 64), (3, 5), (40, 7), (1, 0)] {
            for step in [0, 1, 2, 7, 61] {
                let image = |ink: &dyn Fn(u32, u32) -> bool| {
                    let pixels = (0..rows).flat_map(|y| (0..u32::from(columns)).map(move |x| (x, y)));
                    pixels.map(|(x, y)| if ink(x, y) { 255 } else { 0 }).collect::<Vec<u8>>()
                };
                images.push((image(&|x, y| (64 * y + x).is_multiple_of(step)), columns));
                images.push((image(&|x, y| x * y >= 64 * step), columns));
                images.push((image(&|x, y| x + step > y), columns));
                images.push((image(&|x, y| x + y < step), columns));
            }
        }
        for (image, columns) in images {
            assert!(deslanted(&image, columns) == oracle(&image, columns), "{} in rows of {columns}", image.len());
        }
    }

    /// A bar stands upright in the middle, however it leant and wherever.
    #[test]
    fn a_slant_is_taken_away() {
        for slant in -9..=9_i32 {
            let ink = |x: i32, y: i32| (10 * (x - 12) - slant * (y - 14)).abs() <= 20 && (7..22).contains(&y);
            let bar = (0..28).flat_map(|y| (0..28).map(move |x| if ink(x, y) { 255 } else { 0 }));
            let upright = deslanted(&bar.collect::<Vec<_>>(), 28);
            for row in upright.chunks(28).skip(8).take(12) {
                let moment: f64 = (0_u8..).zip(row).map(|(x, pixel)| f64::from(x) * pixel).sum();
                let off = moment / row.iter().sum::<f64>() - 14.0;
                assert!(off.abs() < 0.5, "a slant of {slant}: off by {off}");
            }
        }
    }

    #[test]
    fn other_sizes_are_errors() {
        let mut upright = [9; 66];
        for (pixels, width, height) in [(0, 0, u16::MAX), (4, 0, u16::MAX), (65, 65, 1), (65, 1, 65), (7, 3, 2)] {
            let error = SizeError::Deslants { width, height, pixels };
            assert_eq!(deslant(&vec![1; pixels], width, &mut upright[..pixels]), Err(error));
        }
        let short = SizeError::Pixels { found: 5, expected: 6 };
        assert_eq!(deslant(&[1; 6], 3, &mut upright[..5]), Err(short));
        assert_eq!(upright, [9; 66]);
    }
}
