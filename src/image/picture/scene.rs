//! What is in a picture: blobs of ink, which of them are the digit, and what is surroundings, a frame or a sheet of paper.

use super::background::Background;
use super::blob::{Blob, Blobs};
use super::levels::{Levels, percent};
use super::map::{Map, View};
use super::rule;
use super::{Area, Inked, NoDigit, Picture, PictureError};
use crate::base::{Always, violated};

/// The blobs that are looked at for one digit: those with the most ink.
const FEW_BLOBS: usize = 32;
/// And for lines of digits.
const MANY_BLOBS: usize = 96;
/// The contrast that a picture's noise asks for: so many times the median difference of what is not ink from the background.
/// For normal noise that difference is 0.67 of the standard deviation: four deviations.
const NOISE: u16 = 3;
/// So many runs of pixels in rows, of 100 pixels, are a texture. Of a digit, a row has two or three.
const MOST_RUNS: u8 = 25;
/// The most ink of 100 pixels of its box, for a blob that is not narrow. A broad 1 has 80.
const MOST_INK: u8 = 90;
/// A blob is near if it is no further away than this part of the longer side.
pub(super) const NEAR: u32 = 5;
/// A blob is a speck if it has less ink than one of so many cells of the square that the largest blob is in.
pub(super) const CELLS: u64 = 400;
/// The least shorter side of a frame or a sheet of paper, in pixels.
const LEAST_SIDE: u32 = 12;
/// The least length of a line that runs off the picture, in its heights.
const LINE: u32 = 6;
/// Sheets of paper in sheets of paper.
const SHEETS: usize = 2;

/// What is looked for, and so how large it is at least.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// The longer side of a blob that could be a digit among others, of 100 of the picture's shorter side.
    free: u32,
    /// The longer side of what is written on a sheet of paper, of 100 of the sheet's.
    writing: u32,
    /// The ink in the largest blob, of 100.
    share: u8,
}

impl Sizes {
    /// One digit.
    pub(super) const ONE: Self = Self { free: 15, writing: 35, share: 10 };
    /// Lines of digits.
    pub(super) const MANY: Self = Self { free: 5, writing: 7, share: 1 };
}

/// The scratch of a picture.
#[derive(Debug)]
pub(super) struct Memory<'s> {
    pub(super) maps: [&'s mut [u32]; 2],
    /// One more map, where many digits are looked for.
    pub(super) third: &'s mut [u32],
    pub(super) blobs: &'s mut [[u32; 4]],
    pub(super) rest: &'s mut [u32],
}

impl<'s> Memory<'s> {
    /// Words of scratch, but for `rest`; for one digit or `many`.
    pub(super) const fn scratch_len(width: u32, height: u32, many: bool) -> usize {
        let (maps, blobs) = if many { (3, MANY_BLOBS) } else { (2, FEW_BLOBS) };
        maps * View::scratch_len(width, height) + 4 * blobs
    }

    pub(super) fn new(width: u32, height: u32, many: bool, scratch: &'s mut [u32]) -> Self {
        let len = View::scratch_len(width, height);
        let (third, blobs) = if many { (len, MANY_BLOBS) } else { (0, FEW_BLOBS) };
        let parts = scratch.split_at_mut_checked(len).and_then(|(first, rest)| {
            let (second, rest) = rest.split_at_mut_checked(len)?;
            let (third, rest) = rest.split_at_mut_checked(third)?;
            let (blobs, rest) = rest.split_at_mut_checked(4 * blobs)?;
            Some((first, second, third, blobs, rest))
        });
        let (first, second, third, blobs, rest) = parts.always("the length of the scratch was checked");
        Self { maps: [first, second], third, blobs: blobs.as_chunks_mut().0, rest }
    }
}

/// The digit in a picture, or in a sheet of paper within it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'a> {
    pub(super) picture: Picture<'a>,
    /// Where it lies: its first column and row.
    pub(super) at: [u32; 2],
    pub(super) background: Background,
    pub(super) levels: Levels,
    /// The box of the digit's ink above the threshold. The list tells its blobs.
    pub(super) core: Area,
    /// The digit leaves a quarter of its box free, or is long, narrow and has room at its sides.
    open: bool,
}

