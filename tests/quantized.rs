//! Compares both forms of the quantised network, that which reads its payload in place and the SIMD form on every tier of this
//! machine, with their definition, for random and extreme shapes, payloads and images.

mod oracle;
mod payload;

use payload::{Payload, biased, random, shape};
use proptest::prelude::*;
use twolayer::int::{PackedNetwork, PayloadError};
use twolayer::{Answer, Backend, Bits, QuantizedNetwork, Shape, SizeError};

/// Compares outputs and answers for plain images, with scratch that is not zeroed, pixels at any address and memory that is not
/// vector-aligned.
fn check(shape: Shape, bits: Bits, payload: &Payload, images: &[u8]) {
    let images = || images.chunks(shape.inputs());
    let expected: Vec<_> = images().map(|pixels| oracle::outputs(shape, bits, payload.bytes(), pixels)).collect();
    let network = QuantizedNetwork::any(shape, bits, payload.bytes()).expect("a valid payload");
    let mut scratch = vec![0xA5A5_A5A5; QuantizedNetwork::scratch_len(shape)];
    for (pixels, expected) in images().zip(&expected) {
        for offset in 0..4 {
            let moved = [&vec![7; offset], pixels].concat();
            let found = network.outputs(&moved[offset..], &mut scratch).expect("buffers of the right length");
            assert_eq!(wide(found), *expected, "{shape:?} {bits:?}");
            let answer = Answer { class: oracle::class(expected), margin: oracle::margin(expected) };
            assert_eq!(Answer::of(found), answer, "{shape:?} {bits:?}");
        }

        // The outputs again, from what the second layer sees and what it is made of.
        let mut hidden = vec![7; shape.hidden()];
        scratch.fill(0x5A5A_5A5A);
        network.hidden(pixels, &mut scratch, &mut hidden).expect("buffers of the right length");
        let first = shape.halved_image().is_none().then(|| first_layer(&network, pixels));
        assert!(first.is_none_or(|first| first == hidden), "{shape:?} {bits:?}");
        let mut found: Vec<i64> = network.output_biases().map(i64::from).collect();
        assert_eq!(found.len(), if shape.has_biases() { shape.outputs() } else { 0 });
        found.resize(shape.outputs(), 0);
        for (&hidden, row) in hidden.iter().zip(network.second_layer().chunks_exact(shape.outputs())) {
            found.iter_mut().zip(row).for_each(|(found, &weight)| *found += i64::from(hidden) * i64::from(weight));
        }
        assert_eq!(found, *expected, "{shape:?} {bits:?}");
    }

    for backend in Backend::available() {
        let mut memory = vec![0xA5A5_A5A5; PackedNetwork::memory_len(shape) + 1];
        let packed = PackedNetwork::new(&network, &mut memory[1..], backend).expect("enough memory");
        let mut scratch = vec![0x5A5A_5A5A; PackedNetwork::scratch_len(shape) + 3];
        for (pixels, expected) in images().zip(&expected) {
            let found = packed.outputs(pixels, &mut scratch[3..]).expect("buffers of the right length");
            assert_eq!(wide(found), *expected, "{shape:?} {bits:?} {backend}");
        }
    }
}

/// The hidden units of an image, by the formulas in `twolayer::int`.
fn first_layer(network: &QuantizedNetwork<'_, true>, pixels: &[u8]) -> Vec<u8> {
    let (shape, shift) = (network.shape(), network.shift());
    assert_eq!((network.w1(shape.inputs(), 0), network.w1(0, shape.hidden())), (None, None));
    assert_eq!(network.hidden_biases().count(), if shape.has_biases() { shape.hidden() } else { 0 });
    let biases = network.hidden_biases().chain(core::iter::repeat(0));
    let unit = |(hidden, bias): (usize, i32)| {
        let inputs = pixels.iter().enumerate().map(|(input, &pixel)| {
            let level = (i32::from(pixel) + 32) >> 6;
            level * i32::from(network.w1(input, hidden).expect("a weight"))
        });
        let sum = bias + inputs.sum::<i32>();
        u8::try_from(((sum + (1 << (shift - 1))) >> shift).clamp(0, 255)).expect("a byte")
    };
    (0..shape.hidden()).zip(biases).map(unit).collect()
}

