//! Trains a network on images in memory, and tests it on others: `cargo run --release --example train`.
//!
//! The images are the built-in synthetic digits; any others of 8-bit pixels do as well, 0 being the background.

use core::error::Error;
use twolayer::{Answer, Backend, INIT_SCALE, Network, Shape, TrainOptions, Trainer, WeightsMut, digit, fill_initial};

/// Images, one after the other, and their labels.
fn digits(seed: u64, count: u32) -> (Vec<u8>, Vec<u8>) {
    let (images, labels): (Vec<_>, Vec<_>) = (0..count).map(|index| digit(seed, index)).unzip();
    (images.concat(), labels)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (images, labels) = digits(1, 20_000);
    let shape = Shape::new(28 * 28, 100, 10)?;

    // All memory is the caller's.
    let mut numbers = vec![0.0; shape.weights_len()];
    let mut weights = WeightsMut::new(shape, &mut numbers)?;
    fill_initial(&mut weights, 1, INIT_SCALE);
    let options = TrainOptions { alpha: 2e-5, ..TrainOptions::default() };
    let mut scratch = vec![0.0; Trainer::scratch_len(shape, options.block)];
    let mut trainer = Trainer::new(weights, &mut scratch, options)?;
    for epoch in 1..=5 {
        let loss = trainer.train(&images, &labels)?;
        println!("epoch {epoch}: mean loss {:.4}", loss.sum / 20_000.0);
    }

    let (images, labels) = digits(2, 1000);
    let network = Network::new(trainer.weights(), Backend::detect());
    let mut scratch = vec![0.0; Network::batch_scratch_len(shape, labels.len())];
    let outputs = network.outputs_batch(&images, &mut scratch)?;
    let correct =
        outputs.chunks(10).zip(&labels).filter(|(outputs, label)| Answer::of(outputs).class == **label).count();
    println!("{correct} of {} digits are classified correctly", labels.len());
    Ok(())
}
