/** Splits a stream of bytes into lines, whatever chunks it comes in. */

const NEWLINE = 0x0a;
/** Longest line that is kept, in bytes: above any object that the API takes (3 MiB), escaped. */
const LONGEST = 16 * 1024 * 1024;

/**
 * Lines without their newline; empty ones are left out. Only the byte 0x0A ends a line: U+2028 inside of an object does
 * not, and a character that is cut by a chunk is put together again.
 * @throws Error for a line above 16 MiB
 */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pending: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      pending.push(chunk.subarray(start, end));
      const line = Buffer.concat(pending).toString("utf8");
      pending = [];
      size = 0;
      start = end + 1;
      if (line !== "") yield line;
    }
    const rest = chunk.subarray(start);
    size += rest.byteLength;
    if (size > LONGEST) throw new Error(`a line of the stream is longer than ${LONGEST} bytes`);
    // Copied: the transport may use the chunk's memory again.
    if (rest.byteLength > 0) pending.push(rest.slice());
  }
  const last = Buffer.concat(pending).toString("utf8");
  if (last !== "") yield last;
}
