//! Numerical guarantees: results equal the recipe's up to rounding; bits do not depend on the tier, the number of
//! threads or the split into calls; and steps follow the gradient.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use proptest::prelude::*;
use support::recipe::{Bounds, Recipe, one_hot};
use support::reference::Reference;
use support::{BLOCKS, Samples, bits, initial, short, signed_weights, train, weights};
use twolayer::{Answer, Backend, INIT_SCALE, Loss, LossFunction, Network, Shape, TrainOptions, Trainer, WeightsMut};

/// Asserts that f32 weights are within the derived bounds of the recipe's. Returns the largest bound and the largest
/// change of a weight in training; the bounds are meaningful only if the first is much smaller.
fn assert_within(shape: Shape, weights: &[f32], start: &[f32], recipe: &Recipe, bounds: &Bounds) -> (f64, f64) {
    let numbers = |numbers| support::weights(shape, numbers).iter().map(f64::from);
    let (mut largest, mut furthest) = (0.0_f64, 0.0_f64);
    let mut recipe = recipe.clone();
    let expected = recipe.numbers_mut().zip(bounds.numbers());
    for ((found, (expected, bound)), start) in numbers(weights).zip(expected).zip(numbers(start)) {
        let off = (found - *expected).abs();
        assert!(off <= bound.error, "{shape}: {found} is {off:e} from {expected}, {:e} is allowed", bound.error);
        largest = largest.max(bound.error);
        furthest = furthest.max((*expected - start).abs());
    }
    (largest, furthest)
}

/// Trains with the recipe in f64, and in f32 with every block size on every tier. Asserts the derived bounds, and that
/// they are less than the fraction `tolerance` of the largest change of a weight.
fn assert_recipe(shape: Shape, start: &[f32], samples: &Samples, alpha: f32, blocks: &[usize], tolerance: f64) {
    let mut recipe = Recipe::new(shape, start);
    let steps = samples.images.chunks(shape.inputs()).zip(&samples.labels);
    let expected: Vec<f64> = steps.map(|(image, &label)| recipe.step(image, label, f64::from(alpha))).collect();
    for &block in blocks {
        let mut bounds = Bounds::new(shape, start);
        let bound: Vec<f64> =
            bounds.train(&samples.images, &samples.labels, alpha, block).iter().map(|e| e.error).collect();
        for backend in Backend::available() {
            let (weights, errors) =
                train(shape, start, samples, TrainOptions { alpha, block, backend, ..TrainOptions::default() });
            let (largest, furthest) = assert_within(shape, &weights, start, &recipe, &bounds);
            assert!(
                largest < tolerance * furthest,
                "{shape}, blocks of {block}: bound {largest:e}, learnt {furthest:e}"
            );
            let off = (f64::from(errors.last) - expected.last().unwrap()).abs();
            assert!(off <= *bound.last().unwrap(), "last error off by {off:e}");
            let off = (errors.sum - expected.iter().sum::<f64>()).abs();
            assert!(off <= bound.iter().sum(), "sum of errors off by {off:e}");
        }
    }
}

#[test]
fn every_block_size_matches_the_recipe_within_derived_bounds() {
    for (inputs, hidden, outputs) in [(13, 20, 3), (112, 130, 10), (225, 48, 4)] {
        let shape = Shape::new(inputs, hidden, outputs).unwrap();
        let start = signed_weights(shape, 1, 0.02);
        let samples = Samples::new(inputs, outputs, 75, 2);
        assert_recipe(shape, &start, &samples, 4e-6, &BLOCKS, 5e-2);
        let shape = shape.with_biases();
        assert_recipe(shape, &signed_weights(shape, 1, 0.02), &samples, 4e-6, &BLOCKS, 5e-2);
    }
}

#[test]
fn the_default_network_matches_the_recipe_within_derived_bounds() {
    let start = short(Shape::MNIST, initial(Shape::MNIST, 1, INIT_SCALE));
    let samples = Samples::new(784, 10, 100, 3);
    assert_recipe(Shape::MNIST, &start, &samples, TrainOptions::ALPHA, &[1, 64], 1e-2);
}

