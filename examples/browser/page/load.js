// Bytes of this page: base 85 (the letters from ( to ~ without < and \), then raw deflate.
async function unpack(text) {
  const digits = Uint8Array.from(text, letter => {
    const code = letter.charCodeAt(0) - 40;
    return code - (code > 20) - (code > 52);
  });
  const deflated = new Uint8Array(Math.floor(digits.length * 4 / 5));
  for (let from = 0, to = 0; to < deflated.length; from += 5, to += 4) {
    let number = 0;
    for (let i = 0; i < 5; i++) number = 85 * number + (digits[from + i] ?? 84);
    for (let i = 0; i < 4; i++) deflated[to + i] = number >>> 24 - 8 * i;
  }
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
