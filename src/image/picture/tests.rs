//! What holds for all pictures.

use super::*;
use crate::support::Dice;
use proptest::prelude::*;

const SIDE: u32 = 28;
const PIXELS: usize = 28 * 28;

type Digit = (Vec<u8>, Seen);

/// What becomes of a picture, with no more scratch than must be, full of rubbish.
fn normalize(picture: &Picture<'_>, ink: Ink) -> Result<Digit, PictureError> {
    let mut scratch = vec![0xA5A5_A5A5; Picture::scratch_len(picture.width(), picture.height(), SIDE)];
    let mut input = vec![0xA5; PIXELS];
    let seen = picture.normalize(ink, &mut scratch, &mut input);
    assert!(seen.is_ok() || input.iter().all(|&pixel| pixel == 0xA5), "input changed in spite of an error");
    seen.map(|seen| (input, seen))
}

/// The same for a picture in rows without gaps.
fn of(pixels: &[u8], width: u32) -> Result<Digit, PictureError> {
    let height = u32::try_from(pixels.len()).unwrap() / width;
    normalize(&Picture::new(pixels, width, height, width).unwrap(), Ink::Auto)
}

pub(super) fn painted(width: u32, height: u32, mut level: impl FnMut(u32, u32) -> u8) -> Vec<u8> {
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| level(x, y)).collect()
}

/// A ring with a tail, in greys: a 9 of some kind, within 24 × 40 pixels.
fn nine(x: u32, y: u32) -> u8 {
    let (dx, dy) = (f64::from(x) - 11.0, f64::from(y) - 11.0);
    let ring = 4.0 - ((dx * dx + dy * dy).sqrt() - 8.0).abs();
    let tail = if y > 11 && y < 40 { 3.0 - (f64::from(x) - 18.5 + f64::from(y) / 9.0).abs() } else { 0.0 };
    match (ring.max(tail) * 2.0).clamp(0.0, 5.0) {
        ink if ink < 1.0 => 0,
        ink if ink < 2.0 => 60,
        ink if ink < 3.0 => 130,
        ink if ink < 4.0 => 200,
        _ => 240,
    }
}

/// Twice the moments, and the mass.
fn moments(input: &[u8]) -> ([u64; 2], u64) {
    let mut sums = ([0; 2], 0);
    for (&pixel, place) in input.iter().zip(0_u64..) {
        sums.0[0] += u64::from(pixel) * (2 * (place % 28) + 1);
        sums.0[1] += u64::from(pixel) * (2 * (place / 28) + 1);
        sums.1 += u64::from(pixel);
    }
    sums
}

/// The first and the last column and row with ink.
fn extent(input: &[u8]) -> [[usize; 2]; 2] {
    [|n: usize| n % 28, |n: usize| n / 28].map(|place| {
        let places = || input.iter().enumerate().filter(|(_, pixel)| **pixel > 0).map(|(n, _)| place(n));
        [places().min().unwrap(), places().max().unwrap()]
    })
}

/// The digit fills no more than its square, its brightest pixel is white, and its centre of mass is in the middle unless
/// the square is at the input's edge.
fn check(input: &[u8]) {
    assert_eq!(input.iter().max(), Some(&255));
    let (moments, mass) = moments(input);
    for (moment, [first, last]) in moments.into_iter().zip(extent(input)) {
        assert!(last - first < 20, "from {first} to {last}");
        let edge = (moment >= 30 * mass && last < 20) || (moment < 28 * mass && first >= 8);
        assert!((28 * mass..30 * mass).contains(&moment) || edge, "off the centre");
    }
}

