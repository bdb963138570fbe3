//! The arithmetic, one idea a file, generic over the tier, without `unsafe`.
//!
//! A panel's weights and hidden rows are rows of `W` vectors of 16 numbers. A kernel works on a *tile* of a row: `N`
//! vectors, as many as the tier has registers for ([`Isa::TILE`]). Both are known to the compiler ([`for_width`]), and
//! neither has any influence on a sum.
//!
//! | file | step |
//! |---|---|
//! | `pixels.rs` | lists of the nonzero pixels |
//! | `forward.rs` | both layers, forward |
//! | `gram.rs` | the products `x_k · x_s` of a block's images |
//! | `sequential.rs` | the part of a block that goes sample by sample: corrections, δ2, δ1, the step of W2 |
//! | `hidden_update.rs` | the step of W1 |

pub(crate) mod forward;
pub(crate) mod gram;
pub(crate) mod hidden_update;
pub(crate) mod pixels;
pub(crate) mod sequential;

use crate::simd::{Isa, LANES, Tile};
use wide::f32x16;

/// The square of the input of the hidden units' biases, 256. It is part of all Gram numbers.
pub(crate) const HIDDEN_BIAS_SQUARE: i32 = 65_536;
/// The square of the input of the outputs' biases, 16.
pub(crate) const OUTPUT_BIAS_SQUARE: f32 = 256.0;

/// One vector as it lies in memory.
pub(crate) type Lanes = [f32; LANES];

/// One row of a panel: the weights of one input or output, or one sample's hidden units.
pub(crate) type Row<const W: usize> = [Lanes; W];

/// A slice of numbers as rows; lengths here are whole rows by construction.
#[inline(always)]
pub(crate) fn rows<const W: usize>(numbers: &[f32]) -> &[Row<W>] {
    numbers.as_chunks().0.as_chunks().0
}

/// [`rows`], to be written.
#[inline(always)]
pub(crate) fn rows_mut<const W: usize>(numbers: &mut [f32]) -> &mut [Row<W>] {
    numbers.as_chunks_mut().0.as_chunks_mut().0
}

/// `N` vectors of a row, from vector `at` on; `None` where the row is shorter, which callers rule out.
#[inline(always)]
pub(crate) fn tile<const N: usize>(row: &[Lanes], at: usize) -> Option<&[Lanes; N]> {
    row.get(at..)?.first_chunk()
}

/// [`tile`], to be written.
#[inline(always)]
pub(crate) fn tile_mut<const N: usize>(row: &mut [Lanes], at: usize) -> Option<&mut [Lanes; N]> {
    row.get_mut(at..)?.first_chunk_mut()
}

/// `N` vectors into registers.
#[inline(always)]
pub(crate) fn load<const N: usize>(from: &[Lanes; N]) -> [f32x16; N] {
    let mut tile = [f32x16::ZERO; N];
    for (to, v) in tile.iter_mut().zip(from) {
        *to = f32x16::new(*v);
    }
    tile
}

/// `max(z, 0)` of `N` vectors. (A loop: `[T; N]::map` may be left out of line, and then lacks the tier's instructions.)
#[inline(always)]
pub(crate) fn load_relu<I: Isa, const N: usize>(isa: I, from: &[Lanes; N]) -> [f32x16; N] {
    let mut tile = load(from);
    for v in &mut tile {
        *v = isa.relu(*v);
    }
    tile
}

/// `N` vectors back to memory.
#[inline(always)]
pub(crate) fn store<const N: usize>(to: &mut [Lanes; N], tile: [f32x16; N]) {
    for (to, v) in to.iter_mut().zip(tile) {
        *to = v.to_array();
    }
}

/// `sum += scale × tile`.
#[inline(always)]
pub(crate) fn add_scaled<I: Isa, const N: usize>(isa: I, sum: &mut [f32x16; N], scale: f32, tile: &[Lanes; N]) {
    let scale = f32x16::splat(scale);
    for (sum, v) in sum.iter_mut().zip(tile) {
        *sum = isa.add(*sum, isa.mul(scale, f32x16::new(*v)));
    }
}

