//! Quantised networks on a machine with SIMD: the payload's weights laid out anew, once, for rows of many units.
//!
//! A [`PackedNetwork`] gives the same outputs as the [`QuantizedNetwork`] it was made from, to the last bit, for every
//! image. 4-bit weights become bytes too: what they save is room in a flash, and here they are as fast as 8 bits.
//!
//! # How it is fast
//!
//! As on a device, rows of inputs of one level are only *added*, and bytes are added two in a lane of 16 bits: `all += w`,
//! `odd += w >> 8`, and at the end `even = all − (odd << 8)`. Three instructions for a whole register of weights. There
//! is no multiplication by the level either: levels are gone through from the largest down without emptying the lanes,
//! and after each of them the lanes are added to sums of 32 bits; so a row of level 3 is counted three times.
//!
//! One image reads `hidden` bytes for each of its inked pixels, a quarter of what f32 reads.

use super::bits::addable_rows;
use super::level::{self, LEVELS, level};
use super::{MAX_WIDTH, QuantizedNetwork, Row, start};
use crate::base::Always;
use crate::int::Bits;
use crate::net::{Shape, SizeError, network_input, network_input_len};
use crate::simd::{Backend, Isa, TierFn, Tile};
use core::slice::Iter;
use wide::{i16x32, i32x16, u16x32};

/// Hidden units of one vector: 64 bytes.
const UNITS: usize = 64;
/// Vectors of a row in a panel: a panel of 784 rows fits a second-level cache, and its pages the first-level TLB.
const PANEL: usize = 4;
/// Rows that may be added before a lane of 16 bits could overflow.
const ROWS: usize = addable_rows(8);
/// Pixels looked at together.
const WORD: usize = 8;
/// Words of memory lent on top, to begin at a cache line.
const ALIGN: usize = 16;
/// [`level::INK`] of as many pixels.
const INK: u64 = u64::from_ne_bytes([level::INK; WORD]);

/// One vector as it lies in memory. In the first layer, byte `u` of it (the low half of a lane before the high one) is the
/// biased weight of unit `u`.
type Lanes = [u16; 32];
/// 64 units of the hidden layer, or their weights of one output: the even units, then the odd ones.
type Pair = [Lanes; 2];

/// A quantised network laid out for SIMD, in memory that the caller lends.
///
/// ```
/// use twolayer::int::{PackedNetwork, QuantizedNetwork};
/// use twolayer::{Answer, Backend, Bits, Shape};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shape = Shape::new(4, 3, 2)?;
/// let len = QuantizedNetwork::payload_len(shape, Bits::Eight)?;
/// let mut payload = vec![0_u32; len.div_ceil(4)]; // in words, so that it is aligned
/// payload[0] = 1; // the shift
/// let payload = &bytemuck::cast_slice(&payload)[..len];
///
/// let network = QuantizedNetwork::new(shape, Bits::Eight, payload)?;
/// let mut memory = vec![0; PackedNetwork::memory_len(shape)];
/// let packed = PackedNetwork::new(&network, &mut memory, Backend::detect())?;
/// let mut scratch = vec![0; PackedNetwork::scratch_len(shape)];
/// let outputs = packed.outputs(&[0, 255, 64, 0], &mut scratch)?;
/// assert_eq!(Answer::of(outputs).class, 0);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PackedNetwork<'a> {
    shape: Shape,
    bits: Bits,
    shift: u8,
    /// `[panel][inputs][4]`, then what vectors are left, `[vector][inputs]`.
    first: &'a [Lanes],
    /// `[outputs][vectors]`.
    second: &'a [Pair],
    /// What the units of each vector start from; nothing where there are no biases.
    hidden_biases: &'a [Starts],
    output_biases: &'a [u32],
    backend: Backend,
}

impl<'a> PackedNetwork<'a> {
    /// The memory that a network of this shape needs, in words: a byte a weight of the first layer, two a weight of the
    /// second, four a bias, with the hidden units rounded up to 64.
    #[must_use]
    pub const fn memory_len(shape: Shape) -> usize {
        let first = shape.inputs().saturating_mul(vectors(shape)).saturating_mul(16);
        let second = shape.outputs().saturating_mul(vectors(shape)).saturating_mul(32);
        let biases = if shape.has_biases() { vectors(shape) * UNITS + shape.outputs() } else { 0 };
        first.saturating_add(second).saturating_add(biases).saturating_add(ALIGN)
    }

