//! `twolayer eval A B`: two models on the same images, in text, JSON and as a page; and several that answer together.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use run::{Sandbox, SmallSet};
use serde_json::Value;
use std::fs;

/// A sandbox with two networks that make mistakes, each its own, and the first one in eight bits.
fn trained() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet { classes: 10, train: 1000, test: 200, ..SmallSet::TINY });
    for (model, seed) in [("a.twolayer", "1"), ("b.twolayer", "2")] {
        let train = [
            "train", "--data", "data", "--hidden", "16", "--epochs", "1", "--recipe", "fast", "--limit", "250",
            "--seed", seed,
        ];
        sandbox.run(&[&train[..], &["--quiet", "--model", model]].concat()).succeeded();
    }
    sandbox.run(&["quantize", "--data", "data", "--model", "a.twolayer", "--out", "q.twolayer"]).succeeded();
    sandbox
}

fn json(sandbox: &Sandbox, models: &[&str]) -> Value {
    let out = sandbox.run(&[&["eval", "--data", "data", "--json"], models].concat()).succeeded();
    serde_json::from_str(&out).unwrap()
}

/// McNemar's p by Pascal's triangle.
fn p(b: u64, c: u64) -> f64 {
    let (n, k) = (usize::try_from(b + c).unwrap(), usize::try_from(b.min(c)).unwrap());
    let mut row = vec![1.0];
    for _ in 0..n {
        let halves: Vec<f64> = row.iter().map(|it| it / 2.0).collect();
        row = (0..=halves.len())
            .map(|i| halves.get(i).unwrap_or(&0.0) + i.checked_sub(1).map_or(0.0, |it| halves[it]))
            .collect();
    }
    f64::min(1.0, 2.0 * row[..=k].iter().sum::<f64>())
}

#[test]
fn two_models_are_compared() {
    let sandbox = trained();
    let (a, b) = (json(&sandbox, &["a.twolayer"]), json(&sandbox, &["--model", "b.twolayer"]));
    let found = json(&sandbox, &["a.twolayer", "b.twolayer"]);
    assert_eq!(found["event"], "compared");
    for (name, alone) in [("a", &a), ("b", &b)] {
        for key in ["model", "kind", "network", "correct", "total", "accuracy"] {
            assert_eq!(found[name][key], alone[key], "{name} {key}");
        }
    }
    assert_eq!((&found["data"], &found["backend"]), (&a["data"], &a["backend"]));
    let count = |key: &str| found[key].as_u64().unwrap();
    let [both, only_a, only_b, neither] = ["both_right", "only_a", "only_b", "both_wrong"].map(count);
    assert!([both, only_a, only_b, neither].iter().all(|it| *it > 0), "a test of no use: {found}");
    assert_eq!(both + only_a + only_b + neither, 200);
    assert_eq!((both + only_a, both + only_b), (a["correct"].as_u64().unwrap(), b["correct"].as_u64().unwrap()));
    assert!(count("agreed") >= both && count("agreed") <= both + neither);
    let number = |value: &Value| value.as_f64().unwrap();
    assert!((number(&found["p"]) - p(only_a, only_b)).abs() < 1e-12, "{found}");
    let points = 100.0 * (number(&b["accuracy"]) - number(&a["accuracy"]));
    assert!((number(&found["points"]) - points).abs() < 1e-12);
    // The keys are in the help.
    let help = sandbox.run(&["eval", "--help"]).succeeded();
    let (_, of_two) = help.split_once("Of two models:").unwrap();
    let words: Vec<_> = of_two.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    assert!(found.as_object().unwrap().keys().all(|key| words.contains(&key.as_str())), "{of_two}");

    // In text.
    let out = sandbox.run(&["eval", "--data", "data", "a.twolayer", "b.twolayer"]).succeeded();
    assert!(
        out.starts_with("model A   a.twolayer: 64 → 16 → 10\nmodel B   b.twolayer: 64 → 16 → 10\ndata      200 test"),
        "{out}"
    );
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = out.lines().map(squeezed).collect();
    for line in [
        "B right B wrong".to_owned(),
        format!("A right {both} {only_a}"),
        format!("A wrong {only_b} {neither}"),
        format!(
            "accuracy {:.2} % of A, {:.2} % of B: {points:+.2} points",
            100.0 * number(&a["accuracy"]),
            100.0 * number(&b["accuracy"])
        ),
    ] {
        assert!(lines.contains(&line), "{line}: {out}");
    }
    let rare = p(only_a, only_b);
    let rare = if rare < 1e-4 { format!("{rare:.1e}") } else { format!("{rare:.4}") };
    assert!(
        out.contains(&format!("\nMcNemar   p = {rare}, two-sided and exact, of {} images", only_a + only_b)),
        "{out}"
    );
    // The other way round.
    let turned = json(&sandbox, &["b.twolayer", "a.twolayer"]);
    assert_eq!((&turned["only_a"], &turned["p"]), (&found["only_b"], &found["p"]));
}

