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

it("what an upload without an answer bound to a Worker is taken away with a spec that no longer wants it", async () => {
  const world = await createWorld();
  world.sandbox.context.faults.add({
    provider: "cloudflare",
    method: "PUT",
    path: "/workers/scripts/shop-api-dev$",
    when: "after",
    drop: true,
    times: 1,
  });
  await applySmallShop(world);
  await world.until(() => bindingsOf(world).includes("CACHE"), 600_000);
  const [project, environment, preview] = smallShop();
  const { workers } = environment?.spec?.["cloudflare"] as { workers: object[] };
  const spec = { ...environment?.spec, cloudflare: { workers: [{ ...workers[0], bindings: [] }] } };
  const all = [project, { ...environment, spec }, preview] as Manifest[];
  await world.apply(...all);
  await world.settle();
  expect(bindingsOf(world)).toEqual(["DATABASE_URL", "ENVIRONMENT"]);
  await world.stop();
});

function bindingsOf({ sandbox }: World): string[] {
  const { accounts } = sandbox.cloudflare.state() as {
    accounts: { scripts: { name: string; bindings: { name: string }[] }[] }[];
  };
  const worker = accounts[0]?.scripts.find(({ name }) => name === "shop-api-dev");
  return (worker?.bindings ?? []).map(({ name }) => name).toSorted();
}
