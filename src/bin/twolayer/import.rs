//! `twolayer import`: makes a model of a network trained with PyTorch, NumPy or Keras.

use crate::args::{ImportArgs, InvertArgs};
use crate::console::say;
use crate::error::Error;
use crate::model::EXTENSION;
use crate::open_data::{Data, Purpose};
use crate::output::Replace;
use crate::{output, plausible, table};
use twolayer::host::tensors::{Imported, Input, Layout, Roles, TensorFiles};
use twolayer::host::{ModelFile, Threads, evaluate, printable};
use twolayer::model::Details;
use twolayer::{Backend, Kind, Network, Weights, weights_hash};

pub(crate) fn run(args: ImportArgs) -> Result<(), Error> {
    let first = args.files.first().cloned().unwrap_or_default();
    let again = args.out.is_none();
    let out = args.out.unwrap_or_else(|| first.with_extension(EXTENSION));
    let input = Input { scale: args.input_scale, mean: args.input_mean, deviation: args.input_std };
    let files = TensorFiles::open(&args.files, args.data.file.access())?;
    let roles = Roles { w1: args.w1, b1: args.b1, w2: args.w2, b2: args.b2, layout: args.layout };
    let imported = files.network(&roles, input)?;
    let weights = imported.weights.view();
    let origin = files.origin(&imported, input);
    let details = Details { text: &origin, ..Details::default() };
    let again = if again { Replace::Same(Kind::F32, weights.shape(), &origin) } else { Replace::Nothing };
    output::check(&out, &args.files, "--out", args.force.or(again))?;
    let room = ModelFile::reserve(&out, Kind::F32, weights.shape(), details)?;
    describe(&files, &imported, input);
    describe_ranges(weights);
    let evaluation = if args.data.data.is_empty() {
        None
    } else {
        let data = Data::test(&args.data, InvertArgs { invert: false }, Purpose::ExistingNetwork(weights.shape()))?;
        let network = Network::new(weights, Backend::detect());
        Some((evaluate(network, &data.dataset, &Threads::new(Threads::available()))?, data))
    };
    drop(room);
    ModelFile::write(&out, weights, details)?;
    say!("model     {}, weights {:016x}", printable(&out), weights_hash(weights));
    if let Some((evaluation, data)) = evaluation {
        table::print_accuracy(&evaluation, &data.accuracy_suffix());
        plausible::check(&evaluation, &data.source, data.dataset, &files, &roles);
    }
    Ok(())
}

/// Prints which tensors make up the network, and which are left over.
fn describe(files: &TensorFiles, imported: &Imported, input: Input) {
    let types: Vec<_> = imported.tensors.iter().map(|it| format!("{it} {}", it.type_name)).collect();
    say!("tensors   {}", types.join(", "));
    let unused: Vec<_> = files.infos().filter(|it| !imported.tensors.contains(it)).map(ToString::to_string).collect();
    if !unused.is_empty() {
        say!("not used  {}", unused.join(", "));
    }
    let by = match imported.layout {
        Layout::OutIn => "PyTorch",
        Layout::InOut => "NumPy and Keras",
    };
    say!("layout    {}, as in {by}", imported.layout);
    say!("network   {}", imported.weights.view().shape());
    let folded = if input == Input::RAW { "" } else { ", folded into W1 and b1" };
    say!("input     {input}{folded}");
}

/// Prints the least and the greatest number of each matrix and vector.
fn describe_ranges(weights: Weights<'_>) {
    let shape = weights.shape();
    let range = |name: &str, numbers: &mut dyn Iterator<Item = f32>| {
        let ends = |(least, most): (f32, f32), (it, _): (f32, f32)| (it.min(least), it.max(most));
        match numbers.map(|it| (it, it)).reduce(ends) {
            Some((least, most)) if least < most => say!("{name}        {least} to {most}"),
            Some((only, _)) => say!("{name}        {only}"),
            None => {}
        }
    };
    let (inputs, hidden, outputs) = (0..shape.inputs(), 0..shape.hidden(), 0..shape.outputs());
    range("W1", &mut inputs.flat_map(|i| hidden.clone().filter_map(move |h| weights.w1(i, h))));
    range("b1", &mut hidden.clone().filter_map(|h| weights.b1(h)));
    range("W2", &mut hidden.clone().flat_map(|h| outputs.clone().filter_map(move |o| weights.w2(h, o))));
    range("b2", &mut outputs.clone().filter_map(|o| weights.b2(o)));
}
