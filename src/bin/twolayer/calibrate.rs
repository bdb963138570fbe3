//! `twolayer calibrate`: makes a network's table of confidence, and writes it into its model.

use crate::args::CalibrateArgs;
use crate::console::say;
use crate::error::{Error, ensure, error};
use crate::open_data::{Data, Purpose};
use crate::output::Replace;
use crate::{confidence, model, output, table};
use twolayer::host::training::{calibrate, reliability};
use twolayer::host::{AnyWeights, FileAccess, ModelFile, Threads, evaluate, printable};
use twolayer::model::Details;

pub(crate) fn run(mut args: CalibrateArgs) -> Result<(), Error> {
    let path = model::select(args.model.as_ref(), &args.data, model::any)?;
    if let Some(out) = &args.out {
        output::check(out, &[&path], "--out", args.force.or(Replace::Nothing))?;
    }
    // Not mapped: it is to be replaced, which some systems refuse while it is.
    let file = ModelFile::open(&path, FileAccess::Read)?;
    let (kind, shape, weights) = (file.kind(), file.shape(), file.any()?);
    args.data.default_to(model::source_of(&path));
    let data = Data::test(&args.data, args.invert, Purpose::ExistingNetwork(shape))?.for_network(&file)?;
    let test = &data.dataset;
    let mut memory = Vec::new();
    let network = weights.network(&mut memory, args.backend.get())?;
    let evaluation = evaluate(network, test, &Threads::new(Threads::available()))?;
    let found = calibrate(&evaluation, test, kind).ok_or_else(|| {
        error!(
            "no confidence can be found on {}: there must be 200 or more, and answers with larger margins more often right",
            table::count(test.len(), "test image")
        )
    })?;
    let text = confidence::with_table(file.details().text, Some(found), &evaluation);
    let details = Details { text: &text, ..file.details() };
    ensure!(
        details.confidence().is_some(),
        "{}'s text of {} bytes leaves no room for the table: a model file has room for {}",
        printable(&path),
        text.len(),
        Details::MAX_TEXT
    );
    let out = args.out.as_ref().unwrap_or(&path);
    match &weights {
        AnyWeights::F32(weights) => ModelFile::write(out, weights.view(), details)?,
        AnyWeights::Quantized(quantized) => ModelFile::write_quantized(out, quantized, details)?,
    }
    say!("model     {}: {shape}, {kind}", printable(out));
    say!("data      {}: {data}", table::count(test.len(), "test image"));
    say!("confidence  {}", confidence::words(&found, kind));
    confidence::print(&reliability(&evaluation, test, kind, &found));
    say!("");
    table::print_accuracy(&evaluation, &data.accuracy_suffix());
    Ok(())
}
