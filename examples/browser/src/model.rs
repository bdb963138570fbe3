//! The page's model: a file in memory that is opened, changed where it lies, and saved.
#![expect(unsafe_code, reason = "exported functions have names that must be unique")]

use crate::Shared;
use crate::samples::PIXELS;
use twolayer::model::{Details, HEADER_LEN};
use twolayer::{
    AnyOutputs, Backend, Confidence, Kind, Model, Network, QuantizedNetwork, Shape, SizeError, Weights, WeightsMut,
    deslant, halve, model, weights_hash,
};

/// Columns and rows of the network's input.
pub(crate) const INPUT: u32 = 28;
/// What there is memory for.
pub(crate) const LARGEST: Shape = match Shape::new(PIXELS, 2048, 10) {
    Ok(shape) => match shape.with_biases().with_deslanted_images([28, 28]) {
        Ok(shape) => shape,
        Err(_) => panic!("sides"),
    },
    Err(_) => panic!("a shape"),
};
/// Words of a model file, with the longest text.
const WORDS: usize = HEADER_LEN / 4 + LARGEST.weights_len() + 1024;
/// Words of scratch for one image. It is enough for any network of so many hidden units, since only the inputs count.
pub(crate) const SCRATCH: usize = 1 << 14;
const _: () = assert!(Network::scratch_len(LARGEST) <= SCRATCH, "enough scratch");

static FILE: Shared<[u32; WORDS]> = Shared::new([0; _]);
static OPENED: Shared<Option<Opened>> = Shared::new(None);
static UNIT: Shared<[f32; PIXELS]> = Shared::new([0.0; _]);

/// A model whose payload lies in the file.
#[derive(Clone, Copy)]
pub(crate) struct Opened {
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    /// The bytes of its payload, which follow the header.
    payload: usize,
    pub(crate) confidence: Option<Confidence>,
}

/// The network of an opened model.
pub(crate) enum AnyNetwork<'a> {
    F32(Network<'a>),
    Integer(QuantizedNetwork<'a, true>),
}

impl AnyNetwork<'_> {
    pub(crate) fn outputs<'s>(&self, image: &[u8], scratch: &'s mut [u32]) -> Result<AnyOutputs<'s>, SizeError> {
        Ok(match self {
            Self::F32(network) => AnyOutputs::F32(network.outputs(image, bytemuck::cast_slice_mut(scratch))?),
            Self::Integer(network) => AnyOutputs::Integer(network.outputs(image, scratch)?),
        })
    }
}

impl Opened {
    /// An f32 network of this shape, whose weights are those in the file.
    pub(crate) const fn of(shape: Shape) -> Self {
        Self { kind: Kind::F32, shape, payload: size_of::<f32>() * shape.weights_len(), confidence: None }
    }

    fn payload(self, file: &[u32]) -> &[u8] {
        bytemuck::cast_slice(file).get(HEADER_LEN..).and_then(|rest| rest.get(..self.payload)).unwrap_or_default()
    }

    pub(crate) fn weights(self, file: &[u32]) -> Option<Weights<'_>> {
        Weights::new(self.shape, bytemuck::cast_slice(self.payload(file))).ok().filter(|_| self.kind == Kind::F32)
    }

    pub(crate) fn weights_mut(self, file: &mut [u32]) -> Option<WeightsMut<'_>> {
        let numbers = bytemuck::cast_slice_mut(file).get_mut(HEADER_LEN / 4..)?.get_mut(..self.payload / 4)?;
        WeightsMut::new(self.shape, numbers).ok().filter(|_| self.kind == Kind::F32)
    }

    pub(crate) fn network(self, file: &[u32]) -> Option<AnyNetwork<'_>> {
        match self.kind {
            Kind::F32 => Some(AnyNetwork::F32(Network::new(self.weights(file)?, Backend::baseline()))),
            Kind::Quantized(bits) => {
                QuantizedNetwork::any(self.shape, bits, self.payload(file)).ok().map(AnyNetwork::Integer)
            }
        }
    }

    /// Writes what the second layer sees of an image, one number a hidden unit: h, as the outputs are made of it.
    pub(crate) fn hidden(self, file: &[u32], image: &[u8], scratch: &mut [u32], hidden: &mut [f32]) -> Option<()> {
        let hidden = hidden.get_mut(..self.shape.hidden())?;
        let weights = match self.network(file)? {
            AnyNetwork::Integer(network) => {
                let mut bytes = [0; LARGEST.hidden()];
                let bytes = bytes.get_mut(..hidden.len())?;
                network.hidden(image, scratch, bytes).ok()?;
                hidden.iter_mut().zip(bytes).for_each(|(hidden, byte)| *hidden = (*byte).into());
                return Some(());
            }
            AnyNetwork::F32(_) => self.weights(file)?,
        };
        let (mut upright, mut halved) = ([0; PIXELS], [0; PIXELS / 4]);
        let mut input = image;
        if let Some([width, _]) = self.shape.deslanted_image() {
            deslant(input, width, &mut upright).ok()?;
            input = &upright;
        }
        if let Some([width, _]) = self.shape.halved_image() {
            halve(input, width, &mut halved).ok()?;
            input = &halved;
        }
        for (unit, hidden) in hidden.iter_mut().enumerate() {
            let inked = input.iter().enumerate().filter(|(_, pixel)| **pixel > 0);
            let start = weights.b1(unit).unwrap_or_default();
            let sum = |sum, (input, pixel): (usize, &u8)| {
                sum + f32::from(*pixel) * weights.w1(input, unit).unwrap_or_default()
            };
            *hidden = inked.fold(start, sum).max(0.0);
        }
        Some(())
    }
}

