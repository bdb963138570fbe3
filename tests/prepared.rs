//! Networks that deslant or halve their images give what plain networks give for the inputs that plain loops have made.

mod oracle;
mod payload;

use oracle::prepare;
use payload::{Payload, biased, random};
use twolayer::int::{PackedNetwork, PayloadError};
use twolayer::model::{self, Details, HeaderError, Model};
use twolayer::{
    Backend, Bits, Kind, ModelError, Network, QuantizedNetwork, Shape, SizeError, TrainError, TrainOptions, Trainer,
    Weights, WeightsMut, fill_initial,
};

/// A plain shape, and the same for images that are halved, deslanted, or both.
fn shapes() -> impl Iterator<Item = (Shape, Shape)> {
    let sizes = [([28, 28], 128, 10), ([2, 2], 1, 1), ([34, 6], 70, 3), ([4, 18], 131, 7), ([300, 2], 17, 2)];
    let deslanted = [([28, 28], 64, 10), ([1, 1], 1, 1), ([33, 5], 70, 3), ([3, 19], 131, 7), ([64, 64], 17, 2)];
    let of_all = |halves: bool, deslants: bool| {
        move |([width, height], hidden, outputs): ([u16; 2], usize, usize)| {
            [false, true].map(|biases| {
                let pixels = usize::from(width) * usize::from(height);
                let inputs = if halves { pixels / 4 } else { pixels };
                let plain = biased(Shape::new(inputs, hidden, outputs).expect("a small shape"), biases);
                let shape = if halves { plain.with_halved_images([width, height]).expect("even sides") } else { plain };
                (
                    plain,
                    if deslants { shape.with_deslanted_images([width, height]).expect("short sides") } else { shape },
                )
            })
        }
    };
    let halved = sizes.into_iter().flat_map(of_all(true, false));
    let both = sizes.into_iter().take(4).chain([([64, 64], 17, 2)]).flat_map(of_all(true, true));
    halved.chain(both).chain(deslanted.into_iter().flat_map(of_all(false, true)))
}

/// Random, sparse, and white.
fn images(pixels: usize) -> Vec<u8> {
    let mut next = random(5);
    let mut images: Vec<u8> = (0..pixels).map(|_| next()).collect();
    images.extend((0..4 * pixels).map(|_| if next() < 50 { next() } else { 0 }));
    images.extend(vec![255; pixels]);
    images
}

#[test]
fn integer_networks_prepare_their_images() {
    for (plain, shape) in shapes() {
        for bits in [Bits::Eight, Bits::Four] {
            let payload = Payload::new(shape, bits, 7, random(1));
            let expected = QuantizedNetwork::any(plain, bits, payload.bytes()).expect("a valid payload");
            let network = QuantizedNetwork::any(shape, bits, payload.bytes()).expect("a valid payload");
            let refused = QuantizedNetwork::new(shape, bits, payload.bytes()).map(|_| ());
            assert_eq!(refused, Err(PayloadError::NotPlain));
            let mut words = vec![0; QuantizedNetwork::scratch_len(plain)];
            let mut scratch = vec![7; QuantizedNetwork::scratch_len(shape)];
            for image in images(shape.pixels()).chunks(shape.pixels()) {
                let small = prepare(shape, image);
                let outputs = expected.outputs(&small, &mut words).expect("outputs");
                assert_eq!(network.outputs(image, &mut scratch), Ok(outputs), "{shape}, {bits:?}");
                // Inputs are no image, where they are fewer.
                let few = if small.len() < image.len() { &small[..] } else { &image[1..] };
                let too_few = SizeError::Pixels { found: few.len(), expected: image.len() };
                assert_eq!(network.outputs(few, &mut scratch), Err(too_few));
                let short = SizeError::Scratch { found: scratch.len() - 1, expected: scratch.len() };
                assert_eq!(network.outputs(image, &mut scratch[1..]), Err(short));

                for backend in Backend::available() {
                    let mut memory = vec![0; PackedNetwork::memory_len(shape)];
                    let packed = PackedNetwork::new(&network, &mut memory, backend).expect("enough memory");
                    let mut scratch = vec![7; PackedNetwork::scratch_len(shape)];
                    assert_eq!(packed.outputs(image, &mut scratch), Ok(outputs), "{shape}, {bits:?}, {backend}");
                }
            }
        }
    }
}

#[test]
fn f32_networks_prepare_their_images() {
    for (plain, shape) in shapes() {
        let mut next = random(2);
        let mut numbers = vec![0.0; shape.weights_len()];
        WeightsMut::new(shape, &mut numbers).expect("as many as the shape has").fill_with(|| f32::from(next()) - 128.0);
        let images = images(shape.pixels());
        let small: Vec<u8> = images.chunks(shape.pixels()).flat_map(|image| prepare(shape, image)).collect();
        for backend in Backend::available() {
            let network = |shape| Network::new(Weights::new(shape, &numbers).expect("as many weights"), backend);
            let outputs = |shape, images: &[u8], batch: usize| {
                let mut scratch = vec![f32::NAN; Network::batch_scratch_len(shape, batch)];
                let mut outputs = Vec::new();
                for images in images.chunks(batch * shape.pixels()) {
                    let found = network(shape).outputs_batch(images, &mut scratch).expect("outputs");
                    outputs.extend(found.iter().map(|output| output.to_bits()));
                }
                outputs
            };
            let expected = outputs(plain, &small, 1);
            assert_eq!(outputs(shape, &images, 1), expected, "{shape} on {backend}");
            assert_eq!(outputs(shape, &images, 4), expected, "{shape} on {backend}, four at a time");
            let mut scratch = vec![0.0; Network::scratch_len(shape)];
            let few = plain.inputs().min(shape.pixels() - 1);
            let too_few = SizeError::Pixels { found: few, expected: shape.pixels() };
            assert_eq!(network(shape).outputs(&small[..few], &mut scratch), Err(too_few));
        }
    }
}

