import { describe, expect, it } from "vitest";
import { bench, PUBLIC_URL, TOKEN } from "../../sandbox/github/testing.ts";
import { seededRandom, virtualClock } from "../../controller/runtime/adapters/virtual.ts";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { converge } from "../engine/converge.ts";
import { input, lookup, resource } from "../engine/graph.ts";
import type { ConnectionHandle, GraphNode, Inputs } from "../engine/graph.ts";
import { createObjectMemory } from "../engine/memory.ts";
import { createObservationSource } from "../engine/observation-source.ts";
import { witnessKey } from "../engine/witness.ts";
import type { InventoryEntry } from "../engine/resource.ts";
import { createGitHubClient } from "./client.ts";
import type { GitHubClient } from "./client.ts";
import { environment } from "./environment.ts";
import { gitBranch } from "./git-branch.ts";
import { revision } from "./heads.ts";
import { repository } from "./repository.ts";
import { ruleset } from "./ruleset.ts";
import { secrets } from "./secrets.ts";
import { seedFiles } from "./seed-files.ts";
import { variables } from "./variables.ts";
import { webhook } from "./webhook.ts";

const secret = secretValues("key");
const names = ["dev", "staging", "prod"];

/** One object over everything GitHub has here, driven by the engine's own passes. */
function set(template?: { owner: string; repository: string }, adopt: readonly string[] = []) {
  const world = bench();
  const clock = virtualClock(world.context.clock.now());
  world.github.seedRepository({
    owner: "acme",
    name: "starter",
    isTemplate: true,
    files: { "README.md": "# Start" },
  });
  const client = createGitHubClient({
    endpoint: PUBLIC_URL,
    credentials: { token: TOKEN },
    clock,
    userAgent: "flaresmith-test",
    fetch: (address, init) => world.github.fetch(new Request(address, { ...init, redirect: "manual" })),
  });
  const connection: ConnectionHandle<GitHubClient> = {
    key: "default/github",
    provider: "github",
    account: "acme",
    client,
    source: createObservationSource(clock),
    witnessKey: witnessKey("credential"),
  };
  const common = { connection, key: "k", removal: "Delete" as const };
  const full = (inputs: Inputs): string => input(inputs, "repo", "fullName");
  const node = { ...common, parent: { slot: "repo" } };
  const nodes: GraphNode[] = [
    resource({
      ...common,
      slot: "repo",
      definition: repository,
      desired: () => ({
        owner: "acme",
        name: "shop",
        template,
        description: "Shop",
        topics: ["shop"],
        defaultBranch: "main",
        settings: { hasWiki: false },
      }),
    }),
    resource({
      ...node,
      slot: "files",
      definition: seedFiles,
      desired: (inputs) => ({
        repository: full(inputs),
        branch: "main",
        files: [
          { path: "docs/a.md", content: "a" },
          { path: "README.md", content: "ours" },
        ],
      }),
    }),
    resource({
      ...node,
      slot: "hook",
      definition: webhook,
      desired: (inputs) => ({
        repository: full(inputs),
        url: "https://hooks.example/x",
        secret: secret("hook"),
        events: ["push"],
      }),
    }),
    resource({
      ...node,
      slot: "variables",
      definition: variables,
      desired: (inputs) => ({ repository: full(inputs), values: { A: "1" } }),
    }),
    resource({
      ...node,
      slot: "secrets",
      definition: secrets,
      desired: (inputs) => ({ repository: full(inputs), values: { S: secret("s") } }),
    }),
    resource({
      ...node,
      slot: "ruleset",
      needs: ["files"],
      definition: ruleset,
      desired: (inputs) => ({
        repository: full(inputs),
        ruleset: {
          name: "main",
          target: "Branch" as const,
          enforcement: "Active" as const,
          include: ["~DEFAULT_BRANCH"],
          rules: { update: true },
        },
      }),
    }),
    ...names.flatMap((name): GraphNode[] => [
      resource({
        ...node,
        slot: `branch/${name}`,
        needs: ["files"],
        definition: gitBranch,
        desired: (inputs) => ({ repository: full(inputs), name: `env/${name}`, from: "main" }),
      }),
      lookup({
        slot: `revision/${name}`,
        connection,
        needs: ["repo", `branch/${name}`],
        definition: revision,
        input: (inputs) => ({ repository: full(inputs), branch: `env/${name}` }),
      }),
      resource({
        ...node,
        slot: `environment/${name}`,
        definition: environment,
        desired: (inputs) => ({
          repository: full(inputs),
          name,
          waitTimer: 5,
          branchPolicies: { patterns: [`env/${name}`] },
        }),
      }),
      resource({
        ...common,
        slot: `variables/${name}`,
        needs: ["repo"],
        parent: { slot: `environment/${name}` },
        definition: variables,
        desired: (inputs) => ({ repository: full(inputs), environment: name, values: { STAGE: name } }),
      }),
      resource({
        ...common,
        slot: `secrets/${name}`,
        needs: ["repo"],
        parent: { slot: `environment/${name}` },
        definition: secrets,
        desired: (inputs) => ({
          repository: full(inputs),
          environment: name,
          values: { TOKEN: secret(name) },
        }),
      }),
    ]),
  ];
  const lost = () => ({ inventory: new Map<string, InventoryEntry>(), memory: createObjectMemory() });
  let state = lost();
  let persisted = 0;
  const pass = async (requested = false) => {
    world.advance(2000);
    await clock.advance(2000);
    const before = world.context.journal.last();
    const results = await converge({
      nodes,
      ...state,
      marker: { installation: "inst", namespace: "default", kind: "Project", name: "shop" },
      consents: { adopt: new Set(adopt), confirm: new Set(), gone: new Set() },
      drift: "Correct",
      freshness: 1000,
      deepInterval: 6 * 3_600_000,
      requested,
      trust: 0,
      persist: async () => void (persisted += 1),
      confirm: () => Promise.resolve(),
      clock,
      random: seededRandom(persisted + 1),
      tracker: { event: () => undefined, drift: () => undefined, state: () => undefined },
      signal: new AbortController().signal,
    });
    const writes = world.context.journal.since(before).filter((entry) => entry.method !== "GET");
    return {
      open: results.filter((result) => result.status !== "ready"),
      writes: writes.map((entry) => `${entry.method} ${entry.path}`),
    };
  };
  const ready = async (): Promise<void> => {
    for (let count = 0; count < 40; count += 1) if ((await pass()).open.length === 0) return;
    throw new Error(`not ready after 40 passes: ${JSON.stringify((await pass()).open)}`);
  };
  return { world, pass, ready, lose: () => void (state = lost()) };
}

