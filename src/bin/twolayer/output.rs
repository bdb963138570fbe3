//! Where a command writes: never over what it reads, and over what exists only where `--force` is given or nothing is lost by it.
//! What that is, the long help of `--force` says.

use crate::args::ForceArgs;
use crate::error::{Error, ensure};
use crate::table::count;
use crate::{confidence, origin};
use std::path::Path;
use twolayer::host::{FileAccess, ModelFile, printable};
use twolayer::{Kind, Shape};

/// What may be replaced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Replace<'a> {
    /// Whatever is there.
    All,
    /// A model of this kind, shape and recipe, which the text says: what the same command wrote.
    Same(Kind, Shape, &'a str),
    /// No file.
    Nothing,
}

impl ForceArgs {
    /// Everything with `--force`, or else what is said.
    pub(crate) const fn or(self, replace: Replace<'_>) -> Replace<'_> {
        if self.force { Replace::All } else { replace }
    }
}

/// Checks that the file which `option` names is none of the command's inputs, and that no other is lost.
pub(crate) fn check(out: &Path, inputs: &[impl AsRef<Path>], option: &str, replace: Replace<'_>) -> Result<(), Error> {
    let used = inputs.iter().any(|input| is_same_file(input.as_ref(), out));
    ensure!(!used, "{} is already used by this command: give another file with {option}", printable(out));
    // A device or a pipe is written to, and a directory is an error of its own. In an empty file, such as that of `mktemp`, is nothing.
    let Some(meta) = out.metadata().ok().filter(|meta| meta.is_file() && meta.len() > 0) else { return Ok(()) };
    let may_be_replaced = match replace {
        Replace::All => true,
        Replace::Nothing => false,
        Replace::Same(kind, shape, text) => ModelFile::open(out, FileAccess::Read).is_ok_and(|file| {
            (file.kind(), file.shape()) == (kind, shape) && recipe_of(file.details().text) == recipe_of(text)
        }),
    };
    ensure!(
        may_be_replaced,
        "{} exists, {}: give --force to replace it, or another file with {option}",
        printable(out),
        described(out, meta.len())
    );
    Ok(())
}

/// What a model's text says of how it was made, but for its seeds.
fn recipe_of(text: &str) -> Vec<String> {
    const OF_DATA: [&str; 2] = ["classes: ", "data: "];
    let without_seed = |line: &str| {
        let mut is_seed = false;
        let words = line.split(' ').filter(|word| !core::mem::replace(&mut is_seed, word.ends_with("seed")));
        words.collect::<Vec<_>>().join(" ")
    };
    let is_of_data = |line: &&str| OF_DATA.iter().any(|key| line.starts_with(key)) || confidence::is_table(line);
    text.lines().filter(|line| !is_of_data(line)).map(without_seed).collect()
}

/// What is in a file of so many bytes.
fn described(path: &Path, len: u64) -> String {
    let Ok(file) = ModelFile::open(path, FileAccess::Read) else { return count(len, "byte") };
    let recipe = origin::recipe(file.details().text)
        .map_or(String::new(), |recipe| format!(", trained with {}", printable(recipe)));
    format!("a model, {}, {} weights{recipe}", file.shape(), file.kind())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_the_same_but_for_seeds_and_data() {
        let text = |seed, data| {
            format!("classes: a | b\nrecipe: --epochs 5 --seed {seed} --block 64\ndata: {data} of 3 images")
        };
        assert_eq!(recipe_of(&text(1, 'a')), ["recipe: --epochs 5 --seed --block 64"]);
        assert_eq!(recipe_of(&text(1, 'a')), recipe_of(&text(2, 'b')));
        assert_ne!(recipe_of(&text(1, 'a')), recipe_of(&text(1, 'a').replace("--epochs 5", "--epochs 6")));
        assert_ne!(recipe_of("recipe: x\nstart: 1"), recipe_of("recipe: x\nstart: 2"));
        assert_eq!(
            recipe_of("tuned as int4: 2 epochs, seed 1, taught"),
            recipe_of("tuned as int4: 2 epochs, seed 9, taught")
        );
        assert_eq!(recipe_of("classes: a | b"), recipe_of(""));
    }
}
