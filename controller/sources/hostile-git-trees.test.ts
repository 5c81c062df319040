/** Git trees as git never makes them by itself: the rest is read, each oddity is named, nothing is pruned or opened outside. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRepository } from "../../test/support/git-repository.ts";
import type { TestRepository } from "../../test/support/git-repository.ts";
import { tracing, unexpectedPrograms } from "../../test/support/git-trace.ts";
import { conditionOf, createSourceWorld, project } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";
import { createGitRunner } from "../runtime/adapters/run-git.ts";
import { systemClock } from "../runtime/adapters/system.ts";
import type { SourceObject } from "./source-object.ts";

let world: SourceWorld;
let repository: TestRepository;
let trace: string;

beforeEach(async () => {
  const run = createGitRunner({ clock: systemClock(), environment: process.env });
  world = await createSourceWorld({ git: (command, signal) => tracing(run, trace)(command, signal) });
  trace = join(world.directory, "trace.json");
  repository = createRepository(join(world.directory, "repo.git"));
  repository.commit({ "old.yaml": project("old"), "shop.yaml": project("shop") });
  await world.source("platform", { git: { url: repository.url } });
  await world.sync("platform");
});
afterEach(() => world.stop());

type Entry = Parameters<TestRepository["commitTree"]>[0][number];
const blob = (name: string | Buffer, text: string | Buffer, mode = "100644"): Entry => ({
  mode,
  type: "blob",
  id: repository.blob(text),
  name,
});
const tree = (name: string | Buffer, entries: string): Entry => ({
  mode: "040000",
  type: "tree",
  id: repository.git(["mktree", "--missing"], entries),
  name,
});
const shop = (description: string): Entry =>
  blob("shop.yaml", project("shop", `    description: ${description}`));

/** Everything that lies in the clones, by its name. */
async function cloned(): Promise<string[]> {
  return readdir(join(world.directory, ".data", "git"), { recursive: true });
}

/** Makes a tree the newest commit and syncs: `old` is no longer declared, and must stay while anything is wrong. */
async function sync(entries: readonly Entry[]): Promise<SourceObject> {
  repository.commitTree(entries);
  const source = await world.sync("platform");
  expect(unexpectedPrograms(trace)).toEqual([]);
  // Nothing of a tree becomes a file: only what git keeps of a repository without a work tree.
  expect((await cloned()).filter((path) => /\.(yaml|yml|json)$|evil|link/i.test(path))).toEqual([]);
  return source;
}
const told = (source: SourceObject): string[] =>
  (source.status?.errors ?? []).map(({ file, message }) => `${file}: ${message}`);
async function expectKept(source: SourceObject, description: string): Promise<void> {
  expect(conditionOf(source, "Ready")).toMatchObject({ status: "False", reason: "ValidationFailed" });
  expect(JSON.stringify(await world.get("Project", "shop"))).toContain(description);
  expect(await world.find("Project", "old")).toBeDefined();
}

