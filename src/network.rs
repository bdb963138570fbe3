//! Inference: the outputs and the class of images, from weights that lie wherever the caller has them.
//!
//! Zero pixels are skipped. One image costs `2·nnz·hidden + 2·hidden·outputs` operations; many at a time cost the
//! same, but read each panel of W1 from the first-level cache instead of from wherever the weights are.

use crate::kernel::forward::forward_chunk;
use crate::kernel::output::forward;
use crate::kernel::pixels::{BySample, CHUNK};
use crate::kernel::{OnPanel, for_width, rows, rows_mut};
use crate::scratch::Scratch;
use crate::shape::{PANEL, Shape};
use crate::simd::{Backend, Isa, Kernel, LANES, sum_lanes};
use core::fmt;
use wide::f32x16;

/// A trained network over borrowed f32 weights, which lie as [`Shape`] says.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    shape: Shape,
    w1: &'a [f32],
    w2: &'a [f32],
    backend: Backend,
}

impl<'a> Network<'a> {
    /// A network of these weights: W1 and W2, [`Shape::weights_len`] numbers.
    ///
    /// # Errors
    ///
    /// When the number of weights is not what the shape says.
    pub fn new(shape: Shape, weights: &'a [f32], backend: Backend) -> Result<Self, NetworkError> {
        let (found, expected) = (weights.len(), shape.weights_len());
        match weights.split_at_checked(shape.w1_len()) {
            Some((w1, w2)) if found == expected => Ok(Self { shape, w1, w2, backend }),
            _ => Err(NetworkError::Weights { found, expected }),
        }
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The scratch that [`outputs`](Self::outputs) needs for up to `images` images at a time, in numbers.
    #[must_use]
    pub const fn scratch_len(shape: Shape, images: usize) -> usize {
        let width = if shape.hidden_padded() < PANEL { shape.hidden_padded() } else { PANEL };
        let rows = images.saturating_mul(width + shape.outputs() * LANES);
        BySample::scratch_len(shape.inputs(), images).saturating_add(rows)
    }

    /// The outputs `y = max(x W1, 0) W2` of each image: `images` is `[samples][inputs]` pixels, `outputs`
    /// `[samples][outputs]`.
    ///
    /// An image's outputs are the same bits whatever images it comes with.
    ///
    /// # Errors
    ///
    /// When `images` is not a whole number of images, `outputs` not as long as they need, or `scratch` shorter than
    /// [`scratch_len`](Self::scratch_len).
    pub fn outputs(&self, images: &[u8], scratch: &mut [f32], outputs: &mut [f32]) -> Result<(), NetworkError> {
        let samples = self.samples(images)?;
        let (found, expected) = (outputs.len(), samples.saturating_mul(self.shape.outputs()));
        if found != expected {
            return Err(NetworkError::Outputs { found, expected });
        }
        let mut batch = self.batch(images, samples, scratch)?;
        self.backend.run(InBatch { network: self, batch: &mut batch });
        for (output, [sum]) in outputs.iter_mut().zip(rows(batch.sums)) {
            *output = sum_lanes(f32x16::new(*sum));
        }
        Ok(())
    }

    /// The class of each image: the index of its largest output, the first of equals. `classes` takes one for each
    /// image; all else is as with [`outputs`](Self::outputs).
    ///
    /// # Errors
    ///
    /// As [`outputs`](Self::outputs).
    pub fn classify(&self, images: &[u8], scratch: &mut [f32], classes: &mut [u8]) -> Result<(), NetworkError> {
        let samples = self.samples(images)?;
        let (found, expected) = (classes.len(), samples);
        if found != expected {
            return Err(NetworkError::Outputs { found, expected });
        }
        let mut batch = self.batch(images, samples, scratch)?;
        self.backend.run(InBatch { network: self, batch: &mut batch });
        for (class, sums) in classes.iter_mut().zip(rows(batch.sums).chunks(self.shape.outputs())) {
            *class = largest(sums.iter().map(|[sum]| sum_lanes(f32x16::new(*sum))));
        }
        Ok(())
    }

    fn samples(&self, images: &[u8]) -> Result<usize, NetworkError> {
        match images.len() % self.shape.inputs() {
            0 => Ok(images.len() / self.shape.inputs()),
            _ => Err(NetworkError::Images { found: images.len(), inputs: self.shape.inputs() }),
        }
    }

    fn batch<'s>(&self, images: &[u8], samples: usize, scratch: &'s mut [f32]) -> Result<Batch<'s>, NetworkError> {
        let (found, expected) = (scratch.len(), Self::scratch_len(self.shape, samples));
        if found < expected {
            return Err(NetworkError::Scratch { found, expected });
        }
        let mut scratch = Scratch::new(scratch);
        let sums = scratch.take(samples * self.shape.outputs() * LANES);
        sums.fill(0.0);
        let hidden = scratch.take(samples * PANEL.min(self.shape.hidden_padded()));
        let mut pixels = BySample::new(self.shape.inputs(), samples, &mut scratch);
        pixels.fill(images);
        Ok(Batch { samples, pixels, hidden, sums })
    }
}

