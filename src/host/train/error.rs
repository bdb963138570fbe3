//! What can go wrong in training and evaluation.

use crate::host::data::SetError;
use crate::host::files::{FileError, printable};
use crate::net::{Shape, SizeError, TrainError};
use std::path::PathBuf;

/// Why a network cannot be trained or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum TrainingError {
    /// Out of memory, or a file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The images or labels do not fit the network.
    #[error(transparent)]
    Set(#[from] SetError),
    /// The size of the network is out of range, or a buffer has the wrong length.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// A setting is out of range.
    #[error(transparent)]
    Trainer(#[from] TrainError),
    /// One of several networks, counted from 0, does not take the images of the others, or has another number of classes: a teacher,
    /// or a network of an ensemble.
    #[error(
        "network {} of several takes images of {} pixels and has {} classes; expected {} pixels and {} classes",
        place + 1, found.pixels(), found.outputs(), expected.pixels(), expected.outputs()
    )]
    Unlike { place: usize, found: Shape, expected: Shape },
    /// The outputs for an image are infinite or not a number, though all weights are finite.
    #[error("the outputs of the network are not finite numbers: its weights are too large")]
    NotFinite,
    /// Training diverged: the loss or a weight is infinite or NaN. It was detected after `sample` samples of the epoch, which is
    /// counted from 1, at the learning rate `alpha`.
    #[error("training diverged in epoch {epoch}, before sample {sample}: the loss is no longer a finite number")]
    Diverged { epoch: u32, sample: usize, alpha: f32 },
    /// The training images are 0 throughout, or training failed because they or the test images are of one other level.
    #[error("{}: the images are blank: every pixel is {level}", printable(images))]
    Blank { images: PathBuf, level: u8 },
    /// All hidden units are dead: none is active for any test image, so the network cannot learn any more. Epochs are counted
    /// from 1; `alpha` is the learning rate at the start.
    #[error("all hidden units are dead after epoch {epoch}: none is active for any test image")]
    Dead { epoch: u32, alpha: f32 },
}
