//! Lines of writing: which blobs are digits, in which order they are read, and where one may be cut.

use super::Area;
use super::blob::{Blob, short};
use super::map::View;
use super::scene::{ALONG, BESIDE, CELLS, DIGIT, EDGE, FRAME, NEAR, at, listed, mark};
use crate::base::Always;

/// The least height of a digit, of 100 of the line's.
const LEAST_HEIGHT: u32 = 50;
/// And of one that touches the picture's edge, where the rest of the writing does not.
const LEAST_CUT_OFF: u32 = 75;
/// The most height.
const MOST_HEIGHT: u32 = 220;
/// The most cuts through a blob.
pub(super) const MOST_CUTS: usize = 5;

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

    /// Whether it is large enough for a digit, and not too large.
    fn is_digit(&self, blob: Blob) -> bool {
        let least = if blob.is(EDGE) && !self.on_edge { LEAST_CUT_OFF } else { LEAST_HEIGHT };
        let [height, longer] = [blob.area.height(), blob.area.longer()].map(|side| 100 * side);
        let flat = 2 * height >= self.height * least && 5 * longer >= 400 * self.height;
        self.is_writing(blob) && height <= self.height * MOST_HEIGHT && (height >= self.height * least || flat)
    }
}

/// Sorts a list: digits first, by lines from the top, and from left to right; their kinds are their lines, counted from 0. Then the
/// parts of digits, whose kinds say which digits these are. What is neither is no longer there.
#[inline(never)]
pub(super) fn sort(list: &mut [[u32; 4]], survey: &Survey) {
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
    let (digits, parts) = list.split_at_mut_checked(digits).always("no more blobs are digits than there are");
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

/// The columns at which what is in an area may be cut, in order: those whose ink extends over the fewest rows, some way
/// apart, and over fewer than half of the line's height, so that no loop is cut; 0 where there are fewer.
#[inline(never)]
pub(super) fn cuts(ink: View<'_>, area: Area, height: u32) -> [u16; MOST_CUTS] {
    let [left, right, top, bottom] = area.sides();
    let apart = (height / 6).max(2);
    let mut cuts = [0; MOST_CUTS];
    for n in 0..MOST_CUTS {
        let mut found = None;
        let mut least = height / 2;
        for x in left + apart..(right + 1).saturating_sub(apart) {
            if cuts.iter().any(|&cut| cut > 0 && u32::from(cut).abs_diff(x) < apart) {
                continue;
            }
            let inked = |&y: &u32| ink.is_set(x, y);
            let first = (top..=bottom).find(inked).unwrap_or(bottom);
            let extent = (first..=bottom).rev().find(inked).map_or(0, |last| last + 1 - first);
            if extent < least {
                (least, found) = (extent, Some(short(x)));
            }
        }
        let (Some(found), Some(cut)) = (found, cuts.get_mut(n)) else { break };
        *cut = found;
    }
    cuts.sort_unstable();
    cuts
}
