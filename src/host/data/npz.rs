//! Data sets as NumPy's `.npz`, under the names that Keras and `MedMNIST` give the arrays. Nothing is inflated before its length was
//! found to be that of the header's shape and no more than a data set of pictures takes, and then a piece at a time.

use super::source::{Need, Parts};
use super::{DataError, Set, SourceError};
use crate::host::convert::tensors::{Tensor, TensorError, announced, list};
use crate::host::files::{Bytes, FileAccess};
use std::path::Path;

/// The names of training images and labels, and of test images and labels.
const NAMES: [[[&str; 2]; 2]; 3] = [
    [["x_train", "y_train"], ["x_test", "y_test"]],
    [["train_images", "train_labels"], ["test_images", "test_labels"]],
    [["images", "labels"], ["test_images", "test_labels"]],
];

/// Reads an archive.
pub(super) fn read(path: &Path, need: Need) -> Result<Parts, DataError> {
    // Its bytes are looked at twice, by the checksum and by what inflates them: they must not change.
    let bytes = Bytes::open(path, FileAccess::Read, announced)?;
    read_bytes(path, bytes.as_slice(), need)
}

/// Reads bytes as an archive: for fuzzing. Returns a training set and a test set.
///
/// # Errors
///
/// What is wrong with them.
#[doc(hidden)]
pub fn check_npz(bytes: &[u8]) -> Result<[Option<Set>; 2], DataError> {
    let parts = read_bytes(Path::new("bytes.npz"), bytes, Need::Both)?;
    Ok([parts.train, parts.test])
}

fn read_bytes(path: &Path, bytes: &[u8], need: Need) -> Result<Parts, DataError> {
    let archive = Archive::open(path, bytes)?;
    let has = |name: &str| archive.tensors.iter().any(|tensor| tensor.info.name.eq_ignore_ascii_case(name));
    let pick =
        |which: usize| NAMES.iter().map(move |names| names[which]).find(|names| names.iter().all(|name| has(name)));
    let (train, test) = (pick(0), pick(1));
    let Some(any) = train.or(test) else {
        let names: Vec<_> = archive.tensors.iter().map(|tensor| tensor.info.to_string()).collect();
        let what = format!(
            "its arrays are {}; expected x_train, y_train, x_test and y_test, or train_images, train_labels, test_images and \
             test_labels",
            names.join(", ")
        );
        return Err(archive.wrong(what));
    };
    let mut parts = Parts::default();
    let mut scales = Vec::new();
    if need.train() {
        let names = train.ok_or_else(|| archive.wrong(format!("{} is there, but no training images", any[0])))?;
        let (set, scale) = archive.set(names)?;
        parts.train = Some(set);
        scales.push(scale);
    }
    if need.test() {
        let Some(names) = test else { return Err(SourceError::NoTest { path: path.to_owned(), instead: None }.into()) };
        let (set, scale) = archive.set(names)?;
        parts.test = Some(set);
        scales.push(scale);
    }
    if scales.first() != scales.last() {
        let what = "the pixels of the training images and of the test images are of different ranges".into();
        return Err(archive.wrong(what));
    }
    parts.what = if any[0] == "x_train" { "arrays as of Keras" } else { "arrays as of MedMNIST" }.into();
    if scales.first() == Some(&Scale::Unit) {
        parts.what += ", pixels from 0 to 1 times 255";
    }
    let spare = if need.test() { "val_images" } else { any[0] };
    let spare = if need.test() { Some(spare).filter(|name| has(name)) } else { test.map(|names| names[0]) };
    parts.unused = spare.map(Into::into);
    Ok(parts)
}

/// What pixels are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// Integers from 0 to 255.
    Whole,
    /// Numbers from 0 to 1, which times 255 are integers.
    Unit,
}

