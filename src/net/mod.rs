//! The f32 network: its sizes, its weights, inference and training. Read `tests/support/reference.rs` first: the whole network in
//! plain loops.

mod deslant;
mod error;
mod forward;
mod hash;
mod init;
mod inputs;
mod kernel;
mod loss;
#[cfg(feature = "probe")]
pub mod probe;
mod shape;
mod train;
mod weights;

pub use deslant::deslant;
pub use error::SizeError;
pub use forward::Network;
pub use hash::weights_hash;
pub use init::{INIT_SCALE, fill_initial, fill_scaled};
pub use inputs::halve;
pub(crate) use inputs::{network_input, network_input_len};
#[cfg(feature = "std")]
pub(crate) use kernel::sequential::Targets;
pub use loss::{Loss, LossFunction};
#[cfg(feature = "std")]
pub(crate) use shape::PANEL;
pub use shape::Shape;
#[cfg(any(feature = "probe", feature = "std"))]
pub(crate) use train::ThisThread;
pub use train::{LearningRates, SampleOrder, TrainError, TrainOptions, Trainer};
#[cfg(feature = "std")]
pub(crate) use train::{Workers, check_samples};
#[cfg(feature = "report")]
pub(crate) use weights::WeightsPanel;
#[cfg(feature = "std")]
pub(crate) use weights::panels_mut;
pub use weights::{Weights, WeightsMut};
