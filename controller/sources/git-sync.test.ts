import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGitRunner } from "../runtime/adapters/run-git.ts";
import type { GitCommand } from "../runtime/adapters/run-git.ts";
import { systemClock } from "../runtime/adapters/system.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { createRepository } from "../../test/support/git-repository.ts";
import type { TestRepository } from "../../test/support/git-repository.ts";
import { httpsServer, serveGit } from "../../test/support/https-server.ts";
import type { HttpsServer } from "../../test/support/https-server.ts";
import { conditionOf, createSourceWorld, project, typeOf } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";

let world: SourceWorld;
let repository: TestRepository;
let commands: GitCommand[];

const start = async (environment: Record<string, string | undefined> = {}): Promise<void> => {
  commands = [];
  const run = createGitRunner({ clock: systemClock(), environment: { ...process.env, ...environment } });
  world = await createSourceWorld({
    git: (command, signal) => (commands.push(command), run(command, signal)),
  });
  repository = createRepository(join(world.directory, "repo.git"));
};
beforeEach(() => start());
afterEach(() => world.stop());

/** p0 to p<count - 1>, a file each. */
const manifests = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}.yaml`, project(`p${index}`)]));
/** The value that the Source asks for, as a person copies it. */
const consentOf = (source: KubernetesObject): string =>
  /confirm-prune: (\S+)/.exec(conditionOf(source, "Stalled")?.message ?? "")?.[1] ?? "";
const names = (): string[] => commands.map(({ args }) => args[0] ?? "");

describe("a branch", () => {
  test("is applied, and costs what changed", async () => {
    const first = repository.commit({
      "apps/shop.yaml": project("shop"),
      "apps/blog.yaml": project("blog"),
      "README.md": "hello",
    });
    await world.source("platform", { git: { url: repository.url }, path: "./apps" });
    const source = await world.sync("platform");
    expect(conditionOf(source, "Ready")).toMatchObject({
      status: "True",
      message: `2 objects are applied from main@sha1:${first}.`,
    });
    expect(source.status?.inventory?.map(({ file }) => file)).toEqual(["blog.yaml", "shop.yaml"]);
    commands.length = 0;
    await world.sync("platform");
    expect(names()).toEqual(["ls-remote"]);
    commands.length = 0;
    const second = repository.commit({ "apps/shop.yaml": project("shop", "    description: A shop") });
    const changed = await world.sync("platform");
    expect(changed.status?.appliedRevision).toBe(`main@sha1:${second}`);
    expect(
      commands
        .filter(({ args }) => args.join(" ") === "cat-file --batch")
        .map(({ input }) => input?.trim().split("\n").length),
    ).toEqual([1]);
    expect(JSON.stringify(await world.get("Project", "shop"))).toContain("A shop");
  });

  test("that is rewritten is followed; one without history is all that is fetched", async () => {
    for (let count = 0; count < 5; count += 1)
      repository.commit({ "shop.yaml": project("shop", `    description: v${count}`) });
    await world.source("platform", { git: { url: repository.url } });
    await world.sync("platform");
    const clone = commands[0]?.cwd ?? "";
    const log = createRepository(join(world.directory, "unused.git"));
    expect(log.git(["--git-dir", clone, "rev-list", "--count", "refs/flaresmith/head"])).toBe("1");
    repository.git(["update-ref", "-d", "refs/heads/main"]);
    const rewritten = repository.commit({ "shop.yaml": project("shop", "    description: rewritten") });
    expect((await world.sync("platform")).status?.appliedRevision).toBe(`main@sha1:${rewritten}`);
  });

  test("is read again after the clone was damaged", async () => {
    repository.commit({ "shop.yaml": project("shop") });
    await world.source("platform", { git: { url: repository.url } });
    await world.sync("platform");
    await rm(join(commands[0]?.cwd ?? "", "objects"), { recursive: true });
    repository.commit({ "blog.yaml": project("blog") });
    await world.until(
      async () => (await world.sync("platform"), (await world.find("Project", "blog")) !== undefined),
    );
  });

  test("may change its folder without a new commit", async () => {
    repository.commit({
      "a/shop.yaml": project("shop"),
      "b/shop.yaml": project("shop"),
      "b/blog.yaml": project("blog"),
    });
    await world.source("platform", { git: { url: repository.url }, path: "a" });
    await world.sync("platform");
    await world.source("platform", { git: { url: repository.url }, path: "b/" });
    await world.sync("platform");
    expect(await world.names("Project")).toEqual(["blog", "shop"]);
  });

  test("whose folder changes at the same commit prunes no more than the guard allows, whatever was pruned before", async () => {
    repository.commit({ ...manifests(12), "one/p1.yaml": "# p1" });
    await world.source("platform", { git: { url: repository.url } });
    await world.sync("platform");
    repository.commit({ "p0.yaml": null, "p1.yaml": null, "one/p1.yaml": project("p1") });
    await world.sync("platform");
    expect(await world.names("Project")).toHaveLength(11);
    await world.source("platform", { git: { url: repository.url }, path: "one" });
    const held = await world.sync("platform");
    expect(conditionOf(held, "Stalled")).toMatchObject({
      status: "True",
      reason: "ConfirmationRequired",
      message: expect.stringContaining("10 of 11 objects"),
    });
    expect(await world.names("Project")).toHaveLength(11);
    await world.annotate("Source", "platform", {
      "flaresmith.dev/confirm-prune": consentOf(held),
    });
    await world.until(async () => (await world.names("Project")).length === 1);
    expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
  });

  test("takes no consent that was given to something else at the same commit, after a restart neither", async () => {
    const { directory } = world;
    const first = await createSourceWorld({ directory });
    repository.commit({ ...manifests(15), "one/p5.yaml": "# p5" });
    await first.source("platform", { git: { url: repository.url } });
    await first.sync("platform");
    const gone = Object.fromEntries(Object.keys(manifests(6)).map((path) => [path, null]));
    const commit = repository.commit({ ...gone, "one/p5.yaml": project("p5") });
    const consent = consentOf(await first.sync("platform"));
    await first.annotate("Source", "platform", { "flaresmith.dev/confirm-prune": consent });
    await first.until(async () => (await first.names("Project")).length === 10);
    await first.stop();
    const again = await createSourceWorld({ store: first.store, directory });
    const folder = { git: { url: repository.url }, path: "one" };
    for (const annotation of [consent, `main@sha1:${commit}`]) {
      await again.source("platform", folder, { "flaresmith.dev/confirm-prune": annotation });
      expect(conditionOf(await again.sync("platform"), "Stalled")).toMatchObject({
        status: "True",
        reason: "ConfirmationRequired",
        message: expect.stringContaining("9 of 10 objects"),
      });
      expect(await again.names("Project")).toHaveLength(10);
    }
    await again.stop();
  });

  test("with links, submodules and odd names reads the rest, names each, and prunes nothing", async () => {
    repository.commit({ "old.yaml": project("old"), "shop.yaml": project("shop") });
    await world.source("platform", { git: { url: repository.url } });
    await world.sync("platform");
    const blob = repository.blob(project("shop"));
    const link = repository.blob("/etc/passwd");
    const folder = repository.git(["mktree"], `100644 blob ${blob}\tevil.yaml\n`);
    repository.commitTree([
      { mode: "040000", type: "tree", id: folder, name: ".." },
      { mode: "040000", type: "tree", id: folder, name: ".GIT" },
      { mode: "100644", type: "blob", id: blob, name: "a\nb.yaml" },
      { mode: "100644", type: "blob", id: blob, name: Buffer.from([0x62, 0xff, 0x2e, 0x79, 0x6d, 0x6c]) },
      { mode: "100644", type: "blob", id: blob, name: `c${"x".repeat(5000)}.yaml` },
      { mode: "120000", type: "blob", id: link, name: "link.yaml" },
      { mode: "100644", type: "blob", id: blob, name: "shop.yaml" },
      { mode: "160000", type: "commit", id: "0123456789012345678901234567890123456789", name: "sub" },
    ]);
    const source = await world.sync("platform");
    expect(
      source.status?.errors?.map(({ file, message }) => `${file.slice(0, 12)}: ${message.split(";")[0]}`),
    ).toEqual([
      '../evil.yaml: a path may not contain ".."',
      '.GIT/evil.ya: a path may not contain ".GIT"',
      "a\uFFFDb.yaml: the path contains control characters",
      expect.stringContaining("the path is not UTF-8"),
      "cxxxxxxxxxxx: the path is longer than 4096 bytes",
      "link.yaml: symbolic links are not followed",
      "sub: submodules are not read",
    ]);
    expect(await world.names("Project")).toEqual(["old", "shop"]);
    expect(JSON.stringify(source)).not.toContain("root:");
  });

  test("with a file beyond the limit says so", async () => {
    repository.commit({ "big.yaml": `# ${"x".repeat(600 * 1024)}\n`, "shop.yaml": project("shop") });
    await world.source("platform", { git: { url: repository.url } });
    const source = await world.sync("platform");
    expect(source.status?.errors).toEqual([
      { file: "big.yaml", message: expect.stringContaining("larger than 512 KiB") },
    ]);
    expect(await world.names("Project")).toEqual(["shop"]);
  });
});

