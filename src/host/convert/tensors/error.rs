//! Why a file of tensors cannot be used as a network.

use super::TensorInfo;
use crate::net::SizeError;

/// What is wrong with a file of tensors, or with the tensors in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The file's first bytes are those of no format that is read here.
    #[error(
        "it is neither safetensors nor .npz nor .npy: it begins with the bytes {}",
        found.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
    )]
    Format {
        /// The first bytes, at most eight.
        found: Vec<u8>,
    },
    /// A file of `torch.save` or `pickle`.
    #[error(
        "it is pickled (.pt, .pth), and a pickle can run any program when it is read; in Python, save the tensors with \
         safetensors.torch.save_file(model.state_dict(), \"net.safetensors\")"
    )]
    Pickled,
    /// A file of Keras.
    #[error(
        "it is a file of Keras (HDF5); in Python, save the arrays with numpy.savez(\"net.npz\", *model.get_weights())"
    )]
    Keras,
    /// A model of this program.
    #[error("it is a twolayer model already")]
    Model,
    /// The file as a whole is damaged.
    #[error("damaged or incomplete: {what}")]
    Damaged {
        /// What was found, and what was expected.
        what: String,
    },
    /// A tensor is damaged.
    #[error("tensor {name}: {what}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What was found, and what was expected.
        what: String,
    },
    /// A tensor's numbers are not floats.
    #[error("tensor {name} has elements of type {found}; expected floats of 16, 32 or 64 bits")]
    Type {
        /// The tensor.
        name: String,
        /// The type, as the file names it.
        found: String,
    },
    /// A number is infinite or not a number, or too large for f32, in the file or with the input's scale folded in.
    #[error("tensor {name}: the number at {at:?} is {found}, or becomes it; a network needs finite f32 numbers")]
    NotFinite {
        /// The tensor.
        name: String,
        /// The index.
        at: Vec<usize>,
        /// The number.
        found: String,
    },
    /// Two files name a tensor alike.
    #[error("two tensors are called {name}")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// There is no tensor of that name.
    #[error("no tensor is called {name}; there are {}", list(tensors))]
    Missing {
        /// The name.
        name: String,
        /// All tensors.
        tensors: Vec<TensorInfo>,
    },
    /// The tensors are not those of one network.
    #[error(
        "no two-layer network fits these tensors: {}; expected two matrices that share a dimension, the hidden units, and \
         a bias vector for each or none",
        list(tensors)
    )]
    NoFit {
        /// The tensors.
        tensors: Vec<TensorInfo>,
    },
    /// The tensors fit, but no network may have these sizes.
    #[error("these tensors make {error}")]
    Size {
        /// The size.
        error: SizeError,
    },
    /// Too many tensors to tell which are the network's.
    #[error("which tensors are the weights? There are {}", list(tensors))]
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
