//! An evaluation as text.

use crate::console::say;
use core::fmt::Write;
use twolayer::host::Evaluation;

/// The most classes whose confusion matrix fits a page.
const PAGE: usize = 20;

/// Accuracy by class, and the confusion matrix where it fits.
pub(crate) fn print(evaluation: &Evaluation) {
    let classes = evaluation.classes();
    if classes > PAGE {
        for label in (0..classes).filter(|&label| evaluation.of_label(label).0 > 0) {
            let (total, correct) = evaluation.of_label(label);
            say!("class {label:>3}  {:6.2} %  of {total}", 100.0 * part(correct, total));
        }
        return;
    }
    say!("\nclass     accuracy   taken for{}", row((0..classes).map(|class| class.to_string())));
    for label in 0..classes {
        let (total, correct) = evaluation.of_label(label);
        let counts = (0..classes).map(|class| match evaluation.count(label, class) {
            0 => "·".to_string(),
            count => count.to_string(),
        });
        say!("{label:>5}   {:6.2} %            {}", 100.0 * part(correct, total), row(counts));
    }
}

/// `97.41 %`.
pub(crate) fn percent(evaluation: &Evaluation) -> String {
    format!("{:.2} %", 100.0 * evaluation.accuracy())
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2⁵²")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

fn part(correct: u32, total: u32) -> f64 {
    f64::from(correct) / f64::from(total.max(1))
}

fn row(cells: impl Iterator<Item = String>) -> String {
    cells.fold(String::new(), |mut line, cell| {
        let _ = write!(line, "{cell:>6}");
        line
    })
}
