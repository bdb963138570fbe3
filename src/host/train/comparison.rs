//! Two networks on the same images: who is right where, and whether that could be chance.

use super::{Evaluation, Threads, TrainingError, evaluate};
use crate::host::data::Set;
use crate::model::AnyNetwork;

/// The evaluations of two networks on the same set.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The first network, such as the one before it was quantised.
    pub before: Evaluation,
    /// The second network, such as the quantised one.
    pub after: Evaluation,
    /// The number of images that both networks assign to the same class, right or wrong.
    pub agreed: usize,
    /// The numbers of images by which network is right.
    pub pairs: Pairs,
}

/// Numbers of images by which of two networks is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Both are right.
    pub both: u32,
    /// The first is right, and the second wrong.
    pub only_before: u32,
    /// The second is right, and the first wrong.
    pub only_after: u32,
    /// Both are wrong.
    pub neither: u32,
}

/// Classifies every image of `set` with both networks, of any kind.
///
/// # Errors
///
/// Those of [`evaluate`](crate::host::evaluate), for either network.
pub fn compare<'n>(
    before: impl Into<AnyNetwork<'n>>,
    after: impl Into<AnyNetwork<'n>>,
    set: &Set,
    threads: &Threads,
) -> Result<Comparison, TrainingError> {
    let (before, after) = (evaluate(before, set, threads)?, evaluate(after, set, threads)?);
    let (mut agreed, mut pairs) = (0, Pairs::default());
    for ((a, b), label) in before.answers().iter().zip(after.answers()).zip(set.labels()) {
        agreed += usize::from(a.class == b.class);
        *match (a.class == *label, b.class == *label) {
            (true, true) => &mut pairs.both,
            (true, false) => &mut pairs.only_before,
            (false, true) => &mut pairs.only_after,
            (false, false) => &mut pairs.neither,
        } += 1;
    }
    Ok(Comparison { before, after, agreed, pairs })
}

impl Comparison {
    /// The accuracy of the second network minus that of the first, in percentage points.
    #[must_use]
    pub fn points(&self) -> f64 {
        100.0 * (self.after.accuracy() - self.before.accuracy())
    }
}

impl Pairs {
    /// McNemar's test: the probability, 0 to 1, that two networks which are right equally often in the long run differ as much as
    /// here, or more, on so many images that only one of them gets right. 1 if there are none.
    ///
    /// Of `n` such images, the number `k` of those that the less frequent winner gets right is then binomial with a half, so that
    /// the two-sided probability is `p = min(1, 2 Σ_{i ≤ k} C(n, i) / 2ⁿ)`. This is the exact test, for few images and for many; no
    /// approximation by χ² is used. Q. McNemar, *Note on the sampling error of the difference between correlated proportions or
    /// percentages*, Psychometrika 12 (1947), 153–157; the exact form as in M. Fagerland, S. Lydersen and P. Laake, *The McNemar test
    /// for binary matched-pairs data*, BMC Medical Research Methodology 13 (2013), 91. Its sums and products are the same on every
    /// machine; it says nothing of networks trained with other seeds.
    #[must_use]
    pub fn mcnemar(self) -> f64 {
        let (n, k) = (self.only_before + self.only_after, self.only_before.min(self.only_after));
        // C(n, k) / 2ⁿ, halved where it grows, so that it stays a number.
        let (mut last, mut halvings) = (1.0, n);
        for i in 1..=k {
            last *= f64::from(n - i + 1) / f64::from(i);
            while last > 1.0 && halvings > 0 {
                last *= 0.5;
                halvings -= 1;
            }
        }
        for _ in 0..halvings {
            last *= 0.5;
        }
        // The terms before it, each a part of the next one.
        let (mut sum, mut term) = (last, last);
        for i in (1..=k).rev() {
            term *= f64::from(i) / f64::from(n - i + 1);
            sum += term;
        }
        f64::min(2.0 * sum, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(only_before: u32, only_after: u32) -> f64 {
        Pairs { both: 7, only_before, only_after, neither: 9 }.mcnemar()
    }

    /// `from fractions import Fraction as F; from math import comb`, then
    /// `float(min(F(1), 2 * sum(F(comb(b + c, i), 2 ** (b + c)) for i in range(min(b, c) + 1))))`.
    #[test]
    fn mcnemar_is_the_binomial_sum() {
        for (b, c, expected) in [
            // By hand: 2 · 1 / 2⁵, 2 · (1 + 10) / 2¹⁰, 2 · (1 + 8 + 28) / 2⁸, 2 · (1 + 3) / 2³.
            (0, 5, 0.0625),
            (1, 9, 0.021_484_375),
            (6, 2, 0.289_062_5),
            (2, 1, 1.0),
            (10, 25, 0.016_673_847_800_120_71),
            (41, 74, 0.002_685_701_005_962_85),
            (450, 550, 0.001_730_536_084_976_317_6),
            (4_000, 4_400, 1.335_397_821_357_042_8e-5),
        ] {
            for found in [p(b, c), p(c, b)] {
                assert!((found - expected).abs() <= 1e-11 * expected, "{b} {c}: {found:e}, not {expected:e}");
            }
        }
        for equal in [0, 1, 3, 700, 30_000] {
            assert!((p(equal, equal) - 1.0).abs() == 0.0, "{equal}");
        }
        // Beyond what a number can tell, and at the largest sets.
        assert!(p(0, 60_000) == 0.0 && p(0, 1000) > 0.0 && p(29_999, 30_001) > 0.99);
    }
}
