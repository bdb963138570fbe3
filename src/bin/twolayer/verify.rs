//! `twolayer verify`: trains a model again, and compares the weights.

use crate::args::VerifyArgs;
use crate::console::{say, warning};
use crate::error::{Error, ensure, error};
use crate::json;
use crate::open_data::{Data, Purpose};
use crate::origin::{self, DataHash, Origin};
use crate::progress::Progress;
use crate::start::{Start, open_f32};
use crate::teachers::{Teachers, taught};
use core::time::Duration;
use serde::Serialize;
use std::borrow::Cow;
use std::path::Path;
use twolayer::host::printable;
use twolayer::host::training::{self, Event, Recipe};
use twolayer::{Shape, weights_hash};

pub(crate) fn run(mut args: VerifyArgs) -> Result<(), Error> {
    let model = args.model.clone();
    let (file, weights) = open_f32(&model, args.training.data.file.access(), "its weights cannot be trained again")?;
    let (shape, expected) = (file.shape(), weights_hash(weights.view()));
    let origin = Origin::parse(&model, file.details().text)?;
    if let Some(why) = args.run.useless_threads() {
        warning!("{why}");
    }
    let recipe = recipe(&mut args, file.details().text, origin.as_ref(), shape)?;
    let start = Start::from(args.from.as_deref(), &args.training.data)?;
    check_start(&args.model, start.as_ref(), origin.as_ref().and_then(|origin| origin.start))?;
    let teachers = Teachers::open(&args.training.teacher, args.training.data.file.access())?;
    let expected_teachers = origin.as_ref().map_or(&[][..], |origin| &origin.teachers);
    origin::check_teachers(&args.model, expected_teachers, &teachers.hashes())?;
    let purpose = start.as_ref().map_or(Purpose::Training, |start| Purpose::ExistingNetwork(start.shape()));
    let data = Data::of_training(&args.training, purpose, args.json)?.for_network(&file)?;
    let dataset = &data.dataset;
    let hash = DataHash::new(&dataset.train, &recipe);
    if let Some(origin) = &origin {
        origin.check_data(&model, hash)?;
    }
    if !args.json {
        say!("model     {}, {shape}, weights {expected:016x}", printable(&model));
        say!("data      {hash}: {data}");
        say!("recipe    {}", taught(Start::describe(start.as_ref(), &recipe), &teachers.hashes()));
    }
    let mut progress = Progress::new(recipe.samples(dataset.train.len()), recipe.epochs, args.json);
    let mut time = Duration::ZERO;
    let report = |event| {
        progress.take(&event);
        if let Event::Epoch(epoch) = event {
            time += epoch.time;
        }
    };
    let weights = Start::weights(start, dataset, &recipe)?;
    teachers.check(weights.view().shape(), dataset.train.class_names())?;
    let trained = training::train_from(dataset, &recipe, &teachers.weights(), weights, 0, report, |_, _| Ok(()))?;
    progress.finish();
    let found = weights_hash(trained.weights.view());
    let equal = found == expected && trained.weights.view().shape() == shape;
    if args.json {
        let line = VerifiedLine {
            model: model.to_string_lossy(),
            recipe: origin.as_ref().map(|origin| origin.options.as_str()),
            data: origin.as_ref().map(|origin| origin.data.to_string()),
            weights: format!("{expected:016x}"),
            found: format!("{found:016x}"),
            equal,
            seconds: time.as_secs_f64(),
        };
        say!("{}", json::line(line));
    }
    ensure!(
        equal,
        "{} has the weights {expected:016x}, and training gives {found:016x}: {}",
        printable(&model),
        match origin {
            Some(_) => "it was not made by the recipe that it says, or by another version of this program",
            None => "give the options that it was trained with, such as --seed, or those of its data",
        }
    );
    if !args.json {
        say!("trained   {:.1} s: the same weights", time.as_secs_f64());
    }
    Ok(())
}

/// The recipe that the model says or, for one that says none, that of the options, which become those of the model's data.
fn recipe(args: &mut VerifyArgs, text: &str, origin: Option<&Origin>, shape: Shape) -> Result<Recipe, Error> {
    let Some(origin) = origin else {
        let said =
            text.lines().find(|line| !line.starts_with("classes: ") && !line.starts_with("trained with twolayer: "));
        if let Some(said) = said {
            return Err(error!(
                "{} was not trained by this program, which could be repeated: its text says \"{}\"",
                printable(&args.model),
                printable(said)
            ));
        }
        let (halve, deslant) = (shape.halved_image().is_some(), shape.deslanted_image().is_some());
        let recipe = Recipe { hidden: shape.hidden(), halve, deslant, ..args.training.recipe.recipe() };
        return Ok(args.run.apply(recipe));
    };
    origin.apply(&args.model, &mut args.training, "it was trained")?;
    ensure!(
        origin.done.is_none(),
        "{} is a checkpoint: go on with its run with twolayer train --resume, and verify the model at its end",
        printable(&args.model)
    );
    Ok(args.run.apply(args.training.recipe.recipe()))
}

/// Checks that the network of `--from` is the one that the model began with.
fn check_start(model: &Path, start: Option<&Start>, began: Option<u64>) -> Result<(), Error> {
    let model = printable(model);
    let Some(hash) = began else {
        ensure!(start.is_none(), "{model} was not trained from another network: leave out --from");
        return Ok(());
    };
    match start {
        None => Err(error!(
            "{model} was trained from another network, with the weights {hash:016x}: give its file with --from"
        )),
        Some(start) if start.hash != hash => Err(error!(
            "{model} was trained from a network with the weights {hash:016x}; those of --from are {:016x}",
            start.hash
        )),
        Some(_) => Ok(()),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "event", rename = "verified")]
struct VerifiedLine<'a> {
    model: Cow<'a, str>,
    recipe: Option<&'a str>,
    data: Option<String>,
    weights: String,
    found: String,
    equal: bool,
    seconds: f64,
}
