import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { readAssetToken, signAssetToken } from "./asset-tokens.ts";
import { failure, readJson, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import { multipartBoundary } from "./multipart.ts";
import { splitParts } from "./upload.ts";
import type { World } from "./world.ts";

const fileLimitBytes = 25 * 1024 * 1024;
const bucketFiles = 50;

const sessionSchema = z.looseObject({
  manifest: z.record(
    z.string().startsWith("/", "must start with '/'"),
    z.looseObject({
      hash: z.string().regex(/^[0-9a-f]{32}$/, "must be 32 hexadecimal characters"),
      size: z.number().int().min(0).max(fileLimitBytes),
    }),
  ),
});

async function openSession(world: World, c: CloudflareRequest): Promise<Response> {
  const account = c.req.param("account") ?? "";
  const script = c.req.param("name") ?? "";
  const { manifest } = await readJson(c, sessionSchema, 10021);
  const hashes = [...new Set(Object.values(manifest).map((file) => file.hash))];
  const missing = hashes.filter((hash) => !world.assets.get(`${account}/${hash}`));
  const session = { id: world.context.random.uuid(), accountId: account, script, manifest, missing };
  world.assetSessions.set(session.id, session);
  c.env.changed = true;
  const buckets: string[][] = [];
  for (let index = 0; index < missing.length; index += bucketFiles)
    buckets.push(missing.slice(index, index + bucketFiles));
  const jwt = signAssetToken(world, { session: session.id, account, script, complete: missing.length === 0 });
  return success({ jwt, buckets });
}

async function uploadFiles(world: World, c: CloudflareRequest): Promise<Response> {
  const token = /^Bearer\s+(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
  const claims = readAssetToken(world, token);
  const session = world.assetSessions.get(claims.session);
  if (!session || claims.account !== c.req.param("account"))
    throw failure(403, 10000, "Authentication error");
  const boundary = multipartBoundary(c.req.header("content-type") ?? "");
  if (boundary === undefined) throw failure(415, 10021, "The upload must be multipart/form-data.");
  if (c.req.query("base64") !== "true") throw failure(400, 10021, "Only base64=true uploads are supported.");
  const parts = splitParts(new Uint8Array(await c.req.arrayBuffer()), boundary);
  const sizes = new Map(Object.values(session.manifest).map((file) => [file.hash, file.size]));
  for (const part of parts) {
    const text = Buffer.from(part.bytes).toString("utf8");
    const size = sizes.get(part.name);
    if (size === undefined)
      throw failure(400, 10021, `Uploaded file with hash '${part.name}' is not in the manifest.`);
    const decoded = Buffer.from(text, "base64");
    if (decoded.length !== size)
      throw failure(
        400,
        10021,
        `Uploaded file with hash '${part.name}' has ${decoded.length} bytes, the manifest says ${size}.`,
      );
    world.assets.set(`${claims.account}/${part.name}`, {
      base64: decoded.toString("base64"),
      contentType: part.contentType,
    });
  }
  const uploaded = new Set(parts.map((part) => part.name));
  const missing = session.missing.filter((hash) => !uploaded.has(hash));
  world.assetSessions.set(session.id, { ...session, missing });
  c.env.changed = true;
  if (missing.length > 0) return success({}, { status: 202 });
  const { session: id, account, script } = claims;
  return success(
    { jwt: signAssetToken(world, { session: id, account, script, complete: true }) },
    { status: 201 },
  );
}

/** Upload sessions of static assets. */
export function assetRoutes(app: Hono<SandboxHono>, world: World): void {
  app.post("/accounts/:account/workers/scripts/:name/assets-upload-session", (c) => openSession(world, c));
  app.post("/accounts/:account/workers/workers/:name/assets-upload-session", (c) => openSession(world, c));
  app.post("/accounts/:account/workers/assets/upload", (c) => uploadFiles(world, c));
}
