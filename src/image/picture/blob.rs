//! Connected blobs of ink, found row by row: nothing is stored for a pixel, only for a column.
//!
//! A line of labels says to which blob the pixels of the row above belong; a pixel of ink takes the label of a neighbour,
//! of the eight, and joins the blobs that it connects (union-find). What is kept of a blob is its box and how much ink it
//! has. A blob is done when a row passes without it, and its label is free again.
//!
//! Two labels in use belong to places at least two columns apart: a new blob starts where none of the three pixels above
//! is ink, and two runs of ink in a row have a gap between them. So there are at most half as many as columns, rounded up.
//! Time grows with pixels, whatever the blobs look like.

use super::levels::percent;
use super::{Area, Inked, Levels, NoDigit, Picture};
use crate::base::{Always, violated};

/// The least ink in the largest blob, of 100.
const LEAST_SHARE: u8 = 25;

/// So many runs of pixels in rows, of 100 pixels, are a texture. Of a digit, a row has two or three.
const MOST_RUNS: u8 = 25;
/// A blob is near if it is no further away than this part of the longer side.
const NEAR: u32 = 5;
/// A blob is a speck if it has less ink than one of so many cells of the square that the largest blob is in.
const CELLS: u64 = 400;

/// The digit's box: that of the largest blob, and of all others, but for specks, that reach into it or near it.
pub(super) fn find(inked: &Inked<'_, '_>, levels: Levels, scratch: &mut [u32]) -> Result<Area, NoDigit> {
    let (mut all, mut largest) = (0, None::<Blob>);
    let runs = Blobs::new(inked, levels, None, scratch).each(|blob| {
        all += blob.ink;
        if blob.ink > largest.map_or(0, |largest| largest.ink) {
            largest = Some(blob);
        }
    });
    let runs = percent(runs, inked.picture.area());
    if runs >= MOST_RUNS {
        return Err(NoDigit::Texture { found: runs, expected: MOST_RUNS });
    }
    let (ink, area) = largest.map_or((0, None), |blob| (blob.ink, Some(blob.area)));
    let share = percent(ink, all);
    let (Some(area), LEAST_SHARE..) = (area, share) else {
        return Err(NoDigit::Scattered { found: share, expected: LEAST_SHARE });
    };
    let mut digit = area;
    // Once more if there are others.
    if ink < all {
        Blobs::new(inked, levels, Some(area.with_margin(area.longer() / NEAR)), scratch).each(|blob| {
            let cells = u64::from(blob.ink) * CELLS;
            if blob.touches && cells >= u64::from(area.longer()) * u64::from(area.longer()) {
                let both = digit.union(blob.area);
                // What makes it twice as long is no part of a digit, but a line or a frame.
                if both.longer() <= 2 * area.longer() {
                    digit = both;
                }
            }
        });
    }
    match digit.longer() {
        found if found < Picture::MIN_DIGIT => Err(NoDigit::Small { found, expected: Picture::MIN_DIGIT }),
        _ => Ok(digit),
    }
}

/// What is known of a blob.
#[derive(Clone, Copy, Debug)]
struct Blob {
    /// Pixels above the threshold.
    ink: u32,
    area: Area,
    /// The label of the blob that it has been joined with, never larger than its own; its own if with none. Of a free
    /// label: the next free one.
    parent: u16,
    /// Whether a pixel lies in the box of interest.
    touches: bool,
    /// Whether the label is in use.
    used: bool,
}

impl Blob {
    const fn to_words(self) -> [u32; 4] {
        let Self { ink, area: Area { left, right, top, bottom }, parent, touches, used } = self;
        [
            ink,
            left as u32 | (right as u32) << 16,
            top as u32 | (bottom as u32) << 16,
            parent as u32 | (touches as u32) << 16 | (used as u32) << 17,
        ]
    }

    const fn from_words([ink, columns, rows, rest]: [u32; 4]) -> Self {
        let [left, right] = halves(columns);
        let [top, bottom] = halves(rows);
        let [parent, flags] = halves(rest);
        Self { ink, area: Area { left, right, top, bottom }, parent, touches: flags & 1 != 0, used: flags & 2 != 0 }
    }
}

const fn halves(word: u32) -> [u16; 2] {
    let [a, b, c, d] = word.to_le_bytes();
    [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])]
}

