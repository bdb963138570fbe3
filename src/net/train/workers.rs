//! Who does the work of a block: the calling thread alone, or several.

/// The calling thread alone, or several.
pub(crate) trait Workers {
    /// Calls `visit` once for every item.
    fn each<T: Send>(&self, items: impl Iterator<Item = T>, visit: impl Fn(T) + Send + Sync);
    /// Calls both functions; gives what the first gives.
    fn both<T: Send>(&self, first: impl FnOnce() -> T + Send, second: impl FnOnce() + Send) -> T;
}

/// The calling thread alone.
pub(crate) struct ThisThread;

impl Workers for ThisThread {
    fn each<T: Send>(&self, items: impl Iterator<Item = T>, visit: impl Fn(T) + Send + Sync) {
        items.for_each(visit);
    }

    fn both<T: Send>(&self, first: impl FnOnce() -> T + Send, second: impl FnOnce() + Send) -> T {
        let result = first();
        second();
        result
    }
}
