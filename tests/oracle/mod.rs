//! The definition of the quantised network, in plain loops over 64-bit integers, read from the documentation of
//! `twolayer::int` and sharing no code with it.

#![allow(dead_code, reason = "every test crate uses its own part")]

use twolayer::{Bits, Shape};

/// The outputs for an image.
pub(crate) fn outputs(shape: Shape, bits: Bits, payload: &[u8], pixels: &[u8]) -> Vec<i64> {
    let (inputs, hidden, outputs) = (shape.inputs(), shape.hidden(), shape.outputs());
    let pixels = &prepare(shape, pixels);
    let shift = u32::from(payload[0]);
    let (b2, b1, at) = biases(shape, bits, payload);
    let w1 = |i: usize, j: usize| match bits {
        Bits::Eight => i64::from(payload[at + ((j / 16) * inputs + i) * 16 + j % 16]) - 128,
        Bits::Four => {
            let byte = payload[at + ((j / 32) * inputs + i) * 16 + (j % 32) / 2];
            i64::from(if j.is_multiple_of(2) { byte & 15 } else { byte >> 4 }) - 8
        }
    };
    let w2 = &payload[payload.len() - hidden * outputs..];
    let mut y = b2;
    for j in 0..hidden {
        let mut s = b1[j];
        for (i, &pixel) in pixels.iter().enumerate() {
            s += ((i64::from(pixel) + 32) >> 6) * w1(i, j);
        }
        let h = ((s + (1i64 << (shift - 1))) >> shift).clamp(0, 255);
        for k in 0..outputs {
            let w = i64::from(w2[j * outputs + k]);
            y[k] += h * if w < 128 { w } else { w - 256 };
        }
    }
    y
}

/// The inputs for an image.
pub(crate) fn prepare(shape: Shape, image: &[u8]) -> Vec<u8> {
    let mut inputs = image.to_vec();
    if let Some([width, _]) = shape.deslanted_image() {
        inputs = deslant(&inputs, width.into());
    }
    if let Some([width, _]) = shape.halved_image() {
        inputs = halve(&inputs, width.into());
    }
    inputs
}

/// Rows moved sideways, until the line through the ink is upright.
fn deslant(image: &[u8], width: usize) -> Vec<u8> {
    let signed = |number: usize| i64::try_from(number).expect("a small number");
    let sum = |of: &dyn Fn(i64, i64) -> i64| -> i64 {
        image.iter().enumerate().map(|(at, &pixel)| i64::from(pixel) * of(signed(at % width), signed(at / width))).sum()
    };
    let ink = sum(&|_, _| 1);
    if ink == 0 {
        return vec![0; image.len()];
    }
    // In 64ths, and in whole pixels.
    let middle = [sum(&|x, _| x), sum(&|_, y| y)].map(|sum| (64 * sum + ink / 2) / ink);
    let [x0, y0] = middle.map(|place| (place + 32) / 64);
    let covariance = sum(&|x, y| (x - x0) * (y - y0));
    let variance = sum(&|_, y| (y - y0) * (y - y0));
    let slant = (covariance / (variance / 256 + 1)).clamp(-256, 256);
    let mut upright = Vec::new();
    for (y, row) in image.chunks(width).enumerate() {
        let level = |x: i64| usize::try_from(x).ok().and_then(|x| row.get(x)).map_or(0, |&pixel| i64::from(pixel));
        for x in 0..width {
            let by = (slant * (64 * signed(y) - middle[1])).div_euclid(64);
            let place = 256 * signed(x) + by + 4 * middle[0] - 256 * signed(width / 2);
            let (left, part) = (place.div_euclid(256), place.rem_euclid(256));
            let sum = level(left) * (256 - part) + level(left + 1) * part;
            upright.push(u8::try_from((sum + 128) / 256).expect("a mean of bytes"));
        }
    }
    upright
}

/// The mean of every four pixels, rounded half up.
fn halve(image: &[u8], width: usize) -> Vec<u8> {
    let mut means = Vec::new();
    for y in (0..image.len() / width).step_by(2) {
        for x in (0..width).step_by(2) {
            let at = y * width + x;
            let sum: u32 = [at, at + 1, at + width, at + width + 1].iter().map(|at| u32::from(image[*at])).sum();
            means.push(u8::try_from((2 * sum + 4) / 8).expect("a mean of bytes"));
        }
    }
    means
}

/// The biases of the outputs and of the hidden units, and where `w1` begins.
fn biases(shape: Shape, bits: Bits, payload: &[u8]) -> (Vec<i64>, Vec<i64>, usize) {
    if !shape.has_biases() {
        return (vec![0; shape.outputs()], vec![0; shape.hidden()], 16);
    }
    let units = if bits == Bits::Eight { 16 } else { 32 };
    let b1_at = 16 + (4 * shape.outputs()).next_multiple_of(16);
    let w1_at = b1_at + 4 * shape.hidden().next_multiple_of(units);
    let numbers = |at: usize, count: usize| {
        let words = payload[at..].chunks(4).take(count);
        words.map(|word| i64::from(i32::from_le_bytes(word.try_into().expect("four bytes")))).collect()
    };
    (numbers(16, shape.outputs()), numbers(b1_at, shape.hidden()), w1_at)
}

/// How far the largest output is above the next largest; `u32::MAX` where there is one only.
pub(crate) fn margin(outputs: &[i64]) -> u32 {
    let mut sorted = outputs.to_vec();
    sorted.sort_unstable();
    match sorted[..] {
        [.., next, best] => u32::try_from(best - next).expect("outputs of 32 bits"),
        _ => u32::MAX,
    }
}

/// The lowest index of the largest output.
pub(crate) fn class(outputs: &[i64]) -> u8 {
    let largest = outputs.iter().max().expect("there are outputs");
    let class = outputs.iter().position(|output| output == largest).expect("the largest is one of them");
    u8::try_from(class).expect("at most 256 outputs")
}
