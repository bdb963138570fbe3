//! Downloads of data sets from a local server, with every kind of failure.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use core::time::Duration;
use run::mnist::{self, skipped};
use run::server::{Answer, Server, Shared, gzip};
use run::{FILES, Outcome, Sandbox};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// The length of each file of MNIST.
const LENGTHS: [usize; 4] = [47_040_016, 60_008, 7_840_016, 10_008];

/// The four files of a data set, compressed.
type Files = Arc<[Shared; 4]>;

/// A server that has these files.
fn serving(files: Files) -> Server {
    Server::new(move |name| match FILES.iter().position(|file| name == format!("{file}.gz")) {
        Some(which) => Answer::Body(Arc::clone(&files[which])),
        None => Answer::Status(404),
    })
}

/// Files of zeros with the lengths of MNIST's; they are small when compressed.
fn zeros() -> Files {
    static ZEROS: OnceLock<Files> = OnceLock::new();
    Arc::clone(ZEROS.get_or_init(|| Arc::new(LENGTHS.map(|len| gzip(&vec![0; len])))))
}

/// MNIST, compressed; `None` (and the test is reported as skipped) if it is not available.
fn mnist(test: &str) -> Option<Files> {
    static MNIST: OnceLock<Files> = OnceLock::new();
    let directory = mnist::directory(test)?;
    let file = |name: &str| gzip(&std::fs::read(directory.join(name)).unwrap());
    Some(Arc::clone(MNIST.get_or_init(|| Arc::new(FILES.map(file)))))
}

/// A server that gives the same answer to every request.
fn always(answer: Answer) -> Server {
    Server::new(move |_| answer.clone())
}

/// Asserts that `data fetch mnist` from these mirrors fails with an error that contains `words`, and leaves no files.
#[track_caller]
fn assert_fetch_fails(mirrors: &[&Server], more: &[&str], words: &[&str]) {
    let sandbox = Sandbox::new();
    let mut arguments = vec!["data", "fetch", "mnist"];
    let urls: Vec<_> = mirrors.iter().map(|server| server.url()).collect();
    for url in &urls {
        arguments.extend(["--mirror", url]);
    }
    arguments.extend(more);
    let ran = sandbox.run(&arguments);
    ran.failed(&[words, &["cannot fetch MNIST", "--data"]].concat());
    assert_eq!(sandbox.listing(), ["cache/", "work/"], "{ran:#?}");
}

#[test]
fn mnist_is_fetched_checked_and_trained_on() {
    let Some(files) = mnist("mnist_is_fetched_checked_and_trained_on") else { return };
    let server = serving(files);
    let sandbox = Sandbox::new();
    let out = sandbox.run(&["--quiet", "--epochs", "1", "--mirror", &server.url()]).succeeded();
    let accuracy: f64 = out.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(accuracy >= 93.5, "{out}");
    assert!(!out.contains("not MNIST"), "{out}");
    assert_eq!(server.asked(), FILES.map(|name| format!("{name}.gz")));
    let expected = FILES.iter().zip(LENGTHS).map(|(name, len)| format!("cache/twolayer/mnist/{name} {len}"));
    let mut expected: Vec<_> = expected.chain(["work/mnist-own.twolayer 3252288".into()]).collect();
    expected.sort();
    assert_eq!(sandbox.listing(), expected);

    // Nothing is downloaded again.
    assert!(sandbox.run(&["data", "verify"]).succeeded().matches("ok ").count() == 4);
    assert!(sandbox.run(&["eval"]).succeeded().contains(&format!("accuracy  {accuracy:.2} % of 10000 test images\n")));

    // Only a damaged file is downloaded again.
    let labels = sandbox.cache().join("twolayer/mnist").join(FILES[3]);
    let mut bytes = std::fs::read(&labels).unwrap();
    bytes[9] ^= 1;
    std::fs::write(&labels, bytes).unwrap();
    let verified = sandbox.run(&["data", "verify"]);
    assert!(verified.out.contains(&format!("changed  {}: the SHA-256 of {}", FILES[3], labels.display())));
    verified.failed(&["1 of the 4 files of mnist is ", "twolayer data fetch mnist"]);
    sandbox.run(&["data", "fetch", "mnist", "--mirror", &server.url()]).succeeded();
    assert_eq!(server.asked().split_off(4), [format!("{}.gz", FILES[3])]);
    sandbox.run(&["data", "verify"]).succeeded();
}