/// An open archive.
struct Archive<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    tensors: Vec<Tensor>,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path, bytes: &'a [u8]) -> Result<Self, DataError> {
        let archive = Self { path, bytes, tensors: Vec::new() };
        let (tensors, _) = match bytes {
            [b'P', b'K', ..] => list(bytes, path).map_err(|error| archive.error(&error))?,
            _ => return Err(archive.wrong("not an .npz file, which is a ZIP archive of arrays".into())),
        };
        Ok(Self { tensors, ..archive })
    }

    fn wrong(&self, what: String) -> DataError {
        SourceError::Contents { path: self.path.to_owned(), what }.into()
    }

    fn error(&self, error: &TensorError) -> DataError {
        match error {
            TensorError::Tensor { name, what } => self.wrong(format!("array {name}: {what}")),
            error => self.wrong(error.to_string()),
        }
    }

    /// Images, their labels, and how the pixels were meant.
    fn set(&self, [images, labels]: [&str; 2]) -> Result<(Set, Scale), DataError> {
        let wrong = |name: &str, what: String| self.wrong(format!("array {name}: {what}"));
        let tensor = |name: &str| {
            let found = self.tensors.iter().find(|tensor| tensor.info.name.eq_ignore_ascii_case(name));
            found.ok_or_else(|| wrong(name, "missing".into()))
        };
        let (image_tensor, label_tensor) = (tensor(images)?, tensor(labels)?);
        let shape = &image_tensor.info.shape[..];
        let (count, width, height) = match *shape {
            [count, height, width] | [count, height, width, 1] | [count, 1, height, width] => (count, width, height),
            [count, pixels] => {
                let side = pixels.isqrt();
                if side * side != pixels {
                    return Err(wrong(images, format!("images of {pixels} pixels, which is no square")));
                }
                (count, side, side)
            }
            [_, _, _, channels @ 2..=4] | [_, channels @ 2..=4, _, _] => {
                return Err(wrong(
                    images,
                    format!("{channels} channels of colour; expected grey images: save their mean"),
                ));
            }
            _ => {
                let expected = "expected [images, height, width], with a 1 behind, or [images, pixels]";
                return Err(wrong(images, format!("the shape {shape:?}; {expected}")));
            }
        };
        if image_tensor.fortran && shape.iter().filter(|size| **size != 1).count() > 1 {
            let what = "in Fortran's order; save numpy.ascontiguousarray(..) of it";
            return Err(wrong(images, what.into()));
        }
        let label_shape = &label_tensor.info.shape[..];
        if !matches!(*label_shape, [found] | [found, 1] if found == count) {
            let one_hot = matches!(*label_shape, [found, classes] if found == count && classes > 1);
            let hint = if one_hot { ", such as numpy.argmax(.., axis=1) of these" } else { "" };
            return Err(wrong(
                labels,
                format!("the shape {label_shape:?}; expected a label for each of {count} images{hint}"),
            ));
        }
        let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else {
            return Err(wrong(images, format!("images of {width} × {height} pixels are too large")));
        };
        let (labels_read, _) = self.numbers(label_tensor, false)?;
        let (pixels, scale) = self.numbers(image_tensor, true)?;
        let name = self.path.join(images);
        Ok((Set::from_images(name, pixels, labels_read, [width, height])?, scale))
    }

    /// The numbers of an array, as bytes: integers, or floats that are integers or, of `pixels`, integers when multiplied by 255.
    fn numbers(&self, tensor: &Tensor, pixels: bool) -> Result<(Vec<u8>, Scale), DataError> {
        let name = &tensor.info.name;
        let wrong = |what: String| self.wrong(format!("array {name}: {what}"));
        let type_name = &tensor.info.type_name;
        let number = Number::named(type_name).ok_or_else(|| {
            let object = if type_name.contains('O') { " (Python objects, which are a pickle)" } else { "" };
            wrong(format!(
                "numbers of type {type_name}{object}; expected integers or floats of 32 or 64 bits, such as uint8"
            ))
        })?;
        let len = tensor.info.shape.iter().try_fold(1_usize, |len, &size| len.checked_mul(size));
        let expected = len.and_then(|len| len.checked_mul(number.size)).ok_or_else(|| wrong("too large".into()))?;
        tensor.check(expected).map_err(|error| self.error(&error))?;
        let pieces = |take: &mut dyn FnMut(&[u8]) -> Result<(), Stop>| {
            tensor.pieces(self.bytes, expected, take).map_err(|stop| match stop {
                Stop::Tensor(error) => self.error(&error),
                Stop::Number(what) => wrong(what),
            })
        };
        // Of pixels from 0 to 1, none is above 1; of integers, at least one is.
        let mut unit = pixels && number.kind == 'f';
        if unit {
            pieces(&mut |piece| {
                unit = unit && number.values(piece).all(|value| value <= 1.0);
                Ok(())
            })?;
        }
        let mut read = Vec::new();
        let len = len.unwrap_or_default();
        read.try_reserve_exact(len).map_err(|_| wrong(format!("{len} numbers, for which there is no memory")))?;
        pieces(&mut |piece| {
            if number.kind == 'u' && number.size == 1 {
                read.extend_from_slice(piece);
                return Ok(());
            }
            for value in number.values(piece) {
                let byte = if unit { to_byte(value * 255.0, 1e-3) } else { to_byte(value, 0.0) };
                read.push(byte.ok_or_else(|| {
                    let (at, times) = (read.len(), if unit { " times 255" } else { "" });
                    Stop::Number(format!("the number at {at} is {value}; expected{times} an integer from 0 to 255"))
                })?);
            }
            Ok(())
        })?;
        Ok((read, if unit { Scale::Unit } else { Scale::Whole }))
    }
}

