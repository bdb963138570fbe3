//! The host's end of the line to a board, for `examples/ask.rs` and `tests/boards.rs`.

use crate::frame::{END, receive, send};
use core::time::Duration;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a command may take until the board is up: it may build the firmware first. One that ends is noticed at once.
const BUILD: Duration = Duration::from_secs(900);

/// Bytes of a model that are written at once. A board has room for an image.
const PIECE: usize = 64;

/// A line to a board that answers.
pub(crate) struct Line {
    from: Receiver<u8>,
    to: Box<dyn Write>,
    emulator: Option<Child>,
}

/// What a board says of its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OnBoard {
    /// The CRC-32 of the model file.
    pub(crate) checksum: u32,
    pub(crate) pixels: u32,
    pub(crate) hidden: u32,
    pub(crate) outputs: u32,
}

/// An answer about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) class: u8,
    pub(crate) margin: u32,
    /// Cycles of the board's processor, modulo 2²⁴.
    pub(crate) cycles: u32,
    pub(crate) outputs: Vec<i32>,
}

impl Line {
    /// Starts a command, an emulator with the serial line on its standard input and output, and waits until the board is up.
    pub(crate) fn command(mut command: Command) -> io::Result<(Self, OnBoard)> {
        let mut emulator = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(to), Some(from)) = (emulator.stdin.take(), emulator.stdout.take()) else {
            return Err(io::Error::other("the command's standard input and output are missing"));
        };
        let mut line = Self { from: bytes(from), to: Box::new(to), emulator: Some(emulator) };
        // A board says what it is when it starts. Bytes sent before that are lost.
        let model = OnBoard::read(&line.answer_within(BUILD)?)?;
        Ok((line, model))
    }

    /// Opens a serial device, at whose other end a board is up.
    pub(crate) fn device(path: &Path) -> io::Result<(Self, OnBoard)> {
        let device = OpenOptions::new().read(true).write(true).open(path)?;
        let set = Command::new("stty").args(["115200", "raw", "-echo"]).stdin(device.try_clone()?).status()?;
        if !set.success() {
            return Err(io::Error::other(format!("stty cannot set {} to 115200 baud", path.display())));
        }
        let mut line = Self { from: bytes(device.try_clone()?), to: Box::new(device), emulator: None };
        // The end of whatever noise there was, which the board may call an error. What is read before the answer to the last
        // request is noise too, or from before.
        line.raw(&[END])?;
        line.send(b"m")?;
        line.send(b"w\0\0")?;
        let mut answer = Vec::new();
        loop {
            match line.answer()? {
                weights if weights.first() == Some(&b'w') => break,
                other => answer = other,
            }
        }
        let model = OnBoard::read(&answer)?;
        Ok((line, model))
    }

    /// What the network in flash makes of an image.
    pub(crate) fn classify(&mut self, image: &[u8]) -> io::Result<Answer> {
        self.image(&[b"c", image].concat())
    }

    /// What the second layer that learns makes of it.
    pub(crate) fn adapted(&mut self, image: &[u8]) -> io::Result<Answer> {
        self.image(&[b"a", image].concat())
    }

    /// The same, then a lesson: the image is of that class.
    pub(crate) fn learn(&mut self, image: &[u8], label: u8) -> io::Result<Answer> {
        self.image(&[b"l", &[label], image].concat())
    }

    /// Forgets all lessons.
    pub(crate) fn forget(&mut self) -> io::Result<()> {
        self.ask(b"f").map(|_| ())
    }

    /// A hidden unit's weights in the second layer that learns.
    pub(crate) fn weights(&mut self, unit: u16) -> io::Result<Vec<i16>> {
        let answer = self.ask(&[&b"w"[..], &unit.to_le_bytes()].concat())?;
        Ok(answer[1..].as_chunks().0.iter().map(|&bytes| i16::from_le_bytes(bytes)).collect())
    }

    /// The name of a class; empty if the model on the board has none.
    pub(crate) fn name(&mut self, class: u8) -> io::Result<String> {
        let answer = self.ask(&[b'n', class])?;
        Ok(String::from_utf8_lossy(&answer[1..]).into_owned())
    }

    /// How likely an answer with this margin is right, in per cent; `None` if the model on the board has no table.
    pub(crate) fn confidence(&mut self, margin: u32) -> io::Result<Option<u8>> {
        let answer = self.ask(&[&b"p"[..], &margin.to_le_bytes()].concat())?;
        Ok(answer.get(1).copied())
    }

    /// Writes a model file into the part of flash that the board keeps for one, its first bytes last, and has the board ask it from now on.
    pub(crate) fn update(&mut self, model: &[u8]) -> io::Result<OnBoard> {
        self.write_rest(model)?;
        self.write(0, model.get(..PIECE).unwrap_or(model))?;
        self.ask(b"u")?;
        OnBoard::read(&self.ask(b"m")?)
    }

    /// Erases what a model file takes there, and writes all of it but the first bytes, without which it is none.
    pub(crate) fn write_rest(&mut self, model: &[u8]) -> io::Result<()> {
        let mut padded = model.to_vec();
        padded.resize(model.len().next_multiple_of(4), 0xFF);
        self.erase(padded.len())?;
        for (number, piece) in padded.chunks(PIECE).enumerate().skip(1) {
            self.write(number * PIECE, piece)?;
        }
        Ok(())
    }

    /// Erases what holds the first bytes of that part.
    pub(crate) fn erase(&mut self, len: usize) -> io::Result<()> {
        let len = u32::try_from(len).map_err(io::Error::other)?;
        self.ask(&[&b"e"[..], &len.to_le_bytes()].concat()).map(|_| ())
    }

    /// Writes a piece of it.
    pub(crate) fn write(&mut self, offset: usize, piece: &[u8]) -> io::Result<()> {
        let offset = u32::try_from(offset).map_err(io::Error::other)?;
        self.ask(&[&b"u"[..], &offset.to_le_bytes(), piece].concat()).map(|_| ())
    }

    /// Sends a request and waits for the answer to it.
    pub(crate) fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.send(request)?;
        let answer = self.answer()?;
        match answer.first() {
            Some(b'!') => Err(io::Error::other(format!("the board says: {}", String::from_utf8_lossy(&answer[1..])))),
            first if first == request.first() => Ok(answer),
            _ => Err(io::Error::other(format!("an answer to another request: {answer:?}"))),
        }
    }

    /// Sends bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.to.flush()
    }

    /// Waits for the next answer.
    pub(crate) fn answer(&mut self) -> io::Result<Vec<u8>> {
        self.answer_within(PATIENCE)
    }

    fn answer_within(&mut self, patience: Duration) -> io::Result<Vec<u8>> {
        let mut room = [0; 4096];
        let answer = receive(|| self.from.recv_timeout(patience).ok(), &mut room);
        answer.map(<[u8]>::to_vec).map_err(|fault| io::Error::other(format!("no answer from the board: {fault}")))
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        let mut frame = Vec::new();
        send(|byte| frame.push(byte), request);
        self.raw(&frame)
    }

    fn image(&mut self, request: &[u8]) -> io::Result<Answer> {
        let answer = self.ask(request)?;
        let [_, class, margin @ .., a, b, c, d] = *answer.first_chunk::<10>().ok_or(io::ErrorKind::InvalidData)?;
        Ok(Answer {
            class,
            margin: u32::from_le_bytes(margin),
            cycles: u32::from_le_bytes([a, b, c, d]),
            outputs: answer[10..].as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes)).collect(),
        })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(emulator) = &mut self.emulator {
            let _ = emulator.kill();
            let _ = emulator.wait();
        }
    }
}

impl OnBoard {
    fn read(answer: &[u8]) -> io::Result<Self> {
        let (words, rest) = answer.get(1..).unwrap_or_default().as_chunks();
        match (answer.first(), words, rest) {
            (Some(b'm'), [checksum, pixels, hidden, outputs], []) => Ok(Self {
                checksum: u32::from_le_bytes(*checksum),
                pixels: u32::from_le_bytes(*pixels),
                hidden: u32::from_le_bytes(*hidden),
                outputs: u32::from_le_bytes(*outputs),
            }),
            _ => Err(io::Error::other(format!("not such a board: {}", String::from_utf8_lossy(answer)))),
        }
    }
}

/// The bytes that are read, one by one, so that one can wait for them with a limit.
fn bytes(mut from: impl Read + Send + 'static) -> Receiver<u8> {
    let (to, bytes) = channel();
    thread::spawn(move || {
        let mut room = [0; 256];
        while let Ok(count @ 1..) = from.read(&mut room) {
            if room[..count].iter().any(|&byte| to.send(byte).is_err()) {
                break;
            }
        }
    });
    bytes
}
