//! What the images share: the board and the input that the loader put into flash behind the code.
//!
//! # The input
//!
//! Sixteen words (32 bits, little-endian), then the model, then images, then labels:
//!
//! | word | what |
//! |---|---|
//! | 0 | bytes of the model |
//! | 1 | number of images |
//! | 2 | pixels of an image |
//! | 3 | bytes between the words and the model: 0, or else to try a model at an odd address |
//! | 4, 5, 6, 7 | for training: hidden units, outputs, samples of a block, seed of the initial weights |
//! | 8 | for training: the loss, 0 for squared error and 1 for cross-entropy |
//! | 9..16 | zero |
//!
//! The images start at the next multiple of 4 behind the model, the labels (for training) directly behind the images.

#![no_std]

#[allow(unsafe_code, reason = "start-up code, registers and the debugger's calls")]
pub mod board;
mod classify;

pub use board::Line;

/// The input, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    words: [u32; 16],
    pub model: &'a [u8],
    pub pixels: usize,
    pub images: &'a [u8],
    pub labels: &'a [u8],
}

impl<'a> Input<'a> {
    /// `None` if a length does not fit the memory.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<64>()?;
        let mut words = [0; 16];
        for (word, bytes) in words.iter_mut().zip(head.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let [model, count, pixels, offset, ..] = words.map(|word| word as usize);
        let (skipped, _) = rest.split_at_checked(offset.checked_add(model)?.checked_next_multiple_of(4)?)?;
        let (_, rest) = rest.split_at_checked(skipped.len())?;
        let (images, rest) = rest.split_at_checked(count.checked_mul(pixels)?)?;
        let labels = rest.get(..count).unwrap_or_default();
        Some(Self {
            words,
            model: skipped.get(offset..offset + model)?,
            pixels,
            images,
            labels,
        })
    }

    /// One of the words.
    #[must_use]
    pub fn word(&self, index: usize) -> u32 {
        self.words.get(index).copied().unwrap_or_default()
    }
}

/// What `f` gives, and the ticks it took.
pub fn measure<T>(f: impl FnOnce() -> T) -> (T, u32) {
    let start = board::ticks();
    let result = f();
    (result, board::ticks().wrapping_sub(start))
}

/// Names the function, `fn(&'static mut [u32]) -> u32`, that gets the unused memory and gives the exit code.
#[macro_export]
macro_rules! main {
    ($run:path) => {
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "the name that the start-up code calls")]
        fn twolayer_main(memory: &'static mut [u32]) -> u32 {
            $run(memory)
        }

        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo) -> ! {
            $crate::board::exit(2)
        }
    };
}