/// What stands out on one side of the background.
#[derive(Clone, Copy, Debug)]
struct Scene {
    levels: Levels,
    /// The digit's first blob, and how likely it is the digit.
    best: usize,
    weight: u64,
    sheet: Option<Sheet>,
}

/// A sheet of paper in a picture.
#[derive(Clone, Copy, Debug)]
struct Sheet {
    area: Area,
    /// How far it stands out from what is around it, in levels.
    contrast: u8,
}

/// The digit in a picture, or in a sheet of paper in it, or in one in that. Afterwards the first map holds the ink above the
/// threshold, the second what is left out.
#[inline(never)]
pub(super) fn look<'a>(
    picture: Picture<'a>,
    ink: [bool; 2],
    sizes: Sizes,
    memory: &mut Memory<'_>,
) -> Result<Sight<'a>, PictureError> {
    // Each picture, where it lies, and the least contrast of a digit in it.
    let mut parts = [(picture, [0; 2], 0); SHEETS + 1];
    let mut last = 0;
    let mut sight;
    loop {
        let Some(&(part, [left, top], _)) = parts.get(last) else {
            violated!("sheets are counted", return Err(blank(0)))
        };
        let mut sheet = None;
        sight = see(part, ink, sizes, memory, &mut sheet);
        let (Some(sheet), Some(next)) = (sheet, parts.get_mut(last + 1)) else { break };
        let at = [left + u32::from(sheet.area.left), top + u32::from(sheet.area.top)];
        *next = (part.part(sheet.area), at, sheet.contrast / 5 * 2);
        last += 1;
    }
    for (n, &(part, at, contrast)) in parts.iter().enumerate().take(last + 1).rev() {
        if n < last {
            sight = see(part, ink, sizes, memory, &mut None);
        }
        match sight {
            Ok(sight) if n > 0 => {
                // What is written on it is smaller than the sheet, but not by far, and does not fill it.
                let large = sight.core.longer() * 100 >= part.width.max(part.height) * sizes.writing;
                if large && sight.open && sight.levels.contrast >= contrast {
                    return Ok(Sight { at, ..sight });
                }
            }
            _ => {}
        }
    }
    sight
}

/// The digit in a picture, and the largest sheet of paper in it.
#[inline(never)]
fn see<'a>(
    picture: Picture<'a>,
    ink: [bool; 2],
    sizes: Sizes,
    memory: &mut Memory<'_>,
    sheet: &mut Option<Sheet>,
) -> Result<Sight<'a>, PictureError> {
    let background = Background::find(&picture, memory.rest);
    let both = Levels::find(&picture, &background, None, memory.rest);
    // The likelier side last: its maps stay.
    let likely = both[1].squares > both[0].squares;
    let order = [!likely, likely].map(|light| both[usize::from(light)]);
    let mut chosen = None::<Scene>;
    let mut result = Err(blank(0));
    let mut stays = false;
    for levels in order {
        // Whatever comes of it, the maps are this side's now.
        stays = false;
        result = Scene::find(&picture, &background, levels, sizes, memory);
        let Ok(scene) = result else { continue };
        if let Some(found) =
            scene.sheet.filter(|found| sheet.is_none_or(|sheet| found.area.longer() > sheet.area.longer()))
        {
            *sheet = Some(found);
        }
        let allowed = ink[usize::from(levels.light)];
        stays = allowed && chosen.is_none_or(|chosen| scene.weight >= chosen.weight);
        if stays {
            chosen = Some(scene);
        }
    }
    let Some(mut scene) = chosen else { return Err(result.err().unwrap_or(blank(0))) };
    if !stays {
        let levels = both[usize::from(scene.levels.light)];
        scene = Scene::find(&picture, &background, levels, sizes, memory)?;
    }
    let core = scene.group(memory);
    match core.longer() {
        found if found < Picture::MIN_DIGIT => Err(NoDigit::Small { found, expected: Picture::MIN_DIGIT }.into()),
        _ => {
            let Blob { ink, area, .. } = memory.blob(scene.best);
            let (percent, narrow) =
                (percent(ink, area.width() * area.height()), area.shorter() * 5 < area.longer() * 2);
            if percent > MOST_INK && !narrow {
                return Err(NoDigit::Filled { found: percent, expected: MOST_INK }.into());
            }
            // The hole of a broad 0 fills its box as well.
            let stick = narrow && area.shorter() * 4 <= picture.width.min(picture.height);
            let open = percent < 75 || stick;
            Ok(Sight { picture, at: [0; 2], background, levels: scene.levels, core, open })
        }
    }
}

