//! Small pictures within a page: PNG files as data URLs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError};

/// Steps from nothing to the strongest colour, for either sign.
const STEPS: u8 = 15;

/// The colours of what is above zero and below, as in the plots and tables: readable on light and on dark.
const ABOVE: [u8; 3] = [0x2F, 0x86, 0xD6];
const BELOW: [u8; 3] = [0xDD, 0x60, 0x20];

/// A grey picture as the network sees it: 0 is black.
pub(super) fn grey(pixels: &[u8], width: usize) -> String {
    url(pixels, width, ColorType::Grayscale, None)
}

/// Numbers from −1 to 1: blue above zero, orange below, and nothing at zero, so that the page shows through.
pub(super) fn signed(numbers: &[f32], width: usize) -> String {
    let steps = f32::from(STEPS);
    let step = |number: &f32| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 30, and `as` saturates")]
        let step = (number * steps + steps).round() as u8;
        step.min(2 * STEPS)
    };
    let indices: Vec<u8> = numbers.iter().map(step).collect();
    let colours = (0..=2 * STEPS).flat_map(|step| if step < STEPS { BELOW } else { ABOVE });
    let alphas = (0..=2 * STEPS).map(|step| step.abs_diff(STEPS) * (255 / STEPS));
    url(&indices, width, ColorType::Indexed, Some((colours.collect(), alphas.collect())))
}

fn url(pixels: &[u8], width: usize, kind: ColorType, palette: Option<(Vec<u8>, Vec<u8>)>) -> String {
    // A side is at most 65,536, and rows that are not whole are left out.
    let side = |side: usize| u32::try_from(side.max(1)).unwrap_or(1);
    let rows = pixels.len() / width.max(1);
    let mut bytes = Vec::new();
    let encoded = (|| -> Result<(), EncodingError> {
        let mut encoder = Encoder::new(&mut bytes, side(width), side(rows));
        encoder.set_color(kind);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::High);
        if let Some((colours, alphas)) = palette {
            encoder.set_palette(colours);
            encoder.set_trns(alphas);
        }
        encoder.write_header()?.write_image_data(pixels.get(..width * rows).unwrap_or_default())
    })();
    debug_assert!(encoded.is_ok(), "{encoded:?}");
    let mut url = String::from("data:image/png;base64,");
    STANDARD.encode_string(bytes, &mut url);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_colours_and_zero_is_clear() {
        let url = signed(&[-1.0, 0.0, 1.0, 0.5, f32::NAN, 9.0], 3);
        let bytes = STANDARD.decode(url.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let pixel = |colour: [u8; 3], alpha| [&colour[..], &[alpha]].concat();
        assert_eq!(pixels[..4], pixel(BELOW, 255));
        assert_eq!(pixels[4..8], pixel(ABOVE, 0));
        assert_eq!(pixels[8..12], pixel(ABOVE, 255));
        assert_eq!(pixels[12..16], pixel(ABOVE, 8 * 17));
        assert_eq!(pixels[20..], pixel(ABOVE, 255));
    }
}
