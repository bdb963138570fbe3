//! Networks so small that Miri can run them: all kinds of model, from Rust and from C, IDX, pictures, training, threads.
//!
//! `cargo +nightly miri test --no-default-features --features std,ffi --test miri` finds what no other test can: a read of memory
//! that was never written, a pointer beyond its allocation or used after another's borrow, a race.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod oracle;
mod payload;
mod support;

use payload::{Payload, random};
use support::reference::Reference;
use support::{Samples, bits, signed_weights, train, weights};
use twolayer::int::{PackedNetwork, PayloadError};
use twolayer::model::{Details, header};
use twolayer::{Answer, Backend, Bits, Idx, Kind, Model, ModelError, Network, QuantizedNetwork, Shape, TrainOptions};

const KINDS: [Kind; 3] = [Kind::F32, Kind::Quantized(Bits::Eight), Kind::Quantized(Bits::Four)];

/// 6 → 18 → 3, plain, with biases, for halved images, for deslanted ones, and all of it.
fn shapes() -> [Shape; 5] {
    let plain = Shape::new(6, 18, 3).unwrap();
    let halved = plain.with_halved_images([6, 4]).unwrap();
    let all = halved.with_deslanted_images([6, 4]).unwrap().with_biases();
    [plain, plain.with_biases(), halved, plain.with_deslanted_images([2, 3]).unwrap(), all]
}

/// A model file of random weights, `offset` bytes behind a multiple of 4, up to the last byte of its memory.
struct File {
    memory: Vec<u8>,
    start: usize,
}

impl File {
    fn new(kind: Kind, shape: Shape, offset: usize) -> Self {
        let payload = match kind {
            Kind::F32 => signed_weights(shape, 3, 0.01).iter().flat_map(|weight| weight.to_le_bytes()).collect(),
            Kind::Quantized(bits) => Payload::new(shape, bits, 5, random(7)).bytes().to_vec(),
        };
        let details = Details { image: None, text: "small" };
        let file = [&header(kind, shape, details, &payload).unwrap()[..], &payload, b"small"].concat();
        let mut memory = vec![0; file.len() + 7];
        let start = memory.as_ptr().align_offset(4) + offset;
        memory[start..][..file.len()].copy_from_slice(&file);
        memory.truncate(start + file.len());
        Self { memory, start }
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[self.start..]
    }
}

fn image(shape: Shape) -> Box<[u8]> {
    let mut next = random(5);
    (0..shape.pixels()).map(|_| if next() < 120 { next() } else { 0 }).collect()
}

/// What plain loops answer: the class, the margin and the outputs, of floats as bits.
fn expected(model: &Model<'_>, image: &[u8]) -> (u8, u32, Vec<u32>) {
    let shape = model.shape();
    if let Kind::Quantized(bits) = model.kind() {
        let outputs = oracle::outputs(shape, bits, model.payload(), image);
        let words = outputs.iter().map(|output| i32::try_from(*output).unwrap().cast_unsigned()).collect();
        return (oracle::class(&outputs), oracle::margin(&outputs), words);
    }
    let outputs = Reference::new(model.weights().unwrap()).outputs(&oracle::prepare(shape, image));
    let class = (0..outputs.len()).rev().max_by(|a, b| outputs[*a].total_cmp(&outputs[*b])).unwrap();
    let next = (0..outputs.len()).filter(|it| *it != class).map(|it| outputs[it]).fold(f32::NEG_INFINITY, f32::max);
    (u8::try_from(class).unwrap(), (outputs[class] - next).to_bits(), bits(&outputs))
}

