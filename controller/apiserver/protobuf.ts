/**
 * Reading of protobuf bodies. kubectl 1.33 to 1.36 send Secrets, ConfigMaps, Namespaces and access reviews as protobuf
 * and cannot be told otherwise; kinds of ours are always JSON. Answers are JSON: clients decode by Content-Type.
 * Field numbers: `generated.proto` of k8s.io/api and k8s.io/apimachinery, which never reuses one.
 */
import { badRequest } from "./status.ts";

type Scalar = "text" | "bytes" | "integer" | "flag" | "time" | "microTime" | "rawJson";

/** How a field is read. `textMap` and `bytesMap` are maps with text keys. */
type Field = Scalar | "texts" | "textMap" | "bytesMap" | { message: Message } | { messages: Message };

/** A message: field number to the name in JSON and how it is read. Numbers that are not here are skipped. */
export type Message = Readonly<Record<number, readonly [name: string, field: Field]>>;

/** Starts every protobuf body of Kubernetes (apimachinery `runtime/serializer/protobuf`). */
const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);
const DEPTH_LIMIT = 32;

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function truncated(): Error {
  return badRequest("the body of the request is not valid protobuf: it ends in the middle of a field");
}

function varint(reader: Reader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.at];
    if (byte === undefined) throw truncated();
    reader.at += 1;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, value);
  }
  throw badRequest("the body of the request is not valid protobuf: a number is longer than ten bytes");
}

function chunk(reader: Reader): Buffer {
  const length = Number(varint(reader));
  if (length < 0 || reader.at + length > reader.bytes.length) throw truncated();
  const part = reader.bytes.subarray(reader.at, reader.at + length);
  reader.at += length;
  return part;
}

/** Steps over a value that is not read. */
function skip(reader: Reader, wireType: number): void {
  if (wireType === 0) varint(reader);
  else if (wireType === 2) chunk(reader);
  else if (wireType === 1) reader.at += 8;
  else if (wireType === 5) reader.at += 4;
  else throw badRequest(`the body of the request is not valid protobuf: wire type ${wireType}`);
  if (reader.at > reader.bytes.length) throw truncated();
}

const TIME: Message = { 1: ["seconds", "integer"], 2: ["nanos", "integer"] };
const NO_TIME = -62_135_596_800;

function timeOf(bytes: Buffer, digits: 0 | 6, depth: number): string | undefined {
  const { seconds = 0, nanos = 0 } = readMessage(bytes, TIME, depth) as { seconds?: number; nanos?: number };
  if (bytes.length === 0 || seconds === NO_TIME) return undefined;
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime()))
    throw badRequest("the body of the request holds a time that is out of range");
  const whole = date.toISOString().slice(0, 19);
  if (digits === 0) return `${whole}Z`;
  return `${whole}.${String(Math.trunc(nanos / 1000)).padStart(6, "0")}Z`;
}

function rawJson(bytes: Buffer): unknown {
  const raw = readMessage(bytes, { 1: ["raw", "text"] }, 0)["raw"];
  if (raw === undefined) return {};
  try {
    return JSON.parse(raw as string) as unknown;
  } catch {
    throw badRequest("the body of the request holds managed fields that are not JSON");
  }
}

function entry(bytes: Buffer, value: "text" | "bytes", depth: number): [string, string] {
  const read = readMessage(bytes, { 1: ["key", "text"], 2: ["value", value] }, depth) as {
    key?: string;
    value?: string;
  };
  return [read.key ?? "", read.value ?? ""];
}

function setMap(target: Record<string, unknown>, name: string, [key, value]: [string, string]): void {
  const map = (target[name] ?? {}) as Record<string, string>;
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  target[name] = map;
}

function push(target: Record<string, unknown>, name: string, value: unknown): void {
  const list = (target[name] ??= []) as unknown[];
  list.push(value);
}

function readChunk(
  target: Record<string, unknown>,
  name: string,
  field: Field,
  bytes: Buffer,
  depth: number,
): void {
  if (field === "textMap") setMap(target, name, entry(bytes, "text", depth));
  else if (field === "bytesMap") setMap(target, name, entry(bytes, "bytes", depth));
  else if (field === "texts") push(target, name, bytes.toString("utf8"));
  else if (field === "text") target[name] = bytes.toString("utf8");
  else if (field === "bytes") target[name] = bytes.toString("base64");
  else if (field === "rawJson") target[name] = rawJson(bytes);
  else if (field === "time") target[name] = timeOf(bytes, 0, depth);
  else if (field === "microTime") target[name] = timeOf(bytes, 6, depth);
  else if (typeof field === "object" && "message" in field)
    target[name] = readMessage(bytes, field.message, depth);
  else if (typeof field === "object") push(target, name, readMessage(bytes, field.messages, depth));
}

/** Go leaves empty text out of its JSON, and writes it into protobuf: it means nothing was set. */
function isUnset(value: unknown, field: Field): boolean {
  return value === undefined || (value === "" && field === "text") || (value === 0 && field === "integer");
}

function readMessage(bytes: Buffer, message: Message, depth: number): Record<string, unknown> {
  if (depth > DEPTH_LIMIT) throw badRequest("the body of the request is nested too deep");
  const reader: Reader = { bytes, at: 0 };
  const target: Record<string, unknown> = {};
  while (reader.at < bytes.length) {
    const tag = Number(varint(reader));
    const wireType = tag & 7;
    const known = message[tag >>> 3];
    if (known === undefined) {
      skip(reader, wireType);
      continue;
    }
    const [name, field] = known;
    if (wireType === 0) {
      const value = varint(reader);
      if (field === "flag") target[name] = value !== 0n;
      else if (field === "integer") target[name] = Number(value);
    } else if (wireType === 2) readChunk(target, name, field, chunk(reader), depth + 1);
    else skip(reader, wireType);
    if (isUnset(target[name], field)) delete target[name];
  }
  return target;
}

const UNKNOWN: Message = {
  1: ["typeMeta", { message: { 1: ["apiVersion", "text"], 2: ["kind", "text"] } }],
  2: ["raw", "bytes"],
  3: ["contentEncoding", "text"],
  4: ["contentType", "text"],
};

/**
 * Reads a body of `application/vnd.kubernetes.protobuf`.
 * @param messageOf the message of an apiVersion and kind; undefined for one that is not read
 * @returns the object as its JSON would be
 * @throws ApiError 400
 */
export function decodeProtobuf(
  body: Buffer,
  messageOf: (apiVersion: string, kind: string) => Message | undefined,
): Record<string, unknown> {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badRequest("the body of the request does not start as protobuf of Kubernetes does");
  }
  const envelope = readMessage(body.subarray(MAGIC.length), UNKNOWN, 0) as {
    typeMeta?: { apiVersion?: string; kind?: string };
    raw?: string;
  };
  const { apiVersion = "", kind = "" } = envelope.typeMeta ?? {};
  const message = messageOf(apiVersion, kind);
  if (message === undefined) {
    throw badRequest(
      `protobuf of ${kind === "" ? "an unnamed kind" : kind} in ${JSON.stringify(apiVersion)} is not read here: send JSON`,
    );
  }
  return { apiVersion, kind, ...readMessage(Buffer.from(envelope.raw ?? "", "base64"), message, 0) };
}