#[test]
fn training_prepares_its_images() {
    for (plain, shape) in shapes().filter(|(plain, ..)| !plain.has_biases()) {
        let images = images(shape.pixels());
        let small: Vec<u8> = images.chunks(shape.pixels()).flat_map(|image| prepare(shape, image)).collect();
        let labels = [0; 6];
        for block in [1, 4, 64] {
            let train = |shape, images: &[u8]| {
                let mut numbers = vec![0.0; Shape::weights_len(shape)];
                let mut weights = WeightsMut::new(shape, &mut numbers).expect("as many as the shape has");
                fill_initial(&mut weights, 3, 1e-3);
                let options = TrainOptions { alpha: 1e-7, block, ..TrainOptions::default() };
                let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape, block)];
                let mut trainer = Trainer::new(weights, &mut scratch, options).expect("sound options");
                let too_few = trainer.train(&images[1..], &labels);
                let pixels = TrainError::Images { found: images.len() - 1, labels: 6, inputs: shape.pixels() };
                assert_eq!(too_few, Err(pixels));
                let loss = trainer.train(images, &labels).expect("sound samples");
                (loss, numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>())
            };
            assert_eq!(train(shape, &images), train(plain, &small), "{shape}, blocks of {block}");
        }
    }
}

/// The file says what becomes of images, and which; nobody else's sides are believed.
#[test]
fn the_model_file_says_so() {
    for (_, shape) in shapes() {
        let payload = Payload::new(shape, Bits::Four, 7, random(1));
        let kind = Kind::Quantized(Bits::Four);
        let header = model::header(kind, shape, Details::default(), payload.bytes()).expect("a sound model");
        let file = [&header[..], payload.bytes()].concat();
        let model = Model::from_bytes(&file).expect("a sound model");
        let (halves, deslants) = (shape.halved_image().is_some(), shape.deslanted_image().is_some());
        let flags = u8::from(shape.has_biases()) + 2 * u8::from(halves) + 4 * u8::from(deslants);
        assert_eq!((model.shape(), file[8], file[44]), (shape, 2, flags));
        let image = shape.prepared_image();
        assert_eq!(model.details().map(|details| details.image), Ok(image));

        let [width, height] = image.expect("something is done to images");
        let turned = Details { image: Some([height, width]), text: "" };
        let found = model::header(kind, shape, turned, payload.bytes()).map(|_| ());
        let other = ModelError::Header(HeaderError::Image { width: height, height: width, pixels: shape.pixels() });
        assert_eq!(found, if width == height { Ok(()) } else { Err(other) });

        for (at, change) in [(40, 1), (40, 2), (42, 1), (43, 1), (41, 128)] {
            let mut file = file.clone();
            file[at] ^= change;
            let crc = twolayer::crc32(&file[..60]).to_le_bytes();
            file[60..64].copy_from_slice(&crc);
            let found = Model::from_bytes(&file).map(|_| ());
            let Err(ModelError::Size(error)) = found else { panic!("{shape}, byte {at}: {found:?}") };
            assert!(matches!(error, SizeError::Halves { .. }) == halves, "{shape}, byte {at}: {error}");
            assert!(matches!(error, SizeError::Deslants { .. }) != halves, "{shape}, byte {at}: {error}");
        }
    }
    for (inputs, image) in [(6, [5, 5]), (6, [24, 1]), (6, [3, 8]), (6, [8, 2]), (6, [0, 0])] {
        let shape = Shape::new(inputs, 2, 2).expect("a small shape");
        let pixels = usize::from(image[0]) * usize::from(image[1]);
        assert_eq!(shape.with_halved_images(image), Err(SizeError::Halves { width: image[0], pixels }));
    }
    let shape = Shape::new(6, 2, 2).expect("a small shape");
    for [width, height] in [[3, 3], [7, 1], [0, 6], [0, 0]] {
        let error = SizeError::Deslants { width, height, pixels: 6 };
        assert_eq!(shape.with_deslanted_images([width, height]), Err(error));
    }
    let halved = shape.with_halved_images([6, 4]).expect("even sides");
    assert_eq!(halved.with_deslanted_images([4, 6]), Err(SizeError::Deslants { width: 4, height: 6, pixels: 24 }));
    for [width, height] in [[65, 1], [1, 65]] {
        let long = Shape::new(65, 2, 2).expect("a small shape").with_deslanted_images([width, height]);
        assert_eq!(long, Err(SizeError::Deslants { width, height, pixels: 65 }));
    }
    // Deslanting comes before halving, in the shape too.
    let upright = Shape::new(24, 2, 2).and_then(|shape| shape.with_deslanted_images([6, 4])).expect("a small shape");
    assert_eq!(upright.with_halved_images([6, 4]), Err(SizeError::Halves { width: 6, pixels: 24 }));
}
