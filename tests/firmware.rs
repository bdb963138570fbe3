//! Runs the firmware images of `tests/firmware` on emulated boards. Compares every output with the host's, bit for bit,
//! and limits instructions, stack, scratch and code size.
//!
//! Needs QEMU, the GNU cross tools and a Rust toolchain for the targets (see `tests/firmware/README.md`). If they are
//! missing, the tests are skipped with a message, or fail if `TWOLAYER_REQUIRE_FIRMWARE=1` is set. The networks are
//! trained and tested on MNIST if `MNIST_DIR` is set, and on the built-in digits otherwise.
//!
//! Chosen boards and networks, in a few minutes; all of them with `TWOLAYER_FIRMWARE_ALL=1`, in a quarter of an hour. With
//! `-- --nocapture` a table of the measurements is printed.

#![allow(clippy::format_push_string, clippy::match_same_arms, reason = "readability of tables")]

mod oracle;
mod payload;
mod pictures;
mod tools;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::{env, fs};

use payload::{Payload, odd_images, random};
use pictures::Grey;
use tools::{all_cases, has_boards};
use twolayer::ffi::Status;
use twolayer::host::quantize_samples;
use twolayer::model::{self, Model};
use twolayer::picture::{Ink, Picture};
use twolayer::{
    Answer, Backend, Bits, INIT_SCALE, Kind, LossFunction, Network, QuantizedNetwork, Shape, TrainOptions, Trainer,
    Weights, WeightsMut, crc32, digit, fill_initial, fill_scaled, weights_hash,
};

/// The number of images whose outputs are compared.
const IMAGES: usize = 500;
/// The number of images over which instruction counts are averaged: the first of them.
const COUNTED: usize = 20;
const INPUTS: usize = 784;
const OUTPUTS: usize = 10;

/// Limits for one inference, in bytes.
const STACK: u32 = 256;
const SCRATCH: u32 = 1800;
const CODE: u32 = 3050;

/// Says what is done now, whether or not the output of tests is captured.
fn say(what: &str) {
    let _ = writeln!(io::stderr(), "firmware: {what}");
}

/// The boards to be tried.
fn boards() -> impl Iterator<Item = (&'static str, &'static str)> {
    BOARDS.into_iter().filter(|board| all_cases() || CHOSEN.contains(board))
}

/// The assembly, and the portable kernel for a core of few registers and for another instruction set.
const CHOSEN: [(&str, &str); 3] = [("m4", "default"), ("m0", "default"), ("riscv", "default")];

/// Boards and variants, by their names in `tests/firmware/build` and `run`.
const BOARDS: [(&str, &str); 8] = [
    ("m4", "default"),
    ("m4", "portable"),
    ("m7", "default"),
    ("m33", "default"),
    ("m0", "default"),
    ("riscv", "default"),
    ("m3", "default"),
    ("m55", "default"),
];

/// The same for C, by their names in `tests/firmware/build-c`: boards, and ABIs that are not the board's usual one.
const C_BOARDS: [(&str, &str); 10] = [
    ("m4", "C"),
    ("m4", "C soft"),
    ("m4", "C softfp"),
    ("m33", "C"),
    ("m33", "C soft"),
    ("m33", "C softfp"),
    ("m55", "C"),
    ("m3", "C"),
    ("m0", "C"),
    ("riscv", "C"),
];

/// A training set and a test set: images and labels.
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

/// The weights of a network after a short training run.
fn trained(hidden: usize) -> Vec<f32> {
    let shape = shape(hidden);
    let samples = if hidden > 500 { 6000 } else { 20_000 };
    let (images, labels) = &digits().train;
    let mut numbers = vec![0.0; shape.weights_len()];
    let mut weights = WeightsMut::new(shape, &mut numbers).expect("as many as the shape has");
    fill_initial(&mut weights, 1, INIT_SCALE);
    let options = TrainOptions { block: 32, ..TrainOptions::default() };
    let mut scratch = vec![0.0; Trainer::scratch_len(shape, options.block)];
    let mut trainer = Trainer::new(weights, &mut scratch, options).expect("buffers of the right length");
    let mut left = samples;
    while left > 0 {
        let count = left.min(labels.len());
        trainer.train(&images[..count * INPUTS], &labels[..count]).expect("sound samples");
        left -= count;
    }
    numbers
}

fn file(kind: Kind, shape: Shape, payload: &[u8]) -> Vec<u8> {
    [
        &model::header(kind, shape, model::Details::default(), payload).expect("a payload of the right length")[..],
        payload,
    ]
    .concat()
}

fn integer_model(hidden: usize, weights: &[f32], bits: Bits) -> Vec<u8> {
    let weights = Weights::new(shape(hidden), weights).expect("as many as the shape has");
    let (images, labels) = &digits().train;
    let count = if hidden > 500 { 500 } else { 2000 };
    let quantized =
        quantize_samples(weights, bits, &images[..count * INPUTS], &labels[..count]).expect("a sound network");
    file(Kind::Quantized(bits), shape(hidden), quantized.payload())
}

