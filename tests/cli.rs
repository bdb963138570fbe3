//! The command line, with valid and invalid use: output, exit code and files.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use flate2::Compression;
use flate2::write::GzEncoder;
use run::mnist::skipped;
use run::{FILES, Outcome, Sandbox, SmallSet, images, labels};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::UNIX_EPOCH;
use twolayer::host::{ModelFile, OwnedWeights};
use twolayer::model::Details;
use twolayer::{Backend, Shape};

/// A short training run on `data`.
const SHORT: [&str; 8] = ["--data", "data", "--hidden", "24", "--epochs", "2", "--model", "m.twolayer"];

/// Asserts that a command created and removed no files.
#[track_caller]
fn assert_unchanged(sandbox: &Sandbox, before: &[String]) {
    assert_eq!(sandbox.listing(), before);
}

/// Replaces one file of a small data set and asserts that training fails with an error that contains `words`.
#[track_caller]
fn assert_file_rejected(which: usize, bytes: &[u8], words: &[&str]) {
    let sandbox = Sandbox::new();
    let data = sandbox.data("data", &SmallSet::TINY);
    fs::write(data.join(FILES[which]), bytes).unwrap();
    let before = sandbox.listing();
    sandbox.run(&SHORT).failed(&[words, &[FILES[which]]].concat());
    assert_unchanged(&sandbox, &before);
}

// Valid use.

#[test]
fn train_eval_and_info_agree() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    let out = sandbox.run(&SHORT).succeeded();
    for words in
        ["data      90 training and 30 test images: data\n", "network   64 → 24 → 3", "epoch 1   Error: ", "epoch 2"]
    {
        assert!(out.contains(words), "no {words:?} in {out}");
    }
    let accuracy = out.lines().last().unwrap();
    assert!(accuracy.starts_with("accuracy  ") && accuracy.ends_with(" % of 30 test images"), "{out}");

    let eval = sandbox.run(&["eval", "--data", "data", "--model", "m.twolayer"]).succeeded();
    assert_eq!(eval.lines().last(), Some(accuracy));
    let info = sandbox.run(&["info", "--model", "m.twolayer"]).succeeded();
    assert!(info.contains("network   64 → 24 → 3, f32 weights"), "{info}");
    assert_eq!(sandbox.run(&["info", "--no-mmap", "--model", "m.twolayer"]).succeeded(), info);
    let hash = info.lines().last().unwrap().strip_prefix("weights   ").unwrap();
    assert!(out.contains(&format!("model     m.twolayer, weights {hash}")), "{out}\n{info}");
}

#[test]
fn recipes_are_named_sets_of_options() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet::TINY);
    let train = |options: &[&str]| {
        let out =
            sandbox.run(&[&["train", "--data", "data", "--hidden", "24", "--model", "r.twolayer"], options].concat());
        let out = out.succeeded();
        let recipe = out.lines().find_map(|line| line.strip_prefix("recipe    ")).expect("a recipe").to_owned();
        (recipe, fs::read(sandbox.work().join("r.twolayer")).unwrap())
    };
    let (article, plain) = train(&[]);
    let expected = "squared error, 5 epochs, learning rate 1e-5, initial weights up to 1e-4, seed 1, blocks of 64";
    assert_eq!((article.as_str(), plain[8]), (expected, 1));
    assert!(train(&["--recipe", "article", "--shuffle=no", "--loss", "squared"]).1 == plain);
    let (fast, model) = train(&["--recipe", "fast"]);
    let expected = "cross-entropy, 5 epochs, shuffled, learning rate 7.8e-5 to 2e-6, scaled initial weights, seed 1, blocks \
                    of 64";
    assert_eq!((fast.as_str(), model[8]), (expected, 2));
    let info = sandbox.run(&["info", "--model", "r.twolayer"]).succeeded();
    let line = "text      recipe: --loss cross-entropy --epochs 5 --alpha 7.8e-5..2e-6 --shuffle=yes --hidden 24 --init scaled \
                --seed 1 --block 64\n          data: ";
    assert!(info.contains(line), "{info}");
    // One by one, they are the same.
    let one_by_one = ["--loss", "cross-entropy", "--shuffle", "--alpha", "7.8e-5..2e-6", "--init", "scaled"];
    assert!(train(&one_by_one).1 == model);
    let (overridden, _) = train(&["--recipe", "fast", "--epochs", "2", "--alpha", "1e-5", "--init-scale", "1e-3"]);
    let expected =
        "cross-entropy, 2 epochs, shuffled, learning rate 1e-5, initial weights up to 1e-3, seed 1, blocks of 64";
    assert_eq!(overridden, expected);
    assert!(train(&["--recipe", "fast", "--seed", "2"]).1 != model);
    let best = "cross-entropy, 1 epoch, shuffled, distorted by 100 %, learning rate 6.5e-5 to 8e-7, scaled initial weights, \
                seed 1, blocks of 64";
    assert_eq!(train(&["--recipe", "best", "--epochs", "1"]).0, best);
    assert!(train(&["--recipe", "fast", "--distort", "50"]).0.contains("distorted by 50 %, learning"));
    // A directory may hold anything; other hands write digits.
    let good = ["--recipe", "good", "--epochs", "1"];
    assert!(train(&good).0.contains("distorted by 80 %, learning"));
    let hands = train(&[&good[..], &["--hands", "100"]].concat());
    assert!(hands.0.contains("distorted by 80 %, other hands by 100 %") && hands.1 != train(&good).1);
    assert!(train(&["--recipe", "fast", "--hands", "7"]).0.contains("distorted by 0 %, other hands by 7 %"));
    assert!(train(&["--recipe", "good", "--distort", "0"]).0.contains("shuffled, learning"));
    assert!(train(&["--recipe", "fast", "--distort", "0"]).1 == model);
    for bad in
        [["--recipe", "slow"], ["--loss", "l1"], ["--alpha", "1..-1"], ["--alpha", "1e-5..2..3"], ["--init", "x"]]
    {
        sandbox.run(&[&["train"][..], &bad].concat()).rejected(&[bad[0]]);
    }
    sandbox.run(&["train", "--shuffle=maybe"]).rejected(&["--shuffle"]);
}

/// Settings are chosen by training images that were not trained on.
#[test]
fn training_images_are_held_out() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet::TINY);
    // The same, made by hand: 60 images to train on, 30 to test on.
    let parts = SmallSet { train: 60, ..SmallSet::TINY };
    sandbox.data("parts", &parts);
    let (images, labels) = (SmallSet::TINY.file(0), SmallSet::TINY.file(1));
    let count = 30_u32.to_be_bytes();
    let write = |name: &str, bytes: &[u8]| fs::write(sandbox.work().join("parts").join(name), bytes).unwrap();
    write("t10k-images-idx3-ubyte", &[&images[..4], &count, &images[8..16], &images[16 + 60 * 64..]].concat());
    write("t10k-labels-idx1-ubyte", &[&labels[..4], &count, &labels[8 + 60..]].concat());
    let train = |data: &str, options: &[&str]| {
        let common = ["train", "--data", data, "--hidden", "24", "--recipe", "fast", "--model", "m.twolayer"];
        let out = sandbox.run(&[&common[..], options].concat()).succeeded();
        (sandbox.run(&["info"]).succeeded().lines().last().unwrap().to_owned(), out)
    };
    let (expected, by_hand) = train("parts", &[]);
    let (found, out) = train("data", &["--hold-out", "30"]);
    assert!(found == expected, "{out}");
    assert!(
        out.starts_with(
            "data      60 training and 30 test images: data; tested on the last 30 of the training images\n"
        )
    );
    let last = |text: &str| text.lines().last().unwrap().to_owned();
    assert_eq!(last(&out), last(&by_hand));
    let eval = ["eval", "--data", "data", "--hold-out", "30", "--model", "m.twolayer"];
    assert_eq!(last(&sandbox.run(&eval).succeeded()), last(&out));
    for too_many in ["90", "1000"] {
        let out = sandbox.run(&["train", "--data", "data", "--hold-out", too_many]);
        out.failed(&["of 90 training images: expected 1 to 89"]);
    }
}

