//! Trains a network on the images and labels of the input, once through, and prints
//! `trained ticks <ticks> error <bits of the last sample's error> hash <high word> <low word>`, the hash being
//! [`twolayer::weights_hash`]: on any other machine the same samples give the same.

#![no_std]
#![no_main]

use twolayer::{Backend, INIT_SCALE, Options, Shape, Trainer, fill_initial, weights_hash};
use twolayer_firmware::{Input, Line, board, main, measure};

main!(run);

fn run(memory: &'static mut [u32]) -> u32 {
    let Some(input) = Input::read(board::input()) else {
        return 4;
    };
    let [hidden, outputs, block, seed] = [4, 5, 6, 7].map(|word| input.word(word));
    let Ok(shape) = Shape::new(input.pixels, hidden as usize, outputs as usize) else {
        return 5;
    };
    let Some((weights, scratch)) = board::numbers(memory).split_at_mut_checked(shape.weights_len()) else {
        return 6;
    };
    fill_initial(shape, weights, seed.into(), INIT_SCALE);
    let options = Options {
        block: block as usize,
        backend: Backend::detect(),
        ..Options::default()
    };
    let Ok(mut trainer) = Trainer::new(shape, weights, scratch, options) else {
        return 7;
    };
    let (errors, ticks) = measure(|| trainer.train(input.images, input.labels));
    let Ok(errors) = errors else { return 8 };
    let hash = weights_hash(shape, weights);
    let mut line = Line::new();
    line.text("trained ticks")
        .field(ticks)
        .text(" error")
        .field(errors.last.to_bits());
    line.text(" hash").field((hash >> 32) as u32).field(hash as u32).print();
    0
}
