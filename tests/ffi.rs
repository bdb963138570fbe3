//! Tests of the C interface: the header matches the code, calls give the same results as Rust, and a C program works.
#![allow(unsafe_code, reason = "calls as from C")]

mod tools;

use core::ffi::CStr;
use core::mem::offset_of;
use core::ptr;
use std::path::{Path, PathBuf};
use std::process::Command;
use tools::has_tool;

use twolayer::ffi::{
    Digit, Model, Status, twolayer_classify, twolayer_classify_margin, twolayer_confidence, twolayer_file_len,
    twolayer_normalize, twolayer_open, twolayer_open_any, twolayer_open_any_unchecked, twolayer_open_f32,
    twolayer_open_f32_unchecked, twolayer_open_unchecked, twolayer_outputs, twolayer_read, twolayer_status_text,
    twolayer_verify,
};
use twolayer::picture::{Ink, Picture};
use twolayer::{Answer, Backend, Bits, Kind, Network, QuantizedNetwork, Shape, WeightsMut, crc32, fill_initial, model};

const HEADER: &str = include_str!("../include/twolayer.h");
const CODE: &str = concat!(include_str!("../src/ffi/mod.rs"), include_str!("../src/ffi/picture.rs"));

const STATUSES: [(&str, Status); 17] = [
    ("OK", Status::Ok),
    ("NULL", Status::Null),
    ("MAGIC", Status::Magic),
    ("HEADER", Status::Header),
    ("LENGTH", Status::Length),
    ("CHECKSUM", Status::Checksum),
    ("PAYLOAD", Status::Payload),
    ("MISALIGNED", Status::Misaligned),
    ("PIXELS", Status::Pixels),
    ("SCRATCH", Status::Scratch),
    ("OUTPUTS", Status::Outputs),
    ("KIND", Status::Kind),
    ("PICTURE", Status::Picture),
    ("BLANK", Status::Blank),
    ("NO_DIGIT", Status::NoDigit),
    ("NOT_FINITE", Status::NotFinite),
    ("NO_CONFIDENCE", Status::NoConfidence),
];

/// Translates a Rust type of the interface to C; the result ends in a space or `*`.
fn in_c(rust: &str) -> String {
    if let Some(to) = rust.strip_prefix("*const ") {
        return format!("const {}*", in_c(to));
    }
    if let Some(to) = rust.strip_prefix("*mut ") {
        return format!("{}*", in_c(to));
    }
    let name = match rust {
        "Model" => "twolayer_model",
        "Status" => "twolayer_status",
        "u8" => "uint8_t",
        "u16" => "uint16_t",
        "u32" => "uint32_t",
        "Output" => "twolayer_output",
        "Margin" => "twolayer_margin",
        "Digit" => "twolayer_digit",
        "usize" => "size_t",
        "c_char" => "char",
        other => panic!("add the C name of this type here: {other}"),
    };
    format!("{name} ")
}

/// Replaces each run of white space by one space.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The header without its comments.
fn declarations() -> String {
    let parts = HEADER.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, code)| code));
    squeeze(&parts.collect::<String>())
}

#[test]
fn the_header_matches_the_code() {
    let constants: Vec<(&str, i32)> = HEADER
        .lines()
        .filter_map(|line| line.strip_prefix("#define TWOLAYER_"))
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, rest)| Some((name, rest.split(' ').next()?.parse().ok()?)))
        .collect();
    let part = |part: &str| part.parse::<i32>().expect("a number");
    let [major, minor, patch] =
        [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")].map(part);
    assert_eq!(constants[0], ("VERSION", 10_000 * major + 100 * minor + patch), "of Cargo.toml");
    assert_eq!(constants[1..], STATUSES.map(|(name, status)| (name, status as i32)));

    let declarations = declarations();
    // The functions that open are made by a macro, of this list.
    let opening = CODE.split("\nopen! {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the list");
    let opening = opening.lines().map(str::trim).filter(|line| line.starts_with("twolayer_"));
    let opening: Vec<&str> = opening.filter_map(|line| line.split('(').next()).collect();
    assert_eq!(opening.len(), 6);
    let mut prototypes = 0;
    for function in CODE.split("extern \"C\" fn ").skip(1) {
        let (name, rest) = function.split_once('(').expect("arguments");
        let (arguments, rest) = rest.split_once(')').expect("a closing parenthesis");
        let result = rest.split_once("-> ").expect("a result").1.split_once(" {").expect("a body").0;
        let arguments = arguments.split(',').map(squeeze).filter(|argument| !argument.is_empty());
        let arguments: Vec<String> = arguments
            .map(|argument| {
                let (name, kind) = argument.split_once(": ").expect("a type");
                // C has names for numbers that are one thing or the other.
                let kind = match (name, kind) {
                    ("status", "i32") => "Status",
                    ("outputs", "*mut u32") => "*mut Output",
                    ("margin", "*mut u32") => "*mut Margin",
                    ("margin", "*const u32") => "*const Margin",
                    _ => kind,
                };
                in_c(kind) + name
            })
            .collect();
        for name in if name == "$name" { opening.clone() } else { vec![name] } {
            let prototype = format!("{}{name}({});", in_c(result), arguments.join(", "));
            assert!(declarations.contains(&prototype), "not in the header: {prototype}");
            prototypes += 1;
        }
    }

    let structure =
        CODE.split("pub struct Model {").nth(1).and_then(|rest| rest.split('}').next()).expect("the structure");
    let fields = structure.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.strip_suffix(','));
    let fields: Vec<String> = fields
        .filter_map(|field| field.split_once(": "))
        .map(|(name, kind)| match kind {
            "Option<Runner>" => format!("void (*{name})(void);"),
            _ => format!("{}{name};", in_c(kind)),
        })
        .collect();
    let expected = format!("typedef struct twolayer_model {{ {} }} twolayer_model;", fields.join(" "));
    assert!(declarations.contains(&expected), "not in the header: {expected}");
    let functions = declarations.replace(&expected, "").matches(");").count();
    assert_eq!(prototypes, functions, "functions in the header that the code does not have");
    for (name, integer) in [("output", "int32_t"), ("margin", "uint32_t")] {
        let union = format!("typedef union twolayer_{name} {{ {integer} integer; float real; }} twolayer_{name};");
        assert!(declarations.contains(&union), "not in the header: {union}");
    }
}

