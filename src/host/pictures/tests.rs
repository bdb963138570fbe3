//! Files of every kind against what went into them; damaged ones against an error.

use super::png::encode;
use super::{GreyPicture, GreyPictureError, MAX_PIXELS, PictureFileError, colour, decode, orientation};
use crate::support::Dice;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use jpeg_encoder::{ColorType as Colours, Encoder as Jpeg, SamplingFactor};
use png::{BitDepth, ColorType};
use std::io::Write;

const W: u32 = 13;
const H: u32 = 9;
const PIXELS: usize = 13 * 9;

fn grey(bytes: &[u8]) -> GreyPicture {
    GreyPicture::from_bytes("test", bytes).unwrap()
}

fn refused(bytes: &[u8]) -> PictureFileError {
    match GreyPicture::from_bytes("test", bytes) {
        Err(GreyPictureError::Decode { error, .. }) => error,
        other => panic!("{:?}", other.map(|picture| (picture.width, picture.height))),
    }
}

fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..len).map(|_| u8::try_from(dice.below(256)).unwrap()).collect()
}

fn png(color: ColorType, depth: BitDepth, data: &[u8], more: impl Fn(&mut png::Encoder<'_, &mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, W, H);
    encoder.set_color(color);
    encoder.set_depth(depth);
    more(&mut encoder);
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    bytes
}

/// The luma over white, in f64.
fn naive(rgb: [u8; 3], alpha: u8) -> u8 {
    let [r, g, b] = rgb.map(f64::from);
    let luma = f64::from(level(0.299 * r + 0.587 * g + 0.114 * b));
    let alpha = f64::from(alpha) / 255.0;
    level(luma * alpha + 255.0 * (1.0 - alpha))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a level")]
fn level(value: f64) -> u8 {
    // So that a half, of which f64 may fall short, is rounded up.
    (value + 0.5 + 1e-9).floor() as u8
}

#[test]
fn other_formats_are_named_with_a_command_that_converts_them() {
    for (bytes, format) in [
        (&b"II*\0\x08"[..], "TIFF"),
        (b"MM\0*\0", "TIFF"),
        (b"\0\0\0\x1cftypavif", "AVIF"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypmif1", "HEIC"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns", "SVG"),
        (b"<?xml version", "SVG"),
    ] {
        let error = GreyPicture::from_bytes("a file", bytes).unwrap_err().to_string();
        assert!(error.starts_with(&format!("a file: this is a {format} file; expected PNG")), "{error}");
        assert!(error.contains(": convert it first, for example with `"), "{error}");
    }
    let unknown = GreyPicture::from_bytes("a file", b"\0\0\0\x18ftypqt  ").unwrap_err().to_string();
    assert!(unknown.contains("unknown picture format"), "{unknown}");
}

/// White strokes whose shape is in alpha alone: a canvas over a dark page. Dark ones are over white, as ever.
#[test]
fn light_ink_on_transparency_is_over_black() {
    let alpha: Vec<u8> = noise(PIXELS, 3).iter().map(|&byte| byte.saturating_sub(128)).collect();
    let of = |colour: u8| {
        let data: Vec<u8> = alpha.iter().flat_map(|&alpha| [colour, colour, colour, alpha]).collect();
        grey(&png(ColorType::Rgba, BitDepth::Eight, &data, |_| ())).pixels().to_vec()
    };
    assert!(alpha.contains(&0));
    assert_eq!(of(255), alpha);
    assert_eq!(of(0), alpha.iter().map(|alpha| 255 - alpha).collect::<Vec<_>>());
}

/// A bar of one colour on a ground of another, 40 × 40, with more over it.
fn bar(ground: [u8; 3], ink: [u8; 3], more: impl Fn(usize, [u8; 3]) -> [u8; 3]) -> Vec<[u8; 3]> {
    let inside = |at: &usize| (18..22).contains(&(at % 40)) && (8..32).contains(&(at / 40));
    (0..1600).map(|at| more(at, if inside(&at) { ink } else { ground })).collect()
}

#[test]
fn ink_of_the_luma_of_its_ground_is_parted_by_one_colour() {
    let noise = noise(1600, 7);
    for (ground, ink, channel) in [
        ([0, 102, 0], [200, 0, 0], 0),
        ([90, 195, 185], [240, 150, 60], 0),
        ([176, 176, 176], [230, 150, 170], 0),
        ([100, 162, 100], [160, 100, 158], 1),
        ([0, 0, 0], [0, 0, 255], 2),
        ([255, 255, 255], [255, 255, 0], 2),
    ] {
        // In light that falls off to the right, with noise.
        let pixels = bar(ground, ink, |at, rgb| {
            rgb.map(|level| level.saturating_sub(u8::try_from(at % 40 / 4).unwrap()).saturating_sub(noise[at] % 4))
        });
        let expected: Vec<u8> = pixels.iter().map(|rgb| rgb[channel]).collect();
        assert_eq!(colour::of_rgb(pixels.as_flattened(), 40), expected, "{ground:?}");
        let rgba: Vec<u8> = pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
        assert_eq!(colour::of_rgba(&rgba, 40), expected, "{ground:?}");
        // Rows before columns: light that falls off downwards.
        let turned: Vec<_> = (0..1600).map(|at| pixels[at % 40 * 40 + at / 40]).collect();
        let expected: Vec<u8> = turned.iter().map(|rgb| rgb[channel]).collect();
        assert_eq!(colour::of_rgb(turned.as_flattened(), 40), expected, "{ground:?}");
        // As JPEG stores colours, in which they are rounded.
        let jpeg = jpeg(pixels.as_flattened(), 40, 40, Colours::Rgb, |e| e.set_sampling_factor(SamplingFactor::F_1_1));
        let off = grey(&jpeg).pixels().iter().zip(&pixels).map(|(a, rgb)| a.abs_diff(rgb[channel])).max();
        assert!(off.unwrap() < 40, "{ground:?}: {off:?}");
    }
}

#[test]
fn ink_that_is_seen_in_grey_stays_grey() {
    let white = [255; 3];
    let luma = |pixels: &[[u8; 3]]| -> Vec<u8> { pixels.iter().map(|&rgb| naive(rgb, 255)).collect() };
    for (ground, ink) in [
        (white, [0; 3]),
        (white, [255, 0, 0]),
        (white, [0, 255, 0]),
        (white, [0, 0, 255]),
        (white, [255, 165, 0]),
        (white, [235, 235, 240]),
        ([30, 30, 30], [200, 150, 60]),
        ([250, 240, 150], [40, 60, 170]),
    ] {
        let pixels = bar(ground, ink, |_, rgb| rgb);
        assert_eq!(colour::of_rgb(pixels.as_flattened(), 40), luma(&pixels), "{ink:?}");
    }
    // A watermark: large, pale, and seen best in blue.
    for ink in [[20; 3], [150; 3], [60, 70, 160]] {
        let mark =
            |at: usize, [r, g, b]: [u8; 3]| if (at / 400).is_multiple_of(2) { [r, g, b.min(215)] } else { [r, g, b] };
        let pixels = bar(white, ink, mark);
        assert_eq!(colour::of_rgb(pixels.as_flattened(), 40), luma(&pixels), "{ink:?}");
    }
    // Too few pixels to tell.
    for (width, height) in [(1, 1), (2, 1), (1, 3), (2, 2), (3, 2)] {
        let pixels: Vec<[u8; 3]> = (0..width * height).map(|at| [0, 0, [0, 255][at as usize % 2]]).collect();
        assert_eq!(colour::of_rgb(pixels.as_flattened(), width).len(), pixels.len());
    }
    assert!(colour::of_rgb(&[], 0).is_empty());
}

#[test]
fn every_kind_of_png() {
    let all = |bytes: &[u8], expected: &[u8]| {
        let picture = grey(bytes);
        assert_eq!((picture.width(), picture.height()), (W, H));
        assert_eq!(picture.pixels(), expected);
    };
    let plain = |_: &mut png::Encoder<'_, &mut Vec<u8>>| ();
    let data = noise(PIXELS * 8, 1);
    let n = |count| &data[..PIXELS * count];
    let rgb: Vec<_> = n(3).chunks(3).map(|p| naive([p[0], p[1], p[2]], 255)).collect();
    let rgba: Vec<_> = n(4).chunks(4).map(|p| naive([p[0], p[1], p[2]], p[3])).collect();
    let with_alpha: Vec<_> = n(2).chunks(2).map(|p| naive([p[0]; 3], p[1])).collect();
    all(&png(ColorType::Grayscale, BitDepth::Eight, n(1), plain), n(1));
    all(&png(ColorType::GrayscaleAlpha, BitDepth::Eight, n(2), plain), &with_alpha);
    all(&png(ColorType::Rgb, BitDepth::Eight, n(3), plain), &rgb);
    all(&png(ColorType::Rgba, BitDepth::Eight, n(4), plain), &rgba);
    // 16 bits: the upper byte.
    let wide = |count| n(count).iter().flat_map(|&byte| [byte, byte ^ 0x5A]).collect::<Vec<_>>();
    all(&png(ColorType::Grayscale, BitDepth::Sixteen, &wide(1), plain), n(1));
    all(&png(ColorType::GrayscaleAlpha, BitDepth::Sixteen, &wide(2), plain), &with_alpha);
    all(&png(ColorType::Rgb, BitDepth::Sixteen, &wide(3), plain), &rgb);
    all(&png(ColorType::Rgba, BitDepth::Sixteen, &wide(4), plain), &rgba);
    // One, two and four bits: rows end on a byte.
    for (depth, bits) in [(BitDepth::One, 1), (BitDepth::Two, 2), (BitDepth::Four, 4)] {
        let row = (W as usize * bits).div_ceil(8);
        let packed = &data[..row * H as usize];
        let sample = |i: usize| {
            let (x, y) = (i % W as usize, i / W as usize);
            packed[y * row + x * bits / 8] >> (8 - bits - x * bits % 8) & ((1 << bits) - 1)
        };
        let scaled: Vec<_> = (0..PIXELS).map(|i| sample(i) * (255 / ((1 << bits) - 1))).collect();
        all(&png(ColorType::Grayscale, depth, packed, plain), &scaled);
        // A palette, and the transparency of its first colours.
        let colours = noise(3 << bits, 2);
        let palette = |e: &mut png::Encoder<'_, &mut Vec<u8>>| {
            e.set_palette(colours.clone());
            e.set_trns(vec![0, 100]);
        };
        let looked_up: Vec<_> = (0..PIXELS)
            .map(|i| {
                let index = usize::from(sample(i));
                let colour = &colours[3 * index..][..3];
                naive([colour[0], colour[1], colour[2]], [0, 100].get(index).copied().unwrap_or(255))
            })
            .collect();
        all(&png(ColorType::Indexed, depth, packed, palette), &looked_up);
    }
    // One transparent colour.
    let transparent = |e: &mut png::Encoder<'_, &mut Vec<u8>>| e.set_trns(vec![0, data[5]]);
    let expected: Vec<_> = n(1).iter().map(|&p| if p == data[5] { 255 } else { p }).collect();
    all(&png(ColorType::Grayscale, BitDepth::Eight, n(1), transparent), &expected);
    all(&interlaced(n(1)), n(1));
    // What this module writes.
    all(&encode(n(1), W, H).unwrap(), n(1));
}

#[test]
fn every_kind_of_pnm() {
    let samples = noise(PIXELS * 3, 3);
    let rgb: Vec<_> = samples.chunks(3).map(|p| naive([p[0], p[1], p[2]], 255)).collect();
    let grey_samples = &samples[..PIXELS];
    let text = |samples: &[u8]| samples.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n ");
    let pixels = |bytes: Vec<u8>| {
        let picture = grey(&bytes);
        assert_eq!((picture.width(), picture.height()), (W, H));
        picture.pixels().to_vec()
    };
    assert_eq!(pixels([b"P5\n# a comment 1 2\n13 9\n255\n", grey_samples].concat()), grey_samples);
    assert_eq!(pixels([b"P6 13 # and another\n\n 9 255\n", &samples[..]].concat()), rgb);
    assert_eq!(pixels(format!("P2 13 9 255 {}", text(grey_samples)).into()), grey_samples);
    assert_eq!(pixels(format!("P3\r\n13 9\r\n255\r\n{}\r\n", text(&samples)).into()), rgb);
    // A first level that looks like a space, and more after the picture.
    let spaces = [&[b' ', b'\n', 9, 13, b'#'][..], &grey_samples[5..]].concat();
    assert_eq!(pixels([b"P5 13 9 255\n", &spaces[..], b"P5"].concat()), spaces);
    // Other maxima, rounded.
    let low: Vec<_> = grey_samples.iter().map(|p| p % 8).collect();
    let scaled: Vec<_> = low.iter().map(|&p| level(f64::from(p) * 255.0 / 7.0)).collect();
    assert_eq!(pixels([b"P5 13 9 7\n", &low[..]].concat()), scaled);
    let wide = |p: &u8| [*p / 16, *p ^ 0x3C];
    let bytes: Vec<_> = grey_samples.iter().flat_map(wide).collect();
    let scaled: Vec<_> =
        grey_samples.iter().map(|p| level(f64::from(u16::from_be_bytes(wide(p))) * 255.0 / 4095.0)).collect();
    assert_eq!(pixels([b"P5 13 9 4095\n", &bytes[..]].concat()), scaled);

    for (file, words) in [
        (&b"P5 13 9 255"[..], "0 of 117 bytes of levels"),
        (b"P5 13 9", "no maximum in its header"),
        (b"P5 13 99999999999 1", "no height in its header"),
        (b"P6 13 9 255 \n", "1 of 351 bytes of levels"),
        (b"P2 2 1 255 7", "1 of 2 levels"),
        (b"P2 2 1 255 7 x", "1 of 2 levels"),
        (b"P2 2 1 15 7 16", "a level above 15"),
        (b"P2 2 1 0 7 16", "a maximum of 0"),
        (b"P2 2 1 65536 7 16", "a maximum of 65536"),
    ] {
        let error = refused(file).to_string();
        assert!(error.starts_with(&format!("the PNM file is damaged or truncated: {words}")), "{error}");
    }
}

/// A BMP file: a header of that length, what stands behind it, and the pixels. A height below zero is from the top down.
fn bmp(header: u32, height: i32, [bits, packing]: [u8; 2], beside: &[u8], raster: &[u8]) -> Vec<u8> {
    let mut file = [b"BM\0\0\0\0\0\0\0\0\0\0\0\0", &header.to_le_bytes()[..]].concat();
    if header == 12 {
        file.extend([u8::try_from(W).unwrap(), 0, u8::try_from(height).unwrap(), 0, 1, 0, bits, 0]);
    } else {
        file.extend([W.to_le_bytes(), height.to_le_bytes(), [1, 0, bits, 0], [packing, 0, 0, 0]].as_flattened());
        // The sizes, and the numbers of colours: as many as there can be.
        file.extend([0; 20]);
    }
    file.extend(beside);
    // What is not known of the header is zero.
    file.resize(file.len().max(14 + header as usize), 0);
    let start = u32::try_from(file.len()).unwrap();
    file[10..14].copy_from_slice(&start.to_le_bytes());
    [file, raster.to_vec()].concat()
}

/// A raster of rows, each filled up to a multiple of four bytes.
fn filled_up<const N: usize>(pixels: &[[u8; N]]) -> Vec<u8> {
    let rows = pixels.chunks(W as usize);
    rows.flat_map(|row| {
        let mut row = row.as_flattened().to_vec();
        row.resize(row.len().next_multiple_of(4), 99);
        row
    })
    .collect()
}

/// The rows in the opposite order.
fn overturned<T: Clone>(pixels: &[T]) -> Vec<T> {
    pixels.chunks(W as usize).rev().flatten().cloned().collect()
}

#[test]
fn every_kind_of_bmp() {
    let (up, down) = (9, -9);
    let all = |bytes: &[u8], expected: &[u8]| {
        let picture = grey(bytes);
        assert_eq!((picture.width(), picture.height()), (W, H));
        assert_eq!(picture.pixels(), expected);
    };
    let data = noise(PIXELS * 4, 1);
    // One byte or less: numbers of colours.
    let colours = noise(4 * 256, 2);
    let looked_up = |index: u8| {
        let at = &colours[4 * usize::from(index)..];
        naive([at[2], at[1], at[0]], 255)
    };
    for bits in [1, 2, 4, 8] {
        let indices: Vec<u8> =
            data[..PIXELS].iter().map(|index| index & u8::try_from((1 << bits) - 1).unwrap()).collect();
        let expected: Vec<u8> = indices.iter().copied().map(looked_up).collect();
        let packed: Vec<u8> = indices
            .chunks(W as usize)
            .flat_map(|row| {
                let bytes = row.chunks(8 / bits);
                let mut bytes: Vec<u8> = bytes
                    .map(|part| {
                        part.iter().enumerate().fold(0, |byte, (i, index)| byte | index << (8 - bits - i * bits))
                    })
                    .collect();
                bytes.resize(bytes.len().next_multiple_of(4), 99);
                bytes
            })
            .collect();
        let palette = &colours[..4 << bits];
        let kind = [u8::try_from(bits).unwrap(), 0];
        all(&bmp(40, down, kind, palette, &packed), &expected);
        all(&bmp(40, up, kind, palette, &packed), &overturned(&expected));
        // The oldest header, with colours of three bytes.
        let short: Vec<u8> = palette.chunks(4).flat_map(|colour| [colour[0], colour[1], colour[2]]).collect();
        all(&bmp(12, up, kind, &short, &packed), &overturned(&expected));
        // Fewer colours than there can be: the others are black.
        let mut few = bmp(40, down, kind, palette, &packed);
        few[46] = 1;
        let first = |&index: &u8| if index == 0 { looked_up(0) } else { 0 };
        all(&few, &indices.iter().map(first).collect::<Vec<_>>());
    }
    // Colours of two to four bytes.
    let [two, three, four]: [Vec<_>; 3] = [2, 3, 4].map(|size| data.chunks(size).take(PIXELS).collect());
    let rgb: Vec<u8> = three.iter().map(|p| naive([p[2], p[1], p[0]], 255)).collect();
    let raster = filled_up::<3>(data[..3 * PIXELS].as_chunks().0);
    all(&bmp(40, down, [24, 0], &[], &raster), &rgb);
    all(&bmp(12, up, [24, 0], &[], &raster), &overturned(&rgb));
    all(&bmp(124, up, [24, 0], &[], &raster), &overturned(&rgb));
    let rgb: Vec<u8> = four.iter().map(|p| naive([p[2], p[1], p[0]], 255)).collect();
    all(&bmp(40, up, [32, 0], &[], &data), &overturned(&rgb));
    let raster = filled_up::<2>(data[..2 * PIXELS].as_chunks().0);
    let part = |value: u16, low: u32, bits: u32| {
        level(f64::from(value >> low & ((1 << bits) - 1)) * 255.0 / f64::from((1 << bits) - 1))
    };
    let words = || two.iter().map(|p| u16::from_le_bytes([p[0], p[1]]));
    let rgb: Vec<u8> = words().map(|v| naive([part(v, 10, 5), part(v, 5, 5), part(v, 0, 5)], 255)).collect();
    all(&bmp(40, down, [16, 0], &[], &raster), &rgb);
    // Masks behind the header or in it, with alpha or without.
    let masks = |masks: [u32; 4]| masks.map(u32::to_le_bytes).as_flattened().to_vec();
    let rgb: Vec<u8> = words().map(|v| naive([part(v, 11, 5), part(v, 5, 6), part(v, 0, 5)], 255)).collect();
    all(&bmp(40, down, [16, 3], &masks([0xF800, 0x7E0, 0x1F, 0])[..12], &raster), &rgb);
    let rgba = masks([0xFF, 0xFF00, 0x00FF_0000, 0xFF00_0000]);
    let opaque: Vec<u8> = four.iter().map(|p| naive([p[0], p[1], p[2]], 255)).collect();
    let clear: Vec<u8> = four.iter().map(|p| naive([p[0], p[1], p[2]], p[3])).collect();
    all(&bmp(40, down, [32, 3], &rgba[..12], &data), &opaque);
    all(&bmp(40, down, [32, 6], &rgba, &data), &clear);
    all(&bmp(52, down, [32, 3], &rgba[..12], &data), &opaque);
    all(&bmp(56, down, [32, 3], &rgba, &data), &clear);
    all(&bmp(108, up, [32, 3], &rgba, &data), &overturned(&clear));
    // Runs, pixels as they are, an odd number of them too, an early end of a row, a step, and what is left out.
    let runs =
        [&[5, 7, 0, 3, 1, 2, 3, 0, 0, 4, 9, 8, 7, 6, 200, 5, 0, 0][..], &[2, 3, 0, 0, 0, 2, 4, 1, 1, 2, 0, 1, 9]]
            .concat();
    let mut indices = vec![0; PIXELS];
    indices[..13].copy_from_slice(&[7, 7, 7, 7, 7, 1, 2, 3, 9, 8, 7, 6, 5]);
    indices[13..15].fill(3);
    indices[3 * 13 + 4] = 2;
    let expected: Vec<u8> = indices.into_iter().map(looked_up).collect();
    all(&bmp(40, up, [8, 1], &colours, &runs), &overturned(&expected));
    let runs = [5, 0x78, 0, 3, 0x12, 0x30, 0, 6, 0x45, 0x67, 0x89, 0, 0, 0, 2, 0xAB, 0, 1];
    let mut indices = vec![0; PIXELS];
    indices[..13].copy_from_slice(&[7, 8, 7, 8, 7, 1, 2, 3, 4, 5, 6, 7, 8]);
    indices[13..15].copy_from_slice(&[10, 11]);
    let expected: Vec<u8> = indices.into_iter().map(looked_up).collect();
    all(&bmp(40, up, [4, 2], &colours[..64], &runs), &overturned(&expected));

    for (file, words) in [
        (b"BM".to_vec(), "2 bytes, which are no header"),
        (bmp(40, up, [24, 0], &[], &[])[..33].to_vec(), "33 bytes, which are no header"),
        (bmp(39, up, [24, 0], &[], &[]), "a header of 39 bytes, where 12 or at least 40 are expected"),
        (bmp(40, up, [24, 0], &[], &data[..359]), "359 of 360 bytes of pixels"),
        (bmp(40, up, [24, 4], &[], &data), "24 bits for a pixel, packed in way 4"),
        (bmp(40, up, [7, 0], &[], &data), "7 bits for a pixel, packed in way 0"),
        (bmp(40, up, [8, 1], &colours, &[5, 7, 0]), "runs without an end"),
        (bmp(40, up, [8, 1], &colours, &[0; 40]), "runs without an end"),
    ] {
        let error = refused(&file).to_string();
        assert!(error.starts_with(&format!("the BMP file is damaged or truncated: {words}")), "{error}");
    }
}

fn gif(pixels: &[u8], transparent: Option<u8>, interlaced: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let side = |side: u32| u16::try_from(side).unwrap();
    // A canvas that is larger than the picture.
    let mut encoder = gif::Encoder::new(&mut bytes, side(W + 5), side(H + 4), &noise(3 * 256, 2)).unwrap();
    let mut frame = gif::Frame::from_indexed_pixels(side(W), side(H), pixels, transparent);
    (frame.left, frame.top) = (2, 3);
    if interlaced {
        frame.interlaced = true;
        let rows = [(0, 8), (4, 8), (2, 4), (1, 2)].map(|(first, step)| (first..H as usize).step_by(step));
        let rows = rows.into_iter().flatten().flat_map(|y| &pixels[y * W as usize..][..W as usize]);
        frame.buffer = rows.copied().collect();
    }
    encoder.write_frame(&frame).unwrap();
    // Another picture, which is not read.
    encoder.write_frame(&gif::Frame::from_indexed_pixels(3, 2, [1; 6], None)).unwrap();
    drop(encoder);
    bytes
}

#[test]
fn every_kind_of_gif() {
    let (indices, colours) = (noise(PIXELS, 1), noise(3 * 256, 2));
    let level = |index: u8, clear: Option<u8>| {
        let at = &colours[3 * usize::from(index)..];
        naive([at[0], at[1], at[2]], if clear == Some(index) { 0 } else { 255 })
    };
    for clear in [None, Some(indices[7])] {
        let expected: Vec<u8> = indices.iter().map(|&index| level(index, clear)).collect();
        for interlaced in [false, true] {
            let picture = grey(&gif(&indices, clear, interlaced));
            assert_eq!((picture.width(), picture.height()), (W, H));
            assert_eq!(picture.pixels(), expected);
        }
    }
    let none = refused(b"GIF89a\x01\0\x01\0\0\0\0;;").to_string();
    assert_eq!(none, "the GIF file is damaged or truncated: no picture in it; save or copy it again");
}

/// A lossy picture of `smooth(40, 24)`, as libwebp makes it at a quality of 90.
const LOSSY: &[u8] = include_bytes!("../../../tests/pictures/lossy.webp");

fn lossless(
    data: &[u8],
    colours: image_webp::ColorType,
    more: impl Fn(&mut image_webp::WebPEncoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
    more(&mut encoder);
    encoder.encode(data, W, H, colours).unwrap();
    bytes
}

/// A part of a WebP file.
fn part(name: [u8; 4], body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_le_bytes();
    let mut part = [&name, &len, body].concat();
    part.resize(part.len().next_multiple_of(2), 0);
    part
}

/// A WebP file of a size and parts. Flags: 16 for alpha, 2 for an animation.
fn extended(flags: u8, [width, height]: [u32; 2], parts: &[Vec<u8>]) -> Vec<u8> {
    let side = |side: u32| [0, 1, 2].map(|i| (side - 1).to_le_bytes()[i]);
    let header = part(*b"VP8X", &[&[flags, 0, 0, 0][..], &side(width), &side(height)].concat());
    part(*b"RIFF", &[b"WEBP", &header[..], &parts.concat()].concat())
}

#[test]
fn every_kind_of_webp() {
    use image_webp::ColorType::{L8, La8, Rgb8, Rgba8};
    let all = |bytes: &[u8], expected: &[u8]| {
        let picture = grey(bytes);
        assert_eq!((picture.width(), picture.height()), (W, H));
        assert_eq!(picture.pixels(), expected);
    };
    let data = noise(PIXELS * 4, 1);
    let n = |count| &data[..PIXELS * count];
    let rgb: Vec<_> = n(3).chunks(3).map(|p| naive([p[0], p[1], p[2]], 255)).collect();
    let rgba: Vec<_> = n(4).chunks(4).map(|p| naive([p[0], p[1], p[2]], p[3])).collect();
    let with_alpha: Vec<_> = n(2).chunks(2).map(|p| naive([p[0]; 3], p[1])).collect();
    all(&lossless(n(1), L8, |_| ()), n(1));
    all(&lossless(n(2), La8, |_| ()), &with_alpha);
    all(&lossless(n(3), Rgb8, |_| ()), &rgb);
    all(&lossless(n(4), Rgba8, |_| ()), &rgba);
    // Exif data, with the name before them or not.
    let reversed: Vec<_> = rgba.iter().rev().copied().collect();
    for name in [&b""[..], b"Exif\0\0"] {
        all(&lossless(n(4), Rgba8, |e| e.set_exif_metadata([name, &exif(3)].concat())), &reversed);
    }
    // Lossy; then with alpha beside it, which is stored as it is.
    let rgb = smooth(40, 24);
    let lossy = grey(LOSSY).pixels().to_vec();
    let off = |p: &[u8], level: u8| naive([p[0], p[1], p[2]], 255).abs_diff(level);
    assert!(rgb.chunks(4).zip(&lossy).all(|(p, &level)| off(p, level) <= 4));
    assert_eq!(crate::base::crc32(&lossy), 3_562_196_184);
    let alpha = noise(40 * 24, 5);
    let beside = part(*b"ALPH", &[&[0], &alpha[..]].concat());
    let expected: Vec<_> = lossy.iter().zip(&alpha).map(|(&level, &alpha)| naive([level; 3], alpha)).collect();
    let clear = extended(16, [40, 24], &[beside.clone(), LOSSY[12..].to_vec()]);
    assert_eq!(grey(&clear).pixels(), expected);

    // A lossy part has the size of the picture, and there are no animations.
    let mut large = LOSSY[12..].to_vec();
    large[14..18].copy_from_slice(&[0xFF, 0x3F, 0xFF, 0x3F]);
    let error = refused(&extended(0, [40, 24], &[large])).to_string();
    assert!(error.starts_with("the WebP file is damaged or truncated: a part of another size"), "{error}");
    let frame = part(*b"ANMF", &[&[0, 0, 0, 0, 0, 0, 39, 0, 0, 23, 0, 0, 9, 0, 0, 0], &LOSSY[12..]].concat());
    let error = refused(&extended(2, [40, 24], &[part(*b"ANIM", &[0; 6]), frame])).to_string();
    assert!(error.starts_with("this is a WebP animation file; expected PNG"), "{error}");
}

fn jpeg(data: &[u8], width: u16, height: u16, colours: Colours, more: impl Fn(&mut Jpeg<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Jpeg::new(&mut bytes, 95);
    more(&mut encoder);
    encoder.encode(data, width, height, colours).unwrap();
    bytes
}

/// A smooth picture of three colours, of 4 samples a pixel.
fn smooth(width: u16, height: u16) -> Vec<u8> {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places.flat_map(|(x, y)| [40 + x * 2, 200 - y * 2, 20 + x + y, 0].map(|v| u8::try_from(v).unwrap())).collect()
}

#[test]
fn every_kind_of_jpeg() {
    let (width, height) = (53, 41);
    let rgba = smooth(width, height);
    let rgb: Vec<_> = rgba.chunks(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    let luma: Vec<_> = rgb.chunks(3).map(|p| naive([p[0], p[1], p[2]], 255)).collect();
    let close = |what: &str, bytes: &[u8]| {
        let picture = grey(bytes);
        assert_eq!((picture.width(), picture.height()), (width.into(), height.into()));
        let off = picture.pixels().iter().zip(&luma).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off.unwrap() <= 1, "{what}: {off:?}");
    };
    for progressive in [false, true] {
        for sampling in [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_2_2, SamplingFactor::F_1_2] {
            let more = |e: &mut Jpeg<&mut Vec<u8>>| {
                e.set_progressive(progressive);
                e.set_sampling_factor(sampling);
                e.set_restart_interval(3);
            };
            close("rgb", &jpeg(&rgb, width, height, Colours::Rgb, more));
        }
        let more = |e: &mut Jpeg<&mut Vec<u8>>| e.set_progressive(progressive);
        close("luma", &jpeg(&luma, width, height, Colours::Luma, more));
        // Ink on paper is what a printer's four colours leave of white.
        let cmyk: Vec<_> = rgba.chunks(4).flat_map(|p| [255 - p[0], 255 - p[1], 255 - p[2], 0]).collect();
        close("cmyk", &jpeg(&cmyk, width, height, Colours::Cmyk, more));
        close("ycck", &jpeg(&cmyk, width, height, Colours::CmykAsYcck, more));
    }
    // Trailing bytes are ignored, as telephones add them.
    let plain = jpeg(&rgb, width, height, Colours::Rgb, |_| ());
    let pixels = grey(&plain).pixels().to_vec();
    assert_eq!(grey(&[&plain[..], b"more"].concat()).pixels(), pixels);
    // The decoder's bits are the same on every machine.
    assert_eq!(crate::base::crc32(&pixels), 4_165_104_544);
}

/// An Exif block with an orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let header = b"MM\0\x2A\0\0\0\x08\0\x01";
    [&header[..], &[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0], &[0; 4]].concat()
}

#[test]
fn orientation_is_applied() {
    // A, B, C over D, E, F, as the picture is stored in each orientation, and comes out upright.
    let stored = [
        (1, 3, "ABCDEF"),
        (2, 3, "CBAFED"),
        (3, 3, "FEDCBA"),
        (4, 3, "DEFABC"),
        (5, 2, "ADBECF"),
        (6, 2, "CFBEAD"),
        (7, 2, "FCEBDA"),
        (8, 2, "DAEBFC"),
    ];
    for (number, width, text) in stored {
        assert_eq!(orientation::of(&exif(number)), u32::from(number));
        let (pixels, width, height) = orientation::apply(number.into(), text.into(), width, 6 / width);
        assert_eq!((str::from_utf8(&pixels).unwrap(), width, height), ("ABCDEF", 3, 2), "{number}");
    }
    for other in [&exif(0)[..], &exif(9), b"", b"MM\0\x2A\0\0\0\x08\0\x01", b"no exif"] {
        assert_eq!(orientation::of(other), 1);
    }
    let rgba = smooth(24, 16);
    let rgb: Vec<_> = rgba.chunks(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    let upright = grey(&jpeg(&rgb, 24, 16, Colours::Rgb, |_| ()));
    let turned = grey(&jpeg(&rgb, 24, 16, Colours::Rgb, |e| e.add_exif_metadata(&exif(6)).unwrap()));
    assert_eq!((turned.width(), turned.height()), (16, 24));
    let expected = orientation::apply(6, upright.pixels().to_vec(), 24, 16);
    assert_eq!(turned.pixels(), expected.0);
    let data = noise(PIXELS, 4);
    let mut file = encode(&data, W, H).unwrap();
    file.splice(33..33, chunk(*b"eXIf", &exif(3)));
    let reversed: Vec<_> = data.iter().rev().copied().collect();
    assert_eq!(grey(&file).pixels(), reversed);
}

/// A chunk of a PNG file.
fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&name, data].concat();
    let len = u32::try_from(data.len()).unwrap();
    [&len.to_be_bytes()[..], &body, &crate::base::crc32(&body).to_be_bytes()].concat()
}

/// An interlaced PNG, by the seven passes of its specification.
fn interlaced(pixels: &[u8]) -> Vec<u8> {
    let passes = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)];
    let mut raster = ZlibEncoder::new(Vec::new(), Compression::fast());
    for (left, columns, top, rows) in passes {
        for y in (top..H as usize).step_by(rows) {
            // A row without a filter.
            raster.write_all(&[0]).unwrap();
            for x in (left..W as usize).step_by(columns) {
                raster.write_all(&[pixels[y * W as usize + x]]).unwrap();
            }
        }
    }
    let header = [&W.to_be_bytes()[..], &H.to_be_bytes(), &[8, 0, 0, 0, 1]].concat();
    let parts = [(*b"IHDR", header), (*b"IDAT", raster.finish().unwrap()), (*b"IEND", Vec::new())];
    let chunks = parts.iter().flat_map(|(name, data)| chunk(*name, data));
    b"\x89PNG\r\n\x1A\n".iter().copied().chain(chunks).collect()
}

