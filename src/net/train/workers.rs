//! Who does the work of a block, and how W1 is split among them: by whole panels, which no sum crosses.

#[cfg(feature = "std")]
use crate::net::weights::panel_len;
use crate::net::weights::{panels, panels_mut};
use core::num::NonZeroUsize;

/// Who does the work of a block: the calling thread alone, or several.
pub(crate) trait Workers {
    /// Calls `visit` once for every panel.
    fn each_panel(&self, panels: Panels<'_>, visit: impl Fn(Panel<'_>) + Sync);
    /// Calls both functions; gives what the first gives.
    fn both<T: Send>(&self, first: impl FnOnce() -> T + Send, second: impl FnOnce() + Send) -> T;
}

/// What a visit needs of all panels: W1, and the hidden rows of two blocks.
pub(crate) struct Panels<'a> {
    pub(crate) inputs: NonZeroUsize,
    pub(crate) block: NonZeroUsize,
    /// `[panel][inputs][width]`.
    pub(crate) w1: &'a mut [f32],
    /// δ1 of the block before: `[panel][block][width]`.
    pub(crate) delta1: &'a [f32],
    /// Room for the pre-activations of the current one: `[panel][block][width]`.
    pub(crate) z: &'a mut [f32],
}

impl Panels<'_> {
    /// The length of a whole panel of W1, and of its hidden rows.
    #[cfg(feature = "std")]
    pub(crate) const fn lens(&self) -> (usize, usize) {
        (panel_len(self.inputs), panel_len(self.block))
    }
}

/// One panel of [`Panels`], each a row of `width` numbers.
pub(crate) struct Panel<'a> {
    /// `[inputs][width]`.
    pub(crate) w1: &'a mut [f32],
    /// δ1 of the block before: `[samples][width]`.
    pub(crate) delta1: &'a [f32],
    /// Room for the pre-activations of the current block: `[samples][width]`.
    pub(crate) z: &'a mut [f32],
}

/// The calling thread alone.
pub(crate) struct ThisThread;

impl Workers for ThisThread {
    fn each_panel(&self, all: Panels<'_>, visit: impl Fn(Panel<'_>) + Sync) {
        let hidden = panels(all.delta1, all.block).zip(panels_mut(all.z, all.block));
        for (w1, (delta1, z)) in panels_mut(all.w1, all.inputs).zip(hidden) {
            visit(Panel { w1, delta1, z });
        }
    }

    fn both<T: Send>(&self, first: impl FnOnce() -> T + Send, second: impl FnOnce() + Send) -> T {
        let result = first();
        second();
        result
    }
}
