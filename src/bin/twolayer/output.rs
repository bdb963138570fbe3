//! Where a command writes: never over what it reads.

use crate::error::Error;
use std::path::Path;

/// Checks that the file which `option` names is none of the command's inputs.
pub(crate) fn check(out: &Path, inputs: &[impl AsRef<Path>], option: &'static str) -> Result<(), Error> {
    if inputs.iter().any(|input| is_same_file(input.as_ref(), out)) {
        return Err(Error::Overwrite { path: out.to_owned(), option });
    }
    Ok(())
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
