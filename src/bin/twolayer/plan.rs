//! What a run of `train` does: its recipe, its data, the weights that it begins with, and what its model says of all that.

use crate::args::{TrainArgs, TrainingArgs};
use crate::error::Error;
use crate::model::OWN;
use crate::open_data::{Data, Purpose};
use crate::origin::{DataHash, Origin};
use crate::start::{Resumed, Start};
use crate::teachers::{Teachers, taught};
use crate::values::recipes;
use crate::{classes, model, origin};
use std::path::Path;
use twolayer::host::OwnedWeights;
use twolayer::host::training::Recipe;

pub(crate) struct Plan {
    pub(crate) recipe: Recipe,
    pub(crate) data: Data,
    /// The weights to go on from.
    pub(crate) weights: OwnedWeights,
    /// The networks to learn from.
    pub(crate) teachers: Teachers,
    /// The epochs that they have had.
    pub(crate) done: u32,
    /// What a checkpoint says.
    pub(crate) origin: Option<Origin>,
    /// What the model says: nothing where it is the article's, which needs no mention.
    pub(crate) text: String,
    /// The recipe in words.
    pub(crate) words: String,
    /// What the default name of the model calls the recipe, unless it is the article's.
    pub(crate) name: Option<&'static str>,
}

impl Plan {
    /// By the options, of which those that a checkpoint says are set.
    pub(crate) fn new(args: &mut TrainArgs) -> Result<Self, Error> {
        if let Some(checkpoint) = args.resume.clone() {
            return Self::resumed(&checkpoint, args);
        }
        let mut recipe = args.recipe();
        let start = Start::from(args.from.as_deref(), &args.training.data)?;
        let teachers = Teachers::open(&args.training.teacher, args.training.data.file.access())?;
        args.training.data.default_to(args.from.as_deref().and_then(model::source_of));
        let purpose = start.as_ref().map_or(Purpose::Training, |start| Purpose::ExistingNetwork(start.shape()));
        let mut data = Data::of_training(&args.training, purpose, args.quiet)?;
        if let Some(start) = start.as_ref().filter(|start| start.has_classes_of(&data.dataset.train)) {
            data = data.for_network(&start.file)?;
        }
        // Other data have no digits to redraw, unless somebody says so.
        if let Some(distortion) = &mut recipe.distortion
            && args.training.recipe.hands.is_none()
            && !data.is_of_digits()
        {
            distortion.hands = 0;
        }
        let hashes = teachers.hashes();
        let is_article = recipe.is_article() && start.is_none() && hashes.is_empty();
        let origin = (!is_article || args.checkpoint.is_some()).then(|| {
            let hash = DataHash::new(&data.dataset.train, &recipe);
            let start = start.as_ref().map(|start| start.hash);
            Origin::new(&recipe, &data.names(), &args.training, hash, start, hashes.clone())
        });
        let text = text(&data, origin.as_ref().filter(|_| !is_article))?;
        let words = taught(Start::describe(start.as_ref(), &recipe), &hashes);
        let name = name(&recipe, &args.training, &data, start.is_some(), !hashes.is_empty());
        let weights = Start::weights(start, &data.dataset, &recipe)?;
        teachers.check(weights.view().shape(), data.dataset.train.class_names())?;
        Ok(Self { recipe, data, weights, teachers, done: 0, origin, text, words, name })
    }

    fn resumed(checkpoint: &Path, args: &mut TrainArgs) -> Result<Self, Error> {
        let Resumed { file, weights, origin, done } = Resumed::open(checkpoint, args)?;
        let teachers = Teachers::open(&args.training.teacher, args.training.data.file.access())?;
        origin::check_teachers(checkpoint, &origin.teachers, &teachers.hashes())?;
        let recipe = args.recipe();
        let purpose = Purpose::ExistingNetwork(weights.view().shape());
        let data = Data::of_training(&args.training, purpose, args.quiet)?.for_network(&file)?;
        origin.check_data(checkpoint, DataHash::new(&data.dataset.train, &recipe))?;
        let origin = Origin { done: None, ..origin };
        let is_article = recipe.is_article() && origin.start.is_none() && origin.teachers.is_empty();
        let text = text(&data, Some(&origin).filter(|_| !is_article))?;
        let words = match origin.start {
            None => recipe.to_string(),
            Some(hash) => Start::words(&recipe, hash),
        };
        let words = taught(words, &origin.teachers);
        let name = name(&recipe, &args.training, &data, origin.start.is_some(), !origin.teachers.is_empty());
        teachers.check(weights.view().shape(), data.dataset.train.class_names())?;
        Ok(Self { recipe, data, weights, teachers, done, origin: Some(origin), text, words, name })
    }
}

/// The name of a recipe: none for the article's, [`OWN`] for one of single options. Those of the data count with the article's, whose
/// models do not say them.
fn name(recipe: &Recipe, training: &TrainingArgs, data: &Data, goes_on: bool, is_taught: bool) -> Option<&'static str> {
    let is_this = |mut preset: Recipe| {
        (preset.hidden, preset.seed) = (recipe.hidden, recipe.seed);
        (preset.threads, preset.tests_within_first) = (recipe.threads, recipe.tests_within_first);
        preset.options.backend = recipe.options.backend;
        if goes_on {
            (preset.init, preset.halve, preset.deslant) = (recipe.init, recipe.halve, recipe.deslant);
        }
        if let Some(distortion) = &mut preset.distortion
            && !data.is_of_digits()
        {
            distortion.hands = 0;
        }
        preset == *recipe
    };
    match recipes().into_iter().find(|(.., preset)| is_this(*preset)).map(|(name, ..)| name) {
        _ if is_taught => Some(OWN),
        Some("article") => (goes_on || !training.takes_data_as_usual()).then_some(OWN),
        name => name.or(Some(OWN)),
    }
}

/// The text of a model: the names of its classes, and where it comes from.
fn text(data: &Data, origin: Option<&Origin>) -> Result<String, Error> {
    classes::text(data.dataset.train.class_names(), &origin.map_or(String::new(), Origin::to_string))
}
