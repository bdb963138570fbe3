//! `twolayer info`: describes a model file.

use crate::args::InfoArgs;
use crate::confidence::{self, Step};
use crate::console::say;
use crate::error::Error;
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
    }
    match kind {
        Kind::F32 => say!("weights   {:016x}", weights_hash(file.weights()?.view())),
        Kind::Quantized(_) => {
            say!("payload   {} bytes, CRC-32 {:08x}", file.quantized()?.payload().len(), file.checksum());
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
}
