//! `twolayer train`: trains a network and writes it to a file.

use crate::args::TrainArgs;
use crate::console::{say, warning};
use crate::error::Error;
use crate::open_data::Data;
use crate::origin::{self, Origin};
use crate::output::Replace;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::{classes, confidence, json, model, output, report, table, turned, values};
use core::num::NonZeroUsize;
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::PathBuf;
use twolayer::host::dataset::Set;
use twolayer::host::report::{Learning, Report};
use twolayer::host::training::{self, Epoch, Event, Init, Recipe};
use twolayer::host::{ModelFile, printable};
use twolayer::model::Details;
use twolayer::{Kind, LossFunction, Network, Shape, Weights, weights_hash};

pub(crate) fn run(mut args: TrainArgs) -> Result<(), Error> {
    let Plan { recipe, data, weights, teachers, done, origin, text, words, name } = Plan::new(&mut args)?;
    let dataset = &data.dataset;
    let shape = weights.view().shape();
    let model = output(&args, &data, shape, &text, name)?;
    let checkpoint = args.checkpoint.as_ref().or(args.resume.as_ref());
    if let Some(report) = &args.report {
        Report::check_writable(report)?;
    }
    let names = dataset.train.class_names();
    let image = dataset.train.image_size().filter(|[width, height]| width != height);
    warn_of_absent_classes(&dataset.train);
    if let Some(why) = args.run.useless_threads() {
        warning!("{why}");
    }
    let with_table = confidence::longest(&text);
    let room = ModelFile::reserve(&model, Kind::F32, shape, Details { image, text: &with_table })?;

    let samples = recipe.samples(dataset.train.len());
    if data.paths().count() > 1 && samples < dataset.train.len() {
        warning!(
            "--limit takes the first {samples} images of all sets together, which may be those of the first set only"
        );
    }
    let say_more = !args.quiet && !args.json;
    if say_more {
        say!("data      {samples} training and {}: {data}", table::count(dataset.test.len(), "test image"));
        say!("network   {shape}, {}, threads: {}", recipe.options.backend, recipe.threads);
        say!("recipe    {words}");
        if let Some(checkpoint) = &args.resume {
            say!("resumed   {}, after epoch {done}", printable(checkpoint));
        }
    }
    let mut progress = Progress::new(samples, recipe.epochs, args.quiet);
    let mut learning = Learning::default();
    let report = |event| {
        learning.take(&event);
        progress.take(&event);
        if let Event::Epoch(epoch) = event
            && !args.quiet
        {
            progress.suspend(|| {
                if args.json { say!("{}", json::line(EpochLine::from(&epoch))) } else { print(&epoch, &recipe) }
            });
        }
    };
    let keep = |done: u32, weights: Weights<'_>| {
        let (Some(path), Some(origin)) = (checkpoint, &origin) else { return Ok(()) };
        let text = classes::lines(names, &Origin { done: Some(done), ..origin.clone() }.to_string());
        ModelFile::write(path, weights, Details { image, text: &text })
    };
    let trained = training::train_from(dataset, &recipe, &teachers.weights(), weights, done, report, keep)?;
    progress.finish();
    let total = samples * recipe.epochs.saturating_sub(done) as usize;
    let network = Network::new(trained.weights.view(), recipe.options.backend).into();
    let given = (args.training.data.transpose, args.training.invert.invert);
    turned::warn(network, &dataset.test, &trained.test, given, recipe.is_article());

    let weights = trained.weights.view();
    drop(room);
    let text = confidence::calibrated(&text, &trained.test, &dataset.test, Kind::F32);
    ModelFile::write(&model, weights, Details { image, text: &text })?;
    let hash = weights_hash(weights);
    if let Some(path) = &args.report {
        report::of_training(path, &args, &recipe, &data, &model, &learning, &trained)?;
    }
    if args.json {
        let seconds = learning.time().as_secs_f64();
        let line = TrainedLine {
            model: model.to_string_lossy(),
            weights: format!("{hash:016x}"),
            network: shape.into(),
            data: data.json(),
            recipe: RecipePart::new(&recipe, origin.as_ref(), samples),
            backend: recipe.options.backend.name(),
            threads: recipe.threads,
            mean_loss: learning.mean_loss(),
            seconds,
            us_per_sample: seconds * 1e6 / table::to_f64(total),
            confusion: json::confusion(&trained.test),
            classes: json::classes(names),
            right: (&trained.test).into(),
        };
        say!("{}", json::line(line));
        return Ok(());
    }
    if say_more {
        table::print_named(&trained.test, names);
        say!("\nmodel     {}, weights {hash:016x}", printable(&model));
        if let Some(report) = &args.report {
            say!("report    {}", printable(report));
        }
    }
    table::print_accuracy(&trained.test, &data.accuracy_suffix());
    Ok(())
}

