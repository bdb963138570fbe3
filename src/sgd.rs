//! Training by stochastic gradient descent, one sample at a time, computed a block of samples at a time and exactly.
//!
//! A step of SGD changes W1 by a rank-one matrix, so a sample needs to know of the steps before it only the numbers
//! `x_s·x_k` (see [`crate::kernel::output`]). A block of K samples therefore reads and writes W1 once:
//!
//! 1. *visit* every panel of W1: take the block before's step `W1 −= α Xᵀ Δ1`, and while the panel is in cache, this
//!    block's `Z = X W1`;
//! 2. the sequential part, sample after sample: correct `z_k`, output layer and its step, `δ1_k`.
//!
//! K = 1 is the plain step by the same code, and no K makes an approximation; results for different K differ by
//! rounding only.
//!
//! # Where the time goes, and what was tried
//!
//! Of 6.2 µs a sample (784 → 1000 → 10, Zen 5, AVX-512), 4.5 are visits, half forward and half update, 1.0 the sequential
//! part and 0.7 lists and Gram numbers. An inner loop that only reads and adds rows from the first-level cache would take
//! 2.6 µs for both halves of a visit; beginning a list (some 150 a sample) costs six nanoseconds.
//!
//! | tried | time of a sample |
//! |---|---|
//! | K = 16, 32, 64, 128 | 6.8, 6.2, 6.2, 7.1: visits cheaper, corrections dearer |
//! | panels of 64, not 128, units (tiles of 4 vectors on AVX-512) | +15 %: twice as many lists |
//! | chunks of 56, 84, 112, 196, 784 inputs | +8 %, +3 %, 0, +6 %, +30 % |
//! | groups of 4, 8, 16, 32 corrections | +2 %, 0, +2 %, +2 % |
//! | row width known to the compiler | −10 % |
//! | list entry read once for index and value | −2 % |
//! | lists as bit masks, no index to read | visits −4 %, lists +60 %: a draw |
//! | inputs of a chunk in the order of their list's length | visits +4 % |
//! | panels in reverse order in every other block | a draw |
//! | corrections of two samples at a time, sharing δ1 | −1 % on AVX-512, +1 % on AVX2 |
//! | lists and Gram numbers compiled for the tier | −5 % |

use crate::kernel;
use crate::kernel::backward::update_chunk;
use crate::kernel::forward::forward_chunk;
use crate::kernel::gram::{Wide, widen};
use crate::kernel::output::{HiddenRows, Sequence};
use crate::kernel::pixels::{ByInput, BySample, CHUNK};
use crate::kernel::{OnPanel, for_width, rows, rows_mut};
use crate::scratch::Scratch;
use crate::shape::{PANEL, Shape};
use crate::simd::{Backend, Isa, Kernel, LANES};
use core::fmt;

pub use crate::kernel::output::Errors;

/// How to train: the defaults are the article's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The learning rate α, finite and above 0.
    pub alpha: f32,
    /// Samples of a block, 1 to [`MAX_BLOCK`](Self::MAX_BLOCK): a matter of speed and rounding only.
    pub block: usize,
    /// The tier of SIMD instructions: a matter of speed only.
    pub backend: Backend,
}

impl Options {
    /// The most samples that a block may have.
    pub const MAX_BLOCK: usize = 1024;
    /// The article's learning rate.
    pub const ALPHA: f32 = 1e-5;
    /// The block that trains fastest at the article's shape.
    pub const BLOCK: usize = 64;
}

impl Options {
    /// Every option in its range?
    pub(crate) fn check(self) -> Result<(), TrainError> {
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return Err(TrainError::Alpha { found: self.alpha });
        }
        if self.block == 0 || self.block > Self::MAX_BLOCK {
            return Err(TrainError::Block { found: self.block });
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { alpha: Self::ALPHA, block: Self::BLOCK, backend: Backend::detect() }
    }
}