/// The blobs of a picture, while it is read.
pub(super) struct Blobs<'p, 'a, 's> {
    inked: &'p Inked<'p, 'a>,
    levels: Levels,
    /// The box of interest.
    interest: Option<Area>,
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

impl<'p, 'a, 's> Blobs<'p, 'a, 's> {
    /// Words of scratch: four for a blob, of which there are half as many as columns, and half a word a column.
    pub(super) const fn scratch_len(width: u32) -> usize {
        width.div_ceil(2) as usize * 5
    }

    fn new(inked: &'p Inked<'p, 'a>, levels: Levels, interest: Option<Area>, scratch: &'s mut [u32]) -> Self {
        let half = inked.picture.width.div_ceil(2) as usize;
        let (line, table) = scratch.split_at_mut_checked(half).always("the length of the scratch was checked");
        let line: &mut [u16] = bytemuck::cast_slice_mut(line);
        line.fill(0);
        let (table, _) = table.as_chunks_mut::<4>();
        Self { inked, levels, interest, line, table, free: 0, used: 0, runs: 0, joined: false }
    }

    /// Reads the picture and gives each blob to `done`; the number of runs of pixels in rows.
    fn each(mut self, mut done: impl FnMut(Blob)) -> u32 {
        let height = u16::try_from(self.inked.picture.height).always("sides are at most 2¹⁴");
        for y in 0..height {
            self.read(y);
            self.finish(y, &mut done);
        }
        // A row without ink, so that the last blobs are done.
        self.line.fill(0);
        self.finish(u16::MAX, &mut done);
        self.runs
    }

    /// Reads one row.
    fn read(&mut self, y: u16) {
        let Self { inked, levels, .. } = *self;
        // The labels of the pixel to the left, which is that of its whole blob, and of the one above it.
        let (mut left, mut before) = (0, 0);
        // What the run of pixels to the left has not told its blob yet: its first column, and its ink.
        let (mut first, mut ink) = (0, 0);
        let (mut x, mut above) = (0, self.label(0));
        for level in inked.row(u32::from(y), 0, inked.picture.width) {
            let above_right = self.label(x + 1);
            if level <= levels.floor {
                if left != 0 {
                    self.add(left, Area { left: first, right: x - 1, top: y, bottom: y }, ink);
                    left = 0;
                }
                if above != 0 {
                    self.set_label(x, 0);
                }
            } else {
                // Within a run, what is above was met before as what is above to the right.
                if left == 0 {
                    let above = if above == 0 { before } else { above };
                    left =
                        if above == 0 && above_right == 0 { self.start(x, y) } else { self.join(above, above_right) };
                    (first, ink) = (x, 0);
                    self.runs += 1;
                } else if above_right != 0 && above_right != left {
                    left = self.join(left, above_right);
                }
                self.set_label(x, left);
                ink += u32::from(level > levels.threshold);
            }
            (before, above) = (above, above_right);
            x += 1;
        }
        if left != 0 {
            self.add(left, Area { left: first, right: x - 1, top: y, bottom: y }, ink);
        }
    }

    /// The label of a column; none beyond the last.
    fn label(&self, x: u16) -> u16 {
        self.line.get(usize::from(x)).copied().unwrap_or_default()
    }