/// What the crate answers.
fn found(model: &Model<'_>, image: &[u8]) -> (u8, u32, Vec<u32>) {
    let shape = model.shape();
    if model.kind() == Kind::F32 {
        let network = model.network(Backend::detect()).unwrap();
        let mut scratch = vec![7.0; Network::scratch_len(shape)];
        let outputs = network.outputs(image, &mut scratch).unwrap();
        let Answer { class, margin } = Answer::of(outputs);
        return (class, margin.to_bits(), bits(outputs));
    }
    let network = model.quantized_any().unwrap();
    let mut scratch = vec![7; QuantizedNetwork::scratch_len(shape)];
    let outputs = network.outputs(image, &mut scratch).unwrap();
    let Answer { class, margin } = Answer::of(outputs);
    (class, margin, outputs.iter().copied().map(i32::cast_unsigned).collect())
}

#[test]
fn models_are_read_in_place() {
    for (kind, shape) in KINDS.into_iter().flat_map(|kind| shapes().map(|shape| (kind, shape))) {
        let file = File::new(kind, shape, 0);
        let model = Model::from_bytes(file.bytes()).unwrap();
        assert_eq!((model.kind(), model.shape(), model.details().unwrap().text), (kind, shape, "small"));
        let image = image(shape);
        assert_eq!(found(&model, &image), expected(&model, &image), "{kind}, {shape}");
        for len in (0..file.bytes().len()).step_by(97) {
            assert!(Model::from_bytes(&file.bytes()[..len]).is_err());
        }
        for offset in 1..4 {
            let file = File::new(kind, shape, offset);
            let model = Model::from_bytes_unverified(file.bytes()).unwrap();
            let (found, misaligned) = match kind {
                Kind::F32 => (model.weights().err(), ModelError::Misaligned { expected: 4 }),
                Kind::Quantized(_) => {
                    let misaligned = PayloadError::Misaligned { expected: 4 };
                    (model.quantized_any().err(), ModelError::Payload(misaligned))
                }
            };
            assert_eq!(found, Some(misaligned), "{kind}, {shape}");
        }
    }
}

#[test]
fn packed_networks_answer_as_those_in_flash() {
    let shape = Shape::new(3, 5, 2).unwrap().with_biases();
    for bits in [Bits::Eight, Bits::Four] {
        let payload = Payload::new(shape, bits, 5, random(7));
        let image = image(shape);
        let expected = oracle::outputs(shape, bits, payload.bytes(), &image);
        let network = QuantizedNetwork::any(shape, bits, payload.bytes()).unwrap();
        for backend in Backend::available() {
            let mut memory = vec![7; PackedNetwork::memory_len(shape)];
            let packed = PackedNetwork::new(&network, &mut memory, backend).unwrap();
            let mut scratch = vec![7; PackedNetwork::scratch_len(shape)];
            let outputs = packed.outputs(&image, &mut scratch).unwrap();
            assert!(outputs.iter().map(|output| i64::from(*output)).eq(expected.iter().copied()), "{bits:?}");
        }
    }
}

#[test]
fn idx_files_are_read_in_place() {
    let file: Vec<u8> = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3].into_iter().chain(1..13).collect();
    let images = Idx::parse(&file).unwrap().images().unwrap();
    assert!(images.eq([&file[16..22], &file[22..]]));
    for len in 0..file.len() {
        assert!(Idx::parse(&file[..len]).is_err());
    }
}

#[test]
fn training_gives_the_bits_of_plain_loops() {
    let shape = Shape::new(9, 18, 3).unwrap();
    let samples = Samples::new(9, 3, 5, 1);
    let start = signed_weights(shape, 1, 0.02);
    for (block, backend) in [1, 3, 8].into_iter().flat_map(|block| Backend::available().map(move |tier| (block, tier)))
    {
        let mut reference = Reference::new(weights(shape, &start));
        reference.train(&samples.images, &samples.labels, 1e-5, block);
        let options = TrainOptions { alpha: 1e-5, block, backend, ..TrainOptions::default() };
        let (trained, _) = train(shape, &start, &samples, options);
        assert_eq!(bits(&trained), bits(&reference.numbers()), "blocks of {block}");
    }
}

