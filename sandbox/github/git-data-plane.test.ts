import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { serve, type ServerType } from "@hono/node-server";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createGitDataPlane } from "./git-data-plane.ts";
import { bench, TOKEN, type Bench } from "./testing.ts";
import type { WebhookDelivery } from "./world.ts";

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), "github-git-"));
const plane = createGitDataPlane({ directory: join(directory, "served") });
const deliveries: WebhookDelivery[] = [];
let github: Bench;
let server: ServerType;
let origin = "";

async function git(at: string, ...args: string[]): Promise<string> {
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: directory,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "Ada",
    GIT_AUTHOR_EMAIL: "ada@example.test",
    GIT_COMMITTER_NAME: "Ada",
    GIT_COMMITTER_EMAIL: "ada@example.test",
  };
  const { stdout } = await run("git", args, { cwd: at, env: environment });
  return stdout.trim();
}

const withToken = (name: string, token = TOKEN): string =>
  `${origin.replace("//", `//x-access-token:${token}@`)}/acme/${name}.git`;

beforeAll(async () => {
  github = bench({ gitDataPlane: plane, deliver: (delivery) => void deliveries.push(delivery) });
  github.github.seedRepository({
    owner: "acme",
    name: "shop",
    files: { "README.md": "# shop\n", "src/a.txt": "a\n" },
    branches: { staging: {} },
  });
  github.github.seedRepository({
    owner: "acme",
    name: "open",
    visibility: "public",
    files: { "README.md": "open\n" },
  });
  github.github.addToken({ token: "reader", owner: "acme", user: "ada", permissions: { contents: "read" } });
  await new Promise<void>((resolve) => {
    server = serve({ fetch: (request) => github.github.fetch(request), port: 0, hostname: "127.0.0.1" }, () =>
      resolve(),
    );
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

it("clones what the API shows, with the same commit ids", async () => {
  await git(directory, "clone", "-q", withToken("shop"), "clone");
  expect(readFileSync(join(directory, "clone/src/a.txt"), "utf8")).toBe("a\n");
  const { data } = await github.octokit.rest.git.getRef({ owner: "acme", repo: "shop", ref: "heads/main" });
  expect(await git(join(directory, "clone"), "rev-parse", "HEAD")).toBe(data.object.sha);
  expect(await git(join(directory, "clone"), "branch", "-r")).toContain("origin/staging");
  await git(join(directory, "clone"), "fsck", "--strict");
});

it("takes a push into the API's world and tells the webhooks", async () => {
  await github.octokit.rest.repos.createWebhook({
    owner: "acme",
    repo: "shop",
    events: ["push", "create", "delete"],
    config: { url: "https://hooks.example.test", content_type: "json" },
  });
  const work = join(directory, "work");
  await git(directory, "clone", "-q", withToken("shop"), "work");
  writeFileSync(join(work, "new.txt"), "pushed\n");
  await git(work, "add", "new.txt");
  await git(work, "commit", "-q", "-m", "Push it");
  await git(work, "push", "-q", "origin", "main", "main:refs/heads/topic/one", ":staging");
  const head = await git(work, "rev-parse", "HEAD");
  const state = github.github.state() as {
    repositories: { name: string; branches: unknown; files: unknown }[];
  };
  const shop = state.repositories.find((item) => item.name === "shop");
  expect(shop?.branches).toEqual({ main: head, "topic/one": head });
  expect(shop?.files).toMatchObject({ "new.txt": "pushed\n" });
  const { data } = await github.octokit.rest.repos.getCommit({ owner: "acme", repo: "shop", ref: "main" });
  expect(data).toMatchObject({ sha: head, commit: { message: "Push it\n", author: { name: "Ada" } } });
  expect(
    deliveries
      .map((item) => item.headers["x-github-event"] ?? "")
      .toSorted((left, right) => left.localeCompare(right)),
  ).toEqual(["create", "delete", "ping", "push", "push", "push"]);
  const journal = github.context.journal
    .since(0)
    .filter((entry) => entry.path.endsWith("git-receive-pack") && entry.method === "POST");
  expect(journal.map((entry) => entry.changed)).toEqual([true]);
});

it("fetches what was written through the API after a clone", async () => {
  const at = { owner: "acme", repo: "shop" };
  await github.octokit.rest.repos.createOrUpdateFileContents({
    ...at,
    path: "api.txt",
    message: "From the API",
    content: Buffer.from("api\n").toString("base64"),
  });
  await git(join(directory, "clone"), "pull", "-q", "--ff-only");
  expect(readFileSync(join(directory, "clone/api.txt"), "utf8")).toBe("api\n");
});

it("lets everyone clone a public repository and nobody a private one without credentials", async () => {
  await git(directory, "clone", "-q", `${origin}/acme/open.git`, "open");
  expect(readFileSync(join(directory, "open/README.md"), "utf8")).toBe("open\n");
  await expect(git(directory, "clone", "-q", `${origin}/acme/shop.git`, "denied")).rejects.toThrow(
    /could not read Username|Authentication failed/,
  );
  await expect(git(directory, "clone", "-q", withToken("shop", "wrong"), "denied")).rejects.toThrow(
    /Authentication failed/,
  );
});

it("refuses a push that a ruleset forbids, and takes the refs it does not cover", async () => {
  github.github.seedRepository({ owner: "acme", name: "guarded", files: { a: "a\n" } });
  const at = { owner: "acme", repo: "guarded" };
  await github.octokit.rest.repos.createRepoRuleset({
    ...at,
    name: "main",
    enforcement: "active",
    conditions: { ref_name: { include: ["~DEFAULT_BRANCH"], exclude: [] } },
    rules: [{ type: "non_fast_forward" }, { type: "deletion" }],
  });
  const work = join(directory, "guarded");
  await git(directory, "clone", "-q", withToken("guarded"), "guarded");
  const first = await git(work, "rev-parse", "HEAD");
  await git(work, "commit", "-q", "--allow-empty", "-m", "forward");
  await git(work, "push", "-q", "origin", "main");
  const second = await git(work, "rev-parse", "HEAD");
  await git(work, "reset", "-q", "--hard", first);
  await git(work, "commit", "-q", "--allow-empty", "-m", "sideways");
  await expect(git(work, "push", "-q", "--force", "origin", "main", "main:topic")).rejects.toThrow(
    /GH013: Repository rule violations found for refs\/heads\/main[^]*Cannot force-push to this branch/,
  );
  const { data } = await github.octokit.rest.repos.listBranches(at);
  const sideways = await git(work, "rev-parse", "HEAD");
  expect(Object.fromEntries(data.map((branch) => [branch.name, branch.commit.sha]))).toEqual({
    main: second,
    topic: sideways,
  });
});

it("refuses a push without write permission and to an archived repository", async () => {
  const work = join(directory, "open");
  writeFileSync(join(work, "x.txt"), "x\n");
  await git(work, "add", "x.txt");
  await git(work, "commit", "-q", "-m", "x");
  await expect(git(work, "push", "-q", withToken("open", "reader"), "main")).rejects.toThrow(/403/);
  await github.octokit.rest.repos.update({ owner: "acme", repo: "open", archived: true });
  await expect(git(work, "push", "-q", withToken("open"), "main")).rejects.toThrow(/403/);
});

it("answers a repository's page with a text, and 404 to who may not see it", async () => {
  const seen = await github.send("GET", "/acme/shop");
  expect(seen.text).toContain("git clone http://github.example.test/acme/shop.git");
  expect((await github.send("GET", "/acme/shop", { token: null })).status).toBe(404);
});
