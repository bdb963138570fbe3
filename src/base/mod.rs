//! What every floor uses, and what uses nothing but `core`.

mod crc32;
mod exp;
mod invariant;
mod scratch;

pub use crc32::crc32;
pub(crate) use crc32::crc32_of_both;
pub(crate) use exp::{exp, ln};
pub(crate) use invariant::{Always, violated};
pub(crate) use scratch::{Scratch, padded};
