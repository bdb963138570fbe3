//! Maps of pixels, a bit for each: which of them are ink, and which belong to what.

use super::{Area, Inked};
use crate::base::{Always, violated};

/// Rounds of a flood. A stroke that winds up and down more often is cut off.
const FLOODS: u32 = 32;

/// A bit for each pixel of a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map<W> {
    words: W,
    /// Words of a row.
    stride: usize,
    width: u32,
    height: u32,
}

/// A map that is only read.
pub(super) type View<'m> = Map<&'m [u32]>;

impl View<'_> {
    /// Words of scratch for a picture.
    pub(super) const fn scratch_len(width: u32, height: u32) -> usize {
        width.div_ceil(32) as usize * height as usize
    }
}

impl<W: AsRef<[u32]>> Map<W> {
    /// What the words hold as a map: [`scratch_len`](View::scratch_len) of them or more.
    pub(super) fn new(width: u32, height: u32, words: W) -> Self {
        Self { words, stride: width.div_ceil(32) as usize, width, height }
    }

    pub(super) fn view(&self) -> View<'_> {
        Map { words: self.words.as_ref(), stride: self.stride, width: self.width, height: self.height }
    }

    pub(super) const fn width(&self) -> u32 {
        self.width
    }

    pub(super) const fn height(&self) -> u32 {
        self.height
    }

    /// The words of a row.
    fn row(&self, y: u32) -> &[u32] {
        let start = self.stride.wrapping_mul(y as usize);
        self.words.as_ref().get(start..).and_then(|rest| rest.get(..self.stride)).always("rows are within the map")
    }

    /// The runs of set pixels in the columns from `left` to `right` of a row: first and last column.
    pub(super) fn runs(&self, y: u32, left: u32, right: u32) -> Runs<'_> {
        Runs { row: self.row(y), next: left, right }
    }

    /// Whether a pixel is set.
    pub(super) fn is_set(&self, x: u32, y: u32) -> bool {
        self.row(y).get(x as usize / 32).is_some_and(|word| word >> (x % 32) & 1 != 0)
    }

    /// How many pixels are set in the columns from `left` to `right` of a row.
    pub(super) fn count(&self, y: u32, left: u32, right: u32) -> u32 {
        self.words(y, left, right).map(u32::count_ones).sum()
    }

    /// Whether one is.
    pub(super) fn any(&self, y: u32, left: u32, right: u32) -> bool {
        self.words(y, left, right).any(|word| word != 0)
    }

    /// The words of a row that have the columns from `left` to `right`, without the bits of other columns.
    fn words(&self, y: u32, left: u32, right: u32) -> impl Iterator<Item = u32> {
        let words = self.row(y).iter().zip(0..).skip(left as usize / 32).take((right / 32 - left / 32) as usize + 1);
        words.map(move |(word, n)| word & between(n, left, right))
    }

    /// The box of all that is set.
    pub(super) fn area(&self) -> Option<Area> {
        let mut area = None::<Area>;
        for y in 0..self.height {
            for (first, last) in self.runs(y, 0, self.width.saturating_sub(1)) {
                let run = Area::of(first, last, y, y);
                area = Some(area.map_or(run, |area| area.union(run)));
            }
        }
        area
    }
}

impl<W: AsRef<[u32]> + AsMut<[u32]>> Map<W> {
    pub(super) fn clear(&mut self) {
        self.words.as_mut().fill(0);
    }

    fn row_mut(&mut self, y: u32) -> &mut [u32] {
        let start = self.stride.wrapping_mul(y as usize);
        self.words
            .as_mut()
            .get_mut(start..)
            .and_then(|rest| rest.get_mut(..self.stride))
            .always("rows are within the map")
    }

    /// Sets the pixels with more ink than `floor`, and no others.
    pub(super) fn fill(&mut self, inked: &Inked<'_, '_>, floor: u8) {
        // Without a look at what the words hold: nothing may be there yet.
        self.combine(inked, floor, inked.picture.all(), |word, ink| *word = ink);
    }

    /// Clears what another map has.
    pub(super) fn remove(&mut self, other: View<'_>) {
        self.words.as_mut().iter_mut().zip(other.words).for_each(|(word, other)| *word &= !other);
    }

    /// Sets what another map has.
    pub(super) fn add(&mut self, other: View<'_>) {
        self.words.as_mut().iter_mut().zip(other.words).for_each(|(word, other)| *word |= other);
    }

    /// Sets the pixels with more ink than `floor` that are not set, and clears the others.
    pub(super) fn fill_outside(&mut self, inked: &Inked<'_, '_>, floor: u8) {
        self.combine(inked, floor, inked.picture.all(), |word, ink| *word = ink & !*word);
    }

    /// Clears the pixels of an area without more ink than `floor`.
    pub(super) fn keep_ink(&mut self, inked: &Inked<'_, '_>, floor: u8, area: Area) {
        self.combine(inked, floor, area, |word, ink| *word &= ink);
    }

