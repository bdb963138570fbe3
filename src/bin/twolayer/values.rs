//! Parsers of values. What a value may be is said once: in help, in completions and in the error where it is something else.

use clap::builder::{PathBufValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use core::ops::RangeInclusive;
use core::str::FromStr;
use core::time::Duration;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use twolayer::host::Framework;
use twolayer::host::dataset::{DataSource as Source, HoldOut, LabelColumn};
use twolayer::host::tensors::{ExportFormat, Layout};
use twolayer::host::training::{Init, Recipe};
use twolayer::picture::Ink;
use twolayer::{INIT_SCALE, LossFunction};

/// One of some names, each of which stands for a value.
pub(crate) fn one_of<N: Into<PossibleValue>, T: Clone + Send + Sync + 'static>(
    values: impl IntoIterator<Item = (N, T)>,
) -> impl TypedValueParser<Value = T> {
    let (names, values): (Vec<PossibleValue>, Vec<T>) = values.into_iter().map(|(name, it)| (name.into(), it)).unzip();
    PossibleValuesParser::new(names.clone()).try_map(move |text| {
        let at = names.iter().position(|name| name.get_name() == text);
        at.and_then(|at| values.get(at).cloned()).ok_or("not one of the possible values")
    })
}

/// A number for which `is_valid` holds: `expected`, in words.
pub(crate) fn number<T: FromStr + Clone + Send + Sync + 'static>(
    expected: &'static str,
    is_valid: fn(&T) -> bool,
) -> impl TypedValueParser<Value = T> {
    move |text: &str| text.parse().ok().filter(is_valid).ok_or_else(|| format!("expected {expected}"))
}

pub(crate) fn at_least_one() -> impl TypedValueParser<Value = usize> {
    number("an integer of 1 or more", |number| *number > 0)
}

/// An `f32` or `f64` above 0; `expected` has an example.
pub(crate) fn positive<T: FromStr + Copy + Into<f64> + Send + Sync + 'static>(
    expected: &'static str,
) -> impl TypedValueParser<Value = T> {
    number(expected, is_positive)
}

fn is_positive<T: Copy + Into<f64>>(number: &T) -> bool {
    let number: f64 = (*number).into();
    number.is_finite() && number > 0.0
}

/// Seconds, at most a day, so that adding them to a clock cannot overflow.
pub(crate) fn seconds() -> impl TypedValueParser<Value = Duration> {
    let is_valid = |seconds: &f64| (0.001..=86_400.0).contains(seconds);
    number("a number from 0.001 to 86400, such as 30 or 0.5", is_valid).map(Duration::from_secs_f64)
}

/// Learning rates: the first, and the last if there is another.
pub(crate) type Rates = (f32, Option<f32>);

/// For example `1e-5` or `7.8e-5..2e-6`.
pub(crate) fn rates(text: &str) -> Result<Rates, &'static str> {
    let rate = |text: &str| {
        let expected = "expected a finite number above 0, such as 1e-5, or two, such as 7.8e-5..2e-6";
        text.parse().ok().filter(is_positive).ok_or(expected)
    };
    let (from, to) = text.split_once("..").map_or((text, None), |(from, to)| (from, Some(to)));
    Ok((rate(from)?, to.map(rate).transpose()?))
}

/// The URL of a directory.
pub(crate) fn mirror(text: &str) -> Result<String, &'static str> {
    match text.split_once("://") {
        Some(("http" | "https", rest)) if !rest.is_empty() => Ok(text.into()),
        _ => Err("expected a URL that begins with http:// or https://; for a directory use --data"),
    }
}

/// A number of images, or percent of each class.
pub(crate) fn hold_out(text: &str) -> Result<HoldOut, &'static str> {
    let expected = "expected an integer of 1 or more, or percent from 1% to 100%, such as 20%";
    match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse().ok().filter(|it| (1..=100).contains(it)).map(HoldOut::Percent),
        None => text.parse().ok().filter(|count| *count > 0).map(HoldOut::Last),
    }
    .ok_or(expected)
}

pub(crate) fn label_column() -> impl TypedValueParser<Value = LabelColumn> {
    one_of([("first", LabelColumn::First), ("last", LabelColumn::Last)])
}

