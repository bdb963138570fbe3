//! What a network looks at: files of images and labels, built-in digits, distortions, and pictures of any size.

mod digits;
mod distort;
pub mod idx;
pub mod picture;

#[cfg(feature = "std")]
pub(crate) use digits::SIDE;
pub use digits::digit;
pub use distort::Distortion;
pub use idx::{Idx, IdxError};
