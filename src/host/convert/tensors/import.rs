//! Makes a network from tensors, with the scaling of its input folded into the first layer.

use super::error::TensorError;
use super::roles::{Layout, Roles};
use super::{TensorFiles, TensorInfo, activation};
use crate::host::convert::ConvertError;
use crate::host::files::OwnedWeights;
use core::fmt;
use std::path::PathBuf;

/// How a pixel x, 0 to 255, was scaled before it entered the network: (x / scale − mean) / deviation.
///
/// PyTorch's `ToTensor` has the scale 255, and `Normalize(0.1307, 0.3081)` has this mean and deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names explain themselves")]
pub struct Input {
    pub scale: f64,
    pub mean: f64,
    pub deviation: f64,
}

impl Input {
    /// Pixels as they are.
    pub const RAW: Self = Self { scale: 1.0, mean: 0.0, deviation: 1.0 };

    fn check(self) -> Result<(), TensorError> {
        let positive = "a finite number above 0";
        for (what, number, expected, good) in [
            ("scale", self.scale, positive, self.scale > 0.0),
            ("mean", self.mean, "a finite number", true),
            ("standard deviation", self.deviation, positive, self.deviation > 0.0),
        ] {
            if !good || !number.is_finite() {
                return Err(TensorError::Input { what, found: number.to_string(), expected });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Input {
    /// For example `(x / 255 - 0.1307) / 0.3081`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self { scale, mean, deviation } = self;
        let (scaled, shifted, divided) = (scale - 1.0 != 0.0, mean != 0.0, deviation - 1.0 != 0.0);
        f.write_str(if shifted && divided { "(x" } else { "x" })?;
        if scaled {
            write!(f, " / {scale}")?;
        }
        if shifted {
            write!(f, " {} {}", if mean < 0.0 { '+' } else { '-' }, mean.abs())?;
        }
        if divided {
            write!(f, "{} / {deviation}", if shifted { ")" } else { "" })?;
        }
        Ok(())
    }
}

/// A network made from tensors.
#[derive(Debug)]
#[non_exhaustive]
pub struct Imported {
    /// Its weights, for raw pixels as input.
    pub weights: OwnedWeights,
    /// The tensors it was made from: W1, b1, W2, b2, without absent biases.
    pub tensors: Vec<TensorInfo>,
    /// How the matrices are stored.
    pub layout: Layout,
}

impl TensorFiles {
    /// Makes a network from the tensors, with the scaling of its input folded into W1 and b1, so that it takes raw pixels.
    /// The numbers are computed in f64 and rounded to f32 once; with [`Input::RAW`], f32 numbers are copied. The network
    /// has biases if one of the tensors is a bias, or the input has a mean.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Tensors`], with
    /// - [`TensorError::Missing`], [`TensorError::NoFit`], [`TensorError::Size`], [`TensorError::Unnamed`] or
    ///   [`TensorError::Ambiguous`] if the tensors do not make exactly one network,
    /// - [`TensorError::Network`] if they are of more than two layers, or the file tells another activation than ReLU,
    /// - [`TensorError::Tensor`] if their numbers cannot be read or are not finite in f32, [`TensorError::Foreign`] if they are Python
    ///   objects,
    /// - [`TensorError::Input`] if a number of `input` is out of range;
    ///
    /// [`ConvertError::File`] if memory runs out.
    pub fn network(&self, roles: &Roles, input: Input) -> Result<Imported, ConvertError> {
        let error = |error| ConvertError::Tensors { path: self.paths(), error };
        input.check().map_err(error)?;
        if let Some(other) = activation::other_than_relu(self.texts()) {
            return Err(error(TensorError::Network { what: activation::refused(other) }));
        }
        let (reading, shape) = roles.find(self).map_err(|found| error(self.objects().unwrap_or(found)))?;
        let biases = reading.b1.is_some() || reading.b2.is_some() || input.mean != 0.0;
        let (inputs, hidden, outputs) = (shape.inputs(), shape.hidden(), shape.outputs());

        let (w1, w2) = (self.matrix(reading.w1, reading.layout), self.matrix(reading.w2, reading.layout));
        let (b1, b2) = (reading.b1.map(|place| self.vector(place)), reading.b2.map(|place| self.vector(place)));
        // Before memory is taken and anything is inflated: a header may announce more numbers than the file has.
        let sizes = [(Some(&w1), [inputs, hidden]), (b1.as_ref(), [hidden, 1])];
        let sizes = sizes.into_iter().chain([(Some(&w2), [hidden, outputs]), (b2.as_ref(), [outputs, 1])]);
        for (matrix, [rows, columns]) in sizes {
            matrix.map_or(Ok(()), |matrix| self.check(matrix.place, rows * columns))?;
        }
        let mut owned = OwnedWeights::zeros(if biases { shape.with_biases() } else { shape })?;
        let mut weights = owned.view_mut();
        let step = input.scale * input.deviation;
        let mut sums = vec![0.0; hidden];
        w1.read([inputs, hidden], |i, h, weight| {
            if let Some(sum) = sums.get_mut(h) {
                *sum += weight;
            }
            put(weights.w1_mut(i, h), weight / step)
        })?;
        let mut biases_read = vec![0.0; hidden];
        if let Some(b1) = &b1 {
            b1.read([hidden, 1], |h, _, bias| {
                if let Some(to) = biases_read.get_mut(h) {
                    *to = bias;
                }
                Ok(())
            })?;
        }
        for (h, (sum, bias)) in sums.into_iter().zip(biases_read).enumerate().filter(|_| biases) {
            // Without a mean, the bias is copied to the bit.
            let bias = if input.mean == 0.0 { bias } else { bias - input.mean / input.deviation * sum };
            let whose = |found: &str| match &b1 {
                Some(b1) => b1.not_finite(h, 0, found),
                None => not_finite(&self.tensor(reading.w1).info.name, &[h], found),
            };
            put(weights.b1_mut(h), bias).map_err(|found| error(whose(&found)))?;
        }
        w2.read([hidden, outputs], |h, o, weight| put(weights.w2_mut(h, o), weight))?;
        if let Some(b2) = &b2 {
            b2.read([outputs, 1], |o, _, bias| put(weights.b2_mut(o), bias))?;
        }
        let tensors = reading.tensors().filter_map(|place| self.infos().nth(place).cloned()).collect();
        Ok(Imported { weights: owned, tensors, layout: reading.layout })
    }

    /// A note of at most 200 bytes on where a network comes from, for its model file: for example `imported from
    /// net.safetensors: fc1.weight, fc2.weight; input x / 255`.
    #[must_use]
    pub fn origin(&self, imported: &Imported, input: Input) -> String {
        const MOST: usize = 200;
        let file_name = |path: &PathBuf| path.file_name().map(|it| it.to_string_lossy().into_owned());
        let files: Vec<_> = self.files.iter().filter_map(|(path, _)| file_name(path)).collect();
        let names: Vec<_> = imported.tensors.iter().map(|it| it.name.as_str()).filter(|it| !self.is_file(it)).collect();
        let separator = if names.is_empty() { "" } else { ": " };
        let mut note = format!("imported from {}{separator}{}; input {input}", files.join(", "), names.join(", "));
        if note.len() > MOST {
            let end = (0..=MOST - "…".len()).rev().find(|&end| note.is_char_boundary(end));
            note.truncate(end.unwrap_or_default());
            note.push('…');
        }
        note
    }

    fn matrix(&self, place: usize, layout: Layout) -> Matrix<'_> {
        let outputs_first = layout == Layout::OutIn;
        let outputs_run_fastest = outputs_first == self.tensor(place).fortran;
        Matrix { files: self, place, outputs_run_fastest, outputs_first: Some(outputs_first) }
    }

    /// A bias: a matrix of one output.
    fn vector(&self, place: usize) -> Matrix<'_> {
        Matrix { files: self, place, outputs_run_fastest: true, outputs_first: None }
    }
}

/// A tensor read as `[in][out]`, whatever its layout.
struct Matrix<'a> {
    files: &'a TensorFiles,
    place: usize,
    /// Whether the numbers of an input follow each other in the file, or else those of an output.
    outputs_run_fastest: bool,
    /// Whether the output is the tensor's first index; nothing for a vector.
    outputs_first: Option<bool>,
}