/// The input that firmware images read from flash, after their code: see `tests/firmware/src/lib.rs`.
fn input(model: &[u8], offset: usize, pixels: usize, images: &[u8], labels: &[u8], training: [usize; 5]) -> Vec<u8> {
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

/// Builds the images of a board and returns their directory, or the path of the C image for "C" and an ABI.
fn build(board: &str, variant: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (name, variant) = variant.strip_prefix('C').map_or(("build", variant), |abi| ("build-c", abi));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware");
    say(&format!("{name} {board} {variant}"));
    let mut command = script(name);
    command.arg(board).args(variant.split_whitespace()).env("CARGO_TARGET_DIR", target);
    let output = command.output().expect("the script runs");
    assert!(output.status.success(), "{board}: {}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// Runs an image, and returns the lines that it prints and whether it succeeded.
fn emulate(board: &str, image: &Path, name: &str, input: &[u8]) -> (Vec<String>, bool) {
    let file = PathBuf::from(format!("{}.{board}.{name}.input", image.display()));
    fs::write(&file, input).expect("the input is written beside the image");
    if name != "odd" && name != "damaged" {
        say(&format!("running {} on {board}: {name}", image.file_name().unwrap_or_default().display()));
    }
    let output = script("run").arg(board).arg(image).arg(&file).output().expect("the script runs");
    let _ = fs::remove_file(&file);
    (String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect(), output.status.success())
}

fn hex(word: &str) -> u32 {
    u32::from_str_radix(word, 16).unwrap_or_else(|_| panic!("not a hexadecimal number: {word}"))
}

/// The hexadecimal number after the word `name` in a line.
fn field(line: &str, name: &str) -> u32 {
    let mut words = line.split(' ').skip_while(|word| *word != name);
    hex(words.nth(1).unwrap_or_else(|| panic!("no {name} in: {line}")))
}

/// The measurements and results that an image prints.
#[derive(Debug)]
struct Report {
    scratch: u32,
    /// The number of instructions for each image.
    instructions: Vec<f64>,
    stack: u32,
    results: Vec<(u32, Vec<u32>)>,
}

fn classify(board: &str, image: &Path, name: &str, input: &[u8]) -> Report {
    let (lines, success) = emulate(board, image, name, input);
    assert!(success, "{board}: {lines:?}");
    let ticks = match board {
        "m33" => 2.56,
        "m55" => f64::INFINITY, // has no counter
        "riscv" => 1.0,
        _ => 3.2,
    };
    let mut report = Report { scratch: 0, instructions: Vec::new(), stack: 0, results: Vec::new() };
    for line in &lines {
        if line.starts_with("opened") {
            report.scratch = field(line, "scratch");
        } else {
            assert!(line.starts_with("image"), "{board}: {line}");
            report.instructions.push(f64::from(field(line, "ticks")) / ticks);
            report.stack = report.stack.max(field(line, "stack"));
            let outputs = line.split_once(" outputs ").expect("outputs").1;
            report.results.push((field(line, "class"), outputs.split(' ').map(hex).collect()));
        }
    }
    report
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.iter().map(|_| 1.0).sum::<f64>()
}

/// The classes and outputs of an integer model on the host, checked against its definition.
fn host_results(bytes: &[u8], pixels: &[u8]) -> Vec<(u32, Vec<u32>)> {
    let mut words = vec![0u32; bytes.len().div_ceil(4)];
    let aligned = &mut bytemuck::cast_slice_mut::<u32, u8>(&mut words)[..bytes.len()];
    aligned.copy_from_slice(bytes);
    let model = Model::from_bytes(aligned).expect("a sound model");
    let network = model.quantized_any().expect("a sound payload");
    let mut scratch = vec![0; QuantizedNetwork::scratch_len(model.shape())];
    let answer = |pixels: &[u8]| {
        let outputs = network.outputs(pixels, &mut scratch).expect("buffers of the right length");
        let defined = oracle::outputs(model.shape(), network.bits(), model.payload(), pixels);
        assert_eq!(outputs.iter().map(|&output| i64::from(output)).collect::<Vec<_>>(), defined);
        let class = oracle::class(&defined).into();
        (class, outputs.iter().map(|output| output.cast_unsigned()).collect())
    };
    pixels.chunks_exact(model.shape().pixels()).map(answer).collect()
}

/// The bytes of code and constants for inference, with and without opening a model, and the number of symbols that
/// contain `panic`.
///
/// Counts all symbols except those of the surrounding program, so that merged functions and library functions of the
/// compiler are included. In the Rust image, `inference_…` and the functions that only it calls are separate from the
/// program.
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
    const OPENING: [&str; 9] = [
        "mem",
        "from_bytes",
        "header",
        "verify",
        "inference_open",
        "twolayer_open",
        "crc32",
        "payload_len",
        "hidden_padded",
    ];
    let nm = Command::new("arm-none-eabi-nm").args(["--print-size"]).arg(image).output().expect("nm runs");
    let text = String::from_utf8_lossy(&nm.stdout).into_owned();
    let (mut opening, mut rest) = (0, 0);
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [_, size, kind, name] = words[..]
            && !"bB".contains(kind)
            && !PROGRAM.contains(&name)
            && !name.contains("twolayer_firmware")
            // The Rust image writes what is wrong with a model as C's status.
            && !(name.contains("ffi") && name.contains("Status"))
            && !name.starts_with(".Lanon")
            // In the Rust image, only the program calls memset and memcpy; in the C image, only opening calls memcpy.
            && (!name.contains("mem") || image.ends_with("classify-c"))
        {
            if OPENING.iter().any(|part| name.contains(part)) { opening += hex(size) } else { rest += hex(size) }
        }
    }
    (opening + rest, rest, text.lines().filter(|line| line.contains("panic")).count())
}

/// The limit for the mean instructions per image: 5 % above the measured count, for other compiler versions.
fn limit(board: &str, variant: &str, bits: Bits, hidden: usize) -> Option<f64> {
    Some(match (board, variant, bits, hidden) {
        ("m4", "default", Bits::Eight, 64) => 12_700.0,
        ("m4", "default", Bits::Eight, 128) => 21_600.0,
        ("m4", "default", Bits::Eight, 1000) => 163_000.0,
        ("m4", "default", Bits::Four, 64) => 13_600.0,
        ("m4", "default", Bits::Four, 1000) => 180_000.0,
        ("m4", "portable", Bits::Eight, 64) => 25_000.0,
        ("m0", "default", Bits::Eight, 64) => 43_600.0,
        ("riscv", "default", Bits::Eight, 64) => 30_500.0,
        _ => return None,
    })
}

#[test]
fn every_board_gives_the_same_outputs_as_the_host() {
    if !has_boards() {
        return;
    }
    let mut images: Vec<(&str, &str, PathBuf)> =
        boards().map(|(board, variant)| (board, variant, build(board, variant).join("classify"))).collect();
    let c_images = C_BOARDS.iter().filter(|board| all_cases() || **board == ("m4", "C"));
    images.extend(c_images.map(|&(board, variant)| (board, variant, build(board, variant))));
    if all_cases() {
        images.push(("microbit", "default", build("microbit", "default").join("classify")));
    }
    let mut failures = Vec::new();
    let mut table = format!("{}: instructions an image, mean of {COUNTED} ({})\n", "784 -> H -> 10", digits().name);
    let (pixels, labels) = &digits().test;
    for hidden in if all_cases() { &[32, 64, 128, 1000][..] } else { &[64] }.iter().copied() {
        say(&format!("training and quantising a network of {hidden} hidden units"));
        let weights = trained(hidden);
        for bits in [Bits::Eight, Bits::Four] {
            let model = integer_model(hidden, &weights, bits);
            let expected = host_results(&model, &pixels[..IMAGES * INPUTS]);
            let right = expected.iter().zip(labels).filter(|(answer, label)| answer.0 == u32::from(**label)).count();
            assert!(right * 10 > IMAGES * 7, "only {right} of {IMAGES} right: not a trained network");
            for (board, variant, image) in &images {
                // Other widths are tested on one board only; the micro:bit has room for 200 images and the small model.
                if hidden != 64 && (*board, *variant) != ("m4", "default") || *board == "microbit" && bits == Bits::Four
                {
                    continue;
                }
                let count = if *board == "microbit" { 200 } else { IMAGES };
                let input = input(&model, 0, INPUTS, &pixels[..count * INPUTS], &[], [0; 5]);
                let report = classify(board, image, &format!("{hidden}.{bits:?}"), &input);
                assert_eq!(report.results, expected[..count], "{board} {variant} {hidden} {bits:?}");
                let instructions = mean(&report.instructions[..COUNTED]);
                table += &format!(
                    "{board:8} {variant:8} H={hidden:<4} {bits:?}: {instructions:8.0} instructions, {} B of stack, {} \
                     B of scratch, {} B of weights\n",
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
                // Armv6-M has fewer registers; C has the network itself on the stack, and its own status.
                let stack = match (*board, *variant) {
                    ("m0" | "m3", "C") => STACK + 120,
                    (_, variant) if variant.starts_with('C') => STACK + 56,
                    _ => STACK,
                };
                if report.stack > stack {
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
            let report = classify("m4", &images[0].2, "white", &input(&model, 0, INPUTS, &white, &[], [0; 5]));
            assert_eq!(report.results, host_results(&model, &white));
            table += &format!("m4 H=64 all white: {:.0} instructions\n", report.instructions[0]);
            assert!(report.instructions[0] <= 50_500.0, "all white: {} instructions", report.instructions[0]);
            for bits in [Bits::Eight, Bits::Four] {
                let model = integer_model(hidden, &weights, bits);
                // The micro:bit has less room, and the M55 no counter.
                let has_info = |board| !["microbit", "m55"].contains(&board);
                for (board, _, image) in images.iter().filter(|image| image.1 == "default" && has_info(image.0)) {
                    check_info(board, image, &model);
                }
            }
        }
    }
    for (board, variant, image) in &images {
        let (all, inference, panics) = code(image);
        table +=
            &format!("{board:8} {variant:8} code: {inference} B of inference, {all} B with opening and checksum\n");
        // Opening a model is larger where unaligned words are read byte by byte, and in C with its status codes.
        let counted = if ["m4", "m7", "m33", "m55"].contains(board) && *variant == "default" { all } else { inference };
        // Without DSP instructions, C takes more.
        let limit = if ["m0", "m3", "riscv"].contains(board) && *variant == "C" { CODE + 800 } else { CODE };
        if counted > limit {
            failures.push(format!("{board} {variant}: {counted} bytes of code"));
        }
        assert_eq!(panics, 0, "{board} {variant}: symbols with panic");
    }
    eprintln!("{table}");
    assert!(failures.is_empty(), "{table}\n{failures:#?}");
}

/// Asserts that `twolayer info --board` says what a model takes, up to how well it is fitted.
fn check_info(board: &str, image: &Path, model: &[u8]) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("info.{board}.twolayer"));
    fs::write(&path, model).expect("a file can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_twolayer"));
    let said = command.args(["info", "--board", board]).arg(path).output().expect("the program runs").stdout;
    let said = String::from_utf8(said).expect("text");
    let words = |line: &str| said.lines().find_map(|found| found.strip_prefix(line)).expect(line).split(' ');
    let numbers = |line| words(line).filter_map(|word| word.parse().ok()).collect::<Vec<f64>>();
    let ([digit, blank, worst], [ram, scratch, stack]) = (&numbers("image     ")[..], &numbers("RAM       ")[..])
    else {
        panic!("{said}")
    };
    let pixels = [&digits().test.0[..COUNTED * INPUTS], &[0; INPUTS], &[255; INPUTS]].concat();
    let report = classify(board, image, "info", &input(model, 0, INPUTS, &pixels, &[], [0; 5]));
    let ratio = |said: &f64, found: f64| said / found;
    assert!((0.9..1.1).contains(&ratio(digit, mean(&report.instructions[..COUNTED]))), "{board}: {report:?} {said}");
    assert!((0.85..1.15).contains(&ratio(blank, report.instructions[COUNTED])), "{board}: {report:?} {said}");
    assert!((0.98..1.25).contains(&ratio(worst, report.instructions[COUNTED + 1])), "{board}: {report:?} {said}");
    assert_eq!((*scratch, *ram), (report.scratch.into(), scratch + stack), "{board}: {said}");
    assert!((0.9..1.1).contains(&ratio(stack, report.stack.into())), "{board}: {} {said}", report.stack);
}

/// A trained network, as it would be for pixels from which their mean is taken off: biases make up for it.
fn with_biases(hidden: usize, weights: &[f32]) -> Vec<f32> {
    let (plain, shape) = (Weights::new(shape(hidden), weights).expect("as many as the shape has"), shape(hidden));
    let mut numbers = weights.to_vec();
    numbers.resize(shape.with_biases().weights_len(), 0.0);
    let mut biased = WeightsMut::new(shape.with_biases(), &mut numbers).expect("as many as the shape has");
    for j in 0..hidden {
        let sum: f32 = (0..INPUTS).filter_map(|i| plain.w1(i, j)).sum();
        *biased.b1_mut(j).expect("a bias") = -33.0 * sum;
    }
    for (k, bias) in (0..OUTPUTS).zip([0.02_f32, -0.01, 0.03, 0.0, 0.01].into_iter().cycle()) {
        *biased.b2_mut(k).expect("a bias") = bias;
    }
    numbers
}

/// A network for halved or deslanted images, trained briefly.
fn prepared_model(shape: Shape, bits: Bits) -> Vec<u8> {
    let (images, labels) = &digits().train;
    let labels = &labels[..6000];
    let images = &images[..labels.len() * INPUTS];
    let mut numbers = vec![0.0; shape.weights_len()];
    let mut weights = WeightsMut::new(shape, &mut numbers).expect("as many as the shape has");
    fill_scaled(&mut weights, 1);
    let options = TrainOptions { alpha: 5e-5, loss: LossFunction::CrossEntropy, ..TrainOptions::default() };
    let mut scratch = vec![0.0; Trainer::scratch_len(shape, options.block)];
    let mut trainer = Trainer::new(weights, &mut scratch, options).expect("buffers of the right length");
    trainer.train(images, labels).expect("sound samples");
    let quantized = quantize_samples(trainer.weights(), bits, &images[..2000 * INPUTS], &labels[..2000]);
    file(Kind::Quantized(bits), shape, quantized.expect("a sound network").payload())
}

#[test]
fn networks_with_biases_give_the_hosts_outputs() {
    if !has_boards() {
        return;
    }
    let boards = boards().filter(|(board, _)| !["m7", "m33", "m3", "m55"].contains(board));
    let images: Vec<_> =
        boards.map(|(board, variant)| (board, variant, build(board, variant).join("classify-biased"))).collect();
    let hidden = 64;
    let weights = with_biases(hidden, &trained(hidden));
    let biased = shape(hidden).with_biases();
    let weights = Weights::new(biased, &weights).expect("as many as the shape has");
    let (train, labels) = &digits().train;
    let pixels = &digits().test.0[..100 * INPUTS];
    for bits in [Bits::Eight, Bits::Four] {
        let quantized =
            quantize_samples(weights, bits, &train[..2000 * INPUTS], &labels[..2000]).expect("a sound network");
        let biased_model = file(Kind::Quantized(bits), biased, quantized.payload());
        // The same image takes networks without biases.
        let plain_model = integer_model(hidden, &trained(hidden), bits);
        // And those that halve or deslant their images.
        let halved = Shape::new(INPUTS / 4, 128, OUTPUTS).and_then(|shape| shape.with_halved_images([28, 28]));
        let halved = halved.expect("a valid shape");
        let both = halved.with_deslanted_images([28, 28]).expect("short sides");
        let deslanted = shape(hidden).with_deslanted_images([28, 28]).expect("short sides");
        let [halved, both, deslanted] = [halved, both, deslanted].map(|shape| prepared_model(shape, bits));
        for (name, model) in [
            ("biased", &biased_model),
            ("plain", &plain_model),
            ("halved", &halved),
            ("deslanted", &deslanted),
            ("deslanted-halved", &both),
        ] {
            let expected = host_results(model, pixels);
            let input = input(model, 0, INPUTS, pixels, &[], [0; 5]);
            for (board, variant, image) in &images {
                let report = classify(board, image, &format!("{name}.{bits:?}"), &input);
                assert_eq!(report.results, expected, "{board} {variant} {name} {bits:?}");
                eprintln!(
                    "{board:8} {variant:8} {name} network, {bits:?}: {:8.0} instructions, {} B of stack",
                    mean(&report.instructions[..COUNTED]),
                    report.stack
                );
                // Deslanting has more of it, and two rows of 64 pixels where images are halved too.
                let more = if name.starts_with("deslanted") { 420 } else { 48 };
                assert!(report.stack <= STACK + more, "{} bytes of stack", report.stack);
            }
        }
        let input = input(&biased_model, 0, INPUTS, pixels, &[], [0; 5]);
        let (lines, success) = emulate("m4", &build("m4", "default").join("classify"), "biases", &input);
        assert!(!success && lines[0] == format!("refused {:08x}", Status::Kind as u32), "{lines:?}");
    }
    for (board, variant, image) in &images {
        let (all, inference, panics) = code(image);
        eprintln!("{board:8} {variant:8} code with biases: {inference} B of inference, {all} B with opening");
        assert_eq!(panics, 0, "{board} {variant}: symbols with panic");
    }
    // Odd shapes, and biases from the smallest to the largest.
    for (inputs, hidden, outputs) in [(785, 33, 11), (1, 1, 1), (90, 130, 23)] {
        let shape = Shape::new(inputs, hidden, outputs).expect("a valid shape").with_biases();
        for bits in [Bits::Eight, Bits::Four] {
            let mut next = random(7);
            let payload = Payload::new(shape, bits, 9, &mut next);
            let pixels: Vec<u8> = (0..8 * inputs).map(|_| next()).collect();
            let model = file(Kind::Quantized(bits), shape, payload.bytes());
            let expected = host_results(&model, &pixels);
            let input = input(&model, 0, inputs, &pixels, &[], [0; 5]);
            for (board, variant, image) in &images {
                let report = classify(board, image, "odd", &input);
                assert_eq!(report.results, expected, "{board} {variant} {shape} {bits:?}");
            }
        }
    }
}

/// From PyTorch to the board: a network with biases and normalised inputs, trained there, imported, quantised, in flash.
#[cfg(feature = "convert")]
#[test]
fn a_network_from_pytorch_gives_the_hosts_outputs() {
    use twolayer::host::FileAccess;
    use twolayer::host::tensors::{Input, Roles, TensorFiles};

    let Some(python) = env::var_os("TWOLAYER_PYTORCH").filter(|python| !python.is_empty()) else {
        return eprintln!("SKIPPED: TWOLAYER_PYTORCH names no Python interpreter with torch, numpy and safetensors");
    };
    let Some(mnist) = env::var_os("MNIST_DIR") else { return eprintln!("SKIPPED: MNIST_DIR is not set") };
    if !has_boards() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware-pytorch");
    fs::create_dir_all(&folder).expect("a folder for the network");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch/train.py");
    let output = Command::new(python).arg(script).arg("train").arg(mnist).arg(&folder).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = TensorFiles::open(&[folder.join("net.safetensors")], FileAccess::Read).expect("a file of tensors");
    let input_of_pytorch = Input { scale: 255.0, mean: 0.1307, deviation: 0.3081 };
    let imported = files.network(&Roles::default(), input_of_pytorch).expect("a network");
    let weights = imported.weights.view();
    let shape = weights.shape();

    let (train, labels) = &digits().train;
    let (pixels, test_labels) = &digits().test;
    let image = build("m4", "default").join("classify-biased");
    let right = |classes: &[u8]| classes.iter().zip(test_labels).filter(|(class, label)| class == label).count();
    let network = Network::new(weights, Backend::detect());
    let mut scratch = vec![0.0; Network::batch_scratch_len(shape, test_labels.len())];
    let outputs = network.outputs_batch(pixels, &mut scratch).expect("buffers of the right length");
    let mut classes: Vec<_> = outputs.chunks_exact(OUTPUTS).map(|outputs| Answer::of(outputs).class).collect();
    let before = right(&classes);
    for bits in [Bits::Eight, Bits::Four] {
        let quantized =
            quantize_samples(weights, bits, &train[..10_000 * INPUTS], &labels[..10_000]).expect("a sound network");
        let mut words = vec![0; QuantizedNetwork::scratch_len(shape)];
        for (class, image) in classes.iter_mut().zip(pixels.chunks_exact(INPUTS)) {
            *class = Answer::of(quantized.network().outputs(image, &mut words).expect("outputs")).class;
        }
        let after = right(&classes);
        assert!(after + 50 >= before, "{bits:?}: {after} right, {before} in f32");
        let model = file(Kind::Quantized(bits), shape, quantized.payload());
        let pixels = &pixels[..IMAGES * INPUTS];
        let report =
            classify("m4", &image, &format!("pytorch.{bits:?}"), &input(&model, 0, INPUTS, pixels, &[], [0; 5]));
        assert_eq!(report.results, host_results(&model, pixels), "{bits:?}");
        let instructions = mean(&report.instructions[..COUNTED]);
        eprintln!(
            "m4 {shape} from PyTorch, {bits:?}: {before} right in f32, {after} quantised; {instructions:.0} instructions"
        );
    }
}

#[test]
fn odd_shapes_and_extreme_weights() {
    if !has_boards() {
        return;
    }
    let images = boards().chain(all_cases().then_some(("microbit", "default")));
    let images: Vec<_> =
        images.map(|(board, variant)| (board, variant, build(board, variant).join("classify"))).collect();
    // The weight (random if `None`) and the shift.
    let usual = [(None, 6), (Some(0), 6), (Some(255), 6), (None, 1), (None, 24)];
    // Partly filled tiles, outputs outside the blocks of five, more pixels than lanes can accumulate, and enough pixels
    // for a nonzero activation after the largest shift.
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
                let mut next = random(7);
                let mut payload = vec![0; QuantizedNetwork::payload_len(shape, bits).expect("a small shape")];
                payload[16..].fill_with(|| weight.unwrap_or_else(&mut next));
                payload[0] = shift;
                let pixels = odd_images(inputs, &mut next);
                let model = file(Kind::Quantized(bits), shape, &payload);
                let expected = host_results(&model, &pixels);
                let input = input(&model, 0, inputs, &pixels, &[], [0; 5]);
                for (board, variant, image) in &images {
                    // The micro:bit has memory for the scratch of about 2000 pixels.
                    if *board == "microbit" && inputs > 2000 {
                        continue;
                    }
                    let report = classify(board, image, "odd", &input);
                    assert_eq!(report.results, expected, "{board} {variant} {shape:?} {bits:?} {weight:?} {shift}");
                }
            }
        }
    }
}

