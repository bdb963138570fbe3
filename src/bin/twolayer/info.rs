//! `twolayer info`: describes a model file.

use crate::args::InfoArgs;
use crate::console::say;
use crate::error::Error;
use crate::{json, model};
use serde_json::json;
use twolayer::host::{ModelFile, printable};
use twolayer::{Kind, weights_hash};

pub(crate) fn run(args: &InfoArgs) -> Result<(), Error> {
    let model = args.model.clone().map_or_else(model::newest, Ok)?;
    let file = ModelFile::open(&model, args.file.access())?;
    let (kind, shape, details) = (file.kind(), file.shape(), file.details());
    let weights = if kind == Kind::F32 { Some(weights_hash(file.weights()?.view())) } else { None };
    let weights = weights.map(|hash| format!("{hash:016x}"));
    if args.json {
        let line = json!({
            "event": "model",
            "model": model.to_string_lossy(),
            "bytes": file.len(),
            "kind": kind.to_string(),
            "network": json::network(shape),
            "image": details.image,
            "text": Some(details.text).filter(|text| !text.is_empty()),
            "weights": weights,
            "crc32": format!("{:08x}", file.checksum()),
        });
        say!("{line}");
        return Ok(());
    }
    say!("model     {}, {} bytes, undamaged", printable(&model), file.len());
    say!("network   {shape}, {kind} weights");
    if let Some([width, height]) = details.image {
        say!("image     {width} × {height} pixels");
    }
    if !details.text.is_empty() {
        say!("text      {}", details.text.escape_debug());
    }
    match weights {
        Some(hash) => say!("weights   {hash}"),
        None => say!("payload   {} bytes, CRC-32 {:08x}", file.quantized()?.payload().len(), file.checksum()),
    }
    Ok(())
}
