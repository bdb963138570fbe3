//! `tests/vectors`: a small model of every kind, images, and the outputs that any reader of `docs/format.md` must give, in any language.
//!
//! `TWOLAYER_WRITE_VECTORS=1 cargo test --test vectors` writes them again.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod payload;

use core::fmt::Write as _;
use payload::{Payload, random};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use twolayer::model::{Details, header};
use twolayer::{AnyNetwork, AnyOutputs, Backend, Bits, Kind, Model, Shape, WeightsMut};

const IMAGES: u64 = 8;

const TEXT: &str = "A test vector.\nclasses: ä | b | c\nconfidence: 0 40 | 2000 70 | 40000 90 | 400000 97 | 2000000 99";

/// All kinds of networks, by the names of their files. Hidden units end within a panel and a tile.
fn kinds() -> Vec<(String, Kind, Shape)> {
    let plain = |inputs, hidden| Shape::new(inputs, hidden, 3).unwrap();
    let kinds = [
        (Kind::F32, "f32", 130),
        (Kind::Quantized(Bits::Eight), "int8", 35),
        (Kind::Quantized(Bits::Four), "int4", 35),
    ];
    let mut all = Vec::new();
    for (kind, name, hidden) in kinds {
        let (plain, halved) = (plain(6, hidden), plain(6, hidden).with_halved_images([6, 4]).unwrap());
        for (suffix, shape) in [
            ("", plain),
            ("-biased", plain.with_biases()),
            ("-halved", halved),
            ("-biased-halved", halved.with_biases()),
        ] {
            all.push(([name, suffix].concat(), kind, shape));
        }
    }
    // Behind the others, whose weights depend on their places.
    for (kind, name, hidden) in kinds {
        let halved = plain(6, hidden).with_halved_images([6, 4]).unwrap().with_biases();
        for (suffix, shape, image) in
            [("-deslanted", plain(20, hidden), [4, 5]), ("-biased-halved-deslanted", halved, [6, 4])]
        {
            all.push(([name, suffix].concat(), kind, shape.with_deslanted_images(image).unwrap()));
        }
    }
    all
}

fn path(name: &str, extension: &str) -> PathBuf {
    PathBuf::from(format!("{}/tests/vectors/{name}.{extension}", env!("CARGO_MANIFEST_DIR")))
}

/// A model file.
fn file(kind: Kind, shape: Shape, seed: u64) -> Vec<u8> {
    let mut next = random(seed);
    let payload = match kind {
        Kind::Quantized(bits) => Payload::new(shape, bits, 4, next).bytes().to_vec(),
        Kind::F32 => {
            // Of 24 significant bits, so that it matters where sums are rounded.
            let mut weight = || {
                let [a, b, c, d] = [next(), next(), next(), next()];
                let sign_and_size = u32::from(a & 0x80) << 24 | u32::from(118 + a % 8) << 23;
                f32::from_bits(sign_and_size | u32::from_le_bytes([b, c, d & 0x7F, 0]))
            };
            let mut numbers = vec![0.0; shape.weights_len()];
            let mut weights = WeightsMut::new(shape, &mut numbers).unwrap();
            for unit in 0..shape.hidden() {
                (0..shape.inputs()).for_each(|input| *weights.w1_mut(input, unit).unwrap() = weight());
                (0..shape.outputs()).for_each(|output| *weights.w2_mut(unit, output).unwrap() = weight());
                weights.b1_mut(unit).into_iter().for_each(|bias| *bias = 256.0 * weight());
            }
            for output in 0..shape.outputs() {
                weights.b2_mut(output).into_iter().for_each(|bias| *bias = 16.0 * weight());
            }
            numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
        }
    };
    let image = shape.prepared_image().unwrap_or([3, 2]);
    let details = Details { image: Some(image), text: TEXT };
    [&header(kind, shape, details, &payload).unwrap()[..], &payload]
        .concat()
        .into_iter()
        .chain(details.text.bytes())
        .collect()
}

/// Images, and the outputs of a model for them.
fn answers(bytes: &[u8], backend: Backend) -> String {
    let mut words = vec![0_u32; bytes.len().div_ceil(4)];
    let aligned = &mut bytemuck::cast_slice_mut(&mut words)[..bytes.len()];
    aligned.copy_from_slice(bytes);
    let model = Model::from_bytes(aligned).unwrap();
    let mut memory = vec![0; AnyNetwork::memory_len(model.kind(), model.shape())];
    let network = AnyNetwork::new(&model, &mut memory, backend).unwrap();
    let mut scratch = vec![0; network.scratch_len()];
    let mut text = String::new();
    for number in 0..IMAGES {
        let mut next = random(number);
        let mut pixels = vec![if number == 1 { 255 } else { 0 }; model.shape().pixels()];
        if number > 1 {
            // Blank at places, as images are.
            pixels.fill_with(|| next().saturating_mul(next() % 2));
        }
        let outputs = network.outputs(&pixels, &mut scratch).unwrap();
        text.push_str("image");
        for pixel in &pixels {
            write!(text, " {pixel}").unwrap();
        }
        text.push_str("\noutputs");
        match outputs {
            AnyOutputs::F32(outputs) => outputs.iter().for_each(|it| write!(text, " {:08x}", it.to_bits()).unwrap()),
            AnyOutputs::Integer(outputs) => outputs.iter().for_each(|it| write!(text, " {it}").unwrap()),
        }
        let table = model.details().unwrap().confidence().unwrap();
        writeln!(text, "\nclass {}\nconfidence {}", outputs.answer().class, outputs.confidence(&table)).unwrap();
    }
    text
}

#[test]
fn every_kind_gives_the_outputs_that_are_written_down() {
    let writes = std::env::var_os("TWOLAYER_WRITE_VECTORS").is_some();
    let (mut classes, mut confidences) = ([0; 3], BTreeSet::new());
    for (seed, (name, kind, shape)) in (1..).zip(kinds()) {
        let bytes = file(kind, shape, seed);
        if writes {
            fs::write(path(&name, "twolayer"), &bytes).unwrap();
            fs::write(path(&name, "txt"), answers(&bytes, Backend::baseline())).unwrap();
        }
        assert_eq!(fs::read(path(&name, "twolayer")).unwrap(), bytes, "{name}");
        let expected = fs::read_to_string(path(&name, "txt")).unwrap();
        for backend in Backend::available() {
            assert_eq!(answers(&bytes, backend), expected, "{name}, {backend}");
        }
        let answers = expected.lines().filter_map(|line| line.strip_prefix("class "));
        answers.for_each(|class| classes[class.parse::<usize>().unwrap()] += 1);
        confidences.extend(expected.lines().filter_map(|line| line.strip_prefix("confidence ")).map(str::to_owned));
    }
    // Vectors that always answer alike would show little.
    assert!(classes.iter().all(|count| *count >= 12), "{classes:?}");
    assert!(confidences.len() >= 4, "{confidences:?}");
}
