//! Makes the network's input of the pictures of the input: 64 × 64 or 160 × 120 pixels each, as the camera has them. The
//! model is not looked at.
//!
//! Prints one line a picture, in hexadecimal: `picture <number> ticks <ticks> stack <bytes> scratch <bytes> crc <CRC-32 of
//! the input>`, or `picture <number> refused`. A tick is an instruction on RISC-V; on Arm see [`board::ticks`].

#![no_std]
#![no_main]

use twolayer::picture::{Ink, Picture, PictureError, Seen};
use twolayer_firmware::{Input, Line, board, main, measure};

const SIDE: u32 = 28;

main!(run);

fn run(memory: &'static mut [u32]) -> u32 {
    let Some(input) = Input::read(board::input()) else {
        return 4;
    };
    let (width, height) = match input.pixels {
        4_096 => (64, 64),
        19_200 => (160, 120),
        _ => return 5,
    };
    let Some(scratch) = memory.get_mut(..Picture::scratch_len(width, height, SIDE)) else {
        return 6;
    };
    let empty = measure(|| ()).1;
    let mut digit = [0; (SIDE * SIDE) as usize];
    for (number, pixels) in input.images.chunks_exact(input.pixels.max(1)).enumerate() {
        let bottom = board::paint();
        let (seen, ticks) = measure(|| picture_normalize(pixels, width, height, scratch, &mut digit));
        let stack = board::painted_depth(bottom);
        let mut line = Line::new();
        line.text("picture").field(number as u32);
        if seen.is_err() {
            line.text(" refused").print();
            continue;
        }
        line.text(" ticks").field(ticks.wrapping_sub(empty));
        line.text(" stack").field(stack as u32);
        line.text(" scratch").field(size_of_val(scratch) as u32);
        line.text(" crc").field(twolayer::crc32(&digit));
        line.print();
    }
    0
}

#[inline(never)]
fn picture_normalize(
    pixels: &[u8],
    width: u32,
    height: u32,
    scratch: &mut [u32],
    digit: &mut [u8],
) -> Result<Seen, PictureError> {
    Picture::new(pixels, width, height, width)?.normalize(Ink::Auto, scratch, digit)
}
