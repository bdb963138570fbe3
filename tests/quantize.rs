//! Quantisation of a small network: classes are kept, the result is the same everywhere, invalid input is an error.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers")]

use twolayer::host::{QuantizeError, quantize_samples};
use twolayer::int::QuantizedNetwork;
use twolayer::{Answer, Backend, Bits, Network, Shape, SizeError, TrainError, Weights, WeightsMut, crc32, fill_scaled};

const INPUTS: usize = 36;
const HIDDEN: usize = 20;
const OUTPUTS: usize = 4;

fn shape() -> Shape {
    Shape::new(INPUTS, HIDDEN, OUTPUTS).expect("no width is zero")
}

/// Pixels and labels of images with one of four quadrants bright, in random shades.
fn images() -> (Vec<u8>, Vec<u8>) {
    let labels = (0..200u32).map(|n| (n % 4) as u8).collect();
    let pixel = |n: u32, i: u32| {
        let quadrant = u32::from(i % 6 > 2) + 2 * u32::from(i / 6 > 2);
        let shade = (n.wrapping_mul(2_654_435_761) ^ i.wrapping_mul(40_503)).wrapping_mul(2_246_822_519) >> 24;
        (if quadrant == n % 4 { shade | 64 } else { shade & 31 }) as u8
    };
    ((0..200).flat_map(|n| (0..INPUTS as u32).map(move |i| pixel(n, i))).collect(), labels)
}

/// A network that classifies the bright quadrant.
fn network() -> Vec<f32> {
    let mut numbers = vec![0.0; shape().weights_len()];
    let mut weights = WeightsMut::new(shape(), &mut numbers).expect("as many as the shape has");
    for j in 0..HIDDEN {
        for i in 0..INPUTS {
            let quadrant = usize::from(i % 6 > 2) + 2 * usize::from(i / 6 > 2);
            *weights.w1_mut(i, j).expect("a weight") = if quadrant == j % 4 { 1e-3 * (1 + j) as f32 } else { -1e-4 };
        }
        *weights.w2_mut(j, j % 4).expect("a weight") = 0.02;
    }
    numbers
}

/// The same network as it would be for pixels from which their mean is taken off, with all outputs on another scale: biases
/// make up for the mean, and the loss against one-hot targets is large.
fn network_from_elsewhere() -> (Shape, Vec<f32>) {
    let (numbers, shape) = (network(), shape().with_biases());
    let plain = weights(&numbers);
    let mut biased = vec![0.0; shape.weights_len()];
    let mut weights = WeightsMut::new(shape, &mut biased).expect("as many as the shape has");
    for j in 0..HIDDEN {
        let mean = 40.0 * (0..INPUTS).filter_map(|i| plain.w1(i, j)).sum::<f32>();
        for i in 0..INPUTS {
            *weights.w1_mut(i, j).expect("a weight") = plain.w1(i, j).expect("a weight");
        }
        *weights.b1_mut(j).expect("a bias") = -mean;
        for o in 0..OUTPUTS {
            *weights.w2_mut(j, o).expect("a weight") = 50.0 * plain.w2(j, o).expect("a weight");
        }
    }
    for o in 0..OUTPUTS {
        *weights.b2_mut(o).expect("a bias") = 30.0 - 5.0 * o as f32;
    }
    (shape, biased)
}

/// The outputs are those of the f32 network, but for a factor that all images share and a small error: at 8 bits, that of
/// the pixels' five levels.
#[test]
fn biases_and_other_scales_of_outputs_are_kept() {
    let (shape, numbers) = network_from_elsewhere();
    let network = Network::new(Weights::new(shape, &numbers).expect("as many as the shape has"), Backend::detect());
    let (images, labels) = images();
    for (bits, most) in [(Bits::Eight, 0.04), (Bits::Four, 0.1)] {
        let quantized = quantize_samples(Weights::new(shape, &numbers).expect("weights"), bits, &images, &labels)
            .expect("a sound network");
        let integers = QuantizedNetwork::any(shape, bits, quantized.payload()).expect("the payload fits the shape");
        let (mut pairs, mut same) = (Vec::new(), 0);
        for image in images.chunks(INPUTS) {
            let (mut scratch, mut words) =
                (vec![0.0; Network::scratch_len(shape)], vec![0; QuantizedNetwork::scratch_len(shape)]);
            let real = network.outputs(image, &mut scratch).expect("outputs");
            let whole = integers.outputs(image, &mut words).expect("outputs");
            pairs.extend(real.iter().zip(whole).map(|(&real, &whole)| (f64::from(real), f64::from(whole))));
            same += usize::from(Answer::of(real).class == Answer::of(whole).class);
        }
        assert_eq!(same, labels.len(), "{bits:?}");
        let sum = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>();
        let scale = sum(&|(real, whole)| real * whole) / sum(&|(_, whole)| whole * whole);
        let off = (sum(&|(real, whole)| (real - scale * whole).powi(2)) / sum(&|(real, _)| real * real)).sqrt();
        assert!(off < most, "{bits:?}: {off}");
    }
}

