//! The firmware of `examples/stm32f405` and `examples/microbit`, in the emulator: every answer is the host's, to the bit, before
//! and after lessons, and after whatever is wrong with a request the next one is answered. What it is made of, on the host.
//!
//! Needs what `tests/firmware.rs` needs, or is skipped, or fails if `TWOLAYER_REQUIRE_FIRMWARE=1` is set. On MNIST if
//! `MNIST_DIR` is set, and on the built-in digits otherwise.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../examples/board/src/frame.rs"]
mod frame;
#[path = "../examples/board/host/mod.rs"]
#[allow(dead_code, reason = "the line to a real board is for a real board")]
mod host;
#[path = "../examples/board/src/learner.rs"]
#[allow(unreachable_pub, reason = "shared with the firmware")]
mod learner;
mod payload;
mod tools;

use frame::{CRC, END, ESC, ESC_END, Fault, receive, send};
use host::{Answer, Line};
use learner::{LearnError, Learner};
use payload::{Payload, biased, random, shape};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use tools::has_boards;
use twolayer::host::dataset::{Dataset, Digits};
use twolayer::host::training::{self, Recipe};
use twolayer::host::{FileAccess, ModelFile, Quantized, quantize};
use twolayer::model::Details;
use twolayer::{Bits, QuantizedNetwork, Shape, SizeError, crc32};

const IMAGES: usize = 50;
const LESSONS: usize = 60;

#[test]
fn boards_answer_and_learn_as_the_host_does() {
    if !has_boards() {
        return;
    }
    // Without a model, the build says how to make one.
    let output = script("stm32f405", "build", &target().join("nowhere.twolayer")).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for words in ["nowhere.twolayer", "cargo run --release -- train", "cargo run --release -- quantize"] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }

    let data = match env::var_os("MNIST_DIR").map(PathBuf::from).filter(|folder| folder.is_dir()) {
        Some(folder) => Dataset::open(&folder, FileAccess::Map).unwrap(),
        None => Dataset::generate(Digits { train: 10_000, test: 1000, ..Digits::default() }, &mut |_| ()).unwrap(),
    };
    let plain = Recipe { hidden: 64, limit: Some(10_000), ..Recipe::default() };
    let halved = Recipe { hidden: 40, limit: Some(10_000), epochs: 2, halve: true, ..Recipe::fast() };
    // Each board with another kind of model.
    let names = "classes: zero | one | two | three | four | five | six | seven | eight | ß9\nconfidence: 0 50 | 300 90 | 70000 99";
    for (board, recipe, bits, text) in [
        ("stm32f405", plain, Bits::Eight, names),
        ("microbit", halved, Bits::Four, "confidence: 0 50 | 300 90 | 70000 99"),
    ] {
        let trained = training::train(&data, &recipe, |_| ()).unwrap();
        let quantized = quantize(trained.weights.view(), bits, &data.train, 1000).unwrap();
        let model = target().join(format!("{board}.twolayer"));
        ModelFile::write_quantized(&model, &quantized, Details { text, ..Details::default() }).unwrap();

        let image = build(board, &model);
        let nm = Command::new("arm-none-eabi-nm").arg(&image).output().unwrap();
        let symbols = String::from_utf8(nm.stdout).unwrap();
        assert!(symbols.contains("__cortex_m_rt_main"), "{symbols}");
        assert!(!symbols.contains("panic"), "{board}: {symbols}");

        let (mut line, on_board) = Line::command(script(board, "run", &model)).unwrap();
        let shape = quantized.network().shape();
        assert_eq!(on_board.checksum, crc32(&fs::read(&model).unwrap()));
        let sizes = [on_board.pixels, on_board.hidden, on_board.outputs].map(|size| usize::try_from(size).unwrap());
        assert_eq!(sizes, [shape.pixels(), shape.hidden(), shape.outputs()]);
        let expected = if text == names { ["zero", "ß9", ""] } else { [""; 3] };
        assert_eq!([0, 9, 10].map(|class| line.name(class).unwrap()), expected);
        let confidences = [0, 299, 300, 69_999, u32::MAX].map(|margin| line.confidence(margin).unwrap());
        assert_eq!(confidences, [50, 50, 90, 90, 99].map(Some));
        converse(&mut line, &quantized, &data);
        if board == "microbit" {
            update(&mut line, &quantized, &data);
        } else {
            let refused = line.update(&fs::read(&model).unwrap()).unwrap_err().to_string();
            assert!(refused.contains("no part of flash for a model"), "{refused}");
        }
        assert_eq!(line.classify(&data.test.image(0).unwrap()).unwrap().outputs.len(), 10);
    }
}

