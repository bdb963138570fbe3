//! Selects the model file: the one given, the newest of the data set, or the newest; and names new ones.

use crate::args::DataArgs;
use crate::error::{Error, error};
use crate::origin;
use crate::values::recipes;
use std::fs;
use std::path::{Path, PathBuf};
use twolayer::Shape;
use twolayer::host::dataset::{DataSource as Source, Name};
use twolayer::host::{Action, FileAccess, FileError, ModelFile};

/// The extension of model files.
pub(crate) const EXTENSION: &str = "twolayer";

/// What default names call a recipe that has no name.
pub(crate) const OWN: &str = "own";

/// The model file to use: the one given, or else the newest of the data set `--data`, or else the newest; of several, one that is
/// `preferred` by its name.
pub(crate) fn select(model: Option<&PathBuf>, data: &DataArgs, preferred: fn(&Path) -> bool) -> Result<PathBuf, Error> {
    match (model, data.data.first()) {
        (Some(model), _) => Ok(model.clone()),
        // Where there is none, the error of opening it says so.
        (None, Some(source)) => {
            let newest = newest_by(preferred, |model| is_of(model, source))?;
            Ok(newest.unwrap_or_else(|| path_for(source, Shape::MNIST.hidden(), None)))
        }
        (None, None) => newest(preferred),
    }
}

/// The default model file for a data set: named after it or after its directory or file, such as `mnist.twolayer`, then after its
/// hidden units, unless they are the article's, and its recipe, such as `mnist-64-fast.twolayer`.
pub(crate) fn path_for(source: &Source, hidden: usize, recipe: Option<&str>) -> PathBuf {
    let hidden = Some(hidden).filter(|hidden| *hidden != Shape::MNIST.hidden());
    let parts = [Some(base(source)), hidden.map(|hidden| hidden.to_string()), recipe.map(str::to_owned)];
    PathBuf::from(parts.into_iter().flatten().collect::<Vec<_>>().join("-") + "." + EXTENSION)
}

/// What the names of a data set's models begin with. The names of named data sets are theirs alone: a directory `mnist` has
/// `mnist-data`.
fn base(source: &Source) -> String {
    let path = match source {
        Source::Named(name) => return name.id().into(),
        Source::Path(path) => path,
    };
    let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let mut stem = name.trim_start_matches('.');
    // `mnist_train.csv.gz`, but not of a directory `v1.2`.
    for extension in [".gz", ".csv", ".npz"].iter().filter(|_| !whole.is_dir()) {
        stem = stem.strip_suffix(extension).unwrap_or(stem);
    }
    let stem = if stem.is_empty() { "model" } else { stem };
    // Where names of files are alike in upper and lower case, so are those of models.
    let taken = named_after(Path::new(&format!("{}.{EXTENSION}", stem.to_lowercase()))).is_some();
    format!("{stem}{}", if taken { "-data" } else { "" })
}

/// The named data set that a model is of: the one that its text says, or else the one that its file is named after.
pub(crate) fn source_of(model: &Path) -> Option<Source> {
    told(model).or_else(|| named_after(model))
}

/// Whether a model is of a data set.
fn is_of(model: &Path, source: &Source) -> bool {
    told(model).map_or_else(|| has_name(model, &base(source)), |told| told == *source)
}

/// The named data set that a model's text says.
fn told(model: &Path) -> Option<Source> {
    // A pipe can be read once only.
    model.metadata().ok().filter(fs::Metadata::is_file)?;
    let file = ModelFile::open(model, FileAccess::Read).ok()?;
    origin::source(file.details().text)
}

/// The named data set that a file is named after: digits for `digits.twolayer` or `digits-64.int8.twolayer`.
fn named_after(model: &Path) -> Option<Source> {
    Name::ALL.into_iter().find(|name| has_name(model, name.id())).map(Source::Named)
}

