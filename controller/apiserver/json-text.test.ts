import fc from "fast-check";
import { expect, test } from "vitest";
import { DecodeError, DEPTH_LIMIT, parseJsonText, parseYamlText, singleLine } from "./json-text.ts";

test("any JSON is read as JSON.parse reads it, and has no duplicates", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      const read = parseJsonText(text);
      expect(JSON.stringify(read.value)).toBe(JSON.stringify(JSON.parse(text)));
      expect(read.duplicates).toEqual([]);
    }),
  );
});

test("duplicate fields are named by their path, in lists and under escaped names too", () => {
  expect(parseJsonText('{"spec":{"a":1,"a":2}}').duplicates).toEqual(["spec.a"]);
  expect(parseJsonText('{"items":[{"x":1},{"x":1,"x":2}]}').duplicates).toEqual(["items[1].x"]);
  expect(parseJsonText('{"a":1,"\\u0061":2}').duplicates).toEqual(["a"]);
  expect(parseJsonText('{"a":{"b":"a"},"b":"a"}').duplicates).toEqual([]);
});

test("nesting beyond the limit is refused before it is parsed", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  expect(parseJsonText(nested(DEPTH_LIMIT)).value).toBeInstanceOf(Array);
  expect(() => parseJsonText(nested(DEPTH_LIMIT + 1))).toThrow("invalid character '[' exceeded max depth");
});

test("half a body is called that", () => {
  for (const text of ["", "{", '{"a":', '{"a":"b']) {
    expect(() => parseJsonText(text), text).toThrow("unexpected end of JSON input");
  }
  expect(() => parseJsonText("{bad")).toThrow(DecodeError);
});

test("YAML is read as Kubernetes reads it", () => {
  expect(parseYamlText("a: yes\nb: 2026-01-01\nc: 1:30\nd: 0o7\ne: ~\nf: '1'\n").value).toEqual({
    a: true,
    b: "2026-01-01",
    c: "1:30",
    d: "0o7",
    e: null,
    f: "1",
  });
  expect(parseYamlText('{"spec": {"a": [1]}}').value).toEqual({ spec: { a: [1] } });
});

test("YAML aliases and broken YAML are refused", () => {
  expect(() => parseYamlText("a: &x [1]\nb: *x\n")).toThrow(DecodeError);
  expect(() => parseYamlText(": : :\n  -")).toThrow(/^error converting YAML to JSON/);
  expect(parseYamlText("a: 1\nb: {c: 1, c: 2}\na: 2\n")).toEqual({
    value: { a: 2, b: { c: 2 } },
    duplicates: ["b.c", "a"],
  });
  expect(() => parseYamlText("<<: {a: 1}")).toThrow("line 1: merge keys (<<) are not supported");
  expect(() => parseYamlText("a: !x 1")).toThrow("line 1: tags are not supported");
  expect(() => parseYamlText("a: 1\n---\nb: 2\n")).toThrow("line 3: a second document begins here");
});

test("a line of a stream holds no separator at which a reader could split it, and means the same", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("\u2028", "\u2029", "a", "\\", '"', "\n") }), (value) => {
      const line = singleLine(JSON.stringify({ value }));
      expect(line).not.toMatch(/[\u2028\u2029\n]/);
      expect(JSON.parse(line)).toEqual({ value });
    }),
  );
});