#[test]
fn every_status_has_a_text() {
    for status in -1..16 {
        // SAFETY: the text is a static C string.
        let text = unsafe { CStr::from_ptr(twolayer_status_text(status)) };
        assert_eq!(text.to_bytes() == b"an unknown status", !(0..=15).contains(&status));
    }
}

/// A model file at an address that is a multiple of 4, with a spare word after it.
struct File {
    words: Vec<u32>,
    len: usize,
}

impl File {
    fn new(kind: Kind, shape: Shape, payload: &[u8]) -> Self {
        let header =
            model::header(kind, shape, model::Details::default(), payload).expect("a payload of the right length");
        let len = header.len() + payload.len();
        let mut words = vec![0; len.div_ceil(4) + 1];
        bytemuck::cast_slice_mut(&mut words)[..len].copy_from_slice(&[&header[..], payload].concat());
        Self { words, len }
    }

    fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }
}

/// No function of C reads what a model says beside its weights, so it is looked at only where somebody asks whether all of the file is
/// sound.
#[test]
fn what_a_model_says_beside_its_weights_is_checked() {
    let shape = Shape::new(16, 5, 3).expect("a small shape");
    for (kind, open, unchecked) in [
        (Kind::Quantized(Bits::Eight), twolayer_open_any as Open, twolayer_open_any_unchecked as Open),
        (Kind::F32, twolayer_open_f32, twolayer_open_f32_unchecked),
    ] {
        let len = match kind {
            Kind::F32 => shape.weights_len() * 4,
            Kind::Quantized(bits) => QuantizedNetwork::payload_len(shape, bits).expect("a small shape"),
        };
        let mut payload = vec![0; len];
        if kind != Kind::F32 {
            payload[0] = 6;
        }
        let statuses = |change: &dyn Fn(&mut [u8; 64], &mut Vec<u8>)| {
            let details = model::Details { image: Some([4, 4]), text: "a text" };
            let mut header = model::header(kind, shape, details, &payload).expect("a payload of the right length");
            let mut behind = [&payload[..], details.text.as_bytes()].concat();
            change(&mut header, &mut behind);
            header[56..60].copy_from_slice(&crc32(&behind).to_le_bytes());
            let crc = crc32(&header[..60]);
            header[60..].copy_from_slice(&crc.to_le_bytes());
            let file = [&header[..], &behind].concat();
            let mut words = vec![0_u32; file.len().div_ceil(4)];
            bytemuck::cast_slice_mut(&mut words)[..file.len()].copy_from_slice(&file);
            let bytes = words.as_ptr().cast();
            let mut model = EMPTY;
            // SAFETY: a local variable, and bytes with their length.
            let opened = [open, unchecked].map(|open| unsafe { open(&raw mut model, bytes, file.len()) });
            // SAFETY: bytes with their length.
            (opened, unsafe { twolayer_verify(bytes, file.len()) })
        };
        let (sound, refused) = (Status::Ok, Status::Header);
        assert_eq!(statuses(&|_, _| ()), ([sound; 2], sound), "{kind}");
        assert_eq!(statuses(&|header, _| header[40..44].copy_from_slice(&[1, 0, 2, 0])), ([sound; 2], refused));
        assert_eq!(statuses(&|_, behind| behind[len] = 0xFF), ([sound; 2], refused), "{kind}");
        let long = |header: &mut [u8; 64], behind: &mut Vec<u8>| {
            header[48..50].copy_from_slice(&4097_u16.to_le_bytes());
            behind.resize(len + 4097, b' ');
        };
        assert_eq!(statuses(&long), ([sound; 2], refused), "{kind}");
    }
}

/// Weights that are finite, and outputs that are not: an error of whatever asks for them.
#[test]
fn outputs_that_are_not_finite_are_a_status() {
    let numbers: Vec<f32> = weights().iter().map(|w| if *w == 0.0 { 0.0 } else { 3.4e38 }).collect();
    let file = File::new(Kind::F32, shape(), bytemuck::cast_slice(&numbers));
    let mut model = EMPTY;
    // SAFETY: a local variable, and bytes with their length.
    assert_eq!(unsafe { twolayer_open_f32(&raw mut model, file.bytes().as_ptr(), file.len) }, Status::Ok);
    let mut scratch = vec![0; model.scratch_words];
    for (level, status) in [(0, Status::Ok), (255, Status::NotFinite)] {
        let image = vec![level; shape().inputs()];
        let (mut label, mut margin, mut outputs) = (0, 0, vec![0; shape().outputs()]);
        let (image, words) = (image.as_ptr(), scratch.as_mut_ptr());
        let (pixels, len) = (shape().inputs(), model.scratch_words);
        // SAFETY: pointers to local variables of these lengths.
        let found = unsafe {
            [
                twolayer_classify(&raw const model, image, pixels, words, len, &raw mut label),
                twolayer_classify_margin(&raw const model, image, pixels, words, len, &raw mut label, &raw mut margin),
                twolayer_outputs(&raw const model, image, pixels, words, len, outputs.as_mut_ptr(), outputs.len()),
            ]
        };
        assert_eq!(found, [status; 3]);
    }
}

