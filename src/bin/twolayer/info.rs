//! `twolayer info`: what a model file holds.

use crate::args::InfoOptions;
use crate::console::say;
use crate::data::EXTENSION;
use std::fs;
use std::path::{Path, PathBuf};
use twolayer::host::{Error, ModelFile};
use twolayer::model::Kind;
use twolayer::weights_hash;

pub(crate) fn run(options: &InfoOptions) -> Result<(), Error> {
    let model = options.model.clone().map_or_else(newest, Ok)?;
    let file = ModelFile::open(&model, true)?;
    let (kind, shape, bytes) = file.describe()?;
    say!("model     {}, {bytes} bytes, undamaged", model.display());
    say!("network   {shape}, {kind} weights");
    match kind {
        Kind::F32 => say!("weights   {:016x}", weights_hash(shape, &file.weights()?)),
        _ => say!("payload   {} bytes, CRC-32 {:08x}", file.quantized()?.payload().len(), file.checksum()?),
    }
    Ok(())
}

/// The model file of the working directory that was written last.
pub(crate) fn newest() -> Result<PathBuf, Error> {
    let entries = fs::read_dir(Path::new(".")).into_iter().flatten().flatten();
    let models = entries.filter(|entry| Path::new(&entry.file_name()).extension().is_some_and(|e| e == EXTENSION));
    let newest = models.max_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok());
    newest.map(|entry| entry.file_name().into()).ok_or(Error::NoModel)
}
