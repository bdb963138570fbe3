//! The training curves of a page.

use super::html::{Html, percent};
use super::plot::Plot;
use crate::base::to_f64;
use crate::host::train::Event;
use core::time::Duration;

/// The figures of a training run, collected from its [events](Event).
#[derive(Debug, Default)]
pub struct Learning {
    epochs: Vec<Figures>,
    /// Within the first epoch: samples done, and the mean loss of those since the point before.
    losses: Vec<(f64, f64)>,
    /// The samples done, and the sum of their losses.
    before: (usize, f64),
    /// Within the first epoch and at its end: samples done, and the accuracy in percent.
    tests: Vec<(f64, f64)>,
}

/// What is kept of an epoch; its [`Evaluation`](crate::host::Evaluation) is large.
#[derive(Debug)]
struct Figures {
    number: u32,
    last_loss: f32,
    mean_loss: f64,
    accuracy: f64,
    time: Duration,
    samples: usize,
    micros: f64,
}

impl Learning {
    /// Records an event. They must come in order.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Samples { epoch: 1, done, loss_sum } => {
                let (samples, sum) = (done - self.before.0, loss_sum - self.before.1);
                self.losses.push((to_f64(*done), sum / to_f64(samples.max(1))));
                self.before = (*done, *loss_sum);
            }
            Event::Samples { .. } => {}
            Event::Test { done, test } => self.tests.push((to_f64(*done), 100.0 * test.accuracy())),
            Event::Epoch(epoch) => {
                if epoch.number == 1 {
                    self.tests.push((to_f64(epoch.samples), 100.0 * epoch.test.accuracy()));
                }
                self.epochs.push(Figures {
                    number: epoch.number,
                    last_loss: epoch.last_loss,
                    mean_loss: epoch.mean_loss,
                    accuracy: epoch.test.accuracy(),
                    time: epoch.time,
                    samples: epoch.samples,
                    micros: epoch.micros_per_sample(),
                });
            }
        }
    }

    /// The training time so far, without the tests.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.epochs.iter().map(|epoch| epoch.time).sum()
    }

    /// The samples of all epochs so far.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.epochs.iter().map(|epoch| epoch.samples).sum()
    }

    /// The mean loss of the last epoch so far.
    #[must_use]
    pub fn mean_loss(&self) -> Option<f64> {
        Some(self.epochs.last()?.mean_loss)
    }

    pub(super) fn show(&self, html: &mut Html) {
        let epochs = |of: fn(&Figures) -> f64| -> Vec<_> {
            self.epochs.iter().map(|epoch| (f64::from(epoch.number), of(epoch))).collect()
        };
        let since = "Mean loss during the first epoch, over the samples since the previous point";
        let plots = [
            ("Mean loss of each epoch", ["epoch", "loss"], &epochs(|epoch| epoch.mean_loss)),
            (
                "Test accuracy after each epoch, in percent",
                ["epoch", "accuracy, %"],
                &epochs(|epoch| 100.0 * epoch.accuracy),
            ),
            (since, ["samples", "loss"], &self.losses),
            ("Test accuracy during the first epoch, in percent", ["samples", "accuracy, %"], &self.tests),
        ];
        html.section("Training", |html| {
            html.raw("<div class=\"plots\">");
            // One point is no curve.
            for (caption, axes, points) in plots.into_iter().filter(|plot| plot.2.len() > 1) {
                html.plot(caption, &Plot::line(axes, points));
            }
            html.raw("</div>\n<details><summary>").text("All epochs").raw("</summary>\n");
            let head = ["epoch", "last loss", "mean loss", "accuracy", "seconds", "µs per sample"];
            html.table("Loss of the last sample, mean loss, and test accuracy", &head, |html| {
                for epoch in &self.epochs {
                    html.raw("<tr>").header_cell(&epoch.number.to_string());
                    html.cell(&format!("{:.5}", epoch.last_loss)).cell(&format!("{:.5}", epoch.mean_loss));
                    html.cell(&percent(epoch.accuracy));
                    html.time_cell(&format!("{:.2}", epoch.time.as_secs_f64()));
                    html.time_cell(&format!("{:.2}", epoch.micros)).raw("</tr>\n");
                }
            });
            html.raw("</details>\n");
        });
    }
}
