//! Quantised networks: inference in integers only, with weights of 8 or 4 bits, and the same outputs, to the last bit, on
//! every machine.
//!
//! A [`QuantizedNetwork`] reads its weights where they lie (in flash, or in a mapped file) and needs a few kilobytes of
//! scratch, no heap, no floating point and no division. It cannot panic, and no image and no payload that
//! [`QuantizedNetwork::new`] accepts can make a sum overflow. Cost on a Cortex-M4 for 784 → 64 → 10: about 12 000
//! instructions an image.
//!
//! # What is computed
//!
//! `inputs`, `hidden`, `outputs` are the widths of the layers; `p`, the pixels, are bytes; everything is an exact integer.
//!
//! ```text
//! v[i] = (p[i] + 32) >> 6                                    pixel level, 0 ..= 4
//! s[j] = b1[j] + Σ_i v[i] · w1[i][j]                         pre-activation; w1 in −128 ..= 127 (8 bits), −8 ..= 7 (4 bits)
//! h[j] = clamp((s[j] + (1 << (shift − 1))) >> shift, 0, 255) ReLU and rounding to a byte; >> rounds towards −∞
//! y[k] = b2[k] + Σ_j h[j] · w2[j][k]                         output; w2 in −128 ..= 127
//! class = the lowest k with the largest y[k]
//! ```
//!
//! The biases `b1` and `b2` are zero where the network has none, and −2²³ ..= 2²³ else.
//!
//! Multiplying a hidden unit's column of `w1` and its bias by a positive number and dividing its row of `w2` by it changes
//! nothing, and multiplying all outputs by one positive number does not change the class. So the scales of the quantised
//! weights need not be stored, and after the ReLU a shift serves where others need a multiplier per unit.
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
//! | 16 | 4 · `outputs`, and zeros up to a multiple of 16 | `b2`, i32; only where there are biases |
//! | then | 4 · `units` · `tiles` | `b1`, i32; only where there are biases |
//! | then | 16 · `inputs` · `tiles` | `w1`, tile after tile |
//! | then | `hidden` · `outputs` | `w2`, one byte a weight, two's complement, row `j` before row `j + 1` |
//!
//! A tile holds `units` = 16 (8 bits) or 32 (4 bits) consecutive hidden units; `tiles = ⌈hidden / units⌉`, and the last
//! tile's surplus units are ignored. In a tile, input `i` has a row of 16 bytes:
//! - 8 bits: byte `u` of the row is `w1[i][units · tile + u] + 128`;
//! - 4 bits: the low half of byte `b` is `w1[i][units · tile + 2b] + 8`, the high half is that of unit `2b + 1`.
//!
//! # Why no sum overflows
//!
//! `new` refuses more than 65 535 inputs or hidden units, and larger biases. Then, whatever the bytes are:
//! - `|s[j]| ≤ 2²³ + 65 535 · 4 · 128 < 2²⁶`, and the partial sums of the stored, unsigned weights are `≤ 65 535 · 4 · 255 < 2²⁷`;
//! - `|y[k]| ≤ 2²³ + 65 535 · 255 · 128 = 2 147 451 008 < 2³¹`, and so is every partial sum of it.
//!
//! # How it is fast
//!
//! A pixel has one of four non-zero levels, so the rows of all pixels of one level are only *added*, and their sum is
//! multiplied by the level once. Additions work on several units in a word (`rows.rs`): for a word `W` of weights,
//! `all += W` and `odd += (W >> bits) & mask`, and at the end `even = all − (odd << bits)`. Lanes are twice as wide as a
//! weight, which bounds the number of rows before they must be emptied into 32-bit sums.

mod bits;
mod error;
mod layout;
mod level;
mod level_lists;
mod packed;

// The inner loops are one of two files with the same functions. Stable Rust does not show Arm's target features to `cfg`.
#[cfg_attr(
    any(
        twolayer_rows = "dsp",
        all(
            target_arch = "arm",
            target_os = "none",
            target_abi = "eabihf",
            not(target_has_atomic = "64"),
            not(twolayer_rows = "portable")
        )
    ),
    path = "rows_dsp.rs"
)]
mod rows;