    fn set_label(&mut self, x: u16, label: u16) {
        let Some(place) = self.line.get_mut(usize::from(x)) else { violated!("every column has a label", return) };
        *place = label;
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
    fn start(&mut self, x: u16, y: u16) -> u16 {
        let label = if self.free == 0 {
            self.used += 1;
            self.used
        } else {
            self.free
        };
        if self.free != 0 {
            self.free = self.blob(label).parent;
        }
        let area = Area { left: x, right: x, top: y, bottom: y };
        self.set_blob(label, Blob { ink: 0, area, parent: label, touches: false, used: true });
        label
    }

    /// One more run of pixels of a blob, and how many of them are ink.
    fn add(&mut self, label: u16, run: Area, ink: u32) {
        let mut blob = self.blob(label);
        blob.ink += ink;
        blob.area = blob.area.union(run);
        blob.touches |= self.interest.is_some_and(|area| area.touches(run));
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
        whole.area = whole.area.union(part.area);
        whole.touches |= part.touches;
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
            for x in 0..u16::try_from(self.line.len()).always("sides are at most 2¹⁴") {
                match self.label(x) {
                    0 => {}
                    label => self.set_label(x, self.root(label)),
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
    use super::super::Background;
    use super::super::tests::painted;
    use super::*;
    use crate::support::Dice;

    type Pattern = Box<dyn Fn(i32, i32) -> bool>;

    const LEVELS: Levels = Levels { light: true, contrast: 200, threshold: 100, floor: 10 };

    /// Ink, columns and rows of all blobs, sorted; by this module.
    fn blobs(pixels: &[u8], width: u32) -> Vec<(u32, Area)> {
        let picture = Picture::new(pixels, width, u32::try_from(pixels.len()).unwrap() / width, width).unwrap();
        let background = Background::even(0);
        let inked = Inked { picture: &picture, background, light: true };
        let mut scratch = vec![u32::MAX; Blobs::scratch_len(width)];
        let mut found = Vec::new();
        Blobs::new(&inked, LEVELS, None, &mut scratch).each(|blob| found.push((blob.ink, blob.area)));
        found.sort_by_key(|(ink, area)| (area.top, area.left, area.bottom, area.right, *ink));
        found
    }

    /// The same by flooding from each pixel.
    fn flooded(pixels: &[u8], width: u32) -> Vec<(u32, Area)> {
        let width = width as usize;
        let mut seen: Vec<bool> = pixels.iter().map(|&level| level <= LEVELS.floor).collect();
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
                blob = Some((ink + u32::from(pixels[place] > LEVELS.threshold), area.union(pixel)));
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
                n if n >= density => LEVELS.floor,
                n if n < faint => LEVELS.threshold,
                _ => LEVELS.threshold + 1,
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

    /// What belongs to a digit of 8 × 40 pixels: what is no further away than a fifth of 40, has an ink of four pixels or
    /// more, and makes it at most twice as long.
    #[test]
    fn a_digit_and_what_is_near_it() {
        // Left, top, width and height of each blob; of the digit's box too.
        let find = |blobs: &[[u16; 4]]| {
            let within = |place: u32, from: u16, len: u16| (from.into()..u32::from(from + len)).contains(&place);
            let pixels = painted(160, 160, |x, y| {
                let inked =
                    blobs.iter().any(|&[left, top, width, height]| within(x, left, width) && within(y, top, height));
                if inked { 200 } else { 0 }
            });
            let picture = Picture::new(&pixels, 160, 160, 160).unwrap();
            let inked = Inked { picture: &picture, background: Background::even(0), light: true };
            let area = find(&inked, LEVELS, &mut vec![u32::MAX; Blobs::scratch_len(160)])?;
            Ok([area.left, area.top, area.right + 1 - area.left, area.bottom + 1 - area.top])
        };
        let digit = [60, 40, 8, 40];
        for (near, expected) in [
            ([75, 50, 4, 4], [60, 40, 19, 40]),
            ([76, 50, 4, 4], digit),
            ([70, 50, 2, 2], [60, 40, 12, 40]),
            ([70, 50, 1, 3], digit),
            ([60, 84, 4, 36], [60, 40, 8, 80]),
            ([60, 84, 4, 37], digit),
            // As large, but further down.
            ([120, 100, 8, 40], digit),
        ] {
            assert_eq!(find(&[digit, near]), Ok(expected), "{near:?}");
        }
        // A fork: the end of one arm is near.
        let fork = [[75, 50, 1, 1], [76, 51, 1, 1], [78, 50, 1, 2], [77, 52, 1, 3]];
        assert_eq!(find(&[&[digit][..], &fork].concat()), Ok([60, 40, 19, 40]));
        assert_eq!(find(&[[9, 9, 1, 5]]), Ok([9, 9, 1, 5]));
        assert_eq!(find(&[[9, 9, 1, 4]]), Err(NoDigit::Small { found: 4, expected: 5 }));
    }

    #[test]
    fn words_keep_a_blob() {
        let area = Area { left: 1, right: 65_535, top: 300, bottom: 16_383 };
        for (touches, used) in [(false, true), (true, false), (true, true)] {
            let blob = Blob { ink: u32::MAX, area, parent: 0x8001, touches, used };
            let back = Blob::from_words(blob.to_words());
            assert_eq!(
                (back.ink, back.area, back.parent, back.touches, back.used),
                (u32::MAX, area, 0x8001, touches, used)
            );
        }
    }
}
