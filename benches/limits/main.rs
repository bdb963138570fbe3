//! What this machine can do, and how much of it each kernel reaches: tables, in under a minute. Others' ways to compute the
//! same run beside ours.
//!
//! ```sh
//! cargo bench --bench limits                # with the built-in digits
//! MNIST_DIR=… cargo bench --bench limits    # with MNIST
//! cargo bench --bench limits -- --save before       # add this run to those saved under that name
//! cargo bench --bench limits -- --against before    # the ratio of each row to them
//! cargo bench --bench limits -- --json              # seconds by row, for programs
//! ```
//!
//! Times on shared machines drift by a factor of three within a minute, so what is compared runs in turn, a short
//! quantum of each, hundreds of times in this process; figures are best deciles. Bounds are measured here too. The part of
//! the peak counts useful operations only: the multiplications and additions of what is not zero in the images.

#![expect(clippy::cast_precision_loss, reason = "counts and sizes here are far below 2⁵²")]

mod counters;
mod ours;
mod rivals;
mod samples;
mod table;
mod timing;

use core::hint::black_box;
use core::num::NonZeroUsize;
use core::time::Duration;
use ours::{classify, memory, options, packed, quantized};
use rivals::{Arrays, Loops};
use samples::Samples;
use table::{Table, figure, micros, percent, times};
use timing::{in_turn, keep, time, warm};
use twolayer::host::dataset::{Dataset, Digits};
use twolayer::host::training::{self, Event, Recipe};
use twolayer::host::{PageBuffer, Threads};
use twolayer::int::{PackedNetwork, QuantizedNetwork};
use twolayer::probe::{PEAK_OPERATIONS, Parts, peak, read};
use twolayer::{Answer, Backend, Bits, Network, Shape, TrainError, TrainOptions, Trainer};

const SHAPE: Shape = Shape::MNIST;
const INPUTS: usize = SHAPE.inputs();
const HIDDEN: usize = SHAPE.hidden();
const OUTPUTS: usize = SHAPE.outputs();
const BLOCK: usize = TrainOptions::BLOCK;
/// Hidden units of a panel, which one thread works on.
const PANEL: usize = 128;
const ALPHA: f32 = TrainOptions::ALPHA;

type Anything = Box<dyn core::error::Error>;

fn main() -> Result<(), Anything> {
    // `cargo bench` passes --bench; `cargo test --benches` passes nothing, and only wants to see that it works.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let name = |flag: &str| -> Result<Option<&str>, Anything> {
        let Some(at) = arguments.iter().position(|argument| argument == flag) else { return Ok(None) };
        Ok(Some(arguments.get(at + 1).ok_or_else(|| format!("{flag} needs the name of a run"))?))
    };
    let mut table = Table::new(given("--json"));
    let save = name("--save")?;
    if let Some(name) = name("--against")? {
        table.compare_with(name)?;
    }
    let measured = given("--bench") && !given("--test");
    let patience = Duration::from_millis(if measured { 1500 } else { 1 });

    let samples = Samples::new();
    let Samples { name, labels, nonzero, .. } = &samples;
    table.remark(&format!("{} samples of {name}, {nonzero:.1} nonzero pixels each", labels.len()));
    table.remark("best deciles of short runs in turn; peak: multiplications and additions in registers alone");
    let machine = Machine::new(patience)?;
    machine.print(&mut table);
    let mut best = Step::default();
    for backend in Backend::available() {
        best = step(backend, &samples, patience)?;
        best.print(&mut table, backend, &samples, &machine);
    }
    counters::print(&mut table, &samples)?;
    step_of_rivals(&mut table, &samples, &machine, patience)?;
    inference(&mut table, &samples, &machine, patience)?;
    for backend in Backend::available() {
        integers(&mut table, backend, &samples, patience)?;
    }
    small(&mut table, &samples, patience)?;
    growth(&mut table, &samples, &machine, patience)?;
    threads(&mut table, &samples, patience)?;
    best.predict(&mut table);
    recipes(&mut table, patience)?;
    if table.silent {
        println!("{}", table.json());
    } else {
        println!();
    }
    if let Some(name) = save {
        let path = table.save(name)?;
        eprintln!("saved in {}", path.display());
    }
    Ok(())
}

