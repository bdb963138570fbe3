//! Adds rows of weights, several units in a word, in plain Rust for every machine with 32-bit integers.
//!
//! Where the target has DSP instructions, `rows_dsp.rs` takes the place of this file: see `mod.rs`.
//!
//! Cost of a row of 16 bytes, with four or eight accumulators in registers: four loads and sixteen to twenty operations.
//! Sorting: some twelve operations for eight pixels without ink, ten more for an inked one.

use core::cell::Cell;

use super::bits::addable_rows;
use super::level::{self, LEVELS};
use super::level_lists::{Bounds, LevelLists, SLACK};
use super::{Bits, ROW_WORDS, Row, activation};
use crate::base::Always;

/// Outputs that are kept in registers while the active units are gone through; 10 is twice this.
const BLOCK: usize = 5;

/// [`level::INK`] of four pixels.
const INK: u32 = u32::from_ne_bytes([level::INK; 4]);

/// Lists the inputs of each level in `room`, which has an entry an input and [`SLACK`] more: two pairs of lists that grow
/// towards each other, of the levels 2 and 3, then 4 and 1. Gives the sum of all levels.
#[inline(always)] // two calls
pub(super) fn sort(pixels: &[u8], bounds: &mut Bounds, room: &mut [u16]) -> u32 {
    debug_assert!(room.len() >= pixels.len() + SLACK, "the lists are never longer than the image");
    let (middle, blank) = count(pixels);
    place(pixels, middle, blank, bounds, room)
}

/// Sorts an image with `blank` words without ink behind its first, unaligned pixels.
#[inline(never)] // so that its stack is not there while rows are added
fn place(pixels: &[u8], middle: usize, blank: usize, bounds: &mut Bounds, room: &mut [u16]) -> u32 {
    // At most four bytes for each of 65,546 entries.
    let bytes = |entries: usize| u32::try_from(2 * entries).unwrap_or_default();
    *bounds = [[bytes(middle); 2], [bytes(middle); 2], [0; 2], [bytes(room.len()); 2]];
    let (head, words, tail) = aligned(pixels);
    let mut words = words.get(blank..).unwrap_or_default().iter();
    let (mut two, mut three, mut four, mut one) = (0, middle, middle, room.len());
    // An image has at most 65,536 pixels.
    let low = |index: usize| u16::try_from(index & 0xFFFF).unwrap_or_default();
    let (mut word, mut index, mut last) = (gather(head), 0_u16, tail);
    loop {
        while word != 0 {
            let mut put = |at: usize| {
                debug_assert!(at < room.len(), "the lists are never longer than the image");
                if let Some(entry) = room.get_mut(at) {
                    *entry = index;
                }
            };
            // The highest three bits tell the level.
            match word.to_le_bytes()[0] >> 5 {
                0 => {}
                1 | 2 => {
                    one -= 1;
                    put(one);
                }
                3 | 4 => {
                    put(two);
                    two += 1;
                }
                5 | 6 => {
                    three -= 1;
                    put(three);
                }
                _ => {
                    put(four);
                    four += 1;
                }
            }
            index = index.wrapping_add(1);
            word >>= 8;
        }
        if let Some(found) = words.find(|word| *word & INK != 0) {
            index = low(pixels.len() - tail.len() - 4 * (words.len() + 1));
            word = u32::from_le(found & INK);
        } else if last.is_empty() {
            break;
        } else {
            index = low(pixels.len() - last.len());
            word = gather(last);
            last = &[];
        }
    }
    bounds[0][1] = bytes(four);
    bounds[1][0] = bytes(three);
    bounds[2][1] = bytes(two);
    bounds[3][0] = bytes(one);
    let [four, three, two, one] = bounds.map(|[start, end]| end.wrapping_sub(start) / 2);
    4 * four + 3 * three + 2 * two + one
}

