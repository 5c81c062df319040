import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeCommit, decodeTree, encodeCommit, encodeTree, objectId } from "./git-object.ts";
import { memoryStorage } from "../core/storage.ts";
import { gitStore } from "./git-store.ts";
import { bench, type Bench } from "./testing.ts";

const R = "/repos/acme/shop";

async function world(): Promise<Bench & { head: string; tree: string }> {
  const made = bench();
  made.github.seedRepository({
    owner: "acme",
    name: "shop",
    files: { "README.md": "# shop\n", "src/a.txt": "a\n", "src/deep/b.txt": "b\n" },
  });
  const ref = (await made.send("GET", `${R}/git/ref/heads%2Fmain`)).json as unknown as {
    object: { sha: string };
  };
  const commit = (await made.send("GET", `${R}/git/commits/${ref.object.sha}`)).json as unknown as {
    tree: { sha: string };
  };
  return { ...made, head: ref.object.sha, tree: commit.tree.sha };
}

it("gives blobs, trees and commits the ids that git gives them", () => {
  const directory = mkdtempSync(join(tmpdir(), "git-ids-"));
  const git = (input: Buffer | string, ...args: string[]): string =>
    execFileSync("git", args, {
      cwd: directory,
      input,
      env: { PATH: process.env["PATH"], HOME: directory, GIT_CONFIG_NOSYSTEM: "1" },
    })
      .toString()
      .trim();
  try {
    git("", "init", "-q", "--bare", ".");
    const blob = objectId("blob", Buffer.from("hello\n"));
    expect(blob).toBe(git("hello\n", "hash-object", "-w", "--stdin"));
    const inner = objectId("tree", encodeTree([{ mode: "100644", path: "f", sha: blob }]));
    expect(inner).toBe(git(`100644 blob ${blob}\tf\n`, "mktree"));
    // `a` the directory sorts after `a.txt` and before `a0`.
    const tree = objectId(
      "tree",
      encodeTree([
        { mode: "100755", path: "a0", sha: blob },
        { mode: "040000", path: "a", sha: inner },
        { mode: "100644", path: "a.txt", sha: blob },
      ]),
    );
    expect(tree).toBe(
      git(`100755 blob ${blob}\ta0\n040000 tree ${inner}\ta\n100644 blob ${blob}\ta.txt\n`, "mktree"),
    );
    const who = { name: "Ada Ä", email: "ada@example.test", seconds: 1_700_000_000, offset: "+0130" };
    const commit = encodeCommit({
      tree,
      parents: [],
      author: who,
      committer: who,
      message: "Subject\n\nBody\n",
    });
    expect(objectId("commit", commit)).toBe(git(commit, "hash-object", "-t", "commit", "-w", "--stdin"));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it("reads back every tree and commit it writes", () => {
  const sha = fc.string({ minLength: 40, maxLength: 40, unit: fc.constantFrom(..."0123456789abcdef") });
  const name = fc
    .string({ minLength: 1, unit: "grapheme" })
    .filter((text) => !/[\0/\n<>]/.test(text) && text.trim() === text && text.isWellFormed());
  const entry = fc.record({
    mode: fc.constantFrom<string>("100644", "100755", "040000", "120000"),
    path: name,
    sha,
  });
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: (item) => item.path }), (entries) => {
      const order = (items: typeof entries): unknown =>
        items.toSorted((left, right) => (left.path < right.path ? -1 : 1));
      expect(order(decodeTree(encodeTree(entries)))).toEqual(order(entries));
    }),
  );
  const person = fc.record({
    name,
    email: name.filter((text) => !text.includes(" ")),
    seconds: fc.nat(),
    offset: fc.constantFrom("+0000", "-0530"),
  });
  fc.assert(
    fc.property(
      fc.record({
        tree: sha,
        parents: fc.array(sha),
        author: person,
        committer: person,
        message: fc.string(),
      }),
      (commit) => {
        expect(decodeCommit(encodeCommit(commit))).toEqual(commit);
      },
    ),
  );
});

