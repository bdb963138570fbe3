//! Integer networks made of f32 ones: fitted, tuned and compared.

mod compare;
mod least_squares;
#[expect(clippy::module_inception, reason = "the room is named for what it does")]
mod quantize;
mod tuning;

pub use compare::{Comparison, QUANTIZE_IMAGES, compare, quantize};
pub use quantize::quantize as quantize_images;
pub use tuning::{Tuning, tune};
