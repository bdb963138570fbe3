//! A network of any kind, for programs that take whatever model they are given.

use super::{Kind, Model, ModelError};
use crate::base::{Answer, Confidence};
use crate::int::PackedNetwork;
use crate::net::{Network, Shape, SizeError};
use crate::simd::Backend;

/// A network of f32 or integer weights, with biases or without, for images as they are, deslanted or halved.
///
/// Integer weights are laid out for SIMD in memory that the caller lends; on a microcontroller, [`Model::quantized`] reads them
/// where they lie.
///
/// ```
/// use twolayer::{AnyNetwork, Backend, Model};
///
/// # #[repr(align(16))]
/// # struct Aligned<T: ?Sized>(T);
/// # static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!("../../tests/models/biased-int8"));
/// # let bytes = &FILE.0;
/// let model = Model::from_bytes(bytes)?;
/// let mut memory = vec![0; AnyNetwork::memory_len(model.kind(), model.shape())];
/// let network = AnyNetwork::new(&model, &mut memory, Backend::detect())?;
/// let mut scratch = vec![0; network.scratch_len()];
/// let image = vec![0; network.shape().pixels()];
/// let answer = network.outputs(&image, &mut scratch)?.answer();
/// assert!(usize::from(answer.class) < network.shape().outputs());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum AnyNetwork<'a> {
    /// A network of f32 weights.
    F32(Network<'a>),
    /// A network of integer weights.
    Integer(PackedNetwork<'a>),
}

impl<'a> AnyNetwork<'a> {
    /// The memory that [`new`](Self::new) needs, in words of 32 bits; none for f32 weights.
    #[must_use]
    pub const fn memory_len(kind: Kind, shape: Shape) -> usize {
        match kind {
            Kind::F32 => 0,
            Kind::Quantized(_) => PackedNetwork::memory_len(shape),
        }
    }

    /// The network of a model.
    ///
    /// # Errors
    ///
    /// Those of [`Model::weights`] for f32 weights, and those of [`Model::quantized_any`] for integer weights, where `memory` has
    /// at least [`memory_len`](Self::memory_len) words; else [`SizeError::Memory`].
    pub fn new(model: &Model<'a>, memory: &'a mut [u32], backend: Backend) -> Result<Self, ModelError> {
        Ok(match model.kind() {
            Kind::F32 => Self::F32(model.network(backend)?),
            Kind::Quantized(_) => Self::Integer(PackedNetwork::new(&model.quantized_any()?, memory, backend)?),
        })
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        match self {
            Self::F32(network) => network.shape(),
            Self::Integer(network) => network.shape(),
        }
    }

    /// The scratch that [`outputs`](Self::outputs) needs, in words of 32 bits.
    #[must_use]
    pub const fn scratch_len(&self) -> usize {
        match self {
            Self::F32(network) => Network::scratch_len(network.shape()),
            Self::Integer(network) => PackedNetwork::scratch_len(network.shape()),
        }
    }

    /// The outputs of one image of [`Shape::pixels`] pixels. They are in `scratch`, which may hold anything before.
    ///
    /// # Errors
    ///
    /// [`SizeError::Pixels`] when `image` is not as long as the shape says, [`SizeError::Scratch`] when `scratch` is shorter than
    /// [`scratch_len`](Self::scratch_len).
    pub fn outputs<'s>(&self, image: &[u8], scratch: &'s mut [u32]) -> Result<AnyOutputs<'s>, SizeError> {
        Ok(match self {
            Self::F32(network) => AnyOutputs::F32(network.outputs(image, bytemuck::cast_slice_mut(scratch))?),
            Self::Integer(network) => AnyOutputs::Integer(network.outputs(image, scratch)?),
        })
    }
}

impl<'a> From<Network<'a>> for AnyNetwork<'a> {
    fn from(network: Network<'a>) -> Self {
        Self::F32(network)
    }
}

impl<'a> From<PackedNetwork<'a>> for AnyNetwork<'a> {
    fn from(network: PackedNetwork<'a>) -> Self {
        Self::Integer(network)
    }
}

/// The outputs of an [`AnyNetwork`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AnyOutputs<'s> {
    /// Of f32 weights.
    F32(&'s [f32]),
    /// Of integer weights.
    Integer(&'s [i32]),
}

impl AnyOutputs<'_> {
    /// The class and the margin that they stand for. The margin is exact.
    #[must_use]
    pub fn answer(self) -> Answer<f64> {
        match self {
            Self::F32(outputs) => Answer::of(outputs).into(),
            Self::Integer(outputs) => Answer::of(outputs).into(),
        }
    }

    /// How likely the answer is right, in per cent: [`Answer::confidence`].
    #[must_use]
    pub fn confidence(self, table: &Confidence) -> u8 {
        match self {
            Self::F32(outputs) => Answer::of(outputs).confidence(table),
            Self::Integer(outputs) => Answer::of(outputs).confidence(table),
        }
    }

    /// How sure they are, in per cent: [`Answer::sureness`].
    #[must_use]
    pub fn sureness(self) -> u8 {
        match self {
            Self::F32(outputs) => Answer::sureness(outputs),
            Self::Integer(outputs) => Answer::sureness(outputs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_answers_as_its_own_network_does() {
        for name in ["small", "biased", "int8", "int4", "biased-int8", "halved-int8", "halved-int4"] {
            let path = std::format!("{}/tests/models/{name}", env!("CARGO_MANIFEST_DIR"));
            let file = std::fs::read(&path).unwrap();
            let mut words = vec![0_u32; file.len().div_ceil(4)];
            let bytes = &mut bytemuck::cast_slice_mut(&mut words)[..file.len()];
            bytes.copy_from_slice(&file);
            let model = Model::from_bytes(bytes).unwrap();
            let mut memory = vec![0; AnyNetwork::memory_len(model.kind(), model.shape())];
            let network = AnyNetwork::new(&model, &mut memory, Backend::detect()).unwrap();
            let image: Vec<u8> = (0..model.shape().pixels()).map(|n| (n * 37 % 256).to_le_bytes()[0]).collect();
            let mut scratch = vec![0; network.scratch_len()];
            let found = network.outputs(&image, &mut scratch).unwrap();
            match model.kind() {
                Kind::F32 => {
                    let mut scratch = vec![0.0; Network::scratch_len(model.shape())];
                    let expected = model.network(Backend::baseline()).unwrap();
                    let expected = expected.outputs(&image, &mut scratch).unwrap();
                    assert_eq!(found, AnyOutputs::F32(expected), "{name}");
                    assert_eq!(found.answer(), Answer::of(expected).into());
                }
                Kind::Quantized(_) => {
                    let mut scratch = vec![0; crate::int::QuantizedNetwork::scratch_len(model.shape())];
                    let expected = model.quantized_any().unwrap();
                    let expected = expected.outputs(&image, &mut scratch).unwrap();
                    assert_eq!(found, AnyOutputs::Integer(expected), "{name}");
                    assert_eq!(found.answer(), Answer::of(expected).into());
                }
            }
            let expected = memory.len();
            if expected > 0 {
                let short = AnyNetwork::new(&model, &mut vec![0; expected - 1], Backend::detect()).unwrap_err();
                assert_eq!(short, SizeError::Memory { found: expected - 1, expected }.into());
            }
        }
    }
}
