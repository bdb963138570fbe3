//! Models with bytes changed, through the command line and the C interface: what is not the model that was written is refused.
//! With the checksums put right, anything may be accepted, but nothing crashes.

use super::run::{Outcome, Sandbox};
use super::{Dice, assert_civil, report, rounds};
use std::fs;
use twolayer::crc32;
use twolayer::model::HEADER_LEN;

/// Sound models of every kind.
fn sound(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    for command in [
        "train --data data --hidden 9 --recipe fast --model text",
        "quantize --data data --model m.twolayer --out int8",
        "quantize --data data --model m.twolayer --bits 4 --out int4",
    ] {
        sandbox.run(&command.split(' ').collect::<Vec<_>>()).succeeded();
    }
    ["m.twolayer", "text", "int8", "int4"].map(|name| fs::read(sandbox.work().join(name)).unwrap()).to_vec()
}

/// Bytes with something changed, in half of the cases among the first of them.
pub(super) fn changed(dice: &mut Dice, original: &[u8], first: usize) -> Vec<u8> {
    let mut bytes = original.to_vec();
    let at = |dice: &mut Dice, len: usize| {
        let bound = if dice.below(2) == 0 { len.min(first) } else { len };
        dice.below(bound)
    };
    for _ in 0..=dice.below(3) {
        let place = at(dice, bytes.len());
        match dice.below(6) {
            0 | 1 => bytes[place] ^= 1 << dice.below(8),
            2 => bytes.truncate(place.max(1)),
            3 => {
                let more = vec![u8::try_from(dice.below(256)).unwrap(); dice.below(5000)];
                bytes.extend(more);
            }
            4 => {
                let number = *dice.one_of(&[0, 1, 2, 15, 16, 255, 256, 65_535, 65_536, 0x7fff_ffff, u32::MAX]);
                if let Some(word) = bytes.get_mut(place / 4 * 4..place / 4 * 4 + 4) {
                    word.copy_from_slice(&number.to_le_bytes());
                }
            }
            _ => {
                let (from, len) = (at(dice, bytes.len()), dice.below(64));
                let piece: Vec<u8> = bytes[from..].iter().take(len).copied().collect();
                bytes[place..].iter_mut().zip(piece).for_each(|(to, byte)| *to = byte);
            }
        }
    }
    bytes
}

/// A model with something changed, and whether its checksums were put right.
fn mangled(dice: &mut Dice, models: &[Vec<u8>]) -> (Vec<u8>, bool) {
    loop {
        let original = dice.one_of(models);
        let mut bytes = changed(dice, original, HEADER_LEN);
        if bytes == *original {
            continue;
        }
        let right = bytes.len() >= HEADER_LEN && dice.below(2) == 0;
        if right {
            let payload = crc32(&bytes[HEADER_LEN..]);
            bytes[56..60].copy_from_slice(&payload.to_le_bytes());
            let header = crc32(&bytes[..60]);
            bytes[60..64].copy_from_slice(&header.to_le_bytes());
        }
        return (bytes, right);
    }
}

#[test]
fn mangled_models_on_the_command_line() {
    let (sandbox, mut dice) = (Sandbox::trained().replacing(), Dice::new());
    let models = sound(&sandbox);
    let (mut accepted, rounds) = (0, rounds(100, 5000));
    for round in 0..rounds {
        let (bytes, right) = mangled(&mut dice, &models);
        fs::write(sandbox.work().join("x.twolayer"), &bytes).unwrap();
        let command = ["info", "eval", "predict", "quantize", "export"][round as usize % 5];
        let more = match command {
            "eval" => &["--data", "data"][..],
            "predict" => &["--data", "data", "--index", "0"],
            "quantize" => &["--data", "data", "--out", "y.twolayer"],
            "export" => &["--out", "y.npz"],
            _ => &[],
        };
        let ran = sandbox.run(&[&[command, "--model", "x.twolayer"], more].concat());
        assert_civil(&ran);
        assert!(right || ran.code == Some(1), "{command} took what is not a model: {ran:#?}");
        accepted += u32::from(ran.code == Some(0));
    }
    report(&format!(
        "models on the command line: {rounds} mangled; {accepted} accepted, all of them with checksums put right; no crash"
    ));
}