/// A network in training: weights and scratch are the caller's.
#[derive(Debug)]
pub struct Trainer<'a> {
    pub(crate) shape: Shape,
    pub(crate) options: Options,
    pub(crate) w1: &'a mut [f32],
    /// The block being worked on, and its hidden rows: `[panel][samples][width]`.
    pub(crate) current: (Block<'a>, &'a mut [f32]),
    /// The one before, whose step W1 is yet to take.
    pub(crate) before: (Block<'a>, &'a mut [f32]),
    pub(crate) output: Output<'a>,
}

impl<'a> Trainer<'a> {
    /// The length of the scratch that [`new`](Self::new) needs, in numbers.
    #[must_use]
    pub const fn scratch_len(shape: Shape, block: usize) -> usize {
        let hidden = block.saturating_mul(shape.hidden_padded());
        let one = Block::scratch_len(shape, block).saturating_add(hidden);
        one.saturating_mul(2).saturating_add(Output::scratch_len(shape))
    }

    /// A trainer of `weights`, which lie as [`Shape`] says. For speed, let both slices begin at a multiple of 64 bytes.
    ///
    /// # Errors
    ///
    /// When an option is out of range, or a slice's length is not what the shape and the block ask for (`scratch` may
    /// be longer).
    pub fn new(
        shape: Shape,
        weights: &'a mut [f32],
        scratch: &'a mut [f32],
        options: Options,
    ) -> Result<Self, TrainError> {
        options.check()?;
        let (found, expected) = (scratch.len(), Self::scratch_len(shape, options.block));
        if found < expected {
            return Err(TrainError::Scratch { found, expected });
        }
        let (w1, w2) = split_weights(shape, weights)?;
        let hidden = options.block * shape.hidden_padded();
        let mut scratch = Scratch::new(scratch);
        let mut block = || (Block::new(shape, options.block, &mut scratch), scratch.take(hidden));
        let (current, before) = (block(), block());
        Ok(Self { shape, options, w1, current, before, output: Output::new(shape, options, w2, &mut scratch) })
    }

    /// Takes one step for each sample, in order; `images` is `[samples][inputs]` pixels. The weights are then those
    /// after the last sample. Gives the errors, each under the weights before its sample's step.
    ///
    /// Blocks are counted from the first sample given: calls with a multiple of the block give the same bits however
    /// many there are.
    ///
    /// # Errors
    ///
    /// When a label is not below the number of outputs, or there is not one image for each label; no step is taken
    /// then.
    pub fn train(&mut self, images: &[u8], labels: &[u8]) -> Result<Errors, TrainError> {
        check_samples(self.shape, images, labels)?;
        let block = self.options.block;
        let mut errors = Errors::default();
        for (images, labels) in images.chunks((block * self.shape.inputs()).max(1)).zip(labels.chunks(block.max(1))) {
            self.prepare(images);
            self.visit();
            errors.add(self.sequence(labels));
        }
        self.current.0.clear();
        self.visit();
        self.before.0.clear();
        Ok(errors)
    }

    /// The weights, as [`Shape`] says: W1 and W2.
    #[must_use]
    pub fn weights(&self) -> (&[f32], &[f32]) {
        (self.w1, self.output.w2)
    }

    /// Lists and Gram numbers of the current block.
    pub(crate) fn prepare(&mut self, images: &[u8]) {
        self.current.0.fill(images, self.options);
    }

    /// Every panel once: the step of the block before, the pre-activations of the current one.
    pub(crate) fn visit(&mut self) {
        let stride = (self.options.block * PANEL).max(1);
        let hidden = self.before.1.chunks(stride).zip(self.current.1.chunks_mut(stride));
        for (w1, (delta1, z)) in self.w1.chunks_mut((self.shape.inputs() * PANEL).max(1)).zip(hidden) {
            let (before, current) = (&self.before.0, &self.current.0);
            self.options.backend.run(Visit { shape: self.shape, w1, before, delta1, current, z });
        }
    }

