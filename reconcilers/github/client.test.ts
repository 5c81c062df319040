import { generateKeyPairSync } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { bench, PUBLIC_URL, TOKEN, type Bench } from "../../sandbox/github/testing.ts";
import { gitBranch } from "./git-branch.ts";
import { repository } from "./repository.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { Harness } from "./test-context.ts";
import type { GitHubCredentials } from "./client.ts";

const { publicKey, privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const all = { administration: "write", contents: "write", metadata: "read" } as const;
const { signal } = new AbortController();

let world: Bench;
const on = (credentials: GitHubCredentials, endpoint = PUBLIC_URL): Harness =>
  harnessOn({
    fetch: (request) => world.github.fetch(request),
    endpoint,
    now: () => world.context.clock.now(),
    credentials,
  });
const app = (repositories: "all" | string[] = "all"): GitHubCredentials => {
  const { appId, installationIds } = world.github.registerApp({
    slug: "smith",
    owner: "acme",
    publicKey,
    permissions: all,
    installations: [{ account: "acme", repositories }],
  });
  return { appId, installationId: String(installationIds[0]), privateKey };
};
const desired = { owner: "acme", name: "shop" };
const mints = (): number =>
  world.context.journal.since(0).filter((entry) => entry.path.endsWith("/access_tokens")).length;

beforeEach(() => {
  world = bench();
});

describe("a personal token", () => {
  it("stands for its user, and never proves that something is gone", async () => {
    expect(await on({ token: TOKEN }).client.identity(signal)).toMatchObject({
      kind: "user",
      name: "ada",
      account: { login: "ada", type: "User" },
      completeListing: false,
    });
  });

  it("that is wrong is an error that says where to put a right one", async () => {
    await expect(on({ token: "wrong" }).client.identity(signal)).rejects.toMatchObject({
      code: "INTEGRATION_CREDENTIALS_INVALID",
      class: "auth",
      hint: expect.stringContaining("secretRef"),
    });
  });

  it("of a user makes repositories of that user, and only of that user", async () => {
    world.github.addToken({ token: "mine", owner: "ada" });
    const harness = on({ token: "mine" });
    const slot = slotOf(harness, repository);
    await slot.create({ owner: "ada", name: "shop" });
    expect(await slot.observe({ owner: "ada", name: "shop" })).toMatchObject({ owner: "ours" });
    world.github.addAccount({ login: "bob", type: "User" });
    await expect(slotOf(harness, repository).create({ owner: "bob", name: "shop" })).rejects.toMatchObject({
      code: "INTEGRATION_PERMISSION_MISSING",
      field: "spec.github.owner",
    });
  });

  it("works under the path of GitHub Enterprise Server", async () => {
    expect(await on({ token: TOKEN }, `${PUBLIC_URL}/api/v3/`).client.identity(signal)).toMatchObject({
      name: "ada",
    });
  });
});

describe("a GitHub App", () => {
  it("stands for its installation and its permissions", async () => {
    expect(await on(app()).client.identity(signal)).toMatchObject({
      kind: "app",
      name: "smith",
      account: { login: "acme", type: "Organization" },
      completeListing: true,
      permissions: all,
    });
    expect(await on(app(["shop"])).client.identity(signal)).toMatchObject({ completeListing: false });
  });

  it("mints one token for all who ask at once, and a new one before the hour is over", async () => {
    const { client } = on(app());
    const call = () =>
      client.call({ what: "reading the organization", signal }, (request) =>
        request("GET /orgs/{org}", { org: "acme" }),
      );
    await Promise.all([call(), call(), call()]);
    expect(mints()).toBe(1);
    world.advance(50 * 60_000);
    await call();
    expect(mints()).toBe(1);
    world.advance(6 * 60_000);
    await call();
    expect(mints()).toBe(2);
  });

  it("whose token was revoked gets another, once, also for a write", async () => {
    const harness = on(app());
    await slotOf(harness, repository).observe(desired);
    const token = await harness.client.installation();
    world.github.revokeToken(token?.token ?? "");
    await slotOf(harness, repository).create(desired);
    expect(mints()).toBe(2);
    world.context.faults.add({
      path: "/repos/",
      status: 401,
      body: { message: "Bad credentials" },
      times: 0,
    });
    await expect(slotOf(harness, repository).observe(desired)).rejects.toMatchObject({
      code: "INTEGRATION_CREDENTIALS_INVALID",
    });
    expect(mints()).toBe(3);
  });

  it("with another App's key, a broken key, or an installation that is not its own is told so", async () => {
    const credentials = app() as { appId: number; installationId: string; privateKey: string };
    const other = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const invalid = { code: "INTEGRATION_CREDENTIALS_INVALID" };
    await expect(
      slotOf(on({ ...credentials, privateKey: other.privateKey }), repository).observe(desired),
    ).rejects.toMatchObject(invalid);
    await expect(
      slotOf(on({ ...credentials, installationId: 1 }), repository).observe(desired),
    ).rejects.toMatchObject(invalid);
    expect(() => on({ ...credentials, privateKey: "nonsense" })).toThrow(expect.objectContaining(invalid));
    expect(() => on({ ...credentials, privateKey: privateKey.replaceAll("\n", "\\n") })).not.toThrow();
  });

  it("that is suspended is told so", async () => {
    const credentials = app() as { installationId: string };
    world.github.suspendInstallation(Number(credentials.installationId), true);
    await expect(
      slotOf(on(credentials as GitHubCredentials), repository).observe(desired),
    ).rejects.toMatchObject({
      code: "INTEGRATION_CREDENTIALS_INVALID",
      hint: expect.stringContaining("Unsuspend"),
    });
  });

  it("with access to all repositories proves by its listing that one is gone", async () => {
    const harness = on(app());
    for (let index = 0; index < 120; index += 1)
      world.github.seedRepository({ owner: "acme", name: `other-${index}`, files: { a: "1" } });
    const slot = slotOf(harness, repository);
    await slot.create(desired);
    await slot.remove(desired);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
  });

  it("proves with it that what lay in the repository is gone too", async () => {
    const harness = on(app());
    const branches = slotOf(harness, gitBranch);
    const branch = { repository: "acme/shop", name: "dev", from: "main" };
    await slotOf(harness, repository).create(desired);
    await branches.create(branch);
    await world.send("DELETE", "/repos/acme/shop");
    expect(await branches.observe(branch)).toEqual({ state: "absent" });
  });

  it("whose listing breaks off proves nothing", async () => {
    const harness = on(app());
    const slot = slotOf(harness, repository);
    await slot.create(desired);
    await slot.remove(desired);
    world.context.faults.add({
      path: "/installation/repositories",
      status: 200,
      body: { total_count: 9, repository_selection: "all", repositories: [] },
    });
    await expect(slot.observe(desired)).rejects.toMatchObject({ code: "INTEGRATION_RESPONSE_INVALID" });
  });

  it("with access to chosen repositories does not", async () => {
    const harness = on(app(["another"]));
    const slot = slotOf(harness, repository);
    await slot.create(desired);
    await slot.remove(desired);
    expect(await slot.observe(desired)).toMatchObject({
      state: "unknown",
      error: { code: "INTEGRATION_REPOSITORY_NOT_VISIBLE" },
    });
  });
});

describe("a call", () => {
  it("that is aborted ends with the abort's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("shutting down");
    const harness = harnessOn({
      fetch: async () => {
        controller.abort(reason);
        throw new DOMException("This operation was aborted", "AbortError");
      },
      endpoint: PUBLIC_URL,
      now: () => 0,
      credentials: { token: TOKEN },
    });
    await expect(harness.client.identity(controller.signal)).rejects.toBe(reason);
  });

  it("passes on what the transport decided", async () => {
    const { FlaresmithError } = await import("../../controller/runtime/errors.ts");
    const open = new FlaresmithError({ code: "INTEGRATION_BREAKER_OPEN", message: "held back" });
    const harness = harnessOn({
      fetch: () => Promise.reject(open),
      endpoint: PUBLIC_URL,
      now: () => 0,
      credentials: { token: TOKEN },
    });
    await expect(harness.client.identity(signal)).rejects.toBe(open);
  });

  it("follows a redirect with method and credentials, but never to another host", async () => {
    const seen: string[] = [];
    const answer = (location: string) =>
      harnessOn({
        fetch: async (request) => {
          seen.push(`${request.method} ${request.url} ${request.headers.get("authorization")}`);
          return request.url.endsWith("/moved")
            ? new Response("{}", { headers: { "content-type": "application/json" } })
            : new Response(null, { status: 307, headers: { location } });
        },
        endpoint: PUBLIC_URL,
        now: () => 0,
        credentials: { token: "t" },
      }).client.call({ what: "changing a repository", signal, write: true }, (request) =>
        request("PATCH /repos/{owner}/{repo}", { owner: "a", repo: "b" }),
      );
    await answer("/moved");
    expect(seen).toEqual([`PATCH ${PUBLIC_URL}/repos/a/b Bearer t`, `PATCH ${PUBLIC_URL}/moved Bearer t`]);
    await expect(answer("https://evil.example/moved")).rejects.toMatchObject({
      code: "INTEGRATION_UNKNOWN_OUTCOME",
    });
    expect(seen).toHaveLength(3);
  });

  it.each<[string, boolean, string]>([
    ["a change may have been made", true, "INTEGRATION_UNKNOWN_OUTCOME"],
    ["a read says nothing", false, "INTEGRATION_RESPONSE_INVALID"],
  ])("that is answered with what GitHub does not document: %s", async (_, write, code) => {
    const answers = [
      new Response(null, { status: 303, headers: { location: "/elsewhere" } }),
      new Response("<html>", { status: 201, headers: { "content-type": "text/html" } }),
    ];
    for (const response of answers) {
      const { client } = harnessOn({
        fetch: () => Promise.resolve(response),
        endpoint: PUBLIC_URL,
        now: () => 0,
        credentials: { token: "t" },
      });
      const call = client.call({ what: "asking for it", signal, write }, (request) =>
        request("POST /user/repos", { name: "shop" }),
      );
      await expect(call).rejects.toMatchObject({ code });
    }
  });
});
