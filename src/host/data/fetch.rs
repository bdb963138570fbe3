//! Downloads published data sets into the cache. Each file is decompressed and its SHA-256 checked during the transfer;
//! it gets its final name only if the check passes.

use super::gzip::{Decompressed, MAGIC};
use super::name::{File, Name};
use super::verify::{Digest, sha256_matches};
use super::{DataError, FetchError, Progress, digit_files};
use crate::host::files::{Action, FileError, OutputDirectory, printable};
use core::cmp::Ordering;
use core::time::Duration;
use std::fs;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use ureq::Agent;

/// How to fetch data sets.
///
/// A server can neither fill the disk nor block the program forever: the length of each file is limited to its known
/// value, and every transfer has a timeout.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The URLs of directories that hold the files, tried in order; they have no query and no fragment. If empty, the public
    /// mirrors of the data set are used. Credentials in a URL never appear in messages.
    pub mirrors: Vec<String>,
    /// The longest time without data from a server. The limit for a whole file is twenty times this.
    pub timeout: Duration,
    /// Whether to check the SHA-256 of files in the cache again. They were checked when they were downloaded.
    pub recheck: bool,
}

impl Default for Fetch {
    fn default() -> Self {
        Self { mirrors: Vec::new(), timeout: Duration::from_secs(30), recheck: false }
    }
}

/// Why a mirror did not provide a file.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{url}: {}", printable(reason))]
pub struct Refusal {
    /// The file's URL, without credentials.
    pub url: String,
    /// What went wrong.
    pub reason: String,
}

/// Removes what may be secret from a URL, so that it can be shown: credentials (`user:password@`), query and fragment.
#[must_use]
pub fn redact_url(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    printable(format!("{scheme}{host}{path}"))
}

