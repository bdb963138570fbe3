//! Attacks on the program and on the C interface, at random: processes killed while they write, disks that are full or
//! read-only, mirrors that misbehave, several writers of the same files, and models, tensors, pictures and data sets with bytes
//! changed.
//!
//! The short form, a few seconds of each, is part of `cargo test`. The long form takes some nine minutes on two cores:
//!
//! ```sh
//! TWOLAYER_ATTACK=1 cargo test --features ffi --test attack -- --test-threads 1
//! ```
//!
//! The number is the seed. Every attack says on standard error what it tried and how often.

#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(unsafe_code, reason = "calls as from C")]

mod datasets;
mod disks;
mod kills;
mod mirrors;
mod models;
mod pictures;
#[path = "../run/mod.rs"]
mod run;
#[path = "../sources/mod.rs"]
mod sources;
mod tensors;
mod writers;

use rand_xoshiro::Xoshiro128PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use run::{FILES, Outcome, Sandbox};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

/// The seed of the long form, if that is asked for.
fn seed() -> Option<u64> {
    std::env::var("TWOLAYER_ATTACK").ok().map(|seed| seed.parse().expect("TWOLAYER_ATTACK is a number"))
}

/// How often something is tried.
fn rounds(short: u32, long: u32) -> u32 {
    if seed().is_some() { long } else { short }
}

/// Says what an attack tried and found.
fn report(text: &str) {
    // The test harness would capture the output of `eprintln!`.
    let _ = writeln!(std::io::stderr(), "\nATTACK {text}");
}

/// Chance.
struct Dice(Xoshiro128PlusPlus);

impl Dice {
    fn new() -> Self {
        Self(Xoshiro128PlusPlus::seed_from_u64(seed().unwrap_or(1)))
    }

    /// A number below another.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from((u64::from(self.0.next_u32()) * bound as u64) >> 32).unwrap()
    }

    fn one_of<'a, T>(&mut self, these: &'a [T]) -> &'a T {
        &these[self.below(these.len())]
    }
}

/// Every file of a sandbox with its bytes, but for temporary files, which are counted.
fn contents(sandbox: &Sandbox) -> (BTreeMap<String, Vec<u8>>, usize) {
    let (mut files, mut temporary) = (BTreeMap::new(), 0);
    let root = sandbox.work().parent().unwrap().to_owned();
    for line in sandbox.listing() {
        if line.contains("/.twolayer-") {
            temporary += 1;
        } else if !line.ends_with('/') {
            let name = line.rsplit_once(' ').unwrap().0.to_owned();
            let bytes = fs::read(root.join(&name)).unwrap();
            files.insert(name, bytes);
        }
    }
    (files, temporary)
}

/// Removes a file or a directory, if it is there.
fn remove(path: &Path) {
    let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

/// A command that writes, and what it writes, from the directory above `work`.
struct Job {
    name: &'static str,
    arguments: Vec<&'static str>,
    outputs: &'static [&'static str],
    /// Whether it replaces what is there.
    replaces: bool,
}

impl Job {
    /// Every command that writes. Their files are as small as a test needs, but take a while to write.
    fn all() -> Vec<Self> {
        let job = |command: &'static str, replaces, outputs| Self {
            name: command.split(" --").next().unwrap(),
            arguments: command.split(' ').collect(),
            outputs,
            replaces,
        };
        let mut jobs = vec![
            job(
                "train --data data --hidden 9000 --epochs 1 --quiet --model n.twolayer",
                true,
                &["work/n.twolayer"][..],
            ),
            job("train --data zipped --hidden 9 --quiet --model z.twolayer", true, &["work/z.twolayer"]),
            job("quantize --data data --model m.twolayer --out q.twolayer", true, &["work/q.twolayer"]),
            job("import e.safetensors --out i.twolayer", true, &["work/i.twolayer"]),
            job("export --model m.twolayer --out o.npz", true, &["work/o.npz"]),
            job("predict --index 3 --data data --model m.twolayer --save-seen s.png", true, &["work/s.png"]),
            job("data digits --train 3000 --test 500 --out made", false, &["work/made"]),
            job("data convert data --hold-out 20% --out converted", false, &["work/converted"]),
        ];
        if seed().is_some() {
            jobs.push(job("data fetch digits", true, &["cache/twolayer/digits-v1-seed1"]));
        }
        jobs
    }

    /// A sandbox with all that the commands read.
    fn sandbox() -> Sandbox {
        let sandbox = Sandbox::trained().replacing();
        let zipped = sandbox.data("zipped", &run::SmallSet::TINY);
        for name in FILES {
            let file = zipped.join(name);
            fs::write(zipped.join(format!("{name}.gz")), &*run::server::gzip(&fs::read(&file).unwrap())).unwrap();
            fs::remove_file(file).unwrap();
        }
        sandbox.run(&["export", "--model", "m.twolayer", "--out", "e.safetensors"]).succeeded();
        sandbox
    }
}

/// Asserts that a program ended by itself, with an error message if it failed.
#[track_caller]
fn assert_civil(ran: &Outcome) {
    assert!(matches!(ran.code, Some(0 | 1)), "{ran:#?}");
    assert_eq!(ran.code == Some(1), ran.err.contains("error: "), "{ran:#?}");
    assert!(!ran.err.contains("panicked"), "{ran:#?}");
}
