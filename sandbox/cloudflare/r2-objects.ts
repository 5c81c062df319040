/** Objects of R2 buckets, as far as the control plane shows them. Those of running Workers lie in the data plane. */
import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { CloudflareFailure, failure, readJson, success } from "./envelope.ts";
import type { ApiError, CloudflareRequest } from "./envelope.ts";
import type { R2Bucket } from "./model.ts";
import { pageByCursor } from "./paging.ts";
import { bucketKey, requireBucket } from "./r2.ts";
import type { World } from "./world.ts";

const keysSchema = z.array(z.string()).min(1).max(1000);

async function keysOf(world: World, bucket: R2Bucket): Promise<string[]> {
  const prefix = `${bucketKey(bucket)}/`;
  const stored = world.objects
    .entries()
    .flatMap(([key]) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
  const running = (await world.options.workersDataPlane?.r2.list(bucket)) ?? [];
  return [...new Set([...stored, ...running])].toSorted();
}

async function remove(world: World, bucket: R2Bucket, keys: readonly string[]): Promise<void> {
  for (const key of keys) world.objects.delete(`${bucketKey(bucket)}/${key}`);
  await world.options.workersDataPlane?.r2.delete(bucket, keys);
}

async function list(world: World, c: CloudflareRequest): Promise<Response> {
  const prefix = c.req.query("prefix") ?? "";
  const keys = (await keysOf(world, requireBucket(world, c))).filter((key) => key.startsWith(prefix));
  const { items, cursor, perPage } = pageByCursor(c, keys, { perPage: 20, maximum: 1000 });
  const resultInfo = { per_page: perPage, is_truncated: cursor !== "", ...(cursor ? { cursor } : {}) };
  return success(
    items.map((key) => ({ key })),
    { resultInfo },
  );
}

async function removeMany(world: World, c: CloudflareRequest): Promise<Response> {
  const bucket = requireBucket(world, c);
  const wanted = await readJson(c, keysSchema, 10021);
  const known = new Set(await keysOf(world, bucket));
  const there = wanted.filter((key) => known.has(key));
  if (there.length > 0) {
    await remove(world, bucket, there);
    c.env.changed = true;
  }
  const missing: ApiError[] = wanted
    .filter((key) => !known.has(key))
    .map(() => ({ code: 10007, message: "The specified key does not exist." }));
  // What could be deleted is deleted all the same.
  if (missing.length > 0) throw new CloudflareFailure(200, missing);
  return success(there.map((key) => ({ key })));
}

/** Objects: listed, and by key put, read and deleted. */
export function r2ObjectRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/r2/buckets/:bucket/objects";
  app.get(base, (c) => list(world, c));
  app.delete(base, (c) => removeMany(world, c));
  app.put(`${base}/:key{.+}`, async (c) => {
    const bucket = requireBucket(world, c);
    const base64 = Buffer.from(await c.req.arrayBuffer()).toString("base64");
    const contentType = c.req.header("content-type") ?? "application/octet-stream";
    world.objects.set(`${bucketKey(bucket)}/${c.req.param("key")}`, {
      base64,
      contentType,
      uploadedOn: world.timestamp(),
    });
    c.env.changed = true;
    return success({ key: c.req.param("key"), size: String(Buffer.byteLength(base64, "base64")) });
  });
  app.get(`${base}/:key{.+}`, (c) => {
    const object = world.objects.get(`${bucketKey(requireBucket(world, c))}/${c.req.param("key")}`);
    if (!object) throw failure(404, 10007, "The specified key does not exist.");
    return new Response(new Uint8Array(Buffer.from(object.base64, "base64")), {
      headers: { "content-type": object.contentType },
    });
  });
  app.delete(`${base}/:key{.+}`, async (c) => {
    await remove(world, requireBucket(world, c), [c.req.param("key")]);
    c.env.changed = true;
    return success({ key: c.req.param("key") });
  });
}
