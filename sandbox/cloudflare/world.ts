import type { SandboxContext } from "../core/provider.ts";
import type { Collection } from "../core/storage.ts";
import { failure } from "./envelope.ts";
import { laggedCollection } from "./lagged-collection.ts";
import type { LaggedCollection } from "./lagged-collection.ts";
import type {
  AccountOptions,
  AssetSession,
  CustomDomain,
  Deployment,
  KvNamespace,
  KvValue,
  Module,
  Preview,
  PreviewDeployment,
  R2Bucket,
  ResourceTags,
  Route,
  TokenOptions,
  Version,
  Worker,
  ZoneOptions,
} from "./model.ts";
import type { WorkersDataPlane } from "./workers-data-plane.ts";

export interface CloudflareOptions {
  context: SandboxContext;
  /** Where the API is reachable, e.g. `http://cloudflare.sandbox.test/client/v4`: its path is the base path of every route. */
  publicUrl: string;
  tokens: TokenOptions[];
  accounts: AccountOptions[];
  zones: ZoneOptions[];
  /** Requests per token and window in seconds; default 1,200 per 300 s; `false` switches the limit off. */
  rateLimit?: { requests: number; windowSeconds: number } | false;
  /**
   * The production URL of a script, with `{script}` and `{subdomain}`; preview URLs put their slug before `{script}`.
   * Default `https://{script}.{subdomain}.workers.dev`.
   */
  workersUrl?: string;
  /** Runs what is uploaded; without it the control plane is purely in-process. */
  workersDataPlane?: WorkersDataPlane;
}

/** Everything this provider remembers, and the small helpers that all handlers share. */
export interface World {
  options: CloudflareOptions;
  context: SandboxContext;
  /** Path of `publicUrl`, without a slash at the end. */
  basePath: string;
  workersUrl: string;
  /** Key `<account>/<name>`. */
  workers: LaggedCollection<Worker>;
  /** Key: worker id; oldest first. */
  versions: Collection<Version[]>;
  /** Key: worker id; oldest first. */
  deployments: Collection<Deployment[]>;
  contents: Collection<Module[]>;
  /** Key `<account>/<hash>`. */
  assets: Collection<{ base64: string; contentType: string }>;
  assetSessions: Collection<AssetSession>;
  /** Key `<worker id>/<preview id>`. */
  previews: LaggedCollection<Preview>;
  /** Key: preview id; oldest first. */
  previewDeployments: Collection<PreviewDeployment[]>;
  routes: LaggedCollection<Route>;
  domains: LaggedCollection<CustomDomain>;
  namespaces: LaggedCollection<KvNamespace>;
  /** Key `<namespace>/<key>`. */
  values: Collection<KvValue>;
  /** Key `<account>/<jurisdiction>/<name>`. */
  buckets: LaggedCollection<R2Bucket>;
  /** Key `<account>/<jurisdiction>/<bucket>/<key>`. */
  objects: Collection<{ base64: string; contentType: string; uploadedOn: string }>;
  tags: Collection<ResourceTags>;
  /** Key: account id. */
  subdomains: Collection<{ subdomain: string | null }>;
  meta: Collection<unknown>;
  /** Now, as the API writes times. */
  timestamp(): string;
  /** A 32-character hexadecimal id. */
  identifier(): string;
  /** Grows with every change, so that a data plane knows when to look again. */
  revision(): number;
  touch(): void;
}

/** A moment in Cloudflare's notation: ISO 8601 with microseconds. */
export function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("Z", "000Z");
}

