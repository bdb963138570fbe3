//! What models are called by default, what is replaced and what is not without `--force`, and models as arguments.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use run::{Outcome, Sandbox, SmallSet};
use std::fs;

/// A sandbox with a small data set that is MNIST to its programs.
fn sandbox() -> (Sandbox, impl Fn(&Sandbox, &str) -> Outcome) {
    let sandbox = Sandbox::new();
    let mnist = sandbox.data("images", &SmallSet::TINY);
    let run = move |sandbox: &Sandbox, line: &str| {
        let mut command = sandbox.command(&line.split(' ').collect::<Vec<_>>());
        command.env("MNIST_DIR", &mnist);
        Outcome::from(command)
    };
    (sandbox, run)
}

fn models(sandbox: &Sandbox) -> Vec<String> {
    let listing = sandbox.listing();
    let names = listing.iter().filter_map(|it| it.strip_prefix("work/")?.split_once(' ').map(|(name, _)| name));
    names.filter_map(|name| name.strip_suffix(".twolayer")).map(str::to_owned).collect()
}

#[test]
fn default_names_tell_shape_and_recipe() {
    for (options, name) in [
        ("", "mnist"),
        (" --seed 2", "mnist"),
        (" --recipe article --epochs 5", "mnist"),
        (" --recipe fast", "mnist-fast"),
        (" --loss cross-entropy --shuffle --alpha 7.8e-5..2e-6 --init scaled", "mnist-fast"),
        (" --recipe good", "mnist-good"),
        (" --recipe fast --hidden 9", "mnist-9-fast"),
        (" --recipe fast --epochs 2", "mnist-own"),
        (" --epochs 2 --hidden 9", "mnist-9-own"),
        (" --hold-out 9", "mnist-own"),
        (" --recipe fast --hold-out 9", "mnist-fast"),
        (" --data images --recipe fast", "images-fast"),
    ] {
        let (sandbox, run) = sandbox();
        let out = run(&sandbox, &format!("train --quiet{options}"));
        assert_eq!((out.code, out.err.as_str()), (Some(0), ""), "{options}");
        assert_eq!(models(&sandbox), [name], "{options}");
    }
    // A run that goes on, with and without a checkpoint.
    let (sandbox, run) = sandbox();
    run(&sandbox, "train --quiet --recipe good --hidden 9 --checkpoint c").succeeded();
    fs::remove_file(sandbox.work().join("mnist-9-good.twolayer")).unwrap();
    run(&sandbox, "train --quiet --resume c").succeeded();
    run(&sandbox, "train --quiet --from mnist-9-good.twolayer").succeeded();
    run(&sandbox, "train --quiet --teacher mnist-9-good.twolayer --recipe fast --hidden 7").succeeded();
    assert_eq!(models(&sandbox), ["mnist-7-own", "mnist-9-further", "mnist-9-good"]);
}

