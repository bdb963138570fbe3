//! `twolayer predict`: classifies pictures, and shows the margin and what the network saw.

use crate::args::{InvertArgs, PredictArgs};
use crate::boxes;
use crate::classes::Names;
use crate::console::{note, say};
use crate::error::{Error, error};
use crate::folder::{self, PictureFile};
use crate::open_data::{Data, Purpose};
use crate::output::Replace;
use crate::prediction::{Input, Least, Number, Prediction, ink, predict};
use crate::reading::{DigitPart, Reading};
use crate::score::Score;
use crate::table::count;
use crate::{json, model, output};
use core::ops::RangeInclusive;
use serde::Serialize;
use std::borrow::Cow;
use std::io::stdin;
use std::path::{Path, PathBuf};
use twolayer::host::dataset::Set;
use twolayer::host::report::Report;
use twolayer::host::{GreyPicture, ModelFile, printable};
use twolayer::picture::{Ink, Picture, Seen};
use twolayer::{AnyNetwork, Kind, Shape};

pub(crate) fn run(mut args: PredictArgs) -> Result<(), Error> {
    let path = model::select(args.model.as_ref(), &args.data, model::any)?;
    let file = ModelFile::open(&path, args.data.file.access())?;
    let (kind, shape, image) = (file.kind(), file.shape(), file.details().image);
    let names = Names::of(file.details());
    let (weights, mut memory) = (file.any()?, Vec::new());
    let network = weights.network(&mut memory, args.backend.get())?;
    let table = file.details().confidence();
    if table.is_none() && args.min_confidence > 0 {
        let model = printable(&path);
        return Err(error!(
            "{model} has no table of confidence, so --min-confidence cannot be kept: make one with `twolayer calibrate {model}`, or \
             give --min-margin"
        ));
    }
    let least = Least { margin: args.min_margin, confidence: args.min_confidence, table };
    let files = folder::find(&args.files, args.labels.then_some(shape.outputs()), &names)?;
    let inputs: Vec<_> = files.iter().map(|file| &file.path).chain([&path]).collect();
    if let Some(report) = &args.report {
        output::check(report, &inputs, "--report", args.force.or(Replace::Nothing))?;
        Report::check_writable(report)?;
    }
    let images = args.index.iter().map(|range| (range.end() - range.start()).saturating_add(1));
    let pictures = images.fold(files.len(), usize::saturating_add);
    let save = Save::new(args.save_seen.as_deref(), pictures)?;
    if let Save::File(seen) = save {
        for out in [seen.to_owned(), boxes_path(seen)] {
            output::check(&out, &inputs, "--save-seen", args.force.or(Replace::Nothing))?;
        }
    }
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
        args.data.default_to(model::source_of(&path));
        Source::Set(test_images(&args, &file)?)
    };
    if !args.json {
        let suffix = if kind == Kind::F32 { String::new() } else { format!(", {kind}") };
        say!("model     {}: {shape}{suffix}", printable(&path));
    }
    let mut score = Score::default();
    let subjects = files.iter().map(Subject::File).chain(args.index.iter().cloned().flatten().map(Subject::Image));
    let mut failed = Vec::new();
    for (number, subject) in subjects.enumerate() {
        let (answer, reading) = match source.answer(subject, &args, &network, least) {
            Ok((answer, reading)) => (Ok(answer), reading),
            Err(error) => (Err(error), None),
        };
        if let (Ok(answer), Some(path)) = (&answer, save.path(number, subject)) {
            answer.input.picture()?.write_png(&path)?;
            if let Some((picture, reading)) = &reading {
                boxes::draw(picture, reading, &names)?.write_png(&boxes_path(&path))?;
            }
        }
        let reading = reading.map(|(_, reading)| reading);
        if let Subject::File(picture @ PictureFile { label: Some(label), .. }) = subject {
            match &answer {
                Ok(found) if found.is_sure() => {
                    score.add(&found.input.pixels, *label, found.class, picture, args.report.is_some());
                }
                _ => score.refuse(),
            }
        }
        if args.json {
            say!("{}", json::line(PredictionLine::new(subject, answer.as_ref(), reading.as_ref(), &names)));
        } else if let Ok(answer) = &answer {
            if let Some(reading) = reading.filter(|reading| !reading.is_one()) {
                reading.print(&subject.name(), &names);
            } else if !args.labels {
                answer.print(&subject.name(), &names);
            } else if !answer.is_sure() || answer.input.label != Some(answer.class) {
                say!("{}", answer.heading(&subject.name(), &names));
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
fn test_images(args: &PredictArgs, file: &ModelFile) -> Result<Set, Error> {
    let shape = file.shape();
    // An image of a data set is taken as it is, unless it is said to be dark ink.
    let invert = InvertArgs { invert: args.invert == Ink::Dark };
    let set = Data::test(&args.data, invert, Purpose::ExistingNetwork(shape))?.for_network(file)?.dataset;
    let (path, len) = (set.images_path().to_owned(), set.len());
    set.check_pixels(shape)?;
    match args.index.iter().map(RangeInclusive::end).find(|&&index| index >= len) {
        Some(index) => Err(error!(
            "{} has {}: --index must be from 0 to {}, not {index}",
            printable(&path),
            count(len, "image"),
            len - 1
        )),
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

impl Source {
    /// What the network makes of a picture's one digit or largest one, and of all of them, where there may be several.
    fn answer(
        &self,
        subject: Subject<'_>,
        args: &PredictArgs,
        network: &AnyNetwork<'_>,
        least: Least,
    ) -> Result<(Prediction, Option<(GreyPicture, Reading)>), Error> {
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
                    let reading = Reading::new(args, network, &picture, side, least);
                    // Of a picture with many cells or digits, none may be large enough to be the one.
                    if one.is_err() { Some(reading?) } else { reading.ok() }
                };
                let input = match (one, reading.as_ref().and_then(Reading::first)) {
                    (Ok((pixels, seen)), _) => Input { pixels, width: side as usize, seen: Some(seen), label: *label },
                    (Err(_), Some(first)) => first.clone(),
                    (Err(error), None) => return Err(error.into()),
                };
                (input, reading.map(|reading| (picture, reading)))
            }
            (Self::Set(set), Subject::Image(index)) => {
                let pixels = set.image(index).unwrap_or_default();
                let width = set.image_size().map_or(pixels.len(), |[width, _]| width.into());
                (Input { pixels, width, seen: None, label: set.label(index) }, None)
            }
            // Clap refuses both at a time.
            (Self::Files { .. }, Subject::Image(_)) | (Self::Set(_), Subject::File(_)) => (Input::default(), None),
        };
        Ok((predict(network, input, least)?, reading))
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

/// What `--json` prints of a picture.
#[derive(Serialize)]
struct PredictionLine<'a> {
    file: Option<Cow<'a, str>>,
    index: Option<usize>,
    label: Option<u8>,
    class: Option<u8>,
    name: Option<&'a str>,
    margin: Option<Number>,
    confidence: Option<u8>,
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
    fn new(
        subject: Subject<'a>,
        answer: Result<&'a Prediction, &Error>,
        reading: Option<&Reading>,
        names: &'a Names,
    ) -> Self {
        let (file, index, label) = match subject {
            Subject::File(file) => (Some(file.path.to_string_lossy()), None, file.label),
            Subject::Image(index) => (None, Some(index), None),
        };
        let known = answer.ok();
        Self {
            file,
            index,
            label: known.and_then(|answer| answer.input.label).or(label),
            class: known.filter(|answer| answer.is_sure()).map(|answer| answer.class),
            name: known.filter(|answer| answer.is_sure()).and_then(|answer| names.get(answer.class)),
            margin: known.map(|answer| answer.margin),
            confidence: known.and_then(|answer| answer.confidence),
            outputs: known.map(|answer| &answer.outputs[..]),
            seen: known.and_then(|answer| answer.input.seen).map(SeenPart::from),
            number: reading.map(|reading| reading.number(names)),
            digits: reading.map(|reading| reading.parts(names)),
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

/// The picture with boxes beside what is seen of it.
fn boxes_path(seen: &Path) -> PathBuf {
    seen.with_extension("boxes.png")
}

/// Where `--save-seen` writes.
#[derive(Clone, Copy)]
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
