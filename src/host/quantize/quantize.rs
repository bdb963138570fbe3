//! Turns a trained f32 network into the payload of a [`QuantizedNetwork`].
//!
//! Everything is fitted to labelled images, which should be training images: ten thousand are enough. The arithmetic is f64 in a fixed order, `+ − × ÷ √` and rounding only, so the same network and the same
//! images give the same payload on every machine.
//!
//! # First layer
//!
//! With `x` an image's pixels, `v` their levels, `w` a hidden unit's weights: find integers `q` and a scale `c` such that
//! `Σ_images (x·w − c v·q)²` is small. That is least squares with the Gram matrix `Σ v vᵀ`, which all units share. It is
//! solved first in real numbers (the weights fitted to the levels), then in integers, each rounding error compensated by the
//! weights still to be rounded.
//!
//! A unit's scale is the finest at which its weights fit their range (4 bits: the clipping of least error) *and* its
//! largest activation on the images fits a byte after the shift. A bias is one more weight, of a feature that is always 1;
//! its steps can be finer than those of any weight, and it is rounded last, so it compensates for the errors of the others.
//!
//! # Second layer
//!
//! The scales of the hidden units go into the rows of `w2`. Then `w2` is fitted to the targets of training, outputs of 1 for
//! the label and 0 elsewhere, given the integer activations of the quantised hidden layer, and rounded the same
//! way to one common scale. The trained `w2` counts as much as 1000 images.
//!
//! So quantising also trains, in one step of ridge regression, and **a quantised network may well be more accurate than the
//! f32 one**: on MNIST, after the article's recipe, by 0.06 to 0.37 percentage points, for 8 bits as for 4. That is
//! due to the fit, not to the rounding. The fit sees training images only, as training did.
//!
//! A network whose mean loss on the images is that of all-zero outputs or more was not trained towards these targets, but with
//! another loss, such as cross-entropy. Then `w2` is fitted to the f32 network's own outputs.
//!
//! Beyond 4096 hidden units the fit would take minutes and gigabytes; there the trained `w2` is rounded as it is.
//!
//! # Cost
//!
//! About `images · (n₁² + n₂²) / 2 + inputs² · (inputs / 6 + 3 · hidden) + hidden³ / 6` multiplications, where `n₁` and
//! `n₂` are the inked pixels and the active hidden units of an image, and `8 · (2 · inputs · (inputs + hidden) + hidden²)`
//! bytes. For 784 → 1000 → 10 and 10,000 images: 31 MB, and a second or two.

use crate::base::to_f64;
use core::{iter, mem};

use super::QuantizeError;
use super::least_squares::{Factor, Gram};
use crate::host::files::Quantized;
use crate::int::{Bits, MAX_BIAS, MAX_SHIFT, QuantizedNetwork, level};
use crate::net::{LossFunction, Shape, Weights, check_samples, network_input, network_input_len};

/// Grey values that one level of a pixel stands for.
const GREYS: f64 = 64.0;
/// What of the mean of the Gram matrix's diagonal the trained first layer counts: enough for pixels that are never inked.
const DAMPING: f64 = 0.01;
/// How many images the trained second layer counts as much as.
const PRIOR_IMAGES: f64 = 1000.0;
/// The most inputs: they take 1 GB of memory, and minutes.
const MAX_INPUTS: usize = 8192;
/// The most hidden units for which the second layer is fitted: they take 128 MB.
const MAX_FITTED: usize = 4096;
/// The range of the second layer's weights, symmetric.
const SECOND_RANGE: (f64, f64) = (-127.0, 127.0);
/// The range of biases.
const BIAS_RANGE: (f64, f64) = (-8_388_608.0, 8_388_608.0);
/// The largest hidden activation.
const ACTIVATION_MAX: f64 = 255.0;

