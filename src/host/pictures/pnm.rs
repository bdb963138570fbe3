//! Netpbm's PGM and PPM files, P2, P3, P5 and P6: a header in text, then samples of one or two bytes or in text.
//!
//! This is own code because the crate `image` takes nearly two minutes of one core to build (its colour management most of it), and `zune-ppm` does not scale levels
//! and takes a first pixel of 9, 10, 13 or 32 for a space.

use super::{Levels, PictureFileError, check_size, colour, reserved};

/// The most bytes that a pixel takes while it is decoded: three samples and the level, and one to spare.
const BYTES: usize = 5;

pub(super) fn decode(bytes: &[u8]) -> Result<Levels, PictureFileError> {
    let damaged = |reason: String| PictureFileError::damaged("PNM", reason);
    let kind = bytes.get(1).copied().unwrap_or_default();
    let mut text = Text(bytes.get(2..).unwrap_or_default());
    let mut next = |what| text.number().ok_or_else(|| damaged(format!("no {what} in its header")));
    let (width, height, most) = (next("width")?, next("height")?, next("maximum")?);
    check_size(width, height, BYTES)?;
    if !(1..=65535).contains(&most) {
        return Err(damaged(format!("a maximum of {most}, where 1 to 65535 is expected")));
    }
    let is_grey = matches!(kind, b'2' | b'5');
    let count = if is_grey { 1 } else { 3 } * width as usize * height as usize;
    let scaled = |level: u32| {
        let rounded = level.checked_mul(255).map(|level| (level + most / 2) / most);
        rounded.and_then(|level| u8::try_from(level).ok()).ok_or_else(|| damaged(format!("a level above {most}")))
    };
    let mut samples = reserved(Some(count))?;
    if matches!(kind, b'2' | b'3') {
        for done in 0..count {
            let level = text.number().ok_or_else(|| damaged(format!("{done} of {count} levels")))?;
            samples.push(scaled(level)?);
        }
    } else {
        let width = if most > 255 { 2 } else { 1 };
        // One space stands between header and samples.
        let raster = text.0.get(1..).unwrap_or_default();
        let raster = raster
            .get(..count * width)
            .ok_or_else(|| damaged(format!("{} of {} bytes of levels", raster.len(), count * width)))?;
        for level in raster.chunks_exact(width) {
            samples.push(scaled(level.iter().fold(0, |all, &byte| all << 8 | u32::from(byte)))?);
        }
    }
    let pixels = if is_grey { samples } else { colour::of_rgb(&samples, width) };
    Ok((pixels, width, height))
}

/// Numbers in text, between spaces and comments.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn number(&mut self) -> Option<u32> {
        loop {
            self.skip(|byte| byte.is_ascii_whitespace());
            if self.0.first() != Some(&b'#') {
                break;
            }
            self.skip(|byte| byte != b'\n' && byte != b'\r');
        }
        let digits = self.skip(|byte| byte.is_ascii_digit());
        core::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Takes bytes off the front.
    fn skip(&mut self, of: impl Fn(u8) -> bool) -> &[u8] {
        let len = self.0.iter().position(|&byte| !of(byte)).unwrap_or(self.0.len());
        let (front, rest) = self.0.split_at(len);
        self.0 = rest;
        front
    }
}