/// The confidence is that of the table in the model's text, for margins of its own kind.
#[test]
fn confidence_by_the_table_of_the_model() {
    let integers = vec![0; 16 + QuantizedNetwork::payload_len(shape(), Bits::Eight).expect("a small shape")];
    let integers = [&[6], &integers[17..]].concat();
    let floats = weights();
    for (kind, payload) in [(Kind::Quantized(Bits::Eight), &integers[..]), (Kind::F32, bytemuck::cast_slice(&floats))] {
        let payload = &payload[..twolayer_payload_len(kind)];
        let text = "recipe: none\nconfidence: 0 40 | 65536 80 | 131072 99";
        let details = model::Details { image: None, text };
        let header = model::header(kind, shape(), details, payload).expect("a payload of this shape");
        let file = [&header[..], payload, text.as_bytes()].concat();
        let ask = |bytes: &[u8], margin: u32| {
            let mut percent = 7;
            let margin = &raw const margin;
            // SAFETY: a slice and two local variables.
            (unsafe { twolayer_confidence(bytes.as_ptr(), bytes.len(), margin, &raw mut percent) }, percent)
        };
        for (units, expected) in [(0_u16, 40), (1, 80), (2, 99), (9, 99)] {
            let margin = if kind == Kind::F32 { f32::from(units).to_bits() } else { u32::from(units) * 65_536 };
            assert_eq!(ask(&file, margin), (Status::Ok, expected), "{kind} {units}");
        }
        let below = if kind == Kind::F32 { 0.999_99_f32.to_bits() } else { 65_535 };
        assert_eq!(ask(&file, below), (Status::Ok, 40));
        let header = model::header(kind, shape(), model::Details::default(), payload).expect("a payload of this shape");
        assert_eq!(ask(&[&header[..], payload].concat(), 0), (Status::NoConfidence, 7));
        assert_eq!(ask(&file[..99], 0), (Status::Length, 7));
        assert_eq!(ask(&[0; 99], 0), (Status::Magic, 7));
        let (bytes, len, mut percent, margin) = (file.as_ptr(), file.len(), 7, 0);
        // SAFETY: null, or pointers to what is there.
        let null = unsafe {
            [
                twolayer_confidence(ptr::null(), len, &raw const margin, &raw mut percent),
                twolayer_confidence(bytes, len, ptr::null(), &raw mut percent),
                twolayer_confidence(bytes, len, &raw const margin, ptr::null_mut()),
            ]
        };
        assert_eq!((null, percent), ([Status::Null; 3], 7));
    }
}

/// The bytes of a payload of that kind.
fn twolayer_payload_len(kind: Kind) -> usize {
    match kind {
        Kind::F32 => 4 * shape().weights_len(),
        Kind::Quantized(bits) => QuantizedNetwork::payload_len(shape(), bits).expect("a small shape"),
    }
}

/// A generator of pseudorandom bytes, the same in every run.
fn random(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    }
}

fn shape() -> Shape {
    Shape::new(90, 40, 7).expect("a small shape")
}

fn integer_model(bits: Bits) -> File {
    let mut payload = vec![0; QuantizedNetwork::payload_len(shape(), bits).expect("a small shape")];
    payload[16..].fill_with(random(3));
    payload[0] = 6;
    File::new(Kind::Quantized(bits), shape(), &payload)
}

fn weights() -> Vec<f32> {
    let mut numbers = vec![0.0; shape().weights_len()];
    fill_initial(&mut WeightsMut::new(shape(), &mut numbers).expect("as many as the shape has"), 5, 0.01);
    numbers.iter().map(|w| if *w == 0.0 { 0.0 } else { w - 0.005 }).collect()
}

fn f32_model() -> File {
    File::new(Kind::F32, shape(), bytemuck::cast_slice(&weights()))
}

fn images() -> Vec<u8> {
    let mut next = random(9);
    (0..12 * shape().inputs()).map(|_| if next() < 90 { next() } else { 0 }).collect()
}

const EMPTY: Model = Model {
    payload: ptr::null(),
    payload_len: 0,
    bits: 8,
    pixels: 1,
    inputs: 1,
    hidden: 1,
    outputs: 1,
    biases: 0,
    halves: 0,
    deslants: 0,
    width: 0,
    height: 0,
    scratch_words: 0,
    runner: None,
};

type Open = unsafe extern "C" fn(*mut Model, *const u8, usize) -> Status;

fn open_with(open: Open, bytes: &[u8]) -> Result<Model, Status> {
    let mut model = EMPTY;
    // SAFETY: a local variable, and bytes with their length.
    match unsafe { open(&raw mut model, bytes.as_ptr(), bytes.len()) } {
        Status::Ok => Ok(model),
        status => {
            assert!(model.payload.is_null(), "the model was written in spite of an error");
            Err(status)
        }
    }
}

/// Class, margin and outputs of an image; floats as bits.
type Found = (u32, u32, Vec<u32>);

/// What Rust answers about images.
fn answers(file: &File, images: &[u8]) -> Vec<Found> {
    let model = model::Model::from_bytes(file.bytes()).expect("a sound model");
    let shape = model.shape();
    let (mut words, mut numbers) =
        (vec![7; QuantizedNetwork::scratch_len(shape)], vec![7.0; Network::scratch_len(shape)]);
    let answer = |pixels: &[u8]| {
        if model.kind() == Kind::F32 {
            let network = model.network(Backend::detect()).expect("f32 weights");
            let outputs = network.outputs(pixels, &mut numbers).expect("buffers of the right length");
            let Answer { class, margin } = Answer::of(outputs);
            (class.into(), margin.to_bits(), outputs.iter().map(|output| output.to_bits()).collect())
        } else {
            let network = model.quantized_any().expect("integer weights");
            let outputs = network.outputs(pixels, &mut words).expect("buffers of the right length");
            let Answer { class, margin } = Answer::of(outputs);
            (class.into(), margin, outputs.iter().map(|output| output.cast_unsigned()).collect())
        }
    };
    images.chunks_exact(shape.pixels()).map(answer).collect()
}

/// What the C interface answers about images, each function with scratch of its own.
fn call(model: &Model, images: &[u8]) -> Vec<Found> {
    let answer = |pixels: &[u8]| {
        let scratch = || vec![0xA5A5_A5A5_u32; model.scratch_words];
        let (mut first, mut second, mut third) = (scratch(), scratch(), scratch());
        let (mut label, mut other, mut margin, mut outputs) = (99, 99, 99, vec![99; model.outputs as usize]);
        let (m, p, n, w) = (&raw const *model, pixels.as_ptr(), pixels.len(), model.scratch_words);
        // SAFETY: every pointer is of a local variable of the length given.
        let statuses = unsafe {
            [
                twolayer_classify(m, p, n, first.as_mut_ptr(), w, &raw mut label),
                twolayer_classify_margin(m, p, n, second.as_mut_ptr(), w, &raw mut other, &raw mut margin),
                twolayer_outputs(m, p, n, third.as_mut_ptr(), w, outputs.as_mut_ptr(), outputs.len()),
            ]
        };
        assert_eq!((statuses, label), ([Status::Ok; 3], other));
        (label, margin, outputs)
    };
    images.chunks_exact(model.pixels as usize).map(answer).collect()
}

