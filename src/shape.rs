//! The sizes of a network and every length that follows from them, checked once.

use crate::simd::LANES;
use core::fmt;
use core::num::NonZeroUsize;

/// Hidden units of one panel: the unit of work that stays in a core's second-level cache while it is used.
pub(crate) const PANEL: usize = 128;

/// The sizes of a network: `inputs → hidden (ReLU) → outputs`.
///
/// A value of this type is small enough that all its weights fit into 2 GiB, on every target alike, so no length
/// computed from it overflows.
///
/// # How weights lie in memory
///
/// Hidden units are grouped in panels of 128; the last panel holds what is left, rounded up to 16, 32, 64 or 128. The
/// weights are one
/// slice of [`weights_len`](Self::weights_len) numbers: W1 as `[panel][inputs][width]`, then W2 as
/// `[panel][outputs][width]`. Units that only fill up the last panel have zero weights and keep them.
///
/// ```
/// # fn main() -> Result<(), twolayer::ShapeError> {
/// let shape = twolayer::Shape::new(784, 1000, 10)?;
/// assert_eq!(shape.weights_len(), (784 + 10) * 1024);
/// assert!(twolayer::Shape::new(784, 0, 10).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    // Not zero, and the compiler knows: divisions by them need no check and no panic.
    inputs: NonZeroUsize,
    hidden: usize,
    outputs: NonZeroUsize,
}

impl Shape {
    /// The most inputs a network may have: what a 16-bit index reaches, and what keeps `Σ x²` of u8 pixels within 32
    /// bits.
    pub const MAX_INPUTS: usize = 1 << 16;
    /// The most outputs a network may have: as many as a u8 label tells apart.
    pub const MAX_OUTPUTS: usize = 256;
    /// The article's network: 784 → 1000 → 10.
    pub const MNIST: Self = match Self::new(784, 1000, 10) {
        Ok(shape) => shape,
        Err(_) => panic!("a valid shape"),
    };

    /// A shape of 1 to 65,536 inputs, 1 or more hidden units and 1 to 256 outputs.
    ///
    /// # Errors
    ///
    /// When a size is out of range, or the weights would not fit into 2 GiB.
    pub const fn new(inputs: usize, hidden: usize, outputs: usize) -> Result<Self, ShapeError> {
        let (Some(some_inputs), true) = (NonZeroUsize::new(inputs), inputs <= Self::MAX_INPUTS) else {
            return Err(ShapeError::Inputs { found: inputs });
        };
        let (Some(some_outputs), true) = (NonZeroUsize::new(outputs), outputs <= Self::MAX_OUTPUTS) else {
            return Err(ShapeError::Outputs { found: outputs });
        };
        // Hidden units are bounded so that hidden (rounded up) × (inputs + outputs) × 4 bytes stays below 2^31.
        let most = (i32::MAX as usize / size_of::<f32>() / (inputs + outputs)) / PANEL * PANEL;
        if hidden == 0 || hidden > most {
            return Err(ShapeError::Hidden { found: hidden, most });
        }
        Ok(Self { inputs: some_inputs, hidden, outputs: some_outputs })
    }

    /// Inputs: the pixels of one image.
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

    /// Hidden units as stored: whole panels, and a last one of 16, 32, 64 or 128.
    #[must_use]
    pub const fn hidden_padded(self) -> usize {
        match self.hidden % PANEL {
            0 => self.hidden,
            left => self.hidden - left + left.next_multiple_of(LANES).next_power_of_two(),
        }
    }

    /// The length of W1 and W2 together, in numbers.
    #[must_use]
    pub const fn weights_len(self) -> usize {
        (self.inputs() + self.outputs()) * self.hidden_padded()
    }

    /// The length of W1 alone, in numbers: where W2 begins.
    pub(crate) const fn w1_len(self) -> usize {
        self.inputs() * self.hidden_padded()
    }

    /// The place of the weight from input `input` to hidden unit `hidden`; a number of no meaning where there is none.
    #[must_use]
    pub const fn w1_index(self, input: usize, hidden: usize) -> usize {
        let (first, width) = self.panel_of(hidden);
        first * self.inputs() + input * width + (hidden - first)
    }

    /// The place of the weight from hidden unit `hidden` to output `output`; a number of no meaning where there is none.
    #[must_use]
    pub const fn w2_index(self, hidden: usize, output: usize) -> usize {
        let (first, width) = self.panel_of(hidden);
        self.w1_len() + first * self.outputs() + output * width + (hidden - first)
    }

    /// The places of the weights that only fill up the last panel.
    pub(crate) fn fillers(self) -> impl Iterator<Item = usize> {
        let (first, width) = self.panel_of(self.hidden - 1);
        let used = self.hidden - first;
        let w1 = (0..self.inputs()).map(move |row| self.inputs() * first + row * width);
        let w2 = (0..self.outputs()).map(move |row| self.w1_len() + self.outputs() * first + row * width);
        w1.chain(w2).flat_map(move |at| at + used..at + width)
    }

