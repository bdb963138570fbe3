//! Picture files, PNG, JPEG, WebP, BMP, GIF, PGM and PPM, as grey pictures, and grey pictures as PNG files.
//!
//! Everything is done in integers, and without the decoders' SIMD code, so a file gives the same bytes on every machine:
//! - colours become the luma of ITU-R BT.601, `(299 R + 587 G + 114 B + 500) / 1000`, which is what JPEG stores, or one of R, G and
//!   B where ink of a colour has nearly the luma of its ground;
//! - alpha is over white, `(alpha · grey + (255 − alpha) · 255 + 127) / 255`; over black where all that can be seen is light;
//! - of 16 bits, PNG keeps the upper 8 and PNM is rounded;
//! - no gamma or colour profile is applied;
//! - the orientation that a camera writes (Exif) is applied.
//!
//! A file's size is checked by its header, before memory is allocated for its pixels. While it is decoded, a pixel takes up
//! to six bytes, in a progressive JPEG and in WebP up to eleven, and one byte afterwards: at most 800 MB for the largest
//! picture. The decoders would end the program where there is no memory; so they are called only after as much as they may take could be
//! had. A JPEG of 4000 × 3000 pixels takes a fifth of a second and 54 MB, a progressive one 78 MB, with all of `twolayer predict`.

mod bmp;
mod colour;
mod error;
mod gif;
mod jpeg;
mod orientation;
mod png;
mod pnm;
mod webp;

use crate::host::files::{Action, FileError, write_atomically};
use crate::image::picture::{Digit, Ink, Picture, PictureError, Seen};
pub use error::{GreyPictureError, PictureFileError};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The most pixels of a picture: 8192 × 8192, or 16384 × 4096. Fewer for fuzzing, which tries more of them in the same time.
const MAX_PIXELS: u64 = if cfg!(fuzzing) { 1 << 16 } else { 1 << 26 };

/// The most bytes of a file.
const MAX_FILE_LEN: usize = 1 << 28;

/// What a decoder makes of a file: the levels, upright and row by row, and the columns and the rows.
type Levels = (Vec<u8>, u32, u32);

/// Decodes the bytes of a file.
type Decode = fn(&[u8]) -> Result<Levels, PictureFileError>;

/// A grey picture of 8 bits per pixel, from a file or from memory.
///
/// ```
/// use twolayer::host::GreyPicture;
/// use twolayer::picture::Ink;
/// # fn main() -> Result<(), twolayer::host::GreyPictureError> {
/// // One light stroke, in a format that is easy to write by hand.
/// let mut file = b"P5 32 32 255\n".to_vec();
/// file.extend((0..32 * 32).map(|i| if (8..24).contains(&(i / 32)) && (14..17).contains(&(i % 32)) { 255 } else { 0 }));
///
/// let picture = GreyPicture::from_bytes("one.pgm", &file)?;
/// let (input, seen) = picture.normalize(Ink::Auto, 28)?;
/// assert_eq!(input.len(), 28 * 28);
/// assert_eq!((seen.ink, seen.width, seen.height), (Ink::Light, 3, 16));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct GreyPicture {
    /// The file, for errors.
    path: PathBuf,
    pixels: Vec<u8>,
    width: u32,
    height: u32,
}

/// A digit of several in a picture, as [`Digit`].
#[derive(Clone, Debug)]
pub struct FoundDigit {
    /// The network's input, `[side][side]`.
    pub input: Vec<u8>,
    /// What was found, and where.
    pub seen: Seen,
    /// The line that it is in, counted from 0 at the top.
    pub line: u16,
    /// It may be several digits, or a part of one.
    pub doubtful: bool,
}

impl GreyPicture {
    /// A picture of `width × height` levels, row by row.
    ///
    /// `name` appears in errors; it need not be a file.
    ///
    /// # Errors
    ///
    /// If a side is not 1 to [`Picture::MAX_SIDE`], or there are fewer levels than pixels.
    pub fn new(name: impl Into<PathBuf>, pixels: Vec<u8>, width: u32, height: u32) -> Result<Self, GreyPictureError> {
        let path = name.into();
        match Picture::new(&pixels, width, height, width) {
            Ok(_) => Ok(Self { path, pixels, width, height }),
            Err(error) => Err(GreyPictureError::NoDigit { path, error }),
        }
    }