/// A data set's name or a path.
pub(crate) fn source() -> impl TypedValueParser<Value = Source> {
    PathBufValueParser::new().map(Source::parse)
}

/// The recipes that have names, and what they are.
pub(crate) fn recipes() -> [(&'static str, &'static str, Recipe); 5] {
    [
        ("article", "squared error, constant learning rate, images in the order of the file", Recipe::default()),
        ("fast", "cross-entropy, falling learning rate, shuffled", Recipe::fast()),
        ("good", "as fast, on distorted images, 9 epochs", Recipe::good()),
        ("best", "as good, 500 epochs", Recipe::best()),
        ("further", "for --from: as best, 2 epochs at lower rates", Recipe::further()),
    ]
}

pub(crate) fn recipe() -> impl TypedValueParser<Value = Recipe> {
    one_of(recipes().map(|(name, help, recipe)| (named(name, help), recipe)))
}

/// Indices of images: one, or a range such as 0-9.
pub(crate) fn indices(text: &str) -> Result<RangeInclusive<usize>, &'static str> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = first.parse().and_then(|first| Ok(first..=last.parse()?)).ok();
    range.filter(|range| !range.is_empty()).ok_or("expected an index of 0 or more, or a range such as 0-9")
}

/// Whether a file begins as a model does.
pub(crate) fn is_model(path: &Path) -> bool {
    const MAGIC: [u8; 8] = *b"TWOLAYER";
    let mut start = [0; MAGIC.len()];
    // A pipe can be read once only.
    path.is_file() && File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == MAGIC
}

/// What `--loss` takes for a loss function, and JSON says.
pub(crate) const fn loss_name(loss: LossFunction) -> &'static str {
    match loss {
        LossFunction::Squared => "squared",
        LossFunction::CrossEntropy => "cross-entropy",
    }
}

pub(crate) fn loss() -> impl TypedValueParser<Value = LossFunction> {
    let losses = [
        (LossFunction::Squared, "the sum of (y − t)² over the outputs"),
        (LossFunction::CrossEntropy, "of the softmax of the outputs"),
    ];
    one_of(losses.map(|(loss, help)| (named(loss_name(loss), help), loss)))
}

pub(crate) fn init() -> impl TypedValueParser<Value = Init> {
    one_of([
        (named("uniform", "from 0 to --init-scale"), Init::Uniform(INIT_SCALE)),
        (named("scaled", "around 0, by the sizes of the layers"), Init::Scaled),
    ])
}

pub(crate) fn ink() -> impl TypedValueParser<Value = Ink> {
    one_of([
        (named("auto", "where the picture is found to have dark ink; never with --index"), Ink::Auto),
        (named("yes", "always"), Ink::Dark),
        (named("no", "never"), Ink::Light),
    ])
}

/// Rows and columns, such as 9x9.
pub(crate) fn grid(text: &str) -> Result<[u16; 2], &'static str> {
    let count = |text: &str| text.parse().ok().filter(|count| (1..=256).contains(count));
    let sides = text.split_once(['x', 'X', '×']);
    let grid = sides.and_then(|(rows, columns)| Some([count(rows)?, count(columns)?]));
    grid.ok_or("expected rows and columns from 1 to 256, such as 9x9")
}

pub(crate) fn layout() -> impl TypedValueParser<Value = Layout> {
    one_of([
        (named("out-in", "as in PyTorch"), Layout::OutIn),
        (named("in-out", "as in NumPy and Keras"), Layout::InOut),
    ])
}

/// A format that `export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The weights, for other programs.
    Tensors(ExportFormat),
    /// A quantised network's data and code.
    C99,
}

impl Format {
    /// The extension of files.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Tensors(format) => format.name(),
            Self::C99 => "c",
        }
    }
}

pub(crate) fn format() -> impl TypedValueParser<Value = Format> {
    let tensors = ExportFormat::ALL.map(|format| (format.name(), Format::Tensors(format)));
    one_of(tensors.into_iter().chain([("c99", Format::C99)]))
}

pub(crate) fn framework() -> impl TypedValueParser<Value = Framework> {
    one_of(Framework::ALL.map(|framework| (framework.name(), framework)))
}

fn named(name: &'static str, help: &'static str) -> PossibleValue {
    PossibleValue::new(name).help(help)
}
