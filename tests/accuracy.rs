//! Does the network still learn? Whole training runs, on MNIST where it can be found and on the built-in digits.
//!
//! The runs are deterministic, so a bound that fails was broken by a change, not by chance.

#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "run/mnist.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod mnist;

use std::sync::OnceLock;
use twolayer::host::Evaluation;
use twolayer::host::dataset::{Dataset, Digits};
use twolayer::host::training::{self, Event, Recipe, Trained};
use twolayer::{Network, weights_hash};

/// MNIST, where it can be found.
fn mnist(test: &str) -> Option<Dataset> {
    mnist::directory(test).map(|directory| Dataset::open(&directory, true).unwrap())
}

/// Trains by the article's recipe; the accuracy after each epoch, and the network.
fn train(dataset: &Dataset) -> (Vec<f64>, Trained) {
    let mut accuracies = Vec::new();
    let trained = training::train(dataset, &Recipe::default(), |event| {
        if let Event::Epoch(epoch) = event {
            accuracies.push(epoch.test.accuracy());
        }
    });
    (accuracies, trained.unwrap())
}

/// The built-in digits and a network trained on them, for all tests together.
fn digits() -> &'static (Vec<f64>, Trained) {
    static DIGITS: OnceLock<(Vec<f64>, Trained)> = OnceLock::new();
    DIGITS.get_or_init(|| train(&Dataset::made(Digits::default(), &mut |_| ()).unwrap()))
}

#[test]
fn mnist_to_97_35_percent() {
    let Some(mnist) = mnist("mnist_to_97_35_percent") else { return };
    let (accuracies, trained) = train(&mnist);
    assert_eq!(accuracies.len(), 5);
    assert!(accuracies[0] >= 0.935, "after one epoch: {accuracies:?}");
    assert!(accuracies[4] >= 0.9735, "after five epochs: {accuracies:?}");
    assert!((trained.test.accuracy() - accuracies[4]).abs() < 1e-12);
    // Every machine, tier and number of threads.
    assert_eq!(weights_hash(trained.shape, &trained.weights), 0x7c01_ddae_5433_fb59);
}

#[test]
fn built_in_digits_to_97_percent() {
    let (accuracies, trained) = digits();
    assert!(trained.test.accuracy() >= 0.97, "{accuracies:?}");
    assert_eq!(weights_hash(trained.shape, &trained.weights), 0x27f9_1033_7b3b_e82f);
}

#[test]
fn who_learnt_the_built_in_digits_reads_mnist() {
    let Some(mnist) = mnist("who_learnt_the_built_in_digits_reads_mnist") else { return };
    let (_, trained) = digits();
    let network = Network::new(trained.shape, &trained.weights, Recipe::default().options.backend).unwrap();
    let accuracy = Evaluation::new(&network, &mnist.test).unwrap().accuracy();
    assert!(accuracy >= 0.90, "{accuracy}");
}
