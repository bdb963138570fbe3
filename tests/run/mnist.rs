//! Where tests find MNIST, and what they do without it.

use std::io::Write;
use std::path::PathBuf;
use twolayer::host::dataset::Name;

/// `$MNIST_DIR`, or the cache. Where MNIST is in neither, the test says on standard error that it did nothing; with
/// `TWOLAYER_REQUIRE_MNIST=1`, it fails.
pub fn directory(test: &str) -> Option<PathBuf> {
    let directory = Name::Mnist.locate().unwrap();
    if directory.is_none() {
        let required =
            std::env::var_os("TWOLAYER_REQUIRE_MNIST").is_some_and(|value| !value.is_empty() && value != "0");
        assert!(!required, "TWOLAYER_REQUIRE_MNIST is set, but there is no MNIST: set MNIST_DIR");
        let help = "set MNIST_DIR to a directory of its four files, or run `twolayer data fetch mnist`";
        skipped(test, &format!("no MNIST here; {help}"));
    }
    directory
}

/// Says on standard error that a test could not do its work, so that nobody takes it for a success.
pub fn skipped(test: &str, why: &str) {
    // Not by `eprintln!`, which the test harness hides when a test passes.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED {test}: {why}");
}
