//! The table of confidence in a model's text, and how well it holds.

use crate::console::say;
use crate::table;
use serde::Serialize;
use twolayer::host::Evaluation;
use twolayer::host::dataset::Set;
use twolayer::host::training::{Reliability, calibrate};
use twolayer::model::{Details, confidence_line};
use twolayer::{Confidence, Kind};

/// How the lines begin that say the table and what it was made of.
const KEYS: [&str; 2] = ["confidence: ", "calibrated: "];

/// The most bytes of the two lines, and the ends of lines before them.
const MAX_LINES: usize = 400;

/// What the table of a text was made of, and the accuracy, in words.
pub(crate) fn made_of(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix(KEYS[1]))
}

/// Whether a line of a text is the table, or says what it was made of.
pub(crate) fn is_table(line: &str) -> bool {
    KEYS.iter().any(|key| line.starts_with(key))
}

/// A text as long as what [`calibrated`] makes of this one may be.
pub(crate) fn longest(text: &str) -> String {
    let most = if text.is_empty() { 0 } else { (text.len() + MAX_LINES).min(Details::MAX_TEXT) };
    format!("{text:most$}")
}

/// A model's text with the table that is made of an evaluation, in place of the one that it may have. A text that is empty stays so, as
/// the article's does.
pub(crate) fn calibrated(text: &str, evaluation: &Evaluation, test: &Set, kind: Kind) -> String {
    if text.is_empty() { String::new() } else { with_table(text, calibrate(evaluation, test, kind), evaluation) }
}

/// A model's text with this table of a test, and its accuracy, if there is room for them, in place of those that it may have.
pub(crate) fn with_table(text: &str, table: Option<Confidence>, test: &Evaluation) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !is_table(line)).collect();
    let text = lines.join("\n");
    let Some(found) = table else { return text };
    let end = if text.is_empty() { "" } else { "\n" };
    let images = table::count(test.total(), "test image");
    let made_of = format!("{}on every second of {images}, of which {} are right", KEYS[1], table::percent(test));
    let longer = format!("{text}{end}{}\n{made_of}", confidence_line(&found));
    if longer.len() <= Details::MAX_TEXT { longer } else { text }
}

/// A step of a table, with the margin in the network's unit.
#[derive(Serialize)]
pub(crate) struct Step {
    margin: f64,
    percent: u8,
}

/// The steps of a table of a network with weights of this kind.
pub(crate) fn steps(table: &Confidence, kind: Kind) -> impl Iterator<Item = Step> + use<> {
    let units = if kind == Kind::F32 { Confidence::F32_UNITS.into() } else { 1.0 };
    table.steps().map(move |(margin, percent)| Step { margin: f64::from(margin) / units, percent })
}

/// Some steps of a table, in words.
pub(crate) fn words(table: &Confidence, kind: Kind) -> String {
    let decimals = if kind == Kind::F32 { 3 } else { 0 };
    let some = steps(table, kind).filter(|step| [50, 80, 90, 95, 99].contains(&step.percent));
    let words = some.map(|Step { margin, percent }| format!("{percent} % from a margin of {margin:.decimals$}"));
    words.collect::<Vec<_>>().join(", ")
}

/// How often answers are right that were given a confidence.
#[derive(Serialize)]
pub(crate) struct Given {
    percent: u8,
    answers: u32,
    right: u32,
}

impl From<Reliability> for Given {
    fn from(Reliability { percent, answers, right }: Reliability) -> Self {
        Self { percent, answers, right }
    }
}

/// Prints how often answers are right that were given so much confidence.
pub(crate) fn print(given: &[Reliability]) {
    say!("\nconfidence     answers   given, mean    right   of every second test image, beginning with the second");
    for (least, most) in [(99, 99), (95, 98), (90, 94), (80, 89), (0, 79)] {
        let band = given.iter().filter(|given| (least..=most).contains(&given.percent));
        let sum = |of: fn(&Reliability) -> u32| band.clone().map(of).sum::<u32>();
        let answers = sum(|given| given.answers);
        if answers == 0 {
            continue;
        }
        let mean = f64::from(sum(|given| u32::from(given.percent) * given.answers)) / f64::from(answers);
        let right = 100.0 * f64::from(sum(|given| given.right)) / f64::from(answers);
        let band = match (least, most) {
            (99, _) => "99 %".into(),
            (0, _) => "below 80 %".into(),
            _ => format!("{least} to {most} %"),
        };
        say!("{band:<12}  {answers:>8}      {mean:6.2} % {right:6.2} %");
    }
}
