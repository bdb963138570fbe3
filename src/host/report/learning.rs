//! The training curves of a page.

use super::html::{Html, percent};
use super::plot::Plot;
use crate::base::to_f64;
use crate::host::train::Event;
use core::time::Duration;

/// The figures of a training run, collected from its [events](Event).
#[derive(Debug, Default)]
pub struct Learning {
    /// The number of each epoch, and its mean loss.
    mean_losses: Vec<(f64, f64)>,
    /// The number of each epoch, and the accuracy after it in percent.
    accuracies: Vec<(f64, f64)>,
    /// A row of the table for each epoch.
    rows: Vec<[String; 6]>,
    time: Duration,
    samples: usize,
    /// Within the first epoch: samples done, and the mean loss of those since the point before.
    first_losses: Vec<(f64, f64)>,
    /// Within the first epoch and at its end: samples done, and the accuracy in percent.
    first_accuracies: Vec<(f64, f64)>,
    /// The samples done, and the sum of their losses.
    before: (usize, f64),
}

impl Learning {
    /// Records an event. They must come in order.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Samples { epoch: 1, done, loss_sum } => {
                let (samples, sum) = (done - self.before.0, loss_sum - self.before.1);
                self.first_losses.push((to_f64(*done), sum / to_f64(samples.max(1))));
                self.before = (*done, *loss_sum);
            }
            Event::Samples { .. } => {}
            Event::Test { done, test } => self.first_accuracies.push((to_f64(*done), 100.0 * test.accuracy())),
            Event::Epoch(epoch) => {
                let (number, accuracy) = (f64::from(epoch.number), epoch.test.accuracy());
                if epoch.number == 1 {
                    self.first_accuracies.push((to_f64(epoch.samples), 100.0 * accuracy));
                }
                self.mean_losses.push((number, epoch.mean_loss));
                self.accuracies.push((number, 100.0 * accuracy));
                self.rows.push([
                    epoch.number.to_string(),
                    format!("{:.5}", epoch.last_loss),
                    format!("{:.5}", epoch.mean_loss),
                    percent(accuracy),
                    format!("{:.2}", epoch.time.as_secs_f64()),
                    format!("{:.2}", epoch.micros_per_sample()),
                ]);
                self.time += epoch.time;
                self.samples += epoch.samples;
            }
        }
    }

    /// The training time so far, without the tests.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.time
    }

    /// The samples of all epochs so far.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The mean loss of the last epoch so far.
    #[must_use]
    pub fn mean_loss(&self) -> Option<f64> {
        Some(self.mean_losses.last()?.1)
    }

    pub(super) fn show(&self, html: &mut Html) {
        let since = "Mean loss during the first epoch, over the samples since the previous point";
        let plots = [
            ("Mean loss of each epoch", ["epoch", "loss"], &self.mean_losses),
            ("Test accuracy after each epoch, in percent", ["epoch", "accuracy, %"], &self.accuracies),
            (since, ["samples", "loss"], &self.first_losses),
            ("Test accuracy during the first epoch, in percent", ["samples", "accuracy, %"], &self.first_accuracies),
        ];
        html.section("Training", |html| {
            html.raw("<div class=\"plots\">");
            // One point is no curve.
            for (caption, axes, points) in plots.into_iter().filter(|plot| plot.2.len() > 1) {
                html.plot(caption, &Plot { axes, points, bars: false });
            }
            html.raw("</div>\n<details><summary>").text("All epochs").raw("</summary>\n");
            let head = ["epoch", "last loss", "mean loss", "accuracy", "seconds", "µs per sample"];
            html.table("Loss of the last sample, mean loss, and test accuracy", &head, |html| {
                for [number, last_loss, mean_loss, accuracy, seconds, micros] in &self.rows {
                    html.raw("<tr>").header_cell(number).cell(last_loss).cell(mean_loss).cell(accuracy);
                    html.time_cell(seconds).time_cell(micros).raw("</tr>\n");
                }
            });
            html.raw("</details>\n");
        });
    }
}
