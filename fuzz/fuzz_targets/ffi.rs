//! The C interface: any model file at any address, images at any address, buffers as long as they must be or one short, null
//! and misaligned pointers. Every call gives the status and the answers that Rust gives, and writes nothing on an error.
//!
//! All memory is exactly as long as the lengths say, so that the sanitizer sees what is read or written beyond it.

#![no_main]

use core::ptr;
use libfuzzer_sys::fuzz_target;
use twolayer::ffi::*;
use twolayer::picture::{Ink, Picture};
use twolayer::{Answer, Backend, Kind, Model as File, ModelError};
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
    halves: 8,
    deslants: 9,
    width: 10,
    height: 11,
    scratch_words: 12,
    runner: None,
};

type Open = unsafe extern "C" fn(*mut Model, *const u8, usize) -> Status;

/// Class, margin and outputs; floats as bits.
type Found = (u32, u32, Vec<u32>);

/// What stands where nothing was written.
const NONE: u32 = 0xA5A5_A5A5;

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
    assert_eq!(
        unsafe { twolayer_verify(bytes.as_ptr(), bytes.len()) },
        status(whole.and_then(|file| file.details().map(|_| ())))
    );
    // SAFETY: as above.
    let len = unsafe { twolayer_file_len(bytes.as_ptr(), bytes.len()) };
    assert!(len == 0 || File::from_bytes(&bytes[..len]).is_ok());
    assert!(whole.is_err() || len == bytes.len());

    let (margin, mut percent) = (draw.below(1 << 30) as u32, NONE);
    // SAFETY: bytes with their length, and local variables.
    let found = unsafe { twolayer_confidence(bytes.as_ptr(), bytes.len(), &raw const margin, &raw mut percent) };
    match header.and_then(|file| Ok((file.kind(), file.confidence()))) {
        Err(error) => assert_eq!((found, percent), (error.into(), NONE)),
        Ok((_, None)) => assert_eq!((found, percent), (Status::NoConfidence, NONE)),
        Ok((Kind::F32, Some(table))) => {
            assert_eq!((found, percent), (Status::Ok, table.of(f32::from_bits(margin)).into()))
        }
        Ok((_, Some(table))) => assert_eq!((found, percent), (Status::Ok, table.of(margin).into())),
    }

    let plain = |file: File<'_>| file.quantized().map(|_| ());
    let any = |file: File<'_>| file.quantized_any().map(|_| ());
    for model in [
        open(twolayer_open, bytes, whole.and_then(plain)),
        open(twolayer_open_any, bytes, whole.and_then(any)),
        open(twolayer_open_unchecked, bytes, header.and_then(plain)),
        open(twolayer_open_any_unchecked, bytes, header.and_then(any)),
    ]
    .into_iter()
    .flatten()
    {
        let network = header.and_then(|file| file.quantized_any()).expect("an open network");
        assert_eq!(model.pixels as usize, network.shape().pixels());
        let image = Exact::new(draw.below(4), &image(draw, model.pixels as usize));
        let mut scratch = vec![7; model.scratch_words];
        let outputs = network.outputs(image.bytes(), &mut scratch).expect("outputs");
        let Answer { class, margin } = Answer::of(outputs);
        let outputs = outputs.iter().map(|output| output.cast_unsigned()).collect();
        check(draw, &model, &image, &(class.into(), margin, outputs));
    }
    let floats = |file: File<'_>| file.weights().map(|_| ());
    for model in [
        open(twolayer_open_f32, bytes, whole.and_then(floats)),
        open(twolayer_open_f32_unchecked, bytes, header.and_then(floats)),
    ]
    .into_iter()
    .flatten()
    {
        let network = header.and_then(|file| file.network(Backend::detect())).expect("an open network");
        let image = Exact::new(draw.below(4), &image(draw, model.pixels as usize));
        let mut scratch = vec![f32::NAN; model.scratch_words];
        let outputs = network.outputs(image.bytes(), &mut scratch).expect("outputs");
        let Answer { class, margin } = Answer::of(outputs);
        let outputs = outputs.iter().map(|output| output.to_bits()).collect();
        check(draw, &model, &image, &(class.into(), margin.to_bits(), outputs));
    }
}