/// The pixels of the levels 2 and 3, and all that are not in pairs of aligned words; how many words without ink come first.
#[inline(never)] // so that its registers are its own
fn count(pixels: &[u8]) -> (usize, usize) {
    let (head, words, tail) = aligned(pixels);
    let mut inked = words;
    while let [first, second, rest @ ..] = inked
        && (first | second) & INK == 0
    {
        inked = rest;
    }
    let (pairs, odd) = inked.as_chunks::<2>();
    let mut count = head.len() + 4 * odd.len() + tail.len();
    for [first, second] in pairs {
        if (first | second) & INK != 0 {
            // The levels 2 and 3 are those whose pixels, plus 32, have bit 7 and not bit 8.
            let bit = |word: u32| ((((word >> 1) & 0x7070_7070) + 0x1010_1010) >> 6) & 0x0101_0101;
            count += ((bit(*first) + bit(*second)).wrapping_mul(0x0101_0101) >> 24) as usize;
        }
    }
    (count, words.len() - inked.len())
}

/// The pixels as aligned words, for cores that load no others, and up to three before and behind them.
#[inline(always)] // called twice
fn aligned(pixels: &[u8]) -> (&[u8], &[u32], &[u8]) {
    bytemuck::pod_align_to(pixels)
}

/// Up to three pixels, the first in the lowest byte, without what is no ink.
fn gather(pixels: &[u8]) -> u32 {
    pixels.iter().rev().fold(0, |word, &pixel| (word << 8) | u32::from(pixel)) & INK
}

/// Adds `level · weight` of every inked pixel to the sums of a tile's units, modulo 2³².
#[inline(always)] // no stack of its own
pub(super) fn add_rows(bits: Bits, levels: &LevelLists<'_>, tile: &[Row], sums: &mut [u32]) {
    for level in 1..=LEVELS {
        let list = levels.list(level);
        let level = u32::try_from(level).unwrap_or_default();
        match bits {
            Bits::Eight => {
                if let Some(sums) = sums.first_chunk_mut::<16>() {
                    add_level::<8, _>(tile, list, level, sums);
                }
            }
            Bits::Four => {
                if let Some(sums) = sums.first_chunk_mut::<32>() {
                    add_level::<4, _>(tile, list, level, sums);
                }
            }
        }
    }
}

/// Words of a row that are summed in one pass over the list: so few that the accumulators stay in registers, and the stack
/// small, on every machine.
const WORDS: usize = 2;

/// Adds `level` times the rows of a list.
#[inline(never)] // so that the registers are its own
fn add_level<const BITS: usize, const UNITS: usize>(tile: &[Row], list: &[u16], level: u32, sums: &mut [u32; UNITS]) {
    // Every second lane of BITS bits.
    let mask = u32::MAX / ((1 << BITS) + 1);
    let rows = const { addable_rows(BITS) };
    for batch in list.chunks(rows) {
        for half in 0..ROW_WORDS / WORDS {
            // Written out, for compilers that are asked for little code and then unroll no loop.
            let (mut all0, mut all1, mut odd0, mut odd1) = (0u32, 0u32, 0u32, 0u32);
            for &index in batch {
                if let Some(row) = tile.get(usize::from(index))
                    // % 2: a row has two halves, which the compiler does not see.
                    && let Some(&[word0, word1]) = row.as_chunks::<WORDS>().0.get(half % 2)
                {
                    let (word0, word1) = (u32::from_le(word0), u32::from_le(word1));
                    all0 = all0.wrapping_add(word0);
                    odd0 = odd0.wrapping_add((word0 >> BITS) & mask);
                    all1 = all1.wrapping_add(word1);
                    odd1 = odd1.wrapping_add((word1 >> BITS) & mask);
                }
            }
            let (_, sums) = sums.split_at_mut_checked(half * WORDS * 32 / BITS).always("sums have room for a tile");
            let sums = sums.get_mut(..WORDS * 32 / BITS).always("sums have room for a tile");
            let (first, second) = sums.split_at_mut_checked(32 / BITS).always("sums have room for a tile");
            empty::<BITS>(all0, odd0, level, first);
            empty::<BITS>(all1, odd1, level, second);
        }
    }
}

