//! The pixels of an image, sorted by level: for each of the four non-zero levels, the list of the inputs that have it.
//!
//! All four lists share one room of little more than an entry an input: two pairs of lists, which grow towards each other.
//! Where one pair ends and the other begins is counted first, so the image is read twice. Costs are in `rows.rs` and
//! `rows_dsp.rs`, which sort.

use super::level::LEVELS;
use super::rows;
#[allow(unused_imports, reason = "the assembly has its own way")]
use crate::base::Always;

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
        let [start, end] = self.bounds.get(LEVELS.wrapping_sub(level)).copied().always("a level is 1 to 4");
        self.room.get(start as usize / 2..end as usize / 2).always("lists end within their room")
    }

    /// The sum of all levels.
    pub(super) const fn total(&self) -> u32 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::int::level::level;
    use std::vec;
    use std::vec::Vec;

    /// Images of every length up to 40 at every alignment, each all of one grey, in turn, or random: the lists together never
    /// fill more than the room that is asked for.
    #[test]
    fn every_inked_pixel_is_in_the_list_of_its_level() {
        let greys: [fn(usize) -> u8; 9] = [
            |_| 0,
            |_| 31,
            |_| 32,
            |_| 96,
            |_| 160,
            |_| 255,
            |i| [40, 100, 0, 170, 230][i % 5],
            |i| [96, 128, 255, 255][i / 4 % 4], // the first two words have all bits that say ink, but not in one pixel
            |i| (i.wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0],
        ];
        for (grey, len, offset) in
            greys.into_iter().flat_map(|grey| (0..41).flat_map(move |len| (0..4).map(move |o| (grey, len, o))))
        {
            let mut words = [0_u32; 16];
            let image = &mut bytemuck::cast_slice_mut::<u32, u8>(&mut words)[offset..offset + len];
            image.iter_mut().enumerate().for_each(|(i, pixel)| *pixel = grey(i));
            let (mut bounds, mut scratch) = ([[u32::MAX; 2]; LEVELS], vec![u32::MAX; (len + SLACK).div_ceil(2)]);
            let lists = LevelLists::new(image, &mut bounds, &mut scratch);
            assert_eq!(lists.inputs(), len);
            let mut total = 0;
            for found in 1..=LEVELS {
                let expected: Vec<usize> = (0..len).filter(|&i| usize::from(level(image[i])) == found).collect();
                let mut list: Vec<usize> = lists.list(found).iter().copied().map(usize::from).collect();
                list.sort_unstable();
                assert_eq!(list, expected, "{image:?}, level {found}");
                total += found * list.len();
            }
            assert_eq!(usize::try_from(lists.total()), Ok(total));
        }
    }
}
