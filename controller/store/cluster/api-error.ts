/** Answers of a Kubernetes API that refuse, as {@link ApiError}. */
import { ApiError, type StatusCause } from "../resource-client.ts";

/** Reasons of answers whose body is no `Status`, e.g. from a proxy in between. */
const REASONS: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
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

/** @param status a parsed `Status` @param code HTTP status, for a Status that names none */
export function errorOfStatus(status: Record<string, unknown>, code: number): ApiError {
  const details = isRecord(status["details"]) ? status["details"] : {};
  const { name, group, kind, retryAfterSeconds } = details;
  const actual = typeof status["code"] === "number" ? status["code"] : code;
  return new ApiError({
    code: actual,
    reason: typeof status["reason"] === "string" ? status["reason"] : (REASONS[actual] ?? "Unknown"),
    message: typeof status["message"] === "string" ? status["message"] : `the API server answered ${actual}`,
    causes: causesOf(details["causes"]),
    details: {
      ...(typeof name === "string" ? { name } : {}),
      ...(typeof group === "string" ? { group } : {}),
      ...(typeof kind === "string" ? { kind } : {}),
      ...(typeof retryAfterSeconds === "number" ? { retryAfterSeconds } : {}),
    },
  });
}

/** The refusal in an answer whose status is not 2xx. */
export function errorOfAnswer(code: number, text: string): ApiError {
  try {
    const body: unknown = JSON.parse(text);
    if (isRecord(body) && body["kind"] === "Status") return errorOfStatus(body, code);
  } catch {
    // No JSON: what there is goes into the message.
  }
  return new ApiError({
    code,
    reason: REASONS[code] ?? "Unknown",
    message: `the API server answered ${code}: ${text.slice(0, QUOTE_LENGTH).trim()}`,
  });
}
