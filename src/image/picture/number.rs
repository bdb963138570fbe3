//! One digit after the other of a picture of several, and what is one where they touch or are broken: the network is asked.

use super::blob::{Blob, short};
use super::lines::{self, Cut, MOST_CUTS, Survey};
use super::map::Map;
use super::outline;
use super::scene::{self, DIGIT, Memory, Sight, Sizes, listed};
use super::{Area, Ink, Picture, Seen};

/// The most parts of blobs that are weighed up together.
const MOST_ATOMS: usize = 10;
/// What is wider is perhaps more than one digit, of 100 of the line's height.
const LARGE: u32 = 60;
/// What is wider speaks against one digit.
const WIDE: u32 = 70;
/// Blobs that are wider together are not one.
const WIDEST: u32 = 130;
/// What is wider is no digit.
const BEYOND: u32 = 200;
/// Blobs that are no further apart may be parts of one digit, of 100 of the line's height.
const GAP: u32 = 15;
/// The least height of a part of what was cut, of 100 of the line's.
const LEAST_PART: u32 = 60;
/// The least sureness of what was cut, and of what is wide, in per cent.
const LEAST_SURE: u8 = 25;
/// What speaks against a cut, in per cent of sureness; against each per cent that a side lacks; and against joining blobs.
const CUT: u32 = 120;
const LACK: u32 = 10;
const JOIN: u32 = 30;
/// There is doubt in what is better by less than this than with a cut.
const CLOSE: u32 = 110;

/// The digits of a picture, line by line from left to right: see [`Picture::digits`].
#[derive(Debug)]
pub struct Digits<'a, 's> {
    picture: Picture<'a>,
    ink: Ink,
    sight: Sight<'a>,
    memory: Memory<'s>,
    input: &'s mut [u8],
    side: u32,
    /// The height of digits.
    height: u32,
    /// How many blobs are digits, none as long as it is not known. They are the first of the list.
    pieces: usize,
    /// There is one, which is what the list has marked.
    marked: bool,
    /// The next of them.
    next: usize,
    /// Parts of them, which become a few digits; from `at` on, what is still to be read.
    atoms: [Atom; MOST_ATOMS],
    len: usize,
    at: usize,
    /// The last atoms of digits, and those of doubtful ones, bit by bit.
    ends: u16,
    doubtful: u16,
}

/// A digit of several in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digit<'i> {
    /// The network's input.
    pub input: &'i [u8],
    /// What was found, and where.
    pub seen: Seen,
    /// The line that it is in, counted from 0 at the top.
    pub line: u16,
    /// It may be several digits that touch, or a part of one: it is wide, and no cut made digits of it that the network is
    /// sure of.
    pub doubtful: bool,
}

/// A part of a piece that is of one digit: the line that it starts at, and its last column in the middle.
#[derive(Clone, Copy, Debug, Default)]
struct Atom {
    piece: u16,
    cut: Cut,
    right: u16,
}

impl<'a, 's> Digits<'a, 's> {
    pub(super) fn new(
        picture: Picture<'a>,
        ink: Ink,
        mut memory: Memory<'s>,
        input: &'s mut [u8],
        side: u32,
    ) -> Result<Self, super::PictureError> {
        let sight = scene::look(picture, ink.allowed(), Sizes::MANY, &mut memory)?;
        let height = height_of(sight.core);
        let (atoms, len, at, ends, doubtful) = ([Atom::default(); MOST_ATOMS], 0, 0, 0, 0);
        let (pieces, marked, next) = (0, true, 0);
        Ok(Self {
            picture,
            ink,
            sight,
            memory,
            input,
            side,
            height,
            pieces,
            marked,
            next,
            atoms,
            len,
            at,
            ends,
            doubtful,
        })
    }

