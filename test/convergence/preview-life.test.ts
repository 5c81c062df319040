import { afterEach, describe, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld, statusOf, typeOf } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";
import { githubSecret } from "./github-fields.ts";
import {
  neonBranchOf,
  neonBranchesOf,
  neonPasswordOf,
  neonProjectOf,
  outsider,
  scriptOf,
  stateOf,
} from "./outsider.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const BASE = "shop-api-staging";

/** Days go by in these tests: the world is compared every three hours only. */
const interval = "3h";

const named = (name: string, spec: Record<string, unknown> = {}): Manifest => ({
  ...shopPreview({ interval, ...spec }),
  metadata: { name },
});

describe("the life of a preview", () => {
  let world: World;
  let running: World | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });
  const start = async (project: Record<string, unknown> = {}): Promise<void> => {
    world = await createWorld();
    running = world;
    seedTemplate(world);
    await world.apply(
      shopProject({ interval, ...project }),
      shopEnvironment("dev", { interval }),
      shopEnvironment("staging", {
        interval,
        secrets: [
          { name: "DATABASE_URL", from: { neon: "connectionUri" }, to: ["Worker", "GitHub"], previews: true },
          { name: "STRIPE_KEY", from: { secretRef: { name: "stripe", key: "live" } }, to: ["Worker"] },
        ],
      }),
      { kind: "Secret", metadata: { name: "stripe" }, stringData: { live: "sk-live" } },
    );
    await world.settle();
  };
  const ready = async (name: string) => conditionOf(await world.get("Preview", name), "Ready");
  const patch = (kind: string, name: string, spec: Record<string, unknown>) =>
    world.store.patch(
      typeOf(kind),
      { namespace: "default", name },
      { type: "merge", body: { spec } },
      { fieldManager: "kubectl" },
    );
  const previewsAtCloudflare = (): string[] => scriptOf(world, BASE).previews.map(({ name }) => name);
  const previewBranches = (): string[] =>
    [...neonBranchesOf(world).keys()].filter((name) => name.startsWith("preview/"));
  const inventoryOf = async (name: string): Promise<unknown[] | undefined> => {
    const found = await world.find("Preview", name);
    return found && (statusOf(found)["inventory"] as unknown[] | undefined);
  };

  it("ends after its ttl: everything of it is removed, and it stays as archived, through resyncs and a restart", async () => {
    await start({
      cloudflare: {
        connectionRef: { name: "cloudflare" },
        workers: [{ name: "api", code: { path: "dist/worker" } }],
        kv: [{ name: "cache" }],
      },
    });
    await world.apply(shopPreview({ interval, ttl: "24h" }));
    await world.settle();
    const status = statusOf(await world.get("Preview", "shop-pr-1"));
    expect(status["expiresAt"]).toBe(
      new Date(Date.parse(String(status["activatedAt"])) + 24 * HOUR).toISOString().replace(".000Z", "Z"),
    );
    expect(previewBranches()).toEqual(["preview/pr-1"]);
    expect(previewsAtCloudflare()).toHaveLength(1);
    expect(stateOf(world).cloudflare.accounts[0]?.kv.some(({ title }) => title.includes("pr-1"))).toBe(true);
    await world.pass(24 * HOUR + 30 * MINUTE);
    const gone = async (): Promise<void> => {
      expect(previewBranches()).toEqual([]);
      expect(previewsAtCloudflare()).toEqual([]);
      expect(stateOf(world).cloudflare.accounts[0]?.kv.some(({ title }) => title.includes("pr-1"))).toBe(
        false,
      );
      expect(await ready("shop-pr-1")).toMatchObject({ status: "False", reason: "Expired" });
      const ended = statusOf(await world.get("Preview", "shop-pr-1"));
      expect(ended["state"]).toBe("archived");
      expect(ended["url"]).toBeUndefined();
      expect(ended["inventory"] ?? []).toEqual([]);
    };
    await gone();
    // The environment that it was made of is untouched.
    expect(conditionOf(await world.get("Environment", "shop-staging"), "Ready")).toMatchObject({
      status: "True",
    });
    const since = world.mark();
    await world.pass(HOUR);
    expect(world.changes(since)).toEqual([]);
    await world.stop();
    world = await createWorld({ time: world.time, sandbox: world.sandbox, store: world.store });
    running = world;
    await world.pass(HOUR);
    await gone();
    expect(world.changes(since)).toEqual([]);
  });

  it.each(["is deleted", "ends"])(
    "that %s takes what its Worker put into its own bucket, and no other's",
    async (how) => {
      await start({
        cloudflare: {
          connectionRef: { name: "cloudflare" },
          workers: [{ name: "api", code: { path: "dist/worker" } }],
          r2: [{ name: "files" }],
        },
      });
      await world.apply(shopPreview({ interval, ttl: "24h" }));
      await world.settle();
      const buckets = (): string[] =>
        (stateOf(world).cloudflare.accounts[0]?.r2 ?? []).map(({ name }) => name).toSorted();
      const all = buckets();
      const own = all.filter((name) => name.includes("pr-1"));
      expect(own).toHaveLength(1);
      for (const name of all)
        for (const key of ["a.jpg", "b/c.jpg"])
          await outsider(world).cloudflare("PUT", `/r2/buckets/${name}/objects/${key}`, "x");
      if (how === "ends") await world.pass(25 * HOUR);
      else await world.delete("Preview", "shop-pr-1");
      await world.until(async () => ((await inventoryOf("shop-pr-1")) ?? []).length === 0);
      const others = all.filter((name) => !own.includes(name));
      expect(buckets()).toEqual(others);
      for (const name of others)
        expect(await outsider(world).cloudflare("GET", `/r2/buckets/${name}/objects`)).toHaveLength(2);
    },
  );

  it("begins anew when its spec changes after the end", async () => {
    await start();
    await world.apply(shopPreview({ interval, ttl: "24h" }));
    await world.settle();
    await world.pass(25 * HOUR);
    expect(await ready("shop-pr-1")).toMatchObject({ reason: "Expired" });
    await patch("Preview", "shop-pr-1", { ttl: "48h" });
    await world.settle();
    expect(await ready("shop-pr-1")).toMatchObject({ status: "True" });
    expect(previewBranches()).toEqual(["preview/pr-1"]);
    expect(previewsAtCloudflare()).toHaveLength(1);
    const { activatedAt, expiresAt } = statusOf(await world.get("Preview", "shop-pr-1"));
    expect(Date.parse(String(expiresAt)) - Date.parse(String(activatedAt))).toBe(48 * HOUR);
    expect(Date.parse(String(activatedAt))).toBeGreaterThan(world.time.now() - HOUR);
  });

  it("lives by the Project's ttl when it sets none, and longer with keepUntil", async () => {
    await start({ previews: { environmentRef: { name: "shop-staging" }, ttl: "24h" } });
    const keepUntil = new Date(world.time.now() + 60 * HOUR).toISOString();
    await world.apply(named("shop-pr-1"), named("shop-pr-2", { keepUntil }));
    await world.settle();
    await world.pass(25 * HOUR);
    expect(await ready("shop-pr-1")).toMatchObject({ reason: "Expired" });
    expect(await ready("shop-pr-2")).toMatchObject({ status: "True" });
    expect(previewBranches()).toEqual(["preview/pr-2"]);
    await world.pass(36 * HOUR);
    expect(await ready("shop-pr-2")).toMatchObject({ reason: "Expired" });
    expect(previewBranches()).toEqual([]);
  });

  it("is kept for 30 days at most, whatever keepUntil says", async () => {
    await start();
    await world.apply(
      named("shop-pr-1", { keepUntil: new Date(world.time.now() + 90 * 24 * HOUR).toISOString() }),
    );
    await world.settle();
    const { activatedAt, expiresAt } = statusOf(await world.get("Preview", "shop-pr-1"));
    expect(Date.parse(String(expiresAt)) - Date.parse(String(activatedAt))).toBe(30 * 24 * HOUR);
  });

  it("holds a lease at Neon that would end the branch when nobody else did, and moves only with the preview's end", async () => {
    await start();
    await world.apply(named("shop-pr-1", { ttl: "72h" }));
    await world.settle();
    const endOf = async () =>
      Date.parse(String(statusOf(await world.get("Preview", "shop-pr-1"))["expiresAt"]));
    const lease = (): number => neonBranchOf(world, "preview/pr-1").expiresAt ?? 0;
    const first = lease();
    expect(first).toBeGreaterThanOrEqual(await endOf());
    const since = world.mark();
    await world.pass(30 * HOUR);
    expect(world.changes(since)).toEqual([]);
    expect(lease()).toBe(first);
    await patch("Preview", "shop-pr-1", { ttl: "96h" });
    await world.settle();
    expect(lease()).toBeGreaterThan(first);
    expect(lease()).toBeGreaterThanOrEqual(await endOf());
    // The controller is gone for good: Neon ends the branch by itself.
    await world.stop();
    running = undefined;
    world.time.sandbox.advance(10 * 24 * HOUR);
    const { branches } = neonProjectOf(world);
    expect(
      branches.filter(
        ({ deletedAt, expired, name }) =>
          name === "preview/pr-1" && deletedAt === undefined && expired !== true,
      ),
    ).toEqual([]);
  });

  it("waits in a queue beyond the Project's max, and is admitted when another one ends", async () => {
    await start({ previews: { environmentRef: { name: "shop-staging" }, max: 1 } });
    await world.apply(named("shop-pr-1", { ttl: "24h" }));
    await world.settle();
    await world.pass(5_000);
    await world.apply(named("shop-pr-2"));
    await world.pass(5_000);
    await world.apply(named("shop-pr-3"));
    await world.pass(2 * MINUTE);
    expect(await ready("shop-pr-1")).toMatchObject({ status: "True" });
    expect(await ready("shop-pr-2")).toMatchObject({ status: "False", reason: "PreviewLimitReached" });
    expect((await ready("shop-pr-2"))?.message).toMatch(
      /Project shop has 1 active preview, and its spec\.previews\.max is 1: this one waits at place 1\. Delete a preview that is not needed, or raise spec\.previews\.max/,
    );
    expect(statusOf(await world.get("Preview", "shop-pr-3"))["queuePosition"]).toBe(2);
    expect(previewBranches()).toEqual(["preview/pr-1"]);
    await world.delete("Preview", "shop-pr-1");
    await world.pass(15 * MINUTE);
    expect(await ready("shop-pr-2")).toMatchObject({ status: "True" });
    expect(statusOf(await world.get("Preview", "shop-pr-2"))["queuePosition"]).toBeUndefined();
    expect(statusOf(await world.get("Preview", "shop-pr-3"))["queuePosition"]).toBe(1);
    expect(previewBranches()).toEqual(["preview/pr-2"]);
    // More room admits the next without anything else.
    await patch("Project", "shop", { previews: { max: 2 } });
    await world.pass(15 * MINUTE);
    expect(await ready("shop-pr-3")).toMatchObject({ status: "True" });
    expect(previewBranches().toSorted()).toEqual(["preview/pr-2", "preview/pr-3"]);
  });

  it("is not held up by an older one that is suspended before it began", async () => {
    await start({ previews: { environmentRef: { name: "shop-staging" }, max: 1 } });
    await world.apply(named("shop-pr-1", { suspend: true }));
    await world.pass(5_000);
    await world.apply(named("shop-pr-2"));
    await world.pass(5 * MINUTE);
    expect(await ready("shop-pr-2")).toMatchObject({ status: "True" });
    expect(previewBranches()).toEqual(["preview/pr-2"]);
  });

  it("is not held up by an older one whose base does not exist", async () => {
    await start({ previews: { environmentRef: { name: "shop-staging" }, max: 1 } });
    await world.apply(named("shop-pr-1", { environmentRef: { name: "nowhere" } }));
    await world.pass(5_000);
    await world.apply(named("shop-pr-2"));
    await world.pass(15 * MINUTE);
    expect(await ready("shop-pr-2")).toMatchObject({ status: "True" });
    expect(await ready("shop-pr-1")).toMatchObject({ status: "False", reason: "ReferenceNotFound" });
  });

  it("waits for a person where the Project allows none", async () => {
    await start({ previews: { environmentRef: { name: "shop-staging" }, max: 0 } });
    await world.apply(named("shop-pr-1"));
    await world.pass(2 * MINUTE);
    const preview = await world.get("Preview", "shop-pr-1");
    expect(conditionOf(preview, "Stalled")).toMatchObject({ reason: "PreviewLimitReached" });
    expect(conditionOf(preview, "Reconciling")).toBeUndefined();
    expect(conditionOf(preview, "Ready")?.message).toBe(
      "Project shop allows no previews: its spec.previews.max is 0. Raise it, or delete this Preview.",
    );
    await patch("Project", "shop", { previews: { max: 1 } });
    await world.pass(15 * MINUTE);
    expect(await ready("shop-pr-1")).toMatchObject({ status: "True" });
  });

  it("makes room for the queue by expiring", async () => {
    await start({ previews: { environmentRef: { name: "shop-staging" }, max: 1 } });
    await world.apply(named("shop-pr-1", { ttl: "24h" }));
    await world.settle();
    await world.pass(5_000);
    await world.apply(named("shop-pr-2", { ttl: "72h" }));
    await world.pass(24 * HOUR + 4 * HOUR);
    expect(await ready("shop-pr-1")).toMatchObject({ reason: "Expired" });
    expect(await ready("shop-pr-2")).toMatchObject({ status: "True" });
    expect(previewBranches()).toEqual(["preview/pr-2"]);
  });

  it("has its own database branch, cut from the base's, and only the secrets that previews may have", async () => {
    await start();
    await world.apply(shopPreview({ interval }));
    await world.settle();
    const branch = neonBranchOf(world, "preview/pr-1");
    expect(branch.parentId).toBe(neonBranchOf(world, "staging").id);
    const [preview] = scriptOf(world, BASE).previews;
    expect(Object.keys(preview?.secrets ?? {})).toEqual(["DATABASE_URL"]);
    expect(scriptOf(world, BASE).secrets["STRIPE_KEY"]).toBe("sk-live");
    expect(preview?.secrets["DATABASE_URL"]).not.toBe(scriptOf(world, BASE).secrets["DATABASE_URL"]);
    const [endpoint] = neonBranchOf(world, "preview/pr-1")["endpoints"] as { id: string }[];
    expect(preview?.secrets["DATABASE_URL"]).toContain(`@${endpoint?.id}.`);
    expect(preview?.secrets["DATABASE_URL"]).toContain(neonPasswordOf(world, "preview/pr-1"));
    expect(githubSecret(world, "DATABASE_URL", "pr-1")).toBeUndefined();
  });

  it("follows its branch's newest commit, or stays at the revision that it names", async () => {
    await start();
    const push = (text: string): string =>
      world.sandbox.github.commit({
        owner: "acme",
        name: "shop",
        branch: "dev",
        files: {
          "dist/worker/index.js": `export default { fetch() { return new Response("${text}"); } };\n`,
        },
      });
    const first = push("one");
    // What was read for others may be five minutes old.
    await world.pass(6 * MINUTE);
    await world.apply(named("shop-pr-1"), named("shop-pr-2", { revision: first }));
    await world.settle();
    const deployed = async (name: string) => statusOf(await world.get("Preview", name))["revision"];
    expect([await deployed("shop-pr-1"), await deployed("shop-pr-2")]).toEqual([first, first]);
    const etagOf = (short: string): unknown =>
      scriptOf(world, BASE).previews.find(({ name }) => name.includes(short))?.["etag"];
    expect(etagOf("pr-1")).toBe(etagOf("pr-2"));
    const second = push("two");
    await world.pass(4 * HOUR);
    expect([await deployed("shop-pr-1"), await deployed("shop-pr-2")]).toEqual([second, first]);
    expect(etagOf("pr-1")).not.toBe(etagOf("pr-2"));
  });

  it("is left alone while it is suspended, even when it should end", async () => {
    await start();
    await world.apply(named("shop-pr-1", { ttl: "24h" }));
    await world.settle();
    await patch("Preview", "shop-pr-1", { suspend: true });
    const since = world.mark();
    await world.pass(30 * HOUR);
    // Neon ends the branch by its lease; the controller itself does nothing.
    expect(world.changes(since)).toEqual([]);
    expect(previewsAtCloudflare()).toHaveLength(1);
    await patch("Preview", "shop-pr-1", { suspend: false });
    await world.pass(HOUR);
    expect(await ready("shop-pr-1")).toMatchObject({ status: "True" });
  });

  it("has no data with SchemaOnly, and no database at all with None", async () => {
    await start();
    await world.apply(named("shop-pr-1", { data: "SchemaOnly" }), named("shop-pr-2", { data: "None" }));
    await world.settle();
    expect(await ready("shop-pr-1")).toMatchObject({ status: "True" });
    expect(await ready("shop-pr-2")).toMatchObject({ status: "True" });
    expect(previewBranches()).toEqual(["preview/pr-1"]);
    expect(neonBranchOf(world, "preview/pr-1")["initSource"]).toBe("schema-only");
    expect(statusOf(await world.get("Preview", "shop-pr-2"))["neonBranch"]).toBeUndefined();
    const without = scriptOf(world, BASE).previews.find(({ name }) => name.includes("pr-2"));
    expect(without?.secrets).toEqual({});
    expect(await inventoryOf("shop-pr-2")).toHaveLength(1);
  });

  it("goes with the environment that it is based on, before it", async () => {
    await start();
    await world.apply(shopPreview({ interval }));
    await world.settle();
    const project = neonProjectOf(world).id;
    const since = world.mark();
    await world.delete("Environment", "shop-staging");
    await world.until(async () => (await world.find("Environment", "shop-staging")) === undefined);
    expect(await world.find("Preview", "shop-pr-1")).toBeUndefined();
    expect(previewBranches()).toEqual([]);
    const paths = world
      .changes(since)
      .filter(({ method }) => method === "DELETE")
      .map(({ path }) => path);
    const preview = paths.findIndex((path) => path.includes("/previews/"));
    const worker = paths.findIndex((path) =>
      path.split("?")[0]?.endsWith("/workers/scripts/shop-api-staging"),
    );
    expect(preview).toBeGreaterThanOrEqual(0);
    expect(worker).toBeGreaterThan(preview);
    // Its own data stay, because its policy is Orphan.
    expect(neonProjectOf(world).id).toBe(project);
    expect([...neonBranchesOf(world).keys()].toSorted()).toEqual(["dev", "main", "staging"]);
  });
});
