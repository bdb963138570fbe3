//! Selects the model file: the one given, the one named after the data, or the newest.

use crate::args::DataArgs;
use crate::error::{Error, error};
use std::fs;
use std::path::{Path, PathBuf};
use twolayer::host::dataset::DataSource as Source;
use twolayer::host::{Action, FileError};

/// The extension of model files.
pub(crate) const EXTENSION: &str = "twolayer";

/// The model file to use: the one given, or else the one named after `--data`, or else the newest.
pub(crate) fn select(
    model: Option<&PathBuf>,
    data: &DataArgs,
    newest: fn() -> Result<PathBuf, Error>,
) -> Result<PathBuf, Error> {
    match (model, data.data.first()) {
        (Some(model), _) => Ok(model.clone()),
        (None, Some(source)) => Ok(path_for(source)),
        (None, None) => newest(),
    }
}

/// The default model file for a data set, named after it or after its directory or file, such as `mnist.twolayer`. The names of
/// named data sets are theirs alone: a directory `mnist` has `mnist-data.twolayer`.
pub(crate) fn path_for(source: &Source) -> PathBuf {
    let stem = match source {
        Source::Named(name) => name.id().into(),
        Source::Path(path) => {
            let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
            let name = whole.file_name().unwrap_or_default().to_string_lossy();
            let mut stem = name.trim_start_matches('.');
            // `mnist_train.csv.gz`, but not of a directory `v1.2`.
            for extension in [".gz", ".csv", ".npz"].iter().filter(|_| !whole.is_dir()) {
                stem = stem.strip_suffix(extension).unwrap_or(stem);
            }
            if stem.is_empty() { "model".into() } else { stem.to_owned() }
        }
    };
    let path = PathBuf::from(format!("{stem}.{EXTENSION}"));
    // Where names of files are alike in upper and lower case, so are those of models.
    let taken =
        matches!(source, Source::Path(_)) && source_of(Path::new(&path.to_string_lossy().to_lowercase())).is_some();
    if taken { format!("{stem}-data.{EXTENSION}").into() } else { path }
}

/// The named data set that a model file is named after: digits for `digits.twolayer` or `digits.int8.twolayer`.
pub(crate) fn source_of(model: &Path) -> Option<Source> {
    let stem = Path::new(model.file_stem().filter(|_| model.extension().is_some_and(|e| e == EXTENSION))?);
    let stem = if has_quantized_name(model) { stem.file_stem()? } else { stem.as_os_str() };
    Some(Source::parse(stem)).filter(|source| matches!(source, Source::Named(_)))
}

/// The most recently modified model file in the working directory.
pub(crate) fn newest() -> Result<PathBuf, Error> {
    newest_by(|_| ())
}

/// The newest model file without `int8` or `int4` in its name, or else the newest of all, for the error message.
pub(crate) fn newest_f32() -> Result<PathBuf, Error> {
    newest_by(|model| !has_quantized_name(model))
}

/// The newest model file with `int8` or `int4` in its name, or else the newest of all, for the error message.
pub(crate) fn newest_quantized() -> Result<PathBuf, Error> {
    newest_by(has_quantized_name)
}

/// The model file with the highest rank in the working directory; among equals, the newest.
fn newest_by<R: Ord>(rank: impl Fn(&Path) -> R) -> Result<PathBuf, Error> {
    let unreadable = |error| FileError::io(Action::Read, Path::new("."))(error);
    let mut models = Vec::new();
    for entry in fs::read_dir(".").map_err(unreadable)? {
        let model = PathBuf::from(entry.map_err(unreadable)?.file_name());
        // Skips directories, and files that have just been removed.
        if model.extension().is_some_and(|e| e == EXTENSION)
            && let Some(meta) = model.metadata().ok().filter(fs::Metadata::is_file)
        {
            models.push((rank(&model), meta.modified().ok(), model));
        }
    }
    models.into_iter().max().map(|(_, _, model)| model).ok_or_else(|| {
        error!("no *.twolayer file here: train a network first (twolayer train), or give a model file with --model")
    })
}

/// Whether a file is named like the default output of `quantize`, such as `mnist.int8.twolayer`.
fn has_quantized_name(model: &Path) -> bool {
    let kind = model.file_stem().map(Path::new).and_then(Path::extension);
    kind.is_some_and(|kind| kind == "int8" || kind == "int4")
}
