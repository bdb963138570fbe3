//! The nonzero pixels of a block of images, listed twice: by sample for the forward pass, by input for the update.
//!
//! An MNIST image has 150 nonzero pixels of 784. Listing them costs one pass over the image; every panel then does a
//! fifth of the work.

use crate::base::{Always, Scratch, padded, violated};
use crate::simd::{Entry, Isa, TierFn, WORD};
use core::num::NonZeroUsize;

/// Rows of W1 (inputs) that the kernels work through at a time: 112 rows of a tile are about what stays in a core's
/// first-level cache while all samples of a block use them.
pub(crate) const CHUNK: NonZeroUsize = NonZeroUsize::new(112).unwrap();

/// For each sample, its nonzero pixels in the order of the inputs, cut into chunks of inputs.
#[derive(Debug)]
pub(crate) struct BySample<'a> {
    inputs: NonZeroUsize,
    /// Inputs of a chunk.
    chunk: NonZeroUsize,
    /// Chunks of an image.
    chunks: usize,
    /// Input and value, 1 to 255, of each listed pixel.
    pixels: &'a mut [Entry],
    /// A zero, and where each (sample, chunk) ends in the list.
    bounds: &'a mut [u32],
}

impl<'a> BySample<'a> {
    /// Scratch for `block` images that are cut into chunks of `chunk` inputs, in f32 numbers.
    pub(crate) const fn scratch_len(inputs: usize, chunk: NonZeroUsize, block: usize) -> usize {
        let bounds = block.saturating_mul(inputs.div_ceil(chunk.get())).saturating_add(1);
        padded(entries_len(inputs, block).saturating_add(2 * WORD)).saturating_add(padded(bounds))
    }

    /// An empty list in `scratch`, which must hold [`scratch_len`](Self::scratch_len) numbers.
    pub(crate) fn new(inputs: NonZeroUsize, chunk: NonZeroUsize, block: usize, scratch: &mut Scratch<'a>) -> Self {
        let chunks = inputs.get().div_ceil(chunk.get());
        Self {
            inputs,
            chunk,
            chunks,
            pixels: scratch.take_as(entries_len(inputs.get(), block) + 2 * WORD),
            bounds: scratch.take_as(block * chunks + 1),
        }
    }

    /// Lists the pixels of `images`: whole images, `block` at most.
    #[inline(always)]
    pub(crate) fn fill<I: Isa>(&mut self, isa: I, images: &[u8]) {
        let mut len = 0;
        let mut ends = ends_mut(self.bounds).iter_mut();
        for image in images.chunks_exact(self.inputs.get()) {
            for (mut input, chunk) in (0..).step_by(self.chunk.get()).zip(image.chunks(self.chunk.get())) {
                let (words, rest) = chunk.as_chunks();
                for &word in words {
                    len += list(isa, self.pixels, len, input, word);
                    input += 8;
                }
                let mut word = [0; WORD];
                word.iter_mut().zip(rest).for_each(|(to, &pixel)| *to = pixel);
                len += list(isa, self.pixels, len, input, word);
                let Some(end) = ends.next() else { violated!("a block has room for its images", return) };
                *end = u32::try_from(len).always("scratch is never long enough for 2³² pixels");
            }
        }
    }

    /// How many chunks an image is cut into.
    #[inline(always)]
    pub(crate) const fn chunks(&self) -> usize {
        self.chunks
    }

    /// The pixels of one sample that lie in one chunk, as (input, value).
    #[inline(always)]
    pub(crate) fn chunk(&self, sample: usize, chunk: usize) -> Option<impl Iterator<Item = (usize, f32)>> {
        let at = sample * self.chunks + chunk;
        Some(entries(part(self.pixels, self.bounds, at, at + 1)?))
    }

    /// All pixels of one sample, as (input, value).
    #[inline(always)]
    fn sample(&self, sample: usize) -> Option<impl Iterator<Item = (usize, f32)>> {
        let at = sample * self.chunks;
        Some(entries(part(self.pixels, self.bounds, at, at + self.chunks)?))
    }
}

/// [`BySample::fill`] by itself.
pub(crate) struct Fill<'l, 'a>(pub(crate) &'l mut BySample<'a>, pub(crate) &'l [u8]);

impl TierFn for Fill<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn call<I: Isa>(self, isa: I) {
        self.0.fill(isa, self.1);
    }
}