fn weights(numbers: &[f32]) -> Weights<'_> {
    Weights::new(shape(), numbers).expect("as many as the shape has")
}

#[test]
fn classes_are_kept() {
    let numbers = network();
    let (images, labels) = images();
    for bits in [Bits::Eight, Bits::Four] {
        let quantized = quantize_samples(weights(&numbers), bits, &images, &labels).expect("a sound network");
        let network = QuantizedNetwork::new(shape(), bits, quantized.payload()).expect("the payload fits the shape");
        let mut scratch = vec![0; QuantizedNetwork::scratch_len(shape())];
        for (image, &label) in images.chunks(INPUTS).zip(&labels) {
            for outputs in [
                network.outputs(image, &mut scratch).map(Answer::of),
                quantized.network().outputs(image, &mut scratch).map(Answer::of),
            ] {
                assert_eq!(outputs.expect("outputs").class, label, "{bits:?}");
            }
        }
    }
}

/// Every machine must give these payloads.
#[test]
fn payloads_are_the_same_everywhere() {
    let (images, labels) = images();
    let many = (images.repeat(20), labels.repeat(20));
    let few = (images, labels);
    let numbers = network();
    // Rounding the other units takes this one's largest weight out of its range, into which it must return.
    let mut strong = numbers.clone();
    let mut weights = WeightsMut::new(shape(), &mut strong).expect("as many as the shape has");
    *weights.w2_mut(0, 0).expect("a weight") = -0.6;
    let (biased, elsewhere) = network_from_elsewhere();
    let zeros = vec![0.0; biased.weights_len()];
    // No unit is ever active: one has no weights, the other a negative one.
    let mut inactive = vec![0.0; biased.weights_len()];
    let mut weights = WeightsMut::new(biased, &mut inactive).expect("as many as the shape has");
    *weights.w1_mut(20, 2).expect("a weight") = -1.0;
    for j in 1..3 {
        *weights.w2_mut(j, 0).expect("a weight") = 0.02;
    }
    let halved = shape().with_halved_images([12, 12]).expect("even sides");
    // Too wide for its second layer to be fitted.
    let wide = Shape::new(INPUTS, 4097, OUTPUTS).expect("no width is zero").with_biases();
    let mut of_wide = vec![0.0; wide.weights_len()];
    let mut weights = WeightsMut::new(wide, &mut of_wide).expect("as many as the shape has");
    fill_scaled(&mut weights, 1);
    for j in 0..wide.hidden() {
        *weights.b1_mut(j).expect("a bias") = 10.0 - j as f32 / 100.0;
    }
    for o in 0..OUTPUTS {
        *weights.b2_mut(o).expect("a bias") = 10.0 - 5.0 * o as f32;
    }
    *weights.w2_mut(0, 0).expect("a weight") = 0.5;

    let hashes = |(shape, numbers, (images, labels)): (Shape, &[f32], &(Vec<u8>, Vec<u8>))| {
        let images = &images[..images.len() / shape.pixels() * shape.pixels()];
        let labels = &labels[..images.len() / shape.pixels()];
        [Bits::Eight, Bits::Four].map(|bits| {
            let weights = Weights::new(shape, numbers).expect("as many as the shape has");
            let quantized = quantize_samples(weights, bits, images, labels).expect("a sound network");
            assert_eq!((quantized.shape(), quantized.bits()), (shape, bits));
            crc32(quantized.payload())
        })
    };
    let found = [
        (shape(), &*numbers, &few),
        (shape(), &*strong, &many),
        (biased, &*elsewhere, &few),
        (biased, &*zeros, &few),
        (biased, &*inactive, &few),
        (halved, &*numbers, &few),
        (wide, &*of_wide, &few),
    ]
    .map(hashes);
    let golden = [
        [0xf5da_7e0e, 0x9c43_10b5],
        [0xe2ba_3340, 0x5795_bbf3],
        [0x4bc2_3e26, 0xbf09_53bf],
        [0xb05c_0d15, 0x0d8d_57af],
        [0xea30_3dad, 0x8d37_c0f6],
        [0xc667_bac3, 0x6d55_b1e3],
        [0x53de_c3b3, 0x6c5e_42be],
    ];
    assert_eq!(found, golden, "found {found:#010x?}");
}

