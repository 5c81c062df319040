import { createHash } from "node:crypto";
import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { failure, success } from "./envelope.ts";
import type { CloudflareFailure, CloudflareRequest } from "./envelope.ts";
import type { ResourceTags } from "./model.ts";
import { pageByCursor } from "./paging.ts";
import type { World } from "./world.ts";

/** Resource types of the Tag API that this sandbox can hold, by scope. */
const types: Readonly<Record<"accounts" | "zones", readonly string[]>> = Object.freeze({
  accounts: [
    "account",
    "d1_database",
    "kv_namespace",
    "pages_project",
    "queue",
    "r2_bucket",
    "worker",
    "worker_version",
  ],
  zones: ["zone", "dns_record", "worker_route"],
});

const maximumTags = 10_000;
const targetSchema = z.looseObject({ resource_type: z.string(), resource_id: z.string() });
const setSchema = targetSchema.extend({
  tags: z.record(z.string(), z.string()),
  worker_id: z.string().optional(),
});

interface Scope {
  kind: "accounts" | "zones";
  id: string;
}

function existing(world: World, scope: Scope, type: string, id: string): { name: string } | undefined {
  const own = scope.id;
  switch (type) {
    case "account":
      return world.options.accounts.find((account) => account.id === id && id === own);
    case "zone":
      return world.options.zones.find((zone) => zone.id === id && id === own);
    case "worker":
      return world.workers
        .values()
        .find((worker) => worker.accountId === own && (worker.id === id || worker.name === id));
    case "worker_version": {
      const workers = world.workers.values().filter((worker) => worker.accountId === own);
      const found = workers.some((worker) =>
        world.versions.get(worker.id)?.some((version) => version.id === id),
      );
      return found ? { name: id } : undefined;
    }
    case "kv_namespace": {
      const namespace = world.namespaces.get(id);
      return namespace?.accountId === own ? { name: namespace.title } : undefined;
    }
    case "r2_bucket":
      return world.buckets.values().find((bucket) => bucket.accountId === own && bucket.name === id);
    case "worker_route": {
      const route = world.routes.get(id);
      return route?.zoneId === own ? { name: route.pattern } : undefined;
    }
    default:
      return undefined;
  }
}

function key(scope: Scope, type: string, id: string): string {
  return `${scope.kind}/${scope.id}/${type}/${id}`;
}

function describe(world: World, scope: Scope, entry: ResourceTags): Record<string, unknown> {
  return {
    id: entry.id,
    type: entry.type,
    name: existing(world, scope, entry.type, entry.id)?.name ?? entry.id,
    tags: entry.tags,
    etag: entry.etag,
    tags_updated_at: entry.updatedOn,
    ...(scope.kind === "zones" ? { zone_id: scope.id } : {}),
  };
}

function requireType(scope: Scope, type: string): void {
  if (!types[scope.kind].includes(type)) throw failure(400, 1006, "Invalid resource type");
}

function notFound(type: string, id: string): CloudflareFailure {
  return failure(500, 1000, `resource not found: type=${type} id=${id}`);
}

function checkPrecondition(c: CloudflareRequest, entry: ResourceTags | undefined): void {
  const wanted = c.req.header("if-match");
  if (wanted === undefined) return;
  const unquoted = wanted.replaceAll('"', "");
  if (!entry || (unquoted !== "*" && unquoted !== entry.etag))
    throw failure(412, 1016, "Precondition failed: the tags have changed");
}

function checkTags(tags: Record<string, string>): void {
  for (const [name, value] of Object.entries(tags)) {
    if (name.length > 256) throw failure(400, 1011, "tag key too long (maximum 256 characters)");
    if (!/^[A-Za-z0-9_.-]+$/.test(name)) throw failure(400, 1014, "Invalid tag key");
    if (value.length > 1024) throw failure(400, 1012, "tag value too long (maximum 1024 characters)");
  }
}

async function parseBody<Schema extends z.ZodType>(
  c: CloudflareRequest,
  schema: Schema,
  code: number,
  message: string,
): Promise<z.output<Schema>> {
  try {
    return schema.parse(JSON.parse(await c.req.text()));
  } catch {
    throw failure(400, code, message);
  }
}

