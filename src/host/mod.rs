//! Everything that needs `std`: files, data sets, threads, the training loop, evaluation, quantisation.

mod atomic_write;
mod bytes;
mod c99;
pub mod dataset;
mod error;
mod evaluation;
#[cfg(feature = "pictures")]
mod grey_picture;
mod model_file;
mod owned_weights;
mod page_buffer;
mod quantization;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "convert")]
pub mod tensors;
mod threads;
pub mod training;
mod tuning;

pub use atomic_write::Reservation;
pub use bytes::FileAccess;
pub use c99::C99;
pub use error::{Action, Error, shown};
pub use evaluation::{Answer, Classifier, Coverage, Evaluation, evaluate};
#[cfg(feature = "pictures")]
pub use grey_picture::{GreyPicture, PictureFileError};
pub use model_file::ModelFile;
pub use owned_weights::OwnedWeights;
pub use page_buffer::PageBuffer;
pub use quantization::{Comparison, QUANTIZE_IMAGES, compare, quantize};
pub use threads::Threads;
pub use tuning::{Tuning, tune};
