//! The levels of a picture: which side of the background the ink is on, what parts it from paper and from noise.

use super::histogram::{add, quantile};
use super::{Background, Ink, NoDigit, Picture, PictureError};
use crate::base::{Always, violated};
use core::num::{NonZeroU32, NonZeroU64};

/// The contrast that a picture's noise asks for: so many times a quarter of the pixels' greatest difference from the
/// background. For normal noise that difference is 0.32 of the standard deviation: four deviations.
const NOISE: u16 = 12;
/// The most ink, of 100 pixels.
const MOST_INK: u8 = 75;

/// What parts ink from all else, as differences from the background in levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Levels {
    /// Whether ink is lighter than the background.
    pub(super) light: bool,
    /// The mean of what is above the threshold.
    pub(super) contrast: u8,
    /// Otsu's threshold.
    pub(super) threshold: u8,
    /// The noise: what is not above counts as background.
    pub(super) floor: u8,
}

impl Levels {
    /// Words of scratch: a histogram for each side of the background.
    pub(super) const SCRATCH: usize = 512;

    /// The levels of a picture.
    pub(super) fn find(
        picture: &Picture<'_>,
        background: &Background,
        ink: Ink,
        scratch: &mut [u32],
    ) -> Result<Self, PictureError> {
        let ([darker, lighter, ..], _) = scratch.as_chunks_mut::<256>() else {
            violated!("the length of the scratch was checked", return Err(blank(0)))
        };
        count(picture, background, darker, lighter);
        let light = match ink {
            Ink::Auto => squares(lighter) > squares(darker),
            Ink::Dark => false,
            Ink::Light => true,
        };
        let noise = quantile(darker.iter().zip(lighter.iter()).map(|(a, b)| a + b), picture.area() / 4);
        let (ink, other) = if light { (lighter, darker) } else { (darker, lighter) };
        // What is on the other side is background.
        ink[0] += other.iter().sum::<u32>();
        let threshold = otsu(ink);
        let (inked, contrast) = above(ink, threshold);
        if contrast < Picture::MIN_CONTRAST {
            return Err(blank(contrast));
        }
        // Of so much ink, a quarter of the pixels would look like noise.
        let percent = percent(inked, picture.area());
        if percent > MOST_INK {
            return Err(NoDigit::Filled { found: percent, expected: MOST_INK }.into());
        }
        let expected = u16::from(noise) * NOISE;
        if u16::from(contrast) < expected {
            return Err(NoDigit::Noise { found: contrast, expected }.into());
        }
        let floor = floor(ink, threshold, contrast, inked);
        let floor = floor.ok_or(NoDigit::Noise { found: contrast, expected: 256 })?;
        Ok(Self { light, contrast, threshold, floor })
    }
}

const fn blank(found: u8) -> PictureError {
    PictureError::Blank { found, expected: Picture::MIN_CONTRAST }
}

/// How many of 100; 100 of none.
pub(super) fn percent(part: u32, whole: u32) -> u8 {
    let percent = (u64::from(part) * 100).checked_div(u64::from(whole));
    percent.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(100)
}

