//! Any bytes, as safetensors, .npz or .npy: an error, or tensors whose numbers can be read, and a network where they make one.
//! Archives are also tried with their checksums put right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::host::tensors::check;
use twolayer_fuzz::also_sealed;

fuzz_target!(|bytes: &[u8]| also_sealed(bytes, try_all));

fn try_all(bytes: &[u8]) {
    if let Err(error) = check(bytes) {
        assert!(!error.to_string().is_empty());
    }
}
