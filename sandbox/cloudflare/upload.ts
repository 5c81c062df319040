import { createHash } from "node:crypto";
import { Script } from "node:vm";
import { z } from "zod";
import { readAssetToken } from "./asset-tokens.ts";
import { checkShape, failure } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import type { Assets, Module } from "./model.ts";
import { multipartBoundary, parseMultipart } from "./multipart.ts";
import type { Part } from "./multipart.ts";
import type { World } from "./world.ts";

const moduleTypes: readonly string[] = Object.freeze([
  "application/javascript+module",
  "text/javascript+module",
  "application/javascript",
  "text/javascript",
  "application/wasm",
  "application/octet-stream",
  "application/json",
  "text/plain",
  "text/html",
  "text/x-python",
  "text/x-python-requirement",
  "application/source-map",
]);

const uploadLimitBytes = 64 * 1024 * 1024;

const bindingSchema = z.looseObject({ name: z.string().min(1), type: z.string() });

const bytes = (limit: number): z.ZodType<string> =>
  z.string().refine((text) => Buffer.byteLength(text) <= limit, `must be at most ${limit} bytes`);

const annotationsSchema = z.looseObject({
  "workers/message": bytes(1000).optional(),
  "workers/tag": bytes(100).optional(),
  "workers/alias": z.string().optional(),
});

const metadataSchema = z.object({
  main_module: z.string().optional(),
  body_part: z.string().optional(),
  compatibility_date: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, "must be a date like 2026-01-31")
    .optional(),
  compatibility_flags: z.array(z.string()).optional(),
  bindings: z.array(bindingSchema).optional(),
  /** Wrangler's map form of `bindings`; only Worker Previews know it. */
  env: z.record(z.string(), z.looseObject({ type: z.string() })).optional(),
  keep_bindings: z.array(z.string()).optional(),
  keep_assets: z.boolean().optional(),
  tags: z.array(z.string()).nullish(),
  annotations: annotationsSchema.optional(),
  assets: z
    .object({ jwt: z.string().optional(), config: z.record(z.string(), z.unknown()).optional() })
    .optional(),
  logpush: z.boolean().nullish(),
  observability: z.looseObject({ enabled: z.boolean() }).nullish(),
  tail_consumers: z.array(z.looseObject({ service: z.string() })).nullish(),
  placement: z.unknown().optional(),
  limits: z.unknown().optional(),
  migrations: z.unknown().optional(),
  usage_model: z.string().nullish(),
});

/** An upload's `metadata` part, checked; fields that the API does not know are ignored. */
export type UploadMetadata = z.output<typeof metadataSchema>;

/** An upload taken apart. */
export interface Upload {
  metadata: UploadMetadata;
  modules: Module[];
}

/** Checks an upload's metadata, wherever it came from. */
export function checkMetadata(value: unknown): UploadMetadata {
  return checkShape(value, metadataSchema, 10021);
}

/** What a part's module is called; undefined when the part is no module. */
type ModuleNaming = (part: Part) => string | undefined;

/** Scripts: the part's name is the module's. */
const byPartName: ModuleNaming = ({ filename, name }) =>
  name === "files" || name === "files[]" ? (filename ?? name) : name;

/** Preview deployments: modules are the parts `files`, called as their file names say. */
export const byFileName: ModuleNaming = ({ filename, name }) => (name === "files" ? filename : undefined);

/**
 * Reads a script or version upload. A body that is not `multipart/form-data` is a service-worker script, as on the real
 * API: that is how the flattened upload of the v7 SDK (JavaScript content type over a multipart body) ends in 10021.
 * @throws CloudflareFailure 400 10021 with what is wrong, 413 10027 when the upload is too large
 */
export async function readUpload(c: CloudflareRequest, naming: ModuleNaming = byPartName): Promise<Upload> {
  const contentType = c.req.header("content-type") ?? "";
  const body = new Uint8Array(await c.req.arrayBuffer());
  if (body.byteLength > uploadLimitBytes)
    throw failure(413, 10027, "Your Worker exceeded the size limit of 64 MiB before compression.");
  const boundary = multipartBoundary(contentType);
  if (boundary === undefined) return serviceWorkerUpload(body);
  const parts = splitParts(body, boundary);
  const metadataPart = parts.find((part) => part.name === "metadata");
  if (!metadataPart)
    throw failure(
      400,
      10021,
      "Missing metadata part: the upload must have a part named 'metadata' that holds JSON.",
    );
  const metadata = checkMetadata(parseMetadata(metadataPart));
  return {
    metadata,
    modules: collectModules(
      parts.filter((part) => part !== metadataPart),
      naming,
    ),
  };
}

/** Splits a multipart body, answering malformed ones with 10021. */
export function splitParts(body: Uint8Array, boundary: string): Part[] {
  try {
    return parseMultipart(body, boundary);
  } catch (error) {
    throw failure(400, 10021, error instanceof Error ? error.message : String(error));
  }
}