/// Seconds a sample of the parts of a training step.
#[derive(Default)]
struct Step {
    prepare: f64,
    visit: f64,
    forward: f64,
    sequence: f64,
    whole: f64,
    /// Multiplications and additions a second, in turn with the parts.
    peak: f64,
}

/// The parts of a training step on one tier.
fn step(backend: Backend, samples: &Samples, patience: Duration) -> Result<Step, Anything> {
    let (mut weights, mut scratch) = memory(SHAPE, BLOCK)?;
    let mut parts = Parts::new(weights.view_mut(), &mut scratch, options(backend, BLOCK))?;
    let mut blocks = samples.blocks().cycle();
    let [prepare, visit, sequence, whole, forward, call] = in_turn(patience, || {
        let (images, labels) = blocks.next().unwrap_or((&[], &[]));
        let prepare = time(BLOCK, || parts.prepare(images));
        let visit = time(BLOCK, || parts.visit());
        let sequence = time(BLOCK, || keep(parts.sequential(labels)));
        // The forward pass by itself: the same block again, with no block before.
        parts.prepare(images);
        let before = parts.take_before();
        let forward = time(BLOCK, || parts.visit());
        parts.give_before(before);
        let call = time(1, || keep(peak(backend)));
        [prepare, visit, sequence, prepare + visit + sequence, forward, call]
    });
    Ok(Step { prepare, visit, forward, sequence, whole, peak: f64::from(PEAK_OPERATIONS) / call })
}

impl Step {
    fn print(&self, table: &mut Table, backend: Backend, samples: &Samples, machine: &Machine) {
        let pixels = samples.nonzero * HIDDEN as f64;
        let output = (HIDDEN * OUTPUTS) as f64;
        let corrections = (HIDDEN * (BLOCK - 1)) as f64;
        table.title(
            &format!("Training step, {backend}, peak {:.0} Gop/s", self.peak / 1e9),
            ["µs", "of step", "Gop/s", "of peak"],
        );
        let mut row = |name: &str, time: f64, operations: f64| {
            let rate = operations / time;
            let figures = [micros(time), percent(time / self.whole), figure(rate / 1e9, 1)];
            table.row(name, time, figures, Some(rate / self.peak));
        };
        row("lists and Gram numbers", self.prepare, (INPUTS * (BLOCK - 1)) as f64);
        row("update + forward pass", self.visit, 4.0 * pixels);
        row("  the forward pass alone", self.forward, 2.0 * pixels);
        row("corrections, output layer", self.sequence, 6.0 * output + corrections);
        row("whole step, useful operations", self.whole, step_operations(samples, HIDDEN));
        table.remark(&format!(
            "the forward pass reads {:.0} GB/s of weights; L1 gives {:.0}, L2 {:.0}",
            4.0 * pixels / self.forward / 1e9,
            machine.read[0] / 1e9,
            machine.read[1] / 1e9
        ));
    }

    /// What more cores would do, as far as these times tell: whole panels are shared out, the sequential part stays on one core, and
    /// lists are made beside it.
    fn predict(&self, table: &mut Table) {
        let panels = HIDDEN.div_ceil(PANEL);
        table.title("Training on more cores, predicted", ["µs", "speed", "", "of cores"]);
        for cores in [2, 4, 8, 16] {
            let rounds = panels.div_ceil(cores) as f64 / panels as f64;
            let time = self.visit * rounds + self.sequence.max(self.prepare);
            let speed = self.whole / time;
            let figures = [micros(time), times(speed), String::new()];
            table.row(&format!("{cores} cores"), time, figures, Some(speed / cores as f64));
        }
        table.remark("not measured: from the parts of a step above, as if cores shared neither caches nor memory");
    }
}

