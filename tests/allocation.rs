//! Training, inference and parsing do not allocate: a counting allocator checks it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unsafe_code, reason = "an allocator is unsafe to implement")]

mod support;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::hint::black_box;
use std::alloc::System;
use support::Samples;
use twolayer::int::{PackedNetwork, QuantizedNetwork};
use twolayer::model::{Details, HEADER_LEN, header};
use twolayer::{
    Answer, Backend, Bits, INIT_SCALE, Idx, Kind, Model, Network, Shape, TrainOptions, Trainer, WeightsMut,
    fill_initial,
};

/// The system's allocator with a count of requests per thread.
struct Counting;

thread_local! {
    static REQUESTS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    REQUESTS.set(REQUESTS.get() + 1);
}

// SAFETY: every request is passed unchanged to the system's allocator, which fulfils the contract. Counting neither
// allocates (the counter is initialised at compile time and has no destructor) nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller fulfils the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller fulfils the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        count();
        // SAFETY: the caller fulfils the contract of `realloc`, and `block` came from the system's allocator.
        unsafe { System.realloc(block, layout, len) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller fulfils the contract of `dealloc`, and `block` came from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `work` and asserts that it does not allocate.
fn without_allocating<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let before = REQUESTS.get();
    let result = work();
    let requests = REQUESTS.get() - before;
    assert_eq!(requests, 0, "{what} allocates");
    result
}

#[test]
fn the_counter_counts() {
    let before = REQUESTS.get();
    let mut numbers = black_box(Vec::<u8>::with_capacity(1));
    assert_eq!(REQUESTS.get() - before, 1);
    numbers.resize(1000, 0);
    assert_eq!(REQUESTS.get() - before, 2);
    drop(black_box(vec![0_u64; 1000]));
    assert_eq!(REQUESTS.get() - before, 3);
}

#[test]
fn the_core_does_not_allocate() {
    let shape = Shape::new(113, 129, 10).unwrap();
    let samples = Samples::new(113, 10, 20, 1);
    let mut numbers = vec![0.0; shape.weights_len()];
    let mut weights = WeightsMut::new(shape, &mut numbers).unwrap();
    let mut training = vec![0.0; Trainer::scratch_len(shape, 8)];
    let mut inference = vec![0.0; Network::batch_scratch_len(shape, 20)];
    let mut images_file = [&[0, 0, 8, 2, 0, 0, 0, 20, 0, 0, 0, 113], &samples.images[..]].concat();
    for backend in Backend::available() {
        without_allocating("fill_initial", || fill_initial(&mut weights, 1, INIT_SCALE));
        without_allocating("training", || {
            let options = TrainOptions { block: 8, backend, ..TrainOptions::default() };
            let mut trainer = Trainer::new(weights.reborrow(), &mut training, options).unwrap();
            trainer.train(&samples.images, &samples.labels).unwrap();
            trainer.train(&samples.images, &[10; 20]).unwrap_err();
            trainer.train(&samples.images, &samples.labels[..7]).unwrap_err();
        });
        let payload: Vec<u8> = weights.view().numbers().iter().flat_map(|w| w.to_le_bytes()).collect();
        let header =
            without_allocating("writing a header", || header(Kind::F32, shape, Details::default(), &payload).unwrap());
        // In a vector of f32, so that the bytes are aligned.
        let words = [&header[..], &payload].concat();
        let words: Vec<f32> = words.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let file: &[u8] = bytemuck::cast_slice(&words);
        without_allocating("opening a model and classifying", || {
            let network = Model::from_bytes(file).unwrap().network(backend).unwrap();
            network.outputs_batch(&samples.images, &mut inference).unwrap();
            black_box(Answer::of(network.outputs(&samples.images[..113], &mut inference).unwrap()));
            network.outputs(&samples.images[1..], &mut inference).unwrap_err();
            Model::from_bytes(&file[..HEADER_LEN + 4]).unwrap_err();
            Model::from_bytes(&file[1..]).unwrap_err();
        });
    }
    for bits in [Bits::Eight, Bits::Four] {
        let len = QuantizedNetwork::payload_len(shape, bits).unwrap();
        let mut words = vec![0_u32; len.div_ceil(4)];
        words[0] = 1; // the shift
        let payload: &[u8] = &bytemuck::cast_slice(&words)[..len];
        let mut packed = vec![0; PackedNetwork::memory_len(shape)];
        let mut scratch = vec![0; PackedNetwork::scratch_len(shape).max(shape.inputs() + 100)];
        let image = &samples.images[..113];
        without_allocating("classifying in integers", || {
            let network = QuantizedNetwork::new(shape, bits, payload).unwrap();
            black_box(Answer::of(network.outputs(image, &mut scratch).unwrap()));
            network.outputs(&image[1..], &mut scratch).unwrap_err();
            let network = PackedNetwork::new(&network, &mut packed, Backend::detect()).unwrap();
            black_box(Answer::of(network.outputs(image, &mut scratch).unwrap()));
        });
    }
    without_allocating("reading IDX", || {
        let images = Idx::parse(&images_file).unwrap().images().unwrap();
        assert!(images.flatten().eq(&samples.images));
        Idx::parse(&images_file[1..]).unwrap_err();
    });
    images_file[2] = 9;
    without_allocating("refusing IDX", || Idx::parse(&images_file).unwrap().images().unwrap_err());
}
