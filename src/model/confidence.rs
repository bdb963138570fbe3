//! The table of confidence, kept in a line of the model's text: `confidence: 0 50 | 300 90 | 700 99`, margins and per cent.

use super::{Details, Model};
use crate::base::{Always, Confidence};

/// How the line begins.
const KEY: &str = "confidence: ";

impl Details<'_> {
    /// From margins to confidence; `None` if the text has no line of it, or one that is no such table.
    ///
    /// ```
    /// let details = twolayer::model::Details { image: None, text: "confidence: 0 50 | 300 90\nmore" };
    /// assert_eq!(details.confidence().unwrap().of(300_u32), 90);
    /// ```
    #[must_use]
    pub fn confidence(&self) -> Option<Confidence> {
        read(self.text.as_bytes())
    }
}

impl Model<'_> {
    /// From margins to confidence: that of [`details`](Self::details), which firmware need not ask for all of.
    #[must_use]
    pub fn confidence(&self) -> Option<Confidence> {
        let (_, behind) = self.bytes.split_at_checked(super::HEADER_LEN)?;
        read(behind.get(self.payload.len()..).always("the payload is part of the bytes"))
    }
}

/// The table of a text.
fn read(text: &[u8]) -> Option<Confidence> {
    let mut lines = text.split(|&byte| byte == b'\n');
    let mut rest = lines.find_map(|line| line.strip_prefix(KEY.as_bytes()))?.trim_ascii_end();
    let mut steps = [(0, 0); Confidence::MAX_STEPS];
    let mut len = 0;
    loop {
        let place = steps.get_mut(len)?;
        let (margin, percent);
        (margin, rest) = number(rest)?;
        (percent, rest) = number(rest.strip_prefix(b" ")?)?;
        *place = (margin, u8::try_from(percent).ok()?);
        len += 1;
        if rest.is_empty() {
            return Confidence::new(steps.get(..len)?);
        }
        rest = rest.strip_prefix(b" | ")?;
    }
}

/// The decimal number at the beginning, of one digit or more, and what follows it.
fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let (mut number, mut rest, mut digits) = (0_u32, text, 0);
    while let Some((digit @ b'0'..=b'9', behind)) = rest.split_first() {
        number = number.checked_mul(10)?.checked_add(u32::from(digit - b'0'))?;
        (rest, digits) = (behind, digits + 1);
    }
    (digits > 0).then_some((number, rest))
}

/// The line of a text that says this table, without an end of line.
#[cfg(feature = "std")]
#[must_use]
pub fn confidence_line(table: &Confidence) -> String {
    let steps: Vec<_> = table.steps().map(|(margin, percent)| format!("{margin} {percent}")).collect();
    [KEY, &steps.join(" | ")].concat()
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let table = Confidence::new(&[(0, 7), (12, 50), (u32::MAX, 100)]).unwrap();
        let line = confidence_line(&table);
        assert_eq!(line, "confidence: 0 7 | 12 50 | 4294967295 100");
        for text in [line.clone(), format!("classes: a | b\n{line}"), format!("{line}\r\nmore")] {
            assert_eq!(Details { image: None, text: &text }.confidence(), Some(table), "{text}");
        }
        for text in [
            "",
            "confidence:",
            "confidence: ",
            "confidence: 0",
            "confidence: 0 x",
            "confidence: 0 50 |",
            "confidence: 0 50 | 4294967296 60",
            "confidence: 0 256",
            "confidence: 1 50",
            "confidence: 0 50|1 60",
            "confidence: 0  50",
            "confidence: -0 50",
            "of confidence: 0 50",
        ] {
            assert_eq!(Details { image: None, text }.confidence(), None, "{text}");
        }
        let many: Vec<_> = (0..21).map(|n| format!("{n} {n}")).collect();
        let text = format!("confidence: {}", many.join(" | "));
        assert_eq!(Details { image: None, text: &text }.confidence(), None);
    }
}
