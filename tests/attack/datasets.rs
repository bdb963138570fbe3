//! Data sets with bytes changed, through the command line: CSV, arrays, class folders and names. What is accepted trains; what is
//! not is an error, and no model is written.

use super::models::changed;
use super::run::{FILES, Sandbox};
use super::sources::{Pictures, gzip, keras, write_idx};
use super::{Dice, assert_civil, report, rounds};
use std::fs;

#[test]
fn mangled_data_sets_on_the_command_line() {
    let (sandbox, mut dice) = (Sandbox::new().replacing(), Dice::new());
    let work = sandbox.work();
    let (train, test) = (Pictures::digits(0..40), Pictures::digits(40..60));
    train.folders(&work.join("folders/train"), |label| label.to_string());
    test.folders(&work.join("folders/test"), |label| label.to_string());
    let png = (0..10).map(|label| format!("folders/train/{label}")).find_map(|folder| {
        let entry = fs::read_dir(work.join(&folder)).ok()?.next()?.ok()?;
        Some(format!("{folder}/{}", entry.file_name().to_str()?))
    });
    write_idx(&work.join("idx"), &FILES.map(str::to_owned), &train, &test);
    let names: String = (0..10).fold(String::new(), |text, label| text + &format!("name {label}\n"));
    let csv = train.csv(true, true);
    let sources = [
        ("x.csv", "x.csv", csv.clone().into_bytes()),
        ("x.csv.gz", "x.csv.gz", gzip(csv.as_bytes())),
        ("x.npz", "x.npz", keras(&train, &test)),
        ("folders", png.as_deref().unwrap(), fs::read(work.join(png.as_deref().unwrap())).unwrap()),
        ("idx", "idx/classes.txt", names.into_bytes()),
    ];
    let (mut trained, rounds) = (0, rounds(100, 3000));
    for _ in 0..rounds {
        let (data, file, original) = dice.one_of(&sources);
        fs::write(work.join(file), changed(&mut dice, original, 64)).unwrap();
        let mut arguments =
            vec!["train", "--data", data, "--as-is", "--hidden", "4", "--epochs", "1", "-q", "--model", "m"];
        if file.contains("csv") {
            arguments.extend(["--hold-out", "20%"]);
        }
        let ran = sandbox.run(&arguments);
        assert_civil(&ran);
        assert_eq!(work.join("m").exists(), ran.code == Some(0), "{ran:#?}");
        let _ = fs::remove_file(work.join("m"));
        trained += u32::from(ran.code == Some(0));
        fs::write(work.join(file), original).unwrap();
    }
    report(&format!("data sets on the command line: {rounds} mangled; {trained} trained; no crash"));
}