    /// The sequential part of the current block, which is then the block before.
    pub(crate) fn sequence(&mut self, labels: &[u8]) -> Errors {
        let hidden = Contiguous { rows: self.current.1, stride: self.options.block * PANEL };
        let errors = self.output.sequence(labels, &self.current.0, hidden);
        core::mem::swap(&mut self.current, &mut self.before);
        errors
    }
}

/// What a block of samples asks of every panel, and the Gram numbers of its corrections.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    shape: Shape,
    pub(crate) samples: usize,
    by_sample: BySample<'a>,
    by_input: ByInput<'a>,
    /// `[samples][samples]`.
    gram: &'a mut [f32],
    /// The images, widened: `[samples][vectors]`.
    wide: &'a mut [Wide],
}

impl<'a> Block<'a> {
    pub(crate) const fn scratch_len(shape: Shape, block: usize) -> usize {
        let inputs = shape.inputs();
        let wide = block.saturating_mul(wide_len(inputs));
        BySample::scratch_len(inputs, block)
            .saturating_add(ByInput::scratch_len(inputs, block))
            .saturating_add(block.saturating_mul(block))
            .saturating_add(wide)
    }

    pub(crate) fn new(shape: Shape, block: usize, scratch: &mut Scratch<'a>) -> Self {
        let inputs = shape.inputs();
        let wide = scratch.take(block * wide_len(inputs));
        Self {
            shape,
            samples: 0,
            wide: bytemuck::try_cast_slice_mut::<f32, i16>(wide).unwrap_or_default().as_chunks_mut().0,
            gram: scratch.take(block * block),
            by_sample: BySample::new(inputs, block, scratch),
            by_input: ByInput::new(inputs, block, scratch),
        }
    }

    /// Prepares the block for `images`, as many as a block has at most.
    pub(crate) fn fill(&mut self, images: &[u8], options: Options) {
        self.samples = images.len() / self.shape.inputs();
        options.backend.run(Prepare { block: self, images, options });
    }

    /// Makes it a block of no samples.
    pub(crate) fn clear(&mut self) {
        self.samples = 0;
    }
}

/// The lists and the Gram numbers of a block's images.
struct Prepare<'p, 'a> {
    block: &'p mut Block<'a>,
    images: &'p [u8],
    options: Options,
}

impl Kernel for Prepare<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn call<I: Isa>(self, isa: I) {
        let Self { block: Block { shape, samples, by_sample, by_input, gram, wide }, images, options } = self;
        by_sample.fill(images);
        by_input.fill(images, by_sample, options.alpha);
        let vectors = wide_vectors(shape.inputs());
        widen(images, shape.inputs(), vectors, wide);
        let wide = wide.get(..*samples * vectors).unwrap_or_default();
        kernel::gram::gram(isa, wide, vectors, options.alpha, gram, options.block);
    }
}

/// Vectors of 32 pixels that one image takes.
const fn wide_vectors(inputs: usize) -> usize {
    inputs.div_ceil(size_of::<Wide>() / size_of::<i16>())
}

/// The numbers of scratch in which one widened image lies.
const fn wide_len(inputs: usize) -> usize {
    wide_vectors(inputs) * size_of::<Wide>() / size_of::<f32>()
}

/// One panel's part of two blocks: the step of the one before, then the pre-activations of the current one.
pub(crate) struct Visit<'a, 'b> {
    pub(crate) shape: Shape,
    /// `[inputs][width]`.
    pub(crate) w1: &'a mut [f32],
    pub(crate) before: &'a Block<'b>,
    /// δ1 of the block before: `[samples][width]`.
    pub(crate) delta1: &'a [f32],
    pub(crate) current: &'a Block<'b>,
    /// Room for the pre-activations: `[samples][width]`.
    pub(crate) z: &'a mut [f32],
}

impl Kernel for Visit<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn call<I: Isa>(self, isa: I) {
        for_width(isa, self.w1.len() / self.shape.inputs() / LANES, self);
    }
}