/// Steps 1 to 5 on the ink in a box, in floating point, as QMNIST's `fim-resample` and `fim-mnist-prepro` have them.
fn oracle(inked: impl Fn(u32, u32) -> u8, seen: &Seen) -> Vec<f64> {
    let blot = |x: u32, y: u32| f64::from(inked(seen.left + x, seen.top + y));
    let brightest = |places: &mut dyn Iterator<Item = (u32, u32)>| places.map(|(x, y)| blot(x, y)).fold(0.0, f64::max);
    let column = |x: u32| brightest(&mut (0..seen.height).map(|y| (x, y)));
    let row = |y: u32| brightest(&mut (0..seen.width).map(|x| (x, y)));
    let (right, bottom) = (seen.width - 1, seen.height - 1);
    let lines = [&|n: u32| column(n.min(right)), &|n| column(right.saturating_sub(n)), &|n| row(n.min(bottom)), &|n| {
        row(bottom.saturating_sub(n))
    }] as [&dyn Fn(u32) -> f64; 4];
    // What goes of each side.
    let cell = seen.width.max(seen.height) / 20;
    let cuts = lines.map(|line| {
        if cell < 2 {
            return (0.0, 0.0);
        }
        let inside = |n: u32| {
            let [one, two] = [line(n + cell - 1), line(n + cell - 2)];
            one + ((one - two).max(0.0) / 2.0).floor()
        };
        let first = (0..2 * cell).find(|&n| line(n).max(inside(n)) > f64::from(seen.contrast / 32)).unwrap_or(0);
        let (half, line) = (inside(first) / 2.0, |n| line(first + n));
        let Some(n) = (0..cell).find(|&n| line(n) > half) else { return (f64::from(first), 0.0) };
        let before = if n == 0 { 0.0 } else { line(n - 1) };
        let back = ((line(n) - half) / (line(n) - before) * 8.0 + 1e-9).floor() / 8.0;
        (f64::from(first), (f64::from(n) + 0.5 - back).max(0.0))
    });
    // Not half of a side and more.
    let pair = |side: u32, cuts: [(f64, f64); 2]| {
        let all = cuts[0].0 + cuts[0].1 + cuts[1].0 + cuts[1].1;
        if 2.0 * all < f64::from(side) { cuts } else { [(0.0, 0.0); 2] }
    };
    let cuts = [pair(seen.width, [cuts[0], cuts[1]]), pair(seen.height, [cuts[2], cuts[3]])];
    let blurred: f64 = cuts.iter().flatten().map(|cut| cut.1).sum();
    let [[left, from_right], [top, from_bottom]] = cuts.map(|cuts| cuts.map(|cut| cut.0 + cut.1));
    let (width, height) = (f64::from(seen.width) - left - from_right, f64::from(seen.height) - top - from_bottom);
    let mut square = width.max(height).max(10.0);
    let mut times = 1;
    while square < 20.0 {
        (square, times) = (2.0 * square, 2 * times);
    }
    let scale = 20.0 / square;
    // Where a pixel lies, as cells and weights.
    let spread = |pixel: u32, before: f64| {
        let start = (f64::from(pixel) - before) * scale;
        let end = start + 0.99 * scale;
        let (first, last) = ((start + 1e-11).floor(), (end - 1e-11).ceil() - 1.0);
        if first.total_cmp(&last).is_eq() {
            vec![(first, scale)]
        } else {
            vec![(first, first + 1.0 - start), (last, end - last)]
        }
    };
    let mut cells = vec![0.0; 400];
    let inside = |cell: f64, side: f64| cell > -0.5 && cell < (side * scale * f64::from(times) - 1e-9).ceil() - 0.5;
    let index = |cell: f64| (0..20_u8).find(|&n| (f64::from(n) - cell).abs() < 0.5).map(usize::from).unwrap();
    for (i, j) in (0..seen.height * times).flat_map(|i| (0..seen.width * times).map(move |j| (i, j))) {
        // What is wholly cut off is not there.
        if f64::from(j / times) >= left + width || f64::from(i / times) >= top + height {
            continue;
        }
        let ink = blot(j / times, i / times);
        let ink = if ink > f64::from(seen.floor) { ink } else { 0.0 };
        for (down, a) in spread(i, top).into_iter().filter(|(cell, _)| inside(*cell, height)) {
            for (across, b) in spread(j, left).into_iter().filter(|(cell, _)| inside(*cell, width)) {
                cells[index(down) * 20 + index(across)] += ink * a * b;
            }
        }
    }
    // What is spread to neighbours is taken back.
    let blur = if cell < 2 { 0.0 } else { (blurred * 8.0 / f64::from(cell) + 1e-9).floor().min(16.0) };
    for step in [1, 20] {
        let old = cells.clone();
        for (n, cell) in cells.iter_mut().enumerate() {
            let place = n / step % 20;
            let before = if place > 0 { old[n - step] } else { 0.0 };
            let after = if place < 19 { old[n + step] } else { 0.0 };
            *cell = (old[n] + blur / 128.0 * (2.0 * old[n] - before - after)).max(old[n] / 4.0);
        }
    }
    let brightest = cells.iter().copied().fold(0.0, f64::max);
    cells.iter().map(|cell| cell * 255.0 / brightest).collect()
}

