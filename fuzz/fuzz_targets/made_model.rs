//! A sound model of any kind, with biases, for halved images, with sides and a text, or without; then the same with some of its
//! bytes changed, and the checksums put right: an error, or a model that is what would be written for its weights.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::Model;
use twolayer_fuzz::{Draw, check_model, damage, model, seal};

fuzz_target!(|bytes: &[u8]| {
    let Some(mut draw) = Draw::new(bytes) else { return };
    let file = model(&mut draw);
    let sound = Model::from_bytes(&file).expect("a sound model");
    let opened = (sound.weights().map(|_| ()), sound.quantized_any().map(|_| ()));
    assert!(opened.0.is_ok() != opened.1.is_ok(), "{opened:?}");
    check_model(&file);
    for _ in 0..4 {
        let mut damaged = file.clone();
        damage(&mut draw, &mut damaged);
        if damaged != file {
            assert!(Model::from_bytes(&damaged).is_err());
        }
        seal(&mut damaged);
        check_model(&damaged);
    }
});