    /// The next digit; `None` after the last one.
    ///
    /// `sureness` says how sure a network is of an input, in per cent: [`Answer::sureness`](crate::Answer::sureness). It is asked where
    /// it is open what is a digit: of blobs that are wide, or near each other. The answer for the digit itself is for the caller to get.
    #[must_use]
    pub fn next(&mut self, mut sureness: impl FnMut(&[u8]) -> u8) -> Option<Digit<'_>> {
        if self.pieces == 0 {
            self.begin(&mut sureness);
        }
        loop {
            if self.at == self.len {
                self.gather();
                self.part(&mut sureness);
            }
            let first = self.at;
            let piece = self.atoms.get(first).filter(|_| first < self.len)?.piece;
            let last = (first..self.len).find(|&n| self.ends >> n & 1 != 0)?;
            self.at = last + 1;
            let line = if self.marked { 0 } else { self.memory.blob(piece.into()).kind() };
            let seen = if self.marked && last + 1 - first == self.len {
                // As long as nothing was asked, the maps are as they were found.
                if self.len > 1 {
                    self.look();
                }
                let (area, mask) = outline::find(&self.sight, &mut self.memory);
                Some(self.sight.place(area, mask, &mut self.memory, self.side, self.input))
            } else {
                self.see(first, last)
            };
            // Between two cuts there may be no ink.
            if let Some(seen) = seen {
                let doubtful = self.doubtful >> last & 1 != 0;
                return Some(Digit { input: self.input, seen, line, doubtful });
            }
        }
    }

    /// Finds the pieces. Several that are near each other may be the parts of one digit.
    #[inline(never)]
    fn begin(&mut self, sureness: &mut impl FnMut(&[u8]) -> u8) {
        let survey = Survey::of(self.memory.blobs);
        self.pieces = 1;
        if survey.digits < 2 {
            return;
        }
        let core = self.sight.core;
        let may_be_one = survey.marked > 1 && core.width() * 100 <= core.height() * WIDEST;
        let as_one = if may_be_one { self.ask(0, core, sureness) } else { 0 };
        self.pieces = lines::sort(self.memory.blobs, &survey);
        (self.marked, self.height) = (false, survey.height);
        if !may_be_one {
            return;
        }
        let mut least = u8::MAX;
        for piece in 0..self.pieces {
            let area = self.area_of(piece);
            if area.union(core) == core {
                least = least.min(self.ask(piece, area, sureness));
            }
        }
        if as_one < least {
            return;
        }
        // The list has no marks any more.
        self.look();
        (self.marked, self.height, self.pieces) = (true, height_of(self.sight.core), 1);
    }

    /// Makes maps and list as they were when the picture was first looked at.
    fn look(&mut self) {
        let sight = scene::look(self.picture, self.ink.allowed(), Sizes::MANY, &mut self.memory);
        self.sight = sight.unwrap_or(self.sight);
    }

    /// How sure the network is of a piece.
    fn ask(&mut self, piece: usize, area: Area, sureness: &mut impl FnMut(&[u8]) -> u8) -> u8 {
        self.len = 0;
        self.push(piece, area.right, Cut::at(area.left));
        let seen = self.see(0, 0);
        self.len = 0;
        seen.map_or(0, |_| sureness(self.input))
    }

    /// The next atoms: of a piece, and of those after it that are so near that they may be of the same digit.
    #[inline(never)]
    fn gather(&mut self) {
        (self.len, self.at, self.ends, self.doubtful) = (0, 0, 0, 0);
        let mut before = None::<(Area, u16)>;
        while self.next < self.pieces {
            let (area, line) = (self.area_of(self.next), self.memory.blob(self.next).kind());
            let near = before.is_none_or(|(before, of)| {
                let gap = u32::from(area.left.saturating_sub(before.right));
                let width = before.union(area).width();
                line == of && gap * 100 <= self.height * GAP && width * 100 <= self.height * WIDEST
            });
            // There is room for all atoms of a piece, or it is left for the next time.
            if !near || self.len > 0 && self.len + MOST_CUTS >= MOST_ATOMS {
                return;
            }
            let mut start = Cut::at(area.left);
            if area.width() * 100 > self.height * LARGE {
                let Sight { picture, .. } = self.sight;
                let [ink, _] = &self.memory.maps;
                let ink = Map::new(picture.width, picture.height, &**ink);
                for cut in lines::cuts(ink.view(), area, self.height).into_iter().filter(|cut| cut.column > 0) {
                    self.push(self.next, cut.column - 1, start);
                    start = cut;
                }
            }
            self.push(self.next, area.right, start);
            before = Some((area, line));
            self.next += 1;
        }
    }

    fn push(&mut self, piece: usize, right: u16, cut: Cut) {
        let piece = u16::try_from(piece).unwrap_or_default();
        if let Some(atom) = self.atoms.get_mut(self.len) {
            (*atom, self.len) = (Atom { piece, cut, right }, self.len + 1);
        }
    }

    /// Makes digits of the atoms, so that the sum of doubts is least, by dynamic programming (Viterbi).
    #[inline(never)]
    fn part(&mut self, sureness: &mut impl FnMut(&[u8]) -> u8) {
        let all = self.len;
        if all < 2 {
            self.ends = 1;
            self.doubtful = u16::from(self.wide(0, 0) > BEYOND);
            return;
        }
        // Of one piece: how sure it is, and what no cut may cost.
        let whole = (1..all).all(|n| self.is_cut(n)).then(|| self.weigh(0, all - 1, sureness));
        let most = whole.map_or(u32::MAX, |(doubt, _)| doubt + CLOSE);
        // For as many atoms: the least doubt, the next, where the last digit of them starts, and how sure it is.
        let mut best = [(0_u32, u32::MAX, 0, u8::MAX); MOST_ATOMS + 1];
        for end in 1..=all {
            let mut least = (u32::MAX, u32::MAX, end - 1, 0);
            let cost = self.cost(end);
            for first in (0..end).rev() {
                // Other pieces than these are too far away. A piece may be as wide as it is.
                if self.wide(first, end - 1) > WIDEST && self.piece_at(first) != self.piece_at(end - 1) {
                    break;
                }
                let before = best.get(first).map_or(0, |&(before, ..)| before).saturating_add(cost);
                if before >= most && end - first < all {
                    continue;
                }
                let weighed = whole.filter(|_| end - first == all);
                let (doubt, sure) = weighed.unwrap_or_else(|| self.weigh(first, end - 1, sureness));
                let doubt = before.saturating_add(doubt);
                least = if doubt < least.0 {
                    (doubt, least.0, first, sure)
                } else {
                    (least.0, least.1.min(doubt), least.2, least.3)
                };
            }
            if let Some(best) = best.get_mut(end) {
                *best = least;
            }
        }
        let mut end = all;
        while let Some(&(least, next, first, sure)) = best.get(end).filter(|_| end > 0) {
            self.ends |= 1 << (end - 1);
            let cut = self.is_cut(first) || self.is_cut(end);
            let close = !cut && (first + 1..end).any(|n| self.is_cut(n)) && next - least < CLOSE;
            if close || cut && sure < LEAST_SURE || self.wide(first, end - 1) > BEYOND {
                self.doubtful |= 1 << (end - 1);
            }
            end = first;
        }
    }

    /// How much doubt there is that atoms are a digit, and how sure the network is.
    fn weigh(&mut self, first: usize, last: usize, sureness: &mut impl FnMut(&[u8]) -> u8) -> (u32, u8) {
        let sure = match self.see(first, last) {
            Some(seen) if seen.height * 100 >= self.height * LEAST_PART => sureness(self.input),
            _ => 0,
        };
        let joined = if self.piece_at(first) == self.piece_at(last) { 0 } else { JOIN };
        let wide = 9 * self.wide(first, last).saturating_sub(WIDE) / 2;
        (wide + joined + u32::from(100 - sure.min(100)), sure)
    }

    /// What the cut before an atom costs.
    fn cost(&self, n: usize) -> u32 {
        if self.is_cut(n) { self.atoms.get(n).map_or(0, |atom| CUT + LACK * u32::from(atom.cut.lack)) } else { 0 }
    }

    /// The width of atoms, of 100 of the line's height.
    fn wide(&self, first: usize, last: usize) -> u32 {
        let [left, right] = self.columns(first, last);
        (u32::from(right.saturating_sub(left)) + 1).saturating_mul(100).checked_div(self.height).unwrap_or_default()
    }

    /// The line before an atom, and the middle row that it is meant for.
    fn line(&self, n: usize) -> Option<(Cut, i32)> {
        let atom = self.atoms.get(n).filter(|_| self.is_cut(n))?;
        let area = self.area_of(atom.piece.into());
        Some((atom.cut, area.top.midpoint(area.bottom).into()))
    }

    /// Whether there is a cut before an atom.
    fn is_cut(&self, n: usize) -> bool {
        n > 0 && n < self.len && self.piece_at(n) == self.piece_at(n - 1)
    }

    /// The piece of an atom.
    fn piece_at(&self, n: usize) -> Option<u16> {
        self.atoms.get(n).map(|atom| atom.piece)
    }

    /// The first and the last column of atoms.
    fn columns(&self, first: usize, last: usize) -> [u16; 2] {
        let atoms = self.atoms.get(first..=last).unwrap_or_default();
        let columns = atoms.iter().map(|atom| [atom.cut.column, atom.right]);
        columns.reduce(|[left, right], next| [left.min(next[0]), right.max(next[1])]).unwrap_or_default()
    }

    /// The piece that a blob of the list belongs to.
    fn piece_of(&self, n: usize, blob: Blob) -> Option<u16> {
        match (self.marked, n < self.pieces) {
            (true, _) => blob.is(DIGIT).then_some(0),
            (false, true) => Some(short(u32::try_from(n).unwrap_or_default())),
            (false, false) => Some(blob.kind()),
        }
    }

    /// The box of a piece with its parts.
    fn area_of(&self, piece: usize) -> Area {
        let blobs = listed(self.memory.blobs).enumerate();
        let of = blobs.filter(|&(n, blob)| self.piece_of(n, blob).map(usize::from) == Some(piece));
        of.map(|(_, blob)| blob.area).reduce(Area::union).unwrap_or_default()
    }

    /// Makes the input of atoms, if there is ink.
    #[inline(never)]
    fn see(&mut self, first: usize, last: usize) -> Option<Seen> {
        let Sight { picture, .. } = self.sight;
        for n in 0..self.memory.blobs.len() {
            let blob = self.memory.blob(n);
            let piece = self.piece_of(n, blob);
            let here = self.atoms.get(first..=last).unwrap_or_default().iter().any(|atom| Some(atom.piece) == piece);
            let [ink, mask] = &mut self.memory.maps;
            let mut mask = Map::new(picture.width, picture.height, &mut **mask);
            if n == 0 {
                mask.clear();
            }
            if here && blob.ink > 0 {
                mask.flood(Map::new(picture.width, picture.height, &**ink).view(), blob.area, blob.seed());
            }
        }
        let [left, right] = [first, last + 1].map(|n| self.line(n));
        let [_, mask] = &mut self.memory.maps;
        let mut mask = Map::new(picture.width, picture.height, &mut **mask);
        let column = |cut: Option<(Cut, i32)>, y: u32, or: u32| {
            cut.map_or(or, |(cut, middle)| cut.column_at(middle - y.cast_signed()).min(picture.width))
        };
        mask.keep_columns(|y| [column(left, y, 0), column(right, y, picture.width)]);
        let area = outline::grow(&self.sight, &mut self.memory)?;
        Some(self.sight.place(area, Some(1), &mut self.memory, self.side, self.input))
    }
}