/// `sum −= scale × tile`.
#[inline(always)]
pub(crate) fn sub_scaled<I: Isa, const N: usize>(isa: I, sum: &mut [f32x16; N], scale: f32, tile: &[Lanes; N]) {
    let scale = f32x16::splat(scale);
    for (sum, v) in sum.iter_mut().zip(tile) {
        *sum = isa.sub(*sum, isa.mul(scale, f32x16::new(*v)));
    }
}

/// `sum += scale × tile`, where the products are exact: see [`Isa::to_16_bits`].
#[inline(always)]
pub(crate) fn add_scaled_exact<I: Isa, const N: usize>(isa: I, sum: &mut [f32x16; N], scale: f32, tile: &[Lanes; N]) {
    let scale = f32x16::splat(scale);
    for (sum, v) in sum.iter_mut().zip(tile) {
        *sum = isa.add_exact(*sum, scale, f32x16::new(*v));
    }
}

/// `sum −= scale × tile`, where the products are exact: see [`Isa::to_16_bits`].
#[inline(always)]
pub(crate) fn sub_scaled_exact<I: Isa, const N: usize>(isa: I, sum: &mut [f32x16; N], scale: f32, tile: &[Lanes; N]) {
    let scale = f32x16::splat(scale);
    for (sum, v) in sum.iter_mut().zip(tile) {
        *sum = isa.sub_exact(*sum, scale, f32x16::new(*v));
    }
}

/// A function of one panel, whose rows have `W` vectors and are worked on in tiles of `N`.
pub(crate) trait PanelFn {
    fn call<I: Isa, const W: usize, const N: usize>(self, isa: I);
}