#[test]
fn calls_give_the_same_results_as_rust() {
    for (file, open) in [
        (integer_model(Bits::Eight), twolayer_open as Open),
        (integer_model(Bits::Four), twolayer_open),
        (integer_model(Bits::Eight), twolayer_open_any),
        (integer_model(Bits::Four), twolayer_open_any),
        (f32_model(), twolayer_open_f32),
    ] {
        let model = open_with(open, file.bytes()).expect("a sound model");
        assert_eq!((model.pixels, model.inputs, model.hidden, model.outputs), (90, 90, 40, 7));
        for offset in 0..4 {
            // Pixels need no alignment.
            let moved = [&vec![1; offset][..], &images()].concat();
            assert_eq!(call(&model, &moved[offset..]), answers(&file, &images()));
        }
    }
}

/// Networks that halve or deslant their images take them as they are. Plain ones are opened by a function without the code for that.
#[test]
fn prepared_images() {
    let halved = shape().with_halved_images([36, 10]).expect("90 times 4 pixels");
    prepared(halved, [1, 0]);
    prepared(halved.with_deslanted_images([36, 10]).expect("the same pixels"), [1, 1]);
    prepared(shape().with_deslanted_images([18, 5]).expect("90 pixels"), [0, 1]);
}

fn prepared(shape: Shape, flags: [u8; 2]) {
    let pixels = shape.pixels();
    let [width, height] = shape.prepared_image().expect("a prepared image");
    let images: Vec<u8> = images().into_iter().cycle().take(pixels * 5).collect();
    let check = |file: &File, open: Open| {
        let model = open_with(open, file.bytes()).expect("a sound model");
        assert_eq!((model.pixels as usize, model.inputs, [model.halves, model.deslants]), (pixels, 90, flags));
        assert_eq!([model.width, model.height], [width, height]);
        assert_eq!(call(&model, &images), answers(file, &images));
        let (mut words, mut label) = (vec![7; model.scratch_words], 99);
        let (m, p, s) = (&raw const model, images.as_ptr(), words.as_mut_ptr());
        // SAFETY: every pointer is of a local variable of the length given.
        let found = unsafe { twolayer_classify(m, p, pixels - 1, s, words.len(), &raw mut label) };
        assert_eq!((found, label), (Status::Pixels, 99));
        model
    };
    for bits in [Bits::Eight, Bits::Four] {
        let mut payload = vec![0; QuantizedNetwork::payload_len(shape, bits).expect("a small shape")];
        payload[16..].fill_with(random(3));
        payload[0] = 6;
        let file = File::new(Kind::Quantized(bits), shape, &payload);
        assert_eq!(open_with(twolayer_open, file.bytes()).err(), Some(Status::Kind));
        let model = check(&file, twolayer_open_any);
        assert_eq!(model.scratch_words, QuantizedNetwork::scratch_len(shape));
    }
    let file = File::new(Kind::F32, shape, bytemuck::cast_slice(&weights()));
    let unsound = Model { width: width - 1, ..check(&file, twolayer_open_f32) };
    let mut label = 0;
    // SAFETY: every pointer is of a local variable of the length given.
    let status = unsafe {
        twolayer_classify(&raw const unsound, images.as_ptr(), pixels, [0; 9].as_mut_ptr(), 9, &raw mut label)
    };
    assert_eq!(status, Status::Header);
}

/// Networks with biases are refused by the functions that have no code for them; those that have take both kinds.
#[test]
fn biased_networks() {
    let biased = shape().with_biases();
    for bits in [Bits::Eight, Bits::Four] {
        let mut payload = vec![0; QuantizedNetwork::payload_len(biased, bits).expect("a small shape")];
        payload[16..].fill_with(random(3));
        payload[0] = 6;
        let units = if bits == Bits::Eight { 16 } else { 32 };
        let count = biased.outputs().next_multiple_of(4) + biased.hidden().next_multiple_of(units);
        for bias in &mut payload[16..].as_chunks_mut::<4>().0[..count] {
            *bias = (i32::from_le_bytes(*bias) >> 20).to_le_bytes();
        }
        let file = File::new(Kind::Quantized(bits), biased, &payload);
        assert_eq!(open_with(twolayer_open, file.bytes()).err(), Some(Status::Kind));
        payload[16..20].copy_from_slice(&((1 << 23) + 1_i32).to_le_bytes());
        let too_large = File::new(Kind::Quantized(bits), biased, &payload);
        assert_eq!(open_with(twolayer_open_any, too_large.bytes()).err(), Some(Status::Payload));

        for (file, biases) in [(file, 1), (integer_model(bits), 0)] {
            let model = open_with(twolayer_open_any, file.bytes()).expect("a sound model");
            assert_eq!((model.biases, model.scratch_words), (biases, QuantizedNetwork::scratch_len(biased)));
            assert_eq!(call(&model, &images()), answers(&file, &images()));
        }
    }

    let mut numbers = weights();
    numbers.extend((0..u8::try_from(biased.weights_len() - numbers.len()).expect("few biases")).map(f32::from));
    // What only fills up the panel stays zero.
    let fillers = biased.weights_len() - 7 - (biased.hidden_padded() - 40);
    numbers[fillers..biased.weights_len() - 7].fill(0.0);
    let file = File::new(Kind::F32, biased, bytemuck::cast_slice(&numbers));
    let model = open_with(twolayer_open_f32, file.bytes()).expect("a sound model");
    assert_eq!((model.biases, model.scratch_words), (1, Network::scratch_len(biased)));
    assert_eq!(call(&model, &images()), answers(&file, &images()));
}

