//! Data sets: training and test images with their labels, from four IDX files, class folders of pictures, CSV or `.npz`.
//!
//! [`Dataset::open`] opens four IDX files. [`DataSource::open`] opens whatever a path holds, and says what it found.

mod classes;
mod csv;
mod digit_files;
mod digits_idx;
mod error;
#[cfg(feature = "download")]
mod fetch;
#[cfg(feature = "pictures")]
mod folders;
mod gzip;
mod hold_out;
mod join;
mod locate;
mod name;
#[cfg(feature = "convert")]
mod npz;
mod source;
mod source_error;
#[cfg(feature = "download")]
mod verify;
mod write;

#[doc(hidden)]
pub use classes::check_names;
#[doc(hidden)]
pub use csv::check_csv;
pub use digit_files::Digits;
#[cfg(feature = "download")]
pub use error::FetchError;
pub use error::{DataError, SetError};
#[cfg(feature = "download")]
pub use fetch::{Fetch, Refusal, redact_url};
#[doc(hidden)]
pub use gzip::expand_bytes;
pub use hold_out::HoldOut;
pub use name::Name;
#[cfg(feature = "convert")]
#[doc(hidden)]
pub use npz::check_npz;
pub use source::{DataSource, LabelColumn, Opened, Reading};
pub use source_error::SourceError;
#[cfg(feature = "download")]
pub use verify::{Checked, State, identify, verify};

use crate::host::files::{Action, Bytes, FileAccess, FileError};
use crate::image::idx::{Idx, IdxError};
use crate::net::Shape;
use core::ops::Range;
use locate::Place;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The names of the four files: training images, training labels, test images, test labels.
const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// The length of each of [`FILES`] in bytes, for so many training and test images.
const fn file_lengths([train, test]: [u64; 2], pixels: usize) -> [u64; 4] {
    [16 + train * pixels as u64, 8 + train, 16 + test * pixels as u64, 8 + test]
}

/// Progress of a download or of the generation of digits.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum Progress<'a> {
    /// A file was requested from a mirror, by its URL without credentials.
    Asked { url: &'a str },
    /// A mirror did not provide a file, by its URL without credentials; the next mirror is tried, if there is one.
    Refused { url: &'a str, reason: &'a str },
    /// So many bytes of the whole data set are written so far.
    Bytes { done: u64, total: u64 },
}

/// A training set and a test set.
///
/// ```
/// use twolayer::host::FileAccess;
/// use twolayer::host::dataset::{Dataset, Digits};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// // Four IDX files, as those of MNIST.
/// Digits { seed: 1, train: 50, test: 20 }.write(directory, &mut |_| ())?;
/// let dataset = Dataset::open(directory, FileAccess::Map)?;
/// assert_eq!((dataset.train.len(), dataset.test.len()), (50, 20));
/// assert_eq!((dataset.train.pixels(), dataset.train.image_size()), (28 * 28, Some([28, 28])));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Dataset {
    /// The training set.
    pub train: Set,
    /// The test set, with images of the same size and no classes that the training set lacks.
    pub test: Set,
}

impl Dataset {
    /// Opens the four files in a directory: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and the same with
    /// `t10k` for `train`. The spelling `train-images.idx3-ubyte` is accepted too. Files that end in `.gz` are
    /// decompressed into memory.
    ///
    /// # Errors
    ///
    /// If a file is missing, unreadable or not IDX, or if the four files do not match: counts of images and labels,
    /// sizes of images, range of labels.
    pub fn open(directory: &Path, access: FileAccess) -> Result<Self, DataError> {
        check_directory(directory)?;
        let place = Place { directory: directory.to_owned(), prefix: String::new() };
        let (train, test) = (Set::open(&place, 0, access)?, Set::open(&place, 2, access)?);
        Ok(Self::of(train, test)?)
    }

