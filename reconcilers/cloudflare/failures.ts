/** What Cloudflare's answers mean: every failure of a call becomes one of our errors here, and nowhere else. */
import type { ErrorCode } from "../../controller/runtime/error-codes.ts";
import { FlaresmithError } from "../../controller/runtime/errors.ts";

/** What a call is for, so that its failure can be told to people. */
export interface Purpose {
  /** What is done to which object, as a gerund: `uploading the Worker shop-api-dev`. */
  what: string;
  /** Name of the token permission that the call needs, as Cloudflare's dashboard calls it. */
  permission: string;
  /** Whether the call changes something: then no clear answer means that the outcome is unknown. */
  write: boolean;
  /** Field of the spec that asked for it. */
  field?: string | undefined;
}

/** One entry of the envelope's `errors`. */
export interface ApiError {
  code: number;
  message: string;
}

/** An answer that is no success. */
export interface Failure {
  status: number;
  errors: readonly ApiError[];
  /** Seconds, from `Retry-After`; undefined when it was not sent. */
  retryAfter?: number | undefined;
}

/** How long, in milliseconds, Cloudflare blocks a token that went over its limit (docs, "Rate limits"). */
const BLOCK = 300_000;

const provider = "cloudflare";

function describeErrors(errors: readonly ApiError[]): string {
  const texts = errors.map((error) => `${error.message.trim().replace(/[.\s]+$/, "")} (${error.code})`);
  return [...new Set(texts)].toSorted().join("; ");
}

function make(
  code: ErrorCode,
  purpose: Purpose,
  message: string,
  extra: { hint?: string; until?: number; context?: Record<string, string>; cause?: unknown } = {},
): FlaresmithError {
  return new FlaresmithError({
    code,
    message,
    ...(extra.hint === undefined ? {} : { hint: extra.hint }),
    ...(extra.until === undefined ? {} : { until: extra.until }),
    ...(purpose.field === undefined ? {} : { field: purpose.field }),
    ...(extra.cause === undefined ? {} : { cause: extra.cause }),
    context: { provider, ...extra.context },
  });
}

/**
 * Codes that say more than their status does, per research of the live API and Cloudflare's SDK and wrangler sources.
 * Everything else is judged by status.
 */
const byCode: Readonly<Record<number, { code: ErrorCode; hint: string }>> = Object.freeze({
  10027: {
    code: "SPEC_BUNDLE_UNSUPPORTED",
    hint: "Make the bundle smaller: Cloudflare's plan limits the size of a Worker.",
  },
  10063: {
    code: "INTEGRATION_REJECTED",
    hint: "Choose the account's workers.dev subdomain once, in Cloudflare's dashboard under Workers & Pages.",
  },
  10037: {
    code: "INTEGRATION_PLAN_LIMIT",
    hint: "Delete Workers that are not needed, or move the account to a larger plan.",
  },
  7406: {
    code: "INTEGRATION_PLAN_LIMIT",
    hint: "Delete what is not needed in the account, or move it to a larger plan.",
  },
  10042: {
    code: "INTEGRATION_UNSUPPORTED_BY_PLAN",
    hint: "Enable R2 for the account in Cloudflare's dashboard, or remove the buckets from the spec.",
  },
  10064: {
    code: "INTEGRATION_REJECTED",
    hint: "Detach the Worker from the queue that it consumes, then it can be deleted.",
  },
  // The binding that was to be kept went away since it was seen; and the Worker that is to go is still bound to.
  10057: {
    code: "INTEGRATION_CONFLICT",
    hint: "The Worker's bindings are read again and the upload is repeated.",
  },
  10142: {
    code: "INTEGRATION_CONFLICT",
    hint: "Remove the service bindings of the named Workers; then it is deleted by itself.",
  },
  10014: {
    code: "INTEGRATION_NAME_CONFLICT",
    hint: "Choose another name in spec.cloudflare.names, or delete the KV namespace that has it.",
  },
  10004: {
    code: "INTEGRATION_NAME_CONFLICT",
    hint: "Choose another name in spec.cloudflare.names, or delete the R2 bucket that has it.",
  },
  100116: {
    code: "INTEGRATION_NAME_CONFLICT",
    hint: "Remove the hostname from the Worker that has it, or choose another hostname.",
  },
  100117: {
    code: "INTEGRATION_NAME_CONFLICT",
    hint: "Delete the DNS records of the hostname in Cloudflare's dashboard, or choose another hostname.",
  },
  // The route did not show when the routes were read: ours that was not visible yet, or one that another made just now.
  // Which of them the next reading says.
  10020: {
    code: "INTEGRATION_CONFLICT",
    hint: "The zone's routes are read again; if the pattern leads to another Worker, that is said then.",
  },
});