/// The multiplications and additions that a training step cannot do without.
fn step_operations(samples: &Samples, hidden: usize) -> f64 {
    hidden as f64 * (4.0 * samples.nonzero + 6.0 * OUTPUTS as f64)
}

/// The step against other ways to compute it, in turn.
fn step_of_rivals(table: &mut Table, samples: &Samples, machine: &Machine, patience: Duration) -> Result<(), Anything> {
    let backend = Backend::detect();
    let (mut weights, mut scratch) = memory(SHAPE, BLOCK)?;
    let (mut weights1, mut scratch1) = memory(SHAPE, 1)?;
    let mut block = Trainer::new(weights.view_mut(), &mut scratch, options(backend, BLOCK))?;
    let mut plain = Trainer::new(weights1.view_mut(), &mut scratch1, options(backend, 1))?;
    let (mut dense, mut skipping, mut arrays) = (Loops::new(false), Loops::new(true), Arrays::new());
    let mut blocks = samples.blocks().cycle();
    // Enough that each way finds its own weights in a cache for most of its turn.
    let few = 16;
    // A call ends with an extra pass over W1; many blocks a call, as in training, share it.
    let many = 16 * BLOCK;
    let mut calls = samples.chunks(many).cycle();
    let seconds = in_turn(patience * 3, || {
        let (images, labels) = blocks.next().unwrap_or((&[], &[]));
        let (many_images, many_labels) = calls.next().unwrap_or((&[], &[]));
        let (some, some_labels) = (&images[..few * INPUTS], &labels[..few]);
        let single = || some.chunks(INPUTS).zip(some_labels);
        [
            time(many, || keep(block.train(many_images, many_labels))),
            time(few, || keep(plain.train(some, some_labels))),
            time(few, || single().for_each(|(x, &label)| skipping.step(x, label))),
            time(few, || single().for_each(|(x, &label)| dense.step(x, label))),
            time(few, || single().for_each(|(x, &label)| arrays.step(x, label))),
        ]
    });
    table.title(&format!("Training step, {backend} beside others"), ["µs", "time", "Gop/s", "of peak"]);
    let names =
        ["blocks of 64", "blocks of 1: the plain step", "naive loops, zeros skipped", "naive loops, dense", "ndarray"];
    for (name, time) in names.iter().zip(seconds) {
        let rate = step_operations(samples, HIDDEN) / time;
        let figures = [micros(time), times(time / seconds[0]), figure(rate / 1e9, 1)];
        table.row(name, time, figures, Some(rate / machine.peak));
    }
    Ok(())
}

