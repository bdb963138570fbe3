//! The levels of a picture: what parts ink from paper and from noise, on each side of the background.

use super::histogram::{add, otsu, quantile};
use super::map::View;
use super::{Background, Picture};
use crate::base::{Always, violated};

/// What parts ink from all else, as differences from the background in levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Levels {
    /// Whether ink is lighter than the background.
    pub(super) light: bool,
    /// The mean of what is above the threshold.
    pub(super) contrast: u8,
    /// Otsu's threshold.
    pub(super) threshold: u8,
    /// What is not above counts as background.
    pub(super) floor: u8,
    /// The noise: the median difference, on either side, of what is not ink.
    pub(super) noise: u8,
    /// The sum of the squares of all differences.
    pub(super) squares: u64,
}

impl Levels {
    /// Words of scratch: a histogram for each side of the background.
    pub(super) const SCRATCH: usize = 512;

    /// The levels of dark ink and of light ink, but for pixels that a map leaves out.
    pub(super) fn find(
        picture: &Picture<'_>,
        background: &Background,
        left_out: Option<View<'_>>,
        scratch: &mut [u32],
    ) -> [Self; 2] {
        let ([darker, lighter, ..], _) = scratch.as_chunks_mut::<256>() else {
            violated!("the length of the scratch was checked", return [Self::default(); 2])
        };
        count(picture, background, left_out, darker, lighter);
        [Self::of(false, darker, lighter), Self::of(true, lighter, darker)]
    }

    fn of(light: bool, ink: &mut [u32; 256], other: &[u32; 256]) -> Self {
        // What is on the other side is background.
        let others = other.iter().sum::<u32>();
        ink[0] += others;
        let threshold = otsu(ink);
        let (inked, contrast) = above(ink, threshold);
        let floor = floor(ink, threshold, contrast, inked);
        let paper = ink.iter().take(usize::from(threshold) + 1).sum::<u32>();
        ink[0] -= others;
        let of_paper = ink.iter().take(usize::from(threshold) + 1).chain(core::iter::repeat(&0));
        let noise = quantile(of_paper.zip(other).map(|(a, b)| a + b), paper / 2);
        Self { light, contrast, threshold, floor, noise, squares: squares(ink) }
    }
}

/// How many of 100; 100 of none.
pub(super) fn percent(part: u32, whole: u32) -> u8 {
    let percent = (u64::from(part) * 100).checked_div(u64::from(whole));
    percent.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(100)
}

/// Counts the pixels by their difference from the background; those equal to it are among the darker.
fn count(
    picture: &Picture<'_>,
    background: &Background,
    left_out: Option<View<'_>>,
    darker: &mut [u32; 256],
    lighter: &mut [u32; 256],
) {
    darker.fill(0);
    lighter.fill(0);
    if let (true, None) = (background.is_even(), left_out) {
        for y in 0..picture.height {
            picture.row(y).iter().for_each(|&pixel| add(lighter, pixel));
        }
        // Levels become differences: those up to the background's from there down, the others from there up.
        let level = usize::from(background.level());
        let below = lighter.get(..=level).always("a level is below 256");
        darker.iter_mut().zip(below.iter().rev()).for_each(|(to, &count)| *to = count);
        lighter.copy_within(level.., 0);
        lighter.iter_mut().skip(256 - level).for_each(|count| *count = 0);
        lighter[0] = 0;
        return;
    }
    for y in 0..picture.height {
        let background = background.row(y);
        for (&pixel, x) in picture.row(y).iter().zip(0..) {
            if left_out.is_some_and(|map| map.is_set(x, y)) {
                continue;
            }
            let above = i32::from(pixel) - background.at(x);
            let level = u8::try_from(above.unsigned_abs()).unwrap_or(u8::MAX);
            add(if above > 0 { lighter } else { darker }, level);
        }
    }
}

/// The sum of the squares of all differences.
fn squares(histogram: &[u32; 256]) -> u64 {
    (0_u64..).zip(histogram).map(|(level, &count)| level * level * u64::from(count)).sum()
}

/// The number of pixels above a level, and their mean level, rounded down; 0 if there are none.
fn above(histogram: &[u32; 256], level: u8) -> (u32, u8) {
    let parts = || (0_u64..).zip(histogram).skip(usize::from(level) + 1);
    let count: u32 = parts().map(|(_, count)| count).sum();
    let sum: u64 = parts().map(|(level, &count)| level * u64::from(count)).sum();
    (count, sum.checked_div(u64::from(count)).and_then(|mean| u8::try_from(mean).ok()).unwrap_or_default())
}

/// The lowest level below the threshold that parts noise from ink: the next few levels, a sixteenth of the contrast, hold at
/// most a fifth as many pixels as the ink, and no few levels from there to the threshold hold more than the ink.
///
/// The grey pixels along the edges of strokes are spread over all levels, so that few are in so small a part: the floor of
/// a clean picture is 0. Noise is spread over the whole picture and crowded near 0: the floor lies above nearly all of it, and
/// above what is on neither side: a second sheet of paper, a watermark.
fn floor(histogram: &[u32; 256], threshold: u8, contrast: u8, inked: u32) -> u8 {
    let few = usize::from(contrast / 16).max(1);
    let faint = |floor: u8| histogram.iter().skip(usize::from(floor) + 1).take(few).sum::<u32>();
    let noise = (0..threshold).find(|&floor| faint(floor) <= inked / 5).unwrap_or(threshold);
    let between = (0..threshold).rev().find(|&floor| faint(floor) > inked).map_or(0, |floor| floor + 1);
    noise.max(between)
}

