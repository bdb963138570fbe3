//! The C interface of `include/twolayer.h`, which documents it. No state, no allocation, no panic.
//!
//! A model keeps the function that it is asked with, so that firmware links only the code of the kinds that it opens.
//!
//! Unit tests are linked with the library as well, so their functions have no names of C.
//!
//! A static library for a microcontroller: feature `staticlib`, which adds the panic handler that such a library must bring. On
//! a machine with an operating system the same feature takes std's.

#![allow(unsafe_code, reason = "pointers from C")]

mod picture;

use core::ffi::{CStr, c_char};
use core::slice;

use crate::base::Answer;
use crate::int::{Bits, PayloadError, QuantizedNetwork};
use crate::model::{HeaderError, Kind, Model as File, ModelError};
use crate::net::{Network, Shape, SizeError, Weights};
use crate::simd::Backend;

pub use picture::{Digit, twolayer_normalize, twolayer_read};

/// An open model, in the caller's memory: `twolayer_model`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The weights.
    pub payload: *const u8,
    /// Their bytes.
    pub payload_len: usize,
    /// Bits of a weight of the first layer: 4, 8, or 32 of an f32 network.
    pub bits: u32,
    /// Pixels of an image.
    pub pixels: u32,
    /// Inputs of the network: as many as pixels, or a quarter of them where images are halved.
    pub inputs: u32,
    /// Hidden units.
    pub hidden: u32,
    /// Outputs.
    pub outputs: u32,
    /// 1 if the network has biases, else 0.
    pub biases: u16,
    /// 1 if images are halved, else 0.
    pub halves: u8,
    /// 1 if they are deslanted, else 0.
    pub deslants: u8,
    /// Columns of an image that is halved or deslanted, or 0.
    pub width: u16,
    /// Its rows, or 0.
    pub height: u16,
    /// Words of scratch, 32 bits each.
    pub scratch_words: usize,
    /// What the model is asked with.
    pub runner: Option<Runner>,
}

/// What a function returns: `TWOLAYER_…`, by value.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "see the header, or `text`")]
pub enum Status {
    Ok = 0,
    Null = 1,
    Magic = 2,
    Header = 3,
    Length = 4,
    Checksum = 5,
    Payload = 6,
    Misaligned = 7,
    Pixels = 8,
    Scratch = 9,
    Outputs = 10,
    Kind = 11,
    Picture = 12,
    Blank = 13,
    NoDigit = 14,
    NotFinite = 15,
    NoConfidence = 16,
}

impl From<ModelError> for Status {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Header(HeaderError::Magic { .. }) => Self::Magic,
            ModelError::Header(HeaderError::Truncated { .. }) | ModelError::Length { .. } => Self::Length,
            ModelError::Header(HeaderError::Checksum { .. }) | ModelError::Checksum { .. } => Self::Checksum,
            ModelError::Header(_) | ModelError::Text { .. } => Self::Header,
            ModelError::Size(error) => error.into(),
            ModelError::WrongKind { .. } => Self::Kind,
            ModelError::Misaligned { .. } => Self::Misaligned,
            ModelError::NotFinite { .. } | ModelError::Filler { .. } => Self::Payload,
            ModelError::Payload(error) => match error {
                PayloadError::Length { .. } => Self::Length,
                PayloadError::Misaligned { .. } => Self::Misaligned,
                PayloadError::Size(error) => error.into(),
                PayloadError::NotPlain => Self::Kind,
                PayloadError::Shift { .. } | PayloadError::Bias { .. } | PayloadError::Prologue => Self::Payload,
            },
        }
    }
}

impl From<SizeError> for Status {
    fn from(error: SizeError) -> Self {
        match error {
            SizeError::Halves { .. }
            | SizeError::Deslants { .. }
            | SizeError::Inputs { .. }
            | SizeError::Hidden { .. }
            | SizeError::Outputs { .. } => Self::Header,
            SizeError::Quantized { .. } | SizeError::Weights { .. } => Self::Payload,
            SizeError::Pixels { .. } => Self::Pixels,
            SizeError::Results { .. } => Self::Outputs,
            SizeError::Scratch { .. } | SizeError::Memory { .. } => Self::Scratch,
        }
    }
}

