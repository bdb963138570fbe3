//! Files: read and mapped, written atomically; models and weights that own their memory.

mod any_weights;
mod atomic_write;
mod bytes;
mod error;
mod model_file;
mod owned_weights;
mod page_buffer;
mod quantized;

pub use any_weights::AnyWeights;
pub use atomic_write::Reservation;
pub(super) use atomic_write::{OutputDirectory, reserve, write_all_atomically, write_atomically};
pub(super) use bytes::Bytes;
pub use bytes::FileAccess;
pub use error::{Action, FileError, is_obeyed, printable};
pub use model_file::ModelFile;
pub use owned_weights::OwnedWeights;
pub use page_buffer::PageBuffer;
pub use quantized::Quantized;
