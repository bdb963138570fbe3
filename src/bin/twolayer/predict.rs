//! `twolayer predict`: classifies pictures, and shows the margin and what the network saw.

use crate::args::{InvertArgs, PredictArgs};
use crate::console::{note, say};
use crate::error::{Error, error};
use crate::folder::{self, PictureFile};
use crate::open_data::{Data, Purpose};
use crate::reading::{DigitPart, Reading};
use crate::score::Score;
use crate::{json, model, output};
use core::fmt::Write as _;
use serde::Serialize;
use std::borrow::Cow;
use std::env::var_os;
use std::io::{IsTerminal, stdin, stdout};
use std::path::{Path, PathBuf};
use twolayer::host::dataset::Set;
use twolayer::host::report::Report;
use twolayer::host::{GreyPicture, ModelFile, printable};
use twolayer::picture::{Ink, Picture, Seen};
use twolayer::{Answer, AnyNetwork, AnyOutputs, Kind, Shape, SizeError};

/// The longest bar, in characters.
const BAR: u32 = 24;

/// The most columns that are drawn; a wider input would not fit a terminal.
const MAX_DRAWN: usize = 64;

pub(crate) fn run(mut args: PredictArgs) -> Result<(), Error> {
    let path = model::select(args.model.as_ref(), &args.data, model::newest)?;
    let file = ModelFile::open(&path, args.data.file.access())?;
    let (kind, shape, image) = (file.kind(), file.shape(), file.details().image);
    let (weights, mut memory) = (file.any()?, Vec::new());
    let network = weights.network(&mut memory, args.backend.get())?;
    let files = folder::find(&args.files, args.labels.then_some(shape.outputs()))?;
    if let Some(report) = &args.report {
        let inputs: Vec<_> = files.iter().map(|file| &file.path).chain([&path]).collect();
        output::check(report, &inputs, "--report")?;
        Report::check_writable(report)?;
    }
    let pictures = files.len() + args.index.len();
    let save = Save::new(args.save_seen.as_deref(), pictures)?;
    let source = if args.index.is_empty() {
        let size = image.map_or_else(|| shape.pixels().to_string(), |[width, height]| format!("{width} × {height}"));
        let side = side(shape, image).ok_or_else(|| {
            error!(
                "{} takes images of {size} pixels, but a picture becomes a square of 8 × 8 to 256 × 256 pixels; for images of a \
                 data set, use --index",
                printable(&path)
            )
        });
        Source::Files { side: side? }
    } else {
        args.data.data = args.data.data.or_else(|| model::source_of(&path));
        Source::Set(test_images(&args, shape)?)
    };
    if !args.json {
        let suffix = if kind == Kind::F32 { String::new() } else { format!(", {kind}") };
        say!("model     {}: {shape}{suffix}", printable(&path));
    }
    let mut score = Score::default();
    let subjects = files.iter().map(Subject::File).chain(args.index.iter().map(|&index| Subject::Image(index)));
    let mut failed = Vec::new();
    for (number, subject) in subjects.enumerate() {
        let (answer, reading) = match source.answer(subject, &args, &network) {
            Ok((answer, reading)) => (Ok(answer), reading),
            Err(error) => (Err(error), None),
        };
        if let (Ok(answer), Some(path)) = (&answer, save.path(number, subject)) {
            answer.input.picture()?.write_png(&path)?;
        }
        if let Subject::File(picture @ PictureFile { label: Some(label), .. }) = subject {
            match &answer {
                Ok(found) if found.sure => {
                    score.add(&found.input.pixels, *label, found.class, picture, args.report.is_some());
                }
                _ => score.refuse(),
            }
        }
        if args.json {
            say!("{}", json::line(PredictionLine::new(subject, answer.as_ref(), reading.as_ref())));
        } else if let Ok(answer) = &answer {
            if let Some(reading) = reading.filter(|reading| !reading.is_one()) {
                reading.print(&subject.name());
            } else if !args.labels {
                answer.print(subject);
            } else if !answer.sure || answer.input.label != Some(answer.class) {
                say!("{}", answer.heading(subject));
            }
        }
        if let Err(error) = answer {
            // The only error is reported by the caller.
            if pictures > 1 || args.labels {
                note!("error: {error}");
            }
            failed.push(error);
        }
    }
    if let (true, Source::Files { side }) = (args.labels, &source) {
        return score.finish(&args, (&path, &file), &weights, &network, *side);
    }
    match (failed.len(), failed.pop()) {
        (0, _) | (_, None) => Ok(()),
        (_, Some(error)) if pictures == 1 => Err(error),
        (failed, _) => Err(error!("{failed} of {pictures} pictures could not be classified, for the reasons above")),
    }
}

