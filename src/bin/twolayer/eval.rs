//! `twolayer eval`: evaluates a trained network on a test set; two are compared in `compare.rs`, and several answer together in
//! `ensemble.rs`.

use crate::args::EvalArgs;
use crate::console::say;
use crate::error::Error;
use crate::open_data::{Data, Purpose};
use crate::output::Replace;
use crate::report::Evaluated;
use crate::{compare, confidence, ensemble, json, model, origin, output, report, table, turned};
use serde::Serialize;
use std::borrow::Cow;
use std::time::Instant;
use twolayer::host::report::Report;
use twolayer::host::training::reliability;
use twolayer::host::{ModelFile, Threads, evaluate, printable};
use twolayer::{Kind, LossFunction};

pub(crate) fn run(mut args: EvalArgs) -> Result<(), Error> {
    let models = core::mem::take(&mut args.models);
    if args.ensemble {
        return ensemble::run(args, &models);
    }
    if let [a, b] = &models[..] {
        return compare::run(args, [a, b]);
    }
    let given = args.model.as_ref().or(models.first());
    let model = model::select(given, &args.data, model::any)?;
    if let Some(report) = &args.report {
        output::check(report, &[&model], "--report", args.force.or(Replace::Nothing))?;
        Report::check_writable(report)?;
    }
    let file = ModelFile::open(&model, args.data.file.access())?;
    let (kind, shape) = (file.kind(), file.shape());
    // Read before the data, which may have to be downloaded.
    let weights = file.any()?;
    args.data.default_to(model::source_of(&model));
    let data = Data::test(&args.data, args.invert, Purpose::ExistingNetwork(shape))?;
    let data = data.for_network(&file)?;
    let test = &data.dataset;
    let (backend, threads) = (args.backend.get(), Threads::new(Threads::available()));
    let mut memory = Vec::new();
    let network = weights.network(&mut memory, backend)?;
    let start = Instant::now();
    let evaluation = evaluate(network, test, &threads)?;
    let time = start.elapsed();
    let given_confidence = file.details().confidence().map(|table| reliability(&evaluation, test, kind, &table));
    // What is trained by the article's recipe has squared error.
    let is_article = origin::loss(file.details().text) == LossFunction::Squared;
    turned::warn(network, test, &evaluation, (args.data.transpose, args.invert.invert), is_article);
    if let Some(path) = &args.report {
        let evaluated = Evaluated {
            title: "twolayer: an evaluation",
            images: format!("test images{}", data.accuracy_suffix()),
            data: format!("{}: {data}", table::count(test.len(), "test image")),
            test,
            originals: &[],
            model: (&model, &file),
            weights: &weights,
            backend,
            evaluation: &evaluation,
            time,
            command: report::command(
                "eval",
                data.name().filter(|_| args.data.data.is_empty()),
                given.is_none().then_some(&model),
            ),
        };
        report::of_evaluation(path, evaluated)?;
    }
    if args.json {
        let line = EvaluatedLine {
            model: model.to_string_lossy(),
            kind: kind.to_string(),
            network: shape.into(),
            data: data.json(),
            backend: backend.name(),
            tested: json::Tested::new(&evaluation, test.class_names()),
            confidence: given_confidence.map(|given| given.into_iter().map(confidence::Given::from).collect()),
        };
        say!("{}", json::line(line));
        return Ok(());
    }
    let kind_suffix = if kind == Kind::F32 { String::new() } else { format!(", {kind}") };
    say!("model     {}: {shape}{kind_suffix}", printable(&model));
    say!("data      {}: {data}", table::count(test.len(), "test image"));
    table::print_named(&evaluation, test.class_names());
    table::print_coverage(&evaluation, if kind == Kind::F32 { 5 } else { 0 });
    if let Some(given) = &given_confidence {
        confidence::print(given);
    }
    say!("");
    table::print_accuracy(&evaluation, &data.accuracy_suffix());
    if let Some(report) = &args.report {
        say!("report    {}", printable(report));
    }
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "event", rename = "evaluated")]
struct EvaluatedLine<'a> {
    model: Cow<'a, str>,
    kind: String,
    network: json::Network,
    data: json::Data<'a>,
    backend: &'static str,
    #[serde(flatten)]
    tested: json::Tested,
    confidence: Option<Vec<confidence::Given>>,
}
