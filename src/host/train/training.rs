//! The training loop: epochs over a data set, with progress reports.

use super::{Evaluation, Threads, TrainingError, evaluate};
use crate::base::StarStar;
use crate::host::data::{Dataset, Set};
use crate::host::files::{OwnedWeights, PageBuffer};
use crate::image::Distortion;
use crate::int::level;
use crate::net::{
    INIT_SCALE, Loss, LossFunction, Network, Shape, TrainOptions, Trainer, fill_initial, fill_scaled, halve_rows,
};
use core::fmt;
use core::num::NonZeroUsize;
use core::ops::Range;
use core::time::Duration;
use rayon::prelude::*;
use std::time::Instant;

/// The number of blocks between two progress reports.
const BLOCKS_PER_REPORT: usize = 8;

/// The number of blocks between two learning rates, and for which images are gathered at once when they are shuffled.
const BLOCKS_PER_RATE: usize = 64;

/// How weights begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Uniform from 0 to this: see [`fill_initial`].
    Uniform(f32),
    /// Around zero, in proportion to the sizes of the layers: see [`fill_scaled`].
    Scaled,
}

/// The settings of a training run. The defaults are those of the article.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// The number of passes over the training set.
    pub epochs: u32,
    /// The number of hidden units.
    pub hidden: usize,
    /// The seed of the initial weights, and of the order of samples if they are shuffled.
    pub seed: u64,
    /// The initial weights.
    pub init: Init,
    /// Whether the samples of each epoch come in an order of their own.
    pub shuffle: bool,
    /// Whether images are halved before they are shown to the network, which is then one for [halved](crate::halve) images.
    pub halve: bool,
    /// Whether each image is distorted, another way in each epoch, and how far.
    pub distortion: Option<Distortion>,
    /// The learning rate at the end of the run, towards which it moves evenly, every 64 blocks; if it is not set, the rate
    /// stays what it is.
    pub alpha_to: Option<f32>,
    /// If set, only the first `limit` training samples are used.
    pub limit: Option<usize>,
    /// Learning rate (at the start), block size, SIMD tier and loss.
    pub options: TrainOptions,
    /// The number of threads; the result does not depend on it.
    pub threads: NonZeroUsize,
    /// Whether the network is also tested within the first epoch, every 64 blocks; the result does not depend on it.
    pub tests_within_first: bool,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            epochs: 5,
            hidden: Shape::MNIST.hidden(),
            seed: 1,
            init: Init::Uniform(INIT_SCALE),
            shuffle: false,
            halve: false,
            distortion: None,
            alpha_to: None,
            limit: None,
            options: TrainOptions::default(),
            threads: Threads::available(),
            tests_within_first: false,
        }
    }
}

impl Recipe {
    /// The same network and time as the article's, with a loss that suits classes: cross-entropy, samples in random order and
    /// a falling learning rate: 98.4 % on MNIST.
    #[must_use]
    pub fn fast() -> Self {
        Self {
            init: Init::Scaled,
            shuffle: true,
            alpha_to: Some(FAST_ALPHAS[1]),
            options: TrainOptions {
                alpha: FAST_ALPHAS[0],
                loss: LossFunction::CrossEntropy,
                ..TrainOptions::default()
            },
            ..Self::default()
        }
    }

    /// The most that this network can do: as [`fast`](Self::fast), with distorted images and many epochs.
    #[must_use]
    pub fn best() -> Self {
        let fast = Self::fast();
        Self {
            epochs: 500,
            distortion: Some(Distortion { percent: 100 }),
            alpha_to: Some(BEST_ALPHAS[1]),
            options: TrainOptions { alpha: BEST_ALPHAS[0], ..fast.options },
            ..fast
        }
    }

    /// Whether it does nothing that the article does not do, whatever its numbers.
    #[must_use]
    pub fn is_article(&self) -> bool {
        let plain = self.options.loss == LossFunction::Squared && !self.shuffle && self.alpha_to.is_none();
        plain && !self.halve && self.distortion.is_none() && matches!(self.init, Init::Uniform(_))
    }

    /// The learning rate after `done` of `total` samples.
    fn alpha(&self, done: usize, total: usize) -> f32 {
        let from = self.options.alpha;
        self.alpha_to.map_or(from, |to| between(from, to, done, total))
    }
}

/// The rate after `done` of `total` samples, if it moves evenly.
#[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
pub(crate) fn between(from: f32, to: f32, done: usize, total: usize) -> f32 {
    from + (to - from) * (done as f32 / total as f32)
}