/// Defines the functions that open a model: for networks of one kind, and with the weights' checksum compared or not.
macro_rules! open {
    ($($(#[$doc:meta])* $name:ident($describe:expr, $checked:literal);)+) => {
        $($(#[$doc])*
        ///
        /// # Safety
        /// `model` is null or may be written; `bytes` is null or points to `len` bytes that stay unchanged while the model is used.
        #[cfg_attr(not(test), unsafe(no_mangle))]
        pub unsafe extern "C" fn $name(model: *mut Model, bytes: *const u8, len: usize) -> Status {
            // SAFETY: the caller's promise.
            unsafe { open(model, bytes, len, $checked, $describe) }
        })+
    };
}

open! {
    /// Opens a plain model of integer weights: without biases, for images as they are.
    twolayer_open(integers::<false>, true);
    /// As [`twolayer_open`], without the weights' checksum; [`twolayer_verify`] compares it later.
    twolayer_open_unchecked(integers::<false>, false);
    /// Opens any model of integer weights.
    twolayer_open_any(integers::<true>, true);
    /// As [`twolayer_open_any`], without the weights' checksum.
    twolayer_open_any_unchecked(integers::<true>, false);
    /// Opens a model of f32 weights.
    twolayer_open_f32(floats, true);
    /// As [`twolayer_open_f32`], without the weights' checksum.
    twolayer_open_f32_unchecked(floats, false);
}

/// Opens a model file and writes what it is.
///
/// # Safety
/// As that of [`twolayer_open`].
#[inline(always)] // an image has one of them
unsafe fn open(
    model: *mut Model,
    bytes: *const u8,
    len: usize,
    checked: bool,
    describe: impl Fn(File<'_>) -> Result<Model, Status>,
) -> Status {
    // SAFETY: the caller's promise.
    let Some(bytes) = (unsafe { slice(bytes, len) }) else {
        return Status::Null;
    };
    let file = match File::from_bytes_unverified(bytes) {
        Ok(file) => file,
        Err(error) => return error.into(),
    };
    // Not the image's sides and the text, which no function of this interface reads: to look at them takes 500 bytes of code.
    if checked && file.verify().is_err() {
        return Status::Checksum;
    }
    match describe(file) {
        // SAFETY: the caller's promise.
        Ok(open) => unsafe { write(model, open) },
        Err(status) => status,
    }
}

/// Checks a model file of any kind, all but the weights' format: its header, its length, its checksums and its text.
///
/// # Safety
/// `bytes` is null or points to `len` bytes.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[must_use]
pub unsafe extern "C" fn twolayer_verify(bytes: *const u8, len: usize) -> Status {
    // SAFETY: the caller's promise.
    let Some(bytes) = (unsafe { slice(bytes, len) }) else {
        return Status::Null;
    };
    let file = File::from_bytes(bytes);
    file.and_then(|file| file.details()).map_or_else(Status::from, |_| Status::Ok)
}

/// The length of the model file at the beginning of a region, all of it checked but the weights' format; 0 if there is none.
///
/// # Safety
/// `region` is null or points to `len` bytes.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[must_use]
pub unsafe extern "C" fn twolayer_file_len(region: *const u8, len: usize) -> usize {
    // SAFETY: the caller's promise.
    let Some(region) = (unsafe { slice(region, len) }) else { return 0 };
    File::from_region(region).map_or(0, |file| file.bytes().len())
}

/// Writes how likely an answer of this margin is right, in per cent, by the table in a model file.
///
/// # Safety
/// `bytes` is null or points to `len` bytes, `margin` is null or points to a margin, and `percent` is null or may be written.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_confidence(
    bytes: *const u8,
    len: usize,
    margin: *const u32,
    percent: *mut u32,
) -> Status {
    // SAFETY: the caller's promise.
    let (Some(bytes), Some(&[margin])) = (unsafe { (slice(bytes, len), slice(margin, 1)) }) else {
        return Status::Null;
    };
    let file = File::from_bytes_unverified(bytes);
    match file.map(|file| (file.kind(), file.confidence())) {
        // SAFETY: the caller's promise.
        Ok((Kind::F32, Some(table))) => unsafe { write(percent, table.of(f32::from_bits(margin)).into()) },
        // SAFETY: the caller's promise.
        Ok((Kind::Quantized(_), Some(table))) => unsafe { write(percent, table.of(margin).into()) },
        Ok((_, None)) => Status::NoConfidence,
        Err(error) => error.into(),
    }
}

/// A model of integer weights, whose format is checked.
fn integers<const ANY: bool>(file: File<'_>) -> Result<Model, Status> {
    let Kind::Quantized(bits) = file.kind() else { return Err(Status::Kind) };
    let bits = match bits {
        Bits::Eight => 8,
        Bits::Four => 4,
    };
    let model = fields_of(file, bits, QuantizedNetwork::scratch_len(file.shape()), run_integers::<ANY>);
    // SAFETY: the model describes the file, whose bytes are there.
    unsafe { network::<ANY>(&model) }?;
    Ok(model)
}

/// A model of f32 weights, which are checked.
fn floats(file: File<'_>) -> Result<Model, Status> {
    let shape = file.weights()?.shape();
    Ok(fields_of(file, 32, Network::scratch_len(shape), run_floats))
}

fn fields_of(file: File<'_>, bits: u32, scratch_words: usize, runner: Runner) -> Model {
    let shape = file.shape();
    let [width, height] = shape.prepared_image().unwrap_or_default();
    // A shape's sizes are far below 2³².
    let size = |size| u32::try_from(size).unwrap_or(u32::MAX);
    Model {
        payload: file.payload().as_ptr(),
        payload_len: file.payload().len(),
        bits,
        pixels: size(shape.pixels()),
        inputs: size(shape.inputs()),
        hidden: size(shape.hidden()),
        outputs: size(shape.outputs()),
        biases: shape.has_biases().into(),
        halves: shape.halved_image().is_some().into(),
        deslants: shape.deslanted_image().is_some().into(),
        width,
        height,
        scratch_words,
        runner: Some(runner),
    }
}

/// Writes the class of an image.
///
/// # Safety
/// Every pointer is null or points to as much as its length says; `model` was opened; nothing overlaps.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_classify(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    label: *mut u32,
) -> Status {
    // SAFETY: the caller's promise.
    match unsafe { run(model, pixels, pixels_len, scratch, scratch_words) } {
        // SAFETY: the caller's promise.
        Ok(Outcome { class, .. }) => unsafe { write(label, class) },
        Err(status) => status,
    }
}

/// Writes the class of an image, and its margin.
///
/// # Safety
/// As that of [`twolayer_classify`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_classify_margin(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    label: *mut u32,
    margin: *mut u32,
) -> Status {
    // SAFETY: the caller's promise.
    match unsafe { run(model, pixels, pixels_len, scratch, scratch_words) } {
        Ok(_) if !usable(margin, 1) => Status::Null,
        // SAFETY: the caller's promise.
        Ok(outcome) => match unsafe { write(label, outcome.class) } {
            // SAFETY: the caller's promise.
            Status::Ok => unsafe { write(margin, outcome.margin) },
            status => status,
        },
        Err(status) => status,
    }
}

/// Writes the outputs of an image.
///
/// # Safety
/// As that of [`twolayer_classify`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_outputs(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    outputs: *mut u32,
    outputs_len: usize,
) -> Status {
    // SAFETY: the caller's promise.
    let Some(outputs) = (unsafe { slice_mut(outputs, outputs_len) }) else {
        return Status::Null;
    };
    // SAFETY: the caller's promise.
    match unsafe { run(model, pixels, pixels_len, scratch, scratch_words) } {
        Ok(outcome) if outcome.outputs.len() == outputs.len() => {
            for (output, &found) in outputs.iter_mut().zip(outcome.outputs) {
                *output = found;
            }
            Status::Ok
        }
        Ok(_) => Status::Outputs,
        Err(status) => status,
    }
}

