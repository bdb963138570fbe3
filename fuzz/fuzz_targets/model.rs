//! Any bytes: an error, or a model that is to the bit what would be written for its weights. Since no fuzzer guesses a
//! checksum, the bytes are also tried with theirs put right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::model::{HEADER_LEN, header};
use twolayer::{Backend, Kind, Model, Network, QuantizedNetwork, crc32};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let mut bytes = bytes.to_vec();
    if bytes.len() >= HEADER_LEN {
        let crc = crc32(&bytes[HEADER_LEN..]);
        bytes[56..60].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        check(&bytes);
    }
});

fn check(bytes: &[u8]) {
    let model = match Model::from_bytes(bytes) {
        Ok(model) => model,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let (shape, payload) = (model.shape(), model.payload());
    let details = match model.details() {
        Ok(details) => details,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let written = match header(model.kind(), shape, details, payload) {
        Ok(written) => written,
        // Too few or too many weights, which is found when they are asked for.
        Err(error) => {
            let found = (model.weights().map(|_| ()), model.quantized_any().map(|_| ()));
            assert!(found.0.is_err() && found.1.is_err(), "{error}");
            return;
        }
    };
    let behind = [payload, details.text.as_bytes()].concat();
    // A file of version 2 that says nothing would be written as version 1.
    if bytes[8] == written[8] {
        assert_eq!((&bytes[..HEADER_LEN], &bytes[HEADER_LEN..]), (&written[..], &behind[..]));
    }
    if shape.inputs() > 1000 || shape.hidden() > 1000 {
        return;
    }
    let image: Vec<u8> = (0..shape.pixels()).map(|i| i as u8).collect();
    let class = match (model.kind(), model.network(Backend::detect()), model.quantized_any()) {
        (Kind::F32, Ok(network), Err(_)) => {
            assert_eq!(payload.len(), shape.weights_len() * 4);
            let mut scratch = vec![f32::NAN; Network::scratch_len(shape)];
            network.classify(&image, &mut scratch).expect("a class")
        }
        (Kind::Quantized(bits), Err(_), Ok(network)) => {
            assert_eq!(Ok(payload.len()), QuantizedNetwork::payload_len(shape, bits));
            let mut scratch = vec![!0; QuantizedNetwork::scratch_len(shape)];
            network.classify(&image, &mut scratch).expect("a class")
        }
        (_, Err(f32), Err(quantized)) => {
            return assert!(!f32.to_string().is_empty() && !quantized.to_string().is_empty());
        }
        (kind, f32, quantized) => panic!("a model of {kind} is {f32:?} and {quantized:?}"),
    };
    assert!(usize::from(class) < shape.outputs());
}