/// Counts the pixels by their difference from the background; those equal to it are among the darker.
fn count(picture: &Picture<'_>, background: &Background, darker: &mut [u32; 256], lighter: &mut [u32; 256]) {
    darker.fill(0);
    lighter.fill(0);
    if background.is_even() {
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

/// Otsu's threshold: the level for which the variance between what is above it and the rest is largest; of equals, between
/// which there are no pixels, the middle. Otsu 1979, "A threshold selection method from gray-level histograms".
fn otsu(histogram: &[u32; 256]) -> u8 {
    let weigh = |(level, &count): (u64, &u32)| level * u64::from(count);
    let (mut above, mut above_sum) =
        (histogram.iter().map(|&count| u64::from(count)).sum::<u64>(), (0..).zip(histogram).map(weigh).sum::<u64>());
    let Some(all) = NonZeroU64::new(above) else { return 0 };
    let (mut below, mut below_sum, mut best) = (0, 0, (0, 0, 0));
    // Whether the level before was the best: divisions are slow, and a level that no pixel has is as good.
    let mut equal = false;
    for (level, &count) in (0..=u8::MAX).zip(histogram) {
        if count == 0 {
            if equal {
                best.2 = level;
            }
            continue;
        }
        let (count, weight) = (u64::from(count), u64::from(level) * u64::from(count));
        (below, below_sum) = (below + count, below_sum + weight);
        (above, above_sum) = (above - count, above_sum - weight);
        equal = false;
        let (Some(below), Some(above)) = (NonZeroU64::new(below), NonZeroU64::new(above)) else { continue };
        // With 8 bits of fraction each, 16 as a square: below 2³². Of at most 2²⁸ pixels, the product of two parts is
        // below 2⁵⁴, over all of them below 2²⁶: with 5 bits of fraction it is below 2³¹.
        let apart = divide(above_sum << 8, above) - divide(below_sum << 8, below);
        let product = below.get() * above.get();
        let whole = divide(product, all);
        let between = ((whole << 5) + divide((product - whole * all.get()) << 5, all)) * (apart * apart);
        equal = between >= best.0;
        if between > best.0 {
            best = (between, level, level);
        } else if equal {
            best.2 = level;
        }
    }
    let (_, first, last) = best;
    first.midpoint(last)
}

/// A quotient, in 32 bits where they are enough: all of a picture of fewer than 2¹⁶ pixels.
fn divide(number: u64, by: NonZeroU64) -> u64 {
    match (u32::try_from(number), NonZeroU32::try_from(by)) {
        (Ok(number), Ok(by)) => (number / by).into(),
        _ => number / by,
    }
}

/// The number of pixels above a level, and their mean level, rounded down; 0 if there are none.
fn above(histogram: &[u32; 256], level: u8) -> (u32, u8) {
    let parts = || (0_u64..).zip(histogram).skip(usize::from(level) + 1);
    let count: u32 = parts().map(|(_, count)| count).sum();
    let sum: u64 = parts().map(|(level, &count)| level * u64::from(count)).sum();
    (count, sum.checked_div(u64::from(count)).and_then(|mean| u8::try_from(mean).ok()).unwrap_or_default())
}

/// The lowest level below the threshold from which the next few levels, a sixteenth of the contrast, hold at most a fifth
/// as many pixels as the ink.
///
/// The grey pixels along the edges of strokes are spread over all levels, so that few are in so small a part: the floor of
/// a clean picture is 0. Noise is spread over the whole picture and crowded near 0: the floor lies above nearly all of it.
fn floor(histogram: &[u32; 256], threshold: u8, contrast: u8, inked: u32) -> Option<u8> {
    let few = usize::from(contrast / 16).max(1);
    (0..threshold.max(1)).find(|&floor| {
        let faint: u32 = histogram.iter().skip(usize::from(floor) + 1).take(few).sum();
        faint <= inked / 5
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::painted;
    use super::*;

    /// A histogram of these levels and counts.
    fn histogram(counts: &[(usize, u32)]) -> [u32; 256] {
        let mut histogram = [0; 256];
        for &(level, count) in counts {
            histogram[level] += count;
        }
        histogram
    }

    #[test]
    fn otsu_parts_two_levels() {
        assert_eq!(otsu(&histogram(&[(0, 900), (200, 100)])), 99);
        assert_eq!(otsu(&histogram(&[(0, 900), (10, 50), (200, 100), (180, 30)])), 94);
        assert_eq!(otsu(&histogram(&[(7, 9)])), 0);
        assert_eq!(otsu(&histogram(&[])), 0);
        // Two thresholds are as good: the middle, and what is above it.
        let three = histogram(&[(0, 5), (100, 5), (200, 5)]);
        assert_eq!(otsu(&three), 99);
        assert_eq!((above(&three, 99), above(&three, 100)), ((10, 150), (5, 200)));
        // Parts of a whole decide; of few pixels, and of many.
        assert_eq!(otsu(&histogram(&[(0, 1), (200, 1)])), 99);
        for many in [1, 1 << 24] {
            assert_eq!(otsu(&histogram(&[(0, 3 * many), (100, 2 * many), (200, 2 * many)])), 49);
        }
        // As large as it gets.
        assert_eq!(otsu(&histogram(&[(0, 1 << 27), (255, 1 << 27)])), 127);
    }

    /// By the definition, in floating point.
    #[test]
    fn otsu_is_the_largest_variance_between() {
        let mut dice = crate::support::Dice::new(1);
        for _ in 0..200 {
            let counts: Vec<(usize, u32)> =
                (0..=dice.below(40)).map(|_| (dice.below(256), u32::try_from(dice.below(100)).unwrap())).collect();
            let histogram = histogram(&counts);
            let between = |threshold: usize| {
                let mean = |part: &[u32], from: u32| {
                    let count: f64 = part.iter().map(|&count| f64::from(count)).sum();
                    let sum: f64 = (from..).zip(part).map(|(level, &count)| f64::from(level) * f64::from(count)).sum();
                    (count, sum / count.max(1.0))
                };
                let (below, above) = histogram.split_at(threshold + 1);
                let ((a, x), (b, y)) = (mean(below, 0), mean(above, u32::try_from(threshold).unwrap() + 1));
                a * b * (x - y) * (x - y)
            };
            let best = (0..256).map(between).fold(0.0, f64::max);
            assert!(between(usize::from(otsu(&histogram))) >= best * 0.999, "{counts:?}");
        }
    }

    /// Of a picture of 10 × 10 pixels on a background of 100, with so many pixels of each level.
    fn find(counts: &[(u8, usize)], ink: Ink) -> Result<Levels, PictureError> {
        let pixels: Vec<u8> = counts.iter().flat_map(|&(level, count)| core::iter::repeat_n(level, count)).collect();
        let picture = Picture::new(&pixels, 10, 10, 10).unwrap();
        Levels::find(&picture, &Background::even(100), ink, &mut vec![7; Levels::SCRATCH])
    }

    #[test]
    fn ink_is_what_differs_most_or_what_it_is_said_to_be() {
        let light = Ok(Levels { light: true, contrast: 100, threshold: 49, floor: 0 });
        let dark = Ok(Levels { light: false, contrast: 40, threshold: 19, floor: 0 });
        // Few pixels that differ by 100 outweigh many that do by 40.
        let counts = [(100, 76), (200, 4), (60, 20)];
        assert_eq!([Ink::Auto, Ink::Light, Ink::Dark].map(|ink| find(&counts, ink)), [light, light, dark]);
        let alike = find(&[(100, 80), (140, 10), (60, 10)], Ink::Auto);
        assert_eq!(alike, dark);
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
            let levels = Levels::find(&picture, &background, Ink::Auto, &mut vec![7; Levels::SCRATCH]).unwrap();
            assert_eq!(levels.light, light);
        }
    }

    #[test]
    fn contrast_is_as_much_as_the_noise_asks_for() {
        let contrast = |counts: &[(u8, usize)]| find(counts, Ink::Light).map(|levels| levels.contrast);
        assert_eq!(contrast(&[(100, 80), (124, 20)]), Ok(24));
        assert_eq!(contrast(&[(100, 80), (123, 20)]), Err(blank(23)));
        // A quarter of the pixels differs by less than 5.
        assert_eq!(contrast(&[(100, 20), (105, 30), (95, 30), (160, 20)]), Ok(60));
        let noise = |found, expected| Err(PictureError::NoDigit(NoDigit::Noise { found, expected }));
        assert_eq!(contrast(&[(100, 20), (105, 30), (95, 30), (159, 20)]), noise(59, 60));
        assert_eq!(contrast(&[(100, 25), (200, 75)]), noise(100, 1200));
        assert_eq!(
            contrast(&[(100, 24), (200, 76)]),
            Err(PictureError::NoDigit(NoDigit::Filled { found: 76, expected: 75 }))
        );
    }

    #[test]
    fn the_floor_is_above_noise_and_below_grey_edges() {
        // Edges: each level alike.
        let mut edges = [3; 256];
        edges[0] = 600;
        edges[255] = 100;
        assert_eq!(floor(&edges, 120, 200, 500), Some(0));
        // Noise up to 9, and far more of it than ink.
        let noisy = histogram(&[(0, 9000), (2, 5000), (4, 3000), (6, 1000), (8, 600), (9, 400), (200, 500)]);
        assert_eq!(floor(&noisy, 100, 200, 500), Some(9));
        // The next four levels, or a single one.
        let lone = histogram(&[(0, 900), (4, 30), (200, 100)]);
        assert_eq!((floor(&lone, 100, 64, 100), floor(&lone, 100, 31, 100)), (Some(4), Some(0)));
        // Noise up to the threshold.
        assert_eq!(floor(&[50; 256], 20, 40, 100), None);
    }

    #[test]
    fn shares_are_rounded_down() {
        assert_eq!((percent(1, 3), percent(2, 2), percent(0, 5), percent(0, 0)), (33, 100, 0, 100));
        assert_eq!(percent(1 << 28, 1 << 28), 100);
    }
}
