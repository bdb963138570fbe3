//! Evaluates a network on a data set: accuracy, confusion matrix, and accuracy by confidence.

use super::{Threads, TrainingError};
use crate::base::{Answer, to_f64};
use crate::host::data::Set;
use crate::host::files::PageBuffer;
use crate::int::PackedNetwork;
use crate::model::AnyNetwork;
use crate::net::Network;

/// Images per batch. A batch reads each panel of W1 only once.
pub(super) const BATCH: usize = 64;

/// Classifies all images on the calling thread.
pub(crate) fn classify_all(
    network: AnyNetwork<'_>,
    images: &[u8],
    answers: &mut [Answer<f64>],
) -> Result<(), TrainingError> {
    let shape = network.shape();
    match network {
        AnyNetwork::F32(network) => {
            let mut scratch = PageBuffer::zeros(Network::batch_scratch_len(shape, BATCH))?;
            for (images, answers) in images.chunks(BATCH * shape.pixels()).zip(answers.chunks_mut(BATCH)) {
                let outputs = network.outputs_batch(images, &mut scratch)?;
                if !outputs.iter().all(|output| output.is_finite()) {
                    return Err(TrainingError::NotFinite);
                }
                for (answer, outputs) in answers.iter_mut().zip(outputs.chunks(shape.outputs())) {
                    *answer = Answer::of(outputs).into();
                }
            }
        }
        AnyNetwork::Integer(network) => {
            let mut scratch = vec![0; PackedNetwork::scratch_len(shape)];
            for (image, answer) in images.chunks(shape.pixels()).zip(answers) {
                *answer = Answer::of(network.outputs(image, &mut scratch)?).into();
            }
        }
    }
    Ok(())
}

/// Classifies every image of a set and counts the results, with a network of any kind.
///
/// ```
/// use twolayer::host::dataset::{Dataset, Digits};
/// use twolayer::host::{OwnedWeights, Threads, evaluate};
/// use twolayer::{Backend, Network, Shape, fill_scaled};
/// # fn main() -> Result<(), twolayer::host::Error> {
/// let digits = Dataset::generate(Digits { seed: 1, train: 10, test: 100 }, &mut |_| ())?;
/// let mut weights = OwnedWeights::zeros(Shape::new(28 * 28, 16, 10)?)?;
/// fill_scaled(&mut weights.view_mut(), 1);
///
/// let network = Network::new(weights.view(), Backend::detect());
/// let evaluation = evaluate(network, &digits.test, &Threads::new(Threads::available()))?;
/// assert_eq!(evaluation.total(), 100);
/// assert!(evaluation.accuracy() < 0.5); // nothing has been learnt
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// [`TrainingError::Set`] if the images or labels do not fit the network's inputs and outputs, [`TrainingError::NotFinite`] if its
/// outputs are not finite numbers, [`TrainingError::File`] if memory runs out.
pub fn evaluate<'n>(
    network: impl Into<AnyNetwork<'n>>,
    set: &Set,
    threads: &Threads,
) -> Result<Evaluation, TrainingError> {
    let network = network.into();
    let shape = network.shape();
    set.check(shape)?;
    let mut answers = vec![Answer::default(); set.len()];
    threads.classify(set.images(), &mut answers, |images, answers| classify_all(network, images, answers))?;
    Ok(Evaluation::new(shape.outputs(), set.labels(), answers))
}

/// How a network does on a set: the answer of each image, the confusion matrix, and accuracy by confidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// `[label][class]`.
    counts: Vec<Vec<u32>>,
    /// Of each image, in the order of the set.
    answers: Vec<Answer<f64>>,
    /// The margin of each image, largest first, and whether its class is right.
    ranked: Vec<(f64, bool)>,
}

/// The images with the largest margins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// The least margin among them.
    pub min_margin: f64,
    /// Their number.
    pub total: usize,
    /// The number of right ones.
    pub correct: usize,
}

