//! Any bytes, as a picture file of any format: an error that says what is wrong, or as many levels as the picture has pixels.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer::host::GreyPicture;

fuzz_target!(|bytes: &[u8]| {
    match GreyPicture::from_bytes("a file", bytes) {
        Ok(picture) => {
            assert_eq!(picture.pixels().len(), picture.width() as usize * picture.height() as usize);
            assert!(picture.picture().is_ok());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
