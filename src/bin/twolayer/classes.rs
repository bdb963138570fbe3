//! The names of classes: in a model's text, and where a class is shown.

use crate::error::{Error, ensure};
use twolayer::host::printable;
use twolayer::model::{Details, classes_line};

/// The names of a network's classes; none are known if it is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// Those that a model has.
    pub(crate) fn of(details: Details<'_>) -> Self {
        Self(details.class_names().map(str::to_owned).collect())
    }

    /// What a class is called: its name, or its number.
    pub(crate) fn show(&self, class: u8) -> String {
        self.get(class).map_or_else(|| class.to_string(), printable)
    }

    /// A class's name, if it has one.
    pub(crate) fn get(&self, class: u8) -> Option<&str> {
        self.0.get(usize::from(class)).map(String::as_str)
    }

    /// The class of a name.
    pub(crate) fn class(&self, name: &str) -> Option<u8> {
        self.0.iter().position(|other| other == name).and_then(|class| u8::try_from(class).ok())
    }

    /// Whether what is read class by class is words, not one character for each.
    pub(crate) fn are_words(&self) -> bool {
        self.0.iter().any(|name| name.chars().count() > 1)
    }
}

/// The line of the names of classes, if they have some, and other lines.
pub(crate) fn lines(names: &[String], rest: &str) -> String {
    let parts = [&classes_line(names), rest];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The same, as the text of a model, which has room for so much.
pub(crate) fn text(names: &[String], rest: &str) -> Result<String, Error> {
    let text = lines(names, rest);
    ensure!(
        text.len() <= Details::MAX_TEXT,
        "the names of {} classes and the recipe take {} bytes, but a model file has room for {}: shorten the names of the class folders",
        names.len(),
        text.len(),
        Details::MAX_TEXT
    );
    Ok(text)
}

/// What is to be said behind a model's text: on a line of its own, where the text is made of lines.
pub(crate) fn appended(text: &str, more: &str) -> String {
    let lines = text.contains('\n') || Details { image: None, text }.class_names().next().is_some();
    match (text, more) {
        ("", text) | (text, "") => text.to_owned(),
        _ if lines => format!("{text}\n{more}"),
        _ => format!("{text}; {more}"),
    }
}
