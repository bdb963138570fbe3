//! `twolayer data`: fetch, check, list and make data sets.

use crate::args::DataCommand;
use crate::console::{note, say};
use crate::data::{MAKING, Reporter, fetch};
use indicatif::HumanBytes;
use std::path::Path;
use twolayer::host::Error;
use twolayer::host::dataset::{Checked, Digits, Fetch, Name, Source, State, verify};

pub(crate) fn run(command: &DataCommand) -> Result<(), Error> {
    match command {
        DataCommand::Fetch { name, fetch: options } => {
            let how = Fetch { recheck: true, ..options.settings()? };
            let directory = fetch(&how, *name, &mut Reporter::new(false))?;
            say!("{}: {}, all files as they should be", name.word(), directory.display());
            Ok(())
        }
        DataCommand::Verify { source } => check(source),
        DataCommand::List => {
            Name::ALL.into_iter().for_each(list);
            Ok(())
        }
        &DataCommand::Digits { ref out, seed, train, test } => {
            let mut reporter = Reporter::new(false);
            let done = Digits { seed, train, test }.write(out, &mut |progress| reporter.show(MAKING, &progress));
            reporter.clear(done.is_ok());
            done?;
            say!("{train} training and {test} test images: {}", out.display());
            Ok(())
        }
    }
}

/// Compares files with what they should be, one line each.
fn check(source: &Source) -> Result<(), Error> {
    let (directory, name, checked) = match source {
        &Source::Named(name) => {
            let directory = name.locate()?.map_or_else(|| name.cache(), Ok)?;
            let checked = verify(&directory, name)?;
            (directory, name, checked)
        }
        Source::Directory(directory) => {
            if !directory.is_dir() {
                return Err(Error::NoDirectory { path: directory.clone(), why: "is no directory" });
            }
            let (name, checked) = closest(directory)?;
            (directory.clone(), name, checked)
        }
    };
    say!("{}: {}", name.title(), directory.display());
    for Checked { name, state } in &checked {
        match state {
            State::Right => say!("ok       {name}"),
            State::Changed { path, found, expected } => {
                say!("changed  {name}: the SHA-256 of {} is {found}, not {expected}", path.display());
            }
            State::Damaged { path, why } => say!("changed  {name}: {} cannot be expanded: {why}", path.display()),
            State::Missing => say!("missing  {name}"),
        }
    }
    match wrong(&checked) {
        0 => Ok(()),
        wrong => Err(Error::NotVerified { wrong, name: name.word(), overridden: name.named_directory().is_some() }),
    }
}

/// The data set that most files of a directory belong to, and how they compare.
fn closest(directory: &Path) -> Result<(Name, [Checked; 4]), Error> {
    let mut closest = (Name::Mnist, verify(directory, Name::Mnist)?);
    for name in [Name::Fashion, Name::Digits] {
        if wrong(&closest.1) > 0 {
            let checked = verify(directory, name)?;
            if wrong(&checked) < wrong(&closest.1) {
                closest = (name, checked);
            }
        }
    }
    Ok(closest)
}

fn wrong(checked: &[Checked]) -> usize {
    checked.iter().filter(|file| file.state != State::Right).count()
}

/// One line: is it here, and where?
fn list(name: Name) {
    let word = name.word();
    let size = HumanBytes(name.bytes());
    match (name.locate(), name) {
        (Ok(Some(directory)), _) => say!("{word:<8} {size}  {}", directory.display()),
        (Ok(None), Name::Digits) => say!("{word:<8} {size}  not here: made when asked for"),
        (Ok(None), _) => say!("{word:<8} {size}  not here: `twolayer data fetch {word}` gets it"),
        (Err(error), _) => {
            say!("{word:<8} {size}  not usable");
            note!("{word}: {error}");
        }
    }
}
