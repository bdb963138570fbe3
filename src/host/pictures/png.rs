//! PNG files, by the crate `png`: all colour types, 1 to 16 bits, interlaced or not; of an animation the first picture.

use super::{Levels, PictureFileError, check_size, colour, orientation, zeros};
use png::{BitDepth, ColorType, Compression, DecodingError, Encoder, Limits, Transformations};
use std::io::{Cursor, Error};

/// The most bytes for a row and what stands beside the pixels: profiles, texts.
const MAX_BESIDE: usize = 1 << 24;

/// The most bytes that a pixel takes while it is decoded: four samples and the level, and one to spare.
const BYTES: usize = 6;

pub(super) fn decode(bytes: &[u8]) -> Result<Levels, PictureFileError> {
    let damaged = |error: DecodingError| PictureFileError::damaged("PNG", error);
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_BESIDE });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(damaged)?;
    check_size(header.width, header.height, BYTES)?;
    // To 8 bits, without a palette, and with alpha where one colour is transparent.
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let orientation = reader.info().exif_metadata.as_deref().map_or(1, orientation::of);
    let mut samples = zeros(reader.output_buffer_size())?;
    let frame = reader.next_frame(&mut samples).map_err(damaged)?;
    // To the last byte, so that a cut file is found out.
    reader.finish().map_err(damaged)?;
    samples.truncate(frame.buffer_size());
    let pixels = match frame.color_type {
        ColorType::Grayscale => samples,
        ColorType::GrayscaleAlpha => colour::of_grey_alpha(&samples),
        ColorType::Rgb => colour::of_rgb(&samples, frame.width),
        ColorType::Rgba => colour::of_rgba(&samples, frame.width),
        ColorType::Indexed => return Err(PictureFileError::damaged("PNG", "a palette that is not expanded")),
    };
    Ok(orientation::apply(orientation, pixels, frame.width, frame.height))
}

/// An 8-bit grey PNG.
pub(super) fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}