const fn blank(found: u8) -> PictureError {
    PictureError::Blank { found, expected: Picture::MIN_CONTRAST }
}

impl Memory<'_> {
    /// A blob of the list.
    pub(super) fn blob(&self, n: usize) -> Blob {
        at(self.blobs, n)
    }
}

/// A blob of a list; an empty one beyond its end.
pub(super) fn at(list: &[[u32; 4]], n: usize) -> Blob {
    Blob::from_words(list.get(n).copied().unwrap_or_default())
}

/// The blobs of a list.
pub(super) fn listed(list: &[[u32; 4]]) -> impl Iterator<Item = Blob> + Clone {
    list.iter().map(|&words| Blob::from_words(words)).take_while(|blob| blob.ink > 0)
}

/// The blobs with the most ink, while they are found.
pub(super) struct List<'m> {
    blobs: &'m mut [[u32; 4]],
    len: usize,
}

impl<'m> List<'m> {
    /// An empty list.
    pub(super) fn new(blobs: &'m mut [[u32; 4]]) -> Self {
        blobs.fill([0; 4]);
        Self { blobs, len: 0 }
    }

    /// Puts a blob at the end; in a full list in place of the one with the least ink, if it has more.
    pub(super) fn insert(&mut self, blob: Blob) {
        if let Some(end) = self.blobs.get_mut(self.len) {
            (*end, self.len) = (blob.with_kind(0).to_words(), self.len + 1);
            return;
        }
        let least = self.blobs.iter_mut().min_by_key(|words| words[0]);
        if let Some(least) = least.filter(|words| words[0] < blob.ink) {
            *least = blob.with_kind(0).to_words();
        }
    }
}

/// Lists the blobs of a map: the number of its runs in rows, the pixels of all blobs, and those of the largest.
#[inline(never)]
fn list_blobs(ink: View<'_>, blobs: &mut [[u32; 4]], scratch: &mut [u32]) -> (u32, u32, u32) {
    let mut list = List::new(blobs);
    let (mut all, mut largest) = (0, 0);
    let runs = Blobs::each(
        ink,
        |_, first, last| last - first + 1,
        scratch,
        |blob| {
            all += blob.ink;
            largest = largest.max(blob.ink);
            list.insert(blob);
        },
    );
    (runs, all, largest)
}

impl Scene {
    /// What stands out on the side of the background that `levels` are of.
    #[inline(never)]
    fn find(
        picture: &Picture<'_>,
        background: &Background,
        mut levels: Levels,
        sizes: Sizes,
        memory: &mut Memory<'_>,
    ) -> Result<Self, PictureError> {
        let (width, height) = (picture.width, picture.height);
        let inked = Inked { picture, background: *background, light: levels.light, mask: None };
        let mut sheet = None;
        let mut first = true;
        loop {
            levels.check()?;
            let [ink, left_out] = &mut memory.maps;
            let (mut ink, mut left_out) = (Map::new(width, height, ink), Map::new(width, height, left_out));
            if first {
                left_out.clear();
            }
            ink.fill(&inked, levels.threshold);
            ink.remove(left_out.view());
            let (runs, all, largest) = list_blobs(ink.view(), memory.blobs, memory.rest);
            let runs = percent(runs, picture.area());
            if runs >= MOST_RUNS {
                return Err(NoDigit::Texture { found: runs, expected: MOST_RUNS }.into());
            }
            let share = percent(largest, all);
            if all == 0 || share < sizes.share {
                return Err(NoDigit::Scattered { found: share, expected: sizes.share }.into());
            }
            let mut kinds = Kinds::of(picture, ink.view(), memory.blobs, sizes.free);
            let mut struck = false;
            for blob in listed(memory.blobs).filter(|blob| !blob.is(FRAME)) {
                struck |= rule::strike(&mut ink, blob.area);
            }
            if struck {
                list_blobs(ink.view(), memory.blobs, memory.rest);
                kinds = Kinds::of(picture, ink.view(), memory.blobs, sizes.free);
            }
            if first {
                let margin = |area: Area| (area.shorter() / 24).max(1);
                let inner = kinds.sheet.and_then(|area| area.without_margin(margin(area)));
                sheet = inner.map(|area| Sheet { area, contrast: levels.contrast });
            }
            if !first || !kinds.free || !kinds.left_out {
                let contrast = u64::from(levels.contrast);
                let likely = |(n, blob): (usize, Blob)| {
                    (u64::from(blob.ink) * contrast * contrast * kinds.likely(blob, picture), n)
                };
                // The first of equals.
                let best =
                    listed(memory.blobs).enumerate().map(likely).max_by_key(|&(weight, n)| (weight, usize::MAX - n));
                let (weight, best) = best.unwrap_or_default();
                return Ok(Self { levels, best, weight, sheet });
            }
            // Once more without what surrounds the paper, so that the levels are those of ink and paper.
            for blob in listed(memory.blobs).filter(|blob| blob.is(LEFT_OUT)) {
                left_out.flood(ink.view(), blob.area, blob.seed());
            }
            left_out.grow(2);
            levels = Levels::find(picture, background, Some(left_out.view()), memory.rest)[usize::from(levels.light)];
            first = false;
        }
    }

