//! The training loop: epochs over a data set, reported as they pass.

use super::dataset::Dataset;
use super::{Error, Evaluation, Numbers, crew};
use crate::network::Network;
use crate::sgd::{Errors, Options, Trainer};
use crate::shape::Shape;
use crate::{INIT_SCALE, fill_initial};
use core::num::NonZeroUsize;
use core::time::Duration;
use std::time::Instant;

/// Blocks between two reports of progress.
const BLOCKS_PER_REPORT: usize = 64;

/// What to train and how: the defaults are the article's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Passes over the training set.
    pub epochs: u32,
    /// Hidden units.
    pub hidden: usize,
    /// The seed of the initial weights.
    pub seed: u64,
    /// Initial weights are uniform from 0 to this.
    pub init_scale: f32,
    /// Only so many of the training samples, the first ones.
    pub limit: usize,
    /// Learning rate, block and tier.
    pub options: Options,
    /// Threads that share the work; the result is the same.
    pub threads: NonZeroUsize,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            epochs: 5,
            hidden: Shape::MNIST.hidden(),
            seed: 1,
            init_scale: INIT_SCALE,
            limit: usize::MAX,
            options: Options::default(),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// What happens in a training run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Some samples of an epoch are done.
    Samples {
        /// The epoch, counted from 1.
        epoch: u32,
        /// Samples done in this epoch.
        done: usize,
    },
    /// An epoch is done.
    Epoch(Epoch),
}

/// One epoch's result.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// The epoch, counted from 1.
    pub number: u32,
    /// The error `Σ (y − t)²` of the last sample, under the weights before its step.
    pub last_error: f32,
    /// The mean of all samples' errors, each under the weights before its step.
    pub mean_error: f64,
    /// The network on the test set after the epoch.
    pub test: Evaluation,
    /// The time that training took, without the test.
    pub time: Duration,
    /// The number of samples.
    pub samples: usize,
}

/// A trained network.
#[derive(Debug)]
pub struct Trained {
    /// Its sizes.
    pub shape: Shape,
    /// Its weights, as [`Shape`] says.
    pub weights: Numbers,
    /// The network on the test set.
    pub test: Evaluation,
}

/// The network that a recipe makes for a data set.
///
/// # Errors
///
/// When there is no network of these sizes.
pub fn shape(dataset: &Dataset, recipe: &Recipe) -> Result<Shape, Error> {
    Ok(Shape::new(dataset.train.pixels(), recipe.hidden, dataset.train.classes())?)
}

/// Trains a network and tells `report` of every step.
///
/// # Errors
///
/// When the recipe does not suit the data, memory is short, or the weights diverge.
pub fn train(dataset: &Dataset, recipe: &Recipe, mut report: impl FnMut(Event)) -> Result<Trained, Error> {
    let shape = shape(dataset, recipe)?;
    let Options { block, backend, alpha } = recipe.options;
    let mut weights = Numbers::zeros(shape.weights_len())?;
    fill_initial(shape, &mut weights, recipe.seed, recipe.init_scale);
    let mut scratch = Numbers::zeros(Trainer::scratch_len(shape, block))?;

    let labels = dataset.train.labels();
    let labels = labels.get(..recipe.limit).unwrap_or(labels);
    let images = dataset.train.images().get(..labels.len() * shape.inputs()).unwrap_or_default();
    let mut test = None;
    for number in 1..=recipe.epochs {
        let trainer = Trainer::new(shape, &mut weights, &mut scratch, recipe.options)?;
        let start = Instant::now();
        let errors = crew::train(trainer, images, labels, recipe.threads, |done, errors: Errors| {
            if done % (block * BLOCKS_PER_REPORT) == 0 || done == labels.len() {
                report(Event::Samples { epoch: number, done });
            }
            if errors.sum.is_finite() { Ok(()) } else { Err(Error::Diverged { epoch: number, sample: done, alpha }) }
        })?;
        let time = start.elapsed();
        // The last steps of all: no error was taken after them.
        if !weights.iter().all(|weight| weight.is_finite()) {
            return Err(Error::Diverged { epoch: number, sample: labels.len(), alpha });
        }
        let evaluation = Evaluation::new(&Network::new(shape, &weights, backend)?, &dataset.test)?;
        test = Some(evaluation.clone());
        #[expect(clippy::cast_precision_loss, reason = "a count of samples is far below 2⁵²")]
        let mean_error = errors.sum / labels.len().max(1) as f64;
        report(Event::Epoch(Epoch {
            number,
            last_error: errors.last,
            mean_error,
            test: evaluation,
            time,
            samples: labels.len(),
        }));
    }
    let test = match test {
        Some(test) => test,
        None => Evaluation::new(&Network::new(shape, &weights, backend)?, &dataset.test)?,
    };
    Ok(Trained { shape, weights, test })
}