async function putTags(world: World, c: CloudflareRequest, scope: Scope): Promise<Response> {
  const body = await parseBody(c, setSchema, 1002, "Invalid set payload");
  requireType(scope, body.resource_type);
  checkTags(body.tags);
  if (!existing(world, scope, body.resource_type, body.resource_id))
    throw notFound(body.resource_type, body.resource_id);
  const name = key(scope, body.resource_type, body.resource_id);
  checkPrecondition(c, world.tags.get(name));
  const others = scopeEntries(world, scope).filter((entry) => key(scope, entry.type, entry.id) !== name);
  const total = others.reduce(
    (sum, entry) => sum + Object.keys(entry.tags).length,
    Object.keys(body.tags).length,
  );
  if (total > maximumTags) throw failure(400, 1002, `Invalid set payload: more than ${maximumTags} tags`);
  const digest = createHash("sha256")
    .update(JSON.stringify(Object.entries(body.tags).toSorted(([a], [b]) => (a < b ? -1 : 1))))
    .digest("hex");
  const entry = {
    type: body.resource_type,
    id: body.resource_id,
    scope: `${scope.kind}/${scope.id}`,
    tags: body.tags,
    etag: `v1:${digest.slice(0, 32)}`,
    updatedOn: world.timestamp(),
  };
  world.tags.set(name, entry);
  c.env.changed = true;
  return success(describe(world, scope, entry), { headers: { etag: entry.etag } });
}

function scopeEntries(world: World, scope: Scope): ResourceTags[] {
  return world.tags.values().filter((entry) => entry.scope === `${scope.kind}/${scope.id}`);
}

function matches(tags: Record<string, string>, filter: string): boolean {
  const negated = filter.startsWith("!");
  const text = negated ? filter.slice(1) : filter;
  const [name = "", ...rest] = text.split("=");
  if (name === "") throw failure(400, 1007, "tag parameter must be in format key:value");
  const different = name.endsWith("!");
  const value = tags[different ? name.slice(0, -1) : name];
  if (rest.length === 0) return (value !== undefined) !== negated;
  const values = rest.join("=").split(",");
  if (values.length > 10) throw failure(400, 1013, "too many OR values in tag filter (maximum 10)");
  const hit = value !== undefined && values.includes(value);
  return hit !== (negated || different);
}

function listResources(world: World, c: CloudflareRequest, scope: Scope): Response {
  const filters = c.req.queries("tag") ?? [];
  if (filters.length > 20) throw failure(400, 1010, "too many tag filters (maximum 20)");
  const wanted = c.req.queries("type") ?? [];
  const entries = scopeEntries(world, scope)
    .filter((entry) => existing(world, scope, entry.type, entry.id) && Object.keys(entry.tags).length > 0)
    .filter((entry) => wanted.length === 0 || wanted.includes(entry.type))
    .filter((entry) => filters.every((filter) => matches(entry.tags, filter)));
  const { items, cursor } = pageByCursor(c, entries, {
    parameter: "no_page_size",
    perPage: 100,
    maximum: 100,
  });
  const resultInfo = { count: items.length, cursor };
  return success(
    items.map((entry) => describe(world, scope, entry)),
    { resultInfo },
  );
}

/** The resource tagging API (public beta) of accounts and zones. */
export function tagRoutes(app: Hono<SandboxHono>, world: World): void {
  for (const kind of ["accounts", "zones"] as const) {
    const base = `/${kind}/:scope/tags`;
    const scopeOf = (c: CloudflareRequest): Scope => ({ kind, id: c.req.param("scope") ?? "" });
    app.get(base, (c) => {
      const type = c.req.query("resource_type");
      const id = c.req.query("resource_id");
      if (!type || !id) throw failure(400, 1003, "resource_type and resource_id are required");
      requireType(scopeOf(c), type);
      const entry = world.tags.get(key(scopeOf(c), type, id));
      if (!entry || !existing(world, scopeOf(c), type, id)) throw notFound(type, id);
      return success(describe(world, scopeOf(c), entry), { headers: { etag: entry.etag } });
    });
    app.put(base, (c) => putTags(world, c, scopeOf(c)));
    app.delete(base, async (c) => {
      const body = await parseBody(c, targetSchema, 1015, "Invalid delete payload");
      const name = key(scopeOf(c), body.resource_type, body.resource_id);
      const entry = world.tags.get(name);
      checkPrecondition(c, entry);
      if (!entry) throw notFound(body.resource_type, body.resource_id);
      world.tags.delete(name);
      c.env.changed = true;
      return new Response(null, { status: 204 });
    });
    app.get(`${base}/resources`, (c) => listResources(world, c, scopeOf(c)));
    app.get(`${base}/keys`, (c) => {
      const names = new Set(scopeEntries(world, scopeOf(c)).flatMap((entry) => Object.keys(entry.tags)));
      return success([...names].toSorted());
    });
    app.get(`${base}/values/:key`, (c) => {
      const values = scopeEntries(world, scopeOf(c)).flatMap((entry) => entry.tags[c.req.param("key")] ?? []);
      return success([...new Set(values)].toSorted());
    });
  }
}
