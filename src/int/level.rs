//! What a quantised network sees of a pixel: five levels of grey.

/// Levels of a pixel that are not zero.
pub(super) const LEVELS: usize = 4;

/// A pixel has level zero if it has none of these bits; that can be asked of several pixels at once.
pub(super) const INK: u8 = 0xE0;

/// The level of a pixel, 0 to [`LEVELS`].
#[inline(always)]
pub(crate) fn level(pixel: u8) -> u16 {
    (u16::from(pixel) + 32) >> 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_rounded_64ths() {
        for pixel in 0..=u8::MAX {
            let rounded = (f64::from(pixel) / 64.0 + 0.5).floor();
            assert_eq!(f64::from(level(pixel)).to_bits(), rounded.to_bits());
            assert_eq!(pixel & INK == 0, level(pixel) == 0);
            assert!(usize::from(level(pixel)) <= LEVELS);
        }
    }
}
