//! `twolayer eval`: a trained network on a test set.

use crate::args::{DataOptions, EvalOptions};
use crate::console::say;
use crate::data::{Data, EXTENSION, StandIn, model_file};
use crate::{info, table};
use std::path::{Path, PathBuf};
use twolayer::host::dataset::Source;
use twolayer::host::{Error, Evaluation, ModelFile, Quantized};
use twolayer::model::Kind;
use twolayer::{Backend, Network};

pub(crate) fn run(mut options: EvalOptions) -> Result<(), Error> {
    let model = model(options.model.as_ref(), &options.data)?;
    let file = ModelFile::open(&model, !options.data.no_mmap)?;
    let (kind, shape, _) = file.describe()?;
    // Before the data is sought, which may take a download.
    let weights = match kind {
        Kind::F32 => Weights::Real(file.weights()?),
        _ => Weights::Integers(file.quantized()?),
    };
    options.data.data = options.data.data.or_else(|| named_after(&model));
    let data = Data::open(&options.data, StandIn::Nothing, false)?;
    let backend = options.backend.unwrap_or_else(Backend::detect);
    let test = &data.dataset.test;
    let evaluation = match weights {
        Weights::Real(weights) => Evaluation::new(&Network::new(shape, &weights, backend)?, test),
        Weights::Integers(quantized) => Evaluation::of_integers(&quantized.packed(&mut Vec::new(), backend)?, test),
    }?;
    let of = if kind == Kind::F32 { String::new() } else { format!(", {kind}") };
    say!("model     {}: {shape}{of}", model.display());
    say!("data      {} test images: {data}", data.dataset.test.len());
    table::print(&evaluation);
    say!("\naccuracy  {} of {} test images{}", table::percent(&evaluation), evaluation.total(), data.mark());
    Ok(())
}

/// A model's weights.
enum Weights {
    Real(Vec<f32>),
    Integers(Quantized),
}

/// The model that was named; or that belongs to the data; or that was written last.
pub(crate) fn model(model: Option<&PathBuf>, data: &DataOptions) -> Result<PathBuf, Error> {
    match (model, &data.data) {
        (Some(model), _) => Ok(model.clone()),
        (None, Some(source)) => Ok(model_file(source)),
        (None, None) => info::newest(),
    }
}

/// The data that a model file is named after: what `train` calls digits.twolayer was trained on the digits.
pub(crate) fn named_after(model: &Path) -> Option<Source> {
    let stem = Path::new(model.file_stem().filter(|_| model.extension().is_some_and(|e| e == EXTENSION))?);
    let quantized = stem.extension().is_some_and(|kind| kind == "int8" || kind == "int4");
    let stem = if quantized { stem.file_stem()? } else { stem.as_os_str() };
    Some(Source::from(stem)).filter(|source| matches!(source, Source::Named(_)))
}
