//! The names of classes: those of folders, and those that a file beside four IDX files says.

use super::locate::Place;
use super::{DataError, Set, SourceError};
use crate::host::files::{Action, FileError, printable};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The file of names that [`Dataset::write`](super::Dataset::write) writes beside four IDX files: one in each line, by label.
pub(super) const FILE: &str = "classes.txt";

/// How the file of an EMNIST split begins with its prefix and ends: a label and the codes of its letters in each line.
const MAPPING: &str = "mapping.txt";

/// The most bytes of a file of names: 256 long ones.
const MAX_LEN: u64 = 1 << 16;

/// Checks that a model file can keep a name.
pub(super) fn check_name(path: &Path, name: &str) -> Result<(), SourceError> {
    let why = match name {
        "" => "it is empty",
        _ if name.contains('|') => "the character | parts names in a model file",
        _ if name.contains(char::is_control) => "it has a control character",
        _ if name.trim() != name => "it begins or ends with a space",
        _ => return Ok(()),
    };
    Err(SourceError::Name { path: path.to_owned(), name: name.to_owned(), why })
}

/// The names, unless they are the labels themselves.
fn unless_numbers(names: Vec<String>) -> Vec<String> {
    let numbers = names.iter().enumerate().all(|(label, name)| *name == label.to_string());
    if numbers { Vec::new() } else { names }
}

/// The names that a file beside four IDX files says; none if there is no such file.
pub(super) fn beside(place: &Place) -> Result<Vec<String>, DataError> {
    let named = |name: &str| place.directory.join(format!("{}{name}", place.prefix));
    let (mapping, list) = (named(MAPPING), named(FILE));
    let (path, is_mapping) =
        if place.prefix.is_empty() || !mapping.is_file() { (list, false) } else { (mapping, true) };
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let mut text = String::new();
    let file = File::open(&path).map_err(FileError::io(Action::Open, &path))?;
    file.take(MAX_LEN + 1).read_to_string(&mut text).map_err(FileError::io(Action::Read, &path))?;
    Ok(parse(&path, &text, is_mapping)?)
}

/// Reads a text as names: for fuzzing.
///
/// # Errors
///
/// What is wrong with it.
#[doc(hidden)]
pub fn check_names(text: &str, is_mapping: bool) -> Result<Vec<String>, SourceError> {
    parse(Path::new("bytes.txt"), text, is_mapping)
}

/// The names of a text: a list, or a mapping of EMNIST.
fn parse(path: &Path, text: &str, is_mapping: bool) -> Result<Vec<String>, SourceError> {
    let mut names = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if is_mapping {
            let wrong = || SourceError::Line {
                path: path.to_owned(),
                line: number + 1,
                what: format!("{:?}; expected a label and the code of its letter, such as 10 65", printable(line)),
            };
            let (label, letter) = mapped(line).ok_or_else(wrong)?;
            // A label that no image has, such as 0 of the letters, is called by its number.
            (names.len()..=label).for_each(|label| names.push(label.to_string()));
            if let Some(name) = names.get_mut(label) {
                *name = letter.to_string();
            }
        } else {
            check_name(path, line)?;
            names.push(line.to_owned());
        }
    }
    if text.len() as u64 > MAX_LEN || names.len() > 256 {
        let what = format!("{} lines; expected the names of at most 256 classes", names.len());
        return Err(SourceError::Contents { path: path.to_owned(), what });
    }
    Ok(unless_numbers(names))
}

/// The label and the letter of a line of an EMNIST mapping; further codes are those of the same letter, in lower case.
fn mapped(line: &str) -> Option<(usize, char)> {
    let mut words = line.split_whitespace();
    let label = words.next()?.parse::<u8>().ok()?;
    let letter = words.next()?.parse::<u8>().ok().map(char::from).filter(char::is_ascii_graphic)?;
    // `|` parts names.
    (letter != '|').then_some((label.into(), letter))
}

impl Set {
    /// The same set, with these names for its classes.
    pub(super) fn named(self, names: Vec<String>) -> Result<Self, SourceError> {
        let classes = self.classes();
        if !names.is_empty() && names.len() < classes {
            let what = format!("labels go up to {}, but {} classes have names", classes - 1, names.len());
            return Err(SourceError::Contents { path: self.labels.path, what });
        }
        Ok(Self { names, ..self })
    }

