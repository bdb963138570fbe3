//! Writes any data set as four IDX files that other programs read: what `twolayer data convert` does. Memory is what the set takes.

use super::classes::FILE;
use super::{DataError, Dataset, FILES, Set, file_lengths, find_file};
use crate::host::files::{Action, FileError, OutputDirectory};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

impl Dataset {
    /// Writes the four files to `directory`, which is created if need be, and `classes.txt` with the names of the classes, one in
    /// each line, if they have some: [`DataSource::open`](super::DataSource::open) reads it again. The files are renamed to their
    /// final names once all of them are written.
    ///
    /// # Errors
    ///
    /// [`DataError::File`] if a file of one of these names exists already with other contents, or a file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<(), DataError> {
        let counts = [&self.train, &self.test].map(|set| set.len() as u64);
        let mut lengths = file_lengths(counts, self.train.pixels());
        if self.train.image_size.is_none() {
            // A dimension less.
            (lengths[0], lengths[2]) = (lengths[0] - 4, lengths[2] - 4);
        }
        let names: String = self.train.class_names().iter().flat_map(|name| [name.as_str(), "\n"]).collect();
        refuse_others(directory, lengths)?;
        let list = directory.join(FILE);
        // Names that are not these would be read with the files.
        if list.symlink_metadata().is_ok() {
            OutputDirectory::refuse_other(
                list.clone(),
                &list,
                if names.is_empty() { u64::MAX } else { names.len() as u64 },
            )?;
        }
        let output = OutputDirectory::create(directory)?;
        let mut files = Vec::new();
        for (set, which) in [(&self.train, 0), (&self.test, 2)] {
            for (name, write) in
                [(FILES[which], Set::write_images as fn(&Set, &File) -> _), (FILES[which + 1], Set::write_labels)]
            {
                let file = output.create_temporary(name)?;
                write(set, file.as_file()).map_err(FileError::io(Action::Write, &directory.join(name)))?;
                files.push((name, file));
            }
        }
        if !names.is_empty() {
            let file = output.create_temporary(FILE)?;
            file.as_file().write_all(names.as_bytes()).map_err(FileError::io(Action::Write, &list))?;
            files.push((FILE, file));
        }
        Ok(output.persist_new(files)?)
    }
}

/// Refuses files that are in the way of four new ones of these lengths.
pub(super) fn refuse_others(directory: &Path, lengths: [u64; 4]) -> Result<(), DataError> {
    for (name, len) in FILES.into_iter().zip(lengths) {
        let path = directory.join(name);
        // A symbolic link to nowhere is not found, but is in the way.
        if let Some(found) = find_file(directory, name)?.or_else(|| path.is_symlink().then(|| path.clone())) {
            OutputDirectory::refuse_other(found, &path, len)?;
        }
    }
    Ok(())
}

impl Set {
    fn write_images(&self, file: &File) -> io::Result<()> {
        let sides = match self.image_size {
            Some([width, height]) => vec![usize::from(height), width.into()],
            None => vec![self.pixels()],
        };
        write_idx(file, &sides, self.len(), self.images())
    }

    fn write_labels(&self, file: &File) -> io::Result<()> {
        write_idx(file, &[], self.len(), self.labels())
    }
}

/// Writes bytes with their header.
fn write_idx(file: &File, sides: &[usize], count: usize, bytes: &[u8]) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    let rank = u8::try_from(1 + sides.len()).unwrap_or(u8::MAX);
    file.write_all(&[0, 0, 8, rank])?;
    for &size in [count].iter().chain(sides) {
        let size =
            u32::try_from(size).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "more than 2³² images"))?;
        file.write_all(&size.to_be_bytes())?;
    }
    file.write_all(bytes)?;
    file.flush()
}
