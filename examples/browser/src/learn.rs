//! Learning: the article's network from nothing, and drawings that are taught to whatever network there is.
//!
//! Samples come a piece at a time: see `samples.rs`.
#![expect(unsafe_code, reason = "exported functions have names that must be unique")]

use crate::Shared;
use crate::model::{AnyNetwork, LARGEST, Opened, SCRATCH, opened};
use crate::samples::{IMAGES, LABELS, PIECE, PIXELS};
use core::num::NonZeroUsize;
use twolayer::{
    Answer, AnyOutputs, Backend, Confidence, Distortion, INIT_SCALE, Kind, LossFunction, Margin, Shape, TrainOptions,
    Trainer, Weights, WeightsMut, fill_initial,
};

const SIDE: NonZeroUsize = NonZeroUsize::new(28).unwrap();
/// The rate at which a network that was trained by cross-entropy is taught.
const FURTHER: f32 = 2e-5;
/// How the copies of a drawing differ.
const COPIES: Distortion = Distortion { percent: 60, hands: 0 };
/// Samples by which the second layer is taught before all weights are, and how often it sees each of them.
const SECOND: usize = 64;
const TIMES: usize = 20;
/// What a level of a quantised network's input is in pixels.
const LEVEL: f32 = 64.0;

static DRAWING: Shared<[u8; PIXELS]> = Shared::new([0; _]);
/// Of each of a piece's answers: the margin as tables of confidence have it, and 1 if it is right.
static ANSWERS: Shared<[[u32; 2]; PIECE]> = Shared::new([[0; 2]; _]);
static TRAINING: Shared<[f32; Trainer::scratch_len(LARGEST, TrainOptions::BLOCK)]> = Shared::new([0.0; _]);
static TESTING: Shared<[u32; SCRATCH]> = Shared::new([0; _]);
static DISTORTING: Shared<[i32; Distortion::scratch_len(28, 28)]> = Shared::new([0; _]);
static HIDDEN_UNITS: Shared<[[f32; LARGEST.hidden()]; SECOND]> = Shared::new([[0.0; _]; _]);
static IN_F32: Shared<[f32; LARGEST.weights_len()]> = Shared::new([0.0; _]);
static HOW: Shared<TrainOptions> = Shared::new(ARTICLE);

/// The article's recipe.
const ARTICLE: TrainOptions = TrainOptions {
    alpha: TrainOptions::ALPHA,
    block: TrainOptions::BLOCK,
    backend: Backend::baseline(),
    loss: LossFunction::Squared,
};

/// Where the page puts a drawing that is to be taught: 28 × 28 bytes, as the network sees it.
#[unsafe(no_mangle)]
pub extern "C" fn drawing() -> *const u8 {
    DRAWING.address().cast()
}

/// Where the answers are after [`test`]: margin and 1 if it is right, u32 each.
#[unsafe(no_mangle)]
pub extern "C" fn answers() -> *const u32 {
    ANSWERS.address().cast()
}

/// Makes the article's network with the initial weights of a seed the page's model, to be trained by the article's recipe.
#[unsafe(no_mangle)]
pub extern "C" fn start(seed: u32) {
    let (opened, file) = opened();
    let network = Opened::of(Shape::MNIST);
    file.fill(0);
    if let Some(mut weights) = network.weights_mut(file) {
        fill_initial(&mut weights, seed.into(), INIT_SCALE);
    }
    *opened = Some(network);
    *HOW.lend() = ARTICLE;
}

/// Puts the drawing at place `at` of a piece: as it is for seed 0, and as other hands would draw it for others.
#[unsafe(no_mangle)]
pub extern "C" fn copy(at: usize, seed: u32, label: u8) {
    let drawing = DRAWING.lend();
    let Some((image, place)) = IMAGES.lend().as_chunks_mut::<PIXELS>().0.iter_mut().zip(LABELS.lend()).nth(at) else {
        return;
    };
    *place = label;
    image.copy_from_slice(drawing);
    if seed > 0 {
        let done = COPIES.apply(drawing, SIDE, seed.into(), DISTORTING.lend(), image);
        debug_assert!(done.is_ok(), "{done:?}");
    }
}

/// Trains on a piece of `count` samples: the sum of their losses, or NaN if they are too many, a label is not 0 to 9, or there is no
/// f32 network.
#[unsafe(no_mangle)]
pub extern "C" fn train(count: usize) -> f64 {
    let (opened, file) = opened();
    let weights = opened.and_then(|opened| opened.weights_mut(file));
    let (images, labels) = (IMAGES.lend(), LABELS.lend());
    let piece = images.get(..count.saturating_mul(PIXELS)).zip(labels.get(..count));
    let (Some(weights), Some((images, labels))) = (weights, piece) else { return f64::NAN };
    step(weights, *HOW.lend(), images, labels)
}

