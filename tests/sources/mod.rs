//! Writes pictures with labels in the forms in which data sets are passed on: IDX files, class folders, CSV and `.npz`.

#![allow(dead_code, unreachable_pub, reason = "each test uses what it needs")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use twolayer::host::GreyPicture;

/// Images of `side × side` pixels, and their labels.
#[derive(Clone)]
pub struct Pictures {
    pub side: usize,
    pub images: Vec<Vec<u8>>,
    pub labels: Vec<u8>,
}

impl Pictures {
    /// Built-in digits.
    pub fn digits(range: core::ops::Range<u32>) -> Self {
        let (images, labels) =
            range.map(|index| twolayer::digit(3, index)).map(|(image, it)| (image.to_vec(), it)).unzip();
        Self { side: 28, images, labels }
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn transposed(&self) -> Self {
        let side = self.side;
        let turn = |image: &Vec<u8>| (0..side * side).map(|at| image[at % side * side + at / side]).collect();
        Self { images: self.images.iter().map(turn).collect(), ..self.clone() }
    }

    pub fn inverted(&self) -> Self {
        let images = self.images.iter().map(|image| image.iter().map(|pixel| 255 - pixel).collect()).collect();
        Self { images, ..self.clone() }
    }

    /// The images and the labels as IDX files.
    pub fn idx(&self) -> [Vec<u8>; 2] {
        let [count, side] = [self.len(), self.side].map(|it| u32::try_from(it).unwrap().to_be_bytes());
        let images = [&[0, 0, 8, 3], &count[..], &side, &side, &self.images.concat()].concat();
        [images, [&[0, 0, 8, 1], &count[..], &self.labels].concat()]
    }

    /// As CSV, with or without a header, and with the label first or last.
    pub fn csv(&self, header: bool, first: bool) -> String {
        let row = |label: String, pixels: Vec<String>| {
            let row = if first { [vec![label], pixels].concat() } else { [pixels, vec![label]].concat() };
            row.join(",") + "\n"
        };
        let names = (0..self.side * self.side).map(|it| format!("pixel{it}")).collect();
        let mut text = if header { row("label".into(), names) } else { String::new() };
        for (image, label) in self.images.iter().zip(&self.labels) {
            text += &row(label.to_string(), image.iter().map(ToString::to_string).collect());
        }
        text
    }

    /// As class folders of PNG files, which are named by their places.
    pub fn folders(&self, directory: &Path, name: impl Fn(u8) -> String) {
        let side = u32::try_from(self.side).unwrap();
        for (place, (image, &label)) in self.images.iter().zip(&self.labels).enumerate() {
            let folder = directory.join(name(label));
            fs::create_dir_all(&folder).unwrap();
            let picture = GreyPicture::new("x", image.clone(), side, side).unwrap();
            picture.write_png(&folder.join(format!("{place}.png"))).unwrap();
        }
    }

    /// The images as an array of bytes.
    pub fn array(&self) -> Vec<u8> {
        let [count, side] = [self.len(), self.side];
        npy("|u1", &[count, side, side], &self.images.concat())
    }
}

/// Writes a training set and a test set as four files of these names.
pub fn write_idx(directory: &Path, names: &[String; 4], train: &Pictures, test: &Pictures) {
    let files = [train.idx(), test.idx()].concat();
    for (name, bytes) in names.iter().zip(files) {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let gz = path.extension().is_some_and(|it| it == "gz");
        fs::write(path, if gz { gzip(&bytes) } else { bytes }).unwrap();
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An array as `numpy.save` writes it.
pub fn npy(type_name: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    npy_in_order(type_name, shape, bytes, "False")
}

pub fn npy_in_order(type_name: &str, shape: &[usize], bytes: &[u8], fortran: &str) -> Vec<u8> {
    let sizes = shape.iter().fold(String::new(), |list, size| list + &size.to_string() + ", ");
    let mut text = format!("{{'descr': '{type_name}', 'fortran_order': {fortran}, 'shape': ({sizes}), }}");
    text = text.replace(", )", ",)");
    text += &" ".repeat(63 - (10 + text.len()) % 64);
    text.push('\n');
    let len = u16::try_from(text.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &len[..], text.as_bytes(), bytes].concat()
}

/// A ZIP archive of these files, deflated or stored.
pub fn zip(files: &[(&str, Vec<u8>)], deflated: bool) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        let packed = if deflated { encoder.finish().unwrap() } else { bytes.clone() };
        let offset = u32::try_from(archive.len()).unwrap();
        let sizes = [packed.len(), bytes.len()].map(|len| u32::try_from(len).unwrap().to_le_bytes()).concat();
        let method = if deflated { 8_u16 } else { 0 }.to_le_bytes();
        let name_len = u16::try_from(name.len()).unwrap().to_le_bytes();
        let crc = twolayer::crc32(bytes).to_le_bytes();
        let common = [&[20, 0, 0, 0][..], &method, &[0; 4], &crc, &sizes, &name_len, &[0, 0]].concat();
        archive.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &packed].concat());
        let tail = [&[0; 10][..], &offset.to_le_bytes(), name.as_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &tail].concat());
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let [size, start] = [directory.len(), archive.len()].map(|len| u32::try_from(len).unwrap().to_le_bytes());
    archive.extend(directory);
    archive.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &start, &[0, 0]].concat());
    archive
}

/// An archive as Keras has it.
pub fn keras(train: &Pictures, test: &Pictures) -> Vec<u8> {
    let labels = |of: &Pictures| npy("|u1", &[of.len()], &of.labels);
    let files = [("x_test.npy", test.array()), ("x_train.npy", train.array())];
    zip(&[&files[..], &[("y_train.npy", labels(train)), ("y_test.npy", labels(test))]].concat(), true)
}