/// Dark ink on light makes every hidden unit inactive, and is said to be so; inverted, it is what it was.
#[test]
fn dark_ink_on_light_is_inverted_or_refused() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet::TINY);
    let train = |data: &str, options: &[&str]| {
        let common = ["train", "--data", data, "--hidden", "24", "--epochs", "2", "--model", "m.twolayer"];
        sandbox.run(&[&common[..], options].concat())
    };
    train("data", &[]).succeeded();
    let model = || fs::read(sandbox.work().join("m.twolayer")).unwrap();
    let expected = model();
    let dark = sandbox.data("dark", &SmallSet::TINY);
    for name in [FILES[0], FILES[2]] {
        let mut images = fs::read(dark.join(name)).unwrap();
        images[16..].iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        fs::write(dark.join(name), images).unwrap();
    }
    let out = train("dark", &["--invert"]).succeeded();
    assert!(out.contains(": dark, inverted\n") && model() == expected, "{out}");
    let eval = |data: &[&str]| sandbox.run(&[&["eval", "--model", "m.twolayer", "--data"], data].concat()).succeeded();
    assert_eq!(eval(&["dark", "--invert"]).lines().last(), eval(&["data"]).lines().last());
    let before = sandbox.listing();
    train("dark", &["--alpha", "1e-3"]).failed(&["all hidden units are dead", "smaller --alpha than 1e-3", "--invert"]);
    assert_unchanged(&sandbox, &before);
}

#[test]
fn train_is_the_default_command() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet::TINY);
    let quiet = |command: &[&str]| sandbox.run(&[command, &SHORT, &["--quiet"]].concat()).succeeded();
    assert_eq!(quiet(&["train"]), quiet(&[]));
}

#[test]
fn quiet_prints_one_line() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    let ran = sandbox.run(&[&SHORT, &["-q"][..]].concat());
    assert_eq!(ran.err, "");
    assert_eq!(ran.succeeded().lines().count(), 1);
}

#[test]
fn images_of_any_size_and_number_of_classes_train() {
    for (side, classes) in [(8, 10), (16, 10), (50, 10), (28, 3), (20, 200), (1, 2)] {
        let sandbox = Sandbox::new();
        sandbox.data("data", &SmallSet { side, classes, train: 400, test: 200 });
        let out = sandbox.run(&SHORT).succeeded();
        assert!(out.contains(&format!("network   {} → 24 → {classes}, ", side * side)), "{out}");
        let eval = sandbox.run(&["eval", "--data", "data", "--model", "m.twolayer"]).succeeded();
        assert_eq!(eval.lines().last(), out.lines().last());
    }
}

#[test]
fn options_that_do_not_change_the_network() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet { side: 28, classes: 10, train: 200, test: 50 });
    let hash = |more: &[&str]| {
        let out = sandbox.run(&[&SHORT, more].concat()).succeeded();
        out.lines().find(|line| line.starts_with("model ")).unwrap().to_owned()
    };
    let expected = hash(&[]);
    for options in [["--no-mmap", "--seed=1"], ["--backend", "portable"], ["--alpha", "1e-5"], ["--limit", "200"]] {
        assert_eq!(hash(&options), expected, "{options:?}");
    }
    assert_ne!(hash(&["--seed", "2"]), expected);
    assert_ne!(hash(&["--limit", "199"]), expected);
    assert!(
        sandbox.run(&[&SHORT, &["--limit", "7"][..]].concat()).succeeded().contains("data      7 training and 50 test")
    );
}

/// Writes a small data set whose files are compressed.
fn compressed_data(sandbox: &Sandbox, name: &str) -> PathBuf {
    let data = sandbox.data(name, &SmallSet::TINY);
    for name in FILES {
        fs::write(data.join(format!("{name}.gz")), &*run::server::gzip(&fs::read(data.join(name)).unwrap())).unwrap();
        fs::remove_file(data.join(name)).unwrap();
    }
    data
}

#[test]
fn compressed_files_are_decompressed_into_memory() {
    let sandbox = Sandbox::new();
    let plain = sandbox.data("plain", &SmallSet::TINY);
    compressed_data(&sandbox, "data");
    let expected = sandbox.run(&["--data", plain.to_str().unwrap(), "--quiet", "--hidden", "9"]).succeeded();
    let before = sandbox.listing();
    assert_eq!(sandbox.run(&["--data", "data", "--quiet", "--hidden", "9"]).succeeded(), expected);
    // The model is written; nothing else is, anywhere.
    let written: Vec<_> = sandbox.listing().into_iter().filter(|file| !before.contains(file)).collect();
    assert!(written.len() == 1 && written[0].starts_with("work/data-9.twolayer "), "{written:?}");
}

/// Even when its length and its time are those of the one before.
#[test]
fn a_replaced_archive_is_read_anew() {
    let sandbox = Sandbox::new().replacing();
    let data = compressed_data(&sandbox, "data");
    let archive = data.join(format!("{}.gz", FILES[0]));
    let images = SmallSet::TINY.file(0);
    let mut others = images.clone();
    others[16..].reverse();
    let train = |images: &[u8]| {
        let mut zip = GzEncoder::new(fs::File::create(&archive).unwrap(), Compression::none());
        zip.write_all(images).unwrap();
        let file = zip.finish().unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
        sandbox.run(&["--data", "data", "--quiet", "--hidden", "9"]).succeeded();
        (file.metadata().unwrap().len(), fs::read(sandbox.work().join("data-9.twolayer")).unwrap())
    };
    let [first, second, again] = [&images, &others, &images].map(|images| train(images));
    assert_eq!(first.0, second.0, "the archives are of the same length");
    assert!(first.1 != second.1, "the first archive was trained on");
    assert!(first.1 == again.1);
}

/// What is not an IDX file, or longer or shorter than its header says, is not expanded to its end.
#[test]
fn archives_expand_to_what_their_header_announces() {
    let sandbox = Sandbox::new();
    let data = sandbox.data("data", &SmallSet::TINY);
    fs::remove_file(data.join(FILES[0])).unwrap();
    let archive = data.join(format!("{}.gz", FILES[0]));
    let images = SmallSet::TINY.file(0);
    let longer = [&images[..], &vec![0; 1 << 20]].concat();
    for (contents, words) in [
        (&vec![0; 1 << 20], "train-images-idx3-ubyte.gz: IDX element type 0x00"),
        (&images[..10].to_vec(), "the file ends after 10 bytes, within the IDX header"),
        (&images[..5000].to_vec(), "its IDX header announces 5776 bytes, but there are 5000; the file is damaged"),
        (&longer, "its IDX header announces 5776 bytes, but there are more; the file is damaged"),
    ] {
        fs::write(&archive, &*run::server::gzip(contents)).unwrap();
        let before = sandbox.listing();
        sandbox.run(&SHORT).failed(&[words]);
        assert_unchanged(&sandbox, &before);
    }
    // An archive of two members, with zeros behind them.
    let members = images.chunks(3000).flat_map(|part| run::server::gzip(part).to_vec());
    fs::write(&archive, members.chain(vec![0; 70_000]).collect::<Vec<_>>()).unwrap();
    sandbox.run(&SHORT).succeeded();
    let padded = fs::read(&archive).unwrap();
    fs::write(&archive, [&padded[..], b"something else"].concat()).unwrap();
    sandbox.run(&SHORT).failed(&["cannot decompress", "invalid gzip header"]);
}

/// A decompressed file that kept its name is taken as it is; other things are said to be what they are.
#[test]
fn files_that_are_named_like_archives() {
    let sandbox = Sandbox::new();
    let data = compressed_data(&sandbox, "data");
    let archive = data.join(format!("{}.gz", FILES[0]));
    fs::write(&archive, SmallSet::TINY.file(0)).unwrap();
    sandbox.run(&SHORT).succeeded();
    for (text, words) in [
        ("<!DOCTYPE html><html>Please log in</html>", "an HTML page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a git-lfs pointer"),
    ] {
        fs::write(&archive, text).unwrap();
        sandbox.run(&SHORT).failed(&["train-images-idx3-ubyte.gz: not an IDX file but ", words]);
    }
}

#[test]
fn file_names_with_a_dot_are_accepted() {
    let sandbox = Sandbox::new();
    let data = sandbox.data("data", &SmallSet::TINY);
    for name in FILES {
        fs::rename(data.join(name), data.join(name.replacen("-idx", ".idx", 1))).unwrap();
    }
    sandbox.run(&SHORT).succeeded();
}

#[test]
fn a_model_is_named_after_its_data() {
    let sandbox = Sandbox::new();
    let data = sandbox.data("kuzushiji", &SmallSet::TINY);
    let mut command = sandbox.command(&["--hidden", "9", "--quiet"]);
    command.env("MNIST_DIR", &data);
    Outcome::from(command).succeeded();
    sandbox.run(&["--data", "kuzushiji", "--hidden", "9", "--quiet"]).succeeded();
    sandbox.run(&["--data", "digits", "--hidden", "9", "--quiet", "--limit", "100"]).succeeded();
    let models: Vec<_> = sandbox.listing().into_iter().filter(|name| name.contains(".twolayer ")).collect();
    let names = ["digits-9-own", "kuzushiji-9", "mnist-9"].map(|name| format!("work/{name}.twolayer "));
    assert!(models.len() == 3 && models.iter().zip(&names).all(|(model, name)| model.starts_with(name)), "{models:?}");

    // Without --model: the newest model, on the data set that it is named after.
    assert!(sandbox.run(&["info"]).succeeded().starts_with("model     digits-9-own.twolayer, "));
    assert!(sandbox.run(&["eval"]).succeeded().contains("of the built-in digits (not MNIST)"));
    assert!(
        sandbox
            .run(&["eval", "--data", "kuzushiji"])
            .succeeded()
            .starts_with("model     kuzushiji-9.twolayer: 64 → 9 → 3")
    );
}

