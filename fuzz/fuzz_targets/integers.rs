//! Any small network in integers, of 8 and of 4 bits, and any images: the definition in plain loops, the form that reads a
//! flash and the SIMD form on every tier give the same outputs and classes.
//!
//! The bytes are the sizes (inputs, hidden, outputs, images) and the shift, then images and weights for as long as they are
//! wanted, over and over.

#![no_main]

#[path = "../../tests/oracle/mod.rs"]
mod oracle;

use libfuzzer_sys::fuzz_target;
use twolayer::int8::{Bits, PackedNetwork, QuantizedNetwork};
use twolayer::{Backend, Shape};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[inputs, hidden, outputs, images, shift], rest)) = bytes.split_first_chunk() else { return };
    // In steps of three, to get beyond 257 rows of one level and beyond a panel of 256 units, and to meet these too.
    let (inputs, hidden, outputs) =
        (1 + 3 * usize::from(inputs), 1 + 3 * usize::from(hidden), 1 + usize::from(outputs) % 24);
    let (images, shift) = (usize::from(images) % 4, 1 + shift % 24);
    let shape = Shape::new(inputs, hidden, outputs).expect("a shape");
    if rest.is_empty() {
        return;
    }
    let mut rest = rest.iter().copied().cycle();
    let images: Vec<u8> = rest.by_ref().take(images * inputs).collect();
    for bits in [Bits::Eight, Bits::Four] {
        let len = bits.payload_len(shape).expect("a small shape");
        // In words, so that it is aligned.
        let mut words = vec![0_u32; len.div_ceil(4)];
        let payload = &mut bytemuck::cast_slice_mut(&mut words)[..len];
        payload[16..].fill_with(|| rest.next().expect("a byte"));
        payload[0] = shift;
        check(shape, bits, payload, &images);
    }
});

fn check(shape: Shape, bits: Bits, payload: &[u8], images: &[u8]) {
    let defined: Vec<Vec<i64>> =
        images.chunks(shape.inputs()).map(|image| oracle::outputs(shape, bits, payload, image)).collect();
    let classes: Vec<usize> = defined.iter().map(|outputs| oracle::class(outputs)).collect();
    let defined = defined.concat();

    let network = QuantizedNetwork::new(shape, bits, payload).expect("a sound payload");
    let mut scratch = vec![0xA5A5_A5A5; network.scratch_len()];
    let mut found = vec![-1; defined.len()];
    for (image, found) in images.chunks(shape.inputs()).zip(found.chunks_mut(shape.outputs())) {
        network.outputs(image, &mut scratch, found).expect("outputs");
    }
    assert_eq!(wide(&found), defined, "{bits:?}");
    let found: Vec<usize> =
        images.chunks(shape.inputs()).map(|image| network.classify(image, &mut scratch).expect("a class")).collect();
    assert_eq!(found, classes, "{bits:?}");

    for backend in Backend::available() {
        let mut memory = vec![0xA5A5_A5A5; PackedNetwork::memory_len(shape)];
        let packed = PackedNetwork::new(&network, &mut memory, backend).expect("enough memory");
        let mut scratch = vec![0x5A5A_5A5A; PackedNetwork::scratch_len(shape)];
        let mut found = vec![-1; defined.len()];
        packed.outputs(images, &mut scratch, &mut found).expect("outputs");
        assert_eq!(wide(&found), defined, "{bits:?} on {backend}");
        let mut found = vec![77; classes.len()];
        packed.classify(images, &mut scratch, &mut found).expect("classes");
        assert!(found.iter().map(|&class| usize::from(class)).eq(classes.iter().copied()), "{bits:?} on {backend}");
    }
}

fn wide(outputs: &[i32]) -> Vec<i64> {
    outputs.iter().copied().map(i64::from).collect()
}
