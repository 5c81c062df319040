/** What is to be done about something that is not there and held data. */
import { expect, it } from "vitest";
import { plan } from "./plan.ts";
import type { InventoryEntry, ResourceDefinition } from "./resource.ts";

const unused = (): never => {
  throw new Error("nothing is asked of the provider");
};
const bucket: ResourceDefinition<unknown, unknown, unknown> = {
  provider: "cloudflare",
  type: "r2Bucket",
  segment: "cloudflareR2",
  holds: "data",
  ownership: "marked",
  fields: {},
  reference: () => ({ scope: "account", name: "files" }),
  observe: unused,
  diff: unused,
  create: unused,
  update: unused,
  remove: unused,
  outputs: unused,
};

function absent(state: InventoryEntry["state"], age: number): string {
  const entry: InventoryEntry = {
    slot: "files",
    provider: "cloudflare",
    type: "r2Bucket",
    id: "files",
    name: "files",
    scope: "account",
    key: "files",
    state,
  };
  return plan(
    {
      definition: bucket,
      desired: {},
      specHash: "",
      witness: "",
      observation: { state: "absent" },
      entry,
      parentOurs: false,
      adopt: false,
      confirmed: new Set(),
      drift: "Correct",
      ephemeral: false,
      intentAge: age,
    },
    "files",
  ).do;
}

it.each([
  ["deleted by someone else: a person decides", "ready", 600_000, "confirm"],
  ["deleted by us, and wanted again: it is made", "deleting", 600_000, "create"],
  ["deleted by us a moment ago: the deletion may still be on its way", "deleting", 10_000, "wait"],
  ["created a moment ago: it may not be visible yet", "ready", 10_000, "wait"],
] as const)("%s", (_what, state, age, decision) => {
  expect(absent(state, age)).toBe(decision);
});
