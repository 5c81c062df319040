/** Bodies of requests: size, media type, syntax. */
import type { KubernetesObject } from "../store/resource-client.ts";
import { DecodeError, parseJsonText, parseYamlText } from "./json-text.ts";
import { SERVED_TYPES } from "./media-type.ts";
import { decodeProtobuf } from "./protobuf.ts";
import { messageOf } from "./protobuf-messages.ts";
import { badRequest, tooLarge, unsupportedMediaType } from "./status.ts";
import type { TypeDefinition } from "../store/embedded/type-definition.ts";

/** Largest body that is read, in bytes, as in kube-apiserver. */
export const BODY_LIMIT = 3 * 1024 * 1024;

const PROTOBUF = "application/vnd.kubernetes.protobuf";
/** How much of a body that cannot be read is quoted. */
const QUOTE_LENGTH = 30;

/**
 * The body as text.
 * @throws ApiError 413 above {@link BODY_LIMIT}; 400 when it is no UTF-8
 */
export async function readBody(request: Request): Promise<string> {
  return textOf(await readBytes(request));
}

async function readBytes(request: Request): Promise<Buffer> {
  const declared = Number(request.headers.get("content-length") ?? "0");
  if (declared > BODY_LIMIT) throw tooLarge(BODY_LIMIT);
  if (request.body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > BODY_LIMIT) break;
      chunks.push(chunk);
    }
  } catch {
    // The client went away, or was cut off: nobody reads the answer, and nothing is wrong here.
    throw badRequest("the body of the request ended before it was complete");
  }
  if (size > BODY_LIMIT) throw tooLarge(BODY_LIMIT);
  return Buffer.concat(chunks);
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badRequest("the body of the request is not valid UTF-8");
  }
}

/**
 * The media type of the body, lower case and without parameters; empty when the request names none.
 * @returns something that is served by nobody for a header that names several types, or none
 */
export function bodyType(request: Request): string {
  const header = request.headers.get("content-type") ?? "";
  if (header.trim() === "") return "";
  const [type = ""] = header.split(";", 1);
  return /^[^\s,]+$/.test(type.trim()) ? type.trim().toLowerCase() : "unknown";
}

export interface Decoded {
  value: unknown;
  /** Paths of fields that stood twice. */
  duplicates: readonly string[];
}

/**
 * Reads a body that holds an object, JSON or YAML.
 * @param expected kind that the URL stands for, for the message
 * @throws ApiError 400, 413, 415
 */
export async function decodeBody(request: Request, expected: string): Promise<Decoded> {
  const type = bodyType(request);
  const isYaml = type === "application/yaml";
  if (type === PROTOBUF)
    return { value: decodeProtobuf(await readBytes(request), messageOf), duplicates: [] };
  if (type !== "" && type !== "application/json" && !isYaml) throw unsupportedMediaType(SERVED_TYPES);
  const text = await readBody(request);
  try {
    return isYaml ? parseYamlText(text) : parseJsonText(text);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const quote =
      text === "" ? "<empty>" : text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)} ...` : text;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected}): couldn't get version/kind; json parse error: ${error.message}${quoted(quote, expected)}`,
    );
  }
}

/** The optional body of a delete. @throws ApiError 400, 413, 415 */
export async function decodeDeleteBody(request: Request): Promise<unknown> {
  const type = bodyType(request);
  const bytes = await readBytes(request);
  if (bytes.length === 0) return undefined;
  if (type === PROTOBUF) return decodeProtobuf(bytes, messageOf);
  const text = textOf(bytes);
  if (text.trim() === "") return undefined;
  if (type !== "" && type !== "application/json" && type !== "application/yaml")
    throw unsupportedMediaType(SERVED_TYPES);
  try {
    return type === "application/yaml" ? parseYamlText(text).value : parseJsonText(text).value;
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`couldn't read the delete options: ${error.message}`);
    throw error;
  }
}

/** What a message quotes of a body. Of a Secret nothing: the message may end in a log. */
function quoted(text: string, kind: string): string {
  return kind === "Secret" && text !== "<empty>" ? "" : ` (${text})`;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Where an object is written to, from the URL. */
export interface Target {
  definition: TypeDefinition;
  namespace?: string;
  /** Left out on create. */
  name?: string;
}

function unnamed(kind: string, field: string, value: unknown): Error {
  const quote = JSON.stringify(value).slice(0, 200);
  const where = kind === "Secret" ? "the body" : `'${quote}'`;
  return badRequest(
    `the object provided is unrecognized (must be of type ${kind}): Object '${field}' is missing in ${where}${quoted(quote, kind)}`,
  );
}

/** A copy that can be filled in; what is wrong inside is the store's to say. */
function metadataOf(value: Record<string, unknown>): Record<string, unknown> {
  const { metadata } = value;
  if (metadata === undefined || metadata === null) return {};
  if (!isRecord(metadata)) throw badRequest("metadata must be an object");
  return { ...metadata };
}

/**
 * Makes an object of a decoded body, with the namespace and name of the URL filled in.
 * @throws ApiError 400 when it is no object, names no kind, or names another place than the URL
 */
export function objectFor(target: Target, value: unknown): KubernetesObject {
  const { definition } = target;
  const { type } = definition;
  if (!isRecord(value))
    throw badRequest(
      `the object provided is unrecognized (must be of type ${type.kind}): it is not an object`,
    );
  const builtIn = definition.schema === undefined;
  const version = type.group === "" ? type.version : `${type.group}/${type.version}`;
  const { apiVersion = builtIn ? version : undefined, kind = builtIn ? type.kind : undefined } = value;
  if (typeof kind !== "string" || kind === "") throw unnamed(type.kind, "Kind", value);
  if (typeof apiVersion !== "string" || apiVersion === "") throw unnamed(type.kind, "apiVersion", value);
  const metadata = metadataOf(value);
  if (type.namespaced && target.namespace !== undefined) {
    const { namespace } = metadata;
    if (namespace === undefined || namespace === null || namespace === "")
      metadata["namespace"] = target.namespace;
    else if (typeof namespace === "string" && namespace !== target.namespace) {
      throw badRequest(
        "the namespace of the provided object does not match the namespace sent on the request",
      );
    }
  }
  if (target.name !== undefined) {
    const { name } = metadata;
    if (name === undefined || name === null || name === "") metadata["name"] = target.name;
    else if (typeof name === "string" && name !== target.name) {
      throw badRequest(
        `the name of the object (${name}) does not match the name on the URL (${target.name})`,
      );
    }
  }
  return { ...value, apiVersion, kind, metadata: metadata as unknown as KubernetesObject["metadata"] };
}
