/** Law 1: what proves that something is gone, and what does not. */
import { generateKeyPairSync } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { seedTemplate, settledShop, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import {
  asSomeoneElse,
  conditionText,
  external,
  freshStore,
  identities,
  names,
  requestAll,
  unready,
} from "./support.ts";

const MINUTE = 60_000;
let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const repositoryId = (of: World): number =>
  external(of.sandbox).github.repositories.find((one) => one.name === "shop")?.id ?? 0;

/** A token that sees one other repository only: for it everything of the shop is a 404. */
function narrow({ sandbox }: World): void {
  const template = external(sandbox).github.repositories.find((one) => one.isTemplate)?.id ?? 0;
  sandbox.github.changeToken(sandbox.seed.github.token, { repositories: [template] });
}
const widen = ({ sandbox }: World): void =>
  sandbox.github.changeToken(sandbox.seed.github.token, { repositories: "all" });

describe("a GitHub token that no longer sees the repository", () => {
  it("changes nothing anywhere, is named, and heals when the token sees it again", async () => {
    world = await createWorld();
    await settledShop(world);
    const before = identities(world.sandbox);
    const since = world.mark();
    narrow(world);
    await requestAll(world);
    await world.pass(15 * MINUTE);
    expect(world.changes(since)).toEqual([]);
    const project = await world.get("Project", "shop");
    expect(conditionOf(project, "GitHubSynced")).toMatchObject({
      status: "False",
      reason: "RepositoryNotVisible",
    });
    expect(conditionText(project, "GitHubSynced")).toContain(
      `flaresmith.dev/confirm-gone: "${repositoryId(world)}"`,
    );
    expect(conditionOf(project, "NeonSynced")?.status).toBe("True");
    widen(world);
    await world.settle(30 * MINUTE);
    await world.pass(15 * MINUTE);
    expect(await unready(world)).toEqual([]);
    expect(identities(world.sandbox)).toEqual(before);
  });

  it("lets nothing be deleted or forgotten meanwhile: variables, environments, the repository itself", async () => {
    world = await createWorld();
    await settledShop(world);
    await world.apply(shopProject({ deletionPolicy: "Delete" }));
    await world.settle();
    narrow(world);
    const before = identities(world.sandbox, "github");
    await world.delete("Project", "shop");
    await world.pass(10 * MINUTE);
    expect(identities(world.sandbox, "github")).toEqual(before);
    expect(await world.find("Project", "shop")).toBeDefined();
    const environment = await world.get("Environment", "shop-dev");
    expect(conditionText(environment, "GitHubSynced")).toContain("RepositoryNotVisible");
    widen(world);
    const living = world;
    await living.until(async () => (await living.list("Project")).length === 0, 60 * MINUTE);
    expect(names(living.sandbox, "github")).toEqual([]);
  });

  it("a person's word that it is gone lets the deletion end", async () => {
    world = await createWorld();
    await settledShop(world);
    await world.apply(shopProject({ deletionPolicy: "Delete" }));
    await world.settle();
    const id = String(repositoryId(world));
    for (const name of ["shop-dev", "shop-staging", "shop-production"])
      await world.delete("Environment", name);
    await world.delete("Preview", "shop-pr-1");
    const living = world;
    await living.until(async () => (await living.list("Environment")).length === 0);
    narrow(world);
    await world.delete("Project", "shop");
    await world.pass(5 * MINUTE);
    expect(await world.find("Project", "shop")).toBeDefined();
    await world.annotate("Project", "shop", { "flaresmith.dev/confirm-gone": id });
    await living.until(async () => (await living.list("Project")).length === 0, 30 * MINUTE);
    expect(names(living.sandbox, "github")).toContain("github acme/shop");
  });
});

describe("a repository that somebody deleted", () => {
  it("is proven gone by the complete listing of an App's installation, and made anew only after a person's confirmation", async () => {
    world = await createWorld();
    const { privateKey, publicKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const { appId, installationIds } = world.sandbox.github.registerApp({
      slug: "flaresmith",
      owner: "acme",
      publicKey,
      permissions: {
        actions: "write",
        administration: "write",
        actions_variables: "write",
        contents: "write",
        environments: "write",
        metadata: "read",
        secrets: "write",
        workflows: "write",
      },
      installations: [{ account: "acme", repositories: "all" }],
    });
    await world.apply({
      kind: "Secret",
      metadata: { name: "github-credentials" },
      stringData: { appId: String(appId), installationId: String(installationIds[0]), privateKey },
    });
    await settledShop(world);
    await asSomeoneElse(world, "github", "DELETE", "/repos/acme/shop");
    const since = world.mark();
    await requestAll(world);
    await world.pass(5 * MINUTE);
    expect(world.changes(since)).toEqual([]);
    const project = await world.get("Project", "shop");
    expect(conditionOf(project, "GitHubSynced")).toMatchObject({
      status: "False",
      reason: "ConfirmationRequired",
    });
    const hash =
      /flaresmith\.dev\/confirm: ([0-9a-z]+)/.exec(conditionText(project, "GitHubSynced"))?.[1] ?? "";
    await world.annotate("Project", "shop", { "flaresmith.dev/confirm": hash });
    await world.pass(30 * MINUTE);
    await world.settle(30 * MINUTE);
    expect(names(world.sandbox)).toContain("github acme/shop variable REGION");
    expect(names(world.sandbox, "github").filter((name) => name === "github acme/shop")).toHaveLength(1);
  });
});

describe("Neon projects that Neon calls unavailable", () => {
  it("are not made a second time by a controller that lost its store", async () => {
    const first = await createWorld();
    await settledShop(first);
    const [project] = external(first.sandbox).neon.projects;
    const id = project?.id ?? "";
    first.sandbox.neon.setUnavailable(id, true);
    first.sandbox.context.faults.add({ provider: "neon", path: `/projects/${id}`, status: 503, times: 0 });
    world = await freshStore(first);
    const since = world.mark();
    await world.apply(
      shopProject(),
      shopEnvironment("dev"),
      shopEnvironment("staging"),
      shopEnvironment("production"),
      shopPreview(),
    );
    await world.pass(10 * MINUTE);
    expect(world.changes(since).filter((entry) => entry.provider === "neon")).toEqual([]);
    expect(conditionText(await world.get("Project", "shop"), "NeonSynced")).toMatch(/^False /);
    world.sandbox.neon.setUnavailable(id, false);
    world.sandbox.context.faults.clear();
    await world.settle(30 * MINUTE);
    expect(await unready(world)).toEqual([]);
    expect(external(world.sandbox).neon.projects.map((one) => one.id)).toEqual([id]);
  });
});

describe("a listing whose second page fails", () => {
  it("proves nothing: the variables on it are neither written again nor lost", async () => {
    const many = Array.from({ length: 45 }, (_, index) => ({
      name: `V${String(index).padStart(2, "0")}`,
      value: "1",
    }));
    world = await createWorld();
    seedTemplate(world);
    const github = { ...(shopProject().spec?.["github"] as object), variables: many };
    await world.apply(shopProject({ github }));
    await world.settle();
    const before = identities(world.sandbox);
    const since = world.mark();
    world.sandbox.context.faults.add({
      provider: "github",
      path: "variables\\?.*page=2",
      status: 502,
      times: 0,
    });
    await world.request("Project", "shop");
    await world.pass(5 * MINUTE);
    expect(world.changes(since)).toEqual([]);
    expect(conditionText(await world.get("Project", "shop"), "GitHubSynced")).toMatch(/^False /);
    world.sandbox.context.faults.clear();
    await world.settle(30 * MINUTE);
    expect(identities(world.sandbox)).toEqual(before);
  });
});
