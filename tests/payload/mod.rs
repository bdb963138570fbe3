//! Payloads of quantised networks for the tests of both of their forms.

#![allow(dead_code, reason = "every test crate uses its own part")]

use twolayer::{Bits, QuantizedNetwork, Shape};

/// A payload in words, so that it is aligned, and its length in bytes.
pub(crate) struct Payload {
    words: Vec<u32>,
    len: usize,
}

impl Payload {
    pub(crate) fn new(shape: Shape, bits: Bits, shift: u8, mut weight: impl FnMut() -> u8) -> Self {
        let len = QuantizedNetwork::payload_len(shape, bits).expect("a small shape");
        let mut payload = Self { words: vec![0; len.div_ceil(4)], len };
        let bytes = payload.bytes_mut();
        bytes[16..].fill_with(&mut weight);
        bytes[0] = shift;
        if shape.has_biases() {
            // Small ones and the largest.
            let units = if bits == Bits::Eight { 16 } else { 32 };
            let count = shape.outputs().next_multiple_of(4) + shape.hidden().next_multiple_of(units);
            for bias in &mut payload.words[4..][..count] {
                let [a, b, c, _] = bias.to_le_bytes();
                let small = i32::from(i16::from_le_bytes([a, b]));
                *bias = [small, small, small * 64, 1 << 23, -1 << 23][usize::from(c % 5)].cast_unsigned().to_le();
            }
        }
        payload
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }
}

/// Numbers that look random, the same in every run.
pub(crate) fn random(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    }
}

/// Twelve images with all numbers of pixels of each level up to more than a batch of rows takes.
pub(crate) fn odd_images(inputs: usize, mut next: impl FnMut() -> u8) -> Vec<u8> {
    let mut pixels = vec![0; 12 * inputs];
    for (number, image) in pixels.chunks_exact_mut(inputs).enumerate() {
        match number {
            0 => image.fill(255),
            1 => image.fill(224),
            2 => image.fill(40),
            3 => image.fill(0),
            4..7 => image.fill_with(&mut next),
            7 => image.iter_mut().zip(greys_in_turn()).for_each(|(pixel, grey)| *pixel = grey),
            _ => image.fill_with(|| if next() < 60 { next() } else { 0 }),
        }
    }
    pixels
}

/// 600 pixels of alternating levels 1 to 4. The numbers of pixels per level are one more than a multiple of the batch
/// size 128 (twice), a multiple of it, and one more than a multiple of 17.
fn greys_in_turn() -> Vec<u8> {
    let mut left = [(64, 129), (128, 257), (192, 128), (255, 86)];
    let mut greys = Vec::new();
    while greys.len() < 600 {
        for (grey, left) in left.iter_mut().filter(|(_, left)| *left > 0) {
            greys.push(*grey);
            *left -= 1;
        }
    }
    greys
}

/// The same shape, with biases where asked for.
pub(crate) fn biased(shape: Shape, biases: bool) -> Shape {
    if biases { shape.with_biases() } else { shape }
}

pub(crate) fn shape(inputs: usize, hidden: usize, outputs: usize) -> Shape {
    Shape::new(inputs, hidden, outputs).expect("no width is zero")
}
