//! What a network makes of one input: its outputs and the answer, drawn and in words.

use crate::classes::Names;
use crate::console::say;
use crate::error::Error;
use crate::json;
use core::fmt::Write as _;
use serde::Serialize;
use std::env::var_os;
use std::io::{IsTerminal, stdout};
use twolayer::host::{GreyPicture, TrainingError};
use twolayer::picture::{Ink, Seen};
use twolayer::{Answer, AnyNetwork, AnyOutputs, Confidence};

/// The longest bar, in characters.
const BAR: u32 = 24;

/// The most columns that are drawn; a wider input would not fit a terminal.
const MAX_DRAWN: usize = 64;

/// What the network sees.
#[derive(Clone, Default)]
pub(crate) struct Input {
    pub(crate) pixels: Vec<u8>,
    pub(crate) width: usize,
    /// What was found in a picture; nothing for an image of a data set.
    pub(crate) seen: Option<Seen>,
    pub(crate) label: Option<u8>,
}

impl Input {
    /// As a picture, to be saved.
    pub(crate) fn picture(&self) -> Result<GreyPicture, Error> {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let height = side(self.pixels.len() / self.width.max(1));
        Ok(GreyPicture::new("what the network saw", self.pixels.clone(), side(self.width), height)?)
    }

    /// The lines of a drawing, two rows of pixels a line; none if it would be too wide.
    fn drawing(&self, colours: bool) -> Vec<String> {
        if !(1..=MAX_DRAWN).contains(&self.width) {
            return Vec::new();
        }
        let rows: Vec<&[u8]> = self.pixels.chunks(self.width).collect();
        rows.chunks(2)
            .map(|rows| {
                let upper = rows.first().copied().unwrap_or_default();
                let lower = rows.get(1).copied().unwrap_or_default().iter().copied().chain(core::iter::repeat(0));
                let mut line = String::new();
                for (&upper, lower) in upper.iter().zip(lower) {
                    if colours {
                        let _ = write!(line, "\x1b[38;2;{upper};{upper};{upper};48;2;{lower};{lower};{lower}m▀");
                    } else {
                        line.push(match (upper >= 128, lower >= 128) {
                            (true, true) => '█',
                            (true, false) => '▀',
                            (false, true) => '▄',
                            (false, false) => ' ',
                        });
                    }
                }
                line.push_str(if colours { "\x1b[0m" } else { "" });
                line
            })
            .collect()
    }
}

/// What an answer must be at least to be sure, and the model's table for it.
#[derive(Clone, Copy)]
pub(crate) struct Least {
    pub(crate) margin: f64,
    /// In per cent; 0 where there is no table.
    pub(crate) confidence: u8,
    pub(crate) table: Option<Confidence>,
}

/// What a network makes of an input.
pub(crate) fn predict(network: &AnyNetwork<'_>, input: Input, least: Least) -> Result<Prediction, Error> {
    let mut scratch = vec![0; network.scratch_len()];
    let f32 = |number| Number::F32(json::Number(number));
    let outputs = network.outputs(&input.pixels, &mut scratch)?;
    let confidence = least.table.map(|table| outputs.confidence(&table));
    let (outputs, class, margin) = match outputs {
        AnyOutputs::F32(outputs) => {
            if !outputs.iter().all(|output| output.is_finite()) {
                return Err(TrainingError::NotFinite.into());
            }
            let Answer { class, margin } = Answer::of(outputs);
            (outputs.iter().copied().map(f32).collect(), class, f32(margin))
        }
        AnyOutputs::Integer(outputs) => {
            let Answer { class, margin } = Answer::of(outputs);
            let outputs = outputs.iter().map(|&output| Number::Integer(output.into()));
            (outputs.collect(), class, Number::Integer(margin.into()))
        }
    };
    let below = match confidence {
        _ if margin.to_f64() < least.margin => Some("--min-margin"),
        Some(percent) if percent < least.confidence => Some("--min-confidence"),
        _ => None,
    };
    Ok(Prediction { input, outputs, class, margin, confidence, below })
}

/// The outputs and the answer for an input.
pub(crate) struct Prediction {
    pub(crate) input: Input,
    pub(crate) outputs: Vec<Number>,
    pub(crate) class: u8,
    pub(crate) margin: Number,
    /// In per cent, where the model has a table.
    pub(crate) confidence: Option<u8>,
    /// The option by which it is not sure enough.
    pub(crate) below: Option<&'static str>,
}