/// One step a sample: the sum of their losses.
fn step(weights: WeightsMut<'_>, how: TrainOptions, images: &[u8], labels: &[u8]) -> f64 {
    let trained = Trainer::new(weights, TRAINING.lend(), how).and_then(|mut trainer| trainer.train(images, labels));
    trained.map_or(f64::NAN, |loss| loss.sum)
}

/// How many of a piece's `count` samples the network has right.
#[unsafe(no_mangle)]
pub extern "C" fn test(count: usize) -> usize {
    let (opened, file) = opened();
    let Some(network) = opened.and_then(|opened| opened.network(file)) else { return 0 };
    let (images, scratch) = (IMAGES.lend().as_chunks::<PIXELS>().0, TESTING.lend());
    let samples = images.iter().zip(LABELS.lend()).zip(ANSWERS.lend());
    let mut right = 0;
    for ((image, label), place) in samples.take(count) {
        let Ok(outputs) = network.outputs(image, scratch) else { return 0 };
        let (class, margin) = match outputs {
            AnyOutputs::F32(outputs) => {
                let Answer { class, margin } = Answer::of(outputs);
                (class, margin.units())
            }
            AnyOutputs::Integer(outputs) => {
                let Answer { class, margin } = Answer::of(outputs);
                (class, margin)
            }
        };
        let correct = class == *label;
        *place = [margin, correct.into()];
        right += usize::from(correct);
    }
    right
}

/// Makes the model one that can be taught, with the `count` built-in digits of the piece: integer weights become f32, and the loss is
/// that by which the network seems to have been trained. 0, or −1 if there is no model.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(count: usize) -> i32 {
    let (model, file) = opened();
    let Some(opened) = *model else { return -1 };
    let labels = LABELS.lend().get(..count).unwrap_or_default();
    let images = IMAGES.lend().get(..labels.len() * PIXELS).unwrap_or_default();
    let how = HOW.lend();
    if let Kind::Quantized(_) = opened.kind {
        let Some(network) = in_f32(opened, file) else { return -1 };
        *model = Some(network);
        *how = TrainOptions { alpha: FURTHER, loss: LossFunction::CrossEntropy, ..ARTICLE };
        return network.weights_mut(file).map_or(-1, |mut weights| {
            let found = scale(weights.reborrow(), images, labels);
            balance(weights);
            found
        });
    }
    let (Some(network), scratch) = (opened.network(file), TESTING.lend()) else { return -1 };
    // By squared error, outputs become 0 and 1; by cross-entropy, they have no such bounds.
    let error = images.as_chunks::<PIXELS>().0.iter().zip(labels).map(|(image, &label)| {
        let Ok(AnyOutputs::F32(outputs)) = network.outputs(image, scratch) else { return 0.0 };
        let target = |class| if class == usize::from(label) { 1.0 } else { 0.0 };
        outputs.iter().enumerate().map(|(class, output)| (output - target(class)) * (output - target(class))).sum()
    });
    let error: f32 = error.sum();
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let squared = error < labels.len() as f32;
    *how = if squared { ARTICLE } else { TrainOptions { alpha: FURTHER, loss: LossFunction::CrossEntropy, ..ARTICLE } };
    0
}

/// Writes the weights of a quantised network as f32, so that the hidden units and the outputs are what they were, but for rounding and
/// but for a factor.
fn in_f32(from: Opened, file: &mut [u32]) -> Option<Opened> {
    let shape = from.shape;
    let AnyNetwork::Integer(network) = from.network(file)? else { return None };
    let numbers = IN_F32.lend().get_mut(..shape.weights_len())?;
    numbers.fill(0.0);
    let mut weights = WeightsMut::new(shape, numbers).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "2 to 2²⁴")]
    let unit = (1_u32 << network.shift()) as f32;
    for hidden in 0..shape.hidden() {
        for input in 0..shape.inputs() {
            *weights.w1_mut(input, hidden)? = f32::from(network.w1(input, hidden)?) / (LEVEL * unit);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "up to 2²³")]
    for (hidden, bias) in network.hidden_biases().enumerate() {
        *weights.b1_mut(hidden)? = bias as f32 / unit;
    }
    let mut second = network.second_layer().iter();
    for hidden in 0..shape.hidden() {
        for (output, weight) in second.by_ref().take(shape.outputs()).enumerate() {
            *weights.w2_mut(hidden, output)? = f32::from(*weight);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "up to 2²³")]
    for (output, bias) in network.output_biases().enumerate() {
        *weights.b2_mut(output)? = bias as f32;
    }
    let made = Opened::of(shape);
    let copied = made.weights_mut(file)?.view().numbers().len();
    let place = bytemuck::cast_slice_mut(file).get_mut(twolayer::model::HEADER_LEN / 4..)?.get_mut(..copied)?;
    place.copy_from_slice(weights.view().numbers());
    Some(made)
}

