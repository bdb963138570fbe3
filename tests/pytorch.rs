//! PyTorch itself: a network that it trained gives the same classes and outputs after `twolayer import`, and one that
//! `twolayer export` wrote gives the same classes there.
//!
//! Runs only if `TWOLAYER_PYTORCH` names a Python interpreter with torch, numpy and safetensors, and needs MNIST.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use run::mnist::{self, skipped};
use run::{Outcome, Sandbox};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use twolayer::host::{FileAccess, ModelFile};
use twolayer::{Answer, Backend, Network};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pytorch/train.py");

/// The interpreter and the directory of MNIST.
fn requirements(test: &str) -> Option<(OsString, PathBuf)> {
    let Some(python) = std::env::var_os("TWOLAYER_PYTORCH").filter(|it| !it.is_empty()) else {
        skipped(test, "set TWOLAYER_PYTORCH to a Python interpreter with torch, numpy and safetensors");
        return None;
    };
    Some((python, mnist::directory(test)?.canonicalize().unwrap()))
}

/// The outputs and classes of a model for the images.
fn run_model(model: &Path, images: &[u8]) -> (Vec<f32>, Vec<u8>) {
    let weights = ModelFile::open(model, FileAccess::Read).unwrap().weights().unwrap();
    let network = Network::new(weights.view(), Backend::detect());
    let count = images.len() / network.shape().inputs();
    let mut scratch = vec![0.0; Network::batch_scratch_len(network.shape(), count)];
    let outputs = network.outputs_batch(images, &mut scratch).unwrap();
    let classes = outputs.chunks(network.shape().outputs()).map(|outputs| Answer::of(outputs).class).collect();
    (outputs.to_vec(), classes)
}

#[test]
fn networks_go_to_pytorch_and_back() {
    let Some((python, mnist)) = requirements("networks_go_to_pytorch_and_back") else { return };
    let sandbox = Sandbox::new().replacing();
    let work = sandbox.work();
    let mnist_text = mnist.to_str().unwrap();
    let pytorch = |arguments: &[&str]| {
        let arguments = [&[SCRIPT, arguments[0], mnist_text], &arguments[1..]].concat();
        Outcome::from(sandbox.command_for(python.to_str().unwrap(), &arguments)).succeeded()
    };
    pytorch(&["train", "."]);
    let images = fs::read(work.join("images.u8")).unwrap();
    let outputs = fs::read(work.join("outputs.f32")).unwrap();
    let outputs: Vec<_> = outputs.as_chunks().0.iter().map(|&it| f32::from_le_bytes(it)).collect();
    assert_eq!((images.len(), outputs.len()), (10_000 * 784, 10_000 * 10));
    let classes = fs::read(work.join("classes.u8")).unwrap();

    // PyTorch's own file, and what Keras and NumPy would write.
    let normalised = ["--input-scale", "255", "--input-mean", "0.1307", "--input-std", "0.3081", "--data", mnist_text];
    for (file, tensors) in [
        (
            "net.safetensors",
            "fc1.weight [128, 784] F32, fc1.bias [128] F32, fc2.weight [10, 128] F32, fc2.bias [10] F32",
        ),
        ("keras.npz", "arr_0 [784, 128] <f4, arr_1 [128] <f4, arr_2 [128, 10] <f4, arr_3 [10] <f4"),
    ] {
        let out = sandbox.run(&[&["import", file, "--out", "net.twolayer"], &normalised[..]].concat()).succeeded();
        assert!(out.contains(&format!("tensors   {tensors}\n")), "{out}");
        assert!(out.contains("network   784 → 128 → 10 with biases\n"), "{out}");
        let (ours, our_classes) = run_model(&work.join("net.twolayer"), &images);
        assert!(our_classes == classes, "{file}: the same classes");
        for (image, (ours, theirs)) in ours.chunks(10).zip(outputs.chunks(10)).enumerate() {
            let largest = theirs.iter().fold(0.0, |most: f32, y| most.max(y.abs()));
            for (a, b) in ours.iter().zip(theirs) {
                assert!((a - b).abs() <= 1e-4 * largest, "{file}, image {image}: {ours:?}, not {theirs:?}");
            }
        }
    }
    // It goes on training here, biases included.
    let further = ["train", "--from", "net.twolayer", "--data", mnist_text, "--recipe", "fast", "--quiet"];
    let out = sandbox.run(&[&further[..], &["--model", "further.twolayer"]].concat()).succeeded();
    let accuracy = |text: &str| text.split(' ').nth(2).unwrap_or_default().parse::<f64>().unwrap();
    assert!(accuracy(&out) > 97.5, "{out}");
    let before = work.join("net.twolayer");
    let before = ModelFile::open(&before, FileAccess::Read).unwrap().weights().unwrap();
    let after = ModelFile::open(&work.join("further.twolayer"), FileAccess::Read).unwrap().weights().unwrap();
    let moved = |bias: fn(twolayer::Weights<'_>) -> Option<f32>| bias(before.view()) != bias(after.view());
    assert!(moved(|weights| weights.b1(5)) && moved(|weights| weights.b2(3)));

    // Weights of 8 significant bits: other outputs, but nearly always the same classes.
    sandbox.run(&[&["import", "half.safetensors"], &normalised[..]].concat()).succeeded();
    let (_, half) = run_model(&work.join("half.twolayer"), &images);
    let agreed = half.iter().zip(&classes).filter(|(a, b)| a == b).count();
    assert!(agreed >= 9_800, "{agreed} of 10000 classes agree");
    sandbox.run(&["import", "net.pt"]).failed(&["net.pt: this is a pickle", "safetensors.torch.save_file"]);

    // Ours, with and without biases.
    let train = ["train", "--data", mnist_text, "--limit", "6000", "--epochs", "1", "--hidden", "70", "--quiet"];
    sandbox.run(&[&train[..], &["--model", "ours.twolayer"]].concat()).succeeded();
    for model in ["net", "ours"] {
        let (_, classes) = run_model(&work.join(format!("{model}.twolayer")), &images);
        for format in ["safetensors", "npz"] {
            let file = format!("exported.{format}");
            sandbox.run(&["export", "--model", &format!("{model}.twolayer"), "--out", &file]).succeeded();
            pytorch(&["classify", &file, "theirs.u8"]);
            assert!(fs::read(work.join("theirs.u8")).unwrap() == classes, "{model} as {format}: the same classes");
        }
    }
}
