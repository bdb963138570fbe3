//! Full and read-only disks: a command succeeds or says what is wrong, and leaves nothing.

use super::run::mnist::skipped;
use super::run::{Outcome, Sandbox};
use super::{Dice, Job, assert_civil, report, rounds};

/// Mounts a disk in a namespace of its own, which ends with its processes, runs the program and lists what is on the disk.
const SCRIPT: &str = "mount -t tmpfs -o size=$1,$2 none disk || { echo no mount; exit; }
    test $2 = rw || mount -o remount,ro disk
    export XDG_CACHE_HOME=$PWD/disk/cache; shift 2; \"$@\" > out 2> err
    echo \"code $?\"; find disk -type f -printf '%P %s\\n' | sort; cat err >&2";

/// The exit code and the files left on a disk of that size; `None` if no disk can be mounted.
fn on_disk(sandbox: &Sandbox, bytes: usize, mode: &str, arguments: &[&str]) -> Option<(Outcome, String)> {
    let (bytes, program) = (bytes.to_string(), env!("CARGO_BIN_EXE_twolayer"));
    let shell = ["-rm", "sh", "-c", SCRIPT, "-", &bytes, mode, program];
    let mut ran = Outcome::from(sandbox.command_for("unshare", &[&shell, arguments].concat()));
    let (code, files) = ran.out.strip_prefix("code ")?.split_once('\n')?;
    (ran.code, ran.out) = (code.parse().ok(), files.to_owned());
    let files = ran.out.clone();
    Some((ran, files))
}

#[test]
fn full_and_read_only_disks() {
    let mut dice = Dice::new();
    let (mut tried, mut failed) = (0, 0);
    for Job { name, mut arguments, .. } in Job::all() {
        let sandbox = Job::sandbox();
        std::fs::create_dir(sandbox.work().join("disk")).unwrap();
        // Outputs go to the disk, and so does the cache.
        let out = arguments.iter().position(|it| ["--model", "--out", "--save-seen"].contains(it));
        let own = ["--out", "--save-seen"].into_iter().find_map(|it| arguments.iter().position(|found| *found == it));
        let path = own.or(out).map(|at| format!("disk/{}", arguments[at + 1]));
        if let (Some(at), Some(path)) = (own.or(out), &path) {
            arguments[at + 1] = path;
        }
        let Some((ran, expected)) = on_disk(&sandbox, 256 << 20, "rw", &arguments) else {
            return skipped("full_and_read_only_disks", "cannot mount a disk");
        };
        assert_eq!(ran.code, Some(0), "{name}: {ran:#?}");
        let needed: usize =
            expected.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<usize>().unwrap()).sum();
        for round in 0..rounds(4, 40) {
            let (size, mode) =
                if round == 0 { (1 << 20, "ro") } else { (4096 + dice.below(needed + needed / 3), "rw") };
            let (ran, left) = on_disk(&sandbox, size, mode, &arguments).unwrap();
            assert_civil(&ran);
            tried += 1;
            if ran.code == Some(0) {
                assert!(left == expected, "{name}: {ran:#?}");
            } else {
                failed += 1;
                let reason = if mode == "ro" { "Read-only file system" } else { "No space left on device" };
                assert!(ran.err.contains(reason), "{name}: {ran:#?}");
                assert_eq!(left, "", "{name}: {ran:#?}");
            }
            assert!(!left.contains(".twolayer-"), "{name}: {ran:#?}");
        }
    }
    report(&format!("disks: {tried} too small or read-only; {failed} commands failed, said why, and left nothing"));
}
