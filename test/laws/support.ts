/** What the tests of the engine's laws share: what exists at the providers, breakages, and controllers that die at a moment. */
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import type { EmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { FaultRule } from "../../sandbox/core/faults.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { conditionOf, createWorld, typeOf } from "../support/world.ts";
import type { World, WorldOptions } from "../support/world.ts";

export type Provider = "github" | "neon" | "cloudflare";
export const providers: readonly Provider[] = ["github", "neon", "cloudflare"];
export const syncedOf: Readonly<Record<Provider, string>> = Object.freeze({
  github: "GitHubSynced",
  neon: "NeonSynced",
  cloudflare: "CloudflareSynced",
});
export const ownKinds = ["Connection", "Project", "Environment", "Preview"] as const;

interface GitHubRepository {
  id: number;
  owner: string;
  name: string;
  isTemplate: boolean;
  topics: string[];
  description: string | null;
  branches: Record<string, string>;
  files: Record<string, string>;
  variables: Record<string, string>;
  secrets: Record<string, string>;
  hooks: { id: number }[];
  rulesets: { id: number; name: string }[];
  environments: {
    id: number;
    name: string;
    variables: Record<string, string>;
    secrets: Record<string, string>;
  }[];
}
interface NeonProject {
  id: string;
  name: string;
  deletedAt?: number;
  branches: {
    id: string;
    name: string;
    expiresAt?: number;
    /** Neon keeps what is deleted for a week; for its users it is gone. */
    deletedAt?: number;
    annotations: Record<string, string>;
    databases: { name: string }[];
    roles: { name: string; password?: string }[];
  }[];
}
interface CloudflareAccount {
  id: string;
  scripts: {
    id: string;
    name: string;
    tags: string[];
    secrets: Record<string, string>;
    bindings: { name: string; type: string; text?: string }[];
    schedules: unknown[];
    previews: { id: string; name: string; secrets: Record<string, string> }[];
  }[];
  kv: { id: string; title: string }[];
  r2: { name: string }[];
  domains: { hostname: string }[];
}

/** The sandbox's own words on what exists. */
export interface External {
  github: { repositories: GitHubRepository[] };
  neon: { projects: NeonProject[] };
  cloudflare: {
    accounts: CloudflareAccount[];
    zones: { id: string; name: string; routes: { id: string; pattern: string }[] }[];
  };
}

export function external(sandbox: Sandbox): External {
  const neon = sandbox.neon.state() as External["neon"];
  const projects = neon.projects
    .filter((project) => project.deletedAt === undefined)
    .map((project) => ({
      ...project,
      branches: project.branches.filter((branch) => branch.deletedAt === undefined),
    }));
  return {
    github: sandbox.github.state() as External["github"],
    neon: { projects },
    cloudflare: sandbox.cloudflare.state() as External["cloudflare"],
  };
}

function githubThings({ repositories }: External["github"]): [string, string | number][] {
  return repositories
    .filter((repository) => !repository.isTemplate)
    .flatMap((repository): [string, string | number][] => {
      const name = `github ${repository.owner}/${repository.name}`;
      const named = (kind: string, names: Iterable<string>): [string, string][] =>
        [...names].map((one): [string, string] => [`${name} ${kind} ${one}`, ""]);
      return [
        [name, repository.id],
        ...named("branch", Object.keys(repository.branches)),
        ...named("variable", Object.keys(repository.variables)),
        ...named("secret", Object.keys(repository.secrets)),
        ...repository.hooks.map((hook): [string, number] => [`${name} hook`, hook.id]),
        ...repository.rulesets.map((one): [string, number] => [`${name} ruleset ${one.name}`, one.id]),
        ...repository.environments.flatMap((one): [string, string | number][] => [
          [`${name} environment ${one.name}`, one.id],
          ...named(`environment ${one.name} variable`, Object.keys(one.variables)),
          ...named(`environment ${one.name} secret`, Object.keys(one.secrets)),
        ]),
      ];
    });
}

function neonThings({ projects }: External["neon"]): [string, string][] {
  return projects.flatMap((project): [string, string][] => [
    [`neon ${project.name}`, project.id],
    ...project.branches.flatMap((branch): [string, string][] => [
      [`neon ${project.name} branch ${branch.name}`, branch.id],
      ...branch.databases.map((one): [string, string] => [
        `neon ${project.name} branch ${branch.name} database ${one.name}`,
        "",
      ]),
    ]),
  ]);
}

function cloudflareThings({ accounts, zones }: External["cloudflare"]): [string, string][] {
  return [
    ...accounts.flatMap((account): [string, string][] => [
      ...account.scripts.flatMap((script): [string, string][] => [
        [`cloudflare worker ${script.name}`, script.id],
        ...script.previews.map((one): [string, string] => [
          `cloudflare worker ${script.name} preview ${one.name}`,
          one.id,
        ]),
      ]),
      ...account.kv.map((one): [string, string] => [`cloudflare kv ${one.title}`, one.id]),
      ...account.r2.map((one): [string, string] => [`cloudflare r2 ${one.name}`, ""]),
      ...account.domains.map((one): [string, string] => [`cloudflare domain ${one.hostname}`, ""]),
    ]),
    ...zones.flatMap((zone) =>
      zone.routes.map((one): [string, string] => [`cloudflare route ${one.pattern}`, one.id]),
    ),
  ];
}

function allThings(sandbox: Sandbox): [string, string | number][] {
  const { cloudflare, github, neon } = external(sandbox);
  return [...githubThings(github), ...neonThings(neon), ...cloudflareThings(cloudflare)];
}

/** Everything that exists at the providers, by name: what is there twice is listed twice. The template is left out. */
export function names(sandbox: Sandbox, provider: Provider | "" = ""): string[] {
  return allThings(sandbox)
    .map(([name]) => name)
    .filter((name) => name.startsWith(provider))
    .sort();
}

/** The same with ids, so that something deleted and made anew is seen. */
export function identities(sandbox: Sandbox, provider: Provider | "" = ""): string[] {
  return allThings(sandbox)
    .map(([name, id]) => `${name} #${id}`)
    .filter((name) => name.startsWith(provider))
    .sort();
}

/** The routes that resources are read and written by; who the credentials belong to is asked elsewhere. */
const resourcePaths: Readonly<Record<Provider, string>> = Object.freeze({
  github: "^/(repos|repositories|orgs|user/repos|installation/repositories)",
  neon: "^/api/v2/projects",
  cloudflare: "^/client/v4/(accounts/[^/]+/(workers|storage|r2)|zones)",
});

/** Answers that say nothing about what exists. */
export const breakages: Readonly<Record<string, Omit<FaultRule, "provider" | "path" | "method">>> =
  Object.freeze({
    "a 500": { status: 500, body: { message: "internal error" } },
    "a proxy's 503 in HTML": { status: 503, body: "<html><body>Service Unavailable</body></html>" },
    "a 429": { status: 429, headers: { "retry-after": "30" }, body: { message: "too many requests" } },
    "an HTML page on 200": { status: 200, body: "<!doctype html><title>Sign in</title>" },
    "JSON that breaks off": {
      status: 200,
      body: '[{"id": 1, "na',
      headers: { "content-type": "application/json" },
    },
    "an empty body on 200": { status: 200 },
    "a dropped connection": { drop: true },
    "a proxy's 404 in HTML": { status: 404, body: "<html><body>Not Found</body></html>" },
  });

/** Breaks every matching request of a provider until faults are cleared. */
export function breakProvider(
  { sandbox }: Pick<World, "sandbox">,
  provider: Provider,
  breakage: Omit<FaultRule, "provider">,
): void {
  sandbox.context.faults.add({ provider, path: resourcePaths[provider], times: 0, ...breakage });
}

export function heal({ sandbox }: Pick<World, "sandbox">): void {
  sandbox.context.faults.clear();
}

/** Asks for a deep pass over everything that exists. */
export async function requestAll(world: World): Promise<void> {
  for (const kind of ["Project", "Environment", "Preview"]) {
    for (const object of await world.list(kind)) {
      if (object.metadata.deletionTimestamp === undefined) await world.request(kind, object.metadata.name);
    }
  }
}

let seeds = 100;

/** Stops the controller and starts another on the same store and sandbox, with other randomness. */
export async function restart(world: World, options: WorldOptions = {}): Promise<World> {
  await world.stop();
  seeds += 1;
  const { sandbox, store, time } = world;
  return createWorld({ sandbox, store, time, seed: seeds, ...options });
}

/** Another controller on an empty store over the same providers. */
export async function freshStore(world: World, options: WorldOptions = {}): Promise<World> {
  await world.stop();
  seeds += 1;
  return createWorld({ sandbox: world.sandbox, time: world.time, seed: seeds, ...options });
}

const writing = new Set(["create", "update", "updateStatus", "apply", "patch", "patchStatus", "delete"]);
const never = (): Promise<never> => new Promise(() => undefined);

/** What a process has to do with the world, until it is killed: then nothing it does has any effect any more. */
export interface Mortal {
  sandbox: Sandbox;
  store: EmbeddedStore;
  readonly dead: boolean;
  kill(): void;
}

/**
 * Wraps sandbox and store for a controller that can be killed.
 * @param request called before and after each request; may kill, throw what the controller's network then throws, or
 * give the answer that comes instead of the provider's
 * @param write called before and after each write to the store; may kill, or throw what the store then throws
 */
export function mortal(
  world: Pick<World, "sandbox" | "store">,
  request: (moment: "before" | "after", request: Request, kill: () => void) => Response | undefined = () =>
    undefined,
  write: (moment: "before" | "after", call: string, kill: () => void, parameters: unknown[]) => void = () =>
    undefined,
): Mortal {
  const life = { dead: false };
  const kill = (): void => {
    life.dead = true;
  };
  const store = new Proxy(world.store, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      const call = (...parameters: unknown[]): unknown =>
        Reflect.apply(value as (...all: unknown[]) => unknown, target, parameters);
      if (!writing.has(String(property)))
        return (...parameters: unknown[]): unknown => (life.dead ? never() : call(...parameters));
      return async (...parameters: unknown[]): Promise<unknown> => {
        if (!life.dead) write("before", String(property), kill, parameters);
        if (life.dead) return never();
        const answer = await call(...parameters);
        write("after", String(property), kill, parameters);
        return life.dead ? never() : answer;
      };
    },
  });
  const sandbox: Sandbox = {
    ...world.sandbox,
    fetch: async (input, init) => {
      const given = new Request(input, init);
      if (!life.dead) request("before", given, kill);
      if (life.dead) return never();
      const response = await world.sandbox.fetch(given);
      const other = request("after", given, kill);
      return life.dead ? never() : (other ?? response);
    },
  };
  return {
    sandbox,
    store,
    kill,
    get dead() {
      return life.dead;
    },
  };
}

