#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(test, feature = "std")), no_std)]
// On docs.rs, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

// A static library for a host takes std's panic handler; one for bare metal brings its own: see `ffi`. The reference, for tests and benches,
// has vectors.
#[cfg(all(any(feature = "probe", feature = "staticlib"), not(any(test, feature = "std", target_os = "none"))))]
extern crate std;

// So that what the integration tests share can be part of the unit tests too.
#[cfg(test)]
extern crate self as twolayer;

// The floors, each with one door: its `mod.rs`. A floor uses only those above it in this list; tests/floors.rs checks it.
mod base;
#[cfg(feature = "ffi")]
pub mod ffi;
#[cfg(feature = "std")]
pub mod host;
mod image;
pub mod int;
pub mod model;
mod net;
mod simd;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

pub use base::crc32;
pub use image::{Distortion, Idx, IdxError, digit, idx, picture};
pub use int::{Bits, QuantizedNetwork};
pub use model::{IncludedModel, Kind, Model, ModelError};
#[cfg(feature = "probe")]
pub use net::probe;
pub use net::{
    INIT_SCALE, Loss, LossFunction, Network, Shape, SizeError, TrainError, TrainOptions, Trainer, Weights, WeightsMut,
    fill_initial, fill_scaled, halve, weights_hash,
};
pub use simd::Backend;

/// The former name of [`int`], with what [`host`](crate::host) makes of it.
pub mod quantized {
    #[cfg(feature = "std")]
    #[doc(no_inline)]
    pub use crate::host::{Quantized, quantize_samples as quantize};
    #[doc(no_inline)]
    pub use crate::int::{PackedNetwork, PayloadError, QuantizedNetwork};
}
