//! Prints an evaluation: tables and the line of its accuracy.

use crate::console::say;
use core::fmt::{Display, Write};
use twolayer::host::{Evaluation, printable};

/// The largest number of classes for which the confusion matrix is printed.
const MAX_MATRIX_CLASSES: usize = 20;

/// The most characters of a name that fits a column.
const MAX_NAME: usize = 5;

/// The shares of answers, those of the largest margins, whose accuracy is printed: percentages of all.
pub(crate) const COVERAGES: [u8; 4] = [100, 99, 95, 90];

/// Prints the accuracy of each label, and the confusion matrix unless it is too wide. Labels without a name are shown by number.
pub(crate) fn print_named(evaluation: &Evaluation, names: &[String]) {
    let classes = evaluation.classes();
    let name = |label: usize| names.get(label).map_or_else(|| label.to_string(), printable);
    if classes > MAX_MATRIX_CLASSES {
        for label in (0..classes).filter(|&label| evaluation.of_label(label).0 > 0) {
            let (total, correct) = evaluation.of_label(label);
            say!("label {:>3}  {}  of {total}", name(label), ratio(correct, total));
        }
        return;
    }
    // Long names are a list of their own: columns are narrow.
    let short = (0..classes).all(|class| name(class).chars().count() <= MAX_NAME);
    let shown = |class: usize| if short { name(class) } else { class.to_string() };
    if !short {
        let list: Vec<_> = (0..classes).map(|class| format!("{class} {}", name(class))).collect();
        say!("\nclasses   {}", list.join(", "));
    }
    say!("\nlabel     accuracy   predicted{}", format_row((0..classes).map(shown)));
    for label in 0..classes {
        let (total, correct) = evaluation.of_label(label);
        let counts = (0..classes).map(|class| match evaluation.count(label, class) {
            0 => "·".to_string(),
            count => count.to_string(),
        });
        say!("{:>5}   {}            {}", shown(label), ratio(correct, total), format_row(counts));
    }
}

/// Prints the accuracy of the most confident answers; `decimals` are those of a margin.
pub(crate) fn print_coverage(evaluation: &Evaluation, decimals: usize) {
    say!("\nmost confident   accuracy   margin at least");
    for percent in COVERAGES {
        if let Some(found) = evaluation.at_coverage(f64::from(percent) / 100.0) {
            say!("{percent:>12} %   {:6.2} %   {:.decimals$}", 100.0 * found.accuracy(), found.min_margin);
        }
    }
}

/// Prints the accuracy in one line; `suffix` names the data.
pub(crate) fn print_accuracy(evaluation: &Evaluation, suffix: &str) {
    say!("accuracy  {} of {}{suffix}", percent(evaluation), count(evaluation.total(), "test image"));
}

/// A number of things, such as `1 test image` or `30 test images`.
pub(crate) fn count(number: impl Display, thing: &str) -> String {
    let number = number.to_string();
    format!("{number} {thing}{}", if number == "1" { "" } else { "s" })
}

/// The accuracy in percent, such as `97.41 %`.
pub(crate) fn percent(evaluation: &Evaluation) -> String {
    format!("{:.2} %", 100.0 * evaluation.accuracy())
}

#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2⁵²")]
pub(crate) fn to_f64(count: usize) -> f64 {
    count as f64
}

/// A share in percent; a dash where there is nothing to count.
fn ratio(correct: u32, total: u32) -> String {
    if total == 0 {
        format!("{:>8}", "–")
    } else {
        format!("{:6.2} %", 100.0 * f64::from(correct) / f64::from(total))
    }
}

fn format_row(cells: impl Iterator<Item = String>) -> String {
    cells.fold(String::new(), |mut line, cell| {
        let _ = write!(line, "{cell:>6}");
        line
    })
}
