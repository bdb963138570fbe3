//! The C interface of `include/twolayer.h`, which documents it. No state, no allocation, no panic.
//!
//! The functions for plain integer networks, all integer networks, f32 networks and pictures do not call each other, so that
//! firmware links only those that it uses.
//!
//! Unit tests are linked with the library as well, so their functions have no names of C.
//!
//! A static library for a microcontroller: feature `staticlib`, which adds the panic handler that such a library must bring. On
//! a machine with an operating system the same feature takes std's.

#![allow(unsafe_code, reason = "pointers from C")]

mod picture;

use core::ffi::{CStr, c_char};
use core::slice;

use crate::int::{Bits, PayloadError, QuantizedNetwork};
use crate::model::{HeaderError, Kind, Model as File, ModelError};
use crate::net::{Network, Shape, SizeError, Weights};
use crate::simd::Backend;

pub use picture::twolayer_normalize;

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
    pub biases: u32,
    /// Columns of an image that is halved, or 0.
    pub halved_width: u16,
    /// Its rows, or 0.
    pub halved_height: u16,
    /// Words of scratch, 32 bits each.
    pub scratch_words: usize,
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
            ModelError::Payload(error) => error.into(),
        }
    }
}

impl From<PayloadError> for Status {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Length { .. } => Self::Length,
            PayloadError::Misaligned { .. } => Self::Misaligned,
            PayloadError::Size(error) => error.into(),
            PayloadError::NotPlain => Self::Kind,
            PayloadError::Shift { .. } | PayloadError::Bias { .. } | PayloadError::Prologue => Self::Payload,
        }
    }
}

impl From<SizeError> for Status {
    fn from(error: SizeError) -> Self {
        match error {
            SizeError::Halves { .. }
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

/// Opens a plain model file of integer weights: without biases, and not for halved images.
///
/// # Safety
/// `model` is null or may be written; `bytes` is null or points to `len` bytes that stay unchanged while the model is used.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_open(model: *mut Model, bytes: *const u8, len: usize) -> Status {
    // SAFETY: the caller's promise.
    unsafe { open(model, bytes, len, describe::<false>) }
}

/// Opens a plain model file of integer weights without its payload's checksum, which [`twolayer_verify`] makes up for.
///
/// # Safety
/// As that of [`twolayer_open`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_open_unchecked(model: *mut Model, bytes: *const u8, len: usize) -> Status {
    // SAFETY: the caller's promise.
    unsafe { open_unverified(model, bytes, len, describe::<false>) }
}

/// Checks a model file of any kind, all but the weights' format: its header, its length and its checksums.
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
    match File::from_bytes(bytes) {
        Ok(_) => Status::Ok,
        Err(error) => error.into(),
    }
}

/// Opens any model file of integer weights.
///
/// # Safety
/// As that of [`twolayer_open`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_any_open(model: *mut Model, bytes: *const u8, len: usize) -> Status {
    // SAFETY: the caller's promise.
    unsafe { open(model, bytes, len, describe::<true>) }
}

/// Opens any model file of integer weights without its payload's checksum, which [`twolayer_verify`] makes up for.
///
/// # Safety
/// As that of [`twolayer_open`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_any_open_unchecked(model: *mut Model, bytes: *const u8, len: usize) -> Status {
    // SAFETY: the caller's promise.
    unsafe { open_unverified(model, bytes, len, describe::<true>) }
}

/// Opens a model file of f32 weights.
///
/// # Safety
/// As that of [`twolayer_open`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_f32_open(model: *mut Model, bytes: *const u8, len: usize) -> Status {
    // SAFETY: the caller's promise.
    unsafe { open(model, bytes, len, describe_f32) }
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
    describe: impl Fn(File<'_>) -> Result<Model, Status>,
) -> Status {
    let verified = |file: File<'_>| {
        file.verify()?;
        describe(file)
    };
    // SAFETY: the caller's promise.
    unsafe { open_unverified(model, bytes, len, verified) }
}

