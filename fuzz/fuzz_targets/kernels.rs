//! Any small network, weights, images, block and loss: training and inference on every tier give the bits of plain loops,
//! and with the squared error, these are as close to the recipe in f64 as derived.
//!
//! Networks are small, or wide in one direction, so that a run takes less than a millisecond.
//!
//! The bytes are the sizes (inputs, hidden, outputs, samples, block and loss, α), then labels, images and weights for as
//! long as they are wanted, over and over.

#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::recipe::{Bounds, Recipe, split};
use support::reference::Reference;
use support::{Samples, bits, short, train};
use twolayer::{Backend, LossFunction, Network, Shape, TrainOptions, Weights, WeightsMut};

/// The most multiplications of the first layer, for all samples together: two or more.
const MOST: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[inputs, hidden, outputs, samples, block, alpha], rest)) = bytes.split_first_chunk() else { return };
    // Around the 112 pixels of a chunk, and around panels of 128 units.
    let inputs = if inputs < 230 { 1 + usize::from(inputs) % 24 } else { 90 + usize::from(inputs) % 32 };
    let hidden = if hidden < 210 { 1 + usize::from(hidden) % 36 } else { 6 * usize::from(hidden) - 1150 };
    let hidden = hidden.min(MOST / 2 / inputs);
    let outputs = 1 + usize::from(outputs) % 12.min(MOST / hidden);
    let loss = if block < 128 { LossFunction::Squared } else { LossFunction::CrossEntropy };
    let (samples, block) = (usize::from(samples) % 20, 1 + usize::from(block % 128) % 20);
    let samples = samples.min(MOST / (inputs * hidden));
    let alpha = 1e-9 * f32::from(1 + u16::from(alpha));
    let shape = Shape::new(inputs, hidden, outputs).expect("a shape");
    if rest.is_empty() {
        return;
    }
    let mut rest = rest.iter().copied().cycle();
    let labels = rest.by_ref().take(samples).map(|label| label % outputs as u8).collect();
    let images = rest.by_ref().take(samples * inputs).collect();
    let samples = Samples { inputs, images, labels };
    let mut numbers = vec![0.0; shape.weights_len()];
    let mut odd = (0_u16..1009).cycle();
    WeightsMut::new(shape, &mut numbers).expect("whole weights").fill_with(|| {
        // No round numbers, so that there is something to round.
        let byte = rest.next().expect("a byte").cast_signed();
        f32::from(byte) * (0.0007 + 1e-9 * f32::from(odd.next().unwrap_or_default()))
    });
    let weights = Weights::new(shape, &numbers).expect("whole weights");

    let mut reference = Reference::new(weights);
    reference.loss = loss;
    let alone: Vec<f32> = samples.images.chunks(inputs).flat_map(|image| reference.outputs(image)).collect();
    let losses = reference.train(&samples.images, &samples.labels, alpha, block);
    for backend in Backend::available() {
        let network = Network::new(weights, backend);
        let mut scratch = vec![f32::NAN; Network::batch_scratch_len(shape, samples.labels.len())];
        let found = network.outputs_batch(&samples.images, &mut scratch).expect("outputs");
        assert_eq!(bits(found), bits(&alone), "outputs on {backend}");
        let (trained, found) = train(shape, &numbers, &samples, TrainOptions { alpha, block, backend, loss });
        assert_eq!(bits(&trained), bits(&reference.numbers()), "weights on {backend}");
        assert_eq!(found.last.to_bits(), losses.last().unwrap_or(&0.0).to_bits(), "loss on {backend}");
    }

    if loss == LossFunction::CrossEntropy {
        return;
    }
    // Training began by rounding.
    let numbers = short(shape, numbers);
    let (mut recipe, mut bounds) = (Recipe::new(shape, &numbers), Bounds::new(shape, &numbers));
    for (image, &label) in samples.images.chunks(inputs).zip(&samples.labels) {
        recipe.step(image, label, f64::from(alpha));
    }
    bounds.train(&samples.images, &samples.labels, alpha, block);
    let (w1, w2) = split(shape, &reference.numbers(), f64::from);
    let expected = recipe.w1.iter().chain(&recipe.w2).zip(bounds.w1.iter().chain(&bounds.w2));
    for (found, (expected, bound)) in w1.iter().chain(&w2).zip(expected) {
        // A bound that grew beyond all numbers says nothing.
        let off = (found - expected).abs();
        assert!(!(off > bound.error), "{found} is {off:e} from {expected}, {:e} is allowed", bound.error);
    }
});