    /// Opens the test set only, like [`open`](Self::open); the files of the training set may be missing.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), for the two files of the test set.
    pub fn open_test(directory: &Path, access: FileAccess) -> Result<Set, DataError> {
        check_directory(directory)?;
        Set::open(&Place { directory: directory.to_owned(), prefix: String::new() }, 2, access)
    }

    /// The built-in digits: 60,000 training and 10,000 test images, as in MNIST. They are generated once and kept in
    /// the cache directory; if it cannot be written, they are generated in memory.
    ///
    /// # Errors
    ///
    /// If the files in the cache are not a valid data set.
    pub fn digits(access: FileAccess, report: &mut dyn FnMut(Progress<'_>)) -> Result<Self, DataError> {
        match digit_files::ensure_cached(report) {
            Ok(directory) => Self::open(&directory, access),
            Err(_) => Self::generate(Digits::default(), report),
        }
    }

    /// Generates built-in digits in memory.
    ///
    /// # Errors
    ///
    /// If `digits` asks for no training images, no test images, or 2³² images or more in all.
    pub fn generate(digits: Digits, report: &mut dyn FnMut(Progress<'_>)) -> Result<Self, DataError> {
        let mut names = FILES.into_iter().map(|name| PathBuf::from("built-in digits").join(name));
        let files = digits.in_memory(report)?;
        let [a, b, c, d] = files.map(|bytes| Content { path: names.next().unwrap_or_default(), bytes, start: 0 });
        Ok(Self::of(Set::new(a, b)?, Set::new(c, d)?)?)
    }

    /// The same data set with every pixel `p` replaced by `255 − p`: for dark ink on light. A copy in memory.
    #[must_use]
    pub fn inverted(self) -> Self {
        Self { train: self.train.inverted(), test: self.test.inverted() }
    }

    /// The same data set with its images transposed: see [`Set::transposed`].
    ///
    /// # Errors
    ///
    /// As those of [`Set::transposed`].
    pub fn transposed(self) -> Result<Self, SetError> {
        Ok(Self { train: self.train.transposed()?, test: self.test.transposed()? })
    }

    /// The same data set with a part of its training images in place of the test set, such as the last 5000. Choose settings with
    /// it, and look at the real test set once, at the end. A copy in memory.
    ///
    /// # Errors
    ///
    /// [`SetError::HoldOut`] if no training image, or no test image, would be left.
    pub fn held_out(self, part: impl Into<HoldOut>) -> Result<Self, SetError> {
        let (train, test) = part.into().split(&self.train)?;
        Self::of(train, test)
    }

    /// A training set and a test set that belong together.
    ///
    /// # Errors
    ///
    /// If their images have different sizes, or the test set has a class that the training set has not.
    pub fn of(train: Set, test: Set) -> Result<Self, SetError> {
        check_pixels(&test.images.path, test.pixels, train.pixels, "the training set")?;
        test.check_image_size(train.image_size)?;
        test.check_labels(train.classes(), "the training labels")?;
        Ok(Self { train, test })
    }
}

/// A file's path, as shown to the user, and its bytes, decompressed. Mapped bytes may change at any time.
#[derive(Debug)]
struct Content {
    path: PathBuf,
    bytes: Bytes,
    /// Where the pixels or the labels begin.
    start: usize,
}

impl Content {
    fn open(place: &Place, which: usize, access: FileAccess) -> Result<Self, DataError> {
        let name = FILES.get(which).copied().unwrap_or_default();
        let Some(path) = place.file(which)? else { return Err(missing(&place.directory, &place.prefix, name)) };
        // Labels are few, and are indices once they are checked: they must not change.
        let access = if name.contains("labels") { FileAccess::Read } else { access };
        let bytes = if gzip::is_compressed(&path)? {
            Bytes::Read(gzip::open_decompressed(&path)?)
        } else {
            Bytes::open(&path, access, announced)?
        };
        Ok(Self { path, bytes, start: 0 })
    }

    /// A copy of some of the pixels or labels, without a header.
    fn part(&self, range: Range<usize>) -> Self {
        let bytes = self.data().get(range).unwrap_or_default().to_vec();
        Self { path: self.path.clone(), bytes: Bytes::Read(bytes), start: 0 }
    }

    /// The pixels or the labels. Not by the header, which may have changed since it was read.
    fn data(&self) -> &[u8] {
        self.bytes.as_slice().get(self.start..).unwrap_or_default()
    }

    fn read<'a, T>(&'a self, view: impl FnOnce(&Idx<'a>) -> Result<T, IdxError>) -> Result<T, SetError> {
        let result = Idx::parse(self.bytes.as_slice()).and_then(|idx| view(&idx));
        result.map_err(|error| SetError::Idx { path: self.path.clone(), error })
    }
}

/// Images and their labels.
#[derive(Debug)]
pub struct Set {
    images: Content,
    labels: Content,
    /// Pixels per image.
    pixels: usize,
    /// Width and height of an image.
    image_size: Option<[u16; 2]>,
    /// The classes' names, if they have some: one for each label.
    names: Vec<String>,
}

impl Set {
    /// Opens two of four files: the images of index `which`, and their labels.
    fn open(place: &Place, which: usize, access: FileAccess) -> Result<Self, DataError> {
        Ok(Self::new(Content::open(place, which, access)?, Content::open(place, which + 1, access)?)?)
    }

    fn new(mut images: Content, mut labels: Content) -> Result<Self, SetError> {
        let (count, pixels, image_size) = images.read(|idx| {
            let mut images = idx.images()?;
            Ok((images.len(), images.next().map_or(0, <[u8]>::len), image_size(idx)))
        })?;
        let label_count = labels.read(Idx::labels)?.len();
        images.start = images.bytes.as_slice().len() - count * pixels;
        labels.start = labels.bytes.as_slice().len() - label_count;
        if count != label_count {
            return Err(SetError::Counts {
                images_path: images.path,
                images: count,
                labels_path: labels.path,
                labels: label_count,
            });
        }
        if count == 0 {
            return Err(SetError::Empty { path: images.path });
        }
        Ok(Self { images, labels, pixels, image_size, names: Vec::new() })
    }

    /// Images in memory, `[images][pixels]`, each of width × height pixels, and their labels. `name` is their file's in errors.
    ///
    /// # Errors
    ///
    /// [`SetError::Empty`] if there are none, [`SetError::Counts`] if there is not a label for each.
    pub fn from_images(
        name: impl Into<PathBuf>,
        images: Vec<u8>,
        labels: Vec<u8>,
        [width, height]: [u16; 2],
    ) -> Result<Self, SetError> {
        let (path, pixels) = (name.into(), usize::from(width) * usize::from(height));
        if pixels == 0 || images.is_empty() {
            return Err(SetError::Empty { path });
        }
        if images.len() != labels.len() * pixels {
            let (labels, images) = (labels.len(), images.len() / pixels);
            return Err(SetError::Counts { images_path: path.clone(), images, labels_path: path, labels });
        }
        let [images, labels] =
            [images, labels].map(|bytes| Content { path: path.clone(), bytes: Bytes::Read(bytes), start: 0 });
        Ok(Self { images, labels, pixels, image_size: Some([width, height]), names: Vec::new() })
    }

    /// The same set with every pixel `p` replaced by `255 − p`: for dark ink on light. A copy in memory.
    #[must_use]
    pub fn inverted(self) -> Self {
        let pixels = self.images().iter().map(|pixel| !pixel).collect();
        self.with_pixels(pixels)
    }

    /// The same set with rows of pixels for columns, as EMNIST is published beside MNIST. A copy in memory.
    ///
    /// # Errors
    ///
    /// [`SetError::Transpose`] if the images' width and height are not known, and are not those of a square.
    pub fn transposed(self) -> Result<Self, SetError> {
        let (width, pixels) = (self.width(), self.pixels);
        if !pixels.is_multiple_of(width) || self.image_size.is_none() && width * width != pixels {
            return Err(SetError::Transpose { path: self.images.path, pixels });
        }
        let mut turned = Vec::with_capacity(self.images().len());
        for image in self.images().chunks_exact(pixels) {
            for column in 0..width {
                turned.extend(image.iter().skip(column).step_by(width));
            }
        }
        let image_size = self.image_size.map(|[width, height]| [height, width]);
        Ok(Self { image_size, ..self.with_pixels(turned) })
    }

    /// The same set with other pixels, as many as before.
    fn with_pixels(self, pixels: Vec<u8>) -> Self {
        Self { images: Content { path: self.images.path, bytes: Bytes::Read(pixels), start: 0 }, ..self }
    }

    /// A hash of the first images, to tell sets apart; no defence against somebody who makes two sets of the same hash.
    ///
    /// It is of little-endian words of 64 bits: the pixels, filled up with zeros to whole words, the labels, also filled up, the number
    /// of images, and that of pixels in one. From 0 on, for each word: `h = (h ^ word) · 0x9E3779B97F4A7C15`, `h = h ^ (h >> 32)`.
    #[must_use]
    pub fn hash(&self, images: usize) -> u64 {
        let images = images.min(self.len());
        let parts = [&self.images()[..images * self.pixels], &self.labels()[..images]];
        let words = parts.into_iter().flat_map(|part| part.chunks(8)).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        let sizes = [images as u64, self.pixels as u64];
        words.chain(sizes).fold(0, |hash: u64, word| {
            let product = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            product ^ product >> 32
        })
    }

    /// Some of the images.
    fn part(&self, range: Range<usize>) -> Self {
        let images = self.images.part(range.start * self.pixels..range.end * self.pixels);
        Self { images, labels: self.labels.part(range), names: self.names.clone(), ..*self }
    }

    /// The images at these places.
    fn picked(&self, places: impl IntoIterator<Item = usize>) -> Self {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for place in places {
            let start = place * self.pixels;
            images.extend_from_slice(self.images().get(start..start + self.pixels).unwrap_or_default());
            labels.extend(self.label(place));
        }
        let content = |of: &Content, bytes| Content { path: of.path.clone(), bytes: Bytes::Read(bytes), start: 0 };
        let [images, labels] = [content(&self.images, images), content(&self.labels, labels)];
        Self { images, labels, names: self.names.clone(), ..*self }
    }

    /// At most so many of the images, spread over the whole set. A copy in memory.
    #[must_use]
    pub fn sample(&self, most: usize) -> Self {
        let len = self.len();
        let count = most.clamp(1, len.max(1)).min(len);
        self.picked((0..count).map(|place| place * len / count))
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels().len()
    }

    /// Always false: an empty set cannot be opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of pixels per image.
    #[must_use]
    pub const fn pixels(&self) -> usize {
        self.pixels
    }

    /// Width and height of an image, where the file says them.
    #[must_use]
    pub const fn image_size(&self) -> Option<[u16; 2]> {
        self.image_size
    }

    /// The columns of an image: what the file says, or those of a square.
    pub(crate) fn width(&self) -> usize {
        self.image_size.map_or_else(|| self.pixels.isqrt(), |[width, _]| width.into())
    }

    /// A copy of an image, counted from 0.
    #[must_use]
    pub fn image(&self, index: usize) -> Option<Vec<u8>> {
        Some(self.images().chunks_exact(self.pixels).nth(index)?.to_vec())
    }

    /// An image's label, counted from 0.
    #[must_use]
    pub fn label(&self, index: usize) -> Option<u8> {
        self.labels().get(index).copied()
    }

    /// The path of the file of images.
    #[must_use]
    pub fn images_path(&self) -> &Path {
        &self.images.path
    }

    /// The number of classes: the largest label plus one, or the number of their names if that is larger; at least 2.
    #[must_use]
    pub fn classes(&self) -> usize {
        let labels = self.labels().iter().max().map_or(0, |&largest| usize::from(largest) + 1);
        labels.max(self.names.len()).max(2)
    }

    /// The names of the classes, by label; empty if they have none but their numbers.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        &self.names
    }

    /// Whether the classes are the digits 0 to 9, as far as their number and, if they have some, their names tell.
    #[must_use]
    pub fn are_digits(&self) -> bool {
        self.classes() == 10
            && self.names.iter().zip(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]).all(|(a, b)| a == b)
    }

