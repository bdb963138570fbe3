//! Trains a quantised network further (quantisation-aware training): finds weights that work well when they are rounded.
//!
//! The network is trained with its rounded first layer, on images in the levels that an integer network sees. After every block,
//! the steps are added to a copy of the weights that is not rounded, and the copy is rounded again: the gradient passes straight
//! through the rounding (Courbariaux, Bengio and David, 2015). The second layer is trained in f32 and quantised at the end, by
//! least squares on the outputs, which also compensates for the rounding of the hidden layer.
//!
//! An epoch takes about two and a half times as long as one of the f32 network.

use super::QuantizeError;
use super::quantize::{fit, fit_second_to};
use crate::host::data::Set;
use crate::host::files::{OwnedWeights, PageBuffer, Quantized};
use crate::host::train::{Epochs, Samples, Shuffled, Threads, mean, teachers};
use crate::image::Distortion;
use crate::int::Bits;
use crate::net::{LearningRates, PANEL, TrainError, TrainOptions, Trainer, Weights, Workers, panels_mut};
use crate::simd::Backend;
use core::fmt;
use core::num::NonZeroUsize;

/// Settings of [`tune`]. The loss is the one that the network was trained with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// The number of passes over the training set, which is shuffled for each.
    pub epochs: u32,
    /// How far each image is distorted, if at all. The distortion is redrawn in every epoch.
    pub distortion: Option<Distortion>,
    /// The learning rate at the start and at the end, between which it moves linearly; for pixels 0 to 255.
    pub alphas: [f32; 2],
    /// The seed of the order of samples and of the distortions.
    pub seed: u64,
    /// The SIMD tier; the result does not depend on it.
    pub backend: Backend,
    /// The number of threads; the result does not depend on it.
    pub threads: NonZeroUsize,
}

impl Tuning {
    /// The default settings, for this many epochs.
    #[must_use]
    pub fn new(epochs: u32) -> Self {
        Self {
            epochs,
            distortion: Some(Distortion { percent: 60, hands: 0 }),
            alphas: [2e-5, 4e-7],
            seed: 1,
            backend: Backend::detect(),
            threads: Threads::available(),
        }
    }
}

impl fmt::Display for Tuning {
    /// What the weights depend on, such as `60 epochs, distorted by 60 %, learning rate 2e-5 to 4e-7, seed 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epochs, distortion, alphas: [from, to], seed, .. } = self;
        write!(f, "{epochs} epoch{}", if *epochs == 1 { "" } else { "s" })?;
        if let Some(distortion) = distortion {
            write!(f, ", {distortion}")?;
        }
        write!(f, ", learning rate {from:e} to {to:e}, seed {seed}")
    }
}

/// As levels, pixels have one 64th of their range, and hidden units have one eighth of theirs. Then one rate suits both layers, as
/// before: 64 times the rate for pixels.
const LEVEL: f32 = 64.0;
const HIDDEN: f32 = 8.0;
/// Samples from one rounding to the next.
const BLOCK: usize = TrainOptions::BLOCK;

