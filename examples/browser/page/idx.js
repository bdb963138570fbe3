// A file's bytes, unpacked if it is .gz.
async function read(file) {
  let bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  }
  return { name: file.name, bytes };
}

// An IDX file of bytes: its dimensions, slowest first, and its elements. Throws where it is none.
function idx(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const rank = bytes[3];
  if (bytes.length < 4 || view.getUint16(0) !== 0 || bytes[2] !== 8 || bytes.length < 4 + 4 * rank) throw new Error(`${name} is not an IDX file of bytes.`);
  const sizes = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const data = bytes.subarray(4 + 4 * rank);
  const expected = sizes.reduce((a, b) => a * b, 1);
  if (data.length !== expected) throw new Error(`${name} has ${data.length} bytes of data, but its header says ${expected}.`);
  return { sizes, data };
}

// The two sets in four IDX files, told apart by their headers; the larger is for training.
function sets(files) {
  const all = files.map(({ name, bytes }) => ({ name, ...idx(bytes, name) }));
  const by = rank => all.filter(({ sizes }) => sizes.length === rank).sort((a, b) => b.sizes[0] - a.sizes[0]);
  const [images, labels] = [by(3), by(1)];
  if (images.length !== 2 || labels.length !== 2) throw new Error(`Four files are needed, two of images and two of labels; these are ${images.length} and ${labels.length}.`);
  return Object.fromEntries(['train', 'test'].map((set, i) => {
    const [count, height, width] = images[i].sizes;
    if (height !== 28 || width !== 28) throw new Error(`${images[i].name} has images of ${width} × ${height}, not 28 × 28.`);
    if (labels[i].sizes[0] !== count || count === 0) throw new Error(`${labels[i].name} has ${labels[i].sizes[0]} labels for the ${count} images of ${images[i].name}.`);
    if (labels[i].data.some(label => label > 9)) throw new Error(`${labels[i].name} has a label above 9.`);
    return [set, { images: images[i].data, labels: labels[i].data }];
  }));
}
