//! Pictures to digits, from C: one call, which links nothing of the networks.

use super::{Status, slice, slice_mut};
use crate::image::picture::{Ink, Picture, PictureError};

impl From<PictureError> for Status {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Size { .. } | PictureError::Stride { .. } | PictureError::Pixels { .. } => Self::Picture,
            PictureError::Input { .. } => Self::Pixels,
            PictureError::Scratch { .. } => Self::Scratch,
            PictureError::Blank { .. } => Self::Blank,
            PictureError::NoDigit(_) => Self::NoDigit,
        }
    }
}

/// Makes a network's input of the digit in a picture.
///
/// # Safety
/// Every pointer is null or points to as much as its length says; nothing overlaps.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_normalize(
    pixels: *const u8,
    pixels_len: usize,
    width: u32,
    height: u32,
    stride: u32,
    ink: u32,
    scratch: *mut u32,
    scratch_words: usize,
    input: *mut u8,
    input_len: usize,
) -> Status {
    // SAFETY: the caller's promise.
    let buffers =
        unsafe { (slice(pixels, pixels_len), slice_mut(scratch, scratch_words), slice_mut(input, input_len)) };
    let (Some(pixels), Some(scratch), Some(input)) = buffers else {
        return Status::Null;
    };
    let ink = match ink {
        0 => Ink::Auto,
        1 => Ink::Dark,
        2 => Ink::Light,
        _ => return Status::Picture,
    };
    let picture = Picture::new(pixels, width, height, stride);
    match picture.and_then(|picture| picture.normalize(ink, scratch, input)) {
        Ok(_) => Status::Ok,
        Err(error) => error.into(),
    }
}
