//! Why a file of tensors cannot be used as a network.

use super::TensorInfo;
use crate::host::files::printable;
use crate::net::SizeError;

/// What is wrong with a file of tensors, or with the tensors in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum TensorError {
    /// A file without tensors that are read here: what it is, and the lines that make a file which is read. The lines are text of this
    /// crate, broken by line feeds.
    #[error("this is {}; {recipe}", printable(what))]
    Foreign { what: String, recipe: &'static str },
    /// A network that is not run here: of other than two layers, or with another activation than ReLU. This is what the file tells.
    #[error("{what}")]
    Network { what: String },
    /// The file as a whole is damaged: what was found, and what was expected.
    #[error("damaged or incomplete: {what}")]
    Damaged { what: String },
    /// A tensor is damaged, its numbers are not floats, one of them is not finite in f32 (in the file, or with the input's scaling
    /// folded in), or another tensor has the same name: what was found, and what was expected.
    #[error("tensor {name}: {what}")]
    Tensor { name: String, what: String },
    /// There is no tensor of that name. These are all.
    #[error("no tensor has the name {name}; there are {}", list(tensors))]
    Missing { name: String, tensors: Vec<TensorInfo> },
    /// The tensors are not those of one network.
    #[error(
        "no two-layer network fits these tensors: {}; expected two matrices that share a dimension, the hidden units, and \
         at most one bias vector for each",
        list(tensors)
    )]
    NoFit { tensors: Vec<TensorInfo> },
    /// The tensors fit each other, but no network has these sizes.
    #[error("these tensors have {error}")]
    Size { error: SizeError },
    /// There are more tensors than a network has, and the matrices are not both named.
    #[error("cannot infer which tensors are the weights; there are {}", list(tensors))]
    Unnamed { tensors: Vec<TensorInfo> },
    /// The tensors can be read in more than one way: in these.
    #[error("these tensors can be read in {} ways: {}", readings.len(), readings.join("; or "))]
    Ambiguous { readings: Vec<String> },
    /// The input's scaling, which is its scale, mean or standard deviation, cannot be folded into the weights.
    #[error("the input's {what} is {found}; expected {expected}")]
    Input { what: &'static str, found: String, expected: &'static str },
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
