//! Rows of figures: four columns, the last one a part of some peak. A terminal gets colours, unless it or `NO_COLOR` says
//! no, and the parts as bars.

use anstream::println;
use anstyle::{AnsiColor, Style};
use std::io::IsTerminal;

const TITLE: Style = Style::new().bold();
const REMARK: Style = Style::new().dimmed();
const BAR: Style = AnsiColor::Cyan.on_default();
const CELLS: usize = 20;

/// A figure with that many digits behind the point.
pub(crate) fn figure(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

/// Microseconds.
pub(crate) fn micros(seconds: f64) -> String {
    figure(seconds * 1e6, 2)
}

pub(crate) fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// How many times, with a sign that says so.
pub(crate) fn times(value: f64) -> String {
    format!("{value:.2} ×")
}

/// An empty line, what the next rows are about, and what their columns are.
pub(crate) fn title(name: &str, columns: [&str; 4]) {
    let [a, b, c, d] = columns;
    println!("\n{TITLE}{}{TITLE:#}", format!("{name:<40}{a:>9}{b:>10}{c:>10}{d:>9}").trim_end());
}

/// Three figures, and the part of the peak if there is one.
pub(crate) fn row(name: &str, figures: [String; 3], part: Option<f64>) {
    let [a, b, c] = figures;
    let name = format!("  {name}");
    let figures = format!("{name:<40}{a:>9}{b:>10}{c:>10}");
    match part {
        Some(part) => println!("{figures}{:>9}{}", percent(part), bar(part)),
        None => println!("{}", figures.trim_end()),
    }
}

/// Words about the rows above.
pub(crate) fn remark(text: &str) {
    println!("  {REMARK}{text}{REMARK:#}");
}

/// A part as a bar, where somebody looks at it.
fn bar(part: f64) -> String {
    if !std::io::stdout().is_terminal() {
        return String::new();
    }
    let full = (1..=CELLS).filter(|&cell| cell as f64 - 0.5 <= part * CELLS as f64).count();
    let (full, rest) = ("█".repeat(full), "░".repeat(CELLS - full));
    format!("  {BAR}{full}{BAR:#}{REMARK}{rest}{REMARK:#}")
}
