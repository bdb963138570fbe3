//! Inference in f32: the outputs and the class of images, from weights that lie wherever the caller has them.
//!
//! Zero pixels are skipped. One image costs `2·nnz·hidden + 2·hidden·outputs` operations; many at a time cost the
//! same, but read each panel of W1 from the first-level cache instead of from wherever the weights are.

use crate::base::{Always, Scratch, padded, violated};
use crate::net::kernel::forward::{hidden_forward, output_forward};
use crate::net::kernel::pixels::{BySample, CHUNK, Fill};
use crate::net::kernel::{PanelFn, for_width, load, rows, rows_mut, tile};
use crate::net::weights::WeightsPanel;
use crate::net::{Shape, SizeError, Weights, network_input, network_input_len};
use crate::simd::{Backend, Isa, LANES, TierFn, sum_lanes};
use core::num::NonZeroUsize;
use wide::f32x16;

/// A trained network over borrowed f32 weights.
///
/// ```
/// use twolayer::{Answer, Backend, INIT_SCALE, Network, Shape, WeightsMut, fill_initial};
/// # fn main() -> Result<(), twolayer::SizeError> {
/// let shape = Shape::new(4, 32, 2)?;
/// let mut numbers = vec![0.0; shape.weights_len()];
/// let mut weights = WeightsMut::new(shape, &mut numbers)?;
/// fill_initial(&mut weights, 1, INIT_SCALE);
///
/// let network = Network::new(weights.view(), Backend::detect());
/// let mut scratch = vec![0.0; Network::scratch_len(shape)];
/// let outputs = network.outputs(&[0, 90, 255, 0], &mut scratch)?;
/// let Answer { class, margin } = Answer::of(outputs);
/// assert_eq!(margin, outputs[usize::from(class)] - outputs[usize::from(1 - class)]);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    weights: Weights<'a>,
    backend: Backend,
    /// Are all products of the first layer exact, and is that of use?
    short: bool,
}

impl<'a> Network<'a> {
    /// The network of these weights.
    ///
    /// Where the tier has fused multiply-add, all weights are read once: those of a [`Trainer`](crate::Trainer) are short enough for
    /// it. (Outputs are the same bits either way.)
    #[must_use]
    pub fn new(weights: Weights<'a>, backend: Backend) -> Self {
        Self { weights, backend, short: backend.fuses() && weights.are_short() }
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.weights.shape()
    }

    /// The scratch that [`outputs`](Self::outputs) needs, in words of 32 bits: 18 kB for 784 → 1000 → 10.
    #[must_use]
    pub const fn scratch_len(shape: Shape) -> usize {
        Self::batch_scratch_len(shape, 1)
    }