    /// Decodes a file. The format is detected from its first bytes, not from its name.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not in one of the formats, is damaged, or is too large: longer than 2²⁸ bytes, with
    /// a side longer than [`Picture::MAX_SIDE`], or of more than 2²⁶ pixels.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, GreyPictureError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(FileError::io(Action::Open, path))?;
        if file.metadata().is_ok_and(|meta| meta.is_dir()) {
            return Err(FileError::io(Action::Read, path)(ErrorKind::IsADirectory.into()).into());
        }
        Self::read(path, file)
    }

    /// Decodes what a reader gives to its end, like [`open`](Self::open). `name` appears in errors.
    ///
    /// # Errors
    ///
    /// As those of [`open`](Self::open).
    pub fn read(name: impl Into<PathBuf>, from: impl Read) -> Result<Self, GreyPictureError> {
        let path = name.into();
        let mut bytes = Vec::new();
        // One more byte tells that there are too many.
        let read = from.take(MAX_FILE_LEN as u64 + 1).read_to_end(&mut bytes);
        read.map_err(FileError::io(Action::Read, &path))?;
        Self::from_bytes(path, &bytes)
    }

    /// Decodes the bytes of a file, like [`open`](Self::open). `name` appears in errors.
    ///
    /// # Errors
    ///
    /// As those of [`open`](Self::open).
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: &[u8]) -> Result<Self, GreyPictureError> {
        let path = name.into();
        match decode(bytes) {
            Ok((pixels, width, height)) => Ok(Self { path, pixels, width, height }),
            Err(error) => Err(GreyPictureError::Decode { path, error }),
        }
    }

    /// Whether a file begins as one of the formats that are read, whatever its name.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn is_picture(path: &Path) -> Result<bool, FileError> {
        let mut start = Vec::new();
        let file = File::open(path).map_err(FileError::io(Action::Open, path))?;
        file.take(16).read_to_end(&mut start).map_err(FileError::io(Action::Read, path))?;
        Ok(decoder(&start).is_some())
    }

    /// The picture made smaller by a whole number, so that no side is longer than `side`, which is 1 or more: each pixel is the mean
    /// of a square. The picture itself if it is small enough.
    #[must_use]
    pub fn reduced(&self, side: u32) -> Self {
        let times = self.width.max(self.height).div_ceil(side.max(1));
        let (width, height) = ((self.width / times).max(1), (self.height / times).max(1));
        let mean = |x: u32, y: u32| {
            let rows = self.pixels.chunks_exact(self.width as usize).skip((y * times) as usize).take(times as usize);
            let square = rows.flat_map(|row| row.iter().skip((x * times) as usize).take(times as usize));
            let (sum, count) = square.fold((0, 0), |(sum, count), &level| (sum + u64::from(level), count + 1));
            u8::try_from(sum / u64::max(count, 1)).unwrap_or(u8::MAX)
        };
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| mean(x, y)).collect();
        Self { path: self.path.clone(), pixels, width, height }
    }

    /// The levels, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The levels, without the rest.
    #[must_use]
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// The columns.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// The rows.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// A view of the picture for the core.
    ///
    /// # Errors
    ///
    /// None: the size was checked before.
    pub fn picture(&self) -> Result<Picture<'_>, GreyPictureError> {
        Picture::new(&self.pixels, self.width, self.height, self.width).map_err(|error| self.error(error))
    }

    /// Makes a network's input of `side × side` pixels of the digit in the picture, and says what was found:
    /// [`Picture::normalize`].
    ///
    /// # Errors
    ///
    /// If there is no digit in the picture, or the side is not [`Picture::MIN_INPUT_SIDE`] to [`Picture::MAX_INPUT_SIDE`].
    pub fn normalize(&self, ink: Ink, side: u32) -> Result<(Vec<u8>, Seen), GreyPictureError> {
        // A longer side is refused; it is to take no memory before.
        let side = side.min(Picture::MAX_INPUT_SIDE + 1);
        let mut input = vec![0; side as usize * side as usize];
        let mut scratch = self.scratch(Picture::scratch_len(self.width, self.height, side))?;
        let seen = self.picture()?.normalize(ink, &mut scratch, &mut input).map_err(|error| self.error(error))?;
        Ok((input, seen))
    }

    /// Finds all digits in the picture, line by line from left to right: [`Picture::digits`], which says what `sureness` is for.
    ///
    /// # Errors
    ///
    /// As those of [`normalize`](Self::normalize).
    pub fn digits(
        &self,
        ink: Ink,
        side: u32,
        mut sureness: impl FnMut(&[u8]) -> u8,
    ) -> Result<Vec<FoundDigit>, GreyPictureError> {
        let side = side.min(Picture::MAX_INPUT_SIDE + 1);
        let mut input = vec![0; side as usize * side as usize];
        let mut scratch = self.scratch(Picture::digits_scratch_len(self.width, self.height, side))?;
        let mut digits = self.picture()?.digits(ink, &mut scratch, &mut input).map_err(|error| self.error(error))?;
        let mut found = Vec::new();
        while let Some(digit) = digits.next(&mut sureness) {
            let Digit { input, seen, line, doubtful } = digit;
            found.push(FoundDigit { input: input.to_vec(), seen, line, doubtful });
        }
        Ok(found)
    }

    /// Memory to look for digits in.
    fn scratch<T: Clone + Default>(&self, len: usize) -> Result<Vec<T>, GreyPictureError> {
        zeros(Some(len)).map_err(|error| GreyPictureError::Decode { path: self.path.clone(), error })
    }

    /// Writes the picture as an 8-bit grey PNG file, atomically: see [`ModelFile::write`](super::ModelFile::write).
    ///
    /// # Errors
    ///
    /// If the file cannot be written; an existing one is then left unchanged.
    pub fn write_png(&self, path: &Path) -> Result<(), FileError> {
        let bytes = png::encode(&self.pixels, self.width, self.height).map_err(FileError::io(Action::Write, path))?;
        write_atomically(path, |mut file| file.write_all(&bytes))
    }

    /// What is wrong with a part of this picture, with its name.
    #[must_use]
    pub fn error(&self, error: PictureError) -> GreyPictureError {
        GreyPictureError::NoDigit { path: self.path.clone(), error }
    }
}