/// The model of a directory that is called like a named data set is not taken for that data set's, nor written over it.
#[test]
fn a_directory_called_mnist_is_not_mnist() {
    let sandbox = Sandbox::new();
    let data = sandbox.data("x/mnist", &SmallSet::TINY);
    let mut command = sandbox.command(&["--hidden", "9", "--quiet"]);
    command.env("MNIST_DIR", &data);
    Outcome::from(command).succeeded();
    let mnist = || fs::read(sandbox.work().join("mnist-9.twolayer")).unwrap();
    let before = mnist();
    for (name, model) in
        [("mnist", "mnist-data"), ("MNIST", "MNIST-data"), ("digits.int8", "digits.int8-data"), ("mnist2", "mnist2")]
    {
        let directory = format!("y/{name}");
        sandbox.data(&directory, &SmallSet::TINY);
        let out = sandbox.run(&["--data", &directory, "--hidden", "9", "--seed", "2"]).succeeded();
        assert!(out.contains(&format!("\nmodel     {model}-9.twolayer, ")), "{out}");
        let eval = sandbox.run(&["eval", "--data", &directory]).succeeded();
        assert!(eval.starts_with(&format!("model     {model}-9.twolayer: ")), "{eval}");
    }
    assert!(mnist() == before);
}

/// Uses a pipe instead of a device such as `/dev/null`, so that replacing it by mistake would do no harm.
#[cfg(unix)]
#[test]
fn a_model_can_be_written_to_a_pipe() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    let script = "mkfifo pipe && timeout 10 cat pipe > copy & while ! test -p pipe; do sleep 0.01; done
        \"$0\" --data data --hidden 9 --quiet --model pipe; wait; test -p pipe";
    Outcome::from(sandbox.command_for("sh", &["-c", script, env!("CARGO_BIN_EXE_twolayer")])).succeeded();
    sandbox.run(&["info", "--model", "copy"]).succeeded();
}

/// Uses a copy of `/dev/full`, on which every write fails with "no space left".
#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    let Some(full) = sandbox.device("full", 7) else {
        return skipped("a_full_device_is_not_replaced", "cannot create a device like /dev/full");
    };
    let before = sandbox.listing();
    sandbox.run(&["--data", "data", "--hidden", "9", "--model", full.to_str().unwrap()]).failed(&[
        "cannot write ",
        "full: No space left on device",
        "free some space",
    ]);
    assert!(fs::metadata(full).unwrap().file_type().is_char_device());
    assert_unchanged(&sandbox, &before);
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_followed() {
    use std::os::unix::fs::PermissionsExt;

    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet::TINY);
    fs::create_dir(sandbox.work().join("store")).unwrap();
    sandbox.run(&[&SHORT[..7], &["store/real"]].concat()).succeeded();
    std::os::unix::fs::symlink("store/real", sandbox.work().join("m.twolayer")).unwrap();
    sandbox.run(&[&SHORT[..], &["--seed", "9"]].concat()).succeeded();
    assert!(sandbox.work().join("m.twolayer").is_symlink());
    let weights = |model: &str| sandbox.run(&["info", "--model", model]).succeeded().lines().last().map(str::to_owned);
    assert_eq!(weights("store/real"), weights("m.twolayer"));

    // The target of a link need not exist; and a replaced file keeps its permissions.
    std::os::unix::fs::symlink("store/new", sandbox.work().join("next")).unwrap();
    sandbox.run(&[&SHORT[..7], &["next"]].concat()).succeeded();
    assert!(sandbox.work().join("next").is_symlink());
    let new = sandbox.work().join("store/new");
    fs::set_permissions(&new, PermissionsExt::from_mode(0o600)).unwrap();
    sandbox.run(&[&SHORT[..7], &["next"]].concat()).succeeded();
    assert_eq!(new.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_closed_output_pipe_is_not_an_error() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    let mut command = sandbox.command(&SHORT);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    sandbox.run(&["info", "--model", "m.twolayer"]).succeeded();
}

/// If standard output cannot be written, the command fails, but only after its work: the model is written.
#[cfg(target_os = "linux")]
#[test]
fn lost_output_is_an_error_after_the_work() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    let Some(full) = sandbox.device("full", 7) else {
        return skipped("lost_output_is_an_error_after_the_work", "cannot create a device like /dev/full");
    };
    for arguments in [&SHORT[..], &["eval", "--data", "data", "--model", "m.twolayer"], &["info"], &["data", "list"]] {
        let mut command = sandbox.command(arguments);
        command.stdout(fs::OpenOptions::new().write(true).open(&full).unwrap());
        Outcome::from(command).failed(&["error: cannot write to standard output: No space left on device"]);
    }
    sandbox.run(&["info", "--model", "m.twolayer"]).succeeded();
}

/// What scripts rely on, such as those of `examples/sweep`: the help names the codes, and commands end with them.
#[test]
fn exit_codes_are_those_of_the_help() {
    let sandbox = Sandbox::trained();
    let help = sandbox.run(&["--help"]).succeeded();
    let (_, codes) = help.split_once("\nExit codes:\n").unwrap();
    let codes: Vec<u8> = codes.lines().filter_map(|line| line.trim_start().split("  ").next()?.parse().ok()).collect();
    assert_eq!(codes, [0, 1, 2]);
    fs::write(sandbox.work().join("bad.png"), b"no picture").unwrap();
    for (words, code) in [
        ("--version", 0),
        ("train --help", 0),
        ("train --data data --hidden 8 --epochs 1 --quiet --model x.twolayer", 0),
        ("eval --data data --model m.twolayer", 0),
        ("train --data data --alpha 1e9 --hidden 8 --quiet --model x.twolayer", 1),
        ("eval --data data --model none.twolayer", 1),
        ("train --data nowhere", 1),
        ("train --data data --model nowhere/x.twolayer", 1),
        ("predict --model m.twolayer bad.png", 1),
        ("data verify data", 1),
        ("train --hidden 0", 2),
        ("train --hiden 8", 2),
        ("predict", 2),
        ("evaluate", 2),
    ] {
        let run = sandbox.run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(run.code, Some(code), "{words}: {run:#?}");
        assert_eq!(run.err.is_empty(), code == 0, "{words}: {run:#?}");
    }
}

#[test]
fn help_and_version() {
    let sandbox = Sandbox::new();
    for arguments in [&["--help"][..], &["train", "--help"], &["data", "digits", "--help"]] {
        assert!(sandbox.run(arguments).succeeded().contains("Usage: twolayer"));
    }
    // The options of `train` are in its help, not in that of the program, which takes them too.
    assert!(!sandbox.run(&["--help"]).succeeded().contains("--recipe"));
    assert!(sandbox.run(&["train", "--help"]).succeeded().contains("--recipe"));
    // So is what a value may be: in both helps, in words in the longer.
    let values = "[possible values: article, fast, good, best, further]";
    let short = sandbox.run(&["train", "-h"]).succeeded().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(short.contains(values), "{short}");
    assert!(sandbox.run(&["train", "--help"]).succeeded().contains("- fast:    cross-entropy"));
    // The short help fits a screen; in the long one, no line of what is said of JSON is broken.
    let commands =
        ["train", "eval", "predict", "quantize", "import", "export", "info", "verify", "data", "completions"];
    for command in commands.into_iter().chain([""]) {
        let arguments = [command, "-h"];
        let short = sandbox.run(&arguments[usize::from(command.is_empty())..]).succeeded();
        let widest = short.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        assert!(short.lines().count() <= 24 && widest <= 100, "{command}: {short}");
        if let Ok(json) = fs::read_to_string(format!("src/bin/twolayer/json/{command}.txt")) {
            let long = sandbox.run(&[command, "--help"]).succeeded();
            let broken: Vec<_> = json.lines().filter(|line| !long.lines().any(|it| it == *line)).collect();
            assert!(broken.is_empty(), "{command}: {broken:#?}");
        }
    }
    // Help that cannot be printed is an error.
    #[cfg(target_os = "linux")]
    for arguments in [&["--help"][..], &["data", "--help"], &["--version"]] {
        let mut command = sandbox.command(arguments);
        command.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        Outcome::from(command).failed(&["cannot write to standard output: No space left on device"]);
    }
    assert_eq!(sandbox.run(&["--version"]).succeeded(), concat!("twolayer ", env!("CARGO_PKG_VERSION"), "\n"));
}

// Named data sets.

