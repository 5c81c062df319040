/** Label selectors against an evaluator that knows no text; and against whatever people and scanners write. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FUZZ_TIMEOUT, fuzz } from "../../../test/support/fuzz.ts";
import { isApiError } from "../resource-client.ts";
import { parseLabelSelector } from "./label-selector.ts";

type Labels = Readonly<Record<string, string>>;

/** A requirement as Kubernetes means it, without its text. */
type Requirement =
  | { is: "in" | "notin"; key: string; values: readonly string[] }
  | { is: "exists" | "absent"; key: string }
  | { is: "above" | "below"; key: string; bound: number };

function holds(requirement: Requirement, labels: ReadonlyMap<string, string>): boolean {
  const value = labels.get(requirement.key);
  switch (requirement.is) {
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
    case "in":
      return value !== undefined && requirement.values.includes(value);
    case "notin":
      return value === undefined || !requirement.values.includes(value);
    default: {
      if (value === undefined || !/^[0-9]+$/.test(value)) return false;
      return requirement.is === "above"
        ? Number(value) > requirement.bound
        : Number(value) < requirement.bound;
    }
  }
}

const key = fc.constantFrom(
  ..."a b c.d example.dev/c in notin in-x notin.y x.in/notin constructor toString valueOf hasOwnProperty".split(
    " ",
  ),
);
const word = fc.constantFrom(..."x y in notin in-progress notin_1 1.2-3_4 7 42 constructor".split(" "));
const value = fc.oneof(word, fc.constant(""));
const space = fc.constantFrom("", " ", "\t", "  ");
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    is: fc.constantFrom("in" as const, "notin" as const),
    key,
    values: fc.array(value, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ is: fc.constantFrom("exists" as const, "absent" as const), key }),
  fc.record({ is: fc.constantFrom("above" as const, "below" as const), key, bound: fc.nat({ max: 50 }) }),
);

/** One way to write a requirement; several mean the same. */
const written: fc.Arbitrary<{ requirement: Requirement; text: string }> = fc
  .tuple(requirement, space, space, fc.nat({ max: 2 }))
  .map(([one, before, after, way]) => {
    const text = ((): string => {
      switch (one.is) {
        case "exists":
          return `${before}${one.key}${after}`;
        case "absent":
          return `${before}!${after}${one.key}`;
        case "above":
          return `${one.key}${before}>${after}${one.bound}`;
        case "below":
          return `${one.key}${before}<${after}${one.bound}`;
        default: {
          const [only = ""] = one.values;
          if (one.values.length === 1 && way > 0) {
            const sign = one.is === "notin" ? "!=" : way === 1 ? "=" : "==";
            return `${one.key}${before}${sign}${after}${only}`;
          }
          return `${one.key} ${one.is}${before}(${one.values.join(`${after},`)})`;
        }
      }
    })();
    return { requirement: one, text };
  });

const labels = fc.dictionary(key, value, { noNullPrototype: true });

describe("a label selector", { timeout: FUZZ_TIMEOUT }, () => {
  test("means what its requirements mean together, however it is written", () => {
    fc.assert(
      fc.property(fc.array(written, { minLength: 1, maxLength: 5 }), labels, (all, given) => {
        const selects = parseLabelSelector(all.map(({ text }) => text).join(","));
        const expected = all.every((one) => holds(one.requirement, new Map(Object.entries(given))));
        expect(selects?.(given)).toBe(expected);
      }),
      fuzz(3000),
    );
  });

  test("that is none is refused with the reason, and nothing else is thrown", () => {
    const piece = fc.oneof(
      key,
      word,
      fc.constantFrom(..."=,==,!=,!,(,),<,>,\\,,',\",\0,\u2028".split(","), ",", " "),
      fc.string(),
    );
    const garbage = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(garbage, labels, (text, given) => {
        let selects: ((labels: Labels) => boolean) | undefined;
        try {
          selects = parseLabelSelector(text);
        } catch (error) {
          expect(isApiError(error, "BadRequest")).toBe(true);
          expect((error as Error).message).toMatch(/^(unable to parse requirement: .|found ')/);
          return;
        }
        if (selects === undefined) expect(text.trim()).toBe("");
        else expect(typeof selects(given)).toBe("boolean");
      }),
      fuzz(3000),
    );
  });

  test.each([
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a=b=c", "found '=', expected: ',' or 'end of string'"],
    ["a,,b", "found ',', expected: identifier after ','"],
    ["!!a", "unable to parse requirement: found '!', expected: identifier"],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a in (((((", "unable to parse requirement: found '(', expected: ',', ')' or identifier"],
    ["=b", "found '=', expected: !, identifier, or 'end of string'"],
    ["a,", "found '', expected: identifier after ','"],
    [
      "a=-",
      'unable to parse requirement: values[0][a]: Invalid value: "-": a valid label must be an empty string',
    ],
    ["/x=1", 'unable to parse requirement: <nil>: Invalid value: "/x": prefix part must be non-empty'],
    ["a>b", "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators"],
    ["a>99999999999999999999", "for 'Gt', 'Lt' operators, the value must be an integer"],
    ["__proto__", 'unable to parse requirement: <nil>: Invalid value: "__proto__": name part'],
    [`a=${"x".repeat(10_000)}`, "must be no more than 63 bytes"],
    [`${"a".repeat(10_000)}!`, "name part must be no more than 63 bytes"],
    [`a in (${",".repeat(10_000)}!)`, "found '!', expected: ',' or ')'"],
    ["(".repeat(10_000), "found '(', expected: !, identifier, or 'end of string'"],
  ])("%.40s is refused", (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(message);
  });

  test("about a name that every object has does not select every object", () => {
    for (const name of ["constructor", "toString", "valueOf", "hasOwnProperty", "isPrototypeOf"]) {
      expect(parseLabelSelector(name)?.({})).toBe(false);
      expect(parseLabelSelector(`!${name}`)?.({})).toBe(true);
      expect(parseLabelSelector(`${name}!=x`)?.({})).toBe(true);
      expect(parseLabelSelector(`${name} in (x)`)?.({ [name]: "x" })).toBe(true);
    }
  });
});