impl Fetch {
    /// Ensures that a data set is in the cache and returns its directory. Only missing files are downloaded, or
    /// generated in the case of the built-in digits.
    ///
    /// Several processes may do this at the same time.
    ///
    /// # Errors
    ///
    /// If no mirror provides a file with the right SHA-256, a mirror is not the URL of a directory, or the cache cannot be written. Complete files are kept,
    /// partial ones removed.
    pub fn fetch(&self, name: Name, report: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, DataError> {
        let directory = name.cache_directory()?;
        if name == Name::Digits {
            let changed =
                self.recheck && !name.files().iter().all(|file| self.is_present(file, &directory).unwrap_or(false));
            return if changed { digit_files::generate_in_cache(report) } else { digit_files::ensure_cached(report) };
        }
        self.download(name, &directory, report)?;
        Ok(directory)
    }

    /// Checks that files can be asked for by adding their names to the mirrors.
    ///
    /// # Errors
    ///
    /// If a mirror has a query or a fragment.
    pub fn check(&self) -> Result<(), DataError> {
        match self.mirrors.iter().find(|mirror| mirror.contains(['?', '#'])) {
            Some(url) => Err(FetchError::Mirror { url: url.clone() }.into()),
            None => Ok(()),
        }
    }

    fn download(&self, name: Name, directory: &Path, report: &mut dyn FnMut(Progress<'_>)) -> Result<(), DataError> {
        self.check()?;
        let output = OutputDirectory::create(directory)?;
        let defaults = name.description().mirrors.iter().map(|&mirror| mirror.to_owned());
        let mut download = Download {
            fetch: self,
            directory: &output.path,
            agent: self.agent(),
            mirrors: if self.mirrors.is_empty() { defaults.collect() } else { self.mirrors.clone() },
            refusals: Vec::new(),
            total: name.total_bytes(),
            done: 0,
            report,
        };
        for file in name.files() {
            if !self.is_present(&file, &output.path)? {
                let temporary = output.create_temporary(file.name)?;
                if !download.fetch_file(&file, temporary.as_file())? {
                    let (directory, refusals) = (directory.to_owned(), download.refusals);
                    return Err(FetchError::Refused { name, directory, refusals }.into());
                }
                output.persist(temporary, file.name)?;
            }
            download.done += file.len;
        }
        Ok(())
    }

    /// Whether a file is present with the right length and, if `recheck` is set, the right SHA-256.
    fn is_present(&self, file: &File, directory: &Path) -> Result<bool, FileError> {
        Ok(file.is_in(directory) && (!self.recheck || sha256_matches(directory, file)?))
    }

    fn agent(&self) -> Agent {
        let config = Agent::config_builder()
            .user_agent(concat!("twolayer/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(self.timeout))
            .timeout_connect(Some(self.timeout))
            .timeout_recv_response(Some(self.timeout))
            .timeout_per_read(Some(self.timeout))
            .timeout_recv_body(Some(self.file_timeout()));
        // The tests' server on loopback cannot be reached through a proxy from the environment.
        let config = if cfg!(test) { config.proxy(None) } else { config };
        config.build().into()
    }

    fn file_timeout(&self) -> Duration {
        self.timeout.saturating_mul(20)
    }
}

/// A data set that is being downloaded.
struct Download<'a> {
    fetch: &'a Fetch,
    directory: &'a Path,
    agent: Agent,
    /// The mirrors that have not failed yet.
    mirrors: Vec<String>,
    refusals: Vec<Refusal>,
    /// Bytes of all files.
    total: u64,
    /// Bytes of the files before the current one.
    done: u64,
    report: &'a mut dyn FnMut(Progress<'_>),
}

/// Why a download failed.
enum DownloadError {
    /// The server has no such file.
    NotFound(String),
    /// The server failed or sent the wrong contents.
    Server(String),
    /// The file cannot be written.
    Local(FileError),
}

impl Download<'_> {
    /// Downloads one file from the first mirror that provides it. A mirror that fails is not tried again. Returns
    /// whether a mirror succeeded.
    fn fetch_file(&mut self, file: &File, to: &fs::File) -> Result<bool, FileError> {
        while let Some(mirror) = self.mirrors.first().cloned() {
            let mirror = mirror.trim_end_matches('/');
            let mut url = format!("{mirror}/{}.gz", file.name);
            let mut result = self.fetch_url(&url, file, to);
            // Mirrors chosen by the user may hold uncompressed files.
            if matches!(result, Err(DownloadError::NotFound(_))) && !self.fetch.mirrors.is_empty() {
                let plain = format!("{mirror}/{}", file.name);
                let second = self.fetch_url(&plain, file, to);
                if !matches!(second, Err(DownloadError::NotFound(_))) {
                    (url, result) = (plain, second);
                }
            }
            let reason = match result {
                Ok(()) => return Ok(true),
                Err(DownloadError::Local(error)) => return Err(error),
                Err(DownloadError::NotFound(reason) | DownloadError::Server(reason)) => reason,
            };
            let url = redact_url(&url);
            (self.report)(Progress::Refused { url: &url, reason: &reason });
            self.refusals.push(Refusal { url, reason });
            self.mirrors.remove(0);
        }
        Ok(false)
    }

    /// Downloads a URL to `to`, decompressed, and checks its length and SHA-256.
    fn fetch_url(&mut self, url: &str, file: &File, mut to: &fs::File) -> Result<(), DownloadError> {
        (self.report)(Progress::Asked { url: &redact_url(url) });
        let target = self.directory.join(file.name);
        let refused = |error| DownloadError::Local(FileError::io(Action::Write, &target)(error));
        to.set_len(0).and_then(|()| to.rewind()).map_err(refused)?;
        let response = self.agent.get(url).call().map_err(|error| match error {
            // Some object stores answer 403 for missing files.
            ureq::Error::StatusCode(403 | 404 | 410) => DownloadError::NotFound(self.explain(&error)),
            error => DownloadError::Server(self.explain(&error)),
        })?;
        // A gzip file is never much longer than its contents.
        let limit = file.len + file.len / 1000 + 1024;
        let mut body = response.into_body().into_with_config().limit(limit).reader();

        let mut start = Vec::new();
        body.by_ref()
            .take(2)
            .read_to_end(&mut start)
            .map_err(|error| DownloadError::Server(self.explain(&error.into())))?;
        let is_gzip = start == MAGIC;
        let body = io::Cursor::new(start).chain(body);
        let contents: Box<dyn Read> =
            if is_gzip { Box::new(Decompressed::new(io::BufReader::new(body))) } else { Box::new(body) };
        let mut contents = contents.take(file.len + 1);
        let (mut buffer, mut len, mut digest) = (vec![0; 1 << 16], 0, Digest::default());
        loop {
            let piece = match contents.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => buffer.get(..read).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(DownloadError::Server(self.explain(&error.into()))),
            };
            to.write_all(piece).map_err(refused)?;
            digest.update(piece);
            len += piece.len() as u64;
            (self.report)(Progress::Bytes { done: self.done + len, total: self.total });
        }
        let (found, &File { len: expected, sha256, .. }) = (digest.hex(), file);
        Err(DownloadError::Server(match len.cmp(&expected) {
            Ordering::Greater => format!("sent more than the file's {expected} bytes"),
            Ordering::Less => format!("sent {len} bytes, but the file has {expected}"),
            Ordering::Equal if found != sha256 => format!("sent the wrong file: its SHA-256 is {found}, not {sha256}"),
            Ordering::Equal => return Ok(()),
        }))
    }

