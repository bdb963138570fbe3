#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(test, feature = "std")), no_std)]
// On docs.rs, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

// A static library for a host takes std's panic handler; one for bare metal brings its own: see `ffi`.
#[cfg(all(feature = "staticlib", not(any(test, feature = "std", target_os = "none"))))]
extern crate std;

// So that what the integration tests share can be part of the unit tests too.
#[cfg(test)]
extern crate self as twolayer;

// Each line uses only what stands above it.
mod always;
mod crc32;
mod digits;
mod error;
mod exp;
pub mod idx;
mod kind;
mod scratch;
mod shape;
mod weights;

mod hash;
mod init;
mod simd;

#[cfg(any(feature = "probe", feature = "report"))]
#[allow(unreachable_pub, reason = "public as part of `probe`, where there is one")]
mod peak;

mod distort;
mod halve;
mod kernel;

mod network;
pub mod picture;
pub mod quantized;
mod sgd;

pub mod model;

mod include_model;

#[cfg(feature = "ffi")]
pub mod ffi;
#[cfg(feature = "std")]
pub mod host;
#[cfg(feature = "probe")]
pub mod probe;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

pub use crc32::crc32;
pub use digits::digit;
pub use distort::Distortion;
pub use error::{ModelError, SizeError};
pub use halve::halve;
pub use hash::weights_hash;
pub use idx::{Idx, IdxError};
pub use include_model::IncludedModel;
pub use init::{INIT_SCALE, fill_initial, fill_scaled};
pub use kind::{Bits, Kind};
pub use model::Model;
pub use network::Network;
pub use quantized::QuantizedNetwork;
pub use sgd::{Loss, LossFunction, TrainError, TrainOptions, Trainer};
pub use shape::Shape;
pub use simd::Backend;
pub use weights::{Weights, WeightsMut};
