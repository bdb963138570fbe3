//! Where four IDX files are: under the names and in the places that programs and archives give them. Listing directories is all
//! that it costs.

use super::{DataError, FILES, SourceError};
use crate::host::files::{Action, FileError};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Four files in one directory, whose names begin with the same prefix: `emnist-letters-`, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) directory: PathBuf,
    pub(super) prefix: String,
}

impl Place {
    /// The path of a file, by its index in [`FILES`].
    pub(super) fn file(&self, which: usize) -> Result<Option<PathBuf>, FileError> {
        FILES.get(which).map_or(Ok(None), |name| find(&self.directory, &self.prefix, name))
    }

    /// Whether there are files under another name than the usual one, or in another place than was asked for.
    pub(super) fn is_elsewhere(&self, asked: &Path) -> bool {
        !self.prefix.is_empty() || self.directory != asked
    }
}

/// The usual name of a file, and those of other archives: `train-images.idx3-ubyte`, and `test` for `t10k` as in EMNIST.
fn spellings(name: &str) -> [String; 4] {
    let test = name.replacen("t10k", "test", 1);
    [name, &test]
        .map(|name| [name.to_owned(), name.replacen("-idx", ".idx", 1)])
        .concat()
        .try_into()
        .unwrap_or_default()
}

/// What is before one of the four names, in one of its spellings, plain or compressed.
fn prefix_of(found: &str) -> Option<&str> {
    let stem = found.strip_suffix(".gz").unwrap_or(found);
    FILES.iter().flat_map(|name| spellings(name)).find_map(|name| stem.strip_suffix(&name))
}

/// The path of a file in one of its spellings, plain or compressed; `None` if there is none. Kaggle's archive has directories of
/// the files' names beside files of other spellings, and files in these directories: what is no directory comes first.
pub(super) fn find(directory: &Path, prefix: &str, name: &str) -> Result<Option<PathBuf>, FileError> {
    let (mut nested, mut other) = (None, None);
    for spelling in spellings(name) {
        for end in ["", ".gz"] {
            let path = directory.join(format!("{prefix}{spelling}{end}"));
            if !path.try_exists().map_err(FileError::io(Action::Open, &path))? {
                continue;
            }
            if !path.is_dir() {
                return Ok(Some(path));
            }
            let within = spellings(name).map(|name| path.join(format!("{prefix}{name}")));
            nested = nested.or_else(|| within.into_iter().find(|path| path.is_file()));
            other = other.or(Some(path));
        }
    }
    Ok(nested.or(other))
}

/// Finds the files that a path stands for:
/// - a directory that holds them, or holds the directory that does, or its `raw`, as torchvision's root does;
/// - one of the files;
/// - a directory and the prefix of their names, such as `gzip/emnist-letters`.
pub(super) fn locate(path: &Path) -> Result<Option<Place>, DataError> {
    if path.is_dir() {
        return in_directory(path);
    }
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(None) };
    let directory = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    if path.exists() {
        let Some(prefix) = prefix_of(name) else { return Ok(None) };
        // A file in a directory of its own name.
        let own = directory.file_name().and_then(|name| name.to_str()).and_then(prefix_of);
        let directory = if own == Some(prefix) { directory.join("..") } else { directory };
        return Ok(Some(Place { directory, prefix: prefix.to_owned() }));
    }
    let prefixes = prefixes(&directory).unwrap_or_default();
    let named = |prefix: &String| prefix.trim_end_matches(['-', '_', '.']) == name.trim_end_matches(['-', '_', '.']);
    let found = prefixes.into_iter().find(|prefix| !prefix.is_empty() && named(prefix));
    Ok(found.map(|prefix| Place { directory, prefix }))
}

fn in_directory(path: &Path) -> Result<Option<Place>, DataError> {
    let mut directories = vec![path.to_owned()];
    let holds = |directory: &PathBuf| prefixes(directory).is_ok_and(|prefixes| !prefixes.is_empty());
    if prefixes(path)?.is_empty() {
        let inner = subdirectories(path)?;
        let raw = inner.iter().map(|directory| directory.join("raw"));
        directories = inner.iter().cloned().chain(raw).filter(holds).collect();
    }
    let mut places = Vec::new();
    for directory in directories {
        let prefixes = prefixes(&directory)?;
        // Files of the usual names are the directory's own, whatever else is there.
        let usual = prefixes.contains("");
        places.extend(
            prefixes
                .into_iter()
                .filter(|prefix| !usual || prefix.is_empty())
                .map(|prefix| Place { directory: directory.clone(), prefix }),
        );
    }
    match places.len() {
        0 | 1 => Ok(places.pop()),
        _ => {
            let choices =
                places.iter().map(|place| place.directory.join(place.prefix.trim_end_matches(['-', '_', '.'])));
            Err(SourceError::Several { path: path.to_owned(), choices: choices.collect() }.into())
        }
    }
}

