//! Initial weights: uniform, from a seed, the same on every machine.

use crate::base::StarStar;
use crate::net::WeightsMut;

/// The article's weights start uniform in `[0, 1e-4)`.
pub const INIT_SCALE: f32 = 1e-4;

/// Sets all weights to uniform random numbers in `[0, scale)`.
///
/// W1 is drawn first, input by input, then W2, hidden unit by hidden unit, so the network that a seed stands for does
/// not depend on how weights lie in memory. Each number is the top 24 bits of one output of xoshiro128**, divided by 2²⁴
/// and multiplied by `scale`; `SplitMix64` makes the generator's state from the seed (`seed_from_u64` of `rand_xoshiro`).
pub fn fill_initial(weights: &mut WeightsMut<'_>, seed: u64, scale: f32) {
    let mut random = StarStar::new(seed);
    weights.fill_with(|| random.fraction() * scale);
}

/// Sets all weights to uniform random numbers around zero, of a size that suits the loss [`CrossEntropy`].
///
/// The weights of W1 are from `−s` to `s` with `s² = 3 · 784 / (300 · 255 · inputs)`, those of W2 with `s² = 3 / (255 · hidden)`,
/// both rounded down to a 2²⁰th. That is half of what He et al. (2015, "Delving Deep into Rectifiers") suggest for W1 if 150
/// pixels of 784 are inked, as in MNIST. Both are divided by √255, so that raw pixels (255 times as large as fractions)
/// and hidden activations let one learning rate suit both layers. Drawn in the order of [`fill_initial`].
///
/// [`CrossEntropy`]: crate::LossFunction::CrossEntropy
pub fn fill_scaled(weights: &mut WeightsMut<'_>, seed: u64) {
    let shape = weights.shape();
    let bound = |numerator: u64, denominator: u64, units: usize| {
        let square = (numerator << 40) / (denominator * (units as u64).max(1));
        #[expect(clippy::cast_precision_loss, reason = "at most 24 bits")]
        let bound = square.isqrt() as f32;
        bound / 1_048_576.0
    };
    let bounds = [bound(3 * 784, 300 * 255, shape.inputs()), bound(3, 255, shape.hidden())];
    let first = shape.inputs() * shape.hidden();
    let mut random = StarStar::new(seed);
    let mut drawn = 0;
    weights.fill_with(|| {
        let [w1, w2] = bounds;
        let bound = if drawn < first { w1 } else { w2 };
        drawn += 1;
        (2.0 * random.fraction() - 1.0) * bound
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Shape;
    use crate::support::{bits, initial};
    use rand_xoshiro::Xoshiro128StarStar;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

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
    fn scaled_weights_have_the_stated_bounds() {
        for shape in [Shape::MNIST, Shape::new(65_536, 3, 2).unwrap(), Shape::new(1, 5000, 10).unwrap()] {
            let mut numbers = vec![f32::NAN; shape.weights_len()];
            let mut weights = WeightsMut::new(shape, &mut numbers).unwrap();
            fill_scaled(&mut weights, 3);
            let view = weights.view();
            let (inputs, hidden) = (shape.inputs(), shape.hidden());
            let of_w1: Vec<f64> = view.iter().take(inputs * hidden).map(f64::from).collect();
            let of_w2: Vec<f64> = view.iter().skip(inputs * hidden).map(f64::from).collect();
            let width = |units: usize| f64::from(u32::try_from(units).unwrap());
            let bounds =
                [(3.0 * 784.0 / (300.0 * 255.0 * width(inputs))).sqrt(), (3.0 / (255.0 * width(hidden))).sqrt()];
            for (numbers, bound) in [of_w1, of_w2].iter().zip(bounds) {
                let (least, most) = numbers.iter().fold((0.0, 0.0), |(a, b), &w| (f64::min(a, w), f64::max(b, w)));
                assert!(most <= bound && -least <= bound, "{shape}: {least} to {most}, {bound}");
                assert!(numbers.len() < 100 || most > 0.9 * bound && -least > 0.9 * bound, "{shape}");
            }
        }
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
