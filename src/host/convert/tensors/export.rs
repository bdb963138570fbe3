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
}

/// Writes the weights to `path`, atomically like a model, and returns the tensors that were written.
///
/// # Errors
///
/// [`ConvertError::File`] if the file cannot be written. An existing file is then left unchanged.
pub fn export(path: &Path, format: ExportFormat, weights: Weights<'_>) -> Result<Vec<TensorInfo>, ConvertError> {
    let (infos, numbers): (Vec<_>, Vec<_>) = tensors(weights, format).unzip();
    write_atomically(path, |file| {
        let mut to = BufWriter::new(file);
        match format {
            ExportFormat::Safetensors => write_safetensors(&infos, numbers, &mut to)?,
            ExportFormat::Npz => write_npz(&infos, numbers, &mut to)?,
        }
        to.flush()
    })?;
    Ok(infos)
}

/// A number of a layer: of weights by input and output, of biases by output.
type Number = fn(Weights<'_>, usize, usize) -> Option<f32>;

/// The tensors in a format's names, order and layout, with their numbers in the order of the file.
fn tensors(
    weights: Weights<'_>,
    format: ExportFormat,
) -> impl Iterator<Item = (TensorInfo, impl Iterator<Item = f32>)> {
    let (type_name, [w1, b1, w2, b2]) = match format {
        ExportFormat::Safetensors => ("F32", ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]),
        ExportFormat::Npz => ("<f4", ["w1", "b1", "w2", "b2"]),
    };
    let shape = weights.shape();
    let (inputs, hidden, outputs) = (shape.inputs(), shape.hidden(), shape.outputs());
    let tensors: [(_, _, Number); 4] = [
        (w1, vec![inputs, hidden], |weights, i, h| weights.w1(i, h)),
        (b1, vec![hidden], |weights, h, _| weights.b1(h)),
        (w2, vec![hidden, outputs], |weights, h, o| weights.w2(h, o)),
        (b2, vec![outputs], |weights, o, _| weights.b2(o)),
    ];
    let tensors = tensors.into_iter().filter(move |(_, sizes, _)| sizes.len() == 2 || shape.has_biases());
    tensors.map(move |(name, mut shape, number)| {
        // A matrix has a row for each output in safetensors, for each input in .npz.
        let outputs_first = format == ExportFormat::Safetensors && shape.len() == 2;
        if outputs_first {
            shape.reverse();
        }
        let (rows, columns) = (shape[0], shape.get(1).copied().unwrap_or(1));
        let at = move |row, column| if outputs_first { (column, row) } else { (row, column) };
        let places = (0..rows).flat_map(move |row| (0..columns).map(move |column| at(row, column)));
        let numbers = places.filter_map(move |(input, output)| number(weights, input, output));
        (TensorInfo { name: name.into(), shape, type_name: type_name.into() }, numbers)
    })
}

/// (The crate's own writer keeps the notes in a map without an order, so that equal weights would give different bytes.)
fn write_safetensors(
    infos: &[TensorInfo],
    numbers: Vec<impl Iterator<Item = f32>>,
    to: &mut impl Write,
) -> io::Result<()> {
    let mut header = String::from(
        r#"{"__metadata__":{"format":"pt","input":"pixels 0..255, not scaled","network":"fc2(relu(fc1(x)))"}"#,
    );
    let mut start = 0;
    for TensorInfo { name, shape, .. } in infos {
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
    numbers.into_iter().try_for_each(|numbers| write_numbers(numbers, to))
}

/// Stored, not deflated: weights hardly shrink. No entry has a time.
fn write_npz(infos: &[TensorInfo], numbers: Vec<impl Iterator<Item = f32>>, to: &mut impl Write) -> io::Result<()> {
    let mut archive = ZipArchiveWriter::new(to);
    for (TensorInfo { name, shape, .. }, numbers) in infos.iter().zip(numbers) {
        let file = format!("{name}.npy");
        let (mut entry, config) = archive.new_file(file.as_str()).start().map_err(io_error)?;
        let mut writer = config.wrap(&mut entry);
        writer.write_all(&npy::header(shape))?;
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

fn write_numbers(numbers: impl Iterator<Item = f32>, to: &mut impl Write) -> io::Result<()> {
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
