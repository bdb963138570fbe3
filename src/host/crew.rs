//! Training by several threads, with the same bits as by one.
//!
//! A [`Trainer`] is taken apart. The panels of W1, each with its part of the hidden rows, are visited by whichever
//! thread claims them, every thread beginning with panels of its own, which its cache may still hold. No sum crosses a
//! panel, so it does not matter who visits it. The sequential part stays with the calling thread, the captain, while a
//! hand prepares the next block.
//!
//! The threads meet twice a block. They wait awake for some microseconds, then asleep: a thread whose core is taken
//! away does not keep the others spinning.

use crate::kernel::output::HiddenRows;
use crate::sgd::{Block, Errors, Options, TrainError, Trainer, Visit, check_samples};
use crate::shape::{PANEL, Shape};
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, Thread};

/// Turns of a wait before the thread goes to sleep: some ten microseconds.
const SPINS: u32 = 1000;

/// Trains on all samples, as [`Trainer::train`] does, with up to `threads` threads. After every block `report` is told
/// of the samples done and their errors; it may stop the training.
///
/// # Errors
///
/// As [`Trainer::train`], or what `report` says.
pub(crate) fn train<E: From<TrainError>>(
    trainer: Trainer<'_>,
    images: &[u8],
    labels: &[u8],
    threads: NonZeroUsize,
    mut report: impl FnMut(usize, Errors) -> Result<(), E>,
) -> Result<Errors, E> {
    let Trainer { shape, options, w1, current, before, mut output } = trainer;
    check_samples(shape, images, labels)?;
    let stride = options.block * PANEL;
    let hidden = current.1.chunks_mut(stride).zip(before.1.chunks_mut(stride));
    let panels: Vec<_> = w1.chunks_mut(shape.inputs() * PANEL).zip(hidden).map(Panel::new).collect();
    let threads = threads.get().min(panels.len());
    let crew = Crew {
        shape,
        options,
        images,
        threads,
        panels,
        blocks: [current.0, before.0].map(RwLock::new),
        orders: AtomicUsize::new(0),
        visits: AtomicUsize::new(0),
        preparing: AtomicUsize::new(0),
        prepared: AtomicUsize::new(0),
        broken: AtomicBool::new(false),
        captain: thread::current(),
    };
    thread::scope(|scope| {
        let crew = &crew;
        // A system that has no more threads to give is slower, nothing else.
        let hand = |me| thread::Builder::new().spawn_scoped(scope, move || crew.serve(me)).ok();
        let hands = (1..threads).map_while(hand).map(|hand| hand.thread().clone()).collect();
        let hands = Hands { crew, hands };
        let mut errors = Errors::default();
        crew.prepare(1);
        // Blocks are numbered from 1. The one after the last is empty: its visit takes the last block's step.
        for (number, labels) in (1..).zip(labels.chunks(options.block)) {
            hands.visit(number);
            hands.order(Order::Prepare(number + 1));
            let hidden = HiddenGuards { number, panels: crew.panels.iter().map(Panel::lock).collect() };
            errors.add(output.sequence(labels, &read(crew.block(number)), hidden));
            crew.prepare(number + 1);
            crew.wait(|| crew.prepared.load(Ordering::Acquire) > number);
            if crew.broken.load(Ordering::Acquire) {
                break;
            }
            report((number * options.block).min(images.len() / shape.inputs()), errors)?;
        }
        hands.visit(labels.len().div_ceil(options.block) + 1);
        Ok(errors)
    })
}

/// What all threads share.
struct Crew<'a> {
    shape: Shape,
    options: Options,
    images: &'a [u8],
    threads: usize,
    panels: Vec<Panel<'a>>,
    /// The blocks of even and of odd number.
    blocks: [RwLock<Block<'a>>; 2],
    /// The last order, by its code.
    orders: AtomicUsize,
    /// Panels visited since the beginning.
    visits: AtomicUsize,
    /// The last block that somebody claimed to prepare, and the last one that is prepared.
    preparing: AtomicUsize,
    prepared: AtomicUsize,
    /// Did a hand panic? Nothing it was to do gets done; the scope passes the panic on.
    broken: AtomicBool,
    captain: Thread,
}

/// What the hands are to do.
#[derive(Clone, Copy)]
enum Order {
    /// Visit every panel for that block.
    Visit(usize),
    /// Prepare that block.
    Prepare(usize),
    /// Go.
    Dismissed,
}

impl Order {
    const fn code(self) -> usize {
        match self {
            Self::Visit(number) => 2 * number,
            Self::Prepare(number) => 2 * number + 1,
            Self::Dismissed => usize::MAX,
        }
    }

    const fn from_code(code: usize) -> Self {
        match code {
            usize::MAX => Self::Dismissed,
            _ if code.is_multiple_of(2) => Self::Visit(code / 2),
            _ => Self::Prepare(code / 2),
        }
    }
}

impl<'a> Crew<'a> {
    /// A hand's life.
    fn serve(&self, me: usize) {
        let _alarm = Alarm(self);
        let mut last = 0;
        loop {
            wait(|| self.orders.load(Ordering::Acquire) != last);
            last = self.orders.load(Ordering::Acquire);
            match Order::from_code(last) {
                Order::Visit(number) => self.visit(number, me),
                Order::Prepare(number) => self.prepare(number),
                Order::Dismissed => return,
            }
        }
    }

