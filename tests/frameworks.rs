//! The directories of `twolayer export --layout` are what the frameworks ask for, and their examples give the library's answers: the
//! Arduino sketch on emulated boards, the programs in C on this machine.
//!
//! Needs gcc; for the boards `avr-gcc`, Debian's `arduino-core-avr`, and `simavr`. Tests whose tools are missing are
//! skipped with a message, or fail if `TWOLAYER_REQUIRE_FIRMWARE=1` is set.
//!
//! `cargo test --test frameworks -- --nocapture` prints the measurements.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod payload;
mod tools;

use payload::{Payload, random, shape};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use tools::have_tools;
use twolayer::host::{C99, ConvertError, FileError, Framework, Quantized};
use twolayer::{Bits, Confidence, QuantizedNetwork};

const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Werror"];

/// 784 → 32 → 10 for images that are halved, which fits an Arduino Uno.
fn halved() -> Quantized {
    let shape = shape(196, 32, 10).with_halved_images([28, 28]).unwrap();
    Quantized::new(shape, Bits::Four, Payload::new(shape, Bits::Four, 9, random(3)).bytes()).unwrap()
}

/// 784 → 64 → 10.
fn plain() -> Quantized {
    let shape = shape(784, 64, 10).with_biases();
    Quantized::new(shape, Bits::Eight, Payload::new(shape, Bits::Eight, 9, random(5)).bytes()).unwrap()
}

fn table() -> Confidence {
    Confidence::new(&[(0, 40), (300, 60), (5000, 80), (20_000, 97)]).unwrap()
}

/// The library of a framework, in a directory of its own. The network is called `digits`; it has the table if `sure`.
fn library(framework: Framework, network: &Quantized, sure: bool) -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("library");
    let c = C99::new("digits", network).unwrap().with_confidence(sure.then(table));
    c.write_library(framework, &directory).unwrap();
    (parent, directory)
}

fn read(directory: &Path, name: &str) -> String {
    let text = fs::read_to_string(directory.join(name)).unwrap();
    assert!(!text.replace("you@example.com", "").contains('@') && text.ends_with('\n'), "{name}: {text}");
    text
}

/// All files below a directory, sorted.
fn files(directory: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            files.extend(self::files(&entry.path()).into_iter().map(|file| format!("{name}/{file}")));
        } else {
            files.push(name);
        }
    }
    files.sort();
    files
}

/// The lines of a YAML file, as they are, without strings' quotes.
fn yaml(directory: &Path, name: &str) -> Vec<String> {
    read(directory, name).lines().map(|line| line.replace('"', "")).collect()
}

fn assert_lines(found: &[String], wanted: &[&str]) {
    assert!(wanted.iter().all(|line| found.iter().any(|it| it == line)), "{wanted:?} in {found:?}");
}

/// The fields that Arduino's library specification requires, and their forms.
#[test]
fn an_arduino_library() {
    let (_parent, directory) = library(Framework::Arduino, &halved(), true);
    let expected = ["examples/digits/digits.ino", "library.properties", "src/digits.c", "src/digits.h"];
    assert_eq!(files(&directory), expected);
    let text = read(&directory, "library.properties");
    let fields: Vec<_> =
        text.lines().filter(|line| !line.starts_with('#')).map(|it| it.split_once('=').unwrap()).collect();
    let of = |name| fields.iter().find(|field| field.0 == name).unwrap().1;
    for name in ["author", "maintainer", "sentence", "paragraph"] {
        assert!(!of(name).is_empty(), "{name}");
    }
    assert_eq!((of("name"), of("version"), of("includes")), ("digits", env!("CARGO_PKG_VERSION"), "digits.h"));
    assert_eq!((of("category"), of("architectures")), ("Data Processing", "*"));
    assert!(of("url").starts_with("https://"));
}

