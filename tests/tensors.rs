//! Networks from and to files of tensors: formats, types, layouts and names, the folding of the input, and damaged files.
//! The files are written here byte by byte.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use tempfile::TempDir;
use twolayer::host::tensors::{ExportFormat, Imported, Input, Layout, Roles, TensorError, TensorFiles, check, export};
use twolayer::host::{ConvertError, FileAccess, FileError};

/// Directory of a test's files.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::with_prefix("twolayer-test-").unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Imports the file of these bytes.
    fn import(&self, bytes: &[u8], roles: &Roles, input: Input) -> Result<Imported, TensorError> {
        import(&[self.write("net.safetensors", bytes)], roles, input)
    }
}

fn import(paths: &[PathBuf], roles: &Roles, input: Input) -> Result<Imported, TensorError> {
    let result =
        [FileAccess::Map, FileAccess::Read].map(|access| TensorFiles::open(paths, access)?.network(roles, input));
    let [mapped, read] = result.map(|it| it.map_err(without_path));
    assert_eq!(mapped.as_ref().map(Net::of).map_err(Clone::clone), read.as_ref().map(Net::of).map_err(Clone::clone));
    mapped
}

fn without_path(error: ConvertError) -> TensorError {
    match error {
        ConvertError::Tensors { error, .. } => error,
        other => panic!("{other}"),
    }
}

/// A network in plain vectors, `[in][out]`.
#[derive(Clone, Debug, PartialEq)]
struct Net {
    sizes: [usize; 3],
    w1: Vec<f64>,
    b1: Option<Vec<f64>>,
    w2: Vec<f64>,
    b2: Option<Vec<f64>>,
}

impl Net {
    /// Numbers that 16 bits of either kind hold, all different in a layer of up to 255.
    fn new(sizes: [usize; 3], biases: (bool, bool)) -> Self {
        let [inputs, hidden, outputs] = sizes;
        let numbers = |len: usize, step: usize| -> Vec<f64> {
            (0..len).map(|n| (f64::from(u32::try_from(n * step % 255).unwrap()) - 127.0) / 64.0).collect()
        };
        Self {
            sizes,
            w1: numbers(inputs * hidden, 1),
            b1: biases.0.then(|| numbers(hidden, 7)),
            w2: numbers(hidden * outputs, 11),
            b2: biases.1.then(|| numbers(outputs, 13)),
        }
    }

    fn of(imported: &Imported) -> Self {
        let weights = imported.weights.view();
        let shape = weights.shape();
        let (inputs, hidden, outputs) = (shape.inputs(), shape.hidden(), shape.outputs());
        let has_biases = weights.b1(0).is_some();
        let w1 = (0..inputs).flat_map(|i| (0..hidden).map(move |h| weights.w1(i, h).unwrap().into())).collect();
        let w2 = (0..hidden).flat_map(|h| (0..outputs).map(move |o| weights.w2(h, o).unwrap().into())).collect();
        Self {
            sizes: [inputs, hidden, outputs],
            w1,
            b1: has_biases.then(|| (0..hidden).map(|h| weights.b1(h).unwrap().into()).collect()),
            w2,
            b2: has_biases.then(|| (0..outputs).map(|o| weights.b2(o).unwrap().into()).collect()),
        }
    }

    /// With zeros for a bias that is missing beside another one.
    fn with_both_biases(&self) -> Self {
        let mut net = self.clone();
        if self.b1.is_some() || self.b2.is_some() {
            net.b1.get_or_insert_with(|| vec![0.0; self.sizes[1]]);
            net.b2.get_or_insert_with(|| vec![0.0; self.sizes[2]]);
        }
        net
    }

    /// The tensors in a layout, named as PyTorch would, with all biases as these say.
    fn tensors(&self, layout: Layout, bias: fn(usize) -> Vec<usize>) -> Vec<Tensor> {
        let [inputs, hidden, outputs] = self.sizes;
        let matrix = |name, numbers: &[f64], [rows, columns]: [usize; 2]| match layout {
            Layout::InOut => Tensor::new(name, vec![rows, columns], numbers.to_vec()),
            Layout::OutIn => Tensor::new(name, vec![columns, rows], transposed(numbers, rows, columns)),
        };
        let mut tensors = vec![matrix("fc1.weight", &self.w1, [inputs, hidden])];
        tensors.extend(self.b1.as_ref().map(|it| Tensor::new("fc1.bias", bias(it.len()), it.clone())));
        tensors.push(matrix("fc2.weight", &self.w2, [hidden, outputs]));
        tensors.extend(self.b2.as_ref().map(|it| Tensor::new("fc2.bias", bias(it.len()), it.clone())));
        tensors
    }

    /// The outputs for an input, by the definition.
    fn outputs(&self, x: &[f64]) -> Vec<f64> {
        let [_, hidden, outputs] = self.sizes;
        let layer = |x: &[f64], w: &[f64], b: &Option<Vec<f64>>, outputs: usize| -> Vec<f64> {
            let sum = |o: usize| -> f64 { x.iter().enumerate().map(|(i, x)| x * w[i * outputs + o]).sum() };
            (0..outputs).map(|o| sum(o) + b.as_ref().map_or(0.0, |b| b[o])).collect()
        };
        let h: Vec<_> = layer(x, &self.w1, &self.b1, hidden).into_iter().map(|z| z.max(0.0)).collect();
        layer(&h, &self.w2, &self.b2, outputs)
    }
}

fn transposed(numbers: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| numbers[r * columns + c])).collect()
}

#[derive(Clone, Debug)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    numbers: Vec<f64>,
}

impl Tensor {
    fn new(name: &str, shape: Vec<usize>, numbers: Vec<f64>) -> Self {
        Self { name: name.into(), shape, numbers }
    }
}

fn vec_of(len: usize) -> Vec<usize> {
    vec![len]
}

#[expect(clippy::cast_possible_truncation, reason = "rounds")]
const fn narrow(number: f64) -> f32 {
    number as f32
}

/// The bytes of numbers in a type, little-endian.
fn bytes(numbers: &[f64], dtype: &str) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|&number| match dtype {
            "F64" => number.to_le_bytes().to_vec(),
            "F32" => narrow(number).to_le_bytes().to_vec(),
            "BF16" => narrow(number).to_le_bytes()[2..].to_vec(),
            "F16" => half(number).to_le_bytes().to_vec(),
            other => panic!("{other}"),
        })
        .collect()
}

/// A number of at most 11 significant bits as binary16.
fn half(number: f64) -> u16 {
    let bits = narrow(number).to_bits();
    let sign = u16::try_from(bits >> 31).unwrap() << 15;
    if number == 0.0 {
        return sign;
    }
    let exponent = u16::try_from((bits >> 23 & 0xFF) + 15 - 127).unwrap();
    assert_eq!(bits & 0x1FFF, 0, "{number} does not fit");
    sign | exponent << 10 | u16::try_from(bits >> 13 & 0x3FF).unwrap()
}

