/** Whatever is in a file: nothing is thrown, every fault has its place in the file, and nothing else changes. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FUZZ_TIMEOUT, fuzz } from "../../../test/support/fuzz.ts";
import { jsonFaultOffset } from "../../runtime/json-fault.ts";
import { MAX_FIELD_LENGTH, MAX_MESSAGE_LENGTH, MAX_PROBLEMS, MAX_TOKENS } from "./limits.ts";
import { readInSteps, readManifestFile } from "./read-file.ts";

/** Every manifest of examples/: what people write. */
const examples = readdirSync("examples", { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".yaml") && !path.includes("template"))
  .toSorted()
  .map((path) => readFileSync(join("examples", path), "utf8"));

const piece = fc.oneof(
  fc.constantFrom(
    ..."__proto__|constructor|prototype|kind|Project|apiVersion: flaresmith.dev/v1alpha1|metadata|spec|&a |*a|!!str |!x |- |? |: |\n|\n  |---\n|...\n|{|}|[|]|,|'|\"|#|%|\t|<<: |~|0x1|.nan|\u2028|\u{1f600}|@|`|\r|\r\n|\0|\ufeff|\u0085|\\ud800".split(
      "|",
    ),
    "|",
    "|2-\n",
    ">+\n",
  ),
  fc.string({ maxLength: 5 }),
  fc.string({ unit: "binary", maxLength: 5 }),
);

/** One change to a text, as a careless or a hostile hand makes it. */
type Mutation = (text: string) => string;
const at = fc.double({ min: 0, max: 1, noNaN: true });
const lineOf = (lines: readonly string[], share: number): number => Math.floor(share * (lines.length - 1));
const onLines =
  (change: (lines: string[]) => void): Mutation =>
  (text) => {
    const lines = text.split("\n");
    change(lines);
    return lines.join("\n");
  };
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(at, piece).map(([share, extra]): Mutation => (text) => {
    const position = Math.floor(share * text.length);
    return text.slice(0, position) + extra + text.slice(position);
  }),
  fc.tuple(at, fc.nat({ max: 20 })).map(([share, length]): Mutation => (text) => {
    const position = Math.floor(share * text.length);
    return text.slice(0, position) + text.slice(position + length);
  }),
  fc.tuple(at, at).map(([from, to]) =>
    onLines((lines) => {
      const [line = ""] = lines.splice(lineOf(lines, from), 1);
      lines.splice(lineOf(lines, to), 0, line);
    }),
  ),
  fc.tuple(at, fc.integer({ min: -4, max: 4 })).map(([share, by]) =>
    onLines((lines) => {
      const index = lineOf(lines, share);
      const line = lines[index] ?? "";
      lines[index] = by < 0 ? line.slice(-by) : " ".repeat(by) + line;
    }),
  ),
  fc.tuple(at, fc.nat({ max: 3 })).map(([share, times]) =>
    onLines((lines) => {
      const index = lineOf(lines, share);
      lines.splice(index, 0, ...Array<string>(times).fill(lines[index] ?? ""));
    }),
  ),
  fc.tuple(at, piece).map(([share, value]) =>
    onLines((lines) => {
      const index = lineOf(lines, share);
      lines[index] = (lines[index] ?? "").replace(/: .*/, `: ${value}`);
    }),
  ),
);

const mutated = fc
  .tuple(fc.constantFrom(...examples), fc.array(mutation, { minLength: 1, maxLength: 4 }))
  .map(([text, mutations]) => mutations.reduce((changed, mutate) => mutate(changed), text));
const assembled = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));
const json = fc
  .tuple(fc.json(), fc.boolean())
  .map(([value, whole]) =>
    whole
      ? value
      : `{"apiVersion": "flaresmith.dev/v1alpha1", "kind": "Project", "metadata": {"name": "x"}, "spec": ${value}}`,
  );
const path = fc.constantFrom("a.yaml", "b.yml", "c.json");