#[test]
fn a_default_name_is_replaced_by_its_like_only() {
    let (sandbox, run) = sandbox();
    let read = |name: &str| fs::read(sandbox.work().join(name)).unwrap();
    run(&sandbox, "--quiet").succeeded();
    let first = read("mnist.twolayer");
    run(&sandbox, "--quiet --hidden 64").succeeded();
    assert!(read("mnist.twolayer") == first);
    run(&sandbox, "--quiet --seed 2").succeeded();
    assert!(read("mnist.twolayer") != first);
    for _ in 0..2 {
        run(&sandbox, "--quiet --recipe fast --hidden 9").succeeded();
        run(&sandbox, "quantize mnist-9-fast.twolayer").succeeded();
    }
    // One that says another recipe, a quantised one, and what is no model.
    let fast = read("mnist-9-fast.twolayer");
    for other in [&fast[..], &read("mnist-9-fast.int8.twolayer"), b"mine"] {
        fs::write(sandbox.work().join("mnist-9-good.twolayer"), other).unwrap();
        let before = sandbox.listing();
        let ran = run(&sandbox, "--recipe good --hidden 9");
        ran.failed(&["mnist-9-good.twolayer exists, ", ": give --force to replace it, or another file with --model"]);
        assert_eq!(ran.out, "", "this must fail before training starts");
        assert_eq!(sandbox.listing(), before);
        assert!(read("mnist-9-good.twolayer") == other);
    }
    run(&sandbox, "--quiet --recipe good --hidden 9 --force").succeeded();
    assert!(run(&sandbox, "info mnist-9-good.twolayer").succeeded().contains("--epochs 9"));
    // The article's models do not say their recipe: one of single options is never known to be the same.
    run(&sandbox, "--quiet --hidden 9 --epochs 1").succeeded();
    run(&sandbox, "--quiet --hidden 9 --epochs 1").failed(&["mnist-9-own.twolayer exists, a model, 64 → 9 → 3, f32"]);
    fs::write(sandbox.work().join("mnist-9-fast.int4.twolayer"), fast).unwrap();
    run(&sandbox, "quantize mnist-9-fast.twolayer --bits 4").failed(&["mnist-9-fast.int4.twolayer exists, a model, "]);
}

#[test]
fn nothing_else_is_replaced_without_force() {
    let (sandbox, run) = sandbox();
    run(&sandbox, "--quiet --recipe fast --hidden 9 --checkpoint c.twolayer").succeeded();
    run(&sandbox, "quantize --bits 4").succeeded();
    for name in ["old", "old.h", "old.boxes.png"] {
        fs::write(sandbox.work().join(name), "mine").unwrap();
    }
    fs::create_dir(sandbox.work().join("seen")).unwrap();
    for (line, option) in [
        ("train --hidden 9 --model old", "--model"),
        ("train --hidden 9 --model n.twolayer --report old", "--report"),
        ("train --hidden 9 --model n.twolayer --checkpoint old", "--checkpoint"),
        ("train --resume c.twolayer --model old", "--model"),
        ("eval --report old", "--report"),
        ("eval mnist-9-fast.twolayer mnist-9-fast.int4.twolayer --report old", "--report"),
        ("predict --index 0 --save-seen old", "--save-seen"),
        ("predict --index 0 --save-seen old.png", "--save-seen"),
        ("quantize --out old", "--out"),
        ("export --format npz --out old", "--out"),
        ("export --format c99 --out old.c", "--out"),
    ] {
        let before = sandbox.listing();
        let ran = run(&sandbox, line);
        ran.failed(&["old", " exists, 4 bytes: give --force to replace it, or another file with ", option]);
        assert_eq!(ran.out, "", "{line}");
        assert_eq!(sandbox.listing(), before, "{line}");
        run(&sandbox, &format!("{line} --force")).succeeded();
        for name in ["old", "old.h", "old.boxes.png"] {
            fs::write(sandbox.work().join(name), "mine").unwrap();
        }
        for name in ["n.twolayer", "old.c", "old.png"] {
            let _ = fs::remove_file(sandbox.work().join(name));
        }
    }
    // What nobody would want to be asked about.
    fs::write(sandbox.work().join("empty"), "").unwrap();
    run(&sandbox, "train --quiet --hidden 9 --model empty").succeeded();
    for _ in 0..2 {
        run(&sandbox, "train --quiet --resume c.twolayer").succeeded();
        run(&sandbox, "predict --index 0 --save-seen seen").succeeded();
    }
    if let Some(null) = sandbox.device("null", 3) {
        run(&sandbox, &format!("train --quiet --hidden 9 --model {}", null.display())).succeeded();
    }
    // --force does not make an input an output.
    run(&sandbox, "quantize mnist-9-fast.twolayer --out mnist-9-fast.twolayer --force").failed(&["is already used"]);
}

