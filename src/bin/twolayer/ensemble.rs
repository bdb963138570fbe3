//! `twolayer eval A B C --ensemble`: several networks that answer together, on a test set.

use crate::args::EvalArgs;
use crate::console::say;
use crate::error::Error;
use crate::open_data::{Data, Purpose};
use crate::start::open_f32;
use crate::teachers::check_alike;
use crate::{json, model, origin, table};
use serde::Serialize;
use std::path::PathBuf;
use twolayer::Network;
use twolayer::host::{Threads, evaluate_ensemble, printable};

pub(crate) fn run(mut args: EvalArgs, models: &[PathBuf]) -> Result<(), Error> {
    let access = args.data.file.access();
    let open = |path: &PathBuf| open_f32(path, access, "its outputs have no unit in which a mean could be taken");
    let opened = models.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = opened.first().map(|(file, _)| file) else { return Ok(()) };
    let shape = first.shape();
    // The first whose classes have names.
    let named = opened.iter().map(|(file, _)| file).find(|file| file.details().class_names().next().is_some());
    let named = named.unwrap_or(first);
    let names: Vec<_> = named.details().class_names().map(str::to_owned).collect();
    for (path, (file, _)) in models.iter().zip(&opened) {
        check_alike((path, file), shape, &names, "another model of the ensemble")?;
    }
    args.data.default_to(models.iter().find_map(|path| model::source_of(path)));
    let data = Data::test(&args.data, args.invert, Purpose::ExistingNetwork(shape))?.for_network(named)?;
    let (test, backend) = (&data.dataset, args.backend.get());
    let networks: Vec<_> = opened
        .iter()
        .map(|(file, weights)| (Network::new(weights.view(), backend), origin::loss(file.details().text)))
        .collect();
    let evaluation = evaluate_ensemble(&networks, test, &Threads::new(Threads::available()))?;
    if args.json {
        let part = |(path, (network, _)): (&PathBuf, &(Network<'_>, _))| ModelPart {
            model: path.to_string_lossy().into_owned(),
            network: network.shape().into(),
        };
        let line = EnsembleLine {
            models: models.iter().zip(&networks).map(part).collect(),
            data: data.json(),
            backend: backend.name(),
            tested: json::Tested::new(&evaluation, test.class_names()),
        };
        say!("{}", json::line(line));
        return Ok(());
    }
    for (path, (network, _)) in models.iter().zip(&networks) {
        say!("model     {}: {}", printable(path), network.shape());
    }
    say!("data      {}: {data}", table::count(test.len(), "test image"));
    table::print_named(&evaluation, test.class_names());
    table::print_coverage(&evaluation, 5);
    say!("");
    table::print_accuracy(&evaluation, &data.accuracy_suffix());
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "event", rename = "ensemble")]
struct EnsembleLine<'a> {
    models: Vec<ModelPart>,
    data: json::Data<'a>,
    backend: &'static str,
    #[serde(flatten)]
    tested: json::Tested,
}

/// One of the models.
#[derive(Serialize)]
struct ModelPart {
    model: String,
    network: json::Network,
}
