//! Class folders: `train/<class>/*.png` and `test/<class>/*.png`, or `<class>/*.png`. All files of a class folder are its pictures,
//! and one that cannot be used is an error: nothing is left out.
//!
//! Pictures are decoded on all threads, as many at a time as there are threads, and each leaves an input of the network.

use super::classes::check_name;
use super::digits_idx::threads;
use super::locate::subdirectories;
use super::source::{Need, Parts, Reading};
use super::{DataError, Set, SourceError};
use crate::host::files::{Action, FileError, printable};
use crate::host::pictures::GreyPicture;
use crate::image::picture::Ink;
use rayon::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// The names of the folders of training pictures, of test pictures, and of others to choose settings by.
const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 2] = ["test", "testing"];
const VALID: [&str; 3] = ["val", "valid", "validation"];

/// Files that systems leave in folders.
const SYSTEM: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// A picture: its file, and its label.
type Item = (PathBuf, u8);

/// Reads class folders.
pub(super) fn read(path: &Path, how: &Reading, need: Need) -> Result<Parts, DataError> {
    let folders = subdirectories(path)?;
    let of = |names: &[&str]| {
        let is = |folder: &&PathBuf| names.iter().any(|name| name_of(folder).eq_ignore_ascii_case(name));
        folders.iter().find(is)
    };
    let (train, test, valid) = (of(&TRAIN), of(&TEST), of(&VALID));
    let (test, spare) = if test.is_some() { (test, valid) } else { (valid, None) };
    let parted = train.is_some() || test.is_some();
    // Where nothing is parted, all is for training.
    let train = if parted { train.map(PathBuf::as_path) } else { Some(path) };
    let no_test = || SourceError::NoTest { path: path.to_owned(), instead: None };
    let contents = |what: String| DataError::from(SourceError::Contents { path: path.to_owned(), what });
    if parted {
        // Other folders may hold anything; but pictures beside the folders are neither for training nor for testing.
        if let Some(stray) = files(path)?.into_iter().find(|file| GreyPicture::is_picture(file).unwrap_or(false)) {
            return Err(contents(format!("{} is in no class folder", name_of(&stray))));
        }
    }
    if need.test() && test.is_none() {
        return Err(no_test().into());
    }
    if need.train() && train.is_none() {
        return Err(contents("there is no folder `train` beside the test pictures".into()));
    }
    // Labels are those of the training set, also where that is not read.
    let classes = Classes::of(train.or(test.map(PathBuf::as_path)).unwrap_or(path))?;
    let mut parts =
        Parts { what: "class folders".into(), unused: spare.cloned(), inverted: !how.as_is, ..Parts::default() };
    if let Some(train) = train.filter(|_| need.train()) {
        parts.train = Some(classes.read(train, how, true)?);
    }
    if let Some(test) = test {
        if need.test() {
            parts.test = Some(classes.read(test, how, false)?);
        } else {
            parts.unused = Some(test.clone());
        }
    }
    if how.as_is {
        parts.what += ", pixels as they are";
    }
    Ok(parts)
}

/// The classes of folders.
struct Classes {
    /// The name of each folder, and its label.
    labels: Vec<(String, u8)>,
    /// Names of classes; none where they are numbers.
    names: Vec<String>,
}

impl Classes {
    /// Those of the folders in a folder.
    fn of(path: &Path) -> Result<Self, DataError> {
        let wrong = |what: String| DataError::from(SourceError::Contents { path: path.to_owned(), what });
        let mut names = Vec::new();
        for folder in subdirectories(path)? {
            let name = folder.file_name().and_then(|name| name.to_str());
            names.push(
                name.ok_or_else(|| wrong(format!("the name of {} is not UTF-8", printable(&folder))))?.to_owned(),
            );
        }
        // Sorted by bytes.
        names.sort();
        if names.len() < 2 {
            return Err(wrong(format!(
                "class folders: {}; expected 2 to 256. (Folders called train, test, val and the like hold class folders)",
                names.len()
            )));
        }
        // `7` and `007` alike.
        let number = |name: &String| {
            let digits = name.bytes().all(|byte| byte.is_ascii_digit());
            if digits { name.parse::<u8>().ok() } else { None }
        };
        let Some(numbers) = names.iter().map(number).collect::<Option<Vec<u8>>>() else {
            if names.len() > 256 {
                return Err(wrong(format!("{} class folders; expected 2 to 256", names.len())));
            }
            names.iter().try_for_each(|name| check_name(path, name))?;
            let labels = names.iter().cloned().zip(0..=u8::MAX).collect();
            return Ok(Self { labels, names });
        };
        let labels: Vec<_> = names.into_iter().zip(numbers).collect();
        for (place, (name, label)) in labels.iter().enumerate() {
            if let Some((other, _)) = labels.iter().skip(place + 1).find(|other| other.1 == *label) {
                return Err(wrong(format!("the folders {name} and {other} are both class {label}")));
            }
        }
        Ok(Self { labels, names: Vec::new() })
    }

