//! The one error of sizes and lengths.

use super::Shape;
use crate::base::messages;

/// A size that no network has, or a buffer of the wrong length.
///
/// Nothing was read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SizeError {
    /// Not 1 to 65,536 inputs.
    Inputs {
        /// The number asked for.
        found: usize,
    },
    /// No hidden units, or too many beside these inputs and outputs.
    Hidden {
        /// The number asked for.
        found: usize,
        /// The most there may be.
        most: usize,
    },
    /// Not 1 to 256 outputs.
    Outputs {
        /// The number asked for.
        found: usize,
    },
    /// More inputs or hidden units than a quantised network may have.
    Quantized {
        /// The larger of the two.
        found: usize,
        /// The most there may be.
        most: usize,
    },
    /// Images that cannot be halved to as many pixels as there are inputs: a side is odd, or they are of another size.
    Halves {
        /// The columns of an image.
        width: u16,
        /// The pixels of an image.
        pixels: usize,
    },
    /// Not as many weights as the shape has.
    Weights {
        /// The number of weights.
        found: usize,
        /// [`Shape::weights_len`].
        expected: usize,
    },
    /// Not one image, or not a whole number of images.
    Pixels {
        /// The number of pixels.
        found: usize,
        /// The pixels of one image.
        expected: usize,
    },
    /// Room for more or fewer outputs (or classes) than there are.
    Results {
        /// The room found.
        found: usize,
        /// The number of outputs (or classes).
        expected: usize,
    },
    /// Too little scratch.
    Scratch {
        /// The length found, in words of 32 bits.
        found: usize,
        /// The least that is needed: `scratch_len`.
        expected: usize,
    },
    /// Too little memory to lay the weights out in.
    Memory {
        /// The length found, in words of 32 bits.
        found: usize,
        /// The least that is needed: `memory_len`.
        expected: usize,
    },
}

impl SizeError {
    /// Checks the number of pixels, as [`Pixels`](Self::Pixels) says.
    #[inline(always)] // as if it were written there
    pub(crate) const fn check_pixels(found: usize, expected: usize) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Pixels { found, expected }) }
    }

    /// Checks the length of scratch, as [`Scratch`](Self::Scratch) says.
    #[inline(always)] // as if it were written there
    pub(crate) const fn check_scratch(found: usize, expected: usize) -> Result<(), Self> {
        if found >= expected { Ok(()) } else { Err(Self::Scratch { found, expected }) }
    }
}

messages! { SizeError:
    Self::Inputs { found } => "{found} inputs; a network takes 1 to {}", Shape::MAX_INPUTS;
    Self::Hidden { found, most } => "{found} hidden units; this network takes 1 to {most}";
    Self::Outputs { found } => "{found} outputs; a network takes 1 to {}", Shape::MAX_OUTPUTS;
    Self::Quantized { found, most } => "a layer of {found} units; a quantised network takes at most {most}";
    Self::Halves { width, pixels } =>
        "{pixels} pixels in rows of {width} cannot be halved to the inputs: both sides must be even";
    Self::Weights { found, expected } => "{found} weights; expected {expected}";
    Self::Pixels { found, expected } => "{found} pixels; one image has {expected}";
    Self::Results { found, expected } => "output buffer has {found} elements; expected {expected}";
    Self::Scratch { found, expected } => "scratch has {found} words of 32 bits; expected at least {expected}";
    Self::Memory { found, expected } =>
        "memory for the weights has {found} words of 32 bits; expected at least {expected}";
}

impl core::error::Error for SizeError {}
