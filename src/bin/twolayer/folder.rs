//! Picture files in folders, and the labels that names say.

use crate::classes::Names;
use crate::console::note;
use crate::error::{Error, ensure, error};
use crate::table::count;
use std::fs;
use std::path::{Path, PathBuf};
use twolayer::host::{GreyPicture, printable};

/// The most files that a note names.
const MAX_NAMED: usize = 5;

/// A picture file.
pub(crate) struct PictureFile {
    pub(crate) path: PathBuf,
    /// Whether it was found in a folder that was given.
    pub(crate) found: bool,
    /// By its name, if labels are asked for.
    pub(crate) label: Option<u8>,
}

/// The files that are given and, in place of folders, the picture files in them and in their folders, sorted. Hidden files are
/// left out, and a note names other files.
///
/// With `classes`, each has a label below it, or that of its folder's name among `names`.
pub(crate) fn find(given: &[PathBuf], classes: Option<usize>, names: &Names) -> Result<Vec<PictureFile>, Error> {
    let mut pictures = Vec::new();
    for path in given {
        if !path.is_dir() {
            pictures.push(PictureFile { path: path.clone(), found: false, label: None });
            continue;
        }
        let (mut files, mut folders) = (Vec::new(), vec![path.clone()]);
        while let Some(folder) = folders.pop() {
            list(&folder, &mut files, &mut folders)?;
        }
        files.sort();
        // What cannot be read is no other file: it is an error when its turn comes.
        let (found, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| GreyPicture::is_picture(file).unwrap_or(true));
        ensure!(
            !found.is_empty(),
            "{}: no picture in this folder, which has {}; expected PNG, JPEG, WebP, BMP, GIF, PGM or PPM files",
            printable(path),
            count(others.len(), "other file")
        );
        if !others.is_empty() {
            let names: Vec<_> = others.iter().take(MAX_NAMED).map(printable).collect();
            let more = if others.len() > MAX_NAMED { ", …" } else { "" };
            note!("{}, no pictures: {}{more}", count(others.len(), "other file"), names.join(", "));
        }
        pictures.extend(found.into_iter().map(|path| PictureFile { path, found: true, label: None }));
    }
    if let Some(classes) = classes {
        for picture in &mut pictures {
            let folder = picture.path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
            picture.label = match folder.and_then(|folder| names.class(folder)) {
                Some(label) => Some(label),
                None => Some(label(&picture.path, classes)?),
            };
        }
    }
    Ok(pictures)
}

/// Adds what is in a folder. Links to folders are not followed, since they may lead round in circles.
fn list(folder: &Path, files: &mut Vec<PathBuf>, folders: &mut Vec<PathBuf>) -> Result<(), Error> {
    let failed = |error| error!("cannot read the folder {}: {error}", printable(folder));
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            folders.push(path);
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// The label that a file's folder or its name says: `7/abc.png`, `7_abc.png`.
fn label(path: &Path, classes: usize) -> Result<u8, Error> {
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let prefix = path.file_name().and_then(|name| name.to_str()?.split_once('_')).map(|(prefix, _)| prefix);
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(text) = folder.filter(is_number).or(prefix.filter(is_number)) else {
        return Err(error!(
            "{}: no label; --labels takes them from a folder's name, as in 7/abc.png (or the name of a class), or from the beginning of a file's, as in \
             7_abc.png",
            printable(path)
        ));
    };
    let label = text.parse::<u8>().ok().filter(|label| usize::from(*label) < classes);
    label.ok_or_else(|| {
        error!("{}: the label {text} is none of the network's, which are 0 to {}", printable(path), classes - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_names_of_folders_or_begin_those_of_files() {
        let of = |path: &str| label(Path::new(path), 10).map_err(|error| error.0);
        for (path, expected) in
            [("7/abc.png", 7), ("a/03/5_abc.png", 3), ("7_abc.png", 7), ("a/9_", 9), ("a 1/0_7.png", 0), ("1_a/2_b", 2)]
        {
            assert_eq!(of(path), Ok(expected), "{path}");
        }
        for path in ["abc.png", "7.png", "7abc_d", "a_7/b", "_7", "-1_x", "7/a/b", ""] {
            assert!(of(path).unwrap_err().contains("no label; --labels takes them from a folder's name"), "{path}");
        }
        for path in ["10/a.png", "a/10_b", "256/x", "99999999999/x"] {
            assert!(of(path).unwrap_err().contains("is none of the network's, which are 0 to 9"), "{path}");
        }
    }
}
