//! The nonzero pixels of a block of images, listed twice: by sample for the forward pass, by input for the update.
//!
//! An MNIST image has 150 nonzero pixels of 784. Listing them costs one pass over the image; every panel then does a
//! fifth of the work.

use crate::scratch::Scratch;
use core::ops::Range;

/// Rows of W1 (inputs) that the kernels work through at a time: 112 rows of a tile are about what stays in a core's
/// first-level cache while all samples of a block use them.
pub(crate) const CHUNK: usize = 112;

/// Pixels looked at together.
const WORD: usize = 8;

/// One entry of a list: an index, and the bits of an f32 that it goes with.
type Entry = [u32; 2];

/// For each sample, its nonzero pixels in the order of the inputs, cut at every [`CHUNK`]th input.
#[derive(Debug)]
pub(crate) struct BySample<'a> {
    inputs: usize,
    /// Input and value, 1 to 255, of each listed pixel.
    pixels: &'a mut [Entry],
    /// Where each (sample, chunk) ends in the list.
    ends: &'a mut [u32],
}

impl<'a> BySample<'a> {
    /// Scratch for `block` images, in f32 numbers.
    pub(crate) const fn scratch_len(inputs: usize, block: usize) -> usize {
        let ends = block.saturating_mul(inputs.div_ceil(CHUNK));
        entries_len(inputs, block).saturating_add(2 * WORD).saturating_add(ends)
    }

    /// An empty list in `scratch`, which must hold [`scratch_len`](Self::scratch_len) numbers.
    pub(crate) fn new(inputs: usize, block: usize, scratch: &mut Scratch<'a>) -> Self {
        Self {
            inputs,
            pixels: bytemuck::try_cast_slice_mut(scratch.take(entries_len(inputs, block) + 2 * WORD))
                .unwrap_or_default(),
            ends: bytemuck::try_cast_slice_mut(scratch.take(block * inputs.div_ceil(CHUNK))).unwrap_or_default(),
        }
    }

    /// Lists the pixels of `images`: whole images, `block` at most.
    #[inline(always)]
    pub(crate) fn fill(&mut self, images: &[u8]) {
        let mut len = 0;
        let mut ends = self.ends.iter_mut();
        for image in images.chunks_exact(self.inputs.max(1)) {
            let mut input = 0;
            for chunk in image.chunks(CHUNK) {
                let (words, rest) = chunk.as_chunks();
                for &word in words {
                    len += list(self.pixels, len, input, word);
                    input += 8;
                }
                let mut word = [0; WORD];
                word.iter_mut().zip(rest).for_each(|(to, &pixel)| *to = pixel);
                len += list(self.pixels, len, input, word);
                if let Some(end) = ends.next() {
                    // Scratch for more pixels than 2³² is never long enough.
                    *end = u32::try_from(len).unwrap_or(u32::MAX);
                }
            }
        }
    }

    /// The pixels of one sample that lie in one chunk, as (input, value).
    #[inline(always)]
    pub(crate) fn chunk(&self, sample: usize, chunk: usize) -> impl Iterator<Item = (usize, f32)> {
        let at = sample * self.inputs.div_ceil(CHUNK) + chunk;
        entries(self.pixels, span(self.ends, at))
    }

    /// All pixels of one sample, as (input, value).
    #[inline(always)]
    fn sample(&self, sample: usize) -> impl Iterator<Item = (usize, f32)> {
        let chunks = self.inputs.div_ceil(CHUNK);
        let first = span(self.ends, sample * chunks);
        let last = span(self.ends, sample * chunks + chunks - 1);
        entries(self.pixels, first.start..last.end)
    }
}

/// Lists the nonzero pixels of a word, the first of which is `input`, from place `at` on; gives their number.
#[inline(always)]
fn list(pixels: &mut [Entry], at: usize, input: u32, word: [u8; WORD]) -> usize {
    if u64::from_ne_bytes(word) == 0 {
        return 0;
    }
    let Some(room) = pixels.get_mut(at..).and_then(|room| room.first_chunk_mut::<WORD>()) else { return 0 };
    // Every pixel is written, and the next one overwrites it if it was zero: no branch to guess.
    let mut len = 0;
    for (input, pixel) in (input..).zip(word) {
        room[len % WORD] = [input, f32::from(pixel).to_bits()];
        len += usize::from(pixel != 0);
    }
    len
}

/// For each input, the samples in which its pixel is not zero, in order, with the step its weights take.
#[derive(Debug)]
pub(crate) struct ByInput<'a> {
    /// Sample and learning rate × pixel of each listed pixel.
    steps: &'a mut [Entry],
    /// Where each input ends in the list.
    ends: &'a mut [u32],
}

impl<'a> ByInput<'a> {
    /// Scratch for `block` images, in f32 numbers.
    pub(crate) const fn scratch_len(inputs: usize, block: usize) -> usize {
        entries_len(inputs, block).saturating_add(inputs)
    }

