//! The f32 weights of a network: numbers in the caller's memory, and the shape that says where each weight lies.
//!
//! The layout is described at [`Shape`]. All code that cuts W1, W2 or hidden rows into panels does it by [`panels`].

use crate::base::{Always, violated};
use crate::net::shape::PANEL;
use crate::net::{Shape, SizeError};
use core::num::NonZeroUsize;
use core::slice::{Chunks, ChunksMut};

/// The weights of a network, to be read: [`Shape::weights_len`] numbers.
///
/// ```
/// use twolayer::{Shape, Weights};
/// # fn main() -> Result<(), twolayer::SizeError> {
/// let shape = Shape::new(2, 1, 1)?;
/// let mut numbers = vec![0.0; shape.weights_len()];
/// numbers[0] = 0.5; // from input 0 to hidden unit 0
/// let weights = Weights::new(shape, &numbers)?;
/// assert_eq!(weights.w1(0, 0), Some(0.5));
/// assert_eq!(weights.w1(0, 1), None); // there is one hidden unit
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights<'a> {
    pub(crate) shape: Shape,
    /// As many as the shape says.
    pub(crate) numbers: &'a [f32],
}

impl<'a> Weights<'a> {
    /// The weights in `numbers`, which lie as [`Shape`] says.
    ///
    /// # Errors
    ///
    /// [`SizeError::Weights`] when there are not [`Shape::weights_len`] of them.
    pub const fn new(shape: Shape, numbers: &'a [f32]) -> Result<Self, SizeError> {
        let (found, expected) = (numbers.len(), shape.weights_len());
        if found == expected { Ok(Self { shape, numbers }) } else { Err(SizeError::Weights { found, expected }) }
    }

    /// The same weights, of a network that makes its inputs of images as `shape` says.
    #[cfg(feature = "std")]
    pub(crate) const fn for_images(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(self) -> Shape {
        self.shape
    }

    /// All numbers as they lie in memory: W1, then W2.
    #[must_use]
    pub const fn numbers(self) -> &'a [f32] {
        self.numbers
    }

    /// The weight from input `input` to hidden unit `hidden`; `None` where there is no such input or unit.
    #[must_use]
    pub fn w1(self, input: usize, hidden: usize) -> Option<f32> {
        self.numbers.get(self.shape.w1_index(input, hidden)?).copied()
    }

    /// The weight from hidden unit `hidden` to output `output`; `None` where there is no such unit or output.
    #[must_use]
    pub fn w2(self, hidden: usize, output: usize) -> Option<f32> {
        self.numbers.get(self.shape.w2_index(hidden, output)?).copied()
    }

    /// The bias of hidden unit `hidden`; `None` where there is no such unit, or there are no biases.
    #[must_use]
    pub fn b1(self, hidden: usize) -> Option<f32> {
        self.numbers.get(self.shape.b1_index(hidden)?).copied()
    }

    /// The bias of output `output`; `None` where there is no such output, or there are no biases.
    #[must_use]
    pub fn b2(self, output: usize) -> Option<f32> {
        self.numbers.get(self.shape.b2_index(output)?).copied()
    }

    /// Every weight once: W1 input by input, then W2 hidden unit by hidden unit, then the biases of the hidden units and of
    /// the outputs. This order does not depend on how the weights lie in memory.
    pub fn iter(self) -> impl Iterator<Item = f32> {
        self.shape.places().map(move |place| number(self.numbers, place))
    }

