//! The Gram numbers of a block: `x_k · x_s` for all pairs of samples, exact in 32-bit integers.
//!
//! Costs one multiplication and one addition for each pair and input, up to 64 inputs an instruction.

use crate::base::{Always, violated};
use crate::simd::{Isa, Tile};
use bytemuck::{cast, cast_slice_mut};
use core::num::NonZeroUsize;
use wide::{i16x32, i32x16, u8x64};

/// A vector of 64 bytes: pixels of one image, 32 that are widened or, on a tier with [`Isa::BYTES`], 64 that are not.
pub(crate) type Wide = [i16; 32];

/// For every sample `k` and every `s < k`: `gram[k × block + s] = x_k · x_s`. `images` is `[samples][vectors]`;
/// entries at `s ≥ k` are unspecified.
///
/// `constant`, at most 2¹⁶, is the square of an input that all images have beside their pixels: that of the biases.
#[inline(always)]
pub(crate) fn gram<I: Isa>(
    isa: I,
    images: &[Wide],
    vectors: NonZeroUsize,
    constant: i32,
    gram: &mut [f32],
    block: NonZeroUsize,
) {
    // As many products at a time as there are registers for: a vector that was loaded serves several of them.
    match I::TILE {
        Tile::Two | Tile::Four => tiles::<I, 1, 2>(isa, images, vectors, constant, gram, block),
        Tile::Eight => tiles::<I, 4, 4>(isa, images, vectors, constant, gram, block),
    }
}

/// [`gram`], in tiles of `A` samples by `B` earlier ones.
#[inline(always)]
fn tiles<I: Isa, const A: usize, const B: usize>(
    isa: I,
    images: &[Wide],
    vectors: NonZeroUsize,
    constant: i32,
    gram: &mut [f32],
    block: NonZeroUsize,
) {
    let (a, b) = const { (NonZeroUsize::new(A).unwrap(), NonZeroUsize::new(B).unwrap()) };
    let later = images.chunks(vectors.saturating_mul(a).get()).zip(gram.chunks_mut(block.saturating_mul(a).get()));
    for (k, (later, gram)) in (0..).step_by(A).zip(later) {
        let earlier = images.chunks(vectors.saturating_mul(b).get());
        let later = samples(later, vectors);
        // What is missing where 128 is taken off the pixels of the earlier sample.
        let missing = if I::BYTES { later.map(|image| sum(isa, image).wrapping_mul(128)) } else { [0; A] };
        for (s, earlier) in (0..k + A - 1).step_by(B).zip(earlier) {
            let products = products::<I, A, B>(isa, later, samples(earlier, vectors));
            for ((gram, products), missing) in gram.chunks_exact_mut(block.get()).zip(products).zip(missing) {
                let missing = constant.wrapping_add(missing);
                for (gram, product) in gram.iter_mut().skip(s).zip(products) {
                    // At most 65,536 × 255² + 2¹⁶ < 2³²: exact as u32, whatever the signs on the way.
                    let product = product.to_array().into_iter().fold(missing, i32::wrapping_add).cast_unsigned();
                    #[expect(clippy::cast_precision_loss, reason = "the one rounding of an exact product")]
                    let product = product as f32;
                    *gram = product;
                }
            }
        }
    }
}

/// `A` samples of a tile; the last one again where there are fewer.
#[inline(always)]
fn samples<const A: usize>(images: &[Wide], vectors: NonZeroUsize) -> [&[Wide]; A] {
    let count = images.len() / vectors;
    core::array::from_fn(|i| {
        let at = i.min(count - 1) * vectors.get();
        images.get(at..at + vectors.get()).always("every sample has all its vectors")
    })
}

/// The lanes' sums of the products of `A` samples by `B`.
#[inline(always)]
fn products<I: Isa, const A: usize, const B: usize>(
    isa: I,
    later: [&[Wide]; A],
    earlier: [&[Wide]; B],
) -> [[i32x16; B]; A] {
    let mut sums = [[i32x16::ZERO; B]; A];
    for j in 0..later[0].len() {
        let (Some(a), Some(b)) = (column(later, j), column(earlier, j)) else {
            violated!("every sample has all its vectors", break)
        };
        for (sums, a) in sums.iter_mut().zip(a) {
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum = if I::BYTES { isa.add_bytes_dot(*sum, cast(a), cast(b)) } else { isa.add_dot(*sum, a, b) };
            }
        }
    }
    sums
}

/// The sum of an image's bytes, for a tier with [`Isa::BYTES`].
#[inline(always)]
fn sum<I: Isa>(isa: I, image: &[Wide]) -> i32 {
    let mut sum = i32x16::ZERO;
    for vector in image {
        sum = isa.add_bytes_dot(sum, cast(*vector), u8x64::splat(129));
    }
    sum.to_array().into_iter().fold(0, i32::wrapping_add)
}

