//! Trains a network on the images and labels of the input, once through, and prints
//! `trained ticks <ticks> error <bits of the last sample's loss> hash <high word> <low word>`, the hash being
//! [`twolayer::weights_hash`]: on any other machine the same samples give the same.

#![no_std]
#![no_main]

use twolayer::{
    Backend, INIT_SCALE, LossFunction, Shape, TrainOptions, Trainer, WeightsMut, fill_initial, weights_hash,
};
use twolayer_firmware::{Input, Line, board, main, measure};

main!(run);

fn run(memory: &'static mut [u32]) -> u32 {
    let Some(input) = Input::read(board::input()) else {
        return 4;
    };
    let [hidden, outputs, block, seed] = [4, 5, 6, 7].map(|word| input.word(word));
    // Bit 0 asks for cross-entropy, bit 1 for biases.
    let flags = input.word(8);
    let Ok(mut shape) = Shape::new(input.pixels, hidden as usize, outputs as usize) else {
        return 5;
    };
    if flags & 2 != 0 {
        shape = shape.with_biases();
    }
    let Some((numbers, scratch)) = board::numbers(memory).split_at_mut_checked(shape.weights_len()) else {
        return 6;
    };
    let Ok(mut weights) = WeightsMut::new(shape, numbers) else {
        return 7;
    };
    fill_initial(&mut weights, seed.into(), INIT_SCALE);
    let options = TrainOptions {
        block: block as usize,
        backend: Backend::detect(),
        loss: if flags & 1 != 0 {
            LossFunction::CrossEntropy
        } else {
            LossFunction::Squared
        },
        ..TrainOptions::default()
    };
    let Ok(mut trainer) = Trainer::new(weights, scratch, options) else {
        return 8;
    };
    let (loss, ticks) = measure(|| trainer.train(input.images, input.labels));
    let Ok(loss) = loss else { return 9 };
    let hash = weights_hash(trainer.weights());
    let mut line = Line::new();
    line.text("trained ticks")
        .field(ticks)
        .text(" error")
        .field(loss.last.to_bits());
    line.text(" hash").field((hash >> 32) as u32).field(hash as u32).print();
    0
}
