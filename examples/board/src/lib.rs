//! What the boards' firmware shares. A board's own package has its start-up, clock and UART, and calls [`serve()`].
//!
//! The model is part of the program and read where it lies in flash, or lies in a part of flash of its own, where the serial line
//! brings it. Memory is a [`Memory`], sized by the program's model while it is compiled: there is no heap, and nothing panics.

#![no_std]

mod flash;
mod frame;
mod learner;
mod register;
mod serve;

use twolayer::{Model, include_model};

pub use flash::{Flash, NoFlash};
pub use learner::{LearnError, Learner};
pub use register::Register;
pub use serve::{Memory, serve};

/// The program's model: `TWOLAYER_MODEL`, or `examples/board/digits.twolayer`.
pub const DIGITS: Model<'_> = include_model!(any env!("TWOLAYER_MODEL"));

/// What the shared part needs of a board.
pub trait Board {
    /// The next byte from the serial line; waits for it.
    fn read(&mut self) -> u8;

    /// Sends a byte.
    fn write(&mut self, byte: u8);

    /// Cycles of the processor, of which the lowest 24 bits count.
    fn cycles(&mut self) -> u32;
}
