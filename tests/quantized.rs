//! Compares the quantised network with its definition, for random and extreme shapes, payloads and images.

mod oracle;
mod payload;

use payload::{Payload, biased, random, shape};
use proptest::prelude::*;
use twolayer::int::PayloadError;
use twolayer::{Bits, QuantizedNetwork, Shape, SizeError};

/// Compares outputs and class, with scratch that is not zeroed and pixels at any address.
fn check(shape: Shape, bits: Bits, payload: &Payload, pixels: &[u8]) {
    let expected = oracle::outputs(shape, bits, payload.bytes(), pixels);
    let network = QuantizedNetwork::any(shape, bits, payload.bytes()).expect("a valid payload");
    let mut scratch = vec![0xA5A5_A5A5; QuantizedNetwork::scratch_len(shape)];
    let mut found = vec![-1; shape.outputs()];
    for offset in 0..4 {
        let mut moved = vec![7; offset];
        moved.extend_from_slice(pixels);
        network.outputs(&moved[offset..], &mut scratch, &mut found).expect("buffers of the right length");
        assert_eq!(found.iter().map(|&output| i64::from(output)).collect::<Vec<_>>(), expected, "{shape:?} {bits:?}");
    }
    assert_eq!(network.classify(pixels, &mut scratch), Ok(oracle::class(&expected)), "{shape:?} {bits:?}");
    let answer = (oracle::class(&expected), oracle::margin(&expected));
    assert_eq!(network.classify_with_margin(pixels, &mut scratch), Ok(answer), "{shape:?} {bits:?}");

    // The outputs again, from what the second layer sees and what it is made of.
    let mut hidden = vec![7; shape.hidden()];
    scratch.fill(0x5A5A_5A5A);
    network.hidden(pixels, &mut scratch, &mut hidden).expect("buffers of the right length");
    let mut found: Vec<i64> = network.output_biases().map(i64::from).collect();
    assert_eq!(found.len(), if shape.has_biases() { shape.outputs() } else { 0 });
    found.resize(shape.outputs(), 0);
    for (&hidden, row) in hidden.iter().zip(network.second_layer().chunks_exact(shape.outputs())) {
        found.iter_mut().zip(row).for_each(|(found, &weight)| *found += i64::from(hidden) * i64::from(weight));
    }
    assert_eq!(found, expected, "{shape:?} {bits:?}");
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Random,
    Sparse,
    Flat(u8),
}

