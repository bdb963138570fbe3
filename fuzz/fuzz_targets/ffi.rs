//! The C interface: any model file at any address, images at any address, buffers as long as they must be or one short, null
//! and misaligned pointers. Every call gives the status and the answers that Rust gives, and writes nothing on an error.
//!
//! All memory is exactly as long as the lengths say, so that the sanitizer sees what is read or written beyond it.

#![no_main]

use core::ptr;
use libfuzzer_sys::fuzz_target;
use twolayer::ffi::*;
use twolayer::picture::{Ink, Picture};
use twolayer::{Backend, Model as File, ModelError};
use twolayer_fuzz::{Draw, damage, model, seal};

fuzz_target!(|bytes: &[u8]| {
    let Some(mut draw) = Draw::new(bytes) else { return };
    if draw.one_in(4) { picture(&mut draw) } else { network(&mut draw) }
});

/// Bytes that end where their allocation does, some bytes behind its start.
struct Exact {
    memory: Vec<u8>,
    offset: usize,
}

impl Exact {
    fn new(offset: usize, bytes: &[u8]) -> Self {
        Self { memory: [&vec![0; offset], bytes].concat(), offset }
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[self.offset..]
    }
}

const POISON: Model = Model {
    payload: ptr::dangling(),
    payload_len: 1,
    bits: 2,
    pixels: 3,
    inputs: 4,
    hidden: 5,
    outputs: 6,
    biases: 7,
    halved_width: 8,
    halved_height: 9,
    scratch_words: 10,
};

type Open = unsafe extern "C" fn(*mut Model, *const u8, usize) -> Status;
type Classify<S> = unsafe extern "C" fn(*const Model, *const u8, usize, *mut S, usize, *mut u32) -> Status;
type Margin<S, M> = unsafe extern "C" fn(*const Model, *const u8, usize, *mut S, usize, *mut u32, *mut M) -> Status;
type Outputs<S, Y> = unsafe extern "C" fn(*const Model, *const u8, usize, *mut S, usize, *mut Y, usize) -> Status;
type Functions<S, M, Y> = (Classify<S>, Margin<S, M>, Outputs<S, Y>);

/// What Rust answers: class, margin, outputs.
type Answer<M, Y> = (u8, M, Vec<Y>);

const PLAIN: Functions<u32, u32, i32> = (twolayer_classify, twolayer_classify_margin, twolayer_outputs);
const ANY: Functions<u32, u32, i32> = (twolayer_any_classify, twolayer_any_classify_margin, twolayer_any_outputs);
const FLOATS: Functions<f32, f32, f32> = (twolayer_f32_classify, twolayer_f32_classify_margin, twolayer_f32_outputs);

fn network(draw: &mut Draw) {
    let mut file = model(draw);
    if draw.one_in(3) {
        damage(draw, &mut file);
        if !draw.one_in(8) {
            seal(&mut file);
        }
    }
    let file = Exact::new(if draw.one_in(8) { draw.below(4) } else { 0 }, &file);
    let bytes = file.bytes();
    let (whole, header) = (File::from_bytes(bytes), File::from_bytes_unverified(bytes));
    // SAFETY: bytes with their length.
    assert_eq!(unsafe { twolayer_verify(bytes.as_ptr(), bytes.len()) }, status(whole.map(|_| ())));

    let plain = |file: File<'_>| file.quantized().map(|_| ());
    let any = |file: File<'_>| file.quantized_any().map(|_| ());
    let opened = [
        (open(twolayer_open, bytes, whole.and_then(plain)), true),
        (open(twolayer_any_open, bytes, whole.and_then(any)), false),
        (open(twolayer_open_unchecked, bytes, header.and_then(plain)), true),
        (open(twolayer_any_open_unchecked, bytes, header.and_then(any)), false),
    ];
    for (model, is_plain) in opened.into_iter().filter_map(|(model, plain)| Some((model?, plain))) {
        let network = header.and_then(|file| file.quantized_any()).expect("an open network");
        assert_eq!(model.pixels as usize, network.shape().pixels());
        let image = Exact::new(draw.below(4), &image(draw, model.pixels as usize));
        let mut scratch = vec![7; model.scratch_words];
        let (class, margin) = network.classify_with_margin(image.bytes(), &mut scratch).expect("a class");
        let mut outputs = vec![0; network.shape().outputs()];
        network.outputs(image.bytes(), &mut scratch, &mut outputs).expect("outputs");
        let answer = (class, margin, outputs);
        check(draw, ANY, &model, &image, Ok(&answer));
        let same = if is_plain { Ok(&answer) } else { plain_answer(header, &answer) };
        check(draw, PLAIN, &model, &image, same);
        check(draw, FLOATS, &model, &image, Err(Status::Kind));
    }
    if let Some(model) = open(twolayer_f32_open, bytes, whole.and_then(|file| file.weights().map(|_| ()))) {
        let network = whole.and_then(|file| file.network(Backend::detect())).expect("an open network");
        let image = Exact::new(draw.below(4), &image(draw, model.pixels as usize));
        let mut scratch = vec![f32::NAN; model.scratch_words];
        let (class, margin) = network.classify_with_margin(image.bytes(), &mut scratch).expect("a class");
        let mut outputs = vec![0.0; network.shape().outputs()];
        network.outputs(image.bytes(), &mut scratch, &mut outputs).expect("outputs");
        check(draw, FLOATS, &model, &image, Ok(&(class, margin, outputs)));
        check(draw, PLAIN, &model, &image, Err(Status::Kind));
        check(draw, ANY, &model, &image, Err(Status::Kind));
    }
}