fn status<E: Into<Status>>(result: Result<(), E>) -> Status {
    result.err().map_or(Status::Ok, Into::into)
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
fn check(draw: &mut Draw, model: &Model, image: &Exact, (class, expected_distance, expected_y): &Found) {
    let fault = draw.below(26);
    // A longer image is there to its end, and a shorter scratch is no longer.
    let image = match fault {
        0 => Exact::new(image.offset, &[image.bytes(), &[1]].concat()),
        1 => Exact::new(image.offset, &image.bytes()[1..]),
        _ => Exact::new(image.offset, image.bytes()),
    };
    let words = model.scratch_words - usize::from(fault == 2) + if fault == 3 { draw.below(9) } else { 0 };
    let results = (model.outputs as usize).wrapping_add_signed(isize::from(fault == 4) - isize::from(fault == 5));
    let (mut scratch, mut y) = (vec![7; words], vec![NONE; results]);
    let (mut label, mut other, mut distance) = (!0, !0, NONE);
    let never_opened = Model { runner: None, ..*model };

    let m = spoil(fault, 6, if fault == 19 { &raw const never_opened } else { &raw const *model });
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
            twolayer_classify(m, p, n, s, words, l),
            twolayer_classify_margin(m, p, n, s, words, &raw mut other, d),
            twolayer_outputs(m, p, n, s, words, to, results),
        ]
    };

    let all = |status| [status; 3];
    let overflows = model.bits == 32 && !expected_y.iter().all(|&word| f32::from_bits(word).is_finite());
    let statuses = match fault {
        // Found out before anything is written.
        17 | 18 if overflows => [Status::NotFinite, Status::NotFinite, Status::Null],
        3..6 | 13..17 | 20.. if overflows => all(Status::NotFinite),
        0 | 1 => all(Status::Pixels),
        2 => all(Status::Scratch),
        4 | 5 => [Status::Ok, Status::Ok, Status::Outputs],
        6..13 | 19 => all(Status::Null),
        13 | 14 => [Status::Null, Status::Ok, Status::Ok],
        15 | 16 => [Status::Ok, Status::Null, Status::Ok],
        17 | 18 => [Status::Ok, Status::Ok, Status::Null],
        _ => all(Status::Ok),
    };
    assert_eq!(found, statuses, "fault {fault}");
    let ok = statuses.map(|status| status == Status::Ok);
    assert_eq!((label, other), (if ok[0] { *class } else { !0 }, if ok[1] { *class } else { !0 }));
    // Which of the many floats that are no number does not matter.
    let bits = |word: u32| if model.bits == 32 && f32::from_bits(word).is_nan() { f32::NAN.to_bits() } else { word };
    assert_eq!(bits(distance), bits(if ok[1] { *expected_distance } else { NONE }));
    let unwritten = vec![NONE; results];
    let expected_y = if ok[2] { expected_y } else { &unwritten };
    assert!(y.iter().map(|y| bits(*y)).eq(expected_y.iter().map(|y| bits(*y))));
}

/// A null pointer if the fault is the `first` one, one that is not aligned if it is the next.
fn spoil<T>(fault: usize, first: usize, pointer: *const T) -> *const T {
    match fault.wrapping_sub(first) {
        0 => ptr::null(),
        1 => pointer.wrapping_byte_add(1),
        _ => pointer,
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
    // A picture that is refused for its size has no scratch to be checked.
    let most = |side: u32| side.min(if u64::from(width) * u64::from(height) > 1 << 20 { 0 } else { Picture::MAX_SIDE });
    let words = Picture::scratch_len(most(width), most(height), side as u32) - usize::from(draw.one_in(16));
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
