/**
 * The one transport under every SDK. It never sleeps for a rate limit and never sends a write twice, except after an
 * answer that proves the first was not applied; everything else is an error that says what the work queue should do.
 */
import type { BreakerPass } from "./breaker.ts";
import type { Clock, Fetch, Random } from "./clock.ts";
import { DeadlineExceeded, withDeadline } from "./deadline.ts";
import { FlaresmithError, isFlaresmithError } from "./errors.ts";
import type { ProviderIdentity } from "./provider-identity.ts";
import type { ProviderTime } from "./provider-time.ts";
import { isRateLimited, parseQuota, parseRetryAfter } from "./rate-limit.ts";
import type { RequestJournal } from "./request-journal.ts";
import { withRetries } from "./retry.ts";
import type { Tracker } from "./tracker.ts";
import {
  breakerOpen,
  busy,
  invalidAnswer,
  noAnswer,
  rateLimited,
  serverFailure,
} from "./transport-errors.ts";
import type { CallPlace } from "./transport-errors.ts";
import { brokenAnswer, isSafe, plainRequest, readWhole, toResponse } from "./transport-request.ts";
import type { PlainRequest, PlainResponse } from "./transport-request.ts";

export { unwrapTransportError } from "./transport-errors.ts";

/** On answers that were replayed from the ETag cache after a 304. */
export const cacheHeader = "x-flaresmith-cache";

export interface TransportOptions {
  /** Lower case, as in metrics and messages: `github`. */
  provider: string;
  /** `<namespace>/<name>` of the Connection. */
  connection: string;
  /** Shared by all Connections of one identity (see `createProviderIdentities`). */
  identity: ProviderIdentity;
  fetch: Fetch;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  journal?: RequestJournal | undefined;
  /** Told the time that each sound answer of the provider itself carries. */
  time?: Pick<ProviderTime, "heard"> | undefined;
  /** Milliseconds that one attempt may take, body included. Default 30,000 */
  deadline?: number | undefined;
  /** Largest answer in bytes. Default 32 MiB */
  maxBytes?: number | undefined;
  /** Template of a path for metrics and messages. Default: what looks like an id becomes `{id}` */
  route?: ((method: string, pathname: string) => string) | undefined;
  /**
   * Statuses at which the provider promises that nothing was applied, so that writes are repeated too (Neon: 423, 503).
   * Below 500 it is only busy; from 500 on it fails, as with any other. Default none
   */
  safeStatuses?: readonly number[] | undefined;
  /** Writes of one key go one after another, e.g. per Neon project. Default: undefined for all, side by side */
  serialize?: ((request: { method: string; url: URL }) => string | undefined) | undefined;
  /** How much of the budget a request costs. Default 1 */
  cost?: ((method: string) => number) | undefined;
  /** Longest pacing delay of the budget in milliseconds before the call is refused with a moment. Default 1000 */
  longestPacing?: number | undefined;
  /** First wait in milliseconds when the provider says "too many" without saying until when. Default 60,000 */
  rateLimitWait?: number | undefined;
  /** Conditional GETs from the identity's ETag cache. Default off */
  etags?:
    | {
        expected?:
          | ((request: { accept: string; authorization: string }, body: Uint8Array) => string)
          | undefined;
      }
    | undefined;
}

const maxRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);
/** Headers that never follow a redirect to another origin. */
const credentials = ["authorization", "cookie", "x-auth-key", "x-auth-email", "x-api-key"];
/** Quotas whose reserve holds back every call; others (search, graphql) only limit their own endpoints. */
const mainQuotas = new Set(["core", "default"]);

/** What a later attempt may find mended. */
const transientCodes: ReadonlySet<string> = new Set([
  "INTEGRATION_BUSY",
  "INTEGRATION_UNAVAILABLE",
  "INTEGRATION_TIMEOUT",
  "INTEGRATION_RESPONSE_INVALID",
]);

/** A path with what looks like an id replaced: numbers, UUIDs, long hexadecimal, and words that hold digits and dashes. */
function routeOf(_method: string, pathname: string): string {
  return pathname
    .split("/")
    .map((segment) =>
      /^\d+$|^[0-9a-f]{8,}$|^[0-9a-f-]{32,}$|^(?=.*\d)[a-z0-9]+-[a-z0-9-]+$/i.test(segment)
        ? "{id}"
        : segment,
    )
    .join("/");
}