/// A PNG file whose header says any size.
fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let mut file = encode(&[0; 4], 2, 2).unwrap();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    file.splice(8..33, chunk(*b"IHDR", &header));
    file
}

#[test]
fn large_pictures_are_refused_by_their_header() {
    let side = u32::try_from(MAX_PIXELS.isqrt()).unwrap();
    for (width, height) in [(20_000, 20_000), (16_385, 1), (1, 16_385), (side, side + 1), (1 << 31, 1 << 31)] {
        let size = PictureFileError::Size { width, height };
        // Longer sides than 2³¹ − 1 are no PNG.
        if width < 1 << 31 {
            assert_eq!(refused(&png_of_size(width, height)), size);
        }
        for kind in 2..=6 {
            if kind != 4 {
                assert_eq!(refused(format!("P{kind} {width} {height} 255\n").as_bytes()), size);
            }
        }
    }
    for (width, height) in [(20_000, 20_000), (16_385, 1), (1, 16_385), (side, side + 1)] {
        let size = PictureFileError::Size { width, height };
        let sides = [width, height].map(u32::to_le_bytes);
        let mut file = bmp(40, 9, [24, 0], &[], &[]);
        file[18..26].copy_from_slice(sides.as_flattened());
        assert_eq!(refused(&file), size);
        assert_eq!(refused(&extended(0, [width, height], &[LOSSY[12..].to_vec()])), size);
        let mut file = gif(&[0; PIXELS], None, false);
        let frame = file.windows(9).position(|part| part == [0x2C, 2, 0, 3, 0, 13, 0, 9, 0]).unwrap();
        file[frame + 5..frame + 9].copy_from_slice(&[sides[0][0], sides[0][1], sides[1][0], sides[1][1]]);
        assert_eq!(refused(&file), size);
    }
    let mut file = jpeg(&[0; 64], 8, 8, Colours::Luma, |_| ());
    let frame = file.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    file[frame + 5..frame + 9].copy_from_slice(&[0x4E, 0x20, 0x4E, 0x20]);
    assert_eq!(refused(&file), PictureFileError::Size { width: 20_000, height: 20_000 });
    // One that lies within the limits.
    let error = refused(&png_of_size(4000, 4000));
    assert!(matches!(&error, PictureFileError::Damaged { format: "PNG", .. }), "{error}");
    assert!(matches!(refused(&png_of_size(0, 5)), PictureFileError::Damaged { .. } | PictureFileError::Size { .. }));
}

