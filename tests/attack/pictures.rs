//! Pictures with bytes changed, through the command line: an answer, or an error that says why there is none.

use super::models::changed;
use super::run::{Outcome, Sandbox};
use super::{Dice, assert_civil, report, rounds};
use std::fs;

/// A bar on paper, in formats with headers that can lie.
fn sound() -> Vec<Vec<u8>> {
    let (width, height) = (40, 44);
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let indices: Vec<u8> = places.map(|(x, y)| u8::from((8..36).contains(&y) && (18..22).contains(&x))).collect();
    let colours = [230, 220, 200, 20, 30, 90];
    let mut gif = Vec::new();
    let mut encoder = gif::Encoder::new(&mut gif, width, height, &colours).unwrap();
    encoder.write_frame(&gif::Frame::from_indexed_pixels(width, height, &indices[..], None)).unwrap();
    drop(encoder);
    let rgb: Vec<u8> = indices.iter().flat_map(|&index| &colours[3 * usize::from(index)..][..3]).copied().collect();
    let mut webp = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut webp);
    encoder.encode(&rgb, width.into(), height.into(), image_webp::ColorType::Rgb8).unwrap();
    let header = [54, 0, 0, 0, 40, 0, 0, 0, 40, 0, 0, 0, 44, 0, 0, 0, 1, 0, 24, 0, 0, 0, 0, 0];
    let bmp = [b"BM\0\0\0\0\0\0\0\0", &header[..], &[0; 20], &rgb].concat();
    vec![gif, webp, bmp, include_bytes!("../pictures/lossy.webp").to_vec()]
}

/// Where memory is short, a large picture is an error that says so, or an answer: never an abort.
#[cfg(target_os = "linux")]
#[test]
fn large_pictures_where_memory_is_short() {
    use jpeg_encoder::{ColorType, Encoder};
    const SIDE: u16 = 2000;
    let sandbox = Sandbox::trained().replacing();
    let ink = |x: u16, y: u16| (500..1500).contains(&y) && (900..1100).contains(&x);
    let places = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
    let levels: Vec<u8> = places.map(|(x, y)| if ink(x, y) { 20 } else { 235 }).collect();
    let several = |count: usize| levels.iter().flat_map(|&level| vec![level; count]).collect::<Vec<u8>>();
    let jpeg = |progressive, samples: &[u8], colours| {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 90);
        encoder.set_progressive(progressive);
        encoder.encode(samples, SIDE, SIDE, colours).unwrap();
        bytes
    };
    let with_alpha: Vec<u8> = levels.iter().flat_map(|&level| [level, level, level, 255]).collect();
    let mut webp = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut webp);
    encoder.encode(&with_alpha, SIDE.into(), SIDE.into(), image_webp::ColorType::Rgba8).unwrap();
    let pictures = [
        jpeg(true, &several(4), ColorType::Cmyk),
        jpeg(true, &several(3), ColorType::Rgb),
        jpeg(false, &several(3), ColorType::Rgb),
        webp,
        [b"P6 2000 2000 255\n", &several(3)[..]].concat(),
    ];
    let (mut answered, mut refused) = (0, 0);
    for picture in &pictures {
        fs::write(sandbox.work().join("x"), picture).unwrap();
        for megabytes in [50, 70, 90, 120] {
            let program = env!("CARGO_BIN_EXE_twolayer");
            let line = format!("ulimit -v {}; exec {program} predict --model m.twolayer --one x", megabytes * 1000);
            let ran: Outcome = sandbox.command_for("sh", &["-c", &line]).into();
            assert_civil(&ran);
            if ran.code == Some(1) {
                ran.failed(&["memory"]);
                refused += 1;
            } else {
                answered += 1;
            }
        }
    }
    assert!(answered > 0 && refused > 0, "{answered} answered, {refused} refused");
    report(&format!("large pictures where memory is short: {answered} answered, {refused} refused; no abort"));
}

#[test]
fn mangled_pictures_on_the_command_line() {
    let (sandbox, mut dice, pictures) = (Sandbox::trained().replacing(), Dice::new(), sound());
    let (mut answered, rounds) = (0, rounds(100, 5000));
    for _ in 0..rounds {
        let original = dice.one_of(&pictures);
        fs::write(sandbox.work().join("x"), changed(&mut dice, original, 64)).unwrap();
        let ran = sandbox.run(&["predict", "--model", "m.twolayer", "x"]);
        assert_civil(&ran);
        answered += u32::from(ran.code == Some(0));
    }
    report(&format!("pictures on the command line: {rounds} mangled; {answered} answered; no crash"));
}
