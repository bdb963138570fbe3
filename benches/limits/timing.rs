//! Best deciles of short runs in turn.

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

/// What is computed only to be timed.
pub(crate) fn keep<T>(value: T) {
    black_box(value);
}

/// Seconds that each of `count` takes.
pub(crate) fn time(count: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() / count as f64
}

/// [`time`] of the second of two runs: the first one brings the weights back into the cache that others have used.
pub(crate) fn warm(count: usize, mut work: impl FnMut()) -> f64 {
    work();
    time(count, work)
}

/// Best deciles of quanta that are run in turn, for as long as patience lasts.
pub(crate) fn in_turn<const N: usize>(patience: Duration, mut quanta: impl FnMut() -> [f64; N]) -> [f64; N] {
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
