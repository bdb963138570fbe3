const SIDE = 280, PEN = 22, EPOCHS = 5, DIGITS = { train: 60000, test: 10000 };
// What every machine reaches by the article's recipe with seed 1.
const GOLDEN = { bc2ef8f82565cc3e: 'the built-in digits', '500d578e4d42eaa1': 'MNIST' };
// Below so many per cent, no answer is given.
const SURE = 80;
const at = id => document.getElementById(id);
const say = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };
const number = n => n.toLocaleString('en');
const percent = share => `${(100 * share).toFixed(1)} %`;
const drawing = at('drawing'), ink = drawing.getContext('2d', { willReadFrequently: true });
const bars = Array.from({ length: 10 }, (_, digit) => {
  const row = at('bars').insertRow();
  row.innerHTML = `<th scope="row">${digit}</th><td><div class="bar"><div></div></div></td><td></td>`;
  return { row, bar: row.querySelector('.bar div'), number: row.lastChild };
});
for (let digit = 0; digit < 10; digit++) {
  const button = Object.assign(document.createElement('button'), { type: 'button', textContent: digit });
  button.setAttribute('aria-label', `I drew a ${digit}`);
  button.addEventListener('click', () => teach(digit));
  at('right').append(button);
}
// Why there is no answer, by what the WebAssembly answers.
const WHY = { '-1': 'Draw one digit or several.', '-2': 'This is too small. Draw it larger.', '-3': 'This is not like a digit.', '-4': 'There is no model.' };

let network, module, pending = false;
// A photograph that is shown: its grey levels, columns and rows.
let photograph = null;
// The last answer; the drawings that were taught; the workers that train and teach.
let shown = {}, lessons = [], training, teacher;
let curve = [];

async function start() {
  const code = await unpack(at('code').textContent);
  if (!WebAssembly.validate(code)) throw new Error('This page needs WebAssembly with SIMD128, which browsers have had since 2023. This browser is older.');
  module = await WebAssembly.compile(code);
  network = new Network((await WebAssembly.instantiate(module)).exports);
  await first();
}

async function first() {
  use(await unpack(at('model').textContent), 'the model that came with this page');
}

// Takes a model file as the page's model.
function use(file, name) {
  network.open(file);
  const { kind, inputs, hidden, outputs } = network.shape;
  say('about', `Now in use: ${name}. ${inputs === 784 ? '784' : `784 dots, halved to ${inputs}`} → ${hidden} hidden units → ${outputs} outputs, ${number(network.length)} bytes. Its weights are ${kind === 1 ? 'numbers of 32 bits' : `whole numbers of ${kind === 2 ? 8 : 4} bits`}.`);
  say('opened', '');
  showUnits(network.units(16));
  answer();
}

// What the network makes of an alpha channel of 280 × 280 bytes, or of a photograph's levels.
function ask(levels, width = 0, height = 0) {
  const { core } = network, { buffer } = core.memory;
  network.bytes(core.picture(), levels.length).set(levels);
  const digit = core.answer(width, height);
  if (digit === -1 || digit === -4) return { digit };
  const count = core.read(width, height);
  const places = new Int32Array(buffer, core.digits(), 4 * count);
  let number = '', least = 100;
  for (let i = 0; i < 4 * count; i += 4) {
    const [found, sure, line, doubtful] = places.subarray(i, i + 4);
    if (i > 0 && line !== places[i - 2]) number += ' ';
    number += doubtful || sure < SURE ? '?' : found;
    least = Math.min(least, sure);
  }
  if (digit < 0) return { digit, number, least };
  const outputs = [...new Float64Array(buffer, core.outputs(), 10)];
  const [, second] = [...outputs.keys()].sort((a, b) => outputs[b] - outputs[a] || a - b);
  return {
    digit, number, least, outputs, second, percent: core.percent(), sure: core.percent() >= SURE,
    seen: network.bytes(core.seen(), 784).slice(), hidden: new Float32Array(buffer, core.hidden(), network.shape.hidden).slice(),
  };
}

function answer() {
  pending = false;
  if (photograph) return show(ask(photograph.levels, photograph.width, photograph.height));
  const pixels = ink.getImageData(0, 0, SIDE, SIDE).data;
  show(ask(Uint8Array.from({ length: SIDE * SIDE }, (_, i) => pixels[4 * i + 3])));
}

