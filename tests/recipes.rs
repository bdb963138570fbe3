//! The lines of Python that `import` gives for files of other programs: they make a file with the same network.
//!
//! `TWOLAYER_PYTORCH` names the interpreter, or else it is python3. A recipe whose modules it lacks is skipped with a message.
//! Those for Burn are not run.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use run::mnist::skipped;
use run::{Outcome, Sandbox};
use std::env;

/// The network that each file is to have.
const NET: &str = "
import numpy
rng = numpy.random.default_rng(1)
w1, b1, w2, b2 = (rng.standard_normal(s).astype('f4') for s in [(784, 128), 128, (128, 10), 10])
numpy.savez('expected.npz', w1=w1, b1=b1, w2=w2, b2=b2)
";

/// The file, the modules that are needed, and how it is made.
const FILES: [(&str, &str, &str); 14] = [
    (
        "pickled.npz",
        "numpy",
        "o = lambda a: a.astype(object); numpy.savez('pickled.npz', w1=o(w1), b1=o(b1), w2=o(w2), b2=o(b2))",
    ),
    ("pickled.npy", "numpy", "a = numpy.empty(4, object); a[:] = [w1, b1, w2, b2]; numpy.save('pickled.npy', a)"),
    ("pickled.npy", "numpy", "numpy.save('pickled.npy', {'w1': w1, 'b1': b1, 'w2': w2, 'b2': b2})"),
    (
        "net.bin",
        "numpy",
        "numpy.concatenate([w1.ravel(), w2.ravel()]).tofile('net.bin'); numpy.savez('expected.npz', w1=w1, w2=w2)",
    ),
    (
        "net.onnx",
        "onnx, onnx.helper, onnx.numpy_helper",
        "
h, f = onnx.helper, onnx.TensorProto.FLOAT
x, y = h.make_tensor_value_info('x', f, [1, 784]), h.make_tensor_value_info('y', f, [1, 10])
nodes = [h.make_node('Gemm', ['x', 'fc1.weight', 'fc1.bias'], ['z'], transB=1), h.make_node('Relu', ['z'], ['r']),
         h.make_node('Gemm', ['r', 'fc2.weight', 'fc2.bias'], ['y'], transB=1)]
arrays = {'fc1.weight': w1.T, 'fc1.bias': b1, 'fc2.weight': w2.T, 'fc2.bias': b2, 'shape': numpy.array([-1, 784])}
of = [onnx.numpy_helper.from_array(numpy.ascontiguousarray(a), n) for n, a in arrays.items()]
onnx.save(h.make_model(h.make_graph(nodes, 'net', [x], [y], of)), 'net.onnx')
        ",
    ),
    (
        "net.gguf",
        "gguf",
        "
w = gguf.GGUFWriter('net.gguf', 'mlp')
for name, array in [('fc1.weight', w1.T), ('fc1.bias', b1), ('fc2.weight', w2.T), ('fc2.bias', b2)]:
    w.add_tensor(name, numpy.ascontiguousarray(array))
w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()
        ",
    ),
    (
        "net.pkl",
        "joblib, sklearn.neural_network",
        "
net = sklearn.neural_network.MLPClassifier((128,), max_iter=1)
net.fit(rng.random((20, 784)), numpy.arange(20) % 10)
joblib.dump(net, 'net.pkl')
numpy.savez('expected.npz', w1=net.coefs_[0], b1=net.intercepts_[0], w2=net.coefs_[1], b2=net.intercepts_[1])
        ",
    ),
    ("net.mat", "scipy.io", "scipy.io.savemat('net.mat', {'w1': w1, 'b1': b1, 'w2': w2, 'b2': b2})"),
    (
        "net.keras",
        "keras",
        "
layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(128, 'relu'), keras.layers.Dense(10)]
net = keras.Sequential(layers)
net.set_weights([w1, b1, w2, b2])
net.save('net.keras')
        ",
    ),
    (
        "net.h5",
        "keras, h5py",
        "
net = keras.Sequential([keras.Input((784,)), keras.layers.Dense(128, 'relu'), keras.layers.Dense(10)])
net.set_weights([w1, b1, w2, b2])
net.save('net.h5')
        ",
    ),
    (
        "net.msgpack",
        "flax.serialization",
        "
net = {'params': {'Dense_0': {'kernel': w1, 'bias': b1}, 'Dense_1': {'kernel': w2, 'bias': b2}}}
open('net.msgpack', 'wb').write(flax.serialization.msgpack_serialize(net))
        ",
    ),
    ("net.tflite", "tensorflow", TFLITE),
    ("DIRECTORY/saved_model.pb", "tensorflow", SAVED_MODEL),
    (
        "net.pt",
        "safetensors.torch, torch",
        "
t = lambda a: torch.from_numpy(a.T.copy())
torch.save({'fc1.weight': t(w1), 'fc1.bias': t(b1), 'fc2.weight': t(w2), 'fc2.bias': t(b2)}, 'net.pt')
        ",
    ),
];

const TFLITE: &str = "
keras = tensorflow.keras
layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(128, 'relu'), keras.layers.Dense(10)]
net = keras.Sequential(layers)
net.set_weights([w1, b1, w2, b2])
open('net.tflite', 'wb').write(tensorflow.lite.TFLiteConverter.from_keras_model(net).convert())
";

const SAVED_MODEL: &str = "
keras = tensorflow.keras
net = keras.Sequential([keras.Input((784,)), keras.layers.Dense(128, 'relu'), keras.layers.Dense(10)])
net.set_weights([w1, b1, w2, b2])
net.export('DIRECTORY')
";

#[test]
fn recipes_make_files_that_are_imported() {
    let python = env::var_os("TWOLAYER_PYTORCH").filter(|it| !it.is_empty()).unwrap_or_else(|| "python3".into());
    // Keras computes with what there is.
    let run = |sandbox: &Sandbox, lines: &str| {
        let mut command = sandbox.command_for(python.to_str().unwrap(), &["-c", lines]);
        let has = |module: &str| {
            let mut import = sandbox.command_for(python.to_str().unwrap(), &["-c", &format!("import {module}")]);
            import.output().is_ok_and(|it| it.status.success())
        };
        if let Some(backend) = ["torch", "jax"].into_iter().find(|it| lines.contains("keras") && has(it)) {
            command.env("KERAS_BACKEND", backend);
        }
        command.output().map(Outcome::from)
    };
    let hash = |sandbox: &Sandbox, file: &str| {
        let out = sandbox.run(&["import", file, "--out", "net.twolayer"]).succeeded();
        out.lines().last().unwrap().to_owned()
    };
    for (file, modules, make) in FILES {
        let sandbox = Sandbox::new().replacing();
        match run(&sandbox, &format!("import numpy, {modules}")) {
            Ok(there) if there.code == Some(0) => {}
            _ => {
                skipped(&format!("the recipe for {file}"), &format!("{python:?} has no {modules}"));
                continue;
            }
        }
        run(&sandbox, &format!("import {modules}\n{NET}{}", make.trim())).unwrap().succeeded();
        let refused = sandbox.run(&["import", file]);
        refused.failed(&[file]);
        let recipe: Vec<_> = refused.err.lines().filter_map(|line| line.strip_prefix("    ")).collect();
        assert_eq!(recipe.len(), 2, "{}", refused.err);
        run(&sandbox, &recipe.join("\n")).unwrap().succeeded();
        let made = if sandbox.work().join("net.npz").exists() { "net.npz" } else { "net.safetensors" };
        assert_eq!(hash(&sandbox, made), hash(&sandbox, "expected.npz"), "{file}");
    }
}
