/** Which repositories are found by their marks, and by whom: tokens and Apps see different lists. */
import { generateKeyPairSync } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { bench, PUBLIC_URL, TOKEN } from "../../sandbox/github/testing.ts";
import type { Bench } from "../../sandbox/github/testing.ts";
import { createMarker } from "../engine/marker.ts";
import type { ListingContext, MarkedResource } from "../engine/resource.ts";
import type { GitHubClient, GitHubCredentials } from "./client.ts";
import { repository } from "./repository.ts";
import { harnessOn } from "./test-context.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const marker = createMarker(
  { installation: "test", namespace: "default", kind: "Project", name: "shop", slot: "githubRepo" },
  "n0nce",
);

let world: Bench;

beforeEach(() => {
  world = bench();
  world.github.seedRepository({ owner: "acme", name: "new", description: marker.text });
  world.github.seedRepository({
    owner: "acme",
    name: "configured",
    topics: ["web", `flaresmith-${marker.hash}`],
  });
  world.github.seedRepository({ owner: "acme", name: "plain", description: "Nobody's", topics: ["web"] });
});

function app(repositories: "all" | string[]): GitHubCredentials {
  const { appId, installationIds } = world.github.registerApp({
    slug: "smith",
    owner: "acme",
    publicKey,
    permissions: { administration: "write", metadata: "read" },
    installations: [{ account: "acme", repositories }],
  });
  return { appId, installationId: String(installationIds[0]), privateKey };
}

async function listed(
  credentials: GitHubCredentials,
): Promise<{ found: Record<string, readonly string[]>; notes: string[]; all: readonly MarkedResource[] }> {
  const { client } = harnessOn({
    fetch: (request) => world.github.fetch(request),
    endpoint: PUBLIC_URL,
    now: () => world.context.clock.now(),
    credentials,
  });
  const notes: string[] = [];
  const context: ListingContext<GitHubClient> = {
    client,
    account: "acme",
    signal: new AbortController().signal,
    shared: (_key, load) => load(),
    missed: (what, error) => {
      throw new Error(what, { cause: error });
    },
    note: (text) => void notes.push(text),
  };
  const all = (await repository.listMarked?.(context)) ?? [];
  return { all, notes, found: Object.fromEntries(all.map(({ marks, name }) => [name, marks])) };
}

test.each([
  ["a personal token", () => ({ token: TOKEN })],
  ["an App on all repositories", () => app("all")],
])(
  "%s finds the text of a new one's description and the hash of a configured one's topic",
  async (_, credentials) => {
    const { all, found } = await listed(credentials());
    expect(found).toEqual({ new: [marker.text], configured: [marker.hash] });
    for (const one of all) {
      expect(one.scope).toBe("acme");
      expect(one.createdAt).toBe(world.context.clock.now());
    }
  },
);

test("what may not be everything is said to be so", async () => {
  expect((await listed(app("all"))).notes).toEqual([]);
  const some = await listed(app(["new"]));
  expect(Object.keys(some.found)).toEqual(["new"]);
  expect(some.notes).toEqual(["the credentials of smith at GitHub may not see every repository of acme"]);
  expect((await listed({ token: TOKEN })).notes).toHaveLength(1);
});

test("a listing without topics is no listing without marks", async () => {
  world.context.faults.add({
    provider: "github",
    path: "^/user/repos",
    times: 1,
    status: 200,
    body: [{ id: 1, name: "new", full_name: "acme/new", owner: { login: "acme" }, description: null }],
  });
  await expect(listed({ token: TOKEN })).rejects.toMatchObject({ code: "INTEGRATION_RESPONSE_INVALID" });
});
