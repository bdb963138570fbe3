//! JPEG files, by the crate `zune-jpeg`: baseline and progressive, grey and colour.

use super::{Levels, PictureFileError, check_size, colour, orientation, zeros};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The most bytes that a pixel takes while it is decoded: three samples and the level, and rows of blocks.
const BYTES: usize = 5;

/// The same in a file of several scans, where the decoder keeps up to four coefficients of two bytes for each pixel.
const WHOLE_BYTES: usize = 11;

pub(super) fn decode(bytes: &[u8]) -> Result<Levels, PictureFileError> {
    let damaged = |error: DecodeErrors| PictureFileError::damaged("JPEG", format!("{error:?}").replace('"', ""));
    let sides = usize::from(u16::MAX);
    // Strict, because it would fill what is missing with grey otherwise.
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(sides).set_max_height(sides);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let (width, height) = (u32::try_from(width).unwrap_or(u32::MAX), u32::try_from(height).unwrap_or(u32::MAX));
    check_size(width, height, if is_kept_whole(bytes) { WHOLE_BYTES } else { BYTES })?;
    if !is_complete(bytes) {
        return Err(PictureFileError::damaged("JPEG", "no end marker"));
    }
    // All three of YCbCr, although the luma is the first of them: decoded alone, it is wrong in progressive files whose
    // chroma has half the rows and all columns.
    let out = match decoder.input_colorspace() {
        Some(luma @ (ColorSpace::Luma | ColorSpace::YCbCr)) => luma,
        _ => ColorSpace::RGB,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(out));
    let orientation = decoder.exif().map_or(1, |exif| orientation::of(exif));
    let mut samples = zeros(decoder.output_buffer_size())?;
    decoder.decode_into(&mut samples).map_err(damaged)?;
    let pixels = match out {
        ColorSpace::Luma => samples,
        ColorSpace::YCbCr => colour::of_ycbcr(&samples, width),
        _ => colour::of_rgb(&samples, width),
    };
    Ok(orientation::apply(orientation, pixels, width, height))
}

/// Whether there are several scans: the file is progressive, or its colours come one after the other.
fn is_kept_whole(bytes: &[u8]) -> bool {
    // From segment to segment: one may hold a small picture, which is another file.
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xFF, marker, body @ ..] = rest {
        match (marker, body) {
            (0xC2, _) => return true,
            // Neither byte pair occurs within a scan, but as a marker.
            (0xDA, scan) => return scan.windows(2).any(|pair| pair == [0xFF, 0xDA]),
            (0xFF, _) => rest = &rest[1..],
            (_, &[high, low, ..]) => {
                rest = body.get(usize::from(u16::from_be_bytes([high, low]))..).unwrap_or_default();
            }
            _ => break,
        }
    }
    true
}

/// Whether the last scan is followed by the end of the image: a decoder may not miss what is cut from a last row. Neither
/// marker occurs within a scan.
fn is_complete(bytes: &[u8]) -> bool {
    let last = |marker| bytes.windows(2).rposition(|pair| pair == [0xFF, marker]);
    matches!((last(0xDA), last(0xD9)), (Some(scan), Some(end)) if scan < end)
}
