//! The firmware images of `tests/firmware` on emulated boards, against the host: every output to the bit, and what the
//! images cost.
//!
//! Needs QEMU, GNU's cross tools and a toolchain for the targets (see `tests/firmware/README.md`). Where they are missing the
//! test says so and passes; with `TWOLAYER_REQUIRE_FIRMWARE=1` it fails. With `MNIST_DIR` the networks are trained on MNIST
//! and classify its test images; otherwise the built-in digits serve.
//!
//! `cargo test --release --features ffi --test firmware -- --nocapture` prints the table.

#![allow(clippy::format_push_string, clippy::match_same_arms, reason = "tables, to be read as such")]

mod oracle;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use twolayer::ffi::Status;
use twolayer::host::dataset::digit;
use twolayer::int8::Bits;
use twolayer::int8::quantize::quantize;
use twolayer::model::{self, Kind, Model};
use twolayer::{Backend, INIT_SCALE, Network, Options, Shape, Trainer, fill_initial, weights_hash};

/// Images whose outputs are compared.
const IMAGES: usize = 500;
/// Of these, the first are what the table's counts are the mean of.
const COUNTED: usize = 20;
const INPUTS: usize = 784;
const OUTPUTS: usize = 10;

/// The most an inference may use.
const STACK: u32 = 256;
const SCRATCH: u32 = 4096;
const CODE: u32 = 3000;

/// Boards that all classify: as `tests/firmware/build` and `run` name them, with the variant.
const BOARDS: [(&str, &str); 6] = [
    ("m4", "default"),
    ("m4", "portable"),
    ("m7", "default"),
    ("m33", "default"),
    ("m0", "default"),
    ("riscv", "default"),
];

/// Images and labels to train on and to test with.
struct Digits {
    name: &'static str,
    train: (Vec<u8>, Vec<u8>),
    test: (Vec<u8>, Vec<u8>),
}

fn digits() -> &'static Digits {
    static DIGITS: OnceLock<Digits> = OnceLock::new();
    DIGITS.get_or_init(|| {
        let built_in = |seed, count: u32| {
            let (images, labels): (Vec<_>, Vec<_>) = (0..count).map(|index| digit(seed, index)).unzip();
            (images.concat(), labels)
        };
        let Some(folder) = env::var_os("MNIST_DIR").map(PathBuf::from).filter(|folder| folder.is_dir()) else {
            return Digits { name: "built-in digits", train: built_in(1, 6000), test: built_in(2, 1000) };
        };
        let read = |name: &str, header: usize| {
            let bytes = fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            bytes.get(header..).expect("a whole file").to_vec()
        };
        let set =
            |part| (read(&format!("{part}-images-idx3-ubyte"), 16), read(&format!("{part}-labels-idx1-ubyte"), 8));
        Digits { name: "MNIST", train: set("train"), test: set("t10k") }
    })
}

fn shape(hidden: usize) -> Shape {
    Shape::new(INPUTS, hidden, OUTPUTS).expect("a valid shape")
}

/// Weights after some samples of training: enough to be a network like any other.
fn trained(hidden: usize) -> Vec<f32> {
    let shape = shape(hidden);
    let samples = if hidden > 500 { 6000 } else { 20_000 };
    let (images, labels) = &digits().train;
    let mut weights = vec![0.0; shape.weights_len()];
    fill_initial(shape, &mut weights, 1, INIT_SCALE);
    let options = Options { block: 32, ..Options::default() };
    let mut scratch = vec![0.0; Trainer::scratch_len(shape, options.block)];
    let mut trainer = Trainer::new(shape, &mut weights, &mut scratch, options).expect("buffers of the right length");
    let mut left = samples;
    while left > 0 {
        let count = left.min(labels.len());
        trainer.train(&images[..count * INPUTS], &labels[..count]).expect("sound samples");
        left -= count;
    }
    weights
}

fn file(kind: Kind, shape: Shape, payload: &[u8]) -> Vec<u8> {
    [&model::header(kind, shape, payload).expect("a payload of the right length")[..], payload].concat()
}

