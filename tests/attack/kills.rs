//! Processes that are killed at random moments: no file is torn, and the same command run again leaves what it should and
//! nothing else.

use super::{Dice, Job, contents, remove, report, rounds};
use core::time::Duration;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

#[test]
fn killed_processes_tear_nothing() {
    let mut dice = Dice::new();
    let (mut tried, mut killed, mut left) = (0, 0, 0);
    for Job { name, arguments, outputs, replaces } in Job::all() {
        let sandbox = Job::sandbox();
        let root = sandbox.work().parent().unwrap().to_owned();
        let run = |_| {
            for output in outputs {
                remove(&root.join(output));
            }
            let start = Instant::now();
            sandbox.run(&arguments).succeeded();
            start.elapsed()
        };
        let time = (0..3).map(run).min().unwrap();
        let (expected, _) = contents(&sandbox);
        let expensive = time > Duration::from_secs(1);
        for _ in 0..rounds(3, if expensive { 20 } else { 60 }) {
            let old = replaces && dice.below(2) == 0;
            for output in outputs.iter().map(|output| root.join(output)) {
                if old && output.is_file() {
                    fs::write(output, "old").unwrap();
                } else {
                    remove(&output);
                }
            }
            let mut command = sandbox.command(&arguments);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            sleep(time * u32::try_from(dice.below(1200)).unwrap() / 1000);
            let signal = *dice.one_of(&["INT", "TERM", "HUP", "KILL"]);
            let _ = Command::new("kill").args(["-s", signal, &child.id().to_string()]).stderr(Stdio::null()).status();
            let status = child.wait().unwrap();
            assert!(status.signal().is_some() || status.success(), "{name}: {status}");
            (tried, killed) = (tried + 1, killed + u32::from(status.signal().is_some()));

            let (found, temporary) = contents(&sandbox);
            left += temporary;
            for (file, bytes) in &found {
                let whole = expected.get(file) == Some(bytes) || old && bytes == b"old";
                assert!(whole, "{name}, {signal}: {file} is torn, {} bytes", bytes.len());
            }
            let again = sandbox.run(&arguments);
            assert_eq!(again.code, Some(0), "{name}, after {signal}: {again:#?}");
            assert!(contents(&sandbox) == (expected.clone(), 0), "{name}, after {signal}: {:#?}", sandbox.listing());
        }
    }
    assert!(killed > 0);
    report(&format!(
        "kills: {tried} signals, {killed} processes ended by them; no file torn; {left} temporary files left, all removed by \
         the next run"
    ));
}

/// Runs that are killed at random moments, again and again, and go on from their checkpoint: they end with the file of a run that
/// nothing stopped, and leave no other.
#[test]
fn killed_runs_go_on_to_the_same_end() {
    let mut dice = Dice::new();
    let sandbox = Job::sandbox();
    let work = sandbox.work();
    let run = "train --data data --recipe fast --hidden 2000 --epochs 6 --distort 60 --quiet --model n.twolayer";
    let begin: Vec<&str> = run.split(' ').chain(["--checkpoint", "c.twolayer"]).collect();
    let resume: Vec<&str> = "train --data data --resume c.twolayer --quiet --model n.twolayer".split(' ').collect();
    let start = Instant::now();
    sandbox.run(&begin).succeeded();
    let time = start.elapsed();
    let expected = fs::read(work.join("n.twolayer")).unwrap();
    let (mut kills, mut ends) = (0, 0);
    for _ in 0..rounds(3, 20) {
        remove(&work.join("n.twolayer"));
        remove(&work.join("c.twolayer"));
        loop {
            let goes_on = work.join("c.twolayer").exists();
            let mut command = sandbox.command(if goes_on { &resume } else { &begin });
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            sleep(time * u32::try_from(dice.below(1000)).unwrap() / 1000);
            child.kill().unwrap();
            let status = child.wait().unwrap();
            assert!(status.signal().is_some() || status.success(), "{status}");
            if status.success() {
                break;
            }
            kills += 1;
        }
        ends += 1;
        assert!(fs::read(work.join("n.twolayer")).unwrap() == expected, "another end after {kills} kills");
    }
    assert!(kills > 0);
    report(&format!("resumed runs: {kills} kills, {ends} ends, all with the same file"));
}