    /// The box of the digit's first blob and of all that belong to it, which the list tells afterwards.
    fn group(self, memory: &mut Memory<'_>) -> Area {
        let first = memory.blob(self.best);
        // What runs off the picture is of a digit that does so too.
        let apart = if first.is(EDGE) { FRAME } else { FRAME | EDGE };
        let mut area = first.area;
        let speck = u64::from(area.longer()) * u64::from(area.longer());
        mark(memory.blobs, self.best, first.kind() | DIGIT);
        loop {
            let mut grown = false;
            for n in 0..memory.blobs.len() {
                let blob = memory.blob(n);
                if blob.kind() & (apart | DIGIT) != 0 || u64::from(blob.ink) * CELLS < speck {
                    continue;
                }
                // What makes it twice as long is no part of a digit, but a line or another one.
                let both = area.union(blob.area);
                if blob.area.touches(area.with_margin(area.longer() / NEAR)) && both.longer() <= 2 * area.longer() {
                    mark(memory.blobs, n, blob.kind() | DIGIT);
                    (area, grown) = (both, true);
                }
            }
            if !grown {
                return area;
            }
        }
    }
}

/// A frame around others.
pub(super) const FRAME: u16 = 1;
/// The blob touches the picture's edge.
pub(super) const EDGE: u16 = 2;
/// It lies along an edge of the picture, or touches several.
pub(super) const BESIDE: u16 = 4;
/// It lies along all of an edge, or touches several.
pub(super) const ALONG: u16 = 8;
/// Surroundings of the paper, if there is something that could be a digit.
const LEFT_OUT: u16 = 16;
/// The blob is the digit's.
pub(super) const DIGIT: u16 = 32;

/// What the blobs of a list are, together.
#[derive(Clone, Copy, Debug, Default)]
struct Kinds {
    /// One could be a digit: inside the picture, and not small.
    free: bool,
    /// One is surroundings.
    left_out: bool,
    /// The largest sheet of paper.
    sheet: Option<Area>,
}

impl Kinds {
    /// Finds out, and writes into the list what each blob is.
    #[inline(never)]
    fn of(picture: &Picture<'_>, ink: View<'_>, list: &mut [[u32; 4]], least_free: u32) -> Self {
        let (width, height) = (picture.width, picture.height);
        let least = (width.min(height) * least_free / 100).max(Picture::MIN_DIGIT);
        let mut kinds = Self::default();
        let mut largest = 0;
        for n in 0..list.len() {
            let blob = at(list, n);
            let (area, pixels) = (blob.area, blob.area.width() * blob.area.height());
            if blob.ink == 0 {
                break;
            }
            let mut kind = 0;
            let (share, sides) = on_edges(picture, ink, area);
            let solid = area.shorter() >= LEAST_SIDE;
            let cover = if solid { cover(ink, area) } else { [0; 4] };
            let around = |inner: Blob| inner.area.is_inside(area) && inner.area.longer() * 4 >= area.shorter();
            let frame = solid
                && u64::from(blob.ink) * 5 < 2 * u64::from(pixels)
                && cover.iter().filter(|&&part| part >= 80).count() >= 3
                && listed(list).any(around);
            if frame {
                kind |= FRAME;
            }
            if sides > 0 {
                kind |= EDGE;
                if share > 30 || sides > 1 {
                    kind |= BESIDE;
                }
                // A line runs off the picture.
                let line = area.width() >= LINE * area.height();
                if share > 90 || sides > 1 || line {
                    kind |= ALONG;
                }
            } else if area.longer() >= least && !frame {
                kinds.free = true;
            }
            if frame || (sides > 0 && u64::from(blob.ink) * 50 > u64::from(picture.area())) {
                kind |= LEFT_OUT;
                kinds.left_out = true;
            }
            let whole = area.width() == width && area.height() == height;
            let large = u64::from(pixels) * 100 > 15 * u64::from(picture.area());
            let filled = 2 * blob.ink > pixels && cover.iter().all(|&part| part >= 60);
            if solid && large && filled && !whole && pixels > largest {
                (kinds.sheet, largest) = (Some(area), pixels);
            }
            mark(list, n, kind);
        }
        kinds
    }

