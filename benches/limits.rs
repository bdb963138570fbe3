//! How far each part is from what this machine can do, and from how others do it: one table, in under two minutes.
//!
//! Times on shared machines drift by a factor of three within a minute, so what is compared runs in turn, a short
//! quantum of each, hundreds of times in this process; figures are best deciles. Bounds are measured here too.

#![expect(clippy::cast_precision_loss, reason = "counts and sizes here are far below 2⁵²")]

use core::hint::black_box;
use core::num::NonZeroUsize;
use core::time::Duration;
use ndarray::linalg::{general_mat_mul, general_mat_vec_mul};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use std::time::Instant;
use twolayer::host::Numbers;
use twolayer::host::dataset::digit;
use twolayer::int8::{Bits, PackedNetwork, QuantizedNetwork};
use twolayer::probe::{PEAK_OPERATIONS, Parts, peak, read, train_with_threads};
use twolayer::{Backend, INIT_SCALE, Idx, Network, Options, Shape, Trainer, fill_initial};

const INPUTS: usize = 784;
const OUTPUTS: usize = 10;
const BLOCK: usize = Options::BLOCK;
const ALPHA: f32 = Options::ALPHA;

type Anything = Box<dyn core::error::Error>;

fn main() -> Result<(), Anything> {
    // `cargo test --benches` runs this too, to see that it works.
    let test = std::env::args().any(|argument| argument == "--test");
    let patience = Duration::from_millis(if test { 1 } else { 1500 });
    let samples = Samples::new()?;
    println!("{} samples of {}, {:.1} nonzero pixels each\n", samples.labels.len(), samples.name, samples.nonzero);

    let machine = Machine::new(patience)?;
    machine.print();
    for backend in Backend::available() {
        steps(backend, &samples, &machine, patience)?;
    }
    rivals(&samples, patience)?;
    inference(&samples, &machine, patience)?;
    growth(&samples, &machine, patience)?;
    threads(&samples, patience)?;
    Ok(())
}

/// The parts of a training step on one tier.
fn steps(backend: Backend, samples: &Samples, machine: &Machine, patience: Duration) -> Result<(), Anything> {
    let shape = Shape::MNIST;
    let hidden = shape.hidden() as f64;
    let (mut weights, mut scratch) = memory(shape, BLOCK)?;
    let mut parts = Parts::new(shape, &mut weights, &mut scratch, options(backend, BLOCK))?;
    let mut times = [const { Vec::new() }; 6];
    let start = Instant::now();
    for (images, labels) in samples.blocks().cycle() {
        let mut laps = times.iter_mut();
        let mut done = |what: &mut dyn FnMut()| {
            let lap = Instant::now();
            what();
            let time = lap.elapsed().as_secs_f64() / BLOCK as f64;
            laps.next().into_iter().for_each(|times| times.push(time));
            time
        };
        let whole = done(&mut || parts.prepare(images))
            + done(&mut || parts.visit())
            + done(&mut || {
                black_box(parts.sequence(labels));
            });
        // The forward pass by itself: the same block again, with no block before.
        parts.prepare(images);
        let update = parts.take_before();
        done(&mut || parts.visit());
        parts.give_before(update);
        done(&mut || {
            black_box(peak(backend));
        });
        times[5].push(whole);
        if start.elapsed() > patience {
            break;
        }
    }
    let [prepare, visit, sequence, forward, peaks, whole] = times.map(best_decile);
    let peak = f64::from(PEAK_OPERATIONS) / (peaks * BLOCK as f64);
    let pixels = samples.nonzero * hidden;
    let output = hidden * OUTPUTS as f64;
    let corrections = hidden * (BLOCK - 1) as f64;
    println!("one training step, {backend}: µs, operations/s, part of this tier's peak of {:.0} Gop/s", peak / 1e9);
    let row = |name: &str, time: f64, operations: f64| {
        let rate = operations / time;
        println!("  {name:<44}{:>8.2}{:>8.1} G{:>8.2}", time * 1e6, rate / 1e9, rate / peak);
    };
    row("lists and Gram numbers", prepare, 2.0 * INPUTS as f64 * (BLOCK - 1) as f64 / 2.0);
    row("forward pass alone", forward, 2.0 * pixels);
    row("update of the block before + forward pass", visit, 4.0 * pixels);
    row("corrections, output layer", sequence, 6.0 * output + corrections);
    // Its last figure is the step's efficiency: what it had to compute over time over peak.
    row("whole step, useful operations: efficiency", whole, 4.0 * pixels + 6.0 * output);
    let bytes = 4.0 * pixels;
    println!(
        "  the forward pass reads {:.0} GB/s of weights; L1 gives {:.0}, L2 {:.0}\n",
        bytes / forward / 1e9,
        machine.read[0] / 1e9,
        machine.read[1] / 1e9
    );
    Ok(())
}