/// Compares the square in the input with the oracle's, wherever it was placed.
fn compare(input: &[u8], oracle: &[f64]) {
    let fits = |left: usize, top: usize| {
        let inside = |n: usize| (left..left + 20).contains(&(n % 28)) && (top..top + 20).contains(&(n / 28));
        input.iter().enumerate().all(|(n, &pixel)| {
            let expected = if inside(n) { oracle[(n / 28 - top) * 20 + n % 28 - left] } else { 0.0 };
            (f64::from(pixel) - expected).abs() <= 0.500_001
        })
    };
    assert!((0..784).any(|n| fits(n % 28, n / 28)), "not as the oracle has it");
}

#[test]
fn averages_are_those_of_the_oracle() {
    let mut dice = Dice::new(3);
    for round in 0..300 {
        // Blots of a few discs, of any size and shade; the last rounds larger than what 32 bits could sum.
        let side = if round < 290 { 12 + dice.below(120) } else { 1200 };
        let side = u32::try_from(side).unwrap();
        let within = |dice: &mut Dice| {
            f64::from(u32::try_from(dice.below(side as usize)).unwrap()) * 0.6 + f64::from(side) * 0.2
        };
        let discs: Vec<[f64; 3]> =
            (0..3).map(|_| [within(&mut dice), within(&mut dice), 1.0 + within(&mut dice) / 4.0]).collect();
        let shade = u8::try_from(60 + dice.below(190)).unwrap();
        let pixels = painted(side, side, |x, y| {
            let inside = |&[a, b, r]: &[f64; 3]| (f64::from(x) - a).powi(2) + (f64::from(y) - b).powi(2) < r * r;
            let count = u8::try_from(discs.iter().filter(|disc| inside(disc)).count()).unwrap();
            if count == 0 { 0 } else { shade / (4 - count) }
        });
        let Ok((input, seen)) = of(&pixels, side) else { continue };
        check(&input);
        assert!(seen.even && seen.background == 0);
        compare(&input, &oracle(|x, y| pixels[(y * side + x) as usize], &seen));
    }
}

#[test]
fn the_same_wherever_it_lies_and_whatever_it_is_on() {
    let plain = painted(24, 40, nine);
    let (expected, seen) =
        of(&painted(40, 60, |x, y| if x < 8 || y < 9 { 0 } else { nine(x - 8, y - 9) }), 40).unwrap();
    check(&expected);
    assert_eq!(extent(&expected).map(|[first, last]| last - first + 1).into_iter().max(), Some(20));
    for (left, top) in [(1, 1), (7, 13), (50, 3), (30, 30)] {
        for stride in [90, 91, 200] {
            for invert in [false, true] {
                let inside = |x: u32, y: u32| (left..left + 24).contains(&x) && (top..top + 40).contains(&y);
                let level = |x, y| if inside(x, y) { plain[((y - top) * 24 + x - left) as usize] } else { 0 };
                // Rubbish between the rows.
                let pixels = painted(stride, 80, |x, y| match (x < 90, invert) {
                    (true, false) => level(x, y),
                    (true, true) => 255 - level(x, y),
                    (false, _) => 99,
                });
                let pixels = &pixels[..(79 * stride + 90) as usize];
                let picture = Picture::new(pixels, 90, 80, stride).unwrap();
                let (input, found) = normalize(&picture, Ink::Auto).unwrap();
                assert_eq!((found.left - left, found.top - top), (seen.left - 8, seen.top - 9));
                assert_eq!(found.ink, if invert { Ink::Dark } else { Ink::Light });
                assert_eq!(input, expected);
                assert_eq!(normalize(&picture, found.ink), Ok((input, found)));
            }
        }
    }
}