/// As [`open`], without the payload's checksum.
///
/// # Safety
/// As that of [`twolayer_open`].
#[inline(always)] // an image has one of them
unsafe fn open_unverified(
    model: *mut Model,
    bytes: *const u8,
    len: usize,
    describe: impl Fn(File<'_>) -> Result<Model, Status>,
) -> Status {
    // SAFETY: the caller's promise.
    let Some(bytes) = (unsafe { slice(bytes, len) }) else {
        return Status::Null;
    };
    match File::from_bytes_unverified(bytes).map_err(Status::from).and_then(describe) {
        // SAFETY: the caller's promise.
        Ok(open) => unsafe { write(model, open) },
        Err(status) => status,
    }
}

/// A model of integer weights, which are checked as they are whenever they are used.
fn describe<const ANY: bool>(file: File<'_>) -> Result<Model, Status> {
    let bits = match file.kind() {
        Kind::Quantized(Bits::Eight) => 8,
        Kind::Quantized(Bits::Four) => 4,
        Kind::F32 => return Err(Status::Kind),
    };
    let model = fields_of(file, bits, QuantizedNetwork::scratch_len(file.shape()));
    // SAFETY: the model describes the file, whose bytes are there.
    unsafe { network::<ANY>(&raw const model) }.map(|_| model)
}

/// A model of f32 weights, which are checked.
fn describe_f32(file: File<'_>) -> Result<Model, Status> {
    let shape = file.weights()?.shape();
    Ok(fields_of(file, 32, Network::scratch_len(shape)))
}

fn fields_of(file: File<'_>, bits: u32, scratch_words: usize) -> Model {
    let shape = file.shape();
    let [halved_width, halved_height] = shape.halved_image().unwrap_or_default();
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
        halved_width,
        halved_height,
        scratch_words,
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
    unsafe { classify::<false>(model, pixels, pixels_len, scratch, scratch_words, label) }
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
    unsafe { classify_margin::<false>(model, pixels, pixels_len, scratch, scratch_words, label, margin) }
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
    outputs: *mut i32,
    outputs_len: usize,
) -> Status {
    // SAFETY: the caller's promise.
    unsafe { outputs_of::<false>(model, pixels, pixels_len, scratch, scratch_words, outputs, outputs_len) }
}

/// Writes the class of an image, by any network of integers.
///
/// # Safety
/// As that of [`twolayer_classify`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_any_classify(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    label: *mut u32,
) -> Status {
    // SAFETY: the caller's promise.
    unsafe { classify::<true>(model, pixels, pixels_len, scratch, scratch_words, label) }
}

/// Writes the class of an image, and its margin, by any network of integers.
///
/// # Safety
/// As that of [`twolayer_classify`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_any_classify_margin(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    label: *mut u32,
    margin: *mut u32,
) -> Status {
    // SAFETY: the caller's promise.
    unsafe { classify_margin::<true>(model, pixels, pixels_len, scratch, scratch_words, label, margin) }
}

/// Writes the outputs of an image, by any network of integers.
///
/// # Safety
/// As that of [`twolayer_classify`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_any_outputs(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    outputs: *mut i32,
    outputs_len: usize,
) -> Status {
    // SAFETY: the caller's promise.
    unsafe { outputs_of::<true>(model, pixels, pixels_len, scratch, scratch_words, outputs, outputs_len) }
}

/// # Safety
/// As that of [`twolayer_classify`].
#[inline(always)] // no stack of its own
unsafe fn classify<const ANY: bool>(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    label: *mut u32,
) -> Status {
    let answer = |network: &QuantizedNetwork<'_, ANY>, image: &[u8], scratch: &mut [u32]| {
        let class = network.classify(image, scratch)?;
        // SAFETY: the caller's promise.
        Ok(unsafe { write(label, class.into()) })
    };
    // SAFETY: the caller's promise.
    unsafe { with_network(model, pixels, pixels_len, scratch, scratch_words, answer) }
}

