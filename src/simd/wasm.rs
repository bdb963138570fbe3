//! WebAssembly's relaxed SIMD: the portable operations, but for a multiply-add of one instruction.
//!
//! Whether that instruction rounds once or twice is up to the engine. Where the product is exact, both are the same.

use super::portable::Portable;
use super::{Isa, Tile};
use bytemuck::cast;
use core::arch::wasm32::{f32x4_relaxed_madd, f32x4_relaxed_nmadd, v128};
use wide::{f32x4, f32x16, i16x32, i32x16, u16x32};

/// Needs nothing: it exists where the compiler may use relaxed SIMD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relaxed;

impl Isa for Relaxed {
    const NAME: &'static str = "relaxed";
    const TILE: Tile = Portable::TILE;
    const PACKED_OUTLINED: bool = Portable::PACKED_OUTLINED;
    const FUSES: bool = true;

    #[inline(always)]
    fn detect() -> Option<Self> {
        Some(Self)
    }

    operations! {
        add(a: f32x16, b: f32x16) -> f32x16 = a + b;
        sub(a: f32x16, b: f32x16) -> f32x16 = a - b;
        mul(a: f32x16, b: f32x16) -> f32x16 = a * b;
        add_exact(to: f32x16, a: f32x16, b: f32x16) -> f32x16 = quarters(to, a, b, |to, a, b| f32x4_relaxed_madd(a, b, to));
        sub_exact(from: f32x16, a: f32x16, b: f32x16) -> f32x16 =
            quarters(from, a, b, |from, a, b| f32x4_relaxed_nmadd(a, b, from));
        to_16_bits(a: f32x16) -> f32x16 = Portable.to_16_bits(a);
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

/// An instruction on each quarter of three vectors.
#[inline(always)]
fn quarters(to: f32x16, a: f32x16, b: f32x16, instruction: impl Fn(v128, v128, v128) -> v128) -> f32x16 {
    let (mut to, a, b): ([f32x4; 4], [f32x4; 4], [f32x4; 4]) = (cast(to), cast(a), cast(b));
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = instruction((*to).into(), a.into(), b.into()).into();
    }
    cast(to)
}