/// The mean loss of `samples` samples.
#[expect(clippy::cast_precision_loss, reason = "a count of samples is far below 2⁵²")]
pub(crate) fn mean(loss: Loss, samples: usize) -> f64 {
    loss.sum / samples.max(1) as f64
}

impl fmt::Display for Recipe {
    /// What the weights depend on, such as `cross-entropy, 5 epochs, shuffled, learning rate 7.8e-5 to 2e-6, scaled initial
    /// weights, seed 1, blocks of 64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epochs, seed, init, shuffle, halve, distortion, alpha_to, limit, options, .. } = self;
        write!(f, "{}, {epochs} epoch{}", options.loss, if *epochs == 1 { "" } else { "s" })?;
        if let Some(limit) = limit {
            write!(f, " of {limit} images")?;
        }
        if *shuffle {
            f.write_str(", shuffled")?;
        }
        if let Some(Distortion { percent }) = distortion {
            write!(f, ", distorted by {percent} %")?;
        }
        if *halve {
            f.write_str(", halved")?;
        }
        write!(f, ", learning rate {:e}", options.alpha)?;
        if let Some(to) = alpha_to {
            write!(f, " to {to:e}")?;
        }
        match init {
            Init::Uniform(scale) => write!(f, ", initial weights up to {scale:e}")?,
            Init::Scaled => f.write_str(", scaled initial weights")?,
        }
        write!(f, ", seed {seed}, blocks of {}", options.block)
    }
}

/// The first and the last learning rate of [`Recipe::fast`]: 0.02 and 0.0005 for pixels from 0 to 1.
const FAST_ALPHAS: [f32; 2] = [7.8e-5, 2e-6];

/// The first and the last learning rate of [`Recipe::best`]: 0.017 and 0.0002 for pixels from 0 to 1.
const BEST_ALPHAS: [f32; 2] = [6.5e-5, 8e-7];

/// Whole numbers in an order that a seed stands for.
pub(crate) struct Order {
    numbers: Vec<u32>,
    random: StarStar,
}

impl Order {
    pub(crate) fn new(len: usize, seed: u64) -> Self {
        // Data sets have fewer than 2³² images.
        let numbers = (0..u32::try_from(len).unwrap_or(u32::MAX)).collect();
        Self { numbers, random: StarStar::new(seed ^ SHUFFLE) }
    }

    /// Another order (Fisher and Yates).
    pub(crate) fn shuffle(&mut self) -> &[u32] {
        let len = self.numbers.len() as u64;
        for (last, below) in (1..len).rev().zip((2..=len).rev()) {
            let other = self.random.below(below);
            #[expect(clippy::cast_possible_truncation, reason = "below the length")]
            self.numbers.swap(last as usize, other as usize);
        }
        &self.numbers
    }
}

/// Keeps the order of samples from depending on the same random numbers as the initial weights.
const SHUFFLE: u64 = 0x5348_5546_464C_4521;

/// An event of a training run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Progress within an epoch.
    Samples {
        /// The epoch, counted from 1.
        epoch: u32,
        /// The number of samples done in this epoch.
        done: usize,
        /// The sum of their losses, each before its step.
        loss_sum: f64,
    },
    /// A test within the first epoch, if [`Recipe::tests_within_first`] asks for it.
    Test {
        /// The number of samples done.
        done: usize,
        /// The evaluation on the test set.
        test: Evaluation,
    },
    /// The end of an epoch.
    Epoch(Epoch),
}

/// The result of one epoch.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// The epoch, counted from 1.
    pub number: u32,
    /// The loss of the last sample, before its step.
    pub last_loss: f32,
    /// The mean loss over all samples, each before its step.
    pub mean_loss: f64,
    /// The evaluation on the test set after the epoch.
    pub test: Evaluation,
    /// The training time, without the evaluation.
    pub time: Duration,
    /// The number of samples trained on.
    pub samples: usize,
}

impl Epoch {
    /// The training time of a sample, in microseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count of samples is far below 2⁵²")]
    pub fn micros_per_sample(&self) -> f64 {
        self.time.as_secs_f64() * 1e6 / self.samples.max(1) as f64
    }
}

/// A trained network.
#[derive(Debug)]
pub struct Trained {
    /// The weights.
    pub weights: OwnedWeights,
    /// The evaluation on the test set.
    pub test: Evaluation,
}

