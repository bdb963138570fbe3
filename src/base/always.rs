//! Invariants that speak up: what cannot be missing.
//!
//! A panic would cost firmware its panic machinery, a silent fallback would hide a mistake. So a debug build panics, and
//! all tests are debug builds; a release build goes on with an empty value.

/// A value that is always there.
pub(crate) trait Always<T> {
    /// The value. Debug builds panic if it is missing.
    fn always(self) -> T;
}

impl<T: Default> Always<T> for Option<T> {
    #[inline(always)]
    #[track_caller]
    fn always(self) -> T {
        debug_assert!(self.is_some(), "what should always be there is missing");
        self.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_given() {
        assert_eq!(Some(7).always(), 7);
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "should always be there")]
    fn what_is_missing_is_a_mistake() {
        None::<u8>.always();
    }
}
