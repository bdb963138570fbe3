//! The C of `twolayer export --format c99` gives the outputs of the library to the bit: on this machine as C99, C11 and C++, and
//! on emulated boards, where it also keeps to its limits of instructions, code and stack.
//!
//! Needs gcc and g++; for a big-endian machine `powerpc-linux-gnu-gcc` and `qemu-ppc`; for the boards `arm-none-eabi-gcc` and
//! `qemu-system-arm`, `avr-gcc` with avr-libc and `qemu-system-avr`. Tests whose tools are missing are skipped with a message, or
//! fail if `TWOLAYER_REQUIRE_FIRMWARE=1` is set. The network is trained on MNIST if `MNIST_DIR` is set, and on the built-in digits
//! otherwise.
//!
//! `cargo test --test c99 -- --nocapture` prints the measurements.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod oracle;
mod payload;
mod tools;

use payload::{Payload, biased, odd_images, random, shape};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{env, thread};
use tools::{all_cases, have_tools};
use twolayer::host::dataset::{Dataset, Digits};
use twolayer::host::training::{self, Recipe};
use twolayer::host::{C99, ConvertError, FileAccess, ModelFile, OwnedWeights, Quantized, quantize};
use twolayer::model::Details;
use twolayer::{Bits, Confidence, QuantizedNetwork, Weights, WeightsMut};

const IMAGES: usize = 500;
/// The number of images over which instruction counts are averaged: the first of them.
const COUNTED: usize = 20;
const WARNINGS: [&str; 6] = ["-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Wundef", "-Werror"];

/// A folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c99").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The directory of MNIST.
fn mnist() -> Option<PathBuf> {
    env::var_os("MNIST_DIR").map(PathBuf::from).filter(|folder| folder.is_dir())
}

fn dataset() -> &'static Dataset {
    static DATASET: OnceLock<Dataset> = OnceLock::new();
    DATASET.get_or_init(|| match mnist() {
        Some(folder) => Dataset::open(&folder, FileAccess::Map).unwrap(),
        None => Dataset::generate(Digits { train: 6000, test: 1000, ..Digits::default() }, &mut |_| ()).unwrap(),
    })
}

/// 784 → 64 → 10, trained by the recipe.
fn trained() -> &'static OwnedWeights {
    static TRAINED: OnceLock<OwnedWeights> = OnceLock::new();
    let recipe = Recipe { hidden: 64, ..Recipe::default() };
    TRAINED.get_or_init(|| training::train(dataset(), &recipe, |_| ()).unwrap().weights)
}

fn quantized(bits: Bits, biases: bool) -> Quantized {
    let plain = trained().view();
    if !biases {
        return quantize(plain, bits, &dataset().train, 2000).unwrap();
    }
    // The network for pixels from which 33 is taken off.
    let shape = plain.shape();
    let mut numbers = plain.numbers().to_vec();
    numbers.resize(shape.with_biases().weights_len(), 0.0);
    let mut weights = WeightsMut::new(shape.with_biases(), &mut numbers).unwrap();
    for j in 0..shape.hidden() {
        *weights.b1_mut(j).unwrap() = (0..shape.inputs()).map(|i| -33.0 * plain.w1(i, j).unwrap()).sum();
    }
    for (k, bias) in (0..shape.outputs()).zip([0.02, -0.01, 0.03, 0.0, 0.01].into_iter().cycle()) {
        *weights.b2_mut(k).unwrap() = bias;
    }
    quantize(Weights::new(shape.with_biases(), &numbers).unwrap(), bits, &dataset().train, 2000).unwrap()
}

/// The first images of the test set.
fn images() -> Vec<u8> {
    (0..IMAGES).flat_map(|index| dataset().test.image(index).unwrap()).collect()
}

/// The C of a network; those with biases have a table of confidence.
fn c99(network: &Quantized) -> C99<'_> {
    C99::new("network", network).unwrap().with_confidence(network.shape().has_biases().then(table))
}

fn table() -> Confidence {
    Confidence::new(&[(0, 40), (300, 60), (5000, 80), (10_000, 90), (20_000, 97), (50_000, 99)]).unwrap()
}

/// Class, margin, outputs and, where there are biases, the confidence.
type Answer = (u32, u32, Vec<u32>);

