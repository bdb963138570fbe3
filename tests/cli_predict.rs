//! `twolayer predict` and the examples, on pictures of digits of every kind and on files that are none.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod pictures;
mod run;

use jpeg_encoder::{ColorType as Colours, Encoder as Jpeg};
use pictures::Grey;
use png::{BitDepth, ColorType};
use rand_xoshiro::Xoshiro128PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use run::mnist::{self, skipped};
use run::{Outcome, Sandbox, SmallSet};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use twolayer::host::GreyPicture;
use twolayer::picture::Ink;
use twolayer::{Idx, crc32, digit};

/// The keys of each line of `--json`.
const KEYS: [&str; 12] =
    ["class", "confidence", "digits", "error", "file", "index", "label", "margin", "name", "number", "outputs", "seen"];

/// Two networks for the built-in digits, in f32 and in integers.
fn networks() -> &'static [Vec<u8>; 2] {
    static NETWORKS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    NETWORKS.get_or_init(|| {
        let sandbox = Sandbox::new();
        sandbox.run(&["--data", "digits", "--hidden", "64", "--epochs", "2", "--quiet"]).succeeded();
        sandbox.run(&["quantize", "--images", "6000"]).succeeded();
        ["digits-64-own.twolayer", "digits-64-own.int8.twolayer"]
            .map(|name| fs::read(sandbox.work().join(name)).unwrap())
    })
}

/// A sandbox with both networks, `m.twolayer` and `q.twolayer`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, bytes) in ["m.twolayer", "q.twolayer"].iter().zip(networks()) {
        fs::write(sandbox.work().join(name), bytes).unwrap();
    }
    sandbox
}

/// A built-in digit that the networks have not seen, and its label.
fn unseen(index: u32) -> (Grey, u8) {
    let (image, label) = digit(77, index);
    (Grey::mnist(&image), label)
}

fn png(grey: &Grey) -> Vec<u8> {
    encode_png(grey.width, grey.height, ColorType::Grayscale, &grey.pixels)
}

fn encode_png(width: usize, height: usize, color: ColorType, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let side = |side: usize| u32::try_from(side).unwrap();
    let mut encoder = png::Encoder::new(&mut bytes, side(width), side(height));
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    bytes
}

fn jpeg(grey: &Grey, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let side = |side: usize| u16::try_from(side).unwrap();
    let encoder = Jpeg::new(&mut bytes, quality);
    encoder.encode(&grey.pixels, side(grey.width), side(grey.height), Colours::Luma).unwrap();
    bytes
}

fn pgm(grey: &Grey) -> Vec<u8> {
    [format!("P5\n{} {}\n255\n", grey.width, grey.height).as_bytes(), &grey.pixels].concat()
}

/// Ink of one colour on paper of another, of light ink on a dark ground.
fn in_colours(grey: &Grey, paper: [u8; 3], ink: [u8; 3]) -> Vec<u8> {
    let mix = |share: u8, (from, to): (u8, u8)| {
        let [share, from, to] = [share, from, to].map(u16::from);
        u8::try_from((from * (255 - share) + to * share) / 255).unwrap()
    };
    let pairs = [0, 1, 2].map(|channel| (paper[channel], ink[channel]));
    grey.pixels.iter().flat_map(|&share| pairs.map(|pair| mix(share, pair))).collect()
}

/// Blue ink on yellowish paper, of light ink on a dark ground.
fn blue_on_paper(grey: &Grey) -> Vec<u8> {
    let rgb = in_colours(grey, [246, 241, 222], [40, 60, 170]);
    encode_png(grey.width, grey.height, ColorType::Rgb, &rgb)
}

/// Dark ink on white paper with a pale, large ring and stripes behind it, which are seen best in blue.
fn over_watermark(grey: &Grey) -> Vec<u8> {
    let mut rgb = in_colours(grey, [255; 3], [50, 45, 60]);
    let (width, height) = (grey.width.cast_signed(), grey.height.cast_signed());
    for (pixel, at) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(0..) {
        let (x, y) = (at % width, at / width);
        let far = (x - width / 2).pow(2) + (y - height / 2).pow(2);
        if (2500..4900).contains(&far) || (x + y) / 20 % 4 == 0 {
            *pixel = [pixel[0], pixel[1].min(242), pixel[2].min(190)];
        }
    }
    encode_png(grey.width, grey.height, ColorType::Rgb, &rgb)
}

/// Digits in ink whose luma is that of its paper, or nearly, with noise, as PNG and as JPEG files.
fn assert_colours(sandbox: &Sandbox, images: &[Grey], expected: &[u64], per_mille: usize) {
    for (what, paper, ink) in [
        ("red on green", [0, 102, 0], [200, 0, 0]),
        ("blue on black", [0, 0, 0], [0, 0, 255]),
        ("yellow on white", [255, 255, 255], [255, 240, 40]),
        ("pink on grey", [176, 176, 176], [230, 150, 170]),
        ("turquoise on orange", [240, 150, 60], [90, 195, 185]),
    ] {
        let mut dice = Xoshiro128PlusPlus::seed_from_u64(1);
        let pictures = images.iter().enumerate().map(|(n, image)| {
            let image = image.enlarged(2 + n % 4).on(170, 150, n % 30, n % 12);
            let mut rgb = in_colours(&image, paper, ink);
            for level in &mut rgb {
                // From 6 below to 6 above.
                *level = level.saturating_add(u8::try_from(dice.next_u32() % 13).unwrap()).saturating_sub(6);
            }
            let mut jpeg = Vec::new();
            let encoder = Jpeg::new(&mut jpeg, 80);
            encoder.encode(&rgb, 170, 150, Colours::Rgb).unwrap();
            (encode_png(170, 150, ColorType::Rgb, &rgb), jpeg)
        });
        let (pngs, jpegs): (Vec<_>, Vec<_>) = pictures.unzip();
        assert_share(what, &classes(sandbox, "m.twolayer", &pngs), expected, per_mille);
        assert_share(&format!("{what}, JPEG"), &classes(sandbox, "m.twolayer", &jpegs), expected, per_mille);
    }
}