    /// A readable description of an error.
    fn explain(&self, error: &ureq::Error) -> String {
        use ureq::Timeout::{PerRead, RecvBody};
        match error {
            ureq::Error::StatusCode(404) => "no such file (HTTP status 404)".into(),
            ureq::Error::StatusCode(code) => format!("HTTP status {code}"),
            ureq::Error::HostNotFound => "host not found; check the network connection".into(),
            ureq::Error::Timeout(RecvBody) => format!("not complete after {:?}", self.fetch.file_timeout()),
            ureq::Error::Timeout(PerRead) => format!("no data for {:?}", self.fetch.timeout),
            ureq::Error::Timeout(_) => format!("no response within {:?}", self.fetch.timeout),
            ureq::Error::BodyExceedsLimit(limit) => format!("sent more than {limit} bytes"),
            // The text of this error contains the whole URL, with any password.
            ureq::Error::BadUri(_) => "invalid URL".into(),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                "truncated: the data ended before the file was complete".into()
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

/// Tests without MNIST: they download the built-in digits from a local server.
#[cfg(test)]
mod tests {
    use super::super::Digits;
    use super::server::{Answer, Server, Shared, gzip};
    use super::*;
    use flate2::read::MultiGzDecoder;
    use std::sync::{Arc, LazyLock};
    use std::thread;
    use tempfile::TempDir;

    /// Each file's name and its contents, compressed.
    static FILES: LazyLock<Vec<(&str, Shared)>> = LazyLock::new(|| {
        let files = Digits::default().in_memory(&mut |_| ()).unwrap();
        Name::Digits.files().iter().zip(files).map(|(file, bytes)| (file.name, gzip(bytes.as_slice()))).collect()
    });

    fn file(name: &str) -> Answer {
        match FILES.iter().find(|(file, _)| name == format!("{file}.gz")) {
            Some((_, bytes)) => Answer::Body(Arc::clone(bytes)),
            None => Answer::Status(404),
        }
    }

    fn fetch_from(mirrors: &[&Server]) -> Fetch {
        Fetch { mirrors: mirrors.iter().map(|mirror| mirror.url()).collect(), ..Fetch::default() }
    }

    #[track_caller]
    fn assert_complete(directory: &TempDir) {
        for file in Name::Digits.files() {
            assert!(sha256_matches(directory.path(), &file).unwrap(), "{}", file.name);
        }
        assert_eq!(fs::read_dir(directory).unwrap().count(), 4, "there are other files");
    }

    #[test]
    fn each_file_comes_from_the_first_mirror_that_has_it() {
        let first = Server::new(|name| if name.starts_with("train") { file(name) } else { Answer::Status(500) });
        let second = Server::new(file);
        let url = second.url();
        let third = Server::new(move |name| Answer::Moved(format!("{url}/{name}")));
        let directory = TempDir::new().unwrap();
        let (mut done, mut refused) = (0, Vec::new());
        fetch_from(&[&first, &third])
            .download(Name::Digits, directory.path(), &mut |progress| match progress {
                Progress::Bytes { done: so_far, total } => {
                    assert!((1..=total).contains(&so_far) && so_far > done, "{done} {so_far}");
                    done = so_far;
                }
                Progress::Refused { url, reason } => refused.push(format!("{url} {reason}")),
                Progress::Asked { .. } => {}
            })
            .unwrap();
        assert_eq!(done, Name::Digits.total_bytes());
        assert_eq!(refused, [format!("{}/t10k-images-idx3-ubyte.gz HTTP status 500", first.url())]);
        assert_eq!(second.asked().len(), 2);
        assert_complete(&directory);

        fetch_from(&[&first]).download(Name::Digits, directory.path(), &mut |_| ()).unwrap();
        assert_eq!(first.asked().len(), 3, "files in the cache are not downloaded again");
    }

    #[test]
    fn uncompressed_files_are_accepted() {
        let server = Server::new(|name| match file(&format!("{name}.gz")) {
            Answer::Body(zipped) => {
                let mut plain = Vec::new();
                MultiGzDecoder::new(zipped.as_slice()).read_to_end(&mut plain).unwrap();
                Answer::Body(Arc::new(plain))
            }
            other => other,
        });
        let directory = TempDir::new().unwrap();
        fetch_from(&[&server]).download(Name::Digits, directory.path(), &mut |_| ()).unwrap();
        assert_complete(&directory);
    }

    #[test]
    fn concurrent_downloads_do_not_conflict() {
        let server = Server::new(file);
        let directory = TempDir::new().unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| fetch_from(&[&server]).download(Name::Digits, directory.path(), &mut |_| ()).unwrap());
            }
        });
        assert_complete(&directory);
    }

    #[test]
    fn wrong_files_are_rejected_and_good_ones_kept() {
        let server =
            Server::new(
                |name| if name.starts_with("t10k") { file(&name.replace("t10k", "train")) } else { file(name) },
            );
        let directory = TempDir::new().unwrap();
        let error =
            fetch_from(&[&server]).download(Name::Digits, directory.path(), &mut |_| ()).unwrap_err().to_string();
        assert!(error.contains("/t10k-images-idx3-ubyte.gz: sent more than the file's 7840016 bytes"), "{error}");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2, "{error}");
    }
}
