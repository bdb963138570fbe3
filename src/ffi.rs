//! The C interface of `include/twolayer.h`, which documents it. No state, no allocation, no panic.
//!
//! The functions for integer networks and those for f32 networks do not call each other, so that an image carries only what
//! it uses.
//!
//! A static library for a microcontroller: feature `staticlib`, which adds the panic handler that such a library must bring.

#![allow(unsafe_code, reason = "pointers from C")]

use core::ffi::{CStr, c_char};
use core::slice;

use crate::int8::{Bits, BufferError, PayloadError, QuantizedNetwork};
use crate::model::{Model as File, ModelError};
use crate::{Backend, Network, NetworkError, Shape};

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
    pub inputs: u32,
    /// Hidden units.
    pub hidden: u32,
    /// Outputs.
    pub outputs: u32,
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
}

impl From<ModelError> for Status {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Magic { .. } => Self::Magic,
            ModelError::Header { .. } | ModelError::Length { .. } => Self::Length,
            ModelError::HeaderChecksum { .. } | ModelError::PayloadChecksum { .. } => Self::Checksum,
            ModelError::Payload(PayloadError::Misaligned) | ModelError::Misaligned { .. } => Self::Misaligned,
            ModelError::Payload(_)
            | ModelError::NotFinite { .. }
            | ModelError::Filler { .. }
            | ModelError::Network(_) => Self::Payload,
            ModelError::WrongKind { .. } => Self::Kind,
            _ => Self::Header,
        }
    }
}

impl From<BufferError> for Status {
    fn from(error: BufferError) -> Self {
        match error {
            BufferError::Pixels { .. } => Self::Pixels,
            BufferError::Scratch { .. } => Self::Scratch,
            BufferError::Outputs { .. } => Self::Outputs,
        }
    }
}

impl From<NetworkError> for Status {
    fn from(error: NetworkError) -> Self {
        match error {
            NetworkError::Weights { .. } => Self::Payload,
            NetworkError::Images { .. } => Self::Pixels,
            NetworkError::Scratch { .. } | NetworkError::Memory { .. } => Self::Scratch,
            NetworkError::Outputs { .. } => Self::Outputs,
        }
    }
}

/// Opens a model file of integer weights.
///
/// # Safety
/// `model` is null or may be written; `bytes` is null or points to `len` bytes that stay unchanged while the model is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twolayer_open(model: *mut Model, bytes: *const u8, len: usize) -> Status {
    // SAFETY: the caller's promise.
    let Some(bytes) = (unsafe { slice(bytes, len) }) else {
        return Status::Null;
    };
    let opened = File::from_bytes(bytes).and_then(|file| Ok((file.payload(), file.quantized()?)));
    let (payload, network) = match opened {
        Ok(opened) => opened,
        Err(error) => return error.into(),
    };
    let bits = match network.bits() {
        Bits::Eight => 8,
        Bits::Four => 4,
    };
    // SAFETY: the caller's promise.
    unsafe { describe(model, payload, bits, network.shape(), network.scratch_len()) }
}

/// Opens a model file of f32 weights.
///
/// # Safety
/// As that of [`twolayer_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twolayer_f32_open(model: *mut Model, bytes: *const u8, len: usize) -> Status {
    // SAFETY: the caller's promise.
    let Some(bytes) = (unsafe { slice(bytes, len) }) else {
        return Status::Null;
    };
    let opened = File::from_bytes(bytes).and_then(|file| file.weights().map(|_| file));
    let file = match opened {
        Ok(file) => file,
        Err(error) => return error.into(),
    };
    let shape = file.shape();
    // SAFETY: the caller's promise.
    unsafe { describe(model, file.payload(), 32, shape, Network::scratch_len(shape, 1)) }
}

/// Writes what an open model is.
///
/// # Safety
/// `model` is null or may be written.
unsafe fn describe(model: *mut Model, payload: &[u8], bits: u32, shape: Shape, scratch_words: usize) -> Status {
    let width = |width| u32::try_from(width).unwrap_or(u32::MAX);
    let open = Model {
        payload: payload.as_ptr(),
        payload_len: payload.len(),
        bits,
        inputs: width(shape.inputs()),
        hidden: width(shape.hidden()),
        outputs: width(shape.outputs()),
        scratch_words,
    };
    // SAFETY: the caller's promise.
    unsafe { write(model, open) }
}

/// Writes the class of an image.
///
/// # Safety
/// Every pointer is null or points to as much as its length says; `model` was opened; nothing overlaps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twolayer_classify(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut u32,
    scratch_words: usize,
    label: *mut u32,
) -> Status {
    // SAFETY: the caller's promise.
    let (Some(pixels), Some(scratch)) = (unsafe { (slice(pixels, pixels_len), slice_mut(scratch, scratch_words)) })
    else {
        return Status::Null;
    };
    // SAFETY: the caller's promise.
    let network = unsafe { network(model) };
    // By reference: a copy would be on the stack as well.
    let network = match &network {
        Ok(network) => network,
        Err(status) => return *status,
    };
    match network.classify(pixels, scratch) {
        // SAFETY: the caller's promise.
        Ok(class) => unsafe { write(label, u32::try_from(class).unwrap_or(u32::MAX)) },
        Err(error) => error.into(),
    }
}

