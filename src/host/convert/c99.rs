//! Writes a quantised network as C: one file and its header, data and inference, for firmware without Rust.
//!
//! The code is `c99/network.c` and `c99/network.h`, with the network's numbers put in between `@` signs. Lines that begin with
//! `@near`, `@far`, `@biases`, `@plain`, `@halved` or `@whole` are for some networks only.

use crate::host::files::{Quantized, write_all_atomically};
use crate::host::{Action, Error};
use crate::int::Bits;
use core::fmt::{Display, Write as _};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const SOURCE: &str = include_str!("c99/network.c");
const HEADER: &str = include_str!("c99/network.h");

/// The most bytes of data that an AVR reads with addresses of 16 bits, with some room for what lies before them.
const NEAR: usize = 60_000;

/// A quantised network in C99, which is C++ as well: integers only, for every machine with a C compiler, and with the outputs
/// of [`QuantizedNetwork`](crate::QuantizedNetwork).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct C99<'a> {
    name: &'a str,
    network: &'a Quantized,
}

impl<'a> C99<'a> {
    /// The C of a network, whose names begin with `name` and an underscore.
    ///
    /// # Errors
    ///
    /// [`Error::CName`] if `name` is not a letter, followed by letters, digits and underscores (all of them ASCII).
    pub fn new(name: &'a str, network: &'a Quantized) -> Result<Self, Error> {
        if !name.starts_with(|first: char| first.is_ascii_alphabetic())
            || !name.chars().all(|next| next.is_ascii_alphanumeric() || next == '_')
        {
            return Err(Error::CName { found: name.into() });
        }
        Ok(Self { name, network })
    }

    /// The name of the header that belongs to a C file.
    #[must_use]
    pub fn header_path(path: &Path) -> PathBuf {
        path.with_extension("h")
    }

    /// Writes the C file to `path` and its header beside it: both are complete before either replaces a file.
    ///
    /// # Errors
    ///
    /// If a file cannot be written, or `path` is that of a header, or cannot stand in an `#include`.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let header = Self::header_path(path);
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.filter(|stem| header != path && !stem.contains(['"', '\\', '\n', '\r']));
        let stem = stem.ok_or(ErrorKind::InvalidFilename.into()).map_err(Error::io(Action::Write, path))?;
        write_all_atomically(&[(&header, self.header().as_bytes()), (path, self.source(stem).as_bytes())])
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> String {
        self.filled(HEADER, "")
    }

    /// The C file, which includes `<header>.h`.
    #[must_use]
    pub fn source(&self, header: &str) -> String {
        self.filled(SOURCE, header)
    }

    /// The bytes of flash that the numbers take.
    #[must_use]
    pub fn flash(&self) -> usize {
        self.network.payload().len() - 16 // the shift is part of the code
    }

    /// The bytes of RAM that a classification takes beside the stack, on machines that align words to 4 bytes.
    #[must_use]
    pub fn ram(&self) -> usize {
        let shape = self.network.shape();
        let halved = if shape.halved_image().is_some() { shape.inputs() } else { 0 };
        (4 * (shape.outputs() + 1 + self.units()) + 2 * shape.inputs() + 3 * self.lists() + halved).next_multiple_of(4)
    }

    /// Hidden units of a tile, which are 16 bytes for every input.
    const fn units(&self) -> usize {
        match self.network.bits() {
            Bits::Eight => 16,
            Bits::Four => 32,
        }
    }

    /// Rows that may be added before a sum of weights exceeds a lane of twice their bits.
    const fn rows(&self) -> usize {
        match self.network.bits() {
            Bits::Eight => 257,
            Bits::Four => 17,
        }
    }

    /// The most lists of that many rows that an image can have: its pixels are of four levels.
    fn lists(&self) -> usize {
        self.network.shape().inputs() / self.rows() + 4
    }