#[test]
fn smaller_pictures_are_means() {
    let picture = GreyPicture::new("test", (0..35).collect(), 7, 5).unwrap();
    let reduced = |side| {
        let picture = picture.reduced(side);
        (picture.width(), picture.height(), picture.pixels().to_vec())
    };
    assert_eq!(reduced(7), (7, 5, (0..35).collect()));
    // (0 + 1 + 7 + 8) / 4, and so on; what is left over at the edges is left out.
    assert_eq!(reduced(6), (3, 2, vec![4, 6, 8, 18, 20, 22]));
    assert_eq!(reduced(3), (2, 1, vec![8, 11]));
    assert_eq!(reduced(1), (1, 1, vec![17]));
    assert_eq!(reduced(0), reduced(1));
}

#[test]
fn files_are_pictures_by_their_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    for (bytes, expected) in [(&encode(&[9], 1, 1).unwrap()[..], true), (b"P5 ", true), (b"%PDF", false), (b"", false)]
    {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(GreyPicture::is_picture(&path).unwrap(), expected);
    }
    assert!(GreyPicture::is_picture(&folder.path().join("none")).is_err());
}

#[test]
fn other_files_are_no_pictures() {
    assert_eq!(refused(b""), PictureFileError::Empty);
    for file in [&b"notes, not a picture"[..], b"P", b"P5", b"P7\nWIDTH 3", b"\xFF\xD8", b"\x89PN", b"P50"] {
        let found = file[..file.len().min(8)].to_vec();
        assert_eq!(refused(file), PictureFileError::Unknown { found });
    }
    let error = refused(b"\xFF\xD8\0\"").to_string();
    assert!(
        error.contains("the file begins with \"\\xff\\xd8\\x00\\\"\"; expected PNG, JPEG, WebP, BMP, GIF, PGM or PPM"),
        "{error}"
    );
}

