// The worker: trains as `twolayer train` does with the article's recipe.
onmessage = async ({ data: { module, sets, digits, epochs, seed } }) => {
  try {
    const core = (await WebAssembly.instantiate(module)).exports;
    const bytes = (address, len) => new Uint8Array(core.memory.buffer, address, len);
    // Calls a function for each piece of a set; gives the sum of what it gives.
    const pieces = (set, limit, call) => {
      let sum = 0;
      for (let first = 0; first < limit; first += core.piece()) {
        const count = Math.min(core.piece(), limit - first);
        bytes(core.images(), 784 * count).set(set.images.subarray(784 * first, 784 * (first + count)));
        bytes(core.labels(), count).set(set.labels.subarray(first, first + count));
        sum += call(count, first + count);
        if (!Number.isFinite(sum)) throw new Error(`Training diverged, or a label is not 0 to 9, before sample ${first + count}.`);
      }
      return sum;
    };
    // Built-in digits, as `twolayer data digits` writes them.
    const make = (first, count) => {
      const set = { images: new Uint8Array(784 * count), labels: new Uint8Array(count) };
      for (let done = 0; done < count; done += core.piece()) {
        const few = Math.min(core.piece(), count - done);
        core.make(1, first + done, few);
        set.images.set(bytes(core.images(), 784 * few), 784 * done);
        set.labels.set(bytes(core.labels(), few), done);
      }
      return set;
    };
    if (digits) sets = { train: make(0, digits.train), test: make(digits.train, digits.test) };
    const count = sets.train.labels.length;
    core.start(seed);
    for (let epoch = 1; epoch <= epochs; epoch++) {
      let time = 0;
      const loss = pieces(sets.train, count, (samples, done) => {
        const start = performance.now();
        const loss = core.train(samples);
        time += performance.now() - start;
        postMessage({ epoch, done: done / count });
        return loss;
      });
      const right = pieces(sets.test, sets.test.labels.length, core.test);
      postMessage({ epoch, done: 1, loss: loss / count, accuracy: right / sets.test.labels.length, micros: 1000 * time / count });
    }
    const hash = BigInt.asUintN(64, core.hash()).toString(16).padStart(16, '0');
    const header = bytes(core.header(), 64).slice();
    postMessage({ hash, file: [header, bytes(core.weights(), core.weights_bytes()).slice()] });
  } catch (error) {
    postMessage({ error: error.message });
  }
};