/// Lists the nonzero pixels of a word, the first of which is `input`, from place `at` on; gives their number.
#[inline(always)]
fn list<I: Isa>(isa: I, pixels: &mut [Entry], at: usize, input: u32, word: [u8; WORD]) -> usize {
    if u64::from_ne_bytes(word) == 0 {
        return 0;
    }
    let room = pixels.get_mut(at..).and_then(|room| room.first_chunk_mut::<WORD>());
    let Some(room) = room else { violated!("there is room for all pixels and two words", return 0) };
    isa.list(input, word, room)
}

/// For each input, the samples in which its pixel is not zero, in order, with the step its weights take.
#[derive(Debug)]
pub(crate) struct ByInput<'a> {
    /// Sample and learning rate × pixel of each listed pixel.
    steps: &'a mut [Entry],
    /// A zero, and where each input ends in the list.
    bounds: &'a mut [u32],
}

impl<'a> ByInput<'a> {
    /// Scratch for `block` images, in f32 numbers.
    pub(crate) const fn scratch_len(inputs: usize, block: usize) -> usize {
        padded(entries_len(inputs, block)).saturating_add(padded(inputs + 1))
    }

    /// An empty list in `scratch`, which must hold [`scratch_len`](Self::scratch_len) numbers.
    pub(crate) fn new(inputs: NonZeroUsize, block: usize, scratch: &mut Scratch<'a>) -> Self {
        Self { steps: scratch.take_as(entries_len(inputs.get(), block)), bounds: scratch.take_as(inputs.get() + 1) }
    }

    /// Transposes the lists of `images`: from by sample to by input.
    #[inline(always)]
    pub(crate) fn fill(&mut self, images: &[u8], by_sample: &BySample<'_>) {
        // Count each input's samples, let `ends` hold where each begins, and let the filling move it to the end.
        let ends = ends_mut(self.bounds);
        ends.fill(0);
        let images = images.chunks_exact(by_sample.inputs.get());
        let samples = images.len();
        for image in images {
            for (count, &pixel) in ends.iter_mut().zip(image) {
                *count += u32::from(pixel != 0);
            }
        }
        let mut begin = 0;
        for end in ends.iter_mut() {
            begin += core::mem::replace(end, begin);
        }
        for (number, sample) in (0..).zip(0..samples) {
            let Some(pixels) = by_sample.sample(sample) else { violated!("every sample has a list", continue) };
            for (input, pixel) in pixels {
                let Some(place) = ends.get_mut(input) else { violated!("lists name inputs only", continue) };
                let step = self.steps.get_mut(*place as usize);
                let Some(step) = step else { violated!("there is room for all pixels", continue) };
                *step = [number, pixel.to_bits()];
                *place += 1;
            }
        }
    }

    /// The samples that have a pixel at `input`, as (sample, learning rate × pixel).
    #[inline(always)]
    pub(crate) fn input(&self, input: usize) -> Option<impl ExactSizeIterator<Item = (usize, f32)>> {
        Some(entries(part(self.steps, self.bounds, input, input + 1)?))
    }
}

/// The numbers of scratch that a list of all pixels of a block takes; `usize::MAX`, which no scratch has, if they cannot be
/// counted in 32 bits.
const fn entries_len(inputs: usize, block: usize) -> usize {
    let pixels = inputs.saturating_mul(block);
    if pixels > u32::MAX as usize { usize::MAX } else { pixels.saturating_mul(2) }
}

/// The entries between two bounds; `None` where there are none such, which callers rule out.
#[inline(always)]
fn part<'l>(list: &'l [Entry], bounds: &[u32], from: usize, to: usize) -> Option<&'l [Entry]> {
    let (begin, end) = (*bounds.get(from)?, *bounds.get(to)?);
    list.get(begin as usize..end as usize)
}

/// Index and number of each entry.
#[inline(always)]
fn entries(list: &[Entry]) -> impl ExactSizeIterator<Item = (usize, f32)> {
    list.iter().map(|&entry| {
        // One read for both: a core that reads two vectors a cycle has no time for another.
        let both: u64 = bytemuck::cast(entry);
        ((both & 0xFFFF_FFFF) as usize, f32::from_bits((both >> 32) as u32))
    })
}