/// Quantises a trained network on labelled images: `images` is `[samples][pixels]`, to be halved if the
/// network says so.
///
/// # Errors
///
/// [`QuantizeError::TooManyInputs`] above 8192 inputs; [`QuantizeError::NotFinite`] if a weight is infinite or NaN;
/// [`QuantizeError::NoImages`]; [`QuantizeError::Faint`] if no pixel is above 95; [`QuantizeError::Training`] if the network is too
/// large for the format, there is not one image for each label, or a label has no output.
pub fn quantize_samples(
    weights: Weights<'_>,
    bits: Bits,
    images: &[u8],
    labels: &[u8],
) -> Result<Quantized, QuantizeError> {
    Ok(fit(weights, bits, images, labels)?.quantized)
}

/// A quantised network and its scales.
pub(crate) struct Fit {
    pub(crate) quantized: Quantized,
    /// The scale of each hidden unit's integer activation, for pixels 0 to 255.
    pub(crate) activations: Vec<f64>,
    /// The scale of the integer outputs.
    pub(crate) outputs: f64,
    /// Whether the outputs were fitted to the labels.
    pub(crate) loss: LossFunction,
}

/// [`quantize_samples`].
pub(crate) fn fit(weights: Weights<'_>, bits: Bits, images: &[u8], labels: &[u8]) -> Result<Fit, QuantizeError> {
    let shape = weights.shape();
    let len = QuantizedNetwork::payload_len(shape, bits)?;
    if shape.inputs() > MAX_INPUTS {
        return Err(QuantizeError::TooManyInputs { found: shape.inputs(), most: MAX_INPUTS });
    }
    if let Some(index) = weights.not_finite() {
        return Err(QuantizeError::NotFinite { index });
    }
    check_samples(shape.pixels(), shape.outputs(), images, labels)?;
    let mut room = vec![0; network_input_len(shape, labels.len())];
    let images = network_input(&shape, images, &mut room);
    if labels.is_empty() {
        return Err(QuantizeError::NoImages);
    }
    // Such pixels are of one level at most.
    if let Some(&found) = images.iter().max().filter(|brightest| level(**brightest) < 2) {
        return Err(QuantizeError::Faint { found });
    }
    let images = images.chunks_exact(shape.inputs());
    let [first, mut prior] = layers(weights);
    let (largest, targets, loss) = run_layers(shape, &first, &prior, images.clone(), labels);

    // The inputs are there by now.
    let mut quantized = Quantized::zeros(shape.for_inputs(), bits, len);
    let scales = quantize_first(&first, images.clone(), &largest, &mut quantized);
    // The scales of the hidden units go into the rows of the second layer.
    let rows = prior.chunks_exact_mut(shape.outputs()).skip(constants(shape));
    for (row, scale) in rows.zip(&scales) {
        for weight in row {
            *weight *= scale;
        }
    }
    let outputs = quantize_second(prior, images.zip(targets), &mut quantized);
    Ok(Fit { quantized: quantized.with_shape(shape), activations: scales, outputs, loss })
}

/// The features of a sample that are not zero, with their places: as many ones as there are rows of biases, then `values`.
fn features(constants: usize, values: impl Iterator<Item = f64>) -> impl Iterator<Item = (usize, f64)> {
    iter::repeat_n(1.0, constants).chain(values).enumerate().filter(|(_, feature)| *feature != 0.0)
}

/// The sum of rows of `width` numbers, each times its feature.
fn product(features: impl Iterator<Item = (usize, f64)>, rows: &[f64], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for (place, feature) in features {
        iter::zip(&mut sums, &rows[place * width..]).for_each(|(sum, number)| *sum += feature * number);
    }
    sums
}

/// Rows before those of the inputs or hidden units: one of biases, if there are any.
fn constants(shape: Shape) -> usize {
    shape.has_biases().into()
}

/// The trained layers in f64, since finite weights may have infinite sums in f32: the biases, if there are any, then
/// `[inputs][hidden]`; and the biases, if there are any, then `[hidden][outputs]`.
fn layers(weights: Weights<'_>) -> [Vec<f64>; 2] {
    let shape = weights.shape();
    let mut numbers: Vec<f64> = weights.iter().map(f64::from).collect();
    let mut biases = numbers.split_off((shape.inputs() + shape.outputs()) * shape.hidden());
    let second = numbers.split_off(shape.inputs() * shape.hidden());
    let output_biases = biases.split_off(if shape.has_biases() { shape.hidden() } else { 0 });
    [[biases, numbers].concat(), [output_biases, second].concat()]
}

