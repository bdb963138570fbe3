//! Samples, a piece at a time: the page (or a function here) puts them where [`images`] and [`labels`] are, and calls.
#![expect(unsafe_code, reason = "exported functions have names that must be unique")]

use crate::Shared;
use twolayer::{LearningRates, TrainOptions, digit};

/// Pixels of an image.
pub(crate) const PIXELS: usize = 28 * 28;
/// The most samples of a piece. All pieces of an epoch but the last must have as many, since blocks are counted from a piece's
/// first sample. The page that teaches shows what happens after each, and has smaller ones.
pub(crate) const PIECE: usize = TrainOptions::BLOCK * if cfg!(feature = "train") { LearningRates::BLOCKS } else { 32 };

pub(crate) static IMAGES: Shared<[u8; PIECE * PIXELS]> = Shared::new([0; _]);
pub(crate) static LABELS: Shared<[u8; PIECE]> = Shared::new([0; _]);

/// The most samples of a piece.
#[unsafe(no_mangle)]
pub extern "C" fn piece() -> usize {
    PIECE
}

/// Where a piece's images are.
#[unsafe(no_mangle)]
pub extern "C" fn images() -> *const u8 {
    IMAGES.address().cast()
}

/// Where their labels are.
#[unsafe(no_mangle)]
pub extern "C" fn labels() -> *const u8 {
    LABELS.address().cast()
}

/// Makes `count` of the built-in digits, from number `first` on, as a piece: `twolayer data digits` writes the same.
#[unsafe(no_mangle)]
pub extern "C" fn make(seed: u32, first: u32, count: usize) {
    let (images, labels) = (IMAGES.lend(), LABELS.lend());
    let samples = images.as_chunks_mut::<PIXELS>().0.iter_mut().zip(labels);
    for ((image, label), index) in samples.take(count).zip(first..) {
        (*image, *label) = digit(seed.into(), index);
    }
}
