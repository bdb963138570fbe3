//! How a run goes through its samples: their order, another one in each epoch, and the learning rate, which falls.

use crate::base::StarStar;

/// Keeps the order of samples from depending on the same random numbers as the initial weights.
const SHUFFLE: u64 = 0x5348_5546_464C_4521;

/// Orders of samples, one after the other: those of a run with this seed.
#[derive(Debug)]
pub struct SampleOrder(StarStar);

impl SampleOrder {
    /// The orders that a seed stands for.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(StarStar::new(seed ^ SHUFFLE))
    }

    /// Shuffles numbers, at most 2³² of them (R. Fisher and F. Yates). At first they are 0, 1, 2 and so on; each epoch then shuffles
    /// those of the epoch before.
    ///
    /// ```
    /// let mut numbers = [0, 1, 2, 3, 4, 5, 6, 7];
    /// twolayer::SampleOrder::new(1).shuffle(&mut numbers);
    /// assert_ne!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
    /// numbers.sort_unstable();
    /// assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
    /// ```
    pub fn shuffle(&mut self, numbers: &mut [u32]) {
        let len = numbers.len() as u64;
        for (last, below) in (1..len).rev().zip((2..=len).rev()) {
            let other = self.0.below(below);
            #[expect(clippy::cast_possible_truncation, reason = "below the length")]
            numbers.swap(last as usize, other as usize);
        }
    }
}

/// Learning rates, for pixels 0 to 255, that fall linearly over a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRates {
    /// That of the first samples.
    pub from: f32,
    /// That after the last ones.
    pub to: f32,
}

impl LearningRates {
    /// For few epochs over images as they are, by cross-entropy. Chosen with 10,000 held-out training images of MNIST.
    pub const FAST: Self = Self { from: 7.8e-5, to: 2e-6 };
    /// For distorted images.
    pub const BEST: Self = Self { from: 6.5e-5, to: 8e-7 };
    /// For a network that goes on learning.
    pub const FURTHER: Self = Self { from: 5e-5, to: 1e-6 };
    /// The rate stays for so many blocks.
    pub const BLOCKS: usize = 64;

    /// The rate after `done` of `total` samples of all epochs.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    pub fn after(self, done: usize, total: usize) -> f32 {
        self.from + (self.to - self.from) * (done as f32 / total as f32)
    }
}
