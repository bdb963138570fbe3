//! A fingerprint of trained weights, to compare runs on different machines.

use crate::net::Weights;

/// FNV-1a (64 bits) over the weights' bits, four little-endian bytes each, in the order of [`Weights::iter`]: how they lie
/// in memory does not matter.
#[must_use]
pub fn weights_hash(weights: Weights<'_>) -> u64 {
    weights
        .iter()
        .flat_map(f32::to_le_bytes)
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
