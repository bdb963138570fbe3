//! Where a command writes: never over what it reads.

use crate::error::{Error, ensure};
use std::path::Path;
use twolayer::host::printable;

/// Checks that the file which `option` names is none of the command's inputs.
pub(crate) fn check(out: &Path, inputs: &[impl AsRef<Path>], option: &str) -> Result<(), Error> {
    let used = inputs.iter().any(|input| is_same_file(input.as_ref(), out));
    ensure!(!used, "{} is already used by this command: give another file with {option}", printable(out));
    Ok(())
}

/// Checks that the file which `option` names is none of the data's: neither a file that is one, nor one of those in a directory.
pub(crate) fn check_data<'p>(out: &Path, data: impl Iterator<Item = &'p Path>, option: &str) -> Result<(), Error> {
    const NAMES: [&str; 13] =
        ["ubyte", ".gz", ".csv", ".npz", ".txt", ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".pgm", ".ppm"];
    let name = out.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_data = |source: &Path| match (out.canonicalize(), source.canonicalize()) {
        (Ok(out), Ok(source)) if source.is_dir() => {
            out.starts_with(&source) && NAMES.iter().any(|end| name.ends_with(end))
        }
        (Ok(out), Ok(source)) => out == source,
        // Nothing is there yet.
        _ => false,
    };
    for source in data {
        ensure!(
            !is_data(source),
            "{} belongs to the data set {}: give another file with {option}",
            printable(out),
            printable(source)
        );
    }
    Ok(())
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
