//! Says what is wrong with the model of the input, in words: `refused <error>`. For the size of that, and for the symbols that
//! it links.

#![no_std]
#![no_main]

use core::fmt::Write;
use twolayer::Model;
use twolayer_firmware::{Input, Line, board, main};

main!(run);

fn run(_: &'static mut [u32]) -> u32 {
    let Some(input) = Input::read(board::input()) else {
        return 4;
    };
    let mut line = Line::new();
    match Model::from_bytes(input.model).and_then(|model| model.quantized_any()) {
        Ok(_) => 0,
        Err(error) => {
            let written = write!(line.text("refused "), "{error}");
            line.print();
            if written.is_ok() { 1 } else { 5 }
        }
    }
}
