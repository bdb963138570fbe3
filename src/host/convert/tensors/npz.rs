//! NumPy's `.npz`: a ZIP archive of .npy files, stored or deflated.

use super::error::TensorError;
use super::npy::MAX_HEADER;
use super::{Tensor, npy};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};
use std::io::{Read, Take};
use std::path::Path;

/// The most entries that are listed. A network has four.
const MAX_ENTRIES: usize = 1_000;

/// Inflates at most `limit` bytes.
pub(super) fn inflate(deflated: &[u8], limit: u64) -> Take<DeflateDecoder<&[u8]>> {
    DeflateDecoder::new(deflated).take(limit)
}

/// The arrays of an archive. Only their headers are inflated.
pub(super) fn list(bytes: &[u8]) -> Result<Vec<Tensor>, TensorError> {
    let damaged = |error: rawzip::Error| TensorError::Damaged { what: format!("ZIP archive: {error}") };
    let archive = ZipArchive::from_slice(bytes).map_err(damaged)?;
    let mut records = Vec::new();
    for record in archive.entries() {
        if records.len() == MAX_ENTRIES {
            return Err(TensorError::Damaged { what: format!("more than {MAX_ENTRIES} entries in the ZIP archive") });
        }
        let record = record.map_err(damaged)?;
        let file = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
        if file.rsplit('/').next() == Some("data.pkl") {
            return Err(TensorError::Pickled);
        }
        if Path::new(&file).extension().is_some_and(|it| it == "h5") {
            return Err(TensorError::Keras);
        }
        records.push((record, file));
    }
    let mut tensors = Vec::new();
    for (record, file) in records {
        let Some(name) = file.strip_suffix(".npy") else {
            return Err(TensorError::Damaged { what: format!("{file} in the ZIP archive is not a .npy array") });
        };
        let error = |what: String| TensorError::Tensor { name: name.into(), what };
        let deflated = match record.compression_method() {
            CompressionMethod::STORE => false,
            CompressionMethod::DEFLATE => true,
            _ => return Err(error("compressed with a method other than deflate".into())),
        };
        let entry = archive.get_entry(record.wayfinder()).map_err(|it| error(it.to_string()))?;
        // The magic bytes, the header's length, and the header.
        let prefix_len = 12 + MAX_HEADER as u64;
        let mut prefix = Vec::new();
        if deflated {
            let mut inflater = inflate(entry.data(), prefix_len);
            inflater.read_to_end(&mut prefix).map_err(|it| error(format!("cannot be decompressed: {it}")))?;
        } else {
            prefix.extend(entry.data().iter().take(12 + MAX_HEADER));
        }
        let tensor = npy::parse(&prefix, name).map_err(error)?;
        let place = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        let (start, end) = entry.compressed_data_range();
        let claim = Some(entry.claim_verifier());
        tensors.push(Tensor { range: place(start)..place(end), deflated, claim, ..tensor });
    }
    if tensors.is_empty() {
        return Err(TensorError::Damaged { what: "a ZIP archive without .npy arrays".into() });
    }
    Ok(tensors)
}
