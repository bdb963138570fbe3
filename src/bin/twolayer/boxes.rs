//! A picture with a box around each digit that was read, and the answer above it, for `predict --save-seen`.

use crate::classes::Names;
use crate::error::Error;
use crate::reading::Reading;
use twolayer::host::GreyPicture;

/// Five rows of three dots for each digit and for `?`: an octal digit is a row.
const GLYPHS: [u32; 11] =
    [0o75557, 0o26227, 0o71747, 0o71717, 0o55711, 0o74717, 0o74757, 0o71222, 0o75757, 0o75717, 0o71202];

const BLACK: u8 = 0;
const WHITE: u8 = 255;

/// Draws what was read onto the picture: white in black, so that it stands out from any ground.
pub(crate) fn draw(picture: &GreyPicture, reading: &Reading, names: &Names) -> Result<GreyPicture, Error> {
    let mut canvas = Canvas { pixels: picture.pixels().to_vec(), width: picture.width(), height: picture.height() };
    for (text, seen) in reading.answers(names) {
        let [left, top, width, height] = [seen.left, seen.top, seen.width, seen.height].map(i64::from);
        for (margin, level) in [(2, BLACK), (1, WHITE)] {
            canvas.outline([left - margin, top - margin, width + 2 * margin, height + 2 * margin], level);
        }
        let dot = (height / 16).max(2);
        let above = top - 2 - 7 * dot;
        canvas.write(&text, [left - 2, if above < 0 { top + height + 2 } else { above }], dot);
    }
    let Canvas { pixels, width, height } = canvas;
    Ok(GreyPicture::new("what was read", pixels, width, height)?)
}

struct Canvas {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
}

impl Canvas {
    /// Fills a rectangle: left, top, width, height. What is outside the picture is left out.
    fn fill(&mut self, [left, top, width, height]: [i64; 4], level: u8) {
        let within = |first: i64, len: i64, side: u32| {
            let clamp = |place: i64| usize::try_from(place.clamp(0, side.into())).unwrap_or_default();
            clamp(first)..clamp(first + len)
        };
        let (columns, rows) = (within(left, width, self.width), within(top, height, self.height));
        for row in self.pixels.chunks_mut(self.width as usize).take(rows.end).skip(rows.start) {
            row.get_mut(columns.clone()).unwrap_or_default().fill(level);
        }
    }

    fn outline(&mut self, [left, top, width, height]: [i64; 4], level: u8) {
        self.fill([left, top, width, 1], level);
        self.fill([left, top + height - 1, width, 1], level);
        self.fill([left, top, 1, height], level);
        self.fill([left + width - 1, top, 1, height], level);
    }

    /// Writes digits and `?`, of dots that are so many pixels wide, on a black ground.
    fn write(&mut self, text: &str, [mut left, top]: [i64; 2], dot: i64) {
        for character in text.chars() {
            let glyph = character.to_digit(10).map_or(10, |digit| digit as usize);
            let glyph = GLYPHS.get(glyph).copied().unwrap_or_default();
            self.fill([left, top, 5 * dot, 7 * dot], BLACK);
            for (n, place) in (0..15).zip((0..15).rev()) {
                if glyph >> place & 1 != 0 {
                    self.fill([left + (1 + n % 3) * dot, top + (1 + n / 3) * dot, dot, dot], WHITE);
                }
            }
            left += 4 * dot;
        }
    }
}
