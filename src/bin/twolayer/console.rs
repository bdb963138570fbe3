//! Printing that never aborts a command: an error of standard output is kept and reported at the end.

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
    keep_error(writeln!(output, "{line}").and_then(|()| output.flush()));
}

/// Keeps an error of standard output; a closed pipe, as in `twolayer eval | head -1`, is none.
pub(crate) fn keep_error(written: Result<(), Error>) {
    match written {
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