/**
 * Makes a fetch for an SDK. 2xx, 3xx and 4xx answers come back as Responses (conditional ones replayed as 200).
 *
 * @throws FlaresmithError INTEGRATION_RATE_LIMITED with `until`; INTEGRATION_BREAKER_OPEN with `until`; for reads
 *   INTEGRATION_UNAVAILABLE, INTEGRATION_TIMEOUT, INTEGRATION_RESPONSE_INVALID after at most 5 attempts; for writes
 *   INTEGRATION_UNKNOWN_OUTCOME after the first; after at most 5 attempts of which the provider promised that nothing was
 *   applied INTEGRATION_BUSY or INTEGRATION_UNAVAILABLE. SDKs wrap them: `unwrapTransportError`
 */
export function createTransport(options: TransportOptions): Fetch {
  const transport = new Transport(options);
  return (input, init) => transport.send(input, init);
}

class Transport {
  readonly #options: TransportOptions;
  readonly #identity: ProviderIdentity;
  readonly #clock: Clock;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#identity = options.identity;
    this.#clock = options.clock;
  }

  async send(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = await plainRequest(input, init);
    const place = this.#place(request.method, request.url);
    const key = isSafe(request.method) ? undefined : this.#options.serialize?.(request);
    const send = (): Promise<PlainResponse> => this.#withRetries(request, place);
    const response = await (key === undefined
      ? send()
      : this.#identity.serializer.run(key, send, request.signal));
    return toResponse(response);
  }

  #place(method: string, url: URL): CallPlace {
    const { provider, connection, route } = this.#options;
    return { provider, connection, method, route: (route ?? routeOf)(method, url.pathname) };
  }

  async #withRetries(request: PlainRequest, place: CallPlace): Promise<PlainResponse> {
    const { clock, random, tracker } = this.#options;
    let attempts = 0;
    try {
      return await withRetries(
        { clock, random, isRetryable: (error) => this.#isRetryable(error, request) },
        (attempt) => {
          attempts = attempt;
          const run = (): Promise<PlainResponse> => this.#attempt(request, place);
          return this.#identity.queue.add(
            run,
            request.signal === undefined ? {} : { signal: request.signal },
          );
        },
        request.signal,
      );
    } finally {
      if (attempts > 1)
        tracker.retried({ provider: place.provider, operation: `${place.method} ${place.route}`, attempts });
    }
  }

  #isRetryable(error: unknown, request: PlainRequest): boolean {
    if (!(error instanceof FlaresmithError)) return false;
    if (error.until !== undefined) return false;
    if (!transientCodes.has(error.code)) return false;
    return isSafe(request.method) || this.#provesNothingApplied(Number(error.context["status"]));
  }

  #provesNothingApplied(status: number): boolean {
    return this.#options.safeStatuses?.includes(status) === true;
  }

  async #attempt(request: PlainRequest, place: CallPlace): Promise<PlainResponse> {
    const pass = await this.#admit(request, place);
    try {
      const response = await this.#exchange(request, place);
      this.#judgeRateLimit(response, place);
      this.#judgeStatus(response, request, place);
      this.#remember(response, request);
      // Where a redirect led to elsewhere speaks for itself only.
      if (new URL(response.url).origin === request.url.origin)
        this.#options.time?.heard(response.headers.get("date"));
      pass.success();
      this.#identity.gate.answered();
      return response;
    } catch (error) {
      // Who says what it is busy with answers as it should.
      if (isFlaresmithError(error, "INTEGRATION_BUSY")) pass.success();
      else if (isFailureOfProvider(error) && request.signal?.aborted !== true) pass.failure();
      else pass.neutral();
      throw error;
    }
  }

  /** Gate, budget, breaker: refused at once, or paced by less than a second or so. */
  async #admit(request: PlainRequest, place: CallPlace): Promise<BreakerPass> {
    const { gate, budget, breaker } = this.#identity;
    if (gate.closedUntil !== undefined) throw rateLimited(place, gate.closedUntil);
    const cost = this.#options.cost?.(request.method) ?? 1;
    const { granted, delay } = budget.take(cost, this.#options.longestPacing ?? 1000);
    if (!granted) throw rateLimited(place, this.#clock.now() + delay);
    if (delay > 0) {
      await this.#clock.sleep(delay, request.signal);
      if (gate.closedUntil !== undefined) throw rateLimited(place, gate.closedUntil);
    }
    const admission = breaker.acquire();
    if (admission.pass !== undefined) return admission.pass;
    throw breakerOpen(place, this.#clock.now() + admission.retryIn);
  }

  async #exchange(request: PlainRequest, place: CallPlace): Promise<PlainResponse> {
    const { clock, etags, deadline = 30_000 } = this.#options;
    const key = cacheKeyOf(request);
    const cached = this.#isConditional(request) ? this.#identity.etags.get(key) : undefined;
    const headers = new Headers(request.headers);
    if (cached !== undefined) {
      const authorization = headers.get("authorization") ?? "";
      const expected = etags?.expected?.({ accept: key.accept, authorization }, cached.body);
      headers.set("if-none-match", [...new Set([expected ?? cached.etag, cached.etag])].join(", "));
    }
    const response = await this.#fetchWithin(
      { clock, milliseconds: deadline },
      { ...request, headers },
      place,
    );
    if (!isSafe(request.method)) this.#identity.etags.invalidate(request.url.href);
    if (cached !== undefined && response.status === 304) {
      const replayed = new Headers(cached.headers.map(([name, value]): [string, string] => [name, value]));
      // Quotas and dates are of now; the body and its type are of then.
      for (const [name, value] of response.headers)
        if (!name.startsWith("content-")) replayed.set(name, value);
      replayed.set(cacheHeader, "hit");
      return { status: 200, headers: replayed, body: cached.body, url: response.url, replayed: true };
    }
    return response;
  }

  #isConditional({ method, headers }: PlainRequest): boolean {
    return this.#options.etags !== undefined && method === "GET" && !asksForFresh(headers);
  }

  /** Keeps an answer that was judged sound for conditional reads. */
  #remember(response: PlainResponse, request: PlainRequest): void {
    if (response.replayed === true || response.status !== 200 || !this.#isConditional(request)) return;
    const { headers, body, url } = response;
    const etag = headers.get("etag");
    const key = cacheKeyOf(request);
    // A 304 that does not say the time must not be taken to say that of then.
    const kept = [...headers].filter(([name]) => name !== "date");
    if (etag !== null && url === key.url) this.#identity.etags.set(key, { etag, body, headers: kept });
  }

  async #fetchWithin(
    deadline: { clock: Clock; milliseconds: number },
    request: PlainRequest,
    place: CallPlace,
  ): Promise<PlainResponse> {
    try {
      return await withDeadline(deadline, (signal) => this.#follow(request, place, signal), request.signal);
    } catch (error) {
      if (error instanceof FlaresmithError) {
        throw error.code === "INTEGRATION_RESPONSE_INVALID"
          ? invalidAnswer(place, error.message, error)
          : error;
      }
      // A read that its caller gave up is nobody's failure; a write may have arrived.
      if (request.signal?.aborted === true && isSafe(request.method)) throw request.signal.reason;
      throw noAnswer(place, error);
    }
  }

  /** Follows redirects: with credentials only within the origin, elsewhere only reads and without them. */
  async #follow(request: PlainRequest, place: CallPlace, signal: AbortSignal): Promise<PlainResponse> {
    let { url, headers } = request;
    for (let hop = 0; ; hop++) {
      const response = await this.#hop({ ...request, url, headers }, signal);
      const location = response.headers.get("location");
      if (!redirects.has(response.status) || location === null) return response;
      const next = new URL(location, url);
      const foreign = next.origin !== url.origin;
      // The write was dealt with, and there is what it led to (RFC 9110 §15.4.4): GitHub's word for a duplicate.
      if (response.status === 303 && !isSafe(request.method) && !foreign) return response;
      const changesMethod = response.status < 304 && !isSafe(request.method);
      const downgrade = url.protocol === "https:" && next.protocol !== "https:";
      if (hop >= maxRedirects || changesMethod || downgrade || (foreign && !isSafe(request.method))) {
        throw invalidAnswer(place, "a redirect that is not followed");
      }
      if (foreign) {
        headers = new Headers(headers);
        for (const name of [...credentials, "if-none-match"]) headers.delete(name);
      }
      url = next;
    }
  }

  async #hop(request: PlainRequest, signal: AbortSignal): Promise<PlainResponse> {
    const started = this.#clock.monotonic();
    const { method, url, headers, body } = request;
    let code = "network";
    try {
      const init: RequestInit = {
        method,
        headers,
        redirect: "manual",
        signal,
        ...(body === null ? {} : { body }),
      };
      const response = await this.#options.fetch(url.href, init);
      const whole = await readWhole(response, url.href, this.#options.maxBytes ?? 32 * 1024 * 1024);
      code = whole.status === 304 ? "cached" : String(whole.status);
      return whole;
    } catch (error) {
      if (signal.reason instanceof DeadlineExceeded) code = "timeout";
      throw error;
    } finally {
      this.#count({ method, url, code, duration: this.#clock.monotonic() - started });
    }
  }

  #count(call: { method: string; url: URL; code: string; duration: number }): void {
    const { tracker, journal } = this.#options;
    const { provider, connection, method, route } = this.#place(call.method, call.url);
    tracker.providerRequest({
      provider,
      connection,
      method,
      route,
      code: call.code,
      seconds: call.duration / 1000,
    });
    journal?.record({
      provider,
      connection,
      method,
      path: tracker.secrets.redact(call.url.pathname),
      route,
      code: call.code,
      duration: call.duration,
    });
  }

  #judgeRateLimit(response: PlainResponse, place: CallPlace): void {
    const { status, headers } = response;
    const now = this.#clock.now();
    const { gate } = this.#identity;
    const quota = parseQuota(headers, now);
    if (quota !== undefined) {
      this.#options.tracker.providerQuota({
        provider: place.provider,
        connection: place.connection,
        ...quota,
      });
    }
    if (isRateLimited(status, headers, status === 403 ? textOf(response) : "")) {
      const until = parseRetryAfter(headers, now) ?? (quota?.remaining === 0 ? quota.resetAt : undefined);
      if (until !== undefined && until > now) gate.close(until);
      else gate.closeWithBackOff(this.#options.rateLimitWait ?? 60_000);
      throw rateLimited(place, gate.closedUntil ?? now);
    }
    // Others use this identity too: what is beyond our share is theirs.
    const { limit, remaining, resetAt, resource } = quota ?? {};
    if (limit === undefined || remaining === undefined || resetAt === undefined) return;
    const reserve = limit * (1 - this.#identity.share);
    if (mainQuotas.has(resource ?? "") && remaining < Math.max(1, reserve)) gate.close(resetAt);
  }

  #judgeStatus(response: PlainResponse, request: PlainRequest, place: CallPlace): void {
    const { status, headers } = response;
    const until = parseRetryAfter(headers, this.#clock.now());
    const nothingApplied = this.#provesNothingApplied(status);
    if (nothingApplied && status < 500) throw busy(place, status, until);
    if (status >= 500 || status === 408)
      throw serverFailure(place, { status, body: textOf(response), until, nothingApplied });
    // What is replayed was judged when it was remembered.
    const broken =
      response.replayed === true ? undefined : brokenAnswer(response, request.headers.get("accept") ?? "");
    if (broken !== undefined) throw invalidAnswer(place, broken);
  }
}

const cacheKeyOf = ({ url, headers }: PlainRequest): { url: string; accept: string } => ({
  url: url.href,
  accept: headers.get("accept") ?? "",
});

/** Callers that confirm their own writes say so: a cached answer must not. */
function asksForFresh(headers: Headers): boolean {
  return /no-cache|no-store/i.test(headers.get("cache-control") ?? "") || headers.has("range");
}

const textOf = ({ body }: PlainResponse): string => new TextDecoder().decode(body.subarray(0, 4096));

function isFailureOfProvider(error: unknown): boolean {
  if (!(error instanceof FlaresmithError)) return false;
  const failures = [
    "INTEGRATION_UNAVAILABLE",
    "INTEGRATION_TIMEOUT",
    "INTEGRATION_RESPONSE_INVALID",
    "INTEGRATION_UNKNOWN_OUTCOME",
  ];
  return failures.includes(error.code);
}