/// Where lists end, behind the zero that the first of them begins at.
#[inline(always)]
fn ends_mut(bounds: &mut [u32]) -> &mut [u32] {
    let Some((first, ends)) = bounds.split_first_mut() else {
        violated!("a bound precedes the first list", return &mut [])
    };
    *first = 0;
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::kernel::tests::{INPUTS, SAMPLES, nonzero};
    use crate::simd::Backend;
    use crate::support::Samples;
    use core::ops::Range;

    #[test]
    fn lists_have_at_most_as_many_pixels_as_32_bits_count() {
        let most = u32::MAX as usize;
        assert_eq!(entries_len(65_535, 65_537), 2 * most);
        assert_eq!(entries_len(65_536, 65_536), usize::MAX);
    }

    /// Both lists, for blocks of at most 65 images, whose scratch has seen other images before.
    fn assert_lists(inputs: usize, blocks: &[&[u8]]) {
        // One chunk, and chunks that are whole words or not.
        for chunk in [nonzero(inputs), CHUNK, nonzero(61)] {
            for backend in Backend::available() {
                assert_lists_on(backend, inputs, chunk, blocks);
            }
        }
    }

    fn assert_lists_on(backend: Backend, inputs: usize, chunk: NonZeroUsize, blocks: &[&[u8]]) {
        let most = blocks.iter().map(|images| images.len() / inputs).max().unwrap();
        let mut memory = vec![f32::NAN; BySample::scratch_len(inputs, chunk, most)];
        let mut scratch = Scratch::new(&mut memory);
        let mut by_sample = BySample::new(nonzero(inputs), chunk, most, &mut scratch);
        assert_eq!(scratch.left(), 0, "more scratch than needed");
        let mut memory = vec![f32::NAN; ByInput::scratch_len(inputs, most)];
        let mut scratch = Scratch::new(&mut memory);
        let mut by_input = ByInput::new(nonzero(inputs), most, &mut scratch);
        assert_eq!(scratch.left(), 0, "more scratch than needed");
        for images in blocks {
            backend.run(Fill(&mut by_sample, images));
            by_input.fill(images, &by_sample);
            for (sample, image) in images.chunks(inputs).enumerate() {
                let listed = |range: Range<usize>| -> Vec<(usize, f32)> {
                    range.filter(|&row| image[row] != 0).map(|row| (row, f32::from(image[row]))).collect()
                };
                assert_eq!(by_sample.sample(sample).unwrap().collect::<Vec<_>>(), listed(0..inputs));
                assert_eq!(by_sample.chunks(), inputs.div_ceil(chunk.get()));
                for (number, first) in (0..inputs).step_by(chunk.get()).enumerate() {
                    let found: Vec<_> = by_sample.chunk(sample, number).unwrap().collect();
                    assert_eq!(found, listed(first..inputs.min(first + chunk.get())), "chunk {number} of {chunk}");
                }
            }
            for input in 0..inputs {
                let column = images.iter().skip(input).step_by(inputs).enumerate();
                let expected: Vec<(usize, f32)> =
                    column.filter(|(_, x)| **x != 0).map(|(sample, x)| (sample, f32::from(*x))).collect();
                assert_eq!(by_input.input(input).unwrap().len(), expected.len());
                assert_eq!(by_input.input(input).unwrap().collect::<Vec<_>>(), expected, "input {input} of {inputs}");
            }
        }
    }

    #[test]
    fn lists_hold_the_nonzero_pixels_in_order() {
        for inputs in INPUTS {
            for samples in SAMPLES {
                let images = Samples::new(inputs, 10, samples, 5).images;
                let others = Samples::new(inputs, 10, samples, 6).images;
                assert_lists(inputs, &[&images, &others[inputs..], &images]);
            }
        }
    }

    #[test]
    fn lists_of_black_and_white_images() {
        for inputs in INPUTS.into_iter().chain([1 << 16]) {
            let (black, white) = (vec![0; inputs], vec![255; inputs]);
            let mixed = [&white[..], &black, &white].concat();
            assert_lists(inputs, &[&white, &black, &mixed, &mixed[..2 * inputs], &[]]);
        }
    }
}