/// Adds `level` times the lanes of one word to the sums of its units.
#[inline(always)] // no stack of its own
fn empty<const BITS: usize>(all: u32, mut odd: u32, level: u32, sums: &mut [u32]) {
    let mut even = all.wrapping_sub(odd << BITS);
    let lane = u32::MAX >> (32 - 2 * BITS);
    let mut add = |[first, second]: &mut [u32; 2]| {
        *first = first.wrapping_add((even & lane) * level);
        *second = second.wrapping_add((odd & lane) * level);
        even >>= 2 * BITS;
        odd >>= 2 * BITS;
    };
    match sums.as_chunks_mut().0 {
        // 8 bits, without a loop.
        [pair, last] => {
            add(pair);
            add(last);
        }
        pairs => pairs.iter_mut().for_each(add),
    }
}

/// Adds `activation · row` for every unit of a tile to the outputs; the sums are overwritten. `weights` starts with the rows
/// of the tile, each of as many bytes as there are outputs; units without a row are left out.
#[inline(never)] // so that its stack is not there while rows are added
pub(super) fn add_outputs(sums: &mut [u32], shift: u8, weights: &[u8], outputs: &mut [i32]) {
    let active = activate(sums, shift, outputs.len());
    let (mut weights, mut outputs) = (weights, outputs);
    while let Some(block) = outputs.split_off_mut(..BLOCK).and_then(<[i32]>::first_chunk_mut) {
        add_block(active, weights, block);
        weights = weights.get(BLOCK..).unwrap_or_default();
    }
    for output in outputs {
        for &entry in active {
            if let Some((activation, &[weight])) = active_row(entry, weights) {
                *output += activation * i32::from(weight.cast_signed());
            }
        }
        weights = weights.get(1..).unwrap_or_default();
    }
}

/// Replaces the sums by a list of the active units, which is returned: where the unit's row starts, shifted left by 8, and
/// the activation.
fn activate(sums: &mut [u32], shift: u8, stride: usize) -> &[u32] {
    let stride = u32::try_from(stride).unwrap_or_default();
    let cells = Cell::from_mut(&mut *sums).as_slice_of_cells();
    let mut free = cells.iter();
    let mut start = 0;
    for cell in cells {
        let activation = activation(cell.get(), shift);
        if activation != 0
            && let Some(entry) = free.next()
        {
            entry.set(start | activation);
        }
        start += stride << 8;
    }
    let inactive = free.len();
    sums.get(..sums.len() - inactive).always("no more are inactive than there are")
}

/// Adds to neighbouring outputs; `weights` starts with the first unit's weights of them.
#[inline(always)] // no stack of its own
fn add_block(active: &[u32], weights: &[u8], outputs: &mut [i32; BLOCK]) {
    // Written out, as above.
    let [mut y0, mut y1, mut y2, mut y3, mut y4] = *outputs;
    for &entry in active {
        if let Some((activation, &[w0, w1, w2, w3, w4])) = active_row(entry, weights) {
            y0 += activation * i32::from(w0.cast_signed());
            y1 += activation * i32::from(w1.cast_signed());
            y2 += activation * i32::from(w2.cast_signed());
            y3 += activation * i32::from(w3.cast_signed());
            y4 += activation * i32::from(w4.cast_signed());
        }
    }
    *outputs = [y0, y1, y2, y3, y4];
}

/// An active unit's activation and its first `N` weights in `weights`.
#[inline(always)] // the innermost loop
fn active_row<const N: usize>(entry: u32, weights: &[u8]) -> Option<(i32, &[u8; N])> {
    // At most 31 rows of 65 535 bytes: this fits 24 bits.
    let start = usize::try_from(entry >> 8).unwrap_or(usize::MAX);
    Some((i32::from(entry.to_le_bytes()[0]), weights.get(start..)?.first_chunk()?))
}
