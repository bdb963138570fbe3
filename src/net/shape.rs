//! The sizes of a network and every length that follows from them, checked once.

use crate::net::SizeError;
use crate::net::deslant::MAX_SIDE;
use crate::simd::LANES;
use core::fmt;
use core::num::NonZeroUsize;

/// Hidden units of one panel: the unit of work that stays in a core's second-level cache while it is used.
pub(crate) const PANEL: usize = 128;

/// The sizes of a network: `inputs → hidden (ReLU) → outputs`, whether its units have biases, and whether its inputs are the
/// pixels of an image as they are, or those of the image deslanted, halved, or both.
///
/// The weights of every shape fit into 2 GiB, on all targets, so no length computed from a shape overflows.
///
/// # How weights lie in memory
///
/// Hidden units are grouped in panels of 128; the last panel holds the rest, rounded up to 16, 32, 64 or 128. The
/// weights are one slice of [`weights_len`](Self::weights_len) numbers: W1 as `[panel][inputs][width]`, then W2 as
/// `[panel][outputs][width]`. Weights of units that only fill up the last panel are zero and stay zero. Where there are
/// biases, they follow: those of the hidden units, as many as are stored, and those of the outputs.
///
/// ```
/// # fn main() -> Result<(), twolayer::SizeError> {
/// let shape = twolayer::Shape::new(784, 1000, 10)?;
/// assert_eq!(shape.weights_len(), (784 + 10) * 1024);
/// assert!(twolayer::Shape::new(784, 0, 10).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    // Nonzero in the type, so that divisions by them need no check and no panic.
    inputs: NonZeroUsize,
    hidden: usize,
    outputs: NonZeroUsize,
    /// [`BIASES`](Self::BIASES), [`HALVES`](Self::HALVES) and [`DESLANTS`](Self::DESLANTS).
    flags: u8,
    /// Width and height of the images that are halved or deslanted; zeros where they are neither.
    sides: [u16; 2],
}

impl Shape {
    /// The most inputs a network may have: a 16-bit index reaches them, and `Σ x²` of u8 pixels fits 32 bits.
    pub const MAX_INPUTS: usize = 1 << 16;
    /// The most outputs a network may have: as many as a u8 label tells apart.
    pub const MAX_OUTPUTS: usize = 256;
    /// The article's network: 784 → 1000 → 10.
    pub const MNIST: Self = match Self::new(784, 1000, 10) {
        Ok(shape) => shape,
        Err(_) => panic!("a valid shape"),
    };

    /// The flag of biases, as in a model file.
    pub(crate) const BIASES: u8 = 1;
    /// The flag of images that are halved.
    pub(crate) const HALVES: u8 = 2;
    /// The flag of images that are deslanted.
    pub(crate) const DESLANTS: u8 = 4;

    /// A shape of 1 to 65,536 inputs, 1 or more hidden units and 1 to 256 outputs, without biases.
    ///
    /// # Errors
    ///
    /// - [`SizeError::Inputs`], [`SizeError::Outputs`]: the number is out of range;
    /// - [`SizeError::Hidden`]: there are none, or so many that the weights would not fit into 2 GiB.
    pub const fn new(inputs: usize, hidden: usize, outputs: usize) -> Result<Self, SizeError> {
        let (Some(some_inputs), true) = (NonZeroUsize::new(inputs), inputs <= Self::MAX_INPUTS) else {
            return Err(SizeError::Inputs { found: inputs });
        };
        let (Some(some_outputs), true) = (NonZeroUsize::new(outputs), outputs <= Self::MAX_OUTPUTS) else {
            return Err(SizeError::Outputs { found: outputs });
        };
        // Hidden units are bounded so that (hidden, rounded up, × (inputs + outputs + 1) + outputs) × 4 bytes stay below 2^31.
        let most = (i32::MAX as usize / size_of::<f32>() - outputs) / (inputs + outputs + 1) / PANEL * PANEL;
        if hidden == 0 || hidden > most {
            return Err(SizeError::Hidden { found: hidden, most });
        }
        let (inputs, outputs) = (some_inputs, some_outputs);
        Ok(Self { inputs, hidden, outputs, flags: 0, sides: [0; 2] })
    }

