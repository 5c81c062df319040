/**
 * The one error type that crosses a boundary. Provider clients, the store and sources classify where the answer arrives;
 * nothing above them ever looks at an SDK's error.
 */
import { errorCodes } from "./error-codes.ts";
import type { ErrorClass, ErrorCode, RetryPolicy, Severity } from "./error-codes.ts";

export { errorCodes } from "./error-codes.ts";
export type { ErrorClass, ErrorCode } from "./error-codes.ts";

export interface FlaresmithErrorOptions {
  code: ErrorCode;
  /** What is the case, where, which input. Deterministic: no ids of requests, no times, lists sorted. */
  message: string;
  /** Only where the place knows better than the table. Default: the code's class. */
  class?: ErrorClass;
  /** Wall clock (ms since the epoch, of the injected clock) before which trying again is pointless. */
  until?: number;
  /** What to do about it. Default: the code's hint. */
  hint?: string;
  /** Path of the field in the object's spec, e.g. `spec.github.repository`. */
  field?: string;
  /** Safe facts for people and logs; never secrets. Keys in lowerCamelCase; `provider` names the provider. */
  context?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** An error that says what the queue, the condition and the reader should do about it. */
export class FlaresmithError extends Error {
  readonly code: ErrorCode;
  readonly class: ErrorClass;
  readonly until?: number;
  readonly hint: string;
  readonly field?: string;
  readonly context: Readonly<Record<string, string>>;

  constructor(options: FlaresmithErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "FlaresmithError";
    this.code = options.code;
    this.class = options.class ?? errorCodes[options.code].class;
    this.hint = options.hint ?? errorCodes[options.code].hint;
    this.context = Object.freeze({ ...options.context });
    if (options.until !== undefined) this.until = options.until;
    if (options.field !== undefined) this.field = options.field;
  }
}

/** Whether a Secret, or a key in one, must be made first: Secrets are not watched, so nobody is told when it is there. */
export function awaitsSecret(error: FlaresmithError): boolean {
  return error.code === "SPEC_SECRET_MISSING" || error.code === "SPEC_SECRET_KEY_MISSING";
}

/** The `reason` of the condition that carries this error. */
export function conditionReason(error: FlaresmithError): string {
  return errorCodes[error.code].conditionReason;
}

/**
 * The `message` of the condition that carries this error: what, which field, what to do. Deterministic as long as the
 * error's own message is.
 */
export function conditionMessage(error: FlaresmithError): string {
  const place = error.field !== undefined && !error.message.includes(error.field) ? `${error.field}: ` : "";
  const sentence = /[.!?]$/.test(error.message) ? error.message : `${error.message}.`;
  return error.message.includes(error.hint) ? `${place}${sentence}` : `${place}${sentence} ${error.hint}`;
}

/** The code as clients see it: integration codes name their provider, e.g. `INTEGRATION_NEON_UNAVAILABLE`. */
export function publicCode(error: FlaresmithError): string {
  const provider = error.context["provider"];
  if (provider === undefined || !error.code.startsWith("INTEGRATION_")) return error.code;
  const segment = provider.toUpperCase().replace(/[^A-Z0-9]+/g, "_");
  return `INTEGRATION_${segment}_${error.code.slice("INTEGRATION_".length)}`;
}

/** The codes of an error and of its causes, outermost first, each once. Causes that are not ours do not appear. */
export function causeChain(error: FlaresmithError): string[] {
  const codes = new Set<string>();
  const seen = new Set<unknown>();
  let current: unknown = error.cause;
  while (current instanceof Error && !seen.has(current)) {
    seen.add(current);
    if (current instanceof FlaresmithError) codes.add(publicCode(current));
    current = current.cause;
  }
  codes.delete(publicCode(error));
  return [...codes];
}

/** The body of every HTTP error of ours (DESIGN §11). */
export interface ErrorEnvelope {
  error: {
    code: string;
    message: string;
    severity: Severity;
    retryPolicy: RetryPolicy;
    requestId: string;
    /** RFC 3339. */
    timestamp: string;
    context: Record<string, string>;
    hint: string;
    causeChain: string[];
    details?: Record<string, unknown>;
  };
}

/**
 * Serialises an error for HTTP. Stacks and foreign causes stay in the logs.
 *
 * @returns the body, and the HTTP status that goes with it
 */
export function errorEnvelope(options: {
  error: FlaresmithError;
  requestId: string;
  /** RFC 3339, of the injected clock. */
  timestamp: string;
  details?: Record<string, unknown>;
}): { status: number; body: ErrorEnvelope } {
  const { error } = options;
  const { severity, retryPolicy, httpStatus } = errorCodes[error.code];
  const context = { ...error.context, ...(error.field === undefined ? {} : { field: error.field }) };
  return {
    status: httpStatus,
    body: {
      error: {
        code: publicCode(error),
        message: error.message,
        severity,
        retryPolicy,
        requestId: options.requestId,
        timestamp: options.timestamp,
        context,
        hint: error.hint,
        causeChain: causeChain(error),
        ...(options.details === undefined ? {} : { details: options.details }),
      },
    },
  };
}

/** Whether an error is a {@link FlaresmithError}, optionally with this code. */
export function isFlaresmithError(error: unknown, code?: ErrorCode): error is FlaresmithError {
  return error instanceof FlaresmithError && (code === undefined || error.code === code);
}

/** The text of anything that was thrown, for logs. */
export function errorText(error: unknown): string {
  if (error instanceof Error) return error.message === "" ? error.name : error.message;
  return typeof error === "string" ? error : `a ${typeof error} was thrown that is no Error`;
}
