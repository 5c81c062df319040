/** What a reflector does after a listing or a watch went wrong: decided by what the API said, and by nothing else. */
import { ApiError } from "../store/resource-client.ts";

/** Why a reflector began something anew, as metrics count it. */
export type RestartReason =
  /** The server ended the watch in order. */
  | "ended"
  /** The watch ended as soon as it began. */
  | "ended at once"
  /** The revision is older than the server's memory. */
  | "expired"
  /** The server asks for patience (429). */
  | "throttled"
  /** The server failed, or could not be reached. */
  | "unavailable"
  /** The server failed inside for so long that the watch is given up for a listing. */
  | "failing"
  /** Nothing was heard for too long. */
  | "silent"
  /** Something was heard that cannot be understood. */
  | "malformed"
  /** The server refuses, e.g. for want of permission. */
  | "refused"
  /** The server does not send what exists by watch. */
  | "no initial events";

export interface Recovery {
  readonly reason: RestartReason;
  /** Go on watching from the last revision, or list. */
  readonly next: "watch" | "list";
  /** Milliseconds that the server asked to wait; the back-off may be longer. */
  readonly asked?: number;
}

/** How long a watch is retried at a server that fails inside (500), in milliseconds, before the listing is made anew. */
const INTERNAL_ERROR_PATIENCE = 60_000;

/**
 * After a watch that was refused, broke off, or ended with an ERROR event.
 * @param failingFor milliseconds since the first failure in a row
 * @see https://github.com/kubernetes/client-go/blob/master/tools/cache/reflector.go (handleAnyWatch, watchWithResync)
 */
export function afterWatch(error: unknown, failingFor: number): Recovery {
  if (!(error instanceof ApiError)) return { reason: "malformed", next: "list" };
  const asked = askedOf(error);
  if (isExpired(error)) return { reason: "expired", next: "list" };
  if (error.code === 429) return { reason: "throttled", next: "watch", ...asked };
  if (error.code === 500 && failingFor > INTERNAL_ERROR_PATIENCE) return { reason: "failing", next: "list" };
  // What was seen is still true: listing again would burden a server that is in trouble already.
  if (error.code >= 500) return { reason: "unavailable", next: "watch", ...asked };
  return { reason: "refused", next: "list" };
}

/** After a listing that failed. */
export function afterList(error: unknown): Recovery {
  if (!(error instanceof ApiError)) return { reason: "malformed", next: "list" };
  if (isExpired(error)) return { reason: "expired", next: "list" };
  const reason = error.code === 429 ? "throttled" : error.code >= 500 ? "unavailable" : "refused";
  return { reason, next: "list", ...askedOf(error) };
}

/** Refusals that are about who asks, when, or what exists: a listing would meet them as well. */
const notAboutTheRequest = [401, 403, 404, 408, 410, 429];

/** Whether a server says that it does not send what exists by watch (`sendInitialEvents`): mostly 422, or 400. */
export function refusesInitialEvents(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.code < 400 || error.code >= 500) return false;
  return !notAboutTheRequest.includes(error.code);
}

/** Whether a revision that was asked for is of no use any more: older than what is remembered, or of a future that was lost. */
export function isExpired(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.code === 410 || error.causes.some(({ reason }) => reason === "ResourceVersionTooLarge");
}

function askedOf(error: ApiError): { asked?: number } {
  const seconds = error.details.retryAfterSeconds;
  return seconds === undefined ? {} : { asked: seconds * 1000 };
}