/// The lines of `--json`, each with all its keys and nothing else.
fn parsed(out: &str) -> Vec<Value> {
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        let keys: Vec<_> = line.as_object().unwrap().keys().collect();
        assert_eq!(keys, KEYS, "{line}");
    }
    lines
}

/// The classes of pictures, all asked for in one call.
fn classes(sandbox: &Sandbox, model: &str, pictures: &[Vec<u8>]) -> Vec<Option<u64>> {
    let names: Vec<_> = (0..pictures.len()).map(|number| format!("picture-{number}")).collect();
    for (name, bytes) in names.iter().zip(pictures) {
        fs::write(sandbox.work().join(name), bytes).unwrap();
    }
    let mut arguments = vec!["predict", "--json", "--model", model];
    arguments.extend(names.iter().map(String::as_str));
    let ran = sandbox.run(&arguments);
    let lines = parsed(&ran.out);
    assert_eq!(lines.len(), pictures.len(), "{}", ran.err);
    for (line, name) in lines.iter().zip(&names) {
        assert_eq!(line["file"], **name);
        assert_eq!(line["error"].is_null(), line["class"].is_u64(), "{line}");
    }
    let errors = lines.iter().any(|line| !line["error"].is_null());
    assert_eq!(ran.code, Some(i32::from(errors)), "{}", ran.err);
    lines.iter().map(|line| line["class"].as_u64()).collect()
}

#[track_caller]
fn assert_share(what: &str, classes: &[Option<u64>], expected: &[u64], per_mille: usize) {
    let same = classes.iter().zip(expected).filter(|(class, expected)| **class == Some(**expected)).count();
    println!("{what}: {same} of {}", expected.len());
    assert!(same * 1000 >= per_mille * expected.len(), "{what}: {same} of {}", expected.len());
}

/// The same of pictures of all kinds.
fn assert_kinds(sandbox: &Sandbox, model: &str, images: &[Grey], expected: &[u64], per_mille: usize) {
    type Make<'a> = &'a dyn Fn(usize, &Grey) -> Vec<u8>;
    let kinds: [(&str, Make<'_>); 7] = [
        ("squares", &|n, image| png(&image.doubled(3 + n % 10))),
        ("shifted, dark on light", &|n, image| {
            let image = image.enlarged(3 + n % 4);
            pgm(&image.on(400, 300, n * 37 % (400 - image.width), n * 17 % (300 - image.height)).inverted())
        }),
        ("photographs", &|n, image| png(&image.photographed(160, 120, 3.5, n as u64))),
        ("photographs, light on dark", &|n, image| png(&image.photographed(160, 120, 3.5, n as u64).inverted())),
        ("blue ink", &|n, image| blue_on_paper(&image.enlarged(3 + n % 4).on(200, 200, n % 30, n % 25))),
        ("watermark", &|n, image| over_watermark(&image.enlarged(3 + n % 4).on(200, 200, n % 30, n % 25))),
        ("JPEG", &|n, image| jpeg(&image.photographed(160, 120, 3.5, n as u64), 60)),
    ];
    for (what, make) in kinds {
        let pictures: Vec<_> = images.iter().enumerate().map(|(n, image)| make(n, image)).collect();
        assert_share(what, &classes(sandbox, model, &pictures), expected, per_mille);
    }
}

#[test]
fn pictures_of_every_kind_of_built_in_digits() {
    let sandbox = sandbox();
    let (images, labels): (Vec<_>, Vec<_>) = (0..100).map(unseen).unzip();
    let labels: Vec<u64> = labels.into_iter().map(u64::from).collect();
    assert_kinds(&sandbox, "m.twolayer", &images, &labels, 900);
    assert_kinds(&sandbox, "q.twolayer", &images, &labels, 900);
    assert_colours(&sandbox, &images, &labels, 900);
}

#[test]
fn pictures_of_every_kind_of_mnist() {
    let Some(directory) = mnist::directory("pictures_of_every_kind_of_mnist") else { return };
    let sandbox = Sandbox::new();
    let data = directory.to_str().unwrap();
    sandbox.run(&["--data", data, "--quiet", "--model", "m.twolayer"]).succeeded();
    let file = fs::read(directory.join("t10k-images-idx3-ubyte")).unwrap();
    let file = Idx::parse(&file).unwrap().data();
    // The classes of the images themselves: a picture is to change none, right or wrong.
    let step = 40;
    let numbers: Vec<_> = (0..250).map(|n| (n * step).to_string()).collect();
    let index = numbers.join(",");
    let itself = ["predict", "--json", "--model", "m.twolayer", "--data", data, "--index", &index];
    let expected: Vec<_> =
        parsed(&sandbox.run(&itself).succeeded()).iter().map(|line| line["class"].as_u64().unwrap()).collect();
    let images: Vec<_> = (0..250).map(|n| Grey::mnist(&file[n * step * 784..][..784])).collect();
    assert_kinds(&sandbox, "m.twolayer", &images, &expected, 970);
    assert_colours(&sandbox, &images, &expected, 970);
    // 84 pixels a side are few for JPEG.
    for (times, per_mille) in [(3, 970), (4, 980), (8, 980)] {
        let pictures: Vec<_> = images.iter().map(|image| jpeg(&image.enlarged(times).inverted(), 60)).collect();
        let what = format!("JPEG of quality 60, × {times}");
        assert_share(&what, &classes(&sandbox, "m.twolayer", &pictures), &expected, per_mille);
    }
}

/// A file with a picture of a digit that both networks know, and its label.
fn picture(sandbox: &Sandbox, name: &str) -> u8 {
    let (image, label) = unseen(3);
    fs::write(sandbox.work().join(name), png(&image.enlarged(4).inverted())).unwrap();
    label
}

#[test]
fn an_answer_for_people() {
    let sandbox = sandbox();
    let label = picture(&sandbox, "digit.png");
    let out = sandbox.run(&["predict", "--model", "m.twolayer", "digit.png"]).succeeded();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[..2], ["model     m.twolayer: 784 → 64 → 10", ""]);
    assert!(lines[2].starts_with(&format!("digit.png: {label}, margin 0.")), "{out}");
    assert!(lines[3].starts_with("dark ink, contrast ") && lines[3].contains("box of "), "{out}");
    assert_eq!(lines.len(), 4 + 14, "{out}");
    // Plain characters, as this is no terminal; the drawing is what the library sees, and the longest bar is the answer's.
    assert!(out.chars().all(|c| !c.is_control() || c == '\n'), "{out}");
    let (input, _) = GreyPicture::open(sandbox.work().join("digit.png")).unwrap().normalize(Ink::Auto, 28).unwrap();
    for (y, line) in lines[4..].iter().enumerate() {
        for (x, drawn) in line.chars().chain(core::iter::repeat(' ')).take(28).enumerate() {
            let bright = |y: usize| input[y * 28 + x] >= 128;
            let expected = [[' ', '▄'], ['▀', '█']][usize::from(bright(2 * y))][usize::from(bright(2 * y + 1))];
            assert_eq!(drawn, expected, "{x}, {y}: {out}");
        }
        if y < 10 {
            let beside: String = line.chars().skip(28).collect();
            assert!(beside.trim_start().starts_with(&y.to_string()), "{out}");
            assert_eq!(beside.contains(&"█".repeat(24)), y == usize::from(label), "{out}");
        }
    }
    // Without --model: the newest.
    assert!(sandbox.run(&["predict", "digit.png"]).succeeded().contains(&format!("\ndigit.png: {label}, margin ")));
}

