//! NumPy's `.npz`: a ZIP archive of .npy files, stored or deflated.

use super::error::TensorError;
use super::npy::MAX_HEADER;
use super::{Tensor, foreign, keras, npy};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};
use std::io::{self, Read, Take};
use std::path::Path;

/// The most entries that are listed. A network has four.
const MAX_ENTRIES: usize = 1_000;

/// Inflates at most `limit` bytes.
pub(super) fn inflate(deflated: &[u8], limit: u64) -> Take<DeflateDecoder<&[u8]>> {
    DeflateDecoder::new(deflated).take(limit)
}

/// The first bytes of an entry, `most` of them; `None` if it is compressed with an unknown method.
fn unpacked(entry: &[u8], method: CompressionMethod, most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match method {
        CompressionMethod::STORE => bytes.extend(entry.iter().take(most)),
        CompressionMethod::DEFLATE => inflate(entry, most as u64).read_to_end(&mut bytes).map(drop)?,
        _ => return Ok(None),
    }
    Ok(Some(bytes))
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
            return Err(foreign::pickle(&[]));
        }
        records.push((record, file));
    }
    if records.iter().any(|(_, file)| Path::new(file).extension().is_some_and(|it| it == "h5")) {
        let config = records.iter().find(|(_, file)| file == "config.json").map(|(record, _)| record);
        let config = config.and_then(|record| {
            let entry = archive.get_entry(record.wayfinder()).ok()?;
            unpacked(entry.data(), record.compression_method(), keras::MOST).ok()?
        });
        return Err(config.and_then(|config| keras::described(&config)).unwrap_or_else(foreign::keras));
    }
    let mut tensors = Vec::new();
    for (record, file) in records {
        let Some(name) = file.strip_suffix(".npy") else {
            return Err(TensorError::Damaged { what: format!("{file} in the ZIP archive is not a .npy array") });
        };
        let error = |what: String| TensorError::Tensor { name: name.into(), what };
        let method = record.compression_method();
        let entry = archive.get_entry(record.wayfinder()).map_err(|it| error(it.to_string()))?;
        // The magic bytes, the header's length, and the header.
        let prefix = unpacked(entry.data(), method, 12 + MAX_HEADER)
            .map_err(|it| error(format!("cannot be decompressed: {it}")))?
            .ok_or_else(|| error("compressed with a method other than deflate".into()))?;
        let tensor = npy::parse(&prefix, name).map_err(error)?;
        let place = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        let (start, end) = entry.compressed_data_range();
        let claim = Some(entry.claim_verifier());
        let deflated = method == CompressionMethod::DEFLATE;
        tensors.push(Tensor { range: place(start)..place(end), deflated, claim, ..tensor });
    }
    if tensors.is_empty() {
        return Err(TensorError::Damaged { what: "a ZIP archive without .npy arrays".into() });
    }
    Ok(tensors)
}
