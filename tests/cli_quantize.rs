//! `twolayer quantize`, with valid and invalid use: output, exit code and files.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use run::mnist::skipped;
use run::{Outcome, Sandbox, SmallSet};
use std::fs;

#[test]
fn quantize_eval_and_info_agree_on_every_tier() {
    let sandbox = Sandbox::trained().replacing();
    for bits in ["8", "4"] {
        let out = sandbox.run(&["quantize", "--data", "data", "--model", "m.twolayer", "--bits", bits]).succeeded();
        let file = format!("m.int{bits}.twolayer");
        let bytes = fs::metadata(sandbox.work().join(&file)).unwrap().len();
        assert!(out.contains(&format!("written   {file}: int{bits}, {bytes} bytes")), "{out}");
        let last = out.lines().last().unwrap();
        assert!(last.starts_with("accuracy  ") && last.contains(" before, ") && last.ends_with(" points"), "{out}");
        let after = last.split(" before, ").nth(1).unwrap().split(" after").next().unwrap();
        for backend in twolayer::Backend::available() {
            let eval =
                sandbox.run(&["eval", "--data", "data", "--model", &file, "--backend", backend.name()]).succeeded();
            assert!(eval.contains(&format!("64 → 70 → 3, int{bits}")), "{eval}");
            assert_eq!(eval.lines().last(), Some(format!("accuracy  {after} of 30 test images").as_str()));
        }
        let info = sandbox.run(&["info", "--model", &file]).succeeded();
        assert!(info.contains(&format!("network   64 → 70 → 3, int{bits} weights")), "{info}");
        let again = ["quantize", "--data", "data", "--model", "m.twolayer", "--bits", bits, "--out", "again"];
        sandbox.run(&again).succeeded();
        let read = |name: &str| fs::read(sandbox.work().join(name)).unwrap();
        assert!(read("again") == read(&file), "the same network and images give the same file");
    }
}

#[test]
fn tuning_is_said_to_have_been_done() {
    let sandbox = Sandbox::trained().replacing();
    let quantize = |options: &[&str]| {
        let common = ["quantize", "--data", "data", "--model", "m.twolayer", "--bits", "4", "--out", "t.twolayer"];
        sandbox.run(&[&common[..], options].concat())
    };
    let out = quantize(&["--tune", "2"]).succeeded();
    assert!(out.contains("\nepoch 1   mean loss ") && out.contains("\nepoch 2   mean loss "), "{out}");
    let info = |expected: &str| {
        let info = sandbox.run(&["info", "--model", "t.twolayer"]).succeeded();
        assert!(info.contains(expected), "{info}");
    };
    info("text      tuned as int4: 2 epochs, distorted by 60 %, learning rate 2e-5 to 4e-7, seed 1\n");
    quantize(&["--tune", "1", "--distort", "0", "--alpha", "1e-5", "--seed", "3"]).succeeded();
    info("text      tuned as int4: 1 epoch, learning rate 1e-5 to 1e-5, seed 3\n");
    for alone in [["--distort", "5"], ["--alpha", "1e-5"], ["--seed", "2"], ["--tune", "0"]] {
        quantize(&alone).rejected(&["--tune"]);
    }
}

/// Every command takes the images of a network that halves or deslants them as they are.
#[test]
fn images_are_prepared_by_every_command() {
    prepared(&["--halve"], "64 halved to 16", ", halved, ");
    prepared(&["--deslant"], "64 deslanted", ", deslanted, ");
    prepared(&["--deslant=yes", "--halve"], "64 deslanted, halved to 16", ", deslanted, halved, ");
}

fn prepared(options: &[&str], network: &str, recipe: &str) {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    let mut train = vec!["train", "--data", "data", "--recipe", "fast", "--hidden", "24", "--model", "m.twolayer"];
    train.extend(options);
    let trained = sandbox.run(&train).succeeded();
    let network = format!("network   {network} → 24 → 3, ");
    assert!(trained.contains(&network) && trained.contains(recipe), "{trained}");
    let info = sandbox.run(&["info", "--model", "m.twolayer"]).succeeded();
    assert!(info.contains(&network) && info.contains("image     8 × 8 pixels"), "{info}");
    sandbox.run(&["verify", "m.twolayer", "--data", "data"]).succeeded();
    let last = |text: &str| text.lines().last().unwrap().to_owned();
    let eval = |model: &str| last(&sandbox.run(&["eval", "--data", "data", "--model", model]).succeeded());
    assert_eq!(eval("m.twolayer"), last(&trained));
    for bits in ["8", "4"] {
        let out = sandbox.run(&["quantize", "--data", "data", "--model", "m.twolayer", "--bits", bits]).succeeded();
        let model = format!("m.int{bits}.twolayer");
        let after = last(&out).split(" before, ").nth(1).unwrap().split(" after").next().unwrap().to_owned();
        assert_eq!(eval(&model), format!("accuracy  {after} of 30 test images"));
        sandbox.run(&["predict", "--data", "data", "--model", &model, "--index", "2"]).succeeded();
    }
    sandbox.run(&["predict", "--data", "data", "--model", "m.twolayer", "--index", "2"]).succeeded();
}

