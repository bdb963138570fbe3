//! The background of a picture: a constant where the border is even; else a surface of second degree through the paper; else,
//! where no such surface goes through most of it, the level of the paper: of two kinds of pixels the one that has more of the
//! border, the corners and the picture.
//!
//! The surface is fitted to the medians of 8 × 8 tiles. On such a grid the polynomials 1, u, v, uv, u² − 21, v² − 21 with
//! u and v in −7, −5 … 7 are orthogonal: each coefficient is one sum, and no equations are solved. Tiles that are mostly
//! ink, and the middle of a wide stroke, do not pull: a tile further than a bound from the surface counts as being at that
//! bound, and the fit is repeated as the bound shrinks (Huber's estimator).

use super::Picture;
use super::histogram::{add, otsu, quantile};
use crate::base::{Always, violated};

/// Tiles along each side.
const TILES: u32 = 8;
/// The shortest side of a picture that gets a surface: four pixels a tile.
const MIN_SIDE: u32 = 32;
/// Border pixels so near their median, in levels, are even.
const EVEN: u32 = 8;
/// Tiles so near the surface, in levels, are paper.
const NEAR: u32 = 10;
/// The least tiles on the surface, of 100.
const LEAST_ON: u32 = 60;
/// Light ground, where the shares of light pixels on the border, in the corners and in all are more than this together, of 100
/// each: dark ink is the rule.
const LIGHT: u64 = 130;
/// How far, in levels, tiles may pull in each round of the fit: the last bound until nothing moves.
const BOUNDS: [i32; 20] = [128, 64, 32, 32, 16, 16, 16, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8];
/// Fractional bits of levels.
const LEVEL: u32 = 12;
/// Fractional bits of a place, which goes from −8 to 8 across the picture.
const PLACE: u32 = 8;

/// The background: what the picture's pixels would be without ink.
#[derive(Clone, Copy, Debug)]
pub(super) struct Background {
    level: u8,
    /// Whether it is the level everywhere.
    even: bool,
    surface: Surface,
    /// The step of a place from one column, and one row, to the next, with 12 more bits of fraction.
    steps: [u32; 2],
}

/// The background along one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    even: bool,
    /// Constant, slope and curvature.
    terms: [i32; 3],
    step: u32,
}

/// Coefficients of 1, u, v, uv, u², v², with [`LEVEL`] bits of fraction.
#[derive(Clone, Copy, Debug, Default)]
struct Surface([i32; 6]);

impl Background {
    /// Words of scratch: a histogram and a median for each tile.
    pub(super) const SCRATCH: usize = 256 + (TILES * TILES) as usize;

    /// The background of a picture.
    pub(super) fn find(picture: &Picture<'_>, scratch: &mut [u32]) -> Self {
        let Some((histogram, tiles)) = scratch.split_first_chunk_mut::<256>() else {
            violated!("the length of the scratch was checked", return Self::even(0))
        };
        let (level, even) = border(picture, histogram);
        if even {
            return Self::even(level);
        }
        if picture.width >= MIN_SIDE && picture.height >= MIN_SIDE {
            let tiles = tiles.get_mut(..(TILES * TILES) as usize).always("the length of the scratch was checked");
            for (tile, median) in (0..).zip(tiles.iter_mut()) {
                *median = u32::from(tile_median(picture, tile % TILES, tile / TILES, histogram));
            }
            let surface = Surface::fit(tiles_median(tiles, histogram), tiles);
            if surface.on(tiles) * 100 >= TILES * TILES * LEAST_ON {
                let step = |side: u32| {
                    ((2 * TILES) << (PLACE + 12)).checked_div(side).always("a picture has columns and rows")
                };
                let steps = [step(picture.width), step(picture.height)];
                return Self { level, even: false, surface, steps };
            }
        }
        Self::even(paper(picture, histogram))
    }

    /// The same level everywhere.
    pub(super) const fn even(level: u8) -> Self {
        Self { level, even: true, surface: Surface([0; 6]), steps: [0; 2] }
    }

    /// The median of the picture's border.
    pub(super) const fn level(&self) -> u8 {
        self.level
    }

    /// Whether the background is the same everywhere.
    pub(super) const fn is_even(&self) -> bool {
        self.even
    }

