//! The part of a training step that is sequential: sample after sample, each one sees the weights that the one before left.
//!
//! For sample `k`, with `W` the weights before the block: `z_k = x_k W1 − Σ_{s<k} (x_s·x_k) α δ1_s`, `h = max(z, 0)`,
//! `y = h W2 + b2`, `δ2 = y − t`, `α δ1 = (α δ2 W2ᵀ) ⊙ [h > 0]`, `W2 −= hᵀ (α δ2)`. `α δ1` is rounded to 16 significant bits, so that its
//! products with pixels are exact in the step of W1. Costs six operations for each hidden unit and output, and two for each hidden
//! unit and earlier sample of the block.

use super::forward::output_forward;
use super::{
    OUTPUT_BIAS_SQUARE, PanelFn, Row, add_scaled, for_width, load, load_relu, rows, rows_mut, store, sub_scaled, tile,
    tile_mut,
};
use crate::base::{Always, exp, ln, violated};
use crate::net::weights::panels_mut;
use crate::net::{Loss, LossFunction};
use crate::simd::{Isa, TierFn, sum_lanes};
use core::num::NonZeroUsize;
use wide::f32x16;

/// Samples whose corrections are collected and then taken off all later samples at once, while their α δ1 is in the
/// first-level cache.
const GROUP: usize = 8;

/// The sequential part of one block.
pub(crate) struct Sequential<'a> {
    pub(crate) samples: Samples<'a>,
    /// Of [`Targets`].
    pub(crate) soft: &'a [f32],
    pub(crate) layer: OutputLayer<'a>,
    /// `[panel][block][width]`: the samples' pre-activations under the weights before the block; afterwards their α δ1.
    pub(crate) hidden: &'a mut [f32],
}

/// The samples of a block, and how to learn from them.
#[derive(Clone, Copy)]
pub(crate) struct Samples<'a> {
    /// Learning rate.
    pub(crate) alpha: f32,
    pub(crate) loss: LossFunction,
    /// One label for each sample, below `outputs`.
    pub(crate) labels: &'a [u8],
    /// `x_k·x_s` at `[k × block + s]`, for `s < k`.
    pub(crate) gram: &'a [f32],
    /// The most samples of a block.
    pub(crate) block: NonZeroUsize,
}

/// What the outputs of samples should be: 1 for the label and 0 for the others, or numbers from 0 to 1 with the sum 1.
#[derive(Clone, Copy)]
pub(crate) struct Targets<'a> {
    /// One label for each sample, below `outputs`.
    pub(crate) labels: &'a [u8],
    /// `[samples][outputs]`, or nothing: then the labels say it all.
    pub(crate) soft: &'a [f32],
}

impl<'a> Targets<'a> {
    pub(crate) const fn of_labels(labels: &'a [u8]) -> Self {
        Self { labels, soft: &[] }
    }

    /// Block by block.
    pub(crate) fn blocks(self, block: NonZeroUsize, outputs: NonZeroUsize) -> impl Iterator<Item = Self> {
        debug_assert!(self.soft.is_empty() || self.soft.len() == self.labels.len() * outputs.get());
        let mut soft = self.soft.chunks(block.saturating_mul(outputs).get());
        let mut next = move || if HAS_SOFT { soft.next().unwrap_or_default() } else { &[] };
        self.labels.chunks(block.get()).map(move |labels| Self { labels, soft: next() })
    }

    /// Those of sample `k` that are more than a label.
    #[inline(always)]
    fn soft(self, k: usize, outputs: NonZeroUsize) -> Option<&'a [f32]> {
        if HAS_SOFT { self.soft.get(k * outputs.get()..(k + 1) * outputs.get()) } else { None }
    }
}

/// Only a host trains with teachers, and a device need not have the code.
const HAS_SOFT: bool = cfg!(any(feature = "std", test));

/// The output layer, and what is computed of it for one sample at a time.
pub(crate) struct OutputLayer<'a> {
    pub(crate) outputs: NonZeroUsize,
    /// `[panel][outputs][width]`.
    pub(crate) w2: &'a mut [f32],
    /// `[outputs]`, or nothing.
    pub(crate) b2: &'a mut [f32],
    /// `[outputs][16]`, for sums on their way.
    pub(crate) sums: &'a mut [f32],
    /// `[outputs]`, for δ2.
    pub(crate) delta2: &'a mut [f32],
}

