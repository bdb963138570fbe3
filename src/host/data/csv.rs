//! Images as CSV: a label and the pixels in each line, as Kaggle's `train.csv` and `mnist_train.csv` have them. A line is read at a
//! time; memory is a byte for each number of the file.
//!
//! The format is digits, commas and line ends, with quotes and spaces around numbers at most: less than a crate for CSV is asked
//! for here would be glue to one.

use super::gzip::{Decompressed, is_compressed};
use super::source::{Need, Parts, Reading};
use super::{DataError, LabelColumn, Set, SetError, SourceError};
use crate::host::files::{Action, FileError};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The longest line: an image of 256 × 256 pixels takes a quarter of it.
const MAX_LINE: u64 = 1 << 20;

/// By how much a compressed file may expand, beyond a first mebibyte: pixels of MNIST do by 10.
const MAX_EXPANSION: u64 = 200;

/// How the names of files in a directory end: of training and of test images.
const PAIR: [&str; 2] = ["train.csv", "test.csv"];

/// The names that the label's column has in headers.
const LABEL_NAMES: [&str; 4] = ["label", "class", "y", "target"];

/// Whether a file is named as CSV, plain or compressed.
pub(super) fn is_csv(path: &Path) -> bool {
    let ends = |path: &Path, end: &str| path.extension().is_some_and(|it| it.eq_ignore_ascii_case(end));
    ends(path, "csv") || ends(path, "gz") && path.file_stem().is_some_and(|stem| ends(Path::new(stem), "csv"))
}

/// The files of a directory, `train.csv` and `test.csv` with the same before both, such as `fashion-mnist_`; the pair with the least
/// before it, if there are several. One alone is taken only where nothing or `mnist_` is before it: others may be anything.
pub(super) fn pair(directory: &Path) -> Option<[PathBuf; 2]> {
    let names = fs::read_dir(directory).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let prefix = |name: String| {
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        PAIR.iter().find_map(|end| plain.strip_suffix(end)).map(str::to_owned)
    };
    let files = |prefix: &str| {
        PAIR.map(|end| {
            let plain = directory.join(format!("{prefix}{end}"));
            if plain.is_file() { plain } else { directory.join(format!("{prefix}{end}.gz")) }
        })
    };
    let is_pair =
        |prefix: &String| ["", "mnist_"].contains(&&**prefix) || files(prefix).iter().all(|file| file.is_file());
    let prefix = names.filter_map(prefix).filter(is_pair).min_by(|a, b| (a.len(), a).cmp(&(b.len(), b)))?;
    Some(files(&prefix))
}

/// Reads the files of a directory.
pub(super) fn read_pair([train, test]: [PathBuf; 2], how: &Reading, need: Need) -> Result<Parts, DataError> {
    let mut parts = Parts::default();
    if need.train() {
        let rows = Rows::open(&train)?;
        let (set, what) = rows.into_set(&train, how.label_column, None)?;
        (parts.train, parts.what) = (Some(set), what);
    }
    if !need.test() {
        parts.unused = test.is_file().then_some(test);
        return Ok(parts);
    }
    if !test.is_file() {
        let instead = None;
        return Err(SourceError::NoTest { path: train, instead }.into());
    }
    let rows = Rows::open(&test)?;
    if rows.columns.isqrt().pow(2) == rows.columns {
        let instead = Some("its test file has pixels only, no labels");
        return Err(SourceError::NoTest { path: test, instead }.into());
    }
    let classes = parts.train.as_ref().map(Set::classes);
    let (set, what) = rows.into_set(&test, how.label_column, classes)?;
    if parts.train.is_some() && what != parts.what {
        let what = format!("{what} here, but {} in the training file", parts.what);
        return Err(SourceError::Contents { path: test, what }.into());
    }
    (parts.test, parts.what) = (Some(set), what);
    Ok(parts)
}

/// Reads one file, all of which are training images.
pub(super) fn read_file(path: &Path, how: &Reading, need: Need) -> Result<Parts, DataError> {
    if need.test() {
        return Err(SourceError::NoTest { path: path.to_owned(), instead: None }.into());
    }
    let (set, what) = Rows::open(path)?.into_set(path, how.label_column, None)?;
    Ok(Parts { train: Some(set), what, ..Parts::default() })
}

/// Reads bytes as a CSV file: for fuzzing.
///
/// # Errors
///
/// What is wrong with them.
#[doc(hidden)]
pub fn check_csv(bytes: &[u8]) -> Result<Set, DataError> {
    let path = Path::new("bytes.csv");
    Ok(Rows::read(path, bytes)?.into_set(path, None, None)?.0)
}

