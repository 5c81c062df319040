import fc from "fast-check";
import { expect, test } from "vitest";
import { globPattern } from "./glob.ts";
import { parseJsonc } from "./jsonc.ts";

test("whatever JSON says, it says with comments and trailing commas too", () => {
  const noise = fc.constantFrom("", " ", "\n", "/* , } */", "// ]\n", '/* "x": */');
  fc.assert(
    fc.property(fc.jsonValue(), fc.infiniteStream(noise), (value, stream) => {
      const text = JSON.stringify(value, undefined, 1);
      // Every line break of the pretty text lies between tokens.
      const noisy = text
        .split("\n")
        .map((line, index, lines) => {
          const next = lines[index + 1];
          const closes = next !== undefined && /^\s*[}\]]/.test(next) && !/[[{]$/.test(line);
          return `${line}${closes ? "," : ""}${stream.next().value ?? ""}`;
        })
        .join("\n");
      expect(parseJsonc(noisy)).toEqual(JSON.parse(text));
    }),
  );
});

test.each([
  ['{"a": }', 1, 7],
  ['{"secret": "hunter2", x}', 1, 23],
  ["[1, 2] 3", 1, 8],
  ['{"a" 1}', 1, 6],
  ["[1 2]", 1, 4],
  ['{"a": "b\nc"}', 1, 7],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
  ['{ // x\n "a": tru }', 2, 7],
  ["/* never ends", 1, 1],
])("%j is told with line and column", (text, line, column) => {
  expect(() => parseJsonc(text)).toThrow(new RegExp(`^line ${line}, column ${column}: `));
});

test("no more of the file is quoted than what is wrong", () => {
  expect(() => parseJsonc('{"secret": "hunter2", x}')).toThrow(/^line 1, column 23: unexpected "x"$/);
});

test("whatever JSON.parse refuses is refused, and the other way round", () => {
  const pieces = fc.array(
    fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ":",
      '"a"',
      "1",
      "-0.5e3",
      "01",
      "true",
      "nul",
      " ",
      "\n",
      '"\\u00e9"',
      '"\\x"',
    ),
    { maxLength: 9 },
  );
  fc.assert(
    fc.property(pieces, (parts) => {
      const text = parts.join("");
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      if (valid) expect(parseJsonc(text)).toEqual(JSON.parse(text));
      else expect(() => parseJsonc(text)).toThrow(SyntaxError);
    }),
    { numRuns: 2000 },
  );
});

test("an incomplete file is told, too", () => {
  expect(() => parseJsonc('{"a": 1')).toThrow(/^line 1, column \d+: /);
  expect(() => parseJsonc("")).toThrow(/^line 1, column 1: /);
});

test.each<[string, string[], string[]]>([
  ["**/*.js", ["a.js", "x/y/a.js"], ["a.jsx", "a.mjs"]],
  ["*.txt", ["a.txt"], ["x/a.txt"]],
  ["lib/**", ["lib/a", "lib/x/b.js"], ["libs/a"]],
  ["a?.js", ["ab.js"], ["a.js", "a/.js"]],
  ["./x/*.wasm", ["x/a.wasm"], ["a.wasm"]],
])("the glob %s", (glob, hits, misses) => {
  const pattern = globPattern(glob);
  expect(hits.filter((path) => pattern?.test(path))).toEqual(hits);
  expect(misses.filter((path) => pattern?.test(path))).toEqual([]);
});

test.each(["", "{a,b}", "[ab]", "!a", "@(a)", "a\\b"])("the glob %j is not understood", (glob) => {
  expect(globPattern(glob)).toBeUndefined();
});
