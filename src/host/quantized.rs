//! Quantising on a host: from a data set to an integer network, and what it costs in accuracy.

use super::dataset::Set;
use super::{Error, Evaluation, ModelFile};
use crate::int8::quantize::quantize;
use crate::int8::{Bits, PackedNetwork, QuantizedNetwork};
use crate::network::Network;
use crate::shape::Shape;
use crate::simd::Backend;
use std::path::Path;

/// An integer network that owns its payload.
#[derive(Clone, Debug)]
pub struct Quantized {
    shape: Shape,
    bits: Bits,
    /// The payload, in words so that it is aligned.
    words: Vec<u32>,
    /// Its bytes.
    len: usize,
}

impl Quantized {
    /// How many images are enough to choose scales by: more change nothing that can be measured.
    pub const IMAGES: usize = 10_000;

    /// Quantises a network of f32 weights, which lie as [`Shape`] says. All is chosen on the first `images` images of
    /// `set`, which should be a training set.
    ///
    /// # Errors
    ///
    /// When the set does not suit the network, or the network cannot be quantised.
    pub fn new(shape: Shape, weights: &[f32], bits: Bits, set: &Set, images: usize) -> Result<Self, Error> {
        set.check(shape.inputs(), shape.outputs())?;
        let at = |index: usize| weights.get(index).copied().unwrap_or(f32::NAN);
        let units = || 0..shape.hidden();
        let first: Vec<f32> =
            (0..shape.inputs()).flat_map(|input| units().map(move |unit| at(shape.w1_index(input, unit)))).collect();
        let second: Vec<f32> =
            units().flat_map(|unit| (0..shape.outputs()).map(move |o| at(shape.w2_index(unit, o)))).collect();
        let samples = set.images().chunks_exact(shape.inputs()).zip(set.labels().iter().copied()).take(images);
        let payload = quantize(shape, bits, &first, &second, samples)?;
        Ok(Self::from_payload(shape, bits, &payload))
    }

    /// A copy of a payload that fits the shape.
    pub(crate) fn from_payload(shape: Shape, bits: Bits, payload: &[u8]) -> Self {
        let mut words = vec![0; payload.len().div_ceil(4)];
        if let Some(bytes) = bytemuck::cast_slice_mut(&mut words).get_mut(..payload.len()) {
            bytes.copy_from_slice(payload);
        }
        Self { shape, bits, words, len: payload.len() }
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Bits of a weight of the first layer.
    #[must_use]
    pub const fn bits(&self) -> Bits {
        self.bits
    }

    /// The payload, as [`crate::int8`] says.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words).get(..self.len).unwrap_or_default()
    }

    /// The network over the payload.
    ///
    /// # Errors
    ///
    /// When the payload is not as [`crate::int8`] says, which happens with a file that another program wrote.
    pub fn network(&self) -> Result<QuantizedNetwork<'_>, Error> {
        Ok(QuantizedNetwork::new(self.shape, self.bits, self.payload())?)
    }

    /// The network laid out for SIMD in `memory`, which is made as long as it has to be.
    ///
    /// # Errors
    ///
    /// As [`network`](Self::network).
    pub fn packed<'m>(&self, memory: &'m mut Vec<u32>, backend: Backend) -> Result<PackedNetwork<'m>, Error> {
        memory.resize(PackedNetwork::memory_len(self.shape), 0);
        Ok(PackedNetwork::new(&self.network()?, memory, backend)?)
    }

    /// Writes a model file, as [`ModelFile::write`] does.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; a file of that name stays as it was then.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        ModelFile::write_payload(path, self.bits.into(), self.shape, self.payload())
    }
}

/// A network before and after it was quantised, on the same set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The f32 network.
    pub before: Evaluation,
    /// The integer network.
    pub after: Evaluation,
    /// The number of images for which both give the same class, right or wrong.
    pub agreed: usize,
}

impl Comparison {
    /// Classifies every image of `set` by both.
    ///
    /// # Errors
    ///
    /// When the images do not suit the networks.
    pub fn new(before: &Network<'_>, after: &PackedNetwork<'_>, set: &Set) -> Result<Self, Error> {
        let mut classes = [Vec::new(), Vec::new()];
        let [first, second] = &mut classes;
        let before = Evaluation::noting(before, set, first)?;
        let after = Evaluation::of_integers_noting(after, set, second)?;
        let agreed = first.iter().zip(second).filter(|(a, b)| a == b).count();
        Ok(Self { before, after, agreed })
    }

    /// What was gained, in points of a hundred; lost, if negative.
    #[must_use]
    pub fn points(&self) -> f64 {
        100.0 * (self.after.accuracy() - self.before.accuracy())
    }
}
