//! What `--json` prints: the help of each command says it in words; here are the parts that several lines share. A command's own
//! lines are types beside its code.

use crate::table;
use core::fmt::Write as _;
use core::num::NonZeroUsize;
use serde::{Serialize, Serializer};
use serde_json::json;
use std::borrow::Cow;
use twolayer::Shape;
use twolayer::host::{Evaluation, is_obeyed};

/// An object on one line. What a terminal or a reader of lines would obey is escaped in its strings; else all of it is as in them.
pub(crate) fn line(object: impl Serialize) -> String {
    let mut line = String::new();
    for letter in json!(object).to_string().chars() {
        if is_obeyed(letter) {
            // Each is of 16 bits, and in a string.
            let _ = write!(line, "\\u{:04x}", u32::from(letter));
        } else {
            line.push(letter);
        }
    }
    line
}

/// An f32 in its own shortest digits, not those of the f64 beside it; null if it is not finite.
#[derive(Clone, Copy)]
pub(crate) struct Number(pub(crate) f32);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_string().parse::<f64>().ok().serialize(serializer)
    }
}

/// The network's sizes.
#[derive(Serialize)]
pub(crate) struct Network {
    inputs: usize,
    hidden: usize,
    outputs: usize,
    pixels: usize,
    biases: bool,
    halved: bool,
    deslanted: bool,
}

impl From<Shape> for Network {
    fn from(shape: Shape) -> Self {
        Self {
            inputs: shape.inputs(),
            hidden: shape.hidden(),
            outputs: shape.outputs(),
            pixels: shape.pixels(),
            biases: shape.has_biases(),
            halved: shape.halved_image().is_some(),
            deslanted: shape.deslanted_image().is_some(),
        }
    }
}

/// Where the images come from.
#[derive(Serialize)]
pub(crate) struct Data<'a> {
    pub(crate) name: Option<&'static str>,
    pub(crate) directory: Option<Cow<'a, str>>,
    pub(crate) inverted: bool,
    pub(crate) transposed: bool,
    pub(crate) sources: Vec<Source>,
}

/// One of several data sets.
#[derive(Serialize)]
pub(crate) struct Source {
    pub(crate) name: Option<&'static str>,
    pub(crate) path: String,
    pub(crate) found: Option<String>,
    /// How often its training images are in the training set.
    pub(crate) times: NonZeroUsize,
}

/// How many answers are right.
#[derive(Serialize)]
pub(crate) struct Right {
    correct: u32,
    total: u32,
    accuracy: f64,
}

impl From<&Evaluation> for Right {
    fn from(evaluation: &Evaluation) -> Self {
        Self { correct: evaluation.correct(), total: evaluation.total(), accuracy: evaluation.accuracy() }
    }
}

/// The names of classes; null if they have none.
pub(crate) fn classes(names: &[String]) -> Option<Vec<String>> {
    Some(names.to_vec()).filter(|names| !names.is_empty())
}

/// The counts of test images, by label and class.
pub(crate) fn confusion(evaluation: &Evaluation) -> Vec<Vec<u32>> {
    let classes = 0..evaluation.classes();
    let row = |label| classes.clone().map(|class| evaluation.count(label, class)).collect();
    classes.clone().map(row).collect()
}

/// The accuracy of the answers with the largest margins.
#[derive(Serialize)]
struct Coverage {
    share: f64,
    margin: f64,
    correct: usize,
    total: usize,
    accuracy: f64,
}

/// What an evaluation found.
#[derive(Serialize)]
pub(crate) struct Tested {
    #[serde(flatten)]
    right: Right,
    confusion: Vec<Vec<u32>>,
    classes: Option<Vec<String>>,
    coverage: Vec<Coverage>,
}

impl Tested {
    pub(crate) fn new(evaluation: &Evaluation, names: &[String]) -> Self {
        Self {
            right: evaluation.into(),
            confusion: confusion(evaluation),
            classes: classes(names),
            coverage: coverage(evaluation),
        }
    }
}

fn coverage(evaluation: &Evaluation) -> Vec<Coverage> {
    let part = |percent: u8| {
        let share = f64::from(percent) / 100.0;
        let found = evaluation.at_coverage(share)?;
        let accuracy = found.accuracy();
        Some(Coverage { share, margin: found.min_margin, correct: found.correct, total: found.total, accuracy })
    };
    table::COVERAGES.into_iter().filter_map(part).collect()
}
