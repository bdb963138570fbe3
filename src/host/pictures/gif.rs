//! GIF files, by the crate `gif`: of an animation the first picture, without what is around it.

use super::{Levels, PictureFileError, check_size, colour, zeros};
use gif::{ColorOutput, DecodeOptions, DecodingError};

/// The most bytes that a pixel takes while it is decoded: four samples and the level, and one to spare.
const BYTES: usize = 6;

pub(super) fn decode(bytes: &[u8]) -> Result<Levels, PictureFileError> {
    let damaged = |error: DecodingError| PictureFileError::damaged("GIF", error);
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes).map_err(damaged)?;
    let Some(frame) = decoder.next_frame_info().map_err(damaged)? else {
        return Err(PictureFileError::damaged("GIF", "no picture in it"));
    };
    let (width, height) = (frame.width.into(), frame.height.into());
    check_size(width, height, BYTES)?;
    let mut samples = zeros(Some(decoder.buffer_size()))?;
    decoder.read_into_buffer(&mut samples).map_err(damaged)?;
    // To the end, so that a cut file is found out.
    while decoder.next_frame_info().map_err(damaged)?.is_some() {}
    Ok((colour::of_rgba(&samples, width), width, height))
}