    /// Clears the pixels of an area with more ink than `threshold`.
    pub(super) fn remove_ink(&mut self, inked: &Inked<'_, '_>, threshold: u8, area: Area) {
        self.combine(inked, threshold, area, |word, ink| *word &= !ink);
    }

    /// Changes the words that have an area's columns, by which of their pixels have more ink than `floor`.
    #[inline(always)]
    fn combine(&mut self, inked: &Inked<'_, '_>, floor: u8, area: Area, with: impl Fn(&mut u32, u32)) {
        let [left, right, top, bottom] = area.sides();
        let (left, end) = (left / 32 * 32, (right / 32 + 1) * 32);
        let words = (left / 32) as usize..(end / 32) as usize;
        let end = end.min(self.width);
        for y in top..=bottom {
            let row = self.row_mut(y).get_mut(words.clone()).always("areas are within the map");
            if inked.background.is_even() {
                // Ink is what is beyond a level.
                let pixels = inked.picture.row(y).get(left as usize..end as usize);
                let pixels = pixels.always("areas are within the picture").chunks(32);
                let (level, floor) = (i32::from(inked.background.level()), i32::from(floor));
                let (beyond, turned) = if inked.light { (level + floor, 0) } else { (level - floor - 1, u32::MAX) };
                for (word, pixels) in row.iter_mut().zip(pixels) {
                    let lighter =
                        pixels.iter().rev().fold(0, |word, &pixel| word << 1 | u32::from(i32::from(pixel) > beyond));
                    with(word, (lighter ^ turned) & (u32::MAX >> (32 - pixels.len())));
                }
                continue;
            }
            let mut levels = inked.levels(y, left, end);
            for word in row {
                let bits = levels.by_ref().take(32).zip(0..);
                let ink = bits.fold(0, |word, (level, bit)| word | u32::from(level > floor) << bit);
                with(word, ink);
            }
        }
    }

    /// Clears all columns but those that `columns` gives for each row: the first one, and the one after the last.
    pub(super) fn keep_columns(&mut self, columns: impl Fn(u32) -> [u32; 2]) {
        for y in 0..self.height {
            let [left, end] = columns(y);
            let words = left / 32..end.div_ceil(32);
            for (word, n) in self.row_mut(y).iter_mut().zip(0..) {
                *word &= if left < end && words.contains(&n) { between(n, left, end - 1) } else { 0 };
            }
        }
    }

    /// Clears a pixel.
    pub(super) fn unset(&mut self, y: u32, x: u32) {
        if let Some(word) = self.row_mut(y).get_mut(x as usize / 32) {
            *word &= !(1 << (x % 32));
        }
    }

    fn set(&mut self, y: u32, left: u32, right: u32) {
        let words = self.row_mut(y).iter_mut().zip(0..).skip(left as usize / 32);
        words.take((right / 32 - left / 32) as usize + 1).for_each(|(word, n)| *word |= between(n, left, right));
    }

    /// Sets the blob of another map that has the pixel `seed` and lies in `area`.
    pub(super) fn flood(&mut self, of: View<'_>, area: Area, [x, y]: [u16; 2]) {
        let [left, right, top, bottom] = [area.left, area.right, area.top, area.bottom].map(u32::from);
        let (x, y) = (u32::from(x), u32::from(y));
        let Some((first, last)) = of.runs(y, left, right).find(|&(first, last)| (first..=last).contains(&x)) else {
            violated!("a blob has its seed", return)
        };
        self.set(y, first, last);
        for _ in 0..FLOODS {
            let mut changed = false;
            for y in top..bottom {
                changed |= self.spread(of, y, y + 1, left, right);
            }
            for y in (top..bottom).rev() {
                changed |= self.spread(of, y + 1, y, left, right);
            }
            if !changed {
                break;
            }
        }
    }

    /// Sets the runs of a row that touch what is set in a row beside it; whether there was any.
    fn spread(&mut self, of: View<'_>, from: u32, to: u32, left: u32, right: u32) -> bool {
        let mut changed = false;
        for (first, last) in of.runs(to, left, right) {
            let touched = self.any(from, first.saturating_sub(1), (last + 1).min(self.width - 1));
            // Runs are set as a whole: one pixel tells.
            if touched && !self.is_set(first, to) {
                self.set(to, first, last);
                changed = true;
            }
        }
        changed
    }

