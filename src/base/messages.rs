//! What errors say and names are: a message for each case, in one list; and how one becomes another.

/// Implements `Display`: for each case of a type what it says, as for [`write!`].
macro_rules! messages {
    ($type:ty: $($case:pat $(if $condition:expr)? => $message:literal $(, $argument:expr)*;)+) => {
        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match *self {
                    $($case $(if $condition)? => write!(f, $message $(, $argument)*),)+
                }
            }
        }
    };
}

/// Implements `From`: for each type what it becomes.
macro_rules! from {
    ($into:ty: $($(#[$attribute:meta])* $from:ty: |$value:ident| $result:expr;)+) => {
        $($(#[$attribute])*
        impl From<$from> for $into {
            #[inline(always)] // a case around what there is
            fn from($value: $from) -> Self {
                $result
            }
        })+
    };
}
pub(crate) use {from, messages};