/// Each hidden unit's largest activation, and the target of each image's outputs, which depends on the loss that the network
/// was trained with: 1 for the label and 0 elsewhere, or the outputs themselves.
fn run_layers<'i>(
    shape: Shape,
    first: &[f64],
    second: &[f64],
    images: impl ExactSizeIterator<Item = &'i [u8]>,
    labels: &[u8],
) -> (Vec<f64>, Vec<Vec<f64>>, LossFunction) {
    let (hidden, outputs, constants) = (shape.hidden(), shape.outputs(), constants(shape));
    let one_hot = |label: u8| {
        let mut target = vec![0.0; outputs];
        target[usize::from(label)] = 1.0;
        target
    };
    let mut largest = vec![0.0; hidden];
    let (mut loss, most) = (0.0, to_f64(images.len()));
    let mut own = Vec::with_capacity(images.len());
    for (image, &label) in images.zip(labels) {
        let sums = product(features(constants, image.iter().copied().map(f64::from)), first, hidden);
        iter::zip(&mut largest, &sums).for_each(|(largest, &sum)| *largest = f64::max(*largest, sum));
        let active = sums.into_iter().map(|sum| sum.max(0.0));
        let found = product(features(constants, active), second, outputs);
        loss += iter::zip(&found, one_hot(label)).map(|(y, t)| (y - t) * (y - t)).sum::<f64>();
        own.push(found);
    }
    // With all outputs zero, each loss is 1.
    if loss < most {
        (largest, labels.iter().map(|&label| one_hot(label)).collect(), LossFunction::Squared)
    } else {
        (largest, own, LossFunction::CrossEntropy)
    }
}

/// Writes the shift, the first layer and its biases; returns the scale of each hidden unit's activation.
///
/// `first` is the biases, if there are any, then `[inputs][hidden]`; `largest` the largest activations.
fn quantize_first<'i>(
    first: &[f64],
    images: impl Iterator<Item = &'i [u8]>,
    largest: &[f64],
    quantized: &mut Quantized,
) -> Vec<f64> {
    let (shape, bits) = (quantized.shape(), quantized.bits());
    let constants = constants(shape);
    let (factor, fitted) = fit_first(shape, first, images);
    let (biases, weights) = fitted.split_at(constants * shape.hidden());
    let mut scales = finest_scales(bits, factor.diagonal().skip(constants), weights, shape.hidden());
    for (scale, bias) in scales.iter_mut().zip(biases) {
        *scale = scale.max(bias.abs() / f64::from(MAX_BIAS));
    }
    let shift = choose_shift(&scales, largest);
    let unit = f64::from(1u32 << shift);
    for (scale, largest) in scales.iter_mut().zip(largest) {
        *scale = scale.max(largest / (ACTIVATION_MAX * unit));
    }
    quantized.payload_mut()[0] = shift;
    let biases_at = quantized.layout().hidden_biases;
    factor.round(
        &fitted,
        &scales,
        |row| if row < constants { BIAS_RANGE } else { range(bits) },
        |row, unit, q| match row.checked_sub(constants) {
            Some(input) => quantized.set_first(input, unit, to_i32(q)),
            None => {
                quantized.payload_mut()[biases_at + 4 * unit..][..4].copy_from_slice(&to_i32(q).to_le_bytes());
            }
        },
    );
    scales.iter().map(|scale| scale * unit).collect()
}

/// Quantises the second layer anew, as near to real weights as it can be: `second` is `[hidden][outputs]`, for steps of the
/// activations; the network has no biases. Images and labels are as for [`quantize_samples`].
pub(crate) fn fit_second_to(second: Vec<f64>, images: &[u8], quantized: Quantized) -> Quantized {
    let shape = quantized.shape();
    let mut room = vec![0; network_input_len(shape, images.len() / shape.pixels())];
    let images = network_input(&shape, images, &mut room).chunks_exact(shape.inputs());
    let mut quantized = quantized.with_shape(shape.for_inputs());
    let outputs = |hidden: Vec<f64>| product(features(0, hidden.into_iter()), &second, shape.outputs());
    let targets: Vec<Vec<f64>> = images.clone().map(activations(&quantized)).map(outputs).collect();
    quantize_second(second, images.zip(targets), &mut quantized);
    quantized.with_shape(shape)
}

