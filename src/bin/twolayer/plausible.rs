//! Whether an imported network does what it can. The usual scalings of the input are tried: the test set is classified four times
//! more, and twelve times if the accuracy is what no such network has. A warning says what explains it.

use crate::console::warning;
use crate::error::Error;
use twolayer::host::dataset::{DataSource as Source, Name, Set};
use twolayer::host::tensors::{Input, Roles, TensorFiles};
use twolayer::host::{Evaluation, Threads, evaluate};
use twolayer::{Backend, Network};

/// How pixels are usually scaled, and the options that say so.
const INPUTS: [(Input, &str); 4] = [
    (Input::RAW, "without --input-scale, --input-mean and --input-std"),
    (Input { scale: 255.0, ..Input::RAW }, "with --input-scale 255"),
    (
        Input { scale: 255.0, mean: 0.1307, deviation: 0.3081 },
        "with --input-scale 255 --input-mean 0.1307 --input-std 0.3081",
    ),
    (Input { scale: 255.0, mean: 0.5, deviation: 0.5 }, "with --input-scale 255 --input-mean 0.5 --input-std 0.5"),
];

/// By how much an accuracy must be better to be worth a warning, where the network does well and where it does not.
const WORTH: f64 = 0.01;
const WORTH_MUCH: f64 = 0.2;

/// Warns if the network would do better with another usual scaling, or if its accuracy is far below what such a network reaches on
/// the data.
pub(crate) fn check(evaluation: &Evaluation, source: &Source, test: Set, files: &TensorFiles, roles: &Roles) {
    let (least, found) = (least(evaluation, source), evaluation.accuracy());
    let threads = Threads::new(Threads::available());
    let accuracy = |set: &Set, input| {
        let imported = files.network(roles, input)?;
        let network = Network::new(imported.weights.view(), Backend::detect());
        Ok::<_, Error>(evaluate(network, set, &threads)?.accuracy())
    };
    // As it is, and as other programs may have given it to the network.
    let worth = if found < least { f64::min(least, found + WORTH_MUCH) } else { found + WORTH };
    let mut best = (worth, String::new());
    let mut try_all = |set: &Set, how: &str| {
        for (input, options) in INPUTS {
            // A scale may be too small for the weights.
            if let Some(better) = accuracy(set, input).ok().filter(|it| *it > best.0) {
                best = (better, format!("{options}{how}"));
            }
        }
    };
    try_all(&test, "");
    if found < least {
        if let Some(transposed) = transposed(&test) {
            try_all(&transposed, ", and with the images transposed: W1 expects their columns one after the other");
        }
        try_all(&test.inverted(), ", and with `eval --invert`: W1 expects dark ink on light");
    }
    let (better, how) = best;
    let found_percent = 100.0 * found;
    if !how.is_empty() {
        warning!("{found_percent:.2} % is below what this network reaches: {:.2} % {how}", 100.0 * better);
    } else if found < least {
        warning!(
            "{found_percent:.2} % is far below what such a network reaches, {:.0} % or more. No usual scaling of the input explains it, nor \
             images that are transposed or inverted. It may have another activation than ReLU, or classes in another order",
            100.0 * least
        );
    }
}

/// The least accuracy to expect: nine in ten of digits, which every network reaches that was trained on them; elsewhere something above
/// that of always answering the most frequent class.
fn least(evaluation: &Evaluation, source: &Source) -> f64 {
    if matches!(source, Source::Named(Name::Mnist | Name::Digits)) {
        return 0.9;
    }
    let most = (0..evaluation.classes()).map(|label| evaluation.of_label(label).0).max().unwrap_or_default();
    let chance = f64::from(most) / f64::from(evaluation.total().max(1));
    0.9 * chance + 0.1
}

/// The same images with their rows as columns; `None` if their size is unknown.
fn transposed(set: &Set) -> Option<Set> {
    let [width, height] = set.image_size()?;
    let (columns, rows) = (usize::from(width), usize::from(height));
    let images = (0..set.len()).filter_map(|index| set.image(index)).flat_map(|image| {
        let places = (0..columns).flat_map(|x| (0..rows).map(move |y| y * columns + x));
        places.filter_map(|place| image.get(place).copied()).collect::<Vec<_>>()
    });
    let labels = (0..set.len()).filter_map(|index| set.label(index)).collect();
    Set::from_images("the transposed images", images.collect(), labels, [height, width]).ok()
}