#[test]
fn damaged_models_are_errors() {
    for (file, open, others) in [
        (integer_model(Bits::Eight), twolayer_open as Open, [twolayer_open_f32 as Open; 2]),
        (integer_model(Bits::Four), twolayer_open, [twolayer_open_f32; 2]),
        (f32_model(), twolayer_open_f32, [twolayer_open, twolayer_open_any]),
    ] {
        for other in others {
            assert_eq!(open_with(other, file.bytes()).err(), Some(Status::Kind));
        }
        let mut damaged = File { words: file.words.clone(), len: file.len };
        for bit in (0..file.len * 8).step_by(13).chain(0..64 * 8) {
            damaged.words[bit / 32] ^= 1 << (bit % 32);
            let status = open_with(open, damaged.bytes()).err();
            assert!(status.is_some(), "bit {bit}");
            if bit >= 64 * 8 {
                assert_eq!(status, Some(Status::Checksum), "bit {bit}");
            }
            damaged.words[bit / 32] ^= 1 << (bit % 32);
        }
        for len in (0..file.len).step_by(7) {
            assert_eq!(open_with(open, &file.bytes()[..len]).err(), Some(Status::Length), "cut to {len}");
        }
        let longer = &bytemuck::cast_slice(&file.words)[..=file.len];
        assert_eq!(open_with(open, longer).err(), Some(Status::Length));
        for offset in 1..4 {
            let mut words = vec![0u32; file.words.len() + 1];
            let moved: &mut [u8] = &mut bytemuck::cast_slice_mut(&mut words)[offset..][..file.len];
            moved.copy_from_slice(file.bytes());
            assert_eq!(open_with(open, moved).err(), Some(Status::Misaligned));
        }
    }
    let mut payload = vec![0; QuantizedNetwork::payload_len(shape(), Bits::Eight).expect("a small shape")];
    payload[0] = 99;
    let file = File::new(Kind::Quantized(Bits::Eight), shape(), &payload);
    assert_eq!(open_with(twolayer_open, file.bytes()).err(), Some(Status::Payload));
    let mut weights = weights();
    weights[3] = f32::NAN;
    let file = File::new(Kind::F32, shape(), bytemuck::cast_slice(&weights));
    assert_eq!(open_with(twolayer_open_f32, file.bytes()).err(), Some(Status::Payload));
    assert_eq!(open_with(twolayer_open, &[b'x'; 100]).err(), Some(Status::Magic));
    // An unknown version and, with a valid checksum, invalid sizes.
    for (file, open) in [(integer_model(Bits::Four), twolayer_open as Open), (f32_model(), twolayer_open_f32)] {
        for (word, value) in [(2, file.words[2] + 2), (3, 0), (3, 65_537), (4, 0), (5, 257), (6, 60)] {
            let mut words = file.words.clone();
            words[word] = value;
            words[15] = crc32(bytemuck::cast_slice(&words[..15]));
            let unknown = File { words, len: file.len };
            assert_eq!(open_with(open, unknown.bytes()).err(), Some(Status::Header), "word {word}: {value}");
        }
    }
}

/// What is opened without the checksum of the weights is the same, and notices all but that.
#[test]
fn models_opened_unchecked_are_verified_later() {
    // SAFETY: bytes with their length.
    let verify = |bytes: &[u8]| unsafe { twolayer_verify(bytes.as_ptr(), bytes.len()) };
    for (file, open, unchecked) in [
        (integer_model(Bits::Eight), twolayer_open as Open, twolayer_open_unchecked as Open),
        (integer_model(Bits::Four), twolayer_open_any, twolayer_open_any_unchecked),
    ] {
        let fields = |open| format!("{:?}", open_with(open, file.bytes()));
        assert_eq!(fields(open), fields(unchecked));
        assert_eq!(verify(file.bytes()), Status::Ok);
        let mut damaged = File { words: file.words.clone(), len: file.len };
        for bit in (0..file.len * 8).step_by(11) {
            damaged.words[bit / 32] ^= 1 << (bit % 32);
            let status = open_with(unchecked, damaged.bytes()).err();
            // The first bytes of the payload have a format of their own.
            assert!(if bit < 80 * 8 { status.is_some() } else { status.is_none() }, "bit {bit}: {status:?}");
            assert_ne!(verify(damaged.bytes()), Status::Ok, "bit {bit}");
            damaged.words[bit / 32] ^= 1 << (bit % 32);
        }
        for len in (0..file.len).step_by(9) {
            assert_eq!(open_with(unchecked, &file.bytes()[..len]).err(), Some(Status::Length), "cut to {len}");
            assert_eq!(verify(&file.bytes()[..len]), Status::Length, "cut to {len}");
        }
    }
    let mut floats = f32_model();
    assert_eq!(open_with(twolayer_open_unchecked, floats.bytes()).err(), Some(Status::Kind));
    assert_eq!(verify(floats.bytes()), Status::Ok);
    let fields = |open| format!("{:?}", open_with(open, floats.bytes()));
    assert_eq!(fields(twolayer_open_f32), fields(twolayer_open_f32_unchecked));
    // Another weight, of which the format says nothing.
    floats.words[16] ^= 1;
    assert_eq!(open_with(twolayer_open_f32, floats.bytes()).err(), Some(Status::Checksum));
    assert!(open_with(twolayer_open_f32_unchecked, floats.bytes()).is_ok());
    assert_eq!(verify(floats.bytes()), Status::Checksum);
    // SAFETY: a null pointer is allowed.
    assert_eq!(unsafe { twolayer_verify(ptr::null(), 64) }, Status::Null);
}

/// A region of flash: the model's length where there is one, whatever follows; 0 after every torn update.
#[test]
fn a_region_has_the_length_of_its_model() {
    // SAFETY: bytes with their length.
    let file_len = |region: &[u8]| unsafe { twolayer_file_len(region.as_ptr(), region.len()) };
    for (file, open) in [(integer_model(Bits::Four), twolayer_open as Open), (f32_model(), twolayer_open_f32)] {
        let mut words = vec![u32::MAX; file.words.len() + 30];
        let region = bytemuck::cast_slice_mut::<_, u8>(&mut words);
        assert_eq!(file_len(region), 0, "erased");
        region[..file.len].copy_from_slice(file.bytes());
        assert_eq!(file_len(region), file.len);
        assert!(open_with(open, &region[..file.len]).is_ok());
        assert_eq!(file_len(&region[..file.len - 1]), 0);
        region[file.len / 2] ^= 1;
        assert_eq!(file_len(region), 0, "torn");
    }
    // SAFETY: a null pointer is allowed.
    assert_eq!(unsafe { twolayer_file_len(ptr::null(), 64) }, 0);
}

