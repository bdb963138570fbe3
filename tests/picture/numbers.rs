//! Sheets of MNIST's test images, in lines: every digit is found, in order, and read as when it is alone.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sheets are laid out in f64, sides are small"
)]

use super::pictures::{Dice, Grey};
use super::{Mnist, PIXELS};
use std::sync::Mutex;
use twolayer::picture::{Ink, Picture, PictureError};
use twolayer::{Answer, Backend, Network};

/// How sheets differ from dark ink on even paper.
#[derive(Clone, Copy, Debug, Default)]
struct Style {
    /// The most noise, in levels.
    noise: f64,
    /// The most light that is lost across the sheet.
    fall: f64,
    /// The most that lines rise or fall, and that digits lean, of their length and height.
    slant: f64,
    /// Lines ruled below the digits, or as dark as ink and through their feet, and boxes around each.
    ruled: bool,
    crossed: bool,
    boxes: bool,
}

/// A sheet, and what is on it.
fn sheet(mnist: &Mnist, style: Style, seed: u64) -> (Grey, String) {
    let mut dice = Dice::new(seed);
    let (columns, rows) = (1 + dice.below(8), 1 + dice.below(5));
    // From 20 to 200 pixels, as many small ones as large ones.
    let size = (20.0 * 10_f64.powf(dice.between(0.0, 1.0))).min(1400.0 / columns.max(rows) as f64).max(20.0);
    let scale = size / 20.0;
    let gap = size * dice.between(0.25, 0.7);
    let (margin, pen) = (size * dice.between(0.4, 1.3), scale.clamp(1.0, 3.0));
    let leading = size * if style.boxes { dice.between(1.9, 2.4) } else { dice.between(1.4, 2.0) };
    let (turn, lean) = (dice.between(-style.slant, style.slant) / 4.0, dice.between(-style.slant, style.slant));
    let mut text = String::new();
    let mut digits = Vec::new();
    let mut width = 0.0_f64;
    for row in 0..rows {
        text.push_str(if row > 0 { "\n" } else { "" });
        let mut left = 0.0;
        for column in 0..if row == 0 { columns } else { 1 + dice.below(columns) } {
            // One that is read rightly by itself.
            let number = core::iter::repeat_with(|| dice.below(mnist.classes.len()));
            let number = { number }.find(|&n| mnist.classes[n] == mnist.labels[n]).unwrap();
            text.push(char::from(b'0' + mnist.labels[number]));
            let digit = Grey::mnist(&mnist.images[number * PIXELS..][..PIXELS]).tight();
            let (w, h) = (digit.width as f64 * scale, digit.height as f64 * scale);
            let at = if style.boxes { (column as f64 * 1.5 + 0.75) * size - w / 2.0 } else { left };
            digits.push((digit, at, row as f64 * leading + (size - h) / 2.0));
            left += w + gap;
            width = width.max(at + w);
        }
    }
    let height = (rows - 1) as f64 * leading + size;
    let spare = [margin + (height * turn.abs() + size * lean.abs()), margin + width * turn.abs()];
    let sides = [width + 2.0 * spare[0], height + 2.0 * spare[1]].map(|side| side.ceil() as usize);
    // From the sheet to the lines of digits, turned around the middle.
    let place = |x: usize, y: usize| {
        let (x, y) = (x as f64 + 0.5 - sides[0] as f64 / 2.0, y as f64 + 0.5 - sides[1] as f64 / 2.0);
        (x * turn.cos() + y * turn.sin() + width / 2.0, y * turn.cos() - x * turn.sin() + height / 2.0)
    };
    let mut ink = vec![0.0_f64; sides[0] * sides[1]];
    for (digit, left, top) in &digits {
        let (w, h) = (digit.width as f64 * scale, digit.height as f64 * scale);
        for (n, ink) in ink.iter_mut().enumerate() {
            let (x, y) = place(n % sides[0], n / sides[0]);
            let x = x - left + lean * (y - top - h / 2.0);
            if (-scale..w + scale).contains(&x) && (-scale..h + scale).contains(&(y - top)) {
                *ink = ink.max(digit.bilinear(x / scale, (y - top) / scale) / 255.0);
            }
        }
    }
    let (paper, dark) = (dice.between(170.0, 230.0), dice.between(20.0, 80.0));
    let (fall, direction) = (dice.between(0.0, style.fall), dice.between(0.0, core::f64::consts::TAU));
    let faint = paper - dice.between(30.0, 60.0);
    let grey = Grey::new(sides[0], sides[1], |x, y| {
        let (u, v) = place(x, y);
        let row = ((v + size * 0.25) / leading).floor();
        let down = v + size * 0.25 - row * leading;
        let mut level = paper;
        if style.ruled && (size * 1.4..size * 1.4 + pen).contains(&down) {
            level = faint;
        }
        level += (dark - level) * ink[y * sides[0] + x];
        let crossed = (size * 1.22..size * 1.22 + pen.max(1.5)).contains(&down);
        if style.crossed && crossed && (-size / 2.0..width + size / 2.0).contains(&u) {
            level = dark;
        }
        let (column, across) = ((u / (1.5 * size)).floor(), u.rem_euclid(1.5 * size));
        if style.boxes && (0.0..rows as f64).contains(&row) && down < 1.5 * size && column >= 0.0 {
            let last = column >= columns as f64;
            let line = across < pen || !last && (down < pen || down >= 1.5 * size - pen);
            if line && column <= columns as f64 {
                level = dark;
            }
        }
        let (x, y) = (x as f64 / sides[0] as f64 - 0.5, y as f64 / sides[1] as f64 - 0.5);
        (level * (1.0 - fall * (0.5 + x * direction.cos() + y * direction.sin()))) as u8
    });
    (grey.noisy(dice.between(0.0, style.noise), seed), text)
}

