//! Evaluates a network on a data set: accuracy and confusion matrix.

use super::dataset::Set;
use super::{Error, PageBuffer, Threads};
use crate::error::SizeError;
use crate::network::Network;
use crate::quantized::PackedNetwork;
use crate::shape::Shape;

/// Images per batch. A batch reads each panel of W1 only once.
const BATCH: usize = 64;

/// A network that can be evaluated.
pub trait Classifier: Sync {
    /// The network's sizes.
    fn shape(&self) -> Shape;

    /// The scratch length for [`classify_batch`](Self::classify_batch) of up to `images` images, in 32-bit words.
    fn scratch_len(&self, images: usize) -> usize;

    /// Classifies images. `images` is `[samples][inputs]` pixels; `classes`, of length `samples`, takes the results.
    ///
    /// # Errors
    ///
    /// [`SizeError`] if a buffer has the wrong length.
    fn classify_batch(&self, images: &[u8], scratch: &mut [u32], classes: &mut [u8]) -> Result<(), SizeError>;
}

impl Classifier for Network<'_> {
    fn shape(&self) -> Shape {
        self.shape()
    }

    fn scratch_len(&self, images: usize) -> usize {
        Self::batch_scratch_len(self.shape(), images)
    }

    fn classify_batch(&self, images: &[u8], scratch: &mut [u32], classes: &mut [u8]) -> Result<(), SizeError> {
        self.classify_batch(images, bytemuck::cast_slice_mut(scratch), classes)
    }
}

impl Classifier for PackedNetwork<'_> {
    fn shape(&self) -> Shape {
        self.shape()
    }

    fn scratch_len(&self, _: usize) -> usize {
        Self::scratch_len(self.shape())
    }

    fn classify_batch(&self, images: &[u8], scratch: &mut [u32], classes: &mut [u8]) -> Result<(), SizeError> {
        for (image, class) in images.chunks(self.shape().inputs()).zip(classes) {
            *class = self.classify(image, scratch)?;
        }
        Ok(())
    }
}

/// Classifies all images on the calling thread.
pub(super) fn classify_all(classifier: &impl Classifier, images: &[u8], classes: &mut [u8]) -> Result<(), Error> {
    let mut scratch = PageBuffer::zeros(classifier.scratch_len(BATCH))?;
    let scratch: &mut [u32] = bytemuck::cast_slice_mut(&mut scratch);
    for (images, classes) in images.chunks(BATCH * classifier.shape().inputs()).zip(classes.chunks_mut(BATCH)) {
        classifier.classify_batch(images, scratch, classes)?;
    }
    Ok(())
}

/// Classifies every image of a set and counts the results.
///
/// # Errors
///
/// If the images or labels do not fit the network's inputs and outputs, or memory runs out.
pub fn evaluate(classifier: &impl Classifier, set: &Set, threads: &Threads) -> Result<Evaluation, Error> {
    Ok(evaluate_with_classes(classifier, set, threads)?.0)
}

/// Like [`evaluate`], and also returns the class of each image.
pub(super) fn evaluate_with_classes(
    classifier: &impl Classifier,
    set: &Set,
    threads: &Threads,
) -> Result<(Evaluation, Vec<u8>), Error> {
    let shape = classifier.shape();
    set.check(shape.inputs(), shape.outputs())?;
    let mut classes = vec![0; set.len()];
    threads.classify(classifier, set.images(), &mut classes)?;
    let mut evaluation = Evaluation { classes: shape.outputs(), counts: vec![0; shape.outputs() * shape.outputs()] };
    for (&label, &class) in set.labels().iter().zip(&classes) {
        evaluation.counts[usize::from(label) * shape.outputs() + usize::from(class)] += 1;
    }
    Ok((evaluation, classes))
}

/// The confusion matrix of a network on a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    classes: usize,
    /// `[label][class]`.
    counts: Vec<u32>,
}

impl Evaluation {
    /// The number of classes.
    #[must_use]
    pub const fn classes(&self) -> usize {
        self.classes
    }

    /// The number of images of `label` that were classified as `class`; 0 if either is out of range.
    #[must_use]
    pub fn count(&self, label: usize, class: usize) -> u32 {
        self.row(label).get(class).copied().unwrap_or(0)
    }

    /// The total number of images of one label, and the number of them classified correctly.
    #[must_use]
    pub fn of_label(&self, label: usize) -> (u32, u32) {
        (self.row(label).iter().sum(), self.count(label, label))
    }

    /// The number of images.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// The number of images classified correctly.
    #[must_use]
    pub fn correct(&self) -> u32 {
        (0..self.classes).map(|label| self.count(label, label)).sum()
    }

    /// The fraction of images classified correctly, 0 to 1.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct()) / f64::from(self.total().max(1))
    }

    fn row(&self, label: usize) -> &[u32] {
        self.counts.chunks(self.classes).nth(label).unwrap_or_default()
    }
}
