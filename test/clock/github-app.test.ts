/** Class 13: a GitHub App signs what it says with the time; a machine whose clock is wrong must still be believed. */
import { generateKeyPairSync } from "node:crypto";
import { expect, it } from "vitest";
import { applySmallShop } from "../laws/small-shop.ts";
import { connectedStore, unready } from "../laws/support.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

const HOUR = 3_600_000;
const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

const mints = (world: World): number =>
  world.requests(0).filter(({ path }) => path.endsWith("/access_tokens")).length;

it.each([HOUR, -HOUR])(
  "with a wall clock that is wrong by %i ms: the Connection is Ready, tokens are renewed hourly and never used when over",
  async (wrong) => {
    const base = await connectedStore();
    const { github } = base.sandbox.seed;
    const { appId, installationIds } = base.sandbox.github.registerApp({
      slug: "smith",
      owner: github.owner,
      publicKey,
      permissions: {
        actions: "write",
        administration: "write",
        actions_variables: "write",
        contents: "write",
        environments: "write",
        metadata: "read",
        secrets: "write",
        workflows: "write",
      },
      installations: [{ account: github.owner, repositories: "all" }],
    });
    base.time.jumpWall(wrong);
    const world = await createWorld({ sandbox: base.sandbox, store: base.store, time: base.time, seed: 61 });
    await world.apply({
      kind: "Secret",
      metadata: { name: "github-credentials" },
      stringData: { appId: String(appId), installationId: String(installationIds[0]), privateKey },
    });
    await world.request("Connection", "github");
    await applySmallShop(world);
    await world.settle();
    expect(await unready(world)).toEqual([]);
    const since = world.mark();
    await world.pass(5 * HOUR);
    expect(await unready(world)).toEqual([]);
    const asked = world.requests(since).filter(({ provider }) => provider === "github");
    expect(asked.filter(({ status }) => status === 401)).toEqual([]);
    expect(mints(world)).toBeGreaterThan(4);
    expect(mints(world)).toBeLessThan(10);
    await world.stop();
  },
);