/** Opens the provider's state in the sandbox's storage. */
export function openWorld(options: CloudflareOptions): World {
  const { context } = options;
  const { storage } = context;
  let revision = 0;
  const lagged = <Value>(name: string, resources: readonly string[]): LaggedCollection<Value> =>
    laggedCollection<Value>({ context, provider: "cloudflare", name: `cloudflare.${name}`, resources });
  const subdomains = storage.collection<{ subdomain: string | null }>("cloudflare.subdomain");
  for (const account of options.accounts) {
    if (!subdomains.get(account.id)) subdomains.set(account.id, { subdomain: account.workersSubdomain });
  }
  return {
    options,
    context,
    basePath: new URL(options.publicUrl).pathname.replace(/\/$/, ""),
    workersUrl: options.workersUrl ?? "https://{script}.{subdomain}.workers.dev",
    workers: lagged<Worker>("worker", ["script", "script_list", "subdomain", "domain", "service"]),
    versions: storage.collection("cloudflare.version"),
    deployments: storage.collection("cloudflare.deployment"),
    contents: storage.collection("cloudflare.content"),
    assets: storage.collection("cloudflare.asset"),
    assetSessions: storage.collection("cloudflare.asset_session"),
    previews: lagged<Preview>("preview", ["preview"]),
    previewDeployments: storage.collection("cloudflare.preview_deployment"),
    routes: lagged<Route>("route", ["route"]),
    domains: lagged<CustomDomain>("domain", ["domain"]),
    namespaces: lagged<KvNamespace>("kv_namespace", ["kv_namespace", "kv_namespace_list"]),
    values: storage.collection("cloudflare.kv_value"),
    buckets: lagged<R2Bucket>("r2_bucket", ["r2_bucket", "r2_bucket_list"]),
    objects: storage.collection("cloudflare.r2_object"),
    tags: storage.collection("cloudflare.tags"),
    subdomains,
    meta: storage.collection("cloudflare.meta"),
    timestamp: () => formatTime(context.clock.now()),
    identifier: () => context.random.string(32),
    revision: () => revision,
    touch: () => {
      revision += 1;
    },
  };
}

/** The key of a Worker in `world.workers`. */
export function workerKey(accountId: string, name: string): string {
  return `${accountId}/${name}`;
}

/** The newest deployment of a Worker: the one that serves. */
export function activeDeployment(world: World, workerId: string): Deployment | undefined {
  return world.deployments.get(workerId)?.at(-1);
}

/** The version that serves most of a Worker's traffic; undefined for a Worker that was never deployed. */
export function servingVersion(world: World, workerId: string): Version | undefined {
  const share = activeDeployment(world, workerId)?.versions.toSorted(
    (a, b) => b.percentage - a.percentage,
  )[0];
  return share && world.versions.get(workerId)?.find((version) => version.id === share.versionId);
}

/**
 * A deployed Worker by name, as a reader of `resource` sees it.
 * @param resource lag resource (default `script`)
 * @throws CloudflareFailure 404 10007 when there is none
 */
export function requireScript(world: World, accountId: string, name: string, resource = "script"): Worker {
  const worker = world.workers.seen(workerKey(accountId, name), resource);
  if (!worker || !world.versions.get(worker.id)?.length)
    throw failure(404, 10007, "This Worker does not exist on your account.");
  return worker;
}

/**
 * A Worker by id or name, deployed or not.
 * @throws CloudflareFailure 404 10007 when there is none
 */
export function requireWorker(world: World, accountId: string, idOrName: string): Worker {
  const named = world.workers.seen(workerKey(accountId, idOrName), "script");
  const worker =
    named ??
    world.workers
      .seenEntries("script")
      .map(([, candidate]) => candidate)
      .find((candidate) => candidate.accountId === accountId && candidate.id === idOrName);
  if (!worker) throw failure(404, 10007, "This Worker does not exist on your account.");
  return worker;
}

/** A Worker that a lagging reader found, as it is now: a change builds on what is there, however old the view of it. */
export function currentWorker(world: World, found: Worker): Worker {
  return world.workers.get(workerKey(found.accountId, found.name)) ?? found;
}

/** The account's workers.dev subdomain; null when none is registered. */
export function accountSubdomain(world: World, accountId: string): string | null {
  return world.subdomains.get(accountId)?.subdomain ?? null;
}

/** A URL on workers.dev (or the sandbox's stand-in for it) for a host label such as `shop` or `feature-shop`. */
export function workersDevUrl(world: World, label: string, subdomain: string): string {
  return world.workersUrl.replace("{script}", label).replace("{subdomain}", subdomain);
}