#[cfg(test)]
mod tests {
    use super::super::histogram::tests::histogram;
    use super::super::tests::painted;
    use super::*;

    /// Of a picture of 10 × 10 pixels on a background of 100, with so many pixels of each level: dark and light ink.
    fn find(counts: &[(u8, usize)]) -> [Levels; 2] {
        let pixels: Vec<u8> = counts.iter().flat_map(|&(level, count)| core::iter::repeat_n(level, count)).collect();
        let picture = Picture::new(&pixels, 10, 10, 10).unwrap();
        Levels::find(&picture, &Background::even(100), None, &mut vec![7; Levels::SCRATCH])
    }

    #[test]
    fn each_side_of_the_background_has_its_levels() {
        let [dark, light] = find(&[(100, 76), (200, 4), (60, 20)]);
        let noise = 0;
        assert_eq!(light, Levels { light: true, contrast: 100, threshold: 49, floor: 0, noise, squares: 40_000 });
        assert_eq!(dark, Levels { light: false, contrast: 40, threshold: 19, floor: 0, noise, squares: 32_000 });
        assert_eq!(find(&[(100, 100)]).map(|levels| levels.contrast), [0, 0]);
    }

    /// A bar on paper that is lit from one side.
    #[test]
    fn ink_on_an_uneven_background() {
        for (ink, light) in [(250, true), (5, false)] {
            let bar = |x, y| (18..22).contains(&x) && (10..30).contains(&y);
            let pixels = painted(40, 40, |x, y| if bar(x, y) { ink } else { u8::try_from(80 + x + y).unwrap() });
            let picture = Picture::new(&pixels, 40, 40, 40).unwrap();
            let background = Background::find(&picture, &mut vec![7; Background::SCRATCH]);
            assert!(!background.is_even());
            let both = Levels::find(&picture, &background, None, &mut vec![7; Levels::SCRATCH]);
            assert!(both[usize::from(light)].squares > 100 * both[usize::from(!light)].squares);
        }
    }

    #[test]
    fn what_is_left_out_does_not_count() {
        let pixels = painted(40, 10, |x, _| {
            if x < 10 {
                0
            } else if x < 12 {
                150
            } else {
                200
            }
        });
        let picture = Picture::new(&pixels, 40, 10, 40).unwrap();
        let background = Background::even(200);
        let inked = super::super::Inked { picture: &picture, background, light: false, mask: None };
        let mut map = super::super::Map::new(40, 10, vec![0; View::scratch_len(40, 10)]);
        map.fill(&inked, 100);
        let contrast =
            |left_out| Levels::find(&picture, &background, left_out, &mut vec![7; Levels::SCRATCH])[0].contrast;
        assert_eq!((contrast(None), contrast(Some(map.view()))), (200, 50));
    }

    #[test]
    fn noise_is_the_median_difference_of_what_is_not_ink() {
        let [_, light] = find(&[(100, 20), (105, 30), (95, 30), (160, 20)]);
        assert_eq!((light.contrast, light.noise), (60, 5));
    }

    #[test]
    fn what_is_above_is_counted() {
        let three = histogram(&[(0, 5), (100, 5), (200, 5)]);
        assert_eq!((above(&three, 99), above(&three, 100), above(&three, 200)), ((10, 150), (5, 200), (0, 0)));
    }

    #[test]
    fn the_floor_is_above_noise_and_below_grey_edges() {
        // Edges: each level alike.
        let mut edges = [3; 256];
        edges[0] = 600;
        edges[255] = 100;
        assert_eq!(floor(&edges, 120, 200, 500), 0);
        // Noise up to 9, and far more of it than ink.
        let noisy = histogram(&[(0, 9000), (2, 5000), (4, 3000), (6, 1000), (8, 600), (9, 400), (200, 500)]);
        assert_eq!(floor(&noisy, 100, 200, 500), 9);
        // The next four levels, or a single one.
        let lone = histogram(&[(0, 900), (4, 30), (200, 100)]);
        assert_eq!((floor(&lone, 100, 64, 100), floor(&lone, 100, 31, 100)), (4, 0));
        // Paper of another level.
        let second = histogram(&[(0, 900), (40, 600), (200, 100)]);
        assert_eq!(floor(&second, 100, 200, 100), 40);
        // Noise up to the threshold.
        assert_eq!(floor(&[50; 256], 20, 40, 100), 20);
    }

    #[test]
    fn shares_are_rounded_down() {
        assert_eq!((percent(1, 3), percent(2, 2), percent(0, 5), percent(0, 0)), (33, 100, 0, 100));
        assert_eq!(percent(1 << 28, 1 << 28), 100);
    }
}