#[test]
fn built_in_digits_replace_missing_mnist_with_a_warning() {
    let sandbox = Sandbox::new().replacing();
    let train = ["--limit", "600", "--epochs", "1"];
    let ran = sandbox.run(&train);
    let missing = format!(
        "warning: MNIST is not available: cannot fetch MNIST, which is not in {}: http://127.0.0.1:9/",
        sandbox.cache().join("twolayer/mnist").display()
    );
    assert!(ran.err.contains(&missing), "{ran:#?}");
    assert!(ran.err.contains("warning: training on the built-in digits instead, which are not MNIST"), "{ran:#?}");
    let out = ran.succeeded();
    assert!(out.contains("data      600 training and 10000 test images: the built-in digits (not MNIST), "), "{out}");
    assert!(out.contains("model     digits-own.twolayer"), "{out}");
    assert!(out.ends_with(" % of 10000 test images of the built-in digits (not MNIST)\n"), "{out}");

    let quiet = sandbox.run(&[&train, &["--quiet"][..]].concat());
    // The third says that so short a training comes to nothing.
    assert_eq!(quiet.err.lines().filter(|line| line.starts_with("warning: ")).count(), 3, "{quiet:#?}");
    assert!(quiet.err.lines().count() == 3 && quiet.err.contains("no better than chance"), "{quiet:#?}");
    let quiet = quiet.succeeded();
    assert!(quiet.lines().count() == 1 && quiet.ends_with("of the built-in digits (not MNIST)\n"), "{quiet}");
    assert_eq!(sandbox.listing().len(), 4 + 1, "{:?}", sandbox.listing());

    // With --data mnist, and in other commands than train, the built-in digits do not replace MNIST.
    sandbox.run(&["--data", "mnist"]).failed(&["cannot fetch MNIST", "--data digits"]);
    fs::rename(sandbox.work().join("digits-own.twolayer"), sandbox.work().join("other.twolayer")).unwrap();
    sandbox.run(&["eval"]).failed(&["cannot fetch MNIST"]);
}

/// On a terminal (emulated by `script`) a progress bar is shown.
#[cfg(target_os = "linux")]
#[test]
fn a_progress_bar_shows_that_digits_are_generated() {
    let sandbox = Sandbox::new();
    let train = format!("'{}' --limit 100 --epochs 1 --hidden 9 2>&1", env!("CARGO_BIN_EXE_twolayer"));
    let mut command = sandbox.command_for("script", &["--quiet", "--return", "--command", &train, "/dev/null"]);
    command.env("TERM", "xterm");
    let Ok(output) = command.output() else {
        return skipped("a_progress_bar_shows_that_digits_are_generated", "there is no `script` to emulate a terminal");
    };
    let out = Outcome::from(output).succeeded();
    let (_, after) = out.split_once("training on the built-in digits instead").unwrap();
    assert!(after.contains("generating digits"), "{out}");
}

#[test]
fn an_incomplete_mnist_dir_is_an_error() {
    let sandbox = Sandbox::new();
    let before = sandbox.listing();
    let with = |directory: &str, arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.env("MNIST_DIR", directory);
        Outcome::from(command)
    };
    for arguments in [&[][..], &["--quiet"], &["--data", "mnist"], &["data", "verify"]] {
        with("nowhere", arguments).failed(&["MNIST_DIR is set, but nowhere has no train-images", "or unset it"]);
    }
    assert!(with("nowhere", &["data", "list"]).succeeded().contains("mnist    52.40 MiB  not usable"));
    assert_unchanged(&sandbox, &before);

    let data = sandbox.data("data", &SmallSet::TINY);
    fs::remove_file(data.join(FILES[3])).unwrap();
    with("data", &[]).failed(&["MNIST_DIR is set, but data has no t10k-labels-idx1-ubyte"]);
    fs::write(data.join(FILES[3]), "").unwrap();
    with("data", &[]).failed(&["t10k-labels-idx1-ubyte", "the file ends after 0 bytes"]);
}

#[test]
fn built_in_digits_are_generated_once() {
    let sandbox = Sandbox::new();
    let absent = format!(
        "digits   52.40 MiB  not in {}: generated when needed\n",
        sandbox.cache().join("twolayer/digits-v1-seed1").display()
    );
    assert!(sandbox.run(&["data", "list"]).succeeded().contains(&absent));
    sandbox.run(&["data", "fetch", "digits"]).succeeded();
    let verified = sandbox.run(&["data", "verify", "digits"]).succeeded();
    assert_eq!(verified.matches("ok ").count(), 4, "{verified}");
    assert!(sandbox.run(&["data", "list"]).succeeded().contains("digits-v1-seed1"));

    let out = sandbox.run(&["data", "digits", "--out", "made"]).succeeded();
    assert_eq!(out, "60000 training and 10000 test images: made\n");
    let verified = sandbox.run(&["data", "verify", "made"]).succeeded();
    assert!(verified.starts_with("the built-in digits: made\nok "), "{verified}");

    // Damaged files are generated again.
    let images = sandbox.work().join("made").join(FILES[0]);
    let cached = fs::read_dir(sandbox.cache().join("twolayer")).unwrap().next().unwrap().unwrap().path().join(FILES[0]);
    fs::write(&cached, vec![0; 47_040_016]).unwrap();
    sandbox.run(&["data", "verify", "digits"]).failed(&["1 of the 4 files of digits is missing", "data fetch digits"]);
    sandbox.run(&["data", "fetch", "digits"]).succeeded();
    assert!(fs::read(cached).unwrap() == fs::read(images).unwrap());
}

/// Archives in the cache, put there by hand, are the data set for every command, until one of them is damaged.
#[test]
fn compressed_files_in_the_cache_are_used() {
    let sandbox = Sandbox::new().replacing();
    sandbox.run(&["data", "fetch", "digits"]).succeeded();
    let train = ["--data", "digits", "--limit", "100", "--epochs", "1", "--hidden", "9", "--quiet"];
    let expected = sandbox.run(&train).succeeded();
    let directory = sandbox.cache().join("twolayer/digits-v1-seed1");
    for name in FILES {
        let plain = directory.join(name);
        fs::write(directory.join(format!("{name}.gz")), &*run::server::gzip(&fs::read(&plain).unwrap())).unwrap();
        fs::remove_file(plain).unwrap();
    }
    let in_cache = || sandbox.listing().into_iter().filter(|it| it.contains("digits-v1-seed1/")).collect::<Vec<_>>();
    let archives = in_cache();
    assert!(
        sandbox.run(&["data", "list"]).succeeded().contains(&format!("digits   52.40 MiB  {}\n", directory.display()))
    );
    assert_eq!(sandbox.run(&["data", "verify", "digits"]).succeeded().matches("ok ").count(), 4);
    assert_eq!(sandbox.run(&train).succeeded(), expected);
    sandbox.run(&["data", "fetch", "digits"]).succeeded();
    assert_eq!(in_cache(), archives);

    fs::write(directory.join(format!("{}.gz", FILES[3])), &*run::server::gzip(b"something else")).unwrap();
    sandbox.run(&["data", "verify", "digits"]).failed(&["1 of the 4 files of digits"]);
    sandbox.run(&train).failed(&["t10k-labels-idx1-ubyte.gz: not an IDX file"]);
    sandbox.run(&["data", "fetch", "digits"]).succeeded();
    sandbox.run(&["data", "verify", "digits"]).succeeded();
    assert_eq!(sandbox.run(&train).succeeded(), expected);
}

#[test]
fn digits_of_any_number_and_seed() {
    let sandbox = Sandbox::new();
    let make = |out: &str, more: &[&str]| sandbox.run(&[&["data", "digits", "--out", out], more].concat());
    make("deep/down", &["--train", "3000", "--test", "50", "--seed", "7"]).succeeded();
    let file = |name: &str| fs::read(sandbox.work().join("deep/down").join(name)).unwrap();
    assert_eq!(FILES.map(|name| file(name).len()), [16 + 3000 * 784, 8 + 3000, 16 + 50 * 784, 8 + 50]);
    sandbox.run(&["--data", "deep/down", "--hidden", "9", "--quiet"]).succeeded();

    // Existing files are not overwritten.
    make("deep/down", &[]).failed(&["deep/down/train-images-idx3-ubyte already exists", "another directory"]);
    assert_eq!(file(FILES[1]).len(), 8 + 3000);
    fs::create_dir(sandbox.work().join("zipped")).unwrap();
    fs::write(sandbox.work().join("zipped").join("t10k-images.idx3-ubyte.gz"), "").unwrap();
    make("zipped", &[]).failed(&["t10k-images.idx3-ubyte.gz already exists"]);

    let before = sandbox.listing();
    for count in ["0", "-1", "many", "4294967296"] {
        make("new", &[&format!("--train={count}")]).rejected(&["--train"]);
        make("new", &[&format!("--test={count}")]).rejected(&["--test"]);
    }
    make("work/file/new", &["--train", "1"]).succeeded();
    make(&format!("deep/down/{}/new", FILES[0]), &[]).failed(&["cannot "]);
    fs::remove_dir_all(sandbox.work().join("work")).unwrap();
    assert_unchanged(&sandbox, &before);
}

