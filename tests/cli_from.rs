//! Runs that go on: `train --from`, `--checkpoint` and `--resume`, and models that are trained again by `verify`.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use run::{Sandbox, SmallSet};
use std::fs;

/// The options of a short run that depends on everything that changes between epochs.
const RUN: [&str; 13] = [
    "train",
    "--data",
    "data",
    "--recipe",
    "fast",
    "--hidden",
    "70",
    "--epochs",
    "4",
    "--distort",
    "50",
    "--quiet",
    "--block=9",
];

/// The hash of a model's weights, by `info`.
fn weights(sandbox: &Sandbox, model: &str) -> String {
    let info = sandbox.run(&["info", "--model", model]).succeeded();
    info.lines().last().unwrap().strip_prefix("weights   ").unwrap().to_owned()
}

fn train(sandbox: &Sandbox, options: &[&str]) {
    sandbox.run(&[&RUN[..], options].concat()).succeeded();
}

/// A sandbox with a data set and a model of [`RUN`].
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    train(&sandbox, &["--model", "m.twolayer", "--checkpoint", "c.twolayer"]);
    sandbox
}

#[test]
fn a_model_says_how_it_was_made_and_is_made_again() {
    let sandbox = sandbox();
    let info = sandbox.run(&["info", "--model", "m.twolayer"]).succeeded();
    let recipe = "text      recipe: --loss cross-entropy --epochs 4 --alpha 7.8e-5..2e-6 --shuffle=yes --distort 50 --hidden 70 \
                  --init scaled --seed 1 --block 9\n          data: ";
    assert!(info.contains(recipe), "{info}");
    let verify = |options: &[&str]| sandbox.run(&[&["verify", "m.twolayer"], options].concat());
    for options in [&["--data", "data"][..], &["--data", "data", "--threads", "1", "--backend", "portable"]] {
        let out = verify(options).succeeded();
        assert!(out.ends_with(" s: the same weights\n"), "{out}");
    }
    let json = verify(&["--data", "data", "--json"]).succeeded();
    let hash = weights(&sandbox, "m.twolayer");
    assert!(json.contains(&format!("\"equal\":true,\"event\":\"verified\",\"found\":\"{hash}\"")), "{json}");

    // Other data, and options that it says itself.
    sandbox.data("other", &SmallSet { train: 88, ..SmallSet::TINY });
    verify(&["--data", "other"]).failed(&["m.twolayer was trained on the data ", "those here are ", "--data"]);
    verify(&["--data", "data", "--seed", "2"]).failed(&["says by which recipe it was trained"]);
    sandbox.run(&["verify", "c.twolayer", "--data", "data"]).failed(&["is a checkpoint", "--resume"]);
}

/// The text of a model is not in its weights: who changes the seed there, and the checksums, is found out.
#[test]
fn a_model_whose_seed_was_changed_is_another_one() {
    let sandbox = sandbox();
    let path = sandbox.work().join("m.twolayer");
    let mut file = fs::read(&path).unwrap();
    let at = file.windows(8).position(|window| window == b"--seed 1").unwrap();
    file[at + 7] = b'2';
    let payload = twolayer::crc32(&file[64..]);
    file[56..60].copy_from_slice(&payload.to_le_bytes());
    let header = twolayer::crc32(&file[..60]);
    file[60..64].copy_from_slice(&header.to_le_bytes());
    fs::write(&path, file).unwrap();
    let hash = weights(&sandbox, "m.twolayer");
    let error = format!("m.twolayer has the weights {hash}, and training gives ");
    let verify = ["verify", "m.twolayer", "--data", "data"];
    sandbox.run(&verify).failed(&[&error, "it was not made by the recipe that it says"]);
    let json = sandbox.run(&[&verify[..], &["--json"]].concat());
    assert!(json.code == Some(1) && json.out.contains("\"equal\":false"), "{json:?}");
}

