//! Any small network with any weights, finite or not, and any images and labels: the quantiser gives a sound payload, the same
//! one each time, or an error where there is a reason for one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::host::{QuantizeError, quantize_samples};
use twolayer::model::{Details, header};
use twolayer::{Bits, Kind, Model, QuantizedNetwork, Weights, WeightsMut, deslant, halve};
use twolayer_fuzz::{Draw, shape};

fuzz_target!(|bytes: &[u8]| {
    let Some(mut draw) = Draw::new(bytes) else { return };
    let hidden = 1 + draw.below(24);
    let (shape, _) = shape(&mut draw, hidden);
    let count = draw.below(6);
    let labels: Vec<u8> = (0..count).map(|_| if draw.one_in(40) { 255 } else { draw.byte() % 13 }).collect();
    let surplus = if draw.one_in(30) { draw.below(shape.pixels()) } else { 0 };
    let images = draw.bytes(count * shape.pixels() + surplus);
    let mut numbers = vec![0.0; shape.weights_len()];
    let (any, scale) = (draw.one_in(4), f32::powi(10.0, i32::from(draw.byte().cast_signed()) / 3));
    WeightsMut::new(shape, &mut numbers).expect("whole weights").fill_with(|| match draw.weight() * scale {
        weight if any || weight.is_finite() => weight,
        _ => 1e-3,
    });
    let weights = Weights::new(shape, &numbers).expect("whole weights");

    let mut inputs = images[..count * shape.pixels()].to_vec();
    if let Some([width, _]) = shape.deslanted_image() {
        for (upright, image) in inputs.chunks_exact_mut(shape.pixels()).zip(images.chunks_exact(shape.pixels())) {
            deslant(image, width, upright).expect("short sides");
        }
    }
    if let Some([width, _]) = shape.halved_image() {
        let mut halved = vec![0; inputs.len() / 4];
        halve(&inputs, width, &mut halved).expect("even sides");
        inputs = halved;
    }
    let brightest = inputs.into_iter().max();
    let labels_fit = labels.iter().all(|label| usize::from(*label) < shape.outputs());
    let sound = surplus == 0 && labels_fit && brightest > Some(95) && numbers.iter().all(|weight| weight.is_finite());
    for bits in [Bits::Eight, Bits::Four] {
        let quantized = match quantize_samples(weights, bits, &images, &labels) {
            Ok(quantized) => quantized,
            Err(error) => {
                assert!(!sound, "{error}");
                let finite = numbers.iter().all(|weight| weight.is_finite());
                assert_eq!(matches!(error, QuantizeError::NotFinite { .. }), !finite, "{error}");
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        assert!(sound);
        assert_eq!((quantized.shape(), quantized.bits()), (shape, bits));
        assert_eq!(quantize_samples(weights, bits, &images, &labels).ok().as_ref(), Some(&quantized));
        let header = header(Kind::Quantized(bits), shape, Details::default(), quantized.payload()).expect("a header");
        let file = [&header[..], quantized.payload()].concat();
        let network = Model::from_bytes(&file).and_then(|model| model.quantized_any()).expect("a sound model");
        let mut scratch = vec![!0; QuantizedNetwork::scratch_len(shape)];
        for image in images.chunks_exact(shape.pixels()) {
            let outputs = network.outputs(image, &mut scratch).expect("outputs");
            assert_eq!(outputs.len(), shape.outputs());
        }
    }
});
