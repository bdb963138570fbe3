//! Files of tensors with bytes changed, through the command line: a network, or an error that says why there is none.

use super::models::changed;
use super::run::Sandbox;
use super::{Dice, assert_civil, report, rounds};
use std::fs;

/// The formats that are imported, and one that is described.
fn sound(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    let dense = r#"{"class_name":"Dense","config":{"units":3,"activation":"relu"}}"#;
    let mut files =
        vec![format!(r#"{{"class_name":"Sequential","config":{{"layers":[{dense},{dense}]}}}}"#).into_bytes()];
    for name in ["m.safetensors", "m.npz"] {
        sandbox.run(&["export", "--model", "m.twolayer", "--out", name]).succeeded();
        files.push(fs::read(sandbox.work().join(name)).unwrap());
    }
    files
}

#[test]
fn mangled_tensors_on_the_command_line() {
    let (sandbox, mut dice) = (Sandbox::trained().replacing(), Dice::new());
    let files = sound(&sandbox);
    let (mut imported, rounds) = (0, rounds(100, 5000));
    for _ in 0..rounds {
        let original = dice.one_of(&files);
        fs::write(sandbox.work().join("x"), changed(&mut dice, original, 400)).unwrap();
        let ran = sandbox.run(&["import", "x", "--out", "x.twolayer", "--data", "data"]);
        assert_civil(&ran);
        let written = fs::remove_file(sandbox.work().join("x.twolayer")).is_ok();
        assert_eq!(written, ran.code == Some(0), "{ran:?}");
        imported += u32::from(written);
    }
    report(&format!("tensors on the command line: {rounds} mangled; {imported} imported; no crash"));
}
