//! The command line: trains, evaluates and describes two-layer networks.

mod args;
mod data;
mod eval;
mod info;
mod manage;
mod model;
mod quantize;
mod table;
mod train;

use args::{Arguments, Command};
use clap::Parser;
use console::note;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        None => train::run(&arguments.train),
        Some(Command::Train(options)) => train::run(&options),
        Some(Command::Eval(options)) => eval::run(options),
        Some(Command::Quantize(options)) => quantize::run(options),
        Some(Command::Info(options)) => info::run(&options),
        Some(Command::Data(command)) => manage::run(&command),
    };
    match (done, console::lost()) {
        (Ok(()), None) => return ExitCode::SUCCESS,
        (Err(error), _) => note!("error: {error}"),
        (Ok(()), Some(error)) => note!("error: cannot write to standard output: {error}"),
    }
    ExitCode::FAILURE
}

/// Printing that does not stop the work: it is done all the same when its output is lost.
mod console {
    use core::fmt::Arguments;
    use std::io::{Error, ErrorKind, Write, stderr, stdout};
    use std::sync::OnceLock;

    /// Why standard output did not take a line.
    static LOST: OnceLock<Error> = OnceLock::new();

    /// Why output was lost that somebody wanted, if any was.
    pub(crate) fn lost() -> Option<&'static Error> {
        LOST.get()
    }

    pub(crate) fn out(line: Arguments<'_>) {
        let mut to = stdout();
        match writeln!(to, "{line}").and_then(|()| to.flush()) {
            // Nobody reads on, as in `twolayer eval | head -1`: that is no error.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => drop(LOST.set(error)),
            _ => {}
        }
    }

    pub(crate) fn err(line: Arguments<'_>) {
        // There is no other place to say that this failed.
        let _ = writeln!(stderr(), "{line}");
    }

    /// A line on standard output.
    macro_rules! say {
        ($($text:tt)*) => { $crate::console::out(format_args!($($text)*)) };
    }

    /// A line on standard error.
    macro_rules! note {
        ($($text:tt)*) => { $crate::console::err(format_args!($($text)*)) };
    }

    /// A line on standard error that something is not as asked for.
    macro_rules! warning {
        ($($text:tt)*) => { $crate::console::note!("warning: {}", format_args!($($text)*)) };
    }

    pub(crate) use {note, say, warning};
}