/// The model file to write, once it is known that no output is an input or another output, and what each of them may replace.
fn output(
    args: &TrainArgs,
    data: &Data,
    shape: Shape,
    text: &str,
    name: Option<&'static str>,
) -> Result<PathBuf, Error> {
    let default = || model::path_for(&data.source, shape.hidden(), name);
    let model = args.model.clone().unwrap_or_else(default);
    // An article's model by single options does not say them.
    let is_told = name != Some(model::OWN) || origin::recipe(text).is_some();
    let again = if args.model.is_none() && is_told { Replace::Same(Kind::F32, shape, text) } else { Replace::Nothing };
    let mut used: Vec<&PathBuf> = args.from.iter().chain(&args.training.teacher).collect();
    for (out, option, replace) in [
        (args.checkpoint.as_ref(), "--checkpoint", Replace::Nothing),
        (args.resume.as_ref(), "--resume", Replace::All),
        (Some(&model), "--model", again),
        (args.report.as_ref(), "--report", Replace::Nothing),
    ] {
        let Some(out) = out else { continue };
        output::check_data(out, data.paths(), option)?;
        output::check(out, &used, option, args.force.or(replace))?;
        used.push(out);
    }
    Ok(model)
}

/// Warns of classes that the network can answer with, but has never seen an image of.
fn warn_of_absent_classes(train: &Set) {
    // The letters of EMNIST are 1 to 26, and have names.
    let no_letter = |class: &usize| *class == 0 && train.class_names().first().is_some_and(|name| name == "0");
    let absent: Vec<_> =
        train.absent_classes().iter().filter(|class| !no_letter(class)).map(ToString::to_string).collect();
    if !absent.is_empty() {
        let (classes, images) = (train.classes(), printable(train.images_path()));
        warning!(
            "no image of {images} has label {}, though labels up to {} make {classes} classes: are the labels right?",
            absent.join(", "),
            classes - 1
        );
    }
}

/// Prints the line of an epoch.
fn print(epoch: &Epoch, recipe: &Recipe) {
    say!(
        "epoch {}   {}: {:.5}, mean {:.5}; test {}; {:.2} s, {:.2} µs per sample",
        epoch.number,
        // As the article prints it.
        if recipe.options.loss == LossFunction::Squared { "Error" } else { "Loss" },
        epoch.last_loss,
        epoch.mean_loss,
        table::percent(&epoch.test),
        epoch.time.as_secs_f64(),
        epoch.micros_per_sample(),
    );
}

/// What `--json` prints after each epoch.
#[derive(Serialize)]
#[serde(tag = "event", rename = "epoch")]
struct EpochLine {
    epoch: u32,
    loss: json::Number,
    mean_loss: f64,
    #[serde(flatten)]
    right: json::Right,
    seconds: f64,
    us_per_sample: f64,
}

impl From<&Epoch> for EpochLine {
    fn from(epoch: &Epoch) -> Self {
        Self {
            epoch: epoch.number,
            loss: json::Number(epoch.last_loss),
            mean_loss: epoch.mean_loss,
            right: (&epoch.test).into(),
            seconds: epoch.time.as_secs_f64(),
            us_per_sample: epoch.micros_per_sample(),
        }
    }
}

/// What `--json` prints at the end.
#[derive(Serialize)]
#[serde(tag = "event", rename = "trained")]
struct TrainedLine<'a> {
    model: Cow<'a, str>,
    weights: String,
    network: json::Network,
    data: json::Data<'a>,
    recipe: RecipePart,
    backend: &'static str,
    threads: NonZeroUsize,
    mean_loss: Option<f64>,
    #[serde(flatten)]
    right: json::Right,
    seconds: f64,
    us_per_sample: f64,
    confusion: Vec<Vec<u32>>,
    classes: Option<Vec<String>>,
}

/// The settings that weights depend on.
#[derive(Serialize)]
struct RecipePart {
    loss: &'static str,
    epochs: u32,
    /// Those of an epoch.
    samples: usize,
    shuffle: bool,
    halve: bool,
    deslant: bool,
    distort: u16,
    hands: u16,
    alpha: [json::Number; 2],
    /// The weights of `--from`.
    from: Option<String>,
    /// The weights of every `--teacher`.
    teachers: Vec<String>,
    /// `"scaled"`, or the largest of uniform ones; null with `--from`.
    init: Value,
    seed: u64,
    block: usize,
}

impl RecipePart {
    fn new(recipe: &Recipe, origin: Option<&Origin>, samples: usize) -> Self {
        let start = origin.and_then(|origin| origin.start);
        let teachers = origin.map_or(&[][..], |origin| &origin.teachers);
        let alpha = recipe.options.alpha;
        Self {
            loss: values::loss_name(recipe.options.loss),
            epochs: recipe.epochs,
            samples,
            shuffle: recipe.shuffle,
            halve: recipe.halve,
            deslant: recipe.deslant,
            distort: recipe.distortion.map_or(0, |it| it.percent),
            hands: recipe.distortion.map_or(0, |it| it.hands),
            alpha: [alpha, recipe.alpha_to.unwrap_or(alpha)].map(json::Number),
            from: start.map(|hash| format!("{hash:016x}")),
            teachers: teachers.iter().map(|hash| format!("{hash:016x}")).collect(),
            init: match recipe.init {
                _ if start.is_some() => Value::Null,
                Init::Scaled => json!("scaled"),
                Init::Uniform(largest) => json!(json::Number(largest)),
            },
            seed: recipe.seed,
            block: recipe.options.block,
        }
    }
}