use crate::base::Always;
use crate::net::{Shape, SizeError, network_input, network_input_len};
use level_lists::LevelLists;

pub use bits::Bits;
pub use error::PayloadError;
pub(crate) use layout::Layout;
pub use packed::PackedNetwork;
#[cfg(feature = "std")]
pub(crate) use {bits::addable_rows, level::level};

/// Bytes before the first tile.
pub(crate) const PROLOGUE: usize = 16;
/// Words of 32 bits in a row of a tile.
pub(crate) const ROW_WORDS: usize = 4;
/// Bytes in it.
pub(crate) const ROW_BYTES: usize = 4 * ROW_WORDS;
/// Hidden units in the larger of the two kinds of tile.
const MAX_UNITS: usize = 32;
/// Words in which the lists of levels keep their bounds.
const BOUNDS: usize = size_of::<level_lists::Bounds>() / size_of::<u32>();
/// Words of the lists beside half of one an input.
const SLACK: usize = level_lists::SLACK.div_ceil(2);
/// The largest width of a layer.
const MAX_WIDTH: usize = 65_535;
/// The largest bias, and the negative of the smallest.
pub(crate) const MAX_BIAS: i32 = 1 << 23;
/// The largest shift of the hidden layer.
pub(crate) const MAX_SHIFT: u8 = 24;

/// One input's weights for the units of one tile.
type Row = [u32; ROW_WORDS];

/// A quantised network over a payload that the caller owns: in flash, in a mapped file, or in memory.
///
/// ```
/// use twolayer::{Answer, Bits, QuantizedNetwork, Shape};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// const SHAPE: Shape = match Shape::new(4, 3, 2) {
///     Ok(shape) => shape,
///     Err(_) => panic!("a shape"),
/// };
/// #[repr(align(4))]
/// struct Aligned<T: ?Sized>(T);
/// // From a model file it is `Model::from_bytes(bytes)?.quantized()?`. Here all weights of W1 are −128, those of W2 are 0.
/// static PAYLOAD: Aligned<[u8; 86]> = Aligned({
///     let mut payload = [0; 86];
///     payload[0] = 1; // the shift
///     payload
/// });
/// let network = QuantizedNetwork::new(SHAPE, Bits::Eight, &PAYLOAD.0)?;
/// let mut scratch = [0; QuantizedNetwork::scratch_len(SHAPE)]; // in firmware, a `static`
/// let outputs = network.outputs(&[0, 255, 64, 0], &mut scratch)?;
/// assert_eq!(Answer::of(outputs).class, 0);
/// # Ok(()) }
/// ```
///
/// With `ANY`, the network may have biases, and its images may be [deslanted](crate::deslant) or [halved](crate::halve) first. The default leaves the code
/// for that out of firmware that has no use for it, and refuses such networks.
#[derive(Clone, Copy, Debug)]
pub struct QuantizedNetwork<'a, const ANY: bool = false> {
    pub(crate) shape: Shape,
    pub(crate) bits: Bits,
    pub(crate) shift: u8,
    /// The biases, where there are any, then `inputs` rows a tile, tile after tile.
    pub(crate) rows: &'a [Row],
    /// `hidden` rows of `outputs` weights.
    pub(crate) second: &'a [u8],
}

impl<'a> QuantizedNetwork<'a> {
    /// The plain network in a payload, which lies as described [above](self). Costs nothing that depends on its
    /// length.
    ///
    /// # Errors
    ///
    /// [`PayloadError::NotPlain`] when the shape has biases, or deslants or halves its images; [`PayloadError::Size`] when there are more than 65 535
    /// inputs or hidden units; `Length`, `Misaligned`, `Shift` and `Prologue` when the payload is not as long as the shape asks
    /// for, does not start at a multiple of 4, or its first 16 bytes are not as described.
    #[inline] // an image has one call
    pub fn new(shape: Shape, bits: Bits, payload: &'a [u8]) -> Result<Self, PayloadError> {
        Self::checked(shape, bits, payload)
    }