/// What a network makes of an image. Numbers are of its own kind, by their bits.
#[derive(Debug)]
pub struct Outcome<'s> {
    outputs: &'s [u32],
    class: u32,
    margin: u32,
}

/// Asks an open model. There is one for each kind of network, so that the linker keeps only those of models that are opened.
///
/// # Safety
/// The model was opened, and its bytes are still there.
type Runner = for<'s> unsafe fn(&Model, &[u8], &'s mut [u32]) -> Result<Outcome<'s>, Status>;

/// Asks a model, if all pointers can be read.
///
/// # Safety
/// As that of [`twolayer_classify`].
#[inline(always)] // no stack of its own
unsafe fn run<'s>(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
) -> Result<Outcome<'s>, Status> {
    // SAFETY: the caller's promise.
    let given = unsafe { (slice(model, 1), slice(pixels, pixels_len), slice_mut(scratch, scratch_words)) };
    let (Some([model]), Some(image), Some(scratch)) = given else { return Err(Status::Null) };
    let Some(runner) = model.runner else { return Err(Status::Null) };
    // SAFETY: the caller's promise.
    unsafe { runner(model, image, scratch) }
}

/// The [`Runner`] of integer networks.
unsafe fn run_integers<'s, const ANY: bool>(
    model: &Model,
    image: &[u8],
    scratch: &'s mut [u32],
) -> Result<Outcome<'s>, Status> {
    // SAFETY: the caller's promise.
    let network = unsafe { network::<ANY>(model) };
    // By reference: a copy would be on the stack as well.
    let outputs = match &network {
        Ok(network) => network.outputs(image, scratch)?,
        Err(status) => return Err(*status),
    };
    let Answer { class, margin } = Answer::of(outputs);
    Ok(Outcome { outputs: bytemuck::cast_slice(outputs), class: class.into(), margin })
}