/**
 * Not there yet: targets of an upload that were created a moment ago, and scripts that were, are unknown to other parts
 * of Cloudflare for some seconds (workers-sdk and alchemy sources).
 */
const settling: ReadonlySet<number> = new Set([10041, 10085, 10144, 10013, 10001]);

/** The error that a failed call ends in. Deterministic: Cloudflare's texts carry no request ids. */
export function failureError(failure: Failure, purpose: Purpose, now: number): FlaresmithError {
  const { errors, status } = failure;
  const said = errors.length === 0 ? `HTTP ${status}` : describeErrors(errors);
  const message = `${purpose.what}: Cloudflare answered ${said}`;
  const codes = errors.map((error) => error.code);
  const context = {
    status: String(status),
    ...(codes.length === 0 ? {} : { codes: [...new Set(codes)].sort((a, b) => a - b).join(",") }),
  };
  if (status === 429 || codes.includes(971)) {
    const until = now + (failure.retryAfter === undefined ? BLOCK : failure.retryAfter * 1000);
    return make("INTEGRATION_RATE_LIMITED", purpose, message, { until, context });
  }
  if (status === 401 || codes.some((code) => [6003, 6111, 9106].includes(code))) {
    return make("INTEGRATION_CREDENTIALS_INVALID", purpose, message, {
      context,
      hint: "Put a valid Cloudflare API token into the key apiToken of the Secret that the Connection's credentials.secretRef names.",
    });
  }
  for (const code of codes) {
    const known = byCode[code];
    if (known) return make(known.code, purpose, message, { hint: known.hint, context });
  }
  // After the codes: what the account does not have is refused with 403 too (R2 docs, "Error codes": 10042).
  if (status === 403) {
    return make("INTEGRATION_PERMISSION_MISSING", purpose, message, {
      context,
      hint: `Give the Connection's API token the permission "${purpose.permission}" for this account or zone.`,
    });
  }
  if (status === 423) return make("INTEGRATION_BUSY", purpose, message, { context });
  if (status >= 500 || status === 408) {
    return make(purpose.write ? "INTEGRATION_UNKNOWN_OUTCOME" : "INTEGRATION_UNAVAILABLE", purpose, message, {
      context,
    });
  }
  if (status === 404) return make("INTEGRATION_NOT_FOUND", purpose, message, { context });
  if (codes.some((code) => settling.has(code)))
    return make("INTEGRATION_NOT_FOUND", purpose, message, { context });
  if (status === 409 || status === 412) return make("INTEGRATION_CONFLICT", purpose, message, { context });
  if (status < 400 && !purpose.write)
    return make("INTEGRATION_RESPONSE_INVALID", purpose, message, { context });
  return make("INTEGRATION_REJECTED", purpose, message, { context });
}

/** The error for an answer that is not Cloudflare's envelope, or does not hold what it should. */
export function invalidAnswer(purpose: Purpose, problem: string): FlaresmithError {
  return make(
    purpose.write ? "INTEGRATION_UNKNOWN_OUTCOME" : "INTEGRATION_RESPONSE_INVALID",
    purpose,
    `${purpose.what}: ${problem}`,
  );
}

/** The error for a call that no answer came to. The transport's own errors pass as they are. */
export function unansweredError(thrown: unknown, purpose: Purpose): FlaresmithError {
  for (
    let cause: unknown = thrown, depth = 0;
    cause instanceof Error && depth < 8;
    cause = cause.cause, depth += 1
  ) {
    if (cause instanceof FlaresmithError) return cause;
  }
  const code = purpose.write ? "INTEGRATION_UNKNOWN_OUTCOME" : "INTEGRATION_UNAVAILABLE";
  return make(code, purpose, `${purpose.what}: no answer came from Cloudflare`, { cause: thrown });
}

/**
 * Whether an error is Cloudflare's own word that a thing does not exist: a 404 in its envelope with one of these codes.
 * A 404 without them (a proxy's page, 7003 "could not route") proves nothing (law 1).
 */
export function isAbsence(error: unknown, codes: readonly number[]): boolean {
  if (!(error instanceof FlaresmithError) || error.context["status"] !== "404") return false;
  return (error.context["codes"] ?? "").split(",").some((code) => codes.includes(Number(code)));
}

/** Whether an error carries one of Cloudflare's codes, whatever its status. */
export function hasCode(error: unknown, codes: readonly number[]): error is FlaresmithError {
  if (!(error instanceof FlaresmithError)) return false;
  return (error.context["codes"] ?? "")
    .split(",")
    .some((code) => code !== "" && codes.includes(Number(code)));
}
