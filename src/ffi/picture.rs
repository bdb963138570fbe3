//! Pictures to digits, from C: one call, which links nothing of the networks, and one that asks one for all digits.

use super::{Model, Outcome, Status, slice, slice_mut, usable, write};
use crate::base::Answer;
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
    let (picture, ink) = match picture(pixels, width, height, stride, ink) {
        Ok(given) => given,
        Err(status) => return status,
    };
    picture.normalize(ink, scratch, input).map_or_else(Status::from, |_| Status::Ok)
}

/// A digit of a picture: `twolayer_digit`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digit {
    /// The class.
    pub label: u32,
    /// The margin, by its bits.
    pub margin: u32,
    /// The first column of its box.
    pub left: u32,
    /// The first row of its box.
    pub top: u32,
    /// The columns of its box.
    pub width: u32,
    /// The rows of its box.
    pub height: u32,
    /// The line that it is in, counted from 0 at the top.
    pub line: u32,
    /// 1 if it may be several digits or a part of one, else 0.
    pub doubtful: u32,
}

/// Finds all digits in a picture and asks a model for their classes.
///
/// # Safety
/// Every pointer is null or points to as much as its length says; `model` was opened; nothing overlaps.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_read(
    model: *const Model,
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
    digits: *mut Digit,
    digits_len: usize,
    found: *mut usize,
) -> Status {
    // SAFETY: the caller's promise.
    let (given, scratch, buffers) = unsafe {
        (
            (slice(model, 1), slice(pixels, pixels_len)),
            slice_mut(scratch, scratch_words),
            (slice_mut(input, input_len), slice_mut(digits, digits_len)),
        )
    };
    let ((Some([model]), Some(pixels)), Some(scratch), (Some(input), Some(digits))) = (given, scratch, buffers) else {
        return Status::Null;
    };
    if !usable(found, 1) {
        return Status::Null;
    }
    match read(model, (pixels, [width, height, stride, ink]), scratch, input, digits) {
        // SAFETY: the caller's promise.
        Ok(count) => unsafe { write(found, count) },
        Err(status) => status,
    }
}

/// Writes the digits of a picture, as many as there is room for; how many there are.
fn read(
    model: &Model,
    (pixels, [width, height, stride, ink]): (&[u8], [u32; 4]),
    scratch: &mut [u32],
    input: &mut [u8],
    digits: &mut [Digit],
) -> Result<usize, Status> {
    let runner = model.runner.ok_or(Status::Null)?;
    let (picture, ink) = picture(pixels, width, height, stride, ink)?;
    let (memory, scratch) = scratch.split_at_mut_checked(model.scratch_words).ok_or(Status::Scratch)?;
    let mut ask = |input: &[u8]| {
        // SAFETY: the model was opened, as the caller promises.
        let Outcome { class, margin, outputs } = unsafe { runner(model, input, memory) }?;
        let sureness = match model.bits {
            32 => Answer::sureness::<f32>(bytemuck::cast_slice(outputs)),
            _ => Answer::sureness::<i32>(bytemuck::cast_slice(outputs)),
        };
        Ok::<_, Status>((class, margin, sureness))
    };
    let mut reading = picture.digits(ink, scratch, input)?;
    let mut count = 0;
    while let Some(digit) = reading.next(|input| ask(input).map_or(0, |(_, _, sureness)| sureness)) {
        let (label, margin, _) = ask(digit.input)?;
        if let Some(to) = digits.get_mut(count) {
            let (seen, line, doubtful) = (digit.seen, digit.line.into(), digit.doubtful.into());
            let [left, top, width, height] = [seen.left, seen.top, seen.width, seen.height];
            *to = Digit { label, margin, left, top, width, height, line, doubtful };
        }
        count += 1;
    }
    Ok(count)
}

fn picture(pixels: &[u8], width: u32, height: u32, stride: u32, ink: u32) -> Result<(Picture<'_>, Ink), Status> {
    let ink = match ink {
        0 => Ink::Auto,
        1 => Ink::Dark,
        2 => Ink::Light,
        _ => return Err(Status::Picture),
    };
    Ok((Picture::new(pixels, width, height, stride)?, ink))
}
