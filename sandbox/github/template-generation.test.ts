import { expect, it } from "vitest";
import { bench, type Bench } from "./testing.ts";

const AT = { owner: "acme", repo: "shop" };

async function generated(overrides: Parameters<typeof bench>[0] = {}): Promise<Bench> {
  const world = bench(overrides);
  world.github.setDelays({ refMs: 1000, objectsMs: 2000, settingsMs: 5000 });
  world.github.seedRepository({
    owner: "acme",
    name: "starter",
    isTemplate: true,
    defaultBranch: "trunk",
    files: { "README.md": "# starter\n" },
    branches: { next: { "next.txt": "n" } },
  });
  const answer = await world.send("POST", "/repos/acme/starter/generate", {
    body: { owner: "acme", name: "shop", private: true },
  });
  expect(answer.status).toBe(201);
  expect(answer.json).toMatchObject({
    full_name: "acme/shop",
    default_branch: "trunk",
    template_repository: { full_name: "acme/starter" },
  });
  return world;
}

it("answers 201 before there is a branch: refs are missing with 409, contents with 404, branches are an empty list", async () => {
  const { send } = await generated();
  const ref = await send("GET", "/repos/acme/shop/git/ref/heads/trunk");
  expect([ref.status, ref.json["message"]]).toEqual([409, "Git Repository is empty."]);
  const contents = await send("GET", "/repos/acme/shop/contents/README.md");
  expect([contents.status, contents.json["message"]]).toEqual([404, "This repository is empty."]);
  expect((await send("GET", "/repos/acme/shop/branches")).json).toEqual([]);
  expect((await send("POST", "/repos/acme/shop/git/blobs", { body: { content: "x" } })).status).toBe(409);
});

it("shows the branch before anything can be built on it: trees, commits and refs are refused with 422", async () => {
  const { send, octokit, advance } = await generated();
  advance(1500);
  const { data: ref } = await octokit.rest.git.getRef({ ...AT, ref: "heads/trunk" });
  const { data: head } = await octokit.rest.git.getCommit({ ...AT, commit_sha: ref.object.sha });
  const tree = await send("POST", "/repos/acme/shop/git/trees", {
    body: { base_tree: head.tree.sha, tree: [{ path: "a", mode: "100644", content: "a" }] },
  });
  expect([tree.status, tree.json["message"]]).toEqual([422, "Tree SHA does not exist"]);
  const branch = await send("POST", "/repos/acme/shop/git/refs", {
    body: { ref: "refs/heads/x", sha: ref.object.sha },
  });
  expect([branch.status, branch.json["message"]]).toEqual([422, "Object does not exist"]);
  advance(1600);
  await octokit.rest.git.createRef({ ...AT, ref: "refs/heads/x", sha: ref.object.sha });
});

it("hides settings and environments for a while", async () => {
  const { send, advance } = await generated();
  advance(4900);
  for (const [method, path] of [
    ["PATCH", ""],
    ["PUT", "/environments/dev"],
    ["GET", "/environments"],
    ["PUT", "/topics"],
    ["GET", "/actions/variables"],
  ] as const)
    expect([
      path,
      (await send(method, `/repos/acme/shop${path}`, method === "GET" ? {} : { body: { names: [] } })).status,
    ]).toEqual([path, 404]);
  advance(200);
  expect((await send("PUT", "/repos/acme/shop/environments/dev", { body: {} })).status).toBe(200);
});

it("copies the template's files as one commit without history, and only the default branch unless asked", async () => {
  const { octokit, github, advance } = await generated();
  advance(60_000);
  const { data } = await octokit.rest.repos.listCommits(AT);
  expect(data.map((commit) => [commit.commit.message, commit.parents])).toEqual([["Initial commit", []]]);
  await octokit.rest.repos.createUsingTemplate({
    template_owner: "acme",
    template_repo: "starter",
    owner: "acme",
    name: "all",
    include_all_branches: true,
  });
  const state = github.state() as {
    repositories: { name: string; branches: Record<string, string>; files: unknown; private: boolean }[];
  };
  const one = state.repositories.find((item) => item.name === "shop");
  const all = state.repositories.find((item) => item.name === "all");
  expect([Object.keys(one?.branches ?? {}), one?.private, one?.files]).toEqual([
    ["trunk"],
    true,
    { "README.md": "# starter\n" },
  ]);
  expect([Object.keys(all?.branches ?? {}), all?.private]).toEqual([["next", "trunk"], false]);
});

it("refuses a taken name, and answers 404 for a repository that is no template", async () => {
  const { send, github } = await generated();
  const again = await send("POST", "/repos/acme/starter/generate", { body: { owner: "acme", name: "Shop" } });
  expect([again.status, again.json["errors"]]).toEqual([
    422,
    ["Could not clone: Name already exists on this account"],
  ]);
  github.seedRepository({ owner: "acme", name: "plain", files: { a: "a" } });
  expect(
    (await send("POST", "/repos/acme/plain/generate", { body: { owner: "acme", name: "x" } })).status,
  ).toBe(404);
  expect(
    (await send("POST", "/repos/acme/starter/generate", { body: { owner: "acme" } })).json["message"],
  ).toBe(`Invalid request.\n\n"name" wasn't supplied.`);
});
