//! What the machine can do at most: multiplications and additions in registers alone, for the benches and for reports. A call
//! takes some ten microseconds.

use crate::simd::{Backend, Isa, TierFn, Tile, sum_lanes};
use wide::f32x16;

/// Multiply-adds that nothing holds up: chains of `a × x + y` in registers, [`PEAK_OPERATIONS`] in all.
#[must_use]
pub fn peak(backend: Backend) -> f32 {
    struct Peak;
    impl TierFn for Peak {
        type Out = f32;
        #[inline(always)]
        fn call<I: Isa>(self, isa: I) -> f32 {
            // As many chains as hide the latency of an addition.
            match I::TILE {
                Tile::Two => chains::<I, 3>(isa),
                Tile::Four => chains::<I, 6>(isa),
                Tile::Eight => chains::<I, 16>(isa),
            }
        }
    }
    backend.run(Peak)
}

/// Multiplications and additions of one call of [`peak`].
pub const PEAK_OPERATIONS: u32 = 2 * 12_000 * 16;

#[inline(always)]
fn chains<I: Isa, const N: usize>(isa: I) -> f32 {
    let mut sums = [f32x16::ONE; N];
    let x = f32x16::splat(core::hint::black_box(0.999));
    let y = f32x16::splat(core::hint::black_box(0.001));
    for _ in 0..12_000 / N {
        for sum in &mut sums {
            *sum = isa.add(isa.mul(*sum, x), y);
        }
    }
    sums.into_iter().map(sum_lanes).sum()
}
