//! Inference in integers only: the same outputs, to the last bit, on every machine.
//!
//! A [`QuantizedNetwork`] reads its weights where they lie (in flash, or in a mapped file) and needs a few kilobytes of
//! scratch, no heap, no floating point and no division. It cannot panic, and no image and no payload that
//! [`QuantizedNetwork::new`] accepts can make a sum overflow. Cost on a Cortex-M4 for 784 → 64 → 10: about 12 700
//! instructions an image.
//!
//! # What is computed
//!
//! `inputs`, `hidden`, `outputs` are the widths of the layers; `p`, the pixels, are bytes; everything is an exact integer.
//!
//! ```text
//! v[i] = (p[i] + 32) >> 6                                    pixel level, 0 ..= 4
//! s[j] = Σ_i v[i] · w1[i][j]                                 pre-activation; w1 in −128 ..= 127 (8 bits), −8 ..= 7 (4 bits)
//! h[j] = clamp((s[j] + (1 << (shift − 1))) >> shift, 0, 255) ReLU and rounding to a byte; >> rounds towards −∞
//! y[k] = Σ_j h[j] · w2[j][k]                                 output; w2 in −128 ..= 127
//! class = the lowest k with the largest y[k]
//! ```
//!
//! Without biases, multiplying a hidden unit's column of `w1` by a positive number and dividing its row of `w2` by it
//! changes nothing, and multiplying all outputs by one positive number does not change the class. So the scales of the
//! quantised weights need not be stored, and after the ReLU a shift serves where others need a multiplier per unit.
//!
//! Five levels of grey are enough: on MNIST half of the inked pixels are fully inked, and the quantiser fits the weights
//! to the levels.
//!
//! # The payload
//!
//! All multi-byte quantities are little-endian; the payload starts at an address that is a multiple of 4.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | `shift`, 1 ..= 24 |
//! | 1 | 15 | zero |
//! | 16 | 16 · `inputs` · `tiles` | `w1`, tile after tile |
//! | then | `hidden` · `outputs` | `w2`, one byte a weight, two's complement, row `j` before row `j + 1` |
//!
//! A tile holds `units` = 16 (8 bits) or 32 (4 bits) consecutive hidden units; `tiles = ⌈hidden / units⌉`, and the last
//! tile's surplus units are ignored. In a tile, input `i` has a row of 16 bytes:
//! - 8 bits: byte `u` of the row is `w1[i][units · tile + u] + 128`;
//! - 4 bits: the low half of byte `b` is `w1[i][units · tile + 2b] + 8`, the high half is that of unit `2b + 1`.
//!
//! # Why no sum overflows
//!
//! `new` refuses more than 65 535 inputs, hidden units or outputs. Then, whatever the bytes are:
//! - `|s[j]| ≤ 65 535 · 4 · 128 < 2²⁵`, and so is every partial sum of the biased weights, `≤ 65 535 · 4 · 255 < 2²⁷`;
//! - `|y[k]| ≤ 65 535 · 255 · 128 = 2 139 062 400 < 2³¹`, and so is every partial sum of it.
//!
//! # How it is fast
//!
//! A pixel has one of four non-zero levels, so the rows of all pixels of one level are only *added*, and their sum is
//! multiplied by the level once. Additions work on several units in a word (`portable`): for a word `W` of weights,
//! `all += W` and `odd += (W >> bits) & mask`, and at the end `even = all − (odd << bits)`. Lanes are twice as wide as a
//! weight, which bounds the number of rows before they must be emptied into 32-bit sums.

#[cfg(feature = "std")]
mod least_squares;
mod levels;
mod packed;
#[cfg(feature = "std")]
pub mod quantize;

// The kernel: one of two files with the same functions. Stable Rust does not show Arm's target features to `cfg`.
#[cfg_attr(
    any(
        twolayer_int8 = "dsp",
        all(
            target_arch = "arm",
            target_os = "none",
            target_abi = "eabihf",
            not(target_has_atomic = "64"),
            not(twolayer_int8 = "portable")
        )
    ),
    path = "dsp.rs"
)]
#[cfg_attr(
    not(any(
        twolayer_int8 = "dsp",
        all(
            target_arch = "arm",
            target_os = "none",
            target_abi = "eabihf",
            not(target_has_atomic = "64"),
            not(twolayer_int8 = "portable")
        )
    )),
    path = "portable.rs"
)]
mod kernel;

use core::fmt;

use crate::Shape;
use levels::Levels;

pub use packed::PackedNetwork;

/// How many bits a weight of the first layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// A byte a weight.
    Eight,
    /// Half a byte a weight.
    Four,
}

/// Bytes before the first tile.
const PROLOGUE: usize = 16;
/// Words of 32 bits in a row of a tile.
const ROW_WORDS: usize = 4;
/// Bytes in it.
const ROW_BYTES: usize = 4 * ROW_WORDS;
/// Hidden units in the larger of the two kinds of tile.
const MAX_UNITS: usize = 32;
/// Words in which the kernel keeps where its lists are.
const BOUNDS: usize = size_of::<levels::Bounds>() / size_of::<u32>();
/// The largest width of a layer.
const MAX_WIDTH: usize = 65_535;
/// The largest shift of the hidden layer.
const MAX_SHIFT: u8 = 24;

