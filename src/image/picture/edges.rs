//! Where a digit ends, in parts of a pixel: at half of the level of blurred edges.
//!
//! The box of all ink above the floor is wider than the digit if its edges are blurred, so that the digit would become too
//! small and lie between the cells that it is averaged to. Reads a cell's width along each side of the box once.

use super::{Area, Inked};
use crate::base::Always;

/// Parts of a pixel.
pub(super) const PARTS: u32 = 8;

/// What has no more than this part of the ink's level one cell further in is faint: what compression leaves around ink.
const FAINT: u8 = 32;

/// The sides of a digit in [`PARTS`] of a pixel, and how blurred they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edges {
    pub(super) left: u32,
    pub(super) right: u32,
    pub(super) top: u32,
    pub(super) bottom: u32,
    /// How wide the edges are, in sixteenths of a cell, from 0 to 16: twice what was cut off, in the mean.
    pub(super) blur: u32,
}

impl Edges {
    /// Those of the digit in the box `area`, which is to fill `inner` cells.
    ///
    /// An edge is where the brightest pixels of the lines along a side cross half of what they have one cell further in,
    /// between the middles of two lines. Faint lines go first, up to two cells of them: compression leaves such. Of sharp
    /// strokes, and of a digit of fewer than two pixels a cell, nothing is cut off.
    pub(super) fn find(inked: &Inked<'_, '_>, area: Area, contrast: u8, inner: u32) -> Self {
        let Area { left, right, top, bottom } = area;
        let cell = u16::try_from(area.longer() / inner.max(1)).always("sides are at most 2¹⁴");
        let faint = contrast / FAINT;
        // Lines from an edge on, at most as far as the other edge.
        let (last_column, last_row) = (right.saturating_sub(left), bottom.saturating_sub(top));
        let column = |n: u16| brightest(inked, Area { left: left + n, right: left + n, ..area });
        let row = |n: u16| brightest(inked, Area { top: top + n, bottom: top + n, ..area });
        let [from_left, from_right] = pair(
            area.width(),
            [
                outside(cell, faint, |n| column(n.min(last_column))),
                outside(cell, faint, |n| column(last_column.saturating_sub(n))),
            ],
        );
        let [from_top, from_bottom] = pair(
            area.height(),
            [outside(cell, faint, |n| row(n.min(last_row))), outside(cell, faint, |n| row(last_row.saturating_sub(n)))],
        );
        let blurred = from_left.blurred + from_right.blurred + from_top.blurred + from_bottom.blurred;
        Self {
            left: PARTS * u32::from(left) + from_left.all(),
            right: PARTS * (u32::from(right) + 1) - from_right.all(),
            top: PARTS * u32::from(top) + from_top.all(),
            bottom: PARTS * (u32::from(bottom) + 1) - from_bottom.all(),
            blur: blurred.checked_div(cell.into()).unwrap_or_default().min(16),
        }
    }

    pub(super) const fn width(self) -> u32 {
        self.right.saturating_sub(self.left)
    }

    pub(super) const fn height(self) -> u32 {
        self.bottom.saturating_sub(self.top)
    }
}

/// What is cut off a side, in [`PARTS`] of a pixel.
#[derive(Clone, Copy, Debug, Default)]
struct Cut {
    /// Faint lines.
    faint: u32,
    /// The outer half of a blurred edge.
    blurred: u32,
}

impl Cut {
    const fn all(self) -> u32 {
        self.faint + self.blurred
    }
}

/// The cuts of two sides, so many pixels apart, unless they would take half of what is between them.
fn pair(pixels: u32, cuts: [Cut; 2]) -> [Cut; 2] {
    let all: u32 = cuts.iter().map(|cut| cut.all()).sum();
    if 2 * all < PARTS * pixels { cuts } else { [Cut::default(); 2] }
}

/// What is to be cut off a side, whose lines are counted from the outermost on.
fn outside(cell: u16, faint: u8, line: impl Fn(u16) -> u8) -> Cut {
    if cell < 2 {
        return Cut::default();
    }
    // What is a cell further in: half a line more, since the pixel there ends there.
    let inside_of = |n: u16| {
        let [one, two] = [u32::from(line(n + cell - 1)), u32::from(line(n + cell - 2))];
        one + one.saturating_sub(two) / 2
    };
    let mut first = 0;
    let mut inside = inside_of(0);
    if inside <= u32::from(faint) {
        first = (0..2 * cell).find(|&n| line(n) > faint || inside_of(n) > u32::from(faint)).unwrap_or_default();
        inside = inside_of(first);
    }
    let mut cut = Cut { faint: PARTS * u32::from(first), blurred: 0 };
    let mut before = 0;
    for n in 0..cell {
        let level = u32::from(line(first + n));
        if 2 * level > inside {
            // From the middle of the line before to where half is crossed.
            let rise = 2 * level.saturating_sub(before);
            let back = (PARTS * (2 * level - inside)).checked_div(rise).always("the line before is fainter");
            cut.blurred = (PARTS * u32::from(n) + PARTS / 2).saturating_sub(back);
            break;
        }
        before = level;
    }
    cut
}

