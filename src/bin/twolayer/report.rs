//! `--report`: the facts that a page says beside what the network does.

use crate::args::{EvalArgs, TrainArgs};
use crate::error::Error;
use crate::open_data::Data;
use crate::table::count;
use core::time::Duration;
use std::env;
use std::ffi::OsStr;
use std::path::Path;
use twolayer::host::dataset::Set;
use twolayer::host::report::{Learning, Report, Work, peak_rate};
use twolayer::host::training::{Recipe, Trained};
use twolayer::host::{Evaluation, ModelFile, Threads};
use twolayer::{Backend, Kind, Weights, weights_hash};

/// Writes the page of a training run.
pub(crate) fn of_training(
    path: &Path,
    args: &TrainArgs,
    recipe: &Recipe,
    data: &Data,
    model: &Path,
    learning: &Learning,
    trained: &Trained,
) -> Result<(), Error> {
    let (weights, backend, test) = (trained.weights.view(), recipe.options.backend, &data.dataset.test);
    let (time, samples) = (learning.time(), learning.samples());
    let an_epoch = samples / recipe.epochs.max(1) as usize;
    let work = Work::new(weights.shape(), &data.dataset.train);
    let speed = Speed::new(time, samples, Some(work.step), backend, recipe.threads.get());
    let report = Report {
        title: "twolayer: a training run",
        images: &format!("test images{}", data.accuracy_suffix()),
        glance: &speed.glance("per sample"),
        learning: Some(learning),
        weights: Some(weights),
        integers: false,
        facts: &[
            ("recipe", recipe.to_string()),
            ("data", format!("{an_epoch} training and {}: {data}", count(test.len(), "test image"))),
            ("model", model.display().to_string()),
            ("weights", format!("{:016x}", weights_hash(weights))),
            ("program", format!("twolayer {}", env!("CARGO_PKG_VERSION"))),
            ("machine", machine(backend)),
            ("threads", recipe.threads.to_string()),
        ],
        times: &[
            ("training", format!("{:.2} s", time.as_secs_f64())),
            ("per sample", speed.sample()),
            ("of the peak", speed.part("a training step")),
        ],
        command: &command(
            "train",
            args.data.data.is_none().then(|| data.name()).flatten(),
            args.model.is_none().then_some(model),
        ),
        decimals: 4,
    };
    Ok(report.write(path, weights.shape(), test, &trained.test)?)
}

/// What is evaluated, on what, and how.
pub(crate) struct Evaluated<'a> {
    pub(crate) args: &'a EvalArgs,
    pub(crate) model: &'a Path,
    pub(crate) file: &'a ModelFile,
    pub(crate) data: &'a Data<Set>,
    pub(crate) backend: Backend,
    pub(crate) threads: &'a Threads,
}

/// Writes the page of an evaluation that took `time`.
pub(crate) fn of_evaluation(
    path: &Path,
    evaluated: &Evaluated<'_>,
    evaluation: &Evaluation,
    weights: Option<Weights<'_>>,
    time: Duration,
) -> Result<(), Error> {
    let &Evaluated { args, model, file, data, backend, .. } = evaluated;
    let (kind, test) = (file.kind(), &data.dataset);
    let threads_used = Threads::available().get();
    // The limit is one of f32 arithmetic.
    let work = (kind == Kind::F32).then(|| Work::new(file.shape(), test).classification);
    let speed = Speed::new(time, test.len(), work, backend, threads_used);
    let details = file.details();
    let mut facts = vec![
        ("data", format!("{}: {data}", count(test.len(), "test image"))),
        ("model", format!("{}, {kind}, {} bytes", model.display(), file.len())),
    ];
    if !details.text.is_empty() {
        facts.push(("text", details.text.to_owned()));
    }
    facts.push(match weights {
        Some(weights) if kind == Kind::F32 => ("weights", format!("{:016x}", weights_hash(weights))),
        _ => ("weights", format!("CRC-32 {:08x}", file.checksum())),
    });
    facts.extend([
        ("program", format!("twolayer {}", env!("CARGO_PKG_VERSION"))),
        ("machine", machine(backend)),
        ("threads", threads_used.to_string()),
    ]);
    let mut times = vec![("per image", speed.sample())];
    if work.is_some() {
        times.push(("of the peak", speed.part("classifying an image")));
    }
    let report = Report {
        title: "twolayer: an evaluation",
        images: &format!("test images{}", data.accuracy_suffix()),
        glance: &speed.glance("per image"),
        learning: None,
        weights,
        integers: kind != Kind::F32,
        facts: &facts,
        times: &times,
        command: &command(
            "eval",
            args.data.data.is_none().then(|| data.name()).flatten(),
            args.model.is_none().then_some(model),
        ),
        decimals: if kind == Kind::F32 { 4 } else { 0 },
    };
    Ok(report.write(path, file.shape(), test, evaluation)?)
}

/// How fast something was.
struct Speed {
    /// Of one sample.
    seconds: f64,
    /// Operations of a sample, if they are counted, and of all threads a second, at most.
    operations: f64,
    peak: f64,
    threads: usize,
}

impl Speed {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2⁵²")]
    fn new(time: Duration, samples: usize, operations: Option<f64>, backend: Backend, threads: usize) -> Self {
        Self {
            seconds: time.as_secs_f64() / samples.max(1) as f64,
            operations: operations.unwrap_or_default(),
            peak: operations.map_or(1.0, |_| peak_rate(backend) * threads as f64),
            threads,
        }
    }

    fn sample(&self) -> String {
        format!("{:.2} µs", 1e6 * self.seconds)
    }

    fn glance(&self, of: &str) -> String {
        let part =
            if self.operations > 0.0 { format!(", {} of the machine's peak", self.percent()) } else { String::new() };
        format!("{} {of}{part}", self.sample())
    }

    fn percent(&self) -> String {
        format!("{:.0} %", 100.0 * self.operations / self.seconds / self.peak)
    }

    fn part(&self, what: &str) -> String {
        let Self { operations, peak, threads, .. } = self;
        format!(
            "{}: {what} takes {:.2} million multiplications and additions; the peak of {} is {:.0} billion per second",
            self.percent(),
            operations / 1e6,
            count(threads, "thread"),
            peak / 1e9
        )
    }
}

/// The processor, the system, and what is used of them.
fn machine(backend: Backend) -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim()));
    let name = name.map_or(String::new(), |name| format!("{name}, "));
    format!("{name}{} ({}), {backend}", env::consts::ARCH, env::consts::OS)
}

/// The command as it was given, as a shell takes it, with the data and the model that it found by itself: another time it might
/// find others.
fn command(name: &str, data: Option<&str>, model: Option<&Path>) -> String {
    let mut words: Vec<_> = env::args_os().skip(1).collect();
    if words.first().is_none_or(|first| first != name) {
        words.insert(0, name.into());
    }
    let mut add = |option: &str, value: Option<&OsStr>| {
        words.extend(value.into_iter().flat_map(|value| [option.into(), value.to_owned()]));
    };
    add("--data", data.map(OsStr::new));
    add("--model", model.map(Path::as_os_str));
    let words = words.iter().map(|word| quoted(&word.to_string_lossy()));
    words.fold(String::from("twolayer"), |line, word| line + " " + &word)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(
            [quoted("a-b/c.d"), quoted(""), quoted("a b"), quoted("it's")],
            ["a-b/c.d", "''", "'a b'", r"'it'\''s'"]
        );
    }
}
