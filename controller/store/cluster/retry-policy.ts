/** What the client repeats by itself: little, soon, and only where repeating cannot do anything twice. */
import type { Random } from "../../runtime/clock.ts";
import { retryDelay } from "../../runtime/retry.ts";
import { ApiError } from "../resource-client.ts";
import { ApiUnreachableError } from "./api-error.ts";

/** Attempts in all. */
const ATTEMPTS = 3;
/** The longest that a worker is held for one wait, in milliseconds. A server that asks for more is asked again by the queue. */
const LONGEST_WAIT = 2_000;

/** Answers of a server or something before it that is overloaded or starting; a read may simply be asked again. */
const passing = new Set([500, 502, 503, 504]);

/**
 * Whether and when to send a request again.
 *
 * 429 comes from before any handler (API priority and fairness), so whatever was sent was not done; the same goes for a
 * request that never left. All else may have been done, and is repeated only where it changes nothing.
 *
 * @param failed the attempt that failed, from 1
 * @returns milliseconds to wait; undefined when the error stands
 * @see https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
 */
export function waitBeforeRetry(options: {
  method: string;
  error: unknown;
  failed: number;
  random: Random;
}): number | undefined {
  const { error, failed, method, random } = options;
  if (failed >= ATTEMPTS || !(error instanceof ApiError)) return undefined;
  const undone = error.code === 429 || (error instanceof ApiUnreachableError && error.unsent);
  const harmless = method === "GET" && passing.has(error.code) && !isHopeless(error);
  if (!undone && !harmless) return undefined;
  const asked = error.details.retryAfterSeconds;
  const wait = asked === undefined ? retryDelay(failed, { random }) : asked * 1000;
  return wait > LONGEST_WAIT ? undefined : wait;
}

/** A deadline that was run into was long enough to wait; a revision of the future does not come sooner for asking. */
function isHopeless(error: ApiError): boolean {
  return error.code === 504 && (error instanceof ApiUnreachableError || error.causes.length > 0);
}