    /// Bytes of the payload for a shape.
    ///
    /// # Errors
    ///
    /// [`SizeError::Quantized`] when there are more than 65 535 inputs or hidden units.
    pub const fn payload_len(shape: Shape, bits: Bits) -> Result<usize, SizeError> {
        match check_widths(shape) {
            Ok(()) => Ok(Layout::new(shape, bits, shape.has_biases()).len),
            Err(error) => Err(error),
        }
    }

    /// The scratch that [`outputs`](Self::outputs) needs, in words: half of one an
    /// input, one an output, 45 more, and a quarter of one an input where images are deslanted or halved.
    #[must_use]
    pub const fn scratch_len(shape: Shape) -> usize {
        plain_scratch_len(shape) + prepared_len(shape)
    }
}

impl<'a> QuantizedNetwork<'a, true> {
    /// Any network in a payload; looks at each bias.
    ///
    /// # Errors
    ///
    /// As [`new`](QuantizedNetwork::new), and [`PayloadError::Bias`] when a bias is not −2²³ to 2²³; never `NotPlain`.
    pub fn any(shape: Shape, bits: Bits, payload: &'a [u8]) -> Result<Self, PayloadError> {
        Self::checked(shape, bits, payload)
    }
}

impl<'a, const ANY: bool> QuantizedNetwork<'a, ANY> {
    #[inline(always)] // an image has one call
    pub(crate) fn checked(shape: Shape, bits: Bits, payload: &'a [u8]) -> Result<Self, PayloadError> {
        if !ANY && (shape.has_biases() || shape.prepared_image().is_some()) {
            return Err(PayloadError::NotPlain);
        }
        check_widths(shape).map_err(PayloadError::Size)?;
        let layout = Layout::new(shape, bits, ANY && shape.has_biases());
        // Both parts are there when the length is right.
        let (Some((prologue, rest)), true) = (payload.split_first_chunk::<PROLOGUE>(), payload.len() == layout.len)
        else {
            return Err(PayloadError::Length { found: payload.len(), expected: layout.len });
        };
        let (rows, second) =
            rest.split_at_checked(layout.second.wrapping_sub(PROLOGUE)).always("the length of the payload was checked");
        let rows: &[Row] =
            bytemuck::try_cast_slice(rows).map_err(|_| PayloadError::Misaligned { expected: align_of::<Row>() })?;
        let [word, second_word, third_word, fourth_word] =
            bytemuck::cast::<_, [u32; ROW_WORDS]>(*prologue).map(u32::from_le);
        let [shift, ..] = word.to_le_bytes();
        if !(1..=MAX_SHIFT).contains(&shift) {
            return Err(PayloadError::Shift { found: shift });
        }
        if (word >> 8) | second_word | third_word | fourth_word != 0 {
            return Err(PayloadError::Prologue);
        }
        let biases = rows.get(..(layout.first - PROLOGUE) / ROW_BYTES).always("the length of the payload was checked");
        for (index, &bias) in biases.as_flattened().iter().enumerate() {
            let found = u32::from_le(bias).cast_signed();
            if !(-MAX_BIAS..=MAX_BIAS).contains(&found) {
                return Err(PayloadError::Bias { index, found });
            }
        }
        Ok(Self { shape, bits, shift, rows, second })
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

    /// The outputs `y` of one image of [`Shape::pixels`] pixels, which [`Answer::of`](crate::Answer::of) makes a class and a margin of. They are in
    /// `scratch`, which may hold anything before.
    ///
    /// A blank image has an answer like any other: class 0 where there are no biases, for then all outputs are 0. Whether there
    /// is something to classify is for the caller to know.
    ///
    /// # Errors
    ///
    /// [`SizeError::Pixels`] when `image` is not as long as the shape says, [`SizeError::Scratch`] when `scratch` is shorter than
    /// [`scratch_len`](QuantizedNetwork::scratch_len).
    #[inline] // an image has one call; the rest of it has no result on the stack
    pub fn outputs<'s>(&self, image: &[u8], scratch: &'s mut [u32]) -> Result<&'s [i32], SizeError> {
        SizeError::check_pixels(image.len(), if ANY { self.shape.pixels() } else { self.shape.inputs() })?;
        let prepared = if ANY { prepared_len(self.shape) } else { 0 };
        SizeError::check_scratch(scratch.len(), plain_scratch_len(self.shape) + prepared)?;
        self.fill_outputs(image, scratch);
        let outputs = scratch.get(..self.shape.outputs()).always("the length of the scratch was checked");
        Ok(bytemuck::cast_slice(outputs))
    }

    /// Writes the outputs to the beginning of the scratch. The lengths were checked.
    #[inline(never)] // all that there is, once
    fn fill_outputs(&self, image: &[u8], scratch: &mut [u32]) {
        let (outputs, scratch) =
            scratch.split_at_mut_checked(self.shape.outputs()).always("the length of the scratch was checked");
        let outputs: &mut [i32] = bytemuck::cast_slice_mut(outputs);
        // Without the box, a call of memset: a hundred bytes of code for ten words.
        outputs.fill(core::hint::black_box(0));
        for (output, &bias) in outputs.iter_mut().zip(self.parts().0) {
            *output = u32::from_le(bias).cast_signed();
        }
        let mut weights = self.second;
        self.tiles(image, scratch, |sums| {
            let behind = sums.len() * outputs.len();
            rows::add_outputs(sums, self.shift, weights, outputs);
            weights = weights.get(behind..).unwrap_or_default();
        });
    }

    /// Writes the activations of the hidden units, 0 to 255, `h` [above](self): what the second layer sees of an image. With
    /// [`second_layer`](Self::second_layer) they are all that is needed to train another second layer behind the same first
    /// one. `scratch` may hold anything.
    ///
    /// # Errors
    ///
    /// As [`outputs`](Self::outputs), for `hidden`, which is as long as there are hidden units.
    #[inline(never)] // all that there is, once
    pub fn hidden(&self, image: &[u8], scratch: &mut [u32], hidden: &mut [u8]) -> Result<(), SizeError> {
        // Written apart from those of `outputs`: shared, they cost firmware that only classifies 28 bytes of code.
        SizeError::check_pixels(image.len(), self.shape.pixels())?;
        SizeError::check_scratch(scratch.len(), QuantizedNetwork::scratch_len(self.shape))?;
        SizeError::check_results(hidden.len(), self.shape.hidden())?;
        let mut hidden = hidden.iter_mut();
        self.tiles(image, scratch, |sums| {
            // The last tile may have surplus units.
            for (&sum, hidden) in sums.iter().zip(hidden.by_ref()) {
                *hidden = activation(sum, self.shift).to_le_bytes()[0];
            }
        });
        Ok(())
    }

    /// The weight `w1` from an input to a hidden unit; `None` where there is no such input or unit.
    #[must_use]
    pub fn w1(&self, input: usize, hidden: usize) -> Option<i8> {
        let inputs = self.shape.inputs();
        if input >= inputs || hidden >= self.shape.hidden() {
            return None;
        }
        let (tile, unit) = (hidden / self.bits.units(), hidden % self.bits.units());
        let row: &[u8] = bytemuck::cast_slice(self.parts().2.get(tile * inputs + input)?);
        let stored = match self.bits {
            Bits::Eight => *row.get(unit)?,
            Bits::Four => (row.get(unit / 2)? >> (4 * (unit % 2))) & 15,
        };
        Some(stored.wrapping_sub(self.bits.bias()).cast_signed())
    }

    /// The biases `b1` of the hidden units; nothing where there are none.
    pub fn hidden_biases(&self) -> impl Iterator<Item = i32> + use<'a, ANY> {
        self.parts().1.iter().take(self.shape.hidden()).map(|&bias| u32::from_le(bias).cast_signed())
    }

    /// The shift that makes hidden units of pre-activations, 1 to 24.
    #[must_use]
    pub const fn shift(&self) -> u8 {
        self.shift
    }

    /// The weights of the second layer, row `j`, of as many as there are outputs, before row `j + 1`.
    #[must_use]
    pub fn second_layer(&self) -> &'a [i8] {
        bytemuck::cast_slice(self.second)
    }

    /// The biases of the outputs; nothing where there are none.
    pub fn output_biases(&self) -> impl Iterator<Item = i32> + use<'a, ANY> {
        self.parts().0.iter().take(self.shape.outputs()).map(|&bias| u32::from_le(bias).cast_signed())
    }

    /// The biases of the outputs, rounded up to 4, those of the units of all tiles, and the tiles.
    fn parts(&self) -> (&'a [u32], &'a [u32], &'a [Row]) {
        if !ANY || !self.shape.has_biases() {
            return (&[], &[], self.rows);
        }
        let layout = Layout::new(self.shape, self.bits, true);
        let (biases, tiles) =
            self.rows.split_at_checked((layout.first - PROLOGUE) / ROW_BYTES).always("rows begin with the biases");
        let (outputs, units) = biases
            .split_at_checked((layout.hidden_biases - PROLOGUE) / ROW_BYTES)
            .always("the outputs' biases come first");
        (outputs.as_flattened(), units.as_flattened(), tiles)
    }

    /// Hands the sums of each tile's hidden units, pre-activations with half of the divisor added, to `take`. The lengths
    /// were checked.
    fn tiles(&self, pixels: &[u8], scratch: &mut [u32], mut take: impl FnMut(&mut [u32])) {
        let (pixels, scratch) = if ANY {
            let (room, scratch) =
                scratch.split_at_mut_checked(prepared_len(self.shape)).always("the length of the scratch was checked");
            (network_input(&self.shape, pixels, bytemuck::cast_slice_mut(room)), scratch)
        } else {
            (pixels, scratch)
        };
        debug_assert!(scratch.len() >= MAX_UNITS + BOUNDS + pixels.len().div_ceil(2) + SLACK, "the length was checked");
        let Some((sums, scratch)) = scratch.split_first_chunk_mut::<MAX_UNITS>() else { return };
        let Some((bounds, lists)) = scratch.split_first_chunk_mut::<BOUNDS>() else { return };
        let sums = sums.get_mut(..self.bits.units()).always("a tile has at most MAX_UNITS units");
        let levels = LevelLists::new(pixels, bytemuck::cast_mut(bounds), lists);
        let start = start(self.shift, self.bits, levels.total());
        let (_, mut biases, mut first) = self.parts();
        while let Some((tile, rest)) = first.split_at_checked(pixels.len())
            && !tile.is_empty()
        {
            first = rest;
            match biases.split_at_checked(sums.len()) {
                // Four words at a time: `fill` takes them one by one.
                None => sums.as_chunks_mut().0.fill([start; 4]),
                Some((tile, rest)) => {
                    biases = rest;
                    for (sum, &bias) in sums.iter_mut().zip(tile) {
                        *sum = u32::from_le(bias).wrapping_add(start);
                    }
                }
            }
            rows::add_rows(self.bits, &levels, tile, sums);
            take(sums);
        }
    }
}

