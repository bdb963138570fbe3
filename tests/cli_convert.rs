//! `twolayer import` and `twolayer export`, with valid and invalid use: output, exit code and files.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use run::{FILES, Sandbox, images, labels};
use std::fs;
use twolayer::host::{FileAccess, ModelFile};

/// A safetensors file of f32 tensors: names, sizes, numbers.
fn safetensors(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for (name, shape, numbers) in tensors {
        let start = data.len();
        data.extend(numbers.iter().flat_map(|it| it.to_le_bytes()));
        entries
            .push(format!(r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{start},{}]}}"#, data.len()));
    }
    let json = format!("{{{}}}", entries.join(","));
    [&u64::try_from(json.len()).unwrap().to_le_bytes(), json.as_bytes(), &data].concat()
}

/// 3 → 2 → 1 with biases, in PyTorch's layout.
fn small() -> Vec<u8> {
    safetensors(&[
        ("fc1.weight", &[2, 3], &[1.0, 2.0, 3.0, -4.0, -5.0, -6.0]),
        ("fc1.bias", &[2], &[0.5, 0.25]),
        ("fc2.weight", &[1, 2], &[7.0, 8.0]),
        ("fc2.bias", &[1], &[-9.0]),
    ])
}

/// The word after another one.
fn word_after<'a>(text: &'a str, before: &str) -> &'a str {
    text.split(before).nth(1).unwrap().split_whitespace().next().unwrap()
}

#[test]
fn a_quantised_network_is_exported_as_c() {
    let sandbox = Sandbox::trained();
    sandbox.run(&["quantize", "--model", "m.twolayer", "--data", "data", "--bits", "4"]).succeeded();
    let read = |name: &str| fs::read_to_string(sandbox.work().join(name)).unwrap();
    let out = sandbox.run(&["export", "--format", "c99"]).succeeded();
    assert!(
        out.starts_with("model     m.int4.twolayer: 64 → 70 → 3, int4\nwritten   m.int4.c and its header"),
        "{out}"
    );
    assert!(read("m.int4.h").contains("m_int4_classify(") && read("m.int4.c").contains("#include \"m.int4.h\""));
    fs::remove_file(sandbox.work().join("m.int4.c")).unwrap();
    sandbox.run(&["export", "--format", "c99"]).failed(&["m.int4.h exists, ", "--out"]);
    sandbox.run(&["export", "--out", "digits.c", "--name", "Net"]).succeeded();
    assert!(read("digits.h").contains("#define NET_PIXELS 64\n") && read("digits.c").contains("Net_classify("));

    // Nothing is written when one of the two files cannot be.
    fs::create_dir(sandbox.work().join("both.c")).unwrap();
    sandbox.run(&["export", "--out", "both.c"]).failed(&["both.c"]);
    assert!(!sandbox.work().join("both.h").exists());

    let out = sandbox.run(&["export", "--layout", "arduino"]).succeeded();
    assert!(out.contains("written   m.int4.arduino for arduino: names begin with m_int4_"), "{out}");
    assert!(read("m.int4.arduino/library.properties").contains("name=m_int4\n"));
    sandbox.run(&["export", "--layout", "arduino"]).failed(&["m.int4.arduino", "already exists"]);
    sandbox.run(&["export", "--layout", "zephyr", "--out", "a/digits"]).succeeded();
    assert!(read("a/digits/zephyr/module.yml").contains("name: \"digits\"\n"));
    sandbox.run(&["export", "--layout", "zephyr", "--format", "npz"]).failed(&["--layout", "--format c99"]);
}

