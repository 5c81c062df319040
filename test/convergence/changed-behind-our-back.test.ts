import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conditionOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { cloudflareFields, previewFields, workerFields } from "./cloudflare-fields.ts";
import { depthOf } from "./definitions.ts";
import { DEEP, MARGIN, RESYNC, settledFullShop } from "./full-shop.ts";
import { githubFields } from "./github-fields.ts";
import type { ManagedField } from "./managed-field.ts";
import { neonFields } from "./neon-fields.ts";
import type { Outsider } from "./outsider.ts";
import { outsider } from "./outsider.ts";

/** Names only: which fields there are does not depend on the world, only how they are reached. */
const sources: Readonly<Record<string, (world: World) => ManagedField[]>> = {
  GitHub: githubFields,
  Neon: neonFields,
  Cloudflare: cloudflareFields,
  "the uploaded Worker": workerFields,
  "the deployed preview": previewFields,
};

for (const [where, fieldsOf] of Object.entries(sources)) {
  describe(`what somebody else changes at ${where}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await createWorld({ publicUrl: "https://hooks.example" });
      await settledFullShop(world);
    }, 60_000);
    afterAll(() => world.stop());

    it("is changed back at the depth that its resource type states, or left to people where it holds data", async () => {
      const other = outsider(world);
      const wrong: string[] = [];
      for (const field of fieldsOf(world)) {
        const said = await unless(field, world, other).catch((error: unknown) => String(error));
        if (said !== undefined) wrong.push(`${field.id}: ${said}`);
      }
      expect(wrong).toEqual([]);
    }, 120_000);
  });
}

/** What is wrong about the way in which a change of the field was met; undefined when nothing is. */
async function unless(field: ManagedField, world: World, other: Outsider): Promise<string | undefined> {
  const { asks, id, object } = field;
  const ready = async (): Promise<string> => {
    const condition = conditionOf(await world.get(...object), "Ready");
    return `${condition?.status} ${condition?.message}`;
  };
  const before = await field.read(other);
  await field.write(other, field.changed(before));
  const changed = await field.read(other);
  if (isDeepStrictEqual(before, changed)) return "it could not be changed";
  await world.pass(depthOf(id) === "deep" ? DEEP + MARGIN : RESYNC + MARGIN);
  if (asks) {
    if (!isDeepStrictEqual(await field.read(other), changed)) return "it was changed back without asking";
    const said = await ready();
    if (!said.startsWith("False") || !asks.test(said)) return `the condition says ${said}`;
    await field.write(other, before);
    await world.pass(depthOf(id) === "deep" ? DEEP + MARGIN : RESYNC + MARGIN);
  }
  const after = await field.read(other);
  if (!isDeepStrictEqual(before, after))
    return `${JSON.stringify(before)} became ${JSON.stringify(after)}; ${await ready()}`;
  const said = await ready();
  return said.startsWith("True") ? undefined : `${object.join(" ")} is not Ready: ${said}`;
}