describe("a tree", () => {
  test("with modes that git does not make takes files, and names what is none", async () => {
    const source = await sync([
      blob("a.yaml", project("a"), "100755"),
      blob("b.yaml", project("b"), "100664"),
      blob("c.yaml", project("c"), "100600"),
      blob("d.yaml", project("d"), "104755"),
      blob("e.yaml", "/etc/passwd", "120777"),
      shop("new"),
    ]);
    // Git tells files with whatever other bits as plain files; a link with bits of its own stays a link.
    expect(told(source)).toEqual(["e.yaml: symbolic links are not followed; commit the file itself"]);
    await expectKept(source, "new");
    expect(await world.names("Project")).toEqual(["a", "b", "c", "d", "old", "shop"]);
    expect(JSON.stringify(source)).not.toContain("root:");
  });

  test("with links, submodules and names of every kind reads the rest, and names each", async () => {
    const evil = `100644 blob ${repository.blob(project("evil"))}\tevil.yaml\n`;
    const source = await sync([
      tree(".", evil),
      tree("..", evil),
      tree(".git", evil),
      tree(".GiT", evil),
      tree("git~1", evil),
      blob("a\\..\\evil.yaml", project("backslash")),
      blob("/absolute.yaml", project("absolute")),
      blob("C:evil.yaml", project("drive")),
      blob("\u001b[2J.yaml", project("evil")),
      blob("\u009b2J.yaml", project("evil")),
      blob("line\u2028.yaml", project("evil")),
      blob(Buffer.from([0xc0, 0xaf, 0x2e, 0x79, 0x6d, 0x6c]), project("evil")),
      blob(`${"x".repeat(4100)}.yaml`, project("evil")),
      blob("link.yaml", "../../../../etc/passwd", "120000"),
      blob("link", "/", "120000"),
      blob("readme.md", "shop.yaml", "120000"),
      { mode: "160000", type: "commit", id: "1".repeat(40), name: "module" },
      { mode: "160000", type: "commit", id: "1".repeat(40), name: "module.yaml" },
      shop("new"),
    ]);
    const errors = told(source);
    for (const expected of [
      /^\.\/evil\.yaml: a path may not contain "\."/,
      /^\.\.\/evil\.yaml: a path may not contain "\.\."/,
      /^\.git\/evil\.yaml: a path may not contain "\.git"/,
      /^\.GiT\/evil\.yaml: a path may not contain "\.GiT"/,
      /^\/absolute\.yaml: a path may not contain ""/,
      /^\uFFFD\[2J\.yaml: the path contains control characters/,
      /^\uFFFD2J\.yaml: the path contains control characters/,
      /^line\uFFFD\.yaml: the path contains control characters/,
      /: the path is not UTF-8/,
      /^x{200}…: the path is longer than 4096 bytes/,
      /^link: symbolic links are not followed/,
      /^link\.yaml: symbolic links are not followed/,
      /^module: submodules are not read/,
      /^module\.yaml: submodules are not read/,
    ]) {
      expect(
        errors.filter((error) => expected.test(error)),
        String(expected),
      ).toHaveLength(1);
    }
    await expectKept(source, "new");
    // A backslash, a drive or a short name of another system is a name like any other where nothing is written to disk.
    expect(await world.names("Project")).toEqual(["backslash", "drive", "evil", "old", "shop"]);
    expect(JSON.stringify(source)).not.toMatch(/root:|\\u001b|\u009b|\u2028/);
  });

  test("with twins that differ in case, or in nothing, applies neither what both declare nor half of it", async () => {
    const source = await sync([
      blob("Shop.yaml", project("shop", "    description: one")),
      blob("shop.yaml", project("shop", "    description: two")),
      blob("shop.yaml", project("twin")),
      blob("SHOP.YAML", project("third")),
    ]);
    expect(told(source)).toEqual([
      "Shop.yaml: Project shop is declared in shop.yaml:1 too; remove all but one",
      "shop.yaml: Project shop is declared in Shop.yaml:1 too; remove all but one",
    ]);
    expect(JSON.stringify(await world.get("Project", "shop"))).not.toContain("description");
    expect(await world.find("Project", "old")).toBeDefined();
  });

  test("with a file of 40 MB says so, and does not hold it", async () => {
    const large = Buffer.alloc(40 * 1024 * 1024, "x");
    const source = await sync([blob("large.yaml", large), shop("new")]);
    expect(told(source)).toEqual(["large.yaml: the file is larger than 512 KiB; split it"]);
    await expectKept(source, "new");
  });

  test("with folders inside each other says where it gave up, and reads the rest", async () => {
    repository.commit({ [`${"d/".repeat(200)}deep.yaml`]: project("deep") }, "deep");
    const deep = repository.git(["rev-parse", "deep:d"]);
    const source = await sync([{ mode: "040000", type: "tree", id: deep, name: "d" }, shop("new")]);
    expect(told(source)).toEqual([
      expect.stringContaining("folders are nested more than 64 deep; flatten them"),
    ]);
    await expectKept(source, "new");
  });

  test("that holds itself ten times in ten levels ends at a limit, and nothing changes", async () => {
    let level = repository.git(["mktree"], `100644 blob ${repository.blob(project("bomb"))}\tbomb.yaml\n`);
    for (let depth = 0; depth < 10; depth += 1) {
      const ten = Array.from({ length: 10 }, (_, index) => `040000 tree ${level}\t${index}\n`).join("");
      level = repository.git(["mktree"], ten);
    }
    repository.commitTree([{ mode: "040000", type: "tree", id: level, name: "bomb" }, shop("new")]);
    const source = await world.sync("platform");
    expect(conditionOf(source, "Ready")).toMatchObject({
      status: "False",
      message: expect.stringMatching(/answered more than 64 MiB.*repository of their own/),
    });
    expect(await world.names("Project")).toEqual(["old", "shop"]);
    // The way back is a commit like any other.
    repository.commitTree([blob("old.yaml", project("old")), shop("healed")]);
    expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
  });

  test("that git itself cannot read is told of, and nothing changes", async () => {
    for (const broken of [
      blob("f.yaml", project("f"), "xyz"),
      blob("", project("f")),
      blob("f.yaml", project("f"), ""),
    ]) {
      repository.commitTree([broken, shop("new")]);
      const source = await world.sync("platform");
      expect(conditionOf(source, "Ready")?.status).toBe("False");
      expect(conditionOf(source, "Ready")?.message).not.toContain("description");
      expect(await world.names("Project")).toEqual(["old", "shop"]);
      expect(JSON.stringify(await world.get("Project", "shop"))).not.toContain("new");
    }
  });

  test("of which objects are missing is told of, and nothing changes", async () => {
    repository.commitTree([
      { mode: "100644", type: "blob", id: "2".repeat(40), name: "missing.yaml" },
      shop("new"),
    ]);
    const source = await world.sync("platform");
    expect(conditionOf(source, "Ready")).toMatchObject({ status: "False" });
    expect(await world.names("Project")).toEqual(["old", "shop"]);
    expect(JSON.stringify(await world.get("Project", "shop"))).not.toContain("new");
  });

  test("without anything in it prunes nothing", async () => {
    const source = await sync([]);
    expect(conditionOf(source, "Ready")).toMatchObject({ status: "False", reason: "EmptySource" });
    expect(await world.names("Project")).toEqual(["old", "shop"]);
  });
});