    /// An empty list in `scratch`, which must hold [`scratch_len`](Self::scratch_len) numbers.
    pub(crate) fn new(inputs: usize, block: usize, scratch: &mut Scratch<'a>) -> Self {
        Self {
            steps: bytemuck::try_cast_slice_mut(scratch.take(entries_len(inputs, block))).unwrap_or_default(),
            ends: bytemuck::try_cast_slice_mut(scratch.take(inputs)).unwrap_or_default(),
        }
    }

    /// Turns the lists of `images` round.
    #[inline(always)]
    pub(crate) fn fill(&mut self, images: &[u8], by_sample: &BySample<'_>, alpha: f32) {
        // Count each input's samples, let `ends` hold where each begins, and let the filling move it to the end.
        self.ends.fill(0);
        let images = images.chunks_exact(self.ends.len().max(1));
        let samples = images.len();
        for image in images {
            for (count, &pixel) in self.ends.iter_mut().zip(image) {
                *count += u32::from(pixel != 0);
            }
        }
        let mut begin = 0;
        for end in self.ends.iter_mut() {
            begin += core::mem::replace(end, begin);
        }
        for (number, sample) in (0..).zip(0..samples) {
            for (input, pixel) in by_sample.sample(sample) {
                let Some(place) = self.ends.get_mut(input) else { continue };
                if let Some(step) = self.steps.get_mut(*place as usize) {
                    *step = [number, (alpha * pixel).to_bits()];
                }
                *place += 1;
            }
        }
    }

    /// The samples that have a pixel at `input`, as (sample, learning rate × pixel).
    #[inline(always)]
    pub(crate) fn input(&self, input: usize) -> impl ExactSizeIterator<Item = (usize, f32)> {
        entries(self.steps, span(self.ends, input))
    }
}

/// The numbers of scratch in which all pixels of a block could be listed; no scratch is that long if they could not be
/// counted in 32 bits.
const fn entries_len(inputs: usize, block: usize) -> usize {
    let pixels = inputs.saturating_mul(block);
    if pixels > u32::MAX as usize { usize::MAX } else { pixels.saturating_mul(2) }
}

#[inline(always)]
fn entries(list: &[Entry], range: Range<usize>) -> impl ExactSizeIterator<Item = (usize, f32)> {
    list.get(range).unwrap_or_default().iter().map(|&entry| {
        // One read for both: a core that reads two vectors a cycle has no time for another.
        let both: u64 = bytemuck::cast(entry);
        ((both & 0xFFFF_FFFF) as usize, f32::from_bits((both >> 32) as u32))
    })
}

/// The range of entry `at` in a list whose entries end at `ends`.
#[inline(always)]
fn span(ends: &[u32], at: usize) -> Range<usize> {
    let begin = match at.checked_sub(1) {
        Some(before) => ends.get(before).copied().unwrap_or(0),
        None => 0,
    };
    begin as usize..ends.get(at).copied().unwrap_or(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::{INPUTS, SAMPLES};
    use crate::support::Samples;

    const ALPHA: f32 = 1e-5;

    /// Both lists, for blocks of at most 65 images, whose scratch has seen other images before.
    fn assert_lists(inputs: usize, blocks: &[&[u8]]) {
        let most = blocks.iter().map(|images| images.len() / inputs).max().unwrap();
        let mut memory = vec![f32::NAN; BySample::scratch_len(inputs, most)];
        let mut scratch = Scratch::new(&mut memory);
        let mut by_sample = BySample::new(inputs, most, &mut scratch);
        assert!(scratch.take(1).is_empty(), "more scratch than needed");
        let mut memory = vec![f32::NAN; ByInput::scratch_len(inputs, most)];
        let mut scratch = Scratch::new(&mut memory);
        let mut by_input = ByInput::new(inputs, most, &mut scratch);
        assert!(scratch.take(1).is_empty(), "more scratch than needed");
        for images in blocks {
            by_sample.fill(images);
            by_input.fill(images, &by_sample, ALPHA);
            for (sample, image) in images.chunks(inputs).enumerate() {
                let listed = |range: Range<usize>| -> Vec<(usize, f32)> {
                    range.filter(|&row| image[row] != 0).map(|row| (row, f32::from(image[row]))).collect()
                };
                assert_eq!(by_sample.sample(sample).collect::<Vec<_>>(), listed(0..inputs));
                for chunk in 0..inputs.div_ceil(CHUNK) {
                    let expected = listed(chunk * CHUNK..inputs.min((chunk + 1) * CHUNK));
                    assert_eq!(by_sample.chunk(sample, chunk).collect::<Vec<_>>(), expected, "chunk {chunk}");
                }
            }
            for input in 0..inputs {
                let column = images.iter().skip(input).step_by(inputs).enumerate();
                let expected: Vec<(usize, f32)> =
                    column.filter(|(_, x)| **x != 0).map(|(sample, x)| (sample, ALPHA * f32::from(*x))).collect();
                assert_eq!(by_input.input(input).len(), expected.len());
                assert_eq!(by_input.input(input).collect::<Vec<_>>(), expected, "input {input} of {inputs}");
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