#[test]
fn concurrent_writers_of_digits_do_not_mix() {
    let sandbox = Sandbox::new();
    let arguments = |seed, out| ["data", "digits", "--train", "600", "--test", "60", "--seed", seed, "--out", out];
    let files = |out: &str| FILES.map(|name| fs::read(sandbox.work().join(out).join(name)).unwrap());
    let expected = ["1", "2"].map(|seed| {
        sandbox.run(&arguments(seed, seed)).succeeded();
        files(seed)
    });
    for out in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let both = ["1", "2"].map(|seed| {
            let mut command = sandbox.command(&arguments(seed, out));
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        });
        let done = both.map(|mut child| child.wait().unwrap().success());
        let winner = done.iter().position(|&done| done).unwrap();
        assert!(!done[1 - winner], "both wrote the same files");
        assert!(files(out) == expected[winner], "the files are not those of the process that wrote them");
    }
}

/// Whatever a command writes, and wherever, it removes the temporary files of processes that no longer live, and no others.
#[test]
fn temporary_files_of_killed_processes_are_removed() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet::TINY);
    let digits = ["data", "digits", "--out", "made", "--train", "9", "--test", "9"];
    for (directory, arguments) in
        [("made", &digits[..]), (".", &SHORT), ("../cache/twolayer/mnist", &["data", "fetch", "mnist"])]
    {
        let directory = sandbox.work().join(directory);
        fs::create_dir_all(&directory).unwrap();
        let files = ["abandoned", "alive"].map(|name| directory.join(format!(".twolayer-{name}.tmp")));
        let [_, alive] = files.each_ref().map(|path| fs::File::create(path).unwrap());
        alive.lock().unwrap();
        sandbox.run(arguments);
        assert_eq!(files.each_ref().map(|path| path.exists()), [false, true], "{arguments:?}");
        // Unlocked rather than dropped: a process that another test is starting may hold it still.
        alive.unlock().unwrap();
        sandbox.run(arguments);
        assert!(!files[1].exists(), "{arguments:?}");
    }
}

/// Killed while it writes, or between the renames of its files; the same command again makes them complete.
#[test]
fn digits_that_were_interrupted_are_completed() {
    let sandbox = Sandbox::new();
    let made = sandbox.work().join("made");
    let temporary = || fs::read_dir(&made).into_iter().flatten().count();
    let mut child = sandbox.command(&["data", "digits", "--out", "made"]).stderr(Stdio::null()).spawn().unwrap();
    while temporary() < 4 {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(temporary(), 4);
    let make = |seed| sandbox.run(&["data", "digits", "--out", "made", "--train", "20", "--test", "9", "--seed", seed]);
    make("1").succeeded();
    let all = || FILES.map(|name| fs::read(made.join(name)).unwrap());
    let complete = (all(), sandbox.listing());
    assert_eq!(complete.1.len(), 4 + 1, "{:?}", complete.1);
    for kept in 0..4 {
        FILES.iter().skip(kept).for_each(|name| fs::remove_file(made.join(name)).unwrap());
        make("1").succeeded();
        assert!((all(), sandbox.listing()) == complete, "{kept} files were kept");
    }
    // Others of the same lengths are refused, and nothing is mixed.
    fs::remove_file(made.join(FILES[3])).unwrap();
    make("2").failed(&["made/train-images-idx3-ubyte already exists"]);
    assert!(!made.join(FILES[3]).exists());
}

#[cfg(unix)]
#[test]
fn a_name_that_is_taken_leaves_no_digits() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.work().join("a/t10k-labels-idx1-ubyte")).unwrap();
    fs::create_dir(sandbox.work().join("b")).unwrap();
    std::os::unix::fs::symlink("nowhere", sandbox.work().join("b/t10k-labels-idx1-ubyte")).unwrap();
    let before = sandbox.listing();
    for out in ["a", "b"] {
        let make = ["data", "digits", "--out", out, "--train", "20", "--test", "9"];
        sandbox.run(&make).failed(&[&format!("{out}/t10k-labels-idx1-ubyte already exists")]);
        assert_unchanged(&sandbox, &before);
    }
}

#[cfg(unix)]
#[test]
fn a_failed_write_of_digits_leaves_no_files() {
    let sandbox = Sandbox::new();
    let script = "trap '' XFSZ; ulimit -f 8000; \"$0\" data digits --out new/deep; echo \"code $?\";
        \"$0\" --data digits --limit 100 --quiet --hidden 9";
    let ran = Outcome::from(sandbox.command_for("bash", &["-c", script, env!("CARGO_BIN_EXE_twolayer")]));
    assert!(ran.out.starts_with("code 1\naccuracy  "), "{ran:#?}");
    assert!(ran.err.contains("error: cannot write new/deep: File too large"), "{ran:#?}");
    fs::remove_file(sandbox.work().join("digits-9-own.twolayer")).unwrap();
    assert_unchanged(&sandbox, &["cache/".into(), "work/".into()]);
}

#[test]
fn verify_reports_every_file() {
    let sandbox = Sandbox::new();
    let data = sandbox.data("data", &SmallSet::TINY);
    fs::remove_file(data.join(FILES[0])).unwrap();
    fs::write(data.join(format!("{}.gz", FILES[0])), b"\x1f\x8bno archive").unwrap();
    fs::remove_file(data.join(FILES[1])).unwrap();
    let ran = sandbox.run(&["data", "verify", "data"]);
    ran.failed(&["4 of the 4 files of mnist are missing or changed", "to restore them in the cache\n"]);
    let mut command = sandbox.command(&["data", "verify", "data"]);
    command.env("MNIST_DIR", &data);
    Outcome::from(command)
        .failed(&["run `twolayer data fetch mnist` to restore them in the cache and unset MNIST_DIR"]);
    let lines: Vec<_> = ran.out.lines().collect();
    assert!(lines[1].starts_with("changed  train-images-idx3-ubyte: ") && lines[1].contains("cannot be decompressed"));
    assert_eq!(lines[2], "missing  train-labels-idx1-ubyte");
    assert!(lines[3].starts_with("changed  t10k-images-idx3-ubyte: the SHA-256 of data"), "{ran:#?}");
    sandbox.run(&["data", "verify", "nowhere"]).failed(&["nowhere", "mnist, fashion, digits or a directory"]);
    sandbox.run(&["data", "verify", "fashion"]).failed(&["data fetch fashion"]);
}

// Invalid data.

