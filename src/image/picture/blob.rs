//! Connected blobs of a map, found row by row: nothing is stored for a pixel, only for a column.
//!
//! A line of labels says to which blob the pixels of the row above belong; a run of pixels takes the label of what it touches
//! there, corners included, and joins the blobs that it connects (union-find). What is kept of a blob is its box, one pixel
//! and how many pixels it has. A blob is done when a row passes without it, and its label is free again.
//!
//! Two labels in use belong to places at least two columns apart: a new blob starts where none of the three pixels above
//! is set, and two runs in a row have a gap between them. So there are at most half as many as columns, rounded up.
//! Time grows with runs, whatever the blobs look like.

use super::Area;
use super::map::View;
use crate::base::{Always, violated};

/// What is known of a blob.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blob {
    /// The pixels that count: all, or those that are set in a second map.
    pub(super) ink: u32,
    pub(super) area: Area,
    /// The column of a pixel in the first row.
    seed: u16,
    /// The label of the blob that it has been joined with, never larger than its own; its own if with none. Of a free
    /// label: the next free one. In a list, where labels are of no use: what the blob is, below 2¹⁵.
    parent: u16,
    /// Whether the label is in use.
    used: bool,
}

/// A column or row.
pub(super) fn short(place: u32) -> u16 {
    u16::try_from(place).always("sides are at most 2¹⁴")
}

impl Blob {
    /// A pixel of the blob.
    pub(super) const fn seed(self) -> [u16; 2] {
        [self.seed, self.area.top]
    }

    /// What the blob is, of those in a list; 0 if that was not found out.
    pub(super) const fn kind(self) -> u16 {
        self.parent
    }

    pub(super) const fn with_kind(self, kind: u16) -> Self {
        Self { parent: kind, ..self }
    }

    /// Whether it is all of that.
    pub(super) const fn is(self, kind: u16) -> bool {
        self.parent & kind == kind
    }

    pub(super) const fn to_words(self) -> [u32; 4] {
        let Self { ink, area: Area { left, right, top, bottom }, seed, parent, used } = self;
        [
            ink,
            left as u32 | (right as u32) << 16,
            top as u32 | (bottom as u32) << 16,
            seed as u32 | (parent as u32) << 16 | (used as u32) << 31,
        ]
    }

    pub(super) const fn from_words([ink, columns, rows, rest]: [u32; 4]) -> Self {
        let [left, right] = halves(columns);
        let [top, bottom] = halves(rows);
        let [seed, parent] = halves(rest);
        Self { ink, area: Area { left, right, top, bottom }, seed, parent: parent & 0x7FFF, used: parent >> 15 != 0 }
    }
}

const fn halves(word: u32) -> [u16; 2] {
    let [a, b, c, d] = word.to_le_bytes();
    [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])]
}

/// The blobs of a map, while it is read.
pub(super) struct Blobs<'m, 's> {
    map: View<'m>,
    /// A label for each column: of this row up to where it is read, of the row above from there on. 0 is no blob.
    line: &'s mut [u16],
    /// Label `n` is at `n − 1`.
    table: &'s mut [[u32; 4]],
    /// The first of the free labels; 0 if none is.
    free: u16,
    /// Labels that were ever in use.
    used: u16,
    /// Runs of pixels in rows.
    runs: u32,
    /// Whether blobs have been joined in this row: then a label of the line may not be that of its whole blob.
    joined: bool,
}

impl<'m, 's> Blobs<'m, 's> {
    /// Words of scratch: four for a blob, of which there are half as many as columns, and half a word a column.
    pub(super) const fn scratch_len(width: u32) -> usize {
        width.div_ceil(2) as usize * 5
    }

    /// Gives each blob of a map to `done`; the number of runs of pixels in rows. `ink` counts the pixels of a run: row, first
    /// and last column.
    pub(super) fn each(
        map: View<'m>,
        ink: impl Fn(u32, u32, u32) -> u32,
        scratch: &'s mut [u32],
        mut done: impl FnMut(Blob),
    ) -> u32 {
        let (width, height) = (map.width(), map.height());
        let (line, table) =
            scratch.split_at_mut_checked(width.div_ceil(2) as usize).always("the length of the scratch was checked");
        let line: &mut [u16] = bytemuck::cast_slice_mut(line);
        line.fill(0);
        let (table, _) = table.as_chunks_mut::<4>();
        let mut blobs = Self { map, line, table, free: 0, used: 0, runs: 0, joined: false };
        for y in 0..height {
            blobs.read(y, width, &ink);
            blobs.finish(short(y), &mut done);
        }
        // A row without ink, so that the last blobs are done.
        blobs.line.fill(0);
        blobs.finish(u16::MAX, &mut done);
        blobs.runs
    }

