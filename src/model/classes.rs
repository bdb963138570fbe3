//! The names of a network's classes, kept in a line of the model's text: `classes: cat | dog | none`, in the order of labels.

use super::Details;

/// How the line begins.
const KEY: &str = "classes: ";

/// What is between two names, neither of which has a `|` or ends with a space.
#[cfg(feature = "std")]
const BETWEEN: &str = " | ";

impl<'a> Details<'a> {
    /// The most bytes of [`text`](Self::text).
    pub const MAX_TEXT: usize = super::MAX_TEXT;

    /// The names of the classes, by class; none if the text has no line of them.
    ///
    /// ```
    /// let details = twolayer::model::Details { image: None, text: "classes: cat | dog\ntrained with care" };
    /// assert!(details.class_names().eq(["cat", "dog"]));
    /// assert_eq!((details.class_name(1), details.class_name(2)), (Some("dog"), None));
    /// ```
    pub fn class_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        // As bytes: firmware in which nothing panics cannot search a `str`.
        let mut lines = self.text.as_bytes().split(|&byte| byte == b'\n');
        let line = lines.find_map(|line| line.strip_prefix(KEY.as_bytes()));
        let names = line.into_iter().flat_map(|names| names.split(|&byte| byte == b'|'));
        names.map(|name| core::str::from_utf8(name.trim_ascii()).unwrap_or_default())
    }

    /// The name of a class, if it has one.
    #[must_use]
    pub fn class_name(&self, class: u8) -> Option<&'a str> {
        self.class_names().nth(class.into())
    }
}

/// The line of a text that names these classes, without an end of line; empty if there are none.
#[cfg(feature = "std")]
#[must_use]
pub fn classes_line(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { [KEY, &names.join(BETWEEN)].concat() }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_written() {
        let names = ["a", "b c", "ß"].map(String::from);
        let line = classes_line(&names);
        assert_eq!(line, "classes: a | b c | ß");
        for text in [line.clone(), format!("recipe: x\n{line}\nmore | x"), format!("{line}\r\nx")] {
            let details = Details { image: None, text: &text };
            assert!(details.class_names().eq(&names), "{text}");
            assert_eq!([0, 2, 3, 255].map(|class| details.class_name(class)), [Some("a"), Some("ß"), None, None]);
        }
        for text in ["", "trained with classes: a | b", "classes:a"] {
            assert_eq!(Details { image: None, text }.class_names().next(), None, "{text}");
        }
        assert_eq!(classes_line(&[]), "");
    }
}
