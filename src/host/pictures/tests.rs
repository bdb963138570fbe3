//! Files of every kind against what went into them; damaged ones against an error.

use super::png::encode;
use super::{GreyPicture, GreyPictureError, MAX_PIXELS, PictureFileError, decode, orientation};
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
        (&b"RIFF\x24\0\0\0WEBPVP8 "[..], "WebP"),
        (b"BM6\x0c\0\0", "BMP"),
        (b"GIF89a", "GIF"),
        (b"II*\0\x08", "TIFF"),
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
fn other_files_are_no_pictures() {
    assert_eq!(refused(b""), PictureFileError::Empty);
    for file in [&b"notes, not a picture"[..], b"P", b"P5", b"P7\nWIDTH 3", b"\xFF\xD8", b"\x89PN", b"P50"] {
        let found = file[..file.len().min(8)].to_vec();
        assert_eq!(refused(file), PictureFileError::Unknown { found });
    }
    let error = refused(b"\xFF\xD8\0\"").to_string();
    assert!(error.contains("the file begins with \"\\xff\\xd8\\x00\\\"\"; expected PNG, JPEG, PGM or PPM"), "{error}");
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
    for file in [jpeg(false), jpeg(true), turned, interlaced(&noise(PIXELS, 10)), palette, pnm] {
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