/// These bounds are measured, because derived bounds grow faster than the actual rounding error. After 3,000 samples
/// with blocks of 16 or 64, the weights differ from those of the plain step, which rounds W1 to 16 bits after every sample, by 2.7e-4
/// of the distance learnt, and the sum of errors by 4e-7; the test allows 5 times as much. (The bits are the same on every machine,
/// so the margin is for changes of the code. If rounding switched a hidden unit, which does not happen here, the difference would be
/// 1e-3.)
#[test]
fn blocks_stay_close_to_the_plain_step_in_a_long_run() {
    let start = initial(Shape::MNIST, 1, INIT_SCALE);
    let samples = Samples::new(784, 10, 3000, 4);
    let run = |block| train(Shape::MNIST, &start, &samples, TrainOptions { block, ..TrainOptions::default() });
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
    let (plain, errors) = run(1);
    let learnt = distance(&plain, &start);
    assert!(errors.last < 0.8, "nothing was learnt: {errors:?}");
    for block in [16, 64] {
        let (weights, block_errors) = run(block);
        let off = distance(&weights, &plain) / learnt;
        assert!(off < 1.5e-3, "blocks of {block}: {off:e}");
        assert!((block_errors.sum / errors.sum - 1.0).abs() < 2e-6, "{block_errors:?}, {errors:?}");
    }
}

#[test]
fn calls_split_at_multiples_of_the_block_give_the_same_bits() {
    let shape = Shape::new(50, 150, 7).unwrap();
    let start = signed_weights(shape, 5, 0.02);
    let samples = Samples::new(50, 7, 75, 6);
    for block in BLOCKS {
        let options = TrainOptions { alpha: 1e-6, block, ..TrainOptions::default() };
        let (whole, errors) = train(shape, &start, &samples, options);
        for blocks in [1, 3] {
            let mut numbers = start.clone();
            let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape, block)];
            let weights = WeightsMut::new(shape, &mut numbers).unwrap();
            let mut trainer = Trainer::new(weights, &mut scratch, options).unwrap();
            let mut all = Loss::default();
            for (images, labels) in
                samples.images.chunks(50 * block * blocks).zip(samples.labels.chunks(block * blocks))
            {
                let part = trainer.train(images, labels).unwrap();
                all = Loss { last: part.last, sum: all.sum + part.sum };
            }
            assert_eq!(bits(&numbers), bits(&whole), "{blocks} blocks of {block} a call");
            assert_eq!(all.last.to_bits(), errors.last.to_bits());
            assert!((all.sum - errors.sum).abs() <= 1e-12 * errors.sum);
        }
    }
}

#[test]
fn every_tier_and_block_size_gives_the_bits_of_plain_loops() {
    for (inputs, hidden, outputs, count) in [(113, 129, 10, 75), (784, 256, 10, 75), (9, 1, 1, 20), (1, 300, 2, 20)] {
        let shape = Shape::new(inputs, hidden, outputs).unwrap();
        let samples = Samples::new(inputs, outputs, count, 8);
        for (shape, block) in
            [shape, shape.with_biases()].into_iter().flat_map(|shape| BLOCKS.map(|block| (shape, block)))
        {
            let start = signed_weights(shape, 7, 0.02);
            let mut reference = Reference::new(weights(shape, &start));
            let expected = reference.train(&samples.images, &samples.labels, 1e-6, block);
            for backend in Backend::available() {
                let (trained, errors) = train(
                    shape,
                    &start,
                    &samples,
                    TrainOptions { alpha: 1e-6, block, backend, ..TrainOptions::default() },
                );
                assert!(bits(&trained) == bits(&reference.numbers()), "{shape} on {backend}, blocks of {block}");
                assert_eq!(errors.last.to_bits(), expected.last().unwrap().to_bits());
            }
        }
    }
}

/// One to eight panels, also with more threads than cores, panels or samples.
#[cfg(feature = "std")]
#[test]
fn the_number_of_threads_does_not_change_the_bits() {
    use twolayer::TrainError;
    use twolayer::host::Threads;
    for (hidden, block) in [(20, 1), (128, 7), (129, 1), (300, 7), (300, 64), (1000, 1), (1000, 64)] {
        let shape = Shape::new(25, hidden, 10).unwrap();
        let counts = [0, 1, block, block + 1, 75];
        for (shape, count) in counts.into_iter().flat_map(|count| [(shape, count), (shape.with_biases(), count)]) {
            let start = signed_weights(shape, 1, 0.1);
            let samples = Samples::new(25, 10, count, 2);
            let options = TrainOptions { alpha: 1e-5, block, ..TrainOptions::default() };
            let (expected, expected_errors) = train(shape, &start, &samples, options);
            for threads in [1, 2, 3, 3, 3, 5, 64] {
                let mut numbers = start.clone();
                let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape, block)];
                let weights = WeightsMut::new(shape, &mut numbers).unwrap();
                let mut trainer = Trainer::new(weights, &mut scratch, options).unwrap();
                let report = |_, _| Ok::<(), TrainError>(());
                let pool = Threads::new(threads.try_into().unwrap());
                let errors = pool.train(&mut trainer, &samples.images, &samples.labels, report).unwrap();
                assert!(
                    bits(&numbers) == bits(&expected),
                    "{shape}, blocks of {block}, {count} samples, {threads} threads"
                );
                assert_eq!(errors, expected_errors);
            }
        }
    }
}

