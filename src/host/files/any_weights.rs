//! The weights of a model of any kind, in memory.

use super::{OwnedWeights, Quantized};
use crate::int::PackedNetwork;
use crate::model::AnyNetwork;
use crate::net::{Network, SizeError};
use crate::simd::Backend;

/// The weights of a model of any kind, in memory: what [`ModelFile::any`](super::ModelFile::any) reads.
#[derive(Debug)]
pub enum AnyWeights {
    /// f32 weights.
    F32(OwnedWeights),
    /// Integer weights.
    Quantized(Quantized),
}

impl AnyWeights {
    /// The network. Integer weights are laid out in `memory`, which becomes as long as it must be.
    ///
    /// # Errors
    ///
    /// None, for `memory` is as long as it must be.
    pub fn network<'a>(&'a self, memory: &'a mut Vec<u32>, backend: Backend) -> Result<AnyNetwork<'a>, SizeError> {
        match self {
            Self::F32(weights) => Ok(AnyNetwork::F32(Network::new(weights.view(), backend))),
            Self::Quantized(quantized) => {
                memory.resize(PackedNetwork::memory_len(quantized.shape()), 0);
                Ok(AnyNetwork::Integer(PackedNetwork::new(&quantized.network(), memory, backend)?))
            }
        }
    }
}