function show(found) {
  shown = found;
  const { digit, number: text = '', least, outputs, second, percent, sure, seen, hidden } = found;
  const several = text.length > 1;
  say('answer', several ? text : digit < 0 ? (digit === -1 ? '' : '?') : sure ? String(digit) : '?');
  if (several) say('why', text.includes('?') ? `I cannot read all of it: ${text}` : `This is ${text}. I am ${least} % sure of each digit, or more.`);
  else say('why', digit < 0 ? WHY[digit] : sure ? `This is ${digit === 8 ? 'an' : 'a'} ${digit}. I am ${percent} % sure.` : `I cannot tell: ${digit} or ${second}? I am ${percent} % sure of ${digit}.`);
  const most = outputs ? Math.max(...outputs) : 1;
  bars.forEach(({ row, bar, number: place }, i) => {
    const output = outputs ? outputs[i] : 0;
    row.className = outputs && i === digit && sure ? 'best' : '';
    bar.style.width = `${most > 0 ? 100 * Math.max(0, output) / most : 0}%`;
    place.textContent = outputs ? (Number.isInteger(output) ? number(output) : output.toFixed(2)).replace('-', '−') : '';
  });
  const units = network.shape.hidden;
  grey(at('seen'), seen ?? new Uint8Array(784), 28, 255);
  grey(at('hidden'), hidden ?? new Uint8Array(units), Math.max(1, Math.ceil(Math.sqrt(units))), Math.max(1e-9, ...(hidden ?? [])));
  say('fired', hidden ? `2. ${hidden.filter(unit => unit > 0).length} of ${units} hidden units fire.` : `2. ${units} hidden units wait.`);
}

// A picture of numbers from 0 to `most`, row by row.
function grey(canvas, numbers, columns, most) {
  const rows = Math.max(1, Math.ceil(numbers.length / columns));
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const image = new ImageData(columns, rows);
  numbers.forEach((number, i) => {
    image.data.fill(255 * number / most, 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  });
  canvas.getContext('2d').putImageData(image, 0, 0);
}

// A colour of the page, as red, green and blue.
function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
}

// The weights to hidden units, as pictures beside each other: blue above zero, orange below.
let weights = [];
function showUnits(units) {
  weights = units;
  const side = Math.sqrt(units[0].length), step = side + side / 14, columns = 8, rows = Math.ceil(units.length / columns);
  const canvas = at('units'), paint = canvas.getContext('2d'), above = colour('--bar'), below = colour('--other');
  [canvas.width, canvas.height] = [columns * step, rows * step];
  units.forEach((unit, n) => {
    const image = new ImageData(side, side), most = unit.reduce((most, weight) => Math.max(most, Math.abs(weight)), 1e-9);
    unit.forEach((weight, i) => image.data.set([...(weight > 0 ? above : below), 255 * Math.abs(weight) / most], 4 * i));
    paint.putImageData(image, n % columns * step, Math.floor(n / columns) * step);
  });
}

