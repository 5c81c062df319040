/** What an Environment asks of a provider that its Project does not use is not passed over in silence. */
import { afterEach, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { neonBranchesOf, scriptsOf } from "./outsider.ts";

const MINUTE = 60_000;

let world: World;
afterEach(() => world.stop());

const stripe = { name: "STRIPE", from: { secretRef: { name: "stripe", key: "key" } } };

async function start(): Promise<void> {
  world = await createWorld();
  seedTemplate(world);
  await world.apply({ kind: "Secret", metadata: { name: "stripe" }, stringData: { key: "sk-1" } });
}

const ready = async () => conditionOf(await world.get("Environment", "shop-dev"), "Ready");
const secrets = async () => statusOf(await world.get("Environment", "shop-dev"))["secrets"];

it("a database and Workers wait for the Project and say so, while the rest goes on; then they come to be", async () => {
  await start();
  await world.apply(
    shopProject({ neon: undefined, cloudflare: undefined }),
    shopEnvironment("dev", {
      neon: { protected: true },
      cloudflare: { workers: [{ name: "ghost" }] },
      secrets: [{ ...stripe, to: ["Worker", "GitHub"] }],
    }),
  );
  await world.settle();
  const waiting = await world.get("Environment", "shop-dev");
  expect(conditionOf(waiting, "GitHubSynced")).toMatchObject({ status: "True" });
  expect(conditionOf(waiting, "Stalled")).toMatchObject({ reason: "ReferenceNotFound" });
  expect(conditionOf(waiting, "Ready")?.message).toBe(
    "spec.neon: Project shop has no spec.neon, so nothing comes of it. " +
      "spec.cloudflare, spec.secrets[STRIPE].to: Project shop has no spec.cloudflare, so nothing comes of it. " +
      "Add spec.neon and spec.cloudflare to Project shop, or remove what asks for it.",
  );
  expect(await secrets()).toEqual([{ name: "STRIPE", from: "Secret stripe/key", to: ["GitHub"] }]);

  await world.apply(shopProject({ cloudflare: undefined }));
  await world.pass(2 * MINUTE);
  expect([...neonBranchesOf(world).keys()]).toContain("dev");
  expect((await ready())?.message).not.toContain("spec.neon");

  await world.apply(shopProject());
  await world.pass(2 * MINUTE);
  expect(await ready()).toMatchObject({ status: "False", reason: "ReferenceNotFound" });
  expect((await ready())?.message).toContain("Project shop declares no Worker ghost");
  await world.apply(
    shopEnvironment("dev", { neon: { protected: true }, secrets: [{ ...stripe, to: ["Worker", "GitHub"] }] }),
  );
  await world.settle();
  expect(await ready()).toMatchObject({ status: "True" });
  expect(scriptsOf(world).get("shop-api-dev")?.secrets).toEqual({ STRIPE: "sk-1" });
  expect(await secrets()).toMatchObject([{ to: ["Worker", "GitHub"] }]);
});

it("reviewers of a GitHub environment that nobody makes are told to be missing", async () => {
  await start();
  await world.apply(
    shopProject({ github: undefined, cloudflare: undefined }),
    shopEnvironment("dev", {
      github: { reviewers: [{ team: "owners" }] },
      cloudflare: undefined,
      secrets: [{ ...stripe, to: ["GitHub"] }],
    }),
  );
  await world.settle();
  expect(await ready()).toMatchObject({ status: "False", reason: "ReferenceNotFound" });
  expect((await ready())?.message).toMatch(
    /^spec\.deploy, spec\.github, spec\.secrets\[STRIPE\]\.to: Project shop has no spec\.github.*Add spec\.github to Project shop/,
  );
  expect(await secrets()).toBeUndefined();
  expect([...neonBranchesOf(world).keys()]).toContain("dev");
});

it("a secret is listed with a target once it is there, and stays listed while the provider is away", async () => {
  await start();
  world.sandbox.context.faults.add({
    provider: "cloudflare",
    path: "/workers/scripts/",
    status: 503,
    times: 0,
  });
  const both = shopEnvironment("dev", { secrets: [{ ...stripe, to: ["Worker", "GitHub"] }] });
  await world.apply(shopProject(), both);
  await world.pass(5 * MINUTE);
  expect(await secrets()).toMatchObject([{ name: "STRIPE", to: ["GitHub"] }]);
  world.sandbox.context.faults.clear();
  await world.settle();
  expect(await secrets()).toMatchObject([{ name: "STRIPE", to: ["Worker", "GitHub"] }]);
  world.sandbox.context.faults.add({ provider: "cloudflare", path: "/", status: 503, times: 0 });
  await world.request("Environment", "shop-dev");
  await world.pass(5 * MINUTE);
  expect(await ready()).toMatchObject({ status: "False" });
  expect(await secrets()).toMatchObject([{ name: "STRIPE", to: ["Worker", "GitHub"] }]);
});

it("an Environment that deploys no more has no revision", async () => {
  await start();
  await world.apply(shopProject(), shopEnvironment("dev"));
  await world.settle();
  const revision = async () => statusOf(await world.get("Environment", "shop-dev"))["revision"];
  expect(await revision()).toMatch(/^[0-9a-f]{40}$/);
  await world.apply(shopEnvironment("dev", { deploy: undefined }));
  await world.settle();
  expect(await revision()).toBeUndefined();
});
