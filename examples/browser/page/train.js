// The worker: trains as `twolayer train` does with the article's recipe (0), or with good (1; 2 with other hands).
onmessage = async ({ data: { module, sets, digits, recipe, epochs, seed } }) => {
  try {
    const core = (await WebAssembly.instantiate(module)).exports;
    const bytes = (address, len) => new Uint8Array(core.memory.buffer, address, len);
    // Calls a function for each piece of a set, in the order of some numbers; gives the sum of what it gives.
    const pieces = (set, limit, call, numbers) => {
      let sum = 0;
      for (let first = 0; first < limit; first += core.piece()) {
        const count = Math.min(core.piece(), limit - first);
        const images = bytes(core.images(), 784 * count), labels = bytes(core.labels(), count);
        for (let i = 0; i < count; i++) {
          const number = numbers ? numbers[first + i] : first + i;
          images.set(set.images.subarray(784 * number, 784 * (number + 1)), 784 * i);
          labels[i] = set.labels[number];
        }
        sum += call(count, first);
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
    core.start(seed, recipe, epochs);
    for (let epoch = 1; epoch <= epochs; epoch++) {
      let time = 0;
      const order = core.order(count);
      if (recipe && !order) throw new Error(`${count} images are too many to be shuffled here.`);
      const loss = pieces(sets.train, count, (samples, first) => {
        const start = performance.now();
        const loss = core.train(samples, first, count, epoch);
        time += performance.now() - start;
        postMessage({ epoch, done: (first + samples) / count });
        return loss;
      }, order && new Uint32Array(core.memory.buffer, order, count));
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
