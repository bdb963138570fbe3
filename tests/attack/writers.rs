//! Several processes that write the same files at a time: each succeeds, and the files are those of one of them.

use super::run::{Outcome, Sandbox};
use super::{Job, contents, report, rounds};
use std::fs;
use std::process::Stdio;

/// Runs commands at the same time; all must succeed.
fn together(sandbox: &Sandbox, commands: &[Vec<&str>]) {
    let start = |arguments: &Vec<&str>| {
        sandbox.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = commands.iter().map(start).collect();
    for (child, arguments) in children.into_iter().zip(commands) {
        let ran = Outcome::from(child);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:#?}");
    }
}

#[test]
fn writers_of_the_same_files_do_not_mix() {
    let sandbox = Job::sandbox();
    let model = sandbox.work().join("n.twolayer");
    let train = |seed| {
        let options = "--data zipped --hidden 3000 --epochs 1 --quiet --model n.twolayer --seed";
        options.split(' ').chain([seed]).collect::<Vec<_>>()
    };
    let digits: Vec<_> = "data digits --train 400 --test 90 --out made".split(' ').collect();
    let seeds = ["1", "2", "3", "4"];
    let whole = seeds.map(|seed| {
        sandbox.run(&train(seed)).succeeded();
        fs::read(&model).unwrap()
    });
    sandbox.run(&digits).succeeded();
    let (expected, _) = contents(&sandbox);
    let rounds = rounds(3, 100);
    for _ in 0..rounds {
        fs::remove_dir_all(sandbox.work().join("made")).unwrap();
        let mut commands = seeds.map(train).to_vec();
        commands.extend([digits.clone(), digits.clone(), digits.clone()]);
        together(&sandbox, &commands);
        together(&sandbox, &seeds.map(train));
        let (mut found, temporary) = contents(&sandbox);
        let written = found.insert("work/n.twolayer".into(), whole[3].clone()).unwrap();
        assert!(whole.contains(&written), "a model of none of the writers");
        assert!(found == expected && temporary == 0, "{:#?}", sandbox.listing());
    }
    report(&format!(
        "concurrent writers: {rounds} × (4 trainings into one model, twice, and 3 generations of digits into one directory): all \
         succeeded, nothing mixed, nothing left"
    ));
}