    /// The same sizes, with a bias for every hidden unit and output.
    #[must_use]
    pub const fn with_biases(self) -> Self {
        Self { flags: self.flags | Self::BIASES, ..self }
    }

    /// The same sizes, for images of `[width, height]` that are [halved](crate::halve) first.
    ///
    /// # Errors
    ///
    /// [`SizeError::Halves`] when a side is odd, the halved image has not as many pixels as there are inputs, or images are deslanted
    /// already, which comes before they are halved: ask for it last.
    pub const fn with_halved_images(self, [width, height]: [u16; 2]) -> Result<Self, SizeError> {
        if self.has(Self::DESLANTS) {
            return Err(SizeError::Halves { width, pixels: width as usize * height as usize });
        }
        self.with_images([width, height], Self::HALVES)
    }

    /// The same sizes, for images of `[width, height]` that are [deslanted](crate::deslant) before all else.
    ///
    /// # Errors
    ///
    /// [`SizeError::Deslants`] when a side is longer than 64 pixels, the image has not [as many pixels](Self::pixels) as the shape says,
    /// or it is halved and has other sides.
    ///
    /// ```
    /// # fn main() -> Result<(), twolayer::SizeError> {
    /// let shape = twolayer::Shape::new(196, 64, 10)?.with_halved_images([28, 28])?.with_deslanted_images([28, 28])?;
    /// assert_eq!(shape.to_string(), "784 deslanted, halved to 196 → 64 → 10");
    /// # Ok(()) }
    /// ```
    pub const fn with_deslanted_images(self, [width, height]: [u16; 2]) -> Result<Self, SizeError> {
        if self.has(Self::HALVES) && (self.sides[0] != width || self.sides[1] != height) {
            return Err(SizeError::Deslants { width, height, pixels: self.pixels() });
        }
        self.with_images([width, height], Self::DESLANTS)
    }

    /// The same sizes, for images of `[width, height]` that are halved, deslanted or both, as more flags say.
    pub(crate) const fn with_images(self, [width, height]: [u16; 2], flags: u8) -> Result<Self, SizeError> {
        let shape = Self { flags: self.flags | flags, sides: [width, height], ..self };
        let pixels = width as usize * height as usize;
        if shape.has(Self::HALVES) && ((width | height) & 1 != 0 || pixels != 4 * self.inputs()) {
            return Err(SizeError::Halves { width, pixels });
        }
        if shape.has(Self::DESLANTS) && (width > MAX_SIDE || height > MAX_SIDE || pixels != shape.pixels()) {
            return Err(SizeError::Deslants { width, height, pixels: shape.pixels() });
        }
        Ok(shape)
    }

    /// The same network with other outputs.
    #[cfg(feature = "std")]
    pub(crate) const fn with_outputs(self, outputs: usize) -> Result<Self, SizeError> {
        match Self::new(self.inputs(), self.hidden, outputs) {
            Ok(shape) => Ok(Self { outputs: shape.outputs, ..self }),
            Err(error) => Err(error),
        }
    }

    /// Inputs: the pixels of one image, or of one that was deslanted or halved.
    #[must_use]
    pub const fn inputs(self) -> usize {
        self.inputs.get()
    }

    /// Hidden units.
    #[must_use]
    pub const fn hidden(self) -> usize {
        self.hidden
    }

    /// Outputs: one for each class.
    #[must_use]
    pub const fn outputs(self) -> usize {
        self.outputs.get()
    }

    /// Whether every hidden unit and output has a bias.
    #[must_use]
    pub const fn has_biases(self) -> bool {
        self.has(Self::BIASES)
    }

    /// What a model file says of it.
    pub(crate) const fn flags(self) -> u8 {
        self.flags
    }

