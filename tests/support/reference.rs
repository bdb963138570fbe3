//! The whole network in plain loops: read this first.
//!
//! Inference and training in f32, one operation after another, without panels, tiles, tiers or lists of pixels. Every
//! kernel of this crate gives exactly these bits, and the tests compare them with this file.

use twolayer::probe::{exp, ln};
use twolayer::{LossFunction, Shape, Weights, WeightsMut};

/// A sum over hidden units is kept as 16 sums side by side, unit `j` in sum `j % 16`, which are added up at the end.
const LANES: usize = 16;

/// A network whose weights lie in plain rows. The rows are as long as the crate's, rounded up from the number of hidden
/// units; weights beyond the last unit are zero.
#[derive(Debug)]
pub(crate) struct Reference {
    shape: Shape,
    /// `[inputs][hidden_padded]`.
    w1: Vec<f32>,
    /// `[outputs][hidden_padded]`.
    w2: Vec<f32>,
    /// `[hidden_padded]` and `[outputs]`; zero where there are none.
    b1: Vec<f32>,
    b2: Vec<f32>,
    /// The loss function.
    pub(crate) loss: LossFunction,
    /// The target of each output of each sample to be trained on, where they are not those of the labels.
    pub(crate) soft: Vec<f32>,
}

impl Reference {
    pub(crate) fn new(weights: Weights<'_>) -> Self {
        let (shape, padded) = (weights.shape(), weights.shape().hidden_padded());
        let mut w1 = vec![0.0; shape.inputs() * padded];
        let mut w2 = vec![0.0; shape.outputs() * padded];
        let mut b1 = vec![0.0; padded];
        for h in 0..shape.hidden() {
            b1[h] = weights.b1(h).unwrap_or(0.0);
            for i in 0..shape.inputs() {
                w1[i * padded + h] = weights.w1(i, h).unwrap();
            }
            for o in 0..shape.outputs() {
                w2[o * padded + h] = weights.w2(h, o).unwrap();
            }
        }
        let b2 = (0..shape.outputs()).map(|o| weights.b2(o).unwrap_or(0.0)).collect();
        Self { shape, w1, w2, b1, b2, loss: LossFunction::Squared, soft: Vec::new() }
    }

    /// The weights as the crate lays them out.
    pub(crate) fn numbers(&self) -> Vec<f32> {
        let (shape, padded) = (self.shape, self.shape.hidden_padded());
        let mut numbers = vec![0.0; shape.weights_len()];
        let mut weights = WeightsMut::new(shape, &mut numbers).unwrap();
        for h in 0..shape.hidden() {
            if let Some(bias) = weights.b1_mut(h) {
                *bias = self.b1[h];
            }
            for i in 0..shape.inputs() {
                *weights.w1_mut(i, h).unwrap() = self.w1[i * padded + h];
            }
            for o in 0..shape.outputs() {
                *weights.w2_mut(h, o).unwrap() = self.w2[o * padded + h];
            }
        }
        for o in 0..shape.outputs() {
            if let Some(bias) = weights.b2_mut(o) {
                *bias = self.b2[o];
            }
        }
        numbers
    }

    /// The outputs `y = max(x W1 + b1, 0) W2 + b2` of an image.
    pub(crate) fn outputs(&self, image: &[u8]) -> Vec<f32> {
        self.second_layer(&self.first_layer(image))
    }

    /// Trains in blocks of `block` samples, after rounding W1; gives the loss of each sample, under the weights before its step.
    pub(crate) fn train(&mut self, images: &[u8], labels: &[u8], alpha: f32, block: usize) -> Vec<f32> {
        round(&mut self.w1);
        let inputs = self.shape.inputs();
        let targets = self.targets(labels);
        let blocks = images.chunks(block * inputs).zip(targets.chunks(block));
        blocks.flat_map(|(images, targets)| self.block(images, targets, alpha)).collect()
    }

    /// The target of each sample: of the label alone, 1 for it and 0 for the others.
    fn targets(&self, labels: &[u8]) -> Vec<Vec<f32>> {
        if !self.soft.is_empty() {
            return self.soft.chunks(self.shape.outputs()).map(<[f32]>::to_vec).collect();
        }
        let target =
            |label: u8| (0..self.shape.outputs()).map(|o| if o == usize::from(label) { 1.0 } else { 0.0 }).collect();
        labels.iter().map(|&label| target(label)).collect()
    }

