//! Quantisation of a small network: what is refused, that it is repeatable, that classes survive.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers")]

use twolayer::Shape;
use twolayer::int8::quantize::{QuantizeError, quantize};
use twolayer::int8::{Bits, QuantizedNetwork};

const INPUTS: usize = 36;
const HIDDEN: usize = 20;
const OUTPUTS: usize = 4;

fn shape() -> Shape {
    Shape::new(INPUTS, HIDDEN, OUTPUTS).expect("no width is zero")
}

/// Images with one of four quadrants inked, in many shades, and a network that tells the quadrants.
fn images() -> Vec<([u8; INPUTS], u8)> {
    (0..200u32)
        .map(|n| {
            let label = (n % 4) as u8;
            let pixel = |i: u32| {
                let quadrant = u32::from(i % 6 > 2) + 2 * u32::from(i / 6 > 2);
                let shade = (n.wrapping_mul(2_654_435_761) ^ i.wrapping_mul(40_503)).wrapping_mul(2_246_822_519) >> 24;
                if quadrant == u32::from(label) { shade | 64 } else { shade & 31 }
            };
            (core::array::from_fn(|i| pixel(i as u32) as u8), label)
        })
        .collect()
}

fn network() -> (Vec<f32>, Vec<f32>) {
    let mut first = vec![0.0; INPUTS * HIDDEN];
    let mut second = vec![0.0; HIDDEN * OUTPUTS];
    for j in 0..HIDDEN {
        for i in 0..INPUTS {
            let quadrant = usize::from(i % 6 > 2) + 2 * usize::from(i / 6 > 2);
            first[i * HIDDEN + j] = if quadrant == j % 4 { 1e-3 * (1 + j) as f32 } else { -1e-4 };
        }
        second[j * OUTPUTS + j % 4] = 0.02;
    }
    (first, second)
}

#[test]
fn classes_survive_and_the_payload_is_repeatable() {
    let (first, second) = network();
    let images = images();
    let labelled = || images.iter().map(|(pixels, label)| (&pixels[..], *label));
    for bits in [Bits::Eight, Bits::Four] {
        let payload = quantize(shape(), bits, &first, &second, labelled()).expect("a sound network");
        assert_eq!(payload, quantize(shape(), bits, &first, &second, labelled()).expect("the same"));
        let mut words = vec![0u32; payload.len().div_ceil(4)];
        let aligned = &mut bytemuck::cast_slice_mut::<u32, u8>(&mut words)[..payload.len()];
        aligned.copy_from_slice(&payload);
        let network = QuantizedNetwork::new(shape(), bits, aligned).expect("the payload fits the shape");
        let mut scratch = vec![0; network.scratch_len()];
        for (pixels, label) in labelled() {
            assert_eq!(network.classify(pixels, &mut scratch), Ok(usize::from(label)), "{bits:?}");
        }
    }
}

#[test]
fn what_is_refused() {
    let (first, second) = network();
    let pixels = [9; INPUTS];
    let one = |pixels, label| core::iter::once((pixels, label));
    let run = |first: &[f32], second: &[f32]| quantize(shape(), Bits::Four, first, second, one(&pixels[..], 1)).err();
    assert_eq!(run(&first, &second), None);
    assert_eq!(run(&first[1..], &second), Some(QuantizeError::Weights { found: 719, expected: 720 }));
    assert_eq!(run(&first, &second[1..]), Some(QuantizeError::Weights { found: 79, expected: 80 }));
    assert_eq!(run(&first, &vec![f32::NAN; 80]), Some(QuantizeError::NotFinite));
    assert_eq!(run(&vec![0.0; 720], &vec![0.0; 80]), None);
    let images = |pixels, label| quantize(shape(), Bits::Eight, &first, &second, one(pixels, label)).err();
    assert_eq!(images(&pixels[1..], 1), Some(QuantizeError::Pixels { found: 35, expected: 36 }));
    assert_eq!(images(&pixels, 4), Some(QuantizeError::Label { found: 4, outputs: 4 }));
    let wide = Shape::new(8193, 1, 2).expect("no width is zero");
    let error = quantize(wide, Bits::Eight, &vec![0.0; 8193], &[0.0; 2], one(&pixels[..], 1)).err();
    assert_eq!(error, Some(QuantizeError::TooManyInputs { found: 8193 }));
    let none = quantize(shape(), Bits::Eight, &first, &second, core::iter::empty()).err();
    assert_eq!(none, Some(QuantizeError::NoImages));
}
