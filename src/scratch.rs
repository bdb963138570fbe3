//! Working memory that the caller lends: one slice of numbers, handed out piece by piece.

/// What is left of the lent memory.
pub(crate) struct Scratch<'a>(&'a mut [f32]);

impl<'a> Scratch<'a> {
    pub(crate) const fn new(memory: &'a mut [f32]) -> Self {
        Self(memory)
    }

    /// The next `len` numbers; none if there are not as many, which the constructors have checked.
    pub(crate) fn take(&mut self, len: usize) -> &'a mut [f32] {
        let (front, rest) = core::mem::take(&mut self.0).split_at_mut_checked(len).unwrap_or_default();
        self.0 = rest;
        front
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_each_other_and_end_with_the_memory() {
        let mut memory = [1.0, 2.0, 3.0];
        let mut scratch = Scratch::new(&mut memory);
        assert_eq!(scratch.take(2), [1.0, 2.0]);
        assert_eq!(scratch.take(0), []);
        assert_eq!(scratch.take(1), [3.0]);
        assert_eq!(scratch.take(1), []);
    }
}
