/**
 * Law 5: nobody is asked about the loss of data because Neon moved a branch. After a restore, "all existing child branches
 * will be moved to the newly created branch under the name `preserve_under_name`" (Neon's OpenAPI, restoreProjectBranch).
 */
import { afterEach, expect, it } from "vitest";
import { settledShop, shopEnvironment } from "../../support/shop.ts";
import type { World } from "../../support/world.ts";
import { createWorld } from "../../support/world.ts";
import {
  asSomeoneElse,
  conditionText,
  external,
  identities,
  requestAll,
  restart,
  unready,
} from "../support.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

/** The shop after somebody restored its root branch: what was cut from that hangs on the backup now. */
async function restoredShop(): Promise<World> {
  const before = await createWorld();
  world = before;
  await settledShop(before);
  const project = external(before.sandbox).neon.projects[0];
  const root = project?.branches.find(({ name }) => name === "main")?.id ?? "";
  const body = { branch: { name: "main_old", parent_id: root } };
  const path = `/projects/${project?.id}/branches`;
  const { branch } = (await asSomeoneElse(before, "neon", "POST", path, body)) as { branch: { id: string } };
  // The sandbox has no restore: what it shows of the children's parent is put right on the way.
  const { fetch } = before.sandbox;
  const moved: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const answer = await fetch(request);
    if (request.method !== "GET" || !/\/branches(\/[^/]+)?(\?|$)/.test(request.url)) return answer;
    const text = (await answer.text()).replaceAll(`"parent_id":"${root}"`, `"parent_id":"${branch.id}"`);
    return new Response(text, { status: answer.status, headers: answer.headers });
  };
  world = await restart(before, { sandbox: { ...before.sandbox, fetch: moved } });
  return world;
}

it("branches whose parent was restored stay as they are, and nobody is asked anything", async () => {
  const shop = await restoredShop();
  const before = identities(shop.sandbox, "neon");
  const mark = shop.mark();
  await requestAll(shop);
  await shop.pass(60 * 60_000);
  expect(await unready(shop)).toEqual([]);
  expect(shop.changes(mark)).toEqual([]);
  expect(identities(shop.sandbox, "neon")).toEqual(before);
});

it("another parent in the spec still waits for a decision", async () => {
  const shop = await restoredShop();
  await shop.apply(shopEnvironment("dev", { neon: { parent: "staging" } }));
  await shop.pass(30 * 60_000);
  const text = conditionText(await shop.get("Environment", "shop-dev"), "NeonSynced");
  expect(text).toMatch(/ConfirmationRequired .*would lose data \(parent\)/);
});
