/** Requests as the transport keeps them (able to be sent again), and answers read whole. */
import { FlaresmithError } from "./errors.ts";

type Body = NonNullable<RequestInit["body"]>;

export interface PlainRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: Body | null;
  readonly signal: AbortSignal | undefined;
}

/** An answer whose body is in memory. */
export interface PlainResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly url: string;
  /** The body is of an earlier answer, which the provider said still holds. */
  readonly replayed?: true;
}

const empty = new Uint8Array(new ArrayBuffer(0));
const decoder = new TextDecoder();

/** Whether sending it twice changes nothing (RFC 9110 §9.2.1). */
export function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/** Takes what fetch takes. Bodies that can be read only once are read now. */
export async function plainRequest(
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<PlainRequest> {
  const from = input instanceof Request ? input : undefined;
  const headers = new Headers(init.headers ?? from?.headers);
  const body = init.body ?? (from?.body === null ? undefined : from?.body);
  return {
    method: (init.method ?? from?.method ?? "GET").toUpperCase(),
    url: new URL(input instanceof Request ? input.url : input),
    headers,
    body: body === undefined || body === null ? null : await resendable(body, headers),
    signal: init.signal ?? from?.signal ?? undefined,
  };
}

async function resendable(body: Body, headers: Headers): Promise<Body> {
  if (typeof body === "string" || body instanceof Uint8Array || body instanceof URLSearchParams) return body;
  const read = new Response(body as NonNullable<ConstructorParameters<typeof Response>[0]>);
  const type = read.headers.get("content-type");
  if (type !== null && !headers.has("content-type")) headers.set("content-type", type);
  return new Uint8Array(await read.arrayBuffer());
}

/**
 * Reads an answer whole.
 *
 * @throws FlaresmithError INTEGRATION_RESPONSE_INVALID beyond `maxBytes`
 */
export async function readWhole(response: Response, url: string, maxBytes: number): Promise<PlainResponse> {
  const { status, headers } = response;
  const tooLarge = (): FlaresmithError =>
    new FlaresmithError({
      code: "INTEGRATION_RESPONSE_INVALID",
      message: `the answer is larger than ${maxBytes} bytes`,
    });
  if (Number(headers.get("content-length") ?? 0) > maxBytes) {
    await response.body?.cancel();
    throw tooLarge();
  }
  if (response.body === null) return { status, headers, body: empty, url };
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  const body = new Uint8Array(new ArrayBuffer(size));
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return { status, headers, body, url };
}

/** Statuses that fetch allows no body for. */
const bodiless = new Set([101, 204, 205, 304]);

/** A Response as SDKs expect it, `url` included. */
export function toResponse({ status, headers, body, url }: PlainResponse): Response {
  const copy = new Headers(headers);
  // The body is decoded and whole: what describes its transfer would be a lie.
  for (const name of ["content-encoding", "content-length", "transfer-encoding"]) copy.delete(name);
  const response = new Response(bodiless.has(status) ? null : body, { status, headers: copy });
  Object.defineProperty(response, "url", { value: url });
  return response;
}

/**
 * Why an answer cannot be what an API says: a page instead of data, or JSON that does not parse. Undefined when sound.
 *
 * @param accept the request's Accept header: who asks for HTML or raw content gets it
 */
export function brokenAnswer({ status, headers, body }: PlainResponse, accept: string): string | undefined {
  const type = headers.get("content-type") ?? "";
  const wantsAnything = /html|\braw\b|octet-stream/i.test(accept);
  if (/\bhtml\b/i.test(type) && !wantsAnything) return "an HTML page";
  const isJson = /^application\/(?:[\w.+-]+\+)?json\b/i.test(type) && !/\.raw\b/i.test(type);
  if (!isJson || status === 204 || status === 304 || body.byteLength === 0) {
    return isJson && status === 200 && body.byteLength === 0 ? "an empty body" : undefined;
  }
  try {
    JSON.parse(decoder.decode(body));
    return undefined;
  } catch {
    return "JSON that does not parse";
  }
}
