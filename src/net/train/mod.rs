//! Training: plain per-sample SGD, computed 64 samples per pass over the weights, with no approximation.
//!
//! What is computed, in plain loops, is in `tests/support/reference.rs`: read that first. One step for an image `x` with the one-hot
//! target `t` is
//!
//! ```text
//! z = x W1    h = max(z, 0)    y = h W2
//! δ2 = y − t                       half the gradient of the loss Σ (y − t)²: there is no factor 2
//! δ1 = (δ2 W2ᵀ) ⊙ [h > 0]          with W2 as it was before this step
//! W2 −= α hᵀ δ2                    W1 −= α xᵀ δ1
//! ```
//!
//! A bias is the weight of an input that is the same for every image: 256 for the hidden units, and 16 for the outputs, since hidden
//! units are of the size of 16 where a white pixel is 255. So one learning rate suits all four parts:
//!
//! ```text
//! b2 −= 16² α δ2                   b1 −= 256² α δ1
//! ```
//!
//! Both are powers of two, and their products exact.
//!
//! Numbers are f32. `α δ1` and W1 are rounded to 16 significant bits, so that their products with pixels, which have 8, are exact.
//! Adding an exact product gives the same bits in one instruction, which rounds once, as in two: tiers with a fused multiply-add use
//! it. A number that overflows ends in infinity or NaN on every tier, and the loss tells.
//!
//! A step changes W1 by a rank-one matrix, so a sample needs to know of the steps before it only the numbers `x_s·x_k`, plus 256² where
//! there are biases.
//! A block of K samples therefore reads and writes W1 once. `step.rs` has a block's four steps on one page, in order.
//!
//! K = 1 is the plain step by the same code, and no K makes an approximation; results for different K differ by
//! rounding only.
//!
//! `benches/README.md` says where the time goes, and what was tried.

mod error;
mod lists;
mod schedule;
mod step;
mod workers;

use crate::base::{Scratch, padded};
use crate::net::kernel::sequential::Targets;
use crate::net::{Loss, LossFunction, Shape, SizeError, Weights, WeightsMut};
use crate::simd::{Backend, LANES, to_16_bits};
use core::num::NonZeroUsize;
use lists::Lists;

pub use error::TrainError;
#[cfg(feature = "std")]
pub(crate) use error::check_samples;
pub use schedule::{LearningRates, SampleOrder};
pub(crate) use workers::ThisThread;
#[cfg(feature = "std")]
pub(crate) use workers::Workers;

/// How to train: the defaults are the article's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainOptions {
    /// The learning rate α, finite and above 0.
    pub alpha: f32,
    /// Samples of a block, 1 to [`MAX_BLOCK`](Self::MAX_BLOCK): affects speed and rounding only.
    pub block: usize,
    /// The tier of SIMD instructions: affects speed only.
    pub backend: Backend,
    /// The loss function.
    pub loss: LossFunction,
}

impl TrainOptions {
    /// The most samples that a block may have.
    pub const MAX_BLOCK: usize = 1024;
    /// The article's learning rate.
    pub const ALPHA: f32 = 1e-5;
    /// The block that trains fastest at the article's shape.
    pub const BLOCK: usize = 64;

    /// Checks that every option is in its range; gives the block.
    pub(crate) fn check(self) -> Result<NonZeroUsize, TrainError> {
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return Err(TrainError::Alpha { found: self.alpha });
        }
        NonZeroUsize::new(self.block)
            .filter(|_| self.block <= Self::MAX_BLOCK)
            .ok_or(TrainError::Block { found: self.block })
    }
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self { alpha: Self::ALPHA, block: Self::BLOCK, backend: Backend::detect(), loss: LossFunction::Squared }
    }
}

