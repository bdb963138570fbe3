//! Both layers, forward: `z = x W1` for many samples, one panel of hidden units at a time, and `y = max(z, 0) W2`.
//!
//! Costs one multiplication and one addition for each nonzero pixel and hidden unit, and for each hidden unit and output.
//! Each sum of the first layer runs over the inputs in order, whatever the chunks and tiles.

use super::pixels::BySample;
use super::{Row, add_scaled, add_scaled_exact, load, load_relu, store, tile, tile_mut};
use crate::base::violated;
use crate::simd::Isa;
use wide::f32x16;

/// The first layer: adds the inputs of one chunk to one tile of the pre-activations `z`, a row for each sample; the first
/// chunk begins at `start()`. `w1` has a row for each input; `SHORT` weights have 16 significant bits, so that products are exact.
#[inline(always)]
pub(crate) fn hidden_forward<I: Isa, const W: usize, const N: usize, const SHORT: bool>(
    isa: I,
    w1: &[Row<W>],
    at: usize,
    pixels: &BySample<'_>,
    chunk: usize,
    start: impl Fn() -> [f32x16; N],
    z: &mut [Row<W>],
) {
    for (sample, z) in z.iter_mut().enumerate() {
        let Some(z) = tile_mut::<N>(z, at) else { violated!("a row is whole tiles", continue) };
        let Some(pixels) = pixels.chunk(sample, chunk) else {
            violated!("every sample has a list for each chunk", continue)
        };
        let mut sum = if chunk == 0 { start() } else { load(z) };
        for (input, pixel) in pixels {
            let weights = w1.get(input).and_then(|row| tile(row, at));
            let Some(weights) = weights else { violated!("lists name inputs only; a row is whole tiles", break) };
            if SHORT {
                add_scaled_exact(isa, &mut sum, pixel, weights);
            } else {
                add_scaled(isa, &mut sum, pixel, weights);
            }
        }
        store(z, sum);
    }
}

/// The second layer: `sums += max(z, 0) W2` for one sample. `w2` has a row and `sums` a vector for each output, whose
/// lanes are still to be added up.
#[inline(always)]
pub(crate) fn output_forward<I: Isa, const W: usize, const N: usize>(
    isa: I,
    z: &Row<W>,
    w2: &[Row<W>],
    sums: &mut [Row<1>],
) {
    for at in (0..W).step_by(N) {
        let Some(z) = tile::<N>(z, at) else { violated!("a row is whole tiles", continue) };
        let h = load_relu(isa, z);
        for (row, [sum]) in w2.iter().zip(sums.iter_mut()) {
            let Some(weights) = tile::<N>(row, at) else { violated!("a row is whole tiles", continue) };
            let mut s = f32x16::new(*sum);
            for (h, w) in h.into_iter().zip(weights) {
                s = isa.add(s, isa.mul(h, f32x16::new(*w)));
            }
            *sum = s.to_array();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Scratch;
    use crate::net::kernel::pixels::{CHUNK, Fill};
    use crate::net::kernel::tests::{INPUTS, SAMPLES, WIDTHS, nonzero, on_all_tiers};
    use crate::net::kernel::{PanelFn, for_width, rows, rows_mut};
    use crate::simd::{Backend, LANES, TierFn};
    use crate::support::recipe::Approx;
    use crate::support::reference::round;
    use crate::support::{Dice, Samples, bits};

    /// The whole pass: every chunk in every tile.
    struct Pass<'a> {
        w1: &'a [f32],
        width: usize,
        start: &'a [f32],
        pixels: &'a BySample<'a>,
        z: &'a mut [f32],
        short: bool,
    }

    impl TierFn for Pass<'_> {
        type Out = ();

        #[inline(always)]
        fn call<I: Isa>(self, isa: I) {
            for_width(isa, self.width * LANES, self);
        }
    }

    impl PanelFn for Pass<'_> {
        #[inline(always)]
        fn call<I: Isa, const W: usize, const N: usize>(self, isa: I) {
            let (w1, z) = (rows::<W>(self.w1), rows_mut::<W>(self.z));
            let start = &rows::<W>(self.start)[0];
            for at in (0..W).step_by(N) {
                for chunk in 0..self.pixels.chunks() {
                    let start = || load(tile(start, at).unwrap());
                    if self.short {
                        hidden_forward::<I, W, N, true>(isa, w1, at, self.pixels, chunk, start, z);
                    } else {
                        hidden_forward::<I, W, N, false>(isa, w1, at, self.pixels, chunk, start, z);
                    }
                }
            }
        }
    }

    fn assert_forward(images: &[u8], inputs: usize, width: usize, short: bool) {
        let (samples, units) = (images.len() / inputs, width * LANES);
        let mut dice = Dice::new(1);
        let (mut w1, start) = (dice.numbers(inputs * units, 1.0), dice.numbers(units, 100.0));
        if short {
            round(&mut w1);
        }
        let mut scratch = vec![f32::NAN; BySample::scratch_len(inputs, CHUNK, samples)];
        let mut pixels = BySample::new(nonzero(inputs), CHUNK, samples, &mut Scratch::new(&mut scratch));
        Backend::baseline().run(Fill(&mut pixels, images));
        let z = on_all_tiers(|backend| {
            let mut z = vec![f32::NAN; samples * units];
            backend.run(Pass { w1: &w1, width, start: &start, pixels: &pixels, z: &mut z, short });
            bits(&z)
        });
        for (image, z) in images.chunks(inputs).zip(z.chunks(units)) {
            for (unit, z) in z.iter().enumerate() {
                let weights = w1.iter().skip(unit).step_by(units);
                let terms = image.iter().zip(weights).map(|(&x, &w)| (Approx::exact(x), Approx::exact(w)));
                // A product, and an addition for each pixel from it on.
                let nonzero = image.iter().filter(|&&x| x != 0).count();
                let expected = Approx::exact(start[unit]).sum(nonzero + 1, terms);
                let z = f32::from_bits(*z);
                assert!(expected.admits(z), "{inputs} inputs, {width} vectors, unit {unit}: {z}, {expected:?}");
            }
        }
    }

    #[test]
    fn pre_activations_are_the_sums_of_pixels_and_weights() {
        for inputs in INPUTS {
            for samples in SAMPLES {
                for width in WIDTHS {
                    assert_forward(&Samples::new(inputs, 10, samples, 2).images, inputs, width, false);
                    assert_forward(&Samples::new(inputs, 10, samples, 2).images, inputs, width, true);
                }
            }
        }
    }

    #[test]
    fn pre_activations_of_black_and_white_images() {
        for inputs in INPUTS {
            assert_forward(&[vec![0; inputs], vec![255; inputs], vec![0; inputs]].concat(), inputs, 4, true);
        }
    }
}