/** A store with working Connections, and no controller on it. */
export async function connectedStore(options: WorldOptions = {}): Promise<World> {
  const world = await createWorld(options);
  await world.settle();
  await world.stop();
  return world;
}

/** Every object whose Ready is not True, with what it says: empty when all is well. */
export async function unready(world: World): Promise<string[]> {
  const objects = (await Promise.all(ownKinds.map((kind) => world.list(kind)))).flat();
  return objects
    .filter((object) => conditionOf(object, "Ready")?.status !== "True")
    .map((object) => `${object.kind} ${object.metadata.name}: ${conditionText(object, "Ready")}`);
}

export function conditionText(object: KubernetesObject, type: string): string {
  const condition = conditionOf(object, type);
  return condition === undefined ? "" : `${condition.status} ${condition.reason} ${condition.message}`;
}

/** resourceVersion of every object of a kind, by name. */
export async function versions(world: World, kinds: readonly string[]): Promise<Record<string, string>> {
  const objects = (await Promise.all(kinds.map((kind) => world.list(kind)))).flat();
  return Object.fromEntries(
    objects.map(
      ({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.resourceVersion ?? ""] as const,
    ),
  );
}

/** A request that somebody else makes with the credentials of the sandbox. @throws Error when it is refused */
export async function asSomeoneElse(
  { sandbox }: Pick<World, "sandbox">,
  provider: Provider,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await sandbox.fetch(`${sandbox.urls[provider]}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${sandbox.seed[provider].token}`,
      "content-type": "application/json",
      "user-agent": "someone-else",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/** Lets time go on until the predicate holds, without looking into the store. @throws Error after 20 minutes of virtual time */
export async function runUntil({ time }: Pick<World, "time">, predicate: () => boolean): Promise<void> {
  const end = time.now() + 1_200_000;
  for (;;) {
    await time.drain();
    if (predicate()) return;
    if (!time.step(end - time.now())) throw new Error("it did not come to that within 20 minutes");
  }
}

/** Sets `spec.interval` of everything there is, so that long times are quick to live through. */
export async function lookEvery(world: World, interval: string): Promise<void> {
  for (const kind of ownKinds) {
    for (const { metadata } of await world.list(kind)) {
      const key = { namespace: "default", name: metadata.name };
      const patch = { type: "merge" as const, body: { spec: { interval } } };
      await world.store.patch(typeOf(kind), key, patch, { fieldManager: "kubectl" });
    }
  }
}
