import { beforeEach, describe, expect, it } from "vitest";
import { bench, PUBLIC_URL, TOKEN, type Bench } from "../../sandbox/github/testing.ts";
import { commitFiles } from "./commit-files.ts";
import { gitBranch } from "./git-branch.ts";
import { revision } from "./heads.ts";
import { seedFiles, seededFrom } from "./seed-files.ts";
import type { InventoryEntry } from "../engine/resource.ts";
import { harnessOn, lookupContext, slotOf } from "./test-context.ts";
import type { Harness } from "./test-context.ts";
import type { CommitFilesOutputs } from "./types.ts";

let world: Bench;
let harness: Harness;
const repository = "acme/shop";

beforeEach(() => {
  world = bench();
  const { github, context } = world;
  harness = harnessOn({
    fetch: (request) => github.fetch(request),
    endpoint: PUBLIC_URL,
    now: () => context.clock.now(),
    credentials: { token: TOKEN },
  });
  github.seedRepository({
    owner: "acme",
    name: "shop",
    files: {
      "README.md": "# Shop",
      "dist/worker/index.js": "export default {}",
      "dist/worker/lib/a.js": "a",
    },
  });
});

const head = async (branch = "main"): Promise<string> =>
  (await revision.look({ repository, branch }, lookupContext(harness, { fresh: true })))["sha"] as string;
const requests = (since: number): number => world.context.journal.since(since).length;
const text = async (path: string, ref: string): Promise<string> =>
  (
    await world.send("GET", `/repos/acme/shop/contents/${path}?ref=${ref}`, {
      headers: { accept: "application/vnd.github.raw" },
    })
  ).text;

describe("a git branch", () => {
  const desired = { repository, name: "release/one", from: "main" };

  it("is made at the newest commit of another, and never moved", async () => {
    const slot = slotOf(harness, gitBranch);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
    expect(await slot.create(desired)).toMatchObject({ observed: { sha: await head() } });
    world.github.commit({ owner: "acme", name: "shop", branch: "main", files: { b: "2" } });
    expect(await slot.diff(desired)).toEqual([]);
    expect(await head("release/one")).not.toBe(await head());
  });

  it("that came to be in the meantime is what was wanted", async () => {
    await slotOf(harness, gitBranch).create(desired);
    expect(await slotOf(harness, gitBranch).create(desired)).toMatchObject({ id: "release/one" });
  });

  it("removed, is absent, and removing it again is no error", async () => {
    const slot = slotOf(harness, gitBranch);
    await slot.create(desired);
    await slot.remove(desired);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
    await slot.remove(desired);
    await expect(slot.remove({ ...desired, name: "main" })).rejects.toMatchObject({
      code: "INTEGRATION_REJECTED",
    });
  });

  it("without the branch it is made from is an error that names both", async () => {
    await expect(slotOf(harness, gitBranch).create({ ...desired, from: "nowhere" })).rejects.toMatchObject({
      code: "SPEC_REFERENCE_MISSING",
      message: expect.stringMatching(/nowhere.*release\/one/),
    });
  });

  it("in a repository that GitHub is still generating is awaited", async () => {
    world.github.seedRepository({ owner: "acme", name: "starter", isTemplate: true, files: { a: "1" } });
    world.github.setDelays({ refMs: 1000, objectsMs: 1000 });
    await world.send("POST", "/repos/acme/starter/generate", { body: { owner: "acme", name: "fresh" } });
    const slot = slotOf(harness, gitBranch);
    const wanted = { repository: "acme/fresh", name: "dev", from: "main" };
    await expect(slot.observe(wanted)).rejects.toMatchObject({ code: "INTEGRATION_BUSY" });
    world.advance(1200);
    await expect(slot.create(wanted)).rejects.toMatchObject({ code: "INTEGRATION_BUSY" });
    world.advance(1000);
    await slot.create(wanted);
    expect(await slot.diff(wanted)).toEqual([]);
  });

  it("of a repository that a person says is gone is absent", async () => {
    const slot = slotOf(harness, gitBranch);
    await slot.create(desired);
    await world.send("DELETE", "/repos/acme/shop");
    await expect(slot.observe(desired)).rejects.toMatchObject({ code: "INTEGRATION_REPOSITORY_NOT_VISIBLE" });
    const { entry } = slot;
    slot.entry = entry && { ...entry, data: { confirmGone: "1" } };
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
  });

  it("missing in a repository that cannot be seen is not absent", async () => {
    await expect(
      slotOf(harness, gitBranch).observe({ ...desired, repository: "acme/hidden" }),
    ).rejects.toMatchObject({ code: "INTEGRATION_REPOSITORY_NOT_VISIBLE" });
  });
});

