// Bytes of this page: base64, then raw deflate.
async function unpack(text) {
  const deflated = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