    /// The scratch that [`outputs`](Self::outputs) needs, in words.
    #[must_use]
    pub const fn scratch_len(shape: Shape) -> usize {
        let hidden = vectors(shape).saturating_mul(32);
        let lists = shape.inputs().saturating_mul(LEVELS + 1).saturating_add(WORD).div_ceil(2);
        let prepared = network_input_len(shape, 1).div_ceil(4);
        hidden.saturating_add(lists).saturating_add(shape.outputs()).saturating_add(prepared).saturating_add(ALIGN)
    }

    /// Lays a network's weights out in `memory`, which may hold anything.
    ///
    /// # Errors
    ///
    /// When `memory` has fewer than [`memory_len`](Self::memory_len) words.
    pub fn new<const ANY: bool>(
        network: &QuantizedNetwork<'_, ANY>,
        memory: &'a mut [u32],
        backend: Backend,
    ) -> Result<Self, SizeError> {
        let shape = network.shape();
        let (found, expected) = (memory.len(), Self::memory_len(shape));
        let short = SizeError::Memory { found, expected };
        if found < expected {
            return Err(short);
        }
        let vectors = vectors(shape);
        let mut memory = aligned(memory);
        let mut take = |len| memory.split_off_mut(..len).ok_or(short);
        let first: &mut [Lanes] = bytemuck::cast_slice_mut(take(shape.inputs() * vectors * 16)?);
        let second: &mut [Pair] = bytemuck::cast_slice_mut(take(shape.outputs() * vectors * 32)?);

        let whole = vectors / PANEL * PANEL;
        for vector in 0..vectors {
            // Where its rows begin, and how far apart they are.
            let (at, step) = if vector < whole {
                (vector / PANEL * PANEL * shape.inputs() + vector % PANEL, PANEL)
            } else {
                (vector * shape.inputs(), 1)
            };
            for (input, row) in first.iter_mut().skip(at).step_by(step).take(shape.inputs()).enumerate() {
                *row = weights(network, vector, input);
            }
        }
        for (output, rows) in second.chunks_exact_mut(vectors).enumerate() {
            for (place, weight) in rows.as_flattened_mut().as_flattened_mut().iter_mut().enumerate() {
                // Even units, then odd ones.
                let unit = place / UNITS * UNITS + 2 * (place % 32) + place % UNITS / 32;
                let byte = network.second.get(unit * shape.outputs() + output).filter(|_| unit < shape.hidden());
                *weight = i16::from(byte.copied().unwrap_or(0).cast_signed()).cast_unsigned();
            }
        }
        let (hidden_biases, output_biases) = if shape.has_biases() {
            let (hidden, outputs) = (take(vectors * UNITS)?, take(shape.outputs())?);
            let (of_outputs, of_units, _) = network.parts();
            for (output, &bias) in outputs.iter_mut().zip(of_outputs) {
                *output = u32::from_le(bias);
            }
            for (place, bias) in hidden.iter_mut().enumerate() {
                // Even units, then odd ones, as `Sums` has them.
                let (parity, half, lane) = (place % UNITS / 32, place % 32 / 16, place % 16);
                let unit = place / UNITS * UNITS + 2 * (2 * lane + half) + parity;
                *bias = of_units.get(unit).copied().map_or(0, u32::from_le);
            }
            (bytemuck::cast_slice(hidden), &*outputs)
        } else {
            (&[][..], &[][..])
        };
        let &QuantizedNetwork { bits, shift, .. } = network;
        Ok(Self { shape, bits, shift, first, second, hidden_biases, output_biases, backend })
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The outputs of one image of [`Shape::pixels`] pixels, to the bit those of [`QuantizedNetwork::outputs`]. They are in
    /// `scratch`, which may hold anything before.
    ///
    /// # Errors
    ///
    /// [`SizeError::Pixels`] when `image` is not as long as the shape says, [`SizeError::Scratch`] when `scratch` is shorter than
    /// [`scratch_len`](Self::scratch_len).
    pub fn outputs<'s>(&self, image: &[u8], scratch: &'s mut [u32]) -> Result<&'s [i32], SizeError> {
        SizeError::check_pixels(image.len(), self.shape.pixels())?;
        let mut scratch = Scratch::new(self.shape, scratch)?;
        let pixels = network_input(&self.shape, image, core::mem::take(&mut scratch.prepared));
        self.backend.run(Image { network: self, pixels, scratch: &mut scratch });
        Ok(scratch.outputs)
    }
}

