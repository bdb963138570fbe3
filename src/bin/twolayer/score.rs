//! The sums of pictures with labels: right, refused and wrong, the confusion matrix, and the page that shows the wrong ones.

use crate::args::PredictArgs;
use crate::console::say;
use crate::error::{Error, ensure, error};
use crate::folder::PictureFile;
use crate::report::Evaluated;
use crate::{json, report, table};
use serde::Serialize;
use std::path::Path;
use std::time::Instant;
use twolayer::host::dataset::Set;
use twolayer::host::report::Original;
use twolayer::host::{AnyWeights, Evaluation, GreyPicture, ModelFile, Threads, evaluate, printable};
use twolayer::{AnyNetwork, Kind};

/// The longest side of a picture in a report, in pixels.
const SHOWN: u32 = 96;

/// Pictures that were answered, and how many were not.
#[derive(Default)]
pub(crate) struct Score {
    /// What the network saw.
    inputs: Vec<u8>,
    labels: Vec<u8>,
    /// Pictures that are wrong, if there is to be a report.
    originals: Vec<Option<Original>>,
    refused: usize,
}

impl Score {
    pub(crate) const fn refuse(&mut self) {
        self.refused += 1;
    }

    /// An answer for a picture; `shown` asks for the picture to be kept if it is wrong.
    pub(crate) fn add(&mut self, input: &[u8], label: u8, class: u8, picture: &PictureFile, shown: bool) {
        self.inputs.extend(input);
        self.labels.push(label);
        let original = || {
            let small = GreyPicture::open(&picture.path).ok()?.reduced(SHOWN);
            let (pixels, width) = (small.pixels().to_vec(), small.width() as usize);
            Some(Original { name: printable(&picture.path), pixels, width })
        };
        self.originals.push(if shown && class != label { original() } else { None });
    }

    /// Prints the sums, and writes the report that is asked for.
    pub(crate) fn finish(
        self,
        args: &PredictArgs,
        model: (&Path, &ModelFile),
        weights: &AnyWeights,
        network: &AnyNetwork<'_>,
        side: u32,
    ) -> Result<(), Error> {
        let (answered, refused, kind) = (self.labels.len(), self.refused, model.1.kind());
        ensure!(answered > 0, "none of {} is answered: there is nothing to count", table::count(refused, "picture"));
        let side =
            u16::try_from(side).map_err(|_| error!("images of {side} × {side} pixels are too large to count"))?;
        let test = Set::from_images("the pictures", self.inputs, self.labels, [side; 2])?;
        let test = test.for_classes(model.1.details().class_names())?;
        let start = Instant::now();
        let evaluation = evaluate(*network, &test, &Threads::new(Threads::available()))?;
        let time = start.elapsed();
        let line = ScoredLine::new(&evaluation, refused);
        let ScoredLine { pictures, right, wrong, .. } = line;
        let sums = format!("{}: {right} right, {refused} refused, {wrong} wrong", table::count(pictures, "picture"));
        if let Some(path) = &args.report {
            let evaluated = Evaluated {
                title: "twolayer: pictures",
                images: "answered pictures".into(),
                data: sums.clone(),
                test: &test,
                originals: &self.originals,
                model,
                weights,
                backend: args.backend.get(),
                evaluation: &evaluation,
                time,
                command: report::command("predict", None, args.model.is_none().then_some(model.0)),
            };
            report::of_evaluation(path, evaluated)?;
        }
        if args.json {
            say!("{}", json::line(line));
            return Ok(());
        }
        table::print_named(&evaluation, test.class_names());
        table::print_coverage(&evaluation, if kind == Kind::F32 { 5 } else { 0 });
        say!("\n{sums}");
        if let Some(path) = &args.report {
            say!("report    {}", printable(path));
        }
        Ok(())
    }
}

/// What `--json` prints at the end.
#[derive(Serialize)]
#[serde(tag = "event", rename = "scored")]
struct ScoredLine {
    pictures: usize,
    right: usize,
    refused: usize,
    wrong: usize,
    confusion: Vec<Vec<u32>>,
}

impl ScoredLine {
    fn new(evaluation: &Evaluation, refused: usize) -> Self {
        let (right, answered) = (evaluation.correct() as usize, evaluation.total() as usize);
        let confusion = json::confusion(evaluation);
        Self { pictures: answered + refused, right, refused, wrong: answered - right, confusion }
    }
}
