//! Chooses the linker script of the board: `TWOLAYER_BOARD`, or what the target stands for.

use std::env;

fn main() {
    let target = env::var("TARGET").unwrap_or_default();
    let board = env::var("TWOLAYER_BOARD").unwrap_or_default();
    let script = match (board.as_str(), target.as_str()) {
        ("microbit", _) => "microbit.x",
        ("m55", _) => "an547.x",
        (_, "thumbv8m.main-none-eabihf") => "an505.x",
        (_, "riscv32imac-unknown-none-elf") => "virt.x",
        _ => "mps2.x",
    };
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-link-arg=-L{folder}/link");
    println!("cargo::rustc-link-arg=-T{script}");
    println!("cargo::rustc-link-arg=--gc-sections");
    println!("cargo::rustc-check-cfg=cfg(an505, an547)");
    if let "an505.x" | "an547.x" = script {
        println!("cargo::rustc-cfg={}", &script[..5]);
    }
    println!("cargo::rerun-if-changed=link");
    println!("cargo::rerun-if-env-changed=TWOLAYER_BOARD");
}