/// The side of the square that pictures become.
fn side(shape: Shape, image: Option<[u16; 2]>) -> Option<u32> {
    let side = u32::try_from(shape.pixels().isqrt()).ok()?;
    let square = image.is_none_or(|[width, height]| width == height) && (side as usize).pow(2) == shape.pixels();
    Some(side).filter(|side| square && (Picture::MIN_INPUT_SIDE..=Picture::MAX_INPUT_SIDE).contains(side))
}

/// The test set of `--data`, if it fits the network and has all images that are asked for.
fn test_images(args: &PredictArgs, shape: Shape) -> Result<Set, Error> {
    // An image of a data set is taken as it is, unless it is said to be dark ink.
    let invert = InvertArgs { invert: args.invert == Ink::Dark };
    let set = Data::test(&args.data, invert, Purpose::ExistingNetwork(shape))?.dataset;
    let (path, len) = (set.images_path().to_owned(), set.len());
    set.check_pixels(shape)?;
    match args.index.iter().find(|&&index| index >= len) {
        Some(index) => {
            Err(error!("{} has {len} images: --index must be from 0 to {}, not {index}", printable(&path), len - 1))
        }
        None => Ok(set),
    }
}

/// What is asked about.
#[derive(Clone, Copy)]
enum Subject<'a> {
    File(&'a PictureFile),
    Image(usize),
}

/// Where inputs come from.
enum Source {
    /// Files, which become squares of this side.
    Files { side: u32 },
    /// The images of a data set.
    Set(Set),
}

/// What the network sees.
#[derive(Clone, Default)]
pub(crate) struct Input {
    pub(crate) pixels: Vec<u8>,
    pub(crate) width: usize,
    /// What was found in a picture; nothing for an image of a data set.
    pub(crate) seen: Option<Seen>,
    pub(crate) label: Option<u8>,
}

impl Source {
    /// What the network makes of a picture's one digit or largest one, and of all of them, where there may be several.
    fn answer(
        &self,
        subject: Subject<'_>,
        args: &PredictArgs,
        network: &AnyNetwork<'_>,
    ) -> Result<(Prediction, Option<Reading>), Error> {
        let (input, reading) = match (self, subject) {
            (&Self::Files { side }, Subject::File(PictureFile { path: file, label, .. })) => {
                let picture = if file.as_os_str() == "-" {
                    GreyPicture::read("standard input", stdin().lock())?
                } else {
                    GreyPicture::open(file)?
                };
                let one = picture.normalize(args.invert, side);
                let reading = if args.one || args.labels {
                    None
                } else {
                    let reading = Reading::new(args, network, &picture, side);
                    // Of a picture with many cells or digits, none may be large enough to be the one.
                    if one.is_err() { Some(reading?) } else { reading.ok() }
                };
                let input = match (one, &reading) {
                    (Ok((pixels, seen)), _) => Input { pixels, width: side as usize, seen: Some(seen), label: *label },
                    (Err(_), Some(reading)) if reading.first().is_some() => {
                        reading.first().cloned().unwrap_or_default()
                    }
                    (Err(error), _) => return Err(error.into()),
                };
                (input, reading)
            }
            (Self::Set(set), Subject::Image(index)) => {
                let pixels = set.image(index).unwrap_or_default();
                let width = set.image_size().map_or(pixels.len(), |[width, _]| width.into());
                (Input { pixels, width, seen: None, label: set.label(index) }, None)
            }
            // Clap refuses both at a time.
            (Self::Files { .. }, Subject::Image(_)) | (Self::Set(_), Subject::File(_)) => (Input::default(), None),
        };
        Ok((predict(network, input, args.min_margin)?, reading))
    }
}

impl Subject<'_> {
    fn name(self) -> String {
        match self {
            Self::File(file) => printable(&file.path),
            Self::Image(index) => format!("image {index}"),
        }
    }
}

impl Input {
    /// As a picture, to be saved.
    fn picture(&self) -> Result<GreyPicture, Error> {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let height = side(self.pixels.len() / self.width.max(1));
        Ok(GreyPicture::new("what the network saw", self.pixels.clone(), side(self.width), height)?)
    }

