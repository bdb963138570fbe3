//! Published data sets from their mirrors: each file expanded and checked on the way, and in the cache only when it is what
//! it should be.

use super::super::Error;
use super::super::error::without_user;
use super::super::whole::Place;
use super::gzip::{CopyError, copy};
use super::name::{File, Name};
use super::verify::{Digest, is_right};
use super::{Progress, digit_files};
use core::fmt;
use core::time::Duration;
use flate2::read::MultiGzDecoder;
use std::fs;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use ureq::Agent;

/// How data sets are fetched.
///
/// Nothing that a server sends can fill the disk or hold the program forever: a file is read as far as it may be long, and
/// dropped when nothing comes for a while.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The addresses of directories that hold the files, in the order in which they are tried. None: the data set's own.
    /// A name and a password in them are never shown.
    pub mirrors: Vec<String>,
    /// How long a server may be silent. A whole file may take twenty times as long.
    pub timeout: Duration,
    /// Is the SHA-256 of files looked at that are there already? They were right when they came.
    pub recheck: bool,
}

impl Default for Fetch {
    fn default() -> Self {
        Self { mirrors: Vec::new(), timeout: Duration::from_secs(30), recheck: false }
    }
}

/// What a mirror did instead of giving a file.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The file's address, without name and password.
    pub url: String,
    /// What was wrong.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.reason)
    }
}

/// The public mirrors: those that PyTorch and TensorFlow use.
const fn mirrors(name: Name) -> &'static [&'static str] {
    match name {
        Name::Mnist => {
            &["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"]
        }
        Name::Fashion => &[
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
        ],
        Name::Digits => &[],
    }
}

