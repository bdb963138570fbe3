//! The command line: trains, evaluates, uses, quantises, converts and describes two-layer networks.

mod args;
mod boxes;
mod calibrate;
mod classes;
mod compare;
mod confidence;
mod console;
mod cost;
mod data;
mod ensemble;
mod error;
mod eval;
mod export;
mod folder;
mod import;
mod info;
mod json;
mod model;
mod open_data;
mod origin;
mod output;
mod plan;
mod plausible;
mod predict;
mod prediction;
mod progress;
mod quantize;
mod reading;
mod report;
mod score;
mod sparkline;
mod start;
mod table;
mod teachers;
mod train;
mod turned;
mod values;
mod verify;

use args::{Arguments, Command};
use clap::{CommandFactory, Parser};
use console::note;
use error::Error;
use std::io::{Write, stdout};
use std::process::ExitCode;
use twolayer::host;

fn main() -> ExitCode {
    let code = match Arguments::try_parse().map_err(error::hinted).and_then(Arguments::checked).map(run) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            note!("error: {error}");
            1
        }
        Err(answer) => no_arguments(&answer),
    };
    match console::output_error() {
        Some(error) if code == 0 => {
            note!("error: cannot write to standard output: {error}");
            ExitCode::FAILURE
        }
        _ => code.into(),
    }
}

fn run(arguments: Arguments) -> Result<(), Error> {
    match arguments.command.unwrap_or(Command::Train(arguments.train)) {
        Command::Train(args) => train::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Predict(args) => predict::run(args),
        Command::Quantize(args) => quantize::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Calibrate(args) => calibrate::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Data(command) => data::run(command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "twolayer", &mut script);
            console::out(format_args!("{}", String::from_utf8_lossy(&script).trim_end()));
            Ok(())
        }
    }
}

/// Prints help, the version, or what is wrong with the arguments; returns the exit code.
fn no_arguments(answer: &clap::Error) -> u8 {
    // What is wrong is quoted, and a terminal would obey it.
    let obeyed = std::env::args_os().any(|argument| argument.to_string_lossy().contains(host::is_obeyed));
    if answer.use_stderr() && obeyed {
        answer.render().to_string().lines().for_each(|line| note!("{}", host::printable(line)));
    } else {
        console::keep_error(answer.print().and_then(|()| stdout().flush()));
    }
    u8::try_from(answer.exit_code()).unwrap_or(1)
}
