//! The tools of a C programmer, which not every machine has.

use std::process::Command;

/// Whether a tool is there; says so if not.
pub(crate) fn has_tool(tool: &str) -> bool {
    let there = Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: {tool} was not found");
    }
    there
}
