//! `twolayer eval A B`: compares two networks, of any kinds, on the same test set.

use crate::args::EvalArgs;
use crate::console::say;
use crate::error::{Error, ensure};
use crate::open_data::{Data, Purpose};
use crate::output::Replace;
use crate::{json, model, output, report, table};
use serde::Serialize;
use std::borrow::Cow;
use std::path::Path;
use twolayer::host::report::{ComparisonReport, Report};
use twolayer::host::{Comparison, ModelFile, Pairs, Threads, compare, printable};
use twolayer::{Kind, Shape};

pub(crate) fn run(mut args: EvalArgs, paths: [&Path; 2]) -> Result<(), Error> {
    let [a, b] = paths;
    if let Some(report) = &args.report {
        output::check(report, &paths, "--report", args.force.or(Replace::Nothing))?;
        Report::check_writable(report)?;
    }
    let access = args.data.file.access();
    let files = [ModelFile::open(a, access)?, ModelFile::open(b, access)?];
    let [pixels, other_pixels] = [&files[0], &files[1]].map(|file| file.shape().pixels());
    ensure!(
        pixels == other_pixels,
        "{} takes images of {pixels} pixels, and {} of {other_pixels}: there are no images to compare them on",
        printable(a),
        printable(b)
    );
    let [names, other_names] = [&files[0], &files[1]].map(|file| file.details().class_names().collect::<Vec<_>>());
    ensure!(
        names.is_empty() || other_names.is_empty() || names == other_names,
        "{} has the classes {}, and {} {}: their answers cannot be compared",
        printable(a),
        printable(names.join(", ")),
        printable(b),
        printable(other_names.join(", "))
    );
    // Read before the data, which may have to be downloaded.
    let weights = [files[0].any()?, files[1].any()?];
    let asked = !args.data.data.is_empty();
    args.data.default_to(model::source_of(a).or_else(|| model::source_of(b)));
    // With fewer classes, so that the labels fit both.
    let shapes = [files[0].shape(), files[1].shape()];
    let smaller = if shapes[0].outputs() <= shapes[1].outputs() { shapes[0] } else { shapes[1] };
    let data = Data::test(&args.data, args.invert, Purpose::ExistingNetwork(smaller))?;
    let data = data.for_network(&files[usize::from(names.is_empty())])?;
    let (backend, mut memories) = (args.backend.get(), [Vec::new(), Vec::new()]);
    let [memory_a, memory_b] = &mut memories;
    let networks = (weights[0].network(memory_a, backend)?, weights[1].network(memory_b, backend)?);
    let threads = Threads::new(Threads::available());
    let comparison = compare(networks.0, networks.1, &data.dataset, &threads)?;
    let kinds = [files[0].kind(), files[1].kind()];
    if let Some(path) = &args.report {
        let command = report::command("eval", data.name().filter(|_| !asked), None);
        let fact = |place: usize| format!("{}, {}, {}", printable(paths[place]), shapes[place], kinds[place]);
        let count = table::count(data.dataset.len(), "test image");
        let facts = [("A", fact(0)), ("B", fact(1)), ("data", format!("{count}: {data}"))];
        let images = format!("test images{}", data.accuracy_suffix());
        let page =
            ComparisonReport { title: "twolayer: a comparison", images: &images, facts: &facts, command: &command };
        page.write(path, &data.dataset, &comparison)?;
    }
    if args.json {
        let of = |place: usize, evaluation| ModelPart {
            model: paths[place].to_string_lossy(),
            kind: kinds[place].to_string(),
            network: shapes[place].into(),
            right: json::Right::from(evaluation),
        };
        let Pairs { both, only_before, only_after, neither } = comparison.pairs;
        let line = ComparedLine {
            a: of(0, &comparison.before),
            b: of(1, &comparison.after),
            data: data.json(),
            backend: backend.name(),
            points: comparison.points(),
            agreed: comparison.agreed,
            both_right: both,
            only_a: only_before,
            only_b: only_after,
            both_wrong: neither,
            p: comparison.pairs.mcnemar(),
        };
        say!("{}", json::line(line));
        return Ok(());
    }
    for (name, place) in [("A", 0), ("B", 1)] {
        say!("model {name}   {}: {}", printable(paths[place]), described(shapes[place], kinds[place]));
    }
    say!("data      {}: {data}", table::count(data.dataset.len(), "test image"));
    print(&comparison, &data.accuracy_suffix());
    if let Some(report) = &args.report {
        say!("report    {}", printable(report));
    }
    Ok(())
}

fn described(shape: Shape, kind: Kind) -> String {
    if kind == Kind::F32 { shape.to_string() } else { format!("{shape}, {kind}") }
}

/// Prints who is right where, and what that means.
fn print(comparison: &Comparison, suffix: &str) {
    let Comparison { before, after, pairs, .. } = comparison;
    say!("\n            B right   B wrong");
    say!("A right   {:>9} {:>9}", pairs.both, pairs.only_before);
    say!("A wrong   {:>9} {:>9}", pairs.only_after, pairs.neither);
    let p = pairs.mcnemar();
    let p = if p < 0.0001 { format!("{p:.1e}") } else { format!("{p:.4}") };
    let one = table::count(pairs.only_before + pairs.only_after, "image");
    say!("\nMcNemar   p = {p}, two-sided and exact, of {one} that only one gets right");
    let [a, b] = [before, after].map(table::percent);
    say!("accuracy  {a} of A, {b} of B: {:+.2} points{suffix}", comparison.points());
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "event", rename = "compared")]
struct ComparedLine<'a> {
    a: ModelPart<'a>,
    b: ModelPart<'a>,
    data: json::Data<'a>,
    backend: &'static str,
    points: f64,
    agreed: usize,
    both_right: u32,
    only_a: u32,
    only_b: u32,
    both_wrong: u32,
    p: f64,
}

/// One of the two models.
#[derive(Serialize)]
struct ModelPart<'a> {
    model: Cow<'a, str>,
    kind: String,
    network: json::Network,
    #[serde(flatten)]
    right: json::Right,
}
