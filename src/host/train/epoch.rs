//! An epoch, for training and tuning: samples in their order, piece by piece, each with its learning rate. While one piece is
//! trained on, the next one is made, if its images must be changed.

use super::evaluation::BATCH;
use super::{Threads, TrainingError, ensemble};
use crate::base::to_f64;
use crate::host::data::Set;
use crate::image::{Distortion, SIDE, redraw};
use crate::int::level;
use crate::net::{LearningRates, Loss, Network, SampleOrder, Shape, Targets, Trainer, network_input};
use core::mem;
use core::num::NonZeroUsize;
use core::ops::Range;

/// Images that one thread prepares at a time.
const IMAGES_PER_TASK: usize = 8;

/// The samples of a run, and how each epoch goes through them.
pub(crate) struct Epochs<'a> {
    pub(crate) samples: Samples<'a>,
    /// The order, if it is another one in each epoch.
    pub(crate) order: Option<Shuffled>,
    pub(crate) rates: LearningRates,
    /// The number of epochs.
    pub(crate) count: u32,
}

/// Part of an epoch: its samples in their order, as the network takes them.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) images: &'a [u8],
    pub(crate) targets: Targets<'a>,
    /// The number of samples of this epoch before it.
    pub(crate) first: usize,
    /// Its learning rate.
    pub(crate) alpha: f32,
    /// The loss of this epoch before it.
    pub(crate) before: Loss,
    epoch: u32,
}

impl Piece<'_> {
    /// Checks the loss after so many samples of the piece.
    pub(crate) fn check(&self, done: usize, loss: Loss) -> Result<(), TrainingError> {
        let &Self { epoch, first, alpha, .. } = self;
        if loss.sum.is_finite() { Ok(()) } else { Err(TrainingError::Diverged { epoch, sample: first + done, alpha }) }
    }
}

impl Epochs<'_> {
    /// Trains one epoch, counted from 1, in pieces of `len` samples: `train` gets each of them and returns the loss of the epoch
    /// so far. Returns that of the whole epoch.
    pub(crate) fn train(
        &mut self,
        epoch: u32,
        len: usize,
        trainer: &mut Trainer<'_>,
        threads: &Threads,
        mut train: impl FnMut(&mut Trainer<'_>, Piece<'_>) -> Result<Loss, TrainingError> + Send,
    ) -> Result<Loss, TrainingError> {
        let Self { samples, rates, count, .. } = *self;
        let order = self.order.as_mut().map(Shuffled::shuffle);
        let all = samples.labels.len();
        let changed = order.is_some() || samples.are_changed();
        let range = |first: usize| first..all.min(first.saturating_add(len));
        let (mut copies, mut next_copies) = (Copies::default(), Copies::default());
        if changed {
            threads.beside(|| (), copies.tasks(samples, epoch, order, range(0)));
        }
        let (mut loss, mut alpha) = (Loss::default(), rates.from);
        for first in (0..all).step_by(len) {
            alpha = rates.after(all * (epoch as usize - 1) + first, all * count as usize);
            let before = loss;
            if changed {
                let Copies { images, inputs, labels, soft } = &copies;
                let (images, targets) =
                    (if samples.makes_inputs() { inputs } else { images }, Targets { labels, soft });
                let piece = Piece { images, targets, first, alpha, before, epoch };
                let tasks = next_copies.tasks(samples, epoch, order, range(first + len));
                let mut done = Ok(loss);
                threads.beside(|| done = train(trainer, piece), tasks);
                loss = done?;
                mem::swap(&mut copies, &mut next_copies);
            } else {
                let (images, labels) = samples.part(range(first));
                let targets = Targets::of_labels(labels);
                loss = train(trainer, Piece { images, targets, first, alpha, before, epoch })?;
            }
        }
        // The loss does not cover the last step.
        if trainer.weights().not_finite().is_some() {
            return Err(TrainingError::Diverged { epoch, sample: all, alpha });
        }
        Ok(loss)
    }
}

/// The mean loss of `samples` samples.
pub(crate) fn mean(loss: Loss, samples: usize) -> f64 {
    loss.sum / to_f64(samples.max(1))
}

/// The numbers of samples in an [`SampleOrder`].
pub(crate) struct Shuffled {
    numbers: Vec<u32>,
    order: SampleOrder,
}

impl Shuffled {
    pub(crate) fn new(len: usize, seed: u64) -> Self {
        // Data sets have fewer than 2³² images.
        let numbers = (0..u32::try_from(len).unwrap_or(u32::MAX)).collect();
        Self { numbers, order: SampleOrder::new(seed) }
    }

    /// As after so many epochs.
    pub(super) fn after(mut self, epochs: u32) -> Self {
        for _ in 0..epochs {
            self.shuffle();
        }
        self
    }

    /// Another order.
    fn shuffle(&mut self) -> &[u32] {
        self.order.shuffle(&mut self.numbers);
        &self.numbers
    }
}

/// The samples to train on, and what becomes of their images.
#[derive(Clone, Copy)]
pub(crate) struct Samples<'a> {
    images: &'a [u8],
    labels: &'a [u8],
    shape: Shape,
    /// The columns of an image.
    width: NonZeroUsize,
    seed: u64,
    distortion: Option<Distortion>,
    /// Whether images are digits, of which others can be drawn.
    redraws: bool,
    /// Whether inputs become those of an integer network: levels.
    levels: bool,
    /// Networks that say what the outputs should be, beside the labels.
    teachers: &'a [Network<'a>],
}