    /// Reads one row.
    fn read(&mut self, y: u32, width: u32, ink: &impl Fn(u32, u32, u32) -> u32) {
        // The columns from here on have labels of the row above.
        let mut old = 0;
        let map = self.map;
        for (first, last) in map.runs(y, 0, width.saturating_sub(1)) {
            self.runs += 1;
            let (from, to) = (first.saturating_sub(1), (last + 1).min(width - 1));
            self.set_labels(old, from, 0);
            let mut label = 0;
            for x in from.max(old)..=to {
                match self.label(x) {
                    0 => {}
                    above if above == label => {}
                    above => label = self.join(label, above),
                }
            }
            if label == 0 {
                label = self.start(first, y);
            }
            self.set_labels(from, first, 0);
            self.set_labels(first, last + 1, label);
            old = last + 1;
            self.add(label, Area::of(first, last, y, y), ink(y, first, last));
        }
        if self.used > 0 {
            self.set_labels(old, width, 0);
        }
    }

    /// The label of a column; none beyond the last.
    fn label(&self, x: u32) -> u16 {
        self.line.get(x as usize).copied().unwrap_or_default()
    }

    /// The labels of the columns from `from` to `to − 1`.
    fn set_labels(&mut self, from: u32, to: u32, label: u16) {
        let labels = self.line.get_mut(from as usize..to as usize);
        let Some(labels) = labels else { violated!("every column has a label", return) };
        labels.fill(label);
    }

    fn blob(&self, label: u16) -> Blob {
        let words = self.table.get(usize::from(label).wrapping_sub(1)).copied();
        Blob::from_words(words.always("every label has a place in the table"))
    }

    fn set_blob(&mut self, label: u16, blob: Blob) {
        let words = self.table.get_mut(usize::from(label).wrapping_sub(1));
        let Some(words) = words else { violated!("there are at most half as many blobs as columns", return) };
        *words = blob.to_words();
    }

    /// The label of the whole blob that a label belongs to. Labels become less on the way, so it ends.
    fn root(&self, mut label: u16) -> u16 {
        loop {
            let parent = self.blob(label).parent;
            if parent >= label {
                return label;
            }
            label = parent;
        }
    }

    /// A new blob.
    fn start(&mut self, x: u32, y: u32) -> u16 {
        let label = if self.free == 0 {
            self.used += 1;
            self.used
        } else {
            self.free
        };
        if self.free != 0 {
            self.free = self.blob(label).parent;
        }
        let area = Area::of(x, x, y, y);
        self.set_blob(label, Blob { ink: 0, area, seed: short(x), parent: label, used: true });
        label
    }

    /// One more run of pixels of a blob, and how many of them count.
    fn add(&mut self, label: u16, run: Area, ink: u32) {
        let mut blob = self.blob(label);
        blob.ink += ink;
        blob.area = blob.area.union(run);
        self.set_blob(label, blob);
    }