/// Another model comes in over the line and answers from then on; a torn one, and one that the program has no memory for, never do.
fn update(line: &mut Line, built_in: &Quantized, data: &Dataset) {
    let file = |quantized: &Quantized| {
        let path = target().join("update.twolayer");
        ModelFile::write_quantized(&path, quantized, Details { text: "sent", ..Details::default() }).unwrap();
        fs::read(path).unwrap()
    };
    let halved = Recipe { hidden: 40, limit: Some(2000), epochs: 1, halve: true, seed: 9, ..Recipe::fast() };
    let other = |recipe: &Recipe, bits| {
        quantize(training::train(data, recipe, |_| ()).unwrap().weights.view(), bits, &data.train, 1000).unwrap()
    };
    let images: Vec<_> = (0..10).map(|index| data.test.image(index).unwrap()).collect();
    let answers = |line: &mut Line, quantized: &Quantized| {
        let network = quantized.network();
        let mut scratch = vec![0; QuantizedNetwork::scratch_len(network.shape())];
        for image in &images {
            assert_eq!(line.classify(image).unwrap().outputs, network.outputs(image, &mut scratch).unwrap());
            assert_eq!(line.adapted(image).unwrap().outputs, network.outputs(image, &mut scratch).unwrap());
        }
    };
    let refuses = |line: &mut Line, words: &str| {
        let error = line.ask(b"u").unwrap_err().to_string();
        assert!(error.contains(words), "{error}, not {words}");
        answers(line, built_in);
    };
    refuses(line, "not a model file"); // nothing was ever written

    // Eight bits where the program has four: of the same shape, in twice as many bytes.
    let second = other(&halved, Bits::Eight);
    let sent = file(&second);
    assert_eq!(line.update(&sent).unwrap().checksum, crc32(&sent));
    answers(line, &second);
    assert_eq!(line.confidence(1).unwrap(), None);

    // Torn: erased, all but the first bytes written, or written short.
    line.erase(sent.len()).unwrap();
    refuses(line, "not a model file");
    line.write_rest(&sent).unwrap();
    refuses(line, "not a model file");
    line.erase(sent.len()).unwrap();
    line.write(0, &sent[..128]).unwrap();
    refuses(line, "checksum");

    // Other shapes are said, and so are places that are not there.
    let wide = file(&other(&Recipe { hidden: 48, ..halved }, Bits::Four));
    assert!(line.update(&wide).unwrap_err().to_string().contains("memory for"));
    answers(line, built_in);
    for (request, words) in [
        (&b"e\x01\0\x02\0"[..], "longer"),
        (b"e\xFF\xFF\xFF\xFF", "longer"),
        (b"u\0\0\x02\0abcd", "longer"),
        (b"u\xFC\xFF\xFF\xFFabcd", "longer"),
        (b"u\x02\0\0\0abcd", "multiple of 4"),
        (b"u\0\0\0\0abc", "multiple of 4"),
        (b"u\0\0", "unknown request"),
        (b"e", "unknown request"),
    ] {
        let error = line.ask(request).unwrap_err().to_string();
        assert!(error.contains(words), "{error}, not {words}");
    }
    assert_eq!(line.update(&sent).unwrap().checksum, crc32(&sent));
    answers(line, &second);
}