#[test]
fn missing_data() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.work().join("empty")).unwrap();
    fs::write(sandbox.work().join("file"), "text").unwrap();
    let before = sandbox.listing();
    sandbox.run(&["--data", "empty"]).failed(&["empty has no train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]);
    sandbox.run(&["--data", "mnits"]).failed(&["mnits does not exist", "mnist, fashion, digits or a directory"]);
    sandbox.run(&["--data", "file"]).failed(&[
        "file is no data set: it begins with \"text\"; expected a directory of four IDX files or of class folders",
    ]);
    sandbox.run(&["--data", "MNIST"]).failed(&["MNIST does not exist: --data takes ", ". Did you mean mnist?"]);
    sandbox.run(&["--data", ""]).rejected(&["a value is required for '--data <NAME|PATH>'"]);
    assert_unchanged(&sandbox, &before);
}

#[test]
fn missing_files_that_are_there_by_another_name() {
    for (which, name) in [
        (0, "TRAIN-IMAGES-IDX3-UBYTE"),
        (1, "emnist-digits-train-labels-idx1-ubyte.gz"),
        (2, "emnist-digits-test-images-idx3-ubyte"),
        (3, "T10K-LABELS.IDX1-UBYTE.GZ"),
    ] {
        let sandbox = Sandbox::new();
        let data = sandbox.data("data", &SmallSet::TINY);
        fs::rename(data.join(FILES[which]), data.join(name)).unwrap();
        sandbox
            .run(&SHORT)
            .failed(&[&format!("data has no {} ", FILES[which]), &format!(". Is it {name}? Then rename it")]);
    }
}

/// A model with weights that are finite and outputs that are not.
fn write_huge(sandbox: &Sandbox, pixels: usize) {
    let shape = Shape::new(pixels, 2, 3).unwrap();
    let mut weights = OwnedWeights::zeros(shape).unwrap();
    weights.view_mut().fill_with(|| 3.4e38);
    ModelFile::write(&sandbox.work().join("huge.twolayer"), weights.view(), Details::default()).unwrap();
}

/// Weights so large that outputs overflow: nothing is answered.
#[test]
fn outputs_that_are_not_finite_are_an_error() {
    let sandbox = Sandbox::trained();
    write_huge(&sandbox, 64);
    let words = ["the outputs of the network are not finite numbers: its weights are too large"];
    for command in [
        "eval --model huge.twolayer --data data",
        "eval huge.twolayer m.twolayer --data data",
        "eval huge.twolayer m.twolayer --ensemble --data data",
        "eval --model huge.twolayer --data data --json --report r.html",
        "predict --model huge.twolayer --data data --index 0",
        "predict --model huge.twolayer --data data --index 0 --json",
    ] {
        let ran = sandbox.run(&command.split(' ').collect::<Vec<_>>());
        ran.failed(&words);
        assert!(!ran.out.to_lowercase().contains("nan"), "{command}: {ran:#?}");
        assert!(!sandbox.work().join("r.html").exists());
    }
    let more = ["train", "--from", "huge.twolayer", "--data", "data", "--model", "x.twolayer"];
    sandbox.run(&more).failed(&["training diverged in epoch 1"]);
}

/// Nothing is learnt from blank images, and no rate would help.
#[test]
fn blank_images_are_called_blank() {
    let sandbox = Sandbox::new().replacing();
    for (name, which, level, alphas) in
        [("black", 0, 0, ["1e-30", "1e-5"]), ("white", 0, 255, ["1e-2", "1e3"]), ("test", 2, 0, ["1e-30", "1e-5"])]
    {
        let data = sandbox.data(name, &SmallSet::TINY);
        let mut images = fs::read(data.join(FILES[which])).unwrap();
        images[16..].fill(level);
        fs::write(data.join(FILES[which]), images).unwrap();
        for alpha in alphas {
            let ran = sandbox.run(&["--data", name, "--hidden", "9", "--alpha", alpha, "--model", "x.twolayer"]);
            ran.failed(&[FILES[which], &format!("the images are blank: every pixel is {level}")]);
            assert!(!ran.err.contains("--alpha"), "{ran:#?}");
        }
    }
    // The first images may be blank where others are not.
    let data = sandbox.data("part", &SmallSet::TINY);
    let mut images = fs::read(data.join(FILES[0])).unwrap();
    images[16..16 + 64 * 7].fill(0);
    fs::write(data.join(FILES[0]), images).unwrap();
    let part = |limit| sandbox.run(&["--data", "part", "--hidden", "9", "--limit", limit, "--model", "x.twolayer"]);
    part("7").failed(&["every pixel is 0"]);
    part("8").succeeded();
    let large = sandbox.run(&["--data", "part", "--hidden", "9", "--alpha", "1e30", "--model", "x.twolayer"]);
    large.failed(&["smaller --alpha than 1e30"]);
}

/// More threads than cores wait for each other.
#[test]
fn threads_beyond_the_cores_are_not_started() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet::TINY);
    let cores = std::thread::available_parallelism().unwrap();
    let ran = sandbox.run(&[&SHORT[..], &["--threads", "1000"]].concat());
    assert!(ran.err.contains("warning: --threads 1000: this process may use "), "{ran:#?}");
    assert!(ran.succeeded().contains(&format!(", threads: {cores}\n")));
    let ran = sandbox.run(&[&SHORT[..], &["--threads", "1"]].concat());
    assert!(ran.err.is_empty() && ran.out.contains(", threads: 1\n"), "{ran:#?}");
}

/// What stands in a model's text is anybody's.
#[test]
fn texts_of_models_cannot_obey_or_break_lines() {
    let sandbox = Sandbox::new();
    let shape = Shape::new(4, 2, 3).unwrap();
    let weights = OwnedWeights::zeros(shape).unwrap();
    let text = "classes: a\u{9b}31m | b\u{2028} | \u{202e}c\nit's \u{85} \u{7f} \u{feff} é";
    let details = Details { image: None, text };
    ModelFile::write(&sandbox.work().join("m.twolayer"), weights.view(), details).unwrap();
    fs::create_dir(sandbox.work().join("data")).unwrap();
    SmallSet { side: 2, classes: 3, train: 9, test: 9 }.write(&sandbox.work().join("data"));
    let obeyed =
        |text: &str| text.chars().any(|it| it != '\n' && (it.is_control() || "\u{2028}\u{202e}\u{feff}".contains(it)));
    let out = sandbox.run(&["info"]).succeeded();
    let shown =
        "text      classes: a\\u{9b}31m | b\\u{2028} | \\u{202e}c\n          it's \\u{85} \\u{7f} \\u{feff} é\n";
    assert!(out.contains(shown) && !obeyed(&out), "{out}");
    for command in [
        "info --json",
        "eval --model m.twolayer --data data --json",
        "predict --model m.twolayer --data data --index 0 --json",
        "eval --model m.twolayer --data data",
    ] {
        let out = sandbox.run(&command.split(' ').collect::<Vec<_>>()).succeeded();
        assert!(!obeyed(&out), "{command}: {out:?}");
        if command == "info --json" {
            assert!(out.contains(r#""classes: a\u009b31m | b\u2028 | \u202ec\nit's \u0085 \u007f \ufeff é""#), "{out}");
            let line: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert_eq!(line["text"], text);
        }
    }
}

/// What a terminal would obey is escaped: names of files, in messages of all kinds, and of tensors in them.
#[cfg(unix)]
#[test]
fn control_characters_are_not_printed() {
    let sandbox = Sandbox::new();
    let evil = "a\u{1b}[31m\r\nb\u{9b}";
    let shown = "a\\u{1b}[31m\\r\\nb\\u{9b}";
    let check = |arguments: &[&str]| {
        let ran = sandbox.run(arguments);
        for text in [&ran.out, &ran.err] {
            assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{arguments:?}: {ran:#?}");
        }
        assert!(ran.out.contains(shown) || ran.err.contains(shown), "{arguments:?}: {ran:#?}");
    };
    // Of what it quotes, clap itself drops some.
    let ran = sandbox.run(&["--hidden", evil]);
    ran.rejected(&["expected an integer"]);
    assert!(!ran.err.contains(|letter: char| letter.is_control() && letter != '\n'), "{ran:#?}");
    check(&["--data", evil]);
    check(&["info", "--model", evil]);
    check(&["predict", "--model", evil, "x.png"]);
    check(&["data", "digits", "--out", evil, "--train", "9", "--test", "9"]);
    check(&["data", "verify", evil]);
    check(&["--data", evil, "--hidden", "9", "--model", "m.twolayer"]);
    let model = format!("{evil}.twolayer");
    fs::rename(sandbox.work().join("m.twolayer"), sandbox.work().join(&model)).unwrap();
    check(&["info"]);
    check(&["eval", "--data", evil, "--model", &model]);
    check(&["quantize", "--data", evil, "--model", &model]);
    check(&["export", "--model", &model]);
    check(&["predict", "--data", evil, "--model", &model, evil]);
    check(&["data", "fetch", "mnist", "--mirror", &format!("http://127.0.0.1:9/{evil}")]);
    let header = r#"{"a\u001b[31m\r\nb\u009b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let tensors = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
    fs::write(sandbox.work().join("t.safetensors"), tensors).unwrap();
    check(&["import", "t.safetensors"]);
}

#[test]
fn files_that_are_not_idx() {
    assert_file_rejected(0, b"These are my images, believe me.\n", &["not an IDX file", "54 68 65 73"]);
    assert_file_rejected(0, b"", &["ends after 0 bytes"]);
    assert_file_rejected(1, &SmallSet::TINY.file(0), &["u8 in 3 dimensions; labels are u8 in 1"]);
    assert_file_rejected(2, &SmallSet::TINY.file(3), &["u8 in 1 dimensions; images are"]);
    assert_file_rejected(0, &run::server::gzip(&SmallSet::TINY.file(0)), &["gzip archive", "expand it"]);
}

#[test]
fn truncated_and_too_long_files() {
    let images = SmallSet::TINY.file(0);
    assert_file_rejected(0, &images[..images.len() - 1], &["truncated file", "5760", "5759"]);
    assert_file_rejected(0, &images[..10], &["ends after 10 bytes, within the IDX header"]);
    assert_file_rejected(0, &[&images[..], &[0]].concat(), &["5760 bytes of elements, but 5761 follow"]);
}

#[test]
fn files_that_do_not_match() {
    assert_file_rejected(1, &labels(89, |_| 0), &["90 images", "89 labels"]);
    assert_file_rejected(2, &images(30, 9, |_| vec![1; 81]), &["81 pixels", "64"]);
    assert_file_rejected(
        3,
        &labels(30, |index| if index == 17 { 11 } else { 0 }),
        &["label 11 for image 17", "the training labels are 0 to 2"],
    );
    let sandbox = Sandbox::new();
    let data = sandbox.data("data", &SmallSet::TINY);
    fs::write(data.join(FILES[0]), images(0, 8, |_| Vec::new())).unwrap();
    fs::write(data.join(FILES[1]), labels(0, |_| 0)).unwrap();
    sandbox.run(&SHORT).failed(&["train-images-idx3-ubyte has no images"]);
}

/// Classes that no image has are said to be so, and have no accuracy.
#[test]
fn labels_with_gaps() {
    let sandbox = Sandbox::new();
    let data = sandbox.data("data", &SmallSet::TINY);
    fs::write(data.join(FILES[1]), labels(90, |index| if index == 17 { 5 } else { u8::from(index % 3 == 0) })).unwrap();
    let ran = sandbox.run(&SHORT);
    let warning =
        "warning: no image of data/train-images-idx3-ubyte has label 2, 3, 4, though labels up to 5 make 6 classes";
    assert!(ran.err.starts_with(warning), "{ran:#?}");
    let out = ran.succeeded();
    let eval = sandbox.run(&["eval", "--data", "data", "--model", "m.twolayer"]).succeeded();
    for out in [out, eval] {
        let accuracies = out.split_once("predicted").unwrap().1.lines().skip(1).take(6);
        let accuracies: Vec<_> = accuracies.map(|line| line.split_whitespace().nth(1).unwrap() == "–").collect();
        assert_eq!(accuracies, [false, false, false, true, true, true], "{out}");
    }
}

#[test]
fn truncated_archives() {
    let sandbox = Sandbox::new();
    let data = sandbox.data("data", &SmallSet::TINY);
    let whole = run::server::gzip(&SmallSet::TINY.file(0));
    fs::remove_file(data.join(FILES[0])).unwrap();
    let archive = data.join(format!("{}.gz", FILES[0]));
    for len in [0, 1, 9, 30, whole.len() / 2, whole.len() - 1] {
        fs::write(&archive, &whole[..len]).unwrap();
        let before = sandbox.listing();
        sandbox.run(&SHORT).failed(&["cannot decompress data", "train-images-idx3-ubyte.gz", "download it again"]);
        assert_unchanged(&sandbox, &before);
    }
}

#[test]
fn data_that_does_not_fit_the_network() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    sandbox.run(&SHORT).succeeded();
    let eval = |data: &str| sandbox.run(&["eval", "--model", "m.twolayer", "--data", data]);
    sandbox.data("large", &SmallSet { side: 9, ..SmallSet::TINY });
    eval("large").failed(&["81 pixels", "expected 64, to match the network"]);
    sandbox.data("more", &SmallSet { classes: 5, ..SmallSet::TINY });
    // A named data set is checked before it is fetched or generated.
    let before = sandbox.listing();
    for (name, more) in [("mnist", &[][..]), ("fashion", &["--data", "fashion"]), ("digits", &["--data", "digits"])] {
        for command in ["eval", "quantize"] {
            let ran = sandbox.run(&[&[command, "--model", "m.twolayer"], more].concat());
            ran.failed(&[&format!("{name} has images of 784 pixels; expected 64, to match the network")]);
            assert_unchanged(&sandbox, &before);
        }
    }
    eval("more").failed(&["label 3 for image 3; the network's classes are 0 to 2"]);
}

#[test]
fn eval_needs_only_the_test_set() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet { classes: 5, ..SmallSet::TINY });
    sandbox.run(&SHORT).succeeded();
    let eval = |data: &str| sandbox.run(&["eval", "--model", "m.twolayer", "--data", data]);
    let expected = eval("data").succeeded().lines().last().map(str::to_owned);
    assert!(expected.is_some());

    // The number of classes in the training labels does not matter.
    let data = sandbox.work().join("data");
    fs::write(data.join(FILES[1]), labels(90, |_| 0)).unwrap();
    assert_eq!(eval("data").succeeded().lines().last().map(str::to_owned), expected);
    for name in &FILES[..2] {
        fs::remove_file(data.join(name)).unwrap();
    }
    assert_eq!(eval("data").succeeded().lines().last().map(str::to_owned), expected);
    let mut command = sandbox.command(&["eval", "--model", "m.twolayer"]);
    command.env("MNIST_DIR", &data);
    assert_eq!(Outcome::from(command).succeeded().lines().last().map(str::to_owned), expected);
    sandbox.run(&["quantize", "--model", "m.twolayer", "--data", "data"]).failed(&["data has no train-images"]);
    fs::remove_file(data.join(FILES[2])).unwrap();
    eval("data").failed(&["data has no t10k-images-idx3-ubyte"]);
}