    /// The outputs `y = max(x W1 + b1, 0) W2 + b2` of one image (biases are zero where there are none) of [`Shape::pixels`] pixels,
    /// which [`Answer::of`](crate::Answer::of) makes a class and a margin of. Where the shape says so, the image is deslanted or halved first.
    /// They are in `scratch`, which may hold anything before.
    ///
    /// # Errors
    ///
    /// [`SizeError::Pixels`] when `image` is not as long as the shape says, [`SizeError::Scratch`] when `scratch` is shorter than
    /// [`scratch_len`](Self::scratch_len).
    pub fn outputs<'s>(&self, image: &[u8], scratch: &'s mut [f32]) -> Result<&'s [f32], SizeError> {
        SizeError::check_pixels(image.len(), self.shape().pixels())?;
        self.outputs_batch(image, scratch)
    }

    /// The scratch that [`outputs_batch`](Self::outputs_batch) needs for up to `images` images, in words of 32 bits.
    #[must_use]
    pub const fn batch_scratch_len(shape: Shape, images: usize) -> usize {
        let z = padded(images.saturating_mul(shape.panel_width()));
        let sums = padded(images.saturating_mul(shape.outputs() * LANES));
        let prepared = padded(network_input_len(shape, images).div_ceil(4));
        let pixels = BySample::scratch_len(shape.inputs(), chunk(shape, images), images);
        pixels.saturating_add(z).saturating_add(sums).saturating_add(prepared)
    }

    /// [`outputs`](Self::outputs) for many images: `images` is `[images][pixels]`, the result `[images][outputs]`.
    ///
    /// An image's outputs are the same bits whatever images it comes with. 64 images at a time take about half the time of
    /// 64 calls.
    ///
    /// # Errors
    ///
    /// [`SizeError::Pixels`] when `images` is not a whole number of images, [`SizeError::Scratch`] when `scratch` is shorter than
    /// [`batch_scratch_len`](Self::batch_scratch_len).
    pub fn outputs_batch<'s>(&self, images: &[u8], scratch: &'s mut [f32]) -> Result<&'s [f32], SizeError> {
        let sums = self.forward(images, self.samples(images)?, scratch)?;
        let outputs = sums.len() / LANES;
        // In place: an output is behind none of the lanes that are still to be added up.
        for output in 0..outputs {
            let lanes = sums.get(output * LANES..).and_then(<[f32]>::first_chunk).copied();
            if let (Some(sum), Some(lanes)) = (sums.get_mut(output), lanes) {
                *sum = sum_lanes(f32x16::new(lanes));
            }
        }
        Ok(sums.get(..outputs).always("there are fewer outputs than lanes"))
    }

    /// The number of images.
    const fn samples(&self, images: &[u8]) -> Result<usize, SizeError> {
        let pixels = self.shape().pixels();
        match images.len().checked_rem(pixels) {
            Some(0) => Ok(images.len() / pixels),
            _ => Err(SizeError::Pixels { found: images.len(), expected: pixels }),
        }
    }

    /// The forward pass: `[images][outputs]` vectors, whose lanes are still to be added up.
    fn forward<'s>(&self, images: &[u8], samples: usize, scratch: &'s mut [f32]) -> Result<&'s mut [f32], SizeError> {
        let shape = self.shape();
        let (found, expected) = (scratch.len(), Self::batch_scratch_len(shape, samples));
        SizeError::check_scratch(found, expected)?;
        let mut scratch = Scratch::new(scratch);
        let sums = scratch.take(samples * shape.outputs() * LANES);
        sums.fill(0.0);
        let biases = self.weights.output_biases().iter().cycle();
        for ([sum], bias) in rows_mut(sums).iter_mut().zip(biases) {
            sum[0] = *bias;
        }
        let z = scratch.take(samples * shape.panel_width());
        let mut pixels = BySample::new(shape.rows().0, chunk(shape, samples), samples, &mut scratch);
        let prepared = scratch.take(network_input_len(shape, samples).div_ceil(4));
        let inputs = network_input(&shape, images, bytemuck::cast_slice_mut(prepared));
        self.backend.run(Fill(&mut pixels, inputs));
        debug_assert_eq!(scratch.left(), found - expected, "no more is asked for than is used");
        self.backend.run(Forward { weights: self.weights, short: self.short, samples, pixels: &pixels, z, sums });
        Ok(sums)
    }
}

/// Inputs of a chunk. One image has no use for chunks: it reads each row once.
const fn chunk(shape: Shape, images: usize) -> NonZeroUsize {
    if images == 1 { shape.rows().0 } else { CHUNK }
}

/// The forward pass of a batch of images, panel by panel.
struct Forward<'a> {
    weights: Weights<'a>,
    short: bool,
    samples: usize,
    pixels: &'a BySample<'a>,
    /// `[samples][width]`, of one panel after another.
    z: &'a mut [f32],
    /// `[samples][outputs][16]`.
    sums: &'a mut [f32],
}

impl TierFn for Forward<'_> {
    type Out = ();

    #[inline(always)]
    fn call<I: Isa>(mut self, isa: I) {
        for panel in self.weights.panels() {
            for_width(isa, panel.width, ForwardPanel(&mut self, panel));
        }
    }
}