/// The fields that the schema of `library.json` requires, and the sketch.
#[test]
fn a_platformio_library() {
    let (_parent, directory) = library(Framework::PlatformIo, &halved(), true);
    let expected = [
        "examples/digits/platformio.ini",
        "examples/digits/src/main.cpp",
        "library.json",
        "src/digits.c",
        "src/digits.h",
    ];
    assert_eq!(files(&directory), expected);
    let manifest: serde_json::Value = serde_json::from_str(&read(&directory, "library.json")).unwrap();
    assert_eq!((&manifest["name"], &manifest["version"]), (&"digits".into(), &env!("CARGO_PKG_VERSION").into()));
    assert_eq!(manifest["license"], "MIT OR Apache-2.0");
    assert!((1..=1000).contains(&manifest["description"].as_str().unwrap().len()));
    let example = &manifest["examples"][0];
    for file in example["files"].as_array().unwrap() {
        assert!(directory.join(example["base"].as_str().unwrap()).join(file.as_str().unwrap()).exists(), "{file}");
    }
    let project = read(&directory, "examples/digits/platformio.ini");
    for line in ["[env:uno]", "[env:mega]", "framework = arduino", "lib_deps = digits=symlink://../.."] {
        assert!(project.lines().any(|it| it == line), "{line}");
    }
    let (_parent, arduino) = library(Framework::Arduino, &halved(), true);
    assert_eq!(read(&directory, "examples/digits/src/main.cpp"), read(&arduino, "examples/digits/digits.ino"));
}

/// The keys that Zephyr's schema of `module.yml` knows, and files where they say.
#[test]
fn a_zephyr_module() {
    let (_parent, directory) = library(Framework::Zephyr, &halved(), true);
    let expected = [
        "CMakeLists.txt",
        "Kconfig",
        "samples/digits/CMakeLists.txt",
        "samples/digits/prj.conf",
        "samples/digits/sample.yaml",
        "samples/digits/src/main.c",
        "src/digits.c",
        "src/digits.h",
        "zephyr/module.yml",
    ];
    assert_eq!(files(&directory), expected);
    let module = ["name: digits", "build:", "  cmake: .", "  kconfig: Kconfig", "samples:", "  - samples"];
    assert_eq!(yaml(&directory, "zephyr/module.yml"), module);
    let sample = ["sample:", "  name: digits", "tests:", "  sample.digits:", "    harness: console"];
    assert_lines(&yaml(&directory, "samples/digits/sample.yaml"), &sample);
    assert!(read(&directory, "Kconfig").starts_with("config TWOLAYER_DIGITS\n\tbool "));
    assert_eq!(read(&directory, "samples/digits/prj.conf"), "CONFIG_TWOLAYER_DIGITS=y\n");
    assert!(read(&directory, "CMakeLists.txt").contains("CONFIG_TWOLAYER_DIGITS"));
    check_example(&directory, "samples/digits/src/main.c", "");
}

/// The keys of `idf_component.yml` that a registry asks for, and the calls that make a component.
#[test]
fn an_esp_idf_component() {
    let (_parent, directory) = library(Framework::EspIdf, &halved(), true);
    let expected = [
        "CMakeLists.txt",
        "examples/digits/CMakeLists.txt",
        "examples/digits/main/CMakeLists.txt",
        "examples/digits/main/main.c",
        "idf_component.yml",
        "src/digits.c",
        "src/digits.h",
    ];
    assert_eq!(files(&directory), expected);
    let version = format!("version: {}", env!("CARGO_PKG_VERSION"));
    let manifest = [&version, "license: MIT OR Apache-2.0", "dependencies:", "  - path: ./examples/digits"];
    let found = yaml(&directory, "idf_component.yml");
    assert_lines(&found, &manifest);
    assert!(found.iter().any(|line| line.starts_with("description: ")));
    let component = "idf_component_register(SRCS \"src/digits.c\" INCLUDE_DIRS \"src\")\n";
    assert_eq!(read(&directory, "CMakeLists.txt"), component);
    assert!(read(&directory, "examples/digits/CMakeLists.txt").contains("EXTRA_COMPONENT_DIRS"));
    check_example(&directory, "examples/digits/main/main.c", "void app_main(void);\nint main(void) { app_main(); }\n");
}

