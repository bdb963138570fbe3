//! What `--json` prints: one object per line with the keys that the help lists, and the same figures as the text. And what else
//! a terminal asks for: help that fits it, completions, the manual page, a sparkline on a terminal and nothing elsewhere.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use run::mnist::skipped;
use run::{Outcome, Sandbox, SmallSet};
use serde_json::Value;
use std::fs;

const TRAIN: [&str; 8] = ["train", "--data", "data", "--hidden", "24", "--epochs", "2", "--json"];

/// The objects that a command printed, one on each line, and nothing else.
#[track_caller]
fn lines(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
    let run = sandbox.run(arguments);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    run.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The keys of an object, sorted.
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[track_caller]
fn assert_keys(value: &Value, expected: &str) {
    let mut expected: Vec<_> = expected.split_whitespace().collect();
    expected.sort_unstable();
    assert_eq!(keys(value), expected);
}

/// Asserts that the long help of a command lists every key of an object.
#[track_caller]
fn assert_documented(sandbox: &Sandbox, command: &str, value: &Value) {
    let help = sandbox.run(&[command, "--help"]).succeeded();
    let (_, json) = help.split_once("\nJSON: ").unwrap();
    for (key, value) in value.as_object().unwrap() {
        let inner = if ["network", "data", "recipe"].contains(&key.as_str()) { keys(value) } else { Vec::new() };
        for key in inner.into_iter().chain([key.as_str()]) {
            let words = |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == key);
            assert!(words(json), "{key} is not in the help of {command}:\n{json}");
        }
    }
}

const NETWORK: &str = "inputs hidden outputs pixels biases halved deslanted";
const DATA: &str = "name directory inverted transposed sources";

#[test]
fn train_says_its_epochs_and_its_end() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet::TINY);
    let out = sandbox.run(&TRAIN[..7]).succeeded();
    let found = lines(&sandbox, &TRAIN);
    let [first, second, end] = &found[..] else { panic!("{found:?}") };
    for (number, epoch) in [first, second].into_iter().enumerate() {
        assert_keys(epoch, "event epoch loss mean_loss seconds us_per_sample correct total accuracy");
        assert_eq!((&epoch["event"], &epoch["epoch"]), (&"epoch".into(), &(number + 1).into()));
        let text = format!(
            "epoch {}   Error: {:.5}, mean {:.5}; test {:.2} %; ",
            number + 1,
            epoch["loss"].as_f64().unwrap(),
            epoch["mean_loss"].as_f64().unwrap(),
            100.0 * epoch["accuracy"].as_f64().unwrap()
        );
        assert!(out.contains(&text), "{text}: {out}");
        assert_documented(&sandbox, "train", epoch);
    }
    assert_keys(
        end,
        "event model weights network data recipe backend threads mean_loss seconds us_per_sample confusion classes correct \
         total accuracy",
    );
    assert_keys(&end["network"], NETWORK);
    assert_keys(&end["data"], DATA);
    assert_keys(
        &end["recipe"],
        "loss epochs samples shuffle halve deslant distort hands alpha from teachers init seed block",
    );
    assert_documented(&sandbox, "train", end);
    assert_eq!(end["event"], "trained");
    assert!(out.contains(&format!(
        "model     {}, weights {}",
        end["model"].as_str().unwrap(),
        end["weights"].as_str().unwrap()
    )));
    assert_eq!((&end["recipe"]["alpha"], &end["recipe"]["init"]), (&serde_json::json!([1e-5, 1e-5]), &1e-4.into()));
    assert_eq!((&end["recipe"]["samples"], &end["network"]["hidden"]), (&90.into(), &24.into()));
    assert_eq!((&end["mean_loss"], &end["accuracy"]), (&second["mean_loss"], &second["accuracy"]));
    let rows: Vec<_> = end["confusion"].as_array().unwrap().iter().map(|row| row.as_array().unwrap()).collect();
    let sum = |on: &dyn Fn(usize, usize) -> bool| -> u64 {
        let cells = rows.iter().enumerate().flat_map(|(y, row)| row.iter().enumerate().map(move |(x, it)| (y, x, it)));
        cells.filter(|&(y, x, _)| on(y, x)).map(|(_, _, it)| it.as_u64().unwrap()).sum()
    };
    assert_eq!(sum(&|_, _| true), end["total"].as_u64().unwrap());
    assert_eq!(sum(&|y, x| y == x), end["correct"].as_u64().unwrap());
}

