//! The checksum of model files.

/// The CRC-32 of IEEE 802.3, as zlib computes it (reflected polynomial `0xEDB88320`).
///
/// Four bits a step: the table of 64 bytes suits a microcontroller's flash. Costs about 11 instructions a byte.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    !update(!0, bytes)
}

/// The CRC-32 of bytes and others that follow them.
pub(crate) fn crc32_of_both(first: &[u8], second: &[u8]) -> u32 {
    !update(update(!0, first), second)
}

/// The inverted checksum, gone on with.
#[inline(never)] // called twice when a model is opened
fn update(crc: u32, bytes: &[u8]) -> u32 {
    static TABLE: [u32; 16] = {
        let mut table = [0; 16];
        let mut index = 0_u32;
        while index < 16 {
            let mut rest = index;
            let mut bit = 0;
            while bit < 4 {
                rest = if rest & 1 == 1 { rest >> 1 ^ 0xEDB8_8320 } else { rest >> 1 };
                bit += 1;
            }
            table[index as usize] = rest;
            index += 1;
        }
        table
    };
    let step = |crc: u32, bits: u8| crc >> 4 ^ TABLE[(crc ^ u32::from(bits)) as usize & 15];
    bytes.iter().fold(crc, |crc, &byte| step(step(crc, byte), byte >> 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_zlibs() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32_of_both(b"1234", b"56789"), 0xCBF4_3926);
    }
}
