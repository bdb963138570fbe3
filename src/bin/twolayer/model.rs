//! Which model file is meant: the one that was named, the one that belongs to the data, or the newest.

use crate::args::DataOptions;
use std::fs;
use std::path::{Path, PathBuf};
use twolayer::host::Error;
use twolayer::host::dataset::Source;

/// How model files are called.
pub(crate) const EXTENSION: &str = "twolayer";

/// The model that was named; or that belongs to the data; or that was written last.
pub(crate) fn chosen(model: Option<&PathBuf>, data: &DataOptions) -> Result<PathBuf, Error> {
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
    let quantized = stem.extension().is_some_and(|kind| kind == "int8" || kind == "int4");
    let stem = if quantized { stem.file_stem()? } else { stem.as_os_str() };
    Some(Source::from(stem)).filter(|source| matches!(source, Source::Named(_)))
}

/// The model file of the working directory that was written last.
pub(crate) fn newest() -> Result<PathBuf, Error> {
    let entries = fs::read_dir(Path::new(".")).into_iter().flatten().flatten();
    let models = entries.filter(|entry| Path::new(&entry.file_name()).extension().is_some_and(|e| e == EXTENSION));
    let newest = models.max_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok());
    newest.map(|entry| entry.file_name().into()).ok_or(Error::NoModel)
}
