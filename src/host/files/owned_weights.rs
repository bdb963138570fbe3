//! f32 weights in memory of their own.

use super::{FileError, PageBuffer};
use crate::net::{Shape, Weights, WeightsMut};

/// The f32 weights of a network, in memory of their own: the result of training, or a copy from a model file.
#[derive(Debug)]
pub struct OwnedWeights {
    shape: Shape,
    numbers: PageBuffer,
}

impl OwnedWeights {
    /// Weights that are all zero.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub fn zeros(shape: Shape) -> Result<Self, FileError> {
        Ok(Self { shape, numbers: PageBuffer::zeros(shape.weights_len())? })
    }

    /// Copies weights.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub fn copy_of(weights: Weights<'_>) -> Result<Self, FileError> {
        let mut copy = Self::zeros(weights.shape())?;
        copy.numbers.copy_from_slice(weights.numbers());
        Ok(copy)
    }

    /// A shared view of the weights.
    #[must_use]
    pub fn view(&self) -> Weights<'_> {
        Weights { shape: self.shape, numbers: &self.numbers }
    }

    /// A mutable view of the weights.
    #[must_use]
    pub fn view_mut(&mut self) -> WeightsMut<'_> {
        WeightsMut { shape: self.shape, numbers: &mut self.numbers }
    }
}
