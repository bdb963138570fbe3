//! The tier of `wide` alone: SSE2, NEON or simd128 as compiled for, plain arrays elsewhere.

use super::{Isa, LANES, Tile, to_16_bits};
use bytemuck::cast;
use wide::{f32x16, i16x32, i32x16, u16x32};

/// Needs nothing: its constructor is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Portable;

impl Isa for Portable {
    const NAME: &'static str = "portable";
    /// Half of SSE2's sixteen registers of four numbers; all targets with more do well with it too.
    const TILE: Tile = Tile::Two;
    const PACKED_OUTLINED: bool = true;
    const FUSES: bool = false;

    #[inline(always)]
    fn detect() -> Option<Self> {
        Some(Self)
    }

    operations! {
        add(a: f32x16, b: f32x16) -> f32x16 = a + b;
        sub(a: f32x16, b: f32x16) -> f32x16 = a - b;
        mul(a: f32x16, b: f32x16) -> f32x16 = a * b;
        add_exact(to: f32x16, a: f32x16, b: f32x16) -> f32x16 = to + a * b;
        sub_exact(from: f32x16, a: f32x16, b: f32x16) -> f32x16 = from - a * b;
        relu(a: f32x16) -> f32x16 = a & a.simd_gt(f32x16::ZERO);
        keep_where_positive(a: f32x16, gate: f32x16) -> f32x16 = a & gate.simd_gt(f32x16::ZERO);
        add_dot(sum: i32x16, a: i16x32, b: i16x32) -> i32x16 = sum + a.dot(b);
        add_u16(a: u16x32, b: u16x32) -> u16x32 = a + b;
        // On SSE2, `wide` takes a shift's distance through memory, every time.
        high_bytes(a: u16x32) -> u16x32 =
            if cfg!(target_feature = "sse2") { a.mul_keep_high(u16x32::splat(1 << 8)) } else { a >> 8 };
        even_bytes(all: u16x32, high: u16x32) -> u16x32 = all - high * u16x32::splat(1 << 8);
    }

    #[inline(always)]
    fn to_16_bits(self, a: f32x16) -> f32x16 {
        if cfg!(any(target_feature = "sse2", target_feature = "neon", target_feature = "simd128")) {
            return cast((cast::<f32x16, i32x16>(a) + i32x16::splat(0x80)) & i32x16::splat(!0xFF));
        }
        // Where vectors are plain arrays: one pass over them, not three.
        let mut lanes = a.to_array();
        for lane in &mut lanes {
            *lane = to_16_bits(*lane);
        }
        f32x16::new(lanes)
    }

    #[inline(always)]
    fn add_halves(self, [even, odd]: [i32x16; 2], a: u16x32) -> [i32x16; 2] {
        // Loops, which the compiler turns into vectors: see `high_bytes`.
        let (mut even, mut odd, a) = (even.to_array(), odd.to_array(), cast::<u16x32, [i32; LANES]>(a));
        for ((even, odd), a) in even.iter_mut().zip(&mut odd).zip(a) {
            *even = even.wrapping_add(a & 0xFFFF);
            *odd = odd.wrapping_add((a.cast_unsigned() >> 16).cast_signed());
        }
        [i32x16::new(even), i32x16::new(odd)]
    }

    #[inline(always)]
    fn activations(self, [even, odd]: [i32x16; 2], shift: u8) -> u16x32 {
        let shift = u32::from(shift);
        let (zero, largest) = (i32x16::ZERO, i32x16::splat(255));
        let even = (even >> shift).max(zero).min(largest);
        let odd = (odd >> shift).max(zero).min(largest);
        cast(even | (odd << 16))
    }
}
