import type { SandboxContext } from "../core/provider.ts";
import type { Collection } from "../core/storage.ts";
import { laggingCollection, type LaggingCollection } from "./lagging-collection.ts";
import type {
  AccountRecord,
  AppRecord,
  BranchPolicyRecord,
  EnvironmentRecord,
  GitObjectRecord,
  HookRecord,
  InstallationRecord,
  KeyRecord,
  RefRecord,
  RepositoryRecord,
  RulesetRecord,
  SecretRecord,
  TeamRecord,
  TokenRecord,
  VariableRecord,
} from "./records.ts";

/** Phases of template generation, in milliseconds of the sandbox's clock. */
export interface GenerationDelays {
  /** From the 201 until the branches can be read. */
  refMs: number;
  /** From then until trees and commits can be built upon. */
  objectsMs: number;
  /** From the 201 until settings and environments can be written. */
  settingsMs: number;
}

/** A webhook on its way: what GitHub would POST. */
export interface WebhookDelivery {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** Everything this GitHub remembers; the only place that touches storage. */
export interface World {
  context: SandboxContext;
  /** Absolute URL of the root, without a trailing slash. */
  publicUrl: string;
  accounts: Collection<AccountRecord>;
  teams: Collection<TeamRecord>;
  tokens: Collection<TokenRecord>;
  apps: Collection<AppRecord>;
  installations: Collection<InstallationRecord>;
  /** Key: the numeric id. */
  repositories: LaggingCollection<RepositoryRecord>;
  /** Lower-case `owner/name` -> id; old names of renamed repositories stay as redirects. */
  names: Collection<number>;
  objects(repository: number): Collection<GitObjectRecord>;
  /** Key: the full name, `refs/heads/main`. */
  refs(repository: number): LaggingCollection<RefRecord>;
  /** Key: the lower-case name. */
  environments(repository: number): LaggingCollection<EnvironmentRecord>;
  branchPolicies(environment: number): LaggingCollection<BranchPolicyRecord>;
  /** Scope: `repository:<id>` or `environment:<id>`; key: the upper-case name. */
  variables(scope: string): LaggingCollection<VariableRecord>;
  secrets(scope: string): LaggingCollection<SecretRecord>;
  rulesets(repository: number): LaggingCollection<RulesetRecord>;
  hooks(repository: number): LaggingCollection<HookRecord>;
  keys: Collection<KeyRecord>;
  delays(): GenerationDelays;
  setDelays(delays: Partial<GenerationDelays>): void;
  /** A new id, never used before in this world. */
  nextId(): number;
  now(): number;
  /** How many changes were made so far; grows with every write to what clients can see. */
  changes(): number;
  noteChange(): void;
  deliver: ((delivery: WebhookDelivery) => void | Promise<void>) | undefined;
}

/** Small but not zero: a client that treats generation as one step fails at once instead of in production. */
const DEFAULT_DELAYS: GenerationDelays = Object.freeze({ refMs: 300, objectsMs: 300, settingsMs: 400 });

/** Opens the world that `context.storage` holds; an empty storage is an empty world. */
export function openWorld(options: {
  context: SandboxContext;
  publicUrl: string;
  deliver?: (delivery: WebhookDelivery) => void | Promise<void>;
}): World {
  const { context } = options;
  const meta = context.storage.collection<number>("github.meta");
  let changes = 0;
  const noteChange = (): void => {
    changes += 1;
  };
  const lagging = <Value>(name: string, resource: string): LaggingCollection<Value> =>
    laggingCollection<Value>({ context, name: `github.${name}`, resource, onChange: noteChange });
  const plain = <Value>(name: string): Collection<Value> =>
    context.storage.collection<Value>(`github.${name}`);
  const objects = (repository: number): Collection<GitObjectRecord> => plain(`objects.${repository}`);
  return {
    context,
    publicUrl: options.publicUrl.replace(/\/+$/, ""),
    accounts: plain("accounts"),
    teams: plain("teams"),
    tokens: plain("tokens"),
    apps: plain("apps"),
    installations: plain("installations"),
    repositories: lagging("repositories", "repository"),
    names: plain("names"),
    objects,
    refs: (repository) => lagging(`refs.${repository}`, "ref"),
    environments: (repository) => lagging(`environments.${repository}`, "environment"),
    branchPolicies: (environment) => lagging(`branch-policies.${environment}`, "branch-policy"),
    variables: (scope) => lagging(`variables.${scope}`, "variable"),
    secrets: (scope) => lagging(`secrets.${scope}`, "secret"),
    rulesets: (repository) => lagging(`rulesets.${repository}`, "ruleset"),
    hooks: (repository) => lagging(`hooks.${repository}`, "hook"),
    keys: plain("keys"),
    delays: () => ({
      refMs: meta.get("refMs") ?? DEFAULT_DELAYS.refMs,
      objectsMs: meta.get("objectsMs") ?? DEFAULT_DELAYS.objectsMs,
      settingsMs: meta.get("settingsMs") ?? DEFAULT_DELAYS.settingsMs,
    }),
    setDelays: (delays) => {
      for (const [name, value] of Object.entries(delays)) if (value !== undefined) meta.set(name, value);
    },
    nextId: () => {
      const id = (meta.get("lastId") ?? 600_000) + 1;
      meta.set("lastId", id);
      return id;
    },
    now: () => context.clock.now(),
    changes: () => changes,
    noteChange,
    deliver: options.deliver,
  };
}

/** Milliseconds since the epoch as GitHub writes a time: ISO 8601, whole seconds, `Z`. */
export function isoTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** The repository of that name or numeric id as the provider itself knows it, and whether the name is an old one. */
export function findRepository(
  world: World,
  owner: string,
  name: string,
): { repository: RepositoryRecord; renamed: boolean } | undefined {
  const wanted = `${owner}/${name}`.toLowerCase();
  const id = world.names.get(wanted);
  const repository = id === undefined ? undefined : world.repositories.latest(String(id));
  if (!repository) return undefined;
  return { repository, renamed: `${repository.owner}/${repository.name}`.toLowerCase() !== wanted };
}

/** Removes a repository with everything in it; its old names stop redirecting. */
export function removeRepository(world: World, id: number): void {
  // The record goes first: what a killed process leaves of the rest can no longer be reached.
  world.repositories.delete(String(id));
  for (const environment of world.environments(id).latestValues()) removeEnvironment(world, id, environment);
  for (const [name, target] of world.names.entries()) if (target === id) world.names.delete(name);
  for (const [sha] of world.objects(id).entries()) world.objects(id).delete(sha);
  world.refs(id).clear();
  world.variables(`repository:${id}`).clear();
  world.secrets(`repository:${id}`).clear();
  world.rulesets(id).clear();
  world.hooks(id).clear();
}

/** Removes an environment with its branch policies, variables and secrets. */
export function removeEnvironment(world: World, repository: number, environment: EnvironmentRecord): void {
  world.branchPolicies(environment.id).clear();
  world.variables(`environment:${environment.id}`).clear();
  world.secrets(`environment:${environment.id}`).clear();
  world.environments(repository).delete(environment.name.toLowerCase());
}
