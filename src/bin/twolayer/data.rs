//! Where the images come from: what `--data` says, and what is done where that cannot be had.

use crate::args::DataOptions;
use crate::console::{note, warning};
use core::fmt;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use twolayer::Shape;
use twolayer::host::Error;
use twolayer::host::dataset::{Dataset, Fetch, Name, Progress, Set, Source};

/// An open data set, or its test set alone, and what to call it.
pub(crate) struct Data<T = Dataset> {
    pub(crate) dataset: T,
    pub(crate) source: Source,
    /// Where its files are.
    directory: PathBuf,
}

/// What images are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To train a network: the built-in digits may stand in for MNIST.
    Training,
    /// For a network that there is.
    Network(Shape),
}

impl Purpose {
    /// Will a data set that has a name do? Asked before it is fetched or made: such images are MNIST's size.
    fn check(self, name: Name) -> Result<(), Error> {
        let found = Shape::MNIST.inputs();
        match self {
            Self::Network(shape) if shape.inputs() != found => {
                Err(Error::Pixels { path: name.word().into(), found, expected: shape.inputs(), whose: "the network" })
            }
            _ => Ok(()),
        }
    }
}

impl Data {
    /// Opens what `--data` says, or MNIST.
    pub(crate) fn open(options: &DataOptions, purpose: Purpose, quiet: bool) -> Result<Self, Error> {
        let mmap = !options.no_mmap;
        let mut reporter = Reporter::new(quiet);
        let name = match options.data.clone().unwrap_or(Source::Named(Name::Mnist)) {
            Source::Named(name) => name,
            Source::Directory(directory) => {
                let dataset = Dataset::open(&directory, mmap)?;
                return Ok(Self { dataset, source: Source::Directory(directory.clone()), directory });
            }
        };
        let located = name.locate()?;
        if located.is_none() {
            purpose.check(name)?;
        }
        if name == Name::Digits {
            return Self::digits(mmap, reporter);
        }
        let directory = match located {
            Some(directory) => directory,
            None => match fetch(&options.fetch.settings()?, name, &mut reporter) {
                Ok(directory) => directory,
                Err(error) if options.data.is_none() && purpose == Purpose::Training => {
                    warning!("no MNIST here: {}", first_line(&error));
                    warning!(
                        "training on the built-in digits instead, which are not MNIST; for MNIST name a directory of \
                         its four files by --data or MNIST_DIR, or a server by --mirror"
                    );
                    // A bar that was finished shows nothing more.
                    return Self::digits(mmap, Reporter::new(quiet));
                }
                Err(error) => return Err(error),
            },
        };
        Ok(Self { dataset: Dataset::open(&directory, mmap)?, source: Source::Named(name), directory })
    }

    fn digits(mmap: bool, mut reporter: Reporter) -> Result<Self, Error> {
        let dataset = Dataset::digits(mmap, &mut |progress| reporter.show(MAKING, &progress));
        reporter.clear(dataset.is_ok());
        let dataset = dataset?;
        let directory = dataset.train.images_path().parent().unwrap_or_else(|| Path::new("")).to_owned();
        Ok(Self { dataset, source: Source::Named(Name::Digits), directory })
    }
}

impl Data<Set> {
    /// Opens the test set of what `--data` says, or of MNIST.
    pub(crate) fn test(options: &DataOptions, purpose: Purpose) -> Result<Self, Error> {
        let mmap = !options.no_mmap;
        let mut reporter = Reporter::new(false);
        let source = options.data.clone().unwrap_or(Source::Named(Name::Mnist));
        let directory = match &source {
            Source::Directory(directory) => directory.clone(),
            Source::Named(Name::Digits) => {
                purpose.check(Name::Digits)?;
                let Data { dataset, source, directory } = Data::digits(mmap, reporter)?;
                return Ok(Self { dataset: dataset.test, source, directory });
            }
            Source::Named(name) => {
                if let Some(directory) = name.locate_test()? {
                    directory
                } else {
                    purpose.check(*name)?;
                    fetch(&options.fetch.settings()?, *name, &mut reporter)?
                }
            }
        };
        Ok(Self { dataset: Dataset::open_test(&directory, mmap)?, source, directory })
    }
}

impl<T> Data<T> {
    /// What an accuracy is the accuracy of, if that is not clear.
    pub(crate) const fn mark(&self) -> &'static str {
        match self.source {
            Source::Named(Name::Digits) => " of the built-in digits (not MNIST)",
            Source::Named(Name::Fashion) => " of Fashion-MNIST",
            _ => "",
        }
    }
}

impl<T> fmt::Display for Data<T> {
    /// `MNIST from /home/ada/.cache/twolayer/mnist`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Source::Named(Name::Digits) => write!(f, "the built-in digits (not MNIST), "),
            Source::Named(name) => write!(f, "{}, ", name.title()),
            Source::Directory(_) => Ok(()),
        }?;
        write!(f, "{}", self.directory.display())
    }
}

/// Has a named data set in the cache.
pub(crate) fn fetch(fetch: &Fetch, name: Name, reporter: &mut Reporter) -> Result<PathBuf, Error> {
    let what = match name {
        Name::Digits => MAKING.into(),
        name => format!("fetching {}", name.title()),
    };
    let done = fetch.fetch(name, &mut |progress| reporter.show(&what, &progress));
    reporter.clear(done.is_ok());
    done
}

/// What is shown while digits are made.
pub(crate) const MAKING: &str = "making digits";

/// What an error says, without its remedy.
fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Shows how far files have come: a bar on a terminal; elsewhere a line for each mirror.
pub(crate) struct Reporter {
    bar: ProgressBar,
    quiet: bool,
    /// The mirror that was asked last.
    mirror: String,
    /// What mirrors said that gave nothing.
    refusals: Vec<String>,
}

impl Reporter {
    pub(crate) fn new(quiet: bool) -> Self {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::no_length() };
        Self { bar: bar.with_style(style), quiet, mirror: String::new(), refusals: Vec::new() }
    }

    pub(crate) fn show(&mut self, what: &str, progress: &Progress<'_>) {
        match *progress {
            Progress::Asked { url } => {
                let mirror = url.rsplit_once('/').map_or(url, |(mirror, _)| mirror);
                if self.mirror != mirror {
                    mirror.clone_into(&mut self.mirror);
                    self.bar.set_message(format!("{what}: {mirror}"));
                    if self.bar.is_hidden() && !self.quiet {
                        note!("{what}: {mirror}");
                    }
                }
            }
            Progress::Refused { url, reason } => self.refusals.push(format!("{url}: {reason}")),
            Progress::Bytes { done, total } => {
                if self.mirror.is_empty() {
                    self.bar.set_message(what.to_owned());
                }
                self.bar.set_length(total);
                self.bar.set_position(done);
            }
            _ => {}
        }
    }

    /// The files are there, or not: an error tells of refusals itself.
    pub(crate) fn clear(&mut self, done: bool) {
        self.bar.finish_and_clear();
        for refusal in self.refusals.drain(..).filter(|_| done && !self.quiet) {
            note!("another mirror was taken, because of {refusal}");
        }
    }
}
