//! A drawing or a photograph to a number: the core's `Picture::normalize` and `Picture::digits`, and the page's model.
//!
//! With the small model, an answer takes about a third of a millisecond, nearly all of it for reading the drawing's 78 400 pixels twice.
#![expect(unsafe_code, reason = "exported functions have names that must be unique")]

use crate::Shared;
use crate::model::{INPUT, LARGEST, SCRATCH, opened};
use crate::samples::PIXELS;
use twolayer::picture::{Ink, NoDigit, Picture, PictureError};
use twolayer::{AnyOutputs, Confidence};

/// Columns and rows of the drawing.
const SIDE: u32 = 280;
/// The most digits of a number that are shown.
const MOST_DIGITS: usize = 64;

static PICTURE: Shared<[u8; (SIDE * SIDE) as usize]> = Shared::new([0; _]);
static PICTURE_SCRATCH: Shared<[u32; Picture::digits_scratch_len(SIDE, SIDE, INPUT)]> = Shared::new([0; _]);
/// Of each digit: class, confidence, line, and whether it is doubtful.
static DIGITS: Shared<[[i32; 4]; MOST_DIGITS]> = Shared::new([[0; 4]; _]);
static SEEN: Shared<[u8; PIXELS]> = Shared::new([0; _]);
static NETWORK_SCRATCH: Shared<[u32; SCRATCH]> = Shared::new([0; _]);
static OUTPUTS: Shared<[f64; 10]> = Shared::new([0.0; _]);
static HIDDEN: Shared<[f32; LARGEST.hidden()]> = Shared::new([0.0; _]);
static PERCENT: Shared<i32> = Shared::new(0);

/// Where the page puts a drawing, 280 rows of 280 bytes, 0 where there is no ink and 255 where there is; or a photograph, with
/// as many columns and rows or fewer.
#[unsafe(no_mangle)]
pub extern "C" fn picture() -> *const u8 {
    PICTURE.address().cast()
}

/// Where the network's input is after an answer: 28 × 28 bytes.
#[unsafe(no_mangle)]
pub extern "C" fn seen() -> *const u8 {
    SEEN.address().cast()
}

/// Where the digits are after [`read`]: class, confidence (as [`percent`]), line and 1 if it is doubtful, i32 each.
#[unsafe(no_mangle)]
pub extern "C" fn digits() -> *const i32 {
    DIGITS.address().cast()
}

/// Where the outputs are after an answer, f64, which has room for those of any network.
#[unsafe(no_mangle)]
pub extern "C" fn outputs() -> *const f64 {
    OUTPUTS.address().cast()
}

/// Where the activations of the hidden units are after an answer, f32.
#[unsafe(no_mangle)]
pub extern "C" fn hidden() -> *const f32 {
    HIDDEN.address().cast()
}

/// How likely the last answer is right, in per cent; −1 if the model has no table of it.
#[unsafe(no_mangle)]
pub extern "C" fn percent() -> i32 {
    *PERCENT.lend()
}

/// By a table, or −1.
fn confidence(outputs: AnyOutputs<'_>, table: Option<Confidence>) -> i32 {
    table.map_or(-1, |table| outputs.confidence(&table).into())
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
    let (Some(opened), file) = opened() else { return -4 };
    let (Some(network), Some((picture, ink))) = (opened.network(file), given(width, height)) else { return -4 };
    let (seen, scratch) = (SEEN.lend(), NETWORK_SCRATCH.lend());
    match picture.normalize(ink, PICTURE_SCRATCH.lend(), seen) {
        Ok(_) => {}
        Err(PictureError::Blank { .. }) => return -1,
        Err(PictureError::NoDigit(NoDigit::Small { .. })) => return -2,
        Err(_) => return -3,
    }
    opened.hidden(file, seen, scratch, HIDDEN.lend());
    let Ok(outputs) = network.outputs(seen, scratch) else { return -4 };
    let places = OUTPUTS.lend().iter_mut();
    match outputs {
        AnyOutputs::F32(outputs) => places.zip(outputs).for_each(|(place, output)| *place = (*output).into()),
        AnyOutputs::Integer(outputs) => places.zip(outputs).for_each(|(place, output)| *place = (*output).into()),
    }
    *PERCENT.lend() = confidence(outputs, opened.confidence);
    outputs.answer().class.into()
}

/// Reads all digits of the same: how many there are; 0 if there is none or no model.
#[unsafe(no_mangle)]
pub extern "C" fn read(width: u32, height: u32) -> u32 {
    let (Some(opened), file) = opened() else { return 0 };
    let (Some(network), Some((picture, ink))) = (opened.network(file), given(width, height)) else { return 0 };
    let scratch = NETWORK_SCRATCH.lend();
    let mut input = [0; PIXELS];
    let Ok(mut digits) = picture.digits(ink, PICTURE_SCRATCH.lend(), &mut input) else { return 0 };
    let mut count = 0;
    for place in DIGITS.lend() {
        let Some(digit) = digits.next(|input| network.outputs(input, scratch).map_or(0, AnyOutputs::sureness)) else {
            break;
        };
        let Ok(outputs) = network.outputs(digit.input, scratch) else { break };
        *place = [
            outputs.answer().class.into(),
            confidence(outputs, opened.confidence),
            digit.line.into(),
            digit.doubtful.into(),
        ];
        count += 1;
    }
    count
}
