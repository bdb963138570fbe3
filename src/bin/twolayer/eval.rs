//! `twolayer eval`: evaluates a trained network on a test set.

use crate::args::EvalArgs;
use crate::console::say;
use crate::error::Error;
use crate::open_data::{Data, Purpose};
use crate::{json, model, table};
use serde_json::json;
use twolayer::host::{ModelFile, OwnedWeights, Threads, evaluate};
use twolayer::quantized::{PackedNetwork, Quantized};
use twolayer::{Backend, Kind, Network};

pub(crate) fn run(mut args: EvalArgs) -> Result<(), Error> {
    let model = model::select(args.model.as_ref(), &args.data, model::newest)?;
    let file = ModelFile::open(&model, args.data.file.access())?;
    let (kind, shape) = (file.kind(), file.shape());
    // Read before the data, which may have to be downloaded.
    let weights = match kind {
        Kind::F32 => ModelWeights::F32(file.weights()?),
        Kind::Quantized(_) => ModelWeights::Quantized(file.quantized()?),
    };
    args.data.data = args.data.data.or_else(|| model::source_of(&model));
    let data = Data::test(&args.data, args.invert, Purpose::ExistingNetwork(shape))?;
    let test = &data.dataset;
    let (backend, threads) = (args.backend.unwrap_or_else(Backend::detect), Threads::new(Threads::available()));
    let evaluation = match weights {
        ModelWeights::F32(weights) => evaluate(&Network::new(weights.view(), backend), test, &threads),
        ModelWeights::Quantized(quantized) => {
            let mut memory = vec![0; PackedNetwork::memory_len(shape)];
            evaluate(&PackedNetwork::new(&quantized.network(), &mut memory, backend)?, test, &threads)
        }
    }?;
    if args.json {
        let line = json!({
            "event": "evaluated",
            "model": model.to_string_lossy(),
            "kind": json::kind(kind),
            "network": json::network(shape),
            "data": json::data(&data),
            "backend": backend.name(),
            "confusion": json::confusion(&evaluation),
            "coverage": json::coverage(&evaluation),
        });
        say!("{}", json::with(line, json::right(&evaluation)));
        return Ok(());
    }
    let kind_suffix = if kind == Kind::F32 { String::new() } else { format!(", {kind}") };
    say!("model     {}: {shape}{kind_suffix}", model.display());
    say!("data      {} test images: {data}", test.len());
    table::print(&evaluation);
    table::print_coverage(&evaluation, if kind == Kind::F32 { 5 } else { 0 });
    say!("\naccuracy  {} of {} test images{}", table::percent(&evaluation), evaluation.total(), data.accuracy_suffix());
    Ok(())
}

/// A model's weights.
enum ModelWeights {
    F32(OwnedWeights),
    Quantized(Quantized),
}