/// The numbers of a file.
#[derive(Debug)]
struct Rows {
    /// The names of the first line, if it has names.
    header: Option<Vec<String>>,
    columns: usize,
    /// `[rows][columns]`.
    values: Vec<u8>,
}

impl Rows {
    fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(FileError::io(Action::Open, path))?;
        if !is_compressed(path)? {
            return Self::read(path, BufReader::new(file));
        }
        let packed = file.metadata().map_err(FileError::io(Action::Open, path))?.len();
        let most = (1 << 20) + packed.saturating_mul(MAX_EXPANSION);
        let text = Decompressed::new(BufReader::new(file)).take(most + 1);
        let mut text = BufReader::with_capacity(1 << 16, text);
        let rows = Self::read(path, &mut text);
        // Where it was cut, the last line is wrong.
        if text.get_ref().limit() > 0 {
            return rows;
        }
        let what =
            format!("the archive expands to more than {MAX_EXPANSION} times its length: it is no CSV file of pictures");
        Err(SourceError::Contents { path: path.to_owned(), what }.into())
    }

    fn read(path: &Path, mut text: impl BufRead) -> Result<Self, DataError> {
        let mut rows = Self { header: None, columns: 0, values: Vec::new() };
        let wrong = |line, what| SourceError::Line { path: path.to_owned(), line, what };
        let (mut line, mut number, mut blank) = (Vec::new(), 0, None);
        loop {
            line.clear();
            number += 1;
            let failed = |error: io::Error| match error.raw_os_error() {
                None => DataError::Gzip { path: path.to_owned(), error },
                Some(_) => FileError::io(Action::Read, path)(error).into(),
            };
            text.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line).map_err(failed)?;
            if line.is_empty() {
                break;
            }
            if line.len() as u64 > MAX_LINE {
                return Err(wrong(number, format!("longer than {MAX_LINE} bytes")).into());
            }
            let mut fields = line.strip_suffix(b"\n").unwrap_or(&line);
            fields = fields.strip_suffix(b"\r").unwrap_or(fields);
            if number == 1 {
                fields = fields.strip_prefix(b"\xef\xbb\xbf").unwrap_or(fields);
                rows.header = header(fields);
                rows.columns = fields.split(|&byte| byte == b',').count();
                if rows.columns < 2 && !fields.is_empty() {
                    return Err(
                        wrong(1, "one column; expected a label and pixels, with commas between them".into()).into()
                    );
                }
                if rows.header.is_some() {
                    continue;
                }
            }
            if fields.iter().all(u8::is_ascii_whitespace) {
                blank.get_or_insert(number);
                continue;
            }
            if let Some(blank) = blank {
                return Err(wrong(blank, "an empty line, and more lines behind it".into()).into());
            }
            rows.add(fields).map_err(|what| wrong(number, what))?;
        }
        if rows.values.is_empty() {
            return Err(SetError::Empty { path: path.to_owned() }.into());
        }
        Ok(rows)
    }

    /// Takes in the numbers of a line.
    fn add(&mut self, line: &[u8]) -> Result<(), String> {
        let mut found = 0;
        // Memory that is not there is an error, not an abort.
        self.values.try_reserve(self.columns).map_err(|_| "out of memory".to_owned())?;
        for field in line.split(|&byte| byte == b',') {
            found += 1;
            if found > self.columns {
                found = line.split(|&byte| byte == b',').count();
                break;
            }
            let value = number(field).ok_or_else(|| {
                let shown: String = String::from_utf8_lossy(field).trim().chars().take(20).collect();
                format!("column {found} is {shown:?}; expected an integer from 0 to 255")
            })?;
            self.values.push(value);
        }
        if found == self.columns {
            return Ok(());
        }
        Err(format!("{found} columns, but {} in the first line", self.columns))
    }

    /// Parts labels from pixels. `classes` are those that labels must be among.
    fn into_set(
        self,
        path: &Path,
        label: Option<LabelColumn>,
        classes: Option<usize>,
    ) -> Result<(Set, String), DataError> {
        let wrong = |what| SourceError::Contents { path: path.to_owned(), what };
        let (pixels, columns) = (self.columns - 1, self.columns);
        let side = pixels.isqrt();
        let side = match u16::try_from(side) {
            Ok(side) if usize::from(side).pow(2) == pixels => side,
            _ if columns.isqrt().pow(2) == columns => {
                return Err(wrong(format!("{columns} columns are the pixels of a square: there is no label")).into());
            }
            _ => {
                return Err(wrong(format!(
                    "{columns} columns; expected a label and the pixels of a square, such as 1 + 784"
                ))
                .into());
            }
        };
        let elsewhere = self.label_elsewhere().filter(|_| label.is_none());
        if let Some(name) = elsewhere {
            return Err(wrong(format!("the column {name} is neither the first nor the last: move it there")).into());
        }
        let (column, why) = match label {
            Some(column) => (column, "as told"),
            None => self.label_column().ok_or_else(|| SourceError::LabelColumn { path: path.to_owned() })?,
        };
        let at = if column == LabelColumn::First { 0 } else { pixels };
        let labels: Vec<u8> = self.values.chunks_exact(columns).map(|row| row[at]).collect();
        if let Some(classes) = classes
            && let Some((row, found)) = labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= classes)
        {
            let line = row + 1 + usize::from(self.header.is_some());
            let what = format!("label {found}; the training labels are 0 to {}", classes - 1);
            return Err(SourceError::Line { path: path.to_owned(), line, what }.into());
        }
        let mut images = self.values;
        let mut place = 0;
        images.retain(|_| {
            let keep = place != at;
            place = if place == pixels { 0 } else { place + 1 };
            keep
        });
        let column = if column == LabelColumn::First { "first" } else { "last" };
        let set = Set::from_images(path, images, labels, [side; 2])?;
        Ok((set, format!("CSV with the label in the {column} column ({why})")))
    }

    /// The name of a column that the header calls that of the labels, and that is neither the first nor the last.
    fn label_elsewhere(&self) -> Option<&str> {
        let inner = self.header.as_ref()?.get(1..self.columns - 1)?;
        let is_label = |name: &&String| LABEL_NAMES.iter().any(|label| name.eq_ignore_ascii_case(label));
        inner.iter().find(is_label).map(String::as_str)
    }

    /// Where the labels are, and how that is known: by the header's name for it, or because only one of the two columns looks like
    /// labels: of several values, which are 0 or 1 and all those up to the largest, and on average twice each. (A pixel in a
    /// corner hardly changes.)
    fn label_column(&self) -> Option<(LabelColumn, &'static str)> {
        if let Some(header) = &self.header {
            let is_label = |name: Option<&String>| {
                name.is_some_and(|name| LABEL_NAMES.iter().any(|label| name.eq_ignore_ascii_case(label)))
            };
            match (is_label(header.first()), is_label(header.last())) {
                (true, false) => return Some((LabelColumn::First, "by the header")),
                (false, true) => return Some((LabelColumn::Last, "by the header")),
                _ => {}
            }
        }
        let looks_like_labels = |at: usize| {
            let (mut seen, mut rows) = ([false; 256], 0);
            for row in self.values.chunks_exact(self.columns) {
                seen[usize::from(row[at])] = true;
                rows += 1;
            }
            let values = seen.iter().filter(|seen| **seen).count();
            let largest = seen.iter().rposition(|seen| *seen).unwrap_or_default();
            values > 1 && values * 2 <= rows && largest + 1 - values <= usize::from(!seen[0])
        };
        match (looks_like_labels(0), looks_like_labels(self.columns - 1)) {
            (true, false) => Some((LabelColumn::First, "by its values")),
            (false, true) => Some((LabelColumn::Last, "by its values")),
            _ => None,
        }
    }
}

