/** Create, update, patch and apply over HTTP. */
import { ApiError, type KubernetesObject } from "../store/resource-client.ts";
import type { ApiStore } from "./api-store.ts";
import { bodyType, decodeBody, isRecord, objectFor, readBody, type Decoded } from "./body.ts";
import { isCustom } from "./openapi.ts";
import { DecodeError, parseJsonText, parseYamlText } from "./json-text.ts";
import { parseWriteQuery, type WriteQuery } from "./request-options.ts";
import type { ResourcePath } from "./request-path.ts";
import { badRequest, methodNotAllowed, unsupportedMediaType } from "./status.ts";

export interface WriteContext {
  store: ApiStore;
  path: ResourcePath;
  request: Request;
  query: URLSearchParams;
}

export interface WriteResult {
  object: KubernetesObject;
  created: boolean;
  warnings: readonly string[];
}

type StoreWrite = Parameters<ApiStore["write"]>[1];

const APPLY = "application/apply-patch+yaml";
const STRATEGIC = "application/strategic-merge-patch+json";
const PATCH_TYPES = ["application/json-patch+json", "application/merge-patch+json", APPLY];

/** The field manager of a request that names none: the product in its User-Agent (apiserver `prefixFromUserAgent`). */
function managerOf(request: Request): string {
  const product = (request.headers.get("user-agent") ?? "").split("/", 1)[0] ?? "";
  const printable = product.replace(/[\p{Cc}\p{Cf}]/gu, "").slice(0, 128);
  return printable === "" ? "unknown" : printable;
}

/**
 * Runs a write with the field validation that was asked for. Duplicate fields are found in the body's text, unknown ones
 * by the store; a strict refusal names both, and nothing is stored.
 */
