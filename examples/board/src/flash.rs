//! A part of flash that is kept for a model, and is written apart from the program.

use crate::DIGITS;
use core::fmt;
use twolayer::{Kind, Model, ModelError, Shape};

/// The part of flash that is kept for a model.
///
/// A model is written piece by piece, its first bytes last: until then no model begins there. A torn update is found when the board
/// starts, by the checksums, and the program's own model answers.
pub trait Flash {
    /// Whether there is any. Where there is none, the code for it is left out.
    const EXISTS: bool;

    /// All of it.
    fn bytes(&self) -> &[u8];

    /// Erases what holds the first `len` bytes.
    ///
    /// # Errors
    ///
    /// In words; nothing was erased.
    fn erase(&mut self, len: usize) -> Result<(), &'static str>;

    /// Writes bytes that were erased. `offset` and their number are multiples of 4.
    ///
    /// # Errors
    ///
    /// In words; nothing was written.
    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), &'static str>;
}

/// A board that keeps no model apart from the program.
#[derive(Clone, Copy, Debug)]
pub struct NoFlash;

pub(crate) const NONE: &str = "this board has no part of flash for a model";

impl Flash for NoFlash {
    const EXISTS: bool = false;

    fn bytes(&self) -> &[u8] {
        &[]
    }

    fn erase(&mut self, _: usize) -> Result<(), &'static str> {
        Err(NONE)
    }

    fn write(&mut self, _: usize, _: &[u8]) -> Result<(), &'static str> {
        Err(NONE)
    }
}

/// Why the model in that part of flash does not answer.
#[derive(Debug)]
pub(crate) enum Unfit {
    Model(ModelError),
    /// Memory is sized by the program's model.
    Shape(Shape),
    Kind,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(error) => error.fmt(f),
            Self::Shape(found) => write!(f, "{found} in flash; this program has memory for {}", DIGITS.shape()),
            Self::Kind => f.write_str("the weights in flash are f32; this program takes int8 and int4"),
        }
    }
}

/// The model in that part of flash, all of its bytes checked.
pub(crate) fn model(flash: &impl Flash) -> Result<Model<'_>, Unfit> {
    let model = Model::from_region(flash.bytes()).map_err(Unfit::Model)?;
    if model.shape() != DIGITS.shape() {
        return Err(Unfit::Shape(model.shape()));
    }
    if model.kind() == Kind::F32 { Err(Unfit::Kind) } else { Ok(model) }
}