    /// The first unit and the width of a hidden unit's panel.
    const fn panel_of(self, hidden: usize) -> (usize, usize) {
        let first = hidden / PANEL * PANEL;
        let left = self.hidden_padded().saturating_sub(first);
        (first, if left < PANEL { left } else { PANEL })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {} → {}", self.inputs(), self.hidden, self.outputs())
    }
}

/// Why three sizes do not make a [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// Not 1 to 65,536 inputs.
    Inputs {
        /// The number asked for.
        found: usize,
    },
    /// No hidden units, or too many for these inputs and outputs.
    Hidden {
        /// The number asked for.
        found: usize,
        /// The most there may be beside these inputs and outputs.
        most: usize,
    },
    /// Not 1 to 256 outputs.
    Outputs {
        /// The number asked for.
        found: usize,
    },
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Inputs { found } => write!(f, "{found} inputs; a network takes 1 to {}", Shape::MAX_INPUTS),
            Self::Hidden { found, most } => write!(f, "{found} hidden units; this network takes 1 to {most}"),
            Self::Outputs { found } => write!(f, "{found} outputs; a network takes 1 to {}", Shape::MAX_OUTPUTS),
        }
    }
}

impl core::error::Error for ShapeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_limits() {
        for (inputs, outputs) in [(1, 1), (784, 10), (Shape::MAX_INPUTS, Shape::MAX_OUTPUTS)] {
            let Err(ShapeError::Hidden { found: usize::MAX, most }) = Shape::new(inputs, usize::MAX, outputs) else {
                panic!("that many hidden units");
            };
            let shape = Shape::new(inputs, most, outputs).unwrap();
            let bytes = |shape: Shape| shape.weights_len() as u64 * 4;
            assert!(bytes(shape) < 1 << 31, "{shape} has {} bytes", bytes(shape));
            assert!(bytes(shape) + (inputs + outputs) as u64 * 128 * 4 >= (1 << 31) - 1, "{shape} could be larger");
            let found = most + 1;
            assert_eq!(Shape::new(inputs, found, outputs), Err(ShapeError::Hidden { found, most }));
            assert!(Shape::new(inputs, 1, outputs).is_ok());
            assert_eq!(Shape::new(inputs, 0, outputs), Err(ShapeError::Hidden { found: 0, most }));
        }
        for found in [0, Shape::MAX_INPUTS + 1, usize::MAX] {
            assert_eq!(Shape::new(found, 1, 1), Err(ShapeError::Inputs { found }));
        }
        for found in [0, Shape::MAX_OUTPUTS + 1, usize::MAX] {
            assert_eq!(Shape::new(1, 1, found), Err(ShapeError::Outputs { found }));
        }
        assert_eq!(Shape::new(784, 1000, 10), Ok(Shape::MNIST));
    }

    /// `[panel][inputs][width]`, then `[panel][outputs][width]`: counted through, every place met in turn.
    #[test]
    fn weights_lie_panel_by_panel() {
        for hidden in [1, 15, 16, 17, 32, 33, 64, 65, 127, 128, 129, 144, 145, 256, 257, 1000] {
            let shape = Shape::new(5, hidden, 3).unwrap();
            let padded = shape.hidden_padded();
            assert!(padded >= hidden && padded < (2 * hidden).max(17) && [0, 16, 32, 64].contains(&(padded % PANEL)));
            let mut place = 0;
            let w2_index = |shape: Shape, row, unit| shape.w2_index(unit, row);
            for (rows, index) in [(5, Shape::w1_index as fn(Shape, usize, usize) -> usize), (3, w2_index)] {
                for first in (0..padded).step_by(PANEL) {
                    for row in 0..rows {
                        for unit in first..padded.min(first + PANEL) {
                            assert_eq!(index(shape, row, unit), place, "{shape}, row {row}, unit {unit}");
                            place += 1;
                        }
                    }
                }
            }
            assert_eq!(place, shape.weights_len());
            assert_eq!(shape.w1_len(), 5 * padded);
        }
    }

    #[test]
    fn shapes_and_errors_are_readable() {
        assert_eq!(Shape::MNIST.to_string(), "784 → 1000 → 10");
        let errors = [Shape::new(0, 1, 1), Shape::new(784, 0, 10), Shape::new(1, 1, 300)];
        let messages = errors.map(|error| error.unwrap_err().to_string());
        assert_eq!(messages[0], "0 inputs; a network takes 1 to 65536");
        assert_eq!(messages[1], "0 hidden units; this network takes 1 to 676096");
        assert_eq!(messages[2], "300 outputs; a network takes 1 to 256");
    }
}
