//! Tensors in files of PyTorch (safetensors), NumPy and Keras (.npz, .npy), and networks made of them.
//!
//! Opening a file reads its list of tensors. The numbers of a tensor are read when a network is made from it, and only if there
//! are as many as a [`Shape`](crate::Shape) allows. They are inflated a piece at a time, so memory is needed for the network only.

mod activation;
mod element;
mod error;
mod export;
mod foreign;
mod import;
mod keras;
mod layers;
mod npy;
mod npz;
mod roles;
mod safetensors;

use crate::base::messages;
use crate::host::convert::ConvertError;
use crate::host::files::{Bytes, FileAccess, printable};
use core::ops::Range;
use element::Element;
use rawzip::{Crc32, ZipVerification};
use std::io::Read;
use std::path::{Path, PathBuf};

pub use error::TensorError;
pub use export::{ExportFormat, export};
pub use import::{Imported, Input};
pub use roles::{Layout, Roles};

/// What a file says about a tensor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// The name; for a .npy file, its path.
    pub name: String,
    /// The sizes of its dimensions.
    pub shape: Vec<usize>,
    /// The type of its numbers as the file names it, such as `F32` or `<f4`.
    pub type_name: String,
}

messages! { TensorInfo: Self { ref name, ref shape, .. } => "{} {shape:?}", printable(name); }

/// A tensor: what the file says about it, and where its numbers are.
#[derive(Debug, Default)]
pub(crate) struct Tensor {
    pub(crate) info: TensorInfo,
    /// The type of the numbers, if they are floats.
    element: Option<Element>,
    /// Whether the first index varies fastest.
    pub(crate) fortran: bool,
    /// Where the numbers are in the file, with what is before them.
    range: Range<usize>,
    /// Whether the range is compressed.
    deflated: bool,
    /// The length and checksum of what is in the range, if that is an entry of an archive.
    claim: Option<ZipVerification>,
    /// The length of what is before the numbers: the header of a .npy file.
    header_len: usize,
}

/// Bytes of numbers that are handed over at a time: a multiple of every number's.
const PIECE: usize = 1 << 16;

/// The most bytes of an array: no network and no data set of pictures takes more, not even in numbers of 64 bits.
const MAX_BYTES: u64 = 1 << 32;

/// By how much an array may inflate, beyond its first 16 MiB: weights do by 1.1, pixels of MNIST by 5.
const MAX_INFLATION: u64 = 200;

/// One or more open files of tensors.
///
/// ```
/// use twolayer::host::FileAccess;
/// use twolayer::host::tensors::{Input, Roles, TensorFiles};
/// # use twolayer::host::tensors::{ExportFormat, export};
/// # use twolayer::{Shape, Weights};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("net.safetensors");
/// # let shape = Shape::new(4, 3, 2)?;
/// # export(&path, ExportFormat::Safetensors, Weights::new(shape, &vec![0.0; shape.weights_len()])?)?;
/// let files = TensorFiles::open(&[&path], FileAccess::Map)?;
/// let names: Vec<_> = files.infos().map(|tensor| tensor.name.as_str()).collect();
/// assert_eq!(names, ["fc1.weight", "fc2.weight"]);
///
/// // PyTorch's `ToTensor` divides pixels by 255.
/// let input = Input { scale: 255.0, ..Input::RAW };
/// let imported = files.network(&Roles::default(), input)?;
/// assert_eq!(imported.weights.view().shape().to_string(), "4 → 3 → 2");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TensorFiles {
    files: Vec<(PathBuf, Bytes)>,
    /// Each tensor with the index of its file.
    tensors: Vec<(usize, Tensor)>,
    /// What the files say beside their tensors.
    notes: Vec<String>,
}

impl TensorFiles {
    /// Opens files: safetensors or .npz, whose tensors have names, or .npy, with one tensor each.
    ///
    /// # Errors
    ///
    /// [`ConvertError::File`] if a file cannot be read; [`ConvertError::Tensors`] with [`TensorError::Foreign`],
    /// [`TensorError::Network`], [`TensorError::Damaged`] or [`TensorError::Tensor`] if it has another format, describes another
    /// network, its list of tensors is damaged, or two tensors have the same name.
    pub fn open<P: AsRef<Path>>(paths: &[P], access: FileAccess) -> Result<Self, ConvertError> {
        let mut opened = Self { files: Vec::new(), tensors: Vec::new(), notes: Vec::new() };
        for path in paths.iter().map(AsRef::as_ref) {
            opened.add(path, Bytes::open(path, access, announced)?)?;
        }
        Ok(opened)
    }

