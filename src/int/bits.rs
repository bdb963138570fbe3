//! How wide the integer weights are.

use super::ROW_BYTES;

/// Bits of a weight in the first layer of a quantised network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// One byte a weight.
    Eight,
    /// Half a byte a weight.
    Four,
}

impl Bits {
    /// Their number.
    pub(crate) const fn count(self) -> usize {
        match self {
            Self::Eight => 8,
            Self::Four => 4,
        }
    }

    /// Hidden units in a tile: as many as a row of 16 bytes holds.
    pub(crate) const fn units(self) -> usize {
        8 * ROW_BYTES / self.count()
    }

    /// What is added to a weight to store it without a sign.
    pub(crate) const fn bias(self) -> u8 {
        1 << (self.count() - 1)
    }
}

/// Rows of weights of so many bits, without a sign, that may be added before a lane of twice the bits overflows:
/// `(2ⁿ + 1)(2ⁿ − 1) < 2²ⁿ`. 257 rows of bytes, 17 of half bytes.
pub(crate) const fn addable_rows(bits: usize) -> usize {
    (1 << bits) + 1
}