/// The height of a digit in a box; of one that lies, some of its length.
fn height_of(core: Area) -> u32 {
    core.height().max(core.width() / 2)
}

#[cfg(test)]
mod tests {
    use super::super::tests::painted;
    use super::super::{Ink, Picture, PictureError};

    /// Left, top, width and height of a filled rectangle.
    type Bar = [u32; 4];

    /// What is read of dark bars on light paper: line, box, and whether it is doubtful. The network is as sure as `sure` says of
    /// an input's shape: how wide it is, of 20.
    fn read(bars: &[Bar], sure: impl Fn(u32) -> u8) -> Vec<(u16, Bar, bool)> {
        let inked = |x: u32, y: u32| {
            let within = |&[left, top, width, height]: &Bar| {
                (left..left + width).contains(&x) && (top..top + height).contains(&y)
            };
            bars.iter().any(within)
        };
        let pixels = painted(240, 160, |x, y| if inked(x, y) { 20 } else { 220 });
        let picture = Picture::new(&pixels, 240, 160, 240).unwrap();
        let of = |rubbish| {
            let mut scratch = vec![rubbish; Picture::digits_scratch_len(240, 160, 28)];
            let mut input = [0; 784];
            let mut digits = picture.digits(Ink::Auto, &mut scratch, &mut input).unwrap();
            let mut found = Vec::new();
            let width = |input: &[u8]| (0..28).filter(|x| (0..28).any(|y| input[y * 28 + x] > 127)).count();
            while let Some(digit) = digits.next(|input| sure(u32::try_from(width(input)).unwrap())) {
                let seen = digit.seen;
                assert_eq!(digit.input.iter().max(), Some(&255));
                found.push((digit.line, [seen.left, seen.top, seen.width, seen.height], digit.doubtful));
            }
            assert!(digits.next(|_| 0).is_none());
            found
        };
        let found = of(0);
        assert_eq!(of(u32::MAX), found);
        found
    }

