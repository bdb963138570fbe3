//! Networks that answer badly, and why: images lie otherwise than those that a network was trained on, transposed, as EMNIST's, or dark
//! on light; or the network has learned nothing. There are options for that.

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

/// What is at most so much better than always answering the most frequent class is chance.
const CHANCE: f64 = 0.02;

/// Warns if the test images are answered far better when they are transposed or inverted, or no better than by chance: `given` are
/// `--transpose` and `--invert`, and `is_article` is the network's recipe. Nothing is done where accuracy is high.
pub(crate) fn warn(
    network: AnyNetwork<'_>,
    test: &Set,
    evaluation: &Evaluation,
    given: (bool, bool),
    is_article: bool,
) {
    let (transposed, inverted) = given;
    let most = (0..evaluation.classes()).map(|label| evaluation.of_label(label).0).max().unwrap_or_default();
    let chance = f64::from(most) / f64::from(evaluation.total().max(1));
    // Where there is but one class, nothing is better than chance.
    let is_chance = evaluation.accuracy() <= chance + CHANCE && most < evaluation.total();
    if (evaluation.accuracy() >= SUSPICIOUS && !is_chance) || test.len() < FEWEST {
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
    let mut explained = false;
    for (then, how, options) in tries.iter().filter(|(then, ..)| far_better(*then)) {
        explained = true;
        warning!(
            "{:.0} % of a sample of these images are classified correctly as they are, and {:.0} % when they are {how}: try {options}",
            100.0 * now,
            100.0 * then
        );
    }
    if is_chance && !explained {
        warning!(
            "{:.2} % is no better than chance: always answering the most frequent class is right for {:.2} %. {}",
            100.0 * evaluation.accuracy(),
            100.0 * chance,
            reason(&sample(), inverted, is_article)
        );
    }
}

/// Why a network has learned nothing, most likely.
fn reason(sample: &Set, inverted: bool, is_article: bool) -> String {
    let pixels = (0..sample.len()).filter_map(|index| sample.image(index)).flatten();
    let (sum, count) = pixels.fold((0, 0), |(sum, count), pixel| (sum + u64::from(pixel), count + 1));
    let is_light = 2 * sum > 255 * count;
    let light = match (is_light, inverted) {
        (true, true) => "Most pixels are light, and a network learns from light ink on black: train without --invert",
        (true, false) => "Most pixels are light, and a network learns from light ink on black: train with --invert",
        _ => "",
    };
    let recipe = if is_article {
        "The article's recipe is made for images like MNIST's, and many of them: try --recipe fast"
    } else {
        "Are the labels those of the images, and the images like those that it was trained on?"
    };
    match light {
        "" => recipe.into(),
        light if is_article => format!("{light}. {recipe}"),
        light => light.into(),
    }
}
