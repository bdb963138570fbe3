//! WebP files, by the crate `image-webp`: lossy and lossless, with alpha or without.
//!
//! Animations are refused: version 0.2.4 panics where a lossy picture of one has another size than its frame.

use super::{Levels, PictureFileError, check_size, colour, orientation, zeros};
use image_webp::{DecodingError, WebPDecoder};
use std::io::Cursor;

/// The most bytes that a pixel takes while it is decoded: samples, those of a lossless part, and its transforms.
const BYTES: usize = 11;

pub(super) fn decode(bytes: &[u8]) -> Result<Levels, PictureFileError> {
    let damaged = |error: DecodingError| PictureFileError::damaged("WebP", error);
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    decoder.set_memory_limit(bytes.len());
    let (width, height) = decoder.dimensions();
    check_size(width, height, BYTES)?;
    // The decoder would not miss what is cut from a last part.
    let len = 8 + bytes.get(4..).and_then(<[u8]>::first_chunk).map_or(0, |len| u64::from(u32::from_le_bytes(*len)));
    if (bytes.len() as u64) < len {
        return Err(PictureFileError::damaged("WebP", format!("{} of {len} bytes", bytes.len())));
    }
    if decoder.is_animated() {
        return Err(PictureFileError::Foreign { format: "WebP animation", command: "magick 'in.webp[0]' out.png" });
    }
    if !lossy_sizes(bytes).all(|size| size.map(u32::from) == [width, height]) {
        return Err(PictureFileError::damaged("WebP", "a part of another size than the picture"));
    }
    let exif = decoder.exif_metadata().ok().flatten();
    let orientation = exif.map_or(1, |exif| orientation::of(exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif)));
    let mut samples = zeros(decoder.output_buffer_size())?;
    decoder.read_image(&mut samples).map_err(damaged)?;
    let pixels = if decoder.has_alpha() { colour::of_rgba(&samples, width) } else { colour::of_rgb(&samples, width) };
    Ok(orientation::apply(orientation, pixels, width, height))
}

/// The columns and rows that lossy parts say they have; the decoder takes memory for them before it compares them with the
/// picture's.
fn lossy_sizes(bytes: &[u8]) -> impl Iterator<Item = [u16; 2]> {
    let mut rest = bytes.get(12..).unwrap_or_default();
    let parts = core::iter::from_fn(move || {
        let (&[a, b, c, d, len @ ..], body) = rest.split_first_chunk::<8>()?;
        let len = u32::from_le_bytes(len) as usize;
        // Parts fill an even number of bytes.
        rest = body.get(len.saturating_add(len % 2)..).unwrap_or_default();
        Some(([a, b, c, d], body))
    });
    parts.filter(|(name, _)| name == b"VP8 ").filter_map(|(_, body)| {
        let &[w, wide, h, high] = body.get(6..)?.first_chunk()?;
        // The upper two bits are a scale.
        Some([[w, wide], [h, high]].map(|side| u16::from_le_bytes(side) & 0x3FFF))
    })
}
