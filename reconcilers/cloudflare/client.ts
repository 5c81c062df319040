/** The Cloudflare client of one Connection: authorised, classified, one call at a time. Retries are the transport's. */
import type { BaseCloudflare } from "cloudflare/client";
import type * as TreeShakable from "cloudflare/tree-shakable";
import { z } from "zod";
import type { Clock, Fetch } from "../../controller/runtime/clock.ts";
import { failureError, invalidAnswer, unansweredError } from "./failures.ts";
import type { ApiError, Purpose } from "./failures.ts";
import { identify } from "./identity.ts";
import type { CloudflareIdentity } from "./identity.ts";
import type { Multipart } from "./multipart.ts";

/** Without it the SDK sends today's date, and Cloudflare's behaviour moves under a running controller. */
const API_VERSION = "2026-01-01";
const DEFAULT_ENDPOINT = "https://api.cloudflare.com/client/v4";
const DEFAULT_WORKERS_URL = "https://{script}.{subdomain}.workers.dev";
/** The SDK arms a timer of its own for each call; the transport's deadline is meant to come first. */
const SDK_TIMEOUT = 600_000;

interface Call<Schema extends z.ZodType> {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the endpoint, with a leading slash; segments already encoded, see {@link segment}. */
  path: string;
  query?: Readonly<Record<string, string>>;
  json?: unknown;
  form?: Multipart;
  headers?: Readonly<Record<string, string>>;
  /** Sent instead of the Connection's token: the JWT of an asset upload. */
  bearer?: string;
  /** Shape of `result`. */
  result: Schema;
  /** See {@link Purpose}; `write` follows from the method where it is left out. */
  purpose: Omit<Purpose, "write"> & { write?: boolean };
  signal: AbortSignal;
}

interface CloudflareAnswer<Result> {
  result: Result;
  resultInfo: Readonly<Record<string, unknown>>;
}

export interface CloudflareClient {
  /** Absolute URL of the API, without a slash at the end. */
  readonly endpoint: string;
  /** The account that the Connection names, if it does. */
  readonly accountId: string | undefined;
  /** Where a script answers under workers.dev, with `{script}` and `{subdomain}`. */
  readonly workersUrl: string;
  /** @throws FlaresmithError for everything but a success whose result has the shape asked for */
  call<Schema extends z.ZodType>(call: Call<Schema>): Promise<CloudflareAnswer<z.output<Schema>>>;
  /** What the token is and which accounts it reaches. Two reads. */
  identity(signal: AbortSignal): Promise<CloudflareIdentity>;
}

export interface CloudflareClientOptions {
  /** Default: Cloudflare's own API. */
  endpoint?: string;
  apiToken: string;
  accountId?: string;
  /** Template with `{script}` and `{subdomain}`. Default: `https://{script}.{subdomain}.workers.dev`. */
  workersUrl?: string;
  /** The transport: deadlines, budget and retries of reads are its matter. */
  fetch: Fetch;
  clock: Clock;
}

const envelope = z.looseObject({
  success: z.boolean(),
  errors: z.array(z.looseObject({ code: z.number(), message: z.string() })).nullish(),
  result: z.unknown().optional(),
  result_info: z.record(z.string(), z.unknown()).nullish(),
});

/** A path segment that may hold any character. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}

let sdk: Promise<typeof TreeShakable> | undefined;

/**
 * Loads Cloudflare's SDK, which takes a third of a second and is not needed before the first call. Whoever runs on a
 * virtual clock calls this first, because loading a module needs the real event loop.
 */
export async function loadCloudflareSdk(): Promise<void> {
  sdk ??= import("cloudflare/tree-shakable");
  await sdk;
}

async function connect(options: CloudflareClientOptions, endpoint: string): Promise<BaseCloudflare> {
  sdk ??= import("cloudflare/tree-shakable");
  const { createClient } = await sdk;
  return createClient({
    resources: [],
    // All explicit, because the SDK would take what is left out from the process's environment.
    apiToken: options.apiToken,
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    baseURL: endpoint,
    apiVersion: API_VERSION,
    logLevel: "off",
    maxRetries: 0,
    timeout: SDK_TIMEOUT,
    fetch: (input, init) => options.fetch(input, init),
  });
}

/** The SDK's names of methods. */
const methods = Object.freeze({
  GET: "get",
  POST: "post",
  PUT: "put",
  PATCH: "patch",
  DELETE: "delete",
} as const);

