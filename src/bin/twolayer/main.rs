//! The command line: trains, evaluates, uses, quantises, converts and describes two-layer networks.

mod args;
mod data;
mod error;
mod eval;
mod export;
mod import;
mod info;
mod json;
mod man;
mod model;
mod open_data;
mod predict;
mod quantize;
mod report;
mod sparkline;
mod table;
mod train;

use args::{Arguments, Command};
use clap::{CommandFactory, Parser};
use console::note;
use std::io::Write;
use std::process::ExitCode;
use twolayer::host;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => return no_arguments(&answer),
    };
    let result = match arguments.command {
        None => train::run(&arguments.train),
        Some(Command::Train(args)) => train::run(&args),
        Some(Command::Eval(args)) => eval::run(args),
        Some(Command::Predict(args)) => predict::run(args),
        Some(Command::Quantize(args)) => quantize::run(args),
        Some(Command::Import(args)) => import::run(&args),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Info(args)) => info::run(&args),
        Some(Command::Data(command)) => data::run(&command),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "twolayer", &mut script);
            console::out(format_args!("{}", String::from_utf8_lossy(&script).trim_end()));
            Ok(())
        }
        Some(Command::Man) => {
            console::out(format_args!("{}", man::page(Arguments::command()).trim_end()));
            Ok(())
        }
    };
    match (result, console::output_error()) {
        (Ok(()), None) => return ExitCode::SUCCESS,
        (Err(error), _) => note!("error: {error}"),
        (Ok(()), Some(error)) => note!("error: cannot write to standard output: {error}"),
    }
    ExitCode::FAILURE
}

/// Prints help, the version, or what is wrong with the arguments.
fn no_arguments(answer: &clap::Error) -> ExitCode {
    // What is wrong is quoted, and a terminal would obey it.
    let obeyed = std::env::args_os().any(|argument| argument.to_string_lossy().contains(char::is_control));
    if answer.use_stderr() && obeyed {
        answer.render().to_string().lines().for_each(|line| note!("{}", host::printable(line)));
    } else if let Err(error) = answer.print().and_then(|()| std::io::stdout().flush()) {
        note!("error: cannot write to standard output: {error}");
        return ExitCode::FAILURE;
    }
    u8::try_from(answer.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Printing that never aborts a command: an error of standard output is kept and reported at the end.
mod console {
    use core::fmt::Arguments;
    use std::io::{Error, ErrorKind, Write, stderr, stdout};
    use std::sync::OnceLock;

    /// The first error of standard output.
    static OUTPUT_ERROR: OnceLock<Error> = OnceLock::new();

    /// The first error of standard output, if there was one.
    pub(crate) fn output_error() -> Option<&'static Error> {
        OUTPUT_ERROR.get()
    }

    pub(crate) fn out(line: Arguments<'_>) {
        let mut output = stdout();
        match writeln!(output, "{line}").and_then(|()| output.flush()) {
            // A closed pipe, as in `twolayer eval | head -1`, is not an error.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => drop(OUTPUT_ERROR.set(error)),
            _ => {}
        }
    }

    pub(crate) fn err(line: Arguments<'_>) {
        // An error here cannot be reported anywhere.
        let _ = writeln!(stderr(), "{line}");
    }

    /// Prints a line to standard output.
    macro_rules! say {
        ($($text:tt)*) => { $crate::console::out(format_args!($($text)*)) };
    }

    /// Prints a line to standard error.
    macro_rules! note {
        ($($text:tt)*) => { $crate::console::err(format_args!($($text)*)) };
    }

    /// Prints a warning to standard error.
    macro_rules! warning {
        ($($text:tt)*) => { $crate::console::note!("warning: {}", format_args!($($text)*)) };
    }

    pub(crate) use note;
    pub(crate) use say;
    pub(crate) use warning;
}
