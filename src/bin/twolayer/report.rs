//! `--report`: the facts that a page says beside what the network does.

use crate::args::TrainArgs;
use crate::error::Error;
use crate::open_data::Data;
use crate::table::{count, to_f64};
use core::time::Duration;
use std::env;
use std::path::Path;
use twolayer::host::dataset::Set;
use twolayer::host::report::{Learning, Original, Report, Work, integer_weights, peak_rate};
use twolayer::host::training::{Recipe, Trained};
use twolayer::host::{AnyWeights, Evaluation, ModelFile, OwnedWeights, Threads, printable};
use twolayer::{Backend, Kind, weights_hash};

/// The name of a setting or a result, and its value.
type Fact = (&'static str, String);

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
    let (time, samples, threads) = (learning.time(), learning.samples(), recipe.threads.get());
    let an_epoch = samples / recipe.epochs.max(1) as usize;
    let work = Work::new(weights.shape(), &data.dataset.train).step;
    let (glance, speed) = speed(["per sample", "a training step"], time, samples, Some(work), backend, threads);
    let mut facts = vec![
        ("recipe", recipe.to_string()),
        ("data", format!("{an_epoch} training and {}: {data}", count(test.len(), "test image"))),
        ("model", model.display().to_string()),
        ("weights", format!("{:016x}", weights_hash(weights))),
    ];
    if !args.training.teacher.is_empty() {
        let teachers = args.training.teacher.iter().map(printable).collect::<Vec<_>>();
        facts.push(("teachers", teachers.join(", ")));
    }
    facts.extend(program(backend, threads));
    let mut times = vec![("training", format!("{:.2} s", time.as_secs_f64()))];
    times.extend(speed);
    let report = Report {
        title: "twolayer: a training run",
        images: &format!("test images{}", data.accuracy_suffix()),
        glance: &glance,
        learning: Some(learning),
        weights: Some(weights),
        integers: false,
        facts: &facts,
        times: &times,
        command: &command(
            "train",
            data.name().filter(|_| args.training.data.data.is_empty()),
            args.model.is_none().then_some(model),
        ),
        decimals: 4,
        originals: &[],
    };
    Ok(report.write(path, weights.shape(), test, &trained.test)?)
}

/// An evaluation, and what it was of.
pub(crate) struct Evaluated<'a> {
    pub(crate) title: &'a str,
    /// The images, after their number.
    pub(crate) images: String,
    pub(crate) data: String,
    pub(crate) test: &'a Set,
    pub(crate) originals: &'a [Option<Original>],
    pub(crate) model: (&'a Path, &'a ModelFile),
    pub(crate) weights: &'a AnyWeights,
    pub(crate) backend: Backend,
    pub(crate) evaluation: &'a Evaluation,
    pub(crate) time: Duration,
    pub(crate) command: String,
}

/// Writes the page of an evaluation.
pub(crate) fn of_evaluation(path: &Path, of: Evaluated<'_>) -> Result<(), Error> {
    let Evaluated { title, images, data, test, originals, model, weights, backend, evaluation, time, command } = of;
    let (model, file) = model;
    let (kind, details, threads) = (file.kind(), file.details(), Threads::available().get());
    let integers;
    let weights = match weights {
        AnyWeights::F32(weights) => Some(weights.view()),
        AnyWeights::Quantized(quantized) => {
            integers = integer_weights(quantized)?;
            integers.as_ref().map(OwnedWeights::view)
        }
    };
    // The limit is one of f32 arithmetic.
    let work = (kind == Kind::F32).then(|| Work::new(file.shape(), test).classification);
    let (glance, times) = speed(["per image", "classifying an image"], time, test.len(), work, backend, threads);
    let mut facts = vec![("data", data), ("model", format!("{}, {kind}, {} bytes", model.display(), file.len()))];
    if !details.text.is_empty() {
        facts.push(("text", details.text.to_owned()));
    }
    facts.push(match weights {
        Some(weights) if kind == Kind::F32 => ("weights", format!("{:016x}", weights_hash(weights))),
        _ => ("weights", format!("CRC-32 {:08x}", file.checksum())),
    });
    facts.extend(program(backend, threads));
    let report = Report {
        title,
        images: &images,
        glance: &glance,
        learning: None,
        weights,
        integers: kind != Kind::F32,
        facts: &facts,
        times: &times,
        command: &command,
        decimals: if kind == Kind::F32 { 4 } else { 0 },
        originals,
    };
    Ok(report.write(path, file.shape(), test, evaluation)?)
}

/// How fast something was, at a glance and as facts: the time of a sample and, where its operations are counted, what part of
/// the machine's peak that is. `per` is what the time is said to be of, `what` is what was done.
fn speed(
    [per, what]: [&'static str; 2],
    time: Duration,
    samples: usize,
    operations: Option<f64>,
    backend: Backend,
    threads: usize,
) -> (String, Vec<Fact>) {
    let seconds = time.as_secs_f64() / to_f64(samples.max(1));
    let sample = format!("{:.2} µs", 1e6 * seconds);
    let glance = format!("{sample} {per}");
    let Some(operations) = operations else { return (glance, vec![(per, sample)]) };
    let peak = peak_rate(backend) * to_f64(threads);
    let percent = format!("{:.0} %", 100.0 * operations / seconds / peak);
    let of_the_peak = format!(
        "{percent}: {what} takes {:.2} million multiplications and additions; the peak of {} is {:.0} billion per second",
        operations / 1e6,
        count(threads, "thread"),
        peak / 1e9
    );
    (format!("{glance}, {percent} of the machine's peak"), vec![(per, sample), ("of the peak", of_the_peak)])
}

/// The program, the processor and the system, and what is used of them.
fn program(backend: Backend, threads: usize) -> [Fact; 3] {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim()));
    let name = name.map_or(String::new(), |name| format!("{name}, "));
    [
        ("program", format!("twolayer {}", env!("CARGO_PKG_VERSION"))),
        ("machine", format!("{name}{} ({}), {backend}", env::consts::ARCH, env::consts::OS)),
        ("threads", threads.to_string()),
    ]
}

/// The command as it was given, as a shell takes it, with the `data` and the `model` that it found by itself: another time it
/// might find others.
pub(crate) fn command(name: &str, data: Option<&str>, model: Option<&Path>) -> String {
    let mut words: Vec<_> = env::args_os().skip(1).collect();
    if words.first().is_none_or(|first| first != name) {
        words.insert(0, name.into());
    }
    if let Some(data) = data {
        words.extend(["--data".into(), data.into()]);
    }
    if let Some(model) = model {
        words.extend(["--model".into(), model.into()]);
    }
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