/// Vectors of a row.
const fn vectors(shape: Shape) -> usize {
    shape.hidden().div_ceil(UNITS)
}

/// The memory from its first cache line on.
fn aligned(memory: &mut [u32]) -> &mut [u32] {
    let skip = memory.as_ptr().align_offset(ALIGN * 4);
    memory.get_mut(skip..).always("there is room to align in")
}

/// One input's weights for the units of one vector. Tiles that the payload has not are zero.
fn weights<const ANY: bool>(network: &QuantizedNetwork<'_, ANY>, vector: usize, input: usize) -> Lanes {
    let mut lanes = [0; 32];
    let tiles = UNITS / network.bits.units();
    let inputs = network.shape.inputs();
    for (tile, lanes) in lanes.chunks_exact_mut(32 / tiles).enumerate() {
        let Some(row): Option<&Row> = network.parts().2.get((vector * tiles + tile) * inputs + input) else { continue };
        let bytes: &[u8; 16] = bytemuck::cast_ref(row);
        match network.bits {
            Bits::Eight => {
                for (lane, &pair) in lanes.iter_mut().zip(bytes.as_chunks().0) {
                    *lane = u16::from_le_bytes(pair);
                }
            }
            Bits::Four => {
                for (lane, &byte) in lanes.iter_mut().zip(bytes) {
                    *lane = u16::from_le_bytes([byte & 15, byte >> 4]);
                }
            }
        }
    }
    lanes
}

/// What one image needs on its way.
struct Scratch<'s> {
    /// Activations, `[vectors]`.
    hidden: &'s mut [Pair],
    /// Inputs with ink, and room for the last word's.
    inked: &'s mut [u16],
    /// For each level, largest first, the inputs that have it: as much room for each as there are inputs.
    lists: &'s mut [u16],
    outputs: &'s mut [i32],
    /// The inputs that are made of the image, where some are.
    prepared: &'s mut [u8],
}

impl<'s> Scratch<'s> {
    fn new(shape: Shape, memory: &'s mut [u32]) -> Result<Self, SizeError> {
        let (found, expected) = (memory.len(), PackedNetwork::scratch_len(shape));
        let short = SizeError::Scratch { found, expected };
        SizeError::check_scratch(found, expected)?;
        let mut memory = aligned(memory);
        let mut take = |len| memory.split_off_mut(..len).ok_or(short);
        let hidden = bytemuck::cast_slice_mut(take(vectors(shape) * 32)?);
        let outputs = bytemuck::cast_slice_mut(take(shape.outputs())?);
        let prepared = bytemuck::cast_slice_mut(take(network_input_len(shape, 1).div_ceil(4))?);
        let lists: &mut [u16] = bytemuck::cast_slice_mut(memory);
        let (inked, lists) = lists.split_at_mut_checked(shape.inputs() + WORD).ok_or(short)?;
        let lists = lists.get_mut(..shape.inputs() * LEVELS).ok_or(short)?;
        Ok(Self { hidden, inked, lists, outputs, prepared })
    }
}

/// One image through both layers.
struct Image<'a, 's, 'n> {
    network: &'a PackedNetwork<'n>,
    pixels: &'a [u8],
    scratch: &'a mut Scratch<'s>,
}

impl TierFn for Image<'_, '_, '_> {
    type Out = ();

    #[inline(always)]
    fn call<I: Isa>(self, isa: I) {
        let Self { network, pixels, scratch } = self;
        let inked = list(pixels, scratch.inked);
        let lists = sort(pixels, inked, scratch.lists);
        let mut total = 0;
        for (level, list) in (1..).zip(lists.iter().rev()) {
            total += level * u32::try_from(list.len()).unwrap_or_default();
        }
        let start = start(network.shift, network.bits, total).cast_signed();
        let layer = Layer { lists: &lists, start, shift: network.shift };
        let mut biases = network.hidden_biases.iter();

        let (panels, rest) = scratch.hidden.as_chunks_mut::<PANEL>();
        let (whole, single) = network
            .first
            .split_at_checked(panels.len() * PANEL * pixels.len())
            .always("the first layer has a vector for each unit of a panel and input");
        let whole: &[[Lanes; PANEL]] = whole.as_chunks().0;
        for (hidden, rows) in panels.iter_mut().zip(whole.chunks_exact(pixels.len().max(1))) {
            match I::TILE {
                Tile::Two => layer.panel::<I, PANEL, 1>(isa, rows, &mut biases, hidden),
                Tile::Four => layer.panel::<I, PANEL, 2>(isa, rows, &mut biases, hidden),
                Tile::Eight => layer.panel::<I, PANEL, 4>(isa, rows, &mut biases, hidden),
            }
        }
        let single: &[[Lanes; 1]] = single.as_chunks().0;
        for (hidden, rows) in rest.as_chunks_mut().0.iter_mut().zip(single.chunks_exact(pixels.len().max(1))) {
            layer.panel::<I, 1, 1>(isa, rows, &mut biases, hidden);
        }

        let rows = network.second.chunks_exact(scratch.hidden.len().max(1));
        for (output, weights) in scratch.outputs.iter_mut().zip(rows) {
            *output = dot(isa, scratch.hidden, weights);
        }
        for (output, bias) in scratch.outputs.iter_mut().zip(network.output_biases) {
            *output += bias.cast_signed();
        }
    }
}