impl OnPanel for Visit<'_, '_> {
    /// Chunk by chunk, so that the rows just updated are still in the first-level cache for the forward pass.
    #[inline(always)]
    fn call<I: Isa, const W: usize, const N: usize>(self, isa: I) {
        let Self { shape, before, current, .. } = self;
        let w1 = rows_mut::<W>(self.w1);
        let delta1 = rows::<W>(self.delta1);
        let z = rows_mut::<W>(self.z).get_mut(..current.samples).unwrap_or_default();
        for at in (0..W).step_by(N) {
            for chunk in 0..shape.inputs().div_ceil(CHUNK) {
                if before.samples > 0 {
                    update_chunk::<I, W, N>(isa, w1, at, &before.by_input, chunk, delta1);
                }
                forward_chunk::<I, W, N>(isa, w1, at, &current.by_sample, chunk, z);
            }
        }
    }
}

/// The output layer in training, with its scratch.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    shape: Shape,
    options: Options,
    pub(crate) w2: &'a mut [f32],
    sums: &'a mut [f32],
    delta2: &'a mut [f32],
}

impl<'a> Output<'a> {
    pub(crate) const fn scratch_len(shape: Shape) -> usize {
        shape.outputs() * (LANES + 1)
    }

    pub(crate) fn new(shape: Shape, options: Options, w2: &'a mut [f32], scratch: &mut Scratch<'a>) -> Self {
        let sums = scratch.take(shape.outputs() * LANES);
        Self { shape, options, w2, sums, delta2: scratch.take(shape.outputs()) }
    }

    /// The sequential part of a block.
    pub(crate) fn sequence(&mut self, labels: &[u8], block: &Block<'_>, hidden: impl HiddenRows) -> Errors {
        self.options.backend.run(Sequence {
            shape: self.shape,
            alpha: self.options.alpha,
            labels,
            gram: block.gram,
            block: self.options.block,
            w2: self.w2,
            hidden,
            sums: self.sums,
            delta2: self.delta2,
        })
    }
}

/// Hidden rows in one slice, one panel every `stride` numbers.
struct Contiguous<'a> {
    rows: &'a mut [f32],
    stride: usize,
}

impl HiddenRows for Contiguous<'_> {
    #[inline(always)]
    fn panel(&mut self, index: usize) -> &mut [f32] {
        self.rows.chunks_mut(self.stride.max(1)).nth(index).unwrap_or_default()
    }
}

/// W1 and W2.
pub(crate) fn split_weights(shape: Shape, weights: &mut [f32]) -> Result<(&mut [f32], &mut [f32]), TrainError> {
    let (found, expected) = (weights.len(), shape.weights_len());
    weights
        .split_at_mut_checked(shape.w1_len())
        .filter(|_| found == expected)
        .ok_or(TrainError::Weights { found, expected })
}

/// One image for each label, and every label an output.
pub(crate) fn check_samples(shape: Shape, images: &[u8], labels: &[u8]) -> Result<(), TrainError> {
    if Some(images.len()) != labels.len().checked_mul(shape.inputs()) {
        return Err(TrainError::Images { found: images.len(), labels: labels.len(), inputs: shape.inputs() });
    }
    match labels.iter().position(|&label| usize::from(label) >= shape.outputs()) {
        Some(sample) => {
            Err(TrainError::Label { sample, found: labels.get(sample).copied().unwrap_or(0), outputs: shape.outputs() })
        }
        None => Ok(()),
    }
}