#[test]
fn an_exported_network_is_imported_to_the_bit() {
    let sandbox = Sandbox::trained();
    let read = |name: &str| fs::read(sandbox.work().join(name)).unwrap();
    let hash = word_after(&sandbox.run(&["info", "--model", "m.twolayer"]).succeeded(), "weights   ").to_owned();
    let accuracy = sandbox.run(&["eval", "--data", "data", "--model", "m.twolayer"]).succeeded();
    let accuracy = accuracy.lines().last().unwrap();
    for format in ["safetensors", "npz"] {
        let file = format!("m.{format}");
        let out = sandbox.run(&["export", "--model", "m.twolayer", "--format", format]).succeeded();
        assert!(out.starts_with(&format!("model     m.twolayer: 64 → 70 → 3, weights {hash}\n")), "{out}");
        let bytes = read(&file);
        let tensors = match format {
            "npz" => "w1 [64, 70], w2 [70, 3]",
            _ => "fc1.weight [70, 64], fc2.weight [3, 70]",
        };
        assert!(out.ends_with(&format!("written   {file}: {tensors}\n")), "{out}");
        // Without --out, no file is replaced: it may be what the model was imported from.
        let again = ["export", "--model", "m.twolayer", "--format", format];
        sandbox.run(&again).failed(&[&format!("{file} exists, "), "--out"]);
        sandbox.run(&[&again[..], &["--out", &file, "--force"]].concat()).succeeded();
        assert!(read(&file) == bytes);
        let copy = format!("copy.{format}");
        sandbox.run(&["export", "--out", &copy]).succeeded();
        assert!(read(&copy) == bytes, "the same weights give the same bytes");

        let out = sandbox.run(&["import", &copy, "--data", "data"]).succeeded();
        let tensors = match format {
            "npz" => "tensors   w1 [64, 70] <f4, w2 [70, 3] <f4\nlayout    [in, out], as in NumPy and Keras\n",
            _ => "tensors   fc1.weight [70, 64] F32, fc2.weight [3, 70] F32\nlayout    [out, in], as in PyTorch\n",
        };
        assert!(out.starts_with(tensors), "{out}");
        assert!(out.contains("network   64 → 70 → 3\ninput     x\nW1        "), "{out}");
        assert_eq!(word_after(&out, "copy.twolayer, weights "), hash);
        assert_eq!(out.lines().last(), Some(accuracy));
        let info = sandbox.run(&["info", "--model", "copy.twolayer"]).succeeded();
        assert_eq!(word_after(&info, "weights   "), hash);
        fs::remove_file(sandbox.work().join("copy.twolayer")).unwrap();
    }
}

#[test]
fn import_describes_what_it_found() {
    let sandbox = Sandbox::new().replacing();
    fs::write(sandbox.work().join("net.safetensors"), small()).unwrap();
    let fold = ["--input-scale", "2", "--input-mean", "0.5", "--input-std", "4"];
    let out = sandbox.run(&[&["import", "net.safetensors"], &fold[..]].concat()).succeeded();
    // W1 / 8, and b1 less an eighth of the sums 6 and -15.
    let expected = "tensors   fc1.weight [2, 3] F32, fc1.bias [2] F32, fc2.weight [1, 2] F32, fc2.bias [1] F32\n\
        layout    [out, in], as in PyTorch\n\
        network   3 → 2 → 1 with biases\n\
        input     (x / 2 - 0.5) / 4, folded into W1 and b1\n\
        W1        -0.75 to 0.375\n\
        b1        -0.25 to 2.125\n\
        W2        7 to 8\n\
        b2        -9\n\
        model     net.twolayer, weights ";
    assert!(out.starts_with(expected), "{out}");
    let hash = word_after(&out, "weights ");
    let info = sandbox.run(&["info"]).succeeded();
    assert!(info.contains(hash) && info.contains("3 → 2 → 1"), "{info}");
    let file = ModelFile::open(&sandbox.work().join("net.twolayer"), FileAccess::Read).unwrap();
    let origin = "imported from net.safetensors: fc1.weight, fc1.bias, fc2.weight, fc2.bias; input (x / 2 - 0.5) / 4";
    assert_eq!(file.details().text, origin);

    // Tensors by name, the others unused; an existing model is replaced.
    let names = ["--w1", "fc1.weight", "--w2", "fc2.weight"];
    let out = sandbox.run(&[&["import", "net.safetensors"], &names[..]].concat()).succeeded();
    assert!(
        out.starts_with(
            "tensors   fc1.weight [2, 3] F32, fc2.weight [1, 2] F32\nnot used  fc1.bias [2], fc2.bias [1]\n"
        ),
        "{out}"
    );
    let info = sandbox.run(&["info"]).succeeded();
    assert!(info.contains(word_after(&out, "net.twolayer, weights ")), "{info}");
}

/// W1 and W2 in a file each.
#[test]
fn two_npy_files_make_a_network() {
    let sandbox = Sandbox::new();
    let npy = |shape: &str, numbers: &[f32]| {
        let header = format!("{:<117}\n", format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"));
        let numbers: Vec<_> = numbers.iter().flat_map(|it| it.to_le_bytes()).collect();
        [b"\x93NUMPY\x01\x00\x76\x00", header.as_bytes(), &numbers].concat()
    };
    fs::write(sandbox.work().join("w1.npy"), npy("(3, 2)", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])).unwrap();
    fs::write(sandbox.work().join("w2.npy"), npy("(2, 1)", &[7.0, 8.0])).unwrap();
    let out = sandbox.run(&["import", "w1.npy", "w2.npy", "--out", "net.twolayer"]).succeeded();
    assert!(
        out.starts_with("tensors   w1.npy [3, 2] <f4, w2.npy [2, 1] <f4\nlayout    [in, out], as in NumPy and Keras\n"),
        "{out}"
    );
    let named = ["import", "w2.npy", "w1.npy", "--w1", "w1.npy", "--w2", "w2.npy", "--out", "again.twolayer"];
    sandbox.run(&named).succeeded();
    let open = |name: &str| ModelFile::open(&sandbox.work().join(name), FileAccess::Read).unwrap();
    let (one, other) = (open("net.twolayer"), open("again.twolayer"));
    assert_eq!(one.weights().unwrap().view(), other.weights().unwrap().view());
    assert_eq!(one.details().text, "imported from w1.npy, w2.npy; input x");
    sandbox.run(&["import", "w1.npy"]).failed(&["no two-layer network fits these tensors: w1.npy [3, 2]", "--w1"]);
}

