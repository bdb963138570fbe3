//! Classifies the images of the input with its integer model, which may have biases: see `src/classify.rs`.

#![no_std]
#![no_main]

twolayer_firmware::classify!(true, quantized_any);