const environmentsAndRefs = (state: unknown): string => JSON.stringify(state);

describe.each([
  ["plain", undefined],
  ["from a template", { owner: "acme", repository: "starter" }],
])("a %s repository with everything around it", (_name, template) => {
  it("becomes ready, and a second look, shallow or deep, writes nothing", async () => {
    const { pass, ready } = set(template);
    await ready();
    expect(await pass()).toEqual({ open: [], writes: [] });
    expect(await pass(true)).toEqual({ open: [], writes: [] });
  });

  it("is recognised without the inventory: only secrets are written once more", async () => {
    const { pass, ready, lose, world } = set(template);
    await ready();
    lose();
    const written: string[] = [];
    for (let count = 0; count < 30; count += 1) written.push(...(await pass()).writes);
    expect((await pass()).open).toEqual([]);
    expect(written.filter((line) => !/\/secrets\/|PATCH .*\/hooks\//.test(line))).toEqual([]);
    expect(new Set(written).size).toBe(written.length);
    expect(environmentsAndRefs(world.github.state())).toContain("ours");
  });

  it("becomes ready once although answers get lost on the way", async () => {
    const { ready, pass, world } = set(template);
    world.context.faults.add({ when: "after", drop: true, probability: 0.15, times: 0 });
    for (let count = 0; count < 30; count += 1) await pass();
    world.context.faults.clear();
    await ready();
    expect(await pass()).toEqual({ open: [], writes: [] });
    const { json } = await world.send("GET", "/orgs/acme/repos");
    expect(json).toHaveLength(2);
  });

  it("becomes ready once although reads lag behind writes", async () => {
    const { ready, pass, world } = set(template);
    world.context.faults.setLag({ provider: "github", resource: "*", milliseconds: 5000 });
    const written: string[] = [];
    for (let count = 0; count < 60; count += 1) written.push(...(await pass()).writes);
    await ready();
    expect(await pass()).toEqual({ open: [], writes: [] });
    expect(written.filter((line) => line.startsWith("POST") && !line.includes("/git/"))).toEqual(
      [...new Set(written)].filter((line) => line.startsWith("POST") && !line.includes("/git/")),
    );
  });
});

describe("a repository that was adopted", () => {
  it("keeps the files of its first commit, and gets those that it never had", async () => {
    const { ready, world } = set(undefined, ["repo"]);
    world.github.seedRepository({ owner: "acme", name: "shop", files: { "README.md": "theirs" } });
    await ready();
    const file = async (path: string): Promise<string> => {
      const { json } = await world.send("GET", `/repos/acme/shop/contents/${path}`);
      return Buffer.from(String(json["content"]), "base64").toString();
    };
    expect([await file("README.md"), await file("docs/a.md")]).toEqual(["theirs", "a"]);
  });
});
