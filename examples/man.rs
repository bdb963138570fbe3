//! Prints the manual page, with all commands: `cargo run --example man > twolayer.1`, or `| man -l -`.

#[path = "../src/bin/twolayer/args.rs"]
#[allow(dead_code, reason = "the page needs the arguments' descriptions only")]
mod args;
#[path = "../src/bin/twolayer/cost.rs"]
#[allow(dead_code, reason = "the page needs the names of boards only")]
mod cost;
#[path = "../src/bin/twolayer/values.rs"]
#[allow(dead_code, reason = "the page needs the names of values only")]
mod values;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::io::{self, Write};

/// What the program reads beside its arguments.
const ENVIRONMENT: &str = r".SH ENVIRONMENT
.TP
\fBMNIST_DIR\fR
A directory with the four files of MNIST, which takes precedence over the cache.
.TP
\fBTWOLAYER_MIRROR\fR
URLs of directories to fetch data sets from, separated by spaces, where \-\-mirror is not given.
.TP
\fBNO_COLOR\fR
Where it is set and not empty, nothing is coloured.
";

/// The program's sections, then a section for each command, with parts in place of sections.
fn main() -> io::Result<()> {
    // The options of `train`, which the program takes without a command, have their place in its section.
    let mut program = args::Arguments::command().mut_args(|arg| arg.hide(true));
    program.build();
    let mut page = Vec::new();
    Man::new(program.clone()).render(&mut page)?;
    for command in program.get_subcommands() {
        append(&mut page, "twolayer", command)?;
    }
    page.extend(ENVIRONMENT.bytes());
    io::stdout().write_all(&page)
}

/// The section of a command, and those of its own commands.
fn append(page: &mut Vec<u8>, before: &str, command: &Command) -> io::Result<()> {
    let name = format!("{before} {}", command.get_name());
    if command.get_name() == "help" {
        return Ok(());
    }
    let man = Man::new(command.clone());
    let mut parts = Vec::new();
    man.render_synopsis_section(&mut parts)?;
    man.render_description_section(&mut parts)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut parts)?;
    }
    if command.get_after_long_help().is_some() {
        man.render_extra_section(&mut parts)?;
    }
    let parts = String::from_utf8_lossy(&parts).replace(".SH ", ".SS ");
    write!(page, ".SH \"{}\"\n{parts}", name.to_uppercase())?;
    command.get_subcommands().try_for_each(|inner| append(page, &name, inner))
}
