//! Counts as numbers to divide by.

/// A count as f64, exact below 2⁵³: no count of samples, units or bytes here is so large.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2⁵³")]
pub(crate) const fn to_f64(count: usize) -> f64 {
    count as f64
}
