/** The costs that specs/006-providers/spec.md states for a project with three environments and a preview. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { settledShop } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { SPEC_FILE } from "./resource-tables.ts";

const MINUTE = 60_000;
const providers = ["github", "neon", "cloudflare"] as const;

/** The row of the cost table: billable requests by provider. */
function stated(pass: "shallow" | "deep"): Record<string, number> {
  const row = readFileSync(SPEC_FILE, "utf8").match(
    new RegExp(`^\\| ${pass} \\| (\\d+) \\| (\\d+) \\| (\\d+) \\|`, "m"),
  );
  if (!row) throw new Error(`the spec states no cost of a ${pass} pass`);
  return Object.fromEntries(providers.map((provider, index) => [provider, Number(row[index + 1])]));
}

describe("reading what does not change", () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.stop();
  });

  /** What GitHub answers with 304 is free (docs, "Best practices for using the REST API"). */
  const spent = (since: number): Record<string, number> => {
    const billable = (world?.requests(since) ?? []).filter((entry) => entry.status !== 304);
    return Object.fromEntries(
      providers.map((provider) => [provider, billable.filter((entry) => entry.provider === provider).length]),
    );
  };

  /** Stated for people to plan with: never less than it is, and not much more. */
  const held = (since: number, pass: "shallow" | "deep", passes: number): void => {
    const measured = spent(since);
    for (const provider of providers) {
      const limit = stated(pass)[provider] ?? 0;
      const each = (measured[provider] ?? 0) / passes;
      expect(each, `${provider}, ${pass}`).toBeLessThanOrEqual(limit);
      expect(each, `${provider}, ${pass}`).toBeGreaterThan(limit * 0.6 - 1);
    }
  };

  it("costs what the spec states, shallow and deep", async () => {
    world = await createWorld();
    await settledShop(world);
    await world.pass(12 * MINUTE);
    const shallow = world.mark();
    await world.pass(60 * MINUTE);
    held(shallow, "shallow", 6);

    await world.pass((6 * 60 - 73) * MINUTE);
    const deep = world.mark();
    await world.pass(12 * MINUTE);
    held(deep, "deep", 1);
    expect(world.changes(shallow)).toEqual([]);
  });
});