#[test]
fn concurrent_downloads_do_not_conflict() {
    let Some(files) = mnist("concurrent_downloads_do_not_conflict") else { return };
    let server = serving(files);
    let sandbox = Sandbox::new();
    let url = server.url();
    let start = || {
        let mut command = sandbox.command(&["data", "fetch", "mnist", "--mirror", &url]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    for process in [start(), start(), start()] {
        Outcome::from(process).succeeded();
    }
    sandbox.run(&["data", "verify", "mnist"]).succeeded();
    assert_eq!(sandbox.listing().len(), 4 + 1, "{:?}", sandbox.listing());
}

#[test]
fn the_next_mirror_is_used_when_one_fails() {
    let Some(files) = mnist("the_next_mirror_is_used_when_one_fails") else { return };
    let broken = {
        let files = Arc::clone(&files);
        Server::new(move |name| {
            if name.starts_with("train-images") { Answer::Body(Arc::clone(&files[0])) } else { Answer::Status(404) }
        })
    };
    let good = serving(files);
    let moved = {
        let good = good.url();
        Server::new(move |name| Answer::Moved(format!("{good}/{name}")))
    };
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["data", "fetch", "mnist"]);
    command.env("TWOLAYER_MIRROR", format!("{} {}", broken.url(), moved.url()));
    let ran = Outcome::from(command);
    assert!(ran.err.contains("HTTP status 404"), "{ran:#?}");
    ran.succeeded();
    assert_eq!(good.asked().len(), 3, "the first file came from the first mirror: {:?}", good.asked());
    sandbox.run(&["data", "verify"]).succeeded();
}

#[test]
fn a_wrong_checksum_is_an_error() {
    assert_fetch_fails(&[&serving(zeros())], &[], &["the wrong file: its SHA-256 is ", "not ba891046e6505d7a"]);
}

#[test]
fn both_mirrors_are_named_when_both_fail() {
    let (first, second) = (always(Answer::Status(404)), always(Answer::Status(503)));
    assert_fetch_fails(&[&first, &second], &[], &[&first.url(), "404", &second.url(), "503"]);
    assert_eq!(second.asked().len(), 1, "a mirror that fails is not tried again");
}

#[test]
fn a_redirect_loop_is_an_error() {
    let server = always(Answer::Moved("/data/elsewhere".into()));
    assert_fetch_fails(&[&server], &[], &["train-images-idx3-ubyte.gz: too many redirects"]);
    assert!((2..20).contains(&server.asked().len()), "{:?}", server.asked());
}

#[test]
fn a_closed_connection_is_an_error() {
    let whole = gzip(&(0..200_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    assert_fetch_fails(&[&always(Answer::Cut(Arc::clone(&whole), 1000))], &[], &["truncated"]);
    assert_fetch_fails(&[&always(Answer::Cut(whole, 0))], &[], &["truncated"]);
}

#[test]
fn a_truncated_or_short_gzip_file_is_an_error() {
    let whole = gzip(&vec![7; 100_000]);
    assert_fetch_fails(&[&always(Answer::Body(Arc::new(whole[..whole.len() - 4].to_vec())))], &[], &["truncated"]);
    assert_fetch_fails(&[&always(Answer::Body(whole))], &[], &["100000 bytes, but the file has 47040016"]);
}

#[test]
fn a_damaged_gzip_file_is_an_error() {
    let mut damaged = gzip(&(0..200_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>()).to_vec();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 100].fill(0xff);
    assert_fetch_fails(&[&always(Answer::Body(Arc::new(damaged)))], &[], &["corrupt"]);
}

#[test]
fn an_unrelated_page_is_an_error() {
    let page = b"<html>Welcome to the hotel's network. Please log in.</html>".to_vec();
    assert_fetch_fails(&[&always(Answer::Body(Arc::new(page)))], &[], &["59 bytes, but the file has 47040016"]);
    assert_fetch_fails(&[&always(Answer::Body(Arc::new(Vec::new())))], &[], &["0 bytes, but the file has 47040016"]);
}

#[test]
fn an_endless_file_is_an_error() {
    let start = Instant::now();
    assert_fetch_fails(&[&always(Answer::Endless(Arc::new(vec![0; 1 << 16])))], &[], &["more than"]);
    // A chain of highly compressed archives: few bytes are sent, but many come out.
    assert_fetch_fails(
        &[&always(Answer::Endless(gzip(&vec![0; 4 << 20])))],
        &[],
        &["more than the file's 47040016 bytes"],
    );
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_silent_server_is_an_error() {
    let body = gzip(&(0..200_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    let start = Instant::now();
    assert_fetch_fails(
        &[&always(Answer::Silent(Arc::clone(&body), 0))],
        &["--timeout", "0.3"],
        &["no response within 300ms"],
    );
    assert_fetch_fails(&[&always(Answer::Silent(body, 5000))], &["--timeout", "0.3"], &["no data for 300ms"]);
    assert!(start.elapsed() < Duration::from_secs(10), "the server is silent for 20 s");
}

#[test]
fn an_unreachable_server_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.run(&["data", "fetch", "fashion"]).failed(&[
        "cannot fetch Fashion-MNIST",
        "http://127.0.0.1:9/",
        "refused",
    ]);
    sandbox.run(&["--data", "mnist"]).failed(&["cannot fetch MNIST", "--data or MNIST_DIR", "--data digits"]);
    sandbox.run(&["--data", "fashion"]).failed(&["cannot fetch Fashion-MNIST", "--data,"]);
    assert_eq!(sandbox.listing(), ["cache/", "work/"]);
}

#[test]
fn a_mirror_must_be_a_url() {
    let sandbox = Sandbox::new();
    for mirror in ["ftp://example.org", "example.org", "/usr/share/mnist", "http://", ""] {
        sandbox.run(&["data", "fetch", "mnist", "--mirror", mirror]).rejected(&["http:// or https://"]);
    }
    let mut command = sandbox.command(&["data", "fetch", "mnist"]);
    command.env("TWOLAYER_MIRROR", "/usr/share/mnist");
    Outcome::from(command).failed(&["TWOLAYER_MIRROR", "/usr/share/mnist", "http://"]);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let mut command = sandbox.command(&["data", "fetch", "mnist"]);
        command.env("TWOLAYER_MIRROR", std::ffi::OsStr::from_bytes(b"http://127.0.0.1:9/mn\xefst"));
        Outcome::from(command).failed(&["TWOLAYER_MIRROR: http://127.0.0.1:9/mn\u{fffd}st is not a URL"]);
    }
    sandbox.run(&["data", "fetch", "mnist", "--mirror", "http://a b/"]).failed(&["cannot fetch MNIST"]);
    for timeout in ["0", "-1", "nan", "soon", "1e300"] {
        sandbox.run(&["data", "fetch", "mnist", &format!("--timeout={timeout}")]).rejected(&["30 or 0.5"]);
    }
    assert_eq!(sandbox.listing(), ["cache/", "work/"]);
}

#[test]
fn a_password_is_not_shown() {
    let server = always(Answer::Status(401));
    let sandbox = Sandbox::new();
    let url = server.url();
    let secret = url.replace("http://", "http://ada:p@ss@");
    let ran = sandbox.run(&["data", "fetch", "mnist", "--mirror", &secret]);
    ran.failed(&[&format!("{url}/train-images-idx3-ubyte.gz: HTTP status 401")]);
    assert!(ran.err.contains(&format!("fetching MNIST: {url}\n")), "{ran:#?}");
    let mut bad = sandbox.command(&["data", "fetch", "mnist"]);
    bad.env("TWOLAYER_MIRROR", "ftp://ada:p@ss@example.org/");
    let bad = [
        Outcome::from(bad),
        sandbox.run(&["data", "fetch", "mnist", "--mirror", "http://ada:p@ss@:80"]),
        sandbox.run(&["data", "fetch", "mnist", "--mirror", "http://ada:p@ss@a b"]),
    ];
    for ran in [ran].iter().chain(&bad) {
        ran.failed(&[]);
        assert!(!ran.err.contains("ada") && !ran.err.contains("ss@"), "{ran:#?}");
    }
}

/// Files are asked for by adding their names, which a query or a fragment does not allow; and they may be secret.
#[test]
fn a_mirror_has_no_query() {
    let server = always(Answer::Status(404));
    let sandbox = Sandbox::new();
    for more in ["?token=secret", "#secret", "/deep?x=secret"] {
        let mirror = server.url() + more;
        let mut by_variable = sandbox.command(&["--hidden", "9"]);
        by_variable.env("TWOLAYER_MIRROR", &mirror);
        for ran in [sandbox.run(&["data", "fetch", "mnist", "--mirror", &mirror]), Outcome::from(by_variable)] {
            ran.failed(&[&server.url(), "has a query or a fragment"]);
            assert!(!ran.err.contains("secret"), "{ran:#?}");
        }
    }
    assert!(server.asked().is_empty());
    assert_eq!(sandbox.listing(), ["cache/", "work/"]);
}

/// Emulates a full disk with a limit on the size of files.
#[cfg(unix)]
#[test]
fn a_failed_write_leaves_no_files() {
    let server = serving(zeros());
    let sandbox = Sandbox::new();
    let script = "trap '' XFSZ; ulimit -f 8000; exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_twolayer");
    let ran = Outcome::from(
        sandbox.command_for("bash", &["-c", script, "-", program, "data", "fetch", "mnist", "--mirror", &server.url()]),
    );
    ran.failed(&["cannot write", "twolayer/mnist/train-images-idx3-ubyte", "File too large"]);
    assert_eq!(server.asked().len(), 1, "another mirror would not help");
    assert_eq!(sandbox.listing(), ["cache/", "work/"]);
}

/// Mounts a disk of 8 MiB in a namespace of its own, which disappears with its processes.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_no_files() {
    let server = serving(zeros());
    let sandbox = Sandbox::new();
    let script = "mount -t tmpfs -o size=8m none \"$XDG_CACHE_HOME\" || { echo no mount; exit; }
        \"$@\"; echo \"code $?\"; find \"$XDG_CACHE_HOME\" -mindepth 1";
    let program = env!("CARGO_BIN_EXE_twolayer");
    let ran = |arguments: &[&str]| {
        let shell = ["-rm", "sh", "-c", script, "-", program];
        Outcome::from(sandbox.command_for("unshare", &[&shell, arguments].concat()))
    };
    let url = server.url();
    let fetched = ran(&["data", "fetch", "mnist", "--mirror", &url]);
    if !fetched.out.contains("code ") {
        return skipped("a_full_disk_leaves_no_files", "cannot mount a disk");
    }
    assert_eq!(fetched.out, "code 1\n", "{fetched:#?}");
    assert!(fetched.err.contains("No space left on device (os error 28); free some space"), "{fetched:#?}");

    // The built-in digits are then generated in memory.
    let trained = ran(&["--quiet", "--data", "digits", "--limit", "500", "--epochs", "1"]);
    assert!(trained.out.contains("of the built-in digits (not MNIST)\ncode 0\n"), "{trained:#?}");
    assert!(trained.out.ends_with("code 0\n"), "{trained:#?}");
}