    /// The same set with the classes of a network: where both have names, its labels become those that the network has for the
    /// names; where the set has none, it gets those of the network, label by label.
    ///
    /// # Errors
    ///
    /// [`SourceError::Classes`] if the network has no class of a name.
    pub fn for_classes<'a>(mut self, network: impl IntoIterator<Item = &'a str>) -> Result<Self, SourceError> {
        let names: Vec<String> = network.into_iter().map(str::to_owned).collect();
        if names.is_empty() || self.names == names {
            return Ok(self);
        }
        if self.names.is_empty() {
            // A label beyond them is found by whoever checks the set's labels.
            self.names = names;
            return Ok(self);
        }
        let mut map = Vec::new();
        for (at, name) in self.names.iter().enumerate() {
            let place = names.iter().position(|other| other == name).and_then(|place| u8::try_from(place).ok());
            let Some(place) = place else {
                let (path, found) = (self.images.path, self.names);
                return Err(SourceError::Classes { path, other: "the network".into(), at, found, expected: names });
            };
            map.push(place);
        }
        let labels = self.labels().iter().map(|&label| map.get(usize::from(label)).copied().unwrap_or(label)).collect();
        let path = self.labels.path;
        self.labels = super::Content { path, bytes: crate::host::files::Bytes::Read(labels), start: 0 };
        self.names = names;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn names_that_a_model_file_cannot_keep_are_refused() {
        let check = |name: &str| check_name(Path::new("x"), name);
        for name in ["cat", "none", "ß", "a b", "7"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for name in ["", "a|b", "a\nb", " a", "a ", "\u{7f}"] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn files_of_names_are_read() {
        let directory = TempDir::new().unwrap();
        let read = |prefix: &str, name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).unwrap();
            let place = Place { directory: directory.path().to_owned(), prefix: prefix.into() };
            beside(&place).map_err(|error| error.to_string())
        };
        assert_eq!(read("e-", "x", ""), Ok(vec![]));
        assert_eq!(read("e-", "e-mapping.txt", "1 65 97\r\n2 66 98\n"), Ok(vec!["0".into(), "A".into(), "B".into()]));
        assert_eq!(read("e-", "e-mapping.txt", "0 48\n1 49\n"), Ok(vec![]));
        assert!(read("e-", "e-mapping.txt", "0 48\n1 300\n").unwrap_err().contains("mapping.txt, line 2: \"1 300\""));
        assert_eq!(read("", "classes.txt", "cat\ndog\n"), Ok(vec!["cat".into(), "dog".into()]));
        assert!(read("", "classes.txt", "cat\n\ndog\n").unwrap_err().contains("a class cannot be called \"\""));
        assert!(read("", "classes.txt", &"x\n".repeat(257)).unwrap_err().contains("257 lines"));
    }

    #[test]
    fn labels_become_those_of_a_network() {
        let set = |names: &[&str]| {
            let set = Set::from_images("x", vec![1, 2, 3], vec![0, 1, 2], [1, 1]).unwrap();
            set.named(names.iter().map(|&name| name.to_owned()).collect()).unwrap()
        };
        let mapped = set(&["a", "c", "d"]).for_classes(["a", "b", "c", "d"]).unwrap();
        assert_eq!((mapped.labels(), mapped.classes()), (&[0, 2, 3][..], 4));
        let numbered = set(&[]).for_classes(["a", "b", "c"]).unwrap();
        assert_eq!((numbered.labels(), numbered.class_names().len()), (&[0, 1, 2][..], 3));
        assert_eq!(set(&["a", "b", "c"]).for_classes([]).unwrap().class_names().len(), 3);
        let error = set(&["a", "x", "c"]).for_classes(["a", "b", "c"]).unwrap_err().to_string();
        assert_eq!(error, "x has classes a | x | c, but the network has classes a | b | c: class 1 differs");
        let few = Set::from_images("x", vec![1], vec![2], [1, 1]).unwrap().named(vec!["a".into()]);
        assert_eq!(few.unwrap_err().to_string(), "x: labels go up to 2, but 1 classes have names");
    }
}