#[test]
fn every_square_input_is_filled_alike() {
    let pixels = painted(40, 60, |x, y| if x < 8 || y < 9 { 0 } else { nine(x - 8, y - 9) });
    let picture = Picture::new(&pixels, 40, 60, 40).unwrap();
    for side in [8, 9, 14, 28, 56, 100, 256] {
        let mut scratch = vec![1; Picture::scratch_len(40, 60, side)];
        let mut input = vec![1; (side * side) as usize];
        picture.normalize(Ink::Auto, &mut scratch, &mut input).unwrap();
        let rows: Vec<bool> = input.chunks(side as usize).map(|row| row.iter().any(|&pixel| pixel > 0)).collect();
        let first = rows.iter().position(|&inked| inked).unwrap();
        let last = rows.iter().rposition(|&inked| inked).unwrap();
        assert_eq!(last - first + 1, side as usize * 5 / 7, "{side}");
        assert_eq!(input.iter().max(), Some(&255));
    }
}

#[test]
fn every_buffer_that_is_too_short_is_an_error() {
    let pixels = painted(40, 60, |x, y| if x < 8 || y < 9 { 0 } else { nine(x - 8, y - 9) });
    assert_eq!(Picture::new(&[], 0, 3, 3).unwrap_err(), PictureError::Size { width: 0, height: 3 });
    assert_eq!(Picture::new(&[], 3, 0, 3).unwrap_err(), PictureError::Size { width: 3, height: 0 });
    let wide = Picture::MAX_SIDE + 1;
    assert_eq!(Picture::new(&[], wide, 1, wide).unwrap_err(), PictureError::Size { width: wide, height: 1 });
    assert_eq!(Picture::new(&pixels, 40, 60, 39).unwrap_err(), PictureError::Stride { found: 39, expected: 40 });
    assert!(Picture::new(&pixels[..2399], 40, 60, 40).is_err());
    let expected = 59 * u64::from(u32::MAX) + 40;
    assert_eq!(Picture::new(&pixels, 40, 60, u32::MAX).unwrap_err(), PictureError::Pixels { found: 2400, expected });

    let picture = Picture::new(&pixels, 40, 60, 40).unwrap();
    let most = Picture::scratch_len(40, 60, 28);
    for len in 0..=most {
        let found = picture.normalize(Ink::Auto, &mut vec![0; len], &mut [0; PIXELS]);
        match found {
            Ok(_) => assert_eq!(len, most),
            Err(error) => assert_eq!(error, PictureError::Scratch { found: len, expected: most }),
        }
    }
    for found in [0, 1, 49, 63, 65, 783, 785, 256 * 256 + 1, 257 * 257] {
        let mut scratch = vec![0; Picture::scratch_len(40, 60, 256)];
        let error = picture.normalize(Ink::Auto, &mut scratch, &mut vec![0; found]).unwrap_err();
        assert_eq!(error, PictureError::Input { found });
    }
    assert_eq!(most, 2 * 2 * 60 + 128 + 820);
    assert_eq!(Picture::scratch_len(328, 10, 28), 2 * 11 * 10 + 128 + 820);
    assert_eq!(Picture::scratch_len(640, 480, 28), 2 * 20 * 480 + 128 + 1600);
}

/// A bar with a thin line at one end, its centre of mass so far to one side that the digit would leave the input.
#[test]
fn a_heavy_side_takes_a_digit_to_the_edge() {
    for transposed in [false, true] {
        let pixels = painted(100, 100, |x, y| {
            let (x, y) = if transposed { (y, x) } else { (x, y) };
            let (bar, line) = ((20..32).contains(&x), (77..80).contains(&y));
            if (20..80).contains(&x) && (20..80).contains(&y) && (bar || line) { 255 } else { 0 }
        });
        let (input, _) = of(&pixels, 100).unwrap();
        assert_eq!(extent(&input)[usize::from(transposed)], [8, 27]);
        check(&input);
    }
}

