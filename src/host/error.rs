//! One error for whoever calls several rooms: the sum of theirs.

use super::convert::ConvertError;
use super::data::{DataError, SetError, SourceError};
use super::files::FileError;
#[cfg(feature = "pictures")]
use super::pictures::GreyPictureError;
use super::quantize::QuantizeError;
use super::train::TrainingError;
use crate::base::from;
use crate::net::{SizeError, TrainError};

/// Any error of this module, for callers that use several parts of it.
///
/// The functions themselves return the error of their part, which converts to this one by `?`. A conversion unwraps errors that
/// were passed on: what is wrong with a file is always [`File`](Self::File), whichever function found it, and what is wrong with
/// images or labels is always [`Data`](Self::Data) with [`DataError::Set`].
///
/// Each message includes its cause, so `source` returns `None`. A function that fails leaves no partly written files behind. A
/// process that is killed may leave a temporary file, `.twolayer-*.tmp`; the next process that writes to the same directory
/// removes it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written, or memory runs out.
    #[error(transparent)]
    File(#[from] FileError),
    /// A data set cannot be found, fetched or used.
    #[error(transparent)]
    Data(DataError),
    /// A network cannot be trained or evaluated.
    #[error(transparent)]
    Training(TrainingError),
    /// A network cannot be quantised.
    #[error(transparent)]
    Quantize(QuantizeError),
    /// A network cannot be imported or exported.
    #[error(transparent)]
    Convert(ConvertError),
    /// A picture cannot be read, or has no digit in it.
    #[cfg(feature = "pictures")]
    #[error(transparent)]
    Picture(GreyPictureError),
}

from! { Error:
    SetError: |error| Self::Data(error.into());
    SourceError: |error| Self::Data(error.into());
    SizeError: |error| Self::Training(error.into());
    TrainError: |error| Self::Training(error.into());
    DataError: |error| match error {
        DataError::File(error) => error.into(),
        error => Self::Data(error),
    };
    TrainingError: |error| match error {
        TrainingError::File(error) => error.into(),
        TrainingError::Set(error) => error.into(),
        error => Self::Training(error),
    };
    QuantizeError: |error| match error {
        QuantizeError::Training(error) => error.into(),
        error => Self::Quantize(error),
    };
    ConvertError: |error| match error {
        ConvertError::File(error) => error.into(),
        error => Self::Convert(error),
    };
    #[cfg(feature = "pictures")]
    GreyPictureError: |error| match error {
        GreyPictureError::File(error) => error.into(),
        error => Self::Picture(error),
    };
}