    /// The classes without an image: labels below [`classes`](Self::classes) that none has.
    #[must_use]
    pub fn absent_classes(&self) -> Vec<usize> {
        (0..self.classes()).filter(|&class| !self.labels().iter().any(|&label| usize::from(label) == class)).collect()
    }

    /// Checks that the images have as many pixels as a network takes.
    ///
    /// # Errors
    ///
    /// [`SetError::Pixels`] if they have not.
    pub fn check_pixels(&self, shape: Shape) -> Result<(), SetError> {
        check_pixels(&self.images.path, self.pixels, shape.pixels(), "the network")
    }

    /// Checks that the images have as many pixels as a network takes, and that all labels are among its outputs.
    pub(crate) fn check(&self, shape: Shape) -> Result<(), SetError> {
        self.check_pixels(shape)?;
        self.check_labels(shape.outputs(), "the network's classes")
    }

    /// Checks that images have a width and height, where both are known.
    fn check_image_size(&self, expected: Option<[u16; 2]>) -> Result<(), SetError> {
        match (self.image_size, expected) {
            (Some(found), Some(expected)) if found != expected => {
                Err(SetError::Turned { path: self.images.path.clone(), found, expected })
            }
            _ => Ok(()),
        }
    }

    /// Checks that all labels are below `classes`; `whose` says whose classes they are, for the error.
    fn check_labels(&self, classes: usize, whose: &'static str) -> Result<(), SetError> {
        match self.labels().iter().enumerate().find(|&(_, &label)| usize::from(label) >= classes) {
            Some((sample, &found)) => {
                Err(SetError::Label { path: self.labels.path.clone(), sample, found, classes, whose })
            }
            None => Ok(()),
        }
    }