#[test]
fn what_shows_no_digit_is_an_error() {
    let mut dice = Dice::new(9);
    let mut byte = |below: usize| u8::try_from(dice.below(below)).unwrap();
    let blank = |found| PictureError::Blank { found, expected: Picture::MIN_CONTRAST };
    for (width, height) in [(1, 1), (3, 2), (28, 28), (160, 120)] {
        for level in [0, 77, 255] {
            assert_eq!(of(&painted(width, height, |_, _| level), width).unwrap_err(), blank(0));
        }
    }
    // Paper with a little noise, and with a gradient.
    assert!(matches!(of(&painted(160, 120, |_, _| 200 + byte(12)), 160), Err(PictureError::Blank { found: 1.., .. })));
    let gradient = painted(160, 120, |x, y| u8::try_from(40 + x / 2 + y).unwrap() + byte(6));
    assert!(matches!(of(&gradient, 160), Err(PictureError::Blank { .. })));
    // Noise everywhere.
    for below in [100, 200, 256] {
        let noise = painted(160, 120, |_, _| byte(below));
        assert!(
            matches!(of(&noise, 160), Err(PictureError::NoDigit(NoDigit::Noise { .. }))),
            "{below}: {:?}",
            of(&noise, 160)
        );
    }
    // A frame of paper eight pixels wide, and ink within.
    let filled = painted(160, 160, |x, y| if x.min(159 - x).min(y).min(159 - y) < 8 { 230 } else { 30 });
    assert_eq!(of(&filled, 160).unwrap_err(), PictureError::NoDigit(NoDigit::Filled { found: 100, expected: 90 }));
    // Checkerboards of one pixel and of two, of any contrast.
    for (side, cell, dark) in [(8, 1, 0), (27, 1, 0), (28, 1, 100), (64, 1, 0), (64, 2, 0), (161, 1, 90)] {
        let board = painted(side, side, |x, y| if (x / cell + y / cell) % 2 == 0 { dark } else { 200 });
        assert!(
            matches!(of(&board, side), Err(PictureError::NoDigit(NoDigit::Texture { expected: 25, .. }))),
            "{side} {cell}"
        );
    }
    // Specks: many, and one.
    let specks = painted(160, 120, |_, _| if byte(20) == 0 { 0 } else { 230 });
    assert!(matches!(of(&specks, 160), Err(PictureError::NoDigit(NoDigit::Scattered { expected: 10, .. }))));
    let speck = painted(160, 120, |x, y| if (80..84).contains(&x) && (50..53).contains(&y) { 0 } else { 230 });
    assert_eq!(of(&speck, 160).unwrap_err(), PictureError::NoDigit(NoDigit::Small { found: 4, expected: 5 }));
    // Ink in all but a corner, told that it is ink.
    let filled = painted(160, 120, |x, y| if x < 20 && (20..90).contains(&y) { 200 } else { 20 });
    let picture = Picture::new(&filled, 160, 120, 160).unwrap();
    assert!(normalize(&picture, Ink::Dark).is_err());
}

/// Two specks of light, and more dark ones, of which none is large: what was found on one side is not taken for the other's.
#[test]
fn the_side_without_a_digit_leaves_nothing_behind() {
    let pattern = [77, 0, 0, 0, 0, 0, 0, 0, 0, 77, 77, 61, 77, 77, 77, 77, 77, 77, 77, 1, 0, 0, 0, 0, 127, 245, 0];
    let pixels: Vec<u8> = pattern.into_iter().chain([77; 8]).cycle().take(81).collect();
    assert_eq!(of(&pixels, 9).unwrap_err(), PictureError::NoDigit(NoDigit::Small { found: 1, expected: 5 }));
}