#[test]
fn a_batch_gives_the_same_bits_as_single_images() {
    let shapes = [(784, 1000, 10), (113, 129, 3), (1, 16, 1)];
    let shapes = shapes.map(|(inputs, hidden, outputs)| Shape::new(inputs, hidden, outputs).unwrap());
    let shapes = shapes.into_iter().chain(shapes.map(Shape::with_biases));
    for (shape, scale) in shapes.flat_map(|shape| [(shape, 1.0), (shape, 1.1)]) {
        let (inputs, outputs) = (shape.inputs(), shape.outputs());
        // Weights of 16 bits, which have exact products, and others.
        let mut numbers: Vec<f32> = signed_weights(shape, 9, 0.1).into_iter().map(|w| scale * w).collect();
        for unit in 0..shape.hidden() {
            if let Some(place) = shape.b1_index(unit) {
                // So that it matters beside the sum of the pixels.
                numbers[place] *= 100.0;
            }
        }
        let samples = Samples::new(inputs, outputs, 33, 10);
        let reference = Reference::new(weights(shape, &numbers));
        let alone: Vec<f32> = samples.images.chunks(inputs).flat_map(|image| reference.outputs(image)).collect();
        let bounds = Bounds::new(shape, &numbers);
        let recipe = Recipe::new(shape, &numbers);
        for ((image, found), label) in samples.images.chunks(inputs).zip(alone.chunks(outputs)).zip(0..) {
            for ((found, expected), bound) in found.iter().zip(recipe.outputs(image)).zip(bounds.outputs(image)) {
                let off = (f64::from(*found) - expected).abs();
                assert!(off <= bound.error, "image {label}: off by {off:e} of {:e}", bound.error);
            }
        }
        for backend in Backend::available() {
            let network = Network::new(weights(shape, &numbers), backend);
            for images in [1, 2, 9, 33] {
                let mut scratch = vec![f32::NAN; Network::batch_scratch_len(shape, images)];
                for (images, expected) in samples.images.chunks(images * inputs).zip(alone.chunks(images * outputs)) {
                    let found = network.outputs_batch(images, &mut scratch).unwrap();
                    assert_eq!(bits(found), bits(expected), "{shape} on {backend}");
                    for outputs in found.chunks(outputs) {
                        let largest = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                        let first = outputs.iter().position(|&y| y >= largest);
                        assert_eq!(first, Some(usize::from(Answer::of(outputs).class)));
                    }
                }
            }
        }
    }
}

/// The recipe's δ lacks the factor 2: with `E = Σ (y − t)²`, a step is `−α/2 · dE/dw`. A step is linear in α, so α is
/// large enough here to be visible in f32 weights. E is quadratic in each weight while no hidden unit switches, so the
/// only error of central differences is the rounding of f64: 2⁻⁵² E/h.
#[test]
fn a_step_follows_the_gradient_of_the_error() {
    const H: f64 = 1.0 / 16384.0;
    let shape = Shape::new(20, 21, 5).unwrap();
    let alpha = 1e-3_f32;
    for (seed, shape) in (0..3).flat_map(|seed| [(seed, shape), (seed, shape.with_biases())]) {
        let start = signed_weights(shape, 20 + seed, 0.1);
        let sample = (0..50)
            .map(|n| Samples::new(20, 5, 1, 100 * seed + n))
            .find(|sample| Recipe::new(shape, &start).nearest_kink(&sample.images) > 2.0 * 255.0 * H)
            .unwrap();
        let error = |recipe: &Recipe| recipe.error(&sample.images, sample.labels[0]);
        let mut recipe = Recipe::new(shape, &start);
        let noise = f64::EPSILON * 100.0 * error(&recipe) / H * f64::from(alpha);
        let gradient = recipe.gradient(H, error);
        let (in_w1, in_w2) = gradient.split_at(recipe.w1.len());
        let squares: Vec<f64> = recipe.squares().collect();
        assert!(
            in_w1.iter().filter(|g| g.abs() > 1e-3).count() > 20
                && in_w2.iter().filter(|g| g.abs() > 1e-3).count() > 20
        );
        for block in [1, 8] {
            let mut bounds = Bounds::new(shape, &start);
            bounds.train(&sample.images, &sample.labels, alpha, block);
            for backend in Backend::available() {
                let (trained, _) =
                    train(shape, &start, &sample, TrainOptions { alpha, block, backend, ..TrainOptions::default() });
                let steps = weights(shape, &trained).iter().zip(weights(shape, &start).iter());
                let steps = steps.zip(gradient.iter().zip(&squares));
                for (place, ((step, (gradient, square)), bound)) in steps.zip(bounds.numbers()).enumerate() {
                    let step = f64::from(step.0) - f64::from(step.1);
                    let expected = -f64::from(alpha) * square * gradient / 2.0;
                    assert!(
                        (step - expected).abs() <= bound.error + square * noise,
                        "weight {place} on {backend}: {step:e}, {expected:e} expected"
                    );
                }
            }
        }
    }
}