/// What is read of a picture: line by line, `?` for what is doubtful.
fn read(mnist: &Mnist, grey: &Grey) -> Result<String, PictureError> {
    let side = |side: usize| u32::try_from(side).unwrap();
    let (width, height) = (side(grey.width), side(grey.height));
    let network = Network::new(mnist.trained.weights.view(), Backend::detect());
    let mut memory = vec![0.0; Network::scratch_len(network.shape())];
    let mut scratch = vec![0xA5A5_A5A5; Picture::digits_scratch_len(width, height, 28)];
    let mut input = [0; PIXELS];
    let mut digits = Picture::new(&grey.pixels, width, height, width)?.digits(Ink::Auto, &mut scratch, &mut input)?;
    let (mut text, mut line) = (String::new(), 0);
    while let Some(digit) = digits.next(|input| Answer::sureness(network.outputs(input, &mut memory).unwrap())) {
        text.push_str(if digit.line == line { "" } else { "\n" });
        line = digit.line;
        let class = Answer::of(network.outputs(digit.input, &mut memory).unwrap()).class;
        text.push(if digit.doubtful { '?' } else { char::from(b'0' + class) });
    }
    Ok(text)
}

/// What becomes of sheets.
#[derive(Debug, Default)]
struct Outcome {
    sheets: usize,
    /// As many digits on each line as there are.
    counted: usize,
    /// The digits of these, and those that are read rightly.
    digits: usize,
    right: usize,
}

/// For each seed from 0 on, on all threads.
fn for_all(seeds: u64, each: impl Fn(u64) + Sync) {
    let next = Mutex::new(0..seeds);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = { next.lock().unwrap().next() } {
                    each(seed);
                }
            });
        }
    });
}