/// The [`Runner`] of f32 networks.
unsafe fn run_floats<'s>(model: &Model, image: &[u8], scratch: &'s mut [u32]) -> Result<Outcome<'s>, Status> {
    // SAFETY: the caller's promise.
    let (shape, payload) = unsafe { fields::<true>(model) }?;
    let numbers = bytemuck::try_cast_slice(payload).map_err(|_| Status::Misaligned)?;
    let network = Network::new(Weights::new(shape, numbers)?, Backend::detect());
    let outputs = network.outputs(image, bytemuck::cast_slice_mut(scratch))?;
    if !outputs.iter().all(|output| output.is_finite()) {
        return Err(Status::NotFinite);
    }
    let Answer { class, margin } = Answer::of(outputs);
    Ok(Outcome { outputs: bytemuck::cast_slice(outputs), class: class.into(), margin: margin.to_bits() })
}

/// The integer network of an open model, of which all but the checksum is checked.
///
/// # Safety
/// As that of [`Runner`].
#[inline(never)] // once, for opening and asking; its stack is not there while the network is used
unsafe fn network<const ANY: bool>(model: &Model) -> Result<QuantizedNetwork<'_, ANY>, Status> {
    let bits = if model.bits == 4 { Bits::Four } else { Bits::Eight };
    // SAFETY: the caller's promise.
    let (shape, payload) = unsafe { fields::<ANY>(model) }?;
    QuantizedNetwork::checked(shape, bits, payload).map_err(|error| ModelError::Payload(error).into())
}

/// Shape and payload of an open model. They are checked again, which costs a hundred instructions, but not the checksum.
///
/// # Safety
/// As that of [`Runner`].
unsafe fn fields<const ANY: bool>(model: &Model) -> Result<(Shape, &[u8]), Status> {
    let size = |size| usize::try_from(size).unwrap_or(usize::MAX);
    let mut shape = Shape::new(size(model.inputs), size(model.hidden), size(model.outputs))?;
    if model.biases != 0 {
        shape = shape.with_biases();
    }
    if model.width != 0 {
        if !ANY {
            return Err(Status::Kind);
        }
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        let flags = flag(model.halves != 0, Shape::HALVES) | flag(model.deslants != 0, Shape::DESLANTS);
        shape = shape.with_images([model.width, model.height], flags)?;
    }
    // SAFETY: the caller's promise.
    let payload = unsafe { slice(model.payload, model.payload_len) };
    Ok((shape, payload.ok_or(Status::Null)?))
}

/// What a status means.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[must_use]
pub extern "C" fn twolayer_status_text(status: i32) -> *const c_char {
    text(status).as_ptr()
}

fn text(status: i32) -> &'static CStr {
    match status {
        0 => c"no error",
        1 => c"a pointer is null or not aligned",
        2 => c"not a model file",
        3 => c"the header's version, kind or sizes are not known to this program",
        4 => c"the model file is too short or too long",
        5 => c"the model file is corrupted: a checksum does not agree",
        6 => c"the weights are not as their format says",
        7 => c"the model file does not start at a multiple of 4",
        8 => c"the image has the wrong number of pixels",
        9 => c"the scratch is too small",
        10 => c"the outputs are not as many as the network has",
        11 => {
            c"the network is of another kind: plain integers, any integers and f32 are opened by functions of their own"
        }
        12 => c"the picture's sides, its stride or its number of bytes do not fit, or the ink is none of the three",
        13 => c"the picture is blank",
        14 => c"the picture shows no digit: it is noise, a texture, full of ink, full of blobs, or has a speck only",
        15 => c"the outputs are not finite numbers: the weights are too large",
        16 => c"the model has no table of confidence",
        _ => c"an unknown status",
    }
}

/// Writes a result, unless the pointer cannot be written through.
///
/// # Safety
/// `to` is null or may be written.
unsafe fn write<T>(to: *mut T, value: T) -> Status {
    if !usable(to, 1) {
        return Status::Null;
    }
    // SAFETY: not null, aligned, and the caller lets us write.
    unsafe { to.write(value) };
    Status::Ok
}

/// `None` for a pointer that cannot be a slice's.
///
/// # Safety
/// `start` is null or points to `len` values that nobody writes to during `'a`.
unsafe fn slice<'a, T>(start: *const T, len: usize) -> Option<&'a [T]> {
    // SAFETY: checked, and promised.
    usable(start, len).then(|| unsafe { slice::from_raw_parts(start, len) })
}

/// As [`slice`], to write to.
///
/// # Safety
/// `start` is null or points to `len` values that nobody else uses during `'a`.
unsafe fn slice_mut<'a, T>(start: *mut T, len: usize) -> Option<&'a mut [T]> {
    // SAFETY: checked, and promised.
    usable(start, len).then(|| unsafe { slice::from_raw_parts_mut(start, len) })
}

/// Can there be `len` values at `start`?
fn usable<T>(start: *const T, len: usize) -> bool {
    !start.is_null() && start.is_aligned() && len <= isize::MAX.cast_unsigned() / size_of::<T>()
}

/// Code without panics never gets here; a library for a bare machine must have it.
#[cfg(all(feature = "staticlib", target_os = "none"))] // elsewhere, std has one
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
