//! Quantises a network with the images of a data set, and compares two networks.

use super::QuantizeError;
use super::quantize::quantize_samples;
use crate::host::data::Set;
use crate::host::files::Quantized;
use crate::host::train::{Evaluation, Threads, evaluate};
use crate::int::Bits;
use crate::model::AnyNetwork;
use crate::net::Weights;

/// The default number of calibration images. More images make no measurable difference.
pub const QUANTIZE_IMAGES: usize = 10_000;

/// Quantises a network with the first `images` images of `set` (all if there are fewer), which should be a training
/// set.
///
/// ```
/// use twolayer::host::dataset::{Dataset, Digits};
/// use twolayer::host::training::{Recipe, train};
/// use twolayer::host::{QUANTIZE_IMAGES, quantize};
/// use twolayer::Bits;
/// # fn main() -> Result<(), twolayer::host::Error> {
/// let digits = Dataset::generate(Digits { seed: 1, train: 500, test: 100 }, &mut |_| ())?;
/// let trained = train(&digits, &Recipe { epochs: 1, hidden: 16, ..Recipe::fast() }, |_| ())?;
/// let quantized = quantize(trained.weights.view(), Bits::Four, &digits.train, QUANTIZE_IMAGES)?;
/// assert_eq!(quantized.shape(), trained.weights.view().shape());
/// assert_eq!(quantized.payload().len(), 16 + 784 * 16 + 16 * 10); // where the f32 weights have 51 kB
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// Those of [`quantize_samples`], and [`QuantizeError::Training`] if the images or labels do not fit the network.
pub fn quantize(weights: Weights<'_>, bits: Bits, set: &Set, images: usize) -> Result<Quantized, QuantizeError> {
    let shape = weights.shape();
    set.check(shape)?;
    let labels = &set.labels()[..images.min(set.len())];
    quantize_samples(weights, bits, &set.images()[..labels.len() * shape.pixels()], labels)
}

/// The evaluations of two networks on the same set.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The first network, usually with f32 weights.
    pub before: Evaluation,
    /// The second network, usually quantised.
    pub after: Evaluation,
    /// The number of images that both networks assign to the same class, right or wrong.
    pub agreed: usize,
}

/// Classifies every image of `set` with both networks.
///
/// # Errors
///
/// Those of [`evaluate`](crate::host::evaluate), for either network.
pub fn compare<'n>(
    before: impl Into<AnyNetwork<'n>>,
    after: impl Into<AnyNetwork<'n>>,
    set: &Set,
    threads: &Threads,
) -> Result<Comparison, QuantizeError> {
    let (before, after) = (evaluate(before, set, threads)?, evaluate(after, set, threads)?);
    let agreed = before.answers().iter().zip(after.answers()).filter(|(a, b)| a.class == b.class).count();
    Ok(Comparison { before, after, agreed })
}

impl Comparison {
    /// The accuracy of the second network minus that of the first, in percentage points.
    #[must_use]
    pub fn points(&self) -> f64 {
        100.0 * (self.after.accuracy() - self.before.accuracy())
    }
}