impl TierFn for Sequential<'_> {
    type Out = Loss;

    #[inline(always)]
    fn call<I: Isa>(mut self, isa: I) -> Loss {
        let Samples { alpha, loss: function, labels, .. } = self.samples;
        let targets = Targets { labels, soft: self.soft };
        let mut loss = Loss::default();
        for k in 0..=labels.len() {
            self.layer.start();
            self.pass(isa, k);
            if let Some(&label) = labels.get(k) {
                loss.last = match targets.soft(k, self.layer.outputs) {
                    None => self.layer.target(function, label),
                    Some(targets) => soft_target(function, rows(self.layer.sums), self.layer.delta2, targets),
                };
                self.layer.bias_update(alpha);
                loss.sum += f64::from(loss.last);
            }
        }
        loss
    }
}

impl Sequential<'_> {
    /// Through all panels once: backward for sample `k − 1`, corrections, forward for sample `k`.
    #[inline(always)]
    fn pass<I: Isa>(&mut self, isa: I, k: usize) {
        let Self { samples, layer: OutputLayer { outputs, w2, sums, delta2, .. }, hidden, .. } = self;
        let (outputs, block) = (*outputs, samples.block);
        let gram = samples.gram.get(k * block.get()..).always("every sample has a row of Gram numbers");
        for (index, w2) in panels_mut(w2, outputs).enumerate() {
            let hidden = panels_mut(hidden, block).nth(index).always("every panel of W2 has one of hidden rows");
            let width = w2.len() / outputs;
            let samples = Samples { gram, ..*samples };
            for_width(isa, width, Pass { samples, k, hidden, w2, sums, delta2 });
        }
    }
}

impl OutputLayer<'_> {
    /// The sums begin with the biases.
    #[inline(always)]
    fn start(&mut self) {
        self.sums.fill(0.0);
        for ([sum], bias) in rows_mut(self.sums).iter_mut().zip(self.b2.iter()) {
            sum[0] = *bias;
        }
    }

    /// Takes the step of the biases.
    #[inline(always)]
    fn bias_update(&mut self, alpha: f32) {
        for (bias, delta2) in self.b2.iter_mut().zip(self.delta2.iter()) {
            *bias -= OUTPUT_BIAS_SQUARE * (alpha * delta2);
        }
    }

    /// From the sums to δ2; gives the sample's loss.
    #[inline(always)]
    fn target(&mut self, loss: LossFunction, label: u8) -> f32 {
        if loss == LossFunction::CrossEntropy {
            return cross_entropy(rows(self.sums), self.delta2, label);
        }
        squared(rows(self.sums), self.delta2, |output| if output == usize::from(label) { 1.0 } else { 0.0 })
    }
}

/// [`OutputLayer::target`] for a target of each output.
#[inline(never)] // it has no use for a tier's instructions
fn soft_target(loss: LossFunction, sums: &[Row<1>], delta2: &mut [f32], targets: &[f32]) -> f32 {
    let target = |output: usize| targets.get(output).copied().always("every output has a target");
    match loss {
        LossFunction::CrossEntropy => soft_cross_entropy(sums, delta2, target),
        LossFunction::Squared => squared(sums, delta2, target),
    }
}

/// From the sums to `δ2 = y − t`; gives the sample's loss, `Σ (y − t)²`.
#[inline(always)]
fn squared(sums: &[Row<1>], delta2: &mut [f32], target: impl Fn(usize) -> f32) -> f32 {
    let mut loss = 0.0;
    for ((output, [sum]), delta) in sums.iter().enumerate().zip(delta2.iter_mut()) {
        *delta = sum_lanes(f32x16::new(*sum)) - target(output);
        loss += *delta * *delta;
    }
    loss
}