    #[test]
    fn lines_from_the_top_and_digits_from_the_left() {
        // The second line starts further left, and its digits stand higher and lower by a third.
        let bars = [
            [60, 20, 10, 40],
            [30, 100, 10, 40],
            [90, 14, 8, 40],
            [120, 26, 10, 36],
            [70, 87, 10, 40],
            [100, 105, 8, 40],
        ];
        let found = read(&bars, |_| 99);
        let expected = [bars[0], bars[2], bars[3], bars[1], bars[4], bars[5]];
        assert_eq!(found, [0, 1, 2, 3, 4, 5].map(|n| (u16::from(n > 2), expected[n], false)));
    }

    #[test]
    fn small_blobs_are_parts_of_what_they_are_near_and_rules_are_none() {
        let digits = [[60, 20, 10, 40], [120, 20, 10, 40]];
        // A hat 6 pixels to the right; one 12 pixels away; a speck; a line from edge to edge, and one that runs off.
        for (more, first) in [
            ([76, 20, 8, 6], [60, 20, 24, 40]),
            ([82, 20, 8, 6], digits[0]),
            ([72, 20, 2, 2], [60, 20, 14, 40]),
            ([72, 20, 1, 1], digits[0]),
            ([0, 70, 240, 2], digits[0]),
            ([170, 70, 70, 2], digits[0]),
        ] {
            let found = read(&[digits[0], digits[1], more], |_| 99);
            assert_eq!(found, [(0, first, false), (0, digits[1], false)], "{more:?}");
        }
    }