/// Halves the outputs until cross-entropy is least.
fn scale(mut weights: WeightsMut<'_>, images: &[u8], labels: &[u8]) -> i32 {
    let mut least = f64::INFINITY;
    let times = |weights: &mut WeightsMut<'_>, factor: f32| {
        let shape = weights.shape();
        for output in 0..shape.outputs() {
            for hidden in 0..shape.hidden() {
                if let Some(weight) = weights.w2_mut(hidden, output) {
                    *weight *= factor;
                }
            }
            if let Some(bias) = weights.b2_mut(output) {
                *bias *= factor;
            }
        }
    };
    // A rate so small that nothing is learnt: it is the losses that are asked for.
    let still = TrainOptions { alpha: f32::MIN_POSITIVE, loss: LossFunction::CrossEntropy, ..ARTICLE };
    for _ in 0..32 {
        times(&mut weights, 0.5);
        let loss = step(weights.reborrow(), still, images, labels);
        if loss > least {
            times(&mut weights, 2.0);
            return 0;
        }
        if loss.is_finite() {
            least = loss;
        }
    }
    -1
}

/// Makes the weights to and from each hidden unit as large as each other, which changes no output: so they are in networks that were
/// trained in f32, where one rate suits both layers.
fn balance(mut weights: WeightsMut<'_>) {
    let shape = weights.shape();
    let square = |sum, weight: Option<f32>| sum + weight.unwrap_or_default() * weight.unwrap_or_default();
    for unit in 0..shape.hidden() {
        let view = weights.view();
        let to: f32 = (0..shape.inputs()).map(|input| view.w1(input, unit)).fold(0.0, square);
        let from: f32 = (0..shape.outputs()).map(|output| view.w2(unit, output)).fold(0.0, square);
        // A power of two, which rounds nothing: the sum for the one changes fourfold by it, and for the other as well.
        let (mut factor, mut ratio) = (1.0_f32, from / to);
        if !(ratio.is_finite() && ratio > 0.0) {
            continue;
        }
        while ratio > 4.0 {
            (factor, ratio) = (factor * 2.0, ratio / 16.0);
        }
        while ratio < 0.25 {
            (factor, ratio) = (factor / 2.0, ratio * 16.0);
        }
        for input in 0..shape.inputs() {
            if let Some(weight) = weights.w1_mut(input, unit) {
                *weight *= factor;
            }
        }
        if let Some(bias) = weights.b1_mut(unit) {
            *bias *= factor;
        }
        for output in 0..shape.outputs() {
            if let Some(weight) = weights.w2_mut(unit, output) {
                *weight /= factor;
            }
        }
    }
}

/// Teaches the second layer the piece's `count` samples, at most 64, until each is right with a margin at which 90 of 100 answers are:
/// the steps that it took.
#[unsafe(no_mangle)]
pub extern "C" fn second(count: usize) -> u32 {
    let (Some(opened), file) = opened() else { return 0 };
    let (images, labels) = (IMAGES.lend().as_chunks::<PIXELS>().0, LABELS.lend());
    let (scratch, units) = (TESTING.lend(), HIDDEN_UNITS.lend());
    for (image, units) in images.iter().zip(units.iter_mut()).take(count) {
        opened.hidden(file, image, scratch, units);
    }
    let goal = opened.confidence.and_then(|table| table.steps().find(|&(_, percent)| percent >= 90));
    #[expect(clippy::cast_precision_loss, reason = "a goal need not be exact")]
    let goal = goal.map_or(0.5, |(margin, _)| margin as f32 / Confidence::F32_UNITS);
    let Some(mut weights) = opened.weights_mut(file) else { return 0 };
    let mut steps = 0;
    for _ in 0..TIMES {
        for (units, &label) in units.iter().zip(labels.iter()).take(count) {
            let units = units.get(..opened.shape.hidden()).unwrap_or_default();
            steps += u32::from(towards(&mut weights, units, label.into(), goal));
        }
    }
    steps
}

/// Moves the weights of the right output and of the largest other one half of the way to where the margin is `goal` (passive-aggressive,
/// Crammer and others, 2006), unless it is larger already: was it moved?
fn towards(weights: &mut WeightsMut<'_>, units: &[f32], label: usize, goal: f32) -> bool {
    let output = |weights: Weights<'_>, class| {
        let bias = weights.b2(class).unwrap_or_default();
        units.iter().enumerate().fold(bias, |sum, (unit, h)| sum + h * weights.w2(unit, class).unwrap_or_default())
    };
    let (mut other, mut largest) = (label, f32::NEG_INFINITY);
    for class in (0..weights.shape().outputs()).filter(|class| *class != label) {
        let found = output(weights.view(), class);
        if found > largest {
            (other, largest) = (class, found);
        }
    }
    let missing = goal - (output(weights.view(), label) - largest);
    let square: f32 = units.iter().map(|h| h * h).sum();
    if missing <= 0.0 || square <= 0.0 {
        return false;
    }
    let step = missing / (4.0 * square);
    for (unit, h) in units.iter().enumerate() {
        for (class, step) in [(label, step), (other, -step)] {
            if let Some(weight) = weights.w2_mut(unit, class) {
                *weight += step * h;
            }
        }
    }
    true
}