/// From the sums to `δ2 = softmax(y) − t`; gives the sample's loss, `−ln` of the label's probability.
#[inline(never)] // it has no use for a tier's instructions
fn cross_entropy(sums: &[Row<1>], delta2: &mut [f32], label: u8) -> f32 {
    let (label, mut of_label) = (usize::from(label), 0.0);
    let seen = |output, below| {
        if output == label {
            of_label = below;
        }
    };
    let ln_total = softmax_less(sums, delta2, seen, |output| if output == label { 1.0 } else { 0.0 });
    ln_total - of_label
}

/// The same for targets with the sum 1: the loss is `−Σ t ln p`.
#[inline(always)]
fn soft_cross_entropy(sums: &[Row<1>], delta2: &mut [f32], target: impl Fn(usize) -> f32) -> f32 {
    let mut of_targets = 0.0;
    let ln_total = softmax_less(sums, delta2, |output, below| of_targets += target(output) * below, &target);
    ln_total - of_targets
}

/// From the sums to `softmax(y) − t`. `seen` gets each output, less the largest; gives `ln` of the sum of their exponentials.
///
/// The largest output is taken off first, so that no exponential overflows. Scalar code: an output takes some forty operations.
#[inline(always)]
fn softmax_less(
    sums: &[Row<1>],
    delta2: &mut [f32],
    mut seen: impl FnMut(usize, f32),
    target: impl Fn(usize) -> f32,
) -> f32 {
    let mut largest = f32::NEG_INFINITY;
    for ([sum], delta) in sums.iter().zip(delta2.iter_mut()) {
        *delta = sum_lanes(f32x16::new(*sum));
        largest = if *delta > largest { *delta } else { largest };
    }
    let mut total = 0.0;
    for (output, delta) in delta2.iter_mut().enumerate() {
        let below = *delta - largest;
        seen(output, below);
        *delta = exp(below);
        total += *delta;
    }
    let scale = 1.0 / total;
    for (output, delta) in delta2.iter_mut().enumerate() {
        *delta = *delta * scale - target(output);
    }
    ln(total)
}

/// One panel's part of [`Sequential::pass`].
struct Pass<'a> {
    /// With Gram numbers from the row of sample `k` on.
    samples: Samples<'a>,
    k: usize,
    /// A row for each sample.
    hidden: &'a mut [f32],
    /// A row for each output.
    w2: &'a mut [f32],
    /// A vector for each output.
    sums: &'a mut [f32],
    delta2: &'a [f32],
}

impl PanelFn for Pass<'_> {
    #[inline(always)]
    fn call<I: Isa, const W: usize, const N: usize>(self, isa: I) {
        let Self { samples: Samples { alpha, labels, gram, block, .. }, k, delta2, .. } = self;
        let samples = labels.len();
        let w2 = rows_mut::<W>(self.w2);
        let hidden = rows_mut::<W>(self.hidden);
        let Some((done, left)) = hidden.split_at_mut_checked(k) else { violated!("every sample has a row", return) };
        if let Some(row) = done.last_mut() {
            output_backward::<I, W, N>(isa, alpha, delta2, row, w2);
        }
        // A whole group of samples corrects all that are left, an unfinished one only the next.
        let (group, until) = if k.is_multiple_of(GROUP) { (GROUP.min(k), samples) } else { (k % GROUP, k + 1) };
        let Some(delta1) = done.get(k - group..) else { violated!("a group is of samples done", return) };
        for (z, gram) in left.iter_mut().zip(gram.chunks_exact(block.get())).take(until - k) {
            let gram = gram.get(k - group..k).always("a row has a Gram number for each sample before");
            correct::<I, W, N>(isa, gram, delta1, z);
        }
        if let Some(z) = left.first().filter(|_| k < samples) {
            output_forward::<I, W, N>(isa, z, w2, rows_mut(self.sums));
        }
    }
}

