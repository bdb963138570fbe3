//! From margins to confidence: a table made of answers to images that were not trained on, and how well it holds for others.

use super::Evaluation;
use crate::base::{Confidence, exp, ln, to_f64};
use crate::host::data::Set;
use crate::model::Kind;

/// The fewest images of a set, of which a table is made of every second one.
const MIN_IMAGES: usize = 200;

/// Per cent, and the least probability that is rounded to so many. 10 stands for all that is less, and 99 for all that is more.
const STEPS: [(u8, f32); 16] = [
    (20, 0.15),
    (30, 0.25),
    (40, 0.35),
    (50, 0.45),
    (60, 0.55),
    (70, 0.65),
    (80, 0.75),
    (85, 0.825),
    (90, 0.875),
    (92, 0.91),
    (94, 0.93),
    (95, 0.945),
    (96, 0.955),
    (97, 0.965),
    (98, 0.975),
    (99, 0.985),
];

/// Makes the table of confidence of a network whose weights are of this kind from its answers to every second image of a set that it
/// was not trained on, beginning with the first; [`reliability`] looks at the others. `None` where there are fewer than 200
/// images, or larger margins are not more often right.
///
/// The share of right answers is taken to be `p = 1 / (1 + e^−(a m + b))` of the margin `m`; `a` and `b` are the most likely ones, with targets
/// a little within 0 and 1 so that answers that are all right have a fit too: J. Platt, *Probabilistic outputs for support vector
/// machines*, 1999. On networks for MNIST it had a smaller loss on other images than a monotone regression and than a logistic one of √m or
/// of m and √m. Every machine makes the same table of the same answers.
///
/// ```
/// use twolayer::Kind;
/// use twolayer::host::dataset::{Dataset, Digits};
/// use twolayer::host::training::{Recipe, calibrate, reliability, train};
///
/// let digits = Dataset::generate(Digits { seed: 1, train: 500, test: 400 }, &mut |_| ())?;
/// let trained = train(&digits, &Recipe { hidden: 32, epochs: 1, ..Recipe::fast() }, |_| ())?;
/// let table = calibrate(&trained.test, &digits.test, Kind::F32).unwrap();
/// let given = reliability(&trained.test, &digits.test, Kind::F32, &table);
/// assert_eq!(given.iter().map(|given| given.answers).sum::<u32>(), 200);
/// # Ok::<(), twolayer::host::Error>(())
/// ```
#[must_use]
pub fn calibrate(evaluation: &Evaluation, set: &Set, kind: Kind) -> Option<Confidence> {
    let answers: Vec<_> = answers(evaluation, set, kind).step_by(2).collect();
    let mean = answers.iter().map(|&(margin, _)| f64::from(margin)).sum::<f64>() / to_f64(answers.len());
    let largest = answers.iter().map(|&(margin, _)| margin).max()?;
    if evaluation.answers().len() < MIN_IMAGES || mean <= 0.0 {
        return None;
    }
    let scaled: Vec<_> = answers.iter().map(|&(margin, right)| (f64::from(margin) / mean, right)).collect();
    let [a, b] = logistic(&scaled).filter(|&[a, _]| a > 0.0)?;
    let mut steps = vec![(0, 10)];
    for (percent, least) in STEPS {
        let from = (mean * (log_odds(least) - b) / a).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let from = from as u32;
        // Of those that begin at 0, the last.
        if steps.last().is_some_and(|&(before, _)| before == from) {
            steps.pop();
        }
        if from <= largest {
            steps.push((from, percent));
        }
    }
    Confidence::new(&steps)
}

/// Answers that are given the same confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reliability {
    /// The confidence in per cent.
    pub percent: u8,
    /// The number of answers.
    pub answers: u32,
    /// The number of right ones.
    pub right: u32,
}

/// How often answers are right that a table gives each confidence, highest first: of every second image of a set, beginning with
/// the second, so that none is one that [`calibrate`] looks at.
#[must_use]
pub fn reliability(evaluation: &Evaluation, set: &Set, kind: Kind, table: &Confidence) -> Vec<Reliability> {
    let mut given: Vec<_> = table.steps().map(|(_, percent)| Reliability { percent, answers: 0, right: 0 }).collect();
    given.reverse();
    for (margin, right) in answers(evaluation, set, kind).skip(1).step_by(2) {
        let percent = table.of(margin);
        if let Some(given) = given.iter_mut().find(|given| given.percent == percent) {
            given.answers += 1;
            given.right += u32::from(right);
        }
    }
    given
}

/// The margin of each image as tables compare it, and whether the answer is right.
fn answers(evaluation: &Evaluation, set: &Set, kind: Kind) -> impl Iterator<Item = (u32, bool)> {
    let unit = if kind == Kind::F32 { Confidence::F32_UNITS.into() } else { 1.0 };
    evaluation.answers().iter().zip(set.labels()).map(move |(answer, label)| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let margin = (answer.margin * unit) as u32;
        (margin, answer.class == *label)
    })
}