    /// The weights, panel by panel.
    pub(crate) fn panels(self) -> impl Iterator<Item = WeightsPanel<'a>> {
        static ZEROS: [f32; PANEL] = [0.0; PANEL];
        let (layers, mut biases) =
            self.numbers.split_at_checked(self.shape.layers_len()).always("the number of weights was checked");
        let (w1, w2) = layers.split_at_checked(self.shape.w1_len()).always("the number of weights was checked");
        let (inputs, outputs) = self.shape.rows();
        panels(w1, inputs).zip(panels(w2, outputs)).map(move |(w1, w2)| {
            let width = w1.len() / inputs;
            let (start, rest) = if biases.is_empty() {
                (&ZEROS[..], biases)
            } else {
                biases.split_at_checked(width).always("every hidden unit has a bias")
            };
            biases = rest;
            WeightsPanel { w1, w2, start, width }
        })
    }

    /// What the outputs start from; nothing where there are no biases.
    pub(crate) fn output_biases(self) -> &'a [f32] {
        let biases = self.shape.b2_index(0).unwrap_or(self.numbers.len());
        self.numbers.get(biases..).always("the outputs' biases are the last numbers")
    }

    /// The place of the first weight that is infinite or not a number.
    pub(crate) fn not_finite(self) -> Option<usize> {
        self.numbers.iter().position(|weight| !weight.is_finite())
    }

    /// Is every product of a pixel and a weight of the first layer exact? Then the weights have at most 16 significant bits, and are
    /// so small that 255 times as much does not overflow.
    pub(crate) fn are_short(self) -> bool {
        const LIMIT: f32 = f32::MAX / 256.0;
        let first = self.numbers.get(..self.shape.w1_len()).always("the number of weights was checked");
        // Whole rows of numbers without a branch, so that the compiler makes vectors of them.
        first.chunks(1024).all(|weights| {
            let long = |weight: &f32| weight.to_bits() & 0xFF != 0 || weight.abs() > LIMIT;
            weights.iter().fold(0, |count, weight| count + u32::from(long(weight))) == 0
        })
    }

    /// The place of the first number that only fills up the last panel and is not zero.
    pub(crate) fn stray_filler(self) -> Option<usize> {
        self.shape.fillers().find(|&place| number(self.numbers, place) != 0.0)
    }
}

/// The weights of a panel of hidden units.
pub(crate) struct WeightsPanel<'a> {
    /// `[inputs][width]`.
    pub(crate) w1: &'a [f32],
    /// `[outputs][width]`.
    pub(crate) w2: &'a [f32],
    /// What pre-activations start from, `[width]` at least: the biases, or zeros.
    pub(crate) start: &'a [f32],
    pub(crate) width: usize,
}

/// The weights of a network, to be changed: [`Shape::weights_len`] numbers.
///
/// For speed, let them begin at a multiple of 64 bytes.
#[derive(Debug, PartialEq)]
pub struct WeightsMut<'a> {
    pub(crate) shape: Shape,
    /// As many as the shape says.
    pub(crate) numbers: &'a mut [f32],
}

impl<'a> WeightsMut<'a> {
    /// The same weights, to be trained on inputs in place of the images that they are made of.
    #[cfg(feature = "std")]
    pub(crate) fn for_inputs(self) -> Self {
        Self { shape: self.shape.for_inputs(), ..self }
    }

    /// The weights in `numbers`, which lie as [`Shape`] says.
    ///
    /// # Errors
    ///
    /// [`SizeError::Weights`] when there are not [`Shape::weights_len`] of them.
    pub const fn new(shape: Shape, numbers: &'a mut [f32]) -> Result<Self, SizeError> {
        let (found, expected) = (numbers.len(), shape.weights_len());
        if found == expected { Ok(Self { shape, numbers }) } else { Err(SizeError::Weights { found, expected }) }
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The same weights, to be read.
    #[must_use]
    pub const fn view(&self) -> Weights<'_> {
        Weights { shape: self.shape, numbers: self.numbers }
    }

