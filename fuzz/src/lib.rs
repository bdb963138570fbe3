//! What the targets share: choices made by a fuzzer's bytes, sound models, and checksums put right.

#[path = "../../tests/payload/mod.rs"]
mod payload;

use payload::Payload;
use std::io::Read;
use twolayer::host::Quantized;
use twolayer::int::QuantizedNetwork;
use twolayer::model::{Details, HEADER_LEN, header};
use twolayer::{Answer, Backend, Bits, Kind, Model, Network, Shape, WeightsMut, crc32};

/// Choices made by bytes, which are taken over and over.
#[derive(Clone, Debug)]
pub struct Draw<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Draw<'a> {
    /// `None` where there is nothing to draw from.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (!bytes.is_empty()).then_some(Self { bytes, at: 0 })
    }

    pub fn byte(&mut self) -> u8 {
        let byte = self.bytes[self.at];
        self.at = (self.at + 1) % self.bytes.len();
        byte
    }

    /// From 0 to `end − 1`.
    pub fn below(&mut self, end: usize) -> usize {
        let wide = if end > 256 { 256 * usize::from(self.byte()) } else { 0 };
        (wide + usize::from(self.byte())) % end
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    pub fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.byte()).collect()
    }

    /// Hidden units: some, now and then about as many as fill a panel, or two.
    pub fn units(&mut self) -> usize {
        match self.byte() {
            few @ 0..220 => 1 + usize::from(few) % 40,
            more @ 220..250 => 120 + usize::from(more) % 20,
            most @ 250.. => 250 + usize::from(most),
        }
    }

    /// A weight: mostly small and no round number, so that there is something to round; now and then any.
    pub fn weight(&mut self) -> f32 {
        match self.byte() {
            0 => 0.0,
            1..24 => f32::from_bits(self.word()),
            byte => f32::from(byte.cast_signed()) * 0.000_701_3,
        }
    }
}

/// Any sound payload of integers, for any shape.
pub fn payload(draw: &mut Draw, shape: Shape, bits: Bits) -> Quantized {
    let shift = 1 + draw.byte() % 24;
    let payload = Payload::new(shape, bits, shift, || draw.byte());
    Quantized::new(shape, bits, payload.bytes()).expect("a sound payload")
}

/// Any small shape of so many hidden units, for images of some sides.
pub fn shape(draw: &mut Draw, hidden: usize) -> (Shape, [u16; 2]) {
    let columns = 1 + draw.byte() % 12;
    let (rows, outputs) = (1 + draw.byte() % 3, 1 + draw.below(12));
    let shape = Shape::new(usize::from(columns) * usize::from(rows), hidden, outputs).expect("a small shape");
    let flags = draw.byte();
    let shape = if flags & 1 != 0 { shape.with_biases() } else { shape };
    let [columns, rows] = [columns.into(), rows.into()];
    let halves = flags & 2 != 0;
    let sides = if halves { [2 * columns, 2 * rows] } else { [columns, rows] };
    let shape = if halves { shape.with_halved_images(sides).expect("even sides") } else { shape };
    (if flags & 4 != 0 { shape.with_deslanted_images(sides).expect("short sides") } else { shape }, sides)
}

/// Whether a network has neither biases nor anything to do with its images first.
fn is_plain(shape: Shape) -> bool {
    !shape.has_biases() && shape.prepared_image().is_none()
}