fn decode(bytes: &[u8]) -> Result<Levels, PictureFileError> {
    if bytes.len() > MAX_FILE_LEN {
        return Err(PictureFileError::Long);
    }
    match decoder(bytes) {
        Some(decode) => decode(bytes),
        None if bytes.is_empty() => Err(PictureFileError::Empty),
        None => Err(foreign(bytes)),
    }
}

/// What decodes a file that begins with these bytes; nothing if it is in none of the formats.
fn decoder(bytes: &[u8]) -> Option<Decode> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(png::decode),
        [0xFF, 0xD8, 0xFF, ..] => Some(jpeg::decode),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(webp::decode),
        [b'B', b'M', ..] => Some(bmp::decode),
        [b'G', b'I', b'F', b'8', ..] => Some(gif::decode),
        [b'P', b'2' | b'3' | b'5' | b'6', space, ..] if space.is_ascii_whitespace() || *space == b'#' => {
            Some(pnm::decode)
        }
        _ => None,
    }
}

/// What other programs take for a picture, and how it becomes one that is read here.
fn foreign(bytes: &[u8]) -> PictureFileError {
    let (format, command) = match bytes {
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => ("TIFF", "magick in.tif out.png"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => ("AVIF", "magick in.avif out.png"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'h' | b'm', b'e' | b'i', ..] => ("HEIC", "magick in.heic out.png"),
        [b'%', b'P', b'D', b'F', ..] => ("PDF", "pdftoppm -png in.pdf out"),
        [b'<', b's', b'v', b'g', ..] | [b'<', b'?', b'x', b'm', b'l', ..] => ("SVG", "rsvg-convert in.svg -o out.png"),
        _ => return PictureFileError::Unknown { found: bytes.iter().copied().take(8).collect() },
    };
    PictureFileError::Foreign { format, command }
}

/// Refuses a picture that is too large, by its header, or for which there is no memory: so many bytes a pixel.
fn check_size(width: u32, height: u32, bytes: usize) -> Result<(), PictureFileError> {
    let sides = 1..=Picture::MAX_SIDE;
    let few = u64::from(width) * u64::from(height) <= MAX_PIXELS;
    if !(sides.contains(&width) && sides.contains(&height) && few) {
        return Err(PictureFileError::Size { width, height });
    }
    // Decoders work on whole blocks, and keep rows of them.
    let [width, height] = [width as usize + 64, height as usize + 256];
    reserved::<u8>(width.checked_mul(height).and_then(|pixels| pixels.checked_mul(bytes))).map(drop)
}

/// Memory for samples.
fn zeros<T: Clone + Default>(len: Option<usize>) -> Result<Vec<T>, PictureFileError> {
    let mut samples = reserved(len)?;
    samples.resize(len.unwrap_or_default(), T::default());
    Ok(samples)
}

/// Nothing yet, with memory for so much.
fn reserved<T>(len: Option<usize>) -> Result<Vec<T>, PictureFileError> {
    let len = len.unwrap_or(usize::MAX);
    let mut room = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    room.try_reserve_exact(len).map_err(|_| PictureFileError::Memory { bytes })?;
    Ok(room)
}

#[cfg(test)]
mod tests;
