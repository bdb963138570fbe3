//! What is trained on and classified.

use crate::{Anything, BLOCK, INPUTS};
use std::path::Path;
use twolayer::{Idx, digit};

/// Images and labels: MNIST's if `MNIST_DIR` is set, the built-in digits otherwise.
pub(crate) struct Samples {
    pub(crate) name: &'static str,
    pub(crate) images: Vec<u8>,
    pub(crate) labels: Vec<u8>,
    /// Pixels of an image that are not zero, on average.
    pub(crate) nonzero: f64,
}

impl Samples {
    const COUNT: u16 = 8192;

    pub(crate) fn new() -> Self {
        let directory = std::env::var_os("MNIST_DIR");
        let (name, (images, labels)) = match directory.map(|directory| mnist(Path::new(&directory))) {
            Some(Ok(samples)) => ("MNIST", samples),
            Some(Err(error)) => {
                eprintln!("{error}: the built-in digits will do");
                ("the built-in digits", digits())
            }
            None => ("the built-in digits", digits()),
        };
        let nonzero = images.iter().filter(|&&pixel| pixel != 0).count() as f64 / labels.len() as f64;
        Self { name, images, labels, nonzero }
    }

    /// That many at a time.
    pub(crate) fn chunks(&self, count: usize) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        self.images.chunks_exact(count * INPUTS).zip(self.labels.chunks_exact(count))
    }

    /// Whole blocks.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        self.chunks(BLOCK)
    }
}

/// The first of MNIST's training images and labels.
fn mnist(directory: &Path) -> Result<(Vec<u8>, Vec<u8>), Anything> {
    let read = |name: &str| {
        let path = directory.join(name);
        std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    let (images, labels) = (read("train-images-idx3-ubyte")?, read("train-labels-idx1-ubyte")?);
    let (images, labels) = (Idx::parse(&images)?.data(), Idx::parse(&labels)?.labels()?);
    let count = usize::from(Samples::COUNT).min(labels.len());
    Ok((images[..count * INPUTS].to_vec(), labels[..count].to_vec()))
}

fn digits() -> (Vec<u8>, Vec<u8>) {
    let (images, labels): (Vec<_>, Vec<_>) = (0..Samples::COUNT).map(|index| digit(1, index.into())).unzip();
    (images.concat(), labels)
}
