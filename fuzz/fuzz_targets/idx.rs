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
            assert_eq!(u64::from(images.count()) * images.pixels() as u64, idx.data().len() as u64);
            for n in 0..images.count().min(8) as usize {
                assert_eq!(images.image(n), Some(&idx.data()[n * images.pixels()..][..images.pixels()]));
            }
            assert_eq!(images.image(images.count() as usize), None);
        }
        Err(error @ (IdxError::NotImages { .. } | IdxError::TooLarge)) => assert!(!error.to_string().is_empty()),
        Err(error) => panic!("{error}"),
    }
});