/// The library's answers, checked against their definition.
fn expected(network: &Quantized, pixels: &[u8]) -> Vec<Answer> {
    let (shape, bits) = (network.shape(), network.bits());
    let mut scratch = vec![0; QuantizedNetwork::scratch_len(shape)];
    let answer = |image: &[u8]| {
        let outputs = network.network().outputs(image, &mut scratch).unwrap();
        let twolayer::Answer { class, margin } = twolayer::Answer::of(outputs);
        let defined = oracle::outputs(shape, bits, network.payload(), image);
        assert_eq!(outputs.iter().map(|&output| i64::from(output)).collect::<Vec<_>>(), defined);
        let confidence = shape.has_biases().then(|| table().of(margin).into());
        (class.into(), margin, outputs.iter().map(|output| output.cast_unsigned()).chain(confidence).collect())
    };
    pixels.chunks_exact(shape.pixels()).map(answer).collect()
}

/// A line that the program of `tests/firmware/c/c99.c` printed.
struct Line {
    answer: Answer,
    ticks: u32,
    stack: u32,
}

impl Line {
    fn read(line: &str) -> Self {
        let hex = |word: &str| u32::from_str_radix(word, 16).unwrap_or_else(|_| panic!("{word} in {line}"));
        let field = |name: &str| hex(line.split(' ').skip_while(|word| *word != name).nth(1).unwrap());
        let outputs = line.split_once(" outputs ").unwrap().1.split(' ').map(hex).collect();
        Self { answer: (field("class"), field("margin"), outputs), ticks: field("ticks"), stack: field("stack") }
    }
}

fn firmware(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/firmware").join(path)
}

/// Writes the C of a network to a folder of that name.
fn export(name: &str, network: &Quantized) -> PathBuf {
    let folder = folder(name);
    c99(network).write(&folder.join("network.c")).unwrap();
    folder
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Compiles the exported file in a folder, with the first of two compilers, and links it with the program of
/// `tests/firmware/c/c99.c`, with the second, which is for C.
fn compile(folder: &Path, compilers: (&str, &str), standard: &str, options: &[&str], link: &[&str]) -> PathBuf {
    let (source, object, program) = (folder.join("network.c"), folder.join("network.o"), folder.join("program"));
    let language = if standard.starts_with("-std=c++") { "c++" } else { "c" };
    let mut command = Command::new(compilers.0);
    command.args(options).args(["-x", language, standard]).args(WARNINGS);
    succeed(command.arg("-c").arg(source).arg("-o").arg(&object));
    let mut command = Command::new(compilers.1);
    command.args(options).arg("-I").arg(folder).arg(firmware("c/c99.c")).arg(object).args(link);
    succeed(command.arg("-o").arg(&program));
    program
}

/// Runs a program, or an emulator of it, on images.
fn run(program: &Path, emulator: Option<&str>, pixels: &[u8]) -> Vec<Answer> {
    let input = program.with_extension("input");
    fs::write(&input, pixels).unwrap();
    let mut command = Command::new(emulator.map_or(program, Path::new));
    command.args(emulator.map(|_| program)).stdin(File::open(input).unwrap());
    let output = succeed(&mut command);
    output.lines().map(|line| Line::read(line).answer).collect()
}

#[test]
fn on_this_machine_as_c99_c11_and_cpp() {
    if !have_tools(&["gcc", "g++"]) {
        return;
    }
    for (number, (bits, biases)) in all_kinds().enumerate() {
        let network = quantized(bits, biases);
        let expected = expected(&network, &images());
        let label = |index| u32::from(dataset().test.label(index).unwrap());
        let right = expected.iter().enumerate().filter(|&(index, answer)| answer.0 == label(index)).count();
        assert!(right * 10 > IMAGES * 7, "only {right} of {IMAGES} right: not a trained network");
        let folder = export(&format!("host-{number}"), &network);
        for (compiler, standard) in [("gcc", "-std=c99"), ("gcc", "-std=c11"), ("g++", "-std=c++17")] {
            let program = compile(&folder, (compiler, "gcc"), standard, &["-O2"], &[]);
            assert_eq!(run(&program, None, &images()), expected, "{bits:?} {biases} {compiler} {standard}");
        }
    }
}

/// A program that prints class, margin and outputs of each image, by each of two networks.
const TWO: &str = r#"
#include <inttypes.h>
#include <stdio.h>

static void print(unsigned class_, uint32_t margin, const int32_t *outputs, int count, unsigned confidence)
{
    int k;
    printf("class %x margin %" PRIx32 " ticks 0 stack 0 outputs", class_, margin);
    for (k = 0; k < count; k++) {
        printf(" %" PRIx32, (uint32_t)outputs[k]);
    }
    if (confidence)
        printf(" %x", confidence);
    printf("\n");
}

int main(void)
{
    static uint8_t pixels[784];
    static net_memory one;
    static my_network_v2_memory two;
    if (!net_selftest(pixels, &one) || !my_network_v2_selftest(pixels, &two))
        return 1;
    while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
        const unsigned first = net_classify(pixels, &one), second = my_network_v2_classify(pixels, &two);
        print(first, one.margin, one.outputs, NET_OUTPUTS, net_confidence(one.margin));
        print(second, two.margin, two.outputs, MY_NETWORK_V2_OUTPUTS, 0);
    }
    return 0;
}
"#;

