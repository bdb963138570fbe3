//! What `--data` takes: the same pictures in every form train the same network, to the bit; and what is wrong with a source is an
//! error with its place, and nothing is written.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;
mod sources;

use run::{FILES, Sandbox};
use sources::{Pictures, gzip, keras, npy, npy_in_order, write_idx, zip};
use std::fs;
use std::path::PathBuf;

/// The hash of the weights that a command's data train, and what it says of the data.
#[track_caller]
fn trained(sandbox: &Sandbox, data: &[&str]) -> (String, String) {
    let common = ["train", "--hidden", "16", "--recipe", "fast", "--epochs", "1", "--model", "m.twolayer"];
    let out = sandbox.run(&[&common[..], data].concat()).succeeded();
    let line = |start: &str| out.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
    let hash = line("model ").rsplit_once(' ').unwrap().1.to_owned();
    (hash, line("data "))
}

/// 300 training and 100 test pictures, written as four IDX files in `idx`, and the hash of what they train.
fn digits(sandbox: &Sandbox) -> (Pictures, Pictures, String) {
    let (train, test) = (Pictures::digits(0..300), Pictures::digits(300..400));
    write_idx(&sandbox.work().join("idx"), &FILES.map(str::to_owned), &train, &test);
    let (hash, line) = trained(sandbox, &["--data", "idx"]);
    assert_eq!(line, "data      300 training and 100 test images: idx");
    (train, test, hash)
}

#[test]
fn idx_files_are_found_wherever_they_are() {
    let sandbox = Sandbox::new().replacing();
    let (train, test, hash) = digits(&sandbox);
    let write = |directory: &str, name: &dyn Fn(&str) -> String, train: &Pictures, test: &Pictures| {
        write_idx(&sandbox.work().join(directory), &FILES.map(name), train, test);
    };
    // torchvision's, with archives beside the files.
    write("torch/MNIST/raw", &|name| name.into(), &train, &test);
    write("torch/MNIST/raw", &|name| format!("{name}.gz"), &train, &test);
    for path in ["torch", "torch/MNIST", "torch/MNIST/raw", "torch/MNIST/raw/train-labels-idx1-ubyte"] {
        assert_eq!(trained(&sandbox, &["--data", path]).0, hash, "{path}");
    }
    let line = trained(&sandbox, &["--data", "torch"]).1;
    assert_eq!(line, "data      300 training and 100 test images: torch (IDX files, 10 classes)");
    // Kaggle's: directories beside files.
    write("kaggle", &|name| name.replace("-idx", ".idx"), &train, &test);
    write("kaggle", &|name| format!("{name}/{name}"), &train, &test);
    write("nested", &|name| format!("{name}/{name}"), &train, &test);
    for path in ["kaggle", "nested"] {
        assert_eq!(trained(&sandbox, &["--data", path]).0, hash, "{path}");
    }
    // EMNIST's, transposed.
    let emnist = |split: &str, name: &str| format!("emnist-{split}-{}.gz", name.replace("t10k", "test"));
    write("emnist/gzip", &|name| emnist("letters", name), &train.transposed(), &test.transposed());
    for path in ["emnist", "emnist/gzip", "emnist/gzip/emnist-letters"] {
        assert_eq!(trained(&sandbox, &["--data", path, "--transpose"]).0, hash, "{path}");
    }
    let (other, line) = trained(&sandbox, &["--data", "emnist"]);
    assert!(other != hash && line.contains("IDX files of EMNIST, transposed as they are published"), "{line}");
    // Two of them.
    write("emnist/gzip", &|name| emnist("digits", name), &test.transposed(), &train.transposed());
    sandbox
        .run(&["--data", "emnist"])
        .failed(&["emnist holds several data sets: give one of emnist/gzip/emnist-digits, emnist/gzip/emnist-letters"]);
    assert_eq!(trained(&sandbox, &["--data", "emnist/gzip/emnist-letters", "--transpose"]).0, hash);
    // A model is tested with the test files alone.
    trained(&sandbox, &["--data", "idx"]);
    fs::remove_file(sandbox.work().join("kaggle").join("train-images.idx3-ubyte")).unwrap();
    fs::remove_dir_all(sandbox.work().join("kaggle").join(FILES[0])).unwrap();
    let last = |data: &str| {
        let out = sandbox.run(&["eval", "--data", data, "--model", "m.twolayer"]).succeeded();
        out.lines().last().unwrap().to_owned()
    };
    assert_eq!(last("kaggle"), last("idx"));
}

