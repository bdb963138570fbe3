//! Where the parts of a payload lie: the table in the [module's page](super), as numbers.

use super::{Bits, PROLOGUE, ROW_BYTES, ROW_WORDS};
use crate::net::Shape;

/// Where each part of a payload starts, in bytes; one ends where the next starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The biases of the outputs; nothing where there are none.
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "the core reads biases in rows"))]
    pub(crate) output_biases: usize,
    /// The biases of the units of all tiles; nothing where there are none.
    pub(crate) hidden_biases: usize,
    /// The tiles of the first layer.
    pub(crate) first: usize,
    /// The second layer.
    pub(crate) second: usize,
    /// The payload's length.
    pub(crate) len: usize,
}

impl Layout {
    /// The layout for a shape whose layers are no wider than a quantised network's may be: then nothing overflows, since the
    /// payload has fewer bytes than the shape's f32 weights, which a [`Shape`] keeps below 2 GiB.
    #[inline(always)] // so that a plain network has no code for biases
    pub(crate) const fn new(shape: Shape, bits: Bits, biases: bool) -> Self {
        let tiles = shape.hidden().div_ceil(bits.units());
        let hidden_biases = PROLOGUE + if biases { ROW_BYTES * shape.outputs().div_ceil(ROW_WORDS) } else { 0 };
        let first = hidden_biases + if biases { size_of::<i32>() * bits.units() * tiles } else { 0 };
        let second = first + shape.inputs() * tiles * ROW_BYTES;
        let len = second + shape.hidden() * shape.outputs();
        Self { output_biases: PROLOGUE, hidden_biases, first, second, len }
    }
}
