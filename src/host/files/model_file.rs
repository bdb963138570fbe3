//! Model files: read in place, written atomically.

use super::{
    AnyWeights, Bytes, FileAccess, FileError, OwnedWeights, Quantized, Reservation, reserve, write_atomically,
};
use crate::base::crc32;
use crate::model::{self, Details, HEADER_LEN, Kind, MAX_TEXT, Model, ModelError};
use crate::net::{Shape, Weights};
use std::io::Write;
use std::path::{Path, PathBuf};

/// An open model file.
///
/// ```no_run
/// use twolayer::{Answer, Backend, Network, host::{FileAccess, ModelFile}};
///
/// /// Classifies 784 pixels, 0 to 255, of light ink on a dark background.
/// fn classify(image: &[u8]) -> Result<u8, Box<dyn std::error::Error>> {
///     let weights = ModelFile::open("mnist.twolayer".as_ref(), FileAccess::Map)?.weights()?;
///     let network = Network::new(weights.view(), Backend::detect());
///     let mut scratch = vec![0.0; Network::scratch_len(network.shape())];
///     Ok(Answer::of(network.outputs(image, &mut scratch)?).class)
/// }
/// ```
#[derive(Debug)]
pub struct ModelFile {
    path: PathBuf,
    bytes: Bytes,
    kind: Kind,
    shape: Shape,
    image: Option<[u16; 2]>,
    text: String,
}

impl ModelFile {
    /// Opens a file and checks it, including its checksums.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is not a complete, undamaged model.
    pub fn open(path: &Path, access: FileAccess) -> Result<Self, FileError> {
        let bytes = Bytes::open(path, access, announced)?;
        let model = Model::from_bytes(bytes.as_slice()).map_err(FileError::model(path))?;
        let Details { image, text } = model.details().map_err(FileError::model(path))?;
        let (kind, shape, text) = (model.kind(), model.shape(), text.to_owned());
        Ok(Self { path: path.to_owned(), bytes, kind, shape, image, text })
    }

    /// The model, without another check.
    fn model(&self) -> Model<'_> {
        let behind = self.bytes.as_slice().get(HEADER_LEN..).unwrap_or_default();
        let payload = behind.get(..behind.len().saturating_sub(self.text.len())).unwrap_or_default();
        Model { kind: self.kind, shape: self.shape, payload, bytes: &[] }
    }

    /// The kind of the weights.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// What the file says beside its weights.
    #[must_use]
    pub fn details(&self) -> Details<'_> {
        Details { image: self.image, text: &self.text }
    }

    /// The length of the file in bytes, header included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a model file is never empty")]
    pub fn len(&self) -> usize {
        self.bytes.as_slice().len()
    }

    /// A copy of the weights, whatever their kind.
    ///
    /// # Errors
    ///
    /// If the weights are not valid, or memory runs out.
    pub fn any(&self) -> Result<AnyWeights, FileError> {
        match self.kind {
            Kind::F32 => self.weights().map(AnyWeights::F32),
            Kind::Quantized(_) => self.quantized().map(AnyWeights::Quantized),
        }
    }

    /// A copy of the weights of an f32 model.
    ///
    /// # Errors
    ///
    /// If the weights are not f32 or not valid, or memory runs out.
    pub fn weights(&self) -> Result<OwnedWeights, FileError> {
        OwnedWeights::copy_of(self.model().weights().map_err(FileError::model(&self.path))?)
    }

    /// A copy of a quantised model.
    ///
    /// # Errors
    ///
    /// If the weights are not quantised or not valid.
    pub fn quantized(&self) -> Result<Quantized, FileError> {
        let model = self.model();
        let quantized = model.bits().and_then(|bits| Quantized::new(model.shape, bits, model.payload));
        quantized.map_err(FileError::model(&self.path))
    }

    /// The CRC-32 of the weights.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        crc32(self.model().payload())
    }

    /// Checks that a model can be written to `path`, and reserves its space on the disk, where the file system can. For use
    /// before a long computation; drop the result when the model is to be written.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or there is no such quantised network.
    pub fn reserve(path: &Path, kind: Kind, shape: Shape, details: Details<'_>) -> Result<Reservation, FileError> {
        let payload = model::payload_len(kind, shape)?;
        reserve(path, (HEADER_LEN + payload + details.text.len()) as u64)
    }

    /// Writes f32 weights atomically: to a temporary file beside `path`, which is synced and renamed. A device or a
    /// pipe is written to directly.
    ///
    /// # Errors
    ///
    /// If a weight is infinite or NaN, the details do not fit the network, or the file cannot be written; an existing file is
    /// then left unchanged.
    pub fn write(path: &Path, weights: Weights<'_>, details: Details<'_>) -> Result<(), FileError> {
        if let Some(index) = weights.not_finite() {
            return Err(FileError::model(path)(ModelError::NotFinite { index }));
        }
        Self::write_payload(path, Kind::F32, weights.shape(), details, bytemuck::cast_slice(weights.numbers()))
    }

    /// Writes a quantised network, like [`write`](Self::write).
    ///
    /// # Errors
    ///
    /// If the details do not fit the network, or the file cannot be written; an existing file is then left unchanged.
    pub fn write_quantized(path: &Path, quantized: &Quantized, details: Details<'_>) -> Result<(), FileError> {
        let kind = Kind::Quantized(quantized.bits());
        Self::write_payload(path, kind, quantized.shape(), details, quantized.payload())
    }

    fn write_payload(
        path: &Path,
        kind: Kind,
        shape: Shape,
        details: Details<'_>,
        payload: &[u8],
    ) -> Result<(), FileError> {
        let header = model::header(kind, shape, details, payload).map_err(FileError::model(path))?;
        let parts = [&header[..], payload, details.text.as_bytes()];
        write_atomically(path, |mut to| parts.into_iter().try_for_each(|part| to.write_all(part)))
    }
}

/// The most bytes worth reading of a file that begins so: those of the model that its header announces.
fn announced(start: &[u8]) -> u64 {
    match start.first_chunk::<HEADER_LEN>().map(|header| Model::from_bytes(header)) {
        // The header is sound, and what should follow it is missing.
        Some(Err(ModelError::Length { expected, .. })) => (HEADER_LEN + MAX_TEXT) as u64 + expected.min(1 << 31),
        _ => 0,
    }
}
