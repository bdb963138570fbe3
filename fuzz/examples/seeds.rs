//! Makes the seeds of all targets anew: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use std::io::Write;
use std::path::Path;
use std::{fs, io};
use twolayer::host::GreyPicture;
use twolayer::host::tensors::{ExportFormat, export};
use twolayer::model::{Details, header};
use twolayer::{Bits, Kind, QuantizedNetwork, Shape, Weights, WeightsMut, crc32, fill_initial};

fn main() -> io::Result<()> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let write = |target: &str, name: &str, bytes: &[u8]| -> io::Result<()> {
        fs::create_dir_all(seeds.join(target))?;
        fs::write(seeds.join(target).join(name), bytes)
    };
    for (name, code, size, dimensions) in [
        ("labels", 8, 1, &[5_u32][..]),
        ("images", 8, 1, &[2, 3, 4]),
        ("flat-images", 8, 1, &[2, 9]),
        ("signed", 9, 1, &[3]),
        ("shorts", 11, 2, &[2, 2]),
        ("ints", 12, 4, &[3]),
        ("floats", 13, 4, &[1, 2]),
        ("doubles", 14, 8, &[2]),
        ("no-images", 8, 1, &[0, 28, 28]),
        ("no-pixels", 8, 1, &[3, 0]),
        ("scalar", 8, 1, &[]),
        ("huge", 8, 1, &[u32::MAX, u32::MAX, u32::MAX]),
    ] {
        let mut file = vec![0, 0, code, dimensions.len() as u8];
        file.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
        let elements = dimensions.iter().fold(1_u32, |n, d| n.saturating_mul(*d));
        file.extend((0..(elements * size).min(100)).map(|n| n as u8));
        write("idx", name, &file)?;
    }
    for (name, inputs, hidden, outputs) in [("smallest", 1, 1, 1), ("small", 5, 3, 2), ("panels", 2, 129, 2)] {
        let shape = Shape::new(inputs, hidden, outputs).expect("a shape");
        let mut numbers = vec![0.0; shape.weights_len()];
        let mut weights = WeightsMut::new(shape, &mut numbers).expect("whole weights");
        fill_initial(&mut weights, 1, 1.0);
        let payload: Vec<u8> = numbers.iter().flat_map(|w| w.to_le_bytes()).collect();
        let header = header(Kind::F32, shape, Details::default(), &payload).expect("a header");
        let mut file = [&header[..], &payload].concat();
        write("model", name, &file)?;
        // Found by fuzzing: once accepted, when its checksum was right.
        file[48] = 1;
        write("model", &format!("{name}-reserved"), &file)?;
    }
    tensors(&seeds.join("tensors"))?;
    sources(&write)?;
    for (name, kind) in [("biased", Kind::F32), ("biased-int8", Kind::Quantized(Bits::Eight))] {
        let shape = Shape::new(6, 3, 2).expect("a shape").with_biases();
        let payload = match kind {
            Kind::F32 => vec![0; 4 * shape.weights_len()],
            Kind::Quantized(bits) => {
                let mut payload = vec![0; QuantizedNetwork::payload_len(shape, bits).expect("a length")];
                (payload[0], payload[16], payload[32]) = (5, 7, 9);
                payload
            }
        };
        let details = Details { image: Some([3, 2]), text: "a → b" };
        let header = header(kind, shape, details, &payload).expect("a header");
        write("model", name, &[&header[..], &payload, details.text.as_bytes()].concat())?;
    }
    for (name, bits) in [("int8", Bits::Eight), ("int4", Bits::Four)] {
        let shape = Shape::new(3, 17, 2).expect("a shape");
        let mut payload = vec![0; QuantizedNetwork::payload_len(shape, bits).expect("a length")];
        payload[16..].iter_mut().zip(0_u8..).for_each(|(to, n)| *to = n.wrapping_mul(37));
        payload[0] = 5;
        let header = header(Kind::Quantized(bits), shape, Details::default(), &payload).expect("a header");
        write("model", name, &[&header[..], &payload].concat())?;
        let shape = Shape::new(6, 17, 2).and_then(|shape| shape.with_halved_images([6, 4])).expect("a shape");
        let mut payload = vec![0; QuantizedNetwork::payload_len(shape, bits).expect("a length")];
        payload[0] = 3;
        let header =
            twolayer::model::header(Kind::Quantized(bits), shape, Details::default(), &payload).expect("a header");
        write("model", &format!("halved-{name}"), &[&header[..], &payload].concat())?;
    }
    // Inputs, hidden units, outputs, samples, block and loss, α, as the target reads them; then bytes of which four in five are
    // zero, and weights.
    for (name, sizes) in [
        ("plain", [8, 4, 2, 5, 0, 99]),
        ("blocks", [1, 214, 2, 19, 1, 200]),
        ("groups", [4, 4, 3, 18, 18, 50]),
        ("chunks", [247, 0, 1, 18, 8, 255]),
        ("panels", [0, 233, 1, 5, 1, 10]),
        ("cross-entropy", [8, 6, 9, 19, 133, 200]),
        ("nothing", [0, 0, 0, 0, 0, 0]),
    ] {
        let rest = (0..257_u32).map(|n| if n % 5 == 0 { (n * 97 % 251) as u8 } else { 0 });
        let bytes: Vec<u8> = sizes.into_iter().chain(rest).chain((0..97).map(|n: u8| n.wrapping_mul(151))).collect();
        write("kernels", name, &bytes)?;
    }
    // Inputs, hidden units, outputs, flags, images, as the target reads them; then pixels and weights: zeros but for one in so
    // many.
    for (name, sizes, one_in) in [
        ("tiles", [8, 39, 9, 0, 67], 5),
        ("panels", [0, 242, 10, 0, 66], 3),
        ("rows", [242, 0, 4, 0, 63], 1),
        ("words", [2, 21, 0, 0, 67], 1),
        ("no-images", [0, 0, 0, 0, 64], 1),
        ("biased", [8, 39, 9, 1, 67], 3),
        ("halved", [8, 39, 9, 2, 67], 3),
    ] {
        let rest = (0..769_u32).map(|n| if n % one_in == 0 { (n * 97 % 251) as u8 } else { 0 });
        let bytes: Vec<u8> = sizes.into_iter().chain(rest).chain((0..97).map(|n: u8| n.wrapping_mul(151))).collect();
        write("quantized", name, &bytes)?;
    }
    // All other choices are as good as any.
    for target in ["made_model", "ffi", "quantize"] {
        for seed in 0..12_u32 {
            let mut state = seed;
            let bytes = (0..32 << (seed % 4)).map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            });
            write(target, &seed.to_string(), &bytes.collect::<Vec<_>>())?;
        }
    }
    archives(&write)?;
    pictures(&write)?;
    picture_files(&seeds.join("picture_file"), &write)
}

