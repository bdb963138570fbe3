//! The numbers of a tensor: floats of 16, 32 or 64 bits in either byte order, read as f64, which represents them exactly.

/// The type of a tensor's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F16,
    BF16,
    F32,
    F64,
}

/// The type of a tensor's numbers and the order of their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) float: Float,
    pub(super) big_endian: bool,
}

impl Element {
    /// The length of one number in bytes.
    pub(super) const fn len(self) -> usize {
        match self.float {
            Float::F16 | Float::BF16 => 2,
            Float::F32 => 4,
            Float::F64 => 8,
        }
    }

    /// The number at `index`; `None` past the end.
    pub(super) fn at(self, bytes: &[u8], index: usize) -> Option<f64> {
        let rest = bytes.get(index.checked_mul(self.len())?..)?;
        Some(match self.float {
            Float::F16 => f16_to_f64(u16::from_le_bytes(self.first(rest)?)),
            Float::BF16 => f64::from(f32::from_bits(u32::from(u16::from_le_bytes(self.first(rest)?)) << 16)),
            Float::F32 => f64::from(f32::from_le_bytes(self.first(rest)?)),
            Float::F64 => f64::from_le_bytes(self.first(rest)?),
        })
    }

    /// The bytes of the first number, from the lowest on.
    fn first<const N: usize>(self, bytes: &[u8]) -> Option<[u8; N]> {
        let mut number = *bytes.first_chunk()?;
        if self.big_endian {
            number.reverse();
        }
        Some(number)
    }
}

/// IEEE 754 binary16. (The crate `half` would do this too, and bring four more packages for it.)
fn f16_to_f64(bits: u16) -> f64 {
    let (exponent, fraction) = (bits >> 10 & 0x1F, f64::from(bits & 0x3FF));
    let magnitude = match exponent {
        0 => fraction / 16_777_216.0, // 2²⁴
        0x1F if fraction == 0.0 => f64::INFINITY,
        0x1F => f64::NAN,
        _ => (1024.0 + fraction) / 33_554_432.0 * f64::from(1_u32 << exponent), // 2²⁵
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition: sign, exponent with bias 15, fraction of 10 bits.
    #[test]
    fn every_half_is_what_ieee_754_says() {
        for bits in 0..=u16::MAX {
            let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
            let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
            let expected = match exponent {
                0 => sign * fraction * 2_f64.powi(-14),
                31 if fraction == 0.0 => sign * f64::INFINITY,
                31 => f64::NAN,
                _ => sign * (1.0 + fraction) * 2_f64.powi(exponent - 15),
            };
            let found = f16_to_f64(bits);
            assert!(
                found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(),
                "{bits:04x}: {found}"
            );
        }
        // From the standard's tables.
        for (bits, value) in
            [(0x3C00, 1.0), (0x3555, 0.333_251_953_125), (0x7BFF, 65504.0), (0x0001, 5.960_464_477_539_063e-8)]
        {
            assert!((f16_to_f64(bits) - value).abs() == 0.0, "{bits:04x}");
        }
    }

    #[test]
    fn every_type_and_byte_order_gives_the_same_number() {
        let cases: [(Float, Vec<u8>); 4] = [
            (Float::F16, vec![0xC1, 0x20]),
            (Float::BF16, vec![0xC0, 0x24]),
            (Float::F32, (-2.5625_f32).to_be_bytes().to_vec()),
            (Float::F64, (-2.5625_f64).to_be_bytes().to_vec()),
        ];
        for (float, mut bytes) in cases {
            let big = Element { float, big_endian: true };
            assert_eq!(big.at(&bytes, 0), Some(-2.5625), "{float:?}");
            bytes.reverse();
            let little = Element { float, big_endian: false };
            assert_eq!(little.at(&bytes, 0), Some(-2.5625), "{float:?}");
            assert_eq!((little.at(&bytes, 1), little.at(&bytes, usize::MAX)), (None, None));
            assert_eq!(little.at(&bytes[1..], 0), None);
        }
    }
}