/// Quantises a network as [`quantize`](super::quantize) does, with the first `images` images of `set`, and trains it on all
/// of `set`, which should be a training set: towards the labels and, if there are some, the softened outputs of `teachers`, as
/// [`train_from`](crate::host::training::train_from) does. `report` gets the number of the epoch, counted from 1, and the mean loss.
///
/// ```
/// use twolayer::Bits;
/// use twolayer::host::dataset::{Dataset, Digits};
/// use twolayer::host::training::{Recipe, train};
/// use twolayer::host::{QUANTIZE_IMAGES, Tuning, tune};
/// # fn main() -> Result<(), twolayer::host::Error> {
/// let digits = Dataset::generate(Digits { seed: 1, train: 500, test: 100 }, &mut |_| ())?;
/// let trained = train(&digits, &Recipe { epochs: 1, hidden: 16, ..Recipe::fast() }, |_| ())?;
/// let (weights, mut losses) = (trained.weights.view(), Vec::new());
/// let tuned = tune(weights, Bits::Four, &digits.train, QUANTIZE_IMAGES, &Tuning::new(2), &[], |_, loss| losses.push(loss))?;
/// assert_eq!((tuned.bits(), losses.len()), (Bits::Four, 2));
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// Those of [`quantize`](super::quantize); [`QuantizeError::Training`] if the network has biases, a setting is out of range,
/// a teacher does not fit the network, memory runs out, or training diverges.
pub fn tune(
    weights: Weights<'_>,
    bits: Bits,
    set: &Set,
    images: usize,
    tuning: &Tuning,
    teachers: &[Weights<'_>],
    mut report: impl FnMut(u32, f64),
) -> Result<Quantized, QuantizeError> {
    let shape = weights.shape();
    set.check(shape)?;
    if shape.has_biases() {
        return Err(QuantizeError::Biases);
    }
    let teachers = self::teachers(teachers, shape, tuning.backend)?;
    let labels = set.labels();
    let sample = &labels[..images.min(labels.len())];
    let sample_images = &set.images()[..sample.len() * shape.pixels()];
    let fitted = fit(weights, bits, sample_images, sample)?;
    let mut quantized = fitted.quantized;

    // Trained on levels, which are those of inputs.
    let of_levels = shape.for_inputs();
    let mut rounded = OwnedWeights::zeros(of_levels)?;
    let mut grid = Grid::new(&quantized, &fitted.activations);
    let mut view = rounded.view_mut();
    view.parts_mut().w1.copy_from_slice(&grid.weights);
    for (unit, activation) in fitted.activations.iter().enumerate() {
        for output in 0..shape.outputs() {
            let weight = f64::from(quantized.second(unit, output)) * fitted.outputs / activation;
            if let Some(w) = view.w2_mut(unit, output) {
                *w = to_f32(weight) * HIDDEN;
            }
        }
    }

    let options = TrainOptions { alpha: LEVEL, block: BLOCK, backend: tuning.backend, loss: fitted.loss };
    let mut scratch = PageBuffer::zeros(Trainer::scratch_len(of_levels, BLOCK))?;
    let threads = Threads::new(tuning.threads);
    // The grid's weights are not short, and steps that are lost to rounding would not add up.
    let mut trainer = Trainer::unrounded(view, &mut scratch, options)?;
    let [from, to] = tuning.alphas;
    let mut epochs = Epochs {
        samples: Samples::new(set, labels, shape, tuning.seed, tuning.distortion).in_levels().taught_by(&teachers),
        order: Some(Shuffled::new(labels.len(), tuning.seed)),
        rates: LearningRates { from, to },
        count: tuning.epochs,
    };
    for number in 1..=tuning.epochs {
        let loss = epochs.train(number, BLOCK * LearningRates::BLOCKS, &mut trainer, &threads, |trainer, piece| {
            trainer.set_alpha(LEVEL * piece.alpha)?;
            let mut loss = piece.before;
            let targets = piece.targets.blocks(NonZeroUsize::MIN.saturating_add(BLOCK - 1), shape.rows().1);
            for (images, targets) in piece.images.chunks(BLOCK * shape.inputs()).zip(targets) {
                loss = loss.and(threads.train_towards(trainer, images, targets, |_, _| Ok::<(), TrainError>(()))?);
                grid.round(trainer.first_mut(), &threads);
            }
            piece.check(piece.targets.labels.len(), loss)?;
            Ok(loss)
        })?;
        report(number, mean(loss, labels.len()));
    }
    grid.write(&mut quantized);
    let second = fitted.activations.iter().enumerate().flat_map(|(unit, activation)| {
        let weights = trainer.weights();
        (0..shape.outputs())
            .map(move |output| f64::from(weights.w2(unit, output).unwrap_or_default() / HIDDEN) * activation)
    });
    Ok(fit_second_to(second.collect(), sample_images, quantized))
}

/// The first layer before rounding, and the grid that it is rounded to.
struct Grid {
    /// As [`Shape`](crate::Shape) says.
    weights: Vec<f32>,
    /// For each hidden unit as it is stored, what an integer weight of 1 is.
    steps: Vec<f32>,
    /// `1 / steps`
    inverses: Vec<f32>,
    /// The least and the largest integer.
    range: [f32; 2],
    inputs: NonZeroUsize,
}

impl Grid {
    fn new(quantized: &Quantized, activations: &[f64]) -> Self {
        let shape = quantized.shape();
        let shift = quantized.payload()[0];
        let unit = f64::from(1_u32 << shift) * f64::from(HIDDEN);
        let mut steps: Vec<f32> = activations.iter().map(|activation| to_f32(activation / unit)).collect();
        steps.resize(shape.hidden_padded(), 1.0);
        let mut weights = vec![0.0; shape.w1_len()];
        for (input, unit) in places(quantized) {
            if let Some(place) = shape.w1_index(input, unit) {
                weights[place] = to_f32(quantized.first(input, unit).into()) * steps[unit];
            }
        }
        let bias = f32::from(quantized.bits().bias());
        let inverses = steps.iter().map(|step| 1.0 / step).collect();
        Self { weights, steps, inverses, range: [-bias, bias - 1.0], inputs: shape.rows().0 }
    }

    /// Adds to the weights what `trained` has moved from where they were rounded to, and rounds them again, to `trained`.
    fn round(&mut self, trained: &mut [f32], threads: &Threads) {
        let Self { weights, steps, inverses, inputs, .. } = self;
        let range = self.range;
        let panels = panels_mut(weights, *inputs).zip(panels_mut(trained, *inputs));
        let panels = panels.zip(steps.chunks(PANEL).zip(inverses.chunks(PANEL)));
        threads.each(panels, |((weights, trained), (steps, inverses))| {
            let rows = weights.chunks_exact_mut(steps.len()).zip(trained.chunks_exact_mut(steps.len()));
            rows.for_each(|(weights, trained)| round_row(range, steps, inverses, weights, trained));
        });
    }

    /// Writes the integers.
    fn write(&self, quantized: &mut Quantized) {
        let [low, high] = self.range;
        for (input, unit) in places(quantized) {
            if let Some(place) = quantized.shape().w1_index(input, unit) {
                let weight = nearest(self.weights[place] * self.inverses[unit], low, high);
                #[expect(clippy::cast_possible_truncation, reason = "whole, and in the range")]
                quantized.set_first(input, unit, weight as i32);
            }
        }
    }
}

/// Every input with every hidden unit.
fn places(quantized: &Quantized) -> impl Iterator<Item = (usize, usize)> + use<> {
    let (inputs, hidden) = (quantized.shape().inputs(), quantized.shape().hidden());
    (0..inputs).flat_map(move |input| (0..hidden).map(move |unit| (input, unit)))
}

/// One input's weights.
fn round_row([low, high]: [f32; 2], steps: &[f32], inverses: &[f32], weights: &mut [f32], trained: &mut [f32]) {
    for ((weight, trained), (step, inverse)) in weights.iter_mut().zip(trained).zip(steps.iter().zip(inverses)) {
        let before = nearest(*weight * inverse, low, high) * step;
        // No farther than the end of the range's last step, so that it finds the way back.
        *weight = (*weight + (*trained - before)).clamp((low - 0.5) * step, (high + 0.5) * step);
        *trained = nearest(*weight * inverse, low, high) * step;
    }
}

/// The nearest whole number in a range below 2²²; halves go to the even one.
fn nearest(number: f32, low: f32, high: f32) -> f32 {
    // Where a unit in the last place is 1.
    const WHOLE: f32 = 12_582_912.0;
    (number.clamp(low, high) + WHOLE) - WHOLE
}

#[expect(clippy::cast_possible_truncation, reason = "a rate, a weight or a count of samples need not be exact")]
fn to_f32(number: f64) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps add up where rounding swallows each of them, and the range's ends hold.
    #[test]
    fn small_steps_add_up() {
        let (step, range) = (0.25, [-8.0, 7.0]);
        for (start, move_by, times) in [(0.1, 0.01, 60), (-1.9, -0.07, 40), (1.7, 0.2, 9), (-0.3, 0.0, 5)] {
            let (mut weight, mut trained) = ([start], [nearest(start / step, range[0], range[1]) * step]);
            for time in 1..=times {
                trained[0] += move_by;
                round_row(range, &[step], &[1.0 / step], &mut weight, &mut trained);
                let ends = ((range[0] - 0.5) * step, (range[1] + 0.5) * step);
                let expected =
                    (f64::from(start) + f64::from(move_by) * f64::from(time)).clamp(ends.0.into(), ends.1.into());
                assert!((f64::from(weight[0]) - expected).abs() < 1e-4, "{start} + {time} × {move_by}: {}", weight[0]);
                let rounded = f64::from(trained[0] / step);
                assert!(rounded.fract().abs() < 1e-9 && (-8.0..=7.0).contains(&rounded), "{rounded}");
                assert!((rounded - expected / f64::from(step)).abs() < 0.5 + 1e-3, "{rounded}, {expected}");
            }
        }
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        for number in -1300..1300_i16 {
            let number = f32::from(number) / 100.0;
            let expected = number.clamp(-8.0, 7.0).round_ties_even();
            assert_eq!(nearest(number, -8.0, 7.0).to_bits(), (expected + 0.0).to_bits(), "{number}");
        }
    }
}
