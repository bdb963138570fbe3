//! Classifies the images of the input with its f32 model, one image at a time: lines as those of `classify`, the outputs as
//! the bits of their numbers.

#![no_std]
#![no_main]

use twolayer::ffi::Status;
use twolayer::{Answer, Backend, Model, Network};
use twolayer_firmware::{Input, Line, board, main, measure};

main!(run);

fn run(memory: &'static mut [u32]) -> u32 {
    let Some(input) = Input::read(board::input()) else {
        return 4;
    };
    let network = match Model::from_bytes(input.model).and_then(|model| model.network(Backend::detect())) {
        Ok(network) => network,
        Err(error) => {
            Line::new().text("refused").field(Status::from(error) as u32).print();
            return 1;
        }
    };
    let Some(scratch) = board::numbers(memory).get_mut(..Network::scratch_len(network.shape())) else {
        return 5;
    };
    Line::new()
        .text("opened scratch")
        .field(size_of_val(scratch) as u32)
        .print();
    let empty = measure(|| ()).1;
    for (number, pixels) in input.images.chunks_exact(input.pixels.max(1)).enumerate() {
        if one(&network, number, pixels, scratch, empty).is_none() {
            return 6;
        }
    }
    0
}

fn one(network: &Network, number: usize, pixels: &[u8], scratch: &mut [f32], empty: u32) -> Option<()> {
    let bottom = board::paint();
    let (answer, ticks) = measure(|| {
        network
            .outputs(pixels, scratch)
            .map(|outputs| (Answer::of(outputs).class, outputs))
    });
    let stack = board::painted_depth(bottom);
    let (class, outputs) = answer.ok()?;
    let mut line = Line::new();
    line.text("image")
        .field(number as u32)
        .text(" class")
        .field(class.into());
    line.text(" ticks")
        .field(ticks.wrapping_sub(empty))
        .text(" stack")
        .field(stack as u32)
        .text(" outputs");
    for &output in outputs {
        line.field(output.to_bits());
    }
    line.print();
    Some(())
}
