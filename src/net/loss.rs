//! The loss functions, and the losses of samples.

use crate::base::messages;

/// The loss function: what training minimises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LossFunction {
    /// `Σ (y − t)²`, the article's; `δ2 = y − t`.
    #[default]
    Squared,
    /// `−ln p` of the label, with `p` the softmax of the outputs; `δ2 = p − t`. The outputs are then logits.
    CrossEntropy,
}

messages! { LossFunction:
    Self::Squared => "squared error";
    Self::CrossEntropy => "cross-entropy";
}

/// The losses of some samples, by the [`LossFunction`], each under the weights before its sample's step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// The loss of the last sample.
    pub last: f32,
    /// The sum of all samples' losses.
    pub sum: f64,
}

impl Loss {
    /// The losses of these samples and those that follow.
    pub(crate) fn and(self, next: Self) -> Self {
        Self { last: next.last, sum: self.sum + next.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_add_up() {
        let loss = Loss { last: 1.0, sum: 3.0 }.and(Loss { last: 0.5, sum: 2.25 });
        assert_eq!(loss, Loss { last: 0.5, sum: 5.25 });
    }
}
