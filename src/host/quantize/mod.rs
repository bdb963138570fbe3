//! Quantises f32 networks, trains the result further, and compares the two.

mod compare;
mod error;
mod least_squares;
#[expect(clippy::module_inception, reason = "the room is named for what it does")]
mod quantize;
mod tuning;

pub use compare::{Comparison, QUANTIZE_IMAGES, compare, quantize};
pub use error::QuantizeError;
pub use quantize::quantize_samples;
pub use tuning::{Tuning, tune};