    /// A template with the network's numbers in it.
    fn filled(&self, template: &str, file: &str) -> String {
        let (shape, network) = (self.network.shape(), self.network);
        let (bits, offset, odd) = match network.bits() {
            Bits::Eight => (8, 128, "00FF00FF"),
            Bits::Four => (4, 8, "0F0F0F0F"),
        };
        let width = shape.halved_image().map_or(0, |[width, _]| width);
        let tags = [
            ("@near ", self.flash() <= NEAR),
            ("@far ", self.flash() > NEAR),
            ("@biases ", shape.has_biases()),
            ("@plain ", !shape.has_biases()),
            ("@halved ", shape.halved_image().is_some()),
            ("@whole ", shape.halved_image().is_none()),
        ];
        let mut text = String::new();
        for line in template.lines() {
            match tags.into_iter().find_map(|(tag, kept)| Some((line.strip_prefix(tag)?, kept))) {
                Some((_, false)) => continue,
                Some((line, true)) => text.push_str(line),
                None => text.push_str(line),
            }
            text.push('\n');
        }
        let numbers: [(&str, &dyn Display); 19] = [
            ("@FILE@", &file),
            ("@PIXELS@", &shape.pixels()),
            ("@WIDTH@", &width),
            ("@INPUTS@", &shape.inputs()),
            ("@HIDDEN@", &shape.hidden()),
            ("@OUTPUTS@", &shape.outputs()),
            ("@WEIGHTS@", &(shape.hidden() * shape.outputs())),
            ("@TILES@", &shape.hidden().div_ceil(self.units())),
            ("@UNITS@", &self.units()),
            ("@ROWS@", &self.rows()),
            ("@LISTS@", &self.lists()),
            ("@SHIFT@", &network.payload().first().copied().unwrap_or_default()),
            ("@BITS@", &bits),
            ("@OFFSET@", &offset),
            ("@ODD@", &odd),
            ("@BIASED@", &if shape.has_biases() { " with biases" } else { "" }),
            ("@FLASH@", &self.flash()),
            ("@RAM@", &self.ram()),
            ("@NAME@", &self.name),
        ];
        for (place, number) in numbers {
            text = text.replace(place, &number.to_string());
        }
        text = text.replace("NAME_", &format!("{}_", self.name.to_ascii_uppercase()));
        text = text.replace("name_", &format!("{}_", self.name));
        // Last, so that nothing is looked for in a megabyte of numbers.
        for (place, numbers) in self.arrays().into_iter().filter(|(place, _)| template.contains(place)) {
            text = text.replace(place, numbers.trim_end());
        }
        text
    }

    /// The arrays, and the cases by which a tile is found.
    fn arrays(&self) -> [(&'static str, String); 4] {
        let (shape, payload) = (self.network.shape(), self.network.payload());
        let words: Vec<u32> = payload.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word)).collect();
        // Behind the shift.
        let mut words = words.get(4..).unwrap_or_default();
        let mut take = |count: usize| words.split_off(..count).unwrap_or_default();
        let (mut biases, mut first, mut cases, mut second) =
            (String::new(), String::new(), String::new(), String::new());
        if shape.has_biases() {
            let b2 = take(shape.outputs().next_multiple_of(4)).iter().take(shape.outputs());
            // Without a sign, so that they are read like all words.
            push_words(&mut biases, "b2", b2.map(|bias| bias.wrapping_add(1 << 23)));
            push_words(&mut biases, "b1", take(shape.hidden().next_multiple_of(self.units())).iter().copied());
        }
        let tiles = shape.hidden().div_ceil(self.units());
        for tile in 0..tiles {
            push_words(&mut first, &format!("tile_{tile}"), take(4 * shape.inputs()).iter().copied());
            let label = if tile + 1 < tiles { format!("case {tile}") } else { "default".into() };
            let _ = writeln!(cases, "    {label}: return ADDRESS(tile_{tile});");
        }
        let weights = payload.get(payload.len() - shape.hidden() * shape.outputs()..).unwrap_or_default();
        push_array(&mut second, "int8_t w2", weights.iter().map(|weight| weight.cast_signed().to_string()));
        [("@BIASES@", biases), ("@FIRST@", first), ("@CASES@", cases), ("@SECOND@", second)]
    }
}

fn push_words(text: &mut String, name: &str, words: impl Iterator<Item = u32>) {
    push_array(text, &format!("uint32_t {name}"), words.map(|word| format!("0x{word:08X}")));
}

fn push_array(text: &mut String, name: &str, numbers: impl Iterator<Item = String>) {
    const WIDTH: usize = 100;
    let _ = write!(text, "static const {name}[] FLASH = {{");
    let mut column = WIDTH;
    for number in numbers {
        let (space, width) = if column + number.len() > WIDTH { ("\n    ", 0) } else { (" ", column) };
        let _ = write!(text, "{space}{number},");
        column = width + number.len() + 2;
    }
    text.push_str("\n};\n");
}