    /// How likely a blob is the digit, in thousandths of its ink.
    fn likely(self, blob: Blob, picture: &Picture<'_>) -> u64 {
        let area = blob.area;
        if area.longer() < Picture::MIN_DIGIT {
            return 0;
        }
        let outside = match (self.free, blob.is(EDGE), blob.is(BESIDE)) {
            (true, true, true) => 50,
            (true, true, false) => 300,
            _ => 1000,
        };
        let outside = if blob.is(FRAME) { outside / 50 } else { outside };
        // Twice the distance of its middle from the picture's, of 1000 of the side.
        let off = |first: u16, last: u16, side: u32| {
            (u32::from(first) + u32::from(last) + 1).abs_diff(side) * 1000 / side.max(1)
        };
        let off = off(area.left, area.right, picture.width).max(off(area.top, area.bottom, picture.height));
        outside * u64::from(1000 - off.min(1000) * 3 / 5) / 1000
    }
}

/// Writes into a list what a blob of it is.
pub(super) fn mark(list: &mut [[u32; 4]], n: usize, kind: u16) {
    if let Some(words) = list.get_mut(n) {
        *words = Blob::from_words(*words).with_kind(kind).to_words();
    }
}

/// How many there are, of at most 2¹⁴.
fn how_many(items: impl Iterator<Item = u32>) -> u32 {
    items.map(|_| 1).sum()
}

/// The largest part of an edge of the picture that the ink in an area lies on, of 100, and the number of edges.
fn on_edges(picture: &Picture<'_>, ink: View<'_>, area: Area) -> (u32, u32) {
    let [left, right, top, bottom] = area.sides();
    let row = |y: u32| ink.count(y, left, right) * 100 / picture.width.max(1);
    let column = |x: u32| how_many((top..=bottom).filter(|&y| ink.is_set(x, y))) * 100 / picture.height.max(1);
    let [on_left, on_right, on_top, on_bottom] = area.edges_of(picture);
    let parts = [
        on_top.then(|| row(top)),
        on_bottom.then(|| row(bottom)),
        on_left.then(|| column(left)),
        on_right.then(|| column(right)),
    ];
    let parts = parts.into_iter().flatten();
    (parts.clone().max().unwrap_or_default(), how_many(parts))
}

/// The parts of an area's four sides that have ink near them, of 100.
fn cover(ink: View<'_>, area: Area) -> [u32; 4] {
    let [left, right, top, bottom] = area.sides();
    let strip = area.shorter().div_ceil(16) - 1;
    let columns = |from: u32, to: u32| {
        let with = |x: &u32| (from..=to).any(|y| ink.is_set(*x, y));
        how_many((left..=right).filter(with)) * 100 / area.width()
    };
    let rows = |from: u32, to: u32| {
        let with = |y: &u32| ink.any(*y, from, to);
        how_many((top..=bottom).filter(with)) * 100 / area.height()
    };
    [columns(top, top + strip), columns(bottom - strip, bottom), rows(left, left + strip), rows(right - strip, right)]
}

impl Levels {
    /// Whether there is ink.
    fn check(self) -> Result<(), PictureError> {
        if self.contrast < Picture::MIN_CONTRAST {
            return Err(blank(self.contrast));
        }
        let expected = u16::from(self.noise) * NOISE;
        if u16::from(self.contrast) < expected {
            return Err(NoDigit::Noise { found: self.contrast, expected }.into());
        }
        Ok(())
    }
}
