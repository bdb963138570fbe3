//! The C program in `examples/c` is built by its Makefile and gives the answers of the library.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod pictures;
mod tools;

use pictures::Grey;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tools::has_tool;
use twolayer::host::dataset::{Dataset, Digits};
use twolayer::host::training::{self, Recipe};
use twolayer::host::{ModelFile, quantize};
use twolayer::model::Details;
use twolayer::picture::{Ink, Picture};
use twolayer::{Answer, Backend, Bits, Network, QuantizedNetwork, digit};

#[test]
fn a_c_program_tells_which_digit_is_in_a_picture() {
    if !has_tool("make") || !has_tool("cc") {
        return;
    }
    // The folder and the build of tests/ffi.rs.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("c");
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("classify");
    let mut make = Command::new("make");
    make.arg("-C").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/c"));
    make.args(["PROFILE=dev", "CFLAGS=-O1 -Wconversion -Wshadow -Werror"]);
    make.arg(format!("TARGET={}", folder.join("target").display())).arg(format!("OUT={}", program.display()));
    let output = make.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let digits = Digits { train: 4000, test: 10, ..Digits::default() };
    let dataset = Dataset::generate(digits, &mut |_| ()).unwrap();
    let recipe = Recipe { hidden: 64, ..Recipe::default() };
    let trained = training::train(&dataset, &recipe, |_| ()).unwrap();
    let weights = trained.weights.view();
    let quantized = quantize(weights, Bits::Four, &dataset.train, 2000).unwrap();
    let (f32_model, int4_model) = (folder.join("f32.twolayer"), folder.join("int4.twolayer"));
    ModelFile::write(&f32_model, weights, Details::default()).unwrap();
    ModelFile::write_quantized(&int4_model, &quantized, Details::default()).unwrap();

    let run = |model: &Path, picture: &Path| Command::new(&program).arg(model).arg(picture).output().unwrap();
    let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = vec![0.0; Network::scratch_len(weights.shape())];
    let mut words = vec![0; QuantizedNetwork::scratch_len(weights.shape())];
    for number in 0..5 {
        let (image, _) = digit(7, number);
        let grey = Grey::mnist(&image).enlarged(3).on(130, 110, 21, 13).inverted();
        let path = folder.join("picture.pgm");
        let header = format!("P5\n{} {}\n255\n", grey.width, grey.height);
        fs::write(&path, [header.as_bytes(), &grey.pixels].concat()).unwrap();

        let mut input = [0; 784];
        let picture = Picture::new(&grey.pixels, 130, 110, 130).unwrap();
        let mut scratch = vec![0; Picture::scratch_len(130, 110, 28)];
        picture.normalize(Ink::Auto, &mut scratch, &mut input).unwrap();
        let network = Network::new(weights, Backend::detect());
        let Answer { class, margin } = Answer::of(network.outputs(&input, &mut numbers).unwrap());
        assert_eq!(text(&run(&f32_model, &path)), format!("{class}, margin {margin:.4}\n"));
        let Answer { class, margin } = Answer::of(quantized.network().outputs(&input, &mut words).unwrap());
        assert_eq!(text(&run(&int4_model, &path)), format!("{class}, margin {margin}\n"));
    }

    let failed = |model: &Path, picture: &[u8], words: &str| {
        let path = folder.join("bad.pgm");
        fs::write(&path, picture).unwrap();
        let output = run(model, &path);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(words), "{errors}");
    };
    let blank = [&b"P5 20 20 255\n"[..], &[200; 400]].concat();
    failed(&f32_model, &blank, "bad.pgm: ");
    failed(&f32_model, b"P6 20 20 255\n", "not a binary PGM");
    failed(&f32_model, b"P5 20 20 255", "not a binary PGM");
    failed(&folder.join("none.twolayer"), &blank, "none.twolayer");
}

#[test]
fn cmake_builds_the_same_program() {
    if !has_tool("cmake") || !has_tool("cc") {
        return;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cmake");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/c");
    for arguments in [
        vec!["-S".into(), source.into_os_string(), "-B".into(), folder.clone().into_os_string()],
        vec!["--build".into(), folder.clone().into_os_string()],
    ] {
        let output = Command::new("cmake").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let output = Command::new(folder.join("classify")).args(["none.twolayer", "none.pgm"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("none.twolayer"), "it runs");
}
