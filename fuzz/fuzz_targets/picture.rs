//! Any picture: an error, or a digit that is as MNIST's are, the same wherever the rows lie and whatever the scratch holds.
//!
//! The bytes are width, height, gap between the rows, side of the input and the ink, then pixels for as long as they are
//! wanted, over and over.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::picture::{Ink, Picture, PictureError, Seen};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[width, height, gap, side, ink], rest)) = bytes.split_first_chunk() else { return };
    if rest.is_empty() || width == 0 || height == 0 {
        return;
    }
    let (width, height, gap) = (u32::from(width), u32::from(height), u32::from(gap % 5));
    // A larger input takes longer, and shows nothing that a small one does not.
    let side = if (8..=64).contains(&side) { u32::from(side) } else { 28 };
    let ink = [Ink::Auto, Ink::Dark, Ink::Light][usize::from(ink % 3)];
    let pixels: Vec<u8> = rest.iter().copied().cycle().take((width * height) as usize).collect();
    let found = normalize(&picture_of(&pixels, width, height), ink, side, 0);

    // The same with a gap between the rows.
    let mut apart: Vec<u8> =
        pixels.chunks(width as usize).flat_map(|row| row.iter().copied().chain((0..gap).map(|n| n as u8))).collect();
    apart.truncate(((height - 1) * (width + gap) + width) as usize);
    let picture = Picture::new(&apart, width, height, width + gap).expect("a picture");
    assert_eq!(normalize(&picture, ink, side, u32::MAX), found);

    // The same of the inverted picture, but for a tie between dark and light.
    let inverted: Vec<u8> = pixels.iter().map(|pixel| 255 - pixel).collect();
    let picture = Picture::new(&inverted, width, height, width).expect("a picture");
    let other = match ink {
        Ink::Auto => Ink::Auto,
        Ink::Dark => Ink::Light,
        Ink::Light => Ink::Dark,
    };
    // A median of two levels is the lower one, a surface is rounded up, and dark ink is the rule: what was found may differ,
    // and is the same input where it does not.
    if let (Ok((input, seen)), Ok((other, mirrored))) = (&found, &normalize(&picture, other, side, 1)) {
        let expected = Seen { ink: mirrored.ink, background: 255 - mirrored.background, ..*mirrored };
        if seen.even && seen.ink != mirrored.ink && seen.alone && (Seen { ink: mirrored.ink, ..*seen }) == expected {
            assert_eq!(input, other);
        }
    }

    // All digits in it: the same whatever the scratch holds, each within the picture, in the order of lines.
    let digits = digits(&picture_of(&pixels, width, height), ink, side, 0, rest);
    assert_eq!(
        digits,
        self::digits(&Picture::new(&apart, width, height, width + gap).expect("a picture"), ink, side, u32::MAX, rest)
    );
    for pair in digits.windows(2) {
        assert!(pair[0].2 == pair[1].2 || pair[0].2 + 1 == pair[1].2);
    }
    for (input, seen, ..) in &digits {
        assert_eq!(input.iter().max(), Some(&255));
        assert!(
            seen.width > 0 && seen.height > 0 && seen.left + seen.width <= width && seen.top + seen.height <= height
        );
    }

    let (input, seen) = match found {
        Ok(found) => found,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let inner = side * 5 / 7;
    assert_eq!(input.iter().max(), Some(&255));
    assert!(seen.left + seen.width <= width && seen.top + seen.height <= height && seen.width.max(seen.height) >= 5);
    let mass: u64 = input.iter().copied().map(u64::from).sum();
    for place in [(|n, side| n % side) as fn(u32, u32) -> u32, |n, side| n / side] {
        let inked = || (0..).zip(&input).filter(|(_, pixel)| **pixel > 0).map(|(n, pixel)| (place(n, side), pixel));
        let (first, last) = (inked().map(|at| at.0).min().expect("ink"), inked().map(|at| at.0).max().expect("ink"));
        assert!(last - first < inner);
        let moment: u64 = inked().map(|(at, &pixel)| u64::from(pixel) * u64::from(2 * at + 1)).sum();
        let middle = u64::from(side / 2) * 2;
        // In the middle, or as near as the edge lets it.
        let centred = (middle * mass..(middle + 2) * mass).contains(&moment);
        let edge = if moment < middle * mass { first >= side - inner } else { last < inner };
        assert!(centred || edge, "{moment} {mass}");
    }
});

fn picture_of(pixels: &[u8], width: u32, height: u32) -> Picture<'_> {
    Picture::new(pixels, width, height, width).expect("a picture")
}

/// The digits of a picture: input, place, line, and whether it is doubtful; none where there is an error. A network of any
/// kind: its sureness is a byte of `sure`.
fn digits(picture: &Picture, ink: Ink, side: u32, rubbish: u32, sure: &[u8]) -> Vec<(Vec<u8>, Seen, u16, bool)> {
    let mut scratch = vec![rubbish; Picture::digits_scratch_len(picture.width(), picture.height(), side)];
    let mut input = vec![0xA5; (side * side) as usize];
    let Ok(mut digits) = picture.digits(ink, &mut scratch, &mut input) else { return Vec::new() };
    let mut found = Vec::new();
    let of = |input: &[u8]| sure[input.iter().map(|&pixel| usize::from(pixel)).sum::<usize>() % sure.len()];
    while let Some(digit) = digits.next(of) {
        found.push((digit.input.to_vec(), digit.seen, digit.line, digit.doubtful));
    }
    found
}

/// What becomes of a picture; with neither more scratch nor more input than must be.
fn normalize(picture: &Picture, ink: Ink, side: u32, rubbish: u32) -> Result<(Vec<u8>, Seen), PictureError> {
    let mut scratch = vec![rubbish; Picture::scratch_len(picture.width(), picture.height(), side)];
    let mut input = vec![0xA5; (side * side) as usize];
    let seen = picture.normalize(ink, &mut scratch, &mut input)?;
    Ok((input, seen))
}
