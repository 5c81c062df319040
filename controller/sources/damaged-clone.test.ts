/** A clone that somebody damaged or removed while the controller runs: it is made anew, and no Source is blamed for it. */
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGitRunner } from "../runtime/adapters/run-git.ts";
import type { GitCommand } from "../runtime/adapters/run-git.ts";
import { systemClock } from "../runtime/adapters/system.ts";
import { createRepository } from "../../test/support/git-repository.ts";
import type { TestRepository } from "../../test/support/git-repository.ts";
import { conditionOf, createSourceWorld, project, typeOf } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";

let world: SourceWorld;
let repository: TestRepository;
/** Where the clone is. */
let clone: string;
/** What happens before a command of git. */
let before: (command: GitCommand) => Promise<void>;

beforeEach(async () => {
  before = () => Promise.resolve();
  const run = createGitRunner({ clock: systemClock(), environment: process.env });
  world = await createSourceWorld({
    git: async (command, signal) => {
      clone = command.cwd;
      await before(command);
      return run(command, signal);
    },
  });
  repository = createRepository(join(world.directory, "repo.git"));
  repository.commit({
    "a/shop.yaml": project("shop"),
    "b/blog.yaml": project("blog"),
    "b/shop.yaml": project("shop"),
  });
});
afterEach(() => world.stop());

const source = (path: string): Promise<void> =>
  world.source("platform", { git: { url: repository.url }, path });
const losePacks = (): Promise<void> => rm(join(clone, "objects", "pack"), { recursive: true, force: true });
const appears = (name: string): Promise<void> =>
  world.until(async () => (await world.find("Project", name)) !== undefined);

test("objects that are lost between the listing and the reading are fetched again", async () => {
  let lost = false;
  before = async ({ args }) => {
    if (lost || args[0] !== "cat-file") return;
    lost = true;
    await losePacks();
  };
  await source("b");
  await appears("blog");
  expect(lost).toBe(true);
  expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
});

test.each<[string, () => Promise<void>]>([
  ["was removed", () => rm(clone, { recursive: true })],
  ["lost its objects", losePacks],
])("a clone that %s is made anew for another folder of the same commit", async (_name, harm) => {
  await source("a");
  await world.sync("platform");
  await harm();
  await source("b");
  await appears("blog");
  expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
});

test("clones and keys of Sources that went while the controller was down are removed, the others stay", async () => {
  const { directory } = world;
  const first = await createSourceWorld({ directory });
  for (const name of ["gone", "stays"]) {
    await first.source(name, { git: { url: repository.url }, path: name === "gone" ? "a" : "b" });
    await first.sync(name);
  }
  await first.stop();
  await first.store.delete(typeOf("Source"), { namespace: "default", name: "gone" });
  const clones = join(directory, ".data", "git");
  const ofOthers = { [`.data/git/${"0".repeat(32)}.ssh/key`]: "secret", ".data/git/notes.txt": "mine" };
  await world.write(ofOthers);
  expect(await readdir(clones)).toHaveLength(4);
  const again = await createSourceWorld({ store: first.store, directory });
  try {
    await again.sync("stays");
    await again.until(async () => (await readdir(clones)).length === 2);
    expect(conditionOf(await again.sync("stays"), "Ready")?.status).toBe("True");
    expect((await readdir(clones)).map((name) => name.replace(/^[0-9a-f]{32}/, ""))).toEqual(
      expect.arrayContaining([".git", "notes.txt"]),
    );
    expect(dirname(clones)).toBe(join(directory, ".data"));
  } finally {
    await again.stop();
  }
});