/// Each run of a sweep is a line, which says what was varied and what came of it, the same every time but for times.
#[test]
fn a_quiet_run_is_one_line() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("data", &SmallSet::TINY);
    let run = |more: &[&str]| {
        let mut found = lines(&sandbox, &[&TRAIN[..], &["--quiet"], more].concat());
        assert_eq!(found.len(), 1);
        let mut line = found.remove(0);
        for time in ["seconds", "us_per_sample"] {
            assert!(line.as_object_mut().unwrap().remove(time).unwrap().as_f64().unwrap() > 0.0);
        }
        line
    };
    assert_eq!(run(&[]), run(&[]));
    let large = u64::MAX.to_string();
    let other = run(&[
        "--seed",
        &large,
        "--recipe",
        "fast",
        "--distort",
        "50",
        "--halve",
        "--limit",
        "40",
        "--model",
        "x.twolayer",
    ]);
    let recipe = &other["recipe"];
    assert_eq!((&recipe["seed"], &recipe["loss"]), (&u64::MAX.into(), &"cross-entropy".into()));
    assert_eq!((&recipe["distort"], &recipe["samples"], &recipe["halve"]), (&50.into(), &40.into(), &true.into()));
    assert_eq!((&recipe["alpha"], &recipe["init"]), (&serde_json::json!([7.8e-5, 2e-6]), &"scaled".into()));
    assert_eq!((&other["network"]["inputs"], &other["network"]["pixels"]), (&16.into(), &64.into()));
    assert_ne!(other["weights"], run(&[])["weights"]);
}