#[test]
fn csv_is_read_in_its_many_forms() {
    let sandbox = Sandbox::new().replacing();
    let (train, test, hash) = digits(&sandbox);
    let write = |path: &str, text: &str| {
        let path = sandbox.work().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let gz = path.extension().is_some_and(|it| it == "gz");
        fs::write(path, if gz { gzip(text.as_bytes()) } else { text.into() }).unwrap();
    };
    write("a/mnist_train.csv", &train.csv(false, true));
    write("a/mnist_test.csv", &test.csv(false, true));
    write("b/train.csv.gz", &train.csv(true, false));
    write("b/test.csv.gz", &test.csv(true, false));
    write("c/train.csv", &train.csv(true, true).replace('\n', "\r\n"));
    write("c/test.csv", &test.csv(true, true));
    write("d/fashion-mnist_train.csv", &train.csv(true, true));
    write("d/fashion-mnist_test.csv", &test.csv(true, true));
    for (data, column) in [
        ("d", "first column (by the header)"),
        ("a", "first column (by its values)"),
        ("b", "last column (by the header)"),
        ("c", "first column (by the header)"),
    ] {
        let (found, line) = trained(&sandbox, &["--data", data]);
        assert_eq!(found, hash, "{data}");
        assert!(line.ends_with(&format!(": {data} (CSV with the label in the {column}, 10 classes)")), "{line}");
    }
    // Neither one of another name, nor pictures without class folders, are guessed at.
    write("e/other-train.csv", &train.csv(true, true));
    write("f/0.png", "");
    sandbox.run(&["--data", "e"]).failed(&["e is no data set: it has .csv or .npz files", "give the path of one"]);
    sandbox.run(&["--data", "f"]).failed(&["f is no data set: it has pictures, but they are in no folders"]);
    // One file, parted: the last 100 are the test images.
    let all = train.csv(true, true) + &test.csv(false, true);
    write("one.csv", &all);
    let (found, line) = trained(&sandbox, &["--data", "one.csv", "--hold-out", "100"]);
    assert_eq!(found, hash);
    assert!(line.ends_with("; tested on the last 100 of the training images"), "{line}");
    sandbox.run(&["--data", "one.csv"]).failed(&["one.csv has no test set: hold out a part", "--hold-out 20%"]);
    let out = sandbox.run(&["eval", "--data", "one.csv", "--model", "m.twolayer", "--hold-out", "100%"]).succeeded();
    assert!(out.contains("400 test images"), "{out}");
    // Kaggle's test file has no labels.
    let header =
        |text: &str| text.lines().map(|line| line.split_once(',').unwrap().1.to_owned() + "\n").collect::<String>();
    write("k/train.csv", &all);
    write("k/test.csv", &header(&test.csv(true, true)));
    sandbox
        .run(&["--data", "k"])
        .failed(&["k/test.csv has no test set (its test file has pixels only, no labels): hold out"]);
    let (found, line) = trained(&sandbox, &["--data", "k", "--hold-out", "100"]);
    assert!(found == hash && line.contains("; test.csv is not used"), "{line}");
}

#[test]
fn arrays_of_keras_and_medmnist() {
    let sandbox = Sandbox::new().replacing();
    let (train, test, hash) = digits(&sandbox);
    let write = |name: &str, bytes: &[u8]| fs::write(sandbox.work().join(name), bytes).unwrap();
    write("mnist.npz", &keras(&train, &test));
    let (found, line) = trained(&sandbox, &["--data", "mnist.npz"]);
    assert_eq!(found, hash);
    assert_eq!(line, "data      300 training and 100 test images: mnist.npz (arrays as of Keras, 10 classes)");
    // MedMNIST's: labels (n, 1), a validation set; with other types of numbers.
    let long = |labels: &[u8]| labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect::<Vec<_>>();
    let single = |of: &Pictures| {
        of.images.concat().iter().flat_map(|&pixel| (f32::from(pixel) / 255.0).to_be_bytes()).collect::<Vec<_>>()
    };
    let double =
        |of: &Pictures| of.images.concat().iter().flat_map(|&pixel| f64::from(pixel).to_le_bytes()).collect::<Vec<_>>();
    let files = |kind: &str, pixels: &dyn Fn(&Pictures) -> Vec<u8>, shape: &[usize]| {
        let mut files = Vec::new();
        for (of, images, labels) in [
            (&train, "train_images.npy", "train_labels.npy"),
            (&test, "val_images.npy", "val_labels.npy"),
            (&test, "test_images.npy", "test_labels.npy"),
        ] {
            files.push((images, npy(kind, &[&[of.len()], shape].concat(), &pixels(of))));
            files.push((labels, npy("<i8", &[of.len(), 1], &long(&of.labels))));
        }
        zip(&files, false)
    };
    let bytes = |of: &Pictures| of.images.concat();
    for (kind, pixels, shape, more) in [
        ("|u1", &bytes as &dyn Fn(&Pictures) -> Vec<u8>, &[28, 28, 1][..], ""),
        (">f4", &single, &[784], ", pixels from 0 to 1 times 255"),
        ("<f8", &double, &[1, 28, 28], ""),
    ] {
        write("med.npz", &files(kind, pixels, shape));
        let (found, line) = trained(&sandbox, &["--data", "med.npz"]);
        assert_eq!(found, hash, "{kind}");
        assert!(
            line.ends_with(&format!("(arrays as of MedMNIST{more}, 10 classes; val_images is not used)")),
            "{line}"
        );
    }
    // Without a test set.
    let labels = npy("|u1", &[300], &train.labels);
    write("x.npz", &zip(&[("x_train.npy", train.array()), ("y_train.npy", labels)], true));
    sandbox.run(&["--data", "x.npz"]).failed(&["x.npz has no test set", "--hold-out 20%"]);
    trained(&sandbox, &["--data", "x.npz", "--hold-out", "20%"]);
}