    /// Takes in the tensors of a file.
    fn add(&mut self, path: &Path, bytes: Bytes) -> Result<(), ConvertError> {
        let error = |error| ConvertError::Tensors { path: printable(path), error };
        let (tensors, notes) = list(bytes.as_slice(), path).map_err(error)?;
        self.notes.extend(notes);
        for tensor in tensors {
            if self.infos().any(|info| info.name == tensor.info.name) {
                let what = "another tensor has the same name".into();
                return Err(error(TensorError::Tensor { name: tensor.info.name, what }));
            }
            self.tensors.push((self.files.len(), tensor));
        }
        self.files.push((path.to_owned(), bytes));
        Ok(())
    }

    /// The tensors, in the order of the files.
    pub fn infos(&self) -> impl Iterator<Item = &TensorInfo> {
        self.tensors.iter().map(|(_, tensor)| &tensor.info)
    }

    /// The files' paths, for messages.
    fn paths(&self) -> String {
        let each: Vec<_> = self.files.iter().map(|(path, _)| printable(path)).collect();
        each.join(", ")
    }

    /// Whether a tensor has the name of a file, as that of a .npy file has.
    fn is_file(&self, name: &str) -> bool {
        self.files.iter().any(|(path, _)| path.display().to_string() == name)
    }

    /// What may tell the activation: notes, and the names of tensors.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let names = self.infos().map(|it| it.name.as_str()).filter(|it| !self.is_file(it));
        self.notes.iter().map(String::as_str).chain(names)
    }

    /// The error of an array of Python objects, if there is one.
    fn objects(&self) -> Option<TensorError> {
        self.tensors.iter().find_map(|(_, tensor)| tensor.objects())
    }

    fn tensor(&self, place: usize) -> &Tensor {
        &self.tensors[place].1
    }

    /// Checks, before anything is inflated, that the tensor at `place` has `len` numbers that can be read.
    fn check(&self, place: usize, len: usize) -> Result<(), ConvertError> {
        let (file, tensor) = &self.tensors[place];
        let error = |error| ConvertError::Tensors { path: printable(&self.files[*file].0), error };
        let element = tensor.float().map_err(error)?;
        tensor.check(len.saturating_mul(element.len())).map_err(error)
    }

    /// Hands over the `len` numbers of the tensor at `place`, in the order of the file.
    fn read(
        &self,
        place: usize,
        len: usize,
        mut take: impl FnMut(f64) -> Result<(), TensorError>,
    ) -> Result<(), ConvertError> {
        let (file, tensor) = &self.tensors[place];
        let (path, bytes) = &self.files[*file];
        let error = |error| ConvertError::Tensors { path: printable(path), error };
        let element = tensor.float().map_err(error)?;
        let numbers = |piece: &[u8]| (0..).map_while(|index| element.at(piece, index)).try_for_each(&mut take);
        tensor.pieces(bytes.as_slice(), len.saturating_mul(element.len()), numbers).map_err(error)
    }
}

impl Tensor {
    /// The error of an array of Python objects, if it is one.
    fn objects(&self) -> Option<TensorError> {
        let is_archive = self.claim.is_some();
        (self.info.type_name == foreign::OBJECT).then(|| foreign::objects(&self.info.shape, is_archive))
    }

    fn wrong(&self, what: String) -> TensorError {
        TensorError::Tensor { name: self.info.name.clone(), what }
    }

    /// The type of the numbers, which must be floats.
    fn float(&self) -> Result<Element, TensorError> {
        self.element.ok_or_else(|| {
            let what = format!("elements of type {}; expected floats of 16, 32 or 64 bits", self.info.type_name);
            self.objects().unwrap_or_else(|| self.wrong(what))
        })
    }

    /// Checks that there are `expected` bytes of numbers, and that they are no more than what is in the file can be meant to stand
    /// for. Nothing is inflated.
    pub(crate) fn check(&self, expected: usize) -> Result<(), TensorError> {
        let stored = self.range.len() as u64;
        let announced = self.announced();
        let found = usize::try_from(announced).unwrap_or(usize::MAX).saturating_sub(self.header_len);
        if found != expected {
            return Err(self.wrong(format!("{found} bytes of numbers; {:?} takes {expected}", self.info.shape)));
        }
        let most = MAX_BYTES.min(stored.saturating_mul(MAX_INFLATION).max(16 << 20));
        if announced > most {
            return Err(self.wrong(format!(
                "{announced} bytes out of {stored} in the file, which may stand for at most {most}: save the array without \
                 compression (numpy.savez)"
            )));
        }
        Ok(())
    }