/// The images must print the right status for invalid models in flash.
#[test]
fn damaged_and_misaligned_models_are_errors() {
    const INT8: Kind = Kind::Quantized(Bits::Eight);

    if !has_boards() {
        return;
    }
    let boards = boards().filter(|board| !["portable"].contains(&board.1) && board.0 != "m7");
    let mut images: Vec<_> = boards.map(|(board, variant)| (board, build(board, variant).join("classify"))).collect();
    images.push(("m4", build("m4", "C")));
    let shape = Shape::new(20, 16, 3).expect("a valid shape");
    let mut payload = vec![7; QuantizedNetwork::payload_len(shape, Bits::Eight).expect("a small shape")];
    payload[..16].fill(0);
    payload[0] = 5;
    let good = file(INT8, shape, &payload);
    let flipped = |bit: usize| {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    payload[0] = 30;
    let shifted = file(INT8, shape, &payload);
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
        let input = input(model, *offset, 20, &[1; 20], &[], [0; 5]);
        for (board, image) in &images {
            let (lines, success) = emulate(board, image, "damaged", &input);
            assert!(!success, "{board}, case {number}: {lines:?}");
            assert_eq!(lines[0], format!("refused {:08x}", *status as u32), "{board}, case {number}");
        }
    }
}

/// Errors in words, without what panics.
#[test]
fn errors_are_the_hosts_words() {
    if !has_boards() {
        return;
    }
    let shape = Shape::new(20, 16, 3).expect("a valid shape");
    let mut payload = vec![7; QuantizedNetwork::payload_len(shape, Bits::Eight).expect("a small shape")];
    payload[..16].fill(0);
    payload[0] = 30;
    let shifted = file(Kind::Quantized(Bits::Eight), shape, &payload);
    let mut damaged = shifted.clone();
    damaged[200] ^= 1;
    let mut long = shifted.clone();
    long[36..40].fill(0xAB);
    let crc = crc32(&long[..60]);
    long[60..64].copy_from_slice(&crc.to_le_bytes());
    for board in if all_cases() { &["m4", "m0", "riscv"][..] } else { &["m4"] } {
        let image = build(board, "default").join("errors");
        for model in [&shifted, &damaged, &long, &shifted[..99].to_vec(), &shifted[..9].to_vec(), &vec![b'\"'; 80]] {
            let (lines, success) = emulate(board, &image, "errors", &input(model, 0, 20, &[], &[], [0; 5]));
            let mut words = vec![0_u32; model.len().div_ceil(4)];
            let aligned = &mut bytemuck::cast_slice_mut::<u32, u8>(&mut words)[..model.len()];
            aligned.copy_from_slice(model);
            let error = Model::from_bytes(aligned).and_then(|model| model.quantized_any()).expect_err("not sound");
            assert!(!success && lines == [format!("refused {error}")], "{board}: {lines:?}, not {error}");
        }
        assert_eq!(code(&image).2, 0, "{board}: symbols with panic");
    }
}

