//! The built-in digits as IDX files, on all threads.

use crate::image::digit;
use core::ops::Range;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::io::{self, Write};

/// The number of digits that are in memory at a time.
const ROUND: u32 = 4096;

/// A thread for each core; if they cannot be started, the calling one does all the work.
pub(super) fn threads() -> Option<ThreadPool> {
    ThreadPoolBuilder::new().build().ok()
}

/// Generates digits of the sequence of `seed` and writes them in MNIST's IDX format. `report` is told how many pixels were written
/// since the last time. It takes 3 MB of memory; the bytes do not depend on the number of threads.
pub(super) fn write_idx(
    pool: Option<&ThreadPool>,
    seed: u64,
    digits: Range<u32>,
    images: &mut dyn Write,
    labels: &mut dyn Write,
    report: &mut dyn FnMut(usize),
) -> io::Result<()> {
    let count = digits.end - digits.start;
    for word in [0x0803, count, 28, 28] {
        images.write_all(&u32::to_be_bytes(word))?;
    }
    for word in [0x0801, count] {
        labels.write_all(&u32::to_be_bytes(word))?;
    }
    let make = |index| digit(seed, index);
    for start in digits.clone().step_by(ROUND as usize) {
        let round = start..digits.end.min(start.saturating_add(ROUND));
        let (pixels, classes): (Vec<_>, Vec<_>) = match pool {
            Some(pool) => pool.install(|| round.into_par_iter().map(make).unzip()),
            None => round.map(make).unzip(),
        };
        images.write_all(pixels.as_flattened())?;
        labels.write_all(&classes)?;
        report(pixels.as_flattened().len());
    }
    images.flush()?;
    labels.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(first: u32, count: u32) -> (Vec<u8>, Vec<u8>) {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        write_idx(threads().as_ref(), 1, first..first + count, &mut images, &mut labels, &mut |_| ()).unwrap();
        (images, labels)
    }

    #[test]
    fn a_longer_file_begins_with_the_digits_of_a_shorter_one() {
        let ((images, labels), (more_images, more_labels)) = (files(0, 20), files(0, 50));
        assert_eq!((images.len(), labels.len()), (16 + 20 * 784, 8 + 20));
        assert_eq!(images[..16], [0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 28, 0, 0, 0, 28]);
        assert_eq!(labels[..8], [0, 0, 8, 1, 0, 0, 0, 20]);
        assert_eq!((&images[16..], &labels[8..]), (&more_images[16..images.len()], &more_labels[8..labels.len()]));
        assert_eq!(files(20, 30).0[16..], more_images[images.len()..]);
    }

    #[test]
    fn bytes_do_not_depend_on_the_number_of_threads() {
        let write = |pool: Option<&ThreadPool>| {
            let (mut images, mut labels) = (Vec::new(), Vec::new());
            write_idx(pool, 7, 5..5 + ROUND + 9, &mut images, &mut labels, &mut |_| ()).unwrap();
            (images, labels)
        };
        let one = write(None);
        assert_eq!(one.1.len(), 8 + ROUND as usize + 9);
        for threads in [1, 2, 3, 9] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(write(Some(&pool)) == one, "{threads} threads");
        }
    }
}
