//! Our networks, their memory and their payloads.

use crate::{Anything, SHAPE};
use twolayer::host::Numbers;
use twolayer::int8::{Bits, PackedNetwork, QuantizedNetwork};
use twolayer::{Backend, INIT_SCALE, Network, Options, Shape, Trainer, fill_initial};

pub(crate) fn options(backend: Backend, block: usize) -> Options {
    Options { backend, block, ..Options::default() }
}

/// Initial weights, and scratch for training.
pub(crate) fn memory(shape: Shape, block: usize) -> Result<(Numbers, Numbers), Anything> {
    let mut weights = Numbers::zeros(shape.weights_len())?;
    fill_initial(shape, &mut weights, 1, INIT_SCALE);
    Ok((weights, Numbers::zeros(Trainer::scratch_len(shape, block))?))
}

pub(crate) fn network(weights: &[f32], backend: Backend) -> Result<Network<'_>, Anything> {
    Ok(Network::new(SHAPE, weights, backend)?)
}

/// The classes of one image or of many.
pub(crate) fn classify<const N: usize>(network: &Network, images: &[u8], scratch: &mut [f32]) -> [u8; N] {
    let mut classes = [0; N];
    network.classify(images, scratch, &mut classes).expect("valid buffers");
    classes
}

/// Numbers of a quantised network. Which ones they are is no matter to the time.
pub(crate) fn payload(bits: Bits) -> Result<Numbers, Anything> {
    let mut payload = Numbers::zeros(bits.payload_len(SHAPE).ok_or("a payload")?.div_ceil(4))?;
    let words: &mut [u32] = bytemuck::cast_slice_mut(&mut payload);
    (0_u32..).zip(&mut *words).for_each(|(i, word)| *word = i.wrapping_mul(2_654_435_761));
    words[..4].copy_from_slice(&[12, 0, 0, 0]);
    Ok(payload)
}

pub(crate) fn quantized(bits: Bits, payload: &Numbers) -> Result<QuantizedNetwork<'_>, Anything> {
    let bytes = bits.payload_len(SHAPE).and_then(|len| bytemuck::cast_slice(payload).get(..len));
    Ok(QuantizedNetwork::new(SHAPE, bits, bytes.unwrap_or_default())?)
}

pub(crate) fn packed<'m>(
    network: &QuantizedNetwork,
    memory: &'m mut Numbers,
    backend: Backend,
) -> Result<PackedNetwork<'m>, Anything> {
    Ok(PackedNetwork::new(network, bytemuck::cast_slice_mut(memory), backend)?)
}