    /// The same weights for a while, so that they can be lent and had back.
    #[must_use]
    pub const fn reborrow(&mut self) -> WeightsMut<'_> {
        WeightsMut { shape: self.shape, numbers: self.numbers }
    }

    /// The weight from input `input` to hidden unit `hidden`; `None` where there is no such input or unit.
    #[must_use]
    pub fn w1_mut(&mut self, input: usize, hidden: usize) -> Option<&mut f32> {
        self.numbers.get_mut(self.shape.w1_index(input, hidden)?)
    }

    /// The weight from hidden unit `hidden` to output `output`; `None` where there is no such unit or output.
    #[must_use]
    pub fn w2_mut(&mut self, hidden: usize, output: usize) -> Option<&mut f32> {
        self.numbers.get_mut(self.shape.w2_index(hidden, output)?)
    }

    /// The bias of hidden unit `hidden`; `None` where there is no such unit, or there are no biases.
    #[must_use]
    pub fn b1_mut(&mut self, hidden: usize) -> Option<&mut f32> {
        self.numbers.get_mut(self.shape.b1_index(hidden)?)
    }

    /// The bias of output `output`; `None` where there is no such output, or there are no biases.
    #[must_use]
    pub fn b2_mut(&mut self, output: usize) -> Option<&mut f32> {
        self.numbers.get_mut(self.shape.b2_index(output)?)
    }

    /// Sets every weight in the order of [`Weights::iter`], and what only fills up the last panel to zero.
    pub fn fill_with(&mut self, mut weight: impl FnMut() -> f32) {
        self.numbers.fill(0.0);
        for place in self.shape.places() {
            let Some(number) = self.numbers.get_mut(place) else { violated!("places are within the weights", return) };
            *number = weight();
        }
    }

    /// All parts, to be changed side by side.
    pub(crate) fn parts_mut(&mut self) -> PartsMut<'_> {
        let (shape, counted) = (self.shape, "the number of weights was checked");
        let (layers, biases) = self.numbers.split_at_mut_checked(shape.layers_len()).always(counted);
        let (w1, w2) = layers.split_at_mut_checked(shape.w1_len()).always(counted);
        let hidden = if biases.is_empty() { 0 } else { shape.hidden_padded() };
        let (b1, b2) = biases.split_at_mut_checked(hidden).always(counted);
        PartsMut { w1, w2, b1, b2 }
    }
}

/// The parts of a network's weights. Those of a network without biases are empty.
#[derive(Default)]
pub(crate) struct PartsMut<'a> {
    /// `[panel][inputs][width]`.
    pub(crate) w1: &'a mut [f32],
    /// `[panel][outputs][width]`.
    pub(crate) w2: &'a mut [f32],
    /// `[panel][width]`.
    pub(crate) b1: &'a mut [f32],
    /// `[outputs]`.
    pub(crate) b2: &'a mut [f32],
}

/// The length of a whole panel of a matrix that lies as `[panel][rows][width]`. The last panel may be shorter.
#[inline(always)]
pub(crate) const fn panel_len(rows: NonZeroUsize) -> usize {
    const WIDTH: NonZeroUsize = NonZeroUsize::new(PANEL).unwrap();
    // In this type, so that the compiler knows that it is not zero and links no panic into firmware.
    rows.saturating_mul(WIDTH).get()
}

/// Cuts a matrix that lies as `[panel][rows][width]` into its panels.
#[inline(always)]
pub(crate) fn panels(matrix: &[f32], rows: NonZeroUsize) -> Chunks<'_, f32> {
    matrix.chunks(panel_len(rows))
}

/// [`panels`], to be written.
#[inline(always)]
pub(crate) fn panels_mut(matrix: &mut [f32], rows: NonZeroUsize) -> ChunksMut<'_, f32> {
    matrix.chunks_mut(panel_len(rows))
}

