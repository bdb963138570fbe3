//! Initial weights: uniform, from a seed, the same on every machine.

use crate::weights::WeightsMut;
use rand_xoshiro::Xoshiro128StarStar;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The article's weights start uniform in `[0, 1e-4)`.
pub const INIT_SCALE: f32 = 1e-4;

/// 2⁻²⁴.
const UNIT: f32 = 1.0 / 16_777_216.0;

/// Sets all weights to uniform random numbers in `[0, scale)`.
///
/// W1 is drawn first, input by input, then W2, hidden unit by hidden unit, so the network that a seed stands for does
/// not depend on how weights lie in memory. Each number is the top 24 bits of one output of xoshiro128**, divided by 2²⁴
/// and multiplied by `scale`; `SplitMix64` makes the generator's state from the seed (`seed_from_u64` of `rand_xoshiro`).
pub fn fill_initial(weights: &mut WeightsMut<'_>, seed: u64, scale: f32) {
    let mut rng = Xoshiro128StarStar::seed_from_u64(seed);
    #[expect(clippy::cast_precision_loss, reason = "24 bits are exact")]
    weights.fill_with(|| (rng.next_u32() >> 8) as f32 * UNIT * scale);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Shape;
    use crate::support::{bits, initial};

    #[test]
    fn weights_are_drawn_in_order_whatever_the_layout() {
        let shape = Shape::new(3, 131, 4).unwrap();
        let weights = initial(shape, 9, 0.25);
        let mut rng = Xoshiro128StarStar::seed_from_u64(9);
        for place in shape.places() {
            // The top 24 bits as a fraction, times a power of two: exact, so that any way to compute it will do.
            let drawn = f64::from(rng.next_u32() >> 8) / f64::from(1 << 24) * 0.25;
            assert_eq!(f64::from(weights[place]).to_bits(), drawn.to_bits());
        }
    }

    #[test]
    fn weights_are_uniform_below_the_scale() {
        let weights = initial(Shape::MNIST, 1, INIT_SCALE);
        assert!(weights.iter().all(|w| (0.0..INIT_SCALE).contains(w)));
        let mean = Shape::MNIST.places().map(|place| f64::from(weights[place])).sum::<f64>() / 794_000.0;
        // Ten times the mean's standard deviation: scale / √12 / √794,000.
        assert!((mean / f64::from(INIT_SCALE) - 0.5).abs() < 3.3e-3, "{mean}");
    }

    #[test]
    fn weights_that_fill_up_a_panel_are_zero() {
        let shape = Shape::new(7, 129, 2).unwrap();
        let weights = initial(shape, 1, 1.0);
        let mut filling = vec![true; shape.weights_len()];
        shape.places().for_each(|place| filling[place] = false);
        assert_eq!(filling.iter().filter(|f| **f).count(), 15 * 9);
        assert!(weights.iter().zip(filling).all(|(w, filling)| !filling || w.to_bits() == 0));
    }

    #[test]
    fn a_seed_stands_for_its_weights() {
        let shape = Shape::new(2, 3, 2).unwrap();
        assert_eq!(bits(&initial(shape, 1, 1.0)), bits(&initial(shape, 1, 1.0)));
        assert_ne!(bits(&initial(shape, 1, 1.0)), bits(&initial(shape, 2, 1.0)));
    }
}