function parseMetadata(part: Part): unknown {
  try {
    return JSON.parse(Buffer.from(part.bytes).toString("utf8")) as unknown;
  } catch {
    throw failure(400, 10021, "The 'metadata' part is not valid JSON.");
  }
}

function serviceWorkerUpload(body: Uint8Array): Upload {
  const source = Buffer.from(body);
  checkScriptSyntax("worker.js", source.toString("utf8"));
  const module = {
    name: "worker.js",
    contentType: "application/javascript",
    base64: source.toString("base64"),
  };
  return { metadata: { body_part: "worker.js" }, modules: [module] };
}

function checkScriptSyntax(name: string, source: string): void {
  try {
    new Script(source, { filename: name });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw failure(400, 10021, `Uncaught SyntaxError: ${message}\n  at ${name}\n`);
  }
}

function collectModules(parts: readonly Part[], naming: ModuleNaming): Module[] {
  const names = new Set<string>();
  return parts.flatMap((part) => {
    const name = naming(part);
    if (name === undefined) return [];
    if (names.has(name)) throw failure(400, 10021, `Module name collision: two parts are named '${name}'.`);
    names.add(name);
    if (!moduleTypes.includes(part.contentType)) {
      throw failure(400, 10021, `Module '${name}' has unsupported content type '${part.contentType}'.`);
    }
    return { name, contentType: part.contentType, base64: Buffer.from(part.bytes).toString("base64") };
  });
}

/**
 * Checks that the entry exists and is code; scripts of the service-worker format are also checked for syntax.
 * @returns the entry's module name; undefined for a Worker of assets only
 */
export function checkEntry(upload: {
  metadata: UploadMetadata;
  modules: readonly Module[];
}): string | undefined {
  const { metadata, modules } = upload;
  const entry = metadata.main_module ?? metadata.body_part;
  if (entry === undefined) {
    if (modules.length === 0 && (metadata.assets !== undefined || metadata.keep_assets)) return undefined;
    throw failure(
      400,
      10021,
      "The uploaded script has no entry point: metadata names neither 'main_module' nor 'body_part'.",
    );
  }
  const module = modules.find((candidate) => candidate.name === entry);
  if (!module) throw failure(400, 10021, `No such module "${entry}": the upload has no part of that name.`);
  const script =
    metadata.main_module === undefined ||
    module.contentType === "application/javascript" ||
    module.contentType === "text/javascript";
  if (metadata.main_module !== undefined && !/\+module$|^text\/x-python$/.test(module.contentType)) {
    throw failure(
      400,
      10021,
      `The main module "${entry}" must have content type application/javascript+module, not ${module.contentType}.`,
    );
  }
  if (script) checkScriptSyntax(entry, Buffer.from(module.base64, "base64").toString("utf8"));
  return entry;
}

/** SHA-256 over names, types and contents of the modules: the script's `etag`. */
export function contentHash(modules: readonly Module[], assets: Assets | undefined): string {
  const hash = createHash("sha256");
  for (const module of modules) hash.update(`${module.name}\0${module.contentType}\0${module.base64}\0`);
  if (assets) hash.update(JSON.stringify(assets.manifest));
  return hash.digest("hex");
}

/** The handlers that an entry module seems to export; the real API learns them by running it. */
export function guessHandlers(modules: readonly Module[], entry: string | undefined): string[] {
  const module = modules.find((candidate) => candidate.name === entry);
  if (!module) return [];
  const source = Buffer.from(module.base64, "base64").toString("utf8");
  return ["fetch", "scheduled", "queue", "email", "tail"].filter((name) =>
    new RegExp(`\\b${name}\\s*[(:,}]`).test(source),
  );
}

/**
 * The assets of an upload: those of a completed session, or the previous ones when kept.
 * @throws CloudflareFailure 400 10021 when the JWT is of another script or its session is not complete
 */
export function resolveAssets(
  world: World,
  options: { accountId: string; script: string; metadata: UploadMetadata; previous: Assets | undefined },
): Assets | undefined {
  const { accountId, script, metadata, previous } = options;
  const requested = metadata.assets;
  if (!requested) return metadata.keep_assets ? previous : undefined;
  if (requested.jwt === undefined) {
    if (!metadata.keep_assets || !previous)
      throw failure(
        400,
        10021,
        "metadata.assets.jwt is missing: upload the assets first and send the completion token.",
      );
    return { manifest: previous.manifest, config: requested.config ?? previous.config };
  }
  const claims = readAssetToken(world, requested.jwt);
  const session = world.assetSessions.get(claims.session);
  if (!claims.complete || !session || claims.account !== accountId || claims.script !== script) {
    throw failure(
      400,
      10021,
      "metadata.assets.jwt is not the completion token of this Worker's asset upload.",
    );
  }
  return { manifest: session.manifest, config: requested.config ?? {} };
}
