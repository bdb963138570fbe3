//! Several data sets as one: train with train, test with test, one behind the other. A copy in memory.

use super::{Content, DataError, Dataset, Set, SourceError, check_pixels};
use crate::host::files::{Bytes, FileError, printable};
use core::num::NonZeroUsize;
use std::io;
use std::path::PathBuf;

impl Dataset {
    /// Joins data sets, in their order; `None` if there are none.
    ///
    /// # Errors
    ///
    /// [`SetError::Pixels`](super::SetError::Pixels) if their images have different sizes, [`SourceError::Classes`] if their classes have different names.
    pub fn joined(sets: Vec<Self>) -> Result<Option<Self>, DataError> {
        let (train, test): (Vec<_>, Vec<_>) = sets.into_iter().map(|set| (set.train, set.test)).unzip();
        let (Some(train), Some(test)) = (Set::joined(train)?, Set::joined(test)?) else { return Ok(None) };
        Ok(Some(Self::of(train, test)?))
    }
}

impl Set {
    /// Joins sets, in their order; `None` if there are none.
    ///
    /// # Errors
    ///
    /// As those of [`Dataset::joined`].
    pub fn joined(sets: Vec<Self>) -> Result<Option<Self>, DataError> {
        let mut sets = sets.into_iter();
        let (Some(first), rest) = (sets.next(), sets.collect::<Vec<_>>()) else { return Ok(None) };
        if rest.is_empty() {
            return Ok(Some(first));
        }
        let (mut images, mut labels) = (first.images().to_vec(), first.labels().to_vec());
        let paths = [&first].into_iter().chain(&rest).map(|set| printable(set.images_path()));
        let path = PathBuf::from(paths.collect::<Vec<_>>().join(" + "));
        for set in rest {
            check_pixels(set.images_path(), set.pixels(), first.pixels(), "the first of several sets")?;
            set.check_image_size(first.image_size)?;
            set.check_names(&first.names, &printable(first.images_path()))?;
            images.extend_from_slice(set.images());
            labels.extend_from_slice(set.labels());
        }
        let content = |bytes| Content { path: path.clone(), bytes: Bytes::Read(bytes), start: 0 };
        Ok(Some(Self { images: content(images), labels: content(labels), ..first }))
    }

    /// Every image so many times, one copy of the set behind the other.
    ///
    /// # Errors
    ///
    /// [`FileError::Memory`] if memory runs out.
    pub fn repeated(&self, times: NonZeroUsize) -> Result<Self, FileError> {
        let (images, labels) = (self.images.repeated(times)?, self.labels.repeated(times)?);
        Ok(Self { images, labels, names: self.names.clone(), ..*self })
    }

    /// Checks that the classes have these names, which are those of `other`.
    fn check_names(&self, expected: &[String], other: &str) -> Result<(), SourceError> {
        let both = self.names.iter().zip(expected);
        let at = both.take_while(|(found, expected)| found == expected).count();
        if at == self.names.len().max(expected.len()) {
            return Ok(());
        }
        let (path, found, expected) = (self.images.path.clone(), self.names.clone(), expected.to_vec());
        Err(SourceError::Classes { path, other: other.to_owned(), at, found, expected })
    }
}

impl Content {
    fn repeated(&self, times: NonZeroUsize) -> Result<Self, FileError> {
        let bytes = self.data().len().saturating_mul(times.get());
        let mut all = Vec::new();
        all.try_reserve_exact(bytes).map_err(|error| FileError::Memory { bytes, error: io::Error::other(error) })?;
        for _ in 0..times.get() {
            all.extend_from_slice(self.data());
        }
        Ok(Self { path: self.path.clone(), bytes: Bytes::Read(all), start: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(path: &str, images: &[u8], size: [u16; 2], names: &[&str]) -> Set {
        let labels = vec![1; images.len() / usize::from(size[0] * size[1])];
        let set = Set::from_images(path, images.to_vec(), labels, size).unwrap();
        Set { names: names.iter().map(|&name| name.to_owned()).collect(), ..set }
    }

    #[test]
    fn sets_are_joined_if_they_belong_together() {
        let joined = |sets: Vec<Set>| Set::joined(sets).map_err(|error| error.to_string());
        let a = || set("a", &[1, 2], [1, 2], &["x", "y"]);
        let both = joined(vec![a(), set("b", &[3, 4, 5, 6], [1, 2], &["x", "y"])]).unwrap().unwrap();
        assert_eq!((both.images(), both.labels()), (&[1, 2, 3, 4, 5, 6][..], &[1, 1, 1][..]));
        assert_eq!((both.images_path().to_str(), both.class_names()), (Some("a + b"), &["x".into(), "y".into()][..]));
        assert!(joined(Vec::new()).unwrap().is_none());
        for (other, error) in [
            (
                set("b", &[1], [1, 1], &["x", "y"]),
                "b has images of 1 pixels; expected 2, to match the first of several",
            ),
            (set("b", &[1, 2], [2, 1], &["x", "y"]), "b has images of 2 × 1 pixels; expected 1 × 2"),
            (set("b", &[1, 2], [1, 2], &["x", "z"]), "b has classes x | z, but a has classes x | y: class 1 differs"),
            (set("b", &[1, 2], [1, 2], &["x"]), "b has classes x, but a has classes x | y: class 1 differs"),
            (set("b", &[1, 2], [1, 2], &[]), "b has classes without names, but a has classes x | y: class 0 differs"),
        ] {
            let found = joined(vec![a(), other]).unwrap_err();
            assert!(found.contains(error), "{found}");
        }
    }
}
