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
/** How much of a body is quoted that does not say what it is. */
const MISSING_QUOTE_LENGTH = 4096;

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

/** The body of a request that carries an object, read and not yet understood. */
interface ObjectBody {
  type: string;
  bytes: Buffer;
}

/** @throws ApiError 413, 415 */
export async function readObjectBody(request: Request): Promise<ObjectBody> {
  const type = bodyType(request);
  if (type !== "" && type !== "application/json" && type !== "application/yaml" && type !== PROTOBUF)
    throw unsupportedMediaType(SERVED_TYPES);
  return { type, bytes: await readBytes(request) };
}

/**
 * The start of a text, as kube-apiserver quotes what it could not read. Of a Secret nothing: the message may end in a
 * log.
 */
function quoted(text: string, kind: string): string {
  if (text === "") return " (<empty>)";
  if (kind === "Secret") return "";
  return ` (${text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)} ...` : text})`;
}

/**
 * Understands a body that holds an object, JSON or YAML.
 * @param target what the URL stands for
 * @throws ApiError 400 for a syntax error or an object that does not say what it is
 */
export function parseObjectBody(
  { type, bytes }: ObjectBody,
  target: Pick<TypeDefinition, "builtIn"> & { type: { group: string; version: string; kind: string } },
): Decoded {
  if (type === PROTOBUF) return { value: decodeProtobuf(bytes, messageOf), duplicates: [] };
  const { kind } = target.type;
  const text = textOf(bytes);
  const unrecognized = (why: string): Error =>
    badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why}${quoted(text, kind)}`);
  let decoded: Decoded;
  try {
    decoded = type === "application/yaml" ? parseYamlText(text) : parseJsonText(text);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw unrecognized(`couldn't get version/kind; json parse error: ${error.message}`);
  }
  const value = decoded.value ?? {};
  if (!isRecord(value))
    throw unrecognized("couldn't get version/kind; json parse error: it is not an object");
  // What a built-in type is, its URL says already.
  if (target.builtIn === true) return { ...decoded, value };
  for (const [field, name] of [
    ["kind", "Kind"],
    ["apiVersion", "apiVersion"],
  ] as const) {
    const given = value[field];
    if (typeof given !== "string" || given === "")
      throw unrecognized(`Object '${name}' is missing in '${text.slice(0, MISSING_QUOTE_LENGTH)}'`);
  }
  return decoded;
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
    if (error instanceof DecodeError)
      throw badRequest(`couldn't get version/kind; json parse error: ${error.message}`);
    throw error;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What an object is according to its URL, for those that do not say so themselves. */
export function objectOf({ type }: TypeDefinition, value: unknown): KubernetesObject {
  if (!isRecord(value)) throw badRequest("the body is not an object");
  const { metadata = {} } = value;
  if (metadata !== null && !isRecord(metadata)) throw badRequest("metadata must be an object");
  return {
    apiVersion: type.group === "" ? type.version : `${type.group}/${type.version}`,
    kind: type.kind,
    ...value,
    metadata: { ...metadata } as unknown as KubernetesObject["metadata"],
  };
}