    /// One block. With blocks of one sample this is the plain step of SGD; a longer block takes the steps of W1 at its end,
    /// and each sample's pre-activations are corrected for the steps that are still missing.
    fn block(&mut self, images: &[u8], targets: &[Vec<f32>], alpha: f32) -> Vec<f32> {
        let (padded, biases) = (self.shape.hidden_padded(), self.shape.has_biases());
        // The square of the input of the hidden units' biases.
        let constant = if biases { 256 * 256 } else { 0 };
        let images: Vec<&[u8]> = images.chunks(self.shape.inputs()).collect();
        let mut rows: Vec<Vec<f32>> = images.iter().map(|image| self.first_layer(image)).collect();
        let mut losses = Vec::new();
        for (k, target) in targets.iter().enumerate() {
            let (done, left) = rows.split_at_mut(k);
            // The pre-activations of this sample; those of the samples before have become their α δ1.
            let z = &mut left[0];
            for (delta1, image) in done.iter().zip(&images) {
                sub_scaled(z, gram(image, images[k], constant), delta1);
            }
            let h: Vec<f32> = z.iter().copied().map(relu).collect();
            let mut delta2 = self.second_layer(z);
            losses.push(match self.loss {
                LossFunction::Squared => {
                    delta2.iter_mut().zip(target).for_each(|(y, t)| *y -= t);
                    delta2.iter().fold(0.0, |loss, d| loss + d * d)
                }
                LossFunction::CrossEntropy => cross_entropy(&mut delta2, target),
            });
            // W2 before its step gives α δ1, which takes the place of z.
            for (j, (z, h)) in z.iter_mut().zip(h).enumerate() {
                let mut delta1 = 0.0;
                for (o, &delta2) in delta2.iter().enumerate() {
                    let (w, step) = (&mut self.w2[o * padded + j], alpha * delta2);
                    delta1 += step * *w;
                    *w -= step * h;
                }
                *z = if h > 0.0 { to_16_bits(delta1) } else { 0.0 };
            }
            for (b, delta2) in self.b2.iter_mut().zip(delta2).filter(|_| biases) {
                *b -= 16.0 * 16.0 * (alpha * delta2);
            }
        }
        // A pixel has 8 significant bits and α δ1 has 16, so that their product is exact. So is that of a pixel and a weight.
        for (i, w1) in self.w1.chunks_mut(padded).enumerate() {
            for (image, delta1) in images.iter().zip(&rows).filter(|(image, _)| image[i] != 0) {
                sub_scaled(w1, f32::from(image[i]), delta1);
            }
            round(w1);
        }
        for delta1 in rows.iter().filter(|_| biases) {
            sub_scaled(&mut self.b1, 256.0 * 256.0, delta1);
        }
        losses
    }

    /// The pre-activations `z = x W1 + b1`.
    fn first_layer(&self, image: &[u8]) -> Vec<f32> {
        let padded = self.shape.hidden_padded();
        let mut z = self.b1.clone();
        for (i, &pixel) in image.iter().enumerate().filter(|(_, pixel)| **pixel != 0) {
            for (z, w) in z.iter_mut().zip(&self.w1[i * padded..]) {
                *z += f32::from(pixel) * w;
            }
        }
        z
    }

    /// The outputs `max(z, 0) W2 + b2`: 16 sums side by side, then halves, quarters and pairs of them.
    fn second_layer(&self, z: &[f32]) -> Vec<f32> {
        let padded = self.shape.hidden_padded();
        let output = |o: usize| {
            let mut sums = [0.0; LANES];
            sums[0] = self.b2[o];
            for j in 0..padded {
                sums[j % LANES] += relu(z[j]) * self.w2[o * padded + j];
            }
            for half in [8, 4, 2, 1] {
                for lane in 0..half {
                    sums[lane] += sums[lane + half];
                }
            }
            sums[0]
        };
        (0..self.shape.outputs()).map(output).collect()
    }
}

/// The outputs become `softmax(y) − t`; gives `−Σ t ln p`, with `p` the softmax.
fn cross_entropy(outputs: &mut [f32], target: &[f32]) -> f32 {
    let largest = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let of_target =
        outputs.iter().zip(target).fold(0.0, |sum, (y, t)| if *t > 0.0 { sum + t * (y - largest) } else { sum });
    for y in outputs.iter_mut() {
        *y = exp(*y - largest);
    }
    let total = outputs.iter().fold(0.0, |total, e| total + e);
    let scale = 1.0 / total;
    for (y, t) in outputs.iter_mut().zip(target) {
        *y = *y * scale - t;
    }
    ln(total) - of_target
}

/// The product of two images and a constant input, exact but for one rounding.
fn gram(a: &[u8], b: &[u8], constant: u32) -> f32 {
    let product: u32 = constant + a.iter().zip(b).map(|(&a, &b)| u32::from(a) * u32::from(b)).sum::<u32>();
    #[expect(clippy::cast_precision_loss, reason = "the one rounding")]
    let rounded = product as f32;
    rounded
}

fn sub_scaled(from: &mut [f32], scale: f32, row: &[f32]) {
    for (from, x) in from.iter_mut().zip(row) {
        *from -= scale * x;
    }
}

/// The nearest number of 16 significant bits, halves away from zero.
fn to_16_bits(number: f32) -> f32 {
    f32::from_bits((number.to_bits() + 0x80) & !0xFF)
}

/// Rounds weights to 16 significant bits.
pub(crate) fn round(weights: &mut [f32]) {
    for w in weights {
        *w = to_16_bits(*w);
    }
}

fn relu(z: f32) -> f32 {
    if z > 0.0 { z } else { 0.0 }
}
