//! `twolayer export`: writes a model's weights for PyTorch or NumPy, or a quantised model as C.

use crate::args::ExportArgs;
use crate::console::say;
use crate::error::{Error, ensure, error};
use crate::output::Replace;
use crate::values::Format;
use crate::{model, output};
use std::path::Path;
use twolayer::host::tensors::{ExportFormat, export};
use twolayer::host::{C99, Framework, ModelFile, printable};
use twolayer::{Kind, weights_hash};

pub(crate) fn run(args: &ExportArgs) -> Result<(), Error> {
    let format = match (args.format, &args.out) {
        (Some(format), _) => format,
        (None, _) if args.layout.is_some() => Format::C99,
        (None, Some(out)) => format_of(out)?,
        (None, None) => Format::Tensors(ExportFormat::Safetensors),
    };
    ensure!(
        args.name.is_none() || format == Format::C99,
        "--name is for C only: choose --format c99, or leave --name out"
    );
    ensure!(
        args.layout.is_none() || format == Format::C99,
        "--layout is for C only: choose --format c99, or leave one of them out"
    );
    let preferred = if format == Format::C99 { model::has_quantized_name } else { model::has_f32_name };
    let given = args.model_file.as_ref().or(args.model.as_ref());
    let model = given.cloned().map_or_else(|| model::newest(preferred), Ok)?;
    let extension = args.layout.map_or(format.extension(), Framework::name);
    let out = args.out.clone().unwrap_or_else(|| model.with_extension(extension));
    // What is in the directory of a layout is looked at when it is written.
    let outs = match (format, args.layout) {
        (Format::C99, None) => vec![out.clone(), C99::header_path(&out)],
        _ => vec![out.clone()],
    };
    let file = ModelFile::open(&model, args.file.access())?;
    // `net.safetensors` may be what `net.twolayer` was imported from.
    outs.iter().try_for_each(|out| output::check(out, &[&model], "--out", args.force.or(Replace::Nothing)))?;
    match format {
        Format::Tensors(format) => write_tensors(&model, &file, &out, format),
        Format::C99 => {
            let name = args.name.clone().unwrap_or_else(|| name_of(&out));
            write_c(&model, &file, &out, &name, args.layout)
        }
    }
}

fn write_tensors(model: &Path, file: &ModelFile, out: &Path, format: ExportFormat) -> Result<(), Error> {
    let (kind, shape) = (file.kind(), file.shape());
    ensure!(
        kind == Kind::F32,
        "{} has {kind} weights, which other programs cannot read: give the f32 model that it was made from with --model, or \
         choose --format c99",
        printable(model)
    );
    let weights = file.weights()?;
    say!("model     {}: {shape}, weights {:016x}", printable(model), weights_hash(weights.view()));
    let tensors = export(out, format, weights.view())?;
    let tensors: Vec<_> = tensors.iter().map(ToString::to_string).collect();
    say!("written   {}: {}", printable(out), tensors.join(", "));
    Ok(())
}

fn write_c(model: &Path, file: &ModelFile, out: &Path, name: &str, layout: Option<Framework>) -> Result<(), Error> {
    let (kind, shape) = (file.kind(), file.shape());
    ensure!(
        kind != Kind::F32,
        "{} has f32 weights, but C code needs a quantised model: run `twolayer quantize`, and give its output with --model",
        printable(model)
    );
    let network = file.quantized()?;
    let c = C99::new(name, &network)?.of(file);
    let written = match layout {
        None => c.write(out).map(|()| "and its header".into())?,
        Some(framework) => c.write_library(framework, out).map(|()| format!("for {}", framework.name()))?,
    };
    say!("model     {}: {shape}, {kind}", printable(model));
    say!("written   {} {written}: names begin with {name}_", printable(out));
    say!("needs     {} bytes of flash and 1 KB for code, {} bytes of RAM", c.flash(), c.ram());
    Ok(())
}

/// The format that a file's extension names.
fn format_of(path: &Path) -> Result<Format, Error> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let formats = ExportFormat::ALL.into_iter().map(Format::Tensors).chain([Format::C99]);
    formats.into_iter().find(|format| format.extension() == extension).ok_or_else(|| {
        error!(
            "{} does not have the extension of a known format: name it *.safetensors, *.npz or *.c, or choose a --format",
            printable(path)
        )
    })
}

/// What names begin with in a C file or a directory: its own name, with underscores for what cannot be part of names.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
