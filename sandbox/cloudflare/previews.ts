import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { failure, readJson, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import { mergePatch } from "./merge-patch.ts";
import type { Preview, Worker } from "./model.ts";
import { pageNumbered } from "./paging.ts";
import { accountSubdomain, requireWorker, workersDevUrl } from "./world.ts";
import type { World } from "./world.ts";
import { removePreview } from "./worker-store.ts";

const layerSchema = z.looseObject({
  tags: z.array(z.string()).max(8, "at most 8 tags").optional(),
  observability: z.looseObject({ enabled: z.boolean().optional() }).optional(),
  logpush: z.boolean().optional(),
  tail_consumers: z.array(z.looseObject({ name: z.string() })).optional(),
});

const nameSchema = z
  .string()
  .max(256)
  .regex(
    /^[a-z0-9](?:[a-z0-9\-_/.+=]*[a-z0-9])?$/i,
    "must start and end with a letter or digit and hold only letters, digits and - _ / . + =",
  );

const namedSchema = layerSchema.extend({ name: nameSchema });

const previewLayer: readonly string[] = Object.freeze(["observability", "logpush", "tail_consumers"]);

/** URL-safe form of a preview's name: lower case, every other character than letters and digits a hyphen. */
function slugOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

/** The routable URLs of a label in front of a Worker: on workers.dev and on custom domains that serve previews. */
export function previewUrls(world: World, worker: Worker, label: string): string[] {
  const subdomain = accountSubdomain(world, worker.accountId);
  const dev =
    worker.subdomain.previewsEnabled && subdomain !== null
      ? [workersDevUrl(world, `${label}-${worker.name}`, subdomain)]
      : [];
  const scheme = world.workersUrl.split("://")[0] ?? "https";
  const port = /:(\d+)(?:\/|$)/.exec(world.workersUrl.split("://")[1] ?? "")?.[0].replace("/", "") ?? "";
  const custom = world.domains
    .values()
    .filter(
      (domain) =>
        domain.accountId === worker.accountId && domain.service === worker.name && domain.previewsEnabled,
    )
    .map((domain) => `${scheme}://${label}.${domain.hostname}${port}`);
  return [...dev, ...custom];
}

function describePreview(world: World, worker: Worker, preview: Preview): Record<string, unknown> {
  return {
    id: preview.id,
    name: preview.name,
    slug: preview.slug,
    worker_name: worker.name,
    tags: preview.tags,
    observability: preview.observability ?? { enabled: false, head_sampling_rate: 1 },
    logpush: preview.logpush,
    tail_consumers: preview.tailConsumers,
    urls: previewUrls(world, worker, preview.slug),
    created_on: preview.createdOn,
    updated_on: preview.updatedOn,
    deployed_on: preview.deployedOn,
  };
}

function worker(world: World, c: CloudflareRequest): Worker {
  return requireWorker(world, c.req.param("account") ?? "", c.req.param("worker") ?? "");
}

function previewsOf(world: World, owner: Worker): Preview[] {
  return world.previews
    .seenEntries("preview")
    .map(([, preview]) => preview)
    .filter((preview) => preview.workerId === owner.id);
}

/**
 * A preview by id, slug or name, as a lagging reader sees it; for a change, what is there now of one that was found.
 * @throws CloudflareFailure 404 10025 when the Worker has none of that name
 */
export function requirePreview(world: World, c: CloudflareRequest): { owner: Worker; preview: Preview } {
  const owner = worker(world, c);
  const given = c.req.param("preview") ?? "";
  const preview = previewsOf(world, owner).find((candidate) =>
    [candidate.id, candidate.slug, candidate.name].includes(given),
  );
  if (!preview) throw failure(404, 10025, `Preview '${given}' not found.`);
  if (c.req.method === "GET") return { owner, preview };
  return { owner, preview: world.previews.get(`${owner.id}/${preview.id}`) ?? preview };
}

function ignoresBase(c: CloudflareRequest): boolean {
  return c.req.query("ignore_base_config") === "true" || c.req.query("ignore_defaults") === "true";
}

function applyLayer(preview: Preview, body: z.output<typeof layerSchema>): Preview {
  return {
    ...preview,
    tags: body.tags ?? [],
    logpush: body.logpush ?? false,
    tailConsumers: body.tail_consumers ?? [],
    ...(body.observability === undefined ? {} : { observability: body.observability }),
  };
}

function withBase(
  owner: Worker,
  c: CloudflareRequest,
  body: Record<string, unknown>,
): Record<string, unknown> {
  if (ignoresBase(c)) return body;
  const layer = Object.fromEntries(
    Object.entries(owner.previewsBaseConfig).filter(([key]) => previewLayer.includes(key)),
  );
  return { ...layer, ...body };
}

async function createPreview(world: World, c: CloudflareRequest): Promise<Response> {
  const owner = worker(world, c);
  const body = await readJson(c, namedSchema, 10021);
  const slug = slugOf(body.name);
  if (world.previews.values().some((other) => other.workerId === owner.id && other.slug === slug)) {
    throw failure(409, 10026, `A preview with the name or slug '${slug}' already exists.`);
  }
  const now = world.timestamp();
  const base = Object.fromEntries(
    Object.entries(owner.previewsBaseConfig).filter(([key]) => !previewLayer.includes(key)),
  );
  const blank: Preview = {
    id: world.identifier(),
    workerId: owner.id,
    accountId: owner.accountId,
    name: body.name,
    slug,
    tags: [],
    logpush: false,
    tailConsumers: [],
    base: ignoresBase(c) ? {} : base,
    createdOn: now,
    updatedOn: now,
    deployedOn: null,
  };
  const preview = applyLayer(blank, layerSchema.parse(withBase(owner, c, body)));
  world.previews.set(`${owner.id}/${preview.id}`, preview);
  c.env.changed = true;
  return success(describePreview(world, owner, preview));
}

async function putPreview(world: World, c: CloudflareRequest): Promise<Response> {
  const { owner, preview } = requirePreview(world, c);
  const body = await readJson(c, namedSchema, 10021);
  const { observability: _observability, ...rest } = preview;
  const updated = applyLayer(
    { ...rest, name: body.name, updatedOn: world.timestamp() },
    layerSchema.parse(withBase(owner, c, body)),
  );
  world.previews.set(`${owner.id}/${preview.id}`, updated);
  c.env.changed = true;
  return success(describePreview(world, owner, updated));
}

async function patchPreview(world: World, c: CloudflareRequest): Promise<Response> {
  const { owner, preview } = requirePreview(world, c);
  const patch = await readJson(c, z.record(z.string(), z.unknown()), 10021);
  const current = {
    name: preview.name,
    tags: preview.tags,
    logpush: preview.logpush,
    tail_consumers: preview.tailConsumers,
    ...(preview.observability === undefined ? {} : { observability: preview.observability }),
  };
  const merged = namedSchema.safeParse(mergePatch(current, patch));
  if (!merged.success) {
    const issue = merged.error.issues[0];
    throw failure(
      400,
      10021,
      `Invalid request body at /${issue?.path.join("/") ?? ""}: ${issue?.message ?? "wrong shape"}`,
    );
  }
  const { observability: _observability, ...rest } = preview;
  const updated = applyLayer({ ...rest, name: merged.data.name, updatedOn: world.timestamp() }, merged.data);
  world.previews.set(`${owner.id}/${preview.id}`, updated);
  c.env.changed = true;
  return success(describePreview(world, owner, updated));
}

/** Worker Previews (beta): the preview layer; deployments are in `preview-deployments.ts`. */
export function previewRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/workers/workers/:worker/previews";
  app.get(base, (c) => {
    const owner = worker(world, c);
    const filters = ["name", "slug"] as const;
    const previews = previewsOf(world, owner).filter((preview) =>
      filters.every((field) => c.req.query(field) === undefined || c.req.query(field) === preview[field]),
    );
    return pageNumbered(
      c,
      previews.map((preview) => describePreview(world, owner, preview)),
      { perPage: 10 },
    );
  });
  app.post(base, (c) => createPreview(world, c));
  app.get(`${base}/:preview`, (c) => {
    const { owner, preview } = requirePreview(world, c);
    return success(describePreview(world, owner, preview));
  });
  app.put(`${base}/:preview`, (c) => putPreview(world, c));
  app.patch(`${base}/:preview`, (c) => patchPreview(world, c));
  app.delete(`${base}/:preview`, (c) => {
    const { owner, preview } = requirePreview(world, c);
    removePreview(world, `${owner.id}/${preview.id}`, preview.id);
    c.env.changed = true;
    return success(null);
  });
}