/// The prefixes of all files in a directory that have one of the four names.
fn prefixes(directory: &Path) -> Result<BTreeSet<String>, FileError> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let mut prefixes = BTreeSet::new();
    for entry in fs::read_dir(directory).map_err(FileError::io(Action::Open, directory))? {
        let entry = entry.map_err(FileError::io(Action::Read, directory))?;
        if let Some(prefix) = entry.file_name().to_str().and_then(prefix_of) {
            prefixes.insert(prefix.to_owned());
        }
    }
    Ok(prefixes)
}

/// The directories in a directory but for hidden ones, sorted.
pub(super) fn subdirectories(directory: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(FileError::io(Action::Open, directory))? {
        let entry = entry.map_err(FileError::io(Action::Read, directory))?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") && entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// The files found for a path in a directory with these files.
    fn found(files: &[&str], path: &str) -> Result<Option<[String; 4]>, String> {
        let root = TempDir::new().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let located = locate(&root.path().join(path)).map_err(|error| error.to_string())?;
        Ok(located.map(|place| {
            [0, 1, 2, 3].map(|which| {
                let path = place.file(which).unwrap().unwrap_or_default();
                let path = path.strip_prefix(root.path()).unwrap_or(Path::new("-"));
                path.to_str().unwrap().to_owned()
            })
        }))
    }

    #[test]
    fn files_are_found_where_programs_put_them() {
        let raw = FILES.map(|name| format!("t/MNIST/raw/{name}"));
        let both: Vec<_> = raw.iter().flat_map(|name| [name.clone(), format!("{name}.gz")]).collect();
        let both: Vec<_> = both.iter().map(String::as_str).collect();
        for path in ["t", "t/MNIST", "t/MNIST/raw", "t/MNIST/raw/t10k-labels-idx1-ubyte.gz"] {
            assert_eq!(found(&both, path).unwrap().unwrap(), raw, "{path}");
        }
        let dotted = FILES.map(|name| name.replacen("-idx", ".idx", 1));
        let nested = FILES.map(|name| format!("{name}/{name}"));
        let kaggle: Vec<_> = dotted.iter().chain(&nested).map(String::as_str).collect();
        assert_eq!(found(&kaggle, "").unwrap().unwrap(), dotted);
        assert_eq!(found(&kaggle[4..], "").unwrap().unwrap(), nested);
        let one = format!("{0}/{0}", FILES[0]);
        let by_file = found(&kaggle[4..], &one).unwrap().unwrap();
        assert!(by_file.iter().zip(&nested).all(|(found, name)| found.ends_with(name)), "{by_file:?}");
    }

    #[test]
    fn a_prefix_is_found_or_chosen() {
        let emnist =
            |split: &str| FILES.map(|name| format!("gzip/emnist-{split}-{}.gz", name.replacen("t10k", "test", 1)));
        let (letters, digits) = (emnist("letters"), emnist("digits"));
        let only: Vec<_> = letters.iter().map(String::as_str).collect();
        for path in ["", "gzip", "gzip/emnist-letters", "gzip/emnist-letters-", &letters[1]] {
            assert_eq!(found(&only, path).unwrap().unwrap(), letters, "{path}");
        }
        let all: Vec<_> = letters.iter().chain(&digits).map(String::as_str).collect();
        for path in ["", "gzip"] {
            let error = found(&all, path).unwrap_err();
            assert!(error.contains("gzip/emnist-digits, ") && error.contains("gzip/emnist-letters"), "{error}");
        }
        assert_eq!(found(&all, "gzip/emnist-digits").unwrap().unwrap(), digits);
        assert_eq!(found(&all, &letters[2]).unwrap().unwrap(), letters);
        assert_eq!(found(&all, "gzip/emnist-byclass").unwrap(), None);
        // Those of the usual names come first.
        let usual: Vec<_> = FILES.iter().copied().chain(["emnist-letters-test-labels-idx1-ubyte"]).collect();
        assert_eq!(found(&usual, "").unwrap().unwrap(), FILES.map(str::to_owned));
    }

    #[test]
    fn what_is_there_twice_is_not_guessed_and_what_is_not_is_not_found() {
        let files = ["MNIST", "FashionMNIST"].map(|name| format!("{name}/raw/{}", FILES[0]));
        let error = found(&files.each_ref().map(String::as_str), "").unwrap_err();
        assert!(error.contains("FashionMNIST/raw") && error.contains("MNIST/raw"), "{error}");
        for files in [&[][..], &["a/b.png"], &["a/b/train-images-idx3-ubyte.png"]] {
            assert_eq!(found(files, "").unwrap(), None);
        }
        assert_eq!(found(&["x"], "x").unwrap(), None);
    }
}
