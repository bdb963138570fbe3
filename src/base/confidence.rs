//! From the margin of an answer to how likely it is right.

/// A table from the margin of an answer to its confidence: the share of right answers, in per cent, that a network gave at such
/// margins to images that it was not trained on. It is a part of a model, since margins have the network's own unit.
///
/// It is compared in integers, so that confidence is the same on every machine: an integer network's margin is taken as it is, and an
/// f32 network's times 65,536, rounded down.
///
/// ```
/// use twolayer::{Answer, Confidence};
///
/// let table = Confidence::new(&[(0, 50), (300, 90), (700, 99)]).unwrap();
/// assert_eq!(Answer::of(&[0, 450, 100]).confidence(&table), 90); // a margin of 350
/// assert_eq!(Answer::of(&[0.0, 0.01]).confidence(&table), 90); // 655 times 2⁻¹⁶, and some more
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confidence {
    margins: [u32; Self::MAX_STEPS],
    percent: [u8; Self::MAX_STEPS],
    len: usize,
}

impl Confidence {
    /// What a margin of f32 networks is multiplied by, to be compared as an integer.
    pub const F32_UNITS: f32 = 65_536.0;

    /// The most steps.
    pub const MAX_STEPS: usize = 20;

    /// A table of steps: from this margin on, so many per cent. `None` unless there are 1 to [`MAX_STEPS`](Self::MAX_STEPS), the first
    /// begins at 0, each at a larger margin than the one before with more per cent, and none has more than 100.
    #[must_use]
    pub fn new(steps: &[(u32, u8)]) -> Option<Self> {
        let (mut margins, mut percent) = ([0; Self::MAX_STEPS], [0; Self::MAX_STEPS]);
        let places = margins.get_mut(..steps.len())?.iter_mut().zip(&mut percent);
        places.zip(steps).for_each(|((margin, percent), step)| (*margin, *percent) = *step);
        let rises = steps.iter().zip(steps.iter().skip(1)).all(|(a, b)| a.0 < b.0 && a.1 < b.1);
        let (first, last) = (steps.first()?, steps.last()?);
        (rises && first.0 == 0 && last.1 <= 100).then_some(Self { margins, percent, len: steps.len() })
    }

    /// Its steps: the margin from which on, and how many per cent.
    pub fn steps(&self) -> impl Iterator<Item = (u32, u8)> + use<> {
        let Self { margins, percent, len } = *self;
        margins.into_iter().zip(percent).take(len)
    }

    /// The confidence of an answer with this margin, in per cent.
    #[must_use]
    pub fn of<M: Margin>(&self, margin: M) -> u8 {
        let units = margin.units();
        self.steps().take_while(|&(from, _)| from <= units).last().map_or(0, |(_, percent)| percent)
    }
}

/// A margin of a network: `f32`, or `u32` of integer networks.
pub trait Margin: Copy + sealed::Sealed {
    /// The margin as [`Confidence`] compares it: as it is, or times [`F32_UNITS`](Confidence::F32_UNITS), rounded down.
    #[must_use]
    fn units(self) -> u32;
}

impl Margin for u32 {
    fn units(self) -> u32 {
        self
    }
}

impl Margin for f32 {
    fn units(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and NaN is 0")]
        let units = (self * Confidence::F32_UNITS) as u32;
        units
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for u32 {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_begins_at_its_margin() {
        let table = Confidence::new(&[(0, 40), (65_536, 80), (u32::MAX, 99)]).unwrap();
        for (margin, percent) in [(0, 40), (65_535, 40), (65_536, 80), (u32::MAX - 1, 80), (u32::MAX, 99)] {
            assert_eq!(table.of(margin), percent, "{margin}");
        }
        let below_1 = f32::from_bits(1.0_f32.to_bits() - 1);
        for (margin, percent) in [(0.0, 40), (below_1, 40), (1.0, 80), (65_535.0, 80), (f32::INFINITY, 99)] {
            assert_eq!(table.of(margin), percent, "{margin}");
        }
        assert_eq!((table.of(f32::NAN), table.of(-1.0_f32)), (40, 40));
        assert_eq!(Confidence::new(&table.steps().collect::<Vec<_>>()), Some(table));
    }

    #[test]
    fn tables_rise() {
        let many: Vec<_> = (0..21).map(|n| (u32::from(n), n)).collect();
        assert_eq!(Confidence::new(&many[..20]).map(|table| table.of(70_u32)), Some(19));
        for steps in
            [&[][..], &many, &[(1, 50)], &[(0, 50), (0, 60)], &[(0, 50), (1, 50)], &[(0, 60), (9, 50)], &[(0, 101)]]
        {
            assert_eq!(Confidence::new(steps), None, "{steps:?}");
        }
    }
}