#[test]
fn class_folders_of_pictures() {
    let sandbox = Sandbox::new().replacing();
    let (train, test, hash) = digits(&sandbox);
    let number = |label: u8| label.to_string();
    for (root, [train_name, test_name]) in
        [("a", ["train", "test"]), ("b", ["Training", "Testing"]), ("c", ["train", "val"])]
    {
        let root = sandbox.work().join(root);
        train.folders(&root.join(train_name), number);
        test.folders(&root.join(test_name), number);
        // What systems leave behind.
        fs::write(root.join(train_name).join("3").join("Thumbs.db"), "x").unwrap();
        fs::write(root.join(test_name).join(".DS_Store"), "x").unwrap();
        fs::write(root.join("README.txt"), "about").unwrap();
    }
    for root in ["a", "b", "c"] {
        let (found, line) = trained(&sandbox, &["--data", root, "--as-is"]);
        assert_eq!(found, hash, "{root}");
        assert_eq!(
            line,
            format!(
                "data      300 training and 100 test images: {root} (class folders, pixels as they are, 10 classes)"
            )
        );
    }
    let count = |of: &Pictures, class: u8| of.labels.iter().map(|&label| usize::from(label == class)).sum::<usize>();
    // Inverted, and not parted: of each class, so many percent.
    train.inverted().folders(&sandbox.work().join("d"), number);
    let (_, line) = trained(&sandbox, &["--data", "d", "--as-is", "--invert", "--hold-out", "20%"]);
    assert!(
        line.ends_with(
            "d (class folders, pixels as they are, 10 classes), inverted; tested on 20 % of the training images"
        ),
        "{line}"
    );
    let held = (0..10).map(|class| (count(&train, class) * 20 + 50) / 100).sum::<usize>();
    assert!(line.starts_with(&format!("data      {} training and {held} test images", 300 - held)), "{line}");
    assert_eq!(
        trained(&sandbox, &["--data", "d", "--as-is", "--invert", "--hold-out", "60"]).0,
        trained(&sandbox, &["--data", "idx", "--hold-out", "60"]).0
    );
    sandbox.run(&["--data", "d"]).failed(&["d has no test set: hold out a part", "--hold-out 20%"]);
    // As pictures, each becomes what `predict --one` makes of it.
    let (found, line) = trained(&sandbox, &["--data", "a"]);
    assert!(found != hash && line.ends_with("a (class folders, 10 classes)"), "{line}");
    fs::create_dir(sandbox.work().join("seen")).unwrap();
    let (some, more) =
        (Pictures { images: train.images[..60].into(), labels: train.labels[..60].into(), ..train }, test);
    let seen = |of: &Pictures| {
        let look = |image: &Vec<u8>| {
            let picture = twolayer::host::GreyPicture::new("x", image.clone(), 28, 28).unwrap();
            picture.normalize(twolayer::picture::Ink::Auto, 28).unwrap().0
        };
        Pictures { images: of.images.iter().map(look).collect(), ..of.clone() }
    };
    some.folders(&sandbox.work().join("e/train"), number);
    more.folders(&sandbox.work().join("e/test"), number);
    write_idx(&sandbox.work().join("seen"), &FILES.map(str::to_owned), &seen(&some), &seen(&more));
    assert_eq!(trained(&sandbox, &["--data", "e"]).0, trained(&sandbox, &["--data", "seen"]).0);
}

