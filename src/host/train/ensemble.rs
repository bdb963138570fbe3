//! Several networks that answer together: an ensemble, and the teachers of another network.
//!
//! What each of them says of an image are shares of the classes: `softmax(y / T)` of its outputs `y`. An ensemble answers with their
//! mean, at `T = 1`. A network that is taught learns to give
//!
//! ```text
//! t = (1 − w) one-hot + w q        q: the mean of the teachers' shares, at a temperature T that suits
//! ```
//!
//! in place of the one-hot target alone (G. Hinton, O. Vinyals and J. Dean, *Distilling the Knowledge in a Neural Network*, 2015). A
//! teacher is asked about the image that is trained on, as it is after its distortion, by the threads that make the images.

use super::evaluation::BATCH;
use super::{Evaluation, Threads, TrainingError};
use crate::base::{Answer, exp};
use crate::host::data::Set;
use crate::net::{LossFunction, Network, Shape, SizeError, Weights};
use crate::simd::Backend;

/// What part of a target is the teachers': `w`. Chosen with 10,000 held-out training images of MNIST, where it makes little difference
/// from a half on, and so does `T` from 1 to 4.
const TAUGHT: f32 = 0.9;
/// `1 / T`, of their outputs.
const SHARPNESS: f32 = 0.5;

/// The networks of teachers for one of this shape, which must take the same images and have the same classes.
pub(crate) fn teachers<'a>(
    weights: &[Weights<'a>],
    shape: Shape,
    backend: Backend,
) -> Result<Vec<Network<'a>>, TrainingError> {
    check(weights.iter().map(|weights| weights.shape()), shape)?;
    Ok(weights.iter().map(|&weights| Network::new(weights, backend)).collect())
}

/// Checks that networks take the same images and have the same classes as one that is expected.
fn check(shapes: impl Iterator<Item = Shape>, expected: Shape) -> Result<(), TrainingError> {
    let of = |shape: Shape| (shape.pixels(), shape.outputs());
    match shapes.enumerate().find(|(_, shape)| of(*shape) != of(expected)) {
        Some((place, found)) => Err(TrainingError::Unlike { place, found, expected }),
        None => Ok(()),
    }
}

/// The targets of images by their labels and teachers, `[images][outputs]`.
pub(crate) fn targets(teachers: &[Network<'_>], images: &[u8], labels: &[u8], targets: &mut [f32]) {
    let Some(shape) = teachers.first().map(Network::shape) else { return };
    targets.fill(0.0);
    for (target, &label) in targets.chunks_exact_mut(shape.outputs()).zip(labels) {
        target[usize::from(label)] = 1.0 - TAUGHT;
    }
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2²⁴ teachers")]
    let share = TAUGHT / teachers.len() as f32;
    for teacher in teachers {
        let done = add_shares(*teacher, LossFunction::CrossEntropy, SHARPNESS, share, images, targets);
        debug_assert!(done.is_ok(), "{done:?}");
    }
}

/// Adds to `sums`, `[images][outputs]`, so much of what a network says of the classes: the softmax of its outputs, which are so much
/// sharper, or, where it learnt by squared error, its outputs as they are.
fn add_shares(
    network: Network<'_>,
    loss: LossFunction,
    sharpness: f32,
    share: f32,
    images: &[u8],
    sums: &mut [f32],
) -> Result<(), SizeError> {
    let (pixels, outputs) = (network.shape().pixels(), network.shape().outputs());
    let mut scratch = vec![0.0; Network::batch_scratch_len(network.shape(), BATCH)];
    let mut shares = vec![0.0; outputs];
    for (images, sums) in images.chunks(BATCH * pixels).zip(sums.chunks_mut(BATCH * outputs)) {
        let found = network.outputs_batch(images, &mut scratch)?;
        for (found, sums) in found.chunks_exact(outputs).zip(sums.chunks_exact_mut(outputs)) {
            shares.copy_from_slice(found);
            let mut scale = share;
            if loss == LossFunction::CrossEntropy {
                let largest = found.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                for it in &mut shares {
                    *it = exp((*it - largest) * sharpness);
                }
                scale = share / shares.iter().fold(0.0, |total, it| total + it);
            }
            sums.iter_mut().zip(&shares).for_each(|(sum, it)| *sum += scale * it);
        }
    }
    Ok(())
}

/// Classifies every image of a set with several networks together, and counts the results: the answer is the class of which they say
/// most in the mean, and its margin a difference of such means.
///
/// A network that was trained with cross-entropy says the softmax of its outputs. One that was trained with squared error, for which
/// targets were 1 and 0, says its outputs as they are.
///
/// # Errors
///
/// [`TrainingError::Unlike`] if the networks do not take the same images or have not the same number of classes, and those of
/// [`evaluate`](super::evaluate).
pub fn evaluate_ensemble(
    networks: &[(Network<'_>, LossFunction)],
    set: &Set,
    threads: &Threads,
) -> Result<Evaluation, TrainingError> {
    let mut outputs = set.classes();
    #[expect(clippy::cast_precision_loss, reason = "nobody asks 2²⁴ networks")]
    let share = 1.0 / networks.len() as f32;
    if let Some(expected) = networks.first().map(|(network, _)| network.shape()) {
        check(networks.iter().map(|(network, _)| network.shape()), expected)?;
        set.check(expected)?;
        outputs = expected.outputs();
    }
    let mut answers = vec![Answer::default(); set.len()];
    threads.classify(set.images(), &mut answers, |images, answers| {
        let mut sums = vec![0.0; answers.len() * outputs];
        for &(network, loss) in networks {
            add_shares(network, loss, 1.0, share, images, &mut sums)?;
        }
        if !sums.iter().all(|sum| sum.is_finite()) {
            return Err(TrainingError::NotFinite);
        }
        for (answer, sums) in answers.iter_mut().zip(sums.chunks_exact(outputs)) {
            *answer = Answer::of(sums).into();
        }
        Ok(())
    })?;
    Ok(Evaluation::new(outputs, set.labels(), answers))
}
