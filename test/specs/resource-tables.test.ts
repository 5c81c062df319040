import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { SPEC_FILE, withTables } from "./resource-tables.ts";

it("the tables of the providers' spec say what the definitions say", () => {
  const text = readFileSync(SPEC_FILE, "utf8");
  expect(text, 'run "node toolchain/run.mjs node test/specs/resource-tables.ts" and commit the result').toBe(
    withTables(text),
  );
});

it("a table that says something else is noticed", () => {
  const text = readFileSync(SPEC_FILE, "utf8");
  const changed = text.replace("`topics`", "`subjects`");
  expect(changed).not.toBe(text);
  expect(withTables(changed)).toBe(text);
});

it("a text without the places is refused", () => {
  expect(() => withTables("# Providers\n")).toThrow("<!-- table: github -->");
});
