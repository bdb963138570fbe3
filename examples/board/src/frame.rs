//! Frames on a serial line: where one begins and ends, and whether it is whole. The host uses the same file.
//!
//! A frame is its bytes, at least one, their CRC-32 (that of zlib, little-endian), and [`END`]. Within it, an `END` is sent
//! as [`ESC`] and [`ESC_END`], and an `ESC` as `ESC` and [`ESC_ESC`], as in SLIP (RFC 1055). So an `END` on the line always
//! ends a frame, and whatever was lost or damaged before it, the next frame is read. An `END` sent first ends what noise
//! may have left; nothing between two of them is no frame.

use core::fmt;
use twolayer::crc32;

/// Ends a frame.
pub(crate) const END: u8 = 0xC0;
/// Announces one of the two bytes below.
pub(crate) const ESC: u8 = 0xDB;
/// After [`ESC`], stands for [`END`].
pub(crate) const ESC_END: u8 = 0xDC;
/// After [`ESC`], stands for [`ESC`].
pub(crate) const ESC_ESC: u8 = 0xDD;
/// Bytes of the checksum.
pub(crate) const CRC: usize = 4;

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Longer than any that is expected.
    Long {
        /// The most bytes there may be, checksum included.
        most: usize,
    },
    /// Nothing but a checksum, or less.
    Short {
        /// The bytes found.
        found: usize,
    },
    /// A byte that must not follow [`ESC`].
    Escape {
        /// The byte.
        found: u8,
    },
    /// The checksum is that of other bytes.
    Checksum {
        /// The checksum in the frame.
        found: u32,
        /// That of its bytes.
        expected: u32,
    },
    /// The line was closed.
    Closed,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Long { most } => write!(f, "a frame of more than {most} bytes"),
            Self::Short { found } => write!(f, "a frame of {found} bytes; at least {} are needed", CRC + 1),
            Self::Escape { found } => write!(f, "the byte {found:#04x} after an escape"),
            Self::Checksum { found, expected } => {
                write!(f, "the frame's checksum is {found:#010x}; that of its bytes is {expected:#010x}")
            }
            Self::Closed => f.write_str("the line is closed"),
        }
    }
}

/// Waits for the next frame, and gives its bytes without the checksum. `read` gives the next byte of the line, or `None`
/// when it is closed.
///
/// # Errors
///
/// A [`Fault`]. Only a frame's end ends it, so that the next call finds the next frame.
pub(crate) fn receive(mut read: impl FnMut() -> Option<u8>, room: &mut [u8]) -> Result<&[u8], Fault> {
    let (mut len, mut escape, mut wrong) = (0, false, None);
    loop {
        let mut byte = read().ok_or(Fault::Closed)?;
        if byte == END {
            if (len, escape) == (0, false) && wrong.is_none() {
                continue;
            }
            break;
        }
        if escape {
            byte = match byte {
                ESC_END => END,
                ESC_ESC => ESC,
                found => {
                    wrong = wrong.or(Some(Fault::Escape { found }));
                    found
                }
            };
            escape = false;
        } else if byte == ESC {
            escape = true;
            continue;
        }
        match room.get_mut(len) {
            Some(place) => {
                *place = byte;
                len += 1;
            }
            None => wrong = wrong.or(Some(Fault::Long { most: len })),
        }
    }
    if escape {
        wrong = wrong.or(Some(Fault::Escape { found: END }));
    }
    let short = Fault::Short { found: len };
    let (bytes, &found) = room.get(..len).and_then(<[u8]>::split_last_chunk::<CRC>).ok_or(wrong.unwrap_or(short))?;
    let (found, expected) = (u32::from_le_bytes(found), crc32(bytes));
    match wrong {
        Some(fault) => Err(fault),
        None if bytes.is_empty() => Err(short),
        None if found != expected => Err(Fault::Checksum { found, expected }),
        None => Ok(bytes),
    }
}

/// Sends a frame; `write` sends a byte.
pub(crate) fn send(mut write: impl FnMut(u8), bytes: &[u8]) {
    for &byte in bytes.iter().chain(&crc32(bytes).to_le_bytes()) {
        let (first, second) = match byte {
            END => (ESC, Some(ESC_END)),
            ESC => (ESC, Some(ESC_ESC)),
            byte => (byte, None),
        };
        write(first);
        second.map(&mut write);
    }
    write(END);
}