/// A sound model file of any kind and version.
pub fn model(draw: &mut Draw) -> Vec<u8> {
    let hidden = draw.units();
    let (shape, sides) = shape(draw, hidden);
    let (kind, payload) = match draw.below(3) {
        0 => {
            let mut numbers = vec![0.0; shape.weights_len()];
            let mut weights = WeightsMut::new(shape, &mut numbers).expect("whole weights");
            weights.fill_with(|| Some(draw.weight()).filter(|weight| weight.is_finite()).unwrap_or(-1e-3));
            (Kind::F32, numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
        }
        1 => (Kind::Quantized(Bits::Eight), payload(draw, shape, Bits::Eight).payload().to_vec()),
        _ => (Kind::Quantized(Bits::Four), payload(draw, shape, Bits::Four).payload().to_vec()),
    };
    let says = draw.byte();
    let text: String = match says % 8 {
        0 | 2 | 4 => String::new(),
        6 => confidence(draw),
        _ => draw.bytes(9).into_iter().map(char::from).collect(),
    };
    let details = Details { image: (says & 2 != 0).then_some(sides), text: &text };
    let header = header(kind, shape, details, &payload).expect("a header");
    [&header[..], &payload, text.as_bytes()].concat()
}

/// A table of confidence, mostly one that rises.
fn confidence(draw: &mut Draw) -> String {
    let (mut margin, mut percent) = (0, 0);
    let mut step = || {
        let step = format!("{margin} {percent}");
        (margin, percent) = (margin + draw.below(1 << 28), percent + draw.below(12));
        step
    };
    let steps: Vec<_> = (0..12).map(|_| step()).collect();
    let len = 1 + draw.below(11);
    format!("confidence: {}", steps[..len].join(" | "))
}

/// Changes some bytes of a file, the header's rather than others; rarely its length too.
pub fn damage(draw: &mut Draw, file: &mut Vec<u8>) {
    for _ in 0..draw.below(4) {
        let among = if draw.one_in(4) { file.len() } else { file.len().min(HEADER_LEN + 20) };
        let at = draw.below(among);
        file[at] = draw.byte();
    }
    match draw.below(24) {
        0 => file.truncate(draw.below(file.len())),
        1 => file.extend(draw.bytes(5)),
        _ => {}
    }
}

/// Puts the checksums of a model file right: no fuzzer guesses them.
pub fn seal(file: &mut [u8]) {
    if file.len() >= HEADER_LEN {
        let crc = crc32(&file[HEADER_LEN..]);
        file[56..60].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32(&file[..60]);
        file[60..64].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Tries bytes and, if they are an archive (ZIP), those with its checksums put right.
pub fn also_sealed(bytes: &[u8], try_all: impl Fn(&[u8])) {
    try_all(bytes);
    if bytes.starts_with(b"PK") {
        let mut bytes = bytes.to_vec();
        seal_archive(&mut bytes);
        try_all(&bytes);
    }
}

/// Puts the checksums and lengths of an archive (ZIP) right, as its central directory has them.
fn seal_archive(file: &mut [u8]) {
    let starts: Vec<usize> = (0..file.len()).filter(|&at| file[at..].starts_with(b"PK\x01\x02")).collect();
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
    for at in starts {
        let Some(record) = file[at..].first_chunk::<46>() else { continue };
        let (deflated, len, local) = (record[10] == 8, number(&record[20..24]), number(&record[42..46]));
        let Some(names) = file.get(local..).and_then(|entry| entry.get(26..30)) else { continue };
        let start = local + 30 + number(&names[..2]) + number(&names[2..]);
        let Some(entry) = file.get(start..).and_then(|rest| rest.get(..len)) else { continue };
        let mut bytes = Vec::new();
        if !deflated {
            bytes.extend_from_slice(entry);
        } else if flate2::read::DeflateDecoder::new(entry).take(1 << 20).read_to_end(&mut bytes).is_err() {
            continue;
        }
        let len = bytes.len() as u32;
        file[at + 16..at + 20].copy_from_slice(&crc32(&bytes).to_le_bytes());
        file[at + 24..at + 28].copy_from_slice(&len.to_le_bytes());
    }
}

/// Any bytes: an error, or a model that is to the bit what would be written for its weights.
pub fn check_model(bytes: &[u8]) {
    let header_only = Model::from_bytes_unverified(bytes);
    let model = Model::from_bytes(bytes);
    match (header_only, model) {
        (Err(one), Err(other)) => assert_eq!(one, other),
        (Ok(model), whole) => assert_eq!(model.verify(), whole.map(|_| ())),
        (Err(error), Ok(_)) => panic!("{error}, but only at times"),
    }
    let model = match model {
        Ok(model) => model,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let (shape, payload) = (model.shape(), model.payload());
    let details = match model.details() {
        Ok(details) => details,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    if let Some([width, height]) = details.image.or(shape.prepared_image()) {
        assert_eq!(usize::from(width) * usize::from(height), shape.pixels());
    }
    if let Some(table) = details.confidence() {
        let steps: Vec<_> = table.steps().collect();
        assert!(steps[0].0 == 0 && steps.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1));
        let text = &twolayer::model::confidence_line(&table);
        assert_eq!(Details { image: None, text }.confidence(), Some(table));
        assert_eq!(model.confidence(), Some(table));
    }
    let written = match header(model.kind(), shape, details, payload) {
        Ok(written) => written,
        // Too few or too many weights, which is found when they are asked for.
        Err(error) => {
            let found = (model.weights().map(|_| ()), model.quantized_any().map(|_| ()));
            assert!(found.0.is_err() && found.1.is_err(), "{error}");
            return;
        }
    };
    let behind = [payload, details.text.as_bytes()].concat();
    // A file of version 2 that says nothing would be written as version 1.
    if bytes[8] == written[8] {
        assert_eq!((&bytes[..HEADER_LEN], &bytes[HEADER_LEN..]), (&written[..], &behind[..]));
    } else {
        let nothing = is_plain(shape) && details == Details::default();
        assert!((bytes[8], written[8], nothing) == (2, 1, true));
    }
    if shape.inputs() > 1000 || shape.hidden() > 1000 {
        return;
    }
    let image: Vec<u8> = (0..shape.pixels()).map(|i| i as u8).collect();
    let plain = model.quantized().is_ok();
    let class = match (model.kind(), model.network(Backend::detect()), model.quantized_any()) {
        (Kind::F32, Ok(network), Err(_)) => {
            assert_eq!((payload.len(), plain), (shape.weights_len() * 4, false));
            let mut scratch = vec![f32::NAN; Network::scratch_len(shape)];
            Answer::of(network.outputs(&image, &mut scratch).expect("outputs")).class
        }
        (Kind::Quantized(bits), Err(_), Ok(network)) => {
            assert_eq!(Ok(payload.len()), QuantizedNetwork::payload_len(shape, bits));
            assert_eq!(plain, is_plain(shape));
            let mut scratch = vec![!0; QuantizedNetwork::scratch_len(shape)];
            Answer::of(network.outputs(&image, &mut scratch).expect("outputs")).class
        }
        (_, Err(f32), Err(quantized)) => {
            return assert!(!f32.to_string().is_empty() && !quantized.to_string().is_empty());
        }
        (kind, f32, quantized) => panic!("a model of {kind} is {f32:?} and {quantized:?}"),
    };
    assert!(usize::from(class) < shape.outputs());
}
