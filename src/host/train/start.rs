//! Where a run begins: initial weights from a seed, or the weights of a network that goes on learning.

use super::{Init, Recipe, TrainingError};
use crate::base::to_f64;
use crate::host::files::OwnedWeights;
use crate::net::{Shape, Weights, WeightsMut, fill_initial, fill_scaled};

/// The initial weights that a recipe asks for.
///
/// # Errors
///
/// [`TrainingError::File`] if memory runs out.
pub fn initial_weights(shape: Shape, recipe: &Recipe) -> Result<OwnedWeights, TrainingError> {
    let mut weights = OwnedWeights::zeros(shape)?;
    match recipe.init {
        Init::Uniform(scale) => fill_initial(&mut weights.view_mut(), recipe.seed, scale),
        Init::Scaled => fill_scaled(&mut weights.view_mut(), recipe.seed),
    }
    Ok(weights)
}

/// A copy of a network's weights that training can go on from: see [`train_from`](super::train_from).
///
/// With `classes`, the network has so many, other ones than before: the second layer begins anew, from `seed`, as
/// [`fill_scaled`] has it, and its biases are zero. The first layer stays.
///
/// A network trained elsewhere may have small weights in one layer and large ones in the other. No learning rate suits both, so the
/// layers are balanced: hidden units are multiplied by a power of two, and the weights of the outputs divided by it. Outputs are the
/// same bits as before. The layers of networks trained by this crate are balanced.
///
/// # Errors
///
/// [`TrainingError::Size`] if there are 0 classes or more than 256, [`TrainingError::File`] if memory runs out.
pub fn going_on(weights: Weights<'_>, classes: Option<usize>, seed: u64) -> Result<OwnedWeights, TrainingError> {
    let before = weights.shape();
    let Some(classes) = classes else {
        let mut copy = OwnedWeights::copy_of(weights)?;
        balance(&mut copy.view_mut());
        return Ok(copy);
    };
    let mut new = OwnedWeights::zeros(before.with_outputs(classes)?)?;
    let shape = new.view().shape();
    let mut view = new.view_mut();
    fill_scaled(&mut view, seed);
    for unit in 0..shape.hidden() {
        for input in 0..shape.inputs() {
            if let (Some(to), Some(weight)) = (view.w1_mut(input, unit), weights.w1(input, unit)) {
                *to = weight;
            }
        }
        if let (Some(to), Some(bias)) = (view.b1_mut(unit), weights.b1(unit)) {
            *to = bias;
        }
    }
    for output in 0..classes {
        if let Some(bias) = view.b2_mut(output) {
            *bias = 0.0;
        }
    }
    // To what the new weights of the second layer go with: those of a network that learnt from the start.
    scale_hidden(&mut view, power(weights));
    Ok(new)
}

/// Balances the layers of a network.
fn balance(weights: &mut WeightsMut<'_>) {
    let by = power(weights.view());
    scale_hidden(weights, by);
    weights.parts_mut().w2.iter_mut().for_each(|weight| *weight /= by);
}

/// Multiplies the hidden units.
fn scale_hidden(weights: &mut WeightsMut<'_>, by: f32) {
    let parts = weights.parts_mut();
    parts.w1.iter_mut().chain(parts.b1).for_each(|weight| *weight *= by);
}

/// The power of two that the hidden units must be multiplied by for weights of both layers to be of a size, as their root mean
/// squares; 1 where they differ by less than 8.
fn power(weights: Weights<'_>) -> f32 {
    let shape = weights.shape();
    let (first, all) = (shape.inputs() * shape.hidden(), (shape.inputs() + shape.outputs()) * shape.hidden());
    let mean = |from: usize, to: usize| {
        let squares = weights.iter().skip(from).take(to - from).map(|weight| f64::from(weight).powi(2));
        squares.sum::<f64>() / to_f64(to - from)
    };
    let mut ratio = mean(first, all) / mean(0, first);
    if !(ratio.is_finite() && ratio > 0.0) || (1.0 / 64.0..64.0).contains(&ratio) {
        return 1.0;
    }
    let mut power = 1.0;
    while ratio >= 4.0 {
        (ratio, power) = (ratio / 16.0, power * 2.0);
    }
    while ratio < 0.25 {
        (ratio, power) = (ratio * 16.0, power / 2.0);
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Network;
    use crate::simd::Backend;
    use crate::support::{Samples, bits, signed_weights, weights};

    /// Weights as a network of PyTorch has them: those of the first layer small, of the second large, or the other way round.
    fn uneven(shape: Shape, first: f32, second: f32) -> Vec<f32> {
        let mut numbers = signed_weights(shape, 3, 0.1);
        let mut view = WeightsMut::new(shape, &mut numbers).unwrap();
        let parts = view.parts_mut();
        parts.w1.iter_mut().chain(parts.b1).for_each(|weight| *weight *= first);
        parts.w2.iter_mut().for_each(|weight| *weight *= second);
        numbers
    }

    fn outputs(weights: Weights<'_>, images: &[u8]) -> Vec<u32> {
        let mut scratch = vec![0.0; Network::batch_scratch_len(weights.shape(), 9)];
        bits(Network::new(weights, Backend::detect()).outputs_batch(images, &mut scratch).unwrap())
    }

    #[test]
    fn balanced_layers_give_the_same_outputs() {
        let plain = Shape::new(60, 131, 5).unwrap();
        let samples = Samples::new(60, 5, 9, 1);
        for shape in [plain, plain.with_biases()] {
            for (first, second, power) in [
                (1.0, 1.0, 1.0),
                (1.0, 5.0, 1.0),
                (0.3, 1.0, 1.0),
                (1.0 / 255.0, 1.0, 16.0),
                (0.01, 9.0, 32.0),
                (3.0, 0.002, 1.0 / 32.0),
            ] {
                let numbers = uneven(shape, first, second);
                let before = weights(shape, &numbers);
                let after = going_on(before, None, 1).unwrap();
                let place = shape.w1_index(7, 30).unwrap();
                let found = after.view().numbers()[place] / numbers[place];
                assert_eq!(found.to_bits(), f32::to_bits(power), "{shape}, {first}, {second}: {found}");
                assert_eq!(outputs(after.view(), &samples.images), outputs(before, &samples.images));
            }
            // Nothing to balance by.
            let zeros = vec![0.0; shape.weights_len()];
            assert_eq!(bits(going_on(weights(shape, &zeros), None, 1).unwrap().view().numbers()), bits(&zeros));
        }
    }

    #[test]
    fn other_classes_begin_anew() {
        let shape = Shape::new(60, 131, 5).unwrap().with_biases();
        let numbers = uneven(shape, 1.0 / 255.0, 1.0);
        let before = weights(shape, &numbers);
        let after = going_on(before, Some(7), 4).unwrap();
        let view = after.view();
        let mut expected = OwnedWeights::zeros(Shape::new(60, 131, 7).unwrap()).unwrap();
        fill_scaled(&mut expected.view_mut(), 4);
        assert_eq!(view.shape(), Shape::new(60, 131, 7).unwrap().with_biases());
        for unit in [0, 64, 130] {
            assert_eq!(view.w1(9, unit), before.w1(9, unit).map(|weight| 16.0 * weight));
            assert_eq!(view.b1(unit), before.b1(unit).map(|bias| 16.0 * bias));
            assert_eq!(view.w2(unit, 6), expected.view().w2(unit, 6));
        }
        assert_eq!((view.b2(0), view.b2(6), view.stray_filler()), (Some(0.0), Some(0.0), None));
        assert!(going_on(before, Some(0), 4).is_err() && going_on(before, Some(257), 4).is_err());
    }
}
