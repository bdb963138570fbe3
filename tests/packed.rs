//! Compares the SIMD form of the quantised network with its definition, on every tier of this machine.

mod oracle;
mod payload;

use payload::{Payload, biased, random, shape};
use proptest::prelude::*;
use twolayer::int::{PackedNetwork, QuantizedNetwork};
use twolayer::{Backend, Bits, Shape, SizeError};

/// Compares outputs and class of every image on all tiers, with memory that is not zeroed and not vector-aligned.
fn check(shape: Shape, bits: Bits, payload: &Payload, images: &[u8]) {
    let network = QuantizedNetwork::any(shape, bits, payload.bytes()).expect("a valid payload");
    for backend in Backend::available() {
        let mut memory = vec![0xA5A5_A5A5; PackedNetwork::memory_len(shape) + 1];
        let packed = PackedNetwork::new(&network, &mut memory[1..], backend).expect("enough memory");
        let mut scratch = vec![0x5A5A_5A5A; PackedNetwork::scratch_len(shape) + 3];
        for image in images.chunks(shape.inputs()) {
            let expected = oracle::outputs(shape, bits, payload.bytes(), image);
            let mut outputs = vec![-1; shape.outputs()];
            packed.outputs(image, &mut scratch[3..], &mut outputs).expect("buffers of the right length");
            assert!(outputs.into_iter().map(i64::from).eq(expected.iter().copied()), "{shape:?} {bits:?} {backend}");
            let found = packed.classify(image, &mut scratch);
            assert_eq!(found, Ok(oracle::class(&expected)), "{shape:?} {bits:?} {backend}");
            let found = packed.classify_with_margin(image, &mut scratch);
            assert_eq!(
                found,
                Ok((oracle::class(&expected), oracle::margin(&expected))),
                "{shape:?} {bits:?} {backend}"
            );
        }
    }
}

/// Three images: random, sparse, and uniformly grey.
fn images(inputs: usize, grey: u8, seed: u64) -> Vec<u8> {
    let mut next = random(seed);
    let mut images: Vec<u8> = (0..inputs).map(|_| next()).collect();
    images.extend((0..inputs).map(|_| if next() < 50 { next() } else { 0 }));
    images.extend(core::iter::repeat_n(grey, inputs));
    images
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn agrees_with_the_definition(
        inputs in 1usize..600,
        hidden in 1usize..400,
        outputs in 1usize..24,
        shift in 1u8..=24,
        four in any::<bool>(),
        biases in any::<bool>(),
        weights in prop_oneof![3 => Just(None), 1 => any::<u8>().prop_map(Some)],
        grey in any::<u8>(),
        seed in any::<u64>(),
    ) {
        let bits = if four { Bits::Four } else { Bits::Eight };
        let shape = biased(shape(inputs, hidden, outputs), biases);
        let mut next = random(seed);
        let payload = Payload::new(shape, bits, shift, || weights.unwrap_or_else(&mut next));
        check(shape, bits, &payload, &images(inputs, grey, seed ^ 1));
    }
}

/// Widths around the sizes of words, vectors, panels, tiles and batches.
#[test]
fn odd_widths() {
    for bits in [Bits::Eight, Bits::Four] {
        for hidden in [1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 320, 513] {
            for (inputs, outputs) in [(1, 1), (7, 2), (8, 3), (9, 10), (257, 5), (258, 1), (600, 3)] {
                let shape = shape(inputs, hidden, outputs);
                let payload = Payload::new(shape, bits, 9, random(hidden as u64));
                for grey in [255, 100] {
                    check(shape, bits, &payload, &images(inputs, grey, 7));
                }
            }
        }
    }
}

#[test]
fn extremes_of_every_level_and_weight() {
    for bits in [Bits::Eight, Bits::Four] {
        for (inputs, hidden, outputs) in [(784, 64, 10), (784, 300, 10), (2000, 33, 256), (1093, 17, 5), (3, 1000, 10)]
        {
            let shape = shape(inputs, hidden, outputs);
            for weight in [0x00, 0xFF, 0x7F, 0x80, 0x0F, 0xF0] {
                let payload = Payload::new(shape, bits, 1, || weight);
                let greys = [0, 31, 32, 95, 96, 159, 160, 223, 224, 255];
                let images: Vec<u8> = greys.into_iter().flat_map(|grey| core::iter::repeat_n(grey, inputs)).collect();
                check(shape, bits, &payload, &images);
            }
        }
    }
}

/// 65,535 terms of the largest activation and the largest weight.
#[test]
fn the_widest_layers_do_not_overflow() {
    for bits in [Bits::Eight, Bits::Four] {
        for weight in [0x7F, 0x80, 0xFF, 0x00] {
            let wide = shape(1, 65_535, 1);
            check(wide, bits, &Payload::new(wide, bits, 1, || weight), &[255]);
            let wide = shape(65_535, 1, 2);
            check(wide, bits, &Payload::new(wide, bits, 24, || weight), &vec![255; 65_535]);
            check(wide, bits, &Payload::new(wide, bits, 20, random(5)), &images(65_535, 64, 3));
        }
    }
    let wide = shape(3, 2, 256);
    check(wide, Bits::Eight, &Payload::new(wide, Bits::Eight, 3, random(8)), &images(3, 255, 3));
}

#[test]
fn wrong_lengths_are_errors() {
    let small = shape(10, 3, 2);
    let payload = Payload::new(small, Bits::Four, 5, || 1);
    let network = QuantizedNetwork::new(small, Bits::Four, payload.bytes()).expect("a valid payload");
    let mut memory = vec![0; PackedNetwork::memory_len(small)];
    let short = memory.len() - 1;
    let error = PackedNetwork::new(&network, &mut memory[1..], Backend::detect()).err();
    assert_eq!(error, Some(SizeError::Memory { found: short, expected: short + 1 }));
    let packed = PackedNetwork::new(&network, &mut memory, Backend::detect()).expect("enough memory");
    let mut scratch = vec![0; PackedNetwork::scratch_len(small)];
    for found in [0, 9, 11, 20] {
        let error = Err(SizeError::Pixels { found, expected: 10 });
        assert_eq!(packed.classify(&[0; 20][..found], &mut scratch), error);
    }
    assert_eq!(packed.outputs(&[0; 10], &mut scratch, &mut [0; 3]), Err(SizeError::Results { found: 3, expected: 2 }));
    let short = scratch.len() - 1;
    assert_eq!(
        packed.classify(&[0; 10], &mut scratch[1..]),
        Err(SizeError::Scratch { found: short, expected: short + 1 })
    );
}

/// As the documentation of `memory_len` has it, and 16 words for alignment.
#[test]
fn memory_is_no_longer_than_need_be() {
    let plain = shape(100, 130, 7);
    let weights = 100 * 192 / 4 + 7 * 192 / 2;
    assert_eq!(PackedNetwork::memory_len(plain), weights + 16);
    assert_eq!(PackedNetwork::memory_len(plain.with_biases()), weights + 192 + 7 + 16);
}
