//! A quantised network that owns its payload, for hosts.

use crate::int::{Bits, Layout, QuantizedNetwork, ROW_BYTES};
use crate::model::ModelError;
use crate::net::Shape;

/// A quantised network that owns its payload: what [`quantize`](crate::host::quantize()) makes, or a copy of a file's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantized {
    shape: Shape,
    bits: Bits,
    /// The payload, in words so that it is aligned.
    words: Vec<u32>,
    /// Its bytes.
    len: usize,
}

impl Quantized {
    /// A copy of a payload.
    ///
    /// # Errors
    ///
    /// As [`QuantizedNetwork::new`]; the address of `payload` does not matter.
    pub fn new(shape: Shape, bits: Bits, payload: &[u8]) -> Result<Self, ModelError> {
        let mut copy = Self::zeros(shape, bits, payload.len());
        copy.payload_mut().copy_from_slice(payload);
        QuantizedNetwork::any(shape, bits, copy.payload())?;
        Ok(copy)
    }

    /// A payload of `len` zeros, which is none yet: its shift is out of range.
    pub(crate) fn zeros(shape: Shape, bits: Bits, len: usize) -> Self {
        Self { shape, bits, words: vec![0; len.div_ceil(4)], len }
    }

    /// The same network, for images or for the inputs that are made of them.
    pub(crate) fn with_shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
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

    /// The payload, as [`int`](crate::int) describes it; it starts at a multiple of 4.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    /// Where the parts of the payload lie.
    pub(crate) const fn layout(&self) -> Layout {
        Layout::new(self.shape, self.bits, self.shape.has_biases())
    }

    /// Where the weight from an input to a hidden unit lies: the byte, and the shift of its bits.
    fn place(&self, input: usize, unit: usize) -> (usize, usize) {
        let (tile, unit) = (unit / self.bits.units(), unit % self.bits.units());
        let row = self.layout().first + (tile * self.shape.inputs() + input) * ROW_BYTES;
        match self.bits {
            Bits::Eight => (row + unit, 0),
            Bits::Four => (row + unit / 2, 4 * (unit % 2)),
        }
    }

    /// The weight from an input to a hidden unit.
    pub(crate) fn first(&self, input: usize, unit: usize) -> i32 {
        let (at, shift) = self.place(input, unit);
        let stored = (self.payload()[at] >> shift) & self.mask();
        i32::from(stored) - i32::from(self.bits.bias())
    }

    /// Changes that weight; it is in range.
    pub(crate) fn set_first(&mut self, input: usize, unit: usize, weight: i32) {
        let ((at, shift), mask) = (self.place(input, unit), self.mask());
        let stored = (weight + i32::from(self.bits.bias())).to_le_bytes()[0] & mask;
        let byte = &mut self.payload_mut()[at];
        *byte = *byte & !(mask << shift) | stored << shift;
    }

    /// The bits of one weight.
    const fn mask(&self) -> u8 {
        u8::MAX >> (8 - self.bits.count())
    }

    /// The weight from a hidden unit to an output.
    pub(crate) fn second(&self, unit: usize, output: usize) -> i8 {
        self.payload()[self.layout().second + unit * self.shape.outputs() + output].cast_signed()
    }

    pub(crate) fn payload_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }

    /// The network in the payload, which was checked when this value was made.
    #[must_use]
    pub fn network(&self) -> QuantizedNetwork<'_, true> {
        let (rows, second) = self.payload().split_at(self.layout().second);
        let words = &bytemuck::cast_slice(rows)[1..];
        QuantizedNetwork { shape: self.shape, bits: self.bits, shift: rows[0], rows: words, second }
    }
}
