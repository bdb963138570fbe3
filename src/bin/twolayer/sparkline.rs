//! The loss of a training run as a line of bars: each stands for an equal part of the run, its height for the logarithm of
//! the mean loss in that part.

/// The bars of a whole run.
const BARS: usize = 20;

const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The losses of a run so far.
pub(crate) struct Sparkline {
    /// The samples of the run.
    total: usize,
    /// The sum of the losses and the number of samples of each part.
    parts: [(f64, usize); BARS],
}

impl Sparkline {
    pub(crate) const fn new(total: usize) -> Self {
        Self { total, parts: [(0.0, 0); BARS] }
    }

    /// Takes in samples, up to number `done` of the run, and the sum of their losses.
    pub(crate) fn add(&mut self, done: usize, samples: usize, losses: f64) {
        let part = done.saturating_sub(1).saturating_mul(BARS) / self.total.max(1);
        let (sum, count) = &mut self.parts[part.min(BARS - 1)];
        (*sum, *count) = (*sum + losses, *count + samples);
    }
}

impl core::fmt::Display for Sparkline {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "a count of samples is far below 2⁵²")]
        let mean = |&(sum, count): &(f64, usize)| (sum / count as f64).max(f64::MIN_POSITIVE).ln();
        let heights = || self.parts.iter().filter(|part| part.1 > 0).map(mean);
        let (least, most) =
            heights().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), it| (it.min(least), it.max(most)));
        for height in heights() {
            let eighths = (height - least) / (most - least) * 8.0;
            // The first height that is not below it; NaN, where all are equal, has none and is as low as can be.
            let above = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0].iter().position(|&top| eighths <= top);
            write!(f, "{}", HEIGHTS[above.unwrap_or_default()])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_for_each_part_of_the_run_so_far() {
        let mut line = Sparkline::new(100 * BARS);
        assert_eq!(line.to_string(), "");
        line.add(100, 100, 100.0);
        assert_eq!(line.to_string(), "▁");
        // The same part of the run twice: its mean is ½.
        line.add(150, 50, 30.0);
        line.add(200, 50, 20.0);
        assert_eq!(line.to_string(), "█▁");
        line.add(300, 100, 25.0);
        assert_eq!(line.to_string(), "█▄▁");
        // More than the whole run, or less than no loss, is no error.
        line.add(1000 * BARS, 1, -1.0);
        assert_eq!(line.to_string().chars().count(), 4);
        Sparkline::new(0).add(0, 0, f64::NAN);
    }
}
