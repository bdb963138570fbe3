//! Everything that needs `std`: files, data sets, threads, the training loop, evaluation, quantisation.
//!
//! Seven parts, each of which uses only those before it and has an error of its own: files, conversion, pictures, [`dataset`],
//! [`training`], quantisation, reports. For callers of several parts there is [`Error`].

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

#[cfg(feature = "convert")]
pub use convert::tensors;
pub use convert::{C99, ConvertError, Framework};
pub use data as dataset;
pub use error::Error;
pub use files::{
    Action, AnyWeights, FileAccess, FileError, ModelFile, OwnedWeights, PageBuffer, Quantized, Reservation, is_obeyed,
    printable,
};
#[cfg(feature = "pictures")]
pub use pictures::{FoundDigit, GreyPicture, GreyPictureError, PictureFileError};
pub use quantize::{QUANTIZE_IMAGES, QuantizeError, Tuning, quantize, quantize_samples, tune};
pub use train as training;
pub use train::{
    Comparison, Coverage, Evaluation, Pairs, Threads, TrainingError, compare, evaluate, evaluate_ensemble,
};