/// Gives the activations of the hidden units of a quantised network for an image.
fn activations(quantized: &Quantized) -> impl FnMut(&[u8]) -> Vec<f64> {
    let network = quantized.network();
    let mut scratch = vec![0; QuantizedNetwork::scratch_len(network.shape())];
    let mut hidden = vec![0; network.shape().hidden()];
    move |image| {
        let done = network.hidden(image, &mut scratch, &mut hidden);
        debug_assert_eq!(done, Ok(()), "images have as many pixels as the network takes");
        hidden.iter().copied().map(f64::from).collect()
    }
}

/// Writes the second layer and its biases; returns the scale of the outputs. `prior` is the trained one: biases, if
/// there are any, then `[hidden][outputs]`, for activations of the quantised first layer. With the images come the targets of
/// their outputs.
fn quantize_second<'i>(
    prior: Vec<f64>,
    images: impl ExactSizeIterator<Item = (&'i [u8], Vec<f64>)>,
    quantized: &mut Quantized,
) -> f64 {
    let (shape, constants) = (quantized.shape(), constants(quantized.shape()));
    let outputs = shape.outputs();
    let layout = quantized.layout();
    let write = |payload: &mut [u8], row: usize, output: usize, q: f64| match row.checked_sub(constants) {
        None => payload[layout.output_biases + 4 * output..][..4].copy_from_slice(&to_i32(q).to_le_bytes()),
        Some(unit) => [payload[layout.second + unit * outputs + output], ..] = to_i32(q).to_le_bytes(),
    };
    let range = |row| if row < constants { BIAS_RANGE } else { SECOND_RANGE };
    if shape.hidden() > MAX_FITTED {
        let step = second_step(&prior, constants * outputs);
        for (place, w) in prior.into_iter().enumerate() {
            let (row, output) = (place / outputs, place % outputs);
            let (low, high) = range(row);
            write(quantized.payload_mut(), row, output, (w / step).round().clamp(low, high));
        }
        return step;
    }
    let prior_share = PRIOR_IMAGES / to_f64(images.len());
    let (factor, fitted) = fit_second(quantized, &prior, prior_share, images);
    let step = second_step(&fitted, constants * outputs);
    factor.round(&fitted, &vec![step; outputs], range, |row, output, q| {
        write(quantized.payload_mut(), row, output, q);
    });
    step
}

/// The scale of the second layer's weights: the largest is at the end of the range, and so is no bias beyond its own. The
/// first `biases` weights are biases.
fn second_step(weights: &[f64], biases: usize) -> f64 {
    let (biases, weights) = weights.split_at(biases);
    let largest = |weights: &[f64]| weights.iter().fold(0.0, |largest: f64, weight| largest.max(weight.abs()));
    let step = f64::max(largest(weights) / SECOND_RANGE.1, largest(biases) / BIAS_RANGE.1);
    if step > 0.0 { step } else { 1.0 }
}

/// The factor of the levels' Gram matrix, and the real weights, as `first` lies, with which the levels come nearest to
/// the trained weights on the pixels.
fn fit_first<'i>(shape: Shape, first: &[f64], images: impl Iterator<Item = &'i [u8]>) -> (Factor, Vec<f64>) {
    let constants = constants(shape);
    let n = constants + shape.inputs();
    // Σ v vᵀ and Σ v xᵀ
    let mut gram = Gram::new(n, n);
    for image in images {
        let inked: Vec<_> = features(constants, image.iter().copied().map(f64::from)).collect();
        let levels: Vec<_> = features(constants, image.iter().map(|&pixel| level(pixel).into())).collect();
        gram.add(&levels, &inked);
    }
    let damping = DAMPING * (gram.trace(constants) / to_f64(shape.inputs())).max(1.0);
    // Where the images say nothing, a weight stays what it is, in units of a level.
    for (row, entry) in gram.cross.iter_mut().step_by(n + 1).enumerate() {
        *entry += damping * if row < constants { 1.0 } else { GREYS };
    }
    let product = |row: &[f64]| product(features(0, row.iter().copied()), first, shape.hidden());
    let mut weights: Vec<f64> = gram.cross.chunks_exact(n).flat_map(product).collect();
    let factor = gram.factorize(|_| damping);
    factor.solve(shape.hidden(), &mut weights);
    (factor, weights)
}

