//! The accuracy of complete training runs, on MNIST (if available) and on the built-in digits.
//!
//! The runs are deterministic: if a bound fails, a change of the code is the cause, not chance.

#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "run/mnist.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod mnist;

use std::sync::OnceLock;
use twolayer::host::dataset::{Dataset, Digits};
use twolayer::host::training::{self, Event, Recipe, Trained};
use twolayer::host::{FileAccess, Threads, evaluate};
use twolayer::{Network, weights_hash};

/// MNIST, if available.
fn mnist(test: &str) -> Option<Dataset> {
    mnist::directory(test).map(|directory| Dataset::open(&directory, FileAccess::Map).unwrap())
}

/// Trains with the default recipe, and returns the accuracy after each epoch and the network.
fn train(dataset: &Dataset) -> (Vec<f64>, Trained) {
    let mut accuracies = Vec::new();
    let trained = training::train(dataset, &Recipe::default(), |event| {
        if let Event::Epoch(epoch) = event {
            accuracies.push(epoch.test.accuracy());
        }
    });
    (accuracies, trained.unwrap())
}

/// A network trained on the built-in digits and its accuracy after each epoch, shared by all tests.
fn digits() -> &'static (Vec<f64>, Trained) {
    static DIGITS: OnceLock<(Vec<f64>, Trained)> = OnceLock::new();
    DIGITS.get_or_init(|| train(&Dataset::generate(Digits::default(), &mut |_| ()).unwrap()))
}

#[test]
fn mnist_reaches_97_35_percent() {
    let Some(mnist) = mnist("mnist_reaches_97_35_percent") else { return };
    let (accuracies, trained) = train(&mnist);
    assert_eq!(accuracies.len(), 5);
    assert!(accuracies[0] >= 0.935, "after one epoch: {accuracies:?}");
    assert!(accuracies[4] >= 0.9735, "after five epochs: {accuracies:?}");
    assert!((trained.test.accuracy() - accuracies[4]).abs() < 1e-12);
    // The same on every machine and tier, with any number of threads.
    assert_eq!(weights_hash(trained.weights.view()), 0x7c01_ddae_5433_fb59);
}

#[test]
fn built_in_digits_reach_97_percent() {
    let (accuracies, trained) = digits();
    assert!(trained.test.accuracy() >= 0.97, "{accuracies:?}");
    assert_eq!(weights_hash(trained.weights.view()), 0x27f9_1033_7b3b_e82f);
}

#[test]
fn a_network_trained_on_the_built_in_digits_reads_mnist() {
    let Some(mnist) = mnist("a_network_trained_on_the_built_in_digits_reads_mnist") else { return };
    let (_, trained) = digits();
    let network = Network::new(trained.weights.view(), Recipe::default().options.backend);
    let accuracy = evaluate(&network, &mnist.test, &Threads::new(Threads::available())).unwrap().accuracy();
    assert!(accuracy >= 0.90, "{accuracy}");
}