    /// All pixels: `[images][pixels]`. Not public, since the bytes may be memory-mapped.
    pub(crate) fn images(&self) -> &[u8] {
        self.images.data()
    }

    /// One label per image. Not public, like the images.
    pub(crate) fn labels(&self) -> &[u8] {
        self.labels.data()
    }
}

/// Checks the pixels of an image; `whose` says where the expected number comes from, for the error.
fn check_pixels(path: &Path, found: usize, expected: usize, whose: &'static str) -> Result<(), SetError> {
    if found == expected { Ok(()) } else { Err(SetError::Pixels { path: path.to_owned(), found, expected, whose }) }
}

/// Width and height of the images of a file of three dimensions.
fn image_size(idx: &Idx<'_>) -> Option<[u16; 2]> {
    let [_, height, width] = idx.dimensions().collect::<Vec<_>>()[..] else { return None };
    Some([u16::try_from(width).ok()?, u16::try_from(height).ok()?])
}

/// The most bytes worth reading of a file that begins so: those that its header announces.
fn announced(start: &[u8]) -> u64 {
    Idx::file_len(start).unwrap_or(0)
}

fn check_directory(directory: &Path) -> Result<(), DataError> {
    match directory.metadata() {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => Err(DataError::NoDirectory { path: directory.to_owned(), exists: true }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(DataError::NoDirectory { path: directory.to_owned(), exists: false })
        }
        Err(error) => Err(FileError::io(Action::Open, directory)(error).into()),
    }
}

