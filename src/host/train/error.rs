//! What can go wrong in training and evaluation.

use crate::host::data::SetError;
use crate::host::files::FileError;
use crate::net::{SizeError, TrainError};

/// Why a network cannot be trained or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// Training diverged: the loss or a weight is infinite or NaN.
    #[error("training diverged in epoch {epoch}, before sample {sample}: the loss is no longer a finite number")]
    Diverged {
        /// The epoch, counted from 1.
        epoch: u32,
        /// The number of samples of this epoch after which it was detected.
        sample: usize,
        /// The learning rate.
        alpha: f32,
    },
    /// All hidden units are dead: none is active for any test image, so the network cannot learn any more.
    #[error("all hidden units are dead after epoch {epoch}: none is active for any test image")]
    Dead {
        /// The epoch, counted from 1.
        epoch: u32,
        /// The learning rate at the start.
        alpha: f32,
    },
}
