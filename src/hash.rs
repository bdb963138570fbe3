//! A fingerprint of trained weights, to compare runs on different machines.

use crate::shape::Shape;

/// FNV-1a (64 bits) over the weights' bits, four little-endian bytes each: W1 input by input, then W2 hidden unit by
/// hidden unit. It does not depend on how weights lie in memory; a weight that is missing counts as zero.
#[must_use]
pub fn weights_hash(shape: Shape, weights: &[f32]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325;
    let mut add = |index: usize| {
        for byte in weights.get(index).copied().unwrap_or(0.0).to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    };
    for input in 0..shape.inputs() {
        (0..shape.hidden()).for_each(|hidden| add(shape.w1_index(input, hidden)));
    }
    for hidden in 0..shape.hidden() {
        (0..shape.outputs()).for_each(|output| add(shape.w2_index(hidden, output)));
    }
    hash
}
