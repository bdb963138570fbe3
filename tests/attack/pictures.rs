//! Pictures with bytes changed, through the command line: an answer, or an error that says why there is none.

use super::models::changed;
use super::run::Sandbox;
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

#[test]
fn mangled_pictures_on_the_command_line() {
    let (sandbox, mut dice, pictures) = (Sandbox::trained(), Dice::new(), sound());
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
