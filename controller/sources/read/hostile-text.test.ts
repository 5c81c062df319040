/** Text that was written to harm: it is refused at its place, costs a bounded amount of work, and changes nothing else. */
import { describe, expect, test } from "vitest";
import { MAX_FIELD_LENGTH, MAX_MESSAGE_LENGTH, MAX_PROBLEMS, MAX_TOKENS } from "./limits.ts";
import { readInSteps } from "./read-file.ts";
import type { FileFormat } from "./read-file.ts";

const KIB = 1024;
const PROJECT = "apiVersion: flaresmith.dev/v1alpha1\nkind: Project\nmetadata: {name: shop}\n";
const SPEC = "spec:\n  github: {connectionRef: {name: github}, repository: shop}\n";
const fill = (piece: string, bytes: number): string => piece.repeat(Math.floor(bytes / piece.length));
const numbered = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("");

/** Reads and counts. */
function read(text: string | Buffer, format: FileFormat = "yaml") {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  const reading = readInSteps(format, bytes);
  let [work, longest] = [0, 0];
  for (;;) {
    const step = reading.next();
    if (step.done === true) return { ...step.value, work, longest };
    work += step.value;
    longest = Math.max(longest, step.value);
  }
}

interface Case {
  text: string | Buffer;
  /** `line:column message` of the first fault, or a part of it; undefined: it is taken. */
  says?: string;
  format?: FileFormat;
  /** Tokens at most; 0: nothing of it is parsed. */
  work?: number;
}

