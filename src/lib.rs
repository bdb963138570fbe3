#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(test, feature = "std")), no_std)]

// So that what the integration tests share can be part of the unit tests too.
#[cfg(test)]
extern crate self as twolayer;

#[cfg(feature = "ffi")]
pub mod ffi;
mod hash;
#[cfg(feature = "std")]
pub mod host;
pub mod idx;
mod init;
pub mod int8;
mod kernel;
pub mod model;
mod network;
#[doc(hidden)]
pub mod probe;
mod scratch;
mod sgd;
mod shape;
mod simd;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

pub use hash::weights_hash;
pub use idx::{Idx, IdxError};
pub use init::{INIT_SCALE, fill_initial};
pub use int8::QuantizedNetwork;
pub use model::{Model, ModelError};
pub use network::{Network, NetworkError};
pub use sgd::{Errors, Options, TrainError, Trainer};
pub use shape::{Shape, ShapeError};
pub use simd::Backend;
