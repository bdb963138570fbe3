//! What a network answers: the class of the largest output, and how far it is ahead.

use super::{Confidence, Margin, from};

/// The class of an image, and the margin by which its output is above the next largest. The smaller the margin, the likelier
/// is a mistake. Its unit is the network's own: `f32` for f32 networks, `u32` for integer networks, `f64` for either on a host.
///
/// ```
/// use twolayer::Answer;
///
/// assert_eq!(Answer::of(&[0.25, 1.0, 0.5]), Answer { class: 1, margin: 0.5 });
/// assert_eq!(Answer::of(&[-7, 3, 3]), Answer { class: 1, margin: 0 }); // the first of equals
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer<M> {
    /// The index of the largest output, the first of equals. NaN is never the largest.
    pub class: u8,
    /// By how much that output is above the next largest. Where there is one output only: infinity, or `u32::MAX`.
    pub margin: M,
}

impl<M> Answer<M> {
    /// The answer that outputs stand for; class 0 where there are none. A network has at most 256.
    #[inline(always)]
    #[must_use]
    pub fn of<T: Output<Margin = M>>(outputs: &[T]) -> Self {
        T::answer(outputs)
    }

    /// How likely the answer is right, in per cent, by the table of the network's model: [`Model::confidence`].
    ///
    /// [`Model::confidence`]: crate::Model::confidence
    #[must_use]
    pub fn confidence(self, table: &Confidence) -> u8
    where
        M: Margin,
    {
        table.of(self.margin)
    }

    /// How sure outputs are, in per cent: the margin, as a share of the distance from the largest output to the mean of the
    /// others; 100 where there is one output only, 0 where one is NaN. It has no unit, so that networks can be compared by it, but it is not
    /// the share of right answers.
    ///
    /// ```
    /// use twolayer::Answer;
    ///
    /// assert_eq!(Answer::sureness(&[0.0, 0.9, 0.0, 0.1]), 92); // 0.8 of 0.9 − 0.0333
    /// assert_eq!(Answer::sureness(&[-7, 3, 3]), 0);
    /// ```
    #[must_use]
    pub fn sureness<T: Output<Margin = M>>(outputs: &[T]) -> u8 {
        T::sureness(outputs)
    }
}

/// An output of a network: `f32`, or `i32` for integer networks.
pub trait Output: Copy + PartialOrd + sealed::Sealed {
    /// A distance of two outputs.
    type Margin;
    /// [`Answer::of`].
    #[doc(hidden)]
    fn answer(outputs: &[Self]) -> Answer<Self::Margin>;
    /// [`Answer::sureness`].
    #[doc(hidden)]
    fn sureness(outputs: &[Self]) -> u8;
}

impl Output for f32 {
    type Margin = Self;

    #[inline(never)] // an image has one of them, compiled as the rest of this crate
    fn answer(outputs: &[Self]) -> Answer<Self> {
        let (class, largest, next) = two_largest(outputs, Self::NEG_INFINITY);
        Answer { class, margin: largest - next }
    }

    fn sureness(outputs: &[Self]) -> u8 {
        let Answer { class, margin } = Answer::of(outputs);
        let (mut sum, mut others) = (0.0, 0.0);
        for &output in others_than(class, outputs) {
            (sum, others) = (sum + output, others + 1.0);
        }
        let Some(largest) = outputs.get(usize::from(class)).filter(|_| others > 0.0) else { return 100 };
        let share = 100.0 * margin / (largest - sum / others);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100, or NaN, which is 0")]
        let percent = share.clamp(0.0, 100.0) as u8;
        percent
    }
}

impl Output for i32 {
    type Margin = u32;

    #[inline(never)] // an image has one of them, compiled as the rest of this crate
    fn answer(outputs: &[Self]) -> Answer<u32> {
        // No output of an integer network is as low: see `int`.
        let (class, largest, next) = two_largest(outputs, Self::MIN);
        Answer { class, margin: if next == Self::MIN { u32::MAX } else { largest.abs_diff(next) } }
    }

