//! Any small network, weights, images and block: training and inference on every tier give the bits of plain loops, and
//! these are as close to the recipe in f64 as derived.
//!
//! The bytes are the sizes (inputs, hidden, outputs, samples, block, α), then labels, images and weights for as long as
//! they are wanted, over and over.

#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::recipe::{Bounds, Recipe, split};
use support::scalar::Scalar;
use support::{Samples, bits, places, train};
use twolayer::{Backend, Network, Options, Shape};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[inputs, hidden, outputs, samples, block, alpha], rest)) = bytes.split_first_chunk() else { return };
    let (inputs, hidden, outputs) = (1 + usize::from(inputs), 1 + usize::from(hidden), 1 + usize::from(outputs) % 12);
    let (samples, block) = (usize::from(samples) % 20, 1 + usize::from(block) % 20);
    let alpha = 1e-9 * f32::from(1 + u16::from(alpha));
    let shape = Shape::new(inputs, hidden, outputs).expect("a shape");
    if rest.is_empty() {
        return;
    }
    let mut rest = rest.iter().copied().cycle();
    let labels = rest.by_ref().take(samples).map(|label| label % outputs as u8).collect();
    let images = rest.by_ref().take(samples * inputs).collect();
    let samples = Samples { inputs, images, labels };
    let mut weights = vec![0.0; shape.weights_len()];
    for (place, n) in places(shape).zip(0_u32..) {
        // No round numbers, so that there is something to round.
        let byte = rest.next().expect("a byte").cast_signed();
        weights[place] = f32::from(byte) * (0.0007 + 1e-9 * (n % 1009) as f32);
    }

    let mut scalar = Scalar::new(shape, &weights);
    let alone: Vec<f32> = samples.images.chunks(inputs).flat_map(|image| scalar.outputs(image)).collect();
    let errors = scalar.train(&samples.images, &samples.labels, alpha, block);
    for backend in Backend::available() {
        let network = Network::new(shape, &weights, backend).expect("a network");
        let mut scratch = vec![f32::NAN; Network::scratch_len(shape, samples.labels.len())];
        let mut found = vec![f32::NAN; alone.len()];
        network.outputs(&samples.images, &mut scratch, &mut found).expect("outputs");
        assert_eq!(bits(&found), bits(&alone), "outputs on {backend}");
        let (trained, found) = train(shape, &weights, &samples, Options { alpha, block, backend });
        assert_eq!(bits(&trained), bits(&scalar.weights()), "weights on {backend}");
        assert_eq!(found.last.to_bits(), errors.last().unwrap_or(&0.0).to_bits(), "error on {backend}");
    }

    let (mut recipe, mut bounds) = (Recipe::new(shape, &weights), Bounds::new(shape, &weights));
    for (image, &label) in samples.images.chunks(inputs).zip(&samples.labels) {
        recipe.step(image, label, f64::from(alpha));
    }
    bounds.train(&samples.images, &samples.labels, alpha, block);
    let (w1, w2) = split(shape, &scalar.weights(), f64::from);
    let expected = recipe.w1.iter().chain(&recipe.w2).zip(bounds.w1.iter().chain(&bounds.w2));
    for (found, (expected, bound)) in w1.iter().chain(&w2).zip(expected) {
        // A bound that grew beyond all numbers says nothing.
        let off = (found - expected).abs();
        assert!(!(off > bound.error), "{found} is {off:e} from {expected}, {:e} is allowed", bound.error);
    }
});