    /// The background of a row.
    pub(super) fn row(&self, y: u32) -> Row {
        let [across, down] = self.steps;
        let terms = if self.even { [i32::from(self.level), 0, 0] } else { self.surface.row(place(y, down)) };
        Row { even: self.even, terms, step: across }
    }
}

impl Row {
    /// The level in a column.
    pub(super) fn at(&self, x: u32) -> i32 {
        let [constant, slope, curvature] = self.terms;
        if self.even {
            return constant;
        }
        let u = place(x, self.step);
        let level = constant + ((u * (slope + ((u * curvature) >> PLACE))) >> PLACE);
        (level + (1 << (LEVEL - 1))) >> LEVEL
    }
}

/// Where the middle of a column or row lies, from −8 to 8 with [`PLACE`] bits of fraction.
fn place(index: u32, step: u32) -> i32 {
    // At most 2²⁴: the last index is less than the side that the step is a fraction of.
    let place = index.wrapping_mul(step).wrapping_add(step / 2) >> 12;
    place.cast_signed() - (8 << PLACE)
}

impl Surface {
    /// The surface through the tiles' medians, from that level on.
    fn fit(level: u8, tiles: &[u32]) -> Self {
        let mut surface = Self([i32::from(level) << LEVEL, 0, 0, 0, 0, 0]);
        for bound in BOUNDS {
            surface = surface.refit(tiles, bound << LEVEL);
        }
        surface
    }

    /// The surface of least squares through the tiles' medians, none taken for further than `bound` from this surface.
    fn refit(self, tiles: &[u32], bound: i32) -> Self {
        let mut sums = [0_i64; 6];
        for ([u, v], median, fitted) in self.tiles(tiles) {
            let value = median.max(fitted - bound).min(fitted + bound);
            for (sum, term) in sums.iter_mut().zip([1, u, v, u * v, u * u - 21, v * v - 21]) {
                *sum += i64::from(value) * i64::from(term);
            }
        }
        // The sums of the squares of the polynomials over the grid.
        let [constant, u, v, uv, uu, vv] = sums;
        let coefficient = |sum: i64, squares: i64| {
            // Checked, so that no panic is left where this is not inlined.
            let mean = sum.checked_div(squares).always("squares are above 0");
            i32::try_from(mean).always("a mean of levels is about as large as they")
        };
        let (uu, vv) = (coefficient(uu, 16 * 1344), coefficient(vv, 16 * 1344));
        let constant = coefficient(constant, 64) - 21 * (uu + vv);
        Self([constant, coefficient(u, 1344), coefficient(v, 1344), coefficient(uv, 28_224), uu, vv])
    }

    /// The number of tiles that are near the surface.
    fn on(self, tiles: &[u32]) -> u32 {
        self.tiles(tiles).map(|(_, median, fitted)| u32::from(median.abs_diff(fitted) <= NEAR << LEVEL)).sum()
    }

    /// For each tile: its place, its median and the surface there.
    fn tiles(self, tiles: &[u32]) -> impl Iterator<Item = ([i32; 2], i32, i32)> {
        tiles.chunks_exact(TILES as usize).zip((-7_i32..8).step_by(2)).flat_map(move |(row, v)| {
            let [constant, slope, curvature] = self.row(v << PLACE);
            row.iter().zip((-7_i32..8).step_by(2)).map(move |(&median, u)| {
                ([u, v], median.cast_signed() << LEVEL, constant + u * (slope + u * curvature))
            })
        })
    }

    /// Constant, slope and curvature along the row at the place `v`.
    fn row(self, v: i32) -> [i32; 3] {
        let Self([constant, du, dv, duv, duu, dvv]) = self;
        [constant + ((v * (dv + ((v * dvv) >> PLACE))) >> PLACE), du + ((v * duv) >> PLACE), duu]
    }
}

/// The median of all tiles' medians.
fn tiles_median(tiles: &[u32], histogram: &mut [u32; 256]) -> u8 {
    histogram.fill(0);
    for &median in tiles {
        add(histogram, u8::try_from(median).always("medians are levels"));
    }
    quantile(histogram.iter().copied(), TILES * TILES / 2)
}

