"""The same training step, one sample at a time, by NumPy and by JAX, on one thread: best deciles, to set beside those of limits.rs.

pip install numpy jax && OPENBLAS_NUM_THREADS=1 XLA_FLAGS=--xla_cpu_multi_thread_eigen=false taskset -c 0 python3 benches/train_rivals.py
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

ALPHA, SAMPLES = 1e-5, 128
rng = np.random.default_rng(1)
w1 = (rng.random((784, 1000)) * 1e-4).astype(np.float32)
w2 = (rng.random((1000, 10)) * 1e-4).astype(np.float32)
images = (rng.integers(1, 256, (SAMPLES, 784)) * (rng.random((SAMPLES, 784)) < 0.19)).astype(np.float32)
targets = np.eye(10, dtype=np.float32)[rng.integers(0, 10, SAMPLES)]


def by_numpy(w1, w2):
    """In place: no copy of the weights is made."""
    for x, t in zip(images, targets):
        h = np.maximum(x @ w1, 0)
        delta2 = h @ w2 - t
        delta1 = (w2 @ delta2) * (h > 0)
        w2 -= ALPHA * np.outer(h, delta2)
        w1 -= np.outer(x, ALPHA * delta1)
    return w1, w2


def step(weights, sample):
    (w1, w2), (x, t) = weights, sample
    h = jnp.maximum(x @ w1, 0)
    delta2 = h @ w2 - t
    delta1 = (w2 @ delta2) * (h > 0)
    return (w1 - jnp.outer(x, ALPHA * delta1), w2 - ALPHA * jnp.outer(h, delta2)), None


scan = jax.jit(lambda w1, w2: jax.lax.scan(step, (w1, w2), (images, targets))[0], donate_argnums=(0, 1))


def by_jax(w1, w2):
    """The weights are given away, so that XLA may change them in their place."""
    return jax.block_until_ready(scan(w1, w2))


state = {"NumPy": (w1.copy(), w2.copy()), "JAX, a compiled scan": (jnp.array(w1), jnp.array(w2))}
ways = {"NumPy": by_numpy, "JAX, a compiled scan": by_jax}
times = {name: [] for name in ways}
for turn in range(30):
    for name, way in ways.items():
        start = time.perf_counter()
        state[name] = way(*state[name])
        if turn > 0:
            times[name].append((time.perf_counter() - start) / SAMPLES)
    if turn == 0:
        for one, other in zip(*state.values()):
            assert np.allclose(one, other, rtol=1e-3, atol=1e-6), "not the same step"
for name, seconds in times.items():
    print(f"{name:<22}{sorted(seconds)[len(seconds) // 10] * 1e6:8.1f} µs a step")