#[test]
fn loose_strokes_belong_to_the_digit_but_a_line_does_not() {
    // The body of a 5 in 20 × 40 pixels, and its bar, which does not touch it.
    let body = |x: u32, y: u32| {
        x < 4 && y < 22 || (18..22).contains(&y) && x < 20 || (16..20).contains(&x) && (18..40).contains(&y)
    };
    let bar = |x: u32, y: u32| y < 4 && (6..28).contains(&x);
    let line = |x: u32, y: u32| y == 30 && ((21..95).contains(&x) || x == 17);
    let paint = |ink: &dyn Fn(u32, u32) -> bool| {
        painted(120, 80, |x, y| match (x.checked_sub(10), y.checked_sub(10)) {
            (Some(x), Some(y)) if ink(x, y) => 10,
            _ => 240,
        })
    };
    let seen = |ink: &dyn Fn(u32, u32) -> bool| of(&paint(ink), 120).unwrap().1;
    let whole = seen(&|x, y| body(x, y) || bar(x, y));
    assert_eq!((whole.left, whole.top, whole.width, whole.height), (10, 10, 28, 40));
    // A line far off, and one that would make it twice as long.
    for ink in
        [&|x, y| body(x, y) || y == 60 && x < 50, &|x, y| body(x, y) || line(x, y)] as [&dyn Fn(u32, u32) -> bool; 2]
    {
        let alone = seen(ink);
        assert!(alone.width < 100 && (alone.left, alone.top, alone.height) == (10, 10, 40), "{alone:?}");
    }
}

#[test]
fn what_runs_off_the_picture_is_of_no_digit_within() {
    // The wheel of a meter: a 7, and a little of the digits before and after it.
    let seven = |x: u32, y: u32| {
        let top = (8..12).contains(&y) && (12..32).contains(&x);
        top || (8..66).contains(&y) && (28..32).contains(&(x + (y - 8) / 8))
    };
    let others = |x: u32, y: u32| (y < 3 && (14..26).contains(&x)) || (y >= 72 && (18..30).contains(&x));
    for turned in [false, true] {
        let wheel = |x, y| if seven(x, y) || others(x, y) { 230 } else { 20 };
        let pixels = if turned { painted(74, 40, |x, y| wheel(y, x)) } else { painted(40, 74, wheel) };
        let seen = of(&pixels, if turned { 74 } else { 40 }).unwrap().1;
        let mut found = [[seen.left, seen.width], [seen.top, seen.height]];
        if turned {
            found.reverse();
        }
        assert_eq!(found, [[12, 20], [8, 58]], "{turned}");
    }
    // Cut off below: what is near and runs off the picture as well is the digit's.
    let pixels =
        painted(40, 50, |x, y| if seven(x, y) || (47..50).contains(&y) && (2..9).contains(&x) { 230 } else { 20 });
    let seen = of(&pixels, 40).unwrap().1;
    assert_eq!((seen.left, seen.top, seen.width, seen.height), (2, 8, 30, 42));
}

#[test]
fn a_small_plate_is_not_a_broad_zero() {
    let stroke = |x: u32, y: u32| (10..13).contains(&x) && (9..22).contains(&y) || (y == 10 && (7..10).contains(&x));
    // A plate whose rim is blurred, on a lighter ground that it nearly fills, and a 1 on it.
    let from_edge = |x: u32, y: u32| x.min(19 - x).min(y).min(30_u32.saturating_sub(y));
    let plate = painted(20, 32, |x, y| match from_edge(x, y) {
        _ if stroke(x, y) => 200,
        0 => 160,
        1 if (x + y) % 3 > 0 => 150,
        _ => 60,
    });
    let seen = of(&plate, 20).unwrap().1;
    assert_eq!((seen.ink, seen.left, seen.top, seen.width, seen.height), (Ink::Light, 7, 9, 6, 13));
    // A 0 of thick strokes, whose hole is as narrow as a 1.
    let ring = |x: u32, y: u32| {
        (3..17).contains(&x) && (4..30).contains(&y) && !((7..13).contains(&x) && (8..26).contains(&y))
    };
    let corner = |x: u32, y: u32| (x == 3 || x == 16) && (y == 4 || y == 29);
    let zero = painted(20, 34, |x, y| if ring(x, y) && !corner(x, y) { 220 } else { 40 });
    let seen = of(&zero, 20).unwrap().1;
    assert_eq!((seen.ink, seen.left, seen.top, seen.width, seen.height), (Ink::Light, 3, 4, 14, 26));
}

