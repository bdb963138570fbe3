//! Opens the data set that `--data` selects, fetching it first if need be.

use crate::args::{DataArgs, FetchArgs, InvertArgs, TrainingArgs};
use crate::console::{note, warning};
use crate::error::{Error, error};
use crate::{json, values};
use core::fmt;
use core::num::NonZeroUsize;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use twolayer::Shape;
use twolayer::host::dataset::{
    DataError, DataSource as Source, Dataset, Fetch, HoldOut, Name, Opened, Progress, Reading, Set, redact_url,
};
use twolayer::host::{ModelFile, printable};

/// An open data set, or its test set only, and where it comes from.
pub(crate) struct Data<T = Dataset> {
    pub(crate) dataset: T,
    /// The first of the sources.
    pub(crate) source: Source,
    places: Vec<Place>,
    inverted: bool,
    transposed: bool,
    /// Training images that are the test set.
    held_out: Option<HoldOut>,
}

impl Data {
    /// Is it known that all images are of the digits 0 to 9?
    pub(crate) fn is_of_digits(&self) -> bool {
        let named = |place: &Place| matches!(place.source, Source::Named(Name::Mnist | Name::Digits));
        let train = &self.dataset.train;
        self.places.iter().all(named) || train.are_digits() && !train.class_names().is_empty()
    }
}

/// A source, where it is, and what was found there.
struct Place {
    source: Source,
    path: PathBuf,
    found: Option<String>,
    /// How often its training images are in the training set.
    times: NonZeroUsize,
}

/// What part of the first set's images those of another are, repeated so often: chosen with pictures of three kinds and MNIST.
const REPEATED_PART: usize = 10;

/// What the data set is needed for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To train a new network. The built-in digits may replace MNIST.
    Training,
    /// For an existing network, whose inputs the images must match.
    ExistingNetwork(Shape),
}

impl Purpose {
    /// The side of square images, if it is given.
    fn side(self) -> Option<u32> {
        match self {
            Self::Training => None,
            Self::ExistingNetwork(shape) => u32::try_from(shape.pixels().isqrt()).ok(),
        }
    }
}

impl Data {
    /// Opens the data sets that `--data` selects, by default MNIST.
    pub(crate) fn open(args: &DataArgs, invert: InvertArgs, purpose: Purpose, quiet: bool) -> Result<Self, Error> {
        Self::open_repeated(args, invert, Some(NonZeroUsize::MIN), purpose, quiet)
    }

    /// The same for training: images of every set but the first are repeated.
    pub(crate) fn of_training(args: &TrainingArgs, purpose: Purpose, quiet: bool) -> Result<Self, Error> {
        Self::open_repeated(&args.data, args.invert, args.repeat.repeat, purpose, quiet)
    }

    fn open_repeated(
        args: &DataArgs,
        invert: InvertArgs,
        repeat: Option<NonZeroUsize>,
        purpose: Purpose,
        quiet: bool,
    ) -> Result<Self, Error> {
        let reading = args.reading(invert, purpose.side());
        let opened = open_all(args, purpose, quiet, Name::locate, |path| match path {
            Some(path) => {
                let Opened { dataset, found, .. } = Source::Path(path).open(&reading)?;
                Ok((dataset, found))
            }
            None => Ok((digits(&reading, quiet)?, None)),
        })?;
        let (mut sets, mut places): (Vec<Dataset>, Vec<_>) = opened.into_iter().unzip();
        let first = sets.first().map_or(0, |set| set.train.len());
        for (set, place) in sets.iter_mut().zip(&mut places).skip(1) {
            let times = repeat.or_else(|| NonZeroUsize::new(first / REPEATED_PART / set.train.len()));
            place.times = times.unwrap_or(NonZeroUsize::MIN);
            if place.times > NonZeroUsize::MIN {
                set.train = set.train.repeated(place.times)?;
            }
        }
        Self::new(Dataset::joined(sets)?, places, &reading)
    }

    /// Opens the test set of the data sets that `--data` selects, by default MNIST.
    pub(crate) fn test(args: &DataArgs, invert: InvertArgs, purpose: Purpose) -> Result<Data<Set>, Error> {
        let reading = args.reading(invert, purpose.side());
        let locate = if args.hold_out.is_some() { Name::locate } else { Name::locate_test };
        let opened = open_all(args, purpose, false, locate, |path| match path {
            Some(path) => {
                let Opened { dataset, found, .. } = Source::Path(path).open_test(&reading)?;
                Ok((dataset, found))
            }
            None => Ok((digits(&reading, false)?.test, None)),
        })?;
        let (sets, places): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
        Data::new(Set::joined(sets)?, places, &reading)
    }
}

/// The built-in digits, from the cache or generated.
fn digits(reading: &Reading, quiet: bool) -> Result<Dataset, Error> {
    let digits = with_progress(GENERATING, quiet, |progress| Dataset::digits(reading.access, progress))?;
    Ok(reading.applied(digits)?)
}

/// Opens each source that `--data` selects.
fn open_all<T>(
    args: &DataArgs,
    purpose: Purpose,
    quiet: bool,
    locate: impl Fn(Name) -> Result<Option<PathBuf>, DataError>,
    open: impl Fn(Option<PathBuf>) -> Result<(T, Option<String>), Error>,
) -> Result<Vec<(T, Place)>, Error> {
    let asked = match &args.data[..] {
        [] => &[Source::Named(Name::Mnist)],
        sources => sources,
    };
    let mut opened = Vec::new();
    for source in asked {
        let (source, path) = find(source, args, purpose, quiet, &locate)?;
        let (dataset, found) = open(path.clone())?;
        // That of the digits, after they were generated.
        let path = path.or_else(|| Name::Digits.locate().ok().flatten()).unwrap_or_else(|| "built-in digits".into());
        opened.push((dataset, Place { source, path, found, times: NonZeroUsize::MIN }));
    }
    Ok(opened)
}

