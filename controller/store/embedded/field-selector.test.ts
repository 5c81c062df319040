import fc from "fast-check";
import { expect, test } from "vitest";
import { FUZZ_TIMEOUT, fuzz } from "../../../test/support/fuzz.ts";
import { isApiError } from "../resource-client.ts";
import { parseFieldSelector } from "./field-selector.ts";
import { openTestStore, thing, thingType } from "./testing.ts";

test("escapes, both equals, and not equal", () => {
  expect(parseFieldSelector("a.b=c,d!=e,,f==g\\,h\\=i,j=k\\\\,l=")).toEqual([
    { path: "a.b", value: "c", equal: true },
    { path: "d", value: "e", equal: false },
    { path: "f", value: "g,h=i", equal: true },
    { path: "j", value: "k\\", equal: true },
    { path: "l", value: "", equal: true },
  ]);
  expect(parseFieldSelector(undefined)).toEqual([]);
});

test.each([
  ["nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'"],
  ["a=b=c", "invalid field selector: unescaped character in value: 61"],
  ["a=b\\x", "invalid field selector: invalid escape sequence: \\x"],
  ["a=b\\", "invalid field selector: invalid escape sequence: \\"],
])("%s is refused", (text, message) => {
  expect(() => parseFieldSelector(text)).toThrow(message);
});

test("whatever is escaped comes back", { timeout: FUZZ_TIMEOUT }, () => {
  const escaped = (value: string): string => value.replaceAll(/[\\,=]/g, (sign) => `\\${sign}`);
  const values = fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(values, (all) => {
      const text = all.map((value, index) => `f${index}=${escaped(value)}`).join(",");
      expect(parseFieldSelector(text)).toEqual(
        all.map((value, index) => ({ path: `f${index}`, value, equal: true })),
      );
    }),
    fuzz(1000),
  );
});

test("whatever is written is understood or refused", { timeout: FUZZ_TIMEOUT }, () => {
  const text = fc.array(fc.oneof(fc.constantFrom("a", "=", "!=", "==", ",", "\\"), fc.string()), {
    maxLength: 10,
  });
  fc.assert(
    fc.property(
      text.map((pieces) => pieces.join("")),
      (selector) => {
        try {
          parseFieldSelector(selector);
        } catch (error) {
          expect(isApiError(error, "BadRequest")).toBe(true);
        }
      },
    ),
    fuzz(1000),
  );
});

test.each(["constructor", "__proto__", "toString", "spec.scalar"])(
  "%s is no field to select by",
  async (path) => {
    const store = await openTestStore();
    await store.create(thingType, thing("a"));
    await expect(store.list(thingType, { fieldSelector: `${path}=x` })).rejects.toThrow(
      `field label not supported: ${path}`,
    );
  },
);
