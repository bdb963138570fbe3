//! Lines of writing: which blobs are digits, in which order they are read, and where one may be cut.

use super::Area;
use super::blob::{Blob, short};
use super::map::View;
use super::scene::{ALONG, BESIDE, CELLS, DIGIT, EDGE, FRAME, NEAR, at, listed, mark};
use crate::base::Always;

/// The least height of a digit, of 100 of the line's.
const LEAST_HEIGHT: u32 = 50;
/// And of a part of one that is broken.
const LEAST_PART: u32 = 15;
/// The most height of its parts together.
const MOST_BROKEN: u32 = 130;
/// And of one that touches the picture's edge, where the rest of the writing does not.
const LEAST_CUT_OFF: u32 = 75;
/// The most height.
const MOST_HEIGHT: u32 = 220;
/// The most cuts through a blob.
pub(super) const MOST_CUTS: usize = 5;
/// The rows that are looked at to find them.
const ROWS: u32 = 32;
/// How far they lean at most to either side: columns for eight rows.
const LEAN: i8 = 4;
/// What one of their sides lacks at most, of 100 of the height.
const MOST_LACK: u8 = 30;

/// What the blobs of a list are as writing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Survey {
    /// The median height of ink, by pixels.
    pub(super) height: u32,
    /// The blobs that are digits.
    pub(super) digits: usize,
    /// Those of them that are parts of the one digit that the list has marked.
    pub(super) marked: usize,
    /// The marked one touches the picture's edge.
    on_edge: bool,
}

impl Survey {
    #[inline(never)]
    pub(super) fn of(list: &[[u32; 4]]) -> Self {
        let on_edge = listed(list).any(|blob| blob.is(DIGIT) && blob.is(EDGE));
        let mut survey = Self { height: 0, digits: 0, marked: 0, on_edge };
        let writing = || listed(list).filter(|&blob| survey.is_writing(blob));
        let pixels = |most: u32| -> u64 {
            writing().filter(|blob| blob.area.height() <= most).map(|blob| u64::from(blob.ink)).sum()
        };
        let all = pixels(u32::MAX);
        let heights = writing().map(|blob| blob.area.height());
        survey.height = heights.filter(|&height| 2 * pixels(height) >= all).min().unwrap_or_default();
        let digits = || listed(list).filter(|&blob| survey.is_digit(blob));
        let (all, marked) = (digits().map(|_| 1).sum(), digits().filter(|blob| blob.is(DIGIT)).map(|_| 1).sum());
        (survey.digits, survey.marked) = (all, marked);
        survey
    }

    /// Whether a blob is a digit or a part of one. What is beside the paper is not, unless the best digit lies there.
    const fn is_writing(&self, blob: Blob) -> bool {
        let apart = if self.on_edge { FRAME } else { FRAME | ALONG | BESIDE };
        blob.is(DIGIT) || blob.kind() & apart == 0
    }

    /// Whether two blobs are parts of a broken digit: near each other, and together as large as one.
    fn is_broken(&self, higher: Blob, lower: Blob) -> bool {
        let both = higher.area.union(lower.area);
        let [least, height, width] = [lower.area.height(), both.height(), both.width()].map(|side| 100 * side);
        !higher.is(FRAME)
            && !lower.is(FRAME)
            && lower.area.height() <= higher.area.height()
            && least >= self.height * LEAST_PART
            && higher.area.touches(lower.area.with_margin(self.height / NEAR))
            && (self.height * LEAST_HEIGHT..=self.height * MOST_BROKEN).contains(&height)
            && width <= self.height * 100
    }

    /// Whether it is large enough for a digit, and not too large.
    fn is_digit(&self, blob: Blob) -> bool {
        let least = if blob.is(EDGE) && !self.on_edge { LEAST_CUT_OFF } else { LEAST_HEIGHT };
        let [height, longer] = [blob.area.height(), blob.area.longer()].map(|side| 100 * side);
        let flat = 2 * height >= self.height * least && 5 * longer >= 400 * self.height;
        self.is_writing(blob) && height <= self.height * MOST_HEIGHT && (height >= self.height * least || flat)
    }
}