/// The step against other ways to compute it, in turn.
fn rivals(samples: &Samples, patience: Duration) -> Result<(), Anything> {
    let shape = Shape::MNIST;
    let backend = Backend::detect();
    let (mut weights, mut scratch) = memory(shape, BLOCK)?;
    let (mut weights1, mut scratch1) = memory(shape, 1)?;
    let mut block = Trainer::new(shape, &mut weights, &mut scratch, options(backend, BLOCK))?;
    let mut plain = Trainer::new(shape, &mut weights1, &mut scratch1, options(backend, 1))?;
    let (mut dense, mut skipping, mut arrays) = (Loops::new(false), Loops::new(true), Arrays::new());
    let mut blocks = samples.blocks().cycle();
    // Enough that each way finds its own weights in a cache for most of its turn.
    let few = 16;
    // A call ends with an extra pass over W1; many blocks a call, as in training, share it.
    let many = 16 * BLOCK;
    let mut calls = samples.images.chunks_exact(many * INPUTS).zip(samples.labels.chunks_exact(many)).cycle();
    let times = in_turn(patience * 3, || {
        let (images, labels) = blocks.next().unwrap_or((&[], &[]));
        let (many_images, many_labels) = calls.next().unwrap_or((&[], &[]));
        let (some, some_labels) = (&images[..few * INPUTS], &labels[..few]);
        let single = || some.chunks(INPUTS).zip(some_labels);
        [
            time(many, || keep(block.train(many_images, many_labels))),
            time(few, || keep(plain.train(some, some_labels))),
            time(few, || single().for_each(|(x, &label)| dense.step(x, label))),
            time(few, || single().for_each(|(x, &label)| skipping.step(x, label))),
            time(few, || single().for_each(|(x, &label)| arrays.step(x, label))),
        ]
    });
    println!("one training step, others in turn with it ({backend}): µs, and how many times our block form's");
    let names = ["block form", "plain step (blocks of 1)", "naive loops, dense", "naive loops, no zeros", "ndarray"];
    for (name, time) in names.iter().zip(times) {
        println!("  {name:<44}{:>8.2}{:>8.1} ×", time * 1e6, time / times[0]);
    }
    println!();
    Ok(())
}

