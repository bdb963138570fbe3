//! A model file that is part of the program: aligned, and its header checked while the program is compiled.

use super::header::Header;
use super::{HeaderError, Kind, Model, ModelError, payload_len};
use crate::net::Shape;

/// Includes a model file: a constant [`Model`]. The path is relative to the source file, as for [`include_bytes!`].
///
/// The bytes are aligned as networks need it. A file that is not a model of this version, or whose header or length is wrong,
/// stops the compiler; so its sizes are constants. Not checked is the checksum of the weights, whether the
/// memory still holds what was compiled: [`Model::verify`] does that.
///
/// So does a model of another kind than the program asks for:
///
/// | | takes | which is asked by |
/// |---|---|---|
/// | `include_model!("m.twolayer")` | plain integer networks | [`Model::quantized`] |
/// | `include_model!(any "m.twolayer")` | those with biases, and those that deslant or halve their images, as well | [`Model::quantized_any`] |
/// | `include_model!(f32 "m.twolayer")` | f32 weights | [`Model::network`] |
///
/// ```
/// use twolayer::{Answer, Model, include_model};
///
/// const DIGITS: Model<'_> = include_model!("../../tests/models/int8");
/// static mut SCRATCH: [u32; DIGITS.scratch_len()] = [0; DIGITS.scratch_len()];
///
/// fn classify(image: &[u8; DIGITS.shape().pixels()]) -> Option<u8> {
///     // SAFETY: nothing else uses the scratch; do not call this from an interrupt.
///     let scratch = unsafe { &mut *(&raw mut SCRATCH) };
///     Some(Answer::of(DIGITS.quantized().ok()?.outputs(image, scratch).ok()?).class)
/// }
/// assert_eq!(classify(&[0; 3]), Some(0));
/// ```
///
/// ```compile_fail
/// const DIGITS: twolayer::Model<'_> = twolayer::include_model!("../lib.rs");
/// ```
///
/// ```compile_fail
/// // It has biases.
/// const DIGITS: twolayer::Model<'_> = twolayer::include_model!("../../tests/models/biased-int8");
/// ```
#[macro_export]
macro_rules! include_model {
    (any $path:expr) => { $crate::include_model!(@ Any, $path) };
    (f32 $path:expr) => { $crate::include_model!(@ F32, $path) };
    (@ $takes:ident, $path:expr) => {
        const {
            // A row of weights is 16 bytes: none lies in two lines of a cache.
            #[repr(C, align(16))]
            struct Aligned<T: ?Sized>(T);
            static MODEL: &Aligned<[u8]> = &Aligned(*include_bytes!($path));
            match $crate::Model::included(&MODEL.0, $crate::model::Takes::$takes) {
                Ok(model) => model,
                Err(error) => panic!("{}", error),
            }
        }
    };
    ($path:expr) => { $crate::include_model!(@ Plain, $path) };
}

/// The networks that [`include_model!`] takes.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    Plain,
    Any,
    F32,
}

impl Takes {
    /// Checks that a network of this kind and shape is among them.
    const fn check(self, kind: Kind, shape: Shape) -> Result<(), &'static str> {
        let is_plain = !shape.has_biases() && shape.prepared_image().is_none();
        match (self, kind) {
            (Self::Plain, Kind::Quantized(_)) if is_plain => Ok(()),
            (Self::Any, Kind::Quantized(_)) | (Self::F32, Kind::F32) => Ok(()),
            (Self::Plain, Kind::Quantized(_)) => Err(
                "the network has biases, or deslants or halves its images: write include_model!(any \"…\"), and ask quantized_any()",
            ),
            (Self::Plain | Self::Any, Kind::F32) => Err(
                "f32 weights: `twolayer quantize` makes integers of them; or write include_model!(f32 \"…\"), and ask network()",
            ),
            (Self::F32, Kind::Quantized(_)) => {
                Err("integer weights: write include_model!(any \"…\"), and ask quantized_any()")
            }
        }
    }
}

impl Model<'static> {
    /// For [`include_model!`].
    #[doc(hidden)]
    pub const fn included(bytes: &'static [u8], takes: Takes) -> Result<Self, &'static str> {
        let Some((header, behind)) = bytes.split_first_chunk() else {
            return Err("not a twolayer model: the file is shorter than a header of 64 bytes");
        };
        let Header { kind, shape, payload_len: found } = match Header::parse(header, behind.len()) {
            Ok(header) => header,
            Err(error) => return Err(text(error)),
        };
        if let Err(error) = takes.check(kind, shape) {
            return Err(error);
        }
        match payload_len(kind, shape) {
            Ok(expected) if expected == found => {}
            Ok(_) => return Err("a damaged model: the weights are not as many as its sizes ask for"),
            Err(_) => return Err("a damaged model: no quantised network has these sizes"),
        }
        Ok(Self { kind, shape, payload: behind.split_at(found).0, bytes })
    }
}