/// What is wrong is answered in words, and what is right afterwards as the host does.
fn converse(line: &mut Line, quantized: &Quantized, data: &Dataset) {
    let (network, shape) = (quantized.network(), quantized.network().shape());
    let mut scratch = vec![0; QuantizedNetwork::scratch_len(shape)];
    let (mut second, mut hidden) = (vec![0; network.second_layer().len()], vec![0; shape.hidden()]);
    let mut outputs = vec![0; shape.outputs()];
    let mut learner = Learner::new(network, &mut second, &mut hidden, &mut outputs).unwrap();
    let image = |index| data.test.image(index).unwrap();
    let same = |answer: &Answer, outputs: &[i32]| {
        assert_eq!(answer.outputs, outputs);
        let twolayer::Answer { class, margin } = twolayer::Answer::of(outputs);
        assert_eq!((answer.class, answer.margin), (class, margin));
    };

    let mut right = 0;
    for index in 0..IMAGES {
        let answer = line.classify(&image(index)).unwrap();
        let outputs = network.outputs(&image(index), &mut scratch).unwrap();
        same(&answer, outputs);
        same(&line.adapted(&image(index)).unwrap(), outputs); // no lesson yet
        right += usize::from(Some(answer.class) == data.test.label(index));
    }
    assert!(right * 10 > IMAGES * 8, "only {right} of {IMAGES} right: not a trained network");

    let mut whole = Vec::new();
    send(|byte| whole.push(byte), &[b"c", &image(0)[..]].concat());
    let mut damaged = whole.clone();
    damaged[300] ^= 1;
    let beheaded = &whole[40..];
    let cut = [&whole[..400], &[END]].concat();
    let frame = |bytes: &[u8]| {
        let mut frame = Vec::new();
        send(|byte| frame.push(byte), bytes);
        frame
    };
    let short = [&b"c"[..], &image(0)[1..]].concat();
    for (wrong, words) in [
        (damaged, "checksum"),
        (beheaded.to_vec(), "checksum"),
        (cut, "checksum"),
        (vec![1, 2, 3, END], "at least 5"),
        (vec![0, 0, 0, 0, END], "at least 5"), // the checksum of nothing
        (vec![1, 2, ESC, 3, 4, 5, END], "escape"),
        (vec![1, ESC, END], "escape"),
        (vec![7; 5000].into_iter().chain([END]).collect(), "more than"),
        (frame(b"?"), "unknown request"),
        (frame(b"w\0"), "unknown request"),
        (frame(b"w\xFF\xFF"), "no hidden unit 65535"),
        (frame(b"c"), "0 pixels"),
        (frame(b"l\x01"), "0 pixels"),
        (frame(&short), "783 pixels; one image has 784"),
        (frame(&[&b"l\x0A"[..], &image(0)].concat()), "the label 10"),
    ] {
        line.raw(&wrong).unwrap();
        let answer = String::from_utf8(line.answer().unwrap()).unwrap();
        assert!(answer.starts_with('!') && answer.contains(words), "{answer}, not {words}");
        line.raw(&[END, END]).unwrap(); // no frames, no answers
        let outputs = network.outputs(&image(1), &mut scratch).unwrap();
        same(&line.classify(&image(1)).unwrap(), outputs);
        same(&line.adapted(&image(1)).unwrap(), outputs);
    }

    let weights = |line: &mut Line| -> Vec<i16> {
        (0..u16::try_from(shape.hidden()).unwrap()).flat_map(|unit| line.weights(unit).unwrap()).collect()
    };
    let start = weights(line);
    assert_eq!(start, learner.second_layer());
    for index in 0..LESSONS {
        let mut image = data.train.image(index).unwrap();
        image.chunks_mut(28).for_each(<[u8]>::reverse);
        let label = data.train.label(index).unwrap();
        let outputs = learner.learn(&image, label, &mut scratch).unwrap();
        same(&line.learn(&image, label).unwrap(), outputs);
    }
    assert_ne!(learner.second_layer(), start, "nothing was learnt");
    assert_eq!(weights(line), learner.second_layer());
    for index in 0..IMAGES {
        same(&line.adapted(&image(index)).unwrap(), learner.outputs(&image(index), &mut scratch).unwrap());
        same(&line.classify(&image(index)).unwrap(), network.outputs(&image(index), &mut scratch).unwrap());
    }
    line.forget().unwrap();
    assert_eq!(weights(line), start);
}

/// A folder for this test.
fn target() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boards");
    fs::create_dir_all(&target).unwrap();
    target
}

