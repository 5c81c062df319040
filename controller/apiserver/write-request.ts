/** Create, update, patch and apply over HTTP. */
import type { KubernetesObject } from "../store/resource-client.ts";
import type { ApiStore } from "./api-store.ts";
import {
  bodyType,
  isRecord,
  objectOf,
  parseObjectBody,
  readBody,
  readObjectBody,
  type Decoded,
} from "./body.ts";
import { fieldValidation } from "../store/embedded/field-validation.ts";
import { DecodeError, parseJsonText, parseYamlText } from "./json-text.ts";
import { parseWriteQuery, type WriteQuery } from "./request-options.ts";
import type { ResourcePath } from "./request-path.ts";
import { badRequest, methodNotAllowed, unsupportedMediaType } from "./status.ts";

export interface WriteContext {
  store: ApiStore;
  path: ResourcePath;
  request: Request;
  query: URLSearchParams;
  /** Takes the text of a Warning header, which the answer carries whatever becomes of the write. */
  warn: (text: string) => void;
}

interface WriteResult {
  object: KubernetesObject;
  created: boolean;
}

type StoreWrite = Parameters<ApiStore["write"]>[1];
type Place = NonNullable<Extract<StoreWrite, { place?: unknown }>["place"]>;

const APPLY = "application/apply-patch+yaml";
const STRATEGIC = "application/strategic-merge-patch+json";
const PATCH_TYPES = ["application/json-patch+json", "application/merge-patch+json", APPLY];

/** The field manager of a request that names none: the product in its User-Agent (apiserver `prefixFromUserAgent`). */
function managerOf(request: Request): string {
  const product = (request.headers.get("user-agent") ?? "").split("/", 1)[0] ?? "";
  const printable = product.replace(/[\p{Cc}\p{Cf}]/gu, "").slice(0, 128);
  return printable === "" ? "unknown" : printable;
}

function placeOf({ namespace, name }: ResourcePath): Place {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}

async function perform(
  context: WriteContext,
  write: StoreWrite,
  options: { query: WriteQuery; duplicates: readonly string[] },
): Promise<WriteResult> {
  const { store, path, request, warn } = context;
  const { query, duplicates } = options;
  const { type } = path.definition;
  const { object, created } = await store.write(
    type,
    write,
    {
      fieldManager: query.fieldManager ?? managerOf(request),
      dryRun: query.dryRun,
      force: query.force,
      status: path.subresource === "status",
      warn,
      onDecoded: fieldValidation({ type, mode: query.fieldValidation, duplicates, warn }),
    },
    request.signal,
  );
  return { object, created };
}

/** POST. @throws ApiError */
export async function createRequest(context: WriteContext): Promise<WriteResult> {
  const { path, request } = context;
  const body = await readObjectBody(request);
  const query = parseWriteQuery(context.query, "create");
  const { value, duplicates } = parseObjectBody(body, path.definition);
  const object = objectOf(path.definition, value);
  return perform(context, { verb: "create", object, place: placeOf(path) }, { query, duplicates });
}

/** PUT. @throws ApiError */
export async function updateRequest(context: WriteContext): Promise<WriteResult> {
  const { path, request } = context;
  const body = await readObjectBody(request);
  const query = parseWriteQuery(context.query, "update");
  const { value, duplicates } = parseObjectBody(body, path.definition);
  const object = objectOf(path.definition, value);
  return perform(context, { verb: "update", object, place: placeOf(path) }, { query, duplicates });
}

/** @throws ApiError 400 */
function parsePatch(text: string): Decoded {
  try {
    return parseJsonText(text);
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
  const wrong = (what: string, place: string): Error =>
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
  const object = objectOf(path.definition, value);
  return perform(context, { verb: "apply", object, place: placeOf(path) }, { query, duplicates });
}

/** PATCH of every type. @throws ApiError 415 for strategic merge of kinds of ours, as for every custom resource */
export async function patchRequest(context: WriteContext): Promise<WriteResult> {
  const { store, path, request } = context;
  const { definition, name, namespace } = path;
  if (name === undefined) throw methodNotAllowed();
  const type = bodyType(request);
  const accepted = definition.builtIn === true ? [...PATCH_TYPES, STRATEGIC] : PATCH_TYPES;
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  if (type === APPLY) return applyRequest(context);
  const text = await readBody(request);
  const query = parseWriteQuery(context.query, "patch");
  const key = namespace === undefined ? { name } : { name, namespace };
  // What is not there is told before the patch is read.
  store.getText(definition.type, key);
  const { value, duplicates } = parsePatch(text);
  const patch =
    type === "application/json-patch+json"
      ? ({ type: "json", body: jsonPatchBody(value) } as const)
      : type === STRATEGIC
        ? ({ type: "strategic", body: mergeBody(value) } as const)
        : ({ type: "merge", body: mergeBody(value) } as const);
  return perform(context, { verb: "patch", key, patch }, { query, duplicates });
}
