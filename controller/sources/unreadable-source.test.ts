/** What a Source says when its Secret may not be read, or the disk does not take its clone. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ApiError } from "../store/resource-client.ts";
import { createRepository } from "../../test/support/git-repository.ts";
import { conditionOf, createSourceWorld, project } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";

let world: SourceWorld;
afterEach(() => world.stop());

/** A Source of a git repository that is Ready, with `shop` applied; `secret` is asked for its credentials. */
async function readySource(secret: () => Promise<Record<string, string>>): Promise<void> {
  world = await createSourceWorld({ secret });
  const repository = createRepository(join(world.directory, "repo.git"));
  repository.commit({ "shop.yaml": project("shop") });
  await world.source("platform", { git: { url: repository.url, secretRef: { name: "git" } } });
  expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
  repository.commit({ "blog.yaml": project("blog") });
}

const healed = async (): Promise<void> => {
  const began = world.clock.now();
  await world.until(async () => (await world.find("Project", "blog")) !== undefined);
  expect(world.clock.now() - began).toBeLessThan(120_000);
  expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
};

const user = 'User "system:serviceaccount:flaresmith-system:flaresmith"';

test.each([
  ["may not be read", 403, "Forbidden", `secrets "git" is forbidden: ${user} cannot get resource "secrets"`],
  ["cannot be read for the moment", 503, "ServiceUnavailable", "etcd has no leader"],
])("a Secret that %s is in the Ready condition, and is asked for again", async (_, code, reason, message) => {
  let refusal: ApiError | undefined;
  await readySource(async () => {
    if (refusal !== undefined) throw refusal;
    return { token: "x" };
  });
  refusal = new ApiError({ code, reason, message });
  const refused = await world.sync("platform");
  expect(conditionOf(refused, "Ready")).toMatchObject({
    status: "False",
    reason: "StoreUnavailable",
    message: expect.stringContaining(`the Secret git cannot be read: ${message}`),
  });
  expect(conditionOf(refused, "Reconciling")?.status).toBe("True");
  expect(await world.names("Project")).toEqual(["shop"]);
  refusal = undefined;
  await healed();
});

test("a data directory that cannot be written is in the Ready condition, and is tried again", async () => {
  await readySource(() => Promise.resolve({ token: "x" }));
  const data = join(world.directory, ".data");
  await rm(data, { recursive: true });
  await writeFile(data, "");
  const refused = await world.sync("platform");
  expect(conditionOf(refused, "Ready")).toMatchObject({
    status: "False",
    reason: "GitFailed",
    message: expect.stringMatching(/cannot be kept in the data directory \(E[A-Z]+\)\. /),
  });
  expect(conditionOf(refused, "Reconciling")?.status).toBe("True");
  await rm(data);
  await healed();
});

test("a defect is in the Ready condition too", async () => {
  let broken = false;
  await readySource(async () => {
    if (broken) throw new TypeError("secret is no function");
    return { token: "x" };
  });
  broken = true;
  expect(conditionOf(await world.sync("platform"), "Ready")).toMatchObject({
    status: "False",
    reason: "InternalError",
    message: expect.stringContaining("secret is no function"),
  });
  broken = false;
  await healed();
});
