//! Quantises a network with the images of a data set.

use super::QuantizeError;
use super::quantize::quantize_samples;
use crate::host::data::Set;
use crate::host::files::Quantized;
use crate::int::Bits;
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