fn wide(outputs: &[i32]) -> Vec<i64> {
    outputs.iter().map(|&output| output.into()).collect()
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
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn agrees_with_the_definition(
        inputs in 1usize..600,
        hidden in 1usize..400,
        outputs in 1usize..24,
        shift in 1u8..=24,
        four in any::<bool>(),
        biases in any::<bool>(),
        weights in prop_oneof![2 => Just(None), 1 => any::<u8>().prop_map(Some)],
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
    let greys = [0, 31, 32, 95, 96, 159, 160, 223, 224, 255];
    for bits in [Bits::Eight, Bits::Four] {
        for (inputs, hidden, outputs) in
            [(784, 64, 10), (784, 300, 10), (2500, 33, 256), (1093, 17, 5), (5000, 1, 1), (3, 1000, 10)]
        {
            let shape = shape(inputs, hidden, outputs);
            let images: Vec<u8> = greys.into_iter().flat_map(|grey| core::iter::repeat_n(grey, inputs)).collect();
            for weight in [0x00, 0xFF, 0x7F, 0x80, 0x0F, 0xF0] {
                check(shape, bits, &Payload::new(shape, bits, 1, || weight), &images);
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
            check(wide, bits, &Payload::new(wide, bits, 20, &mut next), &images(65_535, 64, 3));
        }
    }
    let wide = shape(3, 2, 256);
    check(wide, Bits::Eight, &Payload::new(wide, Bits::Eight, 3, random(8)), &images(3, 255, 3));
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
        let outputs = network.outputs(&vec![9; other.pixels()], &mut scratch).expect("outputs");
        assert_eq!(Answer::of(outputs).class, 0);
        let found = scratch.len() - 1;
        let refused = Err(SizeError::Scratch { found, expected: found + 1 });
        assert_eq!(network.outputs(&vec![9; other.pixels()], &mut scratch[..found]), refused);
    }
    for wide in [shape(65_536, 1, 1), shape(1, 65_536, 1)] {
        assert_eq!(
            QuantizedNetwork::new(wide, bits, bytes).err(),
            Some(PayloadError::Size(SizeError::Quantized { found: 65_536, most: 65_535 }))
        );
    }

    let network = QuantizedNetwork::new(small, bits, bytes).expect("a valid payload");
    let mut scratch = vec![0; QuantizedNetwork::scratch_len(small)];
    assert_eq!(network.outputs(&[0; 9], &mut scratch), Err(SizeError::Pixels { found: 9, expected: 10 }));
    let short = QuantizedNetwork::scratch_len(small) - 1;
    assert_eq!(
        network.outputs(&[0; 10], &mut scratch[..short]),
        Err(SizeError::Scratch { found: short, expected: short + 1 })
    );
    assert_eq!(network.hidden(&[0; 9], &mut scratch, &mut [0; 3]), Err(SizeError::Pixels { found: 9, expected: 10 }));
    assert_eq!(
        network.hidden(&[0; 10], &mut vec![0; short], &mut [0; 3]),
        Err(SizeError::Scratch { found: short, expected: short + 1 })
    );
    assert_eq!(network.hidden(&[0; 10], &mut scratch, &mut [0; 4]), Err(SizeError::Results { found: 4, expected: 3 }));
}

#[test]
fn wrong_lengths_of_packed_networks_are_errors() {
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
        assert_eq!(packed.outputs(&[0; 20][..found], &mut scratch), error);
    }
    let short = scratch.len() - 1;
    assert_eq!(
        packed.outputs(&[0; 10], &mut scratch[1..]),
        Err(SizeError::Scratch { found: short, expected: short + 1 })
    );
}

/// As the documentation of `memory_len` has it, and 16 words for alignment.
#[test]
fn packed_memory_is_no_longer_than_need_be() {
    let plain = shape(100, 130, 7);
    let weights = 100 * 192 / 4 + 7 * 192 / 2;
    assert_eq!(PackedNetwork::memory_len(plain), weights + 16);
    assert_eq!(PackedNetwork::memory_len(plain.with_biases()), weights + 192 + 7 + 16);
}
