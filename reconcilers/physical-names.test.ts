/** Names that mean something to JavaScript, and nothing here. */
import { expect, test } from "vitest";
import { variableValues } from "./deployment.ts";
import { chosenName } from "./names.ts";

test.each(["constructor", "toString", "__proto__"])(
  "a logical name %s that nobody renamed has no other",
  (name) => {
    expect(chosenName({ api: "legacy" }, name)).toBeUndefined();
    expect(chosenName({ api: "legacy" }, "api")).toBe("legacy");
  },
);

test("a variable called __proto__ is one like any other", () => {
  const facts = { project: "shop", environment: "dev", stage: "Dev", revision: "a", neonBranch: undefined };
  const values = variableValues(
    { name: "api", workersDev: true, vars: [{ name: "__proto__", value: "mine" }] },
    facts,
  );
  expect(Object.entries(values)).toEqual([["__proto__", "mine"]]);
});
