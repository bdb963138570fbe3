//! `twolayer quantize`: converts an f32 model to int8 or int4.

use crate::args::QuantizeArgs;
use crate::console::say;
use crate::error::{Error, ensure};
use crate::model::{self, EXTENSION};
use crate::open_data::{Data, Purpose};
use crate::output::Replace;
use crate::teachers::{Teachers, taught};
use crate::{classes, confidence, json, output, table};
use serde::Serialize;
use std::borrow::Cow;
use std::time::Instant;
use twolayer::host::{self, ModelFile, Threads, compare, printable};
use twolayer::int::PackedNetwork;
use twolayer::model::{Details, HEADER_LEN};
use twolayer::{Kind, Network, crc32};

pub(crate) fn run(mut args: QuantizeArgs) -> Result<(), Error> {
    let given = args.model_file.as_ref().or(args.model.as_ref());
    let model = model::select(given, &args.data, model::has_f32_name)?;
    let file = ModelFile::open(&model, args.data.file.access())?;
    let (kind, shape) = (file.kind(), file.shape());
    ensure!(
        kind == Kind::F32,
        "{} already has {kind} weights: give a model with f32 weights with --model",
        printable(&model)
    );
    let (bits, new_kind) = (args.bits, Kind::Quantized(args.bits));
    // Such as `mnist.int8.twolayer` for `mnist.twolayer`.
    let out = args.out.clone().unwrap_or_else(|| model.with_extension(format!("{new_kind}.{EXTENSION}")));
    let teachers = Teachers::open(&args.teacher, args.data.file.access())?;
    let tuning = args.tuning();
    let words = tuning.as_ref().map(|tuning| taught(tuning.to_string(), &teachers.hashes()));
    let more = words.as_ref().map_or(String::new(), |words| format!("tuned as {new_kind}: {words}"));
    let text = classes::appended(file.details().text, &more);
    let again = if args.out.is_none() { Replace::Same(new_kind, shape, &text) } else { Replace::Nothing };
    let inputs: Vec<_> = args.teacher.iter().chain([&model]).collect();
    output::check(&out, &inputs, "--out", args.force.or(again))?;
    let with_table = confidence::longest(&text);
    let room = ModelFile::reserve(&out, new_kind, shape, Details { text: &with_table, ..file.details() })?;
    let weights = file.weights()?;
    args.data.default_to(model::source_of(&model));
    let data = Data::open(&args.data, args.invert, Purpose::ExistingNetwork(shape), false)?.for_network(&file)?;
    let (train, test) = (&data.dataset.train, &data.dataset.test);
    teachers.check(shape, train.class_names())?;

    let images = args.images.min(train.len());
    if !args.json {
        say!("model     {}: {shape}, {kind}, {} bytes", printable(&model), file.len());
        let trained = if tuning.is_some() { train.len() } else { images };
        say!("data      {trained} training and {}: {data}", table::count(test.len(), "test image"));
    }
    let start = Instant::now();
    let quantized = match &tuning {
        None => host::quantize(weights.view(), bits, train, images)?,
        Some(tuning) => host::tune(weights.view(), bits, train, images, tuning, &teachers.weights(), |epoch, loss| {
            let seconds = start.elapsed().as_secs_f64();
            if args.json {
                say!("{}", json::line(EpochLine { epoch, mean_loss: loss, seconds }));
            } else {
                say!("epoch {epoch}   mean loss {loss:.5}; {seconds:.1} s");
            }
        })?,
    };
    let time = start.elapsed();
    let backend = args.backend.get();
    let mut memory = vec![0; PackedNetwork::memory_len(shape)];
    let packed = PackedNetwork::new(&quantized.network(), &mut memory, backend)?;
    let comparison = compare(Network::new(weights.view(), backend), packed, test, &Threads::new(Threads::available()))?;
    drop(room);
    let text = confidence::calibrated(&text, &comparison.after, test, new_kind);
    ModelFile::write_quantized(&out, &quantized, Details { text: &text, ..file.details() })?;

    // Computed, not read from the file, which may be a pipe.
    let bytes = HEADER_LEN + quantized.payload().len() + text.len();
    if args.json {
        let line = QuantizedLine {
            model: model.to_string_lossy(),
            out: out.to_string_lossy(),
            kind: new_kind.to_string(),
            bytes,
            crc32: format!("{:08x}", crc32(quantized.payload())),
            network: shape.into(),
            data: data.json(),
            images,
            tuning: words,
            backend: backend.name(),
            seconds: time.as_secs_f64(),
            agreed: comparison.agreed,
            total: test.len(),
            before: (&comparison.before).into(),
            after: (&comparison.after).into(),
        };
        say!("{}", json::line(line));
        return Ok(());
    }
    say!("written   {}: {new_kind}, {bytes} bytes, after {:.1} s", printable(&out), time.as_secs_f64());
    let agreed = 100.0 * table::to_f64(comparison.agreed) / table::to_f64(test.len());
    say!("agreement {agreed:.2} % of {}", table::count(test.len(), "test image"));
    say!(
        "accuracy  {} before, {} after: {:+.2} points{}",
        table::percent(&comparison.before),
        table::percent(&comparison.after),
        comparison.points(),
        data.accuracy_suffix()
    );
    Ok(())
}

/// What `--tune --json` prints after each epoch.
#[derive(Serialize)]
#[serde(tag = "event", rename = "epoch")]
struct EpochLine {
    epoch: u32,
    mean_loss: f64,
    seconds: f64,
}

/// What `--json` prints at the end.
#[derive(Serialize)]
#[serde(tag = "event", rename = "quantized")]
struct QuantizedLine<'a> {
    model: Cow<'a, str>,
    out: Cow<'a, str>,
    kind: String,
    bytes: usize,
    crc32: String,
    network: json::Network,
    data: json::Data<'a>,
    images: usize,
    tuning: Option<String>,
    backend: &'static str,
    seconds: f64,
    agreed: usize,
    total: usize,
    before: json::Right,
    after: json::Right,
}