#[test]
fn two_exports_in_one_file_and_in_one_program() {
    if !have_tools(&["gcc", "g++"]) {
        return;
    }
    let folder = folder("two");
    let networks = [("net", quantized(Bits::Eight, true)), ("my_network_v2", quantized(Bits::Four, false))];
    for (name, network) in &networks {
        // Names of classes that C would take for something else, too.
        let classes = ["a", "\"b\"", "c\\n", "??/", "ß", "%d", "7", "8"];
        let table = network.shape().has_biases().then(table);
        let c = C99::new(name, network).unwrap().with_class_names(classes).with_confidence(table);
        c.write(&folder.join(name).with_extension("c")).unwrap();
    }
    let pixels = &images()[..20 * 784];
    let [one, two] = networks.map(|(_, network)| expected(&network, pixels));
    let expected: Vec<_> = one.into_iter().zip(two).flat_map(|(one, two)| [one, two]).collect();
    let main = |extension: &str| format!("#include \"net.{extension}\"\n#include \"my_network_v2.{extension}\"\n{TWO}");
    fs::write(folder.join("one_file.c"), main("c")).unwrap();
    fs::write(folder.join("main.c"), main("h")).unwrap();
    for sources in [&["one_file.c"][..], &["main.c", "net.c", "my_network_v2.c"]] {
        for (compiler, options) in [("gcc", ["-x", "c", "-std=c99"]), ("g++", ["-x", "c++", "-std=c++17"])] {
            let program = folder.join("program");
            let mut command = Command::new(compiler);
            command.current_dir(&folder).args(options).args(WARNINGS).args(sources).arg("-o").arg(&program);
            succeed(&mut command);
            assert_eq!(run(&program, None, pixels), expected, "{compiler} {sources:?}");
        }
    }
}

/// The self-test passes as exported; with any of some weights changed, it does not.
#[test]
fn the_selftest_notices_damage() {
    if !have_tools(&["gcc"]) {
        return;
    }
    let folder = folder("selftest");
    for bits in [Bits::Eight, Bits::Four] {
        C99::new("net", &small(bits)).unwrap().write(&folder.join("net.c")).unwrap();
        let main = "int main(void)\n{\n    static uint8_t pixels[NET_PIXELS];\n    static net_memory memory;\n    \
                    return !net_selftest(pixels, &memory);\n}\n";
        let source = fs::read_to_string(folder.join("net.c")).unwrap() + main;
        let passes = |source: &str| {
            fs::write(folder.join("main.c"), source).unwrap();
            let program = folder.join("program");
            succeed(Command::new("gcc").args(WARNINGS).arg(folder.join("main.c")).arg("-o").arg(&program));
            Command::new(program).status().unwrap().success()
        };
        assert!(passes(&source));
        // The first number of each array, and one more.
        let arrays = source.match_indices("NET_FLASH = {\n    ").map(|(at, text)| at + text.len());
        let numbers: Vec<usize> = arrays.flat_map(|at| [at, at + source[at..].find(", ").unwrap() + 2]).collect();
        assert!(numbers.len() >= 10, "{numbers:?}");
        for at in numbers {
            let at = at + if source[at..].starts_with("0x") { 4 } else { source[at..].find(',').unwrap() - 1 };
            let digit = if source.as_bytes()[at] == b'5' { "4" } else { "5" };
            let mut damaged = source.clone();
            damaged.replace_range(at..=at, digit);
            assert!(!passes(&damaged), "{bits:?}, at {at}");
        }
    }
}

