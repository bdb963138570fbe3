//! The five steps that MNIST was made by, on the ink in a box.
//!
//! Yadav & Bottou 2019, "Cold Case: The Lost MNIST Digits", and their `xnist.lsh`: what they found by comparing their
//! pictures with MNIST's. In sums of whole numbers: a part of a pixel is 100 units of the target's side long, a target
//! pixel 100 units of the source's side in parts; products of two lengths and a level are below 2⁵⁶, and so they
//! are, sharpened, for 255 of them to be below 2⁶⁴.

use super::Inked;
use super::edges::{Edges, PARTS};
use crate::base::{Always, violated};
use core::num::NonZeroU64;

/// The side of the square that the digit fills, for an input of that side.
pub(super) const fn inner(side: u32) -> u32 {
    side * 5 / 7
}

/// The least side of the square that a digit is cropped to, in pixels of the picture.
const LEAST: u32 = 10;

/// The digit averaged to `[inner][inner]` cells.
pub(super) struct Cells<'s> {
    inner: u32,
    /// The columns and the rows that the digit fills, from the first on.
    filled: [u32; 2],
    /// A sum for each cell: the low word, the high word.
    sums: &'s mut [[u32; 2]],
}

impl<'s> Cells<'s> {
    /// Words of scratch: two a cell, and one a column for the row that is being read.
    pub(super) const fn scratch_len(side: u32) -> usize {
        (2 * inner(side) * inner(side) + inner(side)) as usize
    }

    /// Steps 1 to 3: the ink above `floor` between these edges, in a square, doubled and averaged.
    pub(super) fn average(inked: &Inked<'_, '_>, floor: u8, edges: Edges, inner: u32, scratch: &'s mut [u32]) -> Self {
        let (row, sums) = scratch.split_at_mut_checked(inner as usize).always("the length of the scratch was checked");
        let sums = sums
            .as_chunks_mut::<2>()
            .0
            .get_mut(..(inner * inner) as usize)
            .always("the length of the scratch was checked");
        sums.fill([0; 2]);
        let square = edges.width().max(edges.height()).max(LEAST * PARTS);
        let mut times = 1;
        while square * times < inner * PARTS {
            times *= 2;
        }
        // What the last pixel has beyond an edge is in no cell.
        let [columns, rows] = [edges.width(), edges.height()]
            .map(|side| (side * inner + square - 1).checked_div(square).always("a square has a side"));
        let row = row.get_mut(..columns as usize).always("no more cells are filled than there are");
        let filled = sums.get_mut(..(rows * inner) as usize).always("no more cells are filled than there are");
        let (left, right) = (edges.left / PARTS, edges.right.div_ceil(PARTS));
        let mut down = Spread::new(square * times, inner, edges.top % PARTS);
        for y in edges.top / PARTS..edges.bottom.div_ceil(PARTS) {
            row.fill(0);
            let mut across = Spread::new(square * times, inner, edges.left % PARTS);
            for level in inked.row(y, left, right) {
                let level = if level > floor { u32::from(level) } else { 0 };
                for _ in 0..times {
                    across.next(|cell, length| {
                        if let Some(sum) = row.get_mut(cell as usize) {
                            *sum += level * length;
                        }
                    });
                }
            }
            for _ in 0..times {
                down.next(|cell, length| {
                    let start = cell.wrapping_mul(inner) as usize;
                    for (sum, &level) in filled.get_mut(start..).unwrap_or_default().iter_mut().zip(row.iter()) {
                        *sum = words(number(*sum) + u64::from(level) * u64::from(length));
                    }
                });
            }
        }
        let mut cells = Self { inner, filled: [columns, rows], sums };
        cells.sharpen(edges.blur);
        cells
    }

    /// Takes off what blur has spread from each cell to its neighbours: an eighth to each if edges rise over a whole cell,
    /// of which `blur` has the sixteenths.
    ///
    /// To first order, along rows and then along columns. A cell keeps a quarter, so that the digit becomes no smaller.
    fn sharpen(&mut self, blur: u32) {
        if blur == 0 {
            return;
        }
        let inner = self.inner as usize;
        for (step, next_line) in [(1, inner), (inner, 1)] {
            for line in 0..inner {
                let mut before = 0;
                for n in 0..inner {
                    let place = line * next_line + n * step;
                    let sum = self.sum(place);
                    let after = if n + 1 < inner { self.sum(place + step) } else { 0 };
                    let raised = sum + ((2 * sum * u64::from(blur)) >> 7);
                    let sharp = raised.saturating_sub(((before + after) * u64::from(blur)) >> 7);
                    before = sum;
                    let Some(to) = self.sums.get_mut(place) else { violated!("lines have cells only", return) };
                    *to = words(sharp.max(sum / 4));
                }
            }
        }
    }

