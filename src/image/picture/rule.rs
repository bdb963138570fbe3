//! Ruled lines that writing stands on or hangs from: they are taken out, so that what they join comes apart.

use super::Area;
use super::map::Map;

/// The least length of a line, of 100 of the blob's.
const LONG: u32 = 75;
/// How many times as long as high a blob is, of 10, that may have a line in it. What is higher may be a digit with a foot or a
/// bar.
const FLAT: u32 = 13;
/// The most thickness of a line, as a part of the blob's height.
const THICK: u32 = 6;
/// Rows beside a line that have so much ink, of 100 of its length, are of the line.
const BLUR: u32 = 40;

/// Takes a line out of the ink in an area, but for the strokes that cross it; whether there was one.
pub(super) fn strike<W: AsRef<[u32]> + AsMut<[u32]>>(ink: &mut Map<W>, area: Area) -> bool {
    let [left, right, top, bottom] = area.sides();
    if area.width() * 10 < area.height() * FLAT || area.height() < 8 {
        return false;
    }
    let least = area.width() * LONG / 100;
    let is_line = |ink: &Map<W>, y: u32| ink.runs(y, left, right).any(|(first, last)| last - first >= least);
    let is_blur = |ink: &Map<W>, y: u32| ink.count(y, left, right) * 100 >= area.width() * BLUR;
    let mut struck = false;
    let mut y = top;
    while y <= bottom {
        if !is_line(ink, y) {
            y += 1;
            continue;
        }
        let (mut first, mut last) = (y, y);
        while first > top && is_blur(ink, first - 1) {
            first -= 1;
        }
        while last < bottom && is_blur(ink, last + 1) {
            last += 1;
        }
        y = last + 1;
        if (last - first + 1) * THICK > area.height().max(2 * THICK) {
            continue;
        }
        struck = true;
        for x in left..=right {
            let near = |y: u32| ink.any(y, x.saturating_sub(1).max(left), (x + 1).min(right));
            let crossed = first > top && last < bottom && near(first - 1) && near(last + 1);
            if !crossed {
                (first..=last).for_each(|y| ink.unset(y, x));
            }
        }
    }
    struck
}

#[cfg(test)]
mod tests {
    use super::super::map::{Map, View};
    use super::super::{Area, Inked, Picture, background::Background};
    use super::strike;

    /// What is left of a drawing of `#`, line by line.
    fn struck(drawing: &[&str]) -> Option<Vec<String>> {
        let (width, height) = (drawing[0].len(), drawing.len());
        let side = |side: usize| u32::try_from(side).unwrap();
        let pixels: Vec<u8> = drawing.concat().bytes().map(|byte| if byte == b'#' { 200 } else { 0 }).collect();
        let picture = Picture::new(&pixels, side(width), side(height), side(width)).unwrap();
        let inked = Inked { picture: &picture, background: Background::even(0), light: true, mask: None };
        let mut ink = Map::new(side(width), side(height), vec![0; View::scratch_len(side(width), side(height))]);
        ink.fill(&inked, 100);
        let rows = |ink: &Map<Vec<u32>>| {
            let row = |y| (0..side(width)).map(|x| if ink.is_set(x, y) { '#' } else { '.' }).collect();
            (0..side(height)).map(row).collect()
        };
        let before: Vec<String> = rows(&ink);
        let struck = strike(&mut ink, Area::of(0, side(width) - 1, 0, side(height) - 1));
        assert!(struck || rows(&ink) == before);
        struck.then(|| rows(&ink))
    }

    #[test]
    fn a_line_goes_and_what_crosses_it_stays() {
        let found = struck(&[
            "...#..........#....",
            "...#..........#....",
            "...#..........#....",
            "...#..........#....",
            "...#..........#....",
            "...#..........#....",
            "...#..........#....",
            "###################",
            "..............#....",
            "..............#....",
            "..............#....",
        ]);
        let found = found.unwrap();
        assert_eq!(found[6], "...#..........#....");
        // The stroke on the left ends there, that on the right goes on, and is a pixel wider for lines that lean.
        assert_eq!(found[7], ".............###...");
        assert_eq!(found[8], "..............#....");
    }

    #[test]
    fn feet_bars_and_thick_beams_stay() {
        // As high as wide, a line that is short, one that is thick.
        assert!(
            struck(&[
                "#########.",
                ".....#....",
                ".....#....",
                ".....#....",
                "....#.....",
                "...#......",
                "..#.......",
                "..#......."
            ])
            .is_none()
        );
        let short = [
            "...#..........#....",
            "...#..........#....",
            "...#..........#....",
            "...############....",
            "...#..........#....",
            "...#..........#....",
            "...#..........#....",
            "...#..........#....",
        ];
        assert!(struck(&short).is_none());
        let thick = [
            "..#...........#....",
            "..#...........#....",
            "..#...........#....",
            "###################",
            "###################",
            "###################",
            "..#...........#....",
            "..#...........#....",
        ];
        assert!(struck(&thick).is_none());
    }
}
