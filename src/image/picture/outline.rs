//! Which pixels are the digit's: those of its blobs, with the grey ones along their edges.

use super::blob::{Blob, Blobs};
use super::map::Map;
use super::scene::{DIGIT, List, Memory, Sight, listed};
use super::{Area, Inked};

/// Grey pixels so near are the digit's where what is fainter than ink leads out of it, of the longer side.
const GREY: u32 = 16;
/// The most pixels that is.
const MOST_GREY: u32 = 12;

/// The box of the digit, and which map holds its pixels, where not all ink above the floor in that box is the digit's.
#[inline(never)]
pub(super) fn find(sight: &Sight<'_>, memory: &mut Memory<'_>) -> (Area, Option<usize>) {
    let Sight { picture, background, levels, core, .. } = *sight;
    let (width, height) = (picture.width, picture.height);
    let inked = Inked { picture: &picture, background, light: levels.light, mask: None };
    let [first, second] = &mut memory.maps;
    let (mut ink, mut faint) = (Map::new(width, height, &mut **first), Map::new(width, height, &mut **second));
    faint.fill_outside(&inked, levels.floor);
    // With the grey pixels along them: the blobs that hold the digit's ink.
    let holds_ink = |blob: Blob| blob.ink > 0 && blob.area.touches(core);
    let count = |y: u32, first: u32, last: u32| ink.count(y, first, last);
    let (mut area, mut fits, mut others) = (core, true, None::<Area>);
    Blobs::each(faint.view(), count, memory.rest, |blob| {
        if blob.ink > 0 && !blob.area.touches(core) {
            others = Some(others.map_or(blob.area, |others| others.union(blob.area)));
        }
        if holds_ink(blob) {
            let on_edge = |area: Area| area.edges_of(&picture).contains(&true);
            let reaches_edge = on_edge(blob.area) && !on_edge(core);
            fits &= !reaches_edge && core.union(blob.area).longer() <= 2 * core.longer();
            area = area.union(blob.area);
        }
    });
    if fits {
        if others.is_none_or(|others| !others.touches(area)) {
            return (area, None);
        }
        let mut list = List::new(memory.blobs);
        Blobs::each(faint.view(), count, memory.rest, |blob| {
            if holds_ink(blob) {
                list.insert(blob);
            }
        });
        ink.clear();
        for blob in listed(memory.blobs) {
            ink.flood(faint.view(), blob.area, blob.seed());
        }
        return (area, Some(0));
    }
    faint.clear();
    for blob in listed(memory.blobs).filter(|blob| blob.is(DIGIT)) {
        faint.flood(ink.view(), blob.area, blob.seed());
    }
    ink.remove(faint.view());
    faint.grow(grey(core));
    faint.remove(ink.view());
    faint.keep_ink(&inked, levels.floor, picture.all());
    (faint.view().area().unwrap_or(core), Some(1))
}

/// The box and the pixels of ink that the second map holds, with the grey ones along it; in that map.
#[inline(never)]
pub(super) fn grow(sight: &Sight<'_>, memory: &mut Memory<'_>) -> Option<Area> {
    let Sight { picture, background, levels, .. } = *sight;
    let inked = Inked { picture: &picture, background, light: levels.light, mask: None };
    let (width, height) = (picture.width, picture.height);
    let [_, second] = &mut memory.maps;
    let (mut mask, mut own) = (Map::new(width, height, &mut **second), Map::new(width, height, &mut *memory.third));
    let core = mask.view().area()?;
    own.clear();
    own.add(mask.view());
    let grey = grey(core);
    mask.grow(grey);
    let area = core.with_margin(grey).within(picture.all());
    mask.keep_ink(&inked, levels.floor, area);
    mask.remove_ink(&inked, levels.threshold, area);
    mask.add(own.view());
    mask.view().area()
}

/// How far from the ink in a box grey pixels are the digit's.
fn grey(core: Area) -> u32 {
    (core.longer() / GREY).clamp(1, MOST_GREY)
}

#[cfg(test)]
mod tests {
    use super::super::tests::painted;
    use super::super::{Ink, NoDigit, Picture, PictureError};

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
            let mut scratch = vec![u32::MAX; Picture::scratch_len(160, 160, 28)];
            let seen = picture.normalize(Ink::Auto, &mut scratch, &mut [0; 784])?;
            Ok::<_, PictureError>(
                [seen.left, seen.top, seen.width, seen.height].map(|side| u16::try_from(side).unwrap()),
            )
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
        assert_eq!(find(&[[9, 9, 1, 4]]), Err(NoDigit::Small { found: 4, expected: 5 }.into()));
    }
}