    fn sum(&self, place: usize) -> u64 {
        number(self.sums.get(place).copied().always("lines have cells only"))
    }

    /// Steps 4 and 5: into the middle of the input, `[side][side]`, the brightest at 255.
    pub(super) fn place(self, side: u32, input: &mut [u8]) {
        let brightest = self.sums.iter().map(|&sum| number(sum)).max().and_then(NonZeroU64::new);
        let Some(brightest) = brightest else { violated!("there is ink in the box", return) };
        for sum in self.sums.iter_mut() {
            // Round half up: ⌊255 s / b + ½⌋. Divisions are slow where 64 bits are two words: one for a cell with ink.
            if *sum != [0; 2] {
                *sum = words((255 * number(*sum) + brightest.get() / 2) / brightest);
            }
        }
        let (mut mass, mut moments) = (0, [0; 2]);
        let [columns, rows] = self.filled;
        for (row, y) in self.rows().zip(0_u32..) {
            for (&[level, _], x) in row.iter().zip(0_u32..) {
                mass += level;
                for (moment, place) in moments.iter_mut().zip([x, y]) {
                    // From the middle of a pixel, in halves.
                    *moment += u64::from(level) * u64::from(2 * place + 1);
                }
            }
        }
        let [across, down] = moments;
        let (left, top) = (shift(across, mass, side, side - columns), shift(down, mass, side, side - rows));
        input.fill(0);
        for (row, y) in self.rows().zip(top..) {
            let to = input.get_mut((y * side + left) as usize..).always("the shifted cells are within the input");
            for (&[level, _], pixel) in row.iter().zip(to) {
                *pixel = u8::try_from(level).always("the brightest is at 255");
            }
        }
    }

    /// The cells that the digit fills.
    fn rows(&self) -> impl Iterator<Item = &[[u32; 2]]> {
        let [columns, rows] = self.filled;
        let row = move |y| self.sums.get((y * self.inner) as usize..).and_then(|rest| rest.get(..columns as usize));
        (0..rows).map(move |y| row(y).always("no more cells are filled than there are"))
    }
}

/// How far a digit is shifted, at most `most`: the least whole number of pixels that takes its centre of mass to at least
/// half of the side. `moment` is twice the sum of levels times places, `mass` the sum of levels.
fn shift(moment: u64, mass: u32, side: u32, most: u32) -> u32 {
    let centre = u64::from(2 * (side / 2)) * u64::from(mass);
    let shift = centre.saturating_sub(moment).div_ceil(u64::from(mass.max(1)) * 2);
    u32::try_from(shift).unwrap_or(most).min(most)
}

const fn number([low, high]: [u32; 2]) -> u64 {
    low as u64 | (high as u64) << 32
}

fn words(number: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}

/// Which cells the pixels along a side lie in, and with which lengths.
///
/// A pixel of `100 · cells` units lies in one cell with all its length or, where it lies across an edge, in two with 0.99
/// of it together, the second part being the shorter one: so it was in MNIST, and it shows as faint stripes.
struct Spread {
    /// Units of a pixel.
    pixel: u32,
    /// Units that are cut off a pixel across an edge.
    cut: u32,
    /// Units of a cell.
    length: u32,
    /// The first cell that the next pixel lies in.
    cell: u32,
    /// Units of that cell before the next pixel, less than `length`.
    at: u32,
}

impl Spread {
    /// For pixels that fill `cells` with as many [`PARTS`] of a pixel, no fewer pixels than cells. `skipped` parts of the
    /// first pixel lie before the first cell: in one that there is not, and whose number wraps around to 0.
    fn new(parts: u32, cells: u32, skipped: u32) -> Self {
        let (pixel, cut, length) = (100 * PARTS * cells, PARTS * cells, 100 * parts);
        let (cell, at) = if skipped == 0 { (0, 0) } else { (u32::MAX, length - 100 * cells * skipped) };
        Self { pixel, cut, length, cell, at }
    }

    /// The next pixel: its cells and lengths.
    fn next(&mut self, mut each: impl FnMut(u32, u32)) {
        let end = self.at + self.pixel;
        let Some(over) = end.checked_sub(self.length) else {
            self.at = end;
            return each(self.cell, self.pixel);
        };
        // What is across the edge, but for the cut.
        let beyond = over.saturating_sub(self.cut);
        if beyond == 0 {
            each(self.cell, self.pixel);
        } else {
            each(self.cell, self.pixel - over);
            each(self.cell.wrapping_add(1), beyond);
        }
        self.cell = self.cell.wrapping_add(1);
        self.at = over;
    }
}
