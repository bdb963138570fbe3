//! Histograms of levels: how many pixels have each.

/// Counts one more pixel of that level.
pub(super) fn add(histogram: &mut [u32; 256], level: u8) {
    histogram[usize::from(level)] += 1;
}

/// The lowest level that more than `below` pixels do not exceed.
pub(super) fn quantile(histogram: impl Iterator<Item = u32>, below: u32) -> u8 {
    let mut seen = 0;
    for (level, count) in (0..=u8::MAX).zip(histogram) {
        seen += count;
        if seen > below {
            return level;
        }
    }
    u8::MAX
}