    /// Whether one of some flags is set.
    pub(crate) const fn has(self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// Width and height of the images that are halved before the first layer; `None` where they are not.
    #[must_use]
    pub const fn halved_image(self) -> Option<[u16; 2]> {
        if self.has(Self::HALVES) { Some(self.sides) } else { None }
    }

    /// Width and height of the images that are deslanted before all else; `None` where they are not.
    #[must_use]
    pub const fn deslanted_image(self) -> Option<[u16; 2]> {
        if self.has(Self::DESLANTS) { Some(self.sides) } else { None }
    }

    /// Width and height of the images that are halved, deslanted or both; `None` where their pixels are the inputs.
    #[must_use]
    pub const fn prepared_image(self) -> Option<[u16; 2]> {
        if self.has(Self::HALVES | Self::DESLANTS) { Some(self.sides) } else { None }
    }

    /// Pixels of an image: as many as there are inputs, or four times as many where images are halved.
    #[must_use]
    pub const fn pixels(self) -> usize {
        if self.has(Self::HALVES) { 4 * self.inputs() } else { self.inputs() }
    }

    /// The same sizes and biases, for the inputs that are made of images.
    #[cfg(feature = "std")]
    pub(crate) const fn for_inputs(self) -> Self {
        Self { flags: self.flags & Self::BIASES, sides: [0; 2], ..self }
    }

    /// Hidden units as stored: whole panels, and a last one of 16, 32, 64 or 128.
    #[must_use]
    pub const fn hidden_padded(self) -> usize {
        match self.hidden % PANEL {
            0 => self.hidden,
            left => self.hidden - left + left.next_multiple_of(LANES).next_power_of_two(),
        }
    }

    /// The length of W1, W2 and the biases together, in numbers.
    #[must_use]
    pub const fn weights_len(self) -> usize {
        let biases = if self.has_biases() { self.hidden_padded() + self.outputs() } else { 0 };
        self.layers_len() + biases
    }

    /// The length of W1 and W2, in numbers: where the biases begin.
    pub(crate) const fn layers_len(self) -> usize {
        (self.inputs() + self.outputs()) * self.hidden_padded()
    }

    /// The length of W1 alone, in numbers: where W2 begins.
    pub(crate) const fn w1_len(self) -> usize {
        self.inputs() * self.hidden_padded()
    }

    /// The place of the weight from input `input` to hidden unit `hidden` among the [`weights_len`](Self::weights_len)
    /// numbers; `None` where there is no such input or unit.
    #[must_use]
    pub const fn w1_index(self, input: usize, hidden: usize) -> Option<usize> {
        if input >= self.inputs() || hidden >= self.hidden {
            return None;
        }
        let (first, width) = self.panel_of(hidden);
        Some(first * self.inputs() + input * width + (hidden - first))
    }

    /// The place of the weight from hidden unit `hidden` to output `output`; `None` where there is no such unit or output.
    #[must_use]
    pub const fn w2_index(self, hidden: usize, output: usize) -> Option<usize> {
        if hidden >= self.hidden || output >= self.outputs() {
            return None;
        }
        let (first, width) = self.panel_of(hidden);
        Some(self.w1_len() + first * self.outputs() + output * width + (hidden - first))
    }

    /// The place of the bias of hidden unit `hidden`; `None` where there is no such unit, or there are no biases.
    #[must_use]
    pub const fn b1_index(self, hidden: usize) -> Option<usize> {
        if self.has_biases() && hidden < self.hidden { Some(self.layers_len() + hidden) } else { None }
    }

    /// The place of the bias of output `output`; `None` where there is no such output, or there are no biases.
    #[must_use]
    pub const fn b2_index(self, output: usize) -> Option<usize> {
        if self.has_biases() && output < self.outputs() {
            Some(self.layers_len() + self.hidden_padded() + output)
        } else {
            None
        }
    }

    /// The place of every weight: W1 input by input, then W2 hidden unit by hidden unit, then the biases of both layers.
    pub(crate) fn places(self) -> impl Iterator<Item = usize> {
        let w1 = (0..self.inputs()).flat_map(move |i| (0..self.hidden).filter_map(move |h| self.w1_index(i, h)));
        let w2 = (0..self.hidden).flat_map(move |h| (0..self.outputs()).filter_map(move |o| self.w2_index(h, o)));
        let b1 = (0..self.hidden).filter_map(move |h| self.b1_index(h));
        let b2 = (0..self.outputs()).filter_map(move |o| self.b2_index(o));
        w1.chain(w2).chain(b1).chain(b2)
    }

    /// The places that only fill up the last panel.
    pub(crate) fn fillers(self) -> impl Iterator<Item = usize> {
        let (first, width) = self.panel_of(self.hidden - 1);
        let used = self.hidden - first;
        let w1 = (0..self.inputs()).map(move |row| self.inputs() * first + row * width);
        let w2 = (0..self.outputs()).map(move |row| self.w1_len() + self.outputs() * first + row * width);
        let b1 = self.has_biases().then_some(self.layers_len() + first);
        w1.chain(w2).chain(b1).flat_map(move |at| at + used..at + width)
    }

    /// The rows of W1 and of W2 in a panel: inputs and outputs.
    pub(crate) const fn rows(self) -> (NonZeroUsize, NonZeroUsize) {
        (self.inputs, self.outputs)
    }

    /// The width of the widest panel.
    pub(crate) const fn panel_width(self) -> usize {
        if self.hidden_padded() < PANEL { self.hidden_padded() } else { PANEL }
    }

    /// The first unit and the width of a hidden unit's panel.
    const fn panel_of(self, hidden: usize) -> (usize, usize) {
        let first = hidden / PANEL * PANEL;
        let left = self.hidden_padded() - first;
        (first, if left < PANEL { left } else { PANEL })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (halves, deslants) = (self.has(Self::HALVES), self.has(Self::DESLANTS));
        if halves || deslants {
            write!(f, "{} ", self.pixels())?;
        }
        f.write_str(match (deslants, halves) {
            (true, true) => "deslanted, halved to ",
            (true, false) => "deslanted ",
            (false, true) => "halved to ",
            (false, false) => "",
        })?;
        if halves || !deslants {
            write!(f, "{} ", self.inputs())?;
        }
        write!(f, "→ {} → {}", self.hidden, self.outputs())?;
        f.write_str(if self.has_biases() { " with biases" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_limits() {
        for (inputs, outputs) in [(1, 1), (784, 10), (Shape::MAX_INPUTS, Shape::MAX_OUTPUTS)] {
            let Err(SizeError::Hidden { found: usize::MAX, most }) = Shape::new(inputs, usize::MAX, outputs) else {
                panic!("that many hidden units");
            };
            let shape = Shape::new(inputs, most, outputs).unwrap();
            let bytes = |shape: Shape| shape.weights_len() as u64 * 4;
            let shape = shape.with_biases();
            assert!(bytes(shape) < 1 << 31, "{shape} has {} bytes", bytes(shape));
            assert!(bytes(shape) + (inputs + outputs + 1) as u64 * 128 * 4 >= (1 << 31) - 1, "{shape} could be larger");
            let found = most + 1;
            assert_eq!(Shape::new(inputs, found, outputs), Err(SizeError::Hidden { found, most }));
            assert!(Shape::new(inputs, 1, outputs).is_ok());
            assert_eq!(Shape::new(inputs, 0, outputs), Err(SizeError::Hidden { found: 0, most }));
        }
        for found in [0, Shape::MAX_INPUTS + 1, usize::MAX] {
            assert_eq!(Shape::new(found, 1, 1), Err(SizeError::Inputs { found }));
        }
        for found in [0, Shape::MAX_OUTPUTS + 1, usize::MAX] {
            assert_eq!(Shape::new(1, 1, found), Err(SizeError::Outputs { found }));
        }
        assert_eq!(Shape::new(784, 1000, 10), Ok(Shape::MNIST));
    }

    /// `[panel][inputs][width]`, then `[panel][outputs][width]`: counted through, every place met in turn.
    #[test]
    fn weights_lie_panel_by_panel() {
        for hidden in [1, 15, 16, 17, 32, 33, 64, 65, 127, 128, 129, 144, 145, 255, 256, 257, 1000] {
            let shape = Shape::new(5, hidden, 3).unwrap();
            let padded = shape.hidden_padded();
            assert!(padded >= hidden && padded < (2 * hidden).max(17) && [0, 16, 32, 64].contains(&(padded % PANEL)));
            let (mut place, mut fillers) = (0, shape.fillers());
            let w2_index = |shape: Shape, row, unit| shape.w2_index(unit, row);
            for (rows, index) in [(5, Shape::w1_index as fn(Shape, usize, usize) -> Option<usize>), (3, w2_index)] {
                for first in (0..padded).step_by(PANEL) {
                    for row in 0..rows {
                        for unit in first..padded.min(first + PANEL) {
                            let expected = if unit < hidden { Some(place) } else { None };
                            assert_eq!(index(shape, row, unit), expected, "{shape}, row {row}, unit {unit}");
                            if expected.is_none() {
                                assert_eq!(fillers.next(), Some(place), "{shape}, row {row}, unit {unit}");
                            }
                            place += 1;
                        }
                    }
                }
                assert_eq!(index(shape, rows, 0), None);
            }
            assert_eq!((place, fillers.next()), (shape.weights_len(), None));
            assert_eq!(shape.w1_len(), 5 * padded);
            assert_eq!((shape.rows().0.get(), shape.rows().1.get(), shape.panel_width()), (5, 3, padded.min(PANEL)));
            assert_eq!((shape.b1_index(0), shape.b2_index(0)), (None, None));

            // Biases: as many as there are units in panels, then those of the outputs.
            let biased = shape.with_biases();
            let mut fillers = biased.fillers().skip(shape.fillers().count());
            for unit in 0..padded {
                let expected = (unit < hidden).then_some(place);
                assert_eq!(biased.b1_index(unit), expected);
                assert!(expected.is_some() || fillers.next() == Some(place), "{biased}, unit {unit}");
                place += 1;
            }
            assert_eq!(
                (0..4).map(|output| biased.b2_index(output)).collect::<Vec<_>>(),
                [Some(place), Some(place + 1), Some(place + 2), None]
            );
            assert_eq!((place + 3, fillers.next()), (biased.weights_len(), None));
            assert!(biased.places().take(shape.places().count()).eq(shape.places()));
        }
    }

    #[test]
    fn halved_images_have_four_times_the_pixels() {
        let shape = Shape::new(6, 3, 2).unwrap();
        assert_eq!((shape.pixels(), shape.halved_image()), (6, None));
        for sides in [[4, 6], [6, 4], [2, 12], [12, 2]] {
            let halved = shape.with_biases().with_halved_images(sides).unwrap();
            assert_eq!((halved.pixels(), halved.inputs(), halved.halved_image()), (24, 6, Some(sides)));
            assert_eq!((halved.has_biases(), halved.weights_len()), (true, shape.with_biases().weights_len()));
            assert_eq!(halved.to_string(), "24 halved to 6 → 3 → 2 with biases");
            #[cfg(feature = "std")]
            assert_eq!(halved.for_inputs(), shape.with_biases());
        }
        for [width, height] in [[3, 8], [8, 3], [24, 1], [1, 24], [4, 4], [2, 11], [2, 13], [5, 5], [0, 6], [0, 0]] {
            let pixels = usize::from(width) * usize::from(height);
            let refused = Err(SizeError::Halves { width, pixels });
            assert_eq!(shape.with_halved_images([width, height]), refused, "{width} × {height}");
        }
    }

    #[test]
    fn shapes_and_errors_are_readable() {
        assert_eq!(Shape::MNIST.to_string(), "784 → 1000 → 10");
        assert_eq!(Shape::MNIST.with_biases().to_string(), "784 → 1000 → 10 with biases");
        let errors = [Shape::new(0, 1, 1), Shape::new(784, 0, 10), Shape::new(1, 1, 300)];
        let messages = errors.map(|error| error.unwrap_err().to_string());
        assert_eq!(messages[0], "0 inputs; a network takes 1 to 65536");
        assert_eq!(messages[1], "0 hidden units; this network takes 1 to 675200");
        assert_eq!(messages[2], "300 outputs; a network takes 1 to 256");
    }
}
