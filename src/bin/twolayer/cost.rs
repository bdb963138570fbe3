//! What a model costs on a microcontroller: `twolayer info --board`.
//!
//! Instructions and cycles are fitted to counts of every instruction that an emulator executes, and memory is what it was there:
//! `tests/firmware/fit` prints these tables. The mean of twenty digits is met to two per cent, a single image to fifteen.

use clap::builder::PossibleValue;
use serde::Serialize;
use twolayer::{Bits, QuantizedNetwork, Shape};

/// A core, and the Rust core of the library on it, built for size (`opt-level = "s"`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Board {
    pub(crate) name: &'static str,
    pub(crate) cores: &'static str,
    /// Instructions of opening a model, a byte: its checksums.
    opening: usize,
    /// Of a network that is plain, and of one that may have biases or halves its images.
    programs: [Program; 2],
    /// Whether there are tables of its cycles.
    has_cycles: bool,
}

/// What a program takes, whatever the model.
#[derive(Clone, Copy, Debug)]
struct Program {
    /// Bytes, for weights of 8 and of 4 bits together, opening included.
    code: usize,
    /// Bytes.
    stack: usize,
    /// For weights of 8 bits and of 4.
    costs: [Cost; 2],
}

/// Instructions and cycles.
#[derive(Clone, Copy, Debug)]
struct Cost {
    instructions: Parts,
    cycles: Parts,
}

/// Of a pixel, an inked input, a tile, a batch of rows of one level, a row of a tile, and a weight of an active unit: see the page of
/// [`QuantizedNetwork`]'s module.
type Parts = [f64; 6];

/// What an image makes a network do.
#[derive(Clone, Copy, Debug)]
struct Image {
    /// The share of inputs that have ink, and that of units which are active.
    inked: f64,
    active: f64,
    /// Batches of rows, beside those that are full.
    begun: f64,
}

const BLANK: Image = Image { inked: 0.0, active: 0.0, begun: 0.0 };
/// The mean of MNIST's first twenty test images; halved ones are a quarter as many, and have more ink.
const DIGIT: Image = Image { inked: 0.16, active: 0.35, begun: 2.0 };
const HALVED_DIGIT: Image = Image { inked: 0.2, active: 0.45, begun: 2.0 };
/// All inputs have ink, of all four levels, and all units are active.
const WORST: Image = Image { inked: 1.0, active: 1.0, begun: 4.0 };

/// What a model costs on a board. Bytes, and counts.
#[derive(Debug, Serialize)]
pub(crate) struct Costs {
    board: &'static str,
    pub(crate) cores: &'static str,
    pub(crate) code: usize,
    pub(crate) scratch: usize,
    pub(crate) stack: usize,
    pub(crate) opening: usize,
    pub(crate) instructions: Counts,
    pub(crate) cycles: Option<Counts>,
}

/// For one image.
#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    pub(crate) blank: u64,
    pub(crate) digit: u64,
    pub(crate) worst: u64,
}

impl Board {
    /// The boards by name, for the command line.
    pub(crate) fn named() -> impl Iterator<Item = (PossibleValue, Self)> {
        BOARDS.into_iter().map(|board| (PossibleValue::new(board.name).help(board.cores), board))
    }

