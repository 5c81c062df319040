/** What was written is ours even when the status that would say so was refused (law 2). */
import { expect, it } from "vitest";
import { ApiError } from "../../../controller/store/resource-client.ts";
import type { KubernetesObject } from "../../../controller/store/resource-client.ts";
import { seedTemplate } from "../../support/shop.ts";
import { createWorld } from "../../support/world.ts";
import type { Manifest, World } from "../../support/world.ts";
import { applySmallShop, gone, smallShop } from "../small-shop.ts";
import { connectedStore, mortal, names, runUntil } from "../support.ts";

it("variables and secrets that a dying controller wrote go with their object", async () => {
  const base = await connectedStore();
  seedTemplate(base);
  // It dies as soon as it is about to remember a variable that it wrote.
  let written = false;
  const first = mortal(
    base,
    (moment, request) => {
      if (moment === "after" && request.method === "POST" && request.url.endsWith("/actions/variables"))
        written = true;
      return undefined;
    },
    (moment, call, die, parameters) => {
      const object = parameters[1] as KubernetesObject;
      if (written && moment === "before" && call === "updateStatus" && object.kind === "Project") die();
    },
  );
  const dying = await createWorld({ sandbox: first.sandbox, store: first.store, time: base.time });
  await applySmallShop(dying);
  await runUntil(base, () => first.dead);
  expect(names(base.sandbox)).toContain("github acme/shop variable REGION");
  const next = await createWorld({ sandbox: base.sandbox, store: base.store, time: base.time, seed: 7 });
  await next.delete("Project", "shop");
  await gone(next);
  expect(names(base.sandbox)).not.toContain("github acme/shop variable REGION");
  await next.stop();
});

it("an edit that comes while the last thing is deleted leaves no object behind that waits for a person", async () => {
  const base = await connectedStore();
  const { sandbox, store } = mortal(base, undefined, (moment, call, _kill, parameters) => {
    if (moment !== "before" || call !== "patch") return;
    const { body } = parameters[2] as { body: { metadata?: { finalizers?: string[] } } };
    if (body.metadata?.finalizers?.length !== 0 || edited) return;
    edited = true;
    throw new ApiError({ code: 409, reason: "Conflict", message: "the object has been modified" });
  });
  let edited = false;
  const world = await createWorld({ sandbox, store, time: base.time });
  await applySmallShop(world, { deletionPolicy: "Delete" });
  await world.settle();
  await world.delete("Project", "shop");
  await gone(world);
  expect(edited).toBe(true);
  await world.stop();
});

it("what a dying controller bound to a Worker is taken away with a spec that no longer wants it", async () => {
  const base = await connectedStore();
  seedTemplate(base);
  const first = mortal(base, (moment, request, kill) => {
    if (moment === "after" && request.method === "PUT" && request.url.includes("/scripts/shop-api-dev?"))
      kill();
    return undefined;
  });
  const dying = await createWorld({ sandbox: first.sandbox, store: first.store, time: base.time });
  await applySmallShop(dying);
  await runUntil(base, () => first.dead);
  expect(bindingsOf(base)).toEqual(["CACHE", "DATABASE_URL", "ENVIRONMENT", "FILES"]);
  const next = await createWorld({ sandbox: base.sandbox, store: base.store, time: base.time, seed: 7 });
  await next.apply(
    ...smallShop().map((manifest): Manifest => {
      if (manifest.kind !== "Environment") return manifest;
      const { workers = [] } = (manifest.spec?.["cloudflare"] ?? {}) as { workers?: object[] };
      const cloudflare = { workers: workers.map((worker) => ({ ...worker, bindings: [] })) };
      return { ...manifest, spec: { ...manifest.spec, cloudflare } };
    }),
  );
  await next.settle();
  expect(bindingsOf(base)).toEqual(["DATABASE_URL", "ENVIRONMENT"]);
  await next.stop();
});

function bindingsOf({ sandbox }: Pick<World, "sandbox">): string[] {
  const { accounts } = sandbox.cloudflare.state() as {
    accounts: { scripts: { name: string; bindings: { name: string }[] }[] }[];
  };
  const worker = accounts[0]?.scripts.find(({ name }) => name === "shop-api-dev");
  return (worker?.bindings ?? []).map(({ name }) => name).toSorted();
}
