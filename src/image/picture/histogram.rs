//! Histograms of levels: how many pixels have each.

use core::num::{NonZeroU32, NonZeroU64};

/// Counts one more pixel of that level.
pub(super) fn add(histogram: &mut [u32; 256], level: u8) {
    histogram[usize::from(level)] += 1;
}

/// The lowest level that more than `below` pixels do not exceed.
pub(super) fn quantile(histogram: impl Iterator<Item = u32>, below: u32) -> u8 {
    let mut seen = 0;
    for (level, count) in (0..=u8::MAX).zip(histogram) {
        seen += count;
        if seen > below {
            return level;
        }
    }
    u8::MAX
}

/// Otsu's threshold: the level for which the variance between what is above it and the rest is largest; of equals, between
/// which there are no pixels, the middle. Otsu 1979, "A threshold selection method from gray-level histograms".
pub(super) fn otsu(histogram: &[u32; 256]) -> u8 {
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A histogram of these levels and counts.
    pub(in super::super) fn histogram(counts: &[(usize, u32)]) -> [u32; 256] {
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
        // Two thresholds are as good: the middle.
        let three = histogram(&[(0, 5), (100, 5), (200, 5)]);
        assert_eq!(otsu(&three), 99);
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
}