#[test]
fn sheets_of_numbers() {
    let Some(mnist) = Mnist::get("sheets_of_numbers") else { return };
    let plain = Style::default();
    let noisy = Style { noise: 4.0, ..plain };
    for (name, style) in [
        ("plain", plain),
        ("noise", noisy),
        ("uneven light", Style { fall: 0.4, ..noisy }),
        ("slant", Style { slant: 0.25, ..noisy }),
        ("ruled", Style { ruled: true, ..noisy }),
        ("through their feet", Style { crossed: true, ..noisy }),
        ("boxes", Style { boxes: true, ..noisy }),
    ] {
        let sum = Mutex::new(Outcome::default());
        for_all(if super::slow() == 1 { 500 } else { 40 }, |seed| {
            let (grey, expected) = sheet(mnist, style, seed);
            let found = read(mnist, &grey).unwrap_or_else(|error| error.to_string());
            let lens = |text: &str| text.split('\n').map(str::len).collect::<Vec<_>>();
            let mut sum = sum.lock().unwrap();
            sum.sheets += 1;
            if lens(&found) == lens(&expected) {
                sum.counted += 1;
                let both = || found.bytes().zip(expected.bytes()).filter(|&(_, expected)| expected != b'\n');
                sum.digits += both().count();
                sum.right += both().filter(|(found, expected)| found == expected).count();
            } else {
                println!("{name}, {seed}: {expected:?} is read as {found:?}");
            }
        });
        let sum = sum.into_inner().unwrap();
        println!("{name}: {sum:?}");
        // Of sheets with some ten digits each, the share whose digits are all found: 98 %, or all but one of a few.
        assert!(sum.sheets - sum.counted <= (sum.sheets / 50).max(1), "{name}: {sum:?}");
        assert!(1000 * sum.right >= 980 * sum.digits, "{name}: {sum:?}");
    }
}

/// Two digits, the right one shifted to the left until its ink touches the other's.
#[test]
fn touching_pairs() {
    let Some(mnist) = Mnist::get("touching_pairs") else { return };
    let sum = Mutex::new([0_usize; 4]);
    for_all(200, |seed| {
        let mut dice = Dice::new(seed);
        let mut digit = || {
            let number = core::iter::repeat_with(|| dice.below(mnist.classes.len()));
            let number = { number }.find(|&n| mnist.classes[n] == mnist.labels[n]).unwrap();
            let image = Grey::mnist(&mnist.images[number * PIXELS..][..PIXELS]).tight();
            (image.on(20, 20, 0, (20 - image.height) / 2), image.width, mnist.labels[number])
        };
        let ((left, width, a), (right, _, b)) = (digit(), digit());
        let inked = |grey: &Grey, x: isize, y: isize| grey.at(x, y) > 128.0;
        let touch = |shift: isize| {
            (0..20).any(|y| {
                (0..20).any(|x| {
                    let near = |n: isize| inked(&left, x + shift + n % 3 - 1, y + n / 3 - 1);
                    inked(&right, x, y) && (0..9).any(near)
                })
            })
        };
        let shift = (2..=width as isize + 1).rev().find(|&shift| touch(shift)).unwrap_or(2) as usize;
        let (left, right) = (left.on(56, 30, 5, 5), right.on(56, 30, 5 + shift, 5));
        let both = Grey::new(56, 30, |x, y| left.pixels[y * 56 + x].max(right.pixels[y * 56 + x]));
        let found = read(mnist, &both.enlarged(4).inverted()).unwrap();
        let kind = if found == format!("{a}{b}") {
            0
        } else if found.contains('?') {
            1
        } else if found.len() == 1 {
            2
        } else {
            3
        };
        sum.lock().unwrap()[kind] += 1;
    });
    let sum = sum.into_inner().unwrap();
    let [right, doubtful, one, others] = sum;
    println!("pairs: {right} right, {doubtful} doubtful, {one} taken for one digit, {others} for others");
    let all = sum.iter().sum::<usize>();
    assert!(100 * (right + doubtful) >= 80 * all && 100 * one <= 12 * all && right > 2 * doubtful, "{sum:?}");
}
