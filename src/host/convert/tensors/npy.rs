//! NumPy's `.npy` header: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
//!
//! A header is a Python dictionary of three entries. It is read here because every crate for `.npy` reads any Python literal
//! and brings some twenty packages to do so.

use super::element::{Element, Float};
use super::{Tensor, TensorInfo};

/// The first bytes of every `.npy` file.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read, as in NumPy.
pub(super) const MAX_HEADER: usize = 10_000;

/// Reads the header at the beginning of `bytes`: that of the tensor of that name in a file which is nothing else. `bytes` need not
/// hold more than the header; the tensor's range is what they hold.
pub(super) fn parse(bytes: &[u8], name: &str) -> Result<Tensor, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("not a .npy array")?;
    let (version, rest) = rest.split_first_chunk().ok_or("the .npy header is incomplete")?;
    let (text_len, prefix) = match version {
        [1, 0] => (rest.first_chunk().map(|it| u32::from(u16::from_le_bytes(*it))), 2),
        [2 | 3, 0] => (rest.first_chunk().map(|it| u32::from_le_bytes(*it)), 4),
        [major, minor] => return Err(format!("version {major}.{minor} of .npy; expected 1.0, 2.0 or 3.0")),
    };
    let text_len = text_len.and_then(|len| usize::try_from(len).ok()).ok_or("the .npy header is incomplete")?;
    if text_len > MAX_HEADER {
        return Err(format!("a .npy header of {text_len} bytes; expected at most {MAX_HEADER}"));
    }
    let text = rest.get(prefix..prefix + text_len).ok_or("the .npy header is incomplete")?;
    let text = core::str::from_utf8(text).map_err(|_| "the .npy header is not text")?;
    let tensor = parse_text(text, name).ok_or_else(|| format!("the .npy header is {:?}", excerpt(text)))?;
    let header_len = MAGIC.len() + version.len() + prefix + text_len;
    Ok(Tensor { header_len, range: 0..bytes.len(), ..tensor })
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (784, 128), }`.
fn parse_text(text: &str, name: &str) -> Option<Tensor> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let (mut type_name, mut fortran, mut shape) = (None, None, None);
    while !rest.is_empty() {
        let (key, value) = quoted(rest)?;
        let value = value.trim_start().strip_prefix(':')?.trim_start();
        rest = match key {
            "descr" if value.starts_with('[') => {
                // A structured type, which is no float type: its text up to the next entry.
                let (fields, after) = value.split_at(value.find(']')? + 1);
                type_name = Some(fields);
                after
            }
            "descr" => {
                let (name, after) = quoted(value)?;
                type_name = Some(name);
                after
            }
            "fortran_order" => {
                fortran = Some(value.starts_with("True"));
                value.strip_prefix("True").or_else(|| value.strip_prefix("False"))?
            }
            "shape" => {
                let (list, after) = value.strip_prefix('(')?.split_once(')')?;
                let list = list.trim();
                let list = match list.strip_suffix(',') {
                    Some("") => return None,
                    Some(list) => list,
                    None => list,
                };
                let sizes = list.split(',').filter(|_| !list.is_empty()).map(|size| size.trim().parse().ok());
                shape = Some(sizes.collect::<Option<Vec<usize>>>()?);
                after
            }
            _ => return None,
        }
        .trim_start();
        rest = match rest.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    let type_name = type_name?;
    Some(Tensor {
        info: TensorInfo { name: name.into(), shape: shape?, type_name: excerpt(type_name) },
        element: element(type_name),
        fortran: fortran?,
        ..Tensor::default()
    })
}

/// A quoted string without escapes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|&it| it == '\'' || it == '"')?;
    text.get(1..)?.split_once(quote).filter(|(string, _)| !string.contains('\\'))
}

/// At most 80 characters, for a message.
fn excerpt(text: &str) -> String {
    text.trim().chars().take(80).collect()
}

/// The type of that name, if it is a float type. `=` is the byte order of the machine that wrote the file; NumPy itself
/// never writes it.
fn element(name: &str) -> Option<Element> {
    let big_endian = match name.chars().next()? {
        '<' => false,
        '>' => true,
        '=' => cfg!(target_endian = "big"),
        _ => return None,
    };
    let float = match name.get(1..)? {
        "f2" => Float::F16,
        "f4" => Float::F32,
        "f8" => Float::F64,
        _ => return None,
    };
    Some(Element { float, big_endian })
}

/// The header of an array of f32 numbers in rows, as NumPy writes it.
pub(super) fn header(shape: &[usize]) -> Vec<u8> {
    const PREFIX: usize = 10;
    let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}", sizes.join(", "));
    // Spaces and a line feed, up to a multiple of 64.
    let len = (PREFIX + text.len() + 1).next_multiple_of(64) - PREFIX;
    text.extend(core::iter::repeat_n(' ', len - 1 - text.len()));
    text.push('\n');
    // At most 64 sizes of 20 digits would fit; there are at most two.
    let text_len = u16::try_from(len).unwrap_or_default();
    [MAGIC, &[1, 0], &text_len.to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(text: &str) -> Vec<u8> {
        let len = u16::try_from(text.len()).unwrap();
        [MAGIC, &[1, 0], &len.to_le_bytes(), text.as_bytes()].concat()
    }

    /// The bytes of `numpy.save` 2.4.6 for `zeros((784, 128), "<f4")`, `zeros(10, ">f8")` in Fortran order and others.
    #[test]
    fn headers_of_numpy_are_read_and_ours_are_the_same() {
        let cases = [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (784, 128), }", "<f4", false, vec![784, 128]),
            ("{'descr': '>f8', 'fortran_order': True, 'shape': (3, 4), }", ">f8", true, vec![3, 4]),
            ("{'descr': '<f2', 'fortran_order': False, 'shape': (10,), }", "<f2", false, vec![10]),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "<f4", false, vec![]),
            ("{\"shape\": (1,2,3),'fortran_order':False,\"descr\":'|u1'}", "|u1", false, vec![1, 2, 3]),
            (
                "{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (0,), }",
                "[('a', '<f4'), ('b', '<i4')]",
                false,
                vec![0],
            ),
        ];
        for (text, type_name, fortran, shape) in cases {
            let padded = format!("{text}{}\n", " ".repeat(7));
            let header = parse(&npy(&padded), "").unwrap();
            assert_eq!(
                (header.info.type_name.as_str(), header.fortran, header.info.shape),
                (type_name, fortran, shape),
                "{text}"
            );
            assert_eq!(header.header_len, 10 + padded.len());
            assert_eq!(header.element.is_some(), type_name.contains('f') && !type_name.contains('['));
        }
        let ours = header(&[784, 128]);
        assert_eq!(ours.len(), 128);
        assert!(ours.starts_with(
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (784, 128), }  "
        ));
        assert!(ours.ends_with(b"  \n"));
        for shape in [&[1][..], &[12345], &[7, 9]] {
            let found = parse(&header(shape), "").unwrap();
            assert_eq!((found.info.shape.as_slice(), found.header_len), (shape, header(shape).len()));
        }
    }

    #[test]
    fn anything_else_is_an_error() {
        let good = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }\n");
        assert!(parse(&good, "").is_ok());
        for len in 0..good.len() {
            assert!(parse(&good[..len], "").is_err(), "{len}");
        }
        for bad in [
            "",
            "{}",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': 7}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (7,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-7,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (7L,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (7,,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (7,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (7,)} x",
            "{'descr': '<f\\4', 'fortran_order': False, 'shape': (7,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (7,), 'x': 1}",
        ] {
            let error = parse(&npy(bad), "").unwrap_err();
            assert!(error.starts_with("the .npy header is "), "{bad}: {error}");
        }
        let mut future = good.clone();
        future[6] = 4;
        assert_eq!(parse(&future, "").unwrap_err(), "version 4.0 of .npy; expected 1.0, 2.0 or 3.0");
        let long = [MAGIC, &[2, 0], &u32::MAX.to_le_bytes()].concat();
        assert_eq!(parse(&long, "").unwrap_err(), "a .npy header of 4294967295 bytes; expected at most 10000");
    }
}