/// Classification of one image and of many, against other ways.
fn inference(table: &mut Table, samples: &Samples, machine: &Machine, patience: Duration) -> Result<(), Anything> {
    let backend = Backend::detect();
    let (weights, _) = memory(SHAPE, 1)?;
    let network = Network::new(weights.view(), backend);
    let mut scratch = vec![0.0; Network::batch_scratch_len(SHAPE, BLOCK)];
    let (mut dense, mut skipping, arrays) = (Loops::new(false), Loops::new(true), Arrays::new());
    let mut blocks = samples.blocks().cycle();
    let few = 32;
    let seconds = in_turn(patience * 3, || {
        let (batch, _) = blocks.next().unwrap_or((&[], &[]));
        let some = || batch[..few * INPUTS].chunks(INPUTS);
        [
            warm(few, || some().for_each(|x| keep(network.outputs(x, &mut scratch).map(Answer::of)))),
            warm(few, || some().for_each(|x| keep(skipping.outputs(x)))),
            warm(few, || some().for_each(|x| keep(dense.outputs(x)))),
            warm(few, || some().for_each(|x| keep(arrays.outputs(x)))),
            warm(BLOCK, || keep::<[_; BLOCK]>(classify(&network, batch, &mut scratch))),
            warm(BLOCK, || keep(arrays.batch(batch))),
        ]
    });
    table.title(&format!("Classification, {backend}"), ["µs", "time", "images/s", "of peak"]);
    let hidden = HIDDEN as f64;
    let operations = 2.0 * hidden * (samples.nonzero + OUTPUTS as f64);
    let mut row = |name: &str, time: f64, own: f64| {
        let part = operations / time / machine.peak;
        table.row(name, time, [micros(time), times(time / own), figure(1.0 / time, 0)], Some(part));
    };
    row("one image", seconds[0], seconds[0]);
    row("  naive loops, zeros skipped", seconds[1], seconds[0]);
    row("  naive loops, dense", seconds[2], seconds[0]);
    row("  ndarray", seconds[3], seconds[0]);
    row("64 images at a time", seconds[4], seconds[4]);
    row("  ndarray (matrixmultiply)", seconds[5], seconds[4]);
    table.remark(&format!(
        "one image reads {:.0} GB/s of weights; L2 gives {:.0}, L3 {:.0}",
        4.0 * hidden * (samples.nonzero + OUTPUTS as f64) / seconds[0] / 1e9,
        machine.read[1] / 1e9,
        machine.read[2] / 1e9
    ));
    Ok(())
}

/// Classification in integers against that in f32, on one tier.
fn integers(table: &mut Table, backend: Backend, samples: &Samples, patience: Duration) -> Result<(), Anything> {
    let (weights, _) = memory(SHAPE, 1)?;
    let network = Network::new(weights.view(), backend);
    let mut scratch = vec![0.0; Network::scratch_len(SHAPE)];
    let (eight, four) = (quantized(SHAPE, Bits::Eight)?, quantized(SHAPE, Bits::Four)?);
    let (eight, four) = (eight.network(), four.network());
    let len = PackedNetwork::memory_len(SHAPE);
    let (mut memory8, mut memory4) = (PageBuffer::zeros(len)?, PageBuffer::zeros(len)?);
    let packed8 = packed(&eight, &mut memory8, backend)?;
    let packed4 = packed(&four, &mut memory4, backend)?;
    let mut words = vec![0; PackedNetwork::scratch_len(SHAPE).max(QuantizedNetwork::scratch_len(SHAPE))];
    let mut blocks = samples.blocks().cycle();
    let seconds = in_turn(patience, || {
        let (images, _) = blocks.next().unwrap_or((&[], &[]));
        let all = || images.chunks(INPUTS);
        [
            warm(BLOCK, || all().for_each(|x| keep(network.outputs(x, &mut scratch).map(Answer::of)))),
            warm(BLOCK, || all().for_each(|x| keep(packed8.outputs(x, &mut words).map(Answer::of)))),
            warm(BLOCK, || all().for_each(|x| keep(packed4.outputs(x, &mut words).map(Answer::of)))),
            warm(BLOCK, || all().for_each(|x| keep(eight.outputs(x, &mut words).map(Answer::of)))),
        ]
    });
    table.title(&format!("Classification in integers, {backend}"), ["µs", "speed", "images/s", ""]);
    let names = ["f32", "int8", "int4", "int8, the device's portable kernel"];
    for (name, time) in names.iter().zip(seconds) {
        table.row(name, time, [micros(time), times(seconds[0] / time), figure(1.0 / time, 0)], None);
    }
    Ok(())
}

