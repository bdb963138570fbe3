//! A drawing or a photograph to a number: the core's `Picture::normalize` and `Picture::digits`, and a quantised network.
//!
//! An answer takes about a third of a millisecond, nearly all of it for reading the drawing's 78 400 pixels twice.
#![expect(unsafe_code, reason = "exported functions have names that must be unique")]

use crate::Shared;
use twolayer::picture::{Ink, NoDigit, Picture, PictureError};
use twolayer::{Answer, Bits, Confidence, Kind, Model, QuantizedNetwork, Shape, model};

/// Columns and rows of the drawing.
const SIDE: u32 = 280;
/// Columns and rows of the network's input.
const INPUT: u32 = 28;
/// The most words of a model file.
const MODEL: usize = 1 << 16;
/// The most outputs, so also the most hidden units that are shown.
const MOST: usize = Shape::MAX_OUTPUTS;
/// The most digits of a number that are shown.
const MOST_DIGITS: usize = 64;
/// Enough scratch for a network of [`MOST`] outputs; halved images take a quarter of a word more for an input.
const SCRATCH: usize = 2048;

static PICTURE: Shared<[u8; (SIDE * SIDE) as usize]> = Shared::new([0; _]);
static PICTURE_SCRATCH: Shared<[u32; Picture::digits_scratch_len(SIDE, SIDE, INPUT)]> = Shared::new([0; _]);
/// Of each digit: class, margin, line, and whether it is doubtful.
static DIGITS: Shared<[[u32; 4]; MOST_DIGITS]> = Shared::new([[0; 4]; _]);
static SEEN: Shared<[u8; (INPUT * INPUT) as usize]> = Shared::new([0; _]);
/// A model file.
static FILE: Shared<[u32; MODEL]> = Shared::new([0; _]);
/// Its first layer, with a second that hands the hidden units on.
static HIDDEN_PAYLOAD: Shared<[u32; MODEL + MOST * MOST / 4]> = Shared::new([0; _]);
static OPENED: Shared<Option<Opened>> = Shared::new(None);
static NETWORK_SCRATCH: Shared<[u32; SCRATCH]> = Shared::new([0; _]);
static OUTPUTS: Shared<[i32; MOST]> = Shared::new([0; _]);
static HIDDEN: Shared<[i32; MOST]> = Shared::new([0; _]);

/// The page's model.
#[derive(Clone, Copy)]
struct Opened {
    shape: Shape,
    bits: Bits,
    /// The bytes of its payload, which follow the header.
    payload: usize,
    /// A network whose outputs are the hidden units: its shape, and the bytes of its payload.
    hidden: Option<(Shape, usize)>,
    confidence: Option<Confidence>,
}

/// Where the page puts a drawing, 280 rows of 280 bytes, 0 where there is no ink and 255 where there is; or a photograph, with
/// as many columns and rows or fewer.
#[unsafe(no_mangle)]
pub extern "C" fn picture() -> *const u8 {
    PICTURE.address().cast()
}

/// Where the page puts a model file.
#[unsafe(no_mangle)]
pub extern "C" fn file() -> *const u8 {
    FILE.address().cast()
}

/// Where the network's input is after an answer: 28 × 28 bytes.
#[unsafe(no_mangle)]
pub extern "C" fn seen() -> *const u8 {
    SEEN.address().cast()
}

/// Where the digits are after [`read`]: class, margin, line and 1 if it is doubtful, u32 each.
#[unsafe(no_mangle)]
pub extern "C" fn digits() -> *const u32 {
    DIGITS.address().cast()
}

/// Where the outputs are after an answer, i32.
#[unsafe(no_mangle)]
pub extern "C" fn outputs() -> *const i32 {
    OUTPUTS.address().cast()
}

/// Where the activations of the hidden units are after an answer, i32, 0 to 255.
#[unsafe(no_mangle)]
pub extern "C" fn hidden() -> *const i32 {
    HIDDEN.address().cast()
}

/// Takes the model file of `len` bytes: the number of hidden units that answers will show, which is 0 for a network too wide to be
/// shown; −1 if the file is no quantised model, −2 if it is damaged, −3 if its input is not 28 × 28 or its outputs are not ten.
#[unsafe(no_mangle)]
pub extern "C" fn open(len: usize) -> i32 {
    let opened = OPENED.lend();
    *opened = None;
    let Some(Ok(model)) = bytemuck::cast_slice(FILE.lend()).get(..len).map(Model::from_bytes) else { return -2 };
    let (shape, Kind::Quantized(bits)) = (model.shape(), model.kind()) else { return -1 };
    let fits = QuantizedNetwork::scratch_len(shape) <= SCRATCH - MOST && shape.outputs() == 10;
    if !fits || shape.pixels() != (INPUT * INPUT) as usize {
        return -3;
    }
    if model.quantized_any().is_err() {
        return -2;
    }
    let hidden = hands_on(shape).and_then(|handing| {
        let first = model.payload().get(..model.payload().len() - shape.hidden() * shape.outputs())?;
        let len = QuantizedNetwork::payload_len(handing, bits).ok()?;
        let payload: &mut [u8] = bytemuck::cast_slice_mut(HIDDEN_PAYLOAD.lend());
        let (of_first, of_second) = payload.get_mut(..len)?.split_at_mut_checked(first.len())?;
        of_first.copy_from_slice(first);
        of_second.fill(0);
        of_second.iter_mut().step_by(shape.hidden() + 1).for_each(|weight| *weight = 1);
        Some((handing, len))
    });
    *opened = Some(Opened { shape, bits, payload: model.payload().len(), hidden, confidence: model.confidence() });
    hidden.map_or(0, |_| i32::try_from(shape.hidden()).unwrap_or_default())
}

