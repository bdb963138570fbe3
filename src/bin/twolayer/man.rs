//! `twolayer man`: the manual page, by `clap_mangen`, with the commands' own options in it.

use clap::Command;
use clap_mangen::Man;
use core::fmt::Write;

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

/// One page: the program's sections, then a section for each command, with parts in place of sections.
pub(crate) fn page(mut program: Command) -> String {
    program.build();
    let mut page = Vec::new();
    let man = Man::new(program.clone());
    // Writing to memory cannot fail.
    let _ = man.render(&mut page);
    let mut page = String::from_utf8_lossy(&page).into_owned();
    for command in program.get_subcommands() {
        append(&mut page, "twolayer", command);
    }
    page + ENVIRONMENT
}

/// The section of a command, and those of its own commands.
fn append(page: &mut String, before: &str, command: &Command) {
    let name = format!("{before} {}", command.get_name());
    if command.get_name() == "help" {
        return;
    }
    let man = Man::new(command.clone());
    let mut parts = Vec::new();
    let _ = man.render_synopsis_section(&mut parts);
    let _ = man.render_description_section(&mut parts);
    if command.get_arguments().next().is_some() {
        let _ = man.render_options_section(&mut parts);
    }
    if command.get_after_long_help().is_some() {
        let _ = man.render_extra_section(&mut parts);
    }
    let _ = writeln!(page, ".SH \"{}\"", name.to_uppercase());
    page.push_str(&String::from_utf8_lossy(&parts).replace(".SH ", ".SS "));
    for inner in command.get_subcommands() {
        append(page, &name, inner);
    }
}
