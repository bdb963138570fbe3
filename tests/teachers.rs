//! Teachers and ensembles: the same bits everywhere, and what does not fit is an error.

#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use core::num::NonZeroUsize;
use support::fnv;
use twolayer::host::dataset::{Dataset, Digits, Set};
use twolayer::host::training::{self, Recipe};
use twolayer::host::{OwnedWeights, QuantizeError, Threads, TrainingError, Tuning, evaluate, evaluate_ensemble, tune};
use twolayer::{
    Answer, Backend, Bits, Distortion, LossFunction, Network, Shape, TrainOptions, Weights, WeightsMut, digit,
    fill_scaled, weights_hash,
};

fn digits() -> Dataset {
    Dataset::generate(Digits { train: 700, test: 300, ..Digits::default() }, &mut |_| ()).unwrap()
}

/// Teachers of all kinds: whole images, halved ones, with biases.
fn teachers(digits: &Dataset) -> Vec<OwnedWeights> {
    let recipe = Recipe { epochs: 2, hidden: 100, ..Recipe::fast() };
    let mut teachers: Vec<_> = [recipe, Recipe { halve: true, hidden: 70, ..recipe }]
        .map(|recipe| training::train(digits, &recipe, |_| ()).unwrap().weights)
        .into();
    let mut biased = OwnedWeights::zeros(Shape::new(784, 33, 10).unwrap().with_biases()).unwrap();
    fill_scaled(&mut biased.view_mut(), 5);
    teachers.push(training::train_from(digits, &recipe, &[], biased, 0, |_| (), |_, _| Ok(())).unwrap().weights);
    teachers
}