    fn sureness(outputs: &[Self]) -> u8 {
        let Answer { class, margin } = Answer::of(outputs);
        let (mut sum, mut others) = (0, 0);
        for &output in others_than(class, outputs) {
            (sum, others) = (sum + i64::from(output), others + 1);
        }
        let Some(&largest) = outputs.get(usize::from(class)).filter(|_| others > 0) else { return 100 };
        // The mean times the number of others. At most 256 outputs of 32 bits: all is below 2⁴⁸.
        let percent = (100 * others * i64::from(margin)).checked_div(others * i64::from(largest) - sum);
        percent.and_then(|percent| u8::try_from(percent).ok()).unwrap_or_default()
    }
}

fn others_than<T>(class: u8, outputs: &[T]) -> impl Iterator<Item = &T> {
    outputs.iter().enumerate().filter(move |&(k, _)| k != usize::from(class)).map(|(_, output)| output)
}

/// The class, its output and the next largest, which is `lowest` where there is none.
#[inline(always)]
fn two_largest<T: Copy + PartialOrd>(outputs: &[T], lowest: T) -> (u8, T, T) {
    let (mut class, mut largest, mut next) = (0_usize, lowest, lowest);
    for (k, &output) in outputs.iter().enumerate() {
        if output > largest {
            (class, largest, next) = (k, output, largest);
        } else if output > next {
            next = output;
        }
    }
    // There are at most 256 outputs.
    (class.to_le_bytes()[0], largest, next)
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for i32 {}
}

from! { Answer<f64>:
    Answer<f32>: |answer| Self { class: answer.class, margin: answer.margin.into() };
    Answer<u32>: |answer| Self { class: answer.class, margin: answer.margin.into() };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_the_first_of_the_largest() {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        for (outputs, class, margin) in [
            (&[1.0, 3.0, 2.0][..], 1, 1.0),
            (&[-3.0, -1.0, -1.0], 1, 0.0),
            (&[0.0, 0.0], 0, 0.0),
            (&[nan, -5.0, nan], 1, inf),
            (&[1.0, inf], 1, inf),
            (&[2.5], 0, inf),
            (&[4.0, 1.0, 3.0], 0, 1.0),
        ] {
            assert_eq!(Answer::of(outputs), Answer { class, margin }, "{outputs:?}");
        }
        assert_eq!(Answer::of(&[nan; 3]).class, 0);
        for (outputs, class, margin) in [
            (&[1, 3, 2][..], 1, 1),
            (&[-3, -1, -1], 1, 0),
            (&[i32::MAX, i32::MIN + 1], 0, u32::MAX - 1),
            (&[2_147_451_008, -2_147_451_008], 0, 4_294_902_016),
            (&[5], 0, u32::MAX),
            (&[4, 1, 3], 0, 1),
        ] {
            assert_eq!(Answer::of(outputs), Answer { class, margin }, "{outputs:?}");
        }
        for (outputs, percent) in [
            (&[1.0, 0.0, 0.0][..], 100),
            (&[0.0, 0.9, 0.0, 0.1], 92),
            (&[0.5, 1.0], 100),
            (&[3.0], 100),
            (&[2.0, 2.0], 0),
            (&[f32::INFINITY, 1.0], 0),
            (&[nan, 1.0, 0.0], 0),
        ] {
            assert_eq!(Answer::sureness(outputs), percent, "{outputs:?}");
        }
        let (least, most) = (i32::MIN + 1, i32::MAX);
        let wide: Vec<i32> = (0..256).map(|k| if k == 7 { most } else { least + k }).collect();
        for (outputs, percent) in
            [(&[0, 900, 0, 100][..], 92), (&[5], 100), (&[3, 3], 0), (&[most, least, least], 100), (&wide, 99)]
        {
            assert_eq!(Answer::sureness(outputs), percent, "{outputs:?}");
        }
        let mut outputs = [0.0; 256];
        outputs[255] = 1.0;
        assert_eq!(Answer::of(&outputs), Answer { class: 255, margin: 1.0 });
    }
}