describe("what cannot be read names the field and the remedy, and nothing goes", () => {
  const cases: [string, (repo: TestRepository) => Record<string, unknown>, string, RegExp][] = [
    [
      "a missing branch",
      (repo) => ({ git: { url: repo.url, branch: "gone" } }),
      "SourceNotReadable",
      /spec\.git\.branch: there is no branch gone .*Push the branch/,
    ],
    [
      "a missing folder",
      (repo) => ({ git: { url: repo.url }, path: "gone" }),
      "SourceNotReadable",
      /there is no folder "gone".*spec\.path/,
    ],
    [
      "a folder outside",
      (repo) => ({ git: { url: repo.url }, path: "a/../.." }),
      "SourceNotReadable",
      /may not contain '\.\.'/,
    ],
    [
      "no repository",
      (repo) => ({ git: { url: repo.url.replace("/repo.git", "") } }),
      "SourceNotReadable",
      /there is no git repository at/,
    ],
    [
      "a forbidden directory",
      () => ({ git: { url: "file:///etc" } }),
      "SourceNotReadable",
      /--allow-directory/,
    ],
    [
      "credentials in the URL",
      () => ({ git: { url: "https://user:hunter22@example.com/x.git" } }),
      "SourceNotReadable",
      /name a Secret/,
    ],
    ["a silent host", () => ({ git: { url: "https://127.0.0.1:1/x.git" } }), "GitFailed", /does not answer/],
    [
      "an odd branch",
      (repo) => ({ git: { url: repo.url, branch: "a..b" } }),
      "SourceNotReadable",
      /is not a name of a branch/,
    ],
    [
      "a missing Secret",
      () => ({ git: { url: "https://127.0.0.1:1/x.git", secretRef: { name: "gone" } } }),
      "SecretNotFound",
      /the Secret gone does not exist/,
    ],
    [
      "a host and user with dashes, without a key",
      () => ({ git: { url: "deploy-bot@git-host.example:acme/x.git" } }),
      "SecretNotFound",
      /sshPrivateKey and knownHosts/,
    ],
    [
      "ssh without a key",
      () => ({ git: { url: "git@127.0.0.1:x.git" } }),
      "SecretNotFound",
      /sshPrivateKey and knownHosts/,
    ],
  ];
  test.each(cases)("%s", async (_name, spec, reason, message) => {
    repository.commit({ "shop.yaml": project("shop") });
    await world.source("platform", { git: { url: repository.url } });
    await world.sync("platform");
    await world.source("platform", { git: null, ...spec(repository) });
    const source = await world.sync("platform");
    expect(conditionOf(source, "Ready")).toMatchObject({ status: "False", reason });
    expect(conditionOf(source, "Ready")?.message).toMatch(message);
    expect(await world.names("Project")).toEqual(["shop"]);
    expect(JSON.stringify(source.status)).not.toContain("hunter22");
  });
});

