import { afterEach, describe, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, conditionsOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { neonBranchesOf, scriptsOf, stateOf } from "./outsider.ts";

const MINUTE = 60_000;

describe("a project that adds a provider later", () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.stop();
  });

  it("converges with only GitHub, then with Neon, then with Cloudflare, without touching the repository again", async () => {
    world = await createWorld();
    seedTemplate(world);
    const { cloudflare, github, neon } = shopProject().spec ?? {};
    const withoutSecrets = { secrets: undefined, cloudflare: undefined };
    const only = { neon: undefined, cloudflare: undefined };
    await world.apply(shopProject(only), shopEnvironment("dev", withoutSecrets));
    await world.settle();
    const project = await world.get("Project", "shop");
    expect(
      conditionsOf(project)
        .map(({ type }) => type)
        .toSorted(),
    ).toEqual(["GitHubSynced", "Ready", "UpToDate"]);
    const repositories = (): unknown => stateOf(world as World).github.repositories;
    const before = JSON.stringify(repositories());
    await world.pass(15 * MINUTE);

    let since = world.mark();
    await world.apply(shopProject({ ...only, neon }));
    await world.settle();
    expect(conditionOf(await world.get("Project", "shop"), "NeonSynced")).toMatchObject({ status: "True" });
    expect([...neonBranchesOf(world).keys()].toSorted()).toEqual(["dev", "main"]);
    expect(world.changes(since).filter(({ provider }) => provider !== "neon")).toEqual([]);

    since = world.mark();
    await world.apply(
      shopProject({ github, neon, cloudflare }),
      shopEnvironment("dev", { secrets: undefined }),
    );
    await world.settle();
    await world.pass(15 * MINUTE);
    for (const [kind, name] of [
      ["Project", "shop"],
      ["Environment", "shop-dev"],
    ] as const) {
      expect(conditionOf(await world.get(kind, name), "Ready"), name).toMatchObject({ status: "True" });
    }
    expect([...scriptsOf(world).keys()]).toEqual(["shop-api-dev"]);
    expect(world.changes(since).filter(({ provider }) => provider !== "cloudflare")).toEqual([]);
    expect(JSON.stringify(repositories())).toBe(before);
  });

  it("and wires the database into GitHub and the Worker when asked to, changing nothing else in the repository", async () => {
    world = await createWorld();
    seedTemplate(world);
    await world.apply(
      shopProject({ neon: undefined, cloudflare: undefined }),
      shopEnvironment("dev", { secrets: undefined, cloudflare: undefined }),
    );
    await world.settle();
    const since = world.mark();
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.settle();
    await world.pass(15 * MINUTE);
    const atGitHub = world.changes(since).filter(({ provider }) => provider === "github");
    expect(atGitHub.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "PUT /repos/acme/shop/environments/dev/secrets/DATABASE_URL",
    ]);
    expect(scriptsOf(world).get("shop-api-dev")?.secrets["DATABASE_URL"]).toMatch(/^postgres(ql)?:\/\/app:/);
  });
});
