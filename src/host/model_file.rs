//! Model files on a disk: opened in place, written whole or not at all.

use super::bytes::Bytes;
use super::whole::{finish, temporary};
use super::{Error, Numbers, Quantized};
use crate::int8::Bits;
use crate::model::{self, Kind, Model};
use crate::shape::Shape;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf, is_separator};

/// An open model file.
#[derive(Debug)]
pub struct ModelFile {
    path: PathBuf,
    bytes: Bytes,
    kind: Kind,
    shape: Shape,
}

impl ModelFile {
    /// Opens a file and checks all of it, once; `mmap` says whether it may be memory-mapped.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not a whole and undamaged model.
    pub fn open(path: &Path, mmap: bool) -> Result<Self, Error> {
        let bytes = Bytes::open(path, mmap)?;
        let model = Model::from_bytes(bytes.get()).map_err(|source| Error::Model { path: path.to_owned(), source })?;
        let (kind, shape) = (model.kind(), model.shape());
        Ok(Self { path: path.to_owned(), bytes, kind, shape })
    }

    /// The model in it, read in place.
    fn model(&self) -> Model<'_> {
        let payload = self.bytes.get().get(model::HEADER_LEN..).unwrap_or_default();
        Model::checked_before(self.kind, self.shape, payload)
    }

    /// Adds the path to what is wrong with the model.
    fn error(&self) -> impl FnOnce(crate::ModelError) -> Error {
        |source| Error::Model { path: self.path.clone(), source }
    }

    /// What its weights are.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The whole file's length in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a model file is never empty")]
    pub fn len(&self) -> usize {
        self.bytes.get().len()
    }

    /// A copy of the weights of an f32 model, as [`Shape`] says.
    ///
    /// # Errors
    ///
    /// When the weights are no f32 weights, or none that a network can have, or memory is short.
    pub fn weights(&self) -> Result<Numbers, Error> {
        let model = self.model();
        let weights = model.weights().map_err(self.error())?;
        let mut copy = Numbers::zeros(weights.len())?;
        copy.copy_from_slice(weights);
        Ok(copy)
    }

    /// A copy of the weights of an int8 or int4 model.
    ///
    /// # Errors
    ///
    /// When the weights are no integers, or not as their format says.
    pub fn quantized(&self) -> Result<Quantized, Error> {
        let model = self.model();
        let bits = match model.kind() {
            Kind::Int8 => Bits::Eight,
            Kind::Int4 => Bits::Four,
            found @ Kind::F32 => return Err(self.error()(crate::ModelError::WrongKind { found })),
        };
        let quantized = Quantized::from_payload(model.shape(), bits, model.payload());
        match quantized.network() {
            Err(Error::Payload(error)) => Err(self.error()(crate::ModelError::Payload(error))),
            Err(error) => Err(error),
            Ok(_) => Ok(quantized),
        }
    }

    /// The checksum of the weights, as the file has it.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        model::crc32(self.model().payload())
    }

    /// Can a file be written there? Asked before the hours of work that it is to hold.
    ///
    /// # Errors
    ///
    /// When not.
    pub fn check_writable(path: &Path) -> Result<(), Error> {
        match target(path)? {
            Some(target) => temporary(&target).map(drop).map_err(named(path)),
            None => Ok(()),
        }
    }

    /// Writes f32 weights: to a temporary file beside `path`, which is synced and renamed. What is no file, such as
    /// `/dev/null` or a pipe, is written to as it is.
    ///
    /// # Errors
    ///
    /// When the weights do not fit the shape or are not all finite, or the file cannot be written; a file of that name
    /// stays as it was then.
    pub fn write(path: &Path, shape: Shape, weights: &[f32]) -> Result<(), Error> {
        if let Some(index) = weights.iter().position(|weight| !weight.is_finite()) {
            return Err(Error::Model { path: path.to_owned(), source: crate::ModelError::NotFinite { index } });
        }
        Self::write_payload(path, Kind::F32, shape, bytemuck::cast_slice(weights))
    }

    /// [`write`](Self::write) for weights of any kind.
    pub(crate) fn write_payload(path: &Path, kind: Kind, shape: Shape, payload: &[u8]) -> Result<(), Error> {
        let header =
            model::header(kind, shape, payload).map_err(|source| Error::Model { path: path.to_owned(), source })?;
        let write = |mut to: &File| {
            to.write_all(&header).and_then(|()| to.write_all(payload)).map_err(Error::io("write", path))
        };
        match target(path)? {
            Some(target) => {
                let file = temporary(&target).map_err(named(path))?;
                if let Ok(replaced) = target.metadata() {
                    file.as_file().set_permissions(replaced.permissions()).map_err(Error::io("write", path))?;
                }
                write(file.as_file())?;
                finish(file, &target).map_err(named(path))
            }
            None => write(&OpenOptions::new().write(true).open(path).map_err(Error::io("write", path))?),
        }
    }
}

/// The file to be replaced or made: itself, where `path` is a symbolic link to it. None if there is something else at `path`
/// that can be written to.
fn target(path: &Path) -> Result<Option<PathBuf>, Error> {
    let refused = |kind: ErrorKind| Err(Error::io("write", path)(kind.into()));
    let slash = path.as_os_str().as_encoded_bytes().last().is_some_and(|&byte| is_separator(byte.into()));
    match path.metadata() {
        Ok(meta) if meta.is_dir() => refused(ErrorKind::IsADirectory),
        Ok(meta) if !meta.is_file() => Ok(None),
        Ok(meta) if meta.permissions().readonly() => refused(ErrorKind::PermissionDenied),
        Ok(_) => path.canonicalize().map(Some).map_err(Error::io("write", path)),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("write", path)(error)),
        Err(_) if slash || path.file_name().is_none() => refused(ErrorKind::IsADirectory),
        // A link may lead to a file that is to be.
        Err(_) => match path.read_link() {
            Ok(link) => target(&path.with_file_name(link)),
            Err(_) => Ok(Some(path.to_owned())),
        },
    }
}

/// Names the path that the user gave, not the one that it led to.
fn named(path: &Path) -> impl FnOnce(Error) -> Error {
    |error| match error {
        Error::Io { action, source, .. } => Error::io(action, path)(source),
        other => other,
    }
}