#[test]
fn the_articles_model_has_no_text_and_is_made_again_by_its_options() {
    let sandbox = Sandbox::trained().replacing();
    let file = fs::read(sandbox.work().join("m.twolayer")).unwrap();
    assert_eq!(file[8], 1, "a file of version 1");
    let verify = |options: &[&str]| sandbox.run(&[&["verify", "m.twolayer", "--data", "data"], options].concat());
    let out = verify(&["--epochs", "2"]).succeeded();
    assert!(out.ends_with(" s: the same weights\n"), "{out}");
    verify(&["--epochs", "2", "--seed", "5"])
        .failed(&["has the weights ", "give the options that it was trained with"]);
    // A checkpoint says it all.
    let model = |options: &[&str]| {
        let train = ["train", "--data", "data", "--hidden", "70", "--quiet", "--model", "n.twolayer"];
        sandbox.run(&[&train[..], options].concat()).succeeded();
        fs::read(sandbox.work().join("n.twolayer")).unwrap()
    };
    assert!(model(&["--epochs", "2", "--checkpoint", "c.twolayer"]) == file);
    sandbox.run(&["train", "--resume", "c.twolayer", "--data", "data", "--model", "n.twolayer"]).succeeded();
    assert!(fs::read(sandbox.work().join("n.twolayer")).unwrap() == file);
}