    /// Visits the panels that nobody else has claimed, beginning with those of thread `me`.
    fn visit(&self, number: usize, me: usize) {
        let (before, current) = (read(self.block(number - 1)), read(self.block(number)));
        let (own, others) = (self.panels.len() * me / self.threads, self.panels.len());
        for panel in self.panels.iter().cycle().skip(own).take(others) {
            if !claim(&panel.claimed, number) {
                continue;
            }
            let mut parts = panel.lock();
            let Parts { w1, hidden: [even, odd] } = &mut *parts;
            let (z, delta1) = if number.is_multiple_of(2) { (even, odd) } else { (odd, even) };
            let (before, current) = (&*before, &*current);
            self.options.backend.run(Visit { shape: self.shape, w1, before, delta1, current, z });
            drop(parts);
            if self.visits.fetch_add(1, Ordering::AcqRel) + 1 == number * self.panels.len() {
                self.captain.unpark();
            }
        }
    }

    /// Prepares a block, unless somebody else has claimed that.
    fn prepare(&self, number: usize) {
        if claim(&self.preparing, number) {
            let size = self.options.block * self.shape.inputs();
            let images = self.images.chunks(size).nth(number - 1).unwrap_or_default();
            self.block(number).write().unwrap_or_else(PoisonError::into_inner).fill(images, self.options);
            self.prepared.store(number, Ordering::Release);
            self.captain.unpark();
        }
    }

    /// The captain's wait for the hands.
    fn wait(&self, ready: impl Fn() -> bool) {
        wait(|| ready() || self.broken.load(Ordering::Acquire));
    }

    fn block(&self, number: usize) -> &RwLock<Block<'a>> {
        let [even, odd] = &self.blocks;
        if number.is_multiple_of(2) { even } else { odd }
    }
}

/// The other threads, as the captain knows them; they are dismissed when this is dropped.
struct Hands<'c, 'a> {
    crew: &'c Crew<'a>,
    hands: Vec<Thread>,
}

impl Hands<'_, '_> {
    fn order(&self, order: Order) {
        self.crew.orders.store(order.code(), Ordering::Release);
        self.hands.iter().for_each(Thread::unpark);
    }

    /// Has every panel visited, by hands and captain together.
    fn visit(&self, number: usize) {
        self.order(Order::Visit(number));
        self.crew.visit(number, 0);
        self.crew.wait(|| self.crew.visits.load(Ordering::Acquire) >= number * self.crew.panels.len());
    }
}

impl Drop for Hands<'_, '_> {
    fn drop(&mut self) {
        self.order(Order::Dismissed);
    }
}

/// Tells the captain when a hand panics.
struct Alarm<'c, 'a>(&'c Crew<'a>);

impl Drop for Alarm<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.broken.store(true, Ordering::Release);
            self.0.captain.unpark();
        }
    }
}

/// One panel. Whoever claims it for a block finds it unlocked.
struct Panel<'a> {
    /// The last block that it was claimed for.
    claimed: AtomicUsize,
    parts: Mutex<Parts<'a>>,
}

struct Parts<'a> {
    w1: &'a mut [f32],
    /// Rows of the blocks of even and of odd number.
    hidden: [&'a mut [f32]; 2],
}

impl<'a> Panel<'a> {
    fn new((w1, (even, odd)): (&'a mut [f32], (&'a mut [f32], &'a mut [f32]))) -> Self {
        Self { claimed: AtomicUsize::new(0), parts: Mutex::new(Parts { w1, hidden: [even, odd] }) }
    }

    fn lock(&self) -> MutexGuard<'_, Parts<'a>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hidden rows of one block, all panels locked.
struct HiddenGuards<'g, 'a> {
    number: usize,
    panels: Vec<MutexGuard<'g, Parts<'a>>>,
}

impl HiddenRows for HiddenGuards<'_, '_> {
    #[inline(always)]
    fn panel(&mut self, index: usize) -> &mut [f32] {
        let rows = self.panels.get_mut(index).and_then(|parts| parts.hidden.get_mut(self.number % 2));
        rows.map_or(&mut [], |rows| rows)
    }
}

/// Is this thread the one that does what is due for block `number`? Once for each block, in their order.
fn claim(last: &AtomicUsize, number: usize) -> bool {
    last.compare_exchange(number - 1, number, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

fn read<'l, 'a>(block: &'l RwLock<Block<'a>>) -> std::sync::RwLockReadGuard<'l, Block<'a>> {
    block.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits: awake at first, then asleep until somebody unparks this thread.
fn wait(ready: impl Fn() -> bool) {
    for _ in 0..SPINS {
        if ready() {
            return;
        }
        core::hint::spin_loop();
    }
    while !ready() {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Samples;

    #[test]
    fn a_report_that_says_stop_is_the_last() {
        let shape = Shape::new(25, 300, 10).unwrap();
        let samples = Samples::new(25, 10, 75, 1);
        let options = Options { block: 8, ..Options::default() };
        for threads in 1..4 {
            let mut weights = vec![0.0; shape.weights_len()];
            let mut scratch = vec![0.0; Trainer::scratch_len(shape, 8)];
            let trainer = Trainer::new(shape, &mut weights, &mut scratch, options).unwrap();
            let mut reports = Vec::new();
            let stopped =
                train(trainer, &samples.images, &samples.labels, NonZeroUsize::new(threads).unwrap(), |done, _| {
                    reports.push(done);
                    if done < 40 { Ok(()) } else { Err(TrainError::Block { found: done }) }
                });
            assert_eq!(stopped, Err(TrainError::Block { found: 40 }));
            assert_eq!(reports, [8, 16, 24, 32, 40]);
        }
    }
}
