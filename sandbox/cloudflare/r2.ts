import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { failure, readJson, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import type { R2Bucket } from "./model.ts";
import { pageByCursor } from "./paging.ts";
import type { World } from "./world.ts";

const classes = ["Standard", "InfrequentAccess"] as const;
const jurisdictions: readonly string[] = ["default", "eu", "fedramp"];
const createSchema = z.looseObject({
  name: z.string(),
  locationHint: z.string().optional(),
  storageClass: z.enum(classes).optional(),
});

function jurisdictionOf(c: CloudflareRequest): string {
  const jurisdiction = c.req.header("cf-r2-jurisdiction") ?? "default";
  if (!jurisdictions.includes(jurisdiction))
    throw failure(400, 10021, `Invalid jurisdiction '${jurisdiction}'.`);
  return jurisdiction;
}

function describe(bucket: R2Bucket): Record<string, unknown> {
  return {
    name: bucket.name,
    creation_date: bucket.createdOn,
    location: bucket.location,
    storage_class: bucket.storageClass,
    jurisdiction: bucket.jurisdiction,
  };
}

/** Key of a bucket; those of its objects begin with it and a slash. */
export function bucketKey(bucket: R2Bucket): string {
  return `${bucket.accountId}/${bucket.jurisdiction}/${bucket.name}`;
}

/** The bucket of a request. @throws CloudflareFailure 404 10006 */
export function requireBucket(world: World, c: CloudflareRequest): R2Bucket {
  const name = c.req.param("bucket") ?? "";
  const bucket = world.buckets.get(`${c.req.param("account") ?? ""}/${jurisdictionOf(c)}/${name}`);
  if (!bucket) throw failure(404, 10006, "The specified bucket does not exist.");
  return bucket;
}

async function createBucket(world: World, c: CloudflareRequest): Promise<Response> {
  const body = await readJson(c, createSchema, 10005);
  if (!/^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/.test(body.name))
    throw failure(400, 10005, "The specified bucket name is not valid.");
  const bucket: R2Bucket = {
    accountId: c.req.param("account") ?? "",
    name: body.name,
    jurisdiction: jurisdictionOf(c),
    location: (body.locationHint ?? "WNAM").toUpperCase(),
    storageClass: body.storageClass ?? "Standard",
    createdOn: world.timestamp(),
  };
  if (world.buckets.get(bucketKey(bucket)))
    throw failure(409, 10004, "The bucket you tried to create already exists, and you own it.");
  world.buckets.set(bucketKey(bucket), bucket);
  c.env.changed = true;
  return success(describe(bucket));
}

async function isEmpty(world: World, bucket: R2Bucket): Promise<boolean> {
  const prefix = `${bucketKey(bucket)}/`;
  if (world.objects.entries().some(([key]) => key.startsWith(prefix))) return false;
  return (await world.options.workersDataPlane?.r2.empty(bucket)) ?? true;
}

/** @throws CloudflareFailure 403 10042 */
function requireR2(world: World, account: string | undefined): void {
  const known = world.options.accounts.find(({ id }) => id === account);
  if (known?.r2 === false) throw failure(403, 10042, "Please enable R2 through the Cloudflare Dashboard.");
}

/** R2 buckets; their objects are in `r2-objects.ts`. */
export function r2Routes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/r2/buckets";
  app.use("/accounts/:account/r2/*", async (c, next) => {
    requireR2(world, c.req.param("account"));
    await next();
  });
  app.get(base, (c) => {
    const jurisdiction = jurisdictionOf(c);
    const contains = c.req.query("name_contains") ?? "";
    const after = c.req.query("start_after") ?? "";
    const buckets = world.buckets
      .seenEntries("r2_bucket_list")
      .map(([, bucket]) => bucket)
      .filter((bucket) => bucket.accountId === c.req.param("account") && bucket.jurisdiction === jurisdiction)
      .filter((bucket) => bucket.name.includes(contains) && bucket.name > after)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const ordered = c.req.query("direction") === "desc" ? buckets.toReversed() : buckets;
    const { items, cursor, perPage } = pageByCursor(c, ordered, { perPage: 20, maximum: 1000 });
    return success(
      { buckets: items.map(describe) },
      { resultInfo: { per_page: perPage, ...(cursor ? { cursor } : {}) } },
    );
  });
  app.post(base, (c) => createBucket(world, c));
  app.get(`${base}/:bucket`, (c) => success(describe(requireBucket(world, c))));
  app.patch(`${base}/:bucket`, (c) => {
    const bucket = requireBucket(world, c);
    const storageClass = z.enum(classes).safeParse(c.req.header("cf-r2-storage-class"));
    if (!storageClass.success)
      throw failure(400, 10021, "Header cf-r2-storage-class must be Standard or InfrequentAccess.");
    const updated = { ...bucket, storageClass: storageClass.data };
    world.buckets.set(bucketKey(bucket), updated);
    c.env.changed = true;
    return success(describe(updated));
  });
  app.delete(`${base}/:bucket`, async (c) => {
    const bucket = requireBucket(world, c);
    if (!(await isEmpty(world, bucket)))
      throw failure(409, 10008, "The bucket you tried to delete is not empty.");
    world.buckets.delete(bucketKey(bucket));
    c.env.changed = true;
    return success({});
  });
}
