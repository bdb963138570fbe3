//! The pixels of an image, sorted by level: for each of the four non-zero levels, the list of the inputs that have it.
//!
//! One pass over the image: seven instructions for four pixels without ink, some sixteen for an inked one.

use super::level::{self, LEVELS, level};
use crate::always::Always;

/// [`level::INK`] of four pixels.
const INK: u32 = u32::from_ne_bytes([level::INK; 4]);

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
    /// Sorts an image of at most 65 536 pixels. The lists are in `scratch`, which has a word a pixel.
    #[inline(never)] // so that its stack is not there while rows are added
    pub(super) fn new(pixels: &[u8], bounds: &'s mut Bounds, scratch: &'s mut [u32]) -> Self {
        let room: &mut [u16] = bytemuck::cast_slice_mut(scratch);
        let inputs = pixels.len();
        debug_assert!(room.len() >= 2 * inputs, "a word of scratch a pixel");
        let pixels = if room.len() < 2 * inputs { &[] } else { pixels };
        // Two lists grow towards each other in each half: together they are never longer than the image.
        let (mut four, mut three, mut two, mut one) = (0, inputs, 2 * inputs, inputs);
        let (words, tail) = pixels.as_chunks::<4>();
        // From the end backwards, so that the pixels of the last, unfinished word go through the same loop.
        let mut word = tail.iter().rev().fold(0, |word, &pixel| (word << 8) | u32::from(pixel)) & INK;
        let mut first = u16::try_from(4 * words.len()).unwrap_or_default();
        let mut words = words.iter();
        loop {
            let mut index = first;
            while word != 0 {
                match level(word.to_le_bytes()[0]) {
                    0 => {}
                    1 => {
                        one -= 1;
                        put(room, one, index);
                    }
                    2 => {
                        two -= 1;
                        put(room, two, index);
                    }
                    3 => {
                        put(room, three, index);
                        three += 1;
                    }
                    _ => {
                        put(room, four, index);
                        four += 1;
                    }
                }
                index = index.wrapping_add(1);
                word >>= 8;
            }
            let Some(&before) = words.next_back() else { break };
            word = u32::from_le_bytes(before) & INK;
            first = first.wrapping_sub(4);
        }
        // At most four bytes for each of 65,536 pixels.
        let word = |number: usize| u32::try_from(number).unwrap_or_default();
        *bounds = [
            [0, word(2 * four)],
            [word(2 * inputs), word(2 * three)],
            [word(2 * two), word(4 * inputs)],
            [word(2 * one), word(2 * inputs)],
        ];
        let total = word(4 * four + 3 * (three - inputs) + 2 * (2 * inputs - two) + (inputs - one));
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

fn put(list: &mut [u16], at: usize, index: u16) {
    debug_assert!(at < list.len(), "the lists are never longer than the image");
    if let Some(entry) = list.get_mut(at) {
        *entry = index;
    }
}