// Loss in blue and the share of right answers in orange, over the epochs.
function showCurve() {
  const canvas = at('curve'), box = canvas.getBoundingClientRect(), scale = devicePixelRatio || 1, paint = canvas.getContext('2d');
  [canvas.width, canvas.height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
  paint.scale(scale, scale);
  const style = getComputedStyle(document.documentElement), top = 8, bottom = box.height - 20, left = 8, right = box.width - 44;
  const x = epochs => left + (right - left) * epochs / epochsAll, y = share => bottom - (bottom - top) * Math.min(1, share);
  paint.font = '12px system-ui, sans-serif';
  paint.fillStyle = style.getPropertyValue('--dim');
  paint.strokeStyle = style.getPropertyValue('--quiet');
  paint.lineWidth = 1;
  for (const share of [0, 0.5, 1]) {
    paint.beginPath();
    paint.moveTo(left, y(share));
    paint.lineTo(right, y(share));
    paint.stroke();
    paint.fillText(`${100 * share} %`, right + 6, y(share) + 4);
  }
  for (let epoch = 1; epoch <= epochsAll; epoch++) paint.fillText(`epoch ${epoch}`.slice(right > 400 ? 0 : 6), x(epoch - 0.5) - (right > 400 ? 20 : 3), box.height - 4);
  for (const [key, name, dashes] of [['loss', '--bar', []], ['accuracy', '--other', [6, 3]]]) {
    paint.beginPath();
    paint.setLineDash(dashes);
    paint.lineWidth = 2;
    paint.strokeStyle = style.getPropertyValue(name);
    for (const point of curve) if (point[key] !== undefined) paint.lineTo(x(point.epoch - 1 + point.done), y(point[key]));
    paint.stroke();
  }
}

// A worker with the page's network.
function hire(news) {
  const url = URL.createObjectURL(new Blob(["'use strict';\n", ...scripts.worker], { type: 'text/javascript' }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  worker.onmessage = ({ data }) => news(data, worker);
  worker.onerror = event => news({ error: event.message }, worker);
  return worker;
}

// Trains from nothing, on built-in digits or on what files hold.
let epochsAll = EPOCHS;
function train(data, epochs = EPOCHS) {
  stop();
  forget();
  curve = [];
  epochsAll = epochs;
  for (const id of ['epoch', 'loss', 'share']) say(id, '–');
  say('hash', '');
  showCurve();
  const { train, test } = data.sets ? { train: data.sets.train.labels.length, test: data.sets.test.labels.length } : data.digits;
  say('status', data.sets ? `${number(train)} training images and ${number(test)} test images.` : `Making ${number(train + test)} digits …`);
  training = hire((news, worker) => { if (worker === training) trained(news, train + test, data); });
  training.postMessage({ module, train: { ...data, epochs } });
  busy();
}

function trained({ error, made, epoch, done, loss, accuracy, units, file, hash }, images, { digits }) {
  if (error) {
    stop();
    return say('status', error);
  }
  if (made) return at('progress').value = made / images;
  if (hash) {
    stop();
    say('status', 'It has learned to read. Draw a digit for it.');
    const known = GOLDEN[hash], all = digits?.train === DIGITS.train && epochsAll === EPOCHS;
    return say('hash', known ? `Your device reached ${hash}, the same bits as every other machine.`
      : all ? `Your device reached ${hash}. Every other machine reaches ${Object.keys(GOLDEN)[0]}, so something is wrong here.` : `Your device reached ${hash}.`);
  }
  at('progress').value = (epoch - 1 + done) / epochsAll;
  curve.push({ epoch, done, loss, accuracy });
  say('epoch', `${epoch} of ${epochsAll}`);
  say('loss', loss.toFixed(3));
  if (accuracy !== undefined) say('share', percent(accuracy));
  if (file) {
    use(file, 'the network that you train here');
    const text = `After epoch ${epoch} of ${epochsAll}: ${percent(accuracy)} of the test images are right.`;
    say('status', text);
    at('curve').setAttribute('aria-label', `Loss and share of right answers. ${text} The loss is ${loss.toFixed(3)}.`);
  } else showUnits(units);
  showCurve();
}

function stop() {
  training?.terminate();
  training = undefined;
  busy();
}

// What may be pressed.
function busy() {
  const focused = document.activeElement;
  at('train').disabled = Boolean(training);
  at('stop').disabled = !training;
  // Who has pressed one with the keyboard can press the other.
  if (focused === at(training ? 'train' : 'stop')) at(training ? 'stop' : 'train').focus();
}

// Forgets the drawings: there is another network.
function forget() {
  teacher?.terminate();
  teacher = undefined;
  lessons = [];
  say('taught', '');
}

// Teaches the drawing that is shown.
function teach(label) {
  if (teacher?.lesson) return;
  const { digit, seen, percent, number: text = '' } = shown;
  if (training) return say('taught', 'Wait until the training is done, or stop it.');
  if (!seen || text.length > 1) return say('taught', 'Draw one digit first.');
  lessons = [...lessons, { image: seen, label }].slice(-32);
  const before = { digit, percent };
  say('taught', 'I am learning it …');
  teacher ??= hire(learned);
  teacher.lesson = { before, label };
  teacher.postMessage({ module, teach: { file: network.file, lessons } });
}

function learned({ error, layer, file, before, after }, worker) {
  if (worker !== teacher) return;
  const { lesson } = worker;
  if (error || layer === 1) worker.lesson = undefined;
  if (error) return say('taught', error);
  use(file, `a network that has learned ${lessons.length} of your drawings`);
  const { label, before: { digit, percent: was } } = lesson, { digit: now, percent: is } = shown;
  const said = `Before, I said ${digit}, ${was} % sure.`;
  if (layer === 2) return say('taught', `${said} The second layer has learned: now I say ${now}, ${is} % sure. All weights are learning …`);
  say('taught', `${said} Now I say ${now}, ${is} % sure. ${now === label ? 'Thank you!' : `Tap ${label} once more, and I practise again.`} Of 1,000 other digits, I read ${percent(before)} before and ${percent(after)} now.`);
}

// Shows a picture file, made as small as the drawing, and reads it.
async function take(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, SIDE / picture.width, SIDE / picture.height);
  const [width, height] = [picture.width, picture.height].map(side => Math.max(1, Math.round(side * scale)));
  clear();
  ink.imageSmoothingQuality = 'high';
  ink.drawImage(picture, 0, 0, width, height);
  const pixels = ink.getImageData(0, 0, width, height).data;
  // What is transparent is over white.
  const luma = i => (299 * pixels[i] + 587 * pixels[i + 1] + 114 * pixels[i + 2] + 500) / 1000;
  const levels = Uint8Array.from({ length: width * height }, (_, i) => (luma(4 * i) * pixels[4 * i + 3] + 255 * (255 - pixels[4 * i + 3])) / 255);
  photograph = { levels, width, height };
  changed();
}

function changed() {
  if (!network || pending) return;
  pending = true;
  requestAnimationFrame(answer);
}

function clear() {
  photograph = null;
  ink.clearRect(0, 0, SIDE, SIDE);
  if (!teacher?.lesson) say('taught', '');
  changed();
}

// What was drawn stays readable when the colours change: only its opacity is looked at.
const pen = width => Object.assign(ink, { strokeStyle: getComputedStyle(drawing).color, lineWidth: width, lineCap: 'round', lineJoin: 'round' });

// Draws lines between points of the canvas.
function stroke(points) {
  if (photograph) clear();
  pen(PEN);
  ink.beginPath();
  ink.moveTo(...points[0]);
  for (const point of points) ink.lineTo(...point);
  ink.stroke();
  changed();
}

// Where each pointer was: two fingers draw two lines.
const last = new Map();
const place = event => {
  const box = drawing.getBoundingClientRect();
  return [(event.clientX - box.left) * SIDE / box.width, (event.clientY - box.top) * SIDE / box.height];
};
drawing.addEventListener('pointerdown', event => {
  if (event.button !== 0) return;
  drawing.setPointerCapture(event.pointerId);
  last.set(event.pointerId, place(event));
  stroke([place(event)]);
});
drawing.addEventListener('pointermove', event => {
  if (!last.has(event.pointerId)) return;
  const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  const points = (between.length ? between : [event]).map(place);
  stroke([last.get(event.pointerId), ...points]);
  last.set(event.pointerId, points.at(-1));
});
for (const end of ['pointerup', 'pointercancel']) drawing.addEventListener(end, event => last.delete(event.pointerId));

// Digits for those who cannot draw: points from 0 to 100, with y from the top.
const EXAMPLES = [
  'M50 8C25 8 25 92 50 92C75 92 75 8 50 8', 'M40 25L55 10V92', 'M28 30C30 0 72 0 70 32C68 55 35 70 26 90H74', 'M28 18C45 0 72 12 66 32C62 46 50 48 42 48C60 46 76 56 70 74C64 94 36 96 26 80',
  'M36 10L26 56H74M60 30V92', 'M70 10H36L32 46C50 34 74 44 70 68C66 92 38 96 26 82', 'M64 10C40 18 28 50 30 70C34 98 70 96 70 70C70 46 36 48 31 66', 'M26 12H72L44 92',
  'M66 22C56 2 30 10 34 28C38 46 70 54 68 74C64 98 32 94 34 72C36 52 66 46 66 22', 'M68 30C62 4 30 8 32 32C34 54 64 52 68 30L60 92',
];
addEventListener('keydown', event => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === 'Escape') clear();
  if (!/^[0-9]$/.test(event.key)) return;
  clear();
  ink.save();
  ink.scale(SIDE / 100, SIDE / 100);
  pen(PEN * 100 / SIDE);
  ink.stroke(new Path2D(EXAMPLES[event.key]));
  ink.restore();
  changed();
});

