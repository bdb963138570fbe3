//! The kernels by criterion: every part of a training step, a block, an epoch and a classification, on every tier. Each
//! result is compared with the baseline tier's before it is timed.
//!
//! ```sh
//! cargo bench --bench tiers                                   # the article's shape, 784 → 1000 → 10
//! cargo bench --bench tiers -- 4000                           # the parts of a step for 4000 hidden units; or 250
//! cargo bench --bench tiers -- 'forward/avx2/(250|1000|4000)' # one part and tier, three sizes
//! cargo bench --bench tiers -- --measurement-time 10          # longer and steadier; --help has criterion's options
//! cargo bench --bench tiers -- --plotting-backend gnuplot     # plots, by gnuplot, to target/criterion/report/index.html
//! ```

use core::hint::black_box;
use core::time::Duration;
use criterion::{BenchmarkId, Criterion, Throughput};
use std::time::Instant;
use twolayer::probe::Parts;
use twolayer::{
    Answer, Backend, INIT_SCALE, Network, Shape, TrainOptions, Trainer, Weights, WeightsMut, digit, fill_initial,
    weights_hash,
};

const BLOCK: usize = TrainOptions::BLOCK;
const _: () = assert!(BLOCK == 64);
const HIDDEN: usize = 1000;
const MORE_HIDDEN: [usize; 2] = [250, 4000];

fn main() {
    // Short runs of few samples: a first look is to take a minute, and differs by that much from the next one. Plots are
    // for those who ask for them.
    let mut c = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .nresamples(20_000)
        .noise_threshold(0.05)
        .without_plots()
        .configure_from_args();
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        c = c.with_output_color(false);
    }
    parts(&mut c);
    training(&mut c);
    classification(&mut c);
    c.final_summary();
}

/// 1000, and each further size that the filter names. A test run has them all.
fn sizes() -> Vec<usize> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let test = arguments.iter().any(|argument| argument == "--test");
    let named = |size: &usize| arguments.iter().any(|argument| argument.contains(&size.to_string()));
    let more = MORE_HIDDEN.into_iter().filter(|size| test || named(size));
    core::iter::once(HIDDEN).chain(more).collect()
}

/// The first built-in digits.
fn digits(count: u32) -> (Vec<u8>, Vec<u8>) {
    let (images, labels): (Vec<_>, Vec<_>) = (0..count).map(|index| digit(1, index)).unzip();
    (images.concat(), labels)
}

fn shape(hidden: usize) -> Shape {
    Shape::new(784, hidden, 10).expect("a valid shape")
}

fn options(backend: Backend) -> TrainOptions {
    TrainOptions { backend, ..TrainOptions::default() }
}

/// Initial weights, and scratch for training.
fn memory(shape: Shape) -> (Vec<f32>, Vec<f32>) {
    let mut weights = vec![0.0; shape.weights_len()];
    fill_initial(&mut weights_mut(shape, &mut weights), 1, INIT_SCALE);
    let mut scratch = vec![0.0; Trainer::scratch_len(shape, BLOCK)];
    // As short as weights are after training, whoever classifies with them.
    Trainer::new(weights_mut(shape, &mut weights), &mut scratch, TrainOptions::default()).expect("valid options");
    (weights, scratch)
}

fn weights_mut(shape: Shape, numbers: &mut [f32]) -> WeightsMut<'_> {
    WeightsMut::new(shape, numbers).expect("as many as the shape has")
}

/// The hash of the weights after training on `images`, on one tier.
fn trained(shape: Shape, backend: Backend, images: &[u8], labels: &[u8]) -> u64 {
    let (mut weights, mut scratch) = memory(shape);
    let weights = weights_mut(shape, &mut weights);
    let mut trainer = Trainer::new(weights, &mut scratch, options(backend)).expect("valid options");
    trainer.train(images, labels).expect("valid samples");
    weights_hash(trainer.weights())
}

/// The parts of a training step.
fn parts(c: &mut Criterion) {
    let (images, labels) = digits(64);
    for hidden in sizes() {
        let expected = trained(shape(hidden), Backend::baseline(), &images, &labels);
        for backend in Backend::available() {
            assert_eq!(trained(shape(hidden), backend, &images, &labels), expected, "{backend} differs");
            parts_on(c, backend, hidden, &images, &labels);
        }
    }
}

