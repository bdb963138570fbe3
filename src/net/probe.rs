//! For the benches: the parts of a training step one by one, and what the machine can do at most; for the tests: the functions
//! that the loss is made of.

pub use crate::base::{exp, ln};
use crate::net::kernel::sequential::Targets;
use crate::net::kernel::{load, rows};
use crate::net::{Loss, ThisThread, TrainError, TrainOptions, Trainer, WeightsMut};
use crate::simd::{Backend, Isa, TierFn, sum_lanes};
pub use crate::simd::{PEAK_OPERATIONS, peak};
use wide::f32x16;

/// A trainer whose parts can be run by themselves.
#[derive(Debug)]
pub struct Parts<'a>(Trainer<'a>);

impl<'a> Parts<'a> {
    /// As [`Trainer::new`].
    ///
    /// # Errors
    ///
    /// As [`Trainer::new`].
    pub fn new(weights: WeightsMut<'a>, scratch: &'a mut [f32], options: TrainOptions) -> Result<Self, TrainError> {
        Trainer::new(weights, scratch, options).map(Self)
    }

    /// The lists of nonzero pixels and the Gram numbers of one block.
    pub fn prepare(&mut self, images: &[u8]) {
        self.0.prepare(images);
    }

    /// Every panel: the step of the block before, if there is one, and the pre-activations of the block prepared.
    pub fn visit(&mut self) {
        self.0.visit(&ThisThread);
    }

    /// The sequential part; the block prepared is then the block before.
    pub fn sequential(&mut self, labels: &[u8]) -> Loss {
        self.0.advance(&ThisThread, Targets::of_labels(labels), None)
    }

    /// Takes the block before away, so that visits are a forward pass only; gives its number of samples.
    pub fn take_before(&mut self) -> usize {
        core::mem::take(&mut self.0.before.lists.samples)
    }

    /// Puts the block before back.
    pub fn give_before(&mut self, samples: usize) {
        self.0.before.lists.samples = samples;
    }
}

/// Reads `numbers` once from wherever they are; the sum keeps the reads from being dropped.
#[must_use]
pub fn read(backend: Backend, numbers: &[f32]) -> f32 {
    struct Read<'a>(&'a [f32]);
    impl TierFn for Read<'_> {
        type Out = f32;
        #[inline(always)]
        fn call<I: Isa>(self, isa: I) -> f32 {
            let mut sums = [f32x16::ZERO; 4];
            for tile in rows::<4>(self.0) {
                for (sum, v) in sums.iter_mut().zip(load(tile)) {
                    *sum = isa.add(*sum, v);
                }
            }
            sums.into_iter().map(sum_lanes).sum()
        }
    }
    backend.run(Read(numbers))
}