#[test]
fn eval_info_and_quantize_say_what_the_text_says() {
    let sandbox = Sandbox::trained().replacing();
    let model = ["--model", "m.twolayer"];
    let eval: Vec<_> = [&["eval", "--data", "data"], &model[..]].concat();
    let text = sandbox.run(&eval).succeeded();
    let found = lines(&sandbox, &[&eval[..], &["--json"]].concat());
    let [line] = &found[..] else { panic!("{found:?}") };
    assert_keys(
        line,
        "event model kind network data backend confusion classes coverage confidence correct total accuracy",
    );
    assert_documented(&sandbox, "eval", line);
    assert_eq!(
        (&line["event"], &line["kind"], &line["data"]["name"]),
        (&"evaluated".into(), &"f32".into(), &Value::Null)
    );
    let percent = |ratio: &Value| format!("{:.2} %", 100.0 * ratio.as_f64().unwrap());
    assert!(
        text.contains(&format!("accuracy  {} of {} test images", percent(&line["accuracy"]), line["total"])),
        "{text}"
    );
    for of in line["coverage"].as_array().unwrap() {
        assert_keys(of, "share margin correct total accuracy");
        let share = percent(&of["share"]).replace(".00", "");
        let row = format!("{share} {} {:.5}", percent(&of["accuracy"]), of["margin"].as_f64().unwrap());
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed(&text).contains(&row), "{row}: {text}");
    }

    let text = sandbox.run(&[&["info"], &model[..]].concat()).succeeded();
    let found = lines(&sandbox, &[&["info", "--json"], &model[..]].concat());
    let [line] = &found[..] else { panic!("{found:?}") };
    assert_keys(line, "event model bytes kind network image text confidence weights crc32 board");
    assert_documented(&sandbox, "info", line);
    assert!(text.contains(&format!("m.twolayer, {} bytes", line["bytes"])));
    assert!(text.contains(&format!("weights   {}\n", line["weights"].as_str().unwrap())));
    assert_eq!((&line["text"], &line["image"]), (&Value::Null, &Value::Null));

    let quantize: Vec<_> = [&["quantize", "--data", "data", "--bits", "4"], &model[..]].concat();
    let text = sandbox.run(&quantize).succeeded();
    let found = lines(&sandbox, &[&quantize[..], &["--json"]].concat());
    let [line] = &found[..] else { panic!("{found:?}") };
    assert_keys(
        line,
        "event model out kind bytes crc32 network data images tuning backend seconds agreed total before after",
    );
    assert_documented(&sandbox, "quantize", line);
    assert!(text.contains(&format!("written   m.int4.twolayer: int4, {} bytes", line["bytes"])), "{text}");
    for side in ["before", "after"] {
        assert_keys(&line[side], "correct total accuracy");
        assert!(text.contains(&format!("{} {side}", percent(&line[side]["accuracy"]))), "{text}");
    }
    let tuned = lines(&sandbox, &[&quantize[..], &["--json", "--tune", "2"]].concat());
    assert_eq!(tuned.len(), 3);
    assert_keys(&tuned[0], "event epoch mean_loss seconds");
    assert!(tuned[2]["tuning"].as_str().unwrap().starts_with("2 epochs"), "{}", tuned[2]);

    // The integer network is described by its checksum.
    let found = lines(&sandbox, &["info", "--json", "--model", "m.int4.twolayer"]);
    assert_eq!((&found[0]["kind"], &found[0]["weights"]), (&"int4".into(), &Value::Null));
    assert_eq!((&found[0]["crc32"], &found[0]["board"]), (&tuned[2]["crc32"], &Value::Null));
    for (board, cycles) in [("m0", true), ("m3", true), ("m4", true), ("m33", false), ("riscv", false)] {
        let info = ["info", "--board", board, "m.int4.twolayer"];
        let text = sandbox.run(&info).succeeded();
        let found = &lines(&sandbox, &[&info[..], &["--json"]].concat())[0]["board"];
        assert_keys(found, "board cores code scratch stack opening instructions cycles");
        assert_documented(&sandbox, "info", found);
        assert_keys(&found["instructions"], "blank digit worst");
        assert_eq!(found["cycles"].is_object(), cycles, "{board}");
        let counts = ["blank", "digit", "worst"].map(|image| found["instructions"][image].as_u64().unwrap());
        assert!(counts.is_sorted() && text.contains(&format!("image     {} instructions", counts[1])), "{text}");
        assert!(text.contains(&format!("{} of scratch, {} of stack", found["scratch"], found["stack"])), "{text}");
    }
    sandbox.run(&["info", "--board", "m4", "m.twolayer"]).failed(&[
        "m.twolayer",
        "f32 weights",
        "`twolayer quantize m.twolayer`",
    ]);
    let eval = lines(&sandbox, &["eval", "--json", "--data", "data", "--model", "m.int4.twolayer"]);
    assert_eq!(eval[0]["accuracy"], tuned[2]["after"]["accuracy"]);
}

