//! Scratch memory that the caller lends: one slice of numbers, handed out piece by piece.
//!
//! Pieces are padded to whole cache lines, so that all of them begin at one if the caller's slice does: rows of vectors that
//! cross cache lines make training a fifth slower.

use crate::base::Always;
use bytemuck::{AnyBitPattern, NoUninit};

/// f32 numbers in a cache line of 64 bytes.
const LINE: usize = 16;

/// The numbers that a piece of `len` numbers takes.
pub(crate) const fn padded(len: usize) -> usize {
    match len.checked_next_multiple_of(LINE) {
        Some(padded) => padded,
        None => usize::MAX,
    }
}

/// What is left of the lent memory.
pub(crate) struct Scratch<'a>(&'a mut [f32]);

impl<'a> Scratch<'a> {
    pub(crate) const fn new(memory: &'a mut [f32]) -> Self {
        Self(memory)
    }

    /// The next `len` numbers. They and their padding are always there: the length of all scratch was checked.
    pub(crate) fn take(&mut self, len: usize) -> &'a mut [f32] {
        let (piece, rest) = core::mem::take(&mut self.0)
            .split_at_mut_checked(padded(len))
            .always("the length of all scratch was checked");
        self.0 = rest;
        piece.get_mut(..len).always("the length of all scratch was checked")
    }

    /// The next `len` numbers as values of another type, whose size is a multiple of theirs.
    pub(crate) fn take_as<T: AnyBitPattern + NoUninit>(&mut self, len: usize) -> &'a mut [T] {
        bytemuck::try_cast_slice_mut(self.take(len)).always("a piece is aligned and a whole number of values")
    }

    /// The numbers that are left.
    pub(crate) const fn left(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_each_other() {
        let mut memory: [f32; 3 * LINE] = core::array::from_fn(|i| f32::from(u8::try_from(i).unwrap()));
        let mut scratch = Scratch::new(&mut memory);
        assert_eq!(scratch.take(2), [0.0, 1.0]);
        assert_eq!(scratch.take(0), [0.0_f32; 0]);
        assert_eq!(scratch.take_as::<u32>(17)[16], 32_f32.to_bits());
        assert_eq!(scratch.left(), 0);
        assert_eq!([0, 1, 16, 17, usize::MAX].map(padded), [0, 16, 16, 32, usize::MAX]);
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "the length of all scratch was checked")]
    fn more_than_there_is_is_a_mistake_of_the_caller() {
        Scratch::new(&mut [0.0; 3]).take(4);
    }
}
