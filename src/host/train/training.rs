//! The training loop: epochs over a data set, with progress reports.

use super::epoch::{Epochs, Samples, Shuffled, mean};
use super::{Evaluation, Threads, TrainingError, evaluate, start};
use crate::base::to_f64;
use crate::host::data::{Dataset, Set};
use crate::host::files::{FileError, OwnedWeights, PageBuffer};
use crate::image::Distortion;
use crate::net::{INIT_SCALE, LearningRates, LossFunction, Network, Shape, TrainOptions, Trainer, Weights};
use core::fmt;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::time::Instant;

/// The number of blocks between two progress reports.
const BLOCKS_PER_REPORT: usize = 8;

/// The initial weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Uniform from 0 to this: see [`fill_initial`](crate::fill_initial).
    Uniform(f32),
    /// Around zero, in proportion to the sizes of the layers: see [`fill_scaled`](crate::fill_scaled).
    Scaled,
}

/// The settings of a training run. The defaults are those of the article.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option by itself")]
pub struct Recipe {
    /// The number of passes over the training set.
    pub epochs: u32,
    /// The number of hidden units.
    pub hidden: usize,
    /// The seed of the initial weights, and of the order of samples if they are shuffled.
    pub seed: u64,
    /// The initial weights.
    pub init: Init,
    /// Whether samples are shuffled in every epoch.
    pub shuffle: bool,
    /// Whether the network takes images [halved](crate::halve) in width and height.
    pub halve: bool,
    /// Whether it takes images [deslanted](crate::deslant), before they are halved.
    pub deslant: bool,
    /// How far each image is distorted, if at all. The distortion is redrawn in every epoch.
    pub distortion: Option<Distortion>,
    /// The learning rate at the end of the run; if set, the rate moves towards it linearly, once in 64 blocks, otherwise it is
    /// constant.
    pub alpha_to: Option<f32>,
    /// If set, only the first `limit` training samples are used.
    pub limit: Option<usize>,
    /// Learning rate (at the start), block size, SIMD tier and loss.
    pub options: TrainOptions,
    /// The number of threads; the result does not depend on it.
    pub threads: NonZeroUsize,
    /// Whether the network is also evaluated during the first epoch, every 64 blocks; the result does not depend on it.
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
            deslant: false,
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
    /// The same network and time as the article's, with cross-entropy, shuffled samples and a falling learning rate: 98.4 % on
    /// MNIST.
    #[must_use]
    pub fn fast() -> Self {
        Self {
            init: Init::Scaled,
            shuffle: true,
            alpha_to: Some(LearningRates::FAST.to),
            options: TrainOptions {
                alpha: LearningRates::FAST.from,
                loss: LossFunction::CrossEntropy,
                ..TrainOptions::default()
            },
            ..Self::default()
        }
    }

    /// More accurate, in little more than twice the time, and better at other people's digits: as [`fast`](Self::fast), with
    /// distorted images and 9 epochs.
    #[must_use]
    pub fn good() -> Self {
        let best = Self::best();
        Self { epochs: 9, distortion: Some(Distortion { percent: 80, hands: 100 }), ..best }
    }

    /// The most accurate: as [`fast`](Self::fast), with distorted images and many epochs.
    #[must_use]
    pub fn best() -> Self {
        let fast = Self::fast();
        Self {
            epochs: 500,
            distortion: Some(Distortion { percent: 100, hands: 100 }),
            alpha_to: Some(LearningRates::BEST.to),
            options: TrainOptions { alpha: LearningRates::BEST.from, ..fast.options },
            ..fast
        }
    }

    /// For a network that [goes on](super::train_from): as [`best`](Self::best), with two epochs and lower rates, so that little of
    /// what it knew is lost.
    #[must_use]
    pub fn further() -> Self {
        let best = Self::best();
        Self {
            epochs: 2,
            distortion: Some(Distortion { percent: 100, hands: 0 }),
            alpha_to: Some(LearningRates::FURTHER.to),
            options: TrainOptions { alpha: LearningRates::FURTHER.from, ..best.options },
            ..best
        }
    }

    /// The samples of an epoch, of so many training images.
    #[must_use]
    pub fn samples(&self, images: usize) -> usize {
        self.limit.map_or(images, |limit| limit.min(images))
    }

    /// What the weights depend on beside those that a run begins with.
    #[must_use]
    pub fn steps(&self) -> impl fmt::Display {
        Words(self, false)
    }

    /// Whether this is the method of the article, with whatever numbers.
    #[must_use]
    pub fn is_article(&self) -> bool {
        let plain = self.options.loss == LossFunction::Squared && !self.shuffle && self.alpha_to.is_none();
        plain && !self.halve && !self.deslant && self.distortion.is_none() && matches!(self.init, Init::Uniform(_))
    }
}

impl fmt::Display for Recipe {
    /// What the weights depend on, such as `cross-entropy, 5 epochs, shuffled, learning rate 7.8e-5 to 2e-6, scaled initial
    /// weights, seed 1, blocks of 64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Words(self, true).fmt(f)
    }
}