/// With cross-entropy, a step is `−α dE/dw`: the gradient has no factor 2 there. Central differences are off by their third
/// derivative too, so the bound is relative.
#[test]
fn a_step_follows_the_gradient_of_the_cross_entropy() {
    const H: f64 = 1.0 / 65536.0;
    let shape = Shape::new(20, 21, 5).unwrap();
    // A step is linear in α, so α is large enough here to be visible in weights of 16 bits.
    let alpha = 1e-2_f32;
    for (seed, shape) in (0..3).flat_map(|seed| [(seed, shape), (seed, shape.with_biases())]) {
        let start = signed_weights(shape, 20 + seed, 0.05);
        let sample = (0..50)
            .map(|n| Samples::new(20, 5, 1, 100 * seed + n))
            .find(|sample| Recipe::new(shape, &start).nearest_kink(&sample.images) > 2.0 * 255.0 * H)
            .unwrap();
        let mut recipe = Recipe::new(shape, &start);
        let targets = one_hot(&sample.labels, 5);
        let gradient = recipe.gradient(H, |recipe| recipe.cross_entropy(&sample.images, &targets));
        let largest = gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        for block in [1, 8] {
            for backend in Backend::available() {
                let options = TrainOptions { alpha, block, backend, loss: LossFunction::CrossEntropy };
                let (trained, loss) = train(shape, &start, &sample, options);
                let expected = Recipe::new(shape, &start).cross_entropy(&sample.images, &targets);
                assert!((f64::from(loss.last) - expected).abs() < 1e-5 * expected.max(1.0), "{loss:?}, {expected}");
                let steps = weights(shape, &trained).iter().zip(weights(shape, &start).iter());
                for (place, ((after, before), (gradient, square))) in
                    steps.zip(gradient.iter().zip(recipe.squares())).enumerate()
                {
                    let step = f64::from(after) - f64::from(before);
                    let expected = -f64::from(alpha) * square * gradient;
                    // Half a unit in the last of 16 places of a weight below 1/8, and what rounds on the way.
                    let bound = f64::from(alpha) * square * 1e-4 * largest + 1e-6;
                    assert!(
                        (step - expected).abs() <= bound,
                        "weight {place} on {backend}: {step:e}, not {expected:e}"
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Small random networks, samples and block sizes: within the derived bounds, and bit-identical to plain loops on
    /// all tiers.
    #[test]
    fn random_training_runs_match_the_recipe(
        (inputs, hidden, outputs) in (1..130_usize, 1..150_usize, 1..12_usize),
        (count, block, seed) in (0..20_usize, 1..20_usize, any::<u64>()),
        alpha in 1e-8..1e-5_f32,
    ) {
        let shape = Shape::new(inputs, hidden, outputs).unwrap();
        let start = signed_weights(shape, seed, 0.05);
        let samples = Samples::new(inputs, outputs, count, seed);
        let mut reference = Reference::new(weights(shape, &start));
        reference.train(&samples.images, &samples.labels, alpha, block);
        let mut recipe = Recipe::new(shape, &start);
        for (image, &label) in samples.images.chunks(inputs).zip(&samples.labels) {
            recipe.step(image, label, f64::from(alpha));
        }
        let mut bounds = Bounds::new(shape, &start);
        bounds.train(&samples.images, &samples.labels, alpha, block);
        assert_within(shape, &reference.numbers(), &start, &recipe, &bounds);
        let mut softmax = Reference::new(weights(shape, &start));
        softmax.loss = LossFunction::CrossEntropy;
        let losses = softmax.train(&samples.images, &samples.labels, alpha, block);
        for backend in Backend::available() {
            let options = TrainOptions { alpha, block, backend, ..TrainOptions::default() };
            let (trained, _) = train(shape, &start, &samples, options);
            prop_assert!(bits(&trained) == bits(&reference.numbers()), "{}", backend);
            let options = TrainOptions { loss: LossFunction::CrossEntropy, ..options };
            let (trained, loss) = train(shape, &start, &samples, options);
            prop_assert!(bits(&trained) == bits(&softmax.numbers()), "cross-entropy on {}", backend);
            prop_assert_eq!(loss.last.to_bits(), losses.last().map_or(0, |loss| loss.to_bits()));
        }
    }
}
