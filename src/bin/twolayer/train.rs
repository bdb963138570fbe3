//! `twolayer train`: the main job.

use crate::args::TrainOptions;
use crate::console::say;
use crate::data::{Data, Purpose};
use crate::{model, table};
use core::fmt::Write;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use twolayer::host::training::{self, Event};
use twolayer::host::{Error, ModelFile};
use twolayer::weights_hash;

pub(crate) fn run(options: &TrainOptions) -> Result<(), Error> {
    let recipe = options.recipe();
    let data = Data::open(&options.data, Purpose::Training, options.quiet)?;
    let dataset = &data.dataset;
    let shape = training::shape(dataset, &recipe)?;
    let model = options.model.clone().unwrap_or_else(|| model::of_data(&data.source));
    ModelFile::check_writable(&model)?;

    let samples = dataset.train.len().min(recipe.limit);
    if !options.quiet {
        say!("data      {samples} training and {} test images: {data}", dataset.test.len());
        say!(
            "network   {shape}, learning rate {:e}, seed {}, blocks of {}, {}, threads: {}",
            recipe.options.alpha,
            recipe.seed,
            recipe.options.block,
            recipe.options.backend,
            recipe.threads
        );
    }
    let bar = if options.quiet { ProgressBar::hidden() } else { progress_bar(samples, recipe.epochs) };
    let trained = training::train(dataset, &recipe, |event| match event {
        Event::Samples { epoch, done } => {
            bar.set_message(epoch.to_string());
            bar.set_position((samples * (epoch as usize - 1) + done) as u64);
        }
        Event::Epoch(epoch) if !options.quiet => bar.suspend(|| {
            say!(
                "epoch {}   Error: {:.5}, mean {:.5}; test {}; {:.2} s, {:.2} µs a sample",
                epoch.number,
                epoch.last_error,
                epoch.mean_error,
                table::percent(&epoch.test),
                epoch.time.as_secs_f64(),
                epoch.time.as_secs_f64() * 1e6 / table::float(epoch.samples),
            );
        }),
        _ => {}
    })?;
    bar.finish_and_clear();

    ModelFile::write(&model, trained.shape, &trained.weights)?;
    if !options.quiet {
        table::print(&trained.test);
        let hash = weights_hash(trained.shape, &trained.weights);
        say!("\nmodel     {}, weights {hash:016x}", model.display());
    }
    say!("accuracy  {} of {} test images{}", table::percent(&trained.test), trained.test.total(), data.mark());
    Ok(())
}

/// A bar on a terminal, nothing elsewhere: the epochs' lines are enough for a file.
fn progress_bar(samples: usize, epochs: u32) -> ProgressBar {
    let template = format!("epoch {{msg}}/{epochs} {{wide_bar}} {{rate}} samples/s, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{:.0}", state.per_sec());
    });
    ProgressBar::new((samples * epochs as usize) as u64).with_style(style)
}