fn image(kind: Kind, len: usize, seed: u64) -> Vec<u8> {
    let mut next = random(seed);
    (0..len)
        .map(|_| match kind {
            Kind::Random => next(),
            Kind::Sparse => {
                if next() < 50 {
                    next()
                } else {
                    0
                }
            }
            Kind::Flat(value) => value,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn agrees_with_the_definition(
        inputs in 1usize..400,
        hidden in 1usize..100,
        outputs in 1usize..24,
        shift in 1u8..=24,
        four in any::<bool>(),
        biases in any::<bool>(),
        weights in prop_oneof![Just(None), any::<u8>().prop_map(Some)],
        kind in prop_oneof![Just(Kind::Random), Just(Kind::Sparse), any::<u8>().prop_map(Kind::Flat)],
        seed in any::<u64>(),
    ) {
        let bits = if four { Bits::Four } else { Bits::Eight };
        let shape = biased(shape(inputs, hidden, outputs), biases);
        let mut next = random(seed);
        let payload = Payload::new(shape, bits, shift, || weights.unwrap_or_else(&mut next));
        check(shape, bits, &payload, &image(kind, inputs, seed ^ 1));
    }
}

#[test]
fn extremes_of_every_level_and_weight() {
    for bits in [Bits::Eight, Bits::Four] {
        for (inputs, hidden, outputs) in [(784, 64, 10), (2500, 33, 256), (1093, 17, 5), (5000, 1, 1), (3, 1000, 10)] {
            let shape = shape(inputs, hidden, outputs);
            for weight in [0x00, 0xFF, 0x7F, 0x80, 0x0F, 0xF0] {
                let payload = Payload::new(shape, bits, 1, || weight);
                for pixel in [0, 31, 32, 95, 96, 159, 160, 223, 224, 255] {
                    check(shape, bits, &payload, &vec![pixel; inputs]);
                }
            }
        }
    }
}

/// 65,535 terms of the largest activation and the largest weight: the bound in the documentation.
#[test]
fn the_widest_layers_do_not_overflow() {
    let mut next = random(5);
    for bits in [Bits::Eight, Bits::Four] {
        for weight in [0x7F, 0x80, 0xFF, 0x00] {
            let wide = shape(1, 65_535, 1);
            check(wide, bits, &Payload::new(wide, bits, 1, || weight), &[255]);
            let wide = shape(65_535, 1, 2);
            check(wide, bits, &Payload::new(wide, bits, 24, || weight), &vec![255; 65_535]);
            check(wide, bits, &Payload::new(wide, bits, 20, &mut next), &image(Kind::Random, 65_535, 3));
        }
    }
}

#[test]
fn invalid_payloads_and_wrong_lengths_are_errors() {
    let small = shape(10, 3, 2);
    let bits = Bits::Eight;
    let good = Payload::new(small, bits, 5, || 1);
    let bytes = good.bytes();
    assert!(QuantizedNetwork::new(small, bits, bytes).is_ok());
    assert_eq!(
        QuantizedNetwork::new(small, bits, &bytes[..bytes.len() - 1]).err(),
        Some(PayloadError::Length { found: bytes.len() - 1, expected: bytes.len() })
    );
    for offset in 1..4 {
        let mut room = vec![0u32; good.bytes().len().div_ceil(4) + 1];
        let room: &mut [u8] = &mut bytemuck::cast_slice_mut(&mut room)[offset..][..bytes.len()];
        room.copy_from_slice(bytes);
        assert_eq!(QuantizedNetwork::new(small, bits, room).err(), Some(PayloadError::Misaligned { expected: 4 }));
    }
    for shift in [0, 25, 255] {
        let bad = Payload::new(small, bits, shift, || 1);
        assert_eq!(QuantizedNetwork::new(small, bits, bad.bytes()).err(), Some(PayloadError::Shift { found: shift }));
    }
    for at in 1..16 {
        let mut bad = Payload::new(small, bits, 5, || 1);
        bad.bytes_mut()[at] = 1;
        assert_eq!(QuantizedNetwork::new(small, bits, bad.bytes()).err(), Some(PayloadError::Prologue));
    }
    // As documented: half of a word an input, one an output, 45 more, and a quarter an input where images are halved.
    let halved = shape(11, 3, 2).with_halved_images([22, 2]).expect("even sides");
    let words = [small, shape(11, 300, 7), halved].map(QuantizedNetwork::scratch_len);
    assert_eq!(words, [5 + 2 + 45, 6 + 7 + 45, 6 + 2 + 45 + 3]);
    // And the payload: its first bytes, biases, tiles, and the second layer.
    let plain = shape(10, 40, 2);
    for (shape, bits, len) in [
        (plain, Bits::Eight, 16 + 3 * 160 + 80),
        (plain, Bits::Four, 16 + 2 * 160 + 80),
        (plain.with_biases(), Bits::Eight, 16 + 16 + 3 * 64 + 3 * 160 + 80),
        (plain.with_biases(), Bits::Four, 16 + 16 + 2 * 128 + 2 * 160 + 80),
    ] {
        assert_eq!(QuantizedNetwork::payload_len(shape, bits), Ok(len));
    }
    // Two that would cancel out.
    for (one, other) in (1..16).flat_map(|one| (one + 1..16).map(move |other| (one, other))) {
        let mut bad = Payload::new(small, bits, 5, || 1);
        (bad.bytes_mut()[one], bad.bytes_mut()[other]) = (1, 1);
        assert_eq!(
            QuantizedNetwork::new(small, bits, bad.bytes()).err(),
            Some(PayloadError::Prologue),
            "{one}, {other}"
        );
    }
    for other in [small.with_biases(), small.with_halved_images([20, 2]).expect("even sides")] {
        let payload = Payload::new(other, bits, 5, || 0);
        assert_eq!(QuantizedNetwork::new(other, bits, payload.bytes()).err(), Some(PayloadError::NotPlain));
        let network = QuantizedNetwork::any(other, bits, payload.bytes()).expect("a valid payload");
        let mut scratch = vec![0; QuantizedNetwork::scratch_len(other)];
        assert_eq!(network.classify(&vec![9; other.pixels()], &mut scratch), Ok(0));
        let found = scratch.len() - 1;
        let refused = Err(SizeError::Scratch { found, expected: found + 1 });
        assert_eq!(network.classify(&vec![9; other.pixels()], &mut scratch[..found]), refused);
    }
    for wide in [shape(65_536, 1, 1), shape(1, 65_536, 1)] {
        assert_eq!(
            QuantizedNetwork::new(wide, bits, bytes).err(),
            Some(PayloadError::Size(SizeError::Quantized { found: 65_536, most: 65_535 }))
        );
    }

    let network = QuantizedNetwork::new(small, bits, bytes).expect("a valid payload");
    let mut scratch = vec![0; QuantizedNetwork::scratch_len(small)];
    let mut outputs = [0; 2];
    assert_eq!(network.classify(&[0; 9], &mut scratch), Err(SizeError::Pixels { found: 9, expected: 10 }));
    let short = QuantizedNetwork::scratch_len(small) - 1;
    assert_eq!(
        network.outputs(&[0; 10], &mut scratch[..short], &mut outputs),
        Err(SizeError::Scratch { found: short, expected: short + 1 })
    );
    assert_eq!(network.outputs(&[0; 10], &mut scratch, &mut [0; 3]), Err(SizeError::Results { found: 3, expected: 2 }));
    assert_eq!(network.hidden(&[0; 9], &mut scratch, &mut [0; 3]), Err(SizeError::Pixels { found: 9, expected: 10 }));
    assert_eq!(
        network.hidden(&[0; 10], &mut vec![0; short], &mut [0; 3]),
        Err(SizeError::Scratch { found: short, expected: short + 1 })
    );
    assert_eq!(network.hidden(&[0; 10], &mut scratch, &mut [0; 4]), Err(SizeError::Results { found: 4, expected: 3 }));
}
