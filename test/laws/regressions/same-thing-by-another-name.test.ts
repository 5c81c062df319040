/** Law 5: a spec that names the same thing in other words asks for no other thing, and nothing is deleted for it. */
import { afterEach, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../../support/shop.ts";
import { createWorld } from "../../support/world.ts";
import type { Manifest, World } from "../../support/world.ts";
import { asSomeoneElse, breakProvider, conditionText, external, heal, unready } from "../support.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const neon = { connectionRef: { name: "neon" }, region: "aws-eu-central-1" };

/** A shop whose one Environment deletes what leaves its spec. */
async function shopThatDeletes(): Promise<World> {
  const made = await createWorld();
  seedTemplate(made);
  const policy = { deletionPolicy: "Delete" };
  await made.apply(shopProject({ previews: undefined }), shopEnvironment("dev", policy));
  await made.settle();
  return made;
}

const withNeon = (spec: Record<string, unknown>): Manifest =>
  shopProject({ previews: undefined, neon: { ...neon, ...spec } });

interface DatabaseState {
  id: number;
  name: string;
  ownerName: string;
}

/** The databases of the Environment's branch. */
function databases({ sandbox }: World): DatabaseState[] {
  const branch = external(sandbox).neon.projects[0]?.branches.find(({ name }) => name === "dev");
  return ((branch?.databases ?? []) as DatabaseState[]).map(({ id, name, ownerName }) => ({
    id,
    name,
    ownerName,
  }));
}

/** The shop with a database, and its role, that we made on the branch: what a branch inherited is never deleted anyway. */
async function shopWithOrders(): Promise<{ shop: World; orders: DatabaseState }> {
  const shop = await shopThatDeletes();
  world = shop;
  await shop.apply(withNeon({ database: "orders", role: "clerk" }));
  await shop.pass(5 * 60_000);
  const [orders] = databases(shop).filter(({ name }) => name === "orders");
  if (orders === undefined) throw new Error("the database orders was not made");
  return { shop, orders };
}

it("a database stays when it is to belong to another role, and belongs to it then", async () => {
  const { orders, shop } = await shopWithOrders();
  expect(orders).toMatchObject({ ownerName: "clerk" });
  const mark = shop.mark();
  await shop.apply(withNeon({ database: "orders", role: "shop" }));
  await shop.pass(30 * 60_000);
  expect(databases(shop)).toContainEqual({ ...orders, ownerName: "shop" });
  expect(shop.changes(mark).filter(({ method }) => method === "DELETE")).toEqual([]);
  expect(await unready(shop)).toEqual([]);
});

it("a database that was set aside is taken back by its name, whatever role it is to belong to", async () => {
  const { orders, shop } = await shopWithOrders();
  breakProvider(shop, "neon", { method: "DELETE", status: 500, body: { message: "internal error" } });
  await shop.apply(withNeon({ database: "events", role: "clerk" }));
  await shop.pass(5 * 60_000);
  await shop.apply(withNeon({ database: "orders", role: "shop" }));
  await shop.pass(60_000);
  heal(shop);
  await shop.pass(30 * 60_000);
  expect(databases(shop)).toContainEqual({ ...orders, ownerName: "shop" });
  expect(await unready(shop)).toEqual([]);
});

it("a database that somebody dropped is not made anew in silence because it is to belong to another role", async () => {
  const { shop } = await shopWithOrders();
  const branch = external(shop.sandbox).neon.projects[0];
  const id = branch?.branches.find(({ name }) => name === "dev")?.id ?? "";
  await asSomeoneElse(shop, "neon", "DELETE", `/projects/${branch?.id}/branches/${id}/databases/orders`);
  await shop.apply(withNeon({ database: "orders", role: "shop" }));
  await shop.pass(30 * 60_000);
  expect(databases(shop).map(({ name }) => name)).not.toContain("orders");
  expect(conditionText(await shop.get("Environment", "shop-dev"), "Ready")).toContain("ConfirmationRequired");
});

const inGitHubEnvironment = (environment: string): Manifest =>
  shopEnvironment("dev", {
    deletionPolicy: "Delete",
    github: { environment, variables: [{ name: "STAGE", value: "dev" }] },
  });

it("a GitHub environment stays, with what others put into it, when only the case of its name changes", async () => {
  const shop = await shopThatDeletes();
  world = shop;
  await shop.apply(inGitHubEnvironment("Staging"));
  await shop.pass(5 * 60_000);
  const path = "/repos/acme/shop/environments/Staging/variables";
  await asSomeoneElse(shop, "github", "POST", path, { name: "BY_HAND", value: "kept" });
  const environments = () =>
    external(shop.sandbox)
      .github.repositories.find(({ name }) => name === "shop")
      ?.environments.map(({ id, variables }) => ({ id, variables }));
  const before = environments();
  expect(before).toMatchObject([{ variables: { BY_HAND: "kept", STAGE: "dev" } }]);
  await shop.apply(inGitHubEnvironment("staging"));
  await shop.pass(30 * 60_000);
  expect(environments()).toEqual(before);
  expect(await unready(shop)).toEqual([]);
});

it("a ruleset that was renamed at GitHub and in the spec is not deleted under its old name", async () => {
  const shop = await shopThatDeletes();
  world = shop;
  const rulesets = () =>
    external(shop.sandbox).github.repositories.find(({ name }) => name === "shop")?.rulesets ?? [];
  const id = rulesets()[0]?.id;
  const body = { name: "nobody deletes main" };
  await asSomeoneElse(shop, "github", "PUT", `/repos/acme/shop/rulesets/${id}`, body);
  const { github } = shopProject().spec as { github: Record<string, unknown> };
  const renamed = [{ name: "nobody deletes main", rules: { deletion: true, nonFastForward: true } }];
  await shop.apply(shopProject({ previews: undefined, github: { ...github, rulesets: renamed } }));
  await shop.pass(30 * 60_000);
  expect(rulesets().map((one) => ({ id: one.id, name: one.name }))).toEqual([{ id, ...body }]);
  expect(await unready(shop)).toEqual([]);
});