fn taught(digits: &Dataset, recipe: &Recipe, teachers: &[Weights<'_>]) -> u64 {
    let start = training::initial_weights(training::shape(digits, recipe).unwrap(), recipe).unwrap();
    let trained = training::train_from(digits, recipe, teachers, start, 0, |_| (), |_, _| Ok(())).unwrap();
    weights_hash(trained.weights.view())
}

#[test]
fn what_is_taught_has_the_same_bits_everywhere() {
    let digits = digits();
    let teachers = teachers(&digits);
    let all: Vec<_> = teachers.iter().map(OwnedWeights::view).collect();
    let article = Recipe { epochs: 2, hidden: 20, ..Recipe::default() };
    let fast = Recipe { epochs: 2, hidden: 20, ..Recipe::fast() };
    let distorted = Recipe { distortion: Some(Distortion { percent: 80, hands: 0 }), halve: true, ..fast };
    let mut found = Vec::new();
    for recipe in [article, fast, distorted] {
        let hash = everywhere(|backend, threads| {
            let options = TrainOptions { backend, ..recipe.options };
            taught(&digits, &Recipe { threads, options, ..recipe }, &all)
        });
        // Each of them counts.
        let others = [&all[..0], &all[..1], &all[..2], &all[1..]].map(|some| taught(&digits, &recipe, some));
        assert!(others.iter().all(|other| *other != hash), "{recipe}: {hash:x}, {others:x?}");
        found.push(hash);
    }
    for weights in &all[..2] {
        let tune = |tuning: &Tuning, teachers: &[Weights<'_>]| {
            let tuned = tune(*weights, Bits::Four, &digits.train, 300, tuning, teachers, |_, _| ()).unwrap();
            fnv(tuned.payload().iter().copied())
        };
        let hash = everywhere(|backend, threads| tune(&Tuning { backend, threads, ..Tuning::new(2) }, &all));
        assert_ne!(tune(&Tuning::new(2), &[]), hash);
        found.push(hash);
    }
    let golden = [
        0x377f_6ece_9e72_ba40,
        0xbbfe_9618_c4ba_bea4,
        0x632f_32d0_18ee_9da9,
        0x4eda_e524_4d37_0eda,
        0xfe45_4a05_d3cf_da99,
    ];
    assert_eq!(found, golden, "found {found:#018x?}");
}

/// What is found on every tier and with every number of threads: always the same.
fn everywhere(find: impl Fn(Backend, NonZeroUsize) -> u64) -> u64 {
    let mut first = None;
    for backend in Backend::available() {
        for threads in 1..=3 {
            let hash = find(backend, NonZeroUsize::new(threads).unwrap());
            assert_eq!(*first.get_or_insert(hash), hash, "{backend}, {threads} threads");
        }
    }
    first.unwrap()
}

/// An ensemble's answers by f64: the mean of softmax and of plain outputs.
#[test]
fn an_ensemble_answers_with_the_mean() {
    let digits = digits();
    let teachers = teachers(&digits);
    let squared = Recipe { epochs: 2, hidden: 40, ..Recipe::default() };
    let squared = training::train(&digits, &squared, |_| ()).unwrap().weights;
    let of = |weights: &OwnedWeights, image: &[u8], loss| -> Vec<f64> {
        let mut scratch = vec![0.0; Network::scratch_len(weights.view().shape())];
        let network = Network::new(weights.view(), Backend::baseline());
        let outputs: Vec<f64> = network.outputs(image, &mut scratch).unwrap().iter().copied().map(f64::from).collect();
        if loss == LossFunction::Squared {
            return outputs;
        }
        let total: f64 = outputs.iter().map(|y| y.exp()).sum();
        outputs.iter().map(|y| y.exp() / total).collect()
    };
    let members: Vec<_> =
        teachers.iter().map(|it| (it, LossFunction::CrossEntropy)).chain([(&squared, LossFunction::Squared)]).collect();
    let mut expected = Vec::new();
    let (images, labels): (Vec<_>, Vec<_>) = (0..300).map(|index| digit(9, index)).unzip();
    for image in &images {
        let mut mean = vec![0.0; 10];
        for (weights, loss) in &members {
            let shares = of(weights, image, *loss);
            mean.iter_mut().zip(shares).for_each(|(mean, share)| *mean += share / 4.0);
        }
        expected.push(mean);
    }
    let test = Set::from_images("digits", images.concat(), labels, [28; 2]).unwrap();
    let mut before = None;
    for backend in Backend::available() {
        for threads in [1, 2, 3] {
            let networks: Vec<_> =
                members.iter().map(|(weights, loss)| (Network::new(weights.view(), backend), *loss)).collect();
            let threads = Threads::new(NonZeroUsize::new(threads).unwrap());
            let found = evaluate_ensemble(&networks, &test, &threads).unwrap();
            for (Answer { class, margin }, mean) in found.answers().iter().zip(&expected) {
                let class = usize::from(*class);
                let next =
                    mean.iter().enumerate().filter(|(k, _)| *k != class).fold(f64::MIN, |most, (_, y)| most.max(*y));
                assert!((mean[class] - next - margin).abs() < 1e-5, "{margin} of {mean:?}");
            }
            assert_eq!(*before.get_or_insert_with(|| found.clone()), found);
        }
    }
    // One alone answers as it does by itself.
    let threads = Threads::new(Threads::available());
    let alone =
        |weights: &OwnedWeights| evaluate(Network::new(weights.view(), Backend::detect()), &test, &threads).unwrap();
    let one = Network::new(teachers[0].view(), Backend::detect());
    let found = evaluate_ensemble(&[(one, LossFunction::CrossEntropy)], &test, &threads).unwrap();
    let classes = |of: &[Answer<f64>]| of.iter().map(|it| it.class).collect::<Vec<_>>();
    assert_eq!(classes(found.answers()), classes(alone(&teachers[0]).answers()));
}

#[test]
fn networks_that_do_not_fit_are_errors() {
    let digits = digits();
    let shape = Shape::new(784, 16, 10).unwrap();
    let recipe = Recipe { epochs: 1, hidden: 16, ..Recipe::fast() };
    let zeros = |shape| OwnedWeights::zeros(shape).unwrap();
    for other in [Shape::new(783, 16, 10).unwrap(), Shape::new(784, 16, 9).unwrap()] {
        let (fits, other) = (zeros(shape), zeros(other));
        let teachers = [fits.view(), other.view()];
        let found = training::train_from(&digits, &recipe, &teachers, zeros(shape), 0, |_| (), |_, _| Ok(()));
        let error = found.unwrap_err();
        assert!(matches!(error, TrainingError::Unlike { place: 1, .. }), "{error}");
        assert_eq!(
            error.to_string(),
            format!(
                "network 2 of several takes images of {} pixels and has {} classes; expected 784 pixels and 10 classes",
                other.view().shape().pixels(),
                other.view().shape().outputs()
            )
        );
        let found = tune(fits.view(), Bits::Four, &digits.train, 10, &Tuning::new(1), &teachers, |_, _| ());
        assert!(matches!(found, Err(QuantizeError::Training(TrainingError::Unlike { place: 1, .. }))), "{found:?}");
        let networks = teachers.map(|it| (Network::new(it, Backend::detect()), LossFunction::CrossEntropy));
        let found = evaluate_ensemble(&networks, &digits.test, &Threads::new(NonZeroUsize::MIN));
        assert!(matches!(found, Err(TrainingError::Unlike { place: 1, .. })), "{found:?}");
    }
    let fits = zeros(Shape::new(100, 16, 10).unwrap());
    let network = (Network::new(fits.view(), Backend::detect()), LossFunction::CrossEntropy);
    let found = evaluate_ensemble(&[network], &digits.test, &Threads::new(NonZeroUsize::MIN));
    assert!(matches!(found, Err(TrainingError::Set(_))), "{found:?}");
    // Nobody answers nothing.
    let none = |set: &Set| evaluate_ensemble(&[], set, &Threads::new(NonZeroUsize::MIN)).unwrap();
    assert_eq!((none(&digits.test).total(), none(&digits.test).is_dead()), (300, true));
}

/// A teacher whose outputs overflow does not end in silence.
#[test]
fn numbers_that_overflow_are_found_out() {
    let digits = digits();
    let mut teacher = OwnedWeights::zeros(Shape::new(784, 16, 10).unwrap()).unwrap();
    let mut view: WeightsMut<'_> = teacher.view_mut();
    view.fill_with(|| 1e30);
    let recipe = Recipe { epochs: 1, hidden: 16, ..Recipe::fast() };
    let start = training::initial_weights(Shape::new(784, 16, 10).unwrap(), &recipe).unwrap();
    let found = training::train_from(&digits, &recipe, &[teacher.view()], start, 0, |_| (), |_, _| Ok(()));
    assert!(matches!(found, Err(TrainingError::Diverged { .. })), "{found:?}");
}