impl Coverage {
    /// The fraction of them that is right, 0 to 1.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        to_f64(self.correct) / to_f64(self.total.max(1))
    }
}

impl Evaluation {
    /// Counts answers; every label is below the number of classes.
    pub(super) fn new(classes: usize, labels: &[u8], answers: Vec<Answer<f64>>) -> Self {
        let (mut counts, mut ranked) = (vec![vec![0; classes]; classes], Vec::with_capacity(answers.len()));
        for (&label, answer) in labels.iter().zip(&answers) {
            counts[usize::from(label)][usize::from(answer.class)] += 1;
            ranked.push((answer.margin, answer.class == label));
        }
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        Self { counts, answers, ranked }
    }

    /// The number of classes.
    #[must_use]
    pub const fn classes(&self) -> usize {
        self.counts.len()
    }

    /// The answer of each image, in the order of the set.
    #[must_use]
    pub fn answers(&self) -> &[Answer<f64>] {
        &self.answers
    }

    /// The number of images of `label` that were classified as `class`; 0 if either is out of range.
    #[must_use]
    pub fn count(&self, label: usize, class: usize) -> u32 {
        self.counts.get(label).and_then(|of_label| of_label.get(class)).copied().unwrap_or(0)
    }

    /// The total number of images of one label, and the number of them classified correctly.
    #[must_use]
    pub fn of_label(&self, label: usize) -> (u32, u32) {
        (self.counts.get(label).into_iter().flatten().sum(), self.count(label, label))
    }

    /// The number of images.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counts.iter().flatten().sum()
    }

    /// The number of images classified correctly.
    #[must_use]
    pub fn correct(&self) -> u32 {
        (0..self.classes()).map(|label| self.count(label, label)).sum()
    }

    /// The fraction of images classified correctly, 0 to 1.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct()) / f64::from(self.total().max(1))
    }

    /// Whether all outputs of every image are equal: no hidden unit is active for any of them.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.classes() > 1 && self.ranked.first().is_some_and(|&(margin, _)| margin <= 0.0)
    }

    /// The answers of the largest margins: at least `share` of all, 0 to 1, and all that have the same margin as the last of
    /// them. `None` where that is no answer at all.
    #[must_use]
    pub fn at_coverage(&self, share: f64) -> Option<Coverage> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let least = (share * to_f64(self.ranked.len())).ceil() as usize;
        let (min_margin, _) = *self.ranked.get(least.min(self.ranked.len()).checked_sub(1)?)?;
        let kept = self.ranked.iter().take_while(|(margin, _)| *margin >= min_margin);
        let total = kept.clone().count();
        Some(Coverage { min_margin, total, correct: kept.filter(|(_, right)| *right).count() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_keeps_the_largest_margins_and_their_equals() {
        let ranked = vec![(9.0, true), (5.0, true), (5.0, false), (5.0, true), (1.0, false)];
        let evaluation = Evaluation { counts: vec![vec![2, 1], vec![1, 1]], answers: Vec::new(), ranked };
        let at = |share| evaluation.at_coverage(share).map(|found| (found.min_margin, found.total, found.correct));
        assert_eq!(at(1.0), Some((1.0, 5, 3)));
        assert_eq!(at(7.0), at(1.0));
        assert_eq!(at(0.81), at(1.0));
        assert_eq!((at(0.8), at(0.21)), (Some((5.0, 4, 3)), Some((5.0, 4, 3))));
        assert_eq!(at(0.2), Some((9.0, 1, 1)));
        assert_eq!((at(0.0), at(-1.0), at(f64::NAN)), (None, None, None));
        assert!(!evaluation.is_dead());
        let dead = Evaluation { ranked: vec![(0.0, true), (0.0, false)], ..evaluation };
        assert!(dead.is_dead());
        assert!(!Evaluation { ranked: Vec::new(), ..dead.clone() }.is_dead());
        assert!(!Evaluation { counts: vec![vec![5]], ..dead }.is_dead());
    }
}
