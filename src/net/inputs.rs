//! The inputs of a network: pixels, or what is made of them first. Images are deslanted, then halved: every square of four pixels
//! becomes one, their mean, rounded half up.
//!
//! A network for halved images has a quarter of the inputs, and so a quarter of the weights. Costs some three operations for
//! each pixel of the image.

use super::deslant::{MAX_SIDE, Slant};
use crate::base::Always;
use crate::net::{Shape, SizeError};

/// Writes an image of half the width and half the height. `image` has rows of `width` pixels. Both its sides are even.
///
/// # Errors
///
/// [`SizeError::Halves`] when a side is odd or 0, or `image` is not whole rows; [`SizeError::Pixels`] when `halved` has not a
/// quarter of its pixels.
///
/// ```
/// let mut halved = [0; 2];
/// twolayer::halve(&[1, 2, 255, 255, 3, 4, 255, 254], 4, &mut halved)?;
/// assert_eq!(halved, [3, 255]);
/// # Ok::<(), twolayer::SizeError>(())
/// ```
pub fn halve(image: &[u8], width: u16, halved: &mut [u8]) -> Result<(), SizeError> {
    let pair_of_rows = 2 * usize::from(width);
    if width == 0 || !width.is_multiple_of(2) || !image.len().is_multiple_of(pair_of_rows) {
        return Err(SizeError::Halves { width, pixels: image.len() });
    }
    SizeError::check_pixels(halved.len(), image.len() / 4)?;
    halve_rows(image, width.into(), halved);
    Ok(())
}

/// The inputs of a network for one image or several: the pixels as they are or, where the shape says so, those of the images
/// deslanted, halved or both, which are written to `room`. All inference and training takes its inputs from here.
#[inline(always)] // an image has one call
pub(crate) fn network_input<'p>(shape: &Shape, images: &'p [u8], room: &'p mut [u8]) -> &'p [u8] {
    if shape.deslanted_image().is_some() {
        return deslant_images(shape, images, room);
    }
    let Some([width, _]) = shape.halved_image() else { return images };
    let room = room.get_mut(..images.len() / 4).always("there is room for every input");
    halve_rows(images, width.into(), room);
    room
}

/// [`network_input`], where images are deslanted.
#[inline(never)] // its stack is not there where they are not
fn deslant_images<'p>(shape: &Shape, mut images: &[u8], room: &'p mut [u8]) -> &'p [u8] {
    let columns = shape.deslanted_image().map_or(0, |[width, _]| width.into());
    let (mut free, mut filled) = (&mut *room, 0);
    while let Some(image) = images.split_off(..shape.pixels())
        && let Some(inputs) = free.split_off_mut(..shape.inputs())
    {
        filled += inputs.len();
        let slant = Slant::of(image, columns);
        if shape.halved_image().is_some() {
            halve_upright(slant, image, columns, inputs);
        } else {
            slant.straighten(image, 0, inputs);
        }
    }
    room.get(..filled).always("so much was written")
}

/// Halves what [`Slant::straighten`] makes of an image, two rows at a time.
#[inline(never)] // nor are the two rows where it is not halved
fn halve_upright(slant: Slant, mut image: &[u8], columns: usize, mut inputs: &mut [u8]) {
    let mut pair = [0; 2 * MAX_SIDE as usize];
    let pair = pair.get_mut(..2 * columns).always("sides were checked");
    let mut first = 0;
    while let Some(rows) = image.split_off(..2 * columns)
        && let Some(row) = inputs.split_off_mut(..columns / 2)
        && !row.is_empty()
    {
        slant.straighten(rows, first, pair);
        halve_rows(pair, columns, row);
        first += 2;
    }
}

/// The bytes of room that [`network_input`] needs for so many images; none where they are taken as they are.
pub(crate) const fn network_input_len(shape: Shape, images: usize) -> usize {
    if shape.prepared_image().is_some() { images.saturating_mul(shape.inputs()) } else { 0 }
}

/// [`halve`], where the lengths are known to be right.
fn halve_rows(mut image: &[u8], width: usize, mut halved: &mut [u8]) {
    // Without a division, for cores that have none.
    while let Some((above, rest)) = image.split_at_checked(width)
        && let Some((below, rest)) = rest.split_at_checked(width)
        && let Some(row) = halved.split_off_mut(..width / 2)
        && !row.is_empty()
    {
        image = rest;
        for ((mean, &[a, b]), &[c, d]) in row.iter_mut().zip(above.as_chunks().0).zip(below.as_chunks().0) {
            let sum = u32::from(a) + u32::from(b) + u32::from(c) + u32::from(d);
            *mean = ((sum + 2) / 4).to_le_bytes()[0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn pixels_are_means_of_four() {
        for (width, height) in [(2, 2), (28, 28), (2, 30), (34, 4), (6, 0)] {
            let image: Vec<u8> = (0..width * height).map(|n| u8::try_from(n * n % 251).unwrap()).collect();
            let mut found = vec![7; image.len() / 4];
            halve(&image, u16::try_from(width).unwrap(), &mut found).unwrap();
            for (place, found) in found.iter().enumerate() {
                let at = place / (width / 2) * 2 * width + place % (width / 2) * 2;
                let mean =
                    [at, at + 1, at + width, at + width + 1].map(|at| f64::from(image[at])).iter().sum::<f64>() / 4.0;
                let off = f64::from(*found) - (mean + 0.5).floor();
                assert!(off.abs() < 0.1, "{width} × {height}, pixel {place}: {found}, {mean}");
            }
        }
        let mut white = [0];
        halve(&[255; 4], 2, &mut white).unwrap();
        assert_eq!(white, [255]);
    }

    #[test]
    fn odd_sides_are_errors() {
        let mut halved = [9; 2];
        for (width, pixels) in [(0, 8), (3, 12), (4, 4), (4, 12), (4, 9)] {
            let halves = SizeError::Halves { width, pixels };
            assert_eq!(halve(&vec![1; pixels], width, &mut halved), Err(halves), "{width} columns, {pixels} pixels");
        }
        assert_eq!(halve(&[1; 16], 4, &mut halved), Err(SizeError::Pixels { found: 2, expected: 4 }));
        assert_eq!(halved, [9; 2]);
    }
}