async function openModel(file) {
  // The reason goes where the file was chosen, and the model in use stays.
  const { bytes } = await read(file), before = network.file;
  try {
    use(bytes, file.name);
    stop();
    forget();
    say('opened', `${file.name} is open. Draw a digit for it.`);
  } catch (error) {
    network.open(before);
    say('opened', `${file.name} cannot be opened. ${error.message} The model before is still in use.`);
  }
}

const pictures = files => [...files].filter(file => file.type.startsWith('image/')).slice(0, 1)
  .forEach(file => take(file).catch(() => say('why', 'This picture cannot be read.')));
// A file may be chosen twice.
const chosen = (id, use, where) => at(id).addEventListener('change', event => {
  const files = [...event.target.files];
  event.target.value = '';
  if (files.length) Promise.resolve(use(files)).catch(error => say(where, error.message));
});
at('clear').addEventListener('click', clear);
chosen('photo', pictures, 'why');
chosen('files', async files => train({ sets: sets(await Promise.all(files.map(read))) }), 'status');
chosen('open', ([file]) => openModel(file), 'opened');
at('train').addEventListener('click', () => train({ digits: DIGITS }));
at('stop').addEventListener('click', () => {
  stop();
  say('status', 'Stopped.');
});
at('first').addEventListener('click', () => {
  stop();
  forget();
  first().then(() => say('opened', 'This is the first model again.'));
});
at('save').addEventListener('click', () => {
  const url = URL.createObjectURL(new Blob([network.file]));
  Object.assign(document.createElement('a'), { href: url, download: 'learned.twolayer' }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
});
addEventListener('paste', event => pictures(event.clipboardData.files));
addEventListener('dragover', event => event.preventDefault());
addEventListener('drop', event => {
  event.preventDefault();
  pictures(event.dataTransfer.files);
});
// What is painted in colours of the page.
const repaint = () => {
  showCurve();
  if (weights.length) showUnits(weights);
};
addEventListener('resize', repaint);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
showCurve();
start().catch(error => say('why', error.message));
