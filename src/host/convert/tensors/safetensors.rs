//! Safetensors: the length of a header, the header in JSON, then the numbers.

use super::element::{Element, Float};
use super::error::TensorError;
use super::{Tensor, TensorInfo};
use safetensors::Dtype;
use safetensors::tensor::Metadata;

/// The longest header that is read. A network's has some 400 bytes.
const MAX_HEADER: usize = 1 << 20;

/// The tensors of a file, in the order of their numbers, and its notes.
pub(super) fn list(bytes: &[u8]) -> Result<(Vec<Tensor>, Vec<String>), TensorError> {
    let damaged = |what| TensorError::Damaged { what };
    let (len, rest) =
        bytes.split_first_chunk().ok_or_else(|| damaged(format!("{} bytes of safetensors", bytes.len())))?;
    let len = u64::from_le_bytes(*len);
    let header = usize::try_from(len).ok().and_then(|len| rest.get(..len)).ok_or_else(|| {
        damaged(format!("a safetensors header of {len} bytes, but {} bytes follow its length", rest.len()))
    })?;
    if header.len() > MAX_HEADER {
        return Err(damaged(format!("a safetensors header of {len} bytes; expected at most {MAX_HEADER}")));
    }
    // Also checks that the tensors follow each other without a gap, and that each is as long as its shape says.
    // (`SafeTensors::deserialize` would overflow on offsets near 2⁶⁴ and panic in a debug build.)
    let metadata: Metadata =
        serde_json::from_slice(header).map_err(|error| damaged(format!("the safetensors header: {error}")))?;
    let (found, expected) = (rest.len() - header.len(), metadata.data_len());
    if found != expected {
        return Err(damaged(format!(
            "{found} bytes of numbers follow the safetensors header, which announces {expected}"
        )));
    }
    let start = bytes.len() - found;
    let tensors = metadata.offset_keys().into_iter().filter_map(|name| {
        let info = metadata.info(&name)?;
        let (from, to) = info.data_offsets;
        Some(Tensor {
            info: TensorInfo { name, shape: info.shape.clone(), type_name: info.dtype.to_string() },
            element: element(info.dtype),
            range: start + from..start + to,
            ..Tensor::default()
        })
    });
    let notes = metadata.metadata().iter().flatten().flat_map(|(key, value)| [key.clone(), value.clone()]);
    Ok((tensors.collect(), notes.collect()))
}

fn element(dtype: Dtype) -> Option<Element> {
    let float = match dtype {
        Dtype::F16 => Float::F16,
        Dtype::BF16 => Float::BF16,
        Dtype::F32 => Float::F32,
        Dtype::F64 => Float::F64,
        _ => return None,
    };
    Some(Element { float, big_endian: false })
}
