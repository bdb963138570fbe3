//! Any bytes: an error, or views that agree with the bytes and with each other.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::{Idx, IdxError};

fuzz_target!(|bytes: &[u8]| {
    let idx = match Idx::parse(bytes) {
        Ok(idx) => idx,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(!idx.element().to_string().is_empty());
    let dimensions: Vec<u32> = idx.dimensions().collect();
    assert_eq!(bytes[..4], [0, 0, idx.element() as u8, dimensions.len() as u8]);
    assert!(
        bytes[4..].iter().eq(dimensions
            .iter()
            .flat_map(|d| d.to_be_bytes())
            .collect::<Vec<_>>()
            .iter()
            .chain(idx.data()))
    );
    let elements = dimensions.iter().fold(1_u128, |size, d| size.saturating_mul(u128::from(*d)));
    assert_eq!(elements * u128::from(idx.element().size()), idx.data().len() as u128);
    match idx.labels() {
        Ok(labels) => assert_eq!((labels, dimensions.as_slice()), (idx.data(), &[labels.len() as u32][..])),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match idx.images() {
        Ok(images) => {
            assert_eq!((images.len(), images.remainder()), (dimensions[0] as usize, &[][..]));
            let pixels: usize = dimensions[1..].iter().map(|&side| side as usize).product();
            assert!(images.take(8).eq(idx.data().chunks(pixels).take(8)));
        }
        Err(error @ (IdxError::NotImages { .. } | IdxError::TooLarge)) => assert!(!error.to_string().is_empty()),
        Err(error) => panic!("{error}"),
    }
});
