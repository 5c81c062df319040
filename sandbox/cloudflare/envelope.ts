import type { Context } from "hono";
import type { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";

/** One request of this provider, as Hono hands it to a handler. */
export type CloudflareRequest = Context<SandboxHono>;

/** One entry of the envelope's `errors`, with the chain that the API's front door adds. */
export interface ApiError {
  code: number;
  message: string;
  documentation_url?: string;
  source?: { pointer: string };
  error_chain?: { code: number; message: string }[];
}

/** Thrown by handlers to answer with an error envelope; `app.onError` turns it into the response. */
export class CloudflareFailure extends Error {
  readonly status: number;
  readonly errors: ApiError[];
  readonly headers: Record<string, string>;
  constructor(status: number, errors: ApiError[], headers: Record<string, string> = {}) {
    super(errors[0]?.message ?? "unknown error");
    this.name = "CloudflareFailure";
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }
}

/**
 * An error answer with one entry.
 * @param status HTTP status
 * @param code Cloudflare's error code
 */
export function failure(status: number, code: number, message: string): CloudflareFailure {
  return new CloudflareFailure(status, [{ code, message }]);
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** The error envelope of a failure. */
export function failureResponse(error: CloudflareFailure): Response {
  return json(
    error.status,
    { success: false, errors: error.errors, messages: [], result: null },
    error.headers,
  );
}

/**
 * The success envelope.
 * @param result any JSON value
 * @param extras `status` (default 200), `resultInfo` for paged lists, further response headers
 */
export function success(
  result: unknown,
  extras: { status?: number; resultInfo?: Record<string, unknown>; headers?: Record<string, string> } = {},
): Response {
  const body = { success: true, errors: [], messages: [], result };
  const { status = 200, resultInfo, headers = {} } = extras;
  return json(status, resultInfo ? { ...body, result_info: resultInfo } : body, headers);
}

/**
 * The body as JSON, checked against a schema; unknown fields are ignored, as the API ignores them.
 * @param invalid code of the refusal when the body has the wrong shape
 * @throws CloudflareFailure 400 6007 for malformed JSON, 400 `invalid` for a wrong shape, naming the field
 */
export async function readJson<Schema extends z.ZodType>(
  c: CloudflareRequest,
  schema: Schema,
  invalid: number,
): Promise<z.output<Schema>> {
  const text = await c.req.text();
  return checkShape(parseJson(text), schema, invalid);
}

/**
 * Parses JSON text of a request.
 * @throws CloudflareFailure 400 6007 when it is not JSON
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw failure(400, 6007, "Malformed JSON in request body");
  }
}

/**
 * Checks a value against a schema.
 * @throws CloudflareFailure 400 `invalid`, naming the first wrong field as a JSON pointer
 */
export function checkShape<Schema extends z.ZodType>(
  value: unknown,
  schema: Schema,
  invalid: number,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const pointer = `/${(issue?.path ?? []).map(String).join("/")}`;
  throw new CloudflareFailure(400, [
    {
      code: invalid,
      message: `Invalid request body at ${pointer}: ${issue?.message ?? "wrong shape"}`,
      source: { pointer },
    },
  ]);
}