it("builds one commit of many files and moves the branch only forward unless forced", async () => {
  const { send, head, tree, octokit } = await world();
  const made = await send("POST", `${R}/git/trees`, {
    body: {
      base_tree: tree,
      tree: [
        { path: "src/deep/b.txt", mode: "100644", sha: null },
        { path: "new/c.txt", mode: "100644", content: "c" },
      ],
    },
  });
  const commit = await send("POST", `${R}/git/commits`, {
    body: {
      message: "m",
      tree: made.json["sha"],
      parents: [head],
      author: { name: "Ada", email: "a@example.test", date: "2020-01-02T03:04:05+02:00" },
    },
  });
  expect(commit.json).toMatchObject({
    author: { name: "Ada", date: "2020-01-02T01:04:05Z" },
    verification: { verified: false },
  });
  const sha = String(commit.json["sha"]);
  expect((await send("PATCH", `${R}/git/refs/heads/main`, { body: { sha } })).status).toBe(200);
  const { data } = await octokit.rest.git.getTree({
    owner: "acme",
    repo: "shop",
    tree_sha: "main",
    recursive: "1",
  });
  expect(data.tree.map((entry) => [entry.path, entry.type])).toEqual([
    ["README.md", "blob"],
    ["new", "tree"],
    ["new/c.txt", "blob"],
    ["src", "tree"],
    ["src/a.txt", "blob"],
  ]);
  const back = await send("PATCH", `${R}/git/refs/heads/main`, { body: { sha: head } });
  expect([back.status, back.json["message"]]).toEqual([422, "Update is not a fast forward"]);
  expect((await send("PATCH", `${R}/git/refs/heads/main`, { body: { sha: head, force: true } })).status).toBe(
    200,
  );
});

it("refuses trees, commits and refs that do not hang together", async () => {
  const { send, head, tree } = await world();
  const message = async (method: string, path: string, body?: unknown): Promise<unknown[]> => {
    const answer = await send(method, R + path, body === undefined ? {} : { body });
    return [answer.status, answer.json["message"]];
  };
  const nowhere = "1".repeat(40);
  expect(
    await message("POST", "/git/trees", {
      base_tree: nowhere,
      tree: [{ path: "a", mode: "100644", content: "" }],
    }),
  ).toEqual([422, "Tree SHA does not exist"]);
  expect(
    await message("POST", "/git/trees", {
      base_tree: tree,
      tree: [{ path: "no/such", mode: "100644", sha: null }],
    }),
  ).toEqual([422, "GitRPC::BadObjectState"]);
  expect(
    await message("POST", "/git/trees", { tree: [{ path: "../x", mode: "100644", content: "" }] }),
  ).toEqual([422, "tree.path contains a malformed path component"]);
  expect(await message("POST", "/git/commits", { message: "m", tree: nowhere })).toEqual([
    422,
    "Tree SHA does not exist",
  ]);
  expect(await message("POST", "/git/commits", { message: "m", tree, parents: [nowhere] })).toEqual([
    422,
    "Parent SHA does not exist or is not a commit object",
  ]);
  expect(await message("POST", "/git/refs", { ref: "refs/heads/x", sha: nowhere })).toEqual([
    422,
    "Object does not exist",
  ]);
  expect(await message("POST", "/git/refs", { ref: "refs/heads/main", sha: head })).toEqual([
    422,
    "Reference already exists",
  ]);
  expect((await message("POST", "/git/refs", { ref: "refs/heads/a..b", sha: head }))[0]).toBe(422);
  expect((await message("POST", "/git/refs", { ref: "refs/heads/main/sub", sha: head }))[0]).toBe(422);
  expect(await message("PATCH", "/git/refs/heads/none", { sha: head })).toEqual([
    422,
    "Reference does not exist",
  ]);
  expect(await message("DELETE", "/git/refs/heads/none")).toEqual([422, "Reference does not exist"]);
  expect((await message("DELETE", "/git/refs/heads/main"))[0]).toBe(422);
  expect((await message("GET", "/git/ref/heads/none"))[0]).toBe(404);
  expect((await message("GET", "/commits/none"))[0]).toBe(422);
  expect(await message("GET", "/branches/none")).toEqual([404, "Branch not found"]);
});

it("keeps an empty repository empty for the git database, and lets the contents API begin it", async () => {
  const { send } = bench();
  await send("POST", "/orgs/acme/repos", { body: { name: "shop" } });
  for (const [method, path] of [
    ["GET", "/git/ref/heads/main"],
    ["GET", "/commits"],
    ["GET", "/git/trees/main"],
  ] as const)
    expect([path, (await send(method, R + path)).status]).toEqual([path, 409]);
  expect((await send("POST", `${R}/git/blobs`, { body: { content: "x" } })).json["message"]).toBe(
    "Git Repository is empty.",
  );
  expect((await send("PATCH", R, { body: { default_branch: "other" } })).status).toBe(422);
  expect((await send("PUT", `${R}/contents/a.txt`, { body: { message: "m", content: "YQ==" } })).status).toBe(
    201,
  );
  expect(
    (await send("GET", `${R}/contents/a.txt`, { headers: { accept: "application/vnd.github.raw+json" } }))
      .text,
  ).toBe("a");
});