/// One input's weights for the units of one tile.
type Row = [u32; ROW_WORDS];

impl Bits {
    /// Hidden units in a tile: as many as a row of 16 bytes holds.
    #[must_use]
    const fn units(self) -> usize {
        match self {
            Self::Eight => 16,
            Self::Four => 32,
        }
    }

    /// What is added to a weight to store it without a sign.
    #[must_use]
    const fn bias(self) -> u8 {
        match self {
            Self::Eight => 128,
            Self::Four => 8,
        }
    }

    /// Bytes of the payload for a shape; `None` if there are more than 65 535 inputs or hidden units.
    #[must_use]
    #[inline(never)] // called twice when a model is opened
    pub const fn payload_len(self, shape: Shape) -> Option<usize> {
        if shape.inputs() > MAX_WIDTH || shape.hidden() > MAX_WIDTH {
            return None;
        }
        // Fewer bytes than the shape's f32 weights have, which a `Shape` keeps below 2 GiB.
        let tiles = shape.hidden().div_ceil(self.units());
        Some(PROLOGUE + shape.inputs() * tiles * ROW_BYTES + shape.hidden() * shape.outputs())
    }
}

/// A quantised network over a payload that somebody else owns.
#[derive(Clone, Copy, Debug)]
pub struct QuantizedNetwork<'a> {
    shape: Shape,
    bits: Bits,
    shift: u8,
    /// `inputs` rows a tile, tile after tile.
    first: &'a [Row],
    /// `hidden` rows of `outputs` weights.
    second: &'a [u8],
}

impl<'a> QuantizedNetwork<'a> {
    /// Checks a payload and keeps a reference to it. Costs nothing that depends on its length.
    ///
    /// # Errors
    /// If a width is over 65 535, or the payload has not the length that the shape asks for, does not start at a multiple
    /// of 4, or its first 16 bytes are not as documented above.
    pub fn new(shape: Shape, bits: Bits, payload: &'a [u8]) -> Result<Self, PayloadError> {
        let expected = bits.payload_len(shape).ok_or(PayloadError::TooLarge)?;
        let wrong_length = PayloadError::Length { found: payload.len(), expected };
        if payload.len() != expected {
            return Err(wrong_length);
        }
        let second_len = shape.hidden() * shape.outputs();
        let (rows, second) = payload.split_at_checked(payload.len() - second_len).ok_or(wrong_length)?;
        let rows: &[Row] = bytemuck::try_cast_slice(rows).map_err(|_| PayloadError::Misaligned)?;
        let (prologue, first) = rows.split_first().ok_or(wrong_length)?;
        let [word, second_word, third_word, fourth_word] = prologue.map(u32::from_le);
        let [shift, ..] = word.to_le_bytes();
        if !(1..=MAX_SHIFT).contains(&shift) {
            return Err(PayloadError::Shift { found: shift });
        }
        if (word >> 8) | second_word | third_word | fourth_word != 0 {
            return Err(PayloadError::Reserved);
        }
        Ok(Self { shape, bits, shift, first, second })
    }

    /// The widths of the layers.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Bits of a weight of the first layer.
    #[must_use]
    pub const fn bits(&self) -> Bits {
        self.bits
    }

    /// Words of scratch that [`outputs`](Self::outputs) and [`classify`](Self::classify) need: one an input, one an
    /// output, 40 more.
    #[must_use]
    pub const fn scratch_len(&self) -> usize {
        self.shape.inputs() + MAX_UNITS + BOUNDS + self.shape.outputs()
    }

    /// The class of an image: the lowest index of the largest output. `scratch` may hold anything.
    ///
    /// # Errors
    /// If `pixels` has not `inputs` bytes, or `scratch` has fewer than [`scratch_len`](Self::scratch_len) words.
    #[inline(always)] // no stack of its own
    pub fn classify(&self, pixels: &[u8], scratch: &mut [u32]) -> Result<usize, BufferError> {
        self.check(pixels, scratch)?;
        let (outputs, scratch) = scratch.split_at_mut_checked(self.shape.outputs()).unwrap_or_default();
        let outputs: &mut [i32] = bytemuck::cast_slice_mut(outputs);
        self.run(pixels, scratch, outputs);
        Ok(class(outputs))
    }

    /// The outputs of an image. `scratch` and `outputs` may hold anything.
    ///
    /// # Errors
    /// If `pixels` has not `inputs` bytes, `outputs` has not `outputs` numbers, or `scratch` has fewer than
    /// [`scratch_len`](Self::scratch_len) words.
    pub fn outputs(&self, pixels: &[u8], scratch: &mut [u32], outputs: &mut [i32]) -> Result<(), BufferError> {
        self.check(pixels, scratch)?;
        if outputs.len() != self.shape.outputs() {
            return Err(BufferError::Outputs { found: outputs.len(), expected: self.shape.outputs() });
        }
        self.run(pixels, scratch, outputs);
        Ok(())
    }

