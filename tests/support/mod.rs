//! Shared by tests: MNIST-like samples, weights, and what the crate is compared with: the network in plain loops
//! (`reference.rs`), and two implementations of training in f64.
//!
//! Included by unit tests (through `lib.rs`), integration tests and fuzz targets.

#![allow(dead_code, reason = "each test crate uses a part")]

pub(crate) mod recipe;
pub(crate) mod reference;

use rand_xoshiro::Xoshiro128PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use reference::round;
use twolayer::{Loss, Shape, TrainOptions, Trainer, Weights, WeightsMut, fill_initial};

/// Block sizes around those that the code treats differently: 1, groups of 8 corrections, and the default.
pub(crate) const BLOCKS: [usize; 7] = [1, 2, 7, 8, 9, 16, 64];

/// A random number generator with the same numbers on every machine.
#[derive(Debug)]
pub(crate) struct Dice(Xoshiro128PlusPlus);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro128PlusPlus::seed_from_u64(seed))
    }

    /// An integer from 0 to `end − 1`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.next_u32() as usize % end
    }

    /// A number from −`scale` to `scale`; most have many significant bits.
    pub(crate) fn signed(&mut self, scale: f32) -> f32 {
        f32::from(self.0.next_u32().to_le_bytes()[3].cast_signed()) / 128.0 * scale * self.unit()
    }

    /// A number from 0 to 1.
    fn unit(&mut self) -> f32 {
        let [a, b, ..] = self.0.next_u32().to_le_bytes();
        f32::from(u16::from_le_bytes([a, b])) / 65535.0
    }

    /// Targets from 0 to 1 with the sum 1, exactly; many are 0.
    pub(crate) fn targets(&mut self, outputs: usize) -> Vec<f32> {
        let mut targets = vec![0.0; outputs];
        (0..64).for_each(|_| targets[self.below(outputs).min(self.below(outputs))] += 1.0 / 64.0);
        targets
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
    /// Generates images in which a fifth of the pixels is nonzero, in strokes: each class follows its own walk across
    /// the image, and each sample deviates from it at random.
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

    /// The samples `first` to `last − 1`.
    pub(crate) fn part(&self, first: usize, last: usize) -> Self {
        let images = self.images[first * self.inputs..last * self.inputs].to_vec();
        Self { inputs: self.inputs, images, labels: self.labels[first..last].to_vec() }
    }
}

/// Random weights from −`scale` to `scale`, those of the first layer of 16 significant bits; the padding of panels is zero.
pub(crate) fn signed_weights(shape: Shape, seed: u64, scale: f32) -> Vec<f32> {
    let mut dice = Dice::new(seed);
    short(shape, filled(shape, |weights| weights.fill_with(|| dice.signed(scale))))
}

/// The same weights as training begins with: those of the first layer of 16 significant bits.
pub(crate) fn short(shape: Shape, mut weights: Vec<f32>) -> Vec<f32> {
    round(&mut weights[..shape.inputs() * shape.hidden_padded()]);
    weights
}

/// The crate's initial weights.
pub(crate) fn initial(shape: Shape, seed: u64, scale: f32) -> Vec<f32> {
    filled(shape, |weights| fill_initial(weights, seed, scale))
}

fn filled(shape: Shape, fill: impl FnOnce(&mut WeightsMut<'_>)) -> Vec<f32> {
    let mut numbers = vec![f32::NAN; shape.weights_len()];
    fill(&mut WeightsMut::new(shape, &mut numbers).unwrap());
    numbers
}

/// A view of numbers as weights.
pub(crate) fn weights(shape: Shape, numbers: &[f32]) -> Weights<'_> {
    Weights::new(shape, numbers).unwrap()
}

/// Trains, and returns the weights and the losses. The scratch has the minimum length and is filled with NaN.
pub(crate) fn train(shape: Shape, start: &[f32], samples: &Samples, options: TrainOptions) -> (Vec<f32>, Loss) {
    let mut numbers = start.to_vec();
    let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape, options.block)];
    let weights = WeightsMut::new(shape, &mut numbers).unwrap();
    let loss = Trainer::new(weights, &mut scratch, options).unwrap().train(&samples.images, &samples.labels).unwrap();
    (numbers, loss)
}

/// The bits of numbers, for exact comparisons.
pub(crate) fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|n| n.to_bits()).collect()
}

/// The 64-bit FNV-1a hash.
pub(crate) fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A hash of the bits of all weights: W1 by input, then W2 by hidden unit, independent of the layout in memory.
pub(crate) fn hash(shape: Shape, numbers: &[f32]) -> u64 {
    fnv(weights(shape, numbers).iter().flat_map(|weight| weight.to_bits().to_le_bytes()))
}