    /// What a model of so many bytes, its file's, costs on this board.
    pub(crate) fn costs(&self, shape: Shape, bits: Bits, bytes: usize) -> Costs {
        let general = shape.has_biases() || shape.halved_image().is_some();
        let program = &self.programs[usize::from(general)];
        let cost = &program.costs[usize::from(bits == Bits::Four)];
        let digit = if shape.halved_image().is_some() { HALVED_DIGIT } else { DIGIT };
        let counts = |parts| {
            let of = |image| count(parts, shape, bits, image);
            Counts { blank: of(BLANK), digit: of(digit), worst: of(WORST) }
        };
        Costs {
            board: self.name,
            cores: self.cores,
            code: program.code,
            scratch: 4 * QuantizedNetwork::scratch_len(shape),
            stack: program.stack,
            opening: self.opening * bytes,
            instructions: counts(&cost.instructions),
            cycles: self.has_cycles.then(|| counts(&cost.cycles)),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, of sizes below 2³¹"
)]
fn count(parts: &Parts, shape: Shape, bits: Bits, image: Image) -> u64 {
    let (units, rows) = if bits == Bits::Four { (32, 17.0) } else { (16, 257.0) };
    let tiles = shape.hidden().div_ceil(units) as f64;
    let inked = image.inked * shape.inputs() as f64;
    let batches = if inked > 0.0 { (inked / rows + image.begun).max(4.0) } else { 0.0 };
    let weights = image.active * (shape.hidden() * shape.outputs()) as f64;
    let found = [shape.pixels() as f64, inked, tiles, tiles * batches, tiles * inked, weights];
    found.iter().zip(parts).map(|(found, part)| found * part).sum::<f64>().round() as u64
}

const M0: [Program; 2] = [
    Program {
        code: 4094,
        stack: 256,
        costs: [
            Cost {
                instructions: [2.52, 34.24, 723.96, 204.35, 48.14, 11.83],
                cycles: [3.76, 47.65, 1101.91, 291.0, 69.5, 16.91],
            },
            Cost {
                instructions: [2.49, 35.09, 1054.42, 512.01, 43.57, 10.88],
                cycles: [3.72, 48.9, 1563.03, 724.82, 65.76, 15.47],
            },
        ],
    },
    Program {
        code: 6208,
        stack: 304,
        costs: [
            Cost {
                instructions: [6.87, 31.18, 715.58, 194.23, 48.73, 8.97],
                cycles: [9.91, 43.32, 1099.42, 278.51, 70.36, 12.83],
            },
            Cost {
                instructions: [6.89, 29.88, 1023.46, 382.63, 52.7, 10.48],
                cycles: [9.92, 41.76, 1531.54, 548.89, 78.28, 14.82],
            },
        ],
    },
];
const M3: [Program; 2] = [
    Program {
        code: 3096,
        stack: 240,
        costs: [
            Cost {
                instructions: [1.65, 21.82, 477.28, 140.63, 28.52, 7.63],
                cycles: [2.62, 32.6, 767.72, 186.88, 35.69, 11.64],
            },
            Cost {
                instructions: [1.63, 22.64, 656.07, 369.52, 21.33, 6.41],
                cycles: [2.57, 34.07, 1045.96, 548.38, 24.04, 9.59],
            },
        ],
    },
    Program {
        code: 5160,
        stack: 272,
        costs: [
            Cost {
                instructions: [5.24, 18.49, 470.68, 136.24, 29.18, 4.75],
                cycles: [6.99, 26.88, 763.01, 180.27, 36.77, 6.83],
            },
            Cost {
                instructions: [5.25, 17.54, 630.7, 258.24, 29.43, 5.91],
                cycles: [6.99, 25.8, 1015.01, 369.19, 37.07, 8.61],
            },
        ],
    },
];
const M4: [Program; 2] = [
    Program {
        code: 2906,
        stack: 192,
        costs: [
            Cost {
                instructions: [3.03, 8.82, 224.99, 60.35, 11.68, 3.22],
                cycles: [4.45, 15.87, 420.14, 102.0, 17.43, 4.64],
            },
            Cost {
                instructions: [2.9, 9.03, 346.68, 197.05, 16.21, 3.54],
                cycles: [4.24, 16.12, 637.68, 286.91, 22.32, 5.21],
            },
        ],
    },
    Program {
        code: 4928,
        stack: 232,
        costs: [
            Cost {
                instructions: [5.34, 8.29, 243.2, 54.96, 11.92, 3.29],
                cycles: [7.02, 15.14, 448.16, 93.16, 17.81, 4.83],
            },
            Cost {
                instructions: [5.33, 8.27, 370.77, 181.24, 17.67, 3.55],
                cycles: [7.02, 15.08, 677.78, 268.74, 24.17, 5.11],
            },
        ],
    },
];
const RISCV: [Program; 2] = [
    Program {
        code: 4566,
        stack: 196,
        costs: [
            Cost { instructions: [1.84, 29.07, 474.05, 184.66, 32.0, 8.96], cycles: [0.0; 6] },
            Cost { instructions: [1.82, 30.01, 716.88, 429.84, 21.81, 7.89], cycles: [0.0; 6] },
        ],
    },
    Program {
        code: 6684,
        stack: 228,
        costs: [
            Cost { instructions: [5.18, 25.44, 467.19, 176.46, 32.72, 5.47], cycles: [0.0; 6] },
            Cost { instructions: [5.2, 23.7, 689.22, 270.18, 33.17, 7.53], cycles: [0.0; 6] },
        ],
    },
];

const BOARDS: [Board; 7] = [
    Board { name: "m0", cores: "Cortex-M0, M0+", opening: 15, programs: M0, has_cycles: true },
    Board { name: "m3", cores: "Cortex-M3", opening: 10, programs: M3, has_cycles: true },
    Board { name: "m4", cores: "Cortex-M4, M4F", opening: 10, programs: M4, has_cycles: true },
    Board { name: "m7", cores: "Cortex-M7", opening: 10, programs: M4, has_cycles: false },
    Board { name: "m33", cores: "Cortex-M33 with DSP", opening: 10, programs: M4, has_cycles: false },
    Board { name: "m55", cores: "Cortex-M55", opening: 10, programs: M4, has_cycles: false },
    Board { name: "riscv", cores: "RV32IMAC", opening: 16, programs: RISCV, has_cycles: false },
];
