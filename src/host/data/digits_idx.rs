//! The built-in digits as IDX files, on all threads.

use crate::image::digit;
use core::ops::Range;
use std::io::{self, Write};
use std::thread;

/// The number of digits that a thread generates at a time.
const CHUNK: u32 = 1024;

/// Generates digits `first .. first + count` of the sequence of `seed` and writes them in MNIST's IDX format. It uses
/// one thread per core and about 1.6 MB of memory per thread; the bytes do not depend on the number of threads.
///
/// # Errors
///
/// Errors of the writers; [`io::ErrorKind::InvalidInput`] if `first + count` does not fit into 32 bits.
pub fn write_idx(seed: u64, first: u32, count: u32, images: &mut dyn Write, labels: &mut dyn Write) -> io::Result<()> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    write_idx_on(threads, seed, first..first.checked_add(count).ok_or(io::ErrorKind::InvalidInput)?, images, labels)
}

fn write_idx_on(
    threads: usize,
    seed: u64,
    digits: Range<u32>,
    images: &mut dyn Write,
    labels: &mut dyn Write,
) -> io::Result<()> {
    let count = digits.end - digits.start;
    for word in [0x0803, count, 28, 28] {
        images.write_all(&u32::to_be_bytes(word))?;
    }
    for word in [0x0801, count] {
        labels.write_all(&u32::to_be_bytes(word))?;
    }
    let mut chunks = chunks(digits);
    loop {
        // The chunks of one round are written in order before the next round starts.
        let round: Vec<_> = chunks.by_ref().take(threads.max(1)).collect();
        if round.is_empty() {
            break;
        }
        thread::scope(|scope| {
            let generate = |range: Range<u32>| move || Chunk::new(seed, range);
            let handles: Vec<_> =
                round.iter().map(|range| thread::Builder::new().spawn_scoped(scope, generate(range.clone()))).collect();
            for (thread, range) in handles.into_iter().zip(&round) {
                // If a thread cannot be spawned, its chunk is generated here.
                let chunk = thread.ok().and_then(|thread| thread.join().ok());
                let chunk = chunk.unwrap_or_else(generate(range.clone()));
                images.write_all(&chunk.images)?;
                labels.write_all(&chunk.labels)?;
            }
            io::Result::Ok(())
        })?;
    }
    images.flush()?;
    labels.flush()
}

/// Splits a range of digits into ranges of at most [`CHUNK`].
fn chunks(digits: Range<u32>) -> impl Iterator<Item = Range<u32>> {
    let mut next = digits.start;
    core::iter::from_fn(move || {
        let range = next..digits.end.min(next.saturating_add(CHUNK));
        next = range.end;
        (!range.is_empty()).then_some(range)
    })
}

/// The images and labels of a range of digits.
#[derive(Default)]
struct Chunk {
    images: Vec<u8>,
    labels: Vec<u8>,
}

impl Chunk {
    fn new(seed: u64, digits: Range<u32>) -> Self {
        let mut chunk = Self::default();
        for (pixels, label) in digits.map(|index| digit(seed, index)) {
            chunk.images.extend_from_slice(&pixels);
            chunk.labels.push(label);
        }
        chunk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(first: u32, count: u32) -> (Vec<u8>, Vec<u8>) {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        write_idx(1, first, count, &mut images, &mut labels).unwrap();
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
        let write = |threads| {
            let (mut images, mut labels) = (Vec::new(), Vec::new());
            write_idx_on(threads, 7, 5..5 + 3 * CHUNK + 1, &mut images, &mut labels).unwrap();
            (images, labels)
        };
        let one = write(1);
        assert_eq!(one.1.len(), 8 + 3 * CHUNK as usize + 1);
        assert!([2, 3, 4, 9].into_iter().all(|threads| write(threads) == one));
    }

    #[test]
    fn indices_beyond_32_bits_are_an_error() {
        let result = write_idx(1, u32::MAX, 1, &mut io::sink(), &mut io::sink());
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