/// Images on their way through the network.
struct Batch<'s> {
    samples: usize,
    pixels: BySample<'s>,
    /// `[samples][width]`, of one panel after another.
    hidden: &'s mut [f32],
    /// `[samples][outputs][16]`.
    sums: &'s mut [f32],
}

/// The forward pass of a batch.
struct InBatch<'n, 'b, 's> {
    network: &'n Network<'n>,
    batch: &'b mut Batch<'s>,
}

impl Kernel for InBatch<'_, '_, '_> {
    type Out = ();

    #[inline(always)]
    fn call<I: Isa>(self, isa: I) {
        let Network { shape, w1, w2, .. } = *self.network;
        for (w1, w2) in w1.chunks((shape.inputs() * PANEL).max(1)).zip(w2.chunks((shape.outputs() * PANEL).max(1))) {
            let width = w1.len() / shape.inputs() / LANES;
            for_width(isa, width, InPanel { shape, w1, w2, batch: self.batch });
        }
    }
}

/// One panel's part of the forward pass.
struct InPanel<'a, 's> {
    shape: Shape,
    w1: &'a [f32],
    w2: &'a [f32],
    batch: &'a mut Batch<'s>,
}

impl OnPanel for InPanel<'_, '_> {
    #[inline(always)]
    fn call<I: Isa, const W: usize, const N: usize>(self, isa: I) {
        let Batch { samples, pixels, hidden, sums } = self.batch;
        let (w1, w2) = (rows::<W>(self.w1), rows::<W>(self.w2));
        let z = rows_mut::<W>(hidden).get_mut(..*samples).unwrap_or_default();
        for at in (0..W).step_by(N) {
            for chunk in 0..self.shape.inputs().div_ceil(CHUNK) {
                forward_chunk::<I, W, N>(isa, w1, at, pixels, chunk, z);
            }
        }
        for (z, sums) in z.iter().zip(rows_mut(sums).chunks_exact_mut(self.shape.outputs())) {
            forward::<I, W, N>(isa, z, w2, sums);
        }
    }
}

/// The index of the largest value, the first of equals; NaN is never the largest.
fn largest(values: impl Iterator<Item = f32>) -> u8 {
    let mut best = (f32::NEG_INFINITY, 0);
    for (index, value) in (0..=u8::MAX).zip(values) {
        if value > best.0 {
            best = (value, index);
        }
    }
    best.1
}

/// Why there are no outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// Weights that are not as long as the shape says.
    Weights {
        /// The length found, in numbers.
        found: usize,
        /// [`Shape::weights_len`].
        expected: usize,
    },
    /// Not a whole number of images.
    Images {
        /// The pixels found.
        found: usize,
        /// The pixels of one image.
        inputs: usize,
    },
    /// Room for more or fewer results than there are.
    Outputs {
        /// The room found.
        found: usize,
        /// The number of results.
        expected: usize,
    },
    /// Too little scratch.
    Scratch {
        /// The length found, in words of 32 bits.
        found: usize,
        /// The least that is needed: the network's `scratch_len`.
        expected: usize,
    },
    /// Too little memory to lay the weights out in.
    Memory {
        /// The length found, in words of 32 bits.
        found: usize,
        /// The least that is needed: the network's `memory_len`.
        expected: usize,
    },
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Weights { found, expected } => write!(f, "{found} weights; the shape has {expected}"),
            Self::Images { found, inputs } => write!(f, "{found} pixels; one image has {inputs}"),
            Self::Outputs { found, expected } => write!(f, "room for {found} results; there are {expected}"),
            Self::Scratch { found, expected } => {
                write!(f, "{found} words of scratch; at least {expected} are needed")
            }
            Self::Memory { found, expected } => {
                write!(f, "{found} words of memory for the weights; at least {expected} are needed")
            }
        }
    }
}