/// Why an array is not read to its end.
enum Stop {
    Tensor(TensorError),
    Number(String),
}

impl From<TensorError> for Stop {
    fn from(error: TensorError) -> Self {
        Self::Tensor(error)
    }
}

/// A number as a byte, if it is one but for a rounding error.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be an integer from 0 to 255")]
fn to_byte(value: f64, error: f64) -> Option<u8> {
    let rounded = value.round();
    ((0.0..=255.0).contains(&rounded) && (value - rounded).abs() <= error).then_some(rounded as u8)
}

/// The type of an array's numbers.
#[derive(Clone, Copy)]
struct Number {
    /// `u`, `i` or `f`.
    kind: char,
    /// Bytes of one.
    size: usize,
    big_endian: bool,
}

impl Number {
    /// That of NumPy's name, such as `<i8`.
    fn named(name: &str) -> Option<Self> {
        let mut letters = name.chars();
        let big_endian = match letters.next()? {
            '<' | '|' => false,
            '>' => true,
            '=' => cfg!(target_endian = "big"),
            _ => return None,
        };
        let kind = letters.next()?;
        let size = letters.as_str().parse().ok()?;
        let known = matches!((kind, size), ('u' | 'i', 1 | 2 | 4 | 8) | ('f', 4 | 8));
        known.then_some(Self { kind, size, big_endian })
    }

    /// The numbers in these bytes.
    fn values(self, bytes: &[u8]) -> impl Iterator<Item = f64> {
        bytes.chunks_exact(self.size).map(move |bytes| self.value(bytes))
    }

    /// The number in these bytes. What f64 cannot represent is far beyond 255, and stays so.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    fn value(self, bytes: &[u8]) -> f64 {
        // From the lowest byte on, with the sign filled up.
        let byte = |place: usize| {
            let at = if self.big_endian { self.size.wrapping_sub(1 + place) } else { place };
            bytes.get(at).copied().unwrap_or_default()
        };
        let sign = if self.kind == 'i' && byte(self.size - 1) >= 128 { 0xFF } else { 0 };
        let word: [u8; 8] = core::array::from_fn(|place| if place < self.size { byte(place) } else { sign });
        match (self.kind, self.size) {
            ('f', 4) => f32::from_le_bytes([word[0], word[1], word[2], word[3]]).into(),
            ('f', _) => f64::from_le_bytes(word),
            ('i', _) => i64::from_le_bytes(word) as f64,
            _ => u64::from_le_bytes(word) as f64,
        }
    }
}
