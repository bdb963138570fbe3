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
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Printing that does not fail: when nobody reads on, the work is done all the same.
mod console {
    use core::fmt::Arguments;
    use std::io::{Result, Write};

    pub(crate) fn write(to: &mut impl Write, text: Arguments<'_>) -> Result<()> {
        to.write_fmt(text)?;
        to.flush()
    }

    /// A line on standard output.
    macro_rules! say {
        ($($text:tt)*) => {{
            let _ = $crate::console::write(&mut std::io::stdout(), format_args!("{}\n", format_args!($($text)*)));
        }};
    }

    /// A line on standard error.
    macro_rules! note {
        ($($text:tt)*) => {{
            let _ = $crate::console::write(&mut std::io::stderr(), format_args!("{}\n", format_args!($($text)*)));
        }};
    }

    /// A line on standard error that something is not as asked for.
    macro_rules! warning {
        ($($text:tt)*) => { $crate::console::note!("warning: {}", format_args!($($text)*)) };
    }

    pub(crate) use {note, say, warning};
}
