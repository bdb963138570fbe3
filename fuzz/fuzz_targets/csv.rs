//! Any bytes, as a data set in CSV: an error, or images whose numbers, written as CSV with a header, are read as the same again. And
//! as the names of classes, of which the ones that are taken come back from a model's text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::host::dataset::{check_csv, check_names};
use twolayer::model::{Details, classes_line};

fuzz_target!(|bytes: &[u8]| {
    match check_csv(bytes) {
        Ok(set) => {
            let mut text = String::from("label");
            (0..set.pixels()).for_each(|pixel| text += &format!(",p{pixel}"));
            for index in 0..set.len() {
                text += &format!("\n{}", set.label(index).expect("a label"));
                set.image(index).expect("an image").iter().for_each(|pixel| text += &format!(",{pixel}"));
            }
            let again = check_csv(text.as_bytes()).expect("what was written");
            assert!(again.len() == set.len() && again.image_size() == set.image_size());
            assert!((0..set.len()).all(|at| again.image(at) == set.image(at) && again.label(at) == set.label(at)));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    for is_mapping in [false, true] {
        match check_names(text, is_mapping) {
            Ok(names) => {
                let text = format!("a: b\n{}\nc: d", classes_line(&names));
                assert!(Details { image: None, text: &text }.class_names().eq(&names), "{names:?}");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