fn script(board: &str, what: &str, model: &Path) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/board/cargo"));
    command.args([board, what]).env("CARGO_TARGET_DIR", target()).env("TWOLAYER_MODEL", model);
    command
}

/// Builds a board's firmware, and returns its path.
fn build(board: &str, model: &Path) -> PathBuf {
    let output = script(board, "build", model).output().unwrap();
    assert!(output.status.success(), "{board}: {}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// The learner's definition, in wide integers and plain loops.
struct Definition {
    shape: Shape,
    second: Vec<i64>,
    biases: Vec<i64>,
}

impl Definition {
    fn new(network: &QuantizedNetwork<'_, true>) -> Self {
        let mut biases: Vec<i64> = network.output_biases().map(i64::from).collect();
        biases.resize(network.shape().outputs(), 0);
        let second = network.second_layer().iter().map(|&weight| 256 * i64::from(weight)).collect();
        Self { shape: network.shape(), second, biases }
    }

    fn outputs(&self, hidden: &[u8]) -> Vec<i64> {
        let outputs = self.shape.outputs();
        let product = |j: usize, k: usize| (i64::from(hidden[j]) * self.second[j * outputs + k]).div_euclid(256);
        (0..outputs).map(|k| self.biases[k] + (0..hidden.len()).map(|j| product(j, k)).sum::<i64>()).collect()
    }

    fn learn(&mut self, hidden: &[u8], label: usize) {
        let y = self.outputs(hidden);
        let Some(largest) = (0..y.len()).filter(|&k| k != label).map(|k| y[k]).max() else { return };
        let rival = (0..y.len()).find(|&k| k != label && y[k] == largest).unwrap();
        if y[label] - largest < 4096 {
            for (row, &h) in self.second.chunks_exact_mut(y.len()).zip(hidden) {
                row[label] = (row[label] + 8 * i64::from(h)).min(32_767);
                row[rival] = (row[rival] - 8 * i64::from(h)).max(-32_768);
            }
        }
    }
}

/// Learners of random networks and lessons, and of the widest one with the largest activations and weights.
#[test]
fn learners_keep_to_their_definition() {
    let mut next = random(3);
    for number in 0..60 {
        let mut below = |end: u8| usize::from(next() % end);
        let shape = match number {
            58 => shape(1, 65_535, 2),
            59 => shape(1, 65_535, 1),
            _ => biased(shape(1 + below(30), 1 + below(70), 1 + below(12)), number % 2 == 1),
        };
        let bits = if number % 3 == 0 { Bits::Four } else { Bits::Eight };
        let weights = [0x7F, 0x80, 0xFF];
        let payload = match number {
            50..60 => Payload::new(shape, bits, 1, || weights[number % 3]),
            _ => Payload::new(shape, bits, 3, &mut next),
        };
        let network = QuantizedNetwork::any(shape, bits, payload.bytes()).unwrap();
        let mut scratch = vec![7; QuantizedNetwork::scratch_len(shape)];
        let (mut second, mut room) = (vec![7; network.second_layer().len()], vec![7; shape.hidden()]);
        let (mut hidden, mut outputs) = (room.clone(), vec![7; shape.outputs()]);
        let mut learner = Learner::new(network, &mut second, &mut room, &mut outputs).unwrap();
        let mut definition = Definition::new(&network);

        let image: Vec<u8> = (0..shape.inputs()).map(|_| if number < 50 { next() } else { 255 }).collect();
        let expected = network.outputs(&image, &mut scratch).unwrap().to_vec();
        assert_eq!(learner.outputs(&image, &mut scratch), Ok(&expected[..]), "before the first lesson");
        for _ in 0..40 {
            let image: Vec<u8> = (0..shape.inputs()).map(|_| if number < 50 { next() } else { 255 }).collect();
            let label = usize::from(next()) % shape.outputs();
            network.hidden(&image, &mut scratch, &mut hidden).unwrap();
            let found = learner.learn(&image, u8::try_from(label).unwrap(), &mut scratch).unwrap();
            let found: Vec<i64> = found.iter().map(|&output| output.into()).collect();
            assert_eq!(found, definition.outputs(&hidden));
            definition.learn(&hidden, label);
            assert!(
                learner.second_layer().iter().map(|&weight| i64::from(weight)).eq(definition.second.iter().copied())
            );
        }
        learner.forget();
        assert!(
            learner.second_layer().iter().zip(network.second_layer()).all(|(w, &start)| *w == 256 * i16::from(start))
        );
    }
}

#[test]
fn what_cannot_be_learnt_is_an_error_and_changes_nothing() {
    let shape = shape(4, 3, 2);
    let payload = Payload::new(shape, Bits::Eight, 1, || 200);
    let network = QuantizedNetwork::any(shape, Bits::Eight, payload.bytes()).unwrap();
    for (second, hidden, outputs, found, expected) in
        [(5, 3, 2, 5, 6), (7, 3, 2, 7, 6), (6, 2, 2, 2, 3), (6, 4, 2, 4, 3), (6, 3, 1, 1, 2), (6, 3, 3, 3, 2)]
    {
        let (mut second, mut hidden, mut outputs) = (vec![0; second], vec![0; hidden], vec![0; outputs]);
        let error = Learner::new(network, &mut second, &mut hidden, &mut outputs).err();
        assert_eq!(error, Some(SizeError::Results { found, expected }));
    }
    let (mut second, mut hidden, mut outputs) = ([0; 6], [0; 3], [0; 2]);
    let mut scratch = vec![0; QuantizedNetwork::scratch_len(shape)];
    let mut learner = Learner::new(network, &mut second, &mut hidden, &mut outputs).unwrap();
    let start = learner.second_layer().to_vec();
    let pixels = SizeError::Pixels { found: 3, expected: 4 };
    assert_eq!(learner.learn(&[255; 3], 1, &mut scratch), Err(LearnError::Size(pixels)));
    assert_eq!(learner.learn(&[255; 4], 2, &mut scratch), Err(LearnError::Label { found: 2, outputs: 2 }));
    let short = SizeError::Scratch { found: scratch.len() - 1, expected: scratch.len() };
    assert_eq!(learner.learn(&[255; 4], 1, &mut scratch[1..]), Err(LearnError::Size(short)));
    assert_eq!(learner.second_layer(), start);
    learner.learn(&[255; 4], 1, &mut scratch).unwrap();
    assert_ne!(learner.second_layer(), start);
}

/// Frames of random bytes are read as they were sent, and if any byte is changed, lost or inserted they are not; the next
/// frame is.
#[test]
fn frames_are_whole_or_faults() {
    let mut next = random(1);
    let read = |line: &[u8], room: usize| {
        let (mut room, mut bytes) = (vec![0; room], line.iter().copied());
        let mut frames = Vec::new();
        loop {
            match receive(|| bytes.next(), &mut room) {
                Err(Fault::Closed) => return frames,
                frame => frames.push(frame.map(<[u8]>::to_vec)),
            }
        }
    };
    let trimmed = |frame: &[u8]| frame.split(|&byte| byte == END).collect::<Vec<_>>().concat();
    for number in 0..300 {
        let special = [END, ESC, ESC_END, 0];
        let sent: Vec<u8> =
            (0..=number % 40).map(|_| if next() < 90 { special[usize::from(next() % 4)] } else { next() }).collect();
        let mut line = Vec::new();
        send(|byte| line.push(byte), &sent);
        assert_eq!(read(&line, sent.len() + CRC), [Ok(sent.clone())]);
        let most = sent.len() + CRC - 1;
        assert_eq!(read(&line, most), [Err(Fault::Long { most })]);

        let mut after = Vec::new();
        send(|byte| after.push(byte), b"after");
        for at in 0..line.len() {
            let (mut changed, mut lost, mut inserted) = (line.clone(), line.clone(), line.clone());
            changed[at] ^= 1 << (next() % 8);
            lost.remove(at);
            inserted.insert(at, next());
            for wrong in [changed, lost, inserted] {
                let same = trimmed(&wrong) == trimmed(&line);
                let frames = read(&[&wrong[..], &[END], &after].concat(), 100);
                let (last, before) = frames.split_last().unwrap();
                assert_eq!(*last, Ok(b"after".to_vec()));
                assert!(same || !before.contains(&Ok(sent.clone())), "{wrong:?} for {line:?}");
            }
        }
    }
}
