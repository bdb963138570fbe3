//! `twolayer info`: what a model file holds.

use crate::args::InfoOptions;
use crate::console::say;
use crate::model;
use twolayer::host::{Error, ModelFile};
use twolayer::model::Kind;
use twolayer::weights_hash;

pub(crate) fn run(options: &InfoOptions) -> Result<(), Error> {
    let model = options.model.clone().map_or_else(model::newest, Ok)?;
    let file = ModelFile::open(&model, !options.no_mmap)?;
    let (kind, shape) = (file.kind(), file.shape());
    say!("model     {}, {} bytes, undamaged", model.display(), file.len());
    say!("network   {shape}, {kind} weights");
    match kind {
        Kind::F32 => say!("weights   {:016x}", weights_hash(shape, &file.weights()?)),
        _ => say!("payload   {} bytes, CRC-32 {:08x}", file.quantized()?.payload().len(), file.checksum()),
    }
    Ok(())
}