/// Two panels, so that each of two threads has one.
#[cfg(feature = "std")]
#[test]
fn threads_give_the_bits_of_one() {
    use core::num::NonZeroUsize;
    use twolayer::host::Threads;
    use twolayer::{TrainError, Trainer, WeightsMut};
    let shape = Shape::new(4, 130, 2).unwrap();
    let samples = Samples::new(4, 2, 5, 1);
    let options = TrainOptions { block: 2, ..TrainOptions::default() };
    let alone = train(shape, &signed_weights(shape, 1, 0.02), &samples, options).0;
    let mut numbers = signed_weights(shape, 1, 0.02);
    let mut scratch = vec![f32::NAN; Trainer::scratch_len(shape, 2)];
    let threads = Threads::new(NonZeroUsize::new(2).unwrap());
    let mut trainer = Trainer::new(WeightsMut::new(shape, &mut numbers).unwrap(), &mut scratch, options).unwrap();
    let loss = threads.train(&mut trainer, &samples.images, &samples.labels, |_, _| Ok::<_, TrainError>(()));
    assert!(loss.is_ok());
    assert_eq!(bits(&numbers), bits(&alone));
}

#[cfg(feature = "ffi")]
#[allow(unsafe_code, reason = "calls as from C")]
mod c {
    use super::{File, KINDS, expected, image, shapes};
    use core::mem::MaybeUninit;
    use core::ptr;
    use twolayer::ffi::*;
    use twolayer::picture::Picture;
    use twolayer::{Bits, Kind, Model as Opened, Shape};

    /// Memory that was never written.
    fn unwritten<T>(len: usize) -> Box<[MaybeUninit<T>]> {
        Box::new_uninit_slice(len)
    }

    fn pointer<T>(memory: &mut [MaybeUninit<T>]) -> *mut T {
        memory.as_mut_ptr().cast()
    }

    #[test]
    fn every_function_on_every_kind() {
        for (kind, shape) in KINDS.into_iter().flat_map(|kind| shapes().map(|shape| (kind, shape))) {
            let file = File::new(kind, shape, 0);
            let (bytes, len) = (file.bytes().as_ptr(), file.bytes().len());
            // SAFETY: bytes with their length.
            unsafe {
                assert_eq!(twolayer_verify(bytes, len), Status::Ok);
                assert_eq!(twolayer_file_len(bytes, len), len);
            }
            let (integers, plain) = (kind != Kind::F32, shape == Shape::new(6, 18, 3).unwrap());
            let opening: [(unsafe extern "C" fn(_, _, _) -> _, _); 6] = [
                (twolayer_open, integers && plain),
                (twolayer_open_unchecked, integers && plain),
                (twolayer_open_any, integers),
                (twolayer_open_any_unchecked, integers),
                (twolayer_open_f32, !integers),
                (twolayer_open_f32_unchecked, !integers),
            ];
            for (open, opens) in opening {
                let mut model = MaybeUninit::<Model>::uninit();
                // SAFETY: every pointer is null or as long as its length says.
                unsafe {
                    assert_eq!(open(model.as_mut_ptr(), bytes, len - 1), Status::Length);
                    assert_eq!(open(ptr::null_mut(), bytes, len), if opens { Status::Null } else { Status::Kind });
                    assert_eq!(open(model.as_mut_ptr(), bytes, len), if opens { Status::Ok } else { Status::Kind });
                }
                if opens {
                    // SAFETY: the function has opened it.
                    ask(&raw const *unsafe { model.assume_init_ref() }, &file);
                }
            }
        }
    }