#[test]
fn models_of_any_kind_and_equal_ones() {
    let sandbox = trained();
    let found = json(&sandbox, &["a.twolayer", "q.twolayer"]);
    assert_eq!((&found["a"]["kind"], &found["b"]["kind"]), (&"f32".into(), &"int8".into()));
    let quantized = json(&sandbox, &["q.twolayer"]);
    assert_eq!(found["b"]["correct"], quantized["correct"]);
    for model in ["a.twolayer", "q.twolayer"] {
        let found = json(&sandbox, &[model, model]);
        assert_eq!((&found["only_a"], &found["only_b"], &found["agreed"]), (&0.into(), &0.into(), &200.into()));
        assert_eq!((&found["p"], &found["points"]), (&1.0.into(), &0.0.into()));
    }
    let out = sandbox.run(&["eval", "--data", "data", "a.twolayer", "q.twolayer"]).succeeded();
    assert!(out.contains("model B   q.twolayer: 64 → 16 → 10, int8\n"), "{out}");
}

#[test]
fn the_page_shows_where_they_differ() {
    let sandbox = trained();
    let found = json(&sandbox, &["a.twolayer", "b.twolayer", "--report", "r.html"]);
    let page = fs::read_to_string(sandbox.work().join("r.html")).unwrap();
    let [both, only_a, only_b, neither] = ["both_right", "only_a", "only_b", "both_wrong"].map(|key| &found[key]);
    for cells in [
        format!("A right</th><td>{both}</td><td>{only_a}</td>"),
        format!("A wrong</th><td>{only_b}</td><td>{neither}</td>"),
        format!("<strong>A {:.2} %, B ", 100.0 * found["a"]["accuracy"].as_f64().unwrap()),
        format!("p = {:.2e}.", found["p"].as_f64().unwrap()),
        "<code>twolayer eval --data data --json a.twolayer b.twolayer --report r.html</code>".into(),
        "<dt>B</dt><dd>b.twolayer, 64 → 16 → 10, f32</dd>".into(),
    ] {
        assert!(page.contains(&cells), "{cells}: {page:.2000}");
    }
    // A picture for each image that only one gets right, 30 at most: the label, and another class.
    let (first, second) = page.split_once("Only B is right").unwrap();
    for (part, count) in [(first.split_once("Only A is right").unwrap().1, only_a), (second, only_b)] {
        let headings: Vec<_> =
            part.split("<figcaption><b>").skip(1).map(|it| it.split_once("</b>").unwrap().0).collect();
        assert_eq!(headings.len() as u64, count.as_u64().unwrap().min(30));
        assert!(
            headings.iter().all(|it| it.split_once(" → ").is_some_and(|(label, class)| label != class)),
            "{headings:?}"
        );
    }
    // Equal models differ nowhere.
    json(&sandbox, &["a.twolayer", "a.twolayer", "--report", "r.html", "--force"]);
    let page = fs::read_to_string(sandbox.work().join("r.html")).unwrap();
    assert!(page.contains("No image is classified correctly by A only.") && !page.contains("<img "));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let sandbox = trained();
    sandbox.data("small", &SmallSet { side: 4, ..SmallSet::TINY });
    let train = ["train", "--data", "small", "--hidden", "4", "--epochs", "1", "--quiet", "--model", "s.twolayer"];
    sandbox.run(&train).succeeded();
    let before = sandbox.listing();
    let eval = |arguments: &[&str]| sandbox.run(&[&["eval", "--data", "data"], arguments].concat());
    eval(&["a.twolayer", "s.twolayer"])
        .failed(&["a.twolayer takes images of 64 pixels, and s.twolayer of 16", "no images to compare them on"]);
    eval(&["a.twolayer", "none.twolayer"]).failed(&["cannot open none.twolayer"]);
    eval(&["a.twolayer", "b.twolayer", "--report", "b.twolayer"]).failed(&["b.twolayer is already used", "--report"]);
    eval(&["a.twolayer", "b.twolayer", "q.twolayer"]).rejected(&["q.twolayer", "--ensemble"]);
    eval(&["a.twolayer", "--model", "b.twolayer"]).rejected(&["--model", "[MODEL]"]);
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn an_ensemble_is_tested_as_one_network_is() {
    let sandbox = trained();
    // An article's network beside others.
    let article = ["train", "--data", "data", "--hidden", "16", "--limit", "250", "-q", "--model", "c.twolayer"];
    sandbox.run(&article).succeeded();
    let models = ["a.twolayer", "b.twolayer", "c.twolayer"];
    let found = json(&sandbox, &[&models[..], &["--ensemble"]].concat());
    assert_eq!(found["event"], "ensemble");
    for (member, model) in found["models"].as_array().unwrap().iter().zip(models) {
        let alone = json(&sandbox, &[model]);
        assert_eq!((&member["model"], &member["network"]), (&model.into(), &alone["network"]));
        assert!(found["correct"].as_u64() > alone["correct"].as_u64(), "{found}");
        assert_eq!((&found["data"], &found["total"]), (&alone["data"], &alone["total"]));
    }
    let help = sandbox.run(&["eval", "--help"]).succeeded();
    let (_, together) = help.split_once("Of several models, with --ensemble:").unwrap();
    let words: Vec<_> = together.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    assert!(found.as_object().unwrap().keys().all(|key| words.contains(&key.as_str())), "{together}");
    let out = sandbox.run(&[&["eval", "--data", "data", "--ensemble"], &models[..]].concat()).succeeded();
    let accuracy = format!("accuracy  {:.2} % of 200 test images", 100.0 * found["accuracy"].as_f64().unwrap());
    assert_eq!(out.lines().last(), Some(&*accuracy), "{out}");
    for line in
        ["model     b.twolayer: 64 → 16 → 10\n", "\ndata      200 test", "\nlabel     accuracy", "\nmost confident"]
    {
        assert!(out.contains(line), "{line}: {out}");
    }

    sandbox.data("small", &SmallSet { side: 4, ..SmallSet::TINY });
    let train = ["train", "--data", "small", "--hidden", "4", "--epochs", "1", "--quiet", "--model", "s.twolayer"];
    sandbox.run(&train).succeeded();
    sandbox.data("three", &SmallSet::TINY);
    let train = ["train", "--data", "three", "--hidden", "4", "--epochs", "1", "--quiet", "--model", "t.twolayer"];
    sandbox.run(&train).succeeded();
    let eval = |arguments: &[&str]| sandbox.run(&[&["eval", "--data", "data", "--ensemble"], arguments].concat());
    eval(&["a.twolayer", "s.twolayer"]).failed(&["s.twolayer takes images of 16 pixels", "takes 64 pixels"]);
    eval(&["a.twolayer", "t.twolayer"])
        .failed(&["t.twolayer takes images of 64 pixels and has 3 classes", "10 classes"]);
    eval(&["a.twolayer", "q.twolayer"]).failed(&["q.twolayer has int8 weights", "give the f32 model"]);
    eval(&["a.twolayer", "none.twolayer"]).failed(&["cannot open none.twolayer"]);
    eval(&["a.twolayer"]).rejected(&["--ensemble takes two models or more"]);
    eval(&[]).rejected(&["--ensemble", "MODEL"]);
    eval(&["a.twolayer", "b.twolayer", "--report", "r.html"]).rejected(&["--report", "--ensemble"]);
}
