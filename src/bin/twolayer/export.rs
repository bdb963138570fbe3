//! `twolayer export`: writes a model's weights for PyTorch or NumPy.

use crate::args::ExportArgs;
use crate::console::say;
use crate::error::Error;
use crate::model;
use crate::quantize::is_same_file;
use std::path::Path;
use twolayer::host::tensors::{ExportFormat, export};
use twolayer::host::{ModelFile, shown};
use twolayer::{Kind, weights_hash};

pub(crate) fn run(args: &ExportArgs) -> Result<(), Error> {
    let model = args.model.clone().map_or_else(model::newest_f32, Ok)?;
    let (format, out) = match (args.format, &args.out) {
        (Some(format), Some(out)) => (format, out.clone()),
        (None, Some(out)) => (format_of(out).ok_or_else(|| Error::UnknownFormat { path: out.clone() })?, out.clone()),
        (format, None) => {
            let format = format.unwrap_or(ExportFormat::Safetensors);
            let out = model.with_extension(format.name());
            // `net.safetensors` may be what `net.twolayer` was imported from.
            if out.exists() {
                return Err(Error::ExportExists { path: out });
            }
            (format, out)
        }
    };
    let file = ModelFile::open(&model, args.file.access())?;
    let (kind, shape) = (file.kind(), file.shape());
    if kind != Kind::F32 {
        return Err(Error::ExportQuantized { path: model, kind });
    }
    if is_same_file(&model, &out) {
        return Err(Error::Overwrite { path: out, what: "model" });
    }
    let weights = file.weights()?;
    say!("model     {}: {shape}, weights {:016x}", shown(&model), weights_hash(weights.view()));
    let tensors = export(&out, format, weights.view())?;
    let tensors: Vec<_> = tensors.iter().map(ToString::to_string).collect();
    say!("written   {}: {}", shown(&out), tensors.join(", "));
    Ok(())
}

/// The format that a file's extension names.
fn format_of(path: &Path) -> Option<ExportFormat> {
    ExportFormat::named(&path.extension()?.to_string_lossy().to_lowercase())
}