/// The whole set, then ever fewer answers of ever larger margins; the accuracy of all is that of the last line.
#[test]
fn eval_shows_the_accuracy_of_the_most_confident_answers() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    sandbox.run(&SHORT).succeeded();
    sandbox.run(&["quantize", "--model", "m.twolayer", "--data", "data", "--out", "q.twolayer"]).succeeded();
    for (model, decimals) in [("m.twolayer", true), ("q.twolayer", false)] {
        let out = sandbox.run(&["eval", "--model", model, "--data", "data"]).succeeded();
        let table = out.split_once("\nmost confident   accuracy   margin at least\n").expect("a table of coverage").1;
        let rows: Vec<Vec<&str>> = table.lines().take(4).map(|line| line.split_whitespace().collect()).collect();
        let column = |number: usize| rows.iter().map(move |row| row[number]);
        assert!(column(0).eq(["100", "99", "95", "90"]), "{out}");
        assert!(out.contains(&format!("accuracy  {} % of", rows[0][2])), "{out}");
        assert!(column(4).is_sorted_by_key(|margin| margin.parse::<f64>().unwrap()), "{out}");
        assert!(column(4).all(|margin| margin.contains('.') == decimals), "{out}");
    }
}

/// Squares need no mention in a model, and its file is as it always was.
#[test]
fn images_that_are_not_square_are_remembered() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet::TINY);
    sandbox.run(&SHORT).succeeded();
    let model = || fs::read(sandbox.work().join("m.twolayer")).unwrap();
    assert_eq!(model()[8], 1);
    for name in [FILES[0], FILES[2]] {
        let path = sandbox.work().join("data").join(name);
        let mut images = fs::read(&path).unwrap();
        assert_eq!(images[8..16], [0, 0, 0, 8, 0, 0, 0, 8]);
        (images[11], images[15]) = (4, 16);
        fs::write(path, images).unwrap();
    }
    sandbox.run(&SHORT).succeeded();
    assert_eq!((model()[8], &model()[40..44]), (2, &[16, 0, 4, 0][..]));
    let quantize = ["quantize", "--model", "m.twolayer", "--data", "data", "--out", "q.twolayer"];
    assert!(sandbox.run(&quantize).succeeded().contains("q.twolayer: int8"));
    for model in ["m.twolayer", "q.twolayer"] {
        assert!(sandbox.run(&["info", "--model", model]).succeeded().contains("\nimage     16 × 4 pixels\n"));
    }
}

// Invalid models.

#[test]
fn invalid_models() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    sandbox.run(&SHORT).succeeded();
    let path = sandbox.work().join("m.twolayer");
    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    flipped[5000] ^= 4;
    let mut kind = good.clone();
    kind[10] = 9;
    let longer = [&good[..], b"x"].concat();
    let weights = good.len() - 64;
    let cases: [(&[u8], &str); 7] = [
        (b"", "truncated model: 0 bytes, where the header alone has 64"),
        (
            b"some text, much longer than the sixty-four bytes that a header has, to be sure",
            "not a model file: it begins with \"some tex\"",
        ),
        (&good[..50], "truncated model: 50 bytes, where the header alone has 64"),
        (&good[..good.len() - 1], &format!("truncated model: {} bytes of weights; expected {weights}", weights - 1)),
        (&longer, &format!("{} bytes of weights; expected {weights}", weights + 1)),
        (&flipped, "the weights are damaged: "),
        (&kind, "the header is damaged: "),
    ];
    for (bytes, found) in cases {
        fs::write(&path, bytes).unwrap();
        for command in [&["info"][..], &["eval", "--data", "data"]] {
            sandbox.run(&[command, &["--model", "m.twolayer"]].concat()).failed(&[&format!("m.twolayer: {found}")]);
        }
    }
}

