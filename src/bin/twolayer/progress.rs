//! The progress bar of training, which is shown on a terminal only, with the loss so far.

use crate::sparkline::Sparkline;
use core::fmt::Write;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use twolayer::host::training::Event;

/// A progress bar.
pub(crate) struct Progress {
    bar: ProgressBar,
    losses: Sparkline,
    /// Samples of an epoch.
    samples: usize,
    /// Samples of the epoch that were counted, and the sum of their losses.
    before: (usize, f64),
}

impl Progress {
    /// Of so many epochs of so many samples; `quiet` shows none.
    pub(crate) fn new(samples: usize, epochs: u32, quiet: bool) -> Self {
        let total = samples * epochs as usize;
        let bar = if quiet { ProgressBar::hidden() } else { bar(total, epochs) };
        Self { bar, losses: Sparkline::new(total), samples, before: (0, 0.0) }
    }

    /// Shows what has been done.
    pub(crate) fn take(&mut self, event: &Event) {
        let Self { bar, losses, samples, before } = self;
        if let Event::Samples { epoch, done, loss_sum } = *event {
            let of_run = *samples * (epoch as usize - 1) + done;
            losses.add(of_run, done - before.0, loss_sum - before.1);
            *before = if done == *samples { (0, 0.0) } else { (done, loss_sum) };
            if !bar.is_hidden() {
                bar.set_prefix(epoch.to_string());
                bar.set_message(losses.to_string());
                bar.set_position(of_run as u64);
            }
        }
    }

    /// Prints something above the bar.
    pub(crate) fn suspend(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

fn bar(total: usize, epochs: u32) -> ProgressBar {
    let template = format!("epoch {{prefix}}/{epochs} {{msg}} {{wide_bar}} {{rate}} samples/s, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{:.0}", state.per_sec());
    });
    ProgressBar::new(total as u64).with_style(style)
}
