/** Answers of a Kubernetes API that refuse, as {@link ApiError}. */
import { DeadlineExceeded } from "../../runtime/deadline.ts";
import { errorText } from "../../runtime/errors.ts";
import { networkCode, wasNeverSent } from "../../runtime/network-error.ts";
import { ApiError, type StatusCause } from "../resource-client.ts";

/** Reasons of answers whose body is no `Status`, e.g. from a proxy in between. */
const REASONS: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  405: "MethodNotAllowed",
  406: "NotAcceptable",
  409: "Conflict",
  410: "Expired",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

/** Only in the API's own words is a 404 about an object. */
const NOT_FOUND = "NotFound";
/** Seconds: whoever asks for more patience is asked again all the same, because a wrong header must not stop anything. */
const LONGEST_PATIENCE = 60;

/** How much of a body that is no `Status` goes into the message. */
const QUOTE_LENGTH = 200;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function causesOf(value: unknown): StatusCause[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map(({ reason, message, field }) => ({
    reason: typeof reason === "string" ? reason : "",
    message: typeof message === "string" ? message : "",
    ...(typeof field === "string" ? { field } : {}),
  }));
}

/** No answer came: refused, broken off, or too late. Of a write it is not known then whether it was done. */
export class ApiUnreachableError extends ApiError {
  /** Whether the request cannot have left: then it was not done. */
  readonly unsent: boolean;

  constructor(server: string, cause: unknown) {
    const late = cause instanceof DeadlineExceeded;
    const code = networkCode(cause);
    const why = late ? cause.message : `${errorText(cause)}${code === undefined ? "" : ` (${code})`}`;
    super({
      ...(late ? { code: 504, reason: "Timeout" } : { code: 503, reason: "ServiceUnavailable" }),
      message: `no answer from the API server at ${server}: ${why}`,
      cause,
    });
    this.name = "ApiUnreachableError";
    this.unsent = wasNeverSent(cause);
  }
}

/** The seconds of a `Retry-After` header. */
function secondsOf(header: string | string[] | undefined): number | undefined {
  const text = [header].flat()[0];
  return text !== undefined && /^\d{1,6}$/.test(text) ? patience(Number(text)) : undefined;
}

const patience = (seconds: number): number => Math.min(seconds, LONGEST_PATIENCE);

function reasonOf(reason: unknown, code: number): string {
  if (typeof reason === "string") return reason;
  return code === 404 ? NOT_FOUND : (REASONS[code] ?? "Unknown");
}

/** @param status a parsed `Status` @param code HTTP status, for a Status that names none */
export function errorOfStatus(status: Record<string, unknown>, code: number): ApiError {
  const details = isRecord(status["details"]) ? status["details"] : {};
  const { name, group, kind, retryAfterSeconds } = details;
  const actual = typeof status["code"] === "number" ? status["code"] : code;
  return new ApiError({
    code: actual,
    reason: reasonOf(status["reason"], actual),
    message: typeof status["message"] === "string" ? status["message"] : `the API server answered ${actual}`,
    causes: causesOf(details["causes"]),
    details: {
      ...(typeof name === "string" ? { name } : {}),
      ...(typeof group === "string" ? { group } : {}),
      ...(typeof kind === "string" ? { kind } : {}),
      ...(typeof retryAfterSeconds === "number" ? { retryAfterSeconds: patience(retryAfterSeconds) } : {}),
    },
  });
}

/** @param retryAfter the answer's `Retry-After` header */
export function errorOfAnswer(code: number, text: string, retryAfter?: string | string[]): ApiError {
  const seconds = secondsOf(retryAfter);
  const later = seconds === undefined ? {} : { retryAfterSeconds: seconds };
  try {
    const body: unknown = JSON.parse(text);
    if (isRecord(body) && body["kind"] === "Status") {
      return errorOfStatus(
        { ...body, details: { ...later, ...(body["details"] as object | undefined) } },
        code,
      );
    }
  } catch {
    // No JSON: what there is goes into the message.
  }
  const quote = `${code}: ${text.slice(0, QUOTE_LENGTH).trim()}`;
  if (code === 404) {
    // Of a load balancer without backends, or of a server that does not serve the kind yet.
    return new ApiError({
      code: 503,
      reason: "ServiceUnavailable",
      message: `what answered is no Kubernetes API, or one that does not serve this kind: ${quote}`,
      details: later,
    });
  }
  return new ApiError({
    code,
    reason: REASONS[code] ?? "Unknown",
    message: `the API server answered ${quote}`,
    details: later,
  });
}