/// Why training cannot go on. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TrainError {
    /// A learning rate that is not finite and above 0.
    Alpha {
        /// The learning rate asked for.
        found: f32,
    },
    /// A block of no samples or of too many.
    Block {
        /// The samples asked for.
        found: usize,
    },
    /// Weights that are not as long as the shape says.
    Weights {
        /// The length found, in numbers.
        found: usize,
        /// [`Shape::weights_len`].
        expected: usize,
    },
    /// Too little scratch.
    Scratch {
        /// The length found, in numbers.
        found: usize,
        /// [`Trainer::scratch_len`].
        expected: usize,
    },
    /// Not one image for each label.
    Images {
        /// The pixels found.
        found: usize,
        /// The number of labels.
        labels: usize,
        /// The pixels of one image.
        inputs: usize,
    },
    /// A label that no output stands for.
    Label {
        /// The sample, counted from 0.
        sample: usize,
        /// Its label.
        found: u8,
        /// The number of outputs.
        outputs: usize,
    },
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Alpha { found } => write!(f, "a learning rate of {found}; it must be finite and above 0"),
            Self::Block { found } => write!(f, "a block of {found} samples; it takes 1 to {}", Options::MAX_BLOCK),
            Self::Weights { found, expected } => write!(f, "{found} weights; the shape has {expected}"),
            Self::Scratch { found, expected } => {
                write!(f, "{found} numbers of scratch; at least {expected} are needed")
            }
            Self::Images { found, labels, inputs } => {
                write!(f, "{found} pixels for {labels} labels; one image has {inputs} pixels")
            }
            Self::Label { sample, found, outputs } => {
                write!(f, "sample {sample} has label {found}; the network's classes are 0 to {}", outputs - 1)
            }
        }
    }
}