fn integer_model(hidden: usize, weights: &[f32], bits: Bits) -> Vec<u8> {
    let shape = shape(hidden);
    let at = |index: usize| weights[index];
    let first: Vec<f32> = (0..INPUTS).flat_map(|i| (0..hidden).map(move |j| shape.w1_index(i, j))).map(at).collect();
    let second: Vec<f32> = (0..hidden).flat_map(|j| (0..OUTPUTS).map(move |k| shape.w2_index(j, k))).map(at).collect();
    let (images, labels) = &digits().train;
    let images = images.chunks_exact(INPUTS).zip(labels.iter().copied()).take(if hidden > 500 { 500 } else { 2000 });
    file(bits.into(), shape, &quantize(shape, bits, &first, &second, images).expect("a sound network"))
}

/// What the images read behind their code: see `tests/firmware/src/lib.rs`.
fn input(model: &[u8], offset: usize, pixels: usize, images: &[u8], labels: &[u8], training: [usize; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [model.len(), images.len() / pixels, pixels, offset].into_iter().chain(training) {
        bytes.extend_from_slice(&u32::try_from(word).expect("a small number").to_le_bytes());
    }
    bytes.resize(64 + offset, 0);
    bytes.extend_from_slice(model);
    bytes.resize(64 + (offset + model.len()).next_multiple_of(4), 0);
    bytes.extend_from_slice(images);
    bytes.extend_from_slice(labels);
    bytes
}

fn script(name: &str) -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/firmware").join(name))
}