fn status<E: Into<Status>>(result: Result<(), E>) -> Status {
    result.err().map_or(Status::Ok, Into::into)
}

/// The answer of the functions for plain networks, if it is one.
fn plain_answer<'a, A>(file: Result<File<'_>, ModelError>, answer: &'a A) -> Result<&'a A, Status> {
    match file.and_then(|file| file.quantized().map(|_| ())) {
        Ok(()) => Ok(answer),
        Err(error) => Err(error.into()),
    }
}

/// Any image, of which many pixels are blank.
fn image(draw: &mut Draw, pixels: usize) -> Vec<u8> {
    (0..pixels).map(|_| Some(draw.byte()).filter(|pixel| pixel % 4 != 0).unwrap_or(0)).collect()
}

/// Opens a file and compares the status, and what is written.
fn open(open: Open, bytes: &[u8], expected: Result<(), ModelError>) -> Option<Model> {
    let mut model = POISON;
    // SAFETY: a local variable, and bytes with their length.
    let found = unsafe { open(&raw mut model, bytes.as_ptr(), bytes.len()) };
    assert_eq!(found, status(expected));
    if found != Status::Ok {
        assert_eq!(format!("{model:?}"), format!("{POISON:?}"));
        return None;
    }
    assert!(bytes.as_ptr_range().contains(&model.payload));
    Some(model)
}

/// Calls three functions, with one fault or none.
fn check<S: Copy + Default, M: Bits, Y: Bits>(
    draw: &mut Draw,
    (classify, margin, outputs): Functions<S, M, Y>,
    model: &Model,
    image: &Exact,
    expected: Result<&Answer<M, Y>, Status>,
) {
    let fault = if expected.is_ok() { draw.below(24) } else { usize::MAX };
    // A longer image is there to its end, and a shorter scratch is no longer.
    let image = match fault {
        0 => Exact::new(image.offset, &[image.bytes(), &[1]].concat()),
        1 => Exact::new(image.offset, &image.bytes()[1..]),
        _ => Exact::new(image.offset, image.bytes()),
    };
    let words = model.scratch_words - usize::from(fault == 2) + if fault == 3 { draw.below(9) } else { 0 };
    let results = (model.outputs as usize).wrapping_add_signed(isize::from(fault == 4) - isize::from(fault == 5));
    let (mut scratch, mut y) = (vec![S::default(); words], vec![Y::NONE; results]);
    let (mut label, mut other, mut distance) = (!0, !0, M::NONE);

    let m = spoil(fault, 6, &raw const *model);
    let (p, n) = (if fault == 8 { ptr::null() } else { image.bytes().as_ptr() }, image.bytes().len());
    let n = if fault == 9 { usize::MAX - draw.below(9) } else { n };
    let s = spoil(fault, 10, scratch.as_mut_ptr()).cast_mut();
    let words = if fault == 12 { usize::MAX / 4 + draw.below(9) } else { words };
    let l = spoil(fault, 13, &raw mut label).cast_mut();
    let d = spoil(fault, 15, &raw mut distance).cast_mut();
    let to = spoil(fault, 17, y.as_mut_ptr()).cast_mut();
    // SAFETY: every pointer is null, not aligned, or as long as its length says, unless that is beyond all memory.
    let found = unsafe {
        [
            classify(m, p, n, s, words, l),
            margin(m, p, n, s, words, &raw mut other, d),
            outputs(m, p, n, s, words, to, results),
        ]
    };

    let all = |status| [status; 3];
    let statuses = match (fault, expected) {
        (_, Err(status)) => all(status),
        (0 | 1, _) => all(Status::Pixels),
        (2, _) => all(Status::Scratch),
        (4 | 5, _) => [Status::Ok, Status::Ok, Status::Outputs],
        (6..13, _) => all(Status::Null),
        (13 | 14, _) => [Status::Null, Status::Ok, Status::Ok],
        (15 | 16, _) => [Status::Ok, Status::Null, Status::Ok],
        (17 | 18, _) => [Status::Ok, Status::Ok, Status::Null],
        _ => all(Status::Ok),
    };
    assert_eq!(found, statuses, "fault {fault}");
    let (class, expected_distance, expected_y) = match expected {
        Ok((class, distance, y)) => (u32::from(*class), *distance, y.clone()),
        Err(_) => (!0, M::NONE, y.clone()),
    };
    let ok = statuses.map(|status| status == Status::Ok);
    assert_eq!((label, other), (if ok[0] { class } else { !0 }, if ok[1] { class } else { !0 }));
    assert_eq!(distance.bits(), if ok[1] { expected_distance } else { M::NONE }.bits());
    let expected_y = if ok[2] { expected_y } else { vec![Y::NONE; results] };
    assert!(y.iter().map(|y| y.bits()).eq(expected_y.iter().map(|y| y.bits())));
}

