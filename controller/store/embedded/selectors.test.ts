import fc from "fast-check";
import { expect, test } from "vitest";
import { parseFieldSelector, parseLabelSelector } from "./selectors.ts";

const key = fc.constantFrom("a", "b", "example.dev/c", "in", "notin");
const value = fc.constantFrom<string[]>("", "x", "y", "in", "1.2-3_4");
type Labels = Record<string, string>;
interface Requirement {
  text: string;
  holds(labels: Labels): boolean;
}

const requirement = fc.oneof<fc.Arbitrary<Requirement>[]>(
  fc
    .tuple(key, value, fc.constantFrom("=", "==", " = "))
    .map(([k, v, op]) => ({ text: `${k}${op}${v}`, holds: (labels: Labels) => labels[k] === v })),
  fc.tuple(key, value).map(([k, v]) => ({ text: `${k}!=${v}`, holds: (labels: Labels) => labels[k] !== v })),
  fc.tuple(key, fc.array(value, { minLength: 1, maxLength: 3 })).map(([k, values]) => ({
    text: `${k} in (${values.join(", ")})`,
    holds: (labels: Labels) => labels[k] !== undefined && values.includes(labels[k]),
  })),
  fc.tuple(key, fc.array(value, { minLength: 1, maxLength: 3 })).map(([k, values]) => ({
    text: `${k} notin (${values.join(",")})`,
    holds: (labels: Labels) => labels[k] === undefined || !values.includes(labels[k]),
  })),
  key.map((k) => ({ text: k, holds: (labels: Labels) => labels[k] !== undefined })),
  key.map((k) => ({ text: `!${k}`, holds: (labels: Labels) => labels[k] === undefined })),
);

test("a label selector means what its requirements mean together", () => {
  const labels = fc.dictionary(key, value, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(requirement, { minLength: 1, maxLength: 4 }), labels, (requirements, given) => {
      const test = parseLabelSelector(requirements.map((one) => one.text).join(","));
      expect(test?.(given)).toBe(requirements.every((one) => one.holds(given)));
    }),
  );
});

test.each(["a in b", "a=b=c", "a,,b", "!!a", "a in (b", "=b", "a=-", "a,", "/x=1", "a>b"])(
  "%s is refused",
  (text) => {
    expect(() => parseLabelSelector(text)).toThrow(/unable to parse requirement/);
  },
);

test("field selectors: escapes, both equals, and not equal", () => {
  expect(parseFieldSelector("a.b=c,d!=e,f==g\\,h\\=i")).toEqual([
    { path: "a.b", value: "c", equal: true },
    { path: "d", value: "e", equal: false },
    { path: "f", value: "g,h=i", equal: true },
  ]);
  expect(() => parseFieldSelector("nonsense")).toThrow(
    "invalid selector: 'nonsense'; can't understand 'nonsense'",
  );
});