/// One panel's part of the forward pass.
struct ForwardPanel<'a, 'b>(&'a mut Forward<'b>, WeightsPanel<'b>);

impl PanelFn for ForwardPanel<'_, '_> {
    #[inline(always)]
    fn call<I: Isa, const W: usize, const N: usize>(self, isa: I) {
        if I::FUSES && self.0.short { self.pass::<I, W, N, true>(isa) } else { self.pass::<I, W, N, false>(isa) }
    }
}

impl ForwardPanel<'_, '_> {
    #[inline(always)]
    fn pass<I: Isa, const W: usize, const N: usize, const SHORT: bool>(self, isa: I) {
        let Self(Forward { weights, samples, pixels, z, sums, .. }, panel) = self;
        let (shape, w1, w2) = (weights.shape(), rows::<W>(panel.w1), rows::<W>(panel.w2));
        let z = rows_mut::<W>(z).get_mut(..*samples).always("there is a row for each sample");
        let Some(start) = rows::<W>(panel.start).first() else { violated!("every unit has a start", return) };
        for at in (0..W).step_by(N) {
            let Some(start) = tile(start, at) else { violated!("a row is whole tiles", continue) };
            for chunk in 0..pixels.chunks() {
                hidden_forward::<I, W, N, SHORT>(isa, w1, at, pixels, chunk, || load(start), z);
            }
        }
        for (z, sums) in z.iter().zip(rows_mut(sums).chunks_exact_mut(shape.outputs())) {
            output_forward::<I, W, N>(isa, z, w2, sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::recipe::{Bounds, Recipe};
    use crate::support::{Samples, bits, signed_weights};

    #[test]
    fn outputs_are_the_recipes() {
        let shapes = [(1, 1, 1), (33, 16, 2), (112, 17, 10), (113, 129, 3), (784, 300, 10)];
        let shapes = shapes.map(|(inputs, hidden, outputs)| Shape::new(inputs, hidden, outputs).unwrap());
        for shape in shapes.into_iter().chain(shapes.map(Shape::with_biases)) {
            let (inputs, outputs) = (shape.inputs(), shape.outputs());
            let mut weights = signed_weights(shape, 1, 0.1);
            // Biases that matter beside the sums of pixels.
            weights[shape.layers_len()..].iter_mut().for_each(|bias| *bias *= 100.0);
            let mut images = Samples::new(inputs, outputs, 5, 2).images;
            images.extend(vec![255; inputs]);
            images.extend(vec![0; inputs]);
            let (recipe, bounds) = (Recipe::new(shape, &weights), Bounds::new(shape, &weights));
            for backend in Backend::available() {
                let network = network(shape, &weights, backend);
                let mut scratch = vec![f32::NAN; Network::batch_scratch_len(shape, 7)];
                let found = network.outputs_batch(&images, &mut scratch).unwrap();
                for (image, found) in images.chunks(inputs).zip(found.chunks(outputs)) {
                    for ((found, expected), bound) in found.iter().zip(recipe.outputs(image)).zip(bounds.outputs(image))
                    {
                        let off = (f64::from(*found) - expected).abs();
                        assert!(off <= bound.error, "{shape} on {backend}: {found}, {expected} ± {:e}", bound.error);
                    }
                }
                if !shape.has_biases() {
                    assert_eq!(bits(&found[6 * outputs..]), vec![0; outputs], "outputs of a black image");
                }
            }
        }
    }

    fn network(shape: Shape, weights: &[f32], backend: Backend) -> Network<'_> {
        Network::new(Weights::new(shape, weights).unwrap(), backend)
    }

    #[test]
    fn no_images_have_no_outputs() {
        let shape = Shape::new(9, 5, 3).unwrap();
        let weights = vec![0.0; shape.weights_len()];
        let network = network(shape, &weights, Backend::detect());
        assert_eq!(network.shape(), shape);
        let mut scratch = vec![f32::NAN; Network::batch_scratch_len(shape, 0)];
        assert_eq!(network.outputs_batch(&[], &mut scratch), Ok(&[][..]));
    }

    #[test]
    fn wrong_lengths_are_errors_that_say_which() {
        let shape = Shape::new(9, 5, 3).unwrap();
        let weights = vec![0.0; shape.weights_len()];
        let network = network(shape, &weights, Backend::detect());
        let expected = Network::batch_scratch_len(shape, 2);
        let mut scratch = vec![0.0; expected + 1];
        let images = [1; 18];
        let mut run =
            |pixels: usize, len: usize| network.outputs_batch(&images[..pixels], &mut scratch[..len]).map(<[_]>::len);
        assert_eq!(run(18, expected), Ok(6));
        assert_eq!(run(18, expected + 1), Ok(6));
        assert_eq!(run(17, expected), Err(SizeError::Pixels { found: 17, expected: 9 }));
        assert_eq!(run(18, expected - 1), Err(SizeError::Scratch { found: expected - 1, expected }));

        // One image is one image.
        let len = Network::scratch_len(shape);
        for found in [0, 8, 10, 18] {
            let error = SizeError::Pixels { found, expected: 9 };
            assert_eq!(network.outputs(&images[..found], &mut scratch), Err(error));
        }
        assert_eq!(network.outputs(&images[..9], &mut scratch[..len]), Ok(&[0.0; 3][..]));
        let short = SizeError::Scratch { found: len - 1, expected: len };
        assert_eq!(network.outputs(&images[..9], &mut scratch[..len - 1]), Err(short));
    }
}
