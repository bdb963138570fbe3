//! Opens the data set that `--data` selects, fetching it first if need be.

use crate::args::{DataArgs, FetchArgs, InvertArgs};
use crate::console::{note, warning};
use crate::error::{Error, error};
use crate::{json, values};
use core::fmt;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use twolayer::Shape;
use twolayer::host::dataset::{DataError, DataSource as Source, Dataset, Fetch, Name, Progress, Set, redact_url};
use twolayer::host::{FileAccess, printable};

/// An open data set, or its test set only, and where it comes from.
pub(crate) struct Data<T = Dataset> {
    pub(crate) dataset: T,
    pub(crate) source: Source,
    /// The directory of its files.
    directory: PathBuf,
    inverted: bool,
    /// Training images that are the test set.
    held_out: Option<usize>,
}

/// What the data set is needed for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To train a new network. The built-in digits may replace MNIST.
    Training,
    /// For an existing network, whose inputs the images must match.
    ExistingNetwork(Shape),
}

impl Data {
    /// Opens the data set that `--data` selects, by default MNIST.
    pub(crate) fn open(args: &DataArgs, invert: InvertArgs, purpose: Purpose, quiet: bool) -> Result<Self, Error> {
        let (source, directory) = find(args, purpose, quiet, Name::locate)?;
        let access = args.file.access();
        let mut data = match directory {
            None => Self::digits(access, quiet)?,
            Some(directory) => Self::new(Dataset::open(&directory, access)?, source, directory),
        };
        if let Some(count) = args.hold_out {
            data = Self { dataset: data.dataset.held_out(count)?, held_out: Some(count), ..data };
        }
        Ok(data.inverted_if(invert, Dataset::inverted))
    }

    /// Opens the test set of the data set that `--data` selects, by default MNIST.
    pub(crate) fn test(args: &DataArgs, invert: InvertArgs, purpose: Purpose) -> Result<Data<Set>, Error> {
        if args.hold_out.is_some() {
            return Ok(Self::open(args, invert, purpose, false)?.test_set());
        }
        let (source, directory) = find(args, purpose, false, Name::locate_test)?;
        let access = args.file.access();
        let data = match directory {
            None => Self::digits(access, false)?.test_set(),
            Some(directory) => Data::new(Dataset::open_test(&directory, access)?, source, directory),
        };
        Ok(data.inverted_if(invert, Set::inverted))
    }

    fn digits(access: FileAccess, quiet: bool) -> Result<Self, Error> {
        let dataset = with_progress(GENERATING, quiet, |progress| Dataset::digits(access, progress))?;
        let directory = dataset.train.images_path().parent().unwrap_or_else(|| Path::new("")).to_owned();
        Ok(Self::new(dataset, Source::Named(Name::Digits), directory))
    }

    /// The test set alone.
    fn test_set(self) -> Data<Set> {
        let Self { dataset, source, directory, inverted, held_out } = self;
        Data { dataset: dataset.test, source, directory, inverted, held_out }
    }
}

/// What `--data` selects and the directory of its files, which are fetched first if need be; no directory for the
/// built-in digits. Without `--data`, the digits replace an MNIST that cannot be had for training.
fn find(
    args: &DataArgs,
    purpose: Purpose,
    quiet: bool,
    locate: impl Fn(Name) -> Result<Option<PathBuf>, DataError>,
) -> Result<(Source, Option<PathBuf>), Error> {
    let name = match args.data.clone().unwrap_or(Source::Named(Name::Mnist)) {
        Source::Directory(directory) => return Ok((Source::Directory(directory.clone()), Some(directory))),
        Source::Named(name) => name,
    };
    let located = locate(name)?.filter(|_| name != Name::Digits);
    if located.is_some() {
        return Ok((Source::Named(name), located));
    }
    // Before the data set is fetched or generated.
    if let Purpose::ExistingNetwork(shape) = purpose {
        name.check_pixels(shape)?;
    }
    if name == Name::Digits {
        return Ok((Source::Named(name), None));
    }
    match fetch(&settings(&args.fetch)?, name, quiet) {
        Err(error) if args.data.is_none() && purpose == Purpose::Training => {
            // Without the hint that may follow.
            warning!("MNIST is not available: {}", error.0.lines().next().unwrap_or_default());
            warning!(
                "training on the built-in digits instead, which are not MNIST; to use MNIST, name a directory with its four \
                 files in --data or MNIST_DIR, or a server in --mirror"
            );
            Ok((Source::Named(Name::Digits), None))
        }
        fetched => Ok((Source::Named(name), Some(fetched?))),
    }
}