impl Fetch {
    /// Has the files of a data set in the cache, and says in which directory. What is there is kept; what is missing is fetched,
    /// or made in the case of the built-in digits.
    ///
    /// Any number of processes may do this at once.
    ///
    /// # Errors
    ///
    /// When no mirror gives a file whose SHA-256 is right, or the cache cannot be written to. Files that came are kept;
    /// nothing half-written is.
    pub fn fetch(&self, name: Name, report: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, Error> {
        let directory = name.cache()?;
        if name == Name::Digits {
            let changed = self.recheck && !name.files().iter().all(|file| self.has(file, &directory).unwrap_or(false));
            return if changed { digit_files::make(report) } else { digit_files::cached(report) };
        }
        self.download(name, &directory, report)?;
        Ok(directory)
    }

    fn download(&self, name: Name, directory: &Path, report: &mut dyn FnMut(Progress<'_>)) -> Result<(), Error> {
        let place = Place::swept(directory)?;
        let own = mirrors(name).iter().map(|&mirror| mirror.to_owned());
        let mut job = Job {
            fetch: self,
            directory: place.path(),
            agent: self.agent(),
            mirrors: if self.mirrors.is_empty() { own.collect() } else { self.mirrors.clone() },
            refusals: Vec::new(),
            total: name.bytes(),
            done: 0,
            report,
        };
        for file in name.files() {
            if !self.has(&file, place.path())? {
                let temporary = place.temporary(file.name)?;
                if !job.get(&file, temporary.as_file())? {
                    return Err(Error::Fetch { name, refusals: job.refusals });
                }
                place.finish(temporary, file.name)?;
            }
            job.done += file.len;
        }
        Ok(())
    }

    /// Is a file where it should be?
    fn has(&self, file: &File, directory: &Path) -> Result<bool, Error> {
        Ok(file.is_in(directory) && (!self.recheck || is_right(directory, file)?))
    }

    fn agent(&self) -> Agent {
        let config = Agent::config_builder()
            .user_agent(concat!("twolayer/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(self.timeout))
            .timeout_connect(Some(self.timeout))
            .timeout_recv_response(Some(self.timeout))
            .timeout_per_read(Some(self.timeout))
            .timeout_recv_body(Some(self.longest()));
        // Loopback is not reached through the proxy that a developer's environment may name.
        let config = if cfg!(test) { config.proxy(None) } else { config };
        config.build().into()
    }

    fn longest(&self) -> Duration {
        self.timeout.saturating_mul(20)
    }
}

/// A data set being fetched.
struct Job<'a> {
    fetch: &'a Fetch,
    directory: &'a Path,
    agent: Agent,
    /// The mirrors that have not failed yet.
    mirrors: Vec<String>,
    refusals: Vec<Refusal>,
    total: u64,
    /// Bytes of the files before this one.
    done: u64,
    report: &'a mut dyn FnMut(Progress<'_>),
}

/// Why a file did not come.
enum Trouble {
    /// It is not on that server under that name.
    Absent(String),
    /// The server failed, or sent something else.
    There(String),
    /// It cannot be kept.
    Here(Error),
}

impl Job<'_> {
    /// Gets one file from the first mirror that gives it. A mirror that fails is not asked again.
    fn get(&mut self, file: &File, to: &fs::File) -> Result<bool, Error> {
        while let Some(mirror) = self.mirrors.first().cloned() {
            let mirror = mirror.trim_end_matches('/');
            let mut url = format!("{mirror}/{}.gz", file.name);
            let mut got = self.get_from(&url, file, to);
            // Whoever serves a directory of expanded files is right as well.
            if matches!(got, Err(Trouble::Absent(_))) && !self.fetch.mirrors.is_empty() {
                let plain = format!("{mirror}/{}", file.name);
                let second = self.get_from(&plain, file, to);
                if !matches!(second, Err(Trouble::Absent(_))) {
                    (url, got) = (plain, second);
                }
            }
            let reason = match got {
                Ok(()) => return Ok(true),
                Err(Trouble::Here(error)) => return Err(error),
                Err(Trouble::Absent(reason) | Trouble::There(reason)) => reason,
            };
            let url = without_user(&url);
            (self.report)(Progress::Refused { url: &url, reason: &reason });
            self.refusals.push(Refusal { url, reason });
            self.mirrors.remove(0);
        }
        Ok(false)
    }

    /// Writes what an address gives to `to`, expanded and checked.
    fn get_from(&mut self, url: &str, file: &File, mut to: &fs::File) -> Result<(), Trouble> {
        (self.report)(Progress::Asked { url: &without_user(url) });
        let target = self.directory.join(file.name);
        let refused = |error| Trouble::Here(Error::io("write", &target)(error));
        to.set_len(0).and_then(|()| to.rewind()).map_err(refused)?;
        let response = self.agent.get(url).call().map_err(|error| match error {
            // Some stores say 403 of what they do not have.
            ureq::Error::StatusCode(403 | 404 | 410) => Trouble::Absent(self.explain(&error)),
            error => Trouble::There(self.explain(&error)),
        })?;
        // A gzip file is never much longer than what is in it.
        let longest = file.len + file.len / 1000 + 1024;
        let mut body = response.into_body().into_with_config().limit(longest).reader();

        let mut start = Vec::new();
        body.by_ref().take(2).read_to_end(&mut start).map_err(|error| Trouble::There(self.explain(&error.into())))?;
        let zipped = start == [0x1f, 0x8b];
        let body = io::Cursor::new(start).chain(body);
        let mut contents: Box<dyn Read> = if zipped { Box::new(MultiGzDecoder::new(body)) } else { Box::new(body) };
        let mut digest = Digest::default();
        let mut done = 0;
        let copied = copy(&mut contents.by_ref().take(file.len + 1), &mut to, |piece| {
            digest.add(piece);
            done += piece.len() as u64;
            (self.report)(Progress::Bytes { done: self.done + done, total: self.total });
        });
        let len = copied.map_err(|error| match error {
            CopyError::From(error) => Trouble::There(self.explain(&error.into())),
            CopyError::To(error) => refused(error),
        })?;
        let found = digest.hex();
        match file.len {
            expected if len > expected => {
                Err(Trouble::There(format!("it sends more than the file's {expected} bytes")))
            }
            expected if len < expected => Err(Trouble::There(format!("it sends {len} bytes, the file has {expected}"))),
            _ if found != file.sha256 => {
                Err(Trouble::There(format!("it sends another file: its SHA-256 is {found}, not {}", file.sha256)))
            }
            _ => Ok(()),
        }
    }

    /// What went wrong, for people.
    fn explain(&self, error: &ureq::Error) -> String {
        use ureq::Timeout::{PerRead, RecvBody};
        match error {
            ureq::Error::StatusCode(404) => "there is no such file (HTTP status 404)".into(),
            ureq::Error::StatusCode(code) => format!("HTTP status {code}"),
            ureq::Error::HostNotFound => "host not found; is there a network?".into(),
            ureq::Error::Timeout(RecvBody) => format!("not done within {:?}", self.fetch.longest()),
            ureq::Error::Timeout(PerRead) => format!("silent for {:?}", self.fetch.timeout),
            ureq::Error::Timeout(_) => format!("no answer within {:?}", self.fetch.timeout),
            ureq::Error::BodyExceedsLimit(limit) => format!("it sends more than {limit} bytes"),
            // It holds the address, password and all.
            ureq::Error::BadUri(_) => "this is no address".into(),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                "cut short: it ends before the file does".into()
            }
            ureq::Error::Io(error) => error.to_string(),
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
#[path = "../../../tests/run/server.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod server;

/// What needs no MNIST: the built-in digits fetched as if they were published.
#[cfg(test)]
mod tests {
    use super::super::Digits;
    use super::server::{Answer, Server, Shared, gzip};
    use super::*;
    use std::sync::{Arc, LazyLock};
    use std::thread;
    use tempfile::TempDir;

    /// Each file's name, and the file, compressed.
    static FILES: LazyLock<Vec<(&str, Shared)>> = LazyLock::new(|| {
        let files = Digits::default().in_memory(&mut |_| ()).unwrap();
        Name::Digits.files().iter().zip(files).map(|(file, bytes)| (file.name, gzip(bytes.get()))).collect()
    });

    fn file(name: &str) -> Answer {
        match FILES.iter().find(|(file, _)| name == format!("{file}.gz")) {
            Some((_, bytes)) => Answer::Body(Arc::clone(bytes)),
            None => Answer::Status(404),
        }
    }

    fn from(mirrors: &[&Server]) -> Fetch {
        Fetch { mirrors: mirrors.iter().map(|mirror| mirror.url()).collect(), ..Fetch::default() }
    }

    #[track_caller]
    fn complete(directory: &TempDir) {
        for file in Name::Digits.files() {
            assert!(is_right(directory.path(), &file).unwrap(), "{}", file.name);
        }
        assert_eq!(fs::read_dir(directory).unwrap().count(), 4, "and nothing else");
    }

    #[test]
    fn files_come_from_whichever_mirror_has_them() {
        let first = Server::new(|name| if name.starts_with("train") { file(name) } else { Answer::Status(500) });
        let second = Server::new(file);
        let url = second.url();
        let third = Server::new(move |name| Answer::Moved(format!("{url}/{name}")));
        let directory = TempDir::new().unwrap();
        let (mut done, mut refused) = (0, Vec::new());
        from(&[&first, &third])
            .download(Name::Digits, directory.path(), &mut |progress| match progress {
                Progress::Bytes { done: so_far, total } => {
                    assert!((1..=total).contains(&so_far) && so_far > done, "{done} {so_far}");
                    done = so_far;
                }
                Progress::Refused { url, reason } => refused.push(format!("{url} {reason}")),
                Progress::Asked { .. } => {}
            })
            .unwrap();
        assert_eq!(done, Name::Digits.bytes());
        assert_eq!(refused, [format!("{}/t10k-images-idx3-ubyte.gz HTTP status 500", first.url())]);
        assert_eq!(second.asked().len(), 2);
        complete(&directory);

        from(&[&first]).download(Name::Digits, directory.path(), &mut |_| ()).unwrap();
        assert_eq!(first.asked().len(), 3, "what is there is not fetched again");
    }

    #[test]
    fn expanded_files_will_do() {
        let server = Server::new(|name| match file(&format!("{name}.gz")) {
            Answer::Body(zipped) => {
                let mut plain = Vec::new();
                MultiGzDecoder::new(zipped.as_slice()).read_to_end(&mut plain).unwrap();
                Answer::Body(Arc::new(plain))
            }
            other => other,
        });
        let directory = TempDir::new().unwrap();
        from(&[&server]).download(Name::Digits, directory.path(), &mut |_| ()).unwrap();
        complete(&directory);
    }

    #[test]
    fn any_number_may_fetch_at_once() {
        let server = Server::new(file);
        let directory = TempDir::new().unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| from(&[&server]).download(Name::Digits, directory.path(), &mut |_| ()).unwrap());
            }
        });
        complete(&directory);
    }

    #[test]
    fn files_of_another_data_set_are_refused_and_good_ones_kept() {
        let server =
            Server::new(
                |name| if name.starts_with("t10k") { file(&name.replace("t10k", "train")) } else { file(name) },
            );
        let directory = TempDir::new().unwrap();
        let error = from(&[&server]).download(Name::Digits, directory.path(), &mut |_| ()).unwrap_err().to_string();
        assert!(error.contains("/t10k-images-idx3-ubyte.gz: it sends more than the file's 7840016 bytes"), "{error}");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2, "{error}");
    }
}