    /// Two bars, joined by a thin line: one digit 44 × 40.
    #[test]
    fn what_is_wide_is_cut_where_the_network_is_surer_of_the_parts() {
        let pair = [[60, 20, 12, 40], [92, 20, 12, 40], [72, 38, 20, 3]];
        let narrow = |sure, else_sure| move |width| if width < 14 { sure } else { else_sure };
        let found = read(&pair, narrow(90, 30));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|&(line, [_, top, width, height], doubtful)| {
            line == 0 && top == 20 && height == 40 && width < 25 && !doubtful
        }));
        // It is sure of the whole, which is as narrow as a digit; or of nothing.
        let narrower = [pair[0], [84, 20, 12, 40], [72, 38, 12, 3]];
        assert_eq!(read(&narrower, narrow(30, 90)), [(0, [60, 20, 36, 40], false)]);
        assert_eq!(read(&narrower, narrow(90, 30)).len(), 2);
        let found = read(&pair, |_| 10);
        assert!(found.iter().all(|&(_, _, doubtful)| doubtful), "{found:?}");
        // So wide that it is more than one digit, whatever the network says.
        let beam = [[40, 20, 12, 40], [52, 38, 80, 3], [132, 20, 12, 40]];
        let found = read(&beam, |_| 99);
        assert!(found.len() > 1 || found[0].2, "{found:?}");
    }

    /// Two bars one above the other and a gap: parts of a 1, or two lines of writing.
    #[test]
    fn parts_of_one_digit_are_joined_where_the_network_is_surer_of_the_whole() {
        let parts = [[60, 20, 8, 40], [60, 62, 8, 22]];
        let whole = |sure, other| move |width| if width < 4 { sure } else { other };
        assert_eq!(read(&parts, whole(90, 20)), [(0, [60, 20, 8, 64], false)]);
        assert_eq!(read(&parts, whole(20, 90)), [(0, parts[0], false), (1, parts[1], false)]);
    }

    #[test]
    fn too_little_scratch_or_no_square_is_an_error() {
        let pixels = painted(40, 40, |x, y| if (15..20).contains(&x) && (5..35).contains(&y) { 20 } else { 220 });
        let picture = Picture::new(&pixels, 40, 40, 40).unwrap();
        let expected = Picture::digits_scratch_len(40, 40, 28);
        let error = picture.digits(Ink::Auto, &mut vec![0; expected - 1], &mut [0; 784]).unwrap_err();
        assert_eq!(error, PictureError::Scratch { found: expected - 1, expected });
        let error = picture.digits(Ink::Auto, &mut vec![0; expected], &mut [0; 783]).unwrap_err();
        assert_eq!(error, PictureError::Input { found: 783 });
        let error = picture.digits(Ink::Light, &mut vec![0; expected], &mut [0; 784]).unwrap_err();
        assert_eq!(error, PictureError::Blank { found: 0, expected: Picture::MIN_CONTRAST });
        // One digit is as it is alone.
        let mut scratch = vec![0; expected];
        let (mut one, mut input) = ([0; 784], [0; 784]);
        let seen = picture.normalize(Ink::Auto, &mut scratch, &mut one).unwrap();
        let mut digits = picture.digits(Ink::Auto, &mut scratch, &mut input).unwrap();
        let digit = digits.next(|_| 99).unwrap();
        assert_eq!((digit.input, digit.seen, digit.line, digit.doubtful), (&one[..], seen, 0, false));
    }

    #[test]
    fn a_part_of_a_picture_is_a_picture() {
        let pixels: Vec<u8> = (0..40).collect();
        let picture = Picture::new(&pixels[..38], 8, 4, 10).unwrap();
        let part = picture.crop(2, 1, 6, 3).unwrap();
        assert_eq!((part.row(0), part.row(2)), (&pixels[12..18], &pixels[32..38]));
        for [left, top, width, height] in [
            [0, 0, 9, 1],
            [1, 0, 8, 1],
            [0, 1, 1, 4],
            [8, 3, 0, 1],
            [0, 4, 8, 0],
            [u32::MAX, 0, 1, 1],
            [0, u32::MAX, 1, 1],
        ] {
            let error = picture.crop(left, top, width, height).unwrap_err();
            assert_eq!(error, PictureError::Size { width, height });
        }
    }
}
