//! What quantising costs in accuracy, on MNIST after the article's recipe: at most 0.05 points of a hundred for 8 bits, at
//! most 0.15 for 4. (It gains 0.06 to 0.37: see `twolayer::int8::quantize`.)
//!
//! The runs are deterministic, so a bound that fails was broken by a change, not by chance.

#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "run/mnist.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod mnist;

use twolayer::host::dataset::Dataset;
use twolayer::host::training::{self, Recipe};
use twolayer::host::{Comparison, Quantized};
use twolayer::int8::Bits;
use twolayer::{Backend, Network};

/// Trains `hidden` units, quantises, and compares on the test set.
fn costs_little(test: &str, hidden: usize) {
    let Some(directory) = mnist::directory(test) else { return };
    let dataset = Dataset::open(&directory, true).unwrap();
    let trained = training::train(&dataset, &Recipe { hidden, ..Recipe::default() }, |_| ()).unwrap();
    let network = Network::new(trained.shape, &trained.weights, Backend::detect()).unwrap();
    for (bits, most) in [(Bits::Eight, 0.05), (Bits::Four, 0.15)] {
        let quantized =
            Quantized::new(trained.shape, &trained.weights, bits, &dataset.train, Quantized::IMAGES).unwrap();
        let mut memory = Vec::new();
        let packed = quantized.packed(&mut memory, Backend::detect()).unwrap();
        let compared = Comparison::new(&network, &packed, &dataset.test).unwrap();
        // Counts, so that nothing is rounded: a point is a hundredth of the images.
        let lost = f64::from(compared.before.correct()) - f64::from(compared.after.correct());
        let allowed = most / 100.0 * f64::from(compared.before.total());
        assert!(lost <= allowed + 1e-9, "{bits:?}, {hidden} units: {:+.2} points", compared.points());
        assert!(compared.agreed * 100 >= dataset.test.len() * 98, "{bits:?}: {} agree", compared.agreed);
    }
}

#[test]
fn mnist_64_units() {
    costs_little("mnist_64_units", 64);
}

#[test]
fn mnist_1000_units() {
    costs_little("mnist_1000_units", 1000);
}
