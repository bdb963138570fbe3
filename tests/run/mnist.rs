//! Finds MNIST for tests, and reports tests that are skipped without it.

use std::io::Write;
use std::path::PathBuf;
use twolayer::host::dataset::Name;

/// The directory of MNIST: `$MNIST_DIR`, or the cache. If MNIST is in neither, the test is reported as skipped, or
/// fails if `TWOLAYER_REQUIRE_MNIST=1` is set.
pub fn directory(test: &str) -> Option<PathBuf> {
    let directory = Name::Mnist.locate().unwrap();
    if directory.is_none() {
        let required =
            std::env::var_os("TWOLAYER_REQUIRE_MNIST").is_some_and(|value| !value.is_empty() && value != "0");
        assert!(!required, "TWOLAYER_REQUIRE_MNIST is set, but MNIST was not found: set MNIST_DIR");
        let help = "set MNIST_DIR to a directory with its four files, or run `twolayer data fetch mnist`";
        skipped(test, &format!("MNIST was not found; {help}"));
    }
    directory
}

/// Reports on standard error that a test was skipped.
pub fn skipped(test: &str, why: &str) {
    // The test harness would capture the output of `eprintln!`.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED {test}: {why}");
}