/// On a terminal, emulated by `script`, levels of grey are shown in 24-bit colour, unless that is unwanted.
#[cfg(target_os = "linux")]
#[test]
fn colours_are_for_terminals() {
    let sandbox = sandbox();
    picture(&sandbox, "digit.png");
    let run = |variable: &str, value: &str| {
        let predict = format!("'{}' predict --model m.twolayer digit.png 2>&1", env!("CARGO_BIN_EXE_twolayer"));
        let mut command = sandbox.command_for("script", &["--quiet", "--return", "--command", &predict, "/dev/null"]);
        command.env("TERM", "xterm").env_remove("NO_COLOR").env(variable, value);
        command.output().ok().map(|output| Outcome::from(output).succeeded())
    };
    let Some(out) = run("NO_COLOR", "") else {
        return skipped("colours_are_for_terminals", "there is no `script` to emulate a terminal");
    };
    assert_eq!(out.matches("\x1b[38;2;").count(), 14 * 28, "{out}");
    assert!(out.contains("\x1b[0m"), "{out}");
    for (variable, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        assert!(!run(variable, value).unwrap().contains('\x1b'));
    }
}

#[test]
fn json_says_what_the_library_says() {
    let sandbox = sandbox();
    let label = picture(&sandbox, "digit.png");
    let (_, seen) = GreyPicture::open(sandbox.work().join("digit.png")).unwrap().normalize(Ink::Auto, 28).unwrap();
    for model in ["m.twolayer", "q.twolayer"] {
        let out = sandbox.run(&["predict", "--json", "--model", model, "digit.png"]).succeeded();
        let lines = parsed(&out);
        let [line] = &lines[..] else { panic!("{out}") };
        assert_eq!((&line["file"], &line["class"]), (&Value::from("digit.png"), &Value::from(label)));
        for absent in ["index", "label", "error"] {
            assert!(line[absent].is_null(), "{line}");
        }
        let outputs: Vec<f64> = line["outputs"].as_array().unwrap().iter().map(|y| y.as_f64().unwrap()).collect();
        let mut sorted = outputs.clone();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(outputs.len(), 10);
        assert_eq!(outputs[usize::from(label)].total_cmp(&sorted[9]), core::cmp::Ordering::Equal);
        assert!((line["margin"].as_f64().unwrap() - (sorted[9] - sorted[8])).abs() < 1e-6, "{line}");
        // Integers are written as integers.
        assert_eq!(line["margin"].is_u64(), model == "q.twolayer");
        let expected = serde_json::json!({
            "ink": "dark", "background": seen.background, "even": seen.even, "contrast": seen.contrast,
            "threshold": seen.threshold, "floor": seen.floor, "box": [seen.left, seen.top, seen.width, seen.height],
        });
        assert_eq!(line["seen"], expected);
        for backend in twolayer::Backend::available() {
            let backend = backend.name();
            let again = sandbox.run(&["predict", "--json", "--model", model, "--backend", backend, "digit.png"]);
            assert_eq!(again.succeeded(), out);
        }
    }
}

