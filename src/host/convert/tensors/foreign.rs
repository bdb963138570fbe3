//! Files of other programs: the bytes by which each is known, and the lines that save its tensors in a format that is read here.
//! The first bytes decide; of what describes a network, a megabyte is read.

use super::error::TensorError;
use super::{activation, keras};
use std::path::Path;

/// Of a file that only tells about a network.
const WITHOUT: &str = "it has no tensors; import the file with the weights";

/// What `import` reads.
const EXPECTED: &str = "expected a safetensors, .npz or .npy file";

const PICKLE: &str = "in Python:
    import safetensors.torch, torch
    safetensors.torch.save_file(torch.load(\"net.pt\"), \"net.safetensors\")  # of a whole model: its .state_dict()";

const SCIKIT: &str = "in Python:
    import joblib, numpy; net = joblib.load(\"net.pkl\")
    numpy.savez(\"net.npz\", *net.coefs_, *net.intercepts_)";

const KERAS: &str = "in Python:
    import keras, numpy
    numpy.savez(\"net.npz\", *keras.models.load_model(\"net.keras\").get_weights())";

const HDF5: &str = "in Python:
    import keras, numpy
    numpy.savez(\"net.npz\", *keras.models.load_model(\"net.h5\").get_weights())  # of .weights.h5: after model.load_weights()";

const ONNX: &str = "in Python:
    import numpy, onnx, onnx.numpy_helper
    numpy.savez(\"net.npz\", **{t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(\"net.onnx\").graph.initializer})";

/// Activations have a first dimension of 1, one image.
const TFLITE: &str = "in Python:
    import numpy, tensorflow; net = tensorflow.lite.Interpreter(\"net.tflite\"); net.allocate_tensors()
    numpy.savez(\"net.npz\", **{t[\"name\"]: net.get_tensor(t[\"index\"]) for t in net.get_tensor_details() if max(t[\"shape\"][:1], default=0) > 1})";

const SAVED_MODEL: &str = "in Python, with the directory that it is in:
    import numpy, tensorflow
    numpy.savez(\"net.npz\", *[v.numpy() for v in tensorflow.saved_model.load(\"DIRECTORY\").variables])";

const GGUF: &str = "in Python:
    import gguf, numpy
    numpy.savez(\"net.npz\", **{t.name: t.data for t in gguf.GGUFReader(\"net.gguf\").tensors})";

const BURN: &str = "in Rust, with the recorder and the version of Burn that wrote it, and the crate burn-store:
    let model = model.load_file(\"net.mpk\", &NamedMpkFileRecorder::<FullPrecisionSettings>::new(), &device)?;
    model.save_into(&mut burn_store::SafetensorsStore::from_file(\"net.safetensors\"))?;";

const BURN_PACK: &str = "in Rust, with the crate burn-store:
    model.load_from(&mut burn_store::BurnpackStore::from_file(\"net.bpk\"))?;
    model.save_into(&mut burn_store::SafetensorsStore::from_file(\"net.safetensors\"))?;";

const FLAX: &str = "in Python:
    import flax, numpy; net = flax.serialization.msgpack_restore(open(\"net.msgpack\", \"rb\").read())
    numpy.savez(\"net.npz\", **flax.traverse_util.flatten_dict(net, sep=\"/\"))";

const MATLAB: &str = "in Python:
    import numpy, scipy.io
    numpy.savez(\"net.npz\", **{k: v for k, v in scipy.io.loadmat(\"net.mat\").items() if k[0] != \"_\"})";

const BARE: &str = "if it is nothing but numbers, in Python, with the sizes of the network:
    import numpy; w1, w2 = numpy.split(numpy.fromfile(\"net.bin\", \"<f4\"), [784 * 128])
    numpy.savez(\"net.npz\", w1=w1.reshape(784, 128), w2=w2.reshape(128, 10))";

/// A list or a tuple of arrays, saved as one array.
const OBJECT_LIST: &str = "in Python, if you trust the file:
    import numpy
    numpy.savez(\"net.npz\", *map(numpy.asarray, numpy.load(\"pickled.npy\", allow_pickle=True)))";

/// A dictionary of arrays, saved as one array without dimensions.
const OBJECT_DICT: &str = "in Python, if you trust the file:
    import numpy
    numpy.savez(\"net.npz\", **numpy.load(\"pickled.npy\", allow_pickle=True).item())";

const OBJECT_ARCHIVE: &str = "in Python, if you trust the file:
    import numpy; arrays = numpy.load(\"pickled.npz\", allow_pickle=True)
    numpy.savez(\"net.npz\", **{name: numpy.asarray(array.tolist(), \"f4\") for name, array in arrays.items()})";

/// The type of an array of Python objects.
pub(super) const OBJECT: &str = "|O";

/// What a file is that has no tensors to read, by its first bytes; `None` if they are unknown.
pub(super) fn recognise(bytes: &[u8]) -> Option<TensorError> {
    let (what, recipe) = match bytes {
        [b'T', b'W', b'O', b'L', b'A', b'Y', b'E', b'R', ..] => ("a twolayer model already", "it needs no import"),
        // Protocols 2 and later of pickle, which older versions of PyTorch wrote without an archive around it.
        [0x80, 2..=5, ..] => return Some(pickle(bytes)),
        [0x89, b'H', b'D', b'F', ..] => match keras::within(bytes) {
            Some(other @ TensorError::Network { .. }) => return Some(other),
            _ => ("a Keras file (.h5) or other HDF5", HDF5),
        },
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => ("a TensorFlow Lite file", TFLITE),
        [b'G', b'G', b'U', b'F', ..] => ("a GGUF file", GGUF),
        // A map of two, whose first key is `metadata`; and the same packed as `.mpk.gz`.
        [0x82, 0xA8, b'm', b'e', b't', b'a', b'd', b'a', b't', b'a', ..] => ("a record of Burn (.mpk)", BURN),
        [b'N', b'R', b'U', b'B', ..] | [b'B', b'U', b'R', b'N', ..] => ("a file of Burn (.bpk)", BURN_PACK),
        [0x81, 0xA6, b'p', b'a', b'r', b'a', b'm', b's', ..] => ("a file of Flax (.msgpack)", FLAX),
        [b'M', b'A', b'T', b'L', b'A', b'B', ..] => ("a MATLAB file", MATLAB),
        [0x1F, 0x8B, ..] => ("a gzip archive", "unpack it with gunzip, and import what is in it"),
        // Protocol buffers: the version of the format, then the graphs, or the producer, the graph or the operators.
        [8, 1, 0x12, ..] => ("a SavedModel of TensorFlow", SAVED_MODEL),
        [8, 2..=99, 0x12 | 0x3A | 0x42, ..] => match onnx_activation(bytes) {
            Some(other) => return Some(TensorError::Network { what: activation::refused(other) }),
            None => ("an ONNX file", ONNX),
        },
        [b'{', ..] => match keras::described(bytes) {
            Some(TensorError::Foreign { .. }) => ("a description of a Keras network, without its weights", WITHOUT),
            Some(other) => return Some(other),
            None => return Some(json(bytes)),
        },
        _ => return None,
    };
    Some(TensorError::Foreign { what: what.into(), recipe })
}

/// The activation of an ONNX graph without ReLU: an operator, by its name in a node, which all are before the weights.
fn onnx_activation(bytes: &[u8]) -> Option<&'static str> {
    const OTHERS: [&str; 12] = [
        "Celu",
        "Elu",
        "Gelu",
        "HardSigmoid",
        "HardSwish",
        "LeakyRelu",
        "Mish",
        "PRelu",
        "Selu",
        "Sigmoid",
        "Softplus",
        "Tanh",
    ];
    let nodes = bytes.get(..keras::MOST).unwrap_or(bytes);
    // Field 4, its length, and the name.
    let has = |name: &str| {
        let mut places = nodes.windows(2 + name.len());
        places.any(|it| it[0] == 0x22 && usize::from(it[1]) == name.len() && it[2..] == *name.as_bytes())
    };
    if has("Relu") { None } else { OTHERS.into_iter().find(|it| has(it)) }
}

/// A file whose first bytes tell nothing; its extension may.
pub(super) fn unknown(bytes: &[u8], path: &Path) -> TensorError {
    let first: Vec<_> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let what = match bytes {
        [] => "an empty file".into(),
        _ => format!("no format that is known, by its first bytes {}", first.join(" ")),
    };
    let has_extension = |these: &[&str]| {
        path.extension().is_some_and(|it| these.iter().any(|extension| it.eq_ignore_ascii_case(extension)))
    };
    let recipe = match bytes {
        [_, ..] if has_extension(&["onnx"]) => ONNX,
        [_, ..] if has_extension(&["bin", "raw", "dat", "weights"]) => BARE,
        _ => EXPECTED,
    };
    TensorError::Foreign { what, recipe }
}

/// A file of `torch.save`, of `pickle` or of joblib.
pub(super) fn pickle(bytes: &[u8]) -> TensorError {
    let of_scikit = bytes[..bytes.len().min(1024)].windows(7).any(|it| it == b"sklearn");
    let what = "a pickle (.pt, .pth, .pkl), which can run any program when it is read".into();
    TensorError::Foreign { what, recipe: if of_scikit { SCIKIT } else { PICKLE } }
}

/// An archive of Keras.
pub(super) fn keras() -> TensorError {
    TensorError::Foreign { what: "a Keras file (.keras)".into(), recipe: KERAS }
}

/// An array of Python objects, or an archive with one, which has these dimensions.
pub(super) fn objects(shape: &[usize], is_archive: bool) -> TensorError {
    let recipe = match (shape, is_archive) {
        (_, true) => OBJECT_ARCHIVE,
        ([], _) => OBJECT_DICT,
        _ => OBJECT_LIST,
    };
    let what = "pickled: an array of Python objects (type |O), which can run any program when it is read".into();
    TensorError::Foreign { what, recipe }
}

fn json(bytes: &[u8]) -> TensorError {
    let names_shards = bytes.windows(12).take(1 << 20).any(|it| it == b"\"weight_map\"");
    let what = if names_shards { "the index of a model's safetensors files" } else { "a JSON file" };
    TensorError::Foreign { what: what.into(), recipe: WITHOUT }
}
