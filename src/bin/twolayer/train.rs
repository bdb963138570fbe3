//! `twolayer train`: trains a network and writes it to a file.

use crate::args::TrainArgs;
use crate::console::{say, warning};
use crate::error::Error;
use crate::open_data::{Data, Purpose};
use crate::{model, table};
use core::fmt::Write;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use twolayer::host::dataset::Set;
use twolayer::host::training::{self, Event};
use twolayer::host::{ModelFile, shown};
use twolayer::model::Details;
use twolayer::{Kind, LossFunction, weights_hash};

pub(crate) fn run(args: &TrainArgs) -> Result<(), Error> {
    let recipe = args.recipe();
    let data = Data::open(&args.data, args.invert, Purpose::Training, args.quiet)?;
    let dataset = &data.dataset;
    let shape = training::shape(dataset, &recipe)?;
    let model = args.model.clone().unwrap_or_else(|| model::path_for(&data.source));
    // Squares need no mention, and neither does the article.
    let text = if recipe.is_article() { String::new() } else { format!("trained with twolayer: {recipe}") };
    let image = dataset.train.image_size().filter(|[width, height]| width != height);
    let details = Details { image, text: &text };
    warn_of_absent_classes(&dataset.train);
    let room = ModelFile::reserve(&model, Kind::F32, shape, details)?;

    let samples = recipe.limit.map_or(dataset.train.len(), |limit| limit.min(dataset.train.len()));
    if !args.quiet {
        say!("data      {samples} training and {} test images: {data}", dataset.test.len());
        say!("network   {shape}, {}, threads: {}", recipe.options.backend, recipe.threads);
        say!("recipe    {recipe}");
    }
    let bar = if args.quiet { ProgressBar::hidden() } else { progress_bar(samples, recipe.epochs) };
    let trained = training::train(dataset, &recipe, |event| match event {
        Event::Samples { epoch, done } => {
            bar.set_message(epoch.to_string());
            bar.set_position((samples * (epoch as usize - 1) + done) as u64);
        }
        Event::Epoch(epoch) if !args.quiet => bar.suspend(|| {
            say!(
                "epoch {}   {}: {:.5}, mean {:.5}; test {}; {:.2} s, {:.2} µs a sample",
                epoch.number,
                // As the article prints it.
                if recipe.options.loss == LossFunction::Squared { "Error" } else { "Loss" },
                epoch.last_loss,
                epoch.mean_loss,
                table::percent(&epoch.test),
                epoch.time.as_secs_f64(),
                epoch.time.as_secs_f64() * 1e6 / table::to_f64(epoch.samples),
            );
        }),
        _ => {}
    })?;
    bar.finish_and_clear();

    let weights = trained.weights.view();
    drop(room);
    ModelFile::write(&model, weights, details)?;
    if !args.quiet {
        table::print(&trained.test);
        let hash = weights_hash(weights);
        say!("\nmodel     {}, weights {hash:016x}", shown(&model));
    }
    say!(
        "accuracy  {} of {} test images{}",
        table::percent(&trained.test),
        trained.test.total(),
        data.accuracy_suffix()
    );
    Ok(())
}

/// Warns of classes that the network can answer with, but has never seen an image of.
fn warn_of_absent_classes(train: &Set) {
    let absent: Vec<_> = train.absent_classes().iter().map(ToString::to_string).collect();
    if !absent.is_empty() {
        let (classes, images) = (train.classes(), shown(train.images_path()));
        warning!(
            "no image of {images} has label {}, though labels up to {} make {classes} classes: are the labels right?",
            absent.join(", "),
            classes - 1
        );
    }
}

/// A progress bar, which is shown on a terminal only.
fn progress_bar(samples: usize, epochs: u32) -> ProgressBar {
    let template = format!("epoch {{msg}}/{epochs} {{wide_bar}} {{rate}} samples/s, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{:.0}", state.per_sec());
    });
    ProgressBar::new((samples * epochs as usize) as u64).with_style(style)
}