    /// Sets all pixels no more than `steps` columns and rows from one that is set.
    pub(super) fn grow(&mut self, steps: u32) {
        let last = between(self.width.saturating_sub(1) / 32, 0, self.width.saturating_sub(1));
        for _ in 0..steps {
            for y in 0..self.height {
                let row = self.row_mut(y);
                let mut before = 0;
                for n in 0..row.len() {
                    let after = row.get(n + 1).copied().unwrap_or_default();
                    let Some(word) = row.get_mut(n) else { violated!("a row has its words", return) };
                    let old = *word;
                    *word = old | old << 1 | old >> 1 | before >> 31 | after << 31;
                    before = old;
                }
                if let Some(word) = row.last_mut() {
                    *word &= last;
                }
            }
            for n in 0..self.stride {
                let mut before = 0;
                for y in 0..self.height {
                    let after =
                        if y + 1 < self.height { self.row(y + 1).get(n).copied().unwrap_or_default() } else { 0 };
                    let Some(word) = self.row_mut(y).get_mut(n) else { violated!("a row has its words", return) };
                    let old = *word;
                    *word = old | before | after;
                    before = old;
                }
            }
        }
    }
}

/// The bits of word `n` that stand for the columns from `left` to `right`.
const fn between(n: u32, left: u32, right: u32) -> u32 {
    let first = if n == left / 32 { u32::MAX << (left % 32) } else { u32::MAX };
    let last = if n == right / 32 { u32::MAX >> (31 - right % 32) } else { u32::MAX };
    first & last
}

/// Runs of set pixels in a row.
#[derive(Clone, Debug)]
pub(super) struct Runs<'m> {
    row: &'m [u32],
    next: u32,
    right: u32,
}

impl Runs<'_> {
    /// The first column from `x` on whose bits, turned over by `flip`, are set; beyond the last if there is none.
    fn first(&self, x: u32, flip: u32) -> u32 {
        let mut mask = u32::MAX << (x % 32);
        for (word, n) in self.row.iter().zip(0_u32..).skip(x as usize / 32) {
            let bits = (word ^ flip) & mask;
            if bits != 0 {
                return n * 32 + bits.trailing_zeros();
            }
            mask = u32::MAX;
        }
        self.right + 1
    }
}

impl Iterator for Runs<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        if self.next > self.right {
            return None;
        }
        let first = self.first(self.next, 0);
        if first > self.right {
            self.next = self.right + 1;
            return None;
        }
        let end = self.first(first, u32::MAX).min(self.right + 1);
        self.next = end + 1;
        Some((first, end - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Dice;

    /// A number below so many.
    fn below(dice: &mut Dice, most: u32) -> u32 {
        u32::try_from(dice.below(most as usize)).unwrap()
    }

    fn random(dice: &mut Dice, width: u32, height: u32, words: &mut [u32]) -> Vec<Vec<bool>> {
        let mut map = Map::new(width, height, words);
        map.clear();
        let mut pixels = vec![vec![false; width as usize]; height as usize];
        for (y, row) in (0..).zip(&mut pixels) {
            for (x, pixel) in (0..).zip(row) {
                *pixel = dice.below(10) < 6;
                if *pixel {
                    map.set(y, x, x);
                }
            }
        }
        pixels
    }

    #[test]
    fn runs_counts_and_areas_are_those_of_the_pixels() {
        let mut dice = Dice::new(4);
        for _ in 0..200 {
            let (width, height) = (1 + below(&mut dice, 100), 1 + below(&mut dice, 4));
            let mut words = vec![u32::MAX; View::scratch_len(width, height)];
            let pixels = random(&mut dice, width, height, &mut words);
            let map = Map::new(width, height, &mut words);
            let (a, b) = (below(&mut dice, width), below(&mut dice, width));
            let (left, right) = (a.min(b), a.max(b));
            for (y, row) in (0..).zip(&pixels) {
                let set = |x: u32| row[x as usize];
                let mut back = vec![false; width as usize];
                for (first, last) in map.runs(y, left, right) {
                    assert!(first == left || !set(first - 1));
                    assert!(last == right || !set(last + 1));
                    back[first as usize..=last as usize].fill(true);
                }
                assert!((left..=right).all(|x| back[x as usize] == set(x) && map.is_set(x, y) == set(x)));
                assert_eq!(map.count(y, left, right), (left..=right).map(|x| u32::from(set(x))).sum::<u32>());
                assert_eq!(map.any(y, left, right), (left..=right).any(set));
            }
        }
    }

    #[test]
    fn a_map_grows_by_a_pixel_on_every_side() {
        let mut dice = Dice::new(5);
        for _ in 0..100 {
            let (width, height) = (1 + below(&mut dice, 70), 1 + below(&mut dice, 9));
            let mut words = vec![0; View::scratch_len(width, height)];
            let mut map = Map::new(width, height, &mut words);
            let seeds: Vec<(u32, u32)> = (0..4).map(|_| (below(&mut dice, width), below(&mut dice, height))).collect();
            for &(x, y) in &seeds {
                map.set(y, x, x);
            }
            map.grow(2);
            for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                let near = seeds.iter().any(|&(a, b)| a.abs_diff(x) <= 2 && b.abs_diff(y) <= 2);
                assert_eq!(map.is_set(x, y), near, "{width} × {height}: {x}, {y}");
            }
        }
    }
}
