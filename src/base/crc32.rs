//! The checksum of model files.

/// The CRC-32 of IEEE 802.3, as zlib computes it (reflected polynomial `0xEDB88320`).
///
/// Four bits a step: the table of 64 bytes suits a microcontroller's flash. Costs 10 instructions a byte on a Cortex-M4. With the
/// feature `crc-table` it is eight bits a step, a table of a kilobyte, and 4.3 instructions a byte.
#[must_use]
pub const fn crc32(bytes: &[u8]) -> u32 {
    !update(!0, bytes)
}

/// The CRC-32 of bytes and others that follow them.
pub(crate) fn crc32_of_both(first: &[u8], second: &[u8]) -> u32 {
    !update(update(!0, first), second)
}

/// Bits of a step.
const BITS: u32 = if cfg!(feature = "crc-table") { 8 } else { 4 };

/// What the bits of a step become, by their value.
static TABLE: [u32; 1 << BITS] = {
    let mut table = [0; 1 << BITS];
    let mut index = 0_u32;
    while index < 1 << BITS {
        let mut rest = index;
        let mut bit = 0;
        while bit < BITS {
            rest = if rest & 1 == 1 { rest >> 1 ^ 0xEDB8_8320 } else { rest >> 1 };
            bit += 1;
        }
        table[index as usize] = rest;
        index += 1;
    }
    table
};

/// The inverted checksum, gone on with.
#[inline(never)] // called twice when a model is opened
const fn update(mut crc: u32, bytes: &[u8]) -> u32 {
    let (mut words, bytes): (&[[u8; 4]], _) = if BITS == 8 { bytes.as_chunks() } else { (&[], bytes) };
    while let Some((&word, rest)) = words.split_first() {
        crc = step(step(step(step(crc ^ u32::from_le_bytes(word)))));
        words = rest;
    }
    let mut index = 0;
    while index < bytes.len() {
        crc = step(crc ^ bytes[index] as u32);
        crc = if BITS == 8 { crc } else { step(crc) };
        index += 1;
    }
    crc
}

const fn step(crc: u32) -> u32 {
    crc >> BITS ^ TABLE[crc as usize & (TABLE.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_zlibs() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32_of_both(b"1234", b"56789"), 0xCBF4_3926);
        // Of every length, against a bit a step.
        let bytes: [u8; 40] = core::array::from_fn(|index| u8::try_from(index * 37 % 256).unwrap());
        for len in 0..bytes.len() {
            let bit = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
            let byte = |crc, &byte: &u8| (0..8).fold(crc ^ u32::from(byte), bit);
            assert_eq!(crc32(&bytes[..len]), !bytes[..len].iter().fold(!0, byte), "{len} bytes");
        }
    }
}