/// The inputs whose level is not zero, in order.
#[inline(always)]
fn list<'s>(pixels: &[u8], inked: &'s mut [u16]) -> &'s [u16] {
    let mut len = 0;
    let (words, rest) = pixels.as_chunks::<WORD>();
    let mut last = [0; WORD];
    last.iter_mut().zip(rest).for_each(|(to, &pixel)| *to = pixel);
    let mut input = 0_u16;
    for word in words.iter().chain([&last]) {
        if u64::from_ne_bytes(*word) & INK != 0
            && let Some(room) = inked.get_mut(len..).and_then(|room| room.first_chunk_mut::<WORD>())
        {
            // Every input is written, and the next one overwrites it if it has no ink: no branch to guess.
            let mut count = 0;
            for (offset, pixel) in (0..).zip(*word) {
                room[count % WORD] = input.wrapping_add(offset);
                count += usize::from(pixel & level::INK != 0);
            }
            len += count;
        }
        input = input.wrapping_add(8);
    }
    inked.get(..len).always("no more are listed than there are pixels")
}

/// The inputs of each level, largest level first.
#[inline(always)]
fn sort<'s>(pixels: &[u8], inked: &[u16], lists: &'s mut [u16]) -> [&'s [u16]; LEVELS] {
    // Four counters of 16 bits in a register: no level's count waits for a store to be read back.
    let mut counts = 0_u64;
    for &input in inked {
        debug_assert!(usize::from(input) < pixels.len(), "the list names inputs only");
        let Some(&pixel) = pixels.get(usize::from(input)) else { break };
        let list = LEVELS - usize::from(level(pixel));
        let place = ((counts >> (16 * list)) & 0xFFFF) as usize;
        if let Some(to) = lists.get_mut(list * pixels.len() + place) {
            *to = input;
        }
        counts += 1 << (16 * list);
    }
    let mut sorted = [&[][..]; LEVELS];
    let lists = lists.chunks_exact(pixels.len().max(1));
    for (list, (to, from)) in sorted.iter_mut().zip(lists).enumerate() {
        *to = from.get(..((counts >> (16 * list)) & 0xFFFF) as usize).always("a list has room for every pixel");
    }
    sorted
}

/// The hidden layer of one image.
struct Layer<'a> {
    lists: &'a [&'a [u16]; LEVELS],
    start: i32,
    shift: u8,
}

/// Sums of 64 units on their way: even and odd units, each as lanes `2m` and lanes `2m + 1`.
type Sums = [[i32x16; 2]; 2];
/// Biases of 64 units as they lie in memory, in the order of [`Sums`].
type Starts = [[[u32; 16]; 2]; 2];

