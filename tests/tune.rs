//! Tuning: the same bits everywhere, and better answers than rounding alone.

#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use core::num::NonZeroUsize;
use support::fnv;
use twolayer::host::dataset::{Dataset, Digits, SetError};
use twolayer::host::training::{self, Recipe};
use twolayer::host::{
    OwnedWeights, QuantizeError, Quantized, Threads, TrainingError, Tuning, evaluate, quantize, tune,
};
use twolayer::int::PackedNetwork;
use twolayer::{Backend, Bits, Shape, TrainError};

fn digits() -> Dataset {
    Dataset::generate(Digits { train: 5000, test: 2000, ..Digits::default() }, &mut |_| ()).unwrap()
}

fn correct(quantized: &Quantized, digits: &Dataset) -> u32 {
    let mut memory = vec![0; PackedNetwork::memory_len(quantized.shape())];
    let packed = PackedNetwork::new(&quantized.network(), &mut memory, Backend::detect()).unwrap();
    evaluate(packed, &digits.test, &Threads::new(Threads::available())).unwrap().correct()
}

/// Networks of both losses, whole images and halved ones, both kinds of integers.
#[test]
fn tuning_gives_the_same_bits_everywhere_and_better_answers() {
    let digits = digits();
    let article = Recipe { epochs: 3, hidden: 20, ..Recipe::default() };
    let halved = Recipe { epochs: 3, hidden: 150, halve: true, ..Recipe::fast() };
    for (recipe, bits, golden) in [
        (article, Bits::Four, 0x7259_4ac9_6d18_27a9),
        (halved, Bits::Four, 0xce63_7402_81f2_0133),
        (halved, Bits::Eight, 0xa07e_f408_e13d_f9e9),
    ] {
        let trained = training::train(&digits, &recipe, |_| ()).unwrap();
        let weights = trained.weights.view();
        let plain = quantize(weights, bits, &digits.train, 1000).unwrap();
        for backend in Backend::available() {
            for threads in [1, 2, 3] {
                let threads = NonZeroUsize::new(threads).unwrap();
                let tuning = Tuning { backend, threads, ..Tuning::new(3) };
                let mut losses = Vec::new();
                let tuned =
                    tune(weights, bits, &digits.train, 1000, &tuning, &[], |_, loss| losses.push(loss)).unwrap();
                assert_eq!((losses.len(), tuned.shape()), (3, weights.shape()));
                let hash = fnv(tuned.payload().iter().copied());
                assert_eq!(hash, golden, "{recipe}, {bits:?}, {backend}, {threads} threads: {hash:#x}");
                if threads == NonZeroUsize::MIN {
                    let (before, after) = (correct(&plain, &digits), correct(&tuned, &digits));
                    assert!(after > before, "{recipe}, {bits:?}: {before}, then {after}");
                }
            }
        }
        let other = Tuning { seed: 2, ..Tuning::new(1) };
        let [first, second] = [Tuning::new(1), other]
            .map(|tuning| tune(weights, bits, &digits.train, 1000, &tuning, &[], |_, _| ()).unwrap());
        assert_ne!(first, second);
    }
}

#[test]
fn what_cannot_be_tuned_is_an_error() {
    let digits = digits();
    let tune = |shape: Shape, tuning: &Tuning| {
        let weights = OwnedWeights::zeros(shape).unwrap();
        tune(weights.view(), Bits::Four, &digits.train, 10, tuning, &[], |_, _| ()).map(|_| ())
    };
    let shape = Shape::new(784, 16, 10).unwrap();
    let found = tune(shape.with_biases(), &Tuning::new(1));
    assert!(matches!(found, Err(QuantizeError::Biases)), "{found:?}");
    let found = tune(shape, &Tuning { alphas: [f32::NAN, 1.0], ..Tuning::new(1) });
    assert!(
        matches!(found, Err(QuantizeError::Training(TrainingError::Trainer(TrainError::Alpha { .. })))),
        "{found:?}"
    );
    let found = tune(Shape::new(100, 16, 10).unwrap(), &Tuning::new(1));
    assert!(
        matches!(found, Err(QuantizeError::Training(TrainingError::Set(SetError::Pixels { expected: 100, .. })))),
        "{found:?}"
    );
    let found = tune(Shape::new(784, 16, 9).unwrap(), &Tuning::new(1));
    assert!(matches!(found, Err(QuantizeError::Training(TrainingError::Set(SetError::Label { .. })))), "{found:?}");
}
