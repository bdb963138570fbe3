//! Our networks, their memory and their payloads.

use crate::{Anything, SHAPE};
use twolayer::host::{OwnedWeights, PageBuffer, Quantized};
use twolayer::int::{PackedNetwork, QuantizedNetwork};
use twolayer::{Answer, Backend, Bits, INIT_SCALE, Network, Shape, TrainOptions, Trainer, fill_initial};

pub(crate) fn options(backend: Backend, block: usize) -> TrainOptions {
    TrainOptions { backend, block, ..TrainOptions::default() }
}

/// Initial weights, and scratch for training.
pub(crate) fn memory(shape: Shape, block: usize) -> Result<(OwnedWeights, PageBuffer), Anything> {
    let mut weights = OwnedWeights::zeros(shape)?;
    fill_initial(&mut weights.view_mut(), 1, INIT_SCALE);
    let mut scratch = PageBuffer::zeros(Trainer::scratch_len(shape, block))?;
    // As short as weights are after training, whoever classifies with them.
    Trainer::new(weights.view_mut(), &mut scratch, TrainOptions { block, ..TrainOptions::default() })?;
    Ok((weights, scratch))
}

/// The classes of many images.
pub(crate) fn classify<const N: usize>(network: &Network, images: &[u8], scratch: &mut [f32]) -> [u8; N] {
    let mut outputs = network.outputs_batch(images, scratch).expect("valid buffers").chunks(SHAPE.outputs());
    core::array::from_fn(|_| Answer::of(outputs.next().unwrap_or_default()).class)
}

/// A quantised network. Its weights do not matter to the time.
pub(crate) fn quantized(shape: Shape, bits: Bits) -> Result<Quantized, Anything> {
    let len = QuantizedNetwork::payload_len(shape, bits)?;
    let words = (0_u32..).take(len.div_ceil(4)).map(|i| i.wrapping_mul(2_654_435_761));
    let mut payload: Vec<u8> = words.flat_map(u32::to_le_bytes).take(len).collect();
    payload[..16].fill(0);
    payload[0] = 12;
    Ok(Quantized::new(shape, bits, &payload)?)
}

pub(crate) fn packed<'m>(
    network: &QuantizedNetwork<'_, true>,
    memory: &'m mut PageBuffer,
    backend: Backend,
) -> Result<PackedNetwork<'m>, Anything> {
    Ok(PackedNetwork::new(network, bytemuck::cast_slice_mut(memory), backend)?)
}
