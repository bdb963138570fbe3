//! The tools of C and firmware programmers, which not every machine has.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Whether a tool is there; says so if not.
pub(crate) fn has_tool(tool: &str) -> bool {
    // simavr takes this for the name of a program, and fails.
    let answered = Command::new(tool).arg("--version").output();
    let there = answered.is_ok_and(|output| output.status.success() || tool == "simavr");
    if !there {
        eprintln!("SKIPPED: {tool} was not found");
    }
    there
}

/// Whether missing tools are a failure.
pub(crate) fn required() -> bool {
    env::var_os("TWOLAYER_REQUIRE_FIRMWARE").is_some_and(|value| value == "1")
}

/// Whether all of these tools are there; fails if not and `TWOLAYER_REQUIRE_FIRMWARE=1` is set.
pub(crate) fn have_tools(tools: &[&str]) -> bool {
    let there = tools.iter().all(|tool| has_tool(tool));
    assert!(there || !required(), "TWOLAYER_REQUIRE_FIRMWARE is set, but not all of {tools:?} are there");
    there
}

/// Whether all that `tests/firmware` needs is there; otherwise says so, or fails if `TWOLAYER_REQUIRE_FIRMWARE=1` is set.
pub(crate) fn has_boards() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/firmware/check-tools");
        let missing = match Command::new(script).output() {
            Ok(output) if output.status.success() => return true,
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        eprintln!("SKIPPED: tests on emulated boards; missing tools:\n{missing}");
        assert!(!required(), "{missing}");
        false
    })
}

/// Whether every case on emulated boards is to be tried, or only chosen ones.
pub(crate) fn all_cases() -> bool {
    env::var_os("TWOLAYER_FIRMWARE_ALL").is_some_and(|value| value == "1")
}
