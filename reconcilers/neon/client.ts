/**
 * The Neon client of one Connection. Thin on purpose: the package's axios has no timeout and hides how a call ended, so
 * its types describe the answers and the injected transport carries them.
 */
import type { Operation } from "@neondatabase/api-client";
import type { Fetch } from "../../controller/runtime/clock.ts";
import { FlaresmithError, isFlaresmithError } from "../../controller/runtime/errors.ts";
import type { SecretValue } from "../../controller/runtime/secret-value.ts";
import { failureError, failureOf } from "./failures.ts";
import type { NeonFailure, Renaming } from "./failures.ts";

interface CallOptions {
  /** What is done to which object, as a gerund: `creating the branch staging`. */
  what: string;
  signal: AbortSignal;
  /** Path in the spec of what is asked for, where one field stands for it; named when Neon refuses. */
  field?: string;
  /** What a branch that exists is to be called from now on. */
  renaming?: Renaming;
  /** Statuses that the caller deals with itself. */
  tolerate?: readonly number[];
}

type Answer<Data> =
  | { ok: true; status: number; data: Data }
  | { ok: false; failure: NeonFailure; error: FlaresmithError };

interface NeonIdentity {
  /** `user:<id>` or `org:<id>`: Connections with equal keys share budget, breaker and listings. */
  key: string;
  name: string;
  /** Organization of an organization key; undefined for a personal key. */
  orgId: string | undefined;
}

export interface NeonClient {
  /**
   * Answers undefined for a 404 of Neon's own: no such thing, or none that the API key may see.
   * @throws FlaresmithError for everything else but a success
   */
  read<Data>(path: string, options: CallOptions): Promise<Data | undefined>;
  /** @throws FlaresmithError for what is not tolerated */
  change<Data>(
    method: "POST" | "PATCH" | "DELETE",
    path: string,
    body: unknown,
    options: CallOptions,
  ): Promise<Answer<Data>>;
  identity(signal: AbortSignal): Promise<NeonIdentity>;
  makeSecret: (plaintext: string) => SecretValue;
}

/**
 * Changes with the same key go one after another, whichever Connection of an identity sends them: Neon refuses
 * overlapping ones in a project with 423. For the transport's `serialize`.
 */
export function changeKey({ url }: { url: URL }): string | undefined {
  return /\/projects\/([^/]+)/.exec(url.pathname)?.[1];
}

const ENDPOINT = "https://console.neon.tech/api/v2";

/** @param options.endpoint default https://console.neon.tech/api/v2 */
export function createNeonClient(options: {
  endpoint?: string | undefined;
  apiKey: string;
  fetch: Fetch;
  makeSecret: (plaintext: string) => SecretValue;
}): NeonClient {
  const endpoint = (options.endpoint ?? ENDPOINT).replace(/\/+$/, "");

  const send = async <Data>(
    method: string,
    path: string,
    body: unknown,
    call: CallOptions,
  ): Promise<Answer<Data>> => {
    const { signal, tolerate = [], what } = call;
    const write = method !== "GET";
    const headers: Record<string, string> = {
      accept: "application/json",
      authorization: `Bearer ${options.apiKey}`,
    };
    if (body !== undefined) headers["content-type"] = "application/json";
    const init: RequestInit = {
      method,
      headers,
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    let status: number;
    let text: string;
    try {
      const response = await options.fetch(`${endpoint}${path}`, init);
      status = response.status;
      text = await response.text();
    } catch (error) {
      if (isFlaresmithError(error)) throw error;
      // A read that its caller gave up is nobody's failure; a write may have arrived.
      if (!write) signal.throwIfAborted();
      throw new FlaresmithError({
        code: write ? "INTEGRATION_UNKNOWN_OUTCOME" : "INTEGRATION_UNAVAILABLE",
        message: `no answer of Neon to ${what}`,
        context: { provider: "neon" },
        cause: error,
      });
    }
    const data = parse(text);
    if (status >= 200 && status < 300) {
      if (status !== 204 && data === undefined) throw invalid(what, write);
      return { ok: true, status, data: data as Data };
    }
    const failure = failureOf(status, data);
    const foreign = status < 400 || (status === 404 && !failure.authoritative);
    if (foreign) throw invalid(what, write);
    const error = failureError(failure, { what, write, field: call.field, renaming: call.renaming });
    if (!tolerate.includes(status)) throw error;
    return { ok: false, failure, error };
  };

  return {
    makeSecret: options.makeSecret,
    read: async <Data>(path: string, call: CallOptions): Promise<Data | undefined> => {
      const answer = await send<Data>("GET", path, undefined, { ...call, tolerate: [404] });
      return answer.ok ? answer.data : undefined;
    },
    change: send,
    identity: async (signal) => {
      const answer = await send<{ account_id?: string; auth_method?: string }>("GET", "/auth", undefined, {
        what: "reading whose the API key is",
        signal,
      });
      if (!answer.ok) throw answer.error;
      const { account_id: id } = answer.data;
      // Without it every Connection would seem to be the same account, and they would share listings.
      if (id === undefined || id === "") throw invalid("reading whose the API key is", false);
      const org = answer.data.auth_method === "api_key_org";
      return { key: `${org ? "org" : "user"}:${id}`, name: id, orgId: org ? id : undefined };
    },
  };
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What is no document of Neon's, such as a proxy's page or one that was cut off, proves nothing. */
function invalid(what: string, write: boolean): FlaresmithError {
  return new FlaresmithError({
    code: write ? "INTEGRATION_UNKNOWN_OUTCOME" : "INTEGRATION_RESPONSE_INVALID",
    message: `the answer to ${what} is not one of Neon's API`,
    context: { provider: "neon" },
  });
}

/** What Neon goes on doing after its answer, for people; undefined when nothing. */
export function workOf(answer: { operations?: readonly Operation[] } | undefined): string | undefined {
  const actions = [...new Set((answer?.operations ?? []).map((operation) => operation.action))].toSorted();
  return actions.length === 0 ? undefined : `Neon is at work (${actions.join(", ")})`;
}
