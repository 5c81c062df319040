import fc from "fast-check";
import { expect, test } from "vitest";
import { readLines } from "./lines.ts";

async function collect(chunks: Uint8Array[]): Promise<string[]> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) {
      yield await Promise.resolve(chunk);
      // The transport uses the memory again.
      chunk.fill(0);
    }
  }
  const lines: string[] = [];
  for await (const line of readLines(stream())) lines.push(line);
  return lines;
}

test("lines are the same wherever the stream is cut", async () => {
  const line = fc.string({
    unit: fc.constantFrom("a", "ä", "€", "😀", "\u2028", "\r", " "),
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 8 }),
      fc.array(fc.nat(200), { maxLength: 12 }),
      async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        const at = [
          ...new Set([0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length]),
        ].toSorted((a, b) => a - b);
        const chunks = at.slice(1).map((end, index) => new Uint8Array(bytes.subarray(at[index], end)));
        expect(await collect(chunks)).toEqual(lines);
      },
    ),
  );
});

test("a last line without its newline is not lost", async () => {
  expect(await collect([new Uint8Array(Buffer.from("a\n\nb"))])).toEqual(["a", "b"]);
});