/// Classification: one image, and many; and integers on every tier.
fn inference(samples: &Samples, machine: &Machine, patience: Duration) -> Result<(), Anything> {
    let shape = Shape::MNIST;
    let (weights, _) = memory(shape, 1)?;
    let network = Network::new(shape, &weights, Backend::detect())?;
    let mut scratch = vec![0.0; Network::scratch_len(shape, BLOCK)];
    let (mut dense, mut skipping, arrays) = (Loops::new(false), Loops::new(true), Arrays::new());
    let mut classes = [0; BLOCK];
    let mut blocks = samples.blocks().cycle();
    let few = 32;
    let times = in_turn(patience * 3, || {
        let (images, _) = blocks.next().unwrap_or((&[], &[]));
        let some = || images[..few * INPUTS].chunks(INPUTS);
        let batch = &images[..BLOCK * INPUTS];
        [
            warm(few, || {
                some().for_each(|x| keep(network.classify(x, &mut scratch, &mut classes[..1])));
            }),
            warm(few, || some().for_each(|x| keep(dense.outputs(x)))),
            warm(few, || some().for_each(|x| keep(skipping.outputs(x)))),
            warm(few, || some().for_each(|x| keep(arrays.outputs(x)))),
            warm(BLOCK, || keep(network.classify(batch, &mut scratch, &mut classes))),
            warm(BLOCK, || keep(arrays.batch(batch))),
        ]
    });
    println!("one classification: µs, images/s, and how many times our own");
    let row = |name: &str, time: f64, own: f64| {
        println!("  {name:<44}{:>8.2}{:>10.0}{:>8.2} ×", time * 1e6, 1.0 / time, time / own);
    };
    row("one image", times[0], times[0]);
    row("  naive loops, dense", times[1], times[0]);
    row("  naive loops, no zeros", times[2], times[0]);
    row("  ndarray", times[3], times[0]);
    row("64 images at a time", times[4], times[4]);
    row("  ndarray (matrixmultiply)", times[5], times[4]);
    let bytes = 4.0 * 1000.0 * (samples.nonzero + OUTPUTS as f64);
    println!(
        "  one image reads {:.0} GB/s of weights; L2 gives {:.0}, L3 {:.0}\n",
        bytes / times[0] / 1e9,
        machine.read[1] / 1e9,
        machine.read[2] / 1e9
    );
    Backend::available().try_for_each(|backend| integers(backend, &weights, samples, patience))
}

/// Classification in integers against that in f32, on one tier.
fn integers(backend: Backend, weights: &[f32], samples: &Samples, patience: Duration) -> Result<(), Anything> {
    let shape = Shape::MNIST;
    let network = Network::new(shape, weights, backend)?;
    let mut scratch = vec![0.0; Network::scratch_len(shape, 1)];
    // Which weights they are is no matter to the time.
    let payload = |bits: Bits| -> Result<Numbers, Anything> {
        let mut payload = Numbers::zeros(bits.payload_len(shape).ok_or("a payload")?.div_ceil(4))?;
        let words: &mut [u32] = bytemuck::cast_slice_mut(&mut payload);
        (0_u32..).zip(&mut *words).for_each(|(i, word)| *word = i.wrapping_mul(2_654_435_761));
        words[..4].copy_from_slice(&[12, 0, 0, 0]);
        Ok(payload)
    };
    let (eight, four) = (payload(Bits::Eight)?, payload(Bits::Four)?);
    let integers = |bits: Bits, payload| {
        let bytes = bits.payload_len(shape).and_then(|len| bytemuck::cast_slice(payload).get(..len));
        QuantizedNetwork::new(shape, bits, bytes.unwrap_or_default())
    };
    let (eight, four) = (integers(Bits::Eight, &*eight)?, integers(Bits::Four, &*four)?);
    let len = PackedNetwork::memory_len(shape);
    let (mut memory8, mut memory4) = (Numbers::zeros(len)?, Numbers::zeros(len)?);
    let packed8 = PackedNetwork::new(&eight, bytemuck::cast_slice_mut(&mut memory8), backend)?;
    let packed4 = PackedNetwork::new(&four, bytemuck::cast_slice_mut(&mut memory4), backend)?;
    let mut words = vec![0; PackedNetwork::scratch_len(shape).max(eight.scratch_len())];
    let mut class = [0];
    let mut blocks = samples.blocks().cycle();
    let few = BLOCK;
    let times = in_turn(patience, || {
        let (images, _) = blocks.next().unwrap_or((&[], &[]));
        let some = || images[..few * INPUTS].chunks(INPUTS);
        [
            warm(few, || some().for_each(|x| keep(network.classify(x, &mut scratch, &mut class)))),
            warm(few, || some().for_each(|x| keep(packed8.classify(x, &mut words, &mut class)))),
            warm(few, || some().for_each(|x| keep(packed4.classify(x, &mut words, &mut class)))),
            warm(few, || some().for_each(|x| keep(eight.classify(x, &mut words)))),
        ]
    });
    println!("one classification in integers, {backend}: µs, and how many times as fast as f32");
    let names = ["one image, f32", "one image, int8", "one image, int4", "  int8, the device's portable kernel"];
    for (name, time) in names.iter().zip(times) {
        println!("  {name:<44}{:>8.2}{:>8.2} ×", time * 1e6, times[0] / time);
    }
    println!();
    Ok(())
}