/// Cut anywhere, or with any byte changed, a file is an error or a picture; cut, it is always an error.
#[test]
fn damage_is_found_or_harmless() {
    let rgba = smooth(40, 24);
    let rgb: Vec<_> = rgba.chunks(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    let jpeg = |progressive| {
        jpeg(&rgb, 40, 24, Colours::Rgb, |e| {
            e.set_progressive(progressive);
            e.add_exif_metadata(&exif(6)).unwrap();
        })
    };
    let turned = {
        let mut file = encode(&noise(PIXELS, 5), W, H).unwrap();
        file.splice(33..33, chunk(*b"eXIf", &exif(3)));
        file
    };
    let palette = png(ColorType::Indexed, BitDepth::Four, &noise(7 * 9, 6), |e| {
        e.set_palette(noise(48, 7));
        e.set_trns(vec![9]);
    });
    let pnm = [b"P6 # comment\n13 9 255\n", &noise(PIXELS * 3, 8)[..]].concat();
    let colours = noise(4 * 256, 11);
    let (rgb, indices) = (noise(PIXELS * 3, 12), noise(PIXELS, 13));
    let bmps = [
        bmp(40, 9, [24, 0], &[], &filled_up::<3>(rgb.as_chunks().0)),
        bmp(12, 9, [8, 0], &colours[..768], &filled_up::<1>(indices.as_chunks().0)),
        bmp(40, 9, [4, 2], &colours[..64], &[5, 0x78, 0, 3, 0x12, 0x30, 0, 0, 0, 2, 3, 4, 9, 1, 0, 1]),
    ];
    let gifs = [gif(&indices, Some(3), false), gif(&indices, None, true)];
    let exif = |e: &mut image_webp::WebPEncoder<&mut Vec<u8>>| e.set_exif_metadata(exif(6));
    let clear = extended(16, [40, 24], &[part(*b"ALPH", &[0; 961]), LOSSY[12..].to_vec()]);
    let webps = [LOSSY.to_vec(), clear, lossless(&rgb, image_webp::ColorType::Rgb8, exif)];
    let others = [jpeg(false), jpeg(true), turned, interlaced(&noise(PIXELS, 10)), palette, pnm];
    for file in others.into_iter().chain(bmps).chain(gifs).chain(webps) {
        assert!(decode(&file).is_ok());
        for len in 0..file.len() {
            assert!(decode(&file[..len]).is_err(), "{len} of {} bytes of {:?}", file.len(), &file[..4]);
        }
        let mut dice = Dice::new(9);
        for at in 0..file.len() {
            for _ in 0..4 {
                let mut changed = file.clone();
                changed[at] = u8::try_from(dice.below(256)).unwrap();
                if let Ok(picture) = GreyPicture::from_bytes("changed", &changed) {
                    assert_eq!(picture.pixels().len(), picture.width() as usize * picture.height() as usize);
                }
            }
        }
    }
}
