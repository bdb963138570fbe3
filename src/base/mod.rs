//! What every floor uses, and what uses nothing but `core`.

mod answer;
mod confidence;
#[cfg(feature = "std")]
mod count;
mod crc32;
#[allow(unreachable_pub, reason = "public as part of `probe`, where there is one")]
mod exp;
mod invariant;
mod messages;
mod random;
mod scratch;

pub use answer::{Answer, Output};
pub use confidence::{Confidence, Margin};
#[cfg(feature = "std")]
pub(crate) use count::to_f64;
pub use crc32::crc32;
pub(crate) use crc32::crc32_of_both;
#[allow(unreachable_pub, reason = "public as part of `probe`, where there is one")]
pub use exp::{exp, ln};
pub(crate) use invariant::{Always, violated};
pub(crate) use messages::{from, messages};
pub(crate) use random::{PlusPlus, StarStar};
pub(crate) use scratch::{Scratch, padded};