    /// Joins two blobs, or takes the one that is none for the other; their label.
    fn join(&mut self, one: u16, other: u16) -> u16 {
        if one == 0 || other == 0 || one == other {
            return self.root(one.max(other));
        }
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return one;
        }
        let (kept, gone) = (one.min(other), one.max(other));
        self.joined = true;
        let (mut whole, mut part) = (self.blob(kept), self.blob(gone));
        whole.ink += part.ink;
        if part.area.top < whole.area.top {
            whole.seed = part.seed;
        }
        whole.area = whole.area.union(part.area);
        part.parent = kept;
        self.set_blob(kept, whole);
        self.set_blob(gone, part);
        kept
    }

    /// After a row: the labels of the line become those of whole blobs, blobs that the row did not reach are done, and
    /// their labels free.
    fn finish(&mut self, y: u16, done: &mut impl FnMut(Blob)) {
        if self.used == 0 {
            return;
        }
        if core::mem::take(&mut self.joined) {
            for x in 0..self.map.width() {
                match self.label(x) {
                    0 => {}
                    label => self.set_labels(x, x + 1, self.root(label)),
                }
            }
        }
        let mut left = false;
        for label in 1..=self.used {
            let blob = self.blob(label);
            if !blob.used {
                continue;
            }
            let whole = blob.parent == label;
            if whole && blob.area.bottom == y {
                left = true;
                continue;
            }
            if whole {
                done(blob);
            }
            self.set_blob(label, Blob { parent: self.free, used: false, ..blob });
            self.free = label;
        }
        if !left {
            (self.free, self.used) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::map::Map;
    use super::super::{Background, Inked, Picture};
    use super::*;
    use crate::support::Dice;

    type Pattern = Box<dyn Fn(i32, i32) -> bool>;

    const FLOOR: u8 = 10;
    const THRESHOLD: u8 = 100;

    /// Ink, columns and rows of all blobs, sorted; by this module.
    fn blobs(pixels: &[u8], width: u32) -> Vec<(u32, Area)> {
        let picture = Picture::new(pixels, width, u32::try_from(pixels.len()).unwrap() / width, width).unwrap();
        let inked = Inked { picture: &picture, background: Background::even(0), light: true, mask: None };
        let filled = |floor| {
            let words = vec![u32::MAX; View::scratch_len(width, picture.height())];
            let mut map = Map::new(width, picture.height(), words);
            map.fill(&inked, floor);
            map
        };
        let (all, ink) = (filled(FLOOR), filled(THRESHOLD));
        let mut scratch = vec![u32::MAX; Blobs::scratch_len(width)];
        let mut found = Vec::new();
        let count = |y, first, last| ink.count(y, first, last);
        Blobs::each(all.view(), count, &mut scratch, |blob| {
            let [x, y] = blob.seed().map(u32::from);
            assert!(all.is_set(x, y) && y == u32::from(blob.area.top));
            found.push((blob.ink, blob.area));
        });
        found.sort_by_key(|(ink, area)| (area.top, area.left, area.bottom, area.right, *ink));
        found
    }

    /// The same by flooding from each pixel.
    fn flooded(pixels: &[u8], width: u32) -> Vec<(u32, Area)> {
        let width = width as usize;
        let mut seen: Vec<bool> = pixels.iter().map(|&level| level <= FLOOR).collect();
        let mut found = Vec::new();
        for start in 0..pixels.len() {
            let mut stack = vec![start];
            let mut blob = None::<(u32, Area)>;
            while let Some(place) = stack.pop() {
                if core::mem::replace(&mut seen[place], true) {
                    continue;
                }
                let short = |n: usize| u16::try_from(n).unwrap();
                let (x, y) = (short(place % width), short(place / width));
                let pixel = Area { left: x, right: x, top: y, bottom: y };
                let (ink, area) = blob.unwrap_or((0, pixel));
                blob = Some((ink + u32::from(pixels[place] > THRESHOLD), area.union(pixel)));
                for (dx, dy) in (0..9).map(|n| (n % 3, n / 3)) {
                    let (x, y) = ((place % width + dx).wrapping_sub(1), (place / width + dy).wrapping_sub(1));
                    if x < width && y < pixels.len() / width {
                        stack.push(y * width + x);
                    }
                }
            }
            found.extend(blob);
        }
        found.sort_by_key(|(ink, area)| (area.top, area.left, area.bottom, area.right, *ink));
        found
    }

    #[test]
    fn all_small_pictures() {
        for width in 1..=5 {
            for height in 1..=5 {
                if width * height > 16 {
                    continue;
                }
                for bits in 0..1_u32 << (width * height) {
                    let pixels: Vec<u8> =
                        (0..width * height).map(|n| if bits >> n & 1 == 0 { 0 } else { 200 }).collect();
                    assert_eq!(blobs(&pixels, width), flooded(&pixels, width), "{width} × {height}: {bits:b}");
                }
            }
        }
    }

    #[test]
    fn random_pictures_of_any_density() {
        let mut dice = Dice::new(5);
        for round in 0..2000 {
            let (width, height) = (1 + dice.below(40), 1 + dice.below(30));
            let (density, faint) = (dice.below(101), dice.below(60));
            let mut level = || match dice.below(100) {
                n if n >= density => FLOOR,
                n if n < faint => THRESHOLD,
                _ => THRESHOLD + 1,
            };
            let pixels: Vec<u8> = (0..width * height).map(|_| level()).collect();
            let width = u32::try_from(width).unwrap();
            assert_eq!(blobs(&pixels, width), flooded(&pixels, width), "round {round}");
        }
    }

    /// Spirals, combs, checkerboards and dots: many labels, joined late.
    #[test]
    fn the_worst_pictures() {
        let spiral = |side: i32| {
            move |x: i32, y: i32| {
                let ring = x.min(y).min(side - 1 - x).min(side - 1 - y);
                // The gate from one ring to the next.
                ring % 2 == 0 && !(x == ring && y == ring + 1) || ring % 2 == 1 && x == ring && y == ring + 1
            }
        };
        let patterns: [(&str, Pattern); 8] = [
            ("spiral", Box::new(spiral(63))),
            ("comb down", Box::new(|x, y| x % 2 == 0 || y == 62)),
            ("comb up", Box::new(|x, y| x % 2 == 0 || y == 0)),
            ("checkerboard", Box::new(|x, y| (x + y) % 2 == 0)),
            ("dots", Box::new(|x, y| x % 2 == 0 && y % 2 == 0)),
            ("shifted dots", Box::new(|x, y| (x + y) % 4 == 0 && y % 2 == 0)),
            ("roof", Box::new(|x, y| (x + 2 * y) % 4 < 1 || (x - 2 * y) % 4 == 0)),
            ("tree", Box::new(|x, y| x % (1 << (y / 12).min(5)) == 0)),
        ];
        for (name, inked) in patterns {
            for (width, height) in [(63, 63), (62, 63), (64, 10)] {
                let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
                let pixels: Vec<u8> = places.map(|(x, y)| if inked(x, y) { 200 } else { 0 }).collect();
                let width = width.cast_unsigned();
                assert_eq!(blobs(&pixels, width), flooded(&pixels, width), "{name}");
            }
        }
    }

    #[test]
    fn words_keep_a_blob() {
        let area = Area { left: 1, right: 65_535, top: 300, bottom: 16_383 };
        for used in [false, true] {
            let blob = Blob { ink: u32::MAX, area, seed: 16_383, parent: 0x2001, used };
            let back = Blob::from_words(blob.to_words());
            assert_eq!((back.ink, back.area, back.seed(), back.parent), (u32::MAX, area, [16_383, 300], 0x2001));
            assert_eq!(back.used, used);
        }
    }
}
