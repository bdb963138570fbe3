//! Criterion benches: every part of a training step, a block, an epoch and a classification, on every tier and for
//! several hidden sizes. Each result is checked before it is timed.

use core::hint::black_box;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Instant;
use twolayer::host::dataset::digit;
use twolayer::probe::Parts;
use twolayer::{Backend, INIT_SCALE, Network, Options, Shape, Trainer, fill_initial, weights_hash};

const BLOCK: usize = Options::BLOCK;
const _: () = assert!(BLOCK == 64);
const HIDDEN: [usize; 3] = [250, 1000, 4000];

/// The first built-in digits.
fn digits(count: u32) -> (Vec<u8>, Vec<u8>) {
    let (images, labels): (Vec<_>, Vec<_>) = (0..count).map(|index| digit(1, index)).unzip();
    (images.concat(), labels)
}

fn shape(hidden: usize) -> Shape {
    Shape::new(784, hidden, 10).expect("a valid shape")
}

fn initial(shape: Shape) -> Vec<f32> {
    let mut weights = vec![0.0; shape.weights_len()];
    fill_initial(shape, &mut weights, 1, INIT_SCALE);
    weights
}

/// The hash of the weights after training on `images`, on one tier.
fn trained(shape: Shape, backend: Backend, images: &[u8], labels: &[u8]) -> u64 {
    let mut weights = initial(shape);
    let mut scratch = vec![0.0; Trainer::scratch_len(shape, BLOCK)];
    let options = Options { backend, ..Options::default() };
    let mut trainer = Trainer::new(shape, &mut weights, &mut scratch, options).expect("valid options");
    trainer.train(images, labels).expect("valid samples");
    weights_hash(shape, &weights)
}

fn kernels(c: &mut Criterion) {
    let (images, labels) = digits(64);
    let nonzero = images.iter().filter(|&&pixel| pixel != 0).count() as u64;
    for hidden in HIDDEN {
        let shape = shape(hidden);
        let expected = trained(shape, Backend::baseline(), &images, &labels);
        for backend in Backend::available() {
            assert_eq!(trained(shape, backend, &images, &labels), expected, "{backend} differs");
            let mut weights = initial(shape);
            let mut scratch = vec![0.0; Trainer::scratch_len(shape, BLOCK)];
            let options = Options { backend, ..Options::default() };
            let mut parts = Parts::new(shape, &mut weights, &mut scratch, options).expect("valid options");
            let id = || BenchmarkId::new(backend.name(), hidden);

            // Elements are samples, or multiply-adds of a pass over W1.
            let mut group = c.benchmark_group("kernel/prepare");
            group.throughput(Throughput::Elements(BLOCK as u64));
            group.bench_function(id(), |b| b.iter(|| parts.prepare(black_box(&images))));
            group.finish();

            let mut group = c.benchmark_group("kernel/forward");
            group.throughput(Throughput::Elements(nonzero * hidden as u64));
            parts.take_before();
            group.bench_function(id(), |b| b.iter(|| parts.visit()));
            group.finish();

            let mut group = c.benchmark_group("kernel/sequence");
            group.throughput(Throughput::Elements(BLOCK as u64));
            group.bench_function(id(), |b| {
                b.iter_custom(|times| {
                    let one = |_| {
                        parts.prepare(&images);
                        parts.visit();
                        let start = Instant::now();
                        black_box(parts.sequence(&labels));
                        start.elapsed()
                    };
                    (0..times).map(one).sum()
                });
            });
            group.finish();

            let mut group = c.benchmark_group("kernel/update+forward");
            group.throughput(Throughput::Elements(2 * nonzero * hidden as u64));
            for _ in 0..2 {
                parts.prepare(&images);
                parts.visit();
                parts.sequence(&labels);
            }
            parts.prepare(&images);
            group.bench_function(id(), |b| b.iter(|| parts.visit()));
            group.finish();
        }
    }
}

fn training(c: &mut Criterion) {
    let (images, labels) = digits(2000);
    let expected = trained(Shape::MNIST, Backend::baseline(), &images, &labels);
    let mut group = c.benchmark_group("training");
    for backend in Backend::available() {
        for (name, samples) in [("block", BLOCK), ("epoch of 2000", labels.len())] {
            let (images, labels) = (&images[..samples * 784], &labels[..samples]);
            if samples == 2000 {
                assert_eq!(trained(Shape::MNIST, backend, images, labels), expected, "{backend} differs");
            }
            let mut weights = initial(Shape::MNIST);
            let mut scratch = vec![0.0; Trainer::scratch_len(Shape::MNIST, BLOCK)];
            let options = Options { backend, ..Options::default() };
            let mut trainer = Trainer::new(Shape::MNIST, &mut weights, &mut scratch, options).expect("valid options");
            group.throughput(Throughput::Elements(samples as u64));
            group.sample_size(20);
            group.bench_function(BenchmarkId::new(name, backend), |b| {
                b.iter(|| trainer.train(black_box(images), black_box(labels)));
            });
        }
    }
    group.finish();
}

fn classification(c: &mut Criterion) {
    let (images, _) = digits(64);
    let weights = initial(Shape::MNIST);
    let mut scratch = vec![0.0; Network::scratch_len(Shape::MNIST, BLOCK)];
    let mut expected = vec![0.0; BLOCK * 10];
    let network = Network::new(Shape::MNIST, &weights, Backend::baseline()).expect("whole weights");
    network.outputs(&images, &mut scratch, &mut expected).expect("whole images");
    let mut group = c.benchmark_group("classification");
    for backend in Backend::available() {
        let network = Network::new(Shape::MNIST, &weights, backend).expect("whole weights");
        let mut outputs = vec![0.0; BLOCK * 10];
        network.outputs(&images, &mut scratch, &mut outputs).expect("whole images");
        assert_eq!(outputs, expected, "{backend} differs");
        for (name, count) in [("one image", 1), ("64 images", BLOCK)] {
            let mut classes = vec![0; count];
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::new(name, backend), |b| {
                b.iter(|| network.classify(black_box(&images[..count * 784]), &mut scratch, &mut classes));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, kernels, training, classification);
criterion_main!(benches);
