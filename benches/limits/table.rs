//! Rows of figures: four columns, the last one a part of some peak. A terminal gets colours, unless it or `NO_COLOR` says
//! no, and the parts as bars. Each row's time can be saved, and be compared with saved ones.

use crate::Anything;
use anstream::println;
use anstyle::{AnsiColor, Style};
use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

const TITLE: Style = Style::new().bold();
const REMARK: Style = Style::new().dimmed();
const BAR: Style = AnsiColor::Cyan.on_default();
const LESS: Style = AnsiColor::Green.on_default();
const MORE: Style = AnsiColor::Red.on_default().bold();
const CELLS: usize = 20;
/// What a single run may be off.
const NOISE: f64 = 0.05;

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

/// The tables, as they are printed, and the time of each row.
pub(crate) struct Table {
    /// Are the tables printed? Not where a program reads the times.
    pub(crate) silent: bool,
    /// The least and the most time of each row, in the runs that were saved before.
    before: Option<BTreeMap<String, [f64; 2]>>,
    title: String,
    times: Vec<(String, f64)>,
}

impl Table {
    pub(crate) const fn new(silent: bool) -> Self {
        Self { silent, before: None, title: String::new(), times: Vec::new() }
    }

    /// An empty line, what the next rows are about, and what their columns are.
    pub(crate) fn title(&mut self, name: &str, columns: [&str; 4]) {
        let [a, b, c, d] = columns;
        let against = if self.before.is_some() { "before" } else { "" };
        self.print(&format!(
            "\n{TITLE}{}{TITLE:#}",
            format!("{name:<40}{a:>9}{b:>10}{c:>10}{d:>9}{against:>9}").trim_end()
        ));
        // Not with the peak, which is measured anew each time.
        self.title = name.split(", peak").next().unwrap_or(name).into();
    }

    /// What takes some seconds: three figures, and the part of the peak if there is one.
    pub(crate) fn row(&mut self, name: &str, seconds: f64, figures: [String; 3], part: Option<f64>) {
        let key = format!("{}: {}", self.title, name.trim());
        let [a, b, c] = figures;
        let name = format!("  {name}");
        let percent = part.map(percent).unwrap_or_default();
        let line = format!("{name:<40}{a:>9}{b:>10}{c:>10}{percent:>9}");
        let against = self.against(&key, seconds);
        let line = format!("{line}{against}{}", part.map(bar).unwrap_or_default());
        self.print(line.trim_end());
        self.times.push((key, seconds));
    }

    /// Words about the rows above.
    pub(crate) fn remark(&self, text: &str) {
        self.print(&format!("  {REMARK}{text}{REMARK:#}"));
    }

    fn print(&self, line: &str) {
        if !self.silent {
            println!("{line}");
        }
    }

    /// The ratio to the middle of the times before, marked where it is beyond them all and beyond what a run may be off.
    fn against(&self, key: &str, seconds: f64) -> String {
        let Some(before) = &self.before else { return String::new() };
        let Some(&[least, most]) = before.get(key) else { return format!("{:>9}", "new") };
        let ratio = seconds / f64::midpoint(least, most);
        let style = match () {
            () if seconds < least && ratio < 1.0 - NOISE => LESS,
            () if seconds > most && ratio > 1.0 + NOISE => MORE,
            () => Style::new(),
        };
        let mark = if style == Style::new() { ' ' } else { '*' };
        format!("{style}{ratio:>8.2}{mark}{style:#}")
    }

    /// Adds the times of this run to those saved under that name.
    pub(crate) fn save(&self, name: &str) -> Result<PathBuf, Anything> {
        let path = path(name)?;
        let mut lines = String::new();
        for (key, seconds) in &self.times {
            writeln!(lines, "{key}\t{seconds:e}")?;
        }
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&path).map_err(|e| at(&path, &e))?;
        file.write_all(lines.as_bytes()).map_err(|e| at(&path, &e))?;
        Ok(path)
    }

    /// Reads the times saved under that name, to be compared with.
    pub(crate) fn compare_with(&mut self, name: &str) -> Result<(), Anything> {
        let path = path(name)?;
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                format!("{}: nothing was saved as {name}: run with --save {name} first", path.display())
            }
            _ => at(&path, &error),
        })?;
        let mut before = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let seconds = line.rsplit_once('\t').and_then(|(key, seconds)| Some((key, seconds.parse::<f64>().ok()?)));
            let Some((key, seconds)) = seconds.filter(|(_, seconds)| seconds.is_finite() && *seconds > 0.0) else {
                return Err(format!("{}, line {number}: expected a row, a tab and seconds", path.display()).into());
            };
            let [least, most] = before.entry(String::from(key)).or_insert([seconds; 2]);
            (*least, *most) = (least.min(seconds), most.max(seconds));
        }
        self.before = Some(before);
        Ok(())
    }

    /// One JSON object: seconds by row.
    pub(crate) fn json(&self) -> String {
        let rows: Vec<String> = self.times.iter().map(|(key, seconds)| format!("  {key:?}: {seconds:e}")).collect();
        format!("{{\n{}\n}}", rows.join(",\n"))
    }
}

/// Where runs of that name are saved: with what Cargo builds.
fn path(name: &str) -> Result<PathBuf, Anything> {
    if name.is_empty() || name.contains(['/', '\\', '.']) || name.starts_with('-') {
        return Err(format!("{name:?} is no name for a run: letters and digits will do").into());
    }
    Ok(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("limits-{name}.tsv")))
}

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
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
