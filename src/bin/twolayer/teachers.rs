//! `--teacher`: networks whose outputs another one learns to give; and what several networks that answer together must have alike.

use crate::error::{Error, ensure};
use crate::origin;
use crate::start::open_f32;
use core::fmt::Write;
use std::path::{Path, PathBuf};
use twolayer::host::{FileAccess, ModelFile, OwnedWeights, printable};
use twolayer::{LossFunction, Shape, Weights, weights_hash};

/// The networks of `--teacher`, in the order of their hashes: that of the options does not matter.
#[derive(Default)]
pub(crate) struct Teachers(Vec<Teacher>);

struct Teacher {
    path: PathBuf,
    file: ModelFile,
    weights: OwnedWeights,
    hash: u64,
}

impl Teachers {
    pub(crate) fn open(models: &[PathBuf], access: FileAccess) -> Result<Self, Error> {
        let open = |path: &PathBuf| {
            let (file, weights) = open_f32(path, access, "what they say of classes has no unit to teach in")?;
            ensure!(
                origin::loss(file.details().text) == LossFunction::CrossEntropy,
                "{} was trained with squared error, and a teacher must be with cross-entropy: train one with --loss cross-entropy, \
                 such as by --recipe fast",
                printable(path)
            );
            let hash = weights_hash(weights.view());
            Ok(Teacher { path: path.clone(), file, weights, hash })
        };
        let mut teachers = models.iter().map(open).collect::<Result<Vec<_>, Error>>()?;
        teachers.sort_by_key(|teacher| teacher.hash);
        Ok(Self(teachers))
    }

    pub(crate) fn weights(&self) -> Vec<Weights<'_>> {
        self.0.iter().map(|teacher| teacher.weights.view()).collect()
    }

    pub(crate) fn hashes(&self) -> Vec<u64> {
        self.0.iter().map(|teacher| teacher.hash).collect()
    }

    /// Checks that they fit a network, whose classes may have names.
    pub(crate) fn check(&self, shape: Shape, names: &[String]) -> Result<(), Error> {
        self.0.iter().try_for_each(|teacher| check_alike((&teacher.path, &teacher.file), shape, names, "the network"))
    }
}

/// Checks that a model takes the images of another one, which is called so, and has its classes.
pub(crate) fn check_alike(
    (path, file): (&Path, &ModelFile),
    shape: Shape,
    names: &[String],
    other: &str,
) -> Result<(), Error> {
    let found = file.shape();
    ensure!(
        (found.pixels(), found.outputs()) == (shape.pixels(), shape.outputs()),
        "{} takes images of {} pixels and has {} classes, but {other} takes {} pixels and has {} classes: both must be the same",
        printable(path),
        found.pixels(),
        found.outputs(),
        shape.pixels(),
        shape.outputs()
    );
    let own: Vec<_> = file.details().class_names().collect();
    ensure!(
        own.is_empty() || names.is_empty() || own == names,
        "{} has the classes {}, but {other} has {}: they must be the same, in the same order",
        printable(path),
        printable(own.join(", ")),
        printable(names.join(", "))
    );
    Ok(())
}

/// A recipe in words, with its teachers.
pub(crate) fn taught(mut words: String, hashes: &[u64]) -> String {
    for (place, hash) in hashes.iter().enumerate() {
        let _ = write!(words, "{}{hash:016x}", if place == 0 { ", taught by the weights " } else { " and " });
    }
    words
}
