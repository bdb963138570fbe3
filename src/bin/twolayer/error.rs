//! The error of the program: one of the library, with a hint about command-line options, or what a command finds.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use twolayer::host;
use twolayer::host::dataset::{DataError, FetchError, Name, SourceError};
use twolayer::host::tensors::TensorError;
use twolayer::host::{ConvertError, FileError, GreyPictureError, TrainingError};
use twolayer::picture::PictureError;

/// Why a command failed, as its user is told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Error(pub(crate) String);

/// An [`Error`] of the program itself, from what `format!` takes.
macro_rules! error {
    ($($text:tt)*) => { $crate::error::Error(format!($($text)*)) };
}

/// Returns such an error unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)*) => {
        if !$condition {
            return Err($crate::error::error!($($text)*));
        }
    };
}

pub(crate) use {ensure, error};

impl<E: Into<host::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        let error = error.into();
        Self(format!("{error}{}", hint(&error)))
    }
}

/// Options of other programs, and what there is here.
const ELSEWHERE: [(&[&str], &str); 11] = [
    (
        &["--lr", "--learning-rate", "--rate", "--eta"],
        "the learning rate is --alpha, of single steps: 1e-5, or 7.8e-5..2e-6 to let it fall",
    ),
    (
        &["--lr-decay", "--decay", "--scheduler", "--lr-scheduler"],
        "a learning rate that falls linearly is --alpha 7.8e-5..2e-6",
    ),
    (
        &["--batch-size", "--batch", "--batchsize", "--bs", "--minibatch"],
        "there are no batches: a step is taken for each image. --block is how many are computed together, which changes results by rounding only",
    ),
    (
        &["--dropout", "--augment", "--augmentation", "--regularization"],
        "there is none; against overfitting, --distort changes the images in every epoch, and --hands the strokes",
    ),
    (
        &["--weight-decay", "--l2", "--momentum", "--optimizer", "--optimiser", "--adam"],
        "there is none: training is plain gradient descent by single images, with --alpha. --recipe has good settings",
    ),
    (&["--units", "--hidden-size", "--hidden-units", "--neurons", "--width"], "the number of hidden units is --hidden"),
    (
        &["--layers", "--depth", "--activation"],
        "every network has one hidden layer with ReLU, of as many units as --hidden says",
    ),
    (&["--dataset", "--data-dir", "--train-data", "--input"], "data sets are given with --data"),
    (&["--output", "--save", "-o"], "the file to write is --model of train, and --out of other commands"),
    (&["--device", "--gpu", "--cuda"], "there is the CPU only: --threads and --backend choose how it is used"),
    (
        &["--validation-split", "--val-split", "--validation"],
        "training images to test on are held out with --hold-out, such as --hold-out 20%",
    ),
];

/// What is wrong with the arguments, with a hint where other programs have such an option.
pub(crate) fn hinted(mut error: clap::Error) -> clap::Error {
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(found))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    {
        let found = found.split('=').next().unwrap_or_default();
        if let Some((_, hint)) = ELSEWHERE.iter().find(|(names, _)| names.contains(&found)) {
            // Of arguments that are spelt alike.
            error.remove(ContextKind::SuggestedArg);
            error.remove(ContextKind::Usage);
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![(*hint).into()]));
        }
    }
    error
}

/// A hint about the options that may help.
fn hint(error: &host::Error) -> String {
    match error {
        host::Error::File(FileError::Exists { .. }) | host::Error::Data(DataError::File(FileError::Exists { .. })) => {
            ", or give --force to replace it".into()
        }
        host::Error::File(FileError::Memory { .. }) => ". Choose fewer --hidden units, a smaller --block or a smaller --repeat".into(),
        host::Error::Data(error) => data_hint(error),
        host::Error::Training(TrainingError::Blank { level, .. }) => format!(
            ". {}; no model was written",
            if *level == 0 { "Are they the right files?" } else { "Are they the right files, and is --invert meant?" }
        ),
        host::Error::Training(TrainingError::Diverged { alpha, .. }) => {
            format!(". Choose {}a smaller --init-scale; no model was written", smaller(*alpha))
        }
        host::Error::Training(TrainingError::Dead { alpha, .. }) => format!(
            ". Choose {}--invert if the images are dark ink on light (without it, if they are light on dark); no model was written",
            smaller(*alpha)
        ),
        host::Error::Convert(ConvertError::CName { .. }) => ". Choose another --name".into(),
        host::Error::Convert(ConvertError::CFile { .. }) => ". Choose another --out".into(),
        host::Error::Convert(ConvertError::Tensors { error, .. }) => match error {
            TensorError::Unnamed { .. } => ". Name them with --w1 and --w2, and any biases with --b1 and --b2",
            TensorError::NoFit { .. } => {
                ". If some are not the network's, name those that are with --w1, --b1, --w2 and --b2"
            }
            TensorError::Ambiguous { .. } => {
                ". Choose with --layout, or name the tensors with --w1, --b1, --w2 and --b2"
            }
            TensorError::Network { .. } => {
                ". Train a network of two layers with ReLU between them and import that, or train one here: twolayer train"
            }
            TensorError::Tensor { .. } => "; no model was written",
            _ => "",
        }
        .into(),
        host::Error::Picture(GreyPictureError::NoDigit { error: PictureError::Blank { .. }, .. }) => {
            ". Is it the right picture? If so, take it again with more light; --invert auto finds dark and light ink"
                .into()
        }
        _ => String::new(),
    }
}

/// The advice to learn in smaller steps, where they are not so small that they cannot be what is wrong.
fn smaller(alpha: f32) -> String {
    const SMALL: f32 = 1e-7;
    if alpha > SMALL { format!("a smaller --alpha than {alpha:e}, or ") } else { String::new() }
}

/// A hint about the options that choose a data set.
fn data_hint(error: &DataError) -> String {
    match error {
        DataError::NoDirectory { path, .. } => {
            let meant = Name::ALL.into_iter().find(|name| path.as_os_str().eq_ignore_ascii_case(name.id()));
            let meant = meant.map_or(String::new(), |name| format!(". Did you mean {}?", name.id()));
            let names = Name::ALL.map(Name::id).join(", ");
            format!(": --data takes {names} or a directory of four IDX files or class folders, a .csv or .npz file{meant}")
        }
        DataError::Source(SourceError::NoTest { .. }) => {
            ": hold out a part of the training images, such as --hold-out 20% (or, to test a network on all of them with eval, 100%)".into()
        }
        DataError::Source(SourceError::Pictures { as_is: true, .. }) => ". Mend or remove them".into(),
        DataError::Source(SourceError::Pictures { .. }) => {
            ". Mend or remove them; or, if all have the network's size, take them as they are with --as-is".into()
        }
        DataError::Source(SourceError::LabelColumn { .. }) => {
            ", or say --label-column first or --label-column last".into()
        }
        DataError::Fetch(FetchError::Refused { name, .. }) => format!(
            "\nDownload the four files elsewhere and give their directory with --data{}, or another server with --mirror, \
             or use --data digits",
            if *name == Name::Mnist { " or MNIST_DIR" } else { "" }
        ),
        _ => String::new(),
    }
}