impl Layer<'_> {
    /// The activations of a panel of `W` vectors, `N` at a time.
    #[inline(always)]
    fn panel<I: Isa, const W: usize, const N: usize>(
        &self,
        isa: I,
        rows: &[[Lanes; W]],
        biases: &mut Iter<'_, Starts>,
        hidden: &mut [Pair; W],
    ) {
        for (tile, hidden) in hidden.as_chunks_mut::<N>().0.iter_mut().enumerate() {
            let mut totals: [Sums; N] = [[[i32x16::splat(self.start); 2]; 2]; N];
            // `zip` asks for a bias first: it takes none too many.
            for (bias, total) in biases.by_ref().take(N).zip(&mut totals) {
                for (sum, bias) in total.as_flattened_mut().iter_mut().zip(bias.as_flattened()) {
                    *sum += i32x16::new(bytemuck::cast(*bias));
                }
            }
            let mut lanes = [[u16x32::ZERO; 2]; N];
            let mut room = ROWS;
            for (level, list) in (1..=LEVELS).rev().zip(self.lists) {
                let mut list = *list;
                // More rows than the lanes can hold: they are emptied for this level and those to come.
                while let Some((now, later)) = list.split_at_checked(room)
                    && !later.is_empty()
                {
                    add::<I, W, N>(isa, rows, tile * N, now, &mut lanes);
                    for _ in 0..level {
                        empty(isa, &lanes, &mut totals);
                    }
                    lanes = [[u16x32::ZERO; 2]; N];
                    (list, room) = (later, ROWS);
                }
                add::<I, W, N>(isa, rows, tile * N, list, &mut lanes);
                room -= list.len();
                empty(isa, &lanes, &mut totals);
            }
            for (pair, totals) in hidden.iter_mut().zip(&totals) {
                for (to, sums) in pair.iter_mut().zip(totals) {
                    *to = isa.activations(*sums, self.shift).to_array();
                }
            }
        }
    }
}

/// [`add_rows`], in a function of its own where the tier asks for that ([`Isa::PACKED_OUTLINED`]).
#[inline(always)]
fn add<I: Isa, const W: usize, const N: usize>(
    isa: I,
    rows: &[[Lanes; W]],
    at: usize,
    list: &[u16],
    lanes: &mut [[u16x32; 2]; N],
) {
    #[inline(never)]
    fn outlined<I: Isa, const W: usize, const N: usize>(
        isa: I,
        rows: &[[Lanes; W]],
        at: usize,
        list: &[u16],
        lanes: &mut [[u16x32; 2]; N],
    ) {
        add_rows(isa, rows, at, list, lanes);
    }
    if I::PACKED_OUTLINED {
        outlined(isa, rows, at, list, lanes);
    } else {
        add_rows(isa, rows, at, list, lanes);
    }
}

/// Adds the rows of the inputs in `list` to lanes of 16 bits: all bytes, and the odd ones.
#[inline(always)]
fn add_rows<I: Isa, const W: usize, const N: usize>(
    isa: I,
    rows: &[[Lanes; W]],
    at: usize,
    list: &[u16],
    lanes: &mut [[u16x32; 2]; N],
) {
    // A copy, so that they stay in registers.
    let mut sums = *lanes;
    for &input in list {
        debug_assert!(usize::from(input) < rows.len(), "lists name inputs only");
        let Some(row) = rows.get(usize::from(input)) else { break };
        let Some(row) = row.get(at..).and_then(|row| row.first_chunk::<N>()) else { break };
        for ([all, odd], row) in sums.iter_mut().zip(row) {
            let row = u16x32::new(*row);
            *all = isa.add_u16(*all, row);
            *odd = isa.add_u16(*odd, isa.high_bytes(row));
        }
    }
    *lanes = sums;
}

/// Adds the lanes to the sums of 32 bits.
#[inline(always)]
fn empty<I: Isa, const N: usize>(isa: I, lanes: &[[u16x32; 2]; N], totals: &mut [Sums; N]) {
    for ([all, odd], [even_sums, odd_sums]) in lanes.iter().zip(totals) {
        *even_sums = isa.add_halves(*even_sums, isa.even_bytes(*all, *odd));
        *odd_sums = isa.add_halves(*odd_sums, *odd);
    }
}

/// One output: no sum of any of its terms is beyond 32 bits, so their order is no matter.
#[inline(always)]
fn dot<I: Isa>(isa: I, hidden: &[Pair], weights: &[Pair]) -> i32 {
    let mut sums = [i32x16::ZERO; 2];
    for (hidden, weights) in hidden.iter().zip(weights) {
        for (sum, (h, w)) in sums.iter_mut().zip(hidden.iter().zip(weights)) {
            *sum = isa.add_dot(*sum, i16x32::new(bytemuck::cast(*h)), i16x32::new(bytemuck::cast(*w)));
        }
    }
    sums.map(i32x16::to_array).as_flattened().iter().sum()
}

const _: () = assert!(MAX_WIDTH <= u16::MAX as usize, "an input's index, and the count of a level, fit 16 bits");
