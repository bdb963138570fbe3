//! What is made of a block's images before any weight is looked at: lists of their nonzero pixels, and Gram numbers.

use crate::base::{Scratch, padded};
use crate::net::kernel::HIDDEN_BIAS_SQUARE;
use crate::net::kernel::gram::{Wide, gram, most_vectors, vectors};
use crate::net::kernel::pixels::{ByInput, BySample, CHUNK};
use crate::net::{Shape, network_input, network_input_len};
use crate::simd::{Backend, Isa, TierFn};
use core::num::NonZeroUsize;

/// The pixels of a block's images, listed, and the Gram numbers of its corrections.
#[derive(Debug)]
pub(crate) struct Lists<'a> {
    shape: Shape,
    /// Those of the shape: by itself, so that the compiler sees that it is not zero and links no panic into firmware.
    inputs: NonZeroUsize,
    block: NonZeroUsize,
    pub(crate) samples: usize,
    /// Room for the block's inputs, where they are not the pixels.
    prepared: &'a mut [u8],
    pub(super) by_sample: BySample<'a>,
    pub(super) by_input: ByInput<'a>,
    /// `[samples][samples]`, with room for a whole block.
    pub(super) gram: &'a mut [f32],
    /// The images as vectors: `[samples][vectors]`.
    wide: &'a mut [Wide],
}

impl<'a> Lists<'a> {
    pub(super) const fn scratch_len(shape: Shape, block: usize) -> usize {
        let inputs = shape.inputs();
        BySample::scratch_len(inputs, CHUNK, block)
            .saturating_add(ByInput::scratch_len(inputs, block))
            .saturating_add(padded(block.saturating_mul(block)))
            .saturating_add(padded(block.saturating_mul(wide_len(shape.rows().0))))
            .saturating_add(padded(network_input_len(shape, block).div_ceil(4)))
    }

    pub(super) fn new(shape: Shape, block: NonZeroUsize, scratch: &mut Scratch<'a>) -> Self {
        let (inputs, _) = shape.rows();
        let prepared = scratch.take(network_input_len(shape, block.get()).div_ceil(4));
        Self {
            shape,
            block,
            samples: 0,
            prepared: bytemuck::cast_slice_mut(prepared),
            inputs,
            wide: scratch.take_as(block.get() * wide_len(inputs)),
            gram: scratch.take(block.get() * block.get()),
            by_sample: BySample::new(inputs, CHUNK, block.get(), scratch),
            by_input: ByInput::new(inputs, block.get(), scratch),
        }
    }

    /// Lists the inputs for `images`, as many as a block has at most; or none.
    pub(super) fn fill(&mut self, images: &[u8], backend: Backend) {
        let prepared = core::mem::take(&mut self.prepared);
        let inputs = network_input(&self.shape, images, prepared);
        self.samples = inputs.len() / self.shape.rows().0;
        debug_assert!(self.samples <= self.block.get(), "{} images, blocks of {}", self.samples, self.block);
        if self.samples > 0 {
            backend.run(Prepare { lists: self, images: inputs });
        }
        self.prepared = prepared;
    }
}

/// Fills the lists and computes the Gram numbers of a block's images.
struct Prepare<'p, 'a> {
    lists: &'p mut Lists<'a>,
    images: &'p [u8],
}

impl TierFn for Prepare<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn call<I: Isa>(self, isa: I) {
        let Self { lists, images } = self;
        let Lists { shape, inputs, block, by_sample, by_input, gram: products, wide, .. } = lists;
        let constant = if shape.has_biases() { HIDDEN_BIAS_SQUARE } else { 0 };
        by_sample.fill(isa, images);
        by_input.fill(images, by_sample);
        let (images, vectors) = vectors::<I>(images, *inputs, wide);
        gram(isa, images, vectors, constant, products, *block);
    }
}

/// The numbers of scratch in which the vectors of one image lie.
const fn wide_len(inputs: NonZeroUsize) -> usize {
    most_vectors(inputs).get() * size_of::<Wide>() / size_of::<f32>()
}