/// A safetensors file: length, JSON, numbers.
fn safetensors(tensors: &[Tensor], dtype: &str) -> Vec<u8> {
    let (mut entries, mut data) = (vec![r#""__metadata__":{"format":"pt"}"#.to_string()], Vec::new());
    for Tensor { name, shape, numbers } in tensors {
        let start = data.len();
        data.extend(bytes(numbers, dtype));
        let end = data.len();
        entries.push(format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{start},{end}]}}"#));
    }
    with_header(&format!("{{{}}}", entries.join(",")), &data)
}

fn with_header(json: &str, data: &[u8]) -> Vec<u8> {
    [&u64::try_from(json.len()).unwrap().to_le_bytes(), json.as_bytes(), data].concat()
}

/// A .npy file; in Fortran order the first index runs fastest.
fn npy(tensor: &Tensor, descr: &str, fortran: bool) -> Vec<u8> {
    let numbers = match tensor.shape.as_slice() {
        &[rows, columns] if fortran => transposed(&tensor.numbers, rows, columns),
        _ => tensor.numbers.clone(),
    };
    let dtype = match &descr[1..] {
        "f2" => "F16",
        "f4" => "F32",
        _ => "F64",
    };
    let width = bytes(&[0.0], dtype).len();
    let mut data = bytes(&numbers, dtype);
    if descr.starts_with('>') {
        data.chunks_mut(width).for_each(<[u8]>::reverse);
    }
    let order = if fortran { "True" } else { "False" };
    npy_of(
        &format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {}, }}", python_tuple(&tensor.shape)),
        &data,
    )
}

fn npy_of(header: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{header:<117}\n");
    let len = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &len[..], header.as_bytes(), data].concat()
}

fn python_tuple(shape: &[usize]) -> String {
    shape.iter().fold("(".to_string(), |text, size| text + &format!("{size},")) + ")"
}

/// A ZIP archive of these files.
fn zip(files: &[(String, Vec<u8>)], deflate: bool) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in files {
        let method = if deflate { rawzip::CompressionMethod::DEFLATE } else { rawzip::CompressionMethod::STORE };
        let (mut entry, config) = archive.new_file(name.as_str()).compression_method(method).start().unwrap();
        let descriptor = if deflate {
            let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
            writer.write_all(bytes).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            descriptor
        } else {
            let mut writer = config.wrap(&mut entry);
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap().1
        };
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap()
}

fn npz(tensors: &[Tensor], descr: &str, fortran: bool, deflate: bool) -> Vec<u8> {
    let files: Vec<_> = tensors.iter().map(|it| (format!("{}.npy", it.name), npy(it, descr, fortran))).collect();
    zip(&files, deflate)
}

const LAYOUTS: [Layout; 2] = [Layout::OutIn, Layout::InOut];
const BIASES: [(bool, bool); 4] = [(false, false), (true, true), (true, false), (false, true)];

#[test]
fn every_format_type_layout_and_set_of_biases_gives_the_same_network() {
    let files = Files::new();
    for biases in BIASES {
        let net = Net::new([12, 7, 3], biases);
        let expected = net.with_both_biases();
        for layout in LAYOUTS {
            let shapes: [fn(usize) -> Vec<usize>; 3] = [vec_of, |len| vec![len, 1], |len| vec![1, len]];
            for bias in shapes {
                let tensors = net.tensors(layout, bias);
                let mut images = Vec::new();
                images.extend(["F64", "F32", "F16", "BF16"].map(|dtype| safetensors(&tensors, dtype)));
                for descr in ["<f4", ">f4", "=f4", "<f8", ">f8", "<f2", ">f2"] {
                    for (fortran, deflate) in [(false, false), (true, false), (false, true), (true, true)] {
                        images.push(npz(&tensors, descr, fortran, deflate));
                    }
                }
                for image in images {
                    let imported = files.import(&image, &Roles::default(), Input::RAW).unwrap();
                    assert_eq!((Net::of(&imported), imported.layout), (expected.clone(), layout));
                    let names: Vec<_> = imported.tensors.iter().map(|it| it.name.as_str()).collect();
                    assert_eq!(names, tensors.iter().map(|it| it.name.as_str()).collect::<Vec<_>>());
                }
            }
            let tensors = net.tensors(layout, vec_of);
            let paths: Vec<_> = tensors.iter().map(|it| files.write(&it.name, &npy(it, "<f4", true))).collect();
            assert_eq!(Net::of(&import(&paths, &Roles::default(), Input::RAW).unwrap()), expected);
        }
    }
}

#[test]
fn the_order_and_the_names_of_tensors_do_not_matter() {
    let files = Files::new();
    let net = Net::new([5, 4, 3], (true, true));
    let mut tensors = net.tensors(Layout::OutIn, vec_of);
    for rotation in 0..4 {
        for (name, tensor) in ["z", "y", "x", "ü \\\"w"].iter().zip(&mut tensors) {
            tensor.name = (*name).into();
        }
        let imported = files.import(&safetensors(&tensors, "F32"), &Roles::default(), Input::RAW).unwrap();
        assert_eq!(Net::of(&imported), net, "{rotation}");
        tensors.rotate_left(1);
    }
}

fn named(names: [&str; 4]) -> Roles {
    let [w1, b1, w2, b2] = names.map(|name| (!name.is_empty()).then(|| name.to_string()));
    Roles { w1, b1, w2, b2, layout: None }
}

#[test]
fn names_choose_among_other_tensors() {
    let files = Files::new();
    let net = Net::new([5, 4, 3], (true, true));
    let mut tensors = net.tensors(Layout::OutIn, vec_of);
    tensors.push(Tensor::new("step", vec![], vec![9.0]));
    tensors.push(Tensor::new("momentum", vec![4, 5], vec![0.5; 20]));
    let image = safetensors(&tensors, "F32");
    let import = |names| files.import(&image, &named(names), Input::RAW);
    let all = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"];
    assert_eq!(Net::of(&import(all).unwrap()), net);
    let other = Net { w1: vec![0.5; 20], b1: None, b2: None, ..net.clone() };
    assert_eq!(Net::of(&import(["momentum", "", "fc2.weight", ""]).unwrap()), other);
    let one = Net { b2: None, ..net.clone() }.with_both_biases();
    assert_eq!(Net::of(&import(["fc1.weight", "fc1.bias", "fc2.weight", ""]).unwrap()), one);

    let tensors = "fc1.weight [4, 5], fc1.bias [4], fc2.weight [3, 4], fc2.bias [3], step [], momentum [4, 5]";
    let message = |names| import(names).unwrap_err().to_string();
    for names in [[""; 4], ["fc1.weight", "", "", ""], ["", "", "fc2.weight", ""]] {
        assert_eq!(message(names), format!("cannot infer which tensors are the weights; there are {tensors}"));
    }
    assert_eq!(message(["w", "", "fc2.weight", ""]), format!("no tensor has the name w; there are {tensors}"));
    let error = message(["fc1.weight", "fc2.bias", "fc2.weight", ""]);
    assert!(
        error.starts_with(
            "no two-layer network fits these tensors: fc1.weight [4, 5], fc2.weight [3, 4], fc2.bias [3];"
        ),
        "{error}"
    );
    assert!(
        message(["fc1.weight", "", "fc1.weight", ""])
            .starts_with("no two-layer network fits these tensors: fc1.weight [4, 5];")
    );
}

