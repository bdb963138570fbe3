//! `twolayer quantize`, used well and badly: what it prints, its exit code, and what is left behind.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use run::mnist::skipped;
use run::{Ran, Sandbox, Small};
use std::fs;

const TRAIN: [&str; 10] =
    ["train", "--data", "data", "--hidden", "70", "--epochs", "2", "--quiet", "--model", "m.twolayer"];

/// A sandbox with a tiny data set and a network trained on it.
fn trained() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.data("data", &Small::TINY);
    sandbox.run(&TRAIN).done();
    sandbox
}

#[test]
fn quantize_eval_and_info_agree_on_every_tier() {
    let sandbox = trained();
    for bits in ["8", "4"] {
        let out = sandbox.run(&["quantize", "--data", "data", "--model", "m.twolayer", "--bits", bits]).done();
        let file = format!("m.int{bits}.twolayer");
        let bytes = fs::metadata(sandbox.work().join(&file)).unwrap().len();
        assert!(out.contains(&format!("written   {file}: int{bits}, {bytes} bytes")), "{out}");
        let last = out.lines().last().unwrap();
        assert!(last.starts_with("accuracy  ") && last.contains(" before, ") && last.ends_with(" points"), "{out}");
        let after = last.split(" before, ").nth(1).unwrap().split(" after").next().unwrap();
        for backend in twolayer::Backend::available() {
            let eval = sandbox.run(&["eval", "--data", "data", "--model", &file, "--backend", backend.name()]).done();
            assert!(eval.contains(&format!("64 → 70 → 3, int{bits}")), "{eval}");
            assert_eq!(eval.lines().last(), Some(format!("accuracy  {after} of 30 test images").as_str()));
        }
        let info = sandbox.run(&["info", "--model", &file]).done();
        assert!(info.contains(&format!("network   64 → 70 → 3, int{bits} weights")), "{info}");
        let again = ["quantize", "--data", "data", "--model", "m.twolayer", "--bits", bits, "--out", "again"];
        sandbox.run(&again).done();
        let read = |name: &str| fs::read(sandbox.work().join(name)).unwrap();
        assert!(read("again") == read(&file), "the same network and images give the same file");
    }
}

/// `quantize`, and `quantize --bits 4` after it: without a name, its own output is not what is meant.
#[test]
fn quantize_may_be_repeated() {
    let sandbox = Sandbox::new();
    let data = sandbox.data("data", &Small::TINY);
    let quantize = |bits| {
        let mut command = sandbox.command(&["quantize", "--bits", bits]);
        command.env("MNIST_DIR", &data);
        Ran::from(command)
    };
    fs::write(sandbox.work().join("mnist.int8.twolayer"), "no model").unwrap();
    quantize("8").failed(&["mnist.int8.twolayer: "]);
    sandbox.run(&["--data", "data", "--hidden", "9", "--quiet", "--model", "mnist.twolayer"]).done();
    for (bits, out) in [("8", "mnist.int8.twolayer"), ("4", "mnist.int4.twolayer"), ("8", "mnist.int8.twolayer")] {
        let ran = quantize(bits).done();
        assert!(ran.starts_with("model     mnist.twolayer: ") && ran.contains(&format!("written   {out}: ")), "{ran}");
    }
    assert!(sandbox.run(&["info"]).done().starts_with("model     mnist.int8.twolayer, "));
}

/// What is written to a pipe is gone: it is described without being read again.
#[cfg(unix)]
#[test]
fn an_integer_network_may_go_into_a_pipe_or_nowhere() {
    let sandbox = trained();
    let quantize = ["quantize", "--data", "data", "--model", "m.twolayer", "--out"];
    sandbox.run(&[&quantize[..], &["q.twolayer"]].concat()).done();
    let expected = fs::read(sandbox.work().join("q.twolayer")).unwrap();
    let written = |out: &str, path: &str| {
        assert!(out.contains(&format!("written   {path}: int8, {} bytes, after", expected.len())), "{out}");
    };
    let script = "mkfifo pipe && timeout 10 cat pipe > copy & while ! test -p pipe; do sleep 0.01; done
        timeout 10 \"$@\" pipe; wait; test -p pipe";
    let shell = ["-c", script, "-", env!("CARGO_BIN_EXE_twolayer")];
    written(&Ran::from(sandbox.other("sh", &[&shell[..], &quantize].concat())).done(), "pipe");
    assert!(fs::read(sandbox.work().join("copy")).unwrap() == expected);

    let Some(null) = sandbox.device("null", 3) else {
        return skipped("an_integer_network_may_go_into_a_pipe_or_nowhere", "no device like /dev/null here");
    };
    let null = null.to_str().unwrap();
    written(&sandbox.run(&[&quantize[..], &[null]].concat()).done(), null);
}

#[test]
fn what_is_refused_leaves_nothing() {
    let sandbox = trained();
    sandbox.run(&["quantize", "--data", "data", "--model", "m.twolayer", "--out", "q.twolayer"]).done();
    fs::write(sandbox.work().join("bad.twolayer"), b"TWOLAYER and more").unwrap();
    let before = sandbox.listing();
    let model = fs::read(sandbox.work().join("m.twolayer")).unwrap();
    let failed = |arguments: &[&str], words: &[&str]| {
        sandbox.run(&[&["quantize", "--data", "data"], arguments].concat()).failed(words);
        assert_eq!(sandbox.listing(), before);
    };
    failed(&["--model", "q.twolayer"], &["q.twolayer has int8 weights already", "--model"]);
    failed(&["--model", "m.twolayer", "--out", "m.twolayer"], &["m.twolayer is the model itself", "--out"]);
    failed(&["--model", "m.twolayer", "--out", "./m.twolayer"], &["is the model itself"]);
    failed(&["--model", "m.twolayer", "--out", "nowhere/q"], &["nowhere/q"]);
    failed(&["--model", "none.twolayer"], &["none.twolayer"]);
    failed(&["--model", "bad.twolayer"], &["bad.twolayer"]);
    assert!(fs::read(sandbox.work().join("m.twolayer")).unwrap() == model);
    let wrong = sandbox.data("wrong", &Small { side: 9, ..Small::TINY });
    let before = sandbox.listing();
    sandbox.run(&["quantize", "--data", wrong.to_str().unwrap(), "--model", "m.twolayer"]).failed(&["81", "64"]);
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn bad_options_are_usage_errors() {
    let sandbox = Sandbox::new();
    for bad in [["--bits", "3"], ["--bits", "16"], ["--images", "0"], ["--backend", "mmx"]] {
        let ran = sandbox.run(&[&["quantize"][..], &bad].concat());
        ran.refused(&[bad[0]]);
    }
}