    /// As a C program would: nothing is written before the library writes it, and nothing lies behind a buffer.
    fn ask(m: *const Model, file: &File) {
        let opened = Opened::from_bytes(file.bytes()).unwrap();
        // SAFETY: the model is open.
        let words = unsafe { (*m).scratch_words };
        let image = image(opened.shape());
        let (p, n) = (image.as_ptr(), image.len());
        let (mut labels, mut margins, mut outputs) = (unwritten::<u32>(2), unwritten::<u32>(1), unwritten::<u32>(3));
        let (mut scratch, mut short) = (unwritten::<u32>(words), unwritten::<u32>(words - 1));
        let (s, few) = (pointer(&mut scratch), pointer(&mut short));
        let (first, d, y) = (pointer(&mut labels), pointer(&mut margins), pointer(&mut outputs));
        // SAFETY: every pointer is as long as its length says.
        unsafe {
            let second = first.add(1);
            assert_eq!(twolayer_classify(m, p, n, s, words, first), Status::Ok);
            assert_eq!(twolayer_classify_margin(m, p, n, s, words, second, d), Status::Ok);
            assert_eq!(twolayer_outputs(m, p, n, s, words, y, 3), Status::Ok);
            assert_eq!(twolayer_outputs(m, p, n, few, words - 1, y, 3), Status::Scratch);
            assert_eq!(twolayer_classify(m, p, n, s.wrapping_byte_add(1), words, first), Status::Null);
        }
        let (class, margin, expected) = expected(&opened, &image);
        // SAFETY: the functions have written them.
        let found = unsafe { (labels.assume_init(), margins.assume_init(), outputs.assume_init()) };
        assert_eq!((&*found.0, &*found.1, &*found.2), (&[class.into(); 2][..], &[margin][..], &expected[..]));
    }

    #[test]
    fn a_picture_becomes_an_input() {
        let ink = |x, y| (2..7).contains(&x) && y == 2 || x == 6 && (2..11).contains(&y);
        let pixels: Box<[u8]> = (0..12 * 13 - 1).map(|n| if ink(n % 13, n / 13) { 20 } else { 200 }).collect();
        let words = Picture::scratch_len(12, 12, 9);
        let (mut scratch, mut input) = (unwritten::<u32>(words), unwritten::<u8>(81));
        let (p, s, i) = (pixels.as_ptr(), pointer(&mut scratch), pointer(&mut input));
        // SAFETY: every pointer is as long as its length says.
        let found = unsafe { twolayer_normalize(p, pixels.len(), 12, 12, 13, 0, s, words, i, 81) };
        assert_eq!(found, Status::Ok);
        // SAFETY: the function has written it.
        assert_eq!(unsafe { input.assume_init() }.iter().max(), Some(&255));
    }

    #[test]
    fn a_picture_becomes_a_number() {
        // A stroke, and a pair that touches.
        let bars = [[2, 2, 2, 9], [9, 2, 2, 9], [11, 6, 4, 1], [15, 2, 2, 9]];
        let ink = |x, y| bars.iter().any(|&[a, b, w, h]| (a..a + w).contains(&x) && (b..b + h).contains(&y));
        let pixels: Box<[u8]> = (0..20 * 14).map(|n| if ink(n % 20, n / 20) { 20 } else { 200 }).collect();
        let file = File::new(Kind::Quantized(Bits::Eight), Shape::new(64, 3, 3).unwrap(), 0);
        let mut model = unwritten::<Model>(1);
        // SAFETY: every pointer is as long as its length says.
        let opened = unsafe { twolayer_open(pointer(&mut model), file.bytes().as_ptr(), file.bytes().len()) };
        assert_eq!(opened, Status::Ok);
        // SAFETY: the function has written it.
        let model = unsafe { model.assume_init() };
        let words = Picture::digits_scratch_len(20, 14, 8) + model[0].scratch_words;
        let (mut scratch, mut input) = (unwritten::<u32>(words), unwritten::<u8>(64));
        let (mut digits, mut found) = ([Digit::default(); 4], 0);
        let (p, s, i) = (pixels.as_ptr(), pointer(&mut scratch), pointer(&mut input));
        let (m, d) = (model.as_ptr(), digits.as_mut_ptr());
        // SAFETY: every pointer is as long as its length says.
        let status = unsafe { twolayer_read(m, p, pixels.len(), 20, 14, 20, 0, s, words, i, 64, d, 4, &raw mut found) };
        assert_eq!(status, Status::Ok);
        assert!((2..=4).contains(&found) && digits[0].left == 2 && digits[0].height == 9);
    }
}
