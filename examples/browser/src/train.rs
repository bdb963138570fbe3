//! Trains the article's network, by its recipe or as `twolayer train --recipe good` does, a piece of the samples at a time, and tests
//! it.
#![expect(unsafe_code, reason = "exported functions have names that must be unique")]

use crate::Shared;
use crate::samples::{IMAGES, LABELS, PIECE, PIXELS};
use core::num::NonZeroUsize;
use twolayer::{
    Answer, Backend, Distortion, INIT_SCALE, Kind, LearningRates, LossFunction, Network, SampleOrder, Shape,
    TrainOptions, Trainer, Weights, WeightsMut, fill_initial, fill_scaled, model, redraw, weights_hash,
};

const SHAPE: Shape = Shape::MNIST;
/// The most samples that can be shuffled.
const SAMPLES: usize = 1 << 16;
const SIDE: NonZeroUsize = NonZeroUsize::new(28).unwrap();
/// Images that are classified at once.
const BATCH: usize = 32;

static WEIGHTS: Shared<[f32; SHAPE.weights_len()]> = Shared::new([0.0; _]);
static SCRATCH: Shared<[f32; Trainer::scratch_len(SHAPE, TrainOptions::BLOCK)]> = Shared::new([0.0; _]);
static TEST_SCRATCH: Shared<[f32; Network::batch_scratch_len(SHAPE, BATCH)]> = Shared::new([0.0; _]);
static RUN: Shared<Option<Run>> = Shared::new(None);
static ORDER: Shared<[u32; SAMPLES]> = Shared::new([0; _]);
static DISTORTED: Shared<[u8; PIECE * PIXELS]> = Shared::new([0; _]);
static DISTORT_SCRATCH: Shared<[i32; Distortion::scratch_len(28, 28)]> = Shared::new([0; _]);
static HEADER: Shared<[u8; model::HEADER_LEN]> = Shared::new([0; _]);

/// A run, as it was started.
struct Run {
    seed: u64,
    epochs: usize,
    /// Of the recipe good; the article's has none.
    distortion: Option<Distortion>,
    order: SampleOrder,
}

/// Where the weights are: the payload of a model file.
#[unsafe(no_mangle)]
pub extern "C" fn weights() -> *const u8 {
    WEIGHTS.address().cast()
}

/// The bytes of the weights.
#[unsafe(no_mangle)]
pub extern "C" fn weights_bytes() -> usize {
    size_of::<f32>() * SHAPE.weights_len()
}

/// Starts a run of so many epochs: makes the initial weights of a seed. `recipe` is 0 for the article's, 1 for good, and 2 for good with
/// what other hands do, for digits.
#[unsafe(no_mangle)]
pub extern "C" fn start(seed: u32, recipe: u32, epochs: usize) {
    let seed = seed.into();
    let distortion = match recipe {
        0 => None,
        1 => Some(Distortion { percent: 80, hands: 0 }),
        _ => Some(Distortion { percent: 80, hands: 100 }),
    };
    if let Ok(mut weights) = WeightsMut::new(SHAPE, WEIGHTS.lend()) {
        match distortion {
            None => fill_initial(&mut weights, seed, INIT_SCALE),
            Some(_) => fill_scaled(&mut weights, seed),
        }
    }
    for (place, number) in ORDER.lend().iter_mut().zip(0..) {
        *place = number;
    }
    *RUN.lend() = Some(Run { seed, epochs, distortion, order: SampleOrder::new(seed) });
}

/// Where the numbers of `count` samples are, in the order of the next epoch; null if that is the order in which they lie, or if they are
/// too many to be shuffled.
#[unsafe(no_mangle)]
pub extern "C" fn order(count: usize) -> *const u32 {
    let Some(Run { distortion: Some(_), order, .. }) = RUN.lend() else { return core::ptr::null() };
    let Some(numbers) = ORDER.lend().get_mut(..count) else { return core::ptr::null() };
    order.shuffle(numbers);
    ORDER.address().cast()
}

