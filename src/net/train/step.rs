//! The way of a block of samples, from [`Trainer::train`] to the update of the weights, in four steps:
//!
//! 1. *prepare*: lists of the nonzero pixels and the Gram numbers `x_s·x_k` of the block's images;
//! 2. *visit* every panel of W1 for the pre-activations `Z = X W1 + b1`, under the weights before the block;
//! 3. the *sequential* part, sample after sample: correct `z_k` by the Gram numbers, output layer and its step, `α δ1_k`;
//! 4. *update* W1 and its biases: `W1 −= Xᵀ (α Δ1)`.
//!
//! Step 4 of a block and step 2 of the next are one visit, panel after panel, while the panel is in cache. Step 1 of the next
//! block needs no weights, and may run beside step 3.

use super::error::check_samples;
use super::workers::Workers;
use super::{Block, Lists, TrainError, TrainOptions, Trainer};
use crate::base::Always;
use crate::net::Loss;
use crate::net::kernel::forward::hidden_forward;
use crate::net::kernel::hidden_update::{bias_update, hidden_update};
use crate::net::kernel::sequential::{OutputLayer, Samples, Sequential, Targets};
use crate::net::kernel::{PanelFn, for_width, load, rows, rows_mut, tile_mut};
use crate::net::shape::PANEL;
use crate::net::weights::{PartsMut, panels, panels_mut};
use crate::simd::{Isa, LANES, TierFn};
use core::num::NonZeroUsize;

impl Trainer<'_> {
    /// [`train`](Self::train), with the work done by `workers`. After every block `report` is told of the samples done and their losses;
    /// it may stop the training, and the weights then lack the step of the last block.
    pub(crate) fn train_with<E: From<TrainError>>(
        &mut self,
        workers: &impl Workers,
        images: &[u8],
        targets: Targets<'_>,
        mut report: impl FnMut(usize, Loss) -> Result<(), E>,
    ) -> Result<Loss, E> {
        let shape = self.weights.shape();
        check_samples(shape.pixels(), shape.outputs(), images, targets.labels)?;
        let mut loss = Loss::default();
        let mut done = 0;
        let pixels = NonZeroUsize::MIN.saturating_add(shape.pixels() - 1);
        let mut blocks = images.chunks(pixels.saturating_mul(self.block).get());
        let mut next = || blocks.next().unwrap_or_default();
        self.before.lists.samples = 0;
        self.prepare(next());
        for targets in targets.blocks(self.block, shape.rows().1) {
            self.visit(workers);
            loss = loss.and(self.advance(workers, targets, Some(next())));
            done += targets.labels.len();
            report(done, loss)?;
        }
        // The block after the last is empty: its visit takes the last block's step.
        self.visit(workers);
        Ok(loss)
    }

    /// Step 1, for the current block.
    pub(crate) fn prepare(&mut self, images: &[u8]) {
        self.current.lists.fill(images, self.options.backend);
    }

    /// Step 4 for the block before and step 2 for the current one, panel after panel.
    pub(crate) fn visit(&mut self, workers: &impl Workers) {
        let (inputs, _) = self.weights.shape().rows();
        let Self { options, short, current, before, .. } = self;
        let PartsMut { w1, b1, .. } = self.weights.parts_mut();
        // W1 is split by whole panels, which no sum crosses, and so are the hidden rows and the biases, if there are any.
        let hidden = panels(before.hidden, self.block).zip(panels_mut(current.hidden, self.block));
        let mut b1 = b1.chunks_mut(PANEL);
        let panels = panels_mut(w1, inputs).zip(hidden).map(|panel| (panel, b1.next().unwrap_or_default()));
        let (before, current) = (&before.lists, &current.lists);
        workers.each(panels, |((w1, (delta1, z)), b1)| {
            options.backend.run(Visit { inputs, w1, b1, short: *short, delta1, z, before, current });
        });
    }

    /// Step 3 for the current block, which is then the block before. Meanwhile step 1 for the next block, if its images are
    /// given; it takes the current one's place.
    pub(crate) fn advance(&mut self, workers: &impl Workers, targets: Targets<'_>, next: Option<&[u8]>) -> Loss {
        let (options, (_, outputs)) = (self.options, self.weights.shape().rows());
        let Block { lists, hidden } = &mut self.current;
        let TrainOptions { alpha, loss, backend, .. } = options;
        let PartsMut { w2, b2, .. } = self.weights.parts_mut();
        let sequential = Sequential {
            samples: Samples { alpha, loss, labels: targets.labels, gram: lists.gram, block: self.block },
            soft: targets.soft,
            layer: OutputLayer { outputs, w2, b2, sums: self.sums, delta2: self.delta2 },
            hidden,
        };
        // The block before is done with: its lists are free.
        let free = &mut self.before.lists;
        let prepare = || next.into_iter().for_each(|images| free.fill(images, backend));
        let loss = workers.both(|| backend.run(sequential), prepare);
        core::mem::swap(&mut self.current, &mut self.before);
        loss
    }
}

/// One panel's part of two blocks: the step of the one before, then the pre-activations of the current one.
struct Visit<'a, 'b> {
    inputs: NonZeroUsize,
    /// `[inputs][width]`.
    w1: &'a mut [f32],
    /// `[width]`, or nothing.
    b1: &'a mut [f32],
    /// Has W1 16 significant bits?
    short: bool,
    /// α δ1 of the block before: `[samples][width]`.
    delta1: &'a [f32],
    /// Room for the pre-activations of the current one: `[samples][width]`.
    z: &'a mut [f32],
    before: &'a Lists<'b>,
    current: &'a Lists<'b>,
}

impl TierFn for Visit<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn call<I: Isa>(self, isa: I) {
        for_width(isa, self.w1.len() / self.inputs, self);
    }
}

impl PanelFn for Visit<'_, '_> {
    #[inline(always)]
    fn call<I: Isa, const W: usize, const N: usize>(self, isa: I) {
        // Only a host trains others, and a device need not have the code.
        if self.short || cfg!(not(feature = "std")) {
            self.chunks::<I, W, N, true>(isa);
        } else {
            self.chunks::<I, W, N, false>(isa);
        }
    }
}

impl Visit<'_, '_> {
    /// Chunk by chunk, so that the rows just updated are still in the first-level cache for the forward pass.
    #[inline(always)]
    fn chunks<I: Isa, const W: usize, const N: usize, const SHORT: bool>(self, isa: I) {
        let Self { w1, b1, delta1, z, before, current, .. } = self;
        let (w1, mut b1, delta1, z) =
            (rows_mut::<W>(w1), rows_mut::<W>(b1).first_mut(), rows::<W>(delta1), rows_mut::<W>(z));
        debug_assert!(before.samples <= delta1.len(), "a row for each sample");
        let z = z.get_mut(..current.samples).always("there is a row for each sample of a block");
        for at in (0..W).step_by(N) {
            let mut start = &[[0.0; LANES]; N];
            if let Some(biases) = b1.as_mut().and_then(|row| tile_mut(*row, at)) {
                bias_update::<I, W, N>(isa, biases, at, delta1.get(..before.samples).unwrap_or_default());
                start = biases;
            }
            for chunk in 0..current.by_sample.chunks() {
                if before.samples > 0 {
                    hidden_update::<I, W, N, SHORT>(isa, w1, at, &before.by_input, chunk, delta1);
                }
                hidden_forward::<I, W, N, SHORT>(isa, w1, at, &current.by_sample, chunk, || load(start), z);
            }
        }
    }
}