const cases: Record<string, Case> = {
  // Sizes
  "a file beyond 512 KiB": {
    text: fill("# x\n", 513 * KIB),
    says: "the file is larger than 512 KiB",
    work: 0,
  },
  "a document beyond 256 KiB": {
    text: `${PROJECT}---\na: ${fill("x", 257 * KIB)}`,
    says: "4:1 the document is larger than 256 KiB",
    work: 0,
  },
  "a document whose characters take three bytes each": {
    text: `a: ${fill("\u20ac", 100 * KIB)}`,
    says: "1:1 the document is larger than 256 KiB",
    work: 0,
  },
  "a document cut into pieces by what only JavaScript takes for a line end": {
    text: `a: |\n${fill(` ${fill("x", 1000)}\u2028---\n`, 300 * KIB)}`,
    says: "1:1 the document is larger than 256 KiB",
    work: 0,
  },
  "a value of 200 KiB where a name belongs": {
    text: `${PROJECT.replace("shop", fill("x", 200 * KIB))}${SPEC}`,
    says: "3:12 ",
  },
  "a key of 200 KiB": { text: `${PROJECT}${SPEC}  ${fill("x", 200 * KIB)}: 1\n`, says: "6:" },
  // Depth
  "100,000 brackets": {
    text: fill("[", 100_000),
    says: "1:67 collections are nested more than 64 deep",
    work: 200,
  },
  "100,000 braces with keys": {
    text: fill("{a: ", 240_000),
    says: "collections are nested more than 64 deep",
    work: 1000,
  },
  "indentation without end": {
    text: numbered(600, (depth) => `${" ".repeat(depth)}a:\n`),
    says: "66:67 collections are nested more than 64 deep",
    work: 1000,
  },
  "lists in lists in one line": {
    text: fill("- ", 100_000),
    says: "collections are nested more than 64 deep",
    work: 1000,
  },
  "keys in keys in one line": {
    text: fill("? ", 100_000),
    says: "collections are nested more than 64 deep",
    work: 1000,
  },
  "flow below deep block": {
    text: `${numbered(40, (depth) => `${" ".repeat(depth)}a:\n`)}${" ".repeat(40)}${fill("[", 40)}`,
    says: "collections are nested more than 64 deep",
    work: 1000,
  },
  "JSON nested without end": {
    text: `{"kind":${fill("[", 50_000)}${fill("]", 50_000)}}`,
    format: "json",
    says: "more than 64 deep",
    work: 1000,
  },
  // Numbers of things
  "empty lists in a list": {
    text: `a: [${fill("[],", 250_000)}]`,
    says: "more than 20,000 names, values and signs",
  },
  "nothing but commas": {
    text: `a: [${fill(",", 250_000)}]`,
    says: "more than 20,000 names, values and signs",
  },
  "items of a list": {
    text: `a:\n${fill("- \n", 250_000)}`,
    says: "more than 20,000 names, values and signs",
  },
  "lines of comment": {
    text: `${fill("#\n", 250_000)}a: 1`,
    says: "10001:2 the document has more than 20,000",
  },
  "lines indented with a tab": {
    text: `a:\n${fill("\t- b\n", 250_000)}`,
    says: "more than 20,000 names, values and signs",
  },
  tags: { text: `a: [${fill("!a x,", 250_000)}]`, says: "more than 20,000 names, values and signs" },
  "unknown fields, as many as fit": {
    text: `${PROJECT}${SPEC}${numbered(2400, (index) => `  a${index}: 1\n`)}`,
    says: '6:3 spec.a0 unknown field "spec.a0"',
  },
  "labels that are no text, as many as fit": {
    text: `${PROJECT.replace("{name: shop}", `\n  name: shop\n  labels:\n${numbered(2400, (index) => `    a${index}: 1\n`)}`)}${SPEC}`,
    says: "6:5 metadata.labels.a0 the value",
  },
  "100,000 empty documents": { text: fill("---\n", 400_000) },
  "10,000 documents that are none": { text: fill("--- a\n", 60_000), says: "1:5 a manifest is a mapping" },
  "one wrong document among 3,000": {
    text: `${numbered(1500, (index) => `---\n${PROJECT.replace("shop", `a${index}`)}${SPEC}`)}---\nkind: 5\n${numbered(1500, (index) => `---\n${PROJECT.replace("shop", `b${index}`)}${SPEC}`)}`,
    says: "9002:1 kind kind is missing",
  },
  // Aliases, cycles, merges, tags
  "a bomb of aliases": {
    text: `a0: &a0 x\n${numbered(9, (index) => `a${index + 1}: &a${index + 1} [${fill(`*a${index},`, 40)}]\n`)}`,
    says: "1:9 a0 anchors (&name) are not supported",
  },
  "a mapping that holds itself": {
    text: "a: &a\n  b: *a\n",
    says: "2:3 a anchors (&name) are not supported",
  },
  "a key that is an alias": { text: "a: &a b\n*a : c\n", says: "1:7 a anchors" },
  "a merge key with an alias": { text: "a: &a {b: 1}\nc:\n  <<: *a\n", says: "1:7 a anchors" },
  "a merge key": {
    text: `${PROJECT}${SPEC}  <<: {suspend: true}\n`,
    says: "6:3 spec.<< merge keys (<<) are not supported; write the fields out",
  },
  "a custom tag": { text: "a: !!js/function 'return 1'", says: "1:4 tags are not supported" },
  "a tag where a password was meant": { text: "token: !hunter22", says: "1:8 tags are not supported" },
  "a directive": { text: "%TAG ! tag:x,2000:\n---\na: 1", says: "1:1 directives" },
  // Keys
  __proto__: {
    text: `${PROJECT}spec: {__proto__: {x: 1}}`,
    says: "4:8 spec.__proto__ the key __proto__ is not allowed",
  },
  "__proto__ in quotes, escaped": {
    text: '"\\x5f_proto__": {x: 1}',
    says: "1:1 __proto__ the key __proto__ is not allowed",
  },
  "constructor.prototype": {
    text: "constructor: {prototype: {x: 1}}",
    says: "1:1 constructor the key constructor",
  },
  "__proto__ in JSON": {
    text: '{"kind": "Project", "__proto__": {"x": 1}}',
    format: "json",
    says: "1:21 __proto__ the key __proto__",
  },
  "a key given twice": {
    text: `${PROJECT}kind: Secret\n${SPEC}`,
    says: '4:1 kind the key "kind" is given twice',
  },
  "a key given twice, once in quotes": {
    text: 'a: 1\n"\\u0061": 2',
    says: '2:1 a the key "a" is given twice',
  },
  "a key given twice in JSON": {
    text: '{"kind":"Project","kind":"Secret"}',
    format: "json",
    says: '1:19 kind the key "kind"',
  },
  "a key that is a mapping": { text: "? {a: b}\n: c", says: "1:3 a key must be text" },
  "a key that is null": { text: "~: 1", says: "1:1 a key must be text" },
  // Characters
  "a NUL byte": { text: `${PROJECT}# \0\n`, says: "4:3 the character U+0000 is not allowed in YAML" },
  "a terminal's escape sequence": { text: "a: \u001b[2J", says: "1:4 the character U+001B is not allowed" },
  "a one-byte escape sequence": { text: "a: \u009b2J", says: "1:4 the character U+009B is not allowed" },
  "a byte order mark at the start": { text: `\ufeff${PROJECT}${SPEC}` },
  "a byte order mark in the middle": {
    text: `${PROJECT}${SPEC}---\n\ufeff${PROJECT}`,
    says: "7:1 a byte order mark stands inside",
  },
  "UTF-16": { text: Buffer.from(`\ufeff${PROJECT}`, "utf16le"), says: "1:1 the file is not UTF-8 text" },
  "UTF-16 without a mark": { text: Buffer.from("a: 1\n", "utf16le"), says: "1:2 the character U+0000" },
  "Latin-1": { text: Buffer.from("a: caf\u00e9\n", "latin1"), says: "1:7 the file is not UTF-8 text" },
  "an overlong encoding": {
    text: Buffer.from([0x61, 0x3a, 0x20, 0xc0, 0x80]),
    says: "1:4 the file is not UTF-8 text",
  },
  "half of a surrogate pair": {
    text: '{"kind": "\\ud800"}',
    format: "json",
    says: "1:10 kind the value has no counterpart",
  },
  "line separators in a value": {
    text: `${PROJECT}${SPEC.replace("repository: shop", 'repository: "a\u2028b"')}`,
    says: "5:43 spec.github.repository Invalid value",
  },
  "tabs as indentation": { text: "a:\n\tb: 1", says: "2:1 Tabs are not allowed as indentation" },
  "carriage returns alone": { text: "a: 1\rb: 2", says: "1:5 a line ends with a carriage return alone" },
  // Broken on purpose
  "a quote without end": { text: `a: "${fill("x\n", 200_000)}`, says: '100001:1 Missing closing "quote' },
  "a number of 250,000 digits": {
    text: `a: ${fill("9", 250_000)}`,
    says: "1:4 a the value has no counterpart in JSON",
  },
  "white space alone": { text: fill("\t", 250_000) },
  "JSON that ends in the middle": {
    text: `{"a": [${fill("1,", 200_000)}`,
    format: "json",
    says: "the file is not JSON: it ends too early",
  },
  "a JSON string without end": {
    text: `{"a": "${fill("x", 400_000)}`,
    format: "json",
    says: "1:400008 the file is not JSON: it ends too early",
  },
};