/// Names of class folders are the classes' names, from training to a picture's answer, C and the next model.
#[test]
fn names_of_classes() {
    let sandbox = Sandbox::new().replacing();
    let (train, test) = (Pictures::digits(0..400), Pictures::digits(400..500));
    let work = sandbox.work();
    let letter = |label: u8| char::from(b'a' + label).to_string();
    train.folders(&work.join("l/train"), letter);
    test.folders(&work.join("l/test"), letter);
    let word = |label: u8| {
        ["zero", "one", "two", "three", "four", "none", "six", "seven", "eighty", "ß9"][usize::from(label)].to_owned()
    };
    train.folders(&work.join("w/train"), word);
    test.folders(&work.join("w/test"), word);
    let train_on = |data: &str, model: &str| {
        let options = ["train", "--hidden", "64", "--recipe", "fast", "--epochs", "6", "--as-is", "--json", "--quiet"];
        let out = sandbox.run(&[&options[..], &["--data", data, "--model", model]].concat()).succeeded();
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let line = train_on("l", "l.twolayer");
    assert_eq!(line["classes"][3], "d");
    let line = train_on("w", "w.twolayer");
    let names: Vec<_> =
        line["classes"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["eighty", "four", "none", "one", "seven", "six", "three", "two", "zero", "ß9"]);
    let info = sandbox.run(&["info", "--model", "w.twolayer"]).succeeded();
    assert!(
        info.contains(
            "text      classes: eighty | four | none | one | seven | six | three | two | zero | ß9\n          recipe: "
        ),
        "{info}"
    );

    // A test set with other folders, in another order of labels, is that of the names.
    let eval =
        |data: &[&str], model: &str| sandbox.run(&[&["eval", "--as-is", "--model", model, "--data"], data].concat());
    let out = eval(&["w"], "w.twolayer").succeeded();
    assert!(out.contains("classes   0 eighty, 1 four, 2 none, "), "{out}");
    let few = Pictures {
        images: test.images[..40].into(),
        labels: test.labels[..40].iter().map(|&it| if it < 2 { 9 } else { it }).collect(),
        ..test.clone()
    };
    few.folders(&work.join("few"), word);
    let out = eval(&["few", "--hold-out", "100%"], "w.twolayer").succeeded();
    assert!(out.contains("40 test images: few"), "{out}");
    eval(&["l"], "w.twolayer").failed(&[
        "l/test has classes a | b | c",
        "but the network has classes eighty | four | none",
        "class 0 differs",
    ]);
    let out = eval(&["l"], "l.twolayer").succeeded();
    assert!(out.contains("predicted     a     b     c"), "{out}");

    // Pictures.
    let place = (0..100).find(|&place| test.labels[place] == 4).unwrap();
    let picture = format!("l/test/e/{place}.png");
    let answer = |model: &str, more: &[&str]| {
        sandbox.run(&[&["predict", "--model", model, &picture], more].concat()).succeeded()
    };
    let line: serde_json::Value = serde_json::from_str(&answer("w.twolayer", &["--json"])).unwrap();
    assert_eq!(line["name"], names[usize::try_from(line["class"].as_u64().unwrap()).unwrap()]);
    assert_eq!(line["digits"][0]["name"], line["name"]);
    let heading = format!("{picture}: {}, margin", line["name"].as_str().unwrap());
    let out = answer("w.twolayer", &[]);
    assert!(out.contains(&heading) && out.contains(" three  "), "{out}");
    // Two cells: of words, with a space; of letters, without.
    let side_by_side: Vec<u8> = test.images[place].chunks(28).flat_map(|row| [row, row].concat()).collect();
    twolayer::host::GreyPicture::new("x", side_by_side, 56, 28).unwrap().write_png(&work.join("two.png")).unwrap();
    let number = |model: &str| {
        let out = sandbox.run(&["predict", "--model", model, "--cells", "2", "--json", "two.png"]).succeeded();
        serde_json::from_str::<serde_json::Value>(&out).unwrap()["number"].as_str().unwrap().to_owned()
    };
    let (word, letters) = (line["name"].as_str().unwrap(), number("l.twolayer"));
    assert_eq!(number("w.twolayer"), format!("{word} {word}"));
    assert!(letters.len() == 2 && letters.bytes().all(|it| it.is_ascii_lowercase()), "{letters}");
    let scored = sandbox.run(&["predict", "--model", "l.twolayer", "--labels", "l/test"]).succeeded();
    assert!(scored.contains("100 pictures: ") && scored.contains("predicted     a     b"), "{scored}");

    // Quantised, tuned, and as C.
    for tune in [&[][..], &["--tune", "1"]] {
        let quantize = ["quantize", "--model", "w.twolayer", "--data", "w", "--as-is", "--out", "q.twolayer"];
        sandbox.run(&[&quantize[..], tune].concat()).succeeded();
        let answer: serde_json::Value = serde_json::from_str(&answer("q.twolayer", &["--json"])).unwrap();
        assert!(names.iter().any(|name| answer["name"] == **name), "{answer}");
    }
    let info = sandbox.run(&["info", "--model", "q.twolayer"]).succeeded();
    assert!(info.contains("| ß9\n          recipe: ") && info.contains("\n          tuned as int8: "), "{info}");
    sandbox.run(&["export", "--model", "q.twolayer", "--format", "c99", "--out", "q.c"]).succeeded();
    let header = fs::read_to_string(work.join("q.h")).unwrap();
    assert!(
        header.contains("static const char *const q_class_names[Q_OUTPUTS] = {\n    \"eighty\",\n    \"four\","),
        "{header}"
    );
    assert!(header.contains("    \"\\303\\2379\",\n};"), "{header}");
    sandbox.run(&["eval", "--model", "q.twolayer", "--data", "w", "--as-is", "--report", "r.html"]).succeeded();
    assert!(fs::read_to_string(work.join("r.html")).unwrap().contains(">seven<"));

    // More than a model file has room for.
    let long = |label: u8| format!("{label}{}", "x".repeat(200));
    let many = Pictures { labels: (0..100).map(|it| it % 25).collect(), ..test };
    many.folders(&work.join("long"), long);
    let before = sandbox.listing();
    let ran = sandbox.run(&["train", "--data", "long", "--as-is", "--hold-out", "20%"]);
    ran.failed(&["the names of 25 classes and the recipe take", "but a model file has room for 4096: shorten"]);
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn names_beside_idx_files() {
    let sandbox = Sandbox::new();
    let (train, test) = (Pictures::digits(0..200), Pictures::digits(200..260));
    let from_one = |of: &Pictures| Pictures { labels: of.labels.iter().map(|label| label + 1).collect(), ..of.clone() };
    let names = FILES.map(|name| format!("e/emnist-letters-{}.gz", name.replace("t10k", "test")));
    write_idx(&sandbox.work(), &names, &from_one(&train), &from_one(&test));
    let mapping: String =
        (1..=26).fold(String::new(), |text, label| text + &format!("{label} {} {}\n", 64 + label, 96 + label));
    fs::write(sandbox.work().join("e/emnist-letters-mapping.txt"), mapping).unwrap();
    let ran = sandbox.run(&["train", "--data", "e", "--hidden", "24", "--model", "e.twolayer"]);
    // Classes without an image are said, but not label 0, which letters do not have.
    assert!(ran.err.contains("has label 11, 12, ") && !ran.err.contains("label 0,"), "{ran:#?}");
    let out = ran.succeeded();
    assert!(out.contains(" 784 → 24 → 27, "), "{out}");
    let info = sandbox.run(&["info", "--model", "e.twolayer"]).succeeded();
    assert!(info.contains("classes: 0 | A | B | C | D"), "{info}");
}

#[test]
fn sets_are_joined() {
    let sandbox = Sandbox::new().replacing();
    let (train, test, hash) = digits(&sandbox);
    let work = sandbox.work();
    let part = |of: &Pictures, range: core::ops::Range<usize>| Pictures {
        images: of.images[range.clone()].into(),
        labels: of.labels[range].into(),
        ..of.clone()
    };
    write_idx(&work.join("a"), &FILES.map(str::to_owned), &part(&train, 0..100), &part(&test, 0..40));
    fs::write(work.join("b.npz"), keras(&part(&train, 100..200), &part(&test, 40..50))).unwrap();
    part(&train, 200..300).folders(&work.join("c/train"), |label| label.to_string());
    part(&test, 50..100).folders(&work.join("c/test"), |label| label.to_string());
    let all = ["--data", "a", "--data", "b.npz", "--data", "c", "--as-is"];
    let (found, line) = trained(&sandbox, &all);
    assert_eq!(found, hash);
    assert_eq!(
        line,
        "data      300 training and 100 test images: a + b.npz (arrays as of Keras, 10 classes) + c (class folders, pixels as \
         they are, 10 classes)"
    );
    let out = sandbox.run(&[&["eval", "--json", "--model", "m.twolayer"], &all[..]].concat()).succeeded();
    let line: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&line["total"], &line["data"]["directory"]), (&100.into(), &serde_json::Value::Null));
    assert_eq!(
        (&line["data"]["sources"][1]["path"], line["data"]["sources"].as_array().unwrap().len()),
        (&"b.npz".into(), 3)
    );
    // What does not belong together.
    train.folders(&work.join("n/train"), |label| format!("n{label}"));
    test.folders(&work.join("n/test"), |label| format!("n{label}"));
    let before = sandbox.listing();
    sandbox.run(&["train", "--data", "a", "--data", "n", "--as-is"]).failed(&[
        "n/train has classes n0 | n1 | n2",
        "but a/train-images-idx3-ubyte has classes without names: class 0 differs",
    ]);
    sandbox.run(&["train", "--data", "a", "--data", "none"]).failed(&["none does not exist"]);
    assert_eq!(sandbox.listing(), before);
    sandbox.data("small", &run::SmallSet::TINY);
    sandbox
        .run(&["train", "--data", "a", "--data", "small"])
        .failed(&["small/train-images-idx3-ubyte has images of 64 pixels; expected 784"]);
}