/// Everything that the images need is here?
fn ready() -> bool {
    static READY: OnceLock<bool> = OnceLock::new();
    *READY.get_or_init(|| {
        let output = script("check-tools").output();
        let missing = match &output {
            Ok(output) if output.status.success() => return true,
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        eprintln!("SKIPPED: nothing was tried on emulated boards, for want of\n{missing}");
        assert!(env::var_os("TWOLAYER_REQUIRE_FIRMWARE").is_none_or(|value| value != "1"), "{missing}");
        false
    })
}

/// The folder of a board's images, or the C image.
fn build(board: &str, variant: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = if board == "c" { script("build-c") } else { script("build") };
    if board != "c" {
        command.args([board, variant]);
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware");
    let output = command.env("CARGO_TARGET_DIR", target).output().expect("the script runs");
    assert!(output.status.success(), "{board}: {}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// Runs an image; the lines it prints, and whether it ended well.
fn emulate(board: &str, image: &Path, name: &str, input: &[u8]) -> (Vec<String>, bool) {
    let file = PathBuf::from(format!("{}.{board}.{name}.input", image.display()));
    fs::write(&file, input).expect("the input is written beside the image");
    let output = script("run").arg(board).arg(image).arg(&file).output().expect("the script runs");
    let _ = fs::remove_file(&file);
    (String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect(), output.status.success())
}

fn hex(word: &str) -> u32 {
    u32::from_str_radix(word, 16).unwrap_or_else(|_| panic!("not a hexadecimal number: {word}"))
}

/// The number behind a word of a line.
fn field(line: &str, name: &str) -> u32 {
    let mut words = line.split(' ').skip_while(|word| *word != name);
    hex(words.nth(1).unwrap_or_else(|| panic!("no {name} in: {line}")))
}

/// What an image said of itself.
struct Report {
    scratch: u32,
    /// Instructions of each image.
    instructions: Vec<f64>,
    stack: u32,
    answers: Vec<(u32, Vec<u32>)>,
}

fn classify(board: &str, image: &Path, name: &str, input: &[u8]) -> Report {
    let (lines, success) = emulate(board, image, name, input);
    assert!(success, "{board}: {lines:?}");
    let ticks = match board {
        "m33" => 2.56,
        "riscv" => 1.0,
        _ => 3.2,
    };
    let mut report = Report { scratch: 0, instructions: Vec::new(), stack: 0, answers: Vec::new() };
    for line in &lines {
        if line.starts_with("opened") {
            report.scratch = field(line, "scratch");
        } else {
            assert!(line.starts_with("image"), "{board}: {line}");
            report.instructions.push(f64::from(field(line, "ticks")) / ticks);
            report.stack = report.stack.max(field(line, "stack"));
            let outputs = line.split_once(" outputs ").expect("outputs").1;
            report.answers.push((field(line, "class"), outputs.split(' ').map(hex).collect()));
        }
    }
    report
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.iter().map(|_| 1.0).sum::<f64>()
}

/// The host's answers of an integer model, which must be those of its definition too.
fn host_answers(bytes: &[u8], pixels: &[u8]) -> Vec<(u32, Vec<u32>)> {
    let mut words = vec![0u32; bytes.len().div_ceil(4)];
    let aligned = &mut bytemuck::cast_slice_mut::<u32, u8>(&mut words)[..bytes.len()];
    aligned.copy_from_slice(bytes);
    let model = Model::from_bytes(aligned).expect("a sound model");
    let network = model.quantized().expect("a sound payload");
    let mut scratch = vec![0; network.scratch_len()];
    let answer = |pixels: &[u8]| {
        let mut outputs = vec![0; model.shape().outputs()];
        network.outputs(pixels, &mut scratch, &mut outputs).expect("buffers of the right length");
        let defined = oracle::outputs(model.shape(), network.bits(), model.payload(), pixels);
        assert_eq!(outputs.iter().map(|&output| i64::from(output)).collect::<Vec<_>>(), defined);
        let class = u32::try_from(oracle::class(&defined)).expect("a small class");
        (class, outputs.into_iter().map(i32::cast_unsigned).collect())
    };
    pixels.chunks_exact(model.shape().inputs()).map(answer).collect()
}

/// Bytes of code and constants of an image's inference, with opening a model and without; and its symbols with `panic`.
///
/// Counted is every symbol but those of the program round it: what the compiler merged or took from its own library for
/// inference is in. In the Rust image only `inference_…` and what it alone calls is kept apart from the program.
fn code(image: &Path) -> (u32, u32, usize) {
    const PROGRAM: [&str; 14] = [
        "twolayer_main",
        "exit",
        "prepare",
        "fault",
        "start",
        "leave",
        "print",
        "field",
        "vectors",
        "run",
        "text",
        "hex",
        "painted_depth",
        "paint",
    ];
    const OPENING: [&str; 7] =
        ["mem", "from_bytes", "inference_open", "twolayer_open", "crc32", "model11payload_len", "hidden_padded"];
    let nm = Command::new("arm-none-eabi-nm").args(["--print-size"]).arg(image).output().expect("nm runs");
    let text = String::from_utf8_lossy(&nm.stdout).into_owned();
    let (mut opening, mut rest) = (0, 0);
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [_, size, kind, name] = words[..]
            && !"bB".contains(kind)
            && !PROGRAM.contains(&name)
            && !name.contains("twolayer_firmware")
            && !name.starts_with(".Lanon")
            // memset and memcpy are the Rust program's own; in the C image opening alone calls memcpy (its disassembly says).
            && (!name.contains("mem") || image.ends_with("classify-c"))
        {
            if OPENING.iter().any(|part| name.contains(part)) { opening += hex(size) } else { rest += hex(size) }
        }
    }
    (opening + rest, rest, text.lines().filter(|line| line.contains("panic")).count())
}

/// The most instructions an image may take, as the mean of 20 digits: five per cent above what was counted, for other
/// compilers than CI's.
fn limit(board: &str, variant: &str, bits: Bits, hidden: usize) -> Option<f64> {
    Some(match (board, variant, bits, hidden) {
        ("m4", "default", Bits::Eight, 64) => 13_300.0,
        ("m4", "default", Bits::Eight, 128) => 22_600.0,
        ("m4", "default", Bits::Eight, 1000) => 164_000.0,
        ("m4", "default", Bits::Four, 64) => 14_200.0,
        ("m4", "default", Bits::Four, 1000) => 180_000.0,
        ("m4", "portable", Bits::Eight, 64) => 25_000.0,
        ("m0", "default", Bits::Eight, 64) => 43_600.0,
        ("riscv", "default", Bits::Eight, 64) => 30_500.0,
        _ => return None,
    })
}

#[test]
fn every_board_computes_what_the_host_computes() {
    if !ready() {
        return;
    }
    let mut images: Vec<(&str, &str, PathBuf)> =
        BOARDS.iter().map(|&(board, variant)| (board, variant, build(board, variant).join("classify"))).collect();
    images.push(("m4", "C", build("c", "")));
    images.push(("microbit", "default", build("microbit", "default").join("classify")));
    let mut failures = Vec::new();
    let mut table = format!("{}: instructions an image, mean of {COUNTED} ({})\n", "784 -> H -> 10", digits().name);
    let (pixels, labels) = &digits().test;
    for hidden in [32, 64, 128, 1000] {
        let weights = trained(hidden);
        for bits in [Bits::Eight, Bits::Four] {
            let model = integer_model(hidden, &weights, bits);
            let expected = host_answers(&model, &pixels[..IMAGES * INPUTS]);
            let right = expected.iter().zip(labels).filter(|(answer, label)| answer.0 == u32::from(**label)).count();
            assert!(right * 10 > IMAGES * 7, "only {right} of {IMAGES} right: not a trained network");
            for (board, variant, image) in &images {
                // The other widths once; the small board has room for 200 images beside the small model.
                if hidden != 64 && (*board, *variant) != ("m4", "default") || *board == "microbit" && bits == Bits::Four
                {
                    continue;
                }
                let count = if *board == "microbit" { 200 } else { IMAGES };
                let input = input(&model, 0, INPUTS, &pixels[..count * INPUTS], &[], [0; 4]);
                let report = classify(board, image, &format!("{hidden}.{bits:?}"), &input);
                assert_eq!(report.answers, expected[..count], "{board} {variant} {hidden} {bits:?}");
                let instructions = mean(&report.instructions[..COUNTED]);
                table += &format!(
                    "{board:8} {variant:8} H={hidden:<4} {bits:?}: {instructions:8.0} instructions, {} B of stack, {} B of \
                     scratch, {} B of weights\n",
                    report.stack,
                    report.scratch,
                    model.len() - 64
                );
                if let Some(limit) = limit(board, variant, bits, hidden)
                    && instructions > limit
                {
                    failures
                        .push(format!("{board} {variant} {hidden} {bits:?}: {instructions} instructions > {limit}"));
                }
                if report.stack > STACK {
                    failures.push(format!("{board} {variant} {hidden} {bits:?}: {} bytes of stack", report.stack));
                }
                if hidden == 64 && report.scratch > SCRATCH {
                    failures.push(format!("{board} {variant} {hidden} {bits:?}: {} bytes of scratch", report.scratch));
                }
            }
            let weights = match (bits, hidden) {
                (Bits::Four, 64) => 25_800,
                (Bits::Four, 1000) => 412_000,
                _ => usize::MAX,
            };
            assert!(model.len() - 64 <= weights, "{} bytes of weights", model.len() - 64);
        }
        if hidden == 64 {
            let model = integer_model(hidden, &weights, Bits::Eight);
            let white = [255; INPUTS];
            let report = classify("m4", &images[0].2, "white", &input(&model, 0, INPUTS, &white, &[], [0; 4]));
            assert_eq!(report.answers, host_answers(&model, &white));
            table += &format!("m4 H=64 all white: {:.0} instructions\n", report.instructions[0]);
            assert!(report.instructions[0] <= 54_500.0, "all white: {} instructions", report.instructions[0]);
        }
    }
    for (board, variant, image) in &images {
        let (all, inference, panics) = code(image);
        table +=
            &format!("{board:8} {variant:8} code: {inference} B of inference, {all} B with opening and checksum\n");
        // Where words of any alignment are read byte by byte, and in C with its statuses, opening takes some more.
        let counted = if ["m4", "m7", "m33"].contains(board) && *variant == "default" { all } else { inference };
        if counted > CODE {
            failures.push(format!("{board} {variant}: {counted} bytes of code"));
        }
        assert_eq!(panics, 0, "{board} {variant}: symbols with panic");
    }
    eprintln!("{table}");
    assert!(failures.is_empty(), "{table}\n{failures:#?}");
}

#[test]
fn odd_shapes_and_extreme_weights() {
    if !ready() {
        return;
    }
    let images = BOARDS.iter().chain(&[("microbit", "default")]);
    let images: Vec<_> =
        images.map(|&(board, variant)| (board, variant, build(board, variant).join("classify"))).collect();
    // Every weight, or random ones, and the shift.
    let usual = [(None, 6), (Some(0), 6), (Some(255), 6), (None, 1), (None, 24)];
    // Tiles partly filled, outputs beside the blocks of five, more pixels than lanes hold, and so many that an activation is
    // not zero after the largest shift.
    for (inputs, hidden, outputs, cases) in [
        (785, 33, 11, &usual[..]),
        (1, 1, 1, &usual),
        (2503, 17, 4, &usual),
        (90, 130, 23, &usual),
        (600, 35, 6, &usual),
        (16_600, 1, 1, &[(Some(255), 24)]),
    ] {
        let shape = Shape::new(inputs, hidden, outputs).expect("a valid shape");
        for bits in [Bits::Eight, Bits::Four] {
            for &(weight, shift) in cases {
                let mut state = 7u64;
                let mut next = || {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    state.to_be_bytes()[0]
                };
                let mut payload = vec![0; bits.payload_len(shape).expect("a small shape")];
                payload[16..].fill_with(|| weight.unwrap_or_else(&mut next));
                payload[0] = shift;
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
                let model = file(bits.into(), shape, &payload);
                let expected = host_answers(&model, &pixels);
                let input = input(&model, 0, inputs, &pixels, &[], [0; 4]);
                for (board, variant, image) in &images {
                    // The small board has memory for the scratch of some 2000 pixels.
                    if *board == "microbit" && inputs > 2000 {
                        continue;
                    }
                    let report = classify(board, image, "odd", &input);
                    assert_eq!(report.answers, expected, "{board} {variant} {shape:?} {bits:?} {weight:?} {shift}");
                }
            }
        }
    }
}

/// 600 pixels of levels 1 to 4 by turns until a level has as many as here: one more than whole batches of 128 (and of 16)
/// twice, whole batches, and one more than whole batches of 17.
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

/// What is wrong with a model in flash, and the status that the images must print.
#[test]
fn damaged_and_misaligned_models_are_refused() {
    if !ready() {
        return;
    }
    let images = [
        ("m4", build("m4", "default").join("classify")),
        ("m4", build("c", "")),
        ("m33", build("m33", "default").join("classify")),
        ("m0", build("m0", "default").join("classify")),
        ("riscv", build("riscv", "default").join("classify")),
    ];
    let shape = Shape::new(20, 16, 3).expect("a valid shape");
    let mut payload = vec![7; Bits::Eight.payload_len(shape).expect("a small shape")];
    payload[..16].fill(0);
    payload[0] = 5;
    let good = file(Kind::Int8, shape, &payload);
    let flipped = |bit: usize| {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    payload[0] = 30;
    let shifted = file(Kind::Int8, shape, &payload);
    let floats = file(Kind::F32, shape, &vec![0; shape.weights_len() * 4]);
    let cases = [
        (flipped(3), 0, Status::Magic),
        (flipped(8 * 8), 0, Status::Header),
        (flipped(13 * 8), 0, Status::Checksum),
        (flipped(64 * 8), 0, Status::Checksum),
        (flipped(200 * 8 + 7), 0, Status::Checksum),
        (good[..63].to_vec(), 0, Status::Length),
        (good[..good.len() - 1].to_vec(), 0, Status::Length),
        (good.clone(), 1, Status::Misaligned),
        (good.clone(), 2, Status::Misaligned),
        (good.clone(), 3, Status::Misaligned),
        (shifted, 0, Status::Payload),
        (floats, 0, Status::Kind),
    ];
    for (number, (model, offset, status)) in cases.iter().enumerate() {
        let input = input(model, *offset, 20, &[1; 20], &[], [0; 4]);
        for (board, image) in &images {
            let (lines, success) = emulate(board, image, "damaged", &input);
            assert!(!success, "{board}, case {number}: {lines:?}");
            assert_eq!(lines[0], format!("refused {:08x}", *status as u32), "{board}, case {number}");
        }
    }
}

#[test]
fn f32_outputs_are_the_hosts_bits() {
    if !ready() {
        return;
    }
    let (hidden, pixels) = (64, &digits().test.0[..IMAGES * INPUTS]);
    let weights = trained(hidden);
    let network = Network::new(shape(hidden), &weights, Backend::detect()).expect("weights of the right length");
    let mut scratch = vec![0.0; Network::scratch_len(shape(hidden), IMAGES)];
    let (mut outputs, mut classes) = (vec![0.0; IMAGES * OUTPUTS], vec![0; IMAGES]);
    network.outputs(pixels, &mut scratch, &mut outputs).expect("buffers of the right length");
    network.classify(pixels, &mut scratch, &mut classes).expect("buffers of the right length");
    let outputs = outputs.chunks_exact(OUTPUTS).map(|outputs| outputs.iter().map(|output| output.to_bits()).collect());
    let expected: Vec<(u32, Vec<u32>)> = classes.into_iter().map(u32::from).zip(outputs).collect();
    let model = file(Kind::F32, shape(hidden), bytemuck::cast_slice(&weights));
    let input = input(&model, 0, INPUTS, pixels, &[], [0; 4]);
    for board in ["m4", "m7"] {
        let image = build(board, "default").join("classify-f32");
        let report = classify(board, &image, "f32", &input);
        assert_eq!(report.answers, expected, "{board}");
        assert_eq!(code(&image).2, 0, "{board}: symbols with panic");
        let instructions = mean(&report.instructions[..COUNTED]);
        eprintln!(
            "{board} f32 H=64: {instructions:.0} instructions, {} B of stack, {} B of scratch",
            report.stack, report.scratch
        );
    }
}

#[test]
fn training_on_the_device_ends_with_the_hosts_weights() {
    if !ready() {
        return;
    }
    let (shape, samples, seed) = (shape(32), 320, 7);
    let (images, labels) = (&digits().train.0[..samples * INPUTS], &digits().train.1[..samples]);
    for block in [1, 4] {
        let mut weights = vec![0.0; shape.weights_len()];
        fill_initial(shape, &mut weights, seed, INIT_SCALE);
        let options = Options { block, ..Options::default() };
        let mut scratch = vec![0.0; Trainer::scratch_len(shape, block)];
        let mut trainer =
            Trainer::new(shape, &mut weights, &mut scratch, options).expect("buffers of the right length");
        let errors = trainer.train(images, labels).expect("sound samples");
        let hash = weights_hash(shape, &weights);
        let tail = format!("error {:08x} hash {:08x} {:08x}", errors.last.to_bits(), hash >> 32, hash & 0xFFFF_FFFF);
        let input = input(&[], 0, INPUTS, images, labels, [32, OUTPUTS, block, 7]);
        for board in ["m4", "m7"] {
            let image = build(board, "default").join("train");
            let (lines, success) = emulate(board, &image, &format!("train{block}"), &input);
            assert!(success && lines.len() == 1 && lines[0].ends_with(&tail), "{board}: {lines:?}, not {tail}");
            assert_eq!(code(&image).2, 0, "{board}: symbols with panic");
            eprintln!("{board} training, blocks of {block}: {} ticks, {tail}", field(&lines[0], "ticks"));
        }
    }
}
