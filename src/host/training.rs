//! The training loop: epochs over a data set, with progress reports.

use super::dataset::Dataset;
use super::{Error, Evaluation, OwnedWeights, PageBuffer, Threads, evaluate};
use crate::network::Network;
use crate::sgd::{Loss, TrainOptions, Trainer};
use crate::shape::Shape;
use crate::{INIT_SCALE, fill_initial};
use core::num::NonZeroUsize;
use core::time::Duration;
use std::time::Instant;

/// The number of blocks between two progress reports.
const BLOCKS_PER_REPORT: usize = 64;

/// The settings of a training run. The defaults are those of the article.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// The number of passes over the training set.
    pub epochs: u32,
    /// The number of hidden units.
    pub hidden: usize,
    /// The seed of the initial weights.
    pub seed: u64,
    /// The initial weights are uniform from 0 to this.
    pub init_scale: f32,
    /// If set, only the first `limit` training samples are used.
    pub limit: Option<usize>,
    /// Learning rate, block size and SIMD tier.
    pub options: TrainOptions,
    /// The number of threads; the result does not depend on it.
    pub threads: NonZeroUsize,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            epochs: 5,
            hidden: Shape::MNIST.hidden(),
            seed: 1,
            init_scale: INIT_SCALE,
            limit: None,
            options: TrainOptions::default(),
            threads: Threads::available(),
        }
    }
}

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
    },
    /// The end of an epoch.
    Epoch(Epoch),
}

/// The result of one epoch.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// The epoch, counted from 1.
    pub number: u32,
    /// The loss `Σ (y − t)²` of the last sample, before its step.
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
/// If a size is out of range.
pub fn shape(dataset: &Dataset, recipe: &Recipe) -> Result<Shape, Error> {
    Ok(Shape::new(dataset.train.pixels(), recipe.hidden, dataset.train.classes())?)
}

/// Trains a network from random initial weights, and calls `report` during and after every epoch.
///
/// # Errors
///
/// If a setting is out of range, memory runs out, or training diverges.
pub fn train(dataset: &Dataset, recipe: &Recipe, mut report: impl FnMut(Event) + Send) -> Result<Trained, Error> {
    let shape = shape(dataset, recipe)?;
    let TrainOptions { block, backend, alpha } = recipe.options;
    let mut weights = OwnedWeights::zeros(shape)?;
    fill_initial(&mut weights.view_mut(), recipe.seed, recipe.init_scale);
    let mut scratch = PageBuffer::zeros(Trainer::scratch_len(shape, block))?;
    let threads = Threads::new(recipe.threads);

    let labels = dataset.train.labels();
    let labels = recipe.limit.and_then(|limit| labels.get(..limit)).unwrap_or(labels);
    let images = &dataset.train.images()[..labels.len() * shape.inputs()];
    let mut trainer = Trainer::new(weights.view_mut(), &mut scratch, recipe.options)?;
    let test = |trainer: &Trainer<'_>| evaluate(&Network::new(trainer.weights(), backend), &dataset.test, &threads);
    let mut last = None;
    for number in 1..=recipe.epochs {
        let start = Instant::now();
        let loss = threads.train(&mut trainer, images, labels, |done, loss: Loss| {
            if done % (block * BLOCKS_PER_REPORT) == 0 || done == labels.len() {
                report(Event::Samples { epoch: number, done });
            }
            if loss.sum.is_finite() { Ok(()) } else { Err(Error::Diverged { epoch: number, sample: done, alpha }) }
        })?;
        let time = start.elapsed();
        // The loss does not cover the last step.
        if trainer.weights().not_finite().is_some() {
            return Err(Error::Diverged { epoch: number, sample: labels.len(), alpha });
        }
        let evaluation = test(&trainer)?;
        last = Some(evaluation.clone());
        #[expect(clippy::cast_precision_loss, reason = "a count of samples is far below 2⁵²")]
        let mean_loss = loss.sum / labels.len().max(1) as f64;
        report(Event::Epoch(Epoch {
            number,
            last_loss: loss.last,
            mean_loss,
            test: evaluation,
            time,
            samples: labels.len(),
        }));
    }
    let test = last.map_or_else(|| test(&trainer), Ok)?;
    Ok(Trained { weights, test })
}