/// # Safety
/// As that of [`twolayer_classify`].
#[inline(always)] // no stack of its own
unsafe fn classify_margin<const ANY: bool>(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    label: *mut u32,
    margin: *mut u32,
) -> Status {
    let answer = |network: &QuantizedNetwork<'_, ANY>, image: &[u8], scratch: &mut [u32]| {
        let answer = network.classify_with_margin(image, scratch)?;
        // SAFETY: the caller's promise.
        Ok(unsafe { write_both(label, margin, answer) })
    };
    // SAFETY: the caller's promise.
    unsafe { with_network(model, pixels, pixels_len, scratch, scratch_words, answer) }
}

/// # Safety
/// As that of [`twolayer_classify`].
#[inline(always)] // no stack of its own
unsafe fn outputs_of<const ANY: bool>(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    outputs: *mut i32,
    outputs_len: usize,
) -> Status {
    // SAFETY: the caller's promise.
    let Some(outputs) = (unsafe { slice_mut(outputs, outputs_len) }) else {
        return Status::Null;
    };
    let answer = |network: &QuantizedNetwork<'_, ANY>, image: &[u8], scratch: &mut [u32]| {
        network.outputs(image, scratch, outputs)?;
        Ok(Status::Ok)
    };
    // SAFETY: the caller's promise.
    unsafe { with_network(model, pixels, pixels_len, scratch, scratch_words, answer) }
}

/// Calls `answer` with the network of an open model, an image and scratch.
///
/// # Safety
/// As that of [`twolayer_classify`].
#[inline(always)] // no stack of its own
unsafe fn with_network<const ANY: bool>(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    answer: impl FnOnce(&QuantizedNetwork<'_, ANY>, &[u8], &mut [u32]) -> Result<Status, SizeError>,
) -> Status {
    // SAFETY: the caller's promise.
    let (Some(image), Some(scratch)) = (unsafe { (slice(pixels, pixels_len), slice_mut(scratch, scratch_words)) })
    else {
        return Status::Null;
    };
    // SAFETY: the caller's promise.
    let network = unsafe { network::<ANY>(model) };
    // By reference: a copy would be on the stack as well.
    match &network {
        Ok(network) => answer(network, image, scratch).unwrap_or_else(Status::from),
        Err(status) => *status,
    }
}

/// Writes the class of an image, by an f32 network.
///
/// # Safety
/// As that of [`twolayer_classify`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_f32_classify(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut f32,
    scratch_words: usize,
    label: *mut u32,
) -> Status {
    // SAFETY: the caller's promise.
    let given = unsafe { (network_f32(model), slice(pixels, pixels_len), slice_mut(scratch, scratch_words)) };
    let (network, image, scratch) = match given {
        (Ok(network), Some(image), Some(scratch)) => (network, image, scratch),
        (Err(status), ..) => return status,
        _ => return Status::Null,
    };
    match network.classify(image, scratch) {
        // SAFETY: the caller's promise.
        Ok(class) => unsafe { write(label, class.into()) },
        Err(error) => error.into(),
    }
}

/// Writes the class of an image, and its margin, by an f32 network.
///
/// # Safety
/// As that of [`twolayer_classify`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_f32_classify_margin(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut f32,
    scratch_words: usize,
    label: *mut u32,
    margin: *mut f32,
) -> Status {
    // SAFETY: the caller's promise.
    let given = unsafe { (network_f32(model), slice(pixels, pixels_len), slice_mut(scratch, scratch_words)) };
    let (network, image, scratch) = match given {
        (Ok(network), Some(image), Some(scratch)) => (network, image, scratch),
        (Err(status), ..) => return status,
        _ => return Status::Null,
    };
    match network.classify_with_margin(image, scratch) {
        // SAFETY: the caller's promise.
        Ok(answer) => unsafe { write_both(label, margin, answer) },
        Err(error) => error.into(),
    }
}