    /// The pictures of class folders in a folder. Each class must have some if they are `for_training`.
    fn read(&self, path: &Path, how: &Reading, for_training: bool) -> Result<Set, DataError> {
        let wrong = |what: String| DataError::from(SourceError::Contents { path: path.to_owned(), what });
        if let Some(stray) = files(path)?.into_iter().next() {
            return Err(wrong(format!("{} is in no class folder: put it into one, or move it away", name_of(&stray))));
        }
        let mut items = Vec::new();
        for folder in subdirectories(path)? {
            let name = name_of(&folder);
            let Some(&(_, label)) = self.labels.iter().find(|(class, _)| *class == name) else {
                let classes = self.labels.len();
                return Err(wrong(format!(
                    "the folder {name} is none of the {classes} classes of the training pictures"
                )));
            };
            if let Some(inner) = subdirectories(&folder)?.first() {
                let inner = name_of(inner);
                return Err(wrong(format!("{name} has a folder {inner} in it; expected DIR/CLASS/PICTURE")));
            }
            let before = items.len();
            for file in files(&folder)? {
                if !file.is_file() {
                    let what = "this is no file, but a broken link, a pipe or a device: remove it";
                    return Err(SourceError::Contents { path: file, what: what.into() }.into());
                }
                // What cannot be read is an error when its turn comes.
                if !GreyPicture::is_picture(&file).unwrap_or(true) {
                    let what =
                        "this is no PNG, JPEG, WebP, BMP, GIF, PGM or PPM picture: move it out of its class folder";
                    return Err(SourceError::Contents { path: file, what: what.into() }.into());
                }
                items.push((file, label));
            }
            if for_training && items.len() == before {
                return Err(wrong(format!(
                    "the folder {name} has no picture in it: remove it, or put pictures into it"
                )));
            }
        }
        if items.is_empty() {
            return Err(wrong("there are no pictures in its class folders".into()));
        }
        // Classes are mixed, as in other data sets, since not all recipes shuffle: by the last number in names, which is a picture's
        // place where pictures were numbered, in each class or in all.
        items.sort_by_cached_key(|(path, label)| {
            let name = name_of(path);
            (last_number(&name), name, *label)
        });
        Ok(pixels(path, &items, how)?.named(self.names.clone())?)
    }
}

/// The files in a folder, but for hidden ones and the system's, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(FileError::io(Action::Open, folder))? {
        let entry = entry.map_err(FileError::io(Action::Read, folder))?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if !name.starts_with('.') && !SYSTEM.contains(&name.as_str()) && !entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The last number in a file's name, before its extension; the greatest if there is none.
fn last_number(name: &str) -> u64 {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let end = stem.trim_end_matches(|c: char| !c.is_ascii_digit());
    let start = end.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    end.get(start..).and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX)
}

/// The networks' inputs of all pictures.
fn pixels(path: &Path, items: &[Item], how: &Reading) -> Result<Set, DataError> {
    let read = |(file, _): &Item| input(file, how).map_err(|reason| printable(reason.trim_end_matches('.')));
    let all = || items.par_iter().map(read).collect::<Vec<_>>();
    let inputs = threads().map_or_else(|| items.iter().map(read).collect(), |pool| pool.install(all));
    // The size that most have; of several, the first.
    let mut sizes: Vec<([u16; 2], usize)> = Vec::new();
    for (_, size) in inputs.iter().flatten() {
        match sizes.iter_mut().find(|(other, _)| other == size) {
            Some((_, count)) => *count += 1,
            None => sizes.push((*size, 1)),
        }
    }
    let size = sizes.iter().rev().max_by_key(|(_, count)| *count).map_or([0; 2], |(size, _)| *size);
    let (mut images, mut labels, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (input, (file, label)) in inputs.into_iter().zip(items) {
        match input {
            Ok((_, [width, height])) if [width, height] != size => refused.push(format!(
                "{} has {width} × {height} pixels, but most pictures have {} × {}",
                printable(file),
                size[0],
                size[1]
            )),
            Ok((pixels, _)) => {
                images.extend(pixels);
                labels.push(*label);
            }
            Err(reason) => refused.push(reason),
        }
    }
    if !refused.is_empty() {
        return Err(SourceError::Pictures { refused, total: items.len(), as_is: how.as_is }.into());
    }
    Ok(Set::from_images(path, images, labels, size)?)
}

/// The network's input of a picture, and its width and height.
fn input(file: &Path, how: &Reading) -> Result<(Vec<u8>, [u16; 2]), String> {
    let picture = GreyPicture::open(file).map_err(|error| error.to_string())?;
    if how.as_is {
        let size = [picture.width(), picture.height()].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
        return Ok((picture.into_pixels(), size));
    }
    let ink = if how.invert { Ink::Dark } else { Ink::Auto };
    let (pixels, _) = picture.normalize(ink, how.side).map_err(|error| error.to_string())?;
    Ok((pixels, [u16::try_from(how.side).unwrap_or(u16::MAX); 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_in_the_order_of_their_numbers() {
        for (name, number) in [
            ("00017.png", 17),
            ("cat.3.jpg", 3),
            ("img_2-b.png", 2),
            ("7_1", 1),
            ("a.png", u64::MAX),
            ("", u64::MAX),
            ("99999999999999999999.png", u64::MAX),
        ] {
            assert_eq!(last_number(name), number, "{name}");
        }
    }
}