impl core::error::Error for TrainError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use crate::support::scalar::Scalar;
    use crate::support::{BLOCKS, Samples, bits, places, signed_weights, train};

    fn shape() -> Shape {
        Shape::new(50, 131, 4).unwrap()
    }

    fn options(block: usize) -> Options {
        Options { alpha: 1e-6, block, ..Options::default() }
    }

    #[test]
    fn the_defaults_are_the_articles() {
        let Options { alpha, block, backend } = Options::default();
        assert_eq!((alpha.to_bits(), block, backend), (1e-5_f32.to_bits(), 64, Backend::detect()));
    }

    #[test]
    fn options_out_of_range_are_refused() {
        for found in [0.0, -0.0, -1e-5, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(Options { alpha: found, ..Options::default() }.check(), Err(TrainError::Alpha { found }));
        }
        let not_a_number = Options { alpha: f32::NAN, ..Options::default() }.check();
        assert!(matches!(not_a_number, Err(TrainError::Alpha { found }) if found.is_nan()));
        for found in [0, Options::MAX_BLOCK + 1, usize::MAX] {
            assert_eq!(options(found).check(), Err(TrainError::Block { found }));
            let refused = Trainer::new(shape(), &mut [], &mut [], options(found)).unwrap_err();
            assert_eq!(refused, TrainError::Block { found });
        }
        for block in [1, Options::MAX_BLOCK] {
            assert_eq!(Options { alpha: f32::MIN_POSITIVE, block, ..Options::default() }.check(), Ok(()));
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let expected = shape().weights_len();
        let needed = Trainer::scratch_len(shape(), 3);
        let (mut weights, mut scratch) = (vec![0.0; expected + 1], vec![0.0; needed]);
        for found in [0, shape().w1_len(), expected - 1, expected + 1] {
            let error = Trainer::new(shape(), &mut weights[..found], &mut scratch, options(3)).unwrap_err();
            assert_eq!(error, TrainError::Weights { found, expected });
        }
        let error = Trainer::new(shape(), &mut weights[..expected], &mut scratch[1..], options(3)).unwrap_err();
        assert_eq!(error, TrainError::Scratch { found: needed - 1, expected: needed });
    }

    #[test]
    fn refused_samples_change_nothing() {
        let start = signed_weights(shape(), 1, 0.02);
        let samples = Samples::new(50, 4, 20, 2);
        let mut weights = start.clone();
        let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape(), 8)];
        let mut trainer = Trainer::new(shape(), &mut weights, &mut scratch, options(8)).unwrap();
        let mut labels = samples.labels.clone();
        (labels[17], labels[19]) = (4, 255);
        let error = trainer.train(&samples.images, &labels).unwrap_err();
        assert_eq!(error, TrainError::Label { sample: 17, found: 4, outputs: 4 });
        assert_eq!(error.to_string(), "sample 17 has label 4; the network's classes are 0 to 3");
        let error = trainer.train(&samples.images[1..], &samples.labels).unwrap_err();
        assert_eq!(error, TrainError::Images { found: 999, labels: 20, inputs: 50 });
        trainer.train(&samples.images, &samples.labels[1..]).unwrap_err();
        assert_eq!(trainer.train(&[], &[]), Ok(Errors::default()));
        let (w1, w2) = trainer.weights();
        assert_eq!(bits(&[w1, w2].concat()), bits(&start));
        // And what was refused leaves no trace in what follows.
        trainer.train(&samples.images, &samples.labels).unwrap();
        assert_eq!(bits(&weights), bits(&train(shape(), &start, &samples, options(8)).0));
    }

    /// The same arithmetic twice: the error of a sample from the outputs that inference gives before its step.
    #[test]
    fn errors_are_those_of_the_outputs_before_the_step() {
        let samples = Samples::new(50, 4, 9, 3);
        let mut weights = signed_weights(shape(), 4, 0.02);
        let mut sum = 0.0;
        for n in 0..9 {
            let sample = samples.part(n, n + 1);
            let mut outputs = [0.0; 4];
            let mut scratch = vec![0.0; Network::scratch_len(shape(), 1)];
            let network = Network::new(shape(), &weights, Backend::detect()).unwrap();
            network.outputs(&sample.images, &mut scratch, &mut outputs).unwrap();
            outputs[usize::from(sample.labels[0])] -= 1.0;
            let expected = outputs.iter().fold(0.0, |error, d| error + d * d);
            let (after, errors) = train(shape(), &weights, &sample, options(64));
            assert_eq!(errors.last.to_bits(), expected.to_bits(), "sample {n}");
            assert_eq!(errors.sum.to_bits(), f64::from(expected).to_bits());
            assert_ne!(bits(&after), bits(&weights));
            weights = after;
            sum += errors.sum;
        }
        let (plain, errors) = train(shape(), &signed_weights(shape(), 4, 0.02), &samples, options(1));
        assert_eq!((bits(&plain), errors.sum.to_bits()), (bits(&weights), sum.to_bits()));
    }

    #[test]
    fn units_that_fill_up_a_panel_stay_zero() {
        let samples = Samples::new(50, 4, 100, 5);
        for block in BLOCKS {
            let (mut weights, _) = train(shape(), &signed_weights(shape(), 6, 0.02), &samples, options(block));
            places(shape()).for_each(|place| weights[place] = 0.0);
            assert!(weights.iter().all(|w| w.to_bits() == 0), "blocks of {block}");
        }
    }

    #[test]
    fn black_and_white_images_are_samples_too() {
        let start = signed_weights(shape(), 7, 0.02);
        let black = Samples { inputs: 50, images: vec![0; 150], labels: vec![0, 1, 3] };
        let (weights, errors) = train(shape(), &start, &black, options(2));
        assert_eq!((bits(&weights), errors), (bits(&start), Errors { last: 1.0, sum: 3.0 }));
        let white = Samples { inputs: 50, images: vec![255; 150], labels: vec![0, 1, 3] };
        let trained: Vec<_> = Backend::available()
            .map(|backend| bits(&train(shape(), &start, &white, Options { backend, ..options(2) }).0))
            .collect();
        assert!(trained[0] != bits(&start) && trained.iter().all(|t| *t == trained[0]));
    }

    #[test]
    fn the_largest_block_gives_the_bits_of_plain_loops() {
        let shape = Shape::new(9, 5, 2).unwrap();
        let samples = Samples::new(9, 2, Options::MAX_BLOCK + 1, 8);
        let start = signed_weights(shape, 9, 0.02);
        let mut scalar = Scalar::new(shape, &start);
        let errors = scalar.train(&samples.images, &samples.labels, 1e-6, Options::MAX_BLOCK);
        let (weights, found) = train(shape, &start, &samples, options(Options::MAX_BLOCK));
        assert_eq!(bits(&weights), bits(&scalar.weights()));
        assert_eq!(Some(&found.last), errors.last());
    }
}