/// Calls `f` for a panel of `width` numbers a row: 128, 64, 32 or 16.
#[inline(always)]
pub(crate) fn for_width<I: Isa>(isa: I, width: usize, f: impl PanelFn) {
    match (width / LANES, I::TILE) {
        (8, Tile::Eight) => f.call::<I, 8, 8>(isa),
        (8, Tile::Four) => f.call::<I, 8, 4>(isa),
        (8, Tile::Two) => f.call::<I, 8, 2>(isa),
        (4, Tile::Eight | Tile::Four) => f.call::<I, 4, 4>(isa),
        (4, Tile::Two) => f.call::<I, 4, 2>(isa),
        (2, _) => f.call::<I, 2, 2>(isa),
        _ => {
            debug_assert_eq!(width, LANES, "a panel is 16, 32, 64 or 128 numbers wide");
            f.call::<I, 1, 1>(isa);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::simd::{Backend, TierFn};
    use crate::support::bits;
    use core::fmt::Debug;
    use core::num::NonZeroUsize;

    /// Inputs on both sides of everything that the kernels distinguish: vectors of 8 and 32 pixels, chunks of 112.
    pub(crate) const INPUTS: [usize; 13] = [1, 2, 7, 8, 9, 31, 32, 33, 111, 112, 113, 784, 785];
    /// Samples on both sides of groups of 4 and 8, and of the default block.
    pub(crate) const SAMPLES: [usize; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 63, 64, 65];
    /// Vectors of a panel's row.
    pub(crate) const WIDTHS: [usize; 4] = [1, 2, 4, 8];

    pub(crate) fn nonzero(number: usize) -> NonZeroUsize {
        NonZeroUsize::new(number).unwrap()
    }

    /// What `work` gives, after asserting that it gives the same on every tier.
    pub(crate) fn on_all_tiers<T: PartialEq + Debug>(work: impl Fn(Backend) -> T) -> T {
        let expected = work(Backend::baseline());
        for backend in Backend::available() {
            assert!(work(backend) == expected, "{backend} differs from {}", Backend::baseline());
        }
        expected
    }

    /// Writes down the row and the tile that it is given.
    struct Cut<'a>(&'a mut Option<(usize, usize)>);

    impl PanelFn for Cut<'_> {
        fn call<I: Isa, const W: usize, const N: usize>(self, _: I) {
            let most = match I::TILE {
                Tile::Two => 2,
                Tile::Four => 4,
                Tile::Eight => 8,
            };
            assert_eq!(N, most.min(W), "as many vectors as there are registers for");
            assert_eq!(self.0.replace((W, N)), None, "done twice");
        }
    }

    struct CutPanel(usize);

    impl TierFn for CutPanel {
        type Out = Option<(usize, usize)>;

        fn call<I: Isa>(self, isa: I) -> Self::Out {
            let mut cut = None;
            for_width(isa, self.0 * LANES, Cut(&mut cut));
            cut
        }
    }

    #[test]
    fn rows_are_cut_into_whole_tiles() {
        for backend in Backend::available() {
            for width in WIDTHS {
                let (row, tile) = backend.run(CutPanel(width)).unwrap();
                assert!(row == width && row.is_multiple_of(tile), "{width} vectors on {backend}: {tile} of {row}");
            }
        }
    }

    #[test]
    fn numbers_lie_in_rows() {
        let mut numbers: Vec<f32> = (0..96_u8).map(f32::from).collect();
        assert_eq!(rows::<2>(&numbers)[2][1][0].to_bits(), 80_f32.to_bits());
        assert_eq!((rows::<2>(&numbers).len(), rows_mut::<1>(&mut numbers).len()), (3, 6));
        rows_mut::<2>(&mut numbers)[1][0][15] = -1.0;
        assert_eq!(numbers.iter().position(|&n| n < 0.0), Some(47));
    }

    #[test]
    fn tiles_are_parts_of_a_row() {
        let mut memory = [[1.0; LANES], [2.0; LANES], [3.0; LANES]];
        assert_eq!(tile::<2>(&memory, 1), Some(&[[2.0; LANES], [3.0; LANES]]));
        let two = tile_mut::<2>(&mut memory, 1).unwrap();
        let swapped = load(two);
        store(two, [swapped[1], swapped[0]]);
        assert_eq!(memory, [[1.0; LANES], [3.0; LANES], [2.0; LANES]]);
    }

    struct Scaled(f32, [Lanes; 2], [Lanes; 2]);

    impl TierFn for Scaled {
        type Out = [Vec<u32>; 2];

        #[inline(always)]
        fn call<I: Isa>(self, isa: I) -> Self::Out {
            let (mut sum, mut difference) = (load(&self.1), load(&self.1));
            add_scaled(isa, &mut sum, self.0, &self.2);
            sub_scaled(isa, &mut difference, self.0, &self.2);
            [sum, difference].map(|tile| tile.iter().flat_map(|v| bits(&v.to_array())).collect())
        }
    }

    /// A product and a sum, each rounded: fused, some of these would differ.
    #[test]
    fn scaled_sums_round_twice() {
        let mut dice = crate::support::Dice::new(1);
        let mut row = || [0; 2].map(|_| [0.0; LANES].map(|_: f32| dice.signed(1.0)));
        let (a, b) = (row(), row());
        let scale = 0.7;
        let found = on_all_tiers(|backend| backend.run(Scaled(scale, a, b)));
        let pairs = || a.iter().flatten().zip(b.iter().flatten());
        let twice = [pairs().map(|(a, b)| a + scale * b).collect(), pairs().map(|(a, b)| a - scale * b).collect()];
        assert_eq!(found, twice.map(|numbers: Vec<f32>| bits(&numbers)));
        let fused: Vec<f32> = pairs().map(|(a, b)| scale.mul_add(*b, *a)).collect();
        assert_ne!(found[0], bits(&fused), "numbers that cannot tell");
    }
}