/// Words of scratch, where images are taken as they are.
const fn plain_scratch_len(shape: Shape) -> usize {
    shape.inputs().div_ceil(2) + SLACK + MAX_UNITS + BOUNDS + shape.outputs()
}

/// Words that hold the inputs that are made of an image.
const fn prepared_len(shape: Shape) -> usize {
    network_input_len(shape, 1).div_ceil(size_of::<u32>())
}

/// Checks that no layer is wider than the sums allow.
const fn check_widths(shape: Shape) -> Result<(), SizeError> {
    let found = if shape.inputs() > shape.hidden() { shape.inputs() } else { shape.hidden() };
    if found > MAX_WIDTH { Err(SizeError::Quantized { found, most: MAX_WIDTH }) } else { Ok(()) }
}

/// What the sum of every hidden unit starts from, modulo 2³²: half of the divisor, to round, less the bias of all weights.
/// `total` is the sum of the image's levels.
fn start(shift: u8, bits: Bits, total: u32) -> u32 {
    (1u32 << (shift - 1)).wrapping_sub(u32::from(bits.bias()) * total)
}

/// The activation of a hidden unit, 0 ..= 255, from its sum.
fn activation(sum: u32, shift: u8) -> u32 {
    (sum.cast_signed() >> shift).clamp(0, 255).cast_unsigned()
}
