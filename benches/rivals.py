"""The same classification by NumPy and by ONNX Runtime, on one thread: best deciles, to set beside those of limits.rs.

pip install numpy onnx onnxruntime && OPENBLAS_NUM_THREADS=1 python3 benches/rivals.py
"""

import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(1)
w1 = (rng.random((784, 1000)) * 1e-2 - 5e-3).astype(np.float32)
w2 = (rng.random((1000, 10)) * 1e-2).astype(np.float32)
images = (rng.integers(1, 256, (256, 784)) * (rng.random((256, 784)) < 0.19)).astype(np.float32)

graph = helper.make_graph(
    [
        helper.make_node("MatMul", ["x", "w1"], ["z"]),
        helper.make_node("Relu", ["z"], ["h"]),
        helper.make_node("MatMul", ["h", "w2"], ["y"]),
    ],
    "twolayer",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 784])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 10])],
    [numpy_helper.from_array(w1, "w1"), numpy_helper.from_array(w2, "w2")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

ways = {
    "NumPy": lambda x: np.maximum(x @ w1, 0) @ w2,
    "ONNX Runtime": lambda x: session.run(None, {"x": x})[0],
}
assert np.allclose(ways["NumPy"](images), ways["ONNX Runtime"](images), rtol=1e-3, atol=1e-3)
for count in (1, 256):
    times = {name: [] for name in ways}
    for turn in range(2000 // count + 200):
        at = turn * count % 256
        for name, way in ways.items():
            start = time.perf_counter()
            way(images[at : at + count])
            times[name].append((time.perf_counter() - start) / count)
    for name, seconds in times.items():
        best = sorted(seconds)[len(seconds) // 10]
        print(f"{count:>4} at a time  {name:<14}{best * 1e6:8.2f} µs an image {1 / best:10.0f} images/s")