/// The level of the ground, of two kinds of pixels.
fn paper(picture: &Picture<'_>, histogram: &mut [u32; 256]) -> u8 {
    let (width, height) = (picture.width, picture.height);
    histogram.fill(0);
    for y in 0..height {
        picture.row(y).iter().for_each(|&pixel| add(histogram, pixel));
    }
    let threshold = otsu(histogram);
    let wide = (width.min(height) / 16).max(1);
    let corner = (width.min(height) / 8).max(1);
    // Light pixels and all, on the border, in the corners and everywhere.
    let (mut border, mut corners, mut all) = ([0_u64; 2], [0_u64; 2], [0_u64; 2]);
    for y in 0..height {
        let count = |part: Option<&[u8]>| {
            let part = part.unwrap_or_default();
            [part.iter().filter(|pixel| **pixel > threshold).count() as u64, part.len() as u64]
        };
        let row = picture.row(y);
        let ends = |n: u32| [row.get(..n as usize), row.get(row.len().saturating_sub(n as usize)..)];
        let whole = count(Some(row));
        let outer = y < wide || y >= height - wide;
        let on_border = if outer { [whole, [0; 2]] } else { ends(wide).map(count) };
        let in_corners = if y < corner || y >= height - corner { ends(corner).map(count) } else { [[0; 2]; 2] };
        for (sum, parts) in [(&mut border, on_border), (&mut corners, in_corners), (&mut all, [whole, [0; 2]])] {
            for [light, pixels] in parts {
                sum[0] += light;
                sum[1] += pixels;
            }
        }
    }
    let share = |[light, pixels]: [u64; 2]| (100 * light).checked_div(pixels).always("a picture has a border");
    let light = share(border) + share(corners) + share(all) > LIGHT;
    let part = |n: usize| (n > usize::from(threshold)) == light;
    let chosen = if light { all[0] } else { all[1] - all[0] };
    let counts = histogram.iter().enumerate().map(|(level, &count)| if part(level) { count } else { 0 });
    quantile(counts, u32::try_from(chosen / 2).always("a picture has at most 2²⁸ pixels"))
}

/// The median of the picture's border, and whether three quarters of the border are near it. The border is a sixteenth of
/// the shorter side wide.
fn border(picture: &Picture<'_>, histogram: &mut [u32; 256]) -> (u8, bool) {
    let (width, height) = (picture.width, picture.height);
    let wide = (width.min(height) / 16).max(1);
    histogram.fill(0);
    let mut count = 0;
    for y in 0..height {
        let row = picture.row(y);
        let (left, right) = row.split_at_checked(wide as usize).always("the border is no wider than the picture");
        let skipped = if y < wide || y >= height - wide { 0 } else { right.len().saturating_sub(wide as usize) };
        for &pixel in left.iter().chain(right.get(skipped..).always("no more is skipped than there is")) {
            add(histogram, pixel);
            count += 1;
        }
    }
    let median = quantile(histogram.iter().copied(), count / 2);
    let first = usize::from(median).saturating_sub(EVEN as usize);
    let near: u32 = histogram.iter().skip(first).take(usize::from(median) + EVEN as usize + 1 - first).sum();
    (median, u64::from(near) * 4 >= u64::from(count) * 3)
}