/// Only as much of a pipe is read as its first bytes announce.
#[cfg(unix)]
#[test]
fn files_that_never_end() {
    let sandbox = Sandbox::trained();
    fs::rename(sandbox.work().join("data/t10k-labels-idx1-ubyte"), sandbox.work().join("labels")).unwrap();
    for (what, command, words) in [
        ("yes", "info --model pipe", "pipe: not a model file: it begins with"),
        ("cat m.twolayer; yes", "info --model pipe", "pipe: "),
        ("cat m.twolayer", "info --model pipe", ""),
        ("yes", "import pipe --out i.twolayer", "pipe: "),
        ("yes", "eval --data data --model m.twolayer", "t10k-labels-idx1-ubyte: not an IDX file"),
        ("cat labels; yes", "eval --data data --model m.twolayer", "announces 30 bytes of elements, but "),
        ("cat labels", "eval --data data --model m.twolayer", ""),
    ] {
        let script = format!(
            "rm -f pipe; mkfifo pipe; ln -sf ../pipe data/t10k-labels-idx1-ubyte
             ({what}) > pipe 2> /dev/null & ulimit -v 3000000; timeout 20 \"$0\" {command}"
        );
        let ran = Outcome::from(sandbox.command_for("bash", &["-c", &script, env!("CARGO_BIN_EXE_twolayer")]));
        if words.is_empty() { drop(ran.succeeded()) } else { ran.failed(&[words]) }
    }
}

#[test]
fn missing_models() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    sandbox.run(&["info"]).failed(&["no *.twolayer file here", "--model"]);
    fs::create_dir(sandbox.work().join("directory.twolayer")).unwrap();
    sandbox.run(&["eval"]).failed(&["no *.twolayer file here", "--model"]);
    sandbox.run(&["eval", "--data", "data"]).failed(&["cannot open data.twolayer"]);
    sandbox.run(&["info", "--model", "none"]).failed(&["cannot open none"]);
    sandbox.run(&["info", "--model", "data"]).failed(&["cannot read data"]);
}

#[test]
fn models_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    fs::write(sandbox.work().join("read-only"), "").unwrap();
    let mut permissions = fs::metadata(sandbox.work().join("read-only")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(sandbox.work().join("read-only"), permissions).unwrap();
    let before = sandbox.listing();
    let into = |model: &str| sandbox.run(&["--data", "data", "--hidden", "9", "--model", model]);
    for (model, word) in [
        ("data", "cannot write data: is a directory; choose a file"),
        ("new/", "cannot write new/: is a directory"),
        ("..", "cannot write ..: is a directory"),
        (
            "nowhere/model",
            "cannot write nowhere/model: No such file or directory (os error 2); create its directory first",
        ),
        ("data/t10k-labels-idx1-ubyte/model", "; a part of its path is a file, not a directory"),
        ("read-only", "cannot write read-only: permission denied; check"),
    ] {
        let ran = into(model);
        ran.failed(&[word]);
        assert_eq!(ran.out, "", "this must fail before training starts");
    }
    into(&"x".repeat(300)).failed(&["cannot write xxx"]);
    assert_unchanged(&sandbox, &before);
}

/// Mounts a disk of 64 kB in a namespace of its own. A model of 256 kB finds no room, before anything is computed for it; one
/// that is running keeps the room for its own.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_noticed_before_the_work() {
    let sandbox = Sandbox::trained();
    fs::create_dir(sandbox.work().join("disk")).unwrap();
    let script = "mount -t tmpfs -o size=64k none disk || { echo no mount; exit; }
        \"$0\" --data data --hidden 900 --model disk/m; echo \"code $?\"; find disk -mindepth 1
        \"$0\" --data data --hidden 20 --model disk/m --quiet --epochs 1000000 & running=$!
        while test \"$(df --output=used disk | tail -1)\" = 0; do sleep 0.01; done
        \"$0\" quantize --model m.twolayer --data data --out disk/q; echo \"code $?\"
        \"$0\" --data data --hidden 200 --model disk/n --quiet; echo \"code $?\"
        kill -9 $running; wait $running 2> /dev/null; find disk -mindepth 1";
    let shell = ["-rm", "sh", "-c", script, env!("CARGO_BIN_EXE_twolayer")];
    let ran = Outcome::from(sandbox.command_for("unshare", &shell));
    if !ran.out.contains("code ") {
        return skipped("a_full_disk_is_noticed_before_the_work", "cannot mount a disk");
    }
    let [first, second, third, left] = ran.out.split("code ").collect::<Vec<_>>()[..] else { panic!("{ran:#?}") };
    assert_eq!((first, third, left), ("", "0\n", "1\ndisk/q\n"), "{ran:#?}");
    assert!(second.starts_with("1\nmodel "), "{ran:#?}");
    for model in ["m", "n"] {
        let full = format!("error: cannot write disk/{model}: No space left on device (os error 28); free some space");
        assert!(ran.err.contains(&full), "{ran:#?}");
    }
}

#[cfg(unix)]
#[test]
fn a_failed_write_of_a_model_leaves_no_files() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    let before = sandbox.listing();
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" --data data --hidden 900 --quiet";
    Outcome::from(sandbox.command_for("bash", &["-c", script, env!("CARGO_BIN_EXE_twolayer")]))
        .failed(&["cannot write data-900.twolayer: File too large"]);
    assert_unchanged(&sandbox, &before);
}

#[cfg(unix)]
#[test]
fn files_without_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let data = sandbox.data("data", &SmallSet::TINY);
    let images = data.join(FILES[0]);
    let allow = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    allow(&images, 0o000);
    if fs::File::open(&images).is_ok() {
        return skipped("files_without_permissions", "root may read everything");
    }
    sandbox.run(&SHORT).failed(&["cannot open data/train-images-idx3-ubyte: Permission denied", "permissions"]);
    allow(&images, 0o644);
    allow(&sandbox.work(), 0o555);
    sandbox.run(&SHORT).failed(&["cannot write m.twolayer: Permission denied (os error 13)", "permissions"]);
    allow(&sandbox.work(), 0o333);
    sandbox.run(&["info"]).failed(&["cannot read .: Permission denied", "permissions"]);
    allow(&sandbox.work(), 0o755);
    allow(&sandbox.cache(), 0o555);
    // Digits are generated in memory if the cache cannot be written.
    sandbox.run(&["--data", "digits", "--limit", "100", "--hidden", "9"]).succeeded();
    sandbox.run(&["data", "fetch", "digits"]).failed(&["cannot create", "permissions"]);
    allow(&sandbox.cache(), 0o755);
}

// Invalid command lines.

#[test]
fn invalid_command_lines() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    let before = sandbox.listing();
    for (arguments, word) in [
        (&["--hidden", "0"][..], "--hidden"),
        (&["--threads", "0"], "'--threads <N>': expected an integer of 1 or more"),
        (&["--threads", "some"], "'--threads <N>': expected an integer of 1 or more"),
        (&["--hidden", "some"], "--hidden"),
        (&["--alpha", "nan"], "--alpha"),
        (&["--alpha", "0"], "--alpha"),
        (&["--alpha=-1"], "--alpha"),
        (&["--alpha", "inf"], "--alpha"),
        (&["--init-scale", "nan"], "--init-scale"),
        (&["--epochs", "0"], "--epochs"),
        (&["--limit", "0"], "--limit"),
        (&["--block", "0"], "--block"),
        (&["--block", "100000"], "--block"),
        (&["--seed", "-1"], "-1"),
        (&["--model", ""], "--model"),
        (&["--backend", "abacus"], "[possible values: portable"),
        (&["--nonsense"], "--nonsense"),
        (&["nonsense"], "nonsense"),
        (&["data"], "Usage: twolayer data"),
        (&["data", "fetch"], "<NAME>"),
        (&["data", "fetch", "data"], "[possible values: mnist, fashion, digits]"),
        (&["data", "digits"], "--out"),
    ] {
        sandbox.run(arguments).rejected(&[word]);
    }
    // What other programs call otherwise, or have and this one has not.
    for (option, hint) in [
        ("--lr", "--alpha"),
        ("--learning-rate=0.1", "--alpha"),
        ("--batch-size=64", "--block"),
        ("--batch", "there are no batches"),
        ("--dropout", "--distort"),
        ("--optimizer", "--alpha"),
        ("--lr-decay", "--alpha 7.8e-5..2e-6"),
        ("--gpu", "--threads"),
    ] {
        for command in [&[][..], &["train"]] {
            let ran = sandbox.run(&[command, &[option]].concat());
            ran.rejected(&["unexpected argument", "\n\n  tip: ", hint]);
            assert!(!ran.err.contains("a similar argument exists"), "{ran:#?}");
        }
    }
    assert_unchanged(&sandbox, &before);
}

#[test]
fn impossible_training_settings() {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    let before = sandbox.listing();
    sandbox.run(&["--data", "data", "--hidden", "1000000000"]).failed(&["1000000000 hidden units"]);
    for backend in Backend::available() {
        let data = ["--data", "data", "--backend", backend.name()];
        sandbox.run(&[&data[..], &["--alpha", "1e9"]].concat()).failed(&["diverged in epoch 1", "smaller --alpha"]);
        // Divergence in the last step.
        let last = ["--alpha", "1e38", "--init-scale", "1", "--limit", "1", "--epochs", "1"];
        sandbox.run(&[&data[..], &last].concat()).failed(&["diverged in epoch 1"]);
    }
    assert_unchanged(&sandbox, &before);
}