function check(content: string, file: string): void {
  const { objects, errors } = readManifestFile(file, Buffer.from(content));
  expect(objects.length === 0 || errors.length === 0).toBe(true);
  expect(errors.length).toBeLessThanOrEqual(MAX_PROBLEMS + 1);
  // What reaches the reader is UTF-8: half of a surrogate pair came to be something else on the way.
  const lines = content
    .toWellFormed()
    .replace(/^\ufeff/, "")
    .split("\n");
  for (const { line, column, field = "", message } of errors) {
    expect(message).not.toBe("");
    expect(message.length).toBeLessThanOrEqual(MAX_MESSAGE_LENGTH + 1);
    expect(field.length).toBeLessThanOrEqual(MAX_FIELD_LENGTH + 1);
    if (line === undefined || column === undefined) {
      expect(message).toMatch(/larger|only the first/);
      continue;
    }
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? "").length + 1);
  }
  for (const { object, line } of objects) {
    expect(object.apiVersion).toBe("flaresmith.dev/v1alpha1");
    expect(JSON.parse(JSON.stringify(object))).toEqual(object);
    expect(line).toBeLessThanOrEqual(lines.length);
  }
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(readManifestFile(file, Buffer.from(content))).toEqual(readManifestFile(file, Buffer.from(content)));
}

describe("whatever is in a file", { timeout: FUZZ_TIMEOUT }, () => {
  test("a manifest with changes at random", () => {
    fc.assert(fc.property(mutated, path, check), fuzz(600));
  });

  test("pieces of YAML in any order", () => {
    fc.assert(fc.property(assembled, path, check), fuzz(1000));
  });

  test("any JSON", () => {
    fc.assert(fc.property(json, path, check), fuzz(500));
  });

  test("any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), path, (bytes, file) => {
        const { objects, errors } = readManifestFile(file, bytes);
        expect(objects).toEqual([]);
        for (const { line } of errors) expect(line).toBeGreaterThanOrEqual(1);
      }),
      fuzz(1000),
    );
  });

  test("no step is longer than one document may be, however it is written", () => {
    const long = fc
      .tuple(assembled, fc.integer({ min: 1, max: 3000 }))
      .map(([text, times]) => text.repeat(times).slice(0, 200_000));
    fc.assert(
      fc.property(long, (text) => {
        const reading = readInSteps("yaml", Buffer.from(text));
        for (let step = reading.next(); step.done !== true; step = reading.next())
          expect(step.value).toBeLessThanOrEqual(MAX_TOKENS + 1);
      }),
      fuzz(60),
    );
  });

  test("a password in a Secret is told to nobody, whatever stands around it", () => {
    const secret = "hunter22-canary";
    const around = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join("").replaceAll("\n", " "));
    fc.assert(
      fc.property(around, around, fc.boolean(), (before, after, isSecret) => {
        const kind = isSecret
          ? "apiVersion: v1\nkind: Secret"
          : "apiVersion: flaresmith.dev/v1alpha1\nkind: Project";
        const text = `${kind}\nmetadata: {name: a}\nstringData:\n  token: ${before}${secret}${after}\n  other: ${secret}\n`;
        const { errors } = readManifestFile("a.yaml", Buffer.from(text));
        expect(errors.length).toBeGreaterThan(0);
        expect(JSON.stringify(errors)).not.toContain(secret);
      }),
      fuzz(1000),
    );
  });

  test("JSON is told from what is none as the language's own parser tells it", () => {
    const broken = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom("", ",", "}", "[", '"', "x", "\\", "0", "\n", "-", "\u0001"),
    );
    fc.assert(
      fc.property(broken, ([text, place, extra]) => {
        const position = place % (text.length + 1);
        const changed = `${text.slice(0, position)}${extra}${text.slice(position + (place % 2))}`;
        let valid = true;
        try {
          JSON.parse(changed);
        } catch {
          valid = false;
        }
        expect(jsonFaultOffset(changed) === undefined).toBe(valid);
      }),
      fuzz(2000),
    );
  });
});