/// How likely an answer with this margin is right, in per cent; −1 if the model has no table of it.
#[unsafe(no_mangle)]
pub extern "C" fn confidence(margin: u32) -> i32 {
    let table = OPENED.lend().and_then(|opened| opened.confidence);
    table.map_or(-1, |table| table.of(margin).into())
}

/// The shape of a network that has a shape's hidden units for outputs.
fn hands_on(shape: Shape) -> Option<Shape> {
    let plain = Shape::new(shape.inputs(), shape.hidden(), shape.hidden()).ok().filter(|_| !shape.has_biases())?;
    shape.halved_image().map_or(Some(plain), |image| plain.with_halved_images(image).ok())
}

/// Columns and rows, and what may be ink: of a photograph of so many; of a drawing, if they are 0.
fn given(width: u32, height: u32) -> Option<(Picture<'static>, Ink)> {
    let (width, height, ink) = if width == 0 { (SIDE, SIDE, Ink::Light) } else { (width, height, Ink::Auto) };
    Some((Picture::new(PICTURE.lend(), width, height, width).ok()?, ink))
}

/// Answers what digit is drawn, or is the largest in a photograph of so many columns and rows: 0 to 9. Else −1, nothing is drawn;
/// −2, the drawing is too small; −3, it is not like a digit; −4, there is no model.
#[unsafe(no_mangle)]
pub extern "C" fn answer(width: u32, height: u32) -> i32 {
    let (Some(opened), Some((picture, ink))) = (*OPENED.lend(), given(width, height)) else {
        return -4;
    };
    let (seen, scratch) = (SEEN.lend(), NETWORK_SCRATCH.lend());
    match picture.normalize(ink, PICTURE_SCRATCH.lend(), seen) {
        Ok(_) => {}
        Err(PictureError::Blank { .. }) => return -1,
        Err(PictureError::NoDigit(NoDigit::Small { .. })) => return -2,
        Err(_) => return -3,
    }
    let file = bytemuck::cast_slice(FILE.lend()).get(model::HEADER_LEN..).unwrap_or_default();
    let payload: &[u8] = bytemuck::cast_slice(HIDDEN_PAYLOAD.lend());
    let mut run = |shape: Shape, payload: &[u8], len: usize, outputs: &mut [i32]| {
        let network = QuantizedNetwork::any(shape, opened.bits, payload.get(..len)?).ok()?;
        let found = network.outputs(seen, scratch).ok()?;
        outputs.get_mut(..found.len())?.copy_from_slice(found);
        Some(Answer::of(found).class)
    };
    if let Some((shape, len)) = opened.hidden {
        run(shape, payload, len, HIDDEN.lend());
    }
    let class = run(opened.shape, file, opened.payload, OUTPUTS.lend());
    class.map_or(-4, i32::from)
}

/// Reads all digits of the same: how many there are; 0 if there is none or no model.
#[unsafe(no_mangle)]
pub extern "C" fn read(width: u32, height: u32) -> u32 {
    let (Some(opened), Some((picture, ink))) = (*OPENED.lend(), given(width, height)) else {
        return 0;
    };
    let file = bytemuck::cast_slice(FILE.lend()).get(model::HEADER_LEN..).unwrap_or_default();
    let payload = file.get(..opened.payload).unwrap_or_default();
    let Ok(network) = QuantizedNetwork::any(opened.shape, opened.bits, payload) else { return 0 };
    let scratch = NETWORK_SCRATCH.lend();
    let mut input = [0; (INPUT * INPUT) as usize];
    let Ok(mut digits) = picture.digits(ink, PICTURE_SCRATCH.lend(), &mut input) else { return 0 };
    let mut count = 0;
    for place in DIGITS.lend() {
        let Some(digit) = digits.next(|input| network.outputs(input, scratch).map_or(0, Answer::sureness)) else {
            break;
        };
        let Ok(outputs) = network.outputs(digit.input, scratch) else { break };
        let Answer { class, margin } = Answer::of(outputs);
        *place = [class.into(), margin, digit.line.into(), digit.doubtful.into()];
        count += 1;
    }
    count
}