/// The shape of the network that a recipe trains on a data set.
///
/// # Errors
///
/// If a size is out of range, or images to be halved have an odd side.
pub fn shape(dataset: &Dataset, recipe: &Recipe) -> Result<Shape, TrainingError> {
    let (pixels, hidden, classes) = (dataset.train.pixels(), recipe.hidden, dataset.train.classes());
    if !recipe.halve {
        return Ok(Shape::new(pixels, hidden, classes)?);
    }
    let side = || u16::try_from(pixels.isqrt()).unwrap_or_default();
    let image = dataset.train.image_size().unwrap_or_else(|| [side(); 2]);
    Ok(Shape::new((pixels / 4).max(1), hidden, classes)?.with_halved_images(image)?)
}

/// Trains a network from random initial weights, and calls `report` during and after every epoch.
///
/// # Errors
///
/// If a setting is out of range, memory runs out, training diverges, or after an epoch no hidden unit is active any more.
pub fn train(
    dataset: &Dataset,
    recipe: &Recipe,
    mut report: impl FnMut(Event) + Send,
) -> Result<Trained, TrainingError> {
    let shape = shape(dataset, recipe)?;
    let TrainOptions { block, backend, .. } = recipe.options;
    let mut weights = OwnedWeights::zeros(shape)?;
    match recipe.init {
        Init::Uniform(scale) => fill_initial(&mut weights.view_mut(), recipe.seed, scale),
        Init::Scaled => fill_scaled(&mut weights.view_mut(), recipe.seed),
    }
    let mut scratch = PageBuffer::zeros(Trainer::scratch_len(shape, block))?;
    let threads = Threads::new(recipe.threads);

    let labels = dataset.train.labels();
    let labels = recipe.limit.and_then(|limit| labels.get(..limit)).unwrap_or(labels);
    let images = &dataset.train.images()[..labels.len() * shape.pixels()];
    let mut trainer = Trainer::new(weights.view_mut(), &mut scratch, recipe.options)?;
    let test = |trainer: &Trainer<'_>| evaluate(&Network::new(trainer.weights(), backend), &dataset.test, &threads);
    let mut order = recipe.shuffle.then(|| Order::new(labels.len(), recipe.seed));
    // As the article has it, an epoch is one piece.
    let copied = recipe.shuffle || recipe.distortion.is_some();
    let by_pieces = copied || recipe.alpha_to.is_some();
    let total = labels.len() * recipe.epochs as usize;
    let source = Source::new(&dataset.train, labels, shape, recipe.seed, recipe.distortion);
    let (mut piece, mut next_piece) = (Piece::default(), Piece::default());
    let mut last = None;
    for number in 1..=recipe.epochs {
        let (start, mut testing) = (Instant::now(), Duration::ZERO);
        let tests_within = recipe.tests_within_first && number == 1;
        let len = if by_pieces || tests_within { block * BLOCKS_PER_RATE } else { labels.len().max(1) };
        let order = order.as_mut().map(Order::shuffle);
        let range = |first: usize| first..labels.len().min(first + len);
        let prepare = |piece: &mut Piece, first: usize| piece.fill(source, number, order, range(first));
        if copied {
            prepare(&mut piece, 0);
        }
        let mut loss = Loss::default();
        for first in (0..labels.len()).step_by(len) {
            let alpha = recipe.alpha(labels.len() * (number as usize - 1) + first, total);
            trainer.set_alpha(alpha)?;
            let before = loss;
            let progress = |done, of_piece: Loss| {
                let (done, sum) = (first + done, before.sum + of_piece.sum);
                if done % (block * BLOCKS_PER_REPORT) == 0 || done == labels.len() {
                    report(Event::Samples { epoch: number, done, loss_sum: sum });
                }
                if sum.is_finite() {
                    Ok(())
                } else {
                    Err(TrainingError::Diverged { epoch: number, sample: done, alpha })
                }
            };
            loss.add(if copied {
                // The next piece is made meanwhile.
                let Piece { images, labels } = &piece;
                let train = || threads.train(&mut trainer, images, labels, progress);
                threads.both(train, || prepare(&mut next_piece, first + len))?
            } else {
                let Range { start, end } = range(first);
                let images = &images[start * shape.pixels()..end * shape.pixels()];
                threads.train(&mut trainer, images, &labels[start..end], progress)?
            });
            core::mem::swap(&mut piece, &mut next_piece);
            let done = first + len;
            if tests_within && done < labels.len() {
                let since = Instant::now();
                report(Event::Test { done, test: test(&trainer)? });
                testing += since.elapsed();
            }
        }
        let time = start.elapsed().saturating_sub(testing);
        // The loss does not cover the last step.
        if trainer.weights().not_finite().is_some() {
            let alpha = recipe.alpha(total, total);
            return Err(TrainingError::Diverged { epoch: number, sample: labels.len(), alpha });
        }
        let evaluation = test(&trainer)?;
        if evaluation.is_dead() {
            return Err(TrainingError::Dead { epoch: number, alpha: recipe.options.alpha });
        }
        last = Some(evaluation.clone());
        report(Event::Epoch(Epoch {
            number,
            last_loss: loss.last,
            mean_loss: mean(loss, labels.len()),
            test: evaluation,
            time,
            samples: labels.len(),
        }));
    }
    let test = last.map_or_else(|| test(&trainer), Ok)?;
    Ok(Trained { weights, test })
}

