//! Networks that training goes on from: `--from`, and the checkpoint of `--resume`.

use crate::args::{DataArgs, TrainArgs};
use crate::error::{Error, ensure, error};
use crate::origin::Origin;
use std::path::Path;
use twolayer::host::dataset::{Dataset, Set};
use twolayer::host::training::{self, Recipe};
use twolayer::host::{FileAccess, ModelFile, OwnedWeights, printable};
use twolayer::{Kind, Shape, weights_hash};

/// The network of `--from`.
pub(crate) struct Start {
    pub(crate) file: ModelFile,
    weights: OwnedWeights,
    pub(crate) hash: u64,
}

impl Start {
    pub(crate) fn from(model: Option<&Path>, data: &DataArgs) -> Result<Option<Self>, Error> {
        let Some(model) = model else { return Ok(None) };
        let (file, weights) = open_f32(model, data.file.access(), "training goes on from f32 weights")?;
        let hash = weights_hash(weights.view());
        Ok(Some(Self { file, weights, hash }))
    }

    pub(crate) fn shape(&self) -> Shape {
        self.weights.view().shape()
    }

    /// Whether the classes of the data are among the network's: by their names or, where neither has names, by their number.
    pub(crate) fn has_classes_of(&self, data: &Set) -> bool {
        let names: Vec<_> = self.file.details().class_names().collect();
        match (names.is_empty(), data.class_names()) {
            (true, []) => data.classes() <= self.shape().outputs(),
            (true, _) | (false, []) => false,
            (false, found) => found.iter().all(|name| names.contains(&name.as_str())),
        }
    }

    /// The weights to begin with: initial ones, or the network's, all of them or, where the data have other classes, those of its
    /// first layer.
    pub(crate) fn weights(start: Option<Self>, dataset: &Dataset, recipe: &Recipe) -> Result<OwnedWeights, Error> {
        let Some(start) = start else {
            return Ok(training::initial_weights(training::shape(dataset, recipe)?, recipe)?);
        };
        let other = (!start.has_classes_of(&dataset.train)).then(|| dataset.train.classes());
        Ok(training::going_on(start.weights.view(), other, recipe.seed)?)
    }

    /// A recipe in words, which has no initial weights where there is a start.
    pub(crate) fn describe(start: Option<&Self>, recipe: &Recipe) -> String {
        match start {
            None => recipe.to_string(),
            Some(start) => Self::words(recipe, start.hash),
        }
    }

    /// A recipe that goes on from weights of this hash, in words.
    pub(crate) fn words(recipe: &Recipe, hash: u64) -> String {
        format!("{}, from the weights {hash:016x}", recipe.steps())
    }
}

/// A run that was stopped.
pub(crate) struct Resumed {
    pub(crate) file: ModelFile,
    pub(crate) weights: OwnedWeights,
    pub(crate) origin: Origin,
    /// Its epochs that are done.
    pub(crate) done: u32,
}

impl Resumed {
    /// Opens the checkpoint; the options become those of the run.
    pub(crate) fn open(checkpoint: &Path, args: &mut TrainArgs) -> Result<Self, Error> {
        let (file, weights) = open_f32(checkpoint, args.training.data.file.access(), "it is no checkpoint")?;
        let origin = Origin::parse(checkpoint, file.details().text)?;
        let Some((origin, done)) = origin.and_then(|origin| Some((origin.clone(), origin.done?))) else {
            return Err(error!(
                "{}: a model, but no checkpoint of a run that can go on; train --checkpoint writes one",
                printable(checkpoint)
            ));
        };
        origin.apply(checkpoint, &mut args.training, "its run goes on")?;
        Ok(Self { file, weights, origin, done })
    }
}

/// Opens a model of f32 weights; `why` says, for another, what they are needed for.
pub(crate) fn open_f32(model: &Path, access: FileAccess, why: &str) -> Result<(ModelFile, OwnedWeights), Error> {
    let file = ModelFile::open(model, access)?;
    ensure!(
        file.kind() == Kind::F32,
        "{} has {} weights, and {why}: give the f32 model that it was made from",
        printable(model),
        file.kind()
    );
    let weights = file.weights()?;
    Ok((file, weights))
}
