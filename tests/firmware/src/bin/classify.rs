//! Classifies the images of the input with its integer model, which has no biases: see `src/classify.rs`.

#![no_std]
#![no_main]

twolayer_firmware::classify!(false, quantized);
