//! Networks from and to other programs: tensors of PyTorch, NumPy and Keras, and C.

mod c99;
mod error;
#[cfg(feature = "convert")]
pub mod tensors;

pub use c99::{C99, Framework};
pub use error::ConvertError;