impl<T> Data<T> {
    const fn new(dataset: T, source: Source, directory: PathBuf) -> Self {
        Self { dataset, source, directory, inverted: false, held_out: None }
    }

    /// The same data, inverted if that is asked for.
    fn inverted_if(self, invert: InvertArgs, inverted: impl FnOnce(T) -> T) -> Self {
        if !invert.invert {
            return self;
        }
        Self { dataset: inverted(self.dataset), inverted: true, ..self }
    }

    /// What `--data` takes for a named data set.
    pub(crate) const fn name(&self) -> Option<&'static str> {
        match self.source {
            Source::Directory(_) => None,
            Source::Named(name) => Some(name.id()),
        }
    }

    /// As `--json` prints it.
    pub(crate) fn json(&self) -> json::Data<'_> {
        json::Data { name: self.name(), directory: self.directory.to_string_lossy(), inverted: self.inverted }
    }

    /// A suffix for printed accuracies that names the data set, unless it is MNIST or a directory.
    pub(crate) fn accuracy_suffix(&self) -> String {
        match self.source {
            Source::Directory(_) | Source::Named(Name::Mnist) => String::new(),
            Source::Named(Name::Digits) => " of the built-in digits (not MNIST)".into(),
            Source::Named(name) => format!(" of {}", name.title()),
        }
    }
}

impl<T> fmt::Display for Data<T> {
    /// For example `MNIST, /home/ada/.cache/twolayer/mnist`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Source::Named(Name::Digits) => write!(f, "the built-in digits (not MNIST), "),
            Source::Named(name) => write!(f, "{}, ", name.title()),
            Source::Directory(_) => Ok(()),
        }?;
        write!(f, "{}{}", printable(&self.directory), if self.inverted { ", inverted" } else { "" })?;
        if let Some(count) = self.held_out {
            write!(f, "; tested on the last {count} of the training images")?;
        }
        Ok(())
    }
}

/// How to fetch: from the mirrors that are given, or those of the environment.
pub(crate) fn settings(args: &FetchArgs) -> Result<Fetch, Error> {
    let mut mirrors = args.mirror.clone();
    if mirrors.is_empty() {
        let variable = std::env::var_os("TWOLAYER_MIRROR").unwrap_or_default();
        let wrong = |url: &str| {
            error!(
                "TWOLAYER_MIRROR: {} is not a URL in UTF-8 that begins with http:// or https://; for a directory use --data",
                redact_url(url)
            )
        };
        let variable = variable.into_string().map_err(|it| wrong(&it.to_string_lossy()))?;
        for url in variable.split_whitespace() {
            mirrors.push(values::mirror(url).map_err(|_| wrong(url))?);
        }
    }
    let fetch = Fetch { mirrors, timeout: args.timeout, ..Fetch::default() };
    fetch.check()?;
    Ok(fetch)
}

/// Fetches a named data set into the cache, with progress, and returns its directory.
pub(crate) fn fetch(fetch: &Fetch, name: Name, quiet: bool) -> Result<PathBuf, Error> {
    let what = if name == Name::Digits { GENERATING.into() } else { format!("fetching {}", name.title()) };
    with_progress(&what, quiet, |progress| fetch.fetch(name, progress))
}

/// The message of the progress bar while digits are generated.
pub(crate) const GENERATING: &str = "generating digits";

/// Does something and shows its progress: a bar on a terminal, otherwise one line per mirror.
pub(crate) fn with_progress<T, E: Into<Error>>(
    what: &str,
    quiet: bool,
    work: impl FnOnce(&mut dyn FnMut(Progress<'_>)) -> Result<T, E>,
) -> Result<T, Error> {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::no_length() };
    let bar = bar.with_style(style).with_message(what.to_owned());
    let (mut current_mirror, mut refusals) = (String::new(), Vec::new());
    let result = work(&mut |progress| match progress {
        Progress::Asked { url } => {
            let mirror = url.rsplit_once('/').map_or(url, |(mirror, _)| mirror);
            if current_mirror != mirror {
                mirror.clone_into(&mut current_mirror);
                bar.set_message(format!("{what}: {mirror}"));
                if bar.is_hidden() && !quiet {
                    note!("{what}: {mirror}");
                }
            }
        }
        Progress::Refused { url, reason } => refusals.push(format!("{url}: {reason}")),
        Progress::Bytes { done, total } => {
            bar.set_length(total);
            bar.set_position(done);
        }
        _ => {}
    });
    bar.finish_and_clear();
    // If all mirrors failed, the error names them.
    for refusal in refusals.iter().filter(|_| result.is_ok() && !quiet) {
        note!("a mirror failed, the next one was used: {refusal}");
    }
    result.map_err(Into::into)
}
