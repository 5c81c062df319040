import { failure } from "./envelope.ts";
import { applyMigrations } from "./migrations.ts";
import type { Deployment, Runnable, Version, Worker } from "./model.ts";
import { resolveBindings } from "./bindings.ts";
import { checkEntry, contentHash, guessHandlers, resolveAssets } from "./upload.ts";
import type { Upload, UploadMetadata } from "./upload.ts";
import { activeDeployment, workerKey } from "./world.ts";
import type { World } from "./world.ts";

const scriptName = /^[a-z0-9_][a-z0-9-_]{0,62}$/i;

/** A new Worker without code; not stored yet. @throws CloudflareFailure 400 10016 for a name the API refuses */
export function newWorker(world: World, accountId: string, name: string): Worker {
  if (!scriptName.test(name)) {
    throw failure(
      400,
      10016,
      `Invalid script name '${name}': letters, digits, '-' and '_', at most 63 characters.`,
    );
  }
  const now = world.timestamp();
  return {
    id: world.identifier(),
    accountId,
    name,
    createdOn: now,
    modifiedOn: now,
    tags: [],
    logpush: false,
    tailConsumers: [],
    subdomain: { enabled: false, previewsEnabled: false },
    schedules: [],
    durableObjectClasses: [],
    previewsBaseConfig: {},
    lastDeployedFrom: "api",
  };
}

/** Stores a Worker, its modification time set to now. */
export function saveWorker(world: World, worker: Worker): Worker {
  const saved = { ...worker, modifiedOn: world.timestamp() };
  world.workers.set(workerKey(worker.accountId, worker.name), saved);
  return saved;
}

/** Where an upload was made, as versions and deployments tell it: `wrangler` by user agent, else `api`. */
export function uploadSource(userAgent: string | undefined): string {
  return userAgent?.startsWith("wrangler") ? "wrangler" : "api";
}

/**
 * Turns an upload into something that can run: modules stored, bindings and assets resolved.
 * @param options `previous`: what the Worker or preview ran before; `contentKey`: key under which modules are stored
 */
export function buildRunnable(
  world: World,
  options: {
    worker: Worker;
    upload: Upload;
    previous: Runnable | undefined;
    contentKey: string;
    strict: boolean;
  },
): Runnable {
  const { worker, upload, previous, contentKey, strict } = options;
  const { metadata, modules } = upload;
  const { accountId, name: script } = worker;
  const entry = checkEntry(upload);
  const assets = resolveAssets(world, { accountId, script, metadata, previous: previous?.assets });
  const bindings = resolveBindings(world, {
    accountId,
    script,
    requested: metadata.bindings ?? [],
    previous: previous?.bindings ?? [],
    keep: metadata.keep_bindings ?? [],
    strict,
    durableObjectClasses: worker.durableObjectClasses,
  });
  if (modules.length > 0) world.contents.set(contentKey, [...modules]);
  return {
    etag: contentHash(modules, assets),
    handlers: guessHandlers(modules, entry),
    bindings,
    compatibilityFlags: metadata.compatibility_flags ?? [],
    usageModel: metadata.usage_model ?? "standard",
    ...(entry === undefined ? {} : { mainModule: entry }),
    ...(modules.length > 0 ? { contentKey } : {}),
    ...(metadata.compatibility_date === undefined ? {} : { compatibilityDate: metadata.compatibility_date }),
    ...(metadata.limits === undefined ? {} : { limits: metadata.limits }),
    ...(metadata.placement === undefined ? {} : { placement: metadata.placement }),
    ...(assets === undefined ? {} : { assets }),
  };
}

/** A Worker with an upload's script-level settings and migrations applied; not stored yet. */
export function applyMetadata(
  worker: Worker,
  metadata: UploadMetadata,
  userAgent: string | undefined,
): Worker {
  const state = applyMigrations(
    {
      classes: worker.durableObjectClasses,
      ...(worker.migrationTag === undefined ? {} : { tag: worker.migrationTag }),
    },
    metadata.migrations,
  );
  const { observability: _observability, migrationTag: _tag, ...rest } = worker;
  return {
    ...rest,
    tags: metadata.tags ?? [],
    logpush: metadata.logpush ?? false,
    tailConsumers: metadata.tail_consumers ?? [],
    durableObjectClasses: state.classes,
    lastDeployedFrom: uploadSource(userAgent),
    ...(metadata.observability ? { observability: metadata.observability } : {}),
    ...(state.tag === undefined ? {} : { migrationTag: state.tag }),
  };
}