/// Trains on a piece of `count` samples, which begins at sample `first` of `all` in this epoch, counted from 1: the sum of their
/// losses, or NaN if they are too many or a label is not 0 to 9.
#[unsafe(no_mangle)]
pub extern "C" fn train(count: usize, first: usize, all: usize, epoch: u32) -> f64 {
    let (images, labels) = (IMAGES.lend(), LABELS.lend());
    let (Some(mut images), Some(labels)) = (images.get(..count * PIXELS), labels.get(..count)) else {
        return f64::NAN;
    };
    let Some(run) = RUN.lend() else { return f64::NAN };
    let mut options = TrainOptions { backend: Backend::baseline(), ..TrainOptions::default() };
    if let Some(distortion) = run.distortion {
        let done = all * (epoch as usize).saturating_sub(1) + first;
        options.alpha = LearningRates::BEST.after(done, all * run.epochs);
        options.loss = LossFunction::CrossEntropy;
        let numbers = ORDER.lend().get(first..).unwrap_or_default();
        let distorted = DISTORTED.lend().get_mut(..images.len()).unwrap_or_default();
        let seeds = numbers.iter().map(|&number| Distortion::seed(run.seed, epoch, number.into()));
        distort(distortion, images, labels, seeds, distorted);
        images = distorted;
    }
    let Ok(weights) = WeightsMut::new(SHAPE, WEIGHTS.lend()) else { return f64::NAN };
    let trained = Trainer::new(weights, SCRATCH.lend(), options).and_then(|mut trainer| trainer.train(images, labels));
    trained.map_or(f64::NAN, |loss| loss.sum)
}

/// Distorts images, each by its seed.
fn distort(by: Distortion, images: &[u8], labels: &[u8], seeds: impl Iterator<Item = u64>, distorted: &mut [u8]) {
    let images = images.as_chunks::<PIXELS>().0;
    let distorted = distorted.as_chunks_mut::<PIXELS>().0;
    let scratch = DISTORT_SCRATCH.lend();
    for (((image, &label), seed), distorted) in images.iter().zip(labels).zip(seeds).zip(distorted) {
        let drawn = by.redraws(seed).then(|| redraw(label, seed));
        let done = by.apply(drawn.as_ref().unwrap_or(image), SIDE, seed, scratch, distorted);
        debug_assert!(done.is_ok(), "{done:?}");
    }
}

/// How many of a piece's `count` samples the network has right.
#[unsafe(no_mangle)]
pub extern "C" fn test(count: usize) -> usize {
    let (images, labels, scratch) = (IMAGES.lend(), LABELS.lend(), TEST_SCRATCH.lend());
    let Ok(weights) = Weights::new(SHAPE, WEIGHTS.lend()) else { return 0 };
    let network = Network::new(weights, Backend::baseline());
    let labels = labels.get(..count).unwrap_or_default();
    let batches = images.chunks(BATCH * PIXELS).zip(labels.chunks(BATCH));
    let right = batches.map(|(images, labels)| {
        let images = images.get(..labels.len() * PIXELS).unwrap_or_default();
        let outputs = network.outputs_batch(images, scratch).unwrap_or_default().chunks(SHAPE.outputs());
        outputs.zip(labels).filter(|(outputs, label)| Answer::of(outputs).class == **label).count()
    });
    right.sum()
}

/// The hash of the weights, as `twolayer train` prints it.
#[unsafe(no_mangle)]
pub extern "C" fn hash() -> u64 {
    Weights::new(SHAPE, WEIGHTS.lend()).map_or(0, weights_hash)
}

/// Where the header of a model file with these weights is; its 64 bytes and those of the weights are the file.
#[unsafe(no_mangle)]
pub extern "C" fn header() -> *const u8 {
    let payload = bytemuck::cast_slice(WEIGHTS.lend().as_slice());
    if let Ok(header) = model::header(Kind::F32, SHAPE, model::Details::default(), payload) {
        *HEADER.lend() = header;
    }
    HEADER.address().cast()
}
