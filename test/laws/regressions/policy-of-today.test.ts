/** Law 5: what leaves the spec goes as the spec says now, not as it said when the thing was made. */
import { afterEach, expect, it } from "vitest";
import { settledShop, shopEnvironment, shopProject } from "../../support/shop.ts";
import { createWorld } from "../../support/world.ts";
import type { World } from "../../support/world.ts";
import { names } from "../support.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const withKv = (deletionPolicy: "Orphan" | "Delete"): ReturnType<typeof shopProject> => {
  const { spec, ...rest } = shopProject({ deletionPolicy });
  const cloudflare = spec?.["cloudflare"] as Record<string, unknown>;
  return {
    ...rest,
    spec: { ...spec, cloudflare: { ...cloudflare, kv: [{ name: "carts", scope: "Project" }] } },
  };
};

it("one edit that sets deletionPolicy: Orphan and removes a KV namespace leaves its data in place", async () => {
  world = await createWorld();
  await settledShop(world);
  await world.apply(withKv("Delete"));
  await world.settle();
  const all = names(world.sandbox, "cloudflare").filter((name) => name.startsWith("cloudflare kv"));
  expect(all).toHaveLength(1);
  await world.apply(shopProject({ deletionPolicy: "Orphan" }));
  await world.settle();
  expect(names(world.sandbox, "cloudflare")).toEqual(expect.arrayContaining(all));
  const left = (await world.list("ConfigMap")).map((one) => one["data"] as { type: string });
  expect(left).toMatchObject([{ type: "kvNamespace" }]);
});

it("a Project that goes from managing its repository to referring to it never deletes it", async () => {
  world = await createWorld();
  await settledShop(world);
  await world.apply(shopProject({ deletionPolicy: "Delete" }));
  await world.settle();
  await world.apply({
    ...shopProject({ deletionPolicy: "Delete" }),
    spec: {
      ...shopProject({ deletionPolicy: "Delete" }).spec,
      github: { connectionRef: { name: "github" }, mode: "Reference", repository: "shop" },
    },
  });
  await world.settle();
  expect(names(world.sandbox, "github")).toContain("github acme/shop");
  const environment = shopEnvironment("dev").metadata.name;
  expect(await world.find("Environment", environment)).toBeDefined();
});