/// The names in a first line: where the first or the last field has letters, or all are their own places from 0 on, which are no
/// names.
fn header(line: &[u8]) -> Option<Vec<String>> {
    let fields = || line.split(|&byte| byte == b',');
    let is_place =
        |(place, field): (usize, &[u8])| core::str::from_utf8(field).is_ok_and(|it| it.trim().parse() == Ok(place));
    let has_letters = |field: Option<&[u8]>| field.is_some_and(|field| field.iter().any(u8::is_ascii_alphabetic));
    // A label of 0 and a pixel of 1 are no places.
    let are_places = || fields().count() > 2 && fields().enumerate().all(is_place);
    if !(has_letters(fields().next()) || has_letters(fields().next_back()) || are_places()) {
        return None;
    }
    Some(fields().map(|field| String::from_utf8_lossy(unquoted(field)).trim().to_owned()).collect())
}

/// A field without spaces and quotes around it.
fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field).trim_ascii()
}

/// A number from 0 to 255, which may have zeros behind a point.
fn number(field: &[u8]) -> Option<u8> {
    let field = unquoted(field);
    let (whole, rest) = field.split_at(field.iter().position(|&byte| byte == b'.').unwrap_or(field.len()));
    if whole.is_empty() || rest.iter().skip(1).any(|&byte| byte != b'0') {
        return None;
    }
    whole.iter().try_fold(0_u8, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(())?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Set, String), String> {
        let rows = Rows::read(Path::new("x.csv"), text.as_bytes());
        rows.and_then(|rows| rows.into_set(Path::new("x.csv"), None, None)).map_err(|error| error.to_string())
    }

    #[test]
    fn labels_are_found_in_the_first_or_the_last_column() {
        let first = "0,9,8,7,6\n1,5,4,3,2\n0,1,1,1,9\n1,2,2,2,9\n";
        let last = "9,8,7,6,0\n5,4,3,2,1\n1,1,1,9,0\n2,2,2,9,1\n";
        let expected = read(first).unwrap();
        assert_eq!(expected.1, "CSV with the label in the first column (by its values)");
        assert_eq!((expected.0.labels(), expected.0.image_size()), (&[0, 1, 0, 1][..], Some([2, 2])));
        assert_eq!(expected.0.images(), [9, 8, 7, 6, 5, 4, 3, 2, 1, 1, 1, 9, 2, 2, 2, 9]);
        for (text, column) in [
            (last.to_owned(), "last column (by its values)"),
            (format!("label,1x1,1x2,2x1,2x2\n{first}"), "first column (by the header)"),
            (format!("p0,p1,p2,p3,Class\r\n{}", last.replace('\n', "\r\n")), "last column (by the header)"),
            (format!("\u{feff}\"y\",\"a\",\"b\",\"c\",\"d\"\n{first}\n\n"), "first column (by the header)"),
            (first.replace(',', ", ").replace('9', "\"9.00\""), "first column (by its values)"),
            (format!("0,1,2,3,4\n{first}"), "first column (by its values)"),
            (first.trim_end().to_owned(), "first column (by its values)"),
        ] {
            let (set, what) = read(&text).unwrap();
            assert!(what.ends_with(column), "{what}: {text}");
            assert_eq!((set.labels(), set.images()), (expected.0.labels(), expected.0.images()), "{text}");
        }
        // Images of one pixel.
        let (set, what) = read("label,a\n0,9\n1,8\n").unwrap();
        assert_eq!((set.labels(), set.images()), (&[0, 1][..], &[9, 8][..]), "{what}");
        // Both columns may be labels, or neither.
        for text in ["0,9,8,7,0\n1,5,4,3,1\n0,1,1,1,0\n1,2,2,2,1\n", "7,1,1,1,9\n7,2,2,2,9\n", "0,1,2,3,4\n"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        let good = "label,a,b,c,d\n0,9,8,7,6\n1,5,4,3,2\n";
        for (text, error) in [
            (format!("{good}0,1,2,3\n"), "x.csv, line 4: 4 columns, but 5 in the first line"),
            (format!("{good}0,1,2,3,4,5\n"), "x.csv, line 4: 6 columns, but 5"),
            (good.replace('8', "256"), "x.csv, line 2: column 3 is \"256\"; expected an integer from 0 to 255"),
            (good.replace('8', "1.5"), "x.csv, line 2: column 3 is \"1.5\""),
            (good.replace('8', "-1"), "column 3 is \"-1\""),
            (good.replace('8', ""), "column 3 is \"\""),
            (good.replace('8', "\"8"), "column 3 is \"\\\"8\""),
            (good.replace("1,5", "300,5"), "x.csv, line 3: column 1 is \"300\""),
            (good.replace("1,5", "cat,5"), "x.csv, line 3: column 1 is \"cat\""),
            (good.replace("\n1", "\n\n1"), "x.csv, line 3: an empty line"),
            (good.replace(',', ";"), "x.csv, line 1: one column"),
            ("label,a,b,c,d\n".into(), "has no images"),
            (String::new(), "has no images"),
            ("1,2,3,4\n5,6,7,8\n".into(), "4 columns are the pixels of a square: there is no label"),
            ("1,2,3\n5,6,7\n".into(), "3 columns; expected a label and the pixels of a square"),
            ("1,2,3,4,".repeat(1 << 18), "x.csv, line 1: longer than 1048576 bytes"),
        ] {
            let found = read(&text).unwrap_err();
            assert!(found.contains(error), "{found}: {error}");
        }
    }
}
