//! Why a file of tensors cannot be used as a network.

use super::TensorInfo;
use crate::net::SizeError;

/// What is wrong with a file of tensors, or with the tensors in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The file has another format.
    #[error(transparent)]
    Format(#[from] ForeignFormat),
    /// The file as a whole is damaged.
    #[error("damaged or incomplete: {what}")]
    Damaged {
        /// What was found, and what was expected.
        what: String,
    },
    /// A tensor is damaged, its numbers are not floats, or another one has the same name.
    #[error("tensor {name}: {what}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What was found, and what was expected.
        what: String,
    },
    /// A number is infinite, NaN, or too large for f32, in the file or with the input's scaling folded in.
    #[error("tensor {name}: the number at {at:?} is {found}; expected a finite f32 number")]
    NotFinite {
        /// The tensor.
        name: String,
        /// The index.
        at: Vec<usize>,
        /// The number.
        found: String,
    },
    /// There is no tensor of that name.
    #[error("no tensor has the name {name}; there are {}", list(tensors))]
    Missing {
        /// The name.
        name: String,
        /// All tensors.
        tensors: Vec<TensorInfo>,
    },
    /// The tensors are not those of one network.
    #[error(
        "no two-layer network fits these tensors: {}; expected two matrices that share a dimension, the hidden units, and \
         at most one bias vector for each",
        list(tensors)
    )]
    NoFit {
        /// The tensors.
        tensors: Vec<TensorInfo>,
    },
    /// The tensors fit each other, but no network has these sizes.
    #[error("these tensors have {error}")]
    Size {
        /// The size.
        error: SizeError,
    },
    /// There are more tensors than a network has, and the matrices are not both named.
    #[error("cannot infer which tensors are the weights; there are {}", list(tensors))]
    Unnamed {
        /// The tensors.
        tensors: Vec<TensorInfo>,
    },
    /// The tensors can be read in more than one way.
    #[error("these tensors can be read in {} ways: {}", readings.len(), readings.join("; or "))]
    Ambiguous {
        /// Each way.
        readings: Vec<String>,
    },
    /// The input's scaling cannot be folded into the weights.
    #[error("the input's {what} is {found}; expected {expected}")]
    Input {
        /// Scale, mean or standard deviation.
        what: &'static str,
        /// The number.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
}

/// A format that is not read here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignFormat {
    /// A file of `torch.save` or `pickle`.
    #[error(
        "this is a pickle (.pt, .pth), which can run any program when it is read; in Python, save the tensors with \
         safetensors.torch.save_file(model.state_dict(), \"net.safetensors\")"
    )]
    Pickle,
    /// A file of Keras.
    #[error(
        "this is a Keras file (HDF5); in Python, save the arrays with numpy.savez(\"net.npz\", *model.get_weights())"
    )]
    Keras,
    /// A model of this program.
    #[error("this is a twolayer model already")]
    Model,
    /// An unknown format.
    #[error(
        "expected a safetensors, .npz or .npy file; this one begins with the bytes {}",
        found.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
    )]
    Unknown {
        /// The first bytes, at most eight.
        found: Vec<u8>,
    },
}

/// The tensors with their shapes, or the first of them.
fn list(tensors: &[TensorInfo]) -> String {
    const MOST: usize = 12;
    let mut each: Vec<_> = tensors.iter().take(MOST).map(ToString::to_string).collect();
    match tensors.len() {
        0 => return "none".into(),
        count if count > MOST => each.push(format!("and {} more", count - MOST)),
        _ => {}
    }
    each.join(", ")
}
