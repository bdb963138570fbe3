//! A model file that is part of the program: aligned, and its header checked while the program is compiled.

use super::header::Header;
use super::{HeaderError, Model, ModelError, payload_len};

/// Includes a model file: a constant [`Model`]. The path is relative to the source file, as for [`include_bytes!`].
///
/// The bytes are aligned as networks need it. A file that is not a model of this version, or whose header or length is wrong,
/// stops the compiler; so its sizes are constants. Not checked is the checksum of the weights, whether the
/// memory still holds what was compiled: [`Model::verify`] does that.
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
#[macro_export]
macro_rules! include_model {
    ($path:expr) => {
        const {
            // A row of weights is 16 bytes: none lies in two lines of a cache.
            #[repr(C, align(16))]
            struct Aligned<T: ?Sized>(T);
            static MODEL: &Aligned<[u8]> = &Aligned(*include_bytes!($path));
            match $crate::Model::included(&MODEL.0) {
                Ok(model) => model,
                Err(error) => panic!("{}", error),
            }
        }
    };
}

impl Model<'static> {
    /// For [`include_model!`].
    #[doc(hidden)]
    pub const fn included(bytes: &'static [u8]) -> Result<Self, &'static str> {
        let Some((header, behind)) = bytes.split_first_chunk() else {
            return Err("not a twolayer model: the file is shorter than a header of 64 bytes");
        };
        let Header { kind, shape, payload_len: found } = match Header::parse(header, behind.len()) {
            Ok(header) => header,
            Err(error) => return Err(text(error)),
        };
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
    use crate::model::{HEADER_LEN, Kind};
    use crate::net::Network;
    use crate::simd::Backend;

    const INT8: Model<'_> = include_model!("../../tests/models/int8");
    const INT4: Model<'_> = include_model!("../../tests/models/int4");
    const BIASED: Model<'_> = include_model!("../../tests/models/biased-int8");
    const F32: Model<'_> = include_model!("../../tests/models/biased");
    static SCRATCH: [u32; INT8.scratch_len()] = [0; INT8.scratch_len()];
    const ALL: [Model<'_>; 4] = [INT8, INT4, BIASED, F32];

    #[test]
    fn it_is_the_model_of_the_file() {
        for included in ALL {
            let model = Model::from_bytes(included.bytes()).unwrap();
            assert_eq!(included.verify(), Ok(()));
            let mut damaged = included.bytes().to_vec();
            damaged[HEADER_LEN + 1] ^= 1;
            let damaged = Model::included(damaged.leak()).unwrap().verify();
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

    /// Every other number in every place of a header, with a right checksum: the compiler refuses at least what is refused
    /// when a model is opened and a network made of it.
    #[test]
    fn it_refuses_what_a_model_refuses() {
        for included in ALL {
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
                    let found = Model::included(bytes);
                    assert_eq!(found.is_ok(), made.is_ok() || later, "byte {at} ^ {flip}: {found:?}, {made:?}");
                }
            }
            for len in 0..included.bytes().len() {
                assert!(Model::included(&included.bytes()[..len]).is_err());
            }
            for bit in 480..512 {
                let mut bytes = included.bytes().to_vec();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(Model::included(bytes.leak()).is_err(), "a wrong checksum");
            }
        }
    }
}
