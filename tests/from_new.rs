//! `docs/firmware.md`, word by word: its files are written, its commands run, and what they print is what it says.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;
mod tools;

use core::fmt::Write as _;
use run::Sandbox;
use run::mnist::{directory, skipped};
use std::path::Path;
use std::process::Command;
use std::{env, fs};
use tools::has_boards;

const PAGE: &str = include_str!("../docs/firmware.md");
const TARGET: &str = "thumbv7em-none-eabihf";

/// The page as a script of a shell, and the lines that it says are printed.
fn script() -> (String, Vec<&'static str>) {
    let (mut script, mut lines) = (String::from("set -eu\n"), Vec::new());
    // Prose, then the inside of a block, and so on.
    let parts: Vec<&str> = PAGE.split("\n```").collect();
    for pair in parts.chunks(2) {
        let [prose, block] = pair else { continue };
        let (language, body) = block.split_once('\n').unwrap_or_default();
        let above = prose.trim_end().lines().last().unwrap_or_default();
        match (above.strip_prefix('`').filter(|_| above.ends_with(':')), language) {
            (Some(rest), _) => {
                let file = rest.split('`').next().unwrap();
                write!(script, "cat > {file} <<'END OF FILE'\n{body}\nEND OF FILE\n").unwrap();
            }
            (None, "sh") => script += &[body, "\n"].concat(),
            (None, "text") => lines.extend(body.lines()),
            (None, other) => panic!("a block of {other:?} that is neither a file nor a command"),
        }
    }
    (script, lines)
}

#[test]
fn the_page_from_cargo_new_to_an_answer() {
    let name = "the_page_from_cargo_new_to_an_answer";
    let (Some(mnist), true) = (directory(name), has_boards()) else { return };
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    let sysroot = String::from_utf8(sysroot).unwrap();
    if !Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).is_dir() {
        return skipped(name, &format!("the page needs `rustup target add {TARGET}`"));
    }
    let (script, lines) = script();
    assert!(lines.len() >= 10 && script.matches("END OF FILE\n").count() == 5, "{script}");

    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink(env!("CARGO_MANIFEST_DIR"), sandbox.work().join("twolayer")).unwrap();
    fs::write(sandbox.work().join("page.sh"), script).unwrap();
    let mut command = sandbox.command_for("bash", &["page.sh"]);
    // As a person's shell is, which no `cargo test` is around.
    for (variable, _) in env::vars_os() {
        if variable.to_string_lossy().starts_with("CARGO") && variable != "CARGO_HOME" {
            command.env_remove(variable);
        }
    }
    let programs = Path::new(env!("CARGO_BIN_EXE_twolayer")).parent().unwrap();
    let others = env::var_os("PATH").unwrap();
    let paths = [programs.to_owned()].into_iter().chain(env::split_paths(&others));
    command.env("PATH", env::join_paths(paths).unwrap()).env("MNIST_DIR", mnist);
    // The crates and the toolchain are where they are for everybody.
    for home in ["HOME", "RUSTUP_HOME", "CARGO_HOME"] {
        command.envs(env::var_os(home).map(|path| (home, path)));
    }
    let output = command.output().unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    if !output.status.success()
        && ["download of config.json failed", "Could not resolve host"].iter().any(|it| err.contains(it))
    {
        return skipped(name, "the crates that the page names cannot be fetched here");
    }
    assert!(output.status.success(), "{out}\n{err}");
    let mut printed = out.lines().chain(err.lines());
    for line in lines {
        assert!(printed.any(|it| it == line), "{line:?} is not printed, or not in this order: {out}\n{err}");
    }
    let accuracy = out.lines().find_map(|line| line.split_once(" before, ")?.1.split(" after").next()).unwrap();
    assert!(PAGE.contains(&format!("7.4 kB, and {accuracy} of MNIST")), "{accuracy}");
}
