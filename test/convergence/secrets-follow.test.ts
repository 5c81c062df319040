import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";
import { githubSecret, writeGitHubSecret } from "./github-fields.ts";
import { neonBranchOf, neonPasswordOf, neonProjectOf, outsider, scriptOf } from "./outsider.ts";
import type { Outsider } from "./outsider.ts";

const MINUTE = 60_000;
const depths = { interval: "10m", deepInterval: "40m" };

const stripe = (live: string): Manifest => ({
  kind: "Secret",
  metadata: { name: "stripe" },
  stringData: { live },
});

describe("values of secrets follow their source", () => {
  let world: World;
  let other: Outsider;
  beforeEach(async () => {
    world = await createWorld();
    seedTemplate(world);
    await world.apply(
      stripe("sk-1"),
      shopProject({
        ...depths,
        github: {
          ...(shopProject().spec?.["github"] as object),
          secrets: [{ name: "STRIPE_KEY", secretRef: { name: "stripe", key: "live" } }],
        },
      }),
      shopEnvironment("dev", depths),
      shopEnvironment("staging", {
        ...depths,
        secrets: [
          { name: "DATABASE_URL", from: { neon: "connectionUri" }, to: ["Worker", "GitHub"], previews: true },
          { name: "POOLED_URL", from: { neon: "pooledConnectionUri" }, to: ["Worker"] },
          {
            name: "STRIPE_KEY",
            from: { secretRef: { name: "stripe", key: "live" } },
            to: ["Worker", "GitHub"],
          },
        ],
      }),
      shopPreview(depths),
    );
    await world.settle();
    await world.pass(12 * MINUTE);
    other = outsider(world);
  });
  afterEach(() => world.stop());

  const worker = (name: string): string | undefined => scriptOf(world, "shop-api-staging").secrets[name];
  const rotate = (branch: string): Promise<unknown> => {
    const path = `/projects/${neonProjectOf(world).id}/branches/${neonBranchOf(world, branch).id}`;
    return other.neon("POST", `${path}/roles/app/reset_password`);
  };

  it("reaches the Worker and the GitHub environment, and status tells which went where, never a value", async () => {
    const password = neonPasswordOf(world, "staging");
    expect(worker("DATABASE_URL")).toContain(`:${password}@`);
    expect(worker("POOLED_URL")).toContain("-pooler.");
    expect(githubSecret(world, "DATABASE_URL", "staging")).toBe(worker("DATABASE_URL"));
    expect(githubSecret(world, "POOLED_URL", "staging")).toBeUndefined();
    expect(githubSecret(world, "STRIPE_KEY", "staging")).toBe("sk-1");
    expect(githubSecret(world, "STRIPE_KEY")).toBe("sk-1");
    const environment = await world.get("Environment", "shop-staging");
    expect(statusOf(environment)["secrets"]).toContainEqual({
      name: "STRIPE_KEY",
      from: expect.any(String) as string,
      to: ["Worker", "GitHub"],
    });
    const everything = JSON.stringify([
      environment,
      await world.list("Event"),
      await world.list("Project"),
      await world.list("Preview"),
    ]);
    for (const value of [password, "sk-1"]) expect(everything).not.toContain(value);
  });

  it("when Neon's password is rotated, at the next deep pass", async () => {
    const old = worker("DATABASE_URL");
    await rotate("staging");
    await world.pass(60 * MINUTE);
    expect(worker("DATABASE_URL")).not.toBe(old);
    expect(worker("DATABASE_URL")).toContain(`:${neonPasswordOf(world, "staging")}@`);
    expect(worker("POOLED_URL")).toContain(`:${neonPasswordOf(world, "staging")}@`);
    expect(githubSecret(world, "DATABASE_URL", "staging")).toBe(worker("DATABASE_URL"));
    expect(conditionOf(await world.get("Environment", "shop-staging"), "Ready")).toMatchObject({
      status: "True",
    });
  });

  it("when Neon's password is rotated, at once on request", async () => {
    await rotate("staging");
    await world.request("Environment", "shop-staging");
    await world.settle();
    expect(worker("DATABASE_URL")).toContain(`:${neonPasswordOf(world, "staging")}@`);
    expect(githubSecret(world, "DATABASE_URL", "staging")).toBe(worker("DATABASE_URL"));
  });

  it("when a preview's password is rotated", async () => {
    await rotate("preview/pr-1");
    await world.request("Preview", "shop-pr-1");
    await world.settle();
    const [preview] = scriptOf(world, "shop-api-staging").previews;
    expect(preview?.secrets["DATABASE_URL"]).toContain(`:${neonPasswordOf(world, "preview/pr-1")}@`);
  });

  it("when the Secret changes, at the next resync", async () => {
    await world.apply(stripe("sk-2"));
    await world.pass(18 * MINUTE);
    expect(worker("STRIPE_KEY")).toBe("sk-2");
    expect(githubSecret(world, "STRIPE_KEY", "staging")).toBe("sk-2");
    expect(githubSecret(world, "STRIPE_KEY")).toBe("sk-2");
    expect(conditionOf(await world.get("Environment", "shop-staging"), "Ready")).toMatchObject({
      status: "True",
    });
  });

  it("and is written again when somebody else deletes or overwrites it", async () => {
    const database = worker("DATABASE_URL");
    await other.cloudflare("DELETE", "/workers/scripts/shop-api-staging/secrets/DATABASE_URL");
    await other.github("DELETE", "/repos/acme/shop/environments/staging/secrets/DATABASE_URL");
    await writeGitHubSecret(other, "/repos/acme/shop/environments/staging/secrets", "STRIPE_KEY", "sk-wrong");
    expect(worker("DATABASE_URL")).toBeUndefined();
    await world.pass(18 * MINUTE);
    expect(worker("DATABASE_URL")).toBe(database);
    expect(githubSecret(world, "DATABASE_URL", "staging")).toBe(database);
    expect(githubSecret(world, "STRIPE_KEY", "staging")).toBe("sk-1");
  });
});