/// What `data convert` writes is four plain IDX files, and trains what the source trains.
#[test]
fn converted_sources_are_idx_files() {
    let sandbox = Sandbox::new().replacing();
    let (train, test, hash) = digits(&sandbox);
    let work = sandbox.work();
    let file = |directory: &str, which: usize| fs::read(work.join(directory).join(FILES[which])).unwrap();
    let same = |directory: &str| (0..4).all(|which| file(directory, which) == file("idx", which));
    fs::write(work.join("k.npz"), keras(&train.transposed().inverted(), &test.transposed().inverted())).unwrap();
    let convert =
        |words: &str| sandbox.run(&[&["data", "convert"], &words.split(' ').collect::<Vec<_>>()[..]].concat());
    let out = convert("k.npz --out o/k --transpose --invert").succeeded();
    assert!(out.starts_with("data      300 training and 100 test images: k.npz (arrays as of Keras, 10 classes), inverted, transposed\nwritten   o/k: four IDX files\n"), "{out}");
    assert!(same("o/k"));
    // Once more it is there already; other contents are not replaced.
    convert("k.npz --out o/k --transpose --invert").succeeded();
    let before = sandbox.listing();
    convert("k.npz --out o/k").failed(&["o/k/train-images-idx3-ubyte already exists"]);
    convert("k.npz --out o/k --hold-out 20%").failed(&["already exists"]);
    convert("nothing --out o/n").failed(&["nothing does not exist"]);
    assert_eq!(sandbox.listing(), before);
    // Several, joined; and names.
    convert("idx k.npz --out o/two").succeeded();
    assert_eq!(file("o/two", 1).len(), 8 + 600);
    let letter = |label: u8| char::from(b'a' + label).to_string();
    train.folders(&work.join("l/train"), letter);
    test.folders(&work.join("l/test"), letter);
    let out = convert("l --as-is --out o/l").succeeded();
    assert!(out.ends_with("written   o/l: four IDX files, and classes.txt\n") && same("o/l"), "{out}");
    assert_eq!(fs::read_to_string(work.join("o/l/classes.txt")).unwrap(), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
    assert_eq!(trained(&sandbox, &["--data", "o/l"]).0, hash);
    let info = sandbox.run(&["info", "--model", "m.twolayer"]).succeeded();
    assert!(info.contains("classes: a | b | c"), "{info}");
    let before = sandbox.listing();
    convert("idx --out o/l").failed(&["o/l/classes.txt already exists"]);
    fs::write(work.join("o/l/classes.txt"), "a\nb\n").unwrap();
    sandbox.run(&["train", "--data", "o/l"]).failed(&["labels go up to 9, but 2 classes have names"]);
    fs::write(work.join("o/l/classes.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n").unwrap();
    assert_eq!(sandbox.listing(), before);
}

/// A network that sees images otherwise than in training answers badly, and the option that helps is named.
#[test]
fn turned_images_are_noticed() {
    let sandbox = Sandbox::new().replacing();
    let (train, test) = (Pictures::digits(0..2000), Pictures::digits(2000..2400));
    let write = |name: &str, train: &Pictures, test: &Pictures| {
        write_idx(&sandbox.work().join(name), &FILES.map(str::to_owned), train, test);
    };
    write("plain", &train, &test);
    write("turned", &train, &test.transposed());
    write("dark", &train, &test.inverted());
    let train = |data: &str, options: &[&str]| {
        let common =
            ["train", "--hidden", "64", "--recipe", "fast", "--epochs", "4", "--model", "m.twolayer", "--data", data];
        sandbox.run(&[&common[..], options].concat())
    };
    let eval = |data: &str, options: &[&str]| {
        sandbox.run(&[&["eval", "--model", "m.twolayer", "--data", data], options].concat())
    };
    assert_eq!(train("plain", &[]).err, "");
    for (data, how, option) in [("turned", "transposed", "--transpose"), ("dark", "inverted", "--invert")] {
        let ran = eval(data, &[]);
        let warning = format!(" % when they are {how}: try with {option}\n");
        assert!(
            ran.err.starts_with("warning: ") && ran.err.ends_with(&warning) && ran.err.lines().count() == 1,
            "{ran:#?}"
        );
        assert_eq!(ran.code, Some(0));
        assert_eq!(eval(data, &[option]).err, "");
        let ran = eval("plain", &[option]);
        assert!(ran.err.ends_with(&format!(" % when they are {how}: try without {option}\n")), "{ran:#?}");
        assert!(train(data, &[]).err.ends_with(&warning));
        train("plain", &[]).succeeded();
    }
    // What has learned nothing is said to be chance, and why.
    let chance = |data: &str, options: &[&str], words: &[&str]| {
        let common = ["train", "--hidden", "64", "--quiet", "--model", "m.twolayer", "--data", data];
        let ran = sandbox.run(&[&common[..], options].concat());
        for word in
            [&[" is no better than chance: always answering the most frequent class is right for "], words].concat()
        {
            assert!(ran.err.starts_with("warning: ") && ran.err.contains(word), "no {word}: {ran:#?}");
        }
        assert_eq!((ran.code, ran.err.lines().count()), (Some(0), 1), "{ran:#?}");
        let ran = eval(data, options.first().filter(|it| **it == "--invert").map_or(&[], core::slice::from_ref));
        assert!(ran.err.contains(" is no better than chance: "), "{ran:#?}");
    };
    let fast = "The article's recipe is made for images like MNIST's, and many of them: try --recipe fast";
    chance("plain", &["--invert", "--alpha", "1e-12"], &["Most pixels are light", "train without --invert", fast]);
    write("all-dark", &Pictures::digits(0..2000).inverted(), &test.inverted());
    chance("all-dark", &["--alpha", "1e-12"], &["Most pixels are light", "train with --invert", fast]);
    chance("plain", &["--alpha", "1e-12"], &[fast]);
    chance("plain", &["--recipe", "fast", "--alpha", "1e-12"], &["Are the labels those of the images"]);
    train("plain", &[]).succeeded();
    // `--index` looks at the same image.
    let seen = |data: &str, options: &[&str]| {
        sandbox
            .run(&[&["predict", "--model", "m.twolayer", "--index", "7", "--json", "--data", data], options].concat())
            .succeeded()
    };
    assert_eq!(seen("turned", &["--transpose"]), seen("plain", &[]));
    assert_ne!(seen("turned", &[]), seen("plain", &[]));
}

/// Sources with one thing wrong, each by one command: exit code 1, its place in the error, and nothing written.
struct Mangled {
    sandbox: Sandbox,
    work: PathBuf,
    train: Pictures,
    test: Pictures,
}

impl Mangled {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let work = sandbox.work();
        Self { sandbox, work, train: Pictures::digits(0..40), test: Pictures::digits(40..60) }
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        fs::create_dir_all(self.work.join(path).parent().unwrap()).unwrap();
        fs::write(self.work.join(path), bytes).unwrap();
    }

    #[track_caller]
    fn check(&self, arguments: &[&str], words: &[&str]) {
        let before = self.sandbox.listing();
        self.sandbox.run(&[&["train", "--hidden", "16"], arguments].concat()).failed(words);
        assert_eq!(self.sandbox.listing(), before, "{arguments:?}");
    }
}

#[test]
fn mangled_csv() {
    let all = Mangled::new();
    let Mangled { train, test, work, .. } = &all;
    let text = train.csv(true, true);
    let line = |number: usize| text.lines().nth(number - 1).unwrap().to_owned();
    let with = |number: usize, new: &str| text.replace(&line(number), new);
    for (bytes, words) in [
        (with(7, &format!("{},0", line(7))), ["x.csv, line 7: 786 columns, but 785 in the first line", ""]),
        (with(7, line(7).rsplit_once(',').unwrap().0), ["x.csv, line 7: 784 columns", ""]),
        (with(9, &line(9).replacen(",0", ",256", 1)), ["x.csv, line 9: column 2 is \"256\"", "0 to 255"]),
        (with(9, &line(9).replacen(",0", ",1.5", 1)), ["x.csv, line 9: column 2 is \"1.5\"", ""]),
        (with(9, &line(9).replacen(",0", ",x", 1)), ["x.csv, line 9: column 2 is \"x\"", ""]),
        (with(9, ""), ["x.csv, line 9: an empty line", ""]),
        ("label,1,2\n".into(), ["x.csv has no images", ""]),
        ("1,2,3\n1,2,3\n".into(), ["x.csv: 3 columns; expected a label and the pixels of a square", ""]),
        (
            "1,5,6,7,8\n1,5,6,7,8\n".into(),
            ["x.csv: it is not clear whether the first or the last column", "--label-column"],
        ),
        ("1\t2\t3\n".into(), ["x.csv, line 1: one column", "commas"]),
        (
            "a,b,label,c,d\n0,5,6,7,8\n1,5,6,7,8\n".into(),
            ["x.csv: the column label is neither the first nor the last", "move it there"],
        ),
    ] {
        all.put("x.csv", bytes.as_bytes());
        all.check(&["--data", "x.csv", "--hold-out", "20%"], &words);
    }
    fs::remove_file(work.join("x.csv")).unwrap();
    all.put("c/train.csv", text.as_bytes());
    all.put("c/test.csv", test.csv(true, true).replacen("\n5,", "\n11,", 1).as_bytes());
    let line = test.labels.iter().position(|&label| label == 5).unwrap() + 2;
    all.check(&["--data", "c"], &[&format!("c/test.csv, line {line}: label 11; the training labels are 0 to 9")]);
    all.put("c/test.csv", b"label,a,b,c,d\n1,2,3,4,5\n1,2,3,4,5\n");
    all.check(&["--data", "c"], &["c/test.csv has images of 4 pixels; expected 784, to match the training set"]);
    all.put("zeros.csv.gz", &gzip("0,".repeat(4 << 20).as_bytes()));
    all.check(&["--data", "zeros.csv.gz", "--hold-out", "9"], &["zeros.csv.gz, line 1: longer than"]);
    all.put("bomb.csv.gz", &gzip("0,0,0,0,0\n".repeat(4 << 20).as_bytes()));
    all.check(
        &["--data", "bomb.csv.gz", "--hold-out", "9"],
        &["bomb.csv.gz: the archive expands to more than 200 times"],
    );
    all.put("cut.csv.gz", &gzip(text.as_bytes())[..300]);
    all.check(&["--data", "cut.csv.gz", "--hold-out", "9"], &["cannot decompress cut.csv.gz"]);
}

#[test]
fn mangled_class_folders() {
    let all = Mangled::new();
    let Mangled { train, test, work, .. } = &all;
    let fresh = || {
        let _ = fs::remove_dir_all(work.join("f"));
        train.folders(&work.join("f/train"), |label| label.to_string());
        test.folders(&work.join("f/test"), |label| label.to_string());
    };
    let folders = ["--data", "f", "--as-is"];
    let small = Pictures { side: 20, images: vec![vec![9; 400]], labels: vec![4] };
    for (change, words) in [
        (
            &(|| all.put("f/train/3/notes.txt", b"hello")) as &dyn Fn(),
            &["f/train/3/notes.txt: this is no PNG", "move it out"][..],
        ),
        (&|| all.put("f/train/notes.txt", b"hello"), &["f/train: notes.txt is in no class folder"]),
        #[cfg(unix)]
        (
            &|| std::os::unix::fs::symlink("nowhere", work.join("f/train/3/a.png")).unwrap(),
            &["f/train/3/a.png: this is no file, but a broken link"],
        ),
        (&|| fs::create_dir(work.join("f/train/3/more")).unwrap(), &["f/train: 3 has a folder more in it"]),
        (
            &|| small.folders(&work.join("f/test"), |_| "4".into()),
            &["4/0.png has 20 × 20 pixels, but most pictures have 28 × 28"],
        ),
        (
            &|| fs::rename(work.join("f/test/7"), work.join("f/test/17")).unwrap(),
            &["f/test: the folder 17 is none of the 10 classes"],
        ),
        (&|| fs::create_dir(work.join("f/train/11")).unwrap(), &["f/train: the folder 11 has no picture in it"]),
        (
            &|| all.put("f/train/9/0.png", b"\x89PNG\r\n"),
            &["1 of 40 pictures cannot be used: f/train/9/0.png: the PNG file is damaged or truncated"],
        ),
        (&|| all.put("f/train/03/0.png", b"\x89PNG\r\n"), &["the folders 03 and 3 are both class 3"]),
        (
            &|| fs::rename(work.join("f/train/7"), work.join("f/train/a|b")).unwrap(),
            &["a class cannot be called \"a|b\""],
        ),
    ] {
        fresh();
        change();
        all.check(&folders, words);
    }
    fresh();
    for number in 0..8 {
        twolayer::host::GreyPicture::new("x", vec![0; 784], 28, 28)
            .unwrap()
            .write_png(&work.join(format!("f/train/1/b{number}.png")))
            .unwrap();
    }
    all.check(&["--data", "f"], &["8 of 48 pictures cannot be used: f/train/1/b0.png: ", "; and 3 more", "--as-is"]);
}

#[test]
fn mangled_arrays() {
    let all = Mangled::new();
    let Mangled { train, test, .. } = &all;
    let labels = |of: &Pictures| npy("|u1", &[of.len()], &of.labels);
    let sound = [
        ("x_train.npy", train.array()),
        ("y_train.npy", labels(train)),
        ("x_test.npy", test.array()),
        ("y_test.npy", labels(test)),
    ];
    let images = train.images.concat();
    let float = |pixel: f32| images.iter().flat_map(|_| pixel.to_le_bytes()).collect::<Vec<_>>();
    for (which, array, words) in [
        (0, npy("|O", &[40], b"\x80\x03"), ["array x_train: the shape [40]; expected [images, height, width]", ""]),
        (1, npy("|O", &[40], b"\x80\x03"), ["array y_train: numbers of type |O", "pickle"]),
        (0, npy("|u1", &[40, 16, 16, 3], &images[..40 * 768]), ["array x_train: 3 channels of colour", "grey"]),
        (0, npy("|u1", &[40, 783], &images[40..]), ["array x_train: images of 783 pixels, which is no square", ""]),
        (
            0,
            npy("|u1", &[39, 28, 28], &images[784..]),
            ["array y_train: the shape [40]; expected a label for each of 39", ""],
        ),
        (
            0,
            npy("|u1", &[40, 28, 28], &images[1..]),
            ["array x_train: 31359 bytes of numbers; [40, 28, 28] takes 31360", ""],
        ),
        (0, npy("<f4", &[40, 28, 28], &float(0.3)), ["array x_train: the number at 0 is 0.3", "times 255 an integer"]),
        (0, npy("<f4", &[40, 28, 28], &float(1.5)), ["array x_train: the number at 0 is 1.5; expected an integer", ""]),
        (0, npy("<f4", &[40, 28, 28], &float(f32::NAN)), ["array x_train: the number at 0 is NaN", ""]),
        (0, npy("<c8", &[40, 28, 28], &images), ["array x_train: numbers of type <c8", "uint8"]),
        (
            0,
            npy_in_order("|u1", &[40, 28, 28], &images, "True"),
            ["array x_train: in Fortran's order", "ascontiguousarray"],
        ),
        (0, npy("|u1", &[40, 1 << 40, 1 << 40], &images), ["array x_train: images of", "too large"]),
        (
            1,
            npy("|u1", &[40, 10], &[0; 400]),
            ["array y_train: the shape [40, 10]; expected a label for each of 40 images", "argmax"],
        ),
        (
            1,
            npy("<i4", &[40], &[255; 160]),
            ["array y_train: the number at 0 is -1; expected an integer from 0 to 255", ""],
        ),
        (3, npy("|u1", &[20], &[11; 20]), ["has label 11 for image 0; the training labels are 0 to 9", ""]),
    ] {
        let mut files = sound.clone();
        files[which].1 = array;
        all.put("x.npz", &zip(&files, true));
        all.check(&["--data", "x.npz"], &words);
    }
    let zeros = npy("|u1", &[50_000, 28, 28], &vec![0; 50_000 * 784]);
    let few = npy("|u1", &[50_000], &vec![0; 50_000]);
    all.put("x.npz", &zip(&[("x_train.npy", zeros), ("y_train.npy", few)], true));
    let words = [
        "array x_train: 39200128 bytes out of ",
        "which may stand for at most 16777216: save the array without compression",
    ];
    all.check(&["--data", "x.npz", "--hold-out", "9"], &words);
    for (bytes, words) in [
        (zip(&[("a.npy", train.array())], true), ["x.npz: its arrays are a [40, 28, 28]; expected x_train", ""]),
        (zip(&[("a.txt", b"x".to_vec())], true), ["x.npz: ", "a.txt in the ZIP archive is not a .npy array"]),
        (zip(&sound, true)[..5000].to_vec(), ["x.npz: damaged or incomplete: ZIP archive", ""]),
        (b"PK but not really".to_vec(), ["x.npz: this is no format that is known, by its first bytes 50 4b", ""]),
        (b"no".to_vec(), ["x.npz: not an .npz file", ""]),
    ] {
        all.put("x.npz", &bytes);
        all.check(&["--data", "x.npz"], &words);
    }
}