impl<'a> Samples<'a> {
    /// The first images of a set, as many as there are labels.
    pub(crate) fn new(set: &'a Set, labels: &'a [u8], shape: Shape, seed: u64, distortion: Option<Distortion>) -> Self {
        let images = &set.images()[..labels.len() * shape.pixels()];
        let width = NonZeroUsize::new(set.width()).unwrap_or(NonZeroUsize::MIN);
        let redraws = set.are_digits() && shape.pixels() == SIDE * SIDE && width.get() == SIDE;
        Self { images, labels, shape, width, seed, distortion, redraws, levels: false, teachers: &[] }
    }

    /// The same, for an integer network, whose inputs are levels.
    pub(crate) fn in_levels(self) -> Self {
        Self { levels: true, ..self }
    }

    /// The same, with teachers.
    pub(crate) fn taught_by(self, teachers: &'a [Network<'a>]) -> Self {
        Self { teachers, ..self }
    }

    /// Whether images, or their targets, are not trained on as they lie in the set.
    pub(super) fn are_changed(&self) -> bool {
        self.distortion.is_some() || self.makes_inputs() || !self.teachers.is_empty()
    }

    /// Whether inputs are not the pixels.
    fn makes_inputs(&self) -> bool {
        self.levels || self.shape.prepared_image().is_some()
    }

    /// Some of the samples, as they lie in the set.
    fn part(&self, range: Range<usize>) -> (&'a [u8], &'a [u8]) {
        let pixels = self.shape.pixels();
        (&self.images[range.start * pixels..range.end * pixels], &self.labels[range])
    }
}

/// Copies of samples, with their images distorted, and what is made of them.
#[derive(Default)]
struct Copies {
    images: Vec<u8>,
    /// The inputs, if they are not the pixels.
    inputs: Vec<u8>,
    labels: Vec<u8>,
    /// `[samples][outputs]`: the targets, if there are teachers.
    soft: Vec<f32>,
}

impl Copies {
    /// What makes the samples of a range of the order, in parts. Each image's distortion depends on the seed, the epoch and its number
    /// only.
    fn tasks<'t>(
        &'t mut self,
        samples: Samples<'t>,
        epoch: u32,
        order: Option<&'t [u32]>,
        range: Range<usize>,
    ) -> impl Iterator<Item = impl FnOnce() + Send + use<'t>> + use<'t> {
        let Samples { shape, teachers, .. } = samples;
        let Self { images, inputs, labels, soft } = self;
        let number = move |place: usize| order.map_or(place, |order| order[place] as usize);
        labels.clear();
        labels.extend(range.clone().map(|place| samples.labels[number(place)]));
        images.resize(range.len() * shape.pixels(), 0);
        inputs.resize(if samples.makes_inputs() { range.len() * shape.inputs() } else { 0 }, 0);
        soft.resize(if teachers.is_empty() { 0 } else { range.len() * shape.outputs() }, 0.0);
        let len = if teachers.is_empty() { IMAGES_PER_TASK } else { BATCH };
        let parts = images.chunks_mut(len * shape.pixels()).zip(labels.chunks(len)).zip(range.step_by(len));
        let (mut inputs, mut soft) = (inputs.chunks_mut(len * shape.inputs()), soft.chunks_mut(len * shape.outputs()));
        parts.map(move |((images, labels), first)| {
            let (inputs, soft) = (inputs.next().unwrap_or_default(), soft.next().unwrap_or_default());
            move || {
                samples.copy(epoch, (first..).map(number), images);
                ensemble::targets(teachers, images, labels, soft);
                samples.fill_inputs(images, inputs);
            }
        })
    }
}

impl Samples<'_> {
    /// Writes the images of some numbers, one after the other, distorted.
    fn copy(self, epoch: u32, numbers: impl Iterator<Item = usize>, copies: &mut [u8]) {
        let Self { images, labels, shape, width, seed, distortion, redraws, .. } = self;
        let pixels = shape.pixels();
        let mut scratch = Vec::new();
        if distortion.is_some() {
            scratch.resize(Distortion::scratch_len(width.get(), pixels / width), 0);
        }
        for (copy, number) in copies.chunks_exact_mut(pixels).zip(numbers) {
            let image = &images[number * pixels..][..pixels];
            let Some(by) = distortion else {
                copy.copy_from_slice(image);
                continue;
            };
            let seed = Distortion::seed(seed, epoch, number as u64);
            let drawn = (redraws && by.redraws(seed)).then(|| redraw(labels[number], seed));
            let image = drawn.as_ref().map_or(image, |drawn| drawn);
            let done = by.apply(image, width, seed, &mut scratch, copy);
            // Images that are not whole rows of their width cannot be: that was how the width was found.
            debug_assert!(done.is_ok(), "{done:?}");
        }
    }

    /// Makes inputs of images, if they are not their pixels.
    fn fill_inputs(self, images: &[u8], inputs: &mut [u8]) {
        if self.shape.prepared_image().is_some() {
            network_input(&self.shape, images, inputs);
        } else if self.levels {
            inputs.copy_from_slice(images);
        }
        if self.levels {
            for input in inputs {
                *input = level(*input).to_le_bytes()[0];
            }
        }
    }
}
