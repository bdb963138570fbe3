//! Writes a quantised network as C: one file and its header, data and inference, for firmware without Rust.
//!
//! The code is `c99/network.c` and `c99/network.h`: C that compiles as it stands, for a sample of a network (`c99/sizes.h` and
//! `c99/weights.h`). An export has the network's own numbers in place of these two, and its own prefix in place of `network_` and
//! `NETWORK_`, which every identifier outside functions has.

mod framework;

pub use framework::Framework;

use super::ConvertError;
use crate::base::{Always, Answer, Confidence};
use crate::host::files::{ModelFile, Quantized, write_all_atomically};
use crate::int::{QuantizedNetwork, addable_rows};
use core::fmt::Write as _;
use std::path::{Path, PathBuf};

const SOURCE: &str = include_str!("c99/network.c");
const HEADER: &str = include_str!("c99/network.h");
/// The first line of the header.
const FIRST: &str = "/* A classifier in integers, written by `twolayer export`: portable C99 (also C11 and C++), without a heap or a library. */";

/// A quantised network in C99, which is C++ as well: integers only, for every machine with a C compiler, and with the outputs
/// of [`QuantizedNetwork`](crate::QuantizedNetwork).
///
/// Several exports can be part of one program, or even of one file, if their names differ in more than case.
///
/// ```
/// use twolayer::host::{C99, Quantized};
/// use twolayer::{Bits, Shape};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // From a model file it is `ModelFile::open(path, access)?.quantized()?`.
/// let mut payload = [0; 86];
/// payload[0] = 1;
/// let network = Quantized::new(Shape::new(4, 3, 2)?, Bits::Eight, &payload)?;
///
/// let c = C99::new("digits", &network)?;
/// assert!(c.header().contains("uint_least8_t digits_classify(const uint8_t *pixels, digits_memory *memory);"));
/// assert_eq!((c.flash(), c.ram()), (70, 96));
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("digits.c");
/// c.write(&path)?; // and digits.h beside it
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct C99<'a> {
    name: &'a str,
    network: &'a Quantized,
    /// The names of classes, if they have some.
    classes: Vec<&'a str>,
    /// The width and height of an image, where they are known.
    image: Option<[u16; 2]>,
    /// From margins to confidence, where the model has such a table.
    confidence: Option<Confidence>,
    /// What the header says of the model.
    about: String,
}

impl<'a> C99<'a> {
    /// The C of a network, whose identifiers begin with `name` and an underscore.
    ///
    /// # Errors
    ///
    /// [`ConvertError::CName`] if `name` is not a letter, followed by letters, digits and underscores (all of them ASCII).
    pub fn new(name: &'a str, network: &'a Quantized) -> Result<Self, ConvertError> {
        if !name.starts_with(|first: char| first.is_ascii_alphabetic())
            || !name.chars().all(|next| next.is_ascii_alphanumeric() || next == '_')
        {
            return Err(ConvertError::CName { found: name.into() });
        }
        let image = network.shape().prepared_image();
        Ok(Self { name, network, classes: Vec::new(), image, confidence: None, about: String::new() })
    }

    /// The same with names of classes, by class, as an array in the header: of a model file's, `details().class_names()`.
    #[must_use]
    pub fn with_class_names(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { classes: names.into_iter().take(self.network.shape().outputs()).collect(), ..self }
    }

    /// The same with a table of confidence, as a function of the margin: of a model file's, `details().confidence()`.
    #[must_use]
    pub fn with_confidence(self, confidence: Option<Confidence>) -> Self {
        Self { confidence, ..self }
    }

    /// The same with what the model file says: the names of classes, the table of confidence, an image's width and height and, in the header's first comment, the
    /// file's CRC-32 and its text.
    #[must_use]
    pub fn of(self, file: &'a ModelFile) -> Self {
        let details = file.details();
        let mut about = format!(" *\n * The model: CRC-32 of its payload {:08x}.\n", file.checksum());
        for line in details.text.lines() {
            // Neither the end of a comment, nor the beginning of one, nor a backslash that joins lines.
            let line = line.replace("*/", "* /").replace("/*", "/ *").replace('\\', "/");
            let line: String = line.chars().filter(|c| !c.is_control()).collect();
            let _ = writeln!(about, " * {}", line.trim_end());
        }
        let image = details.image.or(self.image);
        Self { image, about, ..self }.with_confidence(details.confidence()).with_class_names(details.class_names())
    }

    /// The path of the header that belongs to a C file.
    #[must_use]
    pub fn header_path(path: &Path) -> PathBuf {
        path.with_extension("h")
    }

