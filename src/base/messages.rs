//! What errors say and names are: a message for each case, in one list.

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
pub(crate) use messages;
