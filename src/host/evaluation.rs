//! How well a network reads a set: its confusion matrix.

use super::dataset::Set;
use super::{Error, Numbers};
use crate::int8::PackedNetwork;
use crate::network::{Network, NetworkError};
use crate::shape::Shape;

/// Images classified at a time: enough that a panel of W1 is read once for many.
const BATCH: usize = 64;

/// The confusion matrix of a network on a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    classes: usize,
    /// `[label][class]`.
    counts: Vec<u32>,
}

impl Evaluation {
    /// Classifies every image of `set`.
    ///
    /// # Errors
    ///
    /// When the images have not as many pixels as the network has inputs, or a label is beyond its outputs.
    pub fn new(network: &Network<'_>, set: &Set) -> Result<Self, Error> {
        Self::noting(network, set, &mut Vec::new())
    }

    /// [`new`](Self::new) for an integer network.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn of_integers(network: &PackedNetwork<'_>, set: &Set) -> Result<Self, Error> {
        Self::of_integers_noting(network, set, &mut Vec::new())
    }

    /// [`new`](Self::new), which also notes the class of each image.
    pub(crate) fn noting(network: &Network<'_>, set: &Set, classes: &mut Vec<u8>) -> Result<Self, Error> {
        let mut scratch = Numbers::zeros(Network::scratch_len(network.shape(), BATCH))?;
        Self::classify(network.shape(), set, classes, |images, found| network.classify(images, &mut scratch, found))
    }

    /// [`of_integers`](Self::of_integers), which also notes the class of each image.
    pub(crate) fn of_integers_noting(
        network: &PackedNetwork<'_>,
        set: &Set,
        classes: &mut Vec<u8>,
    ) -> Result<Self, Error> {
        let mut scratch = vec![0; PackedNetwork::scratch_len(network.shape())];
        Self::classify(network.shape(), set, classes, |images, found| network.classify(images, &mut scratch, found))
    }

    fn classify(
        shape: Shape,
        set: &Set,
        noted: &mut Vec<u8>,
        mut classify: impl FnMut(&[u8], &mut [u8]) -> Result<(), NetworkError>,
    ) -> Result<Self, Error> {
        set.check(shape.inputs(), shape.outputs())?;
        let classes = shape.outputs();
        let mut counts = vec![0; classes * classes];
        let mut found = [0; BATCH];
        for (images, labels) in set.images().chunks(BATCH * shape.inputs()).zip(set.labels().chunks(BATCH)) {
            let found = found.get_mut(..labels.len()).unwrap_or_default();
            classify(images, found)?;
            for (&label, &class) in labels.iter().zip(&*found) {
                if let Some(count) = counts.get_mut(usize::from(label) * classes + usize::from(class)) {
                    *count += 1;
                }
            }
            noted.extend_from_slice(found);
        }
        Ok(Self { classes, counts })
    }

    /// The number of classes.
    #[must_use]
    pub const fn classes(&self) -> usize {
        self.classes
    }

    /// Images of `label` that were taken for `class`; 0 beyond the classes.
    #[must_use]
    pub fn count(&self, label: usize, class: usize) -> u32 {
        self.row(label).get(class).copied().unwrap_or(0)
    }

    /// Images of one label: how many there are, and how many were recognised.
    #[must_use]
    pub fn of_label(&self, label: usize) -> (u32, u32) {
        (self.row(label).iter().sum(), self.count(label, label))
    }

    /// The number of images.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// The number of images recognised.
    #[must_use]
    pub fn correct(&self) -> u32 {
        (0..self.classes).map(|label| self.count(label, label)).sum()
    }

    /// The part of images recognised, 0 to 1.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct()) / f64::from(self.total().max(1))
    }

    fn row(&self, label: usize) -> &[u32] {
        self.counts.chunks(self.classes).nth(label).unwrap_or_default()
    }
}