/// Larger hidden layers: the time of one sample and hidden unit should not grow.
fn growth(samples: &Samples, machine: &Machine, patience: Duration) -> Result<(), Anything> {
    println!("hidden units: µs a sample, ns a sample and unit, efficiency; the same for blocks of 1");
    for hidden in [250, 1000, 4000, 16000] {
        let shape = Shape::new(INPUTS, hidden, OUTPUTS)?;
        print!("  {hidden:>6}");
        for block in [BLOCK, 1] {
            let (mut weights, mut scratch) = memory(shape, block)?;
            let mut trainer = Trainer::new(shape, &mut weights, &mut scratch, options(Backend::detect(), block))?;
            let count = 16 * block;
            let mut calls = samples.images.chunks_exact(count * INPUTS).zip(samples.labels.chunks_exact(count)).cycle();
            let [each] = in_turn(patience, || {
                let (images, labels) = calls.next().unwrap_or((&[], &[]));
                [time(count, || keep(trainer.train(images, labels)))]
            });
            let hidden = hidden as f64;
            let useful = 4.0 * samples.nonzero * hidden + 6.0 * hidden * OUTPUTS as f64;
            let efficiency = useful / each / machine.peak;
            print!("{:>12.2}{:>8.2}{efficiency:>8.3}", each * 1e6, each * 1e9 / hidden);
        }
        println!();
    }
    println!();
    Ok(())
}

/// Several threads against one, in turn; and what several threads can do at all.
fn threads(samples: &Samples, patience: Duration) -> Result<(), Anything> {
    let cores = std::thread::available_parallelism()?;
    let backend = Backend::detect();
    let count = samples.labels.len() / BLOCK * BLOCK;
    let (images, labels) = (&samples.images[..count * INPUTS], &samples.labels[..count]);
    let (mut weights, mut scratch) = memory(Shape::MNIST, BLOCK)?;
    let mut run = |threads: NonZeroUsize| {
        let trainer = Trainer::new(Shape::MNIST, &mut weights, &mut scratch, options(backend, BLOCK));
        time(count, || keep(trainer.and_then(|t| train_with_threads(t, images, labels, threads))))
    };
    let burn = |threads: usize| {
        let calls = 2000;
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..calls).for_each(|_| keep(peak(backend))));
            }
        });
        start.elapsed().as_secs_f64() / (threads * calls) as f64
    };
    let times = in_turn(patience * 4, || [run(NonZeroUsize::MIN), run(cores), burn(1), burn(cores.get())]);
    println!("threads: µs a sample with 1 and with {cores}, times as fast; the same for multiply-adds in registers");
    println!(
        "  {:>8.2}{:>8.2}{:>8.2} ×{:>20.2} ×",
        times[0] * 1e6,
        times[1] * 1e6,
        times[0] / times[1],
        times[2] / times[3]
    );
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
        let mut numbers = Numbers::zeros(Self::SIZES[3] / 4)?;
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

    fn print(&self) {
        let [l1, l2, l3, memory] = self.read.map(|rate| rate / 1e9);
        println!("this machine, one core, {}:", Backend::detect());
        println!("  multiply-add      {:>7.0} Gop/s", self.peak / 1e9);
        println!("  reads, GB/s       {l1:>7.0} L1{l2:>7.0} L2{l3:>7.0} L3{memory:>7.0} memory\n");
    }
}