#[test]
fn null_pointers_and_wrong_lengths_are_errors() {
    for (file, open) in [(integer_model(Bits::Eight), twolayer_open as Open), (f32_model(), twolayer_open_f32)] {
        let model = open_with(open, file.bytes()).expect("a sound model");
        let pixels = [9u8; 91];
        // SAFETY: numbers and pointers, of which all may be zero.
        let (mut empty, zeros) = (EMPTY, unsafe { core::mem::zeroed::<Model>() });
        let (never_opened, nowhere) = (Model { runner: None, ..model }, Model { payload: ptr::null(), ..model });
        let sizeless = Model { hidden: 0, ..model };
        let (mut label, mut margin, mut outputs) = (0, 0, [0; 8]);
        let (mut words, n) = (vec![0u32; model.scratch_words + 1], model.scratch_words);
        let (m, p, s) = (&raw const model, pixels.as_ptr(), words.as_mut_ptr());
        let (l, d, y) = (&raw mut label, &raw mut margin, outputs.as_mut_ptr());
        // SAFETY: every pointer is null, not aligned, or of a local variable of at least the length given.
        unsafe {
            let e = &raw mut empty;
            assert_eq!(open(ptr::null_mut(), file.bytes().as_ptr(), file.len), Status::Null);
            assert_eq!(open(e.byte_add(1), file.bytes().as_ptr(), file.len), Status::Null);
            assert_eq!(open(e, ptr::null(), 5), Status::Null);
            for (number, (status, found)) in [
                (Status::Ok, twolayer_classify(m, p, 90, s, n, l)),
                (Status::Null, twolayer_classify(ptr::null(), p, 90, s, n, l)),
                (Status::Null, twolayer_classify(m.byte_add(1), p, 90, s, n, l)),
                (Status::Null, twolayer_classify(e, p, 90, s, n, l)),
                (Status::Null, twolayer_classify(&raw const zeros, p, 90, s, n, l)),
                (Status::Null, twolayer_classify(&raw const never_opened, p, 90, s, n, l)),
                (Status::Null, twolayer_classify(&raw const nowhere, p, 90, s, n, l)),
                (Status::Null, twolayer_classify(m, ptr::null(), 90, s, n, l)),
                (Status::Null, twolayer_classify(m, p, 90, ptr::null_mut(), n, l)),
                (Status::Null, twolayer_classify(m, p, 90, s.byte_add(1), n, l)),
                (Status::Null, twolayer_classify(m, p, 90, s, n, ptr::null_mut())),
                (Status::Null, twolayer_classify(m, p, 90, s, n, l.byte_add(1))),
                (Status::Pixels, twolayer_classify(m, p, 91, s, n, l)),
                (Status::Pixels, twolayer_classify(m, p, 0, s, n, l)),
                (Status::Scratch, twolayer_classify(m, p, 90, s, n - 1, l)),
                (Status::Header, twolayer_classify(&raw const sizeless, p, 90, s, n, l)),
                (Status::Ok, twolayer_classify_margin(m, p, 90, s, n, l, d)),
                (Status::Null, twolayer_classify_margin(&raw const zeros, p, 90, s, n, l, d)),
                (Status::Null, twolayer_classify_margin(m, p, 90, s, n, ptr::null_mut(), d)),
                (Status::Null, twolayer_classify_margin(m, p, 90, s, n, l.byte_add(1), d)),
                (Status::Null, twolayer_classify_margin(m, p, 90, s, n, l, ptr::null_mut())),
                (Status::Null, twolayer_classify_margin(m, p, 90, s, n, l, d.byte_add(1))),
                (Status::Pixels, twolayer_classify_margin(m, p, 89, s, n, l, d)),
                (Status::Scratch, twolayer_classify_margin(m, p, 90, s, n - 1, l, d)),
                (Status::Ok, twolayer_outputs(m, p, 90, s, n, y, 7)),
                (Status::Null, twolayer_outputs(ptr::null(), p, 90, s, n, y, 7)),
                (Status::Null, twolayer_outputs(m.byte_add(1), p, 90, s, n, y, 7)),
                (Status::Null, twolayer_outputs(e, p, 90, s, n, y, 7)),
                (Status::Null, twolayer_outputs(&raw const zeros, p, 90, s, n, y, 7)),
                (Status::Null, twolayer_outputs(m, ptr::null(), 90, s, n, y, 7)),
                (Status::Null, twolayer_outputs(m, p, 90, ptr::null_mut(), n, y, 7)),
                (Status::Null, twolayer_outputs(m, p, 90, s.byte_add(1), n, y, 7)),
                (Status::Null, twolayer_outputs(m, p, 90, s, n, ptr::null_mut(), 7)),
                (Status::Null, twolayer_outputs(m, p, 90, s, n, y.byte_add(1), 7)),
                (Status::Pixels, twolayer_outputs(m, p, 91, s, n, y, 7)),
                (Status::Scratch, twolayer_outputs(m, p, 90, s, n - 1, y, 7)),
                (Status::Outputs, twolayer_outputs(m, p, 90, s, n, y, 8)),
                (Status::Outputs, twolayer_outputs(m, p, 90, s, n, y, 6)),
            ]
            .into_iter()
            .enumerate()
            {
                assert_eq!(found, status, "call {number}");
            }
        }
    }
}

/// A dark 7 on light paper, with a gap between the rows.
fn seven() -> Vec<u8> {
    let ink = |x: usize, y: usize| y == 4 && (3..15).contains(&x) || (5..20).contains(&y) && x == 14 - (y - 4) / 2;
    (0..24 * 22).map(|n| if n % 22 < 20 && ink(n % 22, n / 22) { 30 } else { 220 }).collect()
}