impl core::error::Error for NetworkError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::recipe::{Bounds, Recipe};
    use crate::support::{Samples, bits, signed_weights};

    #[test]
    fn outputs_are_the_recipes() {
        for (inputs, hidden, outputs) in [(1, 1, 1), (33, 16, 2), (112, 17, 10), (113, 129, 3), (784, 300, 10)] {
            let shape = Shape::new(inputs, hidden, outputs).unwrap();
            let weights = signed_weights(shape, 1, 0.1);
            let mut images = Samples::new(inputs, outputs, 5, 2).images;
            images.extend(vec![255; inputs]);
            images.extend(vec![0; inputs]);
            let (recipe, bounds) = (Recipe::new(shape, &weights), Bounds::new(shape, &weights));
            for backend in Backend::available() {
                let network = Network::new(shape, &weights, backend).unwrap();
                let mut scratch = vec![f32::NAN; Network::scratch_len(shape, 7)];
                let mut found = vec![f32::NAN; 7 * outputs];
                network.outputs(&images, &mut scratch, &mut found).unwrap();
                for (image, found) in images.chunks(inputs).zip(found.chunks(outputs)) {
                    for ((found, expected), bound) in found.iter().zip(recipe.outputs(image)).zip(bounds.outputs(image))
                    {
                        let off = (f64::from(*found) - expected).abs();
                        assert!(off <= bound.error, "{shape} on {backend}: {found}, {expected} ± {:e}", bound.error);
                    }
                }
                assert_eq!(bits(&found[6 * outputs..]), vec![0; outputs], "outputs of a black image");
            }
        }
    }

    /// One hidden unit that passes its pixel on, so that the outputs are the weights behind it.
    fn class_of(outputs: &[f32]) -> u8 {
        let shape = Shape::new(1, 1, outputs.len()).unwrap();
        let mut weights = vec![0.0; shape.weights_len()];
        weights[shape.w1_index(0, 0)] = 1.0;
        for (output, &weight) in outputs.iter().enumerate() {
            weights[shape.w2_index(0, output)] = weight;
        }
        let mut scratch = vec![f32::NAN; Network::scratch_len(shape, 1)];
        let mut class = [77];
        let network = Network::new(shape, &weights, Backend::detect()).unwrap();
        network.classify(&[1], &mut scratch, &mut class).unwrap();
        class[0]
    }

    #[test]
    fn the_class_is_the_first_of_the_largest() {
        assert_eq!(class_of(&[1.0, 3.0, 2.0]), 1);
        assert_eq!(class_of(&[-3.0, -1.0, -1.0]), 1);
        assert_eq!(class_of(&[0.0, 0.0]), 0);
        assert_eq!(class_of(&[f32::NAN, -5.0, f32::NAN]), 1);
        assert_eq!(class_of(&[f32::NAN; 3]), 0);
        assert_eq!(class_of(&[1.0, f32::INFINITY]), 1);
        let mut outputs = [0.0; 256];
        outputs[255] = 1.0;
        assert_eq!(class_of(&outputs), 255);
    }

    #[test]
    fn no_images_have_no_outputs() {
        let shape = Shape::new(9, 5, 3).unwrap();
        let weights = vec![0.0; shape.weights_len()];
        let network = Network::new(shape, &weights, Backend::detect()).unwrap();
        assert_eq!(network.shape(), shape);
        let mut scratch = vec![f32::NAN; Network::scratch_len(shape, 0)];
        network.outputs(&[], &mut scratch, &mut []).unwrap();
        network.classify(&[], &mut scratch, &mut []).unwrap();
    }

    #[test]
    fn wrong_lengths_are_errors_that_say_which() {
        let shape = Shape::new(9, 5, 3).unwrap();
        let mut weights = vec![0.0; shape.weights_len() + 1];
        let expected = shape.weights_len();
        for found in [0, 9 * 16, expected - 1, expected + 1] {
            let error = Network::new(shape, &weights[..found], Backend::detect()).unwrap_err();
            assert_eq!(error, NetworkError::Weights { found, expected });
        }
        weights.truncate(expected);
        let network = Network::new(shape, &weights, Backend::detect()).unwrap();
        let expected = Network::scratch_len(shape, 2);
        let mut scratch = vec![0.0; expected + 1];
        let images = [1; 18];
        let mut run = |pixels: usize, len: usize, outputs: usize, classes: usize| {
            let a = network.outputs(&images[..pixels], &mut scratch[..len], &mut vec![0.0; outputs]);
            let b = network.classify(&images[..pixels], &mut scratch[..len], &mut vec![0; classes]);
            (a, b)
        };
        assert_eq!(run(18, expected, 6, 2), (Ok(()), Ok(())));
        assert_eq!(run(18, expected + 1, 6, 2), (Ok(()), Ok(())));
        let error = Err(NetworkError::Images { found: 17, inputs: 9 });
        assert_eq!(run(17, expected, 6, 2), (error, error));
        let error = Err(NetworkError::Scratch { found: expected - 1, expected });
        assert_eq!(run(18, expected - 1, 6, 2), (error, error));
        let few = Err(NetworkError::Outputs { found: 5, expected: 6 });
        let many = Err(NetworkError::Outputs { found: 3, expected: 2 });
        assert_eq!(run(18, expected, 5, 3), (few, many));
        let message = NetworkError::Outputs { found: 5, expected: 6 }.to_string();
        assert_eq!(message, "room for 5 results; there are 6");
    }
}
