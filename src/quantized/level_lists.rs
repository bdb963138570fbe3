//! The pixels of an image, sorted by level: for each of the four non-zero levels, the list of the inputs that have it.
//!
//! All four lists share one room of little more than an entry an input: two pairs of lists, which grow towards each other.
//! Where one pair ends and the other begins is counted first, so the image is read twice. Costs are in `rows.rs` and
//! `rows_dsp.rs`, which sort.

use super::level::LEVELS;
use super::rows;
#[allow(unused_imports, reason = "the assembly has its own way")]
use crate::always::Always;

/// Entries of the room beside one an input: as many as there are pixels at the ends of an image that sorting may leave
/// uncounted.
pub(super) const SLACK: usize = 10;

/// Where each list starts and where it ends, in bytes. They are in the scratch, not on the stack.
pub(super) type Bounds = [[u32; 2]; LEVELS];

/// For each level, largest first, the inputs that have it.
///
/// Every index in the lists is less than `inputs`: [`LevelLists::new`], the only way to make one, counts them along the image.
#[derive(Debug)]
pub(super) struct LevelLists<'s> {
    bounds: &'s Bounds,
    room: &'s [u16],
    /// The sum of all levels.
    total: u32,
    inputs: usize,
}

impl<'s> LevelLists<'s> {
    /// Sorts an image of at most 65 536 pixels. The lists are in `scratch`, which has half a word a pixel and five more.
    #[inline(always)] // an image has one call
    pub(super) fn new(pixels: &[u8], bounds: &'s mut Bounds, scratch: &'s mut [u32]) -> Self {
        let room: &mut [u16] = bytemuck::cast_slice_mut(scratch);
        let inputs = pixels.len();
        debug_assert!(room.len() >= inputs + SLACK, "the length was checked");
        let total = rows::sort(pixels, bounds, room);
        Self { bounds, room, total, inputs }
    }

    /// Pixels of the image: every index in the lists is less.
    #[allow(dead_code, reason = "only the assembly must know")]
    pub(super) const fn inputs(&self) -> usize {
        self.inputs
    }

    /// The lists' bounds, of the levels 4, 3, 2 and 1, and where they count from.
    #[allow(dead_code, reason = "only the assembly must know")]
    pub(super) const fn parts(&self) -> (&'s Bounds, &'s [u16]) {
        (self.bounds, self.room)
    }

    /// The inputs of a level, 1 to 4.
    #[allow(dead_code, reason = "the assembly has its own way")]
    #[inline(always)] // no stack of its own
    pub(super) fn list(&self, level: usize) -> &'s [u16] {
        let [start, end] = self.bounds.get(LEVELS.wrapping_sub(level)).copied().always();
        self.room.get(start as usize / 2..end as usize / 2).always()
    }

    /// The sum of all levels.
    pub(super) const fn total(&self) -> u32 {
        self.total
    }
}