/// The second pixel is bright in images of class 1 and dark in others. A network compares it with a half of 255.
#[test]
fn a_network_that_answers_by_chance_is_doubted_with_the_reason() {
    let sandbox = Sandbox::new().replacing();
    let directory = sandbox.work().join("data");
    fs::create_dir(&directory).unwrap();
    let image = |index: usize| vec![0, if index % 2 == 1 { 200 } else { 60 }, 60, 0];
    for (name, bytes) in
        [(FILES[2], images(40, 2, image)), (FILES[3], labels(40, |index| u8::try_from(index % 2).unwrap()))]
    {
        fs::write(directory.join(name), bytes).unwrap();
    }
    // One hidden unit at a pixel; class 1 if it is active, and class 0 otherwise, unless there is a larger bias.
    let import = |pixel: usize, weight: f32, bias: f32, of_class_0: f32, options: &[&str]| {
        let mut w1 = [0.0; 4];
        w1[pixel] = weight;
        let net = safetensors(&[
            ("fc1.weight", &[1, 4], &w1),
            ("fc1.bias", &[1], &[bias]),
            ("fc2.weight", &[2, 1], &[0.0, 10.0]),
            ("fc2.bias", &[2], &[of_class_0, 0.0]),
        ]);
        fs::write(sandbox.work().join("net.safetensors"), net).unwrap();
        let run = sandbox.run(&[&["import", "net.safetensors", "--data", "data"], options].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        (run.out.lines().last().unwrap().to_owned(), run.err)
    };
    let scaled = ["--input-scale", "255"];
    let (accuracy, doubt) = import(1, 1.0, -0.5, 0.1, &scaled);
    assert_eq!((accuracy.as_str(), doubt.as_str()), ("accuracy  100.00 % of 40 test images", ""));
    let far = "is below what this network reaches: 100.00 % with --input-scale 255";
    let (accuracy, doubt) = import(1, 1.0, -0.5, 0.1, &[]);
    assert_eq!(accuracy, "accuracy  50.00 % of 40 test images");
    assert_eq!(doubt, format!("warning: 50.00 % {far}\n"));
    let (_, doubt) = import(2, 1.0, -0.5, 0.1, &scaled);
    let transposed = ", and with the images transposed: W1 expects their columns one after the other\n";
    assert_eq!(doubt, format!("warning: 50.00 % {far}{transposed}"));
    let (_, doubt) = import(1, -1.0, 0.5, 0.1, &scaled);
    assert_eq!(doubt, format!("warning: 0.00 % {far}, and with `eval --invert`: W1 expects dark ink on light\n"));
    let (_, doubt) = import(1, 1.0, -0.5, 1e9, &scaled);
    let words =
        ["warning: 50.00 % is far below what such a network reaches, 55 % or more", "another activation than ReLU"];
    assert!(words.iter().all(|it| doubt.contains(it)), "{doubt}");
}

#[test]
fn errors_name_the_file_and_the_remedy_and_leave_no_files() {
    let sandbox = Sandbox::trained();
    sandbox.run(&["quantize", "--data", "data", "--model", "m.twolayer", "--out", "q.twolayer"]).succeeded();
    let write = |name: &str, bytes: &[u8]| fs::write(sandbox.work().join(name), bytes).unwrap();
    write("net.safetensors", &small());
    write("net.pt", b"\x80\x02\x8a\x0a");
    write("net.bin", b"GGUF and more");
    write("cut.safetensors", &small()[..300]);
    write("square.safetensors", &safetensors(&[("a", &[1, 1], &[1.0]), ("b", &[1, 1], &[2.0])]));
    write(
        "nan.safetensors",
        &safetensors(&[("a1", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, f32::NAN]), ("a2", &[1, 2], &[2.0, 1.0])]),
    );
    let (zeros, more_zeros) = ([0.0; 4], [0.0; 20]);
    let three: [(_, &[usize]); 3] = [("a1", &[4, 5]), ("a2", &[3, 4]), ("a3", &[2, 3])];
    let three = three.map(|(name, shape)| (name, shape, &more_zeros[..shape.iter().product()]));
    write("three.safetensors", &safetensors(&three));
    write("many.safetensors", &safetensors(&["a", "b", "c", "d", "e"].map(|name| (name, &[2, 2][..], &zeros[..]))));
    let before = sandbox.listing();
    let failed = |arguments: &[&str], words: &[&str]| {
        sandbox.run(arguments).failed(words);
        assert_eq!(sandbox.listing(), before);
    };
    failed(&["import", "none.npz"], &["cannot open none.npz"]);
    failed(&["import", "net.pt"], &["net.pt: this is a pickle", "\n    safetensors.torch.save_file("]);
    failed(&["import", "net.bin"], &["net.bin: this is a GGUF file", "\n    numpy.savez("]);
    failed(&["import", "three.safetensors"], &["three layers, 5 → 4 → 3 → 2", "train one here: twolayer train"]);
    failed(
        &["import", "three.safetensors", "--w1", "a1", "--w2", "a2"],
        &["a part of a network of three layers or more: a3 [2, 3] takes what a2 gives"],
    );
    failed(&["import", "m.twolayer"], &["m.twolayer: this is a twolayer model already"]);
    failed(&["import", "cut.safetensors"], &["cut.safetensors: damaged or incomplete"]);
    failed(
        &["import", "square.safetensors"],
        &["square.safetensors: these tensors can be read in 4 ways", "--layout", "--w1"],
    );
    failed(&["import", "many.safetensors"], &["a [2, 2], b [2, 2], c [2, 2]", "--w1 and --w2"]);
    failed(&["import", "nan.safetensors"], &["tensor a1: the number at [1, 2] is NaN", "no model was written"]);
    failed(&["import", "net.safetensors", "--w1", "w"], &["no tensor has the name w; there are fc1.weight [2, 3]"]);
    failed(&["import", "net.safetensors", "--out", "./net.safetensors"], &["net.safetensors is already used", "--out"]);
    failed(&["import", "net.safetensors", "--out", "nowhere/m"], &["nowhere/m"]);
    failed(&["import", "net.safetensors", "--data", "data"], &["64", "3"]);
    failed(&["export", "--model", "q.twolayer"], &["q.twolayer has int8 weights", "f32", "--model"]);
    failed(&["export", "--model", "m.twolayer", "--out", "m.twolayer"], &["m.twolayer", "--format"]);
    failed(&["export", "--model", "m.twolayer", "--format", "npz", "--out", "m.twolayer"], &["is already used"]);
    failed(&["export", "--model", "m.twolayer", "--out", "m.onnx"], &["m.onnx", "*.safetensors", "--format"]);
    failed(&["export", "--model", "m.twolayer", "--out", "nowhere/m.npz"], &["nowhere/m.npz"]);
    failed(&["export", "--model", "none.twolayer"], &["none.twolayer"]);
    failed(
        &["export", "--model", "m.twolayer", "--out", "m.c"],
        &["m.twolayer has f32 weights", "quantize", "--model"],
    );
    failed(&["export", "--model", "q.twolayer", "--out", "7.c"], &["cannot begin with \"7\"", "--name"]);
    let header = ["export", "--model", "q.twolayer", "--out", "q.h", "--format", "c99"];
    failed(&header, &["q.h cannot be the name of a C file", "other than .h", "--out"]);
    failed(&["export", "--model", "q.twolayer", "--out", "nowhere/q.c"], &["nowhere/q"]);
    failed(&["export", "--model", "m.twolayer", "--name", "q"], &["--name", "--format c99"]);
    for bad in [
        &["import"][..],
        &["import", "net.safetensors", "--input-scale", "0"],
        &["import", "net.safetensors", "--input-scale", "inf"],
        &["import", "net.safetensors", "--input-mean", "nan"],
        &["import", "net.safetensors", "--input-std", "-1"],
        &["import", "net.safetensors", "--layout", "pytorch"],
        &["export", "--format", "onnx"],
    ] {
        sandbox.run(bad).rejected(&[bad.get(2).map_or("FILE", |option| if bad.len() > 3 { option } else { "onnx" })]);
    }
    sandbox.run(&["export", "--layout", "mbed"]).rejected(&["arduino", "platformio", "zephyr", "esp-idf"]);
    // A negative mean is a number, not an option.
    sandbox.run(&["import", "net.safetensors", "--input-mean", "-0.5"]).succeeded();
}