/// What the host makes of that.
fn input_of_seven() -> [u8; 784] {
    let (pixels, mut input) = (seven(), [0; 784]);
    let picture = Picture::new(&pixels, 20, 24, 22).expect("a picture");
    picture.normalize(Ink::Auto, &mut vec![0; Picture::scratch_len(20, 24, 28)], &mut input).expect("a digit");
    input
}

#[test]
fn pictures_are_normalized_as_by_rust() {
    let (pixels, blank) = (seven(), [200; 528]);
    let speck: Vec<u8> = (0..528).map(|n| if n == 100 { 0 } else { 200 }).collect();
    let words = Picture::scratch_len(20, 24, 28);
    let mut scratch = vec![u32::MAX; words + 1];
    let s = scratch.as_mut_ptr();
    let call = |pixels: *const u8, len, [width, height, stride, ink]: [u32; 4], s, words, input_len| {
        let mut input = [7; 800];
        // SAFETY: every pointer is null or misaligned, or points to as much as its length says.
        let status = unsafe {
            let input = input.as_mut_ptr();
            twolayer_normalize(pixels, len, width, height, stride, ink, s, words, input, input_len)
        };
        assert!(status == Status::Ok || input == [7; 800], "written in spite of {status:?}");
        (status, input)
    };
    let (p, sizes) = (pixels.as_ptr(), [20, 24, 22, 0]);
    for ink in [0, 1] {
        let (status, input) = call(p, 528, [20, 24, 22, ink], s, words, 784);
        assert_eq!((status, &input[..784]), (Status::Ok, &input_of_seven()[..]));
        assert_eq!(input[784..], [7; 16]);
    }
    for (number, (expected, (found, _))) in [
        (Status::Null, call(ptr::null(), 528, sizes, s, words, 784)),
        (Status::Null, call(p, 528, sizes, ptr::null_mut(), words, 784)),
        (Status::Null, call(p, 528, sizes, s.wrapping_byte_add(1), words, 784)),
        (Status::Picture, call(p, 527 - 2, sizes, s, words, 784)),
        (Status::Picture, call(p, 528, [0, 24, 22, 0], s, words, 784)),
        (Status::Picture, call(p, 528, [20, 16_385, 22, 0], s, words, 784)),
        (Status::Picture, call(p, 528, [20, 24, 19, 0], s, words, 784)),
        (Status::Picture, call(p, 528, [20, 24, 22, 3], s, words, 784)),
        (Status::Pixels, call(p, 528, sizes, s, words, 785)),
        (Status::Scratch, call(p, 528, sizes, s, words - 1, 784)),
        (Status::Blank, call(blank.as_ptr(), 528, sizes, s, words, 784)),
        (Status::NoDigit, call(speck.as_ptr(), 528, sizes, s, words, 784)),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(found, expected, "call {number}");
    }
    // SAFETY: null pointers are errors.
    let status = unsafe { twolayer_normalize(p, 528, 20, 24, 22, 0, s, words, ptr::null_mut(), 784) };
    assert_eq!(status, Status::Null);
}

/// A model that takes 9 × 9 pixels.
fn square_model(kind: Kind) -> File {
    let shape = Shape::new(81, 20, 7).expect("a small shape");
    let Kind::Quantized(bits) = kind else {
        let mut numbers = vec![0.0; shape.weights_len()];
        fill_initial(&mut WeightsMut::new(shape, &mut numbers).expect("as many as the shape has"), 5, 0.01);
        return File::new(kind, shape, bytemuck::cast_slice(&numbers));
    };
    let mut payload = vec![0; QuantizedNetwork::payload_len(shape, bits).expect("a small shape")];
    payload[16..].fill_with(random(3));
    payload[0] = 6;
    File::new(kind, shape, &payload)
}

#[test]
fn numbers_are_read_as_by_rust() {
    // Two strokes and a pair that touches, in one row; a stroke below.
    let bars = [[4, 4, 3, 20], [20, 6, 3, 18], [36, 4, 4, 20], [40, 13, 8, 2], [48, 4, 4, 20], [10, 36, 4, 20]];
    let inked =
        |x, y| bars.iter().any(|&[left, top, w, h]| (left..left + w).contains(&x) && (top..top + h).contains(&y));
    let pixels: Vec<u8> = (0..64 * 66).map(|n| if inked(n % 66, n / 66) { 30 } else { 220 }).collect();
    for (kind, open) in [
        (Kind::F32, twolayer_open_f32 as Open),
        (Kind::Quantized(Bits::Eight), twolayer_open),
        (Kind::Quantized(Bits::Four), twolayer_open_any),
    ] {
        let file = square_model(kind);
        let model = open_with(open, file.bytes()).expect("a model");
        let words = Picture::digits_scratch_len(64, 64, 9) + model.scratch_words;
        let mut scratch = vec![u32::MAX; words];
        let s = scratch.as_mut_ptr();
        let read = |pixels: *const u8, s, words, input_len, digits: &mut [Digit]| {
            let (mut input, mut found) = ([7; 100], usize::MAX);
            // SAFETY: every pointer is null, or points to as much as its length says.
            let status = unsafe {
                let (m, d, i) = (&raw const model, digits.as_mut_ptr(), input.as_mut_ptr());
                let (len, room) = (pixels_len(pixels), digits.len());
                twolayer_read(m, pixels, len, 64, 64, 66, 0, s, words, i, input_len, d, room, &raw mut found)
            };
            (status, found)
        };
        let mut digits = [Digit::default(); 8];
        let (status, found) = read(pixels.as_ptr(), s, words, 81, &mut digits);
        assert_eq!(status, Status::Ok);

        let opened = twolayer::Model::from_bytes(file.bytes()).expect("a model");
        let picture = Picture::new(&pixels, 64, 64, 66).expect("a picture");
        let (mut memory, mut input) = (vec![0; Picture::digits_scratch_len(64, 64, 9)], [0; 81]);
        let mut reading = picture.digits(Ink::Auto, &mut memory, &mut input).expect("digits");
        let mut expected = Vec::new();
        let ask = |image: &[u8]| match kind {
            Kind::F32 => {
                let network = Network::new(opened.weights().expect("f32 weights"), Backend::detect());
                let mut scratch = vec![0.0; Network::scratch_len(opened.shape())];
                let outputs = network.outputs(image, &mut scratch).expect("an image");
                let answer = Answer::of(outputs);
                (answer.class, answer.margin.to_bits(), Answer::sureness(outputs))
            }
            Kind::Quantized(_) => {
                let network = opened.quantized().expect("integer weights");
                let mut scratch = vec![0; QuantizedNetwork::scratch_len(opened.shape())];
                let outputs = network.outputs(image, &mut scratch).expect("an image");
                let answer = Answer::of(outputs);
                (answer.class, answer.margin, Answer::sureness(outputs))
            }
        };
        while let Some(digit) = reading.next(|image| ask(image).2) {
            let (label, margin, _) = ask(digit.input);
            let twolayer::picture::Seen { left, top, width, height, .. } = digit.seen;
            let (line, doubtful) = (digit.line.into(), digit.doubtful.into());
            expected.push(Digit { label: label.into(), margin, left, top, width, height, line, doubtful });
        }
        assert!(expected.len() >= 4, "{expected:?}");
        assert_eq!(&digits[..found], &expected[..]);
        assert_eq!(digits[found..], [Digit::default(); 8][found..]);
        // Less room: as many as fit, and the number of all.
        let mut two = [Digit::default(); 2];
        assert_eq!(read(pixels.as_ptr(), s, words, 81, &mut two), (Status::Ok, found));
        assert_eq!(two, expected[..2]);

        for (expected, found) in [
            (Status::Null, read(ptr::null(), s, words, 81, &mut two)),
            (Status::Null, read(pixels.as_ptr(), ptr::null_mut(), words, 81, &mut two)),
            (Status::Scratch, read(pixels.as_ptr(), s, words - 1, 81, &mut two)),
            (Status::Scratch, read(pixels.as_ptr(), s, 3, 81, &mut two)),
            (Status::Pixels, read(pixels.as_ptr(), s, words, 100, &mut two)),
            (Status::Pixels, read(pixels.as_ptr(), s, words, 80, &mut two)),
        ] {
            assert_eq!(found, (expected, usize::MAX));
        }
    }
}

