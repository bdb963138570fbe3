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

fn is_same_file(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
