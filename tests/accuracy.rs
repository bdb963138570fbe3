//! The accuracy of complete training runs, on MNIST (if available) and on the built-in digits.
//!
//! The runs are deterministic: if a bound fails, a change of the code is the cause, not chance.

#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "run/mnist.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod mnist;

use core::num::NonZeroUsize;
use std::sync::OnceLock;
use twolayer::host::dataset::{Dataset, Digits};
use twolayer::host::training::{self, Event, Recipe, Trained};
use twolayer::host::{FileAccess, Threads, evaluate};
use twolayer::{Backend, Network, TrainOptions, weights_hash};

/// MNIST, if available.
fn mnist(test: &str) -> Option<Dataset> {
    mnist::directory(test).map(|directory| Dataset::open(&directory, FileAccess::Map).unwrap())
}

/// Trains, and returns the accuracy after each epoch and the network.
fn train(dataset: &Dataset, recipe: &Recipe) -> (Vec<f64>, Trained) {
    let mut accuracies = Vec::new();
    let trained = training::train(dataset, recipe, |event| {
        if let Event::Epoch(epoch) = event {
            accuracies.push(epoch.test.accuracy());
        }
    });
    (accuracies, trained.unwrap())
}

/// A network trained on the built-in digits and its accuracy after each epoch, shared by all tests.
fn digits() -> &'static (Vec<f64>, Trained) {
    static DIGITS: OnceLock<(Vec<f64>, Trained)> = OnceLock::new();
    DIGITS.get_or_init(|| train(&Dataset::generate(Digits::default(), &mut |_| ()).unwrap(), &Recipe::default()))
}

#[test]
fn mnist_reaches_97_35_percent() {
    let Some(mnist) = mnist("mnist_reaches_97_35_percent") else { return };
    let (accuracies, trained) = train(&mnist, &Recipe::default());
    assert_eq!(accuracies.len(), 5);
    assert!(accuracies[0] >= 0.935, "after one epoch: {accuracies:?}");
    assert!(accuracies[4] >= 0.9735, "after five epochs: {accuracies:?}");
    assert!((trained.test.accuracy() - accuracies[4]).abs() < 1e-12);
    // The same on every machine and tier, with any number of threads.
    assert_eq!(weights_hash(trained.weights.view()), 0x500d_578e_4d42_eaa1);
}

#[test]
fn the_fast_recipe_reaches_98_4_percent() {
    let Some(mnist) = mnist("the_fast_recipe_reaches_98_4_percent") else { return };
    let (accuracies, trained) = train(&mnist, &Recipe::fast());
    assert!(accuracies[4] >= 0.984, "after five epochs: {accuracies:?}");
    assert_eq!(weights_hash(trained.weights.view()), 0xdd48_9745_4858_3cd4);
}

#[test]
fn the_good_recipe_reaches_99_1_percent() {
    let Some(mnist) = mnist("the_good_recipe_reaches_99_1_percent") else { return };
    let (accuracies, trained) = train(&mnist, &Recipe::good());
    assert!(accuracies[8] >= 0.991, "after nine epochs: {accuracies:?}");
    assert_eq!(weights_hash(trained.weights.view()), 0xa18a_9ac5_4029_745c);
}

/// Part of an epoch, with pieces and blocks that do not end together, on every tier and with several threads.
#[test]
fn the_recipes_give_the_same_bits_on_every_tier() {
    let digits = Digits { train: 5000, test: 10, ..Digits::default() };
    let digits = Dataset::generate(digits, &mut |_| ()).unwrap();
    for backend in Backend::available() {
        for threads in [1, 2, 3] {
            let fast = Recipe::fast();
            let options = TrainOptions { backend, ..fast.options };
            let threads = NonZeroUsize::new(threads).unwrap();
            let recipe = Recipe { epochs: 2, hidden: 150, limit: Some(4133), options, threads, ..fast };
            let hash = weights_hash(training::train(&digits, &recipe, |_| ()).unwrap().weights.view());
            assert_eq!(hash, 0x1f05_60f5_42f1_db60, "{backend}, {threads} threads: {hash:#x}");
            // Distorted images are made on whichever thread is free.
            let further = Recipe { distortion: Recipe::further().distortion, ..recipe };
            let halved = Recipe { halve: true, ..further };
            let good = Recipe { distortion: Recipe::good().distortion, ..recipe };
            let best = Recipe { distortion: Recipe::best().distortion, ..recipe };
            for (name, recipe, expected) in [
                ("further", further, 0x9a62_83f8_ab34_02d2),
                ("further, halved", halved, 0xf55d_1635_74a3_81d1),
                ("good", good, 0xd3b0_3a68_e418_5203),
                ("best", best, 0x5371_558e_e121_9860),
            ] {
                let hash = weights_hash(training::train(&digits, &recipe, |_| ()).unwrap().weights.view());
                assert_eq!(hash, expected, "{name}, {backend}, {threads} threads: {hash:#x}");
            }
        }
    }
}

/// A rate that falls to what it is: an epoch goes through in pieces, and they make no difference.
#[test]
fn pieces_of_an_epoch_make_no_difference() {
    let digits = Digits { train: 5000, test: 10, ..Digits::default() };
    let digits = Dataset::generate(digits, &mut |_| ()).unwrap();
    let plain = Recipe { epochs: 2, hidden: 60, limit: Some(4133), ..Recipe::default() };
    let hash = |recipe: &Recipe| weights_hash(training::train(&digits, recipe, |_| ()).unwrap().weights.view());
    assert_eq!(hash(&Recipe { alpha_to: Some(plain.options.alpha), ..plain }), hash(&plain));
    assert_ne!(hash(&Recipe { alpha_to: Some(1e-6), ..plain }), hash(&plain));
}

#[test]
fn built_in_digits_reach_97_percent() {
    let (accuracies, trained) = digits();
    assert!(trained.test.accuracy() >= 0.97, "{accuracies:?}");
    assert_eq!(weights_hash(trained.weights.view()), 0xbc2e_f8f8_2565_cc3e);
}

#[test]
fn a_network_trained_on_the_built_in_digits_reads_mnist() {
    let Some(mnist) = mnist("a_network_trained_on_the_built_in_digits_reads_mnist") else { return };
    let (_, trained) = digits();
    let network = Network::new(trained.weights.view(), Recipe::default().options.backend);
    let accuracy = evaluate(network, &mnist.test, &Threads::new(Threads::available())).unwrap().accuracy();
    assert!(accuracy >= 0.90, "{accuracy}");
}