/// Sorts a list: digits first, by lines from the top, and from left to right; their kinds are their lines, counted from 0. Then the
/// parts of digits, whose kinds say which digits these are. What is neither is no longer there. Gives the number of digits.
#[inline(never)]
pub(super) fn sort(list: &mut [[u32; 4]], survey: &Survey) -> usize {
    let mut digits = 0;
    for n in 0..list.len() {
        let blob = at(list, n);
        if survey.is_digit(blob) && blob.ink > 0 {
            swap(list, digits, n);
            digits += 1;
        } else {
            mark(list, n, if survey.is_writing(blob) { 0 } else { FRAME });
        }
    }
    // A digit of a thin pen is perhaps broken into parts that are too low: the higher of two stands for it.
    let mut number = digits;
    for n in digits..list.len() {
        let part = at(list, n);
        let (sound, rest) = list.split_at_checked(number).unwrap_or_default();
        let broken = listed(rest).any(|lower| lower.area != part.area && survey.is_broken(part, lower));
        if broken && owner(sound, part.area).is_none() {
            swap(list, number, n);
            number += 1;
        }
    }
    let (digits, parts) = list.split_at_mut_checked(number).always("no more blobs are digits than there are");
    sort_by(digits, |blob| blob.area.left.into());
    for n in 0..digits.len() {
        let Blob { area, .. } = at(digits, n);
        // The line of the next one to the left that is beside it, else a new one. Until they are all known, a line is the
        // row in the middle of its first digit.
        let beside = |before: &Blob| {
            let overlap = (before.area.bottom.min(area.bottom) + 1).saturating_sub(before.area.top.max(area.top));
            2 * u32::from(overlap) >= before.area.height().min(area.height())
        };
        let before = (0..n).rev().map(|n| at(digits, n)).find(beside);
        mark(digits, n, before.map_or(area.top.midpoint(area.bottom), Blob::kind));
    }
    sort_by(digits, |blob| u32::from(blob.kind()) << 16 | u32::from(blob.area.left));
    let (mut line, mut row) = (0, at(digits, 0).kind());
    for n in 0..digits.len() {
        let kind = at(digits, n).kind();
        line += u16::from(kind != row);
        row = kind;
        mark(digits, n, line);
    }
    let mut len = 0;
    for n in 0..parts.len() {
        let part = at(parts, n);
        let speck = u64::from(part.ink) * CELLS < u64::from(survey.height).pow(2);
        let owner = if speck || part.is(FRAME) { None } else { owner(digits, part.area) };
        if let Some(place) = parts.get_mut(n) {
            *place = [0; 4];
        }
        if let (Some(owner), Some(place)) = (owner, parts.get_mut(len)) {
            *place = part.with_kind(owner).to_words();
            len += 1;
        }
    }
    number
}

/// Which of the digits has a part in an area: the one near it whose box grows least.
fn owner(digits: &[[u32; 4]], part: Area) -> Option<u16> {
    let mut least = None::<(u32, u16)>;
    for (digit, n) in listed(digits).zip(0..) {
        let (area, both) = (digit.area, digit.area.union(part));
        let near = part.touches(area.with_margin(area.longer() / NEAR)) && 2 * both.longer() <= 3 * area.longer();
        let growth = both.width() * both.height() - area.width() * area.height();
        if near && least.is_none_or(|(least, _)| growth < least) {
            least = Some((growth, n));
        }
    }
    least.map(|(_, n)| n)
}

fn swap(list: &mut [[u32; 4]], n: usize, m: usize) {
    let (Some(&one), Some(&other)) = (list.get(n), list.get(m)) else { return };
    for (n, blob) in [(n, other), (m, one)] {
        if let Some(place) = list.get_mut(n) {
            *place = blob;
        }
    }
}

/// Sorts a list by insertion: it is short, and the order of equals stays.
fn sort_by(list: &mut [[u32; 4]], key: impl Fn(Blob) -> u32) {
    for end in 1..list.len() {
        let mut n = end;
        while n > 0 && key(at(list, n - 1)) > key(at(list, n)) {
            swap(list, n - 1, n);
            n -= 1;
        }
    }
}