/** The failed answer inside what the SDK threw; undefined when it is no answer. */
function answeredFailure(
  thrown: unknown,
): { status: number; body: unknown; headers: Headers | undefined } | undefined {
  if (!(thrown instanceof Error) || !("status" in thrown) || typeof thrown.status !== "number")
    return undefined;
  const headers = "headers" in thrown && thrown.headers instanceof Headers ? thrown.headers : undefined;
  return { status: thrown.status, body: "error" in thrown ? thrown.error : undefined, headers };
}

function errorsOf(body: unknown): ApiError[] | undefined {
  const parsed = envelope.safeParse(body);
  return parsed.success && !parsed.data.success
    ? (parsed.data.errors ?? []).map(({ code, message }) => ({ code, message }))
    : undefined;
}

/** What a call that did not succeed ends in. */
function classified(thrown: unknown, purpose: Purpose, clock: Clock): Error {
  const failure = answeredFailure(thrown);
  if (!failure) return unansweredError(thrown, purpose);
  const errors = errorsOf(failure.body);
  // A refusal in another shape than Cloudflare's is a proxy's; only that it is overloaded is believed.
  if (!errors && failure.status < 500 && failure.status !== 429) {
    const problem = `HTTP ${failure.status} came with a body that is not Cloudflare's`;
    return invalidAnswer({ ...purpose, write: false }, problem);
  }
  const seconds = Number(failure.headers?.get("retry-after") ?? Number.NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds : undefined;
  return failureError({ status: failure.status, errors: errors ?? [], retryAfter }, purpose, clock.now());
}

/** Makes the client of one Connection; nothing is sent before the first call. */
export function createCloudflareClient(options: CloudflareClientOptions): CloudflareClient {
  const endpoint = (options.endpoint ?? DEFAULT_ENDPOINT).replace(/\/+$/, "");
  let connected: Promise<BaseCloudflare> | undefined;

  const call: CloudflareClient["call"] = async (given) => {
    const purpose: Purpose = { ...given.purpose, write: given.purpose.write ?? given.method !== "GET" };
    given.signal.throwIfAborted();
    connected ??= connect(options, endpoint);
    const client = await connected;
    const headers = {
      ...given.headers,
      ...(given.form === undefined ? {} : { "content-type": given.form.contentType }),
      ...(given.bearer === undefined ? {} : { authorization: `Bearer ${given.bearer}` }),
    };
    // The SDK never takes its listener off a signal; one that lives as long as the process would collect them.
    const controller = new AbortController();
    const abort = (): void => controller.abort(given.signal.reason);
    given.signal.addEventListener("abort", abort, { once: true });
    try {
      const response = await client
        .request({
          method: methods[given.method],
          path: given.path,
          headers,
          signal: controller.signal,
          ...(given.query === undefined ? {} : { query: given.query }),
          ...(given.json === undefined ? {} : { body: given.json }),
          ...(given.form === undefined ? {} : { body: given.form.body }),
        })
        .asResponse();
      return await readAnswer(response, given.result, purpose, options.clock);
    } catch (thrown) {
      throw classified(thrown, purpose, options.clock);
    } finally {
      given.signal.removeEventListener("abort", abort);
    }
  };

  return {
    endpoint,
    accountId: options.accountId,
    workersUrl: options.workersUrl ?? DEFAULT_WORKERS_URL,
    call,
    identity: (signal) => identify({ call, accountId: options.accountId }, signal),
  };
}

async function readAnswer<Schema extends z.ZodType>(
  response: Response,
  schema: Schema,
  purpose: Purpose,
  clock: Clock,
): Promise<CloudflareAnswer<z.output<Schema>>> {
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    throw unansweredError(error, purpose);
  }
  // Deleting tags answers 204 without a body.
  const empty = response.status === 204 && text === "";
  let body: unknown = { success: true, result: null };
  try {
    if (!empty) body = JSON.parse(text);
  } catch {
    throw invalidAnswer(purpose, `HTTP ${response.status} came with a body that is no JSON`);
  }
  const parsed = envelope.safeParse(body);
  if (!parsed.success)
    throw invalidAnswer(purpose, `HTTP ${response.status} came without Cloudflare's envelope`);
  const { data } = parsed;
  if (!data.success) {
    throw failureError({ status: response.status, errors: data.errors ?? [] }, purpose, clock.now());
  }
  const result = schema.safeParse(data.result);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw invalidAnswer(
      purpose,
      `the answer's result${issue === undefined || issue.path.length === 0 ? "" : `.${issue.path.join(".")}`} is not what Cloudflare documents`,
    );
  }
  return { result: result.data, resultInfo: data.result_info ?? {} };
}