/// The header says what the model's file says, and no text can end its comment.
#[test]
fn the_header_says_what_it_is() {
    let folder = folder("about");
    let network = small(Bits::Four);
    let text = "recipe: best */ int x; /* \\\nclasses: a | b | c";
    let path = folder.join("m.twolayer");
    let details = Details { image: Some([6, 5]), text };
    ModelFile::write_quantized(&path, &network, details).unwrap();
    let file = ModelFile::open(&path, FileAccess::Read).unwrap();
    let c = C99::new("net", &network).unwrap().of(&file);
    c.write(&folder.join("net.c")).unwrap();
    let header = c.header();
    for wanted in [
        env!("CARGO_PKG_VERSION"),
        "MIT License",
        &format!("{:08x}", file.checksum()),
        " * recipe: best * / int x; / * /\n",
        "#define NET_WIDTH 6\n",
        "#define NET_HEIGHT 5\n",
        "\"c\",",
    ] {
        assert!(header.contains(wanted), "{wanted} in {header}");
    }
    if have_tools(&["gcc"]) {
        succeed(Command::new("gcc").args(WARNINGS).args(["-std=c99", "-fsyntax-only"]).arg(folder.join("net.c")));
    }
}

/// The table of a model's text is part of its C, which says what the library says.
#[test]
fn the_confidence_is_that_of_the_library() {
    if !have_tools(&["gcc", "g++"]) {
        return;
    }
    let folder = folder("confidence");
    let network = small(Bits::Eight);
    let path = folder.join("m.twolayer");
    let text = "confidence: 0 40 | 17 75 | 4000000000 99";
    ModelFile::write_quantized(&path, &network, Details { text, ..Details::default() }).unwrap();
    let file = ModelFile::open(&path, FileAccess::Read).unwrap();
    let plain = C99::new("net", &network).unwrap();
    let c = plain.clone().of(&file);
    assert_eq!(c.flash(), plain.flash() + 24);
    assert!(plain.header().contains("#define NET_STEPS 0 ") && c.header().contains("#define NET_STEPS 3 "));
    c.write(&folder.join("net.c")).unwrap();
    let main = "#include <stdio.h>\n#include \"net.c\"\nint main(void)\n{\n    static uint8_t pixels[NET_PIXELS];\n    \
                static net_memory memory;\n    unsigned long margin;\n    if (!net_selftest(pixels, &memory))\n        return 1;\n    \
                while (scanf(\"%lu\", &margin) == 1)\n        printf(\"%d\\n\", net_confidence((uint32_t)margin));\n    return 0;\n}\n";
    fs::write(folder.join("main.c"), main).unwrap();
    let margins = [0_u32, 16, 17, 18, 3_999_999_999, 4_000_000_000, u32::MAX];
    let input = folder.join("input");
    fs::write(&input, margins.map(|margin| format!("{margin}\n")).concat()).unwrap();
    let table = file.details().confidence().unwrap();
    for (compiler, options) in [("gcc", ["-x", "c", "-std=c99"]), ("g++", ["-x", "c++", "-std=c++17"])] {
        let program = folder.join("program");
        let mut command = Command::new(compiler);
        succeed(command.args(options).args(WARNINGS).arg(folder.join("main.c")).arg("-o").arg(&program));
        let found = succeed(Command::new(&program).stdin(File::open(&input).unwrap()));
        let expected: Vec<_> = margins.iter().map(|&margin| table.of(margin).to_string()).collect();
        assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{compiler}");
    }
}

/// A small network.
fn small(bits: Bits) -> Quantized {
    let shape = shape(30, 40, 3).with_biases();
    Quantized::new(shape, bits, Payload::new(shape, bits, 9, random(3)).bytes()).unwrap()
}

