//! Any bytes: an error, or a model that is to the bit what would be written for its weights. Since no fuzzer guesses a
//! checksum, the bytes are also tried with theirs put right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer_fuzz::{check_model, seal};

fuzz_target!(|bytes: &[u8]| {
    check_model(bytes);
    let mut bytes = bytes.to_vec();
    seal(&mut bytes);
    check_model(&bytes);
});