    /// Writes the C file to `path` and its header beside it: both are complete before either replaces a file.
    ///
    /// # Errors
    ///
    /// [`ConvertError::CFile`] if `path` is that of a header, or its name cannot be part of an `#include`;
    /// [`ConvertError::File`] if a file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ConvertError> {
        let header = Self::header_path(path);
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.filter(|stem| header != path && can_be_included(stem));
        let stem = stem.ok_or_else(|| ConvertError::CFile { path: path.to_owned() })?;
        Ok(write_all_atomically(&[(&header, self.header().as_bytes()), (path, self.source(stem).as_bytes())])?)
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> String {
        let first = format!(
            "{} *\n * Written by twolayer {}; the code is under the MIT License or the Apache License 2.0, as you choose.\n{} */\n",
            FIRST.replace(" */", "\n"),
            env!("CARGO_PKG_VERSION"),
            self.about
        );
        self.exported(HEADER, &[(FIRST, first), ("#include \"sizes.h\"", self.sizes())])
    }

    /// The C file, which includes `<header>.h`.
    #[must_use]
    pub fn source(&self, header: &str) -> String {
        let include = format!("#include \"{header}.h\"\n");
        self.exported(SOURCE, &[("#include \"network.h\"", include), ("#include \"weights.h\"", self.arrays())])
    }

    /// The bytes of flash that the numbers take.
    #[must_use]
    pub fn flash(&self) -> usize {
        // The shift is part of the code.
        self.network.payload().len() - 16 + 4 * self.steps().count()
    }

    /// The bytes of RAM that a classification takes beside the stack, on machines that align words to 4 bytes.
    #[must_use]
    pub fn ram(&self) -> usize {
        let shape = self.network.shape();
        let lists = shape.inputs() / addable_rows(self.bits()) + 4;
        let prepared = if shape.prepared_image().is_some() { shape.inputs() } else { 0 };
        let words = shape.outputs() + 1 + self.network.bits().units();
        (4 * words + 2 * shape.inputs() + 3 * lists + prepared).next_multiple_of(4)
    }

    const fn bits(&self) -> usize {
        self.network.bits().count()
    }

    /// A file of the C code with this network's prefix, and with `inserted` text in place of some lines.
    fn exported(&self, code: &str, inserted: &[(&str, String)]) -> String {
        let mut text = String::new();
        for line in code.lines() {
            let lines = inserted.iter().find(|(replaced, _)| *replaced == line);
            text.push_str(&lines.map_or_else(|| self.prefixed(line) + "\n", |(_, lines)| lines.clone()));
        }
        text
    }

    /// A line of the C code with this network's prefix. Neither replacement looks at what the other one wrote.
    fn prefixed(&self, line: &str) -> String {
        let macros = format!("{}_", self.name.to_ascii_uppercase());
        let parts: Vec<_> = line.split("network_").map(|part| part.replace("NETWORK_", &macros)).collect();
        parts.join(&format!("{}_", self.name))
    }

    /// What the header says of this network.
    fn sizes(&self) -> String {
        let shape = self.network.shape();
        let biases = if shape.has_biases() { " and with biases" } else { "" };
        let mut text = format!(
            "/* {} pixels, {} hidden units and {} classes, with weights of {} bits{biases}. The arrays take {} bytes of flash, the\n \
             * code about 1 KB (2 KB on an AVR). A classification takes {} bytes of RAM. */\n",
            shape.pixels(),
            shape.hidden(),
            shape.outputs(),
            self.bits(),
            self.flash(),
            self.ram()
        );
        let side = shape.pixels().isqrt();
        let ([width, height], unknown) = match self.image {
            Some(sides) => (sides.map(usize::from), ""),
            None if side * side == shape.pixels() => ([side; 2], " /* of a square: the model does not say */"),
            None => ([0; 2], " /* the model does not say */"),
        };
        for (name, number, comment) in [
            ("PIXELS", shape.pixels(), ""),
            ("WIDTH", width, unknown),
            ("HEIGHT", height, unknown),
            ("HALVES", shape.halved_image().is_some().into(), ""),
            ("DESLANTS", shape.deslanted_image().is_some().into(), ""),
            ("INPUTS", shape.inputs(), ""),
            ("HIDDEN", shape.hidden(), ""),
            ("OUTPUTS", shape.outputs(), ""),
            ("BITS", self.bits(), " /* of a weight of the first layer */"),
            ("BIASES", shape.has_biases().into(), ""),
            ("SHIFT", self.network.payload()[0].into(), ""),
            ("STEPS", self.steps().count() / 2, " /* of the table of confidence; 0 if the model has none */"),
            ("BYTES", self.flash(), " /* of the arrays */"),
        ] {
            let line = format!("#define NETWORK_{name} {number}{comment}");
            text.push_str(&self.prefixed(&line));
            text.push('\n');
        }
        text.push_str(&self.prefixed(&format!("#define NETWORK_SELFTEST 0x{:08X}U\n", self.selftest())));
        if !self.classes.is_empty() {
            text.push_str("/* The names of the classes, in UTF-8. */\n");
            text.push_str(&self.prefixed("static const char *const network_class_names[NETWORK_OUTPUTS] = {\n"));
            for class in 0..self.network.shape().outputs() {
                let name = self.classes.get(class).copied().unwrap_or_default();
                let _ = writeln!(text, "    \"{}\",", escaped(name));
            }
            text.push_str("};\n");
        }
        text
    }