/// The factor of the activations' Gram matrix, and the real weights, as `prior` lies, with which they come nearest to the
/// images' targets. `prior` are the trained weights, of the weight of `prior_share` times all images.
fn fit_second<'i>(
    quantized: &Quantized,
    prior: &[f64],
    prior_share: f64,
    images: impl ExactSizeIterator<Item = (&'i [u8], Vec<f64>)>,
) -> (Factor, Vec<f64>) {
    let mut activations = activations(quantized);
    let (hidden, outputs) = (quantized.shape().hidden(), quantized.shape().outputs());
    let constants = constants(quantized.shape());
    let mut gram = Gram::new(constants + hidden, outputs);
    let count = to_f64(images.len());
    for (pixels, target) in images {
        let active: Vec<_> = features(constants, activations(pixels).into_iter()).collect();
        let target: Vec<_> = features(0, target.into_iter()).collect();
        gram.add(&active, &target);
    }
    let damping = (prior_share * gram.trace(constants) / to_f64(hidden)).max(1.0);
    let damping = |row| if row < constants { prior_share * count } else { damping };
    let mut weights = mem::take(&mut gram.cross);
    for (row, (weights, prior)) in weights.chunks_exact_mut(outputs).zip(prior.chunks_exact(outputs)).enumerate() {
        iter::zip(weights, prior).for_each(|(weight, prior)| *weight += damping(row) * prior);
    }
    let factor = gram.factorize(damping);
    factor.solve(outputs, &mut weights);
    (factor, weights)
}

/// For each hidden unit, the value of a weight of 1 at which rounding costs least; positive.
fn finest_scales(bits: Bits, diagonal: impl Iterator<Item = f64>, weights: &[f64], hidden: usize) -> Vec<f64> {
    let (low, high) = range(bits);
    let importance: Vec<f64> = diagonal.map(|r| r * r).collect();
    let clips = match bits {
        Bits::Eight => 100..=100,
        Bits::Four => 30..=100,
    };
    (0..hidden)
        .map(|unit| {
            let column = || weights.iter().skip(unit).step_by(hidden);
            let largest = column().map(|w| if *w < 0.0 { w / low } else { w / high }).fold(0.0, f64::max);
            let largest = if largest > 0.0 { largest } else { 1.0 };
            let mut best = (f64::INFINITY, largest);
            for clip in clips.clone() {
                let scale = largest * f64::from(clip) / 100.0;
                let error = iter::zip(column(), &importance).map(|(w, importance)| {
                    let error = w - scale * (w / scale).round().clamp(low, high);
                    importance * error * error
                });
                let error = error.sum();
                if error < best.0 {
                    best = (error, scale);
                }
            }
            best.1
        })
        .collect()
}

/// The shift at which the largest activation of the median unit, at its finest scale, is one to two times a byte.
fn choose_shift(scales: &[f64], largest: &[f64]) -> u8 {
    let mut ratios: Vec<f64> = iter::zip(scales, largest).map(|(scale, largest)| largest / scale).collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    (1..MAX_SHIFT).find(|&shift| median <= 2.0 * ACTIVATION_MAX * f64::from(1u32 << shift)).unwrap_or(MAX_SHIFT)
}

/// The range of the first layer's weights.
fn range(bits: Bits) -> (f64, f64) {
    let bias = f64::from(bits.bias());
    (-bias, bias - 1.0)
}

#[allow(clippy::cast_possible_truncation, reason = "the value is whole, −2²³ to 2²³; `as` saturates")]
fn to_i32(value: f64) -> i32 {
    value as i32
}
