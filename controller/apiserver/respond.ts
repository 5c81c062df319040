/** Answers: one object, a list or a stream, in the form that was negotiated. */
import { stringify } from "yaml";
import type { Clock } from "../runtime/clock.ts";
import type { TypeDefinition } from "../store/embedded/type-definition.ts";
import type { Negotiated } from "./media-type.ts";
import { stalledReader } from "./stalled-reader.ts";
import { badRequest, statusOf, asApiError } from "./status.ts";
import { partialMetadata, rowOf, tableOf, type IncludeObject, type TableColumns } from "./table.ts";

/** What answers need besides the objects. */
export interface RespondContext {
  negotiated: Negotiated;
  columns: TableColumns;
  include: IncludeObject;
  /** Milliseconds since the epoch, for ages. */
  now: number;
}

const NO_CACHE = "no-cache, private";
/** Characters that are gathered before a chunk of a long answer is sent. */
const CHUNK = 64 * 1024;
/** Answers up to this many objects, and characters, are sent in one piece. */
const SMALL_LIST = 64;
const SMALL_TEXT = 4 * CHUNK;

/** @throws ApiError 400 for an unknown includeObject */
export function parseInclude(query: URLSearchParams): IncludeObject {
  const text = query.get("includeObject") ?? "";
  if (text === "" || text === "Metadata") return "Metadata";
  if (text === "Object" || text === "None") return text;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(text)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

/** Any JSON answer. */
export function jsonResponse(
  body: unknown,
  options: { code?: number; headers?: Record<string, string> } = {},
): Response {
  return textResponse(JSON.stringify(body), options);
}

export function textResponse(
  text: string,
  options: { code?: number; headers?: Record<string, string> } = {},
): Response {
  return new Response(text, {
    status: options.code ?? 200,
    headers: { "cache-control": NO_CACHE, "content-type": "application/json", ...options.headers },
  });
}

/** The answer to whatever was thrown. */
export function errorResponse(error: unknown): Response {
  const refusal = asApiError(error);
  const retry = refusal.details.retryAfterSeconds;
  return jsonResponse(statusOf(refusal), {
    code: refusal.code,
    ...(retry === undefined ? {} : { headers: { "retry-after": String(retry) } }),
  });
}

/** Adds `Warning: 299` headers. Quotes and backslashes are escaped, what a header cannot hold is replaced. */
export function withWarnings(response: Response, warnings: readonly string[]): Response {
  for (const warning of warnings) {
    const text = warning.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, (character) => `\\${character}`);
    response.headers.append("warning", `299 - "${text}"`);
  }
  return response;
}

/** One object. @param text its JSON */
export function objectResponse(text: string, context: RespondContext, code = 200): Response {
  const { negotiated } = context;
  if (negotiated.as === undefined && negotiated.encoding === "json") return textResponse(text, { code });
  const object = JSON.parse(text) as unknown;
  const { as } = negotiated;
  if (as?.kind === "Table")
    return jsonResponse(tableOf(object, { ...context, version: as.version, withColumns: true }), { code });
  const shown = as === undefined ? object : partialMetadata(object, as.version);
  if (negotiated.encoding === "json") return jsonResponse(shown, { code });
  return textResponse(stringify(shown), { code, headers: { "content-type": "application/yaml" } });
}

export interface ListAnswer {
  texts: readonly string[];
  revision: number;
  continue?: string;
  remainingItemCount?: number;
}

/** Lists of custom resources always carry `continue`, those of built-in types when there is more. */
function listMetadata(list: ListAnswer, isCustom: boolean): Record<string, unknown> {
  return {
    ...(list.continue === undefined && !isCustom ? {} : { continue: list.continue ?? "" }),
    ...(list.remainingItemCount === undefined ? {} : { remainingItemCount: list.remainingItemCount }),
    resourceVersion: String(list.revision),
  };
}

