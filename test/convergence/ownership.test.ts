import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { fullEnvironment, fullProject, MARGIN, RESYNC, settledFullShop } from "./full-shop.ts";
import { shopPreview } from "../support/shop.ts";
import { githubSecret } from "./github-fields.ts";
import { neonBranchOf, neonBranchesOf, neonProjectOf, scriptOf, scriptsOf, stateOf } from "./outsider.ts";

const objects = [
  ["Project", "shop"],
  ["Environment", "shop-dev"],
  ["Environment", "shop-staging"],
  ["Environment", "shop-production"],
  ["Preview", "shop-pr-1"],
] as const;

/** What there is, without when it was last written. */
function inhabitants(world: World): unknown {
  const { cloudflare, github } = stateOf(world);
  return {
    github: github.repositories,
    neon: [...neonBranchesOf(world).values()].map(
      ({ id, name, parentId, protected: isProtected, roles }) => ({
        id,
        name,
        parentId,
        isProtected,
        roles: roles.map((role) => role.password),
      }),
    ),
    scripts: [...scriptsOf(world).values()].map(({ etag, id, name, previews, secrets, tags, versions }) => ({
      etag,
      id,
      name,
      secrets,
      tags,
      versions,
      previews: previews.map((preview) => [preview["id"], preview["deployments"]]),
    })),
    kv: cloudflare.accounts.map(({ kv }) => kv),
    r2: cloudflare.accounts.map((account) => account.r2.map(({ name }) => name)),
  };
}

describe("after the store is lost", () => {
  let first: World;
  let world: World | undefined;
  let before: unknown;
  beforeEach(async () => {
    first = await createWorld({ publicUrl: "https://hooks.example" });
    await settledFullShop(first);
    await first.stop();
    before = inhabitants(first);
  });
  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });
  const again = async (installation: string): Promise<World> => {
    const next = await createWorld({
      publicUrl: "https://hooks.example",
      time: first.time,
      sandbox: first.sandbox,
      installation,
    });
    world = next;
    await next.apply(
      { kind: "Secret", metadata: { name: "shop-secrets" }, stringData: { npm: "npm-1", stripe: "sk-1" } },
      fullProject(),
      fullEnvironment("dev"),
      fullEnvironment("staging"),
      fullEnvironment("production"),
      shopPreview({ interval: "10m", deepInterval: "40m" }),
    );
    return next;
  };

  it("the same installation recognises everything; only values that nobody can read are written once more", async () => {
    const since = first.mark();
    const next = await again("test");
    await next.settle();
    for (const [kind, name] of objects)
      expect(conditionOf(await next.get(kind, name), "Ready"), name).toMatchObject({ status: "True" });
    const changed = next.changes(since).map(({ method, path }) => `${method} ${path}`);
    const unreadable = /^PUT .*\/secrets\/\w+$|^PATCH .*\/hooks\/\d+$/;
    // A Preview that was declared again lives from then on, and so does its lease at Neon.
    const lease = `PATCH /api/v2/projects/${neonProjectOf(next).id}/branches/${neonBranchOf(next, "preview/pr-1").id}`;
    expect(changed.filter((request) => !unreadable.test(request) && request !== lease)).toEqual([]);
    expect(JSON.stringify(inhabitants(next)).replaceAll(/"updatedAt":\d+/g, "")).toBe(
      JSON.stringify(before).replaceAll(/"updatedAt":\d+/g, ""),
    );
    const quiet = next.mark();
    await next.pass(RESYNC + MARGIN);
    expect(next.changes(quiet)).toEqual([]);
  });

  it("another installation finds every name taken, and touches nothing", async () => {
    const since = first.mark();
    const next = await again("other");
    await next.pass(RESYNC + MARGIN);
    expect(next.changes(since)).toEqual([]);
    expect(JSON.stringify(inhabitants(next))).toBe(JSON.stringify(before));
    const project = await next.get("Project", "shop");
    for (const type of ["GitHubSynced", "NeonSynced", "CloudflareSynced"])
      expect(conditionOf(project, type), type).toMatchObject({ status: "False", reason: "Conflict" });
    const message = conditionOf(project, "Ready")?.message;
    for (const slot of ["githubRepo", "neonProject", "cloudflareKv/flags"])
      expect(message).toContain(`flaresmith.dev/adopt: ${slot}`);
    for (const [kind, name] of objects)
      expect(conditionOf(await next.get(kind, name), "Ready"), name).toMatchObject({ status: "False" });
  });

  it("another installation takes over what flaresmith.dev/adopt lists, and no more", async () => {
    const repository = stateOf(first).github.repositories.find((one) => one["name"] === "shop")?.["id"];
    const project = neonProjectOf(first).id;
    const next = await again("other");
    await next.annotate("Project", "shop", { "flaresmith.dev/adopt": "githubRepo,neonProject" });
    await next.pass(RESYNC + MARGIN);
    const adopted = await next.get("Project", "shop");
    expect(conditionOf(adopted, "NeonSynced")).toMatchObject({ status: "True" });
    expect(conditionOf(adopted, "CloudflareSynced")).toMatchObject({ status: "False", reason: "Conflict" });
    expect(statusOf(adopted)["neonProject"]).toBe(project);
    expect(
      stateOf(next)
        .github.repositories.filter((one) => one["name"] === "shop")
        .map(({ id }) => id),
    ).toEqual([repository]);
    expect(neonProjectOf(next).id).toBe(project);
    // Nothing of the environments was listed.
    const { tags, versions } = scriptOf(next, "shop-api-staging");
    expect({ tags, versions }).toEqual({
      tags: scriptOf(first, "shop-api-staging").tags,
      versions: scriptOf(first, "shop-api-staging").versions,
    });
    expect(JSON.stringify(tags)).not.toContain("other/");
    expect(githubSecret(next, "NPM_TOKEN")).toBe("npm-1");
  });
});
