import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { maskBinding } from "./bindings.ts";
import { checkShape, failure, parseJson, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import { applyMigrations } from "./migrations.ts";
import type { Module, Preview, PreviewDeployment, Worker } from "./model.ts";
import { multipartBoundary } from "./multipart.ts";
import { pageNumbered } from "./paging.ts";
import { previewUrls, requirePreview } from "./previews.ts";
import { byFileName, checkMetadata, readUpload } from "./upload.ts";
import type { Upload } from "./upload.ts";
import type { World } from "./world.ts";
import { buildRunnable, uploadSource } from "./worker-store.ts";
import { bindingsOf, environmentOf } from "./workers-beta.ts";

const bodySchema = z.looseObject({
  modules: z
    .array(z.looseObject({ name: z.string(), content_type: z.string(), content_base64: z.base64() }))
    .optional(),
  annotations: z
    .looseObject({
      "workers/message": z.string().max(100).optional(),
      "workers/tag": z.string().max(25).optional(),
    })
    .optional(),
});

function describe(
  world: World,
  owner: Worker,
  preview: Preview,
  deployment: PreviewDeployment,
  withModules: boolean,
): Record<string, unknown> {
  const modules =
    withModules && deployment.contentKey !== undefined
      ? world.contents.get(deployment.contentKey)
      : undefined;
  return {
    id: deployment.id,
    number: deployment.number,
    preview_id: preview.id,
    preview_name: preview.name,
    startup_time_ms: 5,
    main_module: deployment.mainModule,
    bindings: deployment.bindings.map(maskBinding),
    env: environmentOf(deployment.bindings),
    compatibility_date: deployment.compatibilityDate ?? "",
    compatibility_flags: deployment.compatibilityFlags,
    usage_model: deployment.usageModel,
    annotations: deployment.annotations,
    urls: previewUrls(world, owner, deployment.shortId),
    source: deployment.source,
    created_on: deployment.createdOn,
    ...(deployment.limits === undefined ? {} : { limits: deployment.limits }),
    ...(deployment.placement === undefined ? {} : { placement: deployment.placement }),
    ...(deployment.assets === undefined ? {} : { assets: deployment.assets.config }),
    ...(deployment.migrationTag === undefined ? {} : { migration_tag: deployment.migrationTag }),
    ...(modules === undefined
      ? {}
      : {
          modules: modules.map((module) => ({
            name: module.name,
            content_type: module.contentType,
            content_base64: module.base64,
          })),
        }),
  };
}

/** What `assets.config` of a deployment may hold. */
const CONFIG = ["base_path", "html_handling", "not_found_handling", "run_worker_first"];
/** Modules that configure how assets are served; scripts have them in `assets.config`, and so have our Workers. */
const CONFIGURING = ["_headers", "_redirects"];

/** An upload as scripts would have it: `_headers` and `_redirects` are modules here. */
function asScript({ metadata, modules }: Upload): Upload {
  const { assets } = metadata;
  if (assets === undefined) return { metadata, modules };
  const isConfiguring = (module: Module): boolean =>
    CONFIGURING.includes(module.name) && module.contentType === "text/plain";
  const known = Object.entries(assets.config ?? {}).filter(([key]) => CONFIG.includes(key));
  const configuring = modules.filter(isConfiguring);
  const config = Object.fromEntries([
    ...known,
    ...configuring.map(({ base64, name }) => [name, Buffer.from(base64, "base64").toString("utf8")]),
  ]);
  return {
    metadata: { ...metadata, assets: { ...assets, config } },
    modules: modules.filter((module) => !isConfiguring(module)),
  };
}

async function readDeployment(c: CloudflareRequest, base: Record<string, unknown>): Promise<Upload> {
  const merge = (body: Record<string, unknown>): Record<string, unknown> => {
    const { env: _env, modules: _modules, ...rest } = { ...base, ...body };
    const bindings = bindingsOf(body) ?? bindingsOf(base);
    return bindings === undefined ? rest : { ...rest, bindings };
  };
  if (multipartBoundary(c.req.header("content-type") ?? "") !== undefined) {
    const upload = await readUpload(c, byFileName);
    checkShape(upload.metadata, bodySchema, 10021);
    return asScript({ metadata: checkMetadata(merge(upload.metadata)), modules: upload.modules });
  }
  const body = checkShape(parseJson(await c.req.text()), bodySchema, 10021);
  const modules = (body.modules ?? []).map((module) => ({
    name: module.name,
    contentType: module.content_type,
    base64: module.content_base64,
  }));
  return asScript({ metadata: checkMetadata(merge(body)), modules });
}

async function createDeployment(world: World, c: CloudflareRequest): Promise<Response> {
  const { owner, preview } = requirePreview(world, c);
  // The name that is documented here; the newer `ignore_base_config` only where a preview is made.
  const ignore = c.req.query("ignore_defaults") === "true";
  const upload = await readDeployment(c, ignore ? {} : preview.base);
  const earlier = world.previewDeployments.get(preview.id) ?? [];
  const id = world.context.random.uuid();
  // A preview's Durable Objects are its own: migrations start from nothing with each preview.
  const migrated = applyMigrations({ classes: [] }, upload.metadata.migrations);
  const runnable = buildRunnable(world, {
    worker: { ...owner, durableObjectClasses: [...owner.durableObjectClasses, ...migrated.classes] },
    upload,
    previous: earlier.at(-1),
    contentKey: id,
    strict: true,
  });
  const annotations = (upload.metadata.annotations ?? {}) as Record<string, string>;
  const deployment: PreviewDeployment = {
    ...runnable,
    id,
    number: (earlier.at(-1)?.number ?? 0) + 1,
    shortId: id.slice(0, 8),
    previewId: preview.id,
    createdOn: world.timestamp(),
    source: uploadSource(c.req.header("user-agent")),
    annotations: { ...annotations, "workers/triggered_by": "create_preview_deployment_api" },
    ...(migrated.tag === undefined ? {} : { migrationTag: migrated.tag }),
  };
  world.previewDeployments.set(preview.id, [...earlier, deployment]);
  const current = world.previews.get(`${owner.id}/${preview.id}`) ?? preview;
  world.previews.set(`${owner.id}/${preview.id}`, { ...current, deployedOn: deployment.createdOn });
  c.env.changed = true;
  return success(describe(world, owner, preview, deployment, false));
}

function requireDeployment(world: World, preview: Preview, id: string): PreviewDeployment {
  const deployments = world.previewDeployments.get(preview.id) ?? [];
  const deployment =
    id === "latest" ? deployments.at(-1) : deployments.find((candidate) => candidate.id === id);
  if (!deployment) throw failure(404, 10222, `Preview '${preview.name}' has no deployment '${id}'.`);
  return deployment;
}

/** Deployments of Worker Previews: immutable, the newest one serves. */
export function previewDeploymentRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/workers/workers/:worker/previews/:preview/deployments";
  app.get(base, (c) => {
    const { owner, preview } = requirePreview(world, c);
    const deployments = (world.previewDeployments.get(preview.id) ?? []).toReversed();
    return pageNumbered(
      c,
      deployments.map((deployment) => describe(world, owner, preview, deployment, false)),
      { perPage: 10 },
    );
  });
  app.post(base, (c) => createDeployment(world, c));
  app.get(`${base}/:deployment`, (c) => {
    const { owner, preview } = requirePreview(world, c);
    const deployment = requireDeployment(world, preview, c.req.param("deployment"));
    return success(describe(world, owner, preview, deployment, c.req.query("include") === "modules"));
  });
  app.delete(`${base}/:deployment`, (c) => {
    const { preview } = requirePreview(world, c);
    const deployment = requireDeployment(world, preview, c.req.param("deployment"));
    const rest = (world.previewDeployments.get(preview.id) ?? []).filter(
      (candidate) => candidate.id !== deployment.id,
    );
    world.previewDeployments.set(preview.id, rest);
    if (deployment.contentKey !== undefined) world.contents.delete(deployment.contentKey);
    c.env.changed = true;
    return success(null);
  });
}
