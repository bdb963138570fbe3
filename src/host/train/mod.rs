//! Training and evaluation: epochs over a data set, on several threads, with progress reports.

mod calibration;
mod comparison;
mod ensemble;
mod epoch;
mod error;
mod evaluation;
mod start;
mod threads;
mod training;

pub use calibration::{Reliability, calibrate, reliability};
pub use comparison::{Comparison, Pairs, compare};
pub use ensemble::evaluate_ensemble;
pub(super) use ensemble::teachers;
pub(super) use epoch::{Epochs, Samples, Shuffled, mean};
pub use error::TrainingError;
pub use evaluation::{Coverage, Evaluation, evaluate};
pub use start::{going_on, initial_weights};
pub use threads::Threads;
pub use training::{Epoch, Event, Init, Recipe, Trained, shape, train, train_from};