#[test]
fn images_that_cannot_be_prepared_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.data("odd", &SmallSet { side: 7, ..SmallSet::TINY });
    let odd = ["train", "--data", "odd", "--halve", "--model", "odd.twolayer"];
    sandbox.run(&odd).failed(&["49 pixels in rows of 7 cannot be halved to the inputs: both sides must be even"]);
    sandbox.data("large", &SmallSet { side: 65, ..SmallSet::TINY });
    let large = ["train", "--data", "large", "--deslant", "--model", "large.twolayer"];
    sandbox.run(&large).failed(&["images of 65 × 65 cannot be deslanted", "sides may have up to 64 pixels"]);
}

/// Without `--model`, `quantize` does not pick the newer output of an earlier run.
#[test]
fn quantize_can_be_repeated() {
    let sandbox = Sandbox::new();
    let data = sandbox.data("data", &SmallSet::TINY);
    let quantize = |bits| {
        let mut command = sandbox.command(&["quantize", "--bits", bits]);
        command.env("MNIST_DIR", &data);
        Outcome::from(command)
    };
    fs::write(sandbox.work().join("mnist.int8.twolayer"), "no model").unwrap();
    quantize("8").failed(&["mnist.int8.twolayer: "]);
    fs::remove_file(sandbox.work().join("mnist.int8.twolayer")).unwrap();
    sandbox.run(&["--data", "data", "--hidden", "9", "--quiet", "--model", "mnist.twolayer"]).succeeded();
    for (bits, out) in [("8", "mnist.int8.twolayer"), ("4", "mnist.int4.twolayer"), ("8", "mnist.int8.twolayer")] {
        let ran = quantize(bits).succeeded();
        assert!(ran.starts_with("model     mnist.twolayer: ") && ran.contains(&format!("written   {out}: ")), "{ran}");
    }
    assert!(sandbox.run(&["info"]).succeeded().starts_with("model     mnist.int8.twolayer, "));
}

/// The program describes its output without reading it back, which is impossible with a pipe.
#[cfg(unix)]
#[test]
fn output_can_be_a_pipe_or_a_device() {
    let sandbox = Sandbox::trained();
    let quantize = ["quantize", "--data", "data", "--model", "m.twolayer", "--out"];
    sandbox.run(&[&quantize[..], &["q.twolayer"]].concat()).succeeded();
    let expected = fs::read(sandbox.work().join("q.twolayer")).unwrap();
    let written = |out: &str, path: &str| {
        assert!(out.contains(&format!("written   {path}: int8, {} bytes, after", expected.len())), "{out}");
    };
    let script = "mkfifo pipe && timeout 10 cat pipe > copy & while ! test -p pipe; do sleep 0.01; done
        timeout 10 \"$@\" pipe; wait; test -p pipe";
    let shell = ["-c", script, "-", env!("CARGO_BIN_EXE_twolayer")];
    written(&Outcome::from(sandbox.command_for("sh", &[&shell[..], &quantize].concat())).succeeded(), "pipe");
    assert!(fs::read(sandbox.work().join("copy")).unwrap() == expected);

    let Some(null) = sandbox.device("null", 3) else {
        return skipped("output_can_be_a_pipe_or_a_device", "cannot create a device like /dev/null");
    };
    let null = null.to_str().unwrap();
    written(&sandbox.run(&[&quantize[..], &[null]].concat()).succeeded(), null);
}

#[test]
fn errors_leave_no_files() {
    let sandbox = Sandbox::trained();
    sandbox.run(&["quantize", "--data", "data", "--model", "m.twolayer", "--out", "q.twolayer"]).succeeded();
    fs::write(sandbox.work().join("bad.twolayer"), b"TWOLAYER and more").unwrap();
    let before = sandbox.listing();
    let model = fs::read(sandbox.work().join("m.twolayer")).unwrap();
    let failed = |arguments: &[&str], words: &[&str]| {
        sandbox.run(&[&["quantize", "--data", "data"], arguments].concat()).failed(words);
        assert_eq!(sandbox.listing(), before);
    };
    failed(&["--model", "q.twolayer"], &["q.twolayer already has int8 weights", "--model"]);
    failed(&["--model", "m.twolayer", "--out", "m.twolayer"], &["m.twolayer is already used", "--out"]);
    failed(&["--model", "m.twolayer", "--out", "./m.twolayer"], &["is already used"]);
    failed(&["--model", "m.twolayer", "--out", "nowhere/q"], &["nowhere/q"]);
    failed(&["--model", "none.twolayer"], &["none.twolayer"]);
    failed(&["--model", "bad.twolayer"], &["bad.twolayer"]);
    assert!(fs::read(sandbox.work().join("m.twolayer")).unwrap() == model);
    let wrong = sandbox.data("wrong", &SmallSet { side: 9, ..SmallSet::TINY });
    let before = sandbox.listing();
    sandbox.run(&["quantize", "--data", wrong.to_str().unwrap(), "--model", "m.twolayer"]).failed(&["81", "64"]);
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn invalid_options_are_usage_errors() {
    let sandbox = Sandbox::new();
    for bad in [["--bits", "3"], ["--bits", "16"], ["--images", "0"], ["--backend", "mmx"]] {
        let ran = sandbox.run(&[&["quantize"][..], &bad].concat());
        ran.rejected(&[bad[0]]);
    }
}