/// A straight line through a blob, from which on it is of the next digit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cut {
    /// The column in the area's middle row.
    pub(super) column: u16,
    /// Columns to the right, for eight rows up.
    pub(super) lean: i8,
    /// How much is against it, of 100 of the area's height: what the lower of its two sides lacks of it.
    pub(super) lack: u8,
    /// The ink that it goes through.
    ink: u8,
}

impl Cut {
    /// An upright one.
    pub(super) const fn at(column: u16) -> Self {
        Self { column, lean: 0, lack: 0, ink: 0 }
    }

    /// The first column right of the line, in a row so far above the middle.
    pub(super) fn column_at(self, above: i32) -> u32 {
        let column = i32::from(self.column) + (above * i32::from(self.lean)).div_euclid(8);
        u32::try_from(column).unwrap_or_default()
    }

    /// The less, the better.
    const fn rank(self) -> u32 {
        3 * self.lack as u32 + 2 * self.ink as u32
    }
}

/// The best cuts through what is in an area, from left to right; without a column where there are fewer. They go through
/// little ink, so that no loop is cut, and leave both sides high.
#[inline(never)]
pub(super) fn cuts(ink: View<'_>, area: Area, line: u32) -> [Cut; MOST_CUTS] {
    let [left, right, top, _] = area.sides();
    let (height, line) = (area.height(), line.max(area.height()));
    // Some rows tell, each with its first and last column of ink.
    let mut rows = [[0, u32::MAX, 0]; ROWS as usize];
    for (row, n) in rows.iter_mut().zip(0..) {
        let y = top + (2 * n + 1) * height / (2 * ROWS);
        let runs = ink.runs(y, left, right);
        *row = runs.fold([y, u32::MAX, 0], |[y, from, to], (first, last)| [y, from.min(first), to.max(last)]);
    }
    let middle = i32::from(area.top.midpoint(area.bottom));
    let apart = short(height / 10 + 1);
    let mut cuts = [Cut::default(); MOST_CUTS];
    for column in (left + height / 12..=right.saturating_sub(height / 12)).step_by((height / ROWS).max(1) as usize) {
        for lean in -LEAN..=LEAN {
            let mut cut = Cut { lean, ..Cut::at(short(column)) };
            // First and last one: rows with ink on the line, left of it and right of it.
            let mut spans = [[u32::MAX, 0]; 3];
            for ([y, first, last], n) in rows.into_iter().zip(0..) {
                let at = cut.column_at(middle - y.cast_signed());
                let on = ink.is_set(at, y) && (first..=last).contains(&at);
                cut.ink += u8::from(on);
                for (span, _) in
                    spans.iter_mut().zip([on, first < at, last >= at && first <= last]).filter(|&(_, ink)| ink)
                {
                    *span = [span[0].min(n), n + 1];
                }
            }
            let [on, before, after] = spans.map(|[first, end]| end.saturating_sub(first) * 100 / ROWS);
            cut.lack = 100_u32.saturating_sub(before.min(after) * height / line).to_le_bytes()[0];
            cut.ink = (u32::from(cut.ink) * 100 / ROWS).to_le_bytes()[0];
            if on < 50 && cut.lack <= MOST_LACK {
                insert(&mut cuts, cut, apart);
            }
        }
    }
    cuts.sort_unstable_by_key(|cut| (cut.column, cut.lean));
    cuts
}

/// Puts a cut into a list in place of those near it or of the worst, if it is better.
fn insert(cuts: &mut [Cut], cut: Cut, apart: u16) {
    let near = |other: &Cut| {
        other.column > 0 && other.column.abs_diff(cut.column) < apart && other.lean.abs_diff(cut.lean) < 3
    };
    if cuts.iter().any(|other| near(other) && other.rank() <= cut.rank()) {
        return;
    }
    for other in cuts.iter_mut().filter(|other| near(other)) {
        *other = Cut::default();
    }
    let worst = cuts.iter_mut().max_by_key(|other| if other.column == 0 { u32::MAX } else { other.rank() });
    if let Some(worst) = worst.filter(|worst| worst.column == 0 || worst.rank() > cut.rank()) {
        *worst = cut;
    }
}
