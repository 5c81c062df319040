/** Law 6: an archived repository, in which nothing can be changed, keeps nobody from going; what stays in it is written down. */
import { afterEach, expect, it } from "vitest";
import { conditionOf, createWorld } from "../../support/world.ts";
import type { Manifest, World } from "../../support/world.ts";
import { applySmallShop, fleetingShop, gone, smallShop } from "../small-shop.ts";
import { asSomeoneElse, conditionText, identities, unready } from "../support.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

/** The small shop with a webhook, whose repository somebody archived. */
async function archivedShop(): Promise<World> {
  const shop = await createWorld({ publicUrl: "https://flaresmith.example" });
  world = shop;
  await applySmallShop(shop);
  await shop.settle();
  await archive(shop, true);
  return shop;
}

const archive = (shop: World, archived: boolean): Promise<unknown> =>
  asSomeoneElse(shop, "github", "PATCH", "/repos/acme/shop", { archived });

/** What was written down as left in place at GitHub, by type. */
async function leftTypes(shop: World): Promise<string[]> {
  const data = (await shop.list("ConfigMap")).map(
    (one) => one["data"] as { provider?: string; type?: string },
  );
  return data.flatMap(({ provider, type }) => (provider === "github" ? [type ?? ""] : [])).sort();
}

const asReference = (): Manifest[] =>
  smallShop({ github: { connectionRef: { name: "github" }, mode: "Reference", repository: "shop" } });

it("a Project whose repository is archived can be deleted, and the repository keeps what is in it", async () => {
  const shop = await archivedShop();
  const before = identities(shop.sandbox, "github");
  await shop.delete("Project", "shop");
  await gone(shop);
  expect(identities(shop.sandbox, "github")).toEqual(before);
  expect(await leftTypes(shop)).toEqual([
    "environment",
    "gitBranch",
    "repository",
    "ruleset",
    "variables",
    "webhook",
  ]);
  const warnings = (await shop.list("Event")).map(
    (one) => `${String(one["type"])} ${String(one["note"] ?? one["message"])}`,
  );
  expect(warnings).toContainEqual(
    expect.stringMatching(/^Warning left github ruleset .* in place: .*archived/),
  );
});

it("an archived repository goes with its Project where that is asked for", async () => {
  const shop = await archivedShop();
  await shop.apply(...fleetingShop());
  await shop.delete("Project", "shop");
  await gone(shop);
  expect(identities(shop.sandbox, "github")).toEqual([]);
});

it("a Project that goes over to referring to its archived repository lets go what it made there", async () => {
  const shop = await archivedShop();
  const before = identities(shop.sandbox, "github");
  await shop.apply(...asReference());
  await shop.pass(30 * 60_000);
  expect(await unready(shop)).toEqual([]);
  expect(identities(shop.sandbox, "github")).toEqual(before);
  expect(await leftTypes(shop)).toEqual(
    expect.arrayContaining(["repository", "ruleset", "variables", "webhook"]),
  );
});

it("what left the spec of an Environment that stays is taken out once the repository is no longer archived", async () => {
  const shop = await archivedShop();
  const [project, ...others] = asReference();
  const without = others.map((one) =>
    one.kind === "Environment" ? { ...one, spec: { ...one.spec, github: undefined, secrets: [] } } : one,
  );
  await shop.apply(...(project === undefined ? [] : [project]), ...without);
  await shop.pass(30 * 60_000);
  const environment = await shop.get("Environment", "shop-dev");
  expect(conditionOf(environment, "GitHubSynced")).toMatchObject({ status: "False", reason: "Archived" });
  expect(conditionText(environment, "GitHubSynced")).toMatch(/Unarchive the repository on GitHub\.$/);
  await archive(shop, false);
  await shop.request("Environment", "shop-dev");
  await shop.pass(30 * 60_000);
  expect(identities(shop.sandbox, "github").filter((name) => / environment /.test(name))).toEqual([]);
  expect(await unready(shop)).toEqual([]);
});
