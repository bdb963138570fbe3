//! Compressed data sets. Any bytes, and archives made of any contents, in any number of members, with zeros behind: what comes
//! out is the contents to the byte, if they are as long as their IDX header announces, and else an error.

#![no_main]

use flate2::{Compression, GzBuilder};
use libfuzzer_sys::fuzz_target;
use std::io::{Read, Write};
use twolayer::Idx;
use twolayer::host::dataset::expand_bytes;
use twolayer_fuzz::Draw;

fuzz_target!(|bytes: &[u8]| {
    if let Some(contents) = expand(bytes) {
        assert_eq!(plainly(bytes), contents);
        assert!(Idx::parse(&contents).is_ok());
    }
    let Some((&[members, level, zeros, harm], contents)) = bytes.split_first_chunk() else { return };
    let share = contents.len() / (1 + usize::from(members) % 4) + 1;
    let mut archive: Vec<u8> = contents.chunks(share).flat_map(|part| compressed(part, level)).collect();
    archive.resize(archive.len() + usize::from(zeros) % 9, 0);
    let expected = Some(contents.to_vec()).filter(|contents| Idx::parse(contents).is_ok());
    // Without contents there is no member.
    if !contents.is_empty() {
        assert_eq!(expand(&archive), expected);
    }
    // One byte changed: the same, where the byte means nothing, or an error.
    if let Some(mut draw) = Draw::new(&[harm, members, level]) {
        let at = draw.below(archive.len().max(1));
        if let Some(byte) = archive.get_mut(at) {
            *byte ^= harm;
            assert!([None, expected].contains(&expand(&archive)), "byte {at} changed");
        }
    }
});

/// A member, of any level, whose header has an extra field, a name and a comment, or not.
fn compressed(part: &[u8], choice: u8) -> Vec<u8> {
    let mut header = GzBuilder::new();
    if choice & 16 != 0 {
        header = header.extra(part.iter().take(9).copied().collect::<Vec<_>>());
    }
    if choice & 32 != 0 {
        header = header.filename("name").comment("comment");
    }
    let mut encoder = header.write(Vec::new(), Compression::new(u32::from(choice % 10)));
    encoder.write_all(part).expect("to memory");
    encoder.finish().expect("to memory")
}

fn expand(archive: &[u8]) -> Option<Vec<u8>> {
    match expand_bytes(archive) {
        Ok(contents) => Some(contents),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// All members, without a look at the contents.
fn plainly(mut archive: &[u8]) -> Vec<u8> {
    let mut contents = Vec::new();
    while archive.iter().any(|byte| *byte != 0) {
        let mut member = flate2::bufread::GzDecoder::new(archive);
        member.read_to_end(&mut contents).expect("a whole member");
        archive = member.into_inner();
        let zeros = archive.iter().take_while(|byte| **byte == 0).count();
        archive = &archive[zeros..];
    }
    contents
}
