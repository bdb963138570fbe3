//! Any small quantised network, of 8 and of 4 bits, and any images: the definition in plain loops, the form that reads a
//! flash and the SIMD form on every tier give the same outputs and classes.
//!
//! The bytes are the sizes (inputs, hidden, outputs, images) and the shift, with whether there are biases in its top bit and
//! whether images are halved in the next, then images, weights and biases for as long as they are wanted, over and over.

#![no_main]

#[path = "../../tests/oracle/mod.rs"]
mod oracle;

use libfuzzer_sys::fuzz_target;
use twolayer::quantized::{PackedNetwork, QuantizedNetwork};
use twolayer::{Backend, Bits, Shape};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[inputs, hidden, outputs, images, shift], rest)) = bytes.split_first_chunk() else { return };
    // In steps of three, to get beyond 257 rows of one level and beyond a panel of 256 units, and to meet these too.
    let (inputs, hidden, outputs) =
        (1 + 3 * usize::from(inputs), 1 + 3 * usize::from(hidden), 1 + usize::from(outputs) % 24);
    let (biases, halved) = (shift & 128 != 0, shift & 64 != 0);
    let (images, shift) = (usize::from(images) % 4, 1 + (shift & 63) % 24);
    let shape = Shape::new(inputs, hidden, outputs).expect("a shape");
    let shape = if halved { shape.with_halved_images([2 * inputs as u16, 2]).expect("even sides") } else { shape };
    let shape = if biases { shape.with_biases() } else { shape };
    if rest.is_empty() {
        return;
    }
    let mut rest = rest.iter().copied().cycle();
    let images: Vec<u8> = rest.by_ref().take(images * shape.pixels()).collect();
    for bits in [Bits::Eight, Bits::Four] {
        let len = QuantizedNetwork::payload_len(shape, bits).expect("a small shape");
        // In words, so that it is aligned.
        let mut words = vec![0_u32; len.div_ceil(4)];
        let payload = &mut bytemuck::cast_slice_mut(&mut words)[..len];
        payload[16..].fill_with(|| rest.next().expect("a byte"));
        payload[0] = shift;
        if shape.has_biases() {
            let units = if bits == Bits::Eight { 16 } else { 32 };
            let count = shape.outputs().next_multiple_of(4) + shape.hidden().next_multiple_of(units);
            for bias in &mut words[4..][..count] {
                *bias = (bias.cast_signed() >> 8).cast_unsigned();
            }
        }
        let payload = &bytemuck::cast_slice(&words)[..len];
        check(shape, bits, payload, &images);
    }
});

fn check(shape: Shape, bits: Bits, payload: &[u8], images: &[u8]) {
    let images = || images.chunks(shape.pixels());
    let defined: Vec<Vec<i64>> = images().map(|image| oracle::outputs(shape, bits, payload, image)).collect();

    let network = QuantizedNetwork::any(shape, bits, payload).expect("a sound payload");
    let mut scratch = vec![0xA5A5_A5A5; QuantizedNetwork::scratch_len(shape)];
    for (image, defined) in images().zip(&defined) {
        let mut outputs = vec![-1; shape.outputs()];
        network.outputs(image, &mut scratch, &mut outputs).expect("outputs");
        let class = network.classify(image, &mut scratch).expect("a class");
        assert_eq!((wide(&outputs), class), (defined.clone(), oracle::class(defined)), "{bits:?}");
    }

    for backend in Backend::available() {
        let mut memory = vec![0xA5A5_A5A5; PackedNetwork::memory_len(shape)];
        let packed = PackedNetwork::new(&network, &mut memory, backend).expect("enough memory");
        let mut scratch = vec![0x5A5A_5A5A; PackedNetwork::scratch_len(shape)];
        for (image, defined) in images().zip(&defined) {
            let mut outputs = vec![-1; shape.outputs()];
            packed.outputs(image, &mut scratch, &mut outputs).expect("outputs");
            let class = packed.classify(image, &mut scratch).expect("a class");
            assert_eq!((wide(&outputs), class), (defined.clone(), oracle::class(defined)), "{bits:?} on {backend}");
        }
    }
}

fn wide(outputs: &[i32]) -> Vec<i64> {
    outputs.iter().copied().map(i64::from).collect()
}
