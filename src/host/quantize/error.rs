//! What can go wrong in quantising and tuning.

use crate::host::train::TrainingError;

/// Why a network cannot be quantised, tuned or compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum QuantizeError {
    /// The samples do not fit the network, a size or a setting is out of range, training diverges, or memory runs out.
    #[error(transparent)]
    Training(TrainingError),
    /// The network has more inputs than the quantiser takes: it would take too much time and memory.
    #[error("the network has {found} inputs; the quantiser takes at most {most}")]
    TooManyInputs { found: usize, most: usize },
    /// A weight is infinite or NaN, by its place among the weights.
    #[error("weight {index} is not a finite number")]
    NotFinite { index: usize },
    /// The network has biases, and is to be tuned.
    #[error("the network has biases, which tuning does not train: quantise it without")]
    Biases,
    /// There are no images.
    #[error("there are no images to quantise with")]
    NoImages,
    /// The images are so faint that a quantised network, which sees five levels of grey, sees next to nothing. `found` is the
    /// brightest pixel of all.
    #[error(
        "no pixel of the images is above {found}, and a quantised network sees the levels 0, 64, 128, 192 and 255 only: \
         scale the images to 0 to 255 and train on them"
    )]
    Faint { found: u8 },
}

/// All that can go wrong in training can also go wrong here.
impl<E: Into<TrainingError>> From<E> for QuantizeError {
    fn from(error: E) -> Self {
        Self::Training(error.into())
    }
}
