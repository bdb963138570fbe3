//! The one error of sizes and lengths.

use super::Shape;
use crate::base::messages;

/// A size that no network has, or a buffer of the wrong length.
///
/// Nothing was read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum SizeError {
    /// `found` inputs, which are not 1 to 65,536.
    Inputs { found: usize },
    /// No hidden units, or more than the `most` that there may be beside these inputs and outputs.
    Hidden { found: usize, most: usize },
    /// `found` outputs, which are not 1 to 256.
    Outputs { found: usize },
    /// More inputs or hidden units, whichever are more, than the `most` that a quantised network may have.
    Quantized { found: usize, most: usize },
    /// Images of `pixels` pixels, in rows of `width`, that cannot be halved to as many pixels as there are inputs: a side is odd,
    /// or they are of another size.
    Halves { width: u16, pixels: usize },
    /// Images of `width` × `height` that cannot be deslanted: a side is longer than 64 pixels, or they are of another size than the
    /// `pixels` that the shape says.
    Deslants { width: u16, height: u16, pixels: usize },
    /// Not as many weights as the shape has: [`Shape::weights_len`].
    Weights { found: usize, expected: usize },
    /// Not the pixels of one image, or not those of a whole number of images. One image has `expected`.
    Pixels { found: usize, expected: usize },
    /// Room for more or fewer outputs (or classes) than there are.
    Results { found: usize, expected: usize },
    /// Too little scratch, in words of 32 bits. `scratch_len` tells the least that is needed.
    Scratch { found: usize, expected: usize },
    /// Too little memory to lay the weights out in, in words of 32 bits. `memory_len` tells the least that is needed.
    Memory { found: usize, expected: usize },
}

impl SizeError {
    /// Checks the number of pixels, as [`Pixels`](Self::Pixels) says.
    #[inline(always)] // as if it were written there
    pub(crate) const fn check_pixels(found: usize, expected: usize) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Pixels { found, expected }) }
    }

    /// Checks the room for outputs, as [`Results`](Self::Results) says.
    #[inline(always)] // as if it were written there
    pub(crate) const fn check_results(found: usize, expected: usize) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Results { found, expected }) }
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
    Self::Deslants { width, height, pixels } =>
        "images of {width} × {height} cannot be deslanted for a network of {pixels} pixels: sides may have up to 64 pixels";
    Self::Weights { found, expected } => "{found} weights; expected {expected}";
    Self::Pixels { found, expected } => "{found} pixels; one image has {expected}";
    Self::Results { found, expected } => "output buffer has {found} elements; expected {expected}";
    Self::Scratch { found, expected } => "scratch has {found} words of 32 bits; expected at least {expected}";
    Self::Memory { found, expected } =>
        "memory for the weights has {found} words of 32 bits; expected at least {expected}";
}

impl core::error::Error for SizeError {}