/// Whether a file has a default name of models that begins with this.
fn has_name(model: &Path, base: &str) -> bool {
    let Some(stem) = model.file_stem().filter(|_| model.extension().is_some_and(|it| it == EXTENSION)) else {
        return false;
    };
    let stem = if has_quantized_name(model) { Path::new(stem).file_stem().unwrap_or_default() } else { stem };
    let Some(rest) = stem.to_str().and_then(|stem| stem.strip_prefix(base)) else { return false };
    let mut parts = rest.split('-').peekable();
    let begins = parts.next() == Some("");
    parts.next_if(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    parts.next_if(|part| *part == OWN || recipes().iter().any(|(name, ..)| name == part));
    begins && parts.next().is_none()
}

/// The most recently modified model file in the working directory, one that is `preferred` by its name if there is such.
pub(crate) fn newest(preferred: fn(&Path) -> bool) -> Result<PathBuf, Error> {
    newest_by(preferred, |_| true)?.ok_or_else(|| {
        error!("no *.twolayer file here: train a network first (twolayer train), or give a model file with --model")
    })
}

/// The newest of those model files in the working directory, a preferred one if there is such.
fn newest_by(preferred: fn(&Path) -> bool, is_meant: impl Fn(&Path) -> bool) -> Result<Option<PathBuf>, Error> {
    let unreadable = |error| FileError::io(Action::Read, Path::new("."))(error);
    let mut models = Vec::new();
    for entry in fs::read_dir(".").map_err(unreadable)? {
        let model = PathBuf::from(entry.map_err(unreadable)?.file_name());
        // Skips directories, and files that have just been removed.
        if model.extension().is_some_and(|e| e == EXTENSION)
            && let Some(meta) = model.metadata().ok().filter(fs::Metadata::is_file)
            && is_meant(&model)
        {
            models.push((preferred(&model), meta.modified().ok(), model));
        }
    }
    Ok(models.into_iter().max().map(|(_, _, model)| model))
}

/// No preference.
pub(crate) const fn any(_: &Path) -> bool {
    true
}

/// Whether a file has neither `int8` nor `int4` in its name.
pub(crate) fn has_f32_name(model: &Path) -> bool {
    !has_quantized_name(model)
}

/// Whether a file is named like the default output of `quantize`, such as `mnist.int8.twolayer`.
pub(crate) fn has_quantized_name(model: &Path) -> bool {
    let kind = model.file_stem().map(Path::new).and_then(Path::extension);
    kind.is_some_and(|kind| kind == "int8" || kind == "int4")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_names_come_back() {
        let mnist = Source::Named(Name::Mnist);
        for (hidden, recipe, expected) in [
            (1000, None, "mnist.twolayer"),
            (64, None, "mnist-64.twolayer"),
            (1000, Some("fast"), "mnist-fast.twolayer"),
            (64, Some(OWN), "mnist-64-own.twolayer"),
        ] {
            let path = path_for(&mnist, hidden, recipe);
            assert_eq!(path, Path::new(expected));
            for path in [path.clone(), path.with_extension("int4.twolayer")] {
                assert_eq!(named_after(&path), Some(mnist.clone()), "{path:?}");
            }
        }
        for other in [
            "mnist",
            "mnist-.twolayer",
            "mnist-data.twolayer",
            "mnist64.twolayer",
            "mnist-fast-64.twolayer",
            "mnist-fast",
        ] {
            assert_eq!(named_after(Path::new(other)), None, "{other}");
        }
        // So that the model of a directory is not taken for MNIST's.
        for (directory, model) in [("x/mnist-64", "mnist-64-data"), ("MNIST-fast", "MNIST-fast-data"), ("a-64", "a-64")]
        {
            let path = path_for(&Source::Path(directory.into()), 1000, None);
            assert_eq!(path, Path::new(&format!("{model}.twolayer")));
            assert_eq!(named_after(&path), None);
        }
    }
}