async function perform(
  context: WriteContext,
  write: StoreWrite,
  options: { query: WriteQuery; duplicates: readonly string[]; signal: AbortSignal },
): Promise<WriteResult> {
  const { store, path, request } = context;
  const { query, duplicates } = options;
  const { type } = path.definition;
  const notes = duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`);
  const storeOptions = {
    fieldManager: query.fieldManager ?? managerOf(request),
    dryRun: query.dryRun || (query.fieldValidation === "Strict" && notes.length > 0),
    force: query.force,
    status: path.subresource === "status",
    fieldValidation: query.fieldValidation,
  };
  const refusal = (unknown: string): ApiError => {
    const all = [...notes, ...(unknown === "" ? [] : [unknown])].join(", ");
    return badRequest(
      `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: strict decoding error: ${all}`,
    );
  };
  let answer: Awaited<ReturnType<ApiStore["write"]>>;
  try {
    answer = await store.write(type, write, storeOptions, options.signal);
  } catch (error) {
    const unknown =
      error instanceof ApiError ? /strict decoding error: (.*)$/s.exec(error.message)?.[1] : undefined;
    throw unknown === undefined || notes.length === 0 ? error : refusal(unknown);
  }
  if (query.fieldValidation === "Strict" && notes.length > 0) throw refusal("");
  const warnings = query.fieldValidation === "Warn" ? [...notes, ...answer.warnings] : [];
  return { object: answer.object, created: answer.created, warnings };
}

/** POST. @throws ApiError */
export async function createRequest(context: WriteContext): Promise<WriteResult> {
  const { path, request } = context;
  const { definition } = path;
  if (path.name !== undefined) throw methodNotAllowed();
  const decoded = await decodeBody(request, definition.type.kind);
  const query = parseWriteQuery(context.query, "create");
  const object = objectFor(path, decoded.value);
  return perform(
    context,
    { verb: "create", object },
    { query, duplicates: decoded.duplicates, signal: request.signal },
  );
}

/** PUT. @throws ApiError */
export async function updateRequest(context: WriteContext): Promise<WriteResult> {
  const { path, request } = context;
  if (path.name === undefined) throw methodNotAllowed();
  const decoded = await decodeBody(request, path.definition.type.kind);
  const query = parseWriteQuery(context.query, "update");
  const { value } = decoded;
  const metadata = isRecord(value) && isRecord(value["metadata"]) ? value["metadata"] : {};
  // What replaces an object has to say which one: an empty body would empty it.
  if (metadata["name"] === undefined || metadata["name"] === "") {
    throw badRequest(
      `the name of the object (${path.name} based on URL) was undeterminable: name must be provided`,
    );
  }
  const object = objectFor(path, value);
  return perform(
    context,
    { verb: "update", object },
    { query, duplicates: decoded.duplicates, signal: request.signal },
  );
}

async function decodePatch(request: Request, read: (text: string) => Decoded): Promise<Decoded> {
  const text = await readBody(request);
  try {
    return read(text);
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

function mergeBody(value: unknown): Record<string, unknown> {
  if (isRecord(value)) return value;
  const what = Array.isArray(value) ? "array" : typeof value;
  throw badRequest(
    `error decoding patch: json: cannot unmarshal ${what} into Go value of type map[string]interface {}`,
  );
}

function jsonPatchBody(value: unknown): Record<string, unknown>[] {
  const wrong = (what: string, place: string): ApiError =>
    badRequest(`error decoding patch: json: cannot unmarshal ${what} into Go ${place}`);
  const whatIs = (given: unknown): string =>
    given === null ? "null" : isRecord(given) ? "object" : Array.isArray(given) ? "array" : typeof given;
  if (!Array.isArray(value)) throw wrong(whatIs(value), "value of type []handlers.jsonPatchOp");
  for (const operation of value as unknown[]) {
    if (!isRecord(operation)) throw wrong(whatIs(operation), "value of type handlers.jsonPatchOp");
    for (const field of ["op", "path", "from"]) {
      const given = operation[field];
      if (given !== undefined && given !== null && typeof given !== "string")
        throw wrong(whatIs(given), `struct field jsonPatchOp.${field} of type string`);
    }
  }
  return value as Record<string, unknown>[];
}

async function applyRequest(context: WriteContext): Promise<WriteResult> {
  const { path, request } = context;
  const query = parseWriteQuery(context.query, "apply");
  let decoded: Decoded;
  try {
    decoded = parseYamlText(await readBody(request));
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`error decoding YAML: ${error.message}`);
    throw error;
  }
  const { value, duplicates } = decoded;
  if (!isRecord(value) || typeof value["kind"] !== "string" || typeof value["apiVersion"] !== "string") {
    throw badRequest("invalid object type: /, Kind=");
  }
  if (isRecord(value["metadata"]) && value["metadata"]["managedFields"] !== undefined) {
    throw badRequest("metadata.managedFields must be nil");
  }
  const object = objectFor(path, value);
  return perform(context, { verb: "apply", object }, { query, duplicates, signal: request.signal });
}

/** PATCH of every type. @throws ApiError 415 for strategic merge of kinds of ours, as for every custom resource */
export async function patchRequest(context: WriteContext): Promise<WriteResult> {
  const { path, request } = context;
  const { definition, name, namespace } = path;
  if (name === undefined) throw methodNotAllowed();
  const type = bodyType(request);
  const accepted = isCustom(definition) ? PATCH_TYPES : [...PATCH_TYPES, STRATEGIC];
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  if (type === APPLY) return applyRequest(context);
  const { value, duplicates } = await decodePatch(request, parseJsonText);
  const query = parseWriteQuery(context.query, "patch");
  const key = namespace === undefined ? { name } : { name, namespace };
  const patch =
    type === "application/json-patch+json"
      ? ({ type: "json", body: jsonPatchBody(value) } as const)
      : type === STRATEGIC
        ? ({ type: "strategic", body: mergeBody(value) } as const)
        : ({ type: "merge", body: mergeBody(value) } as const);
  return perform(context, { verb: "patch", key, patch }, { query, duplicates, signal: request.signal });
}
