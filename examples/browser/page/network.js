// Per cent, and the least share of right answers that is rounded to so many: 10 stands for all that is less.
const STEPS = [[20, 0.15], [30, 0.25], [40, 0.35], [50, 0.45], [60, 0.55], [70, 0.65], [80, 0.75], [85, 0.825], [90, 0.875], [92, 0.91], [94, 0.93],
  [95, 0.945], [96, 0.955], [97, 0.965], [98, 0.975], [99, 0.985]];

// The line of a model's text that says how likely answers are right, from pairs of margin and whether the answer was right: a logistic
// curve, as `twolayer calibrate` fits it.
function confidenceLine(answers) {
  const right = answers.filter(([, right]) => right).length, wrong = answers.length - right;
  const mean = answers.reduce((sum, [margin]) => sum + margin, 0) / answers.length, largest = Math.max(...answers.map(([margin]) => margin));
  let [a, b] = [1, 0];
  for (let i = 0; i < 50 && mean > 0; i++) {
    // One of Newton's steps.
    let [ga, gb, aa, ab, bb] = [0, 0, 1e-6, 0, 1e-6];
    for (const [margin, correct] of answers) {
      const x = margin / mean, p = 1 / (1 + Math.exp(-a * x - b)), w = p * (1 - p);
      const missing = (correct ? (right + 1) / (right + 2) : 1 / (wrong + 2)) - p;
      ga += missing * x, gb += missing, aa += w * x * x, ab += w * x, bb += w;
    }
    const all = aa * bb - ab * ab;
    a += (bb * ga - ab * gb) / all, b += (aa * gb - ab * ga) / all;
  }
  const steps = [[0, 10]];
  if (!(a > 0)) steps[0][1] = Math.max(10, Math.floor(100 * right / answers.length));
  else for (const [percent, least] of STEPS) {
    const from = Math.max(0, Math.ceil(mean * (Math.log(least / (1 - least)) - b) / a));
    if (steps.at(-1)[0] === from) steps.pop();
    if (from <= largest) steps.push([from, percent]);
  }
  return `confidence: ${steps.map(step => step.join(' ')).join(' | ')}`;
}

// Why a file is no model that can be opened, by what the WebAssembly answers.
function refusal(file, code, most) {
  const view = new DataView(file.buffer, file.byteOffset, file.length), letters = new TextDecoder('latin1').decode(file.subarray(0, 8)).replace(/[^ -~]/g, '.');
  const count = bytes => `${bytes.toLocaleString('en')} bytes`;
  if (letters !== 'TWOLAYER') return file.length ? `It begins with “${letters}”. A model of twolayer begins with “TWOLAYER”.` : 'It is empty.';
  if (file.length < 64) return `It ends after ${count(file.length)}. The header alone has 64.`;
  const [version, inputs, hidden, outputs] = [view.getUint16(8, true), ...[12, 16, 20].map(at => view.getUint32(at, true))];
  if (version > 2) return `It is of version ${version}. This page knows versions 1 and 2.`;
  if (file.length > most || code === -4) return `It has ${count(file.length)} and ${hidden} hidden units. This page takes up to 2048 hidden units.`;
  const expected = 64 + view.getUint32(32, true) + (version === 2 ? view.getUint32(48, true) : 0);
  if (file.length !== expected) return `It has ${count(file.length)}. By its header, it should have ${expected.toLocaleString('en')}.`;
  if (code === -2) return `Its network takes ${inputs} numbers. This page has images of 28 × 28, which are 784, or 196 when they are halved.`;
  if (code === -3) return `Its network knows ${outputs} classes. This page has the ten digits.`;
  return 'It is damaged: its bytes are not those that its checksum was made of.';
}

// A model in the memory of the WebAssembly, here and in the worker.
class Network {
  constructor(core) {
    this.core = core;
  }

  bytes(address, length) {
    return new Uint8Array(this.core.memory.buffer, address, length);
  }

  // Takes a model file; gives it a table of confidence if it has none, and throws with the reason if it cannot be opened.
  open(file) {
    const most = this.core.file_most();
    const put = file.length <= most;
    if (put) this.bytes(this.core.file(), file.length).set(file);
    const code = put ? this.core.open(file.length) : -1;
    if (code < 0) throw new Error(refusal(file, code, most));
    this.text = new TextDecoder().decode(file.subarray(64 + new DataView(file.buffer, file.byteOffset).getUint32(32, true)));
    this.length = file.length;
    if (!/^confidence: /m.test(this.text)) this.check(1000, this.text);
  }

  // Inputs, hidden units and outputs, whether the weights are f32, and the bytes of them.
  get shape() {
    const view = new DataView(this.core.memory.buffer, this.core.file());
    return { kind: view.getUint16(10, true), inputs: view.getUint32(12, true), hidden: view.getUint32(16, true), outputs: view.getUint32(20, true), payload: view.getUint32(32, true) };
  }

  // Writes the header for the weights as they are, with a text.
  seal(text) {
    // Without a text first: a network that was made here has no header yet, which says where the text begins.
    this.core.seal(0);
    this.text = text;
    const bytes = new TextEncoder().encode(text);
    this.bytes(this.core.file() + 64 + this.shape.payload, bytes.length).set(bytes);
    this.length = this.core.seal(bytes.length);
    if (!this.length) throw new Error('The text of this model is too long.');
  }

  // A copy of the model file.
  get file() {
    return this.bytes(this.core.file(), this.length).slice();
  }

  // Answers built-in digits that no network was trained on, and makes the table of confidence of it: the share of right answers.
  check(count, text) {
    const answers = [];
    for (let first = 0; first < count; first += this.core.piece()) {
      const few = Math.min(this.core.piece(), count - first);
      this.core.make(1, 60000 + first, few);
      answers.push(...this.test(few));
    }
    return this.calibrate(answers, text);
  }

  // The answers to the samples of a piece: margin, and 1 if it is right.
  test(count) {
    this.core.test(count);
    const found = new Uint32Array(this.core.memory.buffer, this.core.answers(), 2 * count);
    return Array.from({ length: count }, (_, i) => [found[2 * i], found[2 * i + 1]]);
  }

  // Writes the table of confidence into the text; gives the share of right answers.
  calibrate(answers, text) {
    const others = text.split('\n').filter(line => line && !line.startsWith('confidence: '));
    this.seal([...others, confidenceLine(answers)].join('\n'));
    return answers.filter(([, right]) => right).length / answers.length;
  }

  // The weights from the inputs to some of the hidden units.
  units(count) {
    const { inputs, hidden } = this.shape, many = Math.min(count, hidden);
    return Array.from({ length: many }, (_, i) => new Float32Array(this.core.memory.buffer, this.core.unit(Math.floor(i * hidden / many)), inputs).slice());
  }
}