/// The median of a tile's pixels.
fn tile_median(picture: &Picture<'_>, across: u32, down: u32, histogram: &mut [u32; 256]) -> u8 {
    let edge = |side: u32, tile: u32| side * tile / TILES;
    let (left, right) = (edge(picture.width, across), edge(picture.width, across + 1));
    let (top, bottom) = (edge(picture.height, down), edge(picture.height, down + 1));
    histogram.fill(0);
    for y in top..bottom {
        for &pixel in picture.row(y).get(left as usize..right as usize).always("tiles are within the picture") {
            add(histogram, pixel);
        }
    }
    quantile(histogram.iter().copied(), (right - left) * (bottom - top) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of these levels, and its background.
    fn background(width: u32, height: u32, level: impl Fn(i32, i32) -> i32) -> (Vec<u8>, Background) {
        let places = (0..height.cast_signed()).flat_map(|y| (0..width.cast_signed()).map(move |x| (x, y)));
        let pixels: Vec<u8> = places.map(|(x, y)| u8::try_from(level(x, y)).unwrap()).collect();
        let picture = Picture::new(&pixels, width, height, width).unwrap();
        let background = Background::find(&picture, &mut vec![7; Background::SCRATCH]);
        (pixels, background)
    }

    #[test]
    fn a_flat_border_makes_an_even_background() {
        let ink = |x: i32, y: i32| if (10..30).contains(&x) && (5..20).contains(&y) { 20 } else { 200 + (x + y) % 3 };
        let (_, even) = background(40, 30, ink);
        assert_eq!((even.level(), even.is_even(), even.row(7).at(9)), (201, true, 201));
        // A frame of four columns and rows is less than half of a border of ten.
        let (_, framed) = background(160, 170, |x, y| if x.min(159 - x).min(y).min(169 - y) < 4 { 0 } else { 200 });
        assert_eq!((framed.level(), framed.is_even()), (200, false));
        // Too small for a surface, whatever its border, and just large enough.
        for (width, height, is_even) in [(31, 40, true), (40, 31, true), (32, 32, false)] {
            let (_, found) = background(width, height, |x, y| 2 * x + 3 * y);
            assert_eq!(found.is_even(), is_even, "{width} × {height}");
        }
    }

    /// Planes and bowls to a level or two, with a wide cross of ink in the middle.
    #[test]
    fn light_that_changes_slowly_is_taken_off() {
        let planes = |x: i32, y: i32| 60 + x * 60 / 160 + y * 70 / 120;
        let bowls = |x: i32, y: i32| 220 - (x - 70) * (x - 70) / 80 - (y - 40) * (y - 40) / 100;
        for light in [planes as fn(i32, i32) -> i32, bowls] {
            let inked = |x: i32, y: i32| {
                (70..90).contains(&x) && (20..100).contains(&y) || (50..110).contains(&x) && (55..70).contains(&y)
            };
            let (_, found) = background(160, 120, |x, y| if inked(x, y) { 10 } else { light(x, y) });
            assert!(!found.is_even());
            for (x, y) in (0..160_i32).flat_map(|x| (0..120_i32).map(move |y| (x, y))) {
                let off = found.row(y.cast_unsigned()).at(x.cast_unsigned()) - light(x, y);
                assert!(off.abs() <= 8, "{off} at {x}, {y}");
            }
        }
    }

    /// A quarter of the tiles is ink: where the fit starts, and how far tiles may pull, decide where it ends.
    #[test]
    fn the_same_surface_on_every_machine() {
        let tiles: Vec<u32> = (0..64)
            .map(|tile| (tile / 8, tile % 8))
            .map(|(y, x)| if (2..6).contains(&y) && (2..6).contains(&x) { 10 } else { 160 + 3 * x + y * y + x * y / 4 })
            .collect();
        assert_eq!(Surface::fit(170, &tiles).0, [317_578, 7769, 15_961, 243, 7523, 8547]);
    }

    #[test]
    fn places_go_from_edge_to_edge() {
        for side in [32, 33, 160, 1000, Picture::MAX_SIDE] {
            let step = ((2 * TILES) << (PLACE + 12)) / side;
            assert!((place(0, step) + (8 << PLACE)).abs() <= 64, "{side}");
            assert!((place(side - 1, step) - (8 << PLACE)).abs() <= 64, "{side}");
        }
    }

    /// The steepest surface there can be stays within 32 bits: every tile black or white.
    #[test]
    fn nothing_overflows() {
        for bits in 0..64_u32 {
            let tiles: Vec<u32> = (0..64).map(|tile| if (tile * bits / 7) % 3 == 0 { 255 } else { 0 }).collect();
            let surface = Surface::fit(128, &tiles);
            let background = Background { level: 0, even: false, surface, steps: [1 << 15, 1 << 15] };
            for y in 0..512 {
                let row = background.row(y);
                assert!((0..512).all(|x| row.at(x).abs() < 2000));
            }
        }
    }

    #[test]
    fn quantiles_are_levels_in_order() {
        let mut histogram = [0; 256];
        for level in [3, 3, 9, 200] {
            add(&mut histogram, level);
        }
        let at = |below| quantile(histogram.iter().copied(), below);
        assert_eq!([at(0), at(1), at(2), at(3), at(4)], [3, 3, 9, 200, 255]);
    }
}
