//! What every floor uses, and what uses nothing but `core`.

mod always;
mod crc32;
mod exp;
mod scratch;

pub(crate) use always::Always;
pub use crc32::crc32;
pub(crate) use crc32::crc32_of_both;
pub(crate) use exp::{exp, ln};
pub(crate) use scratch::{Scratch, padded};
