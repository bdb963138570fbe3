//! Why a network cannot be trained.

use super::TrainOptions;
use crate::base::{from, messages};
use crate::net::SizeError;

/// Checks that there is one image of so many pixels for each label, and that every label is an output.
pub(crate) fn check_samples(pixels: usize, outputs: usize, images: &[u8], labels: &[u8]) -> Result<(), TrainError> {
    if Some(images.len()) != labels.len().checked_mul(pixels) {
        return Err(TrainError::Images { found: images.len(), labels: labels.len(), inputs: pixels });
    }
    match labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= outputs) {
        Some((sample, &found)) => Err(TrainError::Label { sample, found, outputs }),
        None => Ok(()),
    }
}

/// Why a network cannot be trained. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum TrainError {
    /// A size that cannot be, or a buffer of the wrong length.
    Size(SizeError),
    /// A learning rate that is not finite and above 0.
    Alpha { found: f32 },
    /// A block of no samples or of too many.
    Block { found: usize },
    /// Not one image for each label: `found` pixels, where one image has `inputs`.
    Images { found: usize, labels: usize, inputs: usize },
    /// A label that none of the outputs stands for. Samples are counted from 0.
    Label { sample: usize, found: u8, outputs: usize },
}

from! { TrainError: SizeError: |error| Self::Size(error); }

messages! { TrainError:
    Self::Size(error) => "{error}";
    Self::Alpha { found } => "a learning rate of {found}; it must be finite and above 0";
    Self::Block { found } => "a block of {found} samples; it takes 1 to {}", TrainOptions::MAX_BLOCK;
    Self::Images { found, labels, inputs } => "{found} pixels for {labels} labels; one image has {inputs} pixels";
    Self::Label { sample, found, outputs } =>
        "sample {sample} has label {found}; the network's classes are 0 to {}", outputs - 1;
}

impl core::error::Error for TrainError {}
