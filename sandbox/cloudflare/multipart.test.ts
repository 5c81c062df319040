import fc from "fast-check";
import { expect, test } from "vitest";
import { multipartBoundary, parseMultipart, writeMultipart } from "./multipart.ts";

const text = fc.string({ minLength: 1, unit: fc.constantFrom(..."abcXYZ019-_./ ") });

test("any parts come back from the body they were written to", () => {
  const part = fc.record({
    name: text,
    filename: text,
    contentType: fc.constantFrom("text/plain", "application/wasm"),
    bytes: fc.uint8Array(),
  });
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      expect(parseMultipart(writeMultipart(parts, "frontier-7f3a"), "frontier-7f3a")).toEqual(parts);
    }),
  );
});

test("a body written by the platform's own FormData is understood", async () => {
  const form = new FormData();
  form.set("metadata", JSON.stringify({ a: 1 }));
  form.set('we"ird', new File([new Uint8Array([0, 13, 10, 45, 45])], "x.wasm", { type: "application/wasm" }));
  const response = new Response(form);
  const boundary = multipartBoundary(response.headers.get("content-type") ?? "") ?? "";
  const parts = parseMultipart(new Uint8Array(await response.arrayBuffer()), boundary);
  expect(parts.map((part) => [part.name, part.filename, part.contentType])).toEqual([
    ["metadata", undefined, "text/plain"],
    ['we"ird', "x.wasm", "application/wasm"],
  ]);
  expect(parts[1]?.bytes).toEqual(new Uint8Array([0, 13, 10, 45, 45]));
});

test("a body that breaks off or is no multipart at all is an error, never fewer parts", () => {
  const whole = writeMultipart([{ name: "a", contentType: "text/plain", bytes: new Uint8Array(9) }], "b");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length - 5 }), (length) => {
      expect(() => parseMultipart(whole.subarray(0, length), "b")).toThrow("multipart body");
    }),
  );
});
