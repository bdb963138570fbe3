//! What the pages call, as WebAssembly: numbers in and out, and bytes in memory of a fixed size whose addresses the page asks for.
//!
//! Nothing allocates, and there is nothing to generate for JavaScript: a page writes a picture (or samples) to an address, calls
//! a function, and reads what it left at another address.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(not(feature = "train"))]
mod learn;
#[cfg(not(feature = "train"))]
mod model;
#[cfg(not(feature = "train"))]
mod read;
mod samples;
#[cfg(feature = "train")]
mod train;

use core::cell::UnsafeCell;

/// Memory that the page and this program share.
#[repr(align(64))]
struct Shared<T>(UnsafeCell<T>);

// SAFETY: the module is built without threads, so that an instance and its memory belong to one thread.
#[expect(unsafe_code, reason = "statics that change, see `Shared::lend`")]
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Where it is, for the page.
    const fn address(&'static self) -> *const T {
        self.0.get()
    }

    /// The only access to it while an exported function runs: each of them asks once for each static.
    #[expect(unsafe_code, clippy::mut_from_ref, reason = "one thread, and exported functions do not call each other")]
    fn lend(&'static self) -> &'static mut T {
        // SAFETY: there is one thread, the page does nothing while a function runs, no function asks twice for the same static,
        // keeps what it was lent, or calls another exported one.
        unsafe { &mut *self.0.get() }
    }
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
