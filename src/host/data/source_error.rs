//! Why a source that is not four IDX files cannot be used: what was found, where, what was expected.

use crate::host::files::printable;
use std::path::PathBuf;

/// How many pictures an error names.
const NAMED: usize = 5;

/// Why a data set in any form cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "what a field is, its variant says")]
pub enum SourceError {
    /// The path holds nothing that is known.
    #[error(
        "{} is no data set: {what}; expected a directory of four IDX files or of class folders (CLASS/*.png), a .csv or an .npz file",
        printable(path)
    )]
    Unknown { path: PathBuf, what: String },
    /// The path holds several data sets.
    #[error("{} holds several data sets: give one of {}", printable(path), list(choices))]
    Several { path: PathBuf, choices: Vec<PathBuf> },
    /// A line of a text file is wrong, counted from 1.
    #[error("{}, line {line}: {what}", printable(path))]
    Line { path: PathBuf, line: usize, what: String },
    /// It is not clear which column of a CSV file has the labels.
    #[error(
        "{}: it is not clear whether the first or the last column is the label; begin with a line of names, such as \
         label,pixel0,pixel1",
        printable(path)
    )]
    LabelColumn { path: PathBuf },
    /// A file or a directory as a whole is wrong.
    #[error("{}: {what}", printable(path))]
    Contents { path: PathBuf, what: String },
    /// Pictures that cannot be used, as they are or as pictures of a digit, with the reasons of the first; `total` is the number of all.
    #[error("{} of {total} pictures cannot be used: {}", refused.len(), reasons(refused))]
    Pictures { refused: Vec<String>, total: usize, as_is: bool },
    /// There is no test set, and no part of the training set was to be held out in its place.
    #[error("{} has no test set{}", printable(path), instead.map_or(String::new(), |it| format!(" ({it})")))]
    NoTest { path: PathBuf, instead: Option<&'static str> },
    /// A class cannot have this name.
    #[error("{}: a class cannot be called {name:?}: {why}", printable(path))]
    Name { path: PathBuf, name: String, why: &'static str },
    /// Two sets, or a set and a network, have different classes.
    #[error("{} has {}, but {other} has {}: class {at} differs", printable(path), names(found, *at), names(expected, *at))]
    Classes { path: PathBuf, other: String, at: usize, found: Vec<String>, expected: Vec<String> },
}

/// The first reasons, and how many there are more.
fn reasons(refused: &[String]) -> String {
    let first: Vec<_> = refused.iter().take(NAMED).map(String::as_str).collect();
    let more = refused.len() - first.len();
    first.join("; ") + &if more > 0 { format!("; and {more} more") } else { String::new() }
}

fn list(paths: &[PathBuf]) -> String {
    let each: Vec<_> = paths.iter().map(printable).collect();
    each.join(", ")
}

/// The names around a place.
fn names(names: &[String], at: usize) -> String {
    const SHOWN: usize = 3;
    if names.is_empty() {
        return "classes without names".into();
    }
    let start = at.saturating_sub(SHOWN - 1);
    let each: Vec<_> = names.iter().skip(start).take(2 * SHOWN - 1).map(printable).collect();
    let before = if start > 0 { "… | " } else { "" };
    let behind = if names.len() > start + each.len() { " | …" } else { "" };
    format!("classes {before}{}{behind}", each.join(" | "))
}
