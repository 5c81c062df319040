/** What can go wrong between the controller and a provider, in the words of the error table. */
import { DeadlineExceeded } from "./deadline.ts";
import { FlaresmithError } from "./errors.ts";
import { networkCode, wasNeverSent } from "./network-error.ts";
import { isSafe } from "./transport-request.ts";

/** Where a call went, for messages: the route and not the path, so that messages are deterministic. */
export interface CallPlace {
  readonly provider: string;
  readonly connection: string;
  readonly method: string;
  readonly route: string;
}

const contextOf = ({ provider, connection, method, route }: CallPlace): Record<string, string> => ({
  provider,
  connection,
  method,
  route,
});
const callOf = ({ method, route }: CallPlace): string => `${method} ${route}`;

export function rateLimited(place: CallPlace, until: number): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_RATE_LIMITED",
    message: `${place.provider} takes no more calls of this identity for now`,
    until,
    context: contextOf(place),
  });
}

export function breakerOpen(place: CallPlace, until: number): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_BREAKER_OPEN",
    message: `${place.provider} does not answer as it should`,
    until,
    context: contextOf(place),
  });
}

/** A status below 500 that proves the request was not applied, such as Neon's 423. */
export function busy(place: CallPlace, status: number, until?: number): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_BUSY",
    message: `${place.provider} answers ${status} to ${callOf(place)}: it is busy with an earlier change`,
    context: { ...contextOf(place), status: String(status) },
    ...(until === undefined ? {} : { until }),
  });
}

/**
 * A status of 500 or more: for a write it is not known whether it was applied, unless the provider promises that it was
 * not.
 */
export function serverFailure(
  place: CallPlace,
  answer: { status: number; body: string; until: number | undefined; nothingApplied: boolean },
): FlaresmithError {
  const { body, nothingApplied, status, until } = answer;
  return new FlaresmithError({
    code: isSafe(place.method) || nothingApplied ? "INTEGRATION_UNAVAILABLE" : "INTEGRATION_UNKNOWN_OUTCOME",
    message: `${place.provider} answers ${status} to ${callOf(place)}`,
    context: { ...contextOf(place), status: String(status) },
    cause: new Error(body.slice(0, 500)),
    ...(until === undefined ? {} : { until }),
  });
}

/** An answer that is not what the API documents; a write may have been applied all the same. */
export function invalidAnswer(place: CallPlace, what: string, cause?: unknown): FlaresmithError {
  return new FlaresmithError({
    code: isSafe(place.method) ? "INTEGRATION_RESPONSE_INVALID" : "INTEGRATION_UNKNOWN_OUTCOME",
    message: `${place.provider} answers ${callOf(place)} with ${what}`,
    context: contextOf(place),
    cause,
  });
}

/** No answer: refused, reset, timed out. For a write that may have been sent the outcome is unknown. */
export function noAnswer(place: CallPlace, error: unknown): FlaresmithError {
  const code = networkCode(error);
  const timedOut = error instanceof DeadlineExceeded;
  const why = timedOut ? "within its deadline" : code === undefined ? "(network error)" : `(${code})`;
  const readable = timedOut ? "INTEGRATION_TIMEOUT" : "INTEGRATION_UNAVAILABLE";
  return new FlaresmithError({
    code: isSafe(place.method) || wasNeverSent(error) ? readable : "INTEGRATION_UNKNOWN_OUTCOME",
    message: `no answer from ${place.provider} to ${callOf(place)} ${why}`,
    context: contextOf(place),
    cause: error,
  });
}

/**
 * The error of ours inside whatever an SDK made of it: SDKs wrap what fetch throws, each in its own way, with `cause`.
 */
export function unwrapTransportError(error: unknown): FlaresmithError | undefined {
  const seen = new Set<unknown>();
  for (let current = error; current instanceof Error && !seen.has(current); current = current.cause) {
    if (current instanceof FlaresmithError) return current;
    seen.add(current);
  }
  return undefined;
}