fn pixels_len(pixels: *const u8) -> usize {
    if pixels.is_null() { 0 } else { 64 * 66 }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {text}{errors}");
    text.into_owned()
}

#[test]
fn a_c_program_gets_the_same_results_as_rust() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("c");
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-O1"];
    let include = format!("-I{}", root.join("include").display());
    let source = root.join("tests/c/main.c");
    if has_tool("c++") {
        let mut compile = Command::new("c++");
        compile.args(["-std=c++17", "-x", "c++"]).args(warnings).arg(&include).arg("-c").arg(&source);
        run(compile.arg("-o").arg(folder.join("main-c++.o")));
    }
    if !has_tool("cc") {
        return;
    }
    // In a target directory of its own, since the build that runs this test may hold the lock of the usual one.
    let target = folder.join("target");
    for kind in ["staticlib", "cdylib"] {
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(root).args(["rustc", "--quiet", "--lib", "--no-default-features", "--features", "std,ffi"]);
        run(build.arg("--crate-type").arg(kind).arg("--target-dir").arg(&target));
    }
    let libraries = target.join("debug");
    let mut programs = Vec::new();
    for library in ["libtwolayer.a", "libtwolayer.so"] {
        if !libraries.join(library).exists() {
            eprintln!("SKIPPED: no {library} on this system");
            continue;
        }
        let program = folder.join(format!("main-{library}"));
        let mut compile = Command::new("cc");
        compile.arg("-std=c11").args(warnings).arg(&include).arg(&source).arg(libraries.join(library));
        compile.arg(format!("-Wl,-rpath,{}", libraries.display())).args(["-lm", "-lpthread", "-ldl"]);
        run(compile.arg("-o").arg(&program));
        programs.push(program);
    }
    assert!(!programs.is_empty());
    let offsets = [
        size_of::<Model>(),
        offset_of!(Model, payload),
        offset_of!(Model, payload_len),
        offset_of!(Model, bits),
        offset_of!(Model, inputs),
        offset_of!(Model, hidden),
        offset_of!(Model, outputs),
        offset_of!(Model, scratch_words),
    ];
    let layout = format!("layout {}", offsets.map(|offset| offset.to_string()).join(" "));
    let words =
        [(1, 1, 8), (20, 24, 28), (328, 9, 28), (329, 9, 28), (640, 480, 33), (16_384, 1, 256), (3, 16_384, 256)];
    let words = words
        .iter()
        .map(|&(width, height, side)| Picture::scratch_len(width, height, side).to_string())
        .chain([Picture::digits_scratch_len(329, 9, 28).to_string(), size_of::<Digit>().to_string()])
        .collect::<Vec<_>>();
    let picture = format!("picture crc {:08x} words {}", crc32(&input_of_seven()), words.join(" "));
    let pixels = folder.join("pixels");
    std::fs::write(&pixels, images()).expect("images for the program");
    for program in programs {
        for (name, file) in
            [("int8", integer_model(Bits::Eight)), ("int4", integer_model(Bits::Four)), ("f32", f32_model())]
        {
            let path = folder.join(name);
            std::fs::write(&path, file.bytes()).expect("a model for the program");
            let text = run(Command::new(&program).arg(&path).arg(&pixels));
            let mut lines = text.lines();
            assert_eq!(lines.next(), Some(layout.as_str()));
            assert_eq!(lines.next(), Some(picture.as_str()));
            let answers = answers(&file, &images()).into_iter();
            let expected = answers.map(|(class, _, outputs)| {
                let outputs: Vec<_> = outputs.iter().map(|output| format!(" {output:08x}")).collect();
                let outputs = outputs.concat();
                format!("class {class} outputs{outputs}")
            });
            assert!(lines.eq(expected), "{name}: {text}");
            let mut damaged = file.bytes().to_vec();
            damaged[100] ^= 8;
            std::fs::write(&path, damaged).expect("a model for the program");
            let text = run(Command::new(&program).arg(&path).arg(&pixels));
            assert!(text.contains("\nstatus 5 the model file is corrupted: a checksum does not agree\n"), "{text}");
        }
    }
}