/// Runs that are killed after each write of a checkpoint: what `--resume` has then, copied as it was written.
#[test]
fn a_resumed_run_ends_with_the_same_file() {
    let sandbox = sandbox().replacing();
    let read = |name: &str| fs::read(sandbox.work().join(name)).unwrap();
    let expected = read("m.twolayer");
    let mut killed = 0;
    while killed < 5 {
        fs::remove_file(sandbox.work().join("c.twolayer")).unwrap();
        let slow = [&RUN[..], &["--model", "n.twolayer", "--checkpoint", "c.twolayer"]].concat();
        let mut child = sandbox.command(&slow).spawn().unwrap();
        while !sandbox.work().join("c.twolayer").exists() {
            std::thread::sleep(core::time::Duration::from_micros(50));
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        killed += u32::from(!status.success());
        let resume = ["train", "--resume", "c.twolayer", "--data", "data", "--model", "r.twolayer", "--quiet"];
        sandbox.run(&resume).succeeded();
        assert!(read("r.twolayer") == expected);
        // It is at its end now; resuming it again changes nothing.
        sandbox.run(&resume).succeeded();
        assert!(read("r.twolayer") == expected);
    }
    let resume = |options: &[&str]| sandbox.run(&[&["train", "--resume"], options].concat());
    resume(&["m.twolayer", "--data", "data"]).failed(&["m.twolayer: a model, but no checkpoint", "--checkpoint"]);
    resume(&["c.twolayer", "--data", "data", "--epochs", "9"]).failed(&["says by which recipe its run goes on"]);
    sandbox.data("other", &SmallSet { train: 88, ..SmallSet::TINY });
    resume(&["c.twolayer", "--data", "other"]).failed(&["c.twolayer was trained on the data "]);
    resume(&["nothing"]).failed(&["nothing"]);
    resume(&["c.twolayer", "--from", "m.twolayer"]).rejected(&["--from"]);
}

#[test]
fn training_goes_on_from_a_network() {
    let sandbox = sandbox().replacing();
    let train = |options: &[&str]| {
        let train = ["train", "--from", "m.twolayer", "--data", "data", "--model", "n.twolayer", "--quiet"];
        sandbox.run(&[&train[..], options].concat())
    };
    train(&["--epochs", "2"]).succeeded();
    let info = sandbox.run(&["info", "--model", "n.twolayer"]).succeeded();
    let start = format!("\n          start: {}\n", weights(&sandbox, "m.twolayer"));
    assert!(info.contains(&start) && info.contains("64 → 70 → 3, f32"), "{info}");
    let verify = |options: &[&str]| sandbox.run(&[&["verify", "n.twolayer", "--data", "data"], options].concat());
    verify(&[]).failed(&["n.twolayer was trained from another network", "--from"]);
    verify(&["--from", "n.twolayer"]).failed(&["those of --from are "]);
    verify(&["--from", "m.twolayer"]).succeeded();

    // Other classes: the second layer begins anew.
    sandbox.data("five", &SmallSet { classes: 5, ..SmallSet::TINY });
    let five = ["train", "--from", "m.twolayer", "--data", "five", "--model", "n.twolayer", "--json"];
    let json = sandbox.run(&five).succeeded();
    assert!(json.contains("\"hidden\":70,\"inputs\":64,\"outputs\":5"), "{json}");
    let from = format!("\"from\":\"{}\"", weights(&sandbox, "m.twolayer"));
    assert!(json.contains(&from) && json.contains("\"init\":null"), "{json}");

    for option in [&["--hidden", "3"][..], &["--halve"], &["--init", "scaled"], &["--init-scale", "1"]] {
        train(option).rejected(&[option[0], "--from"]);
    }
    let same = ["train", "--from", "m.twolayer", "--data", "data", "--model", "m.twolayer"];
    sandbox.run(&same).failed(&["m.twolayer is already used by this command"]);
    sandbox.run(&["quantize", "--data", "data", "--model", "m.twolayer", "--out", "q.twolayer"]).succeeded();
    let from = ["train", "--from", "q.twolayer", "--data", "data"];
    sandbox.run(&from).failed(&["q.twolayer has int8 weights", "give the f32 model"]);
    sandbox.run(&["verify", "q.twolayer", "--data", "data"]).failed(&["q.twolayer has int8 weights"]);
    sandbox.data("wide", &SmallSet { side: 9, ..SmallSet::TINY });
    sandbox.run(&["train", "--from", "m.twolayer", "--data", "wide"]).failed(&["81", "64"]);
}

/// A small set beside a large one is repeated, as often as asked or so that it is a tenth; a model says how often, and is verified.
#[test]
fn small_sets_are_repeated() {
    let sandbox = sandbox().replacing();
    sandbox.data("large", &SmallSet { train: 900, ..SmallSet::TINY });
    let train = |options: &[&str]| {
        let train = ["train", "--from", "m.twolayer", "--data", "large", "--data", "small", "--model", "n.twolayer"];
        sandbox.run(&[&train[..], options].concat()).succeeded()
    };
    for (size, options, times, total) in
        [(9, &[][..], 10, 990), (9, &["--repeat", "3"], 3, 927), (60, &[], 1, 960), (200, &["--repeat", "1"], 1, 1100)]
    {
        sandbox.data("small", &SmallSet { train: size, ..SmallSet::TINY });
        let out = train(options);
        let times = if times == 1 { String::new() } else { format!(" {times} times") };
        assert!(
            out.starts_with(&format!("data      {total} training and 60 test images: large + small{times}\n")),
            "{out}"
        );
        let verify = ["verify", "n.twolayer", "--from", "m.twolayer", "--data", "large", "--data", "small"];
        sandbox.run(&verify).succeeded();
    }
    sandbox.run(&["train", "--data", "data", "--repeat", "0"]).rejected(&["--repeat", "an integer of 1 or more"]);
    let many = ["train", "--data", "data", "--data", "data", "--repeat", "18446744073709551615"];
    sandbox.run(&many).failed(&["memory"]);
}

/// The names of classes go on: a data set's numbers become those of the network's names, and new names begin anew.
#[test]
fn names_of_classes_go_on() {
    let sandbox = Sandbox::new().replacing();
    let named = |directory: &str, names: &str| {
        sandbox.data(directory, &SmallSet::TINY);
        fs::write(sandbox.work().join(directory).join("classes.txt"), names).unwrap();
    };
    named("abc", "a\nb\nc\n");
    named("cab", "c\na\nb\n");
    named("xyz", "x\ny\nz\n");
    let run = |options: &[&str]| {
        let common = ["train", "--recipe", "fast", "--hidden", "20", "--quiet", "--checkpoint", "c.twolayer"];
        sandbox.run(&[&common[..], options].concat()).succeeded();
    };
    run(&["--data", "abc", "--model", "m.twolayer"]);
    let text = |model: &str| sandbox.run(&["info", "--model", model]).succeeded();
    for (data, classes) in [("abc", "a | b | c"), ("cab", "a | b | c"), ("xyz", "x | y | z")] {
        let from =
            ["train", "--from", "m.twolayer", "--data", data, "--model", "n.twolayer", "--checkpoint", "c.twolayer"];
        sandbox.run(&from).succeeded();
        assert!(text("n.twolayer").contains(&format!("text      classes: {classes}\n          recipe: ")), "{data}");
        assert!(text("c.twolayer").contains(&format!("text      classes: {classes}\n          recipe: ")), "{data}");
        sandbox.run(&["verify", "n.twolayer", "--from", "m.twolayer", "--data", data]).succeeded();
        let resume = ["train", "--resume", "c.twolayer", "--data", data, "--model", "r.twolayer"];
        sandbox.run(&resume).succeeded();
        let read = |name: &str| fs::read(sandbox.work().join(name)).unwrap();
        assert!(read("r.twolayer") == read("n.twolayer"), "{data}");
    }
}

/// No output replaces an input or another output, and what was lost cannot be had again.
#[test]
fn outputs_are_no_inputs() {
    let sandbox = sandbox();
    let before = |sandbox: &Sandbox| fs::read(sandbox.work().join("m.twolayer")).unwrap();
    let model = before(&sandbox);
    let listing = sandbox.listing();
    for (options, words) in [
        (
            &["--model", "data/train-images-idx3-ubyte"][..],
            "belongs to the data set data: give another file with --model",
        ),
        (
            &["--checkpoint", "data/t10k-labels-idx1-ubyte"],
            "belongs to the data set data: give another file with --checkpoint",
        ),
        (&["--report", "data/t10k-images-idx3-ubyte"], "belongs to the data set data: give another file with --report"),
        (&["--from", "m.twolayer", "--checkpoint", "m.twolayer"], "give another file with --checkpoint"),
        (&["--model", "n.twolayer", "--checkpoint", "n.twolayer"], "give another file with --model"),
        (&["--model", "n.twolayer", "--checkpoint", "x", "--report", "x"], "give another file with --report"),
    ] {
        sandbox.run(&[&["train", "--data", "data"], options].concat()).failed(&[words]);
        assert!(before(&sandbox) == model && sandbox.listing() == listing, "{options:?}");
    }
}

/// How images are read is part of a recipe: it is said by the model, not by options beside it.
#[test]
fn recipes_say_how_images_are_read() {
    let sandbox = sandbox();
    for option in [&["--hold-out", "9"][..], &["--invert"], &["--transpose"], &["--as-is"], &["--repeat", "2"]] {
        let error = &["leave out the options of another"];
        sandbox.run(&[&["verify", "m.twolayer", "--data", "data"], option].concat()).failed(error);
        sandbox.run(&[&["train", "--resume", "c.twolayer", "--data", "data"], option].concat()).failed(error);
    }
    let error = ["m.twolayer was not trained from another network: leave out --from"];
    sandbox.run(&["verify", "m.twolayer", "--data", "data", "--from", "c.twolayer"]).failed(&error);
    sandbox.run(&["export", "--model", "m.twolayer", "--out", "e.npz"]).succeeded();
    sandbox.run(&["import", "e.npz", "--out", "i.twolayer"]).succeeded();
    let error = ["i.twolayer was not trained by this program", "imported"];
    sandbox.run(&["verify", "i.twolayer", "--data", "data"]).failed(&error);

    // Either column of this file could be the label: the model says which was.
    let lines: Vec<_> = (0..40).map(|n| format!("{},{},{},{},{}", n % 2, n * 3, n * 5, n, n / 2 % 2)).collect();
    fs::write(sandbox.work().join("two.csv"), lines.join("\n")).unwrap();
    let train = ["train", "--data", "two.csv", "--label-column", "last", "--hold-out", "20%", "--recipe", "fast"];
    sandbox.run(&[&train[..], &["--hidden", "9", "--model", "t.twolayer"]].concat()).succeeded();
    sandbox.run(&["verify", "t.twolayer", "--data", "two.csv"]).succeeded();
}

/// The first images of several sets are those of the first set.
#[test]
fn a_limit_on_several_sets_is_warned_of() {
    let sandbox = sandbox();
    let train = ["train", "--data", "data", "--data", "data", "--limit", "9", "--hidden", "9", "--model", "l.twolayer"];
    let err = sandbox.run(&train).err;
    assert!(err.contains("warning: --limit takes the first 9 images of all sets together"), "{err}");
}

/// A teacher is part of a recipe: by the hash of its weights, whatever its file is called, and in whatever order there are several.
#[test]
fn teachers_are_said_and_are_wanted_again() {
    let sandbox = sandbox().replacing();
    train(&sandbox, &["--model", "t.twolayer", "--seed", "2"]);
    train(&sandbox, &["--model", "h.twolayer", "--seed", "3", "--halve"]);
    let teachers = ["--teacher", "t.twolayer", "--teacher", "h.twolayer"];
    train(&sandbox, &[&["--model", "s.twolayer", "--checkpoint", "d.twolayer"], &teachers[..]].concat());
    let [t, h, s] = ["t", "h", "s"].map(|model| weights(&sandbox, &format!("{model}.twolayer")));
    assert_ne!(s, weights(&sandbox, "m.twolayer"));
    let mut hashes = [t.clone(), h];
    hashes.sort();
    let info = |model: &str| sandbox.run(&["info", "--model", model]).succeeded();
    let line = format!("\n          teacher: {}\n", hashes.join(" | "));
    assert!(info("s.twolayer").contains(&line) && info("d.twolayer").contains(&line), "{}", info("s.twolayer"));
    let read = |name: &str| fs::read(sandbox.work().join(name)).unwrap();

    let turned = ["--teacher", "h.twolayer", "--teacher", "./t.twolayer"];
    let verify = |options: &[&str]| sandbox.run(&[&["verify", "s.twolayer", "--data", "data"], options].concat());
    let out = verify(&turned).succeeded();
    let words = format!(", taught by the weights {}\n", hashes.join(" and "));
    assert!(out.contains(&words) && out.ends_with(" s: the same weights\n"), "{out}");
    verify(&[&turned[..], &["--threads", "1", "--backend", "portable"]].concat()).succeeded();
    verify(&[]).failed(&["s.twolayer was trained by teachers, with the weights ", &hashes.join(" | "), "--teacher"]);
    verify(&turned[..2]).failed(&["s.twolayer was trained by teachers with the weights ", "those of --teacher are "]);
    let untaught = ["verify", "m.twolayer", "--data", "data", "--teacher", "t.twolayer"];
    sandbox.run(&untaught).failed(&["m.twolayer was not trained by teachers: leave out --teacher"]);

    // A run that was stopped after its first epoch.
    let (expected, last) = (read("s.twolayer"), read("d.twolayer"));
    fs::remove_file(sandbox.work().join("d.twolayer")).unwrap();
    let slow = [&RUN[..], &["--model", "n.twolayer", "--checkpoint", "d.twolayer"], &teachers].concat();
    let mut child = sandbox.command(&slow).spawn().unwrap();
    while !sandbox.work().join("d.twolayer").exists() {
        std::thread::sleep(core::time::Duration::from_micros(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let resume = |options: &[&str]| {
        let resume = ["train", "--resume", "d.twolayer", "--data", "data", "--model", "r.twolayer", "--quiet"];
        sandbox.run(&[&resume[..], options].concat())
    };
    resume(&[]).failed(&["d.twolayer was trained by teachers, with the weights ", "--teacher"]);
    resume(&["--teacher", "m.twolayer"]).failed(&["those of --teacher are ", &weights(&sandbox, "m.twolayer")]);
    resume(&turned).succeeded();
    assert!(read("r.twolayer") == expected && read("d.twolayer") == last);
    let resume = ["train", "--resume", "c.twolayer", "--data", "data", "--teacher", "t.twolayer"];
    sandbox.run(&resume).failed(&["c.twolayer was not trained by teachers"]);

    // Even the article's method has a text then; and what goes on has both lines.
    let train = |options: &[&str]| {
        let train = ["train", "--data", "data", "--hidden", "9", "--model", "n.twolayer", "--json", "-q"];
        let train = if options.contains(&"--from") { [&train[..3], &train[5..]].concat() } else { train.to_vec() };
        sandbox.run(&[&train[..], options].concat())
    };
    let json = train(&teachers[..2]).succeeded();
    assert!(json.contains(&format!("\"teachers\":[\"{t}\"]")), "{json}");
    assert!(info("n.twolayer").contains("--loss squared --epochs 5 --alpha 1e-5 --hidden 9 "), "{json}");
    sandbox.run(&[&["verify", "n.twolayer", "--data", "data"], &teachers[..2]].concat()).succeeded();
    train(&[&["--from", "m.twolayer"], &teachers[..2]].concat()).succeeded();
    assert!(info("n.twolayer").contains(&format!(" start: {}\n", weights(&sandbox, "m.twolayer"))));
    assert!(info("n.twolayer").contains(&format!(" teacher: {t}\n")));
    let verify = ["verify", "n.twolayer", "--data", "data", "--from", "m.twolayer", "--teacher", "t.twolayer"];
    sandbox.run(&verify).succeeded();
}

#[test]
fn who_cannot_teach_is_told() {
    let sandbox = sandbox();
    sandbox.run(&["train", "--data", "data", "--hidden", "9", "-q", "--model", "a.twolayer"]).succeeded();
    sandbox.data("wide", &SmallSet { side: 9, ..SmallSet::TINY });
    sandbox.data("five", &SmallSet { classes: 5, ..SmallSet::TINY });
    for (data, classes) in [("abc", "a\nb\nc\n"), ("cab", "c\na\nb\n")] {
        sandbox.data(data, &SmallSet::TINY);
        fs::write(sandbox.work().join(data).join("classes.txt"), classes).unwrap();
    }
    let fast = |data: &str, model: &str| {
        let train = ["train", "--recipe", "fast", "--hidden", "9", "-q", "--data", data, "--model", model];
        sandbox.run(&train).succeeded();
    };
    for data in ["wide", "five", "abc"] {
        fast(data, &format!("{data}.twolayer"));
    }
    sandbox.run(&["quantize", "--data", "data", "--model", "m.twolayer", "--out", "q.twolayer"]).succeeded();
    let before = sandbox.listing();
    let commands: [&[&str]; 2] = [
        &["train", "--data", "data", "--hidden", "9", "--recipe", "fast", "--model", "n.twolayer"],
        &["quantize", "--data", "data", "--tune", "1", "--model", "m.twolayer", "--out", "n.twolayer"],
    ];
    for command in commands {
        for (teacher, words) in [
            ("none.twolayer", &["cannot open none.twolayer"][..]),
            ("q.twolayer", &["q.twolayer has int8 weights", "give the f32 model"]),
            ("a.twolayer", &["a.twolayer was trained with squared error", "cross-entropy"]),
            ("wide.twolayer", &["wide.twolayer takes images of 81 pixels and has 3 classes", "64 pixels"]),
            ("five.twolayer", &["five.twolayer takes images of 64 pixels and has 5 classes", "has 3 classes"]),
        ] {
            sandbox.run(&[command, &["--teacher", "m.twolayer", "--teacher", teacher]].concat()).failed(words);
            assert_eq!(sandbox.listing(), before, "{teacher}");
        }
    }
    let cab = ["train", "--data", "cab", "--hidden", "9", "--recipe", "fast", "--teacher", "abc.twolayer"];
    sandbox.run(&cab).failed(&["abc.twolayer has the classes a, b, c, but the network has c, a, b"]);
    let over = ["train", "--data", "data", "--teacher", "m.twolayer", "--model", "m.twolayer"];
    sandbox.run(&over).failed(&["m.twolayer is already used by this command: give another file with --model"]);
    let over = [
        "quantize",
        "--data",
        "data",
        "--model",
        "wide.twolayer",
        "--tune",
        "1",
        "--teacher",
        "m.twolayer",
        "--out",
        "m.twolayer",
    ];
    sandbox.run(&over).failed(&["m.twolayer is already used by this command: give another file with --out"]);
    sandbox.run(&["quantize", "--teacher", "m.twolayer"]).rejected(&["--tune"]);
    assert_eq!(sandbox.listing(), before);

    // A model says by whom it was tuned.
    let tune = [commands[1], &["--teacher", "m.twolayer"]].concat();
    sandbox.run(&tune).succeeded();
    let info = sandbox.run(&["info", "--model", "n.twolayer"]).succeeded();
    assert!(info.contains(&format!(", seed 1, taught by the weights {}\n", weights(&sandbox, "m.twolayer"))), "{info}");
}
