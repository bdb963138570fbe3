//! All that needs std: files, data sets, the training loop, evaluation.

mod bytes;
pub(crate) mod crew;
pub mod dataset;
mod error;
mod evaluation;
mod model_file;
mod numbers;
mod quantized;
pub mod training;
mod whole;

pub use error::Error;
pub use evaluation::Evaluation;
pub use model_file::ModelFile;
pub use numbers::Numbers;
pub use quantized::{Comparison, Quantized};
