/** Webhooks carry our mark in the query of their URL: one that nobody owns is found, also where the repository stays. */
import { expect, test } from "vitest";
import { outsider } from "../convergence/outsider.ts";
import { seedTemplate } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { lostStore } from "./lost-store.ts";
import { projectManifests } from "./projects.ts";
import { listLeaks, namesOf } from "./support.ts";

interface Hook {
  id: number;
  config: { url: string };
}

const hooksOf = (world: World): Promise<Hook[]> =>
  outsider(world).github<Hook[]>("GET", "/repos/acme/shop/hooks");

const addHook = (world: World, url: string): Promise<Hook> =>
  outsider(world).github<Hook>("POST", "/repos/acme/shop/hooks", {
    name: "web",
    config: { url, content_type: "json", secret: "someone" },
    events: ["push"],
  });

test("a second webhook of ours is a leak, and goes without being named; those of others stay", async () => {
  const world = await createWorld({ publicUrl: "https://hooks.acme.example" });
  seedTemplate(world);
  await world.apply(...projectManifests("shop"));
  await world.settle();
  const [own] = await hooksOf(world);
  const mark = /flaresmith=([0-9a-f-]+)/.exec(own?.config.url ?? "")?.[1] ?? "";
  const twin = await addHook(
    world,
    `https://old.acme.example/webhooks/github?flaresmith=${mark}.${"0".repeat(32)}`,
  );
  const foreign = [
    await addHook(world, "https://hooks.acme.example/webhooks/github"),
    await addHook(world, `https://other.example/hook?flaresmith=${"a".repeat(12)}-${"b".repeat(24)}`),
    await addHook(world, `https://other.example/hook?flaresmith=${mark}&more=1`),
  ];
  await world.pass(60_000);
  const { leaks } = await listLeaks(world);
  expect(leaks).toMatchObject([
    {
      type: "webhook",
      id: String(twin.id),
      name: "https://old.acme.example/webhooks/github",
      scope: "acme/shop",
      owner: { kind: "Project", name: "shop", slot: "githubWebhook" },
      why: `the object stands for another one (${own?.id})`,
    },
  ]);
  expect(await listLeaks(world, { delete: true, yes: true })).toMatchObject({ code: 0 });
  expect((await hooksOf(world)).map(({ id }) => id)).toEqual([own?.id, ...foreign.map(({ id }) => id)]);
});

test("a token that may not see webhooks is told, and everything else is looked at", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await lostStore(world, projectManifests("shop"));
  await world.pass(60_000);
  world.sandbox.context.faults.add({
    provider: "github",
    path: "/hooks",
    times: 0,
    status: 403,
    body: { message: "Resource not accessible by personal access token" },
    headers: { "content-type": "application/json" },
  });
  const { code, leaks, missed, notes } = await listLeaks(world);
  expect({ code, missed }).toEqual({ code: 1, missed: [] });
  expect(namesOf(leaks)).toContain("github repository shop");
  expect(notes).toContain("the credentials for acme at GitHub may not see webhooks: none was looked for");
});
