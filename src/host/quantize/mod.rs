//! Quantises f32 networks, and trains the result further.

mod error;
mod least_squares;
mod of_set;
#[expect(clippy::module_inception, reason = "the room is named for what it does")]
mod quantize;
mod tuning;

pub use error::QuantizeError;
pub use of_set::{QUANTIZE_IMAGES, quantize};
pub use quantize::quantize_samples;
pub use tuning::{Tuning, tune};
