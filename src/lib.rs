//! Trains and runs two-layer ReLU networks, `inputs → hidden → outputs` (784 → 1000 → 10 on MNIST by default).
//!
//! - **Fast**: plain per-sample SGD, computed in blocks that reuse the caches, without any approximation.
//! - **The same bits everywhere**: weights and outputs do not depend on the SIMD tier, the number of threads or the machine.
//! - **Small**: the core is `no_std`, allocates nothing and does not panic. Quantised to 8 or 4 bits, a network is read where it
//!   lies in flash.
//!
//! # Train and classify
//!
//! All memory is the caller's: weights and scratch are slices whose lengths follow from the [`Shape`], at compile time if need
//! be. Pixels are bytes, 0 for the background and 255 for full ink. [`digit`] makes the images here; MNIST's files are read by
//! [`Idx`] or [`host::data`].
//!
#![cfg_attr(feature = "std", doc = "```")]
#![cfg_attr(not(feature = "std"), doc = "```ignore")]
//! use twolayer::{Answer, Backend, Network, Shape, TrainOptions, Trainer};
//! use twolayer::{INIT_SCALE, WeightsMut, digit, fill_initial};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let shape = Shape::new(28 * 28, 64, 10)?;
//! let mut numbers = vec![0.0; shape.weights_len()];
//! let mut weights = WeightsMut::new(shape, &mut numbers)?;
//! fill_initial(&mut weights, 1, INIT_SCALE);
//!
//! // Images of `[pixels]` bytes, one after the other, and a label for each.
//! let (images, labels): (Vec<_>, Vec<_>) = (0..1000).map(|index| digit(1, index)).unzip();
//! let options = TrainOptions { alpha: 2e-5, ..TrainOptions::default() };
//! let mut scratch = vec![0.0; Trainer::scratch_len(shape, options.block)];
//! let mut trainer = Trainer::new(weights, &mut scratch, options)?;
//! let first = trainer.train(&images.concat(), &labels)?;
//! let second = trainer.train(&images.concat(), &labels)?;
//! assert!(second.sum < first.sum);
//!
//! let network = Network::new(trainer.weights(), Backend::detect());
//! let mut scratch = vec![0.0; Network::scratch_len(shape)];
//! let (image, _label) = digit(2, 0); // from another seed
//! let answer = Answer::of(network.outputs(&image, &mut scratch)?);
//! assert!(answer.class < 10 && answer.margin >= 0.0);
//! # Ok(()) }
//! ```
//!
//! # Where to start
//!
//! | you have | you want |
//! |---|---|
//! | images in memory | [`Trainer`] to train, [`Network`] to classify |
//! | a model file on a disk | [`host::ModelFile`] |
//! | a model of whatever kind | [`AnyNetwork`]; [`host::ModelFile::any`] on a host |
//! | a model in flash or in the program | [`include_model!`], or [`Model::from_region`]; [`QuantizedNetwork`] for int8 and int4 |
//! | a photograph, a scan, a camera's frame | [`picture`], in the core; [`host::GreyPicture`] for PNG, JPEG, WebP, BMP, GIF and PNM files |
//! | a data set | [`host::data`], and [`host::train`] for whole runs |
//! | a trained network that is to fit a microcontroller | [`host::quantize()`], [`host::tune`] |
//! | a network from PyTorch, Keras or NumPy | [`host::tensors`] |
//! | a program in C | `ffi` and `include/twolayer.h`; [`host::C99`] for C without Rust |
//!
//! `examples/classify.rs` and `examples/train.rs` are whole programs. [`model`] describes the model file, [`int`] the integer
//! network, each well enough to write a reader.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `cli` (default) | the command line; implies `convert`, `download`, `pictures` and `report` |
//! | `std` | [`host`]: files, memory maps, threads, data sets, quantising; detection of the CPU's SIMD tier |
//! | `convert` | networks from and to safetensors, `.npz` and `.npy`; implies `std` |
//! | `download` | fetching data sets over HTTPS; implies `std` |
//! | `pictures` | PNG, JPEG, WebP, BMP, GIF, PGM and PPM files; implies `std` |
//! | `report` | a run as one HTML page; implies `std` |
//! | `crc-table` | a table of 1 kB: checksums at 4 instructions a byte, not 10 |
//! | `ffi` | the C interface; `staticlib` adds the panic handler that a bare-metal library must bring |
//! | `probe` | the parts of a training step one by one, for the benches and tests; not a stable interface |
//! | none | the core: no std, no allocator; depends on `wide`, `bytemuck` and `rand_xoshiro` |
//!
//! A program needs `default-features = false, features = ["std"]`; firmware needs `default-features = false`. The default features
//! bring the whole command line.
#![cfg_attr(not(any(test, feature = "std")), no_std)]
// On docs.rs, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

// A static library for a host takes std's panic handler; one for bare metal brings its own: see `ffi`.
#[cfg(all(feature = "staticlib", not(any(test, feature = "std", target_os = "none"))))]
extern crate std;

// So that what the integration tests share can be part of the unit tests too.
#[cfg(test)]
extern crate self as twolayer;

// The floors, lowest first: base, simd, net, int, image, model, ffi, host. Each has one door, its `mod.rs`, and uses only those
// below it: tests/floors.rs.
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

pub use base::{Answer, Confidence, Margin, Output, crc32};
pub use image::{Distortion, Idx, IdxError, digit, idx, picture, redraw};
pub use int::{Bits, QuantizedNetwork};
pub use model::{AnyNetwork, AnyOutputs, Kind, Model, ModelError};
#[cfg(feature = "probe")]
pub use net::probe;
pub use net::{
    INIT_SCALE, LearningRates, Loss, LossFunction, Network, SampleOrder, Shape, SizeError, TrainError, TrainOptions,
    Trainer, Weights, WeightsMut, deslant, fill_initial, fill_scaled, halve, weights_hash,
};
pub use simd::Backend;
