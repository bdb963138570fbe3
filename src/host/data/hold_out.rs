//! Which of the training images are held out, to test on in place of a test set. A copy of the images in memory.

use super::{Set, SetError};

/// A part of the training images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldOut {
    /// The last images, as many as this.
    Last(usize),
    /// So many percent of each class, 1 to 100: its last images, rounded to the nearest number. Below 100, a class of two images or
    /// more keeps at least one and gives at least one; a class of one image keeps it.
    Percent(u8),
}

impl From<usize> for HoldOut {
    fn from(count: usize) -> Self {
        Self::Last(count)
    }
}

impl HoldOut {
    /// The images that are left, and those that are held out, each in their order.
    pub(super) fn split(self, set: &Set) -> Result<(Set, Set), SetError> {
        let images = set.len();
        let error = |found| SetError::HoldOut { found, images };
        let percent = match self {
            Self::Last(count) => {
                let left = images.checked_sub(count).filter(|left| *left > 0 && count > 0).ok_or(error(count))?;
                return Ok((set.part(0..left), set.part(left..images)));
            }
            Self::Percent(percent) => usize::from(percent),
        };
        // Of each class, how many images are left before those that are held out.
        let mut left = [0_usize; 256];
        for &label in set.labels() {
            left[usize::from(label)] += 1;
        }
        for left in left.iter_mut().filter(|left| **left > 0) {
            let held = ((*left * percent + 50) / 100).clamp((*left).min(2) - 1, *left - 1);
            *left -= held;
        }
        let held = |(place, &label): (usize, &u8)| {
            let left = &mut left[usize::from(label)];
            let held = *left == 0;
            *left = left.saturating_sub(1);
            (place, held)
        };
        let places: Vec<_> = set.labels().iter().enumerate().map(held).collect();
        let part = |wanted: bool| set.picked(places.iter().filter(|it| it.1 == wanted).map(|it| it.0));
        let (train, test) = (part(false), part(true));
        if train.is_empty() || test.is_empty() || percent >= 100 {
            return Err(error(if percent >= 100 { images } else { test.len() }));
        }
        Ok((train, test))
    }

    /// The images that are held out: all of them for 100 percent.
    pub(super) fn test_of(self, set: Set) -> Result<Set, SetError> {
        if self == Self::Percent(100) { Ok(set) } else { Ok(self.split(&set)?.1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_gives_its_last_images() {
        // Ten of class 0, four of class 1, one of class 2, mixed; a pixel is the place.
        let labels = vec![0, 1, 0, 2, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0];
        let set = Set::from_images("x", (0..15).collect(), labels, [1, 1]).unwrap();
        let split = |percent| {
            let (train, test) = HoldOut::Percent(percent).split(&set).unwrap();
            assert_eq!(train.len() + test.len(), 15);
            test.images().to_vec()
        };
        assert_eq!(split(20), [12, 13, 14]);
        assert_eq!(split(1), [13, 14]); // at least one of each class that has two
        assert_eq!(split(50), [8, 9, 10, 11, 12, 13, 14]);
        assert_eq!(split(99), [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]); // and one is kept
        for wrong in [HoldOut::Last(0), HoldOut::Last(15), HoldOut::Percent(100)] {
            assert!(matches!(wrong.split(&set), Err(SetError::HoldOut { images: 15, .. })), "{wrong:?}");
        }
        assert_eq!(HoldOut::Percent(100).test_of(set).unwrap().len(), 15);
        let single = Set::from_images("x", vec![1, 2], vec![0, 1], [1, 1]).unwrap();
        assert_eq!(HoldOut::Percent(50).split(&single).unwrap_err(), SetError::HoldOut { found: 0, images: 2 });
    }
}
