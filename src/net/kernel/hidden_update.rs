//! The step of W1: `W1 −= α Xᵀ Δ1` for a whole block of samples, one panel of hidden units at a time.
//!
//! Costs one multiplication and one subtraction for each nonzero pixel and hidden unit, and one read and write of the
//! panel for the whole block. Each weight's steps are taken in the order of the samples. Products are exact, since `α δ1` has 16
//! significant bits and a pixel has 8.

use super::pixels::{ByInput, CHUNK};
use super::{HIDDEN_BIAS_SQUARE, Lanes, Row, load, store, sub_scaled, sub_scaled_exact, tile, tile_mut};
use crate::base::violated;
use crate::simd::Isa;

/// Takes the steps of one chunk of inputs in one tile. `w1` has a row for each input, `delta1` (α δ1) for each sample. `SHORT` weights
/// are then rounded to 16 significant bits, so that the forward pass has exact products too.
#[inline(always)]
pub(crate) fn hidden_update<I: Isa, const W: usize, const N: usize, const SHORT: bool>(
    isa: I,
    w1: &mut [Row<W>],
    at: usize,
    pixels: &ByInput<'_>,
    chunk: usize,
    delta1: &[Row<W>],
) {
    for (input, row) in w1.iter_mut().enumerate().skip(chunk * CHUNK.get()).take(CHUNK.get()) {
        let Some(steps) = pixels.input(input) else { violated!("every input has a list", continue) };
        if steps.len() == 0 {
            continue;
        }
        let Some(weights) = tile_mut::<N>(row, at) else { violated!("a row is whole tiles", continue) };
        let mut stepped = load(weights);
        for (sample, step) in steps {
            let delta1 = delta1.get(sample).and_then(|row| tile(row, at));
            let Some(delta1) = delta1 else { violated!("lists name samples only; a row is whole tiles", break) };
            sub_scaled_exact(isa, &mut stepped, step, delta1);
        }
        if SHORT {
            for v in &mut stepped {
                *v = isa.to_16_bits(*v);
            }
        }
        store(weights, stepped);
    }
}

/// Takes the steps of one tile of the biases, whose input is the same for every sample.
#[inline(always)]
pub(crate) fn bias_update<I: Isa, const W: usize, const N: usize>(
    isa: I,
    biases: &mut [Lanes; N],
    at: usize,
    delta1: &[Row<W>],
) {
    #[expect(clippy::cast_precision_loss, reason = "a power of two")]
    const SQUARE: f32 = HIDDEN_BIAS_SQUARE as f32;
    let mut stepped = load(biases);
    for row in delta1 {
        let Some(delta1) = tile(row, at) else { violated!("a row is whole tiles", break) };
        sub_scaled(isa, &mut stepped, SQUARE, delta1);
    }
    store(biases, stepped);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Scratch;
    use crate::net::kernel::pixels::{BySample, Fill};
    use crate::net::kernel::tests::{INPUTS, SAMPLES, WIDTHS, nonzero, on_all_tiers};
    use crate::net::kernel::{PanelFn, for_width, rows, rows_mut};
    use crate::simd::{Backend, LANES, TierFn, to_16_bits};
    use crate::support::recipe::Approx;
    use crate::support::{Dice, Samples, bits};

    /// The whole step: every chunk in every tile.
    struct Step<'a> {
        short: bool,
        w1: &'a mut [f32],
        inputs: usize,
        width: usize,
        pixels: &'a ByInput<'a>,
        delta1: &'a [f32],
    }

    impl TierFn for Step<'_> {
        type Out = ();

        #[inline(always)]
        fn call<I: Isa>(self, isa: I) {
            for_width(isa, self.width * LANES, self);
        }
    }

    impl PanelFn for Step<'_> {
        #[inline(always)]
        fn call<I: Isa, const W: usize, const N: usize>(self, isa: I) {
            let (w1, delta1) = (rows_mut::<W>(self.w1), rows::<W>(self.delta1));
            for at in (0..W).step_by(N) {
                for chunk in 0..self.inputs.div_ceil(CHUNK.get()) {
                    if self.short {
                        hidden_update::<I, W, N, true>(isa, w1, at, self.pixels, chunk, delta1);
                    } else {
                        hidden_update::<I, W, N, false>(isa, w1, at, self.pixels, chunk, delta1);
                    }
                }
            }
        }
    }

    fn assert_step(images: &[u8], inputs: usize, width: usize, short: bool) {
        let (samples, units) = (images.len() / inputs, width * LANES);
        let before = Dice::new(1).numbers(inputs * units, 1.0);
        let delta1: Vec<f32> = Dice::new(2).numbers(samples * units, 1e-3).into_iter().map(to_16_bits).collect();
        let mut by_sample = vec![f32::NAN; BySample::scratch_len(inputs, CHUNK, samples)];
        let mut by_sample = BySample::new(nonzero(inputs), CHUNK, samples, &mut Scratch::new(&mut by_sample));
        let mut pixels = vec![f32::NAN; ByInput::scratch_len(inputs, samples)];
        let mut pixels = ByInput::new(nonzero(inputs), samples, &mut Scratch::new(&mut pixels));
        Backend::baseline().run(Fill(&mut by_sample, images));
        pixels.fill(images, &by_sample);
        let after = on_all_tiers(|backend| {
            let mut w1 = before.clone();
            backend.run(Step { short, w1: &mut w1, inputs, width, pixels: &pixels, delta1: &delta1 });
            bits(&w1)
        });
        for (place, (before, after)) in before.iter().zip(after).enumerate() {
            let (input, unit) = (place / units, place % units);
            let column = images.iter().skip(input).step_by(inputs);
            let nonzero = column.clone().filter(|&&x| x != 0).count();
            if nonzero == 0 {
                assert_eq!(after, before.to_bits(), "input {input} has no pixels");
                continue;
            }
            // Products are exact; then a subtraction for this pixel and each that follows.
            let step = |&x: &u8| Approx::exact(x).negative();
            let delta1 = delta1.iter().skip(unit).step_by(units).map(|&d| Approx::exact(d));
            let expected = Approx::exact(*before).sum(nonzero, column.map(step).zip(delta1));
            let expected = if short { expected.to_16_bits() } else { expected };
            let after = f32::from_bits(after);
            assert!(!short || after.to_bits() == to_16_bits(after).to_bits(), "{after} has more than 16 bits");
            assert!(expected.admits(after), "input {input} of {inputs}, unit {unit}: {after}, {expected:?}");
        }
    }

    #[test]
    fn weights_lose_pixels_times_deltas() {
        for inputs in INPUTS {
            for samples in SAMPLES {
                for width in WIDTHS {
                    assert_step(&Samples::new(inputs, 10, samples, 3).images, inputs, width, true);
                    assert_step(&Samples::new(inputs, 10, samples, 3).images, inputs, width, false);
                }
            }
        }
    }

    #[test]
    fn steps_of_black_and_white_images() {
        for inputs in INPUTS {
            assert_step(&[vec![0; inputs], vec![255; inputs], vec![0; inputs]].concat(), inputs, 4, true);
            assert_step(&vec![0; inputs * 9], inputs, 2, true);
        }
    }
}