    /// How many bytes header and numbers have, as the file says.
    fn announced(&self) -> u64 {
        self.claim.map_or(self.range.len() as u64, |claim| claim.uncompressed_size)
    }

    /// Hands over the `expected` bytes of the numbers in order, [`PIECE`] at a time, after they were [checked](Self::check). What an
    /// archive says of them is compared at the end; that they are damaged comes before what is wrong with a piece.
    pub(crate) fn pieces<E: From<TensorError>>(
        &self,
        file: &[u8],
        expected: usize,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.check(expected)?;
        let mut stored = file.get(self.range.clone()).unwrap_or_default();
        // No more is read than the archive announces, and one byte.
        let mut inflated = npz::inflate(stored, self.announced().saturating_add(1));
        let from: &mut dyn Read = if self.deflated { &mut inflated } else { &mut stored };
        let (mut crc, mut found) = (Crc32::new(), 0);
        let mut piece = Vec::with_capacity(PIECE.max(self.header_len));
        let mut result = Ok(());
        let mut most = self.header_len;
        loop {
            piece.clear();
            let read = from.take(most as u64).read_to_end(&mut piece);
            read.map_err(|error| self.wrong(format!("cannot be decompressed: {error}")))?;
            if self.claim.is_some() {
                crc.update(&piece);
            }
            found += piece.len() as u64;
            if most == PIECE && result.is_ok() {
                result = take(&piece);
            }
            if piece.len() < most {
                break;
            }
            most = PIECE;
        }
        if let Some(claim) = self.claim {
            let found = ZipVerification { crc: crc.checksum(), uncompressed_size: found };
            claim.valid(found).map_err(|error| self.wrong(error.to_string()))?;
        }
        result
    }
}

/// The tensors of a file, whose format is recognised by its first bytes, and what it says beside them.
pub(crate) fn list(bytes: &[u8], path: &Path) -> Result<(Vec<Tensor>, Vec<String>), TensorError> {
    match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => {
            let name = path.display().to_string();
            let tensor = npy::parse(bytes, &name).map_err(|what| TensorError::Tensor { name, what })?;
            Ok((vec![tensor], Vec::new()))
        }
        // The second signature is that of an empty archive.
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Ok((npz::list(bytes)?, Vec::new())),
        _ if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("safetensors")) => safetensors::list(bytes),
        // A length of 64 bits, which is no large one, then JSON.
        [_, _, _, _, 0, 0, 0, 0, b'{', ..] => safetensors::list(bytes),
        _ => match foreign::recognise(bytes) {
            Some(error) => Err(error),
            None if bytes.get(8) == Some(&b'{') => safetensors::list(bytes),
            None => Err(foreign::unknown(bytes, path)),
        },
    }
}

/// The most bytes worth reading of a file that begins so.
pub(crate) const fn announced(start: &[u8]) -> u64 {
    match start {
        [0x93, b'N', ..] | [b'P', b'K', ..] | [_, _, _, _, _, _, _, _, b'{', ..] => MAX_BYTES,
        [b'{', ..] => keras::MOST as u64,
        _ => 0,
    }
}

/// For fuzzing: reads any bytes as a file of tensors and, if they are small, makes a network from them. Returns how many numbers
/// were read.
///
/// # Errors
///
/// What is wrong with them.
#[doc(hidden)]
pub fn check(bytes: &[u8]) -> Result<usize, ConvertError> {
    // As much as a test may inflate.
    const MOST: usize = 1 << 20;
    let mut files = TensorFiles { files: Vec::new(), tensors: Vec::new(), notes: Vec::new() };
    files.add(Path::new("bytes"), Bytes::Read(bytes.to_vec()))?;
    let len = |info: &TensorInfo| info.shape.iter().copied().fold(1_usize, usize::saturating_mul);
    let mut numbers = 0;
    for (place, len) in files.infos().map(len).enumerate().filter(|(_, len)| *len <= MOST) {
        files.read(place, len, |_| {
            numbers += 1;
            Ok(())
        })?;
    }
    if files.infos().map(len).fold(0, usize::saturating_add) <= MOST {
        for input in [Input::RAW, Input { scale: 255.0, mean: 0.1307, deviation: 0.3081 }] {
            let imported = files.network(&Roles::default(), input)?;
            debug_assert!(files.origin(&imported, input).len() <= 200);
        }
    }
    Ok(numbers)
}
