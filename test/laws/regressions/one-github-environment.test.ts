/** Law 3: of several Environments that name one GitHub environment, one has it; the others say so and never touch it. */
import { afterEach, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../../support/shop.ts";
import { conditionOf, createWorld, statusOf, typeOf } from "../../support/world.ts";
import type { Manifest, World } from "../../support/world.ts";
import { conditionText, external } from "../support.ts";

const MINUTE = 60_000;
let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

/** An Environment whose GitHub environment, of that name, tells by a variable whose it is. */
const environmentAt = (name: string, environment: string, project = "shop"): Manifest => ({
  ...shopEnvironment("dev", {
    projectRef: { name: project },
    secrets: [],
    cloudflare: undefined,
    github: { environment, variables: [{ name: "OWNER", value: name }] },
  }),
  metadata: { name },
});

/** The GitHub environments of the repository shop, by whose they say they are. */
function environments({ sandbox }: World): { id: number; owner: string | undefined }[] {
  const repository = external(sandbox).github.repositories.find(({ name }) => name === "shop");
  return (repository?.environments ?? []).map(({ id, variables }) => ({ id, owner: variables["OWNER"] }));
}

const plainProject = (): Manifest =>
  shopProject({ previews: undefined, cloudflare: undefined, neon: undefined });

/** A Project with one Environment `shop-a`, and a younger `shop-b` that names the same in another case. */
async function twoOfOneName(): Promise<World> {
  const made = await createWorld();
  world = made;
  seedTemplate(made);
  await made.apply(plainProject(), environmentAt("shop-a", "Staging"));
  await made.settle();
  await made.apply(environmentAt("shop-b", "staging"));
  await made.settle();
  return made;
}

it("the younger of two Environments with one GitHub environment is in conflict, and neither overwrites the other", async () => {
  const shop = await twoOfOneName();
  expect(environments(shop)).toMatchObject([{ owner: "shop-a" }]);
  const younger = await shop.get("Environment", "shop-b");
  expect(conditionOf(younger, "GitHubSynced")).toMatchObject({ status: "False", reason: "Conflict" });
  expect(conditionText(younger, "GitHubSynced")).toContain("Environment default/shop-a");
  const mark = shop.mark();
  await shop.pass(60 * MINUTE);
  expect(shop.changes(mark)).toEqual([]);
});

it("deleting the younger one leaves the GitHub environment of the older", async () => {
  const shop = await twoOfOneName();
  const before = environments(shop);
  await shop.delete("Environment", "shop-b");
  await shop.pass(30 * MINUTE);
  expect(await shop.find("Environment", "shop-b")).toBeUndefined();
  expect(environments(shop)).toEqual(before);
});

it.each(["shop-a", "shop-b"])(
  "deleting %s, of two that came to share it before that was a conflict, leaves it to the other",
  async (name) => {
    const shop = await twoOfOneName();
    const before = environments(shop);
    const inventoryOf = async (one: string) =>
      statusOf(await shop.get("Environment", one))["inventory"] as { type: string; provider: string }[];
    const shared = (await inventoryOf("shop-a")).filter(
      ({ provider, type }) => provider === "github" && type !== "gitBranch",
    );
    const body = { status: { inventory: [...(await inventoryOf("shop-b")), ...shared] } };
    const key = { namespace: "default", name: "shop-b" };
    await shop.store.patchStatus(
      typeOf("Environment"),
      key,
      { type: "merge", body },
      { fieldManager: "test" },
    );
    await shop.pass(30 * MINUTE);
    await shop.delete("Environment", name);
    await shop.pass(30 * MINUTE);
    expect(await shop.find("Environment", name)).toBeUndefined();
    expect(environments(shop)).toEqual([
      { id: before[0]?.id, owner: name === "shop-a" ? "shop-b" : "shop-a" },
    ]);
  },
);

it("the younger one gets it when the older one is gone", async () => {
  const shop = await twoOfOneName();
  await shop.delete("Environment", "shop-a");
  await shop.pass(30 * MINUTE);
  expect(environments(shop)).toMatchObject([{ owner: "shop-b" }]);
  expect(conditionOf(await shop.get("Environment", "shop-b"), "Ready")).toMatchObject({ status: "True" });
});

it("an older Environment does not take what a younger one already has", async () => {
  const shop = await createWorld();
  world = shop;
  seedTemplate(shop);
  await shop.apply(plainProject(), environmentAt("shop-a", "one"));
  await shop.settle();
  await shop.apply(environmentAt("shop-b", "two"));
  await shop.settle();
  const [, two] = environments(shop);
  await shop.apply(environmentAt("shop-a", "TWO"));
  await shop.pass(30 * MINUTE);
  expect(environments(shop)).toContainEqual(two);
  const older = await shop.get("Environment", "shop-a");
  expect(conditionText(older, "GitHubSynced")).toContain("Environment default/shop-b");
  await shop.delete("Environment", "shop-a");
  await shop.pass(30 * MINUTE);
  expect(environments(shop)).toContainEqual(two);
});

it("a Project that comes to manage a repository does not take the environment of one that refers to it", async () => {
  const shop = await createWorld();
  world = shop;
  shop.sandbox.github.seedRepository({ owner: "acme", name: "shop", files: { "README.md": "# Shop" } });
  const github = { connectionRef: { name: "github" }, repository: "Shop" };
  const reference = {
    kind: "Project",
    metadata: { name: "admin" },
    spec: { github: { ...github, mode: "Reference" } },
  };
  await shop.apply(reference, environmentAt("admin-dev", "dev", "admin"));
  await shop.settle();
  const before = environments(shop);
  expect(before).toMatchObject([{ owner: "admin-dev" }]);
  await shop.apply(
    {
      kind: "Project",
      metadata: { name: "shop", annotations: { "flaresmith.dev/adopt": "githubRepo" } },
      spec: { github: { ...github, repository: "shop", owner: "acme" } },
    },
    environmentAt("shop-dev", "dev"),
  );
  await shop.pass(30 * MINUTE);
  expect(environments(shop)).toEqual(before);
  expect(conditionText(await shop.get("Environment", "shop-dev"), "GitHubSynced")).toContain(
    "Environment default/admin-dev",
  );
});
