//! Instructions of each part, by valgrind's callgrind: a regression that no noise can touch. Without `valgrind` on the
//! path it says so, and that is all.
//!
//! ```sh
//! cargo bench --bench valgrind             # counts beside the pinned ones
//! cargo bench --bench valgrind -- --check  # fails if valgrind is missing or a count is more than pinned
//! ```
//!
//! With the environment variable `CI` set, counts of more than pinned fail without the flag too. The pinned counts hold
//! for one compiler, [`PINNED_COMPILER`] on x86-64: another one's differ, and say nothing by that.
//!
//! This program runs itself under callgrind, with a part once and then twice; the difference is the part. Callgrind
//! knows no AVX-512.

#![expect(clippy::cast_precision_loss, reason = "counts here are far below 2⁵²")]

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};
use core::hint::black_box;
use core::num::NonZeroUsize;
use std::process::{Command, ExitCode};
use twolayer::host::Quantized;
use twolayer::int::{PackedNetwork, QuantizedNetwork};
use twolayer::probe::Parts;
use twolayer::{
    Answer, Backend, Bits, Distortion, INIT_SCALE, LossFunction, Network, Shape, TrainOptions, Trainer, WeightsMut,
    digit, fill_initial,
};

type Anything = Box<dyn core::error::Error>;

const SHAPE: Shape = Shape::MNIST;
const BLOCK: usize = TrainOptions::BLOCK;

/// How far a count may be from the pinned one.
const TOLERANCE: f64 = 0.02;

/// The compiler that the pinned counts are of.
const PINNED_COMPILER: &str = "rustc 1.95.0";

const TITLE: Style = Style::new().bold();
const FEWER: Style = AnsiColor::Green.on_default();
const MORE: Style = AnsiColor::Red.on_default().bold();

/// A part, the samples that it is for, and its pinned counts on the portable tier and on AVX2.
const PARTS: [(&str, usize, [u64; 2]); 11] = [
    ("lists and Gram numbers", BLOCK, [1_638_502, 1_053_760]),
    ("forward pass", BLOCK, [11_172_115, 3_207_904]),
    ("update + forward pass", BLOCK, [22_947_763, 6_719_891]),
    ("corrections, output layer", BLOCK, [4_670_464, 1_812_346]),
    ("the same, cross-entropy", BLOCK, [4_703_654, 1_846_240]),
    ("block of training", BLOCK, [29_261_446, 9_589_075]),
    ("distortions", BLOCK, [1_644_448, 1_644_448]),
    ("one image, f32", 1, [189_914, 56_981]),
    ("64 images, f32", BLOCK, [12_367_002, 3_798_029]),
    ("one image, int8", 1, [78_874, 42_203]),
    ("one image, int4", 1, [78_874, 42_203]),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, part, tier, times] = &arguments[..]
        && flag == "--run"
    {
        return exit(run_part(part, tier, times.parse().unwrap_or(1)));
    }
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let check = given("--check");
    // `cargo bench` passes --bench; `cargo test --benches` passes nothing, and only wants to see that it works.
    if given("--test") || !(given("--bench") || check) {
        return exit(PARTS.iter().try_for_each(|(part, ..)| run_part(part, "portable", 1)));
    }
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    match table() {
        Ok(sound) if sound || !(check || ci) => ExitCode::SUCCESS,
        Ok(_) => exit(Err("a part takes more instructions than pinned".into())),
        Err(error) if check => exit(Err(error)),
        Err(error) => {
            println!("no instruction counts: {error}");
            ExitCode::SUCCESS
        }
    }
}

fn exit(done: Result<(), Anything>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{MORE}error{MORE:#}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the counts; whether none is more than pinned.
fn table() -> Result<bool, Anything> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err("valgrind is not installed (Debian, Ubuntu: apt-get install valgrind)".into());
    }
    let (compiler, arch) = (compiler(), std::env::consts::ARCH);
    let same = compiler.starts_with(&format!("{PINNED_COMPILER} ")) && arch == "x86_64";
    let remark = if same { "" } else { ": counts may differ" };
    println!("pinned for {PINNED_COMPILER} on x86_64; here is {compiler} on {arch}{remark}\n");
    println!(
        "{TITLE}{:<28}{:<10}{:>14}{:>14}{:>9}{TITLE:#}",
        "Instructions a sample", "tier", "counted", "pinned", "ratio"
    );
    let mut sound = true;
    for (part, samples, pinned) in PARTS {
        for (tier, pinned) in ["portable", "avx2"].into_iter().zip(pinned) {
            if Backend::available().any(|backend| backend.name() == tier) {
                let count = count(part, tier, 2)?.saturating_sub(count(part, tier, 1)?);
                sound &= row(part, tier, samples, count, pinned);
            }
        }
    }
    if !sound {
        println!("\nmore than pinned: {}", if same { "a regression" } else { "another compiler, or a regression" });
    }
    Ok(sound)
}

/// Prints a count of some samples; whether it is no more than pinned.
fn row(part: &str, tier: &str, samples: usize, count: u64, pinned: u64) -> bool {
    let each = |count: u64| count as f64 / samples as f64;
    let ratio = count as f64 / pinned as f64;
    let (style, remark) = match ratio - 1.0 {
        more if more > TOLERANCE => (MORE, "  more"),
        less if less < -TOLERANCE => (FEWER, "  fewer"),
        _ => (Style::new(), ""),
    };
    println!("{part:<28}{tier:<10}{:>14.1}{:>14.1}{style}{ratio:>9.3}{remark}{style:#}", each(count), each(pinned));
    ratio <= 1.0 + TOLERANCE
}