/// Writes the outputs of an image, by an f32 network.
///
/// # Safety
/// As that of [`twolayer_classify`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn twolayer_f32_outputs(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut f32,
    scratch_words: usize,
    outputs: *mut f32,
    outputs_len: usize,
) -> Status {
    // SAFETY: the caller's promise.
    let buffers =
        unsafe { (slice(pixels, pixels_len), slice_mut(scratch, scratch_words), slice_mut(outputs, outputs_len)) };
    let (Some(image), Some(scratch), Some(outputs)) = buffers else {
        return Status::Null;
    };
    // SAFETY: the caller's promise.
    let outputs = unsafe { network_f32(model) }.and_then(|network| Ok(network.outputs(image, scratch, outputs)?));
    outputs.err().unwrap_or(Status::Ok)
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
        11 => c"the network is of another kind: plain integers, any integers, and f32 have functions of their own",
        12 => c"the picture's sides, its stride or its number of bytes do not fit, or the ink is none of the three",
        13 => c"the picture is blank",
        14 => c"the picture shows no digit: it is noise, a texture, full of ink, full of blobs, or has a speck only",
        _ => c"an unknown status",
    }
}

/// The network of an open model. Checks its fields again, which costs a hundred instructions, not its checksum.
///
/// # Safety
/// `model` is null or was opened, and its bytes are still there.
#[inline(never)] // so that its stack is not there while the network is used
unsafe fn network<'a, const ANY: bool>(model: *const Model) -> Result<QuantizedNetwork<'a, ANY>, Status> {
    // SAFETY: the caller's promise.
    let (bits, shape, payload) = unsafe { fields(model) }?;
    let bits = match bits {
        8 => Bits::Eight,
        4 => Bits::Four,
        _ => return Err(Status::Kind),
    };
    QuantizedNetwork::checked(shape, bits, payload.ok_or(Status::Null)?).map_err(Status::from)
}

/// The network of an open f32 model.
///
/// # Safety
/// As that of [`network`].
unsafe fn network_f32<'a>(model: *const Model) -> Result<Network<'a>, Status> {
    // SAFETY: the caller's promise.
    let (bits, shape, payload) = unsafe { fields(model) }?;
    if bits != 32 {
        return Err(Status::Kind);
    }
    let numbers = bytemuck::try_cast_slice(payload.ok_or(Status::Null)?).map_err(|_| Status::Misaligned)?;
    Ok(Network::new(Weights::new(shape, numbers)?, Backend::detect()))
}

/// Bits of a weight, shape and payload of an open model.
///
/// # Safety
/// As that of [`network`].
unsafe fn fields<'a>(model: *const Model) -> Result<(u32, Shape, Option<&'a [u8]>), Status> {
    // SAFETY: the caller's promise.
    let model = unsafe { slice(model, 1) }.and_then(<[_]>::first).ok_or(Status::Null)?;
    let size = |size| usize::try_from(size).unwrap_or(usize::MAX);
    let mut shape = Shape::new(size(model.inputs), size(model.hidden), size(model.outputs))?;
    if model.biases != 0 {
        shape = shape.with_biases();
    }
    if model.halved_width != 0 {
        shape = shape.with_halved_images([model.halved_width, model.halved_height])?;
    }
    // SAFETY: the caller's promise.
    Ok((model.bits, shape, unsafe { slice(model.payload, model.payload_len) }))
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

/// Writes a class and its margin, unless a pointer cannot be written through.
///
/// # Safety
/// Both pointers are null or may be written.
unsafe fn write_both<T>(label: *mut u32, margin: *mut T, (class, distance): (u8, T)) -> Status {
    if !usable(margin, 1) {
        return Status::Null;
    }
    // SAFETY: the caller's promise.
    match unsafe { write(label, class.into()) } {
        // SAFETY: the caller's promise.
        Status::Ok => unsafe { write(margin, distance) },
        status => status,
    }
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