/// Images and labels: MNIST's if `MNIST_DIR` is set, the built-in digits otherwise.
struct Samples {
    name: &'static str,
    images: Vec<u8>,
    labels: Vec<u8>,
    nonzero: f64,
}

impl Samples {
    const COUNT: u16 = 8192;

    fn new() -> Result<Self, Anything> {
        let directory = std::env::var_os("MNIST_DIR").map(std::path::PathBuf::from);
        let (name, images, labels) = if let Some(directory) = directory {
            let images = std::fs::read(directory.join("train-images-idx3-ubyte"))?;
            let labels = std::fs::read(directory.join("train-labels-idx1-ubyte"))?;
            let (images, labels) = (Idx::parse(&images)?.images()?.data(), Idx::parse(&labels)?.labels()?);
            let count = usize::from(Self::COUNT).min(labels.len());
            ("MNIST", images[..count * INPUTS].to_vec(), labels[..count].to_vec())
        } else {
            let digits = (0..Self::COUNT).map(|index| digit(1, index.into()));
            let (images, labels): (Vec<_>, Vec<_>) = digits.unzip();
            ("the built-in digits", images.concat(), labels)
        };
        let nonzero = images.iter().filter(|&&pixel| pixel != 0).count() as f64 / labels.len() as f64;
        Ok(Self { name, images, labels, nonzero })
    }

    /// Whole blocks.
    fn blocks(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        self.images.chunks_exact(BLOCK * INPUTS).zip(self.labels.chunks_exact(BLOCK))
    }
}

/// The recipe in plain loops over plain rows, left to the compiler (as this bench is compiled).
struct Loops {
    skip: bool,
    w1: Vec<f32>,
    w2: Vec<f32>,
    z: Vec<f32>,
    delta1: Vec<f32>,
}

impl Loops {
    const HIDDEN: usize = 1000;

    fn new(skip: bool) -> Self {
        let weight = INIT_SCALE / 2.0;
        let (w1, w2) = (vec![weight; INPUTS * Self::HIDDEN], vec![weight; OUTPUTS * Self::HIDDEN]);
        Self { skip, w1, w2, z: vec![0.0; Self::HIDDEN], delta1: vec![0.0; Self::HIDDEN] }
    }

    fn outputs(&mut self, x: &[u8]) -> [f32; OUTPUTS] {
        self.z.fill(0.0);
        for (&x, w) in x.iter().zip(self.w1.chunks(Self::HIDDEN)).filter(|&(&x, _)| !self.skip || x != 0) {
            self.z.iter_mut().zip(w).for_each(|(z, w)| *z += f32::from(x) * w);
        }
        self.z.iter_mut().for_each(|z| *z = z.max(0.0));
        core::array::from_fn(|o| self.z.iter().zip(&self.w2[o * Self::HIDDEN..]).map(|(h, w)| h * w).sum())
    }

    fn step(&mut self, x: &[u8], label: u8) {
        let mut delta2 = self.outputs(x);
        delta2[usize::from(label)] -= 1.0;
        self.delta1.fill(0.0);
        for (d2, w2) in delta2.iter().zip(self.w2.chunks_mut(Self::HIDDEN)) {
            for ((d1, w), h) in self.delta1.iter_mut().zip(w2).zip(&self.z) {
                *d1 += d2 * *w;
                *w -= ALPHA * d2 * h;
            }
        }
        self.delta1.iter_mut().zip(&self.z).for_each(|(d, h)| *d = if *h > 0.0 { ALPHA * *d } else { 0.0 });
        for (&x, w) in x.iter().zip(self.w1.chunks_mut(Self::HIDDEN)).filter(|&(&x, _)| !self.skip || x != 0) {
            w.iter_mut().zip(&self.delta1).for_each(|(w, d)| *w -= f32::from(x) * d);
        }
    }
}