/// The compiler that cargo uses here, as it calls itself.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    match Command::new(rustc).arg("--version").output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "an unknown compiler".to_owned(),
    }
}

/// The instructions of this whole program when it runs a part some times.
fn count(part: &str, tier: &str, times: u32) -> Result<u64, Anything> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--run", part, tier, &times.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    match collected {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("valgrind ended with {}:\n{text}", output.status).into()),
    }
}

/// Prepares all parts' data, then runs one of them some times.
fn run_part(part: &str, tier: &str, times: u32) -> Result<(), Anything> {
    let backend = Backend::available().find(|backend| backend.name() == tier).ok_or("no such tier here")?;
    let (images, labels): (Vec<_>, Vec<_>) = (0..64).map(|index| digit(1, index)).unzip();
    let images = images.concat();
    let mut numbers = vec![0.0; SHAPE.weights_len()];
    let mut weights = WeightsMut::new(SHAPE, &mut numbers)?;
    fill_initial(&mut weights, 1, INIT_SCALE);
    let loss = if part.ends_with("cross-entropy") { LossFunction::CrossEntropy } else { LossFunction::Squared };
    let options = TrainOptions { backend, loss, ..TrainOptions::default() };
    let mut repeat = |what: &mut dyn FnMut()| (0..times).for_each(|_| what());

    if let Some(bits) = [("one image, int8", Bits::Eight), ("one image, int4", Bits::Four)].iter().find(|b| b.0 == part)
    {
        return integers(bits.1, backend, &images, &mut repeat);
    }
    if part == "distortions" {
        let width = NonZeroUsize::new(28).ok_or("no columns")?;
        let (mut scratch, mut distorted) = (vec![0; Distortion::scratch_len(28, 28)], vec![0; SHAPE.inputs()]);
        repeat(&mut || {
            for (seed, image) in (0..).zip(black_box(&images).chunks(SHAPE.inputs())) {
                let by = Distortion { percent: 100, hands: 0 };
                by.apply(image, width, seed, &mut scratch, &mut distorted).expect("valid buffers");
                black_box(&distorted);
            }
        });
        return Ok(());
    }
    let mut training = vec![0.0; Trainer::scratch_len(SHAPE, BLOCK)];
    if part.ends_with("f32") {
        // A trainer's weights are short, as those of most networks that are asked.
        Trainer::new(weights.reborrow(), &mut training, options)?;
        let network = Network::new(weights.view(), backend);
        let mut scratch = vec![0.0; Network::batch_scratch_len(SHAPE, BLOCK)];
        if part.starts_with("one") {
            let image = &images[..SHAPE.inputs()];
            repeat(&mut || {
                black_box(Answer::of(network.outputs(black_box(image), &mut scratch).expect("valid buffers")));
            });
        } else {
            repeat(&mut || {
                let outputs = network.outputs_batch(black_box(&images), &mut scratch).expect("valid buffers");
                outputs.chunks(SHAPE.outputs()).for_each(|outputs| _ = black_box(Answer::of(outputs)));
            });
        }
        return Ok(());
    }
    if part == "block of training" {
        let mut trainer = Trainer::new(weights, &mut training, options)?;
        repeat(&mut || _ = trainer.train(black_box(&images), &labels).expect("valid samples"));
        return Ok(());
    }
    // A block before, so that there is something to update.
    let mut parts = Parts::new(weights, &mut training, options)?;
    for _ in 0..2 {
        parts.prepare(&images);
        parts.visit();
        parts.sequential(&labels);
    }
    parts.prepare(&images);
    match part {
        "lists and Gram numbers" => repeat(&mut || parts.prepare(black_box(&images))),
        "forward pass" => {
            parts.take_before();
            repeat(&mut || parts.visit());
        }
        "update + forward pass" => repeat(&mut || parts.visit()),
        "corrections, output layer" | "the same, cross-entropy" => {
            repeat(&mut || _ = parts.sequential(black_box(&labels)));
        }
        _ => return Err(format!("no part is called {part}").into()),
    }
    Ok(())
}

/// Classifies the first image in integers; which weights they are is no matter to the count.
fn integers(
    bits: Bits,
    backend: Backend,
    images: &[u8],
    repeat: &mut dyn FnMut(&mut dyn FnMut()),
) -> Result<(), Anything> {
    let mut payload = vec![0x5A; QuantizedNetwork::payload_len(SHAPE, bits)?];
    payload[..16].fill(0);
    payload[0] = 12;
    let quantized = Quantized::new(SHAPE, bits, &payload)?;
    let mut memory = vec![0; PackedNetwork::memory_len(SHAPE)];
    let network = PackedNetwork::new(&quantized.network(), &mut memory, backend)?;
    let mut scratch = vec![0; PackedNetwork::scratch_len(SHAPE)];
    let image = &images[..SHAPE.inputs()];
    repeat(&mut || {
        black_box(Answer::of(network.outputs(black_box(image), &mut scratch).expect("valid buffers")));
    });
    Ok(())
}