/// Networks for small memories: f32 and integers, one image and many.
fn small(table: &mut Table, samples: &Samples, patience: Duration) -> Result<(), Anything> {
    let backend = Backend::detect();
    let whole = Shape::new(INPUTS, 64, OUTPUTS)?;
    let halved = Shape::new(INPUTS / 4, 128, OUTPUTS)?.with_halved_images([28, 28])?;
    for shape in [whole, halved] {
        let (weights, _) = memory(shape, 1)?;
        let network = Network::new(weights.view(), backend);
        let mut scratch = vec![0.0; Network::batch_scratch_len(shape, BLOCK)];
        let eight = quantized(shape, Bits::Eight)?;
        let mut memory = PageBuffer::zeros(PackedNetwork::memory_len(shape))?;
        let packed = packed(&eight.network(), &mut memory, backend)?;
        let mut words = vec![0; PackedNetwork::scratch_len(shape)];
        let mut blocks = samples.blocks().cycle();
        let seconds = in_turn(patience, || {
            let (images, _) = blocks.next().unwrap_or((&[], &[]));
            let all = || images.chunks(INPUTS);
            [
                warm(BLOCK, || all().for_each(|x| keep(network.outputs(x, &mut scratch).map(Answer::of)))),
                warm(BLOCK, || keep::<[_; BLOCK]>(classify(&network, images, &mut scratch))),
                warm(BLOCK, || all().for_each(|x| keep(packed.outputs(x, &mut words).map(Answer::of)))),
            ]
        });
        table.title(&format!("{shape}, {backend}"), ["µs", "speed", "images/s", ""]);
        for (name, time) in ["f32, one image", "f32, 64 images at a time", "int8, one image"].iter().zip(seconds) {
            table.row(name, time, [micros(time), times(seconds[0] / time), figure(1.0 / time, 0)], None);
        }
    }
    Ok(())
}

/// Larger hidden layers: the time of one sample and hidden unit should not grow.
fn growth(table: &mut Table, samples: &Samples, machine: &Machine, patience: Duration) -> Result<(), Anything> {
    let backend = Backend::detect();
    table.title(&format!("Training step by units, {backend}"), ["µs", "ns a unit", "Gop/s", "of peak"]);
    for hidden in [250, 1000, 4000, 16000] {
        let shape = Shape::new(INPUTS, hidden, OUTPUTS)?;
        for block in [BLOCK, 1] {
            let (mut weights, mut scratch) = memory(shape, block)?;
            let mut trainer = Trainer::new(weights.view_mut(), &mut scratch, options(backend, block))?;
            let count = 16 * block;
            let mut calls = samples.chunks(count).cycle();
            let [each] = in_turn(patience, || {
                let (images, labels) = calls.next().unwrap_or((&[], &[]));
                [time(count, || keep(trainer.train(images, labels)))]
            });
            let rate = step_operations(samples, hidden) / each;
            let figures = [micros(each), figure(each * 1e9 / hidden as f64, 2), figure(rate / 1e9, 1)];
            table.row(&format!("{hidden:>5}, blocks of {block}"), each, figures, Some(rate / machine.peak));
        }
    }
    Ok(())
}

/// Several threads against one, in turn; and what several threads can do at all.
fn threads(table: &mut Table, samples: &Samples, patience: Duration) -> Result<(), Anything> {
    let cores = std::thread::available_parallelism()?;
    let backend = Backend::detect();
    let count = samples.labels.len() / BLOCK * BLOCK;
    let (images, labels) = (&samples.images[..count * INPUTS], &samples.labels[..count]);
    let (mut weights, mut scratch) = memory(SHAPE, BLOCK)?;
    let mut trainer = Trainer::new(weights.view_mut(), &mut scratch, options(backend, BLOCK))?;
    let pools = [NonZeroUsize::MIN, cores].map(Threads::new);
    let mut run = |pool: &Threads| {
        time(count, || keep(pool.train(&mut trainer, images, labels, |_, _| Ok::<(), TrainError>(()))))
    };
    let burn = |threads: usize| {
        let calls = 2000;
        time(threads * calls, || {
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| (0..calls).for_each(|_| keep(peak(backend))));
                }
            });
        })
    };
    let [one, all, burn_one, burn_all] =
        in_turn(patience * 4, || [run(&pools[0]), run(&pools[1]), burn(1), burn(cores.get())]);
    table.title(&format!("Threads, {backend}"), ["µs", "speed", "", &format!("of {cores} ×")]);
    let mut row = |name: &str, one: f64, all: f64, time: String| {
        let speed = one / all;
        table.row(name, all, [time, times(speed), String::new()], Some(speed / cores.get() as f64));
    };
    row("training, 1 thread", one, one, micros(one));
    row(&format!("training, {cores} threads"), one, all, micros(all));
    row(&format!("multiply-adds alone, {cores} threads"), burn_one, burn_all, String::new());
    Ok(())
}