/** Appends a version to a Worker's history; it serves only once it is deployed. */
export function addVersion(
  world: World,
  workerId: string,
  runnable: Runnable,
  about: { id: string; source: string; annotations: Record<string, string> },
): Version {
  const versions = world.versions.get(workerId) ?? [];
  const number = (versions.at(-1)?.number ?? 0) + 1;
  const version = { ...runnable, ...about, number, createdOn: world.timestamp() };
  world.versions.set(workerId, [...versions, version]);
  return version;
}

/** Makes versions serve; the newest deployment is the one that counts. */
export function addDeployment(
  world: World,
  workerId: string,
  deployment: Pick<Deployment, "versions" | "source" | "annotations">,
): Deployment {
  const created = { ...deployment, id: world.context.random.uuid(), createdOn: world.timestamp() };
  world.deployments.set(workerId, [...(world.deployments.get(workerId) ?? []), created]);
  return created;
}

/** The newest version of a Worker, deployed or not. */
export function latestVersion(world: World, workerId: string): Version | undefined {
  return world.versions.get(workerId)?.at(-1);
}

/**
 * Makes a copy of the newest version with other bindings (or other settings) and deploys it: what secret and settings
 * edits do.
 * @throws CloudflareFailure 400 10214 when the newest version is not the one that is deployed
 */
export function redeployWith(
  world: World,
  worker: Worker,
  change: (latest: Version) => Partial<Runnable>,
  about: { source: string; triggeredBy: string; what: string },
): Version {
  const latest = latestVersion(world, worker.id);
  if (!latest) throw failure(404, 10222, "This Worker has no versions.");
  const active = activeDeployment(world, worker.id);
  const deployed = active?.versions.length === 1 && active.versions[0]?.versionId === latest.id;
  if (!deployed) {
    throw failure(
      400,
      10214,
      `${about.what} edit failed. You attempted to modify a ${about.what.toLowerCase()}, but the latest version of your Worker isn't currently deployed. Please ensure that the latest version of your Worker is fully deployed (wrangler versions deploy) before modifying ${about.what.toLowerCase()}s. Alternatively, you can use the Cloudflare dashboard to modify ${about.what.toLowerCase()}s and deploy the version.`,
    );
  }
  const {
    id: _id,
    number: _number,
    createdOn: _createdOn,
    source: _source,
    annotations: _annotations,
    ...runnable
  } = latest;
  const annotations = { "workers/triggered_by": about.triggeredBy };
  const copy = { ...runnable, ...change(latest) };
  const version = addVersion(world, worker.id, copy, {
    id: world.context.random.uuid(),
    source: about.source,
    annotations,
  });
  addDeployment(world, worker.id, {
    versions: [{ versionId: version.id, percentage: 100 }],
    source: about.source,
    annotations,
  });
  saveWorker(world, worker);
  return version;
}

/** Removes a Worker with versions, modules, previews, domains, routes' references and tags. */
export function removeWorker(world: World, worker: Worker): void {
  for (const version of world.versions.get(worker.id) ?? []) {
    if (version.contentKey !== undefined) world.contents.delete(version.contentKey);
  }
  for (const [key, preview] of world.previews.entries()) {
    if (preview.workerId === worker.id) removePreview(world, key, preview.id);
  }
  for (const [key, domain] of world.domains.entries()) {
    if (domain.accountId === worker.accountId && domain.service === worker.name) world.domains.delete(key);
  }
  const zones = world.options.zones
    .filter((zone) => zone.accountId === worker.accountId)
    .map((zone) => zone.id);
  for (const [key, route] of world.routes.entries()) {
    if (route.script === worker.name && zones.includes(route.zoneId)) world.routes.delete(key);
  }
  world.versions.delete(worker.id);
  world.deployments.delete(worker.id);
  world.workers.delete(workerKey(worker.accountId, worker.name));
}

/** Removes a preview with its deployments and modules. */
export function removePreview(world: World, key: string, previewId: string): void {
  for (const deployment of world.previewDeployments.get(previewId) ?? []) {
    if (deployment.contentKey !== undefined) world.contents.delete(deployment.contentKey);
  }
  world.previewDeployments.delete(previewId);
  world.previews.delete(key);
}
