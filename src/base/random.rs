//! Random numbers from a seed, the same on every machine: xoshiro128, whose state `SplitMix64` makes of the seed
//! (`seed_from_u64` of `rand_xoshiro`). The streams are part of what is promised: weights, digits and distortions are known
//! by their seeds.

use rand_xoshiro::rand_core::{Rng, SeedableRng};
use rand_xoshiro::{Xoshiro128PlusPlus, Xoshiro128StarStar};

/// A generator.
#[derive(Debug)]
pub(crate) struct Random<G>(G);

/// xoshiro128**: initial weights, and the order of samples.
pub(crate) type StarStar = Random<Xoshiro128StarStar>;
/// xoshiro128++: digits and distortions.
pub(crate) type PlusPlus = Random<Xoshiro128PlusPlus>;

impl<G: SeedableRng + Rng> Random<G> {
    pub(crate) fn new(seed: u64) -> Self {
        Self(G::seed_from_u64(seed))
    }

    /// 32 random bits.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A uniform number in [0, 1): the top 24 bits, divided by 2²⁴.
    pub(crate) fn fraction(&mut self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "24 bits are exact")]
        let bits = (self.bits() >> 8) as f32;
        bits / 16_777_216.0
    }

    /// A uniform number from `low` to `high`. 23 random bits as the mantissa of 1.0 need no conversion and no rounding.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        let part = f32::from_bits(0x3f80_0000 | (self.bits() >> 9)) - 1.0;
        low + (high - low) * part
    }

    /// A uniform integer from `−most` to `most − 1`, for `most` of up to 2¹⁶.
    pub(crate) fn signed(&mut self, most: i32) -> i32 {
        let upper = (self.bits() >> 16).cast_signed();
        ((upper - (1 << 15)) * (most >> 1)) >> 14
    }

    /// A uniform integer below `count`, which is at most 2³²: the upper half of `count` times 32 random bits.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        (u64::from(self.bits()) * count) >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of both generators for the seed 1, as `rand_xoshiro` gives them.
    #[test]
    fn numbers_are_parts_of_the_generators_bits() {
        let mut bits = Xoshiro128StarStar::seed_from_u64(1);
        let mut random = StarStar::new(1);
        for _ in 0..1000 {
            let drawn = f64::from(bits.next_u32());
            let scaled = |bits: i32| (drawn / f64::from(2_f32.powi(32 - bits))).floor() / f64::from(2_f32.powi(bits));
            assert_eq!(random.fraction().to_bits(), narrow(scaled(24)).to_bits());
            let drawn = f64::from(bits.next_u32());
            let part = (drawn / 512.0).floor() / 8_388_608.0;
            assert_eq!(random.between(-4.0, 4.0).to_bits(), narrow(8.0 * part - 4.0).to_bits());
        }
        let mut bits = Xoshiro128PlusPlus::seed_from_u64(1);
        let mut random = PlusPlus::new(1);
        assert!((0..100).all(|_| random.bits() == bits.next_u32()));
    }

    #[expect(clippy::cast_possible_truncation, reason = "exact in f32")]
    fn narrow(number: f64) -> f32 {
        number as f32
    }

    #[cfg(feature = "std")]
    #[test]
    fn numbers_are_below_the_count() {
        let mut random = StarStar::new(1);
        for count in [1, 2, 3, 1000, 1 << 32] {
            let drawn: Vec<u64> = (0..100).map(|_| random.below(count)).collect();
            assert!(drawn.iter().all(|&number| number < count), "{count}: {drawn:?}");
            assert!(count == 1 || drawn.iter().any(|&number| number >= count / 2), "{count}: {drawn:?}");
        }
    }
}