describe("hostile text", () => {
  test.each(Object.entries(cases))("%s", (_name, { text, says, format = "yaml", work: most = Infinity }) => {
    const result = read(text, format);
    const { manifests, problems, work, longest } = result;
    const [first] = problems;
    if (says === undefined) expect(problems).toEqual([]);
    else {
      expect(manifests).toEqual([]);
      const { line, column, field, message } = first ?? { message: "nothing" };
      const place = line === undefined ? "" : `${line}:${column ?? 0} `;
      expect(`${place}${field === undefined ? "" : `${field} `}${message}`).toContain(says);
    }
    expect(work).toBeLessThanOrEqual(most);
    expect(longest).toBeLessThanOrEqual(MAX_TOKENS + 1);
    expect(problems.length).toBeLessThanOrEqual(MAX_PROBLEMS + 1);
    const shown = typeof text === "string" ? text.split("\n") : undefined;
    for (const { line = 1, column = 1, field = "", message } of problems) {
      expect(field.length).toBeLessThanOrEqual(MAX_FIELD_LENGTH + 1);
      expect(message.length).toBeLessThanOrEqual(MAX_MESSAGE_LENGTH + 1);
      expect(message).not.toContain("hunter22");
      if (shown !== undefined) expect(column).toBeLessThanOrEqual((shown[line - 1] ?? "").length + 1);
    }
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(read(text, format)).toEqual(result);
  });
});

describe("what cannot be read is not quoted, for it may be a password without quotes", () => {
  const secret = "hunter22";
  test.each([
    `!${secret}`,
    `|${secret}`,
    `>-${secret}\n  x`,
    `*${secret}`,
    `&${secret}`,
    `"x" ${secret}`,
    `'x'${secret}`,
    `"\\q${secret}"`,
    `@${secret}`,
    `\`${secret}`,
    `%${secret}`,
    `{${secret}`,
    `[${secret}`,
    `]${secret}`,
    `x: ${secret}: y`,
    `- ${secret}\n ${secret}`,
    `!<${secret}> x`,
    `!!${secret} x`,
    `"${secret}`,
    `\t${secret}\n\t- ${secret}`,
    `\n${secret}\n${secret}`,
  ])("token: %s", (value) => {
    for (const [text, format] of [
      [`apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  token: ${value}\n`, "yaml"],
      [`{"kind": "Secret", "stringData": {"token": ${value}}}`, "json"],
      [
        `${PROJECT}spec:\n  github: {connectionRef: {name: github}, repository: shop}\n  token: ${value}\n`,
        "yaml",
      ],
    ] as const) {
      const { problems, manifests } = read(text, format);
      expect(manifests).toEqual([]);
      expect(problems.length).toBeGreaterThan(0);
      expect(JSON.stringify(problems)).not.toContain(secret);
    }
  });

  test("credentials inside a URL are left out where a value is quoted", () => {
    const text = `${PROJECT}spec:\n  github: {connectionRef: {name: github}, repository: "https://me:hunter22@example.com/x"}\n`;
    const { problems } = read(text);
    expect(problems[0]?.message).toContain("https://…@example.com/x");
    expect(JSON.stringify(problems)).not.toContain("hunter22");
  });
});
