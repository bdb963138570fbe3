//! For the benches: the parts of a training step one by one, and what the machine can do at most.

use crate::kernel::sequential::Loss;
use crate::kernel::{load, rows};
use crate::sgd::{ThisThread, TrainError, TrainOptions, Trainer};
use crate::simd::{Backend, Isa, TierFn, sum_lanes};
use crate::weights::WeightsMut;
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
        self.0.advance(&ThisThread, labels, None)
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

/// Multiply-adds that nothing holds up: chains of `a × x + y` in registers, [`PEAK_OPERATIONS`] in all.
#[must_use]
pub fn peak(backend: Backend) -> f32 {
    struct Peak;
    impl TierFn for Peak {
        type Out = f32;
        #[inline(always)]
        fn call<I: Isa>(self, isa: I) -> f32 {
            match I::CHAINS {
                16 => chains::<I, 16>(isa),
                6 => chains::<I, 6>(isa),
                _ => chains::<I, 3>(isa),
            }
        }
    }
    backend.run(Peak)
}

/// Multiplications and additions of one call of [`peak`].
pub const PEAK_OPERATIONS: u32 = 2 * 12_000 * 16;

#[inline(always)]
fn chains<I: Isa, const N: usize>(isa: I) -> f32 {
    let mut sums = [f32x16::ONE; N];
    let x = f32x16::splat(core::hint::black_box(0.999));
    let y = f32x16::splat(core::hint::black_box(0.001));
    for _ in 0..12_000 / N {
        for sum in &mut sums {
            *sum = isa.add(isa.mul(*sum, x), y);
        }
    }
    sums.into_iter().map(sum_lanes).sum()
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