describe("the revision of a branch", () => {
  it("is read once for all who ask, and follows a push when asked anew", async () => {
    const before = world.context.journal.last();
    const context = lookupContext(harness);
    const [one, two] = await Promise.all([
      revision.look({ repository, branch: "main" }, context),
      revision.look({ repository, branch: "main" }, context),
    ]);
    expect(one).toEqual(two);
    expect(requests(before)).toBe(1);
    const sha = world.github.commit({ owner: "acme", name: "shop", branch: "main", files: { b: "2" } });
    expect(await head()).toBe(sha);
  });

  it("of a branch that does not exist is an error that names it", async () => {
    await expect(
      revision.look({ repository, branch: "nowhere" }, lookupContext(harness)),
    ).rejects.toMatchObject({ code: "SPEC_REFERENCE_MISSING", message: expect.stringContaining("nowhere") });
  });
});

describe("the files of a commit", () => {
  const look = async (path: string, revisionOf?: string): Promise<CommitFilesOutputs> =>
    (await commitFiles.look(
      { repository, revision: revisionOf ?? (await head()), path },
      lookupContext(harness),
    )) as CommitFilesOutputs;
  const decoded = ({ files }: CommitFilesOutputs): [string, string][] =>
    files.map((file) => [file.path, Buffer.from(file.content).toString()]);

  it("are those of a directory, with paths relative to it", async () => {
    const found = await look("./dist/worker/");
    expect(found.kind).toBe("directory");
    expect(decoded(found)).toEqual([
      ["index.js", "export default {}"],
      ["lib/a.js", "a"],
    ]);
  });

  it("are one file when the path is a file, and all for the root", async () => {
    expect(decoded(await look("dist/worker/index.js"))).toEqual([["index.js", "export default {}"]]);
    expect((await look(".")).files).toHaveLength(3);
  });

  it("hold bytes unharmed", async () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
    const sha = world.github.commit({
      owner: "acme",
      name: "shop",
      branch: "main",
      files: { "dist/image.bin": bytes },
    });
    expect([...((await look("dist/image.bin", sha)).files[0]?.content ?? [])]).toEqual([...bytes]);
  });

  it("are read once, and of a later commit only what changed", async () => {
    const first = await look("dist/worker");
    const before = world.context.journal.last();
    const again = await commitFiles.look(
      { repository, revision: await head(), path: "dist/worker" },
      lookupContext(harness),
    );
    expect(again["treeSha"]).toBe(first.treeSha);
    expect(world.context.journal.since(before).map((entry) => entry.path)).toEqual([
      expect.stringContaining("/git/ref/"),
    ]);
    const sha = world.github.commit({
      owner: "acme",
      name: "shop",
      branch: "main",
      files: { "dist/worker/lib/a.js": "changed" },
    });
    const later = world.context.journal.last();
    await look("dist/worker", sha);
    expect(world.context.journal.since(later).filter((entry) => /blobs/.test(entry.path))).toHaveLength(1);
  });

  it.each([
    [
      "dist/nothing",
      {
        code: "SPEC_BUNDLE_MISSING",
        message: expect.stringMatching(/dist\/nothing.*acme\/shop.*[0-9a-f]{40}/),
      },
    ],
    ["README.md/below", { code: "SPEC_BUNDLE_MISSING" }],
    ["../elsewhere", { code: "SPEC_INVALID" }],
    ["/etc/passwd", { code: "SPEC_INVALID" }],
  ])("%s is refused with a clear error", async (path, expected) => {
    await expect(look(path)).rejects.toMatchObject(expected);
  });

  it("that lie elsewhere, or are too many or too large, are refused with a clear error", async () => {
    const commit = (files: Record<string, string | Uint8Array>): string =>
      world.github.commit({ owner: "acme", name: "shop", branch: "main", files });
    const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    const lfs = commit({ "lfs/a.bin": pointer });
    await expect(look("lfs", lfs)).rejects.toMatchObject({
      code: "SPEC_BUNDLE_UNSUPPORTED",
      message: expect.stringContaining("a.bin"),
    });
    const many = commit(Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`many/${n}`, "x"])));
    const large = commit({ "large/a": new Uint8Array(26 * 1024 * 1024) });
    const before = world.context.journal.last();
    await expect(look("many", many)).rejects.toMatchObject({
      code: "SPEC_BUNDLE_UNSUPPORTED",
      message: expect.stringContaining("1001 files"),
    });
    await expect(look("large", large)).rejects.toMatchObject({
      code: "SPEC_BUNDLE_UNSUPPORTED",
      message: expect.stringContaining("bytes"),
    });
    expect(world.context.journal.since(before).filter((entry) => /blobs/.test(entry.path))).toEqual([]);
  });

  it("of a commit that is not there are an error that names it", async () => {
    await expect(look("dist", "0".repeat(40))).rejects.toMatchObject({
      code: "SPEC_REFERENCE_MISSING",
      message: expect.stringContaining("0000000"),
    });
  });

  it("cut off on the way are an error, not shorter files", async () => {
    world.context.faults.add({
      path: "/git/blobs/",
      status: 200,
      body: { content: "ZXhw", encoding: "base64", size: 17, sha: "x" },
    });
    await expect(look("dist/worker/index.js")).rejects.toMatchObject({
      code: "INTEGRATION_RESPONSE_INVALID",
    });
  });
});

