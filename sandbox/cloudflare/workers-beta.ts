import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { maskBinding } from "./bindings.ts";
import { failure, readJson, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import { mergePatch } from "./merge-patch.ts";
import type { Binding, Worker } from "./model.ts";
import { pageNumbered } from "./paging.ts";
import { activeDeployment, currentWorker, requireWorker, servingVersion, workerKey } from "./world.ts";
import type { World } from "./world.ts";
import { newWorker, removeWorker, saveWorker } from "./worker-store.ts";

const workerSchema = z.looseObject({
  name: z.string().optional(),
  tags: z.array(z.string()).optional(),
  logpush: z.boolean().optional(),
  observability: z.looseObject({ enabled: z.boolean().optional() }).optional(),
  tail_consumers: z.array(z.looseObject({ name: z.string() })).optional(),
  subdomain: z
    .looseObject({ enabled: z.boolean().optional(), previews_enabled: z.boolean().optional() })
    .optional(),
  previews_base_config: z.record(z.string(), z.unknown()).optional(),
  preview_defaults: z.record(z.string(), z.unknown()).optional(),
});

/** The bindings of a base configuration or a deployment body: the documents' `bindings` array or wrangler's `env` map. */
export function bindingsOf(body: Record<string, unknown>): Binding[] | undefined {
  if (Array.isArray(body["bindings"])) return body["bindings"] as Binding[];
  const env = body["env"];
  if (typeof env !== "object" || env === null) return undefined;
  return Object.entries(env as Record<string, { type: string }>).map(([name, binding]) => ({
    ...binding,
    name,
  }));
}

/** Bindings as wrangler's `env` map, secrets masked. */
export function environmentOf(bindings: readonly Binding[]): Record<string, unknown> {
  return Object.fromEntries(bindings.map(maskBinding).map(({ name, ...binding }) => [name, binding]));
}

function describeBase(base: Record<string, unknown>): Record<string, unknown> {
  const { bindings: _bindings, env: _env, ...rest } = base;
  const bindings = bindingsOf(base);
  return bindings ? { ...rest, bindings: bindings.map(maskBinding), env: environmentOf(bindings) } : rest;
}

function describeWorker(world: World, worker: Worker): Record<string, unknown> {
  const deployment = activeDeployment(world, worker.id);
  const base = describeBase(worker.previewsBaseConfig);
  return {
    id: worker.id,
    name: worker.name,
    created_on: worker.createdOn,
    updated_on: worker.modifiedOn,
    deployed_on: deployment?.createdOn ?? null,
    tags: worker.tags,
    logpush: worker.logpush,
    observability: worker.observability ?? { enabled: false },
    tail_consumers: worker.tailConsumers,
    subdomain: { enabled: worker.subdomain.enabled, previews_enabled: worker.subdomain.previewsEnabled },
    references: {
      domains: [],
      durable_objects: [],
      queues: [],
      worker: [],
      dispatch_namespace_outbounds: [],
    },
    previews_base_config: base,
    preview_defaults: base,
  };
}

/** Secrets without a text keep the value they had: first the old base configuration's, then the Worker's own. */
function inheritSecrets(
  world: World,
  worker: Worker,
  base: Record<string, unknown>,
): Record<string, unknown> {
  const bindings = bindingsOf(base);
  if (!bindings) return base;
  const sources = [
    ...(bindingsOf(worker.previewsBaseConfig) ?? []),
    ...(servingVersion(world, worker.id)?.bindings ?? []),
  ];
  const filled = bindings.map((binding) => {
    if (binding.type !== "secret_text" || binding["text"] !== undefined) return binding;
    const source = sources.find(
      (candidate) =>
        candidate.name === binding.name &&
        candidate.type === "secret_text" &&
        candidate["text"] !== undefined,
    );
    if (!source)
      throw failure(400, 10021, `secret '${binding.name}' has no value and nothing to inherit it from`);
    return source;
  });
  const { env: _env, ...rest } = base;
  return { ...rest, bindings: filled };
}

function applyWorker(world: World, worker: Worker, body: z.output<typeof workerSchema>): Worker {
  const base = body.previews_base_config ?? body.preview_defaults;
  return {
    ...worker,
    ...(body.tags === undefined ? {} : { tags: body.tags }),
    ...(body.logpush === undefined ? {} : { logpush: body.logpush }),
    ...(body.observability === undefined ? {} : { observability: body.observability }),
    ...(body.tail_consumers === undefined ? {} : { tailConsumers: body.tail_consumers }),
    subdomain: {
      enabled: body.subdomain?.enabled ?? worker.subdomain.enabled,
      previewsEnabled: body.subdomain?.previews_enabled ?? worker.subdomain.previewsEnabled,
    },
    ...(base === undefined ? {} : { previewsBaseConfig: inheritSecrets(world, worker, base) }),
  };
}

async function patchWorker(world: World, c: CloudflareRequest): Promise<Response> {
  const found = requireWorker(world, c.req.param("account") ?? "", c.req.param("worker") ?? "");
  const worker = currentWorker(world, found);
  const body = await readJson(c, z.record(z.string(), z.unknown()), 10021);
  const key = body["previews_base_config"] === undefined ? "preview_defaults" : "previews_base_config";
  const patch = body[key];
  // Bindings are merged as the map that wrangler patches; the documents' array replaces them.
  const stored = { ...worker.previewsBaseConfig };
  const bindings = bindingsOf(stored);
  delete stored["bindings"];
  const current = bindings
    ? { ...stored, env: Object.fromEntries(bindings.map(({ name, ...binding }) => [name, binding])) }
    : stored;
  const merged = patch === undefined ? {} : { [key]: mergePatch(current, patch) };
  const { previews_base_config: _base, preview_defaults: _defaults, ...rest } = body;
  const wanted = workerSchema.safeParse({ ...rest, ...merged });
  if (!wanted.success)
    throw failure(400, 10021, `Invalid request body at /${wanted.error.issues[0]?.path.join("/") ?? ""}`);
  const saved = saveWorker(world, applyWorker(world, worker, wanted.data));
  c.env.changed = true;
  return success(describeWorker(world, saved));
}

/** Workers as the newer API sees them: shells that can own versions and previews. */
export function workersBetaRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/workers/workers";
  app.get(base, (c) => {
    const workers = world.workers.seenEntries("script_list").map(([, worker]) => worker);
    const own = workers.filter((worker) => worker.accountId === c.req.param("account"));
    return pageNumbered(
      c,
      own.map((worker) => describeWorker(world, worker)),
      { perPage: 10 },
    );
  });
  app.post(base, async (c) => {
    const account = c.req.param("account");
    const body = await readJson(c, workerSchema.extend({ name: z.string() }), 10021);
    if (world.workers.get(workerKey(account, body.name)))
      throw failure(409, 10040, `A Worker named '${body.name}' already exists.`);
    const saved = saveWorker(world, applyWorker(world, newWorker(world, account, body.name), body));
    c.env.changed = true;
    return success(describeWorker(world, saved));
  });
  app.get(`${base}/:worker`, (c) =>
    success(describeWorker(world, requireWorker(world, c.req.param("account"), c.req.param("worker")))),
  );
  app.put(`${base}/:worker`, async (c) => {
    const found = requireWorker(world, c.req.param("account"), c.req.param("worker"));
    const worker = currentWorker(world, found);
    const body = await readJson(c, workerSchema.extend({ name: z.string() }), 10021);
    const { observability: _observability, ...rest } = worker;
    const cleared = {
      ...rest,
      tags: [],
      logpush: false,
      tailConsumers: [],
      subdomain: { enabled: false, previewsEnabled: false },
    };
    const saved = saveWorker(world, applyWorker(world, cleared, body));
    c.env.changed = true;
    return success(describeWorker(world, saved));
  });
  app.patch(`${base}/:worker`, (c) => patchWorker(world, c));
  app.delete(`${base}/:worker`, (c) => {
    removeWorker(world, requireWorker(world, c.req.param("account"), c.req.param("worker")));
    c.env.changed = true;
    return success(null);
  });
}
