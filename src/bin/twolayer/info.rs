//! `twolayer info`: describes a model file.

use crate::args::InfoArgs;
use crate::console::say;
use crate::error::Error;
use crate::model;
use twolayer::host::{ModelFile, shown};
use twolayer::{Kind, weights_hash};

pub(crate) fn run(args: &InfoArgs) -> Result<(), Error> {
    let model = args.model.clone().map_or_else(model::newest, Ok)?;
    let file = ModelFile::open(&model, args.file.access())?;
    let (kind, shape) = (file.kind(), file.shape());
    say!("model     {}, {} bytes, undamaged", shown(&model), file.len());
    say!("network   {shape}, {kind} weights");
    let details = file.details();
    if let Some([width, height]) = details.image {
        say!("image     {width} × {height} pixels");
    }
    if !details.text.is_empty() {
        say!("text      {}", details.text.escape_debug());
    }
    match kind {
        Kind::F32 => say!("weights   {:016x}", weights_hash(file.weights()?.view())),
        Kind::Quantized(_) => {
            say!("payload   {} bytes, CRC-32 {:08x}", file.quantized()?.payload().len(), file.checksum());
        }
    }
    Ok(())
}
