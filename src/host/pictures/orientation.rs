//! The orientation of a photograph, from its Exif data, by the crate `kamadak-exif`.

use exif::{In, Reader, Tag};

/// The orientation, 1 to 8; 1, which is upright, where the data do not say.
pub(super) fn of(data: &[u8]) -> u32 {
    let exif = Reader::new().read_raw(data.to_vec()).ok();
    let orientation = exif.and_then(|exif| exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0));
    orientation.filter(|orientation| (1..=8).contains(orientation)).unwrap_or(1)
}

/// Turns a picture upright.
pub(super) fn apply(orientation: u32, pixels: Vec<u8>, width: u32, height: u32) -> (Vec<u8>, u32, u32) {
    if orientation == 1 {
        return (pixels, width, height);
    }
    let (right, bottom) = (width - 1, height - 1);
    // Where the pixel in column x and row y comes from.
    let from = |x: u32, y: u32| match orientation {
        2 => (right - x, y),
        3 => (right - x, bottom - y),
        4 => (x, bottom - y),
        5 => (y, x),
        6 => (y, bottom - x),
        7 => (right - y, bottom - x),
        _ => (right - y, x),
    };
    let (columns, rows) = if orientation >= 5 { (height, width) } else { (width, height) };
    let places = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
    let turned = places.map(|(x, y)| {
        let (x, y) = from(x, y);
        pixels.get(y as usize * width as usize + x as usize).copied().unwrap_or_default()
    });
    (turned.collect(), columns, rows)
}