/// A network in training: weights and scratch are the caller's.
///
/// ```
/// use twolayer::{INIT_SCALE, Shape, TrainOptions, Trainer, WeightsMut, fill_initial};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shape = Shape::new(4, 32, 2)?;
/// let mut numbers = vec![0.0; shape.weights_len()];
/// let mut weights = WeightsMut::new(shape, &mut numbers)?;
/// fill_initial(&mut weights, 1, INIT_SCALE);
///
/// let options = TrainOptions::default();
/// let mut scratch = vec![0.0; Trainer::scratch_len(shape, options.block)];
/// let mut trainer = Trainer::new(weights, &mut scratch, options)?;
/// let images = [0, 90, 255, 0, /* the second image: */ 200, 0, 0, 30];
/// let loss = trainer.train(&images, &[1, 0])?;
/// assert!(loss.last > 0.9); // nothing is learnt from two images
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Trainer<'a> {
    weights: WeightsMut<'a>,
    options: TrainOptions,
    block: NonZeroUsize,
    /// Are the weights of the first layer kept to 16 significant bits?
    short: bool,
    /// The block being worked on.
    pub(crate) current: Block<'a>,
    /// The one before, whose step W1 is yet to take.
    pub(crate) before: Block<'a>,
    /// `[outputs][16]` and `[outputs]`, for the output layer.
    sums: &'a mut [f32],
    delta2: &'a mut [f32],
}

impl<'a> Trainer<'a> {
    /// The length of the scratch that [`new`](Self::new) needs, in numbers.
    #[must_use]
    pub const fn scratch_len(shape: Shape, block: usize) -> usize {
        let output = padded(shape.outputs() * LANES) + padded(shape.outputs());
        Block::scratch_len(shape, block).saturating_mul(2).saturating_add(output)
    }

    /// A trainer of these weights, of which the first layer's are rounded to 16 significant bits. `scratch` may hold anything; for
    /// speed, let it begin at a multiple of 64 bytes.
    ///
    /// # Errors
    ///
    /// - [`TrainError::Alpha`], [`TrainError::Block`]: an option is out of range;
    /// - [`TrainError::Size`] of [`SizeError::Scratch`]: `scratch` is shorter than [`scratch_len`](Self::scratch_len).
    pub fn new(weights: WeightsMut<'a>, scratch: &'a mut [f32], options: TrainOptions) -> Result<Self, TrainError> {
        let mut trainer = Self::unrounded(weights, scratch, options)?;
        trainer.short = true;
        for weight in trainer.weights.parts_mut().w1 {
            *weight = to_16_bits(*weight);
        }
        Ok(trainer)
    }

    /// [`new`](Self::new), but the first layer's weights are not rounded, neither now nor by steps. It is slower where multiply-add
    /// is fused.
    pub(crate) fn unrounded(
        weights: WeightsMut<'a>,
        scratch: &'a mut [f32],
        options: TrainOptions,
    ) -> Result<Self, TrainError> {
        let block = options.check()?;
        let shape = weights.shape();
        let (found, expected) = (scratch.len(), Self::scratch_len(shape, options.block));
        SizeError::check_scratch(found, expected)?;
        let mut scratch = Scratch::new(scratch);
        let (current, before) = (Block::new(shape, block, &mut scratch), Block::new(shape, block, &mut scratch));
        let sums = scratch.take(shape.outputs() * LANES);
        let delta2 = scratch.take(shape.outputs());
        debug_assert_eq!(scratch.left(), found - expected, "no more is asked for than is used");
        Ok(Self { weights, options, block, short: false, current, before, sums, delta2 })
    }

    /// Takes one step for each sample, in order; `images` is `[samples][pixels]`, of [`Shape::pixels`] each. Where the shape
    /// says so, they are deslanted or halved first. The weights are then those after the last sample. Gives the losses, each under the
    /// weights before its sample's step.
    ///
    /// Blocks are counted from the first sample of a call. If every call but the last has a multiple of the block, the
    /// result does not depend on how samples are split into calls.
    ///
    /// # Errors
    ///
    /// [`TrainError::Label`] when a label is not below the number of outputs, [`TrainError::Images`] when there is not one
    /// image for each label. No step is taken then.
    pub fn train(&mut self, images: &[u8], labels: &[u8]) -> Result<Loss, TrainError> {
        self.train_with(&ThisThread, images, Targets::of_labels(labels), |_, _| Ok(()))
    }