/// `α δ1` in the place of `z`, and the step of W2.
#[inline(always)]
fn output_backward<I: Isa, const W: usize, const N: usize>(
    isa: I,
    alpha: f32,
    delta2: &[f32],
    z: &mut Row<W>,
    w2: &mut [Row<W>],
) {
    for at in (0..W).step_by(N) {
        let Some(z) = tile_mut::<N>(z, at) else { violated!("a row is whole tiles", break) };
        let h = load_relu(isa, z);
        let mut delta1 = [f32x16::ZERO; N];
        for (row, &delta2) in w2.iter_mut().zip(delta2) {
            let Some(weights) = tile_mut::<N>(row, at) else { violated!("a row is whole tiles", break) };
            let step = alpha * delta2;
            add_scaled(isa, &mut delta1, step, weights);
            let step = f32x16::splat(step);
            for (w, h) in weights.iter_mut().zip(h) {
                *w = isa.sub(f32x16::new(*w), isa.mul(step, h)).to_array();
            }
        }
        for (d, h) in delta1.iter_mut().zip(h) {
            *d = isa.keep_where_positive(isa.to_16_bits(*d), h);
        }
        store(z, delta1);
    }
}

/// `z −= Σ_s gram_s α δ1_s`, in the order of the samples.
#[inline(always)]
fn correct<I: Isa, const W: usize, const N: usize>(isa: I, gram: &[f32], delta1: &[Row<W>], z: &mut Row<W>) {
    for at in (0..W).step_by(N) {
        let Some(z) = tile_mut::<N>(z, at) else { violated!("a row is whole tiles", break) };
        let mut sum = load(z);
        for (&gram, row) in gram.iter().zip(delta1) {
            let Some(delta1) = tile(row, at) else { violated!("a row is whole tiles", break) };
            sub_scaled(isa, &mut sum, gram, delta1);
        }
        store(z, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Shape;
    use crate::net::kernel::tests::{SAMPLES, on_all_tiers};
    use crate::net::shape::PANEL;
    use crate::simd::LANES;
    use crate::support::recipe::{Approx, one_hot, sequence};
    use crate::support::{Dice, bits, signed_weights};

    /// Bits of α δ1 (`[panel][block][width]`), W2, its biases and the last loss, and the sum of losses.
    type Found = (Vec<u32>, Vec<u32>, Vec<u32>, u32, u64);

    /// The sequential part over numbers of no particular origin: the Gram numbers need not come from images.
    fn assert_sequence(hidden: usize, outputs: usize, samples: usize, spare: usize) {
        let shape = Shape::new(1, hidden, outputs).unwrap();
        for shape in [shape, shape.with_biases()] {
            for loss in [LossFunction::Squared, LossFunction::CrossEntropy] {
                assert_sequence_of(shape, loss, false, samples, spare);
                assert_sequence_of(shape, loss, true, samples, spare);
            }
        }
    }

    fn assert_sequence_of(shape: Shape, loss: LossFunction, is_soft: bool, samples: usize, spare: usize) {
        let (hidden, outputs) = (shape.hidden(), shape.outputs());
        let alpha = if shape.has_biases() { 1e-4 } else { 1e-3 };
        let block = samples + spare;
        let mut dice = Dice::new(7);
        let labels: Vec<u8> = (0..samples).map(|_| u8::try_from(dice.below(outputs)).unwrap()).collect();
        let (mut soft, mut targets) = (Vec::new(), one_hot(&labels, outputs));
        if is_soft {
            let mut dice = Dice::new(9);
            soft = (0..samples).flat_map(|_| dice.targets(outputs)).collect();
            targets.clone_from(&soft);
        }
        // What is not asked for is no number.
        let mut gram = dice.numbers(block * block, 0.05);
        for k in 0..samples {
            gram[k * block + k..(k + 1) * block].fill(f32::NAN);
        }
        let weights = signed_weights(shape, 8, 0.1);
        // Every unit of every sample; zeros where they only fill up a panel.
        let z: Vec<Vec<f32>> = (0..samples).map(|_| dice.numbers(hidden, 2.0)).collect();
        let width = |unit: usize| PANEL.min(shape.hidden_padded() - unit / PANEL * PANEL);
        let place = |sample, unit| unit / PANEL * PANEL * block + sample * width(unit) + unit % PANEL;
        let mut rows = vec![0.0; block * shape.hidden_padded()];
        for (sample, z) in z.iter().enumerate() {
            z.iter().enumerate().for_each(|(unit, &z)| rows[place(sample, unit)] = z);
        }
        let biases = weights[shape.b2_index(0).unwrap_or(weights.len())..].to_vec();
        let (delta1, w2, b2, last, sum): Found = on_all_tiers(|backend| {
            let mut rows = rows.clone();
            let mut w2 = weights[shape.w1_len()..shape.layers_len()].to_vec();
            let mut b2 = biases.clone();
            let (mut sums, mut delta2) = (vec![f32::NAN; outputs * LANES], vec![f32::NAN; outputs]);
            let loss = backend.run(Sequential {
                samples: Samples {
                    alpha,
                    loss,
                    labels: &labels,
                    gram: &gram,
                    block: NonZeroUsize::new(block).unwrap(),
                },
                soft: &soft,
                layer: OutputLayer {
                    outputs: shape.rows().1,
                    w2: &mut w2,
                    b2: &mut b2,
                    sums: &mut sums,
                    delta2: &mut delta2,
                },
                hidden: &mut rows,
            });
            (bits(&rows), bits(&w2), bits(&b2), loss.last.to_bits(), loss.sum.to_bits())
        });

        let rows = z.iter().map(|z| z.iter().map(|&z| Approx::exact(z)).collect()).collect();
        let places = || shape.places().skip(hidden).take(hidden * outputs);
        let mut expected_w2: Vec<Approx> = places().map(|place| Approx::exact(weights[place])).collect();
        let mut expected_b2: Vec<Approx> = biases.iter().map(|bias| Approx::exact(*bias)).collect();
        expected_b2.resize(outputs, Approx::ZERO);
        let gram = |k: usize, s: usize| Approx::exact(gram[k * block + s]);
        let (expected, losses) =
            sequence(shape, Approx::exact(alpha), loss, &targets, gram, rows, &mut expected_w2, &mut expected_b2);
        let what = std::format!("{shape}, {loss}, soft: {is_soft}, {samples} samples");
        for (sample, row) in expected.iter().enumerate() {
            for (unit, expected) in row.iter().enumerate() {
                let found = f32::from_bits(delta1[place(sample, unit)]);
                assert!(
                    expected.admits(found),
                    "{what}: α δ1 of sample {sample}, unit {unit} is {found}, {expected:?}"
                );
            }
        }
        for (found, expected) in b2.iter().zip(&expected_b2) {
            let found = f32::from_bits(*found);
            assert!(expected.admits(found), "{what}: a bias is {found}, {expected:?}");
        }
        for (place, expected) in places().zip(&expected_w2) {
            let found = f32::from_bits(w2[place - shape.w1_len()]);
            assert!(expected.admits(found), "{what}: a weight of W2 is {found}, {expected:?}");
        }
        let last_loss = losses.last().unwrap();
        assert!(last_loss.admits(f32::from_bits(last)), "{what}: the last loss is {last:?}, {last_loss:?}");
        let off = f64::from_bits(sum) - losses.iter().map(|e| e.value).sum::<f64>();
        assert!(off.abs() <= losses.iter().map(|e| e.error).sum(), "{what}: the sum of losses is off by {off:e}");
        // Bounds that say something: rounding must not have grown to the size of what it disturbs.
        let coarsest = expected_w2.iter().map(|w| w.error).fold(0.0, f64::max);
        assert!(coarsest < 1e-4, "{what}: bounds of {coarsest:e}");
        let filled = delta1.iter().filter(|bits| **bits == 0).count();
        assert!(filled >= samples * (shape.hidden_padded() - hidden), "{what}: units that only fill up have steps");
    }

    #[test]
    fn a_block_is_the_recipe_sample_after_sample() {
        for (hidden, outputs) in [(1, 1), (16, 2), (17, 10), (112, 3), (127, 2), (128, 10), (129, 3), (300, 10)] {
            for samples in SAMPLES.into_iter().chain([15, 16, 17]) {
                assert_sequence(hidden, outputs, samples, samples % 3);
            }
        }
    }

    #[test]
    fn a_block_at_every_width() {
        for width in 1..=17 {
            assert_sequence(width * LANES, 4, 9, 0);
        }
    }
}