#[test]
fn every_identifier_at_file_scope_has_the_prefix() {
    if !have_tools(&["gcc", "nm"]) {
        return;
    }
    for bits in [Bits::Eight, Bits::Four] {
        let folder = folder("prefix");
        C99::new("Some", &small(bits)).unwrap().write(&folder.join("some.c")).unwrap();
        let object = folder.join("some.o");
        succeed(Command::new("gcc").args(["-O0", "-c", "-o"]).arg(&object).arg(folder.join("some.c")));
        let symbols = succeed(Command::new("nm").args(["--format=just-symbols"]).arg(object));
        assert!(symbols.lines().count() >= 8 && symbols.lines().all(|name| name.starts_with("Some_")), "{symbols}");
        for file in ["some.c", "some.h"] {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert!(!text.to_lowercase().contains("network_"), "{file}");
            let macros: Vec<_> = text.lines().filter(|line| line.trim_start().starts_with("#define")).collect();
            assert!(macros.len() >= 9, "{macros:?}");
            assert!(macros.iter().all(|line| line.trim_start().starts_with("#define SOME_")), "{macros:?}");
            // What a `typedef` names.
            for line in text.lines().filter(|line| line.starts_with("typedef") && line.ends_with(';')) {
                assert!(line.replace('*', " ").contains(" Some_"), "{line}");
            }
        }
    }
}

#[test]
fn files_may_have_any_name_that_c_can_include() {
    if !have_tools(&["gcc"]) {
        return;
    }
    let folder = folder("names");
    let network = small(Bits::Four);
    let c = C99::new("filename_v2", &network).unwrap();
    for stem in
        ["filename_v2", "network", "my_network_v2", "name_", "@FILE@", "net.v2", "my-net", "a b", "ü%s", "weights"]
    {
        let path = folder.join(format!("{stem}.c"));
        c.write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let includes: Vec<_> = text.lines().filter(|line| line.starts_with("#include \"")).collect();
        assert_eq!(includes, [format!("#include \"{stem}.h\"")]);
        succeed(Command::new("gcc").args(WARNINGS).args(["-std=c99", "-fsyntax-only"]).arg(path));
    }
    for stem in ["a\"b", "a'b", "a\\b", "a\nb", "a??=b"] {
        let path = folder.join(format!("{stem}.c"));
        assert!(matches!(c.write(&path), Err(ConvertError::CFile { .. })), "{stem}");
        assert!(!path.exists());
    }
}

/// `.ci/lint-c` reads it with more tools.
#[test]
fn the_code_compiles_as_it_stands() {
    let compilers: &[(&str, &[&str])] = &[
        ("gcc", &["-std=c99"]),
        ("gcc", &["-std=c11"]),
        ("g++", &["-std=c++17", "-x", "c++"]),
        ("avr-gcc", &["-std=c99", "-mmcu=atmega2560"]),
        ("avr-gcc", &["-std=c99", "-mmcu=atmega2560", "-DNETWORK_BYTES=70000"]),
    ];
    for (compiler, options) in compilers.iter().filter(|(compiler, _)| have_tools(&[compiler])) {
        for kind in 0..16 {
            let numbers = [4 + kind % 2 * 4, kind / 2 % 2, kind / 4 % 2, kind / 8];
            let kind = ["BITS", "BIASES", "HALVES", "DESLANTS"].into_iter().zip(numbers);
            let kind = kind.map(|(name, number)| format!("-DNETWORK_{name}={number}"));
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host/convert/c99/network.c");
            succeed(Command::new(compiler).args(*options).args(kind).args(WARNINGS).arg("-fsyntax-only").arg(source));
        }
    }
}

#[test]
fn on_an_emulated_big_endian_machine() {
    if !have_tools(&["powerpc-linux-gnu-gcc", "qemu-ppc"]) {
        return;
    }
    let compilers = ("powerpc-linux-gnu-gcc", "powerpc-linux-gnu-gcc");
    for (bits, biases) in all_kinds() {
        let network = quantized(bits, biases);
        let folder = export("big-endian", &network);
        let program = compile(&folder, compilers, "-std=c99", &["-O2", "-static"], &[]);
        assert_eq!(run(&program, Some("qemu-ppc"), &images()), expected(&network, &images()), "{bits:?} {biases}");
    }
}

fn all_kinds() -> impl Iterator<Item = (Bits, bool)> {
    [Bits::Eight, Bits::Four].into_iter().flat_map(|bits| [(bits, false), (bits, true)])
}

