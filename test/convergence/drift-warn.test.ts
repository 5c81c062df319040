import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conditionOf, createWorld, typeOf } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { cloudflareFields, previewFields, workerFields } from "./cloudflare-fields.ts";
import { depthOf } from "./definitions.ts";
import { DEEP, MARGIN, RESYNC, settledFullShop } from "./full-shop.ts";
import { githubFields } from "./github-fields.ts";
import type { ManagedField } from "./managed-field.ts";
import { neonFields } from "./neon-fields.ts";
import { outsider } from "./outsider.ts";
import type { Outsider } from "./outsider.ts";

const sources: Readonly<Record<string, (world: World) => ManagedField[]>> = {
  GitHub: githubFields,
  Neon: neonFields,
  Cloudflare: cloudflareFields,
  "the uploaded Worker": workerFields,
  "the deployed preview": previewFields,
};

for (const [where, fieldsOf] of Object.entries(sources)) {
  describe(`under drift: Warn, what somebody else changes at ${where}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await createWorld({ publicUrl: "https://hooks.example" });
      await settledFullShop(world, { drift: "Warn" });
    }, 60_000);
    afterAll(() => world.stop());

    it("is named by UpToDate, leaves Ready True and is not touched until drift is Correct", async () => {
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

/** What is wrong about the way in which a change of the field was reported; undefined when nothing is. */
async function unless(field: ManagedField, world: World, other: Outsider): Promise<string | undefined> {
  const { asks, breaks, follows, id, object } = field;
  const [kind, name] = object;
  const condition = async (type: string) => conditionOf(await world.get(kind, name), type);
  const setDrift = (drift: string) =>
    world.store.patch(
      typeOf(kind),
      { namespace: "default", name },
      { type: "merge", body: { spec: { drift } } },
      { fieldManager: "kubectl" },
    );
  const before = await field.read(other);
  await field.write(other, field.changed(before));
  const changed = await field.read(other);
  const since = world.mark();
  await world.pass(depthOf(id) === "deep" ? DEEP + MARGIN : RESYNC + MARGIN);
  const touched = world.changes(since);
  if (touched.length > 0) return `${touched[0]?.method} ${touched[0]?.path} was sent`;
  if (!isDeepStrictEqual(await field.read(other), changed)) return "it was changed back";
  const upToDate = await condition("UpToDate");
  const named = field.named ?? id.split(":")[1] ?? "";
  if (
    upToDate?.status !== "False" ||
    upToDate.reason !== "DriftDetected" ||
    !upToDate.message.includes(named)
  )
    return `UpToDate is ${upToDate?.status} ${upToDate?.reason}: ${upToDate?.message}`;
  const ready = await condition("Ready");
  if (ready?.status !== "True" && !breaks?.test(ready?.message ?? ""))
    return `Ready is ${ready?.status}: ${ready?.message}`;
  if (ready?.status === "True" && !ready.message.includes("see the condition UpToDate"))
    return `Ready does not tell of the difference: ${ready.message}`;
  // What is not changed back without a person is changed back by that person.
  const byHand = asks !== undefined || follows === "spec";
  if (byHand) {
    await field.write(other, before);
    await world.pass((depthOf(id) === "deep" ? DEEP : RESYNC) + MARGIN);
  } else {
    // That a deep look comes by itself, if late, is what changed-behind-our-back.test.ts waits for.
    await setDrift("Correct");
    await world.request(kind, name);
    await world.pass(MARGIN);
    await setDrift("Warn");
  }
  await world.settle();
  if (!isDeepStrictEqual(await field.read(other), before)) return "it was not changed back under Correct";
  const again = await condition("UpToDate");
  return again?.status === "True" ? undefined : `UpToDate stays ${again?.status}: ${again?.message}`;
}