/// The recipe with `ndarray`, whose products are `matrixmultiply`'s.
struct Arrays {
    /// `[inputs][hidden]`.
    w1: Array2<f32>,
    /// `[hidden][outputs]`.
    w2: Array2<f32>,
}

impl Arrays {
    fn new() -> Self {
        let weight = INIT_SCALE / 2.0;
        Self { w1: Array2::from_elem((INPUTS, 1000), weight), w2: Array2::from_elem((1000, OUTPUTS), weight) }
    }

    fn forward(&self, x: &Array1<f32>) -> (Array1<f32>, Array1<f32>) {
        let mut h = Array1::zeros(1000);
        general_mat_vec_mul(1.0, &self.w1.t(), x, 0.0, &mut h);
        h.mapv_inplace(|z: f32| z.max(0.0));
        let y = h.dot(&self.w2);
        (h, y)
    }

    fn outputs(&self, x: &[u8]) -> Array1<f32> {
        self.forward(&x.iter().map(|&x| f32::from(x)).collect()).1
    }

    fn batch(&self, images: &[u8]) -> Option<Array2<f32>> {
        let images: Vec<_> = images.iter().map(|&x| f32::from(x)).collect();
        let x = ArrayView2::from_shape((images.len() / INPUTS, INPUTS), &images).ok()?;
        let mut h = x.dot(&self.w1);
        h.mapv_inplace(|z| z.max(0.0));
        Some(h.dot(&self.w2))
    }

    fn step(&mut self, x: &[u8], label: u8) {
        let x: Array1<f32> = x.iter().map(|&x| f32::from(x)).collect();
        let (h, mut delta2) = self.forward(&x);
        delta2[usize::from(label)] -= 1.0;
        let mut delta1 = self.w2.dot(&delta2);
        delta1.zip_mut_with(&h, |d, &h| *d = if h > 0.0 { *d } else { 0.0 });
        let column = |v: &Array1<f32>| v.clone().insert_axis(Axis(1));
        general_mat_mul(-ALPHA, &column(&h), &delta2.insert_axis(Axis(0)), 1.0, &mut self.w2);
        general_mat_mul(-ALPHA, &column(&x), &delta1.insert_axis(Axis(0)), 1.0, &mut self.w1);
    }
}

fn options(backend: Backend, block: usize) -> Options {
    Options { backend, block, ..Options::default() }
}

/// Initial weights, and scratch for training.
fn memory(shape: Shape, block: usize) -> Result<(Numbers, Numbers), Anything> {
    let mut weights = Numbers::zeros(shape.weights_len())?;
    fill_initial(shape, &mut weights, 1, INIT_SCALE);
    Ok((weights, Numbers::zeros(Trainer::scratch_len(shape, block))?))
}

/// What is computed only to be timed.
fn keep<T>(value: T) {
    black_box(value);
}

/// Seconds that each of `count` takes.
fn time(count: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() / count as f64
}

/// [`time`] of the second of two runs: the first one brings the weights back into the cache that others have used.
fn warm(count: usize, mut work: impl FnMut()) -> f64 {
    work();
    time(count, work)
}

/// Best deciles of quanta that are run in turn, for as long as patience lasts.
fn in_turn<const N: usize>(patience: Duration, mut quanta: impl FnMut() -> [f64; N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    let start = Instant::now();
    while times.first().is_some_and(|t: &Vec<f64>| t.len() < 3) || start.elapsed() < patience {
        for (times, time) in times.iter_mut().zip(quanta()) {
            times.push(time);
        }
    }
    times.map(best_decile)
}

fn best_decile(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 10).copied().unwrap_or(f64::NAN)
}
