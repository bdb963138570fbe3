//! The table of confidence: what makes one, what keeps it, and what shows it.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of JSON")]

mod run;

use run::Sandbox;
use serde_json::Value;
use std::fs;
use twolayer::Answer;
use twolayer::host::{FileAccess, ModelFile};

/// A sandbox with 2,000 digits to train on, 1,000 to test with, and a network of the recipe `fast` in `m.twolayer`.
fn trained() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.run(&["data", "digits", "--out", "data", "--train", "2000", "--test", "1000"]).succeeded();
    let train = ["train", "--data", "data", "--recipe", "fast", "--hidden", "40", "--epochs", "2", "--quiet"];
    sandbox.run(&[&train[..], &["--model", "m.twolayer"]].concat()).succeeded();
    sandbox
}

fn file(sandbox: &Sandbox, name: &str) -> ModelFile {
    ModelFile::open(&sandbox.work().join(name), FileAccess::Read).unwrap()
}

fn json(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
    sandbox.run(arguments).succeeded().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn training_and_quantising_make_tables_that_predict_and_eval_show() {
    let sandbox = trained();
    sandbox.run(&["quantize", "--data", "data", "--model", "m.twolayer"]).succeeded();
    for (model, unit) in [("m.twolayer", 65_536.0), ("m.int8.twolayer", 1.0)] {
        let file = file(&sandbox, model);
        let text = file.details().text;
        assert_eq!(
            [text.matches("\nconfidence: 0 ").count(), text.matches("\ncalibrated: ").count()],
            [1, 1],
            "{text}"
        );
        let info = sandbox.run(&["info", model]).succeeded();
        let eval = sandbox.run(&["eval", "--data", "data", model]).succeeded();
        let accuracy = eval.lines().find_map(|line| line.strip_prefix("accuracy  ")).unwrap();
        let right = accuracy.split_inclusive('%').next().unwrap();
        let made_of = format!("on every second of 1000 test images, of which {right} are right");
        assert!(text.ends_with(&format!("\ncalibrated: {made_of}")), "{text}");
        assert!(info.contains(&format!("\n          {made_of}\n")), "{info}");
        let table = file.details().confidence().unwrap();

        let indices: Vec<String> = (0..300).map(|index| index.to_string()).collect();
        let index = indices.join(",");
        let predict = ["predict", "--data", "data", "--model", model, "--index", &index];
        let lines = json(&sandbox, &[&predict[..], &["--json"]].concat());
        let mut below = 0;
        for line in &lines {
            let margin = line["margin"].as_f64().unwrap();
            let expected = if unit > 1.0 {
                Answer { class: 0, margin: margin as f32 }.confidence(&table)
            } else {
                Answer { class: 0, margin: margin as u32 }.confidence(&table)
            };
            assert_eq!(line["confidence"], expected, "{line}");
            below += usize::from(expected < 90);
        }
        assert!((1..300).contains(&below), "{below}");
        let out = sandbox.run(&[&predict[..], &["--min-confidence", "90"]].concat()).succeeded();
        assert_eq!(out.matches(" % is below --min-confidence; best guess ").count(), below);
        assert_eq!(out.matches("\nimage ").count(), 300);

        let eval = json(&sandbox, &["eval", "--data", "data", "--model", model, "--json"]);
        let given = eval[0]["confidence"].as_array().unwrap();
        assert_eq!(given.iter().map(|given| given["answers"].as_u64().unwrap()).sum::<u64>(), 500);
        let sum = |key: &str| given.iter().map(|given| given[key].as_u64().unwrap()).sum::<u64>();
        assert!(sum("right") <= sum("answers"));
        let out = sandbox.run(&["eval", "--data", "data", "--model", model]).succeeded();
        assert!(out.contains("\nconfidence     answers   given, mean    right   of every second"), "{out}");

        let info = json(&sandbox, &["info", "--model", model, "--json"]);
        let steps: Vec<_> = table.steps().collect();
        let found: Vec<_> = info[0]["confidence"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| ((step["margin"].as_f64().unwrap() * unit) as u32, step["percent"].as_u64().unwrap() as u8))
            .collect();
        assert_eq!(found, steps);
        let info = sandbox.run(&["info", "--model", model]).succeeded();
        assert!(info.contains("\nconfidence  ") && !info.contains("confidence: "), "{info}");
    }
    sandbox.run(&["verify", "m.twolayer", "--data", "data"]).succeeded();
}

#[test]
fn the_article_has_none_until_it_is_asked_for() {
    let sandbox = trained();
    let train = ["train", "--data", "data", "--hidden", "40", "--epochs", "2", "--quiet", "--model", "a.twolayer"];
    sandbox.run(&train).succeeded();
    sandbox.run(&["quantize", "--data", "data", "--model", "a.twolayer"]).succeeded();
    for model in ["a.twolayer", "a.int8.twolayer"] {
        let before = fs::read(sandbox.work().join(model)).unwrap();
        assert_eq!(before[8], 1, "a file of version 1");
        let predict = ["predict", "--data", "data", "--model", model, "--index", "0"];
        assert_eq!(json(&sandbox, &[&predict[..], &["--json"]].concat())[0]["confidence"], Value::Null);
        assert!(!sandbox.run(&predict).succeeded().contains("confidence"));
        let refused = sandbox.run(&[&predict[..], &["--min-confidence", "95"]].concat());
        refused.failed(&[model, "no table of confidence", "twolayer calibrate"]);

        let out = sandbox.run(&["calibrate", model, "--data", "data", "--out", "c.twolayer"]).succeeded();
        assert!(out.contains("\nconfidence  ") && out.contains(" of 1000 test images"), "{out}");
        assert!(fs::read(sandbox.work().join(model)).unwrap() == before, "--out leaves the model as it is");
        sandbox.run(&["calibrate", model, "--data", "data"]).succeeded();
        let once = fs::read(sandbox.work().join(model)).unwrap();
        assert!(once == fs::read(sandbox.work().join("c.twolayer")).unwrap());
        assert!(once[64..64 + before.len() - 64] == before[64..], "the weights stay");
        sandbox.run(&["calibrate", model, "--data", "data"]).succeeded();
        assert!(once == fs::read(sandbox.work().join(model)).unwrap(), "the same table again");
        assert!(sandbox.run(&predict).succeeded().contains(", confidence "));
        fs::remove_file(sandbox.work().join("c.twolayer")).unwrap();
    }
}

#[test]
fn what_cannot_be_calibrated_is_said() {
    let sandbox = trained();
    sandbox.run(&["data", "digits", "--out", "few", "--train", "10", "--test", "199"]).succeeded();
    let before = fs::read(sandbox.work().join("m.twolayer")).unwrap();
    let few = sandbox.run(&["calibrate", "m.twolayer", "--data", "few"]);
    few.failed(&["no confidence can be found on 199 test images", "200 or more"]);
    sandbox.run(&["calibrate", "none.twolayer", "--data", "data"]).failed(&["none.twolayer"]);
    assert!(fs::read(sandbox.work().join("m.twolayer")).unwrap() == before);
    // Classes whose names leave no room for it.
    let file = file(&sandbox, "m.twolayer");
    let text = format!(
        "classes: {}\n{}",
        ["a name of a class that is longer than names are"; 10].map(|it| it.repeat(8)).join(" | "),
        "and more".repeat(25)
    );
    let details = twolayer::model::Details { text: &text, ..file.details() };
    ModelFile::write(&sandbox.work().join("long.twolayer"), file.weights().unwrap().view(), details).unwrap();
    let long = sandbox.run(&["calibrate", "long.twolayer", "--data", "data"]);
    long.failed(&["long.twolayer", "leaves no room for the table", "4096"]);
    sandbox.run(&["quantize", "--data", "data", "--model", "long.twolayer"]).succeeded();
    sandbox.run(&["predict", "x.png", "--min-confidence", "100"]).rejected(&["--min-confidence"]);
}
