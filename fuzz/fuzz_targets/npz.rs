//! Any bytes, as a data set in an .npz: an error, or sets whose images are all there. Archives are also tried with their checksums
//! put right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::host::dataset::check_npz;
use twolayer_fuzz::also_sealed;

fuzz_target!(|bytes: &[u8]| also_sealed(bytes, try_all));

fn try_all(bytes: &[u8]) {
    match check_npz(bytes) {
        Ok(sets) => {
            for set in sets.iter().flatten() {
                let [width, height] = set.image_size().expect("a size").map(usize::from);
                assert_eq!(set.pixels(), width * height);
                let last = set.len() - 1;
                assert!(set.image(last).is_some_and(|image| image.len() == set.pixels()) && set.label(last).is_some());
                assert!(set.image(last + 1).is_none() && set.label(last + 1).is_none());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