/// Members, level, zeros and harm, then contents; and archives.
fn archives(write: &impl Fn(&str, &str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4][..], &[0, 255, 7, 7, 7, 0].repeat(4)].concat();
    let labels = [0, 0, 8, 1, 0, 0, 0, 2, 4, 5];
    write("gzip", "made", &[&[0, 6, 0, 0][..], &images].concat())?;
    write("gzip", "members", &[&[3, 0, 8, 0][..], &images].concat())?;
    write("gzip", "described", &[&[1, 57, 0, 1][..], &labels].concat())?;
    write("gzip", "long", &[&[0, 9, 0, 0, 0, 0, 8, 2, 0, 0, 0, 40, 0, 0, 0, 50][..], &[3; 2000]].concat())?;
    for (name, contents) in [("images", &images[..]), ("labels", &labels), ("short", &labels[..9]), ("empty", &[])] {
        let mut archive = GzEncoder::new(Vec::new(), Compression::best());
        archive.write_all(contents)?;
        write("gzip", name, &archive.finish()?)?;
    }
    Ok(())
}

/// A small network in both formats that are exported, a single array, and what says more of a network.
fn tensors(seeds: &Path) -> io::Result<()> {
    fs::create_dir_all(seeds)?;
    let shape = Shape::new(3, 2, 1).expect("a shape").with_biases();
    let mut numbers = vec![0.0; shape.weights_len()];
    fill_initial(&mut WeightsMut::new(shape, &mut numbers).expect("whole weights"), 1, 1.0);
    let weights = Weights::new(shape, &numbers).expect("whole weights");
    for format in ExportFormat::ALL {
        export(&seeds.join(format.name()), format, weights).map_err(io::Error::other)?;
    }
    fs::write(seeds.join("npy"), array(">f8", "True", "(1, 2)", b"0123456701234567"))?;
    // Two matrices, deflated.
    let matrices =
        [("w1.npy", array("<f4", "False", "(3, 2)", &[1; 24])), ("w2.npy", array("<f2", "True", "(2, 1)", &[2; 4]))];
    fs::write(seeds.join("npz-deflated"), archive(&matrices)?)?;
    // What Keras says of a network, alone and beside weights, and notes of safetensors.
    let layer = |units, activation| {
        format!(r#"{{"class_name":"Dense","config":{{"units":{units},"activation":"{activation}"}}}}"#)
    };
    let layers = [r#"{"class_name":"Flatten","config":{}}"#.into(), layer(2, "relu"), layer(1, "softmax")].join(",");
    let json = format!(r#"{{"class_name":"Sequential","config":{{"layers":[{layers}]}}}}"#).into_bytes();
    fs::write(seeds.join("keras-json"), &json)?;
    let weights = ("model.weights.h5", b"\x89HDF\r\n\x1a\n".to_vec());
    fs::write(seeds.join("keras"), archive(&[("config.json", json), weights])?)?;
    let header = r#"{"__metadata__":{"activation":"relu"},"a1":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]}}"#;
    fs::write(seeds.join("notes"), [&[header.len() as u8, 0, 0, 0, 0, 0, 0, 0], header.as_bytes(), &[0; 4]].concat())
}

/// A .npy file.
fn array(type_name: &str, fortran: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{type_name}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    [b"\x93NUMPY\x01\x00\x76\x00", format!("{header:<117}\n").as_bytes(), numbers].concat()
}

/// A ZIP archive of files, deflated.
fn archive(files: &[(&str, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, array) in files {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
        deflated.write_all(array)?;
        let (deflated, start) = (deflated.finish()?, archive.len() as u32);
        let numbers = [crc32(array), deflated.len() as u32, array.len() as u32].map(u32::to_le_bytes);
        let about =
            [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..], numbers.as_flattened(), &[name.len() as u8, 0, 0, 0]].concat();
        archive.extend([b"PK\x03\x04", &about[..], name.as_bytes(), &deflated].concat());
        directory.extend([b"PK\x01\x02\x14\0", &about[..], &[0; 10], &start.to_le_bytes(), name.as_bytes()].concat());
    }
    let sizes = [directory.len() as u32, archive.len() as u32].map(u32::to_le_bytes);
    let count = (files.len() as u16).to_le_bytes();
    archive.extend([&directory[..], b"PK\x05\x06\0\0\0\0", &count, &count, sizes.as_flattened(), &[0; 2]].concat());
    Ok(archive)
}

/// Data sets as CSV and as arrays.
fn sources(write: &impl Fn(&str, &str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    for (name, text) in [
        ("header", "label,1x1,1x2,2x1,2x2\n0,9,8,7,6\n1,5,4,3,2\n"),
        ("first", "0,9,8,7,6\n1,5,4,3,2\n0,1,1,1,9\n1,2,2,2,9\n"),
        ("last", "9,8,7,6,0\r\n5,4,3,2,1\r\n1,1,1,9,0\r\n2,2,2,9,1\r\n"),
        ("quoted", "\"y\",\"a\"\n \"255\", 12.0\n0,3\n\n"),
        ("wrong", "label,a\n256,1.5\n\nx\n"),
        ("names", "cat\ndog\nnone\n"),
        ("mapping", "1 65 97\n2 66 98\n"),
    ] {
        write("csv", name, text.as_bytes())?;
    }
    let float: Vec<u8> = (0..8_u8).flat_map(|pixel| (f32::from(pixel * 30) / 255.0).to_le_bytes()).collect();
    let keras = [
        ("x_train.npy", array("|u1", "False", "(2, 2, 2)", b"01234567")),
        ("y_train.npy", array("<i8", "False", "(2, 1)", &[&[1, 0, 0, 0, 0, 0, 0, 0], &[0; 8][..]].concat())),
        ("x_test.npy", array("|u1", "False", "(1, 4)", b"0123")),
        ("y_test.npy", array("|u1", "False", "(1,)", &[1])),
    ];
    write("npz", "keras", &archive(&keras)?)?;
    let mut med = keras.clone();
    med[0] = ("train_images.npy", array("<f4", "False", "(2, 2, 2, 1)", &float));
    med[1] = ("train_labels.npy", array(">u2", "False", "(2,)", &[0, 1, 0, 0]));
    (med[2].0, med[3].0) = ("test_images.npy", "test_labels.npy");
    med[2].1 = array("<f4", "True", "(1, 2, 2)", &float[..16]);
    write("npz", "medmnist", &archive(&med)?)
}

/// Width, height, gap between the rows, side of the input (28 for 0) and ink (0 finds out); then pixels.
fn pictures(write: &impl Fn(&str, &str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let picture = |name: &str, [width, height, gap, side, ink]: [u8; 5], level: &dyn Fn(u8, u8) -> u8| {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| level(x, y));
        let bytes: Vec<u8> = [width, height, gap, side, ink].into_iter().chain(pixels).collect();
        write("picture", name, &bytes)
    };
    let seven = |x: u8, y: u8| {
        (5..8).contains(&y) && (4..22).contains(&x) || y >= 8 && y < 30 && (26..30).contains(&(x + y / 2))
    };
    picture("seven", [28, 36, 0, 0, 0], &|x, y| if seven(x, y) { 255 } else { 0 })?;
    picture("paper", [40, 44, 3, 0, 0], &|x, y| if seven(x, y) { 30 } else { 150 + x + (x ^ y) % 3 })?;
    picture("large", [28, 36, 1, 64, 1], &|x, y| if seven(x, y) { 30 } else { 220 })?;
    picture("five", [20, 24, 0, 0, 0], &|x, y| match (x, y) {
        (5..8, 4..12) | (10..16, 4..6) | (8..15, 10..13) | (13..16, 13..20) => 200,
        _ => 9,
    })?;
    picture("checkerboard", [15, 15, 2, 9, 2], &|x, y| 255 * ((x + y) % 2))?;
    picture("comb", [31, 12, 0, 0, 2], &|x, y| if x % 2 == 0 || y == 11 { 250 } else { 0 })?;
    picture("noise", [33, 33, 0, 0, 0], &|x, y| x.wrapping_mul(37) ^ y.wrapping_mul(113) ^ x.wrapping_mul(y))?;
    picture("blank", [9, 9, 0, 0, 0], &|_, _| 77)?;
    Ok(())
}

/// A small picture in each format, and in some of their kinds.
fn picture_files(folder: &Path, write: &impl Fn(&str, &str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let write = |name: &str, bytes: &[u8]| write("picture_file", name, bytes);
    let (width, height) = (11_u16, 7_u16);
    let sides = [u32::from(width), u32::from(height)];
    let grey: Vec<u8> = (0..width * height).map(|n| (n * 3) as u8).collect();
    let rgb: Vec<u8> = grey.iter().flat_map(|&level| [level, 255 - level, 90]).collect();
    let rgba: Vec<u8> = grey.iter().flat_map(|&level| [level, 255 - level, 90, level ^ 3]).collect();
    write("pgm", &[b"P5 11 7 255\n", &grey[..]].concat())?;
    write("ppm-text", b"P3 # two pixels\n2 1 7 1 2 3 7 0 5")?;
    let picture = GreyPicture::new("a seed", grey.clone(), sides[0], sides[1]).map_err(io::Error::other)?;
    picture.write_png(&folder.join("png")).map_err(io::Error::other)?;
    for (name, progressive) in [("jpeg", false), ("jpeg-progressive", true)] {
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 80);
        encoder.set_progressive(progressive);
        encoder.encode(&rgb, width, height, jpeg_encoder::ColorType::Rgb).map_err(io::Error::other)?;
        write(name, &file)?;
    }
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, width, height, &rgb).map_err(io::Error::other)?;
    let indices: Vec<u8> = (0..width * height).map(|n| n as u8).collect();
    let mut frame = gif::Frame::from_indexed_pixels(width, height, indices, Some(3));
    encoder.write_frame(&frame).map_err(io::Error::other)?;
    frame.interlaced = true;
    encoder.write_frame(&frame).map_err(io::Error::other)?;
    drop(encoder);
    write("gif", &file)?;
    for (name, data, colours) in
        [("webp", &rgb, image_webp::ColorType::Rgb8), ("webp-alpha", &rgba, image_webp::ColorType::Rgba8)]
    {
        let mut file = Vec::new();
        let encoder = image_webp::WebPEncoder::new(&mut file);
        encoder.encode(data, sides[0], sides[1], colours).map_err(io::Error::other)?;
        write(name, &file)?;
    }
    let lossy = fs::read(folder.join("../../../tests/pictures/lossy.webp"))?;
    write("webp-lossy", &lossy)?;
    // The same with alpha beside it, and as an animation.
    let part = |name: &[u8; 4], body: &[u8]| [name, &(body.len() as u32).to_le_bytes()[..], body].concat();
    let canvas = |flags: u8| part(b"VP8X", &[flags, 0, 0, 0, 39, 0, 0, 23, 0, 0]);
    let alpha = [part(b"ALPH", &[&[0; 32][..], &[200; 930]].concat()), lossy[12..].to_vec()].concat();
    write("webp-lossy-alpha", &part(b"RIFF", &[b"WEBP", &canvas(16)[..], &alpha].concat()))?;
    let frame = part(b"ANMF", &[&[0, 0, 0, 0, 0, 0, 39, 0, 0, 23, 0, 0, 9, 0, 0, 0][..], &alpha].concat());
    write("webp-animation", &part(b"RIFF", &[b"WEBP", &canvas(18)[..], &part(b"ANIM", &[0; 6]), &frame].concat()))?;
    // Bits, packing, masks or palette, pixels.
    let masks = [0x7C00_u32, 0x3E0, 0x1F, 0x8000].map(u32::to_le_bytes);
    for (name, kind, beside, pixels) in [
        ("bmp-1", [1, 0], &[0, 0, 0, 0, 255, 255, 255, 0][..], &grey[..28]),
        ("bmp-8-runs", [8, 1], &rgba[..100], &[5, 7, 0, 3, 1, 2, 3, 0, 0, 0, 0, 2, 1, 1, 9, 4, 0, 1]),
        ("bmp-4-runs", [4, 2], &rgba[..64], &[5, 0x78, 0, 3, 0x12, 0x30, 0, 0, 9, 0x45, 0, 1]),
        ("bmp-16", [16, 6], masks.as_flattened(), &rgba[..168]),
        ("bmp-24", [24, 0], &[], &rgba[..252]),
        ("bmp-32", [32, 0], &[], &rgba),
    ] {
        let start = 54 + beside.len() as u8;
        let first = [b'B', b'M', 0, 0, 0, 0, 0, 0, 0, 0, start, 0, 0, 0, 40, 0, 0, 0, 11, 0, 0, 0, 7, 0, 0, 0, 1, 0];
        write(name, &[&first[..], &[kind[0], 0, kind[1], 0, 0, 0], &[0; 20], beside, pixels].concat())?;
    }
    Ok(())
}
