//! Any bytes: an error, or tensors whose numbers can be read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::host::tensors::check;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = check(bytes) {
        assert!(!error.to_string().is_empty());
    }
});