/// An output or a margin.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Number {
    F32(json::Number),
    Integer(i64),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "below 2⁵²")]
    fn to_f64(self) -> f64 {
        match self {
            Self::F32(json::Number(number)) => number.into(),
            Self::Integer(number) => number as f64,
        }
    }
}

impl core::fmt::Display for Number {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::F32(json::Number(number)) => write!(f, "{number:.4}"),
            Self::Integer(number) => write!(f, "{number}"),
        }
    }
}

impl Prediction {
    pub(crate) const fn is_sure(&self) -> bool {
        self.below.is_none()
    }

    /// The margin and the confidence.
    pub(crate) fn how_sure(&self) -> String {
        let confidence = self.confidence.map_or(String::new(), |percent| format!(", confidence {percent} %"));
        format!("margin {}{confidence}", self.margin)
    }

    /// The picture's name, the digit, its label and how sure it is.
    pub(crate) fn heading(&self, name: &str, names: &Names) -> String {
        let Self { input, class, .. } = self;
        let class = names.show(*class);
        let label = input.label.map_or(String::new(), |label| format!(", label {}", names.show(label)));
        let guess = self.below.map_or(String::new(), |option| format!(" is below {option}; best guess {class}"));
        let digit = if self.is_sure() { class } else { "?".into() };
        format!("{name}: {digit}{label}, {}{guess}", self.how_sure())
    }

    /// The heading and what was found; then the drawing, with a bar for each output beside it.
    pub(crate) fn print(&self, name: &str, names: &Names) {
        let input = &self.input;
        say!("\n{}", self.heading(name, names));
        if let Some(seen) = input.seen {
            say!(
                "{} ink, contrast {}; box of {} × {} pixels, {} from the left, {} from the top",
                ink(seen),
                seen.contrast,
                seen.width,
                seen.height,
                seen.left,
                seen.top
            );
        }
        let drawing = input.drawing(has_colours());
        let bars = self.bars(names);
        let blank = " ".repeat(if drawing.is_empty() { 0 } else { input.width });
        for line in 0..drawing.len().max(bars.len()) {
            let drawn = drawing.get(line).unwrap_or(&blank);
            let bar = bars.get(line).map_or(String::new(), |bar| format!("  {bar}"));
            // No spaces at the end of a line.
            say!("{}", format!("{drawn}{bar}").trim_end());
        }
    }

    /// A line for each output: the class, the number, and a bar, scaled to the largest.
    fn bars(&self, names: &Names) -> Vec<String> {
        let numbers: Vec<_> = self.outputs.iter().map(ToString::to_string).collect();
        let width = numbers.iter().map(String::len).max().unwrap_or_default();
        let largest = self.outputs.iter().map(|output| output.to_f64()).fold(0.0, f64::max);
        let bar = |output: Number| {
            let scaled = f64::from(BAR) * output.to_f64() / largest;
            let halves = (1..=2 * BAR).filter(|&halves| f64::from(halves) <= 2.0 * scaled + 0.5).count();
            "█".repeat(halves / 2) + if halves % 2 == 1 { "▌" } else { "" }
        };
        let lines = self.outputs.iter().zip(&numbers).enumerate();
        let name = |class: usize| u8::try_from(class).map_or_else(|_| class.to_string(), |class| names.show(class));
        let longest = (0..self.outputs.len()).map(|class| name(class).chars().count()).max().unwrap_or_default().max(3);
        let line = |class: usize, number: &String, output| {
            format!("{:>longest$}  {number:>width$}  {}", name(class), bar(output))
        };
        lines.map(|(class, (&output, number))| line(class, number, output)).collect()
    }
}

/// Dark or light.
pub(crate) fn ink(seen: Seen) -> &'static str {
    if seen.ink == Ink::Dark { "dark" } else { "light" }
}

/// Whether levels of grey can be shown: on a terminal that is not told otherwise (<https://no-color.org>).
fn has_colours() -> bool {
    let set = |name| var_os(name).is_some_and(|value| !value.is_empty());
    stdout().is_terminal() && !set("NO_COLOR") && var_os("TERM").is_none_or(|term| term != "dumb")
}
