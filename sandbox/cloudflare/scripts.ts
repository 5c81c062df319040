import type { Hono } from "hono";
import type { SandboxHono } from "../core/provider.ts";
import { failure, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import type { Route, Version, Worker } from "./model.ts";
import { writeMultipart } from "./multipart.ts";
import { readUpload } from "./upload.ts";
import { activeDeployment, currentWorker, requireScript, servingVersion, workerKey } from "./world.ts";
import type { World } from "./world.ts";
import {
  addDeployment,
  addVersion,
  applyMetadata,
  buildRunnable,
  latestVersion,
  newWorker,
  removeWorker,
  saveWorker,
  uploadSource,
} from "./worker-store.ts";

/** A script as lists and uploads show it; `routes`: those of all scripts. */
export function describeScript(
  worker: Worker,
  version: Version,
  routes: readonly Route[] = [],
): Record<string, unknown> {
  const own = routes.filter((route) => route.script === worker.name);
  return {
    id: worker.name,
    tag: worker.id,
    etag: version.etag,
    handlers: version.handlers,
    created_on: worker.createdOn,
    modified_on: worker.modifiedOn,
    tags: worker.tags,
    logpush: worker.logpush,
    tail_consumers: worker.tailConsumers,
    usage_model: version.usageModel,
    compatibility_date: version.compatibilityDate ?? "",
    compatibility_flags: version.compatibilityFlags,
    has_assets: version.assets !== undefined,
    has_modules: version.mainModule !== undefined && version.mainModule !== "worker.js",
    last_deployed_from: worker.lastDeployedFrom,
    ...(worker.observability === undefined ? {} : { observability: worker.observability }),
    ...(worker.migrationTag === undefined ? {} : { migration_tag: worker.migrationTag }),
    ...(version.placement === undefined ? {} : { placement: version.placement }),
    routes: own.length === 0 ? null : own.map(({ id, pattern, script }) => ({ id, pattern, script })),
  };
}

function parseTagFilter(text: string): [string, boolean][] {
  return text.split(",").map((entry) => {
    const match = /^(.+):(yes|no)$/.exec(entry);
    if (!match?.[1])
      throw failure(400, 10002, `Invalid tag filter '${entry}': use tag:yes or tag:no, separated by commas`);
    return [match[1], match[2] === "yes"];
  });
}

function listScripts(world: World, c: CloudflareRequest): Response {
  const account = c.req.param("account");
  const text = c.req.query("tags");
  const filter = text ? parseTagFilter(text) : [];
  const routes = world.routes.values();
  const scripts = world.workers
    .seenEntries("script_list")
    .map(([, worker]) => worker)
    .filter(
      (worker) =>
        worker.accountId === account && filter.every(([tag, wanted]) => worker.tags.includes(tag) === wanted),
    )
    .flatMap((worker) => {
      const version = servingVersion(world, worker.id) ?? latestVersion(world, worker.id);
      return version ? [describeScript(worker, version, routes)] : [];
    });
  return success(scripts);
}

async function putScript(world: World, c: CloudflareRequest): Promise<Response> {
  const account = c.req.param("account") ?? "";
  const name = c.req.param("name") ?? "";
  const upload = await readUpload(c);
  const existing = world.workers.get(workerKey(account, name));
  const userAgent = c.req.header("user-agent");
  const worker = applyMetadata(existing ?? newWorker(world, account, name), upload.metadata, userAgent);
  const id = world.context.random.uuid();
  const previous = latestVersion(world, worker.id);
  const strict = c.req.query("bindings_inherit") === "strict";
  const runnable = buildRunnable(world, { worker, upload, previous, contentKey: id, strict });
  const source = uploadSource(userAgent);
  const annotations = {
    ...(upload.metadata.annotations as Record<string, string> | undefined),
    "workers/triggered_by": "upload",
  };
  const version = addVersion(world, worker.id, runnable, { id, source, annotations });
  addDeployment(world, worker.id, { versions: [{ versionId: id, percentage: 100 }], source, annotations });
  const saved = saveWorker(world, worker);
  c.env.changed = true;
  const { routes: _routes, ...described } = describeScript(saved, version);
  return success({
    ...described,
    entry_point: version.mainModule ?? "",
    // In spite of its name the version's id, as wrangler reads it (workers-sdk, deploy-helpers `deploy.ts`).
    deployment_id: id.replaceAll("-", ""),
    startup_time_ms: 5,
  });
}

function content(world: World, c: CloudflareRequest): Response {
  const worker = requireScript(world, c.req.param("account") ?? "", c.req.param("name") ?? "");
  const version = servingVersion(world, worker.id) ?? latestVersion(world, worker.id);
  const modules = (version?.contentKey && world.contents.get(version.contentKey)) || [];
  const boundary = `----cloudflare${version?.etag.slice(0, 24) ?? ""}`;
  const parts = modules.map((module) => ({
    name: module.name,
    filename: module.name,
    contentType: module.contentType,
    bytes: new Uint8Array(Buffer.from(module.base64, "base64")),
  }));
  const headers = {
    "content-type": `multipart/form-data; boundary=${boundary}`,
    etag: `"${version?.etag ?? ""}"`,
    "cf-entrypoint": version?.mainModule ?? "",
  };
  return new Response(writeMultipart(parts, boundary), { status: 200, headers });
}

async function putContent(world: World, c: CloudflareRequest): Promise<Response> {
  const worker = currentWorker(
    world,
    requireScript(world, c.req.param("account") ?? "", c.req.param("name") ?? ""),
  );
  const upload = await readUpload(c);
  const previous = latestVersion(world, worker.id);
  if (!previous) throw failure(404, 10222, "This Worker has no versions.");
  const id = world.context.random.uuid();
  const built = buildRunnable(world, { worker, upload, previous, contentKey: id, strict: false });
  const { mainModule, etag, handlers, contentKey } = built;
  const runnable = {
    ...previous,
    etag,
    handlers,
    ...(mainModule ? { mainModule } : {}),
    ...(contentKey ? { contentKey } : {}),
  };
  const source = uploadSource(c.req.header("user-agent"));
  const annotations = { "workers/triggered_by": "upload" };
  const version = addVersion(world, worker.id, runnable, { id, source, annotations });
  addDeployment(world, worker.id, { versions: [{ versionId: id, percentage: 100 }], source, annotations });
  c.env.changed = true;
  return success(describeScript(saveWorker(world, worker), version));
}

function deleteScript(world: World, c: CloudflareRequest): Response {
  const account = c.req.param("account") ?? "";
  const worker = requireScript(world, account, c.req.param("name") ?? "");
  const force = c.req.query("force") === "true";
  const referrers = world.workers
    .values()
    .filter((other) => other.accountId === account && other.id !== worker.id)
    .filter((other) => {
      const running = activeDeployment(world, other.id)?.versions.map((share) => share.versionId) ?? [];
      const versions = (world.versions.get(other.id) ?? []).filter((version) => running.includes(version.id));
      return versions.some((version) =>
        version.bindings.some((binding) => binding.type === "service" && binding["service"] === worker.name),
      );
    });
  if (referrers.length > 0 && !force) {
    const names = referrers.map((other) => other.name).join(", ");
    throw failure(
      400,
      10142,
      `This Worker cannot be deleted because it is referenced by service bindings of: ${names}.`,
    );
  }
  removeWorker(world, worker);
  c.env.changed = true;
  return success(null);
}

/** Script uploads, list, content and deletion. */
export function scriptRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/workers/scripts";
  app.get(base, (c) => listScripts(world, c));
  app.put(`${base}/:name`, (c) => putScript(world, c));
  app.get(`${base}/:name`, (c) => content(world, c));
  app.delete(`${base}/:name`, (c) => deleteScript(world, c));
  app.get(`${base}/:name/content/v2`, (c) => content(world, c));
  app.put(`${base}/:name/content`, (c) => putContent(world, c));
}