    /// The lines of a drawing, two rows of pixels a line; none if it would be too wide.
    fn drawing(&self, colours: bool) -> Vec<String> {
        if !(1..=MAX_DRAWN).contains(&self.width) {
            return Vec::new();
        }
        let rows: Vec<&[u8]> = self.pixels.chunks(self.width).collect();
        rows.chunks(2)
            .map(|rows| {
                let upper = rows.first().copied().unwrap_or_default();
                let lower = rows.get(1).copied().unwrap_or_default().iter().copied().chain(core::iter::repeat(0));
                let mut line = String::new();
                for (&upper, lower) in upper.iter().zip(lower) {
                    if colours {
                        let _ = write!(line, "\x1b[38;2;{upper};{upper};{upper};48;2;{lower};{lower};{lower}m▀");
                    } else {
                        line.push(match (upper >= 128, lower >= 128) {
                            (true, true) => '█',
                            (true, false) => '▀',
                            (false, true) => '▄',
                            (false, false) => ' ',
                        });
                    }
                }
                line.push_str(if colours { "\x1b[0m" } else { "" });
                line
            })
            .collect()
    }
}

/// What a network makes of an input; unsure if the margin is below the least.
pub(crate) fn predict(network: &AnyNetwork<'_>, input: Input, min_margin: f64) -> Result<Prediction, SizeError> {
    let mut scratch = vec![0; network.scratch_len()];
    let f32 = |number| Number::F32(json::Number(number));
    let (outputs, class, margin) = match network.outputs(&input.pixels, &mut scratch)? {
        AnyOutputs::F32(outputs) => {
            let Answer { class, margin } = Answer::of(outputs);
            (outputs.iter().copied().map(f32).collect(), class, f32(margin))
        }
        AnyOutputs::Integer(outputs) => {
            let Answer { class, margin } = Answer::of(outputs);
            let outputs = outputs.iter().map(|&output| Number::Integer(output.into()));
            (outputs.collect(), class, Number::Integer(margin.into()))
        }
    };
    Ok(Prediction { input, outputs, class, margin, sure: margin.to_f64() >= min_margin })
}

/// The outputs and the answer for an input.
pub(crate) struct Prediction {
    pub(crate) input: Input,
    pub(crate) outputs: Vec<Number>,
    pub(crate) class: u8,
    pub(crate) margin: Number,
    /// The margin is as large as it must be.
    pub(crate) sure: bool,
}

/// An output or a margin.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Number {
    F32(json::Number),
    Integer(i64),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "below 2⁵²")]
    fn to_f64(self) -> f64 {
        match self {
            Self::F32(json::Number(number)) => number.into(),
            Self::Integer(number) => number as f64,
        }
    }
}

impl core::fmt::Display for Number {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::F32(json::Number(number)) => write!(f, "{number:.4}"),
            Self::Integer(number) => write!(f, "{number}"),
        }
    }
}

impl Prediction {
    /// The picture's name, the digit, its label and the margin.
    fn heading(&self, subject: Subject<'_>) -> String {
        let Self { input, margin, class, .. } = self;
        let name = subject.name();
        let digit = if self.sure { class.to_string() } else { "?".into() };
        let label = input.label.map_or(String::new(), |label| format!(", label {label}"));
        let guess = if self.sure { String::new() } else { format!(" is below --min-margin; best guess {class}") };
        format!("{name}: {digit}{label}, margin {margin}{guess}")
    }

    /// The heading and what was found; then the drawing, with a bar for each output beside it.
    fn print(&self, subject: Subject<'_>) {
        let input = &self.input;
        say!("\n{}", self.heading(subject));
        if let Some(seen) = input.seen {
            say!(
                "{} ink, contrast {}; box of {} × {} pixels, {} from the left, {} from the top",
                ink(seen),
                seen.contrast,
                seen.width,
                seen.height,
                seen.left,
                seen.top
            );
        }
        let drawing = input.drawing(has_colours());
        let bars = self.bars();
        let blank = " ".repeat(if drawing.is_empty() { 0 } else { input.width });
        for line in 0..drawing.len().max(bars.len()) {
            let drawn = drawing.get(line).unwrap_or(&blank);
            let bar = bars.get(line).map_or(String::new(), |bar| format!("  {bar}"));
            // No spaces at the end of a line.
            say!("{}", format!("{drawn}{bar}").trim_end());
        }
    }