/// The samples to train on, and what becomes of their images.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    images: &'a [u8],
    labels: &'a [u8],
    shape: Shape,
    /// The columns of an image.
    width: NonZeroUsize,
    seed: u64,
    distortion: Option<Distortion>,
    /// Whether images become the inputs of an integer network: halved where the shape says so, and turned to levels.
    levels: bool,
}

impl<'a> Source<'a> {
    /// The first images of a set, as many as there are labels.
    pub(crate) fn new(set: &'a Set, labels: &'a [u8], shape: Shape, seed: u64, distortion: Option<Distortion>) -> Self {
        let images = &set.images()[..labels.len() * shape.pixels()];
        let width = NonZeroUsize::new(set.width()).unwrap_or(NonZeroUsize::MIN);
        Self { images, labels, shape, width, seed, distortion, levels: false }
    }

    /// The same, with the inputs of an integer network for pixels: those of halved images, in levels.
    pub(crate) fn in_levels(self) -> Self {
        Self { levels: true, ..self }
    }
}

/// Part of an epoch: samples in their order, with their images distorted or as an integer network has them.
#[derive(Default)]
pub(crate) struct Piece {
    pub(crate) images: Vec<u8>,
    pub(crate) labels: Vec<u8>,
}

impl Piece {
    /// The samples of a range of the order. Each image's distortion depends on the seed, the epoch and its number only.
    pub(crate) fn fill(&mut self, source: Source<'_>, epoch: u32, order: Option<&[u32]>, range: Range<usize>) {
        let Source { images, labels, shape, width, seed, distortion, levels } = source;
        let (pixels, inputs) = (shape.pixels(), if levels { shape.inputs() } else { shape.pixels() });
        if range.is_empty() {
            return;
        }
        let number = |place: usize| order.map_or(place, |order| order[place] as usize);
        self.labels.clear();
        self.labels.extend(range.clone().map(|place| labels[number(place)]));
        self.images.resize(range.len() * inputs, 0);
        let some =
            self.images.par_chunks_mut(IMAGES_PER_TASK * inputs).zip(range.into_par_iter().step_by(IMAGES_PER_TASK));
        some.for_each(|(copies, first)| {
            let (mut scratch, mut distorted) = (Vec::new(), Vec::new());
            if distortion.is_some() {
                scratch.resize(Distortion::scratch_len(width.get(), pixels / width), 0);
                distorted.resize(pixels, 0);
            }
            for (copy, place) in copies.chunks_exact_mut(inputs).zip(first..) {
                let number = number(place);
                let mut image = &images[number * pixels..][..pixels];
                if let Some(by) = distortion {
                    let seed = seed.wrapping_mul(DISTORT) ^ (u64::from(epoch) << 32 | number as u64);
                    let done = by.apply(image, width, seed, &mut scratch, &mut distorted);
                    // Images that are not whole rows of their width cannot be: that was how the width was found.
                    debug_assert!(done.is_ok(), "{done:?}");
                    image = &distorted;
                }
                match shape.halved_image().filter(|_| levels) {
                    None => copy.copy_from_slice(image),
                    Some([width, _]) => halve_rows(image, width.into(), copy),
                }
                if levels {
                    for pixel in copy {
                        *pixel = level(*pixel).to_le_bytes()[0];
                    }
                }
            }
        });
    }
}

/// Images that one thread prepares at a time.
const IMAGES_PER_TASK: usize = 8;
/// Keeps the distortions of one seed from those of the next.
const DISTORT: u64 = 0x9E37_79B9_7F4A_7C15;
