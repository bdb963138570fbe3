//! Finds all digits of the pictures of the input, of 160 × 120 pixels, with a network that is sure of everything. The model is
//! not looked at.
//!
//! Prints one line a picture, in hexadecimal: `picture <number> ticks <ticks> stack <bytes> scratch <bytes> digits <count> crc
//! <CRC-32 of all inputs>`, or `picture <number> refused`. A tick is an instruction on RISC-V; on Arm see [`board::ticks`].

#![no_std]
#![no_main]

use twolayer::picture::{Ink, Picture, PictureError};
use twolayer_firmware::{Input, Line, board, main, measure};

const SIDE: u32 = 28;
const WIDTH: u32 = 160;
const HEIGHT: u32 = 120;

main!(run);

fn run(memory: &'static mut [u32]) -> u32 {
    let Some(input) = Input::read(board::input()) else {
        return 4;
    };
    if input.pixels != (WIDTH * HEIGHT) as usize {
        return 5;
    }
    let Some(scratch) = memory.get_mut(..Picture::digits_scratch_len(WIDTH, HEIGHT, SIDE)) else {
        return 6;
    };
    let empty = measure(|| ()).1;
    for (number, pixels) in input.images.chunks_exact(input.pixels).enumerate() {
        // Once for the time, and once more for the checksum, which is not counted.
        let bottom = board::paint();
        let (count, ticks) = measure(|| read(pixels, scratch, |_| ()));
        let stack = board::painted_depth(bottom);
        let mut line = Line::new();
        line.text("picture").field(number as u32);
        let Ok(count) = count else {
            line.text(" refused").print();
            continue;
        };
        let mut crc = 0;
        let _ = read(pixels, scratch, |input| crc ^= twolayer::crc32(input));
        line.text(" ticks").field(ticks.wrapping_sub(empty));
        line.text(" stack").field(stack as u32);
        line.text(" scratch").field(size_of_val(scratch) as u32);
        line.text(" digits").field(count);
        line.text(" crc").field(crc);
        line.print();
    }
    0
}

#[inline(never)]
fn read(pixels: &[u8], scratch: &mut [u32], mut each: impl FnMut(&[u8])) -> Result<u32, PictureError> {
    let mut input = [0; (SIDE * SIDE) as usize];
    let mut digits = Picture::new(pixels, WIDTH, HEIGHT, WIDTH)?.digits(Ink::Auto, scratch, &mut input)?;
    let mut count = 0;
    while let Some(digit) = digits.next(|_| 99) {
        each(digit.input);
        count += 1;
    }
    Ok(count)
}
