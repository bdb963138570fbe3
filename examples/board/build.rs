//! Finds the model that the firmware is to contain: `TWOLAYER_MODEL`, or `digits.twolayer` in this folder.

use std::env;
use std::path::PathBuf;

fn main() {
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let model = env::var_os("TWOLAYER_MODEL").map_or(folder.join("digits.twolayer"), PathBuf::from);
    println!("cargo::rerun-if-env-changed=TWOLAYER_MODEL");
    println!("cargo::rerun-if-changed={}", model.display());
    if model.is_absolute() && model.is_file() {
        println!("cargo::rustc-env=TWOLAYER_MODEL={}", model.display());
        return;
    }
    println!("cargo::error=there is no model for the firmware: no file {} (an absolute path)", model.display());
    println!("cargo::error=to make one, from the root of the repository:");
    println!("cargo::error=  cargo run --release -- train --hidden 64 --model float.twolayer");
    println!(
        "cargo::error=  cargo run --release -- quantize --model float.twolayer --bits 8 --out examples/board/digits.twolayer"
    );
}