impl Matrix<'_> {
    /// Hands over every number with its input and its output, in the order of the file. The error of `take` is the number that a
    /// network cannot have.
    fn read(
        &self,
        [inputs, outputs]: [usize; 2],
        mut take: impl FnMut(usize, usize, f64) -> Result<(), String>,
    ) -> Result<(), ConvertError> {
        let row = if self.outputs_run_fastest { outputs } else { inputs };
        let (mut slow, mut fast) = (0, 0);
        self.files.read(self.place, inputs * outputs, |number| {
            let (input, output) = if self.outputs_run_fastest { (slow, fast) } else { (fast, slow) };
            fast += 1;
            if fast == row {
                (slow, fast) = (slow + 1, 0);
            }
            take(input, output, number).map_err(|found| self.not_finite(input, output, &found))
        })
    }

    /// The error for a number that a network cannot have.
    fn not_finite(&self, input: usize, output: usize, found: &str) -> TensorError {
        let at: &[usize] = match self.outputs_first {
            None => &[input],
            Some(true) => &[output, input],
            Some(false) => &[input, output],
        };
        not_finite(&self.files.tensor(self.place).info.name, at, found)
    }
}

fn not_finite(name: &str, at: &[usize], found: &str) -> TensorError {
    let what = format!("the number at {at:?} is {found}; expected a finite f32 number");
    TensorError::Tensor { name: name.into(), what }
}

/// Rounds a number to f32. The error is the number, if that is infinite or not a number.
fn put(to: Option<&mut f32>, number: f64) -> Result<(), String> {
    #[expect(clippy::cast_possible_truncation, reason = "rounded on purpose; what overflows is infinite and refused")]
    let rounded = number as f32;
    match to {
        Some(to) if rounded.is_finite() => *to = rounded,
        _ => return Err(format!("{number:e}")),
    }
    Ok(())
}
