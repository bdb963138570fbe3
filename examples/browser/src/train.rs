//! Trains the article's network, a piece of the samples at a time, and tests it.
#![expect(unsafe_code, reason = "exported functions have names that must be unique")]

use crate::Shared;
use twolayer::{
    Answer, Backend, INIT_SCALE, Kind, Network, Shape, TrainOptions, Trainer, Weights, WeightsMut, digit, fill_initial,
    model, weights_hash,
};

const SHAPE: Shape = Shape::MNIST;
/// The most samples of a piece. All pieces of an epoch but the last must have as many, since blocks are counted from a piece's
/// first sample.
const PIECE: usize = 64 * TrainOptions::BLOCK;
/// Images that are classified at once.
const BATCH: usize = 32;

static IMAGES: Shared<[u8; PIECE * SHAPE.pixels()]> = Shared::new([0; _]);
static LABELS: Shared<[u8; PIECE]> = Shared::new([0; _]);
static WEIGHTS: Shared<[f32; SHAPE.weights_len()]> = Shared::new([0.0; _]);
static SCRATCH: Shared<[f32; Trainer::scratch_len(SHAPE, TrainOptions::BLOCK)]> = Shared::new([0.0; _]);
static TEST_SCRATCH: Shared<[f32; Network::batch_scratch_len(SHAPE, BATCH)]> = Shared::new([0.0; _]);
static HEADER: Shared<[u8; model::HEADER_LEN]> = Shared::new([0; _]);

/// The most samples of a piece.
#[unsafe(no_mangle)]
pub extern "C" fn piece() -> usize {
    PIECE
}

/// Where the page puts a piece's images.
#[unsafe(no_mangle)]
pub extern "C" fn images() -> *const u8 {
    IMAGES.address().cast()
}

/// Where the page puts their labels.
#[unsafe(no_mangle)]
pub extern "C" fn labels() -> *const u8 {
    LABELS.address().cast()
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

/// Makes the initial weights of a seed.
#[unsafe(no_mangle)]
pub extern "C" fn start(seed: u32) {
    if let Ok(mut weights) = WeightsMut::new(SHAPE, WEIGHTS.lend()) {
        fill_initial(&mut weights, seed.into(), INIT_SCALE);
    }
}

/// Makes `count` of the built-in digits, from number `first` on, as a piece: `twolayer data digits` writes the same.
#[unsafe(no_mangle)]
pub extern "C" fn make(seed: u32, first: u32, count: usize) {
    let (images, labels) = (IMAGES.lend(), LABELS.lend());
    let samples = images.as_chunks_mut::<{ SHAPE.pixels() }>().0.iter_mut().zip(labels);
    for ((image, label), index) in samples.take(count).zip(first..) {
        (*image, *label) = digit(seed.into(), index);
    }
}

/// Trains on a piece of `count` samples: the sum of their losses, or NaN if they are too many or a label is not 0 to 9.
#[unsafe(no_mangle)]
pub extern "C" fn train(count: usize) -> f64 {
    let (images, labels) = (IMAGES.lend(), LABELS.lend());
    let (Some(images), Some(labels)) = (images.get(..count * SHAPE.pixels()), labels.get(..count)) else {
        return f64::NAN;
    };
    let options = TrainOptions { backend: Backend::baseline(), ..TrainOptions::default() };
    let Ok(weights) = WeightsMut::new(SHAPE, WEIGHTS.lend()) else { return f64::NAN };
    let trained = Trainer::new(weights, SCRATCH.lend(), options).and_then(|mut trainer| trainer.train(images, labels));
    trained.map_or(f64::NAN, |loss| loss.sum)
}

/// How many of a piece's `count` samples the network has right.
#[unsafe(no_mangle)]
pub extern "C" fn test(count: usize) -> usize {
    let (images, labels, scratch) = (IMAGES.lend(), LABELS.lend(), TEST_SCRATCH.lend());
    let Ok(weights) = Weights::new(SHAPE, WEIGHTS.lend()) else { return 0 };
    let network = Network::new(weights, Backend::baseline());
    let labels = labels.get(..count).unwrap_or_default();
    let batches = images.chunks(BATCH * SHAPE.pixels()).zip(labels.chunks(BATCH));
    let right = batches.map(|(images, labels)| {
        let images = images.get(..labels.len() * SHAPE.pixels()).unwrap_or_default();
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
