//! The loop: a frame with a request comes in, a frame with an answer goes out. The README lists them.

use crate::frame::{CRC, Fault, receive, send};
use crate::learner::Learner;
use crate::{Board, DIGITS};
use core::fmt::{self, Write as _};
use twolayer::{ModelError, QuantizedNetwork, crc32};

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

/// Sends an answer to `m` when it starts, then answers requests, for ever. Compares the model with its checksum first; if it
/// is damaged, every answer says so.
pub fn serve(board: &mut impl Board, memory: &mut Memory) -> ! {
    let Memory { request, answer, scratch, outputs, second, hidden } = memory;
    let network = DIGITS.verify().and_then(|()| DIGITS.quantized_any());
    let mut state = network.and_then(|network| {
        let learner = Learner::new(network, second, hidden, outputs).map_err(ModelError::Size)?;
        Ok(State { network, learner, scratch })
    });
    let mut next: Result<&[u8], Fault> = Ok(b"m");
    loop {
        let mut answer = Answer { room: answer, len: 0 };
        let written = match (next, &mut state) {
            (Err(fault), _) => answer.error(fault),
            (_, Err(error)) => answer.error(error),
            (Ok(request), Ok(state)) => state.answer(board, request, &mut answer),
        };
        debug_assert!(written.is_ok(), "there is room for every answer");
        send(|byte| board.write(byte), answer.bytes());
        next = receive(|| Some(board.read()), request);
    }
}

struct State<'m> {
    network: QuantizedNetwork<'static, true>,
    learner: Learner<'static, 'm>,
    scratch: &'m mut [u32],
}

impl State<'_> {
    fn answer(&mut self, board: &mut impl Board, request: &[u8], answer: &mut Answer<'_>) -> fmt::Result {
        let Self { network, learner, scratch } = self;
        let start = board.cycles();
        let done = match *request {
            [b'm'] => {
                answer.push(b"m")?;
                answer.push(&crc32(DIGITS.bytes()).to_le_bytes())?;
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
                let name = DIGITS.details().ok().and_then(|details| details.class_name(class)).unwrap_or_default();
                answer.push(b"n")?;
                return answer.push(name.as_bytes().get(..ANSWER - 1 - CRC).unwrap_or(name.as_bytes()));
            }
            // Nothing, of a model without a table.
            [b'p', a, b, c, d] => {
                answer.push(b"p")?;
                return DIGITS
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
            _ => return answer.error("an unknown request, or one of another length"),
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