/// What the compiler says of a model that is none.
const fn text(error: ModelError) -> &'static str {
    match error {
        ModelError::Header(HeaderError::Magic { .. }) => "not a twolayer model: the file does not begin with TWOLAYER",
        ModelError::Header(HeaderError::Version { .. }) => {
            "a twolayer model of another version: update this crate, or write the model again"
        }
        ModelError::Header(HeaderError::Checksum { .. }) => "a damaged model: the header's checksum is wrong",
        ModelError::Header(HeaderError::Kind { .. }) => "a model of an unknown kind: update this crate",
        ModelError::Header(HeaderError::Reserved { .. } | HeaderError::Flags { .. }) => {
            "a model that asks for more than this version of the crate knows"
        }
        ModelError::Size(_) => "a damaged model: no network has these sizes",
        ModelError::Length { .. } => "a damaged model: the file is longer or shorter than its header says",
        _ => "a damaged model: its header is wrong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::int::{PayloadError, QuantizedNetwork};
    use crate::model::HEADER_LEN;
    use crate::net::Network;
    use crate::simd::Backend;

    const INT8: Model<'_> = include_model!("../../tests/models/int8");
    const INT4: Model<'_> = include_model!("../../tests/models/int4");
    const BIASED: Model<'_> = include_model!(any "../../tests/models/biased-int8");
    const F32: Model<'_> = include_model!(f32 "../../tests/models/biased");
    static SCRATCH: [u32; INT8.scratch_len()] = [0; INT8.scratch_len()];
    const ALL: [(Model<'_>, Takes); 4] =
        [(INT8, Takes::Plain), (INT4, Takes::Any), (BIASED, Takes::Any), (F32, Takes::F32)];

    #[test]
    fn it_is_the_model_of_the_file() {
        for (included, takes) in ALL {
            let model = Model::from_bytes(included.bytes()).unwrap();
            assert_eq!(included.verify(), Ok(()));
            let mut damaged = included.bytes().to_vec();
            damaged[HEADER_LEN + 1] ^= 1;
            let damaged = Model::included(damaged.leak(), takes).unwrap().verify();
            assert!(matches!(damaged, Err(ModelError::Checksum { .. })), "{damaged:?}");
            assert_eq!((included.kind(), included.shape()), (model.kind(), model.shape()));
            assert_eq!(included.payload(), model.payload());
            assert!(included.bytes().as_ptr().addr().is_multiple_of(16));
        }
        assert_eq!(SCRATCH.len(), QuantizedNetwork::scratch_len(INT8.shape()));
        assert_eq!(F32.scratch_len(), Network::scratch_len(F32.shape()));
        assert!(INT8.quantized().is_ok() && INT4.quantized().is_ok() && BIASED.quantized_any().is_ok());
        assert!(F32.network(Backend::baseline()).is_ok());
        assert_eq!(BIASED.quantized().unwrap_err(), ModelError::Payload(PayloadError::NotPlain));
        assert_eq!(F32.quantized().unwrap_err(), ModelError::WrongKind { found: Kind::F32 });
    }

    /// Each way takes its own networks, and says of the others what to write instead.
    #[test]
    fn a_network_of_another_kind_is_refused_with_the_call_to_use() {
        let plain = "include_model!(any";
        let wanted = [
            (INT8, [None, None, Some(plain)]),
            (INT4, [None, None, Some(plain)]),
            (BIASED, [Some(plain), None, Some(plain)]),
            (F32, [Some("include_model!(f32"), Some("include_model!(f32"), None]),
        ];
        for (model, wanted) in wanted {
            for (takes, wanted) in [Takes::Plain, Takes::Any, Takes::F32].into_iter().zip(wanted) {
                let found = Model::included(model.bytes(), takes).err();
                match (found, wanted) {
                    (None, None) => {}
                    (Some(found), Some(wanted)) if found.contains(wanted) => {}
                    other => panic!("{:?} for {takes:?}: {other:?}", model.kind()),
                }
            }
        }
    }

    /// Every other number in every place of a header, with a right checksum: the compiler refuses at least what is refused
    /// when a model is opened and a network made of it.
    #[test]
    fn it_refuses_what_a_model_refuses() {
        for (included, takes) in ALL {
            for at in 0..HEADER_LEN - 4 {
                for flip in [1, 2, 3, 4, 7, 0x80, 0xFF] {
                    let mut bytes = included.bytes().to_vec();
                    bytes[at] ^= flip;
                    let right = crate::base::crc32(&bytes[..60]);
                    bytes[60..64].copy_from_slice(&right.to_le_bytes());
                    let bytes: &'static [u8] = bytes.leak();
                    // The seeds end where their words do, so that the copy is aligned.
                    let opened = Model::from_bytes(bytes);
                    let made = opened.and_then(|model| match model.kind() {
                        Kind::F32 => model.network(Backend::baseline()).map(drop),
                        Kind::Quantized(_) => model.quantized_any().map(drop),
                    });
                    // The checksum of the weights, and what the weights are, are looked at later.
                    let later = matches!(made, Err(ModelError::Checksum { .. } | ModelError::Filler { .. }));
                    let found = Model::included(bytes, takes);
                    assert_eq!(found.is_ok(), made.is_ok() || later, "byte {at} ^ {flip}: {found:?}, {made:?}");
                }
            }
            for len in 0..included.bytes().len() {
                assert!(Model::included(&included.bytes()[..len], takes).is_err());
            }
            for bit in 480..512 {
                let mut bytes = included.bytes().to_vec();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(Model::included(bytes.leak(), takes).is_err(), "a wrong checksum");
            }
        }
    }
}
