//! The accuracy lost by quantisation on MNIST, after training with the default recipe: at most 0.05 percentage points
//! for 8 bits and 0.15 for 4. (In fact it gains 0.06 to 0.37: see `twolayer::host::quantize`.)
//!
//! The runs are deterministic: if a bound fails, a change of the code is the cause, not chance.

#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "run/mnist.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod mnist;

use twolayer::host::dataset::Dataset;
use twolayer::host::training::{self, Recipe};
use twolayer::host::{FileAccess, QUANTIZE_IMAGES, Threads, compare, quantize};
use twolayer::int::PackedNetwork;
use twolayer::{Backend, Bits, Network};

/// Trains a network with `hidden` units, quantises it, and compares both on the test set.
fn assert_small_loss(test: &str, hidden: usize) {
    let Some(directory) = mnist::directory(test) else { return };
    let dataset = Dataset::open(&directory, FileAccess::Map).unwrap();
    let trained = training::train(&dataset, &Recipe { hidden, ..Recipe::default() }, |_| ()).unwrap();
    let weights = trained.weights.view();
    let network = Network::new(weights, Backend::detect());
    for (bits, max_loss) in [(Bits::Eight, 0.05), (Bits::Four, 0.15)] {
        let quantized = quantize(weights, bits, &dataset.train, QUANTIZE_IMAGES).unwrap();
        let mut memory = vec![0; PackedNetwork::memory_len(weights.shape())];
        let packed = PackedNetwork::new(&quantized.network(), &mut memory, Backend::detect()).unwrap();
        let compared = compare(network, packed, &dataset.test, &Threads::new(Threads::available())).unwrap();
        // Compares counts, to avoid rounding.
        let lost = f64::from(compared.before.correct()) - f64::from(compared.after.correct());
        let allowed = max_loss / 100.0 * f64::from(compared.before.total());
        assert!(lost <= allowed + 1e-9, "{bits:?}, {hidden} units: {:+.2} points", compared.points());
        assert!(compared.agreed * 100 >= dataset.test.len() * 98, "{bits:?}: {} agree", compared.agreed);
    }
}

#[test]
fn mnist_64_units() {
    assert_small_loss("mnist_64_units", 64);
}

#[test]
fn mnist_1000_units() {
    assert_small_loss("mnist_1000_units", 1000);
}
