//! `twolayer eval`: evaluates a trained network on a test set.

use crate::args::EvalArgs;
use crate::console::say;
use crate::error::Error;
use crate::open_data::{Data, Purpose};
use crate::quantize::is_same_file;
use crate::{json, model, report, table};
use serde_json::json;
use std::path::Path;
use std::time::Instant;
use twolayer::host::dataset::Set;
use twolayer::host::report::{Report, integer_weights};
use twolayer::host::{Classifier, Evaluation, ModelFile, OwnedWeights, Quantized, Threads, evaluate, printable};
use twolayer::int::PackedNetwork;
use twolayer::{Backend, Kind, Network, Weights};

pub(crate) fn run(mut args: EvalArgs) -> Result<(), Error> {
    let model = model::select(args.model.as_ref(), &args.data, model::newest)?;
    if let Some(report) = &args.report {
        if is_same_file(report, &model) {
            return Err(Error::SameOutput { path: model });
        }
        Report::check_writable(report)?;
    }
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
    let evaluated = Evaluated { args: &args, model: &model, file: &file, data: &data, backend, threads: &threads };
    let evaluation = match weights {
        ModelWeights::F32(weights) => evaluated.with(&Network::new(weights.view(), backend), Some(weights.view())),
        ModelWeights::Quantized(quantized) => {
            let mut memory = vec![0; PackedNetwork::memory_len(shape)];
            let shown = if args.report.is_some() { integer_weights(&quantized)? } else { None };
            let network = PackedNetwork::new(&quantized.network(), &mut memory, backend)?;
            evaluated.with(&network, shown.as_ref().map(OwnedWeights::view))
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
    say!("model     {}: {shape}{kind_suffix}", printable(&model));
    say!("data      {} test images: {data}", test.len());
    table::print(&evaluation);
    table::print_coverage(&evaluation, if kind == Kind::F32 { 5 } else { 0 });
    say!("\naccuracy  {} of {} test images{}", table::percent(&evaluation), evaluation.total(), data.accuracy_suffix());
    if let Some(report) = &args.report {
        say!("report    {}", printable(report));
    }
    Ok(())
}

/// What is evaluated, on what, and how.
pub(crate) struct Evaluated<'a> {
    pub(crate) args: &'a EvalArgs,
    pub(crate) model: &'a Path,
    pub(crate) file: &'a ModelFile,
    pub(crate) data: &'a Data<Set>,
    pub(crate) backend: Backend,
    pub(crate) threads: &'a Threads,
}

impl Evaluated<'_> {
    /// Evaluates a network, and writes the report if there is to be one.
    fn with(&self, network: &impl Classifier, weights: Option<Weights<'_>>) -> Result<Evaluation, Error> {
        let start = Instant::now();
        let evaluation = evaluate(network, &self.data.dataset, self.threads)?;
        if let Some(path) = &self.args.report {
            report::of_evaluation(path, self, network, weights, start.elapsed())?;
        }
        Ok(evaluation)
    }
}

/// A model's weights.
enum ModelWeights {
    F32(OwnedWeights),
    Quantized(Quantized),
}