#[test]
fn odd_shapes_and_extreme_weights() {
    if !have_tools(&["gcc"]) {
        return;
    }
    // Weights (random if `None`) and shifts; the first two are enough to test the biases.
    let cases = [(None, 6), (None, 24), (Some(0), 6), (Some(255), 6), (None, 1)];
    let sizes = [(785, 33, 11), (1, 1, 1), (2503, 17, 4), (90, 130, 23), (600, 35, 6)];
    let plain = sizes.map(|(inputs, hidden, outputs)| shape(inputs, hidden, outputs));
    let halved = [((30, 17, 4), [6, 20]), ((600, 35, 6), [120, 20]), ((600, 35, 6), [40, 60])]
        .map(|((inputs, hidden, outputs), image)| shape(inputs, hidden, outputs).with_halved_images(image).unwrap());
    let deslanted =
        [(plain[3], [9, 10]), (plain[4], [60, 10]), (plain[1], [1, 1]), (halved[0], [6, 20]), (halved[2], [40, 60])]
            .map(|(shape, image)| shape.with_deslanted_images(image).unwrap());
    for shape in plain.into_iter().chain(halved).chain(deslanted) {
        let pixels = odd_images(shape.pixels(), random(11));
        for (bits, biases) in all_kinds() {
            let shape = biased(shape, biases);
            for &(weight, shift) in &cases[..if biases { 2 } else { 5 }] {
                let mut next = random(7);
                let payload = Payload::new(shape, bits, shift, || weight.unwrap_or_else(&mut next));
                let network = Quantized::new(shape, bits, payload.bytes()).unwrap();
                let folder = export("odd", &network);
                let options = ["-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
                let program = compile(&folder, ("gcc", "gcc"), "-std=c99", &options, &[]);
                assert_eq!(
                    run(&program, None, &pixels),
                    expected(&network, &pixels),
                    "{shape} {bits:?} {weight:?} {shift}"
                );
            }
        }
    }
}

/// Bytes of the exported file's code: all that it takes of flash but the network's numbers.
fn code(folder: &Path, size: &str, network: &Quantized) -> usize {
    let output = succeed(Command::new(size).arg(folder.join("network.o")));
    let text: usize = output.lines().nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    text - c99(network).flash()
}

fn mean_of_counted(instructions: impl Iterator<Item = f64>) -> f64 {
    instructions.take(COUNTED).sum::<f64>() / f64::from(u32::try_from(COUNTED).unwrap())
}

#[test]
fn on_emulated_cortex_m() {
    if !have_tools(&["arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm"]) {
        return;
    }
    let m4f: &[&str] = &["-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"];
    let m0: &[&str] = &["-mcpu=cortex-m0plus", "-mthumb"];
    let pixels = images();
    // Instructions of int8 and int4 on MNIST: 5 % above the measured counts, for other compiler versions.
    for (board, cpu, level, limits) in [
        ("M4F", m4f, "-O2", [23_900.0, 21_900.0]),
        ("M4F", m4f, "-Os", [27_300.0, 23_600.0]),
        ("M0+", m0, "-O2", [38_500.0, 32_500.0]),
        ("M0+", m0, "-Os", [43_000.0, 35_000.0]),
    ] {
        for (bits, biases) in all_kinds() {
            let network = quantized(bits, biases);
            let limit = limits[usize::from(bits == Bits::Four)];
            let count = if biases { COUNTED } else { IMAGES };
            on_cortex_m(board, cpu, level, &network, &pixels[..count * 784], limit);
        }
    }
    let recipe = Recipe { hidden: 128, halve: true, ..Recipe::fast() };
    let halved = training::train(dataset(), &recipe, |_| ()).unwrap();
    let halved = quantize(halved.weights.view(), Bits::Four, &dataset().train, 2000).unwrap();
    on_cortex_m("M4F", m4f, "-O2", &halved, &pixels, 19_500.0);
}

/// Compiles a network for a core, and compares its answers and its limits on the emulated one.
fn on_cortex_m(board: &str, cpu: &[&str], level: &str, network: &Quantized, pixels: &[u8], limit: f64) {
    let folder_of_links = firmware("link");
    let links = ["-L", folder_of_links.to_str().unwrap(), "-Tmps2.x", "-nostartfiles", "-nostdlib", "-lc", "-lgcc"];
    let mut input = vec![0; 64];
    input[4..8].copy_from_slice(&u32::try_from(pixels.len() / 784).unwrap().to_le_bytes());
    input.extend(pixels);
    let folder = export("cortex-m", network);
    let options = [cpu, &[level, "-ffreestanding", "-Wl,-z,noexecstack"]].concat();
    let program = compile(&folder, ("arm-none-eabi-gcc", "arm-none-eabi-gcc"), "-std=c99", &options, &links);
    let flash = folder.join("input");
    fs::write(&flash, &input).unwrap();
    // Armv6-M is a subset.
    let output = succeed(Command::new(firmware("run")).arg("m4").arg(program).arg(flash));
    let lines: Vec<_> = output.lines().map(Line::read).collect();
    let instructions = mean_of_counted(lines.iter().map(|line| f64::from(line.ticks) / 3.2));
    let stack = lines.iter().map(|line| line.stack).max().unwrap();
    let code = code(&folder, "arm-none-eabi-size", network);
    let (shape, bits) = (network.shape(), network.bits());
    eprintln!(
        "{board} {level} {shape} {bits:?}: {instructions:.0} instructions, {code} B of code, {stack} B of stack, {} B of RAM",
        c99(network).ram()
    );
    let answers: Vec<_> = lines.into_iter().map(|line| line.answer).collect();
    assert_eq!(answers, expected(network, pixels), "{board} {level} {shape} {bits:?}");
    // Other images have other numbers of inked pixels.
    assert!(mnist().is_none() || instructions <= limit, "{instructions} instructions > {limit}");
    assert!(code <= 1600 && stack <= 256, "{code} bytes of code, {stack} bytes of stack");
}

/// Runs a program on QEMU's mega2560, whose UART is a pipe: images in, lines out. It has no end of its own.
fn run_on_avr(program: &Path, pixels: &[u8], count: usize) -> Vec<Line> {
    let mut child = Command::new("timeout")
        .args(["300", "qemu-system-avr", "-M", "mega2560", "-display", "none", "-monitor", "none", "-serial", "stdio"])
        .arg("-bios")
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut images, lines) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let lines = thread::scope(|scope| {
        scope.spawn(move || images.write_all(pixels).map(|()| images));
        lines.lines().take(count).map(|line| Line::read(&line.unwrap())).collect()
    });
    // `timeout` passes this signal on; a killed one would leave the emulator behind.
    succeed(Command::new("kill").arg(child.id().to_string()));
    child.wait().unwrap();
    lines
}

