/** A directory that changes while it is listed. Changes happen at a chosen moment: just before a folder's names are read. */
import { rename, rm, symlink, writeFile } from "node:fs/promises";
import type * as files from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { conditionOf, createSourceWorld, project } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";
import type { SourceObject } from "./source-object.ts";

/** What happens once, before the names of a folder are read, and before a file is opened. */
const meanwhile = vi.hoisted(() => new Map<string, () => Promise<void>>());

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof files>();
  const first = async (path: unknown): Promise<void> => {
    const change = meanwhile.get(String(path));
    meanwhile.delete(String(path));
    await change?.();
  };
  const hooked =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await first(args[0]);
      return call(...args);
    };
  return { ...real, readdir: hooked(real.readdir), open: hooked(real.open) };
});

let world: SourceWorld;
const at = (path: string): string => join(world.directory, path);
const source = (): Promise<void> => world.source("platform", { directory: at("tree"), interval: "24h" });
const uidOf = async (name: string): Promise<string | undefined> =>
  (await world.find("Project", name))?.metadata.uid;

beforeEach(async () => {
  world = await createSourceWorld();
  await world.write({
    "tree/a/shop.yaml": project("shop"),
    "tree/m/blog.yaml": project("blog"),
    "tree/z/prod.yaml": project("prod"),
  });
  await source();
  await world.sync("platform");
});
afterEach(async () => {
  meanwhile.clear();
  await world.stop();
});

test("a file that moves to a folder that was listed already is not deleted, and is found again within seconds", async () => {
  const before = await uidOf("prod");
  meanwhile.set(at("tree/z"), () => rename(at("tree/z/prod.yaml"), at("tree/a/prod.yaml")));
  await world.sync("platform");
  const began = world.clock.monotonic();
  await world.until(
    async () =>
      ((await world.get("Source", "platform")) as SourceObject).status?.inventory?.some(
        ({ file }) => file === "a/prod.yaml",
      ) === true,
  );
  expect(world.clock.monotonic() - began).toBeLessThan(60_000);
  expect(before).toBeDefined();
  expect(await uidOf("prod")).toBe(before);
  expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
});

test("an object that moves to a file that was read already is not deleted", async () => {
  const before = await uidOf("prod");
  // In place: no folder changes.
  meanwhile.set(at("tree/z"), async () => {
    await writeFile(at("tree/a/shop.yaml"), `${project("shop")}---\n${project("prod")}`);
    await writeFile(at("tree/z/prod.yaml"), "# moved\n");
  });
  await world.sync("platform");
  expect(await uidOf("prod")).toBe(before);
  await world.until(
    async () =>
      ((await world.get("Source", "platform")) as SourceObject).status?.inventory?.some(
        ({ name, file }) => name === "prod" && file === "a/shop.yaml",
      ) === true,
  );
  expect(await uidOf("prod")).toBe(before);
});

test.each(["tree/m", "tree/m/blog.yaml"])(
  "a folder that becomes a link to elsewhere when %s is read is not followed, and nothing is deleted",
  async (moment) => {
    await world.write({ "outside/blog.yaml": project("stolen"), "outside/key.yaml": project("key") });
    meanwhile.set(at(moment), async () => {
      await rename(at("tree/m"), at("kept"));
      await symlink(at("outside"), at("tree/m"));
    });
    // What is read anew is read by its content, and not known from before.
    await writeFile(at("tree/m/blog.yaml"), project("blog", "    description: new"));
    await world.sync("platform");
    await world.until(
      async () =>
        ((await world.get("Source", "platform")) as SourceObject).status?.errors?.some(
          ({ file }) => file === "m",
        ) === true,
    );
    expect(await world.names("Project")).toEqual(["blog", "prod", "shop"]);
    await rm(at("tree/m"));
    await rename(at("kept"), at("tree/m"));
    expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
    expect(JSON.stringify(await world.get("Project", "blog"))).toContain('"description":"new"');
  },
);