/// The path of a file in one of its usual spellings, plain or compressed; `None` if there is none.
fn find_file(directory: &Path, name: &str) -> Result<Option<PathBuf>, FileError> {
    locate::find(directory, "", name)
}

/// Like [`find_file`], but a missing file is an error.
fn require_file(directory: &Path, name: &'static str) -> Result<PathBuf, DataError> {
    find_file(directory, name)?.ok_or_else(|| missing(directory, "", name))
}

fn missing(directory: &Path, prefix: &str, name: &'static str) -> DataError {
    DataError::Missing {
        directory: directory.to_owned(),
        name: format!("{prefix}{name}"),
        similar: similar_file(directory, name).filter(|_| prefix.is_empty()),
    }
}

/// The name of a file that ends like a missing one, in upper or lower case: such as those of EMNIST, which has `test` for `t10k`.
fn similar_file(directory: &Path, name: &str) -> Option<OsString> {
    let ends =
        [name, &name.replacen("t10k", "test", 1)].map(|name| [name.to_owned(), name.replacen("-idx", ".idx", 1)]);
    fs::read_dir(directory).ok()?.flatten().map(|entry| entry.file_name()).find(|found| {
        let found = found.to_string_lossy().to_lowercase();
        let stem = found.strip_suffix(".gz").unwrap_or(&found);
        ends.as_flattened().iter().any(|end| stem.ends_with(end.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_in_memory_are_a_set() {
        let set = |images: &[u8], labels: &[u8], size| Set::from_images("mine", images.into(), labels.into(), size);
        let two = set(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], &[7, 3], [3, 2]).unwrap();
        assert_eq!((two.len(), two.pixels(), two.width(), two.classes()), (2, 6, 3, 8));
        assert_eq!((two.image(1), two.label(1)), (Some(vec![7, 8, 9, 10, 11, 12]), Some(3)));
        assert!(matches!(set(&[1, 2, 3], &[0], [2, 1]), Err(SetError::Counts { images: 1, labels: 1, .. })));
        assert!(matches!(set(&[1, 2], &[0, 1], [2, 1]), Err(SetError::Counts { images: 1, labels: 2, .. })));
        assert!(matches!(set(&[], &[], [2, 1]), Err(SetError::Empty { .. })));
        assert!(matches!(set(&[1], &[1], [0, 1]), Err(SetError::Empty { .. })));
    }

    /// As many pixels in another width and height are other images.
    #[test]
    fn training_and_test_images_have_one_shape() {
        let set = |size| Set::from_images("x", vec![0; 8], vec![0, 1], size).unwrap();
        assert!(Dataset::of(set([2, 2]), set([2, 2])).is_ok());
        let error = Dataset::of(set([2, 2]), set([1, 4])).unwrap_err();
        assert_eq!(error.to_string(), "x has images of 1 × 4 pixels; expected 2 × 2, as the other images have");
    }

    use std::fs::OpenOptions;
    use std::io::Write;

    /// A set whose files another process overwrites is still of the same images and labels, however little sense they make.
    #[cfg(unix)]
    #[test]
    fn files_that_change_under_a_run() {
        let directory = tempfile::TempDir::new().unwrap();
        Digits { seed: 1, train: 1, test: 100 }.write(directory.path(), &mut |_| ()).unwrap();
        let set = Dataset::open_test(directory.path(), FileAccess::Map).unwrap();
        let labels = set.labels().to_vec();
        assert!(matches!(set.images.bytes, Bytes::Mapped(_)));
        for name in [FILES[2], FILES[3]] {
            let path = directory.path().join(name);
            let len = fs::metadata(&path).unwrap().len();
            let noise = vec![0xee; usize::try_from(len).unwrap()];
            OpenOptions::new().write(true).open(path).unwrap().write_all(&noise).unwrap();
        }
        assert_eq!((set.len(), set.images().len()), (100, 100 * 784));
        assert_eq!(set.image(99), Some(vec![0xee; 784]));
        assert_eq!(set.labels(), labels);
        let inverted = set.inverted();
        assert_eq!((inverted.image(99), inverted.labels()), (Some(vec![0x11; 784]), &labels[..]));
    }
}
