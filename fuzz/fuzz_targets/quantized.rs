//! Any small quantised network, of 8 and of 4 bits, and any images: the definition in plain loops, the form that reads a
//! flash and the SIMD form on every tier give the same outputs and classes.
//! Networks are small, or wide in one direction, so that a run takes less than a millisecond.

#![no_main]

#[path = "../../tests/oracle/mod.rs"]
mod oracle;

use libfuzzer_sys::fuzz_target;
use twolayer::int::{PackedNetwork, QuantizedNetwork};
use twolayer::{Answer, Backend, Bits, Shape};
use twolayer_fuzz::{Draw, payload};

/// The most weights of a layer.
const MOST: usize = 400;

fuzz_target!(|bytes: &[u8]| {
    let Some(mut draw) = Draw::new(bytes) else { return };
    // To get beyond 257 rows of one level and beyond a panel of 256 units, and to meet these too.
    let width = |draw: &mut Draw| match draw.byte() {
        few @ 0..200 => 1 + usize::from(few) % 40,
        many => 1 + 5 * usize::from(many - 190),
    };
    let inputs = width(&mut draw);
    let hidden = width(&mut draw).min(MOST / inputs);
    let (outputs, flags) = (1 + draw.below(24.min(MOST / hidden)), draw.byte());
    let (biases, halved, deslanted) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
    let shape = Shape::new(inputs, hidden, outputs).expect("a shape");
    let shape = if halved { shape.with_halved_images([2 * inputs as u16, 2]).expect("even sides") } else { shape };
    let sides = if halved { [2 * inputs as u16, 2] } else { [inputs as u16, 1] };
    // Beyond 64 columns there is no deslanting.
    let shape = if deslanted { shape.with_deslanted_images(sides).unwrap_or(shape) } else { shape };
    let shape = if biases { shape.with_biases() } else { shape };
    // Most images fill no more than a row of lanes; now and then all pixels are of one level.
    let images = match draw.byte() {
        level @ 0..64 => vec![4 * level; shape.pixels()],
        count => {
            let count = usize::from(count) % 4;
            draw.bytes(count * shape.pixels())
        }
    };
    for bits in [Bits::Eight, Bits::Four] {
        check(shape, bits, payload(&mut draw, shape, bits).payload(), &images);
    }
});

fn check(shape: Shape, bits: Bits, payload: &[u8], images: &[u8]) {
    let images = || images.chunks(shape.pixels());
    let defined: Vec<Vec<i64>> = images().map(|image| oracle::outputs(shape, bits, payload, image)).collect();

    let network = QuantizedNetwork::any(shape, bits, payload).expect("a sound payload");
    let mut scratch = vec![0xA5A5_A5A5; QuantizedNetwork::scratch_len(shape)];
    for (image, defined) in images().zip(&defined) {
        let outputs = network.outputs(image, &mut scratch).expect("outputs");
        assert_eq!(wide(outputs), *defined, "{bits:?}");
        let Answer { class, margin } = Answer::of(outputs);
        assert_eq!((class, margin), (oracle::class(defined), oracle::margin(defined)), "{bits:?}");
    }

    for backend in Backend::available() {
        let mut memory = vec![0xA5A5_A5A5; PackedNetwork::memory_len(shape)];
        let packed = PackedNetwork::new(&network, &mut memory, backend).expect("enough memory");
        let mut scratch = vec![0x5A5A_5A5A; PackedNetwork::scratch_len(shape)];
        for (image, defined) in images().zip(&defined) {
            let outputs = packed.outputs(image, &mut scratch).expect("outputs");
            assert_eq!(wide(outputs), *defined, "{bits:?} on {backend}");
        }
    }
}

fn wide(outputs: &[i32]) -> Vec<i64> {
    outputs.iter().copied().map(i64::from).collect()
}
