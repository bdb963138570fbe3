//! BMP files: 1 to 32 bits, in runs or not, with masks or not, from the bottom up or from the top down.
//!
//! This is own code because `zune-bmp` 0.5.2 does not skip what fills rows of 1, 4 and 16 bits up, and takes what is cut off a
//! file for zeros.

use super::{Levels, PictureFileError, check_size, colour, zeros};
use std::borrow::Cow;

/// Where the header stands whose first word is its own length. Before it stands where the pixels begin.
const HEADER: usize = 14;

/// The length of the oldest header.
const OLDEST: u32 = 12;

/// The length of the shortest header of the others.
const SHORTEST: u32 = 40;

/// The most bytes that a pixel takes while it is decoded: four samples, the index in a palette, and the level.
const BYTES: usize = 6;

pub(super) fn decode(bytes: &[u8]) -> Result<Levels, PictureFileError> {
    let damaged = |reason: String| PictureFileError::damaged("BMP", reason);
    let short = || damaged(format!("{} bytes, which are no header", bytes.len()));
    let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let half = |at: usize| Some(u32::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)));
    let (start, info) = word(10).zip(word(HEADER)).ok_or_else(short)?;
    let is_old = info == OLDEST;
    if !is_old && info < SHORTEST {
        return Err(damaged(format!("a header of {info} bytes, where {OLDEST} or at least {SHORTEST} are expected")));
    }
    let sizes = if is_old { half(18).zip(half(20)) } else { word(18).zip(word(22)) };
    let kind = if is_old { half(24).zip(Some(0)) } else { half(28).zip(word(30)) };
    let ((width, rows), (bits, packing)) = sizes.zip(kind).ok_or_else(short)?;
    // Rows from the top down have a number below zero.
    let from_top = rows.cast_signed() < 0;
    let height = rows.cast_signed().unsigned_abs();
    check_size(width, height, BYTES)?;

    let (columns, rows) = (width as usize, height as usize);
    let raster = bytes.get(start as usize..).unwrap_or_default();
    let (raster, depth, stride) = match (packing, bits) {
        (1, 8) | (2, 4) => {
            let mut indices = zeros(Some(columns * rows))?;
            expand(raster, bits, columns, &mut indices).ok_or_else(|| damaged("runs without an end".to_owned()))?;
            (Cow::from(indices), 8, columns)
        }
        (0, 1 | 2 | 4 | 8 | 16 | 24 | 32) | (3 | 6, 16 | 32) => {
            let stride = (columns * bits as usize).div_ceil(32) * 4;
            let short = || damaged(format!("{} of {} bytes of pixels", raster.len(), stride * rows));
            (Cow::from(raster.get(..stride * rows).ok_or_else(short)?), bits as usize, stride)
        }
        _ => return Err(damaged(format!("{bits} bits for a pixel, packed in way {packing}, which is not read here"))),
    };

    let most = 1 << bits.min(8);
    let used = if is_old { None } else { word(46).filter(|used| (1..most).contains(used)) };
    let palette = bytes.get(HEADER..).and_then(|header| header.get(info as usize..)).unwrap_or_default();
    let palette = palette.chunks_exact(if is_old { 3 } else { 4 }).take(used.unwrap_or(most) as usize);
    let palette: Vec<[u8; 4]> = palette.map(|colour| [colour[2], colour[1], colour[0], 255]).collect();
    let mask = |at: usize| word(54 + 4 * at).unwrap_or_default();
    let masks = match (packing, bits) {
        (3 | 6, _) => [mask(0), mask(1), mask(2), if info > 52 || packing == 6 { mask(3) } else { 0 }],
        (_, 16) => [0x7C00, 0x3E0, 0x1F, 0],
        _ => [0x00FF_0000, 0xFF00, 0xFF, 0],
    };
    // Red, green, blue, alpha.
    let rgba = |value: u32| match bits {
        ..=8 => palette.get(value as usize).copied().unwrap_or([0, 0, 0, 255]),
        _ => [part(value, masks[0], 0), part(value, masks[1], 0), part(value, masks[2], 0), part(value, masks[3], 255)],
    };

    let mut samples = zeros(Some(4 * columns * rows))?;
    let stored = raster.chunks_exact(stride);
    let place = |row: usize| if from_top { row } else { rows - 1 - row };
    for (row, stored) in stored.enumerate() {
        let to = samples[4 * columns * place(row)..].as_chunks_mut().0.iter_mut().take(columns);
        for (x, to) in to.enumerate() {
            *to = rgba(value(stored, x, depth));
        }
    }
    Ok((colour::of_rgba(&samples, width), width, height))
}

/// The number that stands for a pixel in a row.
fn value(row: &[u8], x: usize, bits: usize) -> u32 {
    let at = x * bits / 8;
    match bits {
        ..8 => u32::from(row[at] >> (8 - bits - x * bits % 8)) & ((1 << bits) - 1),
        _ => row[at..][..bits / 8].iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte)),
    }
}

/// What a mask leaves of a pixel, as 0 to 255; `other` for an empty mask.
fn part(value: u32, mask: u32, other: u8) -> u8 {
    if mask == 0 {
        return other;
    }
    let [value, most] = [value & mask, mask].map(|part| u64::from(part >> mask.trailing_zeros()));
    u8::try_from((value * 255 + most / 2) / most).unwrap_or(u8::MAX)
}

/// One byte for each pixel, in the order stored, from runs of 8 or 4 bits; nothing if they leave the picture or have no end.
fn expand(runs: &[u8], bits: u32, columns: usize, indices: &mut [u8]) -> Option<()> {
    let mut runs = runs.iter().copied();
    let mut next = || runs.next();
    let (mut x, mut y) = (0, 0);
    while y * columns <= indices.len() {
        let (len, stored) = match (next()?, next()?) {
            (0, 0) => {
                (x, y) = (0, y + 1);
                continue;
            }
            (0, 1) => return Some(()),
            (0, 2) => {
                (x, y) = (columns.min(x + usize::from(next()?)), y + usize::from(next()?));
                continue;
            }
            (0, len) => {
                // As they are, in an even number of bytes.
                let mut stored = [0; 256];
                let bytes = (usize::from(len) * bits as usize).div_ceil(8);
                for to in stored.iter_mut().take(bytes.next_multiple_of(2)) {
                    *to = next()?;
                }
                (len, stored)
            }
            (len, byte) => (len, [byte; 256]),
        };
        for i in (0..usize::from(len)).take(columns - x) {
            if let Some(to) = indices.get_mut(y * columns + x) {
                *to = u8::try_from(value(&stored, i, bits as usize)).unwrap_or_default();
            }
            x += 1;
        }
    }
    None
}