    /// A line for each output: the class, the number, and a bar, scaled to the largest.
    fn bars(&self) -> Vec<String> {
        let numbers: Vec<_> = self.outputs.iter().map(ToString::to_string).collect();
        let width = numbers.iter().map(String::len).max().unwrap_or_default();
        let largest = self.outputs.iter().map(|output| output.to_f64()).fold(0.0, f64::max);
        let bar = |output: Number| {
            let scaled = f64::from(BAR) * output.to_f64() / largest;
            let halves = (1..=2 * BAR).filter(|&halves| f64::from(halves) <= 2.0 * scaled + 0.5).count();
            "█".repeat(halves / 2) + if halves % 2 == 1 { "▌" } else { "" }
        };
        let lines = self.outputs.iter().zip(&numbers).enumerate();
        lines.map(|(class, (&output, number))| format!("{class:>3}  {number:>width$}  {}", bar(output))).collect()
    }
}

/// What `--json` prints of a picture.
#[derive(Serialize)]
struct PredictionLine<'a> {
    file: Option<Cow<'a, str>>,
    index: Option<usize>,
    label: Option<u8>,
    class: Option<u8>,
    margin: Option<Number>,
    outputs: Option<&'a [Number]>,
    seen: Option<SeenPart>,
    number: Option<String>,
    digits: Option<Vec<DigitPart>>,
    error: Option<String>,
}

/// What was found in a picture.
#[derive(Serialize)]
struct SeenPart {
    ink: &'static str,
    background: u8,
    even: bool,
    contrast: u8,
    threshold: u8,
    floor: u8,
    /// Left, top, width, height.
    r#box: [u32; 4],
}

impl<'a> PredictionLine<'a> {
    fn new(subject: Subject<'a>, answer: Result<&'a Prediction, &Error>, reading: Option<&Reading>) -> Self {
        let (file, index, label) = match subject {
            Subject::File(file) => (Some(file.path.to_string_lossy()), None, file.label),
            Subject::Image(index) => (None, Some(index), None),
        };
        let known = answer.ok();
        Self {
            file,
            index,
            label: known.and_then(|answer| answer.input.label).or(label),
            class: known.filter(|answer| answer.sure).map(|answer| answer.class),
            margin: known.map(|answer| answer.margin),
            outputs: known.map(|answer| &answer.outputs[..]),
            seen: known.and_then(|answer| answer.input.seen).map(SeenPart::from),
            number: reading.map(Reading::number),
            digits: reading.map(Reading::parts),
            error: answer.err().map(ToString::to_string),
        }
    }
}

impl From<Seen> for SeenPart {
    fn from(seen: Seen) -> Self {
        let Seen { background, even, contrast, threshold, floor, left, top, width, height, .. } = seen;
        Self { ink: ink(seen), background, even, contrast, threshold, floor, r#box: [left, top, width, height] }
    }
}

fn ink(seen: Seen) -> &'static str {
    if seen.ink == Ink::Dark { "dark" } else { "light" }
}

/// Whether levels of grey can be shown: on a terminal that is not told otherwise (<https://no-color.org>).
fn has_colours() -> bool {
    let set = |name| var_os(name).is_some_and(|value| !value.is_empty());
    stdout().is_terminal() && !set("NO_COLOR") && var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Where `--save-seen` writes.
enum Save<'a> {
    Nowhere,
    File(&'a Path),
    Directory(&'a Path),
}

impl<'a> Save<'a> {
    fn new(path: Option<&'a Path>, pictures: usize) -> Result<Self, Error> {
        match path {
            None => Ok(Self::Nowhere),
            Some(path) if path.is_dir() => Ok(Self::Directory(path)),
            Some(path) if pictures == 1 => Ok(Self::File(path)),
            Some(path) => Err(error!(
                "--save-seen {}: not a directory; {pictures} pictures need a directory that exists",
                printable(path)
            )),
        }
    }

    /// The file for a picture, counted from 0.
    fn path(&self, number: usize, subject: Subject<'_>) -> Option<PathBuf> {
        let name = match subject {
            Subject::File(PictureFile { path, found: true, .. }) => path.file_stem().map(|name| name.to_string_lossy()),
            _ => None,
        };
        let name = name.map_or(String::new(), |name| format!("-{name}"));
        match self {
            Self::Nowhere => None,
            Self::File(path) => Some(path.to_path_buf()),
            Self::Directory(path) => Some(path.join(format!("{}{name}.png", number + 1))),
        }
    }
}
