//! Images that lie otherwise than those that a network was trained on: transposed, as EMNIST's, or dark on light. Such a network
//! answers badly, and there is an option for it.

use crate::console::warning;
use twolayer::AnyNetwork;
use twolayer::host::dataset::Set;
use twolayer::host::{Evaluation, Threads, evaluate};

/// Below this accuracy it is worth a look.
const SUSPICIOUS: f64 = 0.6;

/// Fewer images say nothing.
const FEWEST: usize = 50;

/// How many images are looked at, spread over the set.
const SAMPLE: usize = 1000;

/// By how much better they must be answered, in points of accuracy from 0 to 1; and twice as well.
const BETTER: f64 = 0.2;

/// Warns if the test images are answered far better when they are transposed or inverted. Nothing is done where accuracy is high.
pub(crate) fn warn(network: AnyNetwork<'_>, test: &Set, evaluation: &Evaluation, transposed: bool, inverted: bool) {
    if evaluation.accuracy() >= SUSPICIOUS || test.len() < FEWEST {
        return;
    }
    let threads = Threads::new(Threads::available());
    let accuracy = |set: &Set| evaluate(network, set, &threads).map_or(0.0, |found| found.accuracy());
    let sample = || test.sample(SAMPLE);
    let now = accuracy(&sample());
    let far_better = |then: f64| then >= now + BETTER && then >= 2.0 * now;
    let give = |given: bool, option: &str| if given { format!("without {option}") } else { format!("with {option}") };
    let turned = sample().transposed().map(|set| accuracy(&set));
    let tries = [
        (turned.unwrap_or_default(), "transposed", give(transposed, "--transpose")),
        (accuracy(&sample().inverted()), "inverted", give(inverted, "--invert")),
    ];
    for (then, how, options) in tries.iter().filter(|(then, ..)| far_better(*then)) {
        warning!(
            "{:.0} % of a sample of these images are classified correctly as they are, and {:.0} % when they are {how}: try {options}",
            100.0 * now,
            100.0 * then
        );
    }
}