/// Vector `j` of each image.
#[inline(always)]
fn column<const A: usize>(images: [&[Wide]; A], j: usize) -> Option<[i16x32; A]> {
    let mut vectors = [i16x32::ZERO; A];
    for (vector, image) in vectors.iter_mut().zip(images) {
        *vector = i16x32::new(*image.get(j)?);
    }
    Some(vectors)
}

/// The vectors of 64 bytes that one image takes on any tier.
pub(crate) const fn most_vectors(inputs: NonZeroUsize) -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add((inputs.get() - 1) / 32)
}

/// Puts `images` (`[samples][inputs]` pixels) into vectors, with zeros behind the last input of each; gives `[samples][vectors]`, and
/// how many vectors an image has. `to` has room for [`most_vectors`] of each.
#[inline(always)]
pub(crate) fn vectors<'a, I: Isa>(
    images: &[u8],
    inputs: NonZeroUsize,
    to: &'a mut [Wide],
) -> (&'a [Wide], NonZeroUsize) {
    let samples = images.len() / inputs;
    let vectors =
        if I::BYTES { NonZeroUsize::MIN.saturating_add((inputs.get() - 1) / 64) } else { most_vectors(inputs) };
    let to = to.get_mut(..samples * vectors.get()).always("there is room for every image of a block");
    for (image, to) in images.chunks_exact(inputs.get()).zip(to.chunks_exact_mut(vectors.get())) {
        if I::BYTES {
            fill(cast_slice_mut(to.as_flattened_mut()), image, |pixel| pixel);
        } else {
            fill(to.as_flattened_mut(), image, i16::from);
        }
    }
    (to, vectors)
}

/// Writes an image, and zeros behind it.
#[inline(always)]
fn fill<T: Default + Clone>(to: &mut [T], image: &[u8], from: impl Fn(u8) -> T) {
    for (to, &pixel) in to.iter_mut().zip(image) {
        *to = from(pixel);
    }
    if let Some(rest) = to.get_mut(image.len()..) {
        rest.fill(T::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::kernel::HIDDEN_BIAS_SQUARE;
    use crate::net::kernel::tests::{INPUTS, SAMPLES, nonzero, on_all_tiers};
    use crate::simd::TierFn;
    use crate::support::{Samples, bits};

    /// All products of a block.
    struct All<'a> {
        images: &'a [u8],
        inputs: NonZeroUsize,
        wide: &'a mut [Wide],
        constant: i32,
        gram: &'a mut [f32],
        block: NonZeroUsize,
    }

    impl TierFn for All<'_> {
        type Out = ();

        #[inline(always)]
        fn call<I: Isa>(self, isa: I) {
            let (images, vectors) = vectors::<I>(self.images, self.inputs, self.wide);
            gram(isa, images, vectors, self.constant, self.gram, self.block);
        }
    }

    /// The integer products, rounded once: to the bit.
    fn assert_gram(images: &[u8], inputs: usize, spare: usize) {
        assert_gram_with(0, images, inputs, spare);
        assert_gram_with(HIDDEN_BIAS_SQUARE, images, inputs, spare);
    }

    fn assert_gram_with(constant: i32, images: &[u8], inputs: usize, spare: usize) {
        let samples = images.len() / inputs;
        let (inputs, block) = (nonzero(inputs), samples + spare);
        let gram = on_all_tiers(|backend| {
            let mut gram = vec![f32::NAN; block * block];
            let wide = &mut vec![[-1; 32]; samples * most_vectors(inputs).get()];
            backend.run(All { images, inputs, wide, constant, gram: &mut gram, block: nonzero(block) });
            for (k, row) in gram.chunks_mut(block).enumerate() {
                // Nobody reads what stands beyond the samples, in either direction.
                row[if k < samples { k } else { 0 }..].fill(0.0);
            }
            bits(&gram)
        });
        let images: Vec<&[u8]> = images.chunks(inputs.get()).collect();
        for k in 0..samples {
            for s in 0..k {
                let product: u64 = images[k].iter().zip(images[s]).map(|(&a, &b)| u64::from(a) * u64::from(b)).sum();
                let product = product + u64::from(constant.unsigned_abs());
                #[expect(clippy::cast_precision_loss, reason = "the one rounding of an exact product")]
                let expected = product as f32;
                assert_eq!(gram[k * block + s], expected.to_bits(), "{inputs} inputs, samples {k} and {s}");
            }
        }
    }

    #[test]
    fn products_of_images_are_exact() {
        for inputs in INPUTS {
            for samples in SAMPLES {
                assert_gram(&Samples::new(inputs, 10, samples, 4).images, inputs, samples % 3);
            }
        }
    }

    #[test]
    fn products_of_black_and_white_images_are_exact() {
        for inputs in INPUTS.into_iter().chain([crate::net::Shape::MAX_INPUTS - 1, crate::net::Shape::MAX_INPUTS]) {
            assert_gram(
                &[vec![255; inputs], vec![255; inputs], vec![0; inputs], vec![255; inputs]].concat(),
                inputs,
                0,
            );
        }
    }
}