describe("over https", () => {
  let server: HttpsServer;
  beforeEach(async () => {
    server = await httpsServer((request, response) => {
      const url = new URL(request.url ?? "/", "https://127.0.0.1");
      const expected = `Basic ${Buffer.from("x-access-token:hunter22-token").toString("base64")}`;
      if (url.pathname.startsWith("/moved")) {
        response.writeHead(301, { location: `https://localhost:1${url.pathname}${url.search}` }).end();
      } else if (request.headers.authorization === expected) serveGit(world.directory, request, response);
      else response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
    });
    await world.stop();
    await start({ GIT_SSL_CAINFO: server.authorityFile });
  });
  afterEach(() => server.close());
  const secret = (token: string): Promise<unknown> =>
    world.store.apply(
      typeOf("Secret"),
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "git", namespace: "default" },
        stringData: { token },
      },
      { fieldManager: "kubectl", force: true },
    );

  test("the token goes in the environment alone; without a good one the condition says so; redirects are not followed", async () => {
    repository.commit({ "shop.yaml": project("shop") });
    await secret("hunter22-token");
    await world.source("platform", { git: { url: `${server.origin}/repo.git`, secretRef: { name: "git" } } });
    expect(conditionOf(await world.sync("platform"), "Ready")).toMatchObject({ status: "True" });
    const encoded = Buffer.from("x-access-token:hunter22-token").toString("base64");
    for (const { args, cwd } of commands)
      expect(JSON.stringify([args, cwd])).not.toMatch(new RegExp(`hunter22|${encoded}`));
    await secret("hunter22-wrong");
    const refused = await world.sync("platform");
    expect(conditionOf(refused, "Ready")).toMatchObject({
      status: "False",
      reason: "GitAuthenticationFailed",
    });
    expect(JSON.stringify(refused)).not.toContain("hunter22");
    await world.source("platform", {
      git: { url: `${server.origin}/moved/repo.git`, secretRef: { name: "git" } },
    });
    expect(conditionOf(await world.sync("platform"), "Ready")?.message).toContain(
      "redirects elsewhere, which is not followed",
    );
    expect(await world.names("Project")).toEqual(["shop"]);
  });
});