#[test]
fn what_can_be_read_in_two_ways_needs_a_choice() {
    let files = Files::new();
    let import = |net: &Net, layout, roles: &Roles| {
        files.import(&safetensors(&net.tensors(layout, vec_of), "F32"), roles, Input::RAW).map(|it| Net::of(&it))
    };
    let import_renamed = |net: &Net, layout, roles: &Roles| {
        let mut tensors = net.tensors(layout, vec_of);
        tensors.iter_mut().zip(["a", "b", "c", "d"]).for_each(|(tensor, name)| tensor.name = name.into());
        files.import(&safetensors(&tensors, "F32"), roles, Input::RAW).map(|it| Net::of(&it))
    };
    // Without biases, 6 → 5 → 4 in one layout is 4 → 5 → 6 in the other.
    let net = Net::new([6, 5, 4], (false, false));
    let error = import_renamed(&net, Layout::OutIn, &Roles::default()).unwrap_err().to_string();
    assert_eq!(
        error,
        "these tensors can be read in 2 ways: W1 = a, W2 = b, [out, in], 6 → 5 → 4; or W1 = b, W2 = a, [in, out], 4 → 5 → 6"
    );
    for layout in LAYOUTS {
        let chosen = Roles { layout: Some(layout), ..Roles::default() };
        assert_eq!(import_renamed(&net, layout, &chosen).unwrap(), net);
        let one_named = Roles { w1: Some("a".into()), ..Roles::default() };
        assert!(matches!(import_renamed(&net, layout, &one_named), Err(TensorError::Unnamed { .. })));
        let named = Roles { w2: Some("b".into()), ..one_named };
        assert_eq!(import_renamed(&net, layout, &named).unwrap(), net);
        // Numbers in the names tell too.
        assert_eq!(import(&net, layout, &Roles::default()).unwrap(), net);
        let equal_biases = Net::new([7, 4, 4], (true, true));
        assert_eq!(import(&equal_biases, layout, &Roles::default()).unwrap(), equal_biases);
        assert!(import_renamed(&equal_biases, layout, &Roles::default()).is_err());
    }

    // All square: names alone do not tell the layout.
    let square = Net::new([5, 5, 5], (true, true));
    let names = named(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
    let ways = |result: Result<Net, TensorError>| match result {
        Err(TensorError::Ambiguous { readings }) => readings.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(ways(import_renamed(&square, Layout::OutIn, &Roles::default())), 8);
    assert_eq!(ways(import(&square, Layout::OutIn, &Roles::default())), 2);
    assert_eq!(ways(import(&square, Layout::OutIn, &names)), 2);
    for layout in LAYOUTS {
        assert_eq!(import(&square, layout, &Roles { layout: Some(layout), ..names.clone() }).unwrap(), square);
        assert_eq!(import(&square, layout, &Roles { layout: Some(layout), ..Roles::default() }).unwrap(), square);
    }

    // Numbers in the names are believed, even where only the other order fits.
    let mut tensors = Net::new([784, 20, 10], (false, false)).tensors(Layout::OutIn, vec_of);
    tensors.iter_mut().zip(["fc2.weight", "fc1.weight"]).for_each(|(tensor, name)| tensor.name = name.into());
    let image = safetensors(&tensors, "F32");
    let refused = files.import(&image, &Roles::default(), Input::RAW);
    assert!(matches!(refused, Err(TensorError::Size { .. })), "{refused:?}");
    files.import(&image, &named(["fc2.weight", "", "fc1.weight", ""]), Input::RAW).unwrap();

    // A tensor has one role.
    let image = safetensors(&Net::new([5, 5, 5], (true, true)).tensors(Layout::OutIn, vec_of), "F32");
    for names in [["fc1.weight", "", "fc1.weight", ""], ["fc1.weight", "fc1.bias", "fc2.weight", "fc1.bias"]].map(named)
    {
        let roles = Roles { layout: Some(Layout::OutIn), ..names };
        assert!(matches!(files.import(&image, &roles, Input::RAW), Err(TensorError::NoFit { .. })));
    }

    // A single bias that is as long as both layers.
    let equal = Net::new([9, 4, 4], (true, false));
    assert_eq!(ways(import(&equal, Layout::InOut, &Roles::default())), 2);
    // MNIST's sizes are never ambiguous: no network has 784 outputs.
    for layout in LAYOUTS {
        let net = Net::new([784, 10, 10], (false, false));
        assert_eq!(import(&net, layout, &Roles::default()).unwrap(), net);
    }
}

#[test]
fn what_makes_no_network_is_listed() {
    let files = Files::new();
    let message = |tensors: &[(&str, &[usize])]| {
        let zeros = |shape: &[usize]| vec![0.0; shape.iter().product()];
        let tensors: Vec<_> =
            tensors.iter().map(|(name, shape)| Tensor::new(name, shape.to_vec(), zeros(shape))).collect();
        files.import(&safetensors(&tensors, "F32"), &Roles::default(), Input::RAW).unwrap_err().to_string()
    };
    for tensors in [
        &[("a", &[3, 2][..])][..],
        &[("a", &[3, 2]), ("b", &[4, 5])],
        &[("a", &[3, 2]), ("b", &[2])],
        &[("a", &[3, 2, 1]), ("b", &[2, 3])],
        &[("a", &[7, 8]), ("b", &[3]), ("c", &[3, 7]), ("d", &[3])],
        &[("a", &[7, 8]), ("b", &[7]), ("c", &[3, 7]), ("d", &[3, 1, 1])],
        &[],
    ] {
        let found = message(tensors);
        let list: Vec<_> = tensors.iter().map(|(name, shape)| format!("{name} {shape:?}")).collect();
        let list = if list.is_empty() { "none".into() } else { list.join(", ") };
        let expected = format!("no two-layer network fits these tensors: {list}; expected two matrices");
        assert!(found.starts_with(&expected), "{found}");
    }
    assert_eq!(
        message(&[("a", &[7, 400]), ("b", &[300, 7])]),
        "these tensors have 300 outputs; a network takes 1 to 256"
    );
    assert_eq!(message(&[("a", &[0, 8]), ("b", &[3, 0])]).split(';').next(), Some("these tensors have 0 hidden units"));
    let many: Vec<_> = (0..40).map(|n| format!("t{n}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), &[2_usize][..])).collect();
    assert!(message(&many).ends_with("t11 [2], and 28 more"));
}

/// Folding changes the network's numbers but not its outputs.
#[test]
fn the_folded_input_gives_the_outputs_of_the_original_network() {
    let files = Files::new();
    let mut random = 1_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(random >> 32).unwrap()) / f64::from(u32::MAX)
    };
    let inputs = [
        Input { scale: 255.0, ..Input::RAW },
        Input { scale: 255.0, mean: 0.1307, deviation: 0.3081 },
        Input { mean: 33.3184, deviation: 78.5675, ..Input::RAW },
        Input { scale: 255.0, mean: -0.5, deviation: 2.0 },
        Input { deviation: 3.0, ..Input::RAW },
    ];
    for input in inputs {
        for biases in BIASES {
            let sizes = [784, 40, 10];
            let mut net = Net::new(sizes, biases);
            let vectors = [Some(&mut net.w1), net.b1.as_mut(), Some(&mut net.w2), net.b2.as_mut()];
            vectors.into_iter().flatten().flatten().for_each(|it| *it = narrow(next() - 0.5).into());
            let image = safetensors(&net.tensors(Layout::OutIn, vec_of), "F32");
            let imported = Net::of(&files.import(&image, &Roles::default(), input).unwrap());
            assert_eq!(imported.b1.is_some(), biases != (false, false) || input.mean != 0.0);
            for _ in 0..20 {
                let pixels: Vec<f64> = (0..784).map(|_| (next() * 255.0).round()).collect();
                let scaled: Vec<_> = pixels.iter().map(|x| (x / input.scale - input.mean) / input.deviation).collect();
                let (expected, found) = (net.outputs(&scaled), imported.outputs(&pixels));
                let largest = expected.iter().fold(0.0, |most: f64, y| most.max(y.abs()));
                for (expected, found) in expected.iter().zip(&found) {
                    assert!((expected - found).abs() <= 1e-4 * largest, "{input}: {found}, not {expected}");
                }
            }
        }
    }
}

#[test]
fn the_origin_is_at_most_200_bytes() {
    let files = Files::new();
    let mut tensors = Net::new([5, 4, 3], (true, true)).tensors(Layout::OutIn, vec_of);
    for (len, fits) in [(1, true), (20, true), (36, true), (38, false), (41, false), (200, false)] {
        tensors
            .iter_mut()
            .zip(["1", "2", "3", "4"])
            .for_each(|(it, n)| it.name = format!("{}{n}", "é".repeat(len / 2)));
        let path = files.write("net.safetensors", &safetensors(&tensors, "F32"));
        let opened = TensorFiles::open(&[path], FileAccess::Read).unwrap();
        let imported = opened.network(&Roles::default(), Input::RAW).unwrap();
        let origin = opened.origin(&imported, Input::RAW);
        assert!(origin.starts_with("imported from net.safetensors: é") || len == 1, "{origin}");
        assert!(origin.len() <= 200 && origin.ends_with(if fits { "; input x" } else { "…" }), "{origin}");
    }
}

#[test]
fn an_input_is_described_and_checked() {
    let files = Files::new();
    let image = safetensors(&Net::new([5, 4, 3], (true, true)).tensors(Layout::OutIn, vec_of), "F32");
    for (scale, mean, deviation, text) in [
        (1.0, 0.0, 1.0, "x"),
        (255.0, 0.0, 1.0, "x / 255"),
        (255.0, 0.1307, 0.3081, "(x / 255 - 0.1307) / 0.3081"),
        (255.0, -0.5, 1.0, "x / 255 + 0.5"),
        (1.0, 0.0, 2.0, "x / 2"),
    ] {
        let input = Input { scale, mean, deviation };
        assert_eq!(input.to_string(), text);
        files.import(&image, &Roles::default(), input).unwrap();
    }
    for (scale, mean, deviation, message) in [
        (0.0, 0.0, 1.0, "the input's scale is 0; expected a finite number above 0"),
        (-255.0, 0.0, 1.0, "the input's scale is -255; expected a finite number above 0"),
        (f64::NAN, 0.0, 1.0, "the input's scale is NaN; expected a finite number above 0"),
        (1.0, f64::INFINITY, 1.0, "the input's mean is inf; expected a finite number"),
        (1.0, 0.0, f64::INFINITY, "the input's standard deviation is inf; expected a finite number above 0"),
    ] {
        let error = files.import(&image, &Roles::default(), Input { scale, mean, deviation }).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn numbers_that_are_not_finite_f32_are_refused_by_name_and_index() {
    let files = Files::new();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e39] {
        for layout in LAYOUTS {
            for place in 0..4 {
                let mut tensors = Net::new([5, 4, 3], (true, true)).tensors(layout, vec_of);
                let tensor = &mut tensors[place];
                *tensor.numbers.last_mut().unwrap() = bad;
                let at: Vec<_> = tensor.shape.iter().map(|size| size - 1).collect();
                let what = format!("the number at {at:?} is {bad:e}; expected a finite f32 number");
                let expected = TensorError::Tensor { name: tensor.name.clone(), what };
                let found = files.import(&safetensors(&tensors, "F64"), &Roles::default(), Input::RAW).unwrap_err();
                assert_eq!(found, expected);
            }
        }
    }
    let image = safetensors(&Net::new([5, 4, 3], (true, true)).tensors(Layout::OutIn, vec_of), "F32");
    let error = files.import(&image, &Roles::default(), Input { scale: 1e-40, ..Input::RAW }).unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("tensor fc1.weight: the number at [0, 0] is -1.98437"), "{error}");
    assert!(error.ends_with("e40; expected a finite f32 number"), "{error}");
}

#[test]
fn other_formats_are_recognised() {
    let files = Files::new();
    let open = |name: &str, bytes: &[u8]| {
        let error = TensorFiles::open(&[files.write(name, bytes)], FileAccess::Map).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(name), "{message}");
        (without_path(error), message)
    };
    let torch = zip(&[("net/data.pkl".into(), vec![0x80, 2]), ("net/data/0".into(), vec![0; 8])], false);
    let config = |units: &str| {
        let dense = |units, activation| {
            format!(r#"{{"class_name":"Dense","config":{{"units":{units},"activation":"{activation}"}}}}"#)
        };
        let layers: Vec<_> =
            units.split(' ').map(|it| dense(it.split_once(':').unwrap().0, it.split_once(':').unwrap().1)).collect();
        format!(r#"{{"class_name":"Sequential","config":{{"layers":[{}]}}}}"#, layers.join(","))
    };
    let keras = |units: &str, deflate| {
        let weights = ("model.weights.h5".to_string(), b"\x89HDF".to_vec());
        zip(
            &[("metadata.json".into(), b"{}".to_vec()), ("config.json".into(), config(units).into_bytes()), weights],
            deflate,
        )
    };
    let bare_keras = zip(&[("model.weights.h5".into(), vec![0; 9])], false);
    for (name, bytes, what, line) in [
        ("net.pt", &torch[..], "a pickle (.pt, .pth, .pkl)", "safetensors.torch.save_file(torch.load("),
        ("net.pth", b"\x80\x02\x8a\x0al\xfc\x9c", "a pickle", "safetensors.torch.save_file(torch.load("),
        ("net.pkl", b"\x80\x04\x95abc\x8c\x1esklearn.neural_network", "a pickle", "*net.coefs_, *net.intercepts_"),
        ("net.keras", &keras("128:relu 10:softmax", true), "a Keras file", ".get_weights()"),
        ("net.keras", &bare_keras, "a Keras file", ".get_weights()"),
        ("net.h5", b"\x89HDF\r\n\x1a\n and more", "a Keras file", ".get_weights()"),
        (
            "net.json",
            config("128:relu 10:softmax").as_bytes(),
            "a description of a Keras network, without its weights",
            "import the file with the weights",
        ),
        ("net.json", b"{\"a\": 1}", "a JSON file", "import the file with the weights"),
        ("net.json", b"{\"weight_map\": {}}", "the index of a model's safetensors", "import the file with the weights"),
        ("net.onnx", b"\x08\x08\x12\x07pytorch", "an ONNX file", "onnx.load("),
        ("net.onnx", b"rubbish", "no format that is known", "onnx.load("),
        // 123 tensors: a byte that safetensors' header begins with.
        ("net.gguf", b"GGUF\x03\0\0\0{\0", "a GGUF file", "GGUFReader("),
        ("saved_model.pb", b"\x08\x01\x12\xff", "a SavedModel of TensorFlow", "saved_model.load("),
        ("net.tflite", b"\x1c\0\0\0TFL3\x14", "a TensorFlow Lite file", "Interpreter("),
        ("net.gguf", b"GGUF\x03\0", "a GGUF file", "GGUFReader("),
        ("net.mpk", b"\x82\xa8metadata\x85\xa5float", "a record of Burn", "save_into("),
        ("net.bpk", b"NRUB\x01\0", "a file of Burn", "save_into("),
        ("net.msgpack", b"\x81\xa6params\x82", "a file of Flax", "msgpack_restore("),
        ("net.mat", b"MATLAB 5.0 MAT-file", "a MATLAB file", "loadmat("),
        ("net.mpk.gz", b"\x1f\x8b\x08\0", "a gzip archive", "gunzip"),
        (
            "net.bin",
            b"0123456789",
            "no format that is known, by its first bytes 30 31 32 33 34 35 36 37",
            "numpy.fromfile(",
        ),
        ("net.xyz", b"0123456789", "no format that is known", "expected a safetensors, .npz or .npy file"),
        ("net.xyz", b"", "an empty file", "expected a safetensors"),
        ("net.twolayer", b"TWOLAYER\x01\x00", "a twolayer model already", "no import"),
    ] {
        let (error, message) = open(name, bytes);
        assert!(matches!(error, TensorError::Foreign { .. }), "{error:?}");
        assert!(message.contains(&format!("{name}: this is {what}")) && message.contains(line), "{message}");
        // What is to be typed is at most two lines.
        assert!([1, 3].contains(&message.lines().count()), "{message}");
    }
    for (units, what) in [
        ("128:tanh 10:softmax", "the activation is tanh; twolayer runs ReLU"),
        (
            "128:relu 64:relu 10:softmax",
            "this Keras network has three layers, with units 128 → 64 → 10; twolayer runs two",
        ),
    ] {
        let within = [b"\x89HDF\r\n\x1a\n", config(units).as_bytes(), b"\0"].concat();
        let files = [("net.keras", keras(units, false)), ("net.json", config(units).into_bytes()), ("net.h5", within)];
        for (name, bytes) in files {
            let (error, message) = open(name, &bytes);
            assert!(matches!(error, TensorError::Network { .. }), "{error:?}");
            assert!(message.contains(what), "{message}");
        }
    }
    // An operator of ONNX, unless there is ReLU and it is the output's.
    let (error, message) = open("net.onnx", b"\x08\x08\x12\x07pytorch:\x10\x0a\x01x\x22\x04Tanh");
    assert!(matches!(error, TensorError::Network { .. }) && message.contains("the activation is Tanh"), "{message}");
    let (error, _) = open("net.onnx", b"\x08\x08\x12\x07pytorch:\x10\x22\x07Sigmoid\x22\x04Relu");
    assert!(matches!(error, TensorError::Foreign { .. }), "{error}");
    // Candle's and others' safetensors in a file of another name.
    let path = files
        .write("model.bin", &safetensors(&Net::new([5, 4, 3], (true, true)).tensors(Layout::OutIn, vec_of), "F32"));
    import(&[path], &Roles::default(), Input::RAW).unwrap();
    let (_, message) = open("net.npz", &zip(&[("readme.txt".into(), vec![0; 9])], false));
    assert!(message.ends_with("readme.txt in the ZIP archive is not a .npy array"), "{message}");
    let (_, message) = open("net.npz", &zip(&[], false));
    assert!(message.ends_with("a ZIP archive without .npy arrays"), "{message}");
    assert!(matches!(
        TensorFiles::open(&[files.0.path().join("none")], FileAccess::Map),
        Err(ConvertError::File(FileError::Io { .. }))
    ));
}

#[test]
fn numbers_of_other_types_are_refused_where_they_are_needed() {
    let files = Files::new();
    let json = r#"{"w1":{"dtype":"I8","shape":[4,5],"data_offsets":[0,20]},"w2":{"dtype":"I8","shape":[3,4],"data_offsets":[20,32]}}"#;
    let error = files.import(&with_header(json, &[0; 32]), &Roles::default(), Input::RAW).unwrap_err();
    assert_eq!(error.to_string(), "tensor w1: elements of type I8; expected floats of 16, 32 or 64 bits");
    for descr in ["'<i4'", "'<c8'", "'|V2'", "[('x', '<f4')]"] {
        let array =
            |shape| npy_of(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"), &[0; 160]);
        let image = zip(&[("w1.npy".into(), array("(4, 5)")), ("w2.npy".into(), array("(3, 4)"))], false);
        let error = files.import(&image, &Roles::default(), Input::RAW).unwrap_err();
        let what = format!("elements of type {}; expected floats of 16, 32 or 64 bits", descr.trim_matches('\''));
        assert_eq!(error, TensorError::Tensor { name: "w1".into(), what });
    }
}

/// Arrays of Python objects are pickles inside; they do not matter beside a network that needs none of them.
#[test]
fn arrays_of_python_objects_get_a_recipe() {
    let files = Files::new();
    let objects =
        |shape| npy_of(&format!("{{'descr': '|O', 'fortran_order': False, 'shape': {shape}, }}"), b"\x80\x04\x95");
    let refused = |name: &str, bytes: &[u8], words: &str| {
        let error = import(&[files.write(name, bytes)], &Roles::default(), Input::RAW).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, TensorError::Foreign { .. }), "{message}");
        assert!(
            message.starts_with("this is pickled: an array of Python objects") && message.contains(words),
            "{message}"
        );
    };
    refused("list.npy", &objects("(4,)"), "numpy.savez(\"net.npz\", *map(numpy.asarray");
    refused("dict.npy", &objects("()"), ".item())");
    let pair = [("w1.npy".into(), objects("(4, 5)")), ("w2.npy".into(), objects("(3, 4)"))];
    refused("net.npz", &zip(&pair, false), "for name, array in arrays.items()");
    let net = Net::new([5, 4, 3], (true, true));
    let mut with_history: Vec<_> = net
        .tensors(Layout::InOut, vec_of)
        .iter()
        .map(|it| (format!("{}.npy", it.name), npy(it, "<f4", false)))
        .collect();
    with_history.push(("history.npy".into(), objects("()")));
    let imported = files.import(&zip(&with_history, false), &Roles::default(), Input::RAW).unwrap();
    assert_eq!(Net::of(&imported), net);
}

/// Counts and steps that a program saves beside its network.
#[test]
fn what_has_no_place_in_a_network_is_left_out() {
    let files = Files::new();
    let one = |name: &str, shape: &[usize]| Tensor::new(name, shape.to_vec(), vec![7.0]);
    let imported = |net: &Net, more: &[Tensor]| {
        let tensors = [&net.tensors(Layout::OutIn, vec_of)[..], more].concat();
        files.import(&safetensors(&tensors, "F32"), &Roles::default(), Input::RAW).map(|it| Net::of(&it))
    };
    for biases in BIASES {
        let net = Net::new([12, 7, 3], biases);
        let expected = net.with_both_biases();
        for more in [
            vec![one("step", &[])],
            vec![one("lr", &[1]), one("num_batches_tracked", &[])],
            vec![one("a", &[1, 1]), one("b", &[1]), one("c", &[]), one("d", &[1]), one("e", &[1, 1, 1])],
        ] {
            assert_eq!(imported(&net, &more).unwrap(), expected, "{more:?}");
        }
    }
    // One output's bias is one number, too.
    let net = Net::new([12, 7, 1], (true, true));
    assert_eq!(imported(&net, &[one("step", &[])]).unwrap(), net);
    assert!(matches!(imported(&net, &[one("lr", &[1])]), Err(TensorError::Unnamed { .. })));
    // Integers in a row: the sizes of a reshape. A matrix of integers may be quantised weights.
    let header = |shape: &str, descr: &str, bytes: usize| {
        npy_of(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"), &vec![0; bytes])
    };
    let net = [("w1.npy".into(), header("(5, 4)", "<f4", 80)), ("w2.npy".into(), header("(4, 3)", "<f4", 48))];
    let with = |more: Vec<u8>| {
        let archive = zip(&[&net[..], &[("val_0.npy".into(), more)]].concat(), false);
        files.import(&archive, &Roles::default(), Input::RAW)
    };
    assert!(!with(header("(2,)", "<i8", 16)).unwrap().weights.view().shape().has_biases());
    // By its length it could be a bias.
    assert!(matches!(with(header("(4,)", "<i8", 32)), Err(TensorError::Tensor { .. })));
    assert!(with(header("(4,)", "<f8", 32)).unwrap().weights.view().shape().has_biases());
    assert!(matches!(with(header("(7, 9)", "<i8", 504)), Err(TensorError::NoFit { .. })));
}

#[test]
fn more_than_two_layers_are_named_and_never_cut_short() {
    let files = Files::new();
    let zeros = |of: &[(&str, &[usize])]| -> Vec<Tensor> {
        of.iter().map(|(name, shape)| Tensor::new(name, shape.to_vec(), vec![0.0; shape.iter().product()])).collect()
    };
    let message = |tensors: &[Tensor], roles: &Roles| {
        let error = files.import(&safetensors(tensors, "F32"), roles, Input::RAW).unwrap_err();
        assert!(matches!(error, TensorError::Network { .. }), "{error}");
        error.to_string()
    };
    let matrices = zeros(&[("fc1.weight", &[128, 784]), ("fc2.weight", &[64, 128]), ("fc3.weight", &[10, 64])]);
    let biases = zeros(&[("fc1.bias", &[128]), ("fc2.bias", &[64]), ("fc3.bias", &[10])]);
    let three = "these tensors are a network of three layers, 784 → 128 → 64 → 10 (fc1.weight, fc2.weight, fc3.weight); twolayer runs two";
    let all = [matrices.clone(), biases].concat();
    assert_eq!(message(&matrices, &Roles::default()), three);
    assert_eq!(message(&all, &Roles::default()), three);
    let one_named = Roles { w1: Some("fc1.weight".into()), ..Roles::default() };
    assert_eq!(message(&all, &one_named), three);
    let pair = message(&all, &named(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]));
    assert!(
        pair.starts_with("these tensors are a part of a network of three layers or more: fc3.weight [10, 64] takes"),
        "{pair}"
    );
    let pair = message(&all, &named(["fc2.weight", "", "fc3.weight", ""]));
    assert!(pair.contains("fc2.weight takes what fc1.weight [128, 784] gives"), "{pair}");
    // A third matrix of one row is no bias.
    let one = zeros(&[("fc1.weight", &[128, 784]), ("fc2.weight", &[64, 128]), ("fc3.weight", &[1, 64])]);
    assert!(message(&one, &Roles::default()).contains("784 → 128 → 64 → 1 "));
    // Unless it is called one.
    let column = zeros(&[("arr_0", &[784, 128]), ("arr_1", &[128, 64]), ("arr_2", &[64, 1])]);
    assert!(message(&column, &Roles::default()).contains("784 → 128 → 64 → 1 "));
    let named_bias = Roles { layout: Some(Layout::InOut), ..named(["arr_0", "", "arr_1", "arr_2"]) };
    files.import(&safetensors(&column, "F32"), &named_bias, Input::RAW).unwrap();
    // Without numbers in the names, transposed, in a file each.
    let six =
        zeros(&[("c", &[64, 10]), ("a", &[784, 128]), ("d", &[64]), ("b", &[128, 64]), ("e", &[10]), ("f", &[128])]);
    let paths: Vec<_> = six.iter().map(|it| files.write(&format!("{}.npy", it.name), &npy(it, "<f4", false))).collect();
    let error = import(&paths, &Roles::default(), Input::RAW).unwrap_err().to_string();
    assert!(error.starts_with("these tensors are a network of three layers, 784 → 128 → 64 → 10 ("), "{error}");
    // Two of them alone are a network.
    files.import(&safetensors(&matrices[..2], "F32"), &Roles::default(), Input::RAW).unwrap();
}

#[test]
fn another_activation_than_relu_is_refused() {
    let files = Files::new();
    let mut tensors = Net::new([5, 4, 3], (true, true)).tensors(Layout::OutIn, vec_of);
    let with_note = |note: &str| {
        let bytes = safetensors(&Net::new([5, 4, 3], (true, true)).tensors(Layout::OutIn, vec_of), "F32");
        let note = format!(r#""format":"pt","activation":"{note}""#);
        let json =
            String::from_utf8(bytes[8..].iter().copied().take_while(|it| *it != 0 && it.is_ascii()).collect()).unwrap();
        let (header, len) =
            (json.rsplit_once('}').unwrap().0.to_owned() + "}", u64::from_le_bytes(*bytes.first_chunk().unwrap()));
        with_header(&header.replace(r#""format":"pt""#, &note), &bytes[8 + usize::try_from(len).unwrap()..])
    };
    for (note, activation) in
        [("tanh", "tanh"), ("nn.GELU()", "gelu"), ("leaky_relu", "leaky ReLU"), ("Sigmoid", "sigmoid")]
    {
        let error = files.import(&with_note(note), &Roles::default(), Input::RAW).unwrap_err();
        let what = format!(
            "the activation is {activation}; twolayer runs ReLU, and these weights would give other answers with it"
        );
        assert_eq!(error, TensorError::Network { what });
    }
    for note in ["relu", "relu, then sigmoid", "none"] {
        files.import(&with_note(note), &Roles::default(), Input::RAW).unwrap();
    }
    // Names tell, too, as those of ONNX's nodes; not those of directories.
    tensors[0].name = "/tanh/fc1.weight".into();
    let error = files.import(&safetensors(&tensors, "F32"), &Roles::default(), Input::RAW).unwrap_err();
    assert!(error.to_string().starts_with("the activation is tanh"), "{error}");
    fs::create_dir(files.0.path().join("tanh")).unwrap();
    let paths: Vec<_> =
        (1..).zip(&tensors).map(|(n, it)| files.write(&format!("tanh/{n}.npy"), &npy(it, "<f4", false))).collect();
    import(&paths, &Roles::default(), Input::RAW).unwrap();
}

#[test]
fn lying_and_truncated_files_are_refused() {
    let files = Files::new();
    let message = |bytes: &[u8]| files.import(bytes, &Roles::default(), Input::RAW).unwrap_err().to_string();
    // Safetensors.
    assert_eq!(message(b"\x01\x02"), "damaged or incomplete: 2 bytes of safetensors");
    assert_eq!(
        message(b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}"),
        "damaged or incomplete: a safetensors header of 18446744073709551615 bytes, but 2 bytes follow its length"
    );
    let long = with_header(&format!("{{}}{}", " ".repeat(1 << 20)), b"");
    assert_eq!(
        message(&long),
        "damaged or incomplete: a safetensors header of 1048578 bytes; expected at most 1048576"
    );
    let tensor = |shape: &str, from: u64, to: u64| {
        format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}}}"#)
    };
    for (json, data, expected) in [
        ("{", 0, "the safetensors header: EOF"),
        ("{}  x", 0, "the safetensors header: trailing characters"),
        ("[1]", 0, "the safetensors header: "),
        (tensor("[2,2]", 0, 16).as_str(), 15, "15 bytes of numbers follow the safetensors header, which announces 16"),
        (&tensor("[2,2]", 0, 16), 17, "17 bytes of numbers follow"),
        (&tensor("[2,2]", 0, 20), 20, "the safetensors header: invalid shape, data type, or offset"),
        (&tensor("[2,2]", 4, 20), 20, "the safetensors header: invalid offset for tensor `a`"),
        (&tensor("[2,2]", 16, 0), 16, "the safetensors header: invalid offset"),
        (&tensor("[4611686018427387904,4]", 0, 0), 0, "the safetensors header: overflow"),
        (&tensor("[-1]", 0, 4), 4, "the safetensors header: "),
        (&tensor("[4294967296,1073741824]", 0, u64::MAX), 0, "the safetensors header: "),
        (
            r#"{"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}}"#,
            3,
            "the safetensors header: ",
        ),
        (
            r#"{"a":{"dtype":"U8","shape":[2305843009213693951],"data_offsets":[0,2305843009213693951]}}"#,
            3,
            "3 bytes of numbers follow the safetensors header, which announces 2305843009213693951",
        ),
    ] {
        let found = message(&with_header(json, &vec![0; data]));
        assert!(found.starts_with(&format!("damaged or incomplete: {expected}")), "{found}");
    }
    // Tensors that end just below 2⁶⁴, so that the length of the file would be beyond it.
    let step = (1_u64 << 61) - 1;
    let each = (0..8).map(|n| {
        format!(r#""{n}":{{"dtype":"U8","shape":[{step}],"data_offsets":[{},{}]}}"#, n * step, (n + 1) * step)
    });
    let json = format!("{{{}}}", each.collect::<Vec<_>>().join(","));
    assert!(message(&with_header(&json, b"")).ends_with("which announces 18446744073709551608"));
    // A network of a terabyte.
    let huge = with_header(r#"{"a":{"dtype":"F32","shape":[4194304,65536],"data_offsets":[0,1099511627776]}}"#, b"");
    assert!(message(&huge).contains("which announces 1099511627776"));

    // .npy: a header that announces more than there is, in a shape that a network may have, and in others.
    let header = |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let pair = |first: &str, second: &str, data: usize| {
        let array = |shape| npy_of(&header(shape), &vec![0; data]);
        [files.write("1.npy", &array(first)), files.write("2.npy", &array(second))]
    };
    let message_of = |paths: &[PathBuf]| import(paths, &Roles::default(), Input::RAW).unwrap_err().to_string();
    let found = message_of(&pair("(65536, 8000)", "(8000, 10)", 160));
    assert!(found.ends_with("1.npy: 160 bytes of numbers; [65536, 8000] takes 2097152000"), "{found}");
    let found = message_of(&pair("(65536, 4000000000)", "(4000000000, 10)", 160));
    assert!(found.starts_with("these tensors have 4000000000 hidden units; this network takes 1 to "), "{found}");
    let found = message_of(&pair("(18446744073709551615, 4)", "(4, 10)", 160));
    assert_eq!(found, "these tensors have 18446744073709551615 inputs; a network takes 1 to 65536");
    let found = message_of(&pair("(5, 4)", "(4, 10)", 81));
    assert!(found.ends_with("1.npy: 81 bytes of numbers; [5, 4] takes 80"), "{found}");
    let same = files.write("1.npy", &npy_of(&header("(5, 4)"), &[0; 80]));
    let error = TensorFiles::open(&[&same, &same], FileAccess::Map).unwrap_err().to_string();
    assert!(error.ends_with("1.npy: another tensor has the same name"), "{error}");
    let cut = files.write("cut.npy", &npy_of(&header("(5, 4)"), &[])[..40]);
    let error = TensorFiles::open(&[cut], FileAccess::Map).unwrap_err().to_string();
    assert!(error.ends_with("cut.npy: the .npy header is incomplete"), "{error}");
}

#[test]
fn lying_archives_are_refused() {
    let files = Files::new();
    let message = |bytes: &[u8]| files.import(bytes, &Roles::default(), Input::RAW).unwrap_err().to_string();
    let header = |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let array = |shape: &str, data: usize| npy_of(&header(shape), &vec![0; data]);
    let w2 = ("w2.npy".to_string(), array("(4, 3)", 48));
    for deflate in [false, true] {
        // The array's header against what the archive says.
        let image = zip(&[("w1.npy".into(), array("(5, 4)", 84)), w2.clone()], deflate);
        assert_eq!(message(&image), "tensor w1: 84 bytes of numbers; [5, 4] takes 80");
        // Every byte of the archive but the names, the times and the like, changed, is found or does not matter.
        let net = Net::new([5, 4, 3], (true, true));
        let image = npz(&net.tensors(Layout::InOut, vec_of), "<f4", false, deflate);
        let good = files.import(&image, &Roles::default(), Input::RAW).map(|it| Net::of(&it)).unwrap();
        let mut refused = 0;
        for place in (0..image.len()).step_by(3) {
            let mut image = image.clone();
            image[place] ^= 0x41;
            match files.import(&image, &Roles::default(), Input::RAW) {
                Ok(imported) => assert_eq!(Net::of(&imported), good, "{place}"),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > image.len() / 6, "{refused} of {}", image.len());
        for len in (0..image.len()).step_by(7) {
            files.import(&image[..len], &Roles::default(), Input::RAW).unwrap_err();
        }
    }
    // A bomb: half a gigabyte of zeros in half a megabyte, and an array's header that does not announce them.
    let mut bomb = npy_of(&header("(5, 4)"), &[]);
    bomb.resize(1 << 24, 0);
    let image = zip(&[("w1.npy".into(), bomb), w2.clone()], true);
    assert!(image.len() < 1 << 16);
    assert_eq!(message(&image), format!("tensor w1: {} bytes of numbers; [5, 4] takes 80", (1 << 24) - 128));
    // One whose header does announce them: what is large is looked at before anything is inflated, whichever tensor it is.
    let zeros = array("(65536, 300)", 65536 * 300 * 4);
    let image = zip(&[("w1.npy".into(), zeros), ("w2.npy".into(), array("(300, 3)", 3600))], true);
    let most = "which may stand for at most 16777216: save the array without compression (numpy.savez)";
    let found = message(&image);
    assert!(found.starts_with("tensor w1: 78643328 bytes out of ") && found.ends_with(most), "{found}");
    let mut damaged = image[..image.len() / 2].to_vec();
    damaged[1000..30_000].fill(0);
    let damaged = [&damaged, &image[image.len() / 2..]].concat();
    assert_eq!(message(&damaged), found);
    // What is damaged comes before what a damaged number is.
    let nan = npy_of(&header("(5, 4)"), bytes(&[f64::NAN; 20], "F32").as_slice());
    let mut image = zip(&[("w1.npy".into(), nan), w2.clone()], false);
    assert_eq!(message(&image), "tensor w1: the number at [0, 0] is NaN; expected a finite f32 number");
    let at = image.windows(4).position(|it| it == f32::NAN.to_le_bytes()).unwrap();
    image[at + 20] ^= 1;
    assert!(message(&image).contains("checksum"), "{}", message(&image));
    // Names in the archive are looked for, not opened.
    let image = zip(&[("../../w1.npy".into(), array("(5, 4)", 80)), w2], false);
    let path = files.write("up.npz", &image);
    let names: Vec<_> =
        TensorFiles::open(&[path], FileAccess::Read).unwrap().infos().map(|it| it.name.clone()).collect();
    assert_eq!(names[1], "w2");
    let many: Vec<_> = (0..1001).map(|n| (format!("{n}.npy"), array("(1,)", 4))).collect();
    assert_eq!(message(&zip(&many, false)), "damaged or incomplete: more than 1000 entries in the ZIP archive");
}

#[test]
fn what_is_exported_is_imported_again_to_the_bit() {
    let files = Files::new();
    for biases in [(false, false), (true, true)] {
        let mut net = Net::new([784, 130, 10], biases);
        // Numbers that lose something in any other type than f32 and f64, the smallest and the largest among them.
        let odd = [f32::MIN_POSITIVE / 8.0, -0.0, f32::MAX, 1.0 / 3.0, -1.0e-45, f32::MIN];
        net.w1.iter_mut().zip(odd.into_iter().cycle()).for_each(|(to, it)| *to = it.into());
        let image = safetensors(&net.tensors(Layout::OutIn, vec_of), "F32");
        let imported = files.import(&image, &Roles::default(), Input::RAW).unwrap();
        for format in ExportFormat::ALL {
            let path = files.0.path().join(format!("out.{}", format.name()));
            export(&path, format, imported.weights.view()).unwrap();
            let bytes = fs::read(&path).unwrap();
            export(&path, format, imported.weights.view()).unwrap();
            assert!(fs::read(&path).unwrap() == bytes, "the same weights give the same bytes");
            let again = import(&[path], &Roles::default(), Input::RAW).unwrap();
            let bits = |net: Net| -> Vec<u64> {
                [Some(net.w1), net.b1, Some(net.w2), net.b2].into_iter().flatten().flatten().map(f64::to_bits).collect()
            };
            assert_eq!(bits(Net::of(&again)), bits(net.clone()));
            let names: Vec<_> = again.tensors.iter().map(ToString::to_string).collect();
            let expected: &[&str] = match (format, biases.0) {
                (ExportFormat::Safetensors, false) => &["fc1.weight [130, 784]", "fc2.weight [10, 130]"],
                (ExportFormat::Safetensors, true) => {
                    &["fc1.weight [130, 784]", "fc1.bias [130]", "fc2.weight [10, 130]", "fc2.bias [10]"]
                }
                (_, false) => &["w1 [784, 130]", "w2 [130, 10]"],
                (_, true) => &["w1 [784, 130]", "b1 [130]", "w2 [130, 10]", "b2 [10]"],
            };
            assert_eq!(names, expected);
            if format == ExportFormat::Safetensors {
                // By the format's own crate.
                let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
                assert_eq!(theirs.len(), expected.len());
                let w1 = theirs.tensor("fc1.weight").unwrap();
                assert_eq!((w1.dtype(), w1.shape()), (safetensors::Dtype::F32, &[130, 784][..]));
                assert!(w1.data() == self::bytes(&transposed(&net.w1, 784, 130), "F32"));
                let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
                let note = metadata.metadata().clone().unwrap();
                assert_eq!((note["format"].as_str(), note["input"].as_str()), ("pt", "pixels 0..255, not scaled"));
                assert_eq!((u64::from_le_bytes(bytes[..8].try_into().unwrap()) % 8), 0);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0..5) {
        let magic: &[u8] = match kind {
            0 => b"\x93NUMPY\x01\x00\x40\x00",
            1 => b"PK\x03\x04",
            2 => b"\x40\x00\x00\x00\x00\x00\x00\x00{",
            _ => b"",
        };
        let len = magic.len().min(bytes.len());
        bytes[..len].copy_from_slice(&magic[..len]);
        let _ = check(&bytes);
    }

    /// Damage in the middle of a file that is otherwise good goes deeper.
    #[test]
    fn no_damage_makes_a_reader_panic(
        which in 0..5_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let tensors = Net::new([5, 4, 3], (true, true)).tensors(Layout::OutIn, vec_of);
        let mut bytes = match which {
            0 => safetensors(&tensors, "F32"),
            1 => npz(&tensors, "<f4", true, false),
            2 => npz(&tensors, ">f8", false, true),
            3 => npy(&tensors[0], "<f2", true),
            _ => safetensors(&tensors, "F16"),
        };
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = check(&bytes);
    }
}
