/** A physical name that is written under the wrong word adopts nothing: it must not lead to something new either. */
import { afterEach, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { scriptsOf, stateOf } from "./outsider.ts";

const MINUTE = 60_000;

let world: World;
afterEach(() => world.stop());

const project = shopProject({
  cloudflare: {
    connectionRef: { name: "cloudflare" },
    workers: [{ name: "api", code: { path: "dist/worker" } }],
    kv: [{ name: "cache" }],
    r2: [{ name: "files", scope: "Project" }],
  },
});

async function ready(names: Record<string, string>) {
  await world.apply(shopEnvironment("dev", { cloudflare: { names } }));
  await world.pass(2 * MINUTE);
  return conditionOf(await world.get("Environment", "shop-dev"), "Ready");
}

it("names for what the Project does not declare, or has once for all, are refused; the others hold", async () => {
  world = await createWorld();
  seedTemplate(world);
  await world.apply(project);
  await world.settle();

  const unknown = await ready({ api: "legacy-api", chache: "legacy-cache" });
  expect(unknown).toMatchObject({ status: "False", reason: "ReferenceNotFound" });
  expect(unknown?.message).toBe(
    "spec.cloudflare.names[chache]: Project shop declares no Worker, KV namespace or R2 bucket chache. " +
      "Declare it under spec.cloudflare of the Project, or correct the name.",
  );
  const shared = await ready({ files: "legacy-files" });
  expect(shared).toMatchObject({ status: "False", reason: "ReferenceNotFound" });
  expect(shared?.message).toMatch(
    /^spec\.cloudflare\.names\[files\]: .*for all environments \(scope: Project\)/,
  );
  expect([...scriptsOf(world).keys()]).toEqual([]);
  expect(stateOf(world).cloudflare.accounts[0]?.kv).toEqual([]);

  expect(await ready({ api: "legacy-api", cache: "legacy-cache" })).toMatchObject({ status: "True" });
  expect([...scriptsOf(world).keys()]).toEqual(["legacy-api"]);
  expect(stateOf(world).cloudflare.accounts[0]?.kv).toMatchObject([{ title: "legacy-cache" }]);
});
