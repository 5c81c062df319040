import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuthority, createServerCertificate } from "../runtime/adapters/certificates.ts";
import { createGitRunner } from "../runtime/adapters/run-git.ts";
import type { GitCommand } from "../runtime/adapters/run-git.ts";
import { systemClock } from "../runtime/adapters/system.ts";
import { createRepository } from "../../test/support/git-repository.ts";
import type { TestRepository } from "../../test/support/git-repository.ts";
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
  let server: Server;
  let origin: string;
  let certificates: string;
  beforeEach(async () => {
    const now = 1_767_225_600_000;
    const authority = await createAuthority({
      commonName: "Test authority",
      notBefore: now - 86_400_000 * 400,
      notAfter: now + 86_400_000 * 4000,
      serial: "01",
    });
    const leaf = await createServerCertificate(authority, {
      commonName: "127.0.0.1",
      names: ["127.0.0.1"],
      notBefore: now - 86_400_000 * 400,
      notAfter: now + 86_400_000 * 4000,
      serial: "02",
    });
    server = createServer({ cert: leaf.certificate, key: leaf.privateKey }, (request, response) => {
      const url = new URL(request.url ?? "/", "https://127.0.0.1");
      if (url.pathname.startsWith("/moved")) {
        response.writeHead(301, { location: `https://localhost:1${url.pathname}${url.search}` }).end();
        return;
      }
      const expected = `Basic ${Buffer.from("x-access-token:hunter22-token").toString("base64")}`;
      if (request.headers.authorization !== expected) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
        return;
      }
      const backend = spawn("git", ["http-backend"], {
        env: {
          PATH: process.env["PATH"],
          GIT_PROJECT_ROOT: world.directory,
          GIT_HTTP_EXPORT_ALL: "1",
          PATH_INFO: url.pathname,
          QUERY_STRING: url.search.slice(1),
          REQUEST_METHOD: request.method,
          CONTENT_TYPE: request.headers["content-type"] ?? "",
          HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
          GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
        },
      });
      request.pipe(backend.stdin);
      const chunks: Buffer[] = [];
      backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
      backend.on("close", () => {
        const all = Buffer.concat(chunks);
        const end = all.indexOf("\r\n\r\n");
        for (const line of all.subarray(0, end).toString().split("\r\n")) {
          const colon = line.indexOf(":");
          if (line.startsWith("Status"))
            response.statusCode = Number(
              line
                .slice(colon + 1)
                .trim()
                .slice(0, 3),
            );
          else response.setHeader(line.slice(0, colon), line.slice(colon + 1).trim());
        }
        response.end(all.subarray(end + 4));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    certificates = await mkdtemp(join(tmpdir(), "source-ca-"));
    await writeFile(join(certificates, "ca.pem"), authority.certificate);
    await world.stop();
    await start({ GIT_SSL_CAINFO: join(certificates, "ca.pem") });
  });
  afterEach(async () => {
    await rm(certificates, { recursive: true });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
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
    await world.source("platform", { git: { url: `${origin}/repo.git`, secretRef: { name: "git" } } });
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
    await world.source("platform", { git: { url: `${origin}/moved/repo.git`, secretRef: { name: "git" } } });
    expect(conditionOf(await world.sync("platform"), "Ready")?.message).toContain(
      "redirects elsewhere, which is not followed",
    );
    expect(await world.names("Project")).toEqual(["shop"]);
  });
});
