/** What every type of external resource must say about itself. */
import { expect, test } from "vitest";
import { definitions } from "./providers.ts";

test("every type that can carry a marker can be listed by it, and no other claims to", () => {
  const listed = definitions.filter((definition) => definition.listMarked !== undefined);
  expect(listed).toEqual(definitions.filter(({ ownership }) => ownership !== "inherited"));
});
