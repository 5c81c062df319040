import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { failure, parseJson, readJson, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import type { KvNamespace, KvValue } from "./model.ts";
import { multipartBoundary } from "./multipart.ts";
import { pageByCursor, pageNumbered } from "./paging.ts";
import { splitParts } from "./upload.ts";
import type { WorkersDataPlane } from "./workers-data-plane.ts";
import type { World } from "./world.ts";

const titleSchema = z.looseObject({ title: z.string().max(512).optional() });
const valueLimitBytes = 25 * 1024 * 1024;

/** Values in the sandbox's own storage: what the API serves when nothing runs Workers. */
function storedValues(world: World): WorkersDataPlane["kv"] {
  const now = (): number => world.context.clock.now() / 1000;
  const alive = (value: KvValue | undefined): KvValue | undefined =>
    value && (value.expiration === undefined || value.expiration > now()) ? value : undefined;
  return {
    get: (namespace, key) => Promise.resolve(alive(world.values.get(`${namespace}/${key}`))),
    put: (namespace, key, value) => {
      world.values.set(`${namespace}/${key}`, value);
      return Promise.resolve();
    },
    delete: (namespace, key) => {
      world.values.delete(`${namespace}/${key}`);
      return Promise.resolve();
    },
    list: (namespace, prefix) => {
      const start = `${namespace}/${prefix}`;
      const found = world.values.entries().filter(([key, value]) => key.startsWith(start) && alive(value));
      const keys = found.map(([key, { expiration, metadata }]) => ({
        name: key.slice(namespace.length + 1),
        ...(expiration === undefined ? {} : { expiration }),
        ...(metadata === undefined ? {} : { metadata }),
      }));
      return Promise.resolve(keys.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
    },
  };
}

function requireNamespace(world: World, c: CloudflareRequest): KvNamespace {
  const namespace = world.namespaces.get(c.req.param("namespace") ?? "");
  if (!namespace || namespace.accountId !== c.req.param("account")) {
    throw failure(404, 10013, "get namespace: 'namespace not found'");
  }
  return namespace;
}

function describe(namespace: KvNamespace): Record<string, unknown> {
  return { id: namespace.id, title: namespace.title, supports_url_encoding: true };
}

async function writeNamespace(world: World, c: CloudflareRequest, existing?: KvNamespace): Promise<Response> {
  const account = c.req.param("account") ?? "";
  const { title } = await readJson(c, titleSchema, 10019);
  if (!title) throw failure(400, 10019, "create namespace: 'title is required'");
  const taken = world.namespaces
    .values()
    .some((other) => other.accountId === account && other.title === title && other.id !== existing?.id);
  if (taken)
    throw failure(
      400,
      10014,
      "create namespace: 'a namespace with this account ID and title already exists'",
    );
  const namespace = { id: existing?.id ?? world.identifier(), accountId: account, title };
  world.namespaces.set(namespace.id, namespace);
  c.env.changed = true;
  return success(describe(namespace));
}

function checkKey(c: CloudflareRequest): string {
  const key = c.req.param("key") ?? "";
  if (Buffer.byteLength(key) > 512 || key === "." || key === "..")
    throw failure(414, 10030, "put: 'key exceeds 512 bytes or is not allowed'");
  return key;
}

async function readValue(world: World, c: CloudflareRequest): Promise<KvValue> {
  const boundary = multipartBoundary(c.req.header("content-type") ?? "");
  const body = new Uint8Array(await c.req.arrayBuffer());
  const parts = boundary === undefined ? [] : splitParts(body, boundary);
  const bytes = boundary === undefined ? body : parts.find((part) => part.name === "value")?.bytes;
  if (!bytes) throw failure(400, 10012, "put: 'the multipart body has no part named value'");
  if (bytes.byteLength > valueLimitBytes) throw failure(413, 10033, "put: 'value exceeds 25 MiB'");
  const metadataPart = parts.find((part) => part.name === "metadata");
  const metadata = metadataPart ? parseJson(Buffer.from(metadataPart.bytes).toString("utf8")) : undefined;
  const ttl = c.req.query("expiration_ttl");
  const absolute = c.req.query("expiration");
  const now = Math.floor(world.context.clock.now() / 1000);
  const expiration =
    absolute !== undefined ? Number(absolute) : ttl !== undefined ? now + Number(ttl) : undefined;
  if (expiration !== undefined && !(expiration >= now + 60)) {
    throw failure(400, 10029, "put: 'expiration must be at least 60 seconds in the future'");
  }
  return {
    base64: Buffer.from(bytes).toString("base64"),
    ...(metadata === undefined ? {} : { metadata }),
    ...(expiration === undefined ? {} : { expiration }),
  };
}

/** KV namespaces and their values. */
export function kvRoutes(app: Hono<SandboxHono>, world: World): void {
  const values = world.options.workersDataPlane?.kv ?? storedValues(world);
  const base = "/accounts/:account/storage/kv/namespaces";
  app.get(base, (c) => {
    const namespaces = world.namespaces.seenEntries("kv_namespace_list").map(([, namespace]) => namespace);
    const own = namespaces.filter((namespace) => namespace.accountId === c.req.param("account"));
    const descending = c.req.query("direction") === "desc";
    const sorted = own.toSorted((a, b) => (a.title < b.title ? -1 : 1));
    return pageNumbered(c, (descending ? sorted.toReversed() : sorted).map(describe));
  });
  app.post(base, (c) => writeNamespace(world, c));
  app.get(`${base}/:namespace`, (c) => success(describe(requireNamespace(world, c))));
  app.put(`${base}/:namespace`, (c) => writeNamespace(world, c, requireNamespace(world, c)));
  app.delete(`${base}/:namespace`, async (c) => {
    const namespace = requireNamespace(world, c);
    for (const { name } of await values.list(namespace.id, "")) await values.delete(namespace.id, name);
    world.namespaces.delete(namespace.id);
    c.env.changed = true;
    return success(null);
  });
  app.get(`${base}/:namespace/keys`, async (c) => {
    const namespace = requireNamespace(world, c);
    const keys = await values.list(namespace.id, c.req.query("prefix") ?? "");
    const { items, cursor } = pageByCursor(c, keys, { parameter: "limit", perPage: 1000, maximum: 1000 });
    return success(items, { resultInfo: { count: items.length, cursor } });
  });
  app.get(`${base}/:namespace/values/:key{.+}`, async (c) => {
    const value = await values.get(requireNamespace(world, c).id, checkKey(c));
    if (!value) throw failure(404, 10009, "get: 'key not found'");
    const headers: Record<string, string> = { "content-type": "application/octet-stream" };
    if (value.expiration !== undefined) headers["expiration"] = String(value.expiration);
    return new Response(new Uint8Array(Buffer.from(value.base64, "base64")), { status: 200, headers });
  });
  app.get(`${base}/:namespace/metadata/:key{.+}`, async (c) => {
    const value = await values.get(requireNamespace(world, c).id, checkKey(c));
    if (!value) throw failure(404, 10009, "get: 'key not found'");
    return success(value.metadata ?? null);
  });
  app.put(`${base}/:namespace/values/:key{.+}`, async (c) => {
    const namespace = requireNamespace(world, c);
    await values.put(namespace.id, checkKey(c), await readValue(world, c));
    c.env.changed = true;
    return success(null);
  });
  app.delete(`${base}/:namespace/values/:key{.+}`, async (c) => {
    const namespace = requireNamespace(world, c);
    await values.delete(namespace.id, checkKey(c));
    c.env.changed = true;
    return success(null);
  });
}