    /// What `network_selftest` must find.
    fn selftest(&self) -> u32 {
        let (network, shape) = (self.network.network(), self.network.shape());
        let image: Vec<u8> = (0..shape.pixels()).map(|i| (i * 37).to_le_bytes()[0]).collect();
        let mut scratch = vec![0; QuantizedNetwork::scratch_len(shape)];
        let outputs = network.outputs(&image, &mut scratch).always("an image and scratch of the network's sizes");
        let class = u32::from(Answer::of(outputs).class);
        let (payload, layout) = (self.network.payload(), self.network.layout());
        let outputs = outputs.iter().map(|output| output.cast_unsigned());
        let second = payload[layout.second..].iter().map(|&weight| weight.into());
        let numbers = outputs.chain(words(&payload[layout.first..layout.second])).chain(second);
        numbers
            .chain(self.hidden_biases())
            .chain(self.output_biases())
            .chain(self.steps())
            .fold(class, |sum, number| sum.wrapping_mul(31).wrapping_add(number))
    }

    /// The array of the table of confidence: a margin, per cent, and so on.
    fn steps(&self) -> impl Iterator<Item = u32> {
        self.confidence
            .into_iter()
            .flat_map(|table| table.steps())
            .flat_map(|(margin, percent)| [margin, percent.into()])
    }

    /// The array `b1`, also for the surplus units of the last tile; empty where there are no biases.
    fn hidden_biases(&self) -> impl Iterator<Item = u32> {
        let (payload, layout) = (self.network.payload(), self.network.layout());
        let bytes = if self.network.shape().has_biases() { &payload[layout.hidden_biases..layout.first] } else { &[] };
        words(bytes)
    }

    /// The array `b2`, of unsigned words, so that all are read alike; empty where there are no biases.
    fn output_biases(&self) -> impl Iterator<Item = u32> {
        let (payload, layout, shape) = (self.network.payload(), self.network.layout(), self.network.shape());
        let count = if shape.has_biases() { shape.outputs() } else { 0 };
        words(&payload[layout.output_biases..]).take(count).map(|bias| bias.wrapping_add(1 << 23))
    }

    /// The arrays, without the zeros between the payload's parts, and the function that chooses a tile's. The payload's format is
    /// described in `crate::int`.
    fn arrays(&self) -> String {
        let (shape, payload, layout) = (self.network.shape(), self.network.payload(), self.network.layout());
        let mut text = String::new();
        if shape.has_biases() {
            self.push_words(&mut text, "b2", self.output_biases());
            self.push_words(&mut text, "b1", self.hidden_biases());
        }
        if self.confidence.is_some() {
            self.push_words(&mut text, "steps", self.steps());
        }
        let (mut cases, tiles) = (String::new(), payload[layout.first..layout.second].chunks(16 * shape.inputs()));
        let last = tiles.len() - 1;
        for (tile, bytes) in tiles.enumerate() {
            self.push_words(&mut text, &format!("tile_{tile}"), words(bytes));
            let label = if tile < last { format!("case {tile}") } else { "default".into() };
            let _ = writeln!(cases, "    {label}: return NETWORK_ADDRESS(network_tile_{tile});");
        }
        let function = format!(
            "\nstatic network_words network_tile_at(uint_least16_t tile)\n{{\n    switch (tile) {{\n{cases}    }}\n}}\n\n"
        );
        text.push_str(&self.prefixed(&function));
        let w2 = payload[layout.second..].iter().map(|weight| weight.cast_signed().to_string());
        self.push_array(&mut text, "int8_t network_w2", w2);
        text
    }

    fn push_words(&self, text: &mut String, name: &str, words: impl Iterator<Item = u32>) {
        self.push_array(text, &format!("uint32_t network_{name}"), words.map(|word| format!("0x{word:08X}U")));
    }

    fn push_array(&self, text: &mut String, declaration: &str, numbers: impl Iterator<Item = String>) {
        const WIDTH: usize = 100;
        text.push_str(&self.prefixed(&format!("static const {declaration}[] NETWORK_FLASH = {{")));
        let mut column = WIDTH;
        for number in numbers {
            let (space, width) = if column + number.len() > WIDTH { ("\n    ", 0) } else { (" ", column) };
            let _ = write!(text, "{space}{number},");
            column = width + number.len() + 2;
        }
        text.push_str("\n};\n");
    }
}

/// A text within a string of C: what is not plain ASCII is a byte of three octal digits.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' | b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'+' => escaped.push(byte.into()),
            _ => drop(write!(escaped, "\\{byte:03o}")),
        }
    }
    escaped
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word))
}

/// Whether C defines what `#include "NAME.h"` means. (Two question marks may begin a trigraph.)
fn can_be_included(name: &str) -> bool {
    !name.contains("??") && !name.contains(|c: char| c.is_control() || ['"', '\'', '\\'].contains(&c))
}
