/** Turns Neon's answers into FlaresmithErrors: `{request_id?, code, message}`, where `code` is often empty. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ErrorCode } from "../../controller/runtime/errors.ts";

export interface NeonFailure {
  status: number;
  message: string;
}

/** Neon's own words; a body that is no JSON says nothing to people. */
export function failureOf(status: number, body: unknown): NeonFailure {
  const message = typeof body === "object" && body !== null && "message" in body ? body.message : undefined;
  return { status, message: typeof message === "string" && message !== "" ? message : "the answer holds no message" };
}

/** "limit reached", "exceeds the limit", "maximum number of …": Neon names plan limits in words only. */
const planLimit = /limit (?:is |was )?(?:reached|exceeded)|exceed(?:s|ed)? (?:the |your )?.*limit|maximum (?:number|amount) of|upgrade your plan/i;
/** Neon's random-API test retries this answer (research, "Cross-cutting"). */
const notReady = /not ready yet/i;

function codeOf({ status, message }: NeonFailure, write: boolean): ErrorCode {
  if (status === 401) return "INTEGRATION_CREDENTIALS_INVALID";
  if (planLimit.test(message) && status !== 429) return "INTEGRATION_PLAN_LIMIT";
  if (status === 403) return "INTEGRATION_PERMISSION_MISSING";
  if (status === 404) return "INTEGRATION_NOT_FOUND";
  if (status === 409) return "INTEGRATION_CONFLICT";
  // 423 and 503 say that nothing was done; they are the two answers Neon declares safe to repeat.
  if (status === 423 || notReady.test(message)) return "INTEGRATION_BUSY";
  if (status === 429) return "INTEGRATION_RATE_LIMITED";
  if (status === 503) return "INTEGRATION_UNAVAILABLE";
  if (status >= 500) return write ? "INTEGRATION_UNKNOWN_OUTCOME" : "INTEGRATION_UNAVAILABLE";
  return "INTEGRATION_REJECTED";
}

/** @param what what was done to which object, as a gerund: `creating the branch staging` */
export function failureError(failure: NeonFailure, what: string, write: boolean): FlaresmithError {
  return new FlaresmithError({
    code: codeOf(failure, write),
    message: `Neon answered ${failure.status} to ${what}: ${failure.message}`,
    context: { provider: "neon" },
  });
}