#[test]
fn on_an_emulated_avr() {
    if !have_tools(&["avr-gcc", "avr-size", "qemu-system-avr", "timeout"]) {
        return;
    }
    let compilers = ("avr-gcc", "avr-gcc");
    let options = ["-mmcu=atmega2560", "-Os"];
    // More than 64 KB of weights is compiled only: QEMU 7.2 reads beyond 64 KB of flash wrongly (ELPM Z+ loses RAMPZ).
    let shape = shape(784, 100, 10).with_biases();
    let payload = Payload::new(shape, Bits::Eight, 9, random(3));
    let network = Quantized::new(shape, Bits::Eight, payload.bytes()).unwrap();
    compile(&export("avr", &network), compilers, "-std=c99", &options, &[]);
    for (bits, biases) in all_kinds() {
        // Its serial line is as slow as a real one.
        let count = if all_cases() && !biases { IMAGES } else { COUNTED };
        let (network, pixels) = (quantized(bits, biases), &images()[..count * 784]);
        let folder = export("avr", &network);
        let program = compile(&folder, compilers, "-std=c99", &options, &[]);
        let lines = run_on_avr(&program, pixels, count);
        let stack = lines.iter().map(|line| line.stack).max().unwrap();
        let code = code(&folder, "avr-size", &network);
        eprintln!("AVR {} {:?}: {code} B of code, {stack} B of stack", network.shape(), network.bits());
        let answers: Vec<_> = lines.into_iter().map(|line| line.answer).collect();
        assert_eq!(answers, expected(&network, pixels), "{} {:?}", network.shape(), network.bits());
        assert!(code <= 3000 && stack <= 256, "{code} bytes of code, {stack} bytes of stack");
    }
}
