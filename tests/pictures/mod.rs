//! Makes pictures of MNIST's images as people and machines make them: enlarged, on other paper, photographed, compressed.

#![allow(dead_code, unreachable_pub, reason = "each test uses what it needs")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "light is computed in f64, levels are bytes"
)]

use core::f64::consts::PI;
use rand_xoshiro::Xoshiro128PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Levels in rows without gaps.
#[derive(Clone, Debug)]
pub struct Grey {
    pub pixels: Vec<u8>,
    pub width: usize,
    pub height: usize,
}

impl Grey {
    pub fn new(width: usize, height: usize, mut level: impl FnMut(usize, usize) -> u8) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| level(x, y)).collect();
        Self { pixels, width, height }
    }

    /// One of MNIST's images.
    pub fn mnist(image: &[u8]) -> Self {
        Self { pixels: image.to_vec(), width: 28, height: 28 }
    }

    /// A pixel; zero outside.
    pub fn at(&self, x: isize, y: isize) -> f64 {
        match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) if x < self.width && y < self.height => f64::from(self.pixels[y * self.width + x]),
            _ => 0.0,
        }
    }

    /// The level at a place, by the four pixels around it.
    pub fn bilinear(&self, x: f64, y: f64) -> f64 {
        let (left, top) = ((x - 0.5).floor(), (y - 0.5).floor());
        let (dx, dy) = (x - 0.5 - left, y - 0.5 - top);
        let (left, top) = (left as isize, top as isize);
        let row = |y| self.at(left, y) * (1.0 - dx) + self.at(left + 1, y) * dx;
        row(top) * (1.0 - dy) + row(top + 1) * dy
    }

    /// Every pixel as a square.
    pub fn doubled(&self, times: usize) -> Self {
        Self::new(self.width * times, self.height * times, |x, y| self.pixels[y / times * self.width + x / times])
    }

    /// Cut to its ink: the box of all that is not black.
    pub fn tight(&self) -> Self {
        let inked = |x: usize, y: usize| self.pixels[y * self.width + x] > 0;
        let columns = || (0..self.width).filter(|&x| (0..self.height).any(|y| inked(x, y)));
        let rows = || (0..self.height).filter(|&y| (0..self.width).any(|x| inked(x, y)));
        let (left, top) = (columns().next().unwrap_or(0), rows().next().unwrap_or(0));
        let (right, bottom) = (columns().next_back().unwrap_or(0), rows().next_back().unwrap_or(0));
        Self::new(right + 1 - left, bottom + 1 - top, |x, y| self.pixels[(top + y) * self.width + left + x])
    }

    /// Dark ink on grey paper: black becomes `paper`, white becomes `ink`.
    pub fn in_ink(&self, paper: u8, ink: u8) -> Self {
        let (paper, ink) = (i32::from(paper), i32::from(ink));
        Self::new(self.width, self.height, |x, y| {
            (paper + (ink - paper) * i32::from(self.pixels[y * self.width + x]) / 255) as u8
        })
    }

    /// With a margin of that level on each side: across, down.
    pub fn framed(&self, across: usize, down: usize, level: u8) -> Self {
        Self::new(self.width + 2 * across, self.height + 2 * down, |x, y| {
            let inside = (across..across + self.width).contains(&x) && (down..down + self.height).contains(&y);
            if inside { self.pixels[(y - down) * self.width + x - across] } else { level }
        })
    }

    /// What `over` gives for a column, a row and its level, in place of the level.
    pub fn painted(&self, over: impl Fn(usize, usize, u8) -> u8) -> Self {
        Self::new(self.width, self.height, |x, y| over(x, y, self.pixels[y * self.width + x]))
    }

    /// With normal noise of that standard deviation.
    pub fn noisy(&self, deviation: f64, seed: u64) -> Self {
        let mut random = Xoshiro128PlusPlus::seed_from_u64(seed);
        // The sum of twelve uniform numbers has the variance 1.
        let mut normal = || (0..12).map(|_| f64::from(random.next_u32()) / 2_f64.powi(32)).sum::<f64>() - 6.0;
        Self::new(self.width, self.height, |x, y| {
            level(f64::from(self.pixels[y * self.width + x]) + deviation * normal())
        })
    }

    /// Enlarged smoothly.
    pub fn enlarged(&self, times: usize) -> Self {
        let scale = times as f64;
        Self::new(self.width * times, self.height * times, |x, y| {
            level(self.bilinear((x as f64 + 0.5) / scale, (y as f64 + 0.5) / scale))
        })
    }

    pub fn inverted(mut self) -> Self {
        self.pixels.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        self
    }

    /// On a larger canvas of zeros.
    pub fn on(&self, width: usize, height: usize, left: usize, top: usize) -> Self {
        let inside = |x: usize, y: usize| x >= left && y >= top && x - left < self.width && y - top < self.height;
        Self::new(width, height, |x, y| if inside(x, y) { self.pixels[(y - top) * self.width + x - left] } else { 0 })
    }

    /// Drawn with dark ink on paper and photographed: `width × height` pixels, the digit `times` as large, the light from
    /// one side, a soft shadow, paper with a texture, and noise.
    pub fn photographed(&self, width: usize, height: usize, times: f64, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let (w, h) = (width as f64, height as f64);
        let left = dice.between(0.0, w - 28.0 * times);
        let top = dice.between(0.0, h - 28.0 * times);
        let paper = dice.between(170.0, 235.0);
        let ink = dice.between(0.15, 0.45);
        // The light falls off by up to a third across the picture.
        let (direction, fall) = (dice.between(0.0, 2.0 * PI), dice.between(0.0, 0.35));
        // A shadow behind an edge, several pixels soft.
        let (side, edge, depth) = (dice.between(0.0, 2.0 * PI), dice.between(-0.3, 0.3), dice.between(0.0, 0.2));
        // Fibres: waves of a few directions.
        let waves: Vec<[f64; 4]> = (0..5)
            .map(|_| {
                [dice.between(-1.5, 1.5), dice.between(-1.5, 1.5), dice.between(0.0, 2.0 * PI), dice.between(0.3, 1.2)]
            })
            .collect();
        let noise = dice.between(1.0, 5.0);
        Self::new(width, height, |x, y| {
            let (x, y) = (x as f64 + 0.5, y as f64 + 0.5);
            let (u, v) = (x / w - 0.5, y / h - 0.5);
            let light = 1.0 - fall * (0.5 + u * direction.cos() + v * direction.sin());
            let shadow = 1.0 - depth / (1.0 + (-12.0 * (u * side.cos() + v * side.sin() - edge)).exp());
            let texture: f64 = waves.iter().map(|[a, b, phase, size]| size * (a * x + b * y + phase).sin()).sum();
            let cover = self.bilinear((x - left) / times, (y - top) / times) / 255.0;
            level((paper + texture) * light * shadow * (1.0 - cover * (1.0 - ink)) + noise * dice.normal())
        })
    }

    /// As JPEG's luminance of that quality leaves it.
    pub fn compressed(&self, quality: u32) -> Self {
        let scale = f64::from(if quality < 50 { 5000 / quality } else { 200 - 2 * quality });
        let step = LUMINANCE.map(|q| ((f64::from(q) * scale + 50.0) / 100.0).floor().clamp(1.0, 255.0));
        let mut cosines = [[0.0; 8]; 8];
        for (f, row) in cosines.iter_mut().enumerate() {
            for (x, cosine) in row.iter_mut().enumerate() {
                let norm = if f == 0 { 0.125_f64.sqrt() } else { 0.5 };
                *cosine = norm * ((2.0 * x as f64 + 1.0) * f as f64 * PI / 16.0).cos();
            }
        }
        let mut out = self.clone();
        for (top, left) in (0..self.height).step_by(8).flat_map(|y| (0..self.width).step_by(8).map(move |x| (y, x))) {
            // The last pixel is repeated where the picture ends within a block.
            let pixel = |x: usize, y: usize| {
                let (x, y) = ((left + x).min(self.width - 1), (top + y).min(self.height - 1));
                f64::from(self.pixels[y * self.width + x]) - 128.0
            };
            let mut rows = [[0.0; 8]; 8];
            for (y, row) in rows.iter_mut().enumerate() {
                for (f, sum) in row.iter_mut().enumerate() {
                    *sum = (0..8).map(|x| cosines[f][x] * pixel(x, y)).sum();
                }
            }
            let mut block = [[0.0; 8]; 8];
            for (g, row) in block.iter_mut().enumerate() {
                for (f, sum) in row.iter_mut().enumerate() {
                    let exact: f64 = (0..8).map(|y| cosines[g][y] * rows[y][f]).sum();
                    let step = step[g * 8 + f];
                    *sum = (exact / step).round() * step;
                }
            }
            let mut columns = [[0.0; 8]; 8];
            for (y, row) in columns.iter_mut().enumerate() {
                for (f, sum) in row.iter_mut().enumerate() {
                    *sum = (0..8).map(|g| cosines[g][y] * block[g][f]).sum();
                }
            }
            for (y, x) in (0..8.min(self.height - top)).flat_map(|y| (0..8.min(self.width - left)).map(move |x| (y, x)))
            {
                let value: f64 = (0..8).map(|f| cosines[f][x] * columns[y][f]).sum();
                out.pixels[(top + y) * self.width + left + x] = level(value + 128.0);
            }
        }
        out
    }
}

/// The quantisation table of ITU-T T.81, table K.1.
const LUMINANCE: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];

fn level(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// The same numbers on every machine.
pub struct Dice(Xoshiro128PlusPlus);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro128PlusPlus::seed_from_u64(seed))
    }

    /// A number below so many.
    pub fn below(&mut self, most: usize) -> usize {
        ((u64::from(self.0.next_u32()) * most as u64) >> 32) as usize
    }

    fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / f64::from(u32::MAX)
    }

    pub fn between(&mut self, least: f64, most: f64) -> f64 {
        least + self.unit() * (most - least).max(0.0)
    }

    /// Nearly normal, of deviation 1: the sum of four uniform numbers.
    fn normal(&mut self) -> f64 {
        ((0..4).map(|_| self.unit()).sum::<f64>() - 2.0) * 3.0_f64.sqrt()
    }
}