/// The number at a place that the shape names.
fn number(numbers: &[f32], place: usize) -> f32 {
    numbers.get(place).copied().always("places are within the weights")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::signed_weights;

    #[test]
    fn short_weights_have_exact_products() {
        let shape = Shape::new(3, 700, 2).unwrap();
        let numbers = signed_weights(shape, 1, 0.5);
        let short = |numbers: &[f32]| Weights::new(shape, numbers).unwrap().are_short();
        assert!(short(&numbers));
        for place in [0, 1023, 1024, shape.w1_len() - 1] {
            for (weight, expected) in
                [(1.0 + 1.0 / 32_768.0, true), (1.0 + 1.0 / 65_536.0, false), (1e36, false), (f32::INFINITY, false)]
            {
                let mut numbers = numbers.clone();
                numbers[place] = weight;
                assert_eq!(short(&numbers), expected, "{weight} at {place}");
            }
        }
        // W2 may be anything.
        let mut numbers = numbers;
        numbers[shape.w1_len()] = 0.1;
        assert!(short(&numbers));
    }

    #[test]
    fn weights_are_as_many_as_the_shape_has() {
        let shape = Shape::new(9, 5, 3).unwrap();
        let expected = shape.weights_len();
        let mut numbers = vec![0.0; expected + 1];
        for found in [0, shape.w1_len(), expected - 1, expected + 1] {
            let error = SizeError::Weights { found, expected };
            assert_eq!(Weights::new(shape, &numbers[..found]), Err(error));
            assert_eq!(WeightsMut::new(shape, &mut numbers[..found]), Err(error));
        }
        assert_eq!(Weights::new(shape, &numbers[1..]).map(Weights::shape), Ok(shape));
    }

    #[test]
    fn every_weight_is_where_its_units_say() {
        let shapes = [(5, 131, 3), (2, 128, 1), (3, 20, 2)].map(|(i, h, o)| Shape::new(i, h, o).unwrap());
        for shape in shapes.into_iter().chain(shapes.map(Shape::with_biases)) {
            let mut numbers = vec![f32::NAN; shape.weights_len()];
            let mut weights = WeightsMut::new(shape, &mut numbers).unwrap();
            let mut next = 0.0;
            weights.fill_with(|| {
                next += 1.0;
                next
            });
            let view = weights.view();
            let mut expected = (1..=u16::MAX).map(f32::from);
            for input in 0..shape.inputs() {
                (0..shape.hidden()).for_each(|hidden| assert_eq!(view.w1(input, hidden), expected.next()));
            }
            for hidden in 0..shape.hidden() {
                (0..shape.outputs()).for_each(|output| assert_eq!(view.w2(hidden, output), expected.next()));
            }
            for hidden in 0..shape.hidden() {
                assert_eq!(view.b1(hidden), shape.has_biases().then(|| expected.next().unwrap()));
            }
            for output in 0..shape.outputs() {
                assert_eq!(view.b2(output), shape.has_biases().then(|| expected.next().unwrap()));
            }
            assert_eq!((view.b1(shape.hidden()), view.b2(shape.outputs())), (None, None));
            assert!(view.iter().eq((1..=u16::MAX).map(f32::from).take(shape.places().count())));
            assert_eq!((view.stray_filler(), view.not_finite()), (None, None));
            for (input, hidden) in [(shape.inputs(), 0), (0, shape.hidden()), (usize::MAX, usize::MAX)] {
                assert_eq!((view.w1(input, hidden), view.w2(hidden, input)), (None, None));
            }

            // The panels have every number once, in rows of their width.
            let (mut w1, mut w2, mut b1) = (Vec::new(), Vec::new(), Vec::new());
            for WeightsPanel { w1: first, w2: second, start, width } in view.panels() {
                assert_eq!((first.len(), second.len()), (shape.inputs() * width, shape.outputs() * width));
                w1.extend_from_slice(first);
                w2.extend_from_slice(second);
                b1.extend_from_slice(&start[..width]);
            }
            if !shape.has_biases() {
                assert!(b1.drain(..).all(|bias| bias.to_bits() == 0));
            }
            assert_eq!([&w1, &w2, &b1, view.output_biases()].concat(), view.numbers());

            if shape.has_biases() {
                *weights.b1_mut(3).unwrap() = 5.0;
                *weights.b2_mut(0).unwrap() = 6.0;
                assert_eq!((weights.view().b1(3), weights.view().b2(0)), (Some(5.0), Some(6.0)));
            }
            assert_eq!(weights.b1_mut(shape.hidden()), None);
            assert_eq!(weights.b2_mut(shape.outputs()), None);
            *weights.w1_mut(1, 2).unwrap() = f32::INFINITY;
            *weights.w2_mut(2, 0).unwrap() = -1.0;
            assert_eq!((weights.view().w1(1, 2), weights.view().w2(2, 0)), (Some(f32::INFINITY), Some(-1.0)));
            assert_eq!(weights.view().not_finite(), shape.w1_index(1, 2));
            assert_eq!(weights.w1_mut(0, shape.hidden()), None);
        }
    }

    #[test]
    fn a_filler_that_is_not_zero_is_found() {
        let shape = Shape::new(2, 131, 3).unwrap().with_biases();
        for place in shape.fillers() {
            let mut numbers = vec![1.0; shape.weights_len()];
            shape.fillers().for_each(|place| numbers[place] = 0.0);
            numbers[place] = -1e-30;
            assert_eq!(Weights::new(shape, &numbers).unwrap().stray_filler(), Some(place));
        }
    }
}