/// The model, and the file it lies in.
pub(crate) fn opened() -> (&'static mut Option<Opened>, &'static mut [u32; WORDS]) {
    (OPENED.lend(), FILE.lend())
}

/// Where the page puts a model file, and where the model lies.
#[unsafe(no_mangle)]
pub extern "C" fn file() -> *const u8 {
    FILE.address().cast()
}

/// The most bytes of a model file.
#[unsafe(no_mangle)]
pub extern "C" fn file_most() -> usize {
    size_of::<[u32; WORDS]>()
}

/// Takes the model file of `len` bytes: 0; −1 if it is no model file, or a damaged one, −2 if its input is not 28 × 28, −3 if its outputs
/// are not ten, −4 if it has more hidden units than there is room for. There is no model then.
#[unsafe(no_mangle)]
pub extern "C" fn open(len: usize) -> i32 {
    let (opened, file) = opened();
    *opened = None;
    let Some(Ok(found)) = bytemuck::cast_slice(file).get(..len).map(checked) else { return -1 };
    match found.shape {
        shape if shape.pixels() != PIXELS => -2,
        shape if shape.outputs() != 10 => -3,
        shape if shape.hidden() > LARGEST.hidden() => -4,
        _ => {
            *opened = Some(found);
            0
        }
    }
}

/// A model file whose every part is sound.
fn checked(file: &[u8]) -> Result<Opened, model::ModelError> {
    let model = Model::from_bytes(file)?;
    model.details()?;
    match model.kind() {
        Kind::F32 => model.weights().map(|_| ())?,
        Kind::Quantized(_) => model.quantized_any().map(|_| ())?,
    }
    let (kind, shape, payload) = (model.kind(), model.shape(), model.payload().len());
    Ok(Opened { kind, shape, payload, confidence: model.confidence() })
}

/// Writes the header of the model as it is, with a text of `text` bytes that the page put behind the payload: the bytes of the file,
/// or 0 if there is no model or the text is too long. A table of confidence in the text is the model's from now on.
#[unsafe(no_mangle)]
pub extern "C" fn seal(text: usize) -> usize {
    let (Some(opened), file) = opened() else { return 0 };
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(file);
    let Some((header, rest)) = bytes.split_first_chunk_mut::<HEADER_LEN>() else { return 0 };
    let Some((payload, text)) =
        rest.get(..opened.payload + text).and_then(|rest| rest.split_at_checked(opened.payload))
    else {
        return 0;
    };
    let Ok(words) = core::str::from_utf8(text) else { return 0 };
    let details = Details { image: None, text: words };
    let Ok(made) = model::header(opened.kind, opened.shape, details, payload) else { return 0 };
    opened.confidence = details.confidence();
    *header = made;
    HEADER_LEN + payload.len() + text.len()
}

/// The hash of f32 weights, as `twolayer train` prints it; 0 for others.
#[unsafe(no_mangle)]
pub extern "C" fn hash() -> u64 {
    let (opened, file) = opened();
    opened.and_then(|opened| opened.weights(file)).map_or(0, weights_hash)
}

/// Puts the weights from the inputs to a hidden unit at the address that it gives, f32, one for each input.
#[unsafe(no_mangle)]
pub extern "C" fn unit(unit: usize) -> *const f32 {
    let (opened, file) = opened();
    if let Some((opened, network)) = opened.and_then(|opened| Some((opened, opened.network(file)?))) {
        let weights = opened.weights(file);
        let weight = |input| match &network {
            AnyNetwork::F32(_) => weights.and_then(|weights| weights.w1(input, unit)),
            AnyNetwork::Integer(network) => network.w1(input, unit).map(f32::from),
        };
        let inputs = UNIT.lend().iter_mut().enumerate().take(opened.shape.inputs());
        inputs.for_each(|(input, number)| *number = weight(input).unwrap_or_default());
    }
    UNIT.address().cast()
}