/// The brightest ink in an area.
fn brightest(inked: &Inked<'_, '_>, area: Area) -> u8 {
    let rows = u32::from(area.top)..=u32::from(area.bottom);
    rows.flat_map(|y| inked.row(y, u32::from(area.left), u32::from(area.right) + 1)).max().always("an area has pixels")
}

#[cfg(test)]
mod tests {
    use super::super::tests::painted;
    use super::super::{Background, Picture};
    use super::*;

    /// Faint and blurred parts of a side with these levels from the edge on, and more of the last one.
    fn cut(cell: u16, faint: u8, levels: &[u8]) -> [u32; 2] {
        let cut = outside(cell, faint, |n| levels.get(usize::from(n)).or(levels.last()).copied().unwrap());
        [cut.faint, cut.blurred]
    }

    #[test]
    fn an_edge_is_where_half_is_crossed() {
        // A cell further in ends where it is 210, of which half is three quarters of the way from 60 to 120.
        assert_eq!(cut(4, 6, &[20, 60, 120, 180, 200]), [0, 18]);
        // Half of 220 is an eighth of the way from 100 to 180, and half of 250 a quarter of that from 100 to 200.
        assert_eq!(cut(2, 6, &[100, 180, 200]), [0, 5]);
        assert_eq!(cut(3, 6, &[50, 100, 200, 200]), [0, 14]);
        // A sharp edge, and one that has half of the level in the middle of a line.
        assert_eq!(cut(4, 6, &[200]), [0, 0]);
        assert_eq!(cut(2, 6, &[60, 100]), [0, 4]);
        // A digit of fewer than two pixels a cell.
        assert_eq!(cut(1, 6, &[20, 60, 120, 180, 200]), [0, 0]);
    }

    #[test]
    fn faint_lines_go_first() {
        for (cell, levels, expected) in [
            (2, &[3_u8, 5, 6, 200][..], [16, 10]),
            (2, &[7, 5, 6, 200], [0, 0]),
            (2, &[3, 3, 3, 7, 200], [16, 7]),
            (2, &[3, 3, 3, 3, 7, 200], [24, 7]),
            (3, &[3, 3, 3, 3, 3, 3, 3, 200], [40, 18]),
            (3, &[3, 7, 3], [8, 0]),
            (3, &[3, 6, 3], [0, 0]),
            // More than two cells of them.
            (2, &[3, 3, 3, 3, 3, 200], [0, 0]),
            (2, &[3], [0, 0]),
        ] {
            assert_eq!(cut(cell, 6, levels), expected, "{levels:?}");
        }
    }

    #[test]
    fn cuts_do_not_take_half() {
        let pair = |faint, blurred| {
            let cuts = pair(10, [Cut { faint, blurred: 0 }, Cut { faint: 0, blurred }]);
            cuts.map(|cut| [cut.faint, cut.blurred])
        };
        assert_eq!(pair(20, 19), [[20, 0], [0, 19]]);
        assert_eq!(pair(20, 20), [[0, 0]; 2]);
    }

    /// The edges of a digit of 40 × 60 pixels with these levels from its left, right, top and bottom on, then 200.
    fn edges(levels: [&[u32]; 4]) -> Edges {
        let level = |x: u32, y: u32| {
            let [left, right, top, bottom] =
                levels.map(|levels| |n: u32| levels.get(n as usize).copied().unwrap_or(200));
            let product = left(x) * right(39 - x) / 200 * top(y) / 200 * bottom(59 - y) / 200;
            u8::try_from(product).unwrap()
        };
        let inside = |x, y| (5..45).contains(&x) && (9..69).contains(&y);
        let pixels = painted(50, 80, |x, y| if inside(x, y) { level(x - 5, y - 9) } else { 0 });
        let picture = Picture::new(&pixels, 50, 80, 50).unwrap();
        let inked = Inked { picture: &picture, background: Background::even(0), light: true, mask: None };
        Edges::find(&inked, Area { left: 5, right: 44, top: 9, bottom: 68 }, 200, 15)
    }

    #[test]
    fn each_side_has_its_own_edge() {
        let found = edges([&[20, 60, 120, 180], &[100], &[50, 100, 150], &[60, 100]]);
        assert_eq!(found, Edges { left: 40 + 18, right: 360 - 4, top: 72 + 14, bottom: 552 - 12, blur: 12 });
        assert_eq!((found.width(), found.height()), (298, 454));
        // Of a contrast of 200, 6 is faint.
        assert_eq!(
            edges([&[], &[6; 5], &[], &[7; 5]]),
            Edges { left: 40, right: 360 - 42, top: 72, bottom: 552, blur: 6 }
        );
    }
}
