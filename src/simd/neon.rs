//! AArch64's NEON: `wide`'s operations, fused where a tier may fuse them, and kernels cut for 32 registers of four numbers.
//!
//! Every AArch64 has NEON, so that `wide` uses it without being asked, and nothing here is `unsafe`. What `wide` has in two
//! operations, the compiler makes one instruction of: `smlal`, `usra`.

use super::{Isa, Tile};
use bytemuck::cast;
use wide::{f32x16, i16x8, i16x32, i32x4, i32x16, u16x32};

/// Needs nothing: every AArch64 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Neon;

impl Isa for Neon {
    const NAME: &'static str = "neon";
    /// Sixteen of thirty-two registers. With eight, training takes 1.2 times as many instructions, with thirty-two 1.6 times.
    const TILE: Tile = Tile::Four;
    const PACKED_OUTLINED: bool = false;
    const FUSES: bool = true;

    #[inline(always)]
    fn detect() -> Option<Self> {
        Some(Self)
    }

    operations! {
        add_exact(to: f32x16, a: f32x16, b: f32x16) -> f32x16 = a.mul_add(b, to);
        sub_exact(from: f32x16, a: f32x16, b: f32x16) -> f32x16 = a.mul_neg_add(b, from);
    }

    /// Not `>>` of `wide`, whose distance is a vector: with a constant one, adding high bytes up is one instruction.
    #[inline(always)]
    fn high_bytes(self, a: u16x32) -> u16x32 {
        let mut lanes = a.to_array();
        for lane in &mut lanes {
            *lane >>= 8;
        }
        u16x32::new(lanes)
    }

    /// One instruction for the low half of a register, one for the high half.
    #[inline(always)]
    fn add_dot(self, sum: i32x16, a: i16x32, b: i16x32) -> i32x16 {
        let (mut sums, a, b): ([i32x4; 4], [i16x8; 4], [i16x8; 4]) = (cast(sum), cast(a), cast(b));
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            let [low, high]: [i32x4; 2] = cast(a.widening_mul(b));
            *sum = *sum + low + high;
        }
        cast(sums)
    }
}
