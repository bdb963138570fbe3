//! A second layer that learns behind a first one that stays as it is. The host uses the same file, to the same bits.
//!
//! The first layer stays in flash; the second one is copied to RAM, two bytes a weight. Everything is an exact integer:
//!
//! ```text
//! W[j][k]  = 256 · w2[j][k]                          before the first lesson; −32768 ..= 32767, in 256ths of w2's unit
//! y[k]     = b2[k] + Σ_j ((h[j] · W[j][k]) >> 8)     >> of each product, towards −∞; before the first lesson the network's
//! rival    = the lowest k ≠ label with the largest y[k]
//! if y[label] − y[rival] < 4096:
//!     W[j][label] += 8 · h[j],  W[j][rival] −= 8 · h[j]          both stop at −32768 and 32767
//! ```
//!
//! `h`, `w2` and `b2` are those of [`twolayer::int`]. This is the rule of the perceptron, with a margin. It needs no
//! target for the outputs, whose unit differs from network to network, and leaves alone what the network is sure of.
//!
//! No sum overflows for any number of hidden units that a network may have: `|h · W| ≤ 255 · 2¹⁵`, each product adds at most
//! `255 · 128` to an output, and these are the network's own bounds.

use core::fmt;
use twolayer::{QuantizedNetwork, SizeError};

/// How far the right output is to be above all others.
const MARGIN: i32 = 4096;

/// A second layer that learns.
#[derive(Debug)]
pub struct Learner<'n, 'm> {
    network: QuantizedNetwork<'n, true>,
    second: &'m mut [i16],
    hidden: &'m mut [u8],
    outputs: &'m mut [i32],
}

/// Why a lesson cannot be learnt. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnError {
    /// The image, or memory, has another size.
    Size(SizeError),
    /// There is no such class.
    Label {
        /// The label.
        found: u8,
        /// The number of classes.
        outputs: usize,
    },
}

impl fmt::Display for LearnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(error) => error.fmt(f),
            Self::Label { found, outputs } => write!(f, "the label {found}; the network has {outputs} classes"),
        }
    }
}

impl core::error::Error for LearnError {}

impl<'n, 'm> Learner<'n, 'm> {
    /// Starts from a network's second layer. `second` has a number for each of its weights, `hidden` one for each hidden unit,
    /// `outputs` one for each output; they may hold anything.
    ///
    /// # Errors
    ///
    /// [`SizeError::Results`] when they are longer or shorter.
    pub fn new(
        network: QuantizedNetwork<'n, true>,
        second: &'m mut [i16],
        hidden: &'m mut [u8],
        outputs: &'m mut [i32],
    ) -> Result<Self, SizeError> {
        let (shape, weights) = (network.shape(), network.second_layer().len());
        for (found, expected) in
            [(hidden.len(), shape.hidden()), (second.len(), weights), (outputs.len(), shape.outputs())]
        {
            if found != expected {
                return Err(SizeError::Results { found, expected });
            }
        }
        let mut learner = Self { network, second, hidden, outputs };
        learner.forget();
        Ok(learner)
    }

    /// Forgets all lessons.
    pub fn forget(&mut self) {
        for (weight, &start) in self.second.iter_mut().zip(self.network.second_layer()) {
            *weight = i16::from(start) << 8;
        }
    }

    /// The second layer, `W` [above](self): row `j`, of as many as there are outputs, before row `j + 1`.
    #[must_use]
    pub const fn second_layer(&self) -> &[i16] {
        self.second
    }

    /// The outputs of an image, as those of [`QuantizedNetwork::outputs`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn outputs(&mut self, image: &[u8], scratch: &mut [u32]) -> Result<&[i32], SizeError> {
        self.network.hidden(image, scratch, self.hidden)?;
        let outputs = &mut *self.outputs;
        outputs.fill(0);
        for (output, bias) in outputs.iter_mut().zip(self.network.output_biases()) {
            *output = bias;
        }
        let mut rows = &*self.second;
        for &hidden in &*self.hidden {
            let Some(row) = rows.split_off(..outputs.len()) else { break };
            if hidden != 0 {
                for (output, &weight) in outputs.iter_mut().zip(row) {
                    *output += (i32::from(hidden) * i32::from(weight)) >> 8;
                }
            }
        }
        Ok(outputs)
    }

    /// Learns that an image is of the class `label`. The outputs are those before the lesson.
    ///
    /// # Errors
    ///
    /// [`LearnError`].
    pub fn learn(&mut self, image: &[u8], label: u8, scratch: &mut [u32]) -> Result<&[i32], LearnError> {
        let outputs = self.outputs(image, scratch).map_err(LearnError::Size)?;
        let label_index = usize::from(label);
        let Some(&right) = outputs.get(label_index) else {
            return Err(LearnError::Label { found: label, outputs: outputs.len() });
        };
        if let Some((rival, output)) = strongest_rival(outputs, label_index)
            && right.saturating_sub(output) < MARGIN
        {
            self.step(label_index, rival);
        }
        Ok(self.outputs)
    }

    /// Moves the image whose hidden units were last computed from `rival` to `label`.
    fn step(&mut self, label: usize, rival: usize) {
        let mut rows = &mut *self.second;
        for &hidden in &*self.hidden {
            let Some(row) = rows.split_off_mut(..self.outputs.len()) else { break };
            if hidden == 0 {
                continue;
            }
            let step = i16::from(hidden) * 8;
            if let Some(weight) = row.get_mut(label) {
                *weight = weight.saturating_add(step);
            }
            if let Some(weight) = row.get_mut(rival) {
                *weight = weight.saturating_sub(step);
            }
        }
    }
}

/// The largest output but that of the label, and its index, the lowest of equals.
fn strongest_rival(outputs: &[i32], label: usize) -> Option<(usize, i32)> {
    let mut strongest = None;
    for (class, &output) in outputs.iter().enumerate().filter(|&(class, _)| class != label) {
        if strongest.is_none_or(|(_, largest)| output > largest) {
            strongest = Some((class, output));
        }
    }
    strongest
}
