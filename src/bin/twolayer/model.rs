//! Which model file is meant: the one that was named, the one that belongs to the data, or the newest.

use crate::args::DataOptions;
use std::fs;
use std::path::{Path, PathBuf};
use twolayer::host::Error;
use twolayer::host::dataset::Source;

/// How model files are called.
pub(crate) const EXTENSION: &str = "twolayer";

/// The model that was named; or that belongs to the data; or the newest.
pub(crate) fn chosen(
    model: Option<&PathBuf>,
    data: &DataOptions,
    newest: fn() -> Result<PathBuf, Error>,
) -> Result<PathBuf, Error> {
    match (model, &data.data) {
        (Some(model), _) => Ok(model.clone()),
        (None, Some(source)) => Ok(of_data(source)),
        (None, None) => newest(),
    }
}

/// The model file that belongs to a data set: `mnist.twolayer`, `digits.twolayer`; after its own name for a directory.
pub(crate) fn of_data(source: &Source) -> PathBuf {
    let stem = match source {
        Source::Named(name) => name.word().into(),
        Source::Directory(directory) => directory
            .canonicalize()
            .ok()
            .and_then(|directory| Some(directory.file_name()?.to_string_lossy().trim_start_matches('.').to_owned()))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "model".into()),
    };
    PathBuf::from(format!("{stem}.{EXTENSION}"))
}

/// The data that a model file is named after: what `train` calls digits.twolayer was trained on the digits.
pub(crate) fn named_after(model: &Path) -> Option<Source> {
    let stem = Path::new(model.file_stem().filter(|_| model.extension().is_some_and(|e| e == EXTENSION))?);
    let stem = if is_quantized(model) { stem.file_stem()? } else { stem.as_os_str() };
    Some(Source::from(stem)).filter(|source| matches!(source, Source::Named(_)))
}

/// The model file of the working directory that was written last.
pub(crate) fn newest() -> Result<PathBuf, Error> {
    newest_by(|_| ())
}

/// The newest that is not named as `quantize` names what it writes; else the newest, which an error will name.
pub(crate) fn newest_f32() -> Result<PathBuf, Error> {
    newest_by(|model| !is_quantized(model))
}

/// The newest of the model files that `rank` puts highest.
fn newest_by<R: Ord>(rank: impl Fn(&Path) -> R) -> Result<PathBuf, Error> {
    let unreadable = |source| Error::Io { action: "read", path: ".".into(), source };
    let mut models = Vec::new();
    for entry in fs::read_dir(".").map_err(unreadable)? {
        let model = PathBuf::from(entry.map_err(unreadable)?.file_name());
        // What is no file, or is gone by now, is no model.
        if model.extension().is_some_and(|e| e == EXTENSION)
            && let Some(meta) = model.metadata().ok().filter(fs::Metadata::is_file)
        {
            models.push((rank(&model), meta.modified().ok(), model));
        }
    }
    models.into_iter().max().map(|(_, _, model)| model).ok_or(Error::NoModel)
}

/// Is that a name which `quantize` chooses: `mnist.int8.twolayer`?
fn is_quantized(model: &Path) -> bool {
    let kind = model.file_stem().map(Path::new).and_then(Path::extension);
    kind.is_some_and(|kind| kind == "int8" || kind == "int4")
}
