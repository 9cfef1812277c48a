/** What a frame's answer must look like before it may be decoded: half an image must never be shown as a whole one. */

const JPEG_FAMILY = /^image\/(jpeg|jls|jp2|jpx|jphc)\b/;
const LONGEST_PADDING = 16;

export class FrameUnusable extends Error {}

/** The body of a frame's answer; rejects when it is no multipart answer, has no end, or a codestream without its end. */
export async function checkedFrame(request: XMLHttpRequest): Promise<ArrayBuffer> {
  const body = request.response as ArrayBuffer;
  const boundary = /^multipart\/related\b.*boundary="?([^";]+)"?/i.exec(request.getResponseHeader("Content-Type") ?? "")?.[1];
  if (!boundary) throw new FrameUnusable("the answer is no multipart answer");
  const bytes = new Uint8Array(body);
  const end = lastIndexOf(bytes, `\r\n--${boundary}--`);
  if (end < 0) throw new FrameUnusable("the answer ends before its closing boundary");
  if (JPEG_FAMILY.test(partType(bytes)) && !endsWithMarker(bytes, end)) {
    throw new FrameUnusable("the compressed image ends before its end marker");
  }
  return body;
}

function partType(bytes: Uint8Array): string {
  const head = latin(bytes.subarray(0, 512));
  return /content-type:\s*([^\r\n]+)/i.exec(head.slice(0, Math.max(0, head.indexOf("\r\n\r\n"))))?.[1] ?? "";
}

/** End of Image and End of Codestream are both FF D9, which no entropy-coded data holds; some bytes of padding follow. */
function endsWithMarker(bytes: Uint8Array, end: number): boolean {
  for (let at = end - 2; at >= end - LONGEST_PADDING; at -= 1) {
    if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return true;
  }
  return false;
}

/** Looked for in the last bytes alone: an epilogue is short. */
function lastIndexOf(bytes: Uint8Array, words: string): number {
  const from = Math.max(0, bytes.length - words.length - 64);
  const at = latin(bytes.subarray(from)).lastIndexOf(words);
  return at < 0 ? -1 : from + at;
}

function latin(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
