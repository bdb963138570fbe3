//! A tier for the tests: the portable operations, but kernels cut as for a tier with many registers. The same bits here mean that
//! the cut changes nothing, and that a tier is one file.

use super::portable::Portable;
use super::{Isa, Tile};
use wide::{f32x16, i16x32, i32x16, u16x32};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mixed;

impl Isa for Mixed {
    const NAME: &'static str = "mixed";
    const TILE: Tile = Tile::Eight;
    const PACKED_OUTLINED: bool = true;

    fn detect() -> Option<Self> {
        Some(Self)
    }

    operations! {
        add(a: f32x16, b: f32x16) -> f32x16 = Portable.add(a, b);
        sub(a: f32x16, b: f32x16) -> f32x16 = Portable.sub(a, b);
        mul(a: f32x16, b: f32x16) -> f32x16 = Portable.mul(a, b);
        relu(a: f32x16) -> f32x16 = Portable.relu(a);
        keep_where_positive(a: f32x16, gate: f32x16) -> f32x16 = Portable.keep_where_positive(a, gate);
        add_dot(sum: i32x16, a: i16x32, b: i16x32) -> i32x16 = Portable.add_dot(sum, a, b);
        add_u16(a: u16x32, b: u16x32) -> u16x32 = Portable.add_u16(a, b);
        high_bytes(a: u16x32) -> u16x32 = Portable.high_bytes(a);
        even_bytes(all: u16x32, high: u16x32) -> u16x32 = Portable.even_bytes(all, high);
        add_halves(sums: [i32x16; 2], a: u16x32) -> [i32x16; 2] = Portable.add_halves(sums, a);
        activations(sums: [i32x16; 2], shift: u8) -> u16x32 = Portable.activations(sums, shift);
    }
}