/// Pinned on x86-64: every machine gives the same bytes.
#[test]
fn the_same_bytes_on_every_machine() {
    let mut dice = Dice::new(11);
    let hash = (0..200_u32).flat_map(|n| {
        let (width, height) = (40 + n, 60 + n / 2);
        let noise = if n % 3 == 0 { 1 } else { 1 + n as usize % 20 };
        let pixels = painted(width, height, |x, y| {
            let body = (10..14).contains(&x) && (5..40).contains(&y) || (8..12).contains(&y) && (14..30).contains(&x);
            let bar = (20..25).contains(&(x + y / 4)) && (20..50).contains(&y);
            let light = 140 + (x * (n % 7) + y * (n % 5)) * 8 / (width + height);
            let level = if body || bar { light / 3 } else { light };
            u8::try_from(level).unwrap() + u8::try_from(dice.below(noise)).unwrap()
        });
        of(&pixels, width).unwrap().0
    });
    assert_eq!(crate::support::fnv(hash), 0x2fd9_5623_8a88_58c8);
}

#[test]
fn errors_are_readable() {
    let message = |error: PictureError| error.to_string();
    assert_eq!(
        message(PictureError::Size { width: 0, height: 9 }),
        "a picture of 0 × 9 pixels; each side takes 1 to 16384"
    );
    assert_eq!(
        message(PictureError::Stride { found: 3, expected: 4 }),
        "rows of 4 pixels start every 3 bytes: they overlap"
    );
    assert_eq!(
        message(PictureError::Pixels { found: 3, expected: 4 }),
        "pixel buffer has 3 bytes; expected at least 4"
    );
    assert_eq!(
        message(PictureError::Scratch { found: 3, expected: 4 }),
        "scratch has 3 words of 32 bits; expected at least 4"
    );
    let blank = PictureError::Blank { found: 3, expected: 24 };
    assert_eq!(message(blank), "the picture is blank: a contrast of 3 levels; a digit has 24 or more");
    for error in [
        PictureError::Input { found: 5 },
        PictureError::NoDigit(NoDigit::Filled { found: 95, expected: 90 }),
        PictureError::NoDigit(NoDigit::Texture { found: 50, expected: 25 }),
        PictureError::NoDigit(NoDigit::Scattered { found: 3, expected: 10 }),
        PictureError::NoDigit(NoDigit::Small { found: 3, expected: 5 }),
    ] {
        assert!(message(error).contains(|c: char| c.is_ascii_digit()));
    }
    let noise = PictureError::NoDigit(NoDigit::Noise { found: 80, expected: 120 });
    assert!(message(noise).contains("more light"));
}

/// Pictures of noise, of strokes and of anything between.
fn pictures() -> impl Strategy<Value = (u32, Vec<u8>)> {
    (1_u32..80, 1_u32..80, any::<u64>(), 0_usize..4).prop_map(|(width, height, seed, kind)| {
        let mut dice = Dice::new(seed);
        let paper = u8::try_from(dice.below(256)).unwrap();
        let mut pixels = painted(width, height, |_, _| match kind {
            0 => u8::try_from(dice.below(256)).unwrap(),
            1 => paper.saturating_add(u8::try_from(dice.below(20)).unwrap()),
            _ => paper,
        });
        // A walk of ink.
        let mut place = dice.below(pixels.len());
        for _ in 0..dice.below(600) {
            pixels[place] = u8::try_from(dice.below(256)).unwrap() / 4;
            let step = [1, width as usize, pixels.len() - 1, pixels.len() - width as usize][dice.below(4)];
            place = (place + step) % pixels.len();
        }
        (width, pixels)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_picture_is_an_error_or_a_digit((width, pixels) in pictures()) {
        let picture = Picture::new(&pixels, width, u32::try_from(pixels.len()).unwrap() / width, width).unwrap();
        for ink in [Ink::Auto, Ink::Dark, Ink::Light] {
            match normalize(&picture, ink) {
                Ok((input, seen)) => {
                    check(&input);
                    prop_assert!(seen.left + seen.width <= picture.width() && seen.top + seen.height <= picture.height());
                    prop_assert!(seen.floor <= seen.threshold && seen.threshold < seen.contrast);
                    if seen.even && seen.alone {
                        let level = |x, y| {
                            let above = i32::from(pixels[(y * width + x) as usize]) - i32::from(seen.background);
                            u8::try_from(if seen.ink == Ink::Light { above } else { -above }.max(0)).unwrap()
                        };
                        compare(&input, &oracle(level, &seen));
                    }
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
