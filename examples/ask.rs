//! Asks a board, real or emulated, about images, and compares every answer with this machine's, to the bit:
//!
//! ```sh
//! cargo run --release --example ask -- [--update] MODEL DATA COUNT LESSONS LINE…
//! ```
//!
//! `MODEL` is the model in the board's flash; with `--update` it is written there first, if the board has a part of flash for it.
//! `DATA` is a folder with the four IDX files of MNIST or of others like it, and `LINE…` a serial device such as `/dev/ttyACM0`, or
//! the command that emulates the board: see `examples/stm32f405/README.md`.
//!
//! Asked are the first `COUNT` test images. If `LESSONS` is not 0, they are mirrored, which makes other digits of them; then
//! the board learns the first `LESSONS` training images, mirrored too, and is asked again.

#[path = "board/src/frame.rs"]
mod frame;
#[path = "board/host/mod.rs"]
#[allow(dead_code, reason = "shared with a test")]
mod host;
#[path = "board/src/learner.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the firmware")]
mod learner;

use core::error::Error;
use host::{Answer, Line};
use learner::Learner;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use twolayer::host::dataset::{Dataset, Set};
use twolayer::host::{FileAccess, ModelFile};
use twolayer::{QuantizedNetwork, crc32};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let update = words.first().is_some_and(|word| word == "--update");
    let [model, data, count, lessons, line @ ..] = &words[usize::from(update)..] else {
        return Err("usage: ask [--update] MODEL DATA COUNT LESSONS LINE…".into());
    };
    let (count, lessons): (usize, usize) = (count.parse()?, lessons.parse()?);
    let file = ModelFile::open(model.as_ref(), FileAccess::Read)?;
    let (quantized, named) = (file.quantized()?, file.details().class_name(0).is_some());
    let table = file.details().confidence();
    let (network, shape) = (quantized.network(), quantized.network().shape());
    let data = Dataset::open(data.as_ref(), FileAccess::Map)?;

    let (mut line, mut on_board) = match line {
        [] => return Err("no line to a board: a serial device, or a command".into()),
        [device] => Line::device(Path::new(device))?,
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments);
            Line::command(command)?
        }
    };
    let bytes = std::fs::read(model)?;
    let checksum = crc32(&bytes);
    if update && on_board.checksum != checksum {
        let start = Instant::now();
        on_board = line.update(&bytes)?;
        println!("written    {} bytes in {:.1} s", bytes.len(), start.elapsed().as_secs_f64());
    }
    if on_board.checksum != checksum {
        return Err(format!("another model: {checksum:08x} in {model}, {:08x} on the board", on_board.checksum).into());
    }

    let mut scratch = vec![0; QuantizedNetwork::scratch_len(shape)];
    let mirrored = lessons > 0;
    let (mut tally, mut confidences) = (Tally::default(), Vec::new());
    for (image, label) in first(&data.test, count, mirrored) {
        let answer = line.classify(&image)?;
        // Of a model whose classes have names, the board says what it takes the image for.
        if named {
            println!("image {}: {}", tally.all, line.name(answer.class)?);
        }
        if let Some(table) = table {
            let (confidence, expected) = (line.confidence(answer.margin)?, table.of(answer.margin));
            if confidence != Some(expected) {
                return Err(format!("a confidence of {confidence:?} %, not {expected} %").into());
            }
            confidences.push(expected);
        }
        tally.add(&answer, label, network.outputs(&image, &mut scratch)?);
    }
    tally.print(if mirrored { "mirrored" } else { "images" });
    if !confidences.is_empty() {
        let sure = confidences.iter().filter(|&&percent| percent >= 95).count();
        println!("confidence 95 % or more: {sure} of {} answers", confidences.len());
    }
    if !mirrored {
        return Ok(());
    }

    let (mut second, mut hidden) = (vec![0; network.second_layer().len()], vec![0; shape.hidden()]);
    let mut outputs = vec![0; shape.outputs()];
    let mut learner = Learner::new(network, &mut second, &mut hidden, &mut outputs)?;
    line.forget()?;
    let mut tally = Tally::default();
    for (image, label) in first(&data.train, lessons, mirrored) {
        let answer = line.learn(&image, label)?;
        tally.add(&answer, label, learner.learn(&image, label, &mut scratch)?);
    }
    tally.print("lessons");
    let mut tally = Tally::default();
    for (image, label) in first(&data.test, count, mirrored) {
        let answer = line.adapted(&image)?;
        tally.add(&answer, label, learner.outputs(&image, &mut scratch)?);
    }
    tally.print("afterwards");
    Ok(())
}

/// The first images of a set, mirrored where asked for, and their labels.
fn first(set: &Set, count: usize, mirrored: bool) -> impl Iterator<Item = (Vec<u8>, u8)> {
    let width = set.image_size().map_or_else(|| set.pixels().isqrt(), |[width, _]| width.into());
    (0..count).map_while(move |index| {
        let mut image = set.image(index)?;
        if mirrored {
            image.chunks_mut(width).for_each(<[u8]>::reverse);
        }
        Some((image, set.label(index)?))
    })
}

/// Answers, counted.
#[derive(Default)]
struct Tally {
    all: u32,
    right: u32,
    /// Those that are the host's, to the bit.
    same: u32,
    cycles: u64,
}

impl Tally {
    fn add(&mut self, answer: &Answer, label: u8, outputs: &[i32]) {
        let twolayer::Answer { class, margin } = twolayer::Answer::of(outputs);
        let same = answer.outputs == outputs && (answer.class, answer.margin) == (class, margin);
        self.all += 1;
        self.right += u32::from(answer.class == label);
        self.same += u32::from(same);
        self.cycles += u64::from(answer.cycles);
    }

    fn print(&self, name: &str) {
        let &Self { all, right, same, cycles } = self;
        let percent = f64::from(right) * 100.0 / f64::from(all.max(1));
        let cycles = cycles / u64::from(all.max(1));
        println!(
            "{name:10} {all}, {same} answered to the host's bits, {right} right ({percent:.2} %), {cycles} cycles each"
        );
    }
}
