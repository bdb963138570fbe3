//! How close a run came to the peak rate of the machine.

use crate::host::data::Set;
use crate::net::{Shape, network_input};
use crate::simd::{Backend, PEAK_OPERATIONS, peak};
use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

/// Images that the share of pixels with ink is taken from.
const IMAGES: usize = 2000;

/// The multiplications and additions that cannot be done without: those of what is not zero in the images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Of a training step, on one sample.
    pub step: f64,
    /// Of the classification of one image.
    pub classification: f64,
}

impl Work {
    /// Of a network on images like these.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2⁵²")]
    pub fn new(shape: Shape, set: &Set) -> Self {
        let images = set.len().min(IMAGES);
        let mut room = vec![0; shape.inputs()];
        let mut ink = 0;
        for image in set.images().chunks_exact(shape.pixels()).take(images) {
            ink += network_input(&shape, image, &mut room).iter().filter(|pixel| **pixel != 0).count();
        }
        let ink = ink as f64 / images.max(1) as f64;
        let (hidden, outputs) = (shape.hidden() as f64, shape.outputs() as f64);
        Self { step: hidden * (4.0 * ink + 6.0 * outputs), classification: 2.0 * hidden * (ink + outputs) }
    }
}

/// The most multiplications and additions a second that one thread can do: the best of many short runs, in a fifth of a second.
#[must_use]
pub fn peak_rate(backend: Backend) -> f64 {
    let start = Instant::now();
    let mut best = f64::INFINITY;
    while start.elapsed() < Duration::from_millis(200) {
        let call = Instant::now();
        black_box(peak(backend));
        best = best.min(call.elapsed().as_secs_f64());
    }
    f64::from(PEAK_OPERATIONS) / best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::data::Dataset;
    use crate::host::files::FileAccess;

    #[test]
    fn work_is_counted_where_there_is_ink() {
        let directory = tempfile::tempdir().unwrap();
        let file = |dimensions: &[u32], bytes: &[u8]| {
            let count = u8::try_from(dimensions.len()).unwrap();
            let sizes = dimensions.iter().flat_map(|it| it.to_be_bytes());
            [0, 0, 8, count].into_iter().chain(sizes).chain(bytes.iter().copied()).collect::<Vec<u8>>()
        };
        let images = file(&[2, 2, 2], &[1, 0, 0, 255, 0, 0, 7, 0]);
        for name in ["train", "t10k"] {
            std::fs::write(directory.path().join(format!("{name}-images-idx3-ubyte")), &images).unwrap();
            std::fs::write(directory.path().join(format!("{name}-labels-idx1-ubyte")), file(&[2], &[0, 1])).unwrap();
        }
        let set = Dataset::open(directory.path(), FileAccess::Read).unwrap().test;
        let work = Work::new(Shape::new(4, 10, 2).unwrap(), &set);
        assert_eq!(work, Work { step: 10.0 * (4.0 * 1.5 + 12.0), classification: 20.0 * 3.5 });
    }
}
