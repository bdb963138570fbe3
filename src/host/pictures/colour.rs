//! Grey levels of colours: the luma, or red, green or blue alone where the luma does not part ink from its ground.
//!
//! Red ink on green paper, blue on black and yellow on white may have the luma of their ground, or nearly. What luma and colours
//! part is measured on a small picture of means by second differences, which are zero where light is even or grows evenly: the sum
//! of their squares. A colour is taken where it parts twelve times as much, which is three and a half times the contrast. So a
//! picture whose ink can be seen in grey is as grey as ever.

/// The most means along the shorter side of a picture.
const MEANS: usize = 96;

/// The most pixels across and down that a mean is made of.
const SAMPLES: usize = 8;

/// How many times as much as the luma a colour has to part.
const TIMES: u64 = 12;

/// The least that a colour has to part, as the square of levels.
const LEAST: u64 = 16;

/// How many times as large as its lower quartile the mean square of noise is taken for; it is ten times.
const NOISE: u64 = 8;

/// The least luma of light ink, on a transparent ground.
const LIGHT: u8 = 200;

/// Grey levels of red, green and blue.
pub(super) fn of_rgb(samples: &[u8], width: u32) -> Vec<u8> {
    let pixels = samples.as_chunks().0;
    let channel = channel(pixels.len(), width, |at| pixels[at]);
    pixels.iter().map(|&rgb| level(rgb, channel)).collect()
}

/// Grey levels of luma, blue and red as JPEG files store them.
pub(super) fn of_ycbcr(samples: &[u8], width: u32) -> Vec<u8> {
    let pixels = samples.as_chunks().0;
    let channel = channel(pixels.len(), width, |at| rgb(pixels[at]));
    pixels.iter().map(|&pixel| if channel.is_none() { pixel[0] } else { level(rgb(pixel), channel) }).collect()
}

/// Grey levels of red, green, blue and alpha, over their ground.
pub(super) fn of_rgba(samples: &[u8], width: u32) -> Vec<u8> {
    let pixels = samples.as_chunks().0;
    let ground = ground(pixels.iter().map(|&[r, g, b, alpha]| [luma([r, g, b]), alpha]));
    let channel = channel(pixels.len(), width, |at| {
        let [r, g, b, alpha] = pixels[at];
        [r, g, b].map(|level| over(ground, level, alpha))
    });
    pixels.iter().map(|&[r, g, b, alpha]| over(ground, level([r, g, b], channel), alpha)).collect()
}

/// Grey levels of grey and alpha, over their ground.
pub(super) fn of_grey_alpha(samples: &[u8]) -> Vec<u8> {
    let pixels = samples.as_chunks().0;
    let ground = ground(pixels.iter().copied());
    pixels.iter().map(|&[level, alpha]| over(ground, level, alpha)).collect()
}

/// What is behind levels and alpha: white, or black if all that can be seen is light, as on a canvas with a dark ground.
fn ground(mut pixels: impl Iterator<Item = [u8; 2]> + Clone) -> u8 {
    let clear = pixels.clone().any(|[_, alpha]| alpha == 0);
    if clear && pixels.all(|[level, alpha]| alpha == 0 || level >= LIGHT) { 0 } else { 255 }
}

fn over(ground: u8, level: u8, alpha: u8) -> u8 {
    let [ground, level, alpha] = [ground, level, alpha].map(u32::from);
    u8::try_from((level * alpha + ground * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
}

/// One of the three, or the luma.
fn level(rgb: [u8; 3], channel: Option<usize>) -> u8 {
    channel.and_then(|channel| rgb.get(channel).copied()).unwrap_or_else(|| luma(rgb))
}

/// The luma of ITU-R BT.601, rounded.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    u8::try_from((sum + 500) / 1000).unwrap_or(u8::MAX)
}

/// Red, green and blue of JPEG's luma, blue and red, rounded.
fn rgb([luma, blue, red]: [u8; 3]) -> [u8; 3] {
    let [luma, blue, red] = [i32::from(luma) * 1000, i32::from(blue) - 128, i32::from(red) - 128];
    let parts = [luma + 1402 * red, luma - 344 * blue - 714 * red, luma + 1772 * blue];
    parts.map(|part| u8::try_from(((part + 500) / 1000).clamp(0, 255)).unwrap_or(u8::MAX))
}

/// The one of red, green and blue that parts ink from its ground where the luma does not; nothing if the luma does.
fn channel(len: usize, width: u32, rgb: impl Fn(usize) -> [u8; 3]) -> Option<usize> {
    let width = width as usize;
    let height = len.checked_div(width)?;
    let side = width.min(height).div_ceil(MEANS).max(1);
    let (columns, rows, step) = (width / side, height / side, side.div_ceil(SAMPLES));
    let mean = |column: usize, row: usize| {
        let (mut sums, mut count) = ([0_i32; 4], 0);
        for y in (row * side..(row + 1) * side).step_by(step) {
            for x in (column * side..(column + 1) * side).step_by(step) {
                let [r, g, b] = rgb(y * width + x);
                let levels = [luma([r, g, b]), r, g, b].map(i32::from);
                sums.iter_mut().zip(levels).for_each(|(sum, level)| *sum += level);
                count += 1;
            }
        }
        sums.map(|sum| sum / count)
    };
    let means: Vec<[i32; 4]> = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (column, row)))
        .map(|(column, row)| mean(column, row))
        .collect();
    let reach = (columns.min(rows) / 8).max(1);
    let mut squares: [Vec<u32>; 4] = Default::default();
    for (at, middle) in means.iter().enumerate() {
        let (column, row) = (at % columns, at / columns);
        for (place, end, step) in [(column, columns, reach), (row, rows, reach * columns)] {
            if place < reach || place + reach >= end {
                continue;
            }
            let sides = means[at - step].iter().zip(&means[at + step]);
            for ((squares, middle), (a, b)) in squares.iter_mut().zip(middle).zip(sides) {
                squares.push((2 * middle - a - b).unsigned_abs().pow(2));
            }
        }
    }
    let [luma, colours @ ..] = squares.map(parted);
    let (most, channel) =
        colours.into_iter().zip(0..).max_by_key(|&(parted, channel)| (parted, usize::MAX - channel))?;
    (most > TIMES * luma + LEAST).then_some(channel)
}

/// The mean of squares less that of noise, by the lowest quarter, which is noise alone; at least a quarter of the mean.
fn parted(mut squares: Vec<u32>) -> u64 {
    let count = squares.len();
    let mean =
        squares.iter().map(|&square| u64::from(square)).sum::<u64>().checked_div(count as u64).unwrap_or_default();
    let noise = if count == 0 { 0 } else { *squares.select_nth_unstable(count / 4).1 };
    mean.saturating_sub(NOISE * u64::from(noise)).max(mean / 4)
}