#[test]
fn files_and_standard_input() {
    let sandbox = sandbox();
    let label = picture(&sandbox, "digit.png");
    let (image, other) = unseen(1);
    fs::write(sandbox.work().join("other.jpg"), jpeg(&image.enlarged(4).inverted(), 90)).unwrap();
    let mut command =
        sandbox.command(&["predict", "--json", "--model", "m.twolayer", "other.jpg", "-", "digit.png", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let bytes = fs::read(sandbox.work().join("digit.png")).unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    // The second `-` finds nothing left.
    let ran = Outcome::from(child);
    ran.failed(&["standard input: the file is empty", "1 of 4 pictures could not be classified"]);
    let found: Vec<_> = parsed(&ran.out).iter().map(|line| line["class"].as_u64()).collect();
    let (label, other) = (Some(u64::from(label)), Some(u64::from(other)));
    assert_eq!(found, [other, label, label, None]);
}

#[test]
fn margins_and_inks() {
    let sandbox = sandbox();
    let label = u64::from(picture(&sandbox, "digit.png"));
    let json = |more: &[&str]| {
        let out = sandbox.run(&[&["predict", "--json", "digit.png", "--model"], more].concat()).succeeded();
        parsed(&out).remove(0)
    };
    for model in ["m.twolayer", "q.twolayer"] {
        let margin = json(&[model])["margin"].as_f64().unwrap();
        let least = |margin: f64| json(&[model, "--min-margin", &margin.to_string()]);
        // The margin itself is enough. Below an f32 there is another within a millionth.
        let unsure = least(margin * 1.000_001);
        assert!(unsure["class"].is_null() && unsure["error"].is_null(), "{unsure}");
        assert_eq!(unsure["margin"].as_f64(), Some(margin));
        assert_eq!(least(margin * 0.999_999)["class"], label);
        let person = ["predict", "digit.png", "--min-margin", "1e9", "--model", model];
        let out = sandbox.run(&person).succeeded();
        assert!(
            out.contains("digit.png: ?, margin ")
                && out.contains(&format!(" is below --min-margin; best guess {label}\n")),
            "{out}"
        );
    }
    for (invert, class) in [("auto", Some(label)), ("yes", Some(label))] {
        assert_eq!(json(&["m.twolayer", "--invert", invert])["class"].as_u64(), class);
    }
    let none = sandbox.run(&["predict", "digit.png", "--model", "m.twolayer", "--invert", "no"]);
    none.failed(&["digit.png: the picture is ", "--invert"]);
}

#[test]
fn what_was_seen_is_saved() {
    let sandbox = sandbox();
    picture(&sandbox, "digit.png");
    let work = |name: &str| sandbox.work().join(name);
    let (input, _) = GreyPicture::open(work("digit.png")).unwrap().normalize(Ink::Auto, 28).unwrap();
    let predict = |more: &[&str]| sandbox.run(&[&["predict", "--model", "m.twolayer"], more].concat());
    predict(&["digit.png", "--save-seen", "seen.png"]).succeeded();
    let seen = GreyPicture::open(work("seen.png")).unwrap();
    assert_eq!((seen.width(), seen.height(), seen.pixels()), (28, 28, &input[..]));
    GreyPicture::new("mine", input.clone(), 28, 28).unwrap().write_png(&work("mine.png")).unwrap();
    assert!(fs::read(work("seen.png")).unwrap() == fs::read(work("mine.png")).unwrap());
    // The picture with a box, and nothing changed within it.
    let (before, after) =
        (GreyPicture::open(work("digit.png")).unwrap(), GreyPicture::open(work("seen.boxes.png")).unwrap());
    let (_, box_of) = before.normalize(Ink::Auto, 28).unwrap();
    assert_eq!((before.width(), before.height()), (after.width(), after.height()));
    let at = |picture: &GreyPicture, x: u32, y: u32| picture.pixels()[(y * picture.width() + x) as usize];
    let (left, top) = (box_of.left, box_of.top);
    for (x, y) in (left..left + box_of.width).flat_map(|x| (top..top + box_of.height).map(move |y| (x, y))) {
        assert_eq!(at(&after, x, y), at(&before, x, y));
    }
    assert_eq!([1, 2].map(|margin| at(&after, left - margin, top + 3)), [255, 0]);
    predict(&["digit.png", "--one", "--save-seen", "one-only.png"]).succeeded();
    assert!(!work("one-only.boxes.png").exists());

    // Several, by their place in the command, to a directory; a bad one leaves its number out.
    fs::create_dir(work("all")).unwrap();
    fs::write(work("bad"), "no picture").unwrap();
    predict(&["digit.png", "bad", "seen.png", "--save-seen", "all"]).failed(&["bad: unknown picture format", "1 of 3"]);
    let files: Vec<_> = sandbox.listing().into_iter().filter(|name| name.starts_with("work/all/")).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    assert!(fs::read(work("all/1.png")).unwrap() == fs::read(work("seen.png")).unwrap());
    assert_eq!(GreyPicture::open(work("all/3.png")).unwrap().width(), 28);

    let before = sandbox.listing();
    let two = predict(&["digit.png", "seen.png", "--save-seen", "one.png"]);
    two.failed(&["--save-seen one.png: not a directory; 2 pictures need a directory that exists"]);
    assert_eq!(two.out, "");
    predict(&["digit.png", "--save-seen", "no/where.png"])
        .failed(&["cannot write no/where.png", "create its directory"]);
    predict(&["bad", "--save-seen", "bad.png"]).failed(&["bad: unknown picture format"]);
    assert_eq!(sandbox.listing(), before);
}

/// No file is left behind where none can be written whole.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing() {
    let sandbox = sandbox();
    picture(&sandbox, "digit.png");
    let before = sandbox.listing();
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" predict --model m.twolayer digit.png --save-seen seen.png";
    // The output goes to a pipe, which has no limit.
    let ran = Outcome::from(sandbox.command_for("bash", &["-c", script, env!("CARGO_BIN_EXE_twolayer")]));
    ran.failed(&["cannot write seen.png: File too large"]);
    assert_eq!(sandbox.listing(), before);

    let Some(full) = sandbox.device("full", 7) else {
        return skipped("a_full_disk_leaves_nothing", "cannot create a device like /dev/full");
    };
    let before = sandbox.listing();
    let predict = ["predict", "--model", "m.twolayer", "digit.png"];
    let saved = sandbox.run(&[&predict[..], &["--save-seen", full.to_str().unwrap()]].concat());
    saved.failed(&["cannot write ", "full: No space left on device"]);
    assert_eq!(sandbox.listing(), before);
    for more in [&[][..], &["--json"]] {
        let mut command = sandbox.command(&[&predict[..], more, &["--save-seen", "seen.png"]].concat());
        command.stdout(fs::OpenOptions::new().write(true).open(&full).unwrap());
        Outcome::from(command).failed(&["error: cannot write to standard output: No space left on device"]);
        fs::remove_file(sandbox.work().join("seen.png")).unwrap();
        fs::remove_file(sandbox.work().join("seen.boxes.png")).unwrap();
    }
}

#[test]
fn a_closed_output_pipe_is_not_an_error() {
    let sandbox = sandbox();
    picture(&sandbox, "digit.png");
    for more in ["--json", "--no-mmap"] {
        let mut command = sandbox.command(&["predict", "--model", "m.twolayer", "digit.png", "digit.png", more]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn images_of_a_data_set_are_used_as_they_are() {
    let sandbox = Sandbox::new();
    // Of a size that pictures cannot be made to.
    let data = sandbox.data("data", &SmallSet { side: 6, ..SmallSet::TINY });
    sandbox.run(&["--data", "data", "--hidden", "24", "--epochs", "3", "--quiet", "--model", "m.twolayer"]).succeeded();
    let predict =
        |more: &[&str]| sandbox.run(&[&["predict", "--model", "m.twolayer", "--data", "data"], more].concat());
    let out = predict(&["--json", "--index", "0,29", "--index", "4"]).succeeded();
    let lines = parsed(&out);
    for (line, index) in lines.iter().zip([0, 29, 4]) {
        assert_eq!((&line["index"], &line["label"]), (&Value::from(index), &Value::from(index % 3)));
        assert!(line["file"].is_null() && line["seen"].is_null() && line["error"].is_null(), "{line}");
        assert!(line["class"].is_u64() && line["outputs"].as_array().unwrap().len() == 3, "{line}");
    }
    assert_eq!(lines.len(), 3);
    // As many are right as `eval` finds.
    let all: Vec<_> = (0..30).map(|index| index.to_string()).collect();
    let right = parsed(&predict(&["--json", "--index", &all.join(",")]).succeeded());
    let right = right.iter().filter(|line| line["class"] == line["label"]).count();
    let eval = sandbox.run(&["eval", "--model", "m.twolayer", "--data", "data"]).succeeded();
    let percent = eval.lines().last().unwrap().split_whitespace().nth(1).unwrap();
    assert_eq!(format!("{:.2}", 100.0 * f64::from(u32::try_from(right).unwrap()) / 30.0), percent);

    let ranges = parsed(&predict(&["--json", "--index", "0-2,7", "--index", "28-29"]).succeeded());
    assert_eq!(ranges.iter().map(|line| line["index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 7, 28, 29]);
    for wrong in ["2-1", "-3", "1-", "a", "0-9-12", "0..9"] {
        let index = format!("--index={wrong}");
        predict(&[&index]).rejected(&["--index", "expected an index of 0 or more, or a range such as 0-9"]);
    }

    let out = predict(&["--index", "7", "--save-seen", "seen.png"]).succeeded();
    assert!(out.contains("\nimage 7: ") && out.contains(", label 1, margin "), "{out}");
    let image = &SmallSet { side: 6, ..SmallSet::TINY }.file(2)[16..][7 * 36..][..36];
    assert_eq!(GreyPicture::open(sandbox.work().join("seen.png")).unwrap().pixels(), image);

    let before = sandbox.listing();
    predict(&["--index", "3,30"])
        .failed(&["t10k-images-idx3-ubyte has 30 images: --index must be from 0 to 29, not 30"]);
    for wrong in ["28-30", "0-18446744073709551615"] {
        predict(&["--index", wrong]).failed(&["has 30 images: --index must be from 0 to 29, not "]);
    }
    predict(&["digit.png"]).failed(&[
        "m.twolayer takes images of 36 pixels, but a picture becomes a square of 8 × 8 to 256 × 256",
        "--index",
    ]);
    sandbox.data("large", &SmallSet { side: 9, ..SmallSet::TINY });
    sandbox.run(&["predict", "--model", "m.twolayer", "--data", "large", "--index", "0"]).failed(&["81 pixels", "36"]);
    fs::remove_dir_all(sandbox.work().join("large")).unwrap();
    assert_eq!(sandbox.listing(), before);
    assert!(data.is_dir());
}

/// A network for images that are no square has as many inputs as one for squares.
#[test]
fn networks_for_other_shapes_take_no_pictures() {
    let sandbox = sandbox();
    picture(&sandbox, "digit.png");
    let data = sandbox.data("data", &SmallSet { side: 8, ..SmallSet::TINY });
    for name in [run::FILES[0], run::FILES[2]] {
        let mut bytes = fs::read(data.join(name)).unwrap();
        bytes[8..16].copy_from_slice(&[0, 0, 0, 4, 0, 0, 0, 16]);
        fs::write(data.join(name), bytes).unwrap();
    }
    sandbox.run(&["--data", "data", "--hidden", "9", "--quiet", "--model", "wide.twolayer"]).succeeded();
    let ran = sandbox.run(&["predict", "--model", "wide.twolayer", "digit.png"]);
    ran.failed(&["wide.twolayer takes images of 16 × 4 pixels, but a picture becomes a square"]);
    let out = sandbox.run(&["predict", "--model", "wide.twolayer", "--data", "data", "--index", "0"]).succeeded();
    assert_eq!(out.lines().count(), 3 + 3, "two lines of drawing beside three bars: {out}");
}

/// A folder of class folders, with other files: `shots`. Of the pictures, one is wrong and one is blank; the first is the label
/// of all but one.
fn folder(sandbox: &Sandbox) -> (u8, u8) {
    let work = |name: &str| sandbox.work().join(name);
    let label = picture(sandbox, "digit.png");
    let other = (label + 1) % 10;
    for name in [format!("shots/{label}"), format!("shots/{other}"), "shots/.hidden".into(), "empty/inner".into()] {
        fs::create_dir_all(work(&name)).unwrap();
    }
    for name in [
        format!("{label}/b.png"),
        format!("{label}/a"),
        format!("{label}_c.png"),
        format!("{other}/wrong.png"),
        ".hidden/d.png".into(),
    ] {
        fs::copy(work("digit.png"), work("shots").join(name)).unwrap();
    }
    fs::write(work(&format!("shots/{other}/blank.png")), png(&Grey::new(60, 50, |_, _| 255))).unwrap();
    for n in 0..6 {
        fs::write(work(&format!("shots/notes-{n}.txt")), "notes").unwrap();
    }
    fs::write(work("empty/inner/notes.txt"), "notes").unwrap();
    (label, other)
}

#[test]
fn folders_are_their_pictures_in_order() {
    let sandbox = sandbox();
    let (label, other) = folder(&sandbox);
    fs::create_dir(sandbox.work().join("seen")).unwrap();
    let ran = sandbox.run(&["predict", "--json", "--model", "m.twolayer", "shots", "digit.png", "--save-seen", "seen"]);
    let mut files = [
        format!("{label}/a"),
        format!("{label}/b.png"),
        format!("{label}_c.png"),
        format!("{other}/blank.png"),
        format!("{other}/wrong.png"),
    ]
    .map(|name| PathBuf::from("shots").join(name))
    .to_vec();
    files.sort();
    files.push("digit.png".into());
    let lines = parsed(&ran.out);
    let found: Vec<_> = lines.iter().map(|line| Path::new(line["file"].as_str().unwrap())).collect();
    assert_eq!(found, files);
    assert!(lines.iter().all(|line| line["label"].is_null()));
    let names = (0..5).map(|n| format!("shots/notes-{n}.txt")).collect::<Vec<_>>().join(", ");
    assert!(ran.err.starts_with(&format!("6 other files, no pictures: {names}, …\n")), "{}", ran.err);
    assert!(
        ran.err.ends_with("error: 1 of 6 pictures could not be classified, for the reasons above\n"),
        "{}",
        ran.err
    );
    assert_eq!(ran.code, Some(1));
    // Names apart, though `a` and `b` might be in several folders; the last was given by its name.
    for (number, file) in (1..).zip(&files).filter(|(_, file)| !file.ends_with("blank.png")) {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let name = if number == 6 { "6.png".into() } else { format!("{number}-{stem}.png") };
        assert!(sandbox.work().join("seen").join(&name).is_file(), "{name}");
    }
    let predict = |name: &str| sandbox.run(&["predict", "--model", "m.twolayer", name]);
    predict("empty").failed(&["empty: no picture in this folder, which has 1 other file; expected PNG, JPEG"]);
    predict("empty/none").failed(&["cannot open empty/none: No such file or directory"]);
}

#[test]
fn labels_in_names_are_counted() {
    let sandbox = sandbox().replacing();
    let (label, other) = folder(&sandbox);
    for model in ["m.twolayer", "q.twolayer"] {
        let score = ["predict", "--labels", "--model", model, "shots"];
        let ran = sandbox.run(&[&score[..], &["--report", "report.html"]].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.err.contains(&format!("error: shots/{other}/blank.png: the picture is blank")), "{}", ran.err);
        assert!(ran.out.contains("\n5 pictures: 3 right, 1 refused, 1 wrong\nreport    report.html\n"), "{}", ran.out);
        assert!(
            ran.out.contains(&format!("\nshots/{other}/wrong.png: {label}, label {other}, margin ")),
            "{}",
            ran.out
        );
        assert!(ran.out.contains("\nlabel     accuracy   predicted     0     1 "), "{}", ran.out);
        let page = fs::read_to_string(sandbox.work().join("report.html")).unwrap();
        // A label without pictures has no accuracy, in both.
        assert!(ran.out.lines().any(|line| line.split_whitespace().nth(1) == Some("–")), "{}", ran.out);
        assert!(page.contains("</th><td>–</td>"), "{page}");
        let picture = format!("<img alt=\"The picture shots/{other}/wrong.png\" src=\"data:image/png;base64,");
        assert_eq!(page.matches(&picture).count(), 1);
        for words in ["of 4 answered pictures", "5 pictures: 3 right, 1 refused, 1 wrong", "predict --labels --model"] {
            assert!(page.contains(words), "{words}");
        }
        // The same as JSON, with the sums at the end; none with a margin below the least.
        let ran = sandbox.run(&[&score[..], &["--json"]].concat());
        let (lines, end) = ran.out.trim_end().rsplit_once('\n').unwrap();
        let lines = parsed(lines);
        let labels: Vec<_> = lines.iter().map(|line| line["label"].as_u64().unwrap()).collect();
        assert_eq!(labels.iter().filter(|found| **found == u64::from(label)).count(), 3);
        let end: Value = serde_json::from_str(end).unwrap();
        let help = sandbox.run(&["predict", "--help"]).succeeded();
        assert!(end.as_object().unwrap().keys().all(|key| help.contains(key)), "{end}");
        assert_eq!(end["event"], "scored");
        assert_eq!(["pictures", "right", "refused", "wrong"].map(|key| end[key].as_u64().unwrap()), [5, 3, 1, 1]);
        assert_eq!(end["confusion"][usize::from(label)][usize::from(label)], 3);
        assert_eq!(end["confusion"][usize::from(other)][usize::from(label)], 1);
        let none = sandbox.run(&[&score[..], &["--min-margin", "1e18"]].concat());
        none.failed(&["none of 5 pictures is answered: there is nothing to count"]);
    }
    // Files by their own names; and names that say nothing, or what cannot be.
    let work = |name: &str| sandbox.work().join(name);
    let score = |name: &str| sandbox.run(&["predict", "--labels", "--model", "m.twolayer", name]);
    let out = score(&format!("shots/{label}_c.png")).succeeded();
    assert!(out.ends_with("\n1 picture: 1 right, 0 refused, 0 wrong\n"), "{out}");
    score("digit.png").failed(&["digit.png: no label; --labels takes them from a folder's name, as in 7/abc.png"]);
    score("empty").failed(&["empty: no picture in this folder"]);
    fs::rename(work("shots").join(other.to_string()), work("shots/10")).unwrap();
    score("shots").failed(&["shots/10/blank.png: the label 10 is none of the network's, which are 0 to 9"]);
    let arguments = ["predict", "--labels", "--model", "m.twolayer", "--report", "digit.png", "digit.png"];
    sandbox.run(&arguments).failed(&["digit.png"]);
    assert_eq!(sandbox.run(&["predict", "--report", "x.html", "digit.png"]).code, Some(2));
}

/// A PNG file of one grey level whose header says another size.
fn png_that_lies(width: u32, height: u32) -> Vec<u8> {
    let mut file = png(&Grey::new(40, 40, |_, _| 9));
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&checksum.to_be_bytes());
    file
}

#[test]
fn bad_pictures_do_not_stop_the_others() {
    let sandbox = sandbox();
    let label = u64::from(picture(&sandbox, "digit.png"));
    let good = fs::read(sandbox.work().join("digit.png")).unwrap();
    let photo = jpeg(&unseen(1).0.enlarged(4), 60);
    let noise = Grey::new(90, 70, |x, y| crc32(&[u8::try_from(x).unwrap(), u8::try_from(y).unwrap()]).to_le_bytes()[0]);
    let cases: [(&str, Vec<u8>, &str); 16] = [
        ("blank", png(&Grey::new(60, 50, |_, _| 255)), "the picture is blank: a contrast of 0 levels"),
        ("black", jpeg(&Grey::new(60, 50, |_, _| 0), 80), "the picture is blank: a contrast of 0 levels"),
        ("noise", png(&noise), "no digit found: "),
        ("dot", png(&Grey::new(1, 1, |_, _| 7)), "the picture is blank"),
        (
            "speck",
            png(&Grey::new(50, 50, |x, y| if x / 3 == 9 && y / 3 == 9 { 0 } else { 255 })),
            "a speck of 3 pixels",
        ),
        ("huge", png_that_lies(20_000, 20_000), "a picture of 20000 × 20000 pixels; expected sides of 1 to 16384"),
        ("large", png_that_lies(16_000, 16_000), "at most 67108864 pixels: make it smaller"),
        ("liar", png_that_lies(4000, 4000), "the PNG file is damaged or truncated: "),
        (
            "cut.png",
            good[..good.len() / 2].to_vec(),
            "the PNG file is damaged or truncated: unexpected end of file; save or",
        ),
        ("cut.jpg", photo[..photo.len() / 2].to_vec(), "the JPEG file is damaged or truncated: no end marker"),
        ("cut.pgm", b"P5 30 20 255\nxyz".to_vec(), "the PNM file is damaged or truncated: 3 of 600 bytes of levels"),
        (
            "cut.webp",
            include_bytes!("pictures/lossy.webp")[..155].to_vec(),
            "the WebP file is damaged or truncated: 155 of",
        ),
        ("cut.bmp", b"BM, a text".to_vec(), "the BMP file is damaged or truncated: 10 bytes, which are no header"),
        ("cut.gif", b"GIF89a\x09".to_vec(), "the GIF file is damaged or truncated: Unexpected End of File"),
        (
            "notes.txt",
            b"a text, no picture".to_vec(),
            "begins with \"a text, \"; expected PNG, JPEG, WebP, BMP, GIF, PGM or PPM",
        ),
        ("empty", Vec::new(), "the file is empty"),
    ];
    for (name, bytes, _) in &cases {
        fs::write(sandbox.work().join(name), bytes).unwrap();
    }
    let mut expected: Vec<_> = cases.iter().map(|(name, _, found)| (*name, format!("{name}: {found}"))).collect();
    // A message in full where the name does not come first.
    for (name, message) in &mut expected {
        if ["large", "speck", "notes.txt"].contains(name) {
            *message = cases.iter().find(|case| case.0 == *name).unwrap().2.to_owned();
        }
    }
    expected.push(("missing", "cannot open missing: No such file or directory".into()));
    let before = sandbox.listing();

    let mut arguments = vec!["predict", "--json", "--model", "m.twolayer"];
    for (name, message) in &expected {
        let alone = sandbox.run(&["predict", "--model", "m.twolayer", name]);
        alone.failed(&[name, message]);
        assert_eq!(alone.err.lines().count(), 1, "{}", alone.err);
        arguments.extend([*name, "digit.png"]);
    }
    let ran = sandbox.run(&arguments);
    assert_eq!(ran.code, Some(1));
    let lines = parsed(&ran.out);
    assert_eq!(lines.len(), 2 * expected.len());
    for ((name, message), lines) in expected.iter().zip(lines.chunks(2)) {
        assert_eq!(lines[0]["file"], *name);
        assert!(lines[0]["error"].as_str().unwrap().contains(message), "{}", lines[0]);
        for absent in ["class", "margin", "outputs", "seen", "label", "index"] {
            assert!(lines[0][absent].is_null(), "{}", lines[0]);
        }
        assert_eq!(lines[1]["class"], label);
        assert!(ran.err.contains(&format!("error: {}\n", lines[0]["error"].as_str().unwrap())), "{}", ran.err);
    }
    let n = expected.len();
    assert!(
        ran.err
            .ends_with(&format!("error: {n} of {} pictures could not be classified, for the reasons above\n", 2 * n))
    );
    assert_eq!(sandbox.listing(), before);
}

#[cfg(unix)]
#[test]
fn a_picture_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = sandbox();
    picture(&sandbox, "digit.png");
    let path = sandbox.work().join("digit.png");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        return skipped("a_picture_without_permission", "root may read everything");
    }
    let ran = sandbox.run(&["predict", "--model", "m.twolayer", "digit.png"]);
    ran.failed(&["cannot open digit.png: Permission denied", "check the permissions"]);
}

#[test]
fn invalid_command_lines() {
    let sandbox = Sandbox::new();
    for (arguments, word) in [
        (&[][..], "<FILE>"),
        (&["x.png", "--index", "3"], "files and --index are given"),
        (&["--index", "-1"], "-1"),
        (&["--index", "x"], "--index"),
        (&["x.png", "--invert", "maybe"], "[possible values: auto, yes, no]"),
        (&["x.png", "--min-margin=-1"], "expected a number of 0 or more"),
        (&["x.png", "--min-margin", "nan"], "expected a number of 0 or more"),
        (&["x.png", "--backend", "abacus"], "[possible values: portable"),
    ] {
        sandbox.run(&[&["predict"], arguments].concat()).rejected(&[word]);
    }
    sandbox.run(&["predict", "x.png"]).failed(&["no *.twolayer file here", "--model"]);
    let help = sandbox.run(&["predict", "--help"]).succeeded();
    for key in KEYS {
        assert!(help.contains(&format!("\n  {key} ")), "{help}");
    }
    assert!(help.contains("own"), "{help}");
}

/// Three digits in a row, a fourth below, and what each is taken for by itself.
#[test]
fn numbers_and_cells() {
    let sandbox = sandbox();
    // Not those that lie: by themselves they are digits, in a line parts of others.
    let digits = (0..).map(|index| unseen(index).0.tight()).filter(|digit| digit.height >= digit.width);
    let digits: Vec<Grey> = digits.take(4).map(|digit| digit.doubled(2).inverted()).collect();
    let (mut sheet, places) = (Grey::new(260, 160, |_, _| 255), [[20, 20], [100, 24], [180, 16], [30, 96]]);
    for (digit, [left, top]) in digits.iter().zip(places) {
        for (n, &level) in digit.pixels.iter().enumerate() {
            sheet.pixels[(top + n / digit.width) * sheet.width + left + n % digit.width] = level;
        }
    }
    let framed: Vec<Vec<u8>> = digits.iter().map(|digit| png(&digit.framed(20, 20, 255))).collect();
    let single: String =
        classes(&sandbox, "m.twolayer", &framed).iter().map(|class| class.unwrap().to_string()).collect();
    let number = format!("{}\n{}", &single[..3], &single[3..]);
    fs::write(sandbox.work().join("sheet.png"), png(&sheet)).unwrap();

    for model in ["m.twolayer", "q.twolayer"] {
        let json = |more: &[&str]| {
            let out = sandbox.run(&[&["predict", "--json", "--model", model, "sheet.png"], more].concat()).succeeded();
            parsed(&out).remove(0)
        };
        let line = json(&[]);
        if model == "m.twolayer" {
            assert_eq!(line["number"], number, "{line}");
        }
        let found = line["digits"].as_array().unwrap();
        assert_eq!(found.len(), 4, "{line}");
        for ((digit, [left, top]), (found, row)) in digits.iter().zip(places).zip(found.iter().zip([0, 0, 0, 1])) {
            assert_eq!(found["line"], row);
            assert_eq!(found["box"], serde_json::json!([left, top, digit.width, digit.height]), "{line}");
            assert!(found["margin"].as_f64().unwrap() >= 0.0 && found["class"].is_u64());
        }
        let doubtful = json(&["--min-margin", "1e30"]);
        assert_eq!((&doubtful["number"], &doubtful["class"]), (&"???\n?".into(), &Value::Null));
        assert!(doubtful["digits"].as_array().unwrap().iter().all(|digit| digit["class"].is_null()));
        let one = json(&["--one"]);
        assert_eq!((&one["number"], &one["digits"]), (&Value::Null, &Value::Null));
        assert!(one["class"].is_u64());
        // Two rows of three cells, of which two have no digit.
        let cells = json(&["--grid", "2x3"]);
        let expected = |number: &Value| number.as_str().unwrap().ends_with("..");
        assert!(expected(&cells["number"]) && cells["digits"].as_array().unwrap().len() == 4, "{cells}");
        assert_eq!(cells["digits"][3]["box"], line["digits"][3]["box"]);
    }
    let out = sandbox.run(&["predict", "--model", "m.twolayer", "sheet.png"]).succeeded();
    assert!(
        out.contains(&format!("\nsheet.png:\n{number}\n  ")) && out.contains("20 from the left, 20 from the top"),
        "{out}"
    );
    let row = Grey::new(260, 80, |x, y| sheet.pixels[y * 260 + x]);
    fs::write(sandbox.work().join("row.png"), png(&row)).unwrap();
    let out = sandbox.run(&["predict", "--model", "m.twolayer", "row.png", "--cells", "3"]).succeeded();
    assert!(out.contains(&format!("\nrow.png: {}\n", &single[..3])), "{out}");
    for (arguments, word) in [
        (&["row.png", "--grid", "3"][..], "such as 9x9"),
        (&["row.png", "--grid", "0x3"], "such as 9x9"),
        (&["row.png", "--cells", "0"], "1..=256"),
        (&["row.png", "--one", "--cells", "3"], "cannot be used with"),
        (&["--index", "1", "--one"], "cannot be used with"),
    ] {
        sandbox.run(&[&["predict"], arguments].concat()).rejected(&[word]);
    }
    // More cells than columns: the error says what is too small.
    fs::write(sandbox.work().join("small.png"), png(&Grey::new(30, 30, |_, _| 9))).unwrap();
    sandbox.run(&["predict", "--model", "m.twolayer", "small.png", "--cells", "31"]).failed(&["small.png", "0 × 30"]);
}

#[test]
fn the_example_classify() {
    let sandbox = sandbox();
    let label = picture(&sandbox, "digit.png");
    let mut command = sandbox.example("classify");
    let out = Outcome::from({
        command.args(["m.twolayer", "digit.png"]);
        command
    })
    .succeeded();
    assert!(out.starts_with(&format!("{label}, margin 0.")) && out.ends_with(" pixels of Dark ink\n"), "{out}");
    let usage = Outcome::from(sandbox.example("classify"));
    assert!(usage.code == Some(1) && usage.err.contains("usage: classify MODEL PICTURE"), "{usage:?}");
}

#[test]
fn the_example_train() {
    let sandbox = Sandbox::new();
    let out = Outcome::from(sandbox.example("train")).succeeded();
    assert_eq!(out.lines().count(), 6, "{out}");
    let last = out.lines().last().unwrap().strip_suffix(" of 1000 digits are classified correctly").unwrap();
    assert!((900..=1000).contains(&last.parse::<u32>().unwrap()), "{out}");
}