/// Recipes against the article's, in turn, each by whole runs of an epoch: shuffling, rates and distortions are in them.
fn recipes(table: &mut Table, patience: Duration) -> Result<(), Anything> {
    let digits = Dataset::generate(Digits { train: 8192, test: 10, ..Digits::default() }, &mut |_| ())?;
    let cores = std::thread::available_parallelism()?;
    for threads in if cores > NonZeroUsize::MIN { vec![NonZeroUsize::MIN, cores] } else { vec![cores] } {
        let epoch = |recipe: Recipe| {
            let mut time = 0.0;
            let each = |event| {
                if let Event::Epoch(epoch) = event {
                    time = epoch.time.as_secs_f64() / epoch.samples as f64;
                }
            };
            keep(training::train(&digits, &Recipe { epochs: 1, threads, ..recipe }, each));
            time
        };
        let recipes = [Recipe::default(), Recipe::fast(), Recipe::further(), Recipe::good()];
        let seconds = in_turn(patience * 2, || recipes.map(epoch));
        table.title(&format!("Recipes, {}, threads: {threads}", Backend::detect()), ["µs", "time", "", ""]);
        let names = [
            "article",
            "fast: cross-entropy, shuffled",
            "further: the same, distorted",
            "good, best: and with other hands",
        ];
        for (name, time) in names.iter().zip(seconds) {
            table.row(name, time, [micros(time), times(time / seconds[0]), String::new()], None);
        }
    }
    Ok(())
}

/// What the machine can do at most, on the best tier.
struct Machine {
    /// Multiplications and additions a second.
    peak: f64,
    /// Bytes read a second, from L1, L2, L3 and memory.
    read: [f64; 4],
}

impl Machine {
    /// Bytes that fit into each of them.
    const SIZES: [usize; 4] = [16 << 10, 192 << 10, 6 << 20, 256 << 20];

    fn new(patience: Duration) -> Result<Self, Anything> {
        let backend = Backend::detect();
        let mut numbers = PageBuffer::zeros(Self::SIZES[3] / 4)?;
        numbers.fill(1e-9);
        let [peak] = in_turn(patience, || [time(1, || keep(peak(backend)))]);
        let read = Self::SIZES.map(|size| {
            let numbers = &numbers[..size / 4];
            // About 1 MB a quantum, or all of it.
            let times = (1_usize << 20).div_ceil(size);
            let quantum = || (0..times).for_each(|_| keep(read(backend, black_box(numbers))));
            let [each] = in_turn(patience, || [time(times, quantum)]);
            size as f64 / each
        });
        Ok(Self { peak: f64::from(PEAK_OPERATIONS) / peak, read })
    }

    fn print(&self, table: &mut Table) {
        table.title(&format!("This machine, one core, {}", Backend::detect()), ["", "", "", "of L1"]);
        let figures = |rate: f64, unit: &str| [figure(rate / 1e9, 0), format!("{unit:<8}"), String::new()];
        table.row("multiplications and additions", 1.0 / self.peak, figures(self.peak, "Gop/s"), None);
        for (name, rate) in ["L1", "L2", "L3", "memory"].iter().zip(self.read) {
            table.row(&format!("reads from {name}"), 1.0 / rate, figures(rate, "GB/s"), Some(rate / self.read[0]));
        }
    }
}
