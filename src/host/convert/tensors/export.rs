//! Writes a network's weights for PyTorch (safetensors) or NumPy (.npz). The same weights give the same bytes.

use super::{TensorInfo, npy};
use crate::host::convert::ConvertError;
use crate::host::files::write_atomically;
use crate::net::Weights;
use core::fmt::Write as _;
use rawzip::ZipArchiveWriter;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A format that weights are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// For PyTorch: `fc1.weight` `[hidden, inputs]` and `fc2.weight` `[outputs, hidden]`, with `fc1.bias` and `fc2.bias`
    /// where there are biases.
    Safetensors,
    /// For NumPy: `w1` `[inputs, hidden]` and `w2` `[hidden, outputs]`, with `b1` and `b2` where there are biases.
    Npz,
}

impl ExportFormat {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Safetensors, Self::Npz];

    /// The name, which is also the extension of files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Npz => "npz",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Writes the weights to `path`, atomically like a model, and returns the tensors that were written.
///
/// # Errors
///
/// [`ConvertError::File`] if the file cannot be written. An existing file is then left unchanged.
pub fn export(path: &Path, format: ExportFormat, weights: Weights<'_>) -> Result<Vec<TensorInfo>, ConvertError> {
    let tensors = tensors(weights, format);
    let type_name = match format {
        ExportFormat::Safetensors => "F32",
        ExportFormat::Npz => "<f4",
    };
    let infos = tensors
        .iter()
        .map(|(name, (shape, _))| TensorInfo {
            name: (*name).into(),
            shape: shape.clone(),
            type_name: type_name.into(),
        })
        .collect();
    write_atomically(path, |file| {
        let mut to = BufWriter::new(file);
        match format {
            ExportFormat::Safetensors => write_safetensors(tensors, &mut to)?,
            ExportFormat::Npz => write_npz(tensors, &mut to)?,
        }
        to.flush()
    })?;
    Ok(infos)
}

/// A tensor to write: its name, and its shape and numbers in the order of the file.
type Tensor<'a> = (&'static str, (Vec<usize>, Numbers<'a>));

type Numbers<'a> = Box<dyn Iterator<Item = f32> + 'a>;

/// The tensors in a format's names, order and layout.
fn tensors(weights: Weights<'_>, format: ExportFormat) -> Vec<Tensor<'_>> {
    let [w1, b1, w2, b2] = match format {
        ExportFormat::Safetensors => ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"],
        ExportFormat::Npz => ["w1", "b1", "w2", "b2"],
    };
    let shape = weights.shape();
    let (inputs, hidden, outputs) = (shape.inputs(), shape.hidden(), shape.outputs());
    let mut tensors = vec![(w1, matrix(format, inputs, hidden, move |i, h| weights.w1(i, h)))];
    if shape.has_biases() {
        tensors.push((b1, vector(hidden, move |h| weights.b1(h))));
    }
    tensors.push((w2, matrix(format, hidden, outputs, move |h, o| weights.w2(h, o))));
    if shape.has_biases() {
        tensors.push((b2, vector(outputs, move |o| weights.b2(o))));
    }
    tensors
}

/// A layer's weights: a row for each output in safetensors, for each input in .npz.
fn matrix<'a>(
    format: ExportFormat,
    inputs: usize,
    outputs: usize,
    at: impl Fn(usize, usize) -> Option<f32> + Copy + 'a,
) -> (Vec<usize>, Numbers<'a>) {
    let outputs_first = format == ExportFormat::Safetensors;
    let (rows, columns) = if outputs_first { (outputs, inputs) } else { (inputs, outputs) };
    let number = move |row, column| if outputs_first { at(column, row) } else { at(row, column) };
    let numbers = (0..rows).flat_map(move |row| (0..columns).filter_map(move |column| number(row, column)));
    (vec![rows, columns], Box::new(numbers))
}

fn vector<'a>(len: usize, at: impl Fn(usize) -> Option<f32> + 'a) -> (Vec<usize>, Numbers<'a>) {
    (vec![len], Box::new((0..len).filter_map(at)))
}

/// (The crate's own writer keeps the notes in a map without an order, so that equal weights would give different bytes.)
fn write_safetensors(tensors: Vec<Tensor<'_>>, to: &mut impl Write) -> io::Result<()> {
    let mut header = String::from(
        r#"{"__metadata__":{"format":"pt","input":"pixels 0..255, not scaled","network":"fc2(relu(fc1(x)))"}"#,
    );
    let mut start = 0;
    for (name, (shape, _)) in &tensors {
        let end = start + shape.iter().product::<usize>() * size_of::<f32>();
        let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
        let _ = write!(
            header,
            r#","{name}":{{"dtype":"F32","shape":[{}],"data_offsets":[{start},{end}]}}"#,
            sizes.join(",")
        );
        start = end;
    }
    header.push('}');
    // Spaces, so that the numbers begin at a multiple of 8.
    header.extend(core::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(header.as_bytes())?;
    tensors.into_iter().try_for_each(|(_, (_, numbers))| write_numbers(numbers, to))
}

/// Stored, not deflated: weights hardly shrink. No entry has a time.
fn write_npz(tensors: Vec<Tensor<'_>>, to: &mut impl Write) -> io::Result<()> {
    let mut archive = ZipArchiveWriter::new(to);
    for (name, (shape, numbers)) in tensors {
        let file = format!("{name}.npy");
        let (mut entry, config) = archive.new_file(file.as_str()).start().map_err(io_error)?;
        let mut writer = config.wrap(&mut entry);
        writer.write_all(&npy::header(&shape))?;
        write_numbers(numbers, &mut writer)?;
        let (_, descriptor) = writer.finish().map_err(io_error)?;
        entry.finish(descriptor).map_err(io_error)?;
    }
    archive.finish().map(drop).map_err(io_error)
}

fn io_error(error: rawzip::Error) -> io::Error {
    match error.into_kind() {
        rawzip::ErrorKind::IO(error) => error,
        other => io::Error::other(rawzip::Error::from(other)),
    }
}

fn write_numbers(numbers: Numbers<'_>, to: &mut impl Write) -> io::Result<()> {
    // In pieces, since each write to an archive costs a checksum of its own.
    const PIECE: usize = 1 << 14;
    let mut piece = Vec::with_capacity(PIECE);
    for number in numbers {
        piece.extend(number.to_le_bytes());
        if piece.len() >= PIECE {
            to.write_all(&piece)?;
            piece.clear();
        }
    }
    to.write_all(&piece)
}