/// An error in full: it holds errors of the system, which cannot be compared.
#[expect(clippy::needless_pass_by_value, reason = "for `map`")]
fn text(error: QuantizeError) -> String {
    format!("{error:?}")
}

#[test]
fn invalid_input_is_an_error() {
    let numbers = network();
    let pixels = [96; 2 * INPUTS];
    let run = |numbers: &[f32], pixels: &[u8], labels: &[u8]| {
        quantize_samples(weights(numbers), Bits::Four, pixels, labels).err().map(text)
    };
    assert_eq!(run(&numbers, &pixels, &[1, 3]), None);
    assert_eq!(run(&vec![0.0; numbers.len()], &pixels, &[1, 3]), None);
    for number in [f32::NAN, f32::INFINITY] {
        let mut bad = numbers.clone();
        bad[7] = number;
        assert_eq!(run(&bad, &pixels, &[1, 3]), Some(text(QuantizeError::NotFinite { index: 7 })));
    }
    let expected = text(TrainError::Images { found: 2 * INPUTS - 1, labels: 2, inputs: INPUTS }.into());
    assert_eq!(run(&numbers, &pixels[1..], &[1, 3]), Some(expected));
    let expected = text(TrainError::Label { sample: 1, found: 4, outputs: 4 }.into());
    assert_eq!(run(&numbers, &pixels, &[1, 4]), Some(expected));
    assert_eq!(run(&numbers, &[], &[]), Some(text(QuantizeError::NoImages)));

    // Of images that are to be halved, all pixels count, not those of whole ones only.
    let halved = shape().with_halved_images([12, 12]).expect("even sides");
    let run = |pixels: &[u8]| {
        quantize_samples(Weights::new(halved, &numbers).expect("weights"), Bits::Four, pixels, &[1]).err().map(text)
    };
    assert_eq!(run(&[96; 4 * INPUTS]), None);
    for found in [4 * INPUTS - 1, 4 * INPUTS + 1, 8 * INPUTS] {
        let expected = text(TrainError::Images { found, labels: 1, inputs: 4 * INPUTS }.into());
        assert_eq!(run(&vec![96; found]), Some(expected));
    }

    let refused = |inputs, hidden| {
        let shape = Shape::new(inputs, hidden, 2).expect("a shape");
        let numbers = vec![0.0; shape.weights_len()];
        let weights = Weights::new(shape, &numbers).expect("as many as the shape has");
        quantize_samples(weights, Bits::Eight, &vec![0; inputs], &[0]).err().map(text)
    };
    assert_eq!(refused(8193, 1), Some(text(QuantizeError::TooManyInputs { found: 8193, most: 8192 })));
    assert_eq!(refused(8192, 1), Some(text(QuantizeError::Faint { found: 0 })));
    let size = SizeError::Quantized { found: 65_536, most: 65_535 };
    assert_eq!(refused(65_536, 1), Some(text(size.into())));
    assert_eq!(refused(1, 65_536), Some(text(size.into())));
}

/// Digits of 0 to 16, as some data sets have them, are black or nearly so for a quantised network.
#[test]
fn faint_images_are_refused() {
    let numbers = network();
    let (mut images, labels) = images();
    for pixel in &mut images {
        *pixel /= 16;
    }
    let faintest = images.iter().copied().max().expect("pixels");
    let refused = quantize_samples(weights(&numbers), Bits::Eight, &images, &labels).unwrap_err();
    assert!(matches!(refused, QuantizeError::Faint { found } if found == faintest), "{refused}");
    assert!(refused.to_string().contains("scale the images to 0 to 255"), "{refused}");
    images[7] = 95;
    assert!(quantize_samples(weights(&numbers), Bits::Eight, &images, &labels).is_err());
    images[7] = 96;
    assert!(quantize_samples(weights(&numbers), Bits::Eight, &images, &labels).is_ok());
}