/// A source and its path. The files of a named data set are fetched first if need be; no path for the built-in digits. Without
/// `--data`, the digits replace an MNIST that cannot be had for training.
fn find(
    source: &Source,
    args: &DataArgs,
    purpose: Purpose,
    quiet: bool,
    locate: impl Fn(Name) -> Result<Option<PathBuf>, DataError>,
) -> Result<(Source, Option<PathBuf>), Error> {
    let name = match source.clone() {
        Source::Path(path) => return Ok((Source::Path(path.clone()), Some(path))),
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
        Err(error) if args.data.is_empty() && purpose == Purpose::Training => {
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

impl Data<Set> {
    /// The same data, with the classes of a network.
    pub(crate) fn for_network(self, file: &ModelFile) -> Result<Self, Error> {
        warn_of_names(&self.dataset, file);
        Ok(Self { dataset: self.dataset.for_classes(file.details().class_names())?, ..self })
    }
}

impl Data {
    /// The same data, with the classes of a network.
    pub(crate) fn for_network(self, file: &ModelFile) -> Result<Self, Error> {
        let Dataset { train, test } = self.dataset;
        warn_of_names(&train, file);
        let names = || file.details().class_names();
        Ok(Self { dataset: Dataset { train: train.for_classes(names())?, test: test.for_classes(names())? }, ..self })
    }
}

/// Warns where only the data's classes have names.
fn warn_of_names(set: &Set, file: &ModelFile) {
    if !set.class_names().is_empty() && file.details().class_names().next().is_none() {
        let names: Vec<_> =
            set.class_names().iter().enumerate().map(|(label, name)| format!("{name} is {label}")).collect();
        warning!(
            "the network's classes have no names: those of the data are taken in their order, {}",
            printable(names.join(", "))
        );
    }
}

impl<T> Data<T> {
    fn new(joined: Option<T>, places: Vec<Place>, reading: &Reading) -> Result<Self, Error> {
        let (Some(dataset), Some(first)) = (joined, places.first()) else { return Err(error!("no data set")) };
        let &Reading { invert: inverted, transpose: transposed, hold_out: held_out, .. } = reading;
        Ok(Self { dataset, source: first.source.clone(), places, inverted, transposed, held_out })
    }

    /// What `--data` takes for a named data set, if that is all.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match self.places[..] {
            [Place { source: Source::Named(name), .. }] => Some(name.id()),
            _ => None,
        }
    }

    /// What `--data` takes for named data sets, in their order; nothing if one of them has a path.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.places.iter().map(Place::name).collect::<Option<_>>().unwrap_or_default()
    }

    /// Where the sources are.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(|place| &*place.path)
    }

    /// As `--json` prints it.
    pub(crate) fn json(&self) -> json::Data<'_> {
        let source = |place: &Place| json::Source {
            name: place.name(),
            path: place.path.to_string_lossy().into_owned(),
            found: place.found.clone(),
            times: place.times,
        };
        let directory = match &self.places[..] {
            [place] => Some(place.path.to_string_lossy()),
            _ => None,
        };
        json::Data {
            name: self.name(),
            directory,
            inverted: self.inverted,
            transposed: self.transposed,
            sources: self.places.iter().map(source).collect(),
        }
    }

    /// A suffix for printed accuracies that names the data set, unless it is MNIST or a path.
    pub(crate) fn accuracy_suffix(&self) -> String {
        match self.places[..] {
            [Place { source: Source::Named(Name::Digits), .. }] => " of the built-in digits (not MNIST)".into(),
            [Place { source: Source::Named(name), .. }] if name != Name::Mnist => format!(" of {}", name.title()),
            _ => String::new(),
        }
    }
}

impl Place {
    /// What `--data` takes for a named data set.
    const fn name(&self) -> Option<&'static str> {
        match self.source {
            Source::Path(_) => None,
            Source::Named(name) => Some(name.id()),
        }
    }
}

impl fmt::Display for Place {
    /// For example `MNIST, /home/ada/.cache/twolayer/mnist`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Source::Named(Name::Digits) => write!(f, "the built-in digits (not MNIST), "),
            Source::Named(name) => write!(f, "{}, ", name.title()),
            Source::Path(_) => Ok(()),
        }?;
        write!(f, "{}", printable(&self.path))?;
        self.found.as_ref().map_or(Ok(()), |found| write!(f, " ({found})"))?;
        if self.times.get() > 1 { write!(f, " {} times", self.times) } else { Ok(()) }
    }
}

impl<T> fmt::Display for Data<T> {
    /// The sources, and what is done with their images.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<_> = self.places.iter().map(ToString::to_string).collect();
        write!(f, "{}", places.join(" + "))?;
        write!(f, "{}", if self.inverted { ", inverted" } else { "" })?;
        write!(f, "{}", if self.transposed { ", transposed" } else { "" })?;
        let of = if self.places.len() > 1 { " of each" } else { "" };
        match self.held_out {
            Some(HoldOut::Last(count)) => write!(f, "; tested on the last {count} of the training images{of}"),
            Some(HoldOut::Percent(percent)) => write!(f, "; tested on {percent} % of the training images{of}"),
            None => Ok(()),
        }
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