/// Elements are samples, or multiply-adds of a pass over W1.
fn parts_on(c: &mut Criterion, backend: Backend, hidden: usize, images: &[u8], labels: &[u8]) {
    let nonzero = images.iter().filter(|&&pixel| pixel != 0).count() as u64;
    let (mut weights, mut scratch) = memory(shape(hidden));
    let weights = weights_mut(shape(hidden), &mut weights);
    let mut parts = Parts::new(weights, &mut scratch, options(backend)).expect("valid options");
    let id = || BenchmarkId::new(backend.name(), hidden);

    let mut group = c.benchmark_group("kernel/prepare");
    group.throughput(Throughput::Elements(BLOCK as u64));
    group.bench_function(id(), |b| b.iter(|| parts.prepare(black_box(images))));
    group.finish();

    let mut group = c.benchmark_group("kernel/forward");
    group.throughput(Throughput::Elements(nonzero * hidden as u64));
    parts.take_before();
    group.bench_function(id(), |b| b.iter(|| parts.visit()));
    group.finish();

    let mut group = c.benchmark_group("kernel/sequential");
    group.throughput(Throughput::Elements(BLOCK as u64));
    group.bench_function(id(), |b| {
        b.iter_custom(|times| {
            let one = |_| {
                parts.prepare(images);
                parts.visit();
                let start = Instant::now();
                black_box(parts.sequential(labels));
                start.elapsed()
            };
            (0..times).map(one).sum()
        });
    });
    group.finish();

    let mut group = c.benchmark_group("kernel/update+forward");
    group.throughput(Throughput::Elements(2 * nonzero * hidden as u64));
    for _ in 0..2 {
        parts.prepare(images);
        parts.visit();
        parts.sequential(labels);
    }
    parts.prepare(images);
    group.bench_function(id(), |b| b.iter(|| parts.visit()));
    group.finish();
}

fn training(c: &mut Criterion) {
    let (images, labels) = digits(2000);
    let shape = shape(HIDDEN);
    let expected = trained(shape, Backend::baseline(), &images, &labels);
    let mut group = c.benchmark_group("training");
    for backend in Backend::available() {
        assert_eq!(trained(shape, backend, &images, &labels), expected, "{backend} differs");
        for (name, samples) in [("block", BLOCK), ("epoch of 2000", labels.len())] {
            let (images, labels) = (&images[..samples * 784], &labels[..samples]);
            let (mut weights, mut scratch) = memory(shape);
            let weights = weights_mut(shape, &mut weights);
            let mut trainer = Trainer::new(weights, &mut scratch, options(backend)).expect("valid options");
            group.throughput(Throughput::Elements(samples as u64));
            group.bench_function(BenchmarkId::new(name, backend), |b| {
                b.iter(|| trainer.train(black_box(images), black_box(labels)));
            });
        }
    }
    group.finish();
}

fn classification(c: &mut Criterion) {
    let (images, _) = digits(64);
    let shape = shape(HIDDEN);
    let (weights, _) = memory(shape);
    let mut scratch = vec![0.0; Network::batch_scratch_len(shape, BLOCK)];
    let mut outputs = |network: &Network| network.outputs_batch(&images, &mut scratch).expect("whole images").to_vec();
    let weights = Weights::new(shape, &weights).expect("as many as the shape has");
    let network = |backend| Network::new(weights, backend);
    let expected = outputs(&network(Backend::baseline()));
    for backend in Backend::available() {
        assert_eq!(outputs(&network(backend)), expected, "{backend} differs");
    }

    let mut group = c.benchmark_group("classification");
    for backend in Backend::available() {
        let network = network(backend);
        for (name, count) in [("one image", 1), ("64 images", BLOCK)] {
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::new(name, backend), |b| {
                b.iter(|| {
                    let outputs = network.outputs_batch(black_box(&images[..count * 784]), &mut scratch);
                    outputs.map(|outputs| outputs.chunks(10).map(|outputs| Answer::of(outputs).class).fold(0, u8::max))
                });
            });
        }
    }
    group.finish();
}
