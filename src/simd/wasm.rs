//! WebAssembly's relaxed SIMD: the portable operations, but for a multiply-add of one instruction.
//!
//! Whether that instruction rounds once or twice is up to the engine. Where the product is exact, both are the same.

use super::portable::Portable;
use super::{Isa, Tile};
use bytemuck::cast;
use core::arch::wasm32::{f32x4_relaxed_madd, f32x4_relaxed_nmadd, v128};
use wide::{f32x4, f32x16};

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
        add_exact(to: f32x16, a: f32x16, b: f32x16) -> f32x16 = quarters(to, a, b, |to, a, b| f32x4_relaxed_madd(a, b, to));
        sub_exact(from: f32x16, a: f32x16, b: f32x16) -> f32x16 =
            quarters(from, a, b, |from, a, b| f32x4_relaxed_nmadd(a, b, from));
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
