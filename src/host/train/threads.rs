//! Training and evaluation on several threads, with bit-identical results.
//!
//! Each pass over W1 is split by panels. No sum crosses a panel, so the result does not depend on the split. The
//! sequential part of a block runs on one thread while another prepares the lists of the next block. Evaluation is
//! split by images.

use super::TrainingError;
use crate::base::Answer;
use crate::net::{Loss, Targets, ThisThread, TrainError, Trainer, Workers};
use core::num::NonZeroUsize;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A thread pool, or just the calling thread.
#[derive(Debug)]
pub struct Threads(Option<ThreadPool>);

impl Threads {
    /// A pool of `count` threads. If they cannot be started, or `count` is 1, the calling thread does all the work.
    #[must_use]
    pub fn new(count: NonZeroUsize) -> Self {
        let pool = || ThreadPoolBuilder::new().num_threads(count.get()).build().ok();
        Self((count.get() > 1).then(pool).flatten())
    }

    /// The number of cores that this process may use.
    #[must_use]
    pub fn available() -> NonZeroUsize {
        std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
    }

    /// Trains like [`Trainer::train`], with the same bits as result. `images` is `[samples][pixels]`, `labels` has one
    /// label per image. After every block, `report` gets the number of samples done and their losses. If it returns an
    /// error, training stops, and the last block's update of W1 is not applied.
    ///
    /// # Errors
    ///
    /// Those of [`Trainer::train`], and any error that `report` returns.
    pub fn train<E: From<TrainError> + Send>(
        &self,
        trainer: &mut Trainer<'_>,
        images: &[u8],
        labels: &[u8],
        report: impl FnMut(usize, Loss) -> Result<(), E> + Send,
    ) -> Result<Loss, E> {
        self.train_towards(trainer, images, Targets::of_labels(labels), report)
    }

    /// [`train`](Self::train), towards whatever targets.
    pub(crate) fn train_towards<E: From<TrainError> + Send>(
        &self,
        trainer: &mut Trainer<'_>,
        images: &[u8],
        targets: Targets<'_>,
        report: impl FnMut(usize, Loss) -> Result<(), E> + Send,
    ) -> Result<Loss, E> {
        match &self.0 {
            Some(pool) => pool.install(|| trainer.train_with(self, images, targets, report)),
            None => trainer.train_with(&ThisThread, images, targets, report),
        }
    }

    /// Calls `main`, and the tasks beside it: threads that have nothing to do for `main` take them, one by one.
    pub(super) fn beside<'s>(
        &self,
        main: impl FnOnce() + Send + 's,
        tasks: impl Iterator<Item = impl FnOnce() + Send + 's>,
    ) {
        let Some(pool) = &self.0 else {
            main();
            return tasks.for_each(|task| task());
        };
        // What comes from outside of the pool waits until its threads find no part of `main` to take.
        pool.in_place_scope(|scope| {
            scope.spawn(move |_| main());
            tasks.for_each(|task| scope.spawn(move |_| task()));
        });
    }

    /// Classifies all images, each thread its share of them: `images` is `[samples][pixels]`; `answers` takes one per sample.
    pub(super) fn classify(
        &self,
        images: &[u8],
        answers: &mut [Answer<f64>],
        classify: impl Fn(&[u8], &mut [Answer<f64>]) -> Result<(), TrainingError> + Sync,
    ) -> Result<(), TrainingError> {
        let Some(pool) = &self.0 else { return classify(images, answers) };
        let pixels = images.len().checked_div(answers.len()).unwrap_or_default().max(1);
        let share = answers.len().div_ceil(pool.current_num_threads()).max(1);
        pool.install(|| {
            let shares = images.par_chunks(share * pixels).zip(answers.par_chunks_mut(share));
            shares.try_for_each(|(images, answers)| classify(images, answers))
        })
    }
}

impl Workers for Threads {
    fn each<T: Send>(&self, items: impl Iterator<Item = T>, visit: impl Fn(T) + Send + Sync) {
        match &self.0 {
            Some(pool) => {
                let items: Vec<T> = items.collect();
                pool.install(|| items.into_par_iter().for_each(visit));
            }
            None => ThisThread.each(items, visit),
        }
    }

    fn both<T: Send>(&self, first: impl FnOnce() -> T + Send, second: impl FnOnce() + Send) -> T {
        match &self.0 {
            Some(pool) => pool.install(|| rayon::join(first, second).0),
            None => ThisThread.both(first, second),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Shape, TrainOptions, WeightsMut};
    use crate::support::{Samples, initial};

    #[test]
    fn training_stops_when_report_returns_an_error() {
        let shape = Shape::new(25, 300, 10).unwrap();
        let samples = Samples::new(25, 10, 75, 1);
        let options = TrainOptions { block: 8, ..TrainOptions::default() };
        for threads in 1..4 {
            let mut numbers = initial(shape, 1, 0.0);
            let mut scratch = vec![0.0; Trainer::scratch_len(shape, 8)];
            let weights = WeightsMut::new(shape, &mut numbers).unwrap();
            let mut trainer = Trainer::new(weights, &mut scratch, options).unwrap();
            let mut reports = Vec::new();
            let threads = Threads::new(NonZeroUsize::new(threads).unwrap());
            let stopped = threads.train(&mut trainer, &samples.images, &samples.labels, |done, _| {
                reports.push(done);
                if done < 40 { Ok(()) } else { Err(TrainError::Block { found: done }) }
            });
            assert_eq!(stopped, Err(TrainError::Block { found: 40 }));
            assert_eq!(reports, [8, 16, 24, 32, 40]);
        }
    }
}