#[test]
fn completions_name_commands_options_and_values() {
    let sandbox = Sandbox::new();
    let before = sandbox.listing();
    for (shell, start) in
        [("bash", "_twolayer() {"), ("zsh", "#compdef twolayer"), ("fish", ""), ("elvish", ""), ("powershell", "")]
    {
        let script = sandbox.run(&["completions", shell]).succeeded();
        assert!(script.starts_with(start), "{shell}: {script:.100}");
        assert!(["quantize", "init-scale", "save-seen"].iter().all(|word| script.contains(word)), "{shell}");
    }
    sandbox.run(&["completions", "cmd"]).rejected(&["cmd", "bash"]);
    // What bash makes of it.
    let script = sandbox.run(&["completions", "bash"]).succeeded();
    fs::write(sandbox.work().join("script"), script).unwrap();
    for (words, expected) in [
        ("twolayer quant", "quantize"),
        ("twolayer train --rec", "--recipe"),
        ("twolayer train --recipe ", "article fast good best further"),
        ("twolayer train --loss ", "squared cross-entropy"),
        ("twolayer train --init ", "uniform scaled"),
        ("twolayer predict --invert ", "auto yes no"),
        ("twolayer quantize --bits ", "8 4"),
        ("twolayer import --layout ", "out-in in-out"),
        ("twolayer export --format ", "safetensors npz c99"),
        ("twolayer export --layout ", "arduino platformio zephyr esp-idf"),
        ("twolayer data fetch m", "mnist"),
    ] {
        let ask = "source ./script; IFS=' ' read -ra COMP_WORDS <<< \"$0\"; [[ $0 == *' ' ]] && COMP_WORDS+=(''); \
                   COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); \
                   _twolayer twolayer \"${COMP_WORDS[-1]}\" \"${COMP_WORDS[-2]}\"; echo \"${COMPREPLY[@]}\"";
        match sandbox.command_for("bash", &["-c", ask, words]).output() {
            Ok(run) => assert_eq!(String::from_utf8_lossy(&run.stdout).trim(), expected, "{words:?}"),
            Err(error) => skipped("completions in bash", &error.to_string()),
        }
    }
    fs::remove_file(sandbox.work().join("script")).unwrap();
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn the_manual_names_every_command_and_option() {
    let sandbox = Sandbox::new();
    let page = Outcome::from(sandbox.example("man")).succeeded();
    for words in [
        "TWOLAYER TRAIN",
        "TWOLAYER DATA FETCH",
        "min\\-margin",
        "init\\-scale",
        "NO_COLOR",
        "us_per_sample",
        "cross\\-entropy",
    ] {
        assert!(page.contains(words), "no {words} in the manual");
    }
    assert!(!page.contains("TWOLAYER HELP"));
    // Those of `train`, which the program takes without a command, are not listed twice.
    assert_eq!(page.matches("\n\\fB\\-\\-checkpoint\\fR ").count(), 1);
}

/// Short help fits a terminal, the program's own and that of every command; what is left out of it is in the long help.
#[test]
fn short_help_fits_a_screen() {
    let sandbox = Sandbox::new();
    let help = |command: &[String], option: &str| {
        let words: Vec<_> = command.iter().map(String::as_str).chain([option]).collect();
        sandbox.run(&words).succeeded()
    };
    let mut commands = vec![Vec::new()];
    let mut count = 0;
    while let Some(command) = commands.pop() {
        let short = help(&command, "-h");
        let (height, width) = (short.lines().count(), short.lines().map(|line| line.chars().count()).max().unwrap());
        assert!(height <= 24 && width <= 100, "{height} lines of up to {width} characters:\n{short}");
        let long = help(&command, "--help");
        let words = |text: &str| {
            text.split_whitespace().filter(|it| it.starts_with("--")).map(str::to_owned).collect::<Vec<_>>()
        };
        let known = words(&long);
        assert!(
            words(&short).iter().all(|option| option.starts_with("--help") || known.contains(option)),
            "{short}{long}"
        );
        let inner = short.split_once("\nCommands:\n").map_or("", |(_, list)| list.split("\n\n").next().unwrap());
        let names =
            inner.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|it| !it.is_empty()));
        commands.extend(names.filter(|name| *name != "help").map(|name| [&command[..], &[name.to_owned()]].concat()));
        count += 1;
    }
    assert!(count >= 13, "{count} commands: are they still found?");
}

/// On a terminal the loss is drawn while it trains, without colours; elsewhere nothing is.
#[test]
fn a_sparkline_on_a_terminal_only() {
    let sandbox = Sandbox::new().replacing();
    let set = SmallSet { train: 20_000, ..SmallSet::TINY };
    sandbox.data("data", &set);
    let quiet = sandbox.run(&TRAIN[..7]);
    assert_eq!((quiet.code, quiet.err.as_str()), (Some(0), ""));
    let bars = |text: &str| text.contains("█▁");
    assert!(!bars(&quiet.out));
    let program = env!("CARGO_BIN_EXE_twolayer");
    let command = format!("'{program}' train --data data --hidden 200 --epochs 20 --force");
    let mut terminal = sandbox.command_for("script", &["--quiet", "--return", "--command", &command, "typescript"]);
    terminal.env("TERM", "xterm").env("NO_COLOR", "1");
    if terminal.output().is_err() {
        return skipped("the sparkline", "`script` of util-linux was not found");
    }
    let run = Outcome::from(terminal);
    assert_eq!(run.code, Some(0), "{}", run.out);
    assert!(bars(&run.out), "{}", run.out);
    // No colours: no escape sequence ends in `m`.
    let coloured = run
        .out
        .split("\x1b[")
        .skip(1)
        .any(|it| it.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'));
    assert!(!coloured, "{:?}", run.out);
}
