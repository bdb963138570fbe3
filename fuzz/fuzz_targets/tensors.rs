//! Any bytes, as safetensors, .npz or .npy: an error, or tensors whose numbers can be read, and a network where they make one.
//! Archives are also tried with their checksums put right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::host::tensors::check;
use twolayer_fuzz::seal_archive;

fuzz_target!(|bytes: &[u8]| {
    try_all(bytes);
    if bytes.starts_with(b"PK") {
        let mut bytes = bytes.to_vec();
        seal_archive(&mut bytes);
        try_all(&bytes);
    }
});

fn try_all(bytes: &[u8]) {
    if let Err(error) = check(bytes) {
        assert!(!error.to_string().is_empty());
    }
}
