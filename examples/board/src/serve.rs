//! The loop: a frame with a request comes in, a frame with an answer goes out. The README lists them.

use crate::flash::{self, Flash};
use crate::frame::{CRC, Fault, receive, send};
use crate::learner::Learner;
use crate::{Board, DIGITS};
use core::fmt::{self, Write as _};
use twolayer::{Model, ModelError, QuantizedNetwork, crc32};

const PIXELS: usize = DIGITS.shape().pixels();
const HIDDEN: usize = DIGITS.shape().hidden();
const OUTPUTS: usize = DIGITS.shape().outputs();
/// The longest request: a letter, a label, an image.
const REQUEST: usize = 2 + PIXELS + CRC;
/// The longest answer: an error in words, or a letter, class, margin, cycles and outputs.
const ANSWER: usize = if ERROR > 10 + 4 * OUTPUTS { ERROR } else { 10 + 4 * OUTPUTS };
const ERROR: usize = 160;

/// The memory of [`serve()`].
#[derive(Debug)]
pub struct Memory {
    request: [u8; REQUEST],
    answer: [u8; ANSWER],
    scratch: [u32; DIGITS.scratch_len()],
    outputs: [i32; OUTPUTS],
    second: [i16; HIDDEN * OUTPUTS],
    hidden: [u8; HIDDEN],
}

impl Memory {
    /// All zeros.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "for a static")]
    pub const fn new() -> Self {
        Self { request: [0; _], answer: [0; _], scratch: [0; _], outputs: [0; _], second: [0; _], hidden: [0; _] }
    }
}

/// Sends an answer to `m` when it starts, then answers requests, for ever: by the model in `flash` if there is one that fits, else by the
/// program's. Compares the model with its checksum first; if it is damaged, every answer says so.
pub fn serve<F: Flash>(board: &mut impl Board, flash: &mut F, memory: &mut Memory) -> ! {
    let Memory { request, answer, scratch, outputs, second, hidden } = memory;
    let mut next: Result<&[u8], Fault> = Ok(b"m");
    loop {
        let model = if F::EXISTS { flash::model(flash).unwrap_or(DIGITS) } else { DIGITS };
        let network = model.verify().and_then(|()| model.quantized_any());
        let mut state = network.and_then(|network| {
            let learner = Learner::new(network, second, hidden, outputs).map_err(ModelError::Size)?;
            Ok(State { model, network, learner, scratch })
        });
        while !matches!(next, Ok([b'e' | b'u', ..])) {
            let mut answer = Answer { room: answer, len: 0 };
            let written = match (next, &mut state) {
                (Err(fault), _) => answer.error(fault),
                (_, Err(error)) => answer.error(error),
                (Ok(request), Ok(state)) => state.answer::<F>(board, request, &mut answer),
            };
            debug_assert!(written.is_ok(), "there is room for every answer");
            next = exchange(board, answer.bytes(), request);
        }
        // No network is open while flash is written.
        while let Ok(request_of_flash @ [b'e' | b'u', ..]) = next {
            let mut answer = Answer { room: answer, len: 0 };
            let written = update(flash, request_of_flash, &mut answer);
            debug_assert!(written.is_ok(), "there is room for every answer");
            next = exchange(board, answer.bytes(), request);
        }
    }
}

/// Sends an answer, and waits for the next request.
#[inline(never)] // two calls
fn exchange<'m>(board: &mut impl Board, answer: &[u8], request: &'m mut [u8]) -> Result<&'m [u8], Fault> {
    send(|byte| board.write(byte), answer);
    receive(|| Some(board.read()), request)
}

/// Erases and writes flash.
fn update<F: Flash>(flash: &mut F, request: &[u8], answer: &mut Answer<'_>) -> fmt::Result {
    if !F::EXISTS {
        return answer.error(flash::NONE);
    }
    // A `usize` has 32 bits here.
    let number = |bytes: &[u8; 4]| usize::try_from(u32::from_le_bytes(*bytes)).unwrap_or(usize::MAX);
    let done = match request {
        [b'e', a, b, c, d] => flash.erase(number(&[*a, *b, *c, *d])),
        [b'u'] => match flash::model(flash) {
            Ok(_) => Ok(()),
            Err(error) => return answer.error(error),
        },
        [b'u', a, b, c, d, bytes @ ..] => flash.write(number(&[*a, *b, *c, *d]), bytes),
        _ => Err(UNKNOWN),
    };
    match done {
        Ok(()) => answer.push(request.get(..1).unwrap_or_default()),
        Err(error) => answer.error(error),
    }
}

