// The worker: trains the article's network from nothing, or teaches drawings to the page's model.
const SEED = 1;
let network, taught = 0;

onmessage = async ({ data: { module, train, teach } }) => {
  try {
    network ??= new Network((await WebAssembly.instantiate(module)).exports);
    if (train) fromNothing(train);
    else lesson(teach);
  } catch (error) {
    postMessage({ error: error.message });
  }
};

// By the article's recipe, on samples from files or on built-in digits.
function fromNothing({ sets, digits, epochs }) {
  const { core } = network, piece = core.piece();
  const put = (set, first, count) => {
    network.bytes(core.images(), 784 * count).set(set.images.subarray(784 * first, 784 * (first + count)));
    network.bytes(core.labels(), count).set(set.labels.subarray(first, first + count));
  };
  const make = (first, count) => {
    const set = { images: new Uint8Array(784 * count), labels: new Uint8Array(count) };
    for (let done = 0; done < count; done += piece) {
      const few = Math.min(piece, count - done);
      core.make(SEED, first + done, few);
      set.images.set(network.bytes(core.images(), 784 * few), 784 * done);
      set.labels.set(network.bytes(core.labels(), few), done);
      postMessage({ made: first + done + few });
    }
    return set;
  };
  sets ??= { train: make(0, digits.train), test: make(digits.train, digits.test) };
  const count = sets.train.labels.length, tests = sets.test.labels.length;
  const test = count => {
    const answers = [];
    for (let first = 0; first < count; first += piece) {
      const few = Math.min(piece, count - first);
      put(sets.test, first, few);
      answers.push(...network.test(few));
    }
    return answers;
  };
  const share = answers => answers.filter(([, right]) => right).length / answers.length;
  core.start(SEED);
  network.seal('');
  for (let epoch = 1, pieces = 0; epoch <= epochs; epoch++) {
    for (let first = 0; first < count; first += piece) {
      const few = Math.min(piece, count - first), last = first + few === count;
      put(sets.train, first, few);
      const loss = core.train(few) / few;
      if (!Number.isFinite(loss)) throw new Error(`Training diverged before sample ${first + few}.`);
      const news = { epoch, done: (first + few) / count, loss, units: network.units(16) };
      if (last) {
        // The whole test set, and a model to draw with.
        const answers = test(tests);
        news.accuracy = network.calibrate(answers, '');
        news.file = network.file;
      } else if (pieces % 4 === 0) news.accuracy = share(test(Math.min(tests, 500)));
      pieces++;
      postMessage(news);
    }
  }
  postMessage({ hash: BigInt.asUintN(64, core.hash()).toString(16).padStart(16, '0') });
}

// Teaches drawings, the last of which is new, to the network of a file: first the second layer, then all weights.
function lesson({ file, lessons }) {
  const { core } = network, latest = lessons.at(-1);
  network.open(file);
  const before = network.check(1000, network.text);
  core.make(SEED, 0, 512);
  if (core.prepare(512) < 0) throw new Error('This network cannot be taught.');
  const text = `${lessons.length} drawing${lessons.length > 1 ? 's' : ''} taught in a browser`;
  network.check(1000, text);
  const copy = (at, { image, label }, seed) => {
    network.bytes(core.drawing(), 784).set(image);
    core.copy(at, seed, label);
  };
  // Built-in digits, and in every fourth place a drawing: half of them the new one.
  const mix = count => {
    core.make(SEED, taught % 60000, count);
    for (let at = 0; at < count; at += 4) {
      copy(at, at % 8 ? lessons[at / 4 % lessons.length] : latest, at ? taught + at : 0);
    }
    taught += count;
  };
  mix(64);
  core.second(64);
  network.check(1000, text);
  postMessage({ layer: 2, file: network.file });
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 8; i++) {
      mix(256);
      if (!Number.isFinite(core.train(256))) throw new Error('Training diverged.');
    }
    copy(0, latest, 0);
    if (network.test(1)[0][1]) break;
    // Once more the second layer, which moves farther.
    mix(64);
    core.second(64);
  }
  const after = network.check(1000, text);
  postMessage({ layer: 1, file: network.file, before, after });
}
