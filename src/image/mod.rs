//! What a network looks at: files of images and labels, built-in digits, distortions, and pictures of any size.

mod digits;
mod distort;
pub mod idx;
mod pen;
pub mod picture;

#[cfg(feature = "std")]
pub(crate) use digits::SIDE;
pub use digits::{digit, redraw};
pub use distort::Distortion;
pub use idx::{Idx, IdxError};
