//! What the documents name is there: links, files, headings, commands and their options.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use twolayer::int::QuantizedNetwork;
use twolayer::model::HEADER_LEN;
use twolayer::{Bits, Shape};

/// All documents, and their texts. What is in `CHANGELOG.md` may be gone.
fn documents() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in [
        "",
        "docs",
        "benches",
        "tests/firmware",
        "examples/board",
        "examples/browser",
        "examples/microbit",
        "examples/stm32f405",
        "examples/sweep",
    ] {
        for entry in fs::read_dir(Path::new("./").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|it| it == "md") && !path.ends_with("CHANGELOG.md") {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 10, "{} documents", found.len());
    found
}

/// What stands between `start` and `end`, wherever that is on one line.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let lines = text.lines().flat_map(|line| line.split(start).skip(1));
    lines.filter_map(|rest| rest.split_once(end)).map(|(found, _)| found).collect()
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let name = |heading: &str| heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    headings
        .map(|heading| name(heading).replace(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'), ""))
        .collect()
}

fn assert_none(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{} {what}:\n{}", faults.len(), faults.join("\n"));
}

/// `docs/format.md` is for readers in other languages, the modules' pages for those of this one: the same tables and formulas.
#[test]
fn the_model_file_is_described_alike_in_both_places() {
    let page = fs::read_to_string("docs/format.md").unwrap();
    let mut count = 0;
    for module in ["src/model/mod.rs", "src/int/mod.rs"] {
        let text = fs::read_to_string(module).unwrap();
        let facts = text.lines().filter_map(|line| line.strip_prefix("//! "));
        // Of what is computed, the class is told for all kinds at once.
        for fact in facts.filter(|line| line.starts_with("| ") || line.contains("[j] = ") || line.contains("[k] = ")) {
            assert!(page.contains(fact), "{module} has a line that docs/format.md has not: {fact}");
            count += 1;
        }
    }
    assert!(count > 25, "{count} lines");
}

#[test]
fn the_citation_has_this_version() {
    let citation = fs::read_to_string("CITATION.cff").unwrap();
    assert!(citation.contains(concat!("\nversion: ", env!("CARGO_PKG_VERSION"), "\n")), "{citation}");
}

#[test]
fn links_lead_somewhere() {
    let (mut dead, mut followed) = (Vec::new(), 0);
    for (path, text) in documents() {
        let links = [("](", ")"), ("src=\"", "\""), ("srcset=\"", "\"")].map(|(start, end)| between(&text, start, end));
        // The pages of the repository's workflows are no files.
        let elsewhere = |link: &str| link.starts_with("https://") || link.starts_with("../../actions/");
        for link in links.into_iter().flatten().filter(|link| !elsewhere(link)) {
            followed += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let has = |anchor: &str| {
                anchor.is_empty()
                    || fs::read_to_string(&file).is_ok_and(|text| anchors(&text).iter().any(|it| it == anchor))
            };
            if !file.exists() || !has(anchor) {
                dead.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(followed > 30, "{followed} links: are they still found?");
    assert_none("dead links", &dead);
}

#[test]
fn files_that_are_named_exist() {
    const FOLDERS: [&str; 9] = ["src", "tests", "examples", "benches", "fuzz", "docs", "include", ".ci", ".cargo"];
    let (mut missing, mut found) = (Vec::new(), 0);
    for (path, text) in documents() {
        for words in between_ticks(&text) {
            // The first word of a command, or a path by itself.
            let name = words.split(' ').next().unwrap_or_default().trim_end_matches('/');
            let folder = name.split('/').next().unwrap_or_default();
            // What builds put there is not here.
            let made = ["target/", "corpus", "NAME", "board/digits.twolayer"].iter().any(|part| name.contains(part));
            // The files of the project that the page makes.
            let made = made || path.ends_with("firmware.md") && ["src/main.rs", ".cargo/config.toml"].contains(&name);
            if !FOLDERS.contains(&folder) || !name.contains('/') || made {
                continue;
            }
            found += 1;
            if !Path::new(name).exists() && !path.parent().unwrap().join(name).exists() {
                missing.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(found > 60, "{found} files: are they still found?");
    assert_none("files that do not exist", &missing);
}

/// Inline code, which begins and ends on one line.
fn between_ticks(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// The help of `twolayer words…`, or nothing if that is no command.
fn help(words: &[&str]) -> Option<String> {
    let out = Command::new(env!("CARGO_BIN_EXE_twolayer")).args(words).arg("--help").output().unwrap();
    out.status.success().then(|| String::from_utf8(out.stdout).unwrap())
}

#[test]
fn commands_exist_and_take_their_options() {
    let mut helps: BTreeMap<Vec<&str>, Option<String>> = BTreeMap::new();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let documents = documents();
    for (path, text) in &documents {
        let calls = text.lines().flat_map(|line| {
            ["twolayer ", "cargo run --release -- ", "cargo run --quiet --release -- "]
                .iter()
                .flat_map(|start| line.match_indices(start).map(|(at, found)| (&line[..at], &line[at + found.len()..])))
        });
        for (before, call) in calls {
            // Elsewhere it is the name of something, not a command.
            let whole = before.is_empty() || before.ends_with(['`', '$', ' ', '(']);
            let code = before.matches('`').count() % 2 == 1
                || !before.contains(char::is_alphabetic)
                || before.contains("; do ");
            let call = call.split(['`', '|', ';', '&', '#', '<', '>']).next().unwrap_or_default();
            let words: Vec<_> = call.split_whitespace().collect();
            let Some(first) = words.first().filter(|_| whole && code) else { continue };
            if !first.starts_with('-') && !first.starts_with(char::is_lowercase) {
                continue;
            }
            let command = match words[..] {
                ["data", second, ..] => vec!["data", second],
                [first, ..] if !first.starts_with('-') => vec![first],
                _ => vec!["train"],
            };
            tried += 1;
            let help = helps.entry(command.clone()).or_insert_with(|| help(&command));
            let Some(help) = help else {
                wrong.push(format!("{}: twolayer {call}: there is no such command", path.display()));
                continue;
            };
            for option in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
                let option = option.split('=').next().unwrap_or_default();
                if !help.split([' ', '\n', ',', '=', '[', '`']).any(|word| word == option) {
                    wrong.push(format!("{}: twolayer {call}: it takes no {option}", path.display()));
                }
            }
        }
    }
    assert!(tried > 40, "{tried} commands: are they still found?");
    assert_none("commands that do not work", &wrong);
}

/// The hash of weights that a document prints is one that a test or a script pins: a stale one is in none.
#[test]
fn hashes_of_weights_are_pinned() {
    let is_hex =
        |word: &&str| word.len() == 16 && word.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it));
    let mut pinned = String::new();
    for entry in fs::read_dir("tests").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("docs.rs") {
            // Such as 0x500d_578e_4d42_eaa1.
            let text = fs::read_to_string(path).unwrap();
            pinned += &text.replace('_', "");
        }
    }
    pinned += &fs::read_to_string("examples/browser/test.mjs").unwrap();
    let (mut stale, mut found) = (Vec::new(), 0);
    for (path, text) in documents() {
        for hash in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_hex) {
            found += 1;
            if !pinned.contains(hash) {
                stale.push(format!("{}: {hash}", path.display()));
            }
        }
    }
    assert!(found >= 6, "{found} hashes: are they still found?");
    assert_none("hashes that no test pins", &stale);
}

/// The sizes that documents print are those of such models: of their weights, or where a file is named, of the file.
#[test]
fn sizes_of_models_are_right() {
    let integers = |shape: Shape| QuantizedNetwork::payload_len(shape, Bits::Four).unwrap();
    let halved = |hidden| Shape::new(196, hidden, 10).unwrap().with_halved_images([28, 28]).unwrap();
    let kilobytes =
        |bytes: usize, decimals: usize| format!("{:.decimals$} kB", f64::from(u32::try_from(bytes).unwrap()) / 1000.0);
    let large = integers(Shape::MNIST);
    let tiny = kilobytes(integers(Shape::new(784, 64, 10).unwrap()), 1);
    let [small, middle] = [128, 240].map(|hidden| kilobytes(integers(halved(hidden)), 1));
    let f32 =
        format!("| {:.1} MB |", f64::from(u32::try_from(HEADER_LEN + 4 * Shape::MNIST.weights_len()).unwrap()) / 1e6);
    let mut wrong = Vec::new();
    for (document, part, size) in [
        ("README.md", "the recipe of an article, 5 epochs |", &f32),
        ("README.md", "mnist.int4.twolayer: int4,", &format!("int4, {} bytes", HEADER_LEN + large)),
        ("README.md", "the same in int4 |", &kilobytes(large, 0)),
        ("README.md", "196 → 128 → 10 on halved", &small),
        ("README.md", "196 → 240 → 10 on halved", &middle),
        ("docs/small-models.md", "| 784 → 1000 → 10 |", &kilobytes(large, 0)),
        ("docs/small-models.md", "| 784 → 64 → 10 |", &tiny),
        ("docs/small-models.md", "| 196 → 128 → 10, halved", &small),
        ("docs/small-models.md", "| 196 → 240 → 10, halved", &middle),
        ("docs/small-models.md", "twolayer: 784 → 1000 → 10, int4 |", &kilobytes(large, 0)),
        ("docs/small-models.md", "twolayer: 196 → 128 → 10, int4 |", &small),
        ("docs/small-models.md", "twolayer: 196 → 240 → 10, int4 |", &middle),
    ] {
        let text = fs::read_to_string(document).unwrap();
        let line = text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{document}: no {part}"));
        if !line.contains(size.as_str()) {
            wrong.push(format!("{document}: {line}: it is {size}"));
        }
    }
    assert_none("sizes that are others", &wrong);
}

#[test]
fn targets_of_cargo_exist() {
    let (mut missing, mut found) = (Vec::new(), 0);
    for (path, text) in documents() {
        for (flag, folder) in [("--test ", "tests"), ("--bench ", "benches"), ("--example ", "examples")] {
            for line in text.lines().filter(|line| line.contains("cargo")) {
                for rest in line.split(flag).skip(1) {
                    let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
                    found += 1;
                    let base = Path::new(folder).join(name);
                    let fuzz = Path::new("fuzz/examples").join(name);
                    if !(base.with_extension("rs").exists() || base.is_dir() || fuzz.with_extension("rs").exists()) {
                        missing.push(format!("{}: {flag}{name}", path.display()));
                    }
                }
            }
        }
    }
    assert!(found > 20, "{found} targets: are they still found?");
    assert_none("targets that do not exist", &missing);
}

#[test]
fn functions_of_the_c_interface_exist() {
    let header = fs::read_to_string("include/twolayer.h").unwrap();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (mut missing, mut found) = (Vec::new(), 0);
    for (path, text) in documents() {
        for name in text.split(|c| !word(c)).filter(|name| name.starts_with("twolayer_") && *name != "twolayer_rows") {
            found += 1;
            if !header.split(|c| !word(c)).any(|it| it == name) {
                missing.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(found > 10, "{found} functions: are they still found?");
    assert_none("functions that do not exist", &missing);
}