/// A null pointer if the fault is the `first` one, one that is not aligned if it is the next.
fn spoil<T>(fault: usize, first: usize, pointer: *const T) -> *const T {
    match fault.wrapping_sub(first) {
        0 => ptr::null(),
        1 => pointer.wrapping_byte_add(1),
        _ => pointer,
    }
}

/// Numbers compared by their bits.
trait Bits: Copy {
    /// What stands where nothing was written.
    const NONE: Self;
    fn bits(self) -> u32;
}

impl Bits for u32 {
    const NONE: Self = 0xA5A5_A5A5;
    fn bits(self) -> u32 {
        self
    }
}

impl Bits for i32 {
    const NONE: Self = -0x5A5A_5A5B;
    fn bits(self) -> u32 {
        self.cast_unsigned()
    }
}

impl Bits for f32 {
    const NONE: Self = -1.5e33;
    fn bits(self) -> u32 {
        // Which of the many that are no number does not matter.
        if self.is_nan() { f32::NAN.to_bits() } else { self.to_bits() }
    }
}

/// A picture: one stroke on an even ground, with a few pixels that are off; as Rust makes it, or its error.
fn picture(draw: &mut Draw) {
    let side_or_none = |draw: &mut Draw| match draw.byte() {
        0 => draw.word(),
        few => u32::from(few) % 48 + 1,
    };
    let (width, height) = (side_or_none(draw), side_or_none(draw));
    let stride = if draw.one_in(9) { draw.word() } else { width.wrapping_add(draw.below(4) as u32) };
    let len = u64::from(height).wrapping_sub(1).wrapping_mul(stride.into()).wrapping_add(width.into());
    let len = if len > 1 << 14 { draw.below(1 << 14) } else { len as usize } + draw.below(24);
    let pixels = Exact::new(draw.below(4), &pixels(draw, stride.max(1) as usize, len.saturating_sub(12)));
    let side = 8 + draw.below(32);
    let input_len = if draw.one_in(16) { draw.below(1 << 11) } else { side * side };
    let words = Picture::scratch_len(width.min(Picture::MAX_SIDE), side as u32) - usize::from(draw.one_in(16));
    let ink = draw.word() % 4;

    let rust_ink = [Ok(Ink::Auto), Ok(Ink::Dark), Ok(Ink::Light), Err(Status::Picture)][ink as usize];
    let (mut scratch, mut input) = (vec![!0; words], vec![0xA5; input_len]);
    let expected = rust_ink.and_then(|ink| {
        let picture = Picture::new(pixels.bytes(), width, height, stride)?;
        picture.normalize(ink, &mut scratch, &mut input)?;
        Ok(())
    });
    let (mut scratch, mut found_input) = (vec![0; words], vec![0xA5; input_len]);
    let fault = draw.below(24);
    let p = if fault == 0 { ptr::null() } else { pixels.bytes().as_ptr() };
    let s = spoil(fault, 1, scratch.as_mut_ptr()).cast_mut();
    let i = if fault == 3 { ptr::null_mut() } else { found_input.as_mut_ptr() };
    // SAFETY: every pointer is null, not aligned, or as long as its length says.
    let found =
        unsafe { twolayer_normalize(p, pixels.bytes().len(), width, height, stride, ink, s, words, i, input_len) };
    assert_eq!(found, if fault < 4 { Status::Null } else { status(expected) });
    assert_eq!(found_input, if found == Status::Ok { input } else { vec![0xA5; input_len] });
}

fn pixels(draw: &mut Draw, stride: usize, len: usize) -> Vec<u8> {
    let [paper, ink] = [draw.byte(), draw.byte()];
    let (left, width, top, height) = (draw.below(20), 1 + draw.below(12), draw.below(20), 1 + draw.below(24));
    let slant = draw.below(3);
    let mut pixels: Vec<u8> = (0..len)
        .map(|n| (n % stride + slant * (n / stride) / 2, n / stride))
        .map(|(x, y)| (left..left + width).contains(&x) && (top..top + height).contains(&y))
        .map(|inked| if inked { ink } else { paper })
        .collect();
    for _ in 0..draw.below(12).min(len) {
        let at = draw.below(len);
        pixels[at] = draw.byte();
    }
    pixels
}
