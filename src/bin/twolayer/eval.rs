//! `twolayer eval`: a trained network on a test set.

use crate::args::EvalOptions;
use crate::console::say;
use crate::data::{Data, Purpose};
use crate::{model, table};
use twolayer::host::{Error, Evaluation, ModelFile, Numbers, Quantized};
use twolayer::model::Kind;
use twolayer::{Backend, Network};

pub(crate) fn run(mut options: EvalOptions) -> Result<(), Error> {
    let model = model::chosen(options.model.as_ref(), &options.data, model::newest)?;
    let file = ModelFile::open(&model, !options.data.no_mmap)?;
    let (kind, shape) = (file.kind(), file.shape());
    // Before the data is sought, which may take a download.
    let weights = match kind {
        Kind::F32 => Weights::Real(file.weights()?),
        _ => Weights::Integers(file.quantized()?),
    };
    options.data.data = options.data.data.or_else(|| model::named_after(&model));
    let data = Data::test(&options.data, Purpose::Network(shape))?;
    let backend = options.backend.unwrap_or_else(Backend::detect);
    let test = &data.dataset;
    let evaluation = match weights {
        Weights::Real(weights) => Evaluation::new(&Network::new(shape, &weights, backend)?, test),
        Weights::Integers(quantized) => Evaluation::of_integers(&quantized.packed(&mut Vec::new(), backend)?, test),
    }?;
    let of = if kind == Kind::F32 { String::new() } else { format!(", {kind}") };
    say!("model     {}: {shape}{of}", model.display());
    say!("data      {} test images: {data}", test.len());
    table::print(&evaluation);
    say!("\naccuracy  {} of {} test images{}", table::percent(&evaluation), evaluation.total(), data.mark());
    Ok(())
}

/// A model's weights.
enum Weights {
    Real(Numbers),
    Integers(Quantized),
}
