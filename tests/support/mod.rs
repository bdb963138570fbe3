//! What several tests need: samples like MNIST's, weights, and two ways to train that share nothing with the crate.
//!
//! Unit tests (through `lib.rs`), integration tests and the fuzz targets include this.

#![allow(dead_code, reason = "every test crate uses its own part")]

pub(crate) mod recipe;
pub(crate) mod scalar;

use rand_xoshiro::Xoshiro128PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use twolayer::{Errors, Options, Shape, Trainer};

/// Block sizes on both sides of what the code distinguishes: the plain step, groups of 8 corrections, the default.
pub(crate) const BLOCKS: [usize; 7] = [1, 2, 7, 8, 9, 16, 64];

/// The same numbers on every machine.
#[derive(Debug)]
pub(crate) struct Dice(Xoshiro128PlusPlus);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro128PlusPlus::seed_from_u64(seed))
    }

    /// A number from 0 to `end − 1`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.next_u32() as usize % end
    }

    /// A number from −`scale` to `scale`, seldom a round one.
    pub(crate) fn signed(&mut self, scale: f32) -> f32 {
        f32::from(self.0.next_u32().to_le_bytes()[3].cast_signed()) / 128.0 * scale * self.unit()
    }

    /// A number from 0 to 1.
    fn unit(&mut self) -> f32 {
        let [a, b, ..] = self.0.next_u32().to_le_bytes();
        f32::from(u16::from_le_bytes([a, b])) / 65535.0
    }

    pub(crate) fn numbers(&mut self, len: usize, scale: f32) -> Vec<f32> {
        (0..len).map(|_| self.signed(scale)).collect()
    }
}

/// Labelled images.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    pub(crate) inputs: usize,
    pub(crate) images: Vec<u8>,
    pub(crate) labels: Vec<u8>,
}

impl Samples {
    /// Images in which a fifth of the pixels is not zero, in strokes: each class has its walk across the image, and
    /// each sample leaves it now and then.
    pub(crate) fn new(inputs: usize, classes: usize, count: usize, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let side = inputs.isqrt();
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let label = u8::try_from(dice.below(classes)).unwrap();
            let mut walk = Dice::new(u64::from(label));
            let mut image = vec![0_u8; inputs];
            let mut at = walk.below(inputs);
            let mut left = inputs.div_ceil(5);
            while left > 0 {
                for pixel in [at, at + 1, at + side] {
                    let pixel = &mut image[pixel % inputs];
                    left -= usize::from(left > 0 && *pixel == 0);
                    *pixel = (*pixel).max(u8::try_from(1 + dice.below(255)).unwrap());
                }
                let turn = if dice.below(4) == 0 { dice.below(4) } else { walk.below(4) };
                at = (at + [1, side, inputs - 1, inputs - side][turn]) % inputs;
            }
            images.extend(image);
            labels.push(label);
        }
        Self { inputs, images, labels }
    }

    /// Samples number `first` to `last − 1`.
    pub(crate) fn part(&self, first: usize, last: usize) -> Self {
        let images = self.images[first * self.inputs..last * self.inputs].to_vec();
        Self { inputs: self.inputs, images, labels: self.labels[first..last].to_vec() }
    }
}

/// Weights from −`scale` to `scale`, zero where they only fill up a panel.
pub(crate) fn signed_weights(shape: Shape, seed: u64, scale: f32) -> Vec<f32> {
    let mut dice = Dice::new(seed);
    let mut weights = vec![0.0; shape.weights_len()];
    for place in places(shape) {
        weights[place] = dice.signed(scale);
    }
    weights
}

/// Where each weight lies: W1 input by input, then W2 hidden unit by hidden unit.
pub(crate) fn places(shape: Shape) -> impl Iterator<Item = usize> {
    let w1 = (0..shape.inputs()).flat_map(move |i| (0..shape.hidden()).map(move |h| shape.w1_index(i, h)));
    w1.chain((0..shape.hidden()).flat_map(move |h| (0..shape.outputs()).map(move |o| shape.w2_index(h, o))))
}

/// The weights after training, and the errors. The scratch is as long as it must be and full of rubbish.
pub(crate) fn train(shape: Shape, weights: &[f32], samples: &Samples, options: Options) -> (Vec<f32>, Errors) {
    let mut weights = weights.to_vec();
    let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape, options.block)];
    let mut trainer = Trainer::new(shape, &mut weights, &mut scratch, options).unwrap();
    let errors = trainer.train(&samples.images, &samples.labels).unwrap();
    (weights, errors)
}

/// Numbers as bits, for comparisons that mean it.
pub(crate) fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|n| n.to_bits()).collect()
}

/// FNV-1a, 64 bits.
pub(crate) fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The hash of the bits of all weights in the order of [`places`]: how they lie in memory does not count.
pub(crate) fn hash(shape: Shape, weights: &[f32]) -> u64 {
    fnv(places(shape).flat_map(|place| weights[place].to_bits().to_le_bytes()))
}