/// Writes the outputs of an image.
///
/// # Safety
/// Every pointer is null or points to as much as its length says; `model` was opened; nothing overlaps.
#[unsafe(no_mangle)]
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
    let buffers =
        unsafe { (slice(pixels, pixels_len), slice_mut(scratch, scratch_words), slice_mut(outputs, outputs_len)) };
    let (Some(pixels), Some(scratch), Some(outputs)) = buffers else {
        return Status::Null;
    };
    // SAFETY: the caller's promise.
    let network = unsafe { network(model) };
    // By reference: a copy would be on the stack as well.
    let network = match &network {
        Ok(network) => network,
        Err(status) => return *status,
    };
    match network.outputs(pixels, scratch, outputs) {
        Ok(()) => Status::Ok,
        Err(error) => error.into(),
    }
}

/// Writes the class of an image, by an f32 network.
///
/// # Safety
/// Every pointer is null or points to as much as its length says; `model` was opened; nothing overlaps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twolayer_f32_classify(
    model: *const Model,
    pixels: *const u8,
    pixels_len: usize,
    scratch: *mut f32,
    scratch_words: usize,
    label: *mut u32,
) -> Status {
    // SAFETY: the caller's promise.
    let (network, pixels, scratch) =
        match unsafe { (network_f32(model), slice(pixels, pixels_len), slice_mut(scratch, scratch_words)) } {
            (Ok(network), Some(pixels), Some(scratch)) => (network, pixels, scratch),
            (Err(status), ..) => return status,
            _ => return Status::Null,
        };
    if pixels_len != network.shape().inputs() {
        return Status::Pixels;
    }
    let mut class = [0];
    match network.classify(pixels, scratch, &mut class) {
        // SAFETY: the caller's promise.
        Ok(()) => unsafe { write(label, u32::from(class[0])) },
        Err(error) => error.into(),
    }
}

/// Writes the outputs of an image, by an f32 network.
///
/// # Safety
/// Every pointer is null or points to as much as its length says; `model` was opened; nothing overlaps.
#[unsafe(no_mangle)]
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
    let (Some(pixels), Some(scratch), Some(outputs)) = buffers else {
        return Status::Null;
    };
    // SAFETY: the caller's promise.
    let network = match unsafe { network_f32(model) } {
        Ok(network) => network,
        Err(status) => return status,
    };
    if pixels_len != network.shape().inputs() {
        return Status::Pixels;
    }
    match network.outputs(pixels, scratch, outputs) {
        Ok(()) => Status::Ok,
        Err(error) => error.into(),
    }
}

/// What a status means.
#[unsafe(no_mangle)]
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
        11 => c"the weights are of the other kind: integers and f32 have functions of their own",
        _ => c"an unknown status",
    }
}

/// The network of an open model. Checks its fields again, which costs a hundred instructions, not its checksum.
///
/// # Safety
/// `model` is null or was opened, and its bytes are still there.
#[inline(never)] // so that its stack is not there while the network is used
unsafe fn network<'a>(model: *const Model) -> Result<QuantizedNetwork<'a>, Status> {
    // SAFETY: the caller's promise.
    let (model, shape) = unsafe { fields(model) }?;
    let bits = match model.bits {
        8 => Bits::Eight,
        4 => Bits::Four,
        _ => return Err(Status::Kind),
    };
    // SAFETY: the caller's promise.
    let payload = unsafe { slice(model.payload, model.payload_len) }.ok_or(Status::Null)?;
    QuantizedNetwork::new(shape, bits, payload).map_err(|error| ModelError::Payload(error).into())
}

/// The network of an open f32 model.
///
/// # Safety
/// `model` is null or was opened, and its bytes are still there.
unsafe fn network_f32<'a>(model: *const Model) -> Result<Network<'a>, Status> {
    // SAFETY: the caller's promise.
    let (model, shape) = unsafe { fields(model) }?;
    if model.bits != 32 {
        return Err(Status::Kind);
    }
    // SAFETY: the caller's promise.
    let payload = unsafe { slice(model.payload, model.payload_len) }.ok_or(Status::Null)?;
    let weights = bytemuck::try_cast_slice(payload).map_err(|_| Status::Misaligned)?;
    Ok(Network::new(shape, weights, Backend::detect())?)
}

/// An open model's fields, and the shape they give.
///
/// # Safety
/// `model` is null or was opened.
unsafe fn fields<'a>(model: *const Model) -> Result<(&'a Model, Shape), Status> {
    if !model.is_aligned() {
        return Err(Status::Null);
    }
    // SAFETY: aligned; the caller's promise.
    let model = unsafe { model.as_ref() }.ok_or(Status::Null)?;
    let width = |width| usize::try_from(width).unwrap_or(usize::MAX);
    let shape =
        Shape::new(width(model.inputs), width(model.hidden), width(model.outputs)).map_err(|_| Status::Header)?;
    Ok((model, shape))
}

/// Writes a result, unless the pointer cannot be written through.
///
/// # Safety
/// `to` is null or may be written.
unsafe fn write<T>(to: *mut T, value: T) -> Status {
    if to.is_null() || !to.is_aligned() {
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
    if start.is_null() || !start.is_aligned() || len > isize::MAX.cast_unsigned() / size_of::<T>() {
        return None;
    }
    // SAFETY: checked, and promised.
    Some(unsafe { slice::from_raw_parts(start, len) })
}

/// As [`slice`], to write to.
///
/// # Safety
/// `start` is null or points to `len` values that nobody else uses during `'a`.
unsafe fn slice_mut<'a, T>(start: *mut T, len: usize) -> Option<&'a mut [T]> {
    if start.is_null() || !start.is_aligned() || len > isize::MAX.cast_unsigned() / size_of::<T>() {
        return None;
    }
    // SAFETY: checked, and promised.
    Some(unsafe { slice::from_raw_parts_mut(start, len) })
}

/// Code without panics never gets here; a library for a bare machine must have it.
#[cfg(all(feature = "staticlib", target_os = "none"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