/// `a` and `b` of the most likely logistic curve, by Newton's method with steps that are halved where they go too far. `None` if it
/// does not get there: all margins are equal, say.
fn logistic(answers: &[(f64, bool)]) -> Option<[f64; 2]> {
    let right = to_f64(answers.iter().filter(|(_, right)| *right).count());
    let wrong = to_f64(answers.len()) - right;
    let targets = [1.0 / (wrong + 2.0), (right + 1.0) / (right + 2.0)];
    // The gradient of the log-likelihood, and the negative of its second derivatives: of a twice, of a and b, of b twice.
    let slope = |[a, b]: [f64; 2]| {
        let (mut gradient, mut second) = ([0.0; 2], [0.0; 3]);
        for &(margin, right) in answers {
            let p = probability(a * margin + b);
            let rest = targets[usize::from(right)] - p;
            let weight = p * (1.0 - p);
            gradient = [gradient[0] + rest * margin, gradient[1] + rest];
            second = [second[0] + weight * margin * margin, second[1] + weight * margin, second[2] + weight];
        }
        (gradient, second)
    };
    let mut at = [0.0; 2];
    let (mut gradient, mut second) = slope(at);
    for _ in 0..100 {
        let [aa, ab, bb] = second;
        let determinant = aa * bb - ab * ab;
        let step = [bb * gradient[0] - ab * gradient[1], aa * gradient[1] - ab * gradient[0]].map(|n| n / determinant);
        let along = |gradient: [f64; 2]| gradient[0] * step[0] + gradient[1] * step[1];
        let rise = along(gradient);
        if !rise.is_finite() {
            return None;
        }
        // What it could still gain: e^-x of the likelihood, less than which f32's exponential cannot tell.
        if rise < 1e-6 {
            return Some(at);
        }
        let mut share = 1.0;
        for _ in 0..30 {
            let next = [at[0] + share * step[0], at[1] + share * step[1]];
            let (there, curved) = slope(next);
            // The slope along the step falls; where it has become as steep the other way, the step was too long.
            if along(there).abs() < 0.9 * rise {
                (at, gradient, second) = (next, there, curved);
                break;
            }
            share *= 0.5;
        }
    }
    None
}

/// `1 / (1 + e^−x)`.
#[expect(clippy::cast_possible_truncation, reason = "that of f32 is the same on every machine")]
fn probability(x: f64) -> f64 {
    let power = f64::from(exp(-x.abs() as f32));
    if x >= 0.0 { 1.0 / (1.0 + power) } else { power / (1.0 + power) }
}

/// `ln(p / (1 − p))` of less than 1.
fn log_odds(p: f32) -> f64 {
    let odds = p / (1.0 - p);
    if odds >= 1.0 { ln(odds).into() } else { -f64::from(ln(1.0 / odds)) }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers")]
mod tests {
    use super::*;
    use crate::base::Answer;
    use crate::int::Bits;

    /// Answers whose margins are evenly spread from 0 to `most`, and of which the share `1 / (1 + e^−(a m + b))` is right.
    fn answered(a: f64, b: f64, most: f64, count: usize) -> (Evaluation, Set) {
        let mut random = 1_u64;
        let (mut answers, mut labels) = (Vec::new(), Vec::new());
        for n in 0..count {
            let margin = most * to_f64(n * 7919 % count) / to_f64(count);
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let uniform = to_f64((random >> 33) as usize) / to_f64(1 << 31);
            labels.push(u8::from(uniform >= 1.0 / (1.0 + (-a * margin - b).exp())));
            answers.push(Answer { class: 0, margin });
        }
        let set = Set::from_images("made here", vec![0; count], labels.clone(), [1, 1]).unwrap();
        (Evaluation::new(2, &labels, answers), set)
    }

    #[test]
    fn a_curve_is_found_again() {
        for (a, b, most, kind) in [(2.0, -0.5, 4.0, Kind::F32), (2e-4, 0.0, 40_000.0, Kind::Quantized(Bits::Four))] {
            let (evaluation, set) = answered(a, b, most, 40_000);
            let table = calibrate(&evaluation, &set, kind).unwrap();
            for (share, percent) in [(0.0_f64, 50_u8), (0.5, 85), (0.7, 94), (0.9, 99)] {
                let p = 100.0 / (1.0 + (-a * share * most - b).exp());
                let units = if kind == Kind::F32 { 65_536.0 } else { 1.0 };
                let found = f64::from(table.of((share * most * units) as u32));
                // Steps are up to 10 wide below 80, and 99 is all above it.
                let bound = if p < 80.0 { 6.0 } else { 2.6 };
                assert!((found - p.min(99.0)).abs() < bound, "{found} for {p}, some {percent}");
            }
            let given = reliability(&evaluation, &set, kind, &table);
            assert_eq!(given.iter().map(|given| given.answers).sum::<u32>(), 20_000);
            assert!(given.is_sorted_by(|a, b| a.percent > b.percent));
            for Reliability { percent, answers, right } in given {
                let share = 100.0 * f64::from(right) / f64::from(answers.max(1));
                let p = f64::from(percent);
                let error = 100.0 * (p / 100.0 * (1.0 - p / 100.0) / f64::from(answers.max(1))).sqrt();
                let width = if percent < 80 { 5.0 } else { 2.0 };
                assert!((share - p).abs() < width + 3.0 * error, "{percent}: {right} of {answers}");
            }
        }
    }

    #[test]
    fn no_table_where_margins_say_nothing() {
        for (a, b, most, count) in [(2.0, 0.0, 4.0, 199), (-2.0, 3.0, 4.0, 4000), (0.0, 0.0, 0.0, 4000)] {
            let (evaluation, set) = answered(a, b, most, count);
            assert_eq!(calibrate(&evaluation, &set, Kind::F32), None, "{a} {b} {count}");
        }
        // All right: a table all the same, which is not sure of small margins.
        let (evaluation, set) = answered(0.0, 50.0, 4.0, 4000);
        let table = calibrate(&evaluation, &set, Kind::F32);
        assert!(table.is_none_or(|table| table.of(4.0_f32) == 99), "{table:?}");
    }
}
