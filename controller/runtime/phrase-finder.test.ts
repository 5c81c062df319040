import fc from "fast-check";
import { expect, test } from "vitest";
import { createPhraseFinder } from "./phrase-finder.ts";

/** Few letters, so that phrases overlap, contain and repeat one another. */
const text = (options: { minLength: number; maxLength: number }) =>
  fc.string({ ...options, unit: fc.constantFrom("a", "b") });

/** Every place of the text that lies in an occurrence of a phrase, found the slow way. */
function covered(content: string, phrases: readonly string[]): boolean[] {
  const places = Array.from({ length: content.length }, () => false);
  for (const phrase of phrases)
    for (let at = content.indexOf(phrase); at !== -1; at = content.indexOf(phrase, at + 1))
      places.fill(true, at, at + phrase.length);
  return places;
}

test("every place of a phrase is replaced, nothing else, whatever was added and deleted before", () => {
  fc.assert(
    fc.property(
      fc.array(text({ minLength: 6, maxLength: 9 }), { maxLength: 12 }),
      fc.array(text({ minLength: 6, maxLength: 9 }), { maxLength: 12 }),
      text({ minLength: 0, maxLength: 60 }),
      (phrases, deleted, content) => {
        const finder = createPhraseFinder();
        for (const phrase of [...phrases, ...deleted]) finder.add(phrase);
        for (const phrase of deleted) finder.delete(phrase);
        const left = [...new Set(phrases)].filter((phrase) => !deleted.includes(phrase));
        expect(finder.size).toBe(left.length);
        const clean = finder.replaceAll(content, "-");
        const places = covered(content, left);
        expect(clean.replaceAll("-", "")).toBe([...content].filter((_, at) => !places[at]).join(""));
        expect(finder.replaceAll(clean, "+")).toBe(clean);
      },
    ),
  );
});

test("a phrase too short to be found is refused", () => {
  expect(() => createPhraseFinder().add("short")).toThrow(RangeError);
});

test("a text is not gone through again for each phrase", () => {
  const few = createPhraseFinder();
  const many = createPhraseFinder();
  few.add("postgresql://app:npg_0@example");
  for (let index = 0; index < 20_000; index += 1) many.add(`postgresql://app:npg_${index}@example`);
  const looked = { few: 0, many: 0 };
  const counted = (name: keyof typeof looked): string =>
    new Proxy(new String("postgresql://app:npg_x@example is none of postgresql://app:npg_y@example"), {
      get: (target, member) => {
        looked[name] += 1;
        const value = Reflect.get(target, member) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    }) as unknown as string;
  few.replaceAll(counted("few"), "-");
  many.replaceAll(counted("many"), "-");
  expect(looked.many).toBeLessThan(looked.few * 2);
});