/// A recipe in words, with what a run begins with or without.
struct Words<'a>(&'a Recipe, bool);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self(
            Recipe { epochs, seed, init, shuffle, halve, deslant, distortion, alpha_to, limit, options, .. },
            begins,
        ) = self;
        write!(f, "{}, {epochs} epoch{}", options.loss, if *epochs == 1 { "" } else { "s" })?;
        if let Some(limit) = limit {
            write!(f, " of {limit} image{}", if *limit == 1 { "" } else { "s" })?;
        }
        if *shuffle {
            f.write_str(", shuffled")?;
        }
        if let Some(distortion) = distortion {
            write!(f, ", {distortion}")?;
        }
        if *deslant && begins {
            f.write_str(", deslanted")?;
        }
        if *halve && begins {
            f.write_str(", halved")?;
        }
        write!(f, ", learning rate {:e}", options.alpha)?;
        if let Some(to) = alpha_to {
            write!(f, " to {to:e}")?;
        }
        match init {
            _ if !begins => {}
            Init::Uniform(scale) => write!(f, ", initial weights up to {scale:e}")?,
            Init::Scaled => f.write_str(", scaled initial weights")?,
        }
        write!(f, ", seed {seed}, blocks of {}", options.block)
    }
}

/// An event of a training run.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum Event {
    /// Progress within an epoch, counted from 1: the samples done, and the sum of their losses, each before its step.
    Samples { epoch: u32, done: usize, loss_sum: f64 },
    /// An evaluation on the test set during the first epoch, if [`Recipe::tests_within_first`] asks for it, after `done` samples.
    Test { done: usize, test: Evaluation },
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
    pub fn micros_per_sample(&self) -> f64 {
        self.time.as_secs_f64() * 1e6 / to_f64(self.samples.max(1))
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
/// If a size is out of range, images to be halved have an odd side, or images to be deslanted a side of more than 64 pixels.
pub fn shape(dataset: &Dataset, recipe: &Recipe) -> Result<Shape, TrainingError> {
    let (pixels, hidden, classes) = (dataset.train.pixels(), recipe.hidden, dataset.train.classes());
    let side = || u16::try_from(pixels.isqrt()).unwrap_or_default();
    let image = dataset.train.image_size().unwrap_or_else(|| [side(); 2]);
    let shape = if recipe.halve {
        Shape::new((pixels / 4).max(1), hidden, classes)?.with_halved_images(image)?
    } else {
        Shape::new(pixels, hidden, classes)?
    };
    Ok(if recipe.deslant { shape.with_deslanted_images(image)? } else { shape })
}

/// Trains a network from random initial weights, and calls `report` during and after every epoch.
///
/// ```
/// use twolayer::host::dataset::{Dataset, Digits};
/// use twolayer::host::training::{Event, Recipe, train};
/// # fn main() -> Result<(), twolayer::host::Error> {
/// let digits = Dataset::generate(Digits { seed: 1, train: 2000, test: 500 }, &mut |_| ())?;
/// let recipe = Recipe { epochs: 2, hidden: 100, ..Recipe::fast() };
/// let trained = train(&digits, &recipe, |event| {
///     if let Event::Epoch(epoch) = event {
///         println!("epoch {}: {:.1} % right", epoch.number, 100.0 * epoch.test.accuracy());
///     }
/// })?;
/// assert!(trained.test.accuracy() > 0.8);
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// [`TrainingError::Size`] or [`TrainingError::Trainer`] if a setting is out of range, [`TrainingError::File`] if memory runs out,
/// [`TrainingError::Diverged`] if training diverges, [`TrainingError::Dead`] if no hidden unit is active any more after an epoch,
/// [`TrainingError::Blank`] if either is because all pixels that are trained on, or all that are tested, are equal, or the former are 0.
pub fn train(dataset: &Dataset, recipe: &Recipe, report: impl FnMut(Event) + Send) -> Result<Trained, TrainingError> {
    let weights = start::initial_weights(shape(dataset, recipe)?, recipe)?;
    train_from(dataset, recipe, &[], weights, 0, report, |_, _| Ok(()))
}

/// Goes on training from weights of a network's own, such as [`going_on`](super::going_on) gives, after so many of the recipe's epochs:
/// with those that a run had after its first epochs, it ends with the same bits as the run. The sizes are those of the weights;
/// [`Recipe::hidden`], [`Recipe::halve`], [`Recipe::deslant`] and [`Recipe::init`] are of no use here.
///
/// With `teachers`, it learns towards the mean of their softened outputs, which must be logits, as well as the labels: of each image as
/// it is after its distortion. They take whole images, whatever they make of them, and may be of any size.
///
/// `keep` gets the number of the epoch and the weights after each epoch, to write them to a file; its error ends the run.
///
/// # Errors
///
/// Those of [`train`], [`TrainingError::Set`] if the images or labels do not fit the network, [`TrainingError::Unlike`] if a teacher
/// does not, and what `keep` returns.
pub fn train_from(
    dataset: &Dataset,
    recipe: &Recipe,
    teachers: &[Weights<'_>],
    weights: OwnedWeights,
    done: u32,
    report: impl FnMut(Event) + Send,
    keep: impl FnMut(u32, Weights<'_>) -> Result<(), FileError>,
) -> Result<Trained, TrainingError> {
    let samples = recipe.samples(dataset.train.len());
    // No weight would change.
    if let Some((set, level @ 0)) = blank(&dataset.train, samples) {
        return Err(TrainingError::Blank { images: set.images_path().to_owned(), level });
    }
    run(dataset, recipe, teachers, weights, done, report, keep).map_err(|error| explained(error, dataset, samples))
}

/// [`train_from`], whose errors are yet to be explained.
fn run(
    dataset: &Dataset,
    recipe: &Recipe,
    teachers: &[Weights<'_>],
    mut weights: OwnedWeights,
    done: u32,
    mut report: impl FnMut(Event) + Send,
    mut keep: impl FnMut(u32, Weights<'_>) -> Result<(), FileError>,
) -> Result<Trained, TrainingError> {
    let shape = weights.view().shape();
    dataset.train.check(shape)?;
    dataset.test.check(shape)?;
    let TrainOptions { block, backend, .. } = recipe.options;
    let teachers = super::teachers(teachers, shape, backend)?;
    // The threads that distort images make inputs of them too.
    let of_inputs = weights.view_mut().for_inputs();
    let mut scratch = PageBuffer::zeros(Trainer::scratch_len(shape.for_inputs(), block))?;
    let threads = Threads::new(recipe.threads);

    let labels = dataset.train.labels();
    let labels = &labels[..recipe.samples(labels.len())];
    let mut trainer = Trainer::new(of_inputs, &mut scratch, recipe.options)?;
    let test = |trainer: &Trainer<'_>| {
        evaluate(Network::new(trainer.weights().for_images(shape), backend), &dataset.test, &threads)
    };
    let samples = Samples::new(&dataset.train, labels, shape, recipe.seed, recipe.distortion).taught_by(&teachers);
    let order = recipe.shuffle.then(|| Shuffled::new(labels.len(), recipe.seed).after(done));
    let alpha = recipe.options.alpha;
    let rates = LearningRates { from: alpha, to: recipe.alpha_to.unwrap_or(alpha) };
    // As the article has it, an epoch is one piece.
    let in_pieces = recipe.shuffle || recipe.alpha_to.is_some() || samples.are_changed();
    let mut epochs = Epochs { samples, order, rates, count: recipe.epochs };
    let mut last = None;
    // Weights may be so large that the outputs for other images than those that were trained on overflow.
    let diverged = |error, epoch, sample| match error {
        TrainingError::NotFinite => TrainingError::Diverged { epoch, sample, alpha: recipe.options.alpha },
        error => error,
    };
    for number in done.saturating_add(1)..=recipe.epochs {
        let (start, mut testing) = (Instant::now(), Duration::ZERO);
        let tests_within = recipe.tests_within_first && number == 1;
        let len = if in_pieces || tests_within { block * LearningRates::BLOCKS } else { labels.len().max(1) };
        let loss = epochs.train(number, len, &mut trainer, &threads, |trainer, piece| {
            if tests_within && piece.first > 0 {
                let since = Instant::now();
                report(Event::Test {
                    done: piece.first,
                    test: test(trainer).map_err(|error| diverged(error, number, piece.first))?,
                });
                testing += since.elapsed();
            }
            trainer.set_alpha(piece.alpha)?;
            let so_far = |of_piece| piece.before.and(of_piece);
            threads
                .train_towards(trainer, piece.images, piece.targets, |done, of_piece| {
                    let (loss, done_in_epoch) = (so_far(of_piece), piece.first + done);
                    if done_in_epoch % (block * BLOCKS_PER_REPORT) == 0 || done_in_epoch == labels.len() {
                        report(Event::Samples { epoch: number, done: done_in_epoch, loss_sum: loss.sum });
                    }
                    piece.check(done, loss)
                })
                .map(so_far)
        })?;
        let time = start.elapsed().saturating_sub(testing);
        let evaluation = test(&trainer).map_err(|error| diverged(error, number, labels.len()))?;
        if evaluation.is_dead() {
            return Err(TrainingError::Dead { epoch: number, alpha: recipe.options.alpha });
        }
        keep(number, trainer.weights().for_images(shape))?;
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

/// Why training failed: of blank images, the reason is not the rate.
fn explained(error: TrainingError, dataset: &Dataset, samples: usize) -> TrainingError {
    let is_failure = matches!(error, TrainingError::Diverged { .. } | TrainingError::Dead { .. });
    let blank = || blank(&dataset.train, samples).or_else(|| blank(&dataset.test, dataset.test.len()));
    let blank = if is_failure { blank() } else { None };
    blank.map_or(error, |(set, level)| TrainingError::Blank { images: set.images_path().to_owned(), level })
}

/// The set and the level of its first images, if that is the level of all of their pixels.
fn blank(set: &Set, images: usize) -> Option<(&Set, u8)> {
    let mut pixels = set.images().iter().take(images * set.pixels());
    let level = *pixels.next()?;
    pixels.all(|&pixel| pixel == level).then_some((set, level))
}