/** The pieces of a list answer, each small, so that a long list never holds the event loop. */
function* listPieces(
  list: ListAnswer,
  definition: TypeDefinition,
  context: RespondContext,
): Generator<string> {
  const { type } = definition;
  const { as } = context.negotiated;
  const version = type.group === "" ? type.version : `${type.group}/${type.version}`;
  const metadata = JSON.stringify(listMetadata(list, as === undefined && definition.builtIn !== true));
  let head = `{"apiVersion":${JSON.stringify(version)},"kind":"${type.kind}List","metadata":${metadata},"items":[`;
  let item = (text: string): string => text;
  if (as?.kind === "Table") {
    const columns = JSON.stringify(context.columns.definitions);
    head = `{"kind":"Table","apiVersion":"meta.k8s.io/${as.version}","metadata":${metadata},"columnDefinitions":${columns},"rows":[`;
    item = (text) => JSON.stringify(rowOf(JSON.parse(text), { ...context, version: as.version }));
  } else if (as !== undefined) {
    head = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${as.version}","metadata":${metadata},"items":[`;
    item = (text) => JSON.stringify(partialMetadata(JSON.parse(text), as.version));
  }
  if (context.negotiated.encoding === "yaml") {
    const empty = JSON.parse(`${head}]}`) as Record<string, unknown>;
    if (list.texts.length === 0) return yield stringify(empty);
    const field = as?.kind === "Table" ? "rows" : "items";
    const { [field]: _, ...rest } = empty;
    yield `${stringify(rest)}${field}:\n`;
    for (const text of list.texts) yield stringify([JSON.parse(item(text))]);
    return;
  }
  yield head;
  let first = true;
  for (const text of list.texts) {
    yield first ? item(text) : `,${item(text)}`;
    first = false;
  }
  yield "]}\n";
}

/** How a long list is sent. */
export interface ListSending {
  clock: Clock;
  /** Awaited between chunks, so that other work gets its turn. */
  yieldToLoop: () => Promise<void>;
  /** Cuts the connection, for a client that no longer reads. */
  disconnect: () => void;
}

/** A list. */
export function listResponse(
  list: ListAnswer,
  definition: TypeDefinition,
  context: RespondContext,
  sending: ListSending,
): Response {
  const pieces = listPieces(list, definition, context);
  const headers = { "content-type": `application/${context.negotiated.encoding}` };
  const length = list.texts.reduce((sum, text) => sum + text.length, 0);
  if (list.texts.length <= SMALL_LIST && length <= SMALL_TEXT)
    return textResponse([...pieces].join(""), { headers });
  const encoder = new TextEncoder();
  const reader = stalledReader(sending.clock, sending.disconnect);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader.read();
        await sending.yieldToLoop();
        let chunk = "";
        for (;;) {
          const next = pieces.next();
          if (next.done === true) {
            if (chunk !== "") controller.enqueue(encoder.encode(chunk));
            controller.close();
            return;
          }
          chunk += next.value;
          if (chunk.length >= CHUNK) {
            controller.enqueue(encoder.encode(chunk));
            reader.sent();
            return;
          }
        }
      },
      cancel: () => reader.read(),
    },
    { highWaterMark: 1 },
  );
  return new Response(body, { status: 200, headers: { "cache-control": NO_CACHE, ...headers } });
}

/** One object of a watch event as it was asked for, as JSON. */
export function eventObject(text: string, context: RespondContext, withColumns: boolean): string {
  const { as } = context.negotiated;
  if (as === undefined) return text;
  const object = JSON.parse(text) as unknown;
  if (as.kind === "Table")
    return JSON.stringify(tableOf(object, { ...context, version: as.version, withColumns }));
  return JSON.stringify(partialMetadata(object, as.version));
}

/** The object of a BOOKMARK: nothing but its revision. */
export function bookmarkObject(
  definition: TypeDefinition,
  bookmark: { revision: number; initialEventsEnd?: true },
): { apiVersion: string; kind: string; metadata: object } {
  const { type } = definition;
  return {
    apiVersion: type.group === "" ? type.version : `${type.group}/${type.version}`,
    kind: type.kind,
    metadata: {
      ...(bookmark.initialEventsEnd === true ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
      resourceVersion: String(bookmark.revision),
    },
  };
}