    /// Changes the learning rate, for the samples of calls to come.
    ///
    /// # Errors
    ///
    /// [`TrainError::Alpha`] when it is not finite and above 0; it stays what it was then.
    pub fn set_alpha(&mut self, alpha: f32) -> Result<(), TrainError> {
        TrainOptions { alpha, ..self.options }.check()?;
        self.options.alpha = alpha;
        Ok(())
    }

    /// The weights.
    #[must_use]
    pub const fn weights(&self) -> Weights<'_> {
        self.weights.view()
    }

    /// The first layer, between calls of [`train`](Self::train).
    #[cfg(feature = "std")]
    pub(crate) fn first_mut(&mut self) -> &mut [f32] {
        self.weights.parts_mut().w1
    }
}

/// A block of samples on its way.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    pub(crate) lists: Lists<'a>,
    /// `[panel][block][width]`: pre-activations, then α δ1.
    hidden: &'a mut [f32],
}

impl<'a> Block<'a> {
    const fn scratch_len(shape: Shape, block: usize) -> usize {
        Lists::scratch_len(shape, block).saturating_add(padded(block.saturating_mul(shape.hidden_padded())))
    }

    fn new(shape: Shape, block: NonZeroUsize, scratch: &mut Scratch<'a>) -> Self {
        Self { lists: Lists::new(shape, block, scratch), hidden: scratch.take(block.get() * shape.hidden_padded()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Network;
    use crate::support::recipe::{Recipe, one_hot};
    use crate::support::reference::Reference;
    use crate::support::{BLOCKS, Dice, Samples, bits, signed_weights, train, weights};

    fn shape() -> Shape {
        Shape::new(50, 131, 4).unwrap()
    }

    fn options(block: usize) -> TrainOptions {
        TrainOptions { alpha: 1e-6, block, ..TrainOptions::default() }
    }

    #[test]
    fn the_defaults_are_the_articles() {
        let TrainOptions { alpha, block, backend, loss } = TrainOptions::default();
        assert_eq!((alpha.to_bits(), block, backend), (1e-5_f32.to_bits(), 64, Backend::detect()));
        assert_eq!(loss, LossFunction::Squared);
    }

    #[test]
    fn options_out_of_range_are_refused() {
        for found in [0.0, -0.0, -1e-5, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(
                TrainOptions { alpha: found, ..TrainOptions::default() }.check(),
                Err(TrainError::Alpha { found })
            );
        }
        let not_a_number = TrainOptions { alpha: f32::NAN, ..TrainOptions::default() }.check();
        assert!(matches!(not_a_number, Err(TrainError::Alpha { found }) if found.is_nan()));
        for found in [0, TrainOptions::MAX_BLOCK + 1, usize::MAX] {
            assert_eq!(options(found).check(), Err(TrainError::Block { found }));
            let mut numbers = vec![0.0; shape().weights_len()];
            let weights = WeightsMut::new(shape(), &mut numbers).unwrap();
            let refused = Trainer::new(weights, &mut [], options(found)).unwrap_err();
            assert_eq!(refused, TrainError::Block { found });
        }
        for block in [1, TrainOptions::MAX_BLOCK] {
            assert_eq!(
                TrainOptions { alpha: f32::MIN_POSITIVE, block, ..TrainOptions::default() }.check(),
                Ok(NonZeroUsize::new(block).unwrap())
            );
        }
    }

    #[test]
    fn short_scratch_is_refused() {
        let expected = Trainer::scratch_len(shape(), 3);
        let (mut numbers, mut scratch) = (vec![0.0; shape().weights_len()], vec![0.0; expected]);
        let weights = WeightsMut::new(shape(), &mut numbers).unwrap();
        let error = Trainer::new(weights, &mut scratch[1..], options(3)).unwrap_err();
        assert_eq!(error, TrainError::Size(SizeError::Scratch { found: expected - 1, expected }));
    }

    #[test]
    fn scratch_is_no_longer_than_need_be() {
        // For 3 images of 64 pixels and 20 hidden units, in multiples of 16.
        let by_sample = 2 * 192 + 2 * 8 + 16;
        let by_input = 2 * 192 + 80;
        let (gram, widened, hidden) = (16, 3 * 64 / 2, 3 * 32);
        let (sums, delta2) = (4 * 16, 16);
        let expected = 2 * (by_sample + by_input + gram + widened + hidden) + sums + delta2;
        assert_eq!(Trainer::scratch_len(Shape::new(64, 20, 4).unwrap(), 3), expected);
    }

    #[test]
    fn the_learning_rate_can_change_between_calls() {
        let start = signed_weights(shape(), 1, 0.02);
        let samples = Samples::new(50, 4, 20, 2);
        let other = TrainOptions { alpha: 3e-6, ..options(8) };
        let (expected, _) = train(shape(), &start, &samples, other);
        let mut numbers = start;
        let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape(), 8)];
        let weights = WeightsMut::new(shape(), &mut numbers).unwrap();
        let mut trainer = Trainer::new(weights, &mut scratch, options(8)).unwrap();
        assert_eq!(trainer.set_alpha(other.alpha), Ok(()));
        assert_eq!(trainer.set_alpha(0.0), Err(TrainError::Alpha { found: 0.0 }));
        trainer.train(&samples.images, &samples.labels).unwrap();
        assert_eq!(bits(&numbers), bits(&expected));
    }

    #[test]
    fn every_block_is_reported() {
        let samples = Samples::new(50, 4, 20, 2);
        let mut numbers = signed_weights(shape(), 1, 0.02);
        let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape(), 8)];
        let weights = WeightsMut::new(shape(), &mut numbers).unwrap();
        let mut trainer = Trainer::new(weights, &mut scratch, options(8)).unwrap();
        let mut reports = Vec::new();
        let report = |done, loss| {
            reports.push((done, loss));
            Ok::<_, TrainError>(())
        };
        let loss =
            trainer.train_with(&ThisThread, &samples.images, Targets::of_labels(&samples.labels), report).unwrap();
        assert!(reports.iter().map(|report| report.0).eq([8, 16, 20]));
        assert_eq!(reports.last().unwrap().1, loss);
    }

    #[test]
    fn refused_samples_change_nothing() {
        let start = signed_weights(shape(), 1, 0.02);
        let samples = Samples::new(50, 4, 20, 2);
        let mut numbers = start.clone();
        let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape(), 8)];
        let weights = WeightsMut::new(shape(), &mut numbers).unwrap();
        let mut trainer = Trainer::new(weights, &mut scratch, options(8)).unwrap();
        let mut labels = samples.labels.clone();
        (labels[17], labels[19]) = (4, 255);
        let error = trainer.train(&samples.images, &labels).unwrap_err();
        assert_eq!(error, TrainError::Label { sample: 17, found: 4, outputs: 4 });
        assert_eq!(error.to_string(), "sample 17 has label 4; the network's classes are 0 to 3");
        let error = trainer.train(&samples.images[1..], &samples.labels).unwrap_err();
        assert_eq!(error, TrainError::Images { found: 999, labels: 20, inputs: 50 });
        trainer.train(&samples.images, &samples.labels[1..]).unwrap_err();
        assert_eq!(trainer.train(&[], &[]), Ok(Loss::default()));
        assert_eq!(bits(trainer.weights().numbers()), bits(&start));
        // And what was refused leaves no trace in what follows.
        trainer.train(&samples.images, &samples.labels).unwrap();
        assert_eq!(bits(&numbers), bits(&train(shape(), &start, &samples, options(8)).0));
    }

    /// The same arithmetic twice: the loss of a sample from the outputs that inference gives before its step.
    #[test]
    fn losses_are_those_of_the_outputs_before_the_step() {
        let samples = Samples::new(50, 4, 9, 3);
        let mut numbers = signed_weights(shape(), 4, 0.02);
        let mut sum = 0.0;
        for n in 0..9 {
            let sample = samples.part(n, n + 1);
            let mut scratch = vec![0.0; Network::scratch_len(shape())];
            let network = Network::new(weights(shape(), &numbers), Backend::detect());
            let mut outputs = network.outputs(&sample.images, &mut scratch).unwrap().to_vec();
            outputs[usize::from(sample.labels[0])] -= 1.0;
            let expected = outputs.iter().fold(0.0, |error, d| error + d * d);
            let (after, errors) = train(shape(), &numbers, &sample, options(64));
            assert_eq!(errors.last.to_bits(), expected.to_bits(), "sample {n}");
            assert_eq!(errors.sum.to_bits(), f64::from(expected).to_bits());
            assert_ne!(bits(&after), bits(&numbers));
            numbers = after;
            sum += errors.sum;
        }
        let (plain, errors) = train(shape(), &signed_weights(shape(), 4, 0.02), &samples, options(1));
        assert_eq!((bits(&plain), errors.sum.to_bits()), (bits(&numbers), sum.to_bits()));
    }

    /// As [`train`], towards targets of all outputs.
    fn train_towards(
        shape: Shape,
        start: &[f32],
        samples: &Samples,
        soft: &[f32],
        options: TrainOptions,
    ) -> (Vec<f32>, Loss) {
        let mut numbers = start.to_vec();
        let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape, options.block)];
        let weights = WeightsMut::new(shape, &mut numbers).unwrap();
        let mut trainer = Trainer::new(weights, &mut scratch, options).unwrap();
        let targets = Targets { labels: &samples.labels, soft };
        let loss = trainer.train_with(&ThisThread, &samples.images, targets, |_, _| Ok::<_, TrainError>(())).unwrap();
        (numbers, loss)
    }

    #[test]
    fn soft_targets_give_the_bits_of_plain_loops() {
        let mut dice = Dice::new(1);
        for shape in [shape(), shape().with_biases(), Shape::new(9, 1, 1).unwrap()] {
            let samples = Samples::new(shape.inputs(), shape.outputs(), 75, 8);
            let soft: Vec<f32> = (0..75).flat_map(|_| dice.targets(shape.outputs())).collect();
            let hard = one_hot(&samples.labels, shape.outputs());
            let start = signed_weights(shape, 7, 0.02);
            for (loss, block) in [LossFunction::Squared, LossFunction::CrossEntropy]
                .into_iter()
                .flat_map(|loss| BLOCKS.map(|b| (loss, b)))
            {
                let mut reference = Reference::new(weights(shape, &start));
                (reference.loss, reference.soft) = (loss, soft.clone());
                let losses = reference.train(&samples.images, &samples.labels, 1e-6, block);
                for backend in Backend::available() {
                    let options = TrainOptions { backend, loss, ..options(block) };
                    let (trained, found) = train_towards(shape, &start, &samples, &soft, options);
                    assert!(bits(&trained) == bits(&reference.numbers()), "{shape} on {backend}, blocks of {block}");
                    assert_eq!(found.last.to_bits(), losses.last().unwrap().to_bits());
                    // The targets of labels are those that a label stands for.
                    let of_labels = train(shape, &start, &samples, options);
                    let (trained, found) = train_towards(shape, &start, &samples, &hard, options);
                    assert_eq!((bits(&trained), found), (bits(&of_labels.0), of_labels.1), "{shape} on {backend}");
                    assert!(shape.outputs() == 1 || bits(&trained) != bits(&reference.numbers()));
                }
            }
        }
    }

    /// A step is `−α dE/dw` with `E = −Σ t ln p`. Central differences are off by their third derivative, so the bound is relative.
    #[test]
    fn a_step_follows_the_gradient_of_the_cross_entropy_with_soft_targets() {
        const H: f64 = 1.0 / 65536.0;
        let shape = Shape::new(20, 21, 5).unwrap();
        let alpha = 1e-2_f32; // visible in weights of 16 bits
        for (seed, shape) in (0..3).flat_map(|seed| [(seed, shape), (seed, shape.with_biases())]) {
            let start = signed_weights(shape, 20 + seed, 0.05);
            let targets = Dice::new(seed).targets(5);
            let far = |sample: &Samples| Recipe::new(shape, &start).nearest_kink(&sample.images) > 2.0 * 255.0 * H;
            let sample = (0..50).map(|n| Samples::new(20, 5, 1, 100 * seed + n)).find(far).unwrap();
            let mut recipe = Recipe::new(shape, &start);
            let gradient = recipe.gradient(H, |recipe| recipe.cross_entropy(&sample.images, &targets));
            let largest = gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
            let options = TrainOptions { alpha, loss: LossFunction::CrossEntropy, ..options(8) };
            let (trained, loss) = train_towards(shape, &start, &sample, &targets, options);
            let expected = recipe.cross_entropy(&sample.images, &targets);
            assert!((f64::from(loss.last) - expected).abs() < 1e-5 * expected.max(1.0), "{loss:?}, {expected}");
            let steps = weights(shape, &trained).iter().zip(weights(shape, &start).iter());
            for ((after, before), (gradient, square)) in steps.zip(gradient.iter().zip(recipe.squares())) {
                let (step, expected) = (f64::from(after) - f64::from(before), -f64::from(alpha) * square * gradient);
                // Half a unit in the last of 16 places of a weight below 1/8, and what rounds on the way.
                let bound = f64::from(alpha) * square * 1e-4 * largest + 1e-6;
                assert!((step - expected).abs() <= bound, "{shape}: {step:e}, not {expected:e}");
            }
        }
    }

    #[test]
    fn units_that_fill_up_a_panel_stay_zero() {
        let samples = Samples::new(50, 4, 100, 5);
        for block in BLOCKS {
            let (mut weights, _) = train(shape(), &signed_weights(shape(), 6, 0.02), &samples, options(block));
            shape().places().for_each(|place| weights[place] = 0.0);
            assert!(weights.iter().all(|w| w.to_bits() == 0), "blocks of {block}");
        }
    }

    #[test]
    fn black_and_white_images_are_samples_too() {
        let start = signed_weights(shape(), 7, 0.02);
        let black = Samples { inputs: 50, images: vec![0; 150], labels: vec![0, 1, 3] };
        let (weights, errors) = train(shape(), &start, &black, options(2));
        assert_eq!((bits(&weights), errors), (bits(&start), Loss { last: 1.0, sum: 3.0 }));
        let white = Samples { inputs: 50, images: vec![255; 150], labels: vec![0, 1, 3] };
        let trained: Vec<_> = Backend::available()
            .map(|backend| bits(&train(shape(), &start, &white, TrainOptions { backend, ..options(2) }).0))
            .collect();
        assert!(trained[0] != bits(&start) && trained.iter().all(|t| *t == trained[0]));
    }

    #[test]
    fn the_largest_block_gives_the_bits_of_plain_loops() {
        let shape = Shape::new(9, 5, 2).unwrap();
        let samples = Samples::new(9, 2, TrainOptions::MAX_BLOCK + 1, 8);
        let start = signed_weights(shape, 9, 0.02);
        let mut reference = Reference::new(weights(shape, &start));
        let losses = reference.train(&samples.images, &samples.labels, 1e-6, TrainOptions::MAX_BLOCK);
        let (trained, found) = train(shape, &start, &samples, options(TrainOptions::MAX_BLOCK));
        assert_eq!(bits(&trained), bits(&reference.numbers()));
        assert_eq!(Some(&found.last), losses.last());
    }
}