/// Compiles the C for the microcontrollers of these frameworks, and runs the example here.
fn check_example(directory: &Path, example: &str, main: &str) {
    let sources = [directory.join("src/digits.c"), directory.join(example)];
    let include = format!("-I{}", directory.join("src").display());
    if have_tools(&["arm-none-eabi-gcc"]) {
        let options = ["-std=c99", "-mcpu=cortex-m3", "-mthumb", "-fsyntax-only", &include];
        succeed(Command::new("arm-none-eabi-gcc").args(options).args(WARNINGS).args(&sources));
    }
    if have_tools(&["gcc"]) {
        let (start, program) = (directory.join("start.c"), directory.join("program"));
        fs::write(&start, main).unwrap();
        let mut command = Command::new("gcc");
        command.args(["-std=c99", "-Wno-pedantic", &include, "-o"]).arg(&program).arg(start);
        succeed(command.args(sources));
        let found = succeed(&mut Command::new(program));
        let [class, margin, percent] = answer(&halved(), &test_image());
        assert_eq!(found, format!("self-test passed\nclass {class} margin {margin} confidence {percent} %\n"));
    }
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The image of the self-test.
fn test_image() -> Vec<u8> {
    (0..784_u32).map(|i| (i * 37).to_le_bytes()[0]).collect()
}

/// The library's class, margin and confidence.
fn answer(network: &Quantized, image: &[u8]) -> [u32; 3] {
    let mut scratch = vec![0; QuantizedNetwork::scratch_len(network.shape())];
    let answer = network.network().outputs(image, &mut scratch).map(twolayer::Answer::of).unwrap();
    [answer.class.into(), answer.margin, table().of(answer.margin).into()]
}

/// An Arduino board with an AVR.
struct Board {
    /// As simavr, avr-gcc and the Arduino core call it.
    mcu: &'static str,
    define: &'static str,
    variant: &'static str,
    /// Flash without the boot loader, and RAM.
    flash: usize,
    ram: usize,
}

const UNO: Board =
    Board { mcu: "atmega328p", define: "-DARDUINO_AVR_UNO", variant: "standard", flash: 32_256, ram: 2048 };
const MEGA: Board =
    Board { mcu: "atmega2560", define: "-DARDUINO_AVR_MEGA2560", variant: "mega", flash: 253_952, ram: 8192 };

/// Where Debian's `arduino-core-avr` is.
const CORE: &str = "/usr/share/arduino/hardware/arduino/avr";

#[test]
fn the_sketch_on_an_uno() {
    on_board(&UNO, &halved(), true);
}

#[test]
fn the_sketch_on_a_mega() {
    on_board(&MEGA, &plain(), false);
}

/// Builds the sketch, and compares what it says in simavr of the image of the self-test. (simavr has no input for the serial port. QEMU
/// has one, but neither its baud rate nor the timer of `millis`, so that the sketch loses bytes there.)
fn on_board(board: &Board, network: &Quantized, sure: bool) {
    if !have_tools(&["avr-gcc", "avr-g++", "avr-gcc-ar", "avr-size", "simavr", "timeout"]) {
        return;
    }
    if !Path::new(CORE).is_dir() {
        eprintln!("SKIPPED: {CORE} was not found: install arduino-core-avr");
        assert!(!tools::required(), "TWOLAYER_REQUIRE_FIRMWARE is set, but {CORE} is not there");
        return;
    }
    let (_parent, directory) = library(Framework::Arduino, network, sure);
    let program = build(board, &directory);
    let sizes = succeed(Command::new("avr-size").arg(&program));
    let sizes: Vec<usize> =
        sizes.lines().nth(1).unwrap().split_whitespace().take(3).map(|size| size.parse().unwrap()).collect();
    let (flash, ram) = (sizes[0] + sizes[1], sizes[1] + sizes[2]);
    let [class, margin, percent] = answer(network, &test_image());
    let confidence = if sure { format!("confidence {percent} % ") } else { String::new() };
    let expected = format!("class {class} margin {margin} {confidence}");

    let mut command = Command::new("timeout");
    command.args(["300", "simavr", "-m", board.mcu, "-f", "16000000"]).arg(&program);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = serial_lines(child.stderr.take().unwrap());
    assert_eq!(lines.next().unwrap(), "self-test passed");
    let line = lines.next().unwrap();
    let (found, microseconds) = line.split_once("microseconds ").unwrap();
    assert_eq!(found, expected);
    let microseconds: u32 = microseconds.parse().unwrap();
    eprintln!("{} {}: {flash} B of flash, {ram} B of RAM, {microseconds} us", board.mcu, network.shape());
    assert!((1000..100_000).contains(&microseconds), "{microseconds}");
    // The stack takes 150 bytes.
    assert!(flash <= board.flash && ram + 200 <= board.ram, "{flash} bytes of flash, {ram} of RAM");
    // `timeout` passes this signal on; a killed one would leave the emulator behind.
    succeed(Command::new("kill").arg(child.id().to_string()));
    child.wait().unwrap();
}

/// The lines that a board writes, without what simavr puts around them.
fn serial_lines(output: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(output).lines().filter_map(|line| {
        let line = line.unwrap();
        let line = &line[line.find("self-test").or_else(|| line.find("class"))?..];
        Some(line.trim_end_matches(['.', '\r']).to_owned())
    })
}

/// Builds the sketch as Arduino's `platform.txt` says.
fn build(board: &Board, library: &Path) -> PathBuf {
    let folder = library.join("build");
    fs::create_dir(&folder).unwrap();
    let core = Path::new(CORE).join("cores/arduino");
    let options = [
        &format!("-mmcu={}", board.mcu),
        "-DF_CPU=16000000L",
        "-DARDUINO=10819",
        board.define,
        "-DARDUINO_ARCH_AVR",
        // Of C++11, which this core's headers expect of avr-libc.
        "-DDECIMAL_DIG=__DECIMAL_DIG__",
        &format!("-I{}", core.display()),
        &format!("-I{CORE}/variants/{}", board.variant),
        &format!("-I{}", library.join("src").display()),
    ];
    let compile = |source: &Path, more: &[&str]| {
        let object = folder.join(format!("{}.o", source.file_name().unwrap().display()));
        let (compiler, language): (_, &[&str]) = match source.extension().and_then(|it| it.to_str()).unwrap() {
            "c" => ("avr-gcc", &["-std=gnu11", "-fno-fat-lto-objects"]),
            "S" => ("avr-gcc", &["-x", "assembler-with-cpp"]),
            _ => ("avr-g++", &["-x", "c++", "-std=gnu++11", "-fno-exceptions", "-fno-threadsafe-statics"]),
        };
        let mut command = Command::new(compiler);
        command.args(["-c", "-Os", "-ffunction-sections", "-fdata-sections", "-flto"]).args(options).args(language);
        succeed(command.args(more).arg(source).arg("-o").arg(&object));
        object
    };
    let sources = fs::read_dir(core).unwrap().map(|entry| entry.unwrap().path());
    let sources = sources.filter(|path| path.extension().is_some_and(|it| it == "c" || it == "cpp" || it == "S"));
    let objects: Vec<_> = sources.map(|source| compile(&source, &["-w"])).collect();
    let (archive, program) = (folder.join("core.a"), folder.join("sketch.elf"));
    succeed(Command::new("avr-gcc-ar").arg("rcs").arg(&archive).args(objects));
    let warnings = ["-Wall", "-Wextra", "-Werror"];
    let sketch = compile(&library.join("examples/digits/digits.ino"), &warnings);
    let network = compile(&library.join("src/digits.c"), &warnings);
    let mut link = Command::new("avr-gcc");
    link.args(["-Os", "-flto", "-fuse-linker-plugin", "-Wl,--gc-sections", options[0], "-o"]);
    succeed(link.arg(&program).args([sketch, network, archive]).arg("-lm"));
    program
}

/// A directory with something in it stays as it is, and nothing is left of one that cannot be written.
#[test]
fn a_library_is_written_whole_or_not_at_all() {
    let network = halved();
    for framework in Framework::ALL {
        let (_parent, directory) = library(framework, &network, false);
        let before = files(&directory);
        let c = C99::new("other", &network).unwrap();
        let error = c.write_library(framework, &directory).unwrap_err();
        assert!(matches!(&error, ConvertError::File(FileError::Exists { path }) if path.starts_with(&directory)));
        assert_eq!(files(&directory), before);
        // A file is no directory.
        let error = c.write_library(framework, &directory.join("src/digits.c")).unwrap_err();
        assert!(matches!(error, ConvertError::File(FileError::Io { .. })), "{error}");
    }
    for framework in Framework::ALL {
        let parent = tempfile::tempdir().unwrap();
        let name = "n".repeat(300);
        let long = C99::new(&name, &network).unwrap();
        assert!(long.write_library(framework, &parent.path().join("a/b")).is_err());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "{framework:?}");
        // One that is empty is taken.
        fs::create_dir(parent.path().join("c")).unwrap();
        assert!(long.write_library(framework, &parent.path().join("c")).is_err());
        C99::new("n", &network).unwrap().write_library(framework, &parent.path().join("c")).unwrap();
    }
}