/// `pack` says what is wrong with its files, and writes what [`input`] does.
#[test]
fn pack_takes_whole_files_only() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware-pack");
    fs::create_dir_all(&folder).expect("a folder for the files");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).expect("a file");
    };
    let shape = Shape::new(INPUTS, 16, 3).expect("a valid shape");
    let mut payload = vec![7; QuantizedNetwork::payload_len(shape, Bits::Four).expect("a small shape")];
    payload[..16].fill(0);
    payload[0] = 5;
    let model = file(Kind::Quantized(Bits::Four), shape, &payload);
    let pixels: Vec<u8> = (0..3 * INPUTS).map(|pixel| pixel.to_le_bytes()[0]).collect();
    let header = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28];
    write("model", &model);
    write("raw", &pixels);
    write("idx", &[&header, &pixels[..]].concat());
    write("short", &[&header, &pixels[..3000 - 1500]].concat());
    write("cut", &pixels[1..]);
    write("gzip", &[&[0x1F, 0x8B, 8], &pixels[..]].concat());
    let pack = |model: &str, images: &str, count: &str| {
        let output = script("pack").current_dir(&folder).args([model, images, count]).output().expect("a shell");
        (output.status.success(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for images in ["raw", "idx"] {
        let (success, bytes, errors) = pack("model", images, "2");
        assert!(success && bytes == input(&model, 0, INPUTS, &pixels[..2 * INPUTS], &[], [0; 5]), "{errors}");
    }
    for (model, images, count, words) in [
        ("model", "none", "2", "none: no such file"),
        ("none", "raw", "2", "none: no such file"),
        ("raw", "raw", "2", "raw: not a model file"),
        ("model", "short", "2", "short: 1 images, not 2"),
        ("model", "raw", "4", "raw: 3 images, not 4"),
        ("model", "cut", "2", "cut: neither"),
        ("model", "gzip", "2", "gzip: compressed"),
        ("model", "raw", "0", "the number of images"),
        ("model", "raw", "two", "the number of images"),
    ] {
        let (success, _, errors) = pack(model, images, count);
        assert!(!success && errors.contains(words), "{model} {images} {count}: {errors}");
    }
}

#[test]
fn f32_outputs_are_the_hosts_bits() {
    if !has_boards() {
        return;
    }
    let (hidden, pixels) = (64, &digits().test.0[..IMAGES * INPUTS]);
    let weights = trained(hidden);
    let network = Weights::new(shape(hidden), &weights).map(|weights| Network::new(weights, Backend::detect()));
    let network = network.expect("as many as the shape has");
    let mut scratch = vec![0.0; Network::batch_scratch_len(shape(hidden), IMAGES)];
    let outputs = network.outputs_batch(pixels, &mut scratch).expect("buffers of the right length");
    let answer = |outputs: &[f32]| {
        (Answer::of(outputs).class.into(), outputs.iter().map(|output| output.to_bits()).collect::<Vec<u32>>())
    };
    let expected: Vec<(u32, _)> = outputs.chunks_exact(OUTPUTS).map(answer).collect();
    let model = file(Kind::F32, shape(hidden), bytemuck::cast_slice(&weights));
    let input = input(&model, 0, INPUTS, pixels, &[], [0; 5]);
    for board in ["m4", "m7"].into_iter().take(if all_cases() { 2 } else { 1 }) {
        let image = build(board, "default").join("classify-f32");
        let report = classify(board, &image, "f32", &input);
        assert_eq!(report.results, expected, "{board}");
        assert_eq!(code(&image).2, 0, "{board}: symbols with panic");
        let instructions = mean(&report.instructions[..COUNTED]);
        eprintln!(
            "{board} f32 H=64: {instructions:.0} instructions, {} B of stack, {} B of scratch",
            report.stack, report.scratch
        );
    }
}

#[test]
fn training_on_a_device_gives_the_same_weights_as_on_the_host() {
    if !has_boards() {
        return;
    }
    let (plain, samples, seed) = (shape(32), 320, 7);
    let (images, labels) = (&digits().train.0[..samples * INPUTS], &digits().train.1[..samples]);
    let (squared, cross_entropy) = (LossFunction::Squared, LossFunction::CrossEntropy);
    for (block, loss_function, word) in
        [(1, squared, 0), (4, squared, 0), (4, cross_entropy, 1), (1, squared, 2), (4, cross_entropy, 3)]
    {
        let shape = if word & 2 == 0 { plain } else { plain.with_biases() };
        let mut numbers = vec![0.0; shape.weights_len()];
        let mut weights = WeightsMut::new(shape, &mut numbers).expect("as many as the shape has");
        fill_initial(&mut weights, seed, INIT_SCALE);
        let options = TrainOptions { block, loss: loss_function, ..TrainOptions::default() };
        let mut scratch = vec![0.0; Trainer::scratch_len(shape, block)];
        let mut trainer = Trainer::new(weights, &mut scratch, options).expect("buffers of the right length");
        let loss = trainer.train(images, labels).expect("sound samples");
        let hash = weights_hash(trainer.weights());
        let tail = format!("error {:08x} hash {:08x} {:08x}", loss.last.to_bits(), hash >> 32, hash & 0xFFFF_FFFF);
        let input = input(&[], 0, INPUTS, images, labels, [32, OUTPUTS, block, 7, word]);
        for board in ["m4", "m7"].into_iter().take(if all_cases() { 2 } else { 1 }) {
            let image = build(board, "default").join("train");
            let (lines, success) = emulate(board, &image, &format!("train{block}"), &input);
            assert!(success && lines.len() == 1 && lines[0].ends_with(&tail), "{board}: {lines:?}, not {tail}");
            assert_eq!(code(&image).2, 0, "{board}: symbols with panic");
            eprintln!(
                "{board} training, {shape}, {loss_function}, blocks of {block}: {} ticks, {tail}",
                field(&lines[0], "ticks")
            );
        }
    }
}

/// The host's input for the network, by its checksum.
fn host_input(picture: &Grey) -> u32 {
    let side = |side: usize| u32::try_from(side).expect("a small picture");
    let (width, height) = (side(picture.width), side(picture.height));
    let mut scratch = vec![0; Picture::scratch_len(width, height, 28)];
    let mut input = [0; INPUTS];
    let picture = Picture::new(&picture.pixels, width, height, width).expect("a picture");
    picture.normalize(Ink::Auto, &mut scratch, &mut input).expect("a digit");
    crc32(&input)
}

#[test]
fn camera_pictures_give_the_hosts_inputs() {
    if !has_boards() {
        return;
    }
    // Instructions at most, in the mean: 5 % above what was counted.
    for (width, height, times, clean, limit) in [
        (64, 64, 2, true, 613_000.0),
        (64, 64, 2, false, 1_386_000.0),
        (160, 120, 3, true, 1_267_000.0),
        (160, 120, 3, false, 3_389_000.0),
    ] {
        let picture = |(number, image): (usize, &[u8])| {
            let image = Grey::mnist(image);
            if clean {
                image.enlarged(times).on(width, height, number % 8, number % 7).inverted()
            } else {
                image.photographed(
                    width,
                    height,
                    f64::from(u8::try_from(times).expect("a small number")),
                    number as u64,
                )
            }
        };
        let pictures: Vec<Grey> = digits().test.0.chunks_exact(INPUTS).take(COUNTED).enumerate().map(picture).collect();
        let pixels: Vec<u8> = pictures.iter().flat_map(|picture| picture.pixels.clone()).collect();
        let input = input(&[], 0, width * height, &pixels, &[], [0; 5]);
        for board in ["m4", "riscv"].into_iter().take(if all_cases() { 2 } else { 1 }) {
            let image = build(board, "default").join("normalize");
            let (lines, success) = emulate(board, &image, &format!("normalize.{width}.{clean}"), &input);
            assert!(success && lines.len() == pictures.len(), "{board}: {lines:?}");
            let (mut instructions, mut stack) = (Vec::new(), 0);
            for (line, picture) in lines.iter().zip(&pictures) {
                assert_eq!(field(line, "crc"), host_input(picture), "{board}: {line}");
                instructions.push(f64::from(field(line, "ticks")) / if board == "m4" { 3.2 } else { 1.0 });
                stack = stack.max(field(line, "stack"));
            }
            let instructions = mean(&instructions);
            eprintln!(
                "{board} {} of {width} x {height}: {instructions:.0} instructions, {stack} B of stack, {} B of scratch",
                if clean { "clean pictures" } else { "photographs" },
                field(&lines[0], "scratch"),
            );
            assert!(board != "m4" || instructions <= limit, "{instructions} instructions > {limit}");
            assert!(stack <= 2_700, "{board}: {stack} B of stack");
            assert_eq!(code(&image).2, 0, "{board}: symbols with panic");
        }
    }
}

/// Six digits in two lines, a camera's picture.
#[test]
fn camera_pictures_of_numbers_give_the_hosts_inputs() {
    if !has_boards() {
        return;
    }
    let digits: Vec<Grey> =
        digits().test.0.chunks_exact(INPUTS).take(6 * COUNTED).map(|image| Grey::mnist(image).tight()).collect();
    let picture = |(number, digits): (usize, &[Grey])| {
        let mut picture = Grey::new(160, 120, |_, _| 0);
        for (place, digit) in digits.iter().enumerate() {
            let digit = digit.enlarged(2);
            let (left, top) = (6 + place % 3 * 52 + number % 3, 8 + place / 3 * 58);
            for (n, &level) in digit.pixels.iter().enumerate() {
                picture.pixels[(top + n / digit.width) * 160 + left + n % digit.width] = level;
            }
        }
        picture.inverted().noisy(2.0, number as u64)
    };
    let pictures: Vec<Grey> = digits.chunks_exact(6).enumerate().map(picture).collect();
    let pixels: Vec<u8> = pictures.iter().flat_map(|picture| picture.pixels.clone()).collect();
    let input = input(&[], 0, 160 * 120, &pixels, &[], [0; 5]);
    for board in ["m4", "riscv"].into_iter().take(if all_cases() { 2 } else { 1 }) {
        let image = build(board, "default").join("read");
        let (lines, success) = emulate(board, &image, "read", &input);
        assert!(success && lines.len() == pictures.len(), "{board}: {lines:?}");
        let (mut instructions, mut stack) = (Vec::new(), 0);
        for (line, picture) in lines.iter().zip(&pictures) {
            let (mut scratch, mut input) = (vec![0; Picture::digits_scratch_len(160, 120, 28)], [0; INPUTS]);
            let picture = Picture::new(&picture.pixels, 160, 120, 160).expect("a picture");
            let mut digits = picture.digits(Ink::Auto, &mut scratch, &mut input).expect("digits");
            let (mut count, mut crc) = (0, 0);
            while let Some(digit) = digits.next(|_| 99) {
                (count, crc) = (count + 1, crc ^ crc32(digit.input));
            }
            assert_eq!((field(line, "digits"), field(line, "crc")), (count, crc), "{board}: {line}");
            instructions.push(f64::from(field(line, "ticks")) / if board == "m4" { 3.2 } else { 1.0 });
            stack = stack.max(field(line, "stack"));
        }
        let instructions = mean(&instructions);
        eprintln!(
            "{board} pictures of six digits: {instructions:.0} instructions, {stack} B of stack, {} B of scratch",
            field(&lines[0], "scratch"),
        );
        assert_eq!(code(&image).2, 0, "{board}: symbols with panic");
    }
}
