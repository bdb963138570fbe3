//! What `twolayer predict` reads of a picture with several digits, or of its cells.

use crate::args::PredictArgs;
use crate::classes::Names;
use crate::console::say;
use crate::error::Error;
use crate::prediction::{Input, Least, Number, Prediction, predict};
use serde::Serialize;
use twolayer::host::GreyPicture;
use twolayer::picture::{Picture, PictureError, Seen};
use twolayer::{AnyNetwork, AnyOutputs};

/// The digits of a picture in the order in which they are read, and empty cells.
pub(crate) struct Reading(Vec<Place>);

/// A digit, or a cell.
struct Place {
    /// Nothing, of an empty cell.
    found: Option<Prediction>,
    line: u16,
    /// It may be several digits, or a part of one.
    doubtful: bool,
}

impl Reading {
    /// Reads a picture: its cells, where the arguments say that it has some, else all digits that are found.
    pub(crate) fn new(
        args: &PredictArgs,
        network: &AnyNetwork<'_>,
        picture: &GreyPicture,
        side: u32,
        least: Least,
    ) -> Result<Self, Error> {
        let input = |pixels, seen| Input { pixels, width: side as usize, seen: Some(seen), label: None };
        let mut places = Vec::new();
        let Some([rows, columns]) = args.grid.or(args.cells.map(|cells| [1, cells])) else {
            let mut memory = vec![0; network.scratch_len()];
            let sureness = |input: &[u8]| network.outputs(input, &mut memory).map_or(0, AnyOutputs::sureness);
            for digit in picture.digits(args.invert, side, sureness)? {
                let found = predict(network, input(digit.input, digit.seen), least)?;
                places.push(Place { found: Some(found), line: digit.line, doubtful: digit.doubtful });
            }
            return Ok(Self(places));
        };
        let (rows, columns) = (u32::from(rows), u32::from(columns));
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let [left, right] = [column, column + 1].map(|n| n * picture.width() / columns);
            let [top, bottom] = [row, row + 1].map(|n| n * picture.height() / rows);
            let mut pixels = vec![0; side as usize * side as usize];
            let mut scratch = vec![0; Picture::scratch_len(right - left, bottom - top, side)];
            let cell = picture.picture()?.crop(left, top, right - left, bottom - top);
            let seen = cell.and_then(|cell| cell.normalize(args.invert, &mut scratch, &mut pixels));
            let found = match seen {
                Ok(mut seen) => {
                    (seen.left, seen.top) = (seen.left + left, seen.top + top);
                    Some(predict(network, input(pixels, seen), least)?)
                }
                Err(PictureError::Blank { .. } | PictureError::NoDigit(_)) => None,
                Err(error) => return Err(picture.error(error).into()),
            };
            places.push(Place { found, line: u16::try_from(row).unwrap_or(u16::MAX), doubtful: false });
        }
        Ok(Self(places))
    }

    /// Whether it is a single digit, which is shown as a picture of one.
    pub(crate) fn is_one(&self) -> bool {
        matches!(&self.0[..], [Place { found: Some(_), doubtful: false, .. }])
    }

    /// What the network sees of the first digit.
    pub(crate) fn first(&self) -> Option<&Input> {
        self.0.iter().find_map(|place| place.found.as_ref()).map(|found| &found.input)
    }

    /// The number, a line for each line of digits: `?` for a digit that is in doubt, `.` for an empty cell. Names of one character
    /// are written like digits, and others with spaces between them.
    pub(crate) fn number(&self, names: &Names) -> String {
        let (mut text, mut line) = (String::new(), 0);
        for place in &self.0 {
            if place.line != line {
                text.push('\n');
                line = place.line;
            } else if names.are_words() && !text.is_empty() {
                text.push(' ');
            }
            match place.class() {
                Some(class) => text += &names.show(class),
                None => text.push(if place.found.is_some() { '?' } else { '.' }),
            }
        }
        text
    }

    /// The number; then its digits, one a line.
    pub(crate) fn print(&self, name: &str, names: &Names) {
        let number = self.number(names);
        let break_or_space = if number.contains('\n') { '\n' } else { ' ' };
        say!("\n{name}:{break_or_space}{number}");
        for place in &self.0 {
            let Some(found) = &place.found else { continue };
            let Some(seen) = found.input.seen else { continue };
            let why = match (place.doubtful, found.below) {
                (true, _) => ", may be several digits or a part of one".into(),
                (false, Some(option)) => format!(", below {option}"),
                _ => String::new(),
            };
            say!(
                "  {}  {}; {} × {} pixels, {} from the left, {} from the top{why}",
                names.show(found.class),
                found.how_sure(),
                seen.width,
                seen.height,
                seen.left,
                seen.top
            );
        }
    }

    /// The digits as they are printed, and where they are.
    pub(crate) fn answers(&self, names: &Names) -> impl Iterator<Item = (String, Seen)> {
        let text = |place: &Place| place.class().map_or_else(|| "?".into(), |class| names.show(class));
        self.0.iter().filter_map(move |place| Some((text(place), place.found.as_ref()?.input.seen?)))
    }

    /// What `--json` prints of the digits; not of empty cells.
    pub(crate) fn parts(&self, names: &Names) -> Vec<DigitPart> {
        let part = |place: &Place| {
            let found = place.found.as_ref()?;
            let seen = found.input.seen?;
            let (class, line) = (place.class(), place.line);
            let &Prediction { margin, confidence, .. } = found;
            let name = class.and_then(|class| names.get(class)).map(str::to_owned);
            Some(DigitPart {
                class,
                name,
                margin,
                confidence,
                line,
                r#box: [seen.left, seen.top, seen.width, seen.height],
            })
        };
        self.0.iter().filter_map(part).collect()
    }
}

impl Place {
    /// The class, where it is not in doubt.
    fn class(&self) -> Option<u8> {
        self.found.as_ref().filter(|found| found.is_sure() && !self.doubtful).map(|found| found.class)
    }
}

/// A digit of a number.
#[derive(Serialize)]
pub(crate) struct DigitPart {
    class: Option<u8>,
    name: Option<String>,
    margin: Number,
    confidence: Option<u8>,
    line: u16,
    /// Left, top, width, height.
    r#box: [u32; 4],
}