    fn check(&self, pixels: &[u8], scratch: &[u32]) -> Result<(), BufferError> {
        if pixels.len() != self.shape.inputs() {
            return Err(BufferError::Pixels { found: pixels.len(), expected: self.shape.inputs() });
        }
        if scratch.len() < self.scratch_len() {
            return Err(BufferError::Scratch { found: scratch.len(), expected: self.scratch_len() });
        }
        Ok(())
    }

    /// Writes the outputs. The lengths were checked.
    #[inline(never)] // called twice
    fn run(&self, pixels: &[u8], scratch: &mut [u32], outputs: &mut [i32]) {
        // Without the box, a call of memset: a hundred bytes of code for ten words.
        outputs.fill(core::hint::black_box(0));
        let mut weights = self.second;
        self.hidden(pixels, scratch, |sums| {
            let behind = sums.len() * outputs.len();
            kernel::add_outputs(sums, self.shift, weights, outputs);
            weights = weights.get(behind..).unwrap_or_default();
        });
    }

    /// Hands the sums of each tile's hidden units, pre-activations with half of the divisor added, to `take`. The lengths
    /// were checked.
    fn hidden(&self, pixels: &[u8], scratch: &mut [u32], mut take: impl FnMut(&mut [u32])) {
        let Some((sums, scratch)) = scratch.split_first_chunk_mut::<MAX_UNITS>() else {
            return;
        };
        let Some((bounds, lists)) = scratch.split_first_chunk_mut::<BOUNDS>() else {
            return;
        };
        let sums = sums.get_mut(..self.bits.units()).unwrap_or_default();
        let levels = Levels::new(pixels, bytemuck::cast_mut(bounds), lists);
        // What every sum starts from: half of the divisor, to round, less the bias of the weights.
        let start = (1u32 << (self.shift - 1)).wrapping_sub(u32::from(self.bits.bias()) * levels.total());
        let mut first = self.first;
        while let Some((tile, rest)) = first.split_at_checked(pixels.len())
            && !tile.is_empty()
        {
            first = rest;
            sums.fill(start);
            kernel::add_rows(self.bits, &levels, tile, sums);
            take(sums);
        }
    }
}

/// The lowest index of the largest output.
#[inline(never)] // or it is unrolled where its callers are
fn class(outputs: &[i32]) -> usize {
    let mut class = 0;
    let mut largest = i32::MIN;
    for (k, &output) in outputs.iter().enumerate() {
        if output > largest {
            (class, largest) = (k, output);
        }
    }
    class
}

/// The activation of a hidden unit, 0 ..= 255, from its sum.
#[allow(dead_code, reason = "the assembly does it itself")]
fn activation(sum: u32, shift: u8) -> u32 {
    (sum.cast_signed() >> shift).clamp(0, 255).cast_unsigned()
}

/// The level of a pixel, 0 ..= 4.
fn level(pixel: u8) -> u16 {
    (u16::from(pixel) + 32) >> 6
}

/// Why a payload was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadError {
    /// A layer has more than 65 535 units, or the network more bytes than this machine can address.
    TooLarge,
    /// The payload is too long or too short for the shape.
    Length {
        /// Bytes there are.
        found: usize,
        /// Bytes the shape asks for.
        expected: usize,
    },
    /// The payload does not start at a multiple of 4.
    Misaligned,
    /// The shift, byte 0, is not in 1 ..= 24.
    Shift {
        /// The byte there is.
        found: u8,
    },
    /// A byte of 1 ..= 15 is not zero.
    Reserved,
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the network is too large: at most 65535 units a layer"),
            Self::Length { found, expected } => {
                write!(f, "the payload has {found} bytes, its shape asks for {expected}")
            }
            Self::Misaligned => f.write_str("the payload does not start at a multiple of 4"),
            Self::Shift { found } => write!(f, "byte 0 of the payload, the shift, is {found}; expected 1 to 24"),
            Self::Reserved => f.write_str("bytes 1 to 15 of the payload are not all zero"),
        }
    }
}

impl core::error::Error for PayloadError {}

/// Which buffer of a call has the wrong length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BufferError {
    /// The image.
    Pixels {
        /// Bytes there are.
        found: usize,
        /// Bytes the network reads.
        expected: usize,
    },
    /// The scratch.
    Scratch {
        /// Words there are.
        found: usize,
        /// Words needed, at least.
        expected: usize,
    },
    /// The outputs.
    Outputs {
        /// Numbers there is room for.
        found: usize,
        /// Numbers the network writes.
        expected: usize,
    },
}

impl fmt::Display for BufferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pixels { found, expected } => write!(f, "the image has {found} pixels, the network takes {expected}"),
            Self::Scratch { found, expected } => write!(f, "the scratch has {found} words, needed are {expected}"),
            Self::Outputs { found, expected } => {
                write!(f, "there is room for {found} outputs, the network has {expected}")
            }
        }
    }
}

impl core::error::Error for BufferError {}
