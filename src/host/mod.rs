//! Everything that needs `std`: files, data sets, threads, the training loop, evaluation, quantisation.
//!
//! Seven rooms, each with one door. A room uses only those before it: files, data, train, quantize, convert, pictures, report.

mod convert;
pub mod data;
mod error;
mod files;
#[cfg(feature = "pictures")]
mod pictures;
mod quantize;
#[cfg(feature = "report")]
pub mod report;
pub mod train;

pub use convert::C99;
#[cfg(feature = "convert")]
pub use convert::tensors;
pub use data as dataset;
pub use error::{Action, Error, shown};
pub use files::{FileAccess, ModelFile, OwnedWeights, PageBuffer, Quantized, Reservation};
#[cfg(feature = "pictures")]
pub use pictures::{GreyPicture, PictureFileError};
pub use quantize::{Comparison, QUANTIZE_IMAGES, Tuning, compare, quantize, quantize_images, tune};
pub use train as training;
pub use train::{Answer, Classifier, Coverage, Evaluation, Threads, evaluate};