describe("seeded files", () => {
  /** The repository in the inventory of a Project that made it. */
  const parentEntry: InventoryEntry = {
    slot: "githubRepo",
    provider: "github",
    type: "repository",
    key: "k",
    state: "ready",
    nonce: "n0nce",
  };
  const desired = {
    repository,
    branch: "main",
    files: [
      { path: "docs/a.md", content: "a" },
      { path: "README.md", content: "ours" },
    ],
  };

  it("come in one commit on top of what is there", async () => {
    const before = await head();
    const slot = slotOf(harness, seedFiles, { parentEntry });
    const { id } = await slot.create(desired);
    expect(await head()).toBe(id);
    const { json } = await world.send("GET", `/repos/acme/shop/git/commits/${id}`);
    expect(json["parents"]).toMatchObject([{ sha: before }]);
    expect(await text("README.md", "main")).toBe("ours");
    expect(await text("dist/worker/index.js", "main")).toBe("export default {}");
  });

  it("are what the branch is at from then on, also for those who share an older look at the branches", async () => {
    const shared = lookupContext(harness);
    const before = await revision.look({ repository, branch: "main" }, shared);
    const { id } = await slotOf(harness, seedFiles, { parentEntry }).create(desired);
    expect(before).not.toEqual({ sha: id });
    expect(await revision.look({ repository, branch: "main" }, shared)).toEqual({ sha: id });
  });

  it("are waited for while GitHub still shows the commit before: what follows must not be made from that", async () => {
    world.context.faults.setLag({ provider: "github", resource: "*", milliseconds: 20_000 });
    world.advance(20_000);
    const slot = slotOf(harness, seedFiles, { parentEntry });
    expect(await slot.create(desired)).toMatchObject({ pending: "GitHub does not show the commit yet" });
    expect(await slot.observe(desired)).toMatchObject({ pending: "GitHub does not show the commit yet" });
    world.advance(20_000);
    const seen = await slot.observe(desired);
    expect(seen).not.toHaveProperty("pending");
    expect(seen).toMatchObject({ state: "present", id: await head() });
  });

  it("are waited for when nobody can tell which commit GitHub shows", async () => {
    world.context.faults.add({ method: "GET", path: "/git/matching-refs", status: 500, times: 0 });
    const slot = slotOf(harness, seedFiles, { parentEntry });
    expect(await slot.create(desired)).toMatchObject({ pending: "GitHub does not show the commit yet" });
    const seen = await slot.observe(desired);
    expect(seen).not.toHaveProperty("pending");
    expect(seen).toMatchObject({ state: "present", id: await head() });
  });

  it("are in a branch made later, although GitHub shows the commit before them once more", async () => {
    world.context.faults.setLag({ provider: "github", resource: "*", milliseconds: 20_000 });
    world.advance(20_000);
    const slot = slotOf(harness, seedFiles, { parentEntry });
    await slot.create(desired);
    const seeded = seededFrom(slot.entry);
    expect(seeded?.before).toBe(await head());
    await slotOf(harness, gitBranch).create({ repository, name: "dev", from: "main", seeded });
    world.advance(20_000);
    expect(await text("docs/a.md", "dev")).toBe(await text("docs/a.md", "main"));
  });

  it("are never touched again, with the inventory or without", async () => {
    const slot = slotOf(harness, seedFiles, { parentEntry });
    await slot.create(desired);
    world.github.commit({ owner: "acme", name: "shop", branch: "main", files: { "docs/a.md": "edited" } });
    const tip = await head();
    expect(await slot.diff(desired)).toEqual([]);
    await slotOf(harness, seedFiles, { parentEntry }).create(desired);
    expect(await head()).toBe(tip);
    expect(await text("docs/a.md", "main")).toBe("edited");
  });

  it("whose commit's answer was lost are found", async () => {
    world.context.faults.add({ method: "PATCH", when: "after", drop: true });
    const slot = slotOf(harness, seedFiles, { parentEntry });
    await expect(slot.create(desired)).rejects.toMatchObject({ class: "unknownOutcome" });
    const tip = await head();
    await slot.create(desired);
    expect(await head()).toBe(tip);
  });

  it("are recognised by their commit when the inventory is lost, and not after somebody else's", async () => {
    expect(await slotOf(harness, seedFiles, { parentEntry }).observe(desired)).toEqual({ state: "absent" });
    const { id } = await slotOf(harness, seedFiles, { parentEntry }).create(desired);
    expect(await slotOf(harness, seedFiles, { parentEntry }).observe(desired)).toMatchObject({
      state: "present",
      id,
    });
    const other = slotOf(harness, seedFiles, { project: "other", parentEntry });
    expect(await other.observe(desired)).toEqual({ state: "absent" });
  });

  it("leave alone what somebody else committed meanwhile", async () => {
    world.github.commit({ owner: "acme", name: "shop", branch: "main", files: { "docs/a.md": "theirs" } });
    await slotOf(harness, seedFiles, { parentEntry }).create(desired);
    expect([await text("docs/a.md", "main"), await text("README.md", "main")]).toEqual(["theirs", "ours"]);
  });

  it.each([
    ["was adopted", { ...parentEntry, nonce: "adopted" }],
    ["was found by its marker when the inventory was lost", { ...parentEntry, nonce: undefined }],
  ])("leave alone what a repository that %s began with", async (_name, found) => {
    const before = await text("README.md", "main");
    await slotOf(harness, seedFiles, { parentEntry: found }).create(desired);
    expect([await text("docs/a.md", "main"), await text("README.md", "main")]).toEqual(["a", before]);
  });

  it("workflows without the permission are an error that names it", async () => {
    world.github.changeToken(TOKEN, { permissions: { contents: "write", metadata: "read" } });
    const files = [{ path: ".github/workflows/ci.yml", content: "on: push" }];
    await expect(
      slotOf(harness, seedFiles, { parentEntry }).create({ ...desired, files }),
    ).rejects.toMatchObject({
      code: "INTEGRATION_PERMISSION_MISSING",
      hint: expect.stringContaining("workflows: write"),
    });
  });
});
