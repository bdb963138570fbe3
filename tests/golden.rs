//! Golden hashes of weights: every machine and tier must give these bits.
//!
//! The hash does not depend on the layout of the weights in memory. If a hash changes, the crate computes something
//! else: mention it in the release notes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use support::reference::Reference;
use support::{Samples, fnv, hash, initial, train, weights};
use twolayer::{Backend, INIT_SCALE, LossFunction, Shape, TrainOptions, WeightsMut, crc32, fill_scaled, weights_hash};

/// Trains on generated samples with blocks of 1, 16 and 64, in plain loops and on every tier, and compares the hashes.
fn assert_golden(shape: Shape, count: usize, scale: f32, alpha: f32, golden: [u64; 3]) {
    assert_golden_of(LossFunction::Squared, shape, count, &initial(shape, 1, scale), alpha, golden);
}

fn assert_golden_of(loss: LossFunction, shape: Shape, count: usize, start: &[f32], alpha: f32, golden: [u64; 3]) {
    let samples = Samples::new(shape.inputs(), shape.outputs(), count, 1);
    let found = [1, 16, 64].map(|block| {
        let mut reference = Reference::new(weights(shape, start));
        reference.loss = loss;
        reference.train(&samples.images, &samples.labels, alpha, block);
        hash(shape, &reference.numbers())
    });
    assert_eq!(found, golden, "{shape} in plain loops: found {found:#018x?}");
    for backend in Backend::available() {
        let trained = |block| train(shape, start, &samples, TrainOptions { alpha, block, backend, loss }).0;
        let found = [1, 16, 64].map(|block| weights_hash(weights(shape, &trained(block))));
        assert_eq!(found, golden, "{shape} on {backend}: found {found:#018x?}");
    }
}

/// These hashes were confirmed with independent code, written from the definitions of `SplitMix64` and xoshiro128**.
#[test]
fn initial_weights() {
    let odd = Shape::new(37, 131, 3).unwrap();
    let found = [(Shape::MNIST, 1, INIT_SCALE), (Shape::MNIST, 2, INIT_SCALE), (odd, u64::MAX, 0.5)]
        .map(|(shape, seed, scale)| hash(shape, &initial(shape, seed, scale)));
    assert_eq!(found, [0x1cca_8849_9371_b0bf, 0xc607_2b52_7636_1d51, 0xf490_ff90_2671_ed44], "found {found:#018x?}");
}

#[test]
fn the_articles_network_after_500_samples() {
    assert_golden(
        Shape::MNIST,
        500,
        INIT_SCALE,
        TrainOptions::ALPHA,
        [0xe5cc_a06e_9cb6_3175, 0x2697_cd0a_f17e_a0eb, 0xd1e7_3859_7440_70a8],
    );
}

#[test]
fn a_small_odd_network_after_200_samples() {
    let shape = Shape::new(37, 131, 3).unwrap();
    assert_golden(shape, 200, 1e-2, 1e-5, [0xc8a6_664c_a238_8ee2, 0xab41_a11f_6bc1_1f65, 0xdfc3_3138_254c_80de]);
}

#[test]
fn cross_entropy_after_300_samples() {
    for (shape, golden) in [
        (Shape::MNIST, [0xd4b0_dfc0_7d6f_6caf, 0x1ff6_3a74_cc53_335d, 0x53ca_6cfa_c4c1_f98a]),
        (Shape::new(37, 131, 3).unwrap(), [0xb96c_73bc_a532_5d52, 0xe9fc_a4ca_1dc8_7f9b, 0x1e05_f9b4_1a5f_a092]),
    ] {
        let mut start = vec![f32::NAN; shape.weights_len()];
        fill_scaled(&mut WeightsMut::new(shape, &mut start).unwrap(), 1);
        assert_golden_of(LossFunction::CrossEntropy, shape, 300, &start, 7.8e-5, golden);
    }
}

#[test]
fn biases_after_300_samples() {
    for (shape, golden) in [
        (Shape::MNIST.with_biases(), [0x9470_d6cd_9a47_cbd6, 0xa772_5edd_d58d_7c29, 0x4516_54e2_dd16_c6b8]),
        (
            Shape::new(37, 131, 3).unwrap().with_biases(),
            [0x8179_84d9_b83a_4740, 0x7e36_c10a_5206_d425, 0x8c30_9777_8e7d_4cbb],
        ),
    ] {
        let mut start = vec![f32::NAN; shape.weights_len()];
        fill_scaled(&mut WeightsMut::new(shape, &mut start).unwrap(), 1);
        assert_golden_of(LossFunction::CrossEntropy, shape, 300, &start, 7.8e-5, golden);
    }
}

#[test]
fn samples_are_reproducible() {
    let samples = Samples::new(784, 10, 100, 1);
    let nonzero = samples.images.iter().filter(|&&p| p != 0).count();
    assert!((150..170).contains(&(nonzero / 100)), "{nonzero} of 78,400 pixels are not zero");
    assert_eq!(crc32(&samples.images), 0xe4fa_7c2d);
    assert_eq!(crc32(&samples.labels), 0x933b_51f3);
}

#[test]
fn hash_is_fnv_1a() {
    let shape = Shape::new(37, 131, 3).unwrap();
    let numbers = initial(shape, 1, 1.0);
    assert_eq!(weights_hash(weights(shape, &numbers)), hash(shape, &numbers));

    assert_eq!(fnv(b"a".iter().copied()), 0xaf63_dc4c_8601_ec8c);
    assert_eq!(fnv(b"foobar".iter().copied()), 0x8594_4171_f739_67e8);
}
