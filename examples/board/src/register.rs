//! A register of a peripheral.

/// A register of 32 bits at a fixed address.
#[derive(Clone, Copy, Debug)]
pub struct Register(*mut u32);

impl Register {
    /// The register at an address.
    ///
    /// # Safety
    ///
    /// At the address there is a register, and neither reading nor writing it breaks anything that Rust relies on.
    #[must_use]
    #[expect(unsafe_code, reason = "the caller knows the chip")]
    pub const unsafe fn at(address: usize) -> Self {
        Self(core::ptr::with_exposed_provenance_mut(address))
    }

    /// What it holds.
    #[must_use]
    #[expect(unsafe_code, reason = "see `at`")]
    pub fn read(self) -> u32 {
        // SAFETY: whoever made it said that it may be read.
        unsafe { self.0.read_volatile() }
    }

    /// Writes it.
    #[expect(unsafe_code, reason = "see `at`")]
    pub fn write(self, value: u32) {
        // SAFETY: whoever made it said that it may be written.
        unsafe { self.0.write_volatile(value) }
    }

    /// Replaces the bits of `mask` by those of `value`.
    pub fn set(self, mask: u32, value: u32) {
        self.write(self.read() & !mask | value & mask);
    }
}