#[test]
fn data_sets_are_replaced_with_force_only() {
    let (sandbox, run) = sandbox();
    run(&sandbox, "data digits --out made --train 20 --test 9").succeeded();
    let images = || fs::read(sandbox.work().join("made/train-images-idx3-ubyte")).unwrap();
    let first = images();
    let other = "data digits --out made --train 20 --test 9 --seed 2";
    run(&sandbox, other).failed(&["made/train-images-idx3-ubyte already exists", "--force"]);
    assert!(images() == first);
    run(&sandbox, &format!("{other} --force")).succeeded();
    assert!(images() != first);
    run(&sandbox, "data convert images --out made").failed(&["already exists", "--force"]);
    run(&sandbox, "data convert images --out made --force").succeeded();
    assert_eq!(images().len(), 16 + 90 * 64);
    for into in ["made", "made/deeper"] {
        fs::create_dir_all(sandbox.work().join(into)).unwrap();
        run(&sandbox, &format!("data convert made --out {into} --force")).failed(&["belongs to the data set made"]);
    }
    assert_eq!(images().len(), 16 + 90 * 64);
}

#[test]
fn models_are_of_the_data_set_that_they_say() {
    let (sandbox, run) = sandbox();
    let model = |out: &str| out.split([' ', ':']).find(|word| word.ends_with(".twolayer")).unwrap().to_owned();
    run(&sandbox, "--quiet --hidden 9 --recipe fast --model any.twolayer").succeeded();
    run(&sandbox, "--quiet --hidden 9 --data images").succeeded();
    let evaluated = |line: &str| model(&run(&sandbox, line).succeeded());
    assert_eq!(evaluated("eval"), "images-9.twolayer");
    assert_eq!(evaluated("eval --data mnist"), "any.twolayer");
    assert_eq!(evaluated("eval --data images"), "images-9.twolayer");
    run(&sandbox, "quantize any.twolayer").succeeded();
    assert_eq!(evaluated("eval --data mnist"), "any.int8.twolayer");
    assert_eq!(evaluated("quantize --data mnist --force"), "any.twolayer");
    // One that says nothing is of what it is called.
    run(&sandbox, "--quiet --hidden 7").succeeded();
    assert_eq!(evaluated("eval --data mnist"), "mnist-7.twolayer");
    assert!(run(&sandbox, "eval any.twolayer").succeeded().contains("MNIST, "));
    run(&sandbox, "eval --data digits").failed(&["cannot open digits.twolayer"]);
}

#[test]
fn a_model_may_be_an_argument() {
    let (sandbox, run) = sandbox();
    run(&sandbox, "--quiet --hidden 9 --recipe fast").succeeded();
    run(&sandbox, "--quiet --hidden 8 --recipe fast").succeeded();
    let name = "mnist-9-fast.twolayer";
    for command in ["info", "eval", "quantize --force", "export --force", "predict --index 0"] {
        let [given, argument] = [format!("{command} --model {name}"), format!("{command} {name}")]
            .map(|line| run(&sandbox, &line).succeeded());
        let without_times =
            |out: &str| out.lines().filter(|it| !it.contains(", after ")).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(without_times(&given), without_times(&argument), "{command}");
        assert!(argument.contains(name), "{argument}");
        if command != "predict --index 0" {
            run(&sandbox, &format!("{command} {name} --model {name}")).rejected(&["--model"]);
        }
    }
    run(&sandbox, "predict mnist-9-fast.twolayer mnist-8-fast.twolayer --index 0").rejected(&["two models are given"]);
    run(&sandbox, "predict mnist-9-fast.twolayer --model x --index 0").rejected(&["two models are given"]);
    run(&sandbox, "predict mnist-9-fast.twolayer").rejected(&["no picture is given", "--index"]);
    run(&sandbox, "predict x.png --index 0").rejected(&["files and --index are given"]);
    // The model among pictures is no picture.
    let ran = run(&sandbox, "predict none.png mnist-9-fast.twolayer");
    assert!(ran.out.starts_with("model     mnist-9-fast.twolayer"), "{ran:#?}");
    ran.failed(&["none.png"]);
}
