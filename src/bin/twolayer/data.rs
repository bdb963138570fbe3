//! `twolayer data`: fetches, verifies, lists and generates data sets.

use crate::args::{ConvertArgs, DataCommand};
use crate::console::{note, say};
use crate::error::{Error, ensure};
use crate::open_data::{Data, GENERATING, Purpose, fetch, settings, with_progress};
use crate::table::count;
use indicatif::HumanBytes;
use std::fs;
use std::path::Path;
use twolayer::host::dataset::{Checked, DataSource as Source, Digits, Fetch, Name, State, identify, verify};
use twolayer::host::{Action, FileError, printable};

pub(crate) fn run(command: DataCommand) -> Result<(), Error> {
    match command {
        DataCommand::Fetch { name, fetch: options } => {
            let settings = Fetch { recheck: true, ..settings(&options)? };
            let directory = fetch(&settings, name, false)?;
            say!("{}: {}, all files verified", name.id(), printable(&directory));
            Ok(())
        }
        DataCommand::Verify { source } => verify_files(&source),
        DataCommand::List => {
            Name::ALL.into_iter().for_each(list);
            Ok(())
        }
        DataCommand::Convert(args) => convert(args),
        DataCommand::Digits { out, force, seed, train, test } => {
            if force.force {
                make_room(&out, &[])?;
            }
            with_progress(GENERATING, false, |progress| Digits { seed, train, test }.write(&out, progress))?;
            say!("{train} training and {}: {}", count(test, "test image"), printable(&out));
            Ok(())
        }
    }
}

/// Writes a data set as four IDX files.
fn convert(args: ConvertArgs) -> Result<(), Error> {
    let ConvertArgs { out, force, sources, mut data, invert } = args;
    data.data = [data.data, sources].concat();
    let data = Data::open(&data, invert, Purpose::Training, false)?;
    let dataset = &data.dataset;
    if force.force {
        make_room(&out, &data.paths().collect::<Vec<_>>())?;
    }
    dataset.write(&out)?;
    let (train, test) = (dataset.train.len(), count(dataset.test.len(), "test image"));
    say!("data      {train} training and {test}: {data}");
    let names = if dataset.train.class_names().is_empty() { "" } else { ", and classes.txt" };
    say!("written   {}: four IDX files{names}", printable(&out));
    Ok(())
}

/// Removes the files of a data set from a directory that no source is in, nor is a source.
fn make_room(out: &Path, sources: &[&Path]) -> Result<(), Error> {
    for source in sources {
        let is_in = matches!((out.canonicalize(), source.canonicalize()), (Ok(out), Ok(source)) if out.starts_with(&source) || source.starts_with(&out));
        ensure!(
            !is_in,
            "{} belongs to the data set {}: give another directory with --out",
            printable(out),
            printable(source)
        );
    }
    let names = ["train", "t10k"]
        .into_iter()
        .flat_map(|set| ["images-idx3", "labels-idx1"].map(|of| format!("{set}-{of}-ubyte")));
    let names = names.flat_map(|name| [format!("{name}.gz"), name]);
    for path in
        names.chain(["classes.txt".into()]).map(|name| out.join(name)).filter(|path| path.symlink_metadata().is_ok())
    {
        fs::remove_file(&path).map_err(FileError::io(Action::Write, &path))?;
    }
    Ok(())
}

/// Verifies the four files of a data set and prints one line for each.
fn verify_files(source: &Source) -> Result<(), Error> {
    let (directory, name, checked) = match source {
        &Source::Named(name) => {
            let directory = name.locate()?.map_or_else(|| name.cache_directory(), Ok)?;
            let checked = verify(&directory, name)?;
            (directory, name, checked)
        }
        Source::Path(directory) => {
            let (name, checked) = identify(directory)?;
            (directory.clone(), name, checked)
        }
    };
    say!("{}: {}", name.title(), printable(&directory));
    for Checked { name, state } in &checked {
        match state {
            State::Intact => say!("ok       {name}"),
            State::Changed { path, found, expected } => {
                say!("changed  {name}: the SHA-256 of {} is {found}, not {expected}", printable(path));
            }
            State::Damaged { path, reason } => {
                say!("changed  {name}: {} cannot be decompressed: {reason}", printable(path));
            }
            State::Missing => say!("missing  {name}"),
        }
    }
    let bad = checked.iter().filter(|file| file.state != State::Intact).count();
    let and_unset =
        if name.environment_directory().is_some() { " and unset MNIST_DIR, which takes precedence" } else { "" };
    ensure!(
        bad == 0,
        "{bad} of the 4 files of {0} {1} missing or changed; run `twolayer data fetch {0}` to restore them in the cache{and_unset}",
        name.id(),
        if bad == 1 { "is" } else { "are" }
    );
    Ok(())
}

/// Prints the size of a data set and where it is, in one line.
fn list(name: Name) {
    let id = name.id();
    let size = HumanBytes(name.total_bytes());
    let absent =
        || name.cache_directory().map_or_else(|error| error.to_string(), |it| format!("not in {}", printable(&it)));
    match (name.locate(), name) {
        (Ok(Some(directory)), _) => say!("{id:<8} {size}  {}", printable(&directory)),
        (Ok(None), Name::Digits) => say!("{id:<8} {size}  {}: generated when needed", absent()),
        (Ok(None), _) => say!("{id:<8} {size}  {}: run `twolayer data fetch {id}`", absent()),
        (Err(error), _) => {
            say!("{id:<8} {size}  not usable");
            note!("{id}: {error}");
        }
    }
}