const UNKNOWN: &str = "an unknown request, or one of another length";

struct State<'f, 'm> {
    model: Model<'f>,
    network: QuantizedNetwork<'f, true>,
    learner: Learner<'f, 'm>,
    scratch: &'m mut [u32],
}

impl State<'_, '_> {
    fn answer<F: Flash>(&mut self, board: &mut impl Board, request: &[u8], answer: &mut Answer<'_>) -> fmt::Result {
        let Self { model, network, learner, scratch } = self;
        // What is read of the program's own model is found while it is compiled.
        let model = if F::EXISTS { model } else { &DIGITS };
        let start = board.cycles();
        let done = match *request {
            [b'm'] => {
                answer.push(b"m")?;
                answer.push(&crc32(model.bytes()).to_le_bytes())?;
                return [PIXELS, HIDDEN, OUTPUTS]
                    .iter()
                    .try_for_each(|&size| answer.push(&u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()));
            }
            [b'f'] => {
                learner.forget();
                return answer.push(b"f");
            }
            // Nothing, of a class without a name.
            [b'n', class] => {
                let name = model.details().ok().and_then(|details| details.class_name(class)).unwrap_or_default();
                answer.push(b"n")?;
                return answer.push(name.as_bytes().get(..ANSWER - 1 - CRC).unwrap_or(name.as_bytes()));
            }
            // Nothing, of a model without a table.
            [b'p', a, b, c, d] => {
                answer.push(b"p")?;
                return model
                    .confidence()
                    .map_or(Ok(()), |table| answer.push(&[table.of(u32::from_le_bytes([a, b, c, d]))]));
            }
            [b'w', low, high] => {
                let unit = usize::from(u16::from_le_bytes([low, high]));
                let Some(row) = learner.second_layer().get(unit * OUTPUTS..).and_then(|rows| rows.get(..OUTPUTS))
                else {
                    return answer.error(format_args!("no hidden unit {unit}; there are {HIDDEN}"));
                };
                answer.push(b"w")?;
                return row.iter().try_for_each(|weight| answer.push(&weight.to_le_bytes()));
            }
            [b'c', ref pixels @ ..] => network.outputs(pixels, scratch),
            [b'a', ref pixels @ ..] => learner.outputs(pixels, scratch),
            [b'l', label, ref pixels @ ..] => match learner.learn(pixels, label, scratch) {
                Ok(outputs) => Ok(outputs),
                Err(error) => return answer.error(error),
            },
            _ => return answer.error(UNKNOWN),
        };
        let cycles = board.cycles().wrapping_sub(start) & 0x00FF_FFFF;
        let outputs = match done {
            Ok(outputs) => outputs,
            Err(error) => return answer.error(error),
        };
        let twolayer::Answer { class, margin } = twolayer::Answer::of(outputs);
        answer.push(request.get(..1).unwrap_or_default())?;
        answer.push(&[class])?;
        answer.push(&margin.to_le_bytes())?;
        answer.push(&cycles.to_le_bytes())?;
        outputs.iter().try_for_each(|output| answer.push(&output.to_le_bytes()))
    }
}

/// An answer being written.
struct Answer<'m> {
    room: &'m mut [u8],
    len: usize,
}

impl Answer<'_> {
    fn push(&mut self, bytes: &[u8]) -> fmt::Result {
        let place = self.room.get_mut(self.len..).and_then(|rest| rest.get_mut(..bytes.len())).ok_or(fmt::Error)?;
        place.iter_mut().zip(bytes).for_each(|(place, &byte)| *place = byte);
        self.len += bytes.len();
        Ok(())
    }

    fn error(&mut self, error: impl fmt::Display) -> fmt::Result {
        self.len = 0;
        write!(self, "!{error}")
    }

    fn bytes(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Write for Answer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes())
    }
}
