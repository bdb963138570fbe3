//! `e^x` and `ln x` in f32 of `+ − × ÷` and bit operations, so that every machine gives the same bits.
//!
//! Each takes some twenty operations. Of libraries, none promises the same bits everywhere.

/// log₂ e.
const LOG2_E: f32 = core::f32::consts::LOG2_E;
/// ln 2 in two parts: the first has so few bits that its products with small integers are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Adding it rounds to an integer, which is then in the low bits.
const ROUND: f32 = 12_582_912.0;

/// `e^x` for `x ≤ 0`, to within 2 units in the last place; 0 below −87, where the result would not be a normal number.
///
/// `x = n ln 2 + r` with `|r| ≤ ½ ln 2`; `e^r` is a polynomial of degree 6 (Taylor's series, whose remainder is below
/// 2⁻²⁴ there), and `2ⁿ` is put together of its bits.
#[must_use]
pub fn exp(x: f32) -> f32 {
    debug_assert!(x <= 0.0 || x.is_nan(), "e to {x}");
    // Not a number is no less than −87, and comes out as what it is.
    if x < -87.0 {
        return 0.0;
    }
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2[0] - n * LN_2[1];
    let mut sum = 1.0 / 720.0;
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * r + coefficient;
    }
    // The low bits of `shifted` are n, modulo 2²³.
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    sum * scale
}

/// `ln x` for a finite `x ≥ 1`, to within 2⁻²³ of the larger of the result and 1.
///
/// `x = 2ⁿ m` with `m` from √½ to √2; `ln m = 2 artanh s` with `s = (m − 1) / (m + 1)`, a series in `s²` whose fifth term is
/// the last that matters.
#[must_use]
pub fn ln(x: f32) -> f32 {
    debug_assert!(x >= 1.0 || x.is_nan(), "the logarithm of {x}");
    let offset = core::f32::consts::FRAC_1_SQRT_2.to_bits();
    let bits = x.to_bits().wrapping_sub(offset);
    let n = bits >> 23;
    let m = f32::from_bits((bits & 0x007F_FFFF).wrapping_add(offset));
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut sum = 1.0 / 9.0;
    for coefficient in [1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0] {
        sum = sum * square + coefficient;
    }
    #[expect(clippy::cast_precision_loss, reason = "below 256")]
    let n = n as f32;
    n * LN_2[0] + (n * LN_2[1] + (2.0 * s + 2.0 * s * (square * sum)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every exponent, with mantissas of all kinds.
    fn numbers(from: f32, to: f32) -> impl Iterator<Item = f32> {
        (from.to_bits()..=to.to_bits()).step_by(1009).map(f32::from_bits).chain([from, to])
    }

    #[test]
    fn powers_of_e_are_those_of_f64() {
        let mut worst = 0.0_f64;
        for x in numbers(0.0, 87.0) {
            let expected = (-f64::from(x)).exp();
            let off = (f64::from(exp(-x)) - expected).abs() / expected * f64::from(1 << 23);
            worst = worst.max(off);
        }
        // Units in the last place, of at most 2⁻²³.
        assert!(worst <= 2.0, "{worst}");
        assert_eq!(exp(0.0).to_bits(), 1.0_f32.to_bits());
        assert_eq!([exp(-87.001), exp(-1e30), exp(f32::NEG_INFINITY)].map(f32::to_bits), [0; 3]);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn logarithms_are_those_of_f64() {
        let mut worst = 0.0_f64;
        for x in numbers(1.0, f32::MAX) {
            let expected = f64::from(x).ln();
            worst = worst.max((f64::from(ln(x)) - expected).abs() / expected.max(1.0) * f64::from(1 << 23));
        }
        assert!(worst <= 1.0, "{worst}");
        assert_eq!(ln(1.0).to_bits(), 0);
    }

    /// Pinned, so that another machine or compiler that rounds differently is found out.
    #[test]
    fn bits_are_the_same_everywhere() {
        let hash = |values: &mut dyn Iterator<Item = f32>| crate::support::fnv(values.flat_map(f32::to_le_bytes));
        let found = (hash(&mut numbers(0.0, 88.0).map(|x| exp(-x))), hash(&mut numbers(1.0, f32::MAX).map(ln)));
        assert_eq!(found, (0xB99E_90B2_B551_CBE1, 0xB228_0E37_D793_3549), "{found:#x?}");
    }
}
