//! `twolayer info`: describes a model file.

use crate::args::InfoArgs;
use crate::confidence::{self, Step};
use crate::console::say;
use crate::cost::{Costs, Counts};
use crate::error::{Error, error};
use crate::{json, model};
use core::iter::repeat;
use serde::Serialize;
use std::borrow::Cow;
use twolayer::host::{ModelFile, printable};
use twolayer::{Kind, weights_hash};

pub(crate) fn run(args: &InfoArgs) -> Result<(), Error> {
    let given = args.model_file.as_ref().or(args.model.as_ref());
    let model = given.cloned().map_or_else(|| model::newest(model::any), Ok)?;
    let file = ModelFile::open(&model, args.file.access())?;
    let (kind, shape) = (file.kind(), file.shape());
    let costs = args.board.map(|board| match kind {
        Kind::Quantized(_) if shape.deslanted_image().is_some() => {
            Err(error!("{}: --board has no counts of deslanting yet", printable(&model)))
        }
        Kind::Quantized(bits) => Ok(board.costs(shape, bits, file.len())),
        Kind::F32 => Err(error!(
            "{}: --board is for integer networks, and this one has f32 weights: `twolayer quantize {}` makes one",
            printable(&model),
            printable(&model)
        )),
    });
    let costs = costs.transpose()?;
    if args.json {
        let details = file.details();
        let weights = if kind == Kind::F32 { Some(weights_hash(file.weights()?.view())) } else { None };
        let line = ModelLine {
            model: model.to_string_lossy(),
            bytes: file.len(),
            kind: kind.to_string(),
            network: shape.into(),
            image: details.image,
            text: Some(details.text).filter(|text| !text.is_empty()),
            confidence: details.confidence().map(|table| confidence::steps(&table, kind).collect()),
            weights: weights.map(|hash| format!("{hash:016x}")),
            crc32: format!("{:08x}", file.checksum()),
            board: costs,
        };
        say!("{}", json::line(line));
        return Ok(());
    }
    say!("model     {}, {} bytes, undamaged", printable(&model), file.len());
    say!("network   {shape}, {kind} weights");
    let details = file.details();
    if let Some([width, height]) = details.image {
        say!("image     {width} × {height} pixels");
    }
    // Lines of their own.
    let lines = details.text.lines().filter(|line| !confidence::is_table(line) || details.confidence().is_none());
    for (line, title) in lines.zip(["text      "].into_iter().chain(repeat("          "))) {
        say!("{title}{}", printable(line));
    }
    if let Some(table) = details.confidence() {
        say!("confidence  {}", confidence::words(&table, kind));
        if let Some(made_of) = confidence::made_of(details.text) {
            say!("          {}", printable(made_of));
        }
    }
    match kind {
        Kind::F32 => say!("weights   {:016x}", weights_hash(file.weights()?.view())),
        Kind::Quantized(_) => {
            say!("payload   {} bytes, CRC-32 {:08x}", file.quantized()?.payload().len(), file.checksum());
        }
    }
    if let Some(costs) = costs {
        say!("board     {}: in Rust, built for size", costs.cores);
        say!("flash     {} bytes: {} of the model, {} of code", file.len() + costs.code, file.len(), costs.code);
        say!("RAM       {} bytes: {} of scratch, {} of stack", costs.scratch + costs.stack, costs.scratch, costs.stack);
        say!("opening   {} instructions, once", costs.opening);
        let counts = [
            ("image     ", "instructions", Some(costs.instructions)),
            ("          ", "cycles, modelled,", costs.cycles),
        ];
        for (title, what, counts) in counts {
            if let Some(Counts { blank, digit, worst }) = counts {
                say!("{title}{digit} {what} for a digit, {blank} for a blank image, {worst} at most");
            }
        }
    }
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "event", rename = "model")]
struct ModelLine<'a> {
    model: Cow<'a, str>,
    bytes: usize,
    kind: String,
    network: json::Network,
    image: Option<[u16; 2]>,
    text: Option<&'a str>,
    confidence: Option<Vec<Step>>,
    weights: Option<String>,
    crc32: String,
    board: Option<Costs>,
}
