//! `twolayer train`: trains a network and writes it to a file.

use crate::args::TrainArgs;
use crate::console::{say, warning};
use crate::error::Error;
use crate::open_data::{Data, Purpose};
use crate::sparkline::Sparkline;
use crate::{json, model, output, report, table};
use core::fmt::Write;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde_json::{Value, json};
use twolayer::host::dataset::Set;
use twolayer::host::report::{Learning, Report};
use twolayer::host::training::{self, Epoch, Event, Init, Recipe};
use twolayer::host::{ModelFile, printable};
use twolayer::model::Details;
use twolayer::{Kind, LossFunction, weights_hash};

pub(crate) fn run(args: &TrainArgs) -> Result<(), Error> {
    let recipe = args.recipe();
    let data = Data::open(&args.data, args.invert, Purpose::Training, args.quiet)?;
    let dataset = &data.dataset;
    let shape = training::shape(dataset, &recipe)?;
    let model = args.model.clone().unwrap_or_else(|| model::path_for(&data.source));
    if let Some(report) = &args.report {
        output::check(report, &[&model], "--report")?;
        Report::check_writable(report)?;
    }
    // Squares need no mention, and neither does the article.
    let text = if recipe.is_article() { String::new() } else { format!("trained with twolayer: {recipe}") };
    let image = dataset.train.image_size().filter(|[width, height]| width != height);
    let details = Details { image, text: &text };
    warn_of_absent_classes(&dataset.train);
    let room = ModelFile::reserve(&model, Kind::F32, shape, details)?;

    let samples = recipe.limit.map_or(dataset.train.len(), |limit| limit.min(dataset.train.len()));
    let say_more = !args.quiet && !args.json;
    if say_more {
        say!("data      {samples} training and {}: {data}", table::count(dataset.test.len(), "test image"));
        say!("network   {shape}, {}, threads: {}", recipe.options.backend, recipe.threads);
        say!("recipe    {recipe}");
    }
    let total = samples * recipe.epochs as usize;
    let bar = if args.quiet { ProgressBar::hidden() } else { progress_bar(total, recipe.epochs) };
    let (mut losses, mut before) = (Sparkline::new(total), (0, 0.0));
    let mut learning = Learning::default();
    let trained = training::train(dataset, &recipe, |event| {
        learning.take(&event);
        match event {
            Event::Samples { epoch, done, loss_sum } => {
                let of_run = samples * (epoch as usize - 1) + done;
                losses.add(of_run, done - before.0, loss_sum - before.1);
                before = if done == samples { (0, 0.0) } else { (done, loss_sum) };
                if !bar.is_hidden() {
                    bar.set_prefix(epoch.to_string());
                    bar.set_message(losses.to_string());
                    bar.set_position(of_run as u64);
                }
            }
            Event::Epoch(epoch) if !args.quiet && args.json => bar.suspend(|| say!("{}", epoch_json(&epoch))),
            Event::Epoch(epoch) if !args.quiet => bar.suspend(|| print(&epoch, &recipe)),
            _ => {}
        }
    })?;
    bar.finish_and_clear();

    let weights = trained.weights.view();
    drop(room);
    ModelFile::write(&model, weights, details)?;
    let hash = weights_hash(weights);
    if let Some(path) = &args.report {
        report::of_training(path, args, &recipe, &data, &model, &learning, &trained)?;
    }
    if args.json {
        let seconds = learning.time().as_secs_f64();
        let line = json!({
            "event": "trained",
            "model": model.to_string_lossy(),
            "weights": format!("{hash:016x}"),
            "network": json::network(shape),
            "data": data.json(),
            "recipe": recipe_json(&recipe, samples),
            "backend": recipe.options.backend.name(),
            "threads": recipe.threads,
            "mean_loss": learning.mean_loss(),
            "correct": trained.test.correct(),
            "total": trained.test.total(),
            "accuracy": trained.test.accuracy(),
            "seconds": seconds,
            "us_per_sample": seconds * 1e6 / table::to_f64(total),
            "confusion": json::confusion(&trained.test),
        });
        say!("{line}");
        return Ok(());
    }
    if say_more {
        table::print(&trained.test);
        say!("\nmodel     {}, weights {hash:016x}", printable(&model));
        if let Some(report) = &args.report {
            say!("report    {}", printable(report));
        }
    }
    table::print_accuracy(&trained.test, &data.accuracy_suffix());
    Ok(())
}

/// Warns of classes that the network can answer with, but has never seen an image of.
fn warn_of_absent_classes(train: &Set) {
    let absent: Vec<_> = train.absent_classes().iter().map(ToString::to_string).collect();
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

/// A progress bar, which is shown on a terminal only, with the loss so far.
fn progress_bar(total: usize, epochs: u32) -> ProgressBar {
    let template = format!("epoch {{prefix}}/{epochs} {{msg}} {{wide_bar}} {{rate}} samples/s, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{:.0}", state.per_sec());
    });
    ProgressBar::new(total as u64).with_style(style)
}

/// What `--json` prints after each epoch.
fn epoch_json(epoch: &Epoch) -> Value {
    json!({
        "event": "epoch",
        "epoch": epoch.number,
        "loss": json::Number(epoch.last_loss),
        "mean_loss": epoch.mean_loss,
        "correct": epoch.test.correct(),
        "total": epoch.test.total(),
        "accuracy": epoch.test.accuracy(),
        "seconds": epoch.time.as_secs_f64(),
        "us_per_sample": epoch.micros_per_sample(),
    })
}

/// The settings that weights depend on; `samples` are those of an epoch.
fn recipe_json(recipe: &Recipe, samples: usize) -> Value {
    let alpha = recipe.options.alpha;
    json!({
        "loss": match recipe.options.loss {
            LossFunction::Squared => "squared",
            LossFunction::CrossEntropy => "cross-entropy",
        },
        "epochs": recipe.epochs,
        "samples": samples,
        "shuffle": recipe.shuffle,
        "halve": recipe.halve,
        "distort": recipe.distortion.map_or(0, |it| it.percent),
        "alpha": [json::Number(alpha), json::Number(recipe.alpha_to.unwrap_or(alpha))],
        "init": match recipe.init {
            Init::Scaled => json!("scaled"),
            Init::Uniform(largest) => json!(json::Number(largest)),
        },
        "seed": recipe.seed,
        "block": recipe.options.block,
    })
}