#[cfg(feature = "ffi")]
#[test]
fn mangled_models_through_the_c_interface() {
    use core::mem::zeroed;
    use twolayer::ffi::{Model, Status, twolayer_classify, twolayer_open, twolayer_open_any, twolayer_open_f32};
    let (sandbox, mut dice) = (Sandbox::trained().replacing(), Dice::new());
    let models = sound(&sandbox);
    let (mut accepted, rounds) = (0, rounds(20_000, 1_000_000));
    for _ in 0..rounds {
        let (bytes, right) = mangled(&mut dice, &models);
        // As words, so that they are aligned.
        let mut words = vec![0_u32; bytes.len().div_ceil(4)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(&bytes);
        for open in [twolayer_open, twolayer_open_any, twolayer_open_f32] {
            // SAFETY: numbers and a pointer, of which all may be zero.
            let mut model: Model = unsafe { zeroed() };
            // SAFETY: a local variable, and bytes with their length.
            let status = unsafe { open(&raw mut model, words.as_ptr().cast(), bytes.len()) };
            assert!(right || status != Status::Ok, "what is not a model was opened");
            if status != Status::Ok {
                continue;
            }
            accepted += 1;
            let image = vec![200_u8; model.pixels as usize];
            let mut scratch = vec![0_u32; model.scratch_words];
            let (pixels, words, mut label) = (image.as_ptr(), scratch.as_mut_ptr(), 0_u32);
            // SAFETY: an open model, and memory of the lengths that it asks for.
            let status = unsafe {
                twolayer_classify(&raw const model, pixels, image.len(), words, scratch.len(), &raw mut label)
            };
            // Weights may be finite and so large that outputs are not.
            let none = status == Status::NotFinite && model.bits == 32;
            assert!(none || status == Status::Ok && label < model.outputs, "{status:?}, {label} of {}", model.outputs);
        }
    }
    report(&format!(
        "models through the C interface: {rounds} mangled, each opened in three ways; {accepted} opened, all of them with \
         checksums put right; no crash"
    ));
}

/// The sandbox's own program, on files that are not models at all.
#[test]
fn other_files_are_no_models() {
    let sandbox = Sandbox::trained().replacing();
    for file in ["data/train-images-idx3-ubyte", "/proc/self/status", "/dev/null", "/dev/zero", "/dev/urandom"] {
        let ran: Outcome = sandbox.run(&["info", "--model", file]);
        assert_civil(&ran);
        assert_eq!(ran.code, Some(1), "{file}: {ran:#?}");
    }
}

/// A model whose text has something changed, with the checksums put right.
fn mangled_text(dice: &mut Dice, original: &[u8]) -> Vec<u8> {
    let at = original.windows(8).position(|window| window == b"recipe: ").unwrap();
    loop {
        let mut bytes = original[..at].to_vec();
        let mut text = original[at..].to_vec();
        for _ in 0..=dice.below(3) {
            let (place, from) = (dice.below(text.len()), dice.below(text.len()));
            match dice.below(4) {
                0 => text[place] = *dice.one_of(b"0123456789 -.\n:ae|"),
                1 => text.truncate(place.max(1)),
                2 => text.insert(place, *dice.one_of(b"0123456789 -\n")),
                _ => {
                    let piece: Vec<u8> = text[from..].iter().take(dice.below(30)).copied().collect();
                    text.splice(place..place, piece);
                }
            }
        }
        // It may ask for work without end, which is then done.
        let words = String::from_utf8_lossy(&text).into_owned();
        let number = |option: &str| {
            words.split(option).skip(1).any(|rest| {
                rest.starts_with(|c: char| c.is_ascii_digit()) && {
                    rest.split(|c: char| !c.is_ascii_digit()).next().is_some_and(|digits| digits.len() > 2)
                }
            })
        };
        if number("--epochs ") || number("--hidden ") || text == original[at..] {
            continue;
        }
        bytes.extend(text);
        let len = u32::try_from(bytes.len() - at).unwrap();
        bytes[48..52].copy_from_slice(&len.to_le_bytes());
        let payload = crc32(&bytes[HEADER_LEN..]);
        bytes[56..60].copy_from_slice(&payload.to_le_bytes());
        let header = crc32(&bytes[..60]);
        bytes[60..64].copy_from_slice(&header.to_le_bytes());
        return bytes;
    }
}

/// What a model says of its recipe is read by `verify` and `train --resume`.
#[test]
fn mangled_recipes() {
    let (sandbox, mut dice) = (Sandbox::trained().replacing(), Dice::new());
    let train = "train --data data --hidden 9 --recipe fast --quiet --model text --checkpoint checkpoint";
    sandbox.run(&train.split(' ').collect::<Vec<_>>()).succeeded();
    let [model, checkpoint] = ["text", "checkpoint"].map(|name| fs::read(sandbox.work().join(name)).unwrap());
    let (mut accepted, rounds) = (0, rounds(100, 5000));
    for round in 0..rounds {
        let resumes = round % 2 == 0;
        let bytes = mangled_text(&mut dice, if resumes { &checkpoint } else { &model });
        fs::write(sandbox.work().join("x"), &bytes).unwrap();
        let resume = ["train", "--resume", "x", "--data", "data", "--model", "y", "--quiet"];
        let ran = if resumes { sandbox.run(&resume) } else { sandbox.run(&["verify", "x", "--data", "data"]) };
        assert_civil(&ran);
        accepted += u32::from(ran.code == Some(0));
    }
    report(&format!("recipes: {rounds} mangled, {accepted} followed, no crash"));
}
