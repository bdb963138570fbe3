//! What the weights of a model are: f32, or integers of 8 or 4 bits.

use crate::base::messages;
use crate::int::Bits;

/// What a model's weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// f32 weights, for [`Network`](crate::Network).
    F32,
    /// Integer weights, for [`QuantizedNetwork`](crate::QuantizedNetwork).
    Quantized(Bits),
}

impl Kind {
    /// The kind's number in a model file.
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::F32 => 1,
            Self::Quantized(Bits::Eight) => 2,
            Self::Quantized(Bits::Four) => 3,
        }
    }

    /// The kind of that number.
    pub(crate) const fn from_code(code: u16) -> Option<Self> {
        match code {
            1 => Some(Self::F32),
            2 => Some(Self::Quantized(Bits::Eight)),
            3 => Some(Self::Quantized(Bits::Four)),
            _ => None,
        }
    }
}

messages! { Kind:
    Self::F32 => "f32";
    Self::Quantized(Bits::Eight) => "int8";
    Self::Quantized(Bits::Four) => "int4";
}
