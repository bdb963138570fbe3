//! What cannot happen, with the reason why not.
//!
//! A panic would cost firmware its panic machinery; a silent fallback would hide a mistake. So a debug build panics with the
//! reason, and all tests are debug builds; a release build goes on with a default or leaves early, and has neither the check
//! nor the reason in it.
//!
//! - A value that is always there: `rows.get(..samples).always("there is a row for each sample")`.
//! - Where there is no default: `let Some(row) = rows.first() else { violated!("there is a row", return) };`.
//!
//! The reason is the invariant itself: what makes the value be there.

/// A value that is always there.
pub(crate) trait Always<T> {
    /// The value. Where it is missing, debug builds panic with the reason why it should be there, and release builds go on
    /// with the default.
    fn always(self, reason: &str) -> T;
}

impl<T: Default> Always<T> for Option<T> {
    #[inline(always)]
    #[track_caller]
    fn always(self, reason: &str) -> T {
        debug_assert!(self.is_some(), "violated: {reason}");
        self.unwrap_or_default()
    }
}

impl<T: Default, E> Always<T> for Result<T, E> {
    #[inline(always)]
    #[track_caller]
    fn always(self, reason: &str) -> T {
        debug_assert!(self.is_ok(), "violated: {reason}");
        self.unwrap_or_default()
    }
}

/// A branch that is never taken, by the invariant that rules it out: debug builds panic with it, release builds leave the way
/// that is given.
macro_rules! violated {
    ($invariant:literal, $leave:expr) => {{
        debug_assert!(false, concat!("violated: ", $invariant));
        $leave
    }};
}
pub(crate) use violated;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_given() {
        assert_eq!(Some(7).always("seven"), 7);
        assert_eq!(u8::try_from(7_u32).always("small"), 7);
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "violated: there is a number")]
    fn what_is_missing_is_a_mistake() {
        None::<u8>.always("there is a number");
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "violated: numbers are small")]
    fn an_error_is_a_mistake() {
        u8::try_from(256_u32).always("numbers are small");
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "violated: numbers are small")]
    fn a_branch_that_is_taken_is_a_mistake() {
        violated!("numbers are small", ());
    }
}