it("writes files by path with the file's own id as the guard", async () => {
  const { send, octokit } = await world();
  const at = { owner: "acme", repo: "shop", path: "src/a.txt" };
  const put = async (body: Record<string, unknown>): Promise<unknown[]> => {
    const answer = await send("PUT", `${R}/contents/src/a.txt`, {
      body: { message: "m", content: "Yg==", ...body },
    });
    return [answer.status, answer.json["message"]];
  };
  expect(await put({})).toEqual([422, `Invalid request.\n\n"sha" wasn't supplied.`]);
  expect((await put({ sha: "0".repeat(40) }))[0]).toBe(409);
  expect((await put({ branch: "none" }))[0]).toBe(404);
  const { data: file } = await octokit.rest.repos.getContent(at);
  if (Array.isArray(file)) throw new Error("a file was expected");
  expect((await put({ sha: file.sha }))[0]).toBe(200);
  const { data: raw } = await octokit.rest.repos.getContent({ ...at, mediaType: { format: "raw" } });
  expect(raw).toBe("b");
  const listed = (await send("GET", `${R}/contents/src?ref=main`)).json as unknown as {
    name: string;
    type: string;
  }[];
  expect(listed.map((item) => [item.name, item.type])).toEqual([
    ["a.txt", "file"],
    ["deep", "dir"],
  ]);
});

it("mistakes a tag for the default branch when it has its name", async () => {
  const { send, head } = await world();
  await send("POST", `${R}/git/refs`, { body: { ref: "refs/tags/main", sha: head } });
  const refused = await send("DELETE", `${R}/git/refs/tags/main`);
  expect([refused.status, refused.json["message"]]).toEqual([422, "Cannot delete the default branch"]);
});

it("changes trees as a plain map of paths would change", () => {
  const segment = fc.constantFrom("a", "b", "c", "ä", "0");
  const path = fc.tuple(fc.constantFrom("x", "y", "x0"), segment, fc.array(segment, { maxLength: 2 })).map(
    // Files end in `.f` and directories do not, so that no path is both.
    ([root, middle, rest]) => `${[root, middle, ...rest].join("/")}.f`,
  );
  const step = fc.array(fc.record({ path, content: fc.option(fc.constantFrom("1", "2", "3")) }), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5 }), (steps) => {
      const store = gitStore(memoryStorage().collection("objects"), () => undefined);
      const model = new Map<string, string>();
      let tree: string | undefined;
      for (const edits of steps) {
        const unique = [...new Map(edits.map((edit) => [edit.path, edit])).values()];
        const changes = unique.filter((edit) => edit.content !== null || model.has(edit.path));
        const result = store.change(
          tree,
          changes.map(({ path: at, content }) => ({
            path: at,
            entry: content === null ? null : { mode: "100644", sha: store.put("blob", Buffer.from(content)) },
          })),
        );
        if ("missing" in result) throw new Error(`${result.missing} is in the model`);
        ({ tree } = result);
        for (const { path: at, content } of changes)
          if (content === null) model.delete(at);
          else model.set(at, content);
        const seen = new Map(
          store.flatten(tree).map((entry) => [entry.path, store.get("blob", entry.sha)?.toString()]),
        );
        expect(seen).toEqual(model);
        // The same files give the same tree, however they came about.
        const anew = store.change(
          undefined,
          [...model].map(([at, content]) => ({
            path: at,
            entry: { mode: "100644", sha: store.put("blob", Buffer.from(content)) },
          })),
        );
        expect(anew).toEqual({ tree });
        expect(store.change(tree, [{ path: "no/such.f", entry: null }])).toEqual({ missing: "no/such.f" });
      }
    }),
    { numRuns: 60 },
  );
});

it("calls the first branch of a new repository what its owner chose", async () => {
  const { send } = bench({ owners: [{ login: "acme", type: "Organization", defaultBranch: "trunk" }] });
  const made = await send("POST", "/orgs/acme/repos", { body: { name: "shop", auto_init: true } });
  expect(made.json).toMatchObject({ default_branch: "trunk" });
  expect((await send("GET", `${R}/git/ref/heads/trunk`)).status).toBe(200);
});
